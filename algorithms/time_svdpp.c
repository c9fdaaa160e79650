/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SVD++ where tastes and popularity change with time: timeSVD++.
 *
 *   r_ui(t) ~ mean + b_u + a_u dev_u(t) + b_i + b_i,bin(t) + q_i . (p_u + d_u dev_u(t) + s_u)
 *
 *   dev_u(t) = sign(t - t_u) |t - t_u|^0.4 / (t_max - t_min)^0.4    t_u: mean time of u's ratings
 *   bin(t)   of as many equal pieces of the time from the first to the last training rating
 *
 * Everything that a rating touches takes a step along the gradient, as in sgd.c; s_u learns as in
 * svdpp.c. What depends on time is published behind the factors, so placed that the product of a
 * user's and an item's value is still (p + s) . q:
 *
 *   user   | p + s | 0 ... 0          | d     | a   t_u | b |
 *   item   | q     | b_bin ...        | 0 ... | 0   0   | b |        float [2 k + bins + 3]
 *
 * So a model without the times is what is written: mean + b_u + b_i + (p_u + s_u) . q_i, at the
 * mean of the user's times. Single days of users and their scale c_u(t) are left out of Koren's
 * model: most tables have no days on which a user comes back.
 *
 * Cost: 12 k flops an update; twice the floats of SVD++ and the bins published.
 *
 * Reference: Y. Koren, Collaborative filtering with temporal dynamics, KDD 2009.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "rating_times.h"
#include "svdpp.h"

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    int64_t factors, bins;
    double rate, decay, regularization, bias_regularization, implicit_regularization,
        time_regularization, bin_regularization, gain, spread;
} Parameters;

#define FIELD(name) offsetof(Parameters, name)
static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, FIELD(factors), "64", "factors of a user and an item",
     .minimum = 1, .maximum = 4096},
    {"bins", GASKET_OPTION_INT, FIELD(bins), "10", "pieces of time in which an item has a bias",
     .minimum = 1, .maximum = 4096},
    {"rate", GASKET_OPTION_DOUBLE, FIELD(rate), "0.02", "learning rate of the first iteration",
     .minimum = 1e-9, .maximum = 10},
    {"decay", GASKET_OPTION_DOUBLE, FIELD(decay), "0.95",
     "what an iteration multiplies the rate by", .minimum = 0.01, .maximum = 1},
    {"regularization", GASKET_OPTION_DOUBLE, FIELD(regularization), "0.1",
     "weight of the squared factors, for each rating", .minimum = 0, .maximum = 1e6},
    {"bias-regularization", GASKET_OPTION_DOUBLE, FIELD(bias_regularization), "0.03",
     "weight of the squared biases, for each rating", .minimum = 0, .maximum = 1e6},
    {"implicit-regularization", GASKET_OPTION_DOUBLE, FIELD(implicit_regularization), "0.02",
     "weight of the squared sums over what a user has rated, for each rating", .minimum = 0,
     .maximum = 1e6},
    {"time-regularization", GASKET_OPTION_DOUBLE, FIELD(time_regularization), "0.03",
     "weight of the squares of what moves with time, for each rating", .minimum = 0,
     .maximum = 1e6},
    {"bin-regularization", GASKET_OPTION_DOUBLE, FIELD(bin_regularization), "10",
     "weight of the squared biases of pieces of time, for each rating", .minimum = 0,
     .maximum = 1e6},
    {"gain", GASKET_OPTION_DOUBLE, FIELD(gain), "4",
     "raters of an item from which on their wishes are averaged", .minimum = 1, .maximum = 1e6},
    {"spread", GASKET_OPTION_DOUBLE, FIELD(spread), "0.3",
     "deviation of the factors at the start, times the root of the rank", .minimum = 0,
     .maximum = 100},
    {.name = NULL},
};

/* ---- times ----------------------------------------------------------------------------------- */

typedef struct {
    Svdpp base; /* first: the functions of svdpp.c are given this */
    size_t bins;
    RatingTimes times;
    float time_shrink, bin_shrink;
} Descent;

