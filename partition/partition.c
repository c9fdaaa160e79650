/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing a method, running it, measuring and telling the result.
 *
 * `auto`, in this order (every figure is an exact integer count or a ratio of two):
 *
 *   one part                                          range: nothing is cut
 *   more than ENTRIES_FOR_METIS entries               streaming: METIS would take long
 *   busiest 1 % of vertices hold < SKEW of the ends   METIS
 *   streaming cuts less than half of what a hash does METIS: there is structure to be found
 *   else                                              streaming: METIS would find little more
 *
 * The last two: graphs with hubs may still fall into pieces (web crawls) or not (Kronecker); a
 * streaming pass is cheap beside METIS and tells them apart.
 *
 * Invariants (gasket_partition_check): every vertex has a part below parts; owned and entries sum
 * up to all vertices and entries; no part has ghosts without cut entries, nor more of them.
 */
#include "partition/partition.h"

#include <string.h>

#include "engine/array.h"
#include "partition/methods.h"

#define ENTRIES_FOR_METIS UINT64_C(20000000)
#define SKEW_PERCENT      20

static const char *const method_names[] = {
    /* ORDER gasket_partition_method */
    "auto", "metis", "streaming", "hash", "range", "file",
};

bool
gasket_partition_parse_method(const char *text, GasketPartitionMethod *ret_method,
                              const char **ret_file, GError **error)
{
    if (text[0] == '\0') {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a partition is auto, metis, streaming, hash, range or the path of a file, "
                    "and the text is empty");
        return false;
    }
    for (unsigned m = 0; m < GASKET_PARTITION_FILE; m++)
        if (strcmp(text, method_names[m]) == 0) {
            *ret_method = (GasketPartitionMethod)m;
            *ret_file = NULL;
            return true;
        }
    *ret_method = GASKET_PARTITION_FILE;
    *ret_file = text;
    return true;
}

const char *
gasket_partition_method_name(GasketPartitionMethod method)
{
    return method_names[method];
}

/* ---- partitioning ---------------------------------------------------------------------------- */

static bool
run_method(GasketPartition *partition, const GasketPartitionView *view,
           const GasketPartitionOptions *options, GError **error)
{
    switch (partition->method) {
    case GASKET_PARTITION_METIS:
        return gasket_partition_metis(view, options, partition->part, &partition->peak_bytes,
                                      error);
    case GASKET_PARTITION_STREAMING:
        return gasket_partition_streaming(view, options->parts, partition->part, error);
    case GASKET_PARTITION_HASH:
        gasket_partition_hash(view, options, partition->part);
        return true;
    case GASKET_PARTITION_RANGE:
        gasket_partition_range(view, options->parts, partition->part);
        return true;
    case GASKET_PARTITION_FILE:
        return gasket_partition_file(view, options, partition->part, error);
    case GASKET_PARTITION_AUTO:
        break;
    }
    g_assert_not_reached();
}

static double
percent(uint64_t share, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)share / (double)whole : 0;
}

/* For graphs with hubs: streams, and lets METIS do it again where that has cut well. */
static bool
run_auto_skewed(GasketPartition *partition, const GasketPartitionView *view,
                const GasketPartitionOptions *options, double skew, GError **error)
{
    uint64_t n_edges = 0;
    double hash = 100.0 - 100.0 / options->parts;

    partition->method = GASKET_PARTITION_STREAMING;
    if (!run_method(partition, view, options, error))
        return false;
    for (unsigned r = 0; r < view->graph->n_relations; r++)
        n_edges += view->graph->relations[r].n_edges;
    double cut = percent(gasket_partition_cut(view, partition->part), n_edges);
    if (2 * cut < hash) {
        partition->method = GASKET_PARTITION_METIS;
        partition->reason = g_strdup_printf(
            "the busiest 1 %% of vertices hold %.0f %% of the edge ends, but even streaming cuts "
            "only %.1f %% of the edges where a hash cuts %.3g %%",
            skew, cut, hash);
        return run_method(partition, view, options, error);
    }
    partition->reason = g_strdup_printf(
        "the busiest 1 %% of vertices hold %.0f %% of the edge ends, and %.1f %% of the edges are "
        "cut where a hash cuts %.3g %%: METIS would gain little",
        skew, cut, hash);
    return true;
}

static bool
run_auto(GasketPartition *partition, const GasketPartitionView *view,
         const GasketPartitionOptions *options, GError **error)
{
    uint64_t entries = gasket_partition_view_symmetrised(view), busiest, ends;

    if (options->parts == 1) {
        partition->method = GASKET_PARTITION_RANGE;
        partition->reason = g_strdup("one part");
        return run_method(partition, view, options, error);
    }
    if (entries > ENTRIES_FOR_METIS) {
        partition->method = GASKET_PARTITION_STREAMING;
        partition->reason =
            g_strdup_printf("%" G_GUINT64_FORMAT " entries, METIS is for up to %.0f",
                            (uint64_t)entries, (double)ENTRIES_FOR_METIS);
        return run_method(partition, view, options, error);
    }
    if (!gasket_partition_view_skew(view, &busiest, &ends, error))
        return false;
    double skew = percent(busiest, ends);
    if (skew >= SKEW_PERCENT)
        return run_auto_skewed(partition, view, options, skew, error);
    partition->method = GASKET_PARTITION_METIS;
    partition->reason =
        g_strdup_printf("%" G_GUINT64_FORMAT
                        " entries, and the busiest 1 %% of vertices hold %.0f %% of the edge ends",
                        (uint64_t)entries, skew);
    return run_method(partition, view, options, error);
}

