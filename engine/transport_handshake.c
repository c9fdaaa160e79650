/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HELLO: who is at the other end, and does it fit?
 *
 *     0      4      8         12       28     32   36     40            48
 *     | GSKT | mark | version | run id | from | to | size | fingerprint |
 *       4      u32    u32       16       u32    u32  u32    u64
 *
 * Fields are little-endian but for the mark, which is 0x01020304 in the sender's own order: the
 * engine's payloads are memory as it stands, so both ends must have the same.
 *
 * Invariants:
 *   1. A frame is accepted only if every field is what was expected; the length is exact.
 *   2. The reasons given name fields, never keys.
 */
#include "engine/transport_handshake.h"

#include <string.h>

#include "engine/transport_frame.h"

#define HELLO_BYTES 48

static const uint8_t magic[4] = {'G', 'S', 'K', 'T'};

/* Where the fields start. */
enum {
    MARK = 4,
    VERSION = 8,
    RUN_ID = 12,
    FROM = 28,
    TO = 32,
    SIZE = 36,
    FINGERPRINT = 40,
};

static void
put_uint32(uint8_t *bytes, uint32_t x)
{
    uint32_t little = GUINT32_TO_LE(x);
    memcpy(bytes, &little, sizeof little);
}

static uint32_t
get_uint32(const uint8_t *bytes)
{
    uint32_t little;
    memcpy(&little, bytes, sizeof little);
    return GUINT32_FROM_LE(little);
}

GasketFrame *
gasket_hello_frame_new(const GasketHello *hello, GError **error)
{
    GasketFrame *frame = gasket_frame_new(GASKET_FRAME_HELLO, HELLO_BYTES, error);
    if (frame == NULL)
        return NULL;
    const uint32_t mark = 0x01020304;
    uint64_t fingerprint = GUINT64_TO_LE(hello->fingerprint);
    memcpy(frame->payload, magic, sizeof magic);
    memcpy(frame->payload + MARK, &mark, sizeof mark);
    put_uint32(frame->payload + VERSION, GASKET_PROTOCOL_VERSION);
    memcpy(frame->payload + RUN_ID, hello->run_id, GASKET_RUN_ID_BYTES);
    put_uint32(frame->payload + FROM, hello->from);
    put_uint32(frame->payload + TO, hello->to);
    put_uint32(frame->payload + SIZE, hello->size);
    memcpy(frame->payload + FINGERPRINT, &fingerprint, sizeof fingerprint);
    return frame;
}

bool
gasket_hello_check(const GasketFrame *frame, const GasketHello *expected, unsigned *ret_from,
                   GError **error)
{
    const uint8_t *hello = frame->payload;
    const uint32_t mark = 0x01020304;
    if (frame->type != GASKET_FRAME_HELLO || frame->length < VERSION ||
        memcmp(hello, magic, sizeof magic) != 0)
        return gasket_frame_refuse(error, "the first frame is not a greeting");
    if (memcmp(hello + MARK, &mark, sizeof mark) != 0)
        return gasket_frame_refuse(error, "the machines order the bytes of a number differently");
    if (frame->length < RUN_ID || get_uint32(hello + VERSION) != GASKET_PROTOCOL_VERSION)
        return gasket_frame_refuse(error, "the versions of Gasket differ");
    if (frame->length != HELLO_BYTES)
        return gasket_frame_refuse(error, "the greeting has %u bytes instead of %u", frame->length,
                                   HELLO_BYTES);
    if (memcmp(hello + RUN_ID, expected->run_id, GASKET_RUN_ID_BYTES) != 0)
        return gasket_frame_refuse(error, "the runs differ");

    uint32_t from = get_uint32(hello + FROM), to = get_uint32(hello + TO);
    uint32_t size = get_uint32(hello + SIZE);
    uint64_t fingerprint;
    memcpy(&fingerprint, hello + FINGERPRINT, sizeof fingerprint);
    fingerprint = GUINT64_FROM_LE(fingerprint);
    if (size != expected->size)
        return gasket_frame_refuse(error, "one run has %u members, the other %u", size,
                                   expected->size);
    if (to != expected->to)
        return gasket_frame_refuse(error, "the greeting is for rank %u, not for rank %u", to,
                                   expected->to);
    bool any = expected->from == expected->size;
    if (any ? from <= to || from >= size : from != expected->from)
        return gasket_frame_refuse(error, "rank %u may not come here", from);
    if (fingerprint != expected->fingerprint)
        return gasket_frame_refuse(error, "the programs, their options or their builds differ");
    *ret_from = from;
    return true;
}
