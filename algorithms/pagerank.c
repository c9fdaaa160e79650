/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PageRank: how often a surfer is on each page who follows links at random and now and then jumps.
 *
 *   rank[v] = (1 - d) t[v] + d (sum over u -> v of rank[u] / outdegree[u] + left t[v])
 *
 * d is the damping, t where jumps go: 1/n each, or a given distribution. `left` is what shares do
 * not carry: the ranks of vertices without out-edges, and what rounding a share takes off or adds.
 * With weights, a vertex shares its rank in proportion to the weights of its out-edges.
 *
 * Power iteration. A vertex publishes its share, rank / outdegree, and gathers those of its
 * in-neighbours, in double. Shares are 4 bytes wide where the tolerance allows: a gather over
 * half the memory, and half the bytes between workers. `left` is a total of the step before,
 * which is just when it is due.
 *
 * Invariants:
 *   1. The ranks sum to 1 but for the rounding of sums in double: shares and `left` carry all.
 *      (With the chromatic engine, Gauss and Seidel's iteration: once they are converged.)
 *   2. Each step's change (L1) is at most d times the one before, plus 2 d times the rounding of a
 *      share (2^-24 or 2^-53).
 *   3. A row is summed in its one order and totals are exact: the same bits for every placement.
 *
 * Cost: an iteration reads 8 bytes an edge (neighbour and share; weights 8 more) and 40 a vertex.
 * From 1/n each, at d = 0.85, changes fall below 1e-6 within 90 iterations and below 1e-13 within
 * 190 on every graph (2 d^k): so the bound of 200 iterations only stops larger dampings.
 *
 * Reference: L. Page, S. Brin, R. Motwani, T. Winograd, The PageRank citation ranking: bringing
 * order to the web, 1999. Dangling ranks and personalisation as networkx and igraph have them.
 */
#include "algorithms.h"
#include "pagerank.h"
#include "pagerank_move.h"

#include <math.h>

/* ---- options --------------------------------------------------------------------------------- */

typedef enum {
    PRECISION_AUTO,
    PRECISION_SINGLE,
    PRECISION_DOUBLE,
} Precision;

typedef struct {
    double damping;
    int precision;
    const char *personalize;
} Parameters;

static const char *const precisions[] = {"auto", "single", "double", NULL};

static const GasketOption options[] = {
    {"damping", GASKET_OPTION_DOUBLE, offsetof(Parameters, damping), "0.85",
     "how often the surfer follows a link instead of jumping, in [0, 1)", .minimum = 0,
     .maximum = 0.999999},
    {"precision", GASKET_OPTION_CHOICE, offsetof(Parameters, precision), "auto",
     "width of what vertices publish: single (4 bytes) carries ranks down to a tolerance of 1e-6, "
     "double (8 bytes) below, with weights and with --engine async; auto decides",
     .choices = precisions},
    {"personalize", GASKET_OPTION_COLUMN, offsetof(Parameters, personalize),
     .help = "file of lines `id [weight]`: jumps, and the ranks of vertices without out-edges, go "
             "to these vertices in proportion to the weights"},
    {.name = NULL},
};

/* ---- the vertex program ---------------------------------------------------------------------- */

#define RESIDUAL      GASKET_PAGERANK_RESIDUAL
#define LEFT          GASKET_PAGERANK_LEFT
#define JUMPS         GASKET_PAGERANK_JUMPS
#define SMALLEST_JUMP GASKET_PAGERANK_SMALLEST_JUMP

static const GasketAggregate aggregates[] = {
    {"residual", GASKET_SUM, 1},
    {"left", GASKET_SUM, 1},
    {"jumps", GASKET_SUM, 1},
    {"smallest_jump", GASKET_MIN, 1},
    {"scale", GASKET_SUM, GASKET_PAGERANK_N_SCALE},
};

typedef GasketPagerankSettings Settings;

GASKET_WIDE static void
gather_single(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const float *share = rows->values;
    double *sum = sums;
    (void)context;

    for (size_t r = 0; r < rows->count; r++) {
        double total = sum[rows->sum[r]];
#pragma GCC unroll 4
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            total += share[rows->neighbour[e]];
        sum[rows->sum[r]] = total;
    }
}

GASKET_WIDE static void
gather_double(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const double *share = rows->values;
    double *sum = sums;
    (void)context;

    for (size_t r = 0; r < rows->count; r++) {
        double total = sum[rows->sum[r]];
#pragma GCC unroll 4
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            total += share[rows->neighbour[e]];
        sum[rows->sum[r]] = total;
    }
}

GASKET_WIDE static void
gather_weighted(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const Settings *settings = context->parameters;
    const double *weight = rows->column[settings->weight].data;
    const double *share = rows->values;
    double *sum = sums;

    for (size_t r = 0; r < rows->count; r++) {
        double total = sum[rows->sum[r]];
#pragma GCC unroll 4
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            total += weight[e] * share[rows->neighbour[e]];
        sum[rows->sum[r]] = total;
    }
}

/* Vertices are worked on in batches of consecutive ones: each loop runs over plain arrays. */
#define BATCH 256

/* How many of a run's vertices, from one on, make a batch: they and their sums are consecutive. */
static size_t
batch_size(const GasketVertices *run, size_t from)
{
    size_t n = MIN(run->count - from, BATCH), last = from + n - 1;
    bool consecutive =
        run->vertex[last] - run->vertex[from] == n - 1 && run->sum[last] - run->sum[from] == n - 1;
    return consecutive ? n : 1;
}

/* Moves the ranks of n vertices from v on. */
static void
move(const GasketContext *context, const GasketVertices *run, GasketVertex v, size_t n,
     const double *arrives, const double *pulled)
{
    const Settings *settings = context->parameters;
    double change[BATCH], left[BATCH];

    PageRankBatch batch = {.arrives = arrives,
                           .pulled = pulled,
                           .strength = context->out_strength + v,
                           .rank = (double *)run->state + v,
                           .change = change,
                           .left = left};
    if (settings->single) {
        batch.share = (float *)run->value + v;
        gasket_pagerank_move_single(n, settings->damping, &batch);
    } else {
        batch.share = (double *)run->value + v;
        gasket_pagerank_move_double(n, settings->damping, &batch);
    }
    gasket_add_many(context, RESIDUAL, 0, change, n);
    gasket_add_many(context, LEFT, 0, left, n);
}

/* Every vertex starts with 1/n: from 0, for nothing is pulled yet. */
static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    double arrives[BATCH];
    static const double pulled[BATCH];
    (void)sums;

    for (size_t i = 0; i < MIN(run->count, BATCH); i++)
        arrives[i] = 1.0 / context->n_vertices;
    for (size_t from = 0, n; from < run->count; from += n) {
        n = batch_size(run, from);
        move(context, run, run->vertex[from], n, arrives, pulled);
    }
    if (settings->personalize < 0)
        return;
    const double *jump = context->column[settings->personalize].data;
    for (size_t i = 0; i < run->count; i++) {
        gasket_add(context, JUMPS, 0, jump[run->vertex[i]]);
        gasket_extreme(context, SMALLEST_JUMP, 0, jump[run->vertex[i]]);
    }
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    const double *sum = sums;
    double arrives[BATCH];

    /* What arrives everywhere, in proportion to t[v]. */
    double d = settings->damping;
    double spread = (1 - d) + d * gasket_total(context, LEFT, 0);
    double jumps = 0;
    const double *jump = NULL;
    if (settings->personalize >= 0) {
        jump = context->column[settings->personalize].data;
        jumps = gasket_total(context, JUMPS, 0);
    }
    for (size_t i = 0; jump == NULL && i < MIN(run->count, BATCH); i++)
        arrives[i] = spread / context->n_vertices;

    for (size_t from = 0, n; from < run->count; from += n) {
        GasketVertex v = run->vertex[from];
        n = batch_size(run, from);
        for (size_t i = 0; jump != NULL && i < n; i++)
            arrives[i] = spread * (jump[v + i] / jumps);
        move(context, run, v, n, arrives, sum + run->sum[from]);
    }
}

