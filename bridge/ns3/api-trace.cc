/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"
#include "trace-callback.h"

#include <ns3/simulator.h>

#include <iostream>

/**
 * @file
 * ttbridge/ns3-trace.h: trace sources of any signature, connected to C functions of one.
 *
 * A trace source is offered the callbacks of trace-callback.h, one after the other, until it takes
 * one.
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

/// Equal to itself.
class Identity : public CallbackComponentBase
{
  public:
    bool IsEqual(std::shared_ptr<const CallbackComponentBase> other) const override
    {
        return other.get() == this;
    }
};

/// One trace source of one object, connected.
class Connection : public TraceReceiver
{
  public:
    Connection()
    {
        identity = std::make_shared<Identity>();
    }

    void Receive(std::size_t count,
                 const void* const* addresses,
                 const ValueType* const* types) override;

    std::shared_ptr<Sink> sink;              //!< may be that of others, too
    Ptr<Object> object;                      //!< whose trace source it is
    Ptr<const TraceSourceAccessor> accessor; //!< the trace source
    std::string context;                     //!< path, or ""
    TraceCallback callback;                  //!< what it has been given
    std::vector<std::string> names;          //!< of the values' types, once there were some
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

void
Connection::Receive(std::size_t count, const void* const* addresses, const ValueType* const* types)
{
    Ptr<Connection> keep(this); // it may be disconnected meanwhile
    std::shared_ptr<Sink> told = sink;
    Simulation* sim = GetSimulation();
    if (!told->connected || !sim)
    {
        return;
    }
    for (std::size_t i = names.size(); i < count; i++)
    {
        names.push_back(NameOf(*types[i]));
    }
    struct ttb_ns3_value values[TRACE_VALUES_MAX] = {};
    for (std::size_t i = 0; i < count; i++)
    {
        types[i]->fill(addresses[i], &values[i]);
        values[i].type = names[i].c_str();
    }
    Record record = {};
    record.record.time_ns = static_cast<uint64_t>(Simulator::Now().GetNanoSeconds());
    record.record.source = told->source.c_str();
    record.record.signature = told->signature.c_str();
    record.record.context = context.c_str();
    record.record.value_count = count;
    record.record.values = values;
    record.addresses = addresses;
    record.types = types;
    sim->records.push_back(&record.record);
    told->depth++;
    told->fn(told->user, &record.record);
    told->depth--;
    sim->records.pop_back();
}

const TraceSignatures* const SIGNATURES[] = {&GENERAL_SIGNATURES,
                                             &INTERNET_SIGNATURES,
                                             &WIFI_SIGNATURES,
                                             &OTHER_SIGNATURES};

/// @return the signature with that number; nullptr: there are not so many
TraceMaker
GetMaker(std::size_t number)
{
    for (const TraceSignatures* signatures : SIGNATURES)
    {
        if (number < signatures->count)
        {
            return signatures->makers[number];
        }
        number -= signatures->count;
    }
    return nullptr;
}

/// While one of these lives, nothing is printed: ns-3 comments on each callback that does not fit.
class Silence
{
  public:
    Silence()
        : m_original(std::cerr.rdbuf(m_text.rdbuf())),
          m_log(std::clog.rdbuf(m_text.rdbuf()))
    {
    }

    ~Silence()
    {
        std::clog.rdbuf(m_log);
        std::cerr.rdbuf(m_original);
    }

    /// @return what ns-3 said that the callback should have been, in C++; "" if it did not
    std::string GetExpected() const
    {
        static const std::string LABEL = "expected=CallbackImpl<void";
        std::string said = m_text.str();
        std::size_t begin = said.find(LABEL);
        if (begin == std::string::npos)
        {
            return "";
        }
        begin += LABEL.size();
        begin += said[begin] == ',';
        // 3.37 repeats the name, each time it is asked for it once more.
        std::size_t end = std::min(said.find('\n', begin), said.find(">void", begin));
        if (end == std::string::npos || said[end] == '\n')
        {
            end = std::min(end, said.size()) - 1; // the bracket
        }
        return said.substr(begin, end - begin);
    }

  private:
    std::ostringstream m_text;  //!< instead
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

/// Offer a callback. expected: what it should have been, as ns-3 says
Offered
Offer(Connection& connection, TraceMaker maker, std::string& expected)
{
    TraceCallback callback = maker(&connection);
    Silence silence;
    try
    {
        if (!connection.accessor->ConnectWithoutContext(PeekPointer(connection.object), callback))
        {
            return Offered::WRONG_OBJECT;
        }
    }
    catch (const FatalError&) // how ns-3 says that it does not fit
    {
        expected = silence.GetExpected();
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
    std::string expected;
    for (std::size_t i = known == sim.signatures.end() ? 0 : known->second; GetMaker(i); i++)
    {
        Offered result = Offer(*connection, GetMaker(i), expected);
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
             " has the signature " + source.callback + " (" + expected +
             "), which is not among those that C can have");
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
        connection->callback = TraceCallback();
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
                     " is no packet, but " + record->values[index].type);
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
                     " is no object, but " + record->values[index].type);
        }
        *object = NewHandle(found);
    });
}
