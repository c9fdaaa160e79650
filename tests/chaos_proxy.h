/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP proxy that does to bytes what bad networks do: delays, throttles, splits, changes and loses
 * them.
 *
 *   ChaosProxy proxy;
 *   chaos_proxy_init(&proxy, port_of_the_server, &chaos);      one in front of each server
 *   ... members dial proxy.port ...
 *   chaos_proxy_clear(&proxy);                                 when both ends have closed
 *
 *   client ──> proxy: one lane each way, a thread each ──> server
 *
 * A lane delays every piece that it hands on; the fault strikes one lane once, at a byte.
 */
#ifndef GASKET_TESTS_CHAOS_PROXY_H
#define GASKET_TESTS_CHAOS_PROXY_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/check_main.h"

typedef enum {
    CHAOS_NOTHING,
    CHAOS_CUT,        /* both ways end */
    CHAOS_RESET,      /* the same, with a reset */
    CHAOS_HALF_CLOSE, /* this way ends, the other goes on */
    CHAOS_FLIP,       /* a bit changes */
    CHAOS_SWALLOW,    /* from here on nothing comes out, but nothing is closed */
    CHAOS_N_FAULTS,
} ChaosFault;

typedef struct {
    size_t piece;     /* bytes handed on at once; 0: as they come */
    int64_t delay_us; /* before each piece */
    ChaosFault fault;
    unsigned lane;      /* which the fault strikes: of all lanes, in the order of their making */
    uint64_t at;        /* byte of that lane */
    _Atomic bool *done; /* set when it has struck */
} Chaos;

#define CHAOS_MAX_LANES 64

typedef struct ChaosProxy ChaosProxy;

typedef struct {
    ChaosProxy *proxy;
    int from, to;
    bool struck_here;
    uint64_t n;
    pthread_t thread;
    _Atomic unsigned *left; /* lanes of this connection that go on; who is last closes both */
} ChaosLane;

struct ChaosProxy {
    const Chaos *chaos;
    _Atomic unsigned *n_lanes_of_all; /* shared by the proxies of a run */
    uint16_t port, server;
    int listen_fd;
    _Atomic bool stop;
    pthread_t thread;
    ChaosLane lane[CHAOS_MAX_LANES];
    _Atomic unsigned left[CHAOS_MAX_LANES];
    unsigned n_lanes;
};

/* ---- a lane ---------------------------------------------------------------------------------- */

/* The fault, where bytes [lane->n, lane->n + n) reach it. false: nothing more goes on here. */
static inline bool
chaos_strike(ChaosLane *lane, uint8_t *bytes, size_t n)
{
    const Chaos *chaos = lane->proxy->chaos;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (!lane->struck_here || lane->n + n <= chaos->at || lane->n > chaos->at)
        return true;
    *chaos->done = true;
    switch (chaos->fault) {
    case CHAOS_FLIP:
        bytes[chaos->at - lane->n] ^= (uint8_t)(1 << chaos->at % 8);
        return true;
    case CHAOS_RESET:
        setsockopt(lane->to, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        setsockopt(lane->from, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        shutdown(lane->from, SHUT_RDWR);
        shutdown(lane->to, SHUT_RD); /* the other way is over too */
        return false;
    case CHAOS_CUT:
        shutdown(lane->to, SHUT_RDWR);
        shutdown(lane->from, SHUT_RDWR);
        return false;
    case CHAOS_SWALLOW:
        while (recv(lane->from, bytes, n, 0) > 0)
            continue;
        return false;
    default: /* the lane's end is closed by chaos_carry */
        return false;
    }
}

static inline void
chaos_hand_on(ChaosLane *lane, const uint8_t *bytes, size_t n)
{
    const Chaos *chaos = lane->proxy->chaos;
    while (n > 0) {
        size_t piece = chaos->piece > 0 ? MIN(n, chaos->piece) : n;
        if (chaos->delay_us > 0)
            g_usleep((gulong)chaos->delay_us);
        ssize_t sent = send(lane->to, bytes, piece, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        n -= (size_t)sent;
    }
}

static inline void *
chaos_carry(void *data)
{
    ChaosLane *lane = data;
    uint8_t bytes[16384];
    ssize_t n;
    while ((n = recv(lane->from, bytes, sizeof bytes, 0)) > 0) {
        if (!chaos_strike(lane, bytes, (size_t)n))
            break;
        /* Who has closed wants nothing more. It is read all the same: a socket that is closed with
         * bytes unread is reset, and what is on its way out of it may be lost. */
        chaos_hand_on(lane, bytes, (size_t)n);
        lane->n += (uint64_t)n;
    }
    shutdown(lane->to, SHUT_WR);
    if (--*lane->left == 0) {
        close(lane->from);
        close(lane->to);
    }
    return NULL;
}

/* ---- the proxy ------------------------------------------------------------------------------- */

static inline int
chaos_dial(uint16_t port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline void
chaos_add_lane(ChaosProxy *proxy, int from, int to, _Atomic unsigned *left)
{
    const int on = 1;
    ChaosLane *lane = &proxy->lane[proxy->n_lanes++];
    unsigned index = (*proxy->n_lanes_of_all)++;
    setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *lane = (ChaosLane){.proxy = proxy,
                        .from = from,
                        .to = to,
                        .left = left,
                        .struck_here =
                            proxy->chaos->fault != CHAOS_NOTHING && index == proxy->chaos->lane};
    pthread_create(&lane->thread, NULL, chaos_carry, lane);
}

static inline void *
chaos_serve(void *data)
{
    ChaosProxy *proxy = data;
    while (!proxy->stop) {
        struct pollfd ready = {.fd = proxy->listen_fd, .events = POLLIN};
        if (poll(&ready, 1, 10) <= 0)
            continue;
        int client = accept4(proxy->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        int server = chaos_dial(proxy->server);
        if (server < 0 || proxy->n_lanes + 2 > CHAOS_MAX_LANES) {
            close(client);
            if (server >= 0)
                close(server);
            continue;
        }
        _Atomic unsigned *left = &proxy->left[proxy->n_lanes];
        *left = 2;
        chaos_add_lane(proxy, client, server, left);
        chaos_add_lane(proxy, server, client, left);
    }
    return NULL;
}

static inline void
chaos_proxy_init(ChaosProxy *proxy, uint16_t server, const Chaos *chaos, _Atomic unsigned *n_lanes)
{
    *proxy = (ChaosProxy){.chaos = chaos, .server = server, .n_lanes_of_all = n_lanes};
    ck_assert(gasket_tcp_listen(NULL, &proxy->listen_fd, &proxy->port, NULL));
    ck_assert_int_eq(pthread_create(&proxy->thread, NULL, chaos_serve, proxy), 0);
}

static inline void
chaos_proxy_clear(ChaosProxy *proxy)
{
    proxy->stop = true;
    pthread_join(proxy->thread, NULL);
    close(proxy->listen_fd);
    for (unsigned i = 0; i < proxy->n_lanes; i++)
        pthread_join(proxy->lane[i].thread, NULL);
}

#endif
