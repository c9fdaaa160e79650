/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vertex programs: gather, apply, scatter over blocks of adjacency rows.
 *
 * PageRank, whole:
 *
 *   static void
 *   gather(const GasketContext *context, const GasketRows *rows, void *sums)
 *   {
 *       const float *share = rows->values;
 *       double *sum = sums;
 *
 *       for (size_t r = 0; r < rows->count; r++) {
 *           double total = sum[rows->sum[r]];
 *           for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
 *               total += share[rows->neighbour[e]];
 *           sum[rows->sum[r]] = total;
 *       }
 *   }
 *
 *   static void
 *   apply(const GasketContext *context, const GasketVertices *run, const void *sums)
 *   {
 *       const double *sum = sums;
 *       double *rank = run->state;
 *       float *share = run->value;
 *
 *       for (size_t i = 0; i < run->count; i++) {
 *           GasketVertex v = run->vertex[i];
 *           rank[v] = 0.15 / context->n_vertices + 0.85 * sum[run->sum[i]];
 *           share[v] = rank[v] / context->out_degree[v];
 *       }
 *   }
 *
 *   static const GasketProgram pagerank = {
 *       .name = "pagerank", GASKET_ROWS({.relation = 0, .direction = GASKET_IN}),
 *       .sum_size = sizeof(double), .gather = gather, .apply = apply,
 *   };
 *
 * A vertex of a kind has
 *
 *   state        private to its owner; any program of the kind may change it in apply
 *   value        small, published: neighbours and ghosts read it; changed in apply
 *
 * and an edge of a relation may have
 *
 *   edge value   published along the edge by one end (in scatter), read by the other (in gather)
 *   edge state   private to the owner of a row (a topic of a token)
 *
 * The run declares their sizes (run.h). A program belongs to one kind; a block never mixes kinds.
 * Each program names the rows that it gathers over; several programs take turns in a driver.
 *
 * Two ways to gather:
 *
 *   a left fold (the default): a row may come in several pieces, ascending by neighbour number;
 *   the running sum is read from its slot and written back to it. This lets the engine cut rows
 *   at cache-sized ranges of neighbours, and pays most where rows are long and values small.
 *
 *   whole rows (.whole_rows): each row comes at once and apply follows on the same block, with
 *   the sums in the thread's scratch: for sums that are large, or that need the row as one. apply
 *   sees the rows too, so a program that wants no sums needs no gather; and one that has rows and
 *   no gather has whole rows.
 *
 * What a function may touch: gather reads published values and its own state, and writes its sums
 * (whole rows: its edge state too); apply writes the state and value of its own vertices; scatter
 * writes outgoing edge values and its own edge state. With the synchronous engine every gather of
 * a step reads the values and edge values of before the step.
 *
 * Rows are ascending by (neighbour's number, bits of the columns): the same order everywhere, so
 * that a fold gives the same bits for every number of threads, workers and partitions.
 */
#ifndef GASKET_PROGRAM_H
#define GASKET_PROGRAM_H

#include <gasket/random.h>
#include <gasket/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct GasketThread GasketThread; /* private */

/* What holds for one program in one step, the same for all of its calls on a thread. */
typedef struct {
    uint64_t step;              /* supersteps done before this one in the run */
    uint64_t seed;              /* of the run, for gasket_random_at */
    uint32_t n_vertices;        /* of this kind in the whole graph */
    uint32_t n_owned;           /* of this kind on this worker */
    const uint32_t *number;     /* [n_local] number of each vertex and ghost of this kind */
    const uint32_t *ordinal;    /* [n_owned] position by ascending original id */
    const uint32_t *in_degree;  /* [n_owned] in the program's first relation; NULL if the */
    const uint32_t *out_degree; /* [n_owned] algorithm did not ask for degrees */
    const double *out_strength; /* [n_owned] sum of the first column over the out-edges, in
                                         row order; NULL if not asked for */
    const GasketColumn *column; /* [n_columns] of this kind, by owned vertex */
    unsigned n_columns;
    const void *parameters; /* as the driver gave them with the program */
    void *scratch;          /* scratch_size bytes of this thread, kept between calls */
    GasketThread *thread;   /* private */
} GasketContext;

/* A block of adjacency rows, lent for one call. The index of an entry, e, is valid for columns,
 * edge state and edge values too. */
typedef struct {
    size_t count;                  /* rows in the block */
    const GasketVertex *vertex;    /* [count] whose row it is */
    const uint32_t *sum;           /* [count] slot of row r's sum in sums */
    const uint64_t *begin;         /* [count] row r is entry[begin[r]] .. entry[end[r] - 1] */
    const uint64_t *end;           /* [count] */
    const GasketVertex *neighbour; /* the other ends, ascending by number */
    unsigned set;                  /* which of the program's row sets */

    const void *values;               /* published values of the neighbours' kind ... */
    const uint64_t *value_begin;      /* ... of varying size: bytes values + value_begin[u] ..
                                         value_begin[u + 1] - 1; NULL where uniform */
    const uint32_t *neighbour_number; /* number of each vertex and ghost of that kind */

    const GasketColumn *column; /* [n_columns] the relation's, by entry */
    unsigned n_columns;
    void *edge_state;               /* by entry, or NULL */
    const void *incoming;           /* edge values written by the neighbours, by entry */
    const uint64_t *incoming_begin; /* bytes, by entry, where sizes vary; else NULL */

    /* In scatter only: entry e's edge value for its neighbour is slot[e] of outgoing. */
    void *outgoing;
    const uint32_t *slot;           /* by entry */
    const uint64_t *outgoing_begin; /* bytes, by slot, where sizes vary; else NULL */

    void *state; /* [n_owned] state of the rows' kind; gather may read it */

    struct GasketWaker *waker; /* private: gasket_wake */
} GasketRows;

/* A run of vertices of one kind, lent to apply for one call. */
typedef struct {
    size_t count;
    const GasketVertex *vertex;  /* [count] ascending */
    const uint32_t *sum;         /* [count] slot of vertex i's sum, ascending */
    void *state;                 /* [n_owned] of the kind, by vertex */
    void *value;                 /* [n_owned] values to publish, by vertex. Holds nothing useful:
                                    write it whole whenever the value changes */
    const void *published;       /* [n_local] values as published before the step */
    const uint64_t *value_begin; /* bytes, by vertex, where sizes vary; else NULL */
    uint8_t *changed;            /* [count] with changes = GASKET_MARKED: set to 1 where a new
                                    value was written; 0 on entry. NULL otherwise */
    float *priority;        /* [count] how much the change of vertex i's value matters: the priority
                               with which it wakes others (1 on entry). NULL unless the engine
                               orders vertices by it; then written where changed, or not at all */
    const GasketRows *rows; /* [n_rows] with whole rows: row i of each set is vertex i's, whole.
                                    NULL otherwise */
} GasketVertices;

typedef void (*GasketGather)(const GasketContext *context, const GasketRows *rows, void *sums);
typedef void (*GasketApply)(const GasketContext *context, const GasketVertices *run,
                            const void *sums);
typedef void (*GasketScatter)(const GasketContext *context, const GasketRows *rows);

/* Rows to gather over: those of the program's kind in a relation. */
typedef struct {
    unsigned relation;
    GasketDirection direction;
} GasketRowSet;

/* Which values apply writes. */
typedef enum {
    GASKET_CHANGES_ALL,    /* of every vertex that runs */
    GASKET_CHANGES_MARKED, /* of those it marks in GasketVertices.changed */
    GASKET_CHANGES_NONE,   /* none: only state, edge values and aggregates */
} GasketChanges;

/* What a changed value wakes for the next step of the programs that gather over it (async: to run
 * again). */
typedef enum {
    GASKET_WAKES_NONE,    /* nothing: every vertex (of the step's set) runs in every step */
    GASKET_WAKES_READERS, /* the vertices that have it as a neighbour */
    GASKET_WAKES_SELF,    /* itself */
    GASKET_WAKES_CHOSEN,  /* nothing: scatter names the neighbours to wake (gasket_wake) */
} GasketWakes;

#define GASKET_MAX_ROW_SETS 4

/* Row sets of a program, in its initialiser: GASKET_ROWS({0, GASKET_IN}), */
#define GASKET_ROWS(...)                                                                           \
    .rows = (const GasketRowSet[]){__VA_ARGS__},                                                   \
    .n_rows = sizeof((const GasketRowSet[]){__VA_ARGS__}) / sizeof(GasketRowSet)

/* A vertex program. A static constant, or filled by a driver; the engine keeps no reference to it
 * after the step. */
typedef struct {
    const char *name;
    unsigned kind;            /* whose vertices run */
    const GasketRowSet *rows; /* [n_rows] gathered in this order into the same sum */
    unsigned n_rows;          /* 0: apply alone; at most GASKET_MAX_ROW_SETS */

    bool whole_rows;      /* gather wants each row at once; without a gather so does apply */
    size_t sum_size;      /* bytes of a vertex's sum */
    const void *identity; /* [sum_size] a sum before its first piece; NULL: zeros */

    GasketGather gather;   /* NULL if n_rows is 0, or if apply reads the whole rows itself */
    GasketApply apply;     /* NULL: sums are computed for scatter or aggregates alone */
    GasketScatter scatter; /* NULL unless edge values are written; implies whole rows. Sees the
                              same rows as gather, after apply of their block */

    GasketChanges changes;
    GasketWakes wakes;

    /* gather is a minimum, maximum or logical or over the neighbours' values, and apply folds the
     * sum into its vertex's state: so that gathering over just the neighbours that changed since
     * the last step gives the same state. The engine then pushes along the rows of the changed
     * vertices when they are few and pulls when they are many. Needs wakes = READERS, one relation
     * or several, any columns. */
    bool monotone;

    size_t scratch_size;    /* bytes of GasketContext.scratch; zeroed before the step */
    uint64_t aggregates;    /* bit i: this program computes aggregate i anew (run.h) */
    const void *parameters; /* for GasketContext.parameters */
} GasketProgram;

/* In scatter: the neighbour at entry e shall run again, for the edge value that was written for it
 * (rows must be such that edge values are written along them). Takes effect with the edge value:
 * in the next step of the neighbour's program, or with the async engine as soon as may be, the
 * largest priority first where it orders by priority. A neighbour that waits already keeps the
 * larger of the two priorities. Waking is for programs whose `wakes` is not NONE. */
GASKET_API void gasket_wake(const GasketContext *context, const GasketRows *rows, uint64_t e,
                            float priority);

/* ---- values and edge values, where sizes vary (ret_size may be NULL) ------------------------ */

/* The edge value that came in at entry e, and its bytes. */
static inline const void *
gasket_incoming(const GasketRows *rows, uint64_t e, size_t *ret_size)
{
    if (ret_size != NULL)
        *ret_size = rows->incoming_begin[e + 1] - rows->incoming_begin[e];
    return (const char *)rows->incoming + rows->incoming_begin[e];
}

/* Where the edge value that goes out at entry e is to be written, and its bytes. */
static inline void *
gasket_outgoing(const GasketRows *rows, uint64_t e, size_t *ret_size)
{
    uint64_t begin = rows->outgoing_begin[rows->slot[e]];
    if (ret_size != NULL)
        *ret_size = rows->outgoing_begin[rows->slot[e] + 1] - begin;
    return (char *)rows->outgoing + begin;
}

/* The published value of a neighbour, and its bytes. */
static inline const void *
gasket_value_of(const GasketRows *rows, GasketVertex u, size_t *ret_size)
{
    if (ret_size != NULL)
        *ret_size = rows->value_begin[u + 1] - rows->value_begin[u];
    return (const char *)rows->values + rows->value_begin[u];
}

/* ---- aggregates, in gather, apply or scatter --------------------------------------------------
 *
 * Declared by the run (run.h). Sums of doubles are exact, rounded once at the end, so they are the
 * same for every order of addition. Contributions are visible after the step. */

/* Adds x to element i of a GASKET_SUM aggregate. A NaN or infinity makes the total NaN. */
GASKET_API void gasket_add(const GasketContext *context, unsigned aggregate, unsigned i, double x);

/* Adds x[0] .. x[n - 1] to element i of a GASKET_SUM aggregate: faster than n calls. */
GASKET_API void gasket_add_many(const GasketContext *context, unsigned aggregate, unsigned i,
                                const double *x, size_t n);

/* Adds x to element i of a GASKET_COUNT aggregate (64-bit integers, wrapping). */
GASKET_API void gasket_count(const GasketContext *context, unsigned aggregate, unsigned i,
                             int64_t x);

/* Takes x into element i of a GASKET_MIN or GASKET_MAX aggregate. */
GASKET_API void gasket_extreme(const GasketContext *context, unsigned aggregate, unsigned i,
                               double x);

/* The total of element i as of the last step that computed the aggregate (0, or the identity of
 * min and max, before). gasket_total: SUM, MIN, MAX; gasket_total_count: COUNT. */
GASKET_API double gasket_total(const GasketContext *context, unsigned aggregate, unsigned i);
GASKET_API int64_t gasket_total_count(const GasketContext *context, unsigned aggregate, unsigned i);

#ifdef __cplusplus
}
#endif

#endif
