/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting results at rank 0. See results.h. */
#include "engine/results.h"

#include <string.h>
#include <sys/resource.h>

#include "engine/array.h"
#include "engine/result_block.h"

#define BLOCK_ROWS 4096

/* ORDER gasket_result_request */
typedef enum {
    REQUEST_END,
    REQUEST_FIRST, /* of a kind */
    REQUEST_NEXT,
} RequestOperation;

typedef struct {
    uint32_t operation, kind, with_columns, zero;
} Request;

/* Rows that one rank gives, in order. */
typedef struct {
    GasketFrame *frame; /* NULL: none asked for yet, or at the end */
    GasketResultRows rows;
    uint32_t next;       /* row of the frame */
    uint64_t text_begin; /* of that row's id */
    uint64_t *at;        /* [n_fields] elements of varying columns before that row */
    bool ended;
} Source;

typedef struct {
    GasketRun *run;
    const GasketJob *job;
    unsigned kind;
    GasketResultField *fields;
    unsigned n_fields;
    Source *sources;   /* [size] */
    uint32_t own_next; /* of this rank's rows */
    const GasketVertex *order;
} Collector;

/* ---- serving --------------------------------------------------------------------------------- */

static bool
send_figures(GasketRun *run, const GasketJob *job, GError **error)
{
    GasketReportWorker figures;
    gasket_run_figures(run, &figures);
    if (job->simulation != NULL) /* what is sent must be a function of the seed */
        figures.compute_seconds = figures.wait_seconds = 0, figures.peak_bytes = 0;
    g_autoptr(GasketFrame) frame = gasket_frame_new(GASKET_WIRE_WORKER, sizeof figures, error);
    if (frame == NULL)
        return false;
    memcpy(frame->payload, &figures, sizeof figures);
    return gasket_transport_send(gasket_exchange_transport(run->exchange), 0, GASKET_CHANNEL_BULK,
                                 &frame, error);
}

static GasketFrame *
end_frame(GError **error)
{
    GasketFrame *frame = gasket_frame_new(GASKET_WIRE_RESULT, 1, error);
    if (frame != NULL)
        frame->payload[0] = 0;
    return frame;
}

/* The next packed rows of a kind; an end frame (of one byte) when there are no more. */
static GasketFrame *
next_rows(GasketRun *run, const GasketJob *job, unsigned kind, bool with_columns, uint32_t *next,
          GError **error)
{
    uint32_t count = 0;

    if (*next == run->part->kinds[kind].n_owned)
        return end_frame(error);
    const GasketVertex *order = gasket_run_by_ordinal(run, kind, error);
    if (order == NULL)
        return NULL;
    unsigned n_fields;
    g_autofree GasketResultField *fields = gasket_result_fields(job, kind, &n_fields);
    GasketFrame *frame = gasket_result_pack(run, kind, order, *next, fields,
                                            with_columns ? n_fields : 0, &count, error);
    *next += count;
    return frame;
}

bool
gasket_results_serve(GasketRun *run, const GasketJob *job, GError **error)
{
    GasketTransport *transport = gasket_exchange_transport(run->exchange);
    uint32_t next = 0;

    for (;;) {
        g_autoptr(GasketFrame) asked = NULL;
        Request request;
        if (!gasket_transport_receive_wait(transport, 0, GASKET_CHANNEL_CONTROL, &asked, error))
            return false;
        if (asked->type != GASKET_WIRE_RESULT_MORE || asked->length != sizeof request)
            return gasket_exchange_refuse(0, "a request that is none", error);
        memcpy(&request, asked->payload, sizeof request);
        if (request.operation == REQUEST_END)
            return send_figures(run, job, error);
        if (request.operation > REQUEST_NEXT || request.kind >= run->part->n_kinds)
            return gasket_exchange_refuse(0, "a request that is none", error);
        if (request.operation == REQUEST_FIRST)
            next = 0;
        g_autoptr(GasketFrame) frame =
            next_rows(run, job, request.kind, request.with_columns != 0, &next, error);
        if (frame == NULL ||
            !gasket_transport_send(transport, 0, GASKET_CHANNEL_BULK, &frame, error))
            return false;
    }
}

