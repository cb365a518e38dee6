/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses are taken as people write them, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lab/address.h"

static void accepts(const char *text, bool with_prefix, const char *canonical, unsigned length)
{
    struct ttb__address address;
    struct ttb__error error = {0};

    if (ttb__address_parse(text, with_prefix, &address, &error))
        fail_msg("\"%s\" refused: %s", text, error.text);
    assert_string_equal(address.text, canonical);
    assert_int_equal(address.prefix_len_bits, length);
    assert_int_equal(address.is_ipv6, strchr(text, ':') != NULL);
}

static void refuses(const char *text, bool with_prefix, const char *why)
{
    struct ttb__address address;
    struct ttb__error error = {0};

    assert_int_equal(ttb__address_parse(text, with_prefix, &address, &error), -EINVAL);
    if (!strstr(error.text, why))
        fail_msg("\"%s\": \"%s\" does not contain \"%s\"", text, error.text, why);
}

static void test_ipv4_and_ipv6_with_length(void **state)
{
    (void)state;
    accepts("10.0.0.1/24", true, "10.0.0.1/24", 24);
    accepts("192.168.255.254/32", true, "192.168.255.254/32", 32);
    accepts("10.0.0.1/0", true, "10.0.0.1/0", 0);
    accepts("2001:DB8:0:0::1/64", true, "2001:db8::1/64", 64);
    accepts("fe80::1/128", true, "fe80::1/128", 128);
    accepts("::ffff:10.0.0.1/96", true, "::ffff:10.0.0.1/96", 96);
}

static void test_gateways_have_no_length(void **state)
{
    (void)state;
    accepts("10.0.0.254", false, "10.0.0.254", 0);
    accepts("fe80::1", false, "fe80::1", 0);
    refuses("10.0.0.254/24", false, "no /LENGTH");
}

static void test_what_is_no_address_is_named(void **state)
{
    (void)state;
    refuses("10.0.0.banana/24", true, "\"10.0.0.banana\" is not an IPv4 or IPv6 address");
    refuses("10.0.0/24", true, "\"10.0.0\" is not");
    refuses("10.0.0.1.2/24", true, "is not");
    refuses("256.0.0.1/24", true, "is not");
    refuses("10.0.0.01/24", true, "is not");
    refuses(" 10.0.0.1/24", true, "is not");
    refuses("2001:db8::g/64", true, "is not");
    refuses("1:2:3:4:5:6:7:8:9/64", true, "is not");
    refuses("", true, "is not");
    refuses("/24", true, "is not");
    refuses("localhost/8", true, "is not");
    refuses("1111111111111111111111111111111111111111111111111111111/24", true, "too long");
}

static void test_lengths_are_checked(void **state)
{
    (void)state;
    refuses("10.0.0.1", true, "prefix length is missing");
    refuses("10.0.0.1/", true, "prefix length \"\"");
    refuses("10.0.0.1/33", true, "0 to 32");
    refuses("10.0.0.1/-1", true, "prefix length \"-1\"");
    refuses("10.0.0.1/024", true, "prefix length \"024\"");
    refuses("10.0.0.1/24x", true, "prefix length \"24x\"");
    refuses("10.0.0.1/99999999999999999999", true, "0 to 32");
    refuses("2001:db8::1/129", true, "0 to 128");
    refuses("10.0.0.1/24/8", true, "prefix length \"24/8\"");
}

static void test_what_no_interface_can_have_is_refused(void **state)
{
    (void)state;
    refuses("0.0.0.0/0", true, "unspecified");
    refuses("::/0", true, "unspecified");
    refuses("224.0.0.1/4", true, "multicast");
    refuses("ff02::1/64", true, "multicast");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4_and_ipv6_with_length),
        cmocka_unit_test(test_gateways_have_no_length),
        cmocka_unit_test(test_what_is_no_address_is_named),
        cmocka_unit_test(test_lengths_are_checked),
        cmocka_unit_test(test_what_no_interface_can_have_is_refused),
    };

    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
