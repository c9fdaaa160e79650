/* SPDX-License-Identifier: Apache-2.0 */
/* The first and last time of ratings; see rating_times.h. */
#include "rating_times.h"

const GasketNeeds rating_times_needs[RATING_TIMES_NEEDS] = {{.in_rows = true,
                                                             .out_rows = true,
                                                             .times = true},
                                                            {.out_rows = true, .times = true},
                                                            {.out_rows = true, .times = true}};

bool
rating_times_init(RatingTimes *times, const GasketRun *run, const char *method, GError **error)
{
    times->column = gasket_run_edge_column(run, 0, "time");
    if (times->column >= 0)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "the ratings have no times, which %s needs", method);
    return false;
}

typedef struct {
    int column;
    unsigned aggregate;
} Find;

static void
find_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Find *find = context->parameters;
    const GasketRows *rows = run->rows;
    const double *time = rows->column[find->column].data;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            gasket_extreme(context, find->aggregate, 0, time[e]);
            gasket_extreme(context, find->aggregate + 1, 0, time[e]);
        }
}

bool
rating_times_find(RatingTimes *times, GasketRun *run, unsigned aggregate, GError **error)
{
    const Find find = {times->column, aggregate};
    const GasketProgram program = {.name = "times",
                                   .apply = find_apply,
                                   .changes = GASKET_CHANGES_NONE,
                                   .aggregates = UINT64_C(3) << aggregate,
                                   .parameters = &find};
    if (!gasket_recommender_turn(run, &program, error))
        return false;
    times->first = gasket_run_total(run, aggregate, 0);
    times->last = gasket_run_total(run, aggregate + 1, 0);
    return true;
}
