/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generators. See generate.h.
 *
 * How: edge i draws from the random sequence named (seed, stream, i), so any thread can make any
 * chunk of edges. Threads take chunks in turn, make them, and emit them in order:
 *
 *   thread 0   make 0 │ emit 0 │ make 2 │ wait │ emit 2
 *   thread 1   make 1 │ wait   │ emit 1 │ make 3 ...
 *
 * Different numbers in a scattered order (permuted vertices, rated pairs) come from a seeded
 * bijection of k-bit integers: multiplications by odd numbers and shifted exclusive ors, each of
 * which can be undone; where the range is no power of two it is applied again until the number is
 * in range.
 *
 * Reference: Chakrabarti, Zhan, Faloutsos: R-MAT, SDM 2004; the Graph500 specification.
 */
#include "loaders/generate.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include <gasket/random.h>

#include "engine/array.h"
#include "engine/feed.h"

#define CHUNK_EDGES 16384

/* ORDER gasket_random stream: those of the generators. */
enum {
    STREAM_EDGE = 0x670001,
    STREAM_WEIGHT,
    STREAM_PERMUTATION,
    STREAM_USER,
    STREAM_ITEM,
};

/* A bijection of the integers below 2^bits. */
typedef struct {
    unsigned bits;
    uint64_t factor[4], term[4];
} Permutation;

typedef struct {
    const GasketGenerateOptions *options;
    Permutation permutation;
    float *user_factors, *item_factors; /* ratings: [n * rank] */
    uint64_t n_edges;
    GasketEmitEdges emit;
    void *data;
    pthread_mutex_t mutex;
    pthread_cond_t turn_changed;
    uint64_t next_chunk, turn; /* to make, to emit */
    bool stop;
    GError *failed;
} Generator;

typedef struct {
    size_t n;
    uint64_t source[2 * CHUNK_EDGES];
    uint64_t target[2 * CHUNK_EDGES];
    float weight[2 * CHUNK_EDGES];
} Chunk;

const char *const *
gasket_generate_kinds(void)
{
    static const char *const names[] = {"kronecker", "uniform", "grid", "ratings", NULL};
    return names;
}

/* ---- bijections ------------------------------------------------------------------------------ */

static Permutation
permutation_new(uint64_t seed, unsigned bits)
{
    Permutation permutation = {.bits = bits};
    for (uint32_t i = 0; i < G_N_ELEMENTS(permutation.factor); i++) {
        GasketRandom random = gasket_random_at(seed, STREAM_PERMUTATION, i, 0);
        uint64_t high = gasket_random_uint32(&random), low = gasket_random_uint32(&random);
        permutation.factor[i] = (high << 32 | low) | 1;
        high = gasket_random_uint32(&random), low = gasket_random_uint32(&random);
        permutation.term[i] = high << 32 | low;
    }
    return permutation;
}

static uint64_t
permute(const Permutation *permutation, uint64_t x)
{
    unsigned bits = permutation->bits;
    uint64_t mask = (UINT64_C(1) << bits) - 1; /* bits < 64 */
    for (size_t i = 0; i < G_N_ELEMENTS(permutation->factor); i++) {
        x = (x * permutation->factor[i] + permutation->term[i]) & mask;
        x ^= x >> (bits / 2 + 1);
    }
    return x;
}

/* The same within 0 .. n - 1, n <= 2^bits. */
static uint64_t
permute_below(const Permutation *permutation, uint64_t x, uint64_t n)
{
    do
        x = permute(permutation, x);
    while (x >= n);
    return x;
}

static unsigned
bits_for(uint64_t n)
{
    return n <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(n - 1);
}

/* ---- edges ----------------------------------------------------------------------------------- */

static GasketRandom
random_of(const Generator *generator, unsigned stream, uint64_t i)
{
    return gasket_random_at(generator->options->seed, stream, (uint32_t)i, i >> 32);
}

