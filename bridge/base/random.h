/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file random.h
 * A small seeded generator for models (loss, jitter): PCG32 (O'Neill 2014, XSH RR 64/32).
 * The same seed and stream give the same numbers on every machine. Not for secrets.
 */
#ifndef TTB_BASE_RANDOM_H
#define TTB_BASE_RANDOM_H

#include <stdint.h>

struct ttb__random {
    uint64_t state;
    uint64_t increment; /* odd */
};

/* Streams of one seed are independent of each other. */
void ttb__random_seed(struct ttb__random *random, uint64_t seed, uint64_t stream);
uint32_t ttb__random_u32(struct ttb__random *random);
/* Uniform in [0, 1), 53 bits. */
double ttb__random_double(struct ttb__random *random);

#endif
