/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breadth-first search: how many edges away every vertex is, and a tree of shortest paths.
 *
 *   ids     10 --> 20 --> 40          depth   0   1   2
 *             \--> 30 --/                         1
 *                                     parent of 40: 20, the smallest id one level up
 *
 * Level by level. A vertex publishes its ordinal (its position by ascending id) once it has been
 * visited, and nothing (UINT32_MAX) before. An unvisited vertex with a visited in-neighbour is
 * visited now: its in-neighbours cannot have been visited before the last level, or it would have
 * been as well, so the smallest ordinal among them is the parent.
 *
 * Invariants:
 *   1. After level k, exactly the vertices k or fewer edges away have a depth.
 *   2. The parent is the in-neighbour with the smallest id among those one level up.
 *   3. All of a vertex's visited in-neighbours changed in the last level: so only they are read.
 *
 * Cost: one step a level; a step reads the edges out of the last level (push) or into what is
 * unvisited (pull), whichever is less. 4 bytes a vertex published.
 *
 * Reference: S. Beamer, K. Asanovic, D. Patterson, Direction-optimizing breadth-first search,
 * SC 2012.
 */
#include "algorithms.h"

#include <math.h>

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    const char *source;
} Parameters;

static const GasketOption options[] = {
    {"source", GASKET_OPTION_STRING, offsetof(Parameters, source),
     .help = "the vertex where the search starts", .required = true, .value_name = "ID"},
    {.name = NULL},
};

typedef struct {
    int32_t depth;   /* -1: not visited */
    uint32_t parent; /* ordinal */
} State;

/* ---- the vertex program ---------------------------------------------------------------------- */

typedef struct {
    uint32_t source; /* ordinal */
    int32_t level;   /* being visited */
} Search;

static const uint32_t unvisited = UINT32_MAX;

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Search *search = context->parameters;
    State *state = run->state;
    uint32_t *visited = run->value;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        bool is_source = context->ordinal[v] == search->source;
        state[v] = (State){is_source ? 0 : -1, GASKET_NO_VERTEX};
        visited[v] = is_source ? search->source : unvisited;
    }
}

static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint32_t *visited = rows->values;
    const State *state = rows->state;
    uint32_t *sum = sums;
    (void)context;

    for (size_t r = 0; r < rows->count; r++) {
        if (state[rows->vertex[r]].depth >= 0)
            continue;
        uint32_t least = sum[rows->sum[r]];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            least = MIN(least, visited[rows->neighbour[e]]);
        sum[rows->sum[r]] = least;
    }
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Search *search = context->parameters;
    const uint32_t *least = sums;
    State *state = run->state;
    uint32_t *visited = run->value;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        if (state[v].depth < 0 && least[run->sum[i]] != unvisited) {
            state[v] = (State){search->level, least[run->sum[i]]};
            visited[v] = context->ordinal[v];
            run->changed[i] = 1;
        }
    }
}

static const GasketRowSet in_rows[] = {{.relation = 0, .direction = GASKET_IN}};

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
bfs_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    Search search = {.level = 0};
    if (!gasket_run_find(run, 0, given->source, &search.source, error)) {
        g_prefix_error(error, "--source: ");
        return false;
    }

    GasketProgram start = {.name = "start", .apply = start_apply, .parameters = &search};
    GasketProgram visit = {
        .name = "bfs",
        .rows = in_rows,
        .n_rows = 1,
        .sum_size = sizeof(uint32_t),
        .identity = &unvisited,
        .gather = gather,
        .apply = apply,
        .changes = GASKET_CHANGES_MARKED,
        .wakes = GASKET_WAKES_READERS,
        .monotone = true,
        .parameters = &search,
    };

    if (!gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_step(run, &start, error))
        return false;

    uint64_t reached = 1;
    int32_t depth = 0;
    gasket_run_keep(run, &search.level, sizeof search.level);
    gasket_run_keep(run, &reached, sizeof reached);
    gasket_run_keep(run, &depth, sizeof depth);
    while (gasket_run_continues(run)) {
        search.level++;
        if (!gasket_run_step(run, &visit, error))
            return false;
        uint64_t visited = gasket_run_n_changed(run, 0);
        reached += visited;
        if (visited > 0)
            depth = search.level;
        gasket_run_end_iteration(run, NAN, visited == 0);
    }
    gasket_run_set_metric(run, "reached", (double)reached);
    gasket_run_set_metric(run, "depth", depth);
    return true;
}

