/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scattering edges into buckets: see scatter.h.
 *
 * Invariants:
 *   1. Of the chunks of a lane's bucket all but the last are full.
 *   2. Within a lane and bucket, records stand in the order in which they were put.
 *   3. gasket_bucket_of ascends with the row, and gasket_bucket_begin is its inverse.
 *
 * Cost: one record is written and later read once; beyond the records, half a chunk for each
 * bucket and lane and a slab for each lane.
 */
#include "engine/scatter.h"

#include "engine/array.h"

#define WIDTH_MIN   12 /* rows of a bucket, as a power of two, that always fit the cache */
#define BUCKETS_MIN 8  /* buckets to aim at, as powers of two: enough to share among threads ... */
#define BUCKETS_MAX 11 /* ... and few enough to fill all at once */
#define GRADE       5
#define CHUNK_MIN   ((size_t)256)
#define CHUNK_MAX   ((size_t)8 << 10)
#define SLAB_MIN    ((size_t)64 << 10)
#define SLAB_MAX    ((size_t)2 << 20)

GasketBuckets
gasket_buckets(uint32_t n_rows, bool graded)
{
    unsigned bits = 32 - (unsigned)__builtin_clz(n_rows | 1);
    GasketBuckets buckets = {.n_rows = n_rows, .graded = graded, .grade = GRADE};
    buckets.width = bits > BUCKETS_MIN ? MIN(bits - BUCKETS_MIN, WIDTH_MIN) : 0;
    if (bits > WIDTH_MIN + BUCKETS_MAX)
        buckets.width = bits - BUCKETS_MAX;
    buckets.n = n_rows > 0 ? gasket_bucket_of(&buckets, n_rows - 1) + 1 : 0;
    return buckets;
}

uint32_t
gasket_bucket_begin(const GasketBuckets *buckets, uint32_t bucket)
{
    if (bucket >= buckets->n)
        return buckets->n_rows;
    if (!buckets->graded)
        return bucket << buckets->width;
    unsigned step = bucket >> buckets->grade;
    unsigned shift = step > 0 ? MIN(step - 1, buckets->width) : 0;
    return (bucket - (shift << buckets->grade)) << shift;
}

bool
gasket_scatter_init(GasketScatter *scatter, GasketBuckets buckets, size_t stride,
                    uint64_t n_records, unsigned n_lanes, GError **error)
{
    uint64_t bytes = n_records * stride;
    size_t chunk = (size_t)CLAMP(bytes / MAX(buckets.n, 1) / 4, CHUNK_MIN, CHUNK_MAX);
    chunk = MAX(chunk, sizeof(GasketChunk) + stride);
    *scatter = (GasketScatter){.buckets = buckets, .stride = stride};
    scatter->chunk_capacity = (uint32_t)((chunk - sizeof(GasketChunk)) / stride);
    scatter->chunk_bytes = (sizeof(GasketChunk) + scatter->chunk_capacity * stride + 15) / 16 * 16;
    scatter->slab_bytes = MAX((size_t)CLAMP(bytes, SLAB_MIN, SLAB_MAX), scatter->chunk_bytes);
    scatter->lanes = g_new0(GasketLane, n_lanes);
    scatter->n_lanes = n_lanes;
    for (unsigned l = 0; l < n_lanes; l++) {
        GasketLane *lane = &scatter->lanes[l];
        lane->open = gasket_array_new(buckets.n, sizeof *lane->open, error);
        if (lane->open == NULL)
            return false;
        lane->first = gasket_array_new(buckets.n, sizeof(GasketChunk *), error);
        if (lane->first == NULL)
            return false;
        lane->last = gasket_array_new(buckets.n, sizeof(GasketChunk *), error);
        if (lane->last == NULL)
            return false;
    }
    return true;
}

void
gasket_scatter_clear(GasketScatter *scatter)
{
    for (unsigned l = 0; l < scatter->n_lanes; l++) {
        GasketLane *lane = &scatter->lanes[l];
        for (size_t s = 0; s < lane->n_slabs; s++)
            gasket_array_free(lane->slabs[s]);
        g_free(lane->slabs);
        gasket_array_free(lane->open);
        gasket_array_free(lane->first);
        gasket_array_free(lane->last);
    }
    g_free(scatter->lanes);
    *scatter = (GasketScatter){0};
}

static bool
add_slab(const GasketScatter *scatter, GasketLane *lane, GError **error)
{
    if (lane->n_slabs == lane->slab_room) {
        lane->slab_room = MAX(16, 2 * lane->slab_room);
        lane->slabs = g_renew(void *, lane->slabs, lane->slab_room);
    }
    uint8_t *slab = gasket_array_new(scatter->slab_bytes, 1, error);
    if (slab == NULL)
        return false;
    lane->slabs[lane->n_slabs++] = slab;
    lane->slab_at = slab;
    lane->slab_end = slab + scatter->slab_bytes;
    return true;
}

bool
gasket_scatter_grow(const GasketScatter *scatter, GasketLane *lane, uint32_t bucket, GError **error)
{
    if ((size_t)(lane->slab_end - lane->slab_at) < scatter->chunk_bytes &&
        !add_slab(scatter, lane, error))
        return false;
    GasketChunk *chunk = (GasketChunk *)lane->slab_at;
    lane->slab_at += scatter->chunk_bytes;
    chunk->next = NULL;
    if (lane->last[bucket] != NULL)
        lane->last[bucket]->next = chunk;
    else
        lane->first[bucket] = chunk;
    lane->last[bucket] = chunk;
    lane->open[bucket].put = chunk->records;
    lane->open[bucket].end = chunk->records + scatter->chunk_capacity * scatter->stride;
    return true;
}

uint64_t
gasket_scatter_count(const GasketScatter *scatter, uint32_t bucket, uint64_t *ret_n_chunks)
{
    uint64_t n = 0, n_chunks = 0;
    for (unsigned l = 0; l < scatter->n_lanes; l++) {
        const GasketLane *lane = &scatter->lanes[l];
        for (const GasketChunk *chunk = lane->first[bucket]; chunk != NULL; chunk = chunk->next) {
            n += gasket_chunk_count(scatter, lane, bucket, chunk);
            n_chunks++;
        }
    }
    if (ret_n_chunks != NULL)
        *ret_n_chunks = n_chunks;
    return n;
}
