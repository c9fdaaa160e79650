/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which format an input has: what its content announces comes first, then the extension of its
 * name, then the shape of its first line. See load.h for the table.
 */
#include <string.h>

#include "loaders/dialect.h"
#include "loaders/text.h"

#define SAMPLE ((size_t)1 << 16)

/* ORDER gasket_load_formats */
static const GasketFormat *const formats[] = {
    &gasket_format_edges,  &gasket_format_csv,
    &gasket_format_mtx,    &gasket_format_metis,
    &gasket_format_dimacs, &gasket_format_adjacency,
    &gasket_format_binary, &gasket_format_binary_weighted,
    &gasket_format_sqlite, &gasket_format_ratings,
};

const char *const *
gasket_load_formats(void)
{
    static const char *const names[] = {"edges",  "csv",       "mtx",    "metis",
                                        "dimacs", "adjacency", "binary", "binary-weighted",
                                        "sqlite", "ratings",   NULL};
    return names;
}

const GasketFormat *
gasket_format_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

char *
gasket_extension(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *name = g_ascii_strdown(base, -1);
    if (g_str_has_suffix(name, ".gz"))
        name[strlen(name) - 3] = '\0';
    else if (g_str_has_suffix(name, ".zst"))
        name[strlen(name) - 4] = '\0';
    const char *dot = strrchr(name, '.');
    return g_strdup(dot != NULL ? dot + 1 : "");
}

bool
gasket_extension_is(const char *path, const char *extensions)
{
    g_autofree char *extension = gasket_extension(path);
    g_auto(GStrv) known = g_strsplit(extensions, " ", -1);
    return *extension != '\0' && g_strv_contains((const char *const *)known, extension);
}

static const GasketFormat *
by_extension(const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (gasket_extension_is(path, formats[i]->extensions))
            return formats[i];
    return NULL;
}

/* DIMACS: every whole line of the sample starts with c, p or a, and one is `p sp n m`. */
static bool
is_dimacs(const char *text, size_t size)
{
    bool problem = false;
    for (const char *p = text, *end = text + size; p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t length = (size_t)((newline != NULL ? newline : end) - p);
        if (length > 0 && (strchr("cpa", *p) == NULL || (length > 1 && !g_ascii_isspace(p[1]))))
            return false;
        problem |= length > 5 && strncmp(p, "p sp ", 5) == 0;
        p += length + 1;
    }
    return problem;
}

static const GasketFormat *
by_content(const char *text, size_t size)
{
    if (size >= 16 && memcmp(text, "SQLite format 3", 16) == 0)
        return &gasket_format_sqlite;
    if (size >= 14 && g_ascii_strncasecmp(text, "%%MatrixMarket", 14) == 0)
        return &gasket_format_mtx;
    return is_dimacs(text, size) ? &gasket_format_dimacs : NULL;
}

/* A `::` between ids is a ratings file, a comma a CSV file, all else a list in blanks. */
static const GasketFormat *
by_first_line(const char *line)
{
    const char *colons = strstr(line, "::");
    if (colons != NULL && colons != line)
        return &gasket_format_ratings;
    if (strchr(line, ',') != NULL || (strchr(line, ';') != NULL && strpbrk(line, " \t") == NULL))
        return &gasket_format_csv;
    return &gasket_format_edges;
}

static const GasketFormat *
by_name(const char *name, const GasketFormat *content, GError **error)
{
    const GasketFormat *format = gasket_format_find(name);
    if (format == NULL) {
        g_autofree char *known = g_strjoinv(", ", (char **)gasket_load_formats());
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "format \"%s\" is not known: it is one of %s", name, known);
        return NULL;
    }
    /* Ratings also come as a matrix or in a database. */
    if (format == &gasket_format_ratings &&
        (content == &gasket_format_mtx || content == &gasket_format_sqlite))
        return content;
    return format;
}

const GasketFormat *
gasket_recognise(GasketInput *input, const char *path, const char *name, GError **error)
{
    const char *text;
    size_t size;
    if (!gasket_input_peek(input, SAMPLE, &text, &size, error))
        return NULL;
    const GasketFormat *content = by_content(text, size);
    if (name != NULL)
        return by_name(name, content, error);
    const GasketFormat *format = content != NULL ? content : by_extension(path);
    if (format != NULL && format != &gasket_format_edges)
        return format;
    g_autofree char *line = gasket_first_line(input, true, error);
    if (line == NULL)
        return NULL;
    return by_first_line(line);
}
