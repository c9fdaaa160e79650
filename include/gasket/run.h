/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drivers: ordinary functions that run vertex programs on one run of a graph.
 *
 * A driver runs on every worker at once, each with its part of the graph; every function marked
 * [all] must be called by all workers in the same order (a driver whose control flow depends on
 * totals, parameters and sizes only does so by itself).
 *
 *   static bool
 *   pagerank_run(GasketRun *run, const void *parameters, GError **error)
 *   {
 *       if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
 *           !gasket_run_set_state(run, 0, sizeof(double), error) ||
 *           !gasket_run_set_value(run, 0, sizeof(float), error) ||
 *           !gasket_run_step(run, &start, error))
 *           return false;
 *
 *       while (gasket_run_continues(run)) {
 *           if (!gasket_run_step(run, &pagerank, error))
 *               return false;
 *           double residual = gasket_run_total(run, RESIDUAL, 0);
 *           gasket_run_end_iteration(run, residual, residual < 1e-6);
 *       }
 *       return true;
 *   }
 */
#ifndef GASKET_RUN_H
#define GASKET_RUN_H

#include <gasket/error.h>
#include <gasket/program.h>
#include <gasket/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct GasketRun GasketRun;
typedef struct GasketVertexSet GasketVertexSet;

/* ---- what there is --------------------------------------------------------------------------- */

GASKET_API unsigned gasket_run_rank(const GasketRun *run);
GASKET_API unsigned gasket_run_n_workers(const GasketRun *run);
GASKET_API uint64_t gasket_run_seed(const GasketRun *run);

/* Of the whole graph. */
GASKET_API unsigned gasket_run_n_kinds(const GasketRun *run);
GASKET_API unsigned gasket_run_n_relations(const GasketRun *run);
GASKET_API uint32_t gasket_run_n_vertices(const GasketRun *run, unsigned kind);
GASKET_API uint64_t gasket_run_n_edges(const GasketRun *run, unsigned relation);

/* Of this worker: vertices 0 .. n_owned - 1 are its own, n_owned .. n_local - 1 its ghosts. */
GASKET_API uint32_t gasket_run_n_owned(const GasketRun *run, unsigned kind);
GASKET_API uint32_t gasket_run_n_local(const GasketRun *run, unsigned kind);

/* The index of a column by name, or -1. */
GASKET_API int gasket_run_vertex_column(const GasketRun *run, unsigned kind, const char *name);
GASKET_API int gasket_run_edge_column(const GasketRun *run, unsigned relation, const char *name);

/* [all] The ordinal of the vertex with an original id (its position by ascending id), which
 * context->ordinal holds on its owner. An id that no vertex has is an ARGUMENT error. */
GASKET_API bool gasket_run_find(GasketRun *run, unsigned kind, const char *id,
                                uint32_t *ret_ordinal, GError **error);

/* ---- data (each at most once per kind or row set, before the first step that uses it) -------- */

/* Zeroed bytes for each owned vertex of a kind. Error: MEMORY. */
GASKET_API bool gasket_run_set_state(GasketRun *run, unsigned kind, size_t size, GError **error);

/* [all] Zeroed published bytes for each vertex of a kind, on its owner and its ghosts. */
GASKET_API bool gasket_run_set_value(GasketRun *run, unsigned kind, size_t size, GError **error);

/* Bytes that one vertex's value, or one entry's edge value, takes. state: of the kind, by vertex,
 * NULL if it has none. Must depend on nothing but the graph, the state and the parameters. */
typedef size_t (*GasketVertexSize)(const GasketContext *context, GasketVertex v, const void *state);

/* [all] The same with a size for each vertex (rounded up to 8 bytes each). */
GASKET_API bool gasket_run_set_value_varying(GasketRun *run, unsigned kind, GasketVertexSize size,
                                             const void *parameters, GError **error);

/* [all] Edge values of size bytes that travel to the rows of `rows`: read there as incoming,
 * written (zero before) at the other end by scatter over the opposite rows of the relation. Both
 * directions of a relation may have edge values, of different sizes. For a symmetric relation
 * name GASKET_IN. */
GASKET_API bool gasket_run_set_edge_value(GasketRun *run, GasketRowSet rows, size_t size,
                                          GError **error);

/* [all] The same where the size of an edge's value is a function of one of its ends: the owner of
 * the row if `by_owner`, else the neighbour. size is asked on the worker that owns that end. */
