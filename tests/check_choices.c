/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that learn to rank from what was chosen and what was not: an iteration against the same
 * done densely, what they lower or raise, planted groups, every placement. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "algorithms/bpr.h"
#include "tests/ratings_train.h"

enum { USERS = 9, ITEMS = 14, RANK = 3, WIDTH = RANK + 1 };

typedef struct {
    double p[USERS][WIDTH], q[ITEMS][WIDTH];
    double count[USERS][ITEMS]; /* 0: none */
} Dense;

static Ratings
tiny_ratings(void)
{
    Ratings ratings = ratings_new((size_t)USERS * ITEMS);
    GasketRandom random = gasket_random_at(3, 0, 0, 0);
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            if (i == u || i - USERS == u || gasket_random_below(&random, 5) < 2)
                ratings_add(&ratings, u, i, 1 + gasket_random_below(&random, 3), false);
    return ratings;
}

static Dense
dense_after(const GasketAlgorithm *algorithm, const Ratings *ratings, const char *options,
            uint32_t iterations)
{
    Dense dense = {0};
    g_autoptr(GasketResult) result = ratings_train(algorithm, ratings, options, iterations);
    const float *p = gasket_result_column(result, 0), *b = gasket_result_column(result, 1);
    const float *q = gasket_result_column(result, 2), *c = gasket_result_column(result, 3);
    for (int u = 0; u < USERS; u++)
        for (int f = 0; f < WIDTH; f++)
            dense.p[u][f] = f < RANK ? p[u * RANK + f] : b[u];
    for (int i = 0; i < ITEMS; i++)
        for (int f = 0; f < WIDTH; f++)
            dense.q[i][f] = f < RANK ? q[i * RANK + f] : c[i];
    for (size_t e = 0; e < ratings->n; e++)
        dense.count[ratings->user[e]][ratings->item[e]] = ratings->rating[e];
    return dense;
}

static double
product(const double *p, const double *q)
{
    double sum = 0;
    for (int f = 0; f < RANK; f++)
        sum += p[f] * q[f];
    return sum;
}

static void
assert_close(const Dense *expected, const Dense *found, double tolerance)
{
    for (int u = 0; u < USERS; u++)
        for (int f = 0; f < WIDTH; f++)
            ck_assert_double_eq_tol(expected->p[u][f], found->p[u][f], tolerance);
    for (int i = 0; i < ITEMS; i++)
        for (int f = 0; f < WIDTH; f++)
            ck_assert_double_eq_tol(expected->q[i][f], found->q[i][f], tolerance);
}

/* ---- Bayesian personalised ranking ----------------------------------------------------------- */

static int
draw_unrated(GasketRandom *random, const Dense *dense, int u)
{
    for (int draw = 0; draw < 64; draw++) {
        const int j = (int)gasket_random_below(random, ITEMS);
        if (!(dense->count[u][j] > 0))
            return j;
    }
    return -1;
}

/* The (position + 1)-th item that u has rated. */
static int
rated_at(const Dense *dense, int u, unsigned position)
{
    for (int i = 0; i < ITEMS; i++)
        if (dense->count[u][i] > 0 && position-- == 0)
            return i;
    return -1;
}

static unsigned
n_rated(const Dense *dense, int u)
{
    unsigned n = 0;
    for (int i = 0; i < ITEMS; i++)
        n += dense->count[u][i] > 0;
    return n;
}

static double
preference(const double *p, const double *qi, const double *qj)
{
    return product(p, qi) + qi[RANK] - product(p, qj) - qj[RANK];
}

