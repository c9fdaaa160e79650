/* SPDX-License-Identifier: Apache-2.0 */
/* Factorisation machines on ratings whose users and items have features. */
#include <math.h>
#include <string.h>

#include "algorithms/algorithms.h"
#include "tests/ratings_train.h"
#include "tests/resumes.h"

enum { RANK = 2, D = RANK + 1, MOST = 64 };

/* Ratings, and what is known of users (0) and items (1): weight[side][v][a], 0 where v does not
 * have a. Ids are 1, 2, ... */
typedef struct {
    Ratings ratings;
    unsigned n[2], features[2];
    float weight[2][MOST][8];
} Known;

static void
known_build_side(GasketGraphBuilder *builder, const Known *known, unsigned side)
{
    for (int64_t v = 1; v <= known->n[side]; v++) {
        ck_assert(gasket_graph_builder_add_vertices(builder, side, 1, &v, NULL, NULL));
        for (int64_t a = 0; a < known->features[side]; a++) {
            const float *weight = &known->weight[side][v - 1][a];
            const void *column[] = {weight};
            if (*weight != 0)
                ck_assert(
                    gasket_graph_builder_add_edges(builder, 3 + side, 1, &v, &a, column, NULL));
        }
    }
}

static GasketGraph *
known_build(const void *data)
{
    static const char *const relations[] = {"train", "test", "validation"};
    const Known *known = data;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    const GasketGraphRules rules = {.order = GASKET_ORDER_GIVEN};
    g_autoptr(GError) error = NULL;

    gasket_graph_builder_add_kind(builder, "user");
    gasket_graph_builder_add_kind(builder, "item");
    gasket_graph_builder_add_kind(builder, "user feature");
    gasket_graph_builder_add_kind(builder, "item feature");
    for (unsigned r = 0; r < 3; r++)
        gasket_graph_builder_add_relation(builder, relations[r], 0, 1, false);
    gasket_graph_builder_add_relation(builder, "user-features", 0, 2, false);
    gasket_graph_builder_add_relation(builder, "item-features", 1, 3, false);
    for (unsigned r = 0; r < 5; r++)
        gasket_graph_builder_add_edge_column(builder, r, r < 3 ? "rating" : "weight", GASKET_FLOAT,
                                             1);
    for (size_t i = 0; i < known->ratings.n; i++) {
        const float rating = (float)known->ratings.rating[i];
        const void *column[] = {&rating};
        ck_assert(gasket_graph_builder_add_edges(builder, known->ratings.test[i], 1,
                                                 &known->ratings.user[i], &known->ratings.item[i],
                                                 column, &error));
    }
    known_build_side(builder, known, 0);
    known_build_side(builder, known, 1);
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_msg(graph != NULL, "%s", error ? error->message : "no graph");
    return graph;
}

/* Factors of users and items are sums of those of their features, and `own` of their own. Each has
 * `most` features at most. Every eighth item has test ratings alone. */
static Known
known_plant(unsigned users, unsigned items, unsigned features, unsigned most, double own)
{
    Known known = {.n = {users, items}, .features = {features, features}};
    double x[2][MOST][D], v[2][8][D];
    known.ratings = ratings_new((size_t)users * items);
    for (unsigned side = 0; side < 2; side++) {
        GasketRandom random = gasket_random_at(17, side, 0, 0);
        for (unsigned a = 0; a < features; a++)
            for (unsigned f = 0; f < D; f++)
                v[side][a][f] = gasket_random_normal(&random);
        for (unsigned i = 0; i < known.n[side]; i++) {
            for (unsigned f = 0; f < D; f++)
                x[side][i][f] = own * gasket_random_normal(&random);
            for (unsigned m = 0; m < most; m++) {
                const unsigned a = gasket_random_below(&random, features);
                const float weight = m == 0 ? 1 : 0.5f + (float)gasket_random_double(&random);
                if (known.weight[side][i][a] != 0)
                    continue;
                known.weight[side][i][a] = weight;
                for (unsigned f = 0; f < D; f++)
                    x[side][i][f] += weight * v[side][a][f];
            }
        }
    }
    GasketRandom random = gasket_random_at(17, 3, 0, 0);
    for (unsigned u = 0; u < users; u++)
        for (unsigned i = 0; i < items; i++)
            if (gasket_random_below(&random, 2) == 0)
                ratings_add(&known.ratings, u + 1, i + 1,
                            3 + x[0][u][RANK] + x[1][i][RANK] + x[0][u][0] * x[1][i][0] +
                                x[0][u][1] * x[1][i][1],
                            i % 8 == 7);
    return known;
}

