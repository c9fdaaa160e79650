/* SPDX-License-Identifier: Apache-2.0 */
/* The run report as JSON; see report_json.h. Built as a tree, then written in our own way, since
 * jansson writes 0.1 with 17 digits. */
#include "cli/report_json.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "cli/version.h"
#include "loaders/number_text.h"

/* ---- the tree -------------------------------------------------------------------------------- */

static void
set(json_t *object, const char *key, json_t *value)
{
    int status = json_object_set_new(object, key, value);
    g_assert(status == 0); /* small objects: GLib would have ended the program as well */
}

static void
set_text(json_t *object, const char *key, const char *text)
{
    if (text == NULL) {
        set(object, key, json_null());
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    set(object, key, json_string(valid));
}

static void
set_integer(json_t *object, const char *key, uint64_t number)
{
    set(object, key, json_integer((json_int_t)number));
}

static void
set_number(json_t *object, const char *key, double number)
{
    set(object, key, isfinite(number) ? json_real(number) : json_null());
}

/* Seconds to the microsecond: more digits would only pretend. */
static void
set_seconds(json_t *object, const char *key, double seconds)
{
    set_number(object, key, round(seconds * 1e6) / 1e6);
}

static json_t *
parameters_of(const GasketReportHead *head)
{
    json_t *object = json_object();
    const GasketOption *option = head->options;

    for (; option != NULL && option->name != NULL; option++) {
        const void *field = (const char *)head->parameters + option->offset;
        switch (option->type) {
        case GASKET_OPTION_BOOL:
            set(object, option->name, json_boolean(*(const bool *)field));
            break;
        case GASKET_OPTION_INT:
            set(object, option->name, json_integer(*(const int64_t *)field));
            break;
        case GASKET_OPTION_DOUBLE:
            set_number(object, option->name, *(const double *)field);
            break;
        case GASKET_OPTION_CHOICE:
            set_text(object, option->name, option->choices[*(const int *)field]);
            break;
        case GASKET_OPTION_STRING:
        case GASKET_OPTION_COLUMN:
        case GASKET_OPTION_FEATURES:
            set_text(object, option->name, *(const char *const *)field);
            break;
        }
    }
    set_integer(object, "iterations", head->iterations);
    set_number(object, "tolerance", head->tolerance);
    set_integer(object, "seed", head->seed);
    return object;
}

static json_t *
input_of(const GasketReport *report)
{
    json_t *object = json_object();
    set_text(object, "path", report->input.path);
    set_text(object, "format", report->input.format);
    set_integer(object, "vertices", report->input.vertices);
    set_integer(object, "edges", report->input.edges);
    set_integer(object, "bytes", report->input.bytes);
    set(object, "weighted", json_boolean(report->input.weighted));
    return object;
}

static json_t *
plan_of(const GasketReportHead *head, const GasketReport *report)
{
    /* ORDER gasket_engine */
    static const char *const engines[] = {"sync", "chromatic", "async"};
    json_t *object = json_object();
    set_integer(object, "workers", report->plan.workers);
    set_integer(object, "threads", report->plan.threads);
    set_text(object, "engine", engines[head->engine]);
    set_text(object, "order", report->plan.order);
    set_text(object, "order_reason", report->plan.order_reason);
    set_text(object, "layout", report->plan.layout);
    set_text(object, "partition", report->plan.partition);
    set_text(object, "partition_reason", report->plan.partition_reason);
    set_integer(object, "cut_edges", report->plan.cut_edges);
    set_integer(object, "ghosts", report->plan.ghosts);
    set_number(object, "balance", report->plan.balance);
    return object;
}

static json_t *
seconds_of(const GasketReport *report)
{
    json_t *object = json_object();
    set_seconds(object, "load", report->seconds.load);
    set_seconds(object, "number", report->seconds.number);
    set_seconds(object, "plan", report->seconds.plan);
    set_seconds(object, "distribute", report->seconds.distribute);
    set_seconds(object, "layout", report->seconds.layout);
    set_seconds(object, "run", report->seconds.run);
    set_seconds(object, "write", report->seconds.write);
    set_seconds(object, "verify", report->seconds.verify);
    set_seconds(object, "total", report->seconds.total);
    return object;
}

static json_t *
steps_of(const GasketReport *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->n_iterations; i++) {
        const GasketReportIteration *iteration = &report->iterations[i];
        json_t *object = json_object();
        set_integer(object, "step", iteration->step);
        set_integer(object, "active", iteration->active);
        set_number(object, "residual", iteration->residual);
        set_seconds(object, "seconds", iteration->seconds);
        set_integer(object, "bytes_sent", iteration->bytes_sent);
        set_integer(object, "pushed", iteration->pushed);
        (void)json_array_append_new(array, object); /* as in set */
    }
    return array;
}

static json_t *
workers_of(const GasketReport *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->n_workers; i++) {
        const GasketReportWorker *worker = &report->workers[i];
        json_t *object = json_object();
        set_integer(object, "rank", worker->rank);
        set_seconds(object, "compute_seconds", worker->compute_seconds);
        set_seconds(object, "wait_seconds", worker->wait_seconds);
        set_integer(object, "bytes_sent", worker->bytes_sent);
        set_integer(object, "frames_sent", worker->frames_sent);
        set_integer(object, "peak_bytes", worker->peak_bytes);
        (void)json_array_append_new(array, object); /* as in set */
    }
    return array;
}

