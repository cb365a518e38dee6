/* SPDX-License-Identifier: BSD-3-Clause */
#include "export/html_page.h"

#ifdef TTB__HTML_PAGE

#include <string.h>

__asm__(".section .rodata\n"
        "ttb__html_page_begin:\n"
        ".incbin \"" TTB__HTML_PAGE "\"\n"
        "ttb__html_page_end:\n"
        ".byte 0\n"
        ".previous\n");

extern const char ttb__html_page_begin[] __attribute__((visibility("hidden")));
extern const char ttb__html_page_end[] __attribute__((visibility("hidden")));

bool ttb__html_page(struct ttb_trace_bytes *before, struct ttb_trace_bytes *after)
{
    static const char marker[] = "<!--data-->";
    const char *begin = ttb__html_page_begin, *end = ttb__html_page_end;
    const char *at = memmem(begin, (size_t)(end - begin), marker, sizeof(marker) - 1);

    if (!at)
        return false;
    *before = (struct ttb_trace_bytes){begin, (size_t)(at - begin)};
    at += sizeof(marker) - 1;
    *after = (struct ttb_trace_bytes){at, (size_t)(end - at)};
    return true;
}

#else

bool ttb__html_page(struct ttb_trace_bytes *before, struct ttb_trace_bytes *after)
{
    *before = *after = (struct ttb_trace_bytes){"", 0};
    return false;
}

#endif
