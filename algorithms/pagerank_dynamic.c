/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic PageRank: a vertex runs when a share that it gathers has changed, and publishes its own
 * once that has changed enough to matter.
 *
 *   x[v] = s t[v] + pulled[v]      pulled[v] = d (sum over u -> v of share[u])
 *   share[v] = x[v] / strength[v]
 *
 * which has nothing to say of vertices without out-edges: the ranks, where these spread what they
 * have like jumps, are x / sum(x) for any s > 0, because s only scales x.
 *
 * So s is free, and chosen again once each vertex may have run once. What makes power iteration
 * fast is that ranks always sum to 1: errors of both signs cancel out. Vertices that run by
 * themselves do not keep the sum, and with a fixed s an error that is a multiple of x would fade by
 * d a sweep and no faster. With Y = sum of share strength, that is what is published, and t and
 * pulled added up over the vertices without out-edges (T, P),
 *
 *   s = ((1 - d) Y + P) / (1 - T)
 *
 * is what makes x[v] sum to Y over the vertices that publish, if all have gathered: the scale stays
 * what it is, whatever it is. A vertex keeps pulled, so a new s costs nobody an update. Once s has
 * settled it stands, so that vertices come to rest; it is chosen again only there.
 *
 * A vertex publishes when its share is off by more than `least`. At rest one more step would change
 * x by at most d times what was not published, and the ranks by
 *
 *   d (sum |x - share strength| + |sum (x - share strength)|) / sum(x)
 *
 * where the second term is the rank that seems to be without out-edges. `least` starts so large
 * that the tolerance is likely met, and is lowered until it is. It bounds the share, not the rank:
 * to publish costs as many updates as there are readers, so those with many should wait longer. Of
 * all bounds l[v] on |x - share strength| with the same sum, those that are proportional to the
 * number of readers make the sum of readers log(1 / l) least, which is how often readers run.
 *
 * Invariants:
 *   1. share strength is what v's readers have been given of it; the rest of x waits in v.
 *   2. Each time at rest, pulled is what the published shares make of it.
 *
 * Cost: 8 bytes an edge in, and a look at each edge out of a vertex that publishes. Vertices whose
 * ranks settle early, which are most of them, run only a few times.
 *
 * Reference: F. McSherry, A uniform approach to accelerated PageRank computation, 2005.
 */
#include "pagerank.h"

#include <math.h>

/* Elements of the aggregate SCALE. */
enum {
    PUBLISHED,   /* Y */
    PLACES_LEFT, /* T */
    PULLED_LEFT, /* P */
};

/* What a block needs of the settings and totals. */
typedef struct {
    const GasketPagerankSettings *settings;
    const double *jump, *strength;
    double jumps;
} Scale;

static Scale
scale_of(const GasketContext *context)
{
    const GasketPagerankSettings *settings = context->parameters;
    return (Scale){.settings = settings,
                   .jump = settings->personalize >= 0 ? context->column[settings->personalize].data
                                                      : NULL,
                   .strength = context->out_strength,
                   .jumps = settings->personalize >= 0 ? settings->jumps : context->n_vertices};
}

static double
place(const Scale *scale, GasketVertex v)
{
    return (scale->jump ? scale->jump[v] : 1) / scale->jumps;
}

static double
share_of(const GasketPagerankSettings *settings, const void *published, GasketVertex v)
{
    return settings->single ? ((const float *)published)[v] : ((const double *)published)[v];
}

/* Whether a share is off by so much that it is published. Single ones are rounded by up to 2^-24 of
 * them; changes must be larger than all the rounding that can add up behind them, or vertices might
 * publish back and forth for ever. */
static bool
is_off(const GasketPagerankSettings *settings, double share, double published)
{
    double change = fabs(share - published);
    return change > settings->least &&
           (!settings->single || change > 0x1p-24 / (1 - settings->damping) * fabs(published));
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Scale scale = scale_of(context);
    const GasketPagerankSettings *settings = scale.settings;
    const double *sum = sums;
    double *pulled = run->state;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        double published = share_of(settings, run->published, v);
        pulled[v] = settings->damping * sum[run->sum[i]];
        if (scale.strength[v] <= 0)
            continue;
        double share = (scale.settings->s * place(&scale, v) + pulled[v]) / scale.strength[v];
        if (!is_off(settings, share, published))
            continue;
        if (settings->single)
            ((float *)run->value)[v] = (float)share;
        else
            ((double *)run->value)[v] = share;
        /* Not where rounding is all that differs. */
        run->changed[i] = (settings->single ? (float)share : share) != published;
        if (run->priority)
            run->priority[i] = (float)fabs(share - published);
    }
}

