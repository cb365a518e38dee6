/* SPDX-License-Identifier: BSD-3-Clause */
/* Two hosts of ns-3 on a cable of 1 ms; what one asks, the other echoes. See README.md. */
#include <stdio.h>
#include <stdlib.h>

#include <ttbridge/ns3.h>

static void check(struct ttb_ns3 *ns3, int rc)
{
    if (rc) {
        fprintf(stderr, "echo: %s\n", ttb_ns3_error(ns3));
        exit(3);
    }
}

static void on_packet(void *user, const struct ttb_ns3_record *record)
{
    (void)user;
    printf("%11.9f s  %-4s %zu bytes\n", (double)record->time_ns / 1e9, record->source,
           (size_t)record->values[0].packet.len_bytes);
}

int main(void)
{
    const struct ttb_ns3_opts opts = {.size = sizeof(opts), .seed = 1, .run = 1};
    struct ttb_ns3_object *cable, *node[2], *device[2], *server, *client;
    struct ttb_ns3 *ns3;

    check(NULL, ttb_ns3_new(&opts, &ns3));
    check(ns3, ttb_ns3_create(ns3, "ttb::EthernetLinkChannel",
                              (struct ttb_ns3_attribute[]){{"Delay", "1ms"}, {0}}, &cable));
    for (int i = 0; i < 2; i++) {
        check(ns3, ttb_ns3_create_node(ns3, &node[i]));
        check(ns3, ttb_ns3_install_ethernet(node[i], cable, NULL, NULL, &device[i]));
        check(ns3, ttb_ns3_install_internet(node[i], TTB_NS3_IPV4));
        check(ns3, ttb_ns3_add_ipv4(device[i], i ? "10.0.0.2/24" : "10.0.0.1/24"));
    }
    check(ns3, ttb_ns3_install_application(node[1], "ns3::UdpEchoServer",
                                           (struct ttb_ns3_attribute[]){{"Port", "7"}, {0}}, 0,
                                           TTB_TIME_NEVER, &server));
    check(ns3,
          ttb_ns3_install_application(
              node[0], "ns3::UdpEchoClient",
              (struct ttb_ns3_attribute[]){
                  {"RemoteAddress", "10.0.0.2"}, {"RemotePort", "7"}, {"MaxPackets", "2"}, {0}},
              UINT64_C(1000000000), TTB_TIME_NEVER, &client));
    check(ns3, ttb_ns3_trace_connect(client, "Tx", on_packet, NULL, NULL));
    check(ns3, ttb_ns3_trace_connect(client, "Rx", on_packet, NULL, NULL));
    check(ns3, ttb_ns3_run(ns3, UINT64_C(10000000000)));
    ttb_ns3_free(ns3);
    return 0;
}