GASKET_API bool gasket_run_set_edge_value_varying(GasketRun *run, GasketRowSet rows, bool by_owner,
                                                  GasketVertexSize size, const void *parameters,
                                                  GError **error);

/* Zeroed private bytes for each entry of rows. Error: MEMORY. */
GASKET_API bool gasket_run_set_edge_state(GasketRun *run, GasketRowSet rows, size_t size,
                                          GError **error);

typedef enum {
    GASKET_COUNT, /* 64-bit integers */
    GASKET_SUM,   /* doubles, exact until the total is rounded */
    GASKET_MIN,
    GASKET_MAX,
} GasketAggregateType;

typedef struct {
    const char *name;
    GasketAggregateType type;
    unsigned length; /* elements; 0 means 1 */
} GasketAggregate;

#define GASKET_MAX_AGGREGATES 64

/* [all] Declares the run's aggregates, once; copied. */
GASKET_API bool gasket_run_set_aggregates(GasketRun *run, const GasketAggregate *aggregates,
                                          unsigned n_aggregates, GError **error);

/* ---- running --------------------------------------------------------------------------------- */

/* [all] One superstep of a program: gather, apply, scatter on the vertices that are active, then
 * new values and edge values and totals travel.
 *
 * wakes = NONE: every vertex of the kind runs. Otherwise those that were woken since their last
 * run: at first all, unless gasket_run_activate said which.
 * Errors: PEER, PROTOCOL, MEMORY; after one, the run can only be ended. */
GASKET_API bool gasket_run_step(GasketRun *run, const GasketProgram *program, GError **error);

/* [all] The same on a set of vertices, woken or not; its woken vertices have then run. */
GASKET_API bool gasket_run_step_on(GasketRun *run, const GasketProgram *program,
                                   const GasketVertexSet *set, GError **error);

/* Makes a set the active vertices of its kind, instead of those woken until now. */
GASKET_API void gasket_run_activate(GasketRun *run, const GasketVertexSet *set);

/* Makes a set active beside those woken until now. */
GASKET_API void gasket_run_wake(GasketRun *run, const GasketVertexSet *set);

/* Vertices of the kind whose value the last step of a program of that kind changed, on all
 * workers: 0 means that nothing more happens. */
GASKET_API uint64_t gasket_run_n_changed(const GasketRun *run, unsigned kind);

/* The totals of the last step that computed the aggregate. */
GASKET_API double gasket_run_total(const GasketRun *run, unsigned aggregate, unsigned i);
GASKET_API int64_t gasket_run_total_count(const GasketRun *run, unsigned aggregate, unsigned i);

/* ---- iterations: what the user sees ---------------------------------------------------------- */

/* [all] Begins an iteration (one or more steps). false once the driver should return: converged,
 * all --iterations done, the user asked to stop, or a snapshot could not be restored. */
GASKET_API bool gasket_run_continues(GasketRun *run);

/* Ends it, for progress and report. residual: NAN if there is none. */
GASKET_API void gasket_run_end_iteration(GasketRun *run, double residual, bool converged);

/* [all] Iterations for drivers without a residual: in each a step of every program, in order. Ends
 * when gasket_run_continues does, or has converged once those of the programs that write values
 * (changes other than NONE, of a kind that has values) changed none. false and error as
 * gasket_run_step. */
GASKET_API bool gasket_run_iterate(GasketRun *run, const GasketProgram *const *programs,
                                   unsigned n_programs, GError **error);

/* [all] Runs woken vertices until none is: the programs, at most one of each kind, whose `wakes`
 * is not NONE. At first those that were woken since they last ran, which is all of them unless
 * gasket_run_activate said which. Whatever the engine:
 *
 *   sync       iterations of a step of each program in order, until they changed no value and woke
 *              no vertex
 *   chromatic  the same, by sweeps where the program allows it
 *   async      each vertex by itself as soon as it is woken, in the order of --scheduler, with what
 *              --consistency promises; a piece of the run at most `seconds` long is an iteration
 *
 * Ends early as gasket_run_continues says; with async at ^C, --max-seconds and --max-updates, but
 * not at --iterations. gasket_run_is_quiet tells. With async, aggregates of the programs are not
 * computed: a measure or a step afterwards can. Errors as gasket_run_step; ARGUMENT for two
 * programs of one kind, or one that is never woken. */
