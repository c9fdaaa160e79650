/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots on a disk that fails: whatever call fails, writes less than it was given or is the last
 * one before a crash, what is left either is no snapshot or restores to the undisturbed bits; and
 * every changed byte and every truncation is found.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "algorithms/algorithms.h"
#include "engine/array.h"
#include "engine/job.h"
#include "engine/snapshot_manifest.h"
#include "tests/small_graphs.h"
#include "tests/snapshot_folder.h"

/* ---- a disk with a fault --------------------------------------------------------------------- */

typedef enum {
    FAULT_FAILS,
    FAULT_IS_SHORT, /* writes and reads do half; other calls as usual */
    FAULT_CRASHES,  /* the process ends */
} Fault;

typedef struct {
    Fault fault;
    gint at, n; /* the call with the fault, from 1; calls so far. Atomic: ranks are threads */
} Trouble;

/* Whether this call fails. */
static bool
is_fault(const GasketDisk *disk)
{
    Trouble *trouble = disk->data;
    if (g_atomic_int_add(&trouble->n, 1) + 1 != trouble->at)
        return false;
    if (trouble->fault == FAULT_CRASHES)
        _exit(42);
    errno = ENOSPC;
    return true;
}

static bool
fails(const GasketDisk *disk)
{
    const Trouble *trouble = disk->data;
    return is_fault(disk) && trouble->fault == FAULT_FAILS;
}

static int
faulty_create(const GasketDisk *disk, const char *path)
{
    return fails(disk) ? -1 : gasket_disk_real.create(disk, path);
}

static int
faulty_open(const GasketDisk *disk, const char *path)
{
    return fails(disk) ? -1 : gasket_disk_real.open(disk, path);
}

static ssize_t
faulty_write(const GasketDisk *disk, int fd, const void *bytes, size_t n)
{
    const Trouble *trouble = disk->data;
    bool now = is_fault(disk);
    if (now && trouble->fault == FAULT_FAILS)
        return -1;
    return gasket_disk_real.write(disk, fd, bytes, now ? (n + 1) / 2 : n);
}

static ssize_t
faulty_read(const GasketDisk *disk, int fd, void *bytes, size_t n)
{
    const Trouble *trouble = disk->data;
    bool now = is_fault(disk);
    if (now && trouble->fault == FAULT_FAILS)
        return -1;
    return gasket_disk_real.read(disk, fd, bytes, now ? (n + 1) / 2 : n);
}

static int
faulty_sync(const GasketDisk *disk, int fd)
{
    return fails(disk) ? -1 : gasket_disk_real.sync(disk, fd);
}

static int
faulty_rename(const GasketDisk *disk, const char *from, const char *to)
{
    return fails(disk) ? -1 : gasket_disk_real.rename(disk, from, to);
}

static int
faulty_make_folder(const GasketDisk *disk, const char *path)
{
    return fails(disk) ? -1 : gasket_disk_real.make_folder(disk, path);
}

static int
faulty_sync_folder(const GasketDisk *disk, const char *path)
{
    return fails(disk) ? -1 : gasket_disk_real.sync_folder(disk, path);
}

static GasketDisk
faulty_disk(Trouble *trouble)
{
    return (GasketDisk){faulty_create,      faulty_open,        faulty_write,
                        faulty_read,        faulty_sync,        faulty_rename,
                        faulty_make_folder, faulty_sync_folder, trouble};
}

/* ---- jobs ------------------------------------------------------------------------------------ */

typedef struct {
    const SmallGraph *graph;
    GByteArray *result;
    uint64_t fail_at; /* the allocation, from when the graph is built, that fails; 0: none */
    uint64_t failed;  /* snapshots */
} Observer;

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    const Observer *observer = data;
    (void)report, (void)error;
    GasketGraph *graph = small_build(observer->graph);
    gasket_array_fail_at(observer->fail_at);
    return graph;
}

