/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting lines into fields, and finding out what a file's columns are. See dialect.h.
 */
#include "loaders/dialect.h"

#include <string.h>

#include "loaders/text.h"

/* Bytes of the file that are looked at. */
#define SAMPLE ((size_t)1 << 16)

/* Common names of columns, in lower case. */
static const char *const source_names[] = {"source",  "src",       "from",    "fromnodeid",
                                           "from_id", "user",      "user_id", "u",
                                           "userid",  "source_id", NULL};
static const char *const target_names[] = {"target", "dst",       "to",      "tonodeid",
                                           "to_id",  "item",      "item_id", "v",
                                           "itemid", "target_id", "dest",    "destination",
                                           "movie",  "movie_id",  "movieid", NULL};
static const char *const weight_names[] = {"weight", "w",     "value", "rating",
                                           "stars",  "score", "cost",  NULL};
static const char *const time_names[] = {"time", "timestamp", "ts", "date", NULL};
static const char *const id_names[] = {"id",      "vertex", "vertex_id", "node",
                                       "node_id", "name",   "key",       NULL};

bool
gasket_dialect_skips(const GasketDialect *dialect, const char *line, size_t size)
{
    size_t i = 0;
    while (i < size && gasket_text_blank(line[i]))
        i++;
    return i == size || (line[i] == '\r' && i + 1 == size) ||
           (dialect->comments && (line[i] == '#' || line[i] == '%'));
}

/* Cuts one quoted field at p (behind its quote) in place; p ends behind the closing quote. */
static bool
cut_quoted(char **p, char *end, GasketField *field, GError **error)
{
    char *from = *p, *to = *p;
    field->text = *p;
    for (;; from++) {
        if (from == end) {
            gasket_text_error(error, *p - 1, (size_t)(end - *p) + 1,
                              "a closing quote on the same line");
            return false;
        }
        if (*from == '"' && (from + 1 == end || from[1] != '"'))
            break;
        from += *from == '"';
        *to++ = *from;
    }
    field->size = (size_t)(to - field->text);
    *p = from + 1;
    return true;
}

static void
cut_plain(char **p, char *end, char delimiter, GasketField *field)
{
    char *from = *p, *stop = *p;
    if (delimiter == ' ')
        while (stop < end && !gasket_text_blank(*stop))
            stop++;
    else if (delimiter == ':')
        while (stop < end && !(stop[0] == ':' && stop + 1 < end && stop[1] == ':'))
            stop++;
    else if ((stop = memchr(from, delimiter, (size_t)(end - from))) == NULL)
        stop = end;
    *p = stop;
    while (stop > from && gasket_text_blank(stop[-1]))
        stop--;
    *field = (GasketField){from, (size_t)(stop - from)};
}

bool
gasket_dialect_cut(const GasketDialect *dialect, char *line, size_t size, GasketField *fields,
                   size_t *ret_n, GError **error)
{
    char *p = line, *end = line + size;
    size_t n = 0;
    end -= end > line && end[-1] == '\r';
    for (;;) {
        while (p < end && gasket_text_blank(*p) && *p != dialect->delimiter)
            p++;
        while (dialect->delimiter == ' ' && p < end && gasket_text_blank(*p))
            p++;
        if (p == end && (dialect->delimiter == ' ' || n == 0))
            break;
        GasketField field;
        if (dialect->quotes && p < end && *p == '"') {
            p++;
            if (!cut_quoted(&p, end, &field, error))
                return false;
            while (p < end && gasket_text_blank(*p) && *p != dialect->delimiter)
                p++;
            if (p < end && *p != dialect->delimiter) {
                gasket_text_error(error, p, (size_t)(end - p), "a delimiter behind the quote");
                return false;
            }
        } else {
            cut_plain(&p, end, dialect->delimiter, &field);
        }
        if (n < GASKET_FIELDS_MAX)
            fields[n++] = field;
        if (p == end)
            break;
        if (dialect->delimiter != ' ')
            p += dialect->delimiter == ':' ? 2 : 1;
    }
    *ret_n = n;
    return true;
}

/* One line of the sample, cut. */
typedef struct {
    char *line; /* a copy that the fields stand in; NULL: there is no such line */
    GasketField fields[GASKET_FIELDS_MAX];
    size_t n;
} Sample;