GASKET_API bool gasket_run_until_quiet(GasketRun *run, const GasketProgram *const *programs,
                                       unsigned n_programs, GError **error);

/* What gasket_run_until_quiet looks at while it runs, and when that is good enough. The program
 * changes no values and computes an aggregate; it runs as a step, between iterations, and the total
 * is the iteration's residual. */
typedef struct {
    const GasketProgram *program;
    double seconds; /* async: how often; 0: once a second. Else after each iteration */
    unsigned aggregate, element;
    double enough;    /* converged once the total is below; -INFINITY: never, just look */
    uint64_t updates; /* async: also once so many vertices have run since the last; 0: no matter */
    void (*then)(GasketRun *run, void *data); /* after each, on every worker; may change what the
                                                 programs' parameters say. NULL: nothing */
    void *data;                               /* for then */
} GasketMeasure;

/* [all] Measures the calls that follow; copied. NULL: none any more. */
GASKET_API void gasket_run_set_measure(GasketRun *run, const GasketMeasure *measure);

/* Whether the last gasket_run_until_quiet ended because no vertex was woken any more. */
GASKET_API bool gasket_run_is_quiet(const GasketRun *run);

/* Room for a varying column of the result: zeroed elements begin[v] .. begin[v + 1] - 1 of data for
 * each owned vertex v of its kind, as many as length says. For the driver, or a program that is
 * given both pointers, to fill until the driver returns; once for each varying column, on every
 * worker. Errors: MEMORY; ARGUMENT for a column that is not varying. */
GASKET_API bool gasket_run_set_result(GasketRun *run, unsigned column, GasketVertexSize length,
                                      const void *parameters, void **ret_data,
                                      const uint64_t **ret_begin, GError **error);

/* Names a variable of the driver's loop, size bytes at data, that snapshots save and resuming puts
 * back (--snapshot): whatever one iteration leaves for the next outside states, values, edge data,
 * totals and varying results. The same on every worker; at most 16, before the loop. A driver that
 * goes on from a snapshot runs from its start; its first gasket_run_continues then puts everything
 * back, so what comes before the loop must not depend on how often it has run. */
GASKET_API void gasket_run_keep(GasketRun *run, void *data, size_t size);

/* The same of an array by vertex, whoever owns it after resuming: elements begin[v] ..
 * begin[v + 1] - 1 of data, size bytes each, are owned vertex v's (begin NULL: element v is). Both
 * must stand until the driver returns. At most 16, with the columns of gasket_run_set_result, which
 * are kept by themselves. */
GASKET_API void gasket_run_keep_array(GasketRun *run, unsigned kind, void *data,
                                      const uint64_t *begin, size_t size);

/* The varying column that gasket_run_set_result made, as the driver filled it; *ret_begin:
 * [n_owned + 1]. NULL before it was set. */
GASKET_API const void *gasket_run_result(const GasketRun *run, unsigned column,
                                         const uint64_t **ret_begin);

/* Tells the user a line of text now, before something that takes long; from rank 0 alone. */
GASKET_API void gasket_run_note(GasketRun *run, const char *text);

/* Puts a number into the report's metrics; name may have dots ("test.rmse"). */
GASKET_API void gasket_run_set_metric(GasketRun *run, const char *name, double value);

/* ---- sets of vertices -------------------------------------------------------------------------
 *
 * This worker's share of a set of vertices of one kind: one bit each. Operations cost O(V / 64). */

GASKET_API GasketVertexSet *gasket_vertex_set_new(const GasketRun *run, unsigned kind);
GASKET_API void gasket_vertex_set_free(GasketVertexSet *set);
GASKET_API void gasket_vertex_set_add(GasketVertexSet *set, GasketVertex v);
GASKET_API void gasket_vertex_set_remove(GasketVertexSet *set, GasketVertex v);
GASKET_API bool gasket_vertex_set_has(const GasketVertexSet *set, GasketVertex v);
GASKET_API void gasket_vertex_set_fill(GasketVertexSet *set);
GASKET_API void gasket_vertex_set_clear(GasketVertexSet *set);
GASKET_API void gasket_vertex_set_unite(GasketVertexSet *set, const GasketVertexSet *other);
GASKET_API void gasket_vertex_set_intersect(GasketVertexSet *set, const GasketVertexSet *other);
GASKET_API void gasket_vertex_set_subtract(GasketVertexSet *set, const GasketVertexSet *other);
GASKET_API uint32_t gasket_vertex_set_count(const GasketVertexSet *set); /* on this worker */