static bool
take_result(void *data, const GasketResultBlock *block, GError **error)
{
    Observer *observer = data;
    (void)error;
    g_byte_array_append(observer->result, block->columns[0], (guint)(block->n * sizeof(double)));
    return true;
}

static bool
take_finish(void *data, const GasketReport *report, GError **error)
{
    Observer *observer = data;
    (void)error;
    observer->failed = report->snapshots.failed;
    return true;
}

/* PageRank, 9 iterations: its result, or NULL. */
static GByteArray *
run_observed(Observer *observer, unsigned workers, const GasketSnapshotPlan *plan, GError **error)
{
    const GasketAlgorithm *algorithm = &gasket_pagerank;
    g_autofree void *parameters = make_parameters(algorithm, NULL);
    observer->result = g_byte_array_new();
    GasketJob job = {.algorithm = algorithm,
                     .parameters = parameters,
                     .needs = algorithm->needs,
                     .n_needs = algorithm->n_needs,
                     .results = algorithm->results,
                     .n_results = algorithm->n_results,
                     .workers = workers,
                     .threads = 1,
                     .iterations = 9,
                     .tolerance = 1e-15,
                     .data = observer,
                     .load = load,
                     .result = take_result,
                     .finish = take_finish,
                     .snapshot = *plan};
    GasketStopped stopped;
    bool ok = gasket_job_run(&job, &stopped, error);
    gasket_array_fail_at(0);
    if (ok)
        return observer->result;
    g_byte_array_unref(observer->result);
    return NULL;
}

static GByteArray *
run_pagerank(const SmallGraph *graph, unsigned workers, const GasketSnapshotPlan *plan,
             GError **error)
{
    Observer observer = {.graph = graph};
    return run_observed(&observer, workers, plan, error);
}

static void
assert_same(const GByteArray *expected, const GByteArray *found)
{
    ck_assert_ptr_nonnull(found);
    ck_assert_uint_eq(expected->len, found->len);
    ck_assert_mem_eq(expected->data, found->data, expected->len);
}

/* What a folder holds restores, or is none. */
static void
assert_restores(const SmallGraph *graph, const char *folder, const GByteArray *expected)
{
    g_autofree char *step = gasket_snapshot_find(&gasket_disk_real, folder, true, NULL);
    if (step == NULL)
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) found =
        run_pagerank(graph, 3, &(GasketSnapshotPlan){.resume = step}, &error);
    ck_assert_no_error(error);
    assert_same(expected, found);
}

static const SmallGraph *
the_graph(SmallGraph *graph)
{
    *graph = (SmallGraph){0};
    small_draw(graph, 4, 20, 60);
    return graph;
}

static GByteArray *
undisturbed(const SmallGraph *graph)
{
    g_autoptr(GError) error = NULL;
    GByteArray *expected = run_pagerank(graph, 1, &(GasketSnapshotPlan){0}, &error);
    ck_assert_no_error(error);
    return expected;
}

/* A run whose disk has a fault at each call in turn, until there is no such call. */
static void
try_every_call(Fault fault, unsigned workers)
{
    SmallGraph storage;
    const SmallGraph *graph = the_graph(&storage);
    g_autoptr(GByteArray) expected = undisturbed(graph);

    for (int at = 1;; at++) {
        SnapshotFolder folder = snapshot_folder_new();
        Trouble trouble = {fault, at, 0};
        GasketDisk disk = faulty_disk(&trouble);
        GasketSnapshotPlan plan = {.folder = folder.path, .every_steps = 3, .disk = &disk};
        g_autoptr(GError) error = NULL;
        Observer observer = {.graph = graph};
        g_autoptr(GByteArray) found = run_observed(&observer, workers, &plan, &error);

        ck_assert_no_error(error); /* a lost snapshot is no lost run */
        assert_same(expected, found);
        bool reached = trouble.n >= at;
        ck_assert(observer.failed == (reached && fault == FAULT_FAILS));
        assert_restores(graph, folder.path, expected);
        snapshot_folder_clear(&folder);
        if (!reached)
            break;
    }
}

