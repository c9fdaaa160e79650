/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairwise models in tables, or views, of a SQLite database.
 *
 *   variables(variable, state, prior)     a row for each state 0, 1, ... of each variable
 *   edges(source, target, weight)         exp(weight) where both are in the same state, else 1
 *   edges(source, target, entries)        '1 0.5 0.5 2': the table, the target's state fastest
 *
 * Where edges has both columns, each row has one of them and NULL in the other. Further columns are
 * ignored. Variables are integers or text; if one is no canonical decimal, all are text.
 *
 * Variables are read in their order, edges in that of the table, which numbers the factors.
 */
#include "loaders/sqlite_model.h"

#include <math.h>
#include <string.h>

#include <sqlite3.h>

#include "engine/array.h"
#include "loaders/model_format.h"
#include "loaders/sqlite_open.h"
#include "loaders/text.h"

/* exp of more has no place in a double. */
#define MAX_WEIGHT 500

typedef struct {
    const char *path;
    sqlite3 *db;
    sqlite3_stmt *rows;
    GasketFactorGraph *model;
    uint64_t most, n_states;
    bool names;     /* variables are text */
    int column[4];  /* of those a table must or may have; -1: not there */
    double *values; /* [room] of a prior or a table */
    uint64_t room;
} Tables;

static bool
fail(const Tables *tables, GError **error)
{
    return gasket_sqlite_fail(tables->db, tables->path, error);
}

/* Begins to read sql; what was read before ends. */
static bool
start(Tables *tables, const char *sql, GError **error)
{
    sqlite3_finalize(tables->rows);
    tables->rows = NULL;
    return sqlite3_prepare_v2(tables->db, sql, -1, &tables->rows, NULL) == SQLITE_OK ||
           fail(tables, error);
}

/* Finds columns of the statement by name; the first `needed` must be there. */
static bool
find_columns(Tables *tables, const char *table, const char *const *names, unsigned n,
             unsigned needed, GError **error)
{
    g_autoptr(GString) found = g_string_new(NULL);
    for (unsigned i = 0; i < n; i++)
        tables->column[i] = -1;
    for (int c = 0; c < sqlite3_column_count(tables->rows); c++) {
        const char *name = sqlite3_column_name(tables->rows, c);
        g_string_append_printf(found, "%s%s", c == 0 ? "" : ", ", name != NULL ? name : "");
        for (unsigned i = 0; name != NULL && i < n; i++)
            if (tables->column[i] < 0 && g_ascii_strcasecmp(name, names[i]) == 0)
                tables->column[i] = c;
    }
    for (unsigned i = 0; i < needed; i++)
        if (tables->column[i] < 0) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                        "%s: table %s: found the columns %s, expected a column \"%s\"",
                        tables->path, table, found->str, names[i]);
            return false;
        }
    return true;
}

static void
refuse(const Tables *tables, const char *where, unsigned c, const char *expected, GError **error)
{
    g_autofree char *found = gasket_sqlite_found(tables->rows, tables->column[c]);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s: %s: found %s in column \"%s\", expected %s", tables->path, where, found,
                sqlite3_column_name(tables->rows, tables->column[c]), expected);
}

/* What the model says of a row is an error of the file. */
static bool
blame(const Tables *tables, const char *where, GError **error)
{
    if (error != NULL && *error != NULL &&
        g_error_matches(*error, GASKET_ERROR, GASKET_ERROR_ARGUMENT)) {
        (*error)->code = GASKET_ERROR_FORMAT;
        g_prefix_error(error, "%s: %s: ", tables->path, where);
    }
    return false;
}

static bool
make_room(Tables *tables, uint64_t n, GError **error)
{
    if (n <= tables->room)
        return true;
    uint64_t room = MAX(n, 2 * tables->room);
    double *values = tables->values != NULL
                         ? gasket_array_resize(tables->values, room, sizeof *values, error)
                         : gasket_array_new(room, sizeof *values, error);
    if (values == NULL)
        return false;
    tables->values = values;
    tables->room = room;
    return true;
}

/* ---- ids ------------------------------------------------------------------------------------- */

