/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing a connection of the TCP transport from its first byte: TLS, HELLO, and the frames of an
 * open link. One end is a member as it is in a run, without its thread; the other end says what the
 * input says.
 *
 * Input: | way | size of pieces - 1 | what it says ... |
 *
 *   way   the other end ...
 *   0     is a stranger, no TLS                  bytes
 *   1     has said HELLO, no TLS                 bytes
 *   2     has said HELLO, no TLS                 frames: | type u16 | channel | length u16 | ... |
 *   3     is a stranger                          bytes
 *   4     has proven the key                     frames
 *   5     is whom this member has dialled        bytes
 *   6     the same, no TLS                       frames
 *
 * Frames have the right sequence numbers.
 */
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/transport_tcp_internal.h"

#define N_WAYS 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The other end. */
typedef struct {
    int fd;
    SSL *tls; /* NULL: none */
    GasketTlsRun run;
    GasketTlsParty party;
    uint64_t sequence;
    size_t piece;
} Other;

static void
do_nothing(evutil_socket_t fd, short what, void *data)
{
    (void)fd, (void)what, (void)data;
}

static GasketTcp *
member_new(unsigned rank, bool insecure)
{
    const GasketTcpOptions options = {.rank = rank,
                                      .size = 3,
                                      .key = "a key that everybody here knows",
                                      .run_id = "and a run's id",
                                      .insecure = insecure,
                                      .listen_fd = -1,
                                      .fingerprint = 7};
    GasketTcp *tcp = gasket_tcp_alloc(&options);
    bool ok = gasket_tcp_io_init(tcp, NULL);
    g_assert(ok);
    if (!insecure)
        tcp->tls = gasket_tls_context_new(NULL);
    /* Whom it dials again is nowhere. */
    tcp->address = g_new0(struct sockaddr_storage, 3);
    tcp->address_length = g_new0(socklen_t, 3);
    for (unsigned i = 0; i < 3; i++) {
        tcp->address[i].ss_family = AF_UNIX;
        tcp->address_length[i] = sizeof(sa_family_t);
        tcp->peer[i].dial = evtimer_new(tcp->loop, do_nothing, NULL);
        tcp->peer[i].dial_wait_us = G_USEC_PER_SEC;
    }
    return tcp;
}

/* Lets the member do what there is to do. */
static void
turn(GasketTcp *tcp)
{
    for (unsigned i = 0; i < 3; i++)
        event_base_loop(tcp->loop, EVLOOP_NONBLOCK);
}

/* Says bytes in pieces, as long as somebody listens. */
static void
say(GasketTcp *tcp, Other *other, const uint8_t *bytes, size_t n)
{
    uint8_t heard[4096];
    while (n > 0) {
        size_t piece = MIN(n, other->piece);
        ssize_t said = other->tls != NULL ? SSL_write(other->tls, bytes, (int)piece)
                                          : send(other->fd, bytes, piece, MSG_NOSIGNAL);
        turn(tcp);
        while (recv(other->fd, heard, sizeof heard, 0) > 0)
            ;
        if (said <= 0)
            return;
        bytes += said;
        n -= (size_t)said;
    }
}

static void
say_frame(GasketTcp *tcp, Other *other, uint32_t type, uint8_t channel, const uint8_t *payload,
          uint32_t n)
{
    const GasketFrame shape = {.type = type, .length = n};
    g_autofree uint8_t *bytes = g_malloc(GASKET_FRAME_HEADER + (size_t)n);
    gasket_frame_header_write(bytes, &shape, (GasketChannel)channel, other->sequence++);
    if (n > 0)
        memcpy(bytes + GASKET_FRAME_HEADER, payload, n);
    say(tcp, other, bytes, GASKET_FRAME_HEADER + (size_t)n);
}

static void
say_frames(GasketTcp *tcp, Other *other, const uint8_t *data, size_t size)
{
    while (size >= 5) {
        uint32_t type = data[0] | (uint32_t)data[1] << 8;
        uint32_t n = (uint32_t)MIN((size_t)(data[3] | data[4] << 8), size - 5);
        say_frame(tcp, other, type, data[2], data + 5, n);
        data += 5 + n;
        size -= 5 + n;
    }
}

