/* SPDX-License-Identifier: Apache-2.0 */
/* When snapshots are taken, the child that writes, and publishing. See snapshots.h. */
#include "engine/snapshots.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#include "engine/snapshot_child.h"
#include "engine/snapshot_data.h"
#include "engine/stale.h"

#define N_KEPT       2
#define FIRST_AUTO_S 10.0 /* --snapshot-every auto: the first, which measures what one costs */

struct GasketSnapshots {
    const GasketSnapshotPlan *plan;
    const GasketDisk *disk;
    GasketSnapshotManifest manifest; /* of this run; progress and files are filled in */
    GasketSnapshotManifest resumed;  /* of the snapshot to resume from */
    bool resume_due;

    int64_t began_us, last_us; /* of the run, and the last snapshot's beginning */
    uint64_t last_iteration;
    double every_seconds;  /* 0: not by time */
    sig_atomic_t answered; /* how many of the plan's requests have been met */
    bool due;              /* some rank wants one */

    bool writing, all_written;
    char *name;                     /* of the step's folder */
    pid_t child;                    /* 0: none */
    GasketSnapshotWritten *written; /* shared with the child */
};

/* ---- life ------------------------------------------------------------------------------------ */

bool
gasket_snapshots_new(const GasketJob *job, GasketSnapshots **ret_snapshots, GError **error)
{
    const GasketSnapshotPlan *plan = &job->snapshot;

    *ret_snapshots = NULL;
    if (plan->folder == NULL && plan->resume == NULL)
        return true;
    if (!job->algorithm->resumable) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s takes no snapshots: its driver cannot go on from one",
                    job->algorithm->name);
        return false;
    }
    GasketSnapshotWritten *shared = gasket_snapshot_written_new(error);
    if (shared == NULL)
        return false;
    GasketSnapshots *snapshots = g_new0(GasketSnapshots, 1);
    snapshots->plan = plan;
    snapshots->disk = plan->disk != NULL ? plan->disk : &gasket_disk_real;
    snapshots->written = shared;
    snapshots->every_seconds = plan->automatic ? FIRST_AUTO_S : plan->every_seconds;
    gasket_snapshot_manifest_describe(&snapshots->manifest, job);
    *ret_snapshots = snapshots;
    return true;
}

/* Whether this rank's file is written, or cannot be; waits for it if asked to. */
static bool
reap(GasketSnapshots *snapshots, bool wait)
{
    if (snapshots->child != 0 &&
        gasket_snapshot_child_ended(snapshots->child, wait, snapshots->written))
        snapshots->child = 0;
    return snapshots->child == 0;
}

void
gasket_snapshots_free(GasketSnapshots *snapshots)
{
    if (snapshots == NULL)
        return;
    if (snapshots->child != 0) {
        (void)kill(snapshots->child, SIGKILL);
        (void)reap(snapshots, true);
    }
    gasket_snapshot_manifest_clear(&snapshots->manifest);
    gasket_snapshot_manifest_clear(&snapshots->resumed);
    gasket_snapshot_written_free(snapshots->written);
    g_free(snapshots->name);
    g_free(snapshots);
}

/* ---- before the driver ----------------------------------------------------------------------- */

static bool
check_graph(const GasketSnapshots *snapshots, GError **error)
{
    const GasketSnapshotManifest *own = &snapshots->manifest, *resumed = &snapshots->resumed;

    if (own->graph == resumed->graph && own->vertices == resumed->vertices &&
        own->edges == resumed->edges)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s: a snapshot of another graph: found %" G_GUINT64_FORMAT
                " vertices and %" G_GUINT64_FORMAT " edges (%016" G_GINT64_MODIFIER
                "x), expected %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT
                " (%016" G_GINT64_MODIFIER "x)",
                snapshots->plan->resume, resumed->vertices, resumed->edges, resumed->graph,
                own->vertices, own->edges, own->graph);
    return false;
}

bool
gasket_snapshots_open(GasketRun *run, GError **error)
{
    GasketSnapshots *snapshots = run->snapshots;

    if (snapshots == NULL)
        return true;
    for (unsigned k = 0; k < run->part->n_kinds; k++)
        snapshots->manifest.vertices += run->part->kinds[k].n_global;
    for (unsigned r = 0; r < run->part->n_relations; r++)
        snapshots->manifest.edges += run->part->relations[r].n_edges;
    if (!gasket_run_fingerprint(run, &snapshots->manifest.graph, error))
        return false;
    snapshots->began_us = snapshots->last_us = g_get_monotonic_time();
    if (snapshots->plan->resume == NULL)
        return true; /* who has asked before there was anything gets it from the first iteration */
    if (snapshots->plan->asked != NULL)
        snapshots->answered = *snapshots->plan->asked;
    if (!gasket_snapshot_read_manifest(snapshots->disk, snapshots->plan->resume,
                                       &snapshots->resumed, error) ||
        !gasket_snapshot_manifest_fits(&snapshots->resumed, &snapshots->manifest,
                                       snapshots->plan->resume, error) ||
        !check_graph(snapshots, error))
        return false;
    snapshots->resume_due = true;
    return true;
}

