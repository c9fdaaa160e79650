/* SPDX-License-Identifier: Apache-2.0 */
/* Transport between threads of one process: frames change hands through queues. */
#ifndef GASKET_ENGINE_TRANSPORT_LOCAL_H
#define GASKET_ENGINE_TRANSPORT_LOCAL_H

#include "engine/transport.h"

/* size connected transports in ret_members [size], each to be used by its own thread. Freeing one
 * that has not left is, to the others, the death of that peer. The last frees what they share. */
bool gasket_transport_local_new(unsigned size, GasketTransport **ret_members, GError **error);

#endif
