/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sum-product belief propagation on a factor graph (Kschischang, Frey, Loeliger 2001). Messages
 * are edge values: as many doubles as the variable has states.
 *
 * Kinds variable (column cardinality, int32) and factor (column table, double, varying). Relation
 * scope: variable -> factor, column stride (int32): how far apart in the table the variable's
 * states are.
 */
#include "programs.h"

#include <string.h>

#define D sizeof(double)

/* Bytes of every message to and from variable v. */
static size_t
message_size(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)state;
    return (size_t)((const int32_t *)context->column[0].data)[v] * D;
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

/* The product of the messages in row r but that at entry `except`; nothing is known at first. */
static void
multiply(const GasketContext *context, const GasketRows *rows, size_t r, uint64_t except, double *x,
         size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = 1;
    for (uint64_t e = rows->begin[r]; context->step > 0 && e < rows->end[r]; e++)
        for (size_t i = 0; e != except && i < n; i++)
            x[i] *= ((const double *)gasket_incoming(rows, e, NULL))[i];
    normalise(x, n);
}

static void
variable_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    double(*belief)[BP_STATES] = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        multiply(context, run->rows, i, UINT64_MAX, belief[run->vertex[i]],
                 message_size(context, run->vertex[i], NULL) / D);
}

static void
variable_scatter(const GasketContext *context, const GasketRows *rows)
{
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            size_t size;
            double *out = gasket_outgoing(rows, e, &size);
            multiply(context, rows, r, e, out, size / D);
        }
}

/* The table, weighed with the messages of all other variables, summed for each state. */
static void
factor_scatter(const GasketContext *context, const GasketRows *rows)
{
    const GasketColumn *table = &context->column[0];
    const int32_t *stride = rows->column[0].data;
    for (size_t r = 0; r < rows->count; r++) {
        const double *value = (const double *)table->data + table->begin[rows->vertex[r]];
        size_t n = table->begin[rows->vertex[r] + 1] - table->begin[rows->vertex[r]], size;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            double *out = gasket_outgoing(rows, e, &size);
            memset(out, 0, size);
            for (size_t i = 0; i < n; i++) {
                double product = value[i];
                for (uint64_t f = rows->begin[r]; f < rows->end[r]; f++) {
                    const double *in = gasket_incoming(rows, f, &size);
                    product *= f == e ? 1 : in[i / (size_t)stride[f] % (size / D)];
                }
                (void)gasket_outgoing(rows, e, &size);
                out[i / (size_t)stride[e] % (size / D)] += product;
            }
            normalise(out, size / D);
        }
    }
}

static const GasketRowSet variable_rows[] = {{0, GASKET_OUT}}, factor_rows[] = {{0, GASKET_IN}};
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
    static const GasketProgram *const sides[] = {&variables, &factors};
    (void)parameters;
    return gasket_run_set_state(run, 0, BP_STATES * D, error) &&
           gasket_run_set_edge_value_varying(run, variable_rows[0], /* by_owner= */ true,
                                             message_size, NULL, error) &&
           gasket_run_set_edge_value_varying(run, factor_rows[0], /* by_owner= */ false,
                                             message_size, NULL, error) &&
           gasket_run_iterate(run, sides, 2, error);
}

static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true}};
static const GasketResultColumn results[] = {
    {.name = "belief", .kind = 0, .type = GASKET_DOUBLE, .length = BP_STATES}};
const GasketAlgorithm program_bp = {
    .abi = GASKET_ABI,
    .name = "bp",
    .needs = needs,
    .n_needs = 1,
    .results = results,
    .n_results = 1,
    .default_iterations = 20,
    .resumable = true,
    .run = run_bp,
};