/* Where things stand in a value. */
static inline size_t
drift_at(const Descent *descent)
{
    return descent->base.rank + descent->bins;
}

static inline size_t
slope_at(const Descent *descent) /* a; t_u behind it */
{
    return 2 * descent->base.rank + descent->bins;
}

static inline float
deviation(float share, float mean)
{
    return copysignf(powf(fabsf(share - mean), 0.4f), share - mean);
}

/* ---- updates and predictions ----------------------------------------------------------------- */

static void
update_user(void *data, const GasketRows *rows, GasketVertex u, uint64_t begin, uint64_t end)
{
    const Descent *descent = data;
    const Svdpp *base = &descent->base;
    const float *rating = rows->column[base->rating].data;
    const size_t k = base->rank, last = base->width - 1;
    const float keep = 1 - base->rate * base->bias_shrink,
                keep_time = 1 - base->rate * descent->time_shrink,
                keep_bin = fmaxf(0, 1 - base->rate * descent->bin_shrink);
    SvdppUser user = svdpp_user(base, base->user_states, u);
    float *own = base->users + u * base->width;
    float *drift = own + drift_at(descent), *slope = own + slope_at(descent);

    for (uint64_t e = begin; e < end; e++) {
        float *q = base->items + rows->neighbour[e] * base->width;
        const double share = rating_times_share(&descent->times, rows, e);
        const float dev = deviation((float)share, slope[1]);
        float *in_bin = q + k + rating_times_bin(share, descent->bins);
        const float error =
            (float)(rating[e] - base->mean) -
            (own[last] + *slope * dev + q[last] + *in_bin + dense_dot(k, user.p, q) +
             dense_dot(k, user.t, q) + dev * dense_dot(k, drift, q));
        const float step = base->rate * error;
        for (size_t f = 0; f < k; f++) {
            const float old = drift[f];
            drift[f] = keep_time * old + step * dev * q[f];
            q[f] += step * dev * old;
        }
        svdpp_update(base, error, user.p, user.t, q);
        own[last] = keep * own[last] + step;
        q[last] = keep * q[last] + step;
        *slope = keep_time * *slope + step * dev;
        *in_bin = keep_bin * *in_bin + step;
    }
}

static double
predict(const void *data, const GasketVertices *run, size_t r, uint64_t e)
{
    const Descent *descent = data;
    const Svdpp *base = &descent->base;
    const GasketRows *rows = run->rows;
    const float *own = (const float *)run->published + run->vertex[r] * base->width;
    const float *q = (const float *)rows->values + rows->neighbour[e] * base->width;
    const float *slope = own + slope_at(descent);
    const unsigned k = (unsigned)base->rank;
    const double share = rating_times_share(&descent->times, rows, e);
    const double dev = deviation((float)share, slope[1]);
    return base->model->mean + own[base->width - 1] + q[base->width - 1] + *slope * dev +
           q[k + rating_times_bin(share, descent->bins)] + gasket_recommender_dot(own, q, k) +
           dev * gasket_recommender_dot(own + drift_at(descent), q, k);
}

/* ---- the start ------------------------------------------------------------------------------- */

/* Factors as drawn and the bias; nothing depends on time yet. Users keep p and learn t_u. */
static void
start(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Descent *descent = context->parameters;
    const size_t k = descent->base.rank, width = descent->base.width;
    const bool users = run->rows != NULL;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        float *value = (float *)run->value + v * width;
        memmove(value, (const float *)run->published + v * width, width * sizeof *value);
        memset(value + k, 0, (width - 1 - k) * sizeof *value);
        if (!users)
            continue;
        const GasketRows *rows = run->rows;
        const double n = (double)(rows->end[i] - rows->begin[i]);
        double sum = 0;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            sum += rating_times_share(&descent->times, rows, e);
        value[slope_at(descent) + 1] = n > 0 ? (float)(sum / n) : 0;
        memcpy(svdpp_user(&descent->base, run->state, v).p, value, k * sizeof *value);
    }
}