static void
bpr_items(Dense *dense, const int told[USERS][2][BPR_TOLD], double rate, double l)
{
    const Dense before = *dense;
    unsigned all = 0;
    for (int u = 0; u < USERS; u++)
        all += n_rated(dense, u);
    for (int i = 0; i < ITEMS; i++) {
        GasketRandom random = gasket_random_at(1, BPR_STREAM_ITEMS, (uint32_t)i, 0);
        int rater[USERS], n = 0, done = 0;
        for (int u = 0; u < USERS; u++)
            if (dense->count[u][i] > 0)
                rater[n++] = u;
        const int m = n + (int)((double)all / ITEMS + gasket_random_double(&random));
        for (int t = 0; t < m; t++) {
            const bool positive = (t + 1) * n / m > done;
            double *q = dense->q[i], sign = 1, x;
            int u, other;
            if (positive) {
                u = rater[done++];
                other = told[u][1][gasket_random_below(&random, BPR_TOLD)];
            } else {
                unsigned at = (unsigned)(gasket_random_double(&random) * all);
                for (u = 0; at >= n_rated(dense, u); u++)
                    at -= n_rated(dense, u);
                other = told[u][0][gasket_random_below(&random, BPR_TOLD)];
                sign = -1;
                if (dense->count[u][i] > 0)
                    continue;
            }
            x = sign * preference(dense->p[u], q, before.q[other]);
            for (int f = 0; f < WIDTH; f++)
                q[f] += rate * (sign / (1 + exp(x)) * (f < RANK ? dense->p[u][f] : 1) - l * q[f]);
        }
    }
}

static void
bpr_step(Dense *dense, double rate, double l)
{
    int told[USERS][2][BPR_TOLD];
    for (int u = 0; u < USERS; u++) {
        GasketRandom random = gasket_random_at(1, BPR_STREAM_USERS, (uint32_t)u, 0);
        for (int i = 0; i < ITEMS; i++) {
            if (!(dense->count[u][i] > 0))
                continue;
            const int j = draw_unrated(&random, dense, u);
            const double g = 1 / (1 + exp(preference(dense->p[u], dense->q[i], dense->q[j])));
            for (int f = 0; f < RANK; f++)
                dense->p[u][f] +=
                    rate * (g * (dense->q[i][f] - dense->q[j][f]) - l * dense->p[u][f]);
        }
        for (int d = 0; d < BPR_TOLD; d++) {
            told[u][0][d] = rated_at(dense, u, gasket_random_below(&random, n_rated(dense, u)));
            told[u][1][d] = draw_unrated(&random, dense, u);
        }
    }
    bpr_items(dense, (const int(*)[2][BPR_TOLD])told, rate, l);
}

START_TEST(an_iteration_of_bpr_is_the_dense_one)
{
    Ratings ratings = tiny_ratings();
    /* With the smallest rate nothing moves: what was drawn at the start. */
    Dense dense = dense_after(&gasket_bpr, &ratings, "factors=3 rate=1e-9", 1);
    const Dense found =
        dense_after(&gasket_bpr, &ratings, "factors=3 rate=0.5 regularization=0.1", 1);
    bpr_step(&dense, 0.5, 0.1);
    assert_close(&dense, &found, 1e-5);
    ratings_clear(&ratings);
}
END_TEST

/* ---- logistic -------------------------------------------------------------------------------- */

/* g of one side at v; own and other are its rows. */
static void
logistic_gradient(const Dense *dense, bool users, int v, double l, double *g)
{
    const double *own = users ? dense->p[v] : dense->q[v];
    for (int f = 0; f < WIDTH; f++)
        g[f] = -l * own[f];
    for (int w = 0; w < (users ? ITEMS : USERS); w++) {
        const double *other = users ? dense->q[w] : dense->p[w];
        const double count = 2 * (users ? dense->count[v][w] : dense->count[w][v]);
        const double x = product(own, other) + own[RANK] + other[RANK];
        const double weight = count - (1 + count) / (1 + exp(-x));
        for (int f = 0; f < WIDTH; f++)
            g[f] += weight * (f < RANK ? other[f] : 1);
    }
}

START_TEST(iterations_of_logistic_mf_are_the_dense_ones)
{
    Ratings ratings = tiny_ratings();
    Dense dense = dense_after(&gasket_logistic_mf, &ratings, "factors=3 rate=1e-9", 1);
    const Dense found = dense_after(&gasket_logistic_mf, &ratings,
                                    "factors=3 alpha=2 rate=0.1 regularization=0.5", 3);
    double squares[2][ITEMS][WIDTH] = {{{0}}};
    for (unsigned iteration = 0; iteration < 3; iteration++)
        for (unsigned kind = 0; kind < 2; kind++) {
            const Dense before = dense;
            for (int v = 0; v < (kind == 0 ? USERS : ITEMS); v++) {
                double g[WIDTH], *own = kind == 0 ? dense.p[v] : dense.q[v];
                logistic_gradient(&before, kind == 0, v, 0.5, g);
                for (int f = 0; f < WIDTH; f++) {
                    squares[kind][v][f] += g[f] * g[f];
                    own[f] += 0.1 * g[f] / sqrt(squares[kind][v][f]);
                }
            }
        }
    assert_close(&dense, &found, 1e-4);
    ratings_clear(&ratings);
}
END_TEST

