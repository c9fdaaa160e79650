/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection of the TCP transport reads, and how it ends.
 *
 * How: frames are decoded straight from the stream's chains into their own memory.
 *
 *   socket ──> stream ──decode──> take_frame ──> in[control], in[bulk]
 *                          │          └─> LEAVE, ABORT, HEARTBEAT
 *                          └─> meet_greeted (until the link is open)
 *
 * A connection that breaks may still hold what its peer said before it left, while our own next
 * write already fails: so it is read by hand until there is nothing (salvage), and only then
 * judged.
 *
 * Invariants:
 *   1. While peer->paused, the stream is not read and nothing is decoded.
 *   2. Nothing is taken after LEAVE.
 *   3. What the link holds decides whether its end is a failure: a LEAVE must have come.
 *
 * Cost: one copy of every byte, one lock for each frame.
 */
#include "engine/transport_tcp_internal.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>

/* What becomes of a link after something was read. */
typedef enum {
    GO_ON,
    PAUSE,
    GONE, /* it has been freed */
} Verdict;

char *
gasket_tcp_frame_text(const GasketFrame *frame, uint32_t start)
{
    uint32_t n = frame->length > start ? MIN(frame->length - start, 500) : 0;
    g_autofree char *text = g_utf8_make_valid((const char *)frame->payload + start, n);
    for (char *c = text; *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    }
    return g_steal_pointer(&text);
}

/* An open link is over: so is the run, unless the peer has left. */
static Verdict
end_link(GasketTcpLink *link, GError **failure)
{
    GasketTcp *tcp = link->tcp;
    GasketTcpPeer *peer = &tcp->peer[link->peer];
    if (*failure != NULL)
        gasket_tcp_fail_take(tcp, failure);
    peer->link = NULL;
    pthread_mutex_lock(&tcp->lock);
    peer->closed = true;
    peer->n_buffered = 0;
    gasket_tcp_notify(tcp);
    pthread_mutex_unlock(&tcp->lock);
    gasket_tcp_link_free(link);
    return GONE;
}

static Verdict
broken(GasketTcpLink *link, GError **error)
{
    if ((*error)->code == GASKET_ERROR_PROTOCOL)
        g_prefix_error(error, "rank %u sent ", link->peer);
    return end_link(link, error);
}

/* A frame between transports. */
static Verdict
take_internal(GasketTcpLink *link, const GasketFrame *frame)
{
    GasketTcp *tcp = link->tcp;
    g_autoptr(GError) error = NULL;
    if (frame->type == GASKET_FRAME_HEARTBEAT && frame->length == 0)
        return GO_ON;
    if (frame->type == GASKET_FRAME_LEAVE && frame->length == 0) {
        pthread_mutex_lock(&tcp->lock);
        tcp->peer[link->peer].left = true;
        gasket_tcp_notify(tcp);
        pthread_mutex_unlock(&tcp->lock);
        return GO_ON;
    }
    if (frame->type == GASKET_FRAME_ABORT && frame->length > 1) { /* a code and words */
        g_autofree char *text = gasket_tcp_frame_text(frame, 1);
        GasketErrorCode code =
            frame->payload[0] == GASKET_ERROR_PROTOCOL ? GASKET_ERROR_PROTOCOL : GASKET_ERROR_PEER;
        error = g_error_new_literal(GASKET_ERROR, (int)code, text);
        return end_link(link, &error);
    }
    g_set_error(&error, GASKET_ERROR, GASKET_ERROR_PROTOCOL, "a frame of unknown type %u",
                frame->type);
    return broken(link, &error);
}

/* A whole frame of an open link, which is taken. */
static Verdict
take_frame(GasketTcpLink *link, GasketChannel channel, GasketFrame **frame)
{
    GasketTcp *tcp = link->tcp;
    GasketTcpPeer *peer = &tcp->peer[link->peer];
    if (peer->left) {
        g_autoptr(GError) error =
            g_error_new(GASKET_ERROR, GASKET_ERROR_PROTOCOL, "a frame after it had left");
        return broken(link, &error);
    }
    if ((*frame)->type > GASKET_FRAME_TYPE_MAX)
        return take_internal(link, *frame);

    pthread_mutex_lock(&tcp->lock);
    peer->stats.frames_received++;
    peer->stats.bytes_received += GASKET_FRAME_HEADER + (*frame)->length;
    gasket_frame_queue_push_take(&peer->in[channel], frame);
    gasket_tcp_notify(tcp);
    peer->paused = peer->in[GASKET_CHANNEL_CONTROL].bytes + peer->in[GASKET_CHANNEL_BULK].bytes >
                   GASKET_TRANSPORT_QUEUE;
    bool paused = peer->paused;
    pthread_mutex_unlock(&tcp->lock);
    return paused ? PAUSE : GO_ON;
}

