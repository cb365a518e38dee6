/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: ttb ns3 types [--json] [FILTER]\n"
    "       ttb ns3 attributes [--json] TYPE\n"
    "       ttb ns3 traces [--json] TYPE\n"
    "\n"
    "What the ns-3 that is installed has, for scenarios (\"ns3:\" links) and programs.\n"
    "\n"
    "  types       all types whose name or group contains FILTER, in any case: parent, numbers of\n"
    "              attributes and trace sources, those that are inherited included. \"abstract\":\n"
    "              no object of this type can be created, only of types that inherit from it.\n"
    "  attributes  of a type and those that it inherits from: what can be done with it (c: given\n"
    "              when an object is created, w: changed later, r: read), kind, default, meaning\n"
    "  traces      its trace sources: signature, meaning\n"
    "  --json      an array of objects, for programs\n"
    "\n"
    "TYPE is written ns3::CsmaNetDevice or CsmaNetDevice. All modules of ns-3 are looked at.\n"
    "\n"
    "Exit status: 0; 1 nothing matches FILTER; 2 usage, or there is no such type; 3 ns-3 cannot "
    "be\n"
    "used.\n";

#ifdef TTB_HAVE_NS3

#include <errno.h>

#include <jansson.h>

#include <ttbridge/ns3.h>

#define COLUMNS_MAX 5

/* What is printed: strings in rows, as wide as the widest. The last column is as long as it likes. */
struct table {
    const char *names[COLUMNS_MAX]; /* also the keys of the JSON objects */
    size_t columns;
    const char *filter; /* NULL: everything */
    char **cells;       /* rows * columns; owned */
    size_t rows;
    bool out_of_memory;
};

/* Copied, on one line, without what a terminal would act on. */
static char *clean(const char *text)
{
    char *copy = strdup(text);
    size_t at = 0;

    if (!copy)
        return NULL;
    for (const char *c = text; *c; c++) {
        bool space = *c == ' ' || *c == '\n' || *c == '\t' || *c == '\r';

        if (space && (at == 0 || copy[at - 1] == ' '))
            continue;
        copy[at++] = space ? ' ' : ((unsigned char)*c < ' ' || *c == 0x7f) ? '?' : *c;
    }
    copy[at] = 0;
    return copy;
}

static void add_row(struct table *table, const char *const *cells)
{
    size_t first = table->rows * table->columns;
    char **grown;

    grown = realloc(table->cells, (first + table->columns) * sizeof(*grown));
    if (!grown) {
        table->out_of_memory = true;
        return;
    }
    table->cells = grown;
    table->rows++;
    for (size_t i = 0; i < table->columns; i++) {
        grown[first + i] = clean(cells[i]);
        table->out_of_memory |= !grown[first + i];
    }
}

static void free_table(struct table *table)
{
    for (size_t i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i]);
    free(table->cells);
}

