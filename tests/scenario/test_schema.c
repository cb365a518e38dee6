/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of keys and the message fit together, and everything in the table is shown by an example. */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/message.h"
#include "scenario/pattern.h"
#include "scenario/schema.h"

/* Every object once. */
static size_t collect(const struct ttb__object *object, const struct ttb__object **all,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (all[i] == object)
            return count;
    }
    assert_true(count < 64);
    all[count++] = object;
    for (const struct ttb__key *key = object->keys; key->key; key++) {
        if (key->object)
            count = collect(key->object, all, count);
    }
    return count;
}

static ProtobufCType field_type(const struct ttb__key *key, const ProtobufCFieldDescriptor *field)
{
    switch (key->kind) {
    case TTB__TEXT:
        return PROTOBUF_C_TYPE_STRING;
    case TTB__BOOL:
        return PROTOBUF_C_TYPE_BOOL;
    case TTB__NUMBER:
    case TTB__DATE:
    case TTB__OCTAL:
        return field->type == PROTOBUF_C_TYPE_UINT32 ? PROTOBUF_C_TYPE_UINT32
                                                     : PROTOBUF_C_TYPE_UINT64;
    case TTB__SIGNED:
        return PROTOBUF_C_TYPE_SINT64;
    case TTB__WORD:
    case TTB__LINK_TYPE:
        return PROTOBUF_C_TYPE_ENUM;
    case TTB__MAC:
    case TTB__HEX:
    case TTB__CONTENT:
    case TTB__BASE64:
        return PROTOBUF_C_TYPE_BYTES;
    default:
        return PROTOBUF_C_TYPE_MESSAGE;
    }
}

static void every_key_has_a_field_of_its_type(void **state)
{
    const struct ttb__object *all[64];
    size_t count = collect(&ttb__scenario_object, all, 0);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (const struct ttb__key *key = all[i]->keys; key->key; key++) {
            const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field_by_name(all[i]->message, key->field);
            bool repeated = key->shape != TTB__ONE || key->kind == TTB__SETTINGS;

            if (!field || field->type != field_type(key, field) ||
                repeated != (field->label == PROTOBUF_C_LABEL_REPEATED))
                fail_msg("%s.%s does not fit its field", all[i]->title, key->key);
            if (field->type == PROTOBUF_C_TYPE_UINT32)
                assert_true(key->max <= UINT32_MAX);
            if (key->kind == TTB__OBJECT)
                assert_ptr_equal(field->descriptor, key->object->message);
            assert_non_null(key->doc);
            assert_true(key->kind != TTB__TEXT || key->max > 0);
        }
    }
}

/* No field of the message is out of reach of a file, and no value of an enumeration. */
static void every_field_has_a_key(void **state)
{
    const struct ttb__object *all[64];
    size_t count = collect(&ttb__scenario_object, all, 0);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const ProtobufCMessageDescriptor *message = all[i]->message;

        for (unsigned k = 0; k < message->n_fields; k++) {
            const ProtobufCFieldDescriptor *field = &message->fields[k];
            const struct ttb__key *key = ttb__schema_field(all[i], field->name);
            const ProtobufCEnumDescriptor *values = field->descriptor;

            if (all[i]->name_field && strcmp(field->name, all[i]->name_field) == 0)
                continue;
            /* Link.device is written as a part of the type. */
            if (message == &ttb__scenario__link__descriptor && strcmp(field->name, "device") == 0)
                continue;
            if (!key)
                fail_msg("%s.%s has no key", message->name, field->name);
            if (field->type != PROTOBUF_C_TYPE_ENUM)
                continue;
            for (unsigned v = 0; v < values->n_values; v++) {
                if (!ttb__schema_word(key->words, values->values[v].value) &&
                    strcmp(values->values[v].name, "OTHER") != 0)
                    fail_msg("%s has no word", values->values[v].name);
            }
        }
    }
}

/* Marks every key that a message has a value for. */
static void mark(const struct ttb__object *object, const ProtobufCMessage *message,
                 const struct ttb__key **seen, size_t *count)
{
    for (const struct ttb__key *key = object->keys; key->key; key++) {
        const ProtobufCFieldDescriptor *field = ttb__message_field(message, key->field);
        bool known = false;

        if (!ttb__message_has(message, field))
            continue;
        for (size_t i = 0; i < *count; i++)
            known = known || seen[i] == key;
        assert_true(known || *count < 512);
        if (!known)
            seen[(*count)++] = key;
        if (key->kind != TTB__OBJECT)
            continue;
        if (key->shape == TTB__ONE) {
            mark(key->object, ttb__message_child(message, field), seen, count);
            continue;
        }
        for (size_t i = 0; i < ttb__message_count(message, field); i++)
            mark(key->object, ttb__message_element(message, field, i), seen, count);
    }
}