typedef struct {
    bool text;
    int64_t integer; /* unless text */
    char *name;      /* as text, whatever it is; g_free */
} Id;

/* The id in a column, which is an integer if it is one or is written as one is printed. */
static bool
read_id(const Tables *tables, const char *where, unsigned c, Id *ret_id, GError **error)
{
    int column = tables->column[c], type = sqlite3_column_type(tables->rows, column);
    const char *text = type == SQLITE_INTEGER || type == SQLITE_TEXT
                           ? (const char *)sqlite3_column_text(tables->rows, column)
                           : NULL;
    size_t size = text != NULL ? strlen(text) : 0;
    bool good = size > 0 && size <= UINT16_MAX &&
                size == (size_t)sqlite3_column_bytes(tables->rows, column);
    for (size_t i = 0; good && i < size; i++)
        good = (unsigned char)text[i] >= 0x20 && text[i] != 0x7f;
    if (!good) {
        refuse(tables, where, c,
               "an integer, or a text of 1 to 65535 bytes, none a control character", error);
        return false;
    }
    int64_t integer = 0;
    ret_id->text = size > GASKET_TEXT_DIGITS + 1 || gasket_scan_id(text, &integer) != text + size;
    ret_id->integer = integer;
    ret_id->name = g_strdup(text);
    return true;
}

/* The variable that an id names, or -1. */
static int64_t
find_variable(const Tables *tables, const Id *id)
{
    if (tables->names)
        return gasket_factor_graph_find(tables->model, id->name);
    return !id->text && gasket_factor_graph_cardinality(tables->model, id->integer) > 0
               ? id->integer
               : -1;
}

/* ---- variables ------------------------------------------------------------------------------- */

static const char *const variable_columns[] = {"variable", "state", "prior"};

/* Whether some variable is text, by a look at all of them. */
static bool
look_for_names(Tables *tables, GError **error)
{
    int code;
    uint64_t row = 0;
    if (!start(tables, "SELECT * FROM \"variables\"", error) ||
        !find_columns(tables, "variables", variable_columns, 3, 3, error))
        return false;
    while ((code = sqlite3_step(tables->rows)) == SQLITE_ROW) {
        g_autofree char *where = g_strdup_printf("table variables, row %" G_GUINT64_FORMAT, ++row);
        Id id;
        if (!read_id(tables, where, 0, &id, error))
            return false;
        tables->names = tables->names || id.text;
        g_free(id.name);
    }
    return code == SQLITE_DONE || fail(tables, error);
}

/* Adds the variable whose states have been read. */
static bool
add_variable(Tables *tables, const Id *id, uint32_t n, GError **error)
{
    g_autofree char *where = g_strdup_printf("table variables, variable %s", id->name);
    bool added = tables->names
                     ? gasket_factor_graph_add_named(tables->model, id->name, n, error)
                     : gasket_factor_graph_add_variable(tables->model, id->integer, n, error);
    if (!added)
        return blame(tables, where, error);
    int64_t variable = find_variable(tables, id);
    return gasket_factor_graph_add_factor(tables->model, 1, &variable, n, tables->values, error) ||
           blame(tables, where, error);
}

/* The state and prior of the row at hand, which must be state n of its variable. */
static bool
read_state(Tables *tables, const Id *id, uint32_t n, GError **error)
{
    g_autofree char *where = g_strdup_printf("table variables, variable %s", id->name);
    double state = gasket_sqlite_number(tables->rows, tables->column[1]);
    double prior = gasket_sqlite_number(tables->rows, tables->column[2]);
    if (state != n) {
        g_autofree char *expected = g_strdup_printf("%u: a variable has the states 0, 1, ...", n);
        refuse(tables, where, 1, expected, error);
        return false;
    }
    if (!(prior >= 0 && prior <= G_MAXDOUBLE)) {
        g_autofree char *here = g_strdup_printf("%s, state %u", where, n);
        refuse(tables, here, 2, "a finite number of at least 0", error);
        return false;
    }
    if (++tables->n_states > tables->most) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s: %s: found more than %" G_GUINT64_FORMAT " states in all, expected at most "
                    "as many",
                    tables->path, where, tables->most);
        return false;
    }
    if (!make_room(tables, (uint64_t)n + 1, error))
        return false;
    tables->values[n] = prior;
    return true;
}

