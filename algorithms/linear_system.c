/* SPDX-License-Identifier: Apache-2.0 */
/* Systems of equations: checks, residuals, verification. See linear_system.h. */
#include "linear_system.h"

#include <math.h>

/* Residuals that have grown so much do not come back. */
#define DIVERGED 1e6

const GasketAggregate linear_aggregates[LINEAR_AGGREGATES] = {
    [LINEAR_RESIDUAL] = {"residual", GASKET_SUM, 1},
    [LINEAR_RHS] = {"rhs", GASKET_SUM, 1},
    [LINEAR_FAULTS] = {"faults", GASKET_COUNT, LINEAR_N_FAULTS},
    [LINEAR_FIRST] = {"first", GASKET_MIN, LINEAR_N_FAULTS},
    [LINEAR_DOMINANCE] = {"dominance", GASKET_MAX, 1},
};

static const GasketRowSet both_rows[] = {{.relation = 0, .direction = GASKET_OUT},
                                         {.relation = 0, .direction = GASKET_IN}};

/* ---- the start ------------------------------------------------------------------------------- */

static void
blame(const GasketContext *context, LinearFault fault, GasketVertex v)
{
    gasket_count(context, LINEAR_FAULTS, fault, 1);
    gasket_extreme(context, LINEAR_FIRST, fault, context->ordinal[v]);
}

/* Whether row r of A is that of its transpose; both are ascending by (neighbour, weight). */
static bool
is_symmetric(const GasketRows *row, const GasketRows *transposed, size_t r, unsigned column)
{
    const double *a = row->column[column].data, *b = transposed->column[column].data;
    uint64_t e = row->begin[r], f = transposed->begin[r];
    if (row->end[r] - e != transposed->end[r] - f)
        return false;
    for (; e < row->end[r]; e++, f++)
        if (row->neighbour[e] != transposed->neighbour[f] || a[e] != b[f])
            return false;
    return true;
}

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const LinearSystem *system = context->parameters;
    const GasketRows *rows = &run->rows[0];
    const double *weight = rows->column[system->weight].data;
    const double *rhs = system->rhs >= 0 ? context->column[system->rhs].data : NULL;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        LinearRow *row = (LinearRow *)((char *)run->state + v * system->state_size);
        double diagonal = 0, others = 0;
        bool twice = false;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            if (rows->neighbour[e] == v)
                diagonal += weight[e];
            else
                others += fabs(weight[e]);
            twice = twice || (e > rows->begin[i] && rows->neighbour[e] == rows->neighbour[e - 1]);
        }
        row->diagonal = diagonal;
        row->rhs = rhs != NULL ? rhs[v] : 1;
        if (diagonal == 0)
            blame(context, LINEAR_NO_DIAGONAL, v);
        else if (!isfinite(diagonal) || !isfinite(others) || !isfinite(row->rhs))
            blame(context, LINEAR_NOT_FINITE, v);
        else
            gasket_extreme(context, LINEAR_DOMINANCE, 0, others / fabs(diagonal));
        if (system->symmetric && twice)
            blame(context, LINEAR_TWICE, v);
        else if (system->symmetric && !is_symmetric(rows, &run->rows[1], i, system->weight))
            blame(context, LINEAR_UNLIKE, v);
        if (system->symmetric && diagonal < 0)
            blame(context, LINEAR_NEGATIVE, v);
        gasket_add(context, LINEAR_RHS, 0, row->rhs * row->rhs);
    }
}

/* The first fault of the matrix as an error. */
static bool
check(const LinearSystem *system, GError **error)
{
    static const char *const found[LINEAR_N_FAULTS] = {
        [LINEAR_NO_DIAGONAL] = "no diagonal entry, expected one other than 0 in each row",
        [LINEAR_NOT_FINITE] = "a number that is not finite",
        [LINEAR_TWICE] = "an entry that stands twice, expected each once, or --multi-edges sum",
        [LINEAR_UNLIKE] = ("an entry whose mirror image differs, expected a symmetric matrix; "
                           "jacobi takes others"),
        [LINEAR_NEGATIVE] = "a negative diagonal entry, expected a positive one in each row",
    };
    for (unsigned f = 0; f < LINEAR_N_FAULTS; f++) {
        int64_t n = gasket_run_total_count(system->run, LINEAR_FAULTS, f);
        if (n == 0)
            continue;
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "the matrix: found in row %.0f (by ascending id, from 1) %s; %" G_GINT64_FORMAT
                    " of %u rows are like that",
                    gasket_run_total(system->run, LINEAR_FIRST, f) + 1, found[f], n,
                    gasket_run_n_vertices(system->run, 0));
        return false;
    }
    return true;
}

