/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `gasket predict MODEL PAIRS`, `gasket recommend MODEL`, `gasket similar MODEL`: asking a model
 * that `-o` of a method on ratings wrote. All write rows in any format of results.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/answers.h"
#include "cli/command.h"
#include "cli/graph_input.h"
#include "loaders/factor_fold.h"
#include "loaders/factor_lists.h"
#include "loaders/ratings.h"

typedef struct {
    const char *output, *output_table, *user, *item, *ratings;
    const char *format, *table, *query, *columns;
    bool all, exclude_seen, no_header;
    int64_t count;
} AskOptions;

#define FIELD(name) offsetof(AskOptions, name)

/* Options that the three share, as rows of their tables. */
#define OUTPUT_OPTIONS                                                                             \
    {.option = {"output", GASKET_OPTION_STRING, FIELD(output), "-",                                \
                .help = "where the rows go: .tsv, .csv, .jsonl, .npy, .db (a table of SQLite), "   \
                        "or - for stdout",                                                         \
                .value_name = "FILE"},                                                             \
     .letter = 'o'},                                                                               \
        {.option = {"no-header", GASKET_OPTION_BOOL, FIELD(no_header),                             \
                    .help = "no heading line in .tsv, .csv and on stdout"}},                       \
    {                                                                                              \
        .option =                                                                                  \
        { "output-table",                                                                          \
          GASKET_OPTION_STRING,                                                                    \
          FIELD(output_table),                                                                     \
          "result",                                                                                \
          .help = "SQLite: the table to write; one of that name is replaced, others stay",         \
          .value_name = "NAME" }                                                                   \
    }
#define COUNT_OPTION                                                                               \
    {                                                                                              \
        .option =                                                                                  \
        { "count",                                                                                 \
          GASKET_OPTION_INT,                                                                       \
          FIELD(count),                                                                            \
          "10",                                                                                    \
          "how many",                                                                              \
          .minimum = 1,                                                                            \
          .maximum = 1e9 }                                                                         \
    }
#define FILE_OPTIONS                                                                               \
    {.option = {"format", GASKET_OPTION_STRING, FIELD(format),                                     \
                .help = "of the file: ratings, csv, edges, mtx, binary, binary-weighted or "       \
                        "sqlite; recognised by content and ending if not given",                   \
                .value_name = "NAME"}},                                                            \
        {.option = {"table", GASKET_OPTION_STRING, FIELD(table), .help = "SQLite: its table",      \
                    .value_name = "NAME"}},                                                        \
        {.option = {"query", GASKET_OPTION_STRING, FIELD(query),                                   \
                    .help = "SQLite: read the rows of a SELECT instead of a table",                \
                    .value_name = "SELECT"}},                                                      \
    {                                                                                              \
        .option =                                                                                  \
        { "columns",                                                                               \
          GASKET_OPTION_STRING,                                                                    \
          FIELD(columns),                                                                          \
          .help = "SQLite and text: the columns of user, item and rating, by name or by "          \
                  "position from 1",                                                               \
          .value_name = "USER,ITEM[,RATING]" }                                                     \
    }

static const GasketCliOption predict_options[] = {FILE_OPTIONS, OUTPUT_OPTIONS, {.letter = 0}};

static const GasketCliOption recommend_options[] = {
    {.option = {"user", GASKET_OPTION_STRING, FIELD(user), .help = "for this user",
                .value_name = "ID"}},
    {.option = {"all", GASKET_OPTION_BOOL, FIELD(all),
                .help = "for every user of the model, or of --ratings"}},
    {.option = {"ratings", GASKET_OPTION_STRING, FIELD(ratings),
                .help = "for users with these ratings, known to the model or not: their factors "
                        "are found from them",
                .value_name = "FILE"}},
    COUNT_OPTION,
    {.option = {"exclude-seen", GASKET_OPTION_BOOL, FIELD(exclude_seen),
                .help = "no item that the user was trained on, or has in --ratings"}},
    FILE_OPTIONS,
    OUTPUT_OPTIONS,
    {.letter = 0},
};

static const GasketCliOption similar_options[] = {
    {.option = {"item", GASKET_OPTION_STRING, FIELD(item), .help = "to this item",
                .value_name = "ID"}},
    {.option = {"all", GASKET_OPTION_BOOL, FIELD(all), .help = "to every item of the model"}},
    COUNT_OPTION,
    OUTPUT_OPTIONS,
    {.letter = 0},
};

