/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file scenario.h
 * Scenarios: what a run consists of, read from a file, checked, and filled in with defaults.
 *
 * A scenario is the message Scenario of scenario.proto, as a C structure that protobuf-c generates:
 * struct Ttb__Scenario in <ttbridge/scenario.pb-c.h>. The meaning of every field stands in
 * scenario.proto; the language of the files in doc/scenario.md.
 *
 *     struct ttb_scenario_opts opts = {.size = sizeof(opts),
 *                                      .overrides = (const char *[]){"links.lan.delay=5ms", NULL}};
 *     Ttb__Scenario *scenario;
 *     if (ttb_scenario_load("two-nodes.yaml", &opts, &scenario) < 0)
 *         return 2;                       // what is wrong has been printed to stderr
 *     for (size_t i = 0; i < scenario->n_nodes; i++)
 *         printf("%s\n", scenario->nodes[i]->name);
 *     ttb_scenario_free(scenario);
 *
 * Complete scenarios. What ttb_scenario_load(), ttb_scenario_parse() and ttb_scenario_complete()
 * return is complete: it has passed every check, all defaults are filled in, names refer to
 * something that exists. Whoever executes it needs no defaults and no checks of its own, except of
 * what only the machine knows (is the kernel there, does ns-3 have this type).
 *
 * Programs may also build a scenario by hand: fill in the generated structures (TTB__SCENARIO__INIT
 * and so on, has_FIELD for every number that is given) and hand them to ttb_scenario_complete().
 *
 * Problems are reported one by one, in the order of the file, through a callback; without one they
 * go to stderr, one line each. All that can be found in one go is, up to TTB_SCENARIO_PROBLEMS_MAX.
 *
 * Threading: no state is shared; different threads may use different scenarios.
 */
#ifndef TTBRIDGE_SCENARIO_H
#define TTBRIDGE_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ttbridge/scenario.pb-c.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Problems that are reported before the rest is left out. */
#define TTB_SCENARIO_PROBLEMS_MAX 20

/** Longest scenario file, in bytes. */
#define TTB_SCENARIO_FILE_MAX (1024 * 1024)

/** All host files together that a scenario may embed (ttb_scenario_embed_files()), in bytes. */
#define TTB_SCENARIO_EMBEDDED_MAX (256 * 1024 * 1024)

/** Parts in TTB_SCENARIO_PPB are 1: the unit of fields that end in _ppb. */
#define TTB_SCENARIO_PPB UINT32_C(1000000000)

/** How bad a problem is. */
enum ttb_scenario_severity {
    TTB_SCENARIO_WARNING, /**< odd, but it can be run */
    TTB_SCENARIO_ERROR,   /**< it cannot be run */
};

/** Something that is wrong with a scenario. Strings are valid during the callback. */
struct ttb_scenario_problem {
    enum ttb_scenario_severity severity;
    /** The file's path, "--set KEY=VALUE" for an override, or what opts.name says; "" if the
     * scenario was not read from a text. */
    const char *file;
    unsigned int line;   /**< from 1; 0: no position */
    unsigned int column; /**< from 1, in characters */
    const char *path;    /**< which field, e.g. "nodes.client.interfaces[0].link"; "" if none */
    const char *text;    /**< a sentence without the above */
};

/** Receives problems. */
typedef void (*ttb_scenario_problem_fn)(void *user, const struct ttb_scenario_problem *problem);

/** Options of the functions here. Set `size`; everything else may be zero. */
struct ttb_scenario_opts {
    size_t size;                     /**< sizeof(struct ttb_scenario_opts) */
    const char *name;                /**< what to call a text in problems; NULL: "scenario" */
    const char *directory;           /**< where relative host paths (files.*.from) start; NULL: the
                                          folder of the file; for texts and messages: host files are
                                          not looked at */
    const char *const *overrides;    /**< "KEY=VALUE", as in --set; ends with NULL. NULL: none. KEY
                                          is a path as problems have it, VALUE is YAML */
    bool has_seed;                   /**< as an override seed=SEED, after all others */
    uint64_t seed;                   /**< */
    ttb_scenario_problem_fn problem; /**< NULL: problems are printed to stderr */
    void *problem_user;
};

