/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules: which of the woken tasks (a vertex each) a thread runs next.
 *
 * A task, of which one byte tells all:
 *
 *            wake                    take                     done
 *   asleep ────────> waits(bucket) ────────> runs ──────────────────────> asleep
 *                      ^     │ wake: the     │ wake                 ^
 *                      │     └ larger bucket └──> runs, waits(b) ───┘ not: it waits again
 *                      └──────────────────────────────done──┘
 *
 * So a task waits at most once, never runs on two threads, and runs again if woken while it runs.
 *
 * fifo and priority: each thread has a lane, into which it puts what it wakes.
 *
 *   bucket b    full:  chunk ─> chunk ─> chunk     any thread takes the first, under a lock
 *               open:  chunk being filled          its own thread alone
 *
 * fifo has one bucket. With priority a bucket is a power of two: 2^(b - 50) <= p < 2^(b - 49). A
 * thread takes from its highest bucket, or from another lane's if that one's is more than a bucket
 * above. So where a task with priority p is taken, the only ones waiting with 4 p or more are in
 * chunks that other threads are filling (fewer than GASKET_SCHEDULE_CHUNK for each thread and
 * bucket) or were woken meanwhile. A task whose bucket rises is put into the higher one too; the
 * entry that it left behind is passed over.
 *
 * sweep: a bit for each task; threads take the words in turn, round and round.
 *
 * Nothing here is locked or allocated for each task: a lock and at most one allocation a chunk.
 *
 * A waker publishes a value, then calls gasket_schedule_fence, then wakes; a runner takes (which
 * has the fence), then reads values. So either the runner reads the new value or the waker sees
 * that the task does not wait, and wakes it.
 */
#ifndef GASKET_ENGINE_SCHEDULE_H
#define GASKET_ENGINE_SCHEDULE_H

#include <math.h>
#include <stdatomic.h>

#include <gasket/error.h>
#include <gasket/run.h>

#define GASKET_SCHEDULE_CHUNK   64
#define GASKET_SCHEDULE_BUCKETS 64

/* A task's byte: so that one comparison tells whether it waits in a bucket that is high enough. */
#define GASKET_TASK_RUNS   1u
#define GASKET_TASK_BUCKET 1 /* shift; 6 bits */
#define GASKET_TASK_WAITS  0x80u

static inline unsigned
gasket_task_bucket(uint8_t status)
{
    return status >> GASKET_TASK_BUCKET & (GASKET_SCHEDULE_BUCKETS - 1);
}

/* The least byte of a task that waits in a bucket, or in a higher one. */
static inline uint8_t
gasket_task_waiting(unsigned bucket)
{
    return (uint8_t)(GASKET_TASK_WAITS | bucket << GASKET_TASK_BUCKET);
}

typedef struct GasketLaneQueue GasketLaneQueue;

typedef struct {
    GasketScheduler kind;
    uint32_t n_tasks;
    unsigned n_threads, n_buckets, chunk; /* tasks of a chunk */
    _Atomic uint8_t *status;              /* [n_tasks] */
    GasketLaneQueue *lanes;               /* [n_threads] fifo, priority */
    uint64_t *waiting;                    /* bits by task: sweep */
    _Atomic uint64_t cursor;              /* next word: sweep */
    _Atomic bool no_memory;               /* a chunk could not be had: the run must end */
} GasketSchedule;

GasketSchedule *gasket_schedule_new(GasketScheduler kind, uint32_t n_tasks, unsigned n_threads,
                                    GError **error);
/* Nothing waits, nothing runs. No thread may be at it. */
void gasket_schedule_reset(GasketSchedule *schedule);

void gasket_schedule_free(GasketSchedule *schedule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketSchedule, gasket_schedule_free)

/* The bucket of a priority: 0 for what is not above 0. */
static inline unsigned
gasket_schedule_bucket(float priority)
{
    if (!(priority > 0))
        return 0;
    if (priority >= 0x1p13f)
        return GASKET_SCHEDULE_BUCKETS - 1;
    int bucket = ilogbf(priority) + 50;
    return bucket < 0 ? 0 : (unsigned)bucket;
}

/* Between publishing values and waking. */
static inline void
gasket_schedule_fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The part of waking that changes something. */
void gasket_schedule_wake_asleep(GasketSchedule *schedule, unsigned thread, uint32_t task,
                                 unsigned bucket);

/* Wakes a task, from a thread (its lane). */
static inline void
gasket_schedule_wake(GasketSchedule *schedule, unsigned thread, uint32_t task, unsigned bucket)
{
    uint8_t status = atomic_load_explicit(&schedule->status[task], memory_order_relaxed);
    if (status < gasket_task_waiting(schedule->n_buckets > 1 ? bucket : 0))
        gasket_schedule_wake_asleep(schedule, thread, task, bucket);
}

/* Wakes tasks first + offset[0 .. n - 1]. */
static inline void
gasket_schedule_wake_many(GasketSchedule *schedule, unsigned thread, uint32_t first,
                          const uint32_t *offset, uint64_t n, unsigned bucket)
{
    _Atomic uint8_t *status = schedule->status + first;
    uint8_t enough = gasket_task_waiting(schedule->n_buckets > 1 ? bucket : 0);

    for (uint64_t i = 0; i < n; i++)
        if (atomic_load_explicit(&status[offset[i]], memory_order_relaxed) < enough)
            gasket_schedule_wake_asleep(schedule, thread, first + offset[i], bucket);
}

/* Up to GASKET_SCHEDULE_CHUNK tasks for a thread, ascending; they run now. 0: it found none. */
unsigned gasket_schedule_take(GasketSchedule *schedule, unsigned thread, uint32_t *tasks);

/* Tasks first + offset[0 .. n - 1], which run, have read nothing yet: what has woken them since
 * they were taken they will see. For a schedule of one thread. */
void gasket_schedule_begin(GasketSchedule *schedule, uint32_t first, const uint32_t *offset,
                           size_t n);

/* Tasks first + offset[0 .. n - 1] have run. */
void gasket_schedule_done(GasketSchedule *schedule, unsigned thread, uint32_t first,
                          const uint32_t *offset, size_t n);

/* Whether it may be worth a thread's while to take, which the last time found none. */
bool gasket_schedule_may_take(const GasketSchedule *schedule, unsigned thread);

static inline bool
gasket_schedule_runs(const GasketSchedule *schedule, uint32_t task)
{
    return (atomic_load_explicit(&schedule->status[task], memory_order_relaxed) &
            GASKET_TASK_RUNS) != 0;
}

static inline bool
gasket_schedule_waits(const GasketSchedule *schedule, uint32_t task)
{
    return (atomic_load_explicit(&schedule->status[task], memory_order_relaxed) &
            GASKET_TASK_WAITS) != 0;
}

#endif