static bool
read_variables(Tables *tables, GError **error)
{
    Id last = {.name = NULL};
    uint32_t n = 0; /* states of the last variable so far */
    int code = SQLITE_DONE;
    bool good = look_for_names(tables, error) &&
                start(tables,
                      "SELECT * FROM \"variables\" "
                      "ORDER BY \"variable\" COLLATE BINARY, \"state\"",
                      error) &&
                find_columns(tables, "variables", variable_columns, 3, 3, error);

    while (good && (code = sqlite3_step(tables->rows)) == SQLITE_ROW) {
        Id id;
        good = read_id(tables, "table variables", 0, &id, error);
        if (!good)
            break;
        if (last.name == NULL || strcmp(last.name, id.name) != 0) {
            good = last.name == NULL || add_variable(tables, &last, n, error);
            n = 0;
        }
        g_free(last.name);
        last = id;
        good = good && read_state(tables, &id, n++, error);
    }
    good = good && (code == SQLITE_DONE || fail(tables, error)) &&
           (last.name == NULL || add_variable(tables, &last, n, error));
    g_free(last.name);
    return good;
}

/* ---- edges ----------------------------------------------------------------------------------- */

enum { SOURCE, TARGET, WEIGHT, ENTRIES };
static const char *const edge_columns[] = {"source", "target", "weight", "entries"};

/* Whether the row at hand has something in a column. */
static bool
has(const Tables *tables, unsigned c)
{
    return tables->column[c] >= 0 &&
           sqlite3_column_type(tables->rows, tables->column[c]) != SQLITE_NULL;
}

static bool
read_weight(const Tables *tables, const char *where, const uint32_t n[2], GError **error)
{
    double weight = gasket_sqlite_number(tables->rows, tables->column[WEIGHT]);
    if (!(fabs(weight) <= MAX_WEIGHT)) {
        refuse(tables, where, WEIGHT, "a number from -500 to 500", error);
        return false;
    }
    if (n[0] != n[1]) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s: %s: found a weight between variables of %u and %u states, expected as "
                    "many of both, or entries",
                    tables->path, where, n[0], n[1]);
        return false;
    }
    for (uint32_t x = 0; x < n[0]; x++)
        for (uint32_t y = 0; y < n[1]; y++)
            tables->values[(size_t)x * n[1] + y] = x == y ? exp(weight) : 1;
    return true;
}

/* Numbers between blanks or commas. */
static bool
read_entries(const Tables *tables, const char *where, const uint32_t n[2], GError **error)
{
    const uint64_t wanted = (uint64_t)n[0] * n[1];
    int column = tables->column[ENTRIES];
    const char *text = sqlite3_column_type(tables->rows, column) != SQLITE_BLOB
                           ? (const char *)sqlite3_column_text(tables->rows, column)
                           : NULL;
    uint64_t found = 0;
    bool good = text != NULL;
    while (good) {
        text += strspn(text, " \t\r\n,");
        if (*text == '\0')
            break;
        double value;
        const char *end = gasket_scan_double(text, &value);
        good = end != NULL && end != text && (*end == '\0' || strchr(" \t\r\n,", *end) != NULL) &&
               value >= 0 && value <= G_MAXDOUBLE && found < wanted;
        if (good)
            tables->values[found++] = value;
        text = end;
    }
    if (good && found == wanted)
        return true;
    g_autofree char *expected =
        g_strdup_printf("%u x %u numbers of at least 0, the target's state running fastest", n[0],
                        n[1]);
    refuse(tables, where, ENTRIES, expected, error);
    return false;
}

