/* SPDX-License-Identifier: Apache-2.0 */
/* Waking along edges. See wake.h. */
#include "engine/wake.h"

#include "engine/async.h"
#include "engine/bitset.h"

void
gasket_wake(const GasketContext *context, const GasketRows *rows, uint64_t e, float priority)
{
    const GasketWaker *waker = rows->waker;
    GasketVertex u = rows->neighbour[e];

    if (waker->async != NULL) {
        gasket_async_wake_along(context->thread->async, rows, e, priority);
        return;
    }
    context->thread->n_woken++;
    if (u < waker->n_owned)
        gasket_bitset_add_shared(waker->active, u);
    else
        gasket_bitset_add_shared(waker->outbox, (uint32_t)(rows->slot[e] - waker->n_entries));
}
