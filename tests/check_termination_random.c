/* SPDX-License-Identifier: Apache-2.0 */
/* The end of asynchronous runs: random systems of workers end exactly when they have nothing left
 * to do, and each known mistake of a caller is one that these tests would see. */
#include "engine/termination.h"
#include "tests/check_main.h"

#define MAX_WORKERS 4
#define MAX_FLYING  4096

/* What a caller may do wrong. */
typedef enum {
    RIGHT,
    COUNTS_WHEN_SENT,    /* a message counts when its batch leaves, and a batch is no work */
    FORGETS_BATCHES,     /* claims to be idle over batches that only other work would flush */
    WAKES_LATER,         /* counts a message before what it wakes */
    IGNORES_LOCKS,       /* takes vertices that wait for locks for idle */
    IGNORES_THE_SNAPSHOT /* and a snapshot, after which vertices run on */
} Mistake;

typedef struct {
    GasketTermination machine;
    unsigned n_ready, n_locked, n_snapshot; /* vertices; n_locked wait for locks */
    unsigned n_woken;                       /* of messages taken, not yet told the machine */
    unsigned batch[MAX_WORKERS];            /* messages for each worker that have not left */
    GasketTerminationMessage control[MAX_WORKERS][8]; /* on the way here, in order */
    unsigned first[MAX_WORKERS], end[MAX_WORKERS];
    unsigned n_verdicts;
} Worker;

typedef struct {
    Worker worker[MAX_WORKERS];
    unsigned size;
    unsigned flying[MAX_FLYING]; /* whither; any of them may be next to arrive */
    unsigned n_flying;
    unsigned fuel; /* messages that may still be sent */
    unsigned n_made;
    Mistake mistake;
    uint64_t lots;
    bool early; /* there was a verdict while there was work */
} World;

/* ck_assert writes a line each time that it is passed. */
static void
must(bool holds, const char *what)
{
    if (!holds)
        ck_abort_msg("%s", what);
}

static unsigned
below(World *world, unsigned n)
{
    world->lots = world->lots * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((world->lots >> 33) % n);
}

/* What the machine of a worker is told of its work. */
static void
tell(World *world, Worker *worker)
{
    GasketTermination *machine = &worker->machine;
    unsigned n_batches = 0;
    for (unsigned p = 0; p < world->size; p++)
        n_batches += worker->batch[p] > 0;
    if (gasket_termination_ceasing(machine) != GASKET_END_NONE)
        worker->n_ready = worker->n_locked = worker->n_snapshot = worker->n_woken = 0;
    if (world->mistake == COUNTS_WHEN_SENT || world->mistake == FORGETS_BATCHES)
        n_batches = 0;
    gasket_termination_set_work(machine, GASKET_WORK_VERTICES, worker->n_ready);
    gasket_termination_set_work(machine, GASKET_WORK_LOCKS,
                                world->mistake == IGNORES_LOCKS ? 0 : worker->n_locked);
    gasket_termination_set_work(machine, GASKET_WORK_BATCHES, n_batches);
    gasket_termination_set_work(machine, GASKET_WORK_SNAPSHOT,
                                world->mistake == IGNORES_THE_SNAPSHOT ? 0 : worker->n_snapshot);
}

static bool
is_quiet(const World *world)
{
    for (unsigned i = 0; i < world->size; i++) {
        const Worker *worker = &world->worker[i];
        if (worker->n_ready + worker->n_locked + worker->n_snapshot + worker->n_woken > 0)
            return false;
        for (unsigned p = 0; p < world->size; p++)
            if (worker->batch[p] > 0)
                return false;
    }
    return world->n_flying == 0;
}

/* A verdict must be true. */
static void
judge(World *world, const Worker *worker)
{
    if (gasket_termination_verdict(&worker->machine) != GASKET_END_NONE && !is_quiet(world))
        world->early = true;
}

/* Control messages leave. */
static void
pump(World *world, unsigned i)
{
    Worker *worker = &world->worker[i];
    unsigned to;
    GasketTerminationMessage message;
    tell(world, worker);
    while (gasket_termination_next(&worker->machine, &to, &message)) {
        Worker *receiver = &world->worker[to];
        must(receiver->end[i] < G_N_ELEMENTS(receiver->control[i]), "too much control");
        receiver->control[i][receiver->end[i]++] = message;
    }
    judge(world, worker);
}

