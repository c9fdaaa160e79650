/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CoEM: what type things are (persons, places, ...), learned from a few seeds and from where all of
 * them occur: phrases and contexts, joined by how often they occur together.
 *
 *   p(v, t) = sum over u of w(u, v) p(u, t) / sum over u of w(u, v)
 *
 * for phrases from their contexts and for contexts from their phrases, over and over; seeds keep
 * the type that they are given, and what has no type yet counts for nothing (its weight is left out
 * of both sums, so a seed's word is not thinned by strangers). The graph need not be bipartite: it
 * is then label propagation with clamped labels.
 *
 * The value is p(v, 0) .. p(v, T - 1), all zeros while nothing is known.
 *
 * Invariants:
 *   1. Known probabilities sum to 1 but for rounding, and once known they stay known.
 *   2. Where every vertex is reached by seeds there is one fixed point, the harmonic function: the
 *      chance that a walk from v, by weights, meets a seed of type t first.
 *   3. A row is summed in its one order: the same bits for every placement.
 *
 * Cost: a step reads 12 bytes and T doubles an entry; 8 T bytes a vertex are published.
 *
 * References: K. Nigam, R. Ghani, Analyzing the effectiveness and applicability of co-training,
 * 2000; R. Jones, Learning to extract entities from labeled and unlabeled text, 2005; X. Zhu, Z.
 * Ghahramani, J. Lafferty, Semi-supervised learning using Gaussian fields and harmonic functions,
 * 2003.
 */
#include "algorithms.h"

#include <math.h>
#include <string.h>

#define MOST_TYPES 4096

typedef struct {
    const char *seeds;
} Parameters;

static const GasketOption options[] = {
    {"seeds", GASKET_OPTION_COLUMN, offsetof(Parameters, seeds),
     .help = "file of lines `id type`, types from 1: what is known of some vertices",
     .required = true},
    {.name = NULL},
};

typedef struct {
    int32_t type; /* the likeliest, from 1; 0: not known */
    int32_t seed; /* 0: none */
} Thing;

enum { TYPE, PROBABILITY };

static const GasketRowSet rows_in[] = {{.relation = 0, .direction = GASKET_IN}};

enum { CHANGE, TYPES, WRONG, UNKNOWN, SEEDS };

static const GasketAggregate aggregates[] = {
    {"change", GASKET_MAX, 1},    /* of a probability */
    {"types", GASKET_MAX, 1},     /* largest type of a seed */
    {"wrong", GASKET_COUNT, 1},   /* seeds whose type is none */
    {"unknown", GASKET_COUNT, 1}, /* vertices of which nothing is known */
    {"seeds", GASKET_COUNT, 1},
};

/* ---- the vertex program ---------------------------------------------------------------------- */

typedef struct {
    int weight, seeds; /* columns; weight -1: all 1 */
    uint32_t n_types;
    double *probability; /* the result: vertex v's begin at begin[v] */
    const uint64_t *begin;
} Settings;

/* What a seed says, before the number of types is known. */
static void
seeds_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    const double *seed = context->column[settings->seeds].data;
    Thing *things = run->state;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        double type = seed[v];
        if (type == 0)
            continue;
        gasket_count(context, SEEDS, 0, 1);
        if (type >= 1 && type <= MOST_TYPES && type == floor(type)) {
            things[v].seed = things[v].type = (int32_t)type;
            gasket_extreme(context, TYPES, 0, type);
        } else {
            gasket_count(context, WRONG, 0, 1);
        }
    }
}

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    const Thing *things = run->state;
    const uint32_t n = settings->n_types;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        double *p = (double *)run->value + (size_t)v * n;
        memset(p, 0, n * sizeof *p);
        if (things[v].seed > 0)
            p[things[v].seed - 1] = 1;
    }
}

/* One value for each type, and the weight of all that know something. */
GASKET_WIDE static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const Settings *settings = context->parameters;
    const double *weight = settings->weight >= 0 ? rows->column[settings->weight].data : NULL;
    const double *values = rows->values;
    const uint32_t n = settings->n_types;

    for (size_t r = 0; r < rows->count; r++) {
        double *sum = (double *)sums + (size_t)rows->sum[r] * n;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            const double *p = values + (size_t)rows->neighbour[e] * n;
            const double w = weight != NULL ? weight[e] : 1;
            for (uint32_t t = 0; t < n; t++)
                sum[t] += w * p[t];
        }
    }
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Settings *settings = context->parameters;
    const uint32_t n = settings->n_types;
    Thing *things = run->state;
    double change = 0;
    int64_t unknown = 0;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const double *sum = (const double *)sums + (size_t)run->sum[i] * n;
        double *p = (double *)run->value + (size_t)v * n;
        double *kept = settings->probability + settings->begin[v];
        double total = 0;
        uint32_t best = 0;
        for (uint32_t t = 0; t < n; t++)
            total += sum[t];
        for (uint32_t t = 0; t < n; t++) {
            double now = things[v].seed > 0 ? (t + 1 == (uint32_t)things[v].seed)
                         : total > 0        ? sum[t] / total
                                            : kept[t];
            change = fmax(change, fabs(now - kept[t]));
            kept[t] = p[t] = now;
            best = now > kept[best] ? t : best;
        }
        things[v].type = kept[best] > 0 ? (int32_t)best + 1 : 0;
        unknown += things[v].type == 0;
    }
    gasket_extreme(context, CHANGE, 0, change);
    gasket_count(context, UNKNOWN, 0, unknown);
}

