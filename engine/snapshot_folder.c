/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots on disk: finding, verifying and deleting them. See snapshot_manifest.h. */
#include <string.h>
#include <unistd.h>

#include "engine/array.h"
#include "engine/snapshot_manifest.h"

#define MANIFEST_MAX (16u << 20) /* bytes: room for the most ranks there can be */

bool
gasket_snapshot_read_manifest(const GasketDisk *disk, const char *step_folder,
                              GasketSnapshotManifest *manifest, GError **error)
{
    g_autofree char *path = g_build_filename(step_folder, "manifest", NULL);
    uint64_t n;
    uint8_t *text = gasket_disk_read_file(disk, path, MANIFEST_MAX, &n, error);

    if (text == NULL)
        return false;
    bool ok = gasket_snapshot_manifest_parse((const char *)text, n, path, manifest, error);
    gasket_array_free(text);
    return ok;
}

bool
gasket_snapshot_verify(const GasketDisk *disk, const char *step_folder,
                       const GasketSnapshotManifest *manifest, GError **error)
{
    for (unsigned f = 0; f < manifest->n_files; f++) {
        const GasketSnapshotFile *file = &manifest->files[f];
        g_autofree char *name = g_strdup_printf("rank-%u", f);
        g_autofree char *path = g_build_filename(step_folder, name, NULL);
        uint64_t n;
        uint8_t *bytes = gasket_disk_read_file(disk, path, INT64_MAX, &n, error);
        if (bytes == NULL)
            return false;
        GasketSum128 sum = gasket_sum128(bytes, n);
        gasket_array_free(bytes);
        if (n != file->bytes || sum.low != file->sum.low || sum.high != file->sum.high) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                        "%s: damaged: found %" G_GUINT64_FORMAT
                        " bytes whose sum or number is not that of the manifest, expected "
                        "%" G_GUINT64_FORMAT " bytes",
                        path, n, file->bytes);
            return false;
        }
    }
    return true;
}

static bool
has_manifest(const char *step_folder)
{
    g_autofree char *path = g_build_filename(step_folder, "manifest", NULL);
    return g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **
gasket_snapshot_list(const char *folder, bool complete)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    GPtrArray *names = g_ptr_array_new();
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_str_has_prefix(name, "step-") && (!complete || has_manifest(path)))
            g_ptr_array_add(names, g_strdup(name));
    }
    g_ptr_array_sort(names, compare_names); /* iterations have leading zeros */
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static bool
is_good(const GasketDisk *disk, const char *step_folder)
{
    g_auto(GasketSnapshotManifest) manifest = {0};
    return gasket_snapshot_read_manifest(disk, step_folder, &manifest, NULL) &&
           gasket_snapshot_verify(disk, step_folder, &manifest, NULL);
}

char *
gasket_snapshot_find(const GasketDisk *disk, const char *folder, bool only_good, GError **error)
{
    if (has_manifest(folder) && (!only_good || is_good(disk, folder)))
        return g_strdup(folder);
    g_auto(GStrv) names = gasket_snapshot_list(folder, true);
    for (unsigned i = g_strv_length(names); i-- > 0;) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        if (!only_good || is_good(disk, path))
            return g_steal_pointer(&path);
    }
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT,
                "%s: found no %ssnapshot, expected a folder that --snapshot wrote", folder,
                only_good ? "undamaged " : "");
    return NULL;
}

/* Deletes a step's folder, the manifest first: from then on it is no snapshot. */
static void
remove_step(const char *step_folder)
{
    g_autofree char *manifest = g_build_filename(step_folder, "manifest", NULL);
    g_autoptr(GDir) dir = g_dir_open(step_folder, 0, NULL);
    const char *name;

    (void)unlink(manifest); /* what cannot be deleted stays, and is tried again next time */
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(step_folder, name, NULL);
        if (g_str_has_prefix(name, "rank-") || g_str_has_prefix(name, "manifest"))
            (void)unlink(path);
    }
    (void)rmdir(step_folder);
}

void
gasket_snapshot_prune(const char *folder, unsigned keep)
{
    g_auto(GStrv) all = gasket_snapshot_list(folder, false);
    unsigned n_complete = 0;

    for (unsigned i = g_strv_length(all); i-- > 0;) {
        g_autofree char *path = g_build_filename(folder, all[i], NULL);
        bool complete = has_manifest(path);
        if (complete ? n_complete++ >= keep : n_complete > 0)
            remove_step(path);
    }
}
