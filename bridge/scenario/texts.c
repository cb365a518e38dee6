/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario/texts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <ttbridge/bridge.h>

#include "scenario/pattern.h"
#include "scenario/utf8.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

/* Linux: IFNAMSIZ less the zero. */
#define INTERFACE_NAME_MAX 15

static int check_word(const char *text, size_t max, const char *what, struct ttb__error *error)
{
    size_t length = strlen(text);

    if (length == 0)
        return ttb__fail(error, -EINVAL, "%s is empty", what);
    if (length > max)
        return ttb__fail(error, -EINVAL, "\"%.80s\" is too long: %s has at most %zu characters",
                         text, what, max);
    if (text[strspn(text, LETTERS DIGITS "_-")] || text[0] == '-')
        return ttb__fail(error, -EINVAL,
                         "\"%.80s\" is not %s: letters, digits, _ and - may be in it, and - not in "
                         "front",
                         text, what);
    return 0;
}

int ttb__check_name(const char *text, struct ttb__error *error)
{
    return check_word(text, TTB_NAME_MAX, "a name", error);
}

int ttb__check_interface_name(const char *text, struct ttb__error *error)
{
    if (strcmp(text, "lo") == 0)
        return ttb__fail(error, -EINVAL, "\"lo\" is the loopback interface, which is there anyway");
    return check_word(text, INTERFACE_NAME_MAX, "an interface name", error);
}

int ttb__check_line(const char *text, struct ttb__error *error)
{
    if (!*text)
        return ttb__fail(error, -EINVAL, "it is empty");
    if (strpbrk(text, "\n\r\t"))
        return ttb__fail(error, -EINVAL, "\"%.80s\" is more than one line", text);
    return 0;
}

int ttb__check_not_blank(const char *text, struct ttb__error *error)
{
    if (!text[strspn(text, " \t\r\n")])
        return ttb__fail(error, -EINVAL, "it is empty");
    return 0;
}

int ttb__check_guest_path(const char *text, struct ttb__error *error)
{
    size_t length = strlen(text);

    if (text[0] != '/')
        return ttb__fail(error, -EINVAL, "\"%.80s\" is not an absolute path", text);
    if (length > 1000)
        return ttb__fail(error, -EINVAL, "\"%.80s...\" is too long", text);
    if (length == 1 || text[length - 1] == '/')
        return ttb__fail(error, -EINVAL, "\"%.80s\" is the path of a folder", text);
    for (const char *at = text; at; at = strchr(at, '/')) {
        const char *part = ++at;
        size_t part_len = strcspn(part, "/");

        if (part_len == 0 || (part_len == 1 && *part == '.') ||
            (part_len == 2 && strncmp(part, "..", 2) == 0))
            return ttb__fail(error, -EINVAL,
                             "\"%.80s\": write the path without \"//\", \".\", \"..\"", text);
        if (part_len > 255)
            return ttb__fail(error, -EINVAL, "\"%.80s...\" is too long", text);
    }
    if (strpbrk(text, "\n\r"))
        return ttb__fail(error, -EINVAL, "\"%.80s\" is more than one line", text);
    return 0;
}

/* ns3::Name or ns3::Name<...>, as TypeIds are. */
static size_t type_id_length(const char *text)
{
    size_t length = 0, part;

    for (;;) {
        part = strspn(text + length, LETTERS DIGITS "_");
        if (part == 0)
            return 0;
        length += part;
        if (text[length] == '<')
            length += strspn(text + length, LETTERS DIGITS "_<>, :");
        /* The last part may be an attribute's name; who asks looks for it. */
        if (strncmp(text + length, "::", 2) != 0)
            return length;
        length += 2;
    }
}

int ttb__check_type_id(const char *text, struct ttb__error *error)
{
    size_t length = type_id_length(text);

    if (length == 0 || text[length] || !strstr(text, "::"))
        return ttb__fail(
            error, -EINVAL,
            "\"%.80s\" is not the name of an ns-3 type, such as \"ns3::UdpEchoServer\"", text);
    return 0;
}

int ttb__check_attribute(const char *text, struct ttb__error *error)
{
    if (!*text || text[strspn(text, LETTERS DIGITS "_")])
        return ttb__fail(error, -EINVAL, "\"%.80s\" is not the name of an attribute", text);
    return 0;
}

