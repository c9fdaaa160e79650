/* SPDX-License-Identifier: Apache-2.0 */
/* One iteration of each method that factors ratings, against the same done densely in double by
 * plain loops on a tiny matrix; and that objectives fall. */
#include <math.h>
#include <string.h>

#include "algorithms/algorithms.h"
#include "tests/ratings_train.h"

enum { USERS = 9, ITEMS = 7, RANK = 3 };

/* A model and its ratings, dense: has[u][i] says where there is one. */
typedef struct {
    double p[USERS][RANK], q[ITEMS][RANK], b[USERS], c[ITEMS], mean;
    double r[USERS][ITEMS];
    bool has[USERS][ITEMS];
} Dense;

static Ratings
tiny_ratings(void)
{
    Ratings ratings = ratings_new((size_t)USERS * ITEMS);
    GasketRandom random = gasket_random_at(3, 0, 0, 0);
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            if (u == i || gasket_random_below(&random, 5) < 3)
                ratings_add(&ratings, u, i, 1 + gasket_random_below(&random, 5), false);
    return ratings;
}

/* The model after some iterations. */
static Dense
dense_after(const GasketAlgorithm *algorithm, const Ratings *ratings, const char *options,
            uint32_t iterations)
{
    Dense dense = {.mean = 0};
    g_autoptr(GasketResult) result = ratings_train(algorithm, ratings, options, iterations);
    const float *p = gasket_result_column(result, 0), *b = gasket_result_column(result, 1);
    const float *q = gasket_result_column(result, 2), *c = gasket_result_column(result, 3);
    for (int u = 0; u < USERS; u++) {
        dense.b[u] = b[u];
        for (int f = 0; f < RANK; f++)
            dense.p[u][f] = p[u * RANK + f];
    }
    for (int i = 0; i < ITEMS; i++) {
        dense.c[i] = c[i];
        for (int f = 0; f < RANK; f++)
            dense.q[i][f] = q[i * RANK + f];
    }
    double mean = gasket_result_metric(result, "mean");
    dense.mean = isnan(mean) ? 0 : mean;
    for (size_t e = 0; e < ratings->n; e++) {
        dense.r[ratings->user[e]][ratings->item[e]] = ratings->rating[e];
        dense.has[ratings->user[e]][ratings->item[e]] = true;
    }
    return dense;
}

static double
product(const Dense *dense, int u, int i)
{
    double sum = 0;
    for (int f = 0; f < RANK; f++)
        sum += dense->p[u][f] * dense->q[i][f];
    return sum;
}

static double
prediction(const Dense *dense, int u, int i)
{
    return dense->mean + dense->b[u] + dense->c[i] + product(dense, u, i);
}

static void
assert_close(const Dense *expected, const Dense *found)
{
    for (int u = 0; u < USERS; u++)
        for (int f = 0; f < RANK; f++)
            ck_assert_double_eq_tol(expected->p[u][f], found->p[u][f], 2e-4);
    for (int i = 0; i < ITEMS; i++)
        for (int f = 0; f < RANK; f++)
            ck_assert_double_eq_tol(expected->q[i][f], found->q[i][f], 2e-4);
    for (int u = 0; u < USERS; u++)
        ck_assert_double_eq_tol(expected->b[u], found->b[u], 2e-4);
    for (int i = 0; i < ITEMS; i++)
        ck_assert_double_eq_tol(expected->c[i], found->c[i], 2e-4);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void
sgd_step(Dense *dense)
{
    const double rate = 0.05, l = 0.2, l_bias = 0.1;
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) {
            if (!dense->has[u][i])
                continue;
            double e = dense->r[u][i] - prediction(dense, u, i);
            dense->b[u] += rate * (e - l_bias * dense->b[u]);
            dense->c[i] += rate * (e - l_bias * dense->c[i]);
            for (int f = 0; f < RANK; f++) {
                double p = dense->p[u][f], q = dense->q[i][f];
                dense->p[u][f] += rate * (e * q - l * p);
                dense->q[i][f] += rate * (e * p - l * q);
            }
        }
}

/* Both sides by one function: the transposed model. */
static void
nmf_side(Dense *dense, bool kl, double l)
{
    for (int u = 0; u < USERS; u++) {
        double new[RANK];
        for (int f = 0; f < RANK; f++) {
            double above = 0, below = 0;
            for (int i = 0; i < ITEMS; i++) {
                if (!dense->has[u][i])
                    continue;
                double x = product(dense, u, i);
                above += (kl ? dense->r[u][i] / x : dense->r[u][i]) * dense->q[i][f];
                below += kl ? dense->q[i][f] + l : x * dense->q[i][f] + l * dense->p[u][f];
            }
            new[f] = dense->p[u][f] * above / below;
        }
        memcpy(dense->p[u], new, sizeof new);
    }
    for (int i = 0; i < ITEMS; i++) {
        double new[RANK];
        for (int f = 0; f < RANK; f++) {
            double above = 0, below = 0;
            for (int u = 0; u < USERS; u++) {
                if (!dense->has[u][i])
                    continue;
                double x = product(dense, u, i);
                above += (kl ? dense->r[u][i] / x : dense->r[u][i]) * dense->p[u][f];
                below += kl ? dense->p[u][f] + l : x * dense->p[u][f] + l * dense->q[i][f];
            }
            new[f] = dense->q[i][f] * above / below;
        }
        memcpy(dense->q[i], new, sizeof new);
    }
}

static void
nmf_squared_step(Dense *dense)
{
    nmf_side(dense, false, 0.2);
}

static void
nmf_kl_step(Dense *dense)
{
    nmf_side(dense, true, 0.2);
}