/* Adds up what the scale follows from, and what is not published yet. */
static void
weigh(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Scale scale = scale_of(context);
    const double *pulled = run->state;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        double t = place(&scale, v);
        if (scale.strength[v] > 0) {
            double given = share_of(scale.settings, run->published, v) * scale.strength[v];
            gasket_add(context, GASKET_PAGERANK_SCALE, PUBLISHED, given);
            gasket_add(context, GASKET_PAGERANK_RESIDUAL, 0,
                       scale.settings->damping * fabs(scale.settings->s * t + pulled[v] - given));
        } else {
            gasket_add(context, GASKET_PAGERANK_SCALE, PLACES_LEFT, t);
            gasket_add(context, GASKET_PAGERANK_SCALE, PULLED_LEFT, pulled[v]);
        }
    }
}

/* ---- the driver ------------------------------------------------------------------------------ */

#define MAX_CHOICES 12 /* of s before it stands */
#define MAX_RESTS   50 /* until the tolerance is met */

/* What gasket_run_until_quiet is told after each look. */
typedef struct {
    GasketPagerankSettings *settings;
    double close; /* s has settled when it changes by less of itself */
    unsigned n_left;
} Chooser;

/* s as the totals have it. */
static double
fitting(const GasketRun *run, double damping)
{
    double given = gasket_run_total(run, GASKET_PAGERANK_SCALE, PUBLISHED);
    double kept = 1 - gasket_run_total(run, GASKET_PAGERANK_SCALE, PLACES_LEFT);
    double left = gasket_run_total(run, GASKET_PAGERANK_SCALE, PULLED_LEFT);
    double s = kept > 1e-9 ? ((1 - damping) * given + left) / kept : 0;

    return s > 0 && isfinite(s) ? s : 1 - damping;
}

/* What is not yet published, after a run until quiet. */
typedef struct {
    double total; /* sum of x */
    double all;   /* sum of |x - share strength| ... */
    double off;   /* ... of x - share strength ... */
    double small; /* ... and of the first where `least` is not exceeded */
} Rest;

static Scale
scale_outside(GasketRun *run, GasketPagerankSettings *settings)
{
    GasketContext context = *gasket_run_context(run, 0);

    context.parameters = settings;
    return scale_of(&context);
}

/* Adds up the rest of this worker, and collects the vertices that would publish more than `least`.
 */
static void
add_up(GasketRun *run, GasketPagerankSettings *settings, GasketVertexSet *ret_larger,
       Rest *ret_rest)
{
    const Scale scale = scale_outside(run, settings);
    const double *pulled = gasket_run_state(run, 0);
    const void *shares = gasket_run_values(run, 0);
    double sums[4] = {0, 0, 0, 0};

    gasket_vertex_set_clear(ret_larger);
    for (GasketVertex v = 0; v < gasket_run_n_owned(run, 0); v++) {
        double x = scale.settings->s * place(&scale, v) + pulled[v];
        sums[0] += x;
        if (scale.strength[v] <= 0)
            continue;
        double share = share_of(settings, shares, v);
        double rest = x - share * scale.strength[v];
        sums[1] += fabs(rest);
        sums[2] += rest;
        if (is_off(settings, x / scale.strength[v], share))
            gasket_vertex_set_add(ret_larger, v);
        else
            sums[3] += fabs(rest);
    }
    *ret_rest = (Rest){sums[0], sums[1], sums[2], sums[3]};
}

/* [all] The same of all workers. */
static bool
measure(GasketRun *run, GasketPagerankSettings *settings, GasketVertexSet *ret_larger,
        Rest *ret_rest, GError **error)
{
    add_up(run, settings, ret_larger, ret_rest);
    double sums[] = {ret_rest->total, ret_rest->all, ret_rest->off, ret_rest->small};
    if (!gasket_run_reduce_sum(run, sums, G_N_ELEMENTS(sums), error))
        return false;
    *ret_rest = (Rest){sums[0], sums[1], sums[2], sums[3]};
    return true;
}

/* Chooses s anew, and wakes those that would now publish, whom nothing else may wake. */
static void
choose(GasketRun *run, void *data)
{
    Chooser *chooser = data;
    GasketPagerankSettings *settings = chooser->settings;
    double before = settings->s;

    if (chooser->n_left == 0)
        return;
    settings->s = fitting(run, settings->damping);
    chooser->n_left--;
    if (fabs(settings->s - before) <= chooser->close * before)
        chooser->n_left = 0;
    g_autoptr(GasketVertexSet) larger = gasket_vertex_set_new(run, 0);
    Rest rest;
    add_up(run, settings, larger, &rest);
    gasket_run_wake(run, larger);
}

