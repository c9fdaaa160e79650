/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport between threads of one process.
 *
 * How: the members share a hall with one lock and a queue for each ordered pair and channel. A
 * sender puts the frame where its receiver takes it: no copy, no thread, no delay.
 *
 *   hall    | lock | lane[from * size + to] ... |
 *   lane    | queue of control frames | queue of bulk frames | counters |
 *   member  | condition | changes, seen | failure |
 *
 *   open ──leave──> left ──free──> gone        the last member to go frees the hall
 *    └──────free (failure of all others)──> gone
 *
 * Invariants:
 *   1. Everything in the hall and its members is covered by the hall's lock.
 *   2. member->changes > member->seen exactly where something has happened since the member's last
 *      wait returned.
 *   3. lane->refused[channel] is set from a refusal until that queue is below half.
 *
 * Cost: one lock an operation; all pairs share it.
 */
#include "engine/transport_local.h"

#include <pthread.h>
#include <time.h>

#include "engine/transport_frame.h"
#include "engine/transport_queue.h"

typedef struct {
    GasketFrameQueue queue[GASKET_N_CHANNELS];
    bool refused[GASKET_N_CHANNELS];
    uint64_t n_frames;
    uint64_t n_bytes;
} Lane;

typedef struct Hall Hall;

typedef struct {
    GasketTransport base;
    Hall *hall;
    pthread_cond_t condition;
    uint64_t changes;
    uint64_t seen;
    bool left;
    GError *failure; /* the first; NULL while there is none */
} Member;

struct Hall {
    pthread_mutex_t lock;
    unsigned size;
    unsigned n_present;
    Member **member; /* [size] */
    Lane *lane;      /* [size * size] by from * size + to */
};

static Member *
member_of(GasketTransport *transport)
{
    return (Member *)transport;
}

static Lane *
lane_of(const Hall *hall, unsigned from, unsigned to)
{
    return &hall->lane[(size_t)from * hall->size + to];
}

/* Lets member's wait return. Locked. */
static void
notify(Member *member)
{
    member->changes++;
    pthread_cond_signal(&member->condition);
}

static bool
has_failed(const Member *member, GError **error)
{
    if (member->failure == NULL)
        return false;
    g_propagate_error(error, g_error_copy(member->failure));
    return true;
}

static bool
send_locked(Member *self, unsigned peer, GasketChannel channel, GasketFrame **frame, bool *ret_sent,
            GError **error)
{
    Hall *hall = self->hall;
    Lane *lane = lane_of(hall, self->base.rank, peer);
    if (has_failed(self, error))
        return false;
    if (hall->member[peer]->left) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_PEER, "rank %u has left", peer);
        return false;
    }
    *ret_sent = false;
    g_assert(!self->left);
    if (lane->queue[channel].bytes > GASKET_TRANSPORT_QUEUE) {
        lane->refused[channel] = true;
        return true;
    }
    lane->n_frames++;
    lane->n_bytes += GASKET_FRAME_HEADER + (*frame)->length;
    gasket_frame_queue_push_take(&lane->queue[channel], frame);
    notify(hall->member[peer]);
    *ret_sent = true;
    return true;
}

static bool
local_try_send(GasketTransport *transport, unsigned peer, GasketChannel channel,
               GasketFrame **frame, bool *ret_sent, GError **error)
{
    Member *self = member_of(transport);
    pthread_mutex_lock(&self->hall->lock);
    bool ok = send_locked(self, peer, channel, frame, ret_sent, error);
    pthread_mutex_unlock(&self->hall->lock);
    return ok;
}

static bool
local_receive(GasketTransport *transport, unsigned peer, GasketChannel channel,
              GasketFrame **ret_frame, GError **error)
{
    Member *self = member_of(transport);
    Hall *hall = self->hall;
    Lane *lane = lane_of(hall, peer, self->base.rank);

    pthread_mutex_lock(&hall->lock);
    GasketFrame *frame = gasket_frame_queue_pop(&lane->queue[channel]);
    bool ok = frame != NULL || !has_failed(self, error);
    if (lane->refused[channel] && lane->queue[channel].bytes < GASKET_TRANSPORT_QUEUE / 2) {
        lane->refused[channel] = false;
        notify(hall->member[peer]);
    }
    pthread_mutex_unlock(&hall->lock);
    if (ok)
        *ret_frame = frame;
    return ok;
}

static bool
local_has_left(GasketTransport *transport, unsigned peer)
{
    Hall *hall = member_of(transport)->hall;
    pthread_mutex_lock(&hall->lock);
    bool left = hall->member[peer]->left;
    pthread_mutex_unlock(&hall->lock);
    return left;
}

