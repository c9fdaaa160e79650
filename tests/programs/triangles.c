/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact triangle counting: every vertex publishes its neighbours with higher numbers, and a
 * triangle u < v < w is found once, at u, as a w that both u and v publish.
 *
 * One kind, one symmetric relation without self-loops and parallel edges.
 */
#include "programs.h"

enum { TRIANGLES };
typedef struct {
    uint32_t n_higher, triangles; /* triangles of which it is the lowest */
} State;
typedef struct {          /* the value */
    uint32_t n, number[]; /* ascending */
} Higher;

static size_t
higher_size(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)context;
    return (1 + ((const State *)state)[v].n_higher) * sizeof(uint32_t);
}

/* Walks the higher neighbours of each row: counts them, or publishes their numbers. */
static void
list_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    State *state = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        Higher *higher =
            run->value_begin ? (void *)((char *)run->value + run->value_begin[v]) : NULL;
        uint32_t n = 0;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            uint32_t number = context->number[rows->neighbour[e]];
            if (number > context->number[v] && higher != NULL)
                higher->number[n] = number;
            n += number > context->number[v];
        }
        state[v].n_higher = n;
        if (higher != NULL)
            higher->n = n;
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

static void
count_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = run->rows;
    State *state = run->state;
    size_t size;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            if (context->number[rows->neighbour[e]] > context->number[v])
                state[v].triangles +=
                    count_common(gasket_value_of(rows, v, &size),
                                 gasket_value_of(rows, rows->neighbour[e], &size));
        gasket_count(context, TRIANGLES, 0, state[v].triangles);
    }
}

static const GasketRowSet rows_all[] = {{0, GASKET_IN}};
static const GasketProgram list = {
    .name = "list", .rows = rows_all, .n_rows = 1, .whole_rows = true, .apply = list_apply};
static const GasketProgram count = {.name = "count",
                                    .rows = rows_all,
                                    .n_rows = 1,
                                    .whole_rows = true,
                                    .apply = count_apply,
                                    .changes = GASKET_CHANGES_NONE,
                                    .aggregates = 1 << TRIANGLES};

static bool
run_triangles(GasketRun *run, const void *parameters, GError **error)
{
    static const GasketAggregate aggregates[] = {{"triangles", GASKET_COUNT, 1}};
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, 1, error) ||
        !gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_step(run, &list, error) ||
        !gasket_run_set_value_varying(run, 0, higher_size, NULL, error) ||
        !gasket_run_step(run, &list, error) || !gasket_run_step(run, &count, error))
        return false;
    gasket_run_set_metric(run, "triangles", (double)gasket_run_total_count(run, TRIANGLES, 0));
    return true;
}

static const GasketResultColumn results[] = {
    {.name = "triangles", .type = GASKET_UINT32, .offset = offsetof(State, triangles)}};
static const GasketAlgorithm algorithm = {.abi = GASKET_ABI,
                                          .name = "triangles",
                                          .results = results,
                                          .n_results = 1,
                                          .run = run_triangles};

const GasketAlgorithm *
program_triangles(void)
{
    return &algorithm;
}
