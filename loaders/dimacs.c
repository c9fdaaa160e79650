/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DIMACS .gr files (9th Implementation Challenge: shortest paths).
 *
 *   c comment
 *   p sp n m         once, before the arcs
 *   a u v w          an arc from u to v of length w; vertices from 1
 *
 * Every vertex 1 .. n exists, with or without arcs; m arcs are announced and must be there.
 */
#include <math.h>
#include <string.h>

#include "loaders/format.h"
#include "loaders/text.h"

#define HEADER_LINE ((size_t)1 << 20)

typedef struct {
    uint64_t n, m;
    uint64_t problem_line;
    GasketLoader *loader;
    const char *name;
} Dimacs;

static bool
line_ends(const char *p, GError **error)
{
    p = gasket_text_skip_blanks(p);
    if (*p == '\n' || (p[0] == '\r' && p[1] == '\n'))
        return true;
    gasket_text_error_word(error, p, "the end of the line");
    return false;
}

/* A number from least to most at *p, which is moved behind it. */
static bool
parse_count(const char **p, uint64_t least, uint64_t most, const char *what, uint64_t *ret_count,
            GError **error)
{
    const char *word = gasket_text_skip_blanks(*p);
    const char *end = gasket_scan_count(word, ret_count);
    if (end == NULL || !gasket_text_ends(*end) || *ret_count < least || *ret_count > most) {
        gasket_text_error_word(error, word, "%s from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                               what, least, most);
        return false;
    }
    *p = end;
    return true;
}

static bool
parse_problem(Dimacs *dimacs, const char *line, const GasketLoadOptions *options, GError **error)
{
    if (*line != 'p' || !gasket_text_blank(line[1])) {
        gasket_text_error_word(error, line, "a comment (c) or the problem (p sp n m)");
        return false;
    }
    const char *p = gasket_text_skip_blanks(line + 1);
    if (strncmp(p, "sp", 2) != 0 || !gasket_text_blank(p[2])) {
        gasket_text_error_word(error, p, "sp (shortest paths), the only problem that is read");
        return false;
    }
    p += 2;
    return parse_count(&p, 0, UINT64_MAX - 1, "a number of vertices", &dimacs->n, error) &&
           parse_count(&p, 0, UINT64_MAX - 1, "a number of arcs", &dimacs->m, error) &&
           line_ends(p, error) && gasket_check_n_vertices(options, dimacs->n, error);
}

static bool
is_empty(const char *line)
{
    return *line == 'c'
               ? gasket_text_ends(line[1])
               : *gasket_text_skip_blanks(line) == '\n' || (line[0] == '\r' && line[1] == '\n');
}

static bool
prepare(GasketSource *source, const GasketLoadOptions *options, GError **error)
{
    Dimacs *dimacs = g_new0(Dimacs, 1);
    source->state = dimacs;
    dimacs->name = gasket_input_name(source->input);
    char *line;
    size_t size;
    do {
        if (!gasket_input_line(source->input, HEADER_LINE, &line, &size, error))
            return false;
        dimacs->problem_line++;
    } while (line != NULL && is_empty(line));
    if (line == NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found the end of the file, expected the problem (p sp n m)");
    if (line == NULL || !parse_problem(dimacs, line, options, error)) {
        gasket_text_error_at(error, dimacs->name, dimacs->problem_line);
        return false;
    }
    source->weights = GASKET_WEIGHTS_THERE;
    return true;
}

static bool
parse_arc(const Dimacs *dimacs, GasketBatch *batch, const char *line, GError **error)
{
    if (*line != 'a' || !gasket_text_blank(line[1])) {
        gasket_text_error_word(error, line, "an arc (a u v w) or a comment (c)");
        return false;
    }
    const char *p = line + 1;
    uint64_t u, v;
    double weight;
    if (!parse_count(&p, 1, dimacs->n, "a vertex", &u, error) ||
        !parse_count(&p, 1, dimacs->n, "a vertex", &v, error))
        return false;
    const char *word = gasket_text_skip_blanks(p), *end = gasket_text_word_end(word);
    return gasket_batch_weight(batch, word, (size_t)(end - word), &weight, error) &&
           line_ends(end, error) && gasket_batch_add_ids(batch, u, v, weight, error);
}

static bool
parse_block(void *data, unsigned thread, GasketBlock *block, GasketBlockResult *result,
            GError **error)
{
    const Dimacs *dimacs = data;
    GasketBatch *batch = dimacs->loader->batches[thread];
    const char *p = block->text, *end = block->text + block->size;
    for (; p < end; result->lines++) {
        if (!is_empty(p)) {
            if (!parse_arc(dimacs, batch, p, error))
                return false;
            result->edges++;
        }
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
    }
    return true;
}

static bool
load(GasketSource *source, GasketLoader *loader, GError **error)
{
    Dimacs *dimacs = source->state;
    dimacs->loader = loader;
    if (!gasket_loader_add_range(loader, loader->source_kind, dimacs->n, error))
        return false;
    GasketChunkJob job = {.parse = parse_block, .data = dimacs, .max_line = GASKET_LINE_MAX};
    uint64_t arcs;
    if (!gasket_loader_parse(loader, source, &job, &arcs, error))
        return false;
    if (arcs == dimacs->m)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s:%" G_GUINT64_FORMAT ": found %" G_GUINT64_FORMAT
                " arcs in the file, expected the %" G_GUINT64_FORMAT " that this line says",
                dimacs->name, dimacs->problem_line, arcs, dimacs->m);
    return false;
}

const GasketFormat gasket_format_dimacs = {
    .name = "dimacs",
    .extensions = "gr",
    .one_kind = true,
    .prepare = prepare,
    .load = load,
    .free = g_free,
};