static GasketResult *
train(const Known *known, const char *text, uint32_t iterations)
{
    g_autofree void *parameters = ratings_parameters(&gasket_fm, text);
    GasketRunOptions options = {.iterations = iterations, .seed = 1};
    Experiment experiment = {&gasket_fm, parameters, known_build, .data = known};
    g_autoptr(GError) error = NULL;
    GasketResult *result = run_once(&experiment, &options, &error);
    ck_assert_msg(result != NULL, "%s", error ? error->message : "");
    return result;
}

static const char *const learners[] = {"factors=2 burn-in=1", "factors=2 learner=als"};

START_TEST(the_bits_are_the_same_in_every_placement)
{
    static const unsigned workers[] = {1, 2, 4, 0};
    Known known = known_plant(24, 16, 6, 3, 0.3);
    g_autofree void *parameters = ratings_parameters(&gasket_fm, learners[_i]);
    Experiment experiment = {&gasket_fm,     parameters, known_build,
                             .data = &known, .seed = 5,  .iterations = 3};
    gasket_result_free(run_everywhere(&experiment, workers));
    ratings_clear(&known.ratings);
}
END_TEST

START_TEST(a_run_goes_on_from_a_snapshot_with_the_same_bits)
{
    Known known = known_plant(24, 16, 6, 3, 0.3);
    g_autofree void *parameters = ratings_parameters(&gasket_fm, learners[_i]);
    assert_resumes_anywhere(&(Experiment){&gasket_fm, parameters, known_build, .data = &known,
                                          .seed = 5, .iterations = 5});
    ratings_clear(&known.ratings);
}
END_TEST

/* The root of the mean square of what is left of the test ratings, in deviations of them. */
static double
error_of(const Known *known, const GasketResult *result)
{
    const float *p = gasket_result_column(result, 0), *b = gasket_result_column(result, 1);
    const float *q = gasket_result_column(result, 2), *c = gasket_result_column(result, 3);
    const double mean = gasket_result_metric(result, "mean");
    double squares = 0, deviations = 0;
    for (size_t e = 0; e < known->ratings.n; e++) {
        const int64_t u = known->ratings.user[e] - 1, i = known->ratings.item[e] - 1;
        const double off = known->ratings.rating[e] - mean;
        if (!known->ratings.test[e])
            continue;
        squares += pow(off - b[u] - c[i] - p[2 * u] * q[2 * i] - p[2 * u + 1] * q[2 * i + 1], 2);
        deviations += off * off;
    }
    return sqrt(squares / deviations);
}

START_TEST(items_without_ratings_are_predicted_from_their_features)
{
    static const char *const options[] = {"factors=2 precision=100",
                                          "factors=2 learner=als regularization=0.05"};
    Known known = known_plant(60, 60, 6, 2, 0);
    g_autoptr(GasketResult) result = train(&known, options[_i], 120);
    const double error = error_of(&known, result);
    if (g_getenv("GASKET_SHOW"))
        printf("%s: %g of the deviation\n", options[_i], error);
    ck_assert_double_lt(error, 0.15);
    known.features[1] = 0; /* the ratings and what is known of users say nothing of them */
    g_autoptr(GasketResult) without = train(&known, options[_i], 40);
    ck_assert_double_gt(error_of(&known, without), 0.5);
    ratings_clear(&known.ratings);
}
END_TEST

START_TEST(without_features_the_draws_are_those_of_bpmf)
{
    Ratings ratings = ratings_plant(45, 30, 2, 0.4, 0.5, false);
    g_autoptr(GasketResult) fm = ratings_train(&gasket_fm, &ratings, "factors=3 burn-in=2", 6);
    g_autoptr(GasketResult) bpmf = ratings_train(&gasket_bpmf, &ratings, "factors=3 burn-in=2", 6);
    assert_same_result(&gasket_bpmf, bpmf, fm, "fm without features");
    ck_assert_double_eq(gasket_result_metric(bpmf, "test.rmse"),
                        gasket_result_metric(fm, "test.rmse"));
    ratings_clear(&ratings);
}
END_TEST

