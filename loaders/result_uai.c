/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UAI results, in the form of 2014: the task on a line, the solution on the next.
 *
 *   .MAR           nvars (card p{card}){nvars}     the first column that varies in length
 *   .MPE .MAP      nvars value{nvars}              the first column of integers
 *   .PR            log10 Z                         the metric log10_z
 *
 * Variables stand by ascending id, and the reader counts them from 0. The first line of a .MAP file
 * says MAP, of an .MPE file MPE.
 *
 * Cost: the text of the solution in memory, for its first number comes last.
 */
#include <math.h>
#include <string.h>

#include "loaders/result_file.h"
#include "loaders/result_sink.h"

typedef enum {
    TASK_MARGINALS,
    TASK_ASSIGNMENT,
    TASK_PARTITION,
} Task;

typedef struct {
    GasketResultSink sink;
    char *path;
    GasketResultFile *file;
    GasketNumberText *numbers;
    Task task;
    const char *name; /* of the task */
    unsigned column;  /* that holds the solution */
    GasketType type;
    GString *text;
    uint64_t n;
    double log10_z;
} UaiSink;

static void
append_double(UaiSink *sink, double x)
{
    char digits[GASKET_NUMBER_TEXT_MAX];
    g_string_append_len(sink->text, digits,
                        (gssize)gasket_number_text_double(sink->numbers, x, digits));
}

static bool
uai_write(GasketResultSink *base, const GasketResultBlock *block, GError **error)
{
    UaiSink *sink = (UaiSink *)base;
    (void)error;

    sink->n += block->n;
    if (sink->task == TASK_PARTITION)
        return true;
    const void *data = block->columns[sink->column];
    for (size_t i = 0; i < block->n; i++) {
        if (sink->task == TASK_ASSIGNMENT) {
            g_string_append_printf(sink->text, " %d", ((const int32_t *)data)[i]);
            continue;
        }
        const uint64_t *begin = block->begin[sink->column] + i;
        g_string_append_printf(sink->text, " %" G_GUINT64_FORMAT, begin[1] - begin[0]);
        for (uint64_t e = begin[0]; e < begin[1]; e++) {
            g_string_append_c(sink->text, ' ');
            append_double(sink, ((const double *)data)[e]);
        }
    }
    return true;
}

static void
uai_set_metrics(GasketResultSink *base, const GasketReport *report)
{
    UaiSink *sink = (UaiSink *)base;
    for (size_t m = 0; m < report->n_metrics; m++)
        if (strcmp(report->metrics[m].name, "log10_z") == 0)
            sink->log10_z = report->metrics[m].value;
}

static bool
uai_finish(GasketResultSink *base, GError **error)
{
    UaiSink *sink = (UaiSink *)base;
    g_autoptr(GString) head = g_string_new(NULL);

    g_string_append_printf(head, "%s\n", sink->name);
    if (sink->task != TASK_PARTITION) {
        g_string_append_printf(head, "%" G_GUINT64_FORMAT, sink->n);
    } else if (isnan(sink->log10_z)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s: this run gives no log10_z, which a .PR file holds", sink->path);
        return false;
    } else {
        append_double(sink, sink->log10_z);
    }
    g_string_append_c(sink->text, '\n');
    return gasket_result_file_write(sink->file, head->str, head->len, error) &&
           gasket_result_file_write(sink->file, sink->text->str, sink->text->len, error) &&
           gasket_result_file_sync(sink->file, error) &&
           gasket_result_file_publish(sink->file, error);
}

static void
uai_free(GasketResultSink *base)
{
    UaiSink *sink = (UaiSink *)base;
    gasket_result_file_free(sink->file);
    gasket_number_text_free(sink->numbers);
    g_string_free(sink->text, TRUE);
    g_free(sink->path);
    g_free(sink);
}

static Task
task_of(const char *path)
{
    if (g_str_has_suffix(path, ".MAR"))
        return TASK_MARGINALS;
    return g_str_has_suffix(path, ".PR") ? TASK_PARTITION : TASK_ASSIGNMENT;
}

bool
gasket_result_uai_column(const char *path, const GasketResultColumn *columns, unsigned n_columns,
                         unsigned *ret_column, GError **error)
{
    Task task = task_of(path);
    bool varying = task == TASK_MARGINALS;
    if (task == TASK_PARTITION)
        return true;
    for (unsigned c = 0; c < n_columns; c++) {
        if (columns[c].kind != 0 || columns[c].varying != varying ||
            columns[c].type != (varying ? GASKET_DOUBLE : GASKET_INT32))
            continue;
        *ret_column = c;
        return true;
    }
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "%s: this run gives no %s, which the ending asks for", path,
                varying ? "marginals of variables" : "assignment");
    return false;
}

GasketResultSink *
gasket_result_uai_new(const char *path, const GasketResultColumn *columns, unsigned n_columns,
                      GError **error)
{
    UaiSink *sink = g_new0(UaiSink, 1);
    sink->sink = (GasketResultSink){uai_write, uai_finish, uai_free, uai_set_metrics};
    sink->path = g_strdup(path);
    sink->numbers = gasket_number_text_new();
    sink->text = g_string_new(NULL);
    sink->log10_z = NAN;
    sink->task = task_of(path);
    sink->name = sink->task == TASK_MARGINALS     ? "MAR"
                 : sink->task == TASK_PARTITION   ? "PR"
                 : g_str_has_suffix(path, ".MAP") ? "MAP"
                                                  : "MPE";
    if (gasket_result_uai_column(path, columns, n_columns, &sink->column, error))
        sink->file = gasket_result_file_new(path, error);
    if (sink->file == NULL) {
        uai_free(&sink->sink);
        return NULL;
    }
    return &sink->sink;
}
