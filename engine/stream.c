/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of bytes over frames. See stream.h. */
#include "engine/stream.h"

#include "engine/wire.h"

void
gasket_stream_init(GasketStream *stream, GasketTransport *transport, unsigned peer)
{
    *stream = (GasketStream){.transport = transport, .peer = peer};
}

void
gasket_stream_clear(GasketStream *stream)
{
    gasket_frame_free(stream->frame);
    stream->frame = NULL;
}

bool
gasket_stream_flush(GasketStream *stream, GError **error)
{
    if (stream->frame == NULL)
        return true;
    stream->frame->length = stream->used;
    return gasket_transport_send(stream->transport, stream->peer, GASKET_CHANNEL_BULK,
                                 &stream->frame, error);
}

bool
gasket_stream_write(GasketStream *stream, const void *bytes, size_t n, GError **error)
{
    const uint8_t *from = bytes;

    while (n > 0) {
        if (stream->frame == NULL) {
            stream->frame = gasket_frame_new(GASKET_WIRE_STREAM, GASKET_BULK_BYTES, error);
            if (stream->frame == NULL)
                return false;
            stream->used = 0;
        }
        size_t piece = MIN(n, GASKET_BULK_BYTES - stream->used);
        memcpy(stream->frame->payload + stream->used, from, piece);
        stream->used += (uint32_t)piece;
        from += piece;
        n -= piece;
        if (stream->used == GASKET_BULK_BYTES && !gasket_stream_flush(stream, error))
            return false;
    }
    return true;
}

bool
gasket_stream_read(GasketStream *stream, void *bytes, size_t n, GError **error)
{
    uint8_t *to = bytes;

    while (n > 0) {
        if (stream->frame == NULL) {
            if (!gasket_transport_receive_wait(stream->transport, stream->peer, GASKET_CHANNEL_BULK,
                                               &stream->frame, error))
                return false;
            stream->used = 0;
            if (stream->frame->type != GASKET_WIRE_STREAM || stream->frame->length == 0) {
                g_set_error(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL,
                            "rank %u sent a frame that is not of a part", stream->peer);
                return false;
            }
        }
        size_t piece = MIN(n, stream->frame->length - stream->used);
        memcpy(to, stream->frame->payload + stream->used, piece);
        stream->used += (uint32_t)piece;
        to += piece;
        n -= piece;
        if (stream->used == stream->frame->length) {
            gasket_frame_free(stream->frame);
            stream->frame = NULL;
        }
    }
    return true;
}
