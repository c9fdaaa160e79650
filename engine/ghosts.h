/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates of ghosts: what crosses the wire when values change.
 *
 * Of a kind's N vertices that a peer reads, C changed. Positions are those in the peer's slice of
 * ghosts. An update takes the smallest of three encodings (values of s bytes):
 *
 *   dense     value value value ...                  (if all changed)    N s
 *   bitmap    a bit for each position, then the values of the set ones   N / 8 + C s
 *   sparse    (distance to the last position, value) ...                 C (s + 1 or 2)
 *
 * The distance is a varint: 7 bits a byte, low ones first. Each frame starts afresh (header.first,
 * header.count), so frames can be of any size. A value too long for a frame goes in fragments
 * (header.first: position, header.count: byte offset).
 */
#ifndef GASKET_ENGINE_GHOSTS_H
#define GASKET_ENGINE_GHOSTS_H

#include "engine/exchange.h"
#include "engine/part.h"

/* ORDER gasket_encoding */
typedef enum {
    GASKET_ENCODING_DENSE,
    GASKET_ENCODING_BITMAP,
    GASKET_ENCODING_SPARSE,
    GASKET_ENCODING_FRAGMENT,
} GasketEncoding;

/* Values of a kind and their layout. */
typedef struct {
    const GasketPartKind *part;
    unsigned kind;
    size_t size;           /* bytes each; 0 where they vary */
    const uint64_t *begin; /* [n_local + 1] where they vary */
    uint8_t *bytes;        /* [n_local] values */
} GasketValues;

/* How far one peer's update is. Zeroed: at its start. */
typedef struct {
    bool chosen;
    uint8_t encoding;
    uint32_t position; /* next to look at */
    uint32_t offset;   /* bytes of the value at position that went in fragments */
} GasketUpdate;

/* The next frame of the update of peer: values of the vertices in changed (bits by owned vertex;
 * NULL: all). *ret_frame NULL: the update is complete. */
bool gasket_ghosts_produce(const GasketValues *values, const uint64_t *changed, unsigned peer,
                           GasketUpdate *update, GasketFrame **ret_frame, GError **error);

/* Takes a frame into the values, and marks what it changed in changed_ghosts (bits by vertex -
 * n_owned; may be NULL). Everything is checked: PROTOCOL. */
bool gasket_ghosts_consume(const GasketValues *values, uint64_t *changed_ghosts, unsigned peer,
                           const GasketRoundHeader *header, const uint8_t *body, uint32_t n_body,
                           GError **error);

#endif
