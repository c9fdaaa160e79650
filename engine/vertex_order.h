/* SPDX-License-Identifier: Apache-2.0 */
/* Orders and sizes of vertices that several parts of the engine need. */
#ifndef GASKET_ENGINE_VERTEX_ORDER_H
#define GASKET_ENGINE_VERTEX_ORDER_H

#include "engine/ghosts.h"
#include "engine/run_private.h"

/* [n_owned] owned vertices ascending by number: boundary and interior merged. NULL and MEMORY. */
GasketVertex *gasket_vertices_by_number(const GasketPartKind *kind, GError **error);

/* [all] A whole round in which every ghost's value comes from its owner. changed: bits by owned
 * vertex of those to send; NULL: all. */
bool gasket_values_refresh(GasketRun *run, const GasketValues *values, const uint64_t *changed,
                           GError **error);

/* [all] [n_local] size of each vertex, asked on its owner, rounded up to 8. NULL on failure. */
uint32_t *gasket_vertex_sizes(GasketRun *run, unsigned kind, GasketVertexSize size,
                              const void *parameters, GError **error);

#endif
