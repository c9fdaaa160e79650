/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding and decoding of ghost updates. See ghosts.h. */
#include "engine/ghosts.h"

#include <string.h>

#include "engine/bitset.h"
#include "engine/varint.h"

#define BODY_BYTES  (GASKET_BULK_BYTES - (uint32_t)sizeof(GasketRoundHeader))
#define LARGE_VALUE (BODY_BYTES / 4)
#define BITMAP_SPAN (64u << 10) /* positions of one bitmap frame, at most */

static inline size_t
value_size(const GasketValues *values, GasketVertex v)
{
    return values->begin == NULL ? values->size : (size_t)(values->begin[v + 1] - values->begin[v]);
}

static inline uint8_t *
value_at(const GasketValues *values, GasketVertex v)
{
    return values->bytes + (values->begin == NULL ? (uint64_t)v * values->size : values->begin[v]);
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* A value that did not change may not be sent: the peer would take it for a change, and where
 * values are staged it holds nothing. */
static uint8_t
choose(const uint64_t *changed, const uint32_t *send, uint32_t n)
{
    uint64_t distances = 0;
    uint32_t last = 0, n_changed = 0;

    for (uint32_t i = 0; changed != NULL && i < n; i++) {
        if (!gasket_bitset_has(changed, send[i]))
            continue;
        distances += gasket_varint_size(i - last);
        last = i;
        n_changed++;
    }
    if (changed == NULL || n_changed == n)
        return GASKET_ENCODING_DENSE;
    return n / 8 <= distances ? GASKET_ENCODING_BITMAP : GASKET_ENCODING_SPARSE;
}

/* ---- producing ------------------------------------------------------------------------------- */

/* One update of one peer while a frame is made. */
typedef struct {
    const GasketValues *values;
    const uint64_t *changed; /* NULL: all */
    const uint32_t *send;    /* [n] */
    uint32_t n;
    uint8_t *body;
    uint32_t used;
} Encoder;

static inline bool
is_changed(const Encoder *encoder, uint32_t i)
{
    return encoder->changed == NULL || gasket_bitset_has(encoder->changed, encoder->send[i]);
}

static inline bool
is_large(const Encoder *encoder, uint32_t i)
{
    return value_size(encoder->values, encoder->send[i]) > LARGE_VALUE;
}

static inline void
put_value(Encoder *encoder, uint32_t i)
{
    GasketVertex v = encoder->send[i];
    size_t size = value_size(encoder->values, v);
    memcpy(encoder->body + encoder->used, value_at(encoder->values, v), size);
    encoder->used += (uint32_t)size;
}

static inline bool
fits(const Encoder *encoder, uint32_t i, uint32_t beside)
{
    return !is_large(encoder, i) &&
           value_size(encoder->values, encoder->send[i]) + beside <= BODY_BYTES - encoder->used;
}

/* Each encoder fills the frame from position *i on, moves *i, and returns the header's count. */
static uint32_t
encode_dense(Encoder *encoder, uint32_t *i)
{
    uint32_t first = *i;

    if (encoder->values->begin == NULL && encoder->values->size == 4) {
        /* The common case, a float each, without a call per value. */
        const uint32_t *from = (const uint32_t *)(const void *)encoder->values->bytes;
        uint32_t *to = (uint32_t *)(void *)encoder->body;
        uint32_t count = MIN(encoder->n - first, BODY_BYTES / 4);
        for (uint32_t k = 0; k < count; k++)
            to[k] = from[encoder->send[first + k]];
        encoder->used = count * 4;
        *i = first + count;
        return count;
    }
    while (*i < encoder->n && fits(encoder, *i, 0))
        put_value(encoder, (*i)++);
    return *i - first;
}

static uint32_t
encode_bitmap(Encoder *encoder, uint32_t *i)
{
    uint32_t first = *i, span = MIN(encoder->n - first, BITMAP_SPAN);

    memset(encoder->body, 0, (span + 7) / 8);
    encoder->used = (span + 7) / 8;
    for (; *i < first + span; (*i)++) {
        if (!is_changed(encoder, *i))
            continue;
        if (!fits(encoder, *i, 0))
            break;
        encoder->body[(*i - first) / 8] |= (uint8_t)(1u << ((*i - first) % 8));
        put_value(encoder, *i);
    }
    uint32_t count = *i - first, bitmap = (count + 7) / 8, full = (span + 7) / 8;
    memmove(encoder->body + bitmap, encoder->body + full, encoder->used - full);
    encoder->used -= full - bitmap;
    return count;
}

static uint32_t
encode_sparse(Encoder *encoder, uint32_t *i)
{
    uint32_t last = *i, count = 0;

    for (; *i < encoder->n; (*i)++) {
        if (!is_changed(encoder, *i))
            continue;
        if (!fits(encoder, *i, GASKET_VARINT_MAX))
            break;
        encoder->used += gasket_varint_write(encoder->body + encoder->used, *i - last);
        put_value(encoder, *i);
        last = *i;
        count++;
    }
    return count;
}

static uint32_t
encode_fragment(Encoder *encoder, GasketUpdate *update)
{
    GasketVertex v = encoder->send[update->position];
    size_t size = value_size(encoder->values, v);
    uint32_t offset = update->offset;
    uint32_t piece = (uint32_t)MIN(size - offset, BODY_BYTES);

    memcpy(encoder->body, value_at(encoder->values, v) + offset, piece);
    encoder->used = piece;
    update->offset += piece;
    if (update->offset == size) {
        update->offset = 0;
        update->position++;
    }
    return offset;
}

bool
gasket_ghosts_produce(const GasketValues *values, const uint64_t *changed, unsigned peer,
                      GasketUpdate *update, GasketFrame **ret_frame, GError **error)
{
    const GasketPartKind *kind = values->part;
    Encoder encoder = {.values = values,
                       .changed = changed,
                       .send = kind->send + kind->send_begin[peer],
                       .n = (uint32_t)(kind->send_begin[peer + 1] - kind->send_begin[peer])};

    if (!update->chosen) {
        update->encoding = choose(changed, encoder.send, encoder.n);
        update->chosen = true;
    }
    while (update->position < encoder.n && !is_changed(&encoder, update->position))
        update->position++;
    *ret_frame = NULL;
    if (update->position == encoder.n)
        return true;

    GasketFrame *frame = gasket_round_frame_new(GASKET_SECTION_VALUES, BODY_BYTES, error);
    if (frame == NULL)
        return false;
    GasketRoundHeader *header = gasket_round_frame_header(frame);
    encoder.body = gasket_round_frame_body(frame);
    header->index = values->kind;
    header->first = update->position;
    header->encoding = update->encoding;
    if (is_large(&encoder, update->position)) {
        header->encoding = GASKET_ENCODING_FRAGMENT;
        header->count = encode_fragment(&encoder, update);
    } else if (update->encoding == GASKET_ENCODING_DENSE) {
        header->count = encode_dense(&encoder, &update->position);
    } else if (update->encoding == GASKET_ENCODING_BITMAP) {
        header->count = encode_bitmap(&encoder, &update->position);
    } else {
        header->count = encode_sparse(&encoder, &update->position);
    }
    frame->length = (uint32_t)sizeof *header + encoder.used;
    *ret_frame = frame;
    return true;
}

/* ---- consuming ------------------------------------------------------------------------------- */

typedef struct {
    const GasketValues *values;
    uint64_t *changed;
    GasketVertex begin; /* first ghost of the peer */
    uint32_t n;
    const uint8_t *body;
    uint32_t n_body, used;
} Decoder;

/* Copies the next value to position i; false if the body ends before. */
static inline bool
take_value(Decoder *decoder, uint32_t i)
{
    GasketVertex v = decoder->begin + i;
    size_t size = value_size(decoder->values, v);

    if (size > decoder->n_body - decoder->used)
        return false;
    memcpy(value_at(decoder->values, v), decoder->body + decoder->used, size);
    decoder->used += (uint32_t)size;
    if (decoder->changed != NULL)
        gasket_bitset_add(decoder->changed, v - decoder->values->part->n_owned);
    return true;
}

static bool
decode_dense(Decoder *decoder, uint32_t first, uint32_t count)
{
    const GasketValues *values = decoder->values;

    if (values->begin == NULL && decoder->changed == NULL) {
        if ((uint64_t)count * values->size != decoder->n_body)
            return false;
        memcpy(value_at(values, decoder->begin + first), decoder->body, decoder->n_body);
        decoder->used = decoder->n_body;
        return true;
    }
    for (uint32_t i = first; i < first + count; i++)
        if (!take_value(decoder, i))
            return false;
    return true;
}

static bool
decode_bitmap(Decoder *decoder, uint32_t first, uint32_t count)
{
    uint32_t bytes = (count + 7) / 8;

    if (bytes > decoder->n_body)
        return false;
    decoder->used = bytes;
    for (uint32_t i = 0; i < count; i++)
        if ((decoder->body[i / 8] >> (i % 8)) & 1)
            if (!take_value(decoder, first + i))
                return false;
    return true;
}

static bool
decode_sparse(Decoder *decoder, uint32_t first, uint32_t count)
{
    uint32_t position = first, distance;

    for (uint32_t k = 0; k < count; k++) {
        if (!gasket_varint_read(decoder->body, decoder->n_body, &decoder->used, &distance) ||
            distance >= decoder->n - position)
            return false;
        position += distance;
        if (!take_value(decoder, position))
            return false;
    }
    return true;
}

static bool
decode_fragment(Decoder *decoder, uint32_t position, uint32_t offset)
{
    GasketVertex v = decoder->begin + position;
    size_t size = value_size(decoder->values, v);

    if (offset >= size || decoder->n_body != MIN(size - offset, BODY_BYTES))
        return false;
    memcpy(value_at(decoder->values, v) + offset, decoder->body, decoder->n_body);
    decoder->used = decoder->n_body;
    if (decoder->changed != NULL)
        gasket_bitset_add(decoder->changed, v - decoder->values->part->n_owned);
    return true;
}

static bool
decode(Decoder *decoder, const GasketRoundHeader *header)
{
    uint32_t first = header->first, count = header->count;

    if (first >= decoder->n)
        return false;
    switch (header->encoding) {
    case GASKET_ENCODING_DENSE:
        return count <= decoder->n - first && decode_dense(decoder, first, count);
    case GASKET_ENCODING_BITMAP:
        return count <= decoder->n - first && decode_bitmap(decoder, first, count);
    case GASKET_ENCODING_SPARSE:
        return decode_sparse(decoder, first, count);
    case GASKET_ENCODING_FRAGMENT:
        return decode_fragment(decoder, first, count);
    default:
        return false;
    }
}

bool
gasket_ghosts_consume(const GasketValues *values, uint64_t *changed_ghosts, unsigned peer,
                      const GasketRoundHeader *header, const uint8_t *body, uint32_t n_body,
                      GError **error)
{
    const GasketPartKind *kind = values->part;
    Decoder decoder = {.values = values,
                       .changed = changed_ghosts,
                       .begin = kind->ghost_begin[peer],
                       .n = kind->ghost_begin[peer + 1] - kind->ghost_begin[peer],
                       .body = body,
                       .n_body = n_body};

    if (!decode(&decoder, header) || decoder.used != n_body)
        return gasket_exchange_refuse(peer, "an update of ghosts that does not fit", error);
    return true;
}
