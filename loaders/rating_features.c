/* SPDX-License-Identifier: Apache-2.0 */
/* From files of features to vertices and edges; see rating_features.h. */
#include "loaders/rating_features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array.h"
#include "engine/dictionary.h"
#include "engine/growing.h"
#include "loaders/dialect.h"
#include "loaders/text.h"

#define BATCH 1024 /* edges handed on at once */

typedef struct {
    uint32_t id, name; /* the id's handle; the name's index */
    float weight;
} Entry;

/* Of a name: how many ids have it, and the last line that had. */
typedef struct {
    uint32_t n;
    uint64_t line;
} Name;

typedef struct {
    GasketInput *input;
    GasketFeed *feed;
    GasketDialect dialect;
    bool table, parts; /* parts: `|` parts a cell */
    char **header;     /* [n_header] of a table, or NULL */
    size_t n_header;
    unsigned kind;
    GasketDictionary ids, names;
    GasketGrowing entries, known; /* of Entry; of Name, by index */
    uint32_t id;                  /* handle of the line at hand */
} Features;

static void
features_clear(Features *features)
{
    gasket_input_free(features->input);
    g_strfreev(features->header);
    gasket_dictionary_clear(&features->ids);
    gasket_dictionary_clear(&features->names);
    gasket_array_free(features->entries.data);
    gasket_array_free(features->known.data);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Features, features_clear)

void
gasket_features_declare(GasketGraphBuilder *builder)
{
    static const char *const kinds[] = {"user feature", "item feature"};
    static const char *const relations[] = {"user-features", "item-features"};
    for (unsigned k = 0; k < 2; k++) {
        const unsigned kind = gasket_graph_builder_add_kind(builder, kinds[k]);
        const unsigned relation =
            gasket_graph_builder_add_relation(builder, relations[k], k, kind, false);
        gasket_graph_builder_add_edge_column(builder, relation, "weight", GASKET_FLOAT, 1);
    }
}

/* ---- a line ---------------------------------------------------------------------------------- */

static bool
take_id(Features *features, const char *text, size_t size, GError **error)
{
    uint32_t index;
    const uint32_t before = features->ids.n;
    if (size == 0) {
        gasket_text_error(error, text, size, "an id");
        return false;
    }
    if (!gasket_dictionary_text(&features->ids, text, size, &index, error))
        return false;
    if (index < before) {
        gasket_text_error(error, text, size, "each id once");
        return false;
    }
    features->id = gasket_feed_text(features->feed, features->kind, text, size, error);
    return features->id != GASKET_NO_VERTEX &&
           gasket_feed_vertices(features->feed, features->kind, 1, &features->id, NULL, error);
}

static bool
take_feature(Features *features, const char *text, size_t size, double weight, GError **error)
{
    uint32_t index;
    if (weight == 0)
        return true;
    if (!gasket_dictionary_text(&features->names, text, size, &index, error))
        return false;
    Name *name = gasket_growing_extend(&features->known, 1, sizeof *name, error);
    Entry *entry = gasket_growing_extend(&features->entries, 1, sizeof *entry, error);
    if (name == NULL || entry == NULL)
        return false;
    if (index == features->known.n)
        features->known.n++;
    name = (Name *)features->known.data + index;
    const uint64_t line = gasket_input_lines(features->input);
    if (name->line == line) {
        gasket_text_error(error, text, size, "each feature of an id once");
        return false;
    }
    *name = (Name){name->n + 1, line};
    *entry = (Entry){features->id, index, (float)weight};
    features->entries.n++;
    return true;
}

/* NAME or NAME:WEIGHT; a colon without a number behind it belongs to the name. */
static bool
take_word(Features *features, const char *word, size_t size, GError **error)
{
    const char *colon = memrchr(word, ':', size);
    double weight = 1;
    if (colon != NULL && colon > word && colon + 1 < word + size &&
        gasket_scan_double(colon + 1, &weight) == word + size) {
        if (!isfinite((float)weight)) {
            gasket_text_error(error, word, size, "a finite weight");
            return false;
        }
        return take_feature(features, word, (size_t)(colon - word), weight, error);
    }
    return take_feature(features, word, size, 1, error);
}

static bool
take_list(Features *features, const char *line, size_t size, GError **error)
{
    const char *const ends = features->dialect.delimiter == '\t' ? "\t\r" : " \t\r";
    bool first = true;
    for (size_t at = 0; at < size;) {
        size_t n = 0;
        while (at < size && strchr(ends, line[at]) != NULL && line[at] != '\0')
            at++;
        while (at + n < size && (line[at + n] == '\0' || strchr(ends, line[at + n]) == NULL))
            n++;
        if (n > 0 && !(first ? take_id(features, line + at, n, error)
                             : take_word(features, line + at, n, error)))
            return false;
        first = first && n == 0;
        at += n;
    }
    return true;
}

/* The piece of a cell as COLUMN=PIECE. */
static bool
take_piece(Features *features, size_t column, const char *text, size_t size, GError **error)
{
    if (size == 0 || (size == 1 && *text == '0'))
        return true;
    g_autoptr(GString) name = g_string_new(NULL);
    if (column < features->n_header)
        g_string_append(name, features->header[column]);
    else
        g_string_append_printf(name, "%zu", column + 1);
    g_string_append_c(name, '=');
    g_string_append_len(name, text, (gssize)size);
    return take_feature(features, name->str, name->len, 1, error);
}

