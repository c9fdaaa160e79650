/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trees of a splash: who is a root, and who belongs to it.
 *
 * A vertex publishes eight bytes, used twice in a round:
 *
 *   | stamp: 22 bits | change: 12 bits | hash of the number: 30 bits |    the largest within reach
 *   | stamp + 1      | level                                         |    its place in a tree
 *
 * Stamps grow, so what earlier rounds left counts as nothing and is never cleared. The change is
 * the head of a float: within a sixteenth of one another the hash decides, so that a level field
 * has roots all over it and not in one corner.
 *
 * Invariant: each vertex of a tree but its root has one parent, on the level before. So trees are
 * disjoint.
 */
#include "bp_splash.h"

#define STAMP_SHIFT 42

static const GasketRowSet rows_of[2][1] = {
    {{.relation = 0, .direction = GASKET_OUT}},
    {{.relation = 0, .direction = GASKET_IN}},
};

/* ---- roots ----------------------------------------------------------------------------------- */

static uint64_t
key_of(const BpSplash *splash, const GasketContext *context, GasketVertex v)
{
    const uint32_t hash = context->number[v] * UINT32_C(2654435769) >> 2;
    uint32_t bits;
    memcpy(&bits, &splash->trees.change[v], sizeof bits);
    return splash->stamp << STAMP_SHIFT | (uint64_t)(bits >> 19) << 30 | hash;
}

static void
stand_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    uint64_t *value = run->value;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        value[run->vertex[i]] = key_of(context->parameters, context, run->vertex[i]);
        run->changed[i] = 1;
    }
}

static void
largest_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint64_t *value = rows->values;
    uint64_t *sum = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] = MAX(sum[rows->sum[r]], value[rows->neighbour[e]]);
}

static void
largest_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint64_t *sum = sums, *before = run->published;
    uint64_t *value = run->value;
    (void)context;
    for (size_t i = 0; i < run->count; i++) {
        if (sum[run->sum[i]] <= before[run->vertex[i]])
            continue;
        value[run->vertex[i]] = sum[run->sum[i]];
        run->changed[i] = 1;
    }
}

void
bp_splash_rest(BpSplash *splash)
{
    for (unsigned k = 0; k < 2; k++)
        gasket_run_activate(splash->run, splash->side[k].nobody);
}

/* [all] The variables that may be roots, into their set. */
static void
choose_candidates(BpSplash *splash)
{
    const float *change = splash->trees.change;
    const uint32_t n = splash->settings->model->n_variables;
    GasketVertexSet *set = splash->side[GASKET_KIND_VARIABLE].set;

    for (GasketVertex v = 0; v < n; v++)
        if (change[v] >= splash->least)
            gasket_vertex_set_add(set, v);
}

/* [all] The largest key within reach of each vertex. */
static bool
spread_keys(BpSplash *splash, GError **error)
{
    const GasketProgram stand = {.name = "stand",
                                 .kind = GASKET_KIND_VARIABLE,
                                 .rows = rows_of[GASKET_KIND_VARIABLE],
                                 .n_rows = 1,
                                 .apply = stand_apply,
                                 .changes = GASKET_CHANGES_MARKED,
                                 .wakes = GASKET_WAKES_READERS,
                                 .parameters = splash};
    if (!gasket_run_step_on(splash->run, &stand, splash->side[GASKET_KIND_VARIABLE].set, error))
        return false;
    for (uint32_t hop = 0; hop < 2 * splash->depth; hop++) {
        const unsigned kind = hop % 2 == 0 ? GASKET_KIND_FACTOR : GASKET_KIND_VARIABLE;
        const GasketProgram largest = {.name = "largest",
                                       .kind = kind,
                                       .rows = rows_of[kind],
                                       .n_rows = 1,
                                       .sum_size = sizeof(uint64_t),
                                       .gather = largest_gather,
                                       .apply = largest_apply,
                                       .changes = GASKET_CHANGES_MARKED,
                                       .wakes = GASKET_WAKES_READERS};
        if (!gasket_run_step(splash->run, &largest, error))
            return false;
        if (gasket_run_n_changed(splash->run, kind) == 0)
            break;
    }
    return true;
}

