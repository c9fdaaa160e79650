/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The partitioners' view of a graph, and the one measure by which `auto` calls a graph skewed.
 *
 * The busiest hundredth is found without sorting: degrees are selected by radix, first by their
 * upper 16 bits, then by the lower 16 among those that share the upper ones.
 *
 *   degree  ....8 8 7 | 7 7 5 3 3 1 ...      threshold 7: all above it, and as many
 *           busiest   ^                      of it as still belong to the hundredth
 *
 * Cost: O(V + E) time, 4 bytes a vertex and 512 KiB.
 */
#include "partition/view.h"

#include "engine/array.h"

#define RADIX 65536

void
gasket_partition_view_init(GasketPartitionView *view, const GasketGraph *graph)
{
    *view = (GasketPartitionView){.graph = graph, .n_kinds = graph->n_kinds};
    view->base = g_new0(uint64_t, graph->n_kinds + 1);
    for (unsigned k = 0; k < graph->n_kinds; k++)
        view->base[k + 1] = view->base[k] + graph->kinds[k].n_vertices;
    view->sets = g_new0(GasketPartitionRows, 2 * graph->n_relations + 1);
    for (unsigned r = 0; r < graph->n_relations; r++) {
        const GasketGraphRelation *relation = &graph->relations[r];
        bool in = relation->rows[GASKET_IN].offset != NULL;
        bool out = !relation->symmetric && relation->rows[GASKET_OUT].offset != NULL;
        g_assert(in || out);
        if (in)
            view->sets[view->n_sets++] = (GasketPartitionRows){
                .rows = &relation->rows[GASKET_IN],
                .kind = relation->target,
                .neighbour = relation->source,
                .symmetric = relation->symmetric,
                .first = true,
                .alone = !relation->symmetric && !out,
            };
        if (out)
            view->sets[view->n_sets++] = (GasketPartitionRows){
                .rows = &relation->rows[GASKET_OUT],
                .kind = relation->source,
                .neighbour = relation->target,
                .first = !in,
                .alone = !in,
            };
    }
}

void
gasket_partition_view_clear(GasketPartitionView *view)
{
    g_free(view->base);
    g_free(view->sets);
    *view = (GasketPartitionView){0};
}

uint64_t
gasket_partition_view_kind_work(const GasketPartitionView *view, unsigned kind)
{
    uint64_t work = gasket_partition_view_n(view, kind);
    for (unsigned s = 0; s < view->n_sets; s++)
        if (view->sets[s].kind == kind)
            work += view->sets[s].rows->n_entries;
    return work;
}

uint64_t
gasket_partition_view_symmetrised(const GasketPartitionView *view)
{
    uint64_t entries = 0;
    for (unsigned s = 0; s < view->n_sets; s++)
        if (view->sets[s].first)
            entries += view->sets[s].rows->n_entries * (view->sets[s].symmetric ? 1 : 2);
    return entries;
}

/* Adds the edge ends of one set to the degrees, by index. */
static void
add_degrees(const GasketPartitionView *view, const GasketPartitionRows *set, uint32_t *degree)
{
    const GasketGraphRows *rows = set->rows;
    uint32_t *own = degree + view->base[set->kind], *far = degree + view->base[set->neighbour];

    for (uint32_t x = 0; x < rows->n_rows; x++) {
        uint64_t d = own[x] + (rows->offset[x + 1] - rows->offset[x]);
        own[x] = d < UINT32_MAX ? (uint32_t)d : UINT32_MAX;
    }
    if (set->symmetric)
        return;
    for (uint64_t e = 0; e < rows->n_entries; e++)
        if (far[rows->neighbour[e]] < UINT32_MAX)
            far[rows->neighbour[e]]++;
}

/* The bucket in which the rank-th largest (rank >= 1) stands; what is left of rank within it. */
static uint32_t
select_bucket(const uint64_t *count, uint64_t rank, uint64_t *ret_left)
{
    uint32_t b = RADIX - 1;
    while (b > 0 && count[b] < rank) {
        rank -= count[b];
        b--;
    }
    *ret_left = rank;
    return b;
}

bool
gasket_partition_view_skew(const GasketPartitionView *view, uint64_t *ret_busiest,
                           uint64_t *ret_ends, GError **error)
{
    uint64_t n = view->base[view->n_kinds], connected = 0, ends = 0, busiest = 0;
    uint32_t *degree = gasket_array_new(n, sizeof *degree, error);
    if (degree == NULL)
        return false;
    for (unsigned s = 0; s < view->n_sets; s++)
        if (view->sets[s].first)
            add_degrees(view, &view->sets[s], degree);

    g_autofree uint64_t *high = g_new0(uint64_t, RADIX);
    g_autofree uint64_t *low = g_new0(uint64_t, RADIX);
    for (uint64_t i = 0; i < n; i++) {
        connected += degree[i] > 0;
        ends += degree[i];
        high[degree[i] >> 16]++;
    }
    uint64_t rank = connected / 100 + (connected % 100 > 0);
    if (rank > 0) {
        uint32_t upper = select_bucket(high, rank, &rank);
        for (uint64_t i = 0; i < n; i++)
            if (degree[i] >> 16 == upper)
                low[degree[i] & (RADIX - 1)]++;
        uint32_t threshold = upper << 16 | select_bucket(low, rank, &rank);
        for (uint64_t i = 0; i < n; i++)
            if (degree[i] > threshold)
                busiest += degree[i];
        busiest += rank * threshold;
    }
    gasket_array_free(degree);
    *ret_busiest = busiest;
    *ret_ends = ends;
    return true;
}
