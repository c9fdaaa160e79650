/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `gasket predict MODEL PAIRS`, `gasket recommend MODEL`, `gasket similar MODEL`: asking a model
 * that `-o` of a method on ratings wrote. All write lines of tab-separated fields.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "loaders/factor_model.h"
#include "loaders/number_text.h"
#include "loaders/ratings.h"
#include "loaders/result_file.h"

typedef struct {
    const char *output, *user, *item, *seen;
    bool all;
    int64_t count;
} AskOptions;

#define FIELD(name) offsetof(AskOptions, name)
#define OUTPUT_OPTION                                                                              \
    {                                                                                              \
        .option = {"output",                                                                       \
                   GASKET_OPTION_STRING,                                                           \
                   FIELD(output),                                                                  \
                   "-",                                                                            \
                   .help = "a file for the lines, or - for stdout",                                \
                   .value_name = "FILE"},                                                          \
        .letter = 'o'                                                                              \
    }
#define COUNT_OPTION                                                                               \
    {                                                                                              \
        .option =                                                                                  \
        { "count",                                                                                 \
          GASKET_OPTION_INT,                                                                       \
          FIELD(count),                                                                            \
          "10",                                                                                    \
          "how many items",                                                                        \
          .minimum = 1,                                                                            \
          .maximum = 1e9 }                                                                         \
    }

static const GasketCliOption predict_options[] = {OUTPUT_OPTION, {.letter = 0}};

static const GasketCliOption recommend_options[] = {
    {.option = {"user", GASKET_OPTION_STRING, FIELD(user), .help = "for this user",
                .value_name = "ID"}},
    {.option = {"all", GASKET_OPTION_BOOL, FIELD(all), .help = "for every user of the model"}},
    COUNT_OPTION,
    {.option = {"exclude-seen", GASKET_OPTION_STRING, FIELD(seen),
                .help = "no item that the user has rated in these ratings", .value_name = "FILE"}},
    OUTPUT_OPTION,
    {.letter = 0},
};

static const GasketCliOption similar_options[] = {
    {.option = {"item", GASKET_OPTION_STRING, FIELD(item), .help = "to this item", .required = true,
                .value_name = "ID"}},
    COUNT_OPTION,
    OUTPUT_OPTION,
    {.letter = 0},
};

/* ---- common ---------------------------------------------------------------------------------- */

static bool
write_lines(const GString *lines, const char *output, GError **error)
{
    g_autoptr(GasketResultFile) file = gasket_result_file_new(output, error);
    return file != NULL && gasket_result_file_write(file, lines->str, lines->len, error) &&
           gasket_result_file_sync(file, error) && gasket_result_file_publish(file, error);
}

static void
append_score(GString *out, double score)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(out, "\t%s\n", g_ascii_formatd(text, sizeof text, "%.9g", score));
}

