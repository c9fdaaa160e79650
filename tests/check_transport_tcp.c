/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP transport: what arrives, what is bounded, what is noticed. Loopback only. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <malloc.h>

#include "engine/transport_queue.h"
#include "tests/tcp_members.h"

#define SECOND ((int64_t)1000000)

/* Runs talk at each member of a run and checks that nothing is left. */
static void
run_members(TestRun *run, void (*talk)(TestMember *self))
{
    TestMember member[TEST_RUN_MAX];
    test_run_members(run, member);
    test_members_run(member, run->size, talk);
    test_run_clear(run);
}

/* ---- traffic --------------------------------------------------------------------------------- */

static void
connect_and_talk(TestMember *self)
{
    /* On 24 lanes: more than 10^5 frames. */
    const TestTraffic traffic = {.n_frames = check_times(4200, 1)};
    REQUIRE(self, test_connect(self));
    self->data = &traffic;
    test_traffic(self);
}

START_TEST(a_hundred_thousand_frames_arrive_whole_and_in_order)
{
    TestRun run;
    test_run_init(&run, 4, /* insecure= */ _i == 1);
    run_members(&run, connect_and_talk);
}
END_TEST

START_TEST(a_run_of_one_needs_nobody)
{
    TestRun run;
    test_run_init(&run, 1, false);
    run_members(&run, connect_and_talk);
}
END_TEST

/* Each sends 100 MiB (or what is still more than a queue) and receives only when it is refused. */
static void
flood(TestMember *self)
{
    REQUIRE(self, test_connect(self));
    GasketTransport *transport = self->transport;
    const unsigned n = check_times(100, 40);
    unsigned peer = 1 - transport->rank, n_sent = 0, n_received = 0;
    while (n_sent < n || n_received < n) {
        g_autoptr(GasketFrame) frame = gasket_frame_new(1, 1 << 20, NULL);
        g_autoptr(GasketFrame) taken = NULL;
        bool sent = false;
        memset(frame->payload, 1, frame->length);
        if (n_sent < n)
            REQUIRE(self, gasket_transport_try_send(transport, peer, GASKET_CHANNEL_BULK, &frame,
                                                    &sent, &self->error));
        n_sent += sent;
        if (!sent)
            REQUIRE(self, gasket_transport_receive(transport, peer, GASKET_CHANNEL_BULK, &taken,
                                                   &self->error));
        n_received += taken != NULL;
        if (!sent && taken == NULL)
            REQUIRE(self, gasket_transport_wait(transport, -1, &self->error));
    }
    REQUIRE(self, gasket_transport_leave(transport, &self->error));
}

START_TEST(two_members_with_full_queues_go_on_by_receiving)
{
    TestRun run;
    test_run_init(&run, 2, /* insecure= */ _i == 1);
    run_members(&run, flood);
}
END_TEST

/* ---- bounds ---------------------------------------------------------------------------------- */

/* Sends frames of 1 MiB until no more is taken for half a second. */
static bool
fill_up(TestMember *self, unsigned *ret_n_sent)
{
    unsigned n_sent = 0;
    g_autoptr(GasketFrame) frame = NULL;
    int64_t last = gasket_transport_now(self->transport);
    while (gasket_transport_now(self->transport) - last < SECOND / 2) {
        bool sent;
        if (frame == NULL) {
            frame = gasket_frame_new(1, 1 << 20, NULL);
            memset(frame->payload, (int)n_sent, frame->length);
        }
        if (!gasket_transport_try_send(self->transport, 1 - self->transport->rank,
                                       GASKET_CHANNEL_BULK, &frame, &sent, &self->error))
            return false;
        if (sent)
            last = gasket_transport_now(self->transport);
        if (sent)
            n_sent++;
        else if (!gasket_transport_wait(self->transport, SECOND / 10, &self->error))
            return false;
    }
    *ret_n_sent = n_sent;
    return true;
}

/* What two members of one process tell each other past the transport. */
static _Atomic unsigned n_sent_to_sleeper;

