/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every Check program shares: running one suite, and where the data sets stand.
 *
 *   int main(void) { return check_run("array", array_cases()); }
 */
#ifndef GASKET_TESTS_CHECK_MAIN_H
#define GASKET_TESTS_CHECK_MAIN_H

#include <check.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs the test cases of one suite; returns the program's exit code. */
static inline int
check_run(const char *name, TCase *const cases[], size_t n_cases)
{
    /* GLib makes a lock with its first error, in a library that the thread sanitizer does not look
     * into: two threads with the first ones at once would be a race to it. */
    g_error_free(g_error_new_literal(G_FILE_ERROR, 0, name));
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < n_cases; i++)
        suite_add_tcase(suite, cases[i]);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Whether everything takes long: the builds with sanitizers run with GASKET_SHORT. */
static inline bool
check_is_short(void)
{
    return g_getenv("GASKET_SHORT") != NULL;
}

/* How often to do what is done n times: fewer where that takes long, but never less than least. */
static inline unsigned
check_times(unsigned n, unsigned least)
{
    return check_is_short() ? MAX(n / 10, least) : n;
}

/* The path of a file in the data folder; NULL, after saying so, if it is not there. g_free. */
static inline char *
check_data(const char *relative)
{
    const char *folder = g_getenv("GASKET_DATA");
    g_autofree char *path = g_build_filename(folder ? folder : "../shared/data", relative, NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        printf("skipped: %s is not there\n", path);
        return NULL;
    }
    return g_steal_pointer(&path);
}

/* Fails the test with the error's message if there is one. */
#define ck_assert_no_error(error)                                                                  \
    ck_assert_msg((error) == NULL, "%s", (error) ? (error)->message : "")

#endif
