/* SPDX-License-Identifier: Apache-2.0 */
/* PageRank in double. One kind, one relation. */
#include "programs.h"

enum { RESIDUAL, DANGLING };
static const GasketAggregate aggregates[] = {{"residual", GASKET_SUM}, {"dangling", GASKET_SUM}};

static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const double *share = rows->values;
    double *sum = sums;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] += share[rows->neighbour[e]];
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const double n = context->n_vertices, dangling = gasket_total(context, DANGLING, 0);
    const double *sum = sums;
    double *rank = run->state, *share = run->value;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        double last = rank[v];
        rank[v] = context->step == 0 ? 1 / n : 0.15 / n + 0.85 * (sum[run->sum[i]] + dangling / n);
        gasket_add(context, RESIDUAL, 0, fabs(rank[v] - last));
        share[v] = rank[v] / MAX(context->out_degree[v], 1);
        if (context->out_degree[v] == 0)
            gasket_add(context, DANGLING, 0, rank[v]);
    }
}

static const GasketProgram pagerank = {
    .name = "pagerank",
    GASKET_ROWS({0, GASKET_IN}),
    .sum_size = sizeof(double),
    .gather = gather,
    .apply = apply,
    .aggregates = 1 << RESIDUAL | 1 << DANGLING,
};

static bool
run_pagerank(GasketRun *run, const void *parameters, GError **error)
{
    if (!gasket_run_set_aggregates(run, aggregates, 2, error) ||
        !gasket_run_set_state(run, 0, sizeof(double), error) ||
        !gasket_run_set_value(run, 0, sizeof(double), error))
        return false;
    while (gasket_run_continues(run)) {
        if (!gasket_run_step(run, &pagerank, error))
            return false;
        double residual = gasket_run_total(run, RESIDUAL, 0);
        gasket_run_end_iteration(run, residual, residual < 1e-12);
    }
    return true;
}

const GasketAlgorithm program_pagerank = {
    .abi = GASKET_ABI,
    .name = "pagerank",
    GASKET_NEEDS({.in_rows = true, .degrees = true}),
    GASKET_RESULTS({.name = "rank", .type = GASKET_DOUBLE}),
    .default_iterations = 200,
    .resumable = true,
    .run = run_pagerank,
};
