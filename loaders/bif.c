/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bayesian networks in the Interchange Format (BIF 0.15) as bnlearn's repository writes them.
 *
 *   network NAME { ... }
 *   variable asia { type discrete [ 2 ] { yes, no }; }
 *   probability ( asia ) { table 0.01, 0.99; }
 *   probability ( tub | asia ) {
 *     (yes) 0.05, 0.95;          a row for each combination of the parents' states
 *     default 0.01, 0.99;        for all that have no row of their own
 *   }
 *
 * A row's numbers are the child's states in the order of its declaration. `property ...;` and
 * comments (two slashes to the end of the line, or between slash-star and star-slash) are skipped.
 * A `table` of a variable with parents, of which programs write the entries in different orders, is
 * refused. Each probability is a factor with the child last; every variable must have one.
 */
#include <string.h>

#include "engine/array.h"
#include "loaders/model_format.h"
#include "loaders/text.h"

typedef struct {
    char *name;
    GPtrArray *states; /* of char * */
    bool has_table;
} Variable;

typedef struct {
    GasketTokens *tokens; /* for messages */
    GasketFactorGraph *model;
    const char *text;
    size_t size, at;
    uint64_t line, word;
    uint64_t most, n_states;
    GasketToken token; /* the one to be looked at */
    GPtrArray *variables;
    GHashTable *state_names; /* of the options */
} Bif;

static void
variable_free(gpointer data)
{
    Variable *variable = data;
    g_free(variable->name);
    g_ptr_array_free(variable->states, TRUE);
    g_free(variable);
}

/* The names of its states, NULL-terminated; g_strfreev. */
static char **
states_of(const Variable *variable)
{
    const guint n = variable->states->len;
    char **names = g_new0(char *, (gsize)n + 1);
    for (guint x = 0; x < n; x++)
        names[x] = g_strdup(variable->states->pdata[x]);
    return names;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static bool
is_mark(char c)
{
    return c != '\0' && strchr("{}()[];,|", c) != NULL;
}

/* Skips blanks and comments. */
static void
skip(Bif *bif)
{
    for (; bif->at < bif->size; bif->at++) {
        const char *p = bif->text + bif->at;
        if (*p == '\n' && bif->at + 1 < bif->size) {
            bif->line++;
            bif->word = 0;
        } else if (p[0] == '/' && p[1] == '/') {
            while (bif->at + 1 < bif->size && bif->text[bif->at + 1] != '\n')
                bif->at++;
        } else if (p[0] == '/' && p[1] == '*') {
            for (bif->at += 2;
                 bif->at + 1 < bif->size && strncmp(bif->text + bif->at, "*/", 2) != 0; bif->at++)
                bif->line += bif->text[bif->at] == '\n';
            bif->at++;
        } else if (!g_ascii_isspace(*p)) {
            return;
        }
    }
    bif->at = bif->size;
}

/* Moves on to the next token. */
static void
advance(Bif *bif)
{
    skip(bif);
    size_t begin = bif->at;
    if (bif->at < bif->size && is_mark(bif->text[bif->at])) {
        bif->at++;
    } else if (bif->at < bif->size && bif->text[bif->at] == '"') {
        do
            bif->at++;
        while (bif->at < bif->size && bif->text[bif->at] != '"' && bif->text[bif->at] != '\n');
        bif->at += bif->at < bif->size && bif->text[bif->at] == '"';
    } else {
        while (bif->at < bif->size && !g_ascii_isspace(bif->text[bif->at]) &&
               !is_mark(bif->text[bif->at]))
            bif->at++;
    }
    bif->token = (GasketToken){begin < bif->size ? bif->text + begin : NULL, bif->at - begin,
                               bif->line, ++bif->word};
}

static bool
is(const Bif *bif, const char *word)
{
    return bif->token.text != NULL && bif->token.size == strlen(word) &&
           memcmp(bif->token.text, word, bif->token.size) == 0;
}

static bool
refuse(const Bif *bif, const char *expected, GError **error)
{
    return gasket_tokens_refuse(bif->tokens, &bif->token, error, "%s", expected);
}

/* Takes a word or mark that must stand here. */
static bool
take(Bif *bif, const char *word, GError **error)
{
    if (!is(bif, word)) {
        g_autofree char *quoted = g_strdup_printf("\"%s\"", word);
        return refuse(bif, quoted, error);
    }
    advance(bif);
    return true;
}

/* Takes a name; NULL and error otherwise. g_free. */
static char *
take_name(Bif *bif, const char *what, GError **error)
{
    if (bif->token.text == NULL || is_mark(*bif->token.text) ||
        memchr(bif->token.text, '\0', bif->token.size) != NULL) {
        refuse(bif, what, error);
        return NULL;
    }
    char *name = g_strndup(bif->token.text, bif->token.size);
    advance(bif);
    return name;
}

/* Skips to behind the next `end`. */
static bool
skip_to(Bif *bif, const char *end, GError **error)
{
    while (bif->token.text != NULL && !is(bif, end))
        advance(bif);
    return take(bif, end, error);
}

/* ---- variables ------------------------------------------------------------------------------- */

static bool
read_states(Bif *bif, Variable *variable, GError **error)
{
    uint64_t n = 0;
    if (!take(bif, "type", error) || !take(bif, "discrete", error) || !take(bif, "[", error))
        return false;
    const char *end = bif->token.text != NULL ? gasket_scan_count(bif->token.text, &n) : NULL;
    if (end == NULL || end != bif->token.text + bif->token.size || n == 0 ||
        n > bif->most - bif->n_states)
        return refuse(bif, "a number of states", error);
    bif->n_states += n;
    advance(bif);
    if (!take(bif, "]", error) || !take(bif, "{", error))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        if (i > 0 && !take(bif, ",", error))
            return false;
        char *state = take_name(bif, "the name of a state", error);
        if (state == NULL)
            return false;
        g_ptr_array_add(variable->states, state);
    }
    return take(bif, "}", error) && take(bif, ";", error);
}

