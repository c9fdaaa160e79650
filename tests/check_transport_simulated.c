/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated transport: the promises of every transport, and one run for each seed. */
#include "engine/transport_simulated.h"

#include "tests/transport_members.h"

static const GasketSimulatedOptions calm = {.seed = 1,
                                            .delay_us_min = 10,
                                            .delay_us_max = 1000,
                                            .cut_peer = -1};

/* What a member does after it has entered. */
typedef struct {
    void (*talk)(TestMember *self);
    const void *data;
} Part;

static void
enter_and_talk(TestMember *self)
{
    const Part *part = self->data;
    self->data = part->data;
    gasket_simulated_enter(self->transport);
    part->talk(self);
}

/* Runs talk at size members; returns the trace. */
static uint64_t
simulate(unsigned size, const GasketSimulatedOptions *options, void (*talk)(TestMember *self),
         const void *data)
{
    const Part part = {talk, data};
    GasketTransport *transport[16];
    TestMember member[16];
    g_autoptr(GError) error = NULL;
    GasketSimulation *simulation = gasket_simulation_new(size, options, transport, &error);
    ck_assert_no_error(error);
    for (unsigned i = 0; i < size; i++)
        member[i] = (TestMember){.transport = transport[i], .data = &part};
    test_members_run(member, size, enter_and_talk);
    uint64_t trace = gasket_simulation_trace(simulation);
    gasket_simulation_free(simulation);
    return trace;
}

START_TEST(a_hundred_thousand_frames_arrive_whole_and_in_order)
{
    const TestTraffic traffic = {.n_frames = 4200}; /* 24 lanes */
    simulate(4, &calm, test_traffic, &traffic);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_run_and_another_seed_another)
{
    const TestTraffic traffic = {.n_frames = 50};
    uint64_t first = simulate(4, &calm, test_traffic, &traffic);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_eq(simulate(4, &calm, test_traffic, &traffic), first);
    for (uint64_t seed = 2; seed < 12; seed++) {
        GasketSimulatedOptions other = calm;
        other.seed = seed;
        ck_assert_uint_ne(simulate(4, &other, test_traffic, &traffic), first);
    }
}
END_TEST

typedef struct {
    TestMember member[4];
    const TestTraffic *traffic;
} Fibers;

static void
talk_as_fiber(void *data, unsigned rank)
{
    Fibers *fibers = data;
    fibers->member[rank].data = fibers->traffic;
    test_traffic(&fibers->member[rank]);
    gasket_transport_free(fibers->member[rank].transport);
}

START_TEST(fibers_run_as_threads_do)
{
    const TestTraffic traffic = {.n_frames = 50};
    if (!gasket_simulated_has_fibers())
        return;
    for (uint64_t seed = 0; seed < 10; seed++) {
        GasketSimulatedOptions options = calm;
        GasketTransport *transport[4];
        Fibers fibers = {.traffic = &traffic};
        g_autoptr(GError) error = NULL;
        options.seed = seed;
        GasketSimulation *simulation = gasket_simulation_new(4, &options, transport, &error);
        for (unsigned i = 0; i < 4; i++)
            fibers.member[i].transport = transport[i];
        ck_assert(gasket_simulated_run(simulation, talk_as_fiber, &fibers, &error));
        for (unsigned i = 0; i < 4; i++)
            ck_assert_no_error(fibers.member[i].error);
        uint64_t trace = gasket_simulation_trace(simulation);
        gasket_simulation_free(simulation);
        ck_assert_uint_eq(trace, simulate(4, &options, test_traffic, &traffic));
    }
}
END_TEST

START_TEST(a_small_queue_refuses_and_everything_still_arrives)
{
    const TestTraffic traffic = {.n_frames = 200};
    GasketSimulatedOptions tight = calm;
    tight.queue = 1000;
    ck_assert_uint_ne(simulate(3, &tight, test_traffic, &traffic),
                      simulate(3, &calm, test_traffic, &traffic));
}
END_TEST

static void
lose_rank_2(TestMember *self)
{
    unsigned rank = self->transport->rank;
    if (rank == 2)
        return;
    g_autoptr(GasketFrame) frame = NULL;
    REQUIRE(self, !gasket_transport_receive_wait(self->transport, 1 - rank, GASKET_CHANNEL_CONTROL,
                                                 &frame, &self->error));
    REQUIRE(self, strcmp(self->error->message, "rank 2 closed its connection") == 0);
}

START_TEST(a_member_freed_without_leaving_is_named_by_all)
{
    simulate(3, &calm, lose_rank_2, NULL);
}
END_TEST

/* Round after round everyone sends a frame to everyone, until it fails. */
static void
talk_until_cut(TestMember *self)
{
    GasketTransport *transport = self->transport;
    int64_t begin = gasket_transport_now(transport);
    bool ok = true;
    while (ok) {
        for (unsigned peer = 0; peer < transport->size && ok; peer++) {
            if (peer == transport->rank)
                continue;
            g_autoptr(GasketFrame) frame = gasket_frame_new(1, 8, NULL);
            memset(frame->payload, 1, 8);
            ok = gasket_transport_send(transport, peer, GASKET_CHANNEL_BULK, &frame, &self->error);
        }
        for (unsigned peer = 0; peer < transport->size && ok; peer++) {
            g_autoptr(GasketFrame) frame = NULL;
            if (peer != transport->rank)
                ok = gasket_transport_receive_wait(transport, peer, GASKET_CHANNEL_BULK, &frame,
                                                   &self->error);
        }
    }
    REQUIRE(self, self->error->code == GASKET_ERROR_PEER);
    const char *expected =
        transport->rank == 1 ? "rank 0 was silent for 3 s" : "rank 1 was silent for 3 s";
    REQUIRE(self, strcmp(self->error->message, expected) == 0);
    int64_t seconds = (gasket_transport_now(transport) - begin) / 1000000;
    REQUIRE(self, seconds >= 3 && seconds <= 4);
}

