/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact triangle counting: every vertex publishes its neighbours with higher numbers, and a
 * triangle u < v < w is found once, at u, as a w that both u and v publish.
 *
 * One kind, one symmetric relation without self-loops and parallel edges.
 */
#include "programs.h"

static const GasketAggregate aggregates[] = {{"triangles", GASKET_COUNT}};

typedef struct {          /* the value */
    uint32_t n, number[]; /* ascending */
} Higher;

static size_t
higher_size(const GasketContext *context, GasketVertex v, const void *state)
{
    return (1 + (size_t)context->in_degree[v]) * sizeof(uint32_t); /* as many as there can be */
}

static void
list_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        Higher *higher = (void *)((char *)run->value + run->value_begin[v]);
        higher->n = 0;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            if (context->number[rows->neighbour[e]] > context->number[v])
                higher->number[higher->n++] = context->number[rows->neighbour[e]];
    }
}

static uint32_t
count_common(const Higher *a, const Higher *b)
{
    uint32_t common = 0;
    for (uint32_t i = 0, j = 0; i < a->n && j < b->n;) {
        uint32_t x = a->number[i], y = b->number[j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    }
    return common;
}

/* The state: triangles of which the vertex is the lowest. */
static void
count_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    uint32_t *triangles = run->state;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            if (context->number[rows->neighbour[e]] > context->number[v])
                triangles[v] += count_common(gasket_value_of(rows, v, NULL),
                                             gasket_value_of(rows, rows->neighbour[e], NULL));
        gasket_count(context, 0, 0, triangles[v]);
    }
}

static const GasketProgram list = {"list", 0, GASKET_ROWS({0, GASKET_IN}), .apply = list_apply};
static const GasketProgram count = {"count",
                                    0,
                                    GASKET_ROWS({0, GASKET_IN}),
                                    .apply = count_apply,
                                    .changes = GASKET_CHANGES_NONE,
                                    .aggregates = 1};

static bool
run_triangles(GasketRun *run, const void *parameters, GError **error)
{
    if (!gasket_run_set_aggregates(run, aggregates, 1, error) ||
        !gasket_run_set_state(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_set_value_varying(run, 0, higher_size, NULL, error) ||
        !gasket_run_step(run, &list, error) || !gasket_run_step(run, &count, error))
        return false;
    gasket_run_set_metric(run, "triangles", (double)gasket_run_total_count(run, 0, 0));
    return true;
}

const GasketAlgorithm program_triangles = {
    .abi = GASKET_ABI,
    .name = "triangles",
    GASKET_NEEDS({.in_rows = true, .degrees = true}),
    GASKET_RESULTS({.name = "triangles", .type = GASKET_UINT32}),
    .run = run_triangles,
};