/* It receives nothing until the other has filled everything there is. */
static void
sleep_then_receive(TestMember *self)
{
    GasketTransport *transport = self->transport;
    unsigned n_bulk = 0, n_bulk_before_control = 0;
    g_autoptr(GasketFrame) control = NULL;
    while (n_sent_to_sleeper == 0)
        g_usleep(1000);
    while (n_bulk < n_sent_to_sleeper || control == NULL) {
        g_autoptr(GasketFrame) bulk = NULL;
        if (control == NULL) {
            REQUIRE(self, gasket_transport_receive(transport, 0, GASKET_CHANNEL_CONTROL, &control,
                                                   &self->error));
            n_bulk_before_control = n_bulk;
        }
        REQUIRE(self,
                gasket_transport_receive(transport, 0, GASKET_CHANNEL_BULK, &bulk, &self->error));
        if (bulk != NULL)
            REQUIRE(self, bulk->payload[7] == (uint8_t)n_bulk);
        n_bulk += bulk != NULL;
        if (bulk == NULL)
            REQUIRE(self, gasket_transport_wait(transport, SECOND / 100, &self->error));
    }
    /* The frame of control was the last to be sent, but came before what waited at the sender. */
    REQUIRE(self, n_bulk_before_control + 12 <= n_bulk);
    REQUIRE(self, gasket_transport_leave(transport, &self->error));
}

static void
send_to_sleeper(TestMember *self)
{
    REQUIRE(self, test_connect(self));
    GasketTransport *transport = self->transport;
    if (transport->rank == 1) {
        sleep_then_receive(self);
        return;
    }
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    unsigned n_sent;
    REQUIRE(self, fill_up(self, &n_sent));
    size_t used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    /* Both ends are in this process: a queue each, with a frame above, and the streams. */
    REQUIRE(self, n_sent >= 32);
    REQUIRE(self, used < 2 * (size_t)GASKET_TRANSPORT_QUEUE + (6u << 20));
    g_autoptr(GasketFrame) frame = gasket_frame_new(2, 0, NULL);
    REQUIRE(self,
            gasket_transport_send(transport, 1, GASKET_CHANNEL_CONTROL, &frame, &self->error));
    n_sent_to_sleeper = n_sent;
    REQUIRE(self, gasket_transport_leave(transport, &self->error));
}

START_TEST(a_peer_that_does_not_receive_costs_bounded_memory_and_control_overtakes_bulk)
{
    TestRun run;
    n_sent_to_sleeper = 0;
    test_run_init(&run, 2, /* insecure= */ _i == 1);
    run_members(&run, send_to_sleeper);
}
END_TEST

/* A member that leaves and is freed at once, with everything still on its way to one that does
 * not receive yet. */
static void
leave_before_all_is_received(TestMember *self)
{
    REQUIRE(self, test_connect(self));
    GasketTransport *transport = self->transport;
    if (transport->rank == 0) {
        for (unsigned i = 0; i < 40; i++) {
            g_autoptr(GasketFrame) frame = gasket_frame_new(1, 1 << 20, NULL);
            memset(frame->payload, (int)i, frame->length);
            REQUIRE(self,
                    gasket_transport_send(transport, 1, GASKET_CHANNEL_BULK, &frame, &self->error));
        }
        REQUIRE(self, gasket_transport_leave(transport, &self->error));
        return;
    }
    for (unsigned i = 0; i < 40; i++) {
        g_autoptr(GasketFrame) frame = NULL;
        g_usleep(i == 0 ? SECOND / 2 : i == 39 ? SECOND : SECOND / 100);
        REQUIRE(self, gasket_transport_receive_wait(transport, 0, GASKET_CHANNEL_BULK, &frame,
                                                    &self->error));
        REQUIRE(self, frame->length == 1 << 20 && frame->payload[9] == i);
    }
    g_autoptr(GasketFrame) more = NULL;
    REQUIRE(self,
            !gasket_transport_receive_wait(transport, 0, GASKET_CHANNEL_BULK, &more, &self->error));
    REQUIRE(self, strcmp(self->error->message, "rank 0 has left") == 0);
    REQUIRE(self, gasket_transport_has_left(transport, 0));
    g_clear_error(&self->error);
    REQUIRE(self, gasket_transport_leave(transport, &self->error));
}

START_TEST(what_was_sent_before_leaving_arrives_although_the_sender_is_gone)
{
    TestRun run;
    test_run_init(&run, 2, /* insecure= */ _i == 1);
    run_members(&run, leave_before_all_is_received);
}
END_TEST

/* ---- failures -------------------------------------------------------------------------------- */

/* How many of the members of a test are there. */
static _Atomic unsigned n_connected;

