/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/result_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- whole or not at all --------------------------------------------------------------------- */

static const char *const every_name[] = {"r.tsv", "r.csv", "r.jsonl", "r.npy", "r.db"};

START_TEST(a_writer_that_is_not_finished_leaves_what_was_there)
{
    for (size_t i = 0; i < G_N_ELEMENTS(every_name); i++) {
        g_auto(Folder) folder = folder_new();
        g_autofree char *path = g_build_filename(folder.path, every_name[i], NULL);

        GasketResultWriter *writer = gasket_result_writer_new(path, columns, 3, NULL, NULL);
        ck_assert(gasket_result_writer_write(writer, &integer_block, NULL));
        gasket_result_writer_free(writer);
        ck_assert_uint_eq(folder_count(&folder), 0);

        write_result(path, &integer_block, NULL);
        unsigned n_files = folder_count(&folder);
        g_autofree char *before = NULL, *after = NULL;
        gsize n_before = 0, n_after = 0;
        ck_assert(g_file_get_contents(path, &before, &n_before, NULL));
        writer = gasket_result_writer_new(path, columns, 3, NULL, NULL);
        ck_assert(gasket_result_writer_write(writer, &text_block, NULL));
        gasket_result_writer_free(writer);
        ck_assert_uint_eq(folder_count(&folder), n_files);
        ck_assert(g_file_get_contents(path, &after, &n_after, NULL));
        ck_assert_uint_eq(n_before, n_after);
        ck_assert_mem_eq(before, after, n_before);
    }
}
END_TEST

START_TEST(a_process_that_is_killed_leaves_no_file)
{
    for (size_t i = 0; i < G_N_ELEMENTS(every_name); i++) {
        /* A table takes each vertex once. */
        const unsigned n_blocks = g_str_has_suffix(every_name[i], ".db") ? 1 : 100000;
        g_auto(Folder) folder = folder_new();
        g_autofree char *path = g_build_filename(folder.path, every_name[i], NULL);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            GasketResultWriter *writer = gasket_result_writer_new(path, columns, 3, NULL, NULL);
            for (unsigned n = 0; n < n_blocks; n++)
                if (!gasket_result_writer_write(writer, &integer_block, NULL))
                    _exit(1);
            raise(SIGKILL);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        ck_assert_uint_eq(folder_count(&folder), 0);
    }
}
END_TEST

START_TEST(a_database_survives_a_writer_that_is_killed)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "r.db", NULL);
    write_result(path, &integer_block, NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        GasketResultWriter *writer =
            gasket_result_writer_new(path, columns, 3, &(GasketResultOptions){.table = "other"},
                                     NULL);
        if (gasket_result_writer_write(writer, &integer_block, NULL))
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    assert_query(path, "SELECT count(*) FROM result", "3;");
    assert_query(path, "SELECT name FROM sqlite_schema WHERE type = 'table'", "result;");
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_leaves_no_file)
{
    struct rlimit before, small;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){16384, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);

    for (size_t i = 0; i < G_N_ELEMENTS(every_name); i++) {
        g_auto(Folder) folder = folder_new();
        g_autofree char *path = g_build_filename(folder.path, every_name[i], NULL);
        g_autoptr(GError) error = NULL;
        static int64_t ids[3];
        const GasketIds growing = {.n = 3, .integer = ids};
        GasketResultBlock block = integer_block;
        block.ids = &growing;

        GasketResultWriter *writer = gasket_result_writer_new(path, columns, 3, NULL, &error);
        ck_assert_no_error(error);
        bool written = true;
        for (int64_t n = 0; n < 300000 && written; n += 3) {
            for (int j = 0; j < 3; j++)
                ids[j] = n + j;
            written = gasket_result_writer_write(writer, &block, &error);
        }
        written = written && gasket_result_writer_finish(writer, &error);
        ck_assert_msg(!written, "%s", path);
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_IO));
        ck_assert_ptr_nonnull(strstr(error->message, path));
        gasket_result_writer_free(writer);
        ck_assert_uint_eq(folder_count(&folder), 0);
    }
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
}
END_TEST

