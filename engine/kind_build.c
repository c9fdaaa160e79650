/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns of vertices: see kind_build.h.
 *
 * For each vertex the place where it was added is noted, the one whose columns sort first if there
 * are several; then the columns are copied from there, by number.
 *
 * Cost: 16 bytes a vertex while it runs.
 */
#include "engine/kind_build.h"

#include <string.h>

#include "engine/array.h"
#include "engine/column_bits.h"

/* Where a vertex was added; block NULL: nowhere. */
typedef struct {
    const GasketBlock *block;
    uint32_t i;
} Place;

static int
compare_places(const GasketKindShape *shape, Place x, Place y)
{
    for (unsigned c = 0; c < shape->n_columns; c++) {
        uint64_t x_count, y_count;
        const void *x_value = gasket_block_value(x.block, shape->columns, c, x.i, &x_count);
        const void *y_value = gasket_block_value(y.block, shape->columns, c, y.i, &y_count);
        int order = gasket_bits_compare(shape->columns[c].type, x_value, x_count, y_value, y_count);
        if (order != 0)
            return order;
    }
    return 0;
}

static void
find_places(const GasketGraphBuilder *builder, const GasketKindNumbers *numbers, unsigned kind,
            Place *places)
{
    const GasketKindShape *shape = &builder->kinds[kind];
    for (unsigned f = 0; f < builder->n_feeds; f++) {
        const GasketBlockList *list = &builder->feeds[f]->kinds[kind].vertices;
        for (size_t b = 0; b < list->n_blocks; b++) {
            const GasketBlock *block = list->blocks[b];
            for (uint32_t i = 0; i < block->n; i++) {
                uint32_t v = gasket_number_of(numbers, numbers->other[f], block->handles[i]);
                Place place = {.block = block, .i = i};
                if (places[v].block == NULL || compare_places(shape, place, places[v]) < 0)
                    places[v] = place;
            }
        }
    }
}

static bool
copy_uniform(const GasketKindShape *shape, unsigned c, const Place *places, uint32_t n,
             GasketColumnData *column, GError **error)
{
    size_t bytes = gasket_type_size(column->type) * (size_t)column->length;
    column->data = gasket_array_new(n, bytes, error);
    if (column->data == NULL)
        return false;
    for (uint32_t v = 0; v < n; v++) {
        if (places[v].block == NULL)
            continue;
        uint64_t count;
        const void *value =
            gasket_block_value(places[v].block, shape->columns, c, places[v].i, &count);
        memcpy((char *)column->data + v * bytes, value, bytes);
    }
    return true;
}

static bool
copy_varying(const GasketKindShape *shape, unsigned c, const Place *places, uint32_t n,
             GasketColumnData *column, GError **error)
{
    size_t size = gasket_type_size(column->type);
    column->begin = gasket_array_new((uint64_t)n + 1, sizeof *column->begin, error);
    if (column->begin == NULL)
        return false;
    for (uint32_t v = 0; v < n; v++) {
        uint64_t count = 0;
        if (places[v].block != NULL)
            gasket_block_value(places[v].block, shape->columns, c, places[v].i, &count);
        column->begin[v + 1] = column->begin[v] + count;
    }
    column->data = gasket_array_new(column->begin[n], size, error);
    if (column->data == NULL)
        return false;
    for (uint32_t v = 0; v < n; v++) {
        if (column->begin[v + 1] == column->begin[v])
            continue;
        uint64_t count;
        const void *value =
            gasket_block_value(places[v].block, shape->columns, c, places[v].i, &count);
        memcpy((char *)column->data + column->begin[v] * size, value, count * size);
    }
    return true;
}

bool
gasket_kind_build_columns(GasketGraphBuilder *builder, const GasketNumbers *numbers, unsigned kind,
                          GasketGraphKind *to, GError **error)
{
    const GasketKindShape *shape = &builder->kinds[kind];
    Place *places = NULL;
    if (shape->n_columns > 0) {
        places = gasket_array_new(to->n_vertices, sizeof *places, error);
        if (places == NULL)
            return false;
        find_places(builder, &numbers->kinds[kind], kind, places);
    }
    to->columns = g_new0(GasketColumnData, shape->n_columns);
    to->n_columns = shape->n_columns;
    bool done = true;
    for (unsigned c = 0; done && c < shape->n_columns; c++) {
        GasketColumnData *column = &to->columns[c];
        column->name = g_strdup(shape->columns[c].name);
        column->type = shape->columns[c].type;
        column->length = shape->columns[c].length;
        done = (column->length > 0 ? copy_uniform : copy_varying)(shape, c, places, to->n_vertices,
                                                                  column, error);
    }
    gasket_array_free(places);
    for (unsigned f = 0; f < builder->n_feeds; f++)
        gasket_block_list_clear(&builder->feeds[f]->kinds[kind].vertices);
    return done;
}
