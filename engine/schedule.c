/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules. See schedule.h.
 *
 * Invariants:
 *   1. A task that waits and does not run is in a queue of its bucket (sweep: has its bit); one
 *      that runs and waits is put there when it is done.
 *   2. Of a lane only `full` (under the lock), `full_buckets` and `n_put` are seen by others.
 *   3. Every chunk in `full` has as many tasks as a chunk holds.
 */
#include "engine/schedule.h"

#include <pthread.h>
#include <string.h>

#include "engine/array.h"
#include "engine/bitset.h"

#define SLAB_CHUNKS    64
#define PRIORITY_CHUNK 16 /* tasks taken at once: so many may run out of order */

typedef struct TaskChunk TaskChunk;
struct TaskChunk {
    TaskChunk *next;
    uint32_t n;
    uint32_t task[GASKET_SCHEDULE_CHUNK];
};

typedef struct {
    TaskChunk *first, *last;
} ChunkList;

struct GasketLaneQueue {
    pthread_mutex_t lock;
    ChunkList full[GASKET_SCHEDULE_BUCKETS];
    _Atomic uint64_t full_buckets; /* bits */
    _Atomic uint64_t n_put;        /* sweep: tasks ever put, for threads that found none */

    TaskChunk *open[GASKET_SCHEDULE_BUCKETS];
    uint64_t open_buckets; /* bits */
    TaskChunk *free;
    TaskChunk **slabs; /* [n_slabs] arrays */
    size_t n_slabs;
    uint64_t n_seen; /* sweep: tasks put, as of before this thread's last search */
} __attribute__((aligned(64)));

/* ---- life ------------------------------------------------------------------------------------ */

GasketSchedule *
gasket_schedule_new(GasketScheduler kind, uint32_t n_tasks, unsigned n_threads, GError **error)
{
    g_autoptr(GasketSchedule) schedule = g_new0(GasketSchedule, 1);

    schedule->kind = kind;
    schedule->n_tasks = n_tasks;
    schedule->n_buckets = kind == GASKET_SCHEDULER_PRIORITY ? GASKET_SCHEDULE_BUCKETS : 1;
    schedule->chunk = kind == GASKET_SCHEDULER_PRIORITY ? PRIORITY_CHUNK : GASKET_SCHEDULE_CHUNK;
    schedule->status = gasket_array_new(n_tasks, 1, error);
    if (schedule->status == NULL)
        return NULL;
    schedule->waiting =
        gasket_array_new(kind == GASKET_SCHEDULER_SWEEP ? gasket_bitset_words(n_tasks) : 1,
                         sizeof(uint64_t), error);
    if (schedule->waiting == NULL)
        return NULL;
    schedule->lanes = gasket_array_new(n_threads, sizeof *schedule->lanes, error);
    if (schedule->lanes == NULL)
        return NULL;
    for (; schedule->n_threads < n_threads; schedule->n_threads++)
        pthread_mutex_init(&schedule->lanes[schedule->n_threads].lock, NULL);
    return g_steal_pointer(&schedule);
}

static void
free_chunks(GasketLaneQueue *lane, TaskChunk *chunk)
{
    while (chunk != NULL) {
        TaskChunk *next = chunk->next;
        chunk->next = lane->free;
        lane->free = chunk;
        chunk = next;
    }
}

void
gasket_schedule_reset(GasketSchedule *schedule)
{
    memset((void *)schedule->status, 0, schedule->n_tasks);
    if (schedule->kind == GASKET_SCHEDULER_SWEEP)
        gasket_bitset_clear(schedule->waiting, schedule->n_tasks);
    for (unsigned t = 0; t < schedule->n_threads; t++) {
        GasketLaneQueue *lane = &schedule->lanes[t];
        for (unsigned b = 0; b < GASKET_SCHEDULE_BUCKETS; b++) {
            free_chunks(lane, lane->full[b].first);
            free_chunks(lane, lane->open[b]);
            lane->full[b] = (ChunkList){0};
            lane->open[b] = NULL;
        }
        lane->open_buckets = 0;
        lane->full_buckets = lane->n_put = lane->n_seen = 0;
    }
}

