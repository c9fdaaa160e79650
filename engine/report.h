/* SPDX-License-Identifier: Apache-2.0 */
/* The run report: plain figures that the engine fills in and the command prints (text or JSON). */
#ifndef GASKET_ENGINE_REPORT_H
#define GASKET_ENGINE_REPORT_H

#include <gasket/error.h>
#include <gasket/types.h>

typedef struct {
    uint64_t step;   /* supersteps done at its end */
    uint64_t active; /* vertices that ran in it, all workers */
    double residual; /* NAN: none */
    double seconds;
    uint64_t bytes_sent; /* by all workers */
    uint64_t pushed;     /* steps of it that pushed instead of pulling */
} GasketReportIteration;

typedef struct {
    unsigned rank;
    double compute_seconds;
    double wait_seconds;
    uint64_t bytes_sent;
    uint64_t frames_sent;
    uint64_t peak_bytes; /* largest resident size of the process */
} GasketReportWorker;

typedef struct {
    char *name;
    double value;
} GasketReportMetric;

/* Of snapshots, on rank 0. */
typedef struct {
    uint64_t taken, failed;
    double pause_seconds; /* longest that a rank stood still for one */
    double write_seconds; /* longest until all ranks' files were written */
    uint64_t bytes;       /* of the last one */
    char *last, *failure; /* its folder; why the last one that failed did */
    char *resumed;        /* folder of the one that the run went on from */
    uint64_t resumed_iteration;
} GasketReportSnapshots;

typedef enum {
    GASKET_STOPPED_CONVERGED,  /* the algorithm said so */
    GASKET_STOPPED_ITERATIONS, /* the bound on iterations was reached first */
    GASKET_STOPPED_ASKED,      /* the user interrupted */
    GASKET_STOPPED_LIMIT,      /* the bound on seconds or updates was reached first */
} GasketStopped;

typedef struct {
    struct {
        char *path, *format; /* of the first input; set by whoever loads */
        uint64_t vertices, edges, bytes;
        bool weighted; /* the edges have weights, read from the input */
    } input;
    struct {
        unsigned workers, threads;
        char *order, *order_reason, *layout; /* layout: "row-major" or "segment-major, ..." */
        char *partition, *partition_reason;
        uint64_t cut_edges, ghosts;
        double balance; /* largest part's edges over the mean */
    } plan;
    struct {
        double load, number, plan, distribute, layout, run, write, verify, total;
    } seconds;
    uint64_t loader_peak_bytes;
    GasketReportIteration *iterations; /* [n_iterations] */
    size_t n_iterations;
    GasketReportWorker *workers; /* [n_workers] */
    size_t n_workers;
    GasketReportMetric *metrics; /* [n_metrics] */
    size_t n_metrics;
    GasketReportSnapshots snapshots;
    GasketStopped stopped;
    bool verified; /* --verify ran ... */
    bool correct;  /* ... and agreed */
    char *verify_message;
} GasketReport;

/* An empty report in place; clear frees what its fields own. */
void gasket_report_init(GasketReport *report);
void gasket_report_clear(GasketReport *report);

void gasket_report_add_iteration(GasketReport *report, const GasketReportIteration *iteration);

/* Sets a metric, replacing an earlier value of the same name. */
void gasket_report_set_metric(GasketReport *report, const char *name, double value);

#endif
