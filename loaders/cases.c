/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a model by cases; see cases.h. */
#include "loaders/cases.h"

#include <math.h>
#include <string.h>

#include "engine/array.h"
#include "engine/graph.h"
#include "loaders/input.h"
#include "loaders/text.h"

/* Sorts behind every other text, and is text itself: U+FFFF. */
#define COPY_NAME "\xef\xbf\xbf%010u.%s"

#define MAX_LINE ((size_t)1 << 24)

typedef struct {
    GasketGraph *graph; /* of the model: numbers are places */
    uint32_t n;         /* variables */
    bool names;
    const char *delimiter;
    int64_t *column;     /* [n_columns] variable of each */
    char *const **known; /* [n_columns] names of the variable's states, or NULL */
    unsigned n_columns;
    GHashTable *states;
    int64_t *id;     /* [n] of the copy at hand */
    int64_t next_id; /* of copies, where ids are integers */
    double *prior;   /* room for the largest */
    GasketFactorGraph *copies;
    GasketInput *input;
} Cases;

static bool
refuse(const Cases *cases, const char *found, const char *expected, GError **error)
{
    g_autofree char *quoted =
        *found != '\0' ? gasket_text_quote(found, strlen(found)) : g_strdup("nothing");
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s:%" G_GUINT64_FORMAT ": found %s, expected %s", gasket_input_name(cases->input),
                MAX(gasket_input_lines(cases->input), 1), quoted, expected);
    return false;
}

/* The next line's fields, without blanks and quotes around them; NULL at the end or on failure. */
static char **
next_fields(Cases *cases, GError **error)
{
    char *line;
    size_t size;
    GError *found = NULL;
    do {
        if (!gasket_input_line(cases->input, MAX_LINE, &line, &size, &found)) {
            g_propagate_error(error, found);
            return NULL;
        }
        if (line == NULL)
            return NULL;
    } while (size == 0);
    g_autofree char *text = g_strndup(line, size);
    if (cases->delimiter == NULL)
        cases->delimiter = strchr(text, '\t') != NULL ? "\t" : ",";
    char **fields = g_strsplit(text, cases->delimiter, -1);
    for (char **field = fields; *field != NULL; field++) {
        g_strstrip(*field);
        size_t length = strlen(*field);
        if (length >= 2 && (*field)[0] == '"' && (*field)[length - 1] == '"') {
            memmove(*field, *field + 1, length - 2);
            (*field)[length - 2] = '\0';
        }
    }
    return fields;
}

static bool
read_heading(Cases *cases, GError **error)
{
    GError *found = NULL;
    g_auto(GStrv) fields = next_fields(cases, &found);
    if (fields == NULL) {
        if (found != NULL)
            g_propagate_error(error, found);
        else
            refuse(cases, "", "a heading of variables", error);
        return false;
    }
    cases->n_columns = g_strv_length(fields);
    cases->column = g_new(int64_t, cases->n_columns + 1);
    cases->known = g_new0(char *const *, cases->n_columns + 1);
    for (unsigned c = 0; c < cases->n_columns; c++) {
        uint32_t v = gasket_graph_find(cases->graph, GASKET_KIND_VARIABLE, fields[c]);
        if (v == GASKET_NO_VERTEX)
            return refuse(cases, fields[c], "a variable of the model", error);
        for (unsigned b = 0; b < c; b++)
            if (cases->column[b] == v)
                return refuse(cases, fields[c], "each variable once", error);
        cases->column[c] = v;
        cases->known[c] =
            cases->states != NULL ? g_hash_table_lookup(cases->states, fields[c]) : NULL;
    }
    return true;
}

/* ---- a copy ---------------------------------------------------------------------------------- */

static bool
add_variables(Cases *cases, uint32_t copy, GError **error)
{
    const GasketGraphKind *kind = &cases->graph->kinds[GASKET_KIND_VARIABLE];
    const int32_t *cardinality = kind->columns[GASKET_VARIABLE_CARDINALITY].data;
    const GasketColumnData *prior = &kind->columns[GASKET_VARIABLE_PRIOR];
    const double *scale = kind->columns[GASKET_VARIABLE_SCALE].data;

    for (uint32_t v = 0; v < cases->n; v++) {
        const uint32_t k = (uint32_t)cardinality[v];
        bool added;
        if (cases->names) {
            g_autofree char *name = gasket_graph_id_text(cases->graph, GASKET_KIND_VARIABLE, v);
            g_autofree char *other = g_strdup_printf(COPY_NAME, copy, name);
            cases->id[v] = (int64_t)gasket_factor_graph_n_variables(cases->copies);
            added =
                gasket_factor_graph_add_named(cases->copies, copy == 0 ? name : other, k, error);
        } else {
            cases->id[v] = copy == 0 ? kind->ids.integer[v] : cases->next_id++;
            added = gasket_factor_graph_add_variable(cases->copies, cases->id[v], k, error);
        }
        if (!added)
            return false;
        bool says = false;
        for (uint32_t x = 0; x < k; x++) {
            double p = ((const double *)prior->data)[prior->begin[v] + x];
            cases->prior[x] = p * exp(scale[v]);
            says = says || cases->prior[x] != 1;
        }
        if (says && !gasket_factor_graph_add_factor(cases->copies, 1, &cases->id[v], k,
                                                    cases->prior, error))
            return false;
    }
    return true;
}

