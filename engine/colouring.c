/* SPDX-License-Identifier: Apache-2.0 */
/* A colouring's life and its sets. See colouring.h; the colours are found in colour.c. */
#include "engine/colouring.h"

#include "engine/array.h"
#include "engine/rows_use.h"
#include "engine/stale.h"

void
gasket_colouring_free(GasketColouring *colouring)
{
    if (colouring == NULL)
        return;
    gasket_array_free(colouring->colour);
    gasket_array_free(colouring->by_colour);
    gasket_array_free(colouring->begin);
    gasket_vertex_set_free(colouring->set);
    g_free(colouring);
}

/* Lists the vertices by colour: a counting sort. */
static bool
list_by_colour(GasketColouring *colouring, GError **error)
{
    uint32_t n = colouring->n_owned, n_colours = colouring->n_colours;

    colouring->begin = gasket_array_new((uint64_t)n_colours + 1, sizeof(uint32_t), error);
    if (colouring->begin == NULL)
        return false;
    colouring->by_colour = gasket_array_new(n, sizeof(GasketVertex), error);
    if (colouring->by_colour == NULL)
        return false;
    uint32_t *begin = colouring->begin;
    for (GasketVertex v = 0; v < n; v++)
        begin[colouring->colour[v] + 1]++;
    for (uint32_t c = 0; c < n_colours; c++)
        begin[c + 1] += begin[c];
    for (GasketVertex v = 0; v < n; v++)
        colouring->by_colour[begin[colouring->colour[v]]++] = v;
    for (uint32_t c = n_colours; c > 0; c--)
        begin[c] = begin[c - 1];
    begin[0] = 0;
    return true;
}

/* What follows once every vertex has its colour. */
static bool
finish(const GasketRun *run, GasketColouring *colouring, GError **error)
{
    if (!list_by_colour(colouring, error))
        return false;
    colouring->set = gasket_vertex_set_new(run, colouring->kind);
    colouring->set_colour = colouring->n_colours;
    return true;
}

GasketColouring *
gasket_run_colour(GasketRun *run, GasketRowSet rows, unsigned distance, GError **error)
{
    if (rows.relation >= run->part->n_relations ||
        !gasket_run_part_rows(run, rows.relation, rows.direction)->standing) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a colouring needs rows that the algorithm did not ask for");
        return NULL;
    }
    if (distance != 1 && distance != 2) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "found a colouring at distance %u, expected 1 or 2", distance);
        return NULL;
    }
    if (!gasket_stale_settle(run, error))
        return NULL;
    const GasketPartRelation *relation = &run->part->relations[rows.relation];
    g_autoptr(GasketColouring) colouring = g_new0(GasketColouring, 1);
    colouring->kind = gasket_part_row_kind(relation, rows.direction);
    colouring->n_owned = run->part->kinds[colouring->kind].n_owned;
    if (!gasket_rows_need_whole(run, rows.relation, rows.direction, error))
        return NULL;
    colouring->colour = gasket_colour_vertices(run, rows, distance, &colouring->n_colours, error);
    return colouring->colour != NULL && finish(run, colouring, error) ? g_steal_pointer(&colouring)
                                                                      : NULL;
}

/* The owned vertices' colours as the column has them. NULL: one is out of range, on some worker. */
static uint32_t *
colours_of_column(GasketRun *run, unsigned kind, const GasketColumn *column,
                  uint32_t *ret_n_colours, GError **error)
{
    const uint32_t n_owned = run->part->kinds[kind].n_owned, n = run->part->kinds[kind].n_global;
    const uint32_t *given = column->data; /* a negative int32 is out of range as uint32 too */
    double last = -1;
    for (GasketVertex v = 0; v < n_owned; v++)
        last = MAX(last, (double)given[v]);
    if (!gasket_run_reduce_max(run, &last, 1, error))
        return NULL;
    if (last >= n) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "column %s: found colour %.0f, expected 0 to %u, as many as there are vertices",
                    column->name, last, n - 1);
        return NULL;
    }
    uint32_t *colour = gasket_array_new(n_owned, sizeof *colour, error);
    for (GasketVertex v = 0; colour != NULL && v < n_owned; v++)
        colour[v] = given[v];
    *ret_n_colours = (uint32_t)(last + 1);
    return colour;
}

GasketColouring *
gasket_run_colour_by(GasketRun *run, unsigned kind, unsigned column, GError **error)
{
    const GasketContext *context = kind < run->part->n_kinds ? gasket_run_context(run, kind) : NULL;
    if (context == NULL || column >= context->n_columns ||
        (context->column[column].type != GASKET_INT32 &&
         context->column[column].type != GASKET_UINT32) ||
        context->column[column].length != 1) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "column %u of kind %u: expected a column of colours, one int32 or uint32 each",
                    column, kind);
        return NULL;
    }
    g_autoptr(GasketColouring) colouring = g_new0(GasketColouring, 1);
    colouring->kind = kind;
    colouring->n_owned = context->n_owned;
    colouring->colour =
        colours_of_column(run, kind, &context->column[column], &colouring->n_colours, error);
    return colouring->colour != NULL && finish(run, colouring, error) ? g_steal_pointer(&colouring)
                                                                      : NULL;
}

uint32_t
gasket_colouring_n(const GasketColouring *colouring)
{
    return colouring->n_colours;
}

uint32_t
gasket_colouring_of(const GasketColouring *colouring, GasketVertex v)
{
    g_assert(v < colouring->n_owned);
    return colouring->colour[v];
}

const GasketVertexSet *
gasket_colouring_set(GasketColouring *colouring, uint32_t colour)
{
    const uint32_t *begin = colouring->begin, last = colouring->set_colour;

    g_assert(colour < colouring->n_colours);
    if (last < colouring->n_colours)
        for (uint32_t i = begin[last]; i < begin[last + 1]; i++)
            gasket_vertex_set_remove(colouring->set, colouring->by_colour[i]);
    for (uint32_t i = begin[colour]; i < begin[colour + 1]; i++)
        gasket_vertex_set_add(colouring->set, colouring->by_colour[i]);
    colouring->set_colour = colour;
    return colouring->set;
}

bool
gasket_colouring_check(const GasketColouring *colouring, GError **error)
{
    const uint32_t *begin = colouring->begin;
    const GasketVertex *by_colour = colouring->by_colour;
    bool good = begin[0] == 0 && begin[colouring->n_colours] == colouring->n_owned;

    for (uint32_t c = 0; good && c < colouring->n_colours; c++) {
        good = begin[c] <= begin[c + 1];
        for (uint32_t i = begin[c]; good && i < begin[c + 1]; i++)
            good = by_colour[i] < colouring->n_owned && colouring->colour[by_colour[i]] == c &&
                   (i == begin[c] || by_colour[i - 1] < by_colour[i]);
    }
    if (!good)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "a colouring is damaged");
    return good;
}
