/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Factorisation of users x items x time by alternating least squares.
 *
 *   r_uit ~ mean + b_u + b_i + sum over f of p_uf q_if w_tf        t: the piece of time, of `bins`
 *
 *   lowers  sum over ratings e^2 + l (sum n_u |p_u|^2 + sum n_i |q_i|^2) + l' sum n_t |w_t - 1|^2
 *
 * Given two of the three, each vector of the third is a least squares problem of its own:
 *
 *   user u    x = q_i w_t, element by element, for each of its ratings, y = r - mean - b_u - b_i
 *             p = (X' X + l n_u I)^-1 X' y                            items alike
 *   time t    x = p_u q_i;  w = 1 + (X' X + l' n_t I)^-1 X' (y - X 1)
 *
 * Users and items are vertices that see their own ratings. A piece of time sees ratings of all
 * users: each user sums x x' and x (y - x 1) of its row by piece, and the sums over users are
 * aggregates, exact until they are rounded; every worker then solves for all w. They start as 1:
 * without times' say it is a plain factorisation. Biases are those of the baseline.
 *
 * Invariant: the metric `objective` never grows (but for rounding).
 *
 * Cost: 3 k^2 flops a rating and iteration; 8 bins (k^2 / 2 + k) bytes of sums on each thread.
 *
 * References: the method of E. Acar, D. Dunlavy, T. Kolda, M. Morup, Scalable tensor factorizations
 * for incomplete data, Chemometrics 106, 2011, by least squares in turn; with times as in L. Xiong,
 * X. Chen, T. Huang, J. Schneider, J. Carbonell, Temporal collaborative filtering with Bayesian
 * probabilistic tensor factorization, SDM 2010, section 2.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "rating_times.h"
#include "vectors.h"

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    int64_t factors, bins;
    double regularization, time_regularization, deviation;
} Parameters;

#define FIELD(name) offsetof(Parameters, name)
static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, FIELD(factors), "10", "factors of a user, an item and a time",
     .minimum = 1, .maximum = 128},
    {"bins", GASKET_OPTION_INT, FIELD(bins), "10", "equal pieces of time", .minimum = 1,
     .maximum = 1000},
    {"regularization", GASKET_OPTION_DOUBLE, FIELD(regularization), "0.15",
     "lambda: how much factors of users and items are drawn to 0, for each rating", .minimum = 1e-9,
     .maximum = 1e9},
    {"time-regularization", GASKET_OPTION_DOUBLE, FIELD(time_regularization), "1",
     "how much factors of times are drawn to 1, for each rating", .minimum = 1e-9, .maximum = 1e9},
    {"deviation", GASKET_OPTION_DOUBLE, FIELD(deviation), "0.1",
     "of the normal distribution that the first factors are drawn from", .minimum = 1e-9,
     .maximum = 1e3},
    {.name = NULL},
};

/* ---- what all share -------------------------------------------------------------------------- */

enum { TIMES = GASKET_RECOMMENDER_AGGREGATES, SUMS = TIMES + RATING_TIMES_N, OBJECTIVE };

typedef struct {
    const GasketRecommender *model;
    size_t rank, width, bins;
    size_t n_sums; /* of a piece of time: x x' [k (k + 1) / 2], x y [k], ratings */
    double regularization, time_regularization;
    RatingTimes times;
    float *w; /* [bins][k] */
} Tensor;

static size_t
bin_of(const Tensor *tensor, const GasketRows *rows, uint64_t e)
{
    return rating_times_bin(rating_times_share(&tensor->times, rows, e), tensor->bins);
}

static inline const float *
other_of(const Tensor *tensor, const GasketRows *rows, uint64_t e)
{
    return (const float *)rows->values + rows->neighbour[e] * tensor->width;
}

/* What the biases leave of a rating. */
static inline double
rest_of(const Tensor *tensor, const GasketRows *rows, uint64_t e, const float *own)
{
    const float *rating = rows->column[0].data;
    return rating[e] - tensor->model->mean - own[tensor->rank] -
           other_of(tensor, rows, e)[tensor->rank];
}

/* x = a b, element by element; returns the sum. */
static inline double
multiply(size_t k, const float *a, const float *b, float *x)
{
    double sum = 0;
    for (size_t f = 0; f < k; f++) {
        x[f] = a[f] * b[f];
        sum += x[f];
    }
    return sum;
}

static double
product(const Tensor *tensor, const float *p, const float *q, const float *w)
{
    double sum = 0;
    for (size_t f = 0; f < tensor->rank; f++)
        sum += (double)p[f] * q[f] * w[f];
    return sum;
}

