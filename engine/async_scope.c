/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes: claims on this rank's cells, and running what has all it reads. See async_scope.h. */
#include "engine/async_scope.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/array.h"

/* What may wait at once: beyond it, vertices wait in the schedule. */
#define MAX_SCOPES 4096
#define MAX_CELLS  (UINT64_C(1) << 23)

bool
gasket_cell_acquire(GasketCellWord *word, bool lock, bool *wanting, bool alone)
{
    for (;;) {
        uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
        if ((old & GASKET_CELL_WANTED) != 0 && !*wanting)
            return false; /* somebody came earlier */
        bool busy = (old & GASKET_CELL_LOCKED) != 0 || (lock && (old & GASKET_CELL_HOLDS) != 0);
        uint64_t new = (old & ~GASKET_CELL_WANTED) + (lock ? GASKET_CELL_LOCKED : GASKET_CELL_HOLD);
        if (busy) {
            if (*wanting)
                return false;
            new = old | GASKET_CELL_WANTED;
        }
        if (!gasket_cell_exchange(word, old, new, alone))
            continue;
        *wanting = busy;
        return !busy;
    }
}

/* ---- making scopes --------------------------------------------------------------------------- */

static int
compare_cells(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Sorts cells and leaves out repeated ones; returns how many are left. */
static uint32_t
sort_cells(uint32_t *cells, uint32_t n)
{
    uint32_t kept = 0;
    bool ascend = true;

    for (uint32_t i = 1; ascend && i < n; i++)
        ascend = cells[i - 1] <= cells[i];
    if (!ascend) /* those of one worker's rows of one kind do */
        qsort(cells, n, sizeof *cells, compare_cells);
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || cells[i] != cells[i - 1])
            cells[kept++] = cells[i];
    return kept;
}

static uint64_t
n_entries_of(const GasketAsyncKind *kind, GasketVertex v)
{
    uint64_t n = 0;
    for (unsigned s = 0; s < kind->program->n_rows; s++)
        n += kind->offset[s][v + 1] - kind->offset[s][v];
    return n;
}

/* The cells of a vertex and its neighbours: this rank's in cells, ghosts' behind them. */
static void
list_cells(const GasketAsync *async, const GasketAsyncKind *kind, GasketVertex v,
           GasketScope *scope)
{
    uint32_t n = 0, end = scope->room;
    bool placed = false; /* its own cell, among the others if they ascend */

    for (unsigned s = 0; s < kind->program->n_rows; s++) {
        const GasketAsyncKind *other = &async->kinds[kind->neighbour_kind[s]];
        const uint32_t *neighbour = kind->rows[s].neighbour;
        for (uint64_t e = kind->offset[s][v]; e < kind->offset[s][v + 1]; e++) {
            uint32_t cell = other->first_cell + neighbour[e];
            if (neighbour[e] >= other->part->n_owned) {
                scope->cells[--end] = cell;
                continue;
            }
            if (!placed && cell >= scope->own) {
                scope->cells[n++] = scope->own;
                placed = true;
            }
            scope->cells[n++] = cell;
        }
    }
    if (!placed)
        scope->cells[n++] = scope->own;
    scope->n = sort_cells(scope->cells, n);
    scope->remote = scope->cells + end;
    scope->n_remote = sort_cells(scope->remote, scope->room - end);
}

GasketScope *
gasket_async_scope_new(uint64_t n_cells, GError **error)
{
    GasketScope *scope = gasket_array_new(sizeof *scope + n_cells * sizeof(uint32_t), 1, error);
    if (scope != NULL)
        scope->room = (uint32_t)n_cells;
    return scope;
}

static void
enlist(GasketAsyncScopes *scopes, GasketScope *scope)
{
    scope->all_next = scopes->all;
    if (scopes->all != NULL)
        scopes->all->all_before = scope;
    scopes->all = scope;
}

void
gasket_async_scope_free(GasketAsyncScopes *scopes, GasketScope *scope)
{
    pthread_mutex_lock(&scopes->lock);
    if (scope->all_before != NULL)
        scope->all_before->all_next = scope->all_next;
    else
        scopes->all = scope->all_next;
    if (scope->all_next != NULL)
        scope->all_next->all_before = scope->all_before;
    pthread_mutex_unlock(&scopes->lock);
    gasket_array_free(scope);
}

