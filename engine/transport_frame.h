/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as bytes: the header's layout, and a decoder that takes a stream in pieces of any size.
 *
 *   GasketFrameDecoder decoder;
 *   gasket_frame_decoder_init(&decoder, GASKET_FRAME_MAX);
 *   while (n > 0) {
 *       if (!gasket_frame_decoder_feed(&decoder, bytes, n, &used, &frame, &channel, error))
 *           return false;                        (the stream is broken; the decoder stays usable
 *       bytes += used, n -= used;                 for _clear alone)
 *       if (frame != NULL)
 *           ...                                  (a whole frame, now the caller's)
 *   }
 *   gasket_frame_decoder_clear(&decoder);
 *
 * It knows no socket, no lock and no clock, so that it can be tested, and fuzzed, by itself.
 */
#ifndef GASKET_ENGINE_TRANSPORT_FRAME_H
#define GASKET_ENGINE_TRANSPORT_FRAME_H

#include "engine/transport.h"

/* Bytes of a frame's header on the wire. */
#define GASKET_FRAME_HEADER 16

/* Largest payload before the peer is known. */
#define GASKET_FRAME_MAX_UNKNOWN (4u << 10)

/* Largest type of the engine's; those above are between transports. */
#define GASKET_FRAME_TYPE_MAX 0xFEFFu

/* ORDER transport_frame_type: the numbers are the wire's. */
typedef enum {
    GASKET_FRAME_HELLO = 0xFF00, /* who one is: transport_handshake.h */
    GASKET_FRAME_HEARTBEAT,      /* empty */
    GASKET_FRAME_LEAVE,          /* empty; the last frame of a member */
    GASKET_FRAME_REFUSE,         /* answer to a HELLO that does not fit: why, in words */
    GASKET_FRAME_ABORT,          /* the sender has failed: why, in words */
} GasketTransportFrameType;

typedef struct {
    uint32_t max;           /* longest payload that is accepted */
    uint64_t next_sequence; /* of the next header */
    uint8_t header[GASKET_FRAME_HEADER];
    uint32_t n_header;  /* bytes of it that have come */
    GasketFrame *frame; /* being filled; NULL while the header is incomplete */
    uint32_t n_payload;
} GasketFrameDecoder;

void gasket_frame_decoder_init(GasketFrameDecoder *decoder, uint32_t max);
void gasket_frame_decoder_clear(GasketFrameDecoder *decoder);

/* Consumes *ret_used of n bytes: all of them, or up to the end of the first whole frame, which is
 * then in *ret_frame (else NULL). Errors: PROTOCOL (message: what was wrong with the frame), before
 * anything is allocated for it; MEMORY. */
bool gasket_frame_decoder_feed(GasketFrameDecoder *decoder, const uint8_t *bytes, size_t n,
                               size_t *ret_used, GasketFrame **ret_frame,
                               GasketChannel *ret_channel, GError **error);

/* PROTOCOL error: what is wrong with what came. Returns false. */
bool gasket_frame_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Writes the header of a frame. */
void gasket_frame_header_write(uint8_t header[GASKET_FRAME_HEADER], const GasketFrame *frame,
                               GasketChannel channel, uint64_t sequence);

#endif