/* ---- collecting ------------------------------------------------------------------------------ */

static bool
ask(GasketRun *run, unsigned peer, RequestOperation operation, unsigned kind, bool with_columns,
    GError **error)
{
    Request request = {operation, kind, with_columns, 0};
    g_autoptr(GasketFrame) frame = gasket_frame_new(GASKET_WIRE_RESULT_MORE, sizeof request, error);
    if (frame == NULL)
        return false;
    memcpy(frame->payload, &request, sizeof request);
    return gasket_transport_send(gasket_exchange_transport(run->exchange), peer,
                                 GASKET_CHANNEL_CONTROL, &frame, error);
}

/* Gets a source's next frame, and asks its rank for the one after. */
static bool
refill(Collector *c, unsigned p, bool with_columns, GError **error)
{
    Source *source = &c->sources[p];
    unsigned n_fields = with_columns ? c->n_fields : 0;

    gasket_frame_free(g_steal_pointer(&source->frame));
    source->next = 0;
    source->text_begin = 0;
    memset(source->at, 0, c->n_fields * sizeof *source->at);
    if (p == 0)
        source->frame = next_rows(c->run, c->job, c->kind, with_columns, &c->own_next, error);
    else if (!gasket_transport_receive_wait(gasket_exchange_transport(c->run->exchange), p,
                                            GASKET_CHANNEL_BULK, &source->frame, error))
        return false;
    if (source->frame == NULL)
        return false;
    if (source->frame->type != GASKET_WIRE_RESULT)
        return gasket_exchange_refuse(p, "no result", error);
    if (source->frame->length == 1) {
        source->ended = true;
        source->rows.count = 0;
        return true;
    }
    if (!gasket_result_unpack(source->frame, c->fields, n_fields, &source->rows) ||
        source->rows.count == 0)
        return gasket_exchange_refuse(p, "a result that does not fit", error);
    return p == 0 || ask(c->run, p, REQUEST_NEXT, c->kind, with_columns, error);
}

/* The source that has the row of an ordinal. */
static bool
find_source(Collector *c, uint32_t ordinal, bool with_columns, unsigned *ret_p, GError **error)
{
    for (unsigned p = 0; p < c->run->part->size; p++) {
        Source *source = &c->sources[p];
        if (!source->ended && source->next == source->rows.count &&
            !refill(c, p, with_columns, error))
            return false;
        if (!source->ended && source->rows.ordinal[source->next] == ordinal) {
            *ret_p = p;
            return true;
        }
    }
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL, "no worker has vertex %u", ordinal);
    return false;
}

/* Ids being appended: integers, or text. */
typedef struct {
    bool text;
    uint32_t n;
    int64_t *integers; /* [room] or NULL */
    uint64_t *begins;  /* [room + 1] or NULL */
    char *bytes;       /* [bytes_room] */
    uint64_t bytes_room;
} IdList;

