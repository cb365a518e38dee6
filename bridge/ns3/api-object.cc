/* SPDX-License-Identifier: GPL-2.0-only */
#include "api.h"

#include <ns3/config.h>
#include <ns3/names.h>
#include <ns3/object-ptr-container.h>
#include <ns3/pointer.h>
#include <ns3/random-variable-stream.h>

/**
 * @file
 * ttbridge/ns3-object.h: objects, their attributes, how they hang together, and their names.
 */

using namespace ns3;
using namespace ttb;

namespace
{

/// Set an attribute that has been parsed.
void
SetParsed(Ptr<Object> object, const char* name, const AttributeValue& parsed, const char* text)
{
    if (!object->SetAttributeFailSafe(name, parsed))
    {
        Fail(-EINVAL,
             "attribute " + object->GetInstanceTypeId().GetName() + "::" + name +
                 " refuses the value \"" + text + "\"");
    }
}

/// @return the value of an attribute that is a pointer, or a list of them
template <typename T>
Ptr<T>
ReadPointers(Ptr<Object> object, const char* name, const char* what)
{
    TypeId type = object->GetInstanceTypeId();
    struct TypeId::AttributeInformation info = FindAttribute(type, name);
    Ptr<T> value = DynamicCast<T>(info.checker->Create());
    if (!value)
    {
        Fail(-EINVAL,
             "attribute " + type.GetName() + "::" + name + " is no " + what + " (" +
                 DescribeValue(info.checker) + ")");
    }
    if (!(info.flags & TypeId::ATTR_GET) || !info.accessor->HasGetter() ||
        !info.accessor->Get(PeekPointer(object), *value))
    {
        Fail(-EPERM, "attribute " + type.GetName() + "::" + name + " cannot be read");
    }
    return value;
}

/// @return the path of a name, which is below /Names
std::string
NamePath(const char* name)
{
    Need(name, "a name");
    std::string path = name;
    if (path.rfind("/Names/", 0) == 0)
    {
        path.erase(0, 7);
    }
    if (path.empty() || path.front() == '/' || path.back() == '/' ||
        path.find("//") != std::string::npos)
    {
        Fail(-EINVAL,
             "\"" + std::string(name) + "\" is no name (such as router, or router/uplink)");
    }
    return "/Names/" + path;
}

/// Split PATH/LAST.
std::pair<std::string, std::string>
SplitPath(const char* path)
{
    Need(path, "a path");
    std::string whole = path;
    auto slash = whole.rfind('/');
    if (whole.empty() || whole.front() != '/' || slash == 0 || slash + 1 == whole.size())
    {
        Fail(-EINVAL,
             "\"" + whole +
                 "\" is no path (such as /NodeList/*/DeviceList/0/$ns3::CsmaNetDevice/Mtu)");
    }
    return {whole.substr(0, slash), whole.substr(slash + 1)};
}

} // namespace

namespace ttb
{

std::vector<PathMatch>
LookUpPath(const char* path, std::string& last)
{
    auto [front, back] = SplitPath(path);
    Config::MatchContainer found = Config::LookupMatches(front);
    std::vector<PathMatch> matches;
    for (std::size_t i = 0; i < found.GetN(); i++)
    {
        std::string context = found.GetMatchedPath(static_cast<uint32_t>(i));
        if (context.empty() || context.back() != '/')
        {
            context += '/';
        }
        matches.push_back({found.Get(i), context + back});
    }
    if (matches.empty())
    {
        Fail(-ENOENT, "nothing matches \"" + front + "\"");
    }
    last = back;
    return matches;
}

} // namespace ttb

int
ttb_ns3_create(struct ttb_ns3* ns3,
               const char* type,
               const struct ttb_ns3_attribute* attributes,
               struct ttb_ns3_object** object)
{
    Clear(object);
    return Call(ns3, [&]() {
        Need(object, "room for the result");
        *object = NewHandle(CreateChecked(type, attributes, Object::GetTypeId()));
    });
}

int
ttb_ns3_object_set(struct ttb_ns3_object* object, const char* name, const char* value)
{
    return Call(object, [&]() {
        Ptr<Object> target = Resolve(object);
        TypeId type = target->GetInstanceTypeId();
        SetParsed(target, name, *ParseAttribute(type, name, value, false), value);
    });
}

