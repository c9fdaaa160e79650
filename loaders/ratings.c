/* SPDX-License-Identifier: Apache-2.0 */
/* From files to a graph of ratings with one rating a pair; see ratings.h. */
#include "loaders/ratings.h"

#include <string.h>

#include "engine/array.h"
#include "engine/feed.h"
#include "loaders/rating_features.h"
#include "loaders/ratings_split.h"

/* ---- one rating a pair ----------------------------------------------------------------------- */

/* What entries [begin, end) of one pair become: the rating, and the latest time. */
static void
join(const GasketRatingColumns *columns, uint64_t begin, uint64_t end, GasketDuplicates rule,
     float *ret_rating, double *ret_time)
{
    const float *rating = columns->rating;
    const double *time = columns->time;
    double sum = 0, latest = time != NULL ? time[begin] : 0;
    float low = rating[begin], high = low, last = low;

    for (uint64_t e = begin; e < end; e++) {
        sum += rating[e];
        low = MIN(low, rating[e]);
        high = MAX(high, rating[e]);
        /* Of several at the latest time the last in the row's order: that of the bits. */
        if (time != NULL && time[e] >= latest) {
            latest = time[e];
            last = rating[e];
        }
    }
    if (rule == GASKET_DUPLICATES_AUTO)
        rule = time != NULL ? GASKET_DUPLICATES_LATEST : GASKET_DUPLICATES_MEAN;
    *ret_time = latest;
    *ret_rating = rule == GASKET_DUPLICATES_LATEST ? last
                  : rule == GASKET_DUPLICATES_MEAN ? (float)(sum / (double)(end - begin))
                  : rule == GASKET_DUPLICATES_SUM  ? (float)CLAMP(sum, -G_MAXFLOAT, G_MAXFLOAT)
                  : rule == GASKET_DUPLICATES_MIN  ? low
                                                   : high;
}

/* Makes the ratings of each pair one, in place; returns how many were joined to others. */
static uint64_t
join_pairs(GasketGraphRelation *relation, GasketDuplicates rule)
{
    GasketGraphRows *rows = &relation->rows[GASKET_OUT];
    GasketRatingColumns columns = gasket_rating_columns(relation);
    uint64_t kept = 0, row_begin = 0;

    for (uint32_t u = 0; u < rows->n_rows; u++) {
        uint64_t e = row_begin, row_end = rows->offset[u + 1];
        row_begin = row_end;
        while (e < row_end) {
            uint64_t end = e + 1;
            while (end < row_end && rows->neighbour[end] == rows->neighbour[e])
                end++;
            float rating = columns.rating[e];
            double time = columns.time != NULL ? columns.time[e] : 0;
            if (end > e + 1)
                join(&columns, e, end, rule, &rating, &time);
            rows->neighbour[kept] = rows->neighbour[e];
            columns.rating[kept] = rating;
            if (columns.time != NULL)
                columns.time[kept] = time;
            kept++;
            e = end;
        }
        rows->offset[u + 1] = kept;
    }
    uint64_t joined = rows->n_entries - kept;
    rows->n_entries = relation->n_edges = kept;
    return joined;
}

/* ---- columns --------------------------------------------------------------------------------- */

GasketRatingColumns
gasket_rating_columns(const GasketGraphRelation *relation)
{
    const GasketGraphRows *rows = &relation->rows[GASKET_OUT];
    return (GasketRatingColumns){
        .rating = rows->columns[0].data,
        .time = relation->n_columns > 1 ? rows->columns[1].data : NULL,
    };
}

static void
drop_times(GasketGraphRelation *relation)
{
    if (relation->n_columns > 1)
        gasket_column_data_clear(&relation->rows[GASKET_OUT].columns[1]);
    relation->n_columns = 1;
}

/* Gives back what the columns of a relation no longer need. */
static bool
shrink(GasketGraphRelation *relation, GError **error)
{
    GasketGraphRows *rows = &relation->rows[GASKET_OUT];
    uint32_t *neighbour =
        gasket_array_resize(rows->neighbour, rows->n_entries, sizeof *neighbour, error);
    if (neighbour == NULL)
        return false;
    rows->neighbour = neighbour;
    for (unsigned c = 0; c < relation->n_columns; c++) {
        size_t size = gasket_type_size(rows->columns[c].type);
        void *data = gasket_array_resize(rows->columns[c].data, rows->n_entries, size, error);
        if (data == NULL)
            return false;
        rows->columns[c].data = data;
    }
    return true;
}

/* ---- loading --------------------------------------------------------------------------------- */

static void
stats_clear(GasketRatingsStats *stats)
{
    gasket_load_info_clear(&stats->info);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GasketRatingsStats, stats_clear)

GasketGraph *
gasket_ratings_finish_take(GasketGraphBuilder **builder, const char *name,
                           const GasketRatingsOptions *options, GasketRatingsStats *stats,
                           GError **error)
{
    const GasketGraphRules rules = {.order = options->order, .threads = options->load.threads};
    const GasketWantedRows wanted[] = {
        {.out = true}, {.out = true}, {.out = true}, {.out = true}, {.out = true}};
    const int64_t start = g_get_monotonic_time();
    g_autoptr(GasketGraph) graph =
        gasket_graph_builder_finish_rows_take(builder, &rules, wanted, error);
    stats->number_seconds = (double)(g_get_monotonic_time() - start) / 1e6;
    if (graph == NULL)
        return NULL;
    if (options->duplicates == GASKET_DUPLICATES_LATEST && graph->relations[0].n_columns < 2) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s has no times, which the latest of duplicates needs", name);
        return NULL;
    }
    for (unsigned r = 0; r < 2; r++)
        stats->duplicates += join_pairs(&graph->relations[r], options->duplicates);
    if ((options->holdout != GASKET_HOLDOUT_NONE &&
         !gasket_ratings_hold_out(graph, options, error)) ||
        (options->validation > 0 && !gasket_ratings_validate(graph, options, error)))
        return NULL;
    for (unsigned r = 0; r < 3; r++) {
        if (!options->keep_times)
            drop_times(&graph->relations[r]);
        if (!shrink(&graph->relations[r], error))
            return NULL;
    }
    if (graph->relations[0].n_edges == 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s: found no ratings to train on, expected some", name);
        return NULL;
    }
    return g_steal_pointer(&graph);
}

GasketGraph *
gasket_ratings_load(const GasketRatingsOptions *options, GasketRatingsStats *ret_stats,
                    GError **error)
{
    g_auto(GasketRatingsStats) stats = {0};
    g_autoptr(GasketGraphBuilder) builder = gasket_graph_builder_new();
    GasketLoadOptions load = options->load;
    load.ratings = load.require_weights = true;

    load.features = options->features[0] != NULL || options->features[1] != NULL;

    const int64_t start = g_get_monotonic_time();
    if (!gasket_load(builder, &load, &stats.info, error))
        return NULL;
    for (unsigned kind = 0; kind < 2; kind++)
        if (options->features[kind] != NULL &&
            !gasket_features_load(builder, kind, options->features[kind], options->least_features,
                                  error))
            return NULL;
    stats.load_seconds = (double)(g_get_monotonic_time() - start) / 1e6;
    g_autoptr(GasketGraph) graph =
        gasket_ratings_finish_take(&builder, options->load.inputs[0], options, &stats, error);
    if (graph != NULL && ret_stats != NULL) {
        *ret_stats = stats;
        stats.info = (GasketLoadInfo){0};
    }
    return g_steal_pointer(&graph);
}
