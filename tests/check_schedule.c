/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules: every woken task runs, none twice at once, in the order that each kind promises. */
#include <pthread.h>

#include "engine/schedule.h"
#include "tests/check_main.h"

static const GasketScheduler kinds[] = {GASKET_SCHEDULER_FIFO, GASKET_SCHEDULER_PRIORITY,
                                        GASKET_SCHEDULER_SWEEP};

START_TEST(buckets_are_powers_of_two)
{
    for (int e = -50; e < 13; e++) {
        float p = ldexpf(1, e);
        ck_assert_uint_eq(gasket_schedule_bucket(p), (unsigned)(e + 50));
        ck_assert_uint_eq(gasket_schedule_bucket(1.999f * p), (unsigned)(e + 50));
    }
    ck_assert_uint_eq(gasket_schedule_bucket(0), 0);
    ck_assert_uint_eq(gasket_schedule_bucket(-1), 0);
    ck_assert_uint_eq(gasket_schedule_bucket(NAN), 0);
    ck_assert_uint_eq(gasket_schedule_bucket(1e-30f), 0);
    ck_assert_uint_eq(gasket_schedule_bucket(INFINITY), GASKET_SCHEDULE_BUCKETS - 1);
}
END_TEST

START_TEST(a_task_waits_once_and_runs_again_if_woken_while_it_runs)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        g_autoptr(GasketSchedule) schedule = gasket_schedule_new(kinds[k], 200, 1, NULL);
        uint32_t tasks[GASKET_SCHEDULE_CHUNK];
        for (unsigned i = 0; i < 3; i++)
            gasket_schedule_wake(schedule, 0, 150, 40);
        ck_assert(gasket_schedule_may_take(schedule, 0));
        ck_assert_uint_eq(gasket_schedule_take(schedule, 0, tasks), 1);
        ck_assert_uint_eq(tasks[0], 150);
        ck_assert_uint_eq(gasket_schedule_take(schedule, 0, tasks + 1), 0);
        gasket_schedule_wake(schedule, 0, 150, 40);
        ck_assert_uint_eq(gasket_schedule_take(schedule, 0, tasks + 1), 0);
        gasket_schedule_done(schedule, 0, 0, tasks, 1);
        ck_assert_uint_eq(gasket_schedule_take(schedule, 0, tasks), 1);
        gasket_schedule_done(schedule, 0, 0, tasks, 1);
        ck_assert_uint_eq(gasket_schedule_take(schedule, 0, tasks), 0);
        ck_assert(!gasket_schedule_waits(schedule, 150));
    }
}
END_TEST

START_TEST(who_begins_has_seen_what_woke_it_since_it_was_taken)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        g_autoptr(GasketSchedule) schedule = gasket_schedule_new(kinds[k], 200, 1, NULL);
        uint32_t tasks[GASKET_SCHEDULE_CHUNK];
        gasket_schedule_wake(schedule, 0, 150, 40);
        gasket_schedule_wake(schedule, 0, 151, 40);
        ck_assert_uint_eq(gasket_schedule_take(schedule, 0, tasks), 2);
        gasket_schedule_wake(schedule, 0, 150, 50);
        gasket_schedule_wake(schedule, 0, 151, 50);
        gasket_schedule_begin(schedule, 100, (const uint32_t[]){50}, 1);
        gasket_schedule_done(schedule, 0, 0, tasks, 2);
        ck_assert_uint_eq(gasket_schedule_take(schedule, 0, tasks), 1);
        ck_assert_uint_eq(tasks[0], 151);
        gasket_schedule_done(schedule, 0, 0, tasks, 1);
        ck_assert_uint_eq(gasket_schedule_take(schedule, 0, tasks), 0);
    }
}
END_TEST

START_TEST(fifo_takes_who_waits_longest)
{
    g_autoptr(GasketSchedule) schedule = gasket_schedule_new(GASKET_SCHEDULER_FIFO, 1000, 1, NULL);
    uint32_t tasks[GASKET_SCHEDULE_CHUNK];
    for (uint32_t i = 0; i < 1000; i++)
        gasket_schedule_wake(schedule, 0, (i * 7) % 1000, 0);
    for (uint32_t taken = 0; taken < 1000;) {
        unsigned n = gasket_schedule_take(schedule, 0, tasks);
        ck_assert_uint_gt(n, 0);
        for (unsigned i = 0; i < n; i++) {
            /* It was woken as number x, where 7 x = task (mod 1000); 143 is the inverse of 7. */
            uint32_t x = tasks[i] * 143 % 1000;
            ck_assert(x >= taken && x < taken + n);
            ck_assert(i == 0 || tasks[i - 1] < tasks[i]);
        }
        taken += n;
    }
}
END_TEST

START_TEST(the_largest_priority_comes_first_and_a_raised_one_moves_up)
{
    g_autoptr(GasketSchedule) schedule =
        gasket_schedule_new(GASKET_SCHEDULER_PRIORITY, 3000, 1, NULL);
    uint32_t tasks[GASKET_SCHEDULE_CHUNK];
    unsigned last = GASKET_SCHEDULE_BUCKETS, taken = 0, n;
    for (uint32_t i = 0; i < 3000; i++)
        gasket_schedule_wake(schedule, 0, i, i % 60);
    for (uint32_t i = 0; i < 3000; i += 60) /* from the lowest bucket to the highest */
        gasket_schedule_wake(schedule, 0, i, 63);
    gasket_schedule_wake(schedule, 0, 59, 3); /* it keeps its own */
    while ((n = gasket_schedule_take(schedule, 0, tasks)) > 0) {
        for (unsigned i = 0; i < n; i++) {
            unsigned bucket = tasks[i] % 60 == 0 ? 63 : tasks[i] % 60;
            ck_assert_uint_le(bucket, last);
            last = bucket;
        }
        gasket_schedule_done(schedule, 0, 0, tasks, n);
        taken += n;
    }
    ck_assert_uint_eq(taken, 3000);
}
END_TEST