/* ---- common ---------------------------------------------------------------------------------- */

static GasketGraph *
load_ratings(const char *path, const GasketCliCall *call, GError **error)
{
    const AskOptions *own = call->own;
    const GasketRatingsOptions options = {
        .load = {.inputs = &path,
                 .n_inputs = 1,
                 .format = own->format,
                 .table = own->table,
                 .query = own->query,
                 .columns = own->columns,
                 .threads = gasket_cli_threads(&call->common, 1)},
        .order = GASKET_ORDER_GIVEN,
        .holdout = GASKET_HOLDOUT_NONE,
    };
    return gasket_ratings_load(&options, NULL, error);
}

/* The row of an id given as text. */
static bool
find(const GasketFactorModel *model, unsigned kind, const char *id, uint32_t *ret_row,
     GError **error)
{
    *ret_row = gasket_factor_model_find_id(model, kind, id);
    if (*ret_row != GASKET_NO_VERTEX)
        return true;
    return gasket_cli_refuse(error, "--%s: the model has no %s %s", kind == 0 ? "user" : "item",
                             kind == 0 ? "user" : "item", id);
}

/* What can be said before anything is read. */
static bool
check_output(const AskOptions *options, const char *input, GError **error)
{
    const GasketResultOptions result = {.table = options->output_table};
    const GasketCliCommon common = {.table = options->table, .query = options->query};
    return gasket_result_writer_check(options->output, &result, error) &&
           (input == NULL || gasket_graph_input_check_output(&input, 1, &common, options->output,
                                                             options->output_table, error));
}

static GasketCliAnswers *
open_answers(const AskOptions *options, const GasketCliAnswerShape *shape,
             const GasketIds *subjects, const GasketIds *objects, GError **error)
{
    return gasket_cli_answers_new(options->output, shape, subjects, objects, options->no_header,
                                  options->output_table, error);
}

/* ---- predict --------------------------------------------------------------------------------- */

static bool
predict(GasketCliCall *call, int *ret_status, GError **error)
{
    static const GasketCliAnswerShape shape = {"user", false, "item", "prediction"};
    const AskOptions *options = call->own;
    if (call->n_arguments != 2)
        return gasket_cli_refuse(error, "predict: expected MODEL and a file of pairs");
    if (!check_output(options, call->arguments[1], error))
        return false;
    g_autoptr(GasketFactorModel) model = gasket_factor_model_read(call->arguments[0], error);
    g_autoptr(GasketGraph) pairs =
        model != NULL ? load_ratings(call->arguments[1], call, error) : NULL;
    if (pairs == NULL)
        return false;

    const GasketIds *users = &pairs->kinds[0].ids, *items = &pairs->kinds[1].ids;
    const GasketGraphRows *rows = &pairs->relations[0].rows[GASKET_OUT];
    g_autoptr(GasketCliAnswers) answers = open_answers(options, &shape, users, items, error);
    if (answers == NULL)
        return false;
    g_autofree uint32_t *item_row = g_new(uint32_t, items->n + 1);
    for (uint32_t i = 0; i < items->n; i++)
        item_row[i] = gasket_factor_model_find(model, 1, items, i);
    for (uint32_t u = 0; u < users->n; u++) {
        uint32_t user = gasket_factor_model_find(model, 0, users, u);
        for (uint64_t e = rows->offset[u]; e < rows->offset[u + 1]; e++) {
            const uint32_t item = rows->neighbour[e];
            double score = gasket_factor_model_score(model, user, item_row[item]);
            if (!gasket_cli_answers_add(answers, u, 0, item, score, error))
                return false;
        }
    }
    *ret_status = GASKET_EXIT_DONE;
    return gasket_cli_answers_finish(answers, error);
}

const GasketCliCommand gasket_cli_predict_command = {
    .name = "predict",
    .arguments = "MODEL PAIRS",
    .summary = "predict ratings of pairs by a model",
    .description =
        "Reads users and items from the first two columns of a file in any format of ratings and "
        "writes user, item and prediction, ascending by user and item. What the model does not "
        "know counts as average.\n"
        "\n"
        "  gasket predict model/ pairs.tsv -o predictions.db\n",
    .tables = GASKET_CLI_MACHINE,
    .options = predict_options,
    .options_size = sizeof(AskOptions),
    .run = predict,
};

/* ---- recommend ------------------------------------------------------------------------------- */

