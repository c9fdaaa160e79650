/* SPDX-License-Identifier: Apache-2.0 */
/* Loading ratings: formats, duplicates, what is held out; models on the disk, whole and damaged. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/array.h"
#include "loaders/factor_model.h"
#include "loaders/ratings.h"
#include "tests/folder.h"

/* Loads text through a file. */
static GasketGraph *
load_text(const char *text, const char *ending, GasketRatingsOptions options, GError **error)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *name = g_strconcat("ratings", ending, NULL);
    g_autofree char *path = g_build_filename(folder.path, name, NULL);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    const char *const inputs[] = {path};
    options.load.inputs = inputs;
    options.load.n_inputs = 1;
    options.keep_times = true;
    GasketGraph *graph = gasket_ratings_load(&options, NULL, error);
    if (graph != NULL)
        for (unsigned r = 0; r < 3; r++)
            ck_assert(gasket_graph_require_rows(graph, r, GASKET_IN, NULL));
    ck_assert(graph == NULL || gasket_graph_check(graph, NULL));
    return graph;
}

/* "user item rating@time ..." of a relation, ascending. */
static char *
dump(const GasketGraph *graph, unsigned relation)
{
    const GasketGraphRelation *of = &graph->relations[relation];
    const GasketGraphRows *rows = &of->rows[GASKET_OUT];
    const float *rating = rows->columns[0].data;
    GString *out = g_string_new(NULL);
    for (uint32_t u = 0; u < rows->n_rows; u++) {
        for (uint64_t e = rows->offset[u]; e < rows->offset[u + 1]; e++) {
            g_autofree char *user = gasket_graph_id_text(graph, 0, u);
            g_autofree char *item = gasket_graph_id_text(graph, 1, rows->neighbour[e]);
            g_string_append_printf(out, "%s %s %g", user, item, rating[e]);
            if (of->n_columns > 1)
                g_string_append_printf(out, "@%g", ((double *)rows->columns[1].data)[e]);
            g_string_append(out, "; ");
        }
    }
    return g_string_free(out, FALSE);
}

static const GasketRatingsOptions plain = {.order = GASKET_ORDER_GIVEN,
                                           .holdout = GASKET_HOLDOUT_NONE};

START_TEST(every_format_gives_the_same_ratings)
{
    static const struct {
        const char *text, *ending;
    } files[] = {
        {"1\t10\t3\t5\n1\t20\t4.5\t6\n2\t10\t1\t7\n", ".data"},
        {"1::10::3::5\n1::20::4.5::6\n2::10::1::7\n", ".dat"},
        {"userId,movieId,rating,timestamp\n1,10,3.0,5\n1,20,4.5,6\n2,10,1.0,7\n", ".csv"},
        {"timestamp;user;item;stars\n5;1;10;3\n6;1;20;4.5\n7;2;10;1\n", ".csv"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GasketGraph) graph = load_text(files[i].text, files[i].ending, plain, &error);
        ck_assert_no_error(error);
        g_autofree char *found = dump(graph, 0);
        ck_assert_str_eq(found, "1 10 3@5; 1 20 4.5@6; 2 10 1@7; ");
    }
    g_autoptr(GasketGraph) triples = load_text("0 10 3\n1 20 4.5\n", ".txt", plain, NULL);
    g_autofree char *found = dump(triples, 0);
    ck_assert_str_eq(found, "0 10 3; 1 20 4.5; ");
    g_autoptr(GasketGraph) matrix =
        load_text("%%MatrixMarket matrix coordinate real general\n2 3 2\n1 3 2.5\n2 1 4\n", ".mtx",
                  plain, NULL);
    g_autofree char *entries = dump(matrix, 0);
    ck_assert_str_eq(entries, "1 3 2.5; 2 1 4; ");
    g_autoptr(GasketGraph) text = load_text("ann,tea,2\nbob,tea,1\n", ".csv", plain, NULL);
    g_autofree char *names = dump(text, 0);
    ck_assert_str_eq(names, "ann tea 2; bob tea 1; ");
}
END_TEST

