/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading when memory is short or the disk fails: whichever allocation it is, the loader and the
 * builder say so and leave nothing; whichever read it is, the file is named; and what reads little
 * at a time, or is interrupted, reads the same.
 */
#include <string.h>

#include <glib/gstdio.h>
#include <zlib.h>

#include "engine/factor_graph.h"
#include "loaders/evidence.h"
#include "loaders/model.h"
#include "loaders/ratings.h"
#include "tests/faults.h"
#include "tests/load_check.h"

#define BANNER "%%MatrixMarket matrix coordinate real general\n"

typedef enum {
    GRAPH,
    RATINGS,
    MODEL,
} Shape;

typedef struct {
    const char *name, *text;
    size_t size; /* 0: of a text */
    Shape shape;
} Input;

static const Input inputs[] = {
    {"a.txt", "# comment\n1 2 0.5\n1 3 2\n3 2 -3\n", 0, GRAPH},
    {"b.txt", "ann bob 1\nbob carl 2\nann dora 3\n", 0, GRAPH},
    {"a.csv", "source,target,weight\n1,2,0.5\n1,3,2\n\"3\",2,-3\n", 0, GRAPH},
    {"a.mtx", BANNER "3 3 3\n1 2 0.5\n1 3 2\n3 2 -3\n", 0, GRAPH},
    {"a.graph", "3 2\n2 3\n1\n1\n", 0, GRAPH},
    {"a.gr", "c comment\np sp 3 3\na 1 2 0.5\na 1 3 2\na 3 2 -3\n", 0, GRAPH},
    {"a.adj", "1 2 2 3\n3 0\n", 0, GRAPH},
    {"a.bin", "\1\0\0\0\2\0\0\0\3\0\0\0\2\0\0\0", 16, GRAPH},
    {"u.data", "1\t10\t3\t5\n1\t20\t4.5\t6\n2\t10\t1\t7\n1\t10\t2\t9\n", 0, RATINGS},
    {"r.csv", "userId,movieId,rating,timestamp\nann,10,3.0,5\nann,20,4.5,6\nbob,10,1.0,7\n", 0,
     RATINGS},
    {"a.uai", "MARKOV\n2\n2 3\n2\n2 0 1\n1 1\n6 0.5 1 2 3 4 5\n3 1 2 3\n", 0, MODEL},
    {"a.fg", "2\n\n2\n1 0\n3 2\n6\n0 .5\n1 1\n2 2\n3 3\n4 4\n5 5\n\n1\n1\n3\n3\n0 1\n1 2\n2 3\n", 0,
     MODEL},
    {"a.bif",
     "network n {\n}\nvariable x {\n  type discrete [ 2 ] { yes, no };\n}\n"
     "variable y {\n  type discrete [ 2 ] { a, b };\n}\nprobability ( x ) {\n  table 0.2, 0.8;\n}\n"
     "probability ( y | x ) {\n  (yes) 0.5, 0.5;\n  (no) 0.1, 0.9;\n}\n",
     0, MODEL},
    {"a.alist", "3 2\n2 2\n1 2 1\n2 2\n1 0\n1 2\n2 0\n1 2\n2 3\n", 0, MODEL},
    {"a.pgm", "P2\n2 2\n255\n0 255\n255 0\n", 0, MODEL},
    {"a.priors", "1 0.5 0.5\n2 0.25 0.75\n", 0, MODEL},
};

static char *folder;

static void
make_folder(void)
{
    folder = g_dir_make_tmp("gasket-faults-XXXXXX", NULL);
    ck_assert_ptr_nonnull(folder);
}

/* Nothing but what the test put there is in it. */
static void
drop_folder(void)
{
    ck_assert_int_eq(g_rmdir(folder), 0);
    g_clear_pointer(&folder, g_free);
}

static char *
put_input(const Input *input)
{
    return put_file(folder, input->name, input->text,
                    input->size > 0 ? input->size : strlen(input->text));
}

static GasketGraph *
load_model(const char *path, GError **error)
{
    const GasketModelOptions options = {.path = path};
    g_autoptr(GasketFactorGraph) model = gasket_model_load(&options, NULL, error);
    return model != NULL ? gasket_factor_graph_finish_take(&model, NULL, error) : NULL;
}

static GasketGraph *
load_ratings(const char *path, GError **error)
{
    const GasketRatingsOptions options = {.load = {.inputs = &path, .n_inputs = 1, .threads = 2},
                                          .keep_times = true,
                                          .holdout = GASKET_HOLDOUT_RANDOM,
                                          .fraction = 0.3,
                                          .validation = 0.2,
                                          .seed = 1};
    return gasket_ratings_load(&options, NULL, error);
}

