/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bayesian personalised ranking: what a user has chosen shall stand before what he has not.
 *
 *   lowers   sum over drawn (u, i, j), i rated by u and j not, of -log s(x_ui - x_uj)
 *            + l / 2 |factors and biases|^2           x_ui = b_i + p_u . q_i, s(x) = 1 / (1 + e^-x)
 *
 *   by       g = 1 - s(x_ui - x_uj)       p_u += a (g (q_i - q_j) - l p_u)
 *            q_i += a (g p_u - l q_i)     q_j += a (-g p_u - l q_j)     biases as if p_u were 1
 *
 * An iteration draws as many triples as there are ratings for each side. The users' turn: each
 * walks through its own ratings with a drawn j for each, the items as they stood. The items' turn:
 * each walks through its raters, and through as many pairs (u, i') of a rating as would have drawn
 * it as their j (uniformly: ratings / items), both in proportion. So nobody writes what another one
 * writes, and the result is the same for every placement. To meet any j, every worker holds all
 * factors (replica.h); what items must know of users' ratings, the users tell: 8 positives and 8
 * negatives, drawn for each iteration.
 *
 *   users     <- all q                                      tell draws
 *   items     <- all p and draws, all q as before
 *   measure   mean of -log s over all ratings, with a j each that stays (metric `loss`)
 *
 * Cost: 8 k flops a rating and side; 4 (k + 1) bytes an item and 4 (k + 18) bytes a user on every
 * worker.
 *
 * Reference: S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme, BPR: Bayesian personalized
 * ranking from implicit feedback, UAI 2009.
 */
#include "bpr.h"

#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "vectors.h"

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    int64_t factors;
    double rate, decay, regularization;
    int64_t top;
} Parameters;

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "32",
     "factors of a user and an item", .minimum = 1, .maximum = 1024},
    {"rate", GASKET_OPTION_DOUBLE, offsetof(Parameters, rate), "0.03",
     "learning rate of the first iteration", .minimum = 1e-9, .maximum = 10},
    {"decay", GASKET_OPTION_DOUBLE, offsetof(Parameters, decay), "1",
     "what an iteration multiplies the rate by", .minimum = 0.01, .maximum = 1},
    {"regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, regularization), "0.01",
     "weight of the squared factors and biases, for each triple", .minimum = 0, .maximum = 1e3},
    {"top", GASKET_OPTION_INT, offsetof(Parameters, top), "0",
     "rank all unseen items for the test users and measure lists of this length; 0: no",
     .minimum = 0, .maximum = 1e6},
    {.name = NULL},
};

/* ---- one triple ------------------------------------------------------------------------------ */

enum { LOSS = GASKET_RECOMMENDER_AGGREGATES };

/* A user's extra: positives [BPR_TOLD], negatives [BPR_TOLD] (numbers; -1: none), ratings. */
enum { NEGATIVES = BPR_TOLD, RATINGS = 2 * BPR_TOLD, N_EXTRA };

typedef struct {
    const GasketRecommender *model;
    size_t rank, width;
    float rate, shrink;
    uint64_t epoch;
    Replica users, items;
    float *told;       /* [n_owned users][N_EXTRA] */
    uint64_t *through; /* [n_users + 1] ratings of the users before, by number */
} Ranking;

static inline float
score(const Ranking *ranking, const float *p, const float *q)
{
    return q[ranking->rank] + dense_dot(ranking->rank, p, q);
}

/* 1 - s(x) */
static inline float
gradient(float x)
{
    return 1 / (1 + expf(x));
}

/* ---- the users' turn ------------------------------------------------------------------------- */

static void
tell(const Ranking *ranking, GasketRandom *random, const GasketRows *rows, size_t r, float *told)
{
    const uint64_t n = rows->end[r] - rows->begin[r];
    told[RATINGS] = (float)n;
    for (unsigned d = 0; d < BPR_TOLD; d++) {
        uint32_t other;
        const uint64_t e = rows->begin[r] + (n > 0 ? gasket_random_below(random, (uint32_t)n) : 0);
        told[d] = n > 0 ? (float)rows->neighbour_number[rows->neighbour[e]] : -1;
        told[NEGATIVES + d] =
            replica_draw_other(&ranking->items, random, rows, r, &other) ? (float)other : -1;
    }
}

