/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of variables: see factor_order.h.
 *
 * Cost: the colouring; 4 bytes a variable and 4 an entry of a scope; a turn touches the members of
 * its group alone.
 */
#include "factor_order.h"

#include <string.h>

static void *
new_array(uint64_t n, size_t size, GError **error)
{
    void *array = n < G_MAXSIZE / size ? g_try_malloc0(MAX((size_t)n, 1) * size) : NULL;
    if (array == NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                    "no memory for the order of variables");
    return array;
}

/* ---- publishing ------------------------------------------------------------------------------ */

static void
publish_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const FactorOrder *order = context->parameters;
    FactorValue *value = run->value;
    (void)sums;

    for (size_t i = 0; i < run->count; i++)
        value[run->vertex[i]] = (FactorValue){.group = order->group[run->vertex[i]], .state = -1};
}

static bool
publish(FactorOrder *order, GError **error)
{
    const GasketProgram program = {.name = "groups",
                                   .kind = order->kind,
                                   .apply = publish_apply,
                                   .parameters = order};
    return gasket_run_step(order->run, &program, error);
}

/* ---- lists by group -------------------------------------------------------------------------- */

/* Turns counts of groups (at index group + 1) into where each begins. */
static void
add_up(uint64_t *begin, uint32_t n)
{
    for (uint32_t g = 0; g < n; g++)
        begin[g + 1] += begin[g];
}

static bool
new_list(const FactorOrder *order, struct FactorMembers *members, uint64_t **ret_at, GError **error)
{
    members->begin = new_array((uint64_t)order->n_groups + 1, sizeof(uint64_t), error);
    if (members->begin == NULL)
        return false;
    *ret_at = new_array((uint64_t)order->n_groups + 1, sizeof(uint64_t), error);
    return *ret_at != NULL;
}

static bool
list_members(FactorOrder *order, uint32_t n, GError **error)
{
    struct FactorMembers *members = &order->of[order->kind];
    g_autofree uint64_t *at = NULL;

    if (!new_list(order, members, &at, error))
        return false;
    members->vertex = new_array(n, sizeof *members->vertex, error);
    if (members->vertex == NULL)
        return false;
    for (uint32_t v = 0; v < n; v++)
        members->begin[order->group[v] + 1]++;
    add_up(members->begin, order->n_groups);
    memcpy(at, members->begin, order->n_groups * sizeof *at);
    for (uint32_t v = 0; v < n; v++)
        members->vertex[at[order->group[v]]++] = v;
    return true;
}

static bool
list_next(FactorOrder *order, GError **error)
{
    const GasketRowSet set = {0, order->kind == GASKET_KIND_VARIABLE ? GASKET_IN : GASKET_OUT};
    struct FactorMembers *next = &order->of[!order->kind];
    g_autoptr(GasketRows) rows = gasket_run_rows(order->run, set, error);
    g_autofree uint64_t *at = NULL;

    if (rows == NULL || !new_list(order, next, &at, error))
        return false;
    const FactorValue *value = rows->values;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            next->begin[value[rows->neighbour[e]].group + 1]++;
    add_up(next->begin, order->n_groups);
    memcpy(at, next->begin, order->n_groups * sizeof *at);
    next->vertex = new_array(next->begin[order->n_groups], sizeof *next->vertex, error);
    if (next->vertex == NULL)
        return false;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            next->vertex[at[value[rows->neighbour[e]].group]++] = rows->vertex[r];
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

bool
factor_order_open(FactorOrder *order, const FactorModel *model, unsigned kind, GError **error)
{
    GasketRun *run = model->run;
    const uint32_t n = gasket_run_n_owned(run, kind);
    const GasketRowSet rows = {0, kind == GASKET_KIND_VARIABLE ? GASKET_OUT : GASKET_IN};

    *order = (FactorOrder){.run = run, .kind = kind};
    order->group = new_array(n, sizeof *order->group, error);
    if (order->group == NULL)
        return false;
    g_autoptr(GasketColouring) colouring = gasket_run_colour(run, rows, 2, error);
    if (colouring == NULL)
        return false;
    order->n_groups = gasket_colouring_n(colouring);
    for (uint32_t v = 0; v < n; v++)
        order->group[v] = gasket_colouring_of(colouring, v);
    if (!publish(order, error) || !list_members(order, n, error) || !list_next(order, error))
        return false;
    for (unsigned k = 0; k < 2; k++)
        order->of[k].set = gasket_vertex_set_new(run, k);
    return true;
}

void
factor_order_clear(FactorOrder *order)
{
    g_free(order->group);
    for (unsigned k = 0; k < 2; k++) {
        g_free(order->of[k].begin);
        g_free(order->of[k].vertex);
        gasket_vertex_set_free(order->of[k].set);
    }
    *order = (FactorOrder){0};
}

/* ---- turns ----------------------------------------------------------------------------------- */

static bool
step_on(FactorOrder *order, uint32_t group, const GasketProgram *program, GError **error)
{
    if (program == NULL)
        return true;
    const struct FactorMembers *members = &order->of[program->kind];
    const uint64_t first = members->begin[group], end = members->begin[group + 1];
    for (uint64_t i = first; i < end; i++)
        gasket_vertex_set_add(members->set, members->vertex[i]);
    bool ok = gasket_run_step_on(order->run, program, members->set, error);
    for (uint64_t i = first; i < end; i++)
        gasket_vertex_set_remove(members->set, members->vertex[i]);
    return ok;
}

bool
factor_order_turn(FactorOrder *order, uint32_t group, const GasketProgram *factors,
                  const GasketProgram *variables, GError **error)
{
    return step_on(order, group, factors, error) && step_on(order, group, variables, error);
}
