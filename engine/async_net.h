/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an asynchronous run says to other workers, and when its phases end.
 *
 *   compute threads                     thread 0                                   network
 *   note ──> dirty bits, weights ──cut──> VALUES, EDGES ──┐
 *   scopes ──> outgoing, granted, over ──> SCOPES ────────┴─> out ──try_send──> bulk
 *   wake <── values, ghosts' versions <──take──────────────────────────────────── bulk
 *                                        termination <──────────────────────────> control
 *
 * Newest value wins: a change sets a bit for each peer that has the vertex as a ghost; the value is
 * read when a frame is cut. So what waits for a slow peer is one bit and one byte for each vertex
 * that it reads, and no more however often it changes. A frame for a peer is cut once there is
 * enough for one, a millisecond after the first change, or at once when this worker has nothing
 * else to do; never while the peer's last frame is still refused. So `out` holds at most one value
 * for each vertex that the peer reads, and what scopes say. While a link is refusing frames the
 * largest changes go first, a frame at a time.
 *
 * An element of VALUES or EDGES: the distance to the last position (varint), a byte (0: wakes
 * nobody; else the bucket of the priority, and one), the value's version if a history is kept
 * (history.h), the value.
 *
 * A phase's end (termination.h): quiet, or one worker asks all to cease. At the verdict no frame of
 * the run is on its way; what a peer sends after it is of a round and is put back for that.
 */
#ifndef GASKET_ENGINE_ASYNC_NET_H
#define GASKET_ENGINE_ASYNC_NET_H

#include "engine/async.h"
#include "engine/termination.h"
#include "engine/transport_queue.h"

/* Where a boundary vertex's changes are noted. */
typedef struct {
    uint32_t peer, index; /* index in the kind's send, which is also the bit's */
} GasketAsyncReader;

/* Changes that peers have not been told of: of a kind's values, or of the values of a row set's
 * edges. */
typedef struct {
    uint64_t n;      /* bits */
    uint64_t *dirty; /* bits; NULL: none of the kind */
    uint8_t *weight; /* [n] bucket and one, the largest since the value was sent; 0: no wake */
    const uint64_t *begin; /* [size + 1] bits of each peer */
    uint64_t base;         /* first of them */
} GasketAsyncChanges;

typedef struct {
    GasketFrameQueue out; /* refused, or waiting behind a refused one */
    GasketFrameQueue control;
    GasketFrame *scopes; /* being filled */
    _Atomic uint64_t n_dirty;
    int64_t dirty_since_us; /* -1: nothing was dirty at the last look */
    bool slow;              /* it refused a frame since the last one was cut */
    bool ended;             /* it has gone on to the next round */
    GHashTable *guests;     /* its scopes here, by id */
} GasketAsyncPeer;

struct GasketAsyncNet {
    GasketTransport *transport;
    GasketTermination termination;
    uint64_t enough;             /* changes for a frame: the largest values fill it */
    GasketAsyncPeer *peers;      /* [size] */
    GasketAsyncChanges *values;  /* [n_kinds] */
    GasketAsyncChanges *edges;   /* [2 * n_relations] by the rows where they are read */
    uint64_t **reader_begin;     /* [n_kinds][n_boundary + 1] */
    GasketAsyncReader **readers; /* [n_kinds] */
    uint64_t **remote;           /* [n_kinds] bits: vertices whose rows name ghosts */
    GHashTable *scopes;          /* this rank's scopes that others know, by id; under their lock */
    uint64_t next_scope;
    GasketScope *outgoing;    /* to ask their rank for cells; under their lock, as the next two */
    GasketScope *granted;     /* guests to be told */
    GasketScope *over;        /* to be released at all ranks */
    _Atomic uint64_t n_lists; /* scopes in them */
};

/* Before the first phase. NULL and no error with one worker. */
bool gasket_async_net_init(GasketAsync *async, GError **error);
void gasket_async_net_clear(GasketAsync *async);

/* Around a phase. */
void gasket_async_net_begin(GasketAsync *async);

/* Sends and receives what there is; never blocks. Thread 0. */
bool gasket_async_net_attend(GasketAsync *async, GError **error);

/* Whether the phase has ended here, and all that this rank had to say of it is said. */
bool gasket_async_net_is_over(const GasketAsync *async);

/* Waits for the network, at most timeout_us. */
bool gasket_async_net_wait(GasketAsync *async, int64_t timeout_us, GError **error);

/* async_send.c: notes that an owned vertex's value, or the edge values that it writes, changed. */
void gasket_async_note_value(GasketAsync *async, const GasketAsyncKind *kind, GasketVertex v,
                             unsigned bucket);
void gasket_async_note_edges(GasketAsync *async, const GasketAsyncKind *kind,
                             const GasketRows *rows, size_t r);
void gasket_async_note_wake(GasketAsync *async, uint32_t index, uint64_t slot, unsigned bucket);

/* Cuts frames of all changes that a peer has not been told of, into its queue. largest_first: at
 * most one frame of each sort, of the largest changes. */
bool gasket_async_cut(GasketAsync *async, unsigned peer, bool largest_first, GError **error);

/* async_take.c: takes a frame into ghosts, edge values or scopes. Everything is checked. */
bool gasket_async_take(GasketAsync *async, unsigned peer, const GasketFrame *frame, GError **error);

/* async_scope_ranks.c: takes SCOPES; sends what scopes have to say. */
bool gasket_async_take_scopes(GasketAsync *async, unsigned peer, const uint8_t *body,
                              uint32_t n_body, uint32_t count, GError **error);
bool gasket_async_send_scopes(GasketAsync *async, GError **error);

/* A frame of an asynchronous run; counts it as sent. */
GasketFrame *gasket_async_frame_new(GasketAsync *async, GasketAsyncSection section, uint32_t index,
                                    uint32_t n_body, GError **error);

static inline GasketAsyncHeader *
gasket_async_frame_header(GasketFrame *frame)
{
    return (GasketAsyncHeader *)(void *)frame->payload;
}

#endif