static bool
read_variable(Bif *bif, GError **error)
{
    GasketToken place = bif->token;
    Variable *variable = g_new0(Variable, 1);
    variable->states = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(bif->variables, variable);
    variable->name = take_name(bif, "the name of a variable", error);
    if (variable->name == NULL || !take(bif, "{", error))
        return false;
    while (is(bif, "property"))
        if (!skip_to(bif, ";", error))
            return false;
    if (!read_states(bif, variable, error))
        return false;
    while (is(bif, "property"))
        if (!skip_to(bif, ";", error))
            return false;
    if (!take(bif, "}", error))
        return false;
    if (gasket_factor_graph_add_named(bif->model, variable->name, variable->states->len, error)) {
        if (bif->state_names != NULL)
            g_hash_table_insert(bif->state_names, g_strdup(variable->name), states_of(variable));
        return true;
    }
    gasket_model_error_at(error, bif->tokens, &place);
    return false;
}

/* ---- probabilities --------------------------------------------------------------------------- */

typedef struct {
    GArray *scope;   /* of int64_t: parents in order, then the child */
    uint64_t rows;   /* combinations of the parents' states */
    uint32_t states; /* of the child */
    double *table;   /* [rows * states] gasket_array */
    uint8_t *given;  /* [rows] */
    double *row;     /* [states] the one at hand, and the default */
} Table;

static void
table_clear(Table *table)
{
    g_array_free(table->scope, TRUE);
    gasket_array_free(table->table);
    gasket_array_free(table->given);
    gasket_array_free(table->row);
}

static bool
read_known(Bif *bif, int64_t *ret_id, GError **error)
{
    GasketToken place = bif->token;
    g_autofree char *name = take_name(bif, "the name of a variable", error);
    if (name == NULL)
        return false;
    *ret_id = gasket_factor_graph_find(bif->model, name);
    return *ret_id >= 0 ||
           gasket_tokens_refuse(bif->tokens, &place, error, "a variable that has been declared");
}

static Variable *
variable_at(const Bif *bif, int64_t id)
{
    return g_ptr_array_index(bif->variables, id);
}

/* ( child | parent, parent ) */
static bool
read_scope(Bif *bif, Table *table, GError **error)
{
    int64_t child, parent;
    GasketToken place;

    table->rows = 1;
    if (!take(bif, "(", error))
        return false;
    place = bif->token;
    if (!read_known(bif, &child, error))
        return false;
    if (variable_at(bif, child)->has_table)
        return gasket_tokens_refuse(bif->tokens, &place, error,
                                    "a variable without a probability so far");
    table->states = variable_at(bif, child)->states->len;
    for (bool more = is(bif, "|"); more; more = is(bif, ",")) {
        advance(bif);
        place = bif->token;
        if (!read_known(bif, &parent, error))
            return false;
        g_array_append_val(table->scope, parent);
        table->rows *= variable_at(bif, parent)->states->len;
        if (table->rows * table->states > bif->most || table->scope->len > 64)
            return gasket_tokens_refuse(bif->tokens, &place, error,
                                        "a table of at most %" G_GUINT64_FORMAT " entries",
                                        bif->most);
    }
    g_array_append_val(table->scope, child);
    return take(bif, ")", error);
}

/* The child's numbers, up to the semicolon. */
static bool
read_row(Bif *bif, Table *table, GError **error)
{
    for (uint32_t x = 0; x < table->states; x++) {
        double value = 0;
        if (x > 0 && !take(bif, ",", error))
            return false;
        const char *end =
            bif->token.text != NULL ? gasket_scan_double(bif->token.text, &value) : NULL;
        if (end == NULL || end != bif->token.text + bif->token.size || !(value >= 0) ||
            value > 1e300)
            return refuse(bif, "a probability, a number of at least 0", error);
        table->row[x] = value;
        advance(bif);
    }
    return take(bif, ";", error);
}

