/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: how the columns of an edge travel with it while rows are built.
 *
 *   | row | neighbour | column 0 | column 1 | ... |        stride bytes, a multiple of 4
 *     4       4          small: the value itself, rounded up to 4 bytes
 *                        large: where it stands (8 bytes)
 *                        varying: where it stands and how many elements (16 bytes)
 *
 * What a record refers to must stay until the rows are built.
 */
#ifndef GASKET_ENGINE_RECORD_H
#define GASKET_ENGINE_RECORD_H

#include "engine/block.h"

typedef struct {
    GasketType type;
    uint32_t length; /* as of a column: 0 varying */
    size_t bytes;    /* of a uniform value */
    bool referred;   /* not in the record itself */
    size_t at;       /* bytes from the start of the record */
} GasketRecordColumn;

typedef struct {
    unsigned n_columns;
    GasketRecordColumn *columns; /* [n_columns] */
    size_t stride;
    bool refers; /* some column is referred to */
} GasketRecordLayout;

/* type and length of each column as in shape, [n_columns]. */
void gasket_record_layout_init(GasketRecordLayout *layout, const GasketColumnShape *shape,
                               unsigned n_columns);
void gasket_record_layout_clear(GasketRecordLayout *layout);

/* Writes a value of count elements into a record whose columns start at `columns` (as
 * gasket_scatter_put returns it). */
void gasket_record_write(const GasketRecordColumn *column, uint8_t *columns, const void *value,
                         uint64_t count);

/* The value in a record; ret_count: elements. Inlined ones need not be aligned. */
const void *gasket_record_value(const GasketRecordColumn *column, const uint8_t *record,
                                uint64_t *ret_count);

/* Order of two records by their columns. */
int gasket_record_compare(const GasketRecordLayout *layout, const uint8_t *x, const uint8_t *y);

#endif
