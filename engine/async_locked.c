/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks whose gathers are validated. See async_lock.h for why one look is enough.
 *
 *   VALIDATED  gather ─> doubtful rows again, until none is ─> apply ─> lock, publish, unlock
 *
 *   LOCKED     of each set of a block (async_sets.h):
 *              lock ─> gather ─> check ─> apply ─> publish ─> scatter ─> unlock
 *                │                 │
 *                └── disturbed <───┘──> each by itself ──in the way──> a scope
 *
 * A long row would be disturbed all the time, and so is a vertex that was: it runs by itself, and
 * stays locked while it is gathered again. Neighbours that read it find it locked and cannot change
 * any more, so that it is gathered again for each other thread's block that was past its check, and
 * no more. A neighbour that is locked it waits for if its own cell is the smaller; else it unlocks,
 * waits for the other, and begins anew. So of two that wait for each other one goes on, and nobody
 * waits in a circle but with scopes, which keep cells locked while they wait: therefore all waiting
 * is bounded, and who has waited in vain becomes a scope, whose turn comes.
 */
#include <sched.h>
#include <string.h>

#include "engine/async_block.h"
#include "engine/async_history.h"
#include "engine/async_net.h"
#include "engine/async_scope.h"
#include "engine/async_sets.h"
#include "engine/bitset.h"

#define TRIES        4     /* of a disturbed vertex by itself, before it becomes a scope */
#define GATHERS      4     /* of each */
#define LOOKS        20000 /* at a neighbour that is locked ... */
#define LOOKS_A_TURN 1000  /* ... before another thread may use the processor */

/* ---- checking -------------------------------------------------------------------------------- */

/* Whether row r of each row set may have read what is not there, or is not there any more. */
static bool
is_doubtful(const GasketAsync *async, const GasketAsyncKind *kind, const GasketRows *rows, size_t r,
            uint64_t clock)
{
    uint32_t own = kind->first_cell + rows[0].vertex[r];

    for (unsigned s = 0; s < kind->program->n_rows; s++) {
        uint32_t first = async->kinds[kind->neighbour_kind[s]].first_cell;
        GasketCellWord *words = async->words + first;
        const uint32_t *neighbour = rows[s].neighbour;
        for (uint64_t e = rows[s].begin[r]; e < rows[s].end[r]; e++)
            if (gasket_cell_is_doubtful(gasket_cell_load(&words[neighbour[e]]), clock) &&
                first + neighbour[e] != own)
                return true;
    }
    return false;
}

/* Waits until a cell is not locked, for about as long as a long row takes; false: it still is. */
static bool
await_unlocked(const GasketAsync *async, GasketCellWord *word)
{
    for (unsigned looks = 0; looks < LOOKS; looks++) {
        if ((gasket_cell_load(word) & GASKET_CELL_LOCKED) == 0)
            return true;
        if (async->alone) /* a scope that waits has it */
            return false;
        if (looks % LOOKS_A_TURN == LOOKS_A_TURN - 1)
            sched_yield();
    }
    return false;
}

/* A stamp for what was written until now. */
static uint64_t
draw_stamp(GasketAsync *async)
{
    if (!async->alone)
        return atomic_fetch_add(&async->clock, 1) + 1;
    uint64_t stamp = atomic_load_explicit(&async->clock, memory_order_relaxed) + 1;
    atomic_store_explicit(&async->clock, stamp, memory_order_relaxed);
    return stamp;
}

/* ---- VALIDATED ------------------------------------------------------------------------------- */