/* ---- both ------------------------------------------------------------------------------------ */

/* Two groups of users who choose their group's items alone. */
static Ratings
grouped_ratings(void)
{
    Ratings ratings = ratings_new(6000);
    GasketRandom random = gasket_random_at(9, 0, 0, 0);
    for (int u = 0; u < 60; u++)
        for (int i = 0; i < 40; i++)
            if (u % 2 == i % 2 && gasket_random_below(&random, 10) < 5)
                ratings_add(&ratings, u, i, 1, gasket_random_below(&random, 5) == 0);
    return ratings;
}

typedef struct {
    const GasketAlgorithm *algorithm;
    const char *options, *metric;
    double sign; /* -1: the metric falls */
} Method;

static const Method methods[] = {
    {&gasket_bpr, "factors=4 top=5", "loss", -1},
    {&gasket_logistic_mf, "factors=4 top=5 alpha=2 rate=0.1 regularization=1", "objective", 1},
    {&gasket_logistic_mf, "factors=4 top=5 alpha=2 rate=0.1 regularization=1 negatives=20",
     "objective", 1},
};

START_TEST(what_is_learnt_gets_better_and_planted_groups_are_found)
{
    static const unsigned iterations[] = {1, 3, 9, 27};
    const Method *method = &methods[_i];
    Ratings ratings = grouped_ratings();
    double last = -INFINITY;
    for (unsigned n = 0; n < G_N_ELEMENTS(iterations); n++) {
        g_autoptr(GasketResult) result =
            ratings_train(method->algorithm, &ratings, method->options, iterations[n]);
        const double now = method->sign * gasket_result_metric(result, method->metric);
        ck_assert_double_gt(now, last);
        last = now;
        if (n + 1 == G_N_ELEMENTS(iterations))
            ck_assert_double_gt(gasket_result_metric(result, "ranking.auc"), 0.8);
    }
    ratings_clear(&ratings);
}
END_TEST

START_TEST(the_bits_are_the_same_in_every_placement)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    const Method *method = &methods[_i];
    Ratings ratings = grouped_ratings();
    g_autofree void *parameters = ratings_parameters(method->algorithm, method->options);
    Experiment experiment = {method->algorithm, parameters, ratings_build,
                             .data = &ratings,  .seed = 5,  .iterations = 2};
    gasket_result_free(run_everywhere(&experiment, workers));
    ratings_clear(&ratings);
}
END_TEST

START_TEST(movielens_is_ranked_better_than_by_popularity)
{
    static const GasketAlgorithm *const algorithms[] = {&gasket_bpr, &gasket_logistic_mf};
    static const char *const options[] = {"top=10", "top=10 negatives=60"};
    Ratings ratings;
    if (!check_is_short() && ratings_load(&ratings, "u1")) {
        g_autoptr(GasketResult) result = ratings_train(algorithms[_i], &ratings, options[_i], 10);
        ck_assert_double_gt(gasket_result_metric(result, "ranking.ndcg"), 0.36);
        ck_assert_double_lt(gasket_result_metric(result, "baseline.popularity.ndcg"), 0.33);
        ratings_clear(&ratings);
    }
}
END_TEST

int
main(void)
{
    TCase *choices = tcase_create("choices");
    tcase_set_timeout(choices, 120);
    tcase_add_test(choices, an_iteration_of_bpr_is_the_dense_one);
    tcase_add_test(choices, iterations_of_logistic_mf_are_the_dense_ones);
    tcase_add_loop_test(choices, what_is_learnt_gets_better_and_planted_groups_are_found, 0,
                        G_N_ELEMENTS(methods));
    tcase_add_loop_test(choices, the_bits_are_the_same_in_every_placement, 0,
                        G_N_ELEMENTS(methods));
    tcase_add_loop_test(choices, movielens_is_ranked_better_than_by_popularity, 0, 2);
    TCase *const cases[] = {choices};
    return check_run("choices", cases, G_N_ELEMENTS(cases));
}
