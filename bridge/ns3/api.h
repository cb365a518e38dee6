/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_API_H
#define TTBRIDGE_NS3_API_H

#include "fatal-trap.h"

#include <ttbridge/ns3.h>

#include <ns3/attribute.h>
#include <ns3/mac48-address.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/object-factory.h>
#include <ns3/object.h>
#include <ns3/ptr.h>
#include <ns3/trace-source-accessor.h>
#include <ns3/type-id.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/**
 * @file
 * What the files behind ttbridge/ns3.h share.
 *
 * Every C function is a lambda inside Call(): it fails by throwing FatalError, and Call() turns
 * that, whatever ns-3 throws or aborts with, into a negative errno and a sentence.
 *
 * Handles are numbers in the clothes of pointers (struct ttb_ns3_object and so on are never
 * defined): no number is given out twice in a process, so one that was released, or that belongs to
 * a simulation that has gone, is told from all others instead of being followed.
 */

namespace ttb
{

class Animation;

/** Fail with a sentence. */
[[noreturn]] inline void
Fail(int code, const std::string& text)
{
    throw FatalError(code, text);
}

/** The simulation. ns-3 keeps one in global variables, and so there is one of these at most. */
struct Simulation
{
    /** An open file. */
    struct File
    {
        std::string path;            //!< for error texts
        std::function<bool()> bad;   //!< whether something could not be written
        std::function<void()> close; //!< write what is left
    };

