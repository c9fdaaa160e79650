/* SPDX-License-Identifier: Apache-2.0 */
/*
 * METIS .graph files: an undirected graph as lists of neighbours.
 *
 *   n m [fmt [ncon]]                                   % starts a comment line
 *   [size] [weight{ncon}] (neighbour [edge weight])*   line i for vertex i, from 1
 *
 * fmt is three digits abc: a = vertex sizes, b = vertex weights, c = edge weights. Sizes and
 * weights of vertices are checked and dropped. Each edge stands in two lists and m counts it once.
 *
 * Invariants:
 *   1. n lists; an empty line is a vertex without neighbours; 2 m neighbours in all.
 *   2. What stands in the list of u as v stands in the list of v as u, with the same weight: the
 *      sum of a 64-bit mix of (smaller, larger, weight) over the entries towards larger ends less
 *      that over the others is 0 (a wrong file passes with a chance of about 2^-64).
 *   3. No vertex neighbours itself.
 *
 * Reference: Karypis: METIS, a software package for partitioning unstructured graphs, manual 5.1.
 */
#include <string.h>

#include "loaders/format.h"
#include "loaders/text.h"

#define HEADER_LINE ((size_t)1 << 16)
#define LIST_LINE   ((size_t)1 << 36) /* a hub may have any number of neighbours */

/* What a block tells: marks of its result. */
enum { LISTS, NEIGHBOURS, BALANCE };

typedef struct {
    uint64_t n, m, n_constraints;
    bool sizes, weights, edge_weights;
    uint64_t header_line;
    uint64_t lists, neighbours, balance; /* of all blocks */
    GasketLoader *loader;
    const char *name;
} MetisGraph;

