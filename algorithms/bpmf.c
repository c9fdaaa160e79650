/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probabilistic matrix factorisation by Gibbs sampling.
 *
 *   r_ui ~ N(mean + b_u + b_i + p_u . q_i, 1 / alpha)
 *   (p_u, b_u) ~ N(m_U, L_U^-1)    (q_i, b_i) ~ N(m_I, L_I^-1)    k + 1 numbers each
 *   (m, L) ~ Gauss-Wishart: L ~ W(I, d), m ~ N(0, (2 L)^-1), d = k + 1
 *
 * An iteration draws each of these from what the others leave it:
 *
 *   (m, L) of a side   from the sums of its x and x x' over all vertices (aggregates): by every
 *                      worker, from the same totals and random numbers
 *   x = (p_u, b_u)     N(A^-1 c, A^-1), A = L + alpha sum y y', c = L m + alpha sum (r - rest) y,
 *                      where y = (q_i, 1): a bias is a factor that meets a 1
 *
 * A prediction is the mean over the draws after `--burn-in` of them, kept for each test rating
 * (metric test.rmse). The model that is written is the mean of the drawn factors, which is close
 * to it as long as the draws stay about one of the many equivalent solutions.
 *
 * Cost: k^2 / 2 multiplications a rating and side, k^3 / 3 a vertex; 16 bytes a test rating.
 *
 * Reference: R. Salakhutdinov, A. Mnih, Bayesian probabilistic matrix factorization using Markov
 * chain Monte Carlo, ICML 2008.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "vectors.h"
#include "recommender.h"

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    int64_t factors, burn_in;
    double precision, spread;
} Parameters;

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "16",
     "factors of a user and an item", .minimum = 1, .maximum = 1024},
    {"burn-in", GASKET_OPTION_INT, offsetof(Parameters, burn_in), "20",
     "iterations whose draws are not averaged", .minimum = 0, .maximum = 1e9},
    {"precision", GASKET_OPTION_DOUBLE, offsetof(Parameters, precision), "1.5",
     "1 / variance of a rating about its prediction", .minimum = 1e-9, .maximum = 1e9},
    {"spread", GASKET_OPTION_DOUBLE, offsetof(Parameters, spread), "0.1",
     "deviation of the factors at the start", .minimum = 0, .maximum = 100},
    {.name = NULL},
};

/* ---- the vertex programs --------------------------------------------------------------------- */

enum { SUMS = GASKET_RECOMMENDER_AGGREGATES, PRODUCTS, MEAN_ERROR };
enum { STREAM_DRAW = 7101, STREAM_PRIOR };

/* A side's distribution, as drawn last. */
typedef struct {
    double *precision; /* [d][d] L, lower triangle */
    double *weighted;  /* [d] L m */
} Prior;

typedef struct {
    GasketRecommender *model;
    size_t d; /* k + 1 */
    double mean, alpha;
    int rating;
    unsigned kind;
    uint64_t iteration, n_kept; /* kept: draws that are averaged, this one counted */
    Prior prior;
} Sampler;

/* The sums of x and of the lower triangle of x x'. */
static void
add_up(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Sampler *sampler = context->parameters;
    const size_t d = sampler->d;
    double *x = context->scratch, *product = x + d;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float *value = (const float *)run->published + run->vertex[i] * d;
        size_t n = 0;
        for (size_t f = 0; f < d; f++) {
            x[f] = value[f];
            for (size_t g = 0; g <= f; g++)
                product[n++] = x[f] * x[g];
        }
        for (size_t f = 0; f < d; f++)
            gasket_add(context, SUMS, (unsigned)f, x[f]);
        for (size_t f = 0; f < n; f++)
            gasket_add(context, PRODUCTS, (unsigned)f, product[f]);
    }
}

