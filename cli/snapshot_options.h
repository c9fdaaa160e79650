/* SPDX-License-Identifier: Apache-2.0 */
/* --snapshot, --snapshot-every, --mtbf, --resume and --restart -> what a job does about them. */
#ifndef GASKET_CLI_SNAPSHOT_OPTIONS_H
#define GASKET_CLI_SNAPSHOT_OPTIONS_H

#include "cli/common_options.h"
#include "engine/job.h"

/* Fills the plan of a job from the options. ret_resume: owns the folder that the plan names; free
 * it with g_free after the run. Errors: ARGUMENT (options that do not fit one another, a folder
 * that has the snapshots of an earlier run), INPUT (nothing to resume from), FORMAT. */
bool gasket_cli_snapshot_plan(const GasketCliCommon *common, const GasketJob *job,
                              GasketSnapshotPlan *plan, char **ret_resume, GError **error);

/* "30s", "5m", "2h", "100 steps", "100" or "auto". Error: ARGUMENT. */
bool gasket_cli_parse_snapshot_every(const char *text, GasketSnapshotPlan *plan, GError **error);

#endif
