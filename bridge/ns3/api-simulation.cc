/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include <ns3/boolean.h>
#include <ns3/config.h>
#include <ns3/event-id.h>
#include <ns3/global-value.h>
#include <ns3/mac48-address.h>
#include <ns3/names.h>
#include <ns3/rng-seed-manager.h>
#include <ns3/simulator.h>
#include <ns3/string.h>

#include <functional>

/**
 * @file
 * ttbridge/ns3.h: the simulation as a whole, and running it.
 */

using namespace ns3;
using namespace ttb;

#ifndef TTB_NS3_VERSION
#define TTB_NS3_VERSION "" // built inside ns-3's own tree
#endif

namespace
{

const char DEFAULT_SIMULATOR[] = "ttb::TimeTravelSimulatorImpl";

void
ChooseSimulator(const struct ttb_ns3_opts* opts)
{
    std::string name = opts->simulator ? opts->simulator : DEFAULT_SIMULATOR;
    TypeId type = FindType(name.c_str());
    if (!type.IsChildOf(SimulatorImpl::GetTypeId()) || !type.HasConstructor())
    {
        Fail(-EINVAL, "type " + name + " is no simulator implementation");
    }
    GlobalValue::Bind("SimulatorImplementationType", StringValue(name));
    std::string got = Simulator::GetImplementation()->GetInstanceTypeId().GetName();
    if (got != name)
    {
        Fail(-EBUSY, "this process has a simulation already, with simulator implementation " + got);
    }
}

void
AttachBridge(struct ttb_bridge* bridge)
{
    std::string why;
    Ptr<TimeTravelSimulatorImpl> simulator = TimeTravelSimulatorImpl::Get();
    if (!simulator)
    {
        Fail(-EINVAL,
             "a bridge needs the simulator implementation " + std::string(DEFAULT_SIMULATOR));
    }
    if (!simulator->AttachBridge(bridge, why))
    {
        Fail(-EINVAL, why);
    }
}

/// Close the files, and find out whether all of them were written.
void
CloseFiles(Simulation& sim)
{
    std::string failed;
    for (auto& file : sim.files)
    {
        bool bad = file.bad();
        file.close();
        if ((bad || file.bad()) && failed.empty())
        {
            failed = file.path;
        }
    }
    sim.files.clear();
    if (!failed.empty())
    {
        Fail(-EIO, failed + ": could not be written completely");
    }
}

/// A call that can be cancelled. Its handle is valid until it happens.
class ScheduledCall : public Object
{
  public:
    EventId id;           //!< in ns-3's queue
    uintptr_t number = 0; //!< its handle
};

/// @param call to be kept, or nullptr
void
ScheduleAt(uint64_t timeNs, ttb_ns3_event_fn fn, void* user, Ptr<ScheduledCall> call)
{
    Need(fn, "a function to be called");
    Time delay = ToTime(timeNs) - Simulator::Now();
    if (delay.IsStrictlyNegative())
    {
        Fail(-EINVAL,
             "cannot schedule for " + std::to_string(timeNs) + " ns: it is " +
                 std::to_string(Simulator::Now().GetNanoSeconds()) + " ns already");
    }
    uintptr_t number = call ? call->number : 0;
    EventId id = Simulator::Schedule(delay, [fn, user, timeNs, number]() {
        if (number)
        {
            GetSimulation()->handles.erase(number);
        }
        fn(user, timeNs);
    });
    if (call)
    {
        call->id = id;
    }
}

/// @return true if there is a clock to be read
bool
IsAlive(const struct ttb_ns3* ns3)
{
    Simulation* sim = GetSimulation();
    return sim && sim->number == reinterpret_cast<uintptr_t>(ns3) && !sim->destroyed;
}

} // namespace

namespace ttb
{

Time
ToTime(uint64_t time_ns)
{
    if (time_ns > static_cast<uint64_t>(INT64_MAX))
    {
        Fail(-EINVAL, std::to_string(time_ns) + " ns is beyond the end of ns-3's time (2^63 ns)");
    }
    return NanoSeconds(time_ns);
}

} // namespace ttb

const char*
ttb_ns3_version(void)
{
    return TTB_NS3_VERSION;
}

int
ttb_ns3_new(const struct ttb_ns3_opts* opts, struct ttb_ns3** ns3)
{
    std::string& error = ErrorOf(nullptr);
    Simulation* made = nullptr;

    Clear(ns3);
    int rc = Call(error, [&]() {
        Need(ns3, "room for the result");
        Need(opts, "a struct ttb_ns3_opts");
        if (opts->size < sizeof(*opts))
        {
            Fail(-EINVAL, "the options' size is not set");
        }
        made = BeginSimulation();
        if (!made)
        {
            Fail(-EBUSY, "this process has a simulation already, and ns-3 can have one only");
        }
        ChooseSimulator(opts);
        RngSeedManager::SetSeed(opts->seed ? opts->seed : 1);
        RngSeedManager::SetRun(opts->run);
        // Streams follow addresses (link-control.h), so these must not follow an earlier
        // simulation.
        Mac48Address::ResetAllocationIndex();
        Config::SetDefault("ns3::PcapFileWrapper::NanosecMode", BooleanValue(true));
        if (opts->bridge)
        {
            AttachBridge(opts->bridge);
        }
        GlobalValue::Bind("ChecksumEnabled", BooleanValue(!opts->no_checksums));
    });
    if (rc && made)
    {
        std::string ignored;
        Call(ignored, []() { Simulator::Destroy(); });
        EndSimulation();
    }
    else if (!rc)
    {
        *ns3 = reinterpret_cast<struct ttb_ns3*>(made->number);
    }
    return rc;
}

