/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact triangle counting: every vertex publishes its neighbours with higher numbers, and a
 * triangle u < v < w is found once, at u, as a w that both u and v publish.
 *
 * One kind, one symmetric relation without self-loops and parallel edges.
 */
#include "programs.h"

enum { TRIANGLES };

static const GasketAggregate aggregates[] = {{"triangles", GASKET_COUNT, 1}};
static const GasketNeeds needs[] = {{.in_rows = true}};

typedef struct {
    uint32_t n_higher;
    uint32_t triangles; /* of which it is the lowest */
} State;

static const GasketResultColumn results[] = {
    {.name = "triangles", .type = GASKET_UINT32, .offset = offsetof(State, triangles)}};

/* The value: how many, then their numbers, ascending. */
typedef struct {
    uint32_t n;
    uint32_t number[];
} Higher;

static size_t
higher_size(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)context;
    return (1 + ((const State *)state)[v].n_higher) * sizeof(uint32_t);
}

static void
measure_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    uint32_t *sum = sums;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] +=
                context->number[rows->neighbour[e]] > context->number[rows->vertex[r]];
}

static void
measure_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    (void)context;
    for (size_t i = 0; i < run->count; i++)
        state[run->vertex[i]].n_higher = ((const uint32_t *)sums)[run->sum[i]];
}

/* Apply writes values but sees no rows: a whole row's place goes through its sum. */
typedef struct {
    const GasketVertex *first, *end;
} Row;

static void
publish_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    Row *row = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        row[rows->sum[r]] = (Row){rows->neighbour + rows->begin[r], rows->neighbour + rows->end[r]};
}

static void
publish_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Row *row = sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        Higher *higher = (void *)((char *)run->value + run->value_begin[v]);
        higher->n = 0;
        for (const GasketVertex *u = row[run->sum[i]].first; u < row[run->sum[i]].end; u++)
            if (context->number[*u] > context->number[v])
                higher->number[higher->n++] = context->number[*u];
    }
}

static const Higher *
higher_of(const GasketRows *rows, GasketVertex v)
{
    return (const void *)((const char *)rows->values + rows->value_begin[v]);
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

static void
count_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    uint32_t *sum = sums;
    for (size_t r = 0; r < rows->count; r++) {
        GasketVertex v = rows->vertex[r];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            if (context->number[rows->neighbour[e]] > context->number[v])
                sum[rows->sum[r]] +=
                    count_common(higher_of(rows, v), higher_of(rows, rows->neighbour[e]));
    }
}

static void
count_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    for (size_t i = 0; i < run->count; i++) {
        state[run->vertex[i]].triangles = ((const uint32_t *)sums)[run->sum[i]];
        gasket_count(context, TRIANGLES, 0, state[run->vertex[i]].triangles);
    }
}

static const GasketRowSet rows_all[] = {{0, GASKET_IN}};
static const GasketProgram measure = {.name = "measure",
                                      .rows = rows_all,
                                      .n_rows = 1,
                                      .sum_size = sizeof(uint32_t),
                                      .gather = measure_gather,
                                      .apply = measure_apply,
                                      .changes = GASKET_CHANGES_NONE};
static const GasketProgram publish = {.name = "publish",
                                      .rows = rows_all,
                                      .n_rows = 1,
                                      .whole_rows = true,
                                      .sum_size = sizeof(Row),
                                      .gather = publish_gather,
                                      .apply = publish_apply};
static const GasketProgram count = {.name = "count",
                                    .rows = rows_all,
                                    .n_rows = 1,
                                    .sum_size = sizeof(uint32_t),
                                    .gather = count_gather,
                                    .apply = count_apply,
                                    .changes = GASKET_CHANGES_NONE,
                                    .aggregates = 1 << TRIANGLES};

static bool
run_triangles(GasketRun *run, const void *parameters, GError **error)
{
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, 1, error) ||
        !gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_step(run, &measure, error) ||
        !gasket_run_set_value_varying(run, 0, higher_size, NULL, error) ||
        !gasket_run_step(run, &publish, error) || !gasket_run_step(run, &count, error))
        return false;
    gasket_run_set_metric(run, "triangles", (double)gasket_run_total_count(run, TRIANGLES, 0));
    return true;
}

static const GasketAlgorithm algorithm = {
    .abi = GASKET_ABI,
    .name = "triangles",
    .needs = needs,
    .n_needs = 1,
    .results = results,
    .n_results = 1,
    .run = run_triangles,
};

const GasketAlgorithm *
program_triangles(void)
{
    return &algorithm;
}
