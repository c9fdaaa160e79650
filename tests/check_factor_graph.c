/* SPDX-License-Identifier: Apache-2.0 */
#include <gasket/factor_graph.h>
#include <math.h>
#include <string.h>

#include "engine/array.h"
#include "engine/graph.h"
#include "tests/check_main.h"

/*   x0 (2) ── f0 (x0, x1, x2) ── x1 (3) ── f3 (x2, x1) ── x2 (2); f1, f2 on x1; f4 constant */
static GasketFactorGraph *
small_model(void)
{
    const uint32_t cardinality[] = {2, 3, 2};
    const int64_t three[] = {0, 1, 2}, two[] = {2, 1}, one[] = {1};
    const double table[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, pair[6] = {1, 2, 3, 4, 5, 6};
    const double left[] = {0.5, 0.25, 0}, right[] = {2, 8, 1}, constant = 7;
    g_autoptr(GError) error = NULL;
    GasketFactorGraph *model = gasket_factor_graph_new();

    ck_assert(gasket_factor_graph_add_variables(model, 3, cardinality, &error));
    ck_assert(gasket_factor_graph_add_factor(model, 3, three, 12, table, &error));
    ck_assert(gasket_factor_graph_add_factor(model, 1, one, 3, left, &error));
    ck_assert(gasket_factor_graph_add_factor(model, 1, one, 3, right, &error));
    ck_assert(gasket_factor_graph_add_factor(model, 2, two, 6, pair, &error));
    ck_assert(gasket_factor_graph_add_factor(model, 0, NULL, 1, &constant, &error));
    ck_assert(gasket_factor_graph_observe(model, 2, 1, &error));
    ck_assert_no_error(error);
    return model;
}

START_TEST(a_model_becomes_the_arrays_worked_out_by_hand)
{
    g_autoptr(GError) error = NULL;
    GasketFactorGraph *model = small_model();
    ck_assert_uint_eq(gasket_factor_graph_n_factors(model), 5);
    ck_assert_uint_eq(gasket_factor_graph_cardinality(model, 1), 3);
    ck_assert_uint_eq(gasket_factor_graph_cardinality(model, 3), 0);
    g_autoptr(GasketGraph) graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    ck_assert_no_error(error);
    ck_assert(gasket_graph_check(graph, &error));

    const GasketGraphKind *variable = &graph->kinds[0], *factor = &graph->kinds[1];
    ck_assert_uint_eq(variable->n_vertices, 3);
    ck_assert_uint_eq(factor->n_vertices, 3);
    const int64_t factor_ids[] = {0, 3, 4};
    ck_assert_mem_eq(factor->ids.integer, factor_ids, sizeof factor_ids);
    const int32_t cardinality[] = {2, 3, 2}, evidence[] = {-1, -1, 1};
    ck_assert_mem_eq(variable->columns[GASKET_VARIABLE_CARDINALITY].data, cardinality, 12);
    ck_assert_mem_eq(variable->columns[GASKET_VARIABLE_EVIDENCE].data, evidence, 12);
    /* left * right = 1, 2, 0 */
    const double prior[] = {1, 1, 0.5, 1, 0, 1, 1};
    ck_assert_mem_eq(variable->columns[GASKET_VARIABLE_PRIOR].data, prior, sizeof prior);
    const double *scale = variable->columns[GASKET_VARIABLE_SCALE].data;
    ck_assert(scale[0] == 0 && scale[2] == 0);
    ck_assert_double_eq_tol(scale[1], log(2), 1e-15);

    const GasketGraphRows *rows = gasket_graph_rows(graph, 0, GASKET_IN);
    const uint64_t offset[] = {0, 3, 5, 5};
    const uint32_t neighbour[] = {0, 1, 2, 1, 2};
    const int32_t position[] = {0, 1, 2, 1, 0}, stride[] = {6, 2, 1, 1, 3};
    ck_assert_mem_eq(rows->offset, offset, sizeof offset);
    ck_assert_mem_eq(rows->neighbour, neighbour, sizeof neighbour);
    ck_assert_mem_eq(rows->columns[GASKET_SCOPE_POSITION].data, position, sizeof position);
    ck_assert_mem_eq(rows->columns[GASKET_SCOPE_STRIDE].data, stride, sizeof stride);
    const uint64_t *begin = factor->columns[GASKET_FACTOR_TABLE].begin;
    const double *table = factor->columns[GASKET_FACTOR_TABLE].data;
    ck_assert_uint_eq(begin[1], 12);
    ck_assert_uint_eq(begin[2], 18);
    ck_assert_uint_eq(begin[3], 19);
    ck_assert_double_eq(table[11], 11);
    ck_assert_double_eq(table[17], 6);
    ck_assert_double_eq(table[18], 7);
}
END_TEST

START_TEST(ids_may_be_any_integers)
{
    g_autoptr(GError) error = NULL;
    GasketFactorGraph *model = gasket_factor_graph_new();
    const int64_t ids[] = {40, -7, INT64_MAX};
    for (size_t i = 0; i < 3; i++)
        ck_assert(gasket_factor_graph_add_variable(model, ids[i], 2, &error));
    ck_assert(!gasket_factor_graph_add_variable(model, -7, 2, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    g_clear_error(&error);
    const double table[] = {1, 2, 3, 4};
    ck_assert(gasket_factor_graph_add_factor(model, 2, ids, 4, table, &error));
    ck_assert(gasket_factor_graph_observe(model, INT64_MAX, 1, &error));
    g_autoptr(GasketGraph) graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    ck_assert_no_error(error);
    const int64_t ascending[] = {-7, 40, INT64_MAX};
    ck_assert_mem_eq(graph->kinds[0].ids.integer, ascending, sizeof ascending);
    const int32_t evidence[] = {-1, -1, 1};
    ck_assert_mem_eq(graph->kinds[0].columns[GASKET_VARIABLE_EVIDENCE].data, evidence, 12);
}
END_TEST

START_TEST(priors_of_tiny_factors_do_not_vanish_and_zeros_are_told)
{
    g_autoptr(GError) error = NULL;
    GasketFactorGraph *model = gasket_factor_graph_new();
    const uint32_t cardinality[] = {2, 2};
    const int64_t a = 0, b = 1;
    const double tiny[] = {1e-200, 2e-200}, left[] = {1, 0}, right[] = {0, 1};
    ck_assert(gasket_factor_graph_add_variables(model, 2, cardinality, &error));
    for (int i = 0; i < 10; i++)
        ck_assert(gasket_factor_graph_add_factor(model, 1, &a, 2, tiny, &error));
    ck_assert(gasket_factor_graph_add_factor(model, 1, &b, 2, left, &error));
    ck_assert(gasket_factor_graph_add_factor(model, 1, &b, 2, right, &error));
    g_autoptr(GasketGraph) graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    ck_assert_no_error(error);
    const double *prior = graph->kinds[0].columns[GASKET_VARIABLE_PRIOR].data;
    const double *scale = graph->kinds[0].columns[GASKET_VARIABLE_SCALE].data;
    ck_assert_double_eq_tol(prior[0], 1.0 / 1024, 1e-15);
    ck_assert_double_eq(prior[1], 1);
    ck_assert_double_eq_tol(scale[0], 10 * log(2e-200), 1e-9);
    ck_assert(prior[2] == 0 && prior[3] == 0 && scale[1] == -INFINITY);
}
END_TEST

START_TEST(many_factors_arrive_in_order_over_several_batches)
{
    g_autoptr(GError) error = NULL;
    GasketFactorGraph *model = gasket_factor_graph_new();
    enum { N = 5000 };
    for (int64_t v = 0; v < N; v++)
        ck_assert(gasket_factor_graph_add_variable(model, v, 2, &error));
    for (int64_t f = 0; f + 1 < N; f++) {
        const int64_t scope[] = {f + 1, f};
        const double table[] = {(double)f, 1, 2, 3};
        ck_assert(gasket_factor_graph_add_factor(model, 2, scope, 4, table, &error));
    }
    g_autoptr(GasketGraph) graph =
        gasket_factor_graph_finish_take(&model, &(GasketGraphRules){.threads = 2}, &error);
    ck_assert_no_error(error);
    const double *table = graph->kinds[1].columns[GASKET_FACTOR_TABLE].data;
    const GasketGraphRows *rows = gasket_graph_rows(graph, 0, GASKET_IN);
    ck_assert_uint_eq(graph->relations[0].n_edges, 2 * (N - 1));
    for (uint32_t f = 0; f + 1 < N; f++) {
        ck_assert_double_eq(table[4 * f], f);
        ck_assert_uint_eq(rows->neighbour[rows->offset[f]], f);
    }
}
END_TEST

static void
expect(bool done, const char *message, GError **error)
{
    ck_assert(!done);
    ck_assert(g_error_matches(*error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ck_assert_msg(strstr((*error)->message, message) != NULL, "%s", (*error)->message);
    g_clear_error(error);
}

START_TEST(what_is_no_model_is_refused)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketFactorGraph) model = small_model();
    const int64_t twice[] = {0, 0}, unknown[] = {0, 9}, pair[] = {0, 1};
    const double table[6] = {1, 1, 1, 1, 1, 1}, negative[6] = {1, 1, -1};
    const double infinite[6] = {INFINITY}, nan[6] = {NAN};
    const uint32_t none = 0, huge[] = {1 << 16, 1 << 16};

    expect(gasket_factor_graph_add_variables(model, 1, &none, &error), "cardinality 0", &error);
    expect(gasket_factor_graph_add_factor(model, 2, twice, 4, table, &error), "twice", &error);
    expect(gasket_factor_graph_add_factor(model, 2, unknown, 4, table, &error), "variable 9",
           &error);
    expect(gasket_factor_graph_add_factor(model, 2, pair, 5, table, &error), "expected 6", &error);
    expect(gasket_factor_graph_add_factor(model, 2, pair, 6, negative, &error), "-1", &error);
    expect(gasket_factor_graph_add_factor(model, 2, pair, 6, infinite, &error), "inf", &error);
    expect(gasket_factor_graph_add_factor(model, 2, pair, 6, nan, &error), "nan", &error);
    expect(gasket_factor_graph_observe(model, 9, 0, &error), "variable 9", &error);
    expect(gasket_factor_graph_observe(model, 1, 3, &error), "state 3", &error);
    const int64_t large[] = {3, 4};
    ck_assert(gasket_factor_graph_add_variables(model, 2, huge, &error));
    expect(gasket_factor_graph_add_factor(model, 2, large, 0, table, &error), "at most", &error);
    ck_assert_uint_eq(gasket_factor_graph_n_factors(model), 5);
}
END_TEST

START_TEST(every_allocation_that_fails_is_an_error)
{
    for (uint64_t nth = 1;; nth++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GasketFactorGraph) model = gasket_factor_graph_new();
        const int64_t pair[] = {0, 1};
        const uint32_t cardinality[] = {2, 2};
        const double table[] = {1, 2, 3, 4};
        gasket_array_fail_at(nth);
        bool done = gasket_factor_graph_add_variables(model, 2, cardinality, &error) &&
                    gasket_factor_graph_add_factor(model, 2, pair, 4, table, &error);
        g_autoptr(GasketGraph) graph =
            done ? gasket_factor_graph_finish_take(&model, NULL, &error) : NULL;
        gasket_array_fail_at(0);
        if (graph != NULL) {
            ck_assert_uint_gt(nth, 15);
            break;
        }
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
    }
}
END_TEST

int
main(void)
{
    TCase *factor_graph = tcase_create("factor graph");
    tcase_add_test(factor_graph, a_model_becomes_the_arrays_worked_out_by_hand);
    tcase_add_test(factor_graph, ids_may_be_any_integers);
    tcase_add_test(factor_graph, priors_of_tiny_factors_do_not_vanish_and_zeros_are_told);
    tcase_add_test(factor_graph, many_factors_arrive_in_order_over_several_batches);
    tcase_add_test(factor_graph, what_is_no_model_is_refused);
    tcase_add_test(factor_graph, every_allocation_that_fails_is_an_error);
    return check_run("factor_graph", &factor_graph, 1);
}
