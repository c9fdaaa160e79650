/* SPDX-License-Identifier: Apache-2.0 */
/* `gasket generate KIND`: random graphs of known shapes. */
#include <string.h>

#include "cli/command.h"
#include "loaders/generate.h"
#include "loaders/result_file.h"
#include "loaders/write_graph.h"

typedef struct {
    int64_t scale, edge_factor, vertices, edges, rows, columns, users, items, rank;
    double noise;
    bool weights, both;
    int64_t seed;
    const char *output, *to;
} GenerateOptions;

#define FIELD(name) offsetof(GenerateOptions, name)
#define COUNT_MAX   1e15

static const GasketCliOption generate_options[] = {
    {.option = {"scale", GASKET_OPTION_INT, FIELD(scale), "16", "kronecker: 2^N vertices",
                .minimum = 0, .maximum = 31}},
    {.option = {"edge-factor", GASKET_OPTION_INT, FIELD(edge_factor), "16",
                "kronecker: edges for each vertex", .minimum = 1, .maximum = 4096}},
    {.option = {"vertices", GASKET_OPTION_INT, FIELD(vertices), "1000", "uniform", .minimum = 1,
                .maximum = UINT32_MAX - 1.0}},
    {.option = {"edges", GASKET_OPTION_INT, FIELD(edges), "10000",
                "uniform, and the number of ratings", .minimum = 0, .maximum = COUNT_MAX}},
    {.option = {"rows", GASKET_OPTION_INT, FIELD(rows), "100", "grid", .minimum = 1,
                .maximum = UINT32_MAX - 1.0}},
    {.option = {"columns", GASKET_OPTION_INT, FIELD(columns), "100", "grid", .minimum = 1,
                .maximum = UINT32_MAX - 1.0}},
    {.option = {"users", GASKET_OPTION_INT, FIELD(users), "1000", "ratings", .minimum = 1,
                .maximum = INT32_MAX}},
    {.option = {"items", GASKET_OPTION_INT, FIELD(items), "500", "ratings", .minimum = 1,
                .maximum = INT32_MAX}},
    {.option = {"rank", GASKET_OPTION_INT, FIELD(rank), "8",
                "ratings: length of the planted factors", .minimum = 1, .maximum = 256}},
    {.option = {"noise", GASKET_OPTION_DOUBLE, FIELD(noise), "0.3",
                "ratings: standard deviation of what is added, in stars", .minimum = 0,
                .maximum = 100}},
    {.option = {"weights", GASKET_OPTION_BOOL, FIELD(weights),
                .help = "whole weights of 1 to 255"}},
    {.option = {"both", GASKET_OPTION_BOOL, FIELD(both), .help = "every edge in both directions"}},
    {.option = {"seed", GASKET_OPTION_INT, FIELD(seed), "0", "the same seed gives the same graph",
                .minimum = 0, .maximum = (double)INT64_MAX}},
    {.option = {"output", GASKET_OPTION_STRING, FIELD(output), "-",
                .help = ".tsv, .csv, .bin, .wbin, or - for stdout", .value_name = "FILE"},
     .letter = 'o'},
    {.option = {"to", GASKET_OPTION_STRING, FIELD(to),
                .help = "format to write: edges, csv, binary or binary-weighted; by the ending of "
                        "the output if not given",
                .value_name = "NAME"}},
    {.letter = 0},
};

static bool
find_kind(const char *name, GasketGenerateKind *ret_kind, GError **error)
{
    const char *const *kinds = gasket_generate_kinds();
    for (unsigned i = 0; kinds[i] != NULL; i++) {
        if (strcmp(kinds[i], name) == 0) {
            *ret_kind = (GasketGenerateKind)i;
            return true;
        }
    }
    g_autofree char *names = g_strjoinv(", ", (char **)kinds);
    return gasket_cli_refuse(error, "generate: found \"%s\", expected one of %s", name, names);
}

static bool
run(GasketCliCall *call, int *ret_status, GError **error)
{
    const GenerateOptions *own = call->own;
    if (call->n_arguments != 1)
        return gasket_cli_refuse(error, "generate: expected one KIND of graph, found %u",
                                 call->n_arguments);
    GasketGenerateOptions options = {
        .scale = (unsigned)own->scale,
        .edge_factor = (uint64_t)own->edge_factor,
        .n_vertices = (uint64_t)own->vertices,
        .n_edges = (uint64_t)own->edges,
        .rows = (uint64_t)own->rows,
        .columns = (uint64_t)own->columns,
        .users = (uint64_t)own->users,
        .items = (uint64_t)own->items,
        .rank = (unsigned)own->rank,
        .noise = own->noise,
        .weights = own->weights,
        .both = own->both,
        .seed = (uint64_t)own->seed,
        .threads = gasket_cli_threads(&call->common, 1),
    };
    if (!find_kind(call->arguments[0], &options.kind, error) ||
        !gasket_generate_check(&options, error) || !gasket_result_file_check(own->output, error))
        return false;
    g_autoptr(GasketEdgeWriter) writer =
        gasket_edge_writer_new(own->output, own->to, gasket_generate_weighted(&options), error);
    *ret_status = GASKET_EXIT_DONE;
    return writer != NULL && gasket_generate(&options, gasket_edge_writer_add, writer, error) &&
           gasket_edge_writer_finish(writer, error);
}

const GasketCliCommand gasket_cli_generate_command = {
    .name = "generate",
    .arguments = "kronecker|uniform|grid|ratings",
    .summary = "make a random graph of a known shape",
    .description = "A graph is a function of the options and the seed. Vertices count from 0.\n"
                   "\n"
                   "Examples\n"
                   "  gasket generate kronecker --scale 20 -o g.tsv\n"
                   "  gasket generate grid --rows 300 --columns 300 --weights -o grid.csv\n"
                   "  gasket generate ratings --users 1000 --items 500 --edges 50000 -o r.tsv\n",
    .tables = GASKET_CLI_MACHINE,
    .options = generate_options,
    .options_size = sizeof(GenerateOptions),
    .run = run,
};
