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
                                   .kind = GASKET_KIND_VARIABLE,
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
list_variables(FactorOrder *order, uint32_t n, GError **error)
{
    order->variable_begin = new_array((uint64_t)order->n_groups + 1, sizeof(uint64_t), error);
    if (order->variable_begin == NULL)
        return false;
    order->variable = new_array(n, sizeof *order->variable, error);
    g_autofree uint64_t *at = new_array((uint64_t)order->n_groups + 1, sizeof *at, error);
    if (order->variable == NULL || at == NULL)
        return false;
    for (uint32_t v = 0; v < n; v++)
        order->variable_begin[order->group[v] + 1]++;
    add_up(order->variable_begin, order->n_groups);
    memcpy(at, order->variable_begin, order->n_groups * sizeof *at);
    for (uint32_t v = 0; v < n; v++)
        order->variable[at[order->group[v]]++] = v;
    return true;
}

static bool
list_factors(FactorOrder *order, GError **error)
{
    g_autoptr(GasketRows) rows = gasket_run_rows(order->run, (GasketRowSet){0, GASKET_IN}, error);
    if (rows == NULL)
        return false;
    const FactorValue *value = rows->values;
    order->factor_begin = new_array((uint64_t)order->n_groups + 1, sizeof(uint64_t), error);
    g_autofree uint64_t *at = new_array((uint64_t)order->n_groups + 1, sizeof *at, error);
    if (order->factor_begin == NULL || at == NULL)
        return false;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            order->factor_begin[value[rows->neighbour[e]].group + 1]++;
    add_up(order->factor_begin, order->n_groups);
    memcpy(at, order->factor_begin, order->n_groups * sizeof *at);
    order->factor = new_array(order->factor_begin[order->n_groups], sizeof *order->factor, error);
    if (order->factor == NULL)
        return false;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            order->factor[at[value[rows->neighbour[e]].group]++] = rows->vertex[r];
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

bool
factor_order_open(FactorOrder *order, const FactorModel *model, GError **error)
{
    GasketRun *run = model->run;

    *order = (FactorOrder){.run = run};
    order->group = new_array(model->n_variables, sizeof *order->group, error);
    if (order->group == NULL)
        return false;
    g_autoptr(GasketColouring) colouring =
        gasket_run_colour(run, (GasketRowSet){0, GASKET_OUT}, 2, error);
    if (colouring == NULL)
        return false;
    order->n_groups = gasket_colouring_n(colouring);
    for (uint32_t v = 0; v < model->n_variables; v++)
        order->group[v] = gasket_colouring_of(colouring, v);
    if (!publish(order, error) || !list_variables(order, model->n_variables, error) ||
        !list_factors(order, error))
        return false;
    order->variable_set = gasket_vertex_set_new(run, GASKET_KIND_VARIABLE);
    order->factor_set = gasket_vertex_set_new(run, GASKET_KIND_FACTOR);
    return true;
}

void
factor_order_clear(FactorOrder *order)
{
    g_free(order->group);
    g_free(order->variable_begin);
    g_free(order->variable);
    g_free(order->factor_begin);
    g_free(order->factor);
    gasket_vertex_set_free(order->variable_set);
    gasket_vertex_set_free(order->factor_set);
    *order = (FactorOrder){0};
}

/* ---- turns ----------------------------------------------------------------------------------- */

static bool
step_on(GasketRun *run, const GasketProgram *program, GasketVertexSet *set,
        const GasketVertex *member, uint64_t n, GError **error)
{
    for (uint64_t i = 0; i < n; i++)
        gasket_vertex_set_add(set, member[i]);
    bool ok = gasket_run_step_on(run, program, set, error);
    for (uint64_t i = 0; i < n; i++)
        gasket_vertex_set_remove(set, member[i]);
    return ok;
}

bool
factor_order_turn(FactorOrder *order, uint32_t group, const GasketProgram *factors,
                  const GasketProgram *variables, GError **error)
{
    const uint64_t *f = order->factor_begin + group, *v = order->variable_begin + group;
    return (factors == NULL || step_on(order->run, factors, order->factor_set, order->factor + f[0],
                                       f[1] - f[0], error)) &&
           (variables == NULL || step_on(order->run, variables, order->variable_set,
                                         order->variable + v[0], v[1] - v[0], error));
}
