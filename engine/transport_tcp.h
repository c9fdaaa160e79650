/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport over TCP: one I/O thread that owns every connection (libevent), TLS 1.3 with a
 * pre-shared key (OpenSSL 3). See the state diagram and the handshake in transport_tcp.c.
 *
 * Who is dropped before he is a peer is named, with the reason, in the debugging log (g_debug).
 */
#ifndef GASKET_ENGINE_TRANSPORT_TCP_H
#define GASKET_ENGINE_TRANSPORT_TCP_H

#include "engine/transport.h"

#define GASKET_KEY_BYTES    32
#define GASKET_RUN_ID_BYTES 16

typedef struct {
    unsigned rank, size;
    uint8_t key[GASKET_KEY_BYTES];
    uint8_t run_id[GASKET_RUN_ID_BYTES];
    bool insecure; /* plain TCP: refused unless every address is loopback */
    int listen_fd; /* bound and listening; taken, on failure too. -1 for the highest rank */
    const char *const *host;    /* numeric addresses; [rank] at least: lower ranks are dialled */
    const uint16_t *port;       /* [size] */
    uint64_t fingerprint;       /* of the program and its options: HELLO must agree */
    int64_t connect_timeout_us; /* to have every peer; 0: 30 s */
    int64_t peer_timeout_us;    /* silence that counts as death; 0: 10 s */
    int64_t greet_timeout_us;   /* for one connection to prove the key and say HELLO; 0: 5 s */
} GasketTcpOptions;

/* Connects to every peer and returns once all have said HELLO. Starts one thread.
 * Errors: PEER, PROTOCOL, IO, MEMORY. */
GasketTransport *gasket_transport_tcp_new(const GasketTcpOptions *options, GError **error);

/* A socket that listens on address (numeric; NULL: 127.0.0.1) and a free port. Close-on-exec.
 * Error: IO. */
bool gasket_tcp_listen(const char *address, int *ret_fd, uint16_t *ret_port, GError **error);

/* Fills key and run id from the system's random source. Error: FAILED. */
bool gasket_tcp_random_key(uint8_t key[GASKET_KEY_BYTES], uint8_t run_id[GASKET_RUN_ID_BYTES],
                           GError **error);

#endif