void
gasket_async_scopes_clear(GasketAsyncScopes *scopes)
{
    while (scopes->all != NULL)
        gasket_async_scope_free(scopes, scopes->all);
}

bool
gasket_async_request_scope(GasketAsync *async, const GasketAsyncKind *kind, GasketVertex v)
{
    GasketAsyncScopes *scopes = &async->scopes;
    uint64_t n = 1 + n_entries_of(kind, v);

    if (atomic_load_explicit(&scopes->n, memory_order_relaxed) >= MAX_SCOPES ||
        (atomic_load_explicit(&scopes->n_cells, memory_order_relaxed) + n > MAX_CELLS &&
         atomic_load_explicit(&scopes->n, memory_order_relaxed) > 0))
        return false;
    GasketScope *scope = n <= UINT32_MAX ? gasket_async_scope_new(n, NULL) : NULL;
    if (scope == NULL) {
        atomic_store(&async->schedule->no_memory, true);
        return false;
    }
    scope->kind = kind;
    scope->vertex = v;
    scope->own = kind->first_cell + v;
    list_cells(async, kind, v, scope);
    atomic_fetch_add(&scopes->n, 1);
    atomic_fetch_add(&scopes->n_cells, n);
    atomic_fetch_add(&async->n_busy, 1);
    pthread_mutex_lock(&scopes->lock);
    enlist(scopes, scope);
    gasket_async_scope_begin(async, scope);
    pthread_mutex_unlock(&scopes->lock);
    return true;
}

/* ---- claims ---------------------------------------------------------------------------------- */

void
gasket_async_claim(GasketAsyncScopes *scopes, GasketScope *scope)
{
    scope->next = NULL;
    if (scopes->claims == NULL)
        scopes->claims = scope;
    else
        scopes->last_claim->next = scope;
    scopes->last_claim = scope;
    atomic_fetch_add_explicit(&scopes->n_todo, 1, memory_order_relaxed);
}

/* Takes what can be taken of a claim; whether that is all. */
static bool
advance(GasketAsync *async, GasketScope *scope)
{
    for (; scope->at < scope->n; scope->at++) {
        uint32_t cell = scope->cells[scope->at];
        if (!gasket_cell_acquire(&async->words[cell], cell == scope->own, &scope->wanting,
                                 async->alone))
            return false;
    }
    return true;
}

void
gasket_async_release_cells(GasketAsync *async, GasketScope *scope)
{
    for (uint32_t i = 0; i < scope->n; i++)
        if (scope->cells[i] != scope->own)
            gasket_cell_unhold(&async->words[scope->cells[i]], async->alone);
}

/* Moves claims on, oldest first. Returns the scopes that have everything. Locked. */
static GasketScope *
advance_claims(GasketAsync *async)
{
    GasketAsyncScopes *scopes = &async->scopes;
    GasketScope **link = &scopes->claims;

    scopes->last_claim = NULL;
    while (*link != NULL) {
        GasketScope *scope = *link;
        if (!advance(async, scope)) {
            scopes->last_claim = scope;
            link = &scope->next;
            continue;
        }
        *link = scope->next;
        atomic_fetch_sub_explicit(&scopes->n_todo, 1, memory_order_relaxed);
        gasket_async_scope_granted(async, scope);
    }
    GasketScope *ready = scopes->ready;
    scopes->ready = NULL;
    return ready;
}

bool
gasket_async_attend_scopes(GasketAsyncThread *thread)
{
    GasketAsync *async = thread->async;
    GasketAsyncScopes *scopes = &async->scopes;

    if (pthread_mutex_trylock(&scopes->lock) != 0)
        return false;
    GasketScope *ready = advance_claims(async);
    pthread_mutex_unlock(&scopes->lock);
    bool ran = ready != NULL;
    while (ready != NULL) {
        GasketScope *scope = ready;
        uint64_t room = scope->room;
        ready = scope->next;
        atomic_fetch_sub_explicit(&scopes->n_todo, 1, memory_order_relaxed);
        gasket_async_run_scope(thread, scope->kind, scope->vertex);
        gasket_async_scope_over(async, scope);
        atomic_fetch_sub(&scopes->n_cells, room);
        atomic_fetch_sub(&scopes->n, 1);
        atomic_fetch_sub(&async->n_busy, 1);
    }
    return ran;
}
