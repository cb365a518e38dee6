/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file ns3-object.h
 * ns-3 from C: objects, all by name. Include <ttbridge/ns3.h>, which says what holds for all of them.
 *
 *     ttb_ns3_create(ns3, "ns3::RateErrorModel",
 *                    (struct ttb_ns3_attribute[]){{"ErrorRate", "0.001"}, {0}}, &model);
 *     ttb_ns3_object_set(model, "ErrorUnit", "ERROR_UNIT_PACKET");
 *     ttb_ns3_object_set_object(device, "ReceiveErrorModel", model);
 *     ttb_ns3_config_set(ns3, "/NodeList/1/DeviceList/0/$ns3::CsmaNetDevice/Mtu", "9000", NULL);
 */
#ifndef TTBRIDGE_NS3_OBJECT_H
#define TTBRIDGE_NS3_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The simulation; see ns3.h. */
struct ttb_ns3;

/** A handle of an ns3::Object. */
struct ttb_ns3_object;

/**
 * An attribute and its value; lists of them end with a NULL name. Values are written as in ns-3's
 * manual: "100Mbps", "1ms", "10p", "true", "ns3::TcpSocketFactory"; numbers and addresses have to be
 * one from the first character to the last. Where ns-3 takes an address of any kind ("Remote",
 * "RemoteAddress", "Local"), it is written "10.0.0.1", "10.0.0.1:9", "2001:db8::1",
 * "[2001:db8::1]:9" or "02:00:00:00:00:07".
 */
struct ttb_ns3_attribute {
    const char *name;
    const char *value;
};

/** An object to be made: its type and attributes. */
struct ttb_ns3_object_spec {
    const char *type;
    const struct ttb_ns3_attribute *attributes; /**< NULL: none */
};

/**
 * Load a module of ns-3 that this library is not linked with, so that its types are known; e.g.
 * "aodv". Linked are core, network, csma, bridge, internet, applications, mobility, propagation, wifi,
 * olsr, point-to-point, flow-monitor and netanim, and what these need.
 * @return 0, also if it is loaded already; -ENOENT: it is not installed
 */
int ttb_ns3_load_module(struct ttb_ns3 *ns3, const char *module);

/** Load all modules that are installed beside the ones that this library is linked with; takes some
 * 0.1 s. @return 0; -ENOENT: one of them cannot be loaded; the others are */
int ttb_ns3_load_all_modules(struct ttb_ns3 *ns3);

/** Set a default that objects created later begin with: "ns3::CsmaNetDevice::Mtu", "9000".
 * @return as ttb_ns3_object_set() */
int ttb_ns3_set_default(struct ttb_ns3 *ns3, const char *name, const char *value);

/** Read the default of an attribute, e.g. "ns3::CsmaNetDevice::Mtu".
 * @return as ttb_ns3_object_get() */
int ttb_ns3_get_default(struct ttb_ns3 *ns3, const char *name, char *value, size_t size);

/** Set one of ns-3's global values, e.g. "SchedulerType". @return as ttb_ns3_object_set() */
int ttb_ns3_set_global(struct ttb_ns3 *ns3, const char *name, const char *value);

/** Read one of ns-3's global values. @return as ttb_ns3_object_get() */
int ttb_ns3_get_global(struct ttb_ns3 *ns3, const char *name, char *value, size_t size);

/* ---------------------------------------------------------------------------- objects */

/**
 * Create an object by the name of its type.
 * @param attributes  ends with a NULL name; NULL: none
 * @return 0 and *object; -ENOENT: unknown type or attribute; -EINVAL: type without constructor, or
 *         a value that does not suit its attribute
 */
int ttb_ns3_create(struct ttb_ns3 *ns3, const char *type,
                   const struct ttb_ns3_attribute *attributes, struct ttb_ns3_object **object);

/**
 * Set an attribute. The value is checked first: a value that is refused changes nothing.
 * @return 0; -ENOENT: no such attribute; -EPERM: it cannot be set, or only when created; -EINVAL
 */
