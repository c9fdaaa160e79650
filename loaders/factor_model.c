/* SPDX-License-Identifier: Apache-2.0 */
/* A model in memory: filled from results, asked for scores. See factor_model.h. */
#include "loaders/factor_model.h"

#include <math.h>
#include <string.h>

#include "engine/array.h"
#include "loaders/neighbour_model.h"
#include "loaders/number_text.h"

GasketFactorModel *
gasket_factor_model_new(const char *algorithm, uint32_t rank)
{
    GasketFactorModel *model = g_new0(GasketFactorModel, 1);
    model->algorithm = g_strdup(algorithm);
    model->rank = rank;
    gasket_report_init(&model->report);
    model->options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return model;
}

void
gasket_factor_model_free(GasketFactorModel *model)
{
    if (model == NULL)
        return;
    for (unsigned k = 0; k < 2; k++) {
        gasket_ids_clear(&model->side[k].ids);
        gasket_array_free(model->side[k].factors);
        gasket_array_free(model->side[k].bias);
    }
    gasket_seen_clear(&model->seen);
    gasket_seen_clear(&model->neighbours);
    gasket_report_clear(&model->report);
    g_hash_table_unref(model->options);
    g_free(model->algorithm);
    g_free(model);
}

static char *
option_text(GasketNumberText *numbers, const GasketOption *option, const void *parameters)
{
    const void *field = (const char *)parameters + option->offset;
    char text[GASKET_NUMBER_TEXT_MAX];
    switch (option->type) {
    case GASKET_OPTION_BOOL:
        return g_strdup(*(const bool *)field ? "true" : "false");
    case GASKET_OPTION_INT:
        return g_strdup_printf("%" G_GINT64_FORMAT, *(const int64_t *)field);
    case GASKET_OPTION_DOUBLE:
        return g_strndup(text, gasket_number_text_double(numbers, *(const double *)field, text));
    case GASKET_OPTION_CHOICE:
        return g_strdup(option->choices[*(const int *)field]);
    case GASKET_OPTION_STRING:
    case GASKET_OPTION_COLUMN:
    case GASKET_OPTION_FEATURES:
        break;
    }
    return NULL; /* names of files say nothing of a model */
}

void
gasket_factor_model_set_options(GasketFactorModel *model, const GasketOption *options,
                                const void *parameters)
{
    GasketNumberText *numbers = gasket_number_text_new();
    for (const GasketOption *option = options; option != NULL && option->name != NULL; option++) {
        char *text = option_text(numbers, option, parameters);
        if (text != NULL)
            g_hash_table_insert(model->options, g_strdup(option->name), text);
    }
    gasket_number_text_free(numbers);
}

GasketFactorModel *
gasket_factor_model_of(const GasketAlgorithm *method, const GasketResultColumn *results,
                       const void *parameters)
{
    const bool neighbours = method->recommends == GASKET_RECOMMENDS_NEIGHBOURS;
    /* The first result column of a method with factors says how many there are. */
    GasketFactorModel *model =
        gasket_factor_model_new(method->name, neighbours ? 0 : (uint32_t)MAX(results[0].length, 1));
    gasket_factor_model_set_options(model, method->options, parameters);
    model->own = results[0].kind;
    model->scores = method->recommends == GASKET_RECOMMENDS_SCORES ||
                    g_strcmp0(g_hash_table_lookup(model->options, "predict"), "preferences") == 0;
    return model;
}

double
gasket_factor_model_option(const GasketFactorModel *model, const char *name, double otherwise)
{
    const char *text = g_hash_table_lookup(model->options, name);
    if (text == NULL)
        return otherwise;
    return strcmp(text, "true") == 0 ? 1 : g_ascii_strtod(text, NULL);
}

/* Makes an array n elements of size bytes long. */
static bool
grow(void **array, uint64_t n, size_t size, GError **error)
{
    void *grown = *array != NULL ? gasket_array_resize(*array, n, size, error)
                                 : gasket_array_new(n, size, error);
    if (grown == NULL)
        return false;
    *array = grown;
    return true;
}

