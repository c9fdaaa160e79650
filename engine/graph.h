/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole graph in memory: what a builder finishes and a partition is made of. Vertices stand by
 * number, rows are compressed (CSR) and name neighbours by number within their kind.
 *
 *   kind      ids by number, columns by number
 *   relation  in-rows and out-rows, each built when first required
 *
 *      offset     0     2     3           6        [n_rows + 1]
 *      neighbour  4 7   0     1 1 9       ...      [n_entries]
 *      columns    parallel to neighbour
 *
 * Invariants (gasket_graph_check):
 *   1. offset[0] = 0, offset is ascending, offset[n_rows] = n_entries.
 *   2. neighbour < vertices of the neighbours' kind.
 *   3. A row is ascending by (neighbour, bytes of column 0, of column 1, ...), the bytes compared
 *      as the unsigned integers that the elements' bits are.
 *   4. In-rows and out-rows hold the same edges. A symmetric relation has one set of rows, in
 *      [GASKET_IN], and v stands in the row of u as often as u in the row of v.
 *   5. Ids are distinct; with order `given` they ascend with the number. ordinal is the position
 *      by ascending id, NULL where it equals the number.
 *
 * Cost: 4 bytes an entry and direction and its columns, 8 bytes a row, the ids.
 */
#ifndef GASKET_ENGINE_GRAPH_H
#define GASKET_ENGINE_GRAPH_H

#include <gasket/graph.h>

/* Original ids of one kind, by number: integers or text. */
typedef struct {
    uint32_t n;
    int64_t *integer;     /* [n], or NULL where ids are text */
    uint64_t *text_begin; /* [n + 1] into text, or NULL */
    char *text;           /* not terminated */
} GasketIds;

/* Appends the id of x as text. */
void gasket_ids_append(const GasketIds *ids, uint32_t x, GString *out);
/* Order of two ids (integers by value, text by bytes): < 0, 0, > 0. */
int gasket_ids_compare(const GasketIds *ids, uint32_t x, uint32_t y);
void gasket_ids_clear(GasketIds *ids);

/* A column with its storage. */
typedef struct {
    char *name;
    GasketType type;
    uint32_t length; /* 0: varying */
    void *data;      /* gasket_array */
    uint64_t *begin; /* [n + 1] or NULL */
} GasketColumnData;

void gasket_column_data_clear(GasketColumnData *column);

typedef struct {
    char *name;
    uint32_t n_vertices;
    GasketIds ids;             /* by number */
    uint32_t *ordinal;         /* [n_vertices] or NULL: equal to the number */
    GasketColumnData *columns; /* [n_columns] by number */
    unsigned n_columns;
} GasketGraphKind;

typedef struct {
    uint32_t n_rows;
    uint64_t n_entries;
    uint64_t *offset;          /* [n_rows + 1]; NULL: these rows were not built */
    uint32_t *neighbour;       /* [n_entries] */
    GasketColumnData *columns; /* [n_columns of the relation] by entry */
} GasketGraphRows;

typedef struct {
    char *name;
    unsigned source, target;
    bool symmetric;
    uint64_t n_edges; /* undirected edges count once */
    unsigned n_columns;
    GasketGraphRows rows[2]; /* by GasketDirection; symmetric: [GASKET_IN] alone */
} GasketGraphRelation;

struct GasketGraph {
    unsigned n_kinds, n_relations;
    GasketGraphKind *kinds;
    GasketGraphRelation *relations;
    GasketOrder order;  /* GIVEN or DEGREE: what was chosen */
    char *order_reason; /* one line: why, where it was auto; else NULL */
    unsigned threads;
};

/* Builds the rows of a direction by transposing the others, if they do not stand yet (those of a
 * symmetric relation always do). Error: MEMORY. O(V + E). */
bool gasket_graph_require_rows(GasketGraph *graph, unsigned relation, GasketDirection direction,
                               GError **error);

/* Frees the rows of a direction; the last rows of a relation must stay. */
void gasket_graph_drop_rows(GasketGraph *graph, unsigned relation, GasketDirection direction);

/* The rows that serve a direction: those of GASKET_IN for a symmetric relation. */
const GasketGraphRows *gasket_graph_rows(const GasketGraph *graph, unsigned relation,
                                         GasketDirection direction);

/* Edges into (GASKET_IN) or out of each vertex, [n_vertices of that end's kind]; a gasket_array.
 * A degree above 2^32 - 1 is an ARGUMENT error. NULL on failure. */
uint32_t *gasket_graph_degrees(const GasketGraph *graph, unsigned relation,
                               GasketDirection direction, GError **error);

/* Sum of column 0 (GASKET_DOUBLE, length 1; 1 for each edge where there is none) over the
 * out-edges of each source, added in the order of its out-row; a gasket_array. */
double *gasket_graph_out_strengths(const GasketGraph *graph, unsigned relation, GError **error);

/* Checks every invariant; FAILED names the first that is broken. O(V + E). For tests. */
bool gasket_graph_check(const GasketGraph *graph, GError **error);

/* Bytes of all arrays of the graph. */
uint64_t gasket_graph_bytes(const GasketGraph *graph);

#endif
