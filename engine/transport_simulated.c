/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport that simulates a network from a seed.
 *
 * How: members are threads (or fibers, transport_simulated_fibers.c), but a baton (`turn`) lets
 * one of them run at a time. Whoever waits gives it back, and the simulator, in the thread of the
 * one that waits, decides what happens next: something arrives, or somebody runs.
 *
 *   lane[from * size + to][channel]
 *     flying   frame ─> frame ─> ...   (each with the virtual time at which it arrives, rising)
 *        │ deliver, when the clock has come so far
 *     arrived  frame ─> frame ─> ...   (until the member receives them)
 *
 *   waiting ──(pick_next, by lot)──> running ──wait──> waiting     one member is running
 *                                       └────free────> gone
 *
 * The clock stands still while a member computes; a turn costs a few microseconds by lot, a look
 * at the clock one. So the whole run is a function of the seed and of what members do.
 *
 * A cut peer is a peer behind a wall: what flies is lost, what is sent later never arrives, and
 * after peer_timeout_us both sides know of the silence. When every member waits for what can never
 * come, their waits fail: a simulated run cannot hang.
 *
 * Invariants:
 *   1. Only the member whose turn it is, or a thread that holds the lock and passes the baton,
 *      touches the simulation.
 *   2. Arrival times rise along a lane; LEAVE and the end of a connection come after everything
 *      that was sent before, on both channels.
 *   3. lane->bytes is what the frames flying and arrived cost.
 *   4. Every draw and every event enters the trace.
 *
 * Cost: a turn is a change of threads; more in transport_simulated_network.c.
 */
#include "engine/transport_simulated_internal.h"

#define PEER_TIMEOUT_US ((int64_t)10 * 1000000)

static GasketSimulatedMember *
member_of(GasketTransport *transport)
{
    return (GasketSimulatedMember *)transport;
}

static bool
has_failed(const GasketSimulatedMember *member, GError **error)
{
    if (member->failure == NULL)
        return false;
    g_propagate_error(error, g_error_copy(member->failure));
    return true;
}

static void
lock(GasketSimulation *simulation)
{
    if (!simulation->fibers)
        pthread_mutex_lock(&simulation->lock);
}

static void
unlock(GasketSimulation *simulation)
{
    if (!simulation->fibers)
        pthread_mutex_unlock(&simulation->lock);
}

/* Sleeps until it is self's turn. Locked. */
static void
await_turn(GasketSimulatedMember *self)
{
    if (self->simulation->fibers)
        gasket_simulated_switch(self);
    while (self->simulation->turn != self->base.rank)
        pthread_cond_wait(&self->condition, &self->simulation->lock);
}

void
gasket_simulated_enter(GasketTransport *transport)
{
    GasketSimulatedMember *self = member_of(transport);
    GasketSimulation *simulation = self->simulation;
    if (simulation->fibers)
        return; /* it runs because it is its turn */
    pthread_mutex_lock(&simulation->lock);
    g_assert(!self->entered);
    self->entered = true;
    simulation->n_entered++;
    if (simulation->n_entered == simulation->size) { /* in whatever order they came */
        gasket_simulated_cut_if_due(simulation);
        gasket_simulated_pass_baton(simulation);
    }
    await_turn(self);
    pthread_mutex_unlock(&simulation->lock);
}

/* ---- the transport --------------------------------------------------------------------------- */

static bool
simulated_try_send(GasketTransport *transport, unsigned peer, GasketChannel channel,
                   GasketFrame **frame, bool *ret_sent, GError **error)
{
    GasketSimulatedMember *self = member_of(transport);
    GasketSimulation *simulation = self->simulation;
    GasketSimulatedLane *lane = gasket_simulated_lane(simulation, transport->rank, peer, channel);
    if (has_failed(self, error))
        return false;
    if (self->peer_left[peer]) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_PEER, "rank %u has left", peer);
        return false;
    }
    *ret_sent = false;
    g_assert(!self->left && simulation->turn == transport->rank);
    if (lane->bytes > simulation->queue) {
        lane->refused = true;
        gasket_simulated_trace(simulation, GASKET_EVENT_REFUSE, transport->rank, peer, NULL);
        return true;
    }
    GasketSimulatedTraffic *traffic =
        &simulation->traffic[(size_t)transport->rank * simulation->size + peer];
    traffic->n_frames_sent++;
    traffic->n_bytes_sent += GASKET_FRAME_HEADER + (*frame)->length;
    lane->bytes += gasket_frame_cost(*frame);
    gasket_simulated_launch(simulation, transport->rank, peer, channel, GASKET_EVENT_SEND,
                            g_steal_pointer(frame), 0);
    simulation->n_sent++;
    gasket_simulated_cut_if_due(simulation);
    *ret_sent = true;
    return true;
}

