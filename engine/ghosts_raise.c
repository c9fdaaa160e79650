/* SPDX-License-Identifier: Apache-2.0 */
/* Maxima that go home from ghosts. See ghosts_raise.h. */
#include "engine/ghosts_raise.h"
#include "engine/stale.h"

#include <string.h>

#define ENTRY_BYTES       (sizeof(uint32_t) + sizeof(uint64_t))
#define ENTRIES_PER_FRAME ((uint32_t)(GASKET_BULK_BYTES / ENTRY_BYTES))

typedef struct {
    const GasketPartKind *part;
    unsigned kind;
    uint64_t *value; /* [n_local] */
    uint32_t *next;  /* [size] first ghost of each rank that was not looked at yet */
} Raise;

/* The next ghosts of peer that have a value; the last frame has what is left, perhaps nothing. */
static bool
raise_produce(void *data, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    Raise *raise = data;
    uint32_t base = raise->part->ghost_begin[peer], end = raise->part->ghost_begin[peer + 1];
    uint32_t room = MIN(end - raise->next[peer], ENTRIES_PER_FRAME), count = 0;

    GasketFrame *frame =
        gasket_round_frame_new(GASKET_SECTION_MAXIMA, room * (uint32_t)ENTRY_BYTES, error);
    if (frame == NULL)
        return false;
    uint8_t *to = gasket_round_frame_body(frame);
    uint32_t g = raise->next[peer];
    for (; g < end && count < room; g++) {
        if (raise->value[g] == 0)
            continue;
        uint32_t position = g - base;
        memcpy(to, &position, sizeof position);
        memcpy(to + sizeof position, &raise->value[g], sizeof(uint64_t));
        to += ENTRY_BYTES;
        count++;
    }
    raise->next[peer] = g;
    GasketRoundHeader *header = gasket_round_frame_header(frame);
    header->index = raise->kind;
    header->count = count;
    header->last = g == end;
    frame->length = (uint32_t)(sizeof *header + count * ENTRY_BYTES);
    *ret_frame = frame;
    return true;
}

static bool
raise_consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
              uint32_t n_body, GError **error)
{
    Raise *raise = data;
    const GasketPartKind *part = raise->part;
    uint64_t begin = part->send_begin[peer], n = part->send_begin[peer + 1] - begin;

    if (header->section != GASKET_SECTION_MAXIMA || header->index != raise->kind ||
        n_body != (uint64_t)header->count * ENTRY_BYTES)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    for (uint32_t i = 0; i < header->count; i++, body += ENTRY_BYTES) {
        uint32_t position;
        uint64_t value;
        memcpy(&position, body, sizeof position);
        memcpy(&value, body + sizeof position, sizeof value);
        if (position >= n)
            return gasket_exchange_refuse(peer, "a vertex that it does not read", error);
        GasketVertex v = part->send[begin + position];
        raise->value[v] = MAX(raise->value[v], value);
    }
    return true;
}

bool
gasket_ghosts_raise(GasketRun *run, unsigned kind, uint64_t *value, GError **error)
{
    static const GasketRound round = {raise_produce, raise_consume};
    const GasketPartKind *part = &run->part->kinds[kind];
    g_autofree uint32_t *next = g_memdup2(part->ghost_begin, run->part->size * sizeof *next);
    Raise raise = {part, kind, value, next};

    if (run->part->size == 1)
        return true;
    if (!gasket_stale_settle(run, error))
        return false;
    gasket_exchange_begin(run->exchange, &round, &raise);
    return gasket_exchange_finish(run->exchange, error);
}
