/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts by range: each kind is cut into runs of consecutive numbers with about equal work.
 *
 *   work    |--3--|-1-|---5---|-1-|--2--|     total W
 *   part       0    0     1     1    2        of the middle of each vertex's work
 *
 * A vertex goes where the middle of its work falls, so a part's work differs from W / parts by at
 * most half of its first and of its last vertex.
 *
 * Cost: O(V) time, no memory.
 */
#include "partition/methods.h"

void
gasket_partition_range(const GasketPartitionView *view, unsigned parts, uint32_t **part)
{
    for (unsigned k = 0; k < view->n_kinds; k++) {
        uint64_t total = gasket_partition_view_kind_work(view, k), before = 0;
        uint32_t n = gasket_partition_view_n(view, k);
        for (uint32_t x = 0; x < n; x++) {
            uint64_t work = gasket_partition_view_work(view, k, x);
            part[k][x] = (uint32_t)((2 * before + work) * parts / (2 * total));
            before += work;
        }
    }
}