/* ---- the driver ------------------------------------------------------------------------------ */

static size_t
n_types_of(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)v;
    (void)state;
    return ((const Settings *)context->parameters)->n_types;
}

static bool
read_seeds(GasketRun *run, Settings *settings, GError **error)
{
    const GasketProgram seeds = {
        .name = "seeds",
        .apply = seeds_apply,
        .changes = GASKET_CHANGES_NONE,
        .aggregates = 1 << TYPES | 1 << WRONG | 1 << SEEDS,
        .parameters = settings,
    };
    if (settings->seeds < 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "--seeds: found none, expected a file of lines `id type`");
        return false;
    }
    if (!gasket_run_step(run, &seeds, error))
        return false;
    int64_t n = gasket_run_total_count(run, SEEDS, 0);
    int64_t wrong = gasket_run_total_count(run, WRONG, 0);
    if (n == 0 || wrong > 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "--seeds: found %" G_GINT64_FORMAT " seeds, %" G_GINT64_FORMAT
                    " of another type than 1 to %d, expected at least one and all of a type",
                    n, wrong, MOST_TYPES);
        return false;
    }
    settings->n_types = (uint32_t)gasket_run_total(run, TYPES, 0);
    return true;
}

static bool
coem_run(GasketRun *run, const void *parameters, GError **error)
{
    (void)parameters;
    const double tolerance = gasket_run_tolerance(run);
    Settings settings = {
        .weight = gasket_run_edge_column(run, 0, "weight"),
        .seeds = gasket_run_vertex_column(run, 0, "seeds"),
    };
    void *data;
    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
        !gasket_run_set_state(run, 0, sizeof(Thing), error) || !read_seeds(run, &settings, error) ||
        !gasket_run_set_value(run, 0, settings.n_types * sizeof(double), error) ||
        !gasket_run_set_result(run, PROBABILITY, n_types_of, &settings, &data, &settings.begin,
                               error))
        return false;
    settings.probability = data;

    const GasketProgram start = {.name = "start", .apply = start_apply, .parameters = &settings};
    const GasketProgram coem = {
        .name = "coem",
        .rows = rows_in,
        .n_rows = 1,
        .whole_rows = true,
        .sum_size = settings.n_types * sizeof(double),
        .gather = gather,
        .apply = apply,
        .aggregates = 1 << CHANGE | 1 << UNKNOWN,
        .parameters = &settings,
    };
    if (!gasket_run_step(run, &start, error))
        return false;
    while (gasket_run_continues(run)) {
        if (!gasket_run_step(run, &coem, error))
            return false;
        double change = fmax(0, gasket_run_total(run, CHANGE, 0));
        gasket_run_end_iteration(run, change, change < tolerance);
    }
    gasket_run_set_metric(run, "types", settings.n_types);
    gasket_run_set_metric(run, "unknown", (double)gasket_run_total_count(run, UNKNOWN, 0));
    return true;
}

const GasketAlgorithm gasket_coem = {
    .abi = GASKET_ABI,
    .name = "coem",
    .summary = "types of things from a few seeds, through the contexts they share",
    .description =
        "Edges join phrases and contexts, with how often they occur together as weights; --seeds "
        "names a file of lines `id type` with types 1, 2, ... The probability of each type is "
        "averaged over neighbours until it changes by less than --tolerance; seeds keep theirs, "
        "and vertices of which nothing is known yet are left out. Phrases and contexts share one "
        "space of ids: mark contexts, as in `_in`.\n"
        "\n"
        "  gasket coem pairs.tsv --weighted --seeds seeds.tsv -o types.tsv\n",
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS({.in_rows = true, .symmetric = true, .weights = true, .nonnegative = true}),
    GASKET_RESULTS({.name = "type", .type = GASKET_INT32, .offset = offsetof(Thing, type)},
                   {.name = "probability", .type = GASKET_DOUBLE, .varying = true}),
    .default_iterations = 1000,
    .default_tolerance = 1e-6,
    .run = coem_run,
    .resumable = true,
    .engines = 1 << GASKET_ENGINE_CHROMATIC,
};
