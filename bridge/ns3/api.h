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
#include <ns3/pcap-file-wrapper.h>
#include <ns3/ptr.h>
#include <ns3/type-id.h>

#include <cstring>
#include <list>
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
 */

/** A handle. */
struct ttb_ns3_object
{
    struct ttb_ns3* sim;                      //!< the simulation that owns it
    ns3::Ptr<ns3::Object> object;             //!< what it stands for
    std::list<ttb_ns3_object>::iterator self; //!< itself in the simulation's list
};

/** The simulation. */
struct ttb_ns3
{
    /** An open pcap file. */
    struct PcapFile
    {
        std::string path;                    //!< for error texts
        ns3::Ptr<ns3::PcapFileWrapper> file; //!< shared with the trace sink
    };

    std::string error;                 //!< see ttb_ns3_error()
    std::list<ttb_ns3_object> objects; //!< all handles; they do not move
    std::vector<PcapFile> pcaps;       //!< to be closed, and checked
    bool running = false;              //!< in ttb_ns3_run()
    bool destroyed = false;            //!< ttb_ns3_destroy() was called
};

namespace ttb
{

/** Fail with a sentence. */
[[noreturn]] inline void
Fail(int code, const std::string& text)
{
    throw FatalError(code, text);
}

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
Call(struct ttb_ns3* sim, F&& body) noexcept
{
    if (!sim)
    {
        return -EINVAL;
    }
    return Call(sim->error, [&]() {
        if (sim->destroyed)
        {
            Fail(-ESHUTDOWN, "the simulation has been destroyed");
        }
        body();
    });
}

/**
 * Carry out a function of a handle.
 */
template <typename F>
int
Call(struct ttb_ns3_object* object, F&& body) noexcept
{
    return object ? Call(object->sim, std::forward<F>(body)) : -EINVAL;
}

/** @return a new handle */
struct ttb_ns3_object* NewHandle(struct ttb_ns3* sim, ns3::Ptr<ns3::Object> object);

/** The object of a handle as a T, looked for in its aggregate as well; fails if it is none. */
template <typename T>
ns3::Ptr<T>
As(struct ttb_ns3_object* handle)
{
    if (!handle)
    {
        Fail(-EINVAL, "an object of type " + T::GetTypeId().GetName() + " is needed, not NULL");
    }
    ns3::Ptr<T> object = handle->object->GetObject<T>();
    if (!object)
    {
        Fail(-EINVAL,
             "an object of type " + T::GetTypeId().GetName() + " is needed, this one is of type " +
                 handle->object->GetInstanceTypeId().GetName());
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
        object = ns3::DynamicCast<T>(handle->object);
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

/** Write the frames of a Wifi device, with radiotap headers, to a file that can be written. */
void EnableWifiPcap(ns3::Ptr<ns3::NetDevice> device, const char* path, bool promiscuous);

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
