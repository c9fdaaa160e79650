/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an asynchronous run has ended: Mattern's four-counter method over the coordinator's star.
 *
 * A run has ended once every worker is idle and no message that could make work is on its way.
 * Nobody sees all workers at once, so rank 0 asks in waves. A worker answers a wave when it is
 * idle, with how many messages it has ever sent and received. Let S(w) and R(w) be the sums of
 * wave w. Then
 *
 *   the run has ended  <=>  R(w - 1) = S(w)
 *
 * because wave w begins after wave w - 1 ended: let t be a moment between them. Counters only rise,
 * so R(w - 1) <= R(t) <= S(t) <= S(w). If the outer two are equal then so are all: R(t) = S(t) says
 * that nothing is on its way at t, R(w - 1) = R(t) that nobody has received anything since it
 * answered, idle, and so is idle still. Messages may overtake one another as they like.
 *
 *   GasketTermination t;
 *   gasket_termination_init(&t, rank, size);
 *   while (!gasket_termination_is_over(&t)) {
 *       ... deliver messages: gasket_termination_received(&t, 1); work, send: ..._sent(&t, 1)
 *       gasket_termination_set_work(&t, GASKET_WORK_VERTICES, n_waiting + n_running);
 *       ... for each control message that came:
 *       if (!gasket_termination_take(&t, from, &message, error))
 *           return false;
 *       while (gasket_termination_next(&t, &to, &message))
 *           ... send it to rank `to`
 *   }
 *   switch (gasket_termination_verdict(&t)) ...
 *
 * A state machine and nothing else: it knows no transport, no clock and no thread. All calls come
 * from one thread, the one that delivers messages.
 *
 *   worker       running ──cease, take CEASE──> ceasing ──take VERDICT──> ended ──next: ACK──> over
 *                   └──────────────take VERDICT─────────────┘
 *   its wave     answered ──take PROBE──> asked ──idle, next: ANSWER──> answered
 *
 *   coordinator  wave w ──last ANSWER, R(w - 1) < S(w)──> wave w + 1
 *                   └─────last ANSWER, R(w - 1) = S(w)──> next: VERDICT to all ──last ACK──> over
 *
 * To cease (a limit, the user, a stop rule) is to make no new work: vertices that wait are given
 * up, messages that arrive are taken but wake nobody. The waves go on, so that the verdict comes
 * when nothing is on its way, whatever the reason. The first reason that reaches the coordinator
 * is everybody's.
 *
 * What the caller must do, each for a mistake that ends a run early or never:
 *   1. A message is counted as sent when it enters a batch, not when the batch leaves; batches that
 *      have not left are work (GASKET_WORK_BATCHES), and are flushed by whoever runs out of other
 *      work.
 *   2. What a message wakes is in set_work before next is called again: receiving and the work that
 *      comes of it are one step. What other threads do is work until what they sent is counted.
 *   3. Vertices that wait for locks are work (GASKET_WORK_LOCKS), and so is a snapshot.
 *   4. Everything that can make work is counted, and everything else that must have arrived before
 *      the run may go on to something else. Control messages themselves are not.
 *   5. Control messages of one rank to another arrive in the order they were sent.
 *   6. Counters are 64 bits and only rise.
 *   7. "Converged within epsilon" is no matter of counters: a rule of its own that asks to cease.
 *   8. A worker that died answers no wave: its transport's error ends the run;
 *      gasket_termination_dump tells what was known.
 *
 * When it is over on one worker, no control message to that worker is on its way; other workers may
 * not have heard the verdict yet.
 *
 * Cost: two messages for each worker and wave. A busy worker holds up its wave, so waves follow one
 * another fast only while all are idle and messages fly.
 *
 * Reference: F. Mattern, Algorithms for distributed termination detection, Distributed Computing 2
 * (1987), section 5.
 */
#ifndef GASKET_ENGINE_TERMINATION_H
#define GASKET_ENGINE_TERMINATION_H

#include <gasket/error.h>
#include <gasket/types.h>

/* Why a run ended. ORDER gasket_end */
typedef enum {
    GASKET_END_NONE,    /* it has not */
    GASKET_END_QUIET,   /* nobody had anything left to do */
    GASKET_END_RULE,    /* a stop rule held */
    GASKET_END_LIMIT,   /* of time, updates or steps */
    GASKET_END_STOPPED, /* the user asked */
    GASKET_N_ENDS,
} GasketEnd;