int ttb_ns3_object_set(struct ttb_ns3_object *object, const char *name, const char *value);

/**
 * Read an attribute as a string: of one that is a pointer, the type of the object, "" if there is
 * none; of one that is a list of objects, their number.
 * @param value  gets the string, zero terminated
 * @return 0; -ENOENT: no such attribute; -EPERM: it cannot be read; -ENOSPC: `size` is too small
 */
int ttb_ns3_object_get(struct ttb_ns3_object *object, const char *name, char *value, size_t size);

/** Copy the name of an object's type, e.g. "ns3::CsmaChannel". @return 0; -ENOSPC */
int ttb_ns3_object_type(struct ttb_ns3_object *object, char *type, size_t size);

/** Give a handle back early; the object lives on as long as ns-3 needs it. NULL is allowed.
 * @return 0; -EBADF: it was given back before */
int ttb_ns3_object_release(struct ttb_ns3_object *object);

/** Put an object into an attribute that is a pointer, e.g. a queue or an error model.
 * @param value  NULL: none any more
 * @return as ttb_ns3_object_set() */
int ttb_ns3_object_set_object(struct ttb_ns3_object *object, const char *name,
                              struct ttb_ns3_object *value);

/** A handle of the object that an attribute points to, e.g. "TxQueue" of a device.
 * @return 0 and *value; -ENODATA: there is none; as ttb_ns3_object_get() */
int ttb_ns3_object_get_object(struct ttb_ns3_object *object, const char *name,
                              struct ttb_ns3_object **value);

/** How many objects an attribute that is a list has, e.g. "DeviceList" of a node.
 * @return 0 and *count; as ttb_ns3_object_get() */
int ttb_ns3_object_get_count(struct ttb_ns3_object *object, const char *name, size_t *count);

/** A handle of one of them. @return 0 and *value; -ERANGE: there are not so many; as above */
int ttb_ns3_object_get_item(struct ttb_ns3_object *object, const char *name, size_t index,
                            struct ttb_ns3_object **value);

/** Make two objects parts of one, as ns-3 says "aggregate": each can be found from the other.
 * @return 0; -EEXIST: there is a part of that type already */
int ttb_ns3_object_aggregate(struct ttb_ns3_object *object, struct ttb_ns3_object *other);

/** A handle of an object's part of a type, e.g. "ns3::Ipv4" of a node.
 * @return 0 and *found; -ENOENT: no such type; -ENODATA: no such part */
int ttb_ns3_object_find(struct ttb_ns3_object *object, const char *type,
                        struct ttb_ns3_object **found);

/* ---------------------------------------------------------------------------- paths and names */

/**
 * Set an attribute of all objects that a path leads to, in ns-3's Config notation:
 * "/NodeList/0/DeviceList/1/$ns3::CsmaNetDevice/Mtu"; "*" and "[1-3]|7" stand for several. Checked for
 * all of them before the first is changed.
 * @param count  gets the number of objects; may be NULL
 * @return 0; -ENOENT: nothing matches; as ttb_ns3_object_set()
 */
int ttb_ns3_config_set(struct ttb_ns3 *ns3, const char *path, const char *value, size_t *count);

/**
 * Handles of all objects that a path leads to.
 * @param objects  gets the first `max` of them
 * @param count    gets the number that there are
 * @return 0, also if there are none
 */
int ttb_ns3_config_find(struct ttb_ns3 *ns3, const char *path, struct ttb_ns3_object **objects,
                        size_t max, size_t *count);

/** Give an object a name: "router", or "router/uplink" below another. Paths can begin with it:
 * "/Names/router/uplink/Mtu". @return 0; -EEXIST: one of the two is taken; -ENOENT: no such parent */
int ttb_ns3_name_add(struct ttb_ns3_object *object, const char *name);

