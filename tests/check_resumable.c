/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in algorithms that say that they can go on from a snapshot do: with messages along
 * edges, edge states, what is drawn and averaged, bounds and first residuals.
 */
#include "algorithms/algorithms.h"
#include "tests/everywhere.h"
#include "tests/random_models.h"
#include "tests/resumes.h"

/* ---- graphical models ------------------------------------------------------------------------ */

static const ModelShape shape = {.seed = 11, .n_variables = 12, .n_factors = 24, .spread = 2};

/* options: name and value in turn, NULL-terminated. */
static void
assert_model_resumes(const GasketAlgorithm *algorithm, const char *const *options)
{
    g_autofree void *parameters = make_parameters(algorithm, options);
    assert_resumes_anywhere(&(Experiment){algorithm, parameters, model_build, .data = &shape,
                                          .seed = 3, .tolerance = 1e-12});
}

START_TEST(messages_and_marginals_come_back)
{
    assert_model_resumes(&gasket_mean_field, NULL);
}
END_TEST

START_TEST(a_bound_goes_on_falling)
{
    assert_model_resumes(&gasket_mplp, NULL);
}
END_TEST

/* Averages of the chain under way and of those before; a burn-in that must not be repeated. */
START_TEST(chains_go_on_with_what_they_have_drawn)
{
    const char *const options[] = {"draws", "9", "burn-in", "2", "chains", "3", NULL};
    assert_model_resumes(&gasket_gibbs, options);
}
END_TEST

START_TEST(what_cools_down_goes_on_as_cool)
{
    const char *const options[] = {"anneal", "true", "draws", "20", NULL};
    assert_model_resumes(&gasket_gibbs, options);
}
END_TEST

/* ---- linear systems -------------------------------------------------------------------------- */

/* A band of 40 rows: the nearer, the stronger, and less together than the diagonal. */
static GasketGraph *
build_band(const void *data)
{
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    (void)data;
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_vertex_column(builder, 0, "rhs", GASKET_DOUBLE, 1);
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, false);
    gasket_graph_builder_add_edge_column(builder, 0, "weight", GASKET_DOUBLE, 1);
    for (int64_t i = 0; i < 40; i++) {
        const double b = (double)(i * i % 7) - 3;
        const void *const rhs[] = {&b};
        ck_assert(gasket_graph_builder_add_vertices(builder, 0, 1, &i, rhs, &error));
        for (int64_t j = MAX(i - 3, 0); j <= MIN(i + 3, 39); j++) {
            const double entry = i == j ? 2 : -0.5 / (double)ABS(i - j);
            const void *const weight[] = {&entry};
            ck_assert(gasket_graph_builder_add_edges(builder, 0, 1, &i, &j, weight, &error));
        }
    }
    return gasket_graph_builder_finish_take(&builder, NULL, &error);
}

START_TEST(solvers_go_on)
{
    const GasketAlgorithm *const solvers[] = {&gasket_gabp, &gasket_jacobi};
    for (unsigned i = 0; i < G_N_ELEMENTS(solvers); i++) {
        g_autofree void *parameters = make_parameters(solvers[i], NULL);
        assert_resumes_anywhere(
            &(Experiment){solvers[i], parameters, build_band, .tolerance = 1e-7});
    }
    g_autofree void *parameters = make_parameters(&gasket_jacobi, NULL);
    assert_resumes_anywhere(&(Experiment){&gasket_jacobi, parameters, build_band, .tolerance = 1e-7,
                                          .engine = GASKET_ENGINE_CHROMATIC});
}
END_TEST

/* ---- things and contexts --------------------------------------------------------------------- */

/* A ring of 15 of each, two of the things known. */
static GasketGraph *
build_ring(const void *data)
{
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    (void)data;
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_vertex_column(builder, 0, "seeds", GASKET_DOUBLE, 1);
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, true);
    gasket_graph_builder_add_edge_column(builder, 0, "weight", GASKET_DOUBLE, 1);
    for (int64_t v = 0; v < 30; v++) {
        const double seed = v == 0 ? 1 : v == 14 ? 2 : 0, weight = 1 + (double)(v % 3);
        const void *const seeds[] = {&seed}, *const weights[] = {&weight};
        const int64_t next = (v + 1) % 30;
        ck_assert(gasket_graph_builder_add_vertices(builder, 0, 1, &v, seeds, &error));
        ck_assert(gasket_graph_builder_add_edges(builder, 0, 1, &v, &next, weights, &error));
    }
    return gasket_graph_builder_finish_take(&builder, NULL, &error);
}

START_TEST(types_go_on_spreading)
{
    g_autofree void *parameters = make_parameters(&gasket_coem, NULL);
    assert_resumes_anywhere(&(Experiment){&gasket_coem, parameters, build_ring, .iterations = 40});
    assert_resumes_anywhere(&(Experiment){&gasket_coem, parameters, build_ring, .iterations = 40,
                                          .engine = GASKET_ENGINE_CHROMATIC});
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("resumable");
    tcase_set_timeout(all, 300);
    tcase_add_test(all, messages_and_marginals_come_back);
    tcase_add_test(all, a_bound_goes_on_falling);
    tcase_add_test(all, chains_go_on_with_what_they_have_drawn);
    tcase_add_test(all, what_cools_down_goes_on_as_cool);
    tcase_add_test(all, solvers_go_on);
    tcase_add_test(all, types_go_on_spreading);
    return check_run("resumable", (TCase *[]){all}, 1);
}
