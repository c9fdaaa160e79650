/* SPDX-License-Identifier: Apache-2.0 */
/* The transport between threads, and what all transports promise, at its simplest. */
#include "engine/transport_local.h"

#include "engine/transport_queue.h"
#include "tests/transport_members.h"

static void
members_new(TestMember *member, unsigned size, const void *data)
{
    GasketTransport *transport[16];
    ck_assert(gasket_transport_local_new(size, transport, NULL));
    for (unsigned i = 0; i < size; i++)
        member[i] = (TestMember){.transport = transport[i], .data = data};
}

START_TEST(a_hundred_thousand_frames_arrive_whole_and_in_order)
{
    const TestTraffic traffic = {.n_frames = 4200}; /* 24 lanes */
    TestMember member[4];
    members_new(member, 4, &traffic);
    test_members_run(member, 4, test_traffic);
}
END_TEST

START_TEST(a_run_of_one_needs_nobody)
{
    const TestTraffic traffic = {.n_frames = 3};
    TestMember member[1];
    members_new(member, 1, &traffic);
    test_members_run(member, 1, test_traffic);
}
END_TEST

START_TEST(a_full_queue_refuses_and_says_when_it_has_drained)
{
    TestMember member[2];
    members_new(member, 2, NULL);
    GasketTransport *a = member[0].transport, *b = member[1].transport;
    bool sent = true;
    unsigned n_sent = 0;
    g_autoptr(GasketFrame) frame = NULL;
    while (sent) {
        if (frame == NULL)
            frame = gasket_frame_new(1, 1 << 20, NULL);
        ck_assert(gasket_transport_try_send(a, 1, GASKET_CHANNEL_BULK, &frame, &sent, NULL));
        n_sent += sent;
    }
    ck_assert_ptr_nonnull(frame);
    ck_assert_uint_eq(n_sent, 16); /* more than 16 MiB with what each costs beside its payload */

    g_autoptr(GasketFrame) control = gasket_frame_new(2, 8, NULL);
    ck_assert(gasket_transport_try_send(a, 1, GASKET_CHANNEL_CONTROL, &control, &sent, NULL));
    ck_assert_msg(sent, "control frames are not held up by bulk");

    int64_t before = gasket_transport_now(a);
    ck_assert(gasket_transport_wait(a, 20000, NULL));
    ck_assert_int_ge(gasket_transport_now(a) - before, 20000);
    for (unsigned i = 0; i < 10; i++) {
        g_autoptr(GasketFrame) taken = NULL;
        ck_assert(gasket_transport_receive(b, 0, GASKET_CHANNEL_BULK, &taken, NULL));
        ck_assert_ptr_nonnull(taken);
    }
    ck_assert(gasket_transport_wait(a, -1, NULL));
    ck_assert(gasket_transport_try_send(a, 1, GASKET_CHANNEL_BULK, &frame, &sent, NULL));
    ck_assert(sent);
    gasket_transport_free(a);
    gasket_transport_free(b);
}
END_TEST

/* Sends far more than the queues hold before it ever waits for the other. */
static void
flood(TestMember *self)
{
    GasketTransport *transport = self->transport;
    unsigned peer = 1 - transport->rank, n_sent = 0, n_received = 0;
    while (n_sent < 100 || n_received < 100) {
        g_autoptr(GasketFrame) frame = gasket_frame_new(1, 1 << 20, NULL);
        g_autoptr(GasketFrame) taken = NULL;
        bool sent = false;
        memset(frame->payload, 1, frame->length);
        if (n_sent < 100)
            REQUIRE(self, gasket_transport_try_send(transport, peer, GASKET_CHANNEL_BULK, &frame,
                                                    &sent, &self->error));
        n_sent += sent;
        if (!sent) {
            REQUIRE(self, gasket_transport_receive(transport, peer, GASKET_CHANNEL_BULK, &taken,
                                                   &self->error));
            n_received += taken != NULL;
        }
        if (!sent && taken == NULL)
            REQUIRE(self, gasket_transport_wait(transport, -1, &self->error));
    }
    REQUIRE(self, gasket_transport_leave(transport, &self->error));
}

START_TEST(two_members_with_full_queues_go_on_by_receiving)
{
    TestMember member[2];
    members_new(member, 2, NULL);
    test_members_run(member, 2, flood);
}
END_TEST

