/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shortest paths from one source: the least total weight of a path to every vertex.
 *
 *   distance[v] = min over u -> v of distance[u] + weight(u, v),   distance[source] = 0
 *
 * Bellman and Ford: every vertex whose in-neighbours came closer takes the least sum, step after
 * step, until no distance changes. Weights must not be negative; without weights an edge counts 1.
 *
 * Invariants:
 *   1. A finite distance is the length of some path, added up from the source on in double.
 *   2. Distances never grow, and a minimum may be taken over the changed neighbours alone.
 *   3. Sums of integers are exact: an input whose sums could pass 2^53 is refused.
 *   4. Additions round the same way everywhere and never shrink when an operand grows, so the
 *      distances are the one solution that the steps approach from above: the same bits for every
 *      placement.
 *
 * Cost: as many steps as the most edges on a shortest path; a step reads the edges out of the
 * vertices that came closer (12 bytes each), at most all of them. 8 bytes a vertex published.
 *
 * Reference: R. Bellman, On a routing problem, 1958; L. R. Ford, Network flow theory, 1956.
 */
#include "algorithms.h"

#include <math.h>

/* ---- options --------------------------------------------------------------------------------- */

typedef struct {
    const char *source;
} Parameters;

static const GasketOption options[] = {
    {"source", GASKET_OPTION_STRING, offsetof(Parameters, source),
     .help = "the vertex where paths start", .required = true, .value_name = "ID"},
    {.name = NULL},
};

/* ---- the vertex program ---------------------------------------------------------------------- */

enum {
    REACHED,
    FURTHEST,
    LARGEST_WEIGHT,
    FRACTIONS, /* 1 if any weight is no integer */
};

static const GasketAggregate aggregates[] = {
    {"reached", GASKET_COUNT, 1},
    {"furthest", GASKET_MAX, 1},
    {"largest_weight", GASKET_MAX, 1},
    {"fractions", GASKET_MAX, 1},
};

typedef struct {
    uint32_t source; /* ordinal */
    int weight;      /* edge column, or -1 */
} Settings;

static const double infinite = INFINITY;

/* Looks over the weights once, to know whether sums of them are exact. */
static void
start_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const Settings *settings = context->parameters;
    const double *weight = rows->column[settings->weight].data;
    double largest = 0;
    bool fractions = false;
    (void)sums;

    for (size_t r = 0; r < rows->count; r++) {
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            largest = MAX(largest, weight[e]);
            fractions |= weight[e] != floor(weight[e]);
        }
    }
    gasket_extreme(context, LARGEST_WEIGHT, 0, largest);
    gasket_extreme(context, FRACTIONS, 0, fractions);
}

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    double *distance = run->state, *published = run->value;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        distance[v] = context->ordinal[v] == settings->source ? 0 : INFINITY;
        published[v] = distance[v];
    }
}

static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const double *distance = rows->values;
    double *sum = sums;
    (void)context;

    for (size_t r = 0; r < rows->count; r++) {
        double least = sum[rows->sum[r]];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            least = MIN(least, distance[rows->neighbour[e]] + 1);
        sum[rows->sum[r]] = least;
    }
}

static void
gather_weighted(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const Settings *settings = context->parameters;
    const double *weight = rows->column[settings->weight].data;
    const double *distance = rows->values;
    double *sum = sums;

    for (size_t r = 0; r < rows->count; r++) {
        double least = sum[rows->sum[r]];
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            least = MIN(least, distance[rows->neighbour[e]] + weight[e]);
        sum[rows->sum[r]] = least;
    }
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const double *least = sums;
    double *distance = run->state, *published = run->value;
    (void)context;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        if (least[run->sum[i]] < distance[v]) {
            distance[v] = least[run->sum[i]];
            published[v] = distance[v];
            run->changed[i] = 1;
        }
    }
}

static void
count_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const double *distance = run->state;
    int64_t reached = 0;
    double furthest = 0;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        double d = distance[run->vertex[i]];
        if (d < INFINITY) {
            reached++;
            furthest = MAX(furthest, d);
        }
    }
    gasket_count(context, REACHED, 0, reached);
    gasket_extreme(context, FURTHEST, 0, furthest);
}

static const GasketRowSet in_rows[] = {{.relation = 0, .direction = GASKET_IN}};

/* ---- the driver ------------------------------------------------------------------------------ */

/* Integers up to 2^53 have no gaps between doubles; a shortest path has at most n - 1 edges. */
static bool
check_exact(GasketRun *run, GError **error)
{
    double largest = fmax(gasket_run_total(run, LARGEST_WEIGHT, 0), 0); /* no edge: -inf */
    double edges = (double)gasket_run_n_vertices(run, 0) - 1;
    if (gasket_run_total(run, FRACTIONS, 0) > 0 || largest * edges <= 0x1p53)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "integer weights up to %.17g on paths of up to %.0f edges could sum to more than "
                "2^53, beyond which sums are not exact; divide the weights by a common unit",
                largest, edges);
    return false;
}

