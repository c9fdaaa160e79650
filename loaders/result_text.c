/* SPDX-License-Identifier: Apache-2.0 */
/* Results as lines of text: tsv, csv and jsonl (result_row.h) into a file (result_file.h). */
#include "loaders/result_file.h"
#include "loaders/result_sink.h"

/* Text is handed to the file once it has grown to about this. */
#define CHUNK_BYTES ((size_t)64 << 10)

typedef struct {
    GasketResultSink sink;
    GasketResultRow row;
    GasketResultFile *file;
    GString *text;
} TextSink;

static bool
text_write(GasketResultSink *sink, const GasketResultBlock *block, GError **error)
{
    TextSink *text = (TextSink *)sink;

    for (size_t i = 0; i < block->n; i++) {
        gasket_result_row_append(&text->row, block, i, text->text);
        if (text->text->len < CHUNK_BYTES)
            continue;
        if (!gasket_result_file_write(text->file, text->text->str, text->text->len, error))
            return false;
        g_string_truncate(text->text, 0);
    }
    return true;
}

static bool
text_finish(GasketResultSink *sink, GError **error)
{
    TextSink *text = (TextSink *)sink;

    return gasket_result_file_write(text->file, text->text->str, text->text->len, error) &&
           gasket_result_file_sync(text->file, error) &&
           gasket_result_file_publish(text->file, error);
}

static void
text_free(GasketResultSink *sink)
{
    TextSink *text = (TextSink *)sink;

    gasket_result_row_clear(&text->row);
    gasket_result_file_free(text->file);
    g_string_free(text->text, TRUE);
    g_free(text);
}

GasketResultSink *
gasket_result_text_new(GasketRowStyle style, const char *path, const GasketResultColumn *columns,
                       unsigned n_columns, const GasketResultOptions *options, GError **error)
{
    GasketResultFile *file = gasket_result_file_new(path, error);
    if (file == NULL)
        return NULL;

    TextSink *text = g_new0(TextSink, 1);
    text->sink = (GasketResultSink){text_write, text_finish, text_free, NULL};
    text->file = file;
    text->text = g_string_sized_new(2 * CHUNK_BYTES);
    gasket_result_row_init(&text->row, style, options->id_name, options->index_name, columns,
                           n_columns);
    if (!options->no_header)
        gasket_result_row_append_header(&text->row, text->text);
    return &text->sink;
}
