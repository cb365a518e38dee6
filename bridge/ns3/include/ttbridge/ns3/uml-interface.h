/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_UML_INTERFACE_H
#define TTBRIDGE_NS3_UML_INTERFACE_H

#include <ns3/address.h>
#include <ns3/ipv4-address.h>
#include <ns3/mac48-address.h>
#include <ns3/net-device.h>
#include <ns3/object.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>

#include <string>
#include <vector>

/**
 * @file
 * ttb::UmlInterface declaration.
 */

namespace ttb
{

class NodePort;
class UmlNode;

/**
 * An ns-3 device that is a Linux node's network card: what ns3::TapBridge is to a tap device of the
 * host's. Aggregated to the device, beside the ttb::NodePort that it makes.
 *
 * Its attributes are called as those of ns3::TapBridge and mean the same. As there, the ns-3 node
 * becomes a ghost: its own protocol stack, if it has one, no longer hears the device.
 *
 * | Mode           | Ethernet address                   | IP addresses                           |
 * |----------------|------------------------------------|----------------------------------------|
 * | ConfigureLocal | MacAddress, else the device's      | IpAddress, else those that ns-3's stack |
 * |                |                                    | has given the device, IPv6 included     |
 * | UseLocal       | MacAddress, else the device's      | IpAddress, else none                   |
 * | UseBridge      | MacAddress, else one of its own    | IpAddress, else none                   |
 *
 * Wifi stations, ad hoc and mesh devices send with their own address only, so UseBridge is refused
 * for them.
 */
class UmlInterface : public ns3::Object
{
  public:
    /**
     * Register this type.
     * @return The object TypeId.
     */
    static ns3::TypeId GetTypeId();

    UmlInterface();
    ~UmlInterface() override;

    /**
     * Give a Linux node the device as a network card. What cannot be is a fatal error, with reason
     * and remedy (NodePort::Check()).
     * @param node the Linux node
     * @param device of the ns-3 node that it is aggregated to
     * @return the attached port, for its trace sources and counters
     */
    ns3::Ptr<NodePort> Attach(ns3::Ptr<UmlNode> node, ns3::Ptr<ns3::NetDevice> device);

  private:
    /** @return the addresses that the interface is to have, with their prefix lengths */
    std::vector<std::string> FindAddresses(ns3::Ptr<ns3::NetDevice> device) const;

    /** @return the MTU that the interface is to have */
    uint16_t FindMtu(ns3::Ptr<ns3::NetDevice> device) const;

    /** Where the device's frames go instead of to the ns-3 node's own stack. */
    static bool Discard(ns3::Ptr<ns3::NetDevice> device,
                        ns3::Ptr<const ns3::Packet> packet,
                        uint16_t protocol,
                        const ns3::Address& from);

    std::string m_mode;             //!< attribute Mode
    std::string m_deviceName;       //!< attribute DeviceName
    ns3::Ipv4Address m_ipAddress;   //!< attribute IpAddress
    ns3::Ipv4Mask m_netmask;        //!< attribute Netmask
    ns3::Ipv4Address m_gateway;     //!< attribute Gateway
    ns3::Mac48Address m_macAddress; //!< attribute MacAddress
    uint16_t m_mtu;                 //!< attribute Mtu
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_UML_INTERFACE_H */
