/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as bytes.
 *
 *     0        4      6         7        8                16
 *     | length | type | channel | zero   | sequence       | payload ...
 *       u32      u16    u8        u8       u64              length bytes
 *
 * All fields are little-endian. The sequence counts the frames of one direction of one connection
 * from 0: bytes lost, repeated or invented between two frames cannot go unnoticed.
 *
 *   header ──(16 bytes, in order and within the limit)──> payload ──(length bytes)──> header
 *      └────────── anything else: PROTOCOL (feed returns false)
 *
 * Invariants:
 *   1. frame != NULL exactly where n_header == 16, between two calls.
 *   2. n_payload < frame->length: a frame that is complete has been handed over.
 *   3. Nothing is allocated for a header that was not accepted.
 *
 * Cost: one copy of the payload.
 */
#include "engine/transport_frame.h"

#include <stdarg.h>
#include <string.h>

static uint64_t
read_le(const uint8_t *bytes, unsigned n)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < n; i++)
        x |= (uint64_t)bytes[i] << (8 * i);
    return x;
}

static void
write_le(uint8_t *bytes, unsigned n, uint64_t x)
{
    for (unsigned i = 0; i < n; i++)
        bytes[i] = (uint8_t)(x >> (8 * i));
}

void
gasket_frame_header_write(uint8_t header[GASKET_FRAME_HEADER], const GasketFrame *frame,
                          GasketChannel channel, uint64_t sequence)
{
    write_le(header, 4, frame->length);
    write_le(header + 4, 2, frame->type);
    header[6] = (uint8_t)channel;
    header[7] = 0;
    write_le(header + 8, 8, sequence);
}

void
gasket_frame_decoder_init(GasketFrameDecoder *decoder, uint32_t max)
{
    *decoder = (GasketFrameDecoder){.max = max};
}

void
gasket_frame_decoder_clear(GasketFrameDecoder *decoder)
{
    gasket_frame_free(decoder->frame);
    decoder->frame = NULL;
}

bool
gasket_frame_refuse(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_propagate_error(error,
                      g_error_new_valist(GASKET_ERROR, GASKET_ERROR_PROTOCOL, format, arguments));
    va_end(arguments);
    return false;
}

/* Checks the complete header and makes room for its payload. */
static bool
begin_frame(GasketFrameDecoder *decoder, GError **error)
{
    const uint8_t *header = decoder->header;
    uint32_t length = (uint32_t)read_le(header, 4);
    uint32_t type = (uint32_t)read_le(header + 4, 2);
    uint64_t sequence = read_le(header + 8, 8);

    if (length > decoder->max)
        return gasket_frame_refuse(error, "a frame of %u bytes where %u are the most", length,
                                   decoder->max);
    if (type == 0)
        return gasket_frame_refuse(error, "a frame of type 0");
    if (header[6] >= GASKET_N_CHANNELS)
        return gasket_frame_refuse(error, "a frame on channel %u", header[6]);
    if (header[7] != 0)
        return gasket_frame_refuse(error, "a frame with %u where a zero must stand", header[7]);
    if (sequence != decoder->next_sequence)
        return gasket_frame_refuse(error,
                                   "frame number %" G_GUINT64_FORMAT " where %" G_GUINT64_FORMAT
                                   " was due",
                                   sequence, decoder->next_sequence);

    decoder->frame = gasket_frame_new(type, length, error);
    if (decoder->frame == NULL)
        return false;
    decoder->n_payload = 0;
    decoder->next_sequence++;
    return true;
}

bool
gasket_frame_decoder_feed(GasketFrameDecoder *decoder, const uint8_t *bytes, size_t n,
                          size_t *ret_used, GasketFrame **ret_frame, GasketChannel *ret_channel,
                          GError **error)
{
    size_t used = 0;
    if (decoder->frame == NULL) {
        used = MIN(n, GASKET_FRAME_HEADER - decoder->n_header);
        memcpy(decoder->header + decoder->n_header, bytes, used);
        decoder->n_header += (uint32_t)used;
        if (decoder->n_header == GASKET_FRAME_HEADER && !begin_frame(decoder, error))
            return false;
    }

    GasketFrame *frame = decoder->frame;
    *ret_frame = NULL;
    if (frame != NULL) {
        size_t part = MIN(n - used, frame->length - decoder->n_payload);
        memcpy(frame->payload + decoder->n_payload, bytes + used, part);
        decoder->n_payload += (uint32_t)part;
        used += part;
        if (decoder->n_payload == frame->length) {
            *ret_frame = g_steal_pointer(&decoder->frame);
            *ret_channel = (GasketChannel)decoder->header[6];
            decoder->n_header = 0;
        }
    }
    *ret_used = used;
    return true;
}
