/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child that writes a rank's file of a snapshot while the run goes on: it has the memory as it
 * was when it was forked, the one thread, and none of the connections, so that a rank that dies is
 * missed at once. It ends with its parent.
 */
#ifndef GASKET_ENGINE_SNAPSHOT_CHILD_H
#define GASKET_ENGINE_SNAPSHOT_CHILD_H

#include <sys/types.h>

#include "engine/disk.h"
#include "engine/run_private.h"
#include "engine/snapshot_manifest.h"

#define GASKET_SNAPSHOT_MAX_MESSAGE 240

/* What became of one rank's file; in memory that the child shares, and sent to all ranks. */
typedef struct {
    GasketSnapshotFile file;
    double seconds;
    uint32_t ok, zero;
    char message[GASKET_SNAPSHOT_MAX_MESSAGE];
} GasketSnapshotWritten;

/* Memory that a forked child shares. NULL and MEMORY on failure. */
GasketSnapshotWritten *gasket_snapshot_written_new(GError **error);
void gasket_snapshot_written_free(GasketSnapshotWritten *written);

/* Writes the rank's file in the calling thread. */
void gasket_snapshot_write_here(const GasketRun *run, const GasketDisk *disk, const char *path,
                                GasketSnapshotWritten *written);

/* The same in a child; returns its id, or -1 where the system gives no more processes. */
pid_t gasket_snapshot_write_in_child(const GasketRun *run, const GasketDisk *disk, const char *path,
                                     GasketSnapshotWritten *written);

/* Whether the child has ended (wait: waits until it has); *written then says how. */
bool gasket_snapshot_child_ended(pid_t child, bool wait, GasketSnapshotWritten *written);

#endif
