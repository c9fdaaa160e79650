/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of results, and a run's varying columns. See result_block.h. */
#include "engine/result_block.h"

#include <string.h>

#include "engine/array.h"

bool
gasket_result_buffer_init(GasketResultBuffer *buffer, const GasketResultField *fields,
                          unsigned n_fields, uint32_t rows, GError **error)
{
    *buffer = (GasketResultBuffer){.fields = fields, .n_fields = n_fields};
    buffer->columns = g_new0(uint8_t *, n_fields + 1);
    buffer->begin = g_new0(uint64_t *, n_fields + 1);
    buffer->room = g_new0(uint64_t, n_fields + 1);
    for (unsigned f = 0; f < n_fields; f++) {
        buffer->room[f] = rows;
        buffer->columns[f] = gasket_array_new(rows, fields[f].size, error);
        if (buffer->columns[f] == NULL)
            return false;
        if (!fields[f].varying)
            continue;
        buffer->begin[f] = gasket_array_new((uint64_t)rows + 1, sizeof **buffer->begin, error);
        if (buffer->begin[f] == NULL)
            return false;
    }
    return true;
}

void
gasket_result_buffer_clear(GasketResultBuffer *buffer)
{
    for (unsigned f = 0; f < buffer->n_fields; f++) {
        gasket_array_free(buffer->columns[f]);
        gasket_array_free(buffer->begin[f]);
    }
    g_free(buffer->columns);
    g_free(buffer->begin);
    g_free(buffer->room);
    *buffer = (GasketResultBuffer){0};
}

void
gasket_result_buffer_reset(GasketResultBuffer *buffer)
{
    buffer->n = 0;
}

static bool
append_varying(GasketResultBuffer *buffer, unsigned f, const GasketResultRows *rows, uint32_t i,
               uint64_t at, GError **error)
{
    size_t size = buffer->fields[f].size;
    uint64_t first = buffer->begin[f][buffer->n], end = first + rows->lengths[f][i];

    if (end > buffer->room[f]) {
        uint64_t room = MAX(2 * buffer->room[f], end);
        uint8_t *grown = gasket_array_resize(buffer->columns[f], room, size, error);
        if (grown == NULL)
            return false;
        buffer->columns[f] = grown;
        buffer->room[f] = room;
    }
    memcpy(buffer->columns[f] + first * size, rows->columns[f] + at * size, (end - first) * size);
    buffer->begin[f][buffer->n + 1] = end;
    return true;
}

bool
gasket_result_buffer_append(GasketResultBuffer *buffer, const GasketResultRows *rows, uint32_t i,
                            const uint64_t *at, GError **error)
{
    for (unsigned f = 0; f < buffer->n_fields; f++) {
        size_t size = buffer->fields[f].size;
        if (!buffer->fields[f].varying)
            memcpy(buffer->columns[f] + buffer->n * size, rows->columns[f] + i * size, size);
        else if (!append_varying(buffer, f, rows, i, at[f], error))
            return false;
    }
    buffer->n++;
    return true;
}

/* ---- a run's varying columns ----------------------------------------------------------------- */

bool
gasket_run_set_result(GasketRun *run, unsigned column, GasketVertexSize length,
                      const void *parameters, void **ret_data, const uint64_t **ret_begin,
                      GError **error)
{
    if (column >= run->n_results || !run->result_columns[column].varying) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "column %u of the result is none that varies in length", column);
        return false;
    }
    const GasketResultColumn *shape = &run->result_columns[column];
    GasketRunResult *result = &run->results[column];
    g_assert(result->begin == NULL);
    uint32_t n = run->part->kinds[shape->kind].n_owned;
    GasketContext context = *gasket_run_context(run, shape->kind);
    context.parameters = parameters;
    const void *state = gasket_run_state(run, shape->kind);

    uint64_t *begin = gasket_array_new((uint64_t)n + 1, sizeof *begin, error);
    for (uint32_t v = 0; begin != NULL && v < n; v++)
        begin[v + 1] = begin[v] + length(&context, v, state);
    uint8_t *data =
        begin != NULL ? gasket_array_new(begin[n], gasket_type_size(shape->type), error) : NULL;
    if (data == NULL) {
        gasket_array_free(begin);
        return false;
    }
    *result = (GasketRunResult){data, begin};
    gasket_run_keep_array(run, shape->kind, data, begin, gasket_type_size(shape->type));
    *ret_data = data;
    *ret_begin = begin;
    return true;
}

const void *
gasket_run_result(const GasketRun *run, unsigned column, const uint64_t **ret_begin)
{
    g_assert(column < run->n_results);
    *ret_begin = run->results[column].begin;
    return run->results[column].data;
}
