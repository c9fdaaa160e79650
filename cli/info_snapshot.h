/* SPDX-License-Identifier: Apache-2.0 */
/* `gasket info DIR` of a folder of snapshots. */
#ifndef GASKET_CLI_INFO_SNAPSHOT_H
#define GASKET_CLI_INFO_SNAPSHOT_H

#include <gasket/error.h>

/* Prints the manifest of the snapshot that --resume would take from folder, after a check of its
 * files. Errors: INPUT (none there), FORMAT (damaged, after the manifest was printed), IO. */
bool gasket_cli_info_snapshot(const char *folder, GError **error);

#endif
