/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job whose members are threads of this process, over the local or the simulated transport: the
 * same code as between processes, without processes. Over the simulated one they are fibers of one
 * thread where that can be.
 */
#include <pthread.h>

#include "engine/job_private.h"
#include "engine/transport_local.h"
#include "engine/transport_simulated.h"

typedef struct {
    const GasketJob *job;
    GasketTransport *transport; /* the thread frees it */
    unsigned rank;
    bool simulated;
    GasketOutcome outcome;
    pthread_t thread;
} Member;

static void *
member_main(void *data)
{
    Member *member = data;
    GasketOutcome *outcome = &member->outcome;

    if (member->simulated)
        gasket_simulated_enter(member->transport);
    if (member->rank == member->job->workers)
        outcome->ok = gasket_job_be_loader(member->job, member->transport, &outcome->error);
    else
        outcome->ok = gasket_job_be_rank(member->job, member->transport, member->rank,
                                         &outcome->stopped, &outcome->error);
    outcome->ended_us = g_get_monotonic_time();
    /* Not having left, it is lost to the others from here on. */
    gasket_transport_free(member->transport);
    return NULL;
}

static void
member_talk(void *data, unsigned rank)
{
    Member *members = data;
    (void)member_main(&members[rank]);
}

static Member *
members_new(const GasketJob *job, GasketTransport **transports, bool simulated)
{
    Member *members = g_new0(Member, job->workers + 1);

    for (unsigned m = 0; m <= job->workers; m++)
        members[m] =
            (Member){.job = job, .transport = transports[m], .rank = m, .simulated = simulated};
    return members;
}

static bool
conclude(const Member *members, unsigned n, GasketStopped *ret_stopped, GError **error)
{
    g_autofree GasketOutcome *outcomes = g_new0(GasketOutcome, n);

    for (unsigned m = 0; m < n; m++)
        outcomes[m] = members[m].outcome;
    return gasket_job_conclude(outcomes, n, ret_stopped, error);
}

/* Members as threads. */
static bool
run_threads(const GasketJob *job, GasketTransport **transports, bool simulated,
            GasketStopped *ret_stopped, GError **error)
{
    unsigned n = job->workers + 1, started = 0;
    g_autofree Member *members = members_new(job, transports, simulated);

    while (started < n &&
           pthread_create(&members[started].thread, NULL, member_main, &members[started]) == 0)
        started++;
    for (unsigned m = started; m < n; m++)
        gasket_transport_free(transports[m]);
    for (unsigned m = 0; m < started; m++)
        pthread_join(members[m].thread, NULL);
    if (started == n)
        return conclude(members, n, ret_stopped, error);
    for (unsigned m = 0; m < started; m++)
        g_clear_error(&members[m].outcome.error);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                "the system gives no more than %u threads", started);
    return false;
}

/* Members as fibers of this thread. */
static bool
run_fibers(const GasketJob *job, GasketSimulation *simulation, GasketTransport **transports,
           GasketStopped *ret_stopped, GError **error)
{
    g_autofree Member *members = members_new(job, transports, true);

    return gasket_simulated_run(simulation, member_talk, members, error) &&
           conclude(members, job->workers + 1, ret_stopped, error);
}

bool
gasket_job_run_threads(const GasketJob *job, GasketStopped *ret_stopped, GError **error)
{
    unsigned n = job->workers + 1;
    g_autofree GasketTransport **transports = g_new0(GasketTransport *, n);

    if (job->simulation == NULL)
        return gasket_transport_local_new(n, transports, error) &&
               run_threads(job, transports, false, ret_stopped, error);

    GasketSimulation *simulation = gasket_simulation_new(n, job->simulation, transports, error);
    if (simulation == NULL)
        return false;
    bool ok = gasket_simulated_has_fibers()
                  ? run_fibers(job, simulation, transports, ret_stopped, error)
                  : run_threads(job, transports, true, ret_stopped, error);
    if (job->ret_trace != NULL)
        *job->ret_trace = gasket_simulation_trace(simulation);
    gasket_simulation_free(simulation);
    return ok;
}
