/* SPDX-License-Identifier: BSD-3-Clause */
/* CSV and JSON lines. Columns are a promise: these tests have them in full. */
#include "export_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_run(struct fixture *f)
{
    struct ttb_trace_writer *writer = open_writer(f, 9);

    write_sample(writer, 1);
    close_writer(writer, 6 * S);
}

static void expect_table(const char *path, enum ttb_export_format format,
                         enum ttb_export_table table, const char *expected)
{
    struct exported exported;

    export_trace(path, (struct ttb_export_opts){.format = format, .table = table}, &exported);
    assert_int_equal(exported.rc, 0);
    assert_string_equal((char *)exported.data, expected);
    free(exported.data);
}

static void csv_has_one_table(void **state)
{
    struct fixture *f = *state;

    write_run(f);
    expect_table(f->directory, TTB_EXPORT_CSV, TTB_EXPORT_DEFAULT,
                 "record,time_ns,node,place,link,what,packet,len_bytes,reason,source,destination,"
                 "protocol,source_port,destination_port,description\n"
                 "5,10000000,client,client.eth0,lan,transmitted,1,98,,10.0.0.1,10.0.0.2,icmp,,,"
                 "\"10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 0, 98 bytes\"\n"
                 "6,11000000,server,server.eth0,lan,delivered,1,98,,10.0.0.1,10.0.0.2,icmp,,,"
                 "\"10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 0, 98 bytes\"\n"
                 "7,3000000000,server,server.eth0,lan,dropped,2,5,too short,,,,,,"
                 "\"no Ethernet header, 5 bytes\"\n"
                 "8,4000000000,,network,,lost,3,1500,queue full,,,,,,"
                 "\"IPv4, malformed, 1500 bytes\"\n");
    expect_table(f->directory, TTB_EXPORT_CSV, TTB_EXPORT_GRANTS,
                 "record,time_ns,node,until_ns\n0,0,client,\n1,0,server,\n4,10000000,client,\n");
    expect_table(f->directory, TTB_EXPORT_CSV, TTB_EXPORT_CONSOLE,
                 "record,time_ns,node,line_end,text\n"
                 "3,1000000,client,true,hello \xc3\xa9 \\x01\n");
    expect_table(f->directory, TTB_EXPORT_CSV, TTB_EXPORT_STATES,
                 "record,time_ns,node,state,wait_status,exit_status,why\n"
                 "2,0,client,waiting,,,\n"
                 "10,5000000000,server,failed,9,,it was killed\n"
                 "11,6000000000,client,stopped,0,3,\n");
    expect_table(f->directory, TTB_EXPORT_CSV, TTB_EXPORT_EVENTS,
                 "record,time_ns,node,action,target,detail\n"
                 "9,5000000000,server,kill,server,as told\n");
    expect_table(f->directory, TTB_EXPORT_CSV, TTB_EXPORT_EXPECTATIONS,
                 "record,time_ns,node,number,met,text\n"
                 "12,6000000000,,0,true,exit 3\n");
}

