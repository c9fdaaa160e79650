/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbours of items and users: lists, errors and rankings against brute force over all pairs, in
 * every placement; planted groups; MovieLens. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/ratings_train.h"

enum { USERS = 24, ITEMS = 18, K = 6 };

typedef struct {
    double r[USERS][ITEMS];
    uint8_t part[USERS][ITEMS]; /* 0 nothing, 1 training, 2 test */
    double bias[2][USERS], mean, low, high;
} Table;

typedef struct {
    const GasketAlgorithm *algorithm;
    const char *similarity;
} Method;

static const Method methods[] = {
    {&gasket_itemknn, "centred"}, {&gasket_itemknn, "cosine"},  {&gasket_itemknn, "jaccard"},
    {&gasket_itemknn, "bm25"},    {&gasket_userknn, "centred"}, {&gasket_userknn, "bm25"},
};

static Ratings
draw_ratings(void)
{
    Ratings ratings = ratings_new((size_t)USERS * ITEMS);
    GasketRandom random = gasket_random_at(8, 0, 0, 0);
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            if (gasket_random_below(&random, 5) < 3 || u == i)
                ratings_add(&ratings, u, i, 1 + gasket_random_below(&random, 5),
                            u != i && gasket_random_below(&random, 5) == 0);
    return ratings;
}

static Table
table_of(const Ratings *ratings, const GasketResult *result)
{
    Table table = {.mean = gasket_result_metric(result, "mean"),
                   .low = gasket_result_metric(result, "low"),
                   .high = gasket_result_metric(result, "high")};
    for (size_t e = 0; e < ratings->n; e++) {
        table.r[ratings->user[e]][ratings->item[e]] = ratings->rating[e];
        table.part[ratings->user[e]][ratings->item[e]] = ratings->test[e] ? 2 : 1;
    }
    for (unsigned kind = 0; kind < 2; kind++)
        for (unsigned v = 0; v < (kind == 0 ? USERS : ITEMS); v++)
            table.bias[kind][v] = ((const float *)gasket_result_column(result, 2 + kind))[v];
    return table;
}

/* The table as the own kind sees it: vertex a of it, and rater x; rated: 0 where there is none. */
static double
rating_at(const Table *table, bool items, unsigned a, unsigned x, bool *ret_rated)
{
    *ret_rated = (items ? table->part[x][a] : table->part[a][x]) == 1;
    return items ? table->r[x][a] : table->r[a][x];
}

static double
left_at(const Table *table, bool items, unsigned a, unsigned x)
{
    const unsigned u = items ? x : a, i = items ? a : x;
    return table->r[u][i] - table->mean - table->bias[0][u] - table->bias[1][i];
}

static double
weight(const Table *table, const Method *method, unsigned a, unsigned x)
{
    const bool items = method->algorithm == &gasket_itemknn;
    const unsigned n_own = items ? ITEMS : USERS, n_raters = items ? USERS : ITEMS;
    double length = 0, lengths = 0, n = 0;
    bool rated;
    const double r = rating_at(table, items, a, x, &rated);
    if (!rated)
        return 0;
    if (strcmp(method->similarity, "centred") == 0)
        return left_at(table, items, a, x);
    if (strcmp(method->similarity, "bm25") != 0)
        return strcmp(method->similarity, "cosine") == 0 ? r : 1;
    for (unsigned b = 0; b < n_own; b++)
        for (unsigned y = 0; y < n_raters; y++) {
            const double other = rating_at(table, items, b, y, &rated);
            lengths += rated ? other : 0;
            length += rated && b == a ? other : 0;
            n += rated && y == x;
        }
    return fmax(0, log(n_own / (1 + n))) * r * 2.2 /
           (1.2 * (0.25 + 0.75 * length / (lengths / n_own)) + r);
}

