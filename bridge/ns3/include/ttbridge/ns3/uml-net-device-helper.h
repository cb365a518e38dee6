/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_UML_NET_DEVICE_HELPER_H
#define TTBRIDGE_NS3_UML_NET_DEVICE_HELPER_H

#include <ttbridge/ns3/node-port.h>
#include <ttbridge/ns3/uml-interface.h>
#include <ttbridge/ns3/uml-node-helper.h>

#include <ns3/attribute.h>
#include <ns3/ipv4-address.h>
#include <ns3/net-device-container.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/object-factory.h>
#include <ns3/ptr.h>

#include <string>

/**
 * @file
 * ttb::UmlNetDeviceHelper declaration.
 */

namespace ttb
{

/**
 * Gives Linux nodes ns-3 devices as network cards, the way ns3::TapBridgeHelper gives them to the
 * host's tap devices: a script that uses that becomes one with Linux nodes by another #include,
 * another simulator implementation, another type of its helper, and the commands that the nodes
 * run.
 *
 *     GlobalValue::Bind("SimulatorImplementationType",
 *                       StringValue("ttb::TimeTravelSimulatorImpl"));
 *     ...
 *     ttb::UmlNetDeviceHelper uml;
 *     uml.SetCommands("ping -c 5 10.1.1.2");
 *     uml.Install(nodes.Get(0), devices.Get(0));
 *
 * A node that gets its second device has two network cards.
 */
class UmlNetDeviceHelper
{
  public:
    UmlNetDeviceHelper();

    /** @param gateway the default route of the Linux nodes: attribute Gateway */
    UmlNetDeviceHelper(ns3::Ipv4Address gateway);

    /**
     * Set an attribute of the ttb::UmlInterface objects that are made from now on.
     * @param name of the attribute
     * @param value its value
     */
    void SetAttribute(std::string name, const ns3::AttributeValue& value);

    /**
     * Set an attribute of the ttb::UmlNode objects that are made from now on.
     * @param name of the attribute
     * @param value its value
     */
    void SetNodeAttribute(std::string name, const ns3::AttributeValue& value);

    /** @param commands attribute Commands of the ttb::UmlNode objects that are made from now on */
    void SetCommands(std::string commands);

    /**
     * Give a Linux node a network card.
     * @param node an ns-3 node; made a Linux node if it is none (UmlNodeHelper)
     * @param device of that ns-3 node
     * @return the attached port, for its trace sources and counters
     */
    ns3::Ptr<NodePort> Install(ns3::Ptr<ns3::Node> node, ns3::Ptr<ns3::NetDevice> device);

    /**
     * The same by the node's name.
     * @param nodeName as given to ns3::Names
     * @param device of that ns-3 node
     * @return the attached port
     */
    ns3::Ptr<NodePort> Install(std::string nodeName, ns3::Ptr<ns3::NetDevice> device);

    /**
     * The same by the device's name.
     * @param node an ns-3 node
     * @param deviceName as given to ns3::Names
     * @return the attached port
     */
    ns3::Ptr<NodePort> Install(ns3::Ptr<ns3::Node> node, std::string deviceName);

    /**
     * The same by both names.
     * @param nodeName as given to ns3::Names
     * @param deviceName as given to ns3::Names
     * @return the attached port
     */
    ns3::Ptr<NodePort> Install(std::string nodeName, std::string deviceName);

    /**
     * The same for each of some devices and the node that owns it.
     * @param devices the devices
     */
    void Install(const ns3::NetDeviceContainer& devices);

  private:
    ns3::ObjectFactory m_factory; //!< makes UmlInterface
    UmlNodeHelper m_nodes;        //!< makes nodes where there are none
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_UML_NET_DEVICE_HELPER_H */
