/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a snapshot's manifest; see snapshot_manifest.h. */
#include "engine/snapshot_manifest.h"

#include <string.h>
#include <xxhash.h>

#define FIRST_LINE "gasket snapshot 1"

/* ORDER gasket_engine */
static const char *const engine_names[] = {"sync", "chromatic", "async"};

void
gasket_snapshot_manifest_clear(GasketSnapshotManifest *manifest)
{
    g_free(manifest->version);
    g_free(manifest->byte_order);
    g_free(manifest->algorithm);
    g_free(manifest->engine);
    g_strfreev(manifest->options);
    g_free(manifest->files);
    *manifest = (GasketSnapshotManifest){0};
}

GasketSum128
gasket_sum128(const void *bytes, size_t n)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, n);
    return (GasketSum128){hash.low64, hash.high64};
}

/* ---- what a job is --------------------------------------------------------------------------- */

/* A number in the fewest digits that read back as itself. */
static const char *
shortest(double x, char *text, int size)
{
    g_ascii_formatd(text, size, "%.15g", x);
    return g_ascii_strtod(text, NULL) == x ? text : g_ascii_dtostr(text, size, x);
}

static char *
option_text(const GasketOption *option, const void *parameters)
{
    const void *field = (const char *)parameters + option->offset;
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    switch (option->type) {
    case GASKET_OPTION_BOOL:
        return g_strdup_printf("%s %s", option->name, *(const bool *)field ? "true" : "false");
    case GASKET_OPTION_INT:
        return g_strdup_printf("%s %" G_GINT64_FORMAT, option->name, *(const int64_t *)field);
    case GASKET_OPTION_DOUBLE:
        return g_strdup_printf("%s %s", option->name,
                               shortest(*(const double *)field, digits, sizeof digits));
    case GASKET_OPTION_CHOICE:
        return g_strdup_printf("%s %s", option->name, option->choices[*(const int *)field]);
    case GASKET_OPTION_STRING:
    case GASKET_OPTION_COLUMN:
    case GASKET_OPTION_FEATURES:
        break;
    }
    const char *given = *(const char *const *)field;
    g_autofree char *escaped = g_strescape(given != NULL ? given : "", NULL);
    return g_strdup_printf("%s \"%s\"", option->name, escaped);
}

static char **
option_lines(const GasketJob *job)
{
    GPtrArray *lines = g_ptr_array_new();
    const GasketOption *option = job->algorithm->options;
    for (; option != NULL && option->name != NULL; option++)
        g_ptr_array_add(lines, option_text(option, job->parameters));
    g_ptr_array_add(lines, NULL);
    return (char **)g_ptr_array_free(lines, FALSE);
}

void
gasket_snapshot_manifest_describe(GasketSnapshotManifest *manifest, const GasketJob *job)
{
    manifest->version = g_strdup(GASKET_VERSION);
    manifest->byte_order = g_strdup(G_BYTE_ORDER == G_LITTLE_ENDIAN ? "little" : "big");
    manifest->algorithm = g_strdup(job->algorithm->name);
    manifest->engine = g_strdup(engine_names[job->engine]);
    manifest->options = option_lines(job);
    manifest->seed = job->seed;
}

/* ---- writing --------------------------------------------------------------------------------- */

