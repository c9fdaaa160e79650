/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that factor a ratings table: each is tried on the same planted and real ratings. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/ratings_graph.h"

typedef struct {
    const GasketAlgorithm *algorithm;
    const char *planted;  /* options for planted ratings, `name=value name=value` */
    bool positive;        /* only positive factors can be found */
    double planted_error; /* of the test ratings, in deviations of them */
    unsigned iterations;  /* for planted ratings */
    double u1_error;      /* RMSE on u1.test with default options; 0: not tried */
} Method;

static const Method methods[] = {
    {&gasket_sgd, "factors=3 regularization=0.001 bias-regularization=0.001 decay=0.99", false, 0.1,
     100, 0.925},
    {&gasket_svdpp, "factors=3 regularization=0.001 bias-regularization=0.001 decay=0.99", false, 0.1,
     150, 0.915},
    {&gasket_nmf, "factors=3 regularization=0", true, 0.1, 400, 0.98},
    {&gasket_bpmf, "factors=3 precision=1000", false, 0.1, 60, 0.925},
};

/* The algorithm's parameters with the options of a text; free with g_free. */
static void *
parameters_of(const GasketAlgorithm *algorithm, const char *text)
{
    void *parameters = g_malloc0(algorithm->parameters_size);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    g_autoptr(GError) error = NULL;
    gasket_options_set_defaults(algorithm->options, parameters);
    for (char **word = words; *word != NULL && **word != 0; word++) {
        g_auto(GStrv) pair = g_strsplit(*word, "=", 2);
        ck_assert_msg(gasket_options_set(algorithm->options, parameters, pair[0], pair[1], &error),
                      "%s", error ? error->message : "");
    }
    return parameters;
}

static GasketResult *
train(const GasketAlgorithm *algorithm, const Ratings *ratings, const char *text,
      uint32_t iterations)
{
    g_autofree void *parameters = parameters_of(algorithm, text);
    GasketRunOptions options = {.iterations = iterations, .seed = 1};
    Experiment experiment = {algorithm, parameters, ratings_build, .data = ratings};
    g_autoptr(GError) error = NULL;
    GasketResult *result = run_once(&experiment, &options, &error);
    ck_assert_msg(result != NULL, "%s: %s", algorithm->name, error ? error->message : "");
    return result;
}

START_TEST(the_bits_are_the_same_in_every_placement)
{
    const Method *method = &methods[_i];
    static const unsigned workers[] = {1, 2, 4, 0};
    Ratings ratings = ratings_plant(45, 30, 2, 0.4, 0.5, true);
    g_autofree void *parameters = parameters_of(method->algorithm, "factors=5");
    Experiment experiment = {method->algorithm, parameters, ratings_build,
                             .data = &ratings,  .seed = 5,  .iterations = 3};
    gasket_result_free(run_everywhere(&experiment, workers));
    ratings_clear(&ratings);
}
END_TEST

static double
deviation(const Ratings *ratings)
{
    double sum = 0, squares = 0, n = (double)ratings->n;
    for (size_t i = 0; i < ratings->n; i++) {
        sum += ratings->rating[i];
        squares += ratings->rating[i] * ratings->rating[i];
    }
    return sqrt(squares / n - sum / n * (sum / n));
}

START_TEST(planted_factors_are_recovered_from_a_part_of_the_matrix)
{
    const Method *method = &methods[_i];
    Ratings ratings = ratings_plant(120, 80, 3, 0.5, method->positive ? 0 : 0.5, method->positive);
    g_autoptr(GasketResult) result =
        train(method->algorithm, &ratings, method->planted, method->iterations);
    double error = gasket_result_metric(result, "test.rmse") / deviation(&ratings);
    ck_assert_msg(error < method->planted_error, "%s: %g", method->algorithm->name, error);
    ratings_clear(&ratings);
}
END_TEST

START_TEST(movielens_is_predicted_as_well_as_expected_with_default_options)
{
    const Method *method = &methods[_i];
    Ratings ratings;
    if (method->u1_error > 0 && ratings_load(&ratings, "u1")) {
        g_autoptr(GasketResult) result = train(method->algorithm, &ratings, "", 0);
        double error = gasket_result_metric(result, "test.rmse");
        ck_assert_msg(error <= method->u1_error, "%s: %g", method->algorithm->name, error);
        if (g_getenv("GASKET_SHOW"))
            printf("%s %.4f\n", method->algorithm->name, error);
        ratings_clear(&ratings);
    }
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 300);
    tcase_add_loop_test(all, the_bits_are_the_same_in_every_placement, 0, G_N_ELEMENTS(methods));
    tcase_add_loop_test(all, planted_factors_are_recovered_from_a_part_of_the_matrix, 0,
                        G_N_ELEMENTS(methods));
    tcase_add_loop_test(all, movielens_is_predicted_as_well_as_expected_with_default_options, 0,
                        G_N_ELEMENTS(methods));
    TCase *cases[] = {all};
    return check_run("factorisation", cases, G_N_ELEMENTS(cases));
}
