/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a result in one frame:
 *
 *   count  text  n_columns  bytes   ordinals [count] | ids | column | column ...
 *
 * ids: int64 [count], or lengths uint32 [count] and the bytes; column: elements, or where it varies
 * uint32 [count] of how many each row has, and the elements. Pieces start at multiples of 8.
 */
#ifndef GASKET_ENGINE_RESULT_PACK_H
#define GASKET_ENGINE_RESULT_PACK_H

#include "engine/run_private.h"

/* A column of results of one kind: where it stands in the state, and its bytes a row (varying: an
 * element). */
typedef struct {
    size_t offset, size;
    bool varying;
    unsigned column; /* of the result */
} GasketResultField;

/* Fields of the results of a kind; *ret_n. g_free. */
GasketResultField *gasket_result_fields(const GasketJob *job, unsigned kind, unsigned *ret_n);

/* Packs owned vertices order[first ..], as many as fit; *ret_count. */
GasketFrame *gasket_result_pack(const GasketRun *run, unsigned kind, const GasketVertex *order,
                                uint32_t first, const GasketResultField *fields, unsigned n_fields,
                                uint32_t *ret_count, GError **error);

/* A packed frame opened. Pointers into the frame. */
typedef struct {
    uint32_t count;
    const uint32_t *ordinal;
    const int64_t *integer;      /* NULL: text */
    const uint32_t *text_length; /* NULL: integer */
    const char *text;
    const uint8_t **columns;  /* [n_fields], given by the caller */
    const uint32_t **lengths; /* [n_fields], given by the caller: elements of each row, or NULL */
} GasketResultRows;

/* Checks and opens; false if the frame is not of such rows. */
bool gasket_result_unpack(const GasketFrame *frame, const GasketResultField *fields,
                          unsigned n_fields, GasketResultRows *rows);

#endif
