/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <atomic>

/**
 * @file
 * ttbridge/ns3.h: which handles there are, and what they stand for.
 */

using namespace ns3;
using namespace ttb;

namespace
{

/// ns-3 has one simulation per process, whatever we do. Handles are numbered through all of them.
struct Process
{
    std::atomic<bool> inUse{false};         //!< somebody makes or has the simulation
    std::unique_ptr<Simulation> simulation; //!< or nullptr
    uintptr_t lastNumber = 0;               //!< of a handle
};

Process g_process;

/// Where there is no simulation there is nothing else to keep the sentence in.
thread_local std::string t_error;

/// Handles are odd, which no pointer to an object is.
uintptr_t
NextHandle()
{
    g_process.lastNumber++;
    return g_process.lastNumber << 1 | 1;
}

bool
WasGivenOut(uintptr_t number)
{
    return (number & 1) && number >> 1 > 0 && number >> 1 <= g_process.lastNumber;
}

} // namespace

namespace ttb
{

Simulation*
GetSimulation()
{
    return g_process.simulation.get();
}

Simulation*
BeginSimulation()
{
    if (g_process.inUse.exchange(true))
    {
        return nullptr;
    }
    g_process.simulation = std::make_unique<Simulation>();
    g_process.simulation->number = NextHandle();
    return g_process.simulation.get();
}

void
EndSimulation()
{
    g_process.simulation.reset();
    g_process.inUse = false;
}

Simulation&
CheckSimulation(const struct ttb_ns3* handle)
{
    auto number = reinterpret_cast<uintptr_t>(handle);
    Simulation* sim = GetSimulation();
    Need(handle, "a simulation");
    if (!sim || sim->number != number)
    {
        Fail(-EBADF,
             WasGivenOut(number) ? "this simulation has been freed, or it is no simulation but an "
                                   "object"
                                 : "this is no simulation that ttb_ns3_new() made");
    }
    return *sim;
}

std::string&
ErrorOf(const struct ttb_ns3* handle)
{
    Simulation* sim = GetSimulation();
    return sim && sim->number == reinterpret_cast<uintptr_t>(handle) ? sim->error : t_error;
}

Ptr<Object>
Resolve(const void* handle)
{
    auto number = reinterpret_cast<uintptr_t>(handle);
    Simulation* sim = GetSimulation();
    Need(handle, "an object");
    if (!WasGivenOut(number))
    {
        Fail(-EBADF, "this is no handle that a function of ttbridge/ns3.h gave");
    }
    if (sim && sim->number == number)
    {
        Fail(-EBADF, "this handle is the simulation, not an object of it");
    }
    if (sim && sim->destroyed)
    {
        Fail(-ESHUTDOWN, "the simulation has been destroyed");
    }
    auto found = sim ? sim->handles.find(number) : decltype(sim->handles.end()){};
    if (!sim || found == sim->handles.end())
    {
        Fail(-EBADF, "this handle has been released, or its simulation has been freed");
    }
    return found->second;
}

uintptr_t
NewNumber(Ptr<Object> object)
{
    uintptr_t number = NextHandle();
    GetSimulation()->handles.emplace(number, object);
    return number;
}

void
CopyText(const std::string& text, const std::string& what, char* buffer, size_t size)
{
    Need(buffer, "room for the result");
    if (text.size() >= size)
    {
        Fail(-ENOSPC, what + " needs " + std::to_string(text.size() + 1) + " bytes of room");
    }
    std::memcpy(buffer, text.c_str(), text.size() + 1);
}

} // namespace ttb