static void
take_control(World *world, unsigned i, unsigned from)
{
    Worker *worker = &world->worker[i];
    g_autoptr(GError) error = NULL;
    const GasketTerminationMessage *message = &worker->control[from][worker->first[from]++];
    worker->n_verdicts += message->type == GASKET_TERMINATION_VERDICT;
    must(gasket_termination_take(&worker->machine, from, message, &error), "refused");
    if (worker->first[from] == worker->end[from])
        worker->first[from] = worker->end[from] = 0;
    tell(world, worker);
    judge(world, worker);
}

/* A vertex runs: it may send, wake others, or find a neighbour locked. */
static void
run_vertex(World *world, unsigned i)
{
    Worker *worker = &world->worker[i];
    if (worker->n_locked > 0 && (worker->n_ready == 0 || below(world, 2) == 0)) {
        worker->n_locked--; /* it has its locks now */
    } else if (below(world, 4) == 0) {
        worker->n_ready--;
        worker->n_locked++;
        return;
    } else {
        worker->n_ready--;
    }
    for (unsigned n = below(world, 3); n > 0 && world->fuel > 0 && world->size > 1; n--) {
        unsigned to = (i + 1 + below(world, world->size - 1)) % world->size;
        world->fuel--;
        worker->batch[to]++;
        if (world->mistake != COUNTS_WHEN_SENT)
            gasket_termination_sent(&worker->machine, 1);
    }
    if (world->mistake != FORGETS_BATCHES && below(world, 8) == 0)
        worker->n_snapshot = 1;
}

static void
flush(World *world, unsigned i)
{
    Worker *worker = &world->worker[i];
    for (unsigned p = 0; p < world->size; p++) {
        if (world->mistake == COUNTS_WHEN_SENT)
            gasket_termination_sent(&worker->machine, worker->batch[p]);
        for (; worker->batch[p] > 0; worker->batch[p]--) {
            world->flying[world->n_flying++] = p;
        }
    }
}

/* Any message arrives, and wakes a vertex or not. */
static void
deliver(World *world)
{
    unsigned lot = below(world, world->n_flying);
    Worker *worker = &world->worker[world->flying[lot]];
    world->flying[lot] = world->flying[--world->n_flying];
    gasket_termination_received(&worker->machine, 1);
    if (below(world, 4) == 0 || gasket_termination_ceasing(&worker->machine) != GASKET_END_NONE)
        return;
    if (world->mistake == WAKES_LATER)
        worker->n_woken++;
    else
        worker->n_ready++;
    tell(world, worker);
}

/* One thing that worker i does, if it can. Who makes no mistake flushes before it rests. */
static void
act(World *world, unsigned i)
{
    Worker *worker = &world->worker[i];
    unsigned what = below(world, 5), from = below(world, world->size);
    bool works = worker->n_ready + worker->n_locked > 0;
    if (what == 0 && worker->n_snapshot > 0) {
        worker->n_snapshot = 0;
        worker->n_ready += below(world, 2);
    } else if (what <= 1 && works) {
        run_vertex(world, i);
    } else if (what == 2) {
        if (works || world->mistake != FORGETS_BATCHES)
            flush(world, i);
    } else if (what == 3 && worker->first[from] < worker->end[from]) {
        take_control(world, i, from);
    } else {
        if (worker->n_woken > 0 && below(world, 4) == 0) {
            worker->n_ready += worker->n_woken;
            worker->n_woken = 0;
        }
        pump(world, i);
    }
}

static bool
all_over(const World *world)
{
    for (unsigned i = 0; i < world->size; i++)
        if (!gasket_termination_is_over(&world->worker[i].machine))
            return false;
    return true;
}

/* Runs a system of a seed until it is over, ended early, or went on for too long (false). cease: a
 * worker asks to end at a random time. */
static bool
simulate(World *world, uint64_t seed, Mistake mistake, bool cease)
{
    *world = (World){.mistake = mistake};
    world->lots = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    world->size = 1 + below(world, MAX_WORKERS);
    world->fuel = below(world, 20);
    for (unsigned i = 0; i < world->size; i++) {
        gasket_termination_init(&world->worker[i].machine, i, world->size);
        world->worker[i].n_ready = below(world, 3);
        tell(world, &world->worker[i]);
    }
    unsigned cease_at = cease ? below(world, 200) : UINT_MAX;
    unsigned n = 0, limit = 50000;
    for (; n < limit && !all_over(world) && !world->early; n++) {
        if (n == cease_at) {
            Worker *worker = &world->worker[below(world, world->size)];
            gasket_termination_cease(&worker->machine,
                                     GASKET_END_RULE +
                                         below(world, GASKET_N_ENDS - GASKET_END_RULE));
            tell(world, worker);
        }
        if (world->n_flying > 0 && below(world, 1 + world->size) == 0)
            deliver(world);
        else
            act(world, below(world, world->size));
    }
    return n < limit;
}

