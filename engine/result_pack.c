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
        if (column->varying)
            length = 1;
        fields[n++] = (GasketResultField){column->offset, length * gasket_type_size(column->type),
                                          column->varying, c};
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

/* Elements of a varying column on a run of vertices. */
static uint64_t
n_elements(const GasketRunResult *result, const GasketVertex *vertex, uint32_t count)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        n += result->begin[vertex[i] + 1] - result->begin[vertex[i]];
    return n;
}

static uint64_t
packed_size(const GasketRun *run, const GasketIds *ids, const GasketVertex *vertex, uint32_t count,
            const GasketResultField *fields, unsigned n_fields)
{
    uint64_t size = sizeof(PackHeader) + padded((size_t)count * sizeof(uint32_t));

    if (ids->integer != NULL)
        size += (uint64_t)count * sizeof(int64_t);
    else
        size += padded((size_t)count * sizeof(uint32_t)) + padded(text_bytes(ids, vertex, count));
    for (unsigned c = 0; c < n_fields; c++) {
        uint64_t n = count;
        if (fields[c].varying) {
            size += padded((size_t)count * sizeof(uint32_t));
            n = n_elements(&run->results[fields[c].column], vertex, count);
        }
        size += padded(n * fields[c].size);
    }
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

/* Whether every column has a place to be read from. */
static bool
check_fields(const GasketRun *run, unsigned kind, const GasketResultField *fields,
             unsigned n_fields, GError **error)
{
    size_t state_size = run->kinds[kind].state_size;

    for (unsigned c = 0; c < n_fields; c++) {
        bool there = fields[c].varying ? run->results[fields[c].column].begin != NULL
                                       : fields[c].size <= state_size &&
                                             fields[c].offset <= state_size - fields[c].size;
        if (there)
            continue;
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    fields[c].varying ? "a varying column of the result was not set by the driver"
                                      : "a column of the result is not within the state that the "
                                        "algorithm set");
        return false;
    }
    return true;
}

static uint8_t *
pack_varying(const GasketRunResult *result, const GasketResultField *field,
             const GasketVertex *vertex, uint32_t count, uint8_t *to)
{
    uint32_t *length = (uint32_t *)(void *)to;
    uint8_t *elements = to + padded((size_t)count * sizeof *length), *begin = elements;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t first = result->begin[vertex[i]];
        length[i] = (uint32_t)(result->begin[vertex[i] + 1] - first);
        memcpy(elements, result->data + first * field->size, length[i] * field->size);
        elements += length[i] * field->size;
    }
    return begin + padded((size_t)(elements - begin));
}

static uint8_t *
pack_field(const GasketRun *run, unsigned kind, const GasketResultField *field,
           const GasketVertex *vertex, uint32_t count, uint8_t *to)
{
    const GasketKindData *data = &run->kinds[kind];

    if (field->varying)
        return pack_varying(&run->results[field->column], field, vertex, count, to);
    for (uint32_t i = 0; i < count; i++)
        memcpy(to + i * field->size, data->state + vertex[i] * data->state_size + field->offset,
               field->size);
    return to + padded(count * field->size);
}

GasketFrame *
gasket_result_pack(const GasketRun *run, unsigned kind, const GasketVertex *order, uint32_t first,
                   const GasketResultField *fields, unsigned n_fields, uint32_t *ret_count,
                   GError **error)
{
    const GasketPartKind *part = &run->part->kinds[kind];
    const GasketVertex *vertex = order + first;

    if (!check_fields(run, kind, fields, n_fields, error))
        return NULL;
    uint32_t count = MIN(part->n_owned - first, ROWS_AT_ONCE);

    while (count > 1 &&
           packed_size(run, &part->ids, vertex, count, fields, n_fields) > GASKET_BULK_BYTES)
        count /= 2;
    uint64_t size = packed_size(run, &part->ids, vertex, count, fields, n_fields);
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
    for (unsigned c = 0; c < n_fields; c++)
        to = pack_field(run, kind, &fields[c], vertex, count, to);
    *ret_count = count;
    return frame;
}

/* Opens column c at *at, which is moved behind it. */
static bool
unpack_field(const GasketResultField *field, unsigned c, GasketResultRows *rows, const uint8_t *end,
             const uint8_t **at)
{
    uint64_t n = rows->count;

    rows->lengths[c] = NULL;
    if (field->varying) {
        size_t words = padded((size_t)n * sizeof(uint32_t));
        if (words > (size_t)(end - *at))
            return false;
        rows->lengths[c] = (const uint32_t *)(const void *)*at;
        *at += words;
        n = 0;
        for (uint32_t i = 0; i < rows->count; i++)
            n += rows->lengths[c][i];
    }
    if (n > GASKET_FRAME_MAX || padded(n * field->size) > (size_t)(end - *at))
        return false;
    rows->columns[c] = *at;
    *at += padded(n * field->size);
    return true;
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
    if (size > frame->length)
        return false;

    const uint8_t *at = frame->payload + sizeof header, *end = frame->payload + frame->length;
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
    for (unsigned c = 0; c < n_fields; c++)
        if (!unpack_field(&fields[c], c, rows, end, &at))
            return false;
    return at == end;
}
