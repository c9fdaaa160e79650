/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport over TCP and TLS 1.3: the driver's side.
 *
 * How: the driver thread and the I/O thread share queues under one lock. The driver appends to
 * `out` and wakes the I/O thread through an eventfd; the I/O thread appends to `in` and signals the
 * driver's condition. Encryption, decryption and system calls all happen in the I/O thread.
 *
 *   driver thread                     lock                        I/O thread (libevent)
 *   try_send ──> out[control], out[bulk] ──eventfd──> fill ──> stream ──> socket
 *   receive <─── in[control], in[bulk] <──condition── decode <── stream <── socket
 *
 *   a run, at one member
 *
 *   connecting ──(open_link of every peer)──> open ──leave──> leaving ──> left ──free──> closed
 *       │                                      │                │
 *       └── gasket_tcp_fail_take: a peer closed, was silent, broke the protocol, or told (ABORT)
 *           that it had failed ──> failed (sticky) ──free──> closed
 *
 *   a peer, at one member
 *
 *   absent ──open_link──> open ──take_internal (LEAVE)──> left ──end_link──> closed
 *                          └────────────── end_link (the run fails) ───────────┘
 *
 * Bounds for each peer: out is refused above GASKET_TRANSPORT_QUEUE for each channel (bulk counts
 * what stands in the stream), `in` pauses the stream above GASKET_TRANSPORT_QUEUE in all; the
 * stream itself holds half a MiB each way.
 *
 * A member that fails tells the others why before it goes, so that all of them name the rank at
 * fault and not the one that left because of it.
 *
 * Invariants:
 *   1. The fields of GasketTcp and GasketTcpPeer belong to the side that their comment names.
 *   2. changes > seen exactly where something has happened since the last wait returned.
 *   3. failure is set once.
 *
 * Connections are one for each pair; control frames overtake what is queued, not what is already
 * in the stream or in the system. So a member that waits for control must go on taking bulk, or the
 * paused stream holds back both. A second connection for bulk would be a second link of the peer.
 */
#include "engine/transport_tcp_internal.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "engine/transport_tcp_address.h"

#define CONNECT_TIMEOUT_US ((int64_t)30 * 1000000)
#define PEER_TIMEOUT_US    ((int64_t)10 * 1000000)
#define GREET_TIMEOUT_US   ((int64_t)5 * 1000000)

static GasketTcp *
tcp_of(GasketTransport *transport)
{
    return (GasketTcp *)transport;
}

int64_t
gasket_tcp_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
gasket_tcp_notify(GasketTcp *tcp)
{
    tcp->changes++;
    pthread_cond_signal(&tcp->changed);
}

void
gasket_tcp_wake(GasketTcp *tcp)
{
    if (tcp->woken)
        return;
    tcp->woken = true;
    const uint64_t one = 1;
    (void)!write(tcp->wake_fd, &one, sizeof one); /* fails only where it is readable already */
}

void
gasket_tcp_fail_take(GasketTcp *tcp, GError **error)
{
    GError *taken = g_steal_pointer(error);
    pthread_mutex_lock(&tcp->lock);
    if (tcp->failure == NULL)
        tcp->failure = g_steal_pointer(&taken);
    gasket_tcp_notify(tcp);
    gasket_tcp_wake(tcp); /* the others are told */
    pthread_mutex_unlock(&tcp->lock);
    g_clear_error(&taken);
}

/* Locked. */
static bool
has_failed(const GasketTcp *tcp, GError **error)
{
    if (tcp->failure == NULL)
        return false;
    g_propagate_error(error, g_error_copy(tcp->failure));
    return true;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static bool
send_locked(GasketTcp *tcp, unsigned rank, GasketChannel channel, GasketFrame **frame,
            bool *ret_sent, GError **error)
{
    GasketTcpPeer *peer = &tcp->peer[rank];
    if (has_failed(tcp, error))
        return false;
    if (peer->left) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_PEER, "rank %u has left", rank);
        return false;
    }
    *ret_sent = false;
    g_assert(!tcp->leaving);
    size_t waiting = peer->out[channel].bytes;
    if (channel == GASKET_CHANNEL_BULK)
        waiting += peer->n_buffered;
    if (waiting > GASKET_TRANSPORT_QUEUE) {
        peer->refused[channel] = true;
        return true;
    }
    peer->stats.frames_sent++;
    peer->stats.bytes_sent += GASKET_FRAME_HEADER + (*frame)->length;
    gasket_frame_queue_push_take(&peer->out[channel], frame);
    gasket_tcp_wake(tcp);
    *ret_sent = true;
    return true;
}

static bool
tcp_try_send(GasketTransport *transport, unsigned peer, GasketChannel channel, GasketFrame **frame,
             bool *ret_sent, GError **error)
{
    GasketTcp *tcp = tcp_of(transport);
    pthread_mutex_lock(&tcp->lock);
    bool ok = send_locked(tcp, peer, channel, frame, ret_sent, error);
    pthread_mutex_unlock(&tcp->lock);
    return ok;
}

