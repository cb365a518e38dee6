/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames as text. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static size_t from_hex(const char *hex, uint8_t *data)
{
    size_t len_bytes = 0;

    while (*hex) {
        if (*hex == ' ') {
            hex++;
            continue;
        }
        char pair[3] = {hex[0], hex[1], 0};

        data[len_bytes++] = (uint8_t)strtoul(pair, NULL, 16);
        hex += 2;
    }
    return len_bytes;
}

#define ETH       "020000000002 020000000001 "
#define IP4(p, n) ETH "0800 450000" n "00004000 40" p "0000 0a000001 0a000002 "
#define IP6(p, n)                                                     \
    ETH "86dd 60000000 00" n p "40 20010db8000000000000000000000001 " \
        "20010db8000000000000000000000002 "

static const struct {
    const char *hex, *text;
} frames[] = {
    {ETH "0806 0001080006040001 020000000001 0a000001 000000000000 0a000002",
     "ARP request, who has 10.0.0.2, tell 10.0.0.1, 42 bytes"},
    {ETH "0806 0001080006040002 020000000001 0a000001 020000000002 0a000002",
     "ARP reply, 10.0.0.1 is at 02:00:00:00:00:01, 42 bytes"},
    {ETH "0806 0001080006040009 020000000001 0a000001 020000000002 0a000002",
     "ARP operation 9, 42 bytes"},
    {ETH "0806 00010800", "ARP, not of Ethernet and IPv4, 18 bytes"},
    {IP4("01", "1c") "0800000000070003",
     "10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 3, 42 bytes"},
    {IP4("01", "1c") "0000000000070003",
     "10.0.0.1 > 10.0.0.2: ICMP echo reply, id 7, seq 3, 42 bytes"},
    {IP4("01", "1c") "0301000000000000",
     "10.0.0.1 > 10.0.0.2: ICMP destination unreachable, code 1, 42 bytes"},
    {IP4("01", "1c") "2a01000000000000", "10.0.0.1 > 10.0.0.2: ICMP type 42 code 1, 42 bytes"},
    {IP4("01", "16") "0800", "10.0.0.1 > 10.0.0.2: ICMP, cut off, 36 bytes"},
    {IP4("11", "1e") "0035 c000 000a 0000 6869",
     "10.0.0.1:53 > 10.0.0.2:49152: UDP, data 2 bytes, 44 bytes"},
    {IP4("11", "1e") "0035 c000 0007 0000 6869",
     "10.0.0.1:53 > 10.0.0.2:49152: UDP, malformed, 44 bytes"},
    {IP4("11", "17") "0035c0", "10.0.0.1 > 10.0.0.2: UDP, cut off, 37 bytes"},
    {IP4("06", "2a") "0050 1f90 00000001 00000002 5018 00ff 0000 0000 6869",
     "10.0.0.1:80 > 10.0.0.2:8080: TCP [PA], seq 1, ack 2, window 255, data 2 bytes, 56 bytes"},
    {IP4("06", "28") "0050 1f90 00000001 00000000 5002 00ff 0000 0000",
     "10.0.0.1:80 > 10.0.0.2:8080: TCP [S], seq 1, window 255, data 0 bytes, 54 bytes"},
    {IP4("06", "28") "0050 1f90 00000001 00000000 f002 00ff 0000 0000",
     "10.0.0.1:80 > 10.0.0.2:8080: TCP [S], seq 1, window 255, 54 bytes"},
    {IP4("84", "14"), "10.0.0.1 > 10.0.0.2: IP protocol 132, 34 bytes"},
    {ETH "0800 4500001400002001 40110000 0a000001 0a000002",
     "10.0.0.1 > 10.0.0.2: IP protocol 17, fragment at 8, 34 bytes"},
    {ETH "0800 4f00001400000000 40110000 0a000001 0a000002",
     "10.0.0.1 > 10.0.0.2: IPv4, malformed, 34 bytes"},
    {ETH "0800 45", "IPv4, malformed, 15 bytes"},
    {IP6("3a", "08") "8000 0000 0007 0003",
     "2001:db8::1 > 2001:db8::2: ICMPv6 echo request, id 7, seq 3, 62 bytes"},
    {IP6("3a", "18") "8700 0000 00000000 fe800000000000000000000000000002",
     "2001:db8::1 > 2001:db8::2: ICMPv6 neighbour solicitation for fe80::2, 78 bytes"},
    {IP6("00", "10") "3a00 0502 0000 0100 8f00 0000 0000 0000",
     "2001:db8::1 > 2001:db8::2: ICMPv6 multicast listener report v2, 70 bytes"},
    {IP6("11", "08") "0035 c000 0008 0000",
     "[2001:db8::1]:53 > [2001:db8::2]:49152: UDP, data 0 bytes, 62 bytes"},
    {IP6("00", "08") "3aff 0000", "2001:db8::1 > 2001:db8::2: IP protocol 0, 58 bytes"},
    {ETH "86dd 60", "IPv6, malformed, 15 bytes"},
    {ETH "8100 0005 0806 0001080006040001 020000000001 0a000001 000000000000 0a000002",
     "VLAN 5, ARP request, who has 10.0.0.2, tell 10.0.0.1, 46 bytes"},
    {ETH "88a8 0007 8100 f005 88cc", "VLAN 7, VLAN 5, 02:00:00:00:00:01 > 02:00:00:00:00:02: "
                                     "Ethernet type 0x88cc, 22 bytes"},
    {ETH "0026 4242 03", "02:00:00:00:00:01 > 02:00:00:00:00:02: 802.3 length 38, 17 bytes"},
    {"0200", "no Ethernet header, 2 bytes"},
    {"", "no Ethernet header, 0 bytes"},
};

