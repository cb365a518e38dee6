/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ttb-schema: writes, or compares, what is made from the table of a scenario's keys.
 *
 *   ttb-schema json          the JSON Schema, to standard output
 *   ttb-schema reference     the reference in Markdown, to standard output
 *   ttb-schema check ROOT    exit status 1 if the source tree at ROOT has something else
 *   ttb-schema write ROOT    write both into the source tree at ROOT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/scenario.h>

#define SCHEMA_PATH    "share/schema/scenario.schema.json"
#define REFERENCE_PATH "doc/scenario.md"
#define BEGIN          "<!-- reference: begin (ttb-schema writes it) -->\n"
#define END            "<!-- reference: end -->\n"

static char *read_all(const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;

    if (!in)
        return NULL;
    if (getdelim(&text, &size, 0, in) < 0) {
        free(text);
        text = NULL;
    }
    fclose(in);
    return text;
}

/* The document with the part between the marks replaced; NULL: there are no marks. */
static char *with_reference(const char *document, const char *reference)
{
    const char *begin = document ? strstr(document, BEGIN) : NULL;
    const char *end = begin ? strstr(begin, END) : NULL;
    char *result;

    if (!end)
        return NULL;
    begin += strlen(BEGIN);
    if (asprintf(&result, "%.*s\n%s\n%s", (int)(begin - document), document, reference, end) < 0)
        return NULL;
    return result;
}

static int put(const char *path, const char *text, int writes)
{
    char *there = read_all(path);
    int same = there && strcmp(there, text) == 0;
    FILE *out;

    free(there);
    if (same)
        return 0;
    if (!writes) {
        fprintf(stderr, "%s is not what the table of keys says: 'ttb-schema write' makes it so\n",
                path);
        return 1;
    }
    out = fopen(path, "w");
    if (!out || fputs(text, out) < 0 || fclose(out) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    char *schema = NULL, *reference = NULL, *document = NULL, *path = NULL, *wanted = NULL;
    int status = 2;

    if (ttb_scenario_json_schema(&schema, NULL) < 0 ||
        ttb_scenario_reference(&reference, NULL) < 0) {
        fputs("ttb-schema: no memory\n", stderr);
    } else if (argc == 2 && strcmp(verb, "json") == 0) {
        status = fputs(schema, stdout) < 0;
    } else if (argc == 2 && strcmp(verb, "reference") == 0) {
        status = fputs(reference, stdout) < 0;
    } else if (argc == 3 && (strcmp(verb, "check") == 0 || strcmp(verb, "write") == 0)) {
        int writes = strcmp(verb, "write") == 0;

        status = 0;
        if (asprintf(&path, "%s/" SCHEMA_PATH, argv[2]) >= 0)
            status |= put(path, schema, writes);
        free(path);
        path = NULL;
        if (asprintf(&path, "%s/" REFERENCE_PATH, argv[2]) >= 0) {
            document = read_all(path);
            wanted = with_reference(document, reference);
            if (wanted) {
                status |= put(path, wanted, writes);
            } else {
                fprintf(stderr, "%s has no place for the reference\n", path);
                status = 1;
            }
        }
    } else {
        fputs("usage: ttb-schema json | reference | check ROOT | write ROOT\n", stderr);
    }
    free(schema);
    free(reference);
    free(document);
    free(wanted);
    free(path);
    return status;
}
