/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O thread of the TCP transport: its loop, its clock, its end.
 *
 * How: the thread sleeps in libevent. It is woken by sockets, by an eventfd when the driver has
 * done something (on_wake looks at every peer), and by a tick that sends heartbeats and judges
 * silence.
 *
 *   running ──(driver: free)──> finishing ──(all delivered, or no use to wait)──> ended
 *
 * Finishing waits until the peers' systems have acknowledged every byte, because closing a socket
 * with bytes unread resets it and may destroy what is still on its way; it gives up after
 * peer_timeout without progress. A member that failed waits only a moment, for its reason to get
 * out; one that neither left nor failed does not wait.
 *
 * Invariants:
 *   1. Nothing but this thread touches the loop, streams, links and events once it runs.
 *   2. Every signal is blocked in it, SIGPIPE included.
 *   3. A peer is silent only if this thread was awake to hear it, and wanted to.
 */
#include "engine/transport_tcp_internal.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/thread.h>

/* A heartbeat is due when nothing has been sent; at least twice a second. */
#define TICK_MAX_US 500000

/* How long a member that failed tries to tell why. */
#define ABORT_TIME_US 500000

static const struct timeval finish_interval = {.tv_usec = 2000};

/* ---- ticks ----------------------------------------------------------------------------------- */

static void
send_heartbeat(GasketTcpLink *link)
{
    /* Bytes still in the stream prove as much as a heartbeat would. */
    struct evbuffer *output = bufferevent_get_output(link->stream);
    if (evbuffer_get_length(output) > 0 || link->frame != NULL || link->leave_sent ||
        link->abort_sent)
        return;
    GasketFrame *frame = gasket_frame_new(GASKET_FRAME_HEARTBEAT, 0, /* error= */ NULL);
    if (frame != NULL) /* else the next tick tries again */
        gasket_tcp_link_write_take(link, &frame);
}

static void
judge_silence(GasketTcp *tcp, GasketTcpPeer *peer, int64_t now)
{
    pthread_mutex_lock(&tcp->lock);
    bool excused = peer->paused || peer->left;
    pthread_mutex_unlock(&tcp->lock);
    if (excused || now - peer->heard_us <= tcp->peer_timeout_us)
        return;
    g_autoptr(GError) error =
        g_error_new(GASKET_ERROR, GASKET_ERROR_PEER, "rank %u was silent for %g s", peer->rank,
                    (double)tcp->peer_timeout_us / 1e6);
    gasket_tcp_fail_take(tcp, &error);
}

static void
on_tick(evutil_socket_t fd, short what, void *data)
{
    (void)fd, (void)what;
    GasketTcp *tcp = data;
    int64_t now = gasket_tcp_now();
    bool slept = now - tcp->last_tick_us > tcp->peer_timeout_us / 2;
    tcp->last_tick_us = now;
    for (unsigned i = 0; i < tcp->base.size; i++) {
        GasketTcpPeer *peer = &tcp->peer[i];
        if (peer->link == NULL || peer->link->state != GASKET_LINK_OPEN)
            continue;
        if (slept) /* this process was stopped: what it did not hear says nothing */
            peer->heard_us = now;
        judge_silence(tcp, peer, now);
        gasket_tcp_link_fill(peer->link);
        send_heartbeat(peer->link);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

static uint64_t
undelivered(const GasketTcp *tcp)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < tcp->base.size; i++) {
        const GasketTcpLink *link = tcp->peer[i].link;
        if (link != NULL && link->state == GASKET_LINK_OPEN)
            n += gasket_tcp_link_undelivered(link);
    }
    return n;
}

static void
on_finish(evutil_socket_t fd, short what, void *data)
{
    (void)fd, (void)what;
    GasketTcp *tcp = data;
    pthread_mutex_lock(&tcp->lock);
    bool failed = tcp->failure != NULL, leaving = tcp->leaving;
    pthread_mutex_unlock(&tcp->lock);

    int64_t now = gasket_tcp_now();
    uint64_t left = undelivered(tcp);
    if (left < tcp->finish_left && !failed)
        tcp->finish_since_us = now;
    tcp->finish_left = left;
    int64_t patience = failed ? ABORT_TIME_US : leaving ? tcp->peer_timeout_us : 0;
    if (left == 0 || now - tcp->finish_since_us >= patience)
        event_base_loopbreak(tcp->loop);
    else
        event_add(tcp->finish, &finish_interval);
}