/* The vertex with an ordinal if this worker owns it, else GASKET_NO_VERTEX. O(log V). */
GASKET_API GasketVertex gasket_run_owned(const GasketRun *run, unsigned kind, uint32_t ordinal);

/* ---- colourings -------------------------------------------------------------------------------
 *
 * A colouring divides the vertices of a kind so that those of one colour can run at once as if one
 * after the other: Gibbs sampling, Gauss-Seidel.
 *
 *   g_autoptr(GasketColouring) colouring = gasket_run_colour(run, rows, 1, error);
 *   while (colouring != NULL && gasket_run_continues(run)) {
 *       if (!gasket_run_sweep(run, &sample, colouring, error))
 *           return false;
 *       gasket_run_end_iteration(run, NAN, false);
 *   }
 *
 * It is a function of the graph's edges and numbers: the same for every placement. */

typedef struct GasketColouring GasketColouring;

/* How the run takes gasket_run_step (--engine). ORDER gasket_engine */
typedef enum {
    GASKET_ENGINE_SYNC,      /* every gather reads the step before */
    GASKET_ENGINE_CHROMATIC, /* a program that gathers over its own kind's values and writes them
                                runs as a sweep, by a colouring at distance 1 of the first such
                                relation; others run as with SYNC */
    GASKET_ENGINE_ASYNC,     /* gasket_run_until_quiet runs vertices as they are woken; steps run
                                as with SYNC */
} GasketEngine;

GASKET_API GasketEngine gasket_run_engine(const GasketRun *run);

/* Which of the woken vertices runs next (--scheduler). ORDER gasket_scheduler */
typedef enum {
    GASKET_SCHEDULER_AUTO,     /* as the algorithm says, else FIFO */
    GASKET_SCHEDULER_FIFO,     /* the one that waits longest, on each thread */
    GASKET_SCHEDULER_PRIORITY, /* the one with the largest priority, within a factor of two on each
                                  thread */
    GASKET_SCHEDULER_SWEEP,    /* the next by number, round and round */
} GasketScheduler;

/* What holds while a vertex runs (--consistency). Each level promises what those before it do.
 * ORDER gasket_consistency */
typedef enum {
    GASKET_CONSISTENCY_AUTO,   /* what the algorithm needs */
    GASKET_CONSISTENCY_NONE,   /* no torn values; neighbours may be any number of updates old */
    GASKET_CONSISTENCY_VERTEX, /* its state and value are its own; woken meanwhile, it runs again */
    GASKET_CONSISTENCY_EDGE,   /* adjacent vertices never overlap: the run equals a serial order */
} GasketConsistency;

/* [all] Colours the kind that owns `rows`. Whatever the direction of edges, at distance
 *
 *   1   neighbours differ (if the relation joins two kinds, there are none: one colour)
 *   2   vertices with a neighbour in common differ, and within one kind neighbours too
 *
 * A vertex has the smallest colour that none of those that must differ from it and come before it
 * in a random order has. So there are at most as many colours as the most that must differ from
 * one vertex, and one: as many as a hub has neighbours at distance 2. Values, states, totals and
 * the number of steps stay as they are. Costs a few rounds a colour, each over the rows of the
 * vertices that have none yet. Errors: MEMORY, PEER, PROTOCOL; ARGUMENT for another distance or
 * rows that the algorithm did not ask for. */
GASKET_API GasketColouring *gasket_run_colour(GasketRun *run, GasketRowSet rows, unsigned distance,
                                              GError **error);

/* [all] The same from colours that come with the graph: a column of the kind, int32 or uint32, one
 * element each, 0 .. number of vertices - 1. That it divides the vertices as the program needs is
 * for the caller to know; a colour that no vertex has costs an empty step. Errors: MEMORY, PEER,
 * PROTOCOL; ARGUMENT for a column of another type or a colour out of range. */
GASKET_API GasketColouring *gasket_run_colour_by(GasketRun *run, unsigned kind, unsigned column,
                                                 GError **error);

GASKET_API void gasket_colouring_free(GasketColouring *colouring);

