/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scattering the edges of feeds into buckets of rows: see rows_build.h.
 *
 * Threads take blocks; each deals its edges into its own lane and frees the block (unless records
 * refer to its columns). An edge u -> v is a record of row v (in) or u (out); of a symmetric
 * relation one of each, a self-loop one in all.
 */
#include "engine/rows_build.h"

#include "engine/array.h"
#include "engine/parallel.h"

/* Edges whose ends are numbered at a time. */
#define BATCH 512

typedef struct {
    unsigned feed;
    GasketBlock **block; /* in the feed's list, so that it can be freed there */
} Item;

typedef struct {
    const GasketRelationShape *shape;
    const GasketKindNumbers *source, *target;
    GasketDirection direction;
    bool drop_self_loops;
    GasketRecordLayout layout;
    GasketScatter scatter;
    Item *items; /* [n_items] */
    size_t n_items;
    GasketFailure failure;
} ScatterJob;

static void
scatter_job_clear(ScatterJob *job)
{
    gasket_scatter_clear(&job->scatter);
    gasket_record_layout_clear(&job->layout);
    g_free(job->items);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScatterJob, scatter_job_clear)

/* Numbers of the rows and neighbours of n edges of a block. */
static void
number_edges(const ScatterJob *job, const Item *item, uint32_t first, uint32_t n, uint32_t *row,
             uint32_t *neighbour)
{
    const GasketKindNumbers *source = job->source, *target = job->target;
    const uint32_t *handles = (*item->block)->handles + (size_t)first * 2;
    bool in = job->direction == GASKET_IN;

    gasket_numbers_of(source, source->other[item->feed], n, 2, handles, in ? neighbour : row);
    gasket_numbers_of(target, target->other[item->feed], n, 2, handles + 1, in ? row : neighbour);
}

/* Deals the edges of a block that have no columns. */
static bool
scatter_plain(ScatterJob *job, const Item *item, GasketLane *lane, GError **error)
{
    uint32_t row[BATCH], neighbour[BATCH];
    uint32_t n_block = (*item->block)->n;
    uint8_t *none;

    for (uint32_t first = 0; first < n_block; first += BATCH) {
        uint32_t n = MIN(BATCH, n_block - first);
        number_edges(job, item, first, n, row, neighbour);
        for (uint32_t i = 0; i < n; i++) {
            bool loop = row[i] == neighbour[i];
            if (job->drop_self_loops && loop)
                continue;
            if (!gasket_scatter_put(&job->scatter, lane, row[i], neighbour[i], sizeof(uint64_t),
                                    &none, error))
                return false;
            if (job->shape->symmetric && !loop &&
                !gasket_scatter_put(&job->scatter, lane, neighbour[i], row[i], sizeof(uint64_t),
                                    &none, error))
                return false;
        }
    }
    return true;
}

static bool
put_record(ScatterJob *job, GasketLane *lane, uint32_t row, uint32_t neighbour,
           const GasketBlock *block, uint32_t i, GError **error)
{
    uint8_t *columns;
    if (!gasket_scatter_put(&job->scatter, lane, row, neighbour, job->layout.stride, &columns,
                            error))
        return false;
    for (unsigned c = 0; c < job->layout.n_columns; c++) {
        uint64_t count;
        const void *value = gasket_block_value(block, job->shape->columns, c, i, &count);
        gasket_record_write(&job->layout.columns[c], columns, value, count);
    }
    return true;
}

/* Deals the edges of a block with their columns. */
static bool
scatter_columns(ScatterJob *job, const Item *item, GasketLane *lane, GError **error)
{
    const GasketBlock *block = *item->block;
    uint32_t row[BATCH], neighbour[BATCH];

    for (uint32_t first = 0; first < block->n; first += BATCH) {
        uint32_t n = MIN(BATCH, block->n - first);
        number_edges(job, item, first, n, row, neighbour);
        for (uint32_t i = 0; i < n; i++) {
            bool loop = row[i] == neighbour[i];
            if (job->drop_self_loops && loop)
                continue;
            if (!put_record(job, lane, row[i], neighbour[i], block, first + i, error))
                return false;
            if (job->shape->symmetric && !loop &&
                !put_record(job, lane, neighbour[i], row[i], block, first + i, error))
                return false;
        }
    }
    return true;
}