/* [all] A bound on changes of shares with which the rest of all is likely below the tolerance. */
static bool
first_least(GasketRun *run, double tolerance, double *ret_least, GError **error)
{
    const double *strength = gasket_run_context(run, 0)->out_strength;
    double sum = 0;

    for (GasketVertex v = 0; v < gasket_run_n_owned(run, 0); v++)
        sum += strength[v];
    if (!gasket_run_reduce_sum(run, &sum, 1, error))
        return false;
    *ret_least = sum > 0 ? 2 * tolerance / sum : 0;
    return true;
}

/* By how much one more step would change the ranks, at rest. */
static double
residual_of(const GasketPagerankSettings *settings, const Rest *rest)
{
    return settings->damping * (rest->all + fabs(rest->off)) / rest->total;
}

/* [all] Runs vertices until one more step would change the ranks by less than the tolerance. */
static bool
run_to_tolerance(GasketRun *run, const GasketProgram *program, GasketPagerankSettings *settings,
                 Rest *ret_rest, GError **error)
{
    const GasketProgram *const programs[] = {program};
    const double tolerance = gasket_run_tolerance(run);
    g_autoptr(GasketVertexSet) larger = gasket_vertex_set_new(run, 0);

    /* With --precision single there may be no getting below it. */
    for (unsigned times = 0; times < MAX_RESTS; times++) {
        if (!gasket_run_until_quiet(run, programs, 1, error) ||
            !measure(run, settings, larger, ret_rest, error))
            return false;
        if (!gasket_run_is_quiet(run) || residual_of(settings, ret_rest) < tolerance)
            return true;
        settings->s = fitting(run, settings->damping);
        if (!measure(run, settings, larger, ret_rest, error))
            return false;
        if (!(residual_of(settings, ret_rest) >= tolerance))
            return true;
        /* Publishing what is larger is not enough if the rest alone is too much. */
        double small = settings->damping * ret_rest->small / ret_rest->total / tolerance;
        if (small >= 0.9) {
            settings->least *= fmax(0.6 / small, 0.1);
            if (!measure(run, settings, larger, ret_rest, error))
                return false;
        }
        gasket_run_activate(run, larger);
    }
    return true;
}

bool
gasket_pagerank_run_dynamic(GasketRun *run, const GasketPagerankSettings *given,
                            const GasketProgram *iterated, GError **error)
{
    GasketPagerankSettings settings = *given;
    const GasketProgram program = {
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
    const GasketProgram scale = {
        .name = "scale",
        .apply = weigh,
        .changes = GASKET_CHANGES_NONE,
        .aggregates = 1 << GASKET_PAGERANK_SCALE | 1 << GASKET_PAGERANK_RESIDUAL,
        .parameters = &settings,
    };
    Chooser chooser = {&settings, 4 * gasket_run_tolerance(run), MAX_CHOICES};
    const GasketMeasure look = {.program = &scale,
                                .aggregate = GASKET_PAGERANK_RESIDUAL,
                                .enough = -INFINITY,
                                .then = choose,
                                .data = &chooser,
                                .updates = MAX(gasket_run_n_vertices(run, 0), 1)};
    double *state = gasket_run_state(run, 0);
    Rest rest;

    for (GasketVertex v = 0; v < gasket_run_n_owned(run, 0); v++)
        state[v] = 0; /* nothing is pulled yet */
    settings.s = 1 - settings.damping;
    if (!first_least(run, gasket_run_tolerance(run), &settings.least, error) ||
        !gasket_run_step(run, &scale, error))
        return false;
    settings.s = fitting(run, settings.damping);
    gasket_run_keep(run, &settings.s, sizeof settings.s);
    gasket_run_keep(run, &settings.least, sizeof settings.least);
    gasket_run_set_measure(run, &look);
    bool ok = run_to_tolerance(run, &program, &settings, &rest, error);
    gasket_run_set_measure(run, NULL);
    if (!ok)
        return false;
    const Scale last = scale_outside(run, &settings);
    for (GasketVertex v = 0; v < gasket_run_n_owned(run, 0); v++)
        state[v] = (settings.s * place(&last, v) + state[v]) / rest.total;
    return true;
}