static bool
begin(GasketRun *run, Descent *descent, GError **error)
{
    const GasketProgram users = {.name = "start", .apply = start, .parameters = descent};
    const GasketProgram items = {.name = "start", .kind = 1, .apply = start, .parameters = descent};
    return rating_times_find(&descent->times, run, GASKET_RECOMMENDER_AGGREGATES, error) &&
           gasket_recommender_turn(run, &users, error) && gasket_run_step(run, &items, error);
}

/* ---- the driver ------------------------------------------------------------------------------ */

static int64_t
rank_of(const Parameters *given)
{
    return 2 * given->factors + given->bins + 2;
}

static bool
time_svdpp_prepare(const void *parameters, double tolerance, GasketNeeds *needs_copy,
                   GasketResultColumn *results_copy, GError **error)
{
    const int64_t rank = rank_of(parameters);
    return gasket_recommender_prepare(&rank, tolerance, needs_copy, results_copy, error);
}

static bool
time_svdpp_run(GasketRun *run, const void *parameters, GError **error)
{
    static const GasketAggregate aggregates[RATING_TIMES_N] = {RATING_TIMES_AGGREGATES};
    const Parameters *given = parameters;
    const size_t k = (size_t)given->factors, width = (size_t)rank_of(given) + 1;
    Descent descent = {
        .base = {.rank = k,
                 .width = width,
                 .rate = (float)given->rate,
                 .shrink = (float)given->regularization,
                 .bias_shrink = (float)given->bias_regularization,
                 .implicit_shrink = (float)given->implicit_regularization,
                 .gain = (float)given->gain,
                 .rating = gasket_run_edge_column(run, 0, "rating")},
        .bins = (size_t)given->bins,
        .time_shrink = (float)given->time_regularization,
        .bin_shrink = (float)given->bin_regularization,
    };
    const GasketRecommenderOptions common = {.rank = (unsigned)rank_of(given),
                                             .ratings = true,
                                             .state_size = svdpp_state_size(k, width),
                                             .aggregates = aggregates,
                                             .n_aggregates = RATING_TIMES_N,
                                             .hint = "a smaller --rate or --gain"};
    GasketRecommender model;
    g_autoptr(Strata) strata = NULL;

    if (!rating_times_init(&descent.times, run, "time-svdpp", error) ||
        !gasket_recommender_begin(&model, run, &common, error) ||
        !gasket_recommender_draw(&model, given->spread / sqrt((double)k), false, error))
        return false;
    descent.base.model = &model;
    descent.base.mean = model.mean;
    descent.base.user_states = gasket_run_state(run, 0);
    model.options.predict = predict;
    model.options.predict_data = &descent;
    strata = strata_new(run, error);
    if (strata == NULL || !begin(run, &descent, error))
        return false;
    gasket_run_keep(run, &descent.base.rate, sizeof descent.base.rate);
    while (gasket_run_continues(run)) {
        const StrataValues values = {&descent.base.users, &descent.base.items};
        if (!strata_epoch(strata, values, update_user, &descent, error) ||
            !svdpp_exchange(run, &descent.base, error) ||
            !gasket_recommender_end_iteration(&model, false, error))
            return false;
        descent.base.rate *= (float)given->decay;
    }
    return gasket_recommender_finish(&model, error);
}

const GasketAlgorithm gasket_time_svdpp = {
    .abi = GASKET_ABI,
    .name = "time-svdpp",
    .summary = "timeSVD++: SVD++ where tastes and popularity change with time",
    .description =
        "SVD++ with biases of items for pieces of time, and biases and factors of users that move "
        "with time. The ratings need times. Errors are measured at each rating's time; the model "
        "that is written predicts for the mean of a user's times.\n"
        "\n"
        "  gasket time-svdpp u1.base --test u1.test\n",
    .input = GASKET_INPUT_RATINGS,
    .recommends = GASKET_RECOMMENDS_FACTORS,
    .options = options,
    .parameters_size = sizeof(Parameters),
    .needs = rating_times_needs,
    .n_needs = RATING_TIMES_NEEDS,
    .results = gasket_recommender_results,
    .n_results = GASKET_RECOMMENDER_N_RESULTS,
    .default_iterations = 40,
    .prepare = time_svdpp_prepare,
    .resumable = true,
    .run = time_svdpp_run,
};