static void
scatter_item(void *data, size_t i, unsigned thread)
{
    ScatterJob *job = data;
    const Item *item = &job->items[i];
    GasketLane *lane = &job->scatter.lanes[thread];
    if (gasket_failure_happened(&job->failure))
        return;
    GError *error = NULL;
    bool done = job->layout.n_columns == 0 ? scatter_plain(job, item, lane, &error)
                                           : scatter_columns(job, item, lane, &error);
    if (!done)
        gasket_failure_take(&job->failure, &error);
    if (!job->layout.refers)
        gasket_block_free(g_steal_pointer(item->block));
}

/* Lists the blocks of a relation; returns how many edges they hold. */
static uint64_t
list_items(GasketGraphBuilder *builder, unsigned relation, ScatterJob *job)
{
    size_t n_items = 0;
    for (unsigned f = 0; f < builder->n_feeds; f++)
        n_items += builder->feeds[f]->relations[relation].n_blocks;
    job->items = g_new0(Item, n_items);
    uint64_t n = 0;
    for (unsigned f = 0; f < builder->n_feeds; f++) {
        GasketBlockList *list = &builder->feeds[f]->relations[relation];
        n += list->n;
        for (size_t b = 0; b < list->n_blocks; b++)
            job->items[job->n_items++] = (Item){.feed = f, .block = &list->blocks[b]};
    }
    return n;
}

/* Entries of self-loops in a range of rows of a symmetric relation. */
#define LOOP_ROWS ((uint64_t)1 << 14)

typedef struct {
    const GasketGraphRows *rows;
    atomic_uint_least64_t n;
} LoopJob;

static void
count_loops(void *data, size_t item, unsigned thread)
{
    (void)thread;
    LoopJob *job = data;
    const GasketGraphRows *rows = job->rows;
    uint64_t end = MIN(rows->n_rows, (item + 1) * LOOP_ROWS), n = 0;
    for (uint64_t row = item * LOOP_ROWS; row < end; row++) {
        uint64_t low = rows->offset[row], high = rows->offset[row + 1];
        while (low < high) { /* the first entry that is not below row */
            uint64_t middle = low + (high - low) / 2;
            if (rows->neighbour[middle] < row)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < rows->offset[row + 1] && rows->neighbour[low] == row; low++)
            n++;
    }
    atomic_fetch_add(&job->n, n);
}

static uint64_t
count_edges(const GasketGraphRows *rows, bool symmetric, unsigned threads)
{
    if (!symmetric)
        return rows->n_entries;
    LoopJob job = {.rows = rows};
    gasket_parallel(threads, (rows->n_rows + LOOP_ROWS - 1) / LOOP_ROWS, count_loops, &job);
    return (rows->n_entries + atomic_load(&job.n)) / 2;
}

bool
gasket_rows_build(GasketGraphBuilder *builder, const GasketNumbers *numbers,
                  const GasketGraphRules *rules, unsigned relation, GasketDirection direction,
                  GasketGraph *graph, GError **error)
{
    const GasketRelationShape *shape = &builder->relations[relation];
    GasketGraphRelation *to = &graph->relations[relation];
    g_auto(ScatterJob) job = {
        .shape = shape,
        .source = &numbers->kinds[shape->source],
        .target = &numbers->kinds[shape->target],
        .direction = direction,
        .drop_self_loops = rules->drop_self_loops && shape->source == shape->target,
    };
    uint64_t n = list_items(builder, relation, &job);
    uint32_t n_rows = direction == GASKET_IN ? job.target->n : job.source->n;
    gasket_record_layout_init(&job.layout, shape->columns, shape->n_columns);
    if (!gasket_scatter_init(&job.scatter,
                             gasket_buckets(n_rows, graph->order == GASKET_ORDER_DEGREE),
                             job.layout.stride, shape->symmetric ? 2 * n : n, graph->threads,
                             error))
        return false;
    gasket_parallel(graph->threads, job.n_items, scatter_item, &job);
    if (!gasket_failure_none(&job.failure, error))
        return false;

    g_autofree char **names = g_new0(char *, shape->n_columns);
    for (unsigned c = 0; c < shape->n_columns; c++)
        names[c] = shape->columns[c].name;
    GasketFill fill = {.scatter = &job.scatter,
                       .layout = &job.layout,
                       .names = names,
                       .multi_edges = rules->multi_edges,
                       .threads = graph->threads};
    if (!gasket_rows_fill(&fill, &to->rows[direction], error))
        return false;
    for (unsigned f = 0; f < builder->n_feeds; f++)
        gasket_block_list_clear(&builder->feeds[f]->relations[relation]);
    to->n_edges = count_edges(&to->rows[direction], shape->symmetric, graph->threads);
    return true;
}