/**
 * Read a scenario file, apply overrides, check it, fill in defaults, and read the host files that it
 * names (files.*.from) into it: the result needs nothing else to be run again elsewhere.
 * @param path  a file; "-" is stdin
 * @param opts  NULL: defaults
 * @return 0 and *scenario, complete, owned by the caller (ttb_scenario_free()); -EINVAL: problems
 *         were reported; -ENOMEM; or why the file cannot be read, which is reported as a problem,
 *         too
 */
int ttb_scenario_load(const char *path, const struct ttb_scenario_opts *opts,
                      Ttb__Scenario **scenario);

/** The same for a text in memory, which need not end with a zero. */
int ttb_scenario_parse(const char *text, size_t len_bytes, const struct ttb_scenario_opts *opts,
                       Ttb__Scenario **scenario);

/**
 * Check a scenario that was built by hand or unpacked, and fill in defaults. opts.overrides and
 * seed are not used.
 * @param scenario  not changed, not kept
 * @return 0 and *complete, a copy, owned by the caller; -EINVAL; -ENOMEM. A complete scenario comes
 *         out as it was.
 */
int ttb_scenario_complete(const Ttb__Scenario *scenario, const struct ttb_scenario_opts *opts,
                          Ttb__Scenario **complete);

/**
 * Read the host files that a scenario names into it, those that are not in it yet: for messages, and
 * for texts that were parsed without a directory. opts.directory is where relative paths start (NULL:
 * the current one).
 * @param scenario  one that these functions made; on failure some files may have been read
 * @return 0; -EINVAL: files are missing or too large, which has been reported; -ENOMEM
 */
int ttb_scenario_embed_files(Ttb__Scenario *scenario, const struct ttb_scenario_opts *opts);

/** Free a scenario that these functions made. NULL is allowed. */
void ttb_scenario_free(Ttb__Scenario *scenario);

/** Encode. @return 0 and *data, to be freed with free(); -ENOMEM */
int ttb_scenario_pack(const Ttb__Scenario *scenario, uint8_t **data, size_t *len_bytes);

/**
 * Decode what ttb_scenario_pack() made, or a newer or older version of it did. Says no to what this
 * version does not know. The result is as complete as what was packed; data from outside is to be
 * passed through ttb_scenario_complete().
 * @return 0 and *scenario, owned by the caller; -EINVAL: damaged, or unknown fields or values,
 *         which is reported; -ENOMEM
 */
int ttb_scenario_unpack(const uint8_t *data, size_t len_bytes, const struct ttb_scenario_opts *opts,
                        Ttb__Scenario **scenario);

/**
 * Write a scenario as YAML in canonical form: keys in the order of the reference, all that is
 * present, defaults that were filled in among it. Parsed, it gives an equal message (content of
 * files that have `from` excepted).
 * @return 0 and *text, zero terminated, to be freed with free(); -ENOMEM
 */
int ttb_scenario_print(const Ttb__Scenario *scenario, char **text, size_t *len_bytes);

/** Write a problem as one line for people, without end of line: "FILE:LINE:COLUMN: PATH: TEXT".
 * Cut to `size` bytes. @return the length that it would have had */
int ttb_scenario_format_problem(const struct ttb_scenario_problem *problem, char *line,
                                size_t size);

/** The JSON Schema of scenario files, for editors: share/schema/scenario.schema.json.
 * @return 0 and *text, zero terminated, to be freed with free(); -ENOMEM */
int ttb_scenario_json_schema(char **text, size_t *len_bytes);

/** The reference of all keys in Markdown, as in doc/scenario.md.
 * @return 0 and *text, zero terminated, to be freed with free(); -ENOMEM */
int ttb_scenario_reference(char **text, size_t *len_bytes);

#ifdef __cplusplus
}
#endif
#endif