static void
lose_rank_2(TestMember *self)
{
    REQUIRE(self, test_connect(self));
    GasketTransport *transport = self->transport;
    unsigned rank = transport->rank;
    n_connected++;
    while (rank == 2 && n_connected < transport->size)
        g_usleep(1000);
    if (rank == 2)
        return;
    g_autoptr(GasketFrame) frame = NULL;
    bool ok = gasket_transport_receive_wait(transport, (rank + 1) % 2, GASKET_CHANNEL_CONTROL,
                                            &frame, &self->error);
    REQUIRE(self, !ok && self->error->code == GASKET_ERROR_PEER);
    REQUIRE(self, strcmp(self->error->message, "rank 2 closed its connection") == 0);

    /* And from now on everything says so. */
    g_clear_error(&self->error);
    REQUIRE(self, !gasket_transport_wait(transport, -1, &self->error));
    REQUIRE(self, strcmp(self->error->message, "rank 2 closed its connection") == 0);
    g_clear_error(&self->error);
    frame = gasket_frame_new(1, 0, NULL);
    bool sent;
    REQUIRE(self, !gasket_transport_try_send(transport, (rank + 1) % 2, GASKET_CHANNEL_BULK, &frame,
                                             &sent, &self->error));
    REQUIRE(self, strcmp(self->error->message, "rank 2 closed its connection") == 0);
    g_clear_error(&self->error);
    REQUIRE(self, !gasket_transport_leave(transport, &self->error));
}

START_TEST(a_member_freed_without_leaving_is_named_by_all)
{
    TestRun run;
    n_connected = 0;
    test_run_init(&run, 4, false);
    TestMember member[TEST_RUN_MAX];
    test_run_members(&run, member);
    test_members_run(member, run.size, lose_rank_2);
    test_run_clear(&run);
}
END_TEST

/* A member of its own process, which connects and then stands still until it is killed. */
static void
stand_still(const GasketTcpOptions *options)
{
    GasketTransport *transport = gasket_transport_tcp_new(options, NULL);
    if (transport == NULL)
        _exit(1);
    for (;;) {
        if (!gasket_transport_wait(transport, -1, NULL))
            _exit(2);
    }
}

typedef struct {
    const GasketTcpOptions *options;
    pid_t child;
    int signal;
    const char *message;
} Blow;

static void
strike_rank_1(TestMember *self)
{
    const Blow *blow = self->data;
    self->data = blow->options;
    REQUIRE(self, test_connect(self));
    g_usleep(SECOND / 10);
    kill(blow->child, blow->signal);
    while (gasket_transport_wait(self->transport, -1, &self->error))
        continue;
    REQUIRE(self, strcmp(self->error->message, blow->message) == 0);
}

/* Rank 1 is a process that receives a signal; rank 0 must notice. */
static void
check_blow(int signal, int64_t peer_timeout_us, const char *message)
{
    TestRun run;
    test_run_init(&run, 2, false);
    TestMember member[TEST_RUN_MAX];
    test_run_members(&run, member);
    run.options[0].peer_timeout_us = run.options[1].peer_timeout_us = peer_timeout_us;
    pid_t child = fork();
    if (child == 0) {
        close(run.options[0].listen_fd);
        stand_still(&run.options[1]);
    }
    Blow blow = {&run.options[0], child, signal, message};
    member[0].data = &blow;
    test_members_run(member, 1, strike_rank_1);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    test_run_clear(&run);
}

START_TEST(a_stopped_process_is_silent_and_named_in_time)
{
    check_blow(SIGSTOP, 2 * SECOND, "rank 1 was silent for 2 s");
}
END_TEST

/* Not for its silence. */
START_TEST(a_killed_process_is_noticed_at_once)
{
    check_blow(SIGKILL, TEST_PATIENCE_US, "rank 1 closed its connection");
}
END_TEST

/* Connected, and idle for longer than the timeout. */
static void
idle(TestMember *self)
{
    REQUIRE(self, test_connect(self));
    const int64_t timeout = ((const GasketTcpOptions *)self->data)->peer_timeout_us;
    int64_t end = gasket_transport_now(self->transport) + timeout + timeout / 4;
    for (int64_t now; (now = gasket_transport_now(self->transport)) < end;)
        if (!gasket_transport_wait(self->transport, end - now, &self->error))
            return;
    (void)gasket_transport_leave(self->transport, &self->error);
}

/* Whether all went well for so long. */
static bool
can_be_idle(int64_t peer_timeout_us)
{
    TestRun run;
    TestMember member[TEST_RUN_MAX];
    bool well = true;
    test_run_init(&run, 3, false);
    test_run_members(&run, member);
    for (unsigned i = 0; i < run.size; i++) {
        run.options[i].peer_timeout_us = peer_timeout_us;
        member[i].talk = idle;
        ck_assert_int_eq(pthread_create(&member[i].thread, NULL, test_member_thread, &member[i]),
                         0);
    }
    for (unsigned i = 0; i < run.size; i++) {
        pthread_join(member[i].thread, NULL);
        ck_assert_msg(member[i].failure == NULL, "%s", member[i].failure);
        well = well && member[i].error == NULL;
        g_clear_error(&member[i].error);
    }
    test_run_clear(&run);
    return well;
}

