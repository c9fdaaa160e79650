/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/graph_oracle.h"

/* Rules, wanted rows, feeds and threads: all drawn, so that a few thousand models meet every
 * combination. */
static void
build_and_compare(const Model *model, GRand *rng)
{
    GasketGraphRules rules = {
        .order = (GasketOrder)model_draw(rng, 3),
        .multi_edges = (GasketMultiEdges)model_draw(rng, 5),
        .drop_self_loops = model_draw(rng, 2) == 0,
        .threads = model_draw(rng, 4),
    };
    GasketWantedRows wanted[MODEL_RELATIONS];
    for (unsigned r = 0; r < MODEL_RELATIONS; r++)
        wanted[r] =
            (GasketWantedRows){.in = model_draw(rng, 2) == 0, .out = model_draw(rng, 2) == 0};
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph =
        model_build(model, &rules, wanted, model_draw(rng, 4), rng, &error);
    ck_assert_no_error(error);
    model_compare(model, &rules, wanted, graph);
    gasket_graph_check(graph, &error);
    ck_assert_no_error(error);
    const GasketWantedRows both[MODEL_RELATIONS] = {{true, true}, {true, true}, {true, true}};
    for (unsigned r = 0; r < model->n_relations; r++) {
        gasket_graph_require_rows(graph, r, GASKET_IN, &error);
        gasket_graph_require_rows(graph, r, GASKET_OUT, &error);
        ck_assert_no_error(error);
    }
    model_compare(model, &rules, both, graph);
    gasket_graph_check(graph, &error);
    ck_assert_no_error(error);
}

START_TEST(small_graphs_of_every_shape_and_rule_equal_brute_force)
{
    g_autoptr(GRand) rng = g_rand_new_with_seed(1);
    for (unsigned i = 0; i < 2000; i++) {
        Model model;
        model_random(&model, rng, 12, 60);
        build_and_compare(&model, rng);
        model_clear(&model);
    }
}
END_TEST

START_TEST(larger_graphs_with_hubs_and_long_rows_equal_brute_force)
{
    g_autoptr(GRand) rng = g_rand_new_with_seed(2);
    for (unsigned i = 0; i < 12; i++) {
        Model model;
        model_random(&model, rng, 700, 8000);
        build_and_compare(&model, rng);
        model_clear(&model);
    }
}
END_TEST

static void
build_edges(const int64_t *u, const int64_t *v, const double *weight, size_t n, bool symmetric,
            GasketMultiEdges multi_edges, GasketGraph **ret_graph)
{
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    unsigned kind = gasket_graph_builder_add_kind(builder, "vertex");
    unsigned edges = gasket_graph_builder_add_relation(builder, "edges", kind, kind, symmetric);
    gasket_graph_builder_add_edge_column(builder, edges, "weight", GASKET_DOUBLE, 1);
    const void *columns[] = {weight};
    gasket_graph_builder_add_edges(builder, edges, n, u, v, columns, &error);
    ck_assert_no_error(error);
    GasketGraphRules rules = {.multi_edges = multi_edges};
    *ret_graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
}

/*      .5, .25
 *   0 ═════════> 1     2 ─1─> 2 (twice)
 *   0 <── 4 ──── 1                            */
static const int64_t pair_u[] = {0, 1, 2, 0, 2}, pair_v[] = {1, 0, 2, 1, 2};
static const double pair_weight[] = {0.5, 4, 1, 0.25, 1};

START_TEST(parallel_edges_are_kept_in_the_order_of_their_weights)
{
    g_autoptr(GasketGraph) graph = NULL;
    build_edges(pair_u, pair_v, pair_weight, 5, false, GASKET_MULTI_KEEP, &graph);
    const GasketGraphRows *rows = gasket_graph_rows(graph, 0, GASKET_IN);
    const uint64_t offset[] = {0, 1, 3, 5};
    const uint32_t neighbour[] = {1, 0, 0, 2, 2};
    const double weight[] = {4, 0.25, 0.5, 1, 1};
    ck_assert_mem_eq(rows->offset, offset, sizeof offset);
    ck_assert_mem_eq(rows->neighbour, neighbour, sizeof neighbour);
    ck_assert_mem_eq(rows->columns[0].data, weight, sizeof weight);
}
END_TEST