START_TEST(a_cut_peer_is_silent_to_the_others_and_they_to_it)
{
    GasketSimulatedOptions options = calm;
    options.cut_peer = 1;
    options.cut_after_frames = 100;
    options.peer_timeout_us = 3000000;
    uint64_t first = simulate(3, &options, talk_until_cut, NULL);
    ck_assert_uint_eq(simulate(3, &options, talk_until_cut, NULL), first);
    options.cut_after_frames = 101;
    ck_assert_uint_ne(simulate(3, &options, talk_until_cut, NULL), first);
}
END_TEST

static void
wait_for_each_other(TestMember *self)
{
    g_autoptr(GasketFrame) frame = NULL;
    REQUIRE(self, !gasket_transport_receive_wait(self->transport, 1 - self->transport->rank,
                                                 GASKET_CHANNEL_BULK, &frame, &self->error));
    REQUIRE(self, strstr(self->error->message, "nothing is on its way") != NULL);
}

START_TEST(a_deadlock_ends_with_an_error)
{
    simulate(2, &calm, wait_for_each_other, NULL);
}
END_TEST

/* Rank 0 sends and leaves while its last frame still flies. */
static void
leave_and_listen(TestMember *self)
{
    GasketTransport *transport = self->transport;
    g_autoptr(GasketFrame) frame = gasket_frame_new(7, 0, NULL), taken = NULL, more = NULL;
    if (transport->rank == 0) {
        REQUIRE(self,
                gasket_transport_send(transport, 1, GASKET_CHANNEL_BULK, &frame, &self->error));
        REQUIRE(self, gasket_transport_leave(transport, &self->error));
        return;
    }
    REQUIRE(self,
            gasket_transport_receive_wait(transport, 0, GASKET_CHANNEL_BULK, &taken, &self->error));
    REQUIRE(self, taken->type == 7);
    REQUIRE(self,
            !gasket_transport_receive_wait(transport, 0, GASKET_CHANNEL_BULK, &more, &self->error));
    REQUIRE(self, strcmp(self->error->message, "rank 0 has left") == 0);
    REQUIRE(self, gasket_transport_has_left(transport, 0));
    g_clear_error(&self->error);
    REQUIRE(self, gasket_transport_leave(transport, &self->error));
}

START_TEST(what_was_sent_before_leaving_arrives_and_then_the_sender_has_left)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        GasketSimulatedOptions options = calm;
        options.seed = seed;
        simulate(2, &options, leave_and_listen, NULL);
    }
}
END_TEST

static void
sleep_a_day(TestMember *self)
{
    const int64_t day = (int64_t)86400 * 1000000;
    int64_t begin = gasket_transport_now(self->transport);
    REQUIRE(self, gasket_transport_wait(self->transport, day, &self->error));
    REQUIRE(self, gasket_transport_now(self->transport) - begin >= day);
    REQUIRE(self, gasket_transport_leave(self->transport, &self->error));
}

START_TEST(a_day_on_the_virtual_clock_costs_nothing)
{
    int64_t begin = g_get_monotonic_time();
    simulate(1, &calm, sleep_a_day, NULL);
    ck_assert_int_lt(g_get_monotonic_time() - begin, 1000000);
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
    GasketTransport *transport[2];
    for (unsigned i = 0; i < 4; i++) {
        GasketSimulatedOptions options = calm;
        g_autoptr(GError) error = NULL;
        if (i == 0)
            options.delay_us_min = 2000;
        else if (i == 1)
            options.cut_peer = 2;
        else if (i == 2)
            options.peer_timeout_us = -1;
        ck_assert_ptr_null(gasket_simulation_new(i == 3 ? 0 : 2, &options, transport, &error));
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    }
}
END_TEST

int
main(void)
{
    TCase *promises = tcase_create("promises");
    tcase_set_timeout(promises, 120);
    tcase_add_test(promises, a_hundred_thousand_frames_arrive_whole_and_in_order);
    tcase_add_test(promises, fibers_run_as_threads_do);
    tcase_add_test(promises, a_small_queue_refuses_and_everything_still_arrives);
    tcase_add_test(promises, a_member_freed_without_leaving_is_named_by_all);
    TCase *simulation = tcase_create("simulation");
    tcase_set_timeout(simulation, 120);
    tcase_add_test(simulation, the_same_seed_gives_the_same_run_and_another_seed_another);
    tcase_add_test(simulation, a_cut_peer_is_silent_to_the_others_and_they_to_it);
    tcase_add_test(simulation, a_deadlock_ends_with_an_error);
    tcase_add_test(simulation, what_was_sent_before_leaving_arrives_and_then_the_sender_has_left);
    tcase_add_test(simulation, a_day_on_the_virtual_clock_costs_nothing);
    tcase_add_test(simulation, options_that_make_no_sense_are_refused);
    TCase *cases[] = {promises, simulation};
    return check_run("transport_simulated", cases, G_N_ELEMENTS(cases));
}
