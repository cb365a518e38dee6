/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/uml-node-helper.h>

#include "fatal-trap.h"

#include <ns3/names.h>

/**
 * @file
 * ttb::UmlNodeHelper implementation.
 */

namespace ttb
{

using namespace ns3;

UmlNodeHelper::UmlNodeHelper()
{
    m_factory.SetTypeId(UmlNode::GetTypeId());
}

void
UmlNodeHelper::SetAttribute(std::string name, const AttributeValue& value)
{
    m_factory.Set(name, value);
}

void
UmlNodeHelper::AddFile(std::string guestPath, std::string hostPath)
{
    m_files.emplace_back(guestPath, hostPath);
}

Ptr<UmlNode>
UmlNodeHelper::Install(Ptr<Node> node) const
{
    if (node->GetObject<UmlNode>())
    {
        RaiseFatal(-EEXIST,
                   "ns-3 node " + std::to_string(node->GetId()) + " is a Linux node already");
    }
    Ptr<UmlNode> made = m_factory.Create<UmlNode>();
    for (const auto& [guestPath, hostPath] : m_files)
    {
        made->AddFile(guestPath, hostPath);
    }
    node->AggregateObject(made);
    return made;
}

Ptr<UmlNode>
UmlNodeHelper::Install(std::string nodeName) const
{
    Ptr<Node> node = Names::Find<Node>(nodeName);
    if (!node)
    {
        RaiseFatal(-ENOENT, "there is no ns-3 node with name \"" + nodeName + "\"");
    }
    return Install(node);
}

void
UmlNodeHelper::Install(const NodeContainer& nodes) const
{
    for (auto i = nodes.Begin(); i != nodes.End(); ++i)
    {
        Install(*i);
    }
}

} // namespace ttb
