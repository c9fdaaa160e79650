/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding: codes small enough to count, and the published thresholds of regular codes. */
#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

#include "algorithms/algorithms.h"
#include "loaders/model.h"
#include "tests/run_everywhere.h"

/* Checks as lists of bits, ended by -1; the whole ended by -1. */
typedef struct {
    int64_t n_bits;
    const int64_t *checks;
    const double *received; /* [n_bits] or NULL */
} Code;

static GasketGraph *
build(const void *data)
{
    const Code *code = data;
    g_autoptr(GError) error = NULL;
    GasketFactorGraph *model = gasket_factor_graph_new();
    for (int64_t v = 0; v < code->n_bits; v++)
        ck_assert(gasket_factor_graph_add_variable(model, v, 2, &error));
    for (const int64_t *check = code->checks; *check >= 0;) {
        size_t k = 0;
        double table[256];
        while (check[k] >= 0)
            k++;
        for (unsigned e = 0; e < 1u << k; e++)
            table[e] = __builtin_parity(e) == 0 ? 1 : 0;
        ck_assert(gasket_factor_graph_add_factor(model, k, check, 1u << k, table, &error));
        check += k + 1;
    }
    GasketGraph *graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    if (code->received == NULL)
        return graph;
    g_autoptr(GString) lines = g_string_new(NULL);
    for (int64_t v = 0; v < code->n_bits; v++)
        g_string_append_printf(lines, "%d %.17g\n", (int)v, code->received[v]);
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("gasket-word-XXXXXX", &path, &error);
    ck_assert(fd >= 0 && g_close(fd, NULL) && g_file_set_contents(path, lines->str, -1, &error));
    const GasketLoadColumn column = {"received", path};
    const GasketLoadOptions options = {.vertex_columns = &column, .n_vertex_columns = 1};
    ck_assert_msg(gasket_load_vertex_columns(graph, &options, &error), "%s",
                  error ? error->message : "");
    g_unlink(path);
    return graph;
}

/* options: NAME, VALUE, ..., NULL */
static void *
make_parameters(const char *const *options)
{
    g_autoptr(GError) error = NULL;
    void *parameters = g_malloc0(gasket_ldpc.parameters_size);
    gasket_options_set_defaults(gasket_ldpc.options, parameters);
    for (; options[0] != NULL; options += 2)
        ck_assert(
            gasket_options_set(gasket_ldpc.options, parameters, options[0], options[1], &error));
    return parameters;
}

static GasketResult *
run_on(GasketGraph *graph, const char *const *options)
{
    g_autoptr(GError) error = NULL;
    g_autofree void *parameters = make_parameters(options);
    const GasketRunOptions how = {.workers = 2, .seed = 7};
    GasketResult *result = gasket_algorithm_run(&gasket_ldpc, &graph, parameters, &how, &error);
    ck_assert_no_error(error);
    return result;
}

static const int64_t triple[] = {0, 1, -1, 1, 2, -1, -1};
static const int64_t chain[] = {0, 1, 2, -1, 2, 3, 4, -1, 4, 5, 6, 1, -1, -1};
static const int64_t tree[] = {0, 1, 2, -1, 2, 3, 4, -1, 4, 5, 6, -1, -1};

/* A bit sent three times is wrong if two or three of them are: 3 p^2 - 2 p^3. */
START_TEST(three_copies_fail_as_often_as_the_formula_says)
{
    static const char *const options[] = {"channel", "bsc",    "crossover", "0.1", "frames",
                                          "20000",   "errors", "1000000",   NULL};
    const Code code = {3, triple, NULL};
    g_autoptr(GasketResult) result = run_on(build(&code), options);
    double p = 3 * 0.01 - 2 * 0.001, sigma = sqrt(p * (1 - p) / 20000);
    ck_assert_double_eq(gasket_result_metric(result, "frames"), 20000);
    ck_assert_double_eq_tol(gasket_result_metric(result, "frame_error_rate"), p, 4 * sigma);
    ck_assert_double_eq_tol(gasket_result_metric(result, "bit_error_rate"), p, 4 * sigma);
    ck_assert_double_eq(gasket_result_metric(result, "undetected_errors"),
                        gasket_result_metric(result, "frame_errors"));
}
END_TEST

/* On a code without cycles the odds are those of counting all words. */
START_TEST(odds_are_those_of_all_words)
{
    static const char *const options[] = {"ebn0", "0", "received", "x", NULL};
    for (uint64_t seed = 0; seed < 10; seed++) {
        GasketRandom random = gasket_random_at(seed, 3, 0, 0);
        double received[7], sum[7][2] = {{0}};
        for (unsigned v = 0; v < 7; v++)
            received[v] = 1 + 1.2 * gasket_random_normal(&random);
        const Code code = {7, tree, received};
        g_autoptr(GasketResult) result = run_on(build(&code), options);
        const double variance = 1 / (2 * (4.0 / 7));
        for (unsigned word = 0; word < 128; word++) {
            double exponent = 0;
            if (__builtin_parity(word & 7) || __builtin_parity(word & 28) ||
                __builtin_parity(word & 112))
                continue;
            for (unsigned v = 0; v < 7; v++) {
                double off = received[v] - (1 - 2.0 * (word >> v & 1));
                exponent -= off * off / (2 * variance);
            }
            for (unsigned v = 0; v < 7; v++)
                sum[v][word >> v & 1] += exp(exponent);
        }
        const double *odds = gasket_result_column(result, 1);
        for (unsigned v = 0; v < 7; v++)
            ck_assert_double_eq_tol(odds[v], log(sum[v][0] / sum[v][1]), 1e-9);
    }
}
END_TEST