    uintptr_t number;  //!< its handle
    std::string error; //!< see ttb_ns3_error()
    /// All handles. Ordered, so that what they keep alive goes in the same order in every run.
    std::map<uintptr_t, ns3::Ptr<ns3::Object>> handles;
    std::vector<File> files; //!< to be closed, and checked
    /// Which callback fits a trace source, for those that were connected once (api-trace.cc).
    std::map<const ns3::TraceSourceAccessor*, std::size_t> signatures;
    /// Records that callbacks are looking at, the innermost last.
    std::vector<const struct ttb_ns3_record*> records;
    /// Writes NetAnim's file; or nullptr. It has given itself to trace sources, so it goes last.
    std::shared_ptr<Animation> animation;
    bool running = false;   //!< in ttb_ns3_run()
    bool destroyed = false; //!< ttb_ns3_destroy() was called
};

/** @return the simulation, or nullptr if there is none */
Simulation* GetSimulation();

/** @return a new simulation, or nullptr if there is one */
Simulation* BeginSimulation();

/** Forget the simulation and all of its handles. */
void EndSimulation();

/** @return the simulation of a handle; fails if it is none, or another one's */
Simulation& CheckSimulation(const struct ttb_ns3* handle);

/** @return where the sentence goes: the simulation's, or else that of ttb_ns3_error(NULL) */
std::string& ErrorOf(const struct ttb_ns3* handle);

/** @return the object that a handle stands for; fails if it stands for none */
ns3::Ptr<ns3::Object> Resolve(const void* handle);

/**
 * Carry out a C function.
 * @param error gets the sentence if it fails
 * @param body does the work; fails by throwing
 * @return 0 or a negative errno
 */
template <typename F>
int
Call(std::string& error, F&& body) noexcept
{
    try
    {
        try
        {
            FatalTrap trap;
            body();
            return 0;
        }
        catch (const FatalError& failure)
        {
            error = failure.what();
            return failure.GetCode();
        }
        catch (const std::bad_alloc&)
        {
            error = "out of memory";
            return -ENOMEM;
        }
        catch (const std::exception& exception)
        {
            error = std::string("ns-3: ") + exception.what();
            return -EIO;
        }
    }
    catch (...)
    {
        return -ENOMEM; // not even the sentence could be made
    }
}

/**
 * Carry out a function of a simulation: Call(), and the simulation must not have been destroyed.
 */
template <typename F>
int
Call(struct ttb_ns3* handle, F&& body) noexcept
{
    return Call(ErrorOf(handle), [&]() {
        if (CheckSimulation(handle).destroyed)
        {
            Fail(-ESHUTDOWN, "the simulation has been destroyed");
        }
        body();
    });
}

/**
 * Carry out a function of something that a handle stands for.
 */
template <typename T, typename F>
int
CallHandle(T* handle, F&& body) noexcept
{
    Simulation* sim = GetSimulation();
    return Call(sim ? sim->error : ErrorOf(nullptr), [&]() {
        Resolve(handle);
        body();
    });
}

/**
 * Carry out a function of an object.
 */
template <typename F>
int
Call(struct ttb_ns3_object* object, F&& body) noexcept
{
    return CallHandle(object, std::forward<F>(body));
}

/** Nothing has been found yet. */
template <typename T>
void
Clear(T** out)
{
    if (out)
    {
        *out = nullptr;
    }
}

/** Disconnect all trace sources, and forget what they belong to. */
void ForgetTraces(Simulation& sim);

/** Fails if a pointer, to data or a function, is NULL. @param what it points to, with an article */
template <typename T>
void
Need(T* pointer, const char* what)
{
    if (!pointer)
    {
        Fail(-EINVAL, std::string(what) + " is needed, not NULL");
    }
}

/** @return a new handle, as a number */
uintptr_t NewNumber(ns3::Ptr<ns3::Object> object);

/** @return a new handle */
inline struct ttb_ns3_object*
NewHandle(ns3::Ptr<ns3::Object> object)
{
    return reinterpret_cast<struct ttb_ns3_object*>(NewNumber(object));
}

/** Copy a string out. @param what it is, for the error text */
void CopyText(const std::string& text, const std::string& what, char* buffer, size_t size);

/** The object of a handle as a T, looked for in its aggregate as well; fails if it is none. */
template <typename T>
ns3::Ptr<T>
As(struct ttb_ns3_object* handle)
{
    if (!handle)
    {
        Fail(-EINVAL, "an object of type " + T::GetTypeId().GetName() + " is needed, not NULL");
    }
    ns3::Ptr<ns3::Object> any = Resolve(handle);
    ns3::Ptr<T> object = any->GetObject<T>();
    if (!object)
    {
        Fail(-EINVAL,
             "an object of type " + T::GetTypeId().GetName() + " is needed, this one is of type " +
                 any->GetInstanceTypeId().GetName());
    }
    return object;
}

/**
 * The same for what is not aggregated: the very object of the handle.
 */
template <typename T>
ns3::Ptr<T>
AsExactly(struct ttb_ns3_object* handle)
{
    ns3::Ptr<T> object;
    if (handle)
    {
        object = ns3::DynamicCast<T>(Resolve(handle));
    }
    return object ? object : As<T>(handle);
}

/** @return the TypeId of that name; fails if it is unknown */
ns3::TypeId FindType(const char* name);

/**
 * Parse the value of an attribute, and check it.
 * @param type of the object
 * @param name of the attribute
 * @param value as a string
 * @param creating whether the object is being created
 * @return the value, which the attribute will accept
 */
ns3::Ptr<ns3::AttributeValue> ParseAttribute(ns3::TypeId type,
                                             const char* name,
                                             const char* value,
                                             bool creating);

/** Fails if objects of this type cannot be created without bringing the program down. */
void CheckMakeable(ns3::TypeId type);

/** Fails if reading an attribute of this object would bring the program down. */
void CheckReadable(ns3::Ptr<ns3::Object> object, const std::string& name);

/** Parse and check a value. @param what it is for, for the error text */
ns3::Ptr<ns3::AttributeValue> ParseValue(ns3::Ptr<const ns3::AttributeChecker> checker,
                                         const std::string& what,
                                         const char* value);

/** @return what is known about an attribute; fails if the type has none of that name */
struct ns3::TypeId::AttributeInformation FindAttribute(ns3::TypeId type, const char* name);

/** @return what kind of value an attribute has, for people, e.g. "Integer, 0 to 10" */
std::string DescribeValue(ns3::Ptr<const ns3::AttributeChecker> checker);

/** @return an address of any kind as people write it, "" if it is none */
std::string FormatAddress(const ns3::Address& address);

/** @return the value of an attribute as a string; fails if it cannot be read */
std::string ReadAttribute(ns3::Ptr<ns3::Object> object, const char* name);

/** An object that a path leads to. */
struct PathMatch
{
    ns3::Ptr<ns3::Object> object; //!< what the path leads to, but for its last part
    std::string path;             //!< with all that was left open filled in
};

/**
 * Look up all but the last part of a path, which is a name of an attribute or a trace source.
 * @param last gets the last part
 * @return at least one; fails if there is none
 */
std::vector<PathMatch> LookUpPath(const char* path, std::string& last);

/** Create an object after checking everything. @param base what the type must derive from */
ns3::Ptr<ns3::Object> CreateChecked(const char* type,
                                    const struct ttb_ns3_attribute* attributes,
                                    ns3::TypeId base);

/**
 * @return the number of an enumeration's value that came from C, where it may be any; C++ may
 * assume that it is one of those that have names
 */
template <typename T>
int
Number(const T& value)
{
    int number;
    static_assert(sizeof(number) == sizeof(value));
    std::memcpy(&number, &value, sizeof(number));
    return number;
}

/** Give the IP stack of a device's node its random streams, if the device is the first with an
 * address. */
void AssignStackStreams(ns3::Ptr<ns3::NetDevice> device);

/** Parse a device's Ethernet address; fails if it is none, or a group's. */
ns3::Mac48Address ParseDeviceMac(const char* text);

/**
 * Make a device, put it on a channel, add it to a node. Fails before anything has happened.
 * @param type of a CSMA, Ethernet or Simple device
 * @param mac its address; nullptr: the next of ns3's numbering
 */
ns3::Ptr<ns3::NetDevice> InstallDevice(ns3::Ptr<ns3::Node> node,
                                       const char* type,
                                       ns3::Ptr<ns3::Object> channel,
                                       const char* mac,
                                       const struct ttb_ns3_attribute* attributes);

/** Parse an Ethernet address, in the form 02:00:00:00:00:07. @return false if it is none */
bool ParseMac(const char* text, uint8_t bytes[6]);

/** @return a number of nanoseconds as a time of ns-3; fails if it is too large */
ns3::Time ToTime(uint64_t time_ns);

} // namespace ttb

#endif /* TTBRIDGE_NS3_API_H */
