/* SPDX-License-Identifier: Apache-2.0 */
/* `gasket convert FILE... OUTPUT`: a graph from one format into another. */
#include "cli/command.h"
#include "cli/graph_input.h"
#include "cli/model_commands.h"
#include "cli/report_text.h"
#include "loaders/result_file.h"
#include "loaders/write_graph.h"

typedef struct {
    const char *to;
} ConvertOptions;

static const GasketCliOption convert_options[] = {
    {.option = {"to", GASKET_OPTION_STRING, offsetof(ConvertOptions, to),
                .help = "format to write: edges, csv, mtx, metis, dimacs, adjacency, binary, "
                        "binary-weighted, or of graphical models uai or fg; by the ending of "
                        "OUTPUT if not given",
                .value_name = "NAME"}},
    {.letter = 0},
};

static bool
run(GasketCliCall *call, int *ret_status, GError **error)
{
    static const GasketNeeds needs = {.in_rows = true, .out_rows = true, .weights = true};
    const ConvertOptions *options = call->own;
    if (call->n_arguments < 2)
        return gasket_cli_refuse(error, "convert: expected FILE... OUTPUT");

    const char *output = call->arguments[call->n_arguments - 1];
    if (!gasket_graph_input_check_output(call->arguments, call->n_arguments - 1, &call->common,
                                         output, "", error) ||
        !gasket_result_file_check(output, error))
        return false;
    if (gasket_cli_is_model(call, call->n_arguments - 1))
        return gasket_cli_convert_model(call, options->to, ret_status, error);
    /* Files are written by ascending id; numbers in that order need no sorting. */
    if (call->common.order == GASKET_ORDER_AUTO)
        call->common.order = GASKET_ORDER_GIVEN;
    const GasketGraphInput input = {
        .paths = call->arguments,
        .n_paths = call->n_arguments - 1,
        .common = &call->common,
        .needs = &needs,
    };
    g_autoptr(GasketGraph) graph = gasket_graph_input_load(&input, NULL, error);
    uint64_t lost = 0;
    if (graph == NULL || !gasket_write_graph(graph, 0, output, options->to, &lost, error))
        return false;
    if (!call->common.quiet) {
        g_autoptr(GString) note = g_string_new(NULL);
        gasket_report_append_count(note, gasket_graph_n_vertices(graph, 0));
        g_string_append(note, " vertices, ");
        gasket_report_append_count(note, gasket_graph_n_edges(graph, 0));
        g_string_append(note, " edges written");
        if (lost > 0)
            g_string_append_printf(note,
                                   "; %" G_GUINT64_FORMAT
                                   " vertices without edges are lost, for which the format has no "
                                   "place",
                                   lost);
        g_string_append_c(note, '\n');
        gasket_cli_note(note->str);
    }
    *ret_status = GASKET_EXIT_DONE;
    return true;
}

const GasketCliCommand gasket_cli_convert_command = {
    .name = "convert",
    .arguments = "FILE... OUTPUT",
    .summary = "write a graph in another format",
    .description =
        "Formats without names for vertices (mtx, metis, dimacs, binary) count them from 1 by "
        "ascending id.\n"
        "\n"
        "Examples\n"
        "  gasket convert a.mtx b.tsv\n"
        "  gasket convert web.txt.gz web.graph --undirected --self-loops drop --multi-edges drop\n"
        "  gasket convert edges.db --table follows - --to csv\n"
        "  gasket convert model.uai model.fg\n",
    .tables = GASKET_CLI_INPUT | GASKET_CLI_MACHINE,
    .options = convert_options,
    .options_size = sizeof(ConvertOptions),
    .run = run,
};