static void json_lines_have_all_tables_in_order(void **state)
{
    struct fixture *f = *state;

    write_run(f);
    expect_table(f->directory, TTB_EXPORT_JSONL, TTB_EXPORT_DEFAULT,
                 "{\"table\":\"grants\",\"record\":0,\"time_ns\":0,\"node\":\"client\"}\n"
                 "{\"table\":\"grants\",\"record\":1,\"time_ns\":0,\"node\":\"server\"}\n"
                 "{\"table\":\"states\",\"record\":2,\"time_ns\":0,\"node\":\"client\","
                 "\"state\":\"waiting\"}\n"
                 "{\"table\":\"console\",\"record\":3,\"time_ns\":1000000,\"node\":\"client\","
                 "\"line_end\":true,\"text\":\"hello \xc3\xa9 \\u0001\"}\n"
                 "{\"table\":\"grants\",\"record\":4,\"time_ns\":10000000,\"node\":\"client\"}\n"
                 "{\"table\":\"frames\",\"record\":5,\"time_ns\":10000000,\"node\":\"client\","
                 "\"place\":\"client.eth0\",\"link\":\"lan\",\"what\":\"transmitted\",\"packet\":1,"
                 "\"len_bytes\":98,\"source\":\"10.0.0.1\",\"destination\":\"10.0.0.2\","
                 "\"protocol\":\"icmp\",\"description\":"
                 "\"10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 0, 98 bytes\"}\n"
                 "{\"table\":\"frames\",\"record\":6,\"time_ns\":11000000,\"node\":\"server\","
                 "\"place\":\"server.eth0\",\"link\":\"lan\",\"what\":\"delivered\",\"packet\":1,"
                 "\"len_bytes\":98,\"source\":\"10.0.0.1\",\"destination\":\"10.0.0.2\","
                 "\"protocol\":\"icmp\",\"description\":"
                 "\"10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 0, 98 bytes\"}\n"
                 "{\"table\":\"frames\",\"record\":7,\"time_ns\":3000000000,\"node\":\"server\","
                 "\"place\":\"server.eth0\",\"link\":\"lan\",\"what\":\"dropped\",\"packet\":2,"
                 "\"len_bytes\":5,"
                 "\"reason\":\"too short\",\"description\":\"no Ethernet header, 5 bytes\"}\n"
                 "{\"table\":\"frames\",\"record\":8,\"time_ns\":4000000000,\"place\":\"network\","
                 "\"what\":\"lost\",\"packet\":3,\"len_bytes\":1500,\"reason\":\"queue full\","
                 "\"description\":\"IPv4, malformed, 1500 bytes\"}\n"
                 "{\"table\":\"events\",\"record\":9,\"time_ns\":5000000000,\"node\":\"server\","
                 "\"action\":\"kill\",\"target\":\"server\",\"detail\":\"as told\"}\n"
                 "{\"table\":\"states\",\"record\":10,\"time_ns\":5000000000,\"node\":\"server\","
                 "\"state\":\"failed\",\"wait_status\":9,\"why\":\"it was killed\"}\n"
                 "{\"table\":\"states\",\"record\":11,\"time_ns\":6000000000,\"node\":\"client\","
                 "\"state\":\"stopped\",\"wait_status\":0,\"exit_status\":3}\n"
                 "{\"table\":\"expectations\",\"record\":12,\"time_ns\":6000000000,\"number\":0,"
                 "\"met\":true,\"text\":\"exit 3\"}\n");
}

static void text_of_any_bytes_gives_valid_fields(void **state)
{
    static const char nasty[] = "a,\"b\" \\ \x1b[1m \xff\xc3";
    struct fixture *f = *state;
    struct ttb_trace_writer *writer = open_writer(f, 9);

    write_line(writer, 1, 0, nasty);
    write_line(writer, 2, 0, " ends in blanks ");
    close_writer(writer, 2);
    expect_table(f->directory, TTB_EXPORT_CSV, TTB_EXPORT_CONSOLE,
                 "record,time_ns,node,line_end,text\n"
                 "0,1,client,true,\"a,\"\"b\"\" \\\\ \\x1b[1m \\xff\\xc3\"\n"
                 "1,2,client,true,\" ends in blanks \"\n");
    expect_table(f->directory, TTB_EXPORT_JSONL, TTB_EXPORT_CONSOLE,
                 "{\"table\":\"console\",\"record\":0,\"time_ns\":1,\"node\":\"client\","
                 "\"line_end\":true,\"text\":\"a,\\\"b\\\" \\\\ \\u001b[1m \\ufffd\\ufffd\","
                 "\"text_hex\":\"612c226222205c201b5b316d20ffc3\"}\n"
                 "{\"table\":\"console\",\"record\":1,\"time_ns\":2,\"node\":\"client\","
                 "\"line_end\":true,\"text\":\" ends in blanks \"}\n");
}

static void frames_can_have_their_bytes(void **state)
{
    struct fixture *f = *state;
    struct exported exported;

    write_run(f);
    export_trace(f->directory, (struct ttb_export_opts){.format = TTB_EXPORT_CSV, .payload = true},
                 &exported);
    assert_contains(exported.data, ",description,payload\n");
    assert_contains(exported.data, "\"no Ethernet header, 5 bytes\",73686f7274\n");
    free(exported.data);
}

static void a_full_device_is_an_error(void **state)
{
    struct ttb_export_opts opts = {.size = sizeof(opts), .format = TTB_EXPORT_CSV};
    struct fixture *f = *state;
    FILE *full = fopen("/dev/full", "w");
    char text[256];

    assert_non_null(full);
    write_run(f);
    assert_int_equal(ttb_export_trace(f->directory, &opts, fileno(full), text, sizeof(text)), -28);
    assert_string_equal(text, "export: cannot write: No space left on device");
    fclose(full);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(csv_has_one_table),
        TEST(json_lines_have_all_tables_in_order),
        TEST(text_of_any_bytes_gives_valid_fields),
        TEST(frames_can_have_their_bytes),
        TEST(a_full_device_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
