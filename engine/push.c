/* SPDX-License-Identifier: Apache-2.0 */
/* Push steps. See push.h. */
#include "engine/push.h"

#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/rows_use.h"

/* Push while what changed has less than this share of the entries: a pushed entry is written to a
 * bin and read from it, a pulled one is read in order. */
#define PUSH_SHARE 12
#define BIN_ROWS   (1u << 14)

typedef struct {
    uint32_t row, entry;
} PushPair;

struct GasketPush {
    uint32_t n_bins;
    GasketVertex *changed; /* vertices to push from in one row set, and how many */
    uint32_t n_changed, changed_room;
    uint64_t *count; /* [n_threads * n_bins + 1] pairs of (bin, thread), then their ends */
    uint64_t *first[GASKET_MAX_ROW_SETS]; /* [n_bins + 1] pairs of each bin */
    PushPair *pairs[GASKET_MAX_ROW_SETS];
    uint64_t pairs_room[GASKET_MAX_ROW_SETS];
    const GasketReaders *readers[GASKET_MAX_ROW_SETS];
    uint64_t *touched; /* [n_bins * BIN_ROWS / 64] bits by owned vertex */
    unsigned set;      /* being filled */
    GasketStep *step;
};

void
gasket_push_free(GasketPush *push)
{
    if (push == NULL)
        return;
    gasket_array_free(push->changed);
    gasket_array_free(push->count);
    gasket_array_free(push->touched);
    for (unsigned s = 0; s < GASKET_MAX_ROW_SETS; s++) {
        gasket_array_free(push->first[s]);
        gasket_array_free(push->pairs[s]);
    }
    g_free(push);
}

static bool
same_program(const GasketPushable *pushable, const GasketProgram *program)
{
    if (pushable->gather != program->gather || pushable->apply != program->apply ||
        pushable->n_rows != program->n_rows)
        return false;
    for (unsigned s = 0; s < program->n_rows; s++)
        if (pushable->rows[s].relation != program->rows[s].relation ||
            pushable->rows[s].direction != program->rows[s].direction)
            return false;
    return true;
}

void
gasket_push_remember(const GasketStep *step)
{
    GasketPushable *pushable = &step->kind->pushable;
    const GasketProgram *program = step->program;

    *pushable = (GasketPushable){0};
    if (step->stale != NULL)
        return; /* ghosts lag behind */
    if (!program->monotone || step->active != NULL)
        return;
    *pushable = (GasketPushable){.gather = program->gather,
                                 .apply = program->apply,
                                 .n_rows = program->n_rows};
    for (unsigned s = 0; s < program->n_rows; s++)
        pushable->rows[s] = program->rows[s];
}

bool
gasket_push_pays(const GasketStep *step)
{
    const GasketRun *run = step->run;
    const GasketProgram *program = step->program;
    uint64_t entries = 0;

    if (!program->monotone || program->gather == NULL || step->kind->current == NULL ||
        step->kind->all_changed || !same_program(&step->kind->pushable, program))
        return false;
    for (unsigned s = 0; s < program->n_rows; s++) {
        const GasketPartRelation *relation = &run->part->relations[program->rows[s].relation];
        if (gasket_part_neighbour_kind(relation, program->rows[s].direction) != program->kind ||
            relation->n_entries > UINT32_MAX)
            return false;
        entries += relation->n_entries;
    }
    /* Where the changed vertices' readers were not counted, they have the mean number. */
    uint64_t n = MAX(step->part->n_global, 1), changed = step->kind->n_changed;
    uint64_t pushed = MAX(step->kind->changed_degree, changed);
    if (step->kind->changed_degree == 0)
        pushed = changed * (entries / n + 1);
    return pushed < entries / PUSH_SHARE + 1;
}

/* ---- making pairs ---------------------------------------------------------------------------- */

