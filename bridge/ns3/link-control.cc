/* SPDX-License-Identifier: GPL-2.0-only */
#include "link-control.h"

#include "api.h"

#include <ttbridge/ns3/ethernet-link-device.h>

#include <ns3/csma-net-device.h>
#include <ns3/ethernet-header.h>
#include <ns3/pointer.h>
#include <ns3/queue-size.h>
#include <ns3/simple-net-device.h>
#include <ns3/simulator.h>
#include <ns3/wifi-helper.h>
#include <ns3/wifi-mac.h>
#include <ns3/wifi-net-device.h>
#include <ns3/wifi-phy.h>

#include <algorithm>

/**
 * @file
 * ttb::CsmaLinkState, ttb::LinkErrorModel, ttb::LinkEnd implementation.
 */

namespace ttb
{

using namespace ns3;

NS_OBJECT_ENSURE_REGISTERED(CsmaLinkState);
NS_OBJECT_ENSURE_REGISTERED(LinkErrorModel);
NS_OBJECT_ENSURE_REGISTERED(LinkEnd);

namespace
{

/// Up to here an Ethernet header's last field is a length, says CsmaNetDevice::Receive().
constexpr uint16_t LENGTH_MAX = 1500;

} // namespace

int64_t
StreamsOf(Mac48Address address)
{
    uint8_t bytes[6];
    int64_t number = 0;
    address.CopyTo(bytes);
    for (uint8_t byte : bytes)
    {
        number = number << 8 | byte;
    }
    // ns-3's own numbering of streams begins at 2^63.
    return number << 10;
}

// -------------------------------------------------------------------------------- CsmaLinkState

TypeId
CsmaLinkState::GetTypeId()
{
    static TypeId tid = TypeId("ttb::CsmaLinkState")
                            .SetParent<Object>()
                            .SetGroupName("Network")
                            .AddConstructor<CsmaLinkState>();
    return tid;
}

Ptr<CsmaLinkState>
CsmaLinkState::Of(Ptr<CsmaChannel> channel)
{
    Ptr<CsmaLinkState> state = channel->GetObject<CsmaLinkState>();
    if (!state)
    {
        state = CreateObject<CsmaLinkState>();
        channel->AggregateObject(state);
    }
    return state;
}

void
CsmaLinkState::SetUp(bool up)
{
    m_changes += up != m_up;
    m_up = up;
}

bool
CsmaLinkState::IsUp() const
{
    return m_up;
}

bool
CsmaLinkState::Carries() const
{
    return m_up && m_frameBegan == m_changes;
}

void
CsmaLinkState::TransmissionBegins(Ptr<const Packet>)
{
    m_frameBegan = m_changes;
}

// ------------------------------------------------------------------------------- LinkErrorModel

TypeId
LinkErrorModel::GetTypeId()
{
    static TypeId tid = TypeId("ttb::LinkErrorModel")
                            .SetParent<ErrorModel>()
                            .SetGroupName("Network")
                            .AddConstructor<LinkErrorModel>();
    return tid;
}

LinkErrorModel::LinkErrorModel()
    : m_random(CreateObject<UniformRandomVariable>()),
      m_lastLossNs(-1),
      m_stream(-1),
      m_lossPpb(0),
      m_passed(0),
      m_lost(0),
      m_cut(0)
{
}

void
LinkErrorModel::DoDispose()
{
    m_random = nullptr;
    m_model = nullptr;
    m_state = nullptr;
    m_lengthFrames = nullptr;
    m_lossTold = nullptr;
    m_passTold = nullptr;
    ErrorModel::DoDispose();
}

void
LinkErrorModel::SetLoss(uint32_t ppb)
{
    m_lossPpb = ppb;
}

void
LinkErrorModel::SetModel(Ptr<ErrorModel> model)
{
    m_model = model;
    if (m_stream >= 0)
    {
        AssignStreams(m_stream);
    }
}

void
LinkErrorModel::SetState(Ptr<CsmaLinkState> state)
{
    m_state = state;
}

void
LinkErrorModel::SetLengthFrames(std::function<void(Ptr<const Packet>)> taker)
{
    m_lengthFrames = taker;
}

void
LinkErrorModel::SetLossTold(std::function<void(Ptr<const Packet>, const char*)> told)
{
    m_lossTold = told;
}

void
LinkErrorModel::SetPassTold(std::function<void(Ptr<const Packet>)> told)
{
    m_passTold = told;
}

int64_t
LinkErrorModel::AssignStreams(int64_t stream)
{
    m_stream = stream;
    m_random->SetStream(stream);
    if (auto rate = DynamicCast<RateErrorModel>(m_model))
    {
        return 1 + rate->AssignStreams(stream + 1);
    }
    if (auto burst = DynamicCast<BurstErrorModel>(m_model))
    {
        return 1 + burst->AssignStreams(stream + 1);
    }
    return 1;
}

bool
LinkErrorModel::DoCorrupt(Ptr<Packet> frame)
{
    if (!m_random)
    {
        return true; // disposed of
    }
    bool lost = m_random->GetInteger(0, 999999999) < m_lossPpb;
    bool corrupt = m_model && m_model->IsCorrupt(frame);
    if (m_state && !m_state->Carries())
    {
        m_cut++;
        if (m_lossTold)
        {
            m_lossTold(frame, "link down");
        }
        return true;
    }
    (lost || corrupt ? m_lost : m_passed)++;
    if (lost || corrupt)
    {
        m_lastLossNs = Simulator::Now().GetNanoSeconds();
        if (m_lossTold)
        {
            m_lossTold(frame, "lost");
        }
        return true;
    }
    if (m_passTold)
    {
        m_passTold(frame);
    }
    if (m_lengthFrames)
    {
        EthernetHeader header(false);
        frame->PeekHeader(header);
        if (header.GetLengthType() <= LENGTH_MAX)
        {
            m_lengthFrames(frame);
            return true; // to the device, which would mangle it
        }
    }
    return false;
}

void
LinkErrorModel::DoReset()
{
    if (m_model)
    {
        m_model->Reset();
    }
}

uint64_t
LinkErrorModel::GetPassed() const
{
    return m_passed;
}

uint64_t
LinkErrorModel::GetLost() const
{
    return m_lost;
}

uint64_t
LinkErrorModel::GetCut() const
{
    return m_cut;
}

int64_t
LinkErrorModel::GetLastLossNs() const
{
    return m_lastLossNs;
}

// -------------------------------------------------------------------------------------- LinkEnd

TypeId
LinkEnd::GetTypeId()
{
    static TypeId tid = TypeId("ttb::LinkEnd")
                            .SetParent<Object>()
                            .SetGroupName("Network")
                            .AddConstructor<LinkEnd>();
    return tid;
}

Ptr<LinkEnd>
LinkEnd::Install(Ptr<NetDevice> device)
{
    Ptr<LinkEnd> end = CreateObject<LinkEnd>();
    // Trace sources get plain pointers: it lives as long as the device, and a reference would keep
    // both for ever.
    LinkEnd* made = PeekPointer(end);
    end->m_device = PeekPointer(device);
    end->m_errors = CreateObject<LinkErrorModel>();
    if (auto wifi = DynamicCast<WifiNetDevice>(device))
    {
        wifi->GetPhy()->SetPostReceptionErrorModel(end->m_errors);
        wifi->GetMac()->TraceConnectWithoutContext("MacTx", MakeCallback(&LinkEnd::MacTx, made));
        wifi->GetMac()->TraceConnectWithoutContext("MacTxDrop",
                                                   MakeCallback(&LinkEnd::PhyTxDrop, made));
        wifi->GetMac()->TraceConnectWithoutContext("MacRx", MakeCallback(&LinkEnd::MacRx, made));
    }
    else
    {
        // One that was given as an attribute goes on, within ours.
        PointerValue given;
        device->GetAttribute("ReceiveErrorModel", given);
        end->m_errors->SetModel(given.Get<ErrorModel>());
        device->SetAttribute("ReceiveErrorModel", PointerValue(end->m_errors));
    }
    if (auto csma = DynamicCast<CsmaNetDevice>(device))
    {
        Ptr<CsmaLinkState> state = CsmaLinkState::Of(DynamicCast<CsmaChannel>(csma->GetChannel()));
        end->m_errors->SetState(state);
        csma->TraceConnectWithoutContext(
            "PhyTxBegin",
            MakeCallback(&CsmaLinkState::TransmissionBegins, PeekPointer(state)));
        csma->TraceConnectWithoutContext("MacTx", MakeCallback(&LinkEnd::MacTx, made));
        csma->TraceConnectWithoutContext("MacTxDrop", MakeCallback(&LinkEnd::MacTxDrop, made));
        csma->TraceConnectWithoutContext("PhyTxDrop", MakeCallback(&LinkEnd::PhyTxDrop, made));
    }
    if (auto simple = DynamicCast<SimpleNetDevice>(device))
    {
        simple->GetQueue()->TraceConnectWithoutContext("Enqueue",
                                                       MakeCallback(&LinkEnd::MacTx, made));
        simple->GetQueue()->TraceConnectWithoutContext("DropBeforeEnqueue",
                                                       MakeCallback(&LinkEnd::MacTxDrop, made));
    }
    device->AggregateObject(end);
    end->AssignStreams(StreamsOf(Mac48Address::ConvertFrom(device->GetAddress())));
    return end;
}

Ptr<LinkEnd>
LinkEnd::Of(Ptr<NetDevice> device)
{
    Ptr<LinkEnd> end = device->GetObject<LinkEnd>();
    if (!end)
    {
        Fail(-EOPNOTSUPP,
             "this device of type " + device->GetInstanceTypeId().GetName() +
                 " is not known here: only devices that the C functions have made, other than "
                 "switches, have a loss, an error model and counters");
    }
    return end;
}

void
LinkEnd::DoDispose()
{
    m_device = nullptr;
    if (m_errors)
    {
        // The device keeps it, and its state keeps the channel, which keeps the device.
        m_errors->Dispose();
    }
    m_lossTold = nullptr;
    m_errors = nullptr;
    Object::DoDispose();
}

Ptr<LinkErrorModel>
LinkEnd::GetErrorModel() const
{
    return m_errors;
}

Ptr<Queue<Packet>>
LinkEnd::GetQueue() const
{
    if (auto csma = dynamic_cast<CsmaNetDevice*>(m_device))
    {
        return csma->GetQueue();
    }
    if (auto ethernet = dynamic_cast<EthernetLinkDevice*>(m_device))
    {
        return ethernet->GetQueue();
    }
    if (auto simple = dynamic_cast<SimpleNetDevice*>(m_device))
    {
        return simple->GetQueue();
    }
    return nullptr;
}

bool
LinkEnd::HasQueue() const
{
    return GetQueue() != nullptr;
}

void
LinkEnd::SetQueueLimit(uint32_t frames)
{
    Ptr<Queue<Packet>> queue = GetQueue();
    // ns-3 calls a limit below what is in the queue fatal, so it follows as frames leave.
    uint32_t now = std::max(frames, queue->GetNPackets());
    queue->TraceDisconnectWithoutContext("Dequeue", MakeCallback(&LinkEnd::Dequeued, this));
    queue->SetMaxSize(QueueSize(QueueSizeUnit::PACKETS, now));
    m_queueLimit = frames;
    if (now > frames)
    {
        queue->TraceConnectWithoutContext("Dequeue", MakeCallback(&LinkEnd::Dequeued, this));
    }
}

void
LinkEnd::Dequeued(Ptr<const Packet>)
{
    Ptr<Queue<Packet>> queue = m_device ? GetQueue() : nullptr;
    if (queue && queue->GetMaxSize().GetValue() > m_queueLimit)
    {
        queue->SetMaxSize(
            QueueSize(QueueSizeUnit::PACKETS, std::max(m_queueLimit, queue->GetNPackets())));
    }
}

void
LinkEnd::FlushQueue()
{
    Ptr<Queue<Packet>> queue = GetQueue();
    while (queue && !queue->IsEmpty())
    {
        Tell(queue->Dequeue(), "link down");
        m_counters.down++;
    }
}

void
LinkEnd::MacTx(Ptr<const Packet>)
{
    m_counters.sent++;
}

void
LinkEnd::MacTxDrop(Ptr<const Packet> frame)
{
    m_counters.queue++;
    Tell(frame, "queue full");
}

void
LinkEnd::PhyTxDrop(Ptr<const Packet> frame)
{
    m_counters.other++;
    Tell(frame, "collisions");
}

void
LinkEnd::CableTxDrop(Ptr<const Packet> frame)
{
    if (!m_device)
    {
        return;
    }
    bool tooLong =
        frame->GetSize() > m_device->GetMtu() + EthernetHeader(false).GetSerializedSize();
    Tell(frame, tooLong ? "too long" : m_device->IsLinkUp() ? "queue full" : "link down");
}

void
LinkEnd::CableCutDrop(Ptr<const Packet> frame)
{
    Tell(frame, "link down");
}

void
LinkEnd::Tell(Ptr<const Packet> frame, const char* reason) const
{
    if (m_device && m_lossTold)
    {
        m_lossTold(frame, reason);
    }
}

void
LinkEnd::SetLossTold(LossFunction told)
{
    if (told && !m_lossTold && dynamic_cast<EthernetLinkDevice*>(m_device))
    {
        m_device->TraceConnectWithoutContext("MacTxDrop",
                                             MakeCallback(&LinkEnd::CableTxDrop, this));
        m_device->TraceConnectWithoutContext("PhyTxDrop",
                                             MakeCallback(&LinkEnd::CableCutDrop, this));
    }
    m_lossTold = told;
    // On a shared medium everybody hears everything, and misses some of what is for others.
    bool isShared = dynamic_cast<CsmaNetDevice*>(m_device) != nullptr;
    m_errors->SetLossTold([this, isShared](Ptr<const Packet> frame, const char* reason) {
        EthernetHeader header(false);
        frame->PeekHeader(header);
        Mac48Address to = header.GetDestination();
        if (!isShared || to.IsGroup() ||
            (m_device && to == Mac48Address::ConvertFrom(m_device->GetAddress())))
        {
            Tell(frame, reason);
        }
    });
}

void
LinkEnd::MacRx(Ptr<const Packet>)
{
    m_counters.received++;
}

LinkEnd::Counters
LinkEnd::GetCounters() const
{
    Counters counters = m_counters;
    if (!m_device)
    {
        return counters;
    }
    counters.loss += m_errors->GetLost();
    counters.down += m_errors->GetCut();
    if (auto ethernet = dynamic_cast<EthernetLinkDevice*>(m_device))
    {
        counters.sent = ethernet->GetSent();
        counters.received = ethernet->GetReceived();
        counters.loss = ethernet->GetDropped(EthernetLinkDevice::DROP_LOSS);
        counters.queue = ethernet->GetDropped(EthernetLinkDevice::DROP_QUEUE);
        counters.down = ethernet->GetDropped(EthernetLinkDevice::DROP_DOWN);
        counters.other = ethernet->GetDropped(EthernetLinkDevice::DROP_TOO_LONG);
    }
    else if (!dynamic_cast<WifiNetDevice*>(m_device))
    {
        counters.received = m_errors->GetPassed();
    }
    if (dynamic_cast<SimpleNetDevice*>(m_device))
    {
        counters.sent += counters.queue; // only those that were queued had been counted
    }
    return counters;
}

int64_t
LinkEnd::AssignStreams(int64_t stream)
{
    if (auto csma = dynamic_cast<CsmaNetDevice*>(m_device))
    {
        csma->AssignStreams(stream);
    }
    else if (dynamic_cast<WifiNetDevice*>(m_device))
    {
        WifiHelper helper;
        int64_t used = helper.AssignStreams(NetDeviceContainer(Ptr<NetDevice>(m_device)), stream);
        if (used > ERROR_MODEL_STREAMS)
        {
            Fail(-EOPNOTSUPP, "a Wifi device draws from more streams than were set aside");
        }
    }
    return ERROR_MODEL_STREAMS + m_errors->AssignStreams(stream + ERROR_MODEL_STREAMS);
}

} // namespace ttb
