/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weakly connected components: which vertices reach one another when directions do not count.
 *
 * Every vertex starts with its own ordinal (its position by ascending id) as label and takes the
 * smallest label among its neighbours, step after step, until nothing changes. The label that is
 * left is the smallest id of the component, which names it.
 *
 *   ids     10 -- 20    30 -- 40 -- 50
 *   start    0    1      2    3    4
 *   step 1   0    0      2    2    3
 *   step 2   0    0      2    2    2      nothing changes after it: two components, 10 and 30
 *
 * Invariants:
 *   1. A label is the ordinal of a vertex of the same component, and never grows.
 *   2. A minimum may be taken over any of the changed neighbours first: so only they are read.
 *
 * Cost: as many steps as the longest shortest path from a component's smallest id; a step reads
 * the edges of the vertices that changed. 4 bytes a vertex published. The largest component is
 * found in 2 or 3 reductions of 4096 counts where one component dwarfs the others, and in at most
 * n / 4096 + 3 of them.
 *
 * Reference: label propagation as in L. G. Shapiro, Connected component labeling and adjacency
 * graph construction, 1996, without the union-find.
 */
#include "algorithms.h"

#include <math.h>
#include <stdlib.h>

/* ---- result ---------------------------------------------------------------------------------- */

typedef struct {
    uint32_t label;
    uint32_t reached; /* for the verifier */
} State;

/* ---- the vertex program ---------------------------------------------------------------------- */

enum {
    COMPONENTS,
};

static const GasketAggregate aggregates[] = {{"components", GASKET_COUNT, 1}};

static const uint32_t none = UINT32_MAX;

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    uint32_t *label = run->value;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        state[v].label = context->ordinal[v];
        label[v] = state[v].label;
    }
}

static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint32_t *label = rows->values;
    uint32_t *sum = sums;
    (void)context;

    for (size_t r = 0; r < rows->count; r++) {
        uint32_t least = sum[rows->sum[r]];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            least = MIN(least, label[rows->neighbour[e]]);
        sum[rows->sum[r]] = least;
    }
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint32_t *least = sums;
    State *state = run->state;
    uint32_t *label = run->value;
    (void)context;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        if (least[run->sum[i]] < state[v].label) {
            state[v].label = least[run->sum[i]];
            label[v] = state[v].label;
            run->changed[i] = 1;
        }
    }
}

/* A component has one vertex whose label is its own ordinal. */
static void
count_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const State *state = run->state;
    int64_t count = 0;
    (void)sums;

    for (size_t i = 0; i < run->count; i++)
        count += state[run->vertex[i]].label == context->ordinal[run->vertex[i]];
    gasket_count(context, COMPONENTS, 0, count);
}

static const GasketRowSet rows_all[] = {{.relation = 0, .direction = GASKET_IN}};

static const GasketProgram start = {.name = "start", .apply = start_apply};

static const GasketProgram spread = {
    .name = "components",
    .rows = rows_all,
    .n_rows = 1,
    .sum_size = sizeof(uint32_t),
    .identity = &none,
    .gather = gather,
    .apply = apply,
    .changes = GASKET_CHANGES_MARKED,
    .wakes = GASKET_WAKES_READERS,
    .monotone = true,
};

static const GasketProgram count = {
    .name = "count",
    .apply = count_apply,
    .changes = GASKET_CHANGES_NONE,
    .aggregates = 1 << COMPONENTS,
};

/* ---- the largest component ------------------------------------------------------------------- */

/* The labels of this worker's vertices, ascending. */
typedef struct {
    GasketRun *run;
    const uint32_t *label; /* [n] */
    size_t n;
    double best; /* vertices of the largest component known on all workers */
} Labels;