static void
users_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Ranking *ranking = context->parameters;
    const GasketRows *rows = run->rows;
    const float *items = rows->values;
    const size_t k = ranking->rank, width = ranking->width;
    const float rate = ranking->rate, keep = 1 - rate * ranking->shrink;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex u = run->vertex[i];
        float *p = (float *)run->value + u * width;
        GasketRandom random =
            gasket_random_at(context->seed, BPR_STREAM_USERS, context->ordinal[u], ranking->epoch);
        memmove(p, (const float *)run->published + u * width, width * sizeof *p);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const float *q = items + rows->neighbour[e] * width;
            uint32_t j;
            if (!replica_draw_other(&ranking->items, &random, rows, i, &j))
                continue;
            const float *other = replica_row(&ranking->items, j);
            const float step = rate * gradient(score(ranking, p, q) - score(ranking, p, other));
            for (size_t f = 0; f < k; f++)
                p[f] = keep * p[f] + step * (q[f] - other[f]);
        }
        tell(ranking, &random, rows, i, ranking->told + (size_t)u * N_EXTRA);
    }
}

/* ---- the items' turn ------------------------------------------------------------------------- */

static inline void
move_item(const Ranking *ranking, float step, const float *restrict p, float *restrict q)
{
    const float keep = 1 - ranking->rate * ranking->shrink;
    for (size_t f = 0; f < ranking->rank; f++)
        q[f] = keep * q[f] + step * p[f];
    q[ranking->rank] = keep * q[ranking->rank] + step;
}

static void
as_positive(const Ranking *ranking, GasketRandom *random, uint32_t user, float *q)
{
    const float *p = replica_row(&ranking->users, user), *told = p + ranking->width;
    const float j = told[NEGATIVES + gasket_random_below(random, BPR_TOLD)];
    if (j < 0)
        return;
    const float *other = replica_row(&ranking->items, (uint32_t)j);
    move_item(ranking, ranking->rate * gradient(score(ranking, p, q) - score(ranking, p, other)), p,
              q);
}

/* The user of rating x of all. */
static uint32_t
user_of(const Ranking *ranking, uint64_t x)
{
    uint32_t low = 0, high = ranking->users.n;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (ranking->through[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void
as_negative(const Ranking *ranking, GasketRandom *random, const GasketRows *rows, size_t r,
            float *q)
{
    const double x = gasket_random_double(random) * (double)ranking->through[ranking->users.n];
    const uint32_t user = user_of(ranking, (uint64_t)x);
    const float *p = replica_row(&ranking->users, user), *told = p + ranking->width;
    const float i = told[gasket_random_below(random, BPR_TOLD)];
    if (i < 0 || replica_row_has(rows, r, user))
        return;
    const float *other = replica_row(&ranking->items, (uint32_t)i);
    move_item(ranking, -ranking->rate * gradient(score(ranking, p, other) - score(ranking, p, q)),
              p, q);
}

static void
items_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Ranking *ranking = context->parameters;
    const GasketRows *rows = run->rows;
    const double share =
        (double)ranking->through[ranking->users.n] / (double)MAX(ranking->items.n, 1);
    (void)sums;

    for (size_t r = 0; r < run->count; r++) {
        const GasketVertex v = run->vertex[r];
        float *q = (float *)run->value + v * ranking->width;
        GasketRandom random =
            gasket_random_at(context->seed, BPR_STREAM_ITEMS, context->ordinal[v], ranking->epoch);
        const uint64_t n = rows->end[r] - rows->begin[r];
        const uint64_t m = n + (uint64_t)(share + gasket_random_double(&random));
        memmove(q, (const float *)run->published + v * ranking->width, ranking->width * sizeof *q);
        for (uint64_t t = 0, done = 0; t < m; t++) {
            if ((t + 1) * n / m > done) {
                const uint64_t e = rows->begin[r] + done++;
                as_positive(ranking, &random, rows->neighbour_number[rows->neighbour[e]], q);
            } else {
                as_negative(ranking, &random, rows, r, q);
            }
        }
    }
}

/* ---- measuring ------------------------------------------------------------------------------- */

static void
measure_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Ranking *ranking = context->parameters;
    const GasketRows *rows = run->rows;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float *p = (const float *)run->published + run->vertex[i] * ranking->width;
        GasketRandom random = gasket_random_at(context->seed, BPR_STREAM_MEASURE,
                                               context->ordinal[run->vertex[i]], 0);
        double loss = 0, n = 0;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const float *q = (const float *)rows->values + rows->neighbour[e] * ranking->width;
            uint32_t j;
            if (!replica_draw_other(&ranking->items, &random, rows, i, &j))
                continue;
            const double x =
                score(ranking, p, q) - score(ranking, p, replica_row(&ranking->items, j));
            loss += x > 0 ? log1p(exp(-x)) : log1p(exp(x)) - x;
            n++;
        }
        gasket_add(context, LOSS, 0, loss);
        gasket_add(context, LOSS, 1, n);
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
iterate(Ranking *ranking, GError **error)
{
    GasketRun *run = ranking->model->run;
    const GasketProgram users = {.name = "users", .apply = users_apply, .parameters = ranking};
    const GasketProgram items = {.name = "items",
                                 .kind = 1,
                                 .apply = items_apply,
                                 .parameters = ranking};
    const GasketProgram measure = {.name = "measure",
                                   .apply = measure_apply,
                                   .changes = GASKET_CHANGES_NONE,
                                   .aggregates = 1 << LOSS,
                                   .parameters = ranking};
    if (!gasket_recommender_turn(run, &users, error) ||
        !replica_update(&ranking->users, ranking->told, error))
        return false;
    for (uint32_t u = 0; u < ranking->users.n; u++)
        ranking->through[u + 1] =
            ranking->through[u] +
            (uint64_t)replica_row(&ranking->users, u)[ranking->width + RATINGS];
    if (!gasket_recommender_turn(run, &items, error) ||
        !replica_update(&ranking->items, NULL, error) ||
        !gasket_recommender_turn(run, &measure, error))
        return false;
    const double n = gasket_run_total(run, LOSS, 1);
    const double loss = n > 0 ? gasket_run_total(run, LOSS, 0) / n : 0;
    gasket_run_set_metric(run, "loss", loss);
    if (isfinite(loss))
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                "the model diverges; try a smaller --rate");
    return false;
}

