/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gaussian belief propagation for sparse, symmetric systems of linear equations A x = b.
 *
 * x is the mean of the Gaussian with precision A and potential b, and its belief in i is (J, h):
 * mean h / J, variance 1 / J. Messages are precisions and potentials too:
 *
 *   J(u -> v) = -A(u,v)^2            / (J(u) - J(v -> u))        J(v) = A(v,v) + sum of J(u -> v)
 *   h(u -> v) = -A(u,v) (h(u) - h(v -> u)) / (J(u) - J(v -> u))  h(v) = b(v)   + sum of h(u -> v)
 *
 * No message travels. A vertex publishes its belief, and a reader works out the message for itself:
 * for that it keeps, of each entry, the message that it has got and the one that the neighbour has
 * got from it, which it knows, having the numbers that the neighbour made it from:
 *
 *   step t, at v:   published (J, h)(u) of t-1      contains v -> u of t-1: link.out
 *                   own       (J, h)(v) of t-1      contains u -> v of t-1: link.in
 *
 * Invariants:
 *   1. Both ends of an edge have the same bits for a message, from the same operations.
 *   2. On a forest it ends with the exact solution, and 1 / J is the diagonal of A's inverse, after
 *      as many steps as the longest path has edges. With cycles it converges where the spectral
 *      radius of |1 - D^-1/2 A D^-1/2| is below 1 (walk-summable; diagonally dominant matrices
 *      are): to the exact solution, and variances that leave out some walks.
 *   3. While it is walk-summable, J(u -> v) < 0 < J: taking back a message subtracts no like sizes.
 *
 * Cost: a step reads 44 bytes an entry and a value of 16 each, writes 32, and publishes 16 bytes a
 * row.
 *
 * References: Y. Weiss, W. T. Freeman, Correctness of belief propagation in Gaussian graphical
 * models of arbitrary topology, 2001; D. Malioutov, J. Johnson, A. Willsky, Walk-sums and belief
 * propagation in Gaussian graphical models, 2006; O. Shental et al., Gaussian belief propagation
 * solver for systems of linear equations, 2008.
 */
#include "algorithms.h"
#include "linear_system.h"

#include <math.h>

typedef struct {
    const char *rhs;
} Parameters;

static const GasketOption options[] = {
    {"rhs", GASKET_OPTION_COLUMN, offsetof(Parameters, rhs),
     .help = "file of lines `row number`: the right-hand side b, 0 in rows that it does not name; "
             "without it b is 1 everywhere"},
    {.name = NULL},
};

typedef struct {
    double precision, potential; /* J, h */
} Belief;

typedef struct {
    LinearRow row;
    double variance;
    Belief belief; /* as published */
} Node;

typedef struct {
    Belief in, out; /* messages of the last step: from the neighbour, to it */
} Link;

static const GasketRowSet out_rows[] = {{.relation = 0, .direction = GASKET_OUT}};

enum { NEGATIVE = LINEAR_AGGREGATES, LOWEST, HIGHEST, N_AGGREGATES };

/* ---- the vertex program ---------------------------------------------------------------------- */

typedef struct {
    int weight;
    double growth; /* largest ratio of the last walk */
} Settings;

typedef struct {
    Belief messages;
    double product; /* of A without its diagonal and x */
} Sum;

/* What a vertex of this belief says over an edge of weight a to one that has told it `back`. */
static inline Belief
message(double a, const Belief *belief, const Belief *back)
{
    double share = -a / (belief->precision - back->precision);
    return (Belief){a * share, share * (belief->potential - back->potential)};
}

static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const Settings *settings = context->parameters;
    const double *weight = rows->column[settings->weight].data;
    const Belief *beliefs = rows->values;
    const Node *nodes = rows->state;
    Link *links = rows->edge_state;
    Sum *sum = sums;

    for (size_t r = 0; r < rows->count; r++) {
        const GasketVertex v = rows->vertex[r];
        const Belief own = nodes[v].belief;
        Sum total = sum[rows->sum[r]];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            if (rows->neighbour[e] == v) /* the diagonal */
                continue;
            const Belief *theirs = &beliefs[rows->neighbour[e]];
            Link *link = &links[e];
            Belief in = message(weight[e], theirs, &link->out);
            link->out = message(weight[e], &own, &link->in);
            link->in = in;
            total.messages.precision += in.precision;
            total.messages.potential += in.potential;
            total.product += weight[e] * (theirs->potential / theirs->precision);
        }
        sum[rows->sum[r]] = total;
    }
}

