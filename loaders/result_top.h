/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a result that its summary shows: those with the largest values of the column marked
 * `rank`, largest first (ties by id, NaN never), or else the first ones by id.
 *
 *   GasketResultTop *top = gasket_result_top_new(20, columns, n_columns, "vertex", "index");
 *   gasket_result_top_add(top, &block);              for every block
 *   gasket_result_top_append(top, true, text);       vertex<TAB>rank ...
 *   gasket_result_top_free(top);
 *
 * How: a heap of k rows with the smallest on top; a row that beats it takes its place.
 *
 * Cost: a comparison a row; O(k) memory.
 */
#ifndef GASKET_LOADERS_RESULT_TOP_H
#define GASKET_LOADERS_RESULT_TOP_H

#include "engine/job.h"

typedef struct GasketResultTop GasketResultTop;

/* k > 0. columns: [n_columns] of one kind, copied; names borrowed. */
GasketResultTop *gasket_result_top_new(unsigned k, const GasketResultColumn *columns,
                                       unsigned n_columns, const char *id_name,
                                       const char *index_name);
void gasket_result_top_add(GasketResultTop *top, const GasketResultBlock *block);

/* Appends a heading, if wanted, and the rows, as tsv. */
void gasket_result_top_append(GasketResultTop *top, bool header, GString *out);

/* The column that ranks, or NULL. */
const char *gasket_result_top_ranked_by(const GasketResultTop *top);

/* How many rows were added, and how many stand in the summary. */
uint64_t gasket_result_top_n_rows(const GasketResultTop *top);
unsigned gasket_result_top_n_shown(const GasketResultTop *top);

/* NULL is allowed. */
void gasket_result_top_free(GasketResultTop *top);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketResultTop, gasket_result_top_free)

#endif
