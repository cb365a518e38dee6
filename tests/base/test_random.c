/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generator against another implementation of PCG XSH RR 64/32: that one works on 128-bit
 * products and single bits, so that a slip in one is not repeated in the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"

struct other {
    unsigned __int128 state, increment;
};

static const unsigned __int128 two_to_64 = (unsigned __int128)1 << 64;

static uint32_t rotate_right_by_one(uint32_t value)
{
    return value / 2 + (value % 2 ? 0x80000000u : 0);
}

static uint32_t other_next(struct other *other)
{
    uint64_t old = (uint64_t)other->state;
    uint64_t mixed = old / 262144 ^ old;             /* xorshift by 18 */
    uint32_t output = (uint32_t)(mixed / 134217728); /* bits 27 to 58 */

    for (uint64_t i = old / 0x0800000000000000u; i > 0; i--) /* the top 5 bits */
        output = rotate_right_by_one(output);
    other->state = (other->state * 6364136223846793005u + other->increment) % two_to_64;
    return output;
}

static void other_seed(struct other *other, uint64_t seed, uint64_t stream)
{
    other->increment = ((unsigned __int128)stream * 2 + 1) % two_to_64;
    /* The state 0 is stepped once, which leaves the increment, then the seed is added. */
    other->state = (other->increment + seed) % two_to_64;
    other_next(other);
}

static void numbers_equal_those_of_an_independent_implementation(void **state)
{
    static const uint64_t seeds[] = {0, 1, 42, 0x8000000000000000u, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
        for (size_t j = 0; j < sizeof(seeds) / sizeof(seeds[0]); j++) {
            struct ttb__random random;
            struct other other;

            ttb__random_seed(&random, seeds[i], seeds[j]);
            other_seed(&other, seeds[i], seeds[j]);
            for (int k = 0; k < 10000; k++)
                assert_int_equal(ttb__random_u32(&random), other_next(&other));
        }
    }
}

/* The first numbers that the reference implementation's demonstration prints (seed 42, stream 54). */
static void the_published_first_numbers_come_out(void **state)
{
    static const uint32_t expected[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330,
                                        0x83d2f293, 0xbfa4784b, 0xcbed606e};
    struct ttb__random random;

    (void)state;
    ttb__random_seed(&random, 42, 54);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_int_equal(ttb__random_u32(&random), expected[i]);
}

static void the_same_seed_gives_the_same_numbers_and_other_streams_others(void **state)
{
    struct ttb__random a, b, c;
    unsigned equal = 0;

    (void)state;
    ttb__random_seed(&a, 7, 1);
    ttb__random_seed(&b, 7, 1);
    ttb__random_seed(&c, 7, 2);
    for (int i = 0; i < 1000; i++) {
        uint32_t number = ttb__random_u32(&a);

        assert_int_equal(number, ttb__random_u32(&b));
        equal += number == ttb__random_u32(&c);
    }
    assert_true(equal < 5);
}

static void doubles_are_made_of_two_numbers_and_lie_in_zero_to_one(void **state)
{
    struct ttb__random random;
    struct other other;
    double sum = 0;

    (void)state;
    ttb__random_seed(&random, 3, 4);
    other_seed(&other, 3, 4);
    for (int i = 0; i < 100000; i++) {
        double number = ttb__random_double(&random);
        uint32_t high = other_next(&other), low = other_next(&other);

        assert_true(number == ((double)high * 2097152 + (double)(low / 2048)) / 9007199254740992.0);
        assert_true(number >= 0 && number < 1);
        sum += number;
    }
    /* Mean 0.5, standard deviation of the mean 0.0009. */
    assert_true(sum > 49500 && sum < 50500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_equal_those_of_an_independent_implementation),
        cmocka_unit_test(the_published_first_numbers_come_out),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers_and_other_streams_others),
        cmocka_unit_test(doubles_are_made_of_two_numbers_and_lie_in_zero_to_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
