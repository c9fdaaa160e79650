/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alternating least squares, and what methods on ratings share, against dense brute force, planted
 * factors, and the published split of MovieLens.
 */
#include <math.h>
#include <string.h>

#include "algorithms/algorithms.h"
#include "loaders/ratings.h"
#include "tests/ratings_graphs.h"
#include "tests/ratings_times.h"

#define LAMBDA 0.1
#define RANK   3

static void *
parameters(const char *factors, const char *regularization, const char *top)
{
    void *given = g_malloc0(gasket_als.parameters_size);
    gasket_options_set_defaults(gasket_als.options, given);
    ck_assert(gasket_options_set(gasket_als.options, given, "factors", factors, NULL));
    ck_assert(
        gasket_options_set(gasket_als.options, given, "regularization", regularization, NULL));
    ck_assert(gasket_options_set(gasket_als.options, given, "top", top, NULL));
    return given;
}

static GasketResult *
run_als(const Planted *planted, const void *given, uint32_t iterations)
{
    GError *error = NULL;
    GasketGraph *graph = planted_build(planted);
    const GasketRunOptions options = {.iterations = iterations, .seed = 5};
    GasketResult *result = gasket_algorithm_run(&gasket_als, &graph, given, &options, &error);
    ck_assert_no_error(error);
    return result;
}

/* The mean of the training ratings. */
static double
mean_of(const Planted *planted)
{
    double sum = 0, n = 0;
    for (unsigned u = 0; u < planted->users; u++)
        for (unsigned i = 0; i < planted->items; i++)
            if (planted->part[u][i] == 1) {
                sum += planted->rating[u][i];
                n++;
            }
    return sum / n;
}

static double
predict(const GasketResult *result, double mean, unsigned rank, unsigned u, unsigned i)
{
    const float *p = gasket_result_column(result, 0), *bu = gasket_result_column(result, 1);
    const float *q = gasket_result_column(result, 2), *bi = gasket_result_column(result, 3);
    double x = mean + bu[u] + bi[i];
    for (unsigned f = 0; f < rank; f++)
        x += (double)p[u * rank + f] * q[i * rank + f];
    return x;
}

/* Solves a x = t by elimination with pivots. */
static void
eliminate(unsigned n, double a[RANK + 1][RANK + 1], double *t)
{
    for (unsigned c = 0; c < n; c++) {
        unsigned pivot = c;
        for (unsigned r = c; r < n; r++)
            if (fabs(a[r][c]) > fabs(a[pivot][c]))
                pivot = r;
        for (unsigned k = 0; k < n; k++) {
            double x = a[c][k];
            a[c][k] = a[pivot][k];
            a[pivot][k] = x;
        }
        double x = t[c];
        t[c] = t[pivot];
        t[pivot] = x;
        for (unsigned r = 0; r < n; r++) {
            double factor = a[r][c] / a[c][c];
            if (r == c)
                continue;
            for (unsigned k = 0; k < n; k++)
                a[r][k] -= factor * a[c][k];
            t[r] -= factor * t[c];
        }
    }
    for (unsigned c = 0; c < n; c++)
        t[c] /= a[c][c];
}

START_TEST(the_items_turn_is_the_dense_solution)
{
    const Planted planted = planted_new(12, 9, 2, 3);
    g_autofree void *given = parameters("3", "0.1", "0");
    g_autoptr(GasketResult) result = run_als(&planted, given, 2);
    const float *p = gasket_result_column(result, 0), *bu = gasket_result_column(result, 1);
    const float *q = gasket_result_column(result, 2), *bi = gasket_result_column(result, 3);
    const double mean = mean_of(&planted);
    ck_assert_double_eq_tol(gasket_result_metric(result, "mean"), mean, 1e-12);

    for (unsigned i = 0; i < planted.items; i++) {
        double a[RANK + 1][RANK + 1] = {{0}}, t[RANK + 1] = {0}, n = 0;
        for (unsigned u = 0; u < planted.users; u++) {
            if (planted.part[u][i] != 1)
                continue;
            double x[RANK + 1] = {p[u * RANK], p[u * RANK + 1], p[u * RANK + 2], 1};
            for (unsigned r = 0; r <= RANK; r++) {
                for (unsigned c = 0; c <= RANK; c++)
                    a[r][c] += x[r] * x[c];
                t[r] += x[r] * (planted.rating[u][i] - mean - bu[u]);
            }
            n++;
        }
        ck_assert_double_gt(n, 0);
        for (unsigned r = 0; r <= RANK; r++)
            a[r][r] += LAMBDA * n;
        eliminate(RANK + 1, a, t);
        for (unsigned f = 0; f < RANK; f++)
            ck_assert_double_eq_tol(q[i * RANK + f], t[f], 2e-5);
        ck_assert_double_eq_tol(bi[i], t[RANK], 2e-5);
    }
}
END_TEST

