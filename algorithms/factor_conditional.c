/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing states given the others: see factor_conditional.h.
 *
 * Cost: a sweep reads, for each end of each scope, as many entries of the table as the variable has
 * states, and writes as many doubles.
 */
#include "factor_conditional.h"

#include "factor_message.h"

static const GasketRowSet variable_rows[] = {{.relation = 0, .direction = GASKET_OUT}};
static const GasketRowSet factor_rows[] = {{.relation = 0, .direction = GASKET_IN}};

static void
slice_scatter(const GasketContext *context, const GasketRows *rows)
{
    const FactorConditional *settings = context->parameters;
    const FactorModel *model = settings->model;
    const int32_t *stride = rows->column[GASKET_SCOPE_STRIDE].data;
    const FactorValue *value = rows->values;

    for (size_t r = 0; r < rows->count; r++) {
        const double *slice = factor_model_table(model, rows->vertex[r]);
        uint64_t wanted = rows->end[r];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            const FactorValue *other = &value[rows->neighbour[e]];
            if (other->group == settings->group)
                wanted = e;
            else
                slice += (int64_t)stride[e] * other->state;
        }
        if (wanted == rows->end[r])
            continue;
        size_t n = model->uniform * sizeof(double);
        double *out = model->uniform > 0 ? factor_out(rows, wanted, model->uniform)
                                         : gasket_outgoing(rows, wanted, &n);
        n /= sizeof(double);
        for (size_t x = 0; x < n; x++)
            out[x] = MAX(slice[x * (size_t)stride[wanted]], FACTOR_FORBIDDEN);
    }
}

/* p = exp(b (p - largest)), summing to 1. */
static void
to_distribution(double *p, size_t n, double b)
{
    double largest = factor_maximum(p, n);
    for (size_t x = 0; x < n; x++)
        p[x] = exp(b * (p[x] - largest));
    (void)factor_rescale(FACTOR_LINEAR, p, n);
}

static int32_t
choose(const GasketContext *context, const FactorConditional *settings, GasketVertex v, double *p,
       size_t n)
{
    const double b = settings->inverse_temperature;

    if (settings->model->evidence[v] >= 0) {
        size_t observed = (size_t)settings->model->evidence[v];
        factor_fill(p, n, 0);
        p[observed] = 1;
        return (int32_t)observed;
    }
    if (b == INFINITY)
        return (int32_t)factor_argmax(p, n);
    to_distribution(p, n, b);
    GasketRandom random =
        gasket_random_at(context->seed, settings->stream, context->number[v], context->step);
    return (int32_t)gasket_random_choice(&random, p, (uint32_t)n);
}

static void
choose_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const FactorConditional *settings = context->parameters;
    const FactorModel *model = settings->model;
    const FactorValue *published = run->published;
    const GasketRows *rows = run->rows;
    FactorValue *value = run->value;
    int32_t *state = run->state;
    double *p = context->scratch;
    int64_t changed = 0;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        size_t n = (size_t)model->cardinality[v], length;
        const double *prior = model->prior + model->prior_begin[v];
        for (size_t x = 0; x < n; x++)
            p[x] = MAX(prior[x], FACTOR_FORBIDDEN);
        for (uint64_t e = rows->begin[i]; !settings->start && e < rows->end[i]; e++)
            factor_multiply(FACTOR_LOG, p, factor_in(rows, e, model->uniform, &length), n);
        int32_t chosen = choose(context, settings, v, p, n);
        changed += chosen != published[v].state;
        state[v] = chosen;
        value[v].group = published[v].group;
        value[v].state = chosen;
        if (settings->watch != NULL)
            settings->watch(settings, v, p, n);
    }
    gasket_count(context, settings->changed, 0, changed);
}

GasketProgram
factor_slice_program(const FactorConditional *settings)
{
    return (GasketProgram){.name = "slices",
                           .kind = GASKET_KIND_FACTOR,
                           .rows = factor_rows,
                           .n_rows = 1,
                           .whole_rows = true,
                           .scatter = slice_scatter,
                           .changes = GASKET_CHANGES_NONE,
                           .parameters = settings};
}

GasketProgram
factor_choose_program(const FactorConditional *settings)
{
    return (GasketProgram){.name = "choices",
                           .kind = GASKET_KIND_VARIABLE,
                           .rows = variable_rows,
                           .n_rows = 1,
                           .whole_rows = true,
                           .apply = choose_apply,
                           .scratch_size = settings->model->max_cardinality * sizeof(double),
                           .aggregates = UINT64_C(1) << settings->changed,
                           .parameters = settings};
}

bool
factor_conditional_sweep(FactorOrder *order, FactorConditional *settings, int64_t *ret_changed,
                         GError **error)
{
    *ret_changed = 0;
    for (uint32_t g = 0; g < order->n_groups; g++) {
        settings->group = g;
        const GasketProgram slices = factor_slice_program(settings);
        const GasketProgram choices = factor_choose_program(settings);
        if (!factor_order_turn(order, g, &slices, &choices, error))
            return false;
        *ret_changed += gasket_run_total_count(order->run, settings->changed, 0);
    }
    return true;
}

bool
factor_conditional_start(FactorOrder *order, FactorConditional *settings, GError **error)
{
    settings->start = true;
    const GasketProgram choices = factor_choose_program(settings);
    bool ok = gasket_run_step(order->run, &choices, error);
    settings->start = false;
    return ok;
}