static bool
tcp_receive(GasketTransport *transport, unsigned rank, GasketChannel channel,
            GasketFrame **ret_frame, GError **error)
{
    GasketTcp *tcp = tcp_of(transport);
    GasketTcpPeer *peer = &tcp->peer[rank];
    pthread_mutex_lock(&tcp->lock);
    GasketFrame *frame = gasket_frame_queue_pop(&peer->in[channel]);
    bool ok = frame != NULL || !has_failed(tcp, error);
    if (peer->paused &&
        peer->in[GASKET_CHANNEL_CONTROL].bytes + peer->in[GASKET_CHANNEL_BULK].bytes <
            GASKET_TRANSPORT_QUEUE / 2)
        gasket_tcp_wake(tcp);
    pthread_mutex_unlock(&tcp->lock);
    if (ok)
        *ret_frame = frame;
    return ok;
}

static bool
tcp_has_left(GasketTransport *transport, unsigned peer)
{
    GasketTcp *tcp = tcp_of(transport);
    pthread_mutex_lock(&tcp->lock);
    bool left = tcp->peer[peer].left;
    pthread_mutex_unlock(&tcp->lock);
    return left;
}

/* Sleeps until something changed or the end is reached; end_us < 0: no end. false at the end.
 * Locked. */
static bool
sleep_until(GasketTcp *tcp, int64_t end_us)
{
    if (end_us < 0)
        return pthread_cond_wait(&tcp->changed, &tcp->lock) == 0;
    struct timespec end = {.tv_sec = end_us / 1000000, .tv_nsec = end_us % 1000000 * 1000};
    return pthread_cond_timedwait(&tcp->changed, &tcp->lock, &end) == 0;
}

static bool
tcp_wait(GasketTransport *transport, int64_t timeout_us, GError **error)
{
    GasketTcp *tcp = tcp_of(transport);
    int64_t end_us = timeout_us < 0 ? -1 : gasket_tcp_now() + timeout_us;
    pthread_mutex_lock(&tcp->lock);
    bool awake = true;
    while (tcp->changes == tcp->seen && tcp->failure == NULL && awake)
        awake = sleep_until(tcp, end_us);
    tcp->seen = tcp->changes;
    bool ok = !has_failed(tcp, error);
    pthread_mutex_unlock(&tcp->lock);
    return ok;
}

static bool
is_drained(const GasketTcp *tcp)
{
    for (unsigned i = 0; i < tcp->base.size; i++) {
        const GasketTcpPeer *peer = &tcp->peer[i];
        if (i != tcp->base.rank && !peer->drained && !peer->left && !peer->closed)
            return false;
    }
    return true;
}

static bool
tcp_leave(GasketTransport *transport, GError **error)
{
    GasketTcp *tcp = tcp_of(transport);
    pthread_mutex_lock(&tcp->lock);
    if (tcp->failure == NULL) {
        tcp->leaving = true;
        gasket_tcp_wake(tcp);
    }
    while (tcp->failure == NULL && !is_drained(tcp))
        (void)sleep_until(tcp, -1);
    bool ok = !has_failed(tcp, error);
    pthread_mutex_unlock(&tcp->lock);
    return ok;
}

static void
tcp_give_up(GasketTransport *transport, const GError *why)
{
    g_autoptr(GError) error = g_error_copy(why);
    gasket_tcp_fail_take(tcp_of(transport), &error);
}

static int64_t
tcp_now(GasketTransport *transport)
{
    (void)transport; /* one clock for all */
    return gasket_tcp_now();
}

static void
tcp_stats(const GasketTransport *transport, unsigned peer, GasketTransportStats *ret_stats)
{
    GasketTcp *tcp = (GasketTcp *)(uintptr_t)transport; /* its lock changes, nothing else */
    pthread_mutex_lock(&tcp->lock);
    *ret_stats = tcp->peer[peer].stats;
    pthread_mutex_unlock(&tcp->lock);
}

/* ---- life cycle ------------------------------------------------------------------------------ */

static void
tcp_free(GasketTransport *transport)
{
    GasketTcp *tcp = tcp_of(transport);
    if (tcp->has_thread) {
        pthread_mutex_lock(&tcp->lock);
        tcp->stopping = true;
        gasket_tcp_wake(tcp);
        pthread_mutex_unlock(&tcp->lock);
        pthread_join(tcp->thread, NULL);
    } else if (tcp->unopened != NULL) {
        gasket_tcp_meet_end(tcp);
    }
    gasket_tcp_io_clear(tcp);
    for (unsigned i = 0; i < tcp->base.size; i++) {
        for (unsigned c = 0; c < GASKET_N_CHANNELS; c++) {
            gasket_frame_queue_clear(&tcp->peer[i].out[c]);
            gasket_frame_queue_clear(&tcp->peer[i].in[c]);
        }
        g_free(tcp->peer[i].refusal);
    }
    if (tcp->listen_fd >= 0)
        close(tcp->listen_fd);
    if (tcp->unopened != NULL)
        g_ptr_array_free(tcp->unopened, TRUE);
    SSL_CTX_free(tcp->tls);
    OPENSSL_cleanse(&tcp->run, sizeof tcp->run);
    g_clear_error(&tcp->failure);
    pthread_cond_destroy(&tcp->changed);
    pthread_mutex_destroy(&tcp->lock);
    g_free(tcp->address);
    g_free(tcp->address_length);
    g_free(tcp->peer);
    g_free(tcp);
}

