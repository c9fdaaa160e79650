/* SPDX-License-Identifier: Apache-2.0 */
/* `gasket info FILE...`: the figures of a graph. */
#include <math.h>

#include "cli/command.h"
#include "cli/graph_input.h"
#include "cli/model_commands.h"
#include "cli/info_snapshot.h"
#include "cli/report_text.h"
#include "engine/array.h"
#include "loaders/number_text.h"

typedef struct {
    bool json;
} InfoOptions;

static const GasketCliOption info_options[] = {
    {.option = {"json", GASKET_OPTION_BOOL, offsetof(InfoOptions, json),
                .help = "the figures as one JSON object"}},
    {.letter = 0},
};

/* Edges at the vertices of one direction. */
typedef struct {
    uint32_t min, max;
    double mean;
} Degrees;

typedef struct {
    uint64_t vertices, edges, self_loops, parallel, isolated, bytes;
    bool symmetric, weighted;
    Degrees in, out;
    double min_weight, max_weight;
} Figures;

static void
measure_degrees(const uint32_t *degree, uint32_t n, Degrees *ret_degrees)
{
    uint64_t sum = 0;
    Degrees d = {.min = n > 0 ? UINT32_MAX : 0};
    for (uint32_t v = 0; v < n; v++) {
        d.min = MIN(d.min, degree[v]);
        d.max = MAX(d.max, degree[v]);
        sum += degree[v];
    }
    d.mean = n > 0 ? (double)sum / n : 0;
    *ret_degrees = d;
}

/* Self-loops and edges that have a twin before them. */
static void
measure_rows(const GasketGraphRows *rows, Figures *figures)
{
    uint64_t twins = 0, loop_twins = 0;
    for (uint32_t v = 0; v < rows->n_rows; v++) {
        for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++) {
            bool loop = rows->neighbour[e] == v;
            bool twin = e > rows->offset[v] && rows->neighbour[e] == rows->neighbour[e - 1];
            figures->self_loops += loop;
            twins += twin && !loop;
            loop_twins += twin && loop;
        }
    }
    /* Every edge of a symmetric relation but a self-loop stands in two rows. */
    figures->parallel = (figures->symmetric ? twins / 2 : twins) + loop_twins;
}

static void
measure_weights(const GasketGraphRelation *relation, const GasketGraphRows *rows, Figures *figures)
{
    if (relation->n_columns == 0 || rows->columns[0].type != GASKET_DOUBLE)
        return;
    const double *weight = rows->columns[0].data;
    figures->weighted = true;
    figures->min_weight = INFINITY;
    figures->max_weight = -INFINITY;
    for (uint64_t e = 0; e < rows->n_entries; e++) {
        figures->min_weight = fmin(figures->min_weight, weight[e]);
        figures->max_weight = fmax(figures->max_weight, weight[e]);
    }
}

static bool
measure(const GasketGraph *graph, Figures *ret_figures, GError **error)
{
    const GasketGraphRelation *relation = &graph->relations[0];
    const GasketGraphRows *rows = gasket_graph_rows(graph, 0, GASKET_IN);
    uint32_t n = gasket_graph_n_vertices(graph, 0);
    Figures figures = {
        .vertices = n,
        .edges = gasket_graph_n_edges(graph, 0),
        .symmetric = relation->symmetric,
        .bytes = gasket_graph_bytes(graph),
    };
    uint32_t *in = gasket_graph_degrees(graph, 0, GASKET_IN, error);
    uint32_t *out = in != NULL ? gasket_graph_degrees(graph, 0, GASKET_OUT, error) : NULL;
    if (out != NULL) {
        measure_degrees(in, n, &figures.in);
        measure_degrees(out, n, &figures.out);
        for (uint32_t v = 0; v < n; v++)
            figures.isolated += in[v] == 0 && out[v] == 0;
        measure_rows(rows, &figures);
        measure_weights(relation, rows, &figures);
        *ret_figures = figures;
    }
    gasket_array_free(in);
    gasket_array_free(out);
    return out != NULL;
}

/* ---- printing -------------------------------------------------------------------------------- */

typedef struct {
    GString *out;
    GasketNumberText *numbers;
    bool json;
    unsigned n;
} Printer;

/* value: as it shall stand, quotes of JSON included. */
static void
print_raw(Printer *printer, const char *name, const char *value)
{
    if (printer->json)
        g_string_append_printf(printer->out, "%s\n  \"%s\": %s", printer->n > 0 ? "," : "{", name,
                               value);
    else
        g_string_append_printf(printer->out, "%-16s %s\n", name, value);
    printer->n++;
}

static void
print_text(Printer *printer, const char *name, const char *value)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    g_autofree char *escaped = g_strescape(valid, "\x7f");
    g_autofree char *quoted = printer->json ? g_strdup_printf("\"%s\"", escaped) : g_strdup(valid);
    print_raw(printer, name, quoted);
}

