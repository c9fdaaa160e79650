/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asynchronous engine: vertices run by themselves once they are woken.
 *
 *   schedule ──take──> block of rows ─> gather ─> (validate) ─> apply ─> publish ─> scatter ─┐
 *      ^                                                                 │ noted for peers  │
 *      └──────────────────────────── wake ───────────────────────────────┴──────────────────┘
 *
 * A phase runs until nothing is left to do anywhere, a limit is reached, or it is time for an
 * iteration to end. Between phases all is as between steps: every ghost has what its owner
 * publishes, active says who waits. So steps, measures and reports need know nothing of it.
 *
 * A cell is a vertex or ghost of any kind: one index space, first_cell of its kind and then its
 * local index. Tasks of the schedule are cells.
 *
 * How a value is published so that nobody reads half of it, and what is validated, is the mode of
 * the phase (async_block.c, async_lock.h):
 *
 *   PLAIN      values of 1, 2, 4 or 8 bytes, one atomic store each; nothing is validated
 *   VALIDATED  larger ones, under the cell's lock; a row whose neighbours changed meanwhile is
 *              gathered again
 *   LOCKED     edge consistency: a vertex is locked while it runs, and its neighbours validated
 *
 * Where one thread of one worker runs everything nothing is torn, and what VALIDATED does PLAIN
 * does; what LOCKED does
 *
 *   SOLO       does without locks: a block's sets run one after the other (async_solo.c)
 */
#ifndef GASKET_ENGINE_ASYNC_H
#define GASKET_ENGINE_ASYNC_H

#include <pthread.h>

#include "engine/async_lock.h"
#include "engine/history.h"
#include "engine/run_private.h"
#include "engine/schedule.h"
#include "engine/wake.h"

#define GASKET_ASYNC_BLOCK GASKET_SCHEDULE_CHUNK

typedef enum {
    GASKET_ASYNC_PLAIN,
    GASKET_ASYNC_SOLO,
    GASKET_ASYNC_VALIDATED,
    GASKET_ASYNC_LOCKED,
} GasketAsyncMode;

/* Rows that a change of a kind's value wakes. */
typedef struct {
    const GasketReaders *readers; /* of the kind's vertices and ghosts */
    uint32_t first_cell;          /* of the rows' kind */
} GasketAsyncReaders;

/* A kind of vertices, and the program that runs on it (NULL: none). */
typedef struct {
    const GasketProgram *program;
    GasketKindData *data;
    const GasketPartKind *part;
    uint32_t first_cell;
    bool publishes;
    bool by_scope; /* its vertices run as scopes only */
    size_t block;  /* rows handed over at once */
    unsigned n_readers;
    GasketAsyncReaders *readers; /* [n_readers] */

    GasketRows rows[GASKET_MAX_ROW_SETS]; /* all but the block's own fields */
    const uint64_t *offset[GASKET_MAX_ROW_SETS];
    unsigned neighbour_kind[GASKET_MAX_ROW_SETS];
    GasketWaker wakers[GASKET_MAX_ROW_SETS];
} GasketAsyncKind;

typedef struct GasketAsync GasketAsync;
typedef struct GasketScope GasketScope;
typedef struct GasketAsyncNet GasketAsyncNet;

/* Vertices that wait for others to let them read in peace (async_scope.h). */
typedef struct {
    pthread_mutex_t lock;             /* of the lists */
    GasketScope *claims, *last_claim; /* that wait for cells of this rank, in order */
    GasketScope *ready;               /* that have everything */
    GasketScope *all;                 /* of this rank, wherever they are */
    _Atomic uint64_t n_todo;          /* claims, and what is ready */
    _Atomic uint64_t n, n_cells;      /* of this rank's vertices */
} GasketAsyncScopes;

