/* SPDX-License-Identifier: Apache-2.0 */
/* Factorisation of users, items and times: the last solved vectors against elimination, the
 * objective, planted factors of times, every placement, and ratings without times. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/ratings_times.h"

enum { USERS = 60, ITEMS = 40, RANK = 2 };

static double
draw_at(uint32_t stream, uint32_t v, uint32_t f)
{
    GasketRandom random = gasket_random_at(31, stream, v, f);
    return gasket_random_normal(&random);
}

/* r = 3 + p . q / 4 in the first half of the time, 3 + 2 p . q in the second. */
static Ratings
changing_ratings(void)
{
    Ratings ratings = ratings_new((size_t)USERS * ITEMS);
    GasketRandom random = gasket_random_at(7, 0, 0, 0);
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) {
            double x = 0;
            for (uint32_t f = 0; f < RANK; f++)
                x += draw_at(1, (uint32_t)u, f) * draw_at(2, (uint32_t)i, f);
            if (gasket_random_below(&random, 4) < 3)
                ratings_add(&ratings, u, i, 3 + x * (ratings_time(u, i) < 1050 ? 0.25 : 2),
                            gasket_random_below(&random, 8) == 0);
        }
    return ratings;
}

/* With one piece of time, and its factors held at 1, the items' turn is plain least squares. */
START_TEST(the_items_turn_is_the_dense_solution)
{
    const double l = 0.2;
    Ratings ratings = changing_ratings();
    g_autoptr(GasketResult) result =
        ratings_train_with_times(&gasket_tensor_als, &ratings,
                                 "factors=2 bins=1 regularization=0.2 time-regularization=1e9", 3);
    const float *p = gasket_result_column(result, 0), *b = gasket_result_column(result, 1);
    const float *q = gasket_result_column(result, 2), *c = gasket_result_column(result, 3);
    const double mean = gasket_result_metric(result, "mean");
    for (int i = 0; i < ITEMS; i++) {
        double a[2][2] = {{0}}, t[2] = {0}, n = 0;
        for (size_t e = 0; e < ratings.n; e++) {
            if (ratings.item[e] != i || ratings.test[e])
                continue;
            const float *x = p + ratings.user[e] * RANK;
            const double y = ratings.rating[e] - mean - b[ratings.user[e]] - c[i];
            for (int f = 0; f < RANK; f++) {
                t[f] += y * x[f];
                for (int g = 0; g < RANK; g++)
                    a[f][g] += (double)x[f] * x[g];
            }
            n++;
        }
        a[0][0] += l * n;
        a[1][1] += l * n;
        const double determinant = a[0][0] * a[1][1] - a[0][1] * a[1][0];
        ck_assert_double_eq_tol(q[i * 2], (t[0] * a[1][1] - t[1] * a[0][1]) / determinant, 1e-4);
        ck_assert_double_eq_tol(q[i * 2 + 1], (t[1] * a[0][0] - t[0] * a[1][0]) / determinant,
                                1e-4);
    }
    ratings_clear(&ratings);
}
END_TEST

START_TEST(the_objective_never_grows_and_planted_factors_are_found)
{
    Ratings ratings = changing_ratings();
    static const char *const options =
        "factors=4 bins=2 regularization=0.01 time-regularization=0.001 deviation=0.5";
    double last = INFINITY;
    for (unsigned n = 1; n <= 12; n++) {
        g_autoptr(GasketResult) result =
            ratings_train_with_times(&gasket_tensor_als, &ratings, options, n);
        const double now = gasket_result_metric(result, "objective");
        ck_assert_msg(now <= last * (1 + 1e-6), "iteration %u: %g after %g", n, now, last);
        last = now;
    }
    g_autoptr(GasketResult) found =
        ratings_train_with_times(&gasket_tensor_als, &ratings, options, 60);
    g_autoptr(GasketResult) without = ratings_train_with_times(
        &gasket_tensor_als, &ratings,
        "factors=4 bins=1 regularization=0.01 time-regularization=0.001 deviation=0.5", 60);
    ck_assert_double_lt(gasket_result_metric(found, "test.rmse"), 0.3);
    ck_assert_double_gt(gasket_result_metric(without, "test.rmse"), 0.8);
    ratings_clear(&ratings);
}
END_TEST

START_TEST(the_bits_are_the_same_in_every_placement)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    Ratings ratings = changing_ratings();
    g_autofree void *parameters = ratings_parameters(&gasket_tensor_als, "factors=3");
    const Experiment experiment = {&gasket_tensor_als, parameters, ratings_build_with_times,
                                   .data = &ratings,   .seed = 5,  .iterations = 2};
    gasket_result_free(run_everywhere(&experiment, workers));
    ratings_clear(&ratings);
}
END_TEST

START_TEST(ratings_without_times_are_refused)
{
    Ratings ratings = changing_ratings();
    const Experiment experiment = {&gasket_tensor_als, NULL, ratings_build, .data = &ratings};
    const GasketRunOptions options = {.iterations = 1};
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(run_once(&experiment, &options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ratings_clear(&ratings);
}
END_TEST

int
main(void)
{
    TCase *tensor = tcase_create("tensor");
    tcase_set_timeout(tensor, 120);
    tcase_add_test(tensor, the_items_turn_is_the_dense_solution);
    tcase_add_test(tensor, the_objective_never_grows_and_planted_factors_are_found);
    tcase_add_test(tensor, the_bits_are_the_same_in_every_placement);
    tcase_add_test(tensor, ratings_without_times_are_refused);
    TCase *const cases[] = {tensor};
    return check_run("tensor_als", cases, G_N_ELEMENTS(cases));
}
