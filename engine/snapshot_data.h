/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a run goes into a snapshot, and how it comes back on any number of workers.
 *
 * A rank's file. Sections follow one another, each behind a header; vertices stand by ascending
 * number, and an entry of a row by its position in the row: both are the same on every placement.
 *
 *   | "GASKETSN" | format 1 | byte order | rank | ranks |                         file header
 *   | RUN    | step, iteration, totals, counters, what the driver keeps |   on rank 0 alone
 *   | KIND k | numbers | who is awake | states | sizes of values | values |
 *   | ROWS i | numbers | lengths of rows | sizes of edge values | edge values | edge states |
 *   | ARRAY j | numbers | elements of each | elements |
 *
 * i is 2 * relation + direction; j counts what the driver keeps by vertex. Ghosts, outboxes,
 * layouts and colourings are made anew from this: values travel to the ghosts, edge values from
 * their readers back to the writers' outboxes.
 *
 * Invariants:
 *   1. Every vertex stands in the file of exactly one rank, with its rows.
 *   2. Sizes are those that the driver declares when it starts again; others are a FORMAT error.
 *   3. Nothing read from a file is used before it was checked against its bounds.
 *
 * Cost: 4 bytes a vertex and 4 a row, 8 a vertex of an array, 1 bit a vertex, 4 a value or edge
 * value of varying size, and the data. Restoring reads every rank's file on every rank, one
 * at a time.
 */
#ifndef GASKET_ENGINE_SNAPSHOT_DATA_H
#define GASKET_ENGINE_SNAPSHOT_DATA_H

#include "engine/disk.h"
#include "engine/run_private.h"
#include "engine/snapshot_manifest.h"

/* Writes this rank's file to path (as path.tmp, synced, renamed). Changes nothing of the run, so a
 * forked child may do it. Errors: IO, MEMORY. */
bool gasket_snapshot_write_rank(const GasketRun *run, const GasketDisk *disk, const char *path,
                                GasketSnapshotFile *ret_file, GError **error);

/* [all] Puts a snapshot's state in the place of the run's, and ghosts and outboxes in step with it.
 * Errors: INPUT, FORMAT (damaged, or of other sizes), MEMORY, PEER, PROTOCOL. */
bool gasket_snapshot_restore(GasketRun *run, const GasketDisk *disk, const char *step_folder,
                             const GasketSnapshotManifest *manifest, GError **error);

/* [all] A number that differs, but for chance, from that of any other graph: of ids, numbers,
 * columns and rows, whoever owns them. Rows must be row-major. O(V + E). */
bool gasket_run_fingerprint(GasketRun *run, uint64_t *ret_fingerprint, GError **error);

#endif
