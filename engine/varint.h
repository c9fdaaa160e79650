/* SPDX-License-Identifier: Apache-2.0 */
/* Small numbers in few bytes: 7 bits a byte, low ones first, the high bit set but in the last. */
#ifndef GASKET_ENGINE_VARINT_H
#define GASKET_ENGINE_VARINT_H

#include <gasket/types.h>

#define GASKET_VARINT_MAX 5 /* bytes of a 32-bit number */

static inline uint32_t
gasket_varint_size(uint32_t x)
{
    uint32_t n = 1;
    while (x >= 0x80) {
        x >>= 7;
        n++;
    }
    return n;
}

static inline uint32_t
gasket_varint_write(uint8_t *bytes, uint32_t x)
{
    uint32_t n = 0;
    while (x >= 0x80) {
        bytes[n++] = (uint8_t)(x | 0x80);
        x >>= 7;
    }
    bytes[n++] = (uint8_t)x;
    return n;
}

/* Reads one from [*at, n); false if it is cut or too long. */
static inline bool
gasket_varint_read(const uint8_t *bytes, uint32_t n, uint32_t *at, uint32_t *ret_x)
{
    uint64_t x = 0;
    for (unsigned shift = 0; shift < 7 * GASKET_VARINT_MAX; shift += 7) {
        if (*at == n)
            return false;
        uint8_t byte = bytes[(*at)++];
        x |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_x = (uint32_t)x;
            return x <= UINT32_MAX;
        }
    }
    return false;
}

#endif