/* Gathers row r again until what it read was whole. */
static void
gather_again(GasketAsyncThread *thread, const GasketAsyncKind *kind, const GasketRows *rows,
             size_t r)
{
    GasketAsync *async = thread->async;
    GasketRows one[GASKET_MAX_ROW_SETS];
    uint64_t clock;

    for (unsigned s = 0; s < kind->program->n_rows; s++) {
        one[s] = rows[s];
        one[s].count = 1;
        one[s].vertex += r;
        one[s].sum += r;
        one[s].begin += r;
        one[s].end += r;
    }
    for (unsigned tries = 1;; tries++) {
        clock = atomic_load(&async->clock);
        gasket_async_gather(thread, kind, one);
        if (!is_doubtful(async, kind, one, 0, clock))
            return;
        if (tries % 16 == 0)
            sched_yield();
    }
}

/* Publishes under the cells' locks, which only their own vertices' threads take in this mode. */
static void
publish_whole(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    GasketAsync *async = thread->async;
    GasketCellWord *words = async->words + kind->first_cell;

    for (size_t i = 0; i < count; i++)
        if (thread->changed[i])
            (void)gasket_cell_try_lock(&words[thread->vertex[i]], async->alone);
    gasket_async_publish(thread, kind, count);
    uint64_t stamp = draw_stamp(async);
    for (size_t i = 0; i < count; i++)
        if (thread->changed[i])
            gasket_cell_unlock(&words[thread->vertex[i]], stamp, async->alone);
}

void
gasket_async_run_validated(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    GasketRows rows[GASKET_MAX_ROW_SETS];
    uint64_t clock = atomic_load(&thread->async->clock);

    gasket_async_point_at_rows(thread, kind, count, rows);
    gasket_async_gather(thread, kind, rows);
    if (kind->program->n_rows > 0 && !thread->async->alone)
        for (size_t r = 0; r < count; r++)
            if (is_doubtful(thread->async, kind, rows, r, clock))
                gather_again(thread, kind, rows, r);
    gasket_async_apply(thread, kind, rows, count);
    if (kind->publishes)
        publish_whole(thread, kind, count);
    gasket_async_scatter(thread, kind, rows);
    if (thread->async->net != NULL)
        gasket_async_note(thread, kind, rows, count);
    gasket_async_wake(thread, kind, count);
    gasket_async_done(thread, kind, count);
}

/* ---- LOCKED ---------------------------------------------------------------------------------- */

/* Applies, publishes and scatters what was gathered, and unlocks the vertices. */
static void
finish_locked(GasketAsyncThread *thread, const GasketAsyncKind *kind, const GasketRows *rows,
              size_t count)
{
    GasketAsync *async = thread->async;
    GasketCellWord *words = async->words + kind->first_cell;
    bool scatters = kind->program->scatter != NULL, writes = scatters;

    gasket_async_apply(thread, kind, rows, count);
    for (size_t i = 0; !writes && i < count; i++)
        writes = thread->changed[i];
    if (kind->publishes)
        gasket_async_publish(thread, kind, count);
    gasket_async_scatter(thread, kind, rows);
    gasket_async_history_written(thread, kind, count);
    if (async->net != NULL) /* before they are unlocked: whom that lets read asks for it */
        gasket_async_note(thread, kind, rows, count);
    uint64_t stamp = writes ? draw_stamp(async) : 0;
    for (size_t i = 0; i < count; i++)
        gasket_cell_unlock(&words[thread->vertex[i]], scatters || thread->changed[i] ? stamp : 0,
                           async->alone);
    gasket_async_wake(thread, kind, count);
    gasket_async_done(thread, kind, count);
}

/* Runs what it can of a block; puts the vertices that were disturbed into disturbed and returns how
 * many there are. */