char *
gasket_snapshot_manifest_text(const GasketSnapshotManifest *manifest)
{
    GString *text = g_string_new(FIRST_LINE "\n");

    g_string_append_printf(text, "version %s\nbyte-order %s\nalgorithm %s\n", manifest->version,
                           manifest->byte_order, manifest->algorithm);
    for (char **option = manifest->options; *option != NULL; option++)
        g_string_append_printf(text, "option %s\n", *option);
    g_string_append_printf(text, "engine %s\n", manifest->engine);
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"seed", manifest->seed},    {"iteration", manifest->iteration},
                   {"step", manifest->step},    {"vertices", manifest->vertices},
                   {"edges", manifest->edges},  {"graph", manifest->graph},
                   {"files", manifest->n_files}};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        g_string_append_printf(text, "%s %" G_GUINT64_FORMAT "\n", numbers[i].name,
                               numbers[i].value);
    for (unsigned f = 0; f < manifest->n_files; f++)
        g_string_append_printf(text,
                               "file rank-%u %" G_GUINT64_FORMAT " %016" G_GINT64_MODIFIER
                               "x%016" G_GINT64_MODIFIER "x\n",
                               f, manifest->files[f].bytes, manifest->files[f].sum.high,
                               manifest->files[f].sum.low);
    GasketSum128 sum = gasket_sum128(text->str, text->len);
    g_string_append_printf(text, "end %016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x\n",
                           sum.high, sum.low);
    return g_string_free(text, FALSE);
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    char **lines; /* NULL-terminated */
    unsigned line;
    GError **error;
} Reader;

static bool
refuse(const Reader *reader, const char *expected)
{
    const char *found = reader->lines[reader->line];
    g_autofree char *cut = g_strndup(found != NULL ? found : "", 60);
    g_autofree char *printable = g_strescape(cut, NULL);

    g_set_error(reader->error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s:%u: found \"%s\", expected %s", reader->name, reader->line + 1, printable,
                expected);
    return false;
}

/* The rest of a line that starts with `word `, and goes on to the next; NULL if it does not. */
static const char *
take(Reader *reader, const char *word)
{
    const char *line = reader->lines[reader->line];
    size_t length = strlen(word);
    if (line == NULL || strncmp(line, word, length) != 0 || line[length] != ' ')
        return NULL;
    reader->line++;
    return line + length + 1;
}

static bool
take_text(Reader *reader, const char *word, char **ret_text)
{
    const char *rest = take(reader, word);
    if (rest == NULL)
        return refuse(reader, word);
    *ret_text = g_strdup(rest);
    return true;
}

static bool
take_number(Reader *reader, const char *word, uint64_t most, uint64_t *ret_number)
{
    const char *rest = take(reader, word);
    if (rest != NULL && g_ascii_string_to_unsigned(rest, 10, 0, most, ret_number, NULL))
        return true;
    reader->line -= rest != NULL;
    return refuse(reader, word);
}

static bool
parse_sum(const char *text, GasketSum128 *ret_sum)
{
    char half[17] = "";

    if (strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32)
        return false;
    memcpy(half, text, 16);
    ret_sum->high = g_ascii_strtoull(half, NULL, 16);
    ret_sum->low = g_ascii_strtoull(text + 16, NULL, 16);
    return true;
}

static bool
take_file(Reader *reader, unsigned rank, GasketSnapshotFile *file)
{
    const char *rest = take(reader, "file");
    g_autofree char *name = g_strdup_printf("rank-%u", rank);
    g_auto(GStrv) words = g_strsplit(rest != NULL ? rest : "", " ", 4);

    if (g_strv_length(words) == 3 && strcmp(words[0], name) == 0 &&
        g_ascii_string_to_unsigned(words[1], 10, 0, INT64_MAX, &file->bytes, NULL) &&
        parse_sum(words[2], &file->sum))
        return true;
    reader->line -= rest != NULL;
    return refuse(reader, "file rank-N BYTES SUM");
}

