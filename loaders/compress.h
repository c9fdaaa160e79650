/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decompression of a stream that is pulled: gzip (1f 8b) and zstd (28 b5 2f fd).
 *
 * The decoder asks its source for compressed bytes and is asked for plain ones. Members and frames
 * that follow one another are one stream. A stream that ends inside a member, a checksum that does
 * not match, and anything but padding zeros after the last member are errors of code FORMAT.
 */
#ifndef GASKET_LOADERS_COMPRESS_H
#define GASKET_LOADERS_COMPRESS_H

#include <gasket/error.h>
#include <gasket/types.h>

typedef enum {
    GASKET_COMPRESSION_NONE,
    GASKET_COMPRESSION_GZIP,
    GASKET_COMPRESSION_ZSTD,
} GasketCompression;

typedef struct GasketDecoder GasketDecoder;

/* Lends the next compressed bytes until the next call; size 0 at the end. */
typedef bool (*GasketPull)(void *data, const uint8_t **ret_bytes, size_t *ret_size, GError **error);

/* What the first bytes of a stream announce. */
GasketCompression gasket_compression_of(const uint8_t *bytes, size_t size);

/* "gzip", "zstd", or NULL for none. */
const char *gasket_compression_name(GasketCompression compression);

/* NULL and MEMORY on failure. */
GasketDecoder *gasket_decoder_new(GasketCompression compression, GasketPull pull, void *data,
                                  GError **error);
void gasket_decoder_free(GasketDecoder *decoder);

/* Fills buffer as far as the stream goes: less than capacity only at its end. On failure ret_size
 * says how many good bytes stand before the error. */
bool gasket_decoder_read(GasketDecoder *decoder, void *buffer, size_t capacity, size_t *ret_size,
                         GError **error);

#endif
