/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compute threads. A round number under one mutex says that there is work; threads that finish
 * early or wait long sleep, so that workers that share cores do not take them from each other.
 */
#include "engine/pool.h"

#include <pthread.h>
#include <signal.h>

typedef struct {
    GasketPool *pool;
    unsigned thread;
    pthread_t handle;
} PoolThread;

struct GasketPool {
    unsigned n_threads;
    PoolThread *threads; /* [n_threads]; [0] is the caller and has no handle */
    pthread_mutex_t mutex;
    pthread_cond_t work_there, work_done;
    uint64_t round;  /* of the work at hand */
    unsigned n_busy; /* threads that have not finished the round */
    bool ending;
    void (*work)(void *data, unsigned thread);
    void *data;
};

static void *
pool_thread(void *data)
{
    PoolThread *self = data;
    GasketPool *pool = self->pool;
    uint64_t seen = 0;

    for (;;) {
        pthread_mutex_lock(&pool->mutex);
        while (pool->round == seen && !pool->ending)
            pthread_cond_wait(&pool->work_there, &pool->mutex);
        bool ending = pool->ending;
        seen = pool->round;
        pthread_mutex_unlock(&pool->mutex);
        if (ending)
            return NULL;

        pool->work(pool->data, self->thread);

        pthread_mutex_lock(&pool->mutex);
        if (--pool->n_busy == 0)
            pthread_cond_signal(&pool->work_done);
        pthread_mutex_unlock(&pool->mutex);
    }
}

/* Starts a thread that takes no signals: they are for the driver's. */
static bool
pool_thread_start(PoolThread *thread)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread->handle, NULL, pool_thread, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}

GasketPool *
gasket_pool_new(unsigned threads, GError **error)
{
    GasketPool *pool = g_new0(GasketPool, 1);

    pool->threads = g_new0(PoolThread, threads);
    pool->n_threads = 1;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work_there, NULL);
    pthread_cond_init(&pool->work_done, NULL);
    for (unsigned t = 1; t < threads; t++) {
        pool->threads[t].pool = pool;
        pool->threads[t].thread = t;
        if (!pool_thread_start(&pool->threads[t])) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                        "the system gives no more than %u threads", t);
            gasket_pool_free(pool);
            return NULL;
        }
        pool->n_threads++;
    }
    return pool;
}

void
gasket_pool_free(GasketPool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work_there);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned t = 1; t < pool->n_threads; t++)
        pthread_join(pool->threads[t].handle, NULL);
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->work_there);
    pthread_cond_destroy(&pool->work_done);
    g_free(pool->threads);
    g_free(pool);
}

unsigned
gasket_pool_threads(const GasketPool *pool)
{
    return pool->n_threads;
}

void
gasket_pool_start(GasketPool *pool, void (*work)(void *data, unsigned thread), void *data)
{
    if (pool->n_threads == 1)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->work = work;
    pool->data = data;
    pool->n_busy = pool->n_threads - 1;
    pool->round++;
    pthread_cond_broadcast(&pool->work_there);
    pthread_mutex_unlock(&pool->mutex);
}

void
gasket_pool_join(GasketPool *pool)
{
    if (pool->n_threads == 1)
        return;
    pthread_mutex_lock(&pool->mutex);
    while (pool->n_busy > 0)
        pthread_cond_wait(&pool->work_done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

void
gasket_pool_run(GasketPool *pool, void (*work)(void *data, unsigned thread), void *data)
{
    gasket_pool_start(pool, work, data);
    work(data, 0);
    gasket_pool_join(pool);
}