/** A handle of the object of a name. @return 0 and *object; -ENOENT */
int ttb_ns3_name_find(struct ttb_ns3 *ns3, const char *name, struct ttb_ns3_object **object);

/** Copy the name of an object, "/Names/router". @return 0; -ENODATA: it has none; -ENOSPC */
int ttb_ns3_object_name(struct ttb_ns3_object *object, char *name, size_t size);

/* ---------------------------------------------------------------------------- random streams */

/**
 * Give random streams to an object, `first` and those after it, so that what it draws depends on
 * nothing else in the simulation or the process. Devices have streams made from their MAC addresses
 * as they are installed, and the IP stacks of hosts from that of the first device with an address:
 * this is for other choices, and for other objects (channels, error models, mobility models,
 * applications, nodes with all that is aggregated to them).
 * @param first  0 to 2^62
 * @param count  gets the number of streams used; may be NULL
 * @return 0; -EINVAL; -EOPNOTSUPP: objects of its type draw nothing that could be assigned
 */
int ttb_ns3_assign_streams(struct ttb_ns3_object *object, uint64_t first, uint64_t *count);

/** Draw a number from an ns3::RandomVariableStream that ttb_ns3_create() made, e.g.
 * "ns3::ExponentialRandomVariable". @return 0 and *value */
int ttb_ns3_random_value(struct ttb_ns3_object *variable, double *value);

/* ---------------------------------------------------------------------------- what there is */

/** A type. Strings are valid until the function returns that gets it. */
struct ttb_ns3_type_info {
    const char *name;         /**< "ns3::CsmaNetDevice" */
    const char *parent;       /**< "ns3::NetDevice"; "" for the first of all */
    const char *group;        /**< "Csma"; may be "" */
    bool constructible;       /**< ttb_ns3_create() can make one */
    unsigned attribute_count; /**< inherited ones included */
    unsigned trace_count;     /**< the same */
};

/** Gets a type. */
typedef void (*ttb_ns3_type_fn)(void *user, const struct ttb_ns3_type_info *type);

/** Go through all types of the modules that are loaded, by name. @return 0 */
int ttb_ns3_each_type(struct ttb_ns3 *ns3, ttb_ns3_type_fn fn, void *user);

/** An attribute of a type. Strings are valid until the function returns that gets it. */
struct ttb_ns3_attribute_info {
    const char *name;          /**< "Mtu" */
    const char *type;          /**< where it was declared: the type, or one that it inherits from */
    const char *kind;          /**< of its values, and their range: "Uinteger uint16_t 0:65535" */
    const char *default_value; /**< as ttb_ns3_set_default() left it */
    const char *help;          /**< ns-3's description */
    bool at_creation;          /**< can be set by ttb_ns3_create() */
    bool writable;             /**< can be set by ttb_ns3_object_set() */
    bool readable;             /**< can be read */
};

/** Gets an attribute. */
typedef void (*ttb_ns3_attribute_fn)(void *user, const struct ttb_ns3_attribute_info *attribute);

/** Go through a type's attributes, then those that it inherits. @return 0; -ENOENT: no such type */
int ttb_ns3_each_attribute(struct ttb_ns3 *ns3, const char *type, ttb_ns3_attribute_fn fn,
                           void *user);

/** A trace source of a type. Strings are valid until the function returns that gets it. */
struct ttb_ns3_trace_info {
    const char *name;      /**< "MacTx" */
    const char *type;      /**< where it was declared */
    const char *signature; /**< ns-3's name of what it reports: "ns3::Packet::TracedCallback" */
    const char *help;      /**< ns-3's description */
};

/** Gets a trace source. */
typedef void (*ttb_ns3_trace_info_fn)(void *user, const struct ttb_ns3_trace_info *source);

/** Go through a type's trace sources, then those that it inherits. @return 0; -ENOENT: no such type */
int ttb_ns3_each_trace(struct ttb_ns3 *ns3, const char *type, ttb_ns3_trace_info_fn fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