static const GasketCliAnswerShape recommend_shape = {"user", true, "item", "score"};

static bool
add_list(GasketCliAnswers *answers, uint32_t subject, const GasketScoredItem *list, uint32_t n,
         GError **error)
{
    for (uint32_t r = 0; r < n; r++)
        if (!gasket_cli_answers_add(answers, subject, r + 1, list[r].item, list[r].score, error))
            return false;
    return true;
}

/* To users of the model. */
static bool
recommend_known(const AskOptions *options, const GasketFactorModel *model, uint32_t count,
                GasketScoredItem *list, GError **error)
{
    const GasketFactorSide *users = &model->side[0];
    uint32_t first = 0, end = users->n;
    if (options->user != NULL) {
        if (!find(model, 0, options->user, &first, error))
            return false;
        end = first + 1;
    }
    if (options->exclude_seen && model->seen.begin == NULL)
        return gasket_cli_refuse(error, "--exclude-seen: the model does not keep what its users "
                                        "were trained on");
    g_autoptr(GasketCliAnswers) answers =
        open_answers(options, &recommend_shape, &users->ids, &model->side[1].ids, error);
    if (answers == NULL)
        return false;
    for (uint32_t u = first; u < end; u++) {
        uint32_t n = gasket_factor_model_recommend(model, u, options->exclude_seen, count, list);
        if (!add_list(answers, u, list, n, error))
            return false;
    }
    return gasket_cli_answers_finish(answers, error);
}

