/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/uml-lab.h>
#include <ttbridge/ns3/uml-node.h>

#include "fatal-trap.h"

#include <ns3/log.h>
#include <ns3/names.h>
#include <ns3/simulator.h>
#include <ns3/string.h>
#include <ns3/uinteger.h>

#include <sstream>

/**
 * @file
 * ttb::UmlNode implementation.
 */

namespace ttb
{

using namespace ns3;

NS_LOG_COMPONENT_DEFINE("UmlNode");

NS_OBJECT_ENSURE_REGISTERED(UmlNode);

namespace
{

enum ttb_clock_mode
ParseClock(const std::string& node, const std::string& clock)
{
    if (clock == "Auto")
    {
        return TTB_CLOCK_AUTO;
    }
    if (clock == "Messages")
    {
        return TTB_CLOCK_MESSAGES;
    }
    if (clock != "Shared")
    {
        RaiseFatal(-EINVAL,
                   "node " + node + ": attribute Clock is \"" + clock +
                       "\", and can be Auto, Messages or Shared");
    }
    return TTB_CLOCK_SHARED;
}

} // namespace

TypeId
UmlNode::GetTypeId()
{
    static TypeId tid =
        TypeId("ttb::UmlNode")
            .SetParent<Object>()
            .SetGroupName("Network")
            .AddConstructor<UmlNode>()
            .AddAttribute("Name",
                          "Host name; empty: the ns-3 node's in ns3::Names, else node and its "
                          "number.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          StringValue(""),
                          MakeStringAccessor(&UmlNode::m_name),
                          MakeStringChecker())
            .AddAttribute("Kernel",
                          "Path of a kernel, or a version that was built; empty: $TTB_KERNEL, else "
                          "6.12, else the newest.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          StringValue(""),
                          MakeStringAccessor(&UmlNode::m_kernel),
                          MakeStringChecker())
            .AddAttribute("Image",
                          "Path of a disk image, or the name of one that was built; empty: "
                          "$TTB_IMAGE, else busybox.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          StringValue(""),
                          MakeStringAccessor(&UmlNode::m_image),
                          MakeStringChecker())
            .AddAttribute(
                "Memory",
                "Memory in MiB.",
                TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                UintegerValue(TTB_LAB_MEMORY_DEFAULT_MIB),
                MakeUintegerAccessor(&UmlNode::m_memoryMib),
                MakeUintegerChecker<uint32_t>(TTB_LAB_MEMORY_MIN_MIB, TTB_LAB_MEMORY_MAX_MIB))
            .AddAttribute("Commands",
                          "Shell script that it runs when its network cards are up; it powers off "
                          "when that ends.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          StringValue(""),
                          MakeStringAccessor(&UmlNode::m_commands),
                          MakeStringChecker())
            .AddAttribute("KernelArguments",
                          "Words that are appended to the kernel's command line.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          StringValue(""),
                          MakeStringAccessor(&UmlNode::m_kernelArguments),
                          MakeStringChecker())
            .AddAttribute("Clock",
                          "How it shares the clock: Shared (memory), Messages, or Auto: Shared "
                          "where the kernel can.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          StringValue("Auto"),
                          MakeStringAccessor(&UmlNode::m_clock),
                          MakeStringChecker())
            .AddAttribute("StartTime",
                          "When it is switched on.",
                          TypeId::ATTR_GET | TypeId::ATTR_CONSTRUCT,
                          TimeValue(Time(0)),
                          MakeTimeAccessor(&UmlNode::m_startTime),
                          MakeTimeChecker(Time(0)))
            .AddTraceSource("Console",
                            "The node has printed a line.",
                            MakeTraceSourceAccessor(&UmlNode::m_consoleTrace),
                            "ttb::UmlNode::ConsoleTracedCallback")
            .AddTraceSource("State",
                            "The node is up, has ended or has failed.",
                            MakeTraceSourceAccessor(&UmlNode::m_stateTrace),
                            "ttb::UmlNode::StateTracedCallback");
    return tid;
}

UmlNode::UmlNode()
    : m_memoryMib(0),
      m_labNode(nullptr),
      m_nodeId(0),
      m_aggregated(false)
{
    NS_LOG_FUNCTION(this);
}

UmlNode::~UmlNode()
{
    NS_LOG_FUNCTION(this);
}

void
UmlNode::NotifyNewAggregate()
{
    NS_LOG_FUNCTION(this);
    Ptr<Node> node = GetObject<Node>();
    if (node && !m_aggregated)
    {
        m_aggregated = true;
        m_nodeId = node->GetId();
        m_lab = UmlLab::Get();
        // One that never gets a network card boots all the same. Before that: events at time 0 come
        // before the nodes.
        Simulator::ScheduleWithContext(m_nodeId, Time(0), &UmlNode::Describe, Ptr<UmlNode>(this));
    }
    Object::NotifyNewAggregate();
}

void
UmlNode::DoDispose()
{
    NS_LOG_FUNCTION(this);
    if (m_lab && m_labNode)
    {
        m_lab->SetNode(m_labNode, nullptr);
    }
    m_labNode = nullptr;
    m_lab = nullptr;
    Object::DoDispose();
}

void
UmlNode::Describe()
{
    NS_LOG_FUNCTION(this);
    if (m_labNode || !m_lab)
    {
        return; // described, or disposed of
    }
    std::string name = GetName();
    std::vector<struct ttb_lab_file> files;
    for (const auto& [guestPath, hostPath] : m_files)
    {
        files.push_back({guestPath.c_str(), hostPath.c_str(), nullptr, 0, 0});
    }
    std::vector<std::string> words;
    std::istringstream stream(m_kernelArguments);
    for (std::string word; stream >> word;)
    {
        words.push_back(word);
    }
    std::vector<const char*> arguments;
    for (const auto& word : words)
    {
        arguments.push_back(word.c_str());
    }
    arguments.push_back(nullptr);

    struct ttb_lab_node_opts opts = {};
    opts.size = sizeof(opts);
    opts.name = name.c_str();
    opts.kernel = m_kernel.empty() ? nullptr : m_kernel.c_str();
    opts.image = m_image.empty() ? nullptr : m_image.c_str();
    opts.memory_mib = m_memoryMib;
    opts.start_ns = m_startTime.GetTimeStep();
    opts.clock_mode = ParseClock(name, m_clock);
    opts.commands = m_commands.c_str();
    opts.files = files.data();
    opts.file_count = files.size();
    opts.kernel_arguments = arguments.data();
    int rc = ttb_lab_add_node(m_lab->GetLab(), &opts, &m_labNode);
    if (rc)
    {
        m_labNode = nullptr;
        RaiseFatal(rc, ttb_lab_error(m_lab->GetLab()));
    }
    m_lab->SetNode(m_labNode, this);
}

void
UmlNode::AddFile(std::string guestPath, std::string hostPath)
{
    if (m_labNode)
    {
        RaiseFatal(-EBUSY,
                   "node " + GetName() + ": file " + guestPath +
                       " was added after the node's first network card, or after the start");
    }
    m_files.emplace_back(guestPath, hostPath);
}

struct ttb_port*
UmlNode::AddInterface(const struct ttb_lab_interface_opts& opts)
{
    Describe();
    if (!m_labNode)
    {
        RaiseFatal(-ESHUTDOWN, "a network card for a node that belongs to no ns-3 node (any more)");
    }
    struct ttb_port* port;
    int rc = ttb_lab_node_add_interface(m_labNode, &opts, &port);
    if (rc)
    {
        RaiseFatal(rc, ttb_lab_error(m_lab->GetLab()));
    }
    return port;
}

void
UmlNode::LinePrinted(Time time, const std::string& line)
{
    m_consoleTrace(this, time, line);
}

void
UmlNode::StateChanged(Time time, enum ttb_node_state state, const std::string& why)
{
    m_stateTrace(this, time, ttb_node_state_name(state), why);
}

std::string
UmlNode::GetName() const
{
    if (!m_name.empty())
    {
        return m_name;
    }
    std::string name = Names::FindName(GetObject<Node>());
    return name.empty() ? "node" + std::to_string(m_nodeId) : name;
}

bool
UmlNode::HasEnded() const
{
    if (!m_labNode)
    {
        return false;
    }
    enum ttb_node_state state = ttb_node_get_state(ttb_lab_node_as_node(m_labNode));
    return state == TTB_NODE_STOPPED || state == TTB_NODE_FAILED;
}

int
UmlNode::GetExitStatus() const
{
    int status;
    return m_labNode && ttb_lab_node_exit_status(m_labNode, &status) == 0 ? status : -1;
}

std::string
UmlNode::GetFailure() const
{
    return m_labNode ? ttb_node_failure(ttb_lab_node_as_node(m_labNode)) : "";
}

std::string
UmlNode::GetConsole() const
{
    std::string console(m_labNode ? ttb_lab_node_console_len_bytes(m_labNode) : 0, '\0');
    std::size_t done = 0;
    while (done < console.size())
    {
        int64_t got =
            ttb_lab_node_read_console(m_labNode, done, &console[done], console.size() - done);
        if (got <= 0)
        {
            break;
        }
        done += got;
    }
    console.resize(done);
    return console;
}

struct ttb_lab_node*
UmlNode::GetLabNode() const
{
    return m_labNode;
}

} // namespace ttb
