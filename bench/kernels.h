/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hand-written PageRank steps, to measure the engine against: what a programmer would write for
 * this one algorithm. Both do all the work of a step: shares, gather, apply, residual, and the rank
 * of vertices without out-edges. Ranks and sums are doubles, shares floats, as the engine's.
 *
 *   plain     pull over the rows as they are; a row's sum is applied at once
 *   segments  rows cut where sources pass a multiple of 2^17 and stored segment-major, with 32-bit
 *             positions; sums in an array of their own; then one pass that applies them
 */
#ifndef GASKET_BENCH_KERNELS_H
#define GASKET_BENCH_KERNELS_H

#include "engine/graph.h"

typedef struct {
    uint32_t n;
    uint64_t *offset;    /* [n + 1] in-rows */
    uint32_t *neighbour; /* [offset[n]] */
    uint32_t *degree;    /* [n] out */

    unsigned n_segments;   /* segments only: */
    uint32_t *piece_first; /* [n_segments + 1] */
    uint32_t *piece_row;   /* [pieces] */
    uint32_t *piece_begin; /* [pieces + 1] into neighbour */

    double *rank, *sum; /* [n] */
    float *share, *next;
    double dangling;
} BenchKernel;

/* Copies a graph's rows of relation 0, by number or (permuted) by ordinal. */
BenchKernel *bench_kernel_new(const GasketGraph *graph, bool by_ordinal);

/* Stores a kernel's rows segment-major. */
void bench_kernel_cut(BenchKernel *kernel);

void bench_kernel_free(BenchKernel *kernel);

/* Sets every rank to 1/n. */
void bench_kernel_start(BenchKernel *kernel);

/* One step; returns the residual. */
double bench_kernel_plain(BenchKernel *kernel);
double bench_kernel_segments(BenchKernel *kernel);

#endif