/* What keeps a worker from being idle. ORDER gasket_work */
typedef enum {
    GASKET_WORK_VERTICES, /* that wait for their turn, or run */
    GASKET_WORK_LOCKS,    /* vertices that wait for locks or remote values */
    GASKET_WORK_BATCHES,  /* batches with messages that have not left */
    GASKET_WORK_SNAPSHOT, /* under way */
    GASKET_N_WORKS,
} GasketWork;

/* ORDER gasket_termination_type */
typedef enum {
    GASKET_TERMINATION_PROBE = 1, /* 0 -> rank: a wave begins */
    GASKET_TERMINATION_ANSWER,    /* rank -> 0: its counters, when it was idle */
    GASKET_TERMINATION_CEASE,   /* rank -> 0: please, with a reason; 0 -> rank: make no new work */
    GASKET_TERMINATION_VERDICT, /* 0 -> rank: it has ended, with a reason */
    GASKET_TERMINATION_ACK,     /* rank -> 0: the last message */
} GasketTerminationType;

/* As it goes over the wire. */
typedef struct {
    uint32_t type;
    uint32_t reason;         /* GasketEnd, of CEASE and VERDICT; else 0 */
    uint64_t wave;           /* of PROBE, ANSWER and VERDICT; else 0 */
    uint64_t sent, received; /* of ANSWER; else 0 */
} GasketTerminationMessage;

G_STATIC_ASSERT(sizeof(GasketTerminationMessage) == 32);

/* What the coordinator knows of a rank. */
typedef struct {
    uint64_t wave; /* last answered */
    uint64_t sent, received;
    bool acknowledged;
} GasketTerminationRank;

typedef struct {
    unsigned rank, size;
    uint64_t sent, received; /* messages of this worker, ever */
    uint64_t work[GASKET_N_WORKS];
    uint64_t wave, answered; /* last asked, last answered */
    GasketEnd ceasing, verdict;
    unsigned *owed; /* [size] bit 1 << type of what is to be sent to each rank */

    /* Of the coordinator. */
    GasketTerminationRank *ranks; /* [size] */
    unsigned n_answers;           /* of this wave */
    unsigned n_acknowledged;
    uint64_t wave_sent, wave_received; /* sums of this wave's answers */
    uint64_t before;                   /* R of the wave before */
} GasketTermination;

void gasket_termination_init(GasketTermination *t, unsigned rank, unsigned size);
void gasket_termination_clear(GasketTermination *t);

/* ---- what this worker does ------------------------------------------------------------------- */

/* n messages more entered batches, or were delivered. */
void gasket_termination_sent(GasketTermination *t, uint64_t n);
void gasket_termination_received(GasketTermination *t, uint64_t n);

/* How much there is now of one sort of work. Idle is all of them 0. */
void gasket_termination_set_work(GasketTermination *t, GasketWork work, uint64_t n);
bool gasket_termination_is_idle(const GasketTermination *t);

/* Asks that the run end without having come to rest. Any rank, any number of times. This worker
 * ceases at once; it must have no work left of its own accord soon after. */
void gasket_termination_cease(GasketTermination *t, GasketEnd reason);

/* ---- control messages ------------------------------------------------------------------------ */

/* Takes what `from` sent. Everything is checked. Error: PROTOCOL. */
bool gasket_termination_take(GasketTermination *t, unsigned from,
                             const GasketTerminationMessage *message, GError **error);

/* The next message to send; false: none for now. What it says is true at this moment. */
bool gasket_termination_next(GasketTermination *t, unsigned *ret_to,
                             GasketTerminationMessage *ret_message);

/* ---- what came of it ------------------------------------------------------------------------- */

/* Other than NONE: make no new work. Set before the verdict; stands after it. */
GasketEnd gasket_termination_ceasing(const GasketTermination *t);

/* Why it ended, or NONE. The same on every rank. From then on no message that was counted is on
 * its way to anybody. */
GasketEnd gasket_termination_verdict(const GasketTermination *t);

/* Whether there is a verdict and this worker's part in it is done. */
bool gasket_termination_is_over(const GasketTermination *t);

/* Counters, work and waves as lines of text, for whoever wonders why nothing moves. g_free. */
char *gasket_termination_dump(const GasketTermination *t);

#endif
