/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a rank's file that its writer and its reader share; drawn in snapshot_data.h. */
#ifndef GASKET_ENGINE_SNAPSHOT_FORMAT_H
#define GASKET_ENGINE_SNAPSHOT_FORMAT_H

#include "engine/run_private.h"

#define GASKET_SNAPSHOT_MAGIC      "GASKETSN"
#define GASKET_SNAPSHOT_FORMAT     1
#define GASKET_SNAPSHOT_BYTE_ORDER 0x01020304u

typedef struct {
    char magic[8];
    uint32_t format, byte_order, rank, n_ranks;
} GasketSnapshotHead;

/* ORDER gasket_snapshot_section */
typedef enum {
    GASKET_SNAPSHOT_RUN = 1,
    GASKET_SNAPSHOT_KIND,
    GASKET_SNAPSHOT_ROWS,
    GASKET_SNAPSHOT_ARRAY,
} GasketSnapshotSection;

typedef struct {
    uint32_t type;  /* GasketSnapshotSection */
    uint32_t index; /* kind, 2 * relation + direction, or kept array */
    uint64_t n;     /* vertices; kinds, in RUN */
    uint64_t bytes; /* that follow, up to the next section */
} GasketSnapshotSectionHead;

/* The start of RUN; then counters [n kinds], totals [n_totals], sizes and bytes of what is kept. */
typedef struct {
    uint64_t step, iteration, n_woken;
    uint32_t n_totals, n_kept;
} GasketSnapshotRun;

typedef struct {
    uint64_t n_changed, changed_degree;
    uint32_t all_changed, all_active;
} GasketSnapshotCounters;

/* Of vertex v in a kept array. */
static inline uint32_t
gasket_kept_length(const GasketKeptArray *array, GasketVertex v)
{
    return array->begin != NULL ? (uint32_t)(array->begin[v + 1] - array->begin[v]) : 1;
}

static inline uint8_t *
gasket_kept_elements(const GasketKeptArray *array, GasketVertex v)
{
    return array->data + (array->begin != NULL ? array->begin[v] : v) * array->size;
}

#endif