int
ttb_ns3_destroy(struct ttb_ns3* ns3)
{
    int rc = Call(ns3, [&]() {
        if (GetSimulation()->running)
        {
            Fail(-EBUSY, "ttb_ns3_destroy() from within ttb_ns3_run()");
        }
    });
    if (rc)
    {
        return rc;
    }
    Simulation& sim = *GetSimulation();
    rc = Call(sim.error, [&]() {
        sim.destroyed = true;
        Simulator::Destroy();
        Names::Clear();
    });
    sim.destroyed = true;
    // Whatever went wrong, files and objects are not kept for it.
    std::string text;
    int closing = Call(text, [&]() { CloseFiles(sim); });
    if (closing && !rc)
    {
        rc = closing;
        sim.error = text;
    }
    Call(text, [&]() {
        sim.animation = nullptr;
        ForgetTraces(sim);
        sim.handles.clear();
    });
    return rc;
}

void
ttb_ns3_free(struct ttb_ns3* ns3)
{
    Simulation* sim = GetSimulation();
    // That of another simulation, or a second time: an error, but there is nobody to be told.
    if (!ns3 || !sim || sim->number != reinterpret_cast<uintptr_t>(ns3) || sim->running)
    {
        return;
    }
    ttb_ns3_destroy(ns3);
    EndSimulation();
}

const char*
ttb_ns3_error(const struct ttb_ns3* ns3)
{
    return ErrorOf(ns3).c_str();
}

uint64_t
ttb_ns3_now_ns(const struct ttb_ns3* ns3)
{
    return IsAlive(ns3) ? static_cast<uint64_t>(Simulator::Now().GetNanoSeconds()) : 0;
}

uint64_t
ttb_ns3_event_count(const struct ttb_ns3* ns3)
{
    return IsAlive(ns3) ? Simulator::GetEventCount() : 0;
}

int
ttb_ns3_get_simulator(struct ttb_ns3* ns3, struct ttb_ns3_object** object)
{
    Clear(object);
    return Call(ns3, [&]() {
        Need(object, "room for the result");
        *object = NewHandle(Simulator::GetImplementation());
    });
}

int
ttb_ns3_run(struct ttb_ns3* ns3, uint64_t until_ns)
{
    EventId stop;
    bool began = false;
    int rc = Call(ns3, [&]() {
        Simulation& sim = *GetSimulation();
        if (sim.running)
        {
            Fail(-EBUSY, "ttb_ns3_run() from within ttb_ns3_run()");
        }
        if (until_ns != TTB_TIME_NEVER)
        {
            Time delay = ToTime(until_ns) - Simulator::Now();
            if (delay.IsStrictlyNegative())
            {
                Fail(-EINVAL,
                     "cannot run until " + std::to_string(until_ns) + " ns: it is " +
                         std::to_string(ttb_ns3_now_ns(ns3)) + " ns already");
            }
            // Not Simulator::Stop(): were the run to end earlier, that one would end a later run.
            stop = Simulator::Schedule(delay, []() { Simulator::Stop(); });
        }
        sim.running = began = true;
        Simulator::Run();
        for (const auto& file : sim.files)
        {
            if (file.bad())
            {
                Fail(-EIO, file.path + ": cannot be written");
            }
        }
    });
    if (began)
    {
        Simulation& sim = *GetSimulation();
        sim.running = false;
        sim.records.clear(); // a fatal error may have unwound the callbacks that looked at them
        Simulator::Remove(stop);
    }
    return rc;
}

int
ttb_ns3_stop(struct ttb_ns3* ns3)
{
    return Call(ns3, []() {
        if (!GetSimulation()->running)
        {
            Fail(-EINVAL, "there is no run to be stopped");
        }
        Simulator::Stop();
    });
}

int
ttb_ns3_schedule(struct ttb_ns3* ns3, uint64_t time_ns, ttb_ns3_event_fn fn, void* user)
{
    return Call(ns3, [&]() { ScheduleAt(time_ns, fn, user, nullptr); });
}

int
ttb_ns3_schedule_event(struct ttb_ns3* ns3,
                       uint64_t time_ns,
                       ttb_ns3_event_fn fn,
                       void* user,
                       struct ttb_ns3_event** event)
{
    Clear(event);
    return Call(ns3, [&]() {
        Need(event, "room for the result");
        Ptr<ScheduledCall> call = CreateObject<ScheduledCall>();
        uintptr_t number = NewNumber(call);
        call->number = number;
        try
        {
            ScheduleAt(time_ns, fn, user, call);
        }
        catch (...)
        {
            GetSimulation()->handles.erase(number);
            throw;
        }
        *event = reinterpret_cast<struct ttb_ns3_event*>(number);
    });
}

int
ttb_ns3_schedule_after(struct ttb_ns3* ns3, uint64_t delay_ns, ttb_ns3_event_fn fn, void* user)
{
    return Call(ns3, [&]() {
        uint64_t now = ttb_ns3_now_ns(ns3);
        ScheduleAt(delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns, fn, user, nullptr);
    });
}

int
ttb_ns3_event_cancel(struct ttb_ns3_event* event)
{
    return CallHandle(event, [&]() {
        auto call = DynamicCast<ScheduledCall>(Resolve(event));
        if (!call)
        {
            Fail(-EBADF, "this handle is no scheduled call");
        }
        // Remove, not Cancel: what does not happen any more is no event.
        Simulator::Remove(call->id);
        GetSimulation()->handles.erase(call->number);
    });
}
