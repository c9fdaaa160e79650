/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The methods and the measure, for partition.c alone. Each method fills part ([n_kinds] arrays by
 * number) with parts 0 .. parts - 1; what part holds after a failure does not matter.
 */
#ifndef GASKET_PARTITION_METHODS_H
#define GASKET_PARTITION_METHODS_H

#include "partition/view.h"

/* ret_peak_bytes: largest resident size of the child process. */
bool gasket_partition_metis(const GasketPartitionView *view, const GasketPartitionOptions *options,
                            uint32_t **part, uint64_t *ret_peak_bytes, GError **error);

bool gasket_partition_streaming(const GasketPartitionView *view, unsigned parts, uint32_t **part,
                                GError **error);

void gasket_partition_hash(const GasketPartitionView *view, const GasketPartitionOptions *options,
                           uint32_t **part);

void gasket_partition_range(const GasketPartitionView *view, unsigned parts, uint32_t **part);

bool gasket_partition_file(const GasketPartitionView *view, const GasketPartitionOptions *options,
                           uint32_t **part, GError **error);

/* Edges (each once) whose ends have different parts. O(E). */
uint64_t gasket_partition_cut(const GasketPartitionView *view, uint32_t *const *part);

/* Fills everything below peak_bytes from parts, n_kinds and part. */
bool gasket_partition_measure(GasketPartition *partition, const GasketPartitionView *view,
                              unsigned threads, GError **error);

#endif
