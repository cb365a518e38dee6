/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_ETHERNET_SWITCH_H
#define TTBRIDGE_NS3_ETHERNET_SWITCH_H

#include <ns3/bridge-net-device.h>
#include <ns3/net-device.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>

/**
 * @file
 * ttb::EthernetSwitch: a bridge that forwards all Ethernet frames.
 */

namespace ttb
{

/**
 * ns3::BridgeNetDevice, and besides the frames with an 802.3 length field that arrive at CSMA
 * devices (spanning tree, LLDP's relatives, ...): CsmaNetDevice takes a LLC/SNAP header off each of
 * them, whether it has one or not, so they are forwarded from where they are still whole.
 */
class EthernetSwitch : public ns3::BridgeNetDevice
{
  public:
    static ns3::TypeId GetTypeId();

    /** Add a device made by the C functions. @param port can be a bridge's port */
    void AddPort(ns3::Ptr<ns3::NetDevice> port);

  private:
    /** A frame with a length field, with FCS, arrived at a CSMA device. */
    void ReceiveLengthFrame(ns3::NetDevice* port, ns3::Ptr<const ns3::Packet> frame);
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_ETHERNET_SWITCH_H */
