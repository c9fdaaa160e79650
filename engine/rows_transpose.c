/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the other direction, from those that stand: see rows_build.h.
 *
 * The standing rows are cut into as many runs as there are lanes, of about as many entries each;
 * run i goes to lane i, so that a bucket read lane by lane brings the entries of each new row in
 * ascending order, and nothing is left to be sorted.
 *
 * Cost: O(V + E); 8 bytes an entry and its columns while it runs, beside both sets of rows.
 */
#include "engine/parallel.h"
#include "engine/rows_build.h"

typedef struct {
    const GasketGraphRows *from;
    GasketRecordLayout layout;
    GasketScatter scatter;
    unsigned n_runs;
    GasketFailure failure;
} TransposeJob;

static void
transpose_job_clear(TransposeJob *job)
{
    gasket_scatter_clear(&job->scatter);
    gasket_record_layout_clear(&job->layout);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TransposeJob, transpose_job_clear)

/* The first row of a run: that at or after an equal share of the entries. */
static uint32_t
run_begin(const TransposeJob *job, size_t run)
{
    if (run == job->n_runs)
        return job->from->n_rows;
    uint64_t entry = job->from->n_entries / job->n_runs * run;
    uint32_t low = 0, high = job->from->n_rows;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (job->from->offset[middle] < entry)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
write_columns(const TransposeJob *job, uint64_t entry, uint8_t *columns)
{
    for (unsigned c = 0; c < job->layout.n_columns; c++) {
        const GasketRecordColumn *column = &job->layout.columns[c];
        const GasketColumnData *from = &job->from->columns[c];
        uint64_t begin = entry * column->length, count = column->length;
        if (column->length == 0) {
            begin = from->begin[entry];
            count = from->begin[entry + 1] - begin;
        }
        gasket_record_write(column, columns,
                            (const char *)from->data + begin * gasket_type_size(column->type),
                            count);
    }
}

static bool
scatter_rows(TransposeJob *job, GasketLane *lane, uint32_t begin, uint32_t end, GError **error)
{
    const GasketGraphRows *from = job->from;
    for (uint32_t row = begin; row < end; row++) {
        for (uint64_t e = from->offset[row]; e < from->offset[row + 1]; e++) {
            uint8_t *columns;
            if (!gasket_scatter_put(&job->scatter, lane, from->neighbour[e], row,
                                    job->layout.stride, &columns, error))
                return false;
            if (job->layout.n_columns > 0)
                write_columns(job, e, columns);
        }
    }
    return true;
}

static void
scatter_run(void *data, size_t run, unsigned thread)
{
    (void)thread;
    TransposeJob *job = data;
    GError *error = NULL;
    if (!scatter_rows(job, &job->scatter.lanes[run], run_begin(job, run), run_begin(job, run + 1),
                      &error))
        gasket_failure_take(&job->failure, &error);
}

static bool
transpose(const GasketGraph *graph, const GasketGraphRelation *relation,
          const GasketGraphRows *from, uint32_t n_rows, GasketGraphRows *ret_rows, GError **error)
{
    unsigned n_columns = relation->n_columns;
    g_autofree GasketColumnShape *shape = g_new0(GasketColumnShape, n_columns);
    g_autofree char **names = g_new0(char *, n_columns);
    for (unsigned c = 0; c < n_columns; c++) {
        names[c] = from->columns[c].name;
        shape[c].type = from->columns[c].type;
        shape[c].length = from->columns[c].length;
    }
    g_auto(TransposeJob) job = {.from = from, .n_runs = graph->threads};
    gasket_record_layout_init(&job.layout, shape, n_columns);
    if (!gasket_scatter_init(&job.scatter,
                             gasket_buckets(n_rows, graph->order == GASKET_ORDER_DEGREE),
                             job.layout.stride, from->n_entries, job.n_runs, error))
        return false;
    gasket_parallel(graph->threads, job.n_runs, scatter_run, &job);
    if (!gasket_failure_none(&job.failure, error))
        return false;
    GasketFill fill = {.scatter = &job.scatter,
                       .layout = &job.layout,
                       .names = names,
                       .multi_edges = GASKET_MULTI_KEEP,
                       .threads = graph->threads};
    return gasket_rows_fill(&fill, ret_rows, error);
}

bool
gasket_graph_require_rows(GasketGraph *graph, unsigned relation, GasketDirection direction,
                          GError **error)
{
    g_assert(relation < graph->n_relations);
    GasketGraphRelation *of = &graph->relations[relation];
    if (of->symmetric || of->rows[direction].offset != NULL)
        return true;
    GasketDirection other = direction == GASKET_IN ? GASKET_OUT : GASKET_IN;
    unsigned kind = direction == GASKET_IN ? of->target : of->source;
    return transpose(graph, of, &of->rows[other], graph->kinds[kind].n_vertices,
                     &of->rows[direction], error);
}
