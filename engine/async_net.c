/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous engine's network life: thread 0's. See async_net.h. */
#include "engine/async_net.h"

#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/edge_values.h"

#define FRAME_AGE_US ((int64_t)1000) /* of the first change, when a frame is cut at the latest */
#define FRAME_DIRTY  8192            /* changes that are enough for a frame of small values */

/* ---- before the first phase ------------------------------------------------------------------ */

static bool
init_changes(GasketAsyncChanges *changes, const uint64_t *begin, uint64_t base, uint64_t n,
             GError **error)
{
    changes->n = n;
    changes->begin = begin;
    changes->base = base;
    changes->dirty = gasket_array_new(n / 64 + 1, sizeof *changes->dirty, error);
    if (changes->dirty == NULL)
        return false;
    changes->weight = gasket_array_new(n + 1, 1, error);
    return changes->weight != NULL;
}

/* Who reads each boundary vertex: the transpose of what is sent to each. */
static bool
init_readers(GasketAsync *async, unsigned k, GError **error)
{
    GasketAsyncNet *net = async->net;
    const GasketPartKind *part = async->kinds[k].part;
    unsigned size = async->run->part->size;

    uint64_t *begin = net->reader_begin[k] =
        gasket_array_new((uint64_t)part->n_boundary + 2, sizeof *begin, error);
    if (begin == NULL)
        return false;
    GasketAsyncReader *readers = net->readers[k] =
        gasket_array_new(part->send_begin[size], sizeof *readers, error);
    if (readers == NULL)
        return false;
    for (uint64_t i = 0; i < part->send_begin[size]; i++)
        begin[part->send[i] + 2]++;
    for (uint32_t v = 0; v < part->n_boundary; v++)
        begin[v + 2] += begin[v + 1];
    for (unsigned p = 0; p < size; p++)
        for (uint64_t i = part->send_begin[p]; i < part->send_begin[p + 1]; i++)
            readers[begin[part->send[i] + 1]++] = (GasketAsyncReader){p, (uint32_t)i};
    return true;
}

/* Which vertices' rows name ghosts. */
static bool
init_remote(GasketAsync *async, unsigned k, GError **error)
{
    const GasketAsyncKind *kind = &async->kinds[k];
    uint32_t n = kind->part->n_owned;
    uint64_t *remote = async->net->remote[k] =
        gasket_array_new(gasket_bitset_words(n), sizeof *remote, error);

    if (remote == NULL)
        return false;
    for (unsigned s = 0; kind->program != NULL && s < kind->program->n_rows; s++) {
        uint32_t n_other = async->kinds[kind->neighbour_kind[s]].part->n_owned;
        for (uint32_t v = 0; v < n; v++)
            for (uint64_t e = kind->offset[s][v]; e < kind->offset[s][v + 1]; e++)
                if (kind->rows[s].neighbour[e] >= n_other) {
                    gasket_bitset_add(remote, v);
                    break;
                }
    }
    return true;
}

static void
note_size(GasketAsyncNet *net, uint64_t size)
{
    net->enough = MIN(net->enough, GASKET_BULK_BYTES / MAX(size, 1));
    net->enough = MAX(net->enough, 1);
}

/* A value must fit into a frame. */
static bool
check_sizes(GasketAsyncNet *net, const GasketAsyncKind *kind, GError **error)
{
    const GasketKindData *data = kind->data;
    uint64_t largest = data->value_size;

    for (uint32_t v = 0; data->value_begin != NULL && v < kind->part->n_local; v++)
        largest = MAX(largest, data->value_begin[v + 1] - data->value_begin[v]);
    note_size(net, largest);
    if (largest <= GASKET_EDGE_VALUE_MAX)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "values of %" G_GUINT64_FORMAT
                " bytes are too large for the engine async on several workers",
                largest);
    return false;
}