void
gasket_schedule_free(GasketSchedule *schedule)
{
    if (schedule == NULL)
        return;
    for (unsigned t = 0; t < schedule->n_threads; t++) {
        GasketLaneQueue *lane = &schedule->lanes[t];
        pthread_mutex_destroy(&lane->lock);
        for (size_t s = 0; s < lane->n_slabs; s++)
            gasket_array_free(lane->slabs[s]);
        g_free(lane->slabs);
    }
    gasket_array_free(schedule->lanes);
    gasket_array_free((void *)schedule->status);
    gasket_array_free(schedule->waiting);
    g_free(schedule);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

/* An empty chunk; NULL: there is no memory, which ends the run. */
static TaskChunk *
new_chunk(GasketSchedule *schedule, GasketLaneQueue *lane)
{
    if (lane->free == NULL) {
        TaskChunk *slab = gasket_array_new(SLAB_CHUNKS, sizeof *slab, NULL);
        if (slab == NULL) {
            atomic_store(&schedule->no_memory, true);
            return NULL;
        }
        lane->slabs = g_renew(TaskChunk *, lane->slabs, lane->n_slabs + 1);
        lane->slabs[lane->n_slabs++] = slab;
        for (unsigned i = 0; i < SLAB_CHUNKS; i++) {
            slab[i].next = lane->free;
            lane->free = &slab[i];
        }
    }
    TaskChunk *chunk = lane->free;
    lane->free = chunk->next;
    chunk->next = NULL;
    chunk->n = 0;
    return chunk;
}

/* Puts a full chunk behind the others of its bucket. */
static void
publish_chunk(GasketLaneQueue *lane, unsigned bucket, TaskChunk *chunk)
{
    ChunkList *list = &lane->full[bucket];

    pthread_mutex_lock(&lane->lock);
    if (list->first == NULL)
        list->first = chunk;
    else
        list->last->next = chunk;
    list->last = chunk;
    atomic_fetch_or_explicit(&lane->full_buckets, UINT64_C(1) << bucket, memory_order_release);
    pthread_mutex_unlock(&lane->lock);
}

/* The first full chunk of a lane's highest bucket; NULL if another thread was faster. */
static TaskChunk *
take_full(GasketLaneQueue *lane, unsigned *ret_bucket)
{
    TaskChunk *chunk = NULL;

    pthread_mutex_lock(&lane->lock);
    uint64_t buckets = atomic_load_explicit(&lane->full_buckets, memory_order_relaxed);
    if (buckets != 0) {
        *ret_bucket = 63 - (unsigned)__builtin_clzll(buckets);
        ChunkList *list = &lane->full[*ret_bucket];
        chunk = list->first;
        list->first = chunk->next;
        if (list->first == NULL)
            atomic_fetch_and_explicit(&lane->full_buckets, ~(UINT64_C(1) << *ret_bucket),
                                      memory_order_relaxed);
    }
    pthread_mutex_unlock(&lane->lock);
    return chunk;
}

/* Puts a task that waits where it can be taken. */
static void
put(GasketSchedule *schedule, unsigned thread, uint32_t task, unsigned bucket)
{
    GasketLaneQueue *lane = &schedule->lanes[thread];

    if (schedule->kind == GASKET_SCHEDULER_SWEEP) {
        __atomic_fetch_or(&schedule->waiting[task / 64], UINT64_C(1) << (task % 64),
                          __ATOMIC_RELAXED);
        uint64_t n = atomic_load_explicit(&lane->n_put, memory_order_relaxed);
        atomic_store_explicit(&lane->n_put, n + 1, memory_order_release);
        return;
    }
    TaskChunk *chunk = lane->open[bucket];
    if (chunk == NULL) {
        chunk = lane->open[bucket] = new_chunk(schedule, lane);
        if (chunk == NULL)
            return;
        lane->open_buckets |= UINT64_C(1) << bucket;
    }
    chunk->task[chunk->n++] = task;
    if (chunk->n < schedule->chunk)
        return;
    lane->open[bucket] = NULL;
    lane->open_buckets &= ~(UINT64_C(1) << bucket);
    publish_chunk(lane, bucket, chunk);
}

/* ---- waking ---------------------------------------------------------------------------------- */

void
gasket_schedule_wake_asleep(GasketSchedule *schedule, unsigned thread, uint32_t task,
                            unsigned bucket)
{
    _Atomic uint8_t *status = &schedule->status[task];
    uint8_t old = atomic_load_explicit(status, memory_order_relaxed), new;

    if (schedule->n_buckets == 1)
        bucket = 0;
    do {
        if (old >= gasket_task_waiting(bucket))
            return;
        new = (uint8_t)((old & GASKET_TASK_RUNS) | gasket_task_waiting(bucket));
        if (schedule->n_threads == 1) {
            atomic_store_explicit(status, new, memory_order_relaxed);
            break;
        }
    } while (!atomic_compare_exchange_weak_explicit(status, &old, new, memory_order_relaxed,
                                                    memory_order_relaxed));
    if (!(old & GASKET_TASK_RUNS))
        put(schedule, thread, task, bucket);
}

void
gasket_schedule_begin(GasketSchedule *schedule, uint32_t first, const uint32_t *offset, size_t n)
{
    for (size_t i = 0; i < n; i++)
        atomic_store_explicit(&schedule->status[first + offset[i]], GASKET_TASK_RUNS,
                              memory_order_relaxed);
}

void
gasket_schedule_done(GasketSchedule *schedule, unsigned thread, uint32_t first,
                     const uint32_t *offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        _Atomic uint8_t *status = &schedule->status[first + offset[i]];
        uint8_t old = GASKET_TASK_RUNS;
        if (schedule->n_threads == 1) {
            old = atomic_load_explicit(status, memory_order_relaxed);
            atomic_store_explicit(status,
                                  old & GASKET_TASK_WAITS ? (uint8_t)(old & ~GASKET_TASK_RUNS) : 0,
                                  memory_order_relaxed);
        } else {
            /* Release: the next thread that runs it sees what this one wrote. */
            while (!atomic_compare_exchange_weak_explicit(
                status, &old, old & GASKET_TASK_WAITS ? (uint8_t)(old & ~GASKET_TASK_RUNS) : 0,
                memory_order_release, memory_order_relaxed))
                ;
        }
        if (old & GASKET_TASK_WAITS)
            put(schedule, thread, first + offset[i], gasket_task_bucket(old));
    }
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* Makes a task that was found in a bucket run; false: the entry was left behind. */
static bool
claim(GasketSchedule *schedule, uint32_t task, unsigned bucket)
{
    _Atomic uint8_t *status = &schedule->status[task];

    if (schedule->n_threads == 1 || schedule->n_buckets == 1) {
        uint8_t old = atomic_load_explicit(status, memory_order_acquire);
        if (old != gasket_task_waiting(bucket))
            return false;
        atomic_store_explicit(status, GASKET_TASK_RUNS, memory_order_relaxed);
        return true;
    }
    uint8_t old = gasket_task_waiting(bucket);
    return atomic_compare_exchange_strong_explicit(status, &old, GASKET_TASK_RUNS,
                                                   memory_order_acquire, memory_order_relaxed);
}

static unsigned
take_words(GasketSchedule *schedule, unsigned thread, uint32_t *tasks)
{
    GasketLaneQueue *lane = &schedule->lanes[thread];
    size_t words = gasket_bitset_words(schedule->n_tasks);

    lane->n_seen = 0;
    for (unsigned t = 0; t < schedule->n_threads; t++)
        lane->n_seen += atomic_load_explicit(&schedule->lanes[t].n_put, memory_order_acquire);
    for (size_t i = 0; i < words; i++) {
        uint64_t at = atomic_load_explicit(&schedule->cursor, memory_order_relaxed);
        size_t w = at % words;
        uint64_t *word = &schedule->waiting[w];
        uint64_t bits = __atomic_load_n(word, __ATOMIC_RELAXED);
        if (bits != 0)
            bits = __atomic_exchange_n(word, 0, __ATOMIC_ACQUIRE);
        /* Whoever is first moves it on; another's word is passed over. */
        atomic_compare_exchange_strong_explicit(&schedule->cursor, &at, at + 1,
                                                memory_order_relaxed, memory_order_relaxed);
        if (bits == 0)
            continue;
        unsigned n = 0;
        for (; bits != 0; bits &= bits - 1) {
            uint32_t task = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);
            if (claim(schedule, task, 0))
                tasks[n++] = task;
        }
        if (n > 0)
            return n;
    }
    return 0;
}

