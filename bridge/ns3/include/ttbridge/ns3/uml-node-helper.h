/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_UML_NODE_HELPER_H
#define TTBRIDGE_NS3_UML_NODE_HELPER_H

#include <ttbridge/ns3/uml-lab.h>
#include <ttbridge/ns3/uml-node.h>

#include <ns3/attribute.h>
#include <ns3/node-container.h>
#include <ns3/node.h>
#include <ns3/object-factory.h>
#include <ns3/ptr.h>

#include <string>
#include <utility>
#include <vector>

/**
 * @file
 * ttb::UmlNodeHelper declaration.
 */

namespace ttb
{

/**
 * Makes ns-3 nodes Linux nodes.
 *
 *     ttb::UmlNodeHelper linux;
 *     linux.SetAttribute("Memory", UintegerValue(128));
 *     linux.SetAttribute("Commands", StringValue("iperf3 -s -1"));
 *     linux.Install(nodes.Get(0));
 *
 * The kernel and the image are those of attributes Kernel and Image, else those of the environment
 * variables TTB_KERNEL and TTB_IMAGE, else what `ttb kernel build` and `ttb image build` have made.
 */
class UmlNodeHelper
{
  public:
    UmlNodeHelper();

    /**
     * Set an attribute of the ttb::UmlNode objects that are made from now on.
     * @param name of the attribute
     * @param value its value
     */
    void SetAttribute(std::string name, const ns3::AttributeValue& value);

    /**
     * Put a file of the host's into the nodes that are made from now on.
     * @param guestPath absolute, or relative to /run/ttb
     * @param hostPath on the host
     */
    void AddFile(std::string guestPath, std::string hostPath);

    /**
     * Make an ns-3 node a Linux node. It is a fatal error if it is one.
     * @param node the node
     * @return the Linux node, aggregated to it
     */
    ns3::Ptr<UmlNode> Install(ns3::Ptr<ns3::Node> node) const;

    /**
     * The same by name.
     * @param nodeName as given to ns3::Names
     * @return the Linux node
     */
    ns3::Ptr<UmlNode> Install(std::string nodeName) const;

    /**
     * Make each of some ns-3 nodes a Linux node.
     * @param nodes the nodes
     */
    void Install(const ns3::NodeContainer& nodes) const;

  private:
    ns3::ObjectFactory m_factory;                             //!< makes UmlNode
    std::vector<std::pair<std::string, std::string>> m_files; //!< guest path, host path
};

} // namespace ttb

#endif /* TTBRIDGE_NS3_UML_NODE_HELPER_H */
