/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.3 with a pre-shared key for each pair of ranks.
 *
 * How: the key of a connection is derived from the run's key and from what the connection is:
 *
 *   key(client -> server) = HKDF-SHA256(run key, "gasket transport 1" | run id | client | server)
 *
 * The client names the same four things in its identity, in readable text. A server derives the
 * key only for an identity that names this run, itself, and a higher rank that is not connected
 * yet; all else is refused before any secret is touched. A handshake that is reflected to its
 * sender, or carried to another rank or run, meets another key and fails.
 *
 * Invariants:
 *   1. No certificate proves anything: servers have none, clients accept none.
 *   2. Nothing outlives a connection: no tickets, no session cache, no early data.
 *   3. A run's key never leaves its GasketTlsRun but through HKDF.
 *
 * Cost: a handshake is one key agreement (X25519) at each end.
 * Reference: RFC 8446 (4.2.11, pre-shared keys), RFC 5869 (HKDF), RFC 9257 (external keys).
 */
#include "engine/transport_tls.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>

#define CIPHER "TLS_AES_128_GCM_SHA256"

/* The cipher's number in TLS 1.3, as SSL_CIPHER_find wants it. */
static const unsigned char cipher_id[] = {0x13, 0x01};

static bool
fail(GError **error, const char *what)
{
    char reason[128];
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    ERR_clear_error();
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "%s: %s", what, reason);
    return false;
}

void
gasket_tls_identity_write(char identity[GASKET_TLS_IDENTITY],
                          const uint8_t run_id[GASKET_RUN_ID_BYTES], unsigned client,
                          unsigned server)
{
    char hex[2 * GASKET_RUN_ID_BYTES + 1];
    for (unsigned i = 0; i < GASKET_RUN_ID_BYTES; i++)
        g_snprintf(hex + (size_t)2 * i, 3, "%02x", run_id[i]);
    g_snprintf(identity, GASKET_TLS_IDENTITY, "gasket %s client %u server %u", hex, client, server);
}

bool
gasket_tls_derive_key(const GasketTlsRun *run, unsigned client, unsigned server,
                      uint8_t ret_key[GASKET_KEY_BYTES], GError **error)
{
    uint8_t ranks[8];
    for (unsigned i = 0; i < 4; i++) {
        ranks[i] = (uint8_t)(client >> (8 * i));
        ranks[4 + i] = (uint8_t)(server >> (8 * i));
    }
    char label[] = "gasket transport 1", digest[] = "SHA256";
    uint8_t info[sizeof label - 1 + GASKET_RUN_ID_BYTES + sizeof ranks];
    memcpy(info, label, sizeof label - 1);
    memcpy(info + sizeof label - 1, run->run_id, GASKET_RUN_ID_BYTES);
    memcpy(info + sizeof label - 1 + GASKET_RUN_ID_BYTES, ranks, sizeof ranks);

    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)run->key,
                                          GASKET_KEY_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof info),
        OSSL_PARAM_construct_end(),
    };
    uint8_t key[GASKET_KEY_BYTES];
    bool ok = context != NULL && EVP_KDF_derive(context, key, sizeof key, parameters) == 1;
    if (ok)
        memcpy(ret_key, key, sizeof key);
    OPENSSL_cleanse(key, sizeof key);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return ok || fail(error, "a connection's key cannot be derived");
}

/* The session that stands for a connection's key, or NULL. */
static SSL_SESSION *
session_new(SSL *tls, const GasketTlsRun *run, unsigned client, unsigned server)
{
    uint8_t key[GASKET_KEY_BYTES];
    if (!gasket_tls_derive_key(run, client, server, key, /* error= */ NULL))
        return NULL;
    SSL_SESSION *session = SSL_SESSION_new();
    const SSL_CIPHER *cipher = SSL_CIPHER_find(tls, cipher_id);
    bool ok = session != NULL && cipher != NULL &&
              SSL_SESSION_set1_master_key(session, key, sizeof key) == 1 &&
              SSL_SESSION_set_cipher(session, cipher) == 1 &&
              SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1;
    OPENSSL_cleanse(key, sizeof key);
    if (!ok)
        SSL_SESSION_free(session);
    return ok ? session : NULL;
}

