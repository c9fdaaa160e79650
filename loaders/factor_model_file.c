/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models as folders: writing, and which files there are. See factor_model.h.
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
#include "loaders/factor_model_files.h"
#include "loaders/result_file.h"

const char *const gasket_model_files[GASKET_MODEL_FILES] = {
    "user.factors.npy",     "user.bias.npy",       "user.ids",
    "item.factors.npy",     "item.bias.npy",       "item.ids",
    "seen.begin.npy",       "seen.items.npy",      "seen.ratings.npy",
    "neighbours.begin.npy", "neighbours.rows.npy", "neighbours.similarity.npy"};

char *
gasket_model_file_name(unsigned f, bool text)
{
    bool ids = f < GASKET_MODEL_SEEN && f % 3 == 2;
    return ids ? g_strconcat(gasket_model_files[f], text ? ".txt" : ".npy", NULL)
               : g_strdup(gasket_model_files[f]);
}

GString *
gasket_model_npy_head(const char *type, uint64_t n, uint32_t columns)
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

static const GasketModelRows *
rows_of(const GasketFactorModel *model, unsigned f)
{
    return f < GASKET_MODEL_NEIGHBOURS ? &model->seen : &model->neighbours;
}

static GString *
rows_parts(const GasketModelRows *rows, unsigned f, const void **ret_data, size_t *ret_size)
{
    static const char *const types[] = {"<i8", "<u4", "<f4"};
    const void *const data[] = {rows->begin, rows->item, rows->value};
    const uint64_t n = f % 3 == 0 ? (uint64_t)rows->n + 1 : rows->begin[rows->n];
    *ret_data = data[f % 3];
    *ret_size = n * (f % 3 == 0 ? sizeof *rows->begin : sizeof *rows->item);
    return gasket_model_npy_head(types[f % 3], n, 0);
}

bool
gasket_model_has_file(const GasketFactorModel *model, unsigned f)
{
    if (f < GASKET_MODEL_SEEN)
        return f % 3 != 0 || model->rank > 0;
    const GasketModelRows *rows = rows_of(model, f);
    return rows->begin != NULL && (f % 3 != 2 || rows->value != NULL);
}

/* The head and the array of file f of a model; ret_data is borrowed. */
static GString *
file_parts(const GasketFactorModel *model, unsigned f, const void **ret_data, size_t *ret_size)
{
    if (f >= GASKET_MODEL_SEEN)
        return rows_parts(rows_of(model, f), f, ret_data, ret_size);
    const GasketFactorSide *side = &model->side[f / 3];
    *ret_data = NULL;
    *ret_size = 0;
    switch (f % 3) {
    case 0:
        *ret_data = side->factors;
        *ret_size = (size_t)side->n * model->rank * sizeof(float);
        return gasket_model_npy_head("<f4", side->n, model->rank);
    case 1:
        *ret_data = side->bias;
        *ret_size = side->n * sizeof(float);
        return gasket_model_npy_head("<f4", side->n, 0);
    default:
        break;
    }
    if (side->ids.integer != NULL) {
        *ret_data = side->ids.integer;
        *ret_size = side->n * sizeof(int64_t);
        return gasket_model_npy_head("<i8", side->n, 0);
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
    const bool neighbours = model->neighbours.begin != NULL;
    g_string_append_printf(out, "  \"version\": %d,\n",
                           neighbours ? GASKET_NEIGHBOUR_MODEL_VERSION
                                      : GASKET_FACTOR_MODEL_VERSION);
    g_string_append_printf(out, "  \"algorithm\": \"%s\",\n", model->algorithm);
    g_string_append_printf(out, "  \"predicts\": \"%s\",\n", model->scores ? "scores" : "ratings");
    g_string_append_printf(out, "  \"factors\": %u,\n", model->rank);
    append_number(out, "mean", model->mean);
    append_number(out, "low", model->low);
    append_number(out, "high", model->high);
    append_options(model, out);
    if (neighbours)
        g_string_append_printf(out, "  \"neighbours\": \"%s\",\n",
                               model->own == 0 ? "users" : "items");
    g_string_append_printf(out, "  \"seen\": %s,\n", model->seen.begin != NULL ? "true" : "false");
    for (unsigned k = 0; k < 2; k++)
        g_string_append_printf(out, "  \"%s\": %u,\n  \"%s_ids\": \"%s\",\n",
                               k == 0 ? "users" : "items", model->side[k].n,
                               k == 0 ? "user" : "item",
                               model->side[k].ids.text_begin != NULL ? "text" : "integers");
    return out;
}

void
gasket_model_append_hash(GString *out)
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
    for (unsigned f = 0; f < GASKET_MODEL_FILES; f++) {
        const void *data;
        size_t size;
        if (!gasket_model_has_file(model, f))
            continue;
        g_autoptr(GString) head = file_parts(model, f, &data, &size);
        g_autofree char *name =
            gasket_model_file_name(f, f < GASKET_MODEL_SEEN &&
                                          model->side[f / 3].ids.text_begin != NULL);
        g_string_append_printf(description, "  \"%s\": [%zu, \"%016" G_GINT64_MODIFIER "x\"],\n",
                               name, head->len + size, hash_parts(head, data, size));
        if (!write_file(folder, name, head, data, size, error))
            return false;
    }
    gasket_model_append_hash(description);
    return write_file(folder, "model.json", description, NULL, 0, error);
}

/* Removes a folder of a model, and nothing that does not belong to one. */
static void
remove_folder(const char *folder)
{
    for (unsigned f = 0; f < GASKET_MODEL_FILES; f++) {
        for (int text = 0; text < 2; text++) {
            g_autofree char *name = gasket_model_file_name(f, text == 1);
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
    bool away = replaces && rename(target, old) == 0;
    if (away != replaces || rename(fresh, target) != 0) {
        fail_io(path, error);
        if (away)
            (void)rename(old, target); /* else it stands under the other name still */
        remove_folder(fresh);
        return false;
    }
    if (replaces)
        remove_folder(old);
    return gasket_result_file_sync_folder(target, error);
}