/* Colours, the same on all workers: 0 .. n - 1, each of some vertex on some worker. */
GASKET_API uint32_t gasket_colouring_n(const GasketColouring *colouring);
GASKET_API uint32_t gasket_colouring_of(const GasketColouring *colouring, GasketVertex v);

/* This worker's vertices of a colour, for gasket_run_step_on; stands until the next call or sweep.
 * Costs as much as the two colours have vertices. */
GASKET_API const GasketVertexSet *gasket_colouring_set(GasketColouring *colouring, uint32_t colour);

/* [all] One step of the program for each colour in order, on the vertices of the colour (with
 * wakes READERS or SELF: those of them that are woken, by earlier colours of this sweep too). A
 * gather reads the values that earlier colours have written. The program's aggregates cover the
 * sweep: gasket_total gives the totals of the sweep before until it ends. gasket_run_n_changed
 * counts the whole sweep; context->step counts each colour. A program that gathers over relations
 * that the colouring is not of reads their values as of before the colour. Errors: as
 * gasket_run_step; ARGUMENT for a colouring of another kind. */
GASKET_API bool gasket_run_sweep(GasketRun *run, const GasketProgram *program,
                                 GasketColouring *colouring, GError **error);

/* ---- leases ------------------------------------------------------------------------------------
 *
 * For one phase a worker may hold the exclusive right to write the values of a set of vertices,
 * ghosts included (block-stratified SGD: of one block of items). A lease is taken by all workers
 * at once and ends with the values at home: `holder[v]` of every owned vertex says which rank may
 * write it. Between begin and end the holder's copy is the value; at the end it goes home over
 * the ghost path reversed and from there to all ghosts. A holder must have the vertex as its own
 * or as a ghost, else ARGUMENT. */

typedef struct GasketLease GasketLease;

/* [all] holder: [n_owned] a rank each. Costs one exchange of what each rank is granted. */
GASKET_API bool gasket_run_lease_begin(GasketRun *run, unsigned kind, const uint32_t *holder,
                                       GasketLease **ret_lease, GError **error);

/* The vertices (owned or ghosts) that this worker holds, ascending by number; [*n]. */
GASKET_API const GasketVertex *gasket_lease_vertices(const GasketLease *lease, uint32_t *n);

/* The values of the kind, to be written at gasket_lease_vertices alone. [n_local] */
GASKET_API void *gasket_lease_values(const GasketLease *lease);

/* [all] Sends the values home and on to all ghosts, and frees the lease. */
GASKET_API bool gasket_run_lease_end_take(GasketRun *run, GasketLease **lease, GError **error);

/* Calls work(data, i) once for each i of 0 .. n - 1 on the compute threads of this worker, and
 * returns when all have. Which thread takes which i is not determined, and calls overlap: each must
 * write what no other touches, as leased values of different vertices. */
GASKET_API void gasket_run_parallel(GasketRun *run, size_t n, void (*work)(void *data, size_t i),
                                    void *data);

/* ---- plain views, for verifiers and for what no program expresses ---------------------------- */

/* All of this worker's rows of a row set as one block: vertex and sum 0 .. n_owned - 1, each row
 * whole, whatever the engine's own layout; values are those published. The view stands until the
 * next step; free it with gasket_run_rows_free. Error: MEMORY; ARGUMENT if the algorithm did not
 * ask for these rows. */
GASKET_API GasketRows *gasket_run_rows(GasketRun *run, GasketRowSet rows, GError **error);
GASKET_API void gasket_run_rows_free(GasketRows *rows);

/* The state and the published values of a kind. */
GASKET_API void *gasket_run_state(const GasketRun *run, unsigned kind);        /* [n_owned] */
GASKET_API const void *gasket_run_values(const GasketRun *run, unsigned kind); /* [n_local] */

/* A context for a kind outside any step (numbers, ordinals, columns, totals). */
GASKET_API const GasketContext *gasket_run_context(GasketRun *run, unsigned kind);

/* [all] Reduces n doubles over the workers: exact sums, or the largest. In place, on all. */
GASKET_API bool gasket_run_reduce_sum(GasketRun *run, double *x, size_t n, GError **error);
GASKET_API bool gasket_run_reduce_max(GasketRun *run, double *x, size_t n, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketVertexSet, gasket_vertex_set_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketRows, gasket_run_rows_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketColouring, gasket_colouring_free)

#ifdef __cplusplus
}
#endif

#endif
