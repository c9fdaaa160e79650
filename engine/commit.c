/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a step: staged values become current, and changed values wake their readers. */
#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/rows_use.h"
#include "engine/step.h"

/* ---- commit ---------------------------------------------------------------------------------- */

static void
copy_value(const GasketKindData *kind, GasketVertex v)
{
    if (kind->value_begin != NULL) {
        uint64_t begin = kind->value_begin[v];
        memcpy(kind->current + begin, kind->next + begin, kind->value_begin[v + 1] - begin);
    } else if (kind->value_size == 4) {
        memcpy(kind->current + (size_t)v * 4, kind->next + (size_t)v * 4, 4);
    } else if (kind->value_size == 8) {
        memcpy(kind->current + (size_t)v * 8, kind->next + (size_t)v * 8, 8);
    } else {
        size_t size = kind->value_size;
        memcpy(kind->current + v * size, kind->next + v * size, size);
    }
}

/* One thread's share of n vertices, in whole words of a bit set. */
static void
share_of(uint32_t n, unsigned thread, unsigned n_threads, uint32_t *ret_first, uint32_t *ret_end)
{
    uint64_t share = ((uint64_t)n / n_threads / 64 + 1) * 64;
    *ret_first = (uint32_t)MIN(thread * share, n);
    *ret_end = (uint32_t)MIN(*ret_first + share, n);
}

/* Copies the values of one thread's share of a set of vertices, those from `base` on. */
static void
copy_share(const GasketKindData *kind, const uint64_t *set, uint32_t n, GasketVertex base,
           unsigned thread, unsigned n_threads)
{
    uint32_t first, end;

    share_of(n, thread, n_threads, &first, &end);
    for (uint32_t i = gasket_bitset_next(set, first, end); i < end;
         i = gasket_bitset_next(set, i + 1, end))
        copy_value(kind, base + i);
}

static void
copy_changed(void *data, unsigned thread)
{
    const GasketStep *step = data;
    const GasketPartKind *part = step->part;
    unsigned n_threads = step->run->n_threads;

    copy_share(step->kind, step->kind->changed_owned, part->n_owned, 0, thread, n_threads);
    copy_share(step->kind, step->kind->changed_ghosts, part->n_local - part->n_owned, part->n_owned,
               thread, n_threads);
}

void
gasket_step_commit(GasketStep *step)
{
    GasketKindData *kind = step->kind;

    if (step->program->scatter != NULL)
        gasket_edges_commit(step);
    if (!step->publishes || step->in_place)
        return;
    if (step->full) {
        uint8_t *current = kind->current;
        kind->current = kind->next;
        kind->next = current;
    } else if (step->all.n_changed > 0 || step->stale != NULL) {
        gasket_pool_run(step->run->pool, copy_changed, step);
    }
}

/* ---- wake ------------------------------------------------------------------------------------ */

typedef struct {
    const GasketStep *step;
    const GasketReaders *readers;
    uint64_t *active; /* of the readers' kind */
} Waker;

static void
wake_readers(const Waker *waker, GasketVertex u)
{
    for (uint64_t i = waker->readers->begin[u]; i < waker->readers->begin[u + 1]; i++)
        gasket_bitset_add_shared(waker->active, waker->readers->row[i]);
}

static void
wake_share(const Waker *waker, const uint64_t *set, bool all, uint32_t n, GasketVertex base,
           unsigned thread)
{
    uint32_t first, end;

    share_of(n, thread, waker->step->run->n_threads, &first, &end);
    if (all) {
        for (uint32_t i = first; i < end; i++)
            wake_readers(waker, base + i);
        return;
    }
    for (uint32_t i = gasket_bitset_next(set, first, end); i < end;
         i = gasket_bitset_next(set, i + 1, end))
        wake_readers(waker, base + i);
}

static void
wake_work(void *data, unsigned thread)
{
    const Waker *waker = data;
    const GasketKindData *kind = waker->step->kind;
    const GasketPartKind *part = waker->step->part;

    wake_share(waker, kind->changed_owned, kind->all_changed, part->n_owned, 0, thread);
    wake_share(waker, kind->changed_ghosts, kind->all_changed, part->n_local - part->n_owned,
               part->n_owned, thread);
}

/* Wakes the rows of (relation, direction) that name a changed vertex. */
static bool
wake_rows(GasketStep *step, unsigned relation, GasketDirection direction, GError **error)
{
    GasketRun *run = step->run;
    const GasketPartRelation *r = &run->part->relations[relation];
    GasketKindData *readers_kind = &run->kinds[gasket_part_row_kind(r, direction)];

    if (readers_kind->all_active)
        return true;
    GasketReaders *readers = gasket_rows_readers(run, relation, direction, error);
    if (readers == NULL)
        return false;
    Waker waker = {step, readers, readers_kind->active};
    gasket_pool_run(run->pool, wake_work, &waker);
    return true;
}

bool
gasket_step_wake(GasketStep *step, GError **error)
{
    const GasketProgram *program = step->program;
    GasketKindData *kind = step->kind;

    if (!step->publishes || (step->all.n_changed == 0 && step->stale == NULL))
        return true;
    if (program->wakes == GASKET_WAKES_SELF) {
        size_t words = gasket_bitset_words(step->part->n_owned);
        for (size_t w = 0; w < words; w++)
            kind->active[w] |= kind->changed_owned[w];
        if (kind->all_changed)
            kind->all_active = true;
        return true;
    }
    if (program->wakes != GASKET_WAKES_READERS)
        return true;
    for (unsigned s = 0; s < program->n_rows; s++) {
        GasketRowSet set = program->rows[s];
        const GasketPartRelation *relation = &step->run->part->relations[set.relation];
        GasketDirection direction = gasket_part_direction(relation, set.direction);
        /* Rows whose neighbours are of the program's kind: its own, or those at the other end. */
        if (gasket_part_neighbour_kind(relation, direction) != program->kind)
            direction = gasket_part_mate(relation, direction);
        if (relation->rows[direction].standing && !wake_rows(step, set.relation, direction, error))
            return false;
    }
    return true;
}