int ttb__check_ns3_default(const char *text, struct ttb__error *error)
{
    const char *first = strstr(text, "::"), *last = first ? strstr(first + 2, "::") : NULL;

    if (!last || type_id_length(text) != strlen(text))
        return ttb__fail(error, -EINVAL,
                         "\"%.80s\" is not a type and an attribute, such as "
                         "\"ns3::TcpSocket::SegmentSize\"",
                         text);
    return 0;
}

int ttb__check_module(const char *text, struct ttb__error *error)
{
    if (!*text || text[strspn(text, "abcdefghijklmnopqrstuvwxyz" DIGITS "-")])
        return ttb__fail(error, -EINVAL,
                         "\"%.80s\" is not the name of an ns-3 module, such as "
                         "\"wifi\"",
                         text);
    return 0;
}

int ttb__check_variable(const char *text, struct ttb__error *error)
{
    if (!*text || text[strspn(text, LETTERS DIGITS "_")] || strchr(DIGITS, *text))
        return ttb__fail(error, -EINVAL, "\"%.80s\" is not the name of an environment variable",
                         text);
    return 0;
}

int ttb__check_sysctl(const char *text, struct ttb__error *error)
{
    if (!strpbrk(text, "./") || text[strspn(text, LETTERS DIGITS "_-./")] || strstr(text, "..") ||
        *text == '.' || *text == '/')
        return ttb__fail(error, -EINVAL,
                         "\"%.80s\" is not the name of a sysctl, such as \"net.ipv4.ip_forward\"",
                         text);
    return 0;
}

int ttb__check_kernel_argument(const char *text, struct ttb__error *error)
{
    /* What the lab sets itself: another value would break the run, or make it differ from others. A
     * name that ends in '*' stands for all that begin so. */
    static const char *const ours[] = {"time-travel*", "mem",     "ubd*", "root",  "init",
                                       "virtio_uml.*", "umid",    "con",  "con0*", "con1*",
                                       "norandmaps",   "uml_dir", "ttb.*"};
    size_t name_len = strcspn(text, "=");

    if (!*text || strpbrk(text, " \t\r\n\"'"))
        return ttb__fail(error, -EINVAL, "\"%.80s\" is not one word without quotes", text);
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
        size_t length = strcspn(ours[i], "*");

        if (strncmp(text, ours[i], length) == 0 && (ours[i][length] || name_len == length))
            return ttb__fail(error, -EINVAL, "\"%.80s\": ttb sets the kernel's argument \"%.*s\"",
                             text, (int)name_len, text);
    }
    return 0;
}

int ttb__check_pattern(const char *text, struct ttb__error *error)
{
    struct ttb__pattern *pattern = NULL;
    int rc;

    if (!*text)
        return ttb__fail(error, -EINVAL, "it is empty");
    rc = ttb__pattern_compile(text, &pattern, error);
    ttb__pattern_free(pattern);
    return rc;
}

/* --------------------------------------------------------------------------------- addresses */