/* One thread's own things. */
typedef struct GasketAsyncThread {
    GasketAsync *async;
    unsigned index;
    GasketThread *thread;    /* partials */
    GasketContext *contexts; /* [n_kinds] */
    uint8_t **scratch;       /* [n_kinds] */
    uint8_t *sums;           /* [block * sum_size] of any kind */
    bool idle;

    /* Of the block under way. */
    uint32_t vertex[GASKET_ASYNC_BLOCK];
    uint32_t sum[GASKET_ASYNC_BLOCK]; /* slot of each vertex's sum */
    uint64_t begin[GASKET_MAX_ROW_SETS][GASKET_ASYNC_BLOCK];
    uint64_t end[GASKET_MAX_ROW_SETS][GASKET_ASYNC_BLOCK];
    uint8_t changed[GASKET_ASYNC_BLOCK];
    float priority[GASKET_ASYNC_BLOCK];

    _Atomic uint64_t n_ran;
    GasketHistoryLog *log; /* NULL: no history is kept */
} __attribute__((aligned(64))) GasketAsyncThread;

struct GasketAsync {
    GasketRun *run;
    GasketAsyncMode mode;
    bool asks_priority;
    unsigned n_kinds;
    uint32_t n_cells;
    GasketAsyncKind *kinds; /* [n_kinds] */
    GasketSchedule *schedule;
    GasketAsyncThread *threads; /* [run->n_threads] */
    _Atomic uint64_t n_started; /* times that a thread stopped being idle */
    _Atomic uint64_t n_busy;    /* threads that are not idle, and scopes */
    _Atomic bool ending;        /* threads take no more */

    bool alone;            /* one compute thread: nobody else writes words */
    GasketCellWord *words; /* [n_cells] in the modes VALIDATED and LOCKED */
    _Atomic uint64_t clock;
    GasketAsyncScopes scopes;
    GasketAsyncNet *net;         /* NULL with one worker */
    _Atomic unsigned n_stopped;  /* threads but 0 that take no more */
    GasketHistoryCells *history; /* NULL: none is kept */

    uint64_t moved;   /* messages, waves and updates at the watchdog's last look ... */
    int64_t moved_us; /* ... and when that number was new */
    int64_t began_us, phase_ends_us; /* by the transport's clock, if there is one */
    uint64_t n_ran_before;           /* in earlier phases, on all workers */
    uint64_t n_allowed;              /* updates of this worker in this phase; 0: no bound */
    bool asked, late;                /* why this worker wants the phase to end */
    bool limited;                    /* a bound of the whole run was reached */
    GError *error;                   /* thread 0's */
};

/* Runs programs until nothing is woken any more. */
bool gasket_async_run(GasketRun *run, const GasketProgram *const *programs, unsigned n_programs,
                      GError **error);

/* async_prepare.c: what stands from the first phase to the last. */
GasketAsync *gasket_async_new(GasketRun *run, const GasketProgram *const *programs,
                              unsigned n_programs, GError **error);
void gasket_async_free(GasketAsync *async);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketAsync, gasket_async_free)

/* Copies what another thread may be writing; whoever calls finds out whether it is whole. */
void gasket_async_copy_shared(uint8_t *to, const uint8_t *from, size_t size);

/* async_block.c: runs thread->vertex[0 .. count - 1], which are of one kind and ascending. */
void gasket_async_run_block(GasketAsyncThread *thread, const GasketAsyncKind *kind, size_t count);

/* Runs a vertex that has its own cell locked and those of its neighbours held; unlocks it. */
void gasket_async_run_scope(GasketAsyncThread *thread, const GasketAsyncKind *kind, GasketVertex v);

/* Wakes whom a change of a cell's value wakes. */
void gasket_async_wake_readers(GasketAsync *async, unsigned thread, const GasketAsyncKind *kind,
                               GasketVertex v, unsigned bucket);

/* gasket_wake in an asynchronous run. */
void gasket_async_wake_along(GasketAsyncThread *thread, const GasketRows *rows, uint64_t e,
                             float priority);

#endif
