/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alternating least squares: users' and items' factors and biases that predict ratings.
 *
 *   minimize  sum over ratings (r_ui - mean - b_u - b_i - p_u . q_i)^2
 *             + lambda (sum over u of n_u (|p_u|^2 + b_u^2) + sum over i of n_i (|q_i|^2 + b_i^2))
 *
 * With the items fixed, each user's best (p_u, b_u) is the solution of a least squares problem of
 * its own ratings alone, and the other way round. The users' turn, then the items':
 *
 *   for user u: X = rows (q_i, 1) of the items that u rated, y_i = r_ui - mean - b_i
 *               (p_u, b_u) = (X^T X + lambda n_u I)^-1 X^T y
 *
 * With --l1 the objective has l1 (sum n_u |p_u|_1 + sum n_i |q_i|_1) too, and a vertex lowers its
 * part number by number: a factor that the ratings do not pull away from 0 by more than that is 0
 * (sparse ALS). It starts from where it stood, so invariant 1 holds.
 *
 * With --rating-weights a rating's error, and its share of n_u and n_i, count as much as its weight
 * says.
 *
 * Regularization is weighted by the number of ratings, so that one lambda suits users with many
 * ratings and with few, and any rank (Zhou et al.).
 *
 * Invariants:
 *   1. The objective never grows from one turn to the next (but for rounding).
 *   2. A vertex reads its own ratings and the values of their other ends, and nothing else.
 *   3. Whoever has no training ratings has factors and a bias of 0.
 *
 * Cost of an iteration with R ratings and rank k: 2 R (k + 1)^2 + (users + items) (k + 1)^3 / 3
 * flops; 4 (k + 1) bytes published a vertex. Memory of a thread: 8 (k + 1)^2 + 512 k bytes.
 *
 * Reference: Y. Zhou, D. Wilkinson, R. Schreiber, R. Pan, Large-scale parallel collaborative
 * filtering for the Netflix prize, AAIM 2008; with biases as in Y. Koren, R. Bell, C. Volinsky,
 * Matrix factorization techniques for recommender systems, IEEE Computer 2009.
 */
#include "algorithms.h"

#include <math.h>
#include <string.h>

#include "dense.h"
#include "recommender.h"

/* ---- options and result ---------------------------------------------------------------------- */

typedef struct {
    int64_t factors;
    double regularization;
    double l1;
    double deviation;
    bool no_biases, weighted;
    int64_t patience, top;
} Parameters;

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "20",
     "numbers that describe a user or an item", .minimum = 1, .maximum = 1000},
    {"regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, regularization), "0.15",
     "lambda: how much factors and biases are drawn to 0, for each rating", .minimum = 1e-9,
     .maximum = 1e9},
    {"l1", GASKET_OPTION_DOUBLE, offsetof(Parameters, l1), "0",
     "weight of the factors' magnitudes, for each rating: many become 0 (sparse ALS)", .minimum = 0,
     .maximum = 1e9},
    {"deviation", GASKET_OPTION_DOUBLE, offsetof(Parameters, deviation), "0.1",
     "of the normal distribution that the first factors are drawn from", .minimum = 1e-9,
     .maximum = 1e3},
    {"no-biases", GASKET_OPTION_BOOL, offsetof(Parameters, no_biases),
     .help = "neither mean nor biases: a prediction is p . q alone"},
    {"rating-weights", GASKET_OPTION_BOOL, offsetof(Parameters, weighted),
     .help = "the column of times holds what each rating weighs, 0 or more"},
    {"patience", GASKET_OPTION_INT, offsetof(Parameters, patience), "3",
     "with --validate: stop after so many iterations without a better error", .minimum = 1,
     .maximum = 1e6},
    {"top", GASKET_OPTION_INT, offsetof(Parameters, top), "0",
     "rank all unseen items for the test users and measure lists of this length; 0: no",
     .minimum = 0, .maximum = 1e6},
    {.name = NULL},
};

/* ---- the vertex program ---------------------------------------------------------------------- */

/* Ratings that are gathered before A is updated. */
#define BLOCK 128

/* Over a vertex's numbers, where magnitudes count. */
#define SWEEPS 10

typedef struct {
    const GasketRecommender *model;
    double lambda, l1;
    bool biases;
    size_t stride;
    int weight; /* edge column; -1: every rating weighs 1 */
    const GasketDense *dense;
} Turn;

