/* SPDX-License-Identifier: Apache-2.0 */
/* A function in a child process: its answer, its failures, its death, and what it leaves. */
#include "check_main.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "partition/child.h"

static bool
doubles(void *data, void *result, GError **error)
{
    (void)error;
    *(uint64_t *)result = 2 * *(uint64_t *)data;
    *(uint64_t *)data = 0; /* in the child's memory only */
    return true;
}

static bool
refuses(void *data, void *result, GError **error)
{
    (void)result;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "%s", (const char *)data);
    return false;
}

static bool
kills_itself(void *data, void *result, GError **error)
{
    (void)error;
    *(uint64_t *)result = 1;
    raise(*(int *)data);
    return true;
}

static bool
leaves(void *data, void *result, GError **error)
{
    (void)result, (void)error;
    _exit(*(int *)data);
}

/* Nobody is left to be waited for. */
static void
assert_no_children(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

START_TEST(result_and_peak_memory_come_back_and_memory_stays_as_it_was)
{
    g_autoptr(GError) error = NULL;
    uint64_t value = 21, result = 0, peak = 0;
    ck_assert(gasket_child_run("a test", doubles, &value, &result, sizeof result, &peak, &error));
    ck_assert_uint_eq(result, 42);
    ck_assert_uint_eq(value, 21);
    ck_assert_uint_gt(peak, 100000);
    assert_no_children();
}
END_TEST

START_TEST(error_of_the_function_comes_back_with_its_code)
{
    g_autoptr(GError) error = NULL;
    uint64_t result = 5;
    ck_assert(!gasket_child_run("a test", refuses, "the number is odd", &result, sizeof result,
                                NULL, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    ck_assert_str_eq(error->message, "the number is odd");
    ck_assert_uint_eq(result, 5);
    assert_no_children();
}
END_TEST

START_TEST(child_that_is_killed_is_an_error_that_names_the_signal)
{
    static const struct {
        int signal;
        const char *message;
    } deaths[] = {
        {SIGKILL, "the process that ran a test was ended by signal 9 (Killed)"},
        {SIGTERM, "the process that ran a test was ended by signal 15 (Terminated)"},
    };
    g_autoptr(GError) error = NULL;
    uint64_t result = 5;
    int number = deaths[_i].signal;
    ck_assert(
        !gasket_child_run("a test", kills_itself, &number, &result, sizeof result, NULL, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FAILED));
    ck_assert_str_eq(error->message, deaths[_i].message);
    ck_assert_uint_eq(result, 5);
    assert_no_children();
}
END_TEST

START_TEST(child_that_leaves_without_answer_is_an_error_that_names_the_code)
{
    g_autoptr(GError) error = NULL;
    int code = 3;
    ck_assert(!gasket_child_run("a test", leaves, &code, NULL, 0, NULL, &error));
    ck_assert_str_eq(error->message, "the process that ran a test ended with code 3 and no result");
    assert_no_children();
}
END_TEST

/* What the child finds of its caller's surroundings. */
typedef struct {
    int descriptor;
    bool open, default_term, ignores_interrupt, term_blocked, usr1_blocked;
    uint64_t stdout_is_null;
} Surroundings;

static bool
looks_around(void *data, void *result, GError **error)
{
    Surroundings *seen = result;
    const Surroundings *given = data;
    struct sigaction action;
    sigset_t mask;
    (void)error;
    seen->open = fcntl(given->descriptor, F_GETFD) >= 0;
    (void)sigaction(SIGTERM, NULL, &action);
    seen->default_term = action.sa_handler == SIG_DFL;
    seen->ignores_interrupt = raise(SIGINT) == 0;
    (void)sigprocmask(SIG_SETMASK, NULL, &mask);
    seen->term_blocked = sigismember(&mask, SIGTERM);
    seen->usr1_blocked = sigismember(&mask, SIGUSR1);
    char name[64] = {0};
    if (readlink("/proc/self/fd/1", name, sizeof name - 1) > 0)
        seen->stdout_is_null = strcmp(name, "/dev/null") == 0;
    return true;
}

static void
on_term(int number)
{
    (void)number;
}

START_TEST(child_has_neither_descriptors_nor_handlers_of_its_caller)
{
    g_autoptr(GError) error = NULL;
    Surroundings given = {.descriptor = open("/dev/null", O_RDONLY)}, seen = {0};
    struct sigaction term = {.sa_handler = on_term}, before, after;
    sigset_t usr1, old, now;

    ck_assert_int_ge(given.descriptor, 3);
    ck_assert_int_eq(sigaction(SIGTERM, &term, &before), 0);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &usr1, &old), 0);
    ck_assert(gasket_child_run("a test", looks_around, &given, &seen, sizeof seen, NULL, &error));
    ck_assert(!seen.open);
    ck_assert(seen.default_term);
    ck_assert(seen.ignores_interrupt);
    ck_assert(!seen.term_blocked);
    ck_assert(seen.usr1_blocked);
    ck_assert(seen.stdout_is_null);

    /* And the caller keeps what it had. */
    ck_assert_int_ge(fcntl(given.descriptor, F_GETFD), 0);
    ck_assert_int_eq(sigaction(SIGTERM, &before, &after), 0);
    ck_assert(after.sa_handler == on_term);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &old, &now), 0);
    ck_assert(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGTERM));
    close(given.descriptor);
}
END_TEST

