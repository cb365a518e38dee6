/* SPDX-License-Identifier: BSD-3-Clause */
/* Quantities: what they are in the smallest unit, exactly, and how they are written again. */
#include "rig.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scenario/units.h"

#define S UINT64_C(1000000000)

struct good {
    enum ttb__quantity quantity;
    const char *text;
    uint64_t value;
    const char *printed; /* canonical */
    bool negative;
};

static const struct good good[] = {
    {TTB__QUANTITY_TIME, "0", 0, "0s", false},
    {TTB__QUANTITY_TIME, "0ns", 0, "0s", false},
    {TTB__QUANTITY_TIME, "1ns", 1, "1ns", false},
    {TTB__QUANTITY_TIME, "1us", 1000, "1us", false},
    {TTB__QUANTITY_TIME, "1\xc2\xb5s", 1000, "1us", false},
    {TTB__QUANTITY_TIME, "0.001us", 1, "1ns", false},
    {TTB__QUANTITY_TIME, "0.0010us", 1, "1ns", false},
    {TTB__QUANTITY_TIME, "10ms", 10000000, "10ms", false},
    {TTB__QUANTITY_TIME, "10 ms", 10000000, "10ms", false},
    {TTB__QUANTITY_TIME, "1.5s", 1500000000, "1500ms", false},
    {TTB__QUANTITY_TIME, "0.1s", 100000000, "100ms", false},
    {TTB__QUANTITY_TIME, "0.3s", 300000000, "300ms", false},
    {TTB__QUANTITY_TIME, "1.000000001s", 1000000001, "1000000001ns", false},
    {TTB__QUANTITY_TIME, "007s", 7 * S, "7s", false},
    {TTB__QUANTITY_TIME, "2min", 120 * S, "120s", false},
    {TTB__QUANTITY_TIME, "1.5h", 5400 * S, "5400s", false},
    {TTB__QUANTITY_TIME, "1d", 86400 * S, "86400s", false},
    {TTB__QUANTITY_TIME, "0.00000000000001d", 0, NULL, false}, /* 0.864 ns: refused */
    {TTB__QUANTITY_TIME, "18446744073709551615ns", UINT64_MAX, "18446744073709551615ns", false},
    {TTB__QUANTITY_TIME, "18446744073.709551615s", UINT64_MAX, "18446744073709551615ns", false},
    {TTB__QUANTITY_RATE, "1bps", 1, "1bps", false},
    {TTB__QUANTITY_RATE, "100Mbps", 100000000, "100Mbps", false},
    {TTB__QUANTITY_RATE, "100 Mbit/s", 100000000, "100Mbps", false},
    {TTB__QUANTITY_RATE, "1.544Mbps", 1544000, "1544kbps", false},
    {TTB__QUANTITY_RATE, "2.5Gbps", 2500000000, "2500Mbps", false},
    {TTB__QUANTITY_RATE, "1Tbit/s", UINT64_C(1000000000000), "1000Gbps", false},
    {TTB__QUANTITY_BYTES, "0", 0, "0", false},
    {TTB__QUANTITY_BYTES, "1000", 1000, "1000", false},
    {TTB__QUANTITY_BYTES, "64M", 67108864, "64M", false},
    {TTB__QUANTITY_BYTES, "0.5G", 536870912, "512M", false},
    {TTB__QUANTITY_BYTES, "64MiB", 67108864, "64M", false},
    {TTB__QUANTITY_BYTES, "64MB", 64000000, "62500K", false},
    {TTB__QUANTITY_BYTES, "3B", 3, "3", false},
    {TTB__QUANTITY_FRACTION, "10%", 100000000, "10%", false},
    {TTB__QUANTITY_FRACTION, "0.1", 100000000, "10%", false},
    {TTB__QUANTITY_FRACTION, "0", 0, "0%", false},
    {TTB__QUANTITY_FRACTION, "1", S, "100%", false},
    {TTB__QUANTITY_FRACTION, "100%", S, "100%", false},
    {TTB__QUANTITY_FRACTION, "0.0000001%", 1, "0.0000001%", false},
    {TTB__QUANTITY_FRACTION, "0.000000001", 1, "0.0000001%", false},
    {TTB__QUANTITY_FRACTION, "12.5 %", 125000000, "12.5%", false},
    {TTB__QUANTITY_FRACTION, "33.3333333%", 333333333, "33.3333333%", false},
    {TTB__QUANTITY_LENGTH, "0", 0, "0m", false},
    {TTB__QUANTITY_LENGTH, "-0m", 0, "0m", false},
    {TTB__QUANTITY_LENGTH, "2.5", 2500, "2500mm", false},
    {TTB__QUANTITY_LENGTH, "-2.5m", 2500, "-2500mm", true},
    {TTB__QUANTITY_LENGTH, "1km", 1000000, "1000m", false},
    {TTB__QUANTITY_LENGTH, "-3cm", 30, "-30mm", true},
    {TTB__QUANTITY_COUNT, "0", 0, "0", false},
    {TTB__QUANTITY_COUNT, "18446744073709551615", UINT64_MAX, "18446744073709551615", false},
};

