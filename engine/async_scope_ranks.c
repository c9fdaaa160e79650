/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scope's way from rank to rank: see async_scope.h for the states and why nobody waits for ever.
 *
 *   at its own rank                                    at rank r, as a guest
 *
 *   outgoing ──LOCK(id, cells)──────────────────────> claim on these cells, all to be held
 *   asked    <──GRANT(id), behind all changes ──────── granted: the receiver's ghosts are brought
 *      │       that the sender had for it              up to date before it
 *   ... the next rank; or ready, and run
 *   over     ──RELEASE(id)──────────────────────────> gone
 *
 * A cell that is held does not change. So what a GRANT found on the wire before it, in the order of
 * the channel, is what the scope reads when it runs.
 */
#include "engine/async_scope.h"

#include <string.h>

#include "engine/array.h"
#include "engine/async_net.h"

#define MAX_GUESTS 8192 /* of one peer: twice what it may have in scopes */

/* ---- where next ------------------------------------------------------------------------------ */

static unsigned
owner_of_cell(const GasketAsync *async, uint32_t cell, GasketScopeCell *ret_cell)
{
    unsigned k = 0, p = 0;

    while (cell - async->kinds[k].first_cell >= async->kinds[k].part->n_local)
        k++;
    const GasketPartKind *part = async->kinds[k].part;
    uint32_t ghost = cell - async->kinds[k].first_cell;
    while (ghost >= part->ghost_begin[p + 1])
        p++;
    *ret_cell = (GasketScopeCell){k, ghost - part->ghost_begin[p]};
    return p;
}

/* The least rank from `from` on that has cells of the scope; size: none has. */
static unsigned
next_rank(const GasketAsync *async, const GasketScope *scope, unsigned from)
{
    unsigned rank = async->run->part->rank, best = async->run->part->size;
    GasketScopeCell cell;

    if (rank >= from)
        best = rank;
    for (uint32_t i = 0; i < scope->n_remote; i++) {
        unsigned owner = owner_of_cell(async, scope->remote[i], &cell);
        if (owner >= from && owner < best)
            best = owner;
    }
    return best;
}

static void
put_on_list(GasketAsyncNet *net, GasketScope **list, GasketScope *scope)
{
    GasketScope **link = list;

    while (*link != NULL)
        link = &(*link)->next;
    scope->next = NULL;
    *link = scope;
    atomic_fetch_add(&net->n_lists, 1);
}

/* Goes on with the least rank from `from` on; ready if there is none. Locked. */
static void
go_on(GasketAsync *async, GasketScope *scope, unsigned from)
{
    scope->rank = next_rank(async, scope, from);
    scope->told = false;
    if (scope->rank == async->run->part->rank) {
        gasket_async_claim(&async->scopes, scope);
    } else if (scope->rank < async->run->part->size) {
        put_on_list(async->net, &async->net->outgoing, scope);
    } else {
        scope->next = async->scopes.ready;
        async->scopes.ready = scope;
        atomic_fetch_add(&async->scopes.n_todo, 1);
    }
}

void
gasket_async_scope_begin(GasketAsync *async, GasketScope *scope)
{
    if (async->net != NULL && scope->n_remote > 0) {
        scope->id = async->net->next_scope++;
        g_hash_table_insert(async->net->scopes, &scope->id, scope);
    }
    go_on(async, scope, 0);
}

void
gasket_async_scope_granted(GasketAsync *async, GasketScope *scope)
{
    if (scope->kind == NULL)
        put_on_list(async->net, &async->net->granted, scope);
    else
        go_on(async, scope, async->run->part->rank + 1);
}

