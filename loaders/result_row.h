/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Result rows as text: an original id and its columns in one line.
 *
 *   tsv     vertex<TAB>rank           tab, newline, return and backslash in ids as \t \n \r \\
 *   csv     vertex,rank               ids quoted where RFC 4180 wants it, quotes doubled
 *   jsonl   {"vertex":1,"rank":0.5}   integer ids are numbers, text ids strings; bytes that are not
 *                                     UTF-8 become U+FFFD
 *
 * Columns of several elements are name_0, name_1, ... in tsv and csv and an array in jsonl. Floats
 * have their shortest round-trip form; nan and infinities are `nan`, `inf`, `-inf`, and null in
 * jsonl. A vertex column is an original id; where it names none the field is empty, null in jsonl.
 *
 * Where a column varies in length, tsv and csv have a line for each of its elements, with their
 * position behind the id: variable<TAB>state<TAB>probability. Others are repeated,
 * shorter ones end in empty fields. A vertex without elements has no line.
 *
 * Lines end with a newline.
 */
#ifndef GASKET_LOADERS_RESULT_ROW_H
#define GASKET_LOADERS_RESULT_ROW_H

#include "engine/job.h"
#include "loaders/number_text.h"

typedef enum {
    GASKET_ROW_TSV,
    GASKET_ROW_CSV,
    GASKET_ROW_JSONL,
} GasketRowStyle;

/* What all rows of one result share. Borrows columns and names. */
typedef struct {
    GasketRowStyle style;
    const char *id_name;               /* heading of the ids */
    const char *index_name;            /* and of positions in varying columns */
    bool varying;                      /* some column is */
    const GasketResultColumn *columns; /* [n_columns] */
    unsigned n_columns;
    GasketNumberText *numbers;
    GString **keys; /* [n_columns] jsonl: `,"name":` */
    GString *id_key;
} GasketResultRow;

void gasket_result_row_init(GasketResultRow *row, GasketRowStyle style, const char *id_name,
                            const char *index_name, const GasketResultColumn *columns,
                            unsigned n_columns);
void gasket_result_row_clear(GasketResultRow *row);

/* Elements of a column: at least 1. */
static inline size_t
gasket_result_length(const GasketResultColumn *column)
{
    return column->length > 0 ? column->length : 1;
}

/* Elements of row i in a column of a block, and the first of them. */
static inline size_t
gasket_result_elements(const GasketResultColumn *columns, const GasketResultBlock *block,
                       unsigned column, size_t i, size_t *ret_first)
{
    if (columns[column].varying) {
        *ret_first = block->begin[column][i];
        return block->begin[column][i + 1] - *ret_first;
    }
    *ret_first = i * gasket_result_length(&columns[column]);
    return gasket_result_length(&columns[column]);
}

/* Whether a column varies, and lines that row i then has: as many as its longest. */
bool gasket_result_varies(const GasketResultColumn *columns, unsigned n_columns);
size_t gasket_result_lines(const GasketResultColumn *columns, unsigned n_columns,
                           const GasketResultBlock *block, size_t i);

/* The heading line; nothing in jsonl. */
void gasket_result_row_append_header(const GasketResultRow *row, GString *out);

/* Row i of a block: a line, or several where a column varies. */
void gasket_result_row_append(const GasketResultRow *row, const GasketResultBlock *block, size_t i,
                              GString *out);

/* The id x with the escapes of tsv. */
void gasket_result_row_append_id(const GasketIds *ids, uint32_t x, GString *out);

/* Element e (of n * length) of a column's data as a number; vertex columns have no number. */
double gasket_result_element(const GasketResultColumn *column, const void *data, size_t e);

#endif
