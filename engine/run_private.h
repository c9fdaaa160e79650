/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: one worker's part, its data, its threads and its rounds with the other workers.
 *
 * Data of a kind, by local index:
 *
 *      0            n_boundary        n_owned                    n_local
 *   state    |---------------------------|
 *   current  |------------ values --------|------ ghosts' ---------|   what gathers read
 *   next     |------------ staged --------|------ arrived ---------|   what apply writes
 *
 * A step writes `next` only where its program gathers over its own kind's values; otherwise nobody
 * reads `current` meanwhile and it is written in place (next is then never allocated).
 *
 * Invariants between steps:
 *   1. current holds, for every ghost, what its owner's current holds.
 *   2. changed_owned and changed_ghosts say which values the last step that could change values of
 *      the kind did change; all_changed stands for both being full.
 *   3. active holds the vertices woken since they last ran; all_active stands for it being full.
 */
#ifndef GASKET_ENGINE_RUN_PRIVATE_H
#define GASKET_ENGINE_RUN_PRIVATE_H

#include <signal.h>

#include <gasket/algorithm.h>

#include "engine/exchange.h"
#include "engine/job.h"
#include "engine/layout.h"
#include "engine/part.h"
#include "engine/pool.h"
#include "engine/totals.h"

/* Rows handed over at once, at most. */
#define GASKET_BLOCK_ROWS 1024

/* The monotone program that gathered over all values of a kind before what changed last did: the
 * only one that may gather over just these. gather NULL: there is none. */
typedef struct {
    GasketGather gather;
    GasketApply apply;
    unsigned n_rows;
    GasketRowSet rows[GASKET_MAX_ROW_SETS];
} GasketPushable;

typedef struct {
    size_t state_size;
    uint8_t *state; /* [n_owned * state_size] */

    size_t value_size;     /* bytes, uniform; 0: none, or varying */
    uint64_t *value_begin; /* [n_local + 1] bytes, where sizes vary; else NULL */
    uint8_t *current, *next;

    uint64_t *changed_owned, *changed_ghosts; /* bits by vertex, and by vertex - n_owned */
    bool all_changed;
    uint64_t n_changed;      /* on all workers */
    uint64_t changed_degree; /* entries that read the changed ones, all workers, estimated */

    GasketPushable pushable; /* whose changes those are */

    uint64_t *active; /* bits by owned vertex */
    bool all_active;
} GasketKindData;

/* Edge values that are read at one row set. Entries of a row whose neighbour is remote are written
 * there; the rows at the other end keep, for those entries, slots in an outbox behind their own.
 *
 *   at the reader's rank   current [n_entries]: own row's entries, in order of the rows
 *   at the writer's rank   next    [n_entries | outbox of rank 0 | of rank 1 | ...] */
typedef struct {
    size_t size;     /* bytes, uniform; 0: none, or varying */
    uint64_t *begin; /* [n_slots + 1] bytes, where sizes vary */
    uint64_t n_entries, n_slots;
    uint8_t *current, *next; /* next == current unless a step reads while it writes */
    uint8_t *second;         /* the other buffer, once one was needed */
    uint32_t *slot;          /* [entries of the opposite rows] where their owner writes */
    uint64_t *outbox_begin;  /* [size + 1] first slot for each rank */
    uint64_t *outbox_woken;  /* bits by slot - n_entries: whose reader is to be woken; or NULL */
    uint64_t *inbox_begin;   /* [size + 1] into inbox */
    uint32_t *inbox;         /* entries that each rank writes, in the order of its outbox */
} GasketEdgeValues;

/* What a run keeps of the rows of a relation and direction. */
typedef struct {
    GasketColumn *columns; /* [n_columns] views, of whichever layout stands */
    GasketLayout *layout;  /* segment-major, or NULL: row-major */
    bool row_major_only;
    GasketReaders *readers; /* local transpose, built when first needed */
    size_t edge_state_size;
    uint8_t *edge_state;
    GasketEdgeValues values;
} GasketRowsData;

/* A varying column of the result (gasket_run_set_result). */
typedef struct {
    uint8_t *data;   /* gasket_array */
    uint64_t *begin; /* [n_owned + 1] elements; gasket_array. NULL: not set */
} GasketRunResult;

#define GASKET_CHUNK_CACHE 16

/* Chunks for a combination of row sets. */
typedef struct {
    unsigned kind, n_rows;
    GasketRowSet rows[GASKET_MAX_ROW_SETS];
    GasketChunks *chunks;
} GasketChunkCache;

typedef struct GasketPush GasketPush;           /* push.h */
typedef struct GasketStale GasketStale;         /* stale.h */
typedef struct GasketSnapshots GasketSnapshots; /* snapshots.h */

#define GASKET_MAX_KEPT 16

/* What a driver keeps beside the run's data (gasket_run_keep). */
typedef struct {
    void *data;
    size_t size;
} GasketKept;

/* An array by vertex that snapshots save (gasket_run_keep_array). */
typedef struct {
    unsigned kind;
    uint8_t *data;
    const uint64_t *begin; /* [n_owned + 1] elements; NULL: one for each vertex */
    size_t size;           /* of an element */
} GasketKeptArray;

/* What one compute thread has of its own. */
struct GasketThread {
    GasketRun *run;
    unsigned index;
    GasketPartials partials;
    GasketContext context; /* for the step under way */

    uint64_t n_ran, n_changed, n_woken, changed_degree;
    struct GasketAsyncThread *async; /* in an asynchronous run */