static bool
init_kind(GasketAsync *async, unsigned k, GError **error)
{
    const GasketAsyncKind *kind = &async->kinds[k];
    GasketAsyncNet *net = async->net;

    if (!init_remote(async, k, error))
        return false;
    if (kind->program != NULL && kind->publishes &&
        (!check_sizes(net, kind, error) || !init_readers(async, k, error) ||
         !init_changes(&net->values[k], kind->part->send_begin, 0,
                       kind->part->send_begin[async->run->part->size], error)))
        return false;
    for (unsigned s = 0; kind->program != NULL && s < kind->program->n_rows; s++) {
        const GasketWaker *waker = kind->rows[s].waker;
        if (waker == NULL || net->edges[waker->index].dirty != NULL)
            continue;
        const GasketEdgeValues *values = &async->run->rows[waker->index].values;
        note_size(net, values->size);
        if (!init_changes(&net->edges[waker->index], values->outbox_begin, values->n_entries,
                          values->n_slots - values->n_entries, error))
            return false;
    }
    return true;
}

bool
gasket_async_net_init(GasketAsync *async, GError **error)
{
    unsigned size = async->run->part->size;

    if (size == 1)
        return true;
    GasketAsyncNet *net = async->net = g_new0(GasketAsyncNet, 1);
    net->transport = gasket_exchange_transport(async->run->exchange);
    net->enough = FRAME_DIRTY;
    net->peers = g_new0(GasketAsyncPeer, size);
    net->values = g_new0(GasketAsyncChanges, async->n_kinds);
    net->edges = g_new0(GasketAsyncChanges, (size_t)2 * async->run->part->n_relations);
    net->reader_begin = g_new0(uint64_t *, async->n_kinds);
    net->readers = g_new0(GasketAsyncReader *, async->n_kinds);
    net->remote = g_new0(uint64_t *, async->n_kinds);
    net->scopes = g_hash_table_new(g_int64_hash, g_int64_equal);
    for (unsigned p = 0; p < size; p++)
        net->peers[p].guests =
            g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, gasket_array_free);
    gasket_termination_init(&net->termination, async->run->part->rank, size);
    for (unsigned k = 0; k < async->n_kinds; k++)
        if (!init_kind(async, k, error))
            return false;
    return true;
}

void
gasket_async_net_clear(GasketAsync *async)
{
    GasketAsyncNet *net = async->net;

    if (net == NULL)
        return;
    for (unsigned p = 0; p < async->run->part->size; p++) {
        gasket_frame_queue_clear(&net->peers[p].out);
        gasket_frame_queue_clear(&net->peers[p].control);
        gasket_frame_free(net->peers[p].scopes);
        g_hash_table_unref(net->peers[p].guests);
    }
    for (unsigned i = 0; i < 2 * async->run->part->n_relations; i++) {
        gasket_array_free(net->edges[i].dirty);
        gasket_array_free(net->edges[i].weight);
    }
    for (unsigned k = 0; k < async->n_kinds; k++) {
        gasket_array_free(net->values[k].dirty);
        gasket_array_free(net->values[k].weight);
        gasket_array_free(net->reader_begin[k]);
        gasket_array_free(net->readers[k]);
        gasket_array_free(net->remote[k]);
    }
    g_hash_table_unref(net->scopes);
    gasket_termination_clear(&net->termination);
    g_free(net->peers);
    g_free(net->values);
    g_free(net->edges);
    g_free(net->reader_begin);
    g_free(net->readers);
    g_free(net->remote);
    g_free(net);
    async->net = NULL;
}

void
gasket_async_net_begin(GasketAsync *async)
{
    GasketAsyncNet *net = async->net;

    if (net == NULL)
        return;
    gasket_termination_clear(&net->termination);
    gasket_termination_init(&net->termination, async->run->part->rank, async->run->part->size);
    for (unsigned p = 0; p < async->run->part->size; p++) {
        net->peers[p].ended = p == async->run->part->rank;
        net->peers[p].dirty_since_us = -1;
        net->peers[p].slow = false;
    }
}

