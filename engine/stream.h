/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of bytes to, or from, one peer, cut into frames: how parts travel. */
#ifndef GASKET_ENGINE_STREAM_H
#define GASKET_ENGINE_STREAM_H

#include "engine/transport.h"

typedef struct {
    GasketTransport *transport;
    unsigned peer;
    GasketFrame *frame; /* being filled or read; NULL between frames */
    uint32_t used;      /* bytes of it */
} GasketStream;

void gasket_stream_init(GasketStream *stream, GasketTransport *transport, unsigned peer);
void gasket_stream_clear(GasketStream *stream);

/* Blocks while the peer's queue is full. */
bool gasket_stream_write(GasketStream *stream, const void *bytes, size_t n, GError **error);

/* Sends what the last frame holds. */
bool gasket_stream_flush(GasketStream *stream, GError **error);

/* Blocks until n bytes have come. */
bool gasket_stream_read(GasketStream *stream, void *bytes, size_t n, GError **error);

#endif
