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

enum { D = sizeof(double) };

/* Bytes of every message to and from variable v. */
static size_t
message_size(const GasketContext *context, GasketVertex v, const void *state)
{
    return (size_t)((const int32_t *)context->column[0].data)[v] * D;
}

/* The product of the messages in row r but that at entry `except`, normalised. At first, when all
 * messages are zero, nothing is known. */
static void
multiply(const GasketRows *rows, size_t r, uint64_t except, double *x, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; total += x[i++]) {
        x[i] = 1;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            x[i] *= e == except ? 1 : ((const double *)gasket_incoming(rows, e, NULL))[i];
    }
    for (size_t i = 0; i < n; i++)
        x[i] = total > 0 ? x[i] / total : 1.0 / (double)n;
}

static void
believe(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    double(*belief)[BP_STATES] = run->state;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        multiply(run->rows, i, UINT64_MAX, belief[v], message_size(context, v, NULL) / D);
    }
}

static void
to_factors(const GasketContext *context, const GasketRows *rows)
{
    size_t size;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            double *out = gasket_outgoing(rows, e, &size);
            multiply(rows, r, e, out, size / D);
        }
}

/* The table, weighed with the messages of all other variables, summed for each state. */
static void
to_variables(const GasketContext *context, const GasketRows *rows)
{
    const uint32_t *stride = rows->column[0].data;
    size_t size_e, size;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            const uint64_t *begin = context->column[0].begin + rows->vertex[r];
            const double *table = (const double *)context->column[0].data + begin[0];
            double *out = gasket_outgoing(rows, e, &size_e);
            memset(out, 0, size_e);
            for (size_t i = 0; i < begin[1] - begin[0]; i++) {
                double product = table[i];
                for (uint64_t f = rows->begin[r]; f < rows->end[r]; f++) {
                    const double *in = gasket_incoming(rows, f, &size);
                    product *= f == e ? 1 : in[i / stride[f] % (size / D)];
                }
                out[i / stride[e] % (size_e / D)] += product;
            }
        }
}

static bool
run_bp(GasketRun *run, const void *parameters, GError **error)
{
    const GasketRowSet out = {0, GASKET_OUT}, in = {0, GASKET_IN};
    const GasketProgram factors = {"factors", 1, &in, 1, .scatter = to_variables};
    GasketProgram variables = {"variables", 0, &out, 1, .apply = believe, .scatter = to_factors};
    return gasket_run_set_state(run, 0, BP_STATES * D, error) &&
           gasket_run_set_edge_value_varying(run, out, true, message_size, NULL, error) &&
           gasket_run_set_edge_value_varying(run, in, false, message_size, NULL, error) &&
           gasket_run_iterate(run, (const GasketProgram *[]){&variables, &factors}, 2, error);
}

const GasketAlgorithm program_bp = {
    .abi = GASKET_ABI,
    .name = "bp",
    GASKET_NEEDS({.in_rows = true, .out_rows = true}),
    GASKET_RESULTS({"belief", 0, GASKET_DOUBLE, 0, BP_STATES}),
    .default_iterations = 20,
    .resumable = true,
    .run = run_bp,
};