static void every_key_occurs_in_a_good_file(void **state)
{
    const struct ttb__object *all[64];
    const struct ttb__key *seen[512];
    size_t count = collect(&ttb__scenario_object, all, 0), seen_count = 0, path_count;
    char folder[4096], **paths;

    snprintf(folder, sizeof(folder), "%s/valid", (const char *)*state);
    path_count = list_files(folder, &paths);
    for (size_t i = 0; i < path_count; i++) {
        Ttb__Scenario *scenario;

        assert_int_equal(ttb_scenario_load(paths[i], NULL, &scenario), 0);
        mark(&ttb__scenario_object, &scenario->base, seen, &seen_count);
        ttb_scenario_free(scenario);
    }
    free_files(paths, path_count);
    for (size_t i = 0; i < count; i++) {
        for (const struct ttb__key *key = all[i]->keys; key->key; key++) {
            bool found = false;

            for (size_t k = 0; k < seen_count; k++)
                found = found || seen[k] == key;
            if (!found)
                fail_msg("%s.%s is in no file of valid/", all[i]->title, key->key);
        }
    }
}

static bool matches(const char *pattern, const char *text)
{
    struct ttb__pattern *compiled = NULL;
    int rc;

    assert_int_equal(ttb__pattern_compile(pattern, &compiled, NULL), 0);
    rc = ttb__pattern_match(compiled, text, strlen(text));
    ttb__pattern_free(compiled);
    return rc == 1;
}

/* An editor must not complain about what ttb takes. */
static void patterns_for_editors_match_what_is_lawful(void **state)
{
    static const struct {
        enum ttb__quantity quantity;
        const char *text;
    } texts[] = {
        {TTB__QUANTITY_TIME, "0"},          {TTB__QUANTITY_TIME, "1.5 min"},
        {TTB__QUANTITY_TIME, "5\xc2\xb5s"}, {TTB__QUANTITY_RATE, "100Mbps"},
        {TTB__QUANTITY_RATE, "1 kbit/s"},   {TTB__QUANTITY_RATE, "5bps"},
        {TTB__QUANTITY_BYTES, "64M"},       {TTB__QUANTITY_BYTES, "64 MiB"},
        {TTB__QUANTITY_BYTES, "5kB"},       {TTB__QUANTITY_BYTES, "5"},
        {TTB__QUANTITY_BYTES, "7B"},        {TTB__QUANTITY_FRACTION, "10%"},
        {TTB__QUANTITY_FRACTION, "0.1"},    {TTB__QUANTITY_FRACTION, "1"},
        {TTB__QUANTITY_LENGTH, "-2.5km"},   {TTB__QUANTITY_LENGTH, "3"},
        {TTB__QUANTITY_COUNT, "17"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        bool negative;
        uint64_t value;

        assert_int_equal(
            ttb__quantity_parse(texts[i].quantity, texts[i].text, &negative, &value, NULL), 0);
        if (!matches(ttb__quantity_regex(texts[i].quantity), texts[i].text))
            fail_msg("\"%s\" does not match", texts[i].text);
    }
    assert_false(matches(ttb__quantity_regex(TTB__QUANTITY_TIME), "5"));
    assert_false(matches(ttb__quantity_regex(TTB__QUANTITY_RATE), "5M"));
}

static void expressions_that_backtrack_for_ever_end(void **state)
{
    struct ttb__pattern *pattern;
    struct ttb__error error = {0};
    char text[64];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = 'b';
    assert_int_equal(ttb__pattern_compile("(a|aa)+$", &pattern, &error), 0);
    assert_int_equal(ttb__pattern_match(pattern, text, sizeof(text)), -ELOOP);
    ttb__pattern_free(pattern);
    assert_true(ttb__pattern_compile("(((a{1,900}){1,900}){1,900}){1,900}", &pattern, &error) < 0);
    assert_int_equal(ttb__pattern_compile("^b$", &pattern, NULL), 0);
    assert_int_equal(ttb__pattern_match(pattern, "a\nb\nc", 5), 1);
    assert_int_equal(ttb__pattern_match(pattern, "abc", 3), 0);
    ttb__pattern_free(pattern);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_a_field_of_its_type),
        cmocka_unit_test(every_field_has_a_key),
        cmocka_unit_test_prestate(every_key_occurs_in_a_good_file, argv[1]),
        cmocka_unit_test(patterns_for_editors_match_what_is_lawful),
        cmocka_unit_test(expressions_that_backtrack_for_ever_end),
    };

    if (argc != 2)
        return 2;
    return cmocka_run_group_tests_name("scenario schema", tests, NULL, NULL);
}
