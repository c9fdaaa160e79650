/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Belief propagation without cycles: every message once inwards, once outwards, and exact.
 *
 * Leaves are peeled off in rounds, variables and factors in turn: who has at most one neighbour
 * left, its parent, goes. Without cycles everything goes; the rounds are the levels.
 *
 *   level 0   o   o   o       inwards:   level 0, 1, 2 ... each when all but its parent have sent
 *              \ /    |       outwards:  ... 2, 1, 0: each when its parent has sent too
 *   level 1     f     f
 *                \   /
 *   level 2        o
 *
 * Cost: each vertex twice; steps: four times the levels, which are half as many as the longest path
 * has vertices.
 */
#include "bp.h"

#define NOT_PEELED UINT32_MAX

struct BpForest {
    GasketRun *run;
    uint32_t n_levels;
    struct BpSide {
        unsigned kind;
        uint32_t n;
        uint32_t *level;      /* [n] */
        uint64_t *begin;      /* [n_levels + 1] */
        GasketVertex *vertex; /* [n] by level */
        GasketVertexSet *set;
    } side[2]; /* variables, factors */
    uint32_t round;
};

static const GasketRowSet rows_of[2][1] = {
    {{.relation = 0, .direction = GASKET_OUT}},
    {{.relation = 0, .direction = GASKET_IN}},
};

/* ---- peeling --------------------------------------------------------------------------------- */

static void
reset_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    FactorValue *value = run->value;
    (void)context;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        value[run->vertex[i]] = (FactorValue){.group = NOT_PEELED, .state = -1};
}

/* Counts the neighbours that are left. */
static void
peel_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const FactorValue *value = rows->values;
    uint32_t *sum = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] += value[rows->neighbour[e]].group == NOT_PEELED;
}

typedef struct {
    uint32_t *level; /* [n_owned] */
    uint32_t round;
} Peel;

static void
peel_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Peel *peel = context->parameters;
    FactorValue *value = run->value;
    const uint32_t *left = sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        if (peel->level[v] != NOT_PEELED || left[run->sum[i]] > 1)
            continue;
        peel->level[v] = peel->round;
        value[v] = (FactorValue){.group = peel->round, .state = -1};
        run->changed[i] = 1;
    }
}

static bool
peel_all(BpForest *forest, GError **error)
{
    uint64_t changed = 1;

    for (unsigned k = 0; k < 2; k++) {
        const GasketProgram reset = {.name = "reset", .kind = k, .apply = reset_apply};
        if (!gasket_run_step(forest->run, &reset, error))
            return false;
    }
    for (; changed > 0; forest->n_levels++) {
        changed = 0;
        for (unsigned k = 0; k < 2; k++) {
            const Peel peel = {.level = forest->side[k].level, .round = forest->n_levels};
            const GasketProgram program = {.name = "peel",
                                           .kind = k,
                                           .rows = rows_of[k],
                                           .n_rows = 1,
                                           .sum_size = sizeof(uint32_t),
                                           .gather = peel_gather,
                                           .apply = peel_apply,
                                           .changes = GASKET_CHANGES_MARKED,
                                           .wakes = GASKET_WAKES_READERS,
                                           .parameters = &peel};
            if (!gasket_run_step(forest->run, &program, error))
                return false;
            changed += gasket_run_n_changed(forest->run, k);
        }
    }
    return true;
}

/* ---- levels ---------------------------------------------------------------------------------- */

