/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alternating least squares for implicit feedback: counts of what users did, not what they think.
 *
 *   all pairs (u, i):  preference 1 if there is a count r_ui > 0, else 0; confidence
 *   c_ui = 1 + alpha r_ui.  Lowers
 *
 *   F = sum over all u, i of c_ui (pref_ui - x_u . y_i)^2 + l (sum |x_u|^2 + sum |y_i|^2)
 *
 * A user solves (G + l I + sum of alpha r y y') x = sum of (1 + alpha r) y, sums over rated i,
 * where G = sum over all i of y y' is a total: the pairs without a count cost nothing more. Then
 * items do the same. Exactly, by Cholesky; or by a few conjugate gradient steps from the old x,
 * each of which costs two passes over the row in place of one with k times the work.
 *
 * F (metric `objective`) falls in every step, exactly solved or not. It is measured as users see
 * it, sum over u of x' G x + sum over rated i of (c (1 - s)^2 - s^2) + l |x|^2, s = x . y.
 *
 * Cost: k^2 / 2 multiplications a count and k^3 / 6 a vertex; with conjugate gradients 4 k (n + 1)
 * a count and k^2 (n + 1) a vertex for n steps. The total G costs k^2 / 2 exact additions a vertex.
 *
 * References: Y. Hu, Y. Koren, C. Volinsky, Collaborative filtering for implicit feedback datasets,
 * ICDM 2008; G. Takacs, I. Pilaszy, D. Tikk, Applications of the conjugate gradient method for
 * implicit feedback collaborative filtering, RecSys 2011.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "vectors.h"
#include "recommender.h"

/* ---- options --------------------------------------------------------------------------------- */

typedef enum { SOLVER_CG, SOLVER_EXACT } Solver;

typedef struct {
    int64_t factors, cg_steps;
    int solver;
    double alpha, regularization;
} Parameters;

static const char *const solvers[] = {"cg", "exact", NULL};

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "32",
     "factors of a user and an item", .minimum = 1, .maximum = 1024},
    {"alpha", GASKET_OPTION_DOUBLE, offsetof(Parameters, alpha), "2",
     "confidence that a count of 1 adds to that of none", .minimum = 0, .maximum = 1e9},
    {"regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, regularization), "10",
     "weight of the squared factors", .minimum = 1e-9, .maximum = 1e9},
    {"solver", GASKET_OPTION_CHOICE, offsetof(Parameters, solver), "cg",
     "cg: a few conjugate gradient steps; exact: Cholesky", .choices = solvers},
    {"cg-steps", GASKET_OPTION_INT, offsetof(Parameters, cg_steps), "3",
     "conjugate gradient steps for each vertex", .minimum = 1, .maximum = 1000},
    {.name = NULL},
};

/* ---- one side's least squares ---------------------------------------------------------------- */

enum { GRAM = GASKET_RECOMMENDER_AGGREGATES, OBJECTIVE };

typedef struct {
    size_t rank, width;
    double alpha, regularization;
    unsigned cg_steps; /* 0: exact */
    int rating;        /* edge column */
    double *gram;      /* [k][k] of the other side, lower triangle */
} Settings;

/* The confidence of a count above that of none. */
static inline double
confidence(const Settings *settings, double count)
{
    return settings->alpha * (count > 0 ? count : 0);
}

static inline const float *
factors_of(const Settings *settings, const GasketRows *rows, uint64_t e)
{
    return (const float *)rows->values + rows->neighbour[e] * settings->width;
}

/* Scratch: a [k][k]; b, x, r, p, ap [k]. */
typedef struct {
    double *a, *b, *x, *r, *p, *ap;
} Scratch;

static Scratch
scratch_of(const Settings *settings, void *scratch)
{
    const size_t k = settings->rank;
    double *a = scratch;
    return (Scratch){
        a, a + k * k, a + k * k + k, a + k * k + 2 * k, a + k * k + 3 * k, a + k * k + 4 * k};
}

