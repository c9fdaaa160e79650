/* SPDX-License-Identifier: Apache-2.0 */
/* A rank's file of a snapshot, written; see snapshot_data.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "engine/array.h"
#include "engine/bitset.h"
#include "engine/edge_values.h"
#include "engine/snapshot_data.h"
#include "engine/snapshot_format.h"
#include "engine/vertex_order.h"

#define BUFFER_BYTES (1u << 20)

/* Buffered output that is summed on its way; after the first failure nothing more happens. */
typedef struct {
    const GasketDisk *disk;
    const char *path;
    int fd;
    uint8_t *buffer; /* [BUFFER_BYTES] */
    size_t used;
    XXH3_state_t *hash;
    uint64_t bytes;
    GError *error;
} Writer;

static void
flush(Writer *writer)
{
    if (writer->error == NULL && writer->used > 0) {
        (void)XXH3_128bits_update(writer->hash, writer->buffer, writer->used);
        writer->bytes += writer->used;
        (void)gasket_disk_write(writer->disk, writer->fd, writer->path, writer->buffer,
                                writer->used, &writer->error);
    }
    writer->used = 0;
}

static void
put(Writer *writer, const void *bytes, uint64_t n)
{
    const uint8_t *from = bytes;

    while (n > 0) {
        size_t count = (size_t)MIN(n, BUFFER_BYTES - writer->used);
        memcpy(writer->buffer + writer->used, from, count);
        writer->used += count;
        from += count;
        n -= count;
        if (writer->used == BUFFER_BYTES)
            flush(writer);
    }
}

/* Elements of `size` bytes, those of order[0], order[1], ...: neighbours in memory at once. */
static void
put_in_order(Writer *writer, const uint32_t *order, uint32_t n, const void *base, size_t size)
{
    for (uint32_t i = 0, count; i < n; i += count) {
        count = 1;
        while (i + count < n && order[i + count] == order[i] + count)
            count++;
        put(writer, (const uint8_t *)base + order[i] * size, count * size);
    }
}

static void
put_head(Writer *writer, GasketSnapshotSection type, unsigned index, uint64_t n, uint64_t bytes)
{
    GasketSnapshotSectionHead head = {type, index, n, bytes};
    put(writer, &head, sizeof head);
}

/* ---- sections -------------------------------------------------------------------------------- */

static void
put_run(Writer *writer, const GasketRun *run)
{
    const GasketTotals *totals = &run->totals;
    unsigned n_kinds = run->part->n_kinds;
    uint32_t n_totals = totals->n_aggregates == 0 ? 0 : totals->first[totals->n_aggregates];
    uint64_t kept = 0;

    for (unsigned i = 0; i < run->n_kept; i++)
        kept += sizeof(uint64_t) + run->kept[i].size;
    GasketSnapshotRun head = {run->step, run->iteration, run->n_woken, n_totals, run->n_kept};
    put_head(writer, GASKET_SNAPSHOT_RUN, 0, n_kinds,
             sizeof head + n_kinds * sizeof(GasketSnapshotCounters) +
                 n_totals * sizeof(GasketTotal) + kept);
    put(writer, &head, sizeof head);
    for (unsigned k = 0; k < n_kinds; k++) {
        const GasketKindData *kind = &run->kinds[k];
        GasketSnapshotCounters counters = {kind->n_changed, kind->changed_degree, kind->all_changed,
                                           kind->all_active};
        put(writer, &counters, sizeof counters);
    }
    put(writer, totals->total, n_totals * sizeof(GasketTotal));
    for (unsigned i = 0; i < run->n_kept; i++) {
        uint64_t size = run->kept[i].size;
        put(writer, &size, sizeof size);
        put(writer, run->kept[i].data, size);
    }
}

static uint64_t
values_bytes(const GasketKindData *kind, const uint32_t *order, uint32_t n)
{
    uint64_t bytes = 0;

    if (kind->current == NULL)
        return 0;
    if (kind->value_begin == NULL)
        return n * (uint64_t)kind->value_size;
    for (uint32_t i = 0; i < n; i++)
        bytes += sizeof(uint32_t) + kind->value_begin[order[i] + 1] - kind->value_begin[order[i]];
    return bytes;
}