/* ---- least squares, densely ------------------------------------------------------------------ */

typedef struct {
    double x[2][MOST][D], v[2][8][D], m[2][D], mean;
    double r[MOST][MOST];
    bool has[MOST][MOST];
} Dense;

/* a z = b by elimination, a [n][n] of rows of MOST. */
static void
eliminate(unsigned n, double a[][MOST], double *b)
{
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < n; j++) {
            if (j == i)
                continue;
            const double factor = a[j][i] / a[i][i];
            for (unsigned k = i; k < n; k++)
                a[j][k] -= factor * a[i][k];
            b[j] -= factor * b[i];
        }
    for (unsigned i = 0; i < n; i++)
        b[i] /= a[i][i];
}

static Dense
dense_after(const Known *known, const char *options, uint32_t iterations)
{
    Dense dense = {.mean = 0};
    g_autoptr(GasketResult) result = train(known, options, iterations);
    for (unsigned side = 0; side < 2; side++) {
        const float *factors = gasket_result_column(result, 2 * side);
        const float *bias = gasket_result_column(result, 2 * side + 1);
        for (unsigned i = 0; i < known->n[side]; i++)
            for (unsigned f = 0; f < D; f++)
                dense.x[side][i][f] = f < RANK ? factors[i * RANK + f] : bias[i];
    }
    dense.mean = gasket_result_metric(result, "mean");
    for (size_t e = 0; e < known->ratings.n; e++) {
        if (known->ratings.test[e])
            continue;
        const int64_t u = known->ratings.user[e] - 1, i = known->ratings.item[e] - 1;
        dense.r[u][i] = (float)known->ratings.rating[e];
        dense.has[u][i] = true;
    }
    return dense;
}

static double
shift_of(const Known *known, const Dense *dense, unsigned side, unsigned i, unsigned f)
{
    double sum = 0;
    for (unsigned a = 0; a < known->features[side]; a++)
        sum += known->weight[side][i][a] * dense->v[side][a][f];
    return sum;
}

/* The best x of a vertex given the other side and the features. */
static void
dense_vertex(const Known *known, Dense *dense, unsigned side, unsigned i, double l)
{
    double a[D][MOST] = {{0}}, b[D];
    for (unsigned f = 0; f < D; f++) {
        a[f][f] = l;
        b[f] = l * (dense->m[side][f] + shift_of(known, dense, side, i, f));
    }
    for (unsigned j = 0; j < known->n[!side]; j++) {
        const unsigned user = side == 0 ? i : j, item = side == 0 ? j : i;
        if (!dense->has[user][item])
            continue;
        double y[D];
        memcpy(y, dense->x[!side][j], sizeof y);
        const double rest = dense->r[user][item] - dense->mean - y[RANK];
        y[RANK] = 1;
        for (unsigned f = 0; f < D; f++) {
            b[f] += rest * y[f];
            for (unsigned g = 0; g < D; g++)
                a[f][g] += y[f] * y[g];
        }
    }
    eliminate(D, a, b);
    memcpy(dense->x[side][i], b, sizeof b);
}

/* The best features given the vertices: ridge regression, all at once. */
static void
dense_features(const Known *known, Dense *dense, unsigned side)
{
    const unsigned n = known->features[side];
    for (unsigned f = 0; f < D; f++) {
        double a[8][MOST] = {{0}}, b[8] = {0};
        for (unsigned c = 0; c < n; c++) {
            a[c][c] = 1;
            for (unsigned i = 0; i < known->n[side]; i++) {
                b[c] += known->weight[side][i][c] * (dense->x[side][i][f] - dense->m[side][f]);
                for (unsigned e = 0; e < n; e++)
                    a[c][e] += (double)known->weight[side][i][c] * known->weight[side][i][e];
            }
        }
        eliminate(n, a, b);
        for (unsigned c = 0; c < n; c++)
            dense->v[side][c][f] = b[c];
    }
}

static void
dense_mean(const Known *known, Dense *dense, unsigned side)
{
    for (unsigned f = 0; f < D; f++) {
        dense->m[side][f] = 0;
        for (unsigned i = 0; i < known->n[side]; i++)
            dense->m[side][f] +=
                (dense->x[side][i][f] - shift_of(known, dense, side, i, f)) / known->n[side];
    }
}