static bool
sssp_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    Settings settings = {.weight = gasket_run_edge_column(run, 0, "weight")};
    const bool weighted = settings.weight >= 0;
    if (!gasket_run_find(run, 0, given->source, &settings.source, error)) {
        g_prefix_error(error, "--source: ");
        return false;
    }

    GasketProgram start = {
        .name = "start",
        .rows = in_rows,
        .n_rows = weighted ? 1 : 0,
        .sum_size = sizeof(double),
        .gather = weighted ? start_gather : NULL,
        .apply = start_apply,
        .aggregates = 1 << LARGEST_WEIGHT | 1 << FRACTIONS,
        .parameters = &settings,
    };
    GasketProgram relax = {
        .name = "sssp",
        .rows = in_rows,
        .n_rows = 1,
        .sum_size = sizeof(double),
        .identity = &infinite,
        .gather = weighted ? gather_weighted : gather,
        .apply = apply,
        .changes = GASKET_CHANGES_MARKED,
        .wakes = GASKET_WAKES_READERS,
        .monotone = true,
        .parameters = &settings,
    };
    GasketProgram count = {
        .name = "count",
        .apply = count_apply,
        .changes = GASKET_CHANGES_NONE,
        .aggregates = 1 << REACHED | 1 << FURTHEST,
    };

    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
        !gasket_run_set_state(run, 0, sizeof(double), error) ||
        !gasket_run_set_value(run, 0, sizeof(double), error) ||
        !gasket_run_step(run, &start, error))
        return false;
    if (weighted && !check_exact(run, error))
        return false;

    if (!gasket_run_until_quiet(run, (const GasketProgram *const[]){&relax}, 1, error))
        return false;

    if (!gasket_run_step(run, &count, error))
        return false;
    gasket_run_set_metric(run, "reached", (double)gasket_run_total_count(run, REACHED, 0));
    gasket_run_set_metric(run, "furthest", gasket_run_total(run, FURTHEST, 0));
    return true;
}

/* ---- the verifier ---------------------------------------------------------------------------- */

/* No edge may be a shortcut (distance[v] <= distance[u] + weight, exactly), and every distance but
 * the source's must be what one of the in-edges says: both at once, the least of them is it. Rings
 * of edges of weight 0 that support one another are not told from paths. */
static bool
sssp_verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    const Parameters *given = parameters;
    const GasketContext *context = gasket_run_context(run, 0);
    const double *distance = gasket_run_state(run, 0);
    const int weight = gasket_run_edge_column(run, 0, "weight");
    uint32_t source;
    if (!gasket_run_find(run, 0, given->source, &source, error))
        return false;
    g_autoptr(GasketRows) rows = gasket_run_rows(run, in_rows[0], error);
    if (rows == NULL)
        return false;

    const double *published = rows->values;
    const double *w = weight >= 0 ? rows->column[weight].data : NULL;
    double wrong[] = {0, 0}; /* shortcuts, distances that no edge explains */
    for (size_t r = 0; r < rows->count; r++) {
        GasketVertex v = rows->vertex[r];
        double least = context->ordinal[v] == source ? 0 : INFINITY;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            double through = published[rows->neighbour[e]] + (w ? w[e] : 1);
            wrong[0] += through < distance[v];
            least = MIN(least, through);
        }
        wrong[1] += distance[v] != least;
    }
    if (!gasket_run_reduce_sum(run, wrong, G_N_ELEMENTS(wrong), error))
        return false;
    *ret_message = g_strdup_printf("%.0f edges are shortcuts, %.0f distances are not the length "
                                   "of any path",
                                   wrong[0], wrong[1]);
    return wrong[0] == 0 && wrong[1] == 0;
}

const GasketAlgorithm gasket_sssp = {
    .abi = GASKET_ABI,
    .name = "sssp",
    .summary = "shortest paths from one vertex",
    .description =
        "Computes the length of a shortest path from --source to every vertex; unreached vertices "
        "have distance inf. Weights (the third column, or --columns) must not be negative; edges "
        "without weights count 1. Integer weights whose sums could pass 2^53 are refused. "
        "Metrics: reached (vertices), furthest (the largest distance).\n"
        "\n"
        "  gasket sssp roads.gr --source 17 -o paths.tsv\n",
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS({.in_rows = true, .degrees = true, .weights = true, .nonnegative = true}),
    GASKET_RESULTS({.name = "distance", .kind = 0, .type = GASKET_DOUBLE}),
    .run = sssp_run,
    .verify = sssp_verify,
    .resumable = true,
    .engines = 1 << GASKET_ENGINE_CHROMATIC | 1 << GASKET_ENGINE_ASYNC,
    .stale = true,
};
