/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An input: a file, stdin or memory, decompressed, read as lines or as blocks.
 *
 *   g_autoptr(GasketInput) input = gasket_input_open("graph.mtx.gz", error);
 *   char *line;
 *   size_t size;
 *   while (gasket_input_line(input, 1 << 20, &line, &size, error) && line != NULL)
 *       ...
 *
 * A format looks ahead (peek), takes its header by lines, and leaves the rest to blocks (read, see
 * chunk.h): all three go on where the others stopped.
 */
#ifndef GASKET_LOADERS_INPUT_H
#define GASKET_LOADERS_INPUT_H

#include "loaders/compress.h"

typedef struct GasketInput GasketInput;

/* path "-" is stdin. Error: INPUT with the path and the reason. */
GasketInput *gasket_input_open(const char *path, GError **error);

/* size bytes at data, which stay borrowed; name stands in messages. */
GasketInput *gasket_input_new_memory(const char *name, const void *data, size_t size,
                                     GError **error);
void gasket_input_free(GasketInput *input);

/* The path, or "stdin". */
const char *gasket_input_name(const GasketInput *input);
/* A file that can be opened again and read from its start. */
bool gasket_input_reopens(const GasketInput *input);
GasketCompression gasket_input_compression(const GasketInput *input);
/* Bytes read so far before decompression, and of the whole file (0 where unknown). */
uint64_t gasket_input_raw_bytes(const GasketInput *input);
uint64_t gasket_input_raw_size(const GasketInput *input);
/* Lines taken by gasket_input_line. */
uint64_t gasket_input_lines(const GasketInput *input);

/* Shows up to want bytes that come next without taking them: fewer only at the end (or before an
 * error that the next read reports). Lent until the next call. */
bool gasket_input_peek(GasketInput *input, size_t want, const char **ret_text, size_t *ret_size,
                       GError **error);

/* Drops size bytes that a peek has shown. */
void gasket_input_skip(GasketInput *input, size_t size);

/* Takes the next line without its newline (LF or CRLF); NULL at the end of the file. It is
 * terminated by a newline that may be overwritten, and lent until the next call. A line of more
 * than max bytes is a FORMAT error. Errors about content come with `NAME:LINE: `. */
bool gasket_input_line(GasketInput *input, size_t max, char **ret_line, size_t *ret_size,
                       GError **error);

/* Fills buffer: less than capacity only at the end, 0 at the end. Errors come after all good
 * bytes, and without a prefix for the line. */
bool gasket_input_read(GasketInput *input, void *buffer, size_t capacity, size_t *ret_size,
                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketInput, gasket_input_free)

#endif