/* ---- when ------------------------------------------------------------------------------------ */

bool
gasket_snapshots_wanted(const GasketRun *run)
{
    const GasketSnapshots *snapshots = run->snapshots;

    if (snapshots == NULL || snapshots->plan->folder == NULL)
        return false;
    if (snapshots->plan->asked != NULL && *snapshots->plan->asked != snapshots->answered)
        return true;
    /* One clock decides for all. */
    return run->part->rank == 0 && snapshots->every_seconds > 0 &&
           (double)(g_get_monotonic_time() - snapshots->last_us) / 1e6 >= snapshots->every_seconds;
}

bool
gasket_snapshots_written(const GasketRun *run)
{
    return run->snapshots != NULL && run->snapshots->writing && reap(run->snapshots, false);
}

void
gasket_snapshots_heard(GasketRun *run, uint64_t n_wanted, uint64_t n_written)
{
    GasketSnapshots *snapshots = run->snapshots;

    if (snapshots == NULL)
        return;
    snapshots->due = snapshots->due || n_wanted > 0;
    snapshots->all_written = snapshots->writing && n_written == run->part->size;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool
make_step_folder(GasketSnapshots *snapshots, char **ret_path, GError **error)
{
    const char *folder = snapshots->plan->folder;
    g_autofree char *path = g_build_filename(folder, snapshots->name, NULL);

    if (snapshots->disk->make_folder(snapshots->disk, folder) != 0 && errno != EEXIST)
        return gasket_disk_error(folder, "cannot be made", error);
    if (snapshots->disk->make_folder(snapshots->disk, path) != 0 && errno != EEXIST)
        return gasket_disk_error(path, "cannot be made", error);
    *ret_path = g_steal_pointer(&path);
    return true;
}

/* From here on everything that changes is of the next snapshot. */
static void
begin(GasketRun *run, bool background)
{
    GasketSnapshots *snapshots = run->snapshots;
    GasketSnapshotWritten *written = snapshots->written;
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = NULL;
    int64_t before = g_get_monotonic_time();

    g_free(snapshots->name);
    snapshots->name = g_strdup_printf("step-%012" G_GUINT64_FORMAT, run->iteration);
    snapshots->manifest.iteration = run->iteration;
    snapshots->manifest.step = run->step;
    snapshots->writing = true;
    snapshots->due = snapshots->all_written = false;
    snapshots->last_iteration = run->iteration;
    if (snapshots->plan->asked != NULL)
        snapshots->answered = *snapshots->plan->asked;
    *written = (GasketSnapshotWritten){0};
    if (!make_step_folder(snapshots, &folder, &error)) {
        g_strlcpy(written->message, error->message, GASKET_SNAPSHOT_MAX_MESSAGE);
    } else {
        g_autofree char *name = g_strdup_printf("rank-%u", run->part->rank);
        g_autofree char *path = g_build_filename(folder, name, NULL);
        pid_t child =
            background ? gasket_snapshot_write_in_child(run, snapshots->disk, path, written) : -1;
        if (child > 0)
            snapshots->child = child;
        else
            gasket_snapshot_write_here(run, snapshots->disk, path, written);
    }
    snapshots->last_us = g_get_monotonic_time();
    GasketReportSnapshots *report = &run->report->snapshots;
    report->pause_seconds = MAX(report->pause_seconds, (double)(snapshots->last_us - before) / 1e6);
}

/* ---- publishing ------------------------------------------------------------------------------ */

static bool
write_manifest(GasketSnapshots *snapshots, const char *folder, GError **error)
{
    const GasketDisk *disk = snapshots->disk;
    g_autofree char *text = gasket_snapshot_manifest_text(&snapshots->manifest);
    g_autofree char *path = g_build_filename(folder, "manifest", NULL);
    g_autofree char *temporary = g_strconcat(path, ".tmp", NULL);

    int fd = disk->create(disk, temporary);
    if (fd < 0)
        return gasket_disk_error(temporary, "cannot be made", error);
    bool ok = gasket_disk_write(disk, fd, temporary, text, strlen(text), error);
    if (ok && disk->sync(disk, fd) != 0)
        ok = gasket_disk_error(temporary, "cannot be written", error);
    if (close(fd) != 0 && ok)
        ok = gasket_disk_error(temporary, "cannot be written", error);
    /* The files' names are on the disk before the manifest's is. */
    if (ok && disk->sync_folder(disk, folder) != 0)
        ok = gasket_disk_error(folder, "cannot be written", error);
    if (ok && disk->rename(disk, temporary, path) != 0)
        ok = gasket_disk_error(path, "cannot be named", error);
    if (ok && (disk->sync_folder(disk, folder) != 0 ||
               disk->sync_folder(disk, snapshots->plan->folder) != 0))
        ok = gasket_disk_error(folder, "cannot be written", error);
    return ok;
}

/* Rank 0 makes it a snapshot, once it knows of every rank's file. */
static void
complete(GasketRun *run, const GasketSnapshotWritten *all)
{
    GasketSnapshots *snapshots = run->snapshots;
    GasketReportSnapshots *report = &run->report->snapshots;
    g_autofree char *folder = g_build_filename(snapshots->plan->folder, snapshots->name, NULL);
    g_autoptr(GError) error = NULL;
    double seconds = 0;
    uint64_t bytes = 0;

    g_free(snapshots->manifest.files);
    snapshots->manifest.n_files = run->part->size;
    snapshots->manifest.files = g_new0(GasketSnapshotFile, run->part->size);
    for (unsigned p = 0; p < run->part->size; p++) {
        snapshots->manifest.files[p] = all[p].file;
        seconds = MAX(seconds, all[p].seconds);
        bytes += all[p].file.bytes;
        if (!all[p].ok && error == NULL)
            g_set_error(&error, GASKET_ERROR, GASKET_ERROR_IO, "rank %u: %.*s", p,
                        GASKET_SNAPSHOT_MAX_MESSAGE - 1, all[p].message);
    }
    if (error == NULL && write_manifest(snapshots, folder, &error)) {
        report->taken++;
        report->bytes = bytes;
        report->write_seconds = MAX(report->write_seconds, seconds);
        g_free(report->last);
        report->last = g_strdup(folder);
        gasket_snapshot_prune(snapshots->plan->folder, N_KEPT);
        /* Young: the least time is lost, to snapshots and to work done again, at sqrt(2 C M). */
        if (snapshots->plan->automatic)
            snapshots->every_seconds =
                MAX(1, sqrt(2 * MAX(seconds, 1e-3) * snapshots->plan->mtbf_seconds));
    } else {
        report->failed++;
        g_free(report->failure);
        report->failure = g_strdup(error->message);
    }
}

/* [all] */
static bool
publish(GasketRun *run, GError **error)
{
    GasketSnapshots *snapshots = run->snapshots;
    g_autofree GasketSnapshotWritten *all = g_new0(GasketSnapshotWritten, run->part->size);

    (void)reap(snapshots, true);
    if (!gasket_stale_settle(run, error) ||
        !gasket_exchange_all(run->exchange, snapshots->written, sizeof *all, all, error))
        return false;
    for (unsigned p = 0; p < run->part->size; p++)
        all[p].message[GASKET_SNAPSHOT_MAX_MESSAGE - 1] = '\0';
    if (run->part->rank == 0)
        complete(run, all);
    snapshots->writing = snapshots->all_written = false;
    return true;
}

/* ---- between iterations ---------------------------------------------------------------------- */

static bool
resume(GasketRun *run, GError **error)
{
    GasketSnapshots *snapshots = run->snapshots;

    snapshots->resume_due = false;
    if (!gasket_snapshot_restore(run, snapshots->disk, snapshots->plan->resume, &snapshots->resumed,
                                 error))
        return false;
    snapshots->last_iteration = run->iteration;
    snapshots->last_us = g_get_monotonic_time();
    g_free(run->report->snapshots.resumed);
    run->report->snapshots.resumed = g_strdup(snapshots->plan->resume);
    run->report->snapshots.resumed_iteration = run->iteration;
    return true;
}

static bool
is_due(const GasketRun *run)
{
    const GasketSnapshots *snapshots = run->snapshots;
    uint64_t every = snapshots->plan->every_steps;

    return snapshots->plan->folder != NULL && run->iteration > snapshots->last_iteration &&
           (snapshots->due || (every > 0 && run->iteration - snapshots->last_iteration >= every));
}

bool
gasket_snapshots_between(GasketRun *run, bool stopping, GError **error)
{
    GasketSnapshots *snapshots = run->snapshots;

    if (snapshots == NULL)
        return true;
    if (snapshots->resume_due)
        return resume(run, error);
    if (snapshots->writing && (snapshots->all_written || stopping) && !publish(run, error))
        return false;
    if (stopping && snapshots->plan->folder != NULL && run->iteration > snapshots->last_iteration) {
        if (!gasket_stale_settle(run, error))
            return false;
        begin(run, false);
        return publish(run, error);
    }
    if (!snapshots->writing && is_due(run)) {
        if (!gasket_stale_settle(run, error))
            return false;
        begin(run, snapshots->plan->background);
        /* One that is written already needs no further step to be known to be. */
        if (!snapshots->plan->background)
            return publish(run, error);
    }
    return true;
}

bool
gasket_snapshots_end(GasketRun *run, GError **error)
{
    return run->snapshots == NULL || !run->snapshots->writing || publish(run, error);
}