static void
ccdpp_step(Dense *dense)
{
    const double l = 0.2;
    for (int f = 0; f < RANK; f++)
        for (int inner = 0; inner < 2; inner++) {
            for (int u = 0; u < USERS; u++) {
                double above = 0, below = 0;
                for (int i = 0; i < ITEMS; i++) {
                    double q = dense->q[i][f];
                    double s = dense->r[u][i] - prediction(dense, u, i) + dense->p[u][f] * q;
                    above += dense->has[u][i] ? s * q : 0;
                    below += dense->has[u][i] ? l + q * q : 0;
                }
                dense->p[u][f] = above / below;
            }
            for (int i = 0; i < ITEMS; i++) {
                double above = 0, below = 0;
                for (int u = 0; u < USERS; u++) {
                    double p = dense->p[u][f];
                    double s = dense->r[u][i] - prediction(dense, u, i) + dense->q[i][f] * p;
                    above += dense->has[u][i] ? s * p : 0;
                    below += dense->has[u][i] ? l + p * p : 0;
                }
                dense->q[i][f] = above / below;
            }
        }
}

/* Solves a x = b by Gauss; a is positive definite. */
static void
solve(double a[RANK][RANK], double b[RANK], double *x)
{
    for (int f = 0; f < RANK; f++)
        for (int g = f + 1; g < RANK; g++) {
            double factor = a[g][f] / a[f][f];
            for (int h = f; h < RANK; h++)
                a[g][h] -= factor * a[f][h];
            b[g] -= factor * b[f];
        }
    for (int f = RANK - 1; f >= 0; f--) {
        x[f] = b[f];
        for (int g = f + 1; g < RANK; g++)
            x[f] -= a[f][g] * x[g];
        x[f] /= a[f][f];
    }
}

/* Confidence over all pairs, one after the other. */
static void
ials_step(Dense *dense)
{
    const double alpha = 3, l = 0.5;
    for (int side = 0; side < 2; side++)
        for (int v = 0; v < (side ? ITEMS : USERS); v++) {
            double a[RANK][RANK] = {{0}}, b[RANK] = {0};
            for (int w = 0; w < (side ? USERS : ITEMS); w++) {
                int u = side ? w : v, i = side ? v : w;
                const double *y = side ? dense->p[u] : dense->q[i];
                double c = 1 + (dense->has[u][i] ? alpha * dense->r[u][i] : 0);
                for (int f = 0; f < RANK; f++) {
                    b[f] += dense->has[u][i] ? c * y[f] : 0;
                    for (int g = 0; g < RANK; g++)
                        a[f][g] += c * y[f] * y[g];
                }
            }
            for (int f = 0; f < RANK; f++)
                a[f][f] += l;
            solve(a, b, side ? dense->q[v] : dense->p[v]);
        }
}

typedef struct {
    const GasketAlgorithm *algorithm;
    const char *options;
    void (*step)(Dense *dense);
} Step;

static const Step steps[] = {
    {&gasket_sgd, "factors=3 rate=0.05 decay=1 regularization=0.2 bias-regularization=0.1",
     sgd_step},
    {&gasket_nmf, "factors=3 regularization=0.2", nmf_squared_step},
    {&gasket_nmf, "factors=3 regularization=0.2 loss=kl", nmf_kl_step},
    {&gasket_ccdpp, "factors=3 regularization=0.2", ccdpp_step},
    {&gasket_ials, "factors=3 alpha=3 regularization=0.5 solver=exact", ials_step},
    /* As many conjugate gradient steps as unknowns are exact. */
    {&gasket_ials, "factors=3 alpha=3 regularization=0.5 solver=cg cg-steps=4", ials_step},
};

START_TEST(an_iteration_is_that_of_plain_dense_loops)
{
    const Step *step = &steps[_i];
    Ratings ratings = tiny_ratings();
    for (uint32_t n = 1; n < 4; n++) {
        Dense expected = dense_after(step->algorithm, &ratings, step->options, n);
        Dense found = dense_after(step->algorithm, &ratings, step->options, n + 1);
        step->step(&expected);
        assert_close(&expected, &found);
    }
    ratings_clear(&ratings);
}
END_TEST

/* ---- objectives ------------------------------------------------------------------------------ */

static const Step falling[] = {
    {.algorithm = &gasket_nmf, .options = "factors=4 regularization=0.1"},
    {.algorithm = &gasket_nmf, .options = "factors=4 regularization=0.1 loss=kl"},
    {.algorithm = &gasket_ccdpp, .options = "factors=4 regularization=0.1"},
    {.algorithm = &gasket_ials, .options = "factors=4 solver=exact"},
    {.algorithm = &gasket_ials, .options = "factors=4 solver=cg cg-steps=1"},
};

START_TEST(the_objective_never_grows)
{
    const Step *step = &falling[_i];
    Ratings ratings = ratings_plant(40, 30, 5, 0.4, 0.3, true);
    double before = INFINITY;
    for (uint32_t n = 1; n <= 12; n++) {
        g_autoptr(GasketResult) result = ratings_train(step->algorithm, &ratings, step->options, n);
        double objective = gasket_result_metric(result, "objective");
        ck_assert_msg(objective <= before * (1 + 1e-6), "%s: %.9g after %.9g",
                      step->algorithm->name, objective, before);
        before = objective;
    }
    ratings_clear(&ratings);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_loop_test(all, an_iteration_is_that_of_plain_dense_loops, 0, G_N_ELEMENTS(steps));
    tcase_add_loop_test(all, the_objective_never_grows, 0, G_N_ELEMENTS(falling));
    TCase *cases[] = {all};
    return check_run("factorisation_steps", cases, G_N_ELEMENTS(cases));
}
