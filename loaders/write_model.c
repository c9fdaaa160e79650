/* SPDX-License-Identifier: Apache-2.0 */
/* UAI and libDAI files from a factor graph; see write_model.h. */
#include "loaders/write_model.h"

#include <math.h>
#include <string.h>

#include "engine/factor_graph.h"
#include "loaders/format.h"
#include "loaders/result_file.h"
#include "loaders/write_format.h"

#define CHUNK_BYTES ((size_t)64 << 10)

typedef struct {
    const GasketGraph *graph;
    const GasketGraphKind *variable, *factor;
    const GasketGraphRows *rows; /* scopes, by factor */
    const int32_t *cardinality;  /* by number, as all that follows */
    const double *prior, *scale, *table;
    const uint64_t *prior_begin, *table_begin;
    uint32_t *by_ordinal;  /* [variables] numbers */
    uint32_t *by_position; /* [longest scope] numbers of the scope at hand */
    bool fg;
    GasketNumberText *numbers;
    GString *text;
    GasketResultFile *file;
} ModelWriter;

static uint32_t
ordinal_of(const GasketGraphKind *kind, uint32_t v)
{
    return kind->ordinal != NULL ? kind->ordinal[v] : v;
}

/* What a variable is called: its position by id, or in a .fg file its id. */
static void
append_variable(const ModelWriter *w, uint32_t v)
{
    g_string_append_c(w->text, ' ');
    gasket_write_integer(w->text,
                         w->fg ? w->variable->ids.integer[v] : (int64_t)ordinal_of(w->variable, v));
}

/* Whether a variable's prior says something; in a .fg file it also stands for a variable that no
 * factor has. */
static bool
has_prior(const ModelWriter *w, uint32_t v, const uint8_t *in_scope)
{
    if (w->scale[v] != 0 || (w->fg && !in_scope[v]))
        return true;
    for (uint64_t e = w->prior_begin[v]; e < w->prior_begin[v + 1]; e++)
        if (w->prior[e] != 1)
            return true;
    return false;
}

static bool
check_priors(const ModelWriter *w, GError **error)
{
    for (uint32_t v = 0; v < w->variable->n_vertices; v++) {
        double factor = exp(w->scale[v]);
        if (w->fg && w->variable->ids.integer[v] < 0) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "variable %" G_GINT64_FORMAT
                        " has a negative id, which a .fg file cannot hold; expected .uai",
                        w->variable->ids.integer[v]);
            return false;
        }
        if (w->scale[v] == -INFINITY || (factor > 1e-280 && factor < 1e280))
            continue;
        g_autofree char *id = gasket_graph_id_text(w->graph, 0, v);
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "the factors of variable %s alone have a product of e^%g, which no number in a "
                    "file can hold",
                    id, w->scale[v]);
        return false;
    }
    return true;
}

static bool
flush(ModelWriter *w, bool all, GError **error)
{
    if (!all && w->text->len < CHUNK_BYTES)
        return true;
    bool written = gasket_result_file_write(w->file, w->text->str, w->text->len, error);
    g_string_truncate(w->text, 0);
    return written;
}

/* Puts the scope of factor f by position into by_position and returns its length. */
static uint32_t
find_scope(ModelWriter *w, uint32_t f)
{
    const int32_t *position = w->rows->columns[GASKET_SCOPE_POSITION].data;
    for (uint64_t e = w->rows->offset[f]; e < w->rows->offset[f + 1]; e++)
        w->by_position[position[e]] = w->rows->neighbour[e];
    return (uint32_t)(w->rows->offset[f + 1] - w->rows->offset[f]);
}

static void
append_line(ModelWriter *w, uint64_t n)
{
    gasket_write_integer(w->text, (int64_t)n);
    g_string_append_c(w->text, '\n');
}

/* ---- UAI ------------------------------------------------------------------------------------- */

static bool
write_uai_scopes(ModelWriter *w, const uint8_t *priors, uint64_t n_factors, GError **error)
{
    uint32_t n = w->variable->n_vertices;

    g_string_append(w->text, "MARKOV\n");
    append_line(w, n);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            g_string_append_c(w->text, ' ');
        gasket_write_integer(w->text, w->cardinality[w->by_ordinal[i]]);
    }
    g_string_append_c(w->text, '\n');
    append_line(w, n_factors);
    for (uint32_t i = 0; i < n; i++)
        if (priors[w->by_ordinal[i]])
            g_string_append_printf(w->text, "1 %u\n", i);
    for (uint32_t f = 0; f < w->factor->n_vertices; f++) {
        uint32_t k = find_scope(w, f);
        gasket_write_integer(w->text, k);
        for (uint32_t i = 0; i < k; i++)
            append_variable(w, w->by_position[i]);
        g_string_append_c(w->text, '\n');
        if (!flush(w, false, error))
            return false;
    }
    return true;
}

static bool
write_uai_table(ModelWriter *w, const double *table, uint64_t n, double factor, GError **error)
{
    append_line(w, n);
    for (uint64_t e = 0; e < n; e++) {
        g_string_append_c(w->text, ' ');
        gasket_write_double(w->numbers, w->text, factor == 1 ? table[e] : table[e] * factor);
    }
    g_string_append_c(w->text, '\n');
    return flush(w, false, error);
}

/* ---- libDAI ---------------------------------------------------------------------------------- */

