/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of all transports share: members in threads, and traffic that checks itself.
 *
 *   static void
 *   talk(TestMember *self)
 *   {
 *       REQUIRE(self, gasket_transport_leave(self->transport, NULL));
 *   }
 *   TestMember member[4];                 (transports filled in)
 *   test_members_run(member, 4, talk);    (threads; then fails the test if one of them did)
 *
 * Check's own assertions work in the test's thread alone; those of members are REQUIRE.
 */
#ifndef GASKET_TESTS_TRANSPORT_MEMBERS_H
#define GASKET_TESTS_TRANSPORT_MEMBERS_H

#include <pthread.h>
#include <string.h>

#include <gasket/random.h>

#include "engine/transport.h"
#include "tests/check_main.h"

typedef struct TestMember {
    GasketTransport *transport;
    const void *data; /* of the test */
    GError *error;
    char *failure; /* what was required and is not so */
    void (*talk)(struct TestMember *self);
    pthread_t thread;
} TestMember;

/* Ends the member's function, and the test, if condition does not hold. */
#define REQUIRE(self, condition)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (self)->failure =                                                                      \
                g_strdup_printf("rank %u: %s: %s (%s)",                                            \
                                (self)->transport ? (self)->transport->rank : 0, G_STRLOC,         \
                                #condition, (self)->error ? (self)->error->message : "no error");  \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static inline void *
test_member_thread(void *data)
{
    TestMember *self = data;
    self->talk(self);
    gasket_transport_free(self->transport);
    self->transport = NULL;
    return NULL;
}

/* Runs talk for each member in a thread of its own, then frees its transport. */
static inline void
test_members_run(TestMember *member, unsigned size, void (*talk)(TestMember *self))
{
    for (unsigned i = 0; i < size; i++) {
        member[i].talk = talk;
        ck_assert_int_eq(pthread_create(&member[i].thread, NULL, test_member_thread, &member[i]),
                         0);
    }
    for (unsigned i = 0; i < size; i++)
        pthread_join(member[i].thread, NULL);
    for (unsigned i = 0; i < size; i++) {
        ck_assert_msg(member[i].failure == NULL, "%s", member[i].failure);
        g_clear_error(&member[i].error);
    }
}

/* ---- traffic --------------------------------------------------------------------------------- */

/* Length of frame i of a lane: mostly short, some long, a few of the largest. */
static inline uint32_t
test_frame_length(unsigned from, unsigned to, unsigned channel, uint32_t i)
{
    GasketRandom random = gasket_random_at(1, from * 16 + to * 2 + channel, i, 0);
    switch (gasket_random_below(&random, 1000)) {
    case 0:
        return GASKET_FRAME_MAX;
    case 1:
        return 0;
    default:
        return gasket_random_below(&random, i % 16 == 0 ? 100000 : 500);
    }
}

/* A frame whose every byte can be foretold. */
static inline GasketFrame *
test_frame_new(unsigned from, unsigned to, unsigned channel, uint32_t i)
{
    uint32_t length = test_frame_length(from, to, channel, i);
    GasketFrame *frame = gasket_frame_new(1 + i % 100, length, NULL);
    memset(frame->payload, (int)(from * 16 + to * 2 + channel + i), length);
    if (length >= 4)
        memcpy(frame->payload, &i, 4);
    return frame;
}

static inline bool
test_frame_is(const GasketFrame *frame, unsigned from, unsigned to, unsigned channel, uint32_t i)
{
    g_autoptr(GasketFrame) expected = test_frame_new(from, to, channel, i);
    return frame->type == expected->type && frame->length == expected->length &&
           memcmp(frame->payload, expected->payload, frame->length) == 0;
}

/* How much traffic. */
typedef struct {
    uint32_t n_frames; /* of each lane: ordered pair and channel */
} TestTraffic;

/* Sends the next frame of one lane if it is taken. */
static inline bool
test_traffic_send(TestMember *self, unsigned peer, unsigned channel, uint32_t *next, bool *progress)
{
    const TestTraffic *traffic = self->data;
    unsigned rank = self->transport->rank;
    bool sent = true;
    while (*next < traffic->n_frames && sent) {
        g_autoptr(GasketFrame) frame = test_frame_new(rank, peer, channel, *next);
        if (!gasket_transport_try_send(self->transport, peer, (GasketChannel)channel, &frame, &sent,
                                       &self->error))
            return false;
        *next += sent;
        *progress = *progress || sent;
        if (*next % 64 == 0) /* others get their turn */
            break;
    }
    return true;
}

/* Takes what has come on one lane; false if something else than the next frame has. */
static inline bool
test_traffic_receive(TestMember *self, unsigned peer, unsigned channel, uint32_t *next,
                     bool *progress)
{
    for (;;) {
        g_autoptr(GasketFrame) frame = NULL;
        if (!gasket_transport_receive(self->transport, peer, (GasketChannel)channel, &frame,
                                      &self->error))
            return false;
        if (frame == NULL)
            return true;
        if (!test_frame_is(frame, peer, self->transport->rank, channel, *next))
            return false;
        ++*next;
        *progress = true;
    }
}

/* All frames of all lanes of this member, both ways at once, then farewell. */
static inline void
test_traffic(TestMember *self)
{
    const TestTraffic *traffic = self->data;
    GasketTransport *transport = self->transport;
    uint32_t sent[16][2] = {0}, received[16][2] = {0};
    bool done = false;
    while (!done) {
        bool progress = false;
        done = true;
        for (unsigned peer = 0; peer < transport->size; peer++) {
            for (unsigned c = 0; c < GASKET_N_CHANNELS && peer != transport->rank; c++) {
                REQUIRE(self, test_traffic_send(self, peer, c, &sent[peer][c], &progress));
                REQUIRE(self, test_traffic_receive(self, peer, c, &received[peer][c], &progress));
                done = done && sent[peer][c] == traffic->n_frames &&
                       received[peer][c] == traffic->n_frames;
            }
        }
        if (!done && !progress)
            REQUIRE(self, gasket_transport_wait(transport, -1, &self->error));
    }
    for (unsigned peer = 0; peer < transport->size; peer++) {
        GasketTransportStats stats;
        gasket_transport_stats(transport, peer, &stats);
        uint64_t expected = peer == transport->rank ? 0 : 2 * (uint64_t)traffic->n_frames;
        REQUIRE(self, stats.frames_sent == expected && stats.frames_received == expected);
    }
    REQUIRE(self, gasket_transport_leave(transport, &self->error));
}

#endif
