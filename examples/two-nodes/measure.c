/* SPDX-License-Identifier: BSD-3-Clause */
#include "measure.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define ETHERNET_BYTES    14
#define FCS_BYTES         4
#define PAYLOAD_MIN_BYTES 46

/* Clock reads that a node may make while it answers, or around a measurement. */
#define CLOCK_READS_MAX 16

/* Shorter frames are not measured: those that find out addresses. */
#define MEASURED_MIN_BYTES 98

/* ------------------------------------------------------------------------------------ frames */

/* What an exchange consists of: ICMP echoes and UDP from alice (10.0.0.1), and what comes back. */
static bool parse(const uint8_t *frame, size_t len_bytes, uint8_t *protocol, uint8_t *from,
                  uint8_t *to)
{
    const uint8_t *ip = frame + ETHERNET_BYTES;

    if (len_bytes < MEASURED_MIN_BYTES || frame[12] != 0x08 || frame[13] != 0x00)
        return false;
    *protocol = ip[9];
    *from = ip[15];
    *to = ip[19];
    return *protocol == IPPROTO_ICMP || *protocol == IPPROTO_UDP;
}

static struct exchange *last(struct measure *measure, uint8_t protocol, uint8_t peer)
{
    struct exchange *exchange;

    if (measure->count == 0)
        return NULL;
    exchange = &measure->exchanges[measure->count - 1];
    return exchange->protocol == protocol && exchange->peer == peer ? exchange : NULL;
}

static void on_transmitted(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                           size_t len_bytes)
{
    struct measure *measure = user;
    struct exchange *exchange;
    uint8_t protocol, from, to;

    measure->frames++;
    measure->bytes += len_bytes;
    if (!parse(frame, len_bytes, &protocol, &from, &to))
        return;
    if (port == measure->alice) {
        if (measure->count < EXCHANGES_MAX)
            measure->exchanges[measure->count++] = (struct exchange){
                .protocol = protocol, .peer = to, .len_bytes = len_bytes, .sent_ns = time_ns};
    } else {
        exchange = last(measure, protocol, from);
        if (exchange)
            exchange->turned_ns = time_ns;
    }
}

static void on_delivered(void *user, struct ttb_port *port, uint64_t time_ns, const void *frame,
                         size_t len_bytes, enum ttb_drop drop)
{
    struct measure *measure = user;
    struct exchange *exchange;
    uint8_t protocol, from, to;

    if (drop != TTB_DROP_NONE || !parse(frame, len_bytes, &protocol, &from, &to))
        return;
    /* Bob's port is given what alice and the ns-3 host exchange as well, as on every hub. */
    if (port == measure->alice) {
        exchange = last(measure, protocol, from);
        if (exchange && !exchange->back_ns)
            exchange->back_ns = time_ns;
    } else if (port == measure->bob && to == 2) {
        exchange = last(measure, protocol, to);
        if (exchange)
            exchange->arrived_ns = time_ns;
    }
}

int measure_begin(struct measure *measure, struct ttb_bridge *bridge)
{
    const struct ttb_observer observer = {
        .size = sizeof(observer), .transmitted = on_transmitted, .delivered = on_delivered};

    return ttb_bridge_observe(bridge, &observer, measure);
}

void measure_line(struct measure *measure, const char *text)
{
    struct exchange *exchange = &measure->exchanges[measure->said];
    const char *found;
    unsigned ms, us, ns;

    if (measure->said == measure->count)
        return;
    if ((found = strstr(text, " time=")) && sscanf(found, " time=%u.%3u ms", &ms, &us) == 2) {
        exchange->said_ns = ms * UINT64_C(1000000) + us * UINT64_C(1000);
        exchange->said_resolution_ns = 1000;
    } else if ((found = strstr(text, " time_ns=")) && sscanf(found, " time_ns=%u", &ns) == 1) {
        exchange->said_ns = ns;
        exchange->said_resolution_ns = CLOCK_READ_NS;
    } else {
        return;
    }
    measure->said++;
}

/* ------------------------------------------------------------------------------------ report */

uint64_t measure_one_way_ns(size_t len_bytes)
{
    size_t payload_bytes = len_bytes - ETHERNET_BYTES;

    if (payload_bytes < PAYLOAD_MIN_BYTES)
        payload_bytes = PAYLOAD_MIN_BYTES;
    return (ETHERNET_BYTES + payload_bytes + FCS_BYTES) * LAN_BYTE_NS + LAN_DELAY_NS;
}

/* What is wrong with an exchange; NULL: nothing. */
static const char *check(const struct exchange *exchange)
{
    uint64_t one_way_ns = measure_one_way_ns(exchange->len_bytes), extra_ns;

    if (!exchange->back_ns)
        return "no answer";
    if (!exchange->said_ns)
        return "the node did not say how long it took";
    if (exchange->arrived_ns) {
        /* Two Linux nodes: each way by itself, exactly, and what the peer took in between. */
        if (exchange->arrived_ns - exchange->sent_ns != one_way_ns)
            return "the request's time on the LAN is wrong";
        if (exchange->back_ns - exchange->turned_ns != one_way_ns)
            return "the answer's time on the LAN is wrong";
        extra_ns = exchange->turned_ns - exchange->arrived_ns;
        if (extra_ns % CLOCK_READ_NS != 0 || extra_ns / CLOCK_READ_NS > CLOCK_READS_MAX)
            return "the peer took other than a few clock reads";
    } else if (exchange->back_ns - exchange->sent_ns != 2 * one_way_ns + CSMA_SLOT_NS) {
        return "the round trip's time on the LAN is wrong";
    }
    /* What the program in the node saw: the same, plus the clock reads, as coarse as it prints. */
    extra_ns = exchange->said_ns + exchange->said_resolution_ns - 1 -
               (exchange->back_ns - exchange->sent_ns);
    return extra_ns > CLOCK_READS_MAX * CLOCK_READ_NS ? "the node measured something else" : NULL;
}

int measure_report(const struct measure *measure, unsigned exchanges_wanted)
{
    int failed = 0;

    printf("\n%-22s %12s %12s %12s %12s\n", "round trip, ns", "computed", "on the LAN", "peer",
           "in the node");
    for (unsigned i = 0; i < measure->count; i++) {
        const struct exchange *exchange = &measure->exchanges[i];
        uint64_t one_way_ns = measure_one_way_ns(exchange->len_bytes);
        uint64_t turn_ns =
            exchange->arrived_ns ? exchange->turned_ns - exchange->arrived_ns : CSMA_SLOT_NS;
        const char *wrong = check(exchange);

        printf("%-4s alice to %-8s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "%s%s\n",
               exchange->protocol == IPPROTO_ICMP ? "ping" : "udp",
               exchange->peer == 2 ? "bob" : "host", 2 * one_way_ns,
               exchange->back_ns - exchange->sent_ns - turn_ns, turn_ns, exchange->said_ns,
               wrong ? "  WRONG: " : "", wrong ? wrong : "");
        failed += wrong != NULL;
    }
    if (measure->count != exchanges_wanted) {
        printf("WRONG: %u exchanges instead of %u\n", measure->count, exchanges_wanted);
        failed++;
    }
    return failed;
}