static bool
read_lines(Reader *reader, GasketSnapshotManifest *manifest)
{
    uint64_t n_files;
    const char *option;

    if (reader->lines[0] == NULL || strcmp(reader->lines[0], FIRST_LINE) != 0)
        return refuse(reader, "\"" FIRST_LINE "\"");
    reader->line = 1;
    if (!take_text(reader, "version", &manifest->version) ||
        !take_text(reader, "byte-order", &manifest->byte_order) ||
        !take_text(reader, "algorithm", &manifest->algorithm))
        return false;
    GPtrArray *options = g_ptr_array_new();
    while ((option = take(reader, "option")) != NULL)
        g_ptr_array_add(options, g_strdup(option));
    g_ptr_array_add(options, NULL);
    manifest->options = (char **)g_ptr_array_free(options, FALSE);
    if (!take_text(reader, "engine", &manifest->engine) ||
        !take_number(reader, "seed", UINT64_MAX, &manifest->seed) ||
        !take_number(reader, "iteration", UINT64_MAX, &manifest->iteration) ||
        !take_number(reader, "step", UINT64_MAX, &manifest->step) ||
        !take_number(reader, "vertices", UINT64_MAX, &manifest->vertices) ||
        !take_number(reader, "edges", UINT64_MAX, &manifest->edges) ||
        !take_number(reader, "graph", UINT64_MAX, &manifest->graph) ||
        !take_number(reader, "files", GASKET_SNAPSHOT_MAX_RANKS, &n_files))
        return false;
    manifest->n_files = (unsigned)n_files;
    manifest->files = g_new0(GasketSnapshotFile, n_files + 1);
    for (unsigned f = 0; f < n_files; f++)
        if (!take_file(reader, f, &manifest->files[f]))
            return false;
    return true;
}

/* The last line is `end SUM`, of everything before it: nothing was changed or lost. */
static bool
check_end(const Reader *reader, const char *text, size_t n)
{
    static const char *const expected = "\"end\" and the sum of the lines above";
    GasketSum128 said, found;
    const char *end = reader->lines[reader->line];

    if (end == NULL || strncmp(end, "end ", 4) != 0 || !parse_sum(end + 4, &said))
        return refuse(reader, expected);
    size_t n_end = strlen(end) + 1; /* with its end of line, which is the file's */
    if (n < n_end || text[n - 1] != '\n')
        return refuse(reader, expected);
    found = gasket_sum128(text, n - n_end);
    if (memcmp(text + n - n_end, end, n_end - 1) != 0 || said.low != found.low ||
        said.high != found.high)
        return refuse(reader, "the sum of the lines above: the manifest is damaged");
    return true;
}

bool
gasket_snapshot_manifest_parse(const char *text, size_t n, const char *name,
                               GasketSnapshotManifest *manifest, GError **error)
{
    g_autofree char *copy = g_strndup(text, n);
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
    Reader reader = {.name = name, .lines = lines, .error = error};

    return read_lines(&reader, manifest) && check_end(&reader, text, n);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool
differs(const char *name, const char *what, const char *has, const char *expected, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FORMAT,
                "%s: a snapshot of another %s: found %s, expected %s", name, what, has, expected);
    return false;
}

bool
gasket_snapshot_manifest_fits(const GasketSnapshotManifest *manifest,
                              const GasketSnapshotManifest *own, const char *name, GError **error)
{
    char has[24], wants[24];

    if (strcmp(manifest->version, own->version) != 0)
        return differs(name, "version", manifest->version, own->version, error);
    if (strcmp(manifest->byte_order, own->byte_order) != 0)
        return differs(name, "byte order", manifest->byte_order, own->byte_order, error);
    if (strcmp(manifest->algorithm, own->algorithm) != 0)
        return differs(name, "program", manifest->algorithm, own->algorithm, error);
    if (g_strv_length(manifest->options) != g_strv_length(own->options))
        return differs(name, "program", "other options", "those of this version", error);
    for (unsigned i = 0; own->options[i] != NULL; i++)
        if (strcmp(manifest->options[i], own->options[i]) != 0)
            return differs(name, "choice of options", manifest->options[i], own->options[i], error);
    if (strcmp(manifest->engine, own->engine) != 0)
        return differs(name, "engine", manifest->engine, own->engine, error);
    g_snprintf(has, sizeof has, "%" G_GUINT64_FORMAT, manifest->seed);
    g_snprintf(wants, sizeof wants, "%" G_GUINT64_FORMAT, own->seed);
    return manifest->seed == own->seed || differs(name, "seed", has, wants, error);
}
