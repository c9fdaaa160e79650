/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that a test has to itself.
 *
 *   g_auto(Folder) folder = folder_new();
 *   g_autofree char *path = g_build_filename(folder.path, "ratings.tsv", NULL);
 */
#ifndef GASKET_TESTS_FOLDER_H
#define GASKET_TESTS_FOLDER_H

#include <glib/gstdio.h>

#include "tests/check_main.h"

typedef struct {
    char *path;
} Folder;

static inline Folder
folder_new(void)
{
    g_autoptr(GError) error = NULL;
    Folder folder = {g_dir_make_tmp("gasket-XXXXXX", &error)};
    ck_assert_no_error(error);
    return folder;
}

/* How many files and folders are in it. */
static inline unsigned
folder_count(const Folder *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder->path, 0, NULL);
    unsigned n = 0;
    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

/* Deletes a file, or a folder with all that is in it. */
static inline void
remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_tree(inner);
    }
    (void)g_remove(path);
}

static inline void
folder_clear(Folder *folder)
{
    if (folder->path != NULL)
        remove_tree(folder->path);
    g_clear_pointer(&folder->path, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Folder, folder_clear)

#endif