static double
similarity(const Table *table, const Method *method, unsigned a, unsigned b, double shrinkage)
{
    const bool items = method->algorithm == &gasket_itemknn;
    double product = 0, of_a = 0, of_b = 0, common = 0;
    for (unsigned x = 0; x < (items ? USERS : ITEMS); x++) {
        const double wa = weight(table, method, a, x), wb = weight(table, method, b, x);
        bool has_a, has_b;
        rating_at(table, items, a, x, &has_a);
        rating_at(table, items, b, x, &has_b);
        product += wa * wb;
        of_a += wa * wa;
        of_b += wb * wb;
        common += has_a && has_b;
    }
    if (common == 0)
        return 0;
    if (strcmp(method->similarity, "jaccard") == 0)
        product /= of_a + of_b - product;
    else if (strcmp(method->similarity, "bm25") != 0)
        product = of_a > 0 && of_b > 0 ? product / sqrt(of_a * of_b) : 0;
    return product * common / (common + shrinkage);
}

static char *
options_of(const Method *method)
{
    return g_strdup_printf("neighbours=%d similarity=%s shrinkage=3 damping=0.2 top=4", K,
                           method->similarity);
}

/* The lists of the result, dense: 0 where b is none of a's neighbours. */
static void
lists_of(const GasketResult *result, bool items, double dense[USERS][USERS])
{
    const uint64_t *begin = gasket_result_begin(result, 0);
    const uint32_t *neighbour = gasket_result_column(result, 0);
    const float *s = gasket_result_column(result, 1);
    for (unsigned a = 0; a < (items ? ITEMS : USERS); a++) {
        ck_assert_uint_le(begin[a + 1] - begin[a], K);
        for (uint64_t e = begin[a]; e < begin[a + 1]; e++) {
            dense[a][neighbour[e]] = s[e];
            ck_assert(e == begin[a] || s[e] <= s[e - 1]);
        }
    }
}

START_TEST(neighbours_are_the_most_similar_of_all_pairs)
{
    const Method *method = &methods[_i];
    const bool items = method->algorithm == &gasket_itemknn;
    const unsigned n = items ? ITEMS : USERS;
    Ratings ratings = draw_ratings();
    g_autofree char *options = options_of(method);
    g_autoptr(GasketResult) result = ratings_train(method->algorithm, &ratings, options, 1);
    const Table table = table_of(&ratings, result);
    double dense[USERS][USERS] = {{0}};
    lists_of(result, items, dense);
    for (unsigned a = 0; a < n; a++) {
        double all[USERS] = {0};
        unsigned n_kept = 0, n_positive = 0;
        for (unsigned b = 0; b < n; b++)
            all[b] = b == a ? 0 : similarity(&table, method, a, b, 3);
        for (unsigned b = 0; b < n; b++) {
            unsigned better = 0;
            for (unsigned c = 0; c < n; c++)
                better += all[c] > all[b] + 1e-5;
            n_kept += dense[a][b] > 0;
            n_positive += all[b] > 1e-5;
            if (dense[a][b] > 0)
                ck_assert_double_eq_tol(dense[a][b], all[b], 1e-4);
            if (dense[a][b] > 0)
                ck_assert_uint_lt(better, K);
        }
        ck_assert_uint_ge(n_kept, MIN(n_positive, K));
    }
    ratings_clear(&ratings);
}
END_TEST

/* Sums over the neighbours of a that x has rated. */
static void
sum_over(const Table *table, bool items, double dense[USERS][USERS], unsigned a, unsigned x,
         double *ret_above, double *ret_below)
{
    *ret_above = *ret_below = 0;
    for (unsigned b = 0; b < (items ? ITEMS : USERS); b++) {
        bool rated;
        rating_at(table, items, b, x, &rated);
        *ret_above += rated ? dense[a][b] * left_at(table, items, b, x) : 0;
        *ret_below += rated ? dense[a][b] : 0;
    }
}

