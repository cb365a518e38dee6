/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/uml-net-device-helper.h>

#include "fatal-trap.h"

#include <ns3/names.h>
#include <ns3/string.h>

/**
 * @file
 * ttb::UmlNetDeviceHelper implementation.
 */

namespace ttb
{

using namespace ns3;

namespace
{

template <typename T>
Ptr<T>
FindByName(const std::string& name, const char* what)
{
    Ptr<T> found = Names::Find<T>(name);
    if (!found)
    {
        RaiseFatal(-ENOENT,
                   std::string("there is no ns-3 ") + what + " with name \"" + name + "\"");
    }
    return found;
}

} // namespace

UmlNetDeviceHelper::UmlNetDeviceHelper()
{
    m_factory.SetTypeId(UmlInterface::GetTypeId());
}

UmlNetDeviceHelper::UmlNetDeviceHelper(Ipv4Address gateway)
    : UmlNetDeviceHelper()
{
    SetAttribute("Gateway", Ipv4AddressValue(gateway));
}

void
UmlNetDeviceHelper::SetAttribute(std::string name, const AttributeValue& value)
{
    m_factory.Set(name, value);
}

void
UmlNetDeviceHelper::SetNodeAttribute(std::string name, const AttributeValue& value)
{
    m_nodes.SetAttribute(name, value);
}

void
UmlNetDeviceHelper::SetCommands(std::string commands)
{
    m_nodes.SetAttribute("Commands", StringValue(commands));
}

Ptr<NodePort>
UmlNetDeviceHelper::Install(Ptr<Node> node, Ptr<NetDevice> device)
{
    Ptr<UmlNode> uml = node->GetObject<UmlNode>();
    if (!uml)
    {
        uml = m_nodes.Install(node);
    }
    return m_factory.Create<UmlInterface>()->Attach(uml, device);
}

Ptr<NodePort>
UmlNetDeviceHelper::Install(std::string nodeName, Ptr<NetDevice> device)
{
    return Install(FindByName<Node>(nodeName, "node"), device);
}

Ptr<NodePort>
UmlNetDeviceHelper::Install(Ptr<Node> node, std::string deviceName)
{
    return Install(node, FindByName<NetDevice>(deviceName, "device"));
}

Ptr<NodePort>
UmlNetDeviceHelper::Install(std::string nodeName, std::string deviceName)
{
    return Install(FindByName<Node>(nodeName, "node"), FindByName<NetDevice>(deviceName, "device"));
}

void
UmlNetDeviceHelper::Install(const NetDeviceContainer& devices)
{
    for (auto i = devices.Begin(); i != devices.End(); ++i)
    {
        if (!(*i)->GetNode())
        {
            RaiseFatal(-EINVAL, "the device has not been added to an ns-3 node");
        }
        Install((*i)->GetNode(), *i);
    }
}

} // namespace ttb
