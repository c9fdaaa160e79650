/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse systems of equations A x = b, as the iterative methods share them.
 *
 * A(i, j) is the weight of the edge i -> j, so a vertex's out-row is its row of A; b is the vertex
 * column "rhs", 1 everywhere if there is none.
 *
 *   linear_system_start     checks A and b, fills LinearRow of every vertex
 *   linear_system_solve     the loop: a step of the method adds up r^2, r = b - A x, in
 *                           LINEAR_RESIDUAL
 */
#ifndef GASKET_ALGORITHMS_LINEAR_SYSTEM_H
#define GASKET_ALGORITHMS_LINEAR_SYSTEM_H

#include <gasket/algorithm.h>

/* What every vertex's state begins with. */
typedef struct {
    double diagonal; /* A(i, i) */
    double rhs;      /* b(i) */
    double solution; /* x(i), the first result column */
} LinearRow;

/* The aggregates that the methods begin with. */
enum {
    LINEAR_RESIDUAL,  /* sum of r^2 */
    LINEAR_RHS,       /* sum of b^2 */
    LINEAR_FAULTS,    /* rows by what is wrong with them: LinearFault */
    LINEAR_FIRST,     /* the least ordinal of each */
    LINEAR_DOMINANCE, /* largest (sum over j != i of |A(i, j)|) / |A(i, i)| */
    LINEAR_AGGREGATES,
};

/* What a row of A must not have. */
typedef enum {
    LINEAR_NO_DIAGONAL,
    LINEAR_NOT_FINITE,
    LINEAR_TWICE,    /* an entry that stands twice */
    LINEAR_UNLIKE,   /* A(i, j) != A(j, i) */
    LINEAR_NEGATIVE, /* A(i, i) < 0 */
    LINEAR_N_FAULTS,
} LinearFault;

/* Squares on their way into LINEAR_RESIDUAL: many at once cost less. Set n to 0, add, and at last
 * linear_squares_end. */
typedef struct {
    size_t n;
    double square[256];
} LinearSquares;

static inline void
linear_squares_end(const GasketContext *context, LinearSquares *squares)
{
    gasket_add_many(context, LINEAR_RESIDUAL, 0, squares->square, squares->n);
    squares->n = 0;
}

static inline void
linear_squares_add(const GasketContext *context, LinearSquares *squares, double r)
{
    squares->square[squares->n++] = r * r;
    if (squares->n == sizeof squares->square / sizeof *squares->square)
        linear_squares_end(context, squares);
}

extern const GasketAggregate linear_aggregates[LINEAR_AGGREGATES];

/* Where a run stands. */
typedef struct {
    GasketRun *run;
    int weight, rhs; /* columns; rhs: -1 if there is none */
    size_t state_size;
    bool symmetric; /* A must be, with one entry a place and a positive diagonal */
    double rhs_norm, first, dominance;
} LinearSystem;

/* [all] Sets state_size bytes a vertex, which begin with a LinearRow, and the metric "dominance".
 * The run's aggregates are declared. Error: ARGUMENT for a matrix or right-hand side that does not
 * fit. */
bool linear_system_start(LinearSystem *system, GasketRun *run, size_t state_size, bool symmetric,
                         GError **error);

/* Whether a residual |r| / |b| is a million times what it was at first, or no number; and the
 * error, FAILED, that says so. hint is the end of its message. */
bool linear_system_diverges(const LinearSystem *system, double residual);
void linear_system_refuse(const LinearSystem *system, double residual, const char *hint,
                          GError **error);

/* Looks at the residual after each step; false and an error to stop. */
typedef bool (*LinearCheck)(LinearSystem *system, double residual, void *data, GError **error);

/* [all] The loop: steps, each of which adds up the residual of the solution before it, until that
 * is within the tolerance and so is what `measure` finds of the solution as it stands, which
 * becomes the metric "residual". */
bool linear_system_solve(LinearSystem *system, const GasketProgram *step,
                         const GasketProgram *measure, LinearCheck check, void *data,
                         GError **error);

/* [all] For `verify` of the methods: |b - A x| in a plain loop, against the tolerance. */
bool linear_system_verify(GasketRun *run, size_t state_size, char **ret_message, GError **error);

#endif
