/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HELLO: the first frame of each direction of a connection, by which both ends make sure that they
 * belong to one run and understand one another. No sockets here.
 */
#ifndef GASKET_ENGINE_TRANSPORT_HANDSHAKE_H
#define GASKET_ENGINE_TRANSPORT_HANDSHAKE_H

#include "engine/transport_tcp.h"

/* Version of the wire format and of everything above it. */
#define GASKET_PROTOCOL_VERSION 1

/* What one end says of itself. */
typedef struct {
    uint8_t run_id[GASKET_RUN_ID_BYTES];
    unsigned from;
    unsigned to;
    unsigned size;
    uint64_t fingerprint;
} GasketHello;

/* The HELLO frame. Error: MEMORY. */
GasketFrame *gasket_hello_frame_new(const GasketHello *hello, GError **error);

/* Whether a frame is the HELLO that expected describes; expected->from == expected->size means
 * that any rank above expected->to may come. ret_from: who it is. Error: PROTOCOL; the message says
 * what differs, as an answer to the other end. */
bool gasket_hello_check(const GasketFrame *frame, const GasketHello *expected, unsigned *ret_from,
                        GError **error);

#endif
