/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a method on ratings gets on, on stderr: a row an iteration, the baselines above.
 *
 *   iteration  train.rmse   test.rmse     seconds
 *        mean                  1.1537
 *      biases                  0.9534
 *           1      0.9642      1.0124        0.02
 *           2      0.8411      0.9465        0.04
 *
 * Columns are what the method measures; without errors and objective there is no table.
 */
#ifndef GASKET_CLI_ERROR_TABLE_H
#define GASKET_CLI_ERROR_TABLE_H

#include "engine/job.h"

#define GASKET_CLI_ERROR_COLUMNS 4

typedef struct {
    bool begun;
    unsigned n_columns;
    const char *column[GASKET_CLI_ERROR_COLUMNS]; /* names of metrics */
} GasketCliErrorTable;

/* Appends the row of an iteration, before the first the head; nothing if nothing is measured.
 * A table begins as zeros. */
void gasket_cli_error_table_append(GasketCliErrorTable *table, const GasketProgress *step,
                                   GString *out);

/* Whether a report is one of a method on ratings. Its figures then in lines of the summary:
 *
 *   errors     train RMSE 0.8208 MAE 0.6522, test RMSE 0.9353 MAE 0.7417
 *   baselines  mean RMSE 1.1537, biases RMSE 0.9534
 *   ranking    precision 0.12 (popularity 0.09), ...
 */
bool gasket_cli_append_errors(const GasketReport *report, GString *out);

#endif