/* Draws x from N(A^-1 c, A^-1): with A = L L', x = L'^-1 (L^-1 c + z), z standard normal. */
static void
draw(const Sampler *sampler, const GasketContext *context, GasketVertex v, double *a, double *c)
{
    const size_t d = sampler->d;
    GasketRandom random = gasket_random_at(context->seed, STREAM_DRAW + 16 * sampler->kind,
                                           context->ordinal[v], sampler->iteration);
    if (!dense_cholesky(d, a)) /* cannot be but for factors that overflow: stay divergent */
        c[0] = NAN;
    dense_solve_lower(d, a, c);
    for (size_t f = 0; f < d; f++)
        c[f] += gasket_random_normal(&random);
    dense_solve_lower_transposed(d, a, c);
}

static void
sample(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Sampler *sampler = context->parameters;
    const GasketRows *rows = run->rows;
    const float *rating = rows->column[sampler->rating].data;
    const size_t d = sampler->d;
    double *a = context->scratch, *c = a + d * d;
    float *y = (float *)(void *)(c + d);
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        float *value = (float *)run->value + v * d;
        double *total = gasket_recommender_state(sampler->model, run->state, v);
        memcpy(a, sampler->prior.precision, d * d * sizeof(double));
        memcpy(c, sampler->prior.weighted, d * sizeof(double));
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            memcpy(y, (const float *)rows->values + rows->neighbour[e] * d, d * sizeof(float));
            const double rest = sampler->alpha * (rating[e] - sampler->mean - y[d - 1]);
            y[d - 1] = 1;
            dense_rank_one(d, sampler->alpha, y, a);
            for (size_t f = 0; f < d; f++)
                c[f] += rest * y[f];
        }
        draw(sampler, context, v, a, c);
        for (size_t f = 0; f < d; f++) {
            value[f] = (float)c[f];
            total[f] = sampler->n_kept > 0 ? total[f] + value[f] : 0;
        }
    }
}

/* The mean prediction of each test rating so far, and its error. */
static void
average(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Sampler *sampler = context->parameters;
    const GasketRows *rows = run->rows;
    const float *rating = rows->column[sampler->rating].data;
    double *total = rows->edge_state;
    const size_t d = sampler->d;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float *p = (const float *)run->published + run->vertex[i] * d;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const float *q = (const float *)rows->values + rows->neighbour[e] * d;
            double prediction =
                sampler->mean + p[d - 1] + q[d - 1] + gasket_recommender_dot(p, q, (unsigned)d - 1);
            total[e] += fmin(fmax(prediction, sampler->model->low), sampler->model->high);
            double off = rating[e] - total[e] / (double)sampler->n_kept;
            gasket_add(context, MEAN_ERROR, 0, off * off);
        }
    }
}

/* The means of what was drawn become the values. */
static void
settle(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Sampler *sampler = context->parameters;
    const size_t d = sampler->d;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const double *total = gasket_recommender_state(sampler->model, run->state, v);
        for (size_t f = 0; f < d; f++)
            ((float *)run->value)[v * d + f] = (float)(total[f] / (double)sampler->n_kept);
    }
}

/* ---- a side's distribution ------------------------------------------------------------------- */

/* Gamma with shape a >= 1 / 2 and scale 1 (Marsaglia and Tsang 2000). */
static double
draw_gamma(GasketRandom *random, double a)
{
    if (a < 1)
        return draw_gamma(random, a + 1) * pow(1 - gasket_random_double(random), 1 / a);
    const double d = a - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = gasket_random_normal(random), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(1 - gasket_random_double(random)) < x * x / 2 + d - d * v + d * log(v))
            return d * v;
    }
}

/* Inverse of a symmetric matrix from its lower triangle, whole; by columns. */
static bool
invert(size_t d, double *a, double *inverse)
{
    if (!dense_cholesky(d, a))
        return false;
    for (size_t f = 0; f < d; f++) {
        double *column = inverse + f * d;
        memset(column, 0, d * sizeof(double));
        column[f] = 1;
        dense_solve_lower(d, a, column);
        dense_solve_lower_transposed(d, a, column);
    }
    return true;
}

