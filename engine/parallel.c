/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop shared among threads that live as long as the loop: see parallel.h.
 *
 * Cost: one pthread_create and one join for each thread beyond the first, one atomic addition an
 * item.
 */
#include "engine/parallel.h"

#include <pthread.h>

typedef struct {
    size_t n_items;
    void (*body)(void *data, size_t item, unsigned thread);
    void *data;
    atomic_size_t next; /* the first item that no thread has taken */
} Loop;

typedef struct {
    Loop *loop;
    unsigned thread;
    pthread_t handle;
} Helper;

static void
run_items(Loop *loop, unsigned thread)
{
    size_t item;
    while ((item = atomic_fetch_add(&loop->next, 1)) < loop->n_items)
        loop->body(loop->data, item, thread);
}

static void *
helper_main(void *data)
{
    Helper *helper = data;
    run_items(helper->loop, helper->thread);
    return NULL;
}

void
gasket_parallel(unsigned threads, size_t n_items,
                void (*body)(void *data, size_t item, unsigned thread), void *data)
{
    Loop loop = {.n_items = n_items, .body = body, .data = data};
    unsigned n_helpers = (unsigned)MIN((size_t)MAX(threads, 1), n_items);
    n_helpers = n_helpers > 0 ? n_helpers - 1 : 0;
    g_autofree Helper *helpers = g_new0(Helper, n_helpers);

    unsigned started = 0;
    while (started < n_helpers) {
        helpers[started].loop = &loop;
        helpers[started].thread = started + 1;
        if (pthread_create(&helpers[started].handle, NULL, helper_main, &helpers[started]) != 0)
            break;
        started++;
    }
    run_items(&loop, 0);
    for (unsigned i = 0; i < started; i++)
        pthread_join(helpers[i].handle, NULL);
}

void
gasket_failure_take(GasketFailure *failure, GError **error)
{
    GError *none = NULL;
    GError *taken = g_steal_pointer(error);
    g_assert(taken != NULL);
    if (!atomic_compare_exchange_strong(&failure->first, &none, taken))
        g_error_free(taken);
}

bool
gasket_failure_none(GasketFailure *failure, GError **error)
{
    GError *first = atomic_exchange(&failure->first, NULL);
    if (first == NULL)
        return true;
    g_propagate_error(error, first);
    return false;
}
