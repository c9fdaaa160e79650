/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the simulated transport share. The picture is in transport_simulated.c.
 *
 *   transport_simulated.c          members: enter, send, receive, wait, leave, free
 *   transport_simulated_network.c  the simulator: flights, the wall, whose turn it is
 *   transport_simulated_fibers.c   members as fibers of one thread
 */
#ifndef GASKET_ENGINE_TRANSPORT_SIMULATED_INTERNAL_H
#define GASKET_ENGINE_TRANSPORT_SIMULATED_INTERNAL_H

#include <pthread.h>
#include <ucontext.h>

#include <gasket/random.h>

#include "engine/transport_frame.h"
#include "engine/transport_queue.h"
#include "engine/transport_simulated.h"

#define GASKET_NEVER INT64_MAX

/* ORDER: the numbers enter the trace. */
typedef enum {
    GASKET_EVENT_TURN = 1,
    GASKET_EVENT_SEND,
    GASKET_EVENT_ARRIVE,
    GASKET_EVENT_RECEIVE,
    GASKET_EVENT_LEAVE,
    GASKET_EVENT_CLOSE,
    GASKET_EVENT_CUT,
    GASKET_EVENT_SILENCE,
    GASKET_EVENT_REFUSE,
} GasketSimulatedEvent;

/* Something on its way. */
typedef struct GasketFlight GasketFlight;
struct GasketFlight {
    GasketSimulatedEvent type; /* SEND (a frame), LEAVE or CLOSE */
    GasketFrame *frame;        /* of SEND */
    int64_t arrives_us;
    GasketFlight *next;
};

typedef struct {
    GasketFlight *first, *last; /* flying */
    int64_t last_arrival_us;
    GasketFrameQueue arrived;
    size_t bytes;
    bool refused;
} GasketSimulatedLane;

typedef struct {
    uint64_t n_frames_sent, n_bytes_sent;
    uint64_t n_frames_arrived, n_bytes_arrived;
} GasketSimulatedTraffic;

typedef struct {
    GasketTransport base;
    GasketSimulation *simulation;
    pthread_cond_t condition; /* it may be this member's turn */
    bool entered;
    bool started; /* has had its first turn */
    bool left;
    bool gone;
    uint64_t changes, seen;
    int64_t deadline_us; /* of its wait */
    int64_t busy_us;     /* a slow one computes until then */
    GError *failure;
    bool *peer_left; /* [size] whose LEAVE has arrived */

    ucontext_t context; /* of a fiber that waits, and its stack */
    void *stack;
    size_t stack_bytes;
} GasketSimulatedMember;

struct GasketSimulation {
    pthread_mutex_t lock;
    unsigned size;
    GasketSimulatedOptions options;
    size_t queue;
    GasketRandom lots;   /* who and what is next */
    GasketRandom delays; /* how long frames fly */
    int64_t now_us;
    int64_t silence_us; /* when the cut is noticed */
    bool is_cut;
    uint64_t n_sent;
    uint64_t trace;
    unsigned n_entered;
    unsigned turn;                   /* whose; size while nobody's */
    GasketSimulatedMember *member;   /* [size] */
    GasketSimulatedLane *lane;       /* [size * size * GASKET_N_CHANNELS] */
    GasketSimulatedTraffic *traffic; /* [size * size] */

    bool fibers; /* members are fibers of one thread, and nothing is locked */
    ucontext_t caller;
    void (*talk)(void *data, unsigned rank);
    void *talk_data;
};

static inline GasketSimulatedLane *
gasket_simulated_lane(const GasketSimulation *simulation, unsigned from, unsigned to,
                      unsigned channel)
{
    return &simulation->lane[((size_t)from * simulation->size + to) * GASKET_N_CHANNELS + channel];
}

/* Adds an event to the trace; frame may be NULL. */
void gasket_simulated_trace(GasketSimulation *simulation, GasketSimulatedEvent type, unsigned from,
                            unsigned to, const GasketFrame *frame);

/* Sets something on its way, not to arrive before not_before_us; takes frame. */
void gasket_simulated_launch(GasketSimulation *simulation, unsigned from, unsigned to,
                             unsigned channel, GasketSimulatedEvent type, GasketFrame *frame,
                             int64_t not_before_us);

/* The same farewell to everyone, behind all that was sent. */
void gasket_simulated_launch_to_all(GasketSimulation *simulation, unsigned from,
                                    GasketSimulatedEvent type);

/* The first thing that flies, off its lane. g_free. */
GasketFlight *gasket_simulated_pop(GasketSimulatedLane *lane);

/* Raises the wall around options.cut_peer if it is time to. */
void gasket_simulated_cut_if_due(GasketSimulation *simulation);

/* Gives the baton to whoever is next. Locked. */
void gasket_simulated_pass_baton(GasketSimulation *simulation);

/* Runs the fiber whose turn it is until it is self's. */
void gasket_simulated_switch(GasketSimulatedMember *self);

#endif