START_TEST(a_received_word_is_put_right)
{
    static const char *const options[] = {"channel", "bsc", "received", "x", NULL};
    static const double received[] = {1, 0, 1};
    const Code code = {3, triple, received};
    g_autoptr(GasketResult) result = run_on(build(&code), options);
    const int32_t *bit = gasket_result_column(result, 0);
    const double *odds = gasket_result_column(result, 1);
    for (unsigned v = 0; v < 3; v++) {
        ck_assert_int_eq(bit[v], 1);
        ck_assert_double_eq_tol(odds[v], -log(0.95 / 0.05), 1e-12);
    }
    ck_assert_double_eq(gasket_result_metric(result, "failed_checks"), 0);
}
END_TEST

/* Regular codes of degrees 3 and 6 have the thresholds p = 0.084 and 1.11 dB (Richardson, Urbanke:
 * Modern Coding Theory): a code of 1,008 bits fails beyond them, and hardly ever well below. */
START_TEST(a_regular_code_changes_over_at_its_threshold)
{
    const struct {
        const char *const *options;
        double least, most;
    } cases[] = {
        {(const char *const[]){"channel", "bsc", "crossover", "0.05", "frames", "128", NULL}, 0,
         0.02},
        {(const char *const[]){"channel", "bsc", "crossover", "0.1", "frames", "64", "rounds", "15",
                               NULL},
         0.9, 1},
        {(const char *const[]){"ebn0", "2.5", "frames", "128", NULL}, 0, 0.02},
        {(const char *const[]){"ebn0", "0.4", "frames", "64", "rounds", "15", NULL}, 0.9, 1},
    };
    g_autofree char *path = check_data("factor-graphs/ldpc/PEG_Reg_1008x504.alist");
    for (size_t i = 0; path != NULL && i < (check_is_short() ? 1 : G_N_ELEMENTS(cases)); i++) {
        g_autoptr(GError) error = NULL;
        const GasketModelOptions options = {.path = path};
        GasketFactorGraph *model = gasket_model_load(&options, NULL, &error);
        ck_assert_no_error(error);
        GasketGraph *graph = gasket_factor_graph_finish_take(&model, NULL, &error);
        g_autoptr(GasketResult) result = run_on(graph, cases[i].options);
        double rate = gasket_result_metric(result, "frame_error_rate");
        ck_assert_msg(rate >= cases[i].least && rate <= cases[i].most, "case %zu: %g", i, rate);
    }
}
END_TEST

START_TEST(what_is_no_code_is_refused)
{
    g_autoptr(GError) error = NULL;
    const int64_t scope[] = {0, 1};
    const double table[] = {1, 0, 0.5, 1};
    const uint32_t two[] = {2, 2, 2};
    g_autofree void *parameters = make_parameters((const char *const[]){NULL});
    GasketFactorGraph *model = gasket_factor_graph_new();
    ck_assert(gasket_factor_graph_add_variables(model, 3, two, &error));
    ck_assert(gasket_factor_graph_add_factor(model, 2, scope, 4, table, &error));
    ck_assert(gasket_factor_graph_observe(model, 2, 1, &error));
    GasketGraph *graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    ck_assert_ptr_null(gasket_algorithm_run(&gasket_ldpc, &graph, parameters, NULL, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ck_assert_ptr_nonnull(
        strstr(error->message, "found 1 factors that are no parity checks and 1 variables"));
}
END_TEST

START_TEST(the_bits_are_the_same_everywhere)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    const Code code = {7, chain, NULL};
    g_autofree void *parameters =
        make_parameters((const char *const[]){"ebn0", "1", "frames", "100", "rounds", "8", NULL});
    const Experiment ldpc = {.algorithm = &gasket_ldpc,
                             .build = build,
                             .data = &code,
                             .parameters = parameters};
    g_autoptr(GasketResult) result = run_everywhere(&ldpc, workers);
    ck_assert_uint_eq(gasket_result_iterations(result), 2);
}
END_TEST

int
main(void)
{
    TCase *ldpc = tcase_create("ldpc");
    tcase_add_test(ldpc, three_copies_fail_as_often_as_the_formula_says);
    tcase_add_test(ldpc, odds_are_those_of_all_words);
    tcase_add_test(ldpc, a_received_word_is_put_right);
    tcase_add_test(ldpc, a_regular_code_changes_over_at_its_threshold);
    tcase_add_test(ldpc, what_is_no_code_is_refused);
    tcase_add_test(ldpc, the_bits_are_the_same_everywhere);
    return check_run("ldpc", &ldpc, 1);
}