START_TEST(a_call_that_fails_loses_a_snapshot_and_nothing_else)
{
    try_every_call(FAULT_FAILS, 1);
    try_every_call(FAULT_FAILS, 2);
}
END_TEST

START_TEST(a_short_write_loses_nothing)
{
    try_every_call(FAULT_IS_SHORT, 2);
}
END_TEST

START_TEST(a_crash_at_any_call_leaves_what_restores)
{
    SmallGraph storage;
    const SmallGraph *graph = the_graph(&storage);
    g_autoptr(GByteArray) expected = undisturbed(graph);

    for (int at = 1, status = -1; status != 0; at++) {
        SnapshotFolder folder = snapshot_folder_new();
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            Trouble trouble = {FAULT_CRASHES, at, 0};
            GasketDisk disk = faulty_disk(&trouble);
            GasketSnapshotPlan plan = {.folder = folder.path, .every_steps = 3, .disk = &disk};
            GByteArray *found = run_pagerank(graph, 1, &plan, NULL);
            _exit(found != NULL ? 0 : 1);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(status == 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 42));
        assert_restores(graph, folder.path, expected);
        snapshot_folder_clear(&folder);
    }
}
END_TEST

/* ---- damage ---------------------------------------------------------------------------------- */

/* Two ranks' files and their manifest; returns the step's folder. */
static char *
make_snapshot(const SmallGraph *graph, const SnapshotFolder *folder)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) result =
        run_pagerank(graph, 2, &(GasketSnapshotPlan){.folder = folder->path, .every_steps = 6},
                     &error);
    ck_assert_no_error(error);
    char *step = gasket_snapshot_find(&gasket_disk_real, folder->path, true, &error);
    ck_assert_no_error(error);
    return step;
}

/* No longer good; and a run that is made to resume from it all the same (which takes longer, so
 * not for every byte) ends with an error. */
static void
assert_found_damaged(const SmallGraph *graph, const char *step, const char *what, size_t at)
{
    ck_assert_ptr_null(gasket_snapshot_find(&gasket_disk_real, step, true, NULL));
    if (at % 16 != 0)
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) found =
        run_pagerank(graph, 1, &(GasketSnapshotPlan){.resume = step}, &error);
    ck_assert_msg(found == NULL, "%s at byte %zu was not found", what, at);
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT) ||
              g_error_matches(error, GASKET_ERROR, GASKET_ERROR_INPUT));
}

START_TEST(every_changed_byte_and_every_truncation_is_found)
{
    static const char *const names[] = {"manifest", "rank-0", "rank-1"};
    SmallGraph storage;
    const SmallGraph *graph = the_graph(&storage);
    SnapshotFolder folder = snapshot_folder_new();
    g_autofree char *step = make_snapshot(graph, &folder);

    for (unsigned f = 0; f < G_N_ELEMENTS(names); f++) {
        g_autofree char *path = g_build_filename(step, names[f], NULL);
        g_autofree char *bytes = NULL;
        gsize n;
        ck_assert(g_file_get_contents(path, &bytes, &n, NULL));
        for (gsize i = 0; i < n; i++) {
            bytes[i] ^= (char)(1 << i % 8);
            ck_assert(g_file_set_contents_full(path, bytes, (gssize)n, 0, 0600, NULL));
            assert_found_damaged(graph, step, "a changed byte", i);
            bytes[i] ^= (char)(1 << i % 8);
            ck_assert(g_file_set_contents_full(path, bytes, (gssize)i, 0, 0600, NULL));
            assert_found_damaged(graph, step, "a truncation", i);
        }
        ck_assert(g_file_set_contents_full(path, bytes, (gssize)n, 0, 0600, NULL));
    }
    g_autoptr(GByteArray) expected = undisturbed(graph);
    assert_restores(graph, step, expected);
    snapshot_folder_clear(&folder);
}
END_TEST

/* ---- reading --------------------------------------------------------------------------------- */

