/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sum-product belief propagation on a factor graph (Kschischang, Frey, Loeliger 2001). Messages
 * are edge values: as many doubles as the variable has states.
 *
 * Kinds variable (column cardinality, int32) and factor (column table, double, varying: row-major,
 * the variable at position 0 slowest). Relation scope: variable -> factor, column position (int32).
 */
#include "programs.h"

#include <math.h>

#define S BP_STATES

static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true}};
static const GasketResultColumn results[] = {
    {.name = "belief", .kind = 0, .type = GASKET_DOUBLE, .length = S}};
static const GasketRowSet variable_rows[] = {{0, GASKET_OUT}}, factor_rows[] = {{0, GASKET_IN}};

static size_t
message_size(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)state;
    return (size_t)((const int32_t *)context->column[0].data)[v] * sizeof(double);
}

static void
normalise(double *x, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += x[i];
    for (size_t i = 0; i < n; i++)
        x[i] /= total;
}

/* Entry e's incoming message, and how many states it has. */
static const double *
incoming(const GasketRows *rows, uint64_t e, size_t *ret_n)
{
    const double *message = gasket_incoming(rows, e, ret_n);
    *ret_n /= sizeof(double);
    return message;
}

/* ---- variables: the product of all other messages; nothing is known at the start ------------- */

static void
variable_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    double(*belief)[S] = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        size_t n = message_size(context, v, NULL) / sizeof(double);
        for (size_t x = 0; x < n; x++)
            belief[v][x] = 1;
        for (uint64_t e = rows->begin[i]; context->step > 0 && e < rows->end[i]; e++)
            for (size_t x = 0; x < n; x++)
                belief[v][x] *= incoming(rows, e, &n)[x];
        normalise(belief[v], n);
    }
}

static void
variable_scatter(const GasketContext *context, const GasketRows *rows)
{
    for (size_t r = 0; r < rows->count; r++) {
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            size_t n;
            double *out = gasket_outgoing(rows, e, &n);
            n /= sizeof *out;
            for (size_t x = 0; x < n; x++)
                out[x] = 1;
            for (uint64_t f = rows->begin[r]; context->step > 0 && f < rows->end[r]; f++)
                for (size_t x = 0; f != e && x < n; x++)
                    out[x] *= incoming(rows, f, &n)[x];
            normalise(out, n);
        }
    }
}

/* ---- factors: the table, weighed with all other messages, summed for each state -------------- */

static void
factor_scatter(const GasketContext *context, const GasketRows *rows)
{
    const GasketColumn *table = &context->column[0];
    const int32_t *position = rows->column[0].data;

    for (size_t r = 0; r < rows->count; r++) {
        const double *value = (const double *)table->data + table->begin[rows->vertex[r]];
        size_t n_values = table->begin[rows->vertex[r] + 1] - table->begin[rows->vertex[r]];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            size_t n;
            double *out = gasket_outgoing(rows, e, &n);
            n /= sizeof *out;
            for (size_t x = 0; x < n; x++)
                out[x] = 0;
            for (size_t i = 0; i < n_values; i++) {
                double product = value[i];
                size_t own = 0;
                for (uint64_t f = rows->begin[r]; f < rows->end[r]; f++) {
                    size_t stride = 1, states, others;
                    for (uint64_t g = rows->begin[r]; g < rows->end[r]; g++) {
                        (void)incoming(rows, g, &others);
                        stride *= position[g] > position[f] ? others : 1;
                    }
                    const double *in = incoming(rows, f, &states);
                    size_t x = i / stride % states;
                    if (f == e)
                        own = x;
                    else
                        product *= in[x];
                }
                out[own] += product;
            }
            normalise(out, n);
        }
    }
}

static const GasketProgram variables = {.name = "variables",
                                        .kind = 0,
                                        .rows = variable_rows,
                                        .n_rows = 1,
                                        .whole_rows = true,
                                        .apply = variable_apply,
                                        .scatter = variable_scatter,
                                        .changes = GASKET_CHANGES_NONE};
static const GasketProgram factors = {.name = "factors",
                                      .kind = 1,
                                      .rows = factor_rows,
                                      .n_rows = 1,
                                      .whole_rows = true,
                                      .scatter = factor_scatter,
                                      .changes = GASKET_CHANGES_NONE};

static bool
run_bp(GasketRun *run, const void *parameters, GError **error)
{
    (void)parameters;
    if (!gasket_run_set_state(run, 0, S * sizeof(double), error) ||
        !gasket_run_set_edge_value_varying(run, variable_rows[0], /* by_owner= */ true,
                                           message_size, NULL, error) ||
        !gasket_run_set_edge_value_varying(run, factor_rows[0], /* by_owner= */ false, message_size,
                                           NULL, error))
        return false;
    while (gasket_run_continues(run)) {
        if (!gasket_run_step(run, &variables, error) || !gasket_run_step(run, &factors, error))
            return false;
        gasket_run_end_iteration(run, NAN, false);
    }
    return true;
}

static const GasketAlgorithm algorithm = {
    .abi = GASKET_ABI,
    .name = "bp",
    .needs = needs,
    .n_needs = 1,
    .results = results,
    .n_results = 1,
    .default_iterations = 20,
    .run = run_bp,
};

const GasketAlgorithm *
program_bp(void)
{
    return &algorithm;
}