START_TEST(errors_and_ranking_are_those_of_the_formulas)
{
    const Method *method = &methods[_i];
    const bool items = method->algorithm == &gasket_itemknn;
    Ratings ratings = draw_ratings();
    g_autofree char *options = options_of(method);
    g_autoptr(GasketResult) result = ratings_train(method->algorithm, &ratings, options, 1);
    const Table table = table_of(&ratings, result);
    double dense[USERS][USERS] = {{0}}, squares = 0, n = 0, auc = 0, users = 0;
    lists_of(result, items, dense);
    for (unsigned u = 0; u < USERS; u++) {
        double score[ITEMS], pairs = 0, won = 0;
        for (unsigned i = 0; i < ITEMS; i++) {
            double above, below;
            sum_over(&table, items, dense, items ? i : u, items ? u : i, &above, &below);
            score[i] = table.bias[1][i] + above / (0.2 + below);
            const double x = table.mean + table.bias[0][u] + score[i];
            if (table.part[u][i] != 2)
                continue;
            squares += pow(fmin(fmax(x, table.low), table.high) - table.r[u][i], 2);
            n++;
        }
        for (unsigned i = 0; i < ITEMS; i++)
            for (unsigned j = 0; j < ITEMS; j++)
                if (table.part[u][i] == 2 && table.part[u][j] == 0) {
                    pairs++;
                    won += score[i] > score[j];
                }
        auc += pairs > 0 ? won / pairs : 0;
        users += pairs > 0;
    }
    ck_assert_double_eq_tol(gasket_result_metric(result, "test.rmse"), sqrt(squares / n), 1e-5);
    ck_assert_double_eq(gasket_result_metric(result, "ranking.users"), users);
    ck_assert_double_eq_tol(gasket_result_metric(result, "ranking.auc"), auc / users, 1e-6);
    ratings_clear(&ratings);
}
END_TEST

START_TEST(the_bits_are_the_same_in_every_placement)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    const Method *method = &methods[_i];
    Ratings ratings = ratings_plant(45, 30, 2, 0.4, 0.5, true);
    g_autofree char *options = options_of(method);
    g_autofree void *parameters = ratings_parameters(method->algorithm, options);
    Experiment experiment = {method->algorithm, parameters, ratings_build, .data = &ratings};
    gasket_result_free(run_everywhere(&experiment, workers));
    ratings_clear(&ratings);
}
END_TEST

/* Two groups of users who each rate their group's items alone. */
START_TEST(planted_groups_are_found_from_counts)
{
    static const char *const similarities[] = {"cosine", "jaccard", "bm25"};
    Ratings ratings = ratings_new(6000);
    GasketRandom random = gasket_random_at(9, 0, 0, 0);
    for (int u = 0; u < 60; u++)
        for (int i = 0; i < 40; i++)
            if (u % 2 == i % 2 && gasket_random_below(&random, 10) < 5)
                ratings_add(&ratings, u, i, 1 + gasket_random_below(&random, 3),
                            gasket_random_below(&random, 5) == 0);
    for (unsigned s = 0; s < G_N_ELEMENTS(similarities); s++)
        for (unsigned m = 0; m < 2; m++) {
            g_autofree char *options =
                g_strdup_printf("similarity=%s predict=preferences top=5", similarities[s]);
            g_autoptr(GasketResult) result =
                ratings_train(m == 0 ? &gasket_itemknn : &gasket_userknn, &ratings, options, 1);
            /* half of the unseen items are of the other group: all of them come last */
            ck_assert_double_gt(gasket_result_metric(result, "ranking.auc"), 0.75);
        }
    ratings_clear(&ratings);
}
END_TEST

START_TEST(movielens_is_predicted_better_than_by_biases)
{
    Ratings ratings;
    if (ratings_load(&ratings, "u1")) {
        g_autoptr(GasketResult) of_items = ratings_train(&gasket_itemknn, &ratings, "", 1);
        g_autoptr(GasketResult) of_users = ratings_train(&gasket_userknn, &ratings, "", 1);
        ck_assert_double_le(gasket_result_metric(of_items, "test.rmse"), 0.935);
        ck_assert_double_le(gasket_result_metric(of_users, "test.rmse"), 0.945);
        ratings_clear(&ratings);
    }
}
END_TEST

int
main(void)
{
    TCase *knn = tcase_create("knn");
    tcase_set_timeout(knn, 120);
    tcase_add_loop_test(knn, neighbours_are_the_most_similar_of_all_pairs, 0,
                        G_N_ELEMENTS(methods));
    tcase_add_loop_test(knn, errors_and_ranking_are_those_of_the_formulas, 0,
                        G_N_ELEMENTS(methods));
    tcase_add_loop_test(knn, the_bits_are_the_same_in_every_placement, 0, G_N_ELEMENTS(methods));
    tcase_add_test(knn, planted_groups_are_found_from_counts);
    tcase_add_test(knn, movielens_is_predicted_better_than_by_biases);
    TCase *const cases[] = {knn};
    return check_run("knn", cases, G_N_ELEMENTS(cases));
}
