/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"
#include "trace-value.h"

#include <ttbridge/ns3/node-port.h>

#include <ns3/application.h>
#include <ns3/data-rate.h>
#include <ns3/ipv4-header.h>
#include <ns3/ipv4-l3-protocol.h>
#include <ns3/ipv6-header.h>
#include <ns3/ipv6-l3-protocol.h>
#include <ns3/mac48-address.h>
#include <ns3/mac8-address.h>
#include <ns3/mobility-model.h>
#include <ns3/net-device.h>
#include <ns3/olsr-routing-protocol.h>
#include <ns3/originator-block-ack-agreement.h>
#include <ns3/packet-burst.h>
#include <ns3/queue-disc.h>
#include <ns3/seq-ts-size-header.h>
#include <ns3/sequence-number.h>
#include <ns3/simulator.h>
#include <ns3/spectrum-phy.h>
#include <ns3/spectrum-signal-parameters.h>
#include <ns3/spectrum-value.h>
#include <ns3/tcp-header.h>
#include <ns3/tcp-rate-ops.h>
#include <ns3/tcp-socket-base.h>
#include <ns3/wifi-mac-header.h>
#include <ns3/wifi-mac.h>
#include <ns3/wifi-mode.h>
#include <ns3/wifi-phy-state.h>
#include <ns3/wifi-phy.h>
#include <ns3/wifi-phy-common.h>
#include <ns3/wifi-psdu.h>
#include <ns3/wifi-tx-vector.h>

#include <iostream>

/**
 * @file
 * ttbridge/ns3-trace.h: trace sources of any signature, connected to C functions of one.
 *
 * A trace source takes callbacks of exactly its own C++ type, and has no way to say which that is.
 * So there is a callback template here, an instance for each signature that ns-3's modules have,
 * and a trace source is offered one after the other until it takes one.
 */

using namespace ns3;
using namespace ttb;