static bool
add_ids(GasketFactorSide *side, const GasketIds *ids, uint32_t n, GError **error)
{
    const uint32_t old = side->n;
    void *array;
    if (ids->integer != NULL) {
        array = side->ids.integer;
        if (!grow(&array, (uint64_t)old + n, sizeof(int64_t), error))
            return false;
        side->ids.integer = array;
        memcpy(side->ids.integer + old, ids->integer, n * sizeof(int64_t));
        return true;
    }
    const uint64_t first = old > 0 ? side->ids.text_begin[old] : 0;
    const uint64_t bytes = ids->text_begin[n] - ids->text_begin[0];
    array = side->ids.text_begin;
    if (!grow(&array, (uint64_t)old + n + 1, sizeof(uint64_t), error))
        return false;
    side->ids.text_begin = array;
    array = side->ids.text;
    if (!grow(&array, first + bytes + 1, 1, error))
        return false;
    side->ids.text = array;
    if (bytes > 0)
        memcpy(side->ids.text + first, ids->text + ids->text_begin[0], bytes);
    for (uint32_t i = 0; i <= n; i++)
        side->ids.text_begin[old + i] = first + ids->text_begin[i] - ids->text_begin[0];
    return true;
}

static bool
add_factors(GasketFactorModel *model, GasketFactorSide *side, const GasketResultBlock *block,
            GError **error)
{
    void *factors = side->factors;
    if (!grow(&factors, ((uint64_t)side->n + block->n) * model->rank, sizeof(float), error))
        return false;
    side->factors = factors;
    memcpy(side->factors + (size_t)side->n * model->rank, block->columns[0],
           block->n * model->rank * sizeof(float));
    return true;
}

static bool
add_neighbours(GasketModelRows *rows, const GasketResultBlock *block, GError **error)
{
    const uint64_t *from = block->begin[0];
    const uint64_t n = (uint64_t)rows->n + block->n, more = from[block->n] - from[0];
    void *begin = rows->begin, *item = rows->item, *value = rows->value;
    if (!grow(&begin, n + 1, sizeof *rows->begin, error))
        return false;
    rows->begin = begin;
    const uint64_t old = rows->begin[rows->n];
    if (!grow(&item, old + more + 1, sizeof *rows->item, error))
        return false;
    rows->item = item;
    if (!grow(&value, old + more + 1, sizeof *rows->value, error))
        return false;
    rows->value = value;
    memcpy(rows->item + old, (const uint32_t *)block->columns[0] + from[0],
           more * sizeof *rows->item);
    memcpy(rows->value + old, (const float *)block->columns[1] + from[0],
           more * sizeof *rows->value);
    for (size_t i = 0; i <= block->n; i++)
        rows->begin[rows->n + i] = old + from[i] - from[0];
    rows->n = (uint32_t)n;
    return true;
}

bool
gasket_factor_model_add(GasketFactorModel *model, const GasketResultBlock *block, GError **error)
{
    GasketFactorSide *side = &model->side[block->kind];
    const bool factors = model->rank > 0, own = !factors && block->kind == model->own;
    const uint64_t n = (uint64_t)side->n + block->n;
    void *bias = side->bias;

    if ((factors && !add_factors(model, side, block, error)) ||
        (own && !add_neighbours(&model->neighbours, block, error)) ||
        !grow(&bias, n, sizeof(float), error))
        return false;
    side->bias = bias;
    if (!add_ids(side, block->ids, (uint32_t)block->n, error))
        return false;
    memcpy(side->bias + side->n,
           block->columns[factors ? 1
                          : own   ? 2
                                  : 0],
           block->n * sizeof(float));
    side->n = side->ids.n = (uint32_t)n;
    return true;
}

double
gasket_factor_model_metric(const GasketFactorModel *model, const char *name)
{
    for (size_t i = 0; i < model->report.n_metrics; i++)
        if (strcmp(model->report.metrics[i].name, name) == 0)
            return model->report.metrics[i].value;
    return NAN;
}