/* ( state, state ): which row. */
static bool
read_parents(Bif *bif, const Table *table, uint64_t *ret_row, GError **error)
{
    GasketToken place = bif->token;
    *ret_row = 0;
    if (!take(bif, "(", error))
        return false;
    for (guint i = 0; i + 1 < table->scope->len; i++) {
        const Variable *parent = variable_at(bif, g_array_index(table->scope, int64_t, i));
        if (i > 0 && !take(bif, ",", error))
            return false;
        guint x = 0;
        while (x < parent->states->len && !is(bif, g_ptr_array_index(parent->states, x)))
            x++;
        if (x == parent->states->len) {
            g_autofree char *what = g_strdup_printf("a state of variable %s", parent->name);
            return refuse(bif, what, error);
        }
        *ret_row = *ret_row * parent->states->len + x;
        advance(bif);
    }
    if (table->given[*ret_row])
        return gasket_tokens_refuse(bif->tokens, &place, error, "a row that was not given already");
    return take(bif, ")", error);
}

static bool
read_rows(Bif *bif, Table *table, GError **error)
{
    uint64_t row, n_given = 0;
    bool has_default = false;
    g_autofree double *others = g_new0(double, table->states);

    while (!is(bif, "}")) {
        if (is(bif, "property")) {
            if (!skip_to(bif, ";", error))
                return false;
            continue;
        }
        if (is(bif, "default") && !has_default) {
            has_default = true;
            advance(bif);
            if (!read_row(bif, table, error))
                return false;
            memcpy(others, table->row, table->states * sizeof *others);
            continue;
        }
        if (is(bif, "table") && table->rows == 1 && n_given == 0) {
            row = 0;
            advance(bif);
        } else if (!read_parents(bif, table, &row, error)) {
            return false;
        }
        if (!read_row(bif, table, error))
            return false;
        memcpy(table->table + row * table->states, table->row, table->states * sizeof(double));
        table->given[row] = 1;
        n_given++;
    }
    if (n_given < table->rows && !has_default)
        return refuse(bif, "a row for each combination of the parents' states", error);
    for (row = 0; row < table->rows; row++)
        if (!table->given[row])
            memcpy(table->table + row * table->states, others, table->states * sizeof(double));
    return take(bif, "}", error);
}

static bool
read_table(Bif *bif, Table *table, GError **error)
{
    GasketToken place = bif->token;
    if (!read_scope(bif, table, error))
        return false;
    table->table = gasket_array_new(table->rows * table->states, sizeof(double), error);
    table->given = table->table != NULL ? gasket_array_new(table->rows, 1, error) : NULL;
    table->row =
        table->given != NULL ? gasket_array_new(table->states, sizeof(double), error) : NULL;
    if (table->row == NULL || !take(bif, "{", error) || !read_rows(bif, table, error))
        return false;
    const int64_t *scope = (const int64_t *)(void *)table->scope->data;
    variable_at(bif, scope[table->scope->len - 1])->has_table = true;
    if (gasket_factor_graph_add_factor(bif->model, table->scope->len, scope,
                                       table->rows * table->states, table->table, error))
        return true;
    gasket_model_error_at(error, bif->tokens, &place);
    return false;
}

static bool
read_probability(Bif *bif, GError **error)
{
    Table table = {.scope = g_array_new(FALSE, FALSE, sizeof(int64_t))};
    bool read = read_table(bif, &table, error);
    table_clear(&table);
    return read;
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool
read_network(Bif *bif, GError **error)
{
    advance(bif);
    while (bif->token.text != NULL) {
        bool read;
        if (is(bif, "network")) {
            read = skip_to(bif, "{", error) && skip_to(bif, "}", error);
        } else if (is(bif, "variable")) {
            advance(bif);
            read = read_variable(bif, error);
        } else if (is(bif, "probability")) {
            advance(bif);
            read = read_probability(bif, error);
        } else {
            read = refuse(bif, "network, variable or probability", error);
        }
        if (!read)
            return false;
    }
    if (bif->variables->len == 0)
        return refuse(bif, "network, variable or probability", error);
    for (guint v = 0; v < bif->variables->len; v++) {
        const Variable *variable = variable_at(bif, v);
        if (variable->has_table)
            continue;
        g_autofree char *what = g_strdup_printf("a probability of variable %s", variable->name);
        return refuse(bif, what, error);
    }
    return true;
}

static bool
load(GasketTokens *tokens, GasketFactorGraph *model, const GasketModelOptions *options,
     GError **error)
{
    Bif bif = {.tokens = tokens,
               .model = model,
               .state_names = options->state_names,
               .line = 1,
               .most = gasket_model_max_states(options),
               .variables = g_ptr_array_new_with_free_func(variable_free)};
    bif.text = gasket_tokens_text(tokens, &bif.size);
    bool read = read_network(&bif, error);
    g_ptr_array_free(bif.variables, TRUE);
    return read;
}

const GasketModelFormat gasket_model_bif = {
    .name = "bif",
    .extensions = "bif",
    .load = load,
};