static void print_text(const struct table *table)
{
    int widths[COLUMNS_MAX] = {0};

    for (size_t i = 0; i < table->rows * table->columns; i++) {
        int width = (int)strlen(table->cells[i]);

        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    for (size_t row = 0; row < table->rows; row++) {
        char *const *cells = table->cells + row * table->columns;

        for (size_t i = 0; i + 1 < table->columns; i++)
            printf("%-*s  ", widths[i], cells[i]);
        puts(cells[table->columns - 1]);
    }
}

static int print_json(const struct table *table)
{
    json_t *array = json_array();
    int rc = array ? 0 : -1;

    for (size_t row = 0; row < table->rows && !rc; row++) {
        json_t *object = json_object();

        for (size_t i = 0; i < table->columns && !rc; i++)
            rc = json_object_set_new(object, table->names[i],
                                     json_string(table->cells[row * table->columns + i]));
        rc = json_array_append_new(array, object) ? -1 : rc;
    }
    if (!rc)
        rc = json_dumpf(array, stdout, JSON_INDENT(2));
    if (!rc)
        putchar('\n');
    json_decref(array);
    return rc;
}

/* -------------------------------------------------------------------------------- what there is */

static void add_type(void *user, const struct ttb_ns3_type_info *type)
{
    struct table *table = user;
    char attributes[32], traces[32];

    if (table->filter && !strcasestr(type->name, table->filter) &&
        !strcasestr(type->group, table->filter))
        return;
    snprintf(attributes, sizeof(attributes), "%u attributes", type->attribute_count);
    snprintf(traces, sizeof(traces), "%u traces", type->trace_count);
    add_row(table, (const char *[]){type->name, type->constructible ? "" : "abstract", attributes,
                                    traces, type->parent});
}

static void add_attribute(void *user, const struct ttb_ns3_attribute_info *attribute)
{
    const char access[] = {attribute->at_creation ? 'c' : '-', attribute->writable ? 'w' : '-',
                           attribute->readable ? 'r' : '-', 0};

    add_row(user, (const char *[]){attribute->name, access, attribute->kind,
                                   attribute->default_value, attribute->help});
}

static void add_trace(void *user, const struct ttb_ns3_trace_info *source)
{
    add_row(user, (const char *[]){source->name, source->signature, source->help});
}

/* TYPE may leave out ns-3's own namespace. */
static int for_type(struct ttb_ns3 *ns3, const char *type, bool traces, struct table *table)
{
    char full[256];
    int rc;

    for (int attempt = 0;; attempt++) {
        snprintf(full, sizeof(full), "%s%s", attempt ? "ns3::" : "", type);
        rc = traces ? ttb_ns3_each_trace(ns3, full, add_trace, table)
                    : ttb_ns3_each_attribute(ns3, full, add_attribute, table);
        if (rc != -ENOENT || attempt)
            return rc;
    }
}

static int show(const char *what, const char *argument, bool json)
{
    const struct ttb_ns3_opts opts = {.size = sizeof(opts),
                                      .simulator = "ns3::DefaultSimulatorImpl"};
    struct table table = {0};
    struct ttb_ns3 *ns3;
    int rc, status = EXIT_AS_EXPECTED;

    if (ttb_ns3_new(&opts, &ns3)) {
        fprintf(stderr, "ttb ns3: %s\n", ttb_ns3_error(NULL));
        return EXIT_BROKEN;
    }
    /* One module that cannot be loaded is no reason not to show the others. */
    if (ttb_ns3_load_all_modules(ns3))
        fprintf(stderr, "ttb ns3: %s\n", ttb_ns3_error(ns3));
    if (strcmp(what, "types") == 0) {
        table = (struct table){.names = {"type", "abstract", "attributes", "traces", "parent"},
                               .columns = 5,
                               .filter = argument};
        rc = ttb_ns3_each_type(ns3, add_type, &table);
    } else if (strcmp(what, "attributes") == 0) {
        table =
            (struct table){.names = {"name", "access", "kind", "default", "help"}, .columns = 5};
        rc = for_type(ns3, argument, false, &table);
    } else {
        table = (struct table){.names = {"name", "signature", "help"}, .columns = 3};
        rc = for_type(ns3, argument, true, &table);
    }
    if (rc == -ENOENT) {
        fprintf(stderr, "ttb ns3: there is no type \"%s\"\ntry: ttb ns3 types\n", argument);
        status = EXIT_USAGE;
    } else if (rc || table.out_of_memory) {
        fprintf(stderr, "ttb ns3: %s\n", rc ? ttb_ns3_error(ns3) : "out of memory");
        status = EXIT_BROKEN;
    } else if (json && print_json(&table)) {
        fputs("ttb ns3: cannot be written as JSON\n", stderr);
        status = EXIT_BROKEN;
    } else {
        if (!json)
            print_text(&table);
        if (strcmp(what, "types") == 0 && table.rows == 0) {
            fprintf(stderr, "ttb ns3: no type's name or group contains \"%s\"\n", argument);
            status = EXIT_DIFFERS;
        }
    }
    free_table(&table);
    ttb_ns3_free(ns3);
    return status;
}

#else

static int show(const char *what, const char *argument, bool json)
{
    (void)what;
    (void)argument;
    (void)json;
    fputs("ttb ns3: this ttb was built without ns-3\n", stderr);
    return EXIT_BROKEN;
}

#endif

int command_ns3(int argc, char **argv)
{
    const char *argument = NULL;
    bool json = false, types;

    if (argc < 2)
        return usage_error("ns3", "types, attributes or traces?");
    for (int i = 1; i < argc; i++) {
        if (is_help(argv[i])) {
            fputs(help, stdout);
            return EXIT_AS_EXPECTED;
        }
    }
    types = strcmp(argv[1], "types") == 0;
    if (!types && strcmp(argv[1], "attributes") != 0 && strcmp(argv[1], "traces") != 0)
        return usage_error("ns3", "there is no \"%s\"", argv[1]);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (argv[i][0] == '-')
            return usage_error("ns3", "%s: there is no option \"%s\"", argv[1], argv[i]);
        else if (argument)
            return usage_error("ns3", "%s: \"%s\" is one argument too many", argv[1], argv[i]);
        else
            argument = argv[i];
    }
    if (!types && !argument)
        return usage_error("ns3", "%s: of which type? (\"ttb ns3 types\" lists them)", argv[1]);
    return show(argv[1], argument, json);
}
