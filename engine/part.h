/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part: what one worker holds of a graph.
 *
 * Each kind has a space of local indices of its own:
 *
 *   0          n_boundary        n_owned                               n_local
 *   | boundary | interior        | ghosts of rank 0 | of rank 1 | ...  |
 *
 *   boundary  owned, read by another worker: run first, so that its values travel early
 *   interior  owned, read by this worker alone
 *   ghosts    copies of remote neighbours' values, grouped by owner
 *
 * Each of these pieces is ascending by number. So what one peer sends is a slice of the value
 * array, in the order in which the peer finds it. With one worker the local index is the number.
 *
 * Invariants (gasket_part_check):
 *   1. number is ascending within boundary, interior and each group of ghosts.
 *   2. send[send_begin[p] ..] lists, ascending, boundary vertices that are the ghosts of this rank
 *      on p, in p's order. Every boundary vertex is in one list at least.
 *   3. Rows are those of the whole graph: same entries in the same order, by local index.
 *
 * Cost: rows as in graph.h; 12 bytes a vertex and its id; 4 a ghost, 4 a vertex sent.
 */
#ifndef GASKET_ENGINE_PART_H
#define GASKET_ENGINE_PART_H

#include "engine/graph.h"

typedef struct {
    char *name;
    uint32_t n_global, n_owned, n_boundary, n_local;
    uint32_t *number;          /* [n_local] */
    uint32_t *ordinal;         /* [n_owned] */
    GasketIds ids;             /* of owned vertices */
    GasketColumnData *columns; /* [n_columns] by owned vertex */
    unsigned n_columns;
    uint32_t *ghost_begin; /* [size + 1] first ghost of each rank; [size] is n_local */
    uint64_t *send_begin;  /* [size + 1] */
    uint32_t *send;        /* [send_begin[size]] */
} GasketPartKind;

typedef struct {
    bool standing;
    uint64_t n_entries;
    uint64_t *offset;          /* [n_owned + 1] of the rows' kind */
    uint32_t *neighbour;       /* [n_entries] local index in the neighbours' kind */
    GasketColumnData *columns; /* [n_columns of the relation] by entry */
} GasketPartRows;

typedef struct {
    char *name;
    unsigned source, target;
    bool symmetric;
    uint64_t n_edges;   /* of the whole graph */
    uint64_t n_entries; /* of the whole graph, one direction */
    unsigned n_columns;
    GasketPartRows rows[2];
    uint32_t *in_degree;  /* [n_owned of target] or NULL */
    uint32_t *out_degree; /* [n_owned of source] or NULL */
    double *out_strength; /* [n_owned of source] or NULL */
} GasketPartRelation;

typedef struct {
    unsigned rank, size;
    unsigned n_kinds, n_relations;
    GasketPartKind *kinds;
    GasketPartRelation *relations;
} GasketPart;

/* Per relation: what a part needs beside its rows. */
typedef struct {
    bool degrees, strengths;
} GasketPartExtras;

/* The only part of a graph that is used up: its arrays change hands. extras: [n_relations]. */
GasketPart *gasket_part_take_whole(GasketGraph **graph, const GasketPartExtras *extras,
                                   GError **error);

void gasket_part_free(GasketPart *part);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketPart, gasket_part_free)

/* Checks what one worker can check of the invariants. O(V + E). For tests. */
bool gasket_part_check(const GasketPart *part, GError **error);

/* The kind whose vertices own the rows of a direction, and the kind of their neighbours. */
static inline unsigned
gasket_part_row_kind(const GasketPartRelation *relation, GasketDirection direction)
{
    return direction == GASKET_IN ? relation->target : relation->source;
}

static inline unsigned
gasket_part_neighbour_kind(const GasketPartRelation *relation, GasketDirection direction)
{
    return direction == GASKET_IN ? relation->source : relation->target;
}

/* The direction under which rows stand: always GASKET_IN in a symmetric relation. */
static inline GasketDirection
gasket_part_direction(const GasketPartRelation *relation, GasketDirection direction)
{
    return relation->symmetric ? GASKET_IN : direction;
}

/* The direction of the same edges' rows at their other ends. */
static inline GasketDirection
gasket_part_mate(const GasketPartRelation *relation, GasketDirection direction)
{
    if (relation->symmetric)
        return GASKET_IN;
    return direction == GASKET_IN ? GASKET_OUT : GASKET_IN;
}

/* The row, of n_owned, that has an entry. O(log n_owned). */
uint32_t gasket_part_row_of(const GasketPartRows *rows, uint32_t n_owned, uint64_t entry);

/* The rank that owns a local vertex of a kind. O(log size). */
unsigned gasket_part_owner(const GasketPart *part, unsigned kind, GasketVertex v);

#endif
