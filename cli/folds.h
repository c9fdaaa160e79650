/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of cross-validation: one report a fold, then a table with mean and deviation.
 *
 *   fold  train.rmse  test.rmse  test.mae  baseline.bias.rmse
 *   1     0.7829      0.9271     0.7352    0.9452
 *   ...
 *   mean  ...
 *   deviation  ...                          of the sample: divided by folds - 1
 */
#ifndef GASKET_CLI_FOLDS_H
#define GASKET_CLI_FOLDS_H

#include "engine/report.h"

typedef struct GasketCliFolds GasketCliFolds;

GasketCliFolds *gasket_cli_folds_new(void);
void gasket_cli_folds_free(GasketCliFolds *folds);

/* Takes the figures of the next fold. */
void gasket_cli_folds_add(GasketCliFolds *folds, const GasketReport *report);

/* Appends the table, tab-separated. */
void gasket_cli_folds_append(const GasketCliFolds *folds, GString *out);

#endif