static bool
simulated_receive(GasketTransport *transport, unsigned peer, GasketChannel channel,
                  GasketFrame **ret_frame, GError **error)
{
    GasketSimulatedMember *self = member_of(transport);
    GasketSimulation *simulation = self->simulation;
    GasketSimulatedLane *lane = gasket_simulated_lane(simulation, peer, transport->rank, channel);
    g_assert(simulation->turn == transport->rank);
    GasketFrame *frame = gasket_frame_queue_pop(&lane->arrived);
    if (frame == NULL && has_failed(self, error))
        return false;
    *ret_frame = frame;
    if (frame == NULL)
        return true;
    gasket_simulated_trace(simulation, GASKET_EVENT_RECEIVE, peer, transport->rank, frame);
    lane->bytes -= gasket_frame_cost(frame);
    if (lane->refused && lane->bytes < simulation->queue / 2) {
        lane->refused = false;
        simulation->member[peer].changes++;
    }
    return true;
}

static bool
simulated_has_left(GasketTransport *transport, unsigned peer)
{
    return member_of(transport)->peer_left[peer];
}

static bool
simulated_wait(GasketTransport *transport, int64_t timeout_us, GError **error)
{
    GasketSimulatedMember *self = member_of(transport);
    GasketSimulation *simulation = self->simulation;
    lock(simulation);
    g_assert(simulation->turn == transport->rank);
    if (self->failure == NULL) {
        self->deadline_us = timeout_us < 0 ? GASKET_NEVER : simulation->now_us + timeout_us;
        if (transport->rank == simulation->options.slow_peer)
            self->busy_us = simulation->now_us + simulation->options.slow_us;
        gasket_simulated_pass_baton(simulation);
        await_turn(self);
    }
    bool ok = !has_failed(self, error);
    unlock(simulation);
    return ok;
}

static bool
simulated_leave(GasketTransport *transport, GError **error)
{
    GasketSimulatedMember *self = member_of(transport);
    if (has_failed(self, error))
        return false;
    if (!self->left)
        gasket_simulated_launch_to_all(self->simulation, transport->rank, GASKET_EVENT_LEAVE);
    self->left = true;
    return true;
}

static int64_t
simulated_now(GasketTransport *transport)
{
    /* Looking at the clock takes time, so that waiting for a time by looking ends. */
    return member_of(transport)->simulation->now_us++;
}

static void
simulated_stats(const GasketTransport *transport, unsigned peer, GasketTransportStats *ret_stats)
{
    const GasketSimulation *simulation = ((const GasketSimulatedMember *)transport)->simulation;
    const GasketSimulatedTraffic *out =
        &simulation->traffic[(size_t)transport->rank * simulation->size + peer];
    const GasketSimulatedTraffic *in =
        &simulation->traffic[(size_t)peer * simulation->size + transport->rank];
    *ret_stats = (GasketTransportStats){
        .bytes_sent = out->n_bytes_sent,
        .frames_sent = out->n_frames_sent,
        .bytes_received = in->n_bytes_arrived,
        .frames_received = in->n_frames_arrived,
    };
}

static void
simulated_free(GasketTransport *transport)
{
    GasketSimulatedMember *self = member_of(transport);
    GasketSimulation *simulation = self->simulation;
    lock(simulation);
    g_assert(simulation->turn == transport->rank);
    self->gone = true;
    if (!self->left)
        gasket_simulated_launch_to_all(simulation, transport->rank, GASKET_EVENT_CLOSE);
    gasket_simulated_pass_baton(simulation);
    unlock(simulation);
}

