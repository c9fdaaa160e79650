/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts over the wire: the loader cuts a graph and streams each part to its rank, so that no rank
 * ever holds the whole.
 *
 *   loader                                  rank r
 *   gasket_parts_send ──── stream ────────> gasket_part_receive
 *                                           gasket_part_subscribe with every other rank: each tells
 *                                           each owner which vertices it reads
 */
#ifndef GASKET_ENGINE_PART_WIRE_H
#define GASKET_ENGINE_PART_WIRE_H

#include "engine/exchange.h"
#include "engine/part.h"
#include "engine/stream.h"

/* Sends every rank 0 .. size - 1 its part of graph. owner: [n_kinds][n_vertices] by number, each
 * < size. streams: [size]. O(E + size V); 9 bytes a vertex beside the graph. */
bool gasket_parts_send(const GasketGraph *graph, uint32_t *const *owner,
                       const GasketPartExtras *extras, GasketStream *streams, unsigned size,
                       GError **error);

/* Receives this rank's part. Sizes and ranges are checked: PROTOCOL. */
GasketPart *gasket_part_receive(GasketStream *stream, unsigned rank, unsigned size, GError **error);

/* [all ranks] Fills the lists of what is to be sent, and checks the part. */
bool gasket_part_subscribe(GasketPart *part, GasketExchange *exchange, GError **error);

#endif