/* L ~ W(W*, d + n), W*^-1 = I + S + 2 n / (2 + n) x x' with x the mean, S the scatter; Bartlett:
 * with W* = C C' and T lower triangular, T_ff^2 ~ chi^2 of d + n - f, T_fg ~ N(0, 1):
 * L = C T T' C'. Then m ~ N(n x / (2 + n), ((2 + n) L)^-1). */
static bool
draw_prior(Sampler *sampler, GError **error)
{
    GasketRun *run = sampler->model->run;
    const size_t d = sampler->d;
    const double n = gasket_run_n_vertices(run, sampler->kind);
    g_autofree double *scatter = g_new0(double, d *d), *scale = g_new0(double, d *d);
    g_autofree double *t = g_new0(double, d *d), *m = g_new0(double, d);
    GasketRandom random =
        gasket_random_at(gasket_run_seed(run), STREAM_PRIOR, sampler->kind, sampler->iteration);
    size_t at = 0;

    for (size_t f = 0; f < d; f++)
        for (size_t g = 0; g <= f; g++) {
            double xf = gasket_run_total(run, SUMS, (unsigned)f) / n,
                   xg = gasket_run_total(run, SUMS, (unsigned)g) / n;
            scatter[f * d + g] = (f == g) + gasket_run_total(run, PRODUCTS, (unsigned)at++) -
                                 n * xf * xg + 2 * n / (2 + n) * xf * xg;
        }
    if (!invert(d, scatter, scale) || !dense_cholesky(d, scale)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "the draws diverge; try a smaller --precision");
        return false;
    }
    for (size_t f = 0; f < d; f++) {
        for (size_t g = 0; g < f; g++)
            t[f * d + g] = gasket_random_normal(&random);
        t[f * d + f] = sqrt(2 * draw_gamma(&random, ((double)d + n - (double)f) / 2));
    }
    /* scatter <- C T, lower triangular; L = (C T) (C T)'; m by L' of it. */
    for (size_t f = 0; f < d; f++)
        for (size_t g = 0; g < d; g++) {
            scatter[f * d + g] = 0;
            for (size_t h = g; h <= f; h++)
                scatter[f * d + g] += scale[f * d + h] * t[h * d + g];
        }
    for (size_t f = 0; f < d; f++)
        m[f] = gasket_random_normal(&random) / sqrt(2 + n);
    dense_solve_lower_transposed(d, scatter, m);
    for (size_t f = 0; f < d; f++) {
        m[f] += gasket_run_total(run, SUMS, (unsigned)f) / (2 + n);
        for (size_t g = 0; g <= f; g++)
            sampler->prior.precision[f * d + g] =
                dense_dot_double(g + 1, scatter + f * d, scatter + g * d);
    }
    dense_symmetric_times(d, sampler->prior.precision, m, sampler->prior.weighted);
    return true;
}

/* ---- the driver ------------------------------------------------------------------------------ */

static const GasketRowSet test_rows[] = {{1, GASKET_OUT}};

static bool
sample_side(Sampler *sampler, unsigned kind, GError **error)
{
    GasketRun *run = sampler->model->run;
    const size_t d = sampler->d;
    const GasketProgram add = {.name = "add-up",
                               .kind = kind,
                               .apply = add_up,
                               .changes = GASKET_CHANGES_NONE,
                               .scratch_size = (d + d * (d + 1) / 2) * sizeof(double),
                               .aggregates = 1 << SUMS | 1 << PRODUCTS,
                               .parameters = sampler};
    const GasketProgram side = {.name = kind == 0 ? "users" : "items",
                                .kind = kind,
                                .apply = sample,
                                .scratch_size = (d * d + d) * sizeof(double) + d * sizeof(float),
                                .parameters = sampler};
    sampler->kind = kind;
    return gasket_run_n_vertices(run, kind) == 0 ||
           (gasket_run_step(run, &add, error) && draw_prior(sampler, error) &&
            gasket_recommender_turn(run, &side, error));
}

