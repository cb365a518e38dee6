/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzzes scenarios. The first byte chooses: a scenario file, an override of a good one, or an encoded
 * message. Whatever is accepted is written as YAML, read again, and must be the same.
 *
 * With libFuzzer:  make fuzz (the corpus: tests/scenario/valid and invalid, each file after a byte 0)
 * Without:         any compiler, -DTTB_FUZZ_MAIN; it runs the files that are named.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/scenario.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static const char good[] = "links: {lan: {delay: 1ms}}\n"
                           "nodes:\n"
                           "  a: {interfaces: [{link: lan, address: 10.0.0.1/24}], run: [x, y]}\n"
                           "  b: {interfaces: [{link: lan, address: 10.0.0.2/24}]}\n"
                           "events: [{at: 1s, link: lan, set: {up: false}}]\n"
                           "expect: [{node: a, exit: 0}]\n";

static void ignore(void *user, const struct ttb_scenario_problem *problem)
{
    char line[64];

    (void)user;
    /* Cut, as a caller may. */
    ttb_scenario_format_problem(problem, line, sizeof(line));
}

static void must(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* What was accepted is understood again as the same. */
static void check_accepted(const Ttb__Scenario *scenario, struct ttb_scenario_opts *opts)
{
    Ttb__Scenario *again;
    uint8_t *data, *data_again;
    size_t length, length_again, text_len;
    char *text;

    must(ttb_scenario_print(scenario, &text, &text_len) == 0, "print");
    opts->overrides = NULL;
    if (text_len > TTB_SCENARIO_FILE_MAX) {
        free(text);
        return;
    }
    must(ttb_scenario_parse(text, text_len, opts, &again) == 0, text);
    must(ttb_scenario_pack(scenario, &data, &length) == 0, "pack");
    must(ttb_scenario_pack(again, &data_again, &length_again) == 0, "pack");
    must(length == length_again && memcmp(data, data_again, length) == 0, text);
    free(data);
    free(data_again);
    free(text);
    ttb_scenario_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct ttb_scenario_opts opts = {.size = sizeof(opts), .problem = ignore};
    const char *overrides[2] = {NULL, NULL};
    Ttb__Scenario *scenario = NULL, *complete = NULL;
    char *override = NULL;

    if (size_bytes == 0)
        return 0;
    if (data[0] % 4 == 1) {
        override = strndup((const char *)data + 1, size_bytes - 1);
        must(override != NULL, "no memory");
        overrides[0] = override;
        opts.overrides = overrides;
        ttb_scenario_parse(good, sizeof(good) - 1, &opts, &scenario);
    } else if (data[0] % 4 == 2) {
        if (ttb_scenario_unpack(data + 1, size_bytes - 1, &opts, &scenario) == 0)
            ttb_scenario_complete(scenario, &opts, &complete);
        ttb_scenario_free(scenario);
        scenario = complete;
        /* Files whose content is known are written by where it is from. */
        for (size_t i = 0; scenario && i < scenario->n_nodes; i++) {
            for (size_t k = 0; k < scenario->nodes[i]->n_files; k++) {
                if (scenario->nodes[i]->files[k]->from) {
                    ttb_scenario_free(scenario);
                    return 0;
                }
            }
        }
    } else {
        ttb_scenario_parse((const char *)data + 1, size_bytes - 1, &opts, &scenario);
    }
    if (scenario)
        check_accepted(scenario, &opts);
    ttb_scenario_free(scenario);
    free(override);
    return 0;
}

#ifdef TTB_FUZZ_MAIN
int main(int argc, char **argv)
{
    static uint8_t data[TTB_SCENARIO_FILE_MAX + 2];

    for (int i = 1; i < argc; i++) {
        FILE *in = fopen(argv[i], "r");

        if (!in) {
            perror(argv[i]);
            return 1;
        }
        LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), in));
        fclose(in);
    }
    return 0;
}
#endif
