/* SPDX-License-Identifier: Apache-2.0 */
/* Models as folders: reading, with every byte checked. See factor_model.h. */
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "engine/array.h"
#include "loaders/factor_model_files.h"

static bool
damaged(const char *path, const char *name, const char *what, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT, "%s/%s: %s", path, name, what);
    return false;
}

static bool
read_whole(const char *path, const char *name, char **ret_text, gsize *ret_size, GError **error)
{
    g_autofree char *full = g_build_filename(path, name, NULL);
    g_autoptr(GError) reason = NULL;
    if (g_file_get_contents(full, ret_text, ret_size, &reason))
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT, "%s: cannot read the model: %s", full,
                reason->message);
    return false;
}

/* The value of a name in the description: what stands between `"name": ` and the line's end. */
static char *
value_of(const char *text, const char *name)
{
    g_autofree char *key = g_strdup_printf("\n  \"%s\": ", name);
    const char *found = strstr(text, key);
    if (found == NULL)
        return g_strdup("");
    found += strlen(key);
    size_t n = strcspn(found, "\n");
    g_autofree char *value = g_strndup(found, n - (n > 0 && found[n - 1] == ','));
    size_t length = strlen(value);
    return length > 1 && value[0] == '"' ? g_strndup(value + 1, length - 2)
                                         : g_steal_pointer(&value);
}

static void
read_options(const char *text, GasketFactorModel *model)
{
    static const char *const start = "\n  \"option.";
    for (const char *p = strstr(text, start); p != NULL; p = strstr(p, start)) {
        p += strlen(start);
        g_autofree char *name = g_strndup(p, strcspn(p, "\""));
        g_autofree char *key = g_strconcat("option.", name, NULL);
        g_hash_table_insert(model->options, g_steal_pointer(&name), value_of(text, key));
    }
}

/* Reads the description into an empty model; its hash must hold. */
static bool
read_description(const char *path, const char *text, gsize size, GasketFactorModel *model,
                 bool text_ids[2], GError **error)
{
    static const char *const end = "  \"xxh64\": ";
    const char *last = g_strrstr_len(text, (gssize)size, end);
    if (strlen(text) != size || !g_str_has_prefix(text, "{\n  \"format\": \"gasket-model\",\n"))
        return damaged(path, "model.json", "this is no model", error);
    if (last == NULL)
        return damaged(path, "model.json", "the model is damaged: it is cut off", error);
    g_autoptr(GString) expected = g_string_new_len(text, last - text);
    gasket_model_append_hash(expected);
    if (expected->len != size || memcmp(expected->str, text, size) != 0)
        return damaged(path, "model.json", "the model is damaged: its checksum differs", error);
    g_autofree char *version = value_of(text, "version");
    g_autofree char *neighbours = value_of(text, "neighbours");
    const int expected_version =
        *neighbours != '\0' ? GASKET_NEIGHBOUR_MODEL_VERSION : GASKET_FACTOR_MODEL_VERSION;
    if (atoi(version) != expected_version) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s/model.json: found version %s of the format, expected %d", path, version,
                    expected_version);
        return false;
    }
    model->own = strcmp(neighbours, "users") != 0;
    g_autofree char *predicts = value_of(text, "predicts"), *rank = value_of(text, "factors");
    g_autofree char *mean = value_of(text, "mean"), *low = value_of(text, "low");
    g_autofree char *high = value_of(text, "high"), *users = value_of(text, "users");
    g_autofree char *items = value_of(text, "items");
    g_autofree char *user_ids = value_of(text, "user_ids"), *item_ids = value_of(text, "item_ids");
    model->algorithm = value_of(text, "algorithm");
    model->scores = strcmp(predicts, "scores") == 0;
    model->rank = (uint32_t)g_ascii_strtoull(rank, NULL, 10);
    model->mean = g_ascii_strtod(mean, NULL);
    model->low = g_ascii_strtod(low, NULL);
    model->high = g_ascii_strtod(high, NULL);
    model->side[0].n = (uint32_t)g_ascii_strtoull(users, NULL, 10);
    model->side[1].n = (uint32_t)g_ascii_strtoull(items, NULL, 10);
    text_ids[0] = strcmp(user_ids, "text") == 0;
    text_ids[1] = strcmp(item_ids, "text") == 0;
    read_options(text, model);
    return true;
}

/* Ids, one a line. */
static bool
take_text_ids(GasketFactorSide *side, const char *text, gsize size, GError **error)
{
    side->ids.n = side->n;
    side->ids.text = gasket_array_new(size + 1, 1, error);
    if (side->ids.text == NULL)
        return false;
    side->ids.text_begin = gasket_array_new((uint64_t)side->n + 1, sizeof(uint64_t), error);
    if (side->ids.text_begin == NULL)
        return false;
    uint64_t out = 0;
    uint32_t n = 0;
    for (const char *p = text; p < text + size && n < side->n; n++) {
        const char *newline = memchr(p, '\n', (size_t)(text + size - p));
        size_t length = newline != NULL ? (size_t)(newline - p) : (size_t)(text + size - p);
        memcpy(side->ids.text + out, p, length);
        out += length;
        side->ids.text_begin[n + 1] = out;
        p += length + 1;
    }
    return true;
}

/* Takes an array of n elements that stands behind its head. */
static void *
take_array(const char *path, const char *name, GString *head, const char *bytes, gsize size,
           uint64_t n, size_t element, GError **error)
{
    void *array = NULL;
    if (size != head->len + n * element || memcmp(bytes, head->str, head->len) != 0)
        damaged(path, name, "the array has another shape than the model says", error);
    else
        array = gasket_array_new(n, element, error);
    if (array != NULL)
        memcpy(array, bytes + head->len, n * element);
    g_string_free(head, TRUE);
    return array;
}

