/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix factorisation with biases by stochastic gradient descent.
 *
 *   r_ui ~ mean + b_u + b_i + p_u . q_i         e = r_ui - prediction; for each rating in turn:
 *
 *   b_u += a (e - l' b_u)   p_u += a (e q_i - l p_u)       a the rate, times `decay` each epoch
 *   b_i += a (e - l' b_i)   q_i += a (e p_u - l q_i)       l, l' the regularisation
 *
 * Two updates can run at once if they share neither user nor item. So users and items are divided
 * into B blocks each, and an epoch takes B strata; the blocks of one stratum share nothing:
 *
 *            items  0   1   2   3
 *   users 0         .   #   .   .      stratum s: block u of the users meets block
 *         1         .   .   #   .      (u + s) mod B of the items; strata come in an order that
 *         2         .   .   .   #      is drawn for each epoch
 *         3         #   .   .   .
 *
 * A worker that works on a block leases its items; the users are its own. Where the users of a
 * block belong to several workers, these take turns at it, by number:
 *
 *   block 1 of the users   | worker 0 . . . . . . | worker 1 . . . | worker 0 . |   3 turns
 *
 * Invariants:
 *   1. B, the blocks' bounds and the order of strata are functions of (graph, seed).
 *   2. A block's ratings are worked on in the order of (user, item), whoever owns them: with 1, the
 *      whole run equals one serial order of updates, the same for every placement.
 *   3. A worker that gets an item has a rating of it, so it has a copy.
 *
 * Cost: 6 k flops an update, 20 bytes a rating and 4 B a user. Turns cost an exchange of the items'
 * values each: parts by ranges (--partition range) need at most one more than workers, others as
 * many as a block has changes of owner.
 *
 * References: R. Gemulla, E. Nijkamp, P. Haas, Y. Sismanis, Large-scale matrix factorization with
 * distributed stochastic gradient descent, KDD 2011; Y. Koren, R. Bell, C. Volinsky, Matrix
 * factorization techniques for recommender systems, IEEE Computer 42(8), 2009.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "vectors.h"
#include "recommender.h"
#include "strata.h"

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    int64_t factors;
    double rate, decay, regularization, bias_regularization, spread;
} Parameters;

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "64",
     "factors of a user and an item", .minimum = 1, .maximum = 4096},
    {"rate", GASKET_OPTION_DOUBLE, offsetof(Parameters, rate), "0.03",
     "learning rate of the first iteration", .minimum = 1e-9, .maximum = 10},
    {"decay", GASKET_OPTION_DOUBLE, offsetof(Parameters, decay), "0.95",
     "what an iteration multiplies the rate by", .minimum = 0.01, .maximum = 1},
    {"regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, regularization), "0.1",
     "weight of the squared factors, for each rating", .minimum = 0, .maximum = 1e6},
    {"bias-regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, bias_regularization), "0.03",
     "weight of the squared biases, for each rating", .minimum = 0, .maximum = 1e6},
    {"spread", GASKET_OPTION_DOUBLE, offsetof(Parameters, spread), "0.3",
     "deviation of the factors at the start, times the root of the rank", .minimum = 0,
     .maximum = 100},
    {.name = NULL},
};

/* ---- updates --------------------------------------------------------------------------------- */

typedef struct {
    size_t rank, width; /* factors, and with the bias behind them */
    double mean;
    float rate, shrink, bias_shrink;
    int rating; /* edge column */
    float *users, *items;
} Descent;

static inline void
update(const Descent *descent, float error, float *restrict p, float *restrict q)
{
    const size_t k = descent->rank;
    const float step = descent->rate * error, keep = 1 - descent->rate * descent->shrink;

    for (size_t f = 0; f < k; f++) {
        float old = p[f];
        p[f] = keep * old + step * q[f];
        q[f] = keep * q[f] + step * old;
    }
    p[k] += step - descent->rate * descent->bias_shrink * p[k];
    q[k] += step - descent->rate * descent->bias_shrink * q[k];
}

/* The ratings begin .. end - 1 of user u, in order. */
static void
update_user(void *data, const GasketRows *rows, GasketVertex u, uint64_t begin, uint64_t end)
{
    const Descent *descent = data;
    const float *rating = rows->column[descent->rating].data;
    float *p = descent->users + u * descent->width;
    const size_t k = descent->rank;

    for (uint64_t e = begin; e < end; e++) {
        float *q = descent->items + rows->neighbour[e] * descent->width;
        float error = (float)(rating[e] - descent->mean) - (p[k] + q[k] + dense_dot(k, p, q));
        update(descent, error, p, q);
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
sgd_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const GasketRecommenderOptions options_of = {.rank = (unsigned)given->factors,
                                                 .ratings = true,
                                                 .hint = "a smaller --rate"};
    GasketRecommender model;
    g_autoptr(Strata) strata = NULL;

    if (!gasket_recommender_begin(&model, run, &options_of, error) ||
        !gasket_recommender_draw(&model, given->spread / sqrt((double)given->factors), false,
                                 error))
        return false;
    strata = strata_new(run, error);
    if (strata == NULL)
        return false;
    Descent descent = {
        .rank = (size_t)given->factors,
        .width = model.width,
        .mean = model.mean,
        .rate = (float)given->rate,
        .shrink = (float)given->regularization,
        .bias_shrink = (float)given->bias_regularization,
        .rating = gasket_run_edge_column(run, 0, "rating"),
    };
    gasket_run_keep(run, &descent.rate, sizeof descent.rate);
    double seconds = 0, n_updates = 0;
    while (gasket_run_continues(run)) {
        const StrataValues values = {&descent.users, &descent.items};
        const int64_t began = g_get_monotonic_time();
        if (!strata_epoch(strata, values, update_user, &descent, error))
            return false;
        seconds += (double)(g_get_monotonic_time() - began) / 1e6;
        n_updates += (double)model.n_ratings;
        gasket_run_set_metric(run, "updates_per_second", n_updates / seconds);
        if (!gasket_recommender_end_iteration(&model, false, error))
            return false;
        descent.rate *= (float)given->decay;
    }
    return gasket_recommender_finish(&model, error);
}

const GasketAlgorithm gasket_sgd = {
    GASKET_RECOMMENDER_METHOD(Parameters),
    .name = "sgd",
    .summary = "matrix factorisation with biases by stochastic gradient descent",
    .description =
        "Factors a ratings table by stochastic gradient descent: prediction = mean + bias of the "
        "user + bias of the item + product of their factors. The updates of an iteration equal one "
        "serial order, whatever the number of threads and workers; several workers do best with "
        "--partition range.\n"
        "\n"
        "  gasket sgd ratings.tsv --test 0.1 -o model/\n"
        "  gasket sgd u1.base --test u1.test --factors 100 --rate 0.02 --iterations 60\n",
    .recommends = GASKET_RECOMMENDS_FACTORS,
    .options = options,
    .default_iterations = 40,
    .resumable = true,
    .run = sgd_run,
};
