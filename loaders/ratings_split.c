/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding ratings out; see ratings.h.
 *
 * A pass marks the entries that are held out, a byte each; another moves them from the rows of
 * "train" to those of "test". Both keep the order of the rows.
 */
#include "loaders/ratings_split.h"

#include <stdlib.h>
#include <string.h>

#include <gasket/random.h>

#include "engine/array.h"

#define STREAM     0x52a7 /* of the random numbers of pairs */
#define VALIDATION 0x52a8 /* the same, for validation */

/* The same for a pair whatever else there is: uniform over [0, 1). */
static double
pair_random(const GasketGraph *graph, uint64_t seed, uint32_t stream, uint32_t user, uint32_t item)
{
    const uint32_t *users = graph->kinds[0].ordinal, *items = graph->kinds[1].ordinal;
    GasketRandom random = gasket_random_at(seed, stream, users != NULL ? users[user] : user,
                                           items != NULL ? items[item] : item);
    return gasket_random_double(&random);
}

static void
mark_random(const GasketGraph *graph, const GasketRatingsOptions *options, uint8_t *held)
{
    const GasketGraphRows *rows = &graph->relations[0].rows[GASKET_OUT];
    bool fold = options->holdout == GASKET_HOLDOUT_FOLD;
    double low = fold ? (double)options->fold / options->folds : 0;
    double high = fold ? (double)(options->fold + 1) / options->folds : options->fraction;

    for (uint32_t u = 0; u < rows->n_rows; u++) {
        for (uint64_t e = rows->offset[u]; e < rows->offset[u + 1]; e++) {
            double x = pair_random(graph, options->seed, STREAM, u, rows->neighbour[e]);
            if (x >= low && x < high)
                held[e] = 1;
        }
    }
}

static void
mark_last_of_each(const GasketGraph *graph, const GasketRatingsOptions *options, uint8_t *held)
{
    const GasketGraphRows *rows = &graph->relations[0].rows[GASKET_OUT];
    const double *time = gasket_rating_columns(&graph->relations[0]).time;

    for (uint32_t u = 0; u < rows->n_rows; u++) {
        uint64_t begin = rows->offset[u], end = rows->offset[u + 1], best = begin;
        double best_random = -1;
        if (end - begin < 2)
            continue;
        for (uint64_t e = begin; e < end; e++) {
            double x = pair_random(graph, options->seed, STREAM, u, rows->neighbour[e]);
            bool later = time != NULL && time[e] > time[best];
            bool same = time == NULL || time[e] == time[best];
            if (later || (same && x > best_random)) {
                best = e;
                best_random = x;
            }
        }
        held[best] = 1;
    }
}

/* An entry's place in time. */
typedef struct {
    double time, random;
    uint64_t entry;
} Moment;

static int
compare_moments(const void *a, const void *b)
{
    const Moment *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    if (x->random != y->random)
        return x->random < y->random ? -1 : 1;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static bool
mark_latest(const GasketGraph *graph, const GasketRatingsOptions *options, uint8_t *held,
            GError **error)
{
    const GasketGraphRows *rows = &graph->relations[0].rows[GASKET_OUT];
    const double *time = gasket_rating_columns(&graph->relations[0]).time;
    if (time == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "--split by-time: the ratings have no times");
        return false;
    }
    Moment *moments = gasket_array_new(rows->n_entries, sizeof *moments, error);
    if (moments == NULL)
        return false;
    for (uint32_t u = 0; u < rows->n_rows; u++)
        for (uint64_t e = rows->offset[u]; e < rows->offset[u + 1]; e++)
            moments[e] =
                (Moment){time[e], pair_random(graph, options->seed, STREAM, u, rows->neighbour[e]),
                         e};
    qsort(moments, rows->n_entries, sizeof *moments, compare_moments);
    uint64_t n = (uint64_t)((double)rows->n_entries * options->fraction + 0.5);
    for (uint64_t i = rows->n_entries - MIN(n, rows->n_entries); i < rows->n_entries; i++)
        held[moments[i].entry] = 1;
    gasket_array_free(moments);
    return true;
}

