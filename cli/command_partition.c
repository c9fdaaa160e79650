/* SPDX-License-Identifier: Apache-2.0 */
/* `gasket partition FILE...`: a plan for some number of parts, and the parts themselves. */
#include <string.h>

#include "cli/command.h"
#include "cli/graph_input.h"
#include "cli/plan.h"
#include "engine/array.h"
#include "loaders/result_writer.h"

typedef struct {
    int64_t parts;
    const char *method;
    int64_t seed;
    const char *output;
} PartitionOptions;

#define FIELD(name) offsetof(PartitionOptions, name)

static const GasketCliOption partition_options[] = {
    {.option = {"parts", GASKET_OPTION_INT, FIELD(parts), "2", "how many", .minimum = 1,
                .maximum = GASKET_PARTITION_PARTS_MAX}},
    {.option = {"partition", GASKET_OPTION_STRING, FIELD(method), "auto",
                .help = "auto, metis, streaming, hash, range, or a file of lines `id part` to be "
                        "measured",
                .value_name = "METHOD|FILE"}},
    {.option = {"seed", GASKET_OPTION_INT, FIELD(seed), "0", "of metis and hash", .minimum = 0,
                .maximum = (double)INT64_MAX}},
    {.option = {"output", GASKET_OPTION_STRING, FIELD(output),
                .help = "where the parts go, a line `id part` for each vertex: .tsv, .csv, .jsonl, "
                        ".npy, .db, or - for stdout",
                .value_name = "FILE"},
     .letter = 'o'},
    {.letter = 0},
};

/* Rows of the result that are handed over at once. */
#define BLOCK 4096

/* Ids and parts of the vertices with ordinals first .. first + n - 1. */
static bool
write_block(GasketResultWriter *writer, const GasketGraphKind *kind, const uint32_t *number,
            const uint32_t *part, uint32_t first, uint32_t n, GError **error)
{
    uint32_t parts[BLOCK];
    int64_t integers[BLOCK];
    uint64_t begin[BLOCK + 1];
    g_autoptr(GString) text = g_string_new(NULL);

    begin[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t v = number != NULL ? number[first + i] : first + i;
        parts[i] = part[v];
        if (kind->ids.integer != NULL)
            integers[i] = kind->ids.integer[v];
        else
            gasket_ids_append(&kind->ids, v, text);
        begin[i + 1] = text->len;
    }
    const GasketIds ids = kind->ids.integer != NULL
                              ? (GasketIds){.n = n, .integer = integers}
                              : (GasketIds){.n = n, .text_begin = begin, .text = text->str};
    const void *const columns[] = {parts};
    const GasketResultBlock block = {.n = n, .ids = &ids, .columns = columns};
    return gasket_result_writer_write(writer, &block, error);
}

static bool
write_parts(const PartitionOptions *options, const GasketGraph *graph,
            const GasketPartition *partition, GError **error)
{
    static const GasketResultColumn column = {.name = "part", .type = GASKET_UINT32};
    const GasketResultOptions result_options = {.table = "parts"};
    const GasketGraphKind *kind = &graph->kinds[0];
    uint32_t *number = NULL; /* [n_vertices] by ordinal */

    g_autoptr(GasketResultWriter) writer =
        gasket_result_writer_new(options->output, &column, 1, &result_options, error);
    if (writer == NULL)
        return false;
    if (kind->ordinal != NULL) {
        number = gasket_array_new(kind->n_vertices, sizeof *number, error);
        if (number == NULL)
            return false;
        for (uint32_t v = 0; v < kind->n_vertices; v++)
            number[kind->ordinal[v]] = v;
    }
    bool written = true;
    for (uint64_t first = 0; first < kind->n_vertices && written; first += BLOCK)
        written = write_block(writer, kind, number, partition->part[0], (uint32_t)first,
                              (uint32_t)MIN(BLOCK, kind->n_vertices - first), error);
    gasket_array_free(number);
    return written && gasket_result_writer_finish(writer, error);
}

static bool
check(const GasketCliCall *call, const PartitionOptions *options, GError **error)
{
    if (call->n_arguments == 0)
        return gasket_cli_refuse(error, "partition: expected FILE..., or - for stdin");
    return gasket_graph_input_check_output(call->arguments, call->n_arguments, &call->common,
                                           options->output, "result", error) &&
           gasket_cli_partition_check(options->method, error) &&
           (options->output == NULL || gasket_result_writer_check(options->output, NULL, error));
}

static bool
run(GasketCliCall *call, int *ret_status, GError **error)
{
    /* The rows that algorithms keep unless they say otherwise. */
    static const GasketNeeds needs = {.in_rows = true};
    const PartitionOptions *options = call->own;
    if (!check(call, options, error))
        return false;

    const GasketGraphInput input = {
        .paths = call->arguments,
        .n_paths = call->n_arguments,
        .common = &call->common,
        .needs = &needs,
    };
    g_autoptr(GasketGraph) graph = gasket_graph_input_load(&input, NULL, error);
    if (graph == NULL)
        return false;
    call->common.seed = options->seed;
    g_autoptr(GasketPartition) partition =
        gasket_cli_partition(&call->common, options->method, graph, (unsigned)options->parts,
                             error);
    if (partition == NULL)
        return false;

    g_autoptr(GString) text = g_string_new(NULL);
    gasket_cli_append_plan(graph, partition, text);
    *ret_status = GASKET_EXIT_DONE;
    if (options->output == NULL)
        return gasket_cli_print(text->str, error);
    if (!call->common.quiet)
        gasket_cli_note(text->str);
    return write_parts(options, graph, partition, error);
}

const GasketCliCommand gasket_cli_partition_command = {
    .name = "partition",
    .arguments = "FILE...",
    .summary = "plan how a graph is shared among workers, or write the parts",
    .description =
        "Prints the plan: the method and why, cut edges, ghosts, balance. With -o the parts are "
        "written, and the plan goes to stderr; --partition of any algorithm reads them.\n"
        "\n"
        "Examples\n"
        "  gasket partition web.txt.gz --parts 8\n"
        "  gasket partition web.txt.gz --parts 8 --partition hash -o parts.tsv\n",
    .tables = GASKET_CLI_INPUT | GASKET_CLI_MACHINE,
    .options = partition_options,
    .options_size = sizeof(PartitionOptions),
    .run = run,
};
