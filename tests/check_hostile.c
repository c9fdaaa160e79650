/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strangers at the doors of a run over TLS: whatever they say, and however slowly, they are dropped
 * and named in the log, and the run that they disturb gives its answer.
 *
 *   GASKET_CROWD=1000 check_hostile     as many at once, instead of 200
 */
#include <sys/resource.h>

#include "engine/transport_tls.h"
#include "tests/hostile.h"

/* Not every byte where each takes long. */
#define STEP (check_is_short() ? 11 : 1)

/* ---- a client that is cut off ---------------------------------------------------------------- */

/* A client of this test's own, whose bytes go through memory. */
typedef struct {
    GasketTlsRun run;
    GasketTlsParty party;
    SSL_CTX *context;
    SSL *tls;
    BIO *in, *out; /* the SSL's */
} Client;

static void
client_init(Client *client, const GasketTcpOptions *options, unsigned server)
{
    *client = (Client){.run = {.rank = options->rank, .size = options->size}};
    memcpy(client->run.key, options->key, sizeof client->run.key);
    memcpy(client->run.run_id, options->run_id, sizeof client->run.run_id);
    client->party = (GasketTlsParty){.run = &client->run, .peer = server};
    client->context = gasket_tls_context_new(NULL);
    client->tls = gasket_tls_client_new(client->context, &client->party, NULL);
    client->in = BIO_new(BIO_s_mem());
    client->out = BIO_new(BIO_s_mem());
    SSL_set_bio(client->tls, client->in, client->out);
}

static void
client_clear(Client *client)
{
    SSL_free(client->tls);
    SSL_CTX_free(client->context);
}

/* What the client says next, at most n bytes of it, to the server; false: it cannot be sent. */
static bool
client_say(Client *client, int fd, int n)
{
    char bytes[4096];
    int length = BIO_read(client->out, bytes, sizeof bytes);
    return length > 0 && send(fd, bytes, (size_t)MIN(n, length), MSG_NOSIGNAL) == MIN(n, length);
}

/* Goes on with the handshake once the server's answer is there; returns the length of what the
 * client has to say to it. */
static int
client_hear(Client *client, int fd)
{
    char bytes[8192];
    while (SSL_connect(client->tls) != 1) {
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0)
            return 0;
        BIO_write(client->in, bytes, (int)n);
    }
    return (int)BIO_ctrl_pending(client->out);
}

static void
cut_every_hello(TestMember *self, const GasketTcpOptions *honest)
{
    for (int n = 0, length = 1; n < length; n += STEP) {
        Client client;
        client_init(&client, honest, 0);
        (void)SSL_connect(client.tls);
        length = (int)BIO_ctrl_pending(client.out);
        int fd = hostile_dial(honest, 0);
        bool ok = fd >= 0 && length > 200 && (n == 0 || client_say(&client, fd, n));
        shutdown(fd, SHUT_WR);
        ok = ok && hostile_is_closed(fd);
        close(fd);
        client_clear(&client);
        REQUIRE(self, ok);
    }
    REQUIRE(self, hostile_is_logged("while the key was checked", 200 / STEP));
}

START_TEST(a_hello_cut_at_any_byte_is_dropped)
{
    hostile_open_log();
    hostile_attack(false, cut_every_hello);
    hostile_close_log();
}
END_TEST

/* The client's last words of the handshake. */
static void
cut_every_proof(TestMember *self, const GasketTcpOptions *honest)
{
    for (int n = 0, length = 1; n < length; n += STEP) {
        Client client;
        client_init(&client, honest, 0);
        (void)SSL_connect(client.tls);
        int fd = hostile_dial(honest, 0);
        bool ok = fd >= 0 && client_say(&client, fd, INT_MAX);
        length = client_hear(&client, fd);
        ok = ok && length > 50 && (n == 0 || client_say(&client, fd, n));
        shutdown(fd, SHUT_WR);
        ok = ok && hostile_is_closed(fd);
        close(fd);
        client_clear(&client);
        REQUIRE(self, ok);
    }
    REQUIRE(self, hostile_is_logged("while the key was checked", 50 / STEP));
}

START_TEST(a_proof_cut_at_any_byte_is_dropped)
{
    hostile_open_log();
    hostile_attack(false, cut_every_proof);
    hostile_close_log();
}
END_TEST

/* One bit of the proof is another: bytes 5 .. are covered by it, the record's head is not. */
static void
change_every_proof(TestMember *self, const GasketTcpOptions *honest)
{
    for (int n = 0, length = 1; n < length; n += STEP) {
        Client client;
        char bytes[4096];
        client_init(&client, honest, 0);
        (void)SSL_connect(client.tls);
        int fd = hostile_dial(honest, 0);
        bool ok = fd >= 0 && client_say(&client, fd, INT_MAX);
        length = client_hear(&client, fd);
        ok = ok && BIO_read(client.out, bytes, sizeof bytes) == length;
        bytes[n] = (char)(bytes[n] ^ 1 << n % 8);
        ok = ok && send(fd, bytes, (size_t)length, MSG_NOSIGNAL) == length;
        shutdown(fd, SHUT_WR);
        ok = ok && hostile_is_closed(fd); /* at the latest for want of a greeting */
        close(fd);
        client_clear(&client);
        REQUIRE(self, ok);
    }
}

START_TEST(a_proof_with_any_bit_changed_is_dropped)
{
    hostile_open_log();
    hostile_attack(false, change_every_proof);
    hostile_close_log();
}
END_TEST

/* ---- slow ones ------------------------------------------------------------------------------- */

