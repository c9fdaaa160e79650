/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scattering: edges, as they come, are dealt into buckets of nearby rows, so that what follows
 * finds all rows of a bucket in the cache.
 *
 *   thread 0's lane   bucket 0: chunk -> chunk -> chunk (being filled)
 *                     bucket 1: chunk (being filled)
 *                     ...
 *   thread 1's lane   ...
 *
 * A record is an edge: the number of its row, that of its neighbour, and its columns (record.h).
 * Chunks are cut from slabs that belong to the lane, so threads share nothing, and memory grows
 * with what arrives.
 *
 * Buckets are ranges of rows. Even ones have 2^width rows each. Graded ones, for rows by falling
 * degree, double in size as numbers grow: 2^(grade + 1) of one row, 2^grade of two, 2^grade of
 * four, ... until 2^width rows.
 */
#ifndef GASKET_ENGINE_SCATTER_H
#define GASKET_ENGINE_SCATTER_H

#include <string.h>

#include <gasket/error.h>

typedef struct {
    uint32_t n_rows;
    bool graded;
    unsigned width, grade;
    uint32_t n; /* buckets */
} GasketBuckets;

/* Buckets for n_rows rows. */
GasketBuckets gasket_buckets(uint32_t n_rows, bool graded);

static inline uint32_t
gasket_bucket_of(const GasketBuckets *buckets, uint32_t row)
{
    if (!buckets->graded)
        return row >> buckets->width;
    unsigned top = 31 - (unsigned)__builtin_clz(row | UINT32_C(1) << buckets->grade);
    unsigned shift = top - buckets->grade < buckets->width ? top - buckets->grade : buckets->width;
    return (shift << buckets->grade) + (row >> shift);
}

/* The first row of a bucket; n_rows for bucket n. */
uint32_t gasket_bucket_begin(const GasketBuckets *buckets, uint32_t bucket);

typedef struct GasketChunk GasketChunk;
struct GasketChunk {
    GasketChunk *next;
    uint64_t reserved; /* records start 16 bytes into a chunk */
    uint8_t records[];
};

/* Where a lane's next record of a bucket goes. */
typedef struct {
    uint8_t *put, *end; /* within the last chunk; equal: it is full, or there is none */
} GasketOpenChunk;

typedef struct {
    GasketOpenChunk *open;       /* [buckets.n] */
    GasketChunk **first, **last; /* [buckets.n] */
    void **slabs;                /* [n_slabs] arrays */
    size_t n_slabs, slab_room;
    uint8_t *slab_at, *slab_end; /* what is free of the last slab */
} GasketLane;

typedef struct {
    GasketBuckets buckets;
    size_t stride;           /* bytes of a record */
    uint32_t chunk_capacity; /* records */
    size_t chunk_bytes, slab_bytes;
    unsigned n_lanes;
    GasketLane *lanes; /* [n_lanes] */
} GasketScatter;

/* n_records: about how many will come; it decides the size of chunks. */
bool gasket_scatter_init(GasketScatter *scatter, GasketBuckets buckets, size_t stride,
                         uint64_t n_records, unsigned n_lanes, GError **error);
void gasket_scatter_clear(GasketScatter *scatter);

/* Opens a new chunk for a lane's bucket. */
bool gasket_scatter_grow(const GasketScatter *scatter, GasketLane *lane, uint32_t bucket,
                         GError **error);

/* Adds the beginning of a record; its columns, if it has any, are then written at *ret_columns. */
static inline bool
gasket_scatter_put(const GasketScatter *scatter, GasketLane *lane, uint32_t row, uint32_t neighbour,
                   size_t stride, uint8_t **ret_columns, GError **error)
{
    uint32_t bucket = gasket_bucket_of(&scatter->buckets, row);
    GasketOpenChunk *open = &lane->open[bucket];
    if (open->put == open->end && !gasket_scatter_grow(scatter, lane, bucket, error))
        return false;
    uint64_t record = (uint64_t)neighbour << 32 | row;
    memcpy(open->put, &record, sizeof record);
    *ret_columns = open->put + sizeof record;
    open->put += stride;
    return true;
}

static inline uint32_t
gasket_record_row(const uint8_t *record)
{
    uint32_t row;
    memcpy(&row, record, sizeof row);
    return row;
}

static inline uint32_t
gasket_record_neighbour(const uint8_t *record)
{
    uint32_t neighbour;
    memcpy(&neighbour, record + sizeof(uint32_t), sizeof neighbour);
    return neighbour;
}

/* Records in one chunk of a lane's bucket. */
static inline uint32_t
gasket_chunk_count(const GasketScatter *scatter, const GasketLane *lane, uint32_t bucket,
                   const GasketChunk *chunk)
{
    if (chunk != lane->last[bucket])
        return scatter->chunk_capacity;
    return (uint32_t)((size_t)(lane->open[bucket].put - chunk->records) / scatter->stride);
}

/* Records in a bucket, all lanes together; ret_n_chunks may be NULL. */
uint64_t gasket_scatter_count(const GasketScatter *scatter, uint32_t bucket,
                              uint64_t *ret_n_chunks);

#endif
