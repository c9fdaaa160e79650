/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asynchronous engine's phases: threads that run woken vertices until none is left, and what
 * an iteration of such a run is. See async.h.
 *
 *   start ──> running ──every thread idle──> quiet ──┐
 *                └──────time, limit, ^C──> ceasing ──┴──> settle ──> report ──> start, or done
 *
 * A thread is idle once it has found nothing to take. Only a thread that is not idle puts tasks
 * anywhere, and a thread's own lane is empty when it becomes idle: so once all are idle at one
 * moment there is nothing left, on this worker.
 */
#include "engine/async.h"

#include <math.h>
#include <sched.h>
#include <time.h>

#include "engine/array.h"
#include "engine/async_scope.h"
#include "engine/bitset.h"
#include "engine/snapshots.h"

#define ITERATION_US ((int64_t)1000000)
#define SPINS        200 /* looks for work before a thread sleeps between them */
#define SLEEP_NS     50000
#define LOOK_EVERY   16 /* blocks that thread 0 runs between looks at the clock */

/* ---- running tasks --------------------------------------------------------------------------- */

/* Runs tasks, ascending, in blocks of one kind. */
static void
run_tasks(GasketAsyncThread *thread, const uint32_t *tasks, unsigned n)
{
    const GasketAsync *async = thread->async;
    const GasketAsyncKind *kind = async->kinds;

    for (unsigned i = 0; i < n;) {
        while (tasks[i] - kind->first_cell >= kind->part->n_local)
            kind++;
        size_t count = 0;
        for (; i < n && count < kind->block && tasks[i] - kind->first_cell < kind->part->n_local;
             i++)
            thread->vertex[count++] = tasks[i] - kind->first_cell;
        gasket_async_run_block(thread, kind, count);
    }
}

static uint64_t
n_ran(const GasketAsync *async)
{
    uint64_t n = 0;
    for (unsigned t = 0; t < async->run->n_threads; t++)
        n += atomic_load_explicit(&async->threads[t].n_ran, memory_order_relaxed);
    return n;
}

/* Whether this worker has a reason to end the phase. */
static bool
wants_end(GasketAsync *async)
{
    GasketRun *run = async->run;
    int64_t now = g_get_monotonic_time();

    async->asked = run->stop != NULL && *run->stop > 0;
    async->limited =
        (run->max_seconds > 0 && (double)(now - run->run_began_us) / 1e6 >= run->max_seconds) ||
        (run->max_updates > 0 && async->n_ran_before + n_ran(async) >= run->max_updates);
    return async->asked || async->limited || now >= async->phase_ends_us;
}

static void
rest(unsigned *n_looks)
{
    static const struct timespec a_little = {0, SLEEP_NS};

    if (++*n_looks < SPINS)
        sched_yield();
    else
        nanosleep(&a_little, NULL);
}

static void
work(void *data, unsigned index)
{
    GasketAsync *async = data;
    GasketAsyncThread *thread = &async->threads[index];
    uint32_t tasks[GASKET_SCHEDULE_CHUNK];
    unsigned n_blocks = 0, n_looks = 0;

    while (!atomic_load_explicit(&async->ending, memory_order_relaxed)) {
        if (index == 0 && n_blocks++ % LOOK_EVERY == 0 && wants_end(async))
            break;
        if (thread->idle) {
            if (atomic_load(&async->n_busy) == 0)
                break;
            if (!gasket_schedule_may_take(async->schedule, index) &&
                atomic_load_explicit(&async->scopes.n_claims, memory_order_relaxed) == 0) {
                rest(&n_looks);
                continue;
            }
            thread->idle = false;
            atomic_fetch_add(&async->n_busy, 1);
        }
        if (atomic_load_explicit(&async->scopes.n_claims, memory_order_relaxed) > 0)
            gasket_async_attend_scopes(thread);
        unsigned n = gasket_schedule_take(async->schedule, index, tasks);
        if (n == 0) {
            thread->idle = true;
            atomic_fetch_sub(&async->n_busy, 1);
            rest(&n_looks);
            continue;
        }
        n_looks = 0;
        run_tasks(thread, tasks, n);
        if (atomic_load_explicit(&async->schedule->no_memory, memory_order_relaxed))
            break;
    }
    atomic_store(&async->ending, true);
    /* What waits in a scope must run, for its task runs already. */
    while (index == 0 && atomic_load(&async->scopes.n) > 0)
        gasket_async_attend_scopes(thread);
}

/* ---- phases ---------------------------------------------------------------------------------- */

