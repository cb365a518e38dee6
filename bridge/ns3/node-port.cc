/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/ethernet-link-device.h>
#include <ttbridge/ns3/node-port.h>
#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include "fatal-trap.h"

#include <ns3/csma-net-device.h>
#include <ns3/ethernet-header.h>
#include <ns3/log.h>
#include <ns3/node.h>
#include <ns3/pointer.h>
#include <ns3/simple-net-device.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <sstream>
#include <vector>

/**
 * @file
 * ttb::NodePort implementation.
 */

namespace ttb
{

using namespace ns3;

NS_LOG_COMPONENT_DEFINE("NodePort");

NS_OBJECT_ENSURE_REGISTERED(NodePort);

namespace
{

constexpr uint32_t HEADER_BYTES = 14;
constexpr uint32_t FCS_BYTES = 4;
constexpr uint32_t VLAN_TAG_BYTES = 4;
constexpr uint32_t LLC_SNAP_BYTES = 8;
constexpr uint32_t MIN_PAYLOAD_BYTES = 46;

/// Up to here an Ethernet header's last field is a length, says CsmaNetDevice::Receive().
constexpr uint16_t LENGTH_MAX = 1500;

/// CsmaNetDevice::Receive() cuts a frame with a length field to that length and then reads an
/// LLC/SNAP header from it, without looking how much is left.
constexpr uint16_t LENGTH_MIN = 8;

constexpr uint16_t ETHERTYPE_VLAN = 0x8100;
constexpr uint16_t ETHERTYPE_SERVICE_VLAN = 0x88a8;

Mac48Address
PortAddress(struct ttb_port* port)
{
    uint8_t bytes[6];
    ttb_port_get_mac(port, bytes);
    Mac48Address address;
    address.CopyFrom(bytes);
    return address;
}

std::string
NameOf(struct ttb_port* port)
{
    struct ttb_node* node = ttb_port_node(port);
    return (node ? std::string(ttb_node_name(node)) + "." : "") + ttb_port_name(port);
}

std::string
MtuTooLarge(Ptr<NetDevice> device, struct ttb_port* port)
{
    return "the port's MTU is " + std::to_string(ttb_port_mtu(port)) + ", the device's " +
           std::to_string(device->GetMtu()) + "; make the interface's MTU that of the device";
}

/**
 * What is known of devices that cannot carry Ethernet frames, whatever their addresses are.
 * @return why not, and what to use instead; nullptr if nothing is known
 */
const char*
WhyNotEthernet(Ptr<NetDevice> device, const std::string& type)
{
    if (type == "ns3::LoopbackNetDevice")
    {
        return "it leads back to its own node; Linux has a loopback device of its own";
    }
    // In a namespace of its own since ns-3.42.
    if (type.find("LrWpanNetDevice") != std::string::npos)
    {
        return "IEEE 802.15.4 frames have no room for an EtherType, so ARP and IP could not be "
               "told "
               "from each other, and at most 127 bytes; use Wifi";
    }
    if (type == "ns3::SixLowPanNetDevice")
    {
        return "6LoWPAN carries nothing but IPv6, whose headers it takes apart; attach the device "
               "below it, if that is an Ethernet or Wifi device";
    }
    if (type.compare(0, 8, "ns3::Lte") == 0)
    {
        return "LTE bearers carry IP packets, no Ethernet frames; put a VirtualNetDevice between, "
               "as examples/ns3-lte does";
    }
    if (type.find("Wimax") != std::string::npos ||
        type.find("StationNetDevice") != std::string::npos)
    {
        return "WiMAX connections are classified by IP headers, and ARP has none; let an ns-3 node "
               "with IP forwarding stand between an Ethernet link and the WiMAX device";
    }
    if (type == "ns3::MeshPointDevice")
    {
        PointerValue protocol;
        if (device->GetAttributeFailSafe("RoutingProtocol", protocol) && protocol.Get<Object>() &&
            protocol.Get<Object>()->GetInstanceTypeId().GetName() != "ns3::dot11s::HwmpProtocol")
        {
            return "its routing protocol puts headers of its own into the frames; use a mesh with "
                   "ns3::Dot11sStack (HWMP)";
        }
    }
    else if (type != "ns3::VirtualNetDevice" && device->IsPointToPoint() &&
             !device->SupportsSendFrom())
    {
        return "its link carries PPP, which has no ARP and no Ethernet addresses; use a "
               "ttb::EthernetLinkDevice, or an ns3::CsmaNetDevice on a channel of its own";
    }
    return nullptr;
}

/** @return true if frames of that address are what such a device sends well */
bool
SendsWithOwnAddress(const std::string& type)
{
    return type == "ns3::WifiNetDevice" || type == "ns3::MeshPointDevice" ||
           type == "ns3::VirtualNetDevice";
}

} // namespace

TypeId
NodePort::GetTypeId()
{
    static TypeId tid =
        TypeId("ttb::NodePort")
            .SetParent<Object>()
            .SetGroupName("Network")
            .AddConstructor<NodePort>()
            .AddTraceSource("Tx",
                            "The device takes a frame from the Linux node: Ethernet header and "
                            "payload, before padding.",
                            MakeTraceSourceAccessor(&NodePort::m_txTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("Rx",
                            "The Linux node's port takes a frame from the network: Ethernet header "
                            "and payload, no FCS.",
                            MakeTraceSourceAccessor(&NodePort::m_rxTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("Drop",
                            "A frame, in either direction, goes no further.",
                            MakeTraceSourceAccessor(&NodePort::m_dropTrace),
                            "ttb::NodePort::DropTracedCallback");
    return tid;
}

NodePort::NodePort()
    : m_foreign(true),
      m_relays(false),
      m_device(nullptr),
      m_port(nullptr),
      m_transmitted(0),
      m_received(0),
      m_drops{}
{
    NS_LOG_FUNCTION(this);
}

NodePort::~NodePort()
{
    NS_LOG_FUNCTION(this);
}

// ------------------------------------------------------------------------------------ attaching

std::string
NodePort::Check(Ptr<NetDevice> device, struct ttb_port* port)
{
    std::ostringstream why;

    if (!device || !port)
    {
        return "a device and a port are needed";
    }
    std::string type = device->GetInstanceTypeId().GetName();
    Ptr<TimeTravelSimulatorImpl> simulator = TimeTravelSimulatorImpl::Get();
    struct ttb_node* node = ttb_port_node(port);
    why << "port " << NameOf(port) << " cannot be attached to a device of type " << type << ": ";
    if (!simulator || !simulator->GetBridge())
    {
        why << (simulator ? "no bridge is attached to the simulation"
                          : "the simulator implementation is not ttb::TimeTravelSimulatorImpl");
    }
    else if (node && ttb_node_bridge(node) != simulator->GetBridge())
    {
        why << "the port belongs to another bridge than the simulation's";
    }
    else if (!device->GetNode())
    {
        why << "the device has not been added to an ns-3 node";
    }
    else if (device->GetObject<NodePort>())
    {
        why << "it has a port already; give each Linux node a device of its own";
    }
    else if (type == "ns3::TapBridge" || type == "ns3::FdNetDevice" ||
             type == "ns3::EmuNetDevice" || type == "ns3::DpdkNetDevice")
    {
        why << "it exchanges frames with the host in wall-clock time, so no run could be repeated";
    }
    else if (const char* reason = WhyNotEthernet(device, type))
    {
        why << reason;
    }
    else if (!Mac48Address::IsMatchingType(device->GetAddress()))
    {
        why << "its addresses are not Ethernet's (48 bits)";
    }
    else if (!device->SupportsSendFrom() && !SendsWithOwnAddress(type))
    {
        why << "it cannot send with a source address that is not its own (SupportsSendFrom() is "
               "false); use an ns3::CsmaNetDevice, or bridge it to one";
    }
    else if (!device->SupportsSendFrom() &&
             Mac48Address::ConvertFrom(device->GetAddress()) != PortAddress(port))
    {
        // There is room in its frames for its own address only.
        why << "it sends with its own address only, which is "
            << Mac48Address::ConvertFrom(device->GetAddress()) << ", and the interface's is "
            << PortAddress(port) << "; make them equal, or use "
            << (type == "ns3::VirtualNetDevice" ? "SetSupportsSendFrom(true)"
                                                : "a Wifi access point");
    }
    else if (ttb_port_mtu(port) > device->GetMtu())
    {
        why << MtuTooLarge(device, port);
    }
    else
    {
        return "";
    }
    return why.str();
}

Ptr<NodePort>
NodePort::Install(Ptr<NetDevice> device, struct ttb_port* port)
{
    NS_LOG_FUNCTION(device << port);
    std::string why = Check(device, port);
    if (!why.empty())
    {
        RaiseFatal(-EOPNOTSUPP, why);
    }
    Ptr<NodePort> nodePort = CreateObject<NodePort>();
    nodePort->Attach(device, port);
    return nodePort;
}

void
NodePort::Attach(Ptr<NetDevice> device, struct ttb_port* port)
{
    m_device = PeekPointer(device);
    m_port = port;
    m_foreign = device->SupportsSendFrom();
    m_relays = device->GetInstanceTypeId().GetName() == "ns3::MeshPointDevice";
    device->AggregateObject(this);
    // Puts the device into promiscuous mode without taking it from the node's own stack.
    device->GetNode()->RegisterProtocolHandler(MakeCallback(&NodePort::ReceiveParsed, this),
                                               0,
                                               device,
                                               true);
    if (DynamicCast<CsmaNetDevice>(device))
    {
        device->TraceConnectWithoutContext("MacPromiscRx",
                                           MakeCallback(&NodePort::ReceiveWhole, this));
    }
    ttb_port_on_transmit(port, &NodePort::NodeTransmits, this);
    device->AddLinkChangeCallback(MakeCallback(&NodePort::LinkChanged, this));
    if (!device->IsLinkUp())
    {
        SetCarrier(false);
    }
    TimeTravelSimulatorImpl::Get()->PortAttached();
}

void
NodePort::LinkChanged()
{
    if (m_device)
    {
        SetCarrier(m_device->IsLinkUp());
    }
}

void
NodePort::SetCarrier(bool on)
{
    NS_LOG_FUNCTION(this << on);
    if (!m_port)
    {
        return; // disposed of
    }
    if (Ptr<TimeTravelSimulatorImpl> simulator = TimeTravelSimulatorImpl::Get())
    {
        simulator->SyncBridge();
    }
    int rc = ttb_port_set_carrier(m_port, on);
    if (rc)
    {
        RaiseFatal(rc,
                   std::string("port ") + ttb_port_name(m_port) +
                       ": the carrier cannot be changed from one of the bridge's callbacks");
    }
}

void
NodePort::DoDispose()
{
    NS_LOG_FUNCTION(this);
    if (m_port)
    {
        ttb_port_on_transmit(m_port, nullptr, nullptr);
    }
    if (m_device)
    {
        if (Ptr<Node> node = m_device->GetNode())
        {
            node->UnregisterProtocolHandler(MakeCallback(&NodePort::ReceiveParsed, this));
        }
        m_device->TraceDisconnectWithoutContext("MacPromiscRx",
                                                MakeCallback(&NodePort::ReceiveWhole, this));
    }
    m_port = nullptr;
    m_device = nullptr;
    m_taken = nullptr;
    m_given = nullptr;
    Object::DoDispose();
}

bool
NodePort::IsTransparent() const
{
    auto csma = dynamic_cast<CsmaNetDevice*>(m_device);
    return csma && csma->GetEncapsulationMode() == CsmaNetDevice::DIX;
}

// ------------------------------------------------------------------------- node to network

void
NodePort::NodeTransmits(void* user,
                        struct ttb_port* port,
                        uint64_t time_ns,
                        const void* frame,
                        size_t len_bytes)
{
    auto self = static_cast<NodePort*>(user);
    (void)port;
    // Exceptions must not cross the bridge, which is C: nothing here throws but for lack of memory.
    Ptr<Packet> packet = Create<Packet>(static_cast<const uint8_t*>(frame), len_bytes);
    if (self->m_taken)
    {
        self->m_taken(packet);
    }
    // The bridge runs ahead of ns-3's clock, up to the next event. Only a port in wall-clock time
    // may be late, namely when the bridge was last asked.
    auto delay = static_cast<int64_t>(time_ns) - Simulator::Now().GetTimeStep();
    Simulator::ScheduleWithContext(self->m_device->GetNode()->GetId(),
                                   TimeStep(std::max<int64_t>(delay, 0)),
                                   &NodePort::Transmit,
                                   Ptr<NodePort>(self),
                                   packet);
}

NodePort::DropReason
NodePort::CheckFrame(Ptr<const Packet> frame, uint16_t lengthType) const
{
    uint32_t payload = frame->GetSize() - HEADER_BYTES;
    uint32_t max = m_device->GetMtu();
    if ((lengthType == ETHERTYPE_VLAN || lengthType == ETHERTYPE_SERVICE_VLAN) &&
        !dynamic_cast<SimpleNetDevice*>(m_device)) // which counts a tag as payload
    {
        max += VLAN_TAG_BYTES;
    }
    auto csma = dynamic_cast<CsmaNetDevice*>(m_device);
    if (csma && !IsTransparent())
    {
        // With its LLC/SNAP header the payload must be no longer than a length field can say.
        max = std::min<uint32_t>(max, LENGTH_MAX - LLC_SNAP_BYTES);
    }
    if (payload > max)
    {
        return TX_TOO_LONG;
    }
    // Other devices take it for a protocol number, and carry it and the payload as they are.
    if (lengthType <= LENGTH_MAX && csma)
    {
        if (!IsTransparent())
        {
            return TX_LLC;
        }
        // The receiver takes the length's word for it, also for how much padding there is to cut.
        if (lengthType < LENGTH_MIN || lengthType > payload ||
            std::max(payload, MIN_PAYLOAD_BYTES) - lengthType > MIN_PAYLOAD_BYTES)
        {
            return TX_BAD_LENGTH;
        }
    }
    return N_DROP_REASONS;
}

void
NodePort::Transmit(Ptr<Packet> frame)
{
    NS_LOG_FUNCTION(this << frame);
    if (!m_device)
    {
        return; // disposed of
    }
    if (frame->GetSize() < HEADER_BYTES)
    {
        Drop(frame, TX_TOO_SHORT);
        return;
    }
    Ptr<Packet> payload = frame->Copy();
    EthernetHeader header(false);
    payload->RemoveHeader(header);
    DropReason reason = CheckFrame(frame, header.GetLengthType());
    if (reason != N_DROP_REASONS)
    {
        Drop(frame, reason);
        return;
    }
    if (!m_foreign && header.GetSource() != Mac48Address::ConvertFrom(m_device->GetAddress()))
    {
        Drop(frame, TX_SOURCE);
        return;
    }
    // An Ethernet link counts and traces what it is given while it is down; others may not be
    // asked.
    bool up = m_device->IsLinkUp();
    bool taken = false;
    if (up || dynamic_cast<EthernetLinkDevice*>(m_device))
    {
        taken = m_foreign
                    ? m_device->SendFrom(payload,
                                         header.GetSource(),
                                         header.GetDestination(),
                                         header.GetLengthType())
                    : m_device->Send(payload, header.GetDestination(), header.GetLengthType());
    }
    if (!taken)
    {
        Drop(frame, up ? TX_REFUSED : TX_LINK_DOWN);
        return;
    }
    m_transmitted++;
    m_txTrace(frame);
}

// ------------------------------------------------------------------------- network to node

void
NodePort::ReceiveWhole(Ptr<const Packet> frame)
{
    // In LLC mode this is the frame with ns-3's wrapping, and ReceiveParsed() has what was in it.
    if (!m_port || !IsTransparent())
    {
        return;
    }
    Ptr<Packet> copy = frame->Copy();
    copy->RemoveAtEnd(FCS_BYTES);
    Deliver(copy);
}

void
NodePort::ReceiveParsed(Ptr<NetDevice> device,
                        Ptr<const Packet> payload,
                        uint16_t protocol,
                        const Address& from,
                        const Address& to,
                        NetDevice::PacketType type)
{
    NS_LOG_FUNCTION(this << device << payload << protocol << from << to << type);
    if (!m_port || IsTransparent())
    {
        return; // ReceiveWhole() has had it
    }
    Ptr<Packet> frame = payload->Copy();
    if (!Mac48Address::IsMatchingType(from) || !Mac48Address::IsMatchingType(to))
    {
        Drop(frame, RX_ADDRESS);
        return;
    }
    if (m_relays && !Mac48Address::ConvertFrom(to).IsGroup() && to != m_device->GetAddress())
    {
        return; // on its way to another mesh point
    }
    EthernetHeader header(false);
    header.SetSource(Mac48Address::ConvertFrom(from));
    header.SetDestination(Mac48Address::ConvertFrom(to));
    header.SetLengthType(protocol);
    frame->AddHeader(header);
    Deliver(frame);
}

void
NodePort::Deliver(Ptr<const Packet> frame)
{
    std::vector<uint8_t> bytes(frame->GetSize());
    frame->CopyData(bytes.data(), static_cast<uint32_t>(bytes.size()));

    if (Ptr<TimeTravelSimulatorImpl> simulator = TimeTravelSimulatorImpl::Get())
    {
        simulator->SyncBridge();
    }
    if (m_given)
    {
        m_given(frame);
    }
    int rc = ttb_port_deliver(m_port, bytes.data(), bytes.size());
    switch (rc)
    {
    case 0:
        m_received++;
        m_rxTrace(frame);
        break;
    case -ENETDOWN:
        Drop(frame, RX_PORT_DOWN);
        break;
    case -ENOBUFS:
        Drop(frame, RX_NO_BUFFER);
        break;
    case -EMSGSIZE:
        Drop(frame, RX_TOO_LONG);
        break;
    default:
        RaiseFatal(rc,
                   std::string("port ") + ttb_port_name(m_port) +
                       " does not take frames now: it was called from one of its own callbacks");
    }
}

// ------------------------------------------------------------------------------------- getters

void
NodePort::SetPacketsTold(PacketFunction taken, PacketFunction given)
{
    m_taken = taken;
    m_given = given;
}

void
NodePort::Drop(Ptr<const Packet> frame, DropReason reason)
{
    NS_LOG_LOGIC("dropped: " << GetDropReasonName(reason));
    m_drops[reason]++;
    m_dropTrace(frame, reason);
}

Ptr<NetDevice>
NodePort::GetDevice() const
{
    return m_device;
}

std::string
NodePort::GetName() const
{
    return m_port ? NameOf(m_port) : "";
}

struct ttb_port*
NodePort::GetPort() const
{
    return m_port;
}

uint64_t
NodePort::GetDropped(DropReason reason) const
{
    return reason < N_DROP_REASONS ? m_drops[reason] : 0;
}

uint64_t
NodePort::GetTransmitted() const
{
    return m_transmitted;
}

uint64_t
NodePort::GetReceived() const
{
    return m_received;
}

const char*
NodePort::GetDropReasonName(DropReason reason)
{
    switch (reason)
    {
    case TX_TOO_SHORT:
        return "frame too short";
    case TX_TOO_LONG:
        return "payload larger than the device's MTU";
    case TX_BAD_LENGTH:
        return "802.3 length does not fit the frame";
    case TX_LLC:
        return "802.3 frame on a device in LLC mode";
    case TX_LINK_DOWN:
        return "device has no link";
    case TX_SOURCE:
        return "source address is not the device's";
    case TX_REFUSED:
        return "device queue full";
    case RX_PORT_DOWN:
        return "port down";
    case RX_NO_BUFFER:
        return "no receive buffer";
    case RX_TOO_LONG:
        return "frame longer than the port's MTU";
    case RX_ADDRESS:
        return "no Ethernet address";
    default:
        return "unknown";
    }
}

} // namespace ttb
