/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SVD++: matrix factorisation where what a user has rated says something too, whatever the rating.
 *
 *   r_ui ~ mean + b_u + b_i + q_i . (p_u + s_u)      s_u = n_u^-1/2 sum over rated j of y_j
 *
 * Only training ratings count among the rated. Factors and biases learn as in sgd.c. s_u stands for
 * all the y_j of the user: during an epoch the user learns it like a factor of its own,
 *
 *   t_u += a (e q_i - l'' t_u)                       from t_u = s_u on
 *
 * and afterwards publishes how far it would have it moved, d_u = (t_u - s_u) n_u^-1/2: one step of
 * every y_j of the user moves s_u just so. An item gathers what its n_i raters want and does
 *
 *   y_i += min(1, gain / n_i) sum over raters u of d_u
 *
 *   sgd over strata     users: p, t                       items: q
 *   tell                users ── d_u ──> items            y
 *   sum                 items ── y_j ──> users            s = t
 *   show                items publish q again
 *
 * Why not the plain sum: all raters of an item would push it at once towards what one of them
 * alone could reach, n_i times too far. The sum over n_i can not overshoot: the map from d to the
 * change of s has no eigenvalue above 1 then (its rows are averages). gain > 1 hurries the items
 * with many raters, whose raters agree in part only.
 *
 * Invariant: the value of a user is p + s and its bias, that of an item q and its bias, whenever
 * errors are measured: so predictions need no y.
 *
 * Cost: 8 k flops an update, and 4 k a rating for telling and summing; 3 k floats a user, 2 k an
 * item more than sgd.
 *
 * Reference: Y. Koren, Factorization meets the neighborhood: a multifaceted collaborative filtering
 * model, KDD 2008.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "svdpp.h"

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    int64_t factors;
    double rate, decay, regularization, bias_regularization, implicit_regularization, gain, spread;
} Parameters;

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "64",
     "factors of a user and an item", .minimum = 1, .maximum = 4096},
    {"rate", GASKET_OPTION_DOUBLE, offsetof(Parameters, rate), "0.02",
     "learning rate of the first iteration", .minimum = 1e-9, .maximum = 10},
    {"decay", GASKET_OPTION_DOUBLE, offsetof(Parameters, decay), "0.95",
     "what an iteration multiplies the rate by", .minimum = 0.01, .maximum = 1},
    {"regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, regularization), "0.1",
     "weight of the squared factors, for each rating", .minimum = 0, .maximum = 1e6},
    {"bias-regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, bias_regularization), "0.03",
     "weight of the squared biases, for each rating", .minimum = 0, .maximum = 1e6},
    {"implicit-regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, implicit_regularization),
     "0.02", "weight of the squared sums over what a user has rated, for each rating", .minimum = 0,
     .maximum = 1e6},
    {"gain", GASKET_OPTION_DOUBLE, offsetof(Parameters, gain), "4",
     "raters of an item from which on their wishes are averaged", .minimum = 1, .maximum = 1e6},
    {"spread", GASKET_OPTION_DOUBLE, offsetof(Parameters, spread), "0.3",
     "deviation of the factors at the start, times the root of the rank", .minimum = 0,
     .maximum = 100},
    {.name = NULL},
};

/* ---- what users and items keep --------------------------------------------------------------- */

/* An item's own: y of k floats, and what it publishes (q and bias) while y is published. */
typedef struct {
    float *y, *shown;
} Item;

static Item
item_of(const Svdpp *descent, void *states, GasketVertex i)
{
    float *own = gasket_recommender_state(descent->model, states, i);
    return (Item){own, own + descent->rank};
}

/* ---- updates --------------------------------------------------------------------------------- */

static inline float
error_of(const Svdpp *descent, double rating, const SvdppUser *user, float bias, const float *q)
{
    const size_t k = descent->rank;
    return (float)(rating - descent->mean) -
           (bias + q[k] + dense_dot(k, user->p, q) + dense_dot(k, user->t, q));
}

static void
update_user(void *data, const GasketRows *rows, GasketVertex u, uint64_t begin, uint64_t end)
{
    const Svdpp *descent = data;
    const float *rating = rows->column[descent->rating].data;
    const size_t k = descent->rank;
    const float shrink = descent->rate * descent->bias_shrink;
    SvdppUser user = svdpp_user(descent, descent->user_states, u);
    float *bias = descent->users + u * descent->width + k;

    for (uint64_t e = begin; e < end; e++) {
        float *q = descent->items + rows->neighbour[e] * descent->width;
        float error = error_of(descent, rating[e], &user, *bias, q);
        svdpp_update(descent, error, user.p, user.t, q);
        *bias += descent->rate * error - shrink * *bias;
        q[k] += descent->rate * error - shrink * q[k];
    }
}

/* ---- the vertex programs --------------------------------------------------------------------- */

/* p starts as what was drawn. */
static void
start_user(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Svdpp *descent = context->parameters;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        SvdppUser user = svdpp_user(descent, run->state, run->vertex[i]);
        memcpy(user.p, (const float *)run->published + run->vertex[i] * descent->width,
               descent->rank * sizeof(float));
    }
}