static int64_t
local_now(GasketTransport *transport)
{
    (void)transport; /* all members share the system's clock */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool
local_wait(GasketTransport *transport, int64_t timeout_us, GError **error)
{
    Member *self = member_of(transport);
    int64_t end_us = local_now(transport) + MAX(timeout_us, 0);
    struct timespec end = {.tv_sec = end_us / 1000000, .tv_nsec = end_us % 1000000 * 1000};

    pthread_mutex_lock(&self->hall->lock);
    int status = 0;
    while (self->changes == self->seen && self->failure == NULL && status == 0) {
        if (timeout_us < 0)
            status = pthread_cond_wait(&self->condition, &self->hall->lock);
        else
            status = pthread_cond_timedwait(&self->condition, &self->hall->lock, &end);
    }
    self->seen = self->changes;
    bool ok = !has_failed(self, error);
    pthread_mutex_unlock(&self->hall->lock);
    return ok;
}

static bool
local_leave(GasketTransport *transport, GError **error)
{
    Member *self = member_of(transport);
    Hall *hall = self->hall;
    pthread_mutex_lock(&hall->lock);
    bool ok = !has_failed(self, error);
    self->left = self->left || ok;
    for (unsigned i = 0; i < hall->size && ok; i++)
        notify(hall->member[i]);
    pthread_mutex_unlock(&hall->lock);
    return ok;
}

static void
local_stats(const GasketTransport *transport, unsigned peer, GasketTransportStats *ret_stats)
{
    Hall *hall = ((const Member *)transport)->hall;
    pthread_mutex_lock(&hall->lock);
    const Lane *out = lane_of(hall, transport->rank, peer);
    const Lane *in = lane_of(hall, peer, transport->rank);
    *ret_stats = (GasketTransportStats){
        .bytes_sent = out->n_bytes,
        .frames_sent = out->n_frames,
        .bytes_received = in->n_bytes,
        .frames_received = in->n_frames,
    };
    pthread_mutex_unlock(&hall->lock);
}

static void
hall_free(Hall *hall)
{
    for (size_t i = 0; i < (size_t)hall->size * hall->size; i++) {
        for (unsigned c = 0; c < GASKET_N_CHANNELS; c++)
            gasket_frame_queue_clear(&hall->lane[i].queue[c]);
    }
    for (unsigned i = 0; i < hall->size; i++) {
        pthread_cond_destroy(&hall->member[i]->condition);
        g_clear_error(&hall->member[i]->failure);
        g_free(hall->member[i]);
    }
    pthread_mutex_destroy(&hall->lock);
    g_free(hall->member);
    g_free(hall->lane);
    g_free(hall);
}

static void
local_free(GasketTransport *transport)
{
    Member *self = member_of(transport);
    Hall *hall = self->hall;
    pthread_mutex_lock(&hall->lock);
    for (unsigned i = 0; i < hall->size && !self->left; i++) {
        Member *other = hall->member[i];
        if (other == self || other->failure != NULL)
            continue;
        other->failure = g_error_new(GASKET_ERROR, GASKET_ERROR_PEER,
                                     "rank %u closed its connection", transport->rank);
        notify(other);
    }
    bool is_last = --hall->n_present == 0;
    pthread_mutex_unlock(&hall->lock);
    if (is_last)
        hall_free(hall);
}

static const GasketTransportClass local_class = {
    .try_send = local_try_send,
    .receive = local_receive,
    .has_left = local_has_left,
    .wait = local_wait,
    .leave = local_leave,
    .now = local_now,
    .stats = local_stats,
    .free = local_free,
};

static Member *
member_new(Hall *hall, unsigned rank)
{
    Member *member = g_new0(Member, 1);
    member->base = (GasketTransport){.class = &local_class, .rank = rank, .size = hall->size};
    member->hall = hall;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&member->condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return member;
}

bool
gasket_transport_local_new(unsigned size, GasketTransport **ret_members, GError **error)
{
    if (size == 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "a run needs at least one member");
        return false;
    }
    Hall *hall = g_new0(Hall, 1);
    pthread_mutex_init(&hall->lock, NULL);
    hall->size = size;
    hall->n_present = size;
    hall->lane = g_new0(Lane, (size_t)size * size);
    hall->member = g_new0(Member *, size);
    for (unsigned i = 0; i < size; i++) {
        hall->member[i] = member_new(hall, i);
        ret_members[i] = &hall->member[i]->base;
    }
    return true;
}
