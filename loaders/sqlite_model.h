/* SPDX-License-Identifier: Apache-2.0 */
/* Pairwise models in tables of SQLite; see sqlite_model.c. */
#ifndef GASKET_LOADERS_SQLITE_MODEL_H
#define GASKET_LOADERS_SQLITE_MODEL_H

#include <gasket/factor_graph.h>

/* Whether a file is a database with a table "variables" that has states and priors, and "edges". */
bool gasket_sqlite_has_model(const char *path);

/* Fills an empty model; most: states of all variables together, and entries of a table. Errors:
 * INPUT, FORMAT (PATH: table variables or edges, ...), MEMORY. */
bool gasket_sqlite_model_load(GasketFactorGraph *model, const char *path, uint64_t most,
                              GError **error);

#endif
