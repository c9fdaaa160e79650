/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames and queues of frames.
 *
 *   | next 8 | type 4 | length 4 | payload ... |      one malloc, aligned to 16
 *            ^ GasketFrame *     ^ aligned to 16
 *
 * Invariants of a queue:
 *   1. first == NULL exactly where n == 0; last is then without meaning.
 *   2. Following next from first passes n frames and ends at last, whose next is NULL.
 *   3. bytes is the sum of their gasket_frame_cost.
 *
 * Cost: every operation O(1), but for _clear and _check.
 */
#include "engine/transport_queue.h"

#include <stdlib.h>

typedef struct {
    GasketFrame *next;
} Link;

static Link *
link_of(const GasketFrame *frame)
{
    return (Link *)((char *)(uintptr_t)frame - sizeof(Link));
}

GasketFrame *
gasket_frame_new(uint32_t type, uint32_t length, GError **error)
{
    g_assert(length <= GASKET_FRAME_MAX);
    Link *link = malloc(sizeof(Link) + sizeof(GasketFrame) + length);
    if (link == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "there is no memory for a frame of %u bytes", length);
        return NULL;
    }
    GasketFrame *frame = (GasketFrame *)(link + 1);
    link->next = NULL;
    frame->type = type;
    frame->length = length;
    return frame;
}

void
gasket_frame_free(GasketFrame *frame)
{
    if (frame != NULL)
        free(link_of(frame));
}

void
gasket_frame_queue_push_take(GasketFrameQueue *queue, GasketFrame **frame)
{
    GasketFrame *taken = g_steal_pointer(frame);
    link_of(taken)->next = NULL;
    if (queue->first == NULL)
        queue->first = taken;
    else
        link_of(queue->last)->next = taken;
    queue->last = taken;
    queue->n++;
    queue->bytes += gasket_frame_cost(taken);
}

void
gasket_frame_queue_push_front_take(GasketFrameQueue *queue, GasketFrame **frame)
{
    GasketFrame *taken = g_steal_pointer(frame);
    link_of(taken)->next = queue->first;
    if (queue->first == NULL)
        queue->last = taken;
    queue->first = taken;
    queue->n++;
    queue->bytes += gasket_frame_cost(taken);
}

GasketFrame *
gasket_frame_queue_pop(GasketFrameQueue *queue)
{
    GasketFrame *frame = queue->first;
    if (frame == NULL)
        return NULL;
    queue->first = link_of(frame)->next;
    link_of(frame)->next = NULL;
    queue->n--;
    queue->bytes -= gasket_frame_cost(frame);
    return frame;
}

void
gasket_frame_queue_clear(GasketFrameQueue *queue)
{
    for (GasketFrame *frame; (frame = gasket_frame_queue_pop(queue)) != NULL;)
        gasket_frame_free(frame);
}

bool
gasket_frame_queue_check(const GasketFrameQueue *queue)
{
    size_t n = 0, bytes = 0;
    const GasketFrame *last = NULL;
    for (const GasketFrame *frame = queue->first; frame != NULL; frame = link_of(frame)->next) {
        n++;
        bytes += gasket_frame_cost(frame);
        last = frame;
    }
    return n == queue->n && bytes == queue->bytes && (n == 0 || last == queue->last);
}