namespace
{

/// What ttb_ns3_trace_connect() was asked for.
struct Sink
{
    ttb_ns3_trace_fn fn;    //!< of the program
    void* user;             //!< its own
    bool connected = true;  //!< false: does not call any more
    std::string source;     //!< name of the trace source
    std::string signature;  //!< its name in ns-3's manual
    unsigned int depth = 0; //!< calls of fn that have not returned
};

/// One trace source of one object, connected.
class Connection : public SimpleRefCount<Connection>
{
  public:
    std::shared_ptr<Sink> sink;              //!< may be that of others, too
    Ptr<Object> object;                      //!< whose trace source it is
    Ptr<const TraceSourceAccessor> accessor; //!< the trace source
    std::string context;                     //!< path, or ""
    CallbackBase callback;                   //!< what it has been given
};

/// A handle.
class Trace : public Object
{
  public:
    std::shared_ptr<Sink> sink;               //!< what is called
    std::vector<Ptr<Connection>> connections; //!< by what
};

/// What C sees of a call, and what is behind it.
struct Record
{
    struct ttb_ns3_record record;         //!< first, so that it has the same address
    const void* const* addresses;         //!< of the values
    const struct ValueType* const* types; //!< of the values
};

/// Call the program.
void
Dispatch(Connection& connection,
         std::size_t count,
         const void* const* addresses,
         const ValueType* const* types,
         struct ttb_ns3_value* values)
{
    std::shared_ptr<Sink> sink = connection.sink;
    Simulation* sim = GetSimulation();
    if (!sink->connected || !sim)
    {
        return;
    }
    for (std::size_t i = 0; i < count; i++)
    {
        types[i]->fill(addresses[i], &values[i]);
        values[i].type = types[i]->name.c_str();
    }
    Record record = {};
    record.record.time_ns = static_cast<uint64_t>(Simulator::Now().GetNanoSeconds());
    record.record.source = sink->source.c_str();
    record.record.signature = sink->signature.c_str();
    record.record.context = connection.context.c_str();
    record.record.value_count = count;
    record.record.values = values;
    record.addresses = addresses;
    record.types = types;
    sim->records.push_back(&record.record);
    sink->depth++;
    sink->fn(sink->user, &record.record);
    sink->depth--;
    sim->records.pop_back();
}

template <typename... Ts>
void
Receive(Ptr<Connection> connection, Ts... args)
{
    constexpr std::size_t COUNT = sizeof...(Ts);
    const void* addresses[COUNT + 1] = {static_cast<const void*>(std::addressof(args))..., nullptr};
    const ValueType* types[COUNT + 1] = {
        &Describe<std::remove_cv_t<std::remove_reference_t<Ts>>>::Get()...,
        nullptr};
    struct ttb_ns3_value values[COUNT + 1] = {};
    Dispatch(*connection, COUNT, addresses, types, values);
}

template <typename... Ts>
CallbackBase
Make(Ptr<Connection> connection)
{
    return MakeBoundCallback(&Receive<Ts...>, connection);
}

using Maker = CallbackBase (*)(Ptr<Connection>);
using P = Ptr<const Packet>;

/// The signatures of ns-3's modules, the commonest first. Those of LTE, mesh and the like are here
/// as far as they can be written without their headers.
const Maker MAKERS[] = {
    &Make<P>,
    &Make<uint32_t, uint32_t>,
    &Make<Ptr<const QueueDiscItem>>,
    &Make<uint64_t, uint64_t>,
    &Make<double, double>,
    &Make<Ptr<const WifiMpdu>>,
    &Make<Mac48Address>,
    &Make<P, const Address&>,
    &Make<P, const Address&, const Address&>,
    &Make<SequenceNumber32, SequenceNumber32>,
    &Make<Time>,
    &Make<Time, Time>,
    &Make<const Ipv4Header&, P, uint32_t>,
    &Make<const Ipv6Header&, P, uint32_t>,
    &Make<P, Ptr<Ipv4>, uint32_t>,
    &Make<P, Ptr<Ipv6>, uint32_t>,
    &Make<const Ipv4Header&, P, Ipv4L3Protocol::DropReason, Ptr<Ipv4>, uint32_t>,
    &Make<const Ipv6Header&, P, Ipv6L3Protocol::DropReason, Ptr<Ipv6>, uint32_t>,
    &Make<P, const Address&, const Address&, const SeqTsSizeHeader&>,
    &Make<bool, bool>,
    &Make<Ptr<const MobilityModel>>,
    &Make<P, double>,
    &Make<uint64_t, uint16_t, uint16_t>,
    &Make<Ptr<const PacketBurst>>,
    &Make<Ptr<const QueueDiscItem>, const char*>,
    &Make<>,
    &Make<bool>,
    &Make<uint8_t, uint8_t>,
    &Make<uint16_t, uint16_t>,
    &Make<int32_t, int32_t>,
    &Make<int64_t, int64_t>,
    &Make<uint8_t>,
    &Make<uint16_t>,
    &Make<uint32_t>,
    &Make<uint64_t>,
    &Make<double>,
    &Make<uint64_t, Mac48Address>,
    &Make<double, double, Mac48Address>,
    &Make<DataRate, DataRate, Mac48Address>,
    &Make<DataRate, DataRate>,
    &Make<Address, Address>,
    &Make<const Time&, const Address&>,
    &Make<P, Ptr<NetDevice>, Ptr<NetDevice>, Time, Time>,
    &Make<Ptr<Packet>>,
    &Make<Ptr<PacketBurst>>,
    &Make<Ptr<const QueueItem>>,
    &Make<P, const TcpHeader&, Ptr<const TcpSocketBase>>,
    &Make<TcpSocket::TcpStates_t, TcpSocket::TcpStates_t>,
    &Make<TcpSocketState::TcpCongState_t, TcpSocketState::TcpCongState_t>,
    &Make<TcpSocketState::EcnState_t, TcpSocketState::EcnState_t>,
    &Make<const TcpRateOps::TcpRateSample&>,
    &Make<const TcpRateOps::TcpRateConnection&>,
    &Make<const std::string&, const std::string&>,
    &Make<const Ipv4Address&>,
    // Wifi
    &Make<const WifiMacHeader&>,
    &Make<Time, Time, WifiPhyState>,
    &Make<P, double, WifiMode, WifiPreamble>,
    &Make<P, WifiMode, WifiPreamble, uint8_t>,
    &Make<P, WifiPhyRxfailureReason>,
    &Make<P, RxPowerWattPerChannelBand>,
    &Make<WifiTxVector, Time>,
    &Make<WifiConstPsduMap, WifiTxVector, double>,
    &Make<P, uint16_t, WifiTxVector, MpduInfo, uint16_t>,
    &Make<P, uint16_t, WifiTxVector, MpduInfo, SignalNoiseDbm, uint16_t>,
    &Make<WifiMacDropReason, Ptr<const WifiMpdu>>,
    &Make<uint8_t, Ptr<const WifiMpdu>, const WifiTxVector&>,
    &Make<uint8_t, Ptr<const WifiPsdu>, const WifiTxVector&>,
    &Make<uint8_t, WifiPsduMap*, const std::set<Mac48Address>*, std::size_t>,
    &Make<uint16_t, Mac48Address>,
    &Make<uint8_t, Mac48Address>,
    &Make<uint32_t, uint8_t>,
    &Make<Time, Time, uint8_t>,
    &Make<Time, Mac48Address, uint8_t, OriginatorBlockAckAgreement::State>,
    &Make<uint8_t, double, bool, double, double>,
    &Make<bool, uint32_t, double, Time>,
    // ours
    &Make<P, NodePort::DropReason>,
    // OLSR, spectrum
    &Make<const olsr::PacketHeader&, const olsr::MessageList&>,
    &Make<Ptr<SpectrumSignalParameters>>,
    &Make<Ptr<const SpectrumPhy>, Ptr<const SpectrumPhy>, double>,
    &Make<Ptr<const MobilityModel>, Ptr<const MobilityModel>, double, double, double, double>,
    &Make<Ptr<const SpectrumValue>>,
    &Make<Ptr<SpectrumValue>>,
    // others, whose arguments are of general types
    &Make<P, uint32_t>,
    &Make<P, uint16_t>,
    &Make<P, Mac48Address>,
    &Make<P, const Mac48Address&>,
    &Make<P, Mac8Address>,
    &Make<P, uint8_t, uint8_t>,
    &Make<Mac48Address, Mac48Address>,
    &Make<Time, Time, uint32_t, uint32_t, double, uint32_t, double>,
    &Make<uint64_t, uint16_t>,
    &Make<uint64_t, uint16_t, uint16_t, uint8_t>,
    &Make<uint64_t, uint16_t, uint16_t, uint16_t>,
    &Make<uint64_t, uint16_t, uint16_t, std::string>,
    &Make<uint64_t, uint16_t, uint16_t, std::string, uint8_t>,
    &Make<uint64_t, bool, uint8_t, uint8_t>,
    &Make<uint32_t, uint32_t, double>,
    &Make<uint32_t, uint32_t, uint16_t, uint8_t, uint16_t, uint8_t>,
    &Make<uint16_t, uint8_t, uint32_t>,
    &Make<uint16_t, uint8_t, uint32_t, uint64_t>,
    &Make<uint16_t, uint16_t, double>,
    &Make<uint16_t, uint16_t, double, uint8_t>,
    &Make<uint16_t, uint16_t, double, double, uint8_t>,
    &Make<uint16_t, uint16_t, double, double, bool, uint8_t>,
    &Make<uint16_t, Ptr<SpectrumValue>>,
    &Make<uint16_t, const std::vector<int>&>,
};

constexpr std::size_t MAKER_COUNT = sizeof(MAKERS) / sizeof(MAKERS[0]);

/// While one of these lives, nothing is printed: ns-3 comments on each callback that does not fit.
class Silence : private std::streambuf
{
  public:
    Silence()
        : m_original(std::cerr.rdbuf(this)),
          m_log(std::clog.rdbuf(this))
    {
    }