/* ---- the driver's wishes --------------------------------------------------------------------- */

/* Whether reading from peer may go on after a pause. */
static bool
take_resumption(GasketTcp *tcp, GasketTcpPeer *peer)
{
    pthread_mutex_lock(&tcp->lock);
    bool resumes = peer->paused &&
                   peer->in[GASKET_CHANNEL_CONTROL].bytes + peer->in[GASKET_CHANNEL_BULK].bytes <
                       GASKET_TRANSPORT_QUEUE / 2;
    if (resumes)
        peer->paused = false;
    pthread_mutex_unlock(&tcp->lock);
    return resumes;
}

static void
on_wake(evutil_socket_t fd, short what, void *data)
{
    (void)what;
    GasketTcp *tcp = data;
    uint64_t n_wakes;
    (void)!read(fd, &n_wakes, sizeof n_wakes); /* nothing to be read: nothing to be lost */
    pthread_mutex_lock(&tcp->lock);
    tcp->woken = false;
    bool stopping = tcp->stopping;
    pthread_mutex_unlock(&tcp->lock);

    for (unsigned i = 0; i < tcp->base.size; i++) {
        GasketTcpPeer *peer = &tcp->peer[i];
        if (peer->link != NULL)
            gasket_tcp_link_fill(peer->link);
        if (peer->link != NULL && take_resumption(tcp, peer))
            gasket_tcp_link_resume(peer->link);
    }
    if (stopping && tcp->finish_since_us == 0) {
        tcp->finish_since_us = gasket_tcp_now();
        tcp->finish_left = UINT64_MAX;
        on_finish(-1, 0, tcp);
    }
}

/* ---- life cycle ------------------------------------------------------------------------------ */

static void
initialise_libevent(void)
{
    (void)evthread_use_pthreads(); /* can fail only where threads do not exist */
}

bool
gasket_tcp_io_init(GasketTcp *tcp, GError **error)
{
    /* libevent keeps its locks' functions process-wide, and wants to be told once. */
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise_libevent);

    tcp->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (tcp->wake_fd < 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "eventfd: %s", g_strerror(errno));
        return false;
    }
    tcp->loop = event_base_new();
    if (tcp->loop != NULL) {
        tcp->wake = event_new(tcp->loop, tcp->wake_fd, EV_READ | EV_PERSIST, on_wake, tcp);
        tcp->tick = event_new(tcp->loop, -1, EV_PERSIST, on_tick, tcp);
        tcp->finish = evtimer_new(tcp->loop, on_finish, tcp);
    }
    int64_t tick_us = MIN(tcp->peer_timeout_us / 8, TICK_MAX_US);
    struct timeval interval = {.tv_sec = tick_us / 1000000, .tv_usec = tick_us % 1000000};
    if (tcp->loop == NULL || tcp->wake == NULL || tcp->tick == NULL || tcp->finish == NULL ||
        event_add(tcp->wake, NULL) != 0 || event_add(tcp->tick, &interval) != 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "libevent cannot be set up");
        return false;
    }
    tcp->last_tick_us = gasket_tcp_now();
    return true;
}

void
gasket_tcp_io_clear(GasketTcp *tcp)
{
    g_clear_pointer(&tcp->wake, event_free);
    g_clear_pointer(&tcp->tick, event_free);
    g_clear_pointer(&tcp->finish, event_free);
    g_clear_pointer(&tcp->loop, event_base_free);
    if (tcp->wake_fd >= 0)
        close(tcp->wake_fd);
}

void *
gasket_tcp_io_run(void *data)
{
    GasketTcp *tcp = data;
    event_base_loop(tcp->loop, EVLOOP_NO_EXIT_ON_EMPTY);

    gasket_tcp_meet_end(tcp);
    for (unsigned i = 0; i < tcp->base.size; i++) {
        if (tcp->peer[i].link != NULL)
            gasket_tcp_link_free(tcp->peer[i].link);
        tcp->peer[i].link = NULL;
    }
    /* Streams are closed by callbacks that their freeing has put off. */
    event_base_loop(tcp->loop, EVLOOP_NONBLOCK);
    return NULL;
}