static uint64_t
mix(uint64_t smaller, uint64_t larger, uint64_t weight)
{
    uint64_t x = (smaller << 32 | larger) + weight * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* A whole number at *p, which is moved behind it; false without an error at the end of the line. */
static bool
next_number(const char **p, uint64_t *ret_number, const char *what, GError **error)
{
    const char *word = gasket_text_skip_blanks(*p);
    *p = word;
    if (*word == '\n' || (word[0] == '\r' && word[1] == '\n'))
        return false;
    const char *end = gasket_scan_count(word, ret_number);
    if (end == NULL || !gasket_text_ends(*end) || *ret_number == UINT64_MAX) {
        gasket_text_error_word(error, word, "%s", what);
        return false;
    }
    *p = end;
    return true;
}

/* The same where the line may not end. */
static bool
need_number(const char **p, uint64_t *ret_number, const char *what, GError **error)
{
    GError *found = NULL;
    if (next_number(p, ret_number, what, &found))
        return true;
    if (found == NULL)
        gasket_text_error(&found, *p, 0, "%s", what);
    g_propagate_error(error, found);
    return false;
}

static bool
parse_header(MetisGraph *graph, const char *line, const GasketLoadOptions *options, GError **error)
{
    const char *p = line;
    uint64_t format = 0;
    GError *found = NULL;
    graph->n_constraints = 0;
    if (!need_number(&p, &graph->n, "a number of vertices", error) ||
        !need_number(&p, &graph->m, "a number of edges", error))
        return false;
    const char *digits = gasket_text_skip_blanks(p);
    if (next_number(&p, &format, "the format as three digits 0 or 1", &found))
        next_number(&p, &graph->n_constraints, "a number of vertex weights", &found);
    uint64_t ones = format % 10, tens = format / 10 % 10, hundreds = format / 100;
    if (found == NULL && (ones > 1 || tens > 1 || hundreds > 1))
        gasket_text_error_word(&found, digits, "the format as three digits 0 or 1");
    p = gasket_text_skip_blanks(p);
    if (found == NULL && *p != '\n' && *p != '\r')
        gasket_text_error_word(&found, p, "the end of the line");
    if (found == NULL && graph->n_constraints > 0 && tens == 0)
        gasket_text_error_word(&found, digits, "vertex weights (01x) where they are counted");
    if (found == NULL && graph->m > UINT64_MAX / 2)
        gasket_text_error_word(&found, line, "fewer edges");
    if (found != NULL) {
        g_propagate_error(error, found);
        return false;
    }
    graph->sizes = hundreds == 1;
    graph->weights = tens == 1;
    graph->edge_weights = ones == 1;
    if (graph->weights && graph->n_constraints == 0)
        graph->n_constraints = 1;
    return gasket_check_n_vertices(options, graph->n, error);
}

static bool
prepare(GasketSource *source, const GasketLoadOptions *options, GError **error)
{
    MetisGraph *graph = g_new0(MetisGraph, 1);
    source->state = graph;
    graph->name = gasket_input_name(source->input);
    char *line;
    size_t size;
    do {
        if (!gasket_input_line(source->input, HEADER_LINE, &line, &size, error))
            return false;
        graph->header_line++;
    } while (line != NULL && *line == '%');
    bool good = line != NULL && parse_header(graph, line, options, error);
    if (line == NULL)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found the end of the file, expected numbers of vertices and edges");
    if (!good) {
        gasket_text_error_at(error, graph->name, graph->header_line);
        return false;
    }
    source->weights = graph->edge_weights ? GASKET_WEIGHTS_THERE : GASKET_WEIGHTS_NONE;
    return true;
}

/* Lines that are lists. */
static uint64_t
count_lists(void *data, const char *text, size_t size)
{
    (void)data;
    uint64_t lists = 0;
    for (const char *p = text, *end = text + size; p < end;) {
        lists += *p != '%';
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
    }
    return lists;
}

static bool
parse_neighbour(const MetisGraph *graph, GasketBatch *batch, uint64_t vertex, uint64_t neighbour,
                uint64_t weight, GasketBlockResult *result, GError **error)
{
    bool towards_larger = vertex < neighbour;
    result->mark[NEIGHBOURS]++;
    result->mark[BALANCE] +=
        towards_larger ? mix(vertex, neighbour, weight) : -mix(neighbour, vertex, weight);
    result->edges += towards_larger;
    return (!towards_larger && graph->loader->symmetric) ||
           gasket_batch_add_ids(batch, vertex, neighbour, (double)weight, error);
}

static bool
parse_list(const MetisGraph *graph, GasketBatch *batch, uint64_t vertex, const char *line,
           GasketBlockResult *result, GError **error)
{
    const char *p = line;
    uint64_t dropped, neighbour, weight = 1;
    if (graph->sizes && !need_number(&p, &dropped, "the size of the vertex", error))
        return false;
    for (uint64_t i = 0; graph->weights && i < graph->n_constraints; i++)
        if (!need_number(&p, &dropped, "a weight of the vertex", error))
            return false;
    GError *found = NULL;
    while (next_number(&p, &neighbour, "a neighbour", &found)) {
        const char *word = p;
        while (word > line && gasket_text_digit(word[-1]))
            word--;
        if (neighbour == 0 || neighbour > graph->n || neighbour == vertex) {
            gasket_text_error_word(error, word,
                                   "a neighbour from 1 to %" G_GUINT64_FORMAT
                                   " other than the vertex itself",
                                   graph->n);
            return false;
        }
        if (graph->edge_weights && !need_number(&p, &weight, "a positive edge weight", error))
            return false;
        if (weight == 0) {
            gasket_text_error(error, "0", 1, "a positive edge weight");
            return false;
        }
        if (!parse_neighbour(graph, batch, vertex, neighbour, weight, result, error))
            return false;
    }
    if (found != NULL)
        g_propagate_error(error, found);
    return found == NULL;
}

static bool
parse_block(void *data, unsigned thread, GasketBlock *block, GasketBlockResult *result,
            GError **error)
{
    const MetisGraph *graph = data;
    GasketBatch *batch = graph->loader->batches[thread];
    const char *p = block->text, *end = block->text + block->size;
    uint64_t vertex = block->first;
    for (; p < end; result->lines++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *word = gasket_text_skip_blanks(p);
        bool empty = *word == '\n' || (word[0] == '\r' && word[1] == '\n');
        if (*p != '%' && ++vertex > graph->n && !empty) {
            gasket_text_error(error, p, (size_t)(newline - p),
                              "the end of the file after %" G_GUINT64_FORMAT " vertices", graph->n);
            return false;
        }
        if (*p != '%' && vertex <= graph->n && !parse_list(graph, batch, vertex, p, result, error))
            return false;
        p = newline + 1;
    }
    result->mark[LISTS] = vertex - block->first;
    return true;
}

/* Adds up what the blocks tell. */
static bool
sum_blocks(void *data, const GasketBlockResult *results, size_t n, uint64_t *ret_line,
           GError **error)
{
    (void)ret_line;
    (void)error;
    MetisGraph *graph = data;
    for (size_t i = 0; i < n; i++) {
        graph->lists += results[i].mark[LISTS];
        graph->neighbours += results[i].mark[NEIGHBOURS];
        graph->balance += results[i].mark[BALANCE];
    }
    return true;
}

static bool
check_totals(const MetisGraph *graph, GError **error)
{
    /* The list of a last vertex without neighbours may be an empty line without its newline. */
    if (graph->lists < graph->n && graph->lists + 1 != graph->n)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found lists of %" G_GUINT64_FORMAT " vertices, expected the %" G_GUINT64_FORMAT
                    " that this line says",
                    graph->lists, graph->n);
    else if (graph->neighbours != 2 * graph->m)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found %" G_GUINT64_FORMAT " neighbours in all lists, expected twice the "
                    "%" G_GUINT64_FORMAT " edges that this line says",
                    graph->neighbours, graph->m);
    else if (graph->balance != 0)
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found an edge in the list of one of its ends only, or with two weights, "
                    "expected each edge in the lists of both ends");
    else
        return true;
    gasket_text_error_at(error, graph->name, graph->header_line);
    return false;
}

static bool
load(GasketSource *source, GasketLoader *loader, GError **error)
{
    MetisGraph *graph = source->state;
    graph->loader = loader;
    if (!gasket_loader_add_range(loader, loader->source_kind, graph->n, error))
        return false;
    GasketChunkJob job = {.parse = parse_block,
                          .count = count_lists,
                          .check = sum_blocks,
                          .data = graph,
                          .max_line = LIST_LINE};
    uint64_t edges;
    return gasket_loader_parse(loader, source, &job, &edges, error) && check_totals(graph, error);
}

const GasketFormat gasket_format_metis = {
    .name = "metis",
    .extensions = "graph metis",
    .one_kind = true,
    .symmetric = true,
    .prepare = prepare,
    .load = load,
    .free = g_free,
};
