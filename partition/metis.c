/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts by METIS: multilevel k-way partitioning of all kinds as one graph, in a child process.
 *
 * METIS wants a symmetric graph without self-loops and without parallel edges. It is built in the
 * child from the rows that stand, by two transpositions:
 *
 *   1  scatter   every entry (x, u) to both ends' lists; unsorted, parallel edges side by side
 *   2  transpose for x ascending, for each y listed at x: append x to y's row; if x is already
 *                the row's last, the edge is parallel: its weight grows instead
 *
 * so rows come out ascending and merged, in O(V + E) without sorting, and do not depend on which
 * direction stood. An edge weighs as many entries as it has; a vertex weighs its work, scaled to
 * METIS's 32 bits. Each kind with enough vertices is a constraint of its own.
 *
 *   adjacency   offset[V + 1], neighbour[offset[V]], weight[offset[V]]      (METIS: xadj, adjncy,
 *                                                                             adjwgt)
 * Invariants (check_adjacency, before METIS sees anything):
 *   1. Rows are strictly ascending, in range, without the vertex itself.
 *   2. x stands in the row of y, with the same weight, where y stands in the row of x.
 *
 * METIS catches SIGABRT and SIGTERM, jumps out of handlers, draws from the process-wide rand() and
 * aborts on bad input: hence the child. Its indices have 32 bits: hence the limit.
 *
 * Cost: 12 bytes an entry (both ends of an edge counted) and 16 bytes a vertex before METIS, and
 * a multiple of that in it; all of it is gone when the call returns.
 * Reference: Karypis, Kumar: Multilevel k-way Partitioning Scheme for Irregular Graphs; JPDC 1998.
 */
#include "partition/methods.h"

#include <metis.h>

#include "engine/array.h"
#include "partition/child.h"

/* Vertices of a kind for each part from which on the kind is balanced by itself. */
#define VERTICES_TO_BALANCE 16
#define CONSTRAINTS_MAX     8

G_STATIC_ASSERT(sizeof(idx_t) == 4);

typedef struct {
    const GasketPartitionView *view;
    unsigned parts;
    idx_t seed;
} Task;

typedef struct {
    uint32_t n;
    idx_t *offset;    /* [n + 1] */
    idx_t *neighbour; /* [offset[n]] */
    idx_t *weight;    /* [offset[n]] */
} Adjacency;

/* ---- the adjacency --------------------------------------------------------------------------- */

/* Adds to offset[i + 1] how often scatter will list something at i, then sums up. */
static void
count_ends(const GasketPartitionView *view, idx_t *offset)
{
    for (unsigned s = 0; s < view->n_sets; s++) {
        const GasketPartitionRows *set = &view->sets[s];
        const GasketGraphRows *rows = set->rows;
        idx_t *own = offset + view->base[set->kind] + 1;
        idx_t *far = offset + view->base[set->neighbour] + 1;
        if (!set->first)
            continue;
        for (uint32_t x = 0; x < rows->n_rows; x++)
            own[x] += (idx_t)(rows->offset[x + 1] - rows->offset[x]);
        for (uint64_t e = 0; !set->symmetric && e < rows->n_entries; e++)
            far[rows->neighbour[e]]++;
    }
    for (uint64_t i = 0; i < view->base[view->n_kinds]; i++)
        offset[i + 1] += offset[i];
}

/* Lists both ends of every entry at each other; next[i] moves from the begin of i's list to its
 * end. Entries of symmetric relations have their mirror image in another row already. */
static void
scatter(const GasketPartitionView *view, idx_t *next, idx_t *listed)
{
    for (unsigned s = 0; s < view->n_sets; s++) {
        const GasketPartitionRows *set = &view->sets[s];
        const GasketGraphRows *rows = set->rows;
        uint64_t own = view->base[set->kind], far = view->base[set->neighbour];
        if (!set->first)
            continue;
        for (uint32_t x = 0; x < rows->n_rows; x++)
            for (uint64_t e = rows->offset[x]; e < rows->offset[x + 1]; e++) {
                uint64_t i = own + x, j = far + rows->neighbour[e];
                listed[next[i]++] = (idx_t)j;
                if (!set->symmetric)
                    listed[next[j]++] = (idx_t)i;
            }
    }
}