void
gasket_async_scope_over(GasketAsync *async, GasketScope *scope)
{
    GasketAsyncScopes *scopes = &async->scopes;

    gasket_async_release_cells(async, scope);
    if (scope->n_remote == 0) {
        gasket_async_scope_free(scopes, scope);
        return;
    }
    pthread_mutex_lock(&scopes->lock);
    g_hash_table_remove(async->net->scopes, &scope->id);
    put_on_list(async->net, &async->net->over, scope);
    pthread_mutex_unlock(&scopes->lock);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Room for a message of n_bytes to a peer, which is counted; its bytes are at *ret_at. */
static bool
open_message(GasketAsync *async, unsigned p, uint32_t n_bytes, uint8_t **ret_at, GError **error)
{
    GasketAsyncPeer *peer = &async->net->peers[p];

    if (peer->scopes != NULL && peer->scopes->length + n_bytes > GASKET_BULK_BYTES)
        gasket_frame_queue_push_take(&peer->out, &peer->scopes);
    if (peer->scopes == NULL) {
        uint32_t room = MAX(GASKET_BULK_BYTES, n_bytes + (uint32_t)sizeof(GasketAsyncHeader));
        peer->scopes = gasket_async_frame_new(async, GASKET_ASYNC_SCOPES, 0, room, error);
        if (peer->scopes == NULL)
            return false;
        peer->scopes->length = sizeof(GasketAsyncHeader);
    }
    *ret_at = peer->scopes->payload + peer->scopes->length;
    peer->scopes->length += n_bytes;
    gasket_async_frame_header(peer->scopes)->count++;
    return true;
}

static bool
send_plain(GasketAsync *async, unsigned peer, uint64_t id, uint32_t type, GError **error)
{
    const GasketScopeMessage message = {.id = id, .type = type};
    uint8_t *at;

    if (!open_message(async, peer, sizeof message, &at, error))
        return false;
    memcpy(at, &message, sizeof message);
    return true;
}

static bool
send_lock(GasketAsync *async, GasketScope *scope, GError **error)
{
    GasketScopeMessage message = {.id = scope->id, .type = GASKET_SCOPE_LOCK};
    GasketScopeCell cell;
    uint8_t *at;

    for (uint32_t i = 0; i < scope->n_remote; i++)
        message.n_cells += owner_of_cell(async, scope->remote[i], &cell) == scope->rank;
    uint64_t bytes = sizeof message + (uint64_t)message.n_cells * sizeof cell;
    if (bytes > GASKET_FRAME_MAX - sizeof(GasketAsyncHeader)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a vertex has %u neighbours on one other worker, which are too many for edge "
                    "consistency",
                    message.n_cells);
        return false;
    }
    if (!open_message(async, scope->rank, (uint32_t)bytes, &at, error))
        return false;
    memcpy(at, &message, sizeof message);
    at += sizeof message;
    for (uint32_t i = 0; i < scope->n_remote; i++) {
        if (owner_of_cell(async, scope->remote[i], &cell) != scope->rank)
            continue;
        memcpy(at, &cell, sizeof cell);
        at += sizeof cell;
    }
    scope->told = true;
    return true;
}

/* Brings the peer's ghosts up to date, then grants. */
static bool
send_grant(GasketAsync *async, GasketScope *guest, GError **error)
{
    GasketAsyncPeer *peer = &async->net->peers[guest->rank];

    if (atomic_load_explicit(&peer->n_dirty, memory_order_acquire) > 0) {
        /* Grants that were written before go first: their changes were cut before them. */
        if (peer->scopes != NULL)
            gasket_frame_queue_push_take(&peer->out, &peer->scopes);
        if (!gasket_async_cut(async, guest->rank, false, error))
            return false;
    }
    guest->told = true;
    return send_plain(async, guest->rank, guest->id, GASKET_SCOPE_GRANT, error);
}

static bool
send_releases(GasketAsync *async, GasketScope *scope, GError **error)
{
    unsigned rank = async->run->part->rank;

    for (unsigned p = next_rank(async, scope, 0); p < async->run->part->size;
         p = next_rank(async, scope, p + 1))
        if (p != rank && !send_plain(async, p, scope->id, GASKET_SCOPE_RELEASE, error))
            return false;
    return true;
}