START_TEST(result_counts_even_where_children_are_not_waited_for)
{
    g_autoptr(GError) error = NULL;
    uint64_t value = 4, result = 0;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    ck_assert_int_eq(sigaction(SIGCHLD, &ignore, &before), 0);
    bool ok = gasket_child_run("a test", doubles, &value, &result, sizeof result, NULL, &error);
    ck_assert_int_eq(sigaction(SIGCHLD, &before, NULL), 0);
    ck_assert_no_error(error);
    ck_assert(ok);
    ck_assert_uint_eq(result, 8);
}
END_TEST

static bool
tells_its_id_and_waits(void *data, void *result, GError **error)
{
    (void)result, (void)error;
    __atomic_store_n(*(pid_t **)data, getpid(), __ATOMIC_RELEASE);
    while (pause() < 0)
        continue;
    return true;
}

START_TEST(child_dies_with_its_caller)
{
    pid_t *id = mmap(NULL, sizeof *id, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    ck_assert(id != MAP_FAILED);
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t caller = fork();
    if (caller == 0) {
        (void)gasket_child_run("a test", tells_its_id_and_waits, &id, NULL, 0, NULL, NULL);
        _exit(0);
    }
    while (__atomic_load_n(id, __ATOMIC_ACQUIRE) == 0)
        g_usleep(1000);
    ck_assert_int_eq(kill(caller, SIGKILL), 0);
    ck_assert_int_eq(waitpid(caller, &status, 0), caller);
    ck_assert_int_eq(waitpid(*id, &status, 0), *id);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    munmap(id, sizeof *id);
}
END_TEST

int
main(void)
{
    TCase *answers = tcase_create("answers");
    tcase_add_test(answers, result_and_peak_memory_come_back_and_memory_stays_as_it_was);
    tcase_add_test(answers, error_of_the_function_comes_back_with_its_code);
    tcase_add_test(answers, result_counts_even_where_children_are_not_waited_for);
    TCase *deaths = tcase_create("deaths");
    tcase_add_loop_test(deaths, child_that_is_killed_is_an_error_that_names_the_signal, 0, 2);
    tcase_add_test(deaths, child_that_leaves_without_answer_is_an_error_that_names_the_code);
    tcase_add_test(deaths, child_dies_with_its_caller);
    TCase *surroundings = tcase_create("surroundings");
    tcase_add_test(surroundings, child_has_neither_descriptors_nor_handlers_of_its_caller);
    TCase *cases[] = {answers, deaths, surroundings};
    return check_run("child", cases, G_N_ELEMENTS(cases));
}
