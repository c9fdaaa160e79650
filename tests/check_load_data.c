/* SPDX-License-Identifier: Apache-2.0 */
/* Public graphs and ratings have the sizes that their sources give. */
#include "tests/load_check.h"

typedef struct {
    const char *path;
    uint32_t users, items; /* items 0: one kind */
    uint64_t edges;
    bool symmetric, undirected, weighted;
} Known;

static const Known known[] = {
    {"graphs/Wiki-Vote.txt", 7115, 0, 103689, false, false, false},
    {"graphs/facebook_combined.txt", 4039, 0, 88234, true, true, false},
    {"graphs/email-Eu-core.txt", 1005, 0, 25571, false, false, false},
    {"graphs/cnr-2000.txt.gz", 325557, 0, 3216152, false, false, false},
    {"graphs/rome99.gr", 3353, 0, 4444, false, false, true},
    {"graphs/4elt.graph", 15606, 0, 45878, true, false, false},
    {"graphs/wing.graph", 62032, 0, 121544, true, false, false},
    {"graphs/polblogs.graph", 1490, 0, 16715, true, false, false},
    {"graphs/power.graph", 4941, 0, 6594, true, false, false},
    {"graphs/karate.graph", 34, 0, 78, true, false, false},
    {"graphs/karate.mtx", 34, 0, 78, true, false, false},
    {"graphs/jagmesh7.mtx", 1138, 0, 4294, true, false, false},
    {"graphs/west0067.mtx", 67, 0, 294, false, false, true},
    {"graphs/ldbc-directed-example.mtx", 10, 0, 17, false, false, true},
    {"graphs/ldbc-undirected-example.mtx", 9, 0, 12, true, false, true},
    {"ratings/ml-100k/u.data", 943, 1682, 100000, false, false, true},
    {"ratings/ml-100k/u1.base", 943, 1650, 80000, false, false, true},
    {"ratings/filmtrust/ratings.txt", 1508, 2071, 35497, false, false, true},
};

START_TEST(public_data_is_read_whole)
{
    const Known *k = &known[_i];
    g_autofree char *path = check_data(k->path);
    if (path == NULL)
        return;
    const char *const inputs[] = {path};
    GasketLoadOptions options = {.inputs = inputs,
                                 .n_inputs = 1,
                                 .undirected = k->undirected,
                                 .bipartite = k->items > 0,
                                 .want_weights = true,
                                 .threads = 2};
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load_graph(NULL, NULL, 0, &options, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(gasket_graph_n_vertices(graph, 0), k->users);
    if (k->items > 0)
        ck_assert_uint_eq(gasket_graph_n_vertices(graph, 1), k->items);
    ck_assert_uint_eq(gasket_graph_n_edges(graph, 0), k->edges);
    ck_assert(graph->relations[0].symmetric == k->symmetric);
    ck_assert_uint_eq(graph->relations[0].n_columns, k->weighted);
}
END_TEST

START_TEST(karate_is_the_same_graph_in_both_formats)
{
    g_autofree char *a = check_data("graphs/karate.graph"), *b = check_data("graphs/karate.mtx");
    if (a == NULL || b == NULL)
        return;
    const char *const first[] = {a}, *const second[] = {b};
    GasketLoadOptions options = {.inputs = first, .n_inputs = 1};
    g_autofree char *graph = load_dump(NULL, NULL, 0, &options);
    options.inputs = second;
    g_autofree char *matrix = load_dump(NULL, NULL, 0, &options);
    ck_assert_str_eq(graph, matrix);
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("data")};
    tcase_add_loop_test(cases[0], public_data_is_read_whole, 0, G_N_ELEMENTS(known));
    tcase_add_test(cases[0], karate_is_the_same_graph_in_both_formats);
    tcase_set_timeout(cases[0], 120);
    return check_run("load_data", cases, G_N_ELEMENTS(cases));
}