/* Nor is one that the machine leaves without a processor for 2 s once: one that says nothing at all
 * would be with any timeout. */
START_TEST(a_member_with_nothing_to_say_is_not_silent)
{
    ck_assert(can_be_idle(2 * SECOND) || can_be_idle(8 * SECOND) || can_be_idle(32 * SECOND));
}
END_TEST

/* Members that have named rank 2. */
static _Atomic unsigned n_named;

static void
miss_a_peer(TestMember *self)
{
    const GasketTcpOptions *options = self->data;
    g_autofree char *expected = g_strdup_printf("rank 2 did not connect within %g s",
                                                (double)options->connect_timeout_us / 1e6);
    REQUIRE(self, !test_connect(self));
    REQUIRE(self, self->error->code == GASKET_ERROR_PEER);
    n_named += g_str_has_prefix(self->error->message, expected);
}

/* Who is second to give up may find that the first has gone; and where half a second is not enough
 * for the two that come, it is one of them that is missed. */
START_TEST(a_member_that_never_comes_is_named)
{
    n_named = 0;
    for (int64_t timeout = SECOND / 2; n_named == 0; timeout *= 4) {
        TestRun run;
        TestMember member[TEST_RUN_MAX];
        ck_assert_int_lt(timeout, TEST_PATIENCE_US);
        test_run_init(&run, 3, false);
        test_run_members(&run, member);
        for (unsigned i = 0; i < run.size; i++)
            run.options[i].connect_timeout_us = timeout;
        test_members_run(member, 2, miss_a_peer);
        test_run_clear(&run);
    }
}
END_TEST

START_TEST(a_run_without_a_key_stays_on_loopback)
{
    const char *host[] = {"192.0.2.1", "127.0.0.1"};
    const uint16_t port[] = {1, 1};
    GasketTcpOptions options = {
        .rank = 1, .size = 2, .insecure = true, .listen_fd = -1, .host = host, .port = port};
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(gasket_transport_tcp_new(&options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    g_clear_error(&error);
    host[0] = "localhost";
    ck_assert_ptr_null(gasket_transport_tcp_new(&options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));

    g_clear_error(&error);
    int fd;
    uint16_t any;
    unsigned n_before = test_count_descriptors();
    ck_assert(gasket_tcp_listen("0.0.0.0", &fd, &any, NULL));
    options = (GasketTcpOptions){.rank = 0, .size = 2, .insecure = true, .listen_fd = fd};
    ck_assert_ptr_null(gasket_transport_tcp_new(&options, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ck_assert_uint_eq(test_count_descriptors(), n_before);
}
END_TEST

int
main(void)
{
    TCase *traffic = tcase_create("traffic");
    tcase_set_timeout(traffic, 240);
    tcase_add_loop_test(traffic, a_hundred_thousand_frames_arrive_whole_and_in_order, 0, 2);
    tcase_add_test(traffic, a_run_of_one_needs_nobody);
    tcase_add_loop_test(traffic, two_members_with_full_queues_go_on_by_receiving, 0, 2);
    TCase *bounds = tcase_create("bounds");
    tcase_set_timeout(bounds, 60);
    tcase_add_loop_test(
        bounds, a_peer_that_does_not_receive_costs_bounded_memory_and_control_overtakes_bulk, 0, 2);
    tcase_add_loop_test(bounds, what_was_sent_before_leaving_arrives_although_the_sender_is_gone, 0,
                        2);
    TCase *failures = tcase_create("failures");
    tcase_set_timeout(failures, 60);
    tcase_add_test(failures, a_killed_process_is_noticed_at_once);
    tcase_add_test(failures, a_stopped_process_is_silent_and_named_in_time);
    tcase_add_test(failures, a_member_freed_without_leaving_is_named_by_all);
    tcase_add_test(failures, a_member_with_nothing_to_say_is_not_silent);
    tcase_add_test(failures, a_member_that_never_comes_is_named);
    tcase_add_test(failures, a_run_without_a_key_stays_on_loopback);
    TCase *cases[] = {failures, traffic, bounds};
    return check_run("transport_tcp", cases, G_N_ELEMENTS(cases));
}