static bool
read_edge(Tables *tables, const char *where, GError **error)
{
    int64_t scope[2];
    uint32_t n[2];
    for (unsigned c = SOURCE; c <= TARGET; c++) {
        Id id;
        if (!read_id(tables, where, c, &id, error))
            return false;
        scope[c] = find_variable(tables, &id);
        n[c] = gasket_factor_graph_cardinality(tables->model, scope[c]);
        g_free(id.name);
        if (n[c] == 0) {
            refuse(tables, where, c, "a variable of the table variables", error);
            return false;
        }
    }
    const uint64_t size = (uint64_t)n[0] * n[1];
    const bool weight = has(tables, WEIGHT), entries = has(tables, ENTRIES);
    if (size > tables->most || weight == entries) {
        g_autofree char *what = size > tables->most
                                    ? g_strdup_printf("found %u x %u entries, expected at most "
                                                      "%" G_GUINT64_FORMAT,
                                                      n[0], n[1], tables->most)
                                    : g_strdup_printf("found %s, expected a weight or entries, and "
                                                      "not both",
                                                      weight ? "both" : "neither");
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT, "%s: %s: %s", tables->path, where,
                    what);
        return false;
    }
    if (!make_room(tables, size, error) ||
        !(weight ? read_weight(tables, where, n, error) : read_entries(tables, where, n, error)))
        return false;
    return gasket_factor_graph_add_factor(tables->model, 2, scope, size, tables->values, error) ||
           blame(tables, where, error);
}

static bool
read_edges(Tables *tables, GError **error)
{
    int code = SQLITE_DONE;
    uint64_t row = 0;
    bool good = start(tables, "SELECT * FROM \"edges\"", error) &&
                find_columns(tables, "edges", edge_columns, 4, 2, error);
    if (good && tables->column[WEIGHT] < 0 && tables->column[ENTRIES] < 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "%s: table edges: found neither a column \"weight\" nor \"entries\", expected "
                    "one of them",
                    tables->path);
        return false;
    }
    while (good && (code = sqlite3_step(tables->rows)) == SQLITE_ROW) {
        g_autofree char *where = g_strdup_printf("table edges, row %" G_GUINT64_FORMAT, ++row);
        good = read_edge(tables, where, error);
    }
    return good && (code == SQLITE_DONE || fail(tables, error));
}

bool
gasket_sqlite_model_load(GasketFactorGraph *model, const char *path, uint64_t most, GError **error)
{
    Tables tables = {.path = path, .model = model, .most = most};
    tables.db = gasket_sqlite_open(path, error);
    if (tables.db == NULL)
        return false;
    g_autoptr(GPtrArray) there = gasket_sqlite_tables(tables.db, path, error);
    bool good = there != NULL;
    static const char *const needed[] = {"variables", "edges"};
    for (unsigned i = 0; good && i < 2; i++) {
        good = gasket_sqlite_find(there, needed[i]) != NULL;
        if (!good)
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                        "%s: found no table \"%s\", expected the tables variables and edges", path,
                        needed[i]);
    }
    good = good && read_variables(&tables, error) && read_edges(&tables, error);
    sqlite3_finalize(tables.rows);
    sqlite3_close(tables.db);
    gasket_array_free(tables.values);
    return good;
}

bool
gasket_sqlite_has_model(const char *path)
{
    g_autoptr(GasketInput) input = gasket_input_open(path, NULL);
    const char *text;
    size_t size;
    if (input == NULL || !gasket_input_peek(input, 16, &text, &size, NULL) || size < 16 ||
        memcmp(text, "SQLite format 3", 16) != 0)
        return false;
    Tables tables = {.path = path, .db = gasket_sqlite_open(path, NULL)};
    if (tables.db == NULL)
        return false;
    g_autoptr(GPtrArray) there = gasket_sqlite_tables(tables.db, path, NULL);
    bool has_model = there != NULL && gasket_sqlite_find(there, "edges") != NULL &&
                     gasket_sqlite_find(there, "variables") != NULL &&
                     start(&tables, "SELECT * FROM \"variables\"", NULL) &&
                     find_columns(&tables, "variables", variable_columns, 3, 3, NULL);
    sqlite3_finalize(tables.rows);
    sqlite3_close(tables.db);
    return has_model;
}

const GasketModelFormat gasket_model_sqlite = {
    .name = "sqlite",
    .extensions = "",
    .load_path = gasket_sqlite_model_load,
};
