/* SPDX-License-Identifier: BSD-3-Clause */
/* The agent's program (guest/agent.c), as bytes: it is put into every node. */
__asm__(".section .rodata\n"
        ".global ttb__agent_begin\n"
        ".global ttb__agent_end\n"
        ".balign 16\n"
        "ttb__agent_begin:\n"
        ".incbin \"" TTB_AGENT_FILE "\"\n"
        "ttb__agent_end:\n"
        ".byte 0\n"
        ".previous\n");
