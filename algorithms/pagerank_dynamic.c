/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic PageRank: a vertex runs when a share that it gathers has changed, and publishes its own
 * once that has changed enough to matter.
 *
 *   x[v] = (1 - d) t[v] + d (sum over u -> v of share[u])       share[v] = x[v] / strength[v]
 *
 * which has nothing to say of vertices without out-edges: the ranks, where these spread what they
 * have like jumps, are x / sum(x), because that only adds a multiple of t to the right side.
 *
 * A vertex publishes when |x - share strength| > least. At rest every x stems from the shares that
 * are published, so one more step would change x by at most d times what was not published, and
 * the ranks by d (sum |x - share strength| + |sum (x - share strength)|) / sum(x): the second term
 * is the rank that seems to be without out-edges. `least` starts so large that the tolerance is
 * likely met, and is lowered until it is.
 *
 * Invariants:
 *   1. share strength is what v's readers have been given of it; the rest of x waits in v.
 *   2. Each time at rest, x is what the published shares make of it.
 *
 * Cost: 8 bytes an edge in, and a look at each edge out of a vertex that publishes. Vertices whose
 * ranks settle early, which are most of them, run only a few times.
 *
 * Reference: F. McSherry, A uniform approach to accelerated PageRank computation, 2005.
 */
#include "pagerank.h"

#include <math.h>

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketPagerankSettings *settings = context->parameters;
    const double d = settings->damping, *sum = sums;
    const double *jump =
        settings->personalize >= 0 ? context->column[settings->personalize].data : NULL;
    double *rank = run->state;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        double t = jump ? jump[v] / settings->jumps : 1.0 / context->n_vertices;
        double strength = context->out_strength[v];
        double published = settings->single ? ((const float *)run->published)[v]
                                            : ((const double *)run->published)[v];
        rank[v] = (1 - d) * t + d * sum[run->sum[i]];
        double change = fabs(rank[v] - published * strength);
        if (strength <= 0 || change <= settings->least)
            continue;
        double share = rank[v] / strength;
        if (settings->single)
            ((float *)run->value)[v] = (float)share;
        else
            ((double *)run->value)[v] = share;
        /* Not where rounding is all that differs. */
        run->changed[i] = (settings->single ? (float)share : share) != published;
        if (run->priority)
            run->priority[i] = (float)(change / strength);
    }
}

/* What is not yet published, after a run until quiet. */
typedef struct {
    double total; /* sum of x */
    double all;   /* sum of |x - share strength| ... */
    double off;   /* ... and of x - share strength */
} Rest;

/* [all] Adds up the rest, and makes those vertices active that would publish more than `least`. */
static bool
measure(GasketRun *run, const GasketPagerankSettings *settings, Rest *ret_rest, GError **error)
{
    const GasketContext *context = gasket_run_context(run, 0);
    const double *rank = gasket_run_state(run, 0);
    const void *share = gasket_run_values(run, 0);
    double sums[3] = {0, 0, 0};

    for (GasketVertex v = 0; v < context->n_owned; v++) {
        double strength = context->out_strength[v];
        sums[0] += rank[v];
        if (strength <= 0)
            continue;
        double published =
            settings->single ? ((const float *)share)[v] : ((const double *)share)[v];
        sums[1] += fabs(rank[v] - published * strength);
        sums[2] += rank[v] - published * strength;
    }
    if (!gasket_run_reduce_sum(run, sums, 3, error))
        return false;
    *ret_rest = (Rest){sums[0], sums[1], sums[2]};
    return true;
}

static void
activate_rest(GasketRun *run, const GasketPagerankSettings *settings)
{
    const GasketContext *context = gasket_run_context(run, 0);
    const double *rank = gasket_run_state(run, 0);
    const void *share = gasket_run_values(run, 0);
    g_autoptr(GasketVertexSet) set = gasket_vertex_set_new(run, 0);

    for (GasketVertex v = 0; v < context->n_owned; v++) {
        double strength = context->out_strength[v];
        double published =
            settings->single ? ((const float *)share)[v] : ((const double *)share)[v];
        if (strength > 0 && fabs(rank[v] - published * strength) > settings->least)
            gasket_vertex_set_add(set, v);
    }
    gasket_run_activate(run, set);
}

bool
gasket_pagerank_run_dynamic(GasketRun *run, const GasketPagerankSettings *given,
                            const GasketProgram *iterated, GError **error)
{
    GasketPagerankSettings settings = *given;
    GasketProgram program = {
        .name = "pagerank",
        .rows = iterated->rows,
        .n_rows = iterated->n_rows,
        .sum_size = sizeof(double),
        .gather = iterated->gather,
        .apply = apply,
        .changes = GASKET_CHANGES_MARKED,
        .wakes = GASKET_WAKES_READERS,
        .parameters = &settings,
    };
    const GasketProgram *const programs[] = {&program};
    const double tolerance = gasket_run_tolerance(run);
    Rest rest = {1, 0, 0};

    settings.least = 4 * tolerance / MAX(gasket_run_n_vertices(run, 0), 1);
    for (;;) {
        if (!gasket_run_until_quiet(run, programs, 1, error) ||
            !measure(run, &settings, &rest, error))
            return false;
        double residual = settings.damping * (rest.all + fabs(rest.off)) / rest.total;
        if (!gasket_run_is_quiet(run) || !(residual >= tolerance))
            break;
        settings.least *= fmax(0.8 * tolerance / residual, 0.1);
        activate_rest(run, &settings);
    }
    double *rank = gasket_run_state(run, 0);
    for (GasketVertex v = 0; v < gasket_run_n_owned(run, 0); v++)
        rank[v] /= rest.total;
    return true;
}