/* Rank 2 goes without a word; the others wait for a frame of each other. */
static void
lose_rank_2(TestMember *self)
{
    unsigned rank = self->transport->rank;
    if (rank == 2)
        return;
    g_autoptr(GasketFrame) frame = NULL;
    bool ok = gasket_transport_receive_wait(self->transport, 1 - rank, GASKET_CHANNEL_CONTROL,
                                            &frame, &self->error);
    REQUIRE(self, !ok && self->error->code == GASKET_ERROR_PEER);
    REQUIRE(self, strstr(self->error->message, "rank 2 closed") != NULL);
}

START_TEST(a_member_freed_without_leaving_is_named_by_all)
{
    TestMember member[3];
    members_new(member, 3, NULL);
    test_members_run(member, 3, lose_rank_2);
}
END_TEST

START_TEST(a_member_that_left_can_be_heard_but_not_spoken_to)
{
    TestMember member[2];
    members_new(member, 2, NULL);
    GasketTransport *a = member[0].transport, *b = member[1].transport;
    g_autoptr(GasketFrame) frame = gasket_frame_new(7, 0, NULL), taken = NULL;
    ck_assert(gasket_transport_send(b, 0, GASKET_CHANNEL_BULK, &frame, NULL));
    ck_assert(!gasket_transport_has_left(a, 1));
    ck_assert(gasket_transport_leave(b, NULL));
    ck_assert(gasket_transport_has_left(a, 1));
    gasket_transport_free(b);
    ck_assert_msg(gasket_transport_has_left(a, 1), "also once it is gone");

    ck_assert(gasket_transport_receive_wait(a, 1, GASKET_CHANNEL_BULK, &taken, NULL));
    ck_assert_uint_eq(taken->type, 7);
    GasketFrame *more = taken;
    ck_assert(gasket_transport_receive(a, 1, GASKET_CHANNEL_BULK, &more, NULL));
    ck_assert_ptr_null(more);

    g_autoptr(GError) error = NULL;
    ck_assert(!gasket_transport_receive_wait(a, 1, GASKET_CHANNEL_BULK, &more, &error));
    ck_assert_str_eq(error->message, "rank 1 has left");
    g_clear_error(&error);
    ck_assert(!gasket_transport_send(a, 1, GASKET_CHANNEL_BULK, &taken, &error));
    ck_assert_str_eq(error->message, "rank 1 has left");
    ck_assert_ptr_nonnull(taken);
    ck_assert(gasket_transport_leave(a, NULL));
    gasket_transport_free(a);
}
END_TEST

START_TEST(a_queue_counts_what_it_holds)
{
    GasketFrameQueue queue = {0};
    for (uint32_t i = 0; i < 5; i++) {
        GasketFrame *frame = gasket_frame_new(1, i * 10, NULL);
        ck_assert_uint_eq((uintptr_t)frame->payload % 16, 0);
        gasket_frame_queue_push_take(&queue, &frame);
        ck_assert_ptr_null(frame);
        ck_assert(gasket_frame_queue_check(&queue));
    }
    ck_assert_uint_eq(queue.bytes, 100 + 5 * GASKET_FRAME_COST);
    for (uint32_t i = 0; i < 3; i++) {
        g_autoptr(GasketFrame) frame = gasket_frame_queue_pop(&queue);
        ck_assert_uint_eq(frame->length, i * 10);
        ck_assert(gasket_frame_queue_check(&queue));
    }
    gasket_frame_queue_clear(&queue);
    ck_assert_uint_eq(queue.bytes, 0);
    ck_assert(gasket_frame_queue_check(&queue));
}
END_TEST

int
main(void)
{
    TCase *promises = tcase_create("promises");
    tcase_set_timeout(promises, 60);
    tcase_add_test(promises, a_hundred_thousand_frames_arrive_whole_and_in_order);
    tcase_add_test(promises, a_run_of_one_needs_nobody);
    tcase_add_test(promises, a_full_queue_refuses_and_says_when_it_has_drained);
    tcase_add_test(promises, two_members_with_full_queues_go_on_by_receiving);
    tcase_add_test(promises, a_member_freed_without_leaving_is_named_by_all);
    tcase_add_test(promises, a_member_that_left_can_be_heard_but_not_spoken_to);
    TCase *queue = tcase_create("queue");
    tcase_add_test(queue, a_queue_counts_what_it_holds);
    TCase *cases[] = {promises, queue};
    return check_run("transport_local", cases, G_N_ELEMENTS(cases));
}
