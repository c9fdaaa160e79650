/* SPDX-License-Identifier: Apache-2.0 */
/* Systems of equations: gabp and jacobi against elimination, closed forms, and broken matrices. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/run_everywhere.h"

#define MOST 64

/* A dense matrix of which what is not 0 becomes the graph. */
typedef struct {
    uint32_t n;
    double a[MOST][MOST], b[MOST];
    bool triangle; /* a symmetric relation, from the lower triangle; else all entries */
} Matrix;

static GasketGraph *
build(const void *data)
{
    const Matrix *m = data;
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_vertex_column(builder, 0, "rhs", GASKET_DOUBLE, 1);
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, m->triangle);
    gasket_graph_builder_add_edge_column(builder, 0, "weight", GASKET_DOUBLE, 1);
    for (int64_t i = 0; i < m->n; i++) {
        const void *rhs[] = {&m->b[i]};
        ck_assert(gasket_graph_builder_add_vertices(builder, 0, 1, &i, rhs, &error));
        for (int64_t j = 0; j < (m->triangle ? i + 1 : m->n); j++) {
            const void *weight[] = {&m->a[i][j]};
            if (m->a[i][j] != 0)
                ck_assert(gasket_graph_builder_add_edges(builder, 0, 1, &i, &j, weight, &error));
        }
    }
    return gasket_graph_builder_finish_take(&builder, NULL, &error);
}

/* The solution x, and the inverse's diagonal if not NULL: elimination with pivots. */
static void
eliminate(const Matrix *m, double *x, double *inverse)
{
    for (uint32_t k = 0; k <= (inverse != NULL ? m->n : 0); k++) {
        long double a[MOST][MOST + 1];
        for (uint32_t i = 0; i < m->n; i++) {
            for (uint32_t j = 0; j < m->n; j++)
                a[i][j] = m->a[i][j];
            a[i][m->n] = k == 0 ? m->b[i] : i == k - 1;
        }
        for (uint32_t p = 0; p < m->n; p++) {
            uint32_t best = p;
            for (uint32_t i = p; i < m->n; i++)
                best = fabsl(a[i][p]) > fabsl(a[best][p]) ? i : best;
            for (uint32_t j = 0; j <= m->n; j++) {
                long double other = a[p][j];
                a[p][j] = a[best][j];
                a[best][j] = other;
            }
            for (uint32_t i = 0; i < m->n; i++) {
                long double factor = i == p ? 0 : a[i][p] / a[p][p];
                for (uint32_t j = p; factor != 0 && j <= m->n; j++)
                    a[i][j] -= factor * a[p][j];
            }
        }
        for (uint32_t i = 0; i < m->n; i++)
            if (k == 0)
                x[i] = (double)(a[i][m->n] / a[i][i]);
            else if (i == k - 1)
                inverse[i] = (double)(a[i][m->n] / a[i][i]);
    }
}

/* A matrix with a pattern of random edges, or a random tree, whose diagonal outweighs its rows. */
static void
draw(Matrix *m, uint32_t n, bool tree, bool symmetric, uint64_t seed)
{
    GasketRandom random = gasket_random_at(seed, 1, n, 0);
    *m = (Matrix){.n = n, .triangle = symmetric && seed % 2 == 0};
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t k = 0; k < (tree ? 1 : 3); k++) {
            uint32_t j = gasket_random_below(&random, i);
            m->a[i][j] = 2 * gasket_random_double(&random) - 1;
            m->a[j][i] = symmetric ? m->a[i][j] : 2 * gasket_random_double(&random) - 1;
        }
    for (uint32_t i = 0; i < n; i++) {
        double others = 0;
        for (uint32_t j = 0; j < n; j++)
            others += fabs(m->a[i][j]);
        m->a[i][i] = 0.1 + 1.05 * others;
        m->b[i] = gasket_random_normal(&random);
    }
}

