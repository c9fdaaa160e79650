/* SPDX-License-Identifier: Apache-2.0 */
/* Files of features of users and items: their shapes, what is dropped, and what is refused. */
#include <string.h>

#include "engine/array.h"
#include "loaders/rating_features.h"
#include "loaders/ratings.h"
#include "tests/folder.h"

/* Ratings of users 1 to 4 with a file of features of theirs. */
static GasketGraph *
load(const char *features, const char *ending, unsigned least, GError **error)
{
    static const char ratings[] = "1\t7\t5\n2\t7\t3\n3\t8\t1\n4\t8\t2\n";
    g_auto(Folder) folder = folder_new();
    g_autofree char *name = g_strconcat("users", ending, NULL);
    g_autofree char *path = g_build_filename(folder.path, "ratings.tsv", NULL);
    g_autofree char *other = g_build_filename(folder.path, name, NULL);
    ck_assert(g_file_set_contents(path, ratings, -1, NULL));
    ck_assert(g_file_set_contents(other, features, -1, NULL));
    const char *const inputs[] = {path};
    const GasketRatingsOptions options = {.load = {.inputs = inputs, .n_inputs = 1},
                                          .order = GASKET_ORDER_GIVEN,
                                          .holdout = GASKET_HOLDOUT_NONE,
                                          .features = {other},
                                          .least_features = least};
    GasketGraph *graph = gasket_ratings_load(&options, NULL, error);
    gasket_array_fail_at(0); /* for checks and what follows */
    ck_assert(graph == NULL || gasket_graph_check(graph, NULL));
    return graph;
}

/* "user feature weight; ..." ascending; features by number. */
static char *
dump(const GasketGraph *graph)
{
    const GasketGraphRows *rows = &graph->relations[GASKET_FEATURES_RELATION].rows[GASKET_OUT];
    GString *out = g_string_new(NULL);
    for (uint32_t u = 0; u < rows->n_rows; u++)
        for (uint64_t e = rows->offset[u]; e < rows->offset[u + 1]; e++) {
            g_autofree char *user = gasket_graph_id_text(graph, 0, u);
            g_autofree char *feature =
                gasket_graph_id_text(graph, GASKET_FEATURES_KIND, rows->neighbour[e]);
            g_string_append_printf(out, "%s %s %g; ", user, feature,
                                   (double)((const float *)rows->columns[0].data)[e]);
        }
    return g_string_free(out, FALSE);
}

static const struct {
    const char *text, *ending;
    unsigned least;
    const char *expected;
} shapes[] = {
    /* old = 0, young = 1; a weight of 0 is no feature, blanks may stand in names */
    {"2\tyoung\n1\told:0.5\tyoung:0\n", "", 1, "1 0 0.5; 2 1 1; "},
    {"# who\n1\tvery old\tx:y\n\n3\tx:y:2\n", ".tsv", 1, "1 0 1; 1 1 1; 3 1 2; "},
    {"1 b a:-1.5\n2  a\n", "", 1, "1 1 1; 1 0 -1.5; 2 0 1; "},
    /* what one user alone has is dropped */
    {"1 a b\n2 b c\n3 d\n", "", 2, "1 0 1; 2 0 1; "},
    /* 2=24 0, 3=M 1, 4=x 2; a 0 and an empty cell say nothing */
    {"1|24|M|0\n2|0||x\n", ".user", 1, "1 0 1; 1 1 1; 2 2 1; "},
    /* 2=Title 0, 3=Comedy 1, 3=Drama 2 */
    {"1::Title::Comedy|Drama\n2::Title::Drama\n", ".dat", 1, "1 0 1; 1 1 1; 1 2 1; 2 0 1; 2 2 1; "},
    {"1::Title::Comedy\r\n2::Title::Comedy\r\n", ".dat", 1, "1 0 1; 1 1 1; 2 0 1; 2 1 1; "},
    /* genres=Comedy 0, genres=Drama 1, title=A, B 2 */
    {"id,title,genres\n1,\"A, B\",Comedy|Drama\n4,,Drama\n", ".csv", 1,
     "1 2 1; 1 0 1; 1 1 1; 4 1 1; "},
    {"", "", 1, ""},
};