/* The residual of the solution of before the step, and the belief after it. */
static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Sum *sum = sums;
    Node *nodes = run->state;
    Belief *value = run->value;
    LinearSquares squares;
    squares.n = 0;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        Node *node = &nodes[v];
        const Sum *s = &sum[run->sum[i]];
        double r = node->row.rhs - node->row.diagonal * node->row.solution - s->product;
        linear_squares_add(context, &squares, r);

        node->belief.precision = node->row.diagonal + s->messages.precision;
        node->belief.potential = node->row.rhs + s->messages.potential;
        node->row.solution = node->belief.potential / node->belief.precision;
        node->variance = 1 / node->belief.precision;
        if (!(node->belief.precision > 0))
            gasket_count(context, NEGATIVE, 0, 1);
        value[v] = node->belief;
    }
    linear_squares_end(context, &squares);
}

static void
begin_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    Node *nodes = run->state;
    Belief *value = run->value;
    (void)context;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        Node *node = &nodes[run->vertex[i]];
        node->belief = (Belief){node->row.diagonal, node->row.rhs};
        node->row.solution = node->row.rhs / node->row.diagonal;
        node->variance = 1 / node->row.diagonal;
        value[run->vertex[i]] = node->belief;
    }
}

/* The residual of the solution as it stands. */
static void
measure_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const Settings *settings = context->parameters;
    const double *weight = rows->column[settings->weight].data;
    const Belief *beliefs = rows->values;
    Sum *sum = sums;

    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            const Belief *theirs = &beliefs[rows->neighbour[e]];
            sum[rows->sum[r]].product += weight[e] * (theirs->potential / theirs->precision);
        }
}

static void
measure_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Sum *sum = sums;
    const Node *nodes = run->state;
    LinearSquares squares;
    squares.n = 0;

    for (size_t i = 0; i < run->count; i++) {
        double r = nodes[run->vertex[i]].row.rhs - sum[run->sum[i]].product;
        linear_squares_add(context, &squares, r);
    }
    linear_squares_end(context, &squares);
}

/* ---- walk-summability, asked where it diverges ----------------------------------------------- */

/* A step of the power method for 1 + W, W = |1 - D^-1 A|, which has the eigenvalues of
 * |1 - D^-1/2 A D^-1/2|; the value's potential is the vector y > 0. W's spectral radius lies
 * between the least and the largest ratio of (W y)(v) and y(v) (Collatz, Wielandt). */
static void
walk_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const Settings *settings = context->parameters;
    const double *weight = rows->column[settings->weight].data;
    const Belief *beliefs = rows->values;
    Sum *sum = sums;

    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            if (rows->neighbour[e] != rows->vertex[r])
                sum[rows->sum[r]].product +=
                    fabs(weight[e]) * beliefs[rows->neighbour[e]].potential;
}

static void
walk_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Sum *sum = sums;
    Node *nodes = run->state;
    Belief *value = run->value;
    const Settings *settings = context->parameters;

    for (size_t i = 0; i < run->count; i++) {
        Node *node = &nodes[run->vertex[i]];
        double y = node->belief.potential;
        double next = sum[run->sum[i]].product / node->row.diagonal;
        gasket_extreme(context, LOWEST, 0, next / y);
        gasket_extreme(context, HIGHEST, 0, next / y);
        node->belief.potential = (y + next) / (1 + settings->growth); /* at most as large */
        value[run->vertex[i]] = node->belief;
    }
}

static void
walk_begin_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    Node *nodes = run->state;
    Belief *value = run->value;
    (void)context;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        nodes[run->vertex[i]].belief = (Belief){1, 1};
        value[run->vertex[i]] = (Belief){1, 1};
    }
}

#define WALK_STEPS 200