/* A metric, or 0. */
static double
metric(const GasketFactorModel *model, const char *name)
{
    const double value = gasket_factor_model_metric(model, name);
    return isnan(value) ? 0 : value;
}

void
gasket_factor_model_set_metrics(GasketFactorModel *model, const GasketReport *report)
{
    for (size_t i = 0; i < report->n_metrics; i++)
        gasket_report_set_metric(&model->report, report->metrics[i].name, report->metrics[i].value);
    model->mean = metric(model, "mean");
    model->low = metric(model, "low");
    model->high = metric(model, "high");
}

/* Order of an id of the model and another: < 0, 0, > 0. Integers stand before text. */
static int
compare(const GasketIds *a, uint32_t x, const GasketIds *b, uint32_t y)
{
    if (a->integer != NULL && b->integer != NULL)
        return (a->integer[x] > b->integer[y]) - (a->integer[x] < b->integer[y]);
    g_autoptr(GString) left = g_string_new(NULL), right = g_string_new(NULL);
    gasket_ids_append(a, x, left);
    gasket_ids_append(b, y, right);
    return strcmp(left->str, right->str);
}

uint32_t
gasket_factor_model_find(const GasketFactorModel *model, unsigned kind, const GasketIds *ids,
                         uint32_t x)
{
    const GasketFactorSide *side = &model->side[kind];
    /* Text is in the order of bytes only if all ids are text. */
    if (side->ids.integer != NULL && ids->integer == NULL) {
        g_autoptr(GString) text = g_string_new(NULL);
        gasket_ids_append(ids, x, text);
        char *end;
        int64_t number = g_ascii_strtoll(text->str, &end, 10);
        g_autofree char *canonical = g_strdup_printf("%" G_GINT64_FORMAT, number);
        const GasketIds one = {.n = 1, .integer = &number};
        return strcmp(canonical, text->str) == 0 ? gasket_factor_model_find(model, kind, &one, 0)
                                                 : GASKET_NO_VERTEX;
    }
    uint32_t low = 0, high = side->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare(&side->ids, middle, ids, x);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return GASKET_NO_VERTEX;
}

double
gasket_factor_model_score(const GasketFactorModel *model, uint32_t user, uint32_t item)
{
    const GasketFactorSide *users = &model->side[0], *items = &model->side[1];
    if (model->neighbours.begin != NULL)
        return gasket_neighbour_score(model, user, item);
    double score = model->mean;
    if (user != GASKET_NO_VERTEX)
        score += users->bias[user];
    if (item != GASKET_NO_VERTEX)
        score += items->bias[item];
    if (user != GASKET_NO_VERTEX && item != GASKET_NO_VERTEX) {
        const float *p = users->factors + (size_t)user * model->rank;
        const float *q = items->factors + (size_t)item * model->rank;
        double sum = 0;
        for (uint32_t f = 0; f < model->rank; f++)
            sum += (double)p[f] * q[f];
        score += sum;
    }
    return model->scores ? score : CLAMP(score, model->low, model->high);
}

uint32_t
gasket_factor_model_n(const GasketFactorModel *model, unsigned kind)
{
    return kind < 2 ? model->side[kind].n : 0;
}

uint32_t
gasket_factor_model_find_id(const GasketFactorModel *model, unsigned kind, const char *id)
{
    g_autofree char *copy = g_strdup(id);
    uint64_t begin[2] = {0, strlen(id)};
    const GasketIds ids = {.n = 1, .text_begin = begin, .text = copy};
    return kind < 2 ? gasket_factor_model_find(model, kind, &ids, 0) : GASKET_NO_VERTEX;
}

char *
gasket_factor_model_id(const GasketFactorModel *model, unsigned kind, uint32_t row)
{
    g_assert(kind < 2 && row < model->side[kind].n);
    GString *text = g_string_new(NULL);
    gasket_ids_append(&model->side[kind].ids, row, text);
    return g_string_free(text, FALSE);
}