static const GasketRowSet in_rows[] = {{.relation = 0, .direction = GASKET_IN}};

/* ---- the driver ------------------------------------------------------------------------------ */

/* Rounding 4-byte shares moves ranks by up to this much (L1) in every step. */
#define SINGLE_NOISE 0x1p-23

/* With weights shares are as large or small as weights make them, and not worth the saving. */
static bool
publishes_single(const GasketRun *run, const Parameters *parameters)
{
    return gasket_run_edge_column(run, 0, "weight") < 0 &&
           (parameters->precision == PRECISION_SINGLE ||
            (parameters->precision == PRECISION_AUTO && gasket_run_tolerance(run) >= 1e-6 &&
             gasket_run_engine(run) != GASKET_ENGINE_ASYNC));
}

static bool
pagerank_prepare(const void *parameters, double tolerance, GasketNeeds *needs_copy,
                 GasketResultColumn *results_copy, GError **error)
{
    (void)needs_copy;
    (void)results_copy;
    const Parameters *given = parameters;
    if (given->precision == PRECISION_SINGLE && tolerance < 2 * SINGLE_NOISE) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "--precision single cannot reach a tolerance of %g, expected at least %g "
                    "or --precision double",
                    tolerance, 2 * SINGLE_NOISE);
        return false;
    }
    return true;
}