/* A thread's workspace, carved out of its scratch. */
typedef struct {
    double *a;     /* [n][stride], n = stride */
    double *t, *s; /* [stride] X^T y, X^T 1 */
    float *x;      /* [BLOCK][stride] */
    float *y;      /* [BLOCK] */
} Workspace;

static size_t
workspace_size(size_t stride)
{
    return (stride * stride + 2 * stride) * sizeof(double) +
           (BLOCK * stride + BLOCK) * sizeof(float);
}

static Workspace
workspace(void *scratch, size_t stride)
{
    Workspace space;
    space.a = scratch;
    space.t = space.a + stride * stride;
    space.s = space.t + stride;
    space.x = (float *)(void *)(space.s + stride);
    space.y = space.x + BLOCK * stride;
    return space;
}

/* Makes m rows of X and y weigh what they should: each times the root of its weight. s += X^T w;
 * returns what y^T 1 gains by it, and adds what 1^T 1 does to *n. */
static double
weigh(const Turn *turn, const GasketRows *rows, uint64_t begin, size_t m, const Workspace *space,
      double *n)
{
    const double *weights = rows->column[turn->weight].data;
    double gain = 0;
    for (size_t i = 0; i < m; i++) {
        const double weight = fmax(0, weights[begin + i]), root = sqrt(weight);
        float *x = space->x + i * turn->stride;
        for (size_t f = 0; f < turn->stride; f++) {
            space->s[f] += weight * x[f];
            x[f] = (float)(root * x[f]);
        }
        gain += (weight - 1) * space->y[i];
        space->y[i] = (float)(root * space->y[i]);
        *n += weight - 1;
    }
    return gain;
}

/* Gathers the row into A = X^T X, t = X^T y, s = X^T 1; returns y^T 1, and the ratings' weight in
 * *ret_n. */
static double
gather_row(const Turn *turn, const GasketRows *rows, size_t r, const Workspace *space,
           double *ret_n)
{
    const unsigned width = turn->model->width, rank = turn->model->options.rank;
    const float *values = rows->values, *rating = rows->column[0].data;
    const bool weighted = turn->weight >= 0;
    double total = 0;

    *ret_n = (double)(rows->end[r] - rows->begin[r]);
    memset(space->a, 0, (turn->stride * turn->stride + 2 * turn->stride) * sizeof(double));
    for (uint64_t begin = rows->begin[r]; begin < rows->end[r]; begin += BLOCK) {
        const size_t m = MIN(rows->end[r] - begin, BLOCK);
        for (size_t i = 0; i < m; i++) {
            const float *other = values + (size_t)rows->neighbour[begin + i] * width;
            memcpy(space->x + i * turn->stride, other, rank * sizeof *other);
            double y = rating[begin + i] - turn->model->mean - other[rank];
            space->y[i] = (float)y;
            total += y;
        }
        if (weighted)
            total += weigh(turn, rows, begin, m, space, ret_n);
        turn->dense->update(space->x, space->y, m, turn->stride, space->a, space->t,
                            weighted ? NULL : space->s);
    }
    return total;
}

/* With magnitudes: exact minima of one number after the other, from where the vertex stood. a_ij
 * stands at i <= j alone. own: the old (factors, bias), which the new ones replace. */
static void
descend(const Turn *turn, const Workspace *space, size_t unknowns, double l1, float *own)
{
    const size_t rank = turn->model->options.rank, stride = turn->stride;
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++)
        for (size_t i = 0; i < unknowns; i++) {
            double left = space->t[i];
            for (size_t j = 0; j < unknowns; j++)
                left -= j == i ? 0 : space->a[MIN(i, j) * stride + MAX(i, j)] * own[j];
            const double drawn = i < rank ? l1 / 2 : 0; /* a bias is not drawn */
            left = left > drawn ? left - drawn : left < -drawn ? left + drawn : 0;
            own[i] = (float)(left / space->a[i * stride + i]);
        }
}