/* The lists' transpose into neighbour and weight, merged; end[i] is where row i ends. */
static void
transpose(const idx_t *offset, const idx_t *listed, uint32_t n, Adjacency *merged, idx_t *end)
{
    for (uint32_t i = 0; i < n; i++)
        end[i] = offset[i];
    for (uint32_t i = 0; i < n; i++)
        for (idx_t e = offset[i]; e < offset[i + 1]; e++) {
            idx_t j = listed[e];
            if (j == (idx_t)i)
                continue;
            if (end[j] == offset[j] || merged->neighbour[end[j] - 1] != (idx_t)i) {
                merged->neighbour[end[j]] = (idx_t)i;
                merged->weight[end[j]++] = 0;
            }
            merged->weight[end[j] - 1]++;
        }
}

/* Closes the gaps that merging has left. */
static void
compact(Adjacency *merged, const idx_t *end)
{
    idx_t to = 0;
    for (uint32_t i = 0; i < merged->n; i++) {
        idx_t from = merged->offset[i];
        merged->offset[i] = to;
        for (; from < end[i]; from++, to++) {
            merged->neighbour[to] = merged->neighbour[from];
            merged->weight[to] = merged->weight[from];
        }
    }
    merged->offset[merged->n] = to;
}

/* Invariant 1, and 2 by walking each row's lower part against a cursor in every row: rows are
 * ascending, so the x that a row expects next are met in order. */
static bool
check_adjacency(const Adjacency *graph, idx_t *cursor)
{
    for (uint32_t i = 0; i < graph->n; i++)
        cursor[i] = graph->offset[i];
    for (uint32_t i = 0; i < graph->n; i++) {
        for (idx_t e = graph->offset[i]; e < graph->offset[i + 1]; e++) {
            idx_t j = graph->neighbour[e];
            bool ascending = e == graph->offset[i] || graph->neighbour[e - 1] < j;
            if (j < 0 || (uint32_t)j >= graph->n || j == (idx_t)i || !ascending)
                return false;
            idx_t mirror = cursor[j]++;
            if (mirror >= graph->offset[j + 1] || graph->neighbour[mirror] != (idx_t)i ||
                graph->weight[mirror] != graph->weight[e])
                return false;
        }
    }
    return true;
}

static bool
build_adjacency(const GasketPartitionView *view, Adjacency *ret_graph, GError **error)
{
    uint64_t entries = gasket_partition_view_symmetrised(view);
    Adjacency graph = {.n = (uint32_t)view->base[view->n_kinds]};
    idx_t *cursor = gasket_array_new(graph.n, sizeof *cursor, error);
    idx_t *listed = cursor ? gasket_array_new(entries, sizeof *listed, error) : NULL;
    graph.offset = listed ? gasket_array_new(graph.n + UINT64_C(1), sizeof(idx_t), error) : NULL;
    graph.neighbour = graph.offset ? gasket_array_new(entries, sizeof(idx_t), error) : NULL;
    graph.weight = graph.neighbour ? gasket_array_new(entries, sizeof(idx_t), error) : NULL;
    if (graph.weight == NULL)
        return false;

    count_ends(view, graph.offset);
    for (uint32_t i = 0; i < graph.n; i++)
        cursor[i] = graph.offset[i];
    scatter(view, cursor, listed);
    transpose(graph.offset, listed, graph.n, &graph, cursor);
    gasket_array_free(listed);
    compact(&graph, cursor);
    if (!check_adjacency(&graph, cursor)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "the graph's rows are not consistent: METIS cannot be given them");
        return false;
    }
    gasket_array_free(cursor);
    *ret_graph = graph;
    return true;
}

/* ---- the call -------------------------------------------------------------------------------- */

/* The constraint of each kind: one of its own for kinds that are large enough, else the first. */
static idx_t
choose_constraints(const Task *task, idx_t *constraint)
{
    idx_t n = 0;
    for (unsigned k = 0; k < task->view->n_kinds; k++) {
        uint64_t enough = (uint64_t)VERTICES_TO_BALANCE * task->parts;
        bool own = gasket_partition_view_n(task->view, k) >= enough && n < CONSTRAINTS_MAX;
        constraint[k] = own ? n++ : 0;
    }
    return MAX(n, 1);
}

