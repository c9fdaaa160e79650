/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of a whole input; see tokens.h. */
#include "loaders/tokens.h"

#include <float.h>
#include <stdarg.h>
#include <string.h>

#include "engine/array.h"
#include "loaders/text.h"

#define FIRST_ROOM ((size_t)1 << 16)

struct GasketTokens {
    char *name;
    char *text; /* [size + 1], a NUL behind it; gasket_array */
    size_t size, at;
    uint64_t line, word; /* of what was taken last */
    char comment;
};

/* Of the byte behind the text. */
static uint64_t
last_line(const GasketTokens *tokens)
{
    uint64_t line = 1;
    for (size_t i = 0; i < tokens->size; i++)
        line += tokens->text[i] == '\n';
    return line;
}

/* The whole input, terminated. What ends it too early is reported only by the read behind its last
 * good byte, so that one is always made. */
static bool
read_all(GasketTokens *tokens, GasketInput *input, GError **error)
{
    size_t room = FIRST_ROOM, got;

    if (gasket_input_raw_size(input) > 0) /* of a small plain file, all and its end */
        room = MIN(room, (size_t)MIN(gasket_input_raw_size(input), FIRST_ROOM) + 1);
    tokens->text = gasket_array_new(room + 1, 1, error);
    while (tokens->text != NULL) {
        if (!gasket_input_read(input, tokens->text + tokens->size, room - tokens->size, &got,
                               error)) {
            gasket_text_error_at(error, tokens->name, last_line(tokens));
            return false;
        }
        tokens->size += got;
        if (got == 0) {
            tokens->text[tokens->size] = '\0';
            return true;
        }
        if (tokens->size < room)
            continue;
        char *larger = gasket_array_resize(tokens->text, 2 * room + 1, 1, error);
        if (larger == NULL)
            return false;
        tokens->text = larger;
        room *= 2;
    }
    return false;
}

GasketTokens *
gasket_tokens_new(GasketInput *input, char comment, GError **error)
{
    g_autoptr(GasketTokens) tokens = g_new0(GasketTokens, 1);
    tokens->name = g_strdup(gasket_input_name(input));
    tokens->comment = comment;
    tokens->line = 1;
    return read_all(tokens, input, error) ? g_steal_pointer(&tokens) : NULL;
}

void
gasket_tokens_free(GasketTokens *tokens)
{
    if (tokens == NULL)
        return;
    gasket_array_free(tokens->text);
    g_free(tokens->name);
    g_free(tokens);
}

const char *
gasket_tokens_name(const GasketTokens *tokens)
{
    return tokens->name;
}

size_t
gasket_tokens_left(const GasketTokens *tokens)
{
    return tokens->size - tokens->at;
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Finds the token at or behind *at, which is moved behind it. */
static GasketToken
find(const GasketTokens *tokens, size_t *at)
{
    const char *text = tokens->text;
    size_t size = tokens->size, i = *at;
    uint64_t line = tokens->line, word = tokens->word;

    for (;; i++) {
        if (i < size && tokens->comment != '\0' && text[i] == tokens->comment)
            while (i < size && text[i] != '\n')
                i++;
        if (i >= size || !is_space(text[i]))
            break;
        if (text[i] == '\n' && i + 1 < size)
            line++, word = 0;
    }
    size_t begin = i;
    while (i < size && !is_space(text[i]) &&
           (tokens->comment == '\0' || text[i] != tokens->comment))
        i++;
    *at = i;
    return (GasketToken){begin < size ? text + begin : NULL, i - begin, line, word + 1};
}

GasketToken
gasket_tokens_next(GasketTokens *tokens)
{
    GasketToken token = find(tokens, &tokens->at);
    tokens->line = token.line;
    tokens->word = token.word;
    return token;
}

GasketToken
gasket_tokens_peek(const GasketTokens *tokens)
{
    size_t at = tokens->at;
    return find(tokens, &at);
}

const char *
gasket_tokens_text(const GasketTokens *tokens, size_t *ret_size)
{
    *ret_size = tokens->size;
    return tokens->text;
}

void
gasket_tokens_rewind(GasketTokens *tokens)
{
    tokens->at = 0;
    tokens->line = 1;
    tokens->word = 0;
}

const char *
gasket_tokens_raw(GasketTokens *tokens, size_t size)
{
    if (tokens->at >= tokens->size || tokens->size - tokens->at - 1 < size)
        return NULL;
    const char *raw = tokens->text + tokens->at + 1;
    tokens->at += size + 1;
    return raw;
}

bool
gasket_tokens_refuse(const GasketTokens *tokens, const GasketToken *token, GError **error,
                     const char *expected, ...)
{
    va_list arguments;
    va_start(arguments, expected);
    g_autofree char *wanted = g_strdup_vprintf(expected, arguments);
    va_end(arguments);
    g_autofree char *quoted = token->text == NULL ? g_strdup("the end of the file")
                                                  : gasket_text_quote(token->text, token->size);
    g_autofree char *place = token->text == NULL
                                 ? g_strdup("")
                                 : g_strdup_printf(" (word %" G_GUINT64_FORMAT ")", token->word);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s:%" G_GUINT64_FORMAT ": found %s%s, expected %s", tokens->name, token->line,
                quoted, place, wanted);
    return false;
}

bool
gasket_tokens_count(GasketTokens *tokens, uint64_t least, uint64_t most, const char *what,
                    uint64_t *ret_count, GError **error)
{
    GasketToken token = gasket_tokens_next(tokens);
    uint64_t count = 0;
    const char *end = token.text != NULL ? gasket_scan_count(token.text, &count) : NULL;

    if (end == NULL || end != token.text + token.size || count < least || count > most)
        return gasket_tokens_refuse(tokens, &token, error,
                                    "%s from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, what,
                                    least, most);
    *ret_count = count;
    return true;
}

bool
gasket_tokens_weight(GasketTokens *tokens, const char *what, double *ret_weight, GError **error)
{
    GasketToken token = gasket_tokens_next(tokens);
    double weight = 0;
    const char *end = token.text != NULL ? gasket_scan_double(token.text, &weight) : NULL;

    if (end == NULL || end != token.text + token.size || !(weight >= 0) || weight > DBL_MAX)
        return gasket_tokens_refuse(tokens, &token, error, "%s, a finite number of at least 0",
                                    what);
    *ret_weight = weight + 0.0; /* -0 is 0 */
    return true;
}

bool
gasket_tokens_end(GasketTokens *tokens, GError **error)
{
    GasketToken token = gasket_tokens_next(tokens);
    return token.text == NULL || gasket_tokens_refuse(tokens, &token, error, "the end of the file");
}
