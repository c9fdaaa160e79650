/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary folders for snapshots. */
#ifndef GASKET_TESTS_SNAPSHOT_FOLDER_H
#define GASKET_TESTS_SNAPSHOT_FOLDER_H

#include <glib/gstdio.h>

#include "tests/check_main.h"

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

/* Deletes a file, or a folder with all that is in it. */
static inline void
remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_tree(inner);
    }
    if (dir != NULL)
        g_dir_close(dir);
    (void)g_remove(path);
}

static inline void
snapshot_folder_clear(SnapshotFolder *folder)
{
    remove_tree(folder->within);
    g_free(folder->path);
    g_free(folder->within);
}

#endif
