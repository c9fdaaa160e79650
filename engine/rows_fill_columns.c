/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling rows of edges that have columns: see rows_build.h and rows_fill.c.
 *
 * A bucket's records stay where they are; what is sorted are references to them:
 *
 *   upper 32 bits   neighbour
 *   lower 32 bits   chunk of the bucket, then record within the chunk
 *
 * Rows are sorted by neighbour, then runs of one neighbour by their columns' bits. Then neighbours
 * and columns are written, runs merged by the rule. Of varying columns the entries' lengths and
 * places are noted, and the elements copied once all lengths are known.
 *
 * Cost: O(n) a bucket, k log k for a run of k parallel edges; 16 bytes for each record of the
 * largest bucket and thread, 8 bytes an entry and varying column.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/array.h"
#include "engine/column_bits.h"
#include "engine/parallel.h"
#include "engine/rows_build.h"
#include "engine/sort.h"

#define COPY_ENTRIES ((uint64_t)1 << 14) /* whose varying elements are copied at a time */

/* What a thread needs to fill a bucket. */
typedef struct {
    const GasketFillJob *job;
    uint64_t *order;        /* [max_count] references, row after row */
    uint64_t *scratch;      /* [max_count] */
    const uint8_t **chunks; /* [max_chunks] first records */
} Worker;

typedef struct {
    GasketFillJob *job;
    Worker *workers; /* [threads] */
} ColumnsJob;

/* ---- records ------------------------------------------------------------------------------- */

/* Bits of a reference that say which record of its chunk. */
static unsigned
within_bits(const GasketScatter *scatter)
{
    return 32 - (unsigned)__builtin_clz(scatter->chunk_capacity);
}

static inline const uint8_t *
record_at(const Worker *worker, uint64_t reference)
{
    const GasketScatter *scatter = worker->job->fill->scatter;
    unsigned bits = within_bits(scatter);
    uint32_t place = (uint32_t)reference;
    return worker->chunks[place >> bits] + (place & ((UINT32_C(1) << bits) - 1)) * scatter->stride;
}

static int
compare_references(const void *x, const void *y, void *data)
{
    const Worker *worker = data;
    return gasket_record_compare(worker->job->fill->layout, record_at(worker, *(const uint64_t *)x),
                                 record_at(worker, *(const uint64_t *)y));
}

/* Lists a bucket's references in order, row by row. */
static void
put_references(Worker *worker, uint32_t bucket)
{
    const GasketFillJob *job = worker->job;
    const GasketScatter *scatter = job->fill->scatter;
    uint64_t *offset = job->rows->offset;
    uint64_t *order = worker->order;
    uint64_t base = job->base[bucket];
    unsigned bits = within_bits(scatter);
    uint64_t n_chunks = 0;

    for (unsigned l = 0; l < scatter->n_lanes; l++) {
        const GasketLane *lane = &scatter->lanes[l];
        for (const GasketChunk *chunk = lane->first[bucket]; chunk != NULL; chunk = chunk->next) {
            uint32_t n = gasket_chunk_count(scatter, lane, bucket, chunk);
            const uint8_t *record = chunk->records;
            for (uint32_t i = 0; i < n; i++, record += scatter->stride)
                order[offset[gasket_record_row(record)]++ - base] =
                    (uint64_t)gasket_record_neighbour(record) << 32 | n_chunks << bits | i;
            worker->chunks[n_chunks++] = chunk->records;
        }
    }
}

/* ---- entries ------------------------------------------------------------------------------- */

/* Element i of column 0 over a run of parallel edges. */
static void
fold_element(const Worker *worker, const uint64_t *run, uint64_t n, uint32_t i, void *ret_element)
{
    const GasketRecordColumn *column = &worker->job->fill->layout->columns[0];
    size_t at = i * gasket_type_size(column->type);
    GasketFold fold;
    uint64_t count;
    const char *first = gasket_record_value(column, record_at(worker, run[0]), &count);
    gasket_fold_start(&fold, worker->job->fill->multi_edges, column->type, first + at);
    for (uint64_t r = 1; r < n; r++) {
        const char *value = gasket_record_value(column, record_at(worker, run[r]), &count);
        gasket_fold_add(&fold, value + at);
    }
    gasket_fold_store(&fold, ret_element);
}