static bool
add_factors(Cases *cases, GError **error)
{
    const GasketGraphKind *kind = &cases->graph->kinds[GASKET_KIND_FACTOR];
    const GasketGraphRows *rows = gasket_graph_rows(cases->graph, 0, GASKET_IN);
    const GasketColumnData *table = &kind->columns[GASKET_FACTOR_TABLE];
    const int32_t *position = rows->columns[GASKET_SCOPE_POSITION].data;

    for (uint32_t f = 0; f < kind->n_vertices; f++) {
        const uint64_t begin = rows->offset[f], k = rows->offset[f + 1] - begin;
        g_autofree int64_t *scope = g_new(int64_t, k + 1);
        for (uint64_t e = 0; e < k; e++)
            scope[position[begin + e]] = cases->id[rows->neighbour[begin + e]];
        if (k > 0 &&
            !gasket_factor_graph_add_factor(cases->copies, k, scope,
                                            table->begin[f + 1] - table->begin[f],
                                            (const double *)table->data + table->begin[f], error))
            return false;
    }
    return true;
}

/* A state by its name, if states have names and one has this; else by its number. */
static bool
find_state(char *const *known, const char *field, int64_t *ret_state)
{
    for (int64_t x = 0; known != NULL && known[x] != NULL; x++)
        if (strcmp(known[x], field) == 0) {
            *ret_state = x;
            return true;
        }
    return gasket_scan_id(field, ret_state) == field + strlen(field) && *ret_state >= 0;
}

static bool
observe(Cases *cases, char **fields, GError **error)
{
    const int32_t *cardinality =
        cases->graph->kinds[GASKET_KIND_VARIABLE].columns[GASKET_VARIABLE_CARDINALITY].data;
    if (g_strv_length(fields) != cases->n_columns) {
        g_autofree char *expected =
            g_strdup_printf("%u fields, as in the heading", cases->n_columns);
        return refuse(cases, fields[0] != NULL ? fields[0] : "", expected, error);
    }
    for (unsigned c = 0; c < cases->n_columns; c++) {
        const char *field = fields[c];
        int64_t state;
        if (*field == '\0' || strcmp(field, "?") == 0 || strcmp(field, "NA") == 0)
            continue;
        if (!find_state(cases->known[c], field, &state) || state >= cardinality[cases->column[c]]) {
            g_autofree char *expected =
                g_strdup_printf("a state from 0 to %d%s, or nothing",
                                cardinality[cases->column[c]] - 1,
                                cases->known[c] != NULL ? " or by its name" : "");
            return refuse(cases, field, expected, error);
        }
        if (!gasket_factor_graph_observe(cases->copies, cases->id[cases->column[c]], (int32_t)state,
                                         error))
            return false;
    }
    return true;
}

static bool
read_cases(Cases *cases, GError **error)
{
    GError *found = NULL;
    uint32_t copy = 0;
    if (!read_heading(cases, error))
        return false;
    for (;; copy++) {
        g_auto(GStrv) fields = next_fields(cases, &found);
        if (fields == NULL)
            break;
        if (!add_variables(cases, copy, error) || !add_factors(cases, error) ||
            !observe(cases, fields, error))
            return false;
    }
    if (found != NULL) {
        g_propagate_error(error, found);
        return false;
    }
    return copy > 0 || refuse(cases, "", "a line for each case", error);
}

GasketFactorGraph *
gasket_cases_load(GasketFactorGraph **model_take, const char *path, GHashTable *states,
                  uint32_t *ret_n, GError **error)
{
    g_autoptr(GasketGraph) graph = gasket_factor_graph_finish_take(model_take, NULL, error);
    if (graph == NULL)
        return NULL;
    const GasketGraphKind *kind = &graph->kinds[GASKET_KIND_VARIABLE];
    const int32_t *cardinality = kind->columns[GASKET_VARIABLE_CARDINALITY].data;
    Cases cases = {.graph = graph,
                   .n = kind->n_vertices,
                   .names = kind->ids.integer == NULL,
                   .states = states};
    int32_t most = 1;
    for (uint32_t v = 0; v < cases.n; v++) {
        most = MAX(most, cardinality[v]);
        if (!cases.names)
            cases.next_id = MAX(cases.next_id, kind->ids.integer[v] + 1);
    }
    g_autoptr(GasketFactorGraph) copies = gasket_factor_graph_new();
    g_autoptr(GasketInput) input = gasket_input_open(path, error);
    cases.copies = copies;
    cases.input = input;
    cases.id = gasket_array_new(cases.n, sizeof *cases.id, error);
    cases.prior = cases.id != NULL ? gasket_array_new((uint64_t)most, sizeof(double), error) : NULL;
    bool read = input != NULL && cases.prior != NULL && read_cases(&cases, error);
    g_free(cases.column);
    g_free(cases.known);
    gasket_array_free(cases.id);
    gasket_array_free(cases.prior);
    *ret_n = cases.n;
    return read ? g_steal_pointer(&copies) : NULL;
}

bool
gasket_cases_mark(GasketGraph *graph, uint32_t n_variables, GError **error)
{
    const uint32_t n_copies =
        n_variables > 0 ? graph->kinds[GASKET_KIND_VARIABLE].n_vertices / n_variables : 0;
    for (unsigned k = 0; k < 2; k++) {
        GasketGraphKind *kind = &graph->kinds[k];
        const uint32_t n = n_copies > 0 ? MAX(kind->n_vertices / n_copies, 1) : 1;
        g_assert(kind->ordinal == NULL);
        int32_t *place = gasket_array_new(kind->n_vertices, sizeof *place, error);
        if (place == NULL)
            return false;
        for (uint32_t v = 0; v < kind->n_vertices; v++)
            place[v] = (int32_t)(v % n);
        kind->columns = g_renew(GasketColumnData, kind->columns, kind->n_columns + 1);
        kind->columns[kind->n_columns++] = (GasketColumnData){.name = g_strdup("template"),
                                                              .type = GASKET_INT32,
                                                              .length = 1,
                                                              .data = place};
    }
    return true;
}
