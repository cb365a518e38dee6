/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/random.h"

#define PCG_MULTIPLIER 6364136223846793005ULL

uint32_t ttb__random_u32(struct ttb__random *random)
{
    uint64_t state = random->state;
    uint32_t xorshifted = (uint32_t)(((state >> 18) ^ state) >> 27);
    uint32_t rotation = (uint32_t)(state >> 59);

    random->state = state * PCG_MULTIPLIER + random->increment;
    return (xorshifted >> rotation) | (xorshifted << (-rotation & 31));
}

void ttb__random_seed(struct ttb__random *random, uint64_t seed, uint64_t stream)
{
    random->state = 0;
    random->increment = (stream << 1) | 1;
    ttb__random_u32(random);
    random->state += seed;
    ttb__random_u32(random);
}

double ttb__random_double(struct ttb__random *random)
{
    uint64_t high = ttb__random_u32(random);
    uint64_t low = ttb__random_u32(random);

    return (double)(((high << 32) | low) >> 11) * 0x1.0p-53;
}
