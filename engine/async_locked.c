/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks whose gathers are validated. See async_lock.h for why one look is enough.
 *
 *   VALIDATED  gather ─> doubtful rows again, until none is ─> apply ─> lock, publish, unlock
 *
 *   LOCKED     lock ─> gather ─> check ─> apply ─> publish ─> scatter ─> unlock
 *                │                 │
 *                └── disturbed <───┘──> each by itself ──still disturbed──> a scope
 *
 * Vertices of one block that are neighbours disturb one another, since each finds the other locked:
 * they then run one by one.
 */
#include <sched.h>
#include <string.h>

#include "engine/async_block.h"
#include "engine/async_history.h"
#include "engine/async_net.h"
#include "engine/async_scope.h"
#include "engine/bitset.h"

#define TRIES 3 /* of a disturbed vertex by itself, before it becomes a scope */

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

void
gasket_async_run_locked(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count)
{
    uint32_t scopes[GASKET_ASYNC_BLOCK], again[GASKET_ASYNC_BLOCK], one[1];
    uint32_t longs[GASKET_ASYNC_BLOCK];
    size_t n_scopes;

    count = split_scopes(thread, kind, count, scopes, &n_scopes);
    /* They would disturb the block: what has many neighbours has some in it. */
    size_t n_long = gasket_async_split_long(thread, kind, &count, longs);
    size_t n_again = try_block(thread, kind, count, again);
    memcpy(again + n_again, longs, n_long * sizeof *longs);
    n_again += n_long;

    for (size_t i = 0; i < n_again; i++) {
        bool done = false;
        for (unsigned tries = 0; !done && tries < TRIES; tries++) {
            thread->vertex[0] = again[i];
            done = try_block(thread, kind, 1, one) == 0;
        }
        if (!done)
            scopes[n_scopes++] = again[i];
    }
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
