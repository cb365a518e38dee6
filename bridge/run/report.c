/* SPDX-License-Identifier: BSD-3-Clause */
/* The result for people, and for CI systems that read JUnit's XML. */
#include "run/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_command(const struct ttb__run_node *node, size_t number, FILE *out)
{
    const struct ttb__run_command *command = &node->commands[number];
    char name[80], how[64];

    ttb__result_command_name(node, number, name, sizeof(name));
    if (command->state == TTB__COMMAND_ENDED)
        snprintf(how, sizeof(how), "exit %" PRIu32, command->status);
    else
        snprintf(how, sizeof(how), "%s", ttb__result_command_state(command->state));
    fprintf(out, "  %-12s  %-42s  ", node->given->name, name);
    if (command->state == TTB__COMMAND_ENDED || command->state == TTB__COMMAND_CUT)
        fprintf(out, "%13.6f s  %s\n", (double)command->end_ns / 1e9, how);
    else
        fprintf(out, "%13s    %s\n", "", how);
}

static void print_nodes(const struct ttb__run *run, FILE *out)
{
    fprintf(out, "  %-12s  %-42s  %13s    %s\n", "node", "command", "ended at", "how");
    for (size_t i = 0; i < run->node_count; i++) {
        const struct ttb__run_node *node = &run->nodes[i];

        for (size_t j = 0; j < node->command_count; j++)
            print_command(node, j, out);
        if (!node->command_count)
            fprintf(out, "  %-12s  %-42s  %13s    %s\n", node->given->name, "(none)", "",
                    ttb__result_state(node));
    }
}

static void print_expectations(const struct ttb__run *run, FILE *out)
{
    for (size_t i = 0; i < run->outcome_count; i++) {
        const struct ttb__outcome *outcome = &run->outcomes[i];

        fprintf(out, "  %-6s  %s%s%s%s\n", outcome->met ? "ok" : "FAILED", outcome->what,
                outcome->met ? "" : " (found: ", outcome->met ? "" : outcome->found,
                outcome->met ? "" : ")");
    }
}

void ttb__run_print(const struct ttb__run *run, FILE *out)
{
    double wall_s = (double)(run->wall_end_ns - run->wall_start_ns) / 1e9;
    char hex[65];

    print_nodes(run, out);
    if (run->outcome_count) {
        fputs("\n", out);
        print_expectations(run, out);
    }
    for (size_t i = 0; i < run->trouble_count; i++)
        fprintf(out, "\n  BROKEN  %s\n", run->troubles[i]);
    fprintf(out, "\n%s: ", run->scenario->name);
    switch (run->ending) {
    case TTB_TRACE_STOPPED:
        fprintf(out, "interrupted at %.6f s of simulated time", (double)run->end_ns / 1e9);
        break;
    case TTB_TRACE_FAILED:
        fprintf(out, "broken off at %.6f s of simulated time", (double)run->end_ns / 1e9);
        break;
    default:
        fprintf(out, "%s after %.6f s of simulated time", ttb__result_verdict(run->verdict),
                (double)run->end_ns / 1e9);
        break;
    }
    fprintf(out, ", %.2f s of wall time, %" PRIu64 " frames\n", wall_s, run->frames);
    if (run->has_digest) {
        ttb_trace_hex(run->digest.all, hex);
        fprintf(out, "digest %s\n", hex);
    }
    if (run->input_count > run->inputs_left)
        fprintf(out,
                "interactive: a console was attached, %" PRIu64
                " bytes were typed; \"ttb replay\" repeats that\n",
                run->input_bytes);
    fprintf(out, "%s\n", run->directory);
}

/* ---------------------------------------------------------------------------------------- junit */

/* XML 1.0 has no place for control characters. */
static void put_xml(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '&')
            fputs("&amp;", out);
        else if (c == '<')
            fputs("&lt;", out);
        else if (c == '>')
            fputs("&gt;", out);
        else if (c == '"')
            fputs("&quot;", out);
        else if (c < 0x20 || c >= 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
}

static void put_case(const struct ttb__run *run, const char *name, const char *element,
                     const char *text, FILE *out)
{
    fputs("  <testcase classname=\"", out);
    put_xml(out, run->scenario->name);
    fputs("\" name=\"", out);
    put_xml(out, name);
    if (!element) {
        fputs("\"/>\n", out);
        return;
    }
    fprintf(out, "\"><%s message=\"", element);
    put_xml(out, text);
    fputs("\"/></testcase>\n", out);
}

int ttb__run_write_junit(const struct ttb__run *run, const char *path)
{
    double wall_s = (double)(run->wall_end_ns - run->wall_start_ns) / 1e9;
    FILE *out = fopen(path, "we");
    bool broken = run->verdict == TTB__RUN_BROKEN;
    bool failed;

    if (!out)
        return -errno;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"", out);
    put_xml(out, run->scenario->name);
    fprintf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%d\" time=\"%.3f\">\n",
            run->outcome_count + 1, run->unmet_count, broken, wall_s);
    put_case(run, "the run", broken ? "error" : NULL,
             run->trouble_count ? run->troubles[0] : "interrupted", out);
    for (size_t i = 0; i < run->outcome_count; i++)
        put_case(run, run->outcomes[i].what, run->outcomes[i].met ? NULL : "failure",
                 run->outcomes[i].found, out);
    fputs("</testsuite>\n", out);
    failed = ferror(out);
    return fclose(out) != 0 || failed ? -EIO : 0;
}
