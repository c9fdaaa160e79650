/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logistic matrix factorisation: how likely a user is to choose an item.
 *
 *   P(u chooses i) = s(x_ui)       x_ui = b_u + b_i + p_u . q_i, s(x) = 1 / (1 + e^-x)
 *
 *   raises   F = sum over all u, i of (a r_ui x_ui - (1 + a r_ui) log(1 + e^x_ui))
 *                - l / 2 (sum |p_u|^2 + |q_i|^2 and squares of biases)
 *
 * A count r > 0 is a r choices beside the one non-choice that every pair has. All users take a step
 * along the gradient while items stand, then the other way round:
 *
 *   g_u = sum over rated i of a r (q_i, 1) - sum over all i of (1 + a r) s(x) (q_i, 1)
 *         - l (p_u, b_u)
 *   h_u += g_u^2 (each element by itself),  (p_u, b_u) += rate g_u / sqrt(h_u)       AdaGrad
 *
 * To meet all pairs every worker holds all factors (replica.h). With many items the second sum over
 * unrated ones is estimated: from --negatives of them, drawn for each vertex and iteration, each
 * standing for as many as there are to one drawn.
 *
 * F is measured (metric `objective`) over all pairs where none is drawn, else from drawn ones that
 * stay the same.
 *
 * Cost: 4 k flops for a rating and for each drawn pair, or for every pair; 4 (k + 1) bytes a user
 * and an item on every worker.
 *
 * References: C. Johnson, Logistic matrix factorization for implicit feedback data, NIPS 2014
 * workshop on distributed machine learning and matrix computations; J. Duchi, E. Hazan, Y. Singer,
 * Adaptive subgradient methods, JMLR 12, 2011.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "replica.h"
#include "vectors.h"

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    int64_t factors, negatives;
    double alpha, rate, regularization, spread;
    int64_t top;
} Parameters;

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "32",
     "factors of a user and an item", .minimum = 1, .maximum = 1024},
    {"negatives", GASKET_OPTION_INT, offsetof(Parameters, negatives), "300",
     "unrated ones drawn for each user and item; all are taken where there are no more; 0: all",
     .minimum = 0, .maximum = 1e9},
    {"alpha", GASKET_OPTION_DOUBLE, offsetof(Parameters, alpha), "1",
     "choices that a count of 1 is worth", .minimum = 0, .maximum = 1e9},
    {"rate", GASKET_OPTION_DOUBLE, offsetof(Parameters, rate), "0.5",
     "length of the first step of each number", .minimum = 1e-9, .maximum = 10},
    {"regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, regularization), "16",
     "weight of the squared factors and biases", .minimum = 0, .maximum = 1e9},
    {"spread", GASKET_OPTION_DOUBLE, offsetof(Parameters, spread), "0.1",
     "deviation of the factors at the start, times the root of the rank", .minimum = 0,
     .maximum = 100},
    {"top", GASKET_OPTION_INT, offsetof(Parameters, top), "0",
     "rank all unseen items for the test users and measure lists of this length; 0: no",
     .minimum = 0, .maximum = 1e6},
    {.name = NULL},
};

/* ---- one side's step ------------------------------------------------------------------------- */

enum { OBJECTIVE = GASKET_RECOMMENDER_AGGREGATES };
enum { STREAM_NEGATIVES = 7311, STREAM_MEASURE = 7313 };

typedef struct {
    const GasketRecommender *model;
    size_t rank, width;
    double alpha, rate, regularization;
    uint32_t negatives; /* 0: all */
    uint64_t epoch;
    unsigned kind;
    Replica side[2];
} Logistic;

static inline double
sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* log(1 + e^x) */
static inline double
softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static inline double
score(const Logistic *logistic, const float *p, const float *q)
{
    const size_t k = logistic->rank;
    return (double)p[k] + q[k] + dense_dot(k, p, q);
}

static inline double
count_of(const Logistic *logistic, float rating)
{
    return rating > 0 ? logistic->alpha * rating : 0;
}