START_TEST(with_weights_the_items_turn_is_the_dense_solution_of_weighted_ratings)
{
    Ratings ratings = ratings_plant(30, 20, 2, 0.6, 0.5, false);
    g_autoptr(GasketResult) result =
        ratings_train_with_times(&gasket_als, &ratings,
                                 "factors=3 regularization=0.1 rating-weights=true", 2);
    const float *p = gasket_result_column(result, 0), *bu = gasket_result_column(result, 1);
    const float *q = gasket_result_column(result, 2), *bi = gasket_result_column(result, 3);
    const double mean = gasket_result_metric(result, "mean");
    for (unsigned i = 0; i < gasket_result_n(result, 1); i++) {
        double a[RANK + 1][RANK + 1] = {{0}}, t[RANK + 1] = {0}, n = 0;
        for (size_t e = 0; e < ratings.n; e++) {
            const int64_t u = (ratings.user[e] - 100) / 3; /* as ratings_plant names them */
            if (ratings.item[e] != 7 * i || ratings.test[e])
                continue;
            const double w = ratings_time(ratings.user[e], ratings.item[e]);
            const double x[RANK + 1] = {p[u * RANK], p[u * RANK + 1], p[u * RANK + 2], 1};
            for (unsigned r = 0; r <= RANK; r++) {
                for (unsigned c = 0; c <= RANK; c++)
                    a[r][c] += w * x[r] * x[c];
                t[r] += w * x[r] * (ratings.rating[e] - mean - bu[u]);
            }
            n += w;
        }
        for (unsigned r = 0; r <= RANK; r++)
            a[r][r] += LAMBDA * n;
        eliminate(RANK + 1, a, t);
        for (unsigned f = 0; f < RANK; f++)
            ck_assert_double_eq_tol(q[i * RANK + f], t[f], 1e-4);
        ck_assert_double_eq_tol(bi[i], t[RANK], 1e-4);
    }
    ratings_clear(&ratings);
}
END_TEST

static double
objective(const Planted *planted, const GasketResult *result)
{
    const float *p = gasket_result_column(result, 0), *bu = gasket_result_column(result, 1);
    const float *q = gasket_result_column(result, 2), *bi = gasket_result_column(result, 3);
    const double mean = mean_of(planted);
    double sum = 0;
    for (unsigned u = 0; u < planted->users; u++) {
        for (unsigned i = 0; i < planted->items; i++) {
            if (planted->part[u][i] != 1)
                continue;
            double miss = planted->rating[u][i] - predict(result, mean, RANK, u, i);
            double size = (double)bu[u] * bu[u] + (double)bi[i] * bi[i];
            for (unsigned f = 0; f < RANK; f++)
                size += (double)p[u * RANK + f] * p[u * RANK + f] +
                        (double)q[i * RANK + f] * q[i * RANK + f];
            sum += miss * miss + LAMBDA * size;
        }
    }
    return sum;
}

START_TEST(the_objective_never_grows)
{
    const Planted planted = planted_new(30, 20, 2, 11);
    g_autofree void *given = parameters("3", "0.1", "0");
    double last = INFINITY, first = 0;
    for (unsigned n = 1; n <= 12; n++) {
        g_autoptr(GasketResult) result = run_als(&planted, given, n);
        double now = objective(&planted, result);
        ck_assert_msg(now <= last * (1 + 1e-6), "iteration %u: %.9g after %.9g", n, now, last);
        first = n == 1 ? now : first;
        last = now;
    }
    ck_assert_double_lt(last, 0.9 * first);
}
END_TEST

