/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One superstep.
 *
 *   prepare ─> boundary chunks ─────> interior chunks ─────────────> finish round ─> commit ─> wake
 *                        └─ boundary values travel meanwhile ──┘
 *
 * Chunks run in one of three ways, all calling the same gather:
 *
 *   rows      a block of whole rows, apply on the same block (and scatter)
 *   segments  the pieces of a chunk, segment by segment, then apply on the chunk
 *   push      (push.c) entries that name a changed neighbour, binned by target
 */
#ifndef GASKET_ENGINE_STEP_H
#define GASKET_ENGINE_STEP_H

#include <stdatomic.h>

#include "engine/ghosts.h"
#include "engine/run_private.h"
#include "engine/wake.h"

typedef struct {
    GasketUpdate update; /* of the values */
    unsigned set;        /* row set whose edge values come next */
    uint32_t edge;       /* position in its outbox */
    uint32_t totals;     /* cursor of partials */
    bool values_done, edges_done;

    uint32_t values_from;                     /* positions before it have come from the peer */
    uint32_t edges_from[GASKET_MAX_ROW_SETS]; /* likewise the edge values of each row set */
} GasketStepPeer;

/* What every rank tells every other at a step's end. */
typedef struct {
    uint64_t identity; /* of the step: drivers that took different ways notice */
    uint64_t n_ran, n_changed, n_woken, changed_degree, bytes_sent, stop_asked;
    uint64_t snapshot_wanted, snapshot_written; /* ranks */
} GasketStepCounters;

typedef struct {
    GasketRun *run;
    const GasketProgram *program;
    GasketStale *stale; /* its round may lag; NULL: everything of the step comes before the next */
    GasketKindData *kind;
    const GasketPartKind *part;
    GasketValues values;     /* where apply writes and updates arrive */
    bool publishes;          /* the kind has values and the program may change them */
    bool in_place, full;     /* no staging; every value changes */
    bool on_set;             /* of vertices */
    bool all_run;            /* not woken ones or a set, but every vertex */
    bool awake_only;         /* of a set, those that are woken */
    uint64_t fresh, reduced; /* aggregates that start anew, and those that all ranks
                                             add up at the end: the program's, but within a sweep */
    const uint64_t *active;  /* bits by owned vertex; NULL: all */
    const uint32_t *degree;  /* [n_owned] readers of each vertex, or NULL */

    GasketRows rows[GASKET_MAX_ROW_SETS]; /* all but the block's own fields */
    const uint64_t *offset[GASKET_MAX_ROW_SETS];
    GasketWaker wakers[GASKET_MAX_ROW_SETS]; /* of those that scatter */
    const GasketChunks *chunks;
    const GasketLayout *layout;
    size_t block_rows;
    atomic_uint next_chunk;
    unsigned end_chunk;

    GasketStepPeer *peers; /* [size] */
    bool boundary_done, all_done;
    GasketStepCounters own, all;
    GError *error; /* of the thread that talks (the driver's) */
} GasketStep;

/* What a step runs on, and where in a sweep over several sets it stands: aggregates go from the
 * first step to the last, whose end makes their totals. A step by itself is both. */
typedef struct {
    const GasketVertexSet *set; /* NULL: all vertices, or those woken */
    bool awake_only, first, last;
} GasketStepPart;

/* [all] One superstep. */
bool gasket_step_run(GasketRun *run, const GasketProgram *program, const GasketStepPart *part,
                     GError **error);

/* What a step is, alike on every rank that makes the same. */
uint64_t gasket_step_identity(const GasketProgram *program, bool on_set);

/* Refuses the totals of a peer that made another step. */
bool gasket_step_check_identity(const GasketProgram *program, bool on_set,
                                const GasketStepCounters *counters, unsigned peer, GError **error);

/* Where the totals of peers go that make the same step: of a program, on a set or not. */
typedef struct {
    const GasketProgram *program;
    bool on_set;
    GasketStepCounters *counters;
    GasketPartials *partials; /* its elements of the aggregates in mask */
    uint64_t mask;
} GasketStepTotals;

/* Adds what a frame brings of a peer's totals. PROTOCOL error if the bytes are no totals of such a
 * step. */
bool gasket_step_take_totals(const GasketStepTotals *to, unsigned peer,
                             const GasketRoundHeader *header, const uint8_t *body, uint32_t n_body,
                             GError **error);

/* Adds counters. */
void gasket_step_count(GasketStepCounters *counters, const GasketStepCounters *more);

/* Empties sums of n slots. */
void gasket_step_clear_sums(const GasketProgram *program, void *sums, size_t n);

/* Apply, and what follows it, on a block. slot: of each vertex's sum in sums. rows: the block's, if
 * they are whole; else NULL. */
void gasket_step_apply(GasketStep *step, GasketThread *thread, const uint32_t *vertex,
                       const uint32_t *slot, size_t count, const void *sums,
                       const GasketRows *rows);

/* Makes run->sums hold n sums of the program. */
bool gasket_step_need_sums(GasketStep *step, GError **error);

/* Before a step (step_prepare.c): where values are written; a row set's arrays; every thread's
 * buffers and context; who runs (set: bits, or NULL). */
bool gasket_step_prepare_values(GasketStep *step, const GasketVertexSet *set, GError **error);
void gasket_step_prepare_rows(GasketStep *step, unsigned s);
bool gasket_step_prepare_threads(GasketStep *step, GError **error);
void gasket_step_prepare_active(GasketStep *step, const uint64_t *set);

/* Who reads a vertex's value, if that is known without a pass: for the choice to push. */
const uint32_t *gasket_step_reader_degree(const GasketStep *step);

/* Rounds of a step (step_round.c). */
extern const GasketRound gasket_step_round;

/* Edge values of the step's row sets over the wire (edge_values.c). */
bool gasket_edges_produce(GasketStep *step, unsigned peer, GasketStepPeer *state,
                          GasketFrame **ret_frame, GError **error);
bool gasket_edges_consume(GasketStep *step, unsigned peer, const GasketRoundHeader *header,
                          const uint8_t *body, uint32_t n_body, GError **error);

/* Whether all edge values that the peer owes have come. */
bool gasket_edges_came(const GasketStep *step, unsigned peer);

/* Before a step that scatters: where each row set's edge values are written. */
bool gasket_edges_prepare(GasketStep *step, GError **error);
void gasket_edges_commit(GasketStep *step);

/* After the round: staged values become current; readers are woken (commit.c). */
void gasket_step_commit(GasketStep *step);
bool gasket_step_wake(GasketStep *step, GError **error);

#endif