/* Users and items are two name spaces, stars may be halves, and nothing is lost. */
START_TEST(public_ratings_are_read_whole)
{
    static const struct {
        const char *path;
        uint64_t n;
        uint32_t users, items;
    } files[] = {
        {"ratings/ml-100k/u.data", 100000, 943, 1682},
        {"ratings/filmtrust/ratings.txt", 35494, 1508, 2071}, /* three pairs twice */
        {"ratings/libmf/real_matrix.tr.txt", 5000, 0, 0},
        {"ratings/libmf/binary_matrix.tr.txt", 4937, 0, 0},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = check_data(files[i].path);
        g_autoptr(GError) error = NULL;
        const char *input = path;
        if (path == NULL)
            continue;
        GasketRatingsOptions options = plain;
        options.load.inputs = &input;
        options.load.n_inputs = 1;
        g_autoptr(GasketGraph) graph = gasket_ratings_load(&options, NULL, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(gasket_graph_n_edges(graph, 0), files[i].n);
        if (files[i].users > 0) {
            ck_assert_uint_eq(gasket_graph_n_vertices(graph, 0), files[i].users);
            ck_assert_uint_eq(gasket_graph_n_vertices(graph, 1), files[i].items);
        }
    }
}
END_TEST

START_TEST(one_rating_stands_for_all_of_a_pair)
{
    static const struct {
        GasketDuplicates rule;
        const char *expected;
    } timed[] = {
        {GASKET_DUPLICATES_AUTO, "1 10 2@9; 2 10 1@7; "},
        {GASKET_DUPLICATES_LATEST, "1 10 2@9; 2 10 1@7; "},
        {GASKET_DUPLICATES_MEAN, "1 10 3@9; 2 10 1@7; "},
        {GASKET_DUPLICATES_SUM, "1 10 9@9; 2 10 1@7; "},
        {GASKET_DUPLICATES_MIN, "1 10 2@9; 2 10 1@7; "},
        {GASKET_DUPLICATES_MAX, "1 10 4@9; 2 10 1@7; "},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(timed); i++) {
        GasketRatingsOptions options = plain;
        options.duplicates = timed[i].rule;
        g_autoptr(GasketGraph) graph =
            load_text("1 10 3 5\n2 10 1 7\n1 10 2 9\n1 10 4 8\n", ".txt", options, NULL);
        g_autofree char *found = dump(graph, 0);
        ck_assert_str_eq(found, timed[i].expected);
    }
    g_autoptr(GasketGraph) graph = load_text("1 10 3\n1 10 4\n", ".txt", plain, NULL);
    g_autofree char *found = dump(graph, 0);
    ck_assert_str_eq(found, "1 10 3.5; ");
    GasketRatingsOptions latest = plain;
    latest.duplicates = GASKET_DUPLICATES_LATEST;
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(load_text("1 10 3\n1 10 4\n", ".txt", latest, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
}
END_TEST

START_TEST(malformed_ratings_name_file_and_line)
{
    static const struct {
        const char *ending, *text, *where;
    } files[] = {
        {".txt", "1 10 3\n1 20 x\n", ":2: found \"x\""},
        {".txt", "1 10 3 5\n1 20 4\n", ":2: "},
        {".txt", "1 10 3 5\n1 20 4 soon\n", ":2: found \"soon\""},
        {".txt", "1 10 3\n1 20 1e39\n", ":2: found \"1e39\""},
        {".txt", "1 10 3\n1 20 nan\n", ":2: found \"nan\""},
        {".txt", "1 10 3\n1\n", ":2: found the end of the line, expected an item"},
        {".data", "1\t10\t3\t5\n1\t20\t4\n", ":2: found the end of the line, expected a time"},
        {".data", "1\t10\t3\t5\n1\t20\t4\tinf\n", ":2: found \"inf\""},
        {".dat", "1::10::3::5\n1::::3::5\n", ":2: found an empty field, expected an item"},
        {".dat", "1::10::3::5\n1::20::::5\n", ":2: found an empty field, expected a rating"},
        {".dat", "1::10::3::5\n1:20:3:5\n", ":2: found the end of the line"},
        {".csv", "user,item,rating\n1,10,3\n,20,3\n", ":3: found an empty field, expected a user"},
        {".csv", "user,item,rating\n1,10\n", ":2: found the end of the line, expected a rating"},
        {".csv", "user,item,rating,time\n1,10,3\n", ":2: found the end of the line, expected a ti"},
        {".csv", "user,item,rating,time\n1,10,3,5\n1,\"20,3,5\n", ":3: found \"\\\"20"},
        {".mtx", "%%MatrixMarket matrix coordinate real general\n2 3 1\n1 4 3\n",
         ":3: found \"4\""},
        {".mtx", "%%MatrixMarket matrix coordinate real general\n2 3 2\n1 1 3\n", ":2: found 1 "},
        {".mtx", "%%MatrixMarket matrix coordinate real general\n2 3 1\n1 1 nan\n", ":3: found "},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(load_text(files[i].text, files[i].ending, plain, &error));
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
        ck_assert_msg(strstr(error->message, files[i].where) != NULL, "%s", error->message);
    }
}
END_TEST

/* 40 users by 25 items, most pairs, times that differ. */
static char *
many(bool reversed)
{
    GString *text = g_string_new(NULL);
    for (unsigned n = 0; n < 1000; n++) {
        unsigned k = reversed ? 999 - n : n, u = k / 25, i = k % 25;
        if ((u * 7 + i * 3) % 4 != 0)
            g_string_append_printf(text, "%u %u %u %u\n", u, i, 1 + (u + i) % 5, k * 37 % 1009);
    }
    return g_string_free(text, FALSE);
}

START_TEST(folds_are_disjoint_and_cover_everything)
{
    g_autofree char *text = many(false);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned fold = 0; fold < 4; fold++) {
        GasketRatingsOptions options = plain;
        options.holdout = GASKET_HOLDOUT_FOLD;
        options.fold = fold;
        options.folds = 4;
        g_autoptr(GasketGraph) graph = load_text(text, ".txt", options, NULL);
        ck_assert_uint_eq(gasket_graph_n_edges(graph, 0) + gasket_graph_n_edges(graph, 1), 750);
        ck_assert_uint_gt(gasket_graph_n_edges(graph, 1), 130);
        ck_assert_uint_lt(gasket_graph_n_edges(graph, 1), 250);
        g_autofree char *held = dump(graph, 1);
        g_auto(GStrv) entries = g_strsplit(held, "; ", -1);
        for (unsigned i = 0; entries[i][0] != '\0'; i++)
            ck_assert_msg(g_hash_table_add(seen, g_strdup(entries[i])), "%s twice", entries[i]);
    }
    ck_assert_uint_eq(g_hash_table_size(seen), 750);
}
END_TEST

START_TEST(what_is_held_out_depends_on_the_seed_alone)
{
    g_autofree char *forward = many(false), *backward = many(true);
    GasketRatingsOptions options = plain;
    options.holdout = GASKET_HOLDOUT_RANDOM;
    options.fraction = 0.2;
    options.validation = 0.1;
    g_autoptr(GasketGraph) a = load_text(forward, ".txt", options, NULL);
    options.load.threads = 3;
    g_autoptr(GasketGraph) b = load_text(backward, ".txt", options, NULL);
    options.seed = 1;
    g_autoptr(GasketGraph) c = load_text(forward, ".txt", options, NULL);
    for (unsigned r = 0; r < 3; r++) {
        g_autofree char *x = dump(a, r), *y = dump(b, r), *z = dump(c, r);
        ck_assert_str_eq(x, y);
        ck_assert_str_ne(x, z);
    }
    options.seed = 0;
    options.order = GASKET_ORDER_DEGREE;
    g_autoptr(GasketGraph) d = load_text(forward, ".txt", options, NULL);
    ck_assert_uint_eq(gasket_graph_n_edges(a, 1), gasket_graph_n_edges(d, 1));
    ck_assert_uint_eq(gasket_graph_n_edges(a, 2), gasket_graph_n_edges(d, 2));
    ck_assert_uint_gt(gasket_graph_n_edges(a, 2), 20);
}
END_TEST

START_TEST(the_latest_are_held_out)
{
    const char *text = "1 10 3 5\n1 20 4 9\n1 30 4 7\n2 10 1 1\n3 10 1 4\n3 20 2 2\n";
    GasketRatingsOptions options = plain;
    options.holdout = GASKET_HOLDOUT_LEAVE_ONE_OUT;
    g_autoptr(GasketGraph) last = load_text(text, ".txt", options, NULL);
    g_autofree char *one = dump(last, 1);
    ck_assert_str_eq(one, "1 20 4@9; 3 10 1@4; ");
    options.holdout = GASKET_HOLDOUT_BY_TIME;
    options.fraction = 0.5;
    g_autoptr(GasketGraph) half = load_text(text, ".txt", options, NULL);
    g_autofree char *late = dump(half, 1), *early = dump(half, 0);
    ck_assert_str_eq(late, "1 10 3@5; 1 20 4@9; 1 30 4@7; ");
    ck_assert_str_eq(early, "2 10 1@1; 3 10 1@4; 3 20 2@2; ");
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(load_text("1 10 3\n", ".txt", options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
}
END_TEST

/* ---- models ---------------------------------------------------------------------------------- */

/* A model of 3 users with integer ids and 2 items with text ids. */
static GasketFactorModel *
small_model(void)
{
    GasketFactorModel *model = gasket_factor_model_new("als", 2);
    int64_t users[] = {3, 7, 40};
    uint64_t begin[] = {0, 1, 4};
    char text[] = "abcd";
    const GasketIds ids[] = {{.n = 3, .integer = users},
                             {.n = 2, .text_begin = begin, .text = text}};
    const float p[] = {1, 2, -1, 0.5f, 0, 3}, bu[] = {0.25f, 0, -1};
    const float q[] = {0.5f, 0, 1, 1}, bi[] = {0.125f, -0.5f};
    const void *user_columns[] = {p, bu}, *item_columns[] = {q, bi};
    const GasketResultBlock blocks[] = {
        {.kind = 0, .n = 3, .ids = &ids[0], .columns = user_columns},
        {.kind = 1, .n = 2, .ids = &ids[1], .columns = item_columns}};
    ck_assert(gasket_factor_model_add(model, &blocks[0], NULL));
    ck_assert(gasket_factor_model_add(model, &blocks[1], NULL));
    model->mean = 3.1;
    model->low = 1;
    model->high = 5;
    return model;
}

START_TEST(a_model_comes_back_as_it_was)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "model", NULL);
    g_autoptr(GasketFactorModel) model = small_model();
    g_autoptr(GError) error = NULL;
    for (unsigned again = 0; again < 2; again++) { /* the second replaces the first */
        ck_assert(gasket_factor_model_write(model, path, &error));
        g_autoptr(GasketFactorModel) read = gasket_factor_model_read(path, &error);
        ck_assert_no_error(error);
        ck_assert(read->mean == model->mean && read->low == 1 && read->high == 5);
        for (unsigned u = 0; u < 3; u++)
            for (unsigned i = 0; i < 2; i++)
                ck_assert(gasket_factor_model_score(read, u, i) ==
                          gasket_factor_model_score(model, u, i));
        ck_assert_uint_eq(gasket_factor_model_find(read, 0, &model->side[0].ids, 2), 2);
        ck_assert_uint_eq(gasket_factor_model_find(read, 1, &model->side[1].ids, 1), 1);
        ck_assert_uint_eq(gasket_factor_model_find(read, 1, &model->side[0].ids, 1),
                          GASKET_NO_VERTEX);
    }
    /* 3.1 + 0.25 + 0.125 + 1 * 0.5 */
    ck_assert_double_eq_tol(gasket_factor_model_score(model, 0, 0), 3.975, 1e-12);
    ck_assert_double_eq(gasket_factor_model_score(model, 0, 1), 5); /* clipped */
    ck_assert_double_eq_tol(gasket_factor_model_score(model, GASKET_NO_VERTEX, 1), 2.6, 1e-12);
}
END_TEST

static void
expect_refused(const char *path, const char *file, const char *what)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketFactorModel) read = gasket_factor_model_read(path, &error);
    ck_assert_msg(read == NULL, "%s %s was read", file, what);
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
}