static GasketResult *
solve(const GasketAlgorithm *algorithm, const Matrix *m, double damping, GasketEngine engine,
      GError **error)
{
    struct {
        double damping;
        const char *rhs;
    } jacobi = {damping, "b"};
    const char *gabp = "b";
    GasketGraph *graph = build(m);
    const GasketRunOptions options = {.workers = 2, .tolerance = 1e-12, .engine = engine};
    const void *parameters =
        algorithm == &gasket_jacobi ? (const void *)&jacobi : (const void *)&gabp;
    GasketResult *result = gasket_algorithm_run(algorithm, &graph, parameters, &options, error);
    gasket_graph_free(graph);
    return result;
}

static void
expect_solution(const GasketAlgorithm *algorithm, const Matrix *m, double damping,
                GasketEngine engine)
{
    g_autoptr(GError) error = NULL;
    double x[MOST];
    eliminate(m, x, NULL);
    g_autoptr(GasketResult) result = solve(algorithm, m, damping, engine, &error);
    ck_assert_no_error(error);
    const double *found = gasket_result_column(result, 0);
    for (uint32_t i = 0; i < m->n; i++)
        ck_assert_msg(fabs(found[i] - x[i]) <= 1e-10 * (1 + fabs(x[i])),
                      "%s: x[%u] is %.15g, not %.15g", algorithm->name, i, found[i], x[i]);
}

START_TEST(solutions_are_those_of_elimination)
{
    static Matrix m;
    for (uint64_t seed = 0; seed < 12; seed++) {
        draw(&m, 1 + (uint32_t)(5 * seed), false, true, seed);
        expect_solution(&gasket_gabp, &m, 0, GASKET_ENGINE_SYNC);
        expect_solution(&gasket_jacobi, &m, 0, GASKET_ENGINE_SYNC);
        draw(&m, 1 + (uint32_t)(5 * seed), false, false, seed);
        expect_solution(&gasket_jacobi, &m, 0.2, GASKET_ENGINE_SYNC);
        expect_solution(&gasket_jacobi, &m, 0, GASKET_ENGINE_CHROMATIC);
    }
}
END_TEST

START_TEST(on_a_tree_beliefs_are_exact_after_its_diameter)
{
    static Matrix m;
    double x[MOST], inverse[MOST];
    for (uint64_t seed = 0; seed < 6; seed++) {
        g_autoptr(GError) error = NULL;
        draw(&m, 30, true, true, seed);
        eliminate(&m, x, inverse);
        g_autoptr(GasketResult) result = solve(&gasket_gabp, &m, 0, GASKET_ENGINE_SYNC, &error);
        ck_assert_no_error(error);
        const double *found = gasket_result_column(result, 0);
        const double *variance = gasket_result_column(result, 1);
        ck_assert_uint_le(gasket_result_iterations(result), 31);
        for (uint32_t i = 0; i < m.n; i++) {
            ck_assert_double_eq_tol(found[i], x[i], 1e-12 * (1 + fabs(x[i])));
            ck_assert_double_eq_tol(variance[i], inverse[i], 1e-12 * inverse[i]);
        }
    }
}
END_TEST

/* -u'' = 1 between two ends held at 0: x(i) = i (n + 1 - i) / 2, and the inverse's diagonal is
 * i (n + 1 - i) / (n + 1). The least precise message has nothing but the chain to lean on. */
START_TEST(a_loaded_string_hangs_as_the_formula_says)
{
    static Matrix m = {.n = 50, .triangle = true};
    g_autoptr(GError) error = NULL;
    for (uint32_t i = 0; i < m.n; i++) {
        m.a[i][i] = 2;
        m.b[i] = 1;
        if (i > 0)
            m.a[i][i - 1] = -1;
    }
    g_autoptr(GasketResult) result = solve(&gasket_gabp, &m, 0, GASKET_ENGINE_SYNC, &error);
    ck_assert_no_error(error);
    const double *x = gasket_result_column(result, 0), *variance = gasket_result_column(result, 1);
    for (uint32_t i = 1; i <= m.n; i++) {
        ck_assert_double_eq_tol(x[i - 1], i * (51.0 - i) / 2, 1e-9);
        ck_assert_double_eq_tol(variance[i - 1], i * (51.0 - i) / 51, 1e-10);
    }
    ck_assert_double_eq(gasket_result_metric(result, "dominance"), 1);
}
END_TEST