static double
dot_mixed(size_t k, const float *y, const double *x)
{
    double sum[4] = {0};
    size_t f = 0;
    for (; f + 4 <= k; f += 4)
        for (size_t j = 0; j < 4; j++)
            sum[j] += y[f + j] * x[f + j];
    for (; f < k; f++)
        sum[0] += y[f] * x[f];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* b = sum of (1 + alpha r) y over counts above 0. */
static void
right_side(const Settings *settings, const GasketRows *rows, size_t row, double *b)
{
    const float *count = rows->column[settings->rating].data;
    memset(b, 0, settings->rank * sizeof(double));
    for (uint64_t e = rows->begin[row]; e < rows->end[row]; e++) {
        const float *y = factors_of(settings, rows, e);
        const double weight = count[e] > 0 ? 1 + confidence(settings, count[e]) : 0;
        for (size_t f = 0; f < settings->rank; f++)
            b[f] += weight * y[f];
    }
}

static void
solve_exactly(const Settings *settings, const GasketRows *rows, size_t row, const Scratch *s)
{
    const size_t k = settings->rank;
    const float *count = rows->column[settings->rating].data;

    memcpy(s->a, settings->gram, k * k * sizeof(double));
    for (size_t f = 0; f < k; f++)
        s->a[f * k + f] += settings->regularization;
    for (uint64_t e = rows->begin[row]; e < rows->end[row]; e++)
        dense_rank_one(k, confidence(settings, count[e]), factors_of(settings, rows, e), s->a);
    memcpy(s->x, s->b, k * sizeof(double));
    if (!dense_solve(k, s->a, s->x))
        s->x[0] = NAN; /* factors that overflow */
}

/* ap = (G + l I + sum alpha r y y') p, and p . ap */
static double
times_matrix(const Settings *settings, const GasketRows *rows, size_t row, const double *p,
             double *ap)
{
    const size_t k = settings->rank;
    const float *count = rows->column[settings->rating].data;

    dense_symmetric_times(k, settings->gram, p, ap);
    dense_axpy_double(k, settings->regularization, p, ap);
    for (uint64_t e = rows->begin[row]; e < rows->end[row]; e++) {
        const float *y = factors_of(settings, rows, e);
        const double weight = confidence(settings, count[e]) * dot_mixed(k, y, p);
        for (size_t f = 0; f < k; f++)
            ap[f] += weight * y[f];
    }
    return dense_dot_double(k, p, ap);
}

static void
solve_by_gradients(const Settings *settings, const GasketRows *rows, size_t row, const Scratch *s)
{
    const size_t k = settings->rank;

    times_matrix(settings, rows, row, s->x, s->ap);
    for (size_t f = 0; f < k; f++)
        s->p[f] = s->r[f] = s->b[f] - s->ap[f];
    double left = dense_dot_double(k, s->r, s->r);
    for (unsigned step = 0; step < settings->cg_steps && left > 1e-20; step++) {
        const double length = left / times_matrix(settings, rows, row, s->p, s->ap);
        dense_axpy_double(k, length, s->p, s->x);
        dense_axpy_double(k, -length, s->ap, s->r);
        const double before = left;
        left = dense_dot_double(k, s->r, s->r);
        for (size_t f = 0; f < k; f++)
            s->p[f] = s->r[f] + left / before * s->p[f];
    }
}

/* ---- the vertex programs --------------------------------------------------------------------- */

static void
solve(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    const Scratch scratch = scratch_of(settings, context->scratch);
    const size_t k = settings->rank;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const size_t at = run->vertex[i] * settings->width;
        const float *old = (const float *)run->published + at;
        float *value = (float *)run->value + at;
        right_side(settings, run->rows, i, scratch.b);
        for (size_t f = 0; f < k; f++)
            scratch.x[f] = old[f];
        if (settings->cg_steps > 0)
            solve_by_gradients(settings, run->rows, i, &scratch);
        else
            solve_exactly(settings, run->rows, i, &scratch);
        for (size_t f = 0; f < k; f++)
            value[f] = (float)scratch.x[f];
        value[k] = 0;
    }
}

static void
add_up(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    const size_t k = settings->rank;
    double *product = context->scratch;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float *y = (const float *)run->published + run->vertex[i] * settings->width;
        size_t n = 0;
        for (size_t f = 0; f < k; f++)
            for (size_t g = 0; g <= f; g++)
                product[n++] = (double)y[f] * y[g];
        for (size_t f = 0; f < n; f++)
            gasket_add(context, GRAM, (unsigned)f, product[f]);
    }
}