static void *
new_array(uint64_t n, size_t size, GError **error)
{
    void *array = n < G_MAXSIZE / size ? g_try_malloc0(MAX((size_t)n, 1) * size) : NULL;
    if (array == NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for the levels of a tree");
    return array;
}

static bool
list_levels(BpForest *forest, struct BpSide *side, GError **error)
{
    side->begin = new_array((uint64_t)forest->n_levels + 2, sizeof *side->begin, error);
    if (side->begin == NULL)
        return false;
    side->vertex = new_array(side->n, sizeof *side->vertex, error);
    if (side->vertex == NULL)
        return false;
    uint64_t *at = side->begin + 1; /* shifted by one, so that filling leaves the beginnings */
    for (uint32_t v = 0; v < side->n; v++)
        at[side->level[v] + 1]++;
    for (uint32_t l = 0; l < forest->n_levels; l++)
        at[l + 1] += at[l];
    for (uint32_t v = 0; v < side->n; v++)
        side->vertex[at[side->level[v]]++] = v;
    side->set = gasket_vertex_set_new(forest->run, side->kind);
    return true;
}

static bool
count_left(BpForest *forest, double *ret_left, GError **error)
{
    *ret_left = 0;
    for (unsigned k = 0; k < 2; k++)
        for (uint32_t v = 0; v < forest->side[k].n; v++)
            *ret_left += forest->side[k].level[v] == NOT_PEELED;
    return gasket_run_reduce_sum(forest->run, ret_left, 1, error);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BpForest, bp_forest_free)

bool
bp_forest_find(const FactorModel *model, BpForest **ret_forest, GError **error)
{
    GasketRun *run = model->run;
    const uint64_t n = (uint64_t)gasket_run_n_vertices(run, GASKET_KIND_VARIABLE) +
                       gasket_run_n_vertices(run, GASKET_KIND_FACTOR);
    double left;

    *ret_forest = NULL;
    if (gasket_run_n_edges(run, 0) >= n) /* a forest has fewer */
        return true;
    if (!bp_publish_factors(run, error))
        return false;
    g_autoptr(BpForest) forest = g_new0(BpForest, 1);
    forest->run = run;
    for (unsigned k = 0; k < 2; k++) {
        struct BpSide *side = &forest->side[k];
        side->kind = k;
        side->n = k == GASKET_KIND_VARIABLE ? model->n_variables : model->n_factors;
        side->level = new_array(side->n, sizeof *side->level, error);
        if (side->level == NULL)
            return false;
        for (uint32_t v = 0; v < side->n; v++)
            side->level[v] = NOT_PEELED;
    }
    if (!peel_all(forest, error) || !count_left(forest, &left, error))
        return false;
    if (left > 0)
        return true;
    for (unsigned k = 0; k < 2; k++)
        if (!list_levels(forest, &forest->side[k], error))
            return false;
    *ret_forest = g_steal_pointer(&forest);
    return true;
}

void
bp_forest_free(BpForest *forest)
{
    if (forest == NULL)
        return;
    for (unsigned k = 0; k < 2; k++) {
        g_free(forest->side[k].level);
        g_free(forest->side[k].begin);
        g_free(forest->side[k].vertex);
        gasket_vertex_set_free(forest->side[k].set);
    }
    g_free(forest);
}

/* ---- passes ---------------------------------------------------------------------------------- */

static bool
run_level(BpForest *forest, BpSettings *settings, unsigned kind, uint32_t level, GError **error)
{
    struct BpSide *side = &forest->side[kind];
    const GasketProgram program =
        kind == GASKET_KIND_VARIABLE ? bp_variable_program(settings) : bp_factor_program(settings);

    for (uint64_t i = side->begin[level]; i < side->begin[level + 1]; i++)
        gasket_vertex_set_add(side->set, side->vertex[i]);
    bool ok = gasket_run_step_on(forest->run, &program, side->set, error);
    for (uint64_t i = side->begin[level]; i < side->begin[level + 1]; i++)
        gasket_vertex_set_remove(side->set, side->vertex[i]);
    return ok;
}

/* The i-th of the steps of a pass inwards, or outwards. */
static bool
run_turn(BpForest *forest, BpSettings *settings, uint64_t i, bool inwards, GError **error)
{
    uint64_t turn = inwards ? i : 2 * (uint64_t)forest->n_levels - 1 - i;
    return run_level(forest, settings, turn % 2, (uint32_t)(turn / 2), error);
}

bool
bp_forest_pass(BpForest *forest, BpSettings *settings, BpOutcome *ret_outcome, GError **error)
{
    const uint64_t n = 2 * (uint64_t)forest->n_levels;

    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint64_t i = 0; i < n; i++) {
            if (!run_turn(forest, settings, i, /* inwards= */ pass == 0, error))
                return false;
            *ret_outcome = bp_outcome(forest->run, settings);
            if (*ret_outcome != BP_DONE)
                return true;
        }
    }
    return true;
}

bool
bp_forest_decode(BpForest *forest, BpSettings *settings, GError **error)
{
    bool ok = true;

    settings->decide = true;
    for (uint64_t i = 0; ok && i < 2 * (uint64_t)forest->n_levels; i++)
        ok = run_turn(forest, settings, i, /* inwards= */ false, error);
    settings->decide = false;
    return ok;
}