/* Decimal, no sign, no blank, no leading zero. */
static bool parse_length(const char *text, unsigned max, unsigned *value)
{
    *value = 0;
    if (!*text || (text[0] == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        *value = 10 * *value + (unsigned)(*text - '0');
        if (*value > max)
            return false;
    }
    return true;
}

static bool bits_are(const struct ttb__inet *inet, unsigned from, unsigned to, unsigned bit)
{
    for (unsigned i = from; i < to; i++) {
        if ((inet->bytes[i / 8] >> (7 - i % 8) & 1) != bit)
            return false;
    }
    return true;
}

/* An address that an interface cannot have, nor a next hop. */
static const char *unfit(const struct ttb__inet *inet)
{
    static const uint8_t zeros[16], loopback[16] = {[15] = 1};

    if (memcmp(inet->bytes, zeros, 16) == 0)
        return "the unspecified address";
    if (inet->is_ipv6 ? inet->bytes[0] == 0xff : (inet->bytes[0] & 0xf0) == 0xe0)
        return "a multicast address";
    if (inet->is_ipv6 ? memcmp(inet->bytes, loopback, 16) == 0 : inet->bytes[0] == 127)
        return "a loopback address";
    if (!inet->is_ipv6 && inet->bytes[0] >= 240)
        return "a reserved address";
    return NULL;
}

static int check_interface(const char *text, const struct ttb__inet *inet, struct ttb__error *error)
{
    if (inet->prefix_bits == 0)
        return ttb__fail(error, -EINVAL, "\"%s\": a prefix of length 0 is the whole Internet",
                         text);
    /* RFC 3021: the two addresses of a /31 are both for hosts. */
    if (inet->is_ipv6 || inet->prefix_bits >= 31)
        return 0;
    if (bits_are(inet, inet->prefix_bits, 32, 0))
        return ttb__fail(error, -EINVAL, "\"%s\" is the address of the network itself", text);
    if (bits_are(inet, inet->prefix_bits, 32, 1))
        return ttb__fail(error, -EINVAL, "\"%s\" is the broadcast address of its network", text);
    return 0;
}

int ttb__inet_parse(enum ttb__inet_form form, const char *text, struct ttb__inet *inet,
                    struct ttb__error *error)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/'), *why;
    size_t host_len = slash ? (size_t)(slash - text) : strlen(text);
    unsigned max;

    *inet = (struct ttb__inet){0};
    if (host_len >= sizeof(host))
        return ttb__fail(error, -EINVAL, "\"%.80s\" is not an IPv4 or IPv6 address", text);
    memcpy(host, text, host_len);
    host[host_len] = 0;
    inet->is_ipv6 = strchr(host, ':') != NULL;
    if (inet_pton(inet->is_ipv6 ? AF_INET6 : AF_INET, host, inet->bytes) != 1)
        return ttb__fail(error, -EINVAL, "\"%.80s\" is not an IPv4 or IPv6 address%s", text,
                         form == TTB__INET_BARE        ? ""
                         : form == TTB__INET_INTERFACE ? " with prefix, such as \"10.0.0.1/24\""
                                                       : " with prefix, such as \"10.0.0.0/24\"");
    max = inet->is_ipv6 ? 128 : 32;
    if (form == TTB__INET_BARE) {
        if (slash)
            return ttb__fail(error, -EINVAL, "\"%.80s\": no prefix length belongs here", text);
        inet->prefix_bits = max;
    } else if (!slash) {
        return ttb__fail(error, -EINVAL, "\"%s\": the prefix length is missing, such as \"%s/%d\"",
                         text, text, inet->is_ipv6 ? 64 : 24);
    } else if (!parse_length(slash + 1, max, &inet->prefix_bits)) {
        return ttb__fail(error, -EINVAL, "\"%.80s\": the prefix length is not one of 0 to %u", text,
                         max);
    }
    if (form == TTB__INET_PREFIX) {
        if (!bits_are(inet, inet->prefix_bits, max, 0))
            return ttb__fail(error, -EINVAL, "\"%s\": bits after the first %u are not 0", text,
                             inet->prefix_bits);
        return 0;
    }
    why = unfit(inet);
    if (why)
        return ttb__fail(error, -EINVAL, "\"%s\" is %s", text, why);
    return form == TTB__INET_INTERFACE ? check_interface(text, inet, error) : 0;
}

bool ttb__inet_same_prefix(const struct ttb__inet *a, const struct ttb__inet *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);

    return a->is_ipv6 == b->is_ipv6 && memcmp(a->bytes, b->bytes, whole) == 0 &&
           (rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0);
}

bool ttb__inet_is_link_local(const struct ttb__inet *inet)
{
    return inet->is_ipv6 && inet->bytes[0] == 0xfe && (inet->bytes[1] & 0xc0) == 0x80;
}

int ttb__check_address(const char *text, struct ttb__error *error)
{
    struct ttb__inet inet;

    return ttb__inet_parse(TTB__INET_INTERFACE, text, &inet, error);
}

int ttb__check_prefix(const char *text, struct ttb__error *error)
{
    struct ttb__inet inet;

    return ttb__inet_parse(TTB__INET_PREFIX, text, &inet, error);
}

int ttb__check_next_hop(const char *text, struct ttb__error *error)
{
    struct ttb__inet inet;

    return ttb__inet_parse(TTB__INET_BARE, text, &inet, error);
}