static double
dense_objective(const Known *known, const Dense *dense, double l)
{
    double sum = 0;
    for (unsigned u = 0; u < known->n[0]; u++)
        for (unsigned i = 0; i < known->n[1]; i++) {
            const double *p = dense->x[0][u], *q = dense->x[1][i];
            const double off =
                dense->r[u][i] - dense->mean - p[RANK] - q[RANK] - p[0] * q[0] - p[1] * q[1];
            sum += dense->has[u][i] ? off * off : 0;
        }
    for (unsigned side = 0; side < 2; side++)
        for (unsigned f = 0; f < D; f++) {
            for (unsigned i = 0; i < known->n[side]; i++)
                sum += l * pow(dense->x[side][i][f] - dense->m[side][f] -
                                   shift_of(known, dense, side, i, f),
                               2);
            for (unsigned a = 0; a < known->features[side]; a++)
                sum += l * pow(dense->v[side][a][f], 2);
        }
    return sum;
}

static void
assert_close(const Known *known, const Dense *expected, const Dense *found, double tolerance)
{
    for (unsigned side = 0; side < 2; side++)
        for (unsigned i = 0; i < known->n[side]; i++)
            for (unsigned f = 0; f < D; f++)
                ck_assert_double_eq_tol(expected->x[side][i][f], found->x[side][i][f], tolerance);
}

/* Where nobody has two features, the turns of their colours are one regression. */
START_TEST(an_iteration_of_least_squares_agrees_with_a_dense_one)
{
    Known known = known_plant(14, 12, 3, 1, 0.5);
    Dense dense = dense_after(&known, "factors=2 learner=als regularization=2", 1);
    const Dense found = dense_after(&known, "factors=2 learner=als regularization=2", 2);
    for (unsigned side = 0; side < 2; side++) { /* m was 0 in the first */
        dense_features(&known, &dense, side);
        dense_mean(&known, &dense, side);
    }
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned i = 0; i < known.n[side]; i++)
            dense_vertex(&known, &dense, side, i, 2);
        dense_features(&known, &dense, side);
    }
    assert_close(&known, &dense, &found, 2e-4);
    ratings_clear(&known.ratings);
}
END_TEST

START_TEST(least_squares_lower_the_objective_to_where_no_dense_step_changes_it)
{
    static const char options[] = "factors=2 learner=als regularization=2";
    Known known = known_plant(14, 12, 5, 3, 0.5);
    double last = INFINITY;
    for (uint32_t iterations = 1; iterations < 12; iterations++) {
        g_autoptr(GasketResult) result = train(&known, options, iterations);
        const double objective = gasket_result_metric(result, "objective");
        ck_assert_double_le(objective, last * (1 + 1e-6));
        last = objective;
    }
    Dense dense = dense_after(&known, options, 1500);
    g_autoptr(GasketResult) result = train(&known, options, 1500);
    for (unsigned side = 0; side < 2; side++)
        for (unsigned i = 0; i < 1000; i++) {
            dense_features(&known, &dense, side);
            dense_mean(&known, &dense, side);
        }
    const double objective = gasket_result_metric(result, "objective");
    ck_assert_double_eq_tol(objective / dense_objective(&known, &dense, 2), 1, 1e-4);
    ck_assert_double_lt(objective, last);
    Dense next = dense;
    for (unsigned side = 0; side < 2; side++)
        for (unsigned i = 0; i < known.n[side]; i++)
            dense_vertex(&known, &next, side, i, 2);
    assert_close(&known, &dense, &next, 2e-2);
    ratings_clear(&known.ratings);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 300);
    tcase_add_loop_test(all, the_bits_are_the_same_in_every_placement, 0, 2);
    tcase_add_loop_test(all, a_run_goes_on_from_a_snapshot_with_the_same_bits, 0, 2);
    tcase_add_loop_test(all, items_without_ratings_are_predicted_from_their_features, 0, 2);
    tcase_add_test(all, without_features_the_draws_are_those_of_bpmf);
    tcase_add_test(all, an_iteration_of_least_squares_agrees_with_a_dense_one);
    tcase_add_test(all, least_squares_lower_the_objective_to_where_no_dense_step_changes_it);
    TCase *cases[] = {all};
    return check_run("fm", cases, G_N_ELEMENTS(cases));
}