/* The lane with the highest full bucket, another's only if it is more than one above own; own: this
 * thread's highest bucket, or -1. */
static GasketLaneQueue *
choose_lane(GasketSchedule *schedule, unsigned thread, int own)
{
    GasketLaneQueue *best = NULL;
    int height = own < 0 ? -1 : own + 1;

    for (unsigned i = 1; i < schedule->n_threads; i++) {
        GasketLaneQueue *lane = &schedule->lanes[(thread + i) % schedule->n_threads];
        uint64_t buckets = atomic_load_explicit(&lane->full_buckets, memory_order_relaxed);
        int top = buckets == 0 ? -1 : 63 - __builtin_clzll(buckets);
        if (top > height) {
            best = lane;
            height = top;
        }
    }
    return best;
}

static TaskChunk *
take_chunk(GasketSchedule *schedule, unsigned thread, unsigned *ret_bucket)
{
    GasketLaneQueue *lane = &schedule->lanes[thread];
    uint64_t full = atomic_load_explicit(&lane->full_buckets, memory_order_relaxed);
    uint64_t both = full | lane->open_buckets;
    int own = both == 0 ? -1 : 63 - __builtin_clzll(both);
    GasketLaneQueue *other = choose_lane(schedule, thread, own);
    TaskChunk *chunk = NULL;

    if (other != NULL)
        chunk = take_full(other, ret_bucket);
    if (chunk == NULL && own >= 0 && (full >> own & 1) != 0)
        chunk = take_full(lane, ret_bucket);
    if (chunk == NULL && own >= 0 && (lane->open_buckets >> own & 1) != 0) {
        *ret_bucket = (unsigned)own;
        chunk = lane->open[own];
        lane->open[own] = NULL;
        lane->open_buckets &= ~(UINT64_C(1) << own);
    }
    return chunk;
}

