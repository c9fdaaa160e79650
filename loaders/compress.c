/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip through zlib and zstd through libzstd behind one pull interface. See compress.h.
 *
 *   pull ──> [in, in_end) ──> inflate / ZSTD_decompressStream ──> buffer
 *
 * Invariants:
 *   1. `inside` holds from the first byte of a member to its verified end; the source may end only
 *      outside.
 *   2. While `pending`, a step without new bytes comes before the source is asked or its end is
 *      believed.
 *   3. Once failed or ended, no more is pulled.
 */
#include "loaders/compress.h"

#include <string.h>

#include <zlib.h>
#include <zstd.h>

struct GasketDecoder {
    GasketCompression compression;
    GasketPull pull;
    void *data;
    const uint8_t *in, *in_end; /* pulled and not yet used */
    bool inside;                /* of a member or frame */
    bool pending;               /* the last step filled its room: more may be held back */
    bool ended;
    z_stream gzip;
    ZSTD_DStream *zstd;
};

GasketCompression
gasket_compression_of(const uint8_t *bytes, size_t size)
{
    if (size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
        return GASKET_COMPRESSION_GZIP;
    if (size >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0)
        return GASKET_COMPRESSION_ZSTD;
    return GASKET_COMPRESSION_NONE;
}

const char *
gasket_compression_name(GasketCompression compression)
{
    return compression == GASKET_COMPRESSION_GZIP   ? "gzip"
           : compression == GASKET_COMPRESSION_ZSTD ? "zstd"
                                                    : NULL;
}

GasketDecoder *
gasket_decoder_new(GasketCompression compression, GasketPull pull, void *data, GError **error)
{
    g_assert(compression != GASKET_COMPRESSION_NONE);
    GasketDecoder *decoder = g_new0(GasketDecoder, 1);
    decoder->compression = compression;
    decoder->pull = pull;
    decoder->data = data;
    bool good;
    if (compression == GASKET_COMPRESSION_GZIP) {
        good = inflateInit2(&decoder->gzip, 16 + MAX_WBITS) == Z_OK;
    } else {
        decoder->zstd = ZSTD_createDStream();
        good = decoder->zstd != NULL;
    }
    if (!good) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory to decompress %s data",
                    gasket_compression_name(compression));
        g_free(decoder);
        return NULL;
    }
    return decoder;
}

void
gasket_decoder_free(GasketDecoder *decoder)
{
    if (decoder == NULL)
        return;
    if (decoder->compression == GASKET_COMPRESSION_GZIP)
        inflateEnd(&decoder->gzip);
    ZSTD_freeDStream(decoder->zstd);
    g_free(decoder);
}

/* One step from in to out; counts what was written. */
static bool
step_gzip(GasketDecoder *decoder, uint8_t *out, size_t capacity, size_t *ret_written,
          GError **error)
{
    z_stream *stream = &decoder->gzip;
    if (!decoder->inside)
        inflateReset(stream);
    decoder->inside = true;
    uInt room = (uInt)MIN(capacity, (size_t)1 << 30);
    uInt have = (uInt)MIN(decoder->in_end - decoder->in, (ptrdiff_t)1 << 30);
    stream->next_in = (Bytef *)decoder->in;
    stream->avail_in = have;
    stream->next_out = out;
    stream->avail_out = room;
    int code = inflate(stream, Z_NO_FLUSH);
    decoder->in += have - stream->avail_in;
    *ret_written = room - stream->avail_out;
    if (code == Z_STREAM_END)
        decoder->inside = false;
    else if (code == Z_MEM_ERROR)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory to decompress gzip data");
    else if (code != Z_OK && code != Z_BUF_ERROR)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found damaged gzip data (%s), expected it to decompress",
                    stream->msg ? stream->msg : "corrupt");
    return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR;
}

static bool
step_zstd(GasketDecoder *decoder, uint8_t *out, size_t capacity, size_t *ret_written,
          GError **error)
{
    ZSTD_inBuffer from = {decoder->in, (size_t)(decoder->in_end - decoder->in), 0};
    ZSTD_outBuffer to = {out, capacity, 0};
    decoder->inside = true;
    size_t code = ZSTD_decompressStream(decoder->zstd, &to, &from);
    decoder->in += from.pos;
    *ret_written = to.pos;
    if (ZSTD_isError(code)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found damaged zstd data (%s), expected it to decompress",
                    ZSTD_getErrorName(code));
        return false;
    }
    decoder->inside = code != 0;
    return true;
}

/* Between members: skips padding zeros, and refuses what is neither padding nor a member. */
static bool
check_between(GasketDecoder *decoder, bool first, GError **error)
{
    if (first || decoder->compression == GASKET_COMPRESSION_ZSTD)
        return true;
    while (decoder->in < decoder->in_end && *decoder->in == 0)
        decoder->in++;
    if (decoder->in < decoder->in_end && *decoder->in != 0x1f) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found other data behind the gzip data, expected the end of the file");
        return false;
    }
    return true;
}

/* Pulls if nothing is left. At the end of the source sets `ended`, or fails inside a member. */
static bool
refill(GasketDecoder *decoder, GError **error)
{
    if (decoder->in < decoder->in_end || decoder->pending)
        return true;
    size_t size = 0;
    if (!decoder->pull(decoder->data, &decoder->in, &size, error))
        return false;
    decoder->in_end = decoder->in + size;
    if (size > 0)
        return true;
    if (decoder->inside) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found the end of the file inside %s data, expected the rest of it (the file "
                    "is cut short)",
                    gasket_compression_name(decoder->compression));
        return false;
    }
    decoder->ended = true;
    return true;
}

bool
gasket_decoder_read(GasketDecoder *decoder, void *buffer, size_t capacity, size_t *ret_size,
                    GError **error)
{
    uint8_t *out = buffer;
    size_t done = 0;
    bool good = true;
    while (good && done < capacity && !decoder->ended) {
        bool first = decoder->in == NULL;
        good = refill(decoder, error);
        if (!good || decoder->ended)
            break;
        if (!decoder->inside) {
            decoder->pending = false;
            good = check_between(decoder, first, error);
            if (!good || decoder->in == decoder->in_end)
                continue;
        }
        size_t written = 0;
        if (decoder->compression == GASKET_COMPRESSION_GZIP)
            good = step_gzip(decoder, out + done, capacity - done, &written, error);
        else
            good = step_zstd(decoder, out + done, capacity - done, &written, error);
        done += written;
        decoder->pending = done == capacity;
    }
    decoder->ended |= !good;
    *ret_size = done;
    return good;
}
