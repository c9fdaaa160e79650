/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line's inputs to a graph: loading, finishing, vertex columns. */
#ifndef GASKET_CLI_GRAPH_INPUT_H
#define GASKET_CLI_GRAPH_INPUT_H

#include "cli/common_options.h"
#include "engine/feed.h"
#include "engine/graph.h"
#include "loaders/load.h"

typedef struct {
    const char *const *paths; /* [n_paths] */
    unsigned n_paths;
    const GasketCliCommon *common;
    const GasketNeeds *needs;        /* of relation 0 */
    const GasketLoadColumn *columns; /* [n_columns] vertex columns from files */
    unsigned n_columns;
    const char *features[2]; /* files of what is known of users and items, or NULL */
} GasketGraphInput;

typedef struct {
    GasketLoadInfo info;
    double load_seconds, number_seconds;
} GasketGraphInputStats;

/* Vertex columns that options of an algorithm name files for: of GasketLoadColumn. */
GArray *gasket_graph_input_columns(const GasketOption *options, const void *parameters);

/* Files of features that options of a method on ratings name. */
void gasket_graph_input_features(const GasketOption *options, const void *parameters,
                                 const char *ret_features[2]);

/* Refuses (ARGUMENT) an output that would replace an input: the same file, or the same table of the
 * same database. output may be NULL or `-`; table: where in a database it goes. */
bool gasket_graph_input_check_output(const char *const *paths, unsigned n_paths,
                                     const GasketCliCommon *common, const char *output,
                                     const char *table, GError **error);

/* Reads and finishes. Progress goes to stderr unless quiet. ret_stats may be NULL; clear its info.
 * Errors: INPUT, FORMAT, ARGUMENT, MEMORY. */
GasketGraph *gasket_graph_input_load(const GasketGraphInput *input,
                                     GasketGraphInputStats *ret_stats, GError **error);

#endif