static int
compare_rows(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* What a user has seen: what he rated in --ratings, and what the model knows of him. ret: sorted,
 * with GASKET_NO_VERTEX for what the model does not have at the end. */
static void
join_seen(const GasketFactorModel *model, const GasketIds *users, uint32_t user,
          const uint32_t *items, size_t n, GArray *ret)
{
    const GasketModelRows *seen = &model->seen;
    g_array_set_size(ret, 0);
    g_array_append_vals(ret, items, (guint)n);
    uint32_t row = gasket_factor_model_find(model, 0, users, user);
    if (row != GASKET_NO_VERTEX && seen->begin != NULL)
        g_array_append_vals(ret, seen->item + seen->begin[row],
                            (guint)(seen->begin[row + 1] - seen->begin[row]));
    qsort(ret->data, ret->len, sizeof(uint32_t), compare_rows);
}

/* Whether a user of --ratings is the one of --user, if there is one. */
static bool
is_asked(const AskOptions *options, const GasketIds *users, uint32_t user)
{
    g_autoptr(GString) id = g_string_new(NULL);
    gasket_ids_append(users, user, id);
    return options->user == NULL || strcmp(options->user, id->str) == 0;
}

/* To users of --ratings. */
static bool
recommend_folded(const GasketCliCall *call, const GasketFactorModel *model, uint32_t count,
                 GasketScoredItem *list, GError **error)
{
    const AskOptions *options = call->own;
    const bool neighbours = model->neighbours.begin != NULL;
    g_autoptr(GasketFactorFold) fold = neighbours ? NULL : gasket_factor_fold_new(model, error);
    g_autoptr(GasketGraph) graph =
        fold != NULL || neighbours ? load_ratings(options->ratings, call, error) : NULL;
    if (graph == NULL)
        return false;
    const GasketIds *users = &graph->kinds[0].ids, *items = &graph->kinds[1].ids;
    const GasketGraphRows *rows = &graph->relations[0].rows[GASKET_OUT];
    const float *rating = rows->columns[0].data;
    g_autoptr(GasketCliAnswers) answers =
        open_answers(options, &recommend_shape, users, &model->side[1].ids, error);
    if (answers == NULL)
        return false;

    g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    bool found = false;
    for (uint64_t e = 0; e < rows->n_entries; e++)
        rows->neighbour[e] = gasket_factor_model_find(model, 1, items, rows->neighbour[e]);
    for (uint32_t u = 0; u < users->n; u++) {
        const uint32_t *own = rows->neighbour + rows->offset[u];
        const size_t n_own = rows->offset[u + 1] - rows->offset[u];
        uint32_t n;
        if (!is_asked(options, users, u))
            continue;
        found = true;
        if (options->exclude_seen)
            join_seen(model, users, u, own, n_own, seen);
        if (!gasket_factor_model_best_new(model, fold, n_own, own, rating + rows->offset[u],
                                          (const uint32_t *)(void *)seen->data, seen->len, count,
                                          list, &n, error))
            return false;
        if (!add_list(answers, u, list, n, error))
            return false;
    }
    if (!found)
        return gasket_cli_refuse(error, "--user: %s has no ratings of %s", options->ratings,
                                 options->user);
    return gasket_cli_answers_finish(answers, error);
}

static bool
recommend(GasketCliCall *call, int *ret_status, GError **error)
{
    const AskOptions *options = call->own;
    if (call->n_arguments != 1)
        return gasket_cli_refuse(error, "recommend: expected MODEL");
    if (options->all && options->user != NULL)
        return gasket_cli_refuse(error, "--user and --all exclude one another");
    if (!options->all && options->user == NULL && options->ratings == NULL)
        return gasket_cli_refuse(error, "recommend: expected --user ID, --all or --ratings FILE");
    if (!check_output(options, options->ratings, error))
        return false;
    g_autoptr(GasketFactorModel) model = gasket_factor_model_read(call->arguments[0], error);
    if (model == NULL)
        return false;
    const uint32_t count = (uint32_t)MIN(options->count, (int64_t)model->side[1].n);
    g_autofree GasketScoredItem *list = g_new(GasketScoredItem, count + 1);
    *ret_status = GASKET_EXIT_DONE;
    return options->ratings != NULL ? recommend_folded(call, model, count, list, error)
                                    : recommend_known(options, model, count, list, error);
}

const GasketCliCommand gasket_cli_recommend_command = {
    .name = "recommend",
    .arguments = "MODEL",
    .summary = "recommend items by a model",
    .description = "Writes the items with the largest scores: user, rank, item, score. Scores are "
                   "not clipped to the range of the ratings. Users of --ratings need not be known "
                   "to the model: their factors are the best for their ratings with the items as "
                   "they are.\n"
                   "\n"
                   "  gasket recommend model/ --user 42 --count 10 --exclude-seen\n"
                   "  gasket recommend model/ --all -o lists.db\n"
                   "  gasket recommend model/ --ratings newcomers.csv --exclude-seen\n",
    .tables = GASKET_CLI_MACHINE,
    .options = recommend_options,
    .options_size = sizeof(AskOptions),
    .run = recommend,
};

/* ---- similar --------------------------------------------------------------------------------- */

static bool
similar(GasketCliCall *call, int *ret_status, GError **error)
{
    static const GasketCliAnswerShape shape = {"item", true, "similar", "similarity"};
    const AskOptions *options = call->own;
    uint32_t first = 0;
    if (call->n_arguments != 1)
        return gasket_cli_refuse(error, "similar: expected MODEL");
    if (options->all == (options->item != NULL))
        return gasket_cli_refuse(error, "similar: expected --item ID or --all");
    if (!check_output(options, NULL, error))
        return false;
    g_autoptr(GasketFactorModel) model = gasket_factor_model_read(call->arguments[0], error);
    if (model == NULL || (options->item != NULL && !find(model, 1, options->item, &first, error)))
        return false;
    if (model->neighbours.begin != NULL && model->own == 0)
        return gasket_cli_refuse(error,
                                 "similar: a model of %s has neighbours of users, not of "
                                 "items",
                                 model->algorithm);
    const GasketFactorSide *items = &model->side[1];
    const uint32_t end = options->all ? items->n : first + 1;
    const uint32_t count = (uint32_t)MIN(options->count, (int64_t)items->n);
    g_autofree GasketScoredItem *list = g_new(GasketScoredItem, count + 1);
    g_autoptr(GasketCliAnswers) answers =
        open_answers(options, &shape, &items->ids, &items->ids, error);
    if (answers == NULL)
        return false;
    for (uint32_t item = first; item < end; item++) {
        uint32_t n = gasket_factor_model_like(model, item, count, list);
        if (!add_list(answers, item, list, n, error))
            return false;
    }
    *ret_status = GASKET_EXIT_DONE;
    return gasket_cli_answers_finish(answers, error);
}

const GasketCliCommand gasket_cli_similar_command = {
    .name = "similar",
    .arguments = "MODEL",
    .summary = "items that are like another, by a model",
    .description =
        "Writes the items whose factors have the largest cosine with those of an item, or its "
        "neighbours by itemknn: "
        "item, rank, similar, similarity.\n"
        "\n"
        "  gasket similar model/ --item 50\n",
    .tables = GASKET_CLI_MACHINE,
    .options = similar_options,
    .options_size = sizeof(AskOptions),
    .run = similar,
};
