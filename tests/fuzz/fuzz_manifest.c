/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the manifest of a snapshot: any bytes are refused or read; what was read and is written
 * again is read again, the same.
 *
 * Input: the text. Where its last line is no sum of the others, that is added, so that what is
 * behind the sum is reached.
 */
#include "engine/snapshot_manifest.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_and_write(const char *text, size_t n)
{
    g_auto(GasketSnapshotManifest) manifest = {0}, again = {0};
    g_autoptr(GError) error = NULL;
    if (!gasket_snapshot_manifest_parse(text, n, "manifest", &manifest, &error)) {
        g_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FORMAT));
        return;
    }
    g_assert(error == NULL && manifest.n_files <= GASKET_SNAPSHOT_MAX_RANKS);
    g_autofree char *written = gasket_snapshot_manifest_text(&manifest);
    bool ok = gasket_snapshot_manifest_parse(written, strlen(written), "manifest", &again, &error);
    g_assert(ok);
    g_autofree char *twice = gasket_snapshot_manifest_text(&again);
    g_assert_cmpstr(written, ==, twice);
    g_assert(gasket_snapshot_manifest_fits(&manifest, &again, "manifest", NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_and_write((const char *)data, size);
    g_autoptr(GString) text = g_string_new_len((const char *)data, (gssize)size);
    if (size > 0 && data[size - 1] != '\n')
        g_string_append_c(text, '\n');
    GasketSum128 sum = gasket_sum128(text->str, text->len);
    g_string_append_printf(text, "end %016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x\n",
                           sum.high, sum.low);
    read_and_write(text->str, text->len);
    return 0;
}
