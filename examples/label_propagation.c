/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Communities by label propagation: a vertex program that is built outside Gasket.
 *
 *   cc -shared -fPIC label_propagation.c -o label_propagation.so \
 *       $(pkg-config --cflags --libs gasket)
 *   gasket run ./label_propagation.so friends.txt --workers 4 -o communities.tsv
 *
 * A vertex starts with its own id as label. In every round it looks for the label that most of its
 * neighbours have (its own, if that is one of several; else the smallest), and takes it if its coin
 * for the round says so: without coins, two neighbours could swap labels for ever. It ends when
 * every vertex has the label that it looks for.
 *
 * The coins are a function of seed, vertex and round, so the communities are one and the same for
 * every number of threads and workers. Costs d log d a round for a vertex of degree d.
 *
 * Reference: U. N. Raghavan, R. Albert, S. Kumara, Near linear time algorithm to detect community
 * structures in large-scale networks, 2007.
 */
#include <stdlib.h>
#include <string.h>

#include <gasket/gasket.h>

enum { RESTLESS, LONGEST };

static const GasketAggregate aggregates[] = {
    {"restless", GASKET_COUNT, 1}, /* vertices whose label is not the one they look for */
    {"longest", GASKET_MAX, 1},    /* entries in a row */
};

/* State and value are the label: the ordinal (place by ascending id) of some vertex. */
static void
start(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    uint32_t *state = run->state, *value = run->value;

    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        state[v] = value[v] = context->ordinal[v];
        gasket_extreme(context, LONGEST, 0, context->in_degree[v]);
    }
}

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The sum of a row: the label that its vertex looks for. */
static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint32_t *label = rows->values, *mine = rows->state;
    uint32_t *sum = sums, *labels = context->scratch;

    for (size_t r = 0; r < rows->count; r++) {
        size_t n = 0, most = 0;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            labels[n++] = label[rows->neighbour[e]];
        qsort(labels, n, sizeof *labels, compare);

        uint32_t own = mine[rows->vertex[r]], best = own;
        for (size_t i = 0, end; i < n; i = end) {
            for (end = i + 1; end < n && labels[end] == labels[i];)
                end++;
            if (end - i > most || (end - i == most && labels[i] == own)) {
                most = end - i;
                best = labels[i];
            }
        }
        sum[rows->sum[r]] = best;
    }
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint32_t *sum = sums;
    uint32_t *state = run->state, *value = run->value;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        if (sum[run->sum[i]] == state[v])
            continue;
        gasket_count(context, RESTLESS, 0, 1);
        GasketRandom coin = gasket_random_at(context->seed, 0, context->number[v], context->step);
        if (gasket_random_below(&coin, 2) == 0)
            continue;
        state[v] = value[v] = sum[run->sum[i]];
        run->changed[i] = 1;
    }
}

static bool
propagate(GasketRun *run, const void *parameters, GError **error)
{
    const GasketProgram first = {.name = "start", .apply = start, .aggregates = 1 << LONGEST};

    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
        !gasket_run_set_state(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_step(run, &first, error))
        return false;

    const double longest = gasket_run_total(run, LONGEST, 0);
    const GasketProgram program = {
        .name = "propagate",
        GASKET_ROWS({.relation = 0, .direction = GASKET_IN}),
        .whole_rows = true,
        .sum_size = sizeof(uint32_t),
        .gather = gather,
        .apply = apply,
        .changes = GASKET_CHANGES_MARKED,
        .aggregates = 1 << RESTLESS,
        .scratch_size = longest > 0 ? (size_t)longest * sizeof(uint32_t) : 0,
    };
    while (gasket_run_continues(run)) {
        if (!gasket_run_step(run, &program, error))
            return false;
        int64_t restless = gasket_run_total_count(run, RESTLESS, 0);
        gasket_run_end_iteration(run, (double)restless, restless == 0);
    }
    return true;
}

static const GasketAlgorithm label_propagation = {
    .abi = GASKET_ABI,
    .name = "label_propagation",
    .summary = "communities by label propagation",
    .description = "Names every vertex's community by the id of one of its members.",
    GASKET_NEEDS({.in_rows = true, .degrees = true, .symmetric = true}),
    GASKET_RESULTS({.name = "community", .type = GASKET_VERTEX}),
    .default_iterations = 100,
    .run = propagate,
};

GASKET_API const GasketAlgorithm *gasket_algorithm(void);

const GasketAlgorithm *
gasket_algorithm(void)
{
    return &label_propagation;
}
