/* SPDX-License-Identifier: Apache-2.0 */
/* From an input to the graph of a model; see model_input.h. */
#include "cli/model_input.h"

#include "engine/factor_graph.h"
#include "loaders/cases.h"
#include "loaders/model.h"

static void
free_states(gpointer names)
{
    g_strfreev(names);
}

GasketGraph *
gasket_model_input_load(const GasketGraphInput *input, GasketGraphInputStats *ret_stats,
                        GError **error)
{
    const GasketCliCommon *common = input->common;
    g_autoptr(GHashTable) states =
        common->cases != NULL ? g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_states)
                              : NULL;
    const GasketModelOptions options = {
        .state_names = states,
        .path = input->paths[0],
        .format = common->format,
        .evidence = common->evidence,
        .edges = common->edges,
        .levels = (uint32_t)common->levels,
        .noise = common->noise,
        .smoothing = common->smoothing,
    };
    const GasketGraphRules rules = {
        /* Copies are told apart by their numbers (cases.h). */
        .order = common->cases != NULL ? GASKET_ORDER_GIVEN : (GasketOrder)common->order,
        .threads = gasket_cli_threads(common, 1),
    };
    const GasketWantedRows wanted = {
        .in = input->needs->in_rows || !input->needs->out_rows,
        .out = input->needs->out_rows,
    };
    g_auto(GasketLoadInfo) info = {0};

    int64_t start = g_get_monotonic_time();
    g_autoptr(GasketFactorGraph) model = gasket_model_load(&options, &info, error);
    if (model == NULL)
        return NULL;
    uint32_t n_variables = 0;
    if (common->cases != NULL) {
        g_autoptr(GasketFactorGraph) copies =
            gasket_cases_load(&model, common->cases, states, &n_variables, error);
        if (copies == NULL)
            return NULL;
        model = g_steal_pointer(&copies);
    }
    int64_t middle = g_get_monotonic_time();
    const GasketLoadOptions columns = {.vertex_columns = input->columns,
                                       .n_vertex_columns = input->n_columns};
    g_autoptr(GasketGraph) graph =
        gasket_factor_graph_finish_rows_take(&model, &rules, &wanted, error);
    if (graph == NULL || !gasket_load_vertex_columns(graph, &columns, error) ||
        (common->cases != NULL && !gasket_cases_mark(graph, n_variables, error)))
        return NULL;
    if (ret_stats == NULL)
        return g_steal_pointer(&graph);
    ret_stats->load_seconds = (double)(middle - start) / 1e6;
    ret_stats->number_seconds = (double)(g_get_monotonic_time() - middle) / 1e6;
    ret_stats->info = info;
    info = (GasketLoadInfo){0};
    return g_steal_pointer(&graph);
}

static bool
is_of_factors(const GasketAlgorithm *algorithm, const GasketResultColumn *results)
{
    return algorithm->input == GASKET_INPUT_FACTORS && algorithm->n_results > 0 &&
           results[0].kind == GASKET_KIND_FACTOR;
}

const char *
gasket_model_input_id_name(const GasketAlgorithm *algorithm, const GasketResultColumn *results)
{
    if (is_of_factors(algorithm, results))
        return "factor";
    return algorithm->input == GASKET_INPUT_FACTORS ? "variable" : "vertex";
}

const char *
gasket_model_input_index_name(const GasketAlgorithm *algorithm, const GasketResultColumn *results)
{
    if (is_of_factors(algorithm, results))
        return "entry";
    return algorithm->input == GASKET_INPUT_FACTORS ? "value" : "index";
}
