/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job: one algorithm on one graph from input to result, on one worker or several.
 *
 *   workers = 1          everything happens in the calling thread's process
 *   GASKET_JOB_LOCAL     workers and loader are threads of this process (tests, C API)
 *   GASKET_JOB_PROCESSES workers and loader are forked, before any thread exists, and talk over
 *                        loopback TCP as machines would
 *
 *   caller ──fork──> loader (rank N): load, number, partition, send parts, leave, exit
 *          ──fork──> rank 0 .. N-1: receive part, run driver, send results to rank 0
 *                                   rank 0: results, finish
 *          waits for all; the first failure ends every child
 *
 * Callbacks run where the table says; with GASKET_JOB_PROCESSES that is a child process, so what
 * they change in memory is not seen by the caller.
 */
#ifndef GASKET_ENGINE_JOB_H
#define GASKET_ENGINE_JOB_H

#include <signal.h>

#include <gasket/algorithm.h>

#include "engine/disk.h"
#include "engine/graph.h"
#include "engine/history.h"
#include "engine/report.h"
#include "engine/transport_simulated.h"

/* What a job wants of snapshots (snapshots.h), and which it goes on from. */
typedef struct {
    const char *folder;                 /* where they go; NULL: none are taken */
    uint64_t every_steps;               /* iterations; 0: not by their number */
    double every_seconds;               /* 0: not by time */
    bool automatic;                     /* by Young's formula, from what one costs and ... */
    double mtbf_seconds;                /* ... the mean time between failures */
    bool background;                    /* a forked child writes while the run goes on */
    const char *resume;                 /* a step's folder; NULL: from the start */
    const volatile sig_atomic_t *asked; /* counts requests for one; NULL: never */
    const GasketDisk *disk;             /* NULL: the real one */
} GasketSnapshotPlan;

typedef enum {
    GASKET_JOB_LOCAL,
    GASKET_JOB_PROCESSES,
} GasketJobMode;

/* Rows of the result of one kind, ascending by original id. Lent for one call. */
typedef struct {
    unsigned kind;
    size_t n;
    const GasketIds *ids;         /* [n] */
    const void *const *columns;   /* [columns of this kind] each [n * length] elements, tight */
    const uint64_t *const *begin; /* [columns of this kind] of a varying column: row i's elements
                                     are begin[i] .. begin[i + 1] - 1; else NULL. May be NULL */
    const GasketIds *directory;   /* ids by ordinal, for GASKET_VERTEX columns; else NULL. Such a
                                     column holds ordinals, GASKET_NO_VERTEX for none */
} GasketResultBlock;

/* What --dry-run and progress lines tell. */
typedef struct {
    const char *phase; /* "run", "write", ... */
    uint64_t iteration;
    uint64_t iterations; /* the bound; 0: none */
    double residual;     /* NAN: none */
    uint64_t active;
    double seconds;             /* since the phase began */
    const GasketReport *report; /* its metrics are those so far; may be NULL */
} GasketProgress;

typedef struct {
    const GasketAlgorithm *algorithm;
    const void *parameters;
    const GasketNeeds *needs; /* [n_needs] after prepare */
    unsigned n_needs;
    const GasketResultColumn *results; /* [n_results] after prepare */
    unsigned n_results;

    GasketJobMode mode;
    unsigned workers, threads; /* at least 1 */
    uint64_t seed;
    uint32_t iterations; /* 0: no bound */
    double tolerance;    /* 0: none */
    GasketEngine engine;
    GasketScheduler scheduler; /* of the async engine; AUTO: the algorithm's */
    GasketConsistency consistency;
    unsigned staleness;   /* steps, of the sync engine with several workers (stale.h) */
    double max_seconds;   /* 0: no bound */
    uint64_t max_updates; /* 0: no bound */
    uint32_t segment;     /* 0: from the machine's L2; UINT32_MAX: rows stay whole */
    bool verify;
    int64_t peer_timeout_us; /* 0: 10 s */
    bool insecure;

    void *data; /* for every callback */

    /* Loader: the graph, with rows as needed (report: input, seconds.load and .number). */
    GasketGraph *(*load)(void *data, GasketReport *report, GError **error);

    /* Loader: owner of each vertex by number, [n_kinds] arrays (gasket_array, the outer one too)
     * (report: plan's partition fields, seconds.plan). NULL with more than one worker: ranges. */
    uint32_t **(*partition)(void *data, const GasketGraph *graph, unsigned parts,
                            GasketReport *report, GError **error);

    /* Rank 0, may be NULL: */
    void (*progress)(void *data, const GasketProgress *progress);
    void (*note)(void *data, const char *text); /* a line that a driver tells */
    bool (*result)(void *data, const GasketResultBlock *block, GError **error);
    /* Rank 0, once, after everything else succeeded: publish the result, print the report. */
    bool (*finish)(void *data, const GasketReport *report, GError **error);

    /* GASKET_JOB_LOCAL over a simulated network (one compute thread each); NULL: plain queues. */
    const GasketSimulatedOptions *simulation;
    uint64_t *ret_trace; /* the simulation's trace hash; may be NULL */

    /* Async with edge consistency: what every update read is noted there; NULL: nowhere. */
    GasketHistory *history;

    GasketSnapshotPlan snapshot;
    unsigned restarts; /* with GASKET_JOB_PROCESSES: how often a lost member is made good, from the
                          last good snapshot or else from the start */
    void (*notice)(void *data, const char *message); /* caller: of each restart; may be NULL */

    const volatile sig_atomic_t *stop; /* becomes > 0 when the user asks to stop; NULL: never */
} GasketJob;

/* Whether the algorithm runs on an engine with a consistency. Error: ARGUMENT. */
bool gasket_job_check_engine(const GasketAlgorithm *algorithm, GasketEngine engine,
                             GasketConsistency consistency, GError **error);

/* Whether the algorithm may be run with a staleness (stale.h). Error: ARGUMENT. */
bool gasket_job_check_staleness(const GasketAlgorithm *algorithm, GasketEngine engine,
                                unsigned staleness, GError **error);

/* What the async engine runs with: as asked, else what the algorithm says, else the least. */
GasketScheduler gasket_job_scheduler(const GasketJob *job);
GasketConsistency gasket_job_consistency(const GasketJob *job);

/* Runs it. ret_status as the report's `stopped`; a verification that disagrees is FAILED, after
 * finish. With GASKET_JOB_PROCESSES no child, socket or file is left behind, whatever happens.
 * Errors: those of the callbacks, PEER (names the rank), PROTOCOL, MEMORY. */
bool gasket_job_run(const GasketJob *job, GasketStopped *ret_status, GError **error);

#endif