START_TEST(a_read_that_fails_is_an_error_and_a_short_one_is_none)
{
    SmallGraph storage;
    const SmallGraph *graph = the_graph(&storage);
    g_autoptr(GByteArray) expected = undisturbed(graph);
    SnapshotFolder folder = snapshot_folder_new();
    g_autofree char *step = make_snapshot(graph, &folder);

    for (unsigned fault = FAULT_FAILS; fault <= FAULT_IS_SHORT; fault++) {
        for (int at = 1;; at++) {
            Trouble trouble = {(Fault)fault, at, 0};
            GasketDisk disk = faulty_disk(&trouble);
            g_autoptr(GError) error = NULL;
            g_autoptr(GByteArray) found =
                run_pagerank(graph, 1, &(GasketSnapshotPlan){.resume = step, .disk = &disk},
                             &error);
            bool reached = trouble.n >= at;
            if (reached && fault == FAULT_FAILS) {
                ck_assert_ptr_null(found);
                ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_INPUT));
            } else {
                ck_assert_no_error(error);
                assert_same(expected, found);
            }
            if (!reached)
                break;
        }
    }
    snapshot_folder_clear(&folder);
}
END_TEST

START_TEST(a_restore_without_memory_is_an_error)
{
    SmallGraph storage;
    const SmallGraph *graph = the_graph(&storage);
    g_autoptr(GByteArray) expected = undisturbed(graph);
    SnapshotFolder folder = snapshot_folder_new();
    g_autofree char *step = make_snapshot(graph, &folder);
    GByteArray *found = NULL;

    for (uint64_t nth = 1; found == NULL; nth++) {
        g_autoptr(GError) error = NULL;
        Observer observer = {.graph = graph, .fail_at = nth};
        found = run_observed(&observer, 1, &(GasketSnapshotPlan){.resume = step}, &error);
        ck_assert(found != NULL || g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
    }
    assert_same(expected, found);
    g_byte_array_unref(found);
    snapshot_folder_clear(&folder);
}
END_TEST

/* Whichever allocation it is: the run ends with an error, or has lost a snapshot and no more. */
START_TEST(without_memory_a_snapshot_is_lost_or_the_run_ends)
{
    SmallGraph storage;
    const SmallGraph *graph = the_graph(&storage);
    g_autoptr(GByteArray) expected = undisturbed(graph);
    unsigned lost = 0, ended = 0;

    for (uint64_t nth = 1, undisturbed_yet = 0; !undisturbed_yet; nth++) {
        SnapshotFolder folder = snapshot_folder_new();
        g_autoptr(GError) error = NULL;
        Observer observer = {.graph = graph, .fail_at = nth};
        const GasketSnapshotPlan plan = {.folder = folder.path, .every_steps = 3};
        g_autoptr(GByteArray) found = run_observed(&observer, 1, &plan, &error);
        if (found != NULL)
            assert_same(expected, found);
        else
            ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
        ended += found == NULL;
        lost += found != NULL && observer.failed > 0;
        undisturbed_yet = found != NULL && observer.failed == 0;
        assert_restores(graph, folder.path, expected);
        snapshot_folder_clear(&folder);
    }
    ck_assert_uint_gt(lost, 1);
    ck_assert_uint_gt(ended, 10);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("faults");
    tcase_set_timeout(all, 300);
    tcase_add_test(all, a_call_that_fails_loses_a_snapshot_and_nothing_else);
    tcase_add_test(all, a_short_write_loses_nothing);
    tcase_add_test(all, a_crash_at_any_call_leaves_what_restores);
    tcase_add_test(all, every_changed_byte_and_every_truncation_is_found);
    tcase_add_test(all, a_read_that_fails_is_an_error_and_a_short_one_is_none);
    tcase_add_test(all, without_memory_a_snapshot_is_lost_or_the_run_ends);
    tcase_add_test(all, a_restore_without_memory_is_an_error);
    return check_run("snapshot_faults", (TCase *[]){all}, 1);
}