/* Whether the weights of --personalize are a distribution once divided by their total. */
static bool
check_jumps(GasketRun *run, GError **error)
{
    double total = gasket_run_total(run, JUMPS, 0);
    double smallest = gasket_run_total(run, SMALLEST_JUMP, 0);
    if (smallest >= 0 && total > 0 && isfinite(total))
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "--personalize: found weights down to %g with a total of %g, expected none below "
                "0 and a positive, finite total",
                smallest, total);
    return false;
}

static bool
pagerank_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    const double tolerance = gasket_run_tolerance(run);
    Settings settings = {
        .damping = given->damping,
        .single = publishes_single(run, given),
        .weight = gasket_run_edge_column(run, 0, "weight"),
        .personalize = given->personalize ? gasket_run_vertex_column(run, 0, "personalize") : -1,
    };

    GasketProgram start = {
        .name = "start",
        .apply = start_apply,
        .aggregates = 1 << RESIDUAL | 1 << LEFT | 1 << JUMPS | 1 << SMALLEST_JUMP,
        .parameters = &settings,
    };
    GasketProgram pagerank = {
        .name = "pagerank",
        .rows = in_rows,
        .n_rows = 1,
        .sum_size = sizeof(double),
        .gather = settings.weight >= 0 ? gather_weighted
                  : settings.single    ? gather_single
                                       : gather_double,
        .apply = apply,
        .aggregates = 1 << RESIDUAL | 1 << LEFT,
        .parameters = &settings,
    };

    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
        !gasket_run_set_state(run, 0, sizeof(double), error) ||
        !gasket_run_set_value(run, 0, settings.single ? sizeof(float) : sizeof(double), error) ||
        !gasket_run_step(run, &start, error))
        return false;
    if (settings.personalize >= 0 && gasket_run_n_vertices(run, 0) > 0 && !check_jumps(run, error))
        return false;

    if (gasket_run_engine(run) == GASKET_ENGINE_ASYNC) {
        settings.jumps = gasket_run_total(run, JUMPS, 0);
        return gasket_pagerank_run_dynamic(run, &settings, &pagerank, error);
    }
    while (gasket_run_continues(run)) {
        if (!gasket_run_step(run, &pagerank, error))
            return false;
        double residual = gasket_run_total(run, RESIDUAL, 0);
        gasket_run_end_iteration(run, residual, residual < tolerance);
    }
    return true;
}

/* ---- the verifier ---------------------------------------------------------------------------- */

/* Shares of all vertices by number, computed anew from the ranks in double, and the mass of those
 * without out-edges. Free with g_free. Costs 8 bytes a vertex of the whole graph on each worker. */
static double *
all_shares(GasketRun *run, double *ret_dangling, GError **error)
{
    const GasketContext *context = gasket_run_context(run, 0);
    const double *rank = gasket_run_state(run, 0);
    const uint32_t n = gasket_run_n_vertices(run, 0);

    g_autofree double *share = g_try_new0(double, n);
    if (share == NULL && n > 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory to verify the ranks of %u vertices", n);
        return NULL;
    }
    double dangling = 0;
    for (GasketVertex v = 0; v < context->n_owned; v++) {
        if (context->out_strength[v] > 0)
            share[context->number[v]] = rank[v] / context->out_strength[v];
        else
            dangling += rank[v];
    }
    /* Each number has one owner and shares are not negative: the largest is the owner's. */
    if (!gasket_run_reduce_max(run, share, n, error) ||
        !gasket_run_reduce_sum(run, &dangling, 1, error))
        return NULL;
    *ret_dangling = dangling;
    return g_steal_pointer(&share);
}