/* Reads a file whose size and hash the description has. */
static bool
read_checked(const char *path, const char *description, const char *name, char **ret_bytes,
             gsize *ret_size, GError **error)
{
    if (!read_whole(path, name, ret_bytes, ret_size, error))
        return false;
    g_autofree char *promised = value_of(description, name);
    g_autofree char *found = g_strdup_printf("[%zu, \"%016" G_GINT64_MODIFIER "x\"]", *ret_size,
                                             (uint64_t)XXH64(*ret_bytes, *ret_size, 0));
    return strcmp(promised, found) == 0 ||
           damaged(path, name, "the model is damaged: size or checksum differ", error);
}

/* An array of n elements of a file. */
static void *
read_array(const char *path, const char *description, unsigned f, const char *type, uint64_t n,
           size_t element, GError **error)
{
    g_autofree char *bytes = NULL;
    gsize size;
    if (!read_checked(path, description, gasket_model_files[f], &bytes, &size, error))
        return NULL;
    if (n > size / element) {
        damaged(path, gasket_model_files[f], "the array has another shape than the model says",
                error);
        return NULL;
    }
    return take_array(path, gasket_model_files[f], gasket_model_npy_head(type, n, 0), bytes, size,
                      n, element, error);
}

/* Rows of files f, f + 1 and, with values, f + 2: n of them, with entries below limit. */
static bool
read_rows(const char *path, const char *description, unsigned f, bool values, uint32_t limit,
          GasketModelRows *rows, GError **error)
{
    rows->begin =
        read_array(path, description, f, "<i8", (uint64_t)rows->n + 1, sizeof *rows->begin, error);
    if (rows->begin == NULL)
        return false;
    const uint64_t last = rows->begin[rows->n];
    for (uint32_t u = 0; u < rows->n; u++)
        if (rows->begin[u] > rows->begin[u + 1])
            return damaged(path, gasket_model_files[f], "the numbers do not ascend", error);
    if (rows->begin[0] != 0)
        return damaged(path, gasket_model_files[f], "the numbers do not fit the items", error);
    rows->item = read_array(path, description, f + 1, "<u4", last, sizeof *rows->item, error);
    for (uint64_t e = 0; rows->item != NULL && e < last; e++)
        if (rows->item[e] >= limit)
            return damaged(path, gasket_model_files[f + 1],
                           "found an item that the model does not have", error);
    if (rows->item == NULL || !values)
        return rows->item != NULL;
    rows->value = read_array(path, description, f + 2, "<f4", last, sizeof *rows->value, error);
    return rows->value != NULL;
}

static bool
read_all_rows(const char *path, const char *description, GasketFactorModel *model, GError **error)
{
    g_autofree char *seen = value_of(description, "seen");
    g_autofree char *neighbours = value_of(description, "neighbours");
    const bool has_neighbours = *neighbours != '\0';
    const uint32_t n = model->side[model->own].n;
    if (has_neighbours && strcmp(seen, "true") != 0)
        return damaged(path, "model.json", "neighbours without ratings", error);
    model->seen.n = model->side[0].n;
    model->neighbours.n = n;
    return (strcmp(seen, "true") != 0 ||
            read_rows(path, description, GASKET_MODEL_SEEN, has_neighbours, model->side[1].n,
                      &model->seen, error)) &&
           (!has_neighbours || read_rows(path, description, GASKET_MODEL_NEIGHBOURS, true, n,
                                         &model->neighbours, error));
}

static bool
read_part(const char *path, const char *description, GasketFactorModel *model, unsigned f,
          bool text_ids, GError **error)
{
    GasketFactorSide *side = &model->side[f / 3];
    g_autofree char *name = gasket_model_file_name(f, text_ids), *bytes = NULL;
    gsize size;
    if (!read_checked(path, description, name, &bytes, &size, error))
        return false;
    if (f % 3 == 0)
        return (side->factors =
                    take_array(path, name, gasket_model_npy_head("<f4", side->n, model->rank),
                               bytes, size, (uint64_t)side->n * model->rank, sizeof(float),
                               error)) != NULL;
    if (f % 3 == 1)
        return (side->bias = take_array(path, name, gasket_model_npy_head("<f4", side->n, 0), bytes,
                                        size, side->n, sizeof(float), error)) != NULL;
    if (text_ids)
        return take_text_ids(side, bytes, size, error);
    side->ids.n = side->n;
    return (side->ids.integer = take_array(path, name, gasket_model_npy_head("<i8", side->n, 0),
                                           bytes, size, side->n, sizeof(int64_t), error)) != NULL;
}

GasketFactorModel *
gasket_factor_model_read(const char *path, GError **error)
{
    g_autoptr(GasketFactorModel) model = gasket_factor_model_new(NULL, 0);
    g_autofree char *description = NULL;
    bool text_ids[2];
    gsize size;
    if (!read_whole(path, "model.json", &description, &size, error) ||
        !read_description(path, description, size, model, text_ids, error))
        return NULL;
    for (unsigned f = 0; f < GASKET_MODEL_SEEN; f++)
        if (gasket_model_has_file(model, f) &&
            !read_part(path, description, model, f, text_ids[f / 3], error))
            return NULL;
    return read_all_rows(path, description, model, error) ? g_steal_pointer(&model) : NULL;
}
