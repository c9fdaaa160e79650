/* SPDX-License-Identifier: Apache-2.0 */
/* Draws of factors and biases, side by side; see sampler.h. */
#include "sampler.h"

#include <math.h>
#include <string.h>

enum { SUMS = GASKET_RECOMMENDER_AGGREGATES, PRODUCTS, MEAN_ERROR };
enum { STREAM_DRAW = 7101, STREAM_PRIOR };

void
sampler_init(Sampler *sampler, GasketRecommender *model, double alpha)
{
    const size_t d = model->width;
    gasket_run_keep(model->run, &sampler->iteration, sizeof sampler->iteration);
    gasket_run_keep(model->run, &sampler->n_kept, sizeof sampler->n_kept);
    *sampler = (Sampler){.model = model,
                         .d = d,
                         .mean = model->mean,
                         .alpha = alpha,
                         .rating = gasket_run_edge_column(model->run, 0, "rating"),
                         .prior = {g_new0(double, d *d), g_new0(double, d *d), g_new0(double, d),
                                   g_new0(double, d)}};
}

void
sampler_clear(Sampler *sampler)
{
    g_free(sampler->prior.precision);
    g_free(sampler->prior.root);
    g_free(sampler->prior.mean);
    g_free(sampler->prior.weighted);
}

/* ---- the vertex programs --------------------------------------------------------------------- */

