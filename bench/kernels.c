/* SPDX-License-Identifier: Apache-2.0 */
/* Hand-written PageRank steps. See kernels.h. */
#include "bench/kernels.h"

#include <math.h>
#include <string.h>

#include "bench/common.h"
#include "engine/array.h"

#define DAMPING        0.85
#define SEGMENT_VALUES (1u << 17)

static void *
array(uint64_t n, size_t size)
{
    GError *error = NULL;
    void *new = gasket_array_new(n, size, &error);
    bench_check(new != NULL, error);
    return new;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* The transpose of rows, each ascending; map: what a row or neighbour is called in the result. */
static void
transpose(uint32_t n, const uint64_t *offset, const uint32_t *neighbour, const uint32_t *row_at,
          const uint32_t *map, uint64_t **ret_offset, uint32_t **ret_neighbour)
{
    uint64_t *begin = array((uint64_t)n + 2, sizeof *begin);
    uint32_t *other = array(offset[n], sizeof *other);

    for (uint64_t e = 0; e < offset[n]; e++)
        begin[(map ? map[neighbour[e]] : neighbour[e]) + 2]++;
    for (uint32_t v = 0; v < n; v++)
        begin[v + 2] += begin[v + 1];
    for (uint32_t x = 0; x < n; x++) {
        uint32_t row = row_at ? row_at[x] : x;
        for (uint64_t e = offset[row]; e < offset[row + 1]; e++)
            other[begin[(map ? map[neighbour[e]] : neighbour[e]) + 1]++] = x;
    }
    *ret_offset = begin;
    *ret_neighbour = other;
}

BenchKernel *
bench_kernel_new(const GasketGraph *graph, bool by_ordinal)
{
    BenchKernel *kernel = g_new0(BenchKernel, 1);
    const GasketGraphRows *rows = gasket_graph_rows(graph, 0, GASKET_IN);
    const uint32_t *ordinal = by_ordinal ? graph->kinds[0].ordinal : NULL;
    uint32_t n = kernel->n = graph->kinds[0].n_vertices;
    uint32_t *at = NULL;
    uint64_t *out_offset;
    uint32_t *out;

    if (ordinal != NULL) {
        at = array(n, sizeof *at);
        for (uint32_t v = 0; v < n; v++)
            at[ordinal[v]] = v;
    }
    transpose(n, rows->offset, rows->neighbour, at, ordinal, &out_offset, &out);
    transpose(n, out_offset, out, NULL, NULL, &kernel->offset, &kernel->neighbour);
    gasket_array_free(at);

    kernel->degree = array(n, sizeof *kernel->degree);
    for (uint32_t v = 0; v < n; v++)
        kernel->degree[v] = (uint32_t)(out_offset[v + 1] - out_offset[v]);
    gasket_array_free(out_offset);
    gasket_array_free(out);
    kernel->rank = array(n, sizeof *kernel->rank);
    kernel->sum = array(n, sizeof *kernel->sum);
    kernel->share = array(n, sizeof *kernel->share);
    kernel->next = array(n, sizeof *kernel->next);
    return kernel;
}

void
bench_kernel_cut(BenchKernel *kernel)
{
    unsigned n_segments = kernel->n / SEGMENT_VALUES + 1;
    uint64_t n_entries = kernel->offset[kernel->n];
    uint64_t *next = array(n_segments + 1, sizeof *next);
    uint32_t *first = array(n_segments + 2, sizeof *first);
    uint32_t *cut = array(n_entries, sizeof *cut);

    g_assert(n_entries <= UINT32_MAX);
    for (uint32_t v = 0; v < kernel->n; v++) {
        unsigned before = n_segments;
        for (uint64_t e = kernel->offset[v]; e < kernel->offset[v + 1]; e++) {
            unsigned s = kernel->neighbour[e] / SEGMENT_VALUES;
            next[s + 1]++;
            first[s + 2] += s != before;
            before = s;
        }
    }
    for (unsigned s = 0; s < n_segments; s++) {
        next[s + 1] += next[s];
        first[s + 2] += first[s + 1];
    }
    kernel->piece_row = array(first[n_segments + 1], sizeof(uint32_t));
    kernel->piece_begin = array((uint64_t)first[n_segments + 1] + 1, sizeof(uint32_t));
    for (uint32_t v = 0; v < kernel->n; v++) {
        unsigned before = n_segments;
        for (uint64_t e = kernel->offset[v]; e < kernel->offset[v + 1]; e++) {
            unsigned s = kernel->neighbour[e] / SEGMENT_VALUES;
            if (s != before) {
                kernel->piece_row[first[s + 1]] = v;
                kernel->piece_begin[first[s + 1]++] = (uint32_t)next[s];
                before = s;
            }
            cut[next[s]++] = kernel->neighbour[e];
        }
    }
    kernel->piece_begin[first[n_segments]] = (uint32_t)n_entries;
    kernel->n_segments = n_segments;
    kernel->piece_first = first;
    gasket_array_free(kernel->neighbour);
    kernel->neighbour = cut;
    gasket_array_free(next);
}

void
bench_kernel_free(BenchKernel *kernel)
{
    if (kernel == NULL)
        return;
    void *const arrays[] = {kernel->offset,    kernel->neighbour,   kernel->degree,
                            kernel->piece_row, kernel->piece_begin, kernel->piece_first,
                            kernel->rank,      kernel->sum,         kernel->share,
                            kernel->next};
    for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
        gasket_array_free(arrays[i]);
    g_free(kernel);
}

/* ---- steps ----------------------------------------------------------------------------------- */

void
bench_kernel_start(BenchKernel *kernel)
{
    kernel->dangling = 0;
    for (uint32_t v = 0; v < kernel->n; v++) {
        double rank = 1.0 / kernel->n;
        uint32_t degree = kernel->degree[v];
        kernel->rank[v] = rank;
        kernel->share[v] = degree > 0 ? (float)(rank / degree) : 0;
        kernel->dangling += degree > 0 ? 0 : rank;
    }
}

static void
swap_shares(BenchKernel *kernel, double dangling)
{
    float *share = kernel->share;
    kernel->share = kernel->next;
    kernel->next = share;
    kernel->dangling = dangling;
}

double
bench_kernel_plain(BenchKernel *kernel)
{
    const double even = ((1 - DAMPING) + DAMPING * kernel->dangling) / kernel->n;
    const uint64_t *offset = kernel->offset;
    const uint32_t *neighbour = kernel->neighbour, *degree = kernel->degree;
    const float *share = kernel->share;
    float *next = kernel->next;
    double *rank = kernel->rank;
    double residual = 0, dangling = 0;

    for (uint32_t v = 0; v < kernel->n; v++) {
        double total = 0;
        for (uint64_t e = offset[v]; e < offset[v + 1]; e++)
            total += share[neighbour[e]];
        double new_rank = even + DAMPING * total;
        residual += fabs(new_rank - rank[v]);
        rank[v] = new_rank;
        if (degree[v] > 0)
            next[v] = (float)(new_rank / degree[v]);
        else
            dangling += new_rank;
    }
    swap_shares(kernel, dangling);
    return residual;
}

double
bench_kernel_segments(BenchKernel *kernel)
{
    const double even = ((1 - DAMPING) + DAMPING * kernel->dangling) / kernel->n;
    const uint32_t *begin = kernel->piece_begin, *row = kernel->piece_row;
    const uint32_t *neighbour = kernel->neighbour, *degree = kernel->degree;
    const float *share = kernel->share;
    float *next = kernel->next;
    double *rank = kernel->rank, *sum = kernel->sum;
    double residual = 0, dangling = 0;

    memset(sum, 0, kernel->n * sizeof *sum);
    for (unsigned s = 0; s < kernel->n_segments; s++) {
        for (uint32_t i = kernel->piece_first[s]; i < kernel->piece_first[s + 1]; i++) {
            double total = sum[row[i]];
            for (uint32_t e = begin[i]; e < begin[i + 1]; e++)
                total += share[neighbour[e]];
            sum[row[i]] = total;
        }
    }
    for (uint32_t v = 0; v < kernel->n; v++) {
        double new_rank = even + DAMPING * sum[v];
        residual += fabs(new_rank - rank[v]);
        rank[v] = new_rank;
        if (degree[v] > 0)
            next[v] = (float)(new_rank / degree[v]);
        else
            dangling += new_rank;
    }
    swap_shares(kernel, dangling);
    return residual;
}
