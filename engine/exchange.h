/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds: every rank sends to every other rank, and each has everything before any goes on.
 *
 *   begin ──pump──> sending and receiving ──finish──> done
 *
 * A round has a producer that is asked for the next frame for a peer whenever its queue has room,
 * and a consumer that is given each frame as it arrives. pump never blocks, so that compute
 * threads' work goes on meanwhile; finish blocks until every peer's last frame was sent and every
 * peer's last frame has come. Since a rank keeps receiving while its own sending is refused, full
 * queues cannot deadlock.
 *
 * A peer may be one round ahead: its frames stay in the transport's queue until this rank begins
 * that round, because a peer's frames are taken only up to its last one.
 *
 * Rounds may lag (stale.h): then finish waits for each peer's last frame of an earlier round only,
 * and frames of peers that are ahead are taken as they come. Rounds that lag together have a tag;
 * a frame with another one stays until its own round begins.
 */
#ifndef GASKET_ENGINE_EXCHANGE_H
#define GASKET_ENGINE_EXCHANGE_H

#include "engine/transport.h"
#include "engine/wire.h"

typedef struct {
    /* The next frame for peer, its payload starting with a GasketRoundHeader whose `last` says
     * whether it ends the round (round is filled in by the exchange). *ret_frame NULL: not ready
     * yet, ask again. Never asked again after the last. */
    bool (*produce)(void *data, unsigned peer, GasketFrame **ret_frame, GError **error);

    /* Takes what peer sent. header is the frame's, body the rest. Must check every field. */
    bool (*consume)(void *data, unsigned peer, const GasketRoundHeader *header, const uint8_t *body,
                    uint32_t n_body, GError **error);
} GasketRound;

typedef struct GasketExchange GasketExchange;

/* Rounds among ranks 0 .. n_ranks - 1 of a transport (which may have more members; NULL if there
 * is one rank). */
GasketExchange *gasket_exchange_new(GasketTransport *transport, unsigned rank, unsigned n_ranks);
void gasket_exchange_free(GasketExchange *exchange);

void gasket_exchange_begin(GasketExchange *exchange, const GasketRound *round, void *data);
bool gasket_exchange_pump(GasketExchange *exchange, GError **error);
bool gasket_exchange_finish(GasketExchange *exchange, GError **error);

/* Begins a round of those with the same tag (not 0), in which a peer may be up to lag rounds ahead
 * or behind; the handlers and data stand until the next round begins. finish_until waits until all
 * of this round is sent and everything of rounds up to `round` is received; finish: of all. Every
 * rank must finish the last round of a tag before it begins one of another, or an ordinary one. */
void gasket_exchange_begin_lagging(GasketExchange *exchange, const GasketRound *round, void *data,
                                   uint8_t tag, unsigned lag);
bool gasket_exchange_finish_until(GasketExchange *exchange, uint64_t round, GError **error);

/* Rounds begun so far: the number of the one under way. */
uint64_t gasket_exchange_round(const GasketExchange *exchange);

/* Gives back a frame that was received between rounds and is of the next one. Nothing more may be
 * received from that peer before. */
void gasket_exchange_put_back_take(GasketExchange *exchange, unsigned peer, GasketFrame **frame);

/* Microseconds spent waiting in finish so far. */
int64_t gasket_exchange_waited_us(const GasketExchange *exchange);

unsigned gasket_exchange_rank(const GasketExchange *exchange);
unsigned gasket_exchange_size(const GasketExchange *exchange);
GasketTransport *gasket_exchange_transport(const GasketExchange *exchange);

/* A frame of a round with n_body bytes behind its header, which is zeroed but for section. */
GasketFrame *gasket_round_frame_new(GasketSection section, uint32_t n_body, GError **error);

/* An empty frame that ends a peer's share of a round. */
GasketFrame *gasket_round_frame_new_last(GError **error);

static inline GasketRoundHeader *
gasket_round_frame_header(GasketFrame *frame)
{
    return (GasketRoundHeader *)(void *)frame->payload;
}

static inline uint8_t *
gasket_round_frame_body(GasketFrame *frame)
{
    return frame->payload + sizeof(GasketRoundHeader);
}

/* A whole round: gives size bytes of this rank to all; all [n_ranks * size] holds every rank's. */
bool gasket_exchange_all(GasketExchange *exchange, const void *mine, size_t size, void *all,
                         GError **error);

/* PROTOCOL error: rank PEER sent WHAT. Returns false. */
bool gasket_exchange_refuse(unsigned peer, const char *what, GError **error);

#endif
