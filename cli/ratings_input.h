/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line's inputs to a graph of ratings, with what --test holds out. */
#ifndef GASKET_CLI_RATINGS_INPUT_H
#define GASKET_CLI_RATINGS_INPUT_H

#include "cli/graph_input.h"

/* Refuses (ARGUMENT) a --test that is neither a file nor a fraction, and options that do not go
 * together. */
bool gasket_ratings_input_check(const GasketCliCommon *common, GError **error);

/* Reads the paths, and the file of --test or what it holds out. ret_stats may be NULL; clear its
 * info. Errors: INPUT, FORMAT, ARGUMENT, MEMORY. */
GasketGraph *gasket_ratings_input_load(const GasketGraphInput *input,
                                       GasketGraphInputStats *ret_stats, GError **error);

#endif
