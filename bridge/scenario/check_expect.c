/* SPDX-License-Identifier: BSD-3-Clause */
/* Expectations: about whom, and whether there can be such a thing. */
#include <stdio.h>
#include <string.h>

#include "scenario/check.h"

/* What an expectation may be about. */
enum subject {
    SUBJECT_RUN = 1,
    SUBJECT_NODE = 2,
    SUBJECT_COMMAND = 4,
    SUBJECT_INTERFACE = 8,
    SUBJECT_LINK = 16,
};

static const char *subject_word(enum subject subject)
{
    return subject == SUBJECT_RUN         ? "the run"
           : subject == SUBJECT_NODE      ? "a node"
           : subject == SUBJECT_COMMAND   ? "a command"
           : subject == SUBJECT_INTERFACE ? "an interface"
                                          : "a link";
}

/* What can be expected of whom. */
static bool check_aspects(const struct ttb__model *model,
                          const Ttb__Scenario__Expectation *expectation, enum subject subject,
                          const struct ttb__path *path)
{
    const struct {
        const char *key;
        bool present;
        int subjects;
    } aspects[] = {
        {"exit", expectation->has_exit, SUBJECT_NODE | SUBJECT_COMMAND},
        {"console", expectation->console, SUBJECT_NODE},
        {"console_matches", expectation->console_matches, SUBJECT_NODE},
        {"file", expectation->file, SUBJECT_NODE},
        {"sent", expectation->sent_frames, SUBJECT_INTERFACE | SUBJECT_LINK},
        {"received", expectation->received_frames, SUBJECT_INTERFACE | SUBJECT_LINK},
        {"dropped", expectation->dropped_frames, SUBJECT_INTERFACE | SUBJECT_LINK},
        {"after", expectation->has_after_ns, SUBJECT_RUN | SUBJECT_NODE | SUBJECT_COMMAND},
        {"before", expectation->has_before_ns, SUBJECT_RUN | SUBJECT_NODE | SUBJECT_COMMAND},
        {"state", expectation->has_state, SUBJECT_NODE},
    };
    bool any = false, wrong = false;
    char text[64];

    for (size_t i = 0; i < sizeof(aspects) / sizeof(*aspects); i++) {
        /* What could not be read counts as well: it is there. */
        any = any || aspects[i].present ||
              ttb__problems_has_text(model->problems, TTB__FIELD(path, aspects[i].key));
        if (!aspects[i].present || (aspects[i].subjects & subject))
            continue;
        wrong = true;
        ttb__problem(model->problems, TTB__FIELD(path, aspects[i].key), TTB__AT_KEY,
                     "%s has no \"%s\"%s", subject_word(subject), aspects[i].key,
                     subject == SUBJECT_NODE && (aspects[i].subjects & SUBJECT_INTERFACE)
                         ? "; one of its interfaces has (interface: eth0)"
                     : subject == SUBJECT_RUN && (aspects[i].subjects & SUBJECT_NODE)
                         ? "; say of which node"
                         : "");
    }
    if (!any) {
        snprintf(text, sizeof(text), "it says nothing about %s", subject_word(subject));
        ttb__problem_missing(model->problems, path, text);
    }
    return any && !wrong;
}

/* Keys that go with others only. */
static void check_company(const struct ttb__model *model,
                          const Ttb__Scenario__Expectation *expectation, bool is_link,
                          const struct ttb__path *path)
{
    bool has_console = expectation->console || expectation->console_matches ||
                       ttb__problems_has_text(model->problems, TTB__FIELD(path, "console_matches"));
    const struct {
        const char *key;
        bool present, allowed;
        const char *with;
    } keys[] = {
        {"times", expectation->times, has_console, "console or console_matches"},
        {"sha256", expectation->has_sha256, expectation->file, "file"},
        {"contains", expectation->has_contains, expectation->file, "file"},
        {"size", expectation->size_bytes, expectation->file, "file"},
        {"drop", expectation->has_drop, is_link && expectation->dropped_frames, "link and dropped"},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (keys[i].present && !keys[i].allowed)
            ttb__problem(model->problems, TTB__FIELD(path, keys[i].key), TTB__AT_KEY,
                         "it goes with %s only", keys[i].with);
    }
    if (expectation->console && expectation->console_matches)
        ttb__problem(model->problems, TTB__FIELD(path, "console_matches"), TTB__AT_KEY,
                     "either console or console_matches, not both");
}

static void check_times(const struct ttb__model *model,
                        const Ttb__Scenario__Expectation *expectation, const struct ttb__path *path)
{
    uint64_t duration_ns = model->scenario->duration_ns;
    char text[TTB__QUANTITY_TEXT];

    if (expectation->has_after_ns && expectation->has_before_ns &&
        expectation->after_ns > expectation->before_ns)
        ttb__problem(model->problems, TTB__FIELD(path, "before"), 0,
                     "no time is before this and after %s",
                     ttb__time_text(expectation->after_ns, text));
    if (expectation->has_after_ns && expectation->after_ns > duration_ns)
        ttb__problem(model->problems, TTB__FIELD(path, "after"), 0,
                     "the run ends before, at %s (duration)", ttb__time_text(duration_ns, text));
    if ((expectation->has_after_ns || expectation->has_before_ns) && expectation->times &&
        expectation->times->max == 0)
        ttb__problem(model->problems, TTB__FIELD(path, "times"), 0,
                     "a line that must not be there has no time");
}