/* Decodes the n bytes of one chain as far as the link goes on. */
static Verdict
decode(GasketTcpLink *link, const uint8_t *bytes, size_t n, size_t *ret_used)
{
    Verdict verdict = GO_ON;
    size_t used = 0;
    while (used < n && verdict == GO_ON && link->state != GASKET_LINK_REFUSED) {
        g_autoptr(GasketFrame) frame = NULL;
        g_autoptr(GError) error = NULL;
        GasketChannel channel;
        size_t part;
        bool is_open = link->state == GASKET_LINK_OPEN || link->state == GASKET_LINK_ENDED;
        if (!gasket_frame_decoder_feed(&link->decoder, bytes + used, n - used, &part, &frame,
                                       &channel, &error)) {
            if (is_open)
                return broken(link, &error);
            gasket_tcp_meet_drop(link, "it does not speak this protocol");
            return GONE;
        }
        used += part;
        if (frame != NULL && is_open)
            verdict = take_frame(link, channel, &frame);
        else if (frame != NULL && !gasket_tcp_meet_greeted(link, &frame))
            verdict = GONE;
    }
    *ret_used = verdict == GO_ON ? n : used; /* of a refused link, the rest is of no interest */
    return verdict;
}

/* Decodes what the stream holds. */
static Verdict
read_stream(GasketTcpLink *link)
{
    struct evbuffer *input = bufferevent_get_input(link->stream);
    struct evbuffer_iovec chain;
    while (evbuffer_peek(input, -1, NULL, &chain, 1) > 0 && chain.iov_len > 0) {
        size_t used = 0;
        Verdict verdict = decode(link, chain.iov_base, chain.iov_len, &used);
        if (verdict == GONE)
            return GONE;
        evbuffer_drain(input, used);
        if (verdict == PAUSE)
            return PAUSE;
    }
    return GO_ON;
}

/* Reads what a broken connection still holds, then ends it. */
static void
salvage(GasketTcpLink *link)
{
    struct evbuffer *input = bufferevent_get_input(link->stream);
    SSL *tls = bufferevent_openssl_get_ssl(link->stream);
    evbuffer_unfreeze(input, /* at_front= */ 0);
    for (;;) {
        if (read_stream(link) != GO_ON)
            return;
        uint8_t bytes[16 << 10];
        ERR_clear_error();
        ssize_t n = tls != NULL
                        ? SSL_read(tls, bytes, sizeof bytes)
                        : recv(bufferevent_getfd(link->stream), bytes, sizeof bytes, MSG_DONTWAIT);
        if (n <= 0 || evbuffer_add(input, bytes, (size_t)n) != 0)
            break;
    }
    ERR_clear_error();

    g_autoptr(GError) error = NULL;
    if (!link->tcp->peer[link->peer].left)
        error = g_error_new(GASKET_ERROR, GASKET_ERROR_PEER, "rank %u closed its connection",
                            link->peer);
    end_link(link, &error);
}

static bool
is_paused(const GasketTcpLink *link)
{
    pthread_mutex_lock(&link->tcp->lock);
    bool paused = link->tcp->peer[link->peer].paused;
    pthread_mutex_unlock(&link->tcp->lock);
    return paused;
}

void
gasket_tcp_link_read(GasketTcpLink *link)
{
    bool is_open = link->state == GASKET_LINK_OPEN;
    struct bufferevent *stream = link->stream;
    if (is_open)
        link->tcp->peer[link->peer].heard_us = gasket_tcp_now();
    if (link->state == GASKET_LINK_REFUSED || (is_open && is_paused(link)))
        return;
    if (read_stream(link) == PAUSE)
        bufferevent_disable(stream, EV_READ);
}

void
gasket_tcp_link_resume(GasketTcpLink *link)
{
    if (link->state == GASKET_LINK_ENDED) {
        salvage(link);
        return;
    }
    link->tcp->peer[link->peer].heard_us = gasket_tcp_now();
    if (read_stream(link) == GO_ON)
        bufferevent_enable(link->stream, EV_READ);
}

void
gasket_tcp_link_break(GasketTcpLink *link)
{
    link->state = GASKET_LINK_ENDED;
    bufferevent_disable(link->stream, EV_READ | EV_WRITE);
    if (!is_paused(link))
        salvage(link);
}