static void
id_list_clear(IdList *list)
{
    gasket_array_free(list->integers);
    gasket_array_free(list->begins);
    gasket_array_free(list->bytes);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(IdList, id_list_clear)

/* Makes room for `room` ids. */
static bool
id_list_init(IdList *list, bool text, uint32_t room, GError **error)
{
    list->text = text;
    if (!text) {
        list->integers = gasket_array_new(room, sizeof *list->integers, error);
        return list->integers != NULL;
    }
    list->begins = gasket_array_new((uint64_t)room + 1, sizeof *list->begins, error);
    return list->begins != NULL;
}

static bool
id_list_append_text(IdList *list, const char *text, uint32_t length, GError **error)
{
    uint64_t begin = list->begins[list->n], end = begin + length;

    if (end > list->bytes_room) {
        uint64_t room = MAX(2 * list->bytes_room, end + 256);
        char *bytes = gasket_array_resize(list->bytes, room, 1, error);
        if (bytes == NULL)
            return false;
        list->bytes = bytes;
        list->bytes_room = room;
    }
    if (length > 0)
        memcpy(list->bytes + begin, text, length);
    list->begins[++list->n] = end;
    return true;
}

/* Appends the id of the next row of a rank. */
static bool
id_list_append(IdList *list, unsigned rank, const Source *source, GError **error)
{
    if (list->text != (source->rows.integer == NULL))
        return gasket_exchange_refuse(rank, "ids of another type", error);
    if (list->text)
        return id_list_append_text(list, source->rows.text + source->text_begin,
                                   source->rows.text_length[source->next], error);
    list->integers[list->n++] = source->rows.integer[source->next];
    return true;
}

static GasketIds
id_list_view(const IdList *list)
{
    return (GasketIds){.n = list->n,
                       .integer = list->integers,
                       .text_begin = list->begins,
                       .text = list->bytes};
}

static void
advance(const Collector *c, Source *source, bool with_columns)
{
    if (source->rows.text_length != NULL)
        source->text_begin += source->rows.text_length[source->next];
    for (unsigned f = 0; with_columns && f < c->n_fields; f++)
        if (source->rows.lengths[f] != NULL)
            source->at[f] += source->rows.lengths[f][source->next];
    source->next++;
}

static void
collector_reset(Collector *c)
{
    for (unsigned p = 0; p < c->run->part->size; p++) {
        gasket_frame_free(g_steal_pointer(&c->sources[p].frame));
        Source *source = &c->sources[p];
        const GasketResultRows rows = source->rows;
        *source = (Source){.at = source->at};
        source->rows.columns = rows.columns;
        source->rows.lengths = rows.lengths;
    }
    c->own_next = 0;
}

static bool
begin_pass(Collector *c, bool with_columns, GError **error)
{
    collector_reset(c);
    for (unsigned p = 1; p < c->run->part->size; p++)
        if (!ask(c->run, p, REQUEST_FIRST, c->kind, with_columns, error))
            return false;
    return true;
}

/* All ids of a kind by ordinal. */
static bool
collect_directory(Collector *c, IdList *list, GError **error)
{
    uint32_t n = c->run->part->kinds[c->kind].n_global;

    if (!begin_pass(c, false, error))
        return false;
    for (uint32_t ordinal = 0; ordinal < n; ordinal++) {
        unsigned p;
        if (!find_source(c, ordinal, false, &p, error) ||
            !id_list_append(list, p, &c->sources[p], error))
            return false;
        advance(c, &c->sources[p], false);
    }
    return true;
}

/* Hands the rows of a kind to the job, in blocks. */
static bool
collect_rows(Collector *c, const GasketIds *directory, IdList *list, GError **error)
{
    uint32_t n = c->run->part->kinds[c->kind].n_global;
    g_auto(GasketResultBuffer) buffer = {0};
    bool ok = begin_pass(c, true, error) &&
              gasket_result_buffer_init(&buffer, c->fields, c->n_fields, BLOCK_ROWS, error);

    for (uint32_t first = 0; ok && first < n; first += BLOCK_ROWS) {
        uint32_t count = MIN(n - first, BLOCK_ROWS);
        list->n = 0;
        gasket_result_buffer_reset(&buffer);
        for (uint32_t i = 0; ok && i < count; i++) {
            unsigned p;
            ok = find_source(c, first + i, true, &p, error);
            if (!ok)
                break;
            Source *source = &c->sources[p];
            ok = id_list_append(list, p, source, error) &&
                 gasket_result_buffer_append(&buffer, &source->rows, source->next, source->at,
                                             error);
            advance(c, source, true);
        }
        GasketIds ids = id_list_view(list);
        GasketResultBlock block = {.kind = c->kind,
                                   .n = count,
                                   .ids = &ids,
                                   .columns = (const void *const *)buffer.columns,
                                   .begin = (const uint64_t *const *)buffer.begin,
                                   .directory = directory};
        ok = ok && c->job->result(c->job->data, &block, error);
    }
    return ok;
}

/* A rank that gave its last row still has an end frame to give: nothing may stay in its queue. */
static bool
drain(Collector *c, bool with_columns, GError **error)
{
    for (unsigned p = 1; p < c->run->part->size; p++) {
        Source *source = &c->sources[p];
        if (source->ended)
            continue;
        if (source->next < source->rows.count)
            return gasket_exchange_refuse(p, "more rows than it has", error);
        if (!refill(c, p, with_columns, error))
            return false;
        if (!source->ended)
            return gasket_exchange_refuse(p, "more rows than it has", error);
    }
    return true;
}

static bool
names_vertices(const GasketJob *job, unsigned kind)
{
    for (unsigned i = 0; i < job->n_results; i++)
        if (job->results[i].kind == kind && job->results[i].type == GASKET_VERTEX)
            return true;
    return false;
}

static bool
collect_kind(Collector *c, GError **error)
{
    bool text = c->run->part->kinds[c->kind].ids.integer == NULL;
    uint32_t n = c->run->part->kinds[c->kind].n_global;
    bool with_directory = names_vertices(c->job, c->kind);
    g_auto(IdList) directory_list = {0}, list = {0};

    if (!id_list_init(&list, text, MIN(n, BLOCK_ROWS), error))
        return false;
    if (with_directory &&
        (!id_list_init(&directory_list, text, n, error) ||
         !collect_directory(c, &directory_list, error) || !drain(c, false, error)))
        return false;
    GasketIds directory = id_list_view(&directory_list);
    return collect_rows(c, with_directory ? &directory : NULL, &list, error) &&
           drain(c, true, error);
}

static bool
collect_kinds(GasketRun *run, const GasketJob *job, GError **error)
{
    for (unsigned k = 0; job->result != NULL && k < run->part->n_kinds; k++) {
        Collector c = {.run = run, .job = job, .kind = k};
        g_autofree GasketResultField *fields = gasket_result_fields(job, k, &c.n_fields);
        if (c.n_fields == 0)
            continue;
        g_autofree Source *sources = g_new0(Source, run->part->size);
        c.fields = fields;
        c.sources = sources;
        for (unsigned p = 0; p < run->part->size; p++) {
            sources[p].rows.columns = g_new0(const uint8_t *, c.n_fields + 1);
            sources[p].rows.lengths = g_new0(const uint32_t *, c.n_fields + 1);
            sources[p].at = g_new0(uint64_t, c.n_fields + 1);
        }
        bool ok = collect_kind(&c, error);
        collector_reset(&c);
        for (unsigned p = 0; p < run->part->size; p++) {
            g_free(sources[p].rows.columns);
            g_free(sources[p].rows.lengths);
            g_free(sources[p].at);
        }
        if (!ok)
            return false;
    }
    return true;
}

static bool
collect_figures(GasketRun *run, GError **error)
{
    GasketReport *report = run->report;

    g_free(report->workers);
    report->workers = g_new0(GasketReportWorker, run->part->size);
    report->n_workers = run->part->size;
    gasket_run_figures(run, &report->workers[0]);
    for (unsigned p = 1; p < run->part->size; p++) {
        g_autoptr(GasketFrame) frame = NULL;
        if (!ask(run, p, REQUEST_END, 0, false, error) ||
            !gasket_transport_receive_wait(gasket_exchange_transport(run->exchange), p,
                                           GASKET_CHANNEL_BULK, &frame, error))
            return false;
        if (frame->type != GASKET_WIRE_WORKER || frame->length != sizeof report->workers[p])
            return gasket_exchange_refuse(p, "no figures", error);
        memcpy(&report->workers[p], frame->payload, sizeof report->workers[p]);
        report->workers[p].rank = p;
    }
    return true;
}

bool
gasket_results_collect(GasketRun *run, const GasketJob *job, GError **error)
{
    return collect_kinds(run, job, error) && collect_figures(run, error);
}

/* ---- figures --------------------------------------------------------------------------------- */

void
gasket_run_figures(const GasketRun *run, GasketReportWorker *ret_figures)
{
    GasketTransport *transport = gasket_exchange_transport(run->exchange);
    struct rusage usage;

    *ret_figures = (GasketReportWorker){.rank = run->part->rank};
    ret_figures->wait_seconds = run->step_wait_seconds;
    ret_figures->compute_seconds = MAX(run->step_seconds - run->step_wait_seconds, 0);
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        ret_figures->peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    for (unsigned p = 0; transport != NULL && p < transport->size; p++) {
        if (p == run->part->rank)
            continue;
        GasketTransportStats stats;
        gasket_transport_stats(transport, p, &stats);
        ret_figures->bytes_sent += stats.bytes_sent;
        ret_figures->frames_sent += stats.frames_sent;
    }
}
