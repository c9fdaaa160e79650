/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the members of a run find one another.
 *
 * How: of each pair the lower rank listens and the higher dials, again and again until the time to
 * connect is over. On a connection the client proves the key and speaks first:
 *
 *   client                                   server
 *     │ connect ─────────────────────────────> on_accept
 *     │ <═══ TLS 1.3, key(client -> server) ═══>            (absent in an insecure run)
 *   meet_secured: HELLO ────────────────────> meet_greeted: does it fit, is it new?
 *   meet_greeted: does it fit? <──── HELLO ── open           else REFUSE with the reason, close
 *     open
 *
 * Whoever cannot prove the key, says nothing for 5 s, or speaks something else is dropped without
 * a word, and the run does not notice. The number of connections that are not open is bounded (each
 * costs 50 KiB): the oldest that has not named itself goes first, but everyone has 50 ms for that,
 * while others wait outside. The listener is closed when everyone is there.
 *
 * Invariants:
 *   1. tcp->unopened holds every link that is not some peer->link, oldest first.
 *   2. peer->link is set once: a rank cannot come twice.
 *   3. At most MAX_UNOPENED + size links are unopened.
 */
#include "engine/transport_tcp_internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define MAX_UNOPENED 8

/* Between two tries to dial: from the first to the second, doubled each time. */
#define DIAL_WAIT_FIRST_US 20000
#define DIAL_WAIT_LAST_US  1000000

/* How long one connect may take. */
static const struct timeval dial_time = {.tv_sec = 5};

/* How long accepting stops when the process has no descriptor left; when all who are in the door
 * have come less than CHANCE_US ago. */
static const struct timeval accept_pause = {.tv_usec = 100000};
static const struct timeval crowd_pause = {.tv_usec = 50000};
#define CHANCE_US 50000

static void
set_no_delay(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* slower without, not wrong */
}

/* Why a rank is not there, for the message at the end. */
static void
note_refusal(GasketTcpPeer *peer, const char *why)
{
    pthread_mutex_lock(&peer->tcp->lock);
    g_free(peer->refusal);
    peer->refusal = g_strdup(why);
    pthread_mutex_unlock(&peer->tcp->lock);
}

/* ---- dialling -------------------------------------------------------------------------------- */

static void on_dial(evutil_socket_t fd, short what, void *peer);

static void
dial_later(GasketTcpPeer *peer)
{
    struct timeval wait = {.tv_sec = peer->dial_wait_us / 1000000,
                           .tv_usec = peer->dial_wait_us % 1000000};
    peer->dial_wait_us = MIN(2 * peer->dial_wait_us, DIAL_WAIT_LAST_US);
    event_assign(peer->dial, peer->tcp->loop, -1, 0, on_dial, peer);
    event_add(peer->dial, &wait);
}

static void
dial_failed(GasketTcpPeer *peer, const char *why)
{
    if (peer->dial_fd >= 0)
        close(peer->dial_fd);
    peer->dial_fd = -1;
    note_refusal(peer, why);
    dial_later(peer);
}

/* Starts to connect; on_dial hears how it went. */
static void
dial(GasketTcpPeer *peer)
{
    GasketTcp *tcp = peer->tcp;
    const struct sockaddr_storage *address = &tcp->address[peer->rank];
    peer->dial_fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (peer->dial_fd < 0) {
        dial_failed(peer, g_strerror(errno));
        return;
    }
    set_no_delay(peer->dial_fd);
    if (connect(peer->dial_fd, (const struct sockaddr *)address, tcp->address_length[peer->rank]) !=
            0 &&
        errno != EINPROGRESS) {
        dial_failed(peer, g_strerror(errno));
        return;
    }
    event_assign(peer->dial, tcp->loop, peer->dial_fd, EV_WRITE, on_dial, peer);
    event_add(peer->dial, &dial_time);
}

static void
on_dial(evutil_socket_t fd, short what, void *data)
{
    GasketTcpPeer *peer = data;
    if (fd < 0) {
        dial(peer);
        return;
    }
    int status = 0;
    socklen_t length = sizeof status;
    if (what & EV_TIMEOUT)
        status = ETIMEDOUT;
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &status, &length) != 0)
        status = errno;
    if (status != 0) {
        dial_failed(peer, g_strerror(status));
        return;
    }
    g_autoptr(GError) error = NULL;
    peer->dial_fd = -1;
    if (gasket_tcp_link_new(peer->tcp, fd, /* is_client= */ true, peer->rank, &error) == NULL)
        dial_failed(peer, error->message);
}

/* ---- listening ------------------------------------------------------------------------------- */

/* Whom the log tells of. */
static void
name_link(GasketTcpLink *link, const struct sockaddr *address, socklen_t length)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getnameinfo(address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        g_snprintf(link->name, sizeof link->name, "%s port %s", host, port);
}

