/* SPDX-License-Identifier: GPL-2.0-only */
#include <ttbridge/ns3/ethernet-link-device.h>
#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include <ns3/ethernet-header.h>
#include <ns3/log.h>
#include <ns3/pointer.h>
#include <ns3/queue-size.h>
#include <ns3/simulator.h>
#include <ns3/uinteger.h>

#include <algorithm>

/**
 * @file
 * ttb::EthernetLinkDevice implementation.
 */

namespace ttb
{

using namespace ns3;

NS_LOG_COMPONENT_DEFINE("EthernetLinkDevice");

NS_OBJECT_ENSURE_REGISTERED(EthernetLinkDevice);

namespace
{

// IEEE 802.3-2018, 3.1.1 and 4.4.2; in bytes.
constexpr uint32_t HEADER_BYTES = 14;
constexpr uint32_t MIN_FRAME_BYTES = 60; // without FCS
constexpr uint32_t FCS_BYTES = 4;
constexpr uint32_t PREAMBLE_BYTES = 8; // with the start frame delimiter
constexpr uint32_t GAP_BYTES = 12;

constexpr uint32_t VLAN_TAG_BYTES = 4;
constexpr uint16_t ETHERTYPE_VLAN = 0x8100;
constexpr uint16_t ETHERTYPE_SERVICE_VLAN = 0x88a8;

/// The largest payload that ns-3 can say (NetDevice::GetMtu()) and a vhost-user port can carry.
constexpr uint16_t MTU_MAX = 65521;

/// Above, a frame of any length takes less than a nanosecond: as good as infinite, and the
/// arithmetic of fractions stays within 64 bits.
constexpr uint64_t RATE_MAX_BPS = 1000000000000000000;

constexpr uint64_t NS_PER_S = 1000000000;

int64_t
NowNs()
{
    return Simulator::Now().GetNanoSeconds();
}

int64_t
AddSaturating(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

} // namespace

TypeId
EthernetLinkDevice::GetTypeId()
{
    static TypeId tid =
        TypeId("ttb::EthernetLinkDevice")
            .SetParent<NetDevice>()
            .SetGroupName("Network")
            .AddConstructor<EthernetLinkDevice>()
            .AddAttribute("Address",
                          "The MAC address of this device.",
                          Mac48AddressValue(Mac48Address("ff:ff:ff:ff:ff:ff")),
                          MakeMac48AddressAccessor(&EthernetLinkDevice::m_address),
                          MakeMac48AddressChecker())
            .AddAttribute(
                "Mtu",
                "Payload of the longest frame in bytes, a VLAN tag not counted.",
                UintegerValue(1500),
                MakeUintegerAccessor(&EthernetLinkDevice::SetMtu, &EthernetLinkDevice::GetMtu),
                MakeUintegerChecker<uint16_t>(46, MTU_MAX))
            .AddAttribute("DataRate",
                          "Rate of frames whose transmission begins afterwards; 0: infinite.",
                          DataRateValue(DataRate(1000000000)),
                          MakeDataRateAccessor(&EthernetLinkDevice::SetDataRate,
                                               &EthernetLinkDevice::GetDataRate),
                          MakeDataRateChecker())
            .AddAttribute(
                "Delay",
                "Propagation delay of the frames that this device sends, if it is to be "
                "another one than the channel's; negative: the channel's.",
                TimeValue(NanoSeconds(-1)),
                MakeTimeAccessor(&EthernetLinkDevice::SetDelay, &EthernetLinkDevice::GetDelay),
                MakeTimeChecker())
            .AddAttribute("Preamble",
                          "Bytes that are sent before a frame.",
                          UintegerValue(PREAMBLE_BYTES),
                          MakeUintegerAccessor(&EthernetLinkDevice::SetPreamble,
                                               &EthernetLinkDevice::GetPreamble),
                          MakeUintegerChecker<uint32_t>(0, 1000000))
            .AddAttribute("InterframeGap",
                          "Silence after a frame, in bytes.",
                          UintegerValue(GAP_BYTES),
                          MakeUintegerAccessor(&EthernetLinkDevice::m_gapBytes),
                          MakeUintegerChecker<uint32_t>(0, 1000000))
            .AddAttribute("TxQueue",
                          "Where frames wait for the line.",
                          PointerValue(),
                          MakePointerAccessor(&EthernetLinkDevice::m_queue),
                          MakePointerChecker<Queue<Packet>>())
            .AddAttribute("ReceiveErrorModel",
                          "Decides which of the frames that arrive are corrupt.",
                          PointerValue(),
                          MakePointerAccessor(&EthernetLinkDevice::m_receiveErrorModel),
                          MakePointerChecker<ErrorModel>())
            .AddTraceSource("MacTx",
                            "The device was given a frame to send.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_macTxTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("MacTxDrop",
                            "A frame was dropped before it was sent: link down, queue full, too "
                            "long.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_macTxDropTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("MacPromiscRx",
                            "A frame was received, for whomever, and goes to somebody who listens "
                            "to all.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_macPromiscRxTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("MacRx",
                            "A frame for this device or a group was received.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_macRxTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("PhyTxBegin",
                            "Transmission of a frame begins.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_phyTxBeginTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("PhyTxEnd",
                            "The last bit of a frame, FCS included, has been sent.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_phyTxEndTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("PhyTxDrop",
                            "A frame that waited, or was on its way, was lost because the "
                            "link was cut.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_phyTxDropTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("PhyRxEnd",
                            "The last bit of a frame has arrived.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_phyRxEndTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("PhyRxDrop",
                            "A frame that arrived is corrupt.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_phyRxDropTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("Sniffer",
                            "What a sniffer that is not promiscuous sees: frames sent, when their "
                            "transmission begins, and those received for this device or a group.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_snifferTrace),
                            "ns3::Packet::TracedCallback")
            .AddTraceSource("PromiscSniffer",
                            "What a promiscuous sniffer sees: all frames sent and received.",
                            MakeTraceSourceAccessor(&EthernetLinkDevice::m_promiscSnifferTrace),
                            "ns3::Packet::TracedCallback");
    return tid;
}

EthernetLinkDevice::EthernetLinkDevice()
    : m_ifIndex(0),
      m_free{0, 0, 1},
      m_lastArrivalNs(0),
      m_cuts(0),
      m_sent(0),
      m_received(0),
      m_dropped{}
{
    NS_LOG_FUNCTION(this);
}

EthernetLinkDevice::~EthernetLinkDevice()
{
    NS_LOG_FUNCTION(this);
}

void
EthernetLinkDevice::DoDispose()
{
    NS_LOG_FUNCTION(this);
    m_next.Cancel();
    m_cuts++; // nothing of what is on its way shall arrive
    m_flying.clear();
    if (m_channel)
    {
        m_channel->Detach(this);
    }
    m_channel = nullptr;
    m_node = nullptr;
    m_queue = nullptr;
    m_receiveErrorModel = nullptr;
    m_rxCallback = NetDevice::ReceiveCallback();
    m_promiscRxCallback = NetDevice::PromiscReceiveCallback();
    NetDevice::DoDispose();
}

// ----------------------------------------------------------------------------------- the line

int64_t
EthernetLinkDevice::Moment::Ceil() const
{
    return AddSaturating(ns, part ? 1 : 0);
}

EthernetLinkDevice::Moment
EthernetLinkDevice::Moment::After(uint64_t bytes, uint64_t rateBps) const
{
    // Of another rate no fraction is taken over: callers round first.
    uint64_t parts = bytes * 8 * NS_PER_S + part;
    return {AddSaturating(ns, static_cast<int64_t>(parts / rateBps)), parts % rateBps, rateBps};
}

bool
EthernetLinkDevice::IsLineFree() const
{
    return m_free.Ceil() <= NowNs();
}

void
EthernetLinkDevice::Transmit(Ptr<Packet> frame, bool waited)
{
    NS_LOG_FUNCTION(this << frame << waited);
    uint64_t rate = m_rate.GetBitRate() > RATE_MAX_BPS ? 0 : m_rate.GetBitRate();
    // A frame that has waited begins at the very moment at which the line becomes free, even if
    // that lies between two nanoseconds.
    Moment start = {NowNs(), 0, 1};
    if (waited && rate)
    {
        start = m_free.whole == rate ? m_free : Moment{m_free.Ceil(), 0, 1};
    }
    if (frame->GetSize() < MIN_FRAME_BYTES)
    {
        const uint8_t zeros[MIN_FRAME_BYTES] = {};
        frame->AddAtEnd(Create<Packet>(zeros, MIN_FRAME_BYTES - frame->GetSize()));
    }
    Moment end = start;
    if (rate)
    {
        uint64_t bytes = uint64_t(m_preambleBytes) + frame->GetSize() + FCS_BYTES;
        end = start.After(bytes, rate);
        m_free = start.After(bytes + m_gapBytes, rate);
    }
    m_snifferTrace(frame);
    m_promiscSnifferTrace(frame);
    m_phyTxBeginTrace(frame);
    if (!m_phyTxEndTrace.IsEmpty())
    {
        Simulator::Schedule(NanoSeconds(end.Ceil() - NowNs()),
                            &EthernetLinkDevice::TransmitEnd,
                            Ptr<EthernetLinkDevice>(this),
                            frame,
                            m_cuts);
    }
    Time delay = GetCurrentDelay();
    m_lastArrivalNs = std::max(m_lastArrivalNs, AddSaturating(end.Ceil(), delay.GetNanoSeconds()));
    EthernetLinkDevice* peer = m_channel->GetPeer(this);
    m_flying.push_back(frame);
    Simulator::ScheduleWithContext(peer->GetNode()->GetId(),
                                   NanoSeconds(m_lastArrivalNs - NowNs()),
                                   &EthernetLinkDevice::Arrive,
                                   Ptr<EthernetLinkDevice>(this),
                                   peer,
                                   frame,
                                   m_cuts);
}

void
EthernetLinkDevice::TransmitEnd(Ptr<Packet> frame, uint32_t cut)
{
    if (cut == m_cuts)
    {
        m_phyTxEndTrace(frame);
    }
}

void
EthernetLinkDevice::TransmitWaiting()
{
    while (m_channel && m_queue && !m_queue->IsEmpty() && IsLineFree())
    {
        Transmit(m_queue->Dequeue(), true);
    }
    ScheduleTransmit();
}

void
EthernetLinkDevice::ScheduleTransmit()
{
    if (!m_queue || m_queue->IsEmpty() || !m_next.IsExpired())
    {
        return;
    }
    m_next = Simulator::Schedule(NanoSeconds(m_free.Ceil() - NowNs()),
                                 &EthernetLinkDevice::TransmitWaiting,
                                 this);
}

// -------------------------------------------------------------------------------------- sending

bool
EthernetLinkDevice::Send(Ptr<Packet> packet, const Address& destination, uint16_t protocol)
{
    return SendFrom(packet, m_address, destination, protocol);
}

bool
EthernetLinkDevice::SendFrom(Ptr<Packet> packet,
                             const Address& source,
                             const Address& destination,
                             uint16_t protocol)
{
    NS_LOG_FUNCTION(this << packet << source << destination << protocol);
    uint32_t tag =
        protocol == ETHERTYPE_VLAN || protocol == ETHERTYPE_SERVICE_VLAN ? VLAN_TAG_BYTES : 0;
    bool tooLong = packet->GetSize() > m_mtu + tag;
    // A copy: a bridge gives the same packet to several devices, and we may pad it.
    Ptr<Packet> frame = packet->Copy();
    EthernetHeader header(false);
    header.SetSource(Mac48Address::ConvertFrom(source));
    header.SetDestination(Mac48Address::ConvertFrom(destination));
    header.SetLengthType(protocol);
    frame->AddHeader(header);

    m_sent++;
    m_macTxTrace(frame);
    if (tooLong || !IsLinkUp() || !m_queue)
    {
        m_dropped[tooLong ? DROP_TOO_LONG : DROP_DOWN]++;
        m_macTxDropTrace(frame);
        return false;
    }
    // What leaves the queue at this instant leaves it before the frame is looked at.
    TransmitWaiting();
    bool waits = !m_queue->IsEmpty() || !IsLineFree();
    // Also through the queue when it does not wait, for those who watch the queue.
    if (!m_queue->Enqueue(frame))
    {
        m_dropped[DROP_QUEUE]++;
        m_macTxDropTrace(frame);
        return false;
    }
    if (!waits)
    {
        Transmit(m_queue->Dequeue(), false);
    }
    ScheduleTransmit();
    return true;
}

// ------------------------------------------------------------------------------------ receiving

void
EthernetLinkDevice::Arrive(EthernetLinkDevice* peer, Ptr<Packet> frame, uint32_t cut)
{
    if (cut != m_cuts || !m_channel || m_channel->GetPeer(this) != peer)
    {
        return; // lost, and counted
    }
    m_flying.pop_front(); // arrivals keep the order
    peer->Receive(frame);
}

void
EthernetLinkDevice::Receive(Ptr<Packet> frame)
{
    NS_LOG_FUNCTION(this << frame);
    m_phyRxEndTrace(frame);
    if (m_receiveErrorModel && m_receiveErrorModel->IsCorrupt(frame))
    {
        m_dropped[DROP_LOSS]++;
        m_phyRxDropTrace(frame);
        return;
    }
    m_received++;

    Ptr<Packet> payload = frame->Copy();
    EthernetHeader header(false);
    payload->RemoveHeader(header);
    PacketType type = PACKET_OTHERHOST;
    if (header.GetDestination().IsBroadcast())
    {
        type = PACKET_BROADCAST;
    }
    else if (header.GetDestination().IsGroup())
    {
        type = PACKET_MULTICAST;
    }
    else if (header.GetDestination() == m_address)
    {
        type = PACKET_HOST;
    }
    m_promiscSnifferTrace(frame);
    if (type != PACKET_OTHERHOST)
    {
        m_snifferTrace(frame);
    }
    if (!m_promiscRxCallback.IsNull())
    {
        m_macPromiscRxTrace(frame);
        // A copy for each: who gets it may take headers off.
        m_promiscRxCallback(this,
                            payload->Copy(),
                            header.GetLengthType(),
                            header.GetSource(),
                            header.GetDestination(),
                            type);
    }
    if (type != PACKET_OTHERHOST && !m_rxCallback.IsNull())
    {
        m_macRxTrace(frame);
        m_rxCallback(this, payload, header.GetLengthType(), header.GetSource());
    }
}

// ------------------------------------------------------------------------------------ how long

Time
EthernetLinkDevice::GetCurrentDelay() const
{
    if (!m_delay.IsStrictlyNegative())
    {
        return m_delay;
    }
    return m_channel ? m_channel->GetDelay() : Time(0);
}

Time
EthernetLinkDevice::GetMinLatency() const
{
    uint64_t rate = m_rate.GetBitRate() > RATE_MAX_BPS ? 0 : m_rate.GetBitRate();
    uint64_t bytes = uint64_t{m_preambleBytes} + MIN_FRAME_BYTES + FCS_BYTES;
    Moment end{0, 0, 1};
    if (rate)
    {
        end = end.After(bytes, rate);
    }
    return NanoSeconds(AddSaturating(end.Ceil(), GetCurrentDelay().GetNanoSeconds()));
}

void
EthernetLinkDevice::LatencyChanged() const
{
    // Asking for the simulator implementation makes one if there is none, and attributes are set
    // before scripts have chosen theirs. With a node there is one.
    if (!m_node || !IsLinkUp())
    {
        return;
    }
    if (Ptr<TimeTravelSimulatorImpl> simulator = TimeTravelSimulatorImpl::Get())
    {
        simulator->UpdateLookAhead();
    }
}

void
EthernetLinkDevice::SetDataRate(DataRate rate)
{
    m_rate = rate;
    LatencyChanged();
}

void
EthernetLinkDevice::SetDelay(Time delay)
{
    m_delay = delay;
    LatencyChanged();
}

void
EthernetLinkDevice::SetPreamble(uint32_t bytes)
{
    m_preambleBytes = bytes;
    LatencyChanged();
}

DataRate
EthernetLinkDevice::GetDataRate() const
{
    return m_rate;
}

Time
EthernetLinkDevice::GetDelay() const
{
    return m_delay;
}

uint32_t
EthernetLinkDevice::GetPreamble() const
{
    return m_preambleBytes;
}

// ------------------------------------------------------------------------------- up and down

bool
EthernetLinkDevice::Attach(Ptr<EthernetLinkChannel> channel)
{
    NS_LOG_FUNCTION(this << channel);
    if (m_channel || !channel || channel->GetNDevices() == 2)
    {
        return false;
    }
    m_channel = channel;
    return channel->Attach(this);
}

void
EthernetLinkDevice::LoseFrames()
{
    NS_LOG_FUNCTION(this);
    m_cuts++;
    std::deque<Ptr<Packet>> lost;
    lost.swap(m_flying);
    while (m_queue && !m_queue->IsEmpty())
    {
        lost.push_back(m_queue->Dequeue());
    }
    m_dropped[DROP_DOWN] += lost.size();
    for (const auto& frame : lost)
    {
        m_phyTxDropTrace(frame);
    }
    // What is repaired is a line on which nothing is.
    m_free = {0, 0, 1};
    m_lastArrivalNs = 0;
    m_next.Cancel();
}

void
EthernetLinkDevice::LinkChanged()
{
    NS_LOG_FUNCTION(this);
    LatencyChanged();
    m_linkChangeCallbacks();
}

bool
EthernetLinkDevice::IsLinkUp() const
{
    return m_channel && m_channel->IsUp();
}

void
EthernetLinkDevice::AddLinkChangeCallback(Callback<void> callback)
{
    m_linkChangeCallbacks.ConnectWithoutContext(callback);
}

// -------------------------------------------------------------------------- setters and getters

void
EthernetLinkDevice::SetQueue(Ptr<Queue<Packet>> queue)
{
    m_queue = queue;
}

Ptr<Queue<Packet>>
EthernetLinkDevice::GetQueue() const
{
    return m_queue;
}

void
EthernetLinkDevice::SetReceiveErrorModel(Ptr<ErrorModel> model)
{
    m_receiveErrorModel = model;
}

uint64_t
EthernetLinkDevice::GetSent() const
{
    return m_sent;
}

uint64_t
EthernetLinkDevice::GetReceived() const
{
    return m_received;
}

uint64_t
EthernetLinkDevice::GetDropped(DropReason reason) const
{
    return reason < N_DROP_REASONS ? m_dropped[reason] : 0;
}

void
EthernetLinkDevice::SetIfIndex(const uint32_t index)
{
    m_ifIndex = index;
}

uint32_t
EthernetLinkDevice::GetIfIndex() const
{
    return m_ifIndex;
}

Ptr<Channel>
EthernetLinkDevice::GetChannel() const
{
    return m_channel;
}

void
EthernetLinkDevice::SetAddress(Address address)
{
    m_address = Mac48Address::ConvertFrom(address);
}

Address
EthernetLinkDevice::GetAddress() const
{
    return m_address;
}

bool
EthernetLinkDevice::SetMtu(const uint16_t mtu)
{
    m_mtu = mtu;
    return true;
}

uint16_t
EthernetLinkDevice::GetMtu() const
{
    return m_mtu;
}

bool
EthernetLinkDevice::IsBroadcast() const
{
    return true;
}

Address
EthernetLinkDevice::GetBroadcast() const
{
    return Mac48Address::GetBroadcast();
}

bool
EthernetLinkDevice::IsMulticast() const
{
    return true;
}

Address
EthernetLinkDevice::GetMulticast(Ipv4Address group) const
{
    return Mac48Address::GetMulticast(group);
}

Address
EthernetLinkDevice::GetMulticast(Ipv6Address group) const
{
    return Mac48Address::GetMulticast(group);
}

bool
EthernetLinkDevice::IsBridge() const
{
    return false;
}

bool
EthernetLinkDevice::IsPointToPoint() const
{
    // There are two ends, but what ns-3 takes from a true is that addresses are not needed.
    return false;
}

Ptr<Node>
EthernetLinkDevice::GetNode() const
{
    return m_node;
}

void
EthernetLinkDevice::SetNode(Ptr<Node> node)
{
    m_node = node;
}

bool
EthernetLinkDevice::NeedsArp() const
{
    return true;
}

void
EthernetLinkDevice::SetReceiveCallback(NetDevice::ReceiveCallback callback)
{
    m_rxCallback = callback;
}

void
EthernetLinkDevice::SetPromiscReceiveCallback(NetDevice::PromiscReceiveCallback callback)
{
    m_promiscRxCallback = callback;
}

bool
EthernetLinkDevice::SupportsSendFrom() const
{
    return true;
}

} // namespace ttb
