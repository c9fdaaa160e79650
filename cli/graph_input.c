/* SPDX-License-Identifier: Apache-2.0 */
/* From inputs to a graph; see graph_input.h. */
#include "cli/graph_input.h"

#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/progress.h"

static bool
same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

bool
gasket_graph_input_check_output(const char *const *paths, unsigned n_paths,
                                const GasketCliCommon *common, const char *output,
                                const char *table, GError **error)
{
    if (output == NULL || strcmp(output, "-") == 0)
        return true;
    for (unsigned i = 0; i < n_paths; i++) {
        if (!same_file(paths[i], output))
            continue;
        /* A database keeps its other tables; which one is read must then be said. */
        if (common->query != NULL ||
            (common->table != NULL && g_ascii_strcasecmp(common->table, table) != 0))
            continue;
        return gasket_cli_refuse(error,
                                 "--output: %s is an input, which would be replaced; expected "
                                 "another file, or for a database --table and another "
                                 "--output-table",
                                 output);
    }
    return true;
}

static GasketLoadOptions
load_options(const GasketGraphInput *input)
{
    const GasketCliCommon *common = input->common;
    const GasketNeeds *needs = input->needs;

    return (GasketLoadOptions){
        .inputs = input->paths,
        .n_inputs = input->n_paths,
        .format = common->format,
        .undirected = common->undirected || needs->symmetric,
        .want_weights = (needs->weights || needs->require_weights ||
                         (needs->weights_if_asked && common->weighted)) &&
                        !common->unweighted,
        .require_weights = needs->require_weights && !common->unweighted,
        .nonnegative = needs->nonnegative,
        .vertices = common->vertices,
        .vertex_columns = input->columns,
        .n_vertex_columns = input->n_columns,
        .table = common->table,
        .query = common->query,
        .columns = common->columns,
        .threads = gasket_cli_threads(common, 1),
    };
}

static GasketGraph *
finish(GasketGraphBuilder **builder, const GasketGraphInput *input, GError **error)
{
    const GasketCliCommon *common = input->common;
    const GasketGraphRules rules = {
        .order = (GasketOrder)common->order,
        .multi_edges = (GasketMultiEdges)common->multi_edges,
        .drop_self_loops = common->self_loops == 1,
        .threads = gasket_cli_threads(common, 1),
    };
    /* A relation must have rows; those of targets serve if nobody cares. */
    const GasketWantedRows wanted = {
        .in = input->needs->in_rows || !input->needs->out_rows,
        .out = input->needs->out_rows,
    };
    return gasket_graph_builder_finish_rows_take(builder, &rules, &wanted, error);
}

GasketGraph *
gasket_graph_input_load(const GasketGraphInput *input, GasketGraphInputStats *ret_stats,
                        GError **error)
{
    GasketLoadOptions options = load_options(input);
    GasketCliProgress progress;
    gasket_cli_progress_init(&progress, input->common->quiet);
    options.progress = gasket_cli_progress_load;
    options.progress_data = &progress;

    g_auto(GasketLoadInfo) info = {0};
    g_autoptr(GasketGraphBuilder) builder = gasket_graph_builder_new();
    int64_t start = g_get_monotonic_time();
    bool loaded = gasket_load(builder, &options, &info, error);
    gasket_cli_progress_end(&progress);
    if (!loaded)
        return NULL;
    if (input->common->weighted && !info.weighted) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "--weighted: %s",
                    options.want_weights ? "the input has no weights"
                                         : "this command makes no use of weights");
        return NULL;
    }

    int64_t middle = g_get_monotonic_time();
    g_autoptr(GasketGraph) graph = finish(&builder, input, error);
    if (graph == NULL || !gasket_load_vertex_columns(graph, &options, error))
        return NULL;
    if (ret_stats != NULL) {
        ret_stats->load_seconds = (double)(middle - start) / 1e6;
        ret_stats->number_seconds = (double)(g_get_monotonic_time() - middle) / 1e6;
        ret_stats->info = info;
        info = (GasketLoadInfo){0};
    }
    return g_steal_pointer(&graph);
}

GArray *
gasket_graph_input_columns(const GasketOption *options, const void *parameters)
{
    GArray *columns = g_array_new(FALSE, FALSE, sizeof(GasketLoadColumn));
    for (const GasketOption *option = options; option != NULL && option->name != NULL; option++) {
        if (option->type != GASKET_OPTION_COLUMN)
            continue;
        const char *path = *(const char *const *)((const char *)parameters + option->offset);
        const GasketLoadColumn column = {option->name, path};
        if (path != NULL)
            g_array_append_val(columns, column);
    }
    return columns;
}

void
gasket_graph_input_features(const GasketOption *options, const void *parameters,
                            const char *ret_features[2])
{
    unsigned n = 0;
    for (const GasketOption *option = options; option != NULL && option->name != NULL; option++)
        if (option->type == GASKET_OPTION_FEATURES && n < 2)
            ret_features[n++] = *(const char *const *)((const char *)parameters + option->offset);
}
