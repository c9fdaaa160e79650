/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes: vertices that must have all they read before they run.
 *
 * A vertex that was disturbed several times, one whose program reads its rows in apply or writes
 * edge state in gather (which cannot be done twice), and, with edge consistency, one with remote
 * neighbours becomes a scope: it takes its own cell and those of its neighbours one after the
 * other, waits for each, runs, and lets go of all.
 *
 *                      ┌──────── own cells left ────────┐
 *                      v                                │
 *   request ──> ranks below ──GRANT──> own rank ──all──> ranks above ──GRANT──> ready ──run──> gone
 *               (LOCK, one rank at a time)               (the same)              (RELEASE to all)
 *
 * At each rank a scope is a claim on a list of that rank's cells, ascending; its own vertex is
 * locked, the others are held.
 *
 *   waiting at list[next] ──that is acquired──> next + 1 ── ... ──all──> granted ──> released
 *
 * Why nobody waits for ever: all scopes take cells in one order, (rank, cell). A scope waits only
 * for scopes that hold the cell, all of which are further on in the order, or for those that began
 * to want it earlier, or for blocks, which wait for nothing. The one that is furthest waits for
 * nobody. Claims are looked at in the order in which they came, and a cell that is wanted is given
 * to nobody else: so each is overtaken by none that came later.
 */
#ifndef GASKET_ENGINE_ASYNC_SCOPE_H
#define GASKET_ENGINE_ASYNC_SCOPE_H

#include "engine/async.h"
#include "engine/async_lock.h"

/* Of a vertex of this rank, or of a guest: another rank's, as far as it is about this rank's
 * cells. */
struct GasketScope {
    GasketScope *next;
    GasketScope *all_next, *all_before; /* of scopes.all; not a guest's */
    const GasketAsyncKind *kind;        /* NULL: a guest's */
    GasketVertex vertex;
    uint32_t own;      /* the cell to lock; GASKET_NO_VERTEX: none, a guest's */
    uint32_t n, at;    /* cells of this rank, and how many of them it has */
    bool wanting;      /* it is who wants cells[at] */
    bool told;         /* rank has been asked for its cells; a guest's: that it has them */
    unsigned rank;     /* where it waits; a guest's: whose it is */
    uint64_t id;       /* by which other ranks call it */
    uint32_t n_remote; /* ghosts */
    uint32_t *remote;  /* [n_remote] within cells, ascending */
    uint32_t room;
    uint32_t cells[]; /* [room] the first n ascending */
};

/* A scope with room for cells. Free a guest with gasket_array_free. Error: MEMORY. */
GasketScope *gasket_async_scope_new(uint64_t n_cells, GError **error);

/* Frees a scope of this rank; all that a phase left behind. The scopes are not locked. */
void gasket_async_scope_free(GasketAsyncScopes *scopes, GasketScope *scope);
void gasket_async_scopes_clear(GasketAsyncScopes *scopes);

/* Puts it behind the claims on this rank's cells. The scopes are locked. */
void gasket_async_claim(GasketAsyncScopes *scopes, GasketScope *scope);

/* Lets go of the cells that it holds. */
void gasket_async_release_cells(GasketAsync *async, GasketScope *scope);

/* The steps between ranks (async_scope_ranks.c): a scope begins; has its cells of this rank; has
 * run, which uses it up. The scopes are locked, but for the last. */
void gasket_async_scope_begin(GasketAsync *async, GasketScope *scope);
void gasket_async_scope_granted(GasketAsync *async, GasketScope *scope);
void gasket_async_scope_over(GasketAsync *async, GasketScope *scope);

/* Makes vertex v, whose task runs, a scope. false: there are too many; let it wait for its turn. */
bool gasket_async_request_scope(GasketAsync *async, const GasketAsyncKind *kind, GasketVertex v);

/* Gives cells to the claims that wait for them and runs what is ready; whether any was. Any thread
 * that is not idle. */
bool gasket_async_attend_scopes(GasketAsyncThread *thread);

#endif
