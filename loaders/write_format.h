/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the writers of the formats know of the graph: it is walked by ascending id of the source,
 * each row by ascending id of the target. See write_graph.h.
 */
#ifndef GASKET_LOADERS_WRITE_FORMAT_H
#define GASKET_LOADERS_WRITE_FORMAT_H

#include "engine/graph.h"
#include "loaders/number_text.h"

/* One end of the relation: its vertices by ascending id. */
typedef struct {
    const GasketGraphKind *kind;
    uint32_t *by_ordinal; /* [n] numbers; NULL: the number itself. gasket_array */
} GasketWriteEnd;

/* An entry of the row at hand. */
typedef struct {
    uint32_t ordinal; /* of the target */
    double weight;
} GasketWriteEntry;

typedef struct {
    const GasketGraph *graph;
    const GasketGraphRelation *relation;
    const GasketGraphRows *rows;
    GasketWriteEnd source, target;
    const double *weights; /* [n_entries] or NULL */
    bool whole;            /* every weight is an integer of at most 2^53 */
    uint64_t n_self_loops;
    GasketNumberText *numbers;
    GString *text; /* what is to be written next */
} GasketGraphWriter;

typedef struct {
    const char *name, *extensions;
    bool symmetric_twice; /* a symmetric relation's edges stand at both ends */
    bool lower;           /* else they stand at the larger end, not the smaller */
    bool keeps_isolated;

    /* Whether the format can hold the graph. NULL: any. */
    bool (*check)(const GasketGraphWriter *writer, GError **error);
    void (*header)(GasketGraphWriter *writer); /* NULL: none */
    /* Appends the row of the source with an ordinal: n entries by ascending ordinal. */
    bool (*row)(GasketGraphWriter *writer, uint32_t ordinal, const GasketWriteEntry *entries,
                size_t n, GError **error);
} GasketWriteFormat;

extern const GasketWriteFormat gasket_write_edges, gasket_write_csv, gasket_write_mtx,
    gasket_write_metis, gasket_write_dimacs, gasket_write_adjacency, gasket_write_binary,
    gasket_write_binary_weighted;

/* The number at an end by ordinal. */
static inline uint32_t
gasket_write_number(const GasketWriteEnd *end, uint32_t ordinal)
{
    return end->by_ordinal != NULL ? end->by_ordinal[ordinal] : ordinal;
}

static inline void
gasket_write_integer(GString *text, int64_t x)
{
    char digits[GASKET_NUMBER_TEXT_MAX];
    g_string_append_len(text, digits, (gssize)gasket_number_text_integer(x, digits));
}

static inline void
gasket_write_double(const GasketNumberText *numbers, GString *text, double x)
{
    char digits[GASKET_NUMBER_TEXT_MAX];
    g_string_append_len(text, digits, (gssize)gasket_number_text_double(numbers, x, digits));
}

#endif
