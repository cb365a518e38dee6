/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <ttbridge/ns3/time-travel-simulator-impl.h>

#include <ns3/boolean.h>
#include <ns3/config.h>
#include <ns3/event-id.h>
#include <ns3/global-value.h>
#include <ns3/mac48-address.h>
#include <ns3/rng-seed-manager.h>
#include <ns3/simulator.h>
#include <ns3/string.h>

#include <atomic>
#include <functional>

/**
 * @file
 * ttbridge/ns3.h: the simulation as a whole, and running it.
 */

using namespace ns3;
using namespace ttb;

namespace
{

const char DEFAULT_SIMULATOR[] = "ttb::TimeTravelSimulatorImpl";

/// ns-3 has one simulation per process, whatever we do.
std::atomic<bool> g_inUse{false};

/// Where there is no simulation there is nothing else to keep the sentence in.
thread_local std::string t_newError;

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
ClosePcaps(struct ttb_ns3* ns3)
{
    std::string failed;
    for (auto& pcap : ns3->pcaps)
    {
        bool bad = pcap.file->Fail();
        pcap.file->Close();
        if ((bad || pcap.file->Fail()) && failed.empty())
        {
            failed = pcap.path;
        }
    }
    ns3->pcaps.clear();
    if (!failed.empty())
    {
        Fail(-EIO, failed + ": could not be written completely");
    }
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

int
ttb_ns3_new(const struct ttb_ns3_opts* opts, struct ttb_ns3** ns3)
{
    *ns3 = nullptr;
    if (!opts || opts->size < sizeof(*opts))
    {
        t_newError = "the options' size is not set";
        return -EINVAL;
    }
    if (g_inUse.exchange(true))
    {
        t_newError = "this process has a simulation already, and ns-3 can have one only";
        return -EBUSY;
    }
    std::unique_ptr<struct ttb_ns3> made;
    int rc = Call(t_newError, [&]() {
        made = std::make_unique<struct ttb_ns3>();
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
    if (rc)
    {
        std::string ignored;
        Call(ignored, []() { Simulator::Destroy(); });
        g_inUse = false;
        return rc;
    }
    *ns3 = made.release();
    return 0;
}

int
ttb_ns3_destroy(struct ttb_ns3* ns3)
{
    int closing;
    int rc = Call(ns3, [&]() {
        if (ns3->running)
        {
            Fail(-EBUSY, "ttb_ns3_destroy() from within ttb_ns3_run()");
        }
        ns3->destroyed = true;
        Simulator::Destroy();
    });
    if (rc == -EINVAL || rc == -EBUSY || rc == -ESHUTDOWN)
    {
        return rc;
    }
    // Whatever went wrong, files and objects are not kept for it.
    std::string text;
    closing = Call(text, [&]() { ClosePcaps(ns3); });
    if (closing && !rc)
    {
        rc = closing;
        ns3->error = text;
    }
    Call(text, [&]() { ns3->objects.clear(); });
    return rc;
}

void
ttb_ns3_free(struct ttb_ns3* ns3)
{
    if (!ns3 || ns3->running)
    {
        return;
    }
    ttb_ns3_destroy(ns3);
    delete ns3;
    g_inUse = false;
}

const char*
ttb_ns3_error(const struct ttb_ns3* ns3)
{
    return ns3 ? ns3->error.c_str() : t_newError.c_str();
}

uint64_t
ttb_ns3_now_ns(const struct ttb_ns3* ns3)
{
    return ns3->destroyed ? 0 : static_cast<uint64_t>(Simulator::Now().GetNanoSeconds());
}

uint64_t
ttb_ns3_event_count(const struct ttb_ns3* ns3)
{
    return ns3->destroyed ? 0 : Simulator::GetEventCount();
}

int
ttb_ns3_get_simulator(struct ttb_ns3* ns3, struct ttb_ns3_object** object)
{
    *object = nullptr;
    return Call(ns3, [&]() { *object = NewHandle(ns3, Simulator::GetImplementation()); });
}

int
ttb_ns3_run(struct ttb_ns3* ns3, uint64_t until_ns)
{
    EventId stop;
    if (ns3 && ns3->running)
    {
        ns3->error = "ttb_ns3_run() from within ttb_ns3_run()";
        return -EBUSY;
    }
    int rc = Call(ns3, [&]() {
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
        ns3->running = true;
        Simulator::Run();
        for (const auto& pcap : ns3->pcaps)
        {
            if (pcap.file->Fail())
            {
                Fail(-EIO, pcap.path + ": cannot be written");
            }
        }
    });
    if (ns3)
    {
        ns3->running = false;
        Simulator::Remove(stop);
    }
    return rc;
}

void
ttb_ns3_stop(struct ttb_ns3* ns3)
{
    if (ns3->running)
    {
        Simulator::Stop();
    }
}

int
ttb_ns3_schedule(struct ttb_ns3* ns3, uint64_t time_ns, ttb_ns3_event_fn fn, void* user)
{
    return Call(ns3, [&]() {
        Time delay = ToTime(time_ns) - Simulator::Now();
        if (delay.IsStrictlyNegative())
        {
            Fail(-EINVAL,
                 "cannot schedule for " + std::to_string(time_ns) + " ns: it is " +
                     std::to_string(ttb_ns3_now_ns(ns3)) + " ns already");
        }
        Simulator::Schedule(delay, [fn, user, time_ns]() { fn(user, time_ns); });
    });
}
