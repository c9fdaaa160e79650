/* SPDX-License-Identifier: Apache-2.0 */
/* Exact inference against every assignment, in every placement, and on reference models. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "loaders/model.h"
#include "tests/random_models.h"
#include "tests/run_everywhere.h"

typedef struct {
    bool map;
    double max_memory;
} Parameters;

static GasketResult *
infer(GasketGraph **graph, bool map, GError **error)
{
    const Parameters parameters = {.map = map};
    return gasket_algorithm_run(&gasket_exact, graph, &parameters, NULL, error);
}

static void
check_against_all(const ModelShape *shape)
{
    g_autoptr(GError) error = NULL;
    g_autofree Model *model = g_new(Model, 1);
    model_make(shape, model);
    const ModelAnswer answer = model_brute_force(model);
    GasketGraph *graph = model_graph(model);
    g_autoptr(GasketResult) result = infer(&graph, false, &error);
    ck_assert_no_error(error);
    double log10_z = gasket_result_metric(result, "log10_z");
    if (answer.z == 0)
        ck_assert(log10_z == -INFINITY);
    else
        ck_assert_double_eq_tol(log10_z, log10(answer.z), 1e-9);
    const double *marginal = gasket_result_column(result, 0);
    for (unsigned v = 0; v < model->n_variables; v++)
        for (unsigned x = 0; x < model->cardinality[v]; x++)
            ck_assert_double_eq_tol(*marginal++,
                                    answer.z > 0 ? answer.marginal[v][x] / answer.z : 0, 1e-12);

    graph = model_graph(model);
    g_autoptr(GasketResult) best = infer(&graph, true, &error);
    ck_assert_no_error(error);
    const int32_t *found = gasket_result_column(best, 0);
    uint32_t state[MODEL_MAX_VARIABLES];
    for (unsigned v = 0; v < model->n_variables; v++)
        state[v] = (uint32_t)found[v];
    if (answer.largest > 0)
        ck_assert_double_eq_tol(model_weight(model, state), answer.largest, 1e-9 * answer.largest);
    if (answer.largest > 0)
        ck_assert_double_eq_tol(gasket_result_metric(best, "log10_map"), log10(answer.largest),
                                1e-9);
}

START_TEST(it_agrees_with_every_assignment_of_small_models)
{
    for (uint64_t seed = 0; seed < 150; seed++) {
        const ModelShape shape = {.seed = seed,
                                  .n_variables = 1 + (unsigned)seed % 8,
                                  .n_factors = (unsigned)seed % 13,
                                  .zeros = seed % 3 * 0.2,
                                  .evidence = seed % 4 * 0.15,
                                  .spread = seed % 5 == 4 ? 8 : 0};
        check_against_all(&shape);
    }
}
END_TEST

START_TEST(the_bits_are_the_same_everywhere)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    for (uint64_t seed = 0; seed < 3; seed++) {
        const ModelShape shape = {.seed = 100 + seed,
                                  .n_variables = 10,
                                  .n_factors = 14,
                                  .evidence = 0.1};
        for (int map = 0; map < 2; map++) {
            /* The columns as they are after exact's own preparation. */
            const GasketResultColumn column = {.name = "state", .type = GASKET_INT32};
            GasketAlgorithm algorithm = gasket_exact;
            if (map)
                algorithm.results = &column;
            const Parameters parameters = {.map = map};
            const Experiment experiment = {.algorithm = &algorithm,
                                           .parameters = &parameters,
                                           .build = model_build,
                                           .data = &shape};
            g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
            ck_assert_uint_eq(gasket_result_n(result, 0), 10);
        }
    }
}
END_TEST

