/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splash belief propagation: trees grown where beliefs have changed most, each swept from its
 * leaves to its root and back, all at once and the same for every placement.
 *
 *   r        a root: no variable within `depth` of it has changed more, and its change is not far
 *   │        below the largest of all
 *   f   f    a factor belongs to the first tree that reaches it, ...
 *   │   │
 *   v   v    ... a variable too, if its belief has changed enough; else the tree ends at f
 *
 * A round: who is a root; trees, level by level; inwards, each sends to its parent alone; outwards,
 * to all but its parent; factors that a change has come to after their turn send once more; how far
 * beliefs are now from those that were sent on. A variable whose belief is near the one that it
 * sent on rests. It ends when all rest.
 *
 * Invariant: what has changed by the tolerance since it was last used is in somebody's `change`, or
 * wakes a factor that sends before the round ends.
 *
 * Cost: a round has about 8 * depth steps, each on the vertices that it concerns.
 *
 * References: J. Gonzalez, Y. Low, C. Guestrin, Residual splash for optimally parallelizing belief
 * propagation, AISTATS 2009; with D. O'Hallaron, Distributed parallel inference on large factor
 * graphs, UAI 2009 (trees that end where nothing has changed).
 */
#include "bp_splash.h"

#include <gasket/algorithm.h>

#define ROOT_SHARE 0.3 /* a root's change is at least this share of the largest */
#define PIECES     8   /* iterations for as many messages as a sweep has */

static const GasketRowSet variable_rows[] = {{.relation = 0, .direction = GASKET_OUT}};

/* ---- sweeps ---------------------------------------------------------------------------------- */

/* A variable that leads to a factor wakes it if the message there has changed since inwards: others
 * in its row have sent to it meanwhile. */
static void
variable_scatter(const GasketContext *context, const GasketRows *rows)
{
    const BpSettings *settings = context->parameters;
    const FactorModel *model = settings->model;
    const BpTrees *trees = settings->residual->trees;
    double *old = (double *)(void *)((char *)context->scratch + settings->scratch);
    BpSeen seen = {0};

    for (size_t r = 0; r < rows->count; r++) {
        const size_t n = (size_t)model->cardinality[rows->vertex[r]];
        const int32_t parent = trees->parent[GASKET_KIND_VARIABLE][rows->vertex[r]];
        const uint64_t e = rows->begin[r] + (uint64_t)parent;
        if (trees->inwards || parent == BP_NO_PARENT) {
            bp_update_variable(context, rows, r, &seen);
            continue;
        }
        const double *message = factor_out(rows, e, model->uniform);
        memcpy(old, message, n * sizeof *old);
        bp_update_variable(context, rows, r, &seen);
        const double change = factor_distance(model->domain, old, message, n);
        if (change >= settings->residual->tolerance)
            gasket_wake(context, rows, e, (float)change);
    }
    bp_tell(context, &seen);
}

/* A factor without children has nothing new for its parent. */
static bool
has_child(const BpTrees *trees, const GasketRows *rows, size_t r)
{
    const int32_t *position = rows->column[GASKET_SCOPE_POSITION].data;
    const int32_t parent = trees->parent[GASKET_KIND_FACTOR][rows->vertex[r]];
    const uint64_t *value = rows->values;
    uint64_t level = 0;

    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
        if (position[e] == parent)
            level = value[rows->neighbour[e]];
    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
        if (value[rows->neighbour[e]] == level + 2)
            return true;
    return false;
}

static void
factor_scatter(const GasketContext *context, const GasketRows *rows)
{
    const BpSettings *settings = context->parameters;
    const BpTrees *trees = settings->residual->trees;
    BpSeen seen = {0};

    for (size_t r = 0; r < rows->count; r++)
        if (!trees->inwards || has_child(trees, rows, r))
            bp_update_factor(context, rows, r, &seen);
    bp_tell(context, &seen);
}