static double
predict(const void *data, const GasketVertices *run, size_t r, uint64_t e)
{
    const Tensor *tensor = data;
    const GasketRows *rows = run->rows;
    const float *p = (const float *)run->published + run->vertex[r] * tensor->width;
    const float *q = other_of(tensor, rows, e);
    return tensor->model->mean + p[tensor->rank] + q[tensor->rank] +
           product(tensor, p, q, tensor->w + bin_of(tensor, rows, e) * tensor->rank);
}

/* ---- users and items ------------------------------------------------------------------------- */

static void
solve_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Tensor *tensor = context->parameters;
    const GasketRows *rows = run->rows;
    const size_t k = tensor->rank;
    double *a = context->scratch, *t = a + k * k;
    float *x = (float *)(void *)(t + k);
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const double n = (double)(rows->end[i] - rows->begin[i]);
        float *own = (float *)run->value + run->vertex[i] * tensor->width;
        memmove(own, (const float *)run->published + run->vertex[i] * tensor->width,
                tensor->width * sizeof *own);
        memset(a, 0, (k * k + k) * sizeof *a);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const double y = rest_of(tensor, rows, e, own);
            multiply(k, other_of(tensor, rows, e), tensor->w + bin_of(tensor, rows, e) * k, x);
            dense_rank_one(k, 1, x, a);
            for (size_t f = 0; f < k; f++)
                t[f] += y * x[f];
        }
        for (size_t f = 0; f < k; f++)
            a[f * k + f] += n > 0 ? tensor->regularization * n : 1;
        const bool solved = dense_solve(k, a, t);
        for (size_t f = 0; f < k; f++)
            own[f] = solved ? (float)t[f] : NAN;
    }
}

/* ---- times ----------------------------------------------------------------------------------- */

/* A row's sums by piece of time, then all at once to the aggregate. */
static void
sum_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Tensor *tensor = context->parameters;
    const GasketRows *rows = run->rows;
    const size_t k = tensor->rank;
    double *piece = context->scratch;
    float *x = (float *)(void *)(piece + tensor->bins * tensor->n_sums);
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float *p = (const float *)run->published + run->vertex[i] * tensor->width;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            double *sum = piece + bin_of(tensor, rows, e) * tensor->n_sums;
            const double one = multiply(k, p, other_of(tensor, rows, e), x);
            const double y = rest_of(tensor, rows, e, p) - one;
            for (size_t f = 0; f < k; f++)
                for (size_t g = 0; g <= f; g++)
                    *sum++ += (double)x[f] * x[g];
            for (size_t f = 0; f < k; f++)
                *sum++ += y * x[f];
            *sum += 1;
        }
        for (size_t b = 0; b < tensor->bins; b++) {
            double *sum = piece + b * tensor->n_sums;
            for (size_t f = 0; f < tensor->n_sums && sum[tensor->n_sums - 1] > 0; f++)
                gasket_add(context, SUMS, (unsigned)(b * tensor->n_sums + f), sum[f]);
            memset(sum, 0, tensor->n_sums * sizeof *sum);
        }
    }
}

/* w from the totals, on every worker alike. a: [k][k], t: [k] of room. */
static void
solve_times(Tensor *tensor, double *a, double *t)
{
    const GasketRun *run = tensor->model->run;
    const size_t k = tensor->rank;
    for (size_t b = 0; b < tensor->bins; b++) {
        unsigned at = (unsigned)(b * tensor->n_sums);
        const double n = gasket_run_total(run, SUMS, at + (unsigned)tensor->n_sums - 1);
        for (size_t f = 0; f < k; f++)
            for (size_t g = 0; g <= f; g++)
                a[f * k + g] = gasket_run_total(run, SUMS, at++) +
                               (f == g ? tensor->time_regularization * n : 0);
        for (size_t f = 0; f < k; f++)
            t[f] = gasket_run_total(run, SUMS, at++);
        const bool solved = n > 0 && dense_solve(k, a, t);
        for (size_t f = 0; f < k; f++)
            tensor->w[b * k + f] = solved ? (float)(1 + t[f]) : 1;
    }
}

static void
measure_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Tensor *tensor = context->parameters;
    const GasketRows *rows = run->rows;
    const unsigned k = (unsigned)tensor->rank;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const float *p = (const float *)run->published + run->vertex[i] * tensor->width;
        double sum = 0;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const float *q = other_of(tensor, rows, e),
                        *w = tensor->w + bin_of(tensor, rows, e) * k;
            const double off = rest_of(tensor, rows, e, p) - product(tensor, p, q, w);
            sum += off * off + tensor->regularization * (gasket_recommender_dot(p, p, k) +
                                                         gasket_recommender_dot(q, q, k));
            for (unsigned f = 0; f < k; f++)
                sum += tensor->time_regularization * (w[f] - 1.0) * (w[f] - 1.0);
        }
        gasket_add(context, OBJECTIVE, 0, sum);
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