    ~Silence() override
    {
        std::clog.rdbuf(m_log);
        std::cerr.rdbuf(m_original);
    }

  private:
    int_type overflow(int_type c) override
    {
        return traits_type::not_eof(c);
    }

    std::streambuf* m_original; //!< where std::cerr goes
    std::streambuf* m_log;      //!< where std::clog goes
};

/// What became of an offer.
enum class Offered
{
    TAKEN,
    WRONG_SIGNATURE,
    WRONG_OBJECT,
};

/// Offer a callback.
Offered
Offer(Connection& connection, std::size_t maker)
{
    CallbackBase callback = MAKERS[maker](&connection);
    try
    {
        Silence silence;
        if (!connection.accessor->ConnectWithoutContext(PeekPointer(connection.object), callback))
        {
            return Offered::WRONG_OBJECT;
        }
    }
    catch (const FatalError&) // how ns-3 says that it does not fit
    {
        return Offered::WRONG_SIGNATURE;
    }
    connection.callback = callback;
    return Offered::TAKEN;
}

void
ConnectOne(std::shared_ptr<Sink> sink,
           Ptr<Object> object,
           const struct TypeId::TraceSourceInformation& source,
           const std::string& context,
           Trace& trace)
{
    Simulation& sim = *GetSimulation();
    Ptr<Connection> connection = Create<Connection>();
    connection->sink = sink;
    connection->object = object;
    connection->accessor = source.accessor;
    connection->context = context;
    auto known = sim.signatures.find(PeekPointer(source.accessor));
    std::size_t first = known == sim.signatures.end() ? 0 : known->second;
    for (std::size_t i = first; i < MAKER_COUNT; i++)
    {
        Offered result = Offer(*connection, i);
        if (result == Offered::WRONG_OBJECT)
        {
            Fail(-EOPNOTSUPP,
                 "trace source " + source.name + " cannot be connected: type " +
                     object->GetInstanceTypeId().GetName() +
                     " claims to inherit from one whose class it is not derived from");
        }
        if (result == Offered::TAKEN)
        {
            sim.signatures[PeekPointer(source.accessor)] = i;
            trace.connections.push_back(connection);
            return;
        }
    }
    Fail(-EOPNOTSUPP,
         "trace source " + source.name + " of " + object->GetInstanceTypeId().GetName() +
             " has the signature " + source.callback +
             ", which is not among those that C can have");
}

struct TypeId::TraceSourceInformation
FindSource(TypeId type, const std::string& name)
{
    struct TypeId::TraceSourceInformation info;
    if (!type.LookupTraceSourceByName(name, &info))
    {
        std::string names;
        for (TypeId ancestor = type;; ancestor = ancestor.GetParent())
        {
            for (std::size_t i = 0; i < ancestor.GetTraceSourceN(); i++)
            {
                names += (names.empty() ? "" : ", ") + ancestor.GetTraceSource(i).name;
            }
            if (!ancestor.HasParent() || ancestor.GetParent() == ancestor)
            {
                break;
            }
        }
        Fail(-ENOENT,
             "type " + type.GetName() + " has no trace source \"" + name +
                 "\"; it has: " + (names.empty() ? "none" : names));
    }
    return info;
}

/// Take a callback back, and all that would keep objects alive in a circle.
void
Disconnect(Trace& trace)
{
    trace.sink->connected = false;
    // A trace source goes through its list while it calls: what is being called stays in it, and
    // does nothing.
    if (trace.sink->depth > 0)
    {
        return;
    }
    for (const auto& connection : trace.connections)
    {
        if (connection->object)
        {
            connection->accessor->DisconnectWithoutContext(PeekPointer(connection->object),
                                                           connection->callback);
        }
        connection->object = nullptr;
        connection->callback = CallbackBase();
    }
    trace.connections.clear();
}

/// Connect everything, or nothing.
void
Connect(ttb_ns3_trace_fn fn,
        void* user,
        const std::vector<PathMatch>& matches,
        const std::string& name,
        struct ttb_ns3_trace** trace)
{
    Need(fn, "a function to be called");
    Ptr<Trace> made = CreateObject<Trace>();
    made->sink = std::make_shared<Sink>();
    made->sink->fn = fn;
    made->sink->user = user;
    try
    {
        for (const auto& match : matches)
        {
            auto source = FindSource(match.object->GetInstanceTypeId(), name);
            made->sink->source = source.name;
            made->sink->signature = source.callback;
            ConnectOne(made->sink, match.object, source, match.path, *made);
        }
    }
    catch (...)
    {
        Disconnect(*made);
        throw;
    }
    uintptr_t number = NewNumber(made);
    if (trace)
    {
        *trace = reinterpret_cast<struct ttb_ns3_trace*>(number);
    }
}

/// @return the record, if a callback is looking at it; fails if not
const Record&
CheckRecord(const struct ttb_ns3_record* record, size_t index)
{
    Simulation* sim = GetSimulation();
    Need(record, "a record");
    bool alive = false;
    for (std::size_t i = 0; sim && i < sim->records.size(); i++)
    {
        alive = alive || sim->records[i] == record;
    }
    if (!alive)
    {
        Fail(-EBADF, "this record is not being reported: it is valid until the callback returns");
    }
    if (index >= record->value_count)
    {
        Fail(-ERANGE,
             "there is no value " + std::to_string(index) + " in a record of " + record->source +
                 ", which has " + std::to_string(record->value_count));
    }
    return *reinterpret_cast<const Record*>(record);
}

template <typename F>
int
CallRecord(F&& body)
{
    Simulation* sim = GetSimulation();
    return Call(sim ? sim->error : ErrorOf(nullptr), std::forward<F>(body));
}

} // namespace

