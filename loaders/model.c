/* SPDX-License-Identifier: Apache-2.0 */
/* Models: which format, and the way to it. See model.h. */
#include "loaders/model.h"

#include <string.h>

#include "loaders/evidence.h"
#include "loaders/format.h"
#include "loaders/model_format.h"
#include "loaders/sqlite_model.h"

/* ORDER gasket_model_formats */
static const GasketModelFormat *const formats[] = {&gasket_model_uai,   &gasket_model_fg,
                                                   &gasket_model_bif,   &gasket_model_alist,
                                                   &gasket_model_image, &gasket_model_priors,
                                                   &gasket_model_sqlite};

const char *const *
gasket_model_formats(void)
{
    static const char *const names[] = {"uai",   "fg",     "bif",    "alist",
                                        "image", "priors", "sqlite", NULL};
    return names;
}

static const GasketModelFormat *
find_format(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

static const GasketModelFormat *
by_extension(const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (gasket_extension_is(path, formats[i]->extensions))
            return formats[i];
    return NULL;
}

static bool
begins(const char *text, size_t size, const char *word)
{
    size_t length = strlen(word);
    return size >= length && strncmp(text, word, length) == 0;
}

/* The format of an input; NULL if it has none of them, without an error. */
static const GasketModelFormat *
recognise(GasketInput *input, const char *path)
{
    const char *text;
    size_t size;
    if (gasket_input_peek(input, 16, &text, &size, NULL)) {
        if (begins(text, size, "SQLite format 3"))
            return &gasket_model_sqlite;
        while (size > 0 && g_ascii_isspace(*text))
            text++, size--;
        if (begins(text, size, "MARKOV") || begins(text, size, "BAYES"))
            return &gasket_model_uai;
    }
    return by_extension(path);
}

bool
gasket_model_recognised(const char *path, const char *format)
{
    const GasketModelFormat *known = format != NULL ? find_format(format) : by_extension(path);
    if (known == NULL && format == NULL && strcmp(path, "-") != 0) { /* stdin can be read once */
        g_autoptr(GasketInput) input = gasket_input_open(path, NULL);
        known = input != NULL ? recognise(input, path) : NULL;
    }
    if (known == &gasket_model_sqlite)
        return gasket_sqlite_has_model(path);
    return known != NULL;
}

void
gasket_model_error_at(GError **error, const GasketTokens *tokens, const GasketToken *token)
{
    if (error == NULL || *error == NULL ||
        !g_error_matches(*error, GASKET_ERROR, GASKET_ERROR_ARGUMENT))
        return;
    (*error)->code = GASKET_ERROR_FORMAT;
    g_prefix_error(error, "%s:%" G_GUINT64_FORMAT ": ", gasket_tokens_name(tokens), token->line);
}

static bool
fill(GasketFactorGraph *model, GasketInput *input, const GasketModelFormat *format,
     const GasketModelOptions *options, GError **error)
{
    if (format->load_path == NULL) {
        g_autoptr(GasketTokens) tokens = gasket_tokens_new(input, format->comment, error);
        return tokens != NULL && format->load(tokens, model, options, error);
    }
    if (gasket_input_reopens(input) && gasket_input_compression(input) == GASKET_COMPRESSION_NONE)
        return format->load_path(model, options->path, gasket_model_max_states(options), error);
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT,
                "%s: a database is read from a plain file, neither compressed nor from a pipe",
                gasket_input_name(input));
    return false;
}

static GasketFactorGraph *
load(GasketInput *input, const GasketModelOptions *options, GasketLoadInfo *ret_info,
     GError **error)
{
    const GasketModelFormat *format = options->format != NULL  ? find_format(options->format)
                                      : options->edges != NULL ? &gasket_model_priors
                                                               : recognise(input, options->path);
    if (options->edges != NULL && format != NULL && format != &gasket_model_priors) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "--edges: found a model in format %s, expected a file of priors", format->name);
        return NULL;
    }
    if (format == NULL) {
        g_autofree char *names = g_strjoinv(", ", (char **)gasket_model_formats());
        if (options->format != NULL)
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                        "--format: found \"%s\", expected a format of models: %s", options->format,
                        names);
        else
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                        "%s:1: found no format of models that is known, expected one of: %s",
                        gasket_input_name(input), names);
        return NULL;
    }
    g_autoptr(GasketFactorGraph) model = gasket_factor_graph_new();
    if (!fill(model, input, format, options, error))
        return NULL;
    if (ret_info != NULL)
        *ret_info = (GasketLoadInfo){
            .format = g_strdup(format->name),
            .compression = g_strdup(gasket_compression_name(gasket_input_compression(input))),
            .bytes = gasket_input_raw_bytes(input),
        };
    if (options->evidence != NULL && !gasket_evidence_load(model, options->evidence, error)) {
        if (ret_info != NULL)
            gasket_load_info_clear(ret_info);
        return NULL;
    }
    return g_steal_pointer(&model);
}

GasketFactorGraph *
gasket_model_load(const GasketModelOptions *options, GasketLoadInfo *ret_info, GError **error)
{
    g_autoptr(GasketInput) input = gasket_input_open(options->path, error);
    return input != NULL ? load(input, options, ret_info, error) : NULL;
}

GasketFactorGraph *
gasket_model_load_memory(const void *data, size_t size, const GasketModelOptions *options,
                         GError **error)
{
    g_autoptr(GasketInput) input = gasket_input_new_memory(options->path, data, size, error);
    return input != NULL ? load(input, options, NULL, error) : NULL;
}