/* One quadrant a level: (0,0) with A, (0,1) with B, (1,0) with C. */
static void
make_kronecker(const Generator *generator, uint64_t i, uint64_t *source, uint64_t *target)
{
    const uint32_t a = (uint32_t)(0.57 * 0x1p32), ab = (uint32_t)(0.76 * 0x1p32),
                   abc = (uint32_t)(0.95 * 0x1p32);
    GasketRandom random = random_of(generator, STREAM_EDGE, i);
    uint64_t u = 0, v = 0;
    for (unsigned level = 0; level < generator->options->scale; level++) {
        uint32_t x = gasket_random_uint32(&random);
        u = u << 1 | (x >= ab);
        v = v << 1 | ((x >= a && x < ab) || x >= abc);
    }
    *source = permute(&generator->permutation, u);
    *target = permute(&generator->permutation, v);
}

static void
make_uniform(const Generator *generator, uint64_t i, uint64_t *source, uint64_t *target)
{
    GasketRandom random = random_of(generator, STREAM_EDGE, i);
    uint32_t n = (uint32_t)generator->options->n_vertices;
    *source = gasket_random_below(&random, n);
    *target = gasket_random_below(&random, n);
}

/* Edges to the right, row by row; then edges downwards. */
static void
make_grid(const Generator *generator, uint64_t i, uint64_t *source, uint64_t *target)
{
    uint64_t rows = generator->options->rows, columns = generator->options->columns;
    uint64_t right = rows * (columns - 1);
    if (i < right) {
        *source = i / (columns - 1) * columns + i % (columns - 1);
        *target = *source + 1;
    } else {
        *source = i - right;
        *target = *source + columns;
    }
}

static float
make_rating(const Generator *generator, uint64_t i, uint64_t *user, uint64_t *item)
{
    const GasketGenerateOptions *options = generator->options;
    uint64_t pair = permute_below(&generator->permutation, i, options->users * options->items);
    *user = pair / options->items;
    *item = pair % options->items;
    unsigned rank = options->rank > 0 ? options->rank : 8;
    const float *p = generator->user_factors + *user * rank;
    const float *q = generator->item_factors + *item * rank;
    double stars = 3;
    for (unsigned k = 0; k < rank; k++)
        stars += (double)p[k] * q[k];
    if (options->noise > 0) {
        GasketRandom random = random_of(generator, STREAM_WEIGHT, i);
        stars += options->noise * gasket_random_normal(&random);
    }
    return (float)(CLAMP(round(2 * stars), 1, 10) / 2);
}

static float
make_edge(const Generator *generator, uint64_t i, uint64_t *source, uint64_t *target)
{
    switch (generator->options->kind) {
    case GASKET_GENERATE_KRONECKER:
        make_kronecker(generator, i, source, target);
        break;
    case GASKET_GENERATE_UNIFORM:
        make_uniform(generator, i, source, target);
        break;
    case GASKET_GENERATE_GRID:
        make_grid(generator, i, source, target);
        break;
    case GASKET_GENERATE_RATINGS:
        return make_rating(generator, i, source, target);
    }
    if (!generator->options->weights)
        return 1;
    GasketRandom random = random_of(generator, STREAM_WEIGHT, i);
    return (float)(1 + gasket_random_below(&random, 255));
}

static void
make_chunk(const Generator *generator, uint64_t index, Chunk *chunk)
{
    uint64_t first = index * CHUNK_EDGES;
    uint64_t last = MIN(first + CHUNK_EDGES, generator->n_edges);
    size_t n = 0;
    for (uint64_t i = first; i < last; i++, n++) {
        chunk->weight[n] = make_edge(generator, i, &chunk->source[n], &chunk->target[n]);
        if (generator->options->both && chunk->source[n] != chunk->target[n]) {
            chunk->source[n + 1] = chunk->target[n];
            chunk->target[n + 1] = chunk->source[n];
            chunk->weight[n + 1] = chunk->weight[n];
            n++;
        }
    }
    chunk->n = n;
}

/* ---- threads --------------------------------------------------------------------------------- */