/* [all] One level of all trees. */
static bool
send_level(BpSplash *splash, uint32_t level, GError **error)
{
    const unsigned kind = level % 2;
    const BpSplashSide *side = &splash->side[kind];
    GasketProgram program = kind == GASKET_KIND_VARIABLE ? bp_variable_program(splash->settings)
                                                         : bp_factor_program(splash->settings);

    program.scatter = kind == GASKET_KIND_VARIABLE ? variable_scatter : factor_scatter;
    program.scratch_size += splash->settings->model->max_cardinality * sizeof(double);
    program.wakes = GASKET_WAKES_CHOSEN;
    for (uint32_t i = side->begin[level]; i < side->begin[level + 1]; i++)
        gasket_vertex_set_add(side->set, side->joined[i]);
    bool ok = gasket_run_step_on(splash->run, &program, side->set, error);
    for (uint32_t i = side->begin[level]; i < side->begin[level + 1]; i++)
        gasket_vertex_set_remove(side->set, side->joined[i]);
    if (ok && kind == GASKET_KIND_FACTOR)
        splash->left -= gasket_run_total_count(splash->run, BP_UPDATES, 0);
    splash->outcome = ok ? bp_outcome(splash->run, splash->settings) : BP_DONE;
    return ok;
}

/* [all] The trees inwards and outwards. */
static bool
sweep_trees(BpSplash *splash, GError **error)
{
    BpResidual *residual = splash->settings->residual;
    bool ok = true;

    bp_splash_rest(splash);
    residual->trees = &splash->trees;
    splash->trees.inwards = true;
    for (uint32_t level = splash->n_levels; ok && splash->outcome == BP_DONE && level-- > 1;)
        ok = send_level(splash, level, error);
    splash->trees.inwards = false;
    for (uint32_t level = 0; ok && splash->outcome == BP_DONE && level < splash->n_levels; level++)
        ok = send_level(splash, level, error);
    residual->trees = NULL;
    return ok;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* How far a variable's belief is from the one that it last sent on; no less than what woke it. */
static void
measure_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const BpSplash *splash = context->parameters;
    const BpSettings *settings = splash->settings;
    double *belief = context->scratch;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const size_t n = (size_t)settings->model->cardinality[v];
        (void)bp_belief(settings->model, run->rows, i, belief, n);
        splash->trees.change[v] =
            (float)factor_distance(settings->model->domain, belief,
                                   settings->marginal + settings->marginal_begin[v], n);
    }
}

/* [all] Factors that are woken send to all; then woken variables look at what they have received;
 * the largest change of all. */
static bool
settle(BpSplash *splash, double *ret_largest, GError **error)
{
    GasketProgram factors = bp_factor_program(splash->settings);
    const GasketProgram measure = {.name = "measure",
                                   .kind = GASKET_KIND_VARIABLE,
                                   .rows = variable_rows,
                                   .n_rows = 1,
                                   .apply = measure_apply,
                                   .changes = GASKET_CHANGES_NONE,
                                   .wakes = GASKET_WAKES_CHOSEN,
                                   .scratch_size = splash->settings->scratch,
                                   .parameters = splash};

    *ret_largest = 0;
    factors.wakes = GASKET_WAKES_CHOSEN;
    if (!gasket_run_step(splash->run, &factors, error))
        return false;
    splash->left -= gasket_run_total_count(splash->run, BP_UPDATES, 0);
    splash->outcome = bp_outcome(splash->run, splash->settings);
    if (splash->outcome != BP_DONE)
        return true;
    if (!gasket_run_step(splash->run, &measure, error))
        return false;
    for (GasketVertex v = 0; v < splash->settings->model->n_variables; v++)
        *ret_largest = MAX(*ret_largest, splash->trees.change[v]);
    return gasket_run_reduce_max(splash->run, ret_largest, 1, error);
}

/* [all] Trees about what has changed by a share of `largest`. */
static bool
splash_once(BpSplash *splash, double largest, GError **error)
{
    splash->least = MAX((float)(ROOT_SHARE * largest), splash->tolerance);
    return bp_splash_grow(splash, error) && sweep_trees(splash, error);
}