static size_t
try_block(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count, uint32_t *disturbed)
{
    GasketAsync *async = thread->async;
    GasketCellWord *words = async->words + kind->first_cell;
    GasketRows rows[GASKET_MAX_ROW_SETS];
    uint32_t kept[GASKET_ASYNC_BLOCK];
    size_t n_disturbed = 0, n = 0;

    for (size_t i = 0; i < count; i++) {
        if (gasket_cell_try_lock(&words[thread->vertex[i]], async->alone))
            thread->vertex[n++] = thread->vertex[i];
        else
            disturbed[n_disturbed++] = thread->vertex[i];
    }
    if (n == 0)
        return n_disturbed;
    uint64_t clock = atomic_load(&async->clock);
    gasket_async_point_at_rows(thread, kind, n, rows);
    gasket_async_history_before(thread, kind, rows);
    gasket_async_gather(thread, kind, rows);
    gasket_async_history_after(thread, kind, rows);
    gasket_schedule_fence();
    size_t n_kept = 0;
    for (size_t r = 0; r < n; r++) {
        if (kind->program->n_rows > 0 && is_doubtful(async, kind, rows, r, clock) &&
            !gasket_async_history_is_blind(thread))
            disturbed[n_disturbed++] = thread->vertex[r];
        else
            kept[n_kept++] = (uint32_t)r;
    }
    if (n_kept < n) {
        for (size_t r = n_disturbed - (n - n_kept); r < n_disturbed; r++)
            gasket_cell_unlock(&words[disturbed[r]], 0, async->alone);
        gasket_async_keep_rows(thread, kind, kept, n_kept, rows);
    }
    if (n_kept > 0)
        finish_locked(thread, kind, rows, n_kept);
    return n_disturbed;
}

/* ---- a vertex by itself ---------------------------------------------------------------------- */

/* The first neighbour of row 0 of each row set that may have been read while it was written, or has
 * been written since the clock was read; NULL: all was read whole. Waits for those that are locked
 * if they are to wait for this one's sake. */
static GasketCellWord *
find_disturber(const GasketAsync *async, const GasketAsyncKind *kind, const GasketRows *rows,
               uint64_t clock)
{
    uint32_t own = kind->first_cell + rows[0].vertex[0];

    for (unsigned s = 0; s < kind->program->n_rows; s++) {
        uint32_t first = async->kinds[kind->neighbour_kind[s]].first_cell;
        for (uint64_t e = rows[s].begin[0]; e < rows[s].end[0]; e++) {
            uint32_t cell = first + rows[s].neighbour[e];
            GasketCellWord *word = &async->words[cell];
            if (!gasket_cell_is_doubtful(gasket_cell_load(word), clock) || cell == own)
                continue;
            if (cell < own || !await_unlocked(async, word) ||
                gasket_cell_is_doubtful(gasket_cell_load(word), clock))
                return word;
        }
    }
    return NULL;
}

/* Gathers a vertex that is locked, as often as neighbours change meanwhile: those that read it can
 * change no more. NULL: it was not disturbed; else by whom. */
static GasketCellWord *
gather_locked(GasketAsyncThread *thread, const GasketAsyncKind *kind, GasketRows *rows)
{
    GasketAsync *async = thread->async;
    GasketCellWord *disturber = NULL;

    for (unsigned tries = 0; tries < GATHERS; tries++) {
        uint64_t clock = atomic_load(&async->clock);
        gasket_async_history_before(thread, kind, rows);
        gasket_async_gather(thread, kind, rows);
        gasket_async_history_after(thread, kind, rows);
        gasket_schedule_fence();
        if (gasket_async_history_is_blind(thread))
            return NULL;
        disturber = find_disturber(async, kind, rows, clock);
        if (disturber == NULL || (gasket_cell_load(disturber) & GASKET_CELL_LOCKED) != 0)
            return disturber;
    }
    return disturber;
}

