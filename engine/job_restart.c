/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lost members made good: all members start again, from the last snapshot that is undamaged or, as
 * long as there is none, from the start.
 *
 *   run ──(a member died or fell silent)──> find the last good snapshot ──> run from there
 *    │                                                             at most `restarts` times
 *    └──(done, stopped, or failed by itself)──> that is the outcome
 *
 * A member that is lost while the others are still starting again counts as any other.
 */
#include "engine/job_private.h"
#include "engine/snapshot_manifest.h"

/* Whether starting again can help: a member was lost, rather than failed, and nobody wants to
 * stop. */
static bool
can_be_made_good(const GasketJob *job, const GError *failure)
{
    return g_error_matches(failure, GASKET_ERROR, GASKET_ERROR_PEER) &&
           (job->stop == NULL || *job->stop == 0);
}

static void
tell(const GasketJob *job, const GError *failure, const char *resume, unsigned n)
{
    if (job->notice == NULL)
        return;
    g_autofree char *message =
        g_strdup_printf("%s; starting again from %s (restart %u of %u)", failure->message,
                        resume != NULL ? resume : "the beginning", n, job->restarts);
    job->notice(job->data, message);
}

bool
gasket_job_run_restarting(const GasketJob *job, GasketStopped *ret_stopped, GError **error)
{
    const GasketDisk *disk = job->snapshot.disk != NULL ? job->snapshot.disk : &gasket_disk_real;
    g_autofree char *resume = NULL;
    GasketJob attempt = *job;

    for (unsigned n = 1;; n++) {
        g_autoptr(GError) failure = NULL;
        if (gasket_job_run_processes(&attempt, ret_stopped, &failure))
            return true;
        if (n > job->restarts || !can_be_made_good(job, failure)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        g_free(resume);
        resume = job->snapshot.folder != NULL
                     ? gasket_snapshot_find(disk, job->snapshot.folder, true, NULL)
                     : NULL;
        attempt.snapshot.resume = resume != NULL ? resume : job->snapshot.resume;
        tell(job, failure, attempt.snapshot.resume, n);
    }
}
