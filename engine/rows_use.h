/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a run stores each of its row sets, decided when the first program gathers over it.
 *
 *             first left fold, segments pay
 *   row-major ─────────────────────────────> segment-major
 *       ^                                          │
 *       └───────── anything that needs whole rows ─┘   (for good)
 */
#ifndef GASKET_ENGINE_ROWS_USE_H
#define GASKET_ENGINE_ROWS_USE_H

#include "engine/run_private.h"

/* Brings the program's rows into the order that it needs. *ret_layout: the segment-major layout to
 * run on, or NULL for row-major. on_set: the step runs on some vertices only. */
bool gasket_rows_use(GasketRun *run, const GasketProgram *program, bool on_set,
                     const GasketLayout **ret_layout, GError **error);

/* Brings rows into row-major order, to stay. */
bool gasket_rows_need_whole(GasketRun *run, unsigned relation, GasketDirection direction,
                            GError **error);

/* What is the same for every block of a row set: where its entries, columns, edge data, the values
 * they read and the state of their kind are. The block's own rows and what scatter writes are left
 * empty. */
GasketRows gasket_rows_view(const GasketRun *run, GasketRowSet set);

/* Chunks for the program's rows, kept. */
const GasketChunks *gasket_rows_chunks(GasketRun *run, const GasketProgram *program,
                                       GError **error);

/* The local transpose with entries where the index type allows them, kept while the layout does. */
GasketReaders *gasket_rows_readers(GasketRun *run, unsigned relation, GasketDirection direction,
                                   GError **error);

/* The bits of a set of vertices of `kind`. */
const uint64_t *gasket_vertex_set_bits(const GasketVertexSet *set, unsigned kind);

#endif