static GasketGraph *
load_ratings(const char *path, const GasketCliCommon *common, GError **error)
{
    const GasketRatingsOptions options = {
        .load = {.inputs = &path, .n_inputs = 1, .threads = gasket_cli_threads(common, 1)},
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
    char *copy = g_strdup(id);
    uint64_t begin[2] = {0, strlen(id)};
    const GasketIds ids = {.n = 1, .text_begin = begin, .text = copy};
    *ret_row = gasket_factor_model_find(model, kind, &ids, 0);
    g_free(copy);
    if (*ret_row != GASKET_NO_VERTEX)
        return true;
    return gasket_cli_refuse(error, "--%s: the model has no %s %s", kind == 0 ? "user" : "item",
                             kind == 0 ? "user" : "item", id);
}

/* ---- predict --------------------------------------------------------------------------------- */

static bool
predict(GasketCliCall *call, int *ret_status, GError **error)
{
    const AskOptions *options = call->own;
    if (call->n_arguments != 2)
        return gasket_cli_refuse(error, "predict: expected MODEL and a file of pairs");
    g_autoptr(GasketFactorModel) model = gasket_factor_model_read(call->arguments[0], error);
    g_autoptr(GasketGraph) pairs =
        model != NULL ? load_ratings(call->arguments[1], &call->common, error) : NULL;
    if (pairs == NULL)
        return false;

    const GasketIds *users = &pairs->kinds[0].ids, *items = &pairs->kinds[1].ids;
    const GasketGraphRows *rows = &pairs->relations[0].rows[GASKET_OUT];
    g_autofree uint32_t *item_row = g_new(uint32_t, items->n + 1);
    g_autoptr(GString) lines = g_string_new("user\titem\tprediction\n");
    for (uint32_t i = 0; i < items->n; i++)
        item_row[i] = gasket_factor_model_find(model, 1, items, i);
    for (uint32_t u = 0; u < users->n; u++) {
        uint32_t user = gasket_factor_model_find(model, 0, users, u);
        for (uint64_t e = rows->offset[u]; e < rows->offset[u + 1]; e++) {
            gasket_ids_append(users, u, lines);
            g_string_append_c(lines, '\t');
            gasket_ids_append(items, rows->neighbour[e], lines);
            append_score(lines,
                         gasket_factor_model_score(model, user, item_row[rows->neighbour[e]]));
        }
    }
    *ret_status = GASKET_EXIT_DONE;
    return write_lines(lines, options->output, error);
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
        "  gasket predict model/ pairs.tsv\n",
    .tables = GASKET_CLI_MACHINE,
    .options = predict_options,
    .options_size = sizeof(AskOptions),
    .run = predict,
};

/* ---- recommend and similar ------------------------------------------------------------------- */

typedef struct {
    double score;
    uint32_t item;
} Scored;

static int
compare_scored(const void *a, const void *b)
{
    const Scored *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* Unclipped, so that items at the top of the range still have an order. */
static double
rank_score(const GasketFactorModel *model, uint32_t user, uint32_t item)
{
    const float *p = model->side[0].factors + (size_t)user * model->rank;
    const float *q = model->side[1].factors + (size_t)item * model->rank;
    double score = model->mean + model->side[0].bias[user] + model->side[1].bias[item];
    for (uint32_t f = 0; f < model->rank; f++)
        score += (double)p[f] * q[f];
    return score;
}

/* What users have rated: rows of the model's items by rows of its users. */
typedef struct {
    GasketGraph *graph;  /* NULL: nothing */
    uint32_t *item_row;  /* [items of the graph] row of the model */
    uint32_t *user_seen; /* [users of the model] number in the graph, or NO_VERTEX */
} Seen;

static void
seen_clear(Seen *seen)
{
    gasket_graph_free(seen->graph);
    g_free(seen->item_row);
    g_free(seen->user_seen);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Seen, seen_clear)

static bool
load_seen(const GasketFactorModel *model, const char *path, const GasketCliCommon *common,
          Seen *seen, GError **error)
{
    seen->graph = load_ratings(path, common, error);
    if (seen->graph == NULL)
        return false;
    const GasketIds *users = &seen->graph->kinds[0].ids, *items = &seen->graph->kinds[1].ids;
    seen->item_row = g_new(uint32_t, items->n + 1);
    seen->user_seen = g_new(uint32_t, model->side[0].n + 1);
    memset(seen->user_seen, 0xff, model->side[0].n * sizeof *seen->user_seen);
    for (uint32_t i = 0; i < items->n; i++)
        seen->item_row[i] = gasket_factor_model_find(model, 1, items, i);
    for (uint32_t u = 0; u < users->n; u++) {
        uint32_t row = gasket_factor_model_find(model, 0, users, u);
        if (row != GASKET_NO_VERTEX)
            seen->user_seen[row] = u;
    }
    return true;
}

/* Appends the best items of a user. scratch: [items]. */
static void
recommend_to(const GasketFactorModel *model, const Seen *seen, uint32_t user, int64_t count,
             Scored *scratch, GString *lines)
{
    const uint32_t n = model->side[1].n;
    for (uint32_t i = 0; i < n; i++)
        scratch[i] = (Scored){rank_score(model, user, i), i};
    uint32_t row = seen->graph != NULL ? seen->user_seen[user] : GASKET_NO_VERTEX;
    if (row != GASKET_NO_VERTEX) {
        const GasketGraphRows *rows = &seen->graph->relations[0].rows[GASKET_OUT];
        for (uint64_t e = rows->offset[row]; e < rows->offset[row + 1]; e++) {
            uint32_t item = seen->item_row[rows->neighbour[e]];
            if (item != GASKET_NO_VERTEX)
                scratch[item].score = -INFINITY;
        }
    }
    qsort(scratch, n, sizeof *scratch, compare_scored);
    for (uint32_t r = 0; r < n && r < (uint64_t)count && scratch[r].score > -INFINITY; r++) {
        gasket_ids_append(&model->side[0].ids, user, lines);
        g_string_append_printf(lines, "\t%u\t", r + 1);
        gasket_ids_append(&model->side[1].ids, scratch[r].item, lines);
        append_score(lines, scratch[r].score);
    }
}

static bool
recommend(GasketCliCall *call, int *ret_status, GError **error)
{
    const AskOptions *options = call->own;
    g_auto(Seen) seen = {0};
    uint32_t first = 0;
    if (call->n_arguments != 1)
        return gasket_cli_refuse(error, "recommend: expected MODEL");
    if (options->all == (options->user != NULL))
        return gasket_cli_refuse(error, "recommend: expected --user ID or --all");
    g_autoptr(GasketFactorModel) model = gasket_factor_model_read(call->arguments[0], error);
    if (model == NULL || (!options->all && !find(model, 0, options->user, &first, error)) ||
        (options->seen != NULL && !load_seen(model, options->seen, &call->common, &seen, error)))
        return false;
    uint32_t end = options->all ? model->side[0].n : first + 1;
    g_autofree Scored *scratch = g_new(Scored, model->side[1].n + 1);
    g_autoptr(GString) lines = g_string_new("user\trank\titem\tscore\n");
    for (uint32_t user = first; user < end; user++)
        recommend_to(model, &seen, user, options->count, scratch, lines);
    *ret_status = GASKET_EXIT_DONE;
    return write_lines(lines, options->output, error);
}

const GasketCliCommand gasket_cli_recommend_command = {
    .name = "recommend",
    .arguments = "MODEL",
    .summary = "recommend items by a model",
    .description = "Writes the items with the largest scores: user, rank, item, score. Scores are "
                   "not clipped to the range of the ratings.\n"
                   "\n"
                   "  gasket recommend model/ --user 42 --count 10 --exclude-seen ratings.csv\n"
                   "  gasket recommend model/ --all -o lists.tsv\n",
    .tables = GASKET_CLI_MACHINE,
    .options = recommend_options,
    .options_size = sizeof(AskOptions),
    .run = recommend,
};

static double
cosine(const GasketFactorModel *model, uint32_t a, uint32_t b)
{
    const float *p = model->side[1].factors + (size_t)a * model->rank;
    const float *q = model->side[1].factors + (size_t)b * model->rank;
    double product = 0, left = 0, right = 0;
    for (uint32_t f = 0; f < model->rank; f++) {
        product += (double)p[f] * q[f];
        left += (double)p[f] * p[f];
        right += (double)q[f] * q[f];
    }
    return left > 0 && right > 0 ? product / sqrt(left * right) : 0;
}

static bool
similar(GasketCliCall *call, int *ret_status, GError **error)
{
    const AskOptions *options = call->own;
    uint32_t item, n_found = 0;
    if (call->n_arguments != 1)
        return gasket_cli_refuse(error, "similar: expected MODEL");
    g_autoptr(GasketFactorModel) model = gasket_factor_model_read(call->arguments[0], error);
    if (model == NULL || !find(model, 1, options->item, &item, error))
        return false;
    g_autofree Scored *scored = g_new(Scored, model->side[1].n + 1);
    for (uint32_t i = 0; i < model->side[1].n; i++)
        if (i != item)
            scored[n_found++] = (Scored){cosine(model, item, i), i};
    qsort(scored, n_found, sizeof *scored, compare_scored);
    g_autoptr(GString) lines = g_string_new("item\tsimilarity\n");
    for (uint32_t r = 0; r < n_found && r < (uint64_t)options->count; r++) {
        gasket_ids_append(&model->side[1].ids, scored[r].item, lines);
        append_score(lines, scored[r].score);
    }
    *ret_status = GASKET_EXIT_DONE;
    return write_lines(lines, options->output, error);
}

const GasketCliCommand gasket_cli_similar_command = {
    .name = "similar",
    .arguments = "MODEL",
    .summary = "items that are like another, by a model",
    .description = "Writes the items whose factors have the largest cosine with those of --item.\n"
                   "\n"
                   "  gasket similar model/ --item 50\n",
    .tables = GASKET_CLI_MACHINE,
    .options = similar_options,
    .options_size = sizeof(AskOptions),
    .run = similar,
};