static void good_texts_have_their_exact_value(void **state)
{
    char text[TTB__QUANTITY_TEXT];
    uint64_t value, again;
    bool negative, negative_again;
    int rc;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        const struct good *g = &good[i];
        struct ttb__error error = {0};
        bool sign = g->quantity == TTB__QUANTITY_LENGTH;

        rc = ttb__quantity_parse(g->quantity, g->text, sign ? &negative : NULL, &value, &error);
        if (!g->printed) {
            assert_int_equal(rc, -EINVAL);
            continue;
        }
        if (rc != 0 || value != g->value || (sign && negative != g->negative))
            fail_msg("\"%s\" is %" PRIu64 " (%s)", g->text, value, error.text);
        ttb__quantity_print(g->quantity, g->negative, g->value, text);
        assert_string_equal(text, g->printed);
        rc = ttb__quantity_parse(g->quantity, text, sign ? &negative_again : NULL, &again, NULL);
        assert_int_equal(rc, 0);
        assert_int_equal(again, value);
        assert_true(!sign || negative_again == negative);
    }
}

static const struct {
    enum ttb__quantity quantity;
    const char *text, *why;
} bad[] = {
    {TTB__QUANTITY_TIME, "", "\"\" is not a time, such as \"10ms\""},
    {TTB__QUANTITY_TIME, "ms", "\"ms\" is not a time, such as \"10ms\""},
    {TTB__QUANTITY_TIME, "5", "\"5\" has no unit: use ns, us, ms, s, min, h or d"},
    {TTB__QUANTITY_TIME, "5 ", "\"5 \" has no unit: use ns, us, ms, s, min, h or d"},
    {TTB__QUANTITY_TIME, "5  s",
     "\"5  s\": there is no unit \" s\" for a time: use ns, us, ms, s, min, "
     "h or d"},
    {TTB__QUANTITY_TIME, "+5s", "\"+5s\" is not a time, such as \"10ms\""},
    {TTB__QUANTITY_TIME, "-5s", "\"-5s\" is negative"},
    {TTB__QUANTITY_TIME, ".5s", "\".5s\" is not a time, such as \"10ms\""},
    {TTB__QUANTITY_TIME, "1e3s",
     "\"1e3s\": there is no unit \"e3s\" for a time: use ns, us, ms, s, min, "
     "h or d"},
    {TTB__QUANTITY_TIME, "0x5s",
     "\"0x5s\": there is no unit \"x5s\" for a time: use ns, us, ms, s, min, "
     "h or d"},
    {TTB__QUANTITY_TIME, "1,5s",
     "\"1,5s\": there is no unit \",5s\" for a time: use ns, us, ms, s, min, "
     "h or d"},
    {TTB__QUANTITY_TIME, "1m",
     "\"1m\": there is no unit \"m\" for a time: use ns, us, ms, s, min, h or d"},
    {TTB__QUANTITY_TIME, "10MS", "\"10MS\": there is no unit \"MS\"; did you mean \"ms\"?"},
    {TTB__QUANTITY_TIME, "1.0000000001s", "\"1.0000000001s\" is not a whole number of nanoseconds"},
    {TTB__QUANTITY_TIME, "18446744073709551616ns", "\"18446744073709551616ns\" is too large"},
    {TTB__QUANTITY_TIME, "18446744074s", "\"18446744074s\" is too large"},
    {TTB__QUANTITY_TIME, "9999999999999999999999999999999s",
     "\"9999999999999999999999999999999s\" is too large"},
    {TTB__QUANTITY_TIME, "0.1234567890123456789012345678901s",
     "\"0.1234567890123456789012345678901s\" has too many digits"},
    {TTB__QUANTITY_TIME, "999999999999999999999999999999d",
     "\"999999999999999999999999999999d\" is too large"},
    {TTB__QUANTITY_RATE, "100", "\"100\" has no unit: use bps, kbps, Mbps, Gbps or Tbps"},
    {TTB__QUANTITY_RATE, "100M",
     "\"100M\": there is no unit \"M\" for a rate: use bps, kbps, Mbps, Gbps "
     "or Tbps"},
    {TTB__QUANTITY_RATE, "1.5bps", "\"1.5bps\" is not a whole number of bit/s"},
    {TTB__QUANTITY_BYTES, "0.3K", "\"0.3K\" is not a whole number of bytes"},
    {TTB__QUANTITY_BYTES, "64m", "\"64m\": there is no unit \"m\"; did you mean \"M\"?"},
    {TTB__QUANTITY_FRACTION, "1.1", "\"1.1\" is more than 100%"},
    {TTB__QUANTITY_FRACTION, "100.0000001%", "\"100.0000001%\" is more than 100%"},
    {TTB__QUANTITY_FRACTION, "10 percent",
     "\"10 percent\": there is no unit \"percent\" for a "
     "fraction: use %"},
    {TTB__QUANTITY_LENGTH, "0.0001m", "\"0.0001m\" is not a whole number of millimetres"},
    {TTB__QUANTITY_COUNT, "5.5", "\"5.5\" is not a whole number of ones"},
    {TTB__QUANTITY_COUNT, "5 ", "\"5 \" is not a whole number"},
    {TTB__QUANTITY_COUNT, "5k", "\"5k\" is not a whole number"},
};

