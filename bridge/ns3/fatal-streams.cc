/* SPDX-License-Identifier: GPL-2.0-only */
#include "fatal-trap.h"

#include <ns3/fatal-impl.h>

#include <dlfcn.h>

/**
 * @file
 * ns3::FatalImpl::FlushStreams() in place of ns-3's, for ttb::FatalTrap. Only what traps errors,
 * the C functions, needs it: it is not part of the module in ns-3's tree, which may be linked with
 * ns-3 to one library.
 */

namespace ns3
{

namespace FatalImpl
{

void
FlushStreams()
{
    if (ttb::FatalTrap* trap = ttb::FatalTrap::GetCurrent())
    {
        trap->Throw();
    }
    // No trap: as if we were not here.
    using Function = void (*)();
    static const auto original =
        reinterpret_cast<Function>(dlsym(RTLD_NEXT, "_ZN3ns39FatalImpl12FlushStreamsEv"));
    if (original)
    {
        original();
    }
}

} // namespace FatalImpl

} // namespace ns3
