/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models as folders: writing and reading. See factor_model.h.
 *
 * A file's bytes are made in memory, so that writing knows its hash and reading compares the head
 * with the one that must stand there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <xxhash.h>

#include "engine/array.h"
#include "loaders/factor_model.h"
#include "loaders/result_file.h"

#define N_FILES 8

#define SEEN 6 /* the first of the two that have no side; only where it is known */

static const char *const file_names[N_FILES] = {"user.factors.npy", "user.bias.npy", "user.ids",
                                                "item.factors.npy", "item.bias.npy", "item.ids",
                                                "seen.begin.npy",   "seen.items.npy"};

static char *
file_name(unsigned f, bool text)
{
    bool ids = f < SEEN && f % 3 == 2;
    return ids ? g_strconcat(file_names[f], text ? ".txt" : ".npy", NULL) : g_strdup(file_names[f]);
}

/* The head of a NumPy array of n rows (of `columns` elements; 0: none). */
static GString *
npy_head(const char *type, uint64_t n, uint32_t columns)
{
    GString *head = g_string_new(NULL);
    g_string_append_printf(head,
                           "{'descr': '%s', 'fortran_order': False, 'shape': (%" G_GUINT64_FORMAT
                           ",",
                           type, n);
    if (columns > 0)
        g_string_append_printf(head, " %u", columns);
    g_string_append(head, "), }");
    while ((head->len + 11) % 64 != 0)
        g_string_append_c(head, ' ');
    g_string_append_c(head, '\n');
    const char length[2] = {(char)(head->len & 0xff), (char)(head->len >> 8)};
    g_string_prepend_len(head, length, 2);
    g_string_prepend_len(head, "\x93NUMPY\x01\x00", 8);
    return head;
}

static GString *
seen_parts(const GasketSeen *seen, unsigned f, const void **ret_data, size_t *ret_size)
{
    const uint64_t n = f == SEEN ? (uint64_t)seen->n + 1 : seen->begin[seen->n];
    *ret_data = f == SEEN ? (const void *)seen->begin : (const void *)seen->item;
    *ret_size = n * (f == SEEN ? sizeof *seen->begin : sizeof *seen->item);
    return npy_head(f == SEEN ? "<i8" : "<u4", n, 0);
}

/* How many files a model has. */
static unsigned
n_files(const GasketFactorModel *model)
{
    return model->seen.begin != NULL ? N_FILES : SEEN;
}

/* The head and the array of file f of a model; ret_data is borrowed. */
static GString *
file_parts(const GasketFactorModel *model, unsigned f, const void **ret_data, size_t *ret_size)
{
    if (f >= SEEN)
        return seen_parts(&model->seen, f, ret_data, ret_size);
    const GasketFactorSide *side = &model->side[f / 3];
    *ret_data = NULL;
    *ret_size = 0;
    switch (f % 3) {
    case 0:
        *ret_data = side->factors;
        *ret_size = (size_t)side->n * model->rank * sizeof(float);
        return npy_head("<f4", side->n, model->rank);
    case 1:
        *ret_data = side->bias;
        *ret_size = side->n * sizeof(float);
        return npy_head("<f4", side->n, 0);
    default:
        break;
    }
    if (side->ids.integer != NULL) {
        *ret_data = side->ids.integer;
        *ret_size = side->n * sizeof(int64_t);
        return npy_head("<i8", side->n, 0);
    }
    GString *lines = g_string_new(NULL);
    for (uint32_t i = 0; i < side->n; i++) {
        gasket_ids_append(&side->ids, i, lines);
        g_string_append_c(lines, '\n');
    }
    return lines;
}

static uint64_t
hash_parts(const GString *head, const void *data, size_t size)
{
    XXH64_state_t *state = XXH64_createState();
    XXH64_reset(state, 0);
    XXH64_update(state, head->str, head->len);
    if (size > 0)
        XXH64_update(state, data, size);
    uint64_t hash = XXH64_digest(state);
    XXH64_freeState(state);
    return hash;
}

/* ---- the description ------------------------------------------------------------------------- */

static void
append_number(GString *out, const char *name, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(out, "  \"%s\": %s,\n", name, g_ascii_dtostr(text, sizeof text, value));
}

