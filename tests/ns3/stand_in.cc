/* SPDX-License-Identifier: BSD-3-Clause */
#include "stand_in.h"

#include <algorithm>
#include <cerrno>

void ttb_port::Send(uint64_t time_ns, const Frame &frame)
{
    auto &actions = bridge->actions;
    auto later = std::upper_bound(
        actions.begin(), actions.end(), time_ns,
        [](uint64_t time, const ttb_bridge::Action &action) { return time < action.time_ns; });

    actions.insert(later, {time_ns, this, frame});
}

int ttb_bridge_advance(struct ttb_bridge *bridge, uint64_t until_ns, uint64_t *now_ns)
{
    bridge->asked.push_back(until_ns);
    *now_ns = bridge->now_ns;
    if (bridge->broken)
        return bridge->broken;
    if (until_ns < bridge->now_ns)
        return -EINVAL;
    if (!bridge->actions.empty() && bridge->actions.front().time_ns < until_ns) {
        ttb_bridge::Action action = bridge->actions.front();

        bridge->actions.erase(bridge->actions.begin());
        bridge->now_ns = action.time_ns;
        if (action.port->transmit)
            action.port->transmit(action.port->user, action.port, action.time_ns,
                                  action.frame.data(), action.frame.size());
        *now_ns = bridge->now_ns;
        return 0;
    }
    if (until_ns != TTB_TIME_NEVER)
        bridge->now_ns = until_ns;
    *now_ns = until_ns;
    return 0;
}

uint64_t ttb_bridge_now_ns(const struct ttb_bridge *bridge)
{
    return bridge->now_ns;
}

uint64_t ttb_bridge_next_ns(const struct ttb_bridge *bridge)
{
    return bridge->actions.empty() ? TTB_TIME_NEVER : bridge->actions.front().time_ns;
}

const char *ttb_bridge_error(const struct ttb_bridge *bridge)
{
    return bridge->broken ? "the stand-in was told to fail" : "";
}

int ttb_port_deliver(struct ttb_port *port, const void *frame, size_t len_bytes)
{
    auto bytes = static_cast<const uint8_t *>(frame);

    if (port->refuses)
        return port->refuses;
    port->deliveries.push_back({port->bridge->now_ns, Frame(bytes, bytes + len_bytes)});
    if (port->on_delivery)
        port->on_delivery(port->deliveries.back().frame);
    return 0;
}

void ttb_port_on_transmit(struct ttb_port *port, ttb_transmit_fn fn, void *user)
{
    port->transmit = fn;
    port->user = user;
}

int ttb_port_set_carrier(struct ttb_port *port, bool on)
{
    port->carrier.push_back(on);
    return 0;
}

void ttb_port_get_mac(const struct ttb_port *port, uint8_t mac[6])
{
    std::copy(port->mac, port->mac + 6, mac);
}

const char *ttb_port_name(const struct ttb_port *port)
{
    return port->name.c_str();
}

uint16_t ttb_port_mtu(const struct ttb_port *port)
{
    return port->mtu;
}

int ttb_bridge_set_latency(struct ttb_bridge *, struct ttb_port *, struct ttb_port *, uint64_t)
{
    return 0; /* its ports are of no node, so nobody calls it */
}

struct ttb_node *ttb_port_node(const struct ttb_port *)
{
    return nullptr;
}

const char *ttb_node_name(const struct ttb_node *)
{
    return "";
}

struct ttb_bridge *ttb_node_bridge(const struct ttb_node *)
{
    return nullptr;
}
