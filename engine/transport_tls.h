/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a connection belongs to: TLS 1.3 with a pre-shared key for each pair of ranks.
 *
 *   SSL_CTX *context = gasket_tls_context_new(error);
 *   SSL *tls = gasket_tls_client_new(context, &party);    (party.peer: whom it dials)
 *   SSL *tls = gasket_tls_server_new(context, &party);    (party.peer is set when a client has
 *   ... the handshake ...                                  named itself and may come)
 *   if (!gasket_tls_is_authenticated(tls))
 *       drop it
 *
 * After that, party.peer is proven: only a holder of the run's key can be there.
 */
#ifndef GASKET_ENGINE_TRANSPORT_TLS_H
#define GASKET_ENGINE_TRANSPORT_TLS_H

#include <openssl/ssl.h>

#include "engine/transport_tcp.h"

/* Longest identity with its NUL: "gasket <32 hex digits> client 4294967295 server 4294967295". */
#define GASKET_TLS_IDENTITY 96

/* What one member of a run knows. */
typedef struct {
    uint8_t key[GASKET_KEY_BYTES];
    uint8_t run_id[GASKET_RUN_ID_BYTES];
    unsigned rank;
    unsigned size;
} GasketTlsRun;

/* One end of one connection; must stand as long as its SSL. */
typedef struct {
    const GasketTlsRun *run;
    unsigned peer;                               /* size while the other end is unknown */
    bool (*may_come)(void *data, unsigned rank); /* server: false refuses that client */
    void *data;
    char identity[GASKET_TLS_IDENTITY]; /* the client's */
} GasketTlsParty;

/* TLS 1.3, TLS_AES_128_GCM_SHA256, keys of parties only. Error: FAILED. */
SSL_CTX *gasket_tls_context_new(GError **error);

/* One end; free with SSL_free or by the bufferevent that owns it. Error: FAILED. */
SSL *gasket_tls_client_new(SSL_CTX *context, GasketTlsParty *party, GError **error);
SSL *gasket_tls_server_new(SSL_CTX *context, GasketTlsParty *party, GError **error);

/* After the handshake: whether both ends have proven the same key, with the cipher above. */
bool gasket_tls_is_authenticated(const SSL *tls);

/* The identity by which client names itself to server in a run. */
void gasket_tls_identity_write(char identity[GASKET_TLS_IDENTITY],
                               const uint8_t run_id[GASKET_RUN_ID_BYTES], unsigned client,
                               unsigned server);

/* The key of the connection from client to server in a run. Error: FAILED. */
bool gasket_tls_derive_key(const GasketTlsRun *run, unsigned client, unsigned server,
                           uint8_t ret_key[GASKET_KEY_BYTES], GError **error);

#endif
