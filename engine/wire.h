/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine says over a transport: frame types and the header of round frames.
 *
 * All fields are little-endian; the handshake refuses a host of the other order, so structs go
 * over the wire as they stand.
 */
#ifndef GASKET_ENGINE_WIRE_H
#define GASKET_ENGINE_WIRE_H

#include <gasket/types.h>

G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN);

/* ORDER gasket_wire_type */
typedef enum {
    GASKET_WIRE_STREAM = 1,  /* bytes of a stream: parts and the loader's report (stream.h) */
    GASKET_WIRE_ROUND,       /* a frame of a round among all ranks (exchange.h) */
    GASKET_WIRE_RESULT,      /* rows of the result, rank -> 0 (results.c) */
    GASKET_WIRE_RESULT_MORE, /* request for the next GASKET_WIRE_RESULT, 0 -> rank */
    GASKET_WIRE_WORKER,      /* a worker's figures at its end, rank -> 0 */
    GASKET_WIRE_ASYNC,       /* of an asynchronous run, rank -> rank (async_net.h) */
    GASKET_WIRE_TERMINATION, /* a GasketTerminationMessage, on the control channel */
} GasketWireType;

/* What a round frame holds. ORDER gasket_section */
typedef enum {
    GASKET_SECTION_VALUES = 1, /* index: kind; values of ghosts (ghosts.c) */
    GASKET_SECTION_EDGES,      /* index: 2 * relation + direction; edge values (edge_values.c) */
    GASKET_SECTION_TOTALS,     /* aggregates and counters (totals.c) */
    GASKET_SECTION_NUMBERS,    /* index: kind; vertex numbers that the sender reads (subscribe.c) */
    GASKET_SECTION_BLOB,       /* a few bytes for everybody (exchange.c) */
    GASKET_SECTION_GRANT,      /* index: kind; a lease's vertices (lease.c) */
    GASKET_SECTION_MAXIMA,     /* index: kind; maxima that go home (ghosts_raise.c) */
} GasketSection;

/* The start of every GASKET_WIRE_ROUND payload. */
typedef struct {
    uint64_t round;   /* the sender's round: both ends count alike */
    uint8_t section;  /* GasketSection */
    uint8_t encoding; /* of GASKET_SECTION_VALUES (ghosts.c) */
    uint8_t last;     /* 1: the sender's last frame of this round */
    uint8_t flags;
    uint32_t index;
    uint32_t first; /* position of the first element */
    uint32_t count; /* elements */
} GasketRoundHeader;

G_STATIC_ASSERT(sizeof(GasketRoundHeader) == 24);

/* What a frame of an asynchronous run holds. ORDER gasket_async_section */
typedef enum {
    GASKET_ASYNC_VALUES = 1, /* index: kind; of vertices that changed (async_send.c) */
    GASKET_ASYNC_EDGES,      /* index: 2 * relation + direction; edge values (async_send.c) */
    GASKET_ASYNC_SCOPES,     /* GasketScopeMessages with their cells (async_scope_ranks.c) */
} GasketAsyncSection;

/* The start of every GASKET_WIRE_ASYNC payload. */
typedef struct {
    uint32_t section; /* GasketAsyncSection */
    uint32_t index;
    uint32_t count; /* elements; of scopes, messages */
} GasketAsyncHeader;

/* ORDER gasket_scope_message */
typedef enum {
    GASKET_SCOPE_LOCK = 1, /* may the sender's scope have these cells? They follow */
    GASKET_SCOPE_GRANT,    /* it has them, and their values have been sent */
    GASKET_SCOPE_RELEASE,  /* it has run */
} GasketScopeMessageType;

typedef struct {
    uint64_t id;
    uint32_t type;    /* GasketScopeMessageType */
    uint32_t n_cells; /* of LOCK: GasketScopeCells behind it */
} GasketScopeMessage;

/* A ghost of the sender: its kind, and its position among those of the receiver. */
typedef struct {
    uint32_t kind, position;
} GasketScopeCell;

/* Payload of a bulk frame: large enough that TLS and calls cost little, small enough that a
 * frame's worth of buffer per peer is nothing. */
#define GASKET_BULK_BYTES (128u << 10)

#endif
