/* SPDX-License-Identifier: Apache-2.0 */
/* Options and addresses of the TCP transport: whether they fit, and as the system wants them. */
#ifndef GASKET_ENGINE_TRANSPORT_TCP_ADDRESS_H
#define GASKET_ENGINE_TRANSPORT_TCP_ADDRESS_H

#include <sys/socket.h>

#include "engine/transport_tcp.h"

/* Whether options make sense by themselves. Error: ARGUMENT, naming the option. */
bool gasket_tcp_check_options(const GasketTcpOptions *options, GError **error);

/* The addresses of the ranks below options->rank: [size] each, g_free. In an insecure run every
 * address must be loopback, the listening socket's too. Error: ARGUMENT. */
bool gasket_tcp_resolve(const GasketTcpOptions *options, struct sockaddr_storage **ret_address,
                        socklen_t **ret_length, GError **error);

#endif
