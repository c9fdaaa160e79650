/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of an asynchronous run that arrive: into ghosts, into edge values, to scopes. Nothing that
 * a peer says is believed unchecked. See async_net.h. */
#include <string.h>

#include "engine/async_net.h"
#include "engine/edge_values.h"
#include "engine/varint.h"

/* Elements of a frame, while they are taken. */
typedef struct {
    const uint8_t *body;
    uint32_t n_body, used;
    uint64_t position, n; /* of the next element is at least position, and below n */
    bool started;
} Reader;

/* The next element's position and weight; false: it does not fit. */
static bool
next_element(Reader *reader, uint64_t *ret_position, unsigned *ret_weight)
{
    uint32_t distance;

    if (!gasket_varint_read(reader->body, reader->n_body, &reader->used, &distance) ||
        (reader->started && distance == 0) || distance >= reader->n - reader->position ||
        reader->used == reader->n_body)
        return false;
    reader->started = true;
    reader->position += distance;
    *ret_position = reader->position;
    *ret_weight = reader->body[reader->used++];
    return *ret_weight <= GASKET_SCHEDULE_BUCKETS;
}

/* Writes a value of size bytes that other threads read, by one store if that can be. */
static void
store(uint8_t *to, const uint8_t *from, size_t size)
{
    switch (size) {
    case 1:
        __atomic_store_n(to, *from, __ATOMIC_RELAXED);
        break;
    case 2: {
        uint16_t value;
        memcpy(&value, from, sizeof value);
        __atomic_store_n((uint16_t *)(void *)to, value, __ATOMIC_RELAXED);
        break;
    }
    case 4: {
        uint32_t value;
        memcpy(&value, from, sizeof value);
        __atomic_store_n((uint32_t *)(void *)to, value, __ATOMIC_RELAXED);
        break;
    }
    case 8: {
        uint64_t value;
        memcpy(&value, from, sizeof value);
        __atomic_store_n((uint64_t *)(void *)to, value, __ATOMIC_RELAXED);
        break;
    }
    default:
        memcpy(to, from, size);
        break;
    }
}

/* ---- values ---------------------------------------------------------------------------------- */

static void
take_value(GasketAsync *async, const GasketAsyncKind *kind, GasketVertex ghost, uint64_t version,
           const uint8_t *value, size_t size)
{
    GasketKindData *data = kind->data;
    uint64_t begin = data->value_begin != NULL ? data->value_begin[ghost] : (uint64_t)ghost * size;
    GasketCellWord *word = async->words != NULL ? &async->words[kind->first_cell + ghost] : NULL;

    /* Nobody else writes a ghost: the lock is free. */
    if (word != NULL)
        (void)gasket_cell_try_lock(word, async->alone);
    store(data->current + begin, value, size);
    if (async->history != NULL)
        gasket_history_arrived(async->history, kind->first_cell + ghost, version);
    if (word == NULL)
        return;
    uint64_t stamp = atomic_fetch_add(&async->clock, 1) + 1;
    gasket_cell_unlock(word, stamp, async->alone);
}

static bool
take_values(GasketAsync *async, unsigned peer, const GasketAsyncHeader *header, Reader *reader)
{
    if (header->index >= async->n_kinds || async->net->values[header->index].dirty == NULL)
        return false;
    const GasketAsyncKind *kind = &async->kinds[header->index];
    const GasketKindData *data = kind->data;
    bool wakes = kind->program->wakes == GASKET_WAKES_READERS;

    reader->n = kind->part->ghost_begin[peer + 1] - kind->part->ghost_begin[peer];
    for (uint32_t i = 0; i < header->count; i++) {
        uint64_t position;
        unsigned weight;
        if (!next_element(reader, &position, &weight))
            return false;
        GasketVertex ghost = kind->part->ghost_begin[peer] + (uint32_t)position;
        size_t size = data->value_begin == NULL
                          ? data->value_size
                          : (size_t)(data->value_begin[ghost + 1] - data->value_begin[ghost]);
        uint64_t version = 0;
        size_t extra = async->history != NULL ? sizeof version : 0;
        if (size + extra > reader->n_body - reader->used)
            return false;
        memcpy(&version, reader->body + reader->used, extra);
        reader->used += (uint32_t)extra;
        take_value(async, kind, ghost, version, reader->body + reader->used, size);
        reader->used += (uint32_t)size;
        if (!wakes || weight == 0)
            continue;
        gasket_schedule_fence();
        gasket_async_wake_readers(async, 0, kind, ghost, weight - 1);
    }
    return reader->used == reader->n_body;
}

/* ---- edge values ----------------------------------------------------------------------------- */

static bool
take_edges(GasketAsync *async, unsigned peer, const GasketAsyncHeader *header, Reader *reader)
{
    if (header->index >= 2 * async->run->part->n_relations ||
        async->net->edges[header->index].dirty == NULL)
        return false;
    const GasketPartRelation *relation = &async->run->part->relations[header->index / 2];
    const GasketPartRows *rows = &relation->rows[header->index % 2];
    const GasketAsyncKind *kind = &async->kinds[gasket_part_row_kind(relation, header->index % 2)];
    GasketEdgeValues *values = &async->run->rows[header->index].values;

    reader->n = values->inbox_begin[peer + 1] - values->inbox_begin[peer];
    for (uint32_t i = 0; i < header->count; i++) {
        uint64_t position;
        unsigned weight;
        if (!next_element(reader, &position, &weight))
            return false;
        uint64_t entry = values->inbox[values->inbox_begin[peer] + position];
        uint64_t begin = gasket_edge_value_begin(values, entry);
        size_t size = (size_t)(gasket_edge_value_begin(values, entry + 1) - begin);
        if (size > reader->n_body - reader->used)
            return false;
        store(values->current + begin, reader->body + reader->used, size);
        reader->used += (uint32_t)size;
        if (weight == 0 || kind->program == NULL)
            continue;
        gasket_schedule_fence();
        gasket_schedule_wake(async->schedule, 0,
                             kind->first_cell +
                                 gasket_part_row_of(rows, kind->part->n_owned, entry),
                             weight - 1);
    }
    return reader->used == reader->n_body;
}

/* ---- frames ---------------------------------------------------------------------------------- */

bool
gasket_async_take(GasketAsync *async, unsigned peer, const GasketFrame *frame, GError **error)
{
    GasketAsyncHeader header;

    if (frame->length < sizeof header)
        return gasket_exchange_refuse(peer, "a frame that is cut", error);
    memcpy(&header, frame->payload, sizeof header);
    Reader reader = {.body = frame->payload + sizeof header,
                     .n_body = frame->length - (uint32_t)sizeof header};
    bool fits = false;
    switch (header.section) {
    case GASKET_ASYNC_VALUES:
        fits = take_values(async, peer, &header, &reader);
        break;
    case GASKET_ASYNC_EDGES:
        fits = take_edges(async, peer, &header, &reader);
        break;
    case GASKET_ASYNC_SCOPES:
        return gasket_async_take_scopes(async, peer, reader.body, reader.n_body, header.count,
                                        error);
    default:
        break;
    }
    return fits ||
           gasket_exchange_refuse(peer, "changes of an asynchronous run that do not fit", error);
}
