/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of a run under way: when they are taken, and by whom.
 *
 * All ranks take one at the same place, where gasket_run_continues is called between iterations.
 * Whether one is due each rank tells the others in the counters that end a step, so that they
 * agree without a message of their own; likewise that its file is written.
 *
 *            due, at gasket_run_continues: begin            all ranks' files are written: publish
 *   idle ───────────────────────────────────────> writing ────────────────────────────────> idle
 *                  fork: the child writes what          rank 0: manifest, rename, sync;
 *                  was, while the run goes on           older ones go
 *
 * The child has the pages as they were at the fork, for as long as it writes: the run pauses for
 * the fork alone. Without `background` the rank writes by itself, and the run waits.
 *
 * A snapshot that cannot be written (a full disk) is given up and said in the report; the run goes
 * on, and tries again when the next one is due. One is complete once it has a manifest.
 *
 * A driver that goes on from a snapshot runs from its start: it declares its data, takes its first
 * steps, and then its first call of gasket_run_continues puts everything where it was.
 */
#ifndef GASKET_ENGINE_SNAPSHOTS_H
#define GASKET_ENGINE_SNAPSHOTS_H

#include "engine/run_private.h"

/* What a job wants of snapshots and has from one; *ret_snapshots is NULL if nothing. Errors:
 * MEMORY; ARGUMENT for an algorithm that is not resumable. */
bool gasket_snapshots_new(const GasketJob *job, GasketSnapshots **ret_snapshots, GError **error);

/* Ends a child that still writes. */
void gasket_snapshots_free(GasketSnapshots *snapshots);

/* [all] Before the driver starts: the graph's fingerprint, and whether the snapshot to resume from
 * is of this job on this graph. Errors: INPUT, FORMAT, PEER, PROTOCOL. */
bool gasket_snapshots_open(GasketRun *run, GError **error);

/* For the counters at a step's end: whether this rank wants a snapshot, and has written its file
 * of the one under way. */
bool gasket_snapshots_wanted(const GasketRun *run);
bool gasket_snapshots_written(const GasketRun *run);

/* After a step's end: what all ranks said. */
void gasket_snapshots_heard(GasketRun *run, uint64_t n_wanted, uint64_t n_written);

/* [all] Between iterations: resumes, publishes, begins. stopping: the run ends here because it was
 * asked to; takes one and waits for it. */
bool gasket_snapshots_between(GasketRun *run, bool stopping, GError **error);

/* [all] After the driver: publishes what is still being written. */
bool gasket_snapshots_end(GasketRun *run, GError **error);

#endif