/* The oldest that has not named itself in this run's words, or else the oldest. */
static GasketTcpLink *
least_promising(const GasketTcp *tcp)
{
    GasketTcpLink *oldest = NULL;
    for (unsigned i = 0; i < tcp->unopened->len; i++) {
        GasketTcpLink *link = g_ptr_array_index(tcp->unopened, i);
        if (link->is_client)
            continue;
        if (link->party.peer >= tcp->base.size)
            return link;
        if (oldest == NULL)
            oldest = link;
    }
    return oldest;
}

/* Whether another one can be let in, if need be in place of one that has had the time to name
 * itself. */
static bool
has_room(const GasketTcp *tcp)
{
    if (tcp->unopened->len < MAX_UNOPENED + tcp->base.size)
        return true;
    const GasketTcpLink *victim = least_promising(tcp);
    return victim != NULL && gasket_tcp_now() - victim->since_us >= CHANCE_US;
}

/* Until somebody goes, or has had his time, others wait outside. */
static void
wait_for_room(GasketTcp *tcp)
{
    evconnlistener_disable(tcp->listener);
    event_add(tcp->resume_listening, &crowd_pause);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int length,
          void *data)
{
    (void)listener;
    GasketTcp *tcp = data;
    if (!has_room(tcp)) { /* there was some when the listener was asked */
        close(fd);
        wait_for_room(tcp);
        return;
    }
    if (tcp->unopened->len >= MAX_UNOPENED + tcp->base.size)
        gasket_tcp_meet_drop(least_promising(tcp), "there are too many that have not greeted");
    set_no_delay(fd);
    GasketTcpLink *link =
        gasket_tcp_link_new(tcp, fd, /* is_client= */ false, tcp->base.size, /* error= */ NULL);
    if (link != NULL)
        name_link(link, address, (socklen_t)length);
    if (!has_room(tcp))
        wait_for_room(tcp);
}

static void
on_accept_error(struct evconnlistener *listener, void *data)
{
    GasketTcp *tcp = data;
    evconnlistener_disable(listener);
    event_add(tcp->resume_listening, &accept_pause);
}

static void
on_resume_listening(evutil_socket_t fd, short what, void *data)
{
    (void)fd, (void)what;
    GasketTcp *tcp = data;
    if (tcp->listener != NULL && has_room(tcp))
        evconnlistener_enable(tcp->listener);
    else if (tcp->listener != NULL)
        wait_for_room(tcp);
}

static bool
listen_begin(GasketTcp *tcp, GError **error)
{
    tcp->resume_listening = evtimer_new(tcp->loop, on_resume_listening, tcp);
    if (tcp->resume_listening != NULL && evutil_make_socket_nonblocking(tcp->listen_fd) == 0)
        tcp->listener = evconnlistener_new(tcp->loop, on_accept, tcp,
                                           LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                                           /* backlog= already listening */ 0, tcp->listen_fd);
    if (tcp->listener == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "the listening socket cannot be used");
        return false;
    }
    tcp->listen_fd = -1;
    evconnlistener_set_error_cb(tcp->listener, on_accept_error);
    return true;
}

/* Everyone who dials this member is there: nobody else may come. */
static void
listen_end(GasketTcp *tcp)
{
    g_clear_pointer(&tcp->listener, evconnlistener_free);
    for (unsigned i = tcp->unopened->len; i-- > 0;) {
        GasketTcpLink *link = g_ptr_array_index(tcp->unopened, i);
        if (!link->is_client)
            gasket_tcp_meet_drop(link, "everybody is there");
    }
}

/* ---- both ------------------------------------------------------------------------------------ */

bool
gasket_tcp_meet_begin(GasketTcp *tcp, GError **error)
{
    unsigned rank = tcp->base.rank;
    for (unsigned i = 0; i < rank; i++) {
        GasketTcpPeer *peer = &tcp->peer[i];
        peer->dial = evtimer_new(tcp->loop, on_dial, peer);
        if (peer->dial == NULL) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "a timer cannot be set up");
            return false;
        }
        peer->dial_wait_us = DIAL_WAIT_FIRST_US;
        event_active(peer->dial, EV_TIMEOUT, 0);
    }
    return rank + 1 == tcp->base.size || listen_begin(tcp, error);
}

void
gasket_tcp_meet_end(GasketTcp *tcp)
{
    g_clear_pointer(&tcp->listener, evconnlistener_free);
    g_clear_pointer(&tcp->resume_listening, event_free);
    for (unsigned i = 0; i < tcp->base.size; i++) {
        g_clear_pointer(&tcp->peer[i].dial, event_free);
        if (tcp->peer[i].dial_fd >= 0)
            close(tcp->peer[i].dial_fd);
        tcp->peer[i].dial_fd = -1;
    }
    while (tcp->unopened->len > 0)
        gasket_tcp_link_free(g_ptr_array_steal_index(tcp->unopened, tcp->unopened->len - 1));
}

