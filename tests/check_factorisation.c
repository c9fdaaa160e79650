/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that factor a ratings table: each is tried on the same planted and real ratings. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/ratings_train.h"

typedef struct {
    const GasketAlgorithm *algorithm;
    const char *planted;    /* options for planted ratings; NULL: not tried */
    bool positive;          /* only positive factors can be found */
    double planted_error;   /* of the test ratings, in deviations of them */
    unsigned iterations;    /* for planted ratings */
    double u1_error;        /* RMSE on u1.test with default options; 0: not tried */
    unsigned u1_iterations; /* 0: as by default */
} Method;

static const Method methods[] = {
    {&gasket_sgd, "factors=3 regularization=0.001 bias-regularization=0.001 decay=0.99", false, 0.1,
     100, 0.925, 0},
    {&gasket_svdpp, "factors=3 regularization=0.001 bias-regularization=0.001 decay=0.99", false,
     0.1, 150, 0.915, 0},
    {&gasket_nmf, "factors=3 regularization=0", true, 0.1, 300, 0.985, 30},
    {&gasket_bpmf, "factors=3 precision=1000", false, 0.1, 40, 0.93, 26},
    {&gasket_ccdpp, "factors=5 regularization=0.0001", false, 0.1, 40, 0.945, 5},
    {.algorithm = &gasket_ials},
};

START_TEST(the_bits_are_the_same_in_every_placement)
{
    const Method *method = &methods[_i];
    static const unsigned workers[] = {1, 2, 4, 0};
    Ratings ratings = ratings_plant(45, 30, 2, 0.4, 0.5, true);
    g_autofree void *parameters = ratings_parameters(method->algorithm, "factors=5");
    Experiment experiment = {method->algorithm, parameters, ratings_build,
                             .data = &ratings,  .seed = 5,  .iterations = 2};
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
    if (method->planted == NULL)
        return;
    Ratings ratings = ratings_plant(120, 80, 3, 0.5, method->positive ? 0 : 0.5, method->positive);
    g_autoptr(GasketResult) result =
        ratings_train(method->algorithm, &ratings, method->planted, method->iterations);
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
        g_autoptr(GasketResult) result =
            ratings_train(method->algorithm, &ratings, "", method->u1_iterations);
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