#define GREET_TIMEOUT (SECOND / 2)

static void
say_byte_after_byte(TestMember *self, const GasketTcpOptions *honest)
{
    Client client;
    char hello[4096];
    client_init(&client, honest, 1);
    (void)SSL_connect(client.tls);
    int length = BIO_read(client.out, hello, sizeof hello), n_said = 0;
    int fd = hostile_dial(honest, 1);
    REQUIRE(self, fd >= 0);
    while (n_said < length && send(fd, hello + n_said, 1, MSG_NOSIGNAL) == 1) {
        n_said++;
        g_usleep(GREET_TIMEOUT / 10);
    }
    bool closed = hostile_is_closed(fd);
    close(fd);
    client_clear(&client);
    REQUIRE(self, closed && n_said < 200);
    REQUIRE(self, hostile_is_logged("it did not greet within 0.5 s", 1));
    REQUIRE(self, hostile_is_logged("127.0.0.1 port ", 1));
}

START_TEST(who_says_byte_after_byte_is_out_of_time)
{
    hostile_open_log();
    hostile_attack_within(false, GREET_TIMEOUT, say_byte_after_byte);
    hostile_close_log();
}
END_TEST

/* ---- many ------------------------------------------------------------------------------------ */

/* Sockets that stay open until the honest member has come. */
typedef struct {
    int *fd;
    unsigned n;
} Crowd;

static Crowd crowd;

/* At one member, of three. */
#define MAY_STAY (8 + 3)

static void
come_in_a_crowd(TestMember *self, const GasketTcpOptions *honest)
{
    unsigned n_open = 0;
    for (unsigned i = 0; i < crowd.n; i++) {
        crowd.fd[i] = hostile_dial(honest, i % 2);
        n_open += crowd.fd[i] >= 0 && send(crowd.fd[i], "\x16\x03\x01", i % 4, MSG_NOSIGNAL) >= 0;
    }
    REQUIRE(self, n_open == crowd.n);
    REQUIRE(self,
            hostile_is_logged("there are too many that have not greeted", crowd.n - 2 * MAY_STAY));
}

static void
leave_crowd(void)
{
    for (unsigned i = 0; i < crowd.n; i++)
        if (crowd.fd[i] >= 0)
            close(crowd.fd[i]);
    g_free(crowd.fd);
    crowd = (Crowd){0};
}

START_TEST(a_crowd_of_half_open_sockets_keeps_nobody_out)
{
    const char *asked = g_getenv("GASKET_CROWD");
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    hostile_open_log();
    crowd.n = asked != NULL ? (unsigned)g_ascii_strtoull(asked, NULL, 10) : check_times(200, 60);
    crowd.fd = g_new(int, crowd.n);
    TestRun run;
    TestMember member[3];
    HostilePart part[3];
    test_run_init(&run, 3, false);
    test_run_members(&run, member);
    for (unsigned i = 0; i < 3; i++) {
        part[i] = (HostilePart){&run.options[i], come_in_a_crowd};
        member[i].data = &part[i];
    }
    test_members_run(member, 3, hostile_attack_then_talk);
    leave_crowd();
    test_run_clear(&run);
    hostile_close_log();
}
END_TEST

/* Comes again and again, until told to stop. */
typedef struct {
    const GasketTcpOptions *honest;
    _Atomic bool stop;
    pthread_t thread;
    _Atomic unsigned n;
} Knocker;

static Knocker knocker;

static void *
knock(void *data)
{
    Knocker *self = data;
    while (!self->stop) {
        int fd = hostile_dial(self->honest, self->n % 2);
        (void)send(fd, "\x16\x03\x01\x02", 4, MSG_NOSIGNAL);
        if (fd >= 0)
            close(fd);
        self->n++;
    }
    return NULL;
}

static void
begin_to_knock(TestMember *self, const GasketTcpOptions *honest)
{
    knocker.honest = honest;
    REQUIRE(self, pthread_create(&knocker.thread, NULL, knock, &knocker) == 0);
    while (knocker.n < 10)
        g_usleep(1000);
}

START_TEST(who_knocks_all_the_time_keeps_nobody_out)
{
    /* The knocker's sockets come and go, so that they cannot be counted while it is there. */
    TestRun run;
    TestMember member[3];
    HostilePart part[3];
    test_run_init(&run, 3, false);
    test_run_members(&run, member);
    for (unsigned i = 0; i < 3; i++) {
        part[i] = (HostilePart){&run.options[i], begin_to_knock};
        member[i].data = &part[i];
    }
    test_members_run(member, 3, hostile_attack_then_talk);
    knocker.stop = true;
    pthread_join(knocker.thread, NULL);
    test_run_clear(&run);
}
END_TEST

int
main(void)
{
    TCase *cut = tcase_create("cut"), *slow = tcase_create("slow"), *many = tcase_create("many");
    tcase_set_timeout(cut, 120);
    tcase_set_timeout(slow, 120);
    tcase_set_timeout(many, 120);
    tcase_add_test(cut, a_hello_cut_at_any_byte_is_dropped);
    tcase_add_test(cut, a_proof_cut_at_any_byte_is_dropped);
    tcase_add_test(cut, a_proof_with_any_bit_changed_is_dropped);
    tcase_add_test(slow, who_says_byte_after_byte_is_out_of_time);
    tcase_add_test(many, a_crowd_of_half_open_sockets_keeps_nobody_out);
    tcase_add_test(many, who_knocks_all_the_time_keeps_nobody_out);
    return check_run("hostile", (TCase *[]){cut, slow, many}, 3);
}
