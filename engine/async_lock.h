/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of the asynchronous engine: one word for each cell.
 *
 *    63            22 21         2    1        0
 *   | version        | holds      | wanted | locked |
 *
 *   locked    its vertex is being run, or its value written: nobody may read the value
 *   holds     so many scopes read it and may yet: its vertex must not run
 *   wanted    a scope waits for it: no other may lock or hold it first
 *   version   the stamp of its last change
 *
 * A stamp is drawn from the run's clock after values were written and before they are unlocked. So
 * whoever reads the clock, then values, and then finds a cell unlocked with a version that is not
 * above, has read what that cell has had since before the clock was read, and still has: one look
 * at each neighbour after the gather is enough.
 *
 *   writer   lock ── write ── stamp = ++clock ── unlock with stamp
 *   reader   clock ── read ── locked, or version > clock? ── then again
 *
 * Why that makes a serial order, with edge consistency: vertex v locks itself, reads, and then
 * checks its neighbours; let t(v) be the moment between reading and checking. If v read what w
 * wrote, w had unlocked before and t(w) < t(v). If w wrote later than v read, w was neither locked
 * nor changed when v checked it, so w locked itself after t(v) and t(v) < t(w). Two neighbours that
 * both read the other's old value would each have to find the other unlocked after having locked
 * itself; one of them does not. So to run the vertices one after the other in the order of t gives
 * the same values. A scope holds all it reads before it reads: its t is any moment meanwhile.
 *
 * With one compute thread nothing else writes the words, and plain loads and stores do.
 */
#ifndef GASKET_ENGINE_ASYNC_LOCK_H
#define GASKET_ENGINE_ASYNC_LOCK_H

#include <stdatomic.h>

#include <gasket/types.h>

#define GASKET_CELL_LOCKED  UINT64_C(1)
#define GASKET_CELL_WANTED  UINT64_C(2)
#define GASKET_CELL_HOLD    UINT64_C(4)
#define GASKET_CELL_HOLDS   (((UINT64_C(1) << 20) - 1) << 2)
#define GASKET_CELL_VERSION 22 /* shift */

typedef _Atomic uint64_t GasketCellWord;

static inline uint64_t
gasket_cell_load(GasketCellWord *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

/* Whether a reader that began at clock may not trust the cell. */
static inline bool
gasket_cell_is_doubtful(uint64_t word, uint64_t clock)
{
    return (word & GASKET_CELL_LOCKED) != 0 || word >> GASKET_CELL_VERSION > clock;
}

static inline bool
gasket_cell_exchange(GasketCellWord *word, uint64_t old, uint64_t new, bool alone)
{
    if (alone) {
        atomic_store_explicit(word, new, memory_order_relaxed);
        return true;
    }
    return atomic_compare_exchange_strong(word, &old, new);
}

/* Locks a cell that nobody has locked, holds or wants. */
static inline bool
gasket_cell_try_lock(GasketCellWord *word, bool alone)
{
    uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
    if ((old & (GASKET_CELL_LOCKED | GASKET_CELL_WANTED | GASKET_CELL_HOLDS)) != 0)
        return false;
    return gasket_cell_exchange(word, old, old | GASKET_CELL_LOCKED, alone);
}

/* Unlocks; with a stamp if something changed, else 0. Others may only have wanted it meanwhile. */
static inline void
gasket_cell_unlock(GasketCellWord *word, uint64_t stamp, bool alone)
{
    uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
    uint64_t change = GASKET_CELL_LOCKED;
    if (stamp != 0)
        change +=
            (old >> GASKET_CELL_VERSION << GASKET_CELL_VERSION) - (stamp << GASKET_CELL_VERSION);
    if (alone)
        atomic_store_explicit(word, old - change, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(word, change, memory_order_release);
}

/* For a scope: locks (or else holds) a cell as soon as that is possible, and wants it until then;
 * *wanting is the scope's own. */
bool gasket_cell_acquire(GasketCellWord *word, bool lock, bool *wanting, bool alone);

static inline void
gasket_cell_unhold(GasketCellWord *word, bool alone)
{
    if (alone)
        atomic_store_explicit(word,
                              atomic_load_explicit(word, memory_order_relaxed) - GASKET_CELL_HOLD,
                              memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(word, GASKET_CELL_HOLD, memory_order_release);
}

#endif
