/* SPDX-License-Identifier: Apache-2.0 */
/* Graphical models in `convert` and `info`; see model_commands.h. */
#include "cli/model_commands.h"

#include <math.h>

#include "cli/model_input.h"
#include "cli/report_text.h"
#include "loaders/model.h"
#include "loaders/result_file.h"
#include "loaders/write_model.h"

bool
gasket_cli_is_model(const GasketCliCall *call, unsigned n_inputs)
{
    return n_inputs == 1 && call->common.table == NULL && call->common.query == NULL &&
           gasket_model_recognised(call->arguments[0], call->common.format);
}

static GasketGraph *
load(GasketCliCall *call, GasketGraphInputStats *stats, GError **error)
{
    static const GasketNeeds needs = {.in_rows = true};
    const GasketGraphInput input = {
        .paths = call->arguments,
        .n_paths = 1,
        .common = &call->common,
        .needs = &needs,
    };
    return gasket_model_input_load(&input, stats, error);
}

bool
gasket_cli_convert_model(GasketCliCall *call, const char *to, int *ret_status, GError **error)
{
    const char *output = call->arguments[call->n_arguments - 1];
    if (!gasket_result_file_check(output, error))
        return false;
    g_autoptr(GasketGraph) graph = load(call, NULL, error);
    if (graph == NULL || !gasket_write_model(graph, output, to, error))
        return false;
    if (!call->common.quiet) {
        g_autoptr(GString) note = g_string_new(NULL);
        gasket_report_append_count(note, gasket_graph_n_vertices(graph, 0));
        g_string_append(note, " variables and ");
        gasket_report_append_count(note, gasket_graph_n_vertices(graph, 1));
        g_string_append(note, " factors of several written\n");
        gasket_cli_note(note->str);
    }
    *ret_status = GASKET_EXIT_DONE;
    return true;
}

/* ---- figures --------------------------------------------------------------------------------- */

typedef struct {
    uint64_t variables, factors, priors, observed, edges, states, entries, zeros;
    uint64_t max_cardinality, max_scope, max_table, max_degree;
} Figures;

static void
measure_variables(const GasketGraph *graph, Figures *figures)
{
    const GasketColumnData *columns = graph->kinds[0].columns;
    const int32_t *cardinality = columns[GASKET_VARIABLE_CARDINALITY].data;
    const int32_t *evidence = columns[GASKET_VARIABLE_EVIDENCE].data;
    const GasketColumnData *prior = &columns[GASKET_VARIABLE_PRIOR];

    for (uint32_t v = 0; v < graph->kinds[0].n_vertices; v++) {
        bool says = ((const double *)columns[GASKET_VARIABLE_SCALE].data)[v] != 0;
        for (uint64_t e = prior->begin[v]; e < prior->begin[v + 1]; e++)
            says = says || ((const double *)prior->data)[e] != 1;
        figures->priors += says;
        figures->observed += evidence[v] >= 0;
        figures->states += (uint64_t)cardinality[v];
        figures->max_cardinality = MAX(figures->max_cardinality, (uint64_t)cardinality[v]);
    }
}

static void
measure_factors(const GasketGraph *graph, Figures *figures)
{
    const GasketColumnData *table = &graph->kinds[1].columns[GASKET_FACTOR_TABLE];
    const GasketGraphRows *rows = gasket_graph_rows(graph, 0, GASKET_IN);
    g_autofree uint64_t *degree = g_new0(uint64_t, (gsize)graph->kinds[0].n_vertices + 1);

    for (uint32_t f = 0; f < graph->kinds[1].n_vertices; f++) {
        figures->max_scope = MAX(figures->max_scope, rows->offset[f + 1] - rows->offset[f]);
        figures->max_table = MAX(figures->max_table, table->begin[f + 1] - table->begin[f]);
    }
    figures->entries = table->begin[graph->kinds[1].n_vertices];
    for (uint64_t e = 0; e < figures->entries; e++)
        figures->zeros += ((const double *)table->data)[e] == 0;
    for (uint64_t e = 0; e < rows->n_entries; e++) {
        uint64_t d = ++degree[rows->neighbour[e]];
        figures->max_degree = MAX(figures->max_degree, d);
    }
    figures->edges = rows->n_entries;
}

static void
append_figures(const Figures *figures, const char *format, bool json, GString *out)
{
    const struct {
        const char *name;
        uint64_t value;
    } lines[] = {
        {"variables", figures->variables},
        {"factors", figures->factors},
        {"variables_with_priors", figures->priors},
        {"observed", figures->observed},
        {"edges", figures->edges},
        {"states", figures->states},
        {"table_entries", figures->entries},
        {"table_zeros", figures->zeros},
        {"cardinality_max", figures->max_cardinality},
        {"scope_max", figures->max_scope},
        {"table_max", figures->max_table},
        {"degree_max", figures->max_degree},
    };
    g_string_append_printf(out, json ? "{\n  \"format\": \"%s\"" : "format                 %s\n",
                           format);
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        g_string_append_printf(out,
                               json ? ",\n  \"%s\": %" G_GUINT64_FORMAT
                                    : "%-22s %" G_GUINT64_FORMAT "\n",
                               lines[i].name, lines[i].value);
    if (json)
        g_string_append(out, "\n}\n");
}

bool
gasket_cli_info_model(GasketCliCall *call, bool json, int *ret_status, GError **error)
{
    GasketGraphInputStats stats = {0};
    g_autoptr(GasketGraph) graph = load(call, &stats, error);
    if (graph == NULL)
        return false;
    Figures figures = {.variables = graph->kinds[0].n_vertices,
                       .factors = graph->kinds[1].n_vertices};
    g_autoptr(GString) text = g_string_new(NULL);
    measure_variables(graph, &figures);
    measure_factors(graph, &figures);
    append_figures(&figures, stats.info.format, json, text);
    gasket_load_info_clear(&stats.info);
    *ret_status = GASKET_EXIT_DONE;
    return gasket_cli_print(text->str, error);
}
