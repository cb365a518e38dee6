/* SPDX-License-Identifier: BSD-3-Clause */
/* What each message of the front end does. One table row per message, one function per row. */
#include "vhost/device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a handler returns: */
enum outcome {
    DONE,    /* acknowledge, if the front end asked for that */
    REFUSED, /* acknowledge with a nonzero status: the front end may go on without */
    REPLIED, /* the reply was the handler's */
    HELD,    /* the acknowledgement waits for ttb__netdev_reply() */
    BROKEN,  /* the device has failed */
};

struct request {
    const char *name;
    enum outcome (*handle)(struct ttb__netdev *netdev, struct ttb__vhost_message *message);
    uint32_t min_bytes, max_bytes; /* of the payload */
    uint32_t max_fds;
    int needs; /* protocol feature that must have been accepted; -1: none */
};

static enum outcome broken(struct ttb__netdev *netdev, const struct ttb__vhost_message *message,
                           const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---------------------------------------------------------------------------------- negotiation */

static enum outcome reply_u64(struct ttb__netdev *netdev, const struct ttb__vhost_message *message,
                              uint64_t value)
{
    ttb__connection_reply(&netdev->connection, message->header.request, &value, sizeof(value));
    return REPLIED;
}

static enum outcome get_features(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    return reply_u64(netdev, message, ttb__netdev_features(netdev));
}

static enum outcome set_features(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    uint64_t surplus = message->payload.u64 & ~ttb__netdev_features(netdev);

    if (surplus)
        return broken(netdev, message, "features 0x%" PRIx64 " were not offered", surplus);
    netdev->features = message->payload.u64;
    return DONE;
}

static enum outcome get_protocol_features(struct ttb__netdev *netdev,
                                          struct ttb__vhost_message *message)
{
    return reply_u64(netdev, message, ttb__netdev_protocol_features(netdev));
}

static enum outcome set_protocol_features(struct ttb__netdev *netdev,
                                          struct ttb__vhost_message *message)
{
    uint64_t surplus = message->payload.u64 & ~ttb__netdev_protocol_features(netdev);

    if (surplus)
        return broken(netdev, message, "protocol features 0x%" PRIx64 " were not offered", surplus);
    netdev->protocol_features = message->payload.u64;
    return DONE;
}

static enum outcome set_owner(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    (void)netdev;
    (void)message;
    return DONE;
}

static enum outcome reset_device(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    (void)message;
    for (unsigned i = 0; i < TTB__QUEUES; i++)
        ttb__queue_reset(&netdev->queues[i]);
    netdev->features = 0;
    netdev->config_changed = false;
    return DONE;
}

static enum outcome get_queue_num(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    return reply_u64(netdev, message, netdev->config.max_virtqueue_pairs);
}

/* --------------------------------------------------------------------------------------- memory */

static enum outcome remap(struct ttb__netdev *netdev)
{
    for (unsigned i = 0; i < TTB__QUEUES; i++) {
        if (netdev->queues[i].running && ttb__queue_remap(&netdev->queues[i]))
            return BROKEN;
    }
    return DONE;
}

static enum outcome set_mem_table(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__vhost_mem_table table = message->payload.table;
    struct ttb__memory made = {0};

    if (table.count > TTB__VHOST_REGIONS_MAX)
        return broken(netdev, message, "%u regions, more than %u", table.count,
                      TTB__VHOST_REGIONS_MAX);
    /* UML sends room for two regions and fills one. */
    if (message->header.size_bytes < 8 + table.count * sizeof(table.regions[0]))
        return broken(netdev, message, "%u regions in a payload of %u bytes", table.count,
                      message->header.size_bytes);
    if (message->fd_count != table.count)
        return broken(netdev, message, "%u regions, but %zu descriptors", table.count,
                      message->fd_count);
    for (unsigned i = 0; i < table.count; i++) {
        if (ttb__memory_add(&made, &table.regions[i], message->fds[i], &netdev->error)) {
            ttb__memory_clear(&made);
            return broken(netdev, message, "region %u: %s", i, netdev->error.text);
        }
    }
    ttb__memory_clear(&netdev->memory);
    netdev->memory = made;
    return remap(netdev);
}

static enum outcome get_max_mem_slots(struct ttb__netdev *netdev,
                                      struct ttb__vhost_message *message)
{
    return reply_u64(netdev, message, TTB__VHOST_REGIONS_MAX);
}

static enum outcome add_mem_reg(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__vhost_region region = message->payload.reg.region;

    if (message->fd_count != 1)
        return broken(netdev, message, "1 region, but %zu descriptors", message->fd_count);
    if (ttb__memory_add(&netdev->memory, &region, message->fds[0], &netdev->error))
        return broken(netdev, message, "%s", netdev->error.text);
    return DONE;
}

static enum outcome rem_mem_reg(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__vhost_region region = message->payload.reg.region;

    if (ttb__memory_remove(&netdev->memory, &region, &netdev->error))
        return broken(netdev, message, "%s", netdev->error.text);
    return remap(netdev);
}

/* --------------------------------------------------------------------------------------- queues */

static struct ttb__queue *find_queue(struct ttb__netdev *netdev, struct ttb__vhost_message *message,
                                     uint64_t index)
{
    if (index < TTB__QUEUES)
        return &netdev->queues[index];
    broken(netdev, message, "queue %" PRIu64 " of %u", index, TTB__QUEUES);
    return NULL;
}

/* The queue of a message that is out of place while it runs. */
static struct ttb__queue *find_stopped(struct ttb__netdev *netdev,
                                       struct ttb__vhost_message *message, uint32_t index)
{
    struct ttb__queue *queue = find_queue(netdev, message, index);

    if (!queue || !queue->running)
        return queue;
    broken(netdev, message, "queue %u is running", index);
    return NULL;
}

static enum outcome set_vring_num(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__vhost_vring_state state = message->payload.state;
    struct ttb__queue *queue = find_stopped(netdev, message, state.index);

    if (!queue)
        return BROKEN;
    if (state.num == 0 || state.num > TTB__RING_NUM_MAX || (state.num & (state.num - 1)))
        return broken(netdev, message, "queue %u: size %u is no power of two up to %u", state.index,
                      state.num, TTB__RING_NUM_MAX);
    queue->ring.num = state.num;
    return DONE;
}

static enum outcome set_vring_addr(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__vhost_vring_addr addr = message->payload.addr;
    struct ttb__queue *queue = find_queue(netdev, message, addr.index);

    if (!queue)
        return BROKEN;
    if (addr.flags & TTB__VHOST_ADDR_LOG)
        return broken(netdev, message, "queue %u: logging was not offered", addr.index);
    queue->ring.desc_addr = addr.desc;
    queue->ring.avail_addr = addr.avail;
    queue->ring.used_addr = addr.used;
    queue->ring.has_addr = true;
    return queue->running && ttb__queue_remap(queue) ? BROKEN : DONE;
}

static enum outcome set_vring_base(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__vhost_vring_state state = message->payload.state;
    struct ttb__queue *queue = find_stopped(netdev, message, state.index);

    if (!queue)
        return BROKEN;
    if (state.num > UINT16_MAX)
        return broken(netdev, message, "queue %u: index %u is above 65535", state.index, state.num);
    queue->ring.next_avail = (uint16_t)state.num;
    return DONE;
}

static enum outcome get_vring_base(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__vhost_vring_state state = message->payload.state;
    struct ttb__queue *queue = find_queue(netdev, message, state.index);

    if (!queue)
        return BROKEN;
    queue->started = false;
    if (ttb__queue_update(queue) || ttb__queue_set_kick_fd(queue, -1))
        return BROKEN;
    state.num = queue->ring.next_avail;
    ttb__connection_reply(&netdev->connection, message->header.request, &state, sizeof(state));
    return REPLIED;
}

/* The parts that SET_VRING_KICK, CALL and ERR have in common. */
static struct ttb__queue *find_for_fd(struct ttb__netdev *netdev,
                                      struct ttb__vhost_message *message, int *fd)
{
    uint64_t value = message->payload.u64;
    bool has_fd = !(value & TTB__VHOST_NO_FD);
    struct ttb__queue *queue;

    if (value & ~(uint64_t)(TTB__VHOST_INDEX_MASK | TTB__VHOST_NO_FD)) {
        broken(netdev, message, "unknown bits in 0x%" PRIx64, value);
        return NULL;
    }
    queue = find_queue(netdev, message, value & TTB__VHOST_INDEX_MASK);
    if (!queue)
        return NULL;
    if (message->fd_count != (has_fd ? 1 : 0)) {
        broken(netdev, message, "queue %u: value 0x%" PRIx64 " with %zu descriptors",
               ttb__queue_index(queue), value, message->fd_count);
        return NULL;
    }
    *fd = has_fd ? message->fds[0] : -1;
    return queue;
}

static enum outcome fd_refused(struct ttb__netdev *netdev, struct ttb__vhost_message *message,
                               struct ttb__queue *queue, int rc)
{
    return broken(netdev, message,
                  "queue %u: descriptor is no event descriptor, pipe or socket: %s",
                  ttb__queue_index(queue), strerror(-rc));
}

static enum outcome set_vring_kick(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__queue *queue;
    int fd, rc;

    queue = find_for_fd(netdev, message, &fd);
    if (!queue)
        return BROKEN;
    if (fd >= 0 && ttb__netdev_has_protocol(netdev, TTB__VHOST_P_INBAND_NOTIFICATIONS))
        return broken(netdev, message, "queue %u: a descriptor, though kicks are in-band",
                      ttb__queue_index(queue));
    rc = ttb__queue_set_kick_fd(queue, fd);
    if (rc)
        return fd_refused(netdev, message, queue, rc);
    if (fd >= 0)
        message->fds[0] = -1;
    queue->started = true;
    if (!ttb__netdev_has(netdev, TTB__VHOST_F_PROTOCOL_FEATURES))
        queue->enabled = true;
    if (ttb__queue_update(queue))
        return BROKEN;
    /* The driver may have made chains available before; and without a descriptor we poll. */
    if (queue->running && netdev->wall_clock)
        ttb__netdev_resume_later(netdev);
    return DONE;
}

static enum outcome set_vring_call(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__queue *queue;
    int fd, rc;

    queue = find_for_fd(netdev, message, &fd);
    if (!queue)
        return BROKEN;
    rc = ttb__queue_set_call_fd(queue, fd);
    if (rc)
        return fd_refused(netdev, message, queue, rc);
    if (fd >= 0) {
        message->fds[0] = -1;
        /* A call may have gone to the descriptor before this one. */
        if (queue->running)
            ttb__queue_notify_fd(fd);
    }
    return DONE;
}

static enum outcome set_vring_err(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__queue *queue;
    int fd, rc;

    queue = find_for_fd(netdev, message, &fd);
    if (!queue)
        return BROKEN;
    rc = ttb__queue_set_err_fd(queue, fd);
    if (rc)
        return fd_refused(netdev, message, queue, rc);
    if (fd >= 0)
        message->fds[0] = -1;
    return DONE;
}

static enum outcome serve(struct ttb__netdev *netdev, struct ttb__queue *queue)
{
    return ttb__netdev_serve(netdev, queue) ? HELD : DONE;
}

/* True if chains wait that the driver made available while the queue did not run. UML's driver
 * swallows the kicks of a suspended queue and does not repeat them (vu_notify()). */
static bool has_left_over(struct ttb__netdev *netdev, struct ttb__queue *queue)
{
    struct ttb__memory_guard guard;
    bool yes;

    ttb__memory_enter(&guard, &netdev->memory);
    yes = ttb__virtqueue_has_avail(&queue->ring);
    if (ttb__memory_leave(&guard, &netdev->error))
        ttb__netdev_fail(netdev, -EFAULT, "%s", netdev->error.text);
    return yes;
}

static enum outcome set_vring_enable(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__vhost_vring_state state = message->payload.state;
    struct ttb__queue *queue = find_queue(netdev, message, state.index);

    if (!queue)
        return BROKEN;
    if (state.num > 1)
        return broken(netdev, message, "queue %u: value %u is neither 0 nor 1", state.index,
                      state.num);
    queue->enabled = state.num;
    /* In-band there is no SET_VRING_KICK that would start it. */
    if (queue->enabled && ttb__netdev_has_protocol(netdev, TTB__VHOST_P_INBAND_NOTIFICATIONS))
        queue->started = true;
    if (queue->running == (queue->enabled && queue->started))
        return DONE;
    if (ttb__queue_update(queue))
        return BROKEN;
    if (!queue->running)
        return DONE;
    if (netdev->wall_clock)
        ttb__netdev_resume_later(netdev);
    else if (ttb__queue_index(queue) == TTB__TX && has_left_over(netdev, queue))
        return serve(netdev, queue);
    return DONE;
}

static enum outcome vring_kick(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__queue *queue = find_queue(netdev, message, message->payload.state.index);

    if (!queue)
        return BROKEN;
    netdev->stats.kicks++;
    return serve(netdev, queue);
}

/* --------------------------------------------------------------------------------- configuration */

static enum outcome get_config(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__vhost_config config = message->payload.config;
    uint8_t space[TTB__VHOST_CONFIG_MAX] = {0};

    if (config.offset > sizeof(space) || config.size_bytes > sizeof(space) - config.offset ||
        message->header.size_bytes != TTB__VHOST_CONFIG_HEADER + config.size_bytes)
        return broken(netdev, message, "offset %u and size %u in a payload of %u bytes",
                      config.offset, config.size_bytes, message->header.size_bytes);
    memcpy(space, &netdev->config, sizeof(netdev->config));
    memcpy(config.data, space + config.offset, config.size_bytes);
    ttb__connection_reply(&netdev->connection, message->header.request, &config,
                          TTB__VHOST_CONFIG_HEADER + config.size_bytes);
    return REPLIED;
}

static enum outcome set_config(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    struct ttb__vhost_config config = message->payload.config;

    if (config.offset > TTB__VHOST_CONFIG_MAX ||
        config.size_bytes > TTB__VHOST_CONFIG_MAX - config.offset ||
        message->header.size_bytes != TTB__VHOST_CONFIG_HEADER + config.size_bytes)
        return broken(netdev, message, "offset %u and size %u in a payload of %u bytes",
                      config.offset, config.size_bytes, message->header.size_bytes);
    /* A legacy driver sets its MAC address by writing it, byte by byte (virtio 1.2, 5.1.4.1). Nothing
     * else can be written. */
    if (ttb__netdev_has(netdev, TTB__VIRTIO_F_VERSION_1) ||
        config.offset + config.size_bytes > sizeof(netdev->config.mac))
        return REFUSED;
    memcpy(netdev->config.mac + config.offset, config.data, config.size_bytes);
    return DONE;
}

static enum outcome set_backend_req_fd(struct ttb__netdev *netdev,
                                       struct ttb__vhost_message *message)
{
    int rc;

    if (message->fd_count != 1)
        return broken(netdev, message, "%zu descriptors, expected 1", message->fd_count);
    if (netdev->connection.outstanding)
        return broken(netdev, message, "%u calls on the old channel are unanswered",
                      netdev->connection.outstanding);
    rc = ttb__connection_set_backend(&netdev->connection, message->fds[0]);
    if (rc)
        return broken(netdev, message, "descriptor is no socket that replies can come from: %s",
                      strerror(-rc));
    message->fds[0] = -1;
    return DONE;
}

static enum outcome send_rarp(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    ttb__netdev_send_rarp(netdev, message->payload.bytes);
    return DONE;
}

static enum outcome net_set_mtu(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    /* The guest's may be smaller than the port's, which stays the limit. */
    return message->payload.u64 >= 68 && message->payload.u64 <= netdev->mtu ? DONE : REFUSED;
}

/* Nothing here is migrated: the dirty log was not offered. */
static enum outcome set_log(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    (void)netdev;
    (void)message;
    return REFUSED;
}

/* ------------------------------------------------------------------------------------- dispatch */

#define NOTHING  0, 0
#define U64      8, 8
#define STATE    sizeof(struct ttb__vhost_vring_state), sizeof(struct ttb__vhost_vring_state)
#define ADDR     sizeof(struct ttb__vhost_vring_addr), sizeof(struct ttb__vhost_vring_addr)
#define TABLE    8, sizeof(struct ttb__vhost_mem_table)
#define REGION   sizeof(struct ttb__vhost_mem_reg), sizeof(struct ttb__vhost_mem_reg)
#define CONFIG   TTB__VHOST_CONFIG_HEADER, sizeof(struct ttb__vhost_config)
#define ANYTHING 0, TTB__VHOST_PAYLOAD_MAX
#define NO_FDS   0
#define ALWAYS   -1

static const struct request requests[] = {
    [TTB__VHOST_GET_FEATURES] = {"GET_FEATURES", get_features, NOTHING, NO_FDS, ALWAYS},
    [TTB__VHOST_SET_FEATURES] = {"SET_FEATURES", set_features, U64, NO_FDS, ALWAYS},
    [TTB__VHOST_SET_OWNER] = {"SET_OWNER", set_owner, NOTHING, NO_FDS, ALWAYS},
    [TTB__VHOST_RESET_OWNER] = {"RESET_OWNER", reset_device, NOTHING, NO_FDS, ALWAYS},
    [TTB__VHOST_SET_MEM_TABLE] = {"SET_MEM_TABLE", set_mem_table, TABLE, TTB__VHOST_REGIONS_MAX,
                                  ALWAYS},
    [TTB__VHOST_SET_LOG_BASE] = {"SET_LOG_BASE", set_log, ANYTHING, 1, ALWAYS},
    [TTB__VHOST_SET_LOG_FD] = {"SET_LOG_FD", set_log, ANYTHING, 1, ALWAYS},
    [TTB__VHOST_SET_VRING_NUM] = {"SET_VRING_NUM", set_vring_num, STATE, NO_FDS, ALWAYS},
    [TTB__VHOST_SET_VRING_ADDR] = {"SET_VRING_ADDR", set_vring_addr, ADDR, NO_FDS, ALWAYS},
    [TTB__VHOST_SET_VRING_BASE] = {"SET_VRING_BASE", set_vring_base, STATE, NO_FDS, ALWAYS},
    [TTB__VHOST_GET_VRING_BASE] = {"GET_VRING_BASE", get_vring_base, STATE, NO_FDS, ALWAYS},
    [TTB__VHOST_SET_VRING_KICK] = {"SET_VRING_KICK", set_vring_kick, U64, 1, ALWAYS},
    [TTB__VHOST_SET_VRING_CALL] = {"SET_VRING_CALL", set_vring_call, U64, 1, ALWAYS},
    [TTB__VHOST_SET_VRING_ERR] = {"SET_VRING_ERR", set_vring_err, U64, 1, ALWAYS},
    [TTB__VHOST_GET_PROTOCOL_FEATURES] = {"GET_PROTOCOL_FEATURES", get_protocol_features, NOTHING,
                                          NO_FDS, ALWAYS},
    [TTB__VHOST_SET_PROTOCOL_FEATURES] = {"SET_PROTOCOL_FEATURES", set_protocol_features, U64,
                                          NO_FDS, ALWAYS},
    [TTB__VHOST_GET_QUEUE_NUM] = {"GET_QUEUE_NUM", get_queue_num, NOTHING, NO_FDS, ALWAYS},
    [TTB__VHOST_SET_VRING_ENABLE] = {"SET_VRING_ENABLE", set_vring_enable, STATE, NO_FDS, ALWAYS},
    [TTB__VHOST_SEND_RARP] = {"SEND_RARP", send_rarp, U64, NO_FDS, TTB__VHOST_P_RARP},
    [TTB__VHOST_NET_SET_MTU] = {"NET_SET_MTU", net_set_mtu, U64, NO_FDS, TTB__VHOST_P_NET_MTU},
    [TTB__VHOST_SET_BACKEND_REQ_FD] = {"SET_BACKEND_REQ_FD", set_backend_req_fd, ANYTHING, 1,
                                       TTB__VHOST_P_BACKEND_REQ},
    [TTB__VHOST_GET_CONFIG] = {"GET_CONFIG", get_config, CONFIG, NO_FDS, TTB__VHOST_P_CONFIG},
    [TTB__VHOST_SET_CONFIG] = {"SET_CONFIG", set_config, CONFIG, NO_FDS, TTB__VHOST_P_CONFIG},
    [TTB__VHOST_RESET_DEVICE] = {"RESET_DEVICE", reset_device, NOTHING, NO_FDS,
                                 TTB__VHOST_P_RESET_DEVICE},
    [TTB__VHOST_VRING_KICK] = {"VRING_KICK", vring_kick, STATE, NO_FDS,
                               TTB__VHOST_P_INBAND_NOTIFICATIONS},
    [TTB__VHOST_GET_MAX_MEM_SLOTS] = {"GET_MAX_MEM_SLOTS", get_max_mem_slots, NOTHING, NO_FDS,
                                      TTB__VHOST_P_CONFIGURE_MEM_SLOTS},
    [TTB__VHOST_ADD_MEM_REG] = {"ADD_MEM_REG", add_mem_reg, REGION, 1,
                                TTB__VHOST_P_CONFIGURE_MEM_SLOTS},
    [TTB__VHOST_REM_MEM_REG] = {"REM_MEM_REG", rem_mem_reg, REGION, 1,
                                TTB__VHOST_P_CONFIGURE_MEM_SLOTS},
};

static const struct request *find_request(uint32_t number)
{
    if (number >= sizeof(requests) / sizeof(requests[0]) || !requests[number].handle)
        return NULL;
    return &requests[number];
}

static enum outcome broken(struct ttb__netdev *netdev, const struct ttb__vhost_message *message,
                           const char *format, ...)
{
    const struct request *request = find_request(message->header.request);
    struct ttb__error why;
    va_list args;

    va_start(args, format);
    vsnprintf(why.text, sizeof(why.text), format, args);
    va_end(args);
    if (request)
        ttb__netdev_fail(netdev, -EPROTO, "%s: %s", request->name, why.text);
    else
        ttb__netdev_fail(netdev, -EPROTO, "message %u: %s", message->header.request, why.text);
    return BROKEN;
}

static enum outcome handle(struct ttb__netdev *netdev, struct ttb__vhost_message *message)
{
    const struct request *request = find_request(message->header.request);
    uint32_t flags = message->header.flags, size_bytes = message->header.size_bytes;

    if ((flags & TTB__VHOST_VERSION_MASK) != TTB__VHOST_VERSION || (flags & TTB__VHOST_REPLY))
        return broken(netdev, message, "flags 0x%x are not those of a request of version 1", flags);
    if (!request || (request->needs >= 0 && !ttb__netdev_has_protocol(netdev, request->needs))) {
        /* Whoever waits for an acknowledgement is told no. Others might wait for ever. */
        if ((flags & TTB__VHOST_NEED_REPLY) &&
            ttb__netdev_has_protocol(netdev, TTB__VHOST_P_REPLY_ACK))
            return REFUSED;
        return broken(netdev, message, "belongs to a protocol feature that was not accepted");
    }
    if (size_bytes < request->min_bytes || size_bytes > request->max_bytes)
        return broken(netdev, message, "a payload of %u bytes, expected %u to %u", size_bytes,
                      request->min_bytes, request->max_bytes);
    if (message->fd_count > request->max_fds)
        return broken(netdev, message, "%zu descriptors, expected at most %u", message->fd_count,
                      request->max_fds);
    return request->handle(netdev, message);
}

void ttb__netdev_on_message(void *user, struct ttb__vhost_message *message)
{
    struct ttb__netdev *netdev = user;
    enum outcome outcome = handle(netdev, message);
    uint64_t status = outcome == REFUSED;

    if (outcome == REPLIED || outcome == BROKEN)
        return;
    if (!(message->header.flags & TTB__VHOST_NEED_REPLY) ||
        !ttb__netdev_has_protocol(netdev, TTB__VHOST_P_REPLY_ACK))
        return;
    if (outcome == HELD) {
        netdev->reply_held = true;
        netdev->reply_request = message->header.request;
        ttb__connection_pause(&netdev->connection, true);
        return;
    }
    ttb__connection_reply(&netdev->connection, message->header.request, &status, sizeof(status));
}