static void
append_options(const GasketFactorModel *model, GString *out)
{
    g_autoptr(GList) names = g_hash_table_get_keys(model->options);
    names = g_list_sort(names, (GCompareFunc)(void (*)(void))strcmp);
    for (const GList *l = names; l != NULL; l = l->next)
        g_string_append_printf(out, "  \"option.%s\": \"%s\",\n", (const char *)l->data,
                               (const char *)g_hash_table_lookup(model->options, l->data));
}

/* Everything of model.json before the lines of the files. */
static GString *
describe(const GasketFactorModel *model)
{
    GString *out = g_string_new("{\n  \"format\": \"gasket-model\",\n");
    g_string_append_printf(out, "  \"version\": %d,\n", GASKET_FACTOR_MODEL_VERSION);
    g_string_append_printf(out, "  \"algorithm\": \"%s\",\n", model->algorithm);
    g_string_append_printf(out, "  \"predicts\": \"%s\",\n", model->scores ? "scores" : "ratings");
    g_string_append_printf(out, "  \"factors\": %u,\n", model->rank);
    append_number(out, "mean", model->mean);
    append_number(out, "low", model->low);
    append_number(out, "high", model->high);
    append_options(model, out);
    g_string_append_printf(out, "  \"seen\": %s,\n", model->seen.begin != NULL ? "true" : "false");
    for (unsigned k = 0; k < 2; k++)
        g_string_append_printf(out, "  \"%s\": %u,\n  \"%s_ids\": \"%s\",\n",
                               k == 0 ? "users" : "items", model->side[k].n,
                               k == 0 ? "user" : "item",
                               model->side[k].ids.text_begin != NULL ? "text" : "integers");
    return out;
}

static void
append_hash(GString *out)
{
    uint64_t hash = XXH64(out->str, out->len, 0);
    g_string_append_printf(out, "  \"xxh64\": \"%016" G_GINT64_MODIFIER "x\"\n}\n", hash);
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool
write_file(const char *folder, const char *name, const GString *head, const void *data, size_t size,
           GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GasketResultFile) file = gasket_result_file_new(path, error);
    return file != NULL && gasket_result_file_write(file, head->str, head->len, error) &&
           (size == 0 || gasket_result_file_write(file, data, size, error)) &&
           gasket_result_file_sync(file, error) && gasket_result_file_publish(file, error);
}

static bool
write_files(const GasketFactorModel *model, const char *folder, GError **error)
{
    g_autoptr(GString) description = describe(model);
    for (unsigned f = 0; f < n_files(model); f++) {
        const void *data;
        size_t size;
        g_autoptr(GString) head = file_parts(model, f, &data, &size);
        g_autofree char *name = file_name(f, f < SEEN && model->side[f / 3].ids.text_begin != NULL);
        g_string_append_printf(description, "  \"%s\": [%zu, \"%016" G_GINT64_MODIFIER "x\"],\n",
                               name, head->len + size, hash_parts(head, data, size));
        if (!write_file(folder, name, head, data, size, error))
            return false;
    }
    append_hash(description);
    return write_file(folder, "model.json", description, NULL, 0, error);
}

/* Removes a folder of a model, and nothing that does not belong to one. */
static void
remove_folder(const char *folder)
{
    for (unsigned f = 0; f < N_FILES; f++) {
        for (int text = 0; text < 2; text++) {
            g_autofree char *name = file_name(f, text == 1);
            g_autofree char *path = g_build_filename(folder, name, NULL);
            g_unlink(path);
        }
    }
    g_autofree char *description = g_build_filename(folder, "model.json", NULL);
    g_unlink(description);
    g_rmdir(folder);
}

static char *
without_slashes(const char *path)
{
    g_autofree char *copy = g_strdup(path);
    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
        copy[n - 1] = '\0';
    return gasket_result_file_target(copy);
}

bool
gasket_factor_model_check(const char *path, GError **error)
{
    g_autofree char *target = without_slashes(path);
    g_autofree char *description = g_build_filename(target, "model.json", NULL);
    if (g_file_test(target, G_FILE_TEST_EXISTS) &&
        !g_file_test(description, G_FILE_TEST_IS_REGULAR)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s: something else than a model stands there, expected a name for a folder",
                    path);
        return false;
    }
    g_autofree char *beside = g_strconcat(target, ".new", NULL);
    return gasket_result_file_check(beside, error);
}

static bool
fail_io(const char *path, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "%s: cannot write the model: %s", path,
                g_strerror(errno));
    return false;
}