/* ---- trees ----------------------------------------------------------------------------------- */

static void
join(BpSplash *splash, const GasketVertices *run, size_t i, unsigned kind, int32_t parent)
{
    const GasketVertex v = run->vertex[i];
    BpSplashSide *side = &splash->side[kind];

    splash->trees.parent[kind][v] = parent;
    ((uint64_t *)run->value)[v] = splash->stamp << STAMP_SHIFT | splash->n_levels;
    run->changed[i] = 1;
    side->joined[atomic_fetch_add_explicit(&side->n_joined, 1, memory_order_relaxed)] = v;
}

static void
root_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    BpSplash *splash = (BpSplash *)context->parameters;
    const uint64_t *before = run->published;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        if (before[run->vertex[i]] ==
            key_of(splash, context, run->vertex[i]) - (UINT64_C(1) << STAMP_SHIFT))
            join(splash, run, i, GASKET_KIND_VARIABLE, BP_NO_PARENT);
}

static void
grow_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    BpSplash *splash = (BpSplash *)context->parameters;
    const GasketRows *rows = run->rows;
    const uint64_t *value = rows->values, *before = run->published;
    const uint64_t stamp = splash->stamp << STAMP_SHIFT;
    const int32_t *position = rows->column[GASKET_SCOPE_POSITION].data;
    const unsigned kind = splash->n_levels % 2;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        if (before[v] >= stamp ||
            (kind == GASKET_KIND_VARIABLE && splash->trees.change[v] < splash->tolerance))
            continue;
        uint64_t e = rows->begin[i];
        while (value[rows->neighbour[e]] != (stamp | (splash->n_levels - 1)))
            e++;
        join(splash, run, i, kind,
             kind == GASKET_KIND_VARIABLE ? (int32_t)(e - rows->begin[i]) : position[e]);
    }
}

/* [all] Trees from the roots among the candidates, level by level. */
static bool
grow_trees(BpSplash *splash, GError **error)
{
    const GasketProgram roots = {.name = "roots",
                                 .kind = GASKET_KIND_VARIABLE,
                                 .rows = rows_of[GASKET_KIND_VARIABLE],
                                 .n_rows = 1,
                                 .apply = root_apply,
                                 .changes = GASKET_CHANGES_MARKED,
                                 .wakes = GASKET_WAKES_READERS,
                                 .parameters = splash};
    const uint32_t most = 2 * splash->depth + 2; /* the last level is of factors */

    bp_splash_rest(splash);
    splash->n_levels = 0;
    for (unsigned k = 0; k < 2; k++)
        splash->side[k].n_joined = 0;
    for (uint32_t level = 0; level < most; level++) {
        const unsigned kind = level % 2;
        const GasketProgram grow = {.name = "grow",
                                    .kind = kind,
                                    .rows = rows_of[kind],
                                    .n_rows = 1,
                                    .whole_rows = true,
                                    .apply = grow_apply,
                                    .changes = GASKET_CHANGES_MARKED,
                                    .wakes = GASKET_WAKES_READERS,
                                    .parameters = splash};
        for (unsigned k = 0; k < 2; k++)
            splash->side[k].begin[level] = splash->side[k].n_joined;
        if (level == 0 ? !gasket_run_step_on(splash->run, &roots, splash->side[0].set, error)
                       : !gasket_run_step(splash->run, &grow, error))
            return false;
        if (gasket_run_n_changed(splash->run, kind) == 0)
            break;
        splash->n_levels++;
    }
    for (unsigned k = 0; k < 2; k++)
        splash->side[k].begin[splash->n_levels] = splash->side[k].n_joined;
    return true;
}

bool
bp_splash_grow(BpSplash *splash, GError **error)
{
    splash->stamp++;
    bp_splash_rest(splash);
    choose_candidates(splash);
    bool ok = spread_keys(splash, error);
    splash->stamp++;
    ok = ok && grow_trees(splash, error);
    gasket_vertex_set_clear(splash->side[GASKET_KIND_VARIABLE].set);
    return ok;
}