static void
sort(uint32_t *tasks, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        uint32_t task = tasks[i];
        unsigned k = i;
        for (; k > 0 && tasks[k - 1] > task; k--)
            tasks[k] = tasks[k - 1];
        tasks[k] = task;
    }
}

unsigned
gasket_schedule_take(GasketSchedule *schedule, unsigned thread, uint32_t *tasks)
{
    unsigned n = 0, bucket;
    TaskChunk *chunk;

    if (schedule->kind == GASKET_SCHEDULER_SWEEP) {
        n = take_words(schedule, thread, tasks);
    } else {
        while (n == 0 && (chunk = take_chunk(schedule, thread, &bucket)) != NULL) {
            for (uint32_t i = 0; i < chunk->n; i++)
                if (claim(schedule, chunk->task[i], bucket))
                    tasks[n++] = chunk->task[i];
            chunk->next = schedule->lanes[thread].free;
            schedule->lanes[thread].free = chunk;
        }
        sort(tasks, n);
    }
    gasket_schedule_fence();
    return n;
}

bool
gasket_schedule_may_take(const GasketSchedule *schedule, unsigned thread)
{
    const GasketLaneQueue *lane = &schedule->lanes[thread];
    uint64_t n_put = 0;

    if (lane->open_buckets != 0)
        return true;
    for (unsigned t = 0; t < schedule->n_threads; t++) {
        if (atomic_load_explicit(&schedule->lanes[t].full_buckets, memory_order_acquire) != 0)
            return true;
        n_put += atomic_load_explicit(&schedule->lanes[t].n_put, memory_order_acquire);
    }
    return schedule->kind == GASKET_SCHEDULER_SWEEP && n_put != lane->n_seen;
}