/* Flips a bit of each byte of a file in turn, in place, then cuts it shorter and shorter. */
static void
damage(const char *path, const char *file)
{
    g_autofree char *bytes = NULL;
    gsize size;
    ck_assert(g_file_get_contents(file, &bytes, &size, NULL));
    int descriptor = open(file, O_RDWR);
    ck_assert_int_ge(descriptor, 0);
    for (gsize i = 0; i < size; i++) {
        char flipped = (char)(bytes[i] ^ 1 << i % 8);
        ck_assert_int_eq(pwrite(descriptor, &flipped, 1, (off_t)i), 1);
        expect_refused(path, file, "with a flipped bit");
        ck_assert_int_eq(pwrite(descriptor, &bytes[i], 1, (off_t)i), 1);
    }
    for (gsize i = size; i-- > 0;) {
        ck_assert_int_eq(ftruncate(descriptor, (off_t)i), 0);
        expect_refused(path, file, "cut short");
    }
    ck_assert_int_eq(pwrite(descriptor, bytes, size, 0), (ssize_t)size);
    close(descriptor);
}

START_TEST(a_damaged_model_is_refused)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "model", NULL);
    g_autoptr(GasketFactorModel) model = small_model();
    ck_assert(gasket_factor_model_write(model, path, NULL));
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    unsigned n_files = 0;
    const char *name;
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        damage(path, file);
        n_files++;
    }
    ck_assert_uint_eq(n_files, 7);
    g_autoptr(GasketFactorModel) whole = gasket_factor_model_read(path, NULL);
    ck_assert_ptr_nonnull(whole);
}
END_TEST