/* Cuts the first two lines with data. Lines that cannot be cut are left for the parser. */
static void
sample_lines(const GasketDialect *dialect, const char *text, size_t size, Sample *first,
             Sample *second)
{
    const char *end = text + size;
    for (const char *p = text; p < end && second->line == NULL;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t length = (size_t)((newline != NULL ? newline : end) - p);
        if (!gasket_dialect_skips(dialect, p, length)) {
            Sample *sample = first->line == NULL ? first : second;
            sample->line = g_malloc(length + 1);
            memcpy(sample->line, p, length);
            sample->line[length] = '\n';
            if (!gasket_dialect_cut(dialect, sample->line, length, sample->fields, &sample->n,
                                    NULL))
                sample->n = 0;
        }
        p = newline != NULL ? newline + 1 : end;
    }
}

static bool
is_named(const GasketField *field, const char *name)
{
    return strlen(name) == field->size && g_ascii_strncasecmp(field->text, name, field->size) == 0;
}

static uint32_t
find_name(const GasketField *header, size_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (is_named(&header[i], name))
            return i;
    return GASKET_NO_COLUMN;
}

static uint32_t
find_common(const GasketField *header, size_t n, const char *const *names)
{
    for (; *names != NULL; names++) {
        uint32_t i = find_name(header, n, *names);
        if (i != GASKET_NO_COLUMN)
            return i;
    }
    return GASKET_NO_COLUMN;
}

/* Looks at the first two lines with data; takes a byte order mark. */
static bool
take_samples(const GasketDialect *dialect, GasketInput *input, Sample *first, Sample *second,
             GError **error)
{
    const char *text;
    size_t size;
    if (!gasket_input_peek(input, SAMPLE, &text, &size, error))
        return false;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        gasket_input_skip(input, 3);
        text += 3;
        size -= 3;
    }
    sample_lines(dialect, text, size, first, second);
    return true;
}

static bool
is_integer(const Sample *sample, uint32_t column)
{
    if (column >= sample->n)
        return false;
    const GasketField *field = &sample->fields[column];
    size_t i = field->size > 0 && field->text[0] == '-';
    bool some = i < field->size;
    for (; i < field->size; i++)
        if (!gasket_text_digit(field->text[i]))
            return false;
    return some;
}

static bool
is_number(const Sample *sample, uint32_t column)
{
    double value;
    return column < sample->n && sample->fields[column].size > 0 &&
           gasket_scan_double(sample->fields[column].text, &value) ==
               sample->fields[column].text + sample->fields[column].size;
}

/* Whether the first line can only be a header, judged by the second. */
static bool
looks_like_header(const GasketDialect *dialect, const Sample *first, const Sample *second)
{
    if (is_integer(first, dialect->source) || is_integer(first, dialect->target))
        return false;
    return (is_integer(second, dialect->source) && is_integer(second, dialect->target)) ||
           (dialect->weight != GASKET_NO_COLUMN && dialect->weight < first->n &&
            !is_number(first, dialect->weight) && is_number(second, dialect->weight));
}

/* One column of --columns: a position from 1, or a name that the header must have. */
static bool
resolve(const char *wanted, const GasketField *header, size_t n, const char *where,
        uint32_t *ret_column, bool *ret_named, GError **error)
{
    uint64_t position;
    const char *end = gasket_scan_count(wanted, &position);
    if (end != NULL && *end == '\0') {
        if (position == 0 || position > GASKET_FIELDS_MAX) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "column %s is not a position from 1 to %d", wanted, GASKET_FIELDS_MAX);
            return false;
        }
        *ret_column = (uint32_t)position - 1;
        return true;
    }
    *ret_named = true;
    *ret_column = find_name(header, n, wanted);
    if (*ret_column != GASKET_NO_COLUMN)
        return true;
    g_autoptr(GString) there = g_string_new(NULL);
    for (size_t i = 0; i < n; i++) {
        g_autofree char *name = gasket_text_quote(header[i].text, header[i].size);
        g_string_append_printf(there, "%s%s", i == 0 ? "" : ", ", name);
    }
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s: found the columns %s, expected a column \"%s\"", where,
                there->len > 0 ? there->str : "(none)", wanted);
    return false;
}

