/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of transport.h: each checks what its caller owes and goes to the implementation.
 *
 * How: the two that wait are loops over the others, so that an implementation needs no blocking
 * function but `wait`.
 *
 * Invariants that an implementation can rely on:
 *   1. peer < size and peer != rank; channel is one of the two.
 *   2. A frame handed over has a type of 1 .. GASKET_FRAME_TYPE_MAX and at most GASKET_FRAME_MAX
 *      bytes.
 */
#include "engine/transport.h"

#include "engine/transport_frame.h"

bool
gasket_transport_try_send(GasketTransport *transport, unsigned peer, GasketChannel channel,
                          GasketFrame **frame, bool *ret_sent, GError **error)
{
    g_assert(peer < transport->size && peer != transport->rank && channel < GASKET_N_CHANNELS);
    g_assert((*frame)->type >= 1 && (*frame)->type <= GASKET_FRAME_TYPE_MAX);
    g_assert((*frame)->length <= GASKET_FRAME_MAX);
    return transport->class->try_send(transport, peer, channel, frame, ret_sent, error);
}

bool
gasket_transport_receive(GasketTransport *transport, unsigned peer, GasketChannel channel,
                         GasketFrame **ret_frame, GError **error)
{
    g_assert(peer < transport->size && peer != transport->rank && channel < GASKET_N_CHANNELS);
    return transport->class->receive(transport, peer, channel, ret_frame, error);
}

bool
gasket_transport_has_left(GasketTransport *transport, unsigned peer)
{
    g_assert(peer < transport->size && peer != transport->rank);
    return transport->class->has_left(transport, peer);
}

bool
gasket_transport_wait(GasketTransport *transport, int64_t timeout_us, GError **error)
{
    return transport->class->wait(transport, timeout_us, error);
}

bool
gasket_transport_leave(GasketTransport *transport, GError **error)
{
    return transport->class->leave(transport, error);
}

void
gasket_transport_give_up(GasketTransport *transport, const GError *why)
{
    if (transport->class->give_up != NULL &&
        g_error_matches(why, GASKET_ERROR, GASKET_ERROR_PROTOCOL))
        transport->class->give_up(transport, why);
}

int64_t
gasket_transport_now(GasketTransport *transport)
{
    return transport->class->now(transport);
}

void
gasket_transport_stats(const GasketTransport *transport, unsigned peer,
                       GasketTransportStats *ret_stats)
{
    g_assert(peer < transport->size);
    transport->class->stats(transport, peer, ret_stats);
}

void
gasket_transport_free(GasketTransport *transport)
{
    if (transport != NULL)
        transport->class->free(transport);
}

bool
gasket_transport_send(GasketTransport *transport, unsigned peer, GasketChannel channel,
                      GasketFrame **frame, GError **error)
{
    for (;;) {
        bool sent;
        if (!gasket_transport_try_send(transport, peer, channel, frame, &sent, error))
            return false;
        if (sent)
            return true;
        if (!gasket_transport_wait(transport, /* timeout_us= */ -1, error))
            return false;
    }
}

bool
gasket_transport_receive_wait(GasketTransport *transport, unsigned peer, GasketChannel channel,
                              GasketFrame **ret_frame, GError **error)
{
    for (;;) {
        /* Asked before the queue is: what a peer sent before it left is in the queue by now. */
        bool has_left = gasket_transport_has_left(transport, peer);
        GasketFrame *frame;
        if (!gasket_transport_receive(transport, peer, channel, &frame, error))
            return false;
        if (frame != NULL) {
            *ret_frame = frame;
            return true;
        }
        if (has_left) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_PEER, "rank %u has left", peer);
            return false;
        }
        if (!gasket_transport_wait(transport, /* timeout_us= */ -1, error))
            return false;
    }
}
