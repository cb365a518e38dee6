/* SPDX-License-Identifier: BSD-3-Clause */
/* Three moving Linux nodes on Wifi; one leaves its range and comes back, its TCP survives. See README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ttbridge/lab.h>
#include <ttbridge/ns3.h>

#define SECOND_NS UINT64_C(1000000000)

/* desk takes what roamer sends, a line every 100 ms for 30 s; walker pings desk meanwhile. */
static const struct {
    const char *name, *address, *mac, *commands;
} stations[] = {
    {"desk", "10.0.0.1/24", "02:00:00:00:00:01",
     "mkfifo /tmp/open\n"
     "nc -l -p 5000 < /tmp/open > /tmp/received &\n"
     "exec 3> /tmp/open\n"
     "wait\n"
     "echo \"received $(wc -l < /tmp/received) lines $(sha256sum < /tmp/received)\"\n"},
    {"walker", "10.0.0.2/24", "02:00:00:00:00:02",
     "sleep 2; ping -c 20 10.0.0.1 | tail -n 2 | head -n 1\n"},
    {"roamer", "10.0.0.3/24", "02:00:00:00:00:03",
     "sleep 2\n"
     "for i in $(seq 300); do echo \"line $i\"; sleep 0.1; done | tee /tmp/sent | nc 10.0.0.1 "
     "5000\n"
     "echo \"sent $(wc -l < /tmp/sent) lines $(sha256sum < /tmp/sent)\"\n"},
};

#define STATIONS (sizeof(stations) / sizeof(stations[0]))

struct demo {
    struct ttb_lab *lab;
    struct ttb_ns3 *ns3;
    struct ttb_port *ports[STATIONS];
    unsigned running, losses, returns;
    char sent[128], received[128];
};

static void check(int rc, const char *why)
{
    if (rc) {
        fprintf(stderr, "wifi-roaming: %s\n", why);
        exit(3);
    }
}

#define OK(demo, call) check(call, ttb_ns3_error((demo)->ns3))

static void say(uint64_t time_ns, const char *who, const char *what)
{
    printf("%13.9f s  %-7s %s\n", (double)time_ns / 1e9, who, what);
}

static void on_line(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                    size_t len_bytes)
{
    struct demo *demo = user;

    (void)len_bytes;
    if (sscanf(text, "sent %127[^\n]", demo->sent) || strstr(text, "packets") ||
        sscanf(text, "received %127[^\n]", demo->received))
        say(time_ns, ttb_node_name(ttb_lab_node_as_node(node)), text);
}

static void on_state(void *user, struct ttb_node *node, enum ttb_node_state state, uint64_t time_ns,
                     const char *why)
{
    struct demo *demo = user;

    if (state == TTB_NODE_FAILED)
        say(time_ns, ttb_node_name(node), why);
    if ((state == TTB_NODE_STOPPED || state == TTB_NODE_FAILED) && --demo->running == 0)
        ttb_ns3_stop(demo->ns3);
}

static void on_association(void *user, const struct ttb_ns3_record *record)
{
    struct demo *demo = user;
    bool gone = strcmp(record->source, "DeAssoc") == 0;

    demo->losses += gone;
    demo->returns += !gone;
    say(record->time_ns, "roamer", gone ? "has lost the access point" : "is associated");
}

static void build_network(struct demo *demo)
{
    const struct ttb_ns3_opts opts = {.size = sizeof(opts), .bridge = ttb_lab_bridge(demo->lab)};
    const struct ttb_ns3_wifi_opts air = {.size = sizeof(air), .infrastructure = true};
    const struct ttb_ns3_animation_opts film = {.size = sizeof(film), .path = "roaming.xml"};
    /* In millimetres. 2 km away nothing of the access point is heard. */
    const struct ttb_ns3_waypoint way[] = {{5 * SECOND_NS, {.x_mm = 10000}},
                                           {10 * SECOND_NS, {.x_mm = 2000000}},
                                           {15 * SECOND_NS, {.x_mm = 2000000}},
                                           {20 * SECOND_NS, {.x_mm = 10000}}};
    struct ttb_ns3_object *wifi, *base, *node[STATIONS], *device, *mac;

    check(ttb_ns3_new(&opts, &demo->ns3), ttb_ns3_error(NULL));
    OK(demo, ttb_ns3_create_wifi(demo->ns3, &air, &wifi));
    OK(demo, ttb_ns3_create_node(demo->ns3, &base));
    OK(demo, ttb_ns3_install_wifi(base, wifi, TTB_NS3_WIFI_ACCESS_POINT, NULL, NULL, &device));
    for (size_t i = 0; i < STATIONS; i++) {
        OK(demo, ttb_ns3_create_node(demo->ns3, &node[i]));
        OK(demo, ttb_ns3_install_wifi(node[i], wifi, TTB_NS3_WIFI_STATION, stations[i].mac, NULL,
                                      &device));
        OK(demo, ttb_ns3_attach_port(device, demo->ports[i], NULL));
    }
    OK(demo, ttb_ns3_object_get_object(device, "Mac", &mac)); /* roamer's: it is the last */
    OK(demo, ttb_ns3_trace_connect(mac, "Assoc", on_association, demo, NULL));
    OK(demo, ttb_ns3_trace_connect(mac, "DeAssoc", on_association, demo, NULL));
    OK(demo, ttb_ns3_set_velocity(node[0], &(struct ttb_ns3_position){.x_mm = 100}));
    OK(demo, ttb_ns3_set_velocity(node[1], &(struct ttb_ns3_position){.y_mm = 500}));
    OK(demo, ttb_ns3_set_waypoints(node[2], way, sizeof(way) / sizeof(way[0])));
    OK(demo, ttb_ns3_animate(demo->ns3, &film));
}

int main(void)
{
    const struct ttb_lab_opts opts = {.size = sizeof(opts), .seed = 1};
    struct demo demo = {.running = STATIONS};
    struct ttb_lab_node *added;
    char error[1024];
    bool survived;

    check(ttb_lab_new(&opts, &demo.lab, error, sizeof(error)), error);
    ttb_lab_on_console_line(demo.lab, on_line, &demo);
    ttb_bridge_on_node_state(ttb_lab_bridge(demo.lab), on_state, &demo);
    for (size_t i = 0; i < STATIONS; i++) {
        const struct ttb_lab_node_opts node = {
            .size = sizeof(node), .name = stations[i].name, .commands = stations[i].commands};
        const struct ttb_lab_interface_opts interface = {.size = sizeof(interface),
                                                         .addresses = {stations[i].address},
                                                         .mac = {2, 0, 0, 0, 0, (uint8_t)(i + 1)}};
        int rc = ttb_lab_add_node(demo.lab, &node, &added);

        rc = rc ? rc : ttb_lab_node_add_interface(added, &interface, &demo.ports[i]);
        check(rc, ttb_lab_error(demo.lab));
    }
    build_network(&demo);
    OK(&demo, ttb_ns3_run(demo.ns3, 120 * SECOND_NS));
    survived = demo.losses && demo.returns > 1 && *demo.sent && !strcmp(demo.sent, demo.received);
    puts(survived ? "the connection survived" : "the connection DID NOT SURVIVE");
    OK(&demo, ttb_ns3_destroy(demo.ns3));
    ttb_ns3_free(demo.ns3);
    ttb_lab_free(demo.lab);
    return !survived;
}
