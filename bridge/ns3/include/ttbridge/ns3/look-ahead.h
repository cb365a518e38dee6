/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_LOOK_AHEAD_H
#define TTBRIDGE_NS3_LOOK_AHEAD_H

#include <ttbridge/ns3/node-port.h>

#include <ns3/net-device.h>
#include <ns3/nstime.h>
#include <ns3/ptr.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/**
 * @file
 * ttb::LookAhead declaration.
 */

namespace ttb
{

/**
 * How long what one Linux node sends takes, at least, to have any influence on another: computed
 * from the network as it is built. It lets nodes run ahead of each other
 * (ttb_bridge_set_latency()), which is what makes runs fast; it changes no frame and no time.
 *
 * ttb::TimeTravelSimulatorImpl does all this by itself: when Run() begins, when a port is attached
 * while it runs, and when an Ethernet link or what the C functions have made is changed. Only a
 * script that shortens another link while the simulation runs has to say so, in the same event:
 *
 *     channel->SetAttribute("Delay", TimeValue(MicroSeconds(1)));
 *     ttb::TimeTravelSimulatorImpl::Get()->UpdateLookAhead();
 *
 * Attribute MaxLookAhead of that class lowers what was computed; nothing raises it.
 *
 * What is taken into account: a frame takes at least GetDeviceLatency() from a device to the others
 * on its channel, whatever waits before it; an ns-3 node that receives a frame may at once send
 * another one by any of its devices (bridges, routers, applications). Devices whose ways are not
 * known reach each other in no time.
 */
class LookAhead
{
  public:
    /** No way leads from one port to the other. */
    static constexpr uint64_t NEVER = UINT64_MAX;

    /**
     * Compute for all ports that are attached to devices now.
     * @return the result
     */
    static LookAhead Compute();

    /**
     * The smallest time from NetDevice::Send() to the reception by another device on the channel.
     *
     * | device         | time                                                                    |
     * |----------------|-------------------------------------------------------------------------|
     * | CSMA           | 64 bytes at the device's rate, and the channel's delay                  |
     * | Ethernet link  | preamble, 60 + 4 bytes at the device's rate, and the delay              |
     * | Simple, PPP    | the channel's delay                                                     |
     * | Wifi           | 20 us: the shortest preamble with its header (OFDM, 20 MHz); what is    |
     * |                | received is so when all of it has arrived                               |
     * | others         | 0                                                                       |
     *
     * @param device the device that sends
     * @return nanoseconds
     */
    static uint64_t GetDeviceLatency(ns3::Ptr<ns3::NetDevice> device);

    /** @return number of ports */
    std::size_t GetN() const;

    /** @return the port with that number, in the order of ns-3's nodes and devices */
    ns3::Ptr<NodePort> GetPort(std::size_t i) const;

    /** @return nanoseconds from port to port; NEVER: there is no way. From a port to itself: what
     * comes back to it from the network, by itself */
    uint64_t Get(std::size_t from, std::size_t to) const;

    /**
     * Tell the bridge.
     * @param maxNs what is longer is cut to this
     */
    void Apply(struct ttb_bridge* bridge, uint64_t maxNs) const;

    /** @return a table for people, one line for each pair of ports: "from -> to: 1.006720 ms" */
    std::string Print() const;

  private:
    std::vector<ns3::Ptr<NodePort>> m_ports; //!< by number
    std::vector<uint64_t> m_latencies;       //!< by from * number of ports + to
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_LOOK_AHEAD_H */