static void
tell(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Svdpp *descent = context->parameters;
    const size_t k = descent->rank;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const uint64_t n = run->rows->end[i] - run->rows->begin[i];
        const float share = n > 0 ? (float)(1 / sqrt((double)n)) : 0;
        SvdppUser user = svdpp_user(descent, run->state, run->vertex[i]);
        float *value = (float *)run->value + run->vertex[i] * descent->width;
        memcpy(user.rest, (const float *)run->published + run->vertex[i] * descent->width + k,
               (descent->width - k) * sizeof(float));
        for (size_t f = 0; f < k; f++)
            value[f] = share * (user.t[f] - user.s[f]);
        memset(value + k, 0, (descent->width - k) * sizeof(float));
    }
}

static void
learn(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Svdpp *descent = context->parameters;
    const GasketRows *rows = run->rows;
    const size_t k = descent->rank, width = descent->width;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const uint64_t n = rows->end[i] - rows->begin[i];
        const float share = (float)n <= descent->gain ? 1 : descent->gain / (float)n;
        Item item = item_of(descent, run->state, v);
        float *value = (float *)run->value + v * width;
        memcpy(item.shown, (const float *)run->published + v * width, width * sizeof(float));
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            dense_axpy(k, share, (const float *)rows->values + rows->neighbour[e] * width, item.y);
        memcpy(value, item.y, k * sizeof(float));
        memset(value + k, 0, (width - k) * sizeof(float));
    }
}

static void
sum(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Svdpp *descent = context->parameters;
    const GasketRows *rows = run->rows;
    const size_t k = descent->rank, width = descent->width;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const uint64_t n = rows->end[i] - rows->begin[i];
        const float share = n > 0 ? (float)(1 / sqrt((double)n)) : 0;
        SvdppUser user = svdpp_user(descent, run->state, run->vertex[i]);
        float *value = (float *)run->value + run->vertex[i] * width;
        memset(user.s, 0, k * sizeof(float));
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            dense_axpy(k, share, (const float *)rows->values + rows->neighbour[e] * width, user.s);
        memcpy(user.t, user.s, k * sizeof(float));
        for (size_t f = 0; f < k; f++)
            value[f] = user.p[f] + user.s[f];
        memcpy(value + k, user.rest, (width - k) * sizeof(float));
    }
}

static void
show(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Svdpp *descent = context->parameters;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        Item item = item_of(descent, run->state, run->vertex[i]);
        memcpy((float *)run->value + run->vertex[i] * descent->width, item.shown,
               descent->width * sizeof(float));
    }
}

bool
svdpp_exchange(GasketRun *run, const Svdpp *descent, GError **error)
{
    const GasketProgram programs[] = {
        {.name = "tell", .apply = tell, .parameters = descent},
        {.name = "learn", .kind = 1, .apply = learn, .parameters = descent},
        {.name = "sum", .apply = sum, .parameters = descent},
        {.name = "show", .kind = 1, .apply = show, .parameters = descent},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(programs); i++)
        if (!gasket_recommender_turn(run, &programs[i], error))
            return false;
    return true;
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
svdpp_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const GasketRecommenderOptions options_of = {.rank = (unsigned)given->factors,
                                                 .ratings = true,
                                                 .state_size =
                                                     svdpp_state_size((size_t)given->factors,
                                                                      (size_t)given->factors + 1),
                                                 .hint = "a smaller --rate or --gain"};
    GasketRecommender model;
    g_autoptr(Strata) strata = NULL;

    if (!gasket_recommender_begin(&model, run, &options_of, error) ||
        !gasket_recommender_draw(&model, given->spread / sqrt((double)given->factors), false,
                                 error))
        return false;
    Svdpp descent = {
        .model = &model,
        .rank = (size_t)given->factors,
        .width = model.width,
        .mean = model.mean,
        .rate = (float)given->rate,
        .shrink = (float)given->regularization,
        .bias_shrink = (float)given->bias_regularization,
        .implicit_shrink = (float)given->implicit_regularization,
        .gain = (float)given->gain,
        .rating = gasket_run_edge_column(run, 0, "rating"),
        .user_states = gasket_run_state(run, 0),
    };
    const GasketProgram start = {.name = "start",
                                 .apply = start_user,
                                 .changes = GASKET_CHANGES_NONE,
                                 .parameters = &descent};
    strata = strata_new(run, error);
    if (strata == NULL || !gasket_run_step(run, &start, error))
        return false;
    gasket_run_keep(run, &descent.rate, sizeof descent.rate);
    while (gasket_run_continues(run)) {
        const StrataValues values = {&descent.users, &descent.items};
        if (!strata_epoch(strata, values, update_user, &descent, error) ||
            !svdpp_exchange(run, &descent, error) ||
            !gasket_recommender_end_iteration(&model, false, error))
            return false;
        descent.rate *= (float)given->decay;
    }
    return gasket_recommender_finish(&model, error);
}

const GasketAlgorithm gasket_svdpp = {
    GASKET_RECOMMENDER_METHOD(Parameters),
    .name = "svdpp",
    .summary = "SVD++: factorisation that also learns from what a user has rated at all",
    .description =
        "Factors a ratings table like sgd, and gives each item a second vector: the sum of those "
        "of the items that a user has rated is added to the user's factors. Several workers do "
        "best with --partition range.\n"
        "\n"
        "  gasket svdpp ratings.tsv --test 0.1 -o model/\n",
    .recommends = GASKET_RECOMMENDS_FACTORS,
    .options = options,
    .default_iterations = 40,
    .resumable = true,
    .run = svdpp_run,
};
