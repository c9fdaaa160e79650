/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that run out of memory: whichever frame cannot be made, of the handshake, of a farewell
 * or of what is sent and received, each member ends well or says why, in time, and leaves nothing.
 */
#include "tests/faults.h"
#include "tests/tcp_members.h"

#define SIZE     3
#define N_FRAMES 4
#define SECOND   ((int64_t)1000000)

/* A frame's bytes tell who sent it and which it is. */
static GasketFrame *
frame_of(unsigned rank, uint32_t i, GError **error)
{
    GasketFrame *frame = gasket_frame_new(1, 100 + i, error);
    if (frame != NULL)
        memset(frame->payload, (int)(rank * 16 + i), frame->length);
    return frame;
}

static bool
send_and_receive(TestMember *self, unsigned peer)
{
    const unsigned rank = self->transport->rank;
    for (uint32_t i = 0; i < N_FRAMES; i++) {
        g_autoptr(GasketFrame) frame = frame_of(rank, i, &self->error);
        if (frame == NULL || !gasket_transport_send(self->transport, peer, GASKET_CHANNEL_BULK,
                                                    &frame, &self->error))
            return false;
    }
    for (uint32_t i = 0; i < N_FRAMES; i++) {
        g_autoptr(GasketFrame) frame = NULL;
        if (!gasket_transport_receive_wait(self->transport, peer, GASKET_CHANNEL_BULK, &frame,
                                           &self->error))
            return false;
        if (frame->length != 100 + i || frame->payload[0] != peer * 16 + i)
            self->failure =
                g_strdup_printf("rank %u: frame %u of rank %u is another", rank, i, peer);
    }
    return true;
}

/* Ends with an error or without. */
static void
talk(TestMember *self)
{
    if (!test_connect(self))
        return;
    for (unsigned peer = 0; peer < SIZE; peer++)
        if (peer != self->transport->rank && !send_and_receive(self, peer))
            return;
    (void)gasket_transport_leave(self->transport, &self->error);
}

/* false: nothing failed any more. */
static bool
try_allocation(bool insecure, uint64_t nth)
{
    TestRun run;
    TestMember member[SIZE];
    unsigned n_failed = 0;
    test_run_init(&run, SIZE, insecure);
    test_run_members(&run, member);
    for (unsigned i = 0; i < SIZE; i++) {
        run.options[i].connect_timeout_us = 4 * SECOND; /* who waits for one that has given up */
        run.options[i].greet_timeout_us = SECOND / 5;
        member[i].talk = talk;
    }
    fault_arm(FAULT_MEMORY, nth);
    for (unsigned i = 0; i < SIZE; i++)
        ck_assert_int_eq(pthread_create(&member[i].thread, NULL, test_member_thread, &member[i]),
                         0);
    for (unsigned i = 0; i < SIZE; i++)
        pthread_join(member[i].thread, NULL);
    bool hit = fault_disarm();
    for (unsigned i = 0; i < SIZE; i++) {
        ck_assert_msg(member[i].failure == NULL, "%s", member[i].failure);
        n_failed += member[i].error != NULL;
        ck_assert_msg(member[i].error == NULL ||
                          g_error_matches(member[i].error, GASKET_ERROR, GASKET_ERROR_MEMORY) ||
                          g_error_matches(member[i].error, GASKET_ERROR, GASKET_ERROR_PEER),
                      "%s", member[i].error != NULL ? member[i].error->message : "");
        g_clear_error(&member[i].error);
    }
    ck_assert(hit || n_failed == 0);
    test_run_clear(&run);
    return hit;
}

START_TEST(whichever_frame_cannot_be_made_members_end_with_a_reason)
{
    uint64_t nth = 1;
    while (try_allocation(_i == 1, nth))
        nth += check_is_short() ? 5 : _i == 1 ? 3 : 1;
    ck_assert_uint_gt(nth,
                      2 * SIZE * (SIZE - 1) * N_FRAMES); /* made by the sender and the reader */
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("faults");
    tcase_set_timeout(all, 300);
    tcase_add_loop_test(all, whichever_frame_cannot_be_made_members_end_with_a_reason, 0, 2);
    return check_run("member_faults", (TCase *[]){all}, 1);
}
