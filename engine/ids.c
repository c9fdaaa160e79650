/* SPDX-License-Identifier: Apache-2.0 */
/* Original ids of one kind: see GasketIds in graph.h. */
#include <string.h>

#include "engine/array.h"
#include "engine/graph.h"

static uint64_t
text_length(const GasketIds *ids, uint32_t x)
{
    return ids->text_begin[x + 1] - ids->text_begin[x];
}

void
gasket_ids_append(const GasketIds *ids, uint32_t x, GString *out)
{
    g_assert(x < ids->n);
    if (ids->integer != NULL)
        g_string_append_printf(out, "%" G_GINT64_FORMAT, ids->integer[x]);
    else
        g_string_append_len(out, ids->text + ids->text_begin[x], (gssize)text_length(ids, x));
}

int
gasket_ids_compare(const GasketIds *ids, uint32_t x, uint32_t y)
{
    g_assert(x < ids->n && y < ids->n);
    if (ids->integer != NULL)
        return (ids->integer[x] > ids->integer[y]) - (ids->integer[x] < ids->integer[y]);
    uint64_t x_length = text_length(ids, x);
    uint64_t y_length = text_length(ids, y);
    int order = memcmp(ids->text + ids->text_begin[x], ids->text + ids->text_begin[y],
                       MIN(x_length, y_length));
    return order != 0 ? order : (x_length > y_length) - (x_length < y_length);
}

void
gasket_ids_clear(GasketIds *ids)
{
    gasket_array_free(ids->integer);
    gasket_array_free(ids->text_begin);
    gasket_array_free(ids->text);
    *ids = (GasketIds){0};
}
