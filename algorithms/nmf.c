/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-negative matrix factorisation of the given ratings: r_ui ~ p_u . q_i, no factor below 0.
 *
 * Multiplicative updates, of all users and then of all items, each from the values of the other
 * side; the sums are over what is rated:
 *
 *   squared   p_f <- p_f  sum r q_f           / (sum (p . q) q_f + l n p_f)
 *   kl        p_f <- p_f  sum r / (p . q) q_f / (sum q_f + l n)
 *
 * They lower
 *
 *   squared   sum (r - p . q)^2 / 2                + l / 2 (sum n_u |p_u|^2 + sum n_i |q_i|^2)
 *   kl        sum r log (r / (p . q)) - r + p . q  + l (sum n_u |p_u|_1 + sum n_i |q_i|_1)
 *
 * (metric `objective`) in every step, because each is the minimum of a function that lies above it
 * and touches it at the old p.
 *
 * Invariant: factors are at least FLOOR, from which a product can still lead away.
 *
 * Cost: 4 k flops a rating and step.
 *
 * References: D. Lee, H. S. Seung, Algorithms for non-negative matrix factorization, NIPS 2000;
 * for given ratings only: S. Zhang, W. Wang, J. Ford, F. Makedon, SDM 2006.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "vectors.h"
#include "recommender.h"

#define FLOOR 1e-10f

/* ---- options --------------------------------------------------------------------------------- */

typedef enum { LOSS_SQUARED, LOSS_KL } Loss;

typedef struct {
    int64_t factors;
    int loss;
    double regularization;
} Parameters;

static const char *const losses[] = {"squared", "kl", NULL};

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "16",
     "factors of a user and an item", .minimum = 1, .maximum = 4096},
    {"loss", GASKET_OPTION_CHOICE, offsetof(Parameters, loss), "squared",
     "what is lowered: the squared error, or the Kullback-Leibler divergence", .choices = losses},
    {"regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, regularization), "0.15",
     "weight of the squared factors (kl: of the factors), for each rating", .minimum = 0,
     .maximum = 1e6},
    {.name = NULL},
};

/* ---- the vertex program ---------------------------------------------------------------------- */

enum { OBJECTIVE = GASKET_RECOMMENDER_AGGREGATES, SMALLEST };

typedef struct {
    size_t rank, width;
    bool kl;
    double regularization;
    int rating; /* edge column */
} Settings;

/* Replaces p by the minimum of the function above the objective. above, below: [rank] scratch. */
static void
multiply(const Settings *settings, const GasketRows *rows, size_t row, float *p, double *above,
         double *below)
{
    const size_t k = settings->rank;
    const float *rating = rows->column[settings->rating].data;
    const double weight = settings->regularization * (double)(rows->end[row] - rows->begin[row]);

    for (size_t f = 0; f < k; f++) {
        above[f] = 0;
        below[f] = settings->kl ? weight : weight * p[f];
    }
    for (uint64_t e = rows->begin[row]; e < rows->end[row]; e++) {
        const float *q = (const float *)rows->values + rows->neighbour[e] * settings->width;
        const double product = gasket_recommender_dot(p, q, (unsigned)k);
        const double up = settings->kl ? rating[e] / product : rating[e];
        const double down = settings->kl ? 1 : product;
        for (size_t f = 0; f < k; f++) {
            above[f] += up * q[f];
            below[f] += down * q[f];
        }
    }
    for (size_t f = 0; f < k; f++)
        p[f] = (float)fmax(p[f] * above[f] / below[f], FLOOR);
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    double *above = context->scratch, *below = above + settings->rank;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const size_t at = run->vertex[i] * settings->width;
        float *p = (float *)run->value + at;
        memcpy(p, (const float *)run->published + at, settings->width * sizeof(float));
        if (run->rows->begin[i] < run->rows->end[i])
            multiply(settings, run->rows, i, p, above, below);
    }
}

/* What one rating adds to the objective, and what its user's factors do. */
static double
loss_of(const Settings *settings, double rating, double product)
{
    if (!settings->kl)
        return (rating - product) * (rating - product) / 2;
    return (rating > 0 ? rating * log(rating / product) : 0) - rating + product;
}

