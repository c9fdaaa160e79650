/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a snapshot; see info_snapshot.h. */
#include "cli/info_snapshot.h"

#include "cli/command.h"
#include "engine/snapshot_manifest.h"

bool
gasket_cli_info_snapshot(const char *folder, GError **error)
{
    const GasketDisk *disk = &gasket_disk_real;
    g_auto(GasketSnapshotManifest) manifest = {0};
    g_autofree char *step = gasket_snapshot_find(disk, folder, false, error);

    if (step == NULL || !gasket_snapshot_read_manifest(disk, step, &manifest, error))
        return false;
    g_autofree char *text = gasket_snapshot_manifest_text(&manifest);
    g_autofree char *shown = g_strdup_printf("folder %s\n%s", step, text);
    if (!gasket_cli_print(shown, error) || !gasket_snapshot_verify(disk, step, &manifest, error))
        return false;
    return gasket_cli_print("every file is as the manifest says\n", error);
}