bool
linear_system_start(LinearSystem *system, GasketRun *run, size_t state_size, bool symmetric,
                    GError **error)
{
    *system = (LinearSystem){
        .run = run,
        .weight = gasket_run_edge_column(run, 0, "weight"),
        .rhs = gasket_run_vertex_column(run, 0, "rhs"),
        .state_size = state_size,
        .symmetric = symmetric,
        .first = NAN,
    };
    if (system->weight < 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "the matrix: found edges without weights, expected its entries");
        return false;
    }
    const GasketProgram start = {
        .name = "start",
        .rows = both_rows,
        .n_rows = symmetric ? 2 : 1,
        .whole_rows = true,
        .apply = start_apply,
        .changes = GASKET_CHANGES_NONE,
        .aggregates =
            1 << LINEAR_RHS | 1 << LINEAR_FAULTS | 1 << LINEAR_FIRST | 1 << LINEAR_DOMINANCE,
        .parameters = system,
    };
    if (!gasket_run_set_state(run, 0, state_size, error) || !gasket_run_step(run, &start, error) ||
        !check(system, error))
        return false;
    system->rhs_norm = sqrt(gasket_run_total(run, LINEAR_RHS, 0));
    system->dominance = fmax(0, gasket_run_total(run, LINEAR_DOMINANCE, 0));
    gasket_run_set_metric(run, "dominance", system->dominance);
    return true;
}

/* ---- residuals ------------------------------------------------------------------------------- */

/* |r| / |b|; where b is 0 so is the solution, and r is measured by itself. */
static double
relative(double squares, double rhs_norm)
{
    return sqrt(squares) / (rhs_norm > 0 ? rhs_norm : 1);
}

bool
linear_system_diverges(const LinearSystem *system, double r)
{
    return !(r <= DIVERGED * fmax(1, system->first));
}

void
linear_system_refuse(const LinearSystem *system, double r, const char *hint, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                "diverges: the residual is %.3g times the right-hand side, and was %.3g at first; "
                "off the diagonal a row of the matrix has up to %.3g times as much as on it; %s",
                r, system->first, system->dominance, hint);
}

/* A step, and the residual that it adds up. */
static bool
take(LinearSystem *system, const GasketProgram *program, double *ret_residual, GError **error)
{
    if (!gasket_run_step(system->run, program, error))
        return false;
    *ret_residual = relative(gasket_run_total(system->run, LINEAR_RESIDUAL, 0), system->rhs_norm);
    if (isnan(system->first))
        system->first = *ret_residual;
    return true;
}

bool
linear_system_solve(LinearSystem *system, const GasketProgram *step, const GasketProgram *measure,
                    LinearCheck check_step, void *data, GError **error)
{
    GasketRun *run = system->run;
    const double tolerance = gasket_run_tolerance(run);
    double residual = 0;
    bool measured = false;

    gasket_run_keep(run, &system->first, sizeof system->first);
    while (gasket_run_continues(run)) {
        if (!take(system, step, &residual, error) || !check_step(system, residual, data, error))
            return false;
        measured = residual <= tolerance;
        if (measured && !take(system, measure, &residual, error))
            return false;
        gasket_run_end_iteration(run, residual, residual <= tolerance);
    }
    if (!measured && !take(system, measure, &residual, error))
        return false;
    gasket_run_set_metric(run, "residual", residual);
    return true;
}

bool
linear_system_verify(GasketRun *run, size_t state_size, char **ret_message, GError **error)
{
    const GasketContext *context = gasket_run_context(run, 0);
    const char *state = gasket_run_state(run, 0);
    const uint32_t n = context->n_vertices;
    const int weight = gasket_run_edge_column(run, 0, "weight");
    const int rhs = gasket_run_vertex_column(run, 0, "rhs");
    const double *b = rhs >= 0 ? context->column[rhs].data : NULL;
    g_autoptr(GasketRows) rows = gasket_run_rows(run, both_rows[0], error);
    g_autofree double *x = g_try_new0(double, (gsize)n + 1);

    if (rows == NULL)
        return false;
    if (x == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory to verify the solution of %u equations", n);
        return false;
    }
    for (GasketVertex v = 0; v < context->n_owned; v++)
        x[context->number[v]] =
            ((const LinearRow *)(const void *)(state + v * state_size))->solution;
    if (!gasket_run_reduce_sum(run, x, n, error)) /* each has one owner, the others add 0 */
        return false;

    const double *a = rows->column[weight].data;
    double found[2] = {0, 0}; /* squares of r and b */
    for (size_t r = 0; r < rows->count; r++) {
        double wanted = b != NULL ? b[rows->vertex[r]] : 1, product = 0;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            product += a[e] * x[rows->neighbour_number[rows->neighbour[e]]];
        found[0] += (wanted - product) * (wanted - product);
        found[1] += wanted * wanted;
    }
    if (!gasket_run_reduce_sum(run, found, 2, error))
        return false;
    double residual = relative(found[0], sqrt(found[1]));
    double reached = relative(gasket_run_total(run, LINEAR_RESIDUAL, 0), sqrt(found[1]));
    double allowed = 1.01 * fmax(reached, gasket_run_tolerance(run)) + 1e-14;
    *ret_message = g_strdup_printf("|b - A x| is %.3g |b| (allowed %.3g)", residual, allowed);
    return residual <= allowed;
}