void
gasket_tcp_meet_drop(GasketTcpLink *link, const char *why)
{
    GasketTcp *tcp = link->tcp;
    GasketTcpPeer *peer = link->peer < tcp->base.size ? &tcp->peer[link->peer] : NULL;
    bool redial = link->is_client;
    if (!redial && why != NULL)
        g_debug("rank %u dropped a connection from %s: %s", tcp->base.rank, link->name, why);
    g_ptr_array_remove(tcp->unopened, link);
    gasket_tcp_link_free(link);
    if (tcp->listener != NULL && has_room(tcp)) /* at once: the queue outside must not grow old */
        evconnlistener_enable(tcp->listener);
    if (redial)
        dial_failed(peer, why);
    else if (peer != NULL && why != NULL)
        note_refusal(peer, why);
}

static void
write_hello(GasketTcpLink *link)
{
    const GasketTcp *tcp = link->tcp;
    GasketHello hello = {.from = tcp->base.rank,
                         .to = link->peer,
                         .size = tcp->base.size,
                         .fingerprint = tcp->fingerprint};
    memcpy(hello.run_id, tcp->run.run_id, sizeof hello.run_id);
    g_autoptr(GasketFrame) frame = gasket_hello_frame_new(&hello, /* error= */ NULL);
    if (frame != NULL) /* else the other end gives up on this connection, and so do we */
        gasket_tcp_link_write_take(link, &frame);
}

void
gasket_tcp_meet_secured(GasketTcpLink *link)
{
    link->state = GASKET_LINK_GREETING;
    if (!link->tcp->insecure)
        link->peer = link->party.peer;
    if (link->is_client)
        write_hello(link);
}

/* Makes the link its peer's. */
static void
open_link(GasketTcpLink *link)
{
    GasketTcp *tcp = link->tcp;
    GasketTcpPeer *peer = &tcp->peer[link->peer];
    g_ptr_array_remove(tcp->unopened, link);
    g_clear_pointer(&link->deadline, event_free);
    link->state = GASKET_LINK_OPEN;
    link->decoder.max = GASKET_FRAME_MAX;
    peer->link = link;
    peer->heard_us = gasket_tcp_now();
    g_debug("rank %u has met rank %u", tcp->base.rank, link->peer);

    pthread_mutex_lock(&tcp->lock);
    peer->open = true;
    tcp->n_open++;
    gasket_tcp_notify(tcp);
    gasket_tcp_wake(tcp); /* there may be something to send */
    unsigned n_missing = 0;
    for (unsigned i = tcp->base.rank + 1; i < tcp->base.size; i++)
        n_missing += !tcp->peer[i].open;
    pthread_mutex_unlock(&tcp->lock);
    if (n_missing == 0)
        listen_end(tcp);
}

/* Answers a greeting that does not fit; the link is dropped when that is written. */
static void
refuse(GasketTcpLink *link, const char *why)
{
    size_t length = MIN(strlen(why), 500);
    link->state = GASKET_LINK_REFUSED;
    g_debug("rank %u refused a connection from %s: %s", link->tcp->base.rank, link->name, why);
    if (link->peer < link->tcp->base.size)
        note_refusal(&link->tcp->peer[link->peer], why);
    GasketFrame *frame = gasket_frame_new(GASKET_FRAME_REFUSE, (uint32_t)length, /* error= */ NULL);
    if (frame == NULL)
        return; /* the deadline drops it */
    memcpy(frame->payload, why, length);
    gasket_tcp_link_write_take(link, &frame);
}

/* The server has said why this member may not come: trying again would change nothing. */
static bool
refused(GasketTcpLink *link, const GasketFrame *frame)
{
    g_autofree char *why = gasket_tcp_frame_text(frame, 0);
    g_autoptr(GError) error =
        g_error_new(GASKET_ERROR, GASKET_ERROR_PROTOCOL, "rank %u refused rank %u: %s", link->peer,
                    link->tcp->base.rank, why);
    gasket_tcp_fail_take(link->tcp, &error);
    gasket_tcp_meet_drop(link, why);
    return false;
}

bool
gasket_tcp_meet_greeted(GasketTcpLink *link, GasketFrame **frame)
{
    GasketTcp *tcp = link->tcp;
    g_autoptr(GasketFrame) taken = g_steal_pointer(frame);
    if (link->is_client && taken->type == GASKET_FRAME_REFUSE)
        return refused(link, taken);

    GasketHello expected = {.from = link->peer,
                            .to = tcp->base.rank,
                            .size = tcp->base.size,
                            .fingerprint = tcp->fingerprint};
    memcpy(expected.run_id, tcp->run.run_id, sizeof expected.run_id);
    g_autoptr(GError) error = NULL;
    unsigned from = link->peer;
    bool fits = gasket_hello_check(taken, &expected, &from, &error);
    if (link->is_client) {
        if (fits)
            open_link(link);
        else
            gasket_tcp_meet_drop(link, error->message);
        return fits;
    }
    if (fits && tcp->peer[from].open) {
        fits = false;
        g_set_error(&error, GASKET_ERROR, GASKET_ERROR_PROTOCOL, "rank %u is already there", from);
    }
    if (fits) {
        link->peer = from;
        write_hello(link);
        open_link(link);
    } else {
        refuse(link, error->message);
    }
    return true;
}
