/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Belief propagation where every variable is binary, in the linear domain: pairwise factors and
 * variables of few factors without any loop over states. The rest, and whatever comes near
 * underflow or 0, goes to the general update: both do the same arithmetic up to rounding.
 *
 * Cost: a division for each message, and a message of 16 bytes written to its reader's place.
 */
#include "bp.h"

#define MAX_DEGREE 8 /* factors of a variable that is updated here */

static const double least_part = 1 / FACTOR_RANGE;

/* Messages to all factors of a variable; false if one has a part that needs care. */
static inline bool
update_variable(const GasketRows *rows, size_t r, double p0, double p1)
{
    const uint64_t begin = rows->begin[r];
    const unsigned n = (unsigned)(rows->end[r] - begin);
    const double *in = (const double *)rows->incoming + 2 * begin;
    const uint32_t *slot = rows->slot + begin;
    double *outgoing = rows->outgoing;
    double before[MAX_DEGREE][2];
    bool careful = false;

    for (unsigned i = 0; i < n; i++) {
        before[i][0] = p0;
        before[i][1] = p1;
        p0 *= in[2 * i];
        p1 *= in[2 * i + 1];
    }
    p0 = p1 = 1;
    for (unsigned i = n; i-- > 0;) {
        double *out = outgoing + 2 * (size_t)slot[i];
        double x0 = before[i][0] * p0, x1 = before[i][1] * p1;
        double inverse = 1 / (x0 + x1);
        careful |= (x0 < FACTOR_TINY) | (x1 < FACTOR_TINY);
        out[0] = x0 * inverse;
        out[1] = x1 * inverse;
        p0 *= in[2 * i];
        p1 *= in[2 * i + 1];
    }
    return !careful;
}

void
bp_fast_variables(const GasketContext *context, const GasketRows *rows)
{
    const BpSettings *settings = context->parameters;
    const FactorModel *model = settings->model;
    BpSeen seen = {0};

    for (size_t r = 0; r < rows->count; r++) {
        const GasketVertex v = rows->vertex[r];
        const double *prior = model->prior + 2 * (size_t)v;
        if (rows->end[r] - rows->begin[r] > MAX_DEGREE || model->evidence[v] >= 0 ||
            !update_variable(rows, r, prior[0], prior[1]))
            bp_update_variable(context, rows, r, &seen);
    }
    bp_tell(context, &seen);
}

/* Both messages of a pairwise factor; false, with nothing written, if one needs care. */
static inline bool
update_pair(const GasketRows *rows, size_t r, const double *table, double damping, double *residual)
{
    const uint64_t first = rows->begin[r];
    const int32_t *position = (const int32_t *)rows->column[GASKET_SCOPE_POSITION].data + first;
    const double *in = (const double *)rows->incoming + 2 * first;
    const uint32_t *slot = rows->slot + first;
    const unsigned a = position[0] == 0 ? 0 : 1, b = 1 - a;
    const double *in_a = in + 2 * a, *in_b = in + 2 * b;
    double *out_a = (double *)rows->outgoing + 2 * (size_t)slot[a];
    double *out_b = (double *)rows->outgoing + 2 * (size_t)slot[b];

    double a0 = table[0] * in_b[0] + table[1] * in_b[1];
    double a1 = table[2] * in_b[0] + table[3] * in_b[1];
    double b0 = table[0] * in_a[0] + table[2] * in_a[1];
    double b1 = table[1] * in_a[0] + table[3] * in_a[1];
    double norm_a = 1 / (a0 + a1), norm_b = 1 / (b0 + b1);
    a0 *= norm_a;
    a1 *= norm_a;
    b0 *= norm_b;
    b1 *= norm_b;
    /* Of a NaN (0 / 0) no comparison holds. */
    if (!(a0 >= least_part && a1 >= least_part && b0 >= least_part && b1 >= least_part))
        return false;
    double change_a = fabs(a0 - out_a[0]), change_b = fabs(b0 - out_b[0]);
    double change = change_a > change_b ? change_a : change_b;
    *residual = change > *residual ? change : *residual;
    out_a[0] = a0 + damping * (out_a[0] - a0);
    out_a[1] = a1 + damping * (out_a[1] - a1);
    out_b[0] = b0 + damping * (out_b[0] - b0);
    out_b[1] = b1 + damping * (out_b[1] - b1);
    return true;
}

void
bp_fast_factors(const GasketContext *context, const GasketRows *rows)
{
    const BpSettings *settings = context->parameters;
    const FactorModel *model = settings->model;
    BpSeen seen = {0};

    for (size_t r = 0; r < rows->count; r++) {
        const GasketVertex f = rows->vertex[r];
        if (rows->end[r] - rows->begin[r] == 2 && factor_model_size(model, f) == 4 &&
            update_pair(rows, r, factor_model_table(model, f), settings->damping, &seen.residual))
            seen.updates += 2;
        else
            bp_update_factor(context, rows, r, &seen);
    }
    bp_tell(context, &seen);
}