/* The sums of x - t and of the lower triangle of (x - t) (x - t)'. */
static void
add_up(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Sampler *sampler = context->parameters;
    const size_t d = sampler->d;
    double *x = context->scratch, *product = x + d;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float *value = (const float *)run->published + run->vertex[i] * d;
        const float *shift =
            sampler->shifted ? sampler_shift(sampler, run->state, run->vertex[i]) : NULL;
        size_t n = 0;
        for (size_t f = 0; f < d; f++) {
            x[f] = shift != NULL ? (double)value[f] - shift[f] : value[f];
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
    for (size_t f = 0; f < d && !sampler->settled; f++)
        c[f] += gasket_random_normal(&random);
    dense_solve_lower_transposed(d, a, c);
}

/* c += L t */
static void
add_shift(const Sampler *sampler, const float *shift, double *x, double *product, double *c)
{
    for (size_t f = 0; f < sampler->d; f++)
        x[f] = shift[f];
    dense_symmetric_times(sampler->d, sampler->prior.precision, x, product);
    for (size_t f = 0; f < sampler->d; f++)
        c[f] += product[f];
}

static void
sample(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Sampler *sampler = context->parameters;
    const GasketRows *rows = run->rows;
    const float *rating = rows->column[sampler->rating].data;
    const size_t d = sampler->d;
    double *a = context->scratch, *c = a + d * d, *x = c + d, *product = x + d;
    float *y = (float *)(void *)(product + d);
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        float *value = (float *)run->value + v * d;
        double *total = gasket_recommender_state(sampler->model, run->state, v);
        memcpy(a, sampler->prior.precision, d * d * sizeof(double));
        memcpy(c, sampler->prior.weighted, d * sizeof(double));
        if (sampler->shifted)
            add_shift(sampler, sampler_shift(sampler, run->state, v), x, product, c);
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
            gasket_add(context, MEAN_ERROR, 1, fabs(off));
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
double
sampler_gamma(GasketRandom *random, double a)
{
    if (a < 1)
        return sampler_gamma(random, a + 1) * pow(1 - gasket_random_double(random), 1 / a);
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
    g_autofree double *t = g_new0(double, d *d);
    double *m = sampler->prior.mean;
    GasketRandom random =
        gasket_random_at(gasket_run_seed(run), STREAM_PRIOR, sampler->kind, sampler->iteration);
    size_t at = 0;

    for (size_t f = 0; f < d; f++)
        for (size_t g = 0; g <= f; g++) {
            double xf = gasket_run_total(run, SUMS, (unsigned)f) / n,
                   xg = gasket_run_total(run, SUMS, (unsigned)g) / n;
            scatter[f * d + g] = (f == g) + gasket_run_total(run, PRODUCTS, (unsigned)at) -
                                 n * xf * xg + 2 * n / (2 + n) * xf * xg +
                                 (sampler->others != NULL ? sampler->others[at] : 0);
            at++;
        }
    if (!invert(d, scatter, scale) || !dense_cholesky(d, scale)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "the draws diverge; try a smaller --precision");
        return false;
    }
    for (size_t f = 0; f < d; f++) {
        for (size_t g = 0; g < f; g++)
            t[f * d + g] = gasket_random_normal(&random);
        t[f * d + f] =
            sqrt(2 * sampler_gamma(&random, ((double)d + n + sampler->n_others - (double)f) / 2));
    }
    /* scatter <- C T, lower triangular; L = (C T) (C T)'; m by L' of it. */
    for (size_t f = 0; f < d; f++)
        for (size_t g = 0; g < d; g++) {
            scatter[f * d + g] = 0;
            for (size_t h = g; h <= f; h++)
                scatter[f * d + g] += scale[f * d + h] * t[h * d + g];
        }
    memcpy(sampler->prior.root, scatter, d * d * sizeof(double));
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

/* ---- steps ----------------------------------------------------------------------------------- */

static const GasketRowSet test_rows[] = {{1, GASKET_OUT}};

static bool
add_up_side(Sampler *sampler, unsigned kind, GError **error)
{
    const size_t d = sampler->d;
    const GasketProgram program = {.name = "add-up",
                                   .kind = kind,
                                   .apply = add_up,
                                   .changes = GASKET_CHANGES_NONE,
                                   .scratch_size = (d + d * (d + 1) / 2) * sizeof(double),
                                   .aggregates = 1 << SUMS | 1 << PRODUCTS,
                                   .parameters = sampler};
    return gasket_run_step(sampler->model->run, &program, error);
}

bool
sampler_mean(Sampler *sampler, unsigned kind, double *ret_mean, GError **error)
{
    GasketRun *run = sampler->model->run;
    if (!add_up_side(sampler, kind, error))
        return false;
    for (size_t f = 0; f < sampler->d; f++)
        ret_mean[f] =
            gasket_run_total(run, SUMS, (unsigned)f) / fmax(1, gasket_run_n_vertices(run, kind));
    return true;
}

bool
sampler_side(Sampler *sampler, unsigned kind, GError **error)
{
    GasketRun *run = sampler->model->run;
    const size_t d = sampler->d;
    const GasketProgram program = {.name = kind == 0 ? "users" : "items",
                                   .kind = kind,
                                   .apply = sample,
                                   .scratch_size =
                                       (d * d + 3 * d) * sizeof(double) + d * sizeof(float),
                                   .parameters = sampler};
    sampler->kind = kind;
    return gasket_run_n_vertices(run, kind) == 0 ||
           ((sampler->settled ||
             (add_up_side(sampler, kind, error) && draw_prior(sampler, error))) &&
            gasket_recommender_turn(run, &program, error));
}

bool
sampler_begin_test(const Sampler *sampler, GError **error)
{
    return !sampler->model->has_test ||
           gasket_run_set_edge_state(sampler->model->run, test_rows[0], sizeof(double), error);
}

bool
sampler_average_test(Sampler *sampler, GError **error)
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
    const double n = (double)gasket_run_n_edges(run, 1);
    GasketRecommender *model = sampler->model;
    model->test = sqrt(gasket_run_total(run, MEAN_ERROR, 0) / n);
    model->test_known = true;
    gasket_run_set_metric(run, "test.rmse", model->test);
    gasket_run_set_metric(run, "test.mae", gasket_run_total(run, MEAN_ERROR, 1) / n);
    return true;
}

bool
sampler_settle(const Sampler *sampler, GError **error)
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
