/* SPDX-License-Identifier: Apache-2.0 */
/* Biases with damping from the ratings; see biases.h. */
#include "biases.h"

#include <math.h>
#include <string.h>

#define SWEEPS          10
#define FIRST_DAMPING   4.0
#define LEAST_DAMPING   1e-3
#define LARGEST_DAMPING 1e6

/* Elements of the aggregate. */
enum { SPREAD, RATED, NOISE };

typedef struct {
    const GasketRecommender *model;
    const GasketBiasPlace *place; /* [2] by kind */
    unsigned aggregate;
    unsigned kind;     /* whose turn it is */
    double noise;      /* s */
    double damping[2]; /* s / t, by kind */
} Fit;

static inline size_t
position(const Fit *fit, unsigned kind, const uint64_t *value_begin, GasketVertex v)
{
    return (value_begin != NULL ? value_begin[v] : v * fit->place[kind].stride) +
           fit->place[kind].offset;
}

static inline float
other_bias(const Fit *fit, const GasketRows *rows, uint64_t e)
{
    const size_t at = position(fit, !fit->kind, rows->value_begin, rows->neighbour[e]);
    return *(const float *)(const void *)((const char *)rows->values + at);
}

/* Squares of what the biases of a row leave. */
static double
left_over(const Fit *fit, const GasketRows *rows, size_t r, float own)
{
    const float *rating = rows->column[0].data;
    double sum = 0;
    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
        const double x = rating[e] - fit->model->mean - own - other_bias(fit, rows, e);
        sum += x * x;
    }
    return sum;
}

static void
fit_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Fit *fit = context->parameters;
    const GasketRows *rows = &run->rows[0];
    const float *rating = rows->column[0].data;
    const GasketBiasPlace *place = &fit->place[fit->kind];
    (void)sums;

    for (size_t r = 0; r < rows->count; r++) {
        const GasketVertex v = rows->vertex[r];
        const uint64_t *begin = run->value_begin;
        char *value = (char *)run->value + (begin != NULL ? begin[v] : v * place->stride);
        float *own = (float *)(void *)(value + place->offset);
        const double n = (double)(rows->end[r] - rows->begin[r]);
        const double precision = fit->damping[fit->kind] + n;
        double sum = 0;
        memset(value, 0, begin != NULL ? begin[v + 1] - begin[v] : place->stride);
        if (n == 0)
            continue;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum += rating[e] - fit->model->mean - other_bias(fit, rows, e);
        *own = (float)(sum / precision);
        gasket_add(context, fit->aggregate, SPREAD, (double)*own * *own + fit->noise / precision);
        gasket_add(context, fit->aggregate, RATED, 1);
        gasket_add(context, fit->aggregate, NOISE,
                   n * fit->noise / precision +
                       (fit->kind == 0 ? left_over(fit, rows, r, *own) : 0));
    }
}

/* One turn of a kind; what it adds to the noise. */
static bool
fit_kind(Fit *fit, unsigned kind, double *ret_noise, GError **error)
{
    GasketRun *run = fit->model->run;
    const GasketProgram program = {.name = "biases",
                                   .kind = kind,
                                   .apply = fit_apply,
                                   .aggregates = UINT64_C(1) << fit->aggregate,
                                   .parameters = fit};
    fit->kind = kind;
    if (!gasket_recommender_turn(run, &program, error))
        return false;
    const double spread = gasket_run_total(run, fit->aggregate, SPREAD) /
                          fmax(1, gasket_run_total(run, fit->aggregate, RATED));
    if (spread > 0)
        fit->damping[kind] = CLAMP(fit->noise / spread, LEAST_DAMPING, LARGEST_DAMPING);
    *ret_noise = gasket_run_total(run, fit->aggregate, NOISE);
    return true;
}

bool
gasket_biases_fit(const GasketRecommender *model, const GasketBiasPlace place[2],
                  unsigned aggregate, GError **error)
{
    Fit fit = {model, place, aggregate, 0, model->variance, {FIRST_DAMPING, FIRST_DAMPING}};
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++) {
        double of_items, of_users;
        if (!fit_kind(&fit, 1, &of_items, error) || !fit_kind(&fit, 0, &of_users, error))
            return false;
        fit.noise = (of_items + of_users) / fmax(1, (double)model->n_ratings);
    }
    gasket_run_set_metric(model->run, "baseline.bias.user_damping", fit.damping[0]);
    gasket_run_set_metric(model->run, "baseline.bias.item_damping", fit.damping[1]);
    return true;
}