bool
gasket_factor_model_write(const GasketFactorModel *model, const char *path, GError **error)
{
    if (!gasket_factor_model_check(path, error))
        return false;
    g_autofree char *target = without_slashes(path);
    g_autofree char *fresh = gasket_result_file_spare_name(target);
    if (g_mkdir(fresh, 0777) != 0)
        return fail_io(path, error);
    if (!write_files(model, fresh, error)) {
        remove_folder(fresh);
        return false;
    }
    g_autofree char *old = gasket_result_file_spare_name(target);
    bool replaces = g_file_test(target, G_FILE_TEST_EXISTS);
    if ((replaces && rename(target, old) != 0) || rename(fresh, target) != 0) {
        fail_io(path, error);
        remove_folder(fresh);
        return false;
    }
    if (replaces)
        remove_folder(old);
    return gasket_result_file_sync_folder(target, error);
}

/* ---- reading --------------------------------------------------------------------------------- */

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
    append_hash(expected);
    if (expected->len != size || memcmp(expected->str, text, size) != 0)
        return damaged(path, "model.json", "the model is damaged: its checksum differs", error);
    g_autofree char *version = value_of(text, "version");
    if (atoi(version) != GASKET_FACTOR_MODEL_VERSION) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s/model.json: found version %s of the format, expected %d", path, version,
                    GASKET_FACTOR_MODEL_VERSION);
        return false;
    }
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

static bool
read_seen(const char *path, const char *description, GasketFactorModel *model, GError **error)
{
    GasketSeen *seen = &model->seen;
    const char *const *names = &file_names[SEEN];
    g_autofree char *begin = NULL, *items = NULL;
    gsize begin_size, items_size;

    seen->n = model->side[0].n;
    if (!read_checked(path, description, names[0], &begin, &begin_size, error) ||
        !read_checked(path, description, names[1], &items, &items_size, error))
        return false;
    const uint64_t n = (uint64_t)seen->n + 1;
    seen->begin = take_array(path, names[0], npy_head("<i8", n, 0), begin, begin_size, n,
                             sizeof *seen->begin, error);
    if (seen->begin == NULL)
        return false;
    const uint64_t last = seen->begin[seen->n];
    for (uint32_t u = 0; u < seen->n; u++)
        if (seen->begin[u] > seen->begin[u + 1])
            return damaged(path, names[0], "the numbers do not ascend", error);
    if (seen->begin[0] != 0 || last > items_size / sizeof *seen->item)
        return damaged(path, names[0], "the numbers do not fit the items", error);
    seen->item = take_array(path, names[1], npy_head("<u4", last, 0), items, items_size, last,
                            sizeof *seen->item, error);
    for (uint64_t e = 0; seen->item != NULL && e < last; e++)
        if (seen->item[e] >= model->side[1].n)
            return damaged(path, names[1], "found an item that the model does not have", error);
    return seen->item != NULL;
}

static bool
read_part(const char *path, const char *description, GasketFactorModel *model, unsigned f,
          bool text_ids, GError **error)
{
    GasketFactorSide *side = &model->side[f / 3];
    g_autofree char *name = file_name(f, text_ids), *bytes = NULL;
    gsize size;
    if (!read_checked(path, description, name, &bytes, &size, error))
        return false;
    if (f % 3 == 0)
        return (side->factors =
                    take_array(path, name, npy_head("<f4", side->n, model->rank), bytes, size,
                               (uint64_t)side->n * model->rank, sizeof(float), error)) != NULL;
    if (f % 3 == 1)
        return (side->bias = take_array(path, name, npy_head("<f4", side->n, 0), bytes, size,
                                        side->n, sizeof(float), error)) != NULL;
    if (text_ids)
        return take_text_ids(side, bytes, size, error);
    side->ids.n = side->n;
    return (side->ids.integer = take_array(path, name, npy_head("<i8", side->n, 0), bytes, size,
                                           side->n, sizeof(int64_t), error)) != NULL;
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
    for (unsigned f = 0; f < SEEN; f++)
        if (!read_part(path, description, model, f, text_ids[f / 3], error))
            return NULL;
    g_autofree char *seen = value_of(description, "seen");
    if (strcmp(seen, "true") == 0 && !read_seen(path, description, model, error))
        return NULL;
    return g_steal_pointer(&model);
}
