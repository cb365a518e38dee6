/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_TEST_NET_H
#define TTBRIDGE_TEST_NET_H

#include <ttbridge/ns3/ethernet-link-channel.h>
#include <ttbridge/ns3/ethernet-link-device.h>
#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include <ns3/mac48-address.h>
#include <ns3/node.h>
#include <ns3/object-factory.h>
#include <ns3/packet.h>
#include <ns3/queue.h>
#include <ns3/simulator.h>

#include <string>

/**
 * @file
 * What the test suites build their networks of.
 */

namespace ttb_test
{

/**
 * Let the simulation that follows be run by ours. Not by the global value, which would stay for
 * the suites that the same program runs afterwards. Ends with Simulator::Destroy().
 */
inline void
UseTimeTravel()
{
    ns3::Simulator::SetImplementation(ns3::CreateObject<ttb::TimeTravelSimulatorImpl>());
}

/** @return a cable */
inline ns3::Ptr<ttb::EthernetLinkChannel>
NewCable(ns3::Time delay)
{
    auto cable = ns3::CreateObject<ttb::EthernetLinkChannel>();
    cable->SetDelay(delay);
    return cable;
}

/** @return a device on a cable, in a node */
inline ns3::Ptr<ttb::EthernetLinkDevice>
NewEnd(ns3::Ptr<ns3::Node> node, ns3::Ptr<ttb::EthernetLinkChannel> cable, const std::string& rate)
{
    auto device = ns3::CreateObject<ttb::EthernetLinkDevice>();
    ns3::ObjectFactory queue("ns3::DropTailQueue<Packet>");
    device->SetAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(rate)));
    device->SetAddress(ns3::Mac48Address::Allocate());
    device->SetQueue(queue.Create<ns3::Queue<ns3::Packet>>());
    node->AddDevice(device);
    device->Attach(cable);
    return device;
}

} // namespace ttb_test

#endif /* TTBRIDGE_TEST_NET_H */