static int
compare_labels(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Free with g_free. */
static uint32_t *
sorted_labels(GasketRun *run, GError **error)
{
    const State *state = gasket_run_state(run, 0);
    size_t n = gasket_run_n_owned(run, 0);
    uint32_t *label = g_try_new(uint32_t, n + 1);
    if (label == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory for the labels of %zu vertices", n);
        return NULL;
    }
    for (size_t v = 0; v < n; v++)
        label[v] = state[v].label;
    qsort(label, n, sizeof *label, compare_labels);
    return label;
}

/* How many of the labels are below bound. */
static size_t
labels_below(const Labels *labels, uint64_t bound)
{
    size_t low = 0, high = labels->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (labels->label[middle] < bound)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#define PARTS 4096

/* [all] Raises labels->best to the size of the largest component whose label is within
 * first .. first + PARTS * width - 1: counts the labels in each of PARTS ranges and looks into
 * those that hold more vertices than the best component known. Every worker sees the same counts,
 * so all take the same turns. */
static bool
find_largest(Labels *labels, uint64_t first, uint64_t width, GError **error)
{
    g_autofree double *size = g_new(double, PARTS);
    size_t from = labels_below(labels, first);
    for (unsigned p = 0; p < PARTS; p++) {
        size_t to = labels_below(labels, first + (p + 1) * width);
        size[p] = (double)(to - from);
        from = to;
    }
    if (!gasket_run_reduce_sum(labels->run, size, PARTS, error))
        return false;

    unsigned fullest = 0;
    for (unsigned p = 1; p < PARTS; p++)
        if (size[p] > size[fullest])
            fullest = p;
    /* The fullest first: a giant component then rules out the rest. */
    for (unsigned i = 0; i <= PARTS; i++) {
        unsigned p = i == 0 ? fullest : i - 1;
        if (size[p] <= labels->best)
            continue;
        if (width == 1)
            labels->best = size[p];
        else if (!find_largest(labels, first + p * width, width / PARTS, error))
            return false;
    }
    return true;
}

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
components_run(GasketRun *run, const void *parameters, GError **error)
{
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
        !gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_step(run, &start, error))
        return false;

    if (!gasket_run_until_quiet(run, (const GasketProgram *const[]){&spread}, 1, error))
        return false;

    if (!gasket_run_step(run, &count, error))
        return false;
    gasket_run_set_metric(run, "components", (double)gasket_run_total_count(run, COMPONENTS, 0));

    g_autofree uint32_t *label = sorted_labels(run, error);
    if (label == NULL)
        return false;
    Labels labels = {run, label, gasket_run_n_owned(run, 0), 0};
    uint64_t width = 1;
    while (width * PARTS < gasket_run_n_vertices(run, 0))
        width *= PARTS;
    if (!find_largest(&labels, 0, width, error))
        return false;
    gasket_run_set_metric(run, "largest_component", labels.best);
    return true;
}

/* ---- the verifier -----------------------------------------------------------------------------
 *
 * The other way round: from the vertices whose label is their own ordinal, floods along every
 * edge. All is right if the labels at both ends of every edge agree, no label exceeds its
 * vertex's ordinal, and the flood reaches every vertex: then a component has one label, which is
 * the ordinal of one of its vertices, and the smallest. */

static void
flood_start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    State *state = run->state;
    uint32_t *reached = run->value;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        state[v].reached = state[v].label == context->ordinal[v];
        reached[v] = state[v].reached;
    }
}

static void
flood_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint32_t *reached = rows->values;
    uint32_t *sum = sums;
    (void)context;

    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] |= reached[rows->neighbour[e]];
}

static void
flood_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint32_t *any = sums;
    State *state = run->state;
    uint32_t *reached = run->value;
    (void)context;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        if (any[run->sum[i]] && !state[v].reached) {
            state[v].reached = 1;
            reached[v] = 1;
            run->changed[i] = 1;
        }
    }
}

static const GasketProgram flood_start = {.name = "flood start", .apply = flood_start_apply};

static const GasketProgram flood = {
    .name = "flood",
    .rows = rows_all,
    .n_rows = 1,
    .sum_size = sizeof(uint32_t),
    .gather = flood_gather,
    .apply = flood_apply,
    .changes = GASKET_CHANGES_MARKED,
    .wakes = GASKET_WAKES_READERS,
};

/* Counts the edges of this worker whose ends have different labels. */
static bool
count_torn_edges(GasketRun *run, double *ret_count, GError **error)
{
    const State *state = gasket_run_state(run, 0);
    g_autoptr(GasketRows) rows = gasket_run_rows(run, rows_all[0], error);
    if (rows == NULL)
        return false;

    const uint32_t *label = rows->values;
    uint64_t torn = 0;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            torn += label[rows->neighbour[e]] != state[rows->vertex[r]].label;
    *ret_count = (double)torn;
    return true;
}

static bool
components_verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    const GasketContext *context = gasket_run_context(run, 0);
    const State *state = gasket_run_state(run, 0);
    double wrong[] = {0, 0, 0}; /* edges, labels, vertices not reached */
    (void)parameters;

    if (!count_torn_edges(run, &wrong[0], error))
        return false;

    g_autoptr(GasketVertexSet) all = gasket_vertex_set_new(run, 0);
    gasket_vertex_set_fill(all);
    if (!gasket_run_step(run, &flood_start, error))
        return false;
    gasket_run_activate(run, all);
    do {
        if (!gasket_run_step(run, &flood, error))
            return false;
    } while (gasket_run_n_changed(run, 0) > 0);

    for (GasketVertex v = 0; v < context->n_owned; v++) {
        wrong[1] += state[v].label > context->ordinal[v];
        wrong[2] += !state[v].reached;
    }
    if (!gasket_run_reduce_sum(run, wrong, G_N_ELEMENTS(wrong), error))
        return false;
    *ret_message = g_strdup_printf("%.0f edges join two components, %.0f components are not named "
                                   "by their smallest id, %.0f vertices are not connected to the "
                                   "one that names their component",
                                   wrong[0], wrong[1], wrong[2]);
    return wrong[0] == 0 && wrong[1] == 0 && wrong[2] == 0;
}

const GasketAlgorithm gasket_components = {
    .abi = GASKET_ABI,
    .name = "components",
    .summary = "weakly connected components",
    .description =
        "Finds the connected components, whatever the direction of edges, and names each by its "
        "smallest id. Metrics: components, largest_component (vertices).\n"
        "\n"
        "  gasket components web.txt.gz -o components.tsv\n",
    GASKET_NEEDS({.in_rows = true, .degrees = true, .symmetric = true}),
    GASKET_RESULTS(
        {.name = "component", .kind = 0, .type = GASKET_VERTEX, .offset = offsetof(State, label)}),
    .run = components_run,
    .verify = components_verify,
    .resumable = true,
    .engines = 1 << GASKET_ENGINE_CHROMATIC | 1 << GASKET_ENGINE_ASYNC,
    .stale = true,
};
