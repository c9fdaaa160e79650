/* SPDX-License-Identifier: Apache-2.0 */
/* Truncated SVD: the whole decomposition gives the matrix back, a part of it is off by exactly the
 * singular values that were left out (Eckart and Young), and vectors are orthogonal. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/ratings_train.h"

enum { USERS = 14, ITEMS = 9 };

static Ratings
tiny_ratings(void)
{
    Ratings ratings = ratings_new((size_t)USERS * ITEMS);
    GasketRandom random = gasket_random_at(5, 0, 0, 0);
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            if (u % ITEMS == i || gasket_random_below(&random, 2))
                ratings_add(&ratings, u, i, 1 + gasket_random_below(&random, 5), false);
    return ratings;
}

/* Sum of (a - p . q)^2 over all pairs. */
static double
squared_distance(const Ratings *ratings, const GasketResult *result, unsigned k)
{
    const float *p = gasket_result_column(result, 0), *q = gasket_result_column(result, 2);
    double a[USERS][ITEMS] = {{0}}, sum = 0;
    for (size_t e = 0; e < ratings->n; e++)
        a[ratings->user[e]][ratings->item[e]] = ratings->rating[e];
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) {
            double left = a[u][i];
            for (unsigned f = 0; f < k; f++)
                left -= (double)p[u * (int)k + (int)f] * q[i * (int)k + (int)f];
            sum += left * left;
        }
    return sum;
}

static double
singular(const GasketResult *result, unsigned f)
{
    g_autofree char *name = g_strdup_printf("singular_%u", f);
    return gasket_result_metric(result, name);
}

START_TEST(all_singular_values_give_the_matrix_back)
{
    Ratings ratings = tiny_ratings();
    g_autoptr(GasketResult) result = ratings_train(&gasket_svd, &ratings, "factors=9", 0);
    double squares = 0, sum = 0;
    for (size_t e = 0; e < ratings.n; e++)
        squares += ratings.rating[e] * ratings.rating[e];
    for (unsigned f = 0; f < ITEMS; f++) {
        sum += singular(result, f) * singular(result, f);
        ck_assert(f == 0 || singular(result, f) <= singular(result, f - 1));
    }
    ck_assert_double_eq_tol(sum, squares, 1e-9 * squares);
    ck_assert_double_lt(squared_distance(&ratings, result, ITEMS), 1e-8);
    ratings_clear(&ratings);
}
END_TEST

START_TEST(a_truncated_one_is_the_closest_of_its_rank)
{
    Ratings ratings = tiny_ratings();
    g_autoptr(GasketResult) all = ratings_train(&gasket_svd, &ratings, "factors=9", 0);
    for (unsigned k = 1; k < ITEMS; k++) {
        g_autofree char *options = g_strdup_printf("factors=%u", k);
        g_autoptr(GasketResult) result = ratings_train(&gasket_svd, &ratings, options, 0);
        double left = 0;
        for (unsigned f = 0; f < ITEMS; f++) {
            left += f < k ? 0 : singular(all, f) * singular(all, f);
            if (f < k)
                ck_assert_double_eq_tol(singular(result, f), singular(all, f), 1e-10);
        }
        ck_assert_double_eq_tol(squared_distance(&ratings, result, k), left, 1e-4 * left);
    }
    ratings_clear(&ratings);
}
END_TEST

START_TEST(factors_of_one_side_are_orthogonal_and_as_long_as_the_root_of_the_value)
{
    Ratings ratings = ratings_plant(90, 70, 6, 0.4, 0.5, false);
    g_autoptr(GasketResult) result = ratings_train(&gasket_svd, &ratings, "factors=5 steps=60", 0);
    for (unsigned column = 0; column <= 2; column += 2) {
        const float *x = gasket_result_column(result, column);
        uint32_t n = gasket_result_n(result, column / 2);
        for (unsigned f = 0; f < 5; f++)
            for (unsigned g = 0; g < 5; g++) {
                double sum = 0, s = singular(result, f);
                for (uint32_t v = 0; v < n; v++)
                    sum += (double)x[v * 5 + f] * x[v * 5 + g];
                ck_assert_double_eq_tol(sum, f == g ? s : 0, 1e-5 * singular(result, 0));
            }
    }
    ratings_clear(&ratings);
}
END_TEST

START_TEST(the_bits_are_the_same_in_every_placement)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    Ratings ratings = ratings_plant(45, 30, 2, 0.4, 0.5, true);
    g_autofree void *parameters = ratings_parameters(&gasket_svd, "factors=3 steps=8");
    Experiment experiment = {&gasket_svd, parameters, ratings_build, .data = &ratings, .seed = 5};
    gasket_result_free(run_everywhere(&experiment, workers));
    ratings_clear(&ratings);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, all_singular_values_give_the_matrix_back);
    tcase_add_test(all, a_truncated_one_is_the_closest_of_its_rank);
    tcase_add_test(all, factors_of_one_side_are_orthogonal_and_as_long_as_the_root_of_the_value);
    tcase_add_test(all, the_bits_are_the_same_in_every_placement);
    TCase *cases[] = {all};
    return check_run("svd", cases, G_N_ELEMENTS(cases));
}
