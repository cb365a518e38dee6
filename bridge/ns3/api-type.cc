/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <ns3/config.h>
#include <ns3/global-value.h>
#include <ns3/pointer.h>
#include <ns3/simulator.h>
#include <ns3/string.h>

#include <algorithm>
#include <dlfcn.h>
#include <glob.h>

/**
 * @file
 * ttbridge/ns3-object.h: which types, attributes and trace sources there are; their defaults;
 * modules.
 */

using namespace ns3;
using namespace ttb;

namespace
{

/// @return the path of a module's library: beside the one that is there already, and named after
/// it, for how ns-3's libraries are called differs between packages and builds
std::string
ModulePath(const std::string& module)
{
    Dl_info core;
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
    return path.replace(at, std::strlen("core"), module);
}

/// @return the global value of that name; fails if there is none
GlobalValue*
FindGlobal(const char* name)
{
    Need(name, "a global value's name");
    std::string names;
    for (auto global = GlobalValue::Begin(); global != GlobalValue::End(); ++global)
    {
        if ((*global)->GetName() == name)
        {
            return *global;
        }
        names += (names.empty() ? "" : ", ") + (*global)->GetName();
    }
    Fail(-ENOENT, std::string("ns-3 has no global value \"") + name + "\"; it has: " + names);
}

/// Split TYPE::ATTRIBUTE. @return the attribute, as the type has or inherits it
std::pair<TypeId, std::string>
SplitDefault(const char* name)
{
    Need(name, "a default's name");
    std::string full = name;
    auto at = full.rfind("::");
    if (at == std::string::npos)
    {
        Fail(-EINVAL,
             "default \"" + full +
                 "\": not of the form TYPE::ATTRIBUTE, e.g. ns3::CsmaNetDevice::Mtu");
    }
    return {FindType(full.substr(0, at).c_str()), full.substr(at + 2)};
}

/// Call a function for a type and those that it inherits from, itself first.
template <typename F>
void
EachAncestor(TypeId type, F&& body)
{
    for (;; type = type.GetParent())
    {
        body(type);
        if (!type.HasParent() || type.GetParent() == type)
        {
            return;
        }
    }
}

} // namespace

int
ttb_ns3_load_module(struct ttb_ns3* ns3, const char* module)
{
    return Call(ns3, [&]() {
        if (!module || !*module || std::strchr(module, '/'))
        {
            Fail(-EINVAL, "a module's name is needed, e.g. \"wifi\"");
        }
        std::string path = ModulePath(module);
        if (!dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL))
        {
            const char* why = dlerror();
            Fail(-ENOENT,
                 std::string("ns-3 module ") + module + " cannot be loaded: " + (why ? why : path));
        }
    });
}

int
ttb_ns3_load_all_modules(struct ttb_ns3* ns3)
{
    return Call(ns3, []() {
        std::string pattern = ModulePath("*");
        glob_t found = {};
        std::string failed;
        glob(pattern.c_str(), 0, nullptr, &found);
        for (std::size_t i = 0; i < found.gl_pathc; i++)
        {
            if (!dlopen(found.gl_pathv[i], RTLD_NOW | RTLD_GLOBAL) && failed.empty())
            {
                const char* why = dlerror();
                failed = why ? why : found.gl_pathv[i];
            }
        }
        globfree(&found);
        if (!failed.empty())
        {
            Fail(-ENOENT, "a module cannot be loaded: " + failed);
        }
    });
}

int
ttb_ns3_set_default(struct ttb_ns3* ns3, const char* name, const char* value)
{
    return Call(ns3, [&]() {
        auto [type, attribute] = SplitDefault(name);
        Ptr<AttributeValue> parsed = ParseAttribute(type, attribute.c_str(), value, true);
        // The attribute may be a parent's, and defaults are kept where it is declared.
        while (!Config::SetDefaultFailSafe(type.GetName() + "::" + attribute, *parsed))
        {
            if (!type.HasParent() || type.GetParent() == type)
            {
                Fail(-EINVAL, std::string("default ") + name + " cannot be set");
            }
            type = type.GetParent();
        }
    });
}

int
ttb_ns3_get_default(struct ttb_ns3* ns3, const char* name, char* value, size_t size)
{
    return Call(ns3, [&]() {
        auto [type, attribute] = SplitDefault(name);
        struct TypeId::AttributeInformation info = FindAttribute(type, attribute.c_str());
        CopyText(info.initialValue->SerializeToString(info.checker),
                 std::string("default ") + name,
                 value,
                 size);
    });
}

