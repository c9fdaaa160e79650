/* SPDX-License-Identifier: Apache-2.0 */
/* The graphs of the programs of this folder: links, a factor graph, a corpus. */
#ifndef GASKET_TESTS_PROGRAMS_MODEL_GRAPHS_H
#define GASKET_TESTS_PROGRAMS_MODEL_GRAPHS_H

#include "tests/programs/graphs.h"

/* ---- links between pages --------------------------------------------------------------------- */

#define PAGES 60

static inline void
draw_links(double (*links)[PAGES])
{
    GasketRandom random = gasket_random_at(11, 0, 0, 0);
    for (int i = 0; i < 300; i++) { /* every fifth page is a dead end, the last is alone */
        uint32_t u = gasket_random_below(&random, PAGES - 1);
        uint32_t v = gasket_random_below(&random, PAGES - 1);
        links[u][v] += u % 5 != 0;
    }
}

static inline GasketGraph *
build_pages(const void *data)
{
    const double(*links)[PAGES] = data;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "page");
    gasket_graph_builder_add_relation(builder, "links", 0, 0, false);
    add_vertices(builder, 0, PAGES, NULL);
    for (int u = 0; u < PAGES; u++)
        for (int v = 0; v < PAGES; v++)
            for (int i = 0; i < links[u][v]; i++)
                add_edge(builder, 0, u, v, NULL);
    return finish_given(builder);
}

/* ---- a tree of factors ------------------------------------------------------------------------
 *
 *   f5     f1 -- 3 -- f4
 *    \    /
 *     2 -+-- f0 (0, 1, 2)        7 stands alone
 *         \
 *          f2 (2, 4, 5) -- 5 -- f3 -- 6
 */

#define VARIABLES 8
#define FACTORS   6

static const int32_t cardinality[VARIABLES] = {2, 3, 4, 2, 3, 2, 4, 3};
static const int scope_size[FACTORS] = {3, 2, 3, 2, 1, 1};
static const int scope[FACTORS][3] = {{2, 0, 1}, {3, 2}, {4, 2, 5}, {6, 5}, {3}, {2}};

typedef struct {
    double value[200];
    uint64_t begin[FACTORS + 1];
} Tables;

static inline void
draw_tables(Tables *ret_tables)
{
    GasketRandom random = gasket_random_at(13, 0, 0, 0);
    memset(ret_tables, 0, sizeof *ret_tables);
    for (int f = 0; f < FACTORS; f++) {
        uint64_t n = 1;
        for (int p = 0; p < scope_size[f]; p++)
            n *= (uint64_t)cardinality[scope[f][p]];
        ret_tables->begin[f + 1] = ret_tables->begin[f] + n;
        for (uint64_t i = ret_tables->begin[f]; i < ret_tables->begin[f + 1]; i++)
            ret_tables->value[i] = 0.05 + gasket_random_double(&random);
    }
}

static inline GasketGraph *
build_factors(const void *data)
{
    const Tables *tables = data;
    GasketVarying table = {tables->value, tables->begin};
    const void *variable_columns[] = {cardinality}, *factor_columns[] = {&table};
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "variable");
    gasket_graph_builder_add_kind(builder, "factor");
    gasket_graph_builder_add_relation(builder, "scope", 0, 1, false);
    gasket_graph_builder_add_vertex_column(builder, 0, "cardinality", GASKET_INT32, 1);
    gasket_graph_builder_add_vertex_column(builder, 1, "table", GASKET_DOUBLE, 0);
    gasket_graph_builder_add_edge_column(builder, 0, "stride", GASKET_INT32, 1);
    add_vertices(builder, 0, VARIABLES, variable_columns);
    add_vertices(builder, 1, FACTORS, factor_columns);
    for (int f = 0; f < FACTORS; f++) {
        int32_t stride = 1; /* the last variable's states stand side by side */
        for (int p = scope_size[f]; p-- > 0; stride *= cardinality[scope[f][p]]) {
            const void *columns[] = {&stride};
            add_edge(builder, 0, scope[f][p], f, columns);
        }
    }
    return finish_given(builder);
}

/* ---- words of documents ---------------------------------------------------------------------- */

#define DOCUMENTS 20
#define WORDS     40
#define TOKENS    600

typedef struct {
    uint32_t count[DOCUMENTS][WORDS];
} Corpus;

static inline void
draw_corpus(Corpus *ret_corpus)
{
    GasketRandom random = gasket_random_at(15, 0, 0, 0);
    memset(ret_corpus, 0, sizeof *ret_corpus);
    for (int i = 0; i < TOKENS; i++) { /* the last document is empty; half the words are rare */
        uint32_t d = gasket_random_below(&random, DOCUMENTS - 1);
        uint32_t w = gasket_random_below(&random, i % 4 ? WORDS / 2 : WORDS);
        ret_corpus->count[d][w]++;
    }
}

static inline GasketGraph *
build_corpus(const void *data)
{
    const Corpus *corpus = data;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "document");
    gasket_graph_builder_add_kind(builder, "word");
    gasket_graph_builder_add_relation(builder, "tokens", 0, 1, false);
    add_vertices(builder, 0, DOCUMENTS, NULL);
    add_vertices(builder, 1, WORDS, NULL);
    for (int d = 0; d < DOCUMENTS; d++)
        for (int w = 0; w < WORDS; w++)
            for (uint32_t i = 0; i < corpus->count[d][w]; i++)
                add_edge(builder, 0, d, w, NULL);
    return finish_given(builder);
}

#endif
