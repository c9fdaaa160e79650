/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing on a disk that fails: whichever call it is, the writer says so, what stood at the path
 * before stands there still or the whole result does, and nothing else is left; and what writes
 * little at a time, or is interrupted, writes the same.
 */
#include "tests/result_fixture.h"

#include "engine/factor_graph.h"
#include "engine/graph.h"
#include "loaders/factor_model.h"
#include "loaders/write_graph.h"
#include "loaders/write_model.h"
#include "tests/faults.h"

/* Writes something at a path. */
typedef bool (*Write)(const char *path, bool other, GError **error);

static bool
write_rows(const char *path, bool other, GError **error)
{
    g_autoptr(GasketResultWriter) writer = gasket_result_writer_new(path, columns, 3, NULL, error);
    return writer != NULL &&
           gasket_result_writer_write(writer, other ? &text_block : &integer_block, error) &&
           gasket_result_writer_finish(writer, error);
}

static bool
write_edges(const char *path, bool other, GError **error)
{
    const uint64_t source[] = {0, 1, 2}, target[] = {1, 2, other ? 1 : 0};
    g_autoptr(GasketEdgeWriter) writer = gasket_edge_writer_new(path, NULL, false, error);
    return writer != NULL && gasket_edge_writer_add(writer, 3, source, target, NULL, error) &&
           gasket_edge_writer_finish(writer, error);
}

/* Made before anything fails: two of each. */
static GasketGraph *graphs[2], *models[2];

static void
make_graphs(void)
{
    static const uint32_t cardinality[] = {2, 2};
    static const int64_t scope[] = {0, 1};
    for (unsigned i = 0; i < 2; i++) {
        const int64_t source[] = {1, 2, 3}, target[] = {2, 3, i == 1 ? 2 : 1};
        const double table[] = {1, 2, 3, i == 1 ? 5 : 4};
        GasketGraphBuilder *builder = gasket_graph_builder_new();
        GasketFactorGraph *model = gasket_factor_graph_new();
        gasket_graph_builder_add_kind(builder, "vertex");
        gasket_graph_builder_add_relation(builder, "edges", 0, 0, false);
        ck_assert(gasket_graph_builder_add_edges(builder, 0, 3, source, target, NULL, NULL));
        ck_assert(gasket_factor_graph_add_variables(model, 2, cardinality, NULL) &&
                  gasket_factor_graph_add_factor(model, 2, scope, 4, table, NULL));
        graphs[i] = gasket_graph_builder_finish_take(&builder, NULL, NULL);
        models[i] = gasket_factor_graph_finish_take(&model, NULL, NULL);
    }
}

static void
drop_graphs(void)
{
    for (unsigned i = 0; i < 2; i++) {
        gasket_graph_free(graphs[i]);
        gasket_graph_free(models[i]);
    }
}

static bool
write_graph(const char *path, bool other, GError **error)
{
    return gasket_write_graph(graphs[other], 0, path, NULL, NULL, error);
}

static bool
write_factors(const char *path, bool other, GError **error)
{
    return gasket_write_model(models[other], path, NULL, error);
}

/* ---- what stands in a folder ----------------------------------------------------------------- */

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "name=bytes;" of all files, ascending by name. */
static char *
contents(const Folder *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder->path, 0, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GString *all = g_string_new(NULL);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;)
        g_ptr_array_add(names, g_strdup(name));
    if (names->len > 0)
        qsort(names->pdata, names->len, sizeof(char *), compare_names);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(folder->path, names->pdata[i], NULL);
        g_autofree char *bytes = NULL;
        g_autofree char *encoded = NULL;
        gsize n = 0;
        ck_assert(g_file_get_contents(path, &bytes, &n, NULL));
        encoded = g_base64_encode((const guchar *)bytes, n);
        g_string_append_printf(all, "%s=%s;", (char *)names->pdata[i], encoded);
    }
    return g_string_free(all, FALSE);
}

/* Everything that stands there stands there in `before` or in `after` too. */
static void
assert_old_or_new(const char *found, const char *before, const char *after, const char *what)
{
    g_auto(GStrv) files = g_strsplit(found, ";", -1);
    for (unsigned i = 0; files[i] != NULL; i++)
        ck_assert_msg(strstr(before, files[i]) != NULL || strstr(after, files[i]) != NULL,
                      "%s: %s is neither of before nor of after", what, files[i]);
}

static char *
contents_after(const char *name, Write write, bool replace, Fault fault, uint64_t nth,
               bool *ret_hit, GError **error)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, name, NULL);
    if (replace)
        ck_assert(write(path, /* other= */ true, NULL));
    fault_arm(fault, nth);
    bool well = nth == UINT64_MAX || write(path, false, error);
    *ret_hit = fault_disarm();
    ck_assert(well == (error == NULL || *error == NULL));
    return contents(&folder);
}

/* How many calls there are. */
static uint64_t
try_every_call(const char *name, Write write, bool replace, Fault fault)
{
    bool hit;
    /* UINT64_MAX: nothing is written; 0: without a fault. */
    g_autofree char *before =
        contents_after(name, write, replace, fault, UINT64_MAX, &hit, /* error= */ NULL);
    g_autofree char *after = contents_after(name, write, replace, fault, 0, &hit, NULL);
    for (uint64_t nth = 1;; nth++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *found = contents_after(name, write, replace, fault, nth, &hit, &error);
        if (error == NULL)
            ck_assert_msg(strcmp(found, after) == 0, "%s, call %" G_GUINT64_FORMAT, name, nth);
        else
            assert_old_or_new(found, before, after, name);
        ck_assert_msg(error == NULL || g_error_matches(error, GASKET_ERROR,
                                                       fault == FAULT_MEMORY ? GASKET_ERROR_MEMORY
                                                                             : GASKET_ERROR_IO),
                      "%s: %s", name, error != NULL ? error->message : "");
        ck_assert_msg(error == NULL || fault == FAULT_CALL || fault == FAULT_MEMORY, "%s: %s", name,
                      error != NULL ? error->message : "");
        if (!hit)
            return nth - 1;
    }
}