static void
say_hello(GasketTcp *tcp, Other *other, unsigned from)
{
    GasketHello hello = {.from = from, .to = tcp->base.rank, .size = 3, .fingerprint = 7};
    memcpy(hello.run_id, tcp->run.run_id, sizeof hello.run_id);
    g_autoptr(GasketFrame) frame = gasket_hello_frame_new(&hello, NULL);
    say_frame(tcp, other, frame->type, GASKET_CHANNEL_CONTROL, frame->payload, frame->length);
}

/* The other end proves the key of rank 2. */
static void
prove(GasketTcp *tcp, Other *other)
{
    other->run = tcp->run;
    other->run.rank = 2;
    other->party = (GasketTlsParty){.run = &other->run, .peer = tcp->base.rank};
    other->tls = gasket_tls_client_new(tcp->tls, &other->party, NULL);
    SSL_set_fd(other->tls, other->fd);
    for (unsigned i = 0; i < 5 && !SSL_is_init_finished(other->tls); i++) {
        (void)SSL_connect(other->tls);
        turn(tcp);
    }
    g_assert(gasket_tls_is_authenticated(other->tls));
}

/* What a member is allowed to believe of anybody. */
static void
check(const GasketTcp *tcp, unsigned way)
{
    unsigned n_open = 0;
    for (unsigned i = 0; i < 3; i++) {
        const GasketTcpPeer *peer = &tcp->peer[i];
        size_t waiting = peer->in[0].bytes + peer->in[1].bytes;
        g_assert(peer->open || (waiting == 0 && !peer->left && peer->link == NULL));
        g_assert(waiting <= GASKET_TRANSPORT_QUEUE + GASKET_FRAME_MAX);
        n_open += peer->open;
    }
    g_assert(n_open == tcp->n_open && n_open <= 1);
    if (way == 3 || way == 5)
        g_assert(n_open == 0); /* nobody who has not proven the key is a peer */
    if (tcp->failure != NULL)
        g_assert(tcp->failure->domain == GASKET_ERROR && tcp->failure->message[0] != '\0' &&
                 (tcp->failure->code == GASKET_ERROR_PEER ||
                  tcp->failure->code == GASKET_ERROR_PROTOCOL));
}

/* Ends the member as its thread would. */
static void
end(GasketTcp *tcp)
{
    tcp->stopping = true;
    gasket_tcp_wake(tcp);
    (void)gasket_tcp_io_run(tcp);
    gasket_transport_free(&tcp->base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd[2];
    if (size < 2)
        return 0;
    (void)signal(SIGPIPE, SIG_IGN); /* as every signal is in a member's own thread */
    unsigned way = data[0] % N_WAYS;
    bool dialled = way >= 5, insecure = way <= 2 || way == 6;
    GasketTcp *tcp = member_new(dialled ? 1 : 0, insecure);
    int status = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd);
    g_assert(status == 0);
    GasketTcpLink *link = gasket_tcp_link_new(tcp, fd[0], dialled, dialled ? 0 : 3, NULL);
    g_assert(link != NULL);

    Other other = {.fd = fd[1], .piece = (size_t)data[1] + 1};
    if (other.piece == 256)
        other.piece = SIZE_MAX >> 33;
    turn(tcp);
    if (way == 4)
        prove(tcp, &other);
    if (way == 1 || way == 2 || way == 4)
        say_hello(tcp, &other, 2);
    if (way == 6 && data[1] % 2 == 0)
        say_hello(tcp, &other, 0);
    if (way == 2 || way == 4 || way == 6)
        say_frames(tcp, &other, data + 2, size - 2);
    else
        say(tcp, &other, data + 2, size - 2);
    check(tcp, way);
    SSL_free(other.tls);
    close(other.fd);
    turn(tcp);
    check(tcp, way);
    end(tcp);
    return 0;
}
