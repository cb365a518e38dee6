/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <ns3/address.h>
#include <ns3/inet-socket-address.h>
#include <ns3/inet6-socket-address.h>
#include <ns3/ipv4-address.h>
#include <ns3/ipv6-address.h>
#include <ns3/mac48-address.h>
#include <ns3/object-base.h>
#include <ns3/object-ptr-container.h>
#include <ns3/pointer.h>
#include <ns3/string.h>

#include <arpa/inet.h>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

/**
 * @file
 * What the files behind ttbridge/ns3.h share: types by name, values from strings.
 */

using namespace ns3;
using namespace ttb;

namespace
{

/// Names that a list in an error text has at most.
constexpr std::size_t NAMES_MAX = 16;

std::string
ListAttributes(TypeId type)
{
    std::string names;
    std::size_t count = 0;
    for (;; type = type.GetParent())
    {
        for (std::size_t i = 0; i < type.GetAttributeN(); i++)
        {
            if (count++ == NAMES_MAX)
            {
                return names + ", ...";
            }
            names += (names.empty() ? "" : ", ") + type.GetAttribute(i).name;
        }
        if (!type.HasParent() || type.GetParent() == type)
        {
            return names.empty() ? "none" : names;
        }
    }
}

/// The name of the class of an attribute's value. Some checkers say "ns3::IntegerValue", others
/// "AddressValue". @return it without the namespace
std::string
GetValueType(Ptr<const AttributeChecker> checker)
{
    std::string name = checker->GetValueTypeName();
    return name.rfind("ns3::", 0) == 0 ? name.substr(5) : name;
}

/// ns-3's parsers of numbers and addresses take what begins well for the whole.
bool
IsWellFormed(const std::string& valueType, const char* value)
{
    char* end = nullptr;
    unsigned char address[sizeof(struct in6_addr)];

    if (valueType == "IntegerValue" || valueType == "UintegerValue")
    {
        if (valueType == "UintegerValue" && std::strchr(value, '-'))
        {
            return false;
        }
        std::strtoull(value, &end, 0);
    }
    else if (valueType == "DoubleValue")
    {
        std::strtod(value, &end);
    }
    else if (valueType == "Ipv4AddressValue")
    {
        return inet_pton(AF_INET, value, address) == 1;
    }
    else if (valueType == "Ipv6AddressValue")
    {
        return inet_pton(AF_INET6, value, address) == 1;
    }
    else if (valueType == "DataRateValue")
    {
        return std::isdigit(static_cast<unsigned char>(value[0]));
    }
    else if (valueType == "TimeValue")
    {
        return value[0] && std::strchr("+-.0123456789", value[0]);
    }
    else if (valueType == "Mac48AddressValue")
    {
        return ParseMac(value, address);
    }
    else
    {
        return true;
    }
    return end != value && *end == 0;
}

/// ns-3 has addresses of any kind as a type number, which depends on what was used first in the
/// process, a length and bytes. People write 10.0.0.1, 10.0.0.1:9, [2001:db8::1]:9 or
/// 02:00:00:00:00:07. @return null if it is nothing of that kind
Ptr<AttributeValue>
ParseAddress(const std::string& value)
{
    std::string host = value;
    unsigned long port = 0;
    auto colon = value.rfind(':');
    bool hasPort = colon != std::string::npos && colon > 0 &&
                   (value[colon - 1] == ']' || value.find(':') == colon);
    if (hasPort)
    {
        const char* digits = value.c_str() + colon + 1;
        char* end = nullptr;
        port = std::strtoul(digits, &end, 10);
        if (*digits < '0' || *digits > '9' || *end != 0 || port > 65535)
        {
            return nullptr;
        }
        host.resize(colon);
    }
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    {
        host = host.substr(1, host.size() - 2);
    }
    uint8_t bytes[16];
    if (inet_pton(AF_INET, host.c_str(), bytes) == 1)
    {
        Ipv4Address ipv4 = Ipv4Address::Deserialize(bytes);
        return Create<AddressValue>(hasPort ? Address(InetSocketAddress(ipv4, port))
                                            : Address(ipv4));
    }
    if (inet_pton(AF_INET6, host.c_str(), bytes) == 1)
    {
        Ipv6Address ipv6(bytes);
        return Create<AddressValue>(hasPort ? Address(Inet6SocketAddress(ipv6, port))
                                            : Address(ipv6));
    }
    if (!hasPort && ParseMac(value.c_str(), bytes))
    {
        Mac48Address mac;
        mac.CopyFrom(bytes);
        return Create<AddressValue>(mac);
    }
    return nullptr;
}

/// Of an enumeration ns-3 takes any word for the first of its values.
bool
IsChoice(Ptr<const AttributeChecker> checker, const std::string& value)
{
    std::istringstream names(checker->GetUnderlyingTypeInformation());
    for (std::string name; std::getline(names, name, '|');)
    {
        if (name == value)
        {
            return true;
        }
    }
    return false;
}

/// An object to be made, as ns-3 writes it: TYPE or TYPE[ATTRIBUTE=VALUE|...]. Brackets may nest.
struct ObjectText
{
    std::string type;
    std::vector<std::pair<std::string, std::string>> attributes;
};

ObjectText
ParseObjectText(const std::string& text)
{
    ObjectText parsed;
    auto bracket = text.find('[');
    parsed.type = text.substr(0, bracket);
    if (bracket == std::string::npos)
    {
        return parsed;
    }
    if (text.back() != ']')
    {
        Fail(-EINVAL, "the closing bracket is missing");
    }
    std::string list = text.substr(bracket + 1, text.size() - bracket - 2);
    std::size_t begin = 0;
    int depth = 0;
    for (std::size_t i = 0; i <= list.size() && !list.empty(); i++)
    {
        bool end = i == list.size();
        depth += end ? 0 : (list[i] == '[') - (list[i] == ']');
        if (depth < 0 || (end && depth != 0))
        {
            Fail(-EINVAL, "its brackets do not match");
        }
        if (end || (list[i] == '|' && depth == 0))
        {
            std::string item = list.substr(begin, i - begin);
            auto equals = item.find('=');
            if (equals == std::string::npos)
            {
                Fail(-EINVAL, "\"" + item + "\" is not of the form ATTRIBUTE=VALUE");
            }
            parsed.attributes.emplace_back(item.substr(0, equals), item.substr(equals + 1));
            begin = i + 1;
        }
    }
    return parsed;
}

/// Make the object for an attribute that is a pointer. @return null if it does not suit
Ptr<AttributeValue>
ParsePointer(Ptr<const AttributeChecker> checker, const std::string& value)
{
    ObjectText text = ParseObjectText(value);
    std::vector<struct ttb_ns3_attribute> attributes;
    for (const auto& [name, content] : text.attributes)
    {
        attributes.push_back({name.c_str(), content.c_str()});
    }
    attributes.push_back({nullptr, nullptr});
    return checker->CreateValidValue(
        PointerValue(CreateChecked(text.type.c_str(), attributes.data(), Object::GetTypeId())));
}

} // namespace