/* The graph as text, made with a fault at the nth call of that sort (0: none); NULL on failure. */
static char *
load_with_fault(const Input *input, const char *path, Fault fault, uint64_t nth, bool *ret_hit,
                GError **error)
{
    const GasketLoadOptions options = {
        .inputs = &path, .n_inputs = 1, .want_weights = true, .threads = 2, .block_size = 16};
    fault_arm(fault, nth);
    g_autoptr(GasketGraph) graph = input->shape == MODEL ? load_model(path, error)
                                   : input->shape == RATINGS
                                       ? load_ratings(path, error)
                                       : load_graph(NULL, NULL, 0, &options, error);
    *ret_hit = fault_disarm() && nth > 0;
    if (graph == NULL)
        return NULL;
    if (input->shape == GRAPH)
        return dump(graph);
    return g_strdup_printf("%u, %u, %" G_GUINT64_FORMAT, gasket_graph_n_vertices(graph, 0),
                           gasket_graph_n_vertices(graph, 1), gasket_graph_n_edges(graph, 0));
}

/* A file of that name is loaded with a fault at each call in turn; returns how many there are.
 * code: what the fault is to end in; 0: in the graph. */
static uint64_t
try_every_call(const Input *input, const char *path, Fault fault, int code)
{
    g_autoptr(GError) first = NULL;
    bool hit;
    g_autofree char *expected = load_with_fault(input, path, fault, 0, &hit, &first);
    ck_assert_no_error(first);

    for (uint64_t nth = 1;; nth += check_is_short() ? 4 : 1) {
        g_autoptr(GError) error = NULL;
        g_autofree char *found = load_with_fault(input, path, fault, nth, &hit, &error);
        ck_assert((found == NULL) == (error != NULL));
        if (found != NULL)
            ck_assert_str_eq(found, expected);
        if (!hit) {
            ck_assert_no_error(error);
            return nth - 1;
        }
        ck_assert_msg((code == 0) == (error == NULL), "%s, call %" G_GUINT64_FORMAT ": %s",
                      input->name, nth, error != NULL ? error->message : "nobody noticed");
        ck_assert_msg(error == NULL || g_error_matches(error, GASKET_ERROR, code), "%s: %s",
                      input->name, error != NULL ? error->message : "");
        if (code == GASKET_ERROR_INPUT)
            ck_assert_msg(strstr(error->message, path) != NULL, "%s", error->message);
    }
}

START_TEST(whichever_allocation_fails_loading_says_so)
{
    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
        g_autofree char *path = put_input(&inputs[i]);
        uint64_t n = try_every_call(&inputs[i], path, FAULT_MEMORY, GASKET_ERROR_MEMORY);
        ck_assert_uint_gt(n, 10);
        g_unlink(path);
    }
}
END_TEST

START_TEST(whichever_read_fails_the_file_is_named)
{
    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
        g_autofree char *path = put_input(&inputs[i]);
        uint64_t n = try_every_call(&inputs[i], path, FAULT_CALL, GASKET_ERROR_INPUT);
        ck_assert_uint_gt(n, 1); /* opening and reading at least */
        g_unlink(path);
    }
}
END_TEST

START_TEST(a_short_read_and_one_that_is_interrupted_change_nothing)
{
    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
        g_autofree char *path = put_input(&inputs[i]);
        ck_assert_uint_gt(try_every_call(&inputs[i], path, FAULT_SHORT, 0), 0);
        ck_assert_uint_gt(try_every_call(&inputs[i], path, FAULT_INTERRUPTED, 0), 0);
        g_unlink(path);
    }
}
END_TEST

START_TEST(compressed_files_take_faults_as_plain_ones_do)
{
    const Input *plain = &inputs[0];
    g_autofree char *path = g_build_filename(folder, "a.txt.gz", NULL);
    gzFile file = gzopen(path, "wb");
    ck_assert_int_eq(gzputs(file, plain->text), (int)strlen(plain->text));
    ck_assert_int_eq(gzclose(file), Z_OK);
    try_every_call(plain, path, FAULT_MEMORY, GASKET_ERROR_MEMORY);
    try_every_call(plain, path, FAULT_CALL, GASKET_ERROR_INPUT);
    try_every_call(plain, path, FAULT_SHORT, 0);
    try_every_call(plain, path, FAULT_INTERRUPTED, 0);
    g_unlink(path);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("faults");
    tcase_add_checked_fixture(all, make_folder, drop_folder);
    tcase_set_timeout(all, 300);
    tcase_add_test(all, whichever_allocation_fails_loading_says_so);
    tcase_add_test(all, whichever_read_fails_the_file_is_named);
    tcase_add_test(all, a_short_read_and_one_that_is_interrupted_change_nothing);
    tcase_add_test(all, compressed_files_take_faults_as_plain_ones_do);
    return check_run("load_faults", (TCase *[]){all}, 1);
}
