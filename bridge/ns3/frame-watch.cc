/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/ethernet-link-device.h>
#include <ttbridge/ns3/node-port.h>

#include "frame-watch.h"

#include "link-control.h"

#include <ns3/csma-net-device.h>
#include <ns3/ethernet-header.h>
#include <ns3/llc-snap-header.h>
#include <ns3/node.h>
#include <ns3/point-to-point-channel.h>
#include <ns3/point-to-point-net-device.h>
#include <ns3/pointer.h>
#include <ns3/simulator.h>
#include <ns3/wifi-mac-queue.h>
#include <ns3/wifi-mac.h>
#include <ns3/wifi-mpdu.h>
#include <ns3/wifi-phy-state-helper.h>
#include <ns3/wifi-psdu.h>

#include <algorithm>

/**
 * @file
 * ttb::FrameWatch implementation.
 */

namespace ttb
{

using namespace ns3;

NS_OBJECT_ENSURE_REGISTERED(FrameWatch);

namespace
{

constexpr std::size_t HEADER_BYTES = 14;
constexpr std::size_t MIN_BYTES = 60; // without FCS
constexpr std::size_t FCS_BYTES = 4;
constexpr std::size_t PPP_BYTES = 2;
constexpr std::size_t DELIMITER_BYTES = 4;

// RFC 1332 and 5072: the network layer's protocols over PPP.
constexpr uint16_t PPP_IPV4 = 0x0021;
constexpr uint16_t PPP_IPV6 = 0x0057;
constexpr uint16_t ETHERTYPE_IPV4 = 0x0800;
constexpr uint16_t ETHERTYPE_IPV6 = 0x86dd;

std::size_t
WithoutFcs(Ptr<const Packet> packet)
{
    return packet->GetSize() - std::min<std::size_t>(packet->GetSize(), FCS_BYTES);
}

/** @return the length that the network layer's header gives a frame, or `bytes` */
std::size_t
LengthWithin(const std::vector<uint8_t>& frame, std::size_t bytes)
{
    unsigned type = frame[12] << 8 | frame[13];
    std::size_t length = bytes;
    if (type == 0x0800) // IPv4, RFC 791: total length
    {
        length = HEADER_BYTES + (frame[16] << 8 | frame[17]);
    }
    else if (type == 0x86dd) // IPv6, RFC 8200: payload length, behind 40 bytes
    {
        length = HEADER_BYTES + 40 + (frame[18] << 8 | frame[19]);
    }
    else if (type == 0x0806) // ARP for IPv4 over Ethernet, RFC 826
    {
        length = HEADER_BYTES + 28;
    }
    return length < bytes ? length : bytes;
}

/** Of a frame that was lost: cut off the padding that a device has added, or would have. */
void
CutPadding(std::vector<uint8_t>& frame)
{
    if (frame.size() != MIN_BYTES)
    {
        return;
    }
    std::size_t length = LengthWithin(frame, MIN_BYTES);
    if (std::all_of(frame.begin() + length, frame.end(), [](uint8_t b) { return b == 0; }))
    {
        frame.resize(length);
    }
}

const char*
WordsFor(WifiMacDropReason reason)
{
    switch (reason)
    {
    case WIFI_MAC_DROP_FAILED_ENQUEUE:
        return "queue full";
    case WIFI_MAC_DROP_EXPIRED_LIFETIME:
        return "waited too long";
    case WIFI_MAC_DROP_REACHED_RETRY_LIMIT:
        return "retries exhausted";
    default:
        return "too old to be sent again";
    }
}

const char*
WordsFor(WifiPhyRxfailureReason reason)
{
    switch (reason)
    {
    case CHANNEL_SWITCHING:
    case SLEEPING:
    case POWERED_OFF:
        return "receiver off";
    case RXING:
    case BUSY_DECODING_PREAMBLE:
    case PREAMBLE_DETECTION_PACKET_SWITCH:
    case FRAME_CAPTURE_PACKET_SWITCH:
        return "receiver busy with another frame";
    case TXING:
    case RECEPTION_ABORTED_BY_TX:
        return "receiver was sending";
    case PREAMBLE_DETECT_FAILURE:
    case L_SIG_FAILURE:
    case HT_SIG_FAILURE:
    case SIG_A_FAILURE:
    case SIG_B_FAILURE:
        return "header not decoded";
    default:
        return "not decoded";
    }
}

} // namespace

TypeId
FrameWatch::GetTypeId()
{
    static TypeId tid = TypeId("ttb::FrameWatch")
                            .SetParent<Object>()
                            .SetGroupName("Network")
                            .AddConstructor<FrameWatch>();
    return tid;
}

Ptr<FrameWatch>
FrameWatch::Of(Ptr<NetDevice> device)
{
    Ptr<FrameWatch> watch = device->GetObject<FrameWatch>();
    if (!watch)
    {
        watch = CreateObject<FrameWatch>();
        watch->m_device = PeekPointer(device);
        device->AggregateObject(watch);
    }
    return watch;
}

void
FrameWatch::DoDispose()
{
    m_frameFn = nullptr;
    m_queueFn = nullptr;
    m_device = nullptr;
    Object::DoDispose();
}

// ----------------------------------------------------------------------------------- connecting

void
FrameWatch::SetFramesTold(ttb_ns3_frame_fn fn, void* user)
{
    m_frameFn = fn;
    m_frameUser = user;
    if (fn && !m_framesConnected)
    {
        m_framesConnected = true;
        ConnectFrames();
    }
}

void
FrameWatch::ConnectFrames()
{
    // Trace sources get plain pointers: this lives as long as the device, and a reference would
    // keep both for ever.
    auto lost = [this](Ptr<const Packet> frame, const char* reason) { Lost(frame, reason); };
    auto passed = [this](Ptr<const Packet> frame) { Passed(frame); };
    auto end = m_device->GetObject<LinkEnd>();
    bool hasEnd = true;
    if (auto wifi = dynamic_cast<WifiNetDevice*>(m_device))
    {
        hasEnd = false;
        ConnectWifi(*wifi);
    }
    else if (dynamic_cast<CsmaNetDevice*>(m_device))
    {
        m_device->TraceConnectWithoutContext("PhyTxBegin",
                                             MakeCallback(&FrameWatch::CsmaSends, this));
    }
    else if (dynamic_cast<EthernetLinkDevice*>(m_device))
    {
        m_device->TraceConnectWithoutContext("PhyTxBegin",
                                             MakeCallback(&FrameWatch::EthernetSends, this));
    }
    else if (dynamic_cast<PointToPointNetDevice*>(m_device))
    {
        m_device->TraceConnectWithoutContext("PhyTxBegin",
                                             MakeCallback(&FrameWatch::PppSends, this));
        m_device->TraceConnectWithoutContext("MacTxDrop",
                                             MakeCallback(&FrameWatch::PppDrops, this));
    }
    else
    {
        hasEnd = false;
    }
    if (hasEnd && end)
    {
        end->GetErrorModel()->SetPassTold(passed);
        if (dynamic_cast<PointToPointNetDevice*>(m_device))
        {
            end->GetErrorModel()->SetLossTold(lost);
        }
        else
        {
            end->SetLossTold(lost);
        }
    }
    else if (!m_device->GetObject<NodePort>())
    {
        // A port's frames are told just before the node gets them.
        Listen(false);
    }
    ConnectPort();
}

void
FrameWatch::ConnectWifi(WifiNetDevice& wifi)
{
    Ptr<WifiPhy> phy = wifi.GetPhy();
    Ptr<WifiMac> mac = wifi.GetMac();
    phy->TraceConnectWithoutContext("PhyTxPsduBegin", MakeCallback(&FrameWatch::WifiSends, this));
    phy->TraceConnectWithoutContext("PhyRxDrop", MakeCallback(&FrameWatch::WifiMisses, this));
    phy->GetState()->TraceConnectWithoutContext("RxError",
                                                MakeCallback(&FrameWatch::WifiGarbles, this));
    mac->TraceConnectWithoutContext("DroppedMpdu", MakeCallback(&FrameWatch::WifiDrops, this));
    mac->TraceConnectWithoutContext("MacTxDrop", MakeCallback(&FrameWatch::WifiRefuses, this));
}

void
FrameWatch::ConnectPort()
{
    auto port = m_device->GetObject<NodePort>();
    if (!port)
    {
        return;
    }
    bool parsed =
        !dynamic_cast<CsmaNetDevice*>(m_device) && !dynamic_cast<EthernetLinkDevice*>(m_device);
    port->SetPacketsTold(
        [this](Ptr<const Packet> frame) { Tell(TTB_NS3_FRAME_TAKEN, frame, frame->GetSize()); },
        [this, parsed](Ptr<const Packet> frame) {
            if (parsed)
            {
                Tell(TTB_NS3_FRAME_RECEIVED, frame, frame->GetSize());
            }
            Tell(TTB_NS3_FRAME_GIVEN, frame, frame->GetSize());
        });
    port->TraceConnectWithoutContext("Tx", MakeCallback(&FrameWatch::PortSends, this));
    port->TraceConnectWithoutContext("Drop", MakeCallback(&FrameWatch::PortDrops, this));
}

void
FrameWatch::Listen(bool toAll)
{
    m_listens = true;
    // Not to all unless somebody else does: a Wifi device would then work otherwise.
    m_device->GetNode()->RegisterProtocolHandler(MakeCallback(&FrameWatch::Received, this),
                                                 0,
                                                 m_device,
                                                 toAll);
}

void
FrameWatch::BecomesSwitchPort()
{
    m_isSwitchPort = true;
    if (m_listens)
    {
        m_device->GetNode()->UnregisterProtocolHandler(MakeCallback(&FrameWatch::Received, this));
        Listen(true);
    }
}

bool
FrameWatch::IsPromiscuous()
{
    return m_isSwitchPort || m_device->GetObject<NodePort>();
}

// ---------------------------------------------------------------------------------------- queues

bool
FrameWatch::SetQueueTold(ttb_ns3_queue_fn fn, void* user)
{
    std::vector<Ptr<QueueBase>> queues;
    if (auto wifi = dynamic_cast<WifiNetDevice*>(m_device))
    {
        for (AcIndex category : {AC_BE, AC_BK, AC_VI, AC_VO, AC_BE_NQOS})
        {
            queues.emplace_back(wifi->GetMac()->GetTxopQueue(category));
        }
    }
    else
    {
        PointerValue queue;
        if (m_device->GetAttributeFailSafe("TxQueue", queue))
        {
            queues.emplace_back(queue.Get<QueueBase>());
        }
    }
    queues.erase(std::remove(queues.begin(), queues.end(), nullptr), queues.end());
    if (queues.empty())
    {
        return false;
    }
    m_queueFn = fn;
    m_queueUser = user;
    if (!m_queueConnected)
    {
        m_queueConnected = true;
        for (const auto& queue : queues)
        {
            m_waiting += queue->GetNPackets();
            queue->TraceConnectWithoutContext("PacketsInQueue",
                                              MakeCallback(&FrameWatch::QueueChanged, this));
        }
    }
    return true;
}

void
FrameWatch::QueueChanged(uint32_t before, uint32_t after)
{
    m_waiting += after - before;
    if (m_queueFn)
    {
        m_queueFn(m_queueUser, Simulator::Now().GetNanoSeconds(), m_waiting);
    }
}

// --------------------------------------------------------------------------------------- telling

void
FrameWatch::TellBytes(What what, uint64_t uid, const char* reason)
{
    struct ttb_ns3_frame frame = {};
    frame.what = what;
    frame.time_ns = static_cast<uint64_t>(Simulator::Now().GetNanoSeconds());
    frame.uid = uid;
    frame.data = m_bytes.data();
    frame.len_bytes = m_bytes.size();
    frame.reason = reason;
    m_frameFn(m_frameUser, &frame);
}

void
FrameWatch::Tell(What what, Ptr<const Packet> packet, std::size_t size, const char* reason)
{
    if (!m_frameFn)
    {
        return;
    }
    m_bytes.resize(size);
    packet->CopyData(m_bytes.data(), static_cast<uint32_t>(size));
    TellBytes(what, packet->GetUid(), reason);
}

void
FrameWatch::TellParsed(What what,
                       Ptr<const Packet> payload,
                       uint16_t protocol,
                       const Address& from,
                       const Address& to,
                       const char* reason)
{
    if (!m_frameFn || !Mac48Address::IsMatchingType(from) || !Mac48Address::IsMatchingType(to))
    {
        return;
    }
    m_bytes.resize(HEADER_BYTES + payload->GetSize());
    Mac48Address::ConvertFrom(to).CopyTo(m_bytes.data());
    Mac48Address::ConvertFrom(from).CopyTo(m_bytes.data() + 6);
    m_bytes[12] = static_cast<uint8_t>(protocol >> 8);
    m_bytes[13] = static_cast<uint8_t>(protocol);
    payload->CopyData(m_bytes.data() + HEADER_BYTES, payload->GetSize());
    TellBytes(what, payload->GetUid(), reason);
}

void
FrameWatch::Passed(Ptr<const Packet> frame)
{
    if (!m_device)
    {
        return;
    }
    if (dynamic_cast<PointToPointNetDevice*>(m_device))
    {
        TellPpp(TTB_NS3_FRAME_RECEIVED, frame, false);
        return;
    }
    if (!dynamic_cast<CsmaNetDevice*>(m_device))
    {
        Tell(TTB_NS3_FRAME_RECEIVED, frame, frame->GetSize());
        return;
    }
    EthernetHeader header(false);
    frame->PeekHeader(header);
    Mac48Address to = header.GetDestination();
    if (to.IsGroup() || to == Mac48Address::ConvertFrom(m_device->GetAddress()) || IsPromiscuous())
    {
        Tell(TTB_NS3_FRAME_RECEIVED, frame, WithoutFcs(frame));
    }
}

void
FrameWatch::Lost(Ptr<const Packet> frame, const char* reason)
{
    if (!m_frameFn || !m_device)
    {
        return;
    }
    if (dynamic_cast<PointToPointNetDevice*>(m_device))
    {
        TellPpp(TTB_NS3_FRAME_LOST, frame, false, reason);
        return;
    }
    std::size_t size =
        dynamic_cast<CsmaNetDevice*>(m_device) ? WithoutFcs(frame) : frame->GetSize();
    m_bytes.resize(size);
    frame->CopyData(m_bytes.data(), static_cast<uint32_t>(size));
    CutPadding(m_bytes);
    TellBytes(TTB_NS3_FRAME_LOST, frame->GetUid(), reason);
}

void
FrameWatch::Received(Ptr<NetDevice>,
                     Ptr<const Packet> payload,
                     uint16_t protocol,
                     const Address& from,
                     const Address& to,
                     NetDevice::PacketType)
{
    TellParsed(TTB_NS3_FRAME_RECEIVED, payload, protocol, from, to);
}

// -------------------------------------------------------------------- CSMA, Ethernet, and PPP

void
FrameWatch::CsmaSends(Ptr<const Packet> frame)
{
    Tell(TTB_NS3_FRAME_SENT, frame, WithoutFcs(frame));
}

void
FrameWatch::EthernetSends(Ptr<const Packet> frame)
{
    Tell(TTB_NS3_FRAME_SENT, frame, frame->GetSize());
}

void
FrameWatch::TellPpp(What what, Ptr<const Packet> packet, bool sent, const char* reason)
{
    uint8_t header[PPP_BYTES];
    auto channel = m_device ? DynamicCast<PointToPointChannel>(m_device->GetChannel()) : nullptr;
    if (!m_frameFn || !channel || packet->GetSize() < PPP_BYTES || channel->GetNDevices() < 2)
    {
        return;
    }
    Ptr<NetDevice> other = channel->GetDevice(channel->GetDevice(0) == m_device ? 1 : 0);
    packet->CopyData(header, PPP_BYTES);
    uint16_t protocol = static_cast<uint16_t>(header[0] << 8 | header[1]);
    protocol = protocol == PPP_IPV4   ? ETHERTYPE_IPV4
               : protocol == PPP_IPV6 ? ETHERTYPE_IPV6
                                      : protocol;
    Address mine = m_device->GetAddress();
    Address others = other->GetAddress();
    TellParsed(what,
               packet->CreateFragment(PPP_BYTES, packet->GetSize() - PPP_BYTES),
               protocol,
               sent ? mine : others,
               sent ? others : mine,
               reason);
}

void
FrameWatch::PppSends(Ptr<const Packet> frame)
{
    TellPpp(TTB_NS3_FRAME_SENT, frame, true);
}

void
FrameWatch::PppDrops(Ptr<const Packet> frame)
{
    TellPpp(TTB_NS3_FRAME_LOST, frame, true, "queue full");
}

// ------------------------------------------------------------------------------------------ Wifi

void
FrameWatch::TellMpdu(What what,
                     const WifiMacHeader& header,
                     Ptr<const Packet> packet,
                     const char* reason)
{
    LlcSnapHeader llc;
    // Of a fragment only the first has the LLC header; the others are parts of the same frame.
    if (!header.HasData() || header.GetFragmentNumber() ||
        packet->GetSize() < llc.GetSerializedSize())
    {
        return;
    }
    // IEEE 802.11-2020, table 9-30.
    Mac48Address to = header.IsToDs() ? header.GetAddr3() : header.GetAddr1();
    Mac48Address from = !header.IsFromDs() ? header.GetAddr2()
                        : header.IsToDs()  ? header.GetAddr4()
                                           : header.GetAddr3();
    Ptr<Packet> payload = packet->Copy();
    payload->RemoveHeader(llc);
    TellParsed(what, payload, llc.GetType(), from, to, reason);
}

void
FrameWatch::WifiSends(WifiConstPsduMap psdus, WifiTxVector, double)
{
    for (const auto& [station, psdu] : psdus)
    {
        for (const auto& mpdu : *PeekPointer(psdu))
        {
            if (!mpdu->GetHeader().IsQosData() || !mpdu->GetHeader().IsQosAmsdu())
            {
                TellMpdu(TTB_NS3_FRAME_SENT, mpdu->GetHeader(), mpdu->GetPacket());
                continue;
            }
            for (const auto& [packet, header] : *PeekPointer(mpdu))
            {
                LlcSnapHeader llc;
                Ptr<Packet> payload = packet->Copy();
                payload->RemoveHeader(llc);
                TellParsed(TTB_NS3_FRAME_SENT,
                           payload,
                           llc.GetType(),
                           header.GetSourceAddr(),
                           header.GetDestinationAddr());
            }
        }
    }
}

void
FrameWatch::WifiDrops(WifiMacDropReason reason, Ptr<const WifiMpdu> mpdu)
{
    TellMpdu(TTB_NS3_FRAME_LOST, mpdu->GetHeader(), mpdu->GetPacket(), WordsFor(reason));
}

void
FrameWatch::WifiRefuses(Ptr<const Packet> payload)
{
    // It has no addresses: those of a port's frame are known as soon as the device says that it has
    // taken it, which it does all the same.
    m_refused = payload->GetUid();
}

void
FrameWatch::TellMissed(Ptr<const Packet> bytes, const char* reason)
{
    uint8_t delimiter[DELIMITER_BYTES] = {};
    Ptr<Packet> frame = bytes->Copy();
    WifiMacHeader header;
    frame->CopyData(delimiter, DELIMITER_BYTES);
    if (delimiter[3] == 'N') // IEEE 802.11-2020, 9.7.1: a frame that is an A-MPDU by itself
    {
        frame->RemoveAtStart(DELIMITER_BYTES);
    }
    if (frame->GetSize() < header.GetSerializedSize() + FCS_BYTES)
    {
        return;
    }
    frame->RemoveHeader(header);
    frame->RemoveAtEnd(FCS_BYTES);
    // What is for one receiver is sent again, until it arrives or the sender tells of it.
    if (header.HasData() && header.GetAddr1().IsGroup())
    {
        TellMpdu(TTB_NS3_FRAME_LOST, header, frame, reason);
    }
}

void
FrameWatch::WifiMisses(Ptr<const Packet> frame, WifiPhyRxfailureReason reason)
{
    TellMissed(frame, WordsFor(reason));
}

void
FrameWatch::WifiGarbles(Ptr<const Packet> frame, double)
{
    auto end = m_device ? m_device->GetObject<LinkEnd>() : nullptr;
    bool byModel =
        end && end->GetErrorModel()->GetLastLossNs() == Simulator::Now().GetNanoSeconds();
    TellMissed(frame, byModel ? "lost" : "bit errors");
}

// ----------------------------------------------------------------------------------------- ports

void
FrameWatch::PortSends(Ptr<const Packet> frame)
{
    if (m_refused == frame->GetUid())
    {
        Tell(TTB_NS3_FRAME_LOST, frame, frame->GetSize(), "not associated");
    }
    m_refused = UINT64_MAX;
}

void
FrameWatch::PortDrops(Ptr<const Packet> frame, NodePort::DropReason reason)
{
    switch (reason)
    {
    case NodePort::TX_LINK_DOWN:
        if (!dynamic_cast<EthernetLinkDevice*>(m_device))
        {
            Tell(TTB_NS3_FRAME_LOST, frame, frame->GetSize(), "link down");
        }
        break;
    case NodePort::TX_TOO_SHORT:
    case NodePort::TX_TOO_LONG:
    case NodePort::TX_BAD_LENGTH:
    case NodePort::TX_LLC:
    case NodePort::TX_SOURCE:
        Tell(TTB_NS3_FRAME_LOST, frame, frame->GetSize(), NodePort::GetDropReasonName(reason));
        break;
    default: // the device tells, or the port
        break;
    }
}

} // namespace ttb