static bool has_command(const struct ttb__model *model, const Ttb__Scenario__Node *node,
                        const char *name)
{
    const Ttb__Scenario *s = model->scenario;

    for (size_t i = 0; i < node->n_run; i++) {
        if (node->run[i]->name && strcmp(node->run[i]->name, name) == 0)
            return true;
    }
    for (size_t i = 0; i < s->n_events; i++) {
        const Ttb__Scenario__Event *event = s->events[i];

        if (event->exec && event->exec->name && event->node && node->name &&
            strcmp(event->node, node->name) == 0 && strcmp(event->exec->name, name) == 0)
            return true;
    }
    return false;
}

static bool has_foreground(const Ttb__Scenario__Node *node)
{
    for (size_t i = 0; i < node->n_run; i++) {
        if (!node->run[i]->background)
            return true;
    }
    return false;
}

static void check_node(const struct ttb__model *model,
                       const Ttb__Scenario__Expectation *expectation, enum subject subject,
                       const struct ttb__path *path)
{
    const Ttb__Scenario *s = model->scenario;
    size_t vertex =
        ttb__model_find(model, &model->owners, expectation->node, "node", TTB__FIELD(path, "node"));
    const Ttb__Scenario__Node *node;
    bool found = false;

    if (vertex == TTB__NO_NAME)
        return;
    if (vertex >= s->n_nodes) {
        ttb__problem(model->problems, TTB__FIELD(path, "node"), 0,
                     "\"%s\" is a %s: expectations are about Linux nodes", expectation->node,
                     ttb__owner_word(ttb__vertex_owner(s, vertex)));
        return;
    }
    node = s->nodes[vertex];
    if (subject == SUBJECT_COMMAND && !has_command(model, node, expectation->command))
        ttb__problem(model->problems, TTB__FIELD(path, "command"), 0,
                     "%s has no command with the name \"%.80s\"", node->name, expectation->command);
    for (size_t i = 0; i < node->n_interfaces && subject == SUBJECT_INTERFACE && !found; i++)
        found = node->interfaces[i]->name &&
                strcmp(node->interfaces[i]->name, expectation->interface) == 0;
    if (subject == SUBJECT_INTERFACE && !found)
        ttb__problem(model->problems, TTB__FIELD(path, "interface"), 0,
                     "%s has no interface \"%.80s\"", node->name, expectation->interface);
    if (subject == SUBJECT_NODE && !has_foreground(node) && model->problems->errors == 0) {
        if (expectation->has_exit)
            ttb__problem(model->problems, TTB__FIELD(path, "exit"), TTB__AT_KEY,
                         "%s runs no foreground commands, so it has no exit status", node->name);
        else if ((expectation->has_after_ns || expectation->has_before_ns) &&
                 !expectation->console && !expectation->console_matches)
            ttb__problem(
                model->problems, TTB__FIELD(path, expectation->has_after_ns ? "after" : "before"),
                TTB__AT_KEY, "%s runs no foreground commands, so it never ends", node->name);
    }
}

static void check_expectation(const struct ttb__model *model,
                              const Ttb__Scenario__Expectation *expectation,
                              const struct ttb__path *path)
{
    enum subject subject = expectation->link        ? SUBJECT_LINK
                           : expectation->interface ? SUBJECT_INTERFACE
                           : expectation->command   ? SUBJECT_COMMAND
                           : expectation->node      ? SUBJECT_NODE
                                                    : SUBJECT_RUN;

    if (expectation->link &&
        (expectation->node || expectation->interface || expectation->command)) {
        ttb__problem(model->problems, path, 0, "it is about a link or a node, not about both");
        return;
    }
    if (expectation->command && expectation->interface) {
        ttb__problem(model->problems, path, 0,
                     "it is about a command or an interface, not about both");
        return;
    }
    if ((subject == SUBJECT_COMMAND || subject == SUBJECT_INTERFACE) && !expectation->node) {
        ttb__problem_missing(model->problems, path, "\"node\" is missing");
        return;
    }
    if (check_aspects(model, expectation, subject, path))
        check_company(model, expectation, subject == SUBJECT_LINK, path);
    check_times(model, expectation, path);
    if (subject == SUBJECT_LINK)
        ttb__model_find(model, &model->links, expectation->link, "link", TTB__FIELD(path, "link"));
    else if (expectation->node)
        check_node(model, expectation, subject, path);
}

int ttb__check_expectations(const struct ttb__model *model)
{
    const Ttb__Scenario *s = model->scenario;

    for (size_t i = 0; i < s->n_expect; i++)
        check_expectation(model, s->expect[i], TTB__ELEMENT(TTB__FIELD(NULL, "expect"), i));
    return 0;
}
