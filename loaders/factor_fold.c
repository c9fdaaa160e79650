/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's step of each method with the items as they are; see factor_fold.h.
 *
 * All but nmf's solve (s P + sum of w x x') z = s P m + sum of v x for z = (p, b) or p, where
 *
 *   x     q_i, and 1 behind it where b is sought        w, v   weights of a rating, by method
 *   P, m  precision and mean of what z is drawn to      s      n, or 1
 */
#include "loaders/factor_fold.h"

#include <math.h>
#include <string.h>

#include "engine/array.h"

#define USER_DAMPING    15.0 /* of biases that are not fitted with the factors: recommender.c */
#define MAX_UPDATES     1000 /* of nmf */
#define SMALLEST_CHANGE 1e-9

typedef enum { STEP_SQUARES, STEP_DAMPED, STEP_COUNTS, STEP_ZEROS, STEP_POSITIVE } Step;

struct GasketFactorFold {
    const GasketFactorModel *model;
    Step step;
    size_t size;   /* unknowns: rank, and one more where b is sought */
    bool by_count; /* s is n */
    bool divergence;
    double lambda, alpha;
    double *prior, *drawn; /* [size][size] P; [size] P m */
    double *a, *t, *x;     /* [size][size], [size], [size] */
};

/* ---- small dense algebra --------------------------------------------------------------------- */

/* a = L L' in its lower triangle. False if it is not positive definite. */
static bool
factorise(size_t n, double *a)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (size_t f = 0; f < j; f++)
                sum -= a[i * n + f] * a[j * n + f];
            if (j < i)
                a[i * n + j] = sum / a[j * n + j];
            else if (sum > 0)
                a[i * n + i] = sqrt(sum);
            else
                return false;
        }
    }
    return true;
}

/* L L' x = t, in place of t. */
static void
substitute(size_t n, const double *l, double *t)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t f = 0; f < i; f++)
            t[i] -= l[i * n + f] * t[f];
        t[i] /= l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t f = i + 1; f < n; f++)
            t[i] -= l[f * n + i] * t[f];
        t[i] /= l[i * n + i];
    }
}

/* The lower triangle of a += w x x'. */
static void
add_outer(size_t n, double w, const double *x, double *a)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            a[i * n + j] += w * x[i] * x[j];
}

static void
add_scaled(size_t n, double w, const double *x, double *t)
{
    for (size_t i = 0; i < n; i++)
        t[i] += w * x[i];
}

/* x = factors of a row of a side, and its bias (or 1 for an item's) if one more is wanted. */
static void
take_row(const GasketFactorFold *fold, unsigned side, uint32_t row, double *x)
{
    const GasketFactorSide *from = &fold->model->side[side];
    const uint32_t rank = fold->model->rank;
    for (uint32_t f = 0; f < rank; f++)
        x[f] = (double)from->factors[(size_t)row * rank + f];
    if (fold->size > rank)
        x[rank] = side == 0 ? (double)from->bias[row] : 1;
}

/* ---- priors ---------------------------------------------------------------------------------- */

static void
prior_of_weights(GasketFactorFold *fold, double factors, double bias)
{
    for (size_t i = 0; i < fold->size; i++)
        fold->prior[i * fold->size + i] = i < fold->model->rank ? factors : bias;
}

static void
prior_of_items(GasketFactorFold *fold, double weight)
{
    for (uint32_t i = 0; i < fold->model->side[1].n; i++) {
        take_row(fold, 1, i, fold->x);
        add_outer(fold->size, 1, fold->x, fold->prior);
    }
    for (size_t i = 0; i < fold->size; i++)
        fold->prior[i * fold->size + i] += weight;
}