static const GasketTransportClass simulated_class = {
    .try_send = simulated_try_send,
    .receive = simulated_receive,
    .has_left = simulated_has_left,
    .wait = simulated_wait,
    .leave = simulated_leave,
    .now = simulated_now,
    .stats = simulated_stats,
    .free = simulated_free,
};

/* ---- life cycle ------------------------------------------------------------------------------ */

static bool
check_options(unsigned size, const GasketSimulatedOptions *options, GError **error)
{
    const char *wrong = NULL;
    if (size == 0)
        wrong = "a run needs at least one member";
    else if (options->delay_us_min < 0 || options->delay_us_max < options->delay_us_min ||
             options->delay_us_max >= UINT32_MAX)
        wrong = "delays must rise from delay_us_min to delay_us_max, below 2^32 - 1";
    else if (options->cut_peer < -1 || options->cut_peer >= (int)size)
        wrong = "cut_peer must be a rank, or -1";
    else if (options->slow_us < 0)
        wrong = "slow_us must not be negative";
    else if (options->peer_timeout_us < 0)
        wrong = "peer_timeout_us must not be negative";
    if (wrong != NULL)
        g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, wrong);
    return wrong == NULL;
}

GasketSimulation *
gasket_simulation_new(unsigned size, const GasketSimulatedOptions *options,
                      GasketTransport **ret_members, GError **error)
{
    if (!check_options(size, options, error))
        return NULL;
    GasketSimulation *simulation = g_new0(GasketSimulation, 1);
    pthread_mutex_init(&simulation->lock, NULL);
    simulation->size = simulation->turn = size;
    simulation->options = *options;
    if (options->peer_timeout_us == 0)
        simulation->options.peer_timeout_us = PEER_TIMEOUT_US;
    simulation->queue = options->queue > 0 ? options->queue : GASKET_TRANSPORT_QUEUE;
    simulation->lots = gasket_random_at(options->seed, /* stream= */ 0, 0, 0);
    simulation->delays = gasket_random_at(options->seed, /* stream= */ 1, 0, 0);
    simulation->silence_us = GASKET_NEVER;
    simulation->lane = g_new0(GasketSimulatedLane, (size_t)size * size * GASKET_N_CHANNELS);
    simulation->traffic = g_new0(GasketSimulatedTraffic, (size_t)size * size);
    simulation->member = g_new0(GasketSimulatedMember, size);
    for (unsigned i = 0; i < size; i++) {
        GasketSimulatedMember *member = &simulation->member[i];
        member->base = (GasketTransport){.class = &simulated_class, .rank = i, .size = size};
        member->simulation = simulation;
        member->deadline_us = GASKET_NEVER;
        member->peer_left = g_new0(bool, size);
        pthread_cond_init(&member->condition, NULL);
        ret_members[i] = &member->base;
    }
    return simulation;
}

uint64_t
gasket_simulation_trace(const GasketSimulation *simulation)
{
    return simulation->trace;
}

void
gasket_simulation_free(GasketSimulation *simulation)
{
    if (simulation == NULL)
        return;
    for (size_t i = 0; i < (size_t)simulation->size * simulation->size * GASKET_N_CHANNELS; i++) {
        GasketSimulatedLane *lane = &simulation->lane[i];
        gasket_frame_queue_clear(&lane->arrived);
        while (lane->first != NULL) {
            GasketFlight *flight = gasket_simulated_pop(lane);
            gasket_frame_free(flight->frame);
            g_free(flight);
        }
    }
    for (unsigned i = 0; i < simulation->size; i++) {
        pthread_cond_destroy(&simulation->member[i].condition);
        g_clear_error(&simulation->member[i].failure);
        g_free(simulation->member[i].peer_left);
    }
    pthread_mutex_destroy(&simulation->lock);
    g_free(simulation->member);
    g_free(simulation->lane);
    g_free(simulation->traffic);
    g_free(simulation);
}
