/* SPDX-License-Identifier: Apache-2.0 */
/* Options about snapshots; see snapshot_options.h. */
#include "cli/snapshot_options.h"

#include <string.h>

#include "cli/command.h"
#include "cli/signals.h"
#include "engine/snapshot_manifest.h"

bool
gasket_cli_parse_snapshot_every(const char *text, GasketSnapshotPlan *plan, GError **error)
{
    static const struct {
        const char *unit;
        double seconds; /* 0: iterations */
    } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"", 0}, {"steps", 0}, {"step", 0}};
    char *end;

    plan->automatic = strcmp(text, "auto") == 0;
    plan->every_seconds = 0;
    plan->every_steps = 0;
    if (plan->automatic)
        return true;
    double number = g_ascii_strtod(text, &end);
    while (*end == ' ')
        end++;
    for (size_t u = 0; end != text && number > 0 && number < 1e15 && u < G_N_ELEMENTS(units); u++) {
        if (strcmp(end, units[u].unit) != 0)
            continue;
        if (units[u].seconds > 0) {
            plan->every_seconds = number * units[u].seconds;
            return true;
        }
        plan->every_steps = (uint64_t)number;
        if (number >= 1 && (double)plan->every_steps == number)
            return true;
    }
    return gasket_cli_refuse(error,
                             "--snapshot-every: found \"%s\", expected a time (30s, 5m, 2h), a "
                             "number of iterations (100 steps) or auto",
                             text);
}

static bool
check_folder(const GasketCliCommon *common, GError **error)
{
    if (common->snapshot == NULL || common->resume != NULL)
        return true;
    g_auto(GStrv) names = gasket_snapshot_list(common->snapshot, true);
    if (names[0] == NULL)
        return true;
    return gasket_cli_refuse(error,
                             "--snapshot: %s has the snapshots of an earlier run; --resume %s goes "
                             "on from them, or name another folder",
                             common->snapshot, common->snapshot);
}

/* The folder of the step to go on from, once it is known to be of this program. */
static char *
find_resume(const GasketCliCommon *common, const GasketJob *job, GError **error)
{
    g_auto(GasketSnapshotManifest) manifest = {0}, own = {0};
    g_autofree char *folder = gasket_snapshot_find(&gasket_disk_real, common->resume, false, error);

    gasket_snapshot_manifest_describe(&own, job);
    if (folder == NULL ||
        !gasket_snapshot_read_manifest(&gasket_disk_real, folder, &manifest, error) ||
        !gasket_snapshot_manifest_fits(&manifest, &own, folder, error))
        return NULL;
    return g_steal_pointer(&folder);
}

bool
gasket_cli_snapshot_plan(const GasketCliCommon *common, const GasketJob *job,
                         GasketSnapshotPlan *plan, char **ret_resume, GError **error)
{
    bool any = common->snapshot != NULL || common->resume != NULL || common->restart > 0;

    *ret_resume = NULL;
    if (!any)
        return true;
    if ((common->snapshot != NULL || common->resume != NULL) && !job->algorithm->resumable)
        return gasket_cli_refuse(error, "%s takes no snapshots: its driver cannot go on from one",
                                 job->algorithm->name);
    if (!gasket_cli_parse_snapshot_every(common->snapshot_every, plan, error) ||
        !check_folder(common, error))
        return false;
    plan->folder = common->snapshot;
    plan->mtbf_seconds = common->mtbf;
    plan->background = true;
    plan->asked = gasket_cli_signals_snapshot();
    if (common->resume == NULL)
        return true;
    *ret_resume = find_resume(common, job, error);
    plan->resume = *ret_resume;
    return *ret_resume != NULL;
}
