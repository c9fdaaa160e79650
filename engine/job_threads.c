/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job whose members are threads of this process, over the local or the simulated transport: the
 * same code as between processes, without processes.
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

static bool
run_members(const GasketJob *job, GasketTransport **transports, bool simulated,
            GasketStopped *ret_stopped, GError **error)
{
    unsigned n = job->workers + 1, started = 0;
    g_autofree Member *members = g_new0(Member, n);
    g_autofree GasketOutcome *outcomes = g_new0(GasketOutcome, n);

    for (; started < n; started++) {
        members[started] = (Member){.job = job,
                                    .transport = transports[started],
                                    .rank = started,
                                    .simulated = simulated};
        if (pthread_create(&members[started].thread, NULL, member_main, &members[started]) != 0)
            break;
    }
    for (unsigned m = started; m < n; m++)
        gasket_transport_free(transports[m]);
    for (unsigned m = 0; m < started; m++) {
        pthread_join(members[m].thread, NULL);
        outcomes[m] = members[m].outcome;
    }
    if (started < n) {
        for (unsigned m = 0; m < started; m++)
            g_clear_error(&outcomes[m].error);
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "the system gives no more than %u threads", started);
        return false;
    }
    return gasket_job_conclude(outcomes, n, ret_stopped, error);
}

bool
gasket_job_run_threads(const GasketJob *job, GasketStopped *ret_stopped, GError **error)
{
    unsigned n = job->workers + 1;
    g_autofree GasketTransport **transports = g_new0(GasketTransport *, n);

    if (job->simulation == NULL)
        return gasket_transport_local_new(n, transports, error) &&
               run_members(job, transports, false, ret_stopped, error);

    GasketSimulation *simulation = gasket_simulation_new(n, job->simulation, transports, error);
    if (simulation == NULL)
        return false;
    bool ok = run_members(job, transports, true, ret_stopped, error);
    if (job->ret_trace != NULL)
        *job->ret_trace = gasket_simulation_trace(simulation);
    gasket_simulation_free(simulation);
    return ok;
}
