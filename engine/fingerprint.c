/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A number for a whole graph that no placement changes: each vertex and each row is hashed by its
 * owner, by global numbers, and the hashes are added up, which no order of them changes.
 */
#include <xxhash.h>

#include "engine/snapshot_data.h"

#define AT_ONCE 512 /* neighbours */

/* Hashes the elements of columns that belong to vertex or entry x. */
static void
hash_columns(XXH3_state_t *state, const GasketColumnData *columns, unsigned n, uint64_t x)
{
    for (unsigned c = 0; c < n; c++) {
        const GasketColumnData *column = &columns[c];
        size_t size = gasket_type_size(column->type);
        uint64_t first = column->begin != NULL ? column->begin[x] : x * column->length;
        uint64_t count = column->begin != NULL ? column->begin[x + 1] - first : column->length;
        (void)XXH3_64bits_update(state, (const uint8_t *)column->data + first * size,
                                 (size_t)(count * size));
    }
}

static uint64_t
hash_vertex(XXH3_state_t *state, const GasketPartKind *kind, unsigned k, GasketVertex v)
{
    const GasketIds *ids = &kind->ids;
    uint32_t head[3] = {k, kind->number[v], kind->ordinal[v]};

    (void)XXH3_64bits_reset(state);
    (void)XXH3_64bits_update(state, head, sizeof head);
    if (ids->integer != NULL)
        (void)XXH3_64bits_update(state, &ids->integer[v], sizeof *ids->integer);
    else
        (void)XXH3_64bits_update(state, ids->text + ids->text_begin[v],
                                 (size_t)(ids->text_begin[v + 1] - ids->text_begin[v]));
    hash_columns(state, kind->columns, kind->n_columns, v);
    return XXH3_64bits_digest(state);
}

static uint64_t
hash_row(XXH3_state_t *state, const GasketPart *part, unsigned r, GasketDirection d, GasketVertex v)
{
    const GasketPartRelation *relation = &part->relations[r];
    const GasketPartRows *rows = &relation->rows[d];
    const uint32_t *own = part->kinds[gasket_part_row_kind(relation, d)].number;
    const uint32_t *number = part->kinds[gasket_part_neighbour_kind(relation, d)].number;
    uint32_t head[2] = {2 * r + d, own[v]}, numbers[AT_ONCE];

    (void)XXH3_64bits_reset(state);
    (void)XXH3_64bits_update(state, head, sizeof head);
    for (uint64_t e = rows->offset[v], n; e < rows->offset[v + 1]; e += n) {
        n = MIN(rows->offset[v + 1] - e, AT_ONCE);
        for (uint64_t i = 0; i < n; i++)
            numbers[i] = number[rows->neighbour[e + i]];
        (void)XXH3_64bits_update(state, numbers, (size_t)n * sizeof *numbers);
    }
    for (uint64_t e = rows->offset[v]; e < rows->offset[v + 1]; e++)
        hash_columns(state, rows->columns, relation->n_columns, e);
    return XXH3_64bits_digest(state);
}

bool
gasket_run_fingerprint(GasketRun *run, uint64_t *ret_fingerprint, GError **error)
{
    const GasketPart *part = run->part;
    g_autofree uint64_t *all = g_new0(uint64_t, part->size);
    XXH3_state_t *state = XXH3_createState();
    uint64_t own = 0, total = 0;

    if (state == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for a fingerprint");
        return false;
    }
    for (unsigned k = 0; k < part->n_kinds; k++)
        for (uint32_t v = 0; v < part->kinds[k].n_owned; v++)
            own += hash_vertex(state, &part->kinds[k], k, v);
    for (unsigned i = 0; i < 2 * part->n_relations; i++) {
        const GasketPartRelation *relation = &part->relations[i / 2];
        GasketDirection d = (GasketDirection)(i % 2);
        uint32_t n = part->kinds[gasket_part_row_kind(relation, d)].n_owned;
        for (uint32_t v = 0; relation->rows[d].standing && v < n; v++)
            own += hash_row(state, part, i / 2, d, v);
    }
    XXH3_freeState(state);
    if (!gasket_exchange_all(run->exchange, &own, sizeof own, all, error))
        return false;
    for (unsigned p = 0; p < part->size; p++)
        total += all[p];
    *ret_fingerprint = total;
    return true;
}
