/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line's input to the graph of a graphical model. */
#ifndef GASKET_CLI_MODEL_INPUT_H
#define GASKET_CLI_MODEL_INPUT_H

#include "cli/graph_input.h"

/* Reads the first path as a model, with the evidence of the common options, and finishes it with
 * the rows that needs wants. ret_stats may be NULL; clear its info. Errors: INPUT, FORMAT,
 * ARGUMENT, MEMORY. */
GasketGraph *gasket_model_input_load(const GasketGraphInput *input,
                                     GasketGraphInputStats *ret_stats, GError **error);

/* Headings of an algorithm's ids, and of positions in columns that vary in length: of models
 * variables and states, or factors and entries of their tables. results: after prepare. */
const char *gasket_model_input_id_name(const GasketAlgorithm *algorithm,
                                       const GasketResultColumn *results);
const char *gasket_model_input_index_name(const GasketAlgorithm *algorithm,
                                          const GasketResultColumn *results);

#endif
