/* SPDX-License-Identifier: Apache-2.0 */
/* The baseline's biases and the damping that they take from the ratings: against the same fit done
 * densely, against the spread that ratings were drawn with, and on ratings that do not differ. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/ratings_train.h"

enum { USERS = 150, ITEMS = 90 };

static double
draw_at(uint32_t stream, uint32_t v)
{
    GasketRandom random = gasket_random_at(21, stream, v, 0);
    return gasket_random_normal(&random);
}

/* Mean 5, users' deviation 0.5, items' 1, noise 0.8; a pair of three is rated. */
static Ratings
draw_ratings(void)
{
    Ratings ratings = ratings_new((size_t)USERS * ITEMS);
    for (unsigned u = 0; u < USERS; u++)
        for (unsigned i = 0; i < ITEMS; i++)
            if ((u * 7 + i * 11) % 3 == 0)
                ratings_add(&ratings, u, i,
                            5 + 0.5 * draw_at(1, u) + draw_at(2, i) +
                                0.8 * draw_at(3, u * ITEMS + i),
                            (u + i) % 10 == 0);
    return ratings;
}

typedef struct {
    double damping[2], test;
} Fitted;

/* One turn of a kind by the formulas; returns what its variances add to the noise. */
static double
turn_by_hand(const Ratings *ratings, bool items, double mean, double noise, double *damping,
             double *own, const double *other)
{
    double n[USERS] = {0}, sum[USERS] = {0}, spread = 0, rated = 0, added = 0;
    for (size_t e = 0; e < ratings->n; e++) {
        const int64_t u = ratings->user[e], i = ratings->item[e];
        if (ratings->test[e])
            continue;
        n[items ? i : u]++;
        sum[items ? i : u] += (float)ratings->rating[e] - mean - other[items ? u : i];
    }
    for (unsigned v = 0; v < (items ? ITEMS : USERS); v++) {
        const double variance = noise / (*damping + n[v]);
        own[v] = n[v] > 0 ? sum[v] / (*damping + n[v]) : 0;
        spread += n[v] > 0 ? own[v] * own[v] + variance : 0;
        rated += n[v] > 0;
        added += n[v] * variance;
    }
    *damping = noise / (spread / rated);
    return added;
}

static Fitted
fit_by_hand(const Ratings *ratings)
{
    Fitted fitted = {{4, 4}, 0};
    double sum = 0, squares = 0, n = 0, b[USERS] = {0}, c[USERS] = {0}, n_test = 0;
    double low = INFINITY, high = -INFINITY;
    for (size_t e = 0; e < ratings->n; e++) {
        const double r = (float)ratings->rating[e];
        if (ratings->test[e])
            continue;
        sum += r;
        squares += r * r;
        n++;
        low = fmin(low, r);
        high = fmax(high, r);
    }
    const double mean = sum / n;
    double noise = squares / n - mean * mean;
    for (unsigned sweep = 0; sweep < 10; sweep++) {
        double added = turn_by_hand(ratings, true, mean, noise, &fitted.damping[1], c, b);
        added += turn_by_hand(ratings, false, mean, noise, &fitted.damping[0], b, c);
        for (size_t e = 0; e < ratings->n; e++)
            if (!ratings->test[e])
                added += pow((float)ratings->rating[e] - mean - b[ratings->user[e]] -
                                 c[ratings->item[e]],
                             2);
        noise = added / n;
    }
    for (size_t e = 0; e < ratings->n; e++)
        if (ratings->test[e]) {
            double x = mean + b[ratings->user[e]] + c[ratings->item[e]];
            fitted.test += pow(fmin(fmax(x, low), high) - (float)ratings->rating[e], 2);
            n_test++;
        }
    fitted.test = sqrt(fitted.test / n_test);
    return fitted;
}

START_TEST(biases_are_those_of_the_dense_fit_and_damping_that_of_the_draw)
{
    Ratings ratings = draw_ratings();
    g_autoptr(GasketResult) result = ratings_train(&gasket_sgd, &ratings, "factors=1", 1);
    const Fitted fitted = fit_by_hand(&ratings);
    const double users = gasket_result_metric(result, "baseline.bias.user_damping"),
                 items = gasket_result_metric(result, "baseline.bias.item_damping");
    ck_assert_double_eq_tol(users, fitted.damping[0], 1e-3 * users);
    ck_assert_double_eq_tol(items, fitted.damping[1], 1e-3 * items);
    ck_assert_double_eq_tol(gasket_result_metric(result, "baseline.bias.rmse"), fitted.test, 1e-5);
    /* 0.8^2 / 0.5^2 and 0.8^2 / 1^2, as far as 150 and 90 draws can tell */
    ck_assert_double_eq_tol(users, 2.56, 0.8);
    ck_assert_double_eq_tol(items, 0.64, 0.25);
    ratings_clear(&ratings);
}
END_TEST

START_TEST(ratings_that_do_not_differ_are_predicted_exactly)
{
    Ratings ratings = ratings_new(200);
    for (int u = 0; u < 20; u++)
        for (int i = 0; i < 10; i++)
            ratings_add(&ratings, u, i, 4, (u + i) % 5 == 0);
    g_autoptr(GasketResult) result = ratings_train(&gasket_sgd, &ratings, "factors=1", 1);
    ck_assert_double_eq_tol(gasket_result_metric(result, "baseline.bias.rmse"), 0, 1e-6);
    ratings_clear(&ratings);
}
END_TEST

START_TEST(the_baseline_of_movielens_is_the_known_one)
{
    Ratings ratings;
    if (ratings_load(&ratings, "u1")) {
        g_autoptr(GasketResult) result = ratings_train(&gasket_sgd, &ratings, "factors=1", 1);
        ck_assert_double_le(gasket_result_metric(result, "baseline.bias.rmse"), 0.9536);
        ratings_clear(&ratings);
    }
}
END_TEST

int
main(void)
{
    TCase *biases = tcase_create("biases");
    tcase_add_test(biases, biases_are_those_of_the_dense_fit_and_damping_that_of_the_draw);
    tcase_add_test(biases, ratings_that_do_not_differ_are_predicted_exactly);
    tcase_add_test(biases, the_baseline_of_movielens_is_the_known_one);
    TCase *const cases[] = {biases};
    return check_run("biases", cases, G_N_ELEMENTS(cases));
}