static void
list_changed(GasketPush *push, const GasketStep *step)
{
    const GasketPartKind *part = step->part;
    uint32_t n_ghosts = part->n_local - part->n_owned;

    push->n_changed = 0;
    for (uint32_t v = gasket_bitset_next(step->kind->changed_owned, 0, part->n_owned);
         v < part->n_owned; v = gasket_bitset_next(step->kind->changed_owned, v + 1, part->n_owned))
        push->changed[push->n_changed++] = v;
    for (uint32_t g = gasket_bitset_next(step->kind->changed_ghosts, 0, n_ghosts); g < n_ghosts;
         g = gasket_bitset_next(step->kind->changed_ghosts, g + 1, n_ghosts))
        push->changed[push->n_changed++] = part->n_owned + g;
}

static void
share_of(const GasketPush *push, unsigned thread, uint32_t *ret_first, uint32_t *ret_end)
{
    uint64_t n = push->n_changed, threads = push->step->run->n_threads;
    *ret_first = (uint32_t)(n * thread / threads);
    *ret_end = (uint32_t)(n * (thread + 1) / threads);
}

static inline uint64_t *
pair_count(const GasketPush *push, uint32_t bin, unsigned thread)
{
    return &push->count[(uint64_t)bin * push->step->run->n_threads + thread];
}

static void
count_pairs(void *data, unsigned thread)
{
    GasketPush *push = data;
    const GasketReaders *readers = push->readers[push->set];
    uint32_t first, end;

    share_of(push, thread, &first, &end);
    for (uint32_t i = first; i < end; i++)
        for (uint64_t k = readers->begin[push->changed[i]];
             k < readers->begin[push->changed[i] + 1]; k++)
            ++*pair_count(push, readers->row[k] / BIN_ROWS, thread);
}

static void
fill_pairs(void *data, unsigned thread)
{
    GasketPush *push = data;
    const GasketReaders *readers = push->readers[push->set];
    PushPair *pairs = push->pairs[push->set];
    uint32_t first, end;

    share_of(push, thread, &first, &end);
    for (uint32_t i = first; i < end; i++)
        for (uint64_t k = readers->begin[push->changed[i]];
             k < readers->begin[push->changed[i] + 1]; k++)
            pairs[(*pair_count(push, readers->row[k] / BIN_ROWS, thread))++] =
                (PushPair){readers->row[k], readers->entry[k]};
}

/* Turns counts into where each (bin, thread) begins; returns how many pairs there are. */
static uint64_t
sum_counts(GasketPush *push)
{
    uint64_t next = 0;

    for (uint32_t b = 0; b < push->n_bins; b++) {
        push->first[push->set][b] = next;
        for (unsigned t = 0; t < push->step->run->n_threads; t++) {
            uint64_t count = *pair_count(push, b, t);
            *pair_count(push, b, t) = next;
            next += count;
        }
    }
    push->first[push->set][push->n_bins] = next;
    return next;
}

static bool
make_pairs(GasketPush *push, unsigned set, GError **error)
{
    GasketRun *run = push->step->run;
    GasketRowSet rows = push->step->program->rows[set];

    push->set = set;
    push->readers[set] = gasket_rows_readers(run, rows.relation, rows.direction, error);
    if (push->readers[set] == NULL)
        return false;
    memset(push->count, 0, (uint64_t)push->n_bins * run->n_threads * sizeof *push->count);
    gasket_pool_run(run->pool, count_pairs, push);
    uint64_t n = sum_counts(push);
    if (n > push->pairs_room[set]) {
        gasket_array_free(push->pairs[set]);
        push->pairs_room[set] = 0;
        push->pairs[set] = gasket_array_new(n + n / 2, sizeof(PushPair), error);
        if (push->pairs[set] == NULL)
            return false;
        push->pairs_room[set] = n + n / 2;
    }
    gasket_pool_run(run->pool, fill_pairs, push);
    return true;
}