static bool
allocate_parts(GasketPartition *partition, const GasketGraph *graph, GError **error)
{
    partition->part = gasket_array_new(graph->n_kinds, sizeof *partition->part, error);
    for (unsigned k = 0; partition->part != NULL && k < graph->n_kinds; k++) {
        partition->part[k] = gasket_array_new(graph->kinds[k].n_vertices, sizeof(uint32_t), error);
        if (partition->part[k] == NULL)
            return false;
    }
    return partition->part != NULL;
}

GasketPartition *
gasket_partition_new(const GasketGraph *graph, const GasketPartitionOptions *options,
                     GError **error)
{
    if (options->parts == 0 || options->parts > GASKET_PARTITION_PARTS_MAX) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a graph is partitioned into 1 to %u parts, not %u", GASKET_PARTITION_PARTS_MAX,
                    options->parts);
        return NULL;
    }
    g_assert(options->method != GASKET_PARTITION_FILE || options->file != NULL);

    g_autoptr(GasketPartition) partition = g_new0(GasketPartition, 1);
    g_auto(GasketPartitionView) view;
    gasket_partition_view_init(&view, graph);
    partition->parts = options->parts;
    partition->n_kinds = graph->n_kinds;
    partition->method = options->method;
    if (!allocate_parts(partition, graph, error))
        return NULL;

    int64_t begin = g_get_monotonic_time();
    bool ok = options->method == GASKET_PARTITION_AUTO
                  ? run_auto(partition, &view, options, error)
                  : run_method(partition, &view, options, error);
    partition->seconds = (double)(g_get_monotonic_time() - begin) / 1e6;
    if (!ok || !gasket_partition_measure(partition, &view, MAX(options->threads, 1), error))
        return NULL;
    return g_steal_pointer(&partition);
}

void
gasket_partition_free(GasketPartition *partition)
{
    if (partition == NULL)
        return;
    for (unsigned k = 0; partition->part != NULL && k < partition->n_kinds; k++)
        gasket_array_free(partition->part[k]);
    gasket_array_free(partition->part);
    g_free(partition->reason);
    g_free(partition->owned);
    g_free(partition->entries);
    g_free(partition->ghosts);
    g_free(partition->kind_ghosts);
    g_free(partition);
}

/* ---- checking and telling -------------------------------------------------------------------- */

static bool G_GNUC_PRINTF(2, 3) broken(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_FAILED, message);
    return false;
}

bool
gasket_partition_check(const GasketPartition *partition, const GasketGraph *graph, GError **error)
{
    unsigned parts = partition->parts;
    g_autofree uint64_t *owned = g_new0(uint64_t, parts);
    uint64_t entries = 0, ghosts = 0;

    for (unsigned k = 0; k < graph->n_kinds; k++)
        for (uint32_t x = 0; x < graph->kinds[k].n_vertices; x++) {
            if (partition->part[k][x] >= parts)
                return broken(error, "vertex %u of kind %u is in part %u of %u", x, k,
                              partition->part[k][x], parts);
            owned[partition->part[k][x]]++;
        }
    for (unsigned p = 0; p < parts; p++) {
        if (owned[p] != partition->owned[p])
            return broken(error,
                          "part %u owns %" G_GUINT64_FORMAT " vertices, not %" G_GUINT64_FORMAT, p,
                          owned[p], partition->owned[p]);
        if (partition->ghosts[p] > partition->n_vertices - owned[p])
            return broken(error, "part %u has more ghosts than there are other vertices", p);
        entries += partition->entries[p];
        ghosts += partition->ghosts[p];
    }
    if (entries != partition->n_entries)
        return broken(error, "the parts' entries do not sum up");
    if (ghosts != partition->n_ghosts || ghosts > partition->cut_entries)
        return broken(error, "the parts' ghosts do not sum up");
    if (partition->cut_edges > partition->n_edges || partition->cut_entries > entries)
        return broken(error, "more is cut than there is");
    return true;
}

void
gasket_partition_append_plan(const GasketPartition *partition, GString *out)
{
    uint64_t most = 0;
    for (unsigned p = 0; p < partition->parts; p++)
        most = MAX(most, partition->ghosts[p]);

    g_string_append_printf(out, "partition  %s%s%s%s, %u part%s\n",
                           gasket_partition_method_name(partition->method),
                           partition->reason ? " (" : "",
                           partition->reason ? partition->reason : "", partition->reason ? ")" : "",
                           partition->parts, partition->parts == 1 ? "" : "s");
    g_string_append_printf(out,
                           "cut        %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                           " edges (%.1f %%)\n",
                           partition->cut_edges, partition->n_edges,
                           percent(partition->cut_edges, partition->n_edges));
    g_string_append_printf(out,
                           "ghosts     %" G_GUINT64_FORMAT " a worker at most, %.0f on average; a "
                           "full update sends %" G_GUINT64_FORMAT " values\n",
                           most, (double)partition->n_ghosts / partition->parts,
                           partition->n_ghosts);
    g_string_append_printf(out,
                           "balance    vertices %.3f, edges %.3f (largest part over the mean)\n",
                           partition->balance_vertices, partition->balance_entries);
    g_string_append_printf(out, "planned    in %.3f s", partition->seconds);
    if (partition->peak_bytes > 0)
        g_string_append_printf(out, ", METIS with %.0f MB", (double)partition->peak_bytes / 1e6);
    g_string_append_c(out, '\n');
}