/* Solves for a vertex: own = (factors, bias). */
static void
solve_row(const Turn *turn, const GasketRows *rows, size_t r, const Workspace *space, float *own)
{
    const size_t rank = turn->model->options.rank, stride = turn->stride;
    double n;
    const double total = gather_row(turn, rows, r, space, &n);
    const size_t unknowns = rank + turn->biases;

    for (size_t i = 0; i < rank; i++) {
        space->a[i * stride + i] += turn->lambda * n;
        if (turn->biases)
            space->a[i * stride + rank] = space->s[i];
    }
    if (turn->biases) {
        space->a[rank * stride + rank] = n + turn->lambda * n;
        space->t[rank] = total;
    }
    if (turn->l1 > 0) {
        descend(turn, space, unknowns, turn->l1 * n, own);
        return;
    }
    bool solved = turn->dense->solve(space->a, unknowns, stride, space->t);
    for (size_t i = 0; i < rank; i++)
        own[i] = solved ? (float)space->t[i] : NAN;
    own[rank] = !turn->biases ? 0 : solved ? (float)space->t[rank] : NAN;
}

static void
turn_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Turn *turn = context->parameters;
    const GasketRows *rows = &run->rows[0];
    const Workspace space = workspace(context->scratch, turn->stride);
    const unsigned width = turn->model->width;
    float *value = run->value;
    (void)sums;

    for (size_t r = 0; r < rows->count; r++) {
        float *own = value + (size_t)rows->vertex[r] * width;
        if (turn->l1 > 0)
            memmove(own, (const float *)run->published + (size_t)rows->vertex[r] * width,
                    width * sizeof *own);
        if (rows->begin[r] == rows->end[r])
            memset(own, 0, width * sizeof *own);
        else
            solve_row(turn, rows, r, &space, own);
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
als_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const GasketRecommenderOptions common = {
        .rank = (unsigned)given->factors,
        .ratings = true,
        .no_biases = given->no_biases,
        .patience = (unsigned)given->patience,
        .top = (unsigned)given->top,
        .hint = "a larger --regularization",
    };
    GasketRecommender model;
    if (given->weighted && gasket_run_edge_column(run, 0, "time") < 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "--rating-weights: the ratings have no column of times with their weights");
        return false;
    }
    if (!gasket_recommender_begin(&model, run, &common, error) ||
        !gasket_recommender_draw(&model, given->deviation, false, error))
        return false;

    /* One column more than factors, for the bias's row of A. */
    const Turn turn = {.model = &model,
                       .lambda = given->regularization,
                       .l1 = given->l1,
                       .weight = given->weighted ? gasket_run_edge_column(run, 0, "time") : -1,
                       .biases = !given->no_biases,
                       .stride = gasket_dense_stride((size_t)given->factors + 1),
                       .dense = gasket_dense()};
    GasketProgram program = {
        .name = "als",
        .apply = turn_apply,
        .changes = GASKET_CHANGES_ALL,
        .scratch_size = workspace_size(turn.stride),
        .parameters = &turn,
    };
    while (gasket_run_continues(run)) {
        for (unsigned kind = 0; kind < 2; kind++) {
            program.kind = kind;
            if (!gasket_recommender_turn(run, &program, error))
                return false;
        }
        if (!gasket_recommender_end_iteration(&model, false, error))
            return false;
    }
    return gasket_recommender_finish(&model, error);
}

static bool
als_prepare(const void *parameters, double tolerance, GasketNeeds *wanted,
            GasketResultColumn *columns, GError **error)
{
    const Parameters *given = parameters;
    wanted[0].times = given->weighted;
    return gasket_recommender_prepare(parameters, tolerance, wanted, columns, error);
}

const GasketAlgorithm gasket_als = {
    .abi = GASKET_ABI,
    .input = GASKET_INPUT_RATINGS,
    .parameters_size = sizeof(Parameters),
    .needs = gasket_recommender_needs,
    .n_needs = G_N_ELEMENTS(gasket_recommender_needs),
    .results = gasket_recommender_results,
    .n_results = GASKET_RECOMMENDER_N_RESULTS,
    .prepare = als_prepare,
    .name = "als",
    .summary = "predict ratings by alternating least squares",
    .description =
        "Describes every user and every item by --factors numbers and a bias, so that mean + bias "
        "of user + bias of item + the product of their factors comes close to the ratings. "
        "Metrics: "
        "train.rmse, test.rmse and more; baselines stand beside them.\n"
        "\n"
        "  gasket als u1.base --test u1.test\n"
        "  gasket als ratings.csv --test 0.1 --factors 50 -o model/\n",
    .recommends = GASKET_RECOMMENDS_FACTORS,
    .options = options,
    .default_iterations = 15,
    .resumable = true,
    .run = als_run,
};