bool
gasket_push_prepare(GasketStep *step, GError **error)
{
    GasketRun *run = step->run;
    uint32_t n_bins = step->part->n_owned / BIN_ROWS + 1;

    if (run->push == NULL || run->push->changed_room < step->part->n_local ||
        run->push->n_bins != n_bins) {
        gasket_push_free(run->push);
        run->push = g_new0(GasketPush, 1);
        run->push->n_bins = n_bins;
        run->push->changed_room = step->part->n_local;
        run->push->changed = gasket_array_new(step->part->n_local, sizeof(GasketVertex), error);
        run->push->count =
            gasket_array_new((uint64_t)n_bins * run->n_threads + 1, sizeof(uint64_t), NULL);
        run->push->touched =
            gasket_array_new((uint64_t)n_bins * (BIN_ROWS / 64), sizeof(uint64_t), NULL);
        bool ok =
            run->push->changed != NULL && run->push->count != NULL && run->push->touched != NULL;
        for (unsigned s = 0; ok && s < GASKET_MAX_ROW_SETS; s++) {
            run->push->first[s] = gasket_array_new(n_bins + 1, sizeof(uint64_t), NULL);
            ok = run->push->first[s] != NULL;
        }
        if (!ok) {
            g_clear_error(error);
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory to push with");
            gasket_push_free(g_steal_pointer(&run->push));
            return false;
        }
    }
    GasketPush *push = run->push;
    push->step = step;
    list_changed(push, step);
    for (unsigned s = 0; s < step->program->n_rows; s++)
        if (!make_pairs(push, s, error))
            return false;
    return gasket_step_need_sums(step, error);
}

/* ---- running bins ---------------------------------------------------------------------------- */

/* Gathers the pairs of one bin in one row set, in blocks of one-entry rows. */
static void
gather_bin(GasketPush *push, GasketThread *thread, uint32_t bin, unsigned set)
{
    GasketStep *step = push->step;
    const GasketProgram *program = step->program;
    uint8_t *sums = step->run->sums;
    GasketRows rows = step->rows[set];

    rows.vertex = rows.sum = thread->vertex;
    rows.begin = thread->begin[0];
    rows.end = thread->end[0];
    uint64_t next = push->first[set][bin], end = push->first[set][bin + 1];
    while (next < end) {
        size_t count = MIN(end - next, GASKET_BLOCK_ROWS);
        for (size_t i = 0; i < count; i++) {
            PushPair pair = push->pairs[set][next + i];
            thread->vertex[i] = pair.row;
            thread->begin[0][i] = pair.entry;
            thread->end[0][i] = (uint64_t)pair.entry + 1;
            if (!gasket_bitset_has(push->touched, pair.row)) {
                gasket_bitset_add(push->touched, pair.row);
                gasket_step_clear_sums(program, sums + (size_t)pair.row * program->sum_size, 1);
            }
        }
        rows.count = count;
        program->gather(&thread->context, &rows, sums);
        next += count;
    }
}

static void
apply_bin(GasketPush *push, GasketThread *thread, uint32_t bin)
{
    GasketStep *step = push->step;
    uint32_t end = (uint32_t)MIN((uint64_t)(bin + 1) * BIN_ROWS, step->part->n_owned);
    size_t count = 0;

    for (uint32_t v = gasket_bitset_next(push->touched, bin * BIN_ROWS, end); v < end;
         v = gasket_bitset_next(push->touched, v + 1, end)) {
        gasket_bitset_remove(push->touched, v);
        thread->vertex[count++] = v;
        if (count == GASKET_BLOCK_ROWS) {
            gasket_step_apply(step, thread, thread->vertex, thread->vertex, count, step->run->sums,
                              NULL);
            count = 0;
        }
    }
    if (count > 0)
        gasket_step_apply(step, thread, thread->vertex, thread->vertex, count, step->run->sums,
                          NULL);
}

static void
run_bins(void *data, unsigned index)
{
    GasketPush *push = data;
    GasketStep *step = push->step;
    GasketThread *thread = &step->run->threads[index];

    for (;;) {
        unsigned bin = atomic_fetch_add_explicit(&step->next_chunk, 1, memory_order_relaxed);
        if (bin >= push->n_bins)
            return;
        uint64_t pairs = 0;
        for (unsigned s = 0; s < step->program->n_rows; s++)
            pairs += push->first[s][bin + 1] - push->first[s][bin];
        if (pairs == 0)
            continue;
        for (unsigned s = 0; s < step->program->n_rows; s++)
            gather_bin(push, thread, bin, s);
        apply_bin(push, thread, bin);
    }
}

void
gasket_push_run(GasketStep *step)
{
    atomic_store(&step->next_chunk, 0);
    gasket_pool_run(step->run->pool, run_bins, step->run->push);
}
