/* SPDX-License-Identifier: Apache-2.0 */
/* The score of an assignment: see factor_score.h. */
#include "factor_score.h"

#include <math.h>

#include "factor_order.h"

typedef struct {
    const FactorModel *model;
    unsigned aggregate;
} Score;

static const GasketRowSet factor_rows[] = {{.relation = 0, .direction = GASKET_IN}};

static void
variable_score(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Score *score = context->parameters;
    const FactorModel *model = score->model;
    const double *prior = context->column[GASKET_VARIABLE_PRIOR].data;
    const FactorValue *value = run->published;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        int32_t state = value[v].state;
        double part = log(prior[model->prior_begin[v] + (uint64_t)state]) + model->scale[v];
        if (isfinite(part) && (model->evidence[v] < 0 || model->evidence[v] == state))
            gasket_add(context, score->aggregate, 0, part);
        else
            gasket_count(context, score->aggregate + 1, 0, 1);
    }
}

static void
table_score(const GasketContext *context, const GasketRows *rows)
{
    const Score *score = context->parameters;
    const GasketColumn *table = &context->column[GASKET_FACTOR_TABLE];
    const int32_t *stride = rows->column[GASKET_SCOPE_STRIDE].data;
    const FactorValue *value = rows->values;

    for (size_t r = 0; r < rows->count; r++) {
        uint64_t at = table->begin[rows->vertex[r]];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            at += (uint64_t)stride[e] * (uint64_t)value[rows->neighbour[e]].state;
        double part = log(((const double *)table->data)[at]);
        if (isfinite(part))
            gasket_add(context, score->aggregate, 0, part);
        else
            gasket_count(context, score->aggregate + 1, 0, 1);
    }
}

bool
factor_score(const FactorModel *model, unsigned aggregate, double *ret_score, GError **error)
{
    GasketRun *run = model->run;
    const Score score = {model, aggregate};
    GasketProgram variables = {.name = "score of variables",
                               .kind = GASKET_KIND_VARIABLE,
                               .apply = variable_score,
                               .changes = GASKET_CHANGES_NONE,
                               .aggregates = UINT64_C(3) << aggregate,
                               .parameters = &score};
    GasketProgram factors = {.name = "score of factors",
                             .kind = GASKET_KIND_FACTOR,
                             .rows = factor_rows,
                             .n_rows = 1,
                             .whole_rows = true,
                             .scatter = table_score,
                             .changes = GASKET_CHANGES_NONE,
                             .aggregates = UINT64_C(3) << aggregate,
                             .parameters = &score};

    if (!gasket_run_step(run, &variables, error))
        return false;
    double sum = gasket_run_total(run, aggregate, 0);
    int64_t forbidden = gasket_run_total_count(run, aggregate + 1, 0);
    if (!gasket_run_step(run, &factors, error))
        return false;
    sum += gasket_run_total(run, aggregate, 0);
    forbidden += gasket_run_total_count(run, aggregate + 1, 0);
    *ret_score = forbidden > 0 ? -INFINITY : sum;
    return true;
}
