/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/time-travel-simulator-impl.h>
#include <ttbridge/ns3/uml-lab.h>
#include <ttbridge/ns3/uml-node.h>

#include "fatal-trap.h"

#include <ns3/boolean.h>
#include <ns3/log.h>
#include <ns3/nstime.h>
#include <ns3/rng-seed-manager.h>
#include <ns3/simulator.h>
#include <ns3/string.h>
#include <ns3/uinteger.h>

#include <cinttypes>
#include <cstdio>

/**
 * @file
 * ttb::UmlLab implementation.
 */

namespace ttb
{

using namespace ns3;

NS_LOG_COMPONENT_DEFINE("UmlLab");

NS_OBJECT_ENSURE_REGISTERED(UmlLab);

TypeId
UmlLab::GetTypeId()
{
    static TypeId tid =
        TypeId("ttb::UmlLab")
            .SetParent<Object>()
            .SetGroupName("Network")
            .AddConstructor<UmlLab>()
            .AddAttribute("Directory",
                          "The run directory; empty: a temporary one, removed at the end.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          StringValue(""),
                          MakeStringAccessor(&UmlLab::m_directory),
                          MakeStringChecker())
            .AddAttribute("Seed",
                          "Of all that is random in the nodes; 0: made of ns-3's seed and run.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          UintegerValue(0),
                          MakeUintegerAccessor(&UmlLab::m_seed),
                          MakeUintegerChecker<uint64_t>())
            .AddAttribute("PrintConsole",
                          "Print the nodes' consoles: simulated time, node, line.",
                          BooleanValue(true),
                          MakeBooleanAccessor(&UmlLab::m_printConsole),
                          MakeBooleanChecker())
            .AddAttribute("StopWhenDone",
                          "Call Simulator::Stop() when the last node has ended.",
                          BooleanValue(false),
                          MakeBooleanAccessor(&UmlLab::m_stopWhenDone),
                          MakeBooleanChecker());
    return tid;
}

UmlLab::UmlLab()
    : m_seed(0),
      m_printConsole(true),
      m_stopWhenDone(false),
      m_lab(nullptr),
      m_added(0),
      m_running(0)
{
    NS_LOG_FUNCTION(this);
}

UmlLab::~UmlLab()
{
    NS_LOG_FUNCTION(this);
}

Ptr<UmlLab>
UmlLab::Get()
{
    Ptr<TimeTravelSimulatorImpl> simulator = TimeTravelSimulatorImpl::Get();
    if (!simulator)
    {
        RaiseFatal(
            -EINVAL,
            "Linux nodes need the simulator implementation ttb::TimeTravelSimulatorImpl, this "
            "one is " +
                Simulator::GetImplementation()->GetInstanceTypeId().GetName() +
                ": GlobalValue::Bind(\"SimulatorImplementationType\", "
                "StringValue(\"ttb::TimeTravelSimulatorImpl\")) before anything else");
    }
    Ptr<UmlLab> lab = simulator->GetObject<UmlLab>();
    if (!lab)
    {
        lab = CreateObject<UmlLab>();
        lab->Open();
        // It ends with the simulator implementation, i.e. after the nodes and devices.
        simulator->AggregateObject(lab);
    }
    return lab;
}

void
UmlLab::Open()
{
    NS_LOG_FUNCTION(this);
    struct ttb_lab_opts opts = {};
    char error[1024] = "";
    std::string why;

    opts.size = sizeof(opts);
    opts.directory = m_directory.empty() ? nullptr : m_directory.c_str();
    opts.seed =
        m_seed ? m_seed : (uint64_t{RngSeedManager::GetSeed()} << 32) + RngSeedManager::GetRun();
    int rc = ttb_lab_new(&opts, &m_lab, error, sizeof(error));
    if (rc)
    {
        m_lab = nullptr;
        RaiseFatal(rc, error);
    }
    ttb_lab_on_console_line(m_lab, &UmlLab::LinePrinted, this);
    ttb_bridge_on_node_state(ttb_lab_bridge(m_lab), &UmlLab::StateChanged, this);
    if (!TimeTravelSimulatorImpl::Get()->AttachBridge(ttb_lab_bridge(m_lab), why))
    {
        RaiseFatal(-EINVAL, why);
    }
}

void
UmlLab::DoDispose()
{
    NS_LOG_FUNCTION(this);
    m_nodes.clear();
    ttb_lab_free(m_lab);
    m_lab = nullptr;
    Object::DoDispose();
}

void
UmlLab::SetNode(const struct ttb_lab_node* labNode, UmlNode* node)
{
    if (!node)
    {
        m_nodes.erase(labNode);
        return;
    }
    m_nodes[labNode] = node;
    m_added++;
    m_running++;
}

void
UmlLab::LinePrinted(void* user,
                    struct ttb_lab_node* node,
                    uint64_t time_ns,
                    const char* text,
                    size_t len_bytes)
{
    auto self = static_cast<UmlLab*>(user);
    if (self->m_printConsole)
    {
        std::printf("%6" PRIu64 ".%09" PRIu64 " s  %-8s  %s\n",
                    time_ns / 1000000000,
                    time_ns % 1000000000,
                    ttb_node_name(ttb_lab_node_as_node(node)),
                    text);
    }
    auto found = self->m_nodes.find(node);
    if (found != self->m_nodes.end())
    {
        found->second->LinePrinted(TimeStep(time_ns), std::string(text, len_bytes));
    }
}

void
UmlLab::StateChanged(void* user,
                     struct ttb_node* node,
                     enum ttb_node_state state,
                     uint64_t time_ns,
                     const char* why)
{
    auto self = static_cast<UmlLab*>(user);
    bool ended = state == TTB_NODE_STOPPED || state == TTB_NODE_FAILED;
    if (self->m_nodes.empty())
    {
        return; // the end of the simulation
    }
    auto found = self->m_nodes.find(ttb_lab_find_node(self->m_lab, ttb_node_name(node)));
    if (found != self->m_nodes.end())
    {
        found->second->StateChanged(TimeStep(time_ns), state, why);
    }
    if (ended && --self->m_running == 0 && self->m_stopWhenDone)
    {
        Simulator::Stop();
    }
}

struct ttb_lab*
UmlLab::GetLab() const
{
    return m_lab;
}

std::string
UmlLab::GetDirectory() const
{
    return m_lab ? ttb_lab_directory(m_lab) : "";
}

uint32_t
UmlLab::GetNNodes() const
{
    return m_added;
}

uint32_t
UmlLab::GetNUnsuccessful() const
{
    uint32_t count = 0;
    for (const auto& [labNode, node] : m_nodes)
    {
        count += node->GetExitStatus() != 0;
    }
    return count;
}

} // namespace ttb