static const struct {
    const char *name;
    Write write;
} writers[] = {
    {"r.tsv", write_rows},    {"r.csv", write_rows},   {"r.jsonl", write_rows},
    {"r.npy", write_rows},    {"e.tsv", write_edges},  {"e.bin", write_edges},
    {"g.mtx", write_graph},   {"g.adj", write_graph},  {"g.gr", write_graph},
    {"m.uai", write_factors}, {"m.fg", write_factors},
};

START_TEST(whichever_call_fails_old_or_new_stands_whole)
{
    for (size_t i = 0; i < G_N_ELEMENTS(writers); i++)
        for (unsigned replace = 0; replace < 2; replace++)
            ck_assert_uint_gt(try_every_call(writers[i].name, writers[i].write, replace == 1,
                                             FAULT_CALL),
                              3);
}
END_TEST

START_TEST(a_short_write_and_one_that_is_interrupted_change_nothing)
{
    for (size_t i = 0; i < G_N_ELEMENTS(writers); i++) {
        ck_assert_uint_gt(try_every_call(writers[i].name, writers[i].write, false, FAULT_SHORT), 0);
        ck_assert_uint_gt(try_every_call(writers[i].name, writers[i].write, false,
                                         FAULT_INTERRUPTED),
                          0);
    }
}
END_TEST

START_TEST(without_memory_nothing_is_written)
{
    for (size_t i = 0; i < G_N_ELEMENTS(writers); i++)
        try_every_call(writers[i].name, writers[i].write, true, FAULT_MEMORY);
}
END_TEST

/* A new database lies in a file without a name until it is whole. */
START_TEST(a_database_takes_faults_as_files_do)
{
    try_every_call("r.db", write_rows, false, FAULT_CALL);
    try_every_call("r.db", write_rows, false, FAULT_SHORT);
    try_every_call("r.db", write_rows, false, FAULT_INTERRUPTED);
}
END_TEST

/* A model of a user and an item, told by its mean. */
static bool
write_mean(const char *path, double mean, GError **error)
{
    g_autoptr(GasketFactorModel) model = gasket_factor_model_new("als", 2);
    const float factors[] = {1, 2}, bias[] = {0.5f};
    const void *const data[] = {factors, bias};
    int64_t id = 7;
    const GasketIds ids = {.n = 1, .integer = &id};
    for (unsigned k = 0; k < 2; k++)
        ck_assert(gasket_factor_model_add(
            model, &(GasketResultBlock){.kind = k, .n = 1, .ids = &ids, .columns = data}, NULL));
    model->mean = mean;
    return gasket_factor_model_write(model, path, error);
}

/* A folder is replaced by renaming two: it is there all the time but for a moment. */
START_TEST(a_folder_of_a_model_is_the_old_or_the_new_one)
{
    for (uint64_t nth = 1, hit = 1; hit; nth++) {
        g_auto(Folder) folder = folder_new();
        g_autofree char *path = g_build_filename(folder.path, "model", NULL);
        g_autoptr(GError) error = NULL, unread = NULL;
        ck_assert(write_mean(path, 1, NULL));
        fault_arm(FAULT_CALL, nth);
        bool well = write_mean(path, 2, &error);
        hit = fault_disarm();
        ck_assert(well == (error == NULL));
        ck_assert(error == NULL || g_error_matches(error, GASKET_ERROR, GASKET_ERROR_IO));
        g_autoptr(GasketFactorModel) found = gasket_factor_model_read(path, &unread);
        ck_assert_no_error(unread);
        ck_assert(found->mean == 2 || (!well && found->mean == 1));
        ck_assert_uint_eq(folder_count(&folder), 1);
        GDir *files = g_dir_open(path, 0, NULL);
        for (const char *name; (name = g_dir_read_name(files)) != NULL;) {
            g_autofree char *file = g_build_filename(path, name, NULL);
            g_unlink(file);
        }
        g_dir_close(files);
        g_rmdir(path);
    }
}
END_TEST

int
main(void)
{
    /* In memory, where there is such a folder: syncing takes long elsewhere. */
    if (g_file_test("/dev/shm", G_FILE_TEST_IS_DIR))
        g_setenv("TMPDIR", "/dev/shm", TRUE);
    TCase *all = tcase_create("faults");
    tcase_add_checked_fixture(all, make_graphs, drop_graphs);
    tcase_set_timeout(all, 300);
    tcase_add_test(all, whichever_call_fails_old_or_new_stands_whole);
    tcase_add_test(all, a_short_write_and_one_that_is_interrupted_change_nothing);
    tcase_add_test(all, without_memory_nothing_is_written);
    tcase_add_test(all, a_folder_of_a_model_is_the_old_or_the_new_one);
    tcase_add_test(all, a_database_takes_faults_as_files_do);
    return check_run("result_faults", (TCase *[]){all}, 1);
}