/* Writes an entry: its neighbour, and the columns of the first edge of a run. */
static void
write_entry(const Worker *worker, uint64_t entry, uint64_t reference)
{
    const GasketFillJob *job = worker->job;
    const uint8_t *record = record_at(worker, reference);
    job->rows->neighbour[entry] = (uint32_t)(reference >> 32);
    for (unsigned c = 0; c < job->fill->layout->n_columns; c++) {
        const GasketRecordColumn *column = &job->fill->layout->columns[c];
        GasketColumnData *to = &job->rows->columns[c];
        uint64_t count;
        const void *value = gasket_record_value(column, record, &count);
        if (column->length > 0) {
            memcpy((char *)to->data + entry * column->bytes, value, column->bytes);
        } else {
            to->begin[entry] = count;
            job->values[c][entry] = value;
        }
    }
}

/* Writes the entry of a run of parallel edges, merged by the rule. */
static void
write_merged(const Worker *worker, uint64_t entry, const uint64_t *run, uint64_t n)
{
    const GasketFillJob *job = worker->job;
    const GasketRecordColumn *column = &job->fill->layout->columns[0];
    write_entry(worker, entry, run[0]);
    if (n == 1 || job->fill->multi_edges == GASKET_MULTI_DROP)
        return;
    size_t size = gasket_type_size(column->type);
    char *to = (char *)job->rows->columns[0].data + entry * column->bytes;
    for (uint32_t i = 0; i < column->length; i++)
        fold_element(worker, run, n, i, to + i * size);
}

/* Sorts a row's references and writes its entries from the one at `entry`; returns the next. */
static uint64_t
write_row(Worker *worker, uint64_t *row, uint64_t n, uint64_t entry)
{
    gasket_sort_upper(row, n, worker->scratch);
    for (uint64_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && row[end] >> 32 == row[begin] >> 32;)
            end++;
        if (end - begin > 1)
            qsort_r(row + begin, end - begin, sizeof *row, compare_references, worker);
        if (worker->job->fill->multi_edges != GASKET_MULTI_KEEP) {
            write_merged(worker, entry++, row + begin, end - begin);
            continue;
        }
        for (uint64_t i = begin; i < end; i++)
            write_entry(worker, entry++, row[i]);
    }
    return entry;
}

static void
fill_bucket(void *data, size_t item, unsigned thread)
{
    Worker *worker = &((ColumnsJob *)data)->workers[thread];
    const GasketFillJob *job = worker->job;
    const GasketBuckets *buckets = &job->fill->scatter->buckets;
    uint32_t bucket = (uint32_t)item;
    uint64_t *offset = job->rows->offset;
    uint64_t base = job->base[bucket], entry = base;

    gasket_fill_offsets(job, bucket);
    put_references(worker, bucket);
    gasket_fill_restore(job, bucket);
    uint32_t last = gasket_bucket_begin(buckets, bucket + 1) - 1;
    for (uint32_t row = gasket_bucket_begin(buckets, bucket); row <= last; row++) {
        uint64_t begin = offset[row];
        uint64_t end = row < last ? offset[row + 1] : job->base[bucket + 1];
        offset[row] = entry;
        entry = write_row(worker, worker->order + (begin - base), end - begin, entry);
    }
    job->kept[bucket] = entry - base;
}

/* ---- all buckets --------------------------------------------------------------------------- */

static bool
worker_init(Worker *worker, const GasketFillJob *job, GError **error)
{
    worker->job = job;
    worker->order = gasket_array_new(job->max_count, sizeof *worker->order, error);
    if (worker->order == NULL)
        return false;
    worker->scratch = gasket_array_new(job->max_count, sizeof *worker->scratch, error);
    if (worker->scratch == NULL)
        return false;
    worker->chunks = gasket_array_new(job->max_chunks, sizeof *worker->chunks, error);
    return worker->chunks != NULL;
}

