/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of forked processes: how each way to fail ends, and that nothing is left behind. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/array.h"
#include "engine/job.h"
#include "tests/everywhere.h"

/* A machine that does other things may take this long; who waited for ever would take longer. */
#define GENEROUS 60

/* What goes wrong: on a member at a step. */
typedef enum {
    NOTHING,
    KILL,
    STOP,
    FAIL,
    SAY_NOTHING,
    EXIT,
    OTHER_STEP,
    ONE_STEP_LESS,
    BAD_LOAD,
    KILL_LOADER,
    BAD_FINISH,
    STOP_AT_THE_END
} Way;

typedef struct {
    Way way;
    unsigned rank, step;
    const SmallGraph *graph;
} Trouble;

typedef struct {
    uint64_t x;
} State;

static const GasketRowSet in_row[] = {{0, GASKET_IN}};

static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint64_t *value = rows->values;
    uint64_t *sum = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] += value[rows->neighbour[e]];
}

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint64_t *sum = sums;
    State *state = run->state;
    uint64_t *value = run->value;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        value[v] = state[v].x = fold(sum[run->sum[i]], context->ordinal[v]);
    }
}

static bool
make_trouble(const Trouble *trouble, GError **error)
{
    switch (trouble->way) {
    case KILL:
        raise(SIGKILL);
        return true;
    case STOP:
        raise(SIGSTOP);
        return true;
    case FAIL:
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "the tub is full");
        return false;
    case SAY_NOTHING:
        return false;
    case EXIT:
        _exit(9);
    default:
        return true;
    }
}

static bool
trouble_run(GasketRun *run, const void *parameters, GError **error)
{
    const Trouble *trouble = parameters;
    const GasketProgram program = {.name = "step",
                                   .rows = in_row,
                                   .n_rows = 1,
                                   .sum_size = 8,
                                   .gather = gather,
                                   .apply = apply};
    if (!gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_set_value(run, 0, 8, error))
        return false;
    GasketProgram other = program;
    other.name = "other step";
    for (unsigned step = 0; step < 20; step++) {
        bool strays = gasket_run_rank(run) == trouble->rank && step == trouble->step;
        if (strays && trouble->way == ONE_STEP_LESS)
            continue;
        if (gasket_run_rank(run) == trouble->rank && step == trouble->step &&
            !make_trouble(trouble, error))
            return false;
        if (!gasket_run_step(run, strays && trouble->way == OTHER_STEP ? &other : &program, error))
            return false;
    }
    return true;
}

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    const Trouble *trouble = data;
    (void)report;
    if (trouble->way == BAD_LOAD) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT, "x.txt:3: found \"?\"");
        return NULL;
    }
    if (trouble->way == KILL_LOADER)
        raise(SIGKILL);
    return small_build(trouble->graph);
}

/* In rank 0's process: what the result is, through the error message. */
static bool
finish(void *data, const GasketReport *report, GError **error)
{
    const Trouble *trouble = data;
    (void)report;
    if (trouble->way == STOP_AT_THE_END)
        raise(SIGSTOP);
    if (trouble->way != BAD_FINISH)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "the disk is full");
    return false;
}

