/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a partition costs: cut edges, ghosts, and how evenly work lies.
 *
 * Vertices are listed by part; each part's rows are walked with a stamp for every vertex, so that
 * a remote neighbour counts as a ghost when it is met first.
 *
 *   listed   | part 0: indices | part 1 | ... |      [V], begin[p] .. begin[p + 1] - 1
 *   stamp    p + 1 where the vertex was met by part p   [V] for each thread
 *
 * Parts are dealt to threads; every figure is an integer that belongs to one part or is a sum, so
 * the result does not depend on who counted what.
 *
 * Cost: O(V + E); 4 bytes a vertex, and 2 more for each thread.
 */
#include "partition/methods.h"

#include <pthread.h>
#include <stdatomic.h>

#include "engine/array.h"

typedef struct {
    const GasketPartitionView *view;
    GasketPartition *partition;
    const uint64_t *begin;  /* [parts * n_kinds + 1] into listed, part-major */
    const uint32_t *listed; /* [V] numbers */
    atomic_uint next;       /* part to be measured next */
} Measure;

typedef struct {
    Measure *measure;
    uint16_t *stamp;       /* [V] by index */
    uint64_t *kind_ghosts; /* [n_kinds] */
    uint64_t cut_entries, cut_edges;
    pthread_t thread;
} Counter;

uint64_t
gasket_partition_cut(const GasketPartitionView *view, uint32_t *const *part)
{
    uint64_t cut = 0;
    for (unsigned s = 0; s < view->n_sets; s++) {
        const GasketPartitionRows *set = &view->sets[s];
        const uint32_t *own = part[set->kind], *far = part[set->neighbour];
        uint64_t remote = 0;
        if (!set->first)
            continue;
        for (uint32_t x = 0; x < set->rows->n_rows; x++)
            for (uint64_t e = set->rows->offset[x]; e < set->rows->offset[x + 1]; e++)
                remote += far[set->rows->neighbour[e]] != own[x];
        cut += set->symmetric ? remote / 2 : remote;
    }
    return cut;
}

/* Walks the rows of one set that part p keeps. */
static void
count_rows(Counter *counter, const GasketPartitionRows *set, unsigned p)
{
    const Measure *measure = counter->measure;
    GasketPartition *partition = measure->partition;
    const uint64_t *begin = &measure->begin[p * partition->n_kinds + set->kind];
    const uint32_t *far = partition->part[set->neighbour];
    uint16_t *stamp = counter->stamp + measure->view->base[set->neighbour];
    uint16_t mine = (uint16_t)(p + 1);
    uint64_t entries = 0, remote = 0, ghosts = 0;

    for (uint64_t i = begin[0]; i < begin[1]; i++) {
        uint32_t x = measure->listed[i];
        entries += set->rows->offset[x + 1] - set->rows->offset[x];
        for (uint64_t e = set->rows->offset[x]; e < set->rows->offset[x + 1]; e++) {
            uint32_t u = set->rows->neighbour[e];
            if (far[u] == p)
                continue;
            remote++;
            ghosts += stamp[u] != mine;
            stamp[u] = mine;
        }
    }
    partition->entries[p] += entries;
    partition->ghosts[p] += ghosts;
    counter->kind_ghosts[set->neighbour] += ghosts;
    counter->cut_entries += remote;
    /* Of a symmetric relation every cut edge is met twice: each end owns one entry of it. */
    if (set->first)
        counter->cut_edges += set->symmetric ? remote : 2 * remote;
}

static void *
count_parts(void *data)
{
    Counter *counter = data;
    Measure *measure = counter->measure;
    unsigned p;

    while ((p = atomic_fetch_add(&measure->next, 1)) < measure->partition->parts)
        for (unsigned s = 0; s < measure->view->n_sets; s++)
            count_rows(counter, &measure->view->sets[s], p);
    return NULL;
}

