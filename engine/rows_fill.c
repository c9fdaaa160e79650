/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling rows from buckets of scattered edges: see rows_build.h.
 *
 * The entries of a bucket start at the number of records in the buckets before it:
 *
 *   neighbour  | bucket 0: row row row | bucket 1: row row   | ...
 *              base[0]                 base[1]               base[2]
 *
 * Where parallel edges are merged a bucket ends before the next one's base; then the buckets are
 * moved together.
 *
 * Invariants while a bucket is filled:
 *   1. offset[r] of its rows: first how many records row r has, then where row r begins, then where
 *      its next entry goes (in the end: where row r + 1 begins), then again where row r begins.
 *   2. Only the bucket's thread touches offset, neighbour and columns between its bounds.
 */
#include <string.h>

#include "engine/array.h"
#include "engine/parallel.h"
#include "engine/rows_build.h"
#include "engine/sort.h"

/* ---- one bucket without columns ------------------------------------------------------------ */

void
gasket_fill_offsets(const GasketFillJob *job, uint32_t bucket)
{
    const GasketScatter *scatter = job->fill->scatter;
    uint64_t *offset = job->rows->offset;
    for (unsigned l = 0; l < scatter->n_lanes; l++) {
        const GasketLane *lane = &scatter->lanes[l];
        for (const GasketChunk *chunk = lane->first[bucket]; chunk != NULL; chunk = chunk->next) {
            uint32_t n = gasket_chunk_count(scatter, lane, bucket, chunk);
            const uint8_t *record = chunk->records;
            for (uint32_t i = 0; i < n; i++, record += scatter->stride)
                offset[gasket_record_row(record)]++;
        }
    }
    uint64_t begin = job->base[bucket];
    uint32_t end = gasket_bucket_begin(&scatter->buckets, bucket + 1);
    for (uint32_t row = gasket_bucket_begin(&scatter->buckets, bucket); row < end; row++) {
        uint64_t count = offset[row];
        offset[row] = begin;
        begin += count;
    }
}

void
gasket_fill_restore(const GasketFillJob *job, uint32_t bucket)
{
    const GasketBuckets *buckets = &job->fill->scatter->buckets;
    uint64_t *offset = job->rows->offset;
    uint32_t begin = gasket_bucket_begin(buckets, bucket);
    for (uint32_t row = gasket_bucket_begin(buckets, bucket + 1) - 1; row > begin; row--)
        offset[row] = offset[row - 1];
    offset[begin] = job->base[bucket];
}

/* Puts each record of a bucket into its row. */
static void
put_entries(const GasketFillJob *job, uint32_t bucket)
{
    const GasketScatter *scatter = job->fill->scatter;
    uint64_t *offset = job->rows->offset;
    uint32_t *neighbour = job->rows->neighbour;
    for (unsigned l = 0; l < scatter->n_lanes; l++) {
        const GasketLane *lane = &scatter->lanes[l];
        for (const GasketChunk *chunk = lane->first[bucket]; chunk != NULL; chunk = chunk->next) {
            uint32_t n = gasket_chunk_count(scatter, lane, bucket, chunk);
            const uint8_t *record = chunk->records;
            for (uint32_t i = 0; i < n; i++, record += sizeof(uint64_t))
                neighbour[offset[gasket_record_row(record)]++] = gasket_record_neighbour(record);
        }
    }
}

/* The records of a bucket by ascending neighbour, in records; scratch: [records of the bucket]. */
static void
sort_records(const GasketFillJob *job, uint32_t bucket, uint64_t *records, uint64_t *scratch)
{
    const GasketScatter *scatter = job->fill->scatter;
    uint64_t *to = records;
    for (unsigned l = 0; l < scatter->n_lanes; l++) {
        const GasketLane *lane = &scatter->lanes[l];
        for (const GasketChunk *chunk = lane->first[bucket]; chunk != NULL; chunk = chunk->next) {
            uint32_t n = gasket_chunk_count(scatter, lane, bucket, chunk);
            memcpy(to, chunk->records, n * sizeof *to);
            to += n;
        }
    }
    gasket_sort_upper(records, (size_t)(to - records), scratch);
}

/* Puts sorted records into their rows, which are then sorted. */
static void
put_records(const GasketFillJob *job, uint64_t n, const uint64_t *records)
{
    uint64_t *offset = job->rows->offset;
    uint32_t *neighbour = job->rows->neighbour;
    for (uint64_t i = 0; i < n; i++)
        neighbour[offset[(uint32_t)records[i]]++] = (uint32_t)(records[i] >> 32);
}

/* Sorts the rows of a bucket unless they are; without parallel edges, moves them together. */
static void
finish_rows(const GasketFillJob *job, uint32_t bucket, bool sorted, uint32_t *scratch)
{
    const GasketBuckets *buckets = &job->fill->scatter->buckets;
    bool keep = job->fill->multi_edges == GASKET_MULTI_KEEP;
    uint64_t *offset = job->rows->offset;
    uint32_t *neighbour = job->rows->neighbour;
    uint32_t last = gasket_bucket_begin(buckets, bucket + 1) - 1;
    uint64_t kept = job->base[bucket];
    for (uint32_t row = gasket_bucket_begin(buckets, bucket); row <= last; row++) {
        uint64_t begin = offset[row];
        uint64_t end = row < last ? offset[row + 1] : job->base[bucket + 1];
        if (!sorted)
            gasket_sort_u32(neighbour + begin, end - begin, scratch);
        if (keep)
            continue;
        offset[row] = kept;
        for (uint64_t e = begin; e < end; e++) {
            if (e == begin || neighbour[e] != neighbour[kept - 1])
                neighbour[kept++] = neighbour[e];
        }
    }
    job->kept[bucket] = keep ? job->base[bucket + 1] - job->base[bucket] : kept - job->base[bucket];
}

