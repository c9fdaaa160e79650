/* SPDX-License-Identifier: Apache-2.0 */
/* From inputs to a graph of ratings; see ratings_input.h. */
#include "cli/ratings_input.h"

#include <string.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "loaders/ratings.h"

/* Of one that a single id has, the id says as much. */
#define LEAST_FEATURES 2

/* Whether --test is a number; everything else is a file. */
static bool
is_fraction(const char *test, double *ret_fraction)
{
    char *end;
    *ret_fraction = test != NULL ? g_ascii_strtod(test, &end) : 0;
    return test != NULL && end != test && *end == '\0';
}

bool
gasket_ratings_input_check(const GasketCliCommon *common, GError **error)
{
    double fraction;
    bool is_number = is_fraction(common->test, &fraction);

    if (is_number && !(fraction > 0 && fraction < 1))
        return gasket_cli_refuse(error,
                                 "--test: found %s, expected a file or a number above 0 and "
                                 "below 1",
                                 common->test);
    if (common->folds > 0 && (common->test != NULL || common->split != GASKET_HOLDOUT_RANDOM))
        return gasket_cli_refuse(error, "--folds excludes --test and --split");
    if (common->folds > 0 && (common->output != NULL || common->json || common->dry_run))
        return gasket_cli_refuse(error, "--folds excludes --output, --json and --dry-run");
    if (common->folds > 0 && common->workers > 1)
        return gasket_cli_refuse(error, "--folds: expected one worker, found %d",
                                 (int)common->workers);
    if (common->split == GASKET_HOLDOUT_BY_TIME && !is_number)
        return gasket_cli_refuse(error, "--split by-time: expected a fraction with --test");
    if (common->split == GASKET_HOLDOUT_LEAVE_ONE_OUT && common->test != NULL)
        return gasket_cli_refuse(error, "--split leave-one-out and --test exclude one another");
    return true;
}

static GasketRatingsOptions
ratings_options(const GasketGraphInput *input, const char **paths)
{
    const GasketCliCommon *common = input->common;
    GasketRatingsOptions options = {
        .load =
            {
                .inputs = paths,
                .n_inputs = input->n_paths,
                .format = common->format,
                .nonnegative = input->needs->nonnegative,
                .table = common->table,
                .query = common->query,
                .columns = common->columns,
                .threads = gasket_cli_threads(common, 1),
            },
        .order = (GasketOrder)common->order,
        .duplicates = (GasketDuplicates)common->duplicates,
        .keep_times = input->needs->times,
        .holdout = GASKET_HOLDOUT_NONE,
        .features = {input->features[0], input->features[1]},
        .least_features = LEAST_FEATURES,
        .validation = common->validate,
        .seed = (uint64_t)common->seed,
    };
    if (options.duplicates == GASKET_DUPLICATES_AUTO && input->needs->counts)
        options.duplicates = GASKET_DUPLICATES_SUM;
    if (common->folds > 0) {
        options.holdout = GASKET_HOLDOUT_FOLD;
        options.fold = (unsigned)common->fold;
        options.folds = (unsigned)common->folds;
        return options;
    }
    if (is_fraction(common->test, &options.fraction) ||
        common->split == GASKET_HOLDOUT_LEAVE_ONE_OUT) {
        options.holdout = (GasketHoldout)common->split;
    } else if (common->test != NULL) {
        paths[options.load.n_inputs++] = common->test;
        options.load.n_test = 1;
    }
    return options;
}

GasketGraph *
gasket_ratings_input_load(const GasketGraphInput *input, GasketGraphInputStats *ret_stats,
                          GError **error)
{
    g_autofree const char **paths = g_new0(const char *, input->n_paths + 1);
    memcpy(paths, input->paths, input->n_paths * sizeof *paths);
    GasketRatingsOptions options = ratings_options(input, paths);
    GasketCliProgress progress;
    gasket_cli_progress_init(&progress, input->common->quiet);
    options.load.progress = gasket_cli_progress_load;
    options.load.progress_data = &progress;

    GasketRatingsStats stats = {0};
    GasketGraph *graph = gasket_ratings_load(&options, &stats, error);
    gasket_cli_progress_end(&progress);
    if (graph == NULL)
        return NULL;
    if (ret_stats != NULL)
        *ret_stats = (GasketGraphInputStats){stats.info, stats.load_seconds, stats.number_seconds};
    else
        gasket_load_info_clear(&stats.info);
    return graph;
}