static unsigned
count_entries(const char *path)
{
    DIR *folder = opendir(path);
    unsigned n = 0;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

/* Runs it; nothing is left behind, and it ends within some seconds. */
static bool
run_job(Trouble *trouble, unsigned workers, double within, GError **error)
{
    const GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("trouble", trouble_run);
    SmallGraph graph = {.order = GASKET_ORDER_GIVEN};
    small_draw(&graph, 4, 60, 200);
    trouble->graph = &graph;
    g_autofree char *folder = g_dir_make_tmp("check_job_XXXXXX", NULL);
    g_setenv("TMPDIR", folder, TRUE);
    GasketJob job = {.algorithm = &algorithm,
                     .parameters = trouble,
                     .needs = everywhere_needs,
                     .n_needs = 1,
                     .results = everywhere_results,
                     .n_results = 1,
                     .mode = GASKET_JOB_PROCESSES,
                     .workers = workers,
                     .threads = 2,
                     .peer_timeout_us = trouble->way == STOP || trouble->way == STOP_AT_THE_END
                                            ? 4000000
                                            : 30000000,
                     .data = trouble,
                     .load = load,
                     .finish = finish};
    unsigned n_open = count_entries("/proc/self/fd");
    int64_t before = g_get_monotonic_time();
    GasketStopped stopped;
    bool ok = gasket_job_run(&job, &stopped, error);
    double seconds = (double)(g_get_monotonic_time() - before) / 1e6;
    ck_assert_msg(seconds < within, "it took %.1f s", seconds);
    ck_assert_uint_eq(count_entries("/proc/self/fd"), n_open);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing in it */
    g_unsetenv("TMPDIR");
    return ok;
}

static void
assert_ends(Way way, unsigned rank, unsigned step, unsigned workers, double within,
            GasketErrorCode code, const char *message)
{
    Trouble trouble = {.way = way, .rank = rank, .step = step};
    g_autoptr(GError) error = NULL;
    ck_assert(!run_job(&trouble, workers, within, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(g_error_matches(error, GASKET_ERROR, code) && strstr(error->message, message),
                  "way %d, rank %u, step %u, %u workers: found code %d, \"%s\"", way, rank, step,
                  workers, error->code, error->message);
}

START_TEST(a_job_without_trouble_ends_well)
{
    for (unsigned workers = 2; workers <= 4; workers++) {
        Trouble trouble = {.way = NOTHING};
        g_autoptr(GError) error = NULL;
        ck_assert_msg(run_job(&trouble, workers, GENEROUS, &error), "%s", error->message);
    }
}
END_TEST

START_TEST(drivers_that_take_different_ways_are_noticed)
{
    for (unsigned rank = 0; rank < 3; rank++) {
        assert_ends(OTHER_STEP, rank, 5, 3, GENEROUS, GASKET_ERROR_PROTOCOL, "made another step");
        assert_ends(ONE_STEP_LESS, rank, 19, 3, GENEROUS, GASKET_ERROR_PROTOCOL, "rank ");
    }
}
END_TEST

START_TEST(a_killed_rank_is_named)
{
    for (unsigned rank = 0; rank < 3; rank++) {
        g_autofree char *name = g_strdup_printf("rank %u was killed by signal 9", rank);
        assert_ends(KILL, rank, rank == 2 ? 0 : 7, 3, GENEROUS, GASKET_ERROR_PEER, name);
    }
}
END_TEST

START_TEST(a_stopped_rank_is_named)
{
    for (unsigned rank = 0; rank < 3; rank++) {
        g_autofree char *name = g_strdup_printf("rank %u", rank);
        assert_ends(STOP, rank, 5, 3, GENEROUS, GASKET_ERROR_PEER, name);
    }
}
END_TEST

START_TEST(a_rank_that_is_stopped_when_all_others_have_gone_is_named)
{
    assert_ends(STOP_AT_THE_END, 9, 0, 3, GENEROUS, GASKET_ERROR_PEER, "rank 0 was stopped for");
}
END_TEST

START_TEST(an_error_of_one_rank_is_the_error_of_the_job)
{
    for (unsigned rank = 0; rank < 3; rank++) {
        assert_ends(FAIL, rank, 6, 3, GENEROUS, GASKET_ERROR_MEMORY, "the tub is full");
        assert_ends(SAY_NOTHING, rank, 6, 3, GENEROUS, GASKET_ERROR_FAILED,
                    "failed without a reason");
    }
}
END_TEST

START_TEST(a_rank_that_exits_is_named)
{
    assert_ends(EXIT, 1, 3, 3, GENEROUS, GASKET_ERROR_PEER, "rank 1 ended with status 9");
    assert_ends(EXIT, 0, 0, 2, GENEROUS, GASKET_ERROR_PEER, "rank 0 ended with status 9");
}
END_TEST

START_TEST(a_loader_that_fails_is_the_cause)
{
    assert_ends(BAD_LOAD, 9, 0, 3, GENEROUS, GASKET_ERROR_FORMAT, "x.txt:3: found");
    assert_ends(KILL_LOADER, 9, 0, 3, GENEROUS, GASKET_ERROR_PEER,
                "the loader was killed by signal 9");
}
END_TEST

START_TEST(a_result_that_cannot_be_finished_is_an_error)
{
    assert_ends(BAD_FINISH, 9, 0, 3, GENEROUS, GASKET_ERROR_IO, "the disk is full");
}
END_TEST

/* ---- from C ---------------------------------------------------------------------------------- */

START_TEST(a_directed_relation_is_refused_where_a_symmetric_one_is_needed)
{
    static const GasketNeeds needs[] = {{.in_rows = true, .symmetric = true}};
    GasketAlgorithm algorithm = EVERYWHERE_ALGORITHM("both ways", trouble_run);
    algorithm.needs = needs;
    Trouble trouble = {.rank = 99};
    for (unsigned symmetric = 0; symmetric < 2; symmetric++) {
        SmallGraph graph = {.symmetric = symmetric};
        g_autoptr(GError) error = NULL;
        small_draw(&graph, 1, 20, 30);
        for (unsigned workers = 1; workers <= 2; workers++) {
            GasketRunOptions options = {.workers = workers};
            Experiment experiment = {&algorithm, &trouble, small_build, .data = &graph};
            g_autoptr(GasketResult) result = run_once(&experiment, &options, &error);
            ck_assert((result != NULL) == (symmetric == 1));
            ck_assert(symmetric || g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
            g_clear_error(&error);
        }
    }
}
END_TEST

int
main(void)
{
    TCase *job = tcase_create("job");
    tcase_set_timeout(job, 240);
    tcase_add_test(job, a_job_without_trouble_ends_well);
    tcase_add_test(job, drivers_that_take_different_ways_are_noticed);
    tcase_add_test(job, a_killed_rank_is_named);
    tcase_add_test(job, a_stopped_rank_is_named);
    tcase_add_test(job, a_rank_that_is_stopped_when_all_others_have_gone_is_named);
    tcase_add_test(job, an_error_of_one_rank_is_the_error_of_the_job);
    tcase_add_test(job, a_rank_that_exits_is_named);
    tcase_add_test(job, a_loader_that_fails_is_the_cause);
    tcase_add_test(job, a_result_that_cannot_be_finished_is_an_error);
    tcase_add_test(job, a_directed_relation_is_refused_where_a_symmetric_one_is_needed);
    TCase *cases[] = {job};
    return check_run("job", cases, G_N_ELEMENTS(cases));
}