static const GasketTransportClass tcp_class = {
    .try_send = tcp_try_send,
    .receive = tcp_receive,
    .has_left = tcp_has_left,
    .wait = tcp_wait,
    .leave = tcp_leave,
    .give_up = tcp_give_up,
    .now = tcp_now,
    .stats = tcp_stats,
    .free = tcp_free,
};

GasketTcp *
gasket_tcp_alloc(const GasketTcpOptions *options)
{
    GasketTcp *tcp = g_new0(GasketTcp, 1);
    tcp->base = (GasketTransport){.class = &tcp_class,
                                  .rank = options->rank,
                                  .size = MAX(options->size, 1)};
    tcp->run.rank = options->rank;
    tcp->run.size = options->size;
    memcpy(tcp->run.key, options->key, GASKET_KEY_BYTES);
    memcpy(tcp->run.run_id, options->run_id, GASKET_RUN_ID_BYTES);
    tcp->insecure = options->insecure;
    tcp->fingerprint = options->fingerprint;
    tcp->connect_timeout_us =
        options->connect_timeout_us > 0 ? options->connect_timeout_us : CONNECT_TIMEOUT_US;
    tcp->peer_timeout_us =
        options->peer_timeout_us > 0 ? options->peer_timeout_us : PEER_TIMEOUT_US;
    tcp->greet_timeout_us =
        options->greet_timeout_us > 0 ? options->greet_timeout_us : GREET_TIMEOUT_US;
    tcp->listen_fd = options->listen_fd;
    tcp->wake_fd = -1;

    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&tcp->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&tcp->lock, NULL);

    tcp->peer = g_new0(GasketTcpPeer, tcp->base.size);
    for (unsigned i = 0; i < tcp->base.size; i++) {
        tcp->peer[i].tcp = tcp;
        tcp->peer[i].rank = i;
        tcp->peer[i].dial_fd = -1;
    }
    tcp->unopened = g_ptr_array_new();
    return tcp;
}

static bool
start_thread(GasketTcp *tcp, GError **error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits it */
    int status = pthread_create(&tcp->thread, NULL, gasket_tcp_io_run, tcp);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    tcp->has_thread = status == 0;
    if (status != 0)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                    "the I/O thread cannot be started: %s", g_strerror(status));
    return status == 0;
}

/* The first rank that is not there, as an error. Locked. */
static GError *
missing_peer(const GasketTcp *tcp)
{
    unsigned i = 0;
    while (i == tcp->base.rank || tcp->peer[i].open)
        i++;
    const char *why = tcp->peer[i].refusal;
    return g_error_new(GASKET_ERROR, GASKET_ERROR_PEER, "rank %u did not connect within %g s%s%s%s",
                       i, (double)tcp->connect_timeout_us / 1e6, why != NULL ? " (" : "",
                       why != NULL ? why : "", why != NULL ? ")" : "");
}

static bool
wait_for_all(GasketTcp *tcp, GError **error)
{
    int64_t end_us = gasket_tcp_now() + tcp->connect_timeout_us;
    pthread_mutex_lock(&tcp->lock);
    bool awake = true;
    while (tcp->failure == NULL && tcp->n_open + 1 < tcp->base.size && awake)
        awake = sleep_until(tcp, end_us);
    if (tcp->failure == NULL && tcp->n_open + 1 < tcp->base.size) {
        tcp->failure = missing_peer(tcp);
        gasket_tcp_wake(tcp); /* those that are there are told */
    }
    bool ok = !has_failed(tcp, error);
    pthread_mutex_unlock(&tcp->lock);
    return ok;
}

static bool
tcp_connect(GasketTcp *tcp, const GasketTcpOptions *options, GError **error)
{
    if (!gasket_tcp_check_options(options, error) ||
        !gasket_tcp_resolve(options, &tcp->address, &tcp->address_length, error))
        return false;
    if (!tcp->insecure && (tcp->tls = gasket_tls_context_new(error)) == NULL)
        return false;
    return gasket_tcp_io_init(tcp, error) && gasket_tcp_meet_begin(tcp, error) &&
           start_thread(tcp, error) && wait_for_all(tcp, error);
}

GasketTransport *
gasket_transport_tcp_new(const GasketTcpOptions *options, GError **error)
{
    GasketTcp *tcp = gasket_tcp_alloc(options);
    if (!tcp_connect(tcp, options, error)) {
        tcp_free(&tcp->base);
        return NULL;
    }
    return &tcp->base;
}