namespace ttb
{

std::string
DescribeValue(Ptr<const AttributeChecker> checker)
{
    std::string text = GetValueType(checker);
    auto at = text.rfind("Value");
    if (at != std::string::npos && at > 0 && at + 5 == text.size())
    {
        text.resize(at);
    }
    if (checker->HasUnderlyingTypeInformation())
    {
        text += " " + checker->GetUnderlyingTypeInformation();
    }
    return text;
}

Ptr<AttributeValue>
ParseValue(Ptr<const AttributeChecker> checker, const std::string& what, const char* value)
{
    std::string reason;
    Ptr<AttributeValue> parsed;
    try
    {
        // Parsers of some values end the program instead of saying no; the trap is set.
        std::string type = GetValueType(checker);
        if (type == "AddressValue")
        {
            parsed = ParseAddress(value);
        }
        else if (DynamicCast<const PointerChecker>(checker))
        {
            parsed = ParsePointer(checker, value);
        }
        else if (IsWellFormed(type, value) && (type != "EnumValue" || IsChoice(checker, value)))
        {
            parsed = checker->CreateValidValue(StringValue(value));
        }
    }
    catch (const FatalError& error)
    {
        reason = std::string("; ") + error.what();
    }
    if (!parsed)
    {
        Fail(-EINVAL,
             "\"" + std::string(value) + "\" is no value for " + what + " (" +
                 DescribeValue(checker) + ")" + reason);
    }
    return parsed;
}

struct TypeId::AttributeInformation
FindAttribute(TypeId type, const char* name)
{
    struct TypeId::AttributeInformation info;
    Need(name, "an attribute's name");
    if (!type.LookupAttributeByName(name, &info))
    {
        Fail(-ENOENT,
             "type " + type.GetName() + " has no attribute \"" + name +
                 "\"; it has: " + ListAttributes(type));
    }
    return info;
}

std::string
FormatAddress(const Address& address)
{
    std::ostringstream text;
    if (InetSocketAddress::IsMatchingType(address))
    {
        auto ip = InetSocketAddress::ConvertFrom(address);
        text << ip.GetIpv4() << ":" << ip.GetPort();
    }
    else if (Inet6SocketAddress::IsMatchingType(address))
    {
        auto ip = Inet6SocketAddress::ConvertFrom(address);
        text << "[" << ip.GetIpv6() << "]:" << ip.GetPort();
    }
    else if (Ipv4Address::IsMatchingType(address))
    {
        text << Ipv4Address::ConvertFrom(address);
    }
    else if (Ipv6Address::IsMatchingType(address))
    {
        text << Ipv6Address::ConvertFrom(address);
    }
    else if (Mac48Address::IsMatchingType(address))
    {
        text << Mac48Address::ConvertFrom(address);
    }
    else if (!address.IsInvalid())
    {
        text << address;
    }
    return text.str();
}

std::string
ReadAttribute(Ptr<Object> object, const char* name)
{
    TypeId type = object->GetInstanceTypeId();
    struct TypeId::AttributeInformation info = FindAttribute(type, name);
    std::string what = "attribute " + type.GetName() + "::" + name;
    if (!(info.flags & TypeId::ATTR_GET) || !info.accessor->HasGetter())
    {
        Fail(-EPERM, what + " cannot be read");
    }
    CheckReadable(object, name);
    Ptr<AttributeValue> value = info.checker->Create();
    if (!info.accessor->Get(PeekPointer(object), *value))
    {
        Fail(-EINVAL, what + " cannot be read");
    }
    if (auto address = DynamicCast<AddressValue>(value))
    {
        return FormatAddress(address->Get());
    }
    // As text these would be addresses in memory.
    if (auto pointer = DynamicCast<PointerValue>(value))
    {
        Ptr<Object> target = pointer->GetObject();
        return target ? target->GetInstanceTypeId().GetName() : "";
    }
    if (auto list = DynamicCast<ObjectPtrContainerValue>(value))
    {
        return std::to_string(list->GetN());
    }
    if (GetValueType(info.checker) == "CallbackValue")
    {
        Fail(-EOPNOTSUPP, what + " is a function");
    }
    return value->SerializeToString(info.checker);
}

bool
ParseMac(const char* text, uint8_t bytes[6])
{
    int len = -1;
    int count = std::sscanf(text,
                            "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n",
                            &bytes[0],
                            &bytes[1],
                            &bytes[2],
                            &bytes[3],
                            &bytes[4],
                            &bytes[5],
                            &len);
    return count == 6 && len == 17 && text[len] == 0 && std::strcspn(text, " +-") == 17;
}

TypeId
FindType(const char* name)
{
    TypeId type;
    if (!name || !TypeId::LookupByNameFailSafe(name, &type))
    {
        Fail(-ENOENT,
             std::string("ns-3 has no type \"") + (name ? name : "") +
                 "\": misspelt, or in a module that is not loaded (ttb_ns3_load_module())");
    }
    return type;
}

Ptr<AttributeValue>
ParseAttribute(TypeId type, const char* name, const char* value, bool creating)
{
    Need(name, "an attribute's name");
    Need(value, "an attribute's value");
    struct TypeId::AttributeInformation info = FindAttribute(type, name);
    std::string what = type.GetName() + "::" + name;
    uint32_t flag = creating ? TypeId::ATTR_CONSTRUCT | TypeId::ATTR_SET : TypeId::ATTR_SET;
    if (!(info.flags & flag) || !info.accessor->HasSetter())
    {
        Fail(-EPERM,
             "attribute " + what +
                 (info.flags & TypeId::ATTR_CONSTRUCT
                      ? " can be set only when its object is created"
                      : " cannot be set"));
    }
    return ParseValue(info.checker, what, value);
}

Ptr<Object>
CreateChecked(const char* name, const struct ttb_ns3_attribute* attributes, TypeId base)
{
    TypeId type = FindType(name);
    if (type != base && !type.IsChildOf(base))
    {
        Fail(-EINVAL, "type " + type.GetName() + " is no " + base.GetName());
    }
    if (!type.HasConstructor())
    {
        Fail(-EINVAL, "type " + type.GetName() + " is abstract: no object can be created");
    }
    CheckMakeable(type);
    ObjectFactory factory;
    factory.SetTypeId(type);
    for (; attributes && attributes->name; attributes++)
    {
        factory.Set(attributes->name,
                    *ParseAttribute(type, attributes->name, attributes->value, true));
    }
    return factory.Create<Object>();
}

} // namespace ttb
