/* SPDX-License-Identifier: Apache-2.0 */
/* Whether two graphs are the same graphical model, bit for bit. */
#ifndef GASKET_TESTS_MODEL_SAME_H
#define GASKET_TESTS_MODEL_SAME_H

#include "engine/graph.h"
#include "tests/check_main.h"
#include <gasket/factor_graph.h>

/* Whether two graphs hold the same model (scopes, tables, priors, evidence). */
static inline void
expect_same(const GasketGraph *a, const GasketGraph *b)
{
    for (unsigned k = 0; k < 2; k++) {
        ck_assert_uint_eq(a->kinds[k].n_vertices, b->kinds[k].n_vertices);
        for (unsigned c = 0; c < a->kinds[k].n_columns; c++) {
            const GasketColumnData *x = &a->kinds[k].columns[c], *y = &b->kinds[k].columns[c];
            uint64_t n =
                x->begin != NULL ? x->begin[a->kinds[k].n_vertices] : a->kinds[k].n_vertices;
            ck_assert_mem_eq(x->data, y->data, n * gasket_type_size(x->type));
        }
    }
    const GasketGraphRows *x = gasket_graph_rows(a, 0, GASKET_IN);
    const GasketGraphRows *y = gasket_graph_rows(b, 0, GASKET_IN);
    ck_assert_uint_eq(x->n_entries, y->n_entries);
    ck_assert_mem_eq(x->neighbour, y->neighbour, 4 * x->n_entries);
    ck_assert_mem_eq(x->columns[1].data, y->columns[1].data, 4 * x->n_entries);
}

#endif
