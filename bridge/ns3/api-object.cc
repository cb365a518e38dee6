/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <ns3/address.h>
#include <ns3/config.h>
#include <ns3/global-value.h>
#include <ns3/inet-socket-address.h>
#include <ns3/inet6-socket-address.h>
#include <ns3/ipv4-address.h>
#include <ns3/ipv6-address.h>
#include <ns3/mac48-address.h>
#include <ns3/object-base.h>
#include <ns3/simulator.h>
#include <ns3/string.h>

#include <arpa/inet.h>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

/**
 * @file
 * ttbridge/ns3.h: types, objects and attributes, all by name.
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

/// Parse and check a value. @param what the attribute, for the error text
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
        else if (IsWellFormed(type, value))
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
        std::string expected = checker->GetValueTypeName();
        if (checker->HasUnderlyingTypeInformation())
        {
            expected += ", " + checker->GetUnderlyingTypeInformation();
        }
        Fail(-EINVAL,
             "\"" + std::string(value) + "\" is no value for " + what + " (" + expected + ")" +
                 reason);
    }
    return parsed;
}

struct TypeId::AttributeInformation
FindAttribute(TypeId type, const char* name)
{
    struct TypeId::AttributeInformation info;
    if (!type.LookupAttributeByName(name, &info))
    {
        Fail(-ENOENT,
             "type " + type.GetName() + " has no attribute \"" + name +
                 "\"; it has: " + ListAttributes(type));
    }
    return info;
}

void
CheckStrings(const char* name, const char* value)
{
    if (!name || !value)
    {
        Fail(-EINVAL, "a name and a value are needed, not NULL");
    }
}

} // namespace

namespace ttb
{

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

struct ttb_ns3_object*
NewHandle(struct ttb_ns3* sim, Ptr<Object> object)
{
    sim->objects.push_front({sim, object, {}});
    sim->objects.front().self = sim->objects.begin();
    return &sim->objects.front();
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
    CheckStrings(name, value);
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

int
ttb_ns3_load_module(struct ttb_ns3* ns3, const char* module)
{
    return Call(ns3, [&]() {
        Dl_info core;
        if (!module || std::strchr(module, '/'))
        {
            Fail(-EINVAL, "a module's name is needed, e.g. \"wifi\"");
        }
        // Beside the module that is there already, and named after it: how ns-3's libraries are
        // called differs between packages and builds.
        using Function = void (*)();
        auto symbol = reinterpret_cast<void*>(static_cast<Function>(&Simulator::Run));
        if (!dladdr(symbol, &core) || !core.dli_fname)
        {
            Fail(-EIO, "cannot find out where ns-3's libraries are");
        }
        std::string path = core.dli_fname;
        auto at = path.rfind("core");
        if (at == std::string::npos)
        {
            Fail(-EIO, "ns-3's core library has an unexpected name: " + path);
        }
        path.replace(at, std::strlen("core"), module);
        if (!dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL))
        {
            const char* why = dlerror();
            Fail(-ENOENT,
                 std::string("ns-3 module ") + module + " cannot be loaded: " + (why ? why : path));
        }
    });
}

int
ttb_ns3_set_default(struct ttb_ns3* ns3, const char* name, const char* value)
{
    return Call(ns3, [&]() {
        CheckStrings(name, value);
        std::string full = name;
        auto at = full.rfind("::");
        if (at == std::string::npos)
        {
            Fail(-EINVAL,
                 "default \"" + full +
                     "\": not of the form TYPE::ATTRIBUTE, e.g. "
                     "ns3::CsmaNetDevice::Mtu");
        }
        TypeId type = FindType(full.substr(0, at).c_str());
        std::string attribute = full.substr(at + 2);
        Ptr<AttributeValue> parsed = ParseAttribute(type, attribute.c_str(), value, true);
        // The attribute may be a parent's, and defaults are kept where it is declared.
        while (!Config::SetDefaultFailSafe(type.GetName() + "::" + attribute, *parsed))
        {
            if (!type.HasParent() || type.GetParent() == type)
            {
                Fail(-EINVAL, "default " + full + " cannot be set");
            }
            type = type.GetParent();
        }
    });
}

int
ttb_ns3_set_global(struct ttb_ns3* ns3, const char* name, const char* value)
{
    return Call(ns3, [&]() {
        CheckStrings(name, value);
        for (auto global = GlobalValue::Begin(); global != GlobalValue::End(); ++global)
        {
            if ((*global)->GetName() == name)
            {
                Ptr<AttributeValue> parsed =
                    ParseValue((*global)->GetChecker(), std::string("global value ") + name, value);
                if (!Config::SetGlobalFailSafe(name, *parsed))
                {
                    Fail(-EINVAL, std::string("global value ") + name + " cannot be set");
                }
                return;
            }
        }
        Fail(-ENOENT, std::string("ns-3 has no global value \"") + name + "\"");
    });
}

int
ttb_ns3_create(struct ttb_ns3* ns3,
               const char* type,
               const struct ttb_ns3_attribute* attributes,
               struct ttb_ns3_object** object)
{
    *object = nullptr;
    return Call(ns3, [&]() {
        *object = NewHandle(ns3, CreateChecked(type, attributes, Object::GetTypeId()));
    });
}

int
ttb_ns3_object_set(struct ttb_ns3_object* object, const char* name, const char* value)
{
    return Call(object, [&]() {
        TypeId type = object->object->GetInstanceTypeId();
        Ptr<AttributeValue> parsed = ParseAttribute(type, name, value, false);
        if (!object->object->SetAttributeFailSafe(name, *parsed))
        {
            Fail(-EINVAL,
                 "attribute " + type.GetName() + "::" + name + " refuses the value \"" + value +
                     "\"");
        }
    });
}

int
ttb_ns3_object_get(struct ttb_ns3_object* object, const char* name, char* value, size_t size)
{
    return Call(object, [&]() {
        CheckStrings(name, value);
        TypeId type = object->object->GetInstanceTypeId();
        struct TypeId::AttributeInformation info = FindAttribute(type, name);
        std::string what = "attribute " + type.GetName() + "::" + name;
        if (!(info.flags & TypeId::ATTR_GET) || !info.accessor->HasGetter())
        {
            Fail(-EPERM, what + " cannot be read");
        }
        StringValue text;
        if (!object->object->GetAttributeFailSafe(name, text))
        {
            Fail(-EINVAL, what + " cannot be read as a string");
        }
        if (text.Get().size() >= size)
        {
            Fail(-ENOSPC,
                 what + " needs " + std::to_string(text.Get().size() + 1) + " bytes of room");
        }
        std::memcpy(value, text.Get().c_str(), text.Get().size() + 1);
    });
}

int
ttb_ns3_object_type(struct ttb_ns3_object* object, char* type, size_t size)
{
    return Call(object, [&]() {
        std::string name = object->object->GetInstanceTypeId().GetName();
        if (name.size() >= size)
        {
            Fail(-ENOSPC,
                 "the type's name needs " + std::to_string(name.size() + 1) + " bytes of room");
        }
        std::memcpy(type, name.c_str(), name.size() + 1);
    });
}

void
ttb_ns3_object_release(struct ttb_ns3_object* object)
{
    if (object)
    {
        Call(object->sim, [&]() { object->sim->objects.erase(object->self); });
    }
}