/* Pushes every share over its edges once, serially and in double, and compares: by invariant 2 the
 * change is at most the last step's, or the tolerance, but for rounding. */
static bool
pagerank_verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    const Parameters *given = parameters;
    const double tolerance = gasket_run_tolerance(run), d = given->damping;
    const GasketContext *context = gasket_run_context(run, 0);
    const double *rank = gasket_run_state(run, 0);
    const int weight = gasket_run_edge_column(run, 0, "weight");
    const double *jump = NULL;
    if (given->personalize)
        jump = context->column[gasket_run_vertex_column(run, 0, "personalize")].data;

    g_autoptr(GasketRows) rows = gasket_run_rows(run, in_rows[0], error);
    if (rows == NULL)
        return false;
    double dangling = 0;
    g_autofree double *share = all_shares(run, &dangling, error);
    if (share == NULL && context->n_vertices > 0)
        return false;

    double jumps = 0;
    for (GasketVertex v = 0; jump && v < context->n_owned; v++)
        jumps += jump[v];
    if (!gasket_run_reduce_sum(run, &jumps, 1, error))
        return false;

    const double *w = weight >= 0 ? rows->column[weight].data : NULL;
    double found[2] = {0, 0}; /* change, sum of ranks */
    for (size_t r = 0; r < rows->count; r++) {
        GasketVertex v = rows->vertex[r];
        double jump_here = jump ? jump[v] / jumps : 1.0 / context->n_vertices;
        double pushed = (1 - d) * jump_here + d * dangling * jump_here;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            pushed += d * (w ? w[e] : 1) * share[rows->neighbour_number[rows->neighbour[e]]];
        found[0] += fabs(pushed - rank[v]);
        found[1] += rank[v];
    }
    if (!gasket_run_reduce_sum(run, found, 2, error))
        return false;

    double noise = publishes_single(run, given) ? SINGLE_NOISE : 1e-12;
    double change = gasket_run_engine(run) == GASKET_ENGINE_ASYNC
                        ? 0 /* until quiet: the tolerance was met, or the run was ended early */
                        : gasket_run_total(run, RESIDUAL, 0);
    double bound = fmax(tolerance, change) + noise;
    /* A sweep adds up shares of two ages: its ranks sum to 1 as nearly as one more step leaves them
     * alone, for a step keeps all but 1 - d of what the sum is off by. */
    double off = gasket_run_engine(run) == GASKET_ENGINE_SYNC ? 1e-9 : bound / (1 - d) + 1e-9;
    bool correct = context->n_vertices == 0 || (found[0] <= bound && fabs(found[1] - 1) <= off);
    *ret_message = g_strdup_printf("one more step in double changes the ranks by %.3g (allowed "
                                   "%.3g); they sum to 1 %+.1e",
                                   found[0], bound, found[1] - 1);
    return correct;
}

const GasketAlgorithm gasket_pagerank = {
    .abi = GASKET_ABI,
    .name = "pagerank",
    .summary = "rank of every vertex in the random surfer model",
    .description =
        "Computes the PageRank of every vertex by power iteration. Ranks sum to 1; the rank of "
        "vertices without out-edges is spread like jumps. With --weighted a vertex shares its "
        "rank in proportion to the weights of its out-edges. Stops when the ranks change by less "
        "than --tolerance in all (the sum of absolute changes).\n"
        "\n"
        "  gasket pagerank web.txt.gz -o ranks.tsv\n"
        "  gasket pagerank web.txt.gz --personalize home.txt --damping 0.9\n",
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS(
        {.in_rows = true, .strengths = true, .weights_if_asked = true, .nonnegative = true}),
    GASKET_RESULTS({.name = "rank", .kind = 0, .type = GASKET_DOUBLE, .rank = true}),
    .default_iterations = 200,
    .default_tolerance = 1e-6,
    .prepare = pagerank_prepare,
    .run = pagerank_run,
    .verify = pagerank_verify,
    .resumable = true,
    .engines = 1 << GASKET_ENGINE_CHROMATIC | 1 << GASKET_ENGINE_ASYNC,
    .stale = true,
    .scheduler = GASKET_SCHEDULER_PRIORITY,
};
