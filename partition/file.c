/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts from a user's file: one line for each vertex, in any order.
 *
 *   # comment                          user  10  3       (graphs of several kinds)
 *   vertex  part      header, optional user  30  0
 *   10      3                          item  10  2
 *   30,0
 *
 * Fields are separated by blanks, tabs or one comma with blanks around it. A line whose last field
 * is the word `part` is a header, as written by `gasket partition -o`, if it is the first.
 *
 * Errors name the line, what was found and what was expected; every vertex must stand exactly once.
 *
 * Cost: O(lines * log V) time, one line of memory.
 */
#include "partition/methods.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One more than any line has, so that a surplus shows. */
#define FIELDS_MAX 4

typedef struct {
    const GasketPartitionView *view;
    const char *path;
    uint64_t line; /* 1-based */
    unsigned parts;
    uint32_t **part;
    bool started; /* a line with content was seen */
} Reader;

/* Sets the error `FILE:LINE: found FOUND, expected ...`; always false. */
static bool G_GNUC_PRINTF(4, 5)
    refuse(const Reader *reader, const char *found, GError **error, const char *expected, ...)
{
    va_list arguments;
    va_start(arguments, expected);
    g_autofree char *rest = g_strdup_vprintf(expected, arguments);
    va_end(arguments);
    g_autofree char *text = g_utf8_make_valid(found, -1);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s:%" G_GUINT64_FORMAT ": found %s, expected %s", reader->path, reader->line, text,
                rest);
    return false;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Cuts a line into at most FIELDS_MAX fields in place, a comment away; returns their number. */
static unsigned
split(char *line, char *field[FIELDS_MAX])
{
    unsigned n = 0;
    char *c = line;

    line[strcspn(line, "#")] = '\0';
    while (is_blank(*c))
        c++;
    while (*c != '\0' && n < FIELDS_MAX) {
        field[n++] = c;
        while (*c != '\0' && *c != ',' && !is_blank(*c))
            c++;
        char *end = c;
        while (is_blank(*c))
            c++;
        if (*c == ',')
            for (c++; is_blank(*c); c++)
                ;
        *end = '\0';
    }
    return n;
}

/* The kind of a name; n_kinds if there is none. */
static unsigned
find_kind(const GasketPartitionView *view, const char *name)
{
    unsigned k = 0;
    while (k < view->n_kinds && strcmp(view->graph->kinds[k].name, name) != 0)
        k++;
    return k;
}

/* A decimal below parts. */
static bool
parse_part(const char *text, unsigned parts, uint32_t *ret_part)
{
    uint64_t value;
    if (!g_ascii_string_to_unsigned(text, 10, 0, parts - 1, &value, NULL))
        return false;
    *ret_part = (uint32_t)value;
    return true;
}

static bool
read_fields(Reader *reader, char *const *field, unsigned n, GError **error)
{
    const GasketPartitionView *view = reader->view;
    unsigned wanted = view->n_kinds > 1 ? 3 : 2, kind = 0;
    bool header = !reader->started && n == wanted && strcmp(field[n - 1], "part") == 0;
    uint32_t part;

    reader->started = true;
    if (header)
        return true;
    if (n != wanted) {
        g_autofree char *found =
            g_strdup_printf(n < FIELDS_MAX ? "%u field%s" : "%u or more field%s", n,
                            n == 1 ? "" : "s");
        return refuse(reader, found, error, "%s", wanted == 3 ? "`kind id part`" : "`id part`");
    }
    if (wanted == 3 && (kind = find_kind(view, field[0])) == view->n_kinds) {
        g_autofree char *found = g_strdup_printf("kind `%s`", field[0]);
        return refuse(reader, found, error, "a kind of the graph (the first is `%s`)",
                      view->graph->kinds[0].name);
    }
    uint32_t x = gasket_graph_find(view->graph, kind, field[n - 2]);
    if (x == GASKET_NO_VERTEX) {
        g_autofree char *found = g_strdup_printf("vertex `%s`", field[n - 2]);
        return refuse(reader, found, error, "a vertex of the graph");
    }
    if (!parse_part(field[n - 1], reader->parts, &part)) {
        g_autofree char *found = g_strdup_printf("part `%s`", field[n - 1]);
        return refuse(reader, found, error, "a number from 0 to %u", reader->parts - 1);
    }
    if (reader->part[kind][x] != GASKET_PARTITION_NONE) {
        g_autofree char *found = g_strdup_printf("vertex `%s` again", field[n - 2]);
        return refuse(reader, found, error, "every vertex once");
    }
    reader->part[kind][x] = part;
    return true;
}

static bool
read_lines(Reader *reader, FILE *file, GError **error)
{
    char *line = NULL, *field[FIELDS_MAX];
    size_t capacity = 0;
    ssize_t length;
    bool ok = true;

    while (ok && (length = getline(&line, &capacity, file)) >= 0) {
        reader->line++;
        if (strlen(line) != (size_t)length) {
            ok = refuse(reader, "a zero byte", error, "text");
            break;
        }
        unsigned n = split(line, field);
        ok = n == 0 || read_fields(reader, field, n, error);
    }
    if (ok && !feof(file)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT, "cannot read %s: %s", reader->path,
                    g_strerror(errno));
        ok = false;
    }
    free(line);
    return ok;
}

/* Refuses a file that has left vertices out. */
static bool
check_complete(Reader *reader, GError **error)
{
    uint64_t missing = 0;
    unsigned kind = 0;
    uint32_t first = 0;

    for (unsigned k = 0; k < reader->view->n_kinds; k++)
        for (uint32_t x = 0; x < gasket_partition_view_n(reader->view, k); x++)
            if (reader->part[k][x] == GASKET_PARTITION_NONE && missing++ == 0) {
                kind = k;
                first = x;
            }
    if (missing == 0)
        return true;
    g_autofree char *id = gasket_graph_id_text(reader->view->graph, kind, first);
    g_autofree char *name = reader->view->n_kinds > 1
                                ? g_strdup_printf("%s ", reader->view->graph->kinds[kind].name)
                                : g_strdup("");
    reader->line++;
    return refuse(reader, "the end of the file", error,
                  "a line for vertex %s`%s` (%" G_GUINT64_FORMAT " missing)", name, id, missing);
}

bool
gasket_partition_file(const GasketPartitionView *view, const GasketPartitionOptions *options,
                      uint32_t **part, GError **error)
{
    Reader reader = {.view = view, .path = options->file, .parts = options->parts, .part = part};
    FILE *file = fopen(options->file, "re");
    if (file == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT, "cannot open %s: %s", options->file,
                    g_strerror(errno));
        return false;
    }
    for (unsigned k = 0; k < view->n_kinds; k++)
        for (uint32_t x = 0; x < gasket_partition_view_n(view, k); x++)
            part[k][x] = GASKET_PARTITION_NONE;
    bool ok = read_lines(&reader, file, error) && check_complete(&reader, error);
    (void)fclose(file); /* it was only read */
    return ok;
}