    uint32_t *vertex; /* [GASKET_BLOCK_ROWS] buffers for blocks */
    uint32_t *slot;   /* [GASKET_BLOCK_ROWS] 0, 1, 2, ... */
    uint64_t *begin[GASKET_MAX_ROW_SETS];
    uint64_t *end[GASKET_MAX_ROW_SETS];
    uint8_t *changed; /* [GASKET_BLOCK_ROWS] */
    uint8_t *sums;    /* [sums_size] */
    size_t sums_size;
    uint8_t *scratch; /* [scratch_size] */
    size_t scratch_size;
};

struct GasketRun {
    GasketPart *part;
    GasketExchange *exchange;
    GasketPool *pool;
    GasketThread *threads; /* [n_threads] */
    unsigned n_threads;

    uint64_t seed;
    uint32_t segment; /* as GasketJob.segment */
    GasketEngine engine;
    GasketScheduler scheduler; /* never AUTO, nor the next */
    GasketConsistency consistency;
    GasketHistory *history; /* or NULL */
    unsigned history_epoch; /* asynchronous runs noted there */
    unsigned staleness;     /* steps; 0: none */
    bool settling;          /* ... but no more: the end is near */
    GasketStale *stale;     /* rounds that lag, or have; NULL: none yet */
    GasketMeasure measure;  /* of runs until quiet; program NULL: none */
    bool simulated;         /* over a simulated network, which must be given turns */
    double max_seconds;     /* 0: no bound */
    uint64_t max_updates;   /* 0: no bound */
    double tolerance;
    uint32_t max_iterations; /* 0: no bound */

    GasketKindData *kinds;       /* [n_kinds] */
    GasketColumn **kind_columns; /* [n_kinds][n_columns] views */
    GasketRowsData *rows;        /* [2 * n_relations] by 2 * relation + direction */
    GasketTotals totals;
    GasketPartials own, all; /* of this rank, and of all, in the step under way */
    uint8_t *sums;           /* [n_owned] sums of a kind: segment-major and push steps */
    size_t sums_size;
    GasketPush *push; /* what push steps need, once there was one */
    GasketChunkCache chunk_cache[GASKET_CHUNK_CACHE];
    unsigned n_chunk_cache;

    uint64_t step;
    uint64_t n_woken; /* by gasket_wake in the last step, on all workers */
    uint64_t iteration;
    bool in_iteration, converged, quiet, stop_asked, stopped;
    int64_t run_began_us, iteration_began_us;
    GasketReportIteration under_way; /* sums since the last iteration ended */
    GasketReport *report;            /* iterations and metrics go there; every rank keeps one */
    double step_seconds;             /* in steps, waiting included */
    double step_wait_seconds;

    const GasketResultColumn *result_columns; /* [n_results] the job's */
    unsigned n_results;
    GasketRunResult *results; /* [n_results] */

    GasketSnapshots *snapshots; /* NULL: none are taken, and none was resumed */
    GasketKept kept[GASKET_MAX_KEPT];
    unsigned n_kept;
    GasketKeptArray kept_arrays[GASKET_MAX_KEPT]; /* results of varying columns among them */
    unsigned n_kept_arrays;
    GError *failure; /* what gasket_run_continues could not say; the next step does */

    const volatile sig_atomic_t *stop;
    void (*progress)(void *data, const GasketProgress *progress); /* rank 0 */
    void (*note)(void *data, const char *text);                   /* rank 0 */
    void *progress_data;

    GasketContext *views; /* [n_kinds] for gasket_run_context */
    GasketColouring *
        *colourings;       /* [n_relations] at distance 1, for the chromatic engine; or NULL */
    uint32_t **by_ordinal; /* [n_kinds][n_owned] or NULL: vertices by ascending ordinal */
};

/* This worker's figures for the report. */
void gasket_run_figures(const GasketRun *run, GasketReportWorker *ret_figures);

/* Whether apply is shown the rows, whole: because it asks, or because nothing gathers for it. */
static inline bool
gasket_program_sees_rows(const GasketProgram *program)
{
    return program->whole_rows || (program->gather == NULL && program->n_rows > 0);
}

static inline GasketRowsData *
gasket_run_rows_data(const GasketRun *run, unsigned relation, GasketDirection direction)
{
    const GasketPartRelation *r = &run->part->relations[relation];
    return &run->rows[2 * relation + gasket_part_direction(r, direction)];
}

static inline GasketPartRows *
gasket_run_part_rows(const GasketRun *run, unsigned relation, GasketDirection direction)
{
    GasketPartRelation *r = &run->part->relations[relation];
    return &r->rows[gasket_part_direction(r, direction)];
}

/* A run of a part; takes the part. exchange is borrowed. */
GasketRun *gasket_run_new_take(GasketPart **part, GasketExchange *exchange, const GasketJob *job,
                               GasketReport *report, GError **error);
void gasket_run_free(GasketRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketRun, gasket_run_free)

/* Ends an iteration of a run until quiet, with a measure if there is one. */
bool gasket_run_end_measured(GasketRun *run, GError **error);

/* gasket_run_continues with another bound; 0: none. */
bool gasket_run_continues_up_to(GasketRun *run, uint32_t max_iterations);

/* Fills what does not change between steps of one kind. */
void gasket_run_fill_context(const GasketRun *run, GasketContext *context, unsigned kind,
                             const GasketPartRelation *relation);

/* Owned vertices of a kind by ascending ordinal, made when first asked for. */
const uint32_t *gasket_run_by_ordinal(GasketRun *run, unsigned kind, GError **error);

#endif
