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
#define AHEAD      6 /* rows between a message and the prefetch of its place */

static const double least_part = 1 / FACTOR_RANGE;

/* Brings the places of outgoing messages near: they lie in their readers' order. */
static inline void
prefetch_slots(const GasketRows *rows, uint64_t begin, uint64_t end)
{
    for (uint64_t e = begin; e < MIN(end, begin + MAX_DEGREE); e++)
        __builtin_prefetch((const double *)rows->outgoing + 2 * (size_t)rows->slot[e], 1);
}

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
        if (r + AHEAD < rows->count)
            prefetch_slots(rows, rows->begin[r + AHEAD], rows->end[r + AHEAD]);
        if (rows->end[r] - rows->begin[r] > MAX_DEGREE || model->evidence[v] >= 0 ||
            !update_variable(rows, r, prior[0], prior[1]))
            bp_update_variable(context, rows, r, &seen);
    }
    bp_tell(context, &seen);
}

/* What a pairwise factor has at one of its ends. */
typedef struct {
    const double *in;
    double *out;
} End;

/* The message (x0, x1) to an end, normalised, damped and compared; false, with nothing written, if
 * it needs care. */
static inline bool
send(const End *end, double x0, double x1, double damping, double *residual)
{
    double inverse = 1 / (x0 + x1), change;
    x0 *= inverse;
    x1 *= inverse;
    /* Of a NaN (0 / 0) no comparison holds. */
    if (!(x0 >= least_part && x1 >= least_part))
        return false;
    change = fabs(x0 - end->out[0]);
    *residual = change > *residual ? change : *residual;
    if (damping > 0) {
        x0 += damping * (end->out[0] - x0);
        x1 += damping * (end->out[1] - x1);
    }
    end->out[0] = x0;
    end->out[1] = x1;
    return true;
}

/* The entries of a pair by position. */
static inline void
find_ends(const GasketRows *rows, uint64_t first, End end[2])
{
    const int32_t *position = (const int32_t *)rows->column[GASKET_SCOPE_POSITION].data + first;
    const double *in = (const double *)rows->incoming + 2 * first;
    const uint32_t *slot = rows->slot + first;
    const unsigned a = position[0] == 0 ? 0 : 1;

    end[0] = (End){in + 2 * a, (double *)rows->outgoing + 2 * (size_t)slot[a]};
    end[1] = (End){in + 2 * (1 - a), (double *)rows->outgoing + 2 * (size_t)slot[1 - a]};
}

/* Both messages of a pairwise factor. If one needs care the general update sends both anew: the
 * residual has then seen the other, which is the same message. */
static inline bool
update_pair(const GasketRows *rows, size_t r, const double *t, double damping, double *residual)
{
    End end[2];
    find_ends(rows, rows->begin[r], end);
    const double *a = end[0].in, *b = end[1].in;
    return send(&end[0], t[0] * b[0] + t[1] * b[1], t[2] * b[0] + t[3] * b[1], damping, residual) &&
           send(&end[1], t[0] * a[0] + t[2] * a[1], t[1] * a[0] + t[3] * a[1], damping, residual);
}

/* The message to the variable of a group alone. */
static inline bool
update_one(const BpSettings *settings, const GasketRows *rows, size_t r, const double *t,
           double *residual)
{
    const FactorValue *value = rows->values;
    const uint64_t first = rows->begin[r];
    const int32_t *position = rows->column[GASKET_SCOPE_POSITION].data;
    const unsigned wanted = value[rows->neighbour[first]].group == settings->group ? 0 : 1;
    End end[2];
    find_ends(rows, first, end);
    const double *a = end[0].in, *b = end[1].in;
    if (position[first + wanted] == 0)
        return send(&end[0], t[0] * b[0] + t[1] * b[1], t[2] * b[0] + t[3] * b[1],
                    settings->damping, residual);
    return send(&end[1], t[0] * a[0] + t[2] * a[1], t[1] * a[0] + t[3] * a[1], settings->damping,
                residual);
}

void
bp_fast_factors(const GasketContext *context, const GasketRows *rows)
{
    const BpSettings *settings = context->parameters;
    const FactorModel *model = settings->model;
    const bool all = settings->group == FACTOR_ALL_GROUPS;
    const double damping = settings->damping;
    BpSeen seen = {0};

    for (size_t r = 0; r < rows->count; r++) {
        const GasketVertex f = rows->vertex[r];
        const double *table = factor_model_table(model, f);
        if (r + AHEAD < rows->count)
            prefetch_slots(rows, rows->begin[r + AHEAD], rows->end[r + AHEAD]);
        if (rows->end[r] - rows->begin[r] == 2 && factor_model_size(model, f) == 4 &&
            (all ? update_pair(rows, r, table, damping, &seen.residual)
                 : update_one(settings, rows, r, table, &seen.residual)))
            seen.updates += all ? 2 : 1;
        else
            bp_update_factor(context, rows, r, &seen);
    }
    bp_tell(context, &seen);
}
