/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who reads whom: each rank sends every owner the numbers of its ghosts, ascending; the owner finds
 * them on its boundary by walking both lists together, and keeps the local indices as its list of
 * what to send.
 */
#include "engine/part_wire.h"

#include "engine/array.h"

#define NUMBERS_PER_FRAME (GASKET_BULK_BYTES / 4)

typedef struct {
    uint32_t *list; /* local indices, ascending */
    uint32_t n, room;
    uint32_t cursor; /* boundary vertices before it have smaller numbers than the last taken */
} Subscription;

typedef struct {
    GasketPart *part;
    unsigned *kind;      /* [size] being sent to each peer */
    uint32_t *sent;      /* [size] ghosts of that kind sent */
    Subscription *taken; /* [n_kinds * size] */
} Subscribe;

static bool
subscribe_produce(void *data, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    Subscribe *s = data;
    const GasketPartKind *kind = &s->part->kinds[s->kind[peer]];
    uint32_t begin = kind->ghost_begin[peer], n = kind->ghost_begin[peer + 1] - begin;
    uint32_t count = MIN(n - s->sent[peer], NUMBERS_PER_FRAME);

    GasketFrame *frame =
        gasket_round_frame_new(GASKET_SECTION_NUMBERS, count * (uint32_t)sizeof(uint32_t), error);
    if (frame == NULL)
        return false;
    GasketRoundHeader *header = gasket_round_frame_header(frame);
    header->index = s->kind[peer];
    header->first = s->sent[peer];
    header->count = count;
    memcpy(gasket_round_frame_body(frame), kind->number + begin + s->sent[peer],
           count * sizeof(uint32_t));
    s->sent[peer] += count;
    if (s->sent[peer] == n) {
        s->kind[peer]++;
        s->sent[peer] = 0;
        header->last = s->kind[peer] == s->part->n_kinds;
    }
    *ret_frame = frame;
    return true;
}

static bool
subscription_reserve(Subscription *taken, uint32_t n, GError **error)
{
    if (n <= taken->room)
        return true;
    uint32_t room = (uint32_t)MIN((uint64_t)UINT32_MAX, MAX((uint64_t)taken->room * 2, n));
    uint32_t *list = taken->list == NULL
                         ? gasket_array_new(room, sizeof *list, error)
                         : gasket_array_resize(taken->list, room, sizeof *list, error);
    if (list == NULL)
        return false;
    taken->list = list;
    taken->room = room;
    return true;
}

static bool
subscribe_consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
                  uint32_t n_body, GError **error)
{
    Subscribe *s = data;

    if (header->section != GASKET_SECTION_NUMBERS || header->index >= s->part->n_kinds ||
        n_body % sizeof(uint32_t) != 0 || n_body / sizeof(uint32_t) != header->count)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    const GasketPartKind *kind = &s->part->kinds[header->index];
    Subscription *taken = &s->taken[header->index * s->part->size + peer];
    if (header->first != taken->n || header->count > kind->n_boundary - taken->n)
        return gasket_exchange_refuse(peer, "more numbers than there are", error);
    if (!subscription_reserve(taken, taken->n + header->count, error))
        return false;
    for (uint32_t i = 0; i < header->count; i++) {
        uint32_t number;
        memcpy(&number, body + (size_t)i * sizeof number, sizeof number);
        while (taken->cursor < kind->n_boundary && kind->number[taken->cursor] < number)
            taken->cursor++;
        if (taken->cursor == kind->n_boundary || kind->number[taken->cursor] != number)
            return gasket_exchange_refuse(peer, "a number that this rank does not own", error);
        taken->list[taken->n++] = taken->cursor++;
    }
    return true;
}

/* Joins the lists of a kind's peers. */
static bool
store_lists(GasketPart *part, unsigned k, Subscription *taken, GError **error)
{
    GasketPartKind *kind = &part->kinds[k];

    gasket_array_free(kind->send_begin); /* a part that is the whole graph has empty ones */
    gasket_array_free(g_steal_pointer(&kind->send));
    kind->send_begin = gasket_array_new(part->size + 1, sizeof *kind->send_begin, error);
    if (kind->send_begin == NULL)
        return false;
    for (unsigned p = 0; p < part->size; p++)
        kind->send_begin[p + 1] = kind->send_begin[p] + taken[p].n;
    kind->send = gasket_array_new(kind->send_begin[part->size], sizeof *kind->send, error);
    if (kind->send == NULL)
        return false;
    for (unsigned p = 0; p < part->size; p++)
        if (taken[p].n > 0)
            memcpy(kind->send + kind->send_begin[p], taken[p].list,
                   (size_t)taken[p].n * sizeof *kind->send);
    return true;
}

bool
gasket_part_subscribe(GasketPart *part, GasketExchange *exchange, GError **error)
{
    static const GasketRound round = {subscribe_produce, subscribe_consume};
    g_autofree unsigned *kinds = g_new0(unsigned, part->size);
    g_autofree uint32_t *sent = g_new0(uint32_t, part->size);
    g_autofree Subscription *taken = g_new0(Subscription, (size_t)part->n_kinds * part->size);
    Subscribe subscribe = {part, kinds, sent, taken};
    bool ok = true;

    if (part->size > 1) {
        gasket_exchange_begin(exchange, &round, &subscribe);
        ok = gasket_exchange_finish(exchange, error);
    }
    for (unsigned k = 0; ok && k < part->n_kinds; k++)
        ok = store_lists(part, k, taken + (size_t)k * part->size, error);
    for (size_t i = 0; i < (size_t)part->n_kinds * part->size; i++)
        gasket_array_free(taken[i].list);
    return ok && gasket_part_check(part, error);
}
