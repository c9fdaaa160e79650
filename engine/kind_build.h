/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of vertices, from the feeds into the order of numbers. */
#ifndef GASKET_ENGINE_KIND_BUILD_H
#define GASKET_ENGINE_KIND_BUILD_H

#include "engine/number.h"

/* Fills the columns of a kind. Of vertices added more than once those columns stay whose bits sort
 * first; vertices that were never added have zeros, or no elements. The feeds lose the vertices.
 * Error: MEMORY. O(V + vertices added). */
bool gasket_kind_build_columns(GasketGraphBuilder *builder, const GasketNumbers *numbers,
                               unsigned kind, GasketGraphKind *to, GError **error);

#endif