/* The work of every vertex in its kind's constraint, 0 in the others, [n * constraints]; shifted
 * so that the sum stays below 2^30. */
static idx_t *
weigh_vertices(const Task *task, const idx_t *constraint, idx_t n_constraints, GError **error)
{
    const GasketPartitionView *view = task->view;
    uint64_t n = view->base[view->n_kinds], total = 0;
    unsigned shift = 0;
    idx_t *weight = gasket_array_new(n * (uint64_t)n_constraints, sizeof *weight, error);
    if (weight == NULL)
        return NULL;
    for (unsigned k = 0; k < view->n_kinds; k++)
        total += gasket_partition_view_kind_work(view, k);
    while (total >> shift >= UINT64_C(1) << 30)
        shift++;
    for (unsigned k = 0; k < view->n_kinds; k++)
        for (uint32_t x = 0; x < gasket_partition_view_n(view, k); x++) {
            uint64_t work = gasket_partition_view_work(view, k, x) >> shift;
            uint64_t i = view->base[k] + x;
            weight[i * (uint64_t)n_constraints + (uint64_t)constraint[k]] = (idx_t)MAX(work, 1);
        }
    return weight;
}

static bool
run_metis(void *data, void *result, GError **error)
{
    Task *task = data;
    Adjacency graph;
    if (!build_adjacency(task->view, &graph, error))
        return false;
    g_autofree idx_t *constraint = g_new0(idx_t, task->view->n_kinds);
    idx_t n_constraints = choose_constraints(task, constraint);
    idx_t *work = weigh_vertices(task, constraint, n_constraints, error);
    if (work == NULL)
        return false;

    idx_t options[METIS_NOPTIONS];
    METIS_SetDefaultOptions(options);
    options[METIS_OPTION_SEED] = task->seed;
    idx_t n = (idx_t)graph.n, parts = (idx_t)task->parts, cut = 0;
    int status = METIS_PartGraphKway(&n, &n_constraints, graph.offset, graph.neighbour, work,
                                     /* vsize= */ NULL, graph.weight, &parts, /* tpwgts= */ NULL,
                                     /* ubvec= */ NULL, options, &cut, result);
    if (status == METIS_OK)
        return true;
    g_set_error(error, GASKET_ERROR,
                status == METIS_ERROR_MEMORY ? GASKET_ERROR_MEMORY : GASKET_ERROR_FAILED,
                "METIS failed (%s)",
                status == METIS_ERROR_MEMORY ? "out of memory; a partition by `streaming` needs "
                                               "a few bytes a vertex"
                                             : "it gave no reason");
    return false;
}

/* Cuts nothing: one part; or no more vertices than parts. */
static void
deal(const GasketPartitionView *view, unsigned parts, uint32_t **part)
{
    for (unsigned k = 0; k < view->n_kinds; k++)
        for (uint32_t x = 0; x < gasket_partition_view_n(view, k); x++)
            part[k][x] = (uint32_t)((view->base[k] + x) % parts);
}

bool
gasket_partition_metis(const GasketPartitionView *view, const GasketPartitionOptions *options,
                       uint32_t **part, uint64_t *ret_peak_bytes, GError **error)
{
    uint64_t n = view->base[view->n_kinds], entries = gasket_partition_view_symmetrised(view);
    Task task = {view, options->parts, (idx_t)(options->seed & INT32_MAX)};

    if (n >= INT32_MAX || entries >= INT32_MAX) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "METIS takes fewer than 2^31 vertices and entries, and the graph has "
                    "%" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT
                    " (both ends of an edge counted): use --partition streaming",
                    n, entries);
        return false;
    }
    if (options->parts == 1 || n <= options->parts) {
        deal(view, options->parts, part);
        return true;
    }
    if (entries == 0) {
        gasket_partition_range(view, options->parts, part);
        return true;
    }
    idx_t *result = gasket_array_new(n, sizeof *result, error);
    if (result == NULL)
        return false;
    bool ok = gasket_child_run("METIS", run_metis, &task, result, n * sizeof *result,
                               ret_peak_bytes, error);
    for (unsigned k = 0; ok && k < view->n_kinds; k++)
        for (uint32_t x = 0; x < gasket_partition_view_n(view, k); x++)
            part[k][x] = (uint32_t)result[view->base[k] + x];
    gasket_array_free(result);
    return ok;
}
