/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jacobi's method for sparse systems of linear equations A x = b.
 *
 *   r = b - A x,   x(i) <- x(i) + (1 - damping) r(i) / A(i, i)
 *
 * all rows at once; with the chromatic engine colour by colour, where rows of one colour have no
 * entry in common and read what the colours before wrote: Gauss and Seidel's method.
 *
 * Invariants:
 *   1. It converges from anywhere if and only if the spectral radius of 1 - (1 - damping) D^-1 A is
 *      below 1 (D the diagonal): so where every row's diagonal entry outweighs the others together;
 *      undamped Gauss-Seidel also where A is symmetric and positive definite.
 *   2. The residual that ends a run is that of the solution it gives, measured after the last step.
 *
 * Cost: a step reads 12 bytes an entry and a value of 8 each, and publishes 8 bytes a row.
 *
 * Reference: Y. Saad, Iterative Methods for Sparse Linear Systems, 2nd edition, 2003, chapter 4.
 */
#include "algorithms.h"
#include "linear_system.h"

typedef struct {
    double damping;
    const char *rhs;
} Parameters;

static const GasketOption options[] = {
    {"damping", GASKET_OPTION_DOUBLE, offsetof(Parameters, damping), "0",
     "share of each step that is not taken, in [0, 1): for a positive definite matrix there is "
     "always one large enough to converge",
     .minimum = 0, .maximum = 0.999},
    {"rhs", GASKET_OPTION_COLUMN, offsetof(Parameters, rhs),
     .help = "file of lines `row number`: the right-hand side b, 0 in rows that it does not name; "
             "without it b is 1 everywhere"},
    {.name = NULL},
};

static const GasketRowSet out_rows[] = {{.relation = 0, .direction = GASKET_OUT}};

/* ---- the vertex program: the value is x(i) --------------------------------------------------- */

typedef struct {
    int weight;
    double share; /* of a step that is taken */
} Settings;

/* (A x)(i) */
GASKET_WIDE static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const Settings *settings = context->parameters;
    const double *a = rows->column[settings->weight].data;
    const double *x = rows->values;
    double *sum = sums;

    for (size_t r = 0; r < rows->count; r++) {
        double total = sum[rows->sum[r]];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            total += a[e] * x[rows->neighbour[e]];
        sum[rows->sum[r]] = total;
    }
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    const double *product = sums;
    LinearRow *rows = run->state;
    double *x = run->value;
    LinearSquares squares;
    squares.n = 0;

    for (size_t i = 0; i < run->count; i++) {
        LinearRow *row = &rows[run->vertex[i]];
        double r = row->rhs - product[run->sum[i]];
        linear_squares_add(context, &squares, r);
        row->solution += settings->share * r / row->diagonal;
        x[run->vertex[i]] = row->solution;
    }
    linear_squares_end(context, &squares);
}

/* The residual of the solution as it stands. */
static void
measure_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const double *product = sums;
    const LinearRow *rows = run->state;
    LinearSquares squares;
    squares.n = 0;

    for (size_t i = 0; i < run->count; i++) {
        double r = rows[run->vertex[i]].rhs - product[run->sum[i]];
        linear_squares_add(context, &squares, r);
    }
    linear_squares_end(context, &squares);
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
check(LinearSystem *system, double residual, void *data, GError **error)
{
    (void)data;
    if (!linear_system_diverges(system, residual))
        return true;
    linear_system_refuse(system, residual,
                         "expected less than once; try --damping 0.5 or, where the matrix is "
                         "symmetric and positive definite, --engine chromatic",
                         error);
    return false;
}

static bool
jacobi_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    LinearSystem system;
    if (!gasket_run_set_aggregates(run, linear_aggregates, LINEAR_AGGREGATES, error) ||
        !gasket_run_set_value(run, 0, sizeof(double), error) ||
        !linear_system_start(&system, run, sizeof(LinearRow), false, error))
        return false;

    Settings settings = {.weight = system.weight, .share = 1 - given->damping};
    const GasketProgram step = {
        .name = "jacobi",
        .rows = out_rows,
        .n_rows = 1,
        .sum_size = sizeof(double),
        .gather = gather,
        .apply = apply,
        .aggregates = 1 << LINEAR_RESIDUAL,
        .parameters = &settings,
    };
    GasketProgram measure = step;
    measure.name = "measure";
    measure.apply = measure_apply;
    measure.changes = GASKET_CHANGES_NONE;

    return linear_system_solve(&system, &step, &measure, check, NULL, error);
}

static bool
jacobi_verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    (void)parameters;
    return linear_system_verify(run, sizeof(LinearRow), ret_message, error);
}

const GasketAlgorithm gasket_jacobi = {
    .abi = GASKET_ABI,
    .name = "jacobi",
    .summary = "solves a sparse system A x = b by Jacobi's or Gauss and Seidel's method",
    .description =
        "The weight of the edge i -> j is the matrix's entry A(i, j); --rhs names a file with b. "
        "Stops when |b - A x| is at most --tolerance times |b|. Converges where every diagonal "
        "entry is larger than the others of its row together, and elsewhere perhaps; a run that "
        "diverges is stopped. --engine chromatic makes it Gauss-Seidel.\n"
        "\n"
        "  gasket jacobi matrix.mtx --rhs b.txt -o x.tsv\n"
        "  gasket jacobi matrix.mtx --rhs b.txt --engine chromatic\n",
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS({.out_rows = true, .weights = true, .require_weights = true}),
    GASKET_RESULTS({.name = "x", .type = GASKET_DOUBLE, .offset = offsetof(LinearRow, solution)}),
    .default_iterations = 10000,
    .default_tolerance = 1e-8,
    .run = jacobi_run,
    .resumable = true,
    .verify = jacobi_verify,
    .engines = 1 << GASKET_ENGINE_CHROMATIC,
};
