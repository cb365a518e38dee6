/* SPDX-License-Identifier: BSD-3-Clause */
#include "run/queues.h"

#include <stddef.h>

void ttb__queues_settle(struct ttb__queues *queues)
{
    struct ttb__queue *queue = queues->first;

    queues->first = NULL;
    for (; queue; queue = queue->next) {
        const struct ttb_trace_record record = {
            .kind = TTB_TRACE_QUEUE,
            .time_ns = queues->time_ns,
            .node = TTB_TRACE_NONE,
            .queue = {.place = queue->place, .frames = queue->frames},
        };

        queue->is_noted = false;
        if (queues->writer && queue->frames != queue->recorded_frames)
            ttb_trace_write(queues->writer, &record);
        queue->recorded_frames = queue->frames;
    }
}

void ttb__queues_settle_before(struct ttb__queues *queues, uint64_t time_ns)
{
    if (queues->first && queues->time_ns < time_ns)
        ttb__queues_settle(queues);
}

void ttb__queues_note(struct ttb__queues *queues, struct ttb__queue *queue, uint64_t time_ns,
                      uint32_t frames)
{
    ttb__queues_settle_before(queues, time_ns);
    queue->frames = frames;
    queues->time_ns = time_ns;
    if (queue->is_noted)
        return;
    queue->is_noted = true;
    queue->next = NULL;
    *(queues->first ? queues->end : &queues->first) = queue;
    queues->end = &queue->next;
}