/* A factor over k variables by position: the last of ours is the first of theirs. */
static bool
write_fg_factor(ModelWriter *w, uint32_t k, const uint32_t *scope, const double *table, uint64_t n,
                double factor, GError **error)
{
    uint64_t nonzeros = 0;
    g_string_append_c(w->text, '\n');
    append_line(w, k);
    for (uint32_t i = k; i-- > 0;)
        append_variable(w, scope[i]);
    g_string_append_c(w->text, '\n');
    for (uint32_t i = k; i-- > 0;)
        g_string_append_printf(w->text, " %d", w->cardinality[scope[i]]);
    g_string_append_c(w->text, '\n');
    for (uint64_t e = 0; e < n; e++)
        nonzeros += table[e] != 0;
    append_line(w, nonzeros);
    for (uint64_t e = 0; e < n; e++) {
        if (table[e] == 0)
            continue;
        gasket_write_integer(w->text, (int64_t)e);
        g_string_append_c(w->text, ' ');
        gasket_write_double(w->numbers, w->text, factor == 1 ? table[e] : table[e] * factor);
        g_string_append_c(w->text, '\n');
        if (!flush(w, false, error))
            return false;
    }
    return true;
}

/* ---- both ------------------------------------------------------------------------------------ */

static bool
write_tables(ModelWriter *w, const uint8_t *priors, GError **error)
{
    for (uint32_t i = 0; i < w->variable->n_vertices; i++) {
        uint32_t v = w->by_ordinal[i];
        uint64_t begin = w->prior_begin[v], n = w->prior_begin[v + 1] - begin;
        double factor = w->scale[v] == -INFINITY ? 1 : exp(w->scale[v]);
        if (priors[v] && !(w->fg ? write_fg_factor(w, 1, &v, w->prior + begin, n, factor, error)
                                 : write_uai_table(w, w->prior + begin, n, factor, error)))
            return false;
    }
    for (uint32_t f = 0; f < w->factor->n_vertices; f++) {
        uint64_t begin = w->table_begin[f], n = w->table_begin[f + 1] - begin;
        uint32_t k = find_scope(w, f);
        if (!(w->fg ? write_fg_factor(w, k, w->by_position, w->table + begin, n, 1, error)
                    : write_uai_table(w, w->table + begin, n, 1, error)))
            return false;
    }
    return true;
}

static bool
write_all(ModelWriter *w, GError **error)
{
    uint32_t n = w->variable->n_vertices, longest = 0;
    g_autofree uint8_t *in_scope = g_new0(uint8_t, (gsize)n + 1);
    g_autofree uint8_t *priors = g_new0(uint8_t, (gsize)n + 1);
    uint64_t n_factors = w->factor->n_vertices;

    w->by_ordinal = g_new0(uint32_t, (gsize)n + 1);
    for (uint64_t e = 0; e < w->rows->n_entries; e++)
        in_scope[w->rows->neighbour[e]] = 1;
    for (uint32_t v = 0; v < n; v++) {
        w->by_ordinal[ordinal_of(w->variable, v)] = v;
        priors[v] = has_prior(w, v, in_scope);
        n_factors += priors[v];
    }
    for (uint32_t f = 0; f < w->factor->n_vertices; f++)
        longest = MAX(longest, (uint32_t)(w->rows->offset[f + 1] - w->rows->offset[f]));
    w->by_position = g_new0(uint32_t, (gsize)longest + 1);
    if (w->fg)
        append_line(w, n_factors);
    else if (!write_uai_scopes(w, priors, n_factors, error))
        return false;
    return write_tables(w, priors, error) && flush(w, true, error) &&
           gasket_result_file_sync(w->file, error) && gasket_result_file_publish(w->file, error);
}

static bool
find_format(const char *path, const char *format, bool *ret_fg, GError **error)
{
    g_autofree char *extension = gasket_extension(path);
    const char *name = format != NULL ? format : extension;

    *ret_fg = strcmp(name, "fg") == 0;
    if (*ret_fg || strcmp(name, "uai") == 0)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "%s: found \"%s\", expected a format that models are written in: uai or fg", path,
                name);
    return false;
}

bool
gasket_write_model(GasketGraph *graph, const char *path, const char *format, GError **error)
{
    ModelWriter w = {.graph = graph, .variable = &graph->kinds[0], .factor = &graph->kinds[1]};
    if (!find_format(path, format, &w.fg, error) ||
        !gasket_graph_require_rows(graph, 0, GASKET_IN, error))
        return false;
    const GasketColumnData *columns = w.variable->columns;
    w.rows = gasket_graph_rows(graph, 0, GASKET_IN);
    w.cardinality = columns[GASKET_VARIABLE_CARDINALITY].data;
    w.prior = columns[GASKET_VARIABLE_PRIOR].data;
    w.prior_begin = columns[GASKET_VARIABLE_PRIOR].begin;
    w.scale = columns[GASKET_VARIABLE_SCALE].data;
    w.table = w.factor->columns[GASKET_FACTOR_TABLE].data;
    w.table_begin = w.factor->columns[GASKET_FACTOR_TABLE].begin;
    if (w.fg && w.variable->ids.integer == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s: variables have names, which a .fg file cannot hold; expected .uai", path);
        return false;
    }
    if (!check_priors(&w, error))
        return false;
    w.file = gasket_result_file_new(path, error);
    if (w.file == NULL)
        return false;
    w.numbers = gasket_number_text_new();
    w.text = g_string_new(NULL);
    bool written = write_all(&w, error);
    gasket_result_file_free(w.file);
    gasket_number_text_free(w.numbers);
    g_string_free(w.text, TRUE);
    g_free(w.by_ordinal);
    g_free(w.by_position);
    return written;
}