/* ---- receiving ------------------------------------------------------------------------------- */

GasketFrame *
gasket_async_frame_new(GasketAsync *async, GasketAsyncSection section, uint32_t index,
                       uint32_t n_body, GError **error)
{
    uint32_t length = (uint32_t)sizeof(GasketAsyncHeader) + n_body;
    GasketFrame *frame = gasket_frame_new(GASKET_WIRE_ASYNC, length, error);

    if (frame == NULL)
        return NULL;
    *gasket_async_frame_header(frame) = (GasketAsyncHeader){section, index, 0};
    gasket_termination_sent(&async->net->termination, 1);
    return frame;
}

static bool
take_control(GasketAsync *async, unsigned p, GError **error)
{
    GasketAsyncNet *net = async->net;

    while (!gasket_termination_is_over(&net->termination)) {
        g_autoptr(GasketFrame) frame = NULL;
        GasketTerminationMessage message;
        if (!gasket_transport_receive(net->transport, p, GASKET_CHANNEL_CONTROL, &frame, error))
            return false;
        if (frame == NULL)
            return true;
        if (frame->type != GASKET_WIRE_TERMINATION || frame->length != sizeof message)
            return gasket_exchange_refuse(p, "a control frame out of place", error);
        memcpy(&message, frame->payload, sizeof message);
        if (!gasket_termination_take(&net->termination, p, &message, error))
            return false;
    }
    return true;
}

