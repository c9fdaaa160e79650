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
#include "engine/async_net.h"

#include <math.h>
#include <sched.h>
#include <time.h>

#include "engine/array.h"
#include "engine/async_scope.h"
#include "engine/bitset.h"
#include "engine/snapshots.h"

#define ITERATION_US ((int64_t)1000000)
#define SPINS        200 /* looks for work before a thread sleeps between them */
#define WATCH_US     ((int64_t)10000000)
#define SLEEP_NS     50000
#define LOOK_EVERY   16 /* blocks that thread 0 runs between looks at the clock ... */
#define ATTEND_EVERY 4  /* ... and at the network */
#define BUSY_WAIT_US ((int64_t)100)
#define IDLE_WAIT_US ((int64_t)20000)

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

/* ---- threads --------------------------------------------------------------------------------- */

static int64_t
now_us(const GasketAsync *async)
{
    return async->net != NULL ? gasket_transport_now(async->net->transport)
                              : g_get_monotonic_time();
}

/* Why this worker wants the phase to end; NONE: it does not. */
static GasketEnd
wants_end(GasketAsync *async)
{
    GasketRun *run = async->run;
    int64_t now = now_us(async);

    async->asked = run->stop != NULL && *run->stop > 0;
    async->late = run->max_seconds > 0 && (double)(now - async->began_us) / 1e6 >= run->max_seconds;
    bool enough = async->n_allowed > 0 && n_ran(async) >= async->n_allowed;
    /* Who has nothing to do waits for the others: else a network that is slower than an iteration
     * would never be found quiet. */
    bool over = now >= async->phase_ends_us &&
                (async->net == NULL || !gasket_termination_is_idle(&async->net->termination));
    if (async->asked)
        return GASKET_END_STOPPED;
    return async->late || enough || over ? GASKET_END_LIMIT : GASKET_END_NONE;
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

/* Tells a debugger's log what is known of the phase's end. */
static void
dump(const GasketAsync *async, const char *why)
{
    g_autofree char *text = gasket_termination_dump(&async->net->termination);
    g_debug("%s: %s", why, text);
}

/* The watchdog: dumps the counters when nothing has moved for a while, and again each time that it
 * has been as long. */
static void
watch(GasketAsync *async)
{
    const GasketTermination *termination = &async->net->termination;
    uint64_t moved = termination->sent + termination->received + termination->wave + n_ran(async);
    int64_t now = now_us(async);

    if (moved != async->moved) {
        async->moved = moved;
        async->moved_us = now;
    } else if (now - async->moved_us >= WATCH_US) {
        dump(async, "nothing has moved for 10 s");
        async->moved_us = now;
    }
}

/* Thread 0 among several workers: speaks with the others. false: the phase is over, or has failed
 * (async->error). */
static bool
lead_net(GasketAsync *async)
{
    GasketTermination *termination = &async->net->termination;
    GasketEnd end = GASKET_END_NONE;

    if (gasket_termination_ceasing(termination) == GASKET_END_NONE)
        end = wants_end(async);
    if (end != GASKET_END_NONE)
        gasket_termination_cease(termination, end);
    if (gasket_termination_ceasing(termination) != GASKET_END_NONE)
        atomic_store(&async->ending, true);
    watch(async);
    if (!gasket_async_net_attend(async, &async->error) || gasket_async_net_is_over(async))
        return false;
    return !async->run->simulated || gasket_async_net_wait(async, 0, &async->error);
}

/* Thread 0's part between blocks; false: the phase is over. */
static bool
lead(GasketAsync *async, unsigned n_turns)
{
    bool busy = !async->threads[0].idle && !atomic_load(&async->ending);

    if (async->net == NULL)
        return n_turns % LOOK_EVERY != 0 || wants_end(async) == GASKET_END_NONE;
    if (busy && !async->run->simulated && n_turns % ATTEND_EVERY != 0)
        return true;
    return lead_net(async);
}

/* A thread that has found nothing waits a little; thread 0 for the network, if there is one. */
static bool
wait_a_little(GasketAsync *async, unsigned index, unsigned *n_looks)
{
    if (index != 0 || async->net == NULL) {
        rest(n_looks);
        return true;
    }
    /* What other threads note for the peers, or do, does not wake it, nor do changes and requests
     * that are not due yet. In a simulated run of one thread frames wake it soon enough. */
    bool waits = atomic_load(&async->n_busy) > 0 || atomic_load(&async->ending);
    bool others = waits && !(async->alone && async->run->simulated);
    int64_t longest = others ? BUSY_WAIT_US : IDLE_WAIT_US;
    /* Scopes that wait for cells of other ranks are busy, but nobody computes. */
    bool computes = atomic_load(&async->n_busy) > atomic_load(&async->scopes.n);
    int64_t began = g_get_monotonic_time();
    bool ok = gasket_async_net_wait(async, longest, &async->error);
    if (!computes)
        async->run->step_wait_seconds += (double)(g_get_monotonic_time() - began) / 1e6;
    return ok;
}

static void
set_idle(GasketAsyncThread *thread, bool idle)
{
    if (thread->idle == idle)
        return;
    thread->idle = idle;
    if (idle) {
        atomic_fetch_sub(&thread->async->n_busy, 1);
        return;
    }
    atomic_fetch_add(&thread->async->n_busy, 1);
    atomic_fetch_add(&thread->async->n_started, 1);
}

/* Looks for work and does it; false: there was none. */
static bool
do_some_work(GasketAsyncThread *thread)
{
    GasketAsync *async = thread->async;
    uint32_t tasks[GASKET_SCHEDULE_CHUNK];
    bool scopes_wait = atomic_load_explicit(&async->scopes.n_todo, memory_order_relaxed) > 0;
    bool ending = atomic_load_explicit(&async->ending, memory_order_relaxed);

    if (thread->idle && !scopes_wait &&
        (ending || !gasket_schedule_may_take(async->schedule, thread->index)))
        return false;
    set_idle(thread, false);
    bool ran = scopes_wait && gasket_async_attend_scopes(thread);
    unsigned n = ending ? 0 : gasket_schedule_take(async->schedule, thread->index, tasks);
    if (n == 0)
        set_idle(thread, true);
    else
        run_tasks(thread, tasks, n);
    return n > 0 || ran;
}

static void
work(void *data, unsigned index)
{
    GasketAsync *async = data;
    GasketAsyncThread *thread = &async->threads[index];
    unsigned n_looks = 0;

    for (unsigned n_turns = 0;; n_turns++) {
        if (atomic_load_explicit(&async->schedule->no_memory, memory_order_relaxed))
            break;
        if (index == 0 ? !lead(async, n_turns) : atomic_load(&async->ending))
            break;
        if (do_some_work(thread)) {
            n_looks = 0;
            continue;
        }
        if (async->net == NULL && atomic_load(&async->n_busy) == 0)
            break;
        if (!wait_a_little(async, index, &n_looks))
            break;
    }
    atomic_store(&async->ending, true);
    atomic_fetch_add(&async->n_stopped, index != 0);
    /* What waits in a scope must run, for its task runs already. */
    while (index == 0 && async->net == NULL && atomic_load(&async->scopes.n) > 0)
        gasket_async_attend_scopes(thread);
}

/* ---- phases ---------------------------------------------------------------------------------- */

/* Whether somebody waits who is active no more: a step has run it, or the driver chose others. */
static bool
has_outdated(const GasketAsync *async)
{
    for (unsigned k = 0; k < async->n_kinds; k++) {
        const GasketAsyncKind *kind = &async->kinds[k];
        if (kind->program == NULL || kind->data->all_active)
            continue;
        for (uint32_t v = 0; v < kind->part->n_owned; v++)
            if (gasket_schedule_waits(async->schedule, kind->first_cell + v) &&
                !gasket_bitset_has(kind->data->active, v))
                return true;
    }
    return false;
}

/* Makes those wait who are active. Who has waited since the last phase keeps place and priority;
 * whoever was woken meanwhile comes first. */
static void
wake_active(GasketAsync *async)
{
    unsigned n_threads = async->run->n_threads;
    uint32_t n = 0;

    if (has_outdated(async))
        gasket_schedule_reset(async->schedule);
    for (unsigned k = 0; k < async->n_kinds; k++) {
        GasketAsyncKind *kind = &async->kinds[k];
        if (kind->program == NULL)
            continue;
        uint32_t n_owned = kind->part->n_owned;
        if (kind->data->all_active)
            gasket_bitset_fill(kind->data->active, n_owned);
        kind->data->all_active = false;
        for (uint32_t v = gasket_bitset_next(kind->data->active, 0, n_owned); v < n_owned;
             v = gasket_bitset_next(kind->data->active, v + 1, n_owned)) {
            if (gasket_schedule_waits(async->schedule, kind->first_cell + v))
                continue;
            gasket_schedule_wake(async->schedule, n++ / GASKET_SCHEDULE_CHUNK % n_threads,
                                 kind->first_cell + v, GASKET_SCHEDULE_BUCKETS - 1);
        }
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
    uint64_t n_ran, asked, late;
    uint64_t snapshot_wanted, snapshot_written;
} PhaseCounters;

static bool
end_phase(GasketAsync *async, GError **error)
{
    GasketRun *run = async->run;
    PhaseCounters own = {n_ran(async), async->asked, async->late, gasket_snapshots_wanted(run),
                         gasket_snapshots_written(run)};
    g_autofree PhaseCounters *all = g_new0(PhaseCounters, run->part->size);
    uint64_t ran = 0, block = (uint64_t)GASKET_ASYNC_BLOCK * run->part->size;
    uint64_t n_wanted = 0, n_written = 0;

    if (!gasket_exchange_all(run->exchange, &own, sizeof own, all, error))
        return false;
    for (unsigned p = 0; p < run->part->size; p++) {
        ran += all[p].n_ran;
        run->stop_asked |= all[p].asked != 0;
        async->limited |= all[p].late != 0;
        n_wanted += all[p].snapshot_wanted;
        n_written += all[p].snapshot_written;
    }
    gasket_snapshots_heard(run, n_wanted, n_written);
    async->n_ran_before += ran;
    /* What is less than a block for everybody is not worth another phase. */
    async->limited |= run->max_updates > 0 && run->max_updates <= async->n_ran_before + block;
    run->under_way.active = ran;
    run->step++;
    settle(async);
    return true;
}

/* How many updates this worker makes until the next phase; 0: as many as there are. */
static uint64_t
allowed_updates(const GasketAsync *async)
{
    const GasketRun *run = async->run;
    uint64_t measured = run->measure.program != NULL ? run->measure.updates : 0;
    uint64_t bound = measured > 0 ? measured : UINT64_MAX;

    if (run->max_updates > 0)
        bound = MIN(bound, run->max_updates > async->n_ran_before
                               ? run->max_updates - async->n_ran_before
                               : 0);
    return bound == UINT64_MAX ? 0 : MAX(bound / run->part->size, 1);
}

/* Sets everything to the start of a phase. */
static void
begin_phase(GasketAsync *async)
{
    GasketRun *run = async->run;

    double seconds = run->measure.program != NULL ? run->measure.seconds : 0;
    async->phase_ends_us = now_us(async) + (seconds > 0 ? (int64_t)(seconds * 1e6) : ITERATION_US);
    async->asked = async->late = async->limited = false;
    async->n_allowed = allowed_updates(async);
    atomic_store(&async->ending, false);
    atomic_store(&async->n_stopped, 0);
    atomic_store(&async->n_busy, run->n_threads);
    for (unsigned t = 0; t < run->n_threads; t++) {
        async->threads[t].idle = false;
        async->threads[t].n_ran = 0;
        for (unsigned k = 0; k < async->n_kinds; k++)
            async->threads[t].contexts[k].step = run->step;
    }
    gasket_async_net_begin(async);
    wake_active(async);
}

static bool
run_phase(GasketAsync *async, GError **error)
{
    GasketRun *run = async->run;
    int64_t began = g_get_monotonic_time();

    begin_phase(async);
    gasket_pool_run(run->pool, work, async);
    run->step_seconds += (double)(g_get_monotonic_time() - began) / 1e6;
    if (async->error != NULL) {
        if (async->net != NULL)
            dump(async, async->error->message);
        g_propagate_error(error, g_steal_pointer(&async->error));
        return false;
    }
    if (atomic_load(&async->schedule->no_memory)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for who waits to run");
        return false;
    }
    run->quiet = async->net != NULL
                     ? gasket_termination_verdict(&async->net->termination) == GASKET_END_QUIET
                     : atomic_load(&async->n_busy) == 0;
    return end_phase(async, error);
}

bool
gasket_async_run(GasketRun *run, const GasketProgram *const *programs, unsigned n_programs,
                 GError **error)
{
    g_autoptr(GasketAsync) async = gasket_async_new(run, programs, n_programs, error);
    if (async == NULL)
        return false;
    async->began_us = now_us(async);
    while (gasket_run_continues_up_to(run, 0)) {
        if (!run_phase(async, error))
            return false;
        if (!gasket_run_end_measured(run, error))
            return false;
        if (async->limited && !run->converged) {
            run->report->stopped = GASKET_STOPPED_LIMIT;
            break;
        }
    }
    return true;
}