static void bad_texts_are_refused_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct ttb__error error = {0};
        bool negative;
        uint64_t value;

        assert_int_equal(
            ttb__quantity_parse(bad[i].quantity, bad[i].text,
                                bad[i].quantity == TTB__QUANTITY_LENGTH ? &negative : NULL, &value,
                                &error),
            -EINVAL);
        assert_string_equal(error.text, bad[i].why);
    }
}

/* Any value at all is written so that reading gives it back. */
static void printed_values_are_read_back(void **state)
{
    static const enum ttb__quantity all[] = {TTB__QUANTITY_TIME,   TTB__QUANTITY_RATE,
                                             TTB__QUANTITY_BYTES,  TTB__QUANTITY_FRACTION,
                                             TTB__QUANTITY_LENGTH, TTB__QUANTITY_COUNT};
    uint64_t random = 1;

    (void)state;
    for (unsigned i = 0; i < 60000; i++) {
        enum ttb__quantity quantity = all[i % 6];
        char text[TTB__QUANTITY_TEXT];
        uint64_t value, again;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        value = (random >> 3) >> (random >> 58);
        if (i % 4 == 0)
            value = value / S * S;
        if (quantity == TTB__QUANTITY_FRACTION)
            value %= S + 1;
        ttb__quantity_print(quantity, false, value, text);
        assert_int_equal(ttb__quantity_parse(quantity, text, NULL, &again, NULL), 0);
        assert_int_equal(again, value);
    }
}