static void
reset_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    uint64_t *value = run->value;
    (void)context;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        value[run->vertex[i]] = 0;
}

/* [all] Everybody speaks once. */
static bool
speak(BpSplash *splash, GError **error)
{
    GasketProgram variables = bp_variable_program(splash->settings);

    for (unsigned k = 0; k < 2; k++) {
        const GasketProgram reset = {.name = "reset", .kind = k, .apply = reset_apply};
        if (!gasket_run_step(splash->run, &reset, error))
            return false;
    }
    variables.wakes = GASKET_WAKES_CHOSEN;
    if (!gasket_run_step(splash->run, &variables, error))
        return false;
    splash->outcome = bp_outcome(splash->run, splash->settings);
    return true;
}

static void
splash_clear(BpSplash *splash)
{
    g_free(splash->trees.change);
    for (unsigned k = 0; k < 2; k++) {
        g_free(splash->trees.parent[k]);
        g_free(splash->side[k].joined);
        g_free(splash->side[k].begin);
        gasket_vertex_set_free(splash->side[k].set);
        gasket_vertex_set_free(splash->side[k].nobody);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BpSplash, splash_clear)

static bool
splash_open(BpSplash *splash, GError **error)
{
    const FactorModel *model = splash->settings->model;
    const uint32_t n[2] = {model->n_variables, model->n_factors};
    bool ok = true;

    splash->trees.change = g_try_malloc0_n((size_t)n[0] + 1, sizeof *splash->trees.change);
    ok = splash->trees.change != NULL;
    for (unsigned k = 0; k < 2; k++) {
        BpSplashSide *side = &splash->side[k];
        splash->trees.parent[k] = g_try_malloc0_n((size_t)n[k] + 1, sizeof(int32_t));
        side->joined = g_try_malloc0_n((size_t)n[k] + 1, sizeof *side->joined);
        side->begin = g_try_malloc0_n(2 * (size_t)splash->depth + 3, sizeof *side->begin);
        side->set = gasket_vertex_set_new(splash->run, k);
        side->nobody = gasket_vertex_set_new(splash->run, k);
        ok = ok && splash->trees.parent[k] != NULL && side->joined != NULL && side->begin != NULL;
    }
    if (!ok)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for trees");
    return ok && bp_publish_factors(splash->run, error);
}

/* Rounds are no sweeps: how many there are says nothing about convergence. */
static bool
goes_on(const BpSplash *splash, BpDamping *damping, double largest)
{
    if (splash->outcome != BP_DONE || largest < splash->tolerance || splash->left <= 0 ||
        splash->stamp >= BP_LAST_STAMP || damping->exhausted)
        return false;
    bp_damping_watch(damping, splash->settings, largest, splash->tolerance);
    damping->sweeps = 0;
    return true;
}

bool
bp_splash_run(Bp *bp, int64_t most, BpOutcome *ret_outcome, GError **error)
{
    g_auto(BpSplash) splash = {.run = bp->run,
                               .settings = &bp->settings,
                               .depth = bp->depth,
                               .tolerance = (float)bp->settings.residual->tolerance,
                               .left = most};
    BpDamping damping = {.automatic = bp->damping.automatic};
    double largest = 0;

    if (!splash_open(&splash, error) || !speak(&splash, error) ||
        (splash.outcome == BP_DONE && !settle(&splash, &largest, error)))
        return false;
    bool more = goes_on(&splash, &damping, largest);
    while (more && gasket_run_continues(bp->run)) {
        const int64_t enough = splash.left - (int64_t)gasket_run_n_edges(bp->run, 0) / PIECES;
        do {
            if (!splash_once(&splash, largest, error) ||
                (splash.outcome == BP_DONE && !settle(&splash, &largest, error)))
                return false;
            more = goes_on(&splash, &damping, largest);
        } while (more && splash.left > enough);
        gasket_run_end_iteration(bp->run, largest, false);
    }
    *ret_outcome = splash.outcome;
    return true;
}
