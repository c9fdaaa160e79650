/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary folders for snapshots. */
#ifndef GASKET_TESTS_SNAPSHOT_FOLDER_H
#define GASKET_TESTS_SNAPSHOT_FOLDER_H

#include "tests/folder.h"

typedef struct {
    char *path; /* does not exist before the first snapshot */
    char *within;
} SnapshotFolder;

static inline SnapshotFolder
snapshot_folder_new(void)
{
    /* In memory where possible: there, syncing takes no time. */
    const char *base = g_file_test("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir();
    SnapshotFolder folder = {.within = g_build_filename(base, "gasket-XXXXXX", NULL)};
    ck_assert_ptr_nonnull(g_mkdtemp(folder.within));
    folder.path = g_build_filename(folder.within, "snapshots", NULL);
    return folder;
}

static inline void
snapshot_folder_clear(SnapshotFolder *folder)
{
    remove_tree(folder->within);
    g_free(folder->path);
    g_free(folder->within);
}

#endif