/* Counts with several threads (as many as could be started; the caller is one) and adds up. */
static bool
count_all(Measure *measure, unsigned threads, GError **error)
{
    GasketPartition *partition = measure->partition;
    uint64_t n = measure->view->base[measure->view->n_kinds];
    g_autofree Counter *counters = g_new0(Counter, threads);
    unsigned n_ready = 0, n_started = 0;
    bool ok = true;

    for (; n_ready < threads && ok; n_ready++) {
        Counter *counter = &counters[n_ready];
        counter->measure = measure;
        counter->kind_ghosts = g_new0(uint64_t, partition->n_kinds);
        counter->stamp = gasket_array_new(n, sizeof *counter->stamp, error);
        ok = counter->stamp != NULL;
    }
    if (ok) {
        while (n_started + 1 < threads &&
               pthread_create(&counters[n_started + 1].thread, NULL, count_parts,
                              &counters[n_started + 1]) == 0)
            n_started++;
        count_parts(&counters[0]);
        for (unsigned t = 1; t <= n_started; t++)
            pthread_join(counters[t].thread, NULL);
    }
    for (unsigned t = 0; t < n_ready; t++) {
        partition->cut_entries += counters[t].cut_entries;
        partition->cut_edges += counters[t].cut_edges;
        for (unsigned k = 0; k < partition->n_kinds; k++)
            partition->kind_ghosts[k] += counters[t].kind_ghosts[k];
        gasket_array_free(counters[t].stamp);
        g_free(counters[t].kind_ghosts);
    }
    partition->cut_edges /= 2;
    return ok;
}

/* Lists the numbers of all vertices by (part, kind, number). */
static uint32_t *
list_by_part(const GasketPartition *partition, const GasketPartitionView *view, uint64_t *begin,
             GError **error)
{
    unsigned n_kinds = partition->n_kinds, n_groups = partition->parts * n_kinds;
    uint32_t *listed = gasket_array_new(view->base[n_kinds], sizeof *listed, error);
    if (listed == NULL)
        return NULL;
    g_autofree uint64_t *next = g_new0(uint64_t, n_groups + 1);
    for (unsigned k = 0; k < n_kinds; k++)
        for (uint32_t x = 0; x < gasket_partition_view_n(view, k); x++)
            next[partition->part[k][x] * n_kinds + k + 1]++;
    for (unsigned g = 0; g < n_groups; g++)
        next[g + 1] += next[g];
    for (unsigned g = 0; g <= n_groups; g++)
        begin[g] = next[g];
    for (unsigned k = 0; k < n_kinds; k++)
        for (uint32_t x = 0; x < gasket_partition_view_n(view, k); x++)
            listed[next[partition->part[k][x] * n_kinds + k]++] = x;
    return listed;
}

static double
balance(const uint64_t *amount, unsigned parts)
{
    uint64_t total = 0, most = 0;
    for (unsigned p = 0; p < parts; p++) {
        total += amount[p];
        most = MAX(most, amount[p]);
    }
    return total > 0 ? (double)most * parts / (double)total : 1;
}

bool
gasket_partition_measure(GasketPartition *partition, const GasketPartitionView *view,
                         unsigned threads, GError **error)
{
    unsigned parts = partition->parts, n_kinds = partition->n_kinds;

    partition->n_vertices = view->base[n_kinds];
    for (unsigned s = 0; s < view->n_sets; s++)
        partition->n_entries += view->sets[s].rows->n_entries;
    for (unsigned r = 0; r < view->graph->n_relations; r++)
        partition->n_edges += view->graph->relations[r].n_edges;
    partition->owned = g_new0(uint64_t, parts);
    partition->entries = g_new0(uint64_t, parts);
    partition->ghosts = g_new0(uint64_t, parts);
    partition->kind_ghosts = g_new0(uint64_t, n_kinds);

    g_autofree uint64_t *begin = g_new0(uint64_t, (size_t)parts * n_kinds + 1);
    uint32_t *listed = list_by_part(partition, view, begin, error);
    if (listed == NULL)
        return false;
    Measure measure = {.view = view, .partition = partition, .begin = begin, .listed = listed};
    bool ok = count_all(&measure, CLAMP(threads, 1, parts), error);
    gasket_array_free(listed);
    if (!ok)
        return false;

    for (unsigned p = 0; p < parts; p++) {
        partition->owned[p] = begin[(p + 1) * n_kinds] - begin[p * n_kinds];
        partition->n_ghosts += partition->ghosts[p];
    }
    partition->balance_vertices = balance(partition->owned, parts);
    partition->balance_entries = balance(partition->entries, parts);
    return true;
}