bool
gasket_dialect_columns(GasketDialect *dialect, const GasketLoadOptions *options,
                       const GasketField *header, size_t n, const char *where, bool *ret_common,
                       GError **error)
{
    const char *columns = options->columns;
    const guint most = options->ratings ? 4 : 3;
    dialect->source = 0;
    dialect->target = 1;
    dialect->weight = 2;
    dialect->time = options->ratings ? 3 : GASKET_NO_COLUMN;
    dialect->header = *ret_common = false;
    if (columns == NULL) {
        uint32_t source = find_common(header, n, source_names);
        uint32_t target = find_common(header, n, target_names);
        if (source == GASKET_NO_COLUMN || target == GASKET_NO_COLUMN)
            return true;
        dialect->header = *ret_common = true;
        dialect->source = source;
        dialect->target = target;
        dialect->weight = find_common(header, n, weight_names);
        if (options->ratings)
            dialect->time = find_common(header, n, time_names);
        return true;
    }
    g_auto(GStrv) wanted = g_strsplit(columns, ",", -1);
    guint n_wanted = g_strv_length(wanted);
    uint32_t *column[] = {&dialect->source, &dialect->target, &dialect->weight, &dialect->time};
    if (n_wanted < 2 || n_wanted > most) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "columns \"%s\" must name %s, with commas between", columns,
                    options->ratings ? "a user, an item and perhaps a rating and a time"
                                     : "a source, a target and perhaps a weight");
        return false;
    }
    dialect->weight = dialect->time = GASKET_NO_COLUMN;
    for (guint i = 0; i < n_wanted; i++)
        if (!resolve(g_strstrip(wanted[i]), header, n, where, column[i], &dialect->header, error))
            return false;
    return true;
}

static bool
decide(GasketDialect *dialect, GasketInput *input, const GasketLoadOptions *options,
       const Sample *first, const Sample *second, GError **error)
{
    g_autofree char *where = g_strdup_printf("%s:1", gasket_input_name(input));
    bool common;
    if (!gasket_dialect_columns(dialect, options, first->fields, first->n, where, &common, error))
        return false;
    dialect->header = dialect->header || looks_like_header(dialect, first, second);
    return true;
}

/* Takes the lines up to the header. */
static bool
take_header(const GasketDialect *dialect, GasketInput *input, GError **error)
{
    char *line;
    size_t size;
    do
        if (!gasket_input_line(input, GASKET_LINE_MAX, &line, &size, error))
            return false;
    while (line != NULL && gasket_dialect_skips(dialect, line, size));
    return true;
}

bool
gasket_dialect_prepare(GasketDialect *dialect, GasketInput *input, const GasketLoadOptions *options,
                       GasketWeights *ret_weights, GError **error)
{
    g_autofree Sample *first = g_new0(Sample, 1), *second = g_new0(Sample, 1);
    if (!take_samples(dialect, input, first, second, error))
        return false;
    bool good = decide(dialect, input, options, first, second, error);
    if (good) {
        const Sample *data = dialect->header && second->line != NULL ? second : first;
        /* A column that the header has must be in the lines as well: those say so themselves. */
        const size_t named = dialect->header ? first->n : 0;
        if (dialect->weight >= MAX(data->n, named))
            dialect->weight = GASKET_NO_COLUMN;
        if (options->columns == NULL && !is_number(data, dialect->time) &&
            (dialect->time < data->n || dialect->time >= named))
            dialect->time = GASKET_NO_COLUMN;
        *ret_weights = first->line == NULL                   ? GASKET_WEIGHTS_UNKNOWN
                       : dialect->weight == GASKET_NO_COLUMN ? GASKET_WEIGHTS_NONE
                                                             : GASKET_WEIGHTS_THERE;
        bool wanted = options->want_weights || options->require_weights;
        dialect->only_two = wanted && data->n == 2 && options->columns == NULL;
        if (!wanted)
            dialect->weight = GASKET_NO_COLUMN;
    }
    g_free(first->line);
    g_free(second->line);
    return good && (!dialect->header || take_header(dialect, input, error));
}

bool
gasket_dialect_prepare_list(GasketDialect *dialect, GasketInput *input, GError **error)
{
    g_autofree Sample *first = g_new0(Sample, 1), *second = g_new0(Sample, 1);
    if (!take_samples(dialect, input, first, second, error))
        return false;
    dialect->source = 0;
    dialect->header = find_common(first->fields, MIN(first->n, 1), id_names) == 0 ||
                      (first->n > 0 && !is_integer(first, 0) && is_integer(second, 0));
    g_free(first->line);
    g_free(second->line);
    return !dialect->header || take_header(dialect, input, error);
}

char *
gasket_first_line(GasketInput *input, bool comments, GError **error)
{
    GasketDialect dialect = {.delimiter = ' ', .comments = comments};
    const char *text;
    size_t size;
    if (!gasket_input_peek(input, SAMPLE, &text, &size, error))
        return NULL;
    for (const char *p = text, *end = text + size; p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t length = (size_t)((newline != NULL ? newline : end) - p);
        if (!gasket_dialect_skips(&dialect, p, length))
            return g_strndup(p, length);
        p += length + 1;
    }
    return g_strdup("");
}