/* g += weight (q, 1) */
static inline void
add_to(const Logistic *logistic, double weight, const float *q, double *g)
{
    for (size_t f = 0; f < logistic->rank; f++)
        g[f] += weight * q[f];
    g[logistic->rank] += weight;
}

/* What an unrated one of the other side is called with; weight: how many it stands for. */
typedef double (*Visit)(const Logistic *logistic, const float *p, const float *q, double weight,
                        double *g);

/* The sum of visits of those that row r does not name, all or drawn ones. */
static double
visit_others(const Logistic *logistic, const GasketRows *rows, size_t r, const float *p,
             GasketRandom *random, Visit visit, double *g)
{
    const Replica *others = &logistic->side[!logistic->kind];
    const uint64_t n_rated = rows->end[r] - rows->begin[r], n_others = others->n - n_rated;
    double sum = 0;

    if (logistic->negatives == 0 || logistic->negatives >= others->n) {
        uint64_t e = rows->begin[r];
        for (uint32_t number = 0; number < others->n; number++) {
            if (e < rows->end[r] && rows->neighbour_number[rows->neighbour[e]] == number)
                e++;
            else
                sum += visit(logistic, p, replica_row(others, number), 1, g);
        }
        return sum;
    }
    for (uint32_t draw = 0; draw < logistic->negatives; draw++) {
        uint32_t number;
        if (replica_draw_other(others, random, rows, r, &number))
            sum += visit(logistic, p, replica_row(others, number),
                         (double)n_others / logistic->negatives, g);
    }
    return sum;
}

static double
descend_from(const Logistic *logistic, const float *p, const float *q, double weight, double *g)
{
    add_to(logistic, -weight * sigmoid(score(logistic, p, q)), q, g);
    return 0;
}

static double
loss_of(const Logistic *logistic, const float *p, const float *q, double weight, double *g)
{
    (void)g;
    return -weight * softplus(score(logistic, p, q));
}

static void
step_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Logistic *logistic = context->parameters;
    const GasketRows *rows = run->rows;
    const float *rating = rows->column[0].data;
    const size_t width = logistic->width;
    double *g = context->scratch;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        float *p = (float *)run->value + v * width;
        double *squares = gasket_recommender_state(logistic->model, run->state, v);
        GasketRandom random = gasket_random_at(context->seed, STREAM_NEGATIVES + logistic->kind,
                                               context->ordinal[v], logistic->epoch);
        memmove(p, (const float *)run->published + v * width, width * sizeof *p);
        memset(g, 0, width * sizeof *g);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const float *q = (const float *)rows->values + rows->neighbour[e] * width;
            const double count = count_of(logistic, rating[e]);
            add_to(logistic, count - (1 + count) * sigmoid(score(logistic, p, q)), q, g);
        }
        visit_others(logistic, rows, i, p, &random, descend_from, g);
        for (size_t f = 0; f < width; f++) {
            g[f] -= logistic->regularization * p[f];
            squares[f] += g[f] * g[f];
            if (squares[f] > 0)
                p[f] = (float)(p[f] + logistic->rate * g[f] / sqrt(squares[f]));
        }
    }
}

/* ---- measuring ------------------------------------------------------------------------------- */

static void
measure_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Logistic *logistic = context->parameters;
    const GasketRows *rows = run->rows;
    const float *rating = rows->column[0].data;
    const size_t width = logistic->width;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const float *p = (const float *)run->published + v * width;
        GasketRandom random =
            gasket_random_at(context->seed, STREAM_MEASURE, context->ordinal[v], 0);
        double sum = -logistic->regularization / 2 * gasket_recommender_dot(p, p, (unsigned)width);
        for (uint64_t e = rows->begin[i]; e < rows->end[i] && logistic->kind == 0; e++) {
            const float *q = (const float *)rows->values + rows->neighbour[e] * width;
            const double count = count_of(logistic, rating[e]), x = score(logistic, p, q);
            sum += count * x - (1 + count) * softplus(x);
        }
        if (logistic->kind == 0)
            sum += visit_others(logistic, rows, i, p, &random, loss_of, NULL);
        gasket_add(context, OBJECTIVE, 0, sum);
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
take_step(Logistic *logistic, unsigned kind, GError **error)
{
    const GasketProgram program = {.name = kind == 0 ? "users" : "items",
                                   .kind = kind,
                                   .apply = step_apply,
                                   .scratch_size = logistic->width * sizeof(double),
                                   .parameters = logistic};
    logistic->kind = kind;
    return gasket_recommender_turn(logistic->model->run, &program, error) &&
           replica_update(&logistic->side[kind], NULL, error);
}

