/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator behind the simulated transport: what flies, what is cut, whose turn it is.
 *
 * How: there are three kinds of events on the virtual clock: arrivals, the notice of a silence, and
 * the end of a wait's time. When nobody can run the clock jumps to the next of them; when several
 * can, the lot decides, and now and then lets more arrive first.
 *
 * Invariants: those of transport_simulated.c.
 *
 * Cost: each event looks at all size^2 lanes.
 */
#include "engine/transport_simulated_internal.h"

#include <xxhash.h>

/* Longest turn on the virtual clock. */
#define TURN_US 10

void
gasket_simulated_trace(GasketSimulation *simulation, GasketSimulatedEvent type, unsigned from,
                       unsigned to, const GasketFrame *frame)
{
    uint64_t event[6] = {(uint64_t)simulation->now_us, type, from, to};
    if (frame != NULL) {
        event[4] = (uint64_t)frame->type << 32 | frame->length;
        event[5] = XXH3_64bits(frame->payload, frame->length);
    }
    simulation->trace = XXH3_64bits_withSeed(event, sizeof event, simulation->trace);
}

static void
fail_member(GasketSimulatedMember *member, GasketErrorCode code, const char *what, unsigned peer)
{
    if (member->failure == NULL)
        member->failure = g_error_new(GASKET_ERROR, (int)code, "rank %u %s", peer, what);
    member->changes++;
}

/* ---- flights --------------------------------------------------------------------------------- */

static bool
is_walled_off(const GasketSimulation *simulation, unsigned from, unsigned to)
{
    int wall = simulation->options.cut_peer;
    return simulation->is_cut && ((int)from == wall || (int)to == wall);
}

void
gasket_simulated_launch(GasketSimulation *simulation, unsigned from, unsigned to, unsigned channel,
                        GasketSimulatedEvent type, GasketFrame *frame, int64_t not_before_us)
{
    const GasketSimulatedOptions *options = &simulation->options;
    GasketSimulatedLane *lane = gasket_simulated_lane(simulation, from, to, channel);
    uint32_t spread = (uint32_t)(options->delay_us_max - options->delay_us_min) + 1;
    int64_t arrives = simulation->now_us + options->delay_us_min +
                      gasket_random_below(&simulation->delays, spread);
    arrives = MAX(arrives, MAX(lane->last_arrival_us, not_before_us));
    if (is_walled_off(simulation, from, to))
        arrives = GASKET_NEVER;
    else
        lane->last_arrival_us = arrives;

    GasketFlight *flight = g_new0(GasketFlight, 1);
    *flight = (GasketFlight){.type = type, .frame = frame, .arrives_us = arrives};
    if (lane->first == NULL)
        lane->first = flight;
    else
        lane->last->next = flight;
    lane->last = flight;
    gasket_simulated_trace(simulation, type, from, to, frame);
}

void
gasket_simulated_launch_to_all(GasketSimulation *simulation, unsigned from,
                               GasketSimulatedEvent type)
{
    for (unsigned to = 0; to < simulation->size; to++) {
        if (to != from)
            gasket_simulated_launch(
                simulation, from, to, GASKET_CHANNEL_CONTROL, type, NULL,
                gasket_simulated_lane(simulation, from, to, GASKET_CHANNEL_BULK)->last_arrival_us);
    }
}

GasketFlight *
gasket_simulated_pop(GasketSimulatedLane *lane)
{
    GasketFlight *flight = lane->first;
    lane->first = flight->next;
    return flight;
}

static void
arrive(GasketSimulation *simulation, unsigned from, unsigned to, unsigned channel)
{
    GasketSimulatedLane *lane = gasket_simulated_lane(simulation, from, to, channel);
    GasketSimulatedMember *member = &simulation->member[to];
    g_autofree GasketFlight *flight = gasket_simulated_pop(lane);
    gasket_simulated_trace(simulation, GASKET_EVENT_ARRIVE, from, to, flight->frame);
    member->changes++;
    if (flight->type == GASKET_EVENT_SEND) {
        GasketSimulatedTraffic *traffic =
            &simulation->traffic[(size_t)from * simulation->size + to];
        traffic->n_frames_arrived++;
        traffic->n_bytes_arrived += GASKET_FRAME_HEADER + flight->frame->length;
        gasket_frame_queue_push_take(&lane->arrived, &flight->frame);
    } else if (flight->type == GASKET_EVENT_LEAVE) {
        member->peer_left[from] = true;
    } else {
        fail_member(member, GASKET_ERROR_PEER, "closed its connection", from);
    }
}

/* When the next flight arrives; GASKET_NEVER if none does. */
static int64_t
next_arrival(const GasketSimulation *simulation)
{
    int64_t next = GASKET_NEVER;
    for (size_t i = 0; i < (size_t)simulation->size * simulation->size * GASKET_N_CHANNELS; i++) {
        if (simulation->lane[i].first != NULL)
            next = MIN(next, simulation->lane[i].first->arrives_us);
    }
    return next;
}

/* Everything whose time has come happens, by time and then by lane. */
static void
deliver(GasketSimulation *simulation)
{
    for (int64_t time; (time = next_arrival(simulation)) <= simulation->now_us;) {
        for (unsigned from = 0; from < simulation->size; from++) {
            for (unsigned to = 0; to < simulation->size; to++) {
                for (unsigned c = 0; c < GASKET_N_CHANNELS; c++) {
                    GasketSimulatedLane *lane = gasket_simulated_lane(simulation, from, to, c);
                    while (lane->first != NULL && lane->first->arrives_us <= time)
                        arrive(simulation, from, to, c);
                }
            }
        }
    }
}