START_TEST(a_sweep_goes_by_number_round_and_round)
{
    g_autoptr(GasketSchedule) schedule = gasket_schedule_new(GASKET_SCHEDULER_SWEEP, 1000, 1, NULL);
    uint32_t tasks[GASKET_SCHEDULE_CHUNK];
    for (uint32_t i = 1000; i-- > 0;)
        gasket_schedule_wake(schedule, 0, i, 0);
    uint32_t expected = 0;
    while (expected < 500) {
        unsigned n = gasket_schedule_take(schedule, 0, tasks);
        for (unsigned i = 0; i < n; i++)
            ck_assert_uint_eq(tasks[i], expected++);
        gasket_schedule_done(schedule, 0, 0, tasks, n);
    }
    gasket_schedule_wake(schedule, 0, 3, 0); /* behind: its turn is in the next round */
    unsigned n;
    uint32_t last = 0;
    while ((n = gasket_schedule_take(schedule, 0, tasks)) > 0)
        last = tasks[n - 1];
    ck_assert_uint_eq(last, 3);
}
END_TEST

/* Threads that wake one another's tasks at random: a counter in each task is plain, so two that ran
 * one at once, or one that did not see the last one's writes, would be noticed. */
#define N_TASKS 500
#define N_WAKES 200000

typedef struct {
    GasketSchedule *schedule;
    unsigned n_threads, index;
    uint64_t *runs; /* [N_TASKS] plain */
    atomic_uint *n_idle;
    atomic_int *left;  /* wakes to be made */
    atomic_uint *owed; /* [N_TASKS] 1: woken, and has not run since */
    pthread_t handle;
} Waker;

static void *
wake_and_run(void *data)
{
    Waker *self = data;
    uint32_t tasks[GASKET_SCHEDULE_CHUNK];
    uint64_t random = self->index + 1;
    bool idle = false;

    for (;;) {
        if (idle) {
            if (atomic_load(self->n_idle) == self->n_threads)
                return NULL;
            if (!gasket_schedule_may_take(self->schedule, self->index))
                continue;
            idle = false;
            atomic_fetch_sub(self->n_idle, 1);
        }
        unsigned n = gasket_schedule_take(self->schedule, self->index, tasks);
        if (n == 0) {
            idle = true;
            atomic_fetch_add(self->n_idle, 1);
            continue;
        }
        for (unsigned i = 0; i < n; i++) {
            self->runs[tasks[i]]++;
            atomic_store(&self->owed[tasks[i]], 0);
            for (unsigned k = 0; k < 2 && atomic_fetch_sub(self->left, 1) > 0; k++) {
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
                uint32_t task = (uint32_t)(random >> 33) % N_TASKS;
                atomic_store(&self->owed[task], 1);
                gasket_schedule_fence();
                gasket_schedule_wake(self->schedule, self->index, task,
                                     (unsigned)(random >> 20) % GASKET_SCHEDULE_BUCKETS);
            }
        }
        gasket_schedule_done(self->schedule, self->index, 0, tasks, n);
    }
}

START_TEST(nothing_is_lost_between_threads)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        enum { T = 3 };
        g_autoptr(GasketSchedule) schedule = gasket_schedule_new(kinds[k], N_TASKS, T, NULL);
        uint64_t runs[N_TASKS] = {0};
        atomic_uint n_idle = 0, owed[N_TASKS] = {0};
        atomic_int left = N_WAKES;
        Waker wakers[T];
        for (unsigned i = 0; i < N_TASKS; i++)
            gasket_schedule_wake(schedule, i % T, i, 5);
        for (unsigned t = 0; t < T; t++) {
            wakers[t] = (Waker){schedule, T, t, runs, &n_idle, &left, owed, 0};
            ck_assert_int_eq(pthread_create(&wakers[t].handle, NULL, wake_and_run, &wakers[t]), 0);
        }
        for (unsigned t = 0; t < T; t++)
            pthread_join(wakers[t].handle, NULL);
        uint64_t total = 0;
        for (unsigned i = 0; i < N_TASKS; i++) {
            ck_assert_msg(atomic_load(&owed[i]) == 0, "scheduler %d: task %u never ran", kinds[k],
                          i);
            ck_assert(!gasket_schedule_waits(schedule, i));
            total += runs[i];
        }
        ck_assert_uint_ge(total, N_TASKS);
        ck_assert_uint_le(total, N_TASKS + N_WAKES);
    }
}
END_TEST

int
main(void)
{
    TCase *schedule = tcase_create("schedules");
    tcase_set_timeout(schedule, 120);
    tcase_add_test(schedule, buckets_are_powers_of_two);
    tcase_add_test(schedule, a_task_waits_once_and_runs_again_if_woken_while_it_runs);
    tcase_add_test(schedule, who_begins_has_seen_what_woke_it_since_it_was_taken);
    tcase_add_test(schedule, fifo_takes_who_waits_longest);
    tcase_add_test(schedule, the_largest_priority_comes_first_and_a_raised_one_moves_up);
    tcase_add_test(schedule, a_sweep_goes_by_number_round_and_round);
    tcase_add_test(schedule, nothing_is_lost_between_threads);
    TCase *cases[] = {schedule};
    return check_run("schedule", cases, G_N_ELEMENTS(cases));
}
