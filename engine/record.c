/* SPDX-License-Identifier: Apache-2.0 */
/* Records of edges with columns: see record.h. */
#include "engine/record.h"

#include <string.h>

#include "engine/column_bits.h"

#define HEAD_BYTES    8  /* row and neighbour */
#define INLINED_BYTES 64 /* the largest value that a record holds itself */

void
gasket_record_layout_init(GasketRecordLayout *layout, const GasketColumnShape *shape,
                          unsigned n_columns)
{
    *layout = (GasketRecordLayout){.n_columns = n_columns, .stride = HEAD_BYTES};
    layout->columns = g_new0(GasketRecordColumn, n_columns);
    for (unsigned c = 0; c < n_columns; c++) {
        GasketRecordColumn *column = &layout->columns[c];
        column->type = shape[c].type;
        column->length = shape[c].length;
        column->bytes = gasket_type_size(shape[c].type) * (size_t)shape[c].length;
        column->referred = column->length == 0 || column->bytes > INLINED_BYTES;
        column->at = layout->stride;
        layout->refers |= column->referred;
        if (column->length == 0)
            layout->stride += sizeof(const void *) + sizeof(uint64_t);
        else if (column->referred)
            layout->stride += sizeof(const void *);
        else
            layout->stride += (column->bytes + 3) / 4 * 4;
    }
}

void
gasket_record_layout_clear(GasketRecordLayout *layout)
{
    g_free(layout->columns);
    *layout = (GasketRecordLayout){0};
}

void
gasket_record_write(const GasketRecordColumn *column, uint8_t *columns, const void *value,
                    uint64_t count)
{
    uint8_t *to = columns + (column->at - HEAD_BYTES);
    if (!column->referred) {
        memcpy(to, value, column->bytes);
        return;
    }
    memcpy(to, &value, sizeof value);
    if (column->length == 0)
        memcpy(to + sizeof value, &count, sizeof count);
}

const void *
gasket_record_value(const GasketRecordColumn *column, const uint8_t *record, uint64_t *ret_count)
{
    const uint8_t *from = record + column->at;
    *ret_count = column->length;
    if (!column->referred)
        return from;
    const void *value;
    memcpy(&value, from, sizeof value);
    if (column->length == 0)
        memcpy(ret_count, from + sizeof value, sizeof *ret_count);
    return value;
}

int
gasket_record_compare(const GasketRecordLayout *layout, const uint8_t *x, const uint8_t *y)
{
    for (unsigned c = 0; c < layout->n_columns; c++) {
        const GasketRecordColumn *column = &layout->columns[c];
        uint64_t x_count, y_count;
        const void *x_value = gasket_record_value(column, x, &x_count);
        const void *y_value = gasket_record_value(column, y, &y_count);
        int order = gasket_bits_compare(column->type, x_value, x_count, y_value, y_count);
        if (order != 0)
            return order;
    }
    return 0;
}
