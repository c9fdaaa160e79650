/* SPDX-License-Identifier: Apache-2.0 */
/* SVD++ with times: an iteration against the same done densely, planted changes that only times
 * explain, every placement, and ratings without times. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/ratings_times.h"

enum { USERS = 7, ITEMS = 6, RANK = 2, BINS = 3, LONG = 2 * RANK + BINS + 2 };

/* ---- a dense iteration ----------------------------------------------------------------------- */

typedef struct {
    double p[USERS][LONG], q[ITEMS][LONG], b[USERS], c[ITEMS], mean;
} Dense;

static Dense
dense_of(const GasketResult *result)
{
    Dense dense = {.mean = gasket_result_metric(result, "mean")};
    const float *p = gasket_result_column(result, 0), *b = gasket_result_column(result, 1);
    const float *q = gasket_result_column(result, 2), *c = gasket_result_column(result, 3);
    for (int u = 0; u < USERS; u++) {
        dense.b[u] = b[u];
        for (int f = 0; f < LONG; f++)
            dense.p[u][f] = p[u * LONG + f];
    }
    for (int i = 0; i < ITEMS; i++) {
        dense.c[i] = c[i];
        for (int f = 0; f < LONG; f++)
            dense.q[i][f] = q[i * LONG + f];
    }
    return dense;
}

/* One rating's step; t: what stands for the sum over what the user has rated. */
static void
step(Dense *dense, int u, int i, double rating, double share, double *t)
{
    const double rate = 0.05, l = 0.2, l_bias = 0.1, l_implicit = 0.3, l_time = 0.4, l_bin = 0.5;
    double *p = dense->p[u], *q = dense->q[i], *drift = p + RANK + BINS;
    double *slope = p + 2 * RANK + BINS, *bin = q + RANK + (int)fmin(share * BINS, BINS - 1);
    const double dev = copysign(pow(fabs(share - slope[1]), 0.4), share - slope[1]);
    double e = rating - dense->mean - dense->b[u] - dense->c[i] - *slope * dev - *bin;
    for (int f = 0; f < RANK; f++)
        e -= q[f] * (p[f] + t[f] + dev * drift[f]);
    for (int f = 0; f < RANK; f++) {
        const double old_p = p[f], old_q = q[f], old_t = t[f], old_drift = drift[f];
        drift[f] += rate * (e * dev * old_q - l_time * old_drift);
        /* q meets the drift first, then the rest */
        const double moved = old_q + rate * e * dev * old_drift;
        p[f] += rate * (e * moved - l * old_p);
        t[f] += rate * (e * moved - l_implicit * old_t);
        q[f] = moved + rate * (e * (old_p + old_t) - l * moved);
    }
    dense->b[u] += rate * (e - l_bias * dense->b[u]);
    dense->c[i] += rate * (e - l_bias * dense->c[i]);
    *slope += rate * (e * dev - l_time * *slope);
    *bin += rate * (e - l_bin * *bin);
}

static Ratings
tiny_ratings(void)
{
    Ratings ratings = ratings_new((size_t)USERS * ITEMS);
    GasketRandom random = gasket_random_at(4, 0, 0, 0);
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            if (u == i || gasket_random_below(&random, 5) < 3 || i == 0)
                ratings_add(&ratings, u, i, 1 + gasket_random_below(&random, 5), false);
    return ratings;
}

