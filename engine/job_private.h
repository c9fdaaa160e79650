/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways to run a job share: what the loader does, what a rank does, what became of each. */
#ifndef GASKET_ENGINE_JOB_PRIVATE_H
#define GASKET_ENGINE_JOB_PRIVATE_H

#include "engine/job.h"
#include "engine/transport.h"

/* How one member of a job ended. */
typedef struct {
    bool ok;
    GasketStopped stopped; /* rank 0's, if ok */
    GError *error;         /* if not */
    int64_t ended_us;      /* when: of the system's monotonic clock */
} GasketOutcome;

/* Loads the graph with exactly the rows that the job needs. */
GasketGraph *gasket_job_load(const GasketJob *job, GasketReport *report, GError **error);

/* Needs of a relation; in-rows where the job says nothing. */
GasketNeeds gasket_job_needs(const GasketJob *job, unsigned relation);

/* The loader's whole work as member `workers` of a transport. */
bool gasket_job_be_loader(const GasketJob *job, GasketTransport *transport, GError **error);

/* A rank's whole work; rank 0 finishes the job. */
bool gasket_job_be_rank(const GasketJob *job, GasketTransport *transport, unsigned rank,
                        GasketStopped *ret_stopped, GError **error);

/* Both in one, without a transport: the only rank loads. */
bool gasket_job_be_only_rank(const GasketJob *job, GasketStopped *ret_stopped, GError **error);

/* Reports what became of n members; one error is chosen for all: the cause rather than the peers'
 * view of it. Frees the others. */
bool gasket_job_conclude(GasketOutcome *outcomes, unsigned n, GasketStopped *ret_stopped,
                         GError **error);

/* Threads of this process (job_threads.c); child processes (job_processes.c), started again when
 * one is lost (job_restart.c). */
bool gasket_job_run_threads(const GasketJob *job, GasketStopped *ret_stopped, GError **error);
bool gasket_job_run_processes(const GasketJob *job, GasketStopped *ret_stopped, GError **error);
bool gasket_job_run_restarting(const GasketJob *job, GasketStopped *ret_stopped, GError **error);

#endif
