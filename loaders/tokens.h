/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole input as tokens: words between blanks and line ends, for formats whose lines have no
 * meaning of their own.
 *
 *   g_autoptr(GasketTokens) tokens = gasket_tokens_new(input, '#', error);
 *   uint64_t n;
 *   if (tokens == NULL || !gasket_tokens_count(tokens, 0, 1000, "a number of edges", &n, error))
 *       return false;              ("a.uai:3: found "x" (word 2), expected ...")
 *
 * Comments go from a character to the end of the line. Every error names the file, the line and
 * which word of the line was at fault.
 *
 * Cost: the decompressed input in memory.
 */
#ifndef GASKET_LOADERS_TOKENS_H
#define GASKET_LOADERS_TOKENS_H

#include "loaders/input.h"

typedef struct {
    const char *text; /* ends with a character that belongs to no number; NULL: the end */
    size_t size;
    uint64_t line; /* from 1; of the end: the last line */
    uint64_t word; /* of the line, from 1 */
} GasketToken;

typedef struct GasketTokens GasketTokens;

/* Reads the input to its end. comment: '\0' if there are none. Errors: INPUT, FORMAT, MEMORY. */
GasketTokens *gasket_tokens_new(GasketInput *input, char comment, GError **error);
void gasket_tokens_free(GasketTokens *tokens);
const char *gasket_tokens_name(const GasketTokens *tokens);

/* Takes the next token, or shows it without taking it. */
GasketToken gasket_tokens_next(GasketTokens *tokens);
GasketToken gasket_tokens_peek(const GasketTokens *tokens);

/* The whole text, terminated by a NUL, for formats whose tokens are others. */
const char *gasket_tokens_text(const GasketTokens *tokens, size_t *ret_size);

/* Goes back to the start. */
void gasket_tokens_rewind(GasketTokens *tokens);

/* Takes `size` bytes as they stand, beginning right behind the byte after the last token; NULL if
 * there are fewer. */
const char *gasket_tokens_raw(GasketTokens *tokens, size_t size);

/* Bytes that have not been taken. */
size_t gasket_tokens_left(const GasketTokens *tokens);

/* Takes a number from least to most, or a finite decimal number of at least 0; what says what was
 * expected. */
bool gasket_tokens_count(GasketTokens *tokens, uint64_t least, uint64_t most, const char *what,
                         uint64_t *ret_count, GError **error);
bool gasket_tokens_weight(GasketTokens *tokens, const char *what, double *ret_weight,
                          GError **error);

/* Whether nothing follows. */
bool gasket_tokens_end(GasketTokens *tokens, GError **error);

/* Sets a FORMAT error about a token: `NAME:LINE: found "text" (word N), expected ...`. Always
 * false. */
bool gasket_tokens_refuse(const GasketTokens *tokens, const GasketToken *token, GError **error,
                          const char *expected, ...) G_GNUC_PRINTF(4, 5);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketTokens, gasket_tokens_free)

#endif
