/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one connection of the TCP transport.
 *
 *   securing ──TLS──> greeting ──HELLO──> open ──on_event──> ended ──salvage──> (freed)
 *       │                 │ └──refuse──> refused ──written──> (freed)
 *       └──────meet_drop──┴──> (freed)
 *
 * Invariants:
 *   1. The link frees its stream, the stream its socket and TLS.
 *   2. deadline != NULL exactly while the link is in tcp->unopened.
 *   3. A callback touches nothing of the link after a call that may have freed it.
 *
 * Cost: half a MiB each way at most stands in a stream.
 */
#include "engine/transport_tcp_internal.h"

#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>

/* Bytes that may stand in a stream that is not read, and below which more are fetched to be
 * written. */
#define INPUT_HIGH ((size_t)512 << 10)
#define OUTPUT_LOW ((size_t)192 << 10)

/* Bytes of one system call; libevent's own limit is 16 KiB. */
#define SINGLE_IO ((size_t)256 << 10)

static void
on_deadline(evutil_socket_t fd, short what, void *data)
{
    GasketTcpLink *link = data;
    char why[64];
    (void)fd, (void)what;
    g_snprintf(why, sizeof why, "it did not greet within %g s",
               (double)link->tcp->greet_timeout_us / 1e6);
    gasket_tcp_meet_drop(link, why);
}

static void
on_read(struct bufferevent *stream, void *data)
{
    (void)stream;
    gasket_tcp_link_read(data);
}

static void
on_write(struct bufferevent *stream, void *data)
{
    GasketTcpLink *link = data;
    if (link->state != GASKET_LINK_REFUSED)
        gasket_tcp_link_fill(link);
    else if (evbuffer_get_length(bufferevent_get_output(stream)) == 0)
        gasket_tcp_meet_drop(link, /* why= it has been told and noted */ NULL);
}

static void
on_event(struct bufferevent *stream, short what, void *data)
{
    GasketTcpLink *link = data;
    if (what & BEV_EVENT_CONNECTED) {
        if (gasket_tls_is_authenticated(bufferevent_openssl_get_ssl(stream)))
            gasket_tcp_meet_secured(link);
        else
            gasket_tcp_meet_drop(link, "it has not proven to know the run's key");
    } else if (link->state == GASKET_LINK_OPEN) {
        gasket_tcp_link_break(link);
    } else if (link->state != GASKET_LINK_ENDED) {
        gasket_tcp_meet_drop(link, link->state == GASKET_LINK_SECURING
                                       ? "it closed the connection while the key was checked"
                                       : "it closed the connection before it greeted");
    }
}

static struct bufferevent *
stream_new(GasketTcpLink *link, int fd, GError **error)
{
    GasketTcp *tcp = link->tcp;
    const int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    if (tcp->insecure)
        return bufferevent_socket_new(tcp->loop, fd, options);

    SSL *tls = link->is_client ? gasket_tls_client_new(tcp->tls, &link->party, error)
                               : gasket_tls_server_new(tcp->tls, &link->party, error);
    if (tls == NULL)
        return NULL;
    struct bufferevent *stream =
        bufferevent_openssl_socket_new(tcp->loop, fd, tls,
                                       link->is_client ? BUFFEREVENT_SSL_CONNECTING
                                                       : BUFFEREVENT_SSL_ACCEPTING,
                                       options);
    if (stream == NULL)
        SSL_free(tls);
    else
        bufferevent_openssl_set_allow_dirty_shutdown(stream, 1); /* LEAVE is what ends a stream */
    return stream;
}

/* Whether a rank may still come; asked by the TLS handshake. */
static bool
may_come(void *data, unsigned rank)
{
    const GasketTcp *tcp = data;
    return tcp->peer[rank].link == NULL && !tcp->peer[rank].open;
}

GasketTcpLink *
gasket_tcp_link_new(GasketTcp *tcp, int fd, bool is_client, unsigned peer, GError **error)
{
    GasketTcpLink *link = g_new0(GasketTcpLink, 1);
    link->tcp = tcp;
    link->state = GASKET_LINK_SECURING;
    g_strlcpy(link->name, "somebody", sizeof link->name);
    link->is_client = is_client;
    link->since_us = gasket_tcp_now();
    link->peer = peer;
    link->party =
        (GasketTlsParty){.run = &tcp->run, .peer = peer, .may_come = may_come, .data = tcp};
    gasket_frame_decoder_init(&link->decoder, GASKET_FRAME_MAX_UNKNOWN);
    link->stream = stream_new(link, fd, error);
    link->deadline = evtimer_new(tcp->loop, on_deadline, link);
    if (link->stream == NULL || link->deadline == NULL) {
        g_clear_error(error);
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "a connection cannot be set up");
        if (link->stream == NULL)
            close(fd);
        gasket_tcp_link_free(link);
        return NULL;
    }
    bufferevent_setcb(link->stream, on_read, on_write, on_event, link);
    bufferevent_setwatermark(link->stream, EV_READ, 0, INPUT_HIGH);
    bufferevent_setwatermark(link->stream, EV_WRITE, OUTPUT_LOW, 0);
    bufferevent_set_max_single_read(link->stream, SINGLE_IO);
    bufferevent_set_max_single_write(link->stream, SINGLE_IO);
    bufferevent_enable(link->stream, EV_READ | EV_WRITE);
    const struct timeval time = {.tv_sec = tcp->greet_timeout_us / 1000000,
                                 .tv_usec = tcp->greet_timeout_us % 1000000};
    evtimer_add(link->deadline, &time);
    g_ptr_array_add(tcp->unopened, link);
    if (tcp->insecure)
        gasket_tcp_meet_secured(link);
    return link;
}

void
gasket_tcp_link_free(GasketTcpLink *link)
{
    if (link->deadline != NULL)
        event_free(link->deadline);
    if (link->stream != NULL)
        bufferevent_free(link->stream);
    gasket_frame_decoder_clear(&link->decoder);
    gasket_frame_free(link->frame);
    g_free(link);
}