static bool
average_test(Sampler *sampler, GError **error)
{
    GasketRun *run = sampler->model->run;
    const GasketProgram program = {.name = "average",
                                   .rows = test_rows,
                                   .n_rows = 1,
                                   .whole_rows = true,
                                   .apply = average,
                                   .changes = GASKET_CHANGES_NONE,
                                   .aggregates = 1 << MEAN_ERROR,
                                   .parameters = sampler};
    if (!sampler->model->has_test || sampler->n_kept == 0)
        return true;
    if (!gasket_run_step(run, &program, error))
        return false;
    gasket_run_set_metric(run, "test.rmse",
                          sqrt(gasket_run_total(run, MEAN_ERROR, 0) /
                               (double)gasket_run_n_edges(run, 1)));
    return true;
}

static bool
settle_all(const Sampler *sampler, GError **error)
{
    for (unsigned kind = 0; kind < 2 && sampler->n_kept > 0; kind++) {
        const GasketProgram program = {.name = "settle",
                                       .kind = kind,
                                       .apply = settle,
                                       .parameters = sampler};
        if (!gasket_run_step(sampler->model->run, &program, error))
            return false;
    }
    return true;
}

static bool
bpmf_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const size_t d = (size_t)given->factors + 1;
    const GasketAggregate aggregates[] = {{"sums", GASKET_SUM, (unsigned)d},
                                          {"products", GASKET_SUM, (unsigned)(d * (d + 1) / 2)},
                                          {"mean_error", GASKET_SUM, 1}};
    const GasketRecommenderOptions options_of = {.rank = (unsigned)given->factors,
                                                 .ratings = true,
                                                 .state_size = d * sizeof(double),
                                                 .aggregates = aggregates,
                                                 .n_aggregates = G_N_ELEMENTS(aggregates),
                                                 .hint = "a smaller --precision"};
    g_autofree double *precision = g_new0(double, d *d), *weighted = g_new0(double, d);
    g_auto(GasketRecommender) model = {0};

    if (!gasket_recommender_begin(&model, run, &options_of, error) ||
        !gasket_recommender_draw(&model, given->spread, false, error) ||
        (model.has_test && !gasket_run_set_edge_state(run, test_rows[0], sizeof(double), error)))
        return false;
    Sampler sampler = {.model = &model,
                       .d = d,
                       .mean = model.mean,
                       .alpha = given->precision,
                       .rating = gasket_run_edge_column(run, 0, "rating"),
                       .prior = {precision, weighted}};
    while (gasket_run_continues(run)) {
        sampler.n_kept = sampler.iteration < (uint64_t)given->burn_in ? 0 : sampler.n_kept + 1;
        if (!sample_side(&sampler, 0, error) || !sample_side(&sampler, 1, error) ||
            !gasket_recommender_end_iteration(&model, false, error) ||
            !average_test(&sampler, error))
            return false;
        sampler.iteration++;
    }
    return settle_all(&sampler, error) && gasket_recommender_finish(&model, error);
}

const GasketAlgorithm gasket_bpmf = {
    GASKET_RECOMMENDER_METHOD(Parameters),
    .name = "bpmf",
    .summary = "Bayesian matrix factorisation by Gibbs sampling",
    .description =
        "Draws factors and biases of users and items from their distribution given the ratings, "
        "and averages the predictions: little to tune, hard to overfit.\n"
        "\n"
        "  gasket bpmf ratings.tsv --test 0.1 --factors 32 --iterations 200 -o model/\n",
    .recommends = GASKET_RECOMMENDS_FACTORS,
    .options = options,
    .default_iterations = 120,
    .run = bpmf_run,
};