int
ttb_ns3_object_get(struct ttb_ns3_object* object, const char* name, char* value, size_t size)
{
    return Call(object, [&]() {
        Ptr<Object> target = Resolve(object);
        std::string text = ReadAttribute(target, name);
        CopyText(text,
                 "attribute " + target->GetInstanceTypeId().GetName() + "::" + name,
                 value,
                 size);
    });
}

int
ttb_ns3_object_set_object(struct ttb_ns3_object* object,
                          const char* name,
                          struct ttb_ns3_object* value)
{
    return Call(object, [&]() {
        Ptr<Object> target = Resolve(object);
        Ptr<Object> pointer = value ? Resolve(value) : nullptr;
        TypeId type = target->GetInstanceTypeId();
        struct TypeId::AttributeInformation info = FindAttribute(type, name);
        std::string what = "attribute " + type.GetName() + "::" + name;
        auto checker = DynamicCast<const PointerChecker>(info.checker);
        if (!checker)
        {
            Fail(-EINVAL, what + " does not hold an object (" + DescribeValue(info.checker) + ")");
        }
        if (!(info.flags & TypeId::ATTR_SET) || !info.accessor->HasSetter())
        {
            Fail(-EPERM, what + " cannot be set");
        }
        if (!target->SetAttributeFailSafe(name, PointerValue(pointer)))
        {
            Fail(-EINVAL,
                 what + " needs an object of type " + checker->GetPointeeTypeId().GetName() +
                     (pointer ? ", this one is of type " + pointer->GetInstanceTypeId().GetName()
                              : ", not NULL"));
        }
    });
}

int
ttb_ns3_object_get_object(struct ttb_ns3_object* object,
                          const char* name,
                          struct ttb_ns3_object** value)
{
    Clear(value);
    return Call(object, [&]() {
        Need(value, "room for the result");
        Ptr<Object> target = Resolve(object);
        auto pointer = ReadPointers<PointerValue>(target, name, "pointer to an object");
        if (!pointer->GetObject())
        {
            Fail(-ENODATA,
                 "attribute " + target->GetInstanceTypeId().GetName() + "::" + name +
                     " holds no object");
        }
        *value = NewHandle(pointer->GetObject());
    });
}

int
ttb_ns3_object_get_count(struct ttb_ns3_object* object, const char* name, size_t* count)
{
    return Call(object, [&]() {
        Need(count, "room for the result");
        *count = 0;
        *count = ReadPointers<ObjectPtrContainerValue>(Resolve(object), name, "list")->GetN();
    });
}

int
ttb_ns3_object_get_item(struct ttb_ns3_object* object,
                        const char* name,
                        size_t index,
                        struct ttb_ns3_object** value)
{
    Clear(value);
    return Call(object, [&]() {
        Need(value, "room for the result");
        auto list = ReadPointers<ObjectPtrContainerValue>(Resolve(object), name, "list");
        auto item = list->Begin();
        if (index >= list->GetN())
        {
            Fail(-ERANGE,
                 "there is no item " + std::to_string(index) + " in " + name + ", which has " +
                     std::to_string(list->GetN()));
        }
        std::advance(item, static_cast<std::ptrdiff_t>(index));
        *value = NewHandle(item->second);
    });
}

int
ttb_ns3_object_type(struct ttb_ns3_object* object, char* type, size_t size)
{
    return Call(object, [&]() {
        CopyText(Resolve(object)->GetInstanceTypeId().GetName(), "the type's name", type, size);
    });
}

int
ttb_ns3_object_aggregate(struct ttb_ns3_object* object, struct ttb_ns3_object* other)
{
    return Call(object, [&]() {
        Ptr<Object> one = Resolve(object);
        Ptr<Object> two = Resolve(other);
        TypeId type = two->GetInstanceTypeId();
        // ns-3 ends the program, or goes on with one of the two at random.
        if (one == two || one->GetObject<Object>(type))
        {
            Fail(-EEXIST, "an object of type " + type.GetName() + " is part of this one already");
        }
        if (two->GetObject<Object>(one->GetInstanceTypeId()))
        {
            Fail(-EEXIST,
                 "an object of type " + one->GetInstanceTypeId().GetName() +
                     " is part of the other already");
        }
        one->AggregateObject(two);
    });
}