static bool
train(Ranking *ranking, GasketRecommender *model, double decay, GError **error)
{
    if (!replica_init(&ranking->users, model, 0, N_EXTRA, error) ||
        !replica_init(&ranking->items, model, 1, 0, error))
        return false;
    if (ranking->items.n >= 1 << 24) { /* numbers of items travel as floats */
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found %u items, expected fewer than %d", ranking->items.n, 1 << 24);
        return false;
    }
    const size_t n_owned = gasket_run_n_owned(model->run, 0);
    ranking->told = g_try_malloc0_n(n_owned * N_EXTRA + 1, sizeof(float));
    ranking->through = g_try_malloc0_n((size_t)ranking->users.n + 1, sizeof(uint64_t));
    if (ranking->told == NULL || ranking->through == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for %u users",
                    ranking->users.n);
        return false;
    }
    gasket_run_keep(model->run, &ranking->rate, sizeof ranking->rate);
    gasket_run_keep(model->run, &ranking->epoch, sizeof ranking->epoch);
    /* The first iteration, or the first after a snapshot, finds no replicas yet. */
    for (bool first = true; gasket_run_continues(model->run); first = false) {
        if ((first && !replica_update(&ranking->items, NULL, error)) || !iterate(ranking, error) ||
            !gasket_recommender_end_iteration(model, false, error))
            return false;
        ranking->rate *= (float)decay;
        ranking->epoch++;
    }
    return gasket_recommender_finish(model, error);
}

static bool
bpr_run(GasketRun *run, const void *parameters, GError **error)
{
    static const GasketAggregate aggregates[] = {{"loss", GASKET_SUM, 2}};
    const Parameters *given = parameters;
    const GasketRecommenderOptions common = {.rank = (unsigned)given->factors,
                                             .top = (unsigned)given->top,
                                             .aggregates = aggregates,
                                             .n_aggregates = G_N_ELEMENTS(aggregates),
                                             .hint = "a smaller --rate"};
    GasketRecommender model;
    if (!gasket_recommender_begin(&model, run, &common, error) ||
        !gasket_recommender_draw(&model, 0.1 / sqrt((double)given->factors), false, error))
        return false;
    Ranking ranking = {.model = &model,
                       .rank = (size_t)given->factors,
                       .width = model.width,
                       .rate = (float)given->rate,
                       .shrink = (float)given->regularization};
    const bool good = train(&ranking, &model, given->decay, error);
    replica_clear(&ranking.users);
    replica_clear(&ranking.items);
    g_free(ranking.told);
    g_free(ranking.through);
    return good;
}

const GasketAlgorithm gasket_bpr = {
    GASKET_RECOMMENDER_METHOD(Parameters),
    .name = "bpr",
    .summary = "rank items by what users have chosen: Bayesian personalised ranking",
    .description =
        "Learns from pairs of an item that a user has rated, whatever the rating, and one that he "
        "has not: the first shall have the larger score. Scores only rank. Every worker holds all "
        "factors.\n"
        "\n"
        "  gasket bpr plays.tsv --test 0.1 --top 10 -o model/\n",
    .recommends = GASKET_RECOMMENDS_SCORES,
    .options = options,
    .default_iterations = 50,
    .resumable = true,
    .run = bpr_run,
};