/* The objective with magnitudes; ret_zeros: factors that are 0. */
static double
sparse_objective(const Planted *planted, const GasketResult *result, double l1, unsigned *ret_zeros)
{
    const float *p = gasket_result_column(result, 0), *q = gasket_result_column(result, 2);
    double sum = objective(planted, result);
    *ret_zeros = 0;
    for (unsigned u = 0; u < planted->users; u++)
        for (unsigned i = 0; i < planted->items; i++)
            for (unsigned f = 0; f < RANK && planted->part[u][i] == 1; f++)
                sum += l1 * (fabsf(p[u * RANK + f]) + fabsf(q[i * RANK + f]));
    for (unsigned f = 0; f < planted->items * RANK; f++)
        *ret_zeros += q[f] == 0;
    return sum;
}

/* Whether no single factor of an item can be changed to lower the objective. */
static void
assert_items_are_minima(const Planted *planted, const GasketResult *result, double l1)
{
    const float *p = gasket_result_column(result, 0), *q = gasket_result_column(result, 2);
    const double mean = mean_of(planted);
    for (unsigned i = 0; i < planted->items; i++)
        for (unsigned f = 0; f < RANK; f++) {
            const double x = q[i * RANK + f];
            double slope = 0, n = 0;
            for (unsigned u = 0; u < planted->users; u++) {
                if (planted->part[u][i] != 1)
                    continue;
                slope -= 2 * p[u * RANK + f] *
                         (planted->rating[u][i] - predict(result, mean, RANK, u, i));
                slope += 2 * LAMBDA * x;
                n++;
            }
            if (x == 0)
                ck_assert_double_le(fabs(slope), l1 * n * 1.001 + 1e-3);
            else
                ck_assert_double_eq_tol(slope, x > 0 ? -l1 * n : l1 * n, 0.02 * n);
        }
}

START_TEST(with_magnitudes_the_objective_never_grows_and_factors_become_zero)
{
    const double l1 = 0.3;
    const Planted planted = planted_new(30, 20, 2, 11);
    g_autofree void *given = parameters("3", "0.1", "0");
    ck_assert(gasket_options_set(gasket_als.options, given, "l1", "0.3", NULL));
    ck_assert(gasket_options_set(gasket_als.options, given, "deviation", "1", NULL));
    double last = INFINITY;
    unsigned zeros = 0;
    for (unsigned n = 1; n <= 12; n++) {
        g_autoptr(GasketResult) result = run_als(&planted, given, n);
        const double now = sparse_objective(&planted, result, l1, &zeros);
        ck_assert_msg(now <= last * (1 + 1e-6), "iteration %u: %.9g after %.9g", n, now, last);
        last = now;
        if (n == 12)
            assert_items_are_minima(&planted, result, l1);
    }
    ck_assert_uint_gt(zeros, 0);
    ck_assert_uint_lt(zeros, planted.items * RANK);
}
END_TEST

START_TEST(planted_factors_are_found)
{
    const Planted planted = planted_new(60, 50, 2, 21);
    g_autofree void *given = parameters("4", "0.001", "0");
    g_autoptr(GasketResult) result = run_als(&planted, given, 60);
    ck_assert_double_lt(gasket_result_metric(result, "test.rmse"), 0.05);
    ck_assert_double_gt(gasket_result_metric(result, "baseline.bias.rmse"), 0.8);
}
END_TEST