static void frames_are_told_in_one_line(void **state)
{
    uint8_t data[256];
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        size_t len_bytes = from_hex(frames[i].hex, data);

        ttb_trace_describe_frame(data, len_bytes, len_bytes, text, sizeof(text));
        assert_string_equal(text, frames[i].text);
    }
    ttb_trace_describe_frame(NULL, 0, 60, text, sizeof(text));
    assert_string_equal(text, "content not recorded, 60 bytes");
}

/* With sanitizers, reading beyond the end shows. */
static void frames_cut_off_anywhere_are_told_as_far_as_they_go(void **state)
{
    uint8_t data[256];
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        size_t len_bytes = from_hex(frames[i].hex, data);

        for (size_t cut = 0; cut <= len_bytes; cut++) {
            uint8_t *copy = malloc(cut ? cut : 1);

            memcpy(copy, data, cut);
            ttb_trace_describe_frame(copy, cut, len_bytes, text, sizeof(text));
            assert_true(strlen(text) > 5);
            free(copy);
        }
    }
}

static void text_is_cut_to_the_room_there_is(void **state)
{
    uint8_t data[256];
    size_t len_bytes = from_hex(frames[0].hex, data);

    (void)state;
    for (size_t room = 0; room < 80; room++) {
        char *text = malloc(room + 1);

        text[room] = '#';
        ttb_trace_describe_frame(data, len_bytes, len_bytes, text, room);
        assert_int_equal(text[room], '#');
        if (room) {
            assert_int_equal(strlen(text),
                             room - 1 < strlen(frames[0].text) ? room - 1 : strlen(frames[0].text));
            assert_memory_equal(text, frames[0].text, strlen(text));
        }
        free(text);
    }
}

static void records_are_cut_to_the_room_there_is(void **state)
{
    const struct ttb_trace_record record = {
        .kind = TTB_TRACE_CONSOLE,
        .node = 3,
        .console = {.data = {.data = "a\x01\xff"
                                     "b",
                             .len_bytes = 4}},
    };
    const char whole[] = "0.000000000 s  node 3  prints  a\\x01\\xffb";

    (void)state;
    for (size_t room = 0; room < 60; room++) {
        char *text = malloc(room + 1);

        text[room] = '#';
        ttb_trace_describe(NULL, &record, text, room);
        assert_int_equal(text[room], '#');
        if (room)
            assert_int_equal(strncmp(text, whole, strlen(text)), 0);
        if (room >= sizeof(whole))
            assert_string_equal(text, whole);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_told_in_one_line),
        cmocka_unit_test(frames_cut_off_anywhere_are_told_as_far_as_they_go),
        cmocka_unit_test(text_is_cut_to_the_room_there_is),
        cmocka_unit_test(records_are_cut_to_the_room_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
