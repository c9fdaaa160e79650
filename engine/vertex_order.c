/* SPDX-License-Identifier: Apache-2.0 */
/* Orders and sizes of vertices. See vertex_order.h. */
#include "engine/vertex_order.h"

#include "engine/array.h"
#include "engine/stale.h"

GasketVertex *
gasket_vertices_by_number(const GasketPartKind *kind, GError **error)
{
    GasketVertex *order = gasket_array_new(kind->n_owned, sizeof *order, error);
    uint32_t b = 0, i = kind->n_boundary;

    for (uint32_t k = 0; order != NULL && k < kind->n_owned; k++) {
        bool boundary =
            b < kind->n_boundary && (i == kind->n_owned || kind->number[b] < kind->number[i]);
        order[k] = boundary ? b++ : i++;
    }
    return order;
}

/* ---- refreshing ghosts ----------------------------------------------------------------------- */

typedef struct {
    const GasketValues *values;
    const uint64_t *changed;
    GasketUpdate *updates; /* [size] */
} Refresh;

static bool
refresh_produce(void *data, unsigned peer, GasketFrame **ret_frame, GError **error)
{
    Refresh *refresh = data;

    if (!gasket_ghosts_produce(refresh->values, refresh->changed, peer, &refresh->updates[peer],
                               ret_frame, error))
        return false;
    if (*ret_frame != NULL)
        return true;
    *ret_frame = gasket_round_frame_new_last(error);
    return *ret_frame != NULL;
}

static bool
refresh_consume(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
                uint32_t n_body, GError **error)
{
    Refresh *refresh = data;

    if (header->section == GASKET_SECTION_BLOB && header->last && n_body == 0)
        return true;
    if (header->section != GASKET_SECTION_VALUES || header->index != refresh->values->kind)
        return gasket_exchange_refuse(peer, "a frame out of place", error);
    return gasket_ghosts_consume(refresh->values, NULL, peer, header, body, n_body, error);
}

bool
gasket_values_refresh(GasketRun *run, const GasketValues *values, const uint64_t *changed,
                      GError **error)
{
    static const GasketRound round = {refresh_produce, refresh_consume};
    g_autofree GasketUpdate *updates = g_new0(GasketUpdate, run->part->size);
    Refresh refresh = {values, changed, updates};

    if (run->part->size == 1)
        return true;
    if (!gasket_stale_settle(run, error))
        return false;
    gasket_exchange_begin(run->exchange, &round, &refresh);
    return gasket_exchange_finish(run->exchange, error);
}

uint32_t *
gasket_vertex_sizes(GasketRun *run, unsigned kind, GasketVertexSize size, const void *parameters,
                    GError **error)
{
    const GasketPartKind *part = &run->part->kinds[kind];
    uint32_t *sizes = gasket_array_new(part->n_local, sizeof *sizes, error);
    if (sizes == NULL)
        return NULL;

    GasketContext context = *gasket_run_context(run, kind);
    context.parameters = parameters;
    for (GasketVertex v = 0; v < part->n_owned; v++) {
        size_t bytes = size(&context, v, run->kinds[kind].state);
        if (bytes > UINT32_MAX - 8) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "a value of %" G_GSIZE_FORMAT " bytes is too large", bytes);
            gasket_array_free(sizes);
            return NULL;
        }
        sizes[v] = (uint32_t)((bytes + 7) / 8 * 8);
    }
    GasketValues values = {.part = part,
                           .kind = kind,
                           .size = sizeof *sizes,
                           .bytes = (uint8_t *)sizes};
    if (!gasket_values_refresh(run, &values, NULL, error)) {
        gasket_array_free(sizes);
        return NULL;
    }
    return sizes;
}