START_TEST(errors_are_those_of_the_predictions)
{
    const Planted planted = planted_new(25, 20, 2, 31);
    g_autofree void *given = parameters("3", "0.1", "0");
    g_autoptr(GasketResult) result = run_als(&planted, given, 5);
    double low = INFINITY, high = -INFINITY, mean = mean_of(&planted);
    double squares[3] = {0}, magnitudes[3] = {0}, n[3] = {0}, plain = 0;
    for (unsigned u = 0; u < planted.users; u++)
        for (unsigned i = 0; i < planted.items; i++)
            if (planted.part[u][i] == 1) {
                low = fmin(low, planted.rating[u][i]);
                high = fmax(high, planted.rating[u][i]);
            }
    for (unsigned u = 0; u < planted.users; u++)
        for (unsigned i = 0; i < planted.items; i++) {
            unsigned part = planted.part[u][i];
            double x = fmin(high, fmax(low, predict(result, mean, RANK, u, i)));
            double miss = x - planted.rating[u][i];
            squares[part] += miss * miss;
            magnitudes[part] += fabs(miss);
            n[part]++;
            if (part == 2)
                plain += pow(fmin(high, fmax(low, mean)) - planted.rating[u][i], 2);
        }
    ck_assert_double_eq(gasket_result_metric(result, "low"), low);
    ck_assert_double_eq(gasket_result_metric(result, "high"), high);
    ck_assert_double_eq_tol(gasket_result_metric(result, "train.rmse"), sqrt(squares[1] / n[1]),
                            1e-9);
    ck_assert_double_eq_tol(gasket_result_metric(result, "test.rmse"), sqrt(squares[2] / n[2]),
                            1e-9);
    ck_assert_double_eq_tol(gasket_result_metric(result, "test.mae"), magnitudes[2] / n[2], 1e-9);
    ck_assert_double_eq_tol(gasket_result_metric(result, "baseline.mean.rmse"), sqrt(plain / n[2]),
                            1e-9);
}
END_TEST

/* Figures of one user by looking at every pair; order: items, best first, without those seen. */
static void
add_by_hand(const Planted *planted, unsigned u, const double *score, unsigned top, double *sums)
{
    double hits = 0, map = 0, ndcg = 0, ideal = 0, first = 0, before = 0, pairs = 0, m = 0;
    for (unsigned i = 0; i < planted->items; i++) {
        if (planted->part[u][i] != 2)
            continue;
        unsigned rank = 1, earlier = 1;
        for (unsigned j = 0; j < planted->items; j++) {
            bool ahead = score[j] > score[i] || (score[j] == score[i] && j < i);
            if (planted->part[u][j] == 1 || i == j)
                continue;
            rank += ahead;
            earlier += ahead && planted->part[u][j] == 2;
            before += !ahead && planted->part[u][j] == 0;
            pairs += planted->part[u][j] == 0;
        }
        m++;
        first = fmax(first, 1.0 / rank);
        if (rank > top)
            continue;
        hits++;
        map += (double)earlier / rank;
        ndcg += 1 / log2(rank + 1.0);
    }
    if (pairs == 0)
        return;
    for (unsigned r = 1; r <= fmin(m, top); r++)
        ideal += 1 / log2(r + 1.0);
    const double figures[] = {hits / top,         hits / m,     hits > 0 ? 1 : 0, first,
                              map / fmin(m, top), ndcg / ideal, before / pairs,   1};
    for (unsigned f = 0; f < G_N_ELEMENTS(figures); f++)
        sums[f] += figures[f];
}

START_TEST(ranking_metrics_are_those_of_every_pair)
{
    static const char *const names[] = {"precision", "recall", "hit", "mrr", "map", "ndcg", "auc"};
    const Planted planted = planted_new(30, 40, 2, 41);
    g_autofree void *given = parameters("3", "0.1", "4");
    g_autoptr(GasketResult) result = run_als(&planted, given, 5);
    double model[8] = {0}, popular[8] = {0}, popularity[PLANTED_MAX] = {0};
    for (unsigned u = 0; u < planted.users; u++)
        for (unsigned i = 0; i < planted.items; i++)
            popularity[i] += planted.part[u][i] == 1;
    for (unsigned u = 0; u < planted.users; u++) {
        double score[PLANTED_MAX];
        for (unsigned i = 0; i < planted.items; i++)
            score[i] = predict(result, 0, RANK, u, i);
        add_by_hand(&planted, u, score, 4, model);
        add_by_hand(&planted, u, popularity, 4, popular);
    }
    ck_assert_double_eq(gasket_result_metric(result, "ranking.users"), model[7]);
    for (unsigned f = 0; f < G_N_ELEMENTS(names); f++) {
        g_autofree char *ranking = g_strconcat("ranking.", names[f], NULL);
        g_autofree char *baseline = g_strconcat("baseline.popularity.", names[f], NULL);
        ck_assert_double_eq_tol(gasket_result_metric(result, ranking), model[f] / model[7], 1e-12);
        ck_assert_double_eq_tol(gasket_result_metric(result, baseline), popular[f] / popular[7],
                                1e-12);
    }
}
END_TEST