int
ttb_ns3_object_find(struct ttb_ns3_object* object, const char* type, struct ttb_ns3_object** found)
{
    Clear(found);
    return Call(object, [&]() {
        Need(found, "room for the result");
        Ptr<Object> whole = Resolve(object);
        Ptr<Object> part = whole->GetObject<Object>(FindType(type));
        if (!part)
        {
            Fail(-ENODATA,
                 "this " + whole->GetInstanceTypeId().GetName() + " has no part of type " + type);
        }
        *found = NewHandle(part);
    });
}

int
ttb_ns3_object_release(struct ttb_ns3_object* object)
{
    if (!object)
    {
        return 0;
    }
    return Call(object, [&]() {
        // The object may go with its handle, and what its destructor does may come back here.
        Ptr<Object> kept = Resolve(object);
        GetSimulation()->handles.erase(reinterpret_cast<uintptr_t>(object));
    });
}

int
ttb_ns3_config_set(struct ttb_ns3* ns3, const char* path, const char* value, size_t* count)
{
    return Call(ns3, [&]() {
        std::string name;
        std::vector<PathMatch> matches = LookUpPath(path, name);
        std::vector<Ptr<AttributeValue>> values;
        for (const auto& match : matches)
        {
            TypeId type = match.object->GetInstanceTypeId();
            values.push_back(ParseAttribute(type, name.c_str(), value, false));
        }
        for (std::size_t i = 0; i < matches.size(); i++)
        {
            SetParsed(matches[i].object, name.c_str(), *values[i], value);
        }
        if (count)
        {
            *count = matches.size();
        }
    });
}

int
ttb_ns3_config_find(struct ttb_ns3* ns3,
                    const char* path,
                    struct ttb_ns3_object** objects,
                    size_t max,
                    size_t* count)
{
    return Call(ns3, [&]() {
        Need(count, "room for the number of objects");
        *count = 0;
        if (max)
        {
            Need(objects, "room for the objects");
        }
        SplitPath(path);
        Config::MatchContainer found = Config::LookupMatches(path);
        for (std::size_t i = 0; i < found.GetN() && i < max; i++)
        {
            objects[i] = NewHandle(found.Get(i));
        }
        *count = found.GetN();
    });
}

int
ttb_ns3_name_add(struct ttb_ns3_object* object, const char* name)
{
    return Call(object, [&]() {
        Ptr<Object> target = Resolve(object);
        std::string path = NamePath(name);
        std::string parent = path.substr(0, path.rfind('/'));
        if (Names::Find<Object>(path))
        {
            Fail(-EEXIST, "there is a " + path + " already");
        }
        if (!Names::FindName(target).empty())
        {
            Fail(-EEXIST, "the object is called " + Names::FindPath(target) + " already");
        }
        if (parent != "/Names" && !Names::Find<Object>(parent))
        {
            Fail(-ENOENT, "there is no " + parent + " for " + path + " to be part of");
        }
        Names::Add(path, target);
    });
}

int
ttb_ns3_name_find(struct ttb_ns3* ns3, const char* name, struct ttb_ns3_object** object)
{
    Clear(object);
    return Call(ns3, [&]() {
        Need(object, "room for the result");
        std::string path = NamePath(name);
        Ptr<Object> found = Names::Find<Object>(path);
        if (!found)
        {
            Fail(-ENOENT, "nothing is called " + path);
        }
        *object = NewHandle(found);
    });
}

int
ttb_ns3_object_name(struct ttb_ns3_object* object, char* name, size_t size)
{
    return Call(object, [&]() {
        std::string path = Names::FindPath(Resolve(object));
        if (path.empty())
        {
            Fail(-ENODATA, "the object has no name");
        }
        CopyText(path, "the name", name, size);
    });
}

int
ttb_ns3_random_value(struct ttb_ns3_object* variable, double* value)
{
    return Call(variable, [&]() {
        Need(value, "room for the result");
        *value = AsExactly<RandomVariableStream>(variable)->GetValue();
    });
}