/* Says that it diverges and why. Beliefs are lost. Always false. */
static bool
explain(LinearSystem *system, Settings *settings, double residual, GError **error)
{
    const GasketProgram begin = {.name = "begin", .apply = walk_begin_apply};
    const GasketProgram walk = {
        .name = "walk",
        .rows = out_rows,
        .n_rows = 1,
        .sum_size = sizeof(Sum),
        .gather = walk_gather,
        .apply = walk_apply,
        .aggregates = 1 << LOWEST | 1 << HIGHEST,
        .parameters = settings,
    };
    const bool negative = gasket_run_total_count(system->run, NEGATIVE, 0) > 0;
    if (!gasket_run_step(system->run, &begin, error))
        return false;
    double low = 0, high = settings->growth = system->dominance;
    for (unsigned i = 0; i < WALK_STEPS && low < 1 && high > 1; i++) {
        if (!gasket_run_step(system->run, &walk, error))
            return false;
        low = gasket_run_total(system->run, LOWEST, 0);
        high = settings->growth = gasket_run_total(system->run, HIGHEST, 0);
    }
    g_autofree char *hint =
        g_strdup_printf("%sthe spectral radius of |1 - D^-1/2 A D^-1/2| is %.4g to %.4g, expected "
                        "less than 1 (a walk-summable matrix); try jacobi --engine chromatic",
                        negative ? "a precision is no longer positive; " : "", low, high);
    linear_system_refuse(system, residual, hint, error);
    return false;
}

/* ---- the driver ------------------------------------------------------------------------------ */

static GasketProgram
program_of(const char *name, GasketGather gather_rows, GasketApply apply_sums,
           const Settings *settings)
{
    return (GasketProgram){
        .name = name,
        .rows = out_rows,
        .n_rows = 1,
        .whole_rows = true,
        .sum_size = sizeof(Sum),
        .gather = gather_rows,
        .apply = apply_sums,
        .aggregates = 1 << LINEAR_RESIDUAL | 1 << NEGATIVE,
        .parameters = settings,
    };
}

static bool
declare(GasketRun *run, GError **error)
{
    GasketAggregate all[N_AGGREGATES] = {
        [NEGATIVE] = {"negative", GASKET_COUNT, 1},
        [LOWEST] = {"lowest", GASKET_MIN, 1},
        [HIGHEST] = {"highest", GASKET_MAX, 1},
    };
    for (unsigned i = 0; i < LINEAR_AGGREGATES; i++)
        all[i] = linear_aggregates[i];
    return gasket_run_set_aggregates(run, all, N_AGGREGATES, error) &&
           gasket_run_set_value(run, 0, sizeof(Belief), error) &&
           gasket_run_set_edge_state(run, out_rows[0], sizeof(Link), error);
}

static bool
check(LinearSystem *system, double residual, void *settings, GError **error)
{
    return (!linear_system_diverges(system, residual) &&
            gasket_run_total_count(system->run, NEGATIVE, 0) == 0) ||
           explain(system, settings, residual, error);
}

static bool
gabp_run(GasketRun *run, const void *parameters, GError **error)
{
    (void)parameters;
    LinearSystem system;
    if (!declare(run, error) || !linear_system_start(&system, run, sizeof(Node), true, error))
        return false;

    Settings settings = {.weight = system.weight};
    const GasketProgram begin = {.name = "begin", .apply = begin_apply};
    const GasketProgram step = program_of("gabp", gather, apply, &settings);
    GasketProgram measure = program_of("measure", measure_gather, measure_apply, &settings);
    measure.changes = GASKET_CHANGES_NONE;

    return gasket_run_step(run, &begin, error) &&
           linear_system_solve(&system, &step, &measure, check, &settings, error);
}

static bool
gabp_verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    (void)parameters;
    return linear_system_verify(run, sizeof(Node), ret_message, error);
}

const GasketAlgorithm gasket_gabp = {
    .abi = GASKET_ABI,
    .name = "gabp",
    .summary = "solves a sparse symmetric system A x = b by Gaussian belief propagation",
    .description =
        "The weight of the edge i - j is the matrix's entry A(i, j); --rhs names a file with b. "
        "Stops when |b - A x| is at most --tolerance times |b|. Exact on forests; converges where "
        "the matrix is walk-summable, as diagonally dominant ones are. The variances are those of "
        "the Gaussian with precision A, the diagonal of its inverse: exact on forests, elsewhere "
        "estimates from below. A run that diverges is stopped.\n"
        "\n"
        "  gasket gabp matrix.mtx --rhs b.txt -o x.tsv\n",
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS({.in_rows = true, .out_rows = true, .weights = true, .require_weights = true}),
    GASKET_RESULTS({.name = "x", .type = GASKET_DOUBLE, .offset = offsetof(Node, row.solution)},
                   {.name = "variance", .type = GASKET_DOUBLE, .offset = offsetof(Node, variance)}),
    .default_iterations = 10000,
    .default_tolerance = 1e-8,
    .run = gabp_run,
    .resumable = true,
    .verify = gabp_verify,
};