static bool
measure(Logistic *logistic, GError **error)
{
    GasketRun *run = logistic->model->run;
    double objective = 0;
    for (unsigned kind = 0; kind < 2; kind++) {
        const GasketProgram program = {.name = "objective",
                                       .kind = kind,
                                       .apply = measure_apply,
                                       .changes = GASKET_CHANGES_NONE,
                                       .aggregates = 1 << OBJECTIVE,
                                       .parameters = logistic};
        logistic->kind = kind;
        if (!gasket_recommender_turn(run, &program, error))
            return false;
        objective += gasket_run_total(run, OBJECTIVE, 0);
    }
    gasket_run_set_metric(run, "objective", objective);
    if (isfinite(objective))
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                "the model diverges; try a smaller --rate");
    return false;
}

static bool
train(Logistic *logistic, GasketRecommender *model, GError **error)
{
    gasket_run_keep(model->run, &logistic->epoch, sizeof logistic->epoch);
    for (unsigned kind = 0; kind < 2; kind++)
        if (!replica_init(&logistic->side[kind], model, kind, 0, error))
            return false;
    /* The first iteration, or the first after a snapshot, finds no replicas yet. */
    for (bool first = true; gasket_run_continues(model->run); first = false) {
        for (unsigned kind = 0; kind < 2 && first; kind++)
            if (!replica_update(&logistic->side[kind], NULL, error))
                return false;
        if (!take_step(logistic, 0, error) || !take_step(logistic, 1, error) ||
            !measure(logistic, error) || !gasket_recommender_end_iteration(model, false, error))
            return false;
        logistic->epoch++;
    }
    return gasket_recommender_finish(model, error);
}

static bool
logistic_mf_run(GasketRun *run, const void *parameters, GError **error)
{
    static const GasketAggregate aggregates[] = {{"objective", GASKET_SUM, 1}};
    const Parameters *given = parameters;
    const size_t width = (size_t)given->factors + 1;
    const GasketRecommenderOptions common = {.rank = (unsigned)given->factors,
                                             .state_size = width * sizeof(double),
                                             .top = (unsigned)given->top,
                                             .aggregates = aggregates,
                                             .n_aggregates = G_N_ELEMENTS(aggregates),
                                             .hint = "a smaller --rate"};
    GasketRecommender model;
    if (!gasket_recommender_begin(&model, run, &common, error) ||
        !gasket_recommender_draw(&model, given->spread / sqrt((double)given->factors), false,
                                 error))
        return false;
    Logistic logistic = {.model = &model,
                         .rank = (size_t)given->factors,
                         .width = width,
                         .alpha = given->alpha,
                         .rate = given->rate,
                         .regularization = given->regularization,
                         .negatives = (uint32_t)given->negatives};
    const bool good = train(&logistic, &model, error);
    replica_clear(&logistic.side[0]);
    replica_clear(&logistic.side[1]);
    return good;
}

const GasketAlgorithm gasket_logistic_mf = {
    GASKET_RECOMMENDER_METHOD(Parameters),
    .name = "logistic-mf",
    .summary = "logistic matrix factorisation of counts",
    .description =
        "Learns how likely a user is to choose an item from counts of what was chosen. Scores only "
        "rank. Every worker holds all factors.\n"
        "\n"
        "  gasket logistic-mf plays.tsv --test 0.1 --top 10 -o model/\n",
    .recommends = GASKET_RECOMMENDS_SCORES,
    .options = options,
    .default_iterations = 30,
    .resumable = true,
    .run = logistic_mf_run,
};