static bool
take_bulk(GasketAsync *async, unsigned p, GError **error)
{
    GasketAsyncNet *net = async->net;

    while (!net->peers[p].ended) {
        g_autoptr(GasketFrame) frame = NULL;
        if (!gasket_transport_receive(net->transport, p, GASKET_CHANNEL_BULK, &frame, error))
            return false;
        if (frame == NULL)
            return true;
        if (frame->type == GASKET_WIRE_ROUND) { /* it has heard the verdict before this rank */
            net->peers[p].ended = true;
            gasket_exchange_put_back_take(async->run->exchange, p, &frame);
            return true;
        }
        if (frame->type != GASKET_WIRE_ASYNC)
            return gasket_exchange_refuse(p, "a frame that is not of an asynchronous run", error);
        if (!gasket_async_take(async, p, frame, error))
            return false;
        gasket_termination_received(&net->termination, 1);
    }
    return true;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Hands over frames until one is refused. */
static bool
send_queue(GasketAsync *async, unsigned p, GasketChannel channel, GasketFrameQueue *queue,
           GError **error)
{
    while (queue->n > 0) {
        GasketFrame *frame = gasket_frame_queue_pop(queue);
        bool sent = false;
        if (!gasket_transport_try_send(async->net->transport, p, channel, &frame, &sent, error)) {
            gasket_frame_free(frame);
            return false;
        }
        if (!sent) {
            gasket_frame_queue_push_front_take(queue, &frame);
            async->net->peers[p].slow = true;
            return true;
        }
    }
    return true;
}

/* Whether a peer's changes should go now. */
static bool
is_due(GasketAsyncPeer *peer, uint64_t enough, bool at_once, int64_t now)
{
    uint64_t n = atomic_load_explicit(&peer->n_dirty, memory_order_acquire);

    if (n == 0) {
        peer->dirty_since_us = -1;
        return false;
    }
    if (peer->dirty_since_us < 0)
        peer->dirty_since_us = now;
    return peer->out.n == 0 &&
           (at_once || n >= enough || now - peer->dirty_since_us >= FRAME_AGE_US);
}

static bool
send_to(GasketAsync *async, unsigned p, bool at_once, int64_t now, GError **error)
{
    GasketAsyncPeer *peer = &async->net->peers[p];

    if (!send_queue(async, p, GASKET_CHANNEL_BULK, &peer->out, error))
        return false;
    if (is_due(peer, async->net->enough, at_once, now)) {
        bool slow = peer->slow;
        peer->slow = false;
        peer->dirty_since_us = -1;
        if (!gasket_async_cut(async, p, slow, error))
            return false;
    }
    if (peer->scopes != NULL)
        gasket_frame_queue_push_take(&peer->out, &peer->scopes);
    return send_queue(async, p, GASKET_CHANNEL_BULK, &peer->out, error);
}

static bool
send_control(GasketAsync *async, GError **error)
{
    GasketAsyncNet *net = async->net;
    GasketTerminationMessage message;
    unsigned to;

    while (gasket_termination_next(&net->termination, &to, &message)) {
        GasketFrame *frame = gasket_frame_new(GASKET_WIRE_TERMINATION, sizeof message, error);
        if (frame == NULL)
            return false;
        memcpy(frame->payload, &message, sizeof message);
        gasket_frame_queue_push_take(&net->peers[to].control, &frame);
    }
    for (unsigned p = 0; p < async->run->part->size; p++)
        if (p != async->run->part->rank &&
            !send_queue(async, p, GASKET_CHANNEL_CONTROL, &net->peers[p].control, error))
            return false;
    return true;
}

/* Whether vertices run or wait to: nobody was busy, nothing waited, and nobody has begun meanwhile;
 * only who is busy makes anything wait. */
static bool
has_vertices(GasketAsync *async)
{
    uint64_t n_started = atomic_load(&async->n_started);
    return atomic_load(&async->n_busy) > 0 || gasket_schedule_may_take(async->schedule, 0) ||
           atomic_load(&async->n_started) != n_started;
}

/* Tells the termination what there is to do here. Vertices first: who runs them leaves batches. */
static void
count_work(GasketAsync *async)
{
    GasketAsyncNet *net = async->net;
    bool ceasing = gasket_termination_ceasing(&net->termination) != GASKET_END_NONE;
    bool runs =
        ceasing ? atomic_load(&async->n_stopped) + 1 < async->run->n_threads : has_vertices(async);
    uint64_t n_scopes = atomic_load(&async->scopes.n), n_batches = atomic_load(&net->n_lists);

    for (unsigned p = 0; p < async->run->part->size; p++)
        n_batches += atomic_load(&net->peers[p].n_dirty) + (net->peers[p].scopes != NULL);
    gasket_termination_set_work(&net->termination, GASKET_WORK_VERTICES, runs);
    gasket_termination_set_work(&net->termination, GASKET_WORK_LOCKS, n_scopes);
    gasket_termination_set_work(&net->termination, GASKET_WORK_BATCHES, n_batches);
}

bool
gasket_async_net_attend(GasketAsync *async, GError **error)
{
    GasketAsyncNet *net = async->net;
    unsigned size = async->run->part->size, rank = async->run->part->rank;
    int64_t now = gasket_transport_now(net->transport);

    for (unsigned p = 0; p < size; p++)
        if (p != rank && (!take_control(async, p, error) || !take_bulk(async, p, error)))
            return false;
    bool at_once = async->threads[0].idle || atomic_load(&async->ending);
    if (!gasket_async_send_scopes(async, error))
        return false;
    for (unsigned p = 0; p < size; p++)
        if (p != rank && !send_to(async, p, at_once, now, error))
            return false;
    count_work(async);
    return send_control(async, error);
}

bool
gasket_async_net_is_over(const GasketAsync *async)
{
    if (!gasket_termination_is_over(&async->net->termination))
        return false;
    for (unsigned p = 0; p < async->run->part->size; p++)
        if (async->net->peers[p].control.n > 0 || async->net->peers[p].out.n > 0)
            return false;
    return true;
}

bool
gasket_async_net_wait(GasketAsync *async, int64_t timeout_us, GError **error)
{
    return gasket_transport_wait(async->net->transport, timeout_us, error);
}