START_TEST(a_device_that_is_full_is_an_error)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketResultWriter) writer =
        gasket_result_writer_new("/dev/full", columns, 3, NULL, &error);
    ck_assert_no_error(error);
    bool written = gasket_result_writer_write(writer, &integer_block, &error) &&
                   gasket_result_writer_finish(writer, &error);
    ck_assert(!written);
    ck_assert_str_eq(error->message, "cannot write /dev/full: No space left on device");
}
END_TEST

START_TEST(a_symbolic_link_is_followed_and_permissions_stay)
{
    g_auto(Folder) folder = folder_new();
    g_autofree char *path = g_build_filename(folder.path, "real.tsv", NULL);
    g_autofree char *link = g_build_filename(folder.path, "link.tsv", NULL);
    GStatBuf status;

    ck_assert(g_file_set_contents(path, "old", -1, NULL));
    ck_assert_int_eq(g_chmod(path, 0640), 0);
    ck_assert_int_eq(symlink("real.tsv", link), 0);
    write_result(link, &integer_block, NULL);
    ck_assert(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    ck_assert_int_eq(g_stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0640);
    ck_assert_int_gt(status.st_size, 3);
}
END_TEST

START_TEST(what_cannot_be_written_is_said_before_the_run)
{
    static const struct {
        const char *path, *message;
        int code;
    } cases[] = {
        {"/nowhere/r.tsv", "cannot write /nowhere/r.tsv: No such file or directory",
         GASKET_ERROR_IO},
        {"r.xlsx",
         "r.xlsx: the ending names no format for results, expected .tsv, .csv, .jsonl, .npy, .db, "
         "of graphical models .MAR, .PR or .MPE, or - for standard output",
         GASKET_ERROR_ARGUMENT},
        {"/tmp",
         "/tmp: the ending names no format for results, expected .tsv, .csv, .jsonl, .npy, .db, "
         "of graphical models .MAR, .PR or .MPE, or - for standard output",
         GASKET_ERROR_ARGUMENT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert(!gasket_result_writer_check(cases[i].path, NULL, &error));
        ck_assert_str_eq(error->message, cases[i].message);
        ck_assert_int_eq(error->code, cases[i].code);
    }
    ck_assert(gasket_result_writer_check("-", NULL, NULL));
    ck_assert(gasket_result_writer_check("/tmp/r.db", NULL, NULL));
    g_autoptr(GError) error = NULL;
    ck_assert(!gasket_result_writer_check("-", &(GasketResultOptions){.format = "npy"}, &error));
    ck_assert_str_eq(error->message, "-: results in this format need a file of their own");
}
END_TEST

START_TEST(an_empty_result_is_a_result)
{
    const char *const expected[] = {"vertex\trank\tparent\tpair_0\tpair_1\n",
                                    "vertex,rank,parent,pair_0,pair_1\n", ""};
    for (size_t i = 0; i < G_N_ELEMENTS(every_name); i++) {
        g_auto(Folder) folder = folder_new();
        g_autofree char *path = g_build_filename(folder.path, every_name[i], NULL);
        g_autoptr(GasketResultWriter) writer =
            gasket_result_writer_new(path, columns, 3, NULL, NULL);
        ck_assert(gasket_result_writer_finish(writer, NULL));
        if (i < G_N_ELEMENTS(expected))
            assert_bytes(path, expected[i], strlen(expected[i]));
        if (i == G_N_ELEMENTS(every_name) - 1)
            assert_query(path, "SELECT count(*) FROM result", "0;");
    }
}
END_TEST

int
main(void)
{
    TCase *whole = tcase_create("whole or not at all");
    tcase_set_timeout(whole, 60);
    tcase_add_test(whole, a_writer_that_is_not_finished_leaves_what_was_there);
    tcase_add_test(whole, a_process_that_is_killed_leaves_no_file);
    tcase_add_test(whole, a_database_survives_a_writer_that_is_killed);
    tcase_add_test(whole, a_full_disk_is_an_error_and_leaves_no_file);
    tcase_add_test(whole, a_device_that_is_full_is_an_error);
    tcase_add_test(whole, a_symbolic_link_is_followed_and_permissions_stay);
    tcase_add_test(whole, what_cannot_be_written_is_said_before_the_run);
    tcase_add_test(whole, an_empty_result_is_a_result);

    TCase *cases[] = {whole};
    return check_run("result_files", cases, G_N_ELEMENTS(cases));
}
