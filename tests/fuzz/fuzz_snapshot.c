/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the restoring of a rank's file: a run that resumes from any bytes ends with an error or
 * goes on. Sums are made right, so that everything behind them is reached.
 *
 * Input: | n | n times: place 16 bits, byte | rest |
 *
 *   n < 128  a good file with n bytes changed; the rest is added behind it
 *   n > 127  the rest alone
 */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "engine/array.h"
#include "engine/job.h"
#include "tests/snapshot_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a program with everything that a snapshot may have -------------------------------------- */

static const GasketRowSet rows[] = {{0, GASKET_IN}};

static size_t
size_of(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)context, (void)state;
    return 1 + v % 3;
}

static bool
run_all(GasketRun *run, const void *parameters, GError **error)
{
    static const GasketAggregate aggregates[] = {{.name = "sum", .type = GASKET_SUM}};
    uint64_t kept = 1;
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, 1, error) ||
        !gasket_run_set_state(run, 0, sizeof(double), error) ||
        !gasket_run_set_value_varying(run, 0, size_of, NULL, error) ||
        !gasket_run_set_edge_value(run, rows[0], 4, error) ||
        !gasket_run_set_edge_state(run, rows[0], 2, error))
        return false;
    gasket_run_keep(run, &kept, sizeof kept);
    while (gasket_run_continues(run))
        gasket_run_end_iteration(run, NAN, ++kept >= 4);
    return true;
}

static const GasketResultColumn results[] = {{.name = "x", .type = GASKET_DOUBLE}};
static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true}};
static const GasketAlgorithm algorithm = {.abi = GASKET_ABI,
                                          .name = "all",
                                          .needs = needs,
                                          .n_needs = 1,
                                          .results = results,
                                          .n_results = 1,
                                          .run = run_all,
                                          .resumable = true};

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    static const int64_t from[] = {1, 2, 3, 3, 5, 7, 8}, to[] = {2, 3, 1, 3, 1, 8, 7};
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    (void)data, (void)report;
    gasket_graph_builder_add_kind(builder, "page");
    gasket_graph_builder_add_relation(builder, "links", 0, 0, false);
    (void)gasket_graph_builder_add_edges(builder, 0, G_N_ELEMENTS(from), from, to, NULL, NULL);
    return gasket_graph_builder_finish_take(&builder, NULL, error);
}

static bool
run_job(const GasketSnapshotPlan *plan, GError **error)
{
    const GasketJob job = {.algorithm = &algorithm,
                           .needs = needs,
                           .n_needs = 1,
                           .results = results,
                           .n_results = 1,
                           .workers = 1,
                           .threads = 1,
                           .load = load,
                           .snapshot = *plan};
    GasketStopped stopped;
    return gasket_job_run(&job, &stopped, error);
}

/* ---- the input ------------------------------------------------------------------------------- */

/* A snapshot that was really taken: its manifest, and rank 0's file. */
typedef struct {
    GasketSnapshotManifest manifest;
    uint8_t *rank;
    uint64_t n_rank;
} Good;

static Good *
make_good(void)
{
    Good *good = g_new0(Good, 1);
    char *folder = g_dir_make_tmp("fuzz_snapshot_XXXXXX", NULL);
    const GasketSnapshotPlan plan = {.folder = folder, .every_steps = 2};
    bool ok = run_job(&plan, NULL);
    g_autofree char *step = ok ? gasket_snapshot_find(&gasket_disk_real, folder, true, NULL) : NULL;
    g_autofree char *path = g_strdup_printf("%s/rank-0", step);
    g_autofree char *manifest = g_strdup_printf("%s/manifest", step);
    ok = step != NULL &&
         gasket_snapshot_read_manifest(&gasket_disk_real, step, &good->manifest, NULL);
    g_assert(ok && good->manifest.n_files == 1);
    good->rank = gasket_disk_read_file(&gasket_disk_real, path, 1 << 20, &good->n_rank, NULL);
    g_assert(good->rank != NULL);
    (void)g_unlink(path), (void)g_unlink(manifest), (void)g_rmdir(step), (void)g_rmdir(folder);
    g_free(folder);
    return good;
}

/* The file of an input. */
static GByteArray *
file_of(const Good *good, const uint8_t *data, size_t size)
{
    GByteArray *bytes = g_byte_array_new();
    size_t n = size > 0 && data[0] < 128 ? data[0] : 0, used = MIN(1 + 3 * n, size);
    if (size == 0 || data[0] < 128)
        g_byte_array_append(bytes, good->rank, (guint)good->n_rank);
    for (size_t at = 1; at + 3 <= used; at += 3)
        bytes->data[(data[at] | (size_t)data[at + 1] << 8) % bytes->len] = data[at + 2];
    g_byte_array_append(bytes, data + used, (guint)(size - used));
    return bytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Good *good;
    if (good == NULL)
        good = make_good();
    g_autoptr(GByteArray) file = file_of(good, data, size);
    g_autofree char *text = snapshot_bytes_manifest(&good->manifest, file->data, file->len);
    SnapshotBytes files = {.manifest = text, .rank = file->data, .n_rank = file->len};
    const GasketDisk disk = snapshot_bytes_disk(&files);
    const GasketSnapshotPlan plan = {.resume = "step", .disk = &disk};
    g_autoptr(GError) error = NULL;
    bool ok = run_job(&plan, &error);
    g_assert(ok == (error == NULL));
    g_assert(ok || g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT) ||
             g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
    g_assert(size > 0 || ok);
    return 0;
}