bool
gasket_async_send_scopes(GasketAsync *async, GError **error)
{
    GasketAsyncNet *net = async->net;
    bool ok = true;

    if (atomic_load(&net->n_lists) == 0)
        return true;
    pthread_mutex_lock(&async->scopes.lock);
    GasketScope *outgoing = g_steal_pointer(&net->outgoing);
    GasketScope *granted = g_steal_pointer(&net->granted);
    GasketScope *over = g_steal_pointer(&net->over);
    pthread_mutex_unlock(&async->scopes.lock);
    while (over != NULL) {
        GasketScope *scope = over;
        over = scope->next;
        ok = ok && send_releases(async, scope, error);
        gasket_async_scope_free(&async->scopes, scope);
        atomic_fetch_sub(&net->n_lists, 1);
    }
    for (; granted != NULL; granted = granted->next) {
        ok = ok && send_grant(async, granted, error);
        atomic_fetch_sub(&net->n_lists, 1);
    }
    while (outgoing != NULL) {
        GasketScope *scope = outgoing;
        outgoing = scope->next; /* an answer may put it on another list */
        ok = ok && send_lock(async, scope, error);
        atomic_fetch_sub(&net->n_lists, 1);
    }
    return ok;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* A guest's claim on what it asks for, which must be ghosts of its rank, ascending. */
static bool
take_lock(GasketAsync *async, unsigned p, const GasketScopeMessage *message, const uint8_t *bytes,
          GError **error)
{
    GasketAsyncPeer *peer = &async->net->peers[p];

    if (async->mode != GASKET_ASYNC_LOCKED || message->n_cells == 0 ||
        g_hash_table_size(peer->guests) >= MAX_GUESTS ||
        g_hash_table_contains(peer->guests, &message->id))
        return gasket_exchange_refuse(p, "a scope out of place", error);
    GasketScope *guest = gasket_async_scope_new(message->n_cells, error);
    if (guest == NULL)
        return false;
    guest->own = GASKET_NO_VERTEX;
    guest->rank = p;
    guest->id = message->id;
    g_hash_table_insert(peer->guests, &guest->id, guest);
    for (uint32_t i = 0; i < message->n_cells; i++) {
        GasketScopeCell cell;
        memcpy(&cell, bytes + i * sizeof cell, sizeof cell);
        if (cell.kind >= async->n_kinds)
            return gasket_exchange_refuse(p, "a scope of another kind of vertices", error);
        const GasketAsyncKind *kind = &async->kinds[cell.kind];
        uint64_t n = kind->part->send_begin[p + 1] - kind->part->send_begin[p];
        if (cell.position >= n)
            return gasket_exchange_refuse(p, "a scope of vertices that it does not read", error);
        guest->cells[i] =
            kind->first_cell + kind->part->send[kind->part->send_begin[p] + cell.position];
        if (i > 0 && guest->cells[i] <= guest->cells[i - 1])
            return gasket_exchange_refuse(p, "a scope out of order", error);
    }
    guest->n = message->n_cells;
    pthread_mutex_lock(&async->scopes.lock);
    gasket_async_claim(&async->scopes, guest);
    pthread_mutex_unlock(&async->scopes.lock);
    return true;
}

static bool
take_grant(GasketAsync *async, unsigned p, uint64_t id, GError **error)
{
    pthread_mutex_lock(&async->scopes.lock);
    GasketScope *scope = g_hash_table_lookup(async->net->scopes, &id);
    bool asked = scope != NULL && scope->rank == p && scope->told;
    if (asked)
        go_on(async, scope, p + 1);
    pthread_mutex_unlock(&async->scopes.lock);
    return asked || gasket_exchange_refuse(p, "a grant that nobody asked for", error);
}

static bool
take_release(GasketAsync *async, unsigned p, uint64_t id, GError **error)
{
    GasketAsyncPeer *peer = &async->net->peers[p];
    GasketScope *guest = g_hash_table_lookup(peer->guests, &id);

    if (guest == NULL || !guest->told)
        return gasket_exchange_refuse(p, "the release of what it was not granted", error);
    gasket_async_release_cells(async, guest);
    g_hash_table_remove(peer->guests, &id);
    return true;
}

bool
gasket_async_take_scopes(GasketAsync *async, unsigned peer, const uint8_t *body, uint32_t n_body,
                         uint32_t count, GError **error)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < count; i++) {
        GasketScopeMessage message;
        if (sizeof message > n_body - used)
            return gasket_exchange_refuse(peer, "scopes that are cut", error);
        memcpy(&message, body + used, sizeof message);
        used += (uint32_t)sizeof message;
        if (message.n_cells > (n_body - used) / sizeof(GasketScopeCell) ||
            (message.n_cells > 0 && message.type != GASKET_SCOPE_LOCK))
            return gasket_exchange_refuse(peer, "scopes that are cut", error);
        bool ok = false;
        if (message.type == GASKET_SCOPE_LOCK)
            ok = take_lock(async, peer, &message, body + used, error);
        else if (message.type == GASKET_SCOPE_GRANT)
            ok = take_grant(async, peer, message.id, error);
        else if (message.type == GASKET_SCOPE_RELEASE)
            ok = take_release(async, peer, message.id, error);
        else
            return gasket_exchange_refuse(peer, "scopes that are none", error);
        if (!ok)
            return false;
        used += message.n_cells * (uint32_t)sizeof(GasketScopeCell);
    }
    return used == n_body || gasket_exchange_refuse(peer, "more than scopes", error);
}
