/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slow halves of scanning: numbers that need a correctly rounding library, and messages about
 * text that may be hostile. See text.h.
 */
#include "loaders/text.h"

#include <stdarg.h>
#include <string.h>

/* Characters of found text that a message shows. */
#define SHOWN 40

/* The end of a decimal number at p, or NULL. */
static const char *
number_end(const char *p)
{
    if (*p == '-' || *p == '+')
        p++;
    const char *first = p;
    while (gasket_text_digit(*p))
        p++;
    ptrdiff_t digits = p - first;
    if (*p == '.') {
        const char *point = p++;
        while (gasket_text_digit(*p))
            p++;
        digits += p - point - 1;
    }
    if (digits == 0)
        return NULL;
    if (*p != 'e' && *p != 'E')
        return p;
    p++;
    if (*p == '-' || *p == '+')
        p++;
    if (!gasket_text_digit(*p))
        return NULL;
    while (gasket_text_digit(*p))
        p++;
    return p;
}

const char *
gasket_scan_double_slow(const char *p, double *ret_value)
{
    const char *end = number_end(p);
    if (end == NULL)
        return NULL;
    char copy[128];
    size_t size = (size_t)(end - p);
    if (size < sizeof copy) {
        memcpy(copy, p, size);
        copy[size] = '\0';
        *ret_value = g_ascii_strtod(copy, NULL);
    } else {
        g_autofree char *longer = g_strndup(p, size);
        *ret_value = g_ascii_strtod(longer, NULL);
    }
    return end;
}

char *
gasket_text_quote(const char *text, size_t size)
{
    GString *out = g_string_new("\"");
    size_t at = 0, shown = 0;
    for (; at < size && shown < SHOWN; shown++) {
        unsigned char c = (unsigned char)text[at];
        if (c == '"' || c == '\\') {
            g_string_append_printf(out, "\\%c", c);
            at++;
        } else if (c >= 0x20 && c < 0x7f) {
            g_string_append_c(out, (char)c);
            at++;
        } else {
            gunichar wide =
                c < 0x80 ? (gunichar)-1 : g_utf8_get_char_validated(text + at, (gssize)(size - at));
            if (wide < 0x110000 && g_unichar_isprint(wide)) {
                g_string_append_unichar(out, wide);
                at += (size_t)g_unichar_to_utf8(wide, NULL);
            } else {
                g_string_append_printf(out, "\\x%02x", c);
                at++;
            }
        }
    }
    g_string_append(out, at < size ? "...\"" : "\"");
    return g_string_free(out, FALSE);
}

void
gasket_text_error(GError **error, const char *text, size_t size, const char *expected, ...)
{
    va_list arguments;
    va_start(arguments, expected);
    g_autofree char *wanted = g_strdup_vprintf(expected, arguments);
    va_end(arguments);
    g_autofree char *quoted =
        size == 0 ? g_strdup("the end of the line") : gasket_text_quote(text, size);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT, "found %s, expected %s", quoted, wanted);
}

void
gasket_text_error_at(GError **error, const char *name, uint64_t line)
{
    if (error != NULL && g_error_matches(*error, GASKET_ERROR, GASKET_ERROR_FORMAT))
        g_prefix_error(error, "%s:%" G_GUINT64_FORMAT ": ", name, line);
}
