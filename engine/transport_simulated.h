/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport that simulates a network from a seed. One member runs at a time: a member that waits
 * hands the turn to the simulator, which draws (Philox, from the seed) who runs next and which
 * frames arrive, advancing a virtual clock. The same seed gives the same run, and the same trace
 * hash. Members are threads, or fibers of one thread (gasket_simulated_run), which makes no
 * difference to the run but in time.
 */
#ifndef GASKET_ENGINE_TRANSPORT_SIMULATED_H
#define GASKET_ENGINE_TRANSPORT_SIMULATED_H

#include "engine/transport.h"

typedef struct {
    uint64_t seed;
    int64_t delay_us_min, delay_us_max; /* of each frame, uniform; order within a channel holds */
    int cut_peer;                       /* rank whose connections are all cut, or -1 */
    uint64_t cut_after_frames;          /* ... once so many frames were sent in all */
    size_t queue;                       /* replaces GASKET_TRANSPORT_QUEUE if not 0 */
    int64_t peer_timeout_us;
    unsigned slow_peer; /* rank that computes for slow_us each time that it has run, while others */
    int64_t slow_us;    /* run on; 0: nobody is slow */
} GasketSimulatedOptions;

typedef struct GasketSimulation GasketSimulation;

/* The simulation and its size members. Each member's thread must call nothing of its transport
 * before gasket_simulated_enter and must end with gasket_transport_free. */
GasketSimulation *gasket_simulation_new(unsigned size, const GasketSimulatedOptions *options,
                                        GasketTransport **ret_members, GError **error);

/* Called by each member's thread first: blocks until the simulator gives it its first turn. */
void gasket_simulated_enter(GasketTransport *member);

/* Instead of threads: calls talk(data, rank) for each member, each on a stack of its own, in this
 * thread, and returns when all have. talk must end with gasket_transport_free; it need not enter.
 * Error: MEMORY, and then none was called. */
bool gasket_simulated_run(GasketSimulation *simulation, void (*talk)(void *data, unsigned rank),
                          void *data, GError **error);

/* Whether that can be done here. */
bool gasket_simulated_has_fibers(void);

/* A hash of every event so far: who ran, what was sent and delivered, when. */
uint64_t gasket_simulation_trace(const GasketSimulation *simulation);

/* After every member was freed. */
void gasket_simulation_free(GasketSimulation *simulation);

#endif
