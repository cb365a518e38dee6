/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Decimal, no sign, no space, no leading zero. */
static bool parse_length(const char *text, unsigned max, unsigned *value)
{
    unsigned result = 0;

    if (!*text || (text[0] == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        result = 10 * result + (unsigned)(*text - '0');
        if (result > max)
            return false;
    }
    *value = result;
    return true;
}

/* What an interface cannot have: the unspecified address and groups. */
static const char *unfit(bool is_ipv6, const unsigned char *bytes)
{
    static const unsigned char zeros[16];

    if (memcmp(bytes, zeros, is_ipv6 ? 16 : 4) == 0)
        return "it is the unspecified address";
    if (is_ipv6 ? bytes[0] == 0xff : (bytes[0] & 0xf0) == 0xe0)
        return "it is a multicast address";
    return NULL;
}

int ttb__address_parse(const char *text, bool with_prefix, struct ttb__address *address,
                       struct ttb__error *error)
{
    char host[INET6_ADDRSTRLEN], canonical[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    const char *slash = strchr(text, '/'), *why;
    size_t host_len_bytes = slash ? (size_t)(slash - text) : strlen(text);
    unsigned max;

    memset(address, 0, sizeof(*address));
    if (host_len_bytes >= sizeof(host))
        return ttb__fail(error, -EINVAL, "address \"%.80s\": too long", text);
    memcpy(host, text, host_len_bytes);
    host[host_len_bytes] = 0;
    address->is_ipv6 = strchr(host, ':') != NULL;
    if (inet_pton(address->is_ipv6 ? AF_INET6 : AF_INET, host, bytes) != 1)
        return ttb__fail(error, -EINVAL, "address \"%s\": \"%s\" is not an IPv4 or IPv6 address",
                         text, host);
    why = unfit(address->is_ipv6, bytes);
    if (why)
        return ttb__fail(error, -EINVAL, "address \"%s\": %s", text, why);
    inet_ntop(address->is_ipv6 ? AF_INET6 : AF_INET, bytes, canonical, sizeof(canonical));
    if (!with_prefix) {
        if (slash)
            return ttb__fail(error, -EINVAL, "address \"%s\": no /LENGTH belongs here", text);
        snprintf(address->text, sizeof(address->text), "%s", canonical);
        return 0;
    }
    max = address->is_ipv6 ? 128 : 32;
    if (!slash)
        return ttb__fail(error, -EINVAL, "address \"%s\": the prefix length is missing, e.g. %s/%d",
                         text, host, address->is_ipv6 ? 64 : 24);
    if (!parse_length(slash + 1, max, &address->prefix_len_bits))
        return ttb__fail(error, -EINVAL,
                         "address \"%s\": the prefix length \"%s\" is not one of 0 to %u", text,
                         slash + 1, max);
    snprintf(address->text, sizeof(address->text), "%s/%u", canonical, address->prefix_len_bits);
    return 0;
}