/* A client's: which key it uses, and the name of it. */
static int
use_session(SSL *tls, const EVP_MD *digest, const unsigned char **ret_identity, size_t *ret_length,
            SSL_SESSION **ret_session)
{
    GasketTlsParty *party = SSL_get_app_data(tls);
    *ret_session = NULL;
    if (digest != NULL && EVP_MD_get_type(digest) != NID_sha256)
        return 1; /* the server asks for a hash that our one cipher does not have: no key */
    *ret_session = session_new(tls, party->run, party->run->rank, party->peer);
    if (*ret_session == NULL)
        return 0;
    *ret_identity = (const unsigned char *)party->identity;
    *ret_length = strlen(party->identity);
    return 1;
}

/* Who an identity says it is: a rank that may come to this server, or size. */
static unsigned
client_of(const GasketTlsRun *run, const unsigned char *identity, size_t length)
{
    char text[GASKET_TLS_IDENTITY], expected[GASKET_TLS_IDENTITY];
    unsigned client = 0, server = 0;
    if (length >= sizeof text || memchr(identity, '\0', length) != NULL)
        return run->size;
    memcpy(text, identity, length);
    text[length] = '\0';
    if (sscanf(text, "gasket %*32[0-9a-f] client %9u server %9u", &client, &server) != 2)
        return run->size;

    /* Written again it must be the same text: one rank has one name. */
    gasket_tls_identity_write(expected, run->run_id, client, run->rank);
    bool fits = strcmp(text, expected) == 0 && client > run->rank && client < run->size;
    return fits ? client : run->size;
}

/* A server's: the key behind a client's identity. 0 ends the handshake. */
static int
find_session(SSL *tls, const unsigned char *identity, size_t length, SSL_SESSION **ret_session)
{
    GasketTlsParty *party = SSL_get_app_data(tls);
    const GasketTlsRun *run = party->run;
    *ret_session = NULL;
    unsigned client = client_of(run, identity, length);
    if (client == run->size || !party->may_come(party->data, client))
        return 0;
    *ret_session = session_new(tls, run, client, run->rank);
    if (*ret_session == NULL)
        return 0;
    party->peer = client;
    return 1;
}

SSL_CTX *
gasket_tls_context_new(GError **error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, CIPHER) != 1 ||
        SSL_CTX_set_num_tickets(context, 0) != 1 || SSL_CTX_set_max_early_data(context, 0) != 1) {
        fail(error, "TLS cannot be set up");
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_psk_use_session_callback(context, use_session);
    SSL_CTX_set_psk_find_session_callback(context, find_session);
    return context;
}

static SSL *
tls_new(SSL_CTX *context, GasketTlsParty *party, GError **error)
{
    SSL *tls = SSL_new(context);
    if (tls == NULL || SSL_set_app_data(tls, party) != 1) {
        fail(error, "a TLS connection cannot be set up");
        SSL_free(tls);
        return NULL;
    }
    return tls;
}

SSL *
gasket_tls_client_new(SSL_CTX *context, GasketTlsParty *party, GError **error)
{
    gasket_tls_identity_write(party->identity, party->run->run_id, party->run->rank, party->peer);
    SSL *tls = tls_new(context, party, error);
    if (tls == NULL)
        return NULL;
    /* A server that shows a certificate instead of knowing the key: nothing is trusted, so it is
     * refused. */
    SSL_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_set_connect_state(tls);
    return tls;
}

SSL *
gasket_tls_server_new(SSL_CTX *context, GasketTlsParty *party, GError **error)
{
    party->peer = party->run->size;
    SSL *tls = tls_new(context, party, error);
    if (tls != NULL)
        SSL_set_accept_state(tls);
    return tls;
}

bool
gasket_tls_is_authenticated(const SSL *tls)
{
    const GasketTlsParty *party = SSL_get_app_data(tls);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(tls);
    return SSL_is_init_finished(tls) && SSL_version(tls) == TLS1_3_VERSION &&
           SSL_session_reused(tls) == 1 && party->peer < party->run->size && cipher != NULL &&
           SSL_CIPHER_get_protocol_id(cipher) == (cipher_id[0] << 8 | cipher_id[1]);
}