static void
put_values(Writer *writer, const GasketKindData *kind, const uint32_t *order, uint32_t n)
{
    if (kind->current == NULL)
        return;
    if (kind->value_begin == NULL) {
        put_in_order(writer, order, n, kind->current, kind->value_size);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t size = (uint32_t)(kind->value_begin[order[i] + 1] - kind->value_begin[order[i]]);
        put(writer, &size, sizeof size);
    }
    for (uint32_t i = 0; i < n; i++)
        put(writer, kind->current + kind->value_begin[order[i]],
            kind->value_begin[order[i] + 1] - kind->value_begin[order[i]]);
}

static void
put_kind(Writer *writer, const GasketRun *run, unsigned k, const uint32_t *order)
{
    const GasketPartKind *part = &run->part->kinds[k];
    const GasketKindData *kind = &run->kinds[k];
    uint32_t n = part->n_owned;

    put_head(writer, GASKET_SNAPSHOT_KIND, k, n,
             n * sizeof(uint32_t) + (n + 7) / 8 + n * (uint64_t)kind->state_size +
                 values_bytes(kind, order, n));
    put_in_order(writer, order, n, part->number, sizeof(uint32_t));
    for (uint32_t i = 0; i < n; i += 8) {
        uint8_t awake = 0;
        for (uint32_t j = i; j < MIN(n, i + 8); j++)
            awake |= (uint8_t)((kind->all_active || gasket_bitset_has(kind->active, order[j]))
                               << (j - i));
        put(writer, &awake, 1);
    }
    put_in_order(writer, order, n, kind->state, kind->state_size);
    put_values(writer, kind, order, n);
}

/* Bytes of edge values and edge states in rows, and of the sizes of those that vary. */
static uint64_t
edge_bytes(const GasketRowsData *data, uint64_t n_entries)
{
    const GasketEdgeValues *values = &data->values;
    uint64_t bytes = data->edge_state != NULL ? n_entries * data->edge_state_size : 0;

    if (values->current == NULL)
        return bytes;
    bytes += values->begin != NULL ? n_entries * sizeof(uint32_t) : 0;
    return bytes + gasket_edge_value_begin(values, values->n_entries);
}

static void
put_rows(Writer *writer, const GasketRun *run, unsigned index, const uint32_t *order,
         const GasketPartKind *owner)
{
    const GasketPartRows *rows = &run->part->relations[index / 2].rows[index % 2];
    const GasketRowsData *data = &run->rows[index];
    const GasketEdgeValues *values = &data->values;
    uint32_t n = owner->n_owned;

    put_head(writer, GASKET_SNAPSHOT_ROWS, index, n,
             2 * n * sizeof(uint32_t) + edge_bytes(data, rows->n_entries));
    put_in_order(writer, order, n, owner->number, sizeof(uint32_t));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t length = (uint32_t)(rows->offset[order[i] + 1] - rows->offset[order[i]]);
        put(writer, &length, sizeof length);
    }
    for (uint32_t i = 0; values->current != NULL && values->begin != NULL && i < n; i++) {
        for (uint64_t e = rows->offset[order[i]]; e < rows->offset[order[i] + 1]; e++) {
            uint32_t size = (uint32_t)(values->begin[e + 1] - values->begin[e]);
            put(writer, &size, sizeof size);
        }
    }
    for (uint32_t i = 0; values->current != NULL && i < n; i++) {
        uint64_t begin = gasket_edge_value_begin(values, rows->offset[order[i]]);
        put(writer, values->current + begin,
            gasket_edge_value_begin(values, rows->offset[order[i] + 1]) - begin);
    }
    for (uint32_t i = 0; data->edge_state != NULL && i < n; i++)
        put(writer, data->edge_state + rows->offset[order[i]] * data->edge_state_size,
            (rows->offset[order[i] + 1] - rows->offset[order[i]]) * data->edge_state_size);
}

