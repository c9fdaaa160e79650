/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of frames, first in, first out. It never allocates: the link from one frame to the next
 * stands in front of each frame, in the allocation of gasket_frame_new.
 *
 *   GasketFrameQueue queue = {0};
 *   gasket_frame_queue_push_take(&queue, &frame);
 *   frame = gasket_frame_queue_pop(&queue);
 *   gasket_frame_queue_clear(&queue);
 *
 * Not locked: its owner's lock covers it.
 */
#ifndef GASKET_ENGINE_TRANSPORT_QUEUE_H
#define GASKET_ENGINE_TRANSPORT_QUEUE_H

#include "engine/transport.h"

/* What a frame costs beside its payload: allocation, link, header. Counted, so that a flood of
 * empty frames is bounded as well. */
#define GASKET_FRAME_COST 64

typedef struct {
    GasketFrame *first; /* NULL where empty */
    GasketFrame *last;
    size_t n;
    size_t bytes; /* what the n frames cost */
} GasketFrameQueue;

static inline size_t
gasket_frame_cost(const GasketFrame *frame)
{
    return (size_t)frame->length + GASKET_FRAME_COST;
}

/* Appends *frame and sets it to NULL. */
void gasket_frame_queue_push_take(GasketFrameQueue *queue, GasketFrame **frame);

/* Puts *frame before the others and sets it to NULL. */
void gasket_frame_queue_push_front_take(GasketFrameQueue *queue, GasketFrame **frame);

/* The first frame, now the caller's, or NULL. */
GasketFrame *gasket_frame_queue_pop(GasketFrameQueue *queue);

/* Frees every frame. */
void gasket_frame_queue_clear(GasketFrameQueue *queue);

/* Whether n, bytes and last agree with the frames. O(n); for tests. */
bool gasket_frame_queue_check(const GasketFrameQueue *queue);

#endif