static void
print_count(Printer *printer, const char *name, uint64_t value)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
    print_raw(printer, name, text);
}

static void
print_number(Printer *printer, const char *name, double value)
{
    char text[GASKET_NUMBER_TEXT_MAX + 1];
    text[gasket_number_text_double(printer->numbers, value, text)] = '\0';
    print_raw(printer, name, text);
}

static void
print_degrees(Printer *printer, const char *prefix, const Degrees *degrees)
{
    g_autofree char *min = g_strdup_printf("%sdegree_min", prefix);
    g_autofree char *mean = g_strdup_printf("%sdegree_mean", prefix);
    g_autofree char *max = g_strdup_printf("%sdegree_max", prefix);
    print_count(printer, min, degrees->min);
    print_number(printer, mean, round(degrees->mean * 1e4) / 1e4);
    print_count(printer, max, degrees->max);
}

static void
print_figures(Printer *printer, const GasketGraph *graph, const GasketLoadInfo *info,
              const Figures *figures)
{
    print_text(printer, "format", info->format);
    print_raw(printer, "undirected", figures->symmetric ? "true" : "false");
    print_count(printer, "vertices", figures->vertices);
    print_count(printer, "edges", figures->edges);
    print_count(printer, "self_loops", figures->self_loops);
    print_count(printer, "parallel_edges", figures->parallel);
    print_count(printer, "isolated", figures->isolated);
    if (figures->symmetric) {
        print_degrees(printer, "", &figures->in);
    } else {
        print_degrees(printer, "in_", &figures->in);
        print_degrees(printer, "out_", &figures->out);
    }
    print_raw(printer, "weighted", figures->weighted ? "true" : "false");
    if (figures->weighted && figures->edges > 0) {
        print_number(printer, "weight_min", figures->min_weight);
        print_number(printer, "weight_max", figures->max_weight);
    }
    print_raw(printer, "ids",
              graph->kinds[0].ids.integer != NULL ? (printer->json ? "\"integer\"" : "integer")
                                                  : (printer->json ? "\"text\"" : "text"));
    print_text(printer, "order", graph->order == GASKET_ORDER_DEGREE ? "degree" : "given");
    if (graph->order_reason != NULL)
        print_text(printer, "order_reason", graph->order_reason);
    print_count(printer, "memory_bytes", figures->bytes);
}

static bool
run(GasketCliCall *call, int *ret_status, GError **error)
{
    static const GasketNeeds needs = {.in_rows = true, .weights = true};
    const InfoOptions *options = call->own;
    if (call->n_arguments == 0)
        return gasket_cli_refuse(error, "info: expected FILE..., or - for stdin");
    if (gasket_cli_is_model(call, call->n_arguments))
        return gasket_cli_info_model(call, options->json, ret_status, error);
    if (g_file_test(call->arguments[0], G_FILE_TEST_IS_DIR)) {
        *ret_status = GASKET_EXIT_DONE;
        return gasket_cli_info_snapshot(call->arguments[0], error);
    }

    const GasketGraphInput input = {
        .paths = call->arguments,
        .n_paths = call->n_arguments,
        .common = &call->common,
        .needs = &needs,
    };
    GasketGraphInputStats stats = {0};
    g_autoptr(GasketGraph) graph = gasket_graph_input_load(&input, &stats, error);
    if (graph == NULL)
        return false;

    Figures figures;
    g_autoptr(GString) text = g_string_new(NULL);
    bool measured = measure(graph, &figures, error);
    if (measured) {
        g_autoptr(GasketNumberText) numbers = gasket_number_text_new();
        Printer printer = {text, numbers, options->json, 0};
        print_figures(&printer, graph, &stats.info, &figures);
        if (options->json)
            g_string_append(text, "\n}\n");
    }
    gasket_load_info_clear(&stats.info);
    *ret_status = GASKET_EXIT_DONE;
    return measured && gasket_cli_print(text->str, error);
}

const GasketCliCommand gasket_cli_info_command = {
    .name = "info",
    .arguments = "FILE...",
    .summary = "tell a graph's figures: sizes, degrees, weights, order",
    .description = "Reads a graph as an algorithm would and prints a figure a line. Of a folder of "
                   "snapshots: what the last one is of, and whether its files are whole.\n"
                   "  gasket info roads.gr --json\n"
                   "  gasket info model.uai\n"
                   "Examples\n"
                   "  gasket info web.txt.gz\n"
                   "  gasket info roads.gr --json\n"
                   "  gasket info model.uai\n"
                   "  gasket info snapshots/\n",
    .tables = GASKET_CLI_INPUT | GASKET_CLI_MACHINE,
    .options = info_options,
    .options_size = sizeof(InfoOptions),
    .run = run,
};