START_TEST(parallel_edges_of_an_undirected_graph_are_summed_from_both_ends_alike)
{
    g_autoptr(GasketGraph) graph = NULL;
    build_edges(pair_u, pair_v, pair_weight, 5, true, GASKET_MULTI_SUM, &graph);
    const GasketGraphRows *rows = gasket_graph_rows(graph, 0, GASKET_OUT);
    const uint64_t offset[] = {0, 1, 2, 3};
    const uint32_t neighbour[] = {1, 0, 2};
    const double weight[] = {4.75, 4.75, 2};
    ck_assert_mem_eq(rows->offset, offset, sizeof offset);
    ck_assert_mem_eq(rows->neighbour, neighbour, sizeof neighbour);
    ck_assert_mem_eq(rows->columns[0].data, weight, sizeof weight);
    ck_assert_uint_eq(gasket_graph_n_edges(graph, 0), 2);
}
END_TEST

START_TEST(a_dropped_parallel_edge_is_the_one_whose_weight_sorts_later)
{
    g_autoptr(GasketGraph) graph = NULL;
    build_edges(pair_u, pair_v, pair_weight, 5, false, GASKET_MULTI_DROP, &graph);
    const double *weight = gasket_graph_rows(graph, 0, GASKET_IN)->columns[0].data;
    ck_assert_uint_eq(gasket_graph_n_edges(graph, 0), 3);
    ck_assert_double_eq(weight[1], 0.25);
}
END_TEST

START_TEST(the_largest_of_parallel_weights_is_a_number_not_the_largest_bits)
{
    const int64_t u[] = {0, 0}, v[] = {1, 1};
    const double weight[] = {-8, 2}; /* the bits of -8 are above those of 2 */
    g_autoptr(GasketGraph) graph = NULL;
    build_edges(u, v, weight, 2, false, GASKET_MULTI_MAX, &graph);
    ck_assert_double_eq(*(double *)gasket_graph_rows(graph, 0, GASKET_IN)->columns[0].data, 2);
}
END_TEST

/* The same edges, each an entry of both rows, read from either end. */
START_TEST(sums_that_are_not_exact_have_the_same_bits_in_any_order_of_adding)
{
    g_autoptr(GRand) rng = g_rand_new_with_seed(3);
    enum { N = 2000 };
    int64_t u[N], v[N];
    double weight[N], first[2] = {0};
    for (unsigned i = 0; i < N; i++)
        weight[i] = g_rand_double_range(rng, -1, 1) * pow(10, g_rand_int_range(rng, -8, 8));
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < N; i++) {
            unsigned j = model_draw(rng, i + 1);
            double swapped = weight[i];
            weight[i] = weight[j];
            weight[j] = swapped;
            u[i] = model_draw(rng, 2);
            v[i] = 1 - u[i];
        }
        g_autoptr(GasketGraph) graph = NULL;
        build_edges(u, v, weight, N, true, GASKET_MULTI_SUM, &graph);
        const double *sum = gasket_graph_rows(graph, 0, GASKET_IN)->columns[0].data;
        if (round == 0)
            memcpy(first, sum, sizeof first);
        ck_assert_mem_eq(sum, first, sizeof first);
        ck_assert_mem_eq(&sum[0], &sum[1], sizeof *sum);
    }
}
END_TEST

int
main(void)
{
    TCase *rows = tcase_create("rows");
    tcase_set_timeout(rows, 120);
    tcase_add_test(rows, small_graphs_of_every_shape_and_rule_equal_brute_force);
    tcase_add_test(rows, larger_graphs_with_hubs_and_long_rows_equal_brute_force);
    tcase_add_test(rows, parallel_edges_are_kept_in_the_order_of_their_weights);
    tcase_add_test(rows, parallel_edges_of_an_undirected_graph_are_summed_from_both_ends_alike);
    tcase_add_test(rows, a_dropped_parallel_edge_is_the_one_whose_weight_sorts_later);
    tcase_add_test(rows, the_largest_of_parallel_weights_is_a_number_not_the_largest_bits);
    tcase_add_test(rows, sums_that_are_not_exact_have_the_same_bits_in_any_order_of_adding);
    return check_run("rows_build", &rows, 1);
}