namespace ttb
{

void
ForgetTraces(Simulation& sim)
{
    for (const auto& [number, object] : sim.handles)
    {
        if (auto trace = DynamicCast<Trace>(object))
        {
            trace->sink->depth = 0;
            Disconnect(*trace);
        }
    }
    sim.signatures.clear();
}

} // namespace ttb

int
ttb_ns3_trace_connect(struct ttb_ns3_object* object,
                      const char* source,
                      ttb_ns3_trace_fn fn,
                      void* user,
                      struct ttb_ns3_trace** trace)
{
    Clear(trace);
    return Call(object, [&]() {
        Need(source, "a trace source's name");
        Connect(fn, user, {{Resolve(object), ""}}, source, trace);
    });
}

int
ttb_ns3_trace_connect_path(struct ttb_ns3* ns3,
                           const char* path,
                           ttb_ns3_trace_fn fn,
                           void* user,
                           struct ttb_ns3_trace** trace)
{
    Clear(trace);
    return Call(ns3, [&]() {
        std::string name;
        std::vector<PathMatch> matches = LookUpPath(path, name);
        Connect(fn, user, matches, name, trace);
    });
}

int
ttb_ns3_trace_disconnect(struct ttb_ns3_trace* handle)
{
    return CallHandle(handle, [&]() {
        auto trace = DynamicCast<Trace>(Resolve(handle));
        if (!trace)
        {
            Fail(-EBADF, "this handle is no connection of a trace source");
        }
        Simulation& sim = *GetSimulation();
        Disconnect(*trace);
        sim.handles.erase(reinterpret_cast<uintptr_t>(handle));
        if (!trace->connections.empty())
        {
            NewNumber(trace); // nobody knows it; to be taken apart at the end
        }
    });
}