bool
gasket_fill_columns(GasketFillJob *job, GError **error)
{
    if (job->max_chunks >> (32 - within_bits(job->fill->scatter)) > 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a few neighbouring rows have %" G_GUINT64_FORMAT
                    " edges with columns, which is too many",
                    job->max_count);
        return false;
    }
    unsigned threads = job->fill->threads;
    ColumnsJob columns = {.job = job, .workers = g_new0(Worker, threads)};
    bool done = true;
    for (unsigned t = 0; done && t < threads; t++)
        done = worker_init(&columns.workers[t], job, error);
    if (done)
        gasket_parallel(threads, job->fill->scatter->buckets.n, fill_bucket, &columns);
    for (unsigned t = 0; t < threads; t++) {
        gasket_array_free(columns.workers[t].order);
        gasket_array_free(columns.workers[t].scratch);
        gasket_array_free(columns.workers[t].chunks);
    }
    g_free(columns.workers);
    return done;
}

bool
gasket_fill_alloc_columns(GasketFillJob *job, GError **error)
{
    const GasketRecordLayout *layout = job->fill->layout;
    uint64_t n = job->rows->n_entries;
    job->rows->columns = g_new0(GasketColumnData, layout->n_columns);
    for (unsigned c = 0; c < layout->n_columns; c++) {
        GasketColumnData *column = &job->rows->columns[c];
        column->name = g_strdup(job->fill->names[c]);
        column->type = layout->columns[c].type;
        column->length = layout->columns[c].length;
        if (column->length > 0) {
            column->data = gasket_array_new(n, layout->columns[c].bytes, error);
            if (column->data == NULL)
                return false;
            continue;
        }
        column->begin = gasket_array_new(n + 1, sizeof *column->begin, error);
        if (column->begin == NULL)
            return false;
        job->values[c] = gasket_array_new(n, sizeof **job->values, error);
        if (job->values[c] == NULL)
            return false;
    }
    return true;
}

void
gasket_fill_move_columns(GasketFillJob *job, uint64_t to, uint64_t from, uint64_t n)
{
    for (unsigned c = 0; c < job->fill->layout->n_columns; c++) {
        GasketColumnData *column = &job->rows->columns[c];
        size_t bytes = job->fill->layout->columns[c].bytes;
        if (column->length > 0) {
            memmove((char *)column->data + to * bytes, (char *)column->data + from * bytes,
                    n * bytes);
        } else {
            memmove(column->begin + to, column->begin + from, n * sizeof *column->begin);
            memmove(job->values[c] + to, job->values[c] + from, n * sizeof **job->values);
        }
    }
}

/* ---- varying columns ----------------------------------------------------------------------- */

typedef struct {
    GasketColumnData *column;
    const void *const *values; /* [n] */
    uint64_t n;
} CopyJob;

static void
copy_varying(void *data, size_t item, unsigned thread)
{
    (void)thread;
    const CopyJob *job = data;
    size_t size = gasket_type_size(job->column->type);
    uint64_t end = MIN(job->n, (item + 1) * COPY_ENTRIES);
    for (uint64_t e = item * COPY_ENTRIES; e < end; e++) {
        uint64_t begin = job->column->begin[e], count = job->column->begin[e + 1] - begin;
        if (count > 0)
            memcpy((char *)job->column->data + begin * size, job->values[e], count * size);
    }
}

bool
gasket_fill_finish_columns(GasketFillJob *job, GError **error)
{
    uint64_t n = job->rows->n_entries;
    for (unsigned c = 0; c < job->fill->layout->n_columns; c++) {
        GasketColumnData *column = &job->rows->columns[c];
        bool varying = column->length == 0;
        size_t bytes = varying ? sizeof *column->begin : job->fill->layout->columns[c].bytes;
        void **array = varying ? (void **)&column->begin : &column->data;
        if (n < job->base[job->fill->scatter->buckets.n]) {
            void *shorter = gasket_array_resize(*array, varying ? n + 1 : n, bytes, error);
            if (shorter == NULL)
                return false;
            *array = shorter;
        }
        if (!varying)
            continue;
        uint64_t total = 0;
        for (uint64_t e = 0; e < n; e++) {
            uint64_t count = column->begin[e];
            column->begin[e] = total;
            total += count;
        }
        column->begin[n] = total;
        column->data = gasket_array_new(total, gasket_type_size(column->type), error);
        if (column->data == NULL)
            return false;
        CopyJob copy = {.column = column, .values = job->values[c], .n = n};
        gasket_parallel(job->fill->threads, (n + COPY_ENTRIES - 1) / COPY_ENTRIES, copy_varying,
                        &copy);
    }
    return true;
}