START_TEST(an_iteration_is_the_dense_one)
{
    static const char *const rest =
        "factors=2 bins=3 gain=1 regularization=0.2 bias-regularization=0.1 "
        "implicit-regularization=0.3 time-regularization=0.4 bin-regularization=0.5";
    Ratings ratings = tiny_ratings();
    g_autofree char *still = g_strconcat(rest, " rate=1e-9", NULL);
    g_autofree char *moving = g_strconcat(rest, " rate=0.05", NULL);
    g_autoptr(GasketResult) before =
        ratings_train_with_times(&gasket_time_svdpp, &ratings, still, 1);
    g_autoptr(GasketResult) after =
        ratings_train_with_times(&gasket_time_svdpp, &ratings, moving, 1);
    Dense dense = dense_of(before);
    const Dense found = dense_of(after);
    double t[USERS][RANK] = {{0}}, n[USERS] = {0}, m[ITEMS] = {0}, y[ITEMS][RANK] = {{0}};
    double first = INFINITY, last = -INFINITY;
    for (size_t e = 0; e < ratings.n; e++) {
        const double time = ratings_time(ratings.user[e], ratings.item[e]);
        first = fmin(first, time);
        last = fmax(last, time);
        n[ratings.user[e]]++;
        m[ratings.item[e]]++;
    }
    for (size_t e = 0; e < ratings.n; e++) {
        const int u = (int)ratings.user[e], i = (int)ratings.item[e];
        step(&dense, u, i, ratings.rating[e], (ratings_time(u, i) - first) / (last - first), t[u]);
    }
    for (size_t e = 0; e < ratings.n; e++)
        for (int f = 0; f < RANK; f++)
            y[ratings.item[e]][f] +=
                t[ratings.user[e]][f] / sqrt(n[ratings.user[e]]) / m[ratings.item[e]];
    for (size_t e = 0; e < ratings.n; e++)
        for (int f = 0; f < RANK; f++)
            dense.p[ratings.user[e]][f] += y[ratings.item[e]][f] / sqrt(n[ratings.user[e]]);
    for (int u = 0; u < USERS; u++)
        ck_assert_double_eq_tol(dense.b[u], found.b[u], 1e-4);
    for (int u = 0; u < USERS; u++)
        for (int f = 0; f < LONG; f++)
            ck_assert_double_eq_tol(dense.p[u][f], found.p[u][f], 1e-4);
    for (int i = 0; i < ITEMS; i++)
        for (int f = 0; f < LONG; f++)
            ck_assert_double_eq_tol(dense.q[i][f], found.q[i][f], 1e-4);
    ratings_clear(&ratings);
}
END_TEST

/* ---- planted ratings ------------------------------------------------------------------------- */

/* Every second item falls by 2 in the middle of the time; users grow kinder or stricter. */
static Ratings
changing_ratings(void)
{
    Ratings ratings = ratings_new(4000);
    GasketRandom random = gasket_random_at(6, 0, 0, 0);
    for (int u = 0; u < 60; u++)
        for (int i = 0; i < 40; i++)
            if (gasket_random_below(&random, 2) == 0) {
                const double share = (ratings_time(u, i) - 1000) / 100;
                ratings_add(&ratings, u, i,
                            3 + (i % 2 == 0 && share > 0.5 ? -2 : 0) +
                                (u % 2 == 0 ? 1 : -1) * 2 * (share - 0.5),
                            gasket_random_below(&random, 6) == 0);
            }
    return ratings;
}

START_TEST(what_changes_with_time_is_found)
{
    Ratings ratings = changing_ratings();
    g_autoptr(GasketResult) plain =
        ratings_train_with_times(&gasket_svdpp, &ratings, "factors=2", 60);
    g_autoptr(GasketResult) early =
        ratings_train_with_times(&gasket_time_svdpp, &ratings,
                                 "factors=2 bins=4 bin-regularization=0.1", 2);
    g_autoptr(GasketResult) timed =
        ratings_train_with_times(&gasket_time_svdpp, &ratings,
                                 "factors=2 bins=4 bin-regularization=0.1 decay=1", 60);
    ck_assert_double_gt(gasket_result_metric(plain, "test.rmse"), 0.8);
    ck_assert_double_lt(gasket_result_metric(timed, "test.rmse"), 0.4);
    ck_assert_double_lt(gasket_result_metric(timed, "train.rmse"),
                        gasket_result_metric(early, "train.rmse"));
    ratings_clear(&ratings);
}
END_TEST

START_TEST(the_bits_are_the_same_in_every_placement)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    Ratings ratings = changing_ratings();
    g_autofree void *parameters = ratings_parameters(&gasket_time_svdpp, "factors=3");
    const Experiment experiment = {&gasket_time_svdpp, parameters, ratings_build_with_times,
                                   .data = &ratings,   .seed = 5,  .iterations = 2};
    gasket_result_free(run_everywhere(&experiment, workers));
    ratings_clear(&ratings);
}
END_TEST

START_TEST(ratings_without_times_are_refused)
{
    Ratings ratings = tiny_ratings();
    const Experiment experiment = {&gasket_time_svdpp, NULL, ratings_build, .data = &ratings};
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
    TCase *times = tcase_create("times");
    tcase_set_timeout(times, 120);
    tcase_add_test(times, an_iteration_is_the_dense_one);
    tcase_add_test(times, what_changes_with_time_is_found);
    tcase_add_test(times, the_bits_are_the_same_in_every_placement);
    tcase_add_test(times, ratings_without_times_are_refused);
    TCase *const cases[] = {times};
    return check_run("time_svdpp", cases, G_N_ELEMENTS(cases));
}
