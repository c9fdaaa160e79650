/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CCD++: matrix factorisation by coordinate descent, one factor of everybody at a time.
 *
 *   sum (r_ui - mean - b_u - b_i - p_u . q_i)^2 + l (sum n_u |p_u|^2 + sum n_i |q_i|^2)
 *
 * Let e_ui be what is left of a rating. For factor f, s = e + p_f q_f is what is left without it,
 * and all p_f given all q_f (and the other way round) have the minimum
 *
 *   p_f = sum s q_f / (l n_u + sum q_f^2)                over what the user has rated
 *
 * Users and items take turns at it a few times, then e = s - p_f q_f, and on to the next factor.
 * e is kept with the rows of both sides. What a side needs to open and close s is there when it
 * is needed, because both publish the factor only then:
 *
 *   items  open            s from the old p_f, q_f
 *   users  open, p_f       s from the old p_f, q_f
 *   items  q_f             `--inner` times these two
 *   users  close           e from the new p_f, q_f
 *   items  close
 *
 * Every minimum lowers the objective (metric `objective`). Biases are the damped ones of the
 * baseline, and stay.
 *
 * Cost: 8 + 4 inner flops a rating, factor and side, 4 bytes a rating and side for e.
 *
 * Reference: H.-F. Yu, C.-J. Hsieh, S. Si, I. Dhillon, Scalable coordinate descent approaches to
 * parallel matrix factorization for recommender systems, ICDM 2012.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "recommender.h"

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    int64_t factors, inner;
    double regularization;
} Parameters;

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "32",
     "factors of a user and an item", .minimum = 1, .maximum = 4096},
    {"inner", GASKET_OPTION_INT, offsetof(Parameters, inner), "2",
     "turns of users and items at one factor", .minimum = 1, .maximum = 1000},
    {"regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, regularization), "0.1",
     "weight of the squared factors, for each rating", .minimum = 0, .maximum = 1e6},
    {.name = NULL},
};

/* ---- the vertex program ---------------------------------------------------------------------- */

enum { OBJECTIVE = GASKET_RECOMMENDER_AGGREGATES };

typedef struct {
    size_t rank, width, factor;
    double mean, regularization;
    int rating; /* edge column */
    bool opens, solves, closes;
} Turn;

static inline const float *
value_of(const Turn *turn, const void *values, GasketVertex v)
{
    return (const float *)values + v * turn->width;
}

/* s = e + p_f q_f (sign 1), e = s - p_f q_f (sign -1) */
static void
move_residuals(const Turn *turn, const GasketRows *rows, size_t row, float p, float sign)
{
    float *left = rows->edge_state;
    for (uint64_t e = rows->begin[row]; e < rows->end[row]; e++)
        left[e] += sign * p * value_of(turn, rows->values, rows->neighbour[e])[turn->factor];
}

static float
minimum(const Turn *turn, const GasketRows *rows, size_t row, float p)
{
    const float *left = rows->edge_state;
    double above = 0, below = turn->regularization * (double)(rows->end[row] - rows->begin[row]);

    for (uint64_t e = rows->begin[row]; e < rows->end[row]; e++) {
        const double q = value_of(turn, rows->values, rows->neighbour[e])[turn->factor];
        above += left[e] * q;
        below += q * q;
    }
    return below > 0 ? (float)(above / below) : p;
}

static void
take_turn(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Turn *turn = context->parameters;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const float p = value_of(turn, run->published, v)[turn->factor];
        if (turn->opens)
            move_residuals(turn, run->rows, i, p, 1);
        if (turn->closes)
            move_residuals(turn, run->rows, i, p, -1);
        if (!turn->solves)
            continue;
        float *value = (float *)run->value + v * turn->width;
        memcpy(value, value_of(turn, run->published, v), turn->width * sizeof(float));
        value[turn->factor] = minimum(turn, run->rows, i, p);
    }
}

/* e from nothing. */
static void
begin_residuals(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Turn *turn = context->parameters;
    const GasketRows *rows = run->rows;
    const float *rating = rows->column[turn->rating].data;
    float *left = rows->edge_state;
    const size_t k = turn->rank;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float *p = value_of(turn, run->published, run->vertex[i]);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const float *q = value_of(turn, rows->values, rows->neighbour[e]);
            left[e] = (float)(rating[e] - turn->mean - p[k] - q[k] -
                              gasket_recommender_dot(p, q, (unsigned)k));
        }
    }
}