/* Wakes those that were woken between phases. */
static void
wake_active(GasketAsync *async)
{
    unsigned n_threads = async->run->n_threads;
    uint32_t n = 0;

    for (unsigned k = 0; k < async->n_kinds; k++) {
        GasketAsyncKind *kind = &async->kinds[k];
        if (kind->program == NULL)
            continue;
        uint32_t n_owned = kind->part->n_owned;
        if (kind->data->all_active)
            gasket_bitset_fill(kind->data->active, n_owned);
        kind->data->all_active = false;
        for (uint32_t v = gasket_bitset_next(kind->data->active, 0, n_owned); v < n_owned;
             v = gasket_bitset_next(kind->data->active, v + 1, n_owned), n++)
            gasket_schedule_wake(async->schedule, n / GASKET_SCHEDULE_CHUNK % n_threads,
                                 kind->first_cell + v, GASKET_SCHEDULE_BUCKETS - 1);
        gasket_bitset_clear(kind->data->active, n_owned);
    }
}

/* After a phase: who waits is active, and what a monotone step may push from is not known. */
static void
settle(GasketAsync *async)
{
    for (unsigned k = 0; k < async->n_kinds; k++) {
        GasketAsyncKind *kind = &async->kinds[k];
        if (kind->program == NULL)
            continue;
        for (uint32_t v = 0; v < kind->part->n_owned; v++)
            if (gasket_schedule_waits(async->schedule, kind->first_cell + v))
                gasket_bitset_add(kind->data->active, v);
        if (!kind->publishes)
            continue;
        kind->data->all_changed = true;
        kind->data->pushable = (GasketPushable){0};
        kind->data->n_changed = async->run->quiet ? 0 : kind->part->n_global;
    }
}

/* What every worker tells the others at a phase's end. */
typedef struct {
    uint64_t n_ran, asked, limited;
    uint64_t snapshot_wanted, snapshot_written;
} PhaseCounters;

static bool
end_phase(GasketAsync *async, GError **error)
{
    GasketRun *run = async->run;
    PhaseCounters own = {n_ran(async), async->asked, async->limited, gasket_snapshots_wanted(run),
                         gasket_snapshots_written(run)};
    g_autofree PhaseCounters *all = g_new0(PhaseCounters, run->part->size);

    if (!gasket_exchange_all(run->exchange, &own, sizeof own, all, error))
        return false;
    uint64_t ran = 0, n_wanted = 0, n_written = 0;
    for (unsigned p = 0; p < run->part->size; p++) {
        ran += all[p].n_ran;
        n_wanted += all[p].snapshot_wanted;
        n_written += all[p].snapshot_written;
        run->stop_asked |= all[p].asked != 0;
        async->limited |= all[p].limited != 0;
    }
    gasket_snapshots_heard(run, n_wanted, n_written);
    async->n_ran_before += ran;
    run->under_way.active = ran;
    run->step++;
    settle(async);
    return true;
}

static bool
run_phase(GasketAsync *async, GError **error)
{
    GasketRun *run = async->run;
    int64_t began = g_get_monotonic_time();

    async->phase_ends_us = began + ITERATION_US;
    async->asked = async->limited = false;
    atomic_store(&async->ending, false);
    atomic_store(&async->n_busy, run->n_threads);
    for (unsigned t = 0; t < run->n_threads; t++) {
        async->threads[t].idle = false;
        async->threads[t].n_ran = 0;
        for (unsigned k = 0; k < async->n_kinds; k++)
            async->threads[t].contexts[k].step = run->step;
    }
    gasket_schedule_reset(async->schedule);
    wake_active(async);
    gasket_pool_run(run->pool, work, async);
    run->step_seconds += (double)(g_get_monotonic_time() - began) / 1e6;
    if (async->error != NULL) {
        g_propagate_error(error, g_steal_pointer(&async->error));
        return false;
    }
    if (atomic_load(&async->schedule->no_memory)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for who waits to run");
        return false;
    }
    run->quiet = atomic_load(&async->n_busy) == 0;
    return end_phase(async, error);
}

bool
gasket_async_run(GasketRun *run, const GasketProgram *const *programs, unsigned n_programs,
                 GError **error)
{
    g_autoptr(GasketAsync) async = gasket_async_new(run, programs, n_programs, error);
    if (async == NULL)
        return false;
    if (run->part->size > 1) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "the engine async runs on one worker, found %u", run->part->size);
        return false;
    }
    while (gasket_run_continues_up_to(run, 0)) {
        if (!run_phase(async, error))
            return false;
        gasket_run_end_iteration(run, NAN, run->quiet);
        if (async->limited && !run->quiet) {
            run->report->stopped = GASKET_STOPPED_LIMIT;
            break;
        }
    }
    return true;
}
