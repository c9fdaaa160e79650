/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attackers of a run over TCP: ranks 0 and 1 wait for rank 2 while it is attacked; then the honest
 * rank 2 comes, and the run must be as if nothing had been.
 *
 *   static void
 *   be_nasty(TestMember *self, const GasketTcpOptions *honest)
 *   {
 *       int fd = hostile_dial(honest, 0);
 *       REQUIRE(self, fd >= 0 && hostile_is_closed(fd));
 *       close(fd);
 *   }
 *   hostile_attack(insecure, be_nasty);
 */
#ifndef GASKET_TESTS_HOSTILE_H
#define GASKET_TESTS_HOSTILE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "engine/transport_frame.h"
#include "engine/transport_handshake.h"
#include "tests/tcp_members.h"

#define SECOND ((int64_t)1000000)

typedef struct {
    const GasketTcpOptions *options; /* of this member */
    void (*attack)(TestMember *self, const GasketTcpOptions *honest);
} HostilePart;

static inline void
hostile_attack_then_talk(TestMember *self)
{
    static const TestTraffic traffic = {.n_frames = 100};
    const HostilePart *part = self->data;
    if (part->options->rank == 2)
        part->attack(self, part->options);
    if (self->failure != NULL)
        return;
    self->data = part->options;
    REQUIRE(self, test_connect(self));
    self->data = &traffic;
    test_traffic(self);
}

/* A run of three that is attacked before the third has come. greet_timeout_us: 0 is the usual. */
static inline void
hostile_attack_within(bool insecure, int64_t greet_timeout_us,
                      void (*attack)(TestMember *self, const GasketTcpOptions *honest))
{
    TestRun run;
    TestMember member[3];
    HostilePart part[3];
    test_run_init(&run, 3, insecure);
    test_run_members(&run, member);
    for (unsigned i = 0; i < 3; i++) {
        run.options[i].greet_timeout_us = greet_timeout_us;
        part[i] = (HostilePart){&run.options[i], attack};
        member[i].data = &part[i];
    }
    test_members_run(member, 3, hostile_attack_then_talk);
    test_run_clear(&run);
}

static inline void
hostile_attack(bool insecure, void (*attack)(TestMember *self, const GasketTcpOptions *honest))
{
    hostile_attack_within(insecure, 0, attack);
}

/* A blocking connection to the server of a rank. */
static inline int
hostile_dial(const GasketTcpOptions *options, unsigned rank)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(options->port[rank]),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = TEST_PATIENCE_US / 1000000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Whether the other end closes the connection within the socket's patience. */
static inline bool
hostile_is_closed(int fd)
{
    char bytes[1000];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        continue;
    return n == 0 || errno == ECONNRESET;
}

static inline bool
hostile_send_frame(int fd, GasketFrame *frame, uint64_t sequence)
{
    uint8_t header[GASKET_FRAME_HEADER];
    gasket_frame_header_write(header, frame, GASKET_CHANNEL_CONTROL, sequence);
    return send(fd, header, sizeof header, MSG_NOSIGNAL) == (ssize_t)sizeof header &&
           send(fd, frame->payload, frame->length, MSG_NOSIGNAL) == (ssize_t)frame->length;
}

static inline bool
hostile_send_hello(int fd, const GasketTcpOptions *options, uint64_t sequence)
{
    GasketHello hello = {.from = options->rank,
                         .to = 0,
                         .size = options->size,
                         .fingerprint = options->fingerprint};
    memcpy(hello.run_id, options->run_id, sizeof hello.run_id);
    g_autoptr(GasketFrame) frame = gasket_hello_frame_new(&hello, NULL);
    return hostile_send_frame(fd, frame, sequence);
}

/* ---- the log --------------------------------------------------------------------------------- */

/* Not GLib's, of which sanitizers know nothing. */
static pthread_mutex_t hostile_log_lock = PTHREAD_MUTEX_INITIALIZER;
static GString *hostile_log_text;

static inline void
hostile_keep_log(const char *domain, GLogLevelFlags level, const char *message, void *data)
{
    (void)domain, (void)level, (void)data;
    pthread_mutex_lock(&hostile_log_lock);
    g_string_append_printf(hostile_log_text, "%s\n", message);
    pthread_mutex_unlock(&hostile_log_lock);
}

static inline void
hostile_open_log(void)
{
    hostile_log_text = g_string_new(NULL);
    g_log_set_default_handler(hostile_keep_log, NULL);
}

static inline void
hostile_close_log(void)
{
    g_log_set_default_handler(g_log_default_handler, NULL);
    g_string_free(g_steal_pointer(&hostile_log_text), TRUE);
}

/* How often words stand in the log. */
static inline unsigned
hostile_n_logged(const char *words)
{
    unsigned n = 0;
    pthread_mutex_lock(&hostile_log_lock);
    for (const char *at = strstr(hostile_log_text->str, words); at; at = strstr(at + 1, words))
        n++;
    pthread_mutex_unlock(&hostile_log_lock);
    return n;
}

/* Whether words come to stand in the log n times. */
static inline bool
hostile_is_logged(const char *words, unsigned n)
{
    for (int64_t i = 0; i < TEST_PATIENCE_US / 10000 && hostile_n_logged(words) < n; i++)
        g_usleep(10000);
    return hostile_n_logged(words) >= n;
}

#endif