/* P = covariance of the users^-1 / alpha, and P m, m their mean. */
static bool
prior_of_users(GasketFactorFold *fold, double alpha)
{
    const size_t n = fold->size;
    const uint32_t users = fold->model->side[0].n;
    double *covariance = fold->a, *mean = fold->t;
    for (uint32_t u = 0; u < users; u++) {
        take_row(fold, 0, u, fold->x);
        add_scaled(n, 1.0 / users, fold->x, mean);
    }
    for (uint32_t u = 0; u < users; u++) {
        take_row(fold, 0, u, fold->x);
        add_scaled(n, -1, mean, fold->x);
        add_outer(n, 1.0 / users, fold->x, covariance);
    }
    for (size_t i = 0; i < n; i++)
        covariance[i * n + i] += 1e-6; /* of what all users agree in */
    if (!factorise(n, covariance))
        return false;
    memcpy(fold->drawn, mean, n * sizeof(double));
    substitute(n, covariance, fold->drawn);
    for (size_t i = 0; i < n; i++) {
        double *column = fold->x;
        memset(column, 0, n * sizeof(double));
        column[i] = 1;
        substitute(n, covariance, column);
        for (size_t j = 0; j < n; j++)
            fold->prior[j * n + i] = column[j] / alpha;
        fold->drawn[i] /= alpha;
    }
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool
choose(GasketFactorFold *fold, GError **error)
{
    const GasketFactorModel *model = fold->model;
    const char *name = model->algorithm;
    fold->lambda = gasket_factor_model_option(model, "regularization", 0.1);
    fold->alpha = gasket_factor_model_option(model, "alpha", 1);
    fold->by_count = true;
    fold->size = model->rank;
    if (strcmp(name, "ials") == 0) {
        fold->step = STEP_COUNTS;
    } else if (strcmp(name, "svd") == 0) {
        fold->step = STEP_ZEROS;
    } else if (strcmp(name, "nmf") == 0) {
        fold->step = STEP_POSITIVE;
        fold->divergence = g_strcmp0(g_hash_table_lookup(model->options, "loss"), "kl") == 0;
    } else if (strcmp(name, "ccdpp") == 0) {
        fold->step = STEP_DAMPED;
    } else if (model->scores) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a model of %s takes no ratings of new users", name);
        return false;
    } else {
        fold->step = STEP_SQUARES;
        fold->size += gasket_factor_model_option(model, "no-biases", 0) == 0;
    }
    return true;
}

static bool
prepare(GasketFactorFold *fold)
{
    const char *name = fold->model->algorithm;
    const bool machine = strcmp(name, "fm") == 0;
    const bool least =
        machine && g_strcmp0(g_hash_table_lookup(fold->model->options, "learner"), "als") == 0;
    const bool drawn = strcmp(name, "bpmf") == 0 || (machine && !least);
    if (fold->step == STEP_COUNTS || fold->step == STEP_ZEROS) {
        fold->by_count = false;
        prior_of_items(fold, fold->step == STEP_COUNTS ? fold->lambda : 1e-12);
    } else if (drawn) {
        fold->by_count = false;
        return prior_of_users(fold, gasket_factor_model_option(fold->model, "precision", 1));
    } else {
        fold->by_count = !least;
        prior_of_weights(fold, fold->lambda,
                         gasket_factor_model_option(fold->model, "bias-regularization",
                                                    fold->lambda));
    }
    return true;
}

GasketFactorFold *
gasket_factor_fold_new(const GasketFactorModel *model, GError **error)
{
    g_autoptr(GasketFactorFold) fold = g_new0(GasketFactorFold, 1);
    fold->model = model;
    if (!choose(fold, error))
        return NULL;
    const uint64_t n = fold->size;
    /* One allocation: prior, drawn, a, t, x. */
    fold->prior = gasket_array_new(2 * n * n + 3 * n + 1, sizeof(double), error);
    if (fold->prior == NULL)
        return NULL;
    fold->drawn = fold->prior + n * n;
    fold->a = fold->drawn + n;
    fold->t = fold->a + n * n;
    fold->x = fold->t + n;
    if (!prepare(fold)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "the model's users have no covariance");
        return NULL;
    }
    return g_steal_pointer(&fold);
}

void
gasket_factor_fold_free(GasketFactorFold *fold)
{
    if (fold == NULL)
        return;
    gasket_array_free(fold->prior);
    g_free(fold);
}

/* ---- a user ---------------------------------------------------------------------------------- */

/* What is left of a rating for the user's bias and factors. */
static double
residual(const GasketFactorFold *fold, uint32_t item, float rating)
{
    return (double)rating - fold->model->mean - (double)fold->model->side[1].bias[item];
}

static void
add_rating(GasketFactorFold *fold, uint32_t item, float rating, double bias)
{
    double w = 1, v = residual(fold, item, rating) - bias;
    if (fold->step == STEP_COUNTS) {
        w = fold->alpha * fmax((double)rating, 0);
        v = rating > 0 ? 1 + w : 0;
    } else if (fold->step == STEP_ZEROS) {
        w = 0;
        v = (double)rating;
    }
    take_row(fold, 1, item, fold->x);
    add_outer(fold->size, w, fold->x, fold->a);
    add_scaled(fold->size, v, fold->x, fold->t);
}