START_TEST(something_else_is_never_replaced_by_a_model)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *file = g_build_filename(folder.path, "notes", NULL);
    g_autoptr(GasketFactorModel) model = small_model();
    g_autoptr(GError) error = NULL;
    ck_assert(g_file_set_contents(file, "mine", -1, NULL));
    ck_assert(!gasket_factor_model_write(model, folder.path, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ck_assert(!gasket_factor_model_write(model, file, NULL));
    g_autofree char *kept = NULL;
    ck_assert(g_file_get_contents(file, &kept, NULL, NULL));
    ck_assert_str_eq(kept, "mine");
}
END_TEST

int
main(void)
{
    TCase *ratings = tcase_create("ratings"), *models = tcase_create("models");
    tcase_set_timeout(models, 60);
    tcase_add_test(ratings, every_format_gives_the_same_ratings);
    tcase_add_test(ratings, public_ratings_are_read_whole);
    tcase_add_test(ratings, one_rating_stands_for_all_of_a_pair);
    tcase_add_test(ratings, malformed_ratings_name_file_and_line);
    tcase_add_test(ratings, folds_are_disjoint_and_cover_everything);
    tcase_add_test(ratings, what_is_held_out_depends_on_the_seed_alone);
    tcase_add_test(ratings, the_latest_are_held_out);
    tcase_add_test(models, a_model_comes_back_as_it_was);
    tcase_add_test(models, a_damaged_model_is_refused);
    tcase_add_test(models, something_else_is_never_replaced_by_a_model);
    TCase *const cases[] = {ratings, models};
    return check_run("ratings", cases, G_N_ELEMENTS(cases));
}
