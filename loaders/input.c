/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inputs. See input.h.
 *
 *   file or memory ──> raw ──> decoder ──> held ──> peek, line, read
 *                       └────────────────────────────────> read (plain, nothing held)
 *
 * Invariants:
 *   1. Bytes in `held` come before everything that the source still has.
 *   2. After the first error or the end nothing more is read; the error is kept and reported once
 *      all bytes before it were handed out.
 *   3. held[held_end] may be written: a line always has its terminator.
 */
#include "loaders/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/array.h"
#include "loaders/text.h"

#define RAW_SIZE  ((size_t)1 << 18)
#define HELD_SIZE ((size_t)1 << 16)

struct GasketInput {
    char *name;
    int fd; /* -1: memory */
    bool is_stdin, regular;
    const uint8_t *memory; /* what is left of it */
    size_t memory_size;
    uint8_t *raw; /* [raw_room] read ahead to see the compression, then the decoder's */
    size_t raw_room;
    size_t raw_begin, raw_end;
    GasketCompression compression;
    GasketDecoder *decoder; /* NULL: plain */
    char *held;             /* gasket_array */
    size_t held_begin, held_end, held_capacity;
    bool ended;
    GError *failed;
    uint64_t raw_bytes, raw_size, lines;
};

/* Reads from the file or memory; 0 at the end. */
static bool
read_raw(GasketInput *input, void *buffer, size_t capacity, size_t *ret_size, GError **error)
{
    if (input->fd < 0) {
        size_t size = MIN(capacity, input->memory_size);
        if (size > 0)
            memcpy(buffer, input->memory, size);
        input->memory += size;
        input->memory_size -= size;
        input->raw_bytes += size;
        *ret_size = size;
        return true;
    }
    ssize_t got;
    do
        got = read(input->fd, buffer, MIN(capacity, (size_t)1 << 30));
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT, "%s: cannot be read: %s", input->name,
                    g_strerror(errno));
        return false;
    }
    input->raw_bytes += (uint64_t)got;
    *ret_size = (size_t)got;
    return true;
}

/* The decoder's source. */
static bool
pull_raw(void *data, const uint8_t **ret_bytes, size_t *ret_size, GError **error)
{
    GasketInput *input = data;
    if (input->raw_begin == input->raw_end) {
        size_t size;
        if (!read_raw(input, input->raw, input->raw_room, &size, error))
            return false;
        input->raw_begin = 0;
        input->raw_end = size;
    }
    *ret_bytes = input->raw + input->raw_begin;
    *ret_size = input->raw_end - input->raw_begin;
    input->raw_begin = input->raw_end;
    return true;
}

/* Fills buffer from behind `held`; on failure ret_size counts the good bytes before it. */
static bool
read_source(GasketInput *input, char *buffer, size_t capacity, size_t *ret_size, GError **error)
{
    if (input->decoder != NULL)
        return gasket_decoder_read(input->decoder, buffer, capacity, ret_size, error);
    size_t done = MIN(capacity, input->raw_end - input->raw_begin);
    memcpy(buffer, input->raw + input->raw_begin, done);
    input->raw_begin += done;
    bool good = true;
    while (good && done < capacity) {
        size_t size = 0;
        good = read_raw(input, buffer + done, capacity - done, &size, error);
        if (size == 0)
            break;
        done += size;
    }
    *ret_size = done;
    return good;
}

/* The first bytes decide on the decoder. */
static bool
start(GasketInput *input, GError **error)
{
    /* One byte more than a small input in memory has: whoever asks for it learns of the end. */
    size_t most = input->fd < 0 ? input->memory_size : SIZE_MAX - 2;
    input->raw_room = MIN(RAW_SIZE, MAX(most, 4));
    input->held_capacity = MIN(HELD_SIZE, most + 2);
    input->raw = gasket_array_new(input->raw_room, 1, error);
    input->held = gasket_array_new(input->held_capacity, 1, error);
    if (input->raw == NULL || input->held == NULL)
        return false;
    while (input->raw_end < 4) {
        size_t size;
        if (!read_raw(input, input->raw + input->raw_end, input->raw_room - input->raw_end, &size,
                      error))
            return false;
        if (size == 0)
            break;
        input->raw_end += size;
    }
    input->compression = gasket_compression_of(input->raw, input->raw_end);
    if (input->compression == GASKET_COMPRESSION_NONE)
        return true;
    input->decoder = gasket_decoder_new(input->compression, pull_raw, input, error);
    return input->decoder != NULL;
}

GasketInput *
gasket_input_open(const char *path, GError **error)
{
    g_autoptr(GasketInput) input = g_new0(GasketInput, 1);
    input->is_stdin = strcmp(path, "-") == 0;
    input->name = g_strdup(input->is_stdin ? "stdin" : path);
    input->fd = input->is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (input->fd < 0 || fstat(input->fd, &status) != 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT, "%s: cannot be opened: %s",
                    input->name, g_strerror(errno));
        return NULL;
    }
    input->regular = S_ISREG(status.st_mode);
    input->raw_size = input->regular ? (uint64_t)status.st_size : 0;
    return start(input, error) ? g_steal_pointer(&input) : NULL;
}