/* A step over users' rows without new values. */
static bool
look(const Tensor *tensor, const char *name, GasketApply apply, uint64_t aggregates, size_t scratch,
     GError **error)
{
    const GasketProgram program = {.name = name,
                                   .apply = apply,
                                   .changes = GASKET_CHANGES_NONE,
                                   .scratch_size = scratch,
                                   .aggregates = aggregates,
                                   .parameters = tensor};
    return gasket_recommender_turn(tensor->model->run, &program, error);
}

static bool
iterate(Tensor *tensor, double *room, GError **error)
{
    GasketRun *run = tensor->model->run;
    const size_t k = tensor->rank;
    for (unsigned kind = 0; kind < 2; kind++) {
        const GasketProgram side = {.name = kind == 0 ? "users" : "items",
                                    .kind = kind,
                                    .apply = solve_apply,
                                    .scratch_size =
                                        (k * k + k) * sizeof(double) + k * sizeof(float),
                                    .parameters = tensor};
        if (!gasket_recommender_turn(run, &side, error))
            return false;
    }
    if (!look(tensor, "times", sum_apply, 1 << SUMS,
              tensor->bins * tensor->n_sums * sizeof(double) + k * sizeof(float), error))
        return false;
    solve_times(tensor, room, room + k * k);
    if (!look(tensor, "objective", measure_apply, 1 << OBJECTIVE, 0, error))
        return false;
    gasket_run_set_metric(run, "objective", gasket_run_total(run, OBJECTIVE, 0));
    return true;
}

static bool
train(Tensor *tensor, GasketRecommender *model, GError **error)
{
    const size_t n = tensor->bins * tensor->rank, k = tensor->rank;
    g_autofree double *room = g_new(double, k *k + k);
    g_autofree float *best = g_new0(float, n);
    if (!rating_times_find(&tensor->times, model->run, TIMES, error))
        return false;
    gasket_run_keep(model->run, tensor->w, n * sizeof *tensor->w);
    gasket_run_keep(model->run, best, n * sizeof *best);
    while (gasket_run_continues(model->run)) {
        if (!iterate(tensor, room, error) || !gasket_recommender_end_iteration(model, false, error))
            return false;
        if (model->since_best == 0)
            memcpy(best, tensor->w, n * sizeof *best);
    }
    if (gasket_recommender_has_best(model))
        memcpy(tensor->w, best, n * sizeof *best);
    return gasket_recommender_finish(model, error);
}

static bool
tensor_als_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const size_t k = (size_t)given->factors, bins = (size_t)given->bins;
    const size_t n_sums = k * (k + 1) / 2 + k + 1;
    const GasketAggregate aggregates[] = {RATING_TIMES_AGGREGATES,
                                          {"sums of times", GASKET_SUM, (unsigned)(bins * n_sums)},
                                          {"objective", GASKET_SUM, 1}};
    g_autofree float *w = g_new(float, bins *k);
    Tensor tensor = {.rank = k,
                     .width = k + 1,
                     .bins = bins,
                     .n_sums = n_sums,
                     .regularization = given->regularization,
                     .time_regularization = given->time_regularization,
                     .w = w};
    const GasketRecommenderOptions common = {.rank = (unsigned)k,
                                             .ratings = true,
                                             .aggregates = aggregates,
                                             .n_aggregates = G_N_ELEMENTS(aggregates),
                                             .hint = "a larger --regularization"};
    GasketRecommender model;
    tensor.model = &model;
    if (!rating_times_init(&tensor.times, run, "tensor-als", error))
        return false;
    for (size_t i = 0; i < bins * k; i++)
        w[i] = 1;
    if (!gasket_recommender_begin(&model, run, &common, error) ||
        !gasket_recommender_draw(&model, given->deviation, false, error))
        return false;
    model.options.predict = predict;
    model.options.predict_data = &tensor;
    return train(&tensor, &model, error);
}

const GasketAlgorithm gasket_tensor_als = {
    .abi = GASKET_ABI,
    .name = "tensor-als",
    .summary = "factorisation of users, items and time by alternating least squares",
    .description =
        "Predicts a rating by mean, biases and the product of three vectors: of the user, of the "
        "item and of the piece of time. The ratings need times. The model that is written leaves "
        "the times out.\n"
        "\n"
        "  gasket tensor-als u1.base --test u1.test\n",
    .input = GASKET_INPUT_RATINGS,
    .recommends = GASKET_RECOMMENDS_FACTORS,
    .options = options,
    .parameters_size = sizeof(Parameters),
    .needs = rating_times_needs,
    .n_needs = RATING_TIMES_NEEDS,
    .results = gasket_recommender_results,
    .n_results = GASKET_RECOMMENDER_N_RESULTS,
    .default_iterations = 15,
    .prepare = gasket_recommender_prepare,
    .resumable = true,
    .run = tensor_als_run,
};
