/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain types that every other header uses.
 *
 * A graph has kinds of vertices (page; user and item) and named relations of directed edges
 * between two kinds. Everywhere in Gasket `u -> v` means source -> target.
 *
 *   number    a vertex's position in its kind, 0 .. n - 1. A function of the graph alone: the
 *             same on every machine and for every partition.
 *   ordinal   a vertex's position in its kind by ascending original id.
 *   vertex    (GasketVertex) the index by which one worker reaches a vertex that it holds: its
 *             own vertices first, then its ghosts. Differs from worker to worker.
 */
#ifndef GASKET_TYPES_H
#define GASKET_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h> /* GError, and nothing else of it */

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports. */
#define GASKET_API __attribute__((visibility("default")))

/* Before the definition of a function whose loops gain from wide vectors, such as a gather or an
 * apply: it is compiled for AVX2 too, and the loader takes what the processor has. The same bits
 * either way, for wider vectors alone reorder no sum. Nothing where the compiler or the processor
 * has no such choice. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define GASKET_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define GASKET_WIDE
#endif

/* A vertex that this worker holds: an index within its kind. */
typedef uint32_t GasketVertex;

/* No vertex at all. A kind has at most GASKET_NO_VERTEX vertices. */
#define GASKET_NO_VERTEX UINT32_MAX

/* Which rows of a relation: those of its targets or those of its sources.
 *
 *   GASKET_IN   row of v: every u with an edge u -> v (kept where the target is owned)
 *   GASKET_OUT  row of u: every v with an edge u -> v (kept where the source is owned)
 *
 * A symmetric relation (an undirected graph) has one set of rows that serves as both. */
typedef enum {
    GASKET_IN,
    GASKET_OUT,
} GasketDirection;

/* The type of a column's elements. */
typedef enum {
    GASKET_UINT8,
    GASKET_INT32,
    GASKET_UINT32,
    GASKET_INT64,
    GASKET_FLOAT,
    GASKET_DOUBLE,
    GASKET_VERTEX, /* in results only: uint32_t ordinal, written as the original id */
} GasketType;

/* Bytes of one element. */
GASKET_API size_t gasket_type_size(GasketType type);

/* How vertices are numbered.
 *
 *   GASKET_ORDER_GIVEN   ascending original id
 *   GASKET_ORDER_DEGREE  falling degree (in + out, parallel edges as added), ties by ascending id:
 *                        hubs share cache lines
 *   GASKET_ORDER_AUTO    one of the two, decided from the graph: ids that already put neighbours
 *                        close together are kept, else skewed graphs are ordered by degree */
typedef enum {
    GASKET_ORDER_AUTO,
    GASKET_ORDER_GIVEN,
    GASKET_ORDER_DEGREE,
} GasketOrder;

/* What becomes of several edges u -> v. Sums are taken in the order of the row, of floats in double
 * and of integers up to the ends of their type; a NaN stays only if it comes first. Without a first
 * column of fixed length, sum, min and max do as drop. */
typedef enum {
    GASKET_MULTI_KEEP,
    GASKET_MULTI_DROP, /* keep one: the one whose columns sort first */
    GASKET_MULTI_SUM,
    GASKET_MULTI_MIN,
    GASKET_MULTI_MAX,
} GasketMultiEdges;

/* Read-only input data of a kind or a relation, as a program sees it on one worker.
 *
 * Uniform columns (begin == NULL): element i of vertex or entry x is data[x * length + i].
 * Varying columns: x has the elements data[begin[x]] .. data[begin[x + 1] - 1]. */
typedef struct {
    const char *name;
    GasketType type;
    uint32_t length;       /* elements each; 0 where varying */
    const void *data;      /* of type */
    const uint64_t *begin; /* [n + 1] or NULL */
} GasketColumn;

#ifdef __cplusplus
}
#endif

#endif