GasketInput *
gasket_input_new_memory(const char *name, const void *data, size_t size, GError **error)
{
    g_autoptr(GasketInput) input = g_new0(GasketInput, 1);
    input->name = g_strdup(name);
    input->fd = -1;
    input->memory = data;
    input->memory_size = size;
    input->raw_size = size;
    return start(input, error) ? g_steal_pointer(&input) : NULL;
}

void
gasket_input_free(GasketInput *input)
{
    if (input == NULL)
        return;
    if (input->fd >= 0 && !input->is_stdin)
        close(input->fd); /* opened for reading: nothing is lost */
    gasket_decoder_free(input->decoder);
    gasket_array_free(input->raw);
    gasket_array_free(input->held);
    g_clear_error(&input->failed);
    g_free(input->name);
    g_free(input);
}

const char *
gasket_input_name(const GasketInput *input)
{
    return input->name;
}

bool
gasket_input_reopens(const GasketInput *input)
{
    return input->regular && !input->is_stdin;
}

GasketCompression
gasket_input_compression(const GasketInput *input)
{
    return input->compression;
}

uint64_t
gasket_input_raw_bytes(const GasketInput *input)
{
    return input->raw_bytes;
}

uint64_t
gasket_input_raw_size(const GasketInput *input)
{
    return input->raw_size;
}

uint64_t
gasket_input_lines(const GasketInput *input)
{
    return input->lines;
}

/* Holds at least want bytes, or all there are. false: no memory. */
static bool
hold(GasketInput *input, size_t want, GError **error)
{
    if (input->held_end - input->held_begin >= want || input->ended)
        return true;
    memmove(input->held, input->held + input->held_begin, input->held_end - input->held_begin);
    input->held_end -= input->held_begin;
    input->held_begin = 0;
    if (input->fd < 0 && input->decoder == NULL) /* no more room than there can be bytes */
        want =
            MIN(want, input->held_end + input->raw_end - input->raw_begin + input->memory_size + 1);
    if (want + 1 > input->held_capacity) {
        char *larger = gasket_array_resize(input->held, want + 1, 1, error);
        if (larger == NULL)
            return false;
        input->held = larger;
        input->held_capacity = want + 1;
    }
    size_t room = input->held_capacity - 1 - input->held_end, size = 0;
    bool good = read_source(input, input->held + input->held_end, room, &size, &input->failed);
    input->held_end += size;
    input->ended = !good || size < room;
    return true;
}

bool
gasket_input_peek(GasketInput *input, size_t want, const char **ret_text, size_t *ret_size,
                  GError **error)
{
    if (!hold(input, want, error))
        return false;
    *ret_text = input->held + input->held_begin;
    *ret_size = MIN(want, input->held_end - input->held_begin);
    return true;
}

void
gasket_input_skip(GasketInput *input, size_t size)
{
    g_assert(size <= input->held_end - input->held_begin);
    input->held_begin += size;
}

/* Reports what ended the input, if it was an error. */
static bool
check_failed(const GasketInput *input, GError **error)
{
    if (input->failed == NULL)
        return true;
    if (error != NULL)
        *error = g_error_copy(input->failed);
    return false;
}

bool
gasket_input_line(GasketInput *input, size_t max, char **ret_line, size_t *ret_size, GError **error)
{
    size_t seen = 0;
    for (size_t want = 4096;; want *= 2) {
        if (!hold(input, want, error))
            return false;
        char *line = input->held + input->held_begin;
        size_t size = input->held_end - input->held_begin;
        char *newline = memchr(line + seen, '\n', size - seen);
        if (newline == NULL && size <= max && !input->ended) {
            seen = size;
            continue;
        }
        if (newline == NULL && !check_failed(input, error)) {
            gasket_text_error_at(error, input->name, input->lines + 1);
            return false;
        }
        size_t length = newline != NULL ? (size_t)(newline - line) : size;
        if (length > max) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                        "%s:%" G_GUINT64_FORMAT ": found a line of more than %zu bytes, expected a "
                        "shorter one",
                        input->name, input->lines + 1, max);
            return false;
        }
        if (newline == NULL && size == 0) {
            *ret_line = NULL;
            *ret_size = 0;
            return true;
        }
        input->held_begin += length + (newline != NULL);
        input->lines++;
        length -= length > 0 && line[length - 1] == '\r';
        line[length] = '\n';
        *ret_line = line;
        *ret_size = length;
        return true;
    }
}

bool
gasket_input_read(GasketInput *input, void *buffer, size_t capacity, size_t *ret_size,
                  GError **error)
{
    size_t done = MIN(capacity, input->held_end - input->held_begin), size = 0;
    memcpy(buffer, input->held + input->held_begin, done);
    input->held_begin += done;
    if (done < capacity && !input->ended) {
        bool good =
            read_source(input, (char *)buffer + done, capacity - done, &size, &input->failed);
        done += size;
        input->ended = !good || done < capacity;
    }
    if (done == 0 && capacity > 0 && !check_failed(input, error))
        return false;
    *ret_size = done;
    return true;
}