/* ---- the verifier ---------------------------------------------------------------------------- */

/* Depths of all vertices by ordinal, -1 where not visited. Free with g_free. Costs 8 bytes a
 * vertex of the whole graph on each worker. */
static double *
all_depths(GasketRun *run, GError **error)
{
    const GasketContext *context = gasket_run_context(run, 0);
    const State *state = gasket_run_state(run, 0);
    const uint32_t n = gasket_run_n_vertices(run, 0);
    g_autofree double *depth = g_try_new(double, n);
    if (depth == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory to verify the depths of %u vertices", n);
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++)
        depth[i] = -1;
    for (GasketVertex v = 0; v < context->n_owned; v++)
        depth[context->ordinal[v]] = state[v].depth;
    /* The largest of what the workers hold is the owner's. */
    if (!gasket_run_reduce_max(run, depth, n, error))
        return NULL;
    return g_steal_pointer(&depth);
}

/* No edge may skip a level, only the source is at depth 0, and every other visited vertex has a
 * parent: the smallest ordinal among the in-neighbours one level up. */
static bool
bfs_verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    const Parameters *given = parameters;
    const GasketContext *context = gasket_run_context(run, 0);
    const State *state = gasket_run_state(run, 0);
    uint32_t source;
    if (!gasket_run_find(run, 0, given->source, &source, error))
        return false;
    g_autofree double *depth = all_depths(run, error);
    g_autoptr(GasketRows) rows = gasket_run_rows(run, in_rows[0], error);
    if (depth == NULL || rows == NULL)
        return false;

    const uint32_t *visited = rows->values;
    double wrong[] = {0, 0}; /* edges that skip a level, parents */
    for (size_t r = 0; r < rows->count; r++) {
        GasketVertex v = rows->vertex[r];
        int32_t own = state[v].depth;
        uint32_t parent = GASKET_NO_VERTEX;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            uint32_t u = visited[rows->neighbour[e]];
            if (u == unvisited)
                continue;
            wrong[0] += own < 0 || own > depth[u] + 1;
            if (own > 0 && own == depth[u] + 1)
                parent = MIN(parent, u);
        }
        bool has_parent = parent != GASKET_NO_VERTEX;
        bool is_source = context->ordinal[v] == source;
        wrong[1] += parent != state[v].parent || has_parent != (own > 0) || is_source != (own == 0);
    }
    if (!gasket_run_reduce_sum(run, wrong, G_N_ELEMENTS(wrong), error))
        return false;
    *ret_message = g_strdup_printf("%.0f edges skip a level, %.0f vertices have a wrong parent",
                                   wrong[0], wrong[1]);
    return wrong[0] == 0 && wrong[1] == 0;
}

const GasketAlgorithm gasket_bfs = {
    .abi = GASKET_ABI,
    .name = "bfs",
    .summary = "breadth-first search from one vertex",
    .description =
        "Finds how many edges every vertex is away from --source (depth, -1 where unreached) and "
        "a parent: the smallest id among the neighbours one level up. Metrics: reached "
        "(vertices), depth (of the deepest).\n"
        "\n"
        "  gasket bfs friends.txt --undirected --source 0 -o levels.tsv\n",
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS({.in_rows = true, .degrees = true}),
    GASKET_RESULTS(
        {.name = "depth", .kind = 0, .type = GASKET_INT32, .offset = offsetof(State, depth)},
        {.name = "parent", .kind = 0, .type = GASKET_VERTEX, .offset = offsetof(State, parent)}),
    .run = bfs_run,
    .verify = bfs_verify,
    .resumable = true,
};
