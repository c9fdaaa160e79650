/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing blocks to threads. See chunk.h.
 */
#include "loaders/chunk.h"

#include <pthread.h>
#include <string.h>

#include "engine/array.h"
#include "loaders/text.h"

/* Bytes of a buffer behind its capacity: a newline that was missing, and some to look at. */
#define SLACK 32

/* What the threads share; all under the mutex. */
typedef struct {
    GasketInput *input;
    const GasketChunkJob *job;
    pthread_mutex_t mutex;
    char *rest; /* gasket_array: behind the last newline of the last block */
    size_t rest_size, rest_capacity;
    GArray *results; /* of GasketBlockResult, by block; grows as blocks are taken */
    uint64_t counted, edges;
    bool stop; /* no more blocks: the end of the file or an error */
    GError *failed;
    uint64_t failed_block;
} Chunks;

typedef struct {
    Chunks *chunks;
    unsigned index;
    char *buffer; /* gasket_array [capacity + SLACK] */
    size_t capacity;
    pthread_t thread;
} Parser;

/* Keeps the error of the lowest block. Takes error. */
static void
fail_take(Chunks *chunks, uint64_t block, GError *error)
{
    if (chunks->failed == NULL || block <= chunks->failed_block) {
        g_clear_error(&chunks->failed);
        chunks->failed = error;
        chunks->failed_block = block;
    } else {
        g_error_free(error);
    }
    chunks->stop = true;
}

static bool
reserve(char **array, size_t *capacity, size_t wanted, GError **error)
{
    if (wanted <= *capacity)
        return true;
    char *larger = gasket_array_resize(*array, (uint64_t)wanted + SLACK, 1, error);
    if (larger == NULL)
        return false;
    *array = larger;
    *capacity = wanted;
    return true;
}

/* Bytes of buffer that make whole lines or records; 0 if there is none yet. */
static size_t
whole(const GasketChunkJob *job, const char *buffer, size_t from, size_t size)
{
    if (job->record > 0)
        return size - size % job->record;
    const char *newline = memrchr(buffer + from, '\n', size - from);
    return newline == NULL ? 0 : (size_t)(newline - buffer) + 1;
}

/* Fills the parser's buffer with the next block. *ret_size 0: the end of the file. */
static bool
take_text(Chunks *chunks, Parser *parser, size_t *ret_size, GError **error)
{
    const GasketChunkJob *job = chunks->job;
    size_t size = chunks->rest_size, cut = 0;
    if (!reserve(&parser->buffer, &parser->capacity, MAX(job->block_size, size), error))
        return false;
    memcpy(parser->buffer, chunks->rest, size);
    for (size_t want = MAX(job->block_size, size + 1);; want = size * 2) {
        size_t got = 0, searched = size;
        if (!reserve(&parser->buffer, &parser->capacity, want, error) ||
            !gasket_input_read(chunks->input, parser->buffer + size, want - size, &got, error))
            return false;
        size += got;
        cut = whole(job, parser->buffer, searched, size);
        if (cut > 0 || got == 0)
            break;
        if (size > job->max_line) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                        "found a line of more than %zu bytes, expected a shorter one",
                        job->max_line);
            return false;
        }
    }
    if (cut == 0 && size > 0 && job->record > 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                    "found %zu bytes at the end of the file, expected a record of %zu", size,
                    job->record);
        return false;
    }
    if (cut == 0 && size > 0) {
        parser->buffer[size] = '\n';
        cut = ++size;
    }
    if (!reserve(&chunks->rest, &chunks->rest_capacity, size - cut, error))
        return false;
    chunks->rest_size = size - cut;
    memcpy(chunks->rest, parser->buffer + cut, size - cut);
    *ret_size = cut;
    return true;
}

