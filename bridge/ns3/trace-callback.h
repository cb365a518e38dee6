/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_TRACE_CALLBACK_H
#define TTBRIDGE_NS3_TRACE_CALLBACK_H

#include "trace-value.h"

#include <ns3/callback.h>
#include <ns3/simple-ref-count.h>

#include <cstddef>
#include <functional>
#include <memory>

/**
 * @file
 * Callbacks for trace sources of any signature, which all call one function.
 *
 * A trace source takes callbacks of exactly its own C++ type, and has no way to say which that is.
 * So there is one for each signature that ns-3's modules have. They are made in several files,
 * trace-signatures-*.cc, since each costs the compiler a quarter of a second; ns-3's own
 * MakeBoundCallback() would cost it a multiple.
 */

namespace ttb
{

/** Who is told of what trace sources say. */
class TraceReceiver : public ns3::SimpleRefCount<TraceReceiver>
{
  public:
    virtual ~TraceReceiver() = default;

    /**
     * A trace source has something to say.
     * @param count number of values
     * @param addresses of the values
     * @param types of the values
     */
    virtual void Receive(std::size_t count,
                         const void* const* addresses,
                         const ValueType* const* types) = 0;

    /** What ns-3 tells one callback from another by, when it disconnects them. */
    std::shared_ptr<ns3::CallbackComponentBase> identity;
};

/** A callback of no declared type, as trace sources' accessors take it. */
class TraceCallback : public ns3::CallbackBase
{
  public:
    TraceCallback() = default;

    /** @param impl new; becomes this object's */
    explicit TraceCallback(ns3::CallbackImplBase* impl)
        : CallbackBase(ns3::Ptr<ns3::CallbackImplBase>(impl, false))
    {
    }
};

/** What a callback of a signature does. */
template <typename... Ts>
struct TraceThunk
{
    ns3::Ptr<TraceReceiver> receiver; //!< who is told

    void operator()(Ts... args) const
    {
        constexpr std::size_t COUNT = sizeof...(Ts);
        static_assert(COUNT <= TRACE_VALUES_MAX);
        const void* addresses[COUNT + 1] = {static_cast<const void*>(std::addressof(args))...,
                                            nullptr};
        static constexpr const ValueType* TYPES[COUNT + 1] = {
            &Describe<std::remove_cv_t<std::remove_reference_t<Ts>>>::TYPE...,
            nullptr};
        receiver->Receive(COUNT, addresses, TYPES);
    }
};

/** Makes a callback of a signature. */
using TraceMaker = TraceCallback (*)(ns3::Ptr<TraceReceiver>);

template <typename... Ts>
TraceCallback
MakeTrace(ns3::Ptr<TraceReceiver> receiver)
{
    return TraceCallback(
        new ns3::CallbackImpl<void, Ts...>(TraceThunk<Ts...>{receiver}, {receiver->identity}));
}

/** Signatures of one file. */
struct TraceSignatures
{
    const TraceMaker* makers; //!< one for each
    std::size_t count;        //!< of them
};

extern const TraceSignatures GENERAL_SIGNATURES;  //!< what most of ns-3 has
extern const TraceSignatures INTERNET_SIGNATURES; //!< IP stack
extern const TraceSignatures WIFI_SIGNATURES;     //!< Wifi, spectrum
extern const TraceSignatures OTHER_SIGNATURES;    //!< modules that this library is not linked with

} // namespace ttb

#endif /* TTBRIDGE_NS3_TRACE_CALLBACK_H */