static double
size_of(const Settings *settings, const float *p)
{
    double size = 0;
    for (size_t f = 0; f < settings->rank; f++)
        size += settings->kl ? p[f] : (double)p[f] * p[f] / 2;
    return size * settings->regularization;
}

static void
measure(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    const GasketRows *rows = run->rows;
    const float *rating = rows->column[settings->rating].data;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float *p = (const float *)run->published + run->vertex[i] * settings->width;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const float *q = (const float *)rows->values + rows->neighbour[e] * settings->width;
            double product = gasket_recommender_dot(p, q, (unsigned)settings->rank);
            gasket_add(context, OBJECTIVE, 0,
                       loss_of(settings, rating[e], product) + size_of(settings, p) +
                           size_of(settings, q));
            gasket_extreme(context, SMALLEST, 0, rating[e]);
        }
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
train(GasketRecommender *model, const Settings *settings, GError **error)
{
    GasketRun *run = model->run;
    const size_t scratch_size = 2 * settings->rank * sizeof(double);
    const GasketProgram users = {.name = "users",
                                 .apply = apply,
                                 .scratch_size = scratch_size,
                                 .parameters = settings};
    const GasketProgram items = {.name = "items",
                                 .kind = 1,
                                 .apply = apply,
                                 .scratch_size = scratch_size,
                                 .parameters = settings};
    const GasketProgram objective = {.name = "objective",
                                     .apply = measure,
                                     .changes = GASKET_CHANGES_NONE,
                                     .aggregates = 1 << OBJECTIVE | 1 << SMALLEST,
                                     .parameters = settings};
    if (!gasket_recommender_turn(run, &objective, error))
        return false;
    if (gasket_run_total(run, SMALLEST, 0) < 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found a rating of %g, expected none below 0 to factor without negative "
                    "numbers",
                    gasket_run_total(run, SMALLEST, 0));
        return false;
    }
    while (gasket_run_continues(run)) {
        if (!gasket_recommender_turn(run, &users, error) ||
            !gasket_recommender_turn(run, &items, error) ||
            !gasket_recommender_turn(run, &objective, error))
            return false;
        gasket_run_set_metric(run, "objective", gasket_run_total(run, OBJECTIVE, 0));
        if (!gasket_recommender_end_iteration(model, false, error))
            return false;
    }
    return gasket_recommender_finish(model, error);
}

static bool
nmf_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const GasketAggregate aggregates[] = {{"objective", GASKET_SUM, 1},
                                          {"smallest", GASKET_MIN, 1}};
    const GasketRecommenderOptions options_of = {.rank = (unsigned)given->factors,
                                                 .ratings = true,
                                                 .no_biases = true,
                                                 .aggregates = aggregates,
                                                 .n_aggregates = G_N_ELEMENTS(aggregates),
                                                 .hint = "more --regularization"};
    GasketRecommender model;
    if (!gasket_recommender_begin(&model, run, &options_of, error) ||
        !gasket_recommender_draw(&model, 1 / sqrt((double)given->factors), true, error))
        return false;
    const Settings settings = {.rank = (size_t)given->factors,
                               .width = model.width,
                               .kl = given->loss == LOSS_KL,
                               .regularization = given->regularization,
                               .rating = gasket_run_edge_column(run, 0, "rating")};
    return train(&model, &settings, error);
}

const GasketAlgorithm gasket_nmf = {
    GASKET_RECOMMENDER_METHOD(Parameters),
    .name = "nmf",
    .summary = "factorisation of ratings without negative factors",
    .description =
        "Factors a ratings table into factors that are not negative, by multiplicative updates: "
        "parts that add up. Ratings must not be negative.\n"
        "\n"
        "  gasket nmf ratings.tsv --test 0.1 --loss kl -o model/\n",
    .recommends = GASKET_RECOMMENDS_FACTORS,
    .options = options,
    .default_iterations = 200,
    .resumable = true,
    .run = nmf_run,
};