/* Waits for the chunk's turn and emits it; false once anything has failed. */
static bool
emit_chunk(Generator *generator, uint64_t index, const Chunk *chunk)
{
    pthread_mutex_lock(&generator->mutex);
    while (generator->turn != index && !generator->stop)
        pthread_cond_wait(&generator->turn_changed, &generator->mutex);
    bool stop = generator->stop;
    pthread_mutex_unlock(&generator->mutex);
    if (stop)
        return false;

    /* It is this thread's turn: no other emits until the turn is passed on. */
    GError *error = NULL;
    bool weighted = gasket_generate_weighted(generator->options);
    bool good = generator->emit(generator->data, chunk->n, chunk->source, chunk->target,
                                weighted ? chunk->weight : NULL, &error);
    pthread_mutex_lock(&generator->mutex);
    generator->turn++;
    generator->stop |= !good;
    generator->failed = error;
    pthread_cond_broadcast(&generator->turn_changed);
    pthread_mutex_unlock(&generator->mutex);
    return good;
}

static void *
make_chunks(void *data)
{
    Generator *generator = data;
    uint64_t n_chunks = (generator->n_edges + CHUNK_EDGES - 1) / CHUNK_EDGES;
    g_autofree Chunk *chunk = g_new(Chunk, 1);
    for (;;) {
        pthread_mutex_lock(&generator->mutex);
        uint64_t index = generator->stop ? n_chunks : generator->next_chunk;
        generator->next_chunk += index < n_chunks;
        pthread_mutex_unlock(&generator->mutex);
        if (index == n_chunks)
            return NULL;
        make_chunk(generator, index, chunk);
        if (!emit_chunk(generator, index, chunk))
            return NULL;
    }
}

/* The calling thread is one of the threads. */
static void
run_threads(Generator *generator)
{
    unsigned threads = MAX(generator->options->threads, 1), started = 1;
    g_autofree pthread_t *thread = g_new(pthread_t, threads);
    for (; started < threads; started++)
        if (pthread_create(&thread[started], NULL, make_chunks, generator) != 0)
            break; /* fewer threads do the same work */
    make_chunks(generator);
    for (unsigned i = 1; i < started; i++)
        pthread_join(thread[i], NULL);
}

/* Factors with a standard deviation of rank^(-1/4), so that a product of two rows has 1. */
static float *
make_factors(const Generator *generator, unsigned stream, uint64_t n, GError **error)
{
    unsigned rank = generator->options->rank > 0 ? generator->options->rank : 8;
    float *factors = gasket_array_new(n * rank, sizeof *factors, error);
    double deviation = pow(rank, -0.25);
    for (uint64_t i = 0; factors != NULL && i < n; i++) {
        GasketRandom random = random_of(generator, stream, i);
        for (unsigned k = 0; k < rank; k++)
            factors[i * rank + k] = (float)(deviation * gasket_random_normal(&random));
    }
    return factors;
}

bool
gasket_generate(const GasketGenerateOptions *options, GasketEmitEdges emit, void *data,
                GError **error)
{
    if (!gasket_generate_check(options, error))
        return false;
    Generator generator = {.options = options, .emit = emit, .data = data};
    generator.n_edges = gasket_generate_n_edges(options);
    bool ratings = options->kind == GASKET_GENERATE_RATINGS;
    generator.permutation =
        permutation_new(options->seed,
                        ratings ? bits_for(options->users * options->items) : options->scale);
    if (ratings) {
        generator.user_factors = make_factors(&generator, STREAM_USER, options->users, error);
        generator.item_factors = generator.user_factors != NULL
                                     ? make_factors(&generator, STREAM_ITEM, options->items, error)
                                     : NULL;
    }
    bool ready = !ratings || generator.item_factors != NULL;
    if (ready) {
        pthread_mutex_init(&generator.mutex, NULL);
        pthread_cond_init(&generator.turn_changed, NULL);
        run_threads(&generator);
        pthread_cond_destroy(&generator.turn_changed);
        pthread_mutex_destroy(&generator.mutex);
    }
    gasket_array_free(generator.user_factors);
    gasket_array_free(generator.item_factors);
    if (generator.failed != NULL)
        g_propagate_error(error, generator.failed);
    return ready && !generator.stop;
}