/* Takes the next block, if there is one and none has failed. */
static bool
take_block(Chunks *chunks, Parser *parser, GasketBlock *block, uint64_t *ret_index)
{
    GError *error = NULL;
    size_t size = 0;
    pthread_mutex_lock(&chunks->mutex);
    uint64_t index = chunks->results->len;
    if (!chunks->stop && !take_text(chunks, parser, &size, &error))
        fail_take(chunks, index, error);
    bool taken = !chunks->stop && size > 0;
    chunks->stop |= !taken;
    if (taken) {
        g_array_set_size(chunks->results, (guint)index + 1);
        *block = (GasketBlock){parser->buffer, size, chunks->counted};
        if (chunks->job->count != NULL)
            chunks->counted += chunks->job->count(chunks->job->data, parser->buffer, size);
        *ret_index = index;
    }
    pthread_mutex_unlock(&chunks->mutex);
    return taken;
}

static void *
parse_blocks(void *data)
{
    Parser *parser = data;
    Chunks *chunks = parser->chunks;
    const GasketChunkJob *job = chunks->job;
    GasketBlock block;
    uint64_t index;

    while (take_block(chunks, parser, &block, &index)) {
        GasketBlockResult result = {0};
        GError *error = NULL;
        bool good = job->parse(job->data, parser->index, &block, &result, &error);
        pthread_mutex_lock(&chunks->mutex);
        g_array_index(chunks->results, GasketBlockResult, index) = result;
        chunks->edges += result.edges;
        if (!good)
            fail_take(chunks, index, error);
        else if (job->progress != NULL)
            job->progress(job->progress_data, chunks->edges);
        pthread_mutex_unlock(&chunks->mutex);
    }
    return NULL;
}

/* Runs the parsers: the calling thread is the first of them. */
static void
run_parsers(Chunks *chunks, unsigned threads)
{
    g_autofree Parser *parsers = g_new0(Parser, threads);
    unsigned started = 1;
    parsers[0].chunks = chunks;
    for (; started < threads; started++) {
        parsers[started].chunks = chunks;
        parsers[started].index = started;
        if (pthread_create(&parsers[started].thread, NULL, parse_blocks, &parsers[started]) != 0)
            break; /* fewer threads do the same work */
    }
    parse_blocks(&parsers[0]);
    for (unsigned i = 1; i < started; i++)
        pthread_join(parsers[i].thread, NULL);
    for (unsigned i = 0; i < started; i++)
        gasket_array_free(parsers[i].buffer);
}

/* Lines of all blocks, or before the first error; what shows across blocks may be that error. */
static uint64_t
finish(Chunks *chunks)
{
    const GasketBlockResult *results = (const GasketBlockResult *)(void *)chunks->results->data;
    size_t n = chunks->results->len;
    uint64_t lines = 0;
    GError *error = NULL;
    if (chunks->failed != NULL)
        n = MIN(n, chunks->failed_block + 1);
    if (chunks->job->check != NULL &&
        !chunks->job->check(chunks->job->data, results, n, &lines, &error)) {
        fail_take(chunks, 0, error);
        return lines;
    }
    for (size_t i = 0; i < n; i++)
        lines += results[i].lines;
    return lines;
}

bool
gasket_chunks_parse(GasketInput *input, const GasketChunkJob *job, unsigned threads,
                    uint64_t *ret_lines, uint64_t *ret_edges, GError **error)
{
    Chunks chunks = {.input = input, .job = job};
    chunks.results = g_array_new(FALSE, TRUE, sizeof(GasketBlockResult));
    chunks.rest = gasket_array_new(1, 1, error);
    if (chunks.rest == NULL) {
        g_array_unref(chunks.results);
        return false;
    }
    pthread_mutex_init(&chunks.mutex, NULL);
    run_parsers(&chunks, MAX(threads, 1));
    pthread_mutex_destroy(&chunks.mutex);
    gasket_array_free(chunks.rest);

    uint64_t lines = finish(&chunks);
    if (chunks.failed != NULL) {
        g_propagate_error(error, chunks.failed);
        gasket_text_error_at(error, gasket_input_name(input),
                             gasket_input_lines(input) + lines + 1);
        g_array_unref(chunks.results);
        return false;
    }
    *ret_lines = lines;
    *ret_edges = chunks.edges;
    g_array_unref(chunks.results);
    return true;
}