START_TEST(bits_are_the_same_everywhere)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    const Planted planted = planted_new(20, 25, 2, 51);
    g_autofree void *given = parameters("9", "0.1", "3");
    if (_i == 1)
        ck_assert(gasket_options_set(gasket_als.options, given, "l1", "0.05", NULL));
    const Experiment experiment = {&gasket_als,      given,     planted_build,
                                   .data = &planted, .seed = 2, .iterations = 3};
    /* Lengths and offsets of the columns are those that prepare fills in. */
    GasketResultColumn columns[4];
    memcpy(columns, gasket_als.results, sizeof columns);
    GasketNeeds needs[3];
    ck_assert(gasket_als.prepare(given, 0, needs, columns, NULL));
    GasketAlgorithm prepared = gasket_als;
    prepared.results = columns;
    Experiment copy = experiment;
    copy.algorithm = &prepared;
    g_autoptr(GasketResult) result = run_everywhere(&copy, workers);
    ck_assert_uint_eq(gasket_result_n(result, 0), planted.users);
    ck_assert_uint_eq(gasket_result_n(result, 1), planted.items);
}
END_TEST

START_TEST(movielens_is_predicted_as_well_as_it_should_be)
{
    g_autofree char *base = check_data("ratings/ml-100k/u1.base");
    g_autofree char *test = check_data("ratings/ml-100k/u1.test");
    if (base == NULL || test == NULL)
        return;
    const char *const inputs[] = {base, test};
    const GasketRatingsOptions options = {.load = {.inputs = inputs, .n_inputs = 2, .n_test = 1},
                                          .holdout = GASKET_HOLDOUT_NONE};
    GError *error = NULL;
    GasketGraph *graph = gasket_ratings_load(&options, NULL, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(gasket_graph_n_edges(graph, 0), 80000);
    ck_assert_uint_eq(gasket_graph_n_edges(graph, 1), 20000);
    g_autoptr(GasketResult) result = gasket_algorithm_run(&gasket_als, &graph, NULL, NULL, &error);
    ck_assert_no_error(error);
    ck_assert_double_le(gasket_result_metric(result, "test.rmse"), 0.935);
    ck_assert_double_eq_tol(gasket_result_metric(result, "baseline.mean.rmse"), 1.15368, 1e-4);
}
END_TEST

START_TEST(a_graph_without_ratings_is_refused)
{
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "vertex");
    gasket_graph_builder_add_relation(builder, "edges", 0, 0, false);
    const int64_t u = 1, v = 2;
    ck_assert(gasket_graph_builder_add_edges(builder, 0, 1, &u, &v, NULL, NULL));
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, NULL, NULL);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(gasket_algorithm_run(&gasket_als, &graph, NULL, NULL, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
}
END_TEST

int
main(void)
{
    TCase *als = tcase_create("als");
    tcase_set_timeout(als, 120);
    tcase_add_test(als, the_items_turn_is_the_dense_solution);
    tcase_add_test(als, with_weights_the_items_turn_is_the_dense_solution_of_weighted_ratings);
    tcase_add_test(als, the_objective_never_grows);
    tcase_add_test(als, with_magnitudes_the_objective_never_grows_and_factors_become_zero);
    tcase_add_test(als, planted_factors_are_found);
    tcase_add_test(als, errors_are_those_of_the_predictions);
    tcase_add_test(als, ranking_metrics_are_those_of_every_pair);
    tcase_add_loop_test(als, bits_are_the_same_everywhere, 0, 2);
    tcase_add_test(als, movielens_is_predicted_as_well_as_it_should_be);
    tcase_add_test(als, a_graph_without_ratings_is_refused);
    TCase *const cases[] = {als};
    return check_run("als", cases, G_N_ELEMENTS(cases));
}