static void
measure(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    const GasketRows *rows = run->rows;
    const float *count = rows->column[settings->rating].data;
    const Scratch scratch = scratch_of(settings, context->scratch);
    const size_t k = settings->rank;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const float *x = (const float *)run->published + run->vertex[i] * settings->width;
        for (size_t f = 0; f < k; f++)
            scratch.x[f] = x[f];
        dense_symmetric_times(k, settings->gram, scratch.x, scratch.ap);
        double loss = dense_dot_double(k, scratch.x, scratch.ap) +
                      settings->regularization * dense_dot_double(k, scratch.x, scratch.x);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const double s = dot_mixed(k, factors_of(settings, rows, e), scratch.x);
            if (count[e] > 0)
                loss += (1 + confidence(settings, count[e])) * (1 - s) * (1 - s) - s * s;
        }
        gasket_add(context, OBJECTIVE, 0, loss);
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
take_gram(GasketRun *run, Settings *settings, unsigned kind, GError **error)
{
    const size_t k = settings->rank;
    const GasketProgram program = {.name = "gram",
                                   .kind = kind,
                                   .apply = add_up,
                                   .changes = GASKET_CHANGES_NONE,
                                   .scratch_size = k * (k + 1) / 2 * sizeof(double),
                                   .aggregates = 1 << GRAM,
                                   .parameters = settings};
    if (!gasket_run_step(run, &program, error))
        return false;
    for (size_t f = 0, at = 0; f < k; f++)
        for (size_t g = 0; g <= f; g++)
            settings->gram[f * k + g] = gasket_run_total(run, GRAM, (unsigned)at++);
    return true;
}

static bool
step_of(GasketRun *run, const Settings *settings, unsigned kind, bool measures, GError **error)
{
    const size_t k = settings->rank;
    const GasketProgram program = {.name = measures    ? "objective"
                                           : kind == 0 ? "users"
                                                       : "items",
                                   .kind = kind,
                                   .apply = measures ? measure : solve,
                                   .changes = measures ? GASKET_CHANGES_NONE : GASKET_CHANGES_ALL,
                                   .scratch_size = (k * k + 5 * k) * sizeof(double),
                                   .aggregates = measures ? 1 << OBJECTIVE : 0,
                                   .parameters = settings};
    return gasket_recommender_turn(run, &program, error);
}

static bool
iterate(GasketRun *run, Settings *settings, GError **error)
{
    /* The gram of the items stands from the iteration before. */
    if (!step_of(run, settings, 0, false, error) || !take_gram(run, settings, 0, error) ||
        !step_of(run, settings, 1, false, error) || !take_gram(run, settings, 1, error) ||
        !step_of(run, settings, 0, true, error))
        return false;
    double objective = gasket_run_total(run, OBJECTIVE, 0);
    for (size_t f = 0; f < settings->rank; f++)
        objective += settings->regularization * settings->gram[f * settings->rank + f];
    gasket_run_set_metric(run, "objective", objective);
    return true;
}

static bool
ials_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const size_t k = (size_t)given->factors;
    const GasketAggregate aggregates[] = {{"gram", GASKET_SUM, (unsigned)(k * (k + 1) / 2)},
                                          {"objective", GASKET_SUM, 1}};
    const GasketRecommenderOptions options_of = {.rank = (unsigned)k,
                                                 .aggregates = aggregates,
                                                 .n_aggregates = G_N_ELEMENTS(aggregates),
                                                 .hint = "more --regularization"};
    g_autofree double *gram = g_new0(double, k *k);
    GasketRecommender model;

    if (!gasket_recommender_begin(&model, run, &options_of, error) ||
        !gasket_recommender_draw(&model, 0.1 / sqrt((double)k), false, error))
        return false;
    Settings settings = {.rank = k,
                         .width = model.width,
                         .alpha = given->alpha,
                         .regularization = given->regularization,
                         .cg_steps = given->solver == SOLVER_CG ? (unsigned)given->cg_steps : 0,
                         .rating = gasket_run_edge_column(run, 0, "rating"),
                         .gram = gram};
    if (!take_gram(run, &settings, 1, error))
        return false;
    gasket_run_keep(run, gram, k * k * sizeof *gram);
    while (gasket_run_continues(run))
        if (!iterate(run, &settings, error) ||
            !gasket_recommender_end_iteration(&model, false, error))
            return false;
    return gasket_recommender_finish(&model, error);
}

const GasketAlgorithm gasket_ials = {
    GASKET_RECOMMENDER_METHOD(Parameters),
    .name = "ials",
    .summary = "alternating least squares for implicit feedback",
    .description =
        "Factors a table of counts (what was bought, played, clicked on): a pair without a count "
        "is a weak no, a count a yes that is the surer the larger it is. Predictions are "
        "preferences near 0 to 1.\n"
        "\n"
        "  gasket ials plays.tsv --factors 64 --alpha 10 -o model/\n",
    .recommends = GASKET_RECOMMENDS_SCORES,
    .options = options,
    .default_iterations = 15,
    .resumable = true,
    .run = ials_run,
};
