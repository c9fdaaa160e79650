/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot's manifest: what was running, how far it was, and the sums of its files. Lines of
 * text, so that a person can read it; written last, so that a snapshot without one is none.
 *
 *   gasket snapshot 1
 *   version 0.1.0
 *   byte-order little
 *   algorithm pagerank
 *   option damping 0.85              one line for each option, in the algorithm's order
 *   engine sync
 *   seed 0
 *   iteration 12
 *   step 13
 *   vertices 7115
 *   edges 103689
 *   graph 6863244281923042244        fingerprint of all that the ranks hold of the graph
 *   files 2
 *   file rank-0 91284 8c6e...        bytes and XXH3-128
 *   file rank-1 90112 11d0...
 *   end 77ab...                      XXH3-128 of every byte above this line
 *
 *   DIR/step-000000000012/           by iteration; the last two complete ones are kept
 *       manifest  rank-0  rank-1 ...
 */
#ifndef GASKET_ENGINE_SNAPSHOT_MANIFEST_H
#define GASKET_ENGINE_SNAPSHOT_MANIFEST_H

#include "engine/disk.h"
#include "engine/job.h"

/* An XXH3-128 sum. */
typedef struct {
    uint64_t low, high;
} GasketSum128;

typedef struct {
    uint64_t bytes;
    GasketSum128 sum;
} GasketSnapshotFile;

typedef struct {
    char *version, *byte_order, *algorithm, *engine;
    char **options; /* "name value", NULL-terminated */
    uint64_t seed, iteration, step, vertices, edges, graph;
    unsigned n_files;
    GasketSnapshotFile *files; /* [n_files] by rank */
} GasketSnapshotManifest;

#define GASKET_SNAPSHOT_MAX_RANKS 65536

void gasket_snapshot_manifest_clear(GasketSnapshotManifest *manifest);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GasketSnapshotManifest, gasket_snapshot_manifest_clear)

/* What a job's snapshots say of the program: everything but progress, graph and files. */
void gasket_snapshot_manifest_describe(GasketSnapshotManifest *manifest, const GasketJob *job);

/* Its text. Free with g_free. */
char *gasket_snapshot_manifest_text(const GasketSnapshotManifest *manifest);

/* Reads n bytes of text into an empty manifest. Error: FORMAT, with name and line. */
bool gasket_snapshot_manifest_parse(const char *text, size_t n, const char *name,
                                    GasketSnapshotManifest *manifest, GError **error);

/* Whether a job that is described by `own` can go on from a snapshot with this manifest: the same
 * version, byte order, program, options, engine and seed. Error: FORMAT: what differs. */
bool gasket_snapshot_manifest_fits(const GasketSnapshotManifest *manifest,
                                   const GasketSnapshotManifest *own, const char *name,
                                   GError **error);

/* ---- folders --------------------------------------------------------------------------------- */

/* Reads the manifest of a step's folder. Errors: INPUT, FORMAT, MEMORY. */
bool gasket_snapshot_read_manifest(const GasketDisk *disk, const char *step_folder,
                                   GasketSnapshotManifest *manifest, GError **error);

/* Whether every file is as the manifest says. Errors: INPUT, FORMAT ("FILE: damaged: ..."). */
bool gasket_snapshot_verify(const GasketDisk *disk, const char *step_folder,
                            const GasketSnapshotManifest *manifest, GError **error);

/* The folder to resume from: `folder` itself if it has a manifest, else the newest step within it;
 * with only_good the newest that is undamaged. NULL and INPUT if there is none; g_free. */
char *gasket_snapshot_find(const GasketDisk *disk, const char *folder, bool only_good,
                           GError **error);

/* Names of the steps' folders within a folder, those with a manifest alone or all, ascending;
 * NULL-terminated, free with g_strfreev. Empty where there are none. */
char **gasket_snapshot_list(const char *folder, bool complete);

/* Deletes all but the newest `keep` complete steps, and incomplete ones that are older than the
 * newest complete one: a newer one may be under way. */
void gasket_snapshot_prune(const char *folder, unsigned keep);

/* XXH3-128 of bytes. */
GasketSum128 gasket_sum128(const void *bytes, size_t n);

#endif