static double
damped_bias(const GasketFactorFold *fold, size_t n, const uint32_t *item, const float *rating)
{
    double sum = 0, count = 0;
    for (size_t e = 0; e < n; e++) {
        if (item[e] == GASKET_NO_VERTEX)
            continue;
        sum += residual(fold, item[e], rating[e]);
        count++;
    }
    return sum / (USER_DAMPING + count);
}

/* One multiplicative update of all of p = t; how much it changed. */
static double
update_positive(GasketFactorFold *fold, size_t n, const uint32_t *item, const float *rating)
{
    const size_t k = fold->size;
    double *above = fold->a, *below = fold->a + k, change = 0, count = 0;
    memset(above, 0, 2 * k * sizeof(double));
    for (size_t e = 0; e < n; e++) {
        if (item[e] == GASKET_NO_VERTEX)
            continue;
        double score = 0;
        take_row(fold, 1, item[e], fold->x);
        for (size_t f = 0; f < k; f++)
            score += fold->t[f] * fold->x[f];
        score = fmax(score, 1e-30);
        add_scaled(k, fold->divergence ? (double)rating[e] / score : (double)rating[e], fold->x,
                   above);
        add_scaled(k, fold->divergence ? 1 : score, fold->x, below);
        count++;
    }
    for (size_t f = 0; f < k; f++) {
        double drawn = fold->lambda * count * (fold->divergence ? 1 : fold->t[f]);
        double next = fmax(fold->t[f] * above[f] / fmax(below[f] + drawn, 1e-30), 1e-10);
        change = fmax(change, fabs(next - fold->t[f]));
        fold->t[f] = next;
    }
    return change;
}

static void
solve_positive(GasketFactorFold *fold, size_t n, const uint32_t *item, const float *rating)
{
    const uint32_t users = fold->model->side[0].n;
    memset(fold->t, 0, fold->size * sizeof(double));
    for (uint32_t u = 0; u < users; u++) {
        take_row(fold, 0, u, fold->x);
        add_scaled(fold->size, 1.0 / users, fold->x, fold->t);
    }
    for (unsigned i = 0; i < MAX_UPDATES; i++)
        if (update_positive(fold, n, item, rating) < SMALLEST_CHANGE)
            break;
}

static bool
solve(GasketFactorFold *fold, size_t n, const uint32_t *item, const float *rating, size_t known,
      double bias)
{
    const size_t size = fold->size;
    const double scale = fold->by_count ? (double)known : 1;
    for (size_t i = 0; i < size * size; i++)
        fold->a[i] = scale * fold->prior[i];
    for (size_t i = 0; i < size; i++)
        fold->t[i] = scale * fold->drawn[i];
    for (size_t e = 0; e < n; e++)
        if (item[e] != GASKET_NO_VERTEX)
            add_rating(fold, item[e], rating[e], bias);
    if (!factorise(size, fold->a))
        return false;
    substitute(size, fold->a, fold->t);
    return true;
}

bool
gasket_factor_fold_user(GasketFactorFold *fold, size_t n, const uint32_t *item, const float *rating,
                        float *ret_factors, float *ret_bias, GError **error)
{
    const uint32_t rank = fold->model->rank;
    const double bias = fold->step == STEP_DAMPED ? damped_bias(fold, n, item, rating) : 0;
    size_t known = 0;
    for (size_t e = 0; e < n; e++)
        known += item[e] != GASKET_NO_VERTEX;
    if (known == 0) {
        memset(ret_factors, 0, rank * sizeof *ret_factors);
        *ret_bias = 0;
        return true;
    }
    if (fold->step == STEP_POSITIVE) {
        solve_positive(fold, n, item, rating);
    } else if (!solve(fold, n, item, rating, known, bias)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "a user's ratings do not determine his factors; train with more "
                    "regularization");
        return false;
    }
    for (uint32_t f = 0; f < rank; f++)
        ret_factors[f] = (float)fold->t[f];
    *ret_bias = (float)(fold->size > rank ? fold->t[rank] : bias);
    return true;
}