/* x0 = x1 = ... with a prior of 1e-200 and 1e-201 on each: the weights are far below a double. */
START_TEST(nothing_underflows)
{
    enum { N = 400 };
    g_autoptr(GError) error = NULL;
    GasketFactorGraph *model = gasket_factor_graph_new();
    const double same[] = {1, 0, 0, 1}, pair[] = {1e-200, 1e-220, 1e-210, 2e-200};
    for (int64_t v = 0; v < N; v++) {
        const double prior[] = {1e-200, v % 2 ? 1e-100 : 1e-300};
        ck_assert(gasket_factor_graph_add_variable(model, v, 2, &error));
        ck_assert(gasket_factor_graph_add_factor(model, 1, &v, 2, prior, &error));
        const int64_t scope[] = {v - 1, v};
        if (v > 0)
            ck_assert(
                gasket_factor_graph_add_factor(model, 2, scope, 4, v == 7 ? pair : same, &error));
    }
    GasketGraph *graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    g_autoptr(GasketResult) result = infer(&graph, false, &error);
    ck_assert_no_error(error);
    /* Before 7 all are a (of 0 .. 6: four even, three odd), behind it b (393: half and half). */
    const double left[] = {-200 * 7, -300 * 4 - 100 * 3};
    const double right[] = {-200 * 393, -300 * 196 - 100 * 197};
    double z = -INFINITY;
    for (unsigned a = 0; a < 2; a++)
        for (unsigned b = 0; b < 2; b++)
            z = fmax(z, left[a] + right[b] + log10(pair[2 * a + b]));
    ck_assert_double_eq_tol(gasket_result_metric(result, "log10_z"), z, 1e-6);
    const double *marginal = gasket_result_column(result, 0);
    ck_assert_double_eq_tol(marginal[0], 1, 1e-12);
    ck_assert_double_eq_tol(marginal[2 * N - 1], 1, 1e-12);
}
END_TEST

START_TEST(contradictory_evidence_has_probability_zero)
{
    g_autoptr(GError) error = NULL;
    for (int map = 0; map < 2; map++) {
        GasketFactorGraph *model = gasket_factor_graph_new();
        const uint32_t cardinality[] = {2, 2, 3};
        const int64_t scope[] = {0, 1}, other[] = {1, 2};
        const double same[] = {1, 0, 0, 1}, any[] = {1, 2, 3, 4, 5, 6};
        ck_assert(gasket_factor_graph_add_variables(model, 3, cardinality, &error));
        ck_assert(gasket_factor_graph_add_factor(model, 2, scope, 4, same, &error));
        ck_assert(gasket_factor_graph_add_factor(model, 2, other, 6, any, &error));
        ck_assert(gasket_factor_graph_observe(model, 0, 0, &error));
        ck_assert(gasket_factor_graph_observe(model, 1, 1, &error));
        GasketGraph *graph = gasket_factor_graph_finish_take(&model, NULL, &error);
        g_autoptr(GasketResult) result = infer(&graph, map, &error);
        ck_assert_no_error(error);
        ck_assert(gasket_result_metric(result, map ? "log10_map" : "log10_z") == -INFINITY);
        const double *marginal = gasket_result_column(result, 0);
        for (unsigned i = 0; !map && i < 7; i++)
            ck_assert(marginal[i] == 0);
    }
}
END_TEST

/* A grid of n x n binary variables. */
static GasketGraph *
grid(int64_t n)
{
    GasketFactorGraph *model = gasket_factor_graph_new();
    const double table[] = {2, 1, 1, 2};
    for (int64_t v = 0; v < n * n; v++)
        ck_assert(gasket_factor_graph_add_variable(model, v, 2, NULL));
    for (int64_t v = 0; v < n * n; v++) {
        const int64_t right[] = {v, v + 1}, down[] = {v, v + n};
        if (v % n + 1 < n)
            ck_assert(gasket_factor_graph_add_factor(model, 2, right, 4, table, NULL));
        if (v + n < n * n)
            ck_assert(gasket_factor_graph_add_factor(model, 2, down, 4, table, NULL));
    }
    return gasket_factor_graph_finish_take(&model, NULL, NULL);
}

