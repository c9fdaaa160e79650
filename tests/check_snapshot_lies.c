/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rank's file whose sum is right and whose words are not: each byte another, each section shorter
 * than it should be at any place. Resuming ends with an error that names the file, or, where the
 * byte was data, with other data; never otherwise.
 */
#include <math.h>

#include "engine/array.h"
#include "engine/job.h"
#include "engine/snapshot_format.h"
#include "tests/check_main.h"
#include "tests/snapshot_bytes.h"
#include "tests/snapshot_folder.h"

/* ---- a program with everything that a snapshot may have -------------------------------------- */

enum { PAGE, ITEM };

static const GasketRowSet links = {0, GASKET_IN}, likes = {1, GASKET_IN};

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
    static const uint64_t begin[] = {0, 2, 2, 3};
    uint64_t kept = 1;
    double array[3] = {1, 2, 3};
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, 1, error) ||
        !gasket_run_set_state(run, PAGE, sizeof(double), error) ||
        !gasket_run_set_state(run, ITEM, 2, error) ||
        !gasket_run_set_value_varying(run, PAGE, size_of, NULL, error) ||
        !gasket_run_set_value(run, ITEM, 4, error) ||
        !gasket_run_set_edge_value(run, likes, 4, error) ||
        !gasket_run_set_edge_value_varying(run, links, true, size_of, NULL, error) ||
        !gasket_run_set_edge_state(run, links, 2, error))
        return false;
    gasket_run_keep(run, &kept, sizeof kept);
    gasket_run_keep_array(run, PAGE, array, begin, sizeof *array);
    while (gasket_run_continues(run))
        gasket_run_end_iteration(run, NAN, ++kept >= 4);
    return true;
}

static const GasketResultColumn results[] = {{.name = "x", .type = GASKET_DOUBLE}};
static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true},
                                    {.in_rows = true, .out_rows = true}};
static const GasketAlgorithm algorithm = {.abi = GASKET_ABI,
                                          .name = "all",
                                          .needs = needs,
                                          .n_needs = 2,
                                          .results = results,
                                          .n_results = 1,
                                          .run = run_all,
                                          .resumable = true};

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    static const int64_t from[] = {1, 2, 3, 3}, to[] = {2, 3, 1, 2}, item[] = {8, 9, 8, 8};
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    (void)data, (void)report;
    gasket_graph_builder_add_kind(builder, "page");
    gasket_graph_builder_add_kind(builder, "item");
    gasket_graph_builder_add_relation(builder, "links", PAGE, PAGE, false);
    gasket_graph_builder_add_relation(builder, "likes", PAGE, ITEM, false);
    for (unsigned r = 0; r < 2; r++)
        if (!gasket_graph_builder_add_edges(builder, r, G_N_ELEMENTS(from), from,
                                            r == 0 ? to : item, NULL, error))
            return NULL;
    return gasket_graph_builder_finish_take(&builder, NULL, error);
}

static bool
run_job(const GasketSnapshotPlan *plan, GError **error)
{
    const GasketJob job = {.algorithm = &algorithm,
                           .needs = needs,
                           .n_needs = 2,
                           .results = results,
                           .n_results = 1,
                           .workers = 1,
                           .threads = 1,
                           .load = load,
                           .snapshot = *plan};
    GasketStopped stopped;
    return gasket_job_run(&job, &stopped, error);
}

/* ---- files ----------------------------------------------------------------------------------- */

static GasketSnapshotManifest manifest;
static uint8_t *good;
static uint64_t n_good;

static void
make_good(void)
{
    SnapshotFolder folder = snapshot_folder_new();
    g_autoptr(GError) error = NULL;
    run_job(&(GasketSnapshotPlan){.folder = folder.path, .every_steps = 2}, &error);
    ck_assert_no_error(error);
    g_autofree char *step = gasket_snapshot_find(&gasket_disk_real, folder.path, true, &error);
    ck_assert_no_error(error);
    g_autofree char *path = g_build_filename(step, "rank-0", NULL);
    gasket_snapshot_read_manifest(&gasket_disk_real, step, &manifest, &error);
    ck_assert_no_error(error);
    good = gasket_disk_read_file(&gasket_disk_real, path, 1 << 20, &n_good, &error);
    ck_assert_no_error(error);
    snapshot_folder_clear(&folder);
}

static void
drop_good(void)
{
    gasket_snapshot_manifest_clear(&manifest);
    gasket_array_free(good);
}

/* Whether a run resumes from these bytes. */
static bool
resumes(const uint8_t *bytes, uint64_t n)
{
    g_autofree char *text = snapshot_bytes_manifest(&manifest, bytes, n);
    SnapshotBytes files = {.manifest = text, .rank = bytes, .n_rank = n};
    const GasketDisk disk = snapshot_bytes_disk(&files);
    g_autoptr(GError) error = NULL;
    bool ok = run_job(&(GasketSnapshotPlan){.resume = "step", .disk = &disk}, &error);
    ck_assert(ok == (error == NULL));
    ck_assert_msg(ok || (g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT) &&
                         g_str_has_prefix(error->message, "step")),
                  "%s", error != NULL ? error->message : "");
    return ok;
}

START_TEST(the_file_itself_resumes)
{
    ck_assert(resumes(good, n_good));
}
END_TEST