static void dates_are_exact_and_are_read_back(void **state)
{
    static const struct {
        const char *text;
        uint64_t time_ns;
        const char *printed;
    } dates[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
        {"2025-01-01T00:00:00Z", UINT64_C(1735689600) * S, "2025-01-01T00:00:00Z"},
        {"2000-02-29T23:59:59Z", UINT64_C(951868799) * S, "2000-02-29T23:59:59Z"},
        {"2024-12-31T12:34:56.5Z", UINT64_C(1735648496) * S + S / 2, "2024-12-31T12:34:56.5Z"},
        {"2100-03-01T00:00:00.000000001Z", UINT64_C(4107542400) * S + 1,
         "2100-03-01T00:00:00.000000001Z"},
    };
    static const char *const wrong[] = {"",
                                        "2025-01-01",
                                        "2025-01-01 00:00:00Z",
                                        "2025-01-01T00:00:00",
                                        "2025-01-01T00:00:00+01:00",
                                        "2025-1-1T00:00:00Z",
                                        "2025-13-01T00:00:00Z",
                                        "2025-00-01T00:00:00Z",
                                        "2025-04-31T00:00:00Z",
                                        "2100-02-29T00:00:00Z",
                                        "2025-01-01T24:00:00Z",
                                        "2025-01-01T00:00:60Z",
                                        "2025-01-01T00:00:00.Z",
                                        "2025-01-01T00:00:00.0000000001Z",
                                        "1969-12-31T23:59:59Z",
                                        "2255-01-01T00:00:00Z",
                                        "2025-01-01T00:00:00Zx"};
    char text[TTB__QUANTITY_TEXT];
    uint64_t time_ns, random = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
        assert_int_equal(ttb__date_parse(dates[i].text, &time_ns, NULL), 0);
        assert_int_equal(time_ns, dates[i].time_ns);
        ttb__date_print(time_ns, text);
        assert_string_equal(text, dates[i].printed);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (ttb__date_parse(wrong[i], &time_ns, NULL) != -EINVAL)
            fail_msg("\"%s\" is a date", wrong[i]);
    }
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t again;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        time_ns = random % UINT64_C(8990000000000000000);
        ttb__date_print(time_ns, text);
        assert_int_equal(ttb__date_parse(text, &again, NULL), 0);
        assert_int_equal(again, time_ns);
    }
}

static void ranges_are_closed_intervals(void **state)
{
    static const struct {
        const char *text;
        uint64_t min, max;
        const char *printed;
    } ranges[] = {
        {"5", 5, 5, "5"},
        {"==5", 5, 5, "5"},
        {">=5", 5, UINT64_MAX, ">=5"},
        {"> 5", 6, UINT64_MAX, ">=6"},
        {"<=5", 0, 5, "<=5"},
        {"<5", 0, 4, "<=4"},
        {"2..5", 2, 5, "2..5"},
        {"5..5", 5, 5, "5"},
        {"0", 0, 0, "0"},
        {"<1", 0, 0, "0"},
        {">=0", 0, UINT64_MAX, ">=0"},
    };
    static const char *const wrong[] = {
        "",    "=5",    "=>5", "<>5",  "<0",  ">18446744073709551615", "5..2", "..", "5..",
        "..5", "5...6", "!=5", "five", ">=-1"};
    char text[TTB__RANGE_TEXT];
    uint64_t min, max;

    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        assert_int_equal(ttb__range_parse(TTB__QUANTITY_COUNT, ranges[i].text, &min, &max, NULL),
                         0);
        assert_int_equal(min, ranges[i].min);
        assert_int_equal(max, ranges[i].max);
        ttb__range_print(TTB__QUANTITY_COUNT, min, max, text);
        assert_string_equal(text, ranges[i].printed);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (ttb__range_parse(TTB__QUANTITY_COUNT, wrong[i], &min, &max, NULL) != -EINVAL)
            fail_msg("\"%s\" is a range", wrong[i]);
    }
    assert_int_equal(ttb__range_parse(TTB__QUANTITY_BYTES, "1K..2M", &min, &max, NULL), 0);
    assert_int_equal(min, 1024);
    assert_int_equal(max, 2 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_have_their_exact_value),
        cmocka_unit_test(bad_texts_are_refused_with_a_reason),
        cmocka_unit_test(printed_values_are_read_back),
        cmocka_unit_test(dates_are_exact_and_are_read_back),
        cmocka_unit_test(ranges_are_closed_intervals),
    };

    return cmocka_run_group_tests_name("scenario units", tests, NULL, NULL);
}