/* "test.rmse" goes into the object "test". Where that name is a number already, the rest of the
 * name stays whole beside it. */
static void
set_metric(json_t *metrics, const char *name, double value)
{
    const char *dot;
    while ((dot = strchr(name, '.')) != NULL) {
        g_autofree char *group = g_strndup(name, (gsize)(dot - name));
        json_t *inner = json_object_get(metrics, group);
        if (inner == NULL) {
            inner = json_object();
            set(metrics, group, inner);
        }
        if (!json_is_object(inner))
            break;
        metrics = inner;
        name = dot + 1;
    }
    set_number(metrics, name, value);
}

static json_t *
metrics_of(const GasketReport *report)
{
    json_t *object = json_object();
    for (size_t i = 0; i < report->n_metrics; i++)
        set_metric(object, report->metrics[i].name, report->metrics[i].value);
    return object;
}

/* ORDER gasket_stopped */
static const char *const reasons[] = {"converged", "iterations", "asked", "limit"};

static json_t *
stopped_of(const GasketReportHead *head, const GasketReport *report)
{
    json_t *object = json_object();
    set(object, "converged",
        json_boolean(!head->planned && report->stopped == GASKET_STOPPED_CONVERGED));
    set_text(object, "reason", head->planned ? "planned" : reasons[report->stopped]);
    return object;
}

static json_t *
verification_of(const GasketReport *report)
{
    json_t *object = json_object();
    set(object, "ran", json_boolean(report->verified));
    set(object, "correct", report->verified ? json_boolean(report->correct) : json_null());
    set_text(object, "message", report->verify_message);
    return object;
}

static json_t *
snapshots_of(const GasketReport *report)
{
    const GasketReportSnapshots *snapshots = &report->snapshots;
    json_t *object = json_object();
    set_integer(object, "taken", snapshots->taken);
    set_integer(object, "failed", snapshots->failed);
    set_text(object, "failure", snapshots->failure);
    set_text(object, "last", snapshots->last);
    set_integer(object, "bytes", snapshots->bytes);
    set_number(object, "pause_seconds", snapshots->pause_seconds);
    set_number(object, "write_seconds", snapshots->write_seconds);
    set_text(object, "resumed", snapshots->resumed);
    set_integer(object, "resumed_iteration", snapshots->resumed_iteration);
    return object;
}

static json_t *
tree_of(const GasketReportHead *head, const GasketReport *report)
{
    json_t *root = json_object();
    set_text(root, "algorithm", head->algorithm);
    set_text(root, "version", GASKET_VERSION);
    set(root, "parameters", parameters_of(head));
    set(root, "input", input_of(report));
    set(root, "plan", plan_of(head, report));
    set(root, "seconds", seconds_of(report));
    set_integer(root, "loader_peak_bytes", report->loader_peak_bytes);
    set(root, "steps", steps_of(report));
    set(root, "workers", workers_of(report));
    set(root, "metrics", metrics_of(report));
    set(root, "snapshots", snapshots_of(report));
    set(root, "stopped", stopped_of(head, report));
    set(root, "verification", verification_of(report));
    return root;
}

/* ---- text ------------------------------------------------------------------------------------ */

typedef struct {
    GString *out;
    GasketNumberText *numbers;
} Writer;

static void
write_indent(Writer *writer, unsigned depth)
{
    g_string_append_printf(writer->out, "\n%*s", (int)(2 * depth), "");
}

static void
write_scalar(Writer *writer, const json_t *value)
{
    if (json_is_real(value)) {
        char text[GASKET_NUMBER_TEXT_MAX];
        size_t length = gasket_number_text_double(writer->numbers, json_real_value(value), text);
        g_string_append_len(writer->out, text, (gssize)length);
        return;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    g_string_append(writer->out, text);
    free(text);
}

/* Objects in lists of objects stand on one line each. */
static void
write_value(Writer *writer, json_t *value, unsigned depth, bool flat)
{
    const char *key;
    json_t *element;
    size_t index;
    bool first = true;

    if (json_is_object(value)) {
        g_string_append_c(writer->out, '{');
        json_object_foreach(value, key, element)
        {
            g_string_append(writer->out, first ? "" : flat ? ", " : ",");
            first = false;
            if (!flat)
                write_indent(writer, depth + 1);
            json_t *name = json_string(key);
            write_scalar(writer, name);
            json_decref(name);
            g_string_append(writer->out, ": ");
            write_value(writer, element, depth + 1, flat);
        }
        if (!flat && !first)
            write_indent(writer, depth);
        g_string_append_c(writer->out, '}');
    } else if (json_is_array(value)) {
        g_string_append_c(writer->out, '[');
        json_array_foreach(value, index, element)
        {
            g_string_append(writer->out, index > 0 ? "," : "");
            write_indent(writer, depth + 1);
            write_value(writer, element, depth + 1, true);
        }
        if (json_array_size(value) > 0)
            write_indent(writer, depth);
        g_string_append_c(writer->out, ']');
    } else {
        write_scalar(writer, value);
    }
}

char *
gasket_report_json(const GasketReportHead *head, const GasketReport *report)
{
    g_autoptr(GasketNumberText) numbers = gasket_number_text_new();
    Writer writer = {g_string_new(NULL), numbers};
    json_t *tree = tree_of(head, report);

    write_value(&writer, tree, 0, false);
    g_string_append_c(writer.out, '\n');
    json_decref(tree);
    return g_string_free(writer.out, FALSE);
}