START_TEST(every_shape_gives_the_features_that_it_says)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph =
        load(shapes[_i].text, shapes[_i].ending, shapes[_i].least, &error);
    ck_assert_msg(graph != NULL, "%s", error ? error->message : "");
    g_autofree char *found = dump(graph);
    g_auto(GStrv) a = g_strsplit(found, "; ", -1), b = g_strsplit(shapes[_i].expected, "; ", -1);
    ck_assert_uint_eq(g_strv_length(a), g_strv_length(b));
    for (char **entry = b; *entry != NULL;
         entry++) /* rows are ascending by number, not listed so */
        ck_assert_msg(g_strv_contains((const char *const *)a, *entry), "%s not in %s", *entry,
                      found);
}
END_TEST

START_TEST(who_has_features_and_no_ratings_is_a_user)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load("9 a\n12\n", "", 2, &error);
    ck_assert_msg(graph != NULL, "%s", error ? error->message : "");
    ck_assert_uint_eq(gasket_graph_n_vertices(graph, 0), 6);
    ck_assert_uint_ne(gasket_graph_find(graph, 0, "9"), GASKET_NO_VERTEX);
    ck_assert_uint_ne(gasket_graph_find(graph, 0, "12"), GASKET_NO_VERTEX);
    ck_assert_uint_eq(gasket_graph_n_vertices(graph, GASKET_FEATURES_KIND), 0);
    ck_assert_uint_eq(gasket_graph_n_edges(graph, 0), 4);
}
END_TEST

static const struct {
    const char *text, *ending, *message;
} refused[] = {
    {"1 a\n2 b\n1 c\n", "", ":3: found \"1\", expected each id once"},
    {"1 a\n2 b b:2\n", "", ":2: found \"b\", expected each feature of an id once"},
    {"1 a:1e99\n", "", ":1: found \"a:1e99\", expected a finite weight"},
    {"1|a\n|b\n", ".user", ":2: found the end of the line, expected an id"},
    {"id,title\n1,\"open\n", ".csv", ":2: "},
};

START_TEST(what_does_not_fit_is_an_error_with_file_and_line)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load(refused[_i].text, refused[_i].ending, 1, &error);
    ck_assert(graph == NULL);
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
    ck_assert_msg(strstr(error->message, refused[_i].message) != NULL, "%s", error->message);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_error)
{
    const char *const inputs[] = {"/dev/null"};
    const GasketRatingsOptions options = {.load = {.inputs = inputs, .n_inputs = 1},
                                          .features = {NULL, "not-there.dat"}};
    g_autoptr(GError) error = NULL;
    ck_assert(gasket_ratings_load(&options, NULL, &error) == NULL);
    ck_assert(error != NULL);
}
END_TEST

/* Each allocation in turn: no crash, no leak, MEMORY or the same features. */
START_TEST(an_allocation_that_fails_is_an_error)
{
    uint64_t nth = 0;
    for (bool failed = true; failed; nth++) {
        g_autoptr(GError) error = NULL;
        gasket_array_fail_at(nth + 1);
        g_autoptr(GasketGraph) graph = load("1\told:0.5\n2\told\tyoung\n", "", 1, &error);
        failed = graph == NULL;
        ck_assert(!failed || g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
        if (!failed) {
            g_autofree char *found = dump(graph);
            ck_assert_str_eq(found, "1 0 0.5; 2 0 1; 2 1 1; ");
        }
    }
    ck_assert_uint_gt(nth, 20);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, every_shape_gives_the_features_that_it_says, 0, G_N_ELEMENTS(shapes));
    tcase_add_test(all, who_has_features_and_no_ratings_is_a_user);
    tcase_add_loop_test(all, what_does_not_fit_is_an_error_with_file_and_line, 0,
                        G_N_ELEMENTS(refused));
    tcase_add_test(all, an_allocation_that_fails_is_an_error);
    tcase_add_test(all, a_file_that_is_not_there_is_an_error);
    TCase *cases[] = {all};
    return check_run("rating_features", cases, G_N_ELEMENTS(cases));
}