/* From e as users keep it. */
static void
measure(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Turn *turn = context->parameters;
    const GasketRows *rows = run->rows;
    const float *left = rows->edge_state;
    const unsigned k = (unsigned)turn->rank;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float *p = value_of(turn, run->published, run->vertex[i]);
        const double size = gasket_recommender_dot(p, p, k);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const float *q = value_of(turn, rows->values, rows->neighbour[e]);
            gasket_add(context, OBJECTIVE, 0,
                       (double)left[e] * left[e] +
                           turn->regularization * (size + gasket_recommender_dot(q, q, k)));
        }
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
step_of(GasketRun *run, unsigned kind, GasketApply apply, const Turn *turn, GError **error)
{
    const GasketProgram program = {.name = kind == 0 ? "users" : "items",
                                   .kind = kind,
                                   .apply = apply,
                                   .changes =
                                       turn->solves ? GASKET_CHANGES_ALL : GASKET_CHANGES_NONE,
                                   .aggregates = apply == measure ? 1 << OBJECTIVE : 0,
                                   .parameters = turn};
    return gasket_recommender_turn(run, &program, error);
}

static bool
take_turns(GasketRun *run, Turn turn, int64_t inner, GError **error)
{
    turn.opens = true;
    if (!step_of(run, 1, take_turn, &turn, error))
        return false;
    for (int64_t i = 0; i < inner; i++) {
        turn.solves = true;
        if (!step_of(run, 0, take_turn, &turn, error))
            return false;
        turn.opens = false;
        if (!step_of(run, 1, take_turn, &turn, error))
            return false;
    }
    turn.solves = false;
    turn.closes = true;
    return step_of(run, 0, take_turn, &turn, error) && step_of(run, 1, take_turn, &turn, error);
}

static bool
iterate(GasketRun *run, Turn *turn, int64_t inner, GError **error)
{
    for (turn->factor = 0; turn->factor < turn->rank; turn->factor++)
        if (!take_turns(run, *turn, inner, error))
            return false;
    if (!step_of(run, 0, measure, turn, error))
        return false;
    gasket_run_set_metric(run, "objective", gasket_run_total(run, OBJECTIVE, 0));
    return true;
}

static bool
ccdpp_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const GasketAggregate aggregates[] = {{"objective", GASKET_SUM, 1}};
    const GasketRecommenderOptions options_of = {.rank = (unsigned)given->factors,
                                                 .ratings = true,
                                                 .aggregates = aggregates,
                                                 .n_aggregates = G_N_ELEMENTS(aggregates),
                                                 .hint = "more --regularization"};
    GasketRecommender model;

    if (!gasket_recommender_begin(&model, run, &options_of, error) ||
        !gasket_recommender_draw(&model, 0.3 / sqrt((double)given->factors), false, error) ||
        !gasket_run_set_edge_state(run, gasket_train_rows[0], sizeof(float), error) ||
        !gasket_run_set_edge_state(run, gasket_train_rows[1], sizeof(float), error))
        return false;
    Turn turn = {.rank = (size_t)given->factors,
                 .width = model.width,
                 .mean = model.mean,
                 .regularization = given->regularization,
                 .rating = gasket_run_edge_column(run, 0, "rating")};
    for (unsigned kind = 0; kind < 2; kind++)
        if (!step_of(run, kind, begin_residuals, &turn, error))
            return false;
    while (gasket_run_continues(run))
        if (!iterate(run, &turn, given->inner, error) ||
            !gasket_recommender_end_iteration(&model, false, error))
            return false;
    return gasket_recommender_finish(&model, error);
}

const GasketAlgorithm gasket_ccdpp = {
    GASKET_RECOMMENDER_METHOD(Parameters),
    .name = "ccdpp",
    .summary = "matrix factorisation by coordinate descent, factor by factor",
    .description =
        "Factors a ratings table by exact one-dimensional minima, one factor of all users and "
        "items at a time. No learning rate, and the error falls in every step.\n"
        "\n"
        "  gasket ccdpp ratings.tsv --test 0.1 -o model/\n",
    .recommends = GASKET_RECOMMENDS_FACTORS,
    .options = options,
    .default_iterations = 15,
    .resumable = true,
    .run = ccdpp_run,
};
