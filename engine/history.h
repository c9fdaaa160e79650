/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histories: which versions of which values every update of an asynchronous run read and wrote, and
 * whether the run equals one in which the updates ran one after the other.
 *
 * A version of a vertex's value is how often it has been changed; a turn is how often the vertex
 * has run. Versions stand by cell (a vertex or ghost of a worker) and travel with values. An update
 * notes its turn, whether it changed its value, and the version of each neighbour that it read.
 *
 *   update of v, turn k, version x -> x + 1
 *     read u at version 7, w at version 2, ...
 *
 * Two updates conflict where one read what the other wrote, so of them the order is known:
 *
 *   own          (v, k)              before  (v, k + 1)
 *   read-from    who wrote (u, x)    before  who read (u, x)
 *   overwritten  who read (u, x)     before  who wrote (u, x + 1)
 *
 * The run equals a serial one, under edge consistency, exactly where this graph has no cycle; any
 * order that it allows is such a serial run (C. Papadimitriou, The serializability of concurrent
 * database updates, JACM 26 (1979)). gasket_history_check finds the order, or names the cycle.
 *
 *   history = gasket_history_new();
 *   ... every worker: cells = gasket_history_cells_new(history, n_cells, error), cells->id[c] = x
 *   ... every thread: log = gasket_history_log_new(cells);
 *   ... for a block of rows:
 *       gasket_history_read(log, &block);      before the gather
 *       gasket_history_reread(log, &block);    after it, before the neighbours are validated
 *       gasket_history_write(log, r, changed); for each row that counts, while it is still locked
 *   order = gasket_history_check(history, &n, error);
 *
 * Recording costs 16 bytes and two loads for each entry of a row, and a pointer test a block where
 * it is off.
 */
#ifndef GASKET_ENGINE_HISTORY_H
#define GASKET_ENGINE_HISTORY_H

#include <stdatomic.h>

#include <gasket/error.h>
#include <gasket/program.h>

typedef struct GasketHistory GasketHistory;       /* of all workers */
typedef struct GasketHistoryLog GasketHistoryLog; /* one thread's */

/* What one worker keeps. */
typedef struct {
    GasketHistory *history;
    uint32_t n_cells;
    uint64_t *id;              /* [n_cells] gasket_history_id of each; set by who makes it */
    _Atomic uint64_t *version; /* [n_cells] */
    _Atomic uint64_t *turn;    /* [n_cells] */
} GasketHistoryCells;

/* The rows that a block reads. */
typedef struct {
    uint32_t first_cell; /* of the vertices' kind */
    unsigned n_rows;
    const uint32_t *neighbour_cell; /* [n_rows] first cell of the neighbours' kind */
    const GasketRows *rows;         /* [n_rows] */
} GasketHistoryBlock;

/* One update, as the checker gives them. */
typedef struct {
    uint64_t id;
    uint64_t turn;    /* from 0 */
    uint64_t version; /* before it */
    bool changed;     /* ... and it wrote version + 1 */
} GasketHistoryUpdate;

/* What a vertex is called on every worker. An epoch below 2^16 tells a job's runs apart. */
static inline uint64_t
gasket_history_id(unsigned epoch, unsigned kind, uint32_t number)
{
    return (uint64_t)epoch << 48 | (uint64_t)kind << 32 | number;
}

/* ---- recording ------------------------------------------------------------------------------- */

GasketHistory *gasket_history_new(void);
void gasket_history_free(GasketHistory *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketHistory, gasket_history_free)

/* For tests of the checker: from now on the engine overlooks neighbours that run or have changed,
 * as if its locks were broken. */
void gasket_history_set_blind(GasketHistory *history, bool blind);
bool gasket_history_is_blind(const GasketHistory *history);

/* A worker's cells, at version and turn 0. They belong to the history. Any thread. Error:
 * MEMORY. */
GasketHistoryCells *gasket_history_cells_new(GasketHistory *history, uint32_t n_cells,
                                             GError **error);

/* A thread's log. It belongs to the history. Any thread. */
GasketHistoryLog *gasket_history_log_new(GasketHistoryCells *cells);

/* Notes what a block is about to read; forgets the block before. */
void gasket_history_read(GasketHistoryLog *log, const GasketHistoryBlock *block);

/* Looks again: a version that differs now was not read whole. */
void gasket_history_reread(GasketHistoryLog *log, const GasketHistoryBlock *block);

/* Row r of the block counts: its vertex has run, and a changed value is there for others to read
 * once the vertex is unlocked. Rows that nobody writes are forgotten. */
void gasket_history_write(GasketHistoryLog *log, size_t r, bool changed);

/* The version of a cell's value, for those who send it, and its arrival with the value. */
uint64_t gasket_history_version(const GasketHistoryCells *cells, uint32_t cell);
void gasket_history_arrived(GasketHistoryCells *cells, uint32_t cell, uint64_t version);

/* ---- several processes (history_share.c) -----------------------------------------------------
 *
 * Around a fork: share before it, hand over in each child once its threads have stopped, collect
 * when all children have ended. Errors: IO, MEMORY. */

bool gasket_history_share(GasketHistory *history, GError **error);
bool gasket_history_hand_over(const GasketHistory *history, GError **error);
bool gasket_history_collect(GasketHistory *history, GError **error);

/* ---- checking, after every thread has stopped ------------------------------------------------ */

/* The updates in an order in which they could have run one by one; [*ret_n], g_free. NULL and error
 * FAILED, which names the updates that no order fits; or MEMORY. O(updates + reads) but for
 * sorting. */
GasketHistoryUpdate *gasket_history_check(const GasketHistory *history, size_t *ret_n,
                                          GError **error);

#endif