int
ttb_ns3_set_global(struct ttb_ns3* ns3, const char* name, const char* value)
{
    return Call(ns3, [&]() {
        GlobalValue* global = FindGlobal(name);
        Need(value, "a value");
        Ptr<AttributeValue> parsed =
            ParseValue(global->GetChecker(), std::string("global value ") + name, value);
        if (!Config::SetGlobalFailSafe(name, *parsed))
        {
            Fail(-EINVAL, std::string("global value ") + name + " cannot be set");
        }
    });
}

int
ttb_ns3_get_global(struct ttb_ns3* ns3, const char* name, char* value, size_t size)
{
    return Call(ns3, [&]() {
        GlobalValue* global = FindGlobal(name);
        StringValue text;
        global->GetValue(text);
        CopyText(text.Get(), std::string("global value ") + name, value, size);
    });
}

int
ttb_ns3_each_type(struct ttb_ns3* ns3, ttb_ns3_type_fn fn, void* user)
{
    return Call(ns3, [&]() {
        Need(fn, "a function to be called");
        std::vector<TypeId> types;
        for (uint16_t i = 0; i < TypeId::GetRegisteredN(); i++)
        {
            types.push_back(TypeId::GetRegistered(i));
        }
        // In the order in which modules were loaded, otherwise.
        std::sort(types.begin(), types.end(), [](const TypeId& a, const TypeId& b) {
            return a.GetName() < b.GetName();
        });
        for (const auto& type : types)
        {
            std::string name = type.GetName();
            std::string parent = type.GetParent() == type ? "" : type.GetParent().GetName();
            std::string group = type.GetGroupName();
            struct ttb_ns3_type_info info = {};
            info.name = name.c_str();
            info.parent = parent.c_str();
            info.group = group.c_str();
            info.constructible = type.HasConstructor() && type.IsChildOf(Object::GetTypeId());
            EachAncestor(type, [&](TypeId ancestor) {
                info.attribute_count += ancestor.GetAttributeN();
                info.trace_count += ancestor.GetTraceSourceN();
            });
            fn(user, &info);
        }
    });
}

int
ttb_ns3_each_attribute(struct ttb_ns3* ns3, const char* type, ttb_ns3_attribute_fn fn, void* user)
{
    return Call(ns3, [&]() {
        TypeId whole = FindType(type);
        Need(fn, "a function to be called");
        EachAncestor(whole, [&](TypeId ancestor) {
            std::string name = ancestor.GetName();
            for (std::size_t i = 0; i < ancestor.GetAttributeN(); i++)
            {
                struct TypeId::AttributeInformation attribute = ancestor.GetAttribute(i);
                std::string kind = DescribeValue(attribute.checker);
                std::string value = attribute.initialValue->SerializeToString(attribute.checker);
                struct ttb_ns3_attribute_info info = {};
                if (DynamicCast<const PointerChecker>(attribute.checker) && value == "0")
                {
                    value.clear();
                }
                info.name = attribute.name.c_str();
                info.type = name.c_str();
                info.kind = kind.c_str();
                info.default_value = value.c_str();
                info.help = attribute.help.c_str();
                info.at_creation = (attribute.flags & TypeId::ATTR_CONSTRUCT) != 0;
                info.writable =
                    (attribute.flags & TypeId::ATTR_SET) && attribute.accessor->HasSetter();
                info.readable =
                    (attribute.flags & TypeId::ATTR_GET) && attribute.accessor->HasGetter();
                fn(user, &info);
            }
        });
    });
}

int
ttb_ns3_each_trace(struct ttb_ns3* ns3, const char* type, ttb_ns3_trace_info_fn fn, void* user)
{
    return Call(ns3, [&]() {
        TypeId whole = FindType(type);
        Need(fn, "a function to be called");
        EachAncestor(whole, [&](TypeId ancestor) {
            std::string name = ancestor.GetName();
            for (std::size_t i = 0; i < ancestor.GetTraceSourceN(); i++)
            {
                struct TypeId::TraceSourceInformation source = ancestor.GetTraceSource(i);
                struct ttb_ns3_trace_info info = {};
                info.name = source.name.c_str();
                info.type = name.c_str();
                info.signature = source.callback.c_str();
                info.help = source.help.c_str();
                fn(user, &info);
            }
        });
    });
}
