/* SPDX-License-Identifier: Apache-2.0 */
/* Packing and opening rows of results. See result_pack.h. */
#include "engine/result_pack.h"

#include <string.h>

#define ROWS_AT_ONCE 4096

typedef struct {
    uint32_t count, text, n_columns, zero;
    uint64_t text_bytes;
} PackHeader;

GasketResultField *
gasket_result_fields(const GasketJob *job, unsigned kind, unsigned *ret_n)
{
    GasketResultField *fields = g_new0(GasketResultField, job->n_results + 1);
    unsigned n = 0;

    for (unsigned c = 0; c < job->n_results; c++) {
        const GasketResultColumn *column = &job->results[c];
        if (column->kind != kind)
            continue;
        size_t length = column->length == 0 ? 1 : column->length;
        fields[n++] = (GasketResultField){column->offset, length * gasket_type_size(column->type)};
    }
    *ret_n = n;
    return fields;
}

static size_t
padded(size_t n)
{
    return (n + 7) / 8 * 8;
}

static uint64_t
text_bytes(const GasketIds *ids, const GasketVertex *vertex, uint32_t count)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; ids->integer == NULL && i < count; i++)
        bytes += ids->text_begin[vertex[i] + 1] - ids->text_begin[vertex[i]];
    return bytes;
}

static uint64_t
packed_size(const GasketIds *ids, const GasketVertex *vertex, uint32_t count,
            const GasketResultField *fields, unsigned n_fields)
{
    uint64_t size = sizeof(PackHeader) + padded((size_t)count * sizeof(uint32_t));

    if (ids->integer != NULL)
        size += (uint64_t)count * sizeof(int64_t);
    else
        size += padded((size_t)count * sizeof(uint32_t)) + padded(text_bytes(ids, vertex, count));
    for (unsigned c = 0; c < n_fields; c++)
        size += padded(count * fields[c].size);
    return size;
}

static uint8_t *
pack_ids(const GasketIds *ids, const GasketVertex *vertex, uint32_t count, uint8_t *to)
{
    if (ids->integer != NULL) {
        int64_t *integer = (int64_t *)(void *)to;
        for (uint32_t i = 0; i < count; i++)
            integer[i] = ids->integer[vertex[i]];
        return to + (size_t)count * sizeof(int64_t);
    }
    uint32_t *length = (uint32_t *)(void *)to;
    uint8_t *text = to + padded((size_t)count * sizeof(uint32_t)), *begin = text;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t first = ids->text_begin[vertex[i]];
        length[i] = (uint32_t)(ids->text_begin[vertex[i] + 1] - first);
        memcpy(text, ids->text + first, length[i]);
        text += length[i];
    }
    return begin + padded((size_t)(text - begin));
}

GasketFrame *
gasket_result_pack(const GasketRun *run, unsigned kind, const GasketVertex *order, uint32_t first,
                   const GasketResultField *fields, unsigned n_fields, uint32_t *ret_count,
                   GError **error)
{
    const GasketPartKind *part = &run->part->kinds[kind];
    const GasketVertex *vertex = order + first;

    for (unsigned c = 0; c < n_fields; c++) {
        if (fields[c].size > run->kinds[kind].state_size ||
            fields[c].offset > run->kinds[kind].state_size - fields[c].size) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "a column of the result is not within the state that the algorithm set");
            return NULL;
        }
    }
    uint32_t count = MIN(part->n_owned - first, ROWS_AT_ONCE);

    while (count > 1 &&
           packed_size(&part->ids, vertex, count, fields, n_fields) > GASKET_BULK_BYTES)
        count /= 2;
    uint64_t size = packed_size(&part->ids, vertex, count, fields, n_fields);
    if (size > GASKET_FRAME_MAX) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "a row of the result is too long");
        return NULL;
    }
    GasketFrame *frame = gasket_frame_new(GASKET_WIRE_RESULT, (uint32_t)size, error);
    if (frame == NULL)
        return NULL;
    memset(frame->payload, 0, size);
    PackHeader header = {.count = count,
                         .text = part->ids.integer == NULL,
                         .n_columns = n_fields,
                         .text_bytes = text_bytes(&part->ids, vertex, count)};
    memcpy(frame->payload, &header, sizeof header);
    uint8_t *to = frame->payload + sizeof header;
    uint32_t *ordinal = (uint32_t *)(void *)to;
    for (uint32_t i = 0; i < count; i++)
        ordinal[i] = part->ordinal[vertex[i]];
    to = pack_ids(&part->ids, vertex, count, to + padded((size_t)count * sizeof *ordinal));
    for (unsigned c = 0; c < n_fields; c++) {
        for (uint32_t i = 0; i < count; i++)
            memcpy(to + i * fields[c].size,
                   run->kinds[kind].state + vertex[i] * run->kinds[kind].state_size +
                       fields[c].offset,
                   fields[c].size);
        to += padded(count * fields[c].size);
    }
    *ret_count = count;
    return frame;
}

bool
gasket_result_unpack(const GasketFrame *frame, const GasketResultField *fields, unsigned n_fields,
                     GasketResultRows *rows)
{
    PackHeader header;

    if (frame->length < sizeof header)
        return false;
    memcpy(&header, frame->payload, sizeof header);
    if (header.count > ROWS_AT_ONCE || header.text_bytes > frame->length ||
        header.n_columns != n_fields)
        return false;
    size_t words = padded((size_t)header.count * sizeof(uint32_t));
    uint64_t size = sizeof header + words;
    size +=
        header.text ? words + padded(header.text_bytes) : (uint64_t)header.count * sizeof(int64_t);
    for (unsigned c = 0; c < n_fields; c++)
        size += padded(header.count * fields[c].size);
    if (size != frame->length)
        return false;

    const uint8_t *at = frame->payload + sizeof header;
    rows->count = header.count;
    rows->ordinal = (const uint32_t *)(const void *)at;
    at += words;
    rows->integer = header.text ? NULL : (const int64_t *)(const void *)at;
    rows->text_length = header.text ? (const uint32_t *)(const void *)at : NULL;
    rows->text = NULL;
    if (header.text) {
        uint64_t total = 0;
        for (uint32_t i = 0; i < header.count; i++)
            total += rows->text_length[i];
        if (total != header.text_bytes)
            return false;
        rows->text = (const char *)at + words;
        at += words + padded(header.text_bytes);
    } else {
        at += (size_t)header.count * sizeof(int64_t);
    }
    for (unsigned c = 0; c < n_fields; c++) {
        rows->columns[c] = at;
        at += padded(header.count * fields[c].size);
    }
    return true;
}