int
ttb_ns3_record_text(const struct ttb_ns3_record* record, size_t index, char* text, size_t size)
{
    return CallRecord([&]() {
        const Record& inner = CheckRecord(record, index);
        CopyText(inner.types[index]->text(inner.addresses[index]), "the value", text, size);
    });
}

int
ttb_ns3_record_packet(const struct ttb_ns3_record* record,
                      size_t index,
                      void* bytes,
                      size_t size,
                      size_t* len_bytes)
{
    return CallRecord([&]() {
        const Record& inner = CheckRecord(record, index);
        Ptr<const Packet> packet = inner.types[index]->packet(inner.addresses[index]);
        if (!packet)
        {
            Fail(-EINVAL,
                 "value " + std::to_string(index) + " of " + record->source +
                     " is no packet, but " + inner.types[index]->name);
        }
        if (size)
        {
            Need(bytes, "room for the packet");
        }
        std::size_t len = std::min<std::size_t>(size, packet->GetSize());
        packet->CopyData(static_cast<uint8_t*>(bytes), static_cast<uint32_t>(len));
        if (len_bytes)
        {
            *len_bytes = len;
        }
    });
}

int
ttb_ns3_record_object(const struct ttb_ns3_record* record,
                      size_t index,
                      struct ttb_ns3_object** object)
{
    Clear(object);
    return CallRecord([&]() {
        Need(object, "room for the result");
        const Record& inner = CheckRecord(record, index);
        Ptr<Object> found = inner.types[index]->object(inner.addresses[index]);
        if (!found)
        {
            Fail(-EINVAL,
                 "value " + std::to_string(index) + " of " + record->source +
                     " is no object, but " + inner.types[index]->name);
        }
        *object = NewHandle(found);
    });
}
