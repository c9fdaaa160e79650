/* SPDX-License-Identifier: Apache-2.0 */
/* The loader's part of the report over the wire: figures, then texts. */
#include "engine/report_wire.h"

#include <string.h>

#define N_TEXTS  6
#define MAX_TEXT 4096

typedef struct {
    uint64_t vertices, edges, bytes, weighted, cut_edges, ghosts;
    double balance, load, number, plan;
} InputFigures;

static void
list_texts(GasketReport *report, char **texts[N_TEXTS])
{
    texts[0] = &report->input.path;
    texts[1] = &report->input.format;
    texts[2] = &report->plan.order;
    texts[3] = &report->plan.order_reason;
    texts[4] = &report->plan.partition;
    texts[5] = &report->plan.partition_reason;
}

bool
gasket_report_send_input(const GasketReport *report, GasketStream *stream, GError **error)
{
    InputFigures figures = {report->input.vertices, report->input.edges,    report->input.bytes,
                            report->input.weighted, report->plan.cut_edges, report->plan.ghosts,
                            report->plan.balance,   report->seconds.load,   report->seconds.number,
                            report->seconds.plan};
    char **texts[N_TEXTS];

    if (!gasket_stream_write(stream, &figures, sizeof figures, error))
        return false;
    list_texts((GasketReport *)report, texts);
    for (unsigned t = 0; t < N_TEXTS; t++) {
        const char *text = *texts[t] == NULL ? "" : *texts[t];
        uint32_t n = (uint32_t)MIN(strlen(text), MAX_TEXT);
        if (!gasket_stream_write(stream, &n, sizeof n, error) ||
            !gasket_stream_write(stream, text, n, error))
            return false;
    }
    return true;
}

bool
gasket_report_receive_input(GasketReport *report, GasketStream *stream, GError **error)
{
    InputFigures figures;
    char **texts[N_TEXTS];

    if (!gasket_stream_read(stream, &figures, sizeof figures, error))
        return false;
    report->input.vertices = figures.vertices;
    report->input.edges = figures.edges;
    report->input.bytes = figures.bytes;
    report->input.weighted = figures.weighted != 0;
    report->plan.cut_edges = figures.cut_edges;
    report->plan.ghosts = figures.ghosts;
    report->plan.balance = figures.balance;
    report->seconds.load = figures.load;
    report->seconds.number = figures.number;
    report->seconds.plan = figures.plan;
    list_texts(report, texts);
    for (unsigned t = 0; t < N_TEXTS; t++) {
        uint32_t n;
        if (!gasket_stream_read(stream, &n, sizeof n, error))
            return false;
        if (n > MAX_TEXT) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL,
                        "the loader sent a text of %u bytes", n);
            return false;
        }
        g_autofree char *text = g_malloc0((size_t)n + 1);
        if (!gasket_stream_read(stream, text, n, error))
            return false;
        if (n > 0) {
            g_free(*texts[t]);
            *texts[t] = g_steal_pointer(&text);
        }
    }
    return true;
}
