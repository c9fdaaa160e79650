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

/* Takes the figures of the next fold: errors, and measures of ranking where there are any. */
void gasket_cli_folds_add(GasketCliFolds *folds, const GasketReport *report);

/* Mean and (sample) deviation of a metric. False if it is not among them or was not measured. */
bool gasket_cli_folds_mean(const GasketCliFolds *folds, const char *metric, double *ret_mean,
                           double *ret_deviation);

/* Appends the table, tab-separated: a column for each figure that was measured. */
void gasket_cli_folds_append(const GasketCliFolds *folds, GString *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketCliFolds, gasket_cli_folds_free)

#endif
