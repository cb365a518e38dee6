/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file address.h
 * IPv4 and IPv6 addresses as people write them.
 */
#ifndef TTB_LAB_ADDRESS_H
#define TTB_LAB_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/error.h"

/* "xxxx:...:xxxx/128" and the terminating zero. */
#define TTB__ADDRESS_TEXT (INET6_ADDRSTRLEN + 4)

struct ttb__address {
    bool is_ipv6;
    unsigned prefix_len_bits;
    char text[TTB__ADDRESS_TEXT]; /* canonical; with /LENGTH if one was asked for */
};

/* Parse "10.0.0.1/24" or "2001:db8::1/64"; with_prefix says whether /LENGTH must or must not be there.
 * The sentence on failure names the value and what is wrong with it.
 * @return 0 or -EINVAL */
int ttb__address_parse(const char *text, bool with_prefix, struct ttb__address *address,
                       struct ttb__error *error);

#endif
