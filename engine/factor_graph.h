/* SPDX-License-Identifier: Apache-2.0 */
/* What loaders and the command need of factor graphs beside gasket/factor_graph.h. */
#ifndef GASKET_ENGINE_FACTOR_GRAPH_H
#define GASKET_ENGINE_FACTOR_GRAPH_H

#include <gasket/factor_graph.h>

#include "engine/feed.h"

/* As gasket_factor_graph_finish_take, building exactly the rows wanted of the scopes. */
GasketGraph *gasket_factor_graph_finish_rows_take(GasketFactorGraph **model,
                                                  const GasketGraphRules *rules,
                                                  const GasketWantedRows *wanted, GError **error);

#endif
