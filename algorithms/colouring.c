/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Greedy colouring: neighbours get different colours, and few colours are used.
 *
 * A vertex takes the smallest colour that none of its neighbours has. One vertex after the other
 * that gives a proper colouring, with at most one colour more than the largest degree. The engines
 * do it all at once:
 *
 *   async      with edge consistency, which is as one after the other in some order: each vertex
 *              runs once and is done
 *   chromatic  colour by colour of the engine's own colouring, within which nobody has neighbours
 *   sync       all choose at once and then look again: of two neighbours that chose the same, the
 *              one with the larger number chooses anew, until nobody must
 *
 * Invariants:
 *   1. A colour is 1 or more; 0 is none yet.
 *   2. In step k + 1 (sync) the vertices that the smallest k numbers have are done for good.
 *
 * Cost: a look at each edge for every 64 colours among the neighbours, on async and chromatic once;
 * on sync a few times for most vertices. 4 bytes a vertex published.
 *
 * Reference: M. T. Jones, P. E. Plassmann, A parallel graph coloring heuristic, 1993; A. H.
 * Gebremedhin, F. Manne, Scalable parallel graph coloring algorithms, 2000, for choosing at once
 * and repairing.
 */
#include "algorithms.h"

enum {
    COLOURS,
};

static const GasketAggregate aggregates[] = {{"colours", GASKET_MAX, 1}};

/* ---- the vertex program ---------------------------------------------------------------------- */

typedef struct {
    uint32_t free;  /* the smallest colour that no neighbour has */
    uint32_t yield; /* 1: a neighbour with a smaller number has the vertex's own colour */
} Choice;

#define WINDOW 64

static Choice
choose(const GasketRows *rows, size_t r, uint32_t own)
{
    const uint32_t *colour = rows->values, *number = rows->neighbour_number;
    GasketVertex v = rows->vertex[r];
    Choice choice = {0, 0};

    for (uint32_t first = 1; choice.free == 0; first += WINDOW) {
        uint64_t taken = 0;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            GasketVertex u = rows->neighbour[e];
            uint32_t its = u == v ? 0 : colour[u];
            if (its - first < WINDOW)
                taken |= UINT64_C(1) << (its - first);
            choice.yield |= its == own && its != 0 && number[u] < number[v];
        }
        if (taken != UINT64_MAX)
            choice.free = first + (uint32_t)__builtin_ctzll(~taken);
    }
    return choice;
}

static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint32_t *own = rows->state;
    Choice *choice = sums;
    (void)context;

    for (size_t r = 0; r < rows->count; r++)
        choice[rows->sum[r]] = choose(rows, r, own[rows->vertex[r]]);
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Choice *choice = sums;
    uint32_t *own = run->state, *colour = run->value;
    (void)context;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        if (own[v] != 0 && !choice[run->sum[i]].yield)
            continue;
        own[v] = choice[run->sum[i]].free;
        colour[v] = own[v];
        run->changed[i] = 1;
    }
}

static void
count_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint32_t *own = run->state;
    uint32_t largest = 0;
    (void)sums;

    for (size_t i = 0; i < run->count; i++)
        largest = MAX(largest, own[run->vertex[i]]);
    gasket_extreme(context, COLOURS, 0, largest);
}

static const GasketRowSet all_rows[] = {{.relation = 0, .direction = GASKET_IN}};

static const GasketProgram count = {
    .name = "count",
    .apply = count_apply,
    .changes = GASKET_CHANGES_NONE,
    .aggregates = 1 << COLOURS,
};

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
colouring_run(GasketRun *run, const void *parameters, GError **error)
{
    const bool once = gasket_run_engine(run) == GASKET_ENGINE_ASYNC;
    const GasketProgram colour = {
        .name = "colouring",
        .rows = all_rows,
        .n_rows = 1,
        .whole_rows = true,
        .sum_size = sizeof(Choice),
        .gather = gather,
        .apply = apply,
        .changes = GASKET_CHANGES_MARKED,
        .wakes = once ? GASKET_WAKES_CHOSEN : GASKET_WAKES_READERS,
    };
    (void)parameters;

    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
        !gasket_run_set_state(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_until_quiet(run, (const GasketProgram *const[]){&colour}, 1, error) ||
        !gasket_run_step(run, &count, error))
        return false;
    double colours = gasket_run_n_vertices(run, 0) > 0 ? gasket_run_total(run, COLOURS, 0) : 0;
    gasket_run_set_metric(run, "colours", colours);
    return true;
}

/* ---- the verifier ---------------------------------------------------------------------------- */

/* Looks at every edge: the published colours, of which one is each vertex's own, must differ. */
static bool
colouring_verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    const uint32_t *own = gasket_run_state(run, 0);
    g_autoptr(GasketRows) rows = gasket_run_rows(run, all_rows[0], error);
    double wrong[] = {0, 0}; /* entries, vertices */
    (void)parameters;

    if (rows == NULL)
        return false;
    const uint32_t *colour = rows->values;
    for (size_t r = 0; r < rows->count; r++) {
        GasketVertex v = rows->vertex[r];
        wrong[1] += own[v] == 0;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            wrong[0] += rows->neighbour[e] != v && colour[rows->neighbour[e]] == own[v];
    }
    if (!gasket_run_reduce_sum(run, wrong, G_N_ELEMENTS(wrong), error))
        return false;
    *ret_message = g_strdup_printf("%.0f edges have the same colour at both ends, %.0f vertices "
                                   "have none",
                                   wrong[0] / 2, wrong[1]);
    return wrong[0] == 0 && wrong[1] == 0;
}

const GasketAlgorithm gasket_colouring = {
    .abi = GASKET_ABI,
    .name = "colouring",
    .summary = "colours of which neighbours have different ones",
    .description =
        "Gives each vertex a colour (1, 2, ...) that none of its neighbours has, whatever the "
        "direction of edges; greedily, so with at most one colour more than the largest degree. "
        "Metrics: colours. With --engine async which colouring it is differs from run to run.\n"
        "\n"
        "  gasket colouring web.txt.gz -o colours.tsv\n",
    GASKET_NEEDS({.in_rows = true, .symmetric = true}),
    GASKET_RESULTS({.name = "colour", .kind = 0, .type = GASKET_UINT32}),
    .run = colouring_run,
    .verify = colouring_verify,
    .engines = 1 << GASKET_ENGINE_CHROMATIC | 1 << GASKET_ENGINE_ASYNC,
    .consistency = GASKET_CONSISTENCY_EDGE,
};
