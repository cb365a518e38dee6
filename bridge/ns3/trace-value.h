/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_TRACE_VALUE_H
#define TTBRIDGE_NS3_TRACE_VALUE_H

#include "api.h"

#include <ns3/address.h>
#include <ns3/callback.h>
#include <ns3/nstime.h>
#include <ns3/object.h>
#include <ns3/packet.h>
#include <ns3/queue-item.h>
#include <ns3/wifi-mpdu.h>

#include <cxxabi.h>
#include <sstream>
#include <string>
#include <type_traits>
#include <typeinfo>

/**
 * @file
 * What trace sources pass to their callbacks, of any C++ type, as struct ttb_ns3_value.
 */

namespace ttb
{

/** What can be done with an argument of a type; one for each type. */
struct ValueType
{
    const std::type_info* type;                                 //!< which
    void (*fill)(const void* value, struct ttb_ns3_value* out); //!< kind and number
    std::string (*text)(const void* value);                     //!< for people
    ns3::Ptr<const ns3::Packet> (*packet)(const void* value);   //!< or nullptr
    ns3::Ptr<ns3::Object> (*object)(const void* value);         //!< or nullptr
};

template <typename T, typename = void>
struct IsStreamable : std::false_type
{
};

template <typename T>
struct IsStreamable<
    T,
    std::void_t<decltype(std::declval<std::ostream&>() << std::declval<const T&>())>>
    : std::true_type
{
};

template <typename T>
struct PointeeOf
{
    using Type = void;
};

template <typename T>
struct PointeeOf<ns3::Ptr<T>>
{
    using Type = std::remove_const_t<T>;
};

/// Packets, and what carries one.
inline ns3::Ptr<const ns3::Packet>
PacketOf(const ns3::Packet& packet)
{
    return ns3::Ptr<const ns3::Packet>(&packet);
}

inline ns3::Ptr<const ns3::Packet>
PacketOf(const ns3::QueueItem& item)
{
    return item.GetPacket();
}

inline ns3::Ptr<const ns3::Packet>
PacketOf(const ns3::WifiMpdu& mpdu)
{
    return mpdu.GetPacket();
}

template <typename T, typename = void>
struct HasPacket : std::false_type
{
};

template <typename T>
struct HasPacket<T, std::void_t<decltype(PacketOf(std::declval<const T&>()))>> : std::true_type
{
};

/** How values of a type are described. */
template <typename T>
struct Describe
{
    using Pointee = typename PointeeOf<T>::Type;
    static constexpr bool IS_PTR = !std::is_void_v<Pointee>;
    static constexpr bool IS_PACKET =
        HasPacket<std::conditional_t<IS_PTR, Pointee, std::nullptr_t>>::value;
    static constexpr bool IS_OBJECT =
        IS_PTR &&
        std::is_base_of_v<ns3::Object, std::conditional_t<IS_PTR, Pointee, std::nullptr_t>>;

    static void Fill(const void* address, struct ttb_ns3_value* out)
    {
        const T& value = *static_cast<const T*>(address);
        if constexpr (std::is_same_v<T, bool>)
        {
            out->kind = TTB_NS3_BOOL;
            out->boolean = value;
        }
        else if constexpr (std::is_enum_v<T>)
        {
            out->kind = TTB_NS3_INT;
            out->number = static_cast<int64_t>(value);
        }
        else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
        {
            out->kind = TTB_NS3_INT;
            out->number = value;
        }
        else if constexpr (std::is_integral_v<T>)
        {
            out->kind = TTB_NS3_UINT;
            out->count = value;
        }
        else if constexpr (std::is_floating_point_v<T>)
        {
            out->kind = TTB_NS3_DOUBLE;
            out->real = value;
        }
        else if constexpr (std::is_same_v<T, ns3::Time>)
        {
            out->kind = TTB_NS3_TIME;
            out->number = value.GetNanoSeconds();
        }
        else if constexpr (IS_PACKET)
        {
            ns3::Ptr<const ns3::Packet> packet = Packet(address);
            out->kind = packet ? TTB_NS3_PACKET : TTB_NS3_TEXT;
            out->packet.uid = packet ? packet->GetUid() : 0;
            out->packet.len_bytes = packet ? packet->GetSize() : 0;
        }
        else
        {
            out->kind = IS_OBJECT ? TTB_NS3_OBJECT : TTB_NS3_TEXT;
        }
    }

    static std::string Text(const void* address)
    {
        const T& value = *static_cast<const T*>(address);
        std::ostringstream text;
        if constexpr (std::is_same_v<T, bool>)
        {
            text << (value ? "true" : "false");
        }
        else if constexpr (std::is_same_v<T, ns3::Address>)
        {
            text << FormatAddress(value);
        }
        else if constexpr (std::is_same_v<T, const char*>)
        {
            text << (value ? value : "");
        }
        else if constexpr (std::is_integral_v<T>)
        {
            text << +value; // a byte is a number, too
        }
        else if constexpr (IS_PACKET)
        {
            if (ns3::Ptr<const ns3::Packet> packet = Packet(address))
            {
                text << packet->GetSize() << " bytes";
            }
        }
        else if constexpr (IS_OBJECT)
        {
            text << (value ? value->GetInstanceTypeId().GetName() : "");
        }
        else if constexpr (std::is_pointer_v<T> || IS_PTR)
        {
            text << "?"; // an address in memory is no information
        }
        else if constexpr (std::is_enum_v<T> && !IsStreamable<T>::value)
        {
            text << static_cast<int64_t>(value);
        }
        else if constexpr (IsStreamable<T>::value)
        {
            text << value;
        }
        else
        {
            text << "?";
        }
        return text.str();
    }

    static ns3::Ptr<const ns3::Packet> Packet(const void* address)
    {
        if constexpr (IS_PACKET)
        {
            const T& value = *static_cast<const T*>(address);
            return value ? PacketOf(*value) : nullptr;
        }
        return nullptr;
    }

    static ns3::Ptr<ns3::Object> Object(const void* address)
    {
        if constexpr (IS_OBJECT)
        {
            const T& value = *static_cast<const T*>(address);
            return ns3::Ptr<ns3::Object>(const_cast<Pointee*>(ns3::PeekPointer(value)));
        }
        return nullptr;
    }

    static constexpr ValueType TYPE = {&typeid(T), &Fill, &Text, &Packet, &Object}; //!< the one
};

/** More values than any trace source has. */
constexpr std::size_t TRACE_VALUES_MAX = 12;

/** @return the name of a type as C++ has it */
inline std::string
NameOf(const ValueType& type)
{
    int status = 0;
    char* text = abi::__cxa_demangle(type.type->name(), nullptr, nullptr, &status);
    std::string name = text ? text : type.type->name();
    std::free(text);
    return name;
}

} // namespace ttb

#endif /* TTBRIDGE_NS3_TRACE_VALUE_H */