static bool
take_cells(Features *features, char *line, size_t size, GError **error)
{
    GasketField fields[GASKET_FIELDS_MAX];
    size_t n;
    if (!gasket_dialect_cut(&features->dialect, line, size, fields, &n, error))
        return false;
    if (n == 0 || n == GASKET_FIELDS_MAX) {
        gasket_text_error(error, line, MIN(size, 40), "an id and at most %d cells",
                          GASKET_FIELDS_MAX - 2);
        return false;
    }
    if (!take_id(features, fields[0].text, fields[0].size, error))
        return false;
    for (size_t f = 1; f < n; f++) {
        const char *text = fields[f].text, *end = text + fields[f].size;
        while (text <= end) {
            const char *bar = features->parts ? memchr(text, '|', (size_t)(end - text)) : NULL;
            const char *stop = bar != NULL ? bar : end;
            if (!take_piece(features, f, text, (size_t)(stop - text), error))
                return false;
            text = stop + 1;
        }
    }
    return true;
}

/* ---- a file ---------------------------------------------------------------------------------- */

/* The shape, from the first line with data. */
static bool
recognise(Features *features, const char *path, GError **error)
{
    const bool csv = gasket_extension_is(path, "csv");
    g_autoptr(GError) failure = NULL;
    g_autofree char *line = gasket_first_line(features->input, !csv, &failure);
    if (failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    GasketDialect *dialect = &features->dialect;
    dialect->comments = !csv;
    dialect->quotes = csv;
    if (line == NULL)
        return true;
    dialect->delimiter = csv                          ? ','
                         : strstr(line, "::") != NULL ? ':'
                         : strchr(line, '|') != NULL  ? '|'
                         : strchr(line, '\t') != NULL ? '\t'
                                                      : ' ';
    features->table = csv || dialect->delimiter == ':' || dialect->delimiter == '|';
    features->parts = csv || dialect->delimiter == ':';
    return true;
}

static bool
take_header(Features *features, char *line, size_t size, GError **error)
{
    GasketField fields[GASKET_FIELDS_MAX];
    if (!gasket_dialect_cut(&features->dialect, line, size, fields, &features->n_header, error))
        return false;
    features->header = g_new0(char *, features->n_header + 1);
    for (size_t f = 0; f < features->n_header; f++)
        features->header[f] = g_strndup(fields[f].text, fields[f].size);
    return true;
}

static bool
take_line(Features *features, char *line, size_t size, GError **error)
{
    if (!features->table)
        return take_list(features, line, size, error);
    if (features->dialect.quotes && features->header == NULL)
        return take_header(features, line, size, error);
    return take_cells(features, line, size, error);
}

static bool
read_lines(Features *features, GError **error)
{
    for (;;) {
        char *line;
        size_t size;
        if (!gasket_input_line(features->input, GASKET_LINE_MAX, &line, &size, error))
            return false;
        if (line == NULL)
            return true;
        if (gasket_dialect_skips(&features->dialect, line, size))
            continue;
        if (!take_line(features, line, size, error)) {
            gasket_text_error_at(error, gasket_input_name(features->input),
                                 gasket_input_lines(features->input));
            return false;
        }
    }
}

/* ---- numbers --------------------------------------------------------------------------------- */

typedef struct {
    const char *text;
    uint32_t size, index;
} Sorted;

static int
compare_names(const void *a, const void *b)
{
    const Sorted *x = a, *y = b;
    const int order = memcmp(x->text, y->text, MIN(x->size, y->size));
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

/* Name -> number by ascending name, GASKET_NO_VERTEX for those that fewer than least have. */
static uint32_t *
number_names(const Features *features, unsigned least, GError **error)
{
    const GasketDictionary *names = &features->names;
    const Name *known = features->known.data;
    uint32_t *number = gasket_array_new(names->n, sizeof *number, error), n = 0;
    Sorted *sorted = gasket_array_new(names->n, sizeof *sorted, error);
    if (number == NULL || sorted == NULL) {
        gasket_array_free(number);
        gasket_array_free(sorted);
        return NULL;
    }
    for (uint32_t i = 0; i < names->n; i++) {
        const GasketDictionaryEntry *entry = &names->entries[i];
        number[i] = GASKET_NO_VERTEX;
        if (known[i].n >= least)
            sorted[n++] = (Sorted){names->text + entry->value, entry->length, i};
    }
    qsort(sorted, n, sizeof *sorted, compare_names);
    for (uint32_t i = 0; i < n; i++)
        number[sorted[i].index] = i;
    gasket_array_free(sorted);
    return number;
}

static bool
add_edges(const Features *features, const uint32_t *number, GError **error)
{
    const Entry *entries = features->entries.data;
    const unsigned relation = GASKET_FEATURES_RELATION + features->kind;
    uint32_t source[BATCH], target[BATCH];
    float weight[BATCH];
    const void *const column[] = {weight};
    size_t n = 0;
    for (uint64_t e = 0; e < features->entries.n; e++) {
        if (number[entries[e].name] == GASKET_NO_VERTEX)
            continue;
        source[n] = entries[e].id;
        target[n] = number[entries[e].name];
        weight[n++] = entries[e].weight;
        if (n == BATCH) {
            if (!gasket_feed_edges(features->feed, relation, n, source, target, column, error))
                return false;
            n = 0;
        }
    }
    return n == 0 || gasket_feed_edges(features->feed, relation, n, source, target, column, error);
}

bool
gasket_features_load(GasketGraphBuilder *builder, unsigned kind, const char *path, unsigned least,
                     GError **error)
{
    g_auto(Features) features = {.kind = kind};
    features.input = gasket_input_open(path, error);
    features.feed = features.input != NULL ? gasket_feed_new(builder, error) : NULL;
    if (features.feed == NULL || !recognise(&features, path, error) ||
        !read_lines(&features, error))
        return false;
    uint32_t *number = number_names(&features, least, error);
    const bool added = number != NULL && add_edges(&features, number, error);
    gasket_array_free(number);
    return added;
}