static void
put_array(Writer *writer, const GasketRun *run, unsigned index, const uint32_t *order)
{
    const GasketKeptArray *array = &run->kept_arrays[index];
    const GasketPartKind *part = &run->part->kinds[array->kind];
    uint32_t n = part->n_owned;
    uint64_t n_elements = array->begin != NULL ? array->begin[n] : n;

    put_head(writer, GASKET_SNAPSHOT_ARRAY, index, n,
             2 * n * sizeof(uint32_t) + n_elements * array->size);
    put_in_order(writer, order, n, part->number, sizeof(uint32_t));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t length = gasket_kept_length(array, order[i]);
        put(writer, &length, sizeof length);
    }
    for (uint32_t i = 0; i < n; i++)
        put(writer, gasket_kept_elements(array, order[i]),
            gasket_kept_length(array, order[i]) * array->size);
}

static void
put_all(Writer *writer, const GasketRun *run)
{
    const GasketPart *part = run->part;
    g_autofree uint32_t **order = g_new0(uint32_t *, part->n_kinds);
    GasketSnapshotHead head = {.format = GASKET_SNAPSHOT_FORMAT,
                               .byte_order = GASKET_SNAPSHOT_BYTE_ORDER,
                               .rank = part->rank,
                               .n_ranks = part->size};

    memcpy(head.magic, GASKET_SNAPSHOT_MAGIC, sizeof head.magic);
    put(writer, &head, sizeof head);
    if (part->rank == 0)
        put_run(writer, run);
    for (unsigned k = 0; k < part->n_kinds && writer->error == NULL; k++) {
        order[k] = gasket_vertices_by_number(&part->kinds[k], &writer->error);
        if (order[k] != NULL)
            put_kind(writer, run, k, order[k]);
    }
    for (unsigned i = 0; i < 2 * part->n_relations && writer->error == NULL; i++) {
        const GasketPartRelation *relation = &part->relations[i / 2];
        unsigned k = gasket_part_row_kind(relation, (GasketDirection)(i % 2));
        if (run->rows[i].values.current != NULL || run->rows[i].edge_state != NULL)
            put_rows(writer, run, i, order[k], &part->kinds[k]);
    }
    for (unsigned i = 0; i < run->n_kept_arrays && writer->error == NULL; i++)
        put_array(writer, run, i, order[run->kept_arrays[i].kind]);
    flush(writer);
    for (unsigned k = 0; k < part->n_kinds; k++)
        gasket_array_free(order[k]);
}

/* The bytes are on the disk, not just on their way, before the file gets its name. */
static void
settle(Writer *writer, const char *path)
{
    if (writer->error == NULL && writer->disk->sync(writer->disk, writer->fd) != 0)
        (void)gasket_disk_error(writer->path, "cannot be written", &writer->error);
    if (close(writer->fd) != 0 && writer->error == NULL)
        (void)gasket_disk_error(writer->path, "cannot be written", &writer->error);
    if (writer->error == NULL && writer->disk->rename(writer->disk, writer->path, path) != 0)
        (void)gasket_disk_error(path, "cannot be named", &writer->error);
}

bool
gasket_snapshot_write_rank(const GasketRun *run, const GasketDisk *disk, const char *path,
                           GasketSnapshotFile *ret_file, GError **error)
{
    g_autofree char *temporary = g_strconcat(path, ".tmp", NULL);
    Writer writer = {.disk = disk, .path = temporary};

    writer.fd = disk->create(disk, temporary);
    if (writer.fd < 0)
        return gasket_disk_error(temporary, "cannot be made", error);
    writer.buffer = gasket_array_new(BUFFER_BYTES, 1, &writer.error);
    writer.hash = XXH3_createState();
    if (writer.error == NULL && writer.hash == NULL)
        g_set_error(&writer.error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for a snapshot");
    if (writer.error == NULL) {
        (void)XXH3_128bits_reset(writer.hash);
        put_all(&writer, run);
    }
    settle(&writer, path);
    if (writer.error == NULL) {
        XXH128_hash_t sum = XXH3_128bits_digest(writer.hash);
        *ret_file = (GasketSnapshotFile){writer.bytes, {sum.low64, sum.high64}};
    } else {
        (void)unlink(temporary); /* a failed snapshot: there is nothing to keep of it */
    }
    gasket_array_free(writer.buffer);
    XXH3_freeState(writer.hash);
    if (writer.error == NULL)
        return true;
    g_propagate_error(error, writer.error);
    return false;
}
