/* SPDX-License-Identifier: Apache-2.0 */
/* Partition and plan of a call; see plan.h. */
#include "cli/plan.h"

#include "cli/command.h"
#include "cli/report_text.h"

bool
gasket_cli_partition_check(const char *text, GError **error)
{
    GasketPartitionMethod method;
    const char *file = NULL;
    if (!gasket_partition_parse_method(text, &method, &file, error))
        return false;
    if (file == NULL || g_file_test(file, G_FILE_TEST_EXISTS))
        return true;
    g_autofree char *printable = g_strescape(file, NULL);
    return gasket_cli_refuse(error,
                             "--partition: found \"%s\", expected auto, metis, streaming, hash, "
                             "range or a file that is there",
                             printable);
}

GasketPartition *
gasket_cli_partition(const GasketCliCommon *common, const char *text, const GasketGraph *graph,
                     unsigned parts, GError **error)
{
    GasketPartitionOptions options = {
        .parts = parts,
        .seed = (uint64_t)common->seed,
        .threads = gasket_cli_threads(common, 1),
    };
    if (!gasket_cli_partition_check(text, error) ||
        !gasket_partition_parse_method(text, &options.method, &options.file, error))
        return NULL;
    return gasket_partition_new(graph, &options, error);
}

static const char *
order_name(const GasketGraph *graph)
{
    return graph->order == GASKET_ORDER_DEGREE ? "degree" : "given";
}

static void
replace(char **text, const char *with)
{
    g_free(*text);
    *text = g_strdup(with);
}

void
gasket_cli_report_plan(const GasketCliCommon *common, const GasketGraph *graph,
                       const GasketPartition *partition, GasketReport *report)
{
    report->plan.workers = (unsigned)common->workers;
    report->plan.threads = gasket_cli_threads(common, (unsigned)common->workers);
    replace(&report->plan.order, order_name(graph));
    replace(&report->plan.order_reason, graph->order_reason);
    if (partition == NULL)
        return;
    replace(&report->plan.partition, gasket_partition_method_name(partition->method));
    replace(&report->plan.partition_reason, partition->reason);
    report->plan.cut_edges = partition->cut_edges;
    report->plan.ghosts = partition->n_ghosts;
    report->plan.balance = partition->balance_entries;
    report->seconds.plan = partition->seconds;
}

/* Rows and what goes with them are spread as the entries are. */
static uint64_t
bytes_of_largest(const GasketGraph *graph, const GasketPartition *partition)
{
    uint64_t largest = 0, bytes = gasket_graph_bytes(graph);
    for (unsigned p = 0; p < partition->parts; p++)
        largest = MAX(largest, partition->entries[p]);
    if (partition->n_entries == 0)
        return bytes / partition->parts;
    return (uint64_t)((double)bytes * (double)largest / (double)partition->n_entries);
}

void
gasket_cli_append_plan(const GasketGraph *graph, const GasketPartition *partition, GString *out)
{
    g_string_append_printf(out, "order      %s", order_name(graph));
    if (graph->order_reason != NULL)
        g_string_append_printf(out, ": %s", graph->order_reason);
    g_string_append(out, "\nmemory     ");
    gasket_report_append_bytes(out, gasket_graph_bytes(graph));
    g_string_append(out, " for the graph");
    if (partition != NULL && partition->parts > 1) {
        g_string_append(out, ", about ");
        gasket_report_append_bytes(out, bytes_of_largest(graph, partition));
        g_string_append(out, " in the largest part");
    }
    g_string_append_c(out, '\n');
    if (partition != NULL && partition->parts > 1)
        gasket_partition_append_plan(partition, out);
}
