/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of results on their way into a block: the columns of one kind, a row at a time.
 *
 * A varying column has its elements one behind the other and where each row's begin:
 *
 *   columns[f]   a a b b b d         begin[f]   0 2 5 5 6
 */
#ifndef GASKET_ENGINE_RESULT_BLOCK_H
#define GASKET_ENGINE_RESULT_BLOCK_H

#include "engine/result_pack.h"

typedef struct {
    const GasketResultField *fields; /* [n_fields] */
    unsigned n_fields;
    uint32_t n;        /* rows */
    uint8_t **columns; /* [n_fields] */
    uint64_t **begin;  /* [n_fields] varying: [rows + 1]; else NULL */
    uint64_t *room;    /* [n_fields] varying: elements */
} GasketResultBuffer;

/* Room for `rows` rows. Clear it, in failure too. */
bool gasket_result_buffer_init(GasketResultBuffer *buffer, const GasketResultField *fields,
                               unsigned n_fields, uint32_t rows, GError **error);
void gasket_result_buffer_clear(GasketResultBuffer *buffer);
void gasket_result_buffer_reset(GasketResultBuffer *buffer);

/* Appends row i of rows; at: [n_fields] elements of varying columns before it. */
bool gasket_result_buffer_append(GasketResultBuffer *buffer, const GasketResultRows *rows,
                                 uint32_t i, const uint64_t *at, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GasketResultBuffer, gasket_result_buffer_clear)

#endif
