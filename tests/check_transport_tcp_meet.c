/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP transport and those who should not be there: ranks 0 and 1 wait for rank 2 while it is
 * attacked; then the honest rank 2 comes, and the run must be as if nothing had been.
 */
#include "engine/transport_tls.h"
#include "tests/hostile.h"

/* ---- those who are members of something else ------------------------------------------------- */

/* Tries to be rank 2 with other options, which must fail in words like these. On a loaded machine a
 * second may not be enough to be told: then with more patience. */
static void
require_refusal(TestMember *self, const GasketTcpOptions *options, GasketErrorCode code,
                const char *words)
{
    GasketTcpOptions impatient = *options;
    for (impatient.connect_timeout_us = SECOND;; impatient.connect_timeout_us *= 4) {
        g_clear_error(&self->error);
        if (options->listen_fd >= 0) /* it is used up */
            REQUIRE(self, (impatient.listen_fd = dup(options->listen_fd)) >= 0);
        g_autoptr(GasketTransport) transport = gasket_transport_tcp_new(&impatient, &self->error);
        REQUIRE(self, transport == NULL);
        if (g_error_matches(self->error, GASKET_ERROR, (int)code) &&
            strstr(self->error->message, words) != NULL)
            break;
        REQUIRE(self, impatient.connect_timeout_us < TEST_PATIENCE_US);
    }
    g_clear_error(&self->error);
    if (options->listen_fd >= 0)
        close(options->listen_fd);
}

static void
come_with_another_key(TestMember *self, const GasketTcpOptions *honest)
{
    GasketTcpOptions options = *honest;
    options.key[GASKET_KEY_BYTES - 1] ^= 1;
    require_refusal(self, &options, GASKET_ERROR_PEER, "while the key was checked");
}

static void
come_from_another_run(TestMember *self, const GasketTcpOptions *honest)
{
    GasketTcpOptions options = *honest;
    options.run_id[0] ^= 1;
    if (honest->insecure)
        require_refusal(self, &options, GASKET_ERROR_PROTOCOL, "the runs differ");
    else
        require_refusal(self, &options, GASKET_ERROR_PEER, "while the key was checked");
}

static void
come_with_another_fingerprint(TestMember *self, const GasketTcpOptions *honest)
{
    GasketTcpOptions options = *honest;
    options.fingerprint++;
    require_refusal(self, &options, GASKET_ERROR_PROTOCOL, "refused rank 2: the programs");
}

static void
come_to_a_larger_run(TestMember *self, const GasketTcpOptions *honest)
{
    const char *host[] = {"127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1"};
    const uint16_t port[] = {honest->port[0], honest->port[1], 0, 0};
    GasketTcpOptions options = *honest;
    uint16_t any;
    options.size = 4;
    options.host = host;
    options.port = port;
    REQUIRE(self, gasket_tcp_listen(NULL, &options.listen_fd, &any, NULL));
    require_refusal(self, &options, GASKET_ERROR_PROTOCOL, "one run has 4 members, the other 3");
}

static void
come_as_rank_1(TestMember *self, const GasketTcpOptions *honest)
{
    GasketTcpOptions options = *honest;
    uint16_t any;
    REQUIRE(self, hostile_is_logged("rank 0 has met rank 1", 1)); /* the true one is there */
    options.rank = 1;
    REQUIRE(self, gasket_tcp_listen(NULL, &options.listen_fd, &any, NULL));
    if (honest->insecure)
        require_refusal(self, &options, GASKET_ERROR_PROTOCOL, "rank 1 is already there");
    else
        require_refusal(self, &options, GASKET_ERROR_PEER, "rank 0 did not connect");
}

START_TEST(another_key_is_refused)
{
    hostile_attack(false, come_with_another_key);
}
END_TEST

START_TEST(another_run_is_refused)
{
    hostile_attack(_i == 1, come_from_another_run);
}
END_TEST

START_TEST(another_program_is_refused_and_told_why)
{
    hostile_attack(_i == 1, come_with_another_fingerprint);
}
END_TEST

START_TEST(another_number_of_members_is_refused_and_told_so)
{
    hostile_attack(_i == 1, come_to_a_larger_run);
}
END_TEST

START_TEST(a_rank_comes_once)
{
    hostile_open_log();
    hostile_attack(_i == 1, come_as_rank_1);
    hostile_close_log();
}
END_TEST

/* ---- those who know the key and misuse it ---------------------------------------------------- */