static void
clear(World *world)
{
    for (unsigned i = 0; i < world->size; i++)
        gasket_termination_clear(&world->worker[i].machine);
}

START_TEST(a_hundred_thousand_random_systems_end_exactly_when_they_should)
{
    World world;
    unsigned n_ceased = 0;
    for (uint64_t seed = 0; seed < 100000; seed++) {
        if (!simulate(&world, seed, RIGHT, seed % 3 == 0))
            ck_abort_msg("seed %" G_GUINT64_FORMAT " never ends:\n%s", seed,
                         gasket_termination_dump(&world.worker[0].machine));
        if (world.early || !is_quiet(&world))
            ck_abort_msg("seed %" G_GUINT64_FORMAT " ends while there is work", seed);
        GasketEnd verdict = gasket_termination_verdict(&world.worker[0].machine);
        uint64_t sent = 0, received = 0;
        for (unsigned i = 0; i < world.size; i++) {
            const Worker *worker = &world.worker[i];
            must(worker->n_verdicts == (i > 0), "one verdict for each");
            must(gasket_termination_verdict(&worker->machine) == verdict, "the same verdict");
            for (unsigned p = 0; p < world.size; p++)
                must(worker->first[p] == worker->end[p], "control is on its way");
            sent += worker->machine.sent;
            received += worker->machine.received;
        }
        must(sent == received, "all that was sent was received");
        n_ceased += verdict != GASKET_END_QUIET;
        must(verdict == GASKET_END_QUIET || seed % 3 == 0, "nobody asked to cease");
        clear(&world);
    }
    ck_assert_uint_gt(n_ceased, 10000);
}
END_TEST

/* Seeds of n in which a mistake ends a run early, and in which it never ends. */
static void
count_failures(Mistake mistake, unsigned n, unsigned *ret_early, unsigned *ret_never)
{
    World world;
    *ret_early = *ret_never = 0;
    for (uint64_t seed = 0; seed < n; seed++) {
        bool ended = simulate(&world, seed, mistake, false);
        *ret_early += ended && world.early;
        *ret_never += !ended;
        clear(&world);
    }
}

START_TEST(a_message_counted_when_its_batch_leaves_ends_runs_early)
{
    unsigned early, never;
    count_failures(COUNTS_WHEN_SENT, 3000, &early, &never);
    ck_assert_uint_gt(early, 0);
}
END_TEST

START_TEST(a_batch_that_nobody_flushes_never_ends)
{
    unsigned early, never;
    count_failures(FORGETS_BATCHES, 8, &early, &never);
    ck_assert_uint_eq(early, 0);
    ck_assert_uint_gt(never, 0);
}
END_TEST

START_TEST(a_message_counted_before_what_it_wakes_ends_runs_early)
{
    unsigned early, never;
    count_failures(WAKES_LATER, 3000, &early, &never);
    ck_assert_uint_gt(early, 0);
}
END_TEST

START_TEST(vertices_that_wait_for_locks_and_snapshots_are_work)
{
    unsigned early, never;
    count_failures(IGNORES_LOCKS, 3000, &early, &never);
    ck_assert_uint_gt(early, 0);
    count_failures(IGNORES_THE_SNAPSHOT, 3000, &early, &never);
    ck_assert_uint_gt(early, 0);
}
END_TEST

int
main(void)
{
    TCase *random = tcase_create("random systems");
    tcase_set_timeout(random, 240);
    tcase_add_test(random, a_hundred_thousand_random_systems_end_exactly_when_they_should);
    tcase_add_test(random, a_message_counted_when_its_batch_leaves_ends_runs_early);
    tcase_add_test(random, a_batch_that_nobody_flushes_never_ends);
    tcase_add_test(random, a_message_counted_before_what_it_wakes_ends_runs_early);
    tcase_add_test(random, vertices_that_wait_for_locks_and_snapshots_are_work);
    TCase *cases[] = {random};
    return check_run("termination_random", cases, G_N_ELEMENTS(cases));
}