START_TEST(no_byte_makes_more_than_an_error)
{
    const unsigned stride = check_is_short() ? 7 : 1;
    unsigned refused = 0;
    for (uint64_t i = 0; i < n_good; i += stride) {
        const uint8_t others[] = {(uint8_t)(good[i] + 1), (uint8_t)(good[i] - 1), 0x7f};
        const uint8_t byte = good[i];
        for (unsigned o = 0; o < G_N_ELEMENTS(others); o++) {
            good[i] = others[o];
            refused += !resumes(good, n_good);
        }
        good[i] = byte;
    }
    ck_assert_uint_gt(refused, n_good / stride / 2);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused)
{
    for (uint64_t n = 0; n < n_good; n++)
        ck_assert(!resumes(good, n));
}
END_TEST

/* With a head that says so. */
START_TEST(a_section_of_any_other_length_is_refused)
{
    GasketSnapshotSectionHead head;
    unsigned n_sections = 0;
    for (uint64_t at = sizeof(GasketSnapshotHead); at < n_good; at += sizeof head + head.bytes) {
        memcpy(&head, good + at, sizeof head);
        const uint64_t body = at + sizeof head, next = body + head.bytes;
        for (uint64_t length = 0; length <= head.bytes + 1; length++) {
            g_autofree uint8_t *bytes = g_malloc0(n_good + 1);
            GasketSnapshotSectionHead other = head;
            other.bytes = length;
            memcpy(bytes, good, body + MIN(length, head.bytes));
            memcpy(bytes + at, &other, sizeof other);
            memcpy(bytes + body + length, good + next, n_good - next);
            ck_assert(resumes(bytes, n_good - head.bytes + length) == (length == head.bytes));
        }
        n_sections++;
    }
    ck_assert_uint_eq(n_sections, 6); /* the run, two kinds, rows of two relations, an array */
}
END_TEST

/* Left out, twice, or of a kind that there is not. */
START_TEST(sections_that_are_too_few_or_too_many_are_refused)
{
    GasketSnapshotSectionHead head;
    for (uint64_t at = sizeof(GasketSnapshotHead); at < n_good; at += sizeof head + head.bytes) {
        memcpy(&head, good + at, sizeof head);
        const uint64_t size = sizeof head + head.bytes;
        g_autofree uint8_t *bytes = g_malloc0(2 * n_good);
        memcpy(bytes, good, at);
        memcpy(bytes + at, good + at + size, n_good - at - size);
        ck_assert(!resumes(bytes, n_good - size));
        memcpy(bytes, good, n_good);
        memcpy(bytes + n_good, good + at, size);
        ck_assert(resumes(bytes, n_good + size) == (head.type == GASKET_SNAPSHOT_RUN));
        memcpy(bytes, good, n_good);
        head.index = 1000;
        memcpy(bytes + at, &head, sizeof head);
        ck_assert(resumes(bytes, n_good) == (head.type == GASKET_SNAPSHOT_RUN));
    }
}
END_TEST

/* ---- manifests ------------------------------------------------------------------------------- */

/* What is said where a manifest says something else; g_free. */
static char *
refusal(const GasketSnapshotManifest *other)
{
    g_autofree char *text = snapshot_bytes_manifest(other, good, n_good);
    SnapshotBytes files = {.manifest = text, .rank = good, .n_rank = n_good};
    const GasketDisk disk = snapshot_bytes_disk(&files);
    g_autoptr(GError) error = NULL;
    ck_assert(!run_job(&(GasketSnapshotPlan){.resume = "step", .disk = &disk}, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
    return g_strdup(error->message);
}

static void
assert_refused(const GasketSnapshotManifest *other, const char *words)
{
    g_autofree char *found = refusal(other);
    ck_assert_msg(strstr(found, words) != NULL, "found \"%s\", expected \"%s\"", found, words);
}

START_TEST(what_does_not_fit_is_refused_by_its_name)
{
    char *options[] = {"some option", NULL};
    GasketSnapshotManifest other = manifest;
    other.version = "0.0.9";
    assert_refused(&other, "another version: found 0.0.9, expected ");
    other = manifest;
    other.byte_order = "big";
    assert_refused(&other, "another byte order: found big, expected little");
    other = manifest;
    other.algorithm = "none";
    assert_refused(&other, "another program: found none, expected all");
    other = manifest;
    other.options = options;
    assert_refused(&other, "another program: found other options");
    other = manifest;
    other.engine = "chromatic";
    assert_refused(&other, "another engine: found chromatic, expected sync");
    other = manifest;
    other.seed++;
    assert_refused(&other, "another seed: found ");
    other = manifest;
    other.graph++;
    assert_refused(&other, "another graph: found ");
    other = manifest;
    other.vertices++;
    assert_refused(&other, "another graph: found ");
    other = manifest;
    other.edges++;
    assert_refused(&other, "another graph: found ");
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("lies");
    tcase_add_checked_fixture(all, make_good, drop_good);
    tcase_set_timeout(all, 300);
    tcase_add_test(all, the_file_itself_resumes);
    tcase_add_test(all, no_byte_makes_more_than_an_error);
    tcase_add_test(all, a_file_cut_anywhere_is_refused);
    tcase_add_test(all, a_section_of_any_other_length_is_refused);
    tcase_add_test(all, sections_that_are_too_few_or_too_many_are_refused);
    tcase_add_test(all, what_does_not_fit_is_refused_by_its_name);
    return check_run("snapshot_lies", (TCase *[]){all}, 1);
}