typedef struct {
    GasketFillJob *job;
    uint64_t **scratch; /* [threads][2 * max_count] */
} PlainJob;

/* Rows of this many entries are cheaper to sort together, by radix, than one by one. */
#define LONG_ROWS 8

static void
fill_bucket(void *data, size_t item, unsigned thread)
{
    const PlainJob *plain = data;
    const GasketFillJob *job = plain->job;
    const GasketBuckets *buckets = &job->fill->scatter->buckets;
    uint32_t bucket = (uint32_t)item;
    uint64_t n = job->base[bucket + 1] - job->base[bucket];
    uint64_t n_rows =
        gasket_bucket_begin(buckets, bucket + 1) - gasket_bucket_begin(buckets, bucket);
    bool together = n / LONG_ROWS >= n_rows && n < UINT32_MAX;
    uint64_t *scratch = plain->scratch[thread];

    gasket_fill_offsets(job, bucket);
    if (together) {
        sort_records(job, bucket, scratch, scratch + n);
        put_records(job, n, scratch);
    } else {
        put_entries(job, bucket);
    }
    gasket_fill_restore(job, bucket);
    finish_rows(job, bucket, together, (uint32_t *)scratch);
}

static bool
fill_plain(GasketFillJob *job, GError **error)
{
    unsigned threads = job->fill->threads;
    PlainJob plain = {.job = job, .scratch = g_new0(uint64_t *, threads)};
    bool done = true;
    for (unsigned t = 0; done && t < threads; t++) {
        plain.scratch[t] = gasket_array_new(2 * job->max_count, sizeof **plain.scratch, error);
        done = plain.scratch[t] != NULL;
    }
    if (done)
        gasket_parallel(threads, job->fill->scatter->buckets.n, fill_bucket, &plain);
    for (unsigned t = 0; t < threads; t++)
        gasket_array_free(plain.scratch[t]);
    g_free(plain.scratch);
    return done;
}

/* ---- all buckets --------------------------------------------------------------------------- */

/* Fills base, max_count and max_chunks. */
static void
count_buckets(GasketFillJob *job)
{
    for (uint32_t b = 0; b < job->fill->scatter->buckets.n; b++) {
        uint64_t n_chunks;
        uint64_t count = gasket_scatter_count(job->fill->scatter, b, &n_chunks);
        job->base[b + 1] = job->base[b] + count;
        job->max_count = MAX(job->max_count, count);
        job->max_chunks = MAX(job->max_chunks, n_chunks);
    }
}

/* Closes the gaps that merging left. */
static bool
move_together(GasketFillJob *job, GError **error)
{
    const GasketBuckets *buckets = &job->fill->scatter->buckets;
    GasketGraphRows *rows = job->rows;
    uint64_t to = 0;
    for (uint32_t b = 0; b < buckets->n; b++) {
        uint64_t from = job->base[b], n = job->kept[b];
        if (to != from) {
            memmove(rows->neighbour + to, rows->neighbour + from, n * sizeof *rows->neighbour);
            gasket_fill_move_columns(job, to, from, n);
            uint32_t end = gasket_bucket_begin(buckets, b + 1);
            for (uint32_t row = gasket_bucket_begin(buckets, b); row < end; row++)
                rows->offset[row] -= from - to;
        }
        to += n;
    }
    rows->offset[rows->n_rows] = to;
    if (to == rows->n_entries)
        return true;
    rows->n_entries = to;
    uint32_t *neighbour = gasket_array_resize(rows->neighbour, to, sizeof *rows->neighbour, error);
    if (neighbour == NULL)
        return false;
    rows->neighbour = neighbour;
    return true;
}

static bool
fill_rows(GasketFillJob *job, GError **error)
{
    GasketGraphRows *rows = job->rows;
    const GasketBuckets *buckets = &job->fill->scatter->buckets;
    job->base = gasket_array_new((uint64_t)buckets->n + 1, sizeof *job->base, error);
    if (job->base == NULL)
        return false;
    job->kept = gasket_array_new(buckets->n, sizeof *job->kept, error);
    if (job->kept == NULL)
        return false;
    count_buckets(job);
    rows->n_rows = buckets->n_rows;
    rows->n_entries = job->base[buckets->n];
    rows->offset = gasket_array_new((uint64_t)rows->n_rows + 1, sizeof *rows->offset, error);
    if (rows->offset == NULL)
        return false;
    rows->neighbour = gasket_array_new(rows->n_entries, sizeof *rows->neighbour, error);
    if (rows->neighbour == NULL)
        return false;
    if (job->fill->layout->n_columns == 0)
        return fill_plain(job, error) && move_together(job, error);
    return gasket_fill_alloc_columns(job, error) && gasket_fill_columns(job, error) &&
           move_together(job, error) && gasket_fill_finish_columns(job, error);
}

bool
gasket_rows_fill(const GasketFill *fill, GasketGraphRows *ret_rows, GError **error)
{
    GasketGraphRows rows = {0};
    unsigned n_columns = fill->layout->n_columns;
    GasketFillJob job = {.fill = fill, .rows = &rows, .values = g_new0(const void **, n_columns)};
    bool done = fill_rows(&job, error);
    for (unsigned c = 0; c < n_columns; c++)
        gasket_array_free(job.values[c]);
    g_free(job.values);
    gasket_array_free(job.base);
    gasket_array_free(job.kept);
    if (done)
        *ret_rows = rows;
    else
        gasket_graph_rows_clear(&rows, n_columns);
    return done;
}
