/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file texts.h
 * What may stand in texts: names, addresses, paths, expressions.
 */
#ifndef TTB_SCENARIO_TEXTS_H
#define TTB_SCENARIO_TEXTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Each is a ttb__text_check: 0, or -EINVAL and a sentence that begins with the text. */
int ttb__check_name(const char *text, struct ttb__error *error);
int ttb__check_interface_name(const char *text, struct ttb__error *error);
int ttb__check_line(const char *text, struct ttb__error *error);
int ttb__check_address(const char *text, struct ttb__error *error);
int ttb__check_prefix(const char *text, struct ttb__error *error);
int ttb__check_next_hop(const char *text, struct ttb__error *error);
int ttb__check_guest_path(const char *text, struct ttb__error *error);
int ttb__check_type_id(const char *text, struct ttb__error *error);
int ttb__check_attribute(const char *text, struct ttb__error *error);
int ttb__check_ns3_default(const char *text, struct ttb__error *error);
int ttb__check_module(const char *text, struct ttb__error *error);
int ttb__check_variable(const char *text, struct ttb__error *error);
int ttb__check_sysctl(const char *text, struct ttb__error *error);
int ttb__check_kernel_argument(const char *text, struct ttb__error *error);
int ttb__check_not_blank(const char *text, struct ttb__error *error);
int ttb__check_pattern(const char *text, struct ttb__error *error);

/* Patterns for the JSON Schema. */
#define TTB__NAME_PATTERN           "^[A-Za-z0-9_][A-Za-z0-9_-]{0,30}$"
#define TTB__INTERFACE_NAME_PATTERN "^[A-Za-z0-9_][A-Za-z0-9_-]{0,14}$"
#define TTB__GUEST_PATH_PATTERN     "^/"
#define TTB__TYPE_ID_PATTERN        "^ns3::"

/* An address, with the length of its prefix if it was written with one. */
struct ttb__inet {
    bool is_ipv6;
    unsigned prefix_bits;
    uint8_t bytes[16]; /* the first 4 for IPv4, the rest 0 */
};

enum ttb__inet_form {
    TTB__INET_INTERFACE, /* ADDRESS/LENGTH of an interface */
    TTB__INET_PREFIX,    /* ADDRESS/LENGTH of a network: the rest is 0; "default" is not one */
    TTB__INET_BARE,      /* ADDRESS */
};

int ttb__inet_parse(enum ttb__inet_form form, const char *text, struct ttb__inet *inet,
                    struct ttb__error *error);

/* True if both are of one family and the first `bits` bits are the same. */
bool ttb__inet_same_prefix(const struct ttb__inet *a, const struct ttb__inet *b, unsigned bits);

/* fe80::/10 */
bool ttb__inet_is_link_local(const struct ttb__inet *inet);

#endif