/* Three variables, each drawn to the two others by 0.7: positive definite (eigenvalues 0.3, 0.3,
 * 2.4), but walks have the spectral radius 1.4. x is 1 / 2.4. */
START_TEST(what_diverges_is_stopped_with_a_hint)
{
    static Matrix m = {.n = 3};
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t j = 0; j < 3; j++)
            m.a[i][j] = i == j ? 1 : 0.7;
        m.b[i] = 1;
    }
    g_autoptr(GError) gabp = NULL, jacobi = NULL;
    ck_assert_ptr_null(solve(&gasket_gabp, &m, 0, GASKET_ENGINE_SYNC, &gabp));
    ck_assert(g_error_matches(gabp, GASKET_ERROR, GASKET_ERROR_FAILED));
    ck_assert_ptr_nonnull(strstr(gabp->message, "is 1.4 to 1.4, expected less than 1"));
    ck_assert_ptr_null(solve(&gasket_jacobi, &m, 0, GASKET_ENGINE_SYNC, &jacobi));
    ck_assert(g_error_matches(jacobi, GASKET_ERROR, GASKET_ERROR_FAILED));
    ck_assert_ptr_nonnull(strstr(jacobi->message, "try --damping"));
    expect_solution(&gasket_jacobi, &m, 0.5, GASKET_ENGINE_SYNC);
    expect_solution(&gasket_jacobi, &m, 0, GASKET_ENGINE_CHROMATIC);
}
END_TEST

START_TEST(matrices_that_do_not_fit_are_refused)
{
    static Matrix m;
    const struct {
        uint32_t i, j;
        double value;
        const char *message;
    } cases[] = {
        {2, 2, 0, "found in row 3 (by ascending id, from 1) no diagonal entry"},
        {2, 2, -1, "found in row 3 (by ascending id, from 1) a negative diagonal entry"},
        {0, 1, 7, "found in row 1 (by ascending id, from 1) an entry whose mirror image differs"},
        {0, 0, INFINITY, "found in row 1 (by ascending id, from 1) a number that is not finite"},
    };
    for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
        g_autoptr(GError) error = NULL;
        draw(&m, 5, true, true, 1);
        m.a[cases[c].i][cases[c].j] = cases[c].value;
        ck_assert_ptr_null(solve(&gasket_gabp, &m, 0, GASKET_ENGINE_SYNC, &error));
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
        ck_assert_msg(strstr(error->message, cases[c].message) != NULL, "%s", error->message);
    }
}
END_TEST

START_TEST(the_bits_are_the_same_everywhere)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    static Matrix m;
    draw(&m, 40, false, true, 4);
    const Experiment gabp = {.algorithm = &gasket_gabp, .build = build, .data = &m};
    g_autoptr(GasketResult) a = run_everywhere(&gabp, workers);
    draw(&m, 40, false, false, 5);
    Experiment jacobi = {.algorithm = &gasket_jacobi, .build = build, .data = &m};
    g_autoptr(GasketResult) b = run_everywhere(&jacobi, workers);
    jacobi.engine = GASKET_ENGINE_CHROMATIC;
    g_autoptr(GasketResult) c = run_everywhere(&jacobi, workers);
    ck_assert_uint_lt(gasket_result_iterations(c), gasket_result_iterations(b));
}
END_TEST

int
main(void)
{
    TCase *linear = tcase_create("linear");
    tcase_add_test(linear, solutions_are_those_of_elimination);
    tcase_add_test(linear, on_a_tree_beliefs_are_exact_after_its_diameter);
    tcase_add_test(linear, a_loaded_string_hangs_as_the_formula_says);
    tcase_add_test(linear, what_diverges_is_stopped_with_a_hint);
    tcase_add_test(linear, matrices_that_do_not_fit_are_refused);
    tcase_add_test(linear, the_bits_are_the_same_everywhere);
    return check_run("linear", &linear, 1);
}