START_TEST(what_does_not_fit_is_refused_with_its_size)
{
    g_autoptr(GError) error = NULL;
    const Parameters parameters = {.max_memory = 0.001};
    GasketGraph *graph = grid(20);
    ck_assert_ptr_null(gasket_algorithm_run(&gasket_exact, &graph, &parameters, NULL, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
    ck_assert_ptr_nonnull(strstr(error->message, "treewidth 2"));
    ck_assert_ptr_nonnull(strstr(error->message, "--max-memory"));
}
END_TEST

/* By transfer matrices, a row at a time: another road to the same sum. */
static double
grid_log10_z(unsigned n)
{
    unsigned rows = 1u << n;
    g_autofree double *weight = g_new(double, rows), *next = g_new(double, rows);
    double scale = 0;
    for (unsigned r = 0; r < n; r++) {
        double largest = 0;
        for (unsigned b = 0; b < rows; b++) {
            double sum = r == 0 ? 1 : 0;
            for (unsigned a = 0; r > 0 && a < rows; a++)
                sum += weight[a] * exp2(n - (unsigned)__builtin_popcount(a ^ b));
            next[b] =
                sum * exp2(n - 1 - (unsigned)__builtin_popcount((b ^ b >> 1) & (rows / 2 - 1)));
            largest = fmax(largest, next[b]);
        }
        for (unsigned b = 0; b < rows; b++)
            weight[b] = next[b] / largest;
        scale += log10(largest);
    }
    double z = 0;
    for (unsigned b = 0; b < rows; b++)
        z += weight[b];
    return log10(z) + scale;
}

START_TEST(grids_have_the_partition_function_of_transfer_matrices)
{
    for (unsigned n = 2; n <= 9; n++) {
        g_autoptr(GError) error = NULL;
        GasketGraph *graph = grid(n);
        g_autoptr(GasketResult) result = infer(&graph, false, &error);
        ck_assert_no_error(error);
        ck_assert_double_eq_tol(gasket_result_metric(result, "log10_z"), grid_log10_z(n), 1e-9);
    }
}
END_TEST

/* ---- reference answers ----------------------------------------------------------------------- */

static GasketResult *
infer_file(const char *path, bool map)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *evidence = g_strconcat(path, ".evid", NULL);
    bool has = g_file_test(evidence, G_FILE_TEST_EXISTS);
    const GasketModelOptions options = {.path = path, .evidence = has ? evidence : NULL};
    g_autoptr(GasketFactorGraph) model = gasket_model_load(&options, NULL, &error);
    ck_assert_no_error(error);
    GasketGraph *graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    GasketResult *result = infer(&graph, map, &error);
    ck_assert_no_error(error);
    return result;
}

/* The numbers of a result file behind its first line. */
static double *
read_reference(const char *path, const char *ending, unsigned *ret_n)
{
    g_autofree char *file = g_strconcat(path, ending, NULL), *text = NULL;
    ck_assert(g_file_get_contents(file, &text, NULL, NULL));
    g_auto(GStrv) words = g_strsplit_set(text, " \r\n\t", -1);
    double *numbers = g_new0(double, g_strv_length(words) + 1);
    *ret_n = 0;
    for (char **word = words + 1; *word != NULL; word++)
        if (**word != '\0')
            numbers[(*ret_n)++] = g_ascii_strtod(*word, NULL);
    return numbers;
}

START_TEST(partition_functions_are_those_of_the_references)
{
    static const char *const files[] = {"CSP_12", "Segmentation_11"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *relative = g_strdup_printf("factor-graphs/PR/%s.uai", files[i]);
        g_autofree char *path = check_data(relative);
        if (path == NULL)
            continue;
        unsigned n;
        g_autofree double *reference = read_reference(path, ".PR", &n);
        g_autoptr(GasketResult) result = infer_file(path, false);
        ck_assert_double_eq_tol(gasket_result_metric(result, "log10_z"), reference[0],
                                1e-4 * fabs(reference[0]));
    }
}
END_TEST

START_TEST(marginals_are_those_of_the_references)
{
    static const char *const files[] = {"Segmentation_12", "Segmentation_14"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *relative = g_strdup_printf("factor-graphs/MAR/%s.uai", files[i]);
        g_autofree char *path = check_data(relative);
        if (path == NULL)
            continue;
        unsigned n, at = 1;
        g_autofree double *reference = read_reference(path, ".MAR", &n);
        g_autoptr(GasketResult) result = infer_file(path, false);
        const double *marginal = gasket_result_column(result, 0);
        const uint64_t *begin = gasket_result_begin(result, 0);
        ck_assert_uint_eq(gasket_result_n(result, 0), (unsigned)reference[0]);
        for (unsigned v = 0; v < gasket_result_n(result, 0); v++) {
            ck_assert_uint_eq((uint64_t)reference[at++], begin[v + 1] - begin[v]);
            for (uint64_t e = begin[v]; e < begin[v + 1]; e++)
                ck_assert_double_eq_tol(marginal[e], reference[at++], 2e-4);
        }
        ck_assert_uint_eq(at, n);
    }
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("exact"), tcase_create("references")};
    tcase_set_timeout(cases[0], 120);
    tcase_set_timeout(cases[1], 120);
    tcase_add_test(cases[0], it_agrees_with_every_assignment_of_small_models);
    tcase_add_test(cases[0], the_bits_are_the_same_everywhere);
    tcase_add_test(cases[0], nothing_underflows);
    tcase_add_test(cases[0], contradictory_evidence_has_probability_zero);
    tcase_add_test(cases[0], what_does_not_fit_is_refused_with_its_size);
    tcase_add_test(cases[0], grids_have_the_partition_function_of_transfer_matrices);
    tcase_add_test(cases[1], partition_functions_are_those_of_the_references);
    tcase_add_test(cases[1], marginals_are_those_of_the_references);
    return check_run("exact", cases, 2);
}