/* ---- the wall -------------------------------------------------------------------------------- */

static void
cut(GasketSimulation *simulation)
{
    unsigned wall = (unsigned)simulation->options.cut_peer;
    simulation->is_cut = true;
    simulation->silence_us = simulation->now_us + simulation->options.peer_timeout_us;
    gasket_simulated_trace(simulation, GASKET_EVENT_CUT, wall, wall, NULL);
    for (unsigned i = 0; i < simulation->size; i++) {
        for (unsigned c = 0; c < GASKET_N_CHANNELS; c++) {
            for (GasketFlight *f = gasket_simulated_lane(simulation, i, wall, c)->first; f != NULL;
                 f = f->next)
                f->arrives_us = GASKET_NEVER;
            for (GasketFlight *f = gasket_simulated_lane(simulation, wall, i, c)->first; f != NULL;
                 f = f->next)
                f->arrives_us = GASKET_NEVER;
        }
    }
}

void
gasket_simulated_cut_if_due(GasketSimulation *simulation)
{
    if (simulation->options.cut_peer >= 0 && !simulation->is_cut &&
        simulation->n_sent >= simulation->options.cut_after_frames)
        cut(simulation);
}

static void
notice_silence(GasketSimulation *simulation)
{
    unsigned wall = (unsigned)simulation->options.cut_peer;
    g_autofree char *what =
        g_strdup_printf("was silent for %g s", (double)simulation->options.peer_timeout_us / 1e6);
    simulation->silence_us = GASKET_NEVER;
    gasket_simulated_trace(simulation, GASKET_EVENT_SILENCE, wall, wall, NULL);
    for (unsigned i = 0; i < simulation->size; i++) {
        GasketSimulatedMember *member = &simulation->member[i];
        unsigned peer = i != wall ? wall : wall == 0 ? 1 : 0;
        if (peer < simulation->size && !member->peer_left[peer])
            fail_member(member, GASKET_ERROR_PEER, what, peer);
    }
}

/* ---- turns ----------------------------------------------------------------------------------- */

/* Whether there is something that it would do if it did not compute still. */
static bool
has_cause(const GasketSimulation *simulation, const GasketSimulatedMember *member)
{
    return !member->gone && (!member->started || member->changes != member->seen ||
                             member->failure != NULL || member->deadline_us <= simulation->now_us);
}

static bool
is_runnable(const GasketSimulation *simulation, const GasketSimulatedMember *member)
{
    return has_cause(simulation, member) && member->busy_us <= simulation->now_us;
}

/* When the clock alone changes something. */
static int64_t
next_time(const GasketSimulation *simulation)
{
    int64_t next = MIN(next_arrival(simulation), simulation->silence_us);
    for (unsigned i = 0; i < simulation->size; i++) {
        const GasketSimulatedMember *member = &simulation->member[i];
        if (has_cause(simulation, member))
            next = MIN(next, member->busy_us);
        else if (!member->gone)
            next = MIN(next, member->deadline_us);
    }
    return next;
}

static void
advance(GasketSimulation *simulation, int64_t time)
{
    simulation->now_us = MAX(simulation->now_us, time);
    if (simulation->silence_us <= simulation->now_us)
        notice_silence(simulation);
    deliver(simulation);
}

/* Everybody waits for what can never come. */
static void
end_deadlock(GasketSimulation *simulation)
{
    for (unsigned i = 0; i < simulation->size; i++) {
        GasketSimulatedMember *member = &simulation->member[i];
        if (!member->gone && member->failure == NULL)
            member->failure =
                g_error_new(GASKET_ERROR, GASKET_ERROR_FAILED,
                            "every member waits and nothing is on its way to any of them");
    }
}

/* The member that runs next; size if none is left. */
static unsigned
pick_next(GasketSimulation *simulation)
{
    for (;;) {
        unsigned n_runnable = 0, n_present = 0;
        advance(simulation, simulation->now_us);
        for (unsigned i = 0; i < simulation->size; i++) {
            n_present += !simulation->member[i].gone;
            n_runnable += is_runnable(simulation, &simulation->member[i]);
        }
        if (n_present == 0)
            return simulation->size;

        if (n_runnable == 0) {
            int64_t next = next_time(simulation);
            if (next == GASKET_NEVER)
                end_deadlock(simulation);
            else
                advance(simulation, next);
            continue;
        }
        /* Now and then everybody is slow, and more arrives first. */
        int64_t next = next_arrival(simulation);
        if (next != GASKET_NEVER && gasket_random_below(&simulation->lots, 4) == 0) {
            advance(simulation, next);
            continue;
        }
        unsigned lot = gasket_random_below(&simulation->lots, n_runnable), i = 0;
        while (!is_runnable(simulation, &simulation->member[i]) || lot-- > 0)
            i++;
        simulation->now_us += gasket_random_below(&simulation->lots, TURN_US);
        return i;
    }
}

void
gasket_simulated_pass_baton(GasketSimulation *simulation)
{
    simulation->turn = pick_next(simulation);
    if (simulation->turn == simulation->size)
        return;
    GasketSimulatedMember *next = &simulation->member[simulation->turn];
    gasket_simulated_trace(simulation, GASKET_EVENT_TURN, simulation->turn, simulation->turn, NULL);
    next->started = true;
    next->seen = next->changes;
    next->deadline_us = GASKET_NEVER;
    if (!simulation->fibers)
        pthread_cond_signal(&next->condition);
}
