/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress on stderr: on a terminal one line that is written over, at most ten times a second;
 * elsewhere a plain line now and then, the first after five seconds. Nothing when quiet.
 *
 *   pagerank: iteration 37 of 200, residual 3.1e-05, 24.6/s, about 3 s left
 *
 * The time left is the shorter of what the bound on iterations allows at the present rate, and of
 * what a residual that goes on shrinking as it did lately needs to reach the tolerance.
 */
#ifndef GASKET_CLI_PROGRESS_H
#define GASKET_CLI_PROGRESS_H

#include "engine/job.h"

typedef struct {
    bool quiet, terminal;
    bool shown;       /* a line stands on the terminal */
    int64_t last_us;  /* when something was shown, or when this began */
    const char *name; /* of the algorithm */
    double tolerance; /* 0: none */
    double residual;  /* of the iteration before; NAN: none */
    double shrinking; /* smoothed log of residual over the one before; 0: unknown */
} GasketCliProgress;

void gasket_cli_progress_init(GasketCliProgress *progress, bool quiet);

/* As GasketLoadOptions.progress and GasketJob.progress, with a GasketCliProgress as data. */
void gasket_cli_progress_load(void *data, uint64_t bytes_done, uint64_t bytes_total,
                              uint64_t edges);
void gasket_cli_progress_run(void *data, const GasketProgress *step);

/* Clears the line before anything else is printed. */
void gasket_cli_progress_end(GasketCliProgress *progress);

/* Seconds that are left, NAN if unknown; separate for tests. */
double gasket_cli_progress_left(const GasketCliProgress *progress, const GasketProgress *step);

#endif