/* Whether a TLS handshake in which `client` says it goes to `server`, at rank 0, succeeds. */
static bool
can_shake_hands(const GasketTcpOptions *honest, unsigned client, unsigned server)
{
    GasketTlsRun run = {.rank = client, .size = honest->size};
    memcpy(run.key, honest->key, sizeof run.key);
    memcpy(run.run_id, honest->run_id, sizeof run.run_id);
    GasketTlsParty party = {.run = &run, .peer = server};
    SSL_CTX *context = gasket_tls_context_new(NULL);
    SSL *tls = gasket_tls_client_new(context, &party, NULL);
    int fd = hostile_dial(honest, 0);
    SSL_set_fd(tls, fd);
    bool ok = SSL_connect(tls) == 1 && gasket_tls_is_authenticated(tls);
    /* The server has not yet seen the client's last words: it has refused if it closes now. */
    char byte;
    const struct timeval moment = {.tv_usec = 200000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
    ok = ok && SSL_read(tls, &byte, 1) <= 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    SSL_free(tls);
    SSL_CTX_free(context);
    close(fd);
    return ok;
}

static void
misuse_the_key(TestMember *self, const GasketTcpOptions *honest)
{
    REQUIRE(self, can_shake_hands(honest, 2, 0));  /* the test itself can */
    REQUIRE(self, !can_shake_hands(honest, 0, 0)); /* the server's own rank, reflected */
    REQUIRE(self, !can_shake_hands(honest, 0, 2)); /* the same two, turned round */
    REQUIRE(self, !can_shake_hands(honest, 2, 1)); /* meant for another server */
    REQUIRE(self, !can_shake_hands(honest, 3, 0)); /* no such rank */
}

START_TEST(an_identity_that_does_not_fit_is_refused_whatever_key_is_behind_it)
{
    hostile_attack(false, misuse_the_key);
}
END_TEST

/* ---- those who know nothing ------------------------------------------------------------------ */

static void
send_garbage(TestMember *self, const GasketTcpOptions *honest)
{
    for (unsigned i = 0; i < 100; i++) {
        uint8_t bytes[4096];
        GasketRandom random = gasket_random_at(3, 0, i, 0);
        for (unsigned j = 0; j < sizeof bytes; j++)
            bytes[j] = (uint8_t)gasket_random_uint32(&random);
        int fd = hostile_dial(honest, i % 2);
        REQUIRE(self, fd >= 0);
        (void)send(fd, bytes, 1 + gasket_random_below(&random, sizeof bytes), MSG_NOSIGNAL);
        /* Half of them wait for the answer, half hang up. Too short a text is not refused yet. */
        shutdown(fd, SHUT_WR);
        REQUIRE(self, i % 4 < 2 || hostile_is_closed(fd));
        close(fd);
    }
}

START_TEST(garbage_is_dropped)
{
    hostile_attack(_i == 1, send_garbage);
}
END_TEST

/* More connections than may be half-open, each with one byte, all kept. */
static void
say_one_byte_and_wait(TestMember *self, const GasketTcpOptions *honest)
{
    int fd[200];
    for (unsigned i = 0; i < G_N_ELEMENTS(fd); i++) {
        fd[i] = hostile_dial(honest, i % 2);
        REQUIRE(self, fd[i] >= 0);
        REQUIRE(self, send(fd[i], "\x16", 1, MSG_NOSIGNAL) == 1);
    }
    int64_t begin = g_get_monotonic_time();
    /* There are too many, and it is the oldest. */
    REQUIRE(self, hostile_is_logged("there are too many that have not greeted", 1));
    REQUIRE(self, hostile_is_closed(fd[0]));
    REQUIRE(self, hostile_is_closed(fd[G_N_ELEMENTS(fd) - 1])); /* after 5 s */
    REQUIRE(self, hostile_is_logged("it did not greet within 5 s", 1));
    REQUIRE(self, g_get_monotonic_time() - begin > 4 * SECOND);
    for (unsigned i = 0; i < G_N_ELEMENTS(fd); i++)
        close(fd[i]);
}

START_TEST(those_who_say_one_byte_and_wait_are_bounded_and_dropped_after_5_seconds)
{
    hostile_open_log();
    hostile_attack(_i == 1, say_one_byte_and_wait);
    hostile_close_log();
}
END_TEST

/* ---- those who speak the protocol, badly ----------------------------------------------------- */

static void
greet_badly(TestMember *self, const GasketTcpOptions *honest)
{
    int late = hostile_dial(honest, 0);
    REQUIRE(self,
            late >= 0 && hostile_send_hello(late, honest, 1)); /* begins with the second frame */
    REQUIRE(self, hostile_is_closed(late));
    close(late);

    int large = hostile_dial(honest, 0);
    g_autoptr(GasketFrame) frame = gasket_frame_new(GASKET_FRAME_HELLO, 4097, NULL);
    memset(frame->payload, 0, frame->length);
    REQUIRE(self,
            large >= 0 && hostile_send_frame(large, frame, 0)); /* more than a stranger may send */
    REQUIRE(self, hostile_is_closed(large));
    close(large);

    int eager = hostile_dial(honest, 0);
    g_autoptr(GasketFrame) bulk = gasket_frame_new(7, 100, NULL);
    memset(bulk->payload, 0, bulk->length);
    REQUIRE(self, eager >= 0 && hostile_send_frame(eager, bulk, 0)); /* no greeting at all */
    REQUIRE(self, hostile_is_closed(eager));
    close(eager);
}

START_TEST(a_bad_greeting_is_dropped)
{
    hostile_attack(true, greet_badly);
}
END_TEST

/* What a member that has greeted sends next, and what the run then says of it. */
typedef struct {
    uint32_t type, length;
    uint64_t sequence;
    unsigned code;
    const char *message;
} Misdeed;

static const Misdeed misdeed[] = {
    {1, GASKET_FRAME_MAX + 1, 1, GASKET_ERROR_PROTOCOL,
     "rank 1 sent a frame of 1048577 bytes where 1048576 are the most"},
    {1, UINT32_MAX, 1, GASKET_ERROR_PROTOCOL,
     "rank 1 sent a frame of 4294967295 bytes where 1048576 are the most"},
    {1, 0, 2, GASKET_ERROR_PROTOCOL, "rank 1 sent frame number 2 where 1 was due"},
    {1, 0, 0, GASKET_ERROR_PROTOCOL, "rank 1 sent frame number 0 where 1 was due"},
    {0, 0, 1, GASKET_ERROR_PROTOCOL, "rank 1 sent a frame of type 0"},
    {0xFFFF, 0, 1, GASKET_ERROR_PROTOCOL, "rank 1 sent a frame of unknown type 65535"},
    {GASKET_FRAME_HELLO, 0, 1, GASKET_ERROR_PROTOCOL, "rank 1 sent a frame of unknown type 65280"},
    {GASKET_FRAME_LEAVE, 1, 1, GASKET_ERROR_PROTOCOL, "rank 1 sent a frame of unknown type 65282"},
    {GASKET_FRAME_ABORT, 1, 1, GASKET_ERROR_PROTOCOL, "rank 1 sent a frame of unknown type 65284"},
    {7, 5, 1, GASKET_ERROR_PEER, "rank 1 closed its connection"},
};

static void
wait_for_the_worst(TestMember *self)
{
    /* The deed may come while this member is still connecting, or after. */
    bool well = test_connect(self);
    while (well)
        well = gasket_transport_wait(self->transport, -1, &self->error);
    self->failure = g_strdup_printf("%d %s", self->error->code, self->error->message);
}

START_TEST(a_member_that_breaks_the_protocol_is_named)
{
    const Misdeed *deed = &misdeed[_i];
    TestRun run;
    TestMember member[2];
    test_run_init(&run, 2, /* insecure= */ true);
    test_run_members(&run, member);
    member[0].talk = wait_for_the_worst;
    pthread_create(&member[0].thread, NULL, test_member_thread, &member[0]);

    int fd = hostile_dial(&run.options[1], 0);
    uint8_t bytes[1000] = {0};
    ck_assert(fd >= 0 && hostile_send_hello(fd, &run.options[1], 0));
    ck_assert_int_gt(recv(fd, bytes, sizeof bytes, 0), 0); /* its greeting */
    GasketFrame shape = {.type = deed->type, .length = deed->length};
    gasket_frame_header_write(bytes, &shape, GASKET_CHANNEL_BULK, deed->sequence);
    bytes[GASKET_FRAME_HEADER] = 0;
    size_t n = GASKET_FRAME_HEADER + (deed->length == 1);
    ck_assert_int_eq(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
    if (deed->code == GASKET_ERROR_PEER)
        shutdown(fd, SHUT_WR);
    ck_assert(hostile_is_closed(fd));
    close(fd);

    pthread_join(member[0].thread, NULL);
    g_autofree char *expected = g_strdup_printf("%u %s", deed->code, deed->message);
    ck_assert_str_eq(member[0].failure, expected);
    g_free(member[0].failure);
    g_clear_error(&member[0].error);
    test_run_clear(&run);
}
END_TEST

int
main(void)
{
    TCase *strangers = tcase_create("strangers");
    tcase_set_timeout(strangers, 60);
    tcase_add_test(strangers, another_key_is_refused);
    tcase_add_loop_test(strangers, another_run_is_refused, 0, 2);
    tcase_add_loop_test(strangers, another_program_is_refused_and_told_why, 0, 2);
    tcase_add_loop_test(strangers, another_number_of_members_is_refused_and_told_so, 0, 2);
    tcase_add_loop_test(strangers, a_rank_comes_once, 0, 2);
    tcase_add_test(strangers, an_identity_that_does_not_fit_is_refused_whatever_key_is_behind_it);
    TCase *noise = tcase_create("noise");
    tcase_set_timeout(noise, 60);
    tcase_add_loop_test(noise, garbage_is_dropped, 0, 2);
    tcase_add_loop_test(noise,
                        those_who_say_one_byte_and_wait_are_bounded_and_dropped_after_5_seconds, 0,
                        2);
    tcase_add_test(noise, a_bad_greeting_is_dropped);
    TCase *members = tcase_create("members");
    tcase_set_timeout(members, 60);
    tcase_add_loop_test(members, a_member_that_breaks_the_protocol_is_named, 0,
                        G_N_ELEMENTS(misdeed));
    TCase *cases[] = {members, strangers, noise};
    return check_run("transport_tcp_meet", cases, G_N_ELEMENTS(cases));
}