/* Runs a vertex; false: others are in the way, and it must take its turn as a scope. */
static bool
run_alone(GasketAsyncThread *thread, const GasketAsyncKind *kind, GasketVertex v)
{
    GasketAsync *async = thread->async;
    GasketCellWord *word = &async->words[kind->first_cell + v];
    GasketRows rows[GASKET_MAX_ROW_SETS];

    thread->vertex[0] = v;
    gasket_async_point_at_rows(thread, kind, 1, rows);
    for (unsigned tries = 0; tries < TRIES; tries++) {
        if (!gasket_cell_try_lock(word, async->alone))
            return false;
        GasketCellWord *disturber = gather_locked(thread, kind, rows);
        if (disturber == NULL) {
            finish_locked(thread, kind, rows, 1);
            return true;
        }
        gasket_cell_unlock(word, 0, async->alone);
        if (!await_unlocked(async, disturber))
            return false;
    }
    return false;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Makes a vertex a scope, or lets it wait for another turn. */
static void
give_way(GasketAsyncThread *thread, const GasketAsyncKind *kind, GasketVertex v)
{
    GasketAsync *async = thread->async;

    if (gasket_async_request_scope(async, kind, v))
        return;
    gasket_schedule_wake(async->schedule, thread->index, kind->first_cell + v, 0);
    gasket_schedule_done(async->schedule, thread->index, kind->first_cell, &v, 1);
}

/* Takes those out of a block that run as scopes only; returns how many are left. */
static size_t
split_scopes(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count, uint32_t *scopes,
             size_t *ret_n_scopes)
{
    const GasketAsyncNet *net = thread->async->net;
    bool looks = net != NULL && !gasket_async_history_is_blind(thread);
    const uint64_t *remote = looks ? net->remote[kind->program->kind] : NULL;
    size_t n = 0, n_scopes = 0;

    for (size_t i = 0; i < count; i++) {
        GasketVertex v = thread->vertex[i];
        if (kind->by_scope || (remote != NULL && gasket_bitset_has(remote, v)))
            scopes[n_scopes++] = v;
        else
            thread->vertex[n++] = v;
    }
    *ret_n_scopes = n_scopes;
    return n;
}

/* Runs vertices that no other of which reads, and puts those that were disturbed behind again. */
static void
try_set(GasketAsyncThread *thread, const GasketAsyncKind *kind, const uint32_t *vertex,
        size_t count, uint32_t *again, size_t *n_again)
{
    for (size_t i = 0; i < count; i++)
        thread->vertex[i] = vertex[i];
    *n_again += try_block(thread, kind, count, again + *n_again);
}

void
gasket_async_run_locked(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    uint32_t scopes[GASKET_ASYNC_BLOCK], again[GASKET_ASYNC_BLOCK];
    GasketRows rows[GASKET_MAX_ROW_SETS];
    GasketAsyncSets sets;
    size_t n_scopes, n_again = 0;

    count = split_scopes(thread, kind, count, scopes, &n_scopes);
    /* They would disturb the block: what has many neighbours has some in it. */
    size_t n_long = gasket_async_split_long(thread, kind, &count, again);
    n_again = n_long;
    gasket_async_point_at_rows(thread, kind, count, rows);
    if (gasket_async_history_is_blind(thread))
        gasket_async_sets_one(&sets, thread->vertex, count);
    else
        gasket_async_sets_split(&sets, kind, rows, thread->vertex, count);
    for (unsigned s = 0; s < sets.n; s++)
        try_set(thread, kind, sets.vertex + sets.begin[s], sets.begin[s + 1] - sets.begin[s], again,
                &n_again);
    for (size_t i = 0; i < n_again; i++)
        if (!run_alone(thread, kind, again[i]))
            scopes[n_scopes++] = again[i];
    for (size_t i = 0; i < n_scopes; i++)
        give_way(thread, kind, scopes[i]);
}

void
gasket_async_run_scope(GasketAsyncThread *thread, const GasketAsyncKind *kind, GasketVertex v)
{
    GasketRows rows[GASKET_MAX_ROW_SETS];

    thread->vertex[0] = v;
    gasket_async_point_at_rows(thread, kind, 1, rows);
    gasket_async_history_before(thread, kind, rows);
    gasket_async_gather(thread, kind, rows);
    gasket_async_history_after(thread, kind, rows);
    finish_locked(thread, kind, rows, 1);
}