/* Room for n entries in the empty rows of "test", with the columns of "train". */
static bool
make_room(GasketGraphRelation *test, const GasketGraphRelation *train, uint64_t n, GError **error)
{
    GasketGraphRows *rows = &test->rows[GASKET_OUT];
    const GasketGraphRows *from = &train->rows[GASKET_OUT];

    for (unsigned c = 0; c < test->n_columns; c++)
        gasket_column_data_clear(&rows->columns[c]);
    g_free(rows->columns);
    rows->columns = g_new0(GasketColumnData, train->n_columns);
    test->n_columns = train->n_columns;
    gasket_array_free(rows->neighbour);
    rows->neighbour = gasket_array_new(n, sizeof *rows->neighbour, error);
    bool good = rows->neighbour != NULL;
    for (unsigned c = 0; c < train->n_columns; c++) {
        const GasketColumnData *column = &from->columns[c];
        rows->columns[c] = (GasketColumnData){.name = g_strdup(column->name),
                                              .type = column->type,
                                              .length = column->length};
        if (good)
            rows->columns[c].data = gasket_array_new(n, gasket_type_size(column->type), error);
        good = good && rows->columns[c].data != NULL;
    }
    return good;
}

/* Moves entry e of one relation's rows to the place `at` of another's. */
static void
move_entry(GasketGraphRows *to, uint64_t at, const GasketGraphRows *from, uint64_t e,
           unsigned n_columns)
{
    to->neighbour[at] = from->neighbour[e];
    for (unsigned c = 0; c < n_columns; c++) {
        size_t size = gasket_type_size(from->columns[c].type);
        memmove((char *)to->columns[c].data + at * size,
                (const char *)from->columns[c].data + e * size, size);
    }
}

static bool
move_held(GasketGraph *graph, unsigned relation, const uint8_t *held, GError **error)
{
    GasketGraphRelation *train = &graph->relations[0], *test = &graph->relations[relation];
    GasketGraphRows *rows = &train->rows[GASKET_OUT], *out = &test->rows[GASKET_OUT];
    uint64_t n_held = 0, kept = 0, moved = 0, begin = 0;

    for (uint64_t e = 0; e < rows->n_entries; e++)
        n_held += held[e];
    if (!make_room(test, train, n_held, error))
        return false;
    for (uint32_t u = 0; u < rows->n_rows; u++) {
        uint64_t end = rows->offset[u + 1];
        for (uint64_t e = begin; e < end; e++) {
            if (held[e])
                move_entry(out, moved++, rows, e, train->n_columns);
            else
                move_entry(rows, kept++, rows, e, train->n_columns);
        }
        begin = end;
        rows->offset[u + 1] = kept;
        out->offset[u + 1] = moved;
    }
    rows->n_entries = train->n_edges = kept;
    out->n_entries = test->n_edges = moved;
    return true;
}

bool
gasket_ratings_hold_out(GasketGraph *graph, const GasketRatingsOptions *options, GError **error)
{
    uint64_t n = graph->relations[0].n_edges;
    uint8_t *held = gasket_array_new(n, sizeof *held, error);
    bool good = held != NULL;

    if (good && options->holdout == GASKET_HOLDOUT_BY_TIME)
        good = mark_latest(graph, options, held, error);
    else if (good && options->holdout == GASKET_HOLDOUT_LEAVE_ONE_OUT)
        mark_last_of_each(graph, options, held);
    else if (good)
        mark_random(graph, options, held);
    good = good && move_held(graph, 1, held, error);
    gasket_array_free(held);
    return good;
}

bool
gasket_ratings_validate(GasketGraph *graph, const GasketRatingsOptions *options, GError **error)
{
    const GasketGraphRows *rows = &graph->relations[0].rows[GASKET_OUT];
    uint8_t *held = gasket_array_new(rows->n_entries, sizeof *held, error);
    if (held == NULL)
        return false;
    for (uint32_t u = 0; u < rows->n_rows; u++)
        for (uint64_t e = rows->offset[u]; e < rows->offset[u + 1]; e++)
            held[e] = pair_random(graph, options->seed, VALIDATION, u, rows->neighbour[e]) <
                      options->validation;
    bool good = move_held(graph, 2, held, error);
    gasket_array_free(held);
    return good;
}
