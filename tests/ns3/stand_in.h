/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stands in for the bridge: nodes that do what a test has written down, at the times it says. The
 * adapter's sources are linked with this instead of with the bridge.
 */
#ifndef STAND_IN_H
#define STAND_IN_H

#include <ttbridge/bridge.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

using Frame = std::vector<uint8_t>;

struct Delivery {
    uint64_t time_ns;
    Frame frame;
};

struct ttb_port {
    ttb_bridge *bridge;
    std::string name;
    uint16_t mtu = 1500;
    uint8_t mac[6] = {2, 0x74, 0x74, 0, 0, 1};
    std::vector<bool> carrier; /* each time it was set */
    int refuses = 0;           /* what deliver() returns instead of taking a frame */
    std::vector<Delivery> deliveries;
    std::function<void(const Frame &)> on_delivery; /* may call Send() */
    ttb_transmit_fn transmit = nullptr;
    void *user = nullptr;

    /* The node will put a frame on the port. */
    void Send(uint64_t time_ns, const Frame &frame);
};

struct ttb_bridge {
    struct Action {
        uint64_t time_ns;
        ttb_port *port;
        Frame frame;
    };
    uint64_t now_ns = 0;
    std::vector<Action> actions; /* in order */
    std::vector<uint64_t> asked; /* arguments of advance() */
    int broken = 0;              /* what advance() returns */
};

#endif
