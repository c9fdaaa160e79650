/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model that a method on ratings leaves, on its way to the disk.
 *
 *   launcher   new                 before processes part
 *   loader     keep_seen           what users are trained on goes into a file without a name
 *   rank 0     add ..., write      factors as results come; what users are trained on from the file
 */
#ifndef GASKET_CLI_RATINGS_MODEL_H
#define GASKET_CLI_RATINGS_MODEL_H

#include "loaders/factor_model.h"

typedef struct GasketCliModel GasketCliModel;

/* results: those of the algorithm with these parameters. Error: IO. */
GasketCliModel *gasket_cli_model_new(const GasketAlgorithm *algorithm,
                                     const GasketResultColumn *results, const void *parameters,
                                     GError **error);

/* NULL is allowed. */
void gasket_cli_model_free(GasketCliModel *model);

/* Errors: MEMORY, IO. */
bool gasket_cli_model_keep_seen(GasketCliModel *model, const GasketGraph *graph, GError **error);
bool gasket_cli_model_add(GasketCliModel *model, const GasketResultBlock *block, GError **error);
bool gasket_cli_model_write(GasketCliModel *model, const GasketReport *report, const char *path,
                            GError **error);

#endif
