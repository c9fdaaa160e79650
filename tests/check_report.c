/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check_main.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "cli/error_table.h"
#include "cli/report_json.h"
#include "cli/report_text.h"

typedef struct {
    double damping;
    int64_t rounds;
    bool flag;
    int choice;
    const char *source, *column;
} Parameters;

static const char *const choices[] = {"red", "green", NULL};
static const GasketOption options[] = {
    {"damping", GASKET_OPTION_DOUBLE, offsetof(Parameters, damping), .help = ""},
    {"rounds", GASKET_OPTION_INT, offsetof(Parameters, rounds), .help = ""},
    {"flag", GASKET_OPTION_BOOL, offsetof(Parameters, flag), .help = ""},
    {"colour", GASKET_OPTION_CHOICE, offsetof(Parameters, choice), .choices = choices},
    {"source", GASKET_OPTION_STRING, offsetof(Parameters, source), .help = ""},
    {"column", GASKET_OPTION_COLUMN, offsetof(Parameters, column), .help = ""},
    {.name = NULL},
};
static const Parameters parameters = {0.85, -3, true, 1, "caf\xc3\xa9 \"17\"", NULL};
static const GasketReportHead head = {
    .algorithm = "pagerank",
    .options = options,
    .parameters = &parameters,
    .iterations = 200,
    .tolerance = 1e-6,
    .seed = 9,
};

/* Two workers, two iterations. */
static void
fill(GasketReport *report)
{
    gasket_report_init(report);
    report->input.path = g_strdup("web.txt");
    report->input.format = g_strdup("edges");
    report->input.vertices = 7115;
    report->input.edges = 103689;
    report->input.bytes = 1095059;
    report->plan.workers = 2;
    report->plan.threads = 1;
    report->plan.order = g_strdup("given");
    report->plan.layout = g_strdup("row-major");
    report->plan.partition = g_strdup("metis");
    report->plan.partition_reason = g_strdup("small");
    report->plan.cut_edges = 1037;
    report->plan.ghosts = 1234;
    report->plan.balance = 1.025;
    report->seconds.load = 0.1234567;
    report->seconds.run = 0.5;
    report->seconds.total = 0.75;
    gasket_report_add_iteration(report, &(GasketReportIteration){.step = 1,
                                                                 .active = 7115,
                                                                 .residual = NAN,
                                                                 .seconds = 0.25});
    gasket_report_add_iteration(report, &(GasketReportIteration){.step = 2,
                                                                 .active = 100,
                                                                 .residual = 0.1,
                                                                 .seconds = 0.25,
                                                                 .bytes_sent = 4096,
                                                                 .pushed = 1});
    report->n_workers = 2;
    report->workers = g_new0(GasketReportWorker, 2);
    report->workers[0] = (GasketReportWorker){0, 0.3, 0.1, 1000, 3, 35000000};
    report->workers[1] = (GasketReportWorker){1, 0.3, 0.1, 2000, 4, 34000000};
    gasket_report_set_metric(report, "components", 24);
    gasket_report_set_metric(report, "test.rmse", 0.1);
    gasket_report_set_metric(report, "test.mae", INFINITY);
    gasket_report_set_metric(report, "components.x", 1);
    report->stopped = GASKET_STOPPED_CONVERGED;
}

static json_t *
parse(const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    ck_assert_msg(root != NULL, "%s at line %d", error.text, error.line);
    return root;
}

START_TEST(json_has_every_field_by_its_documented_name)
{
    GasketReport report;
    fill(&report);
    g_autofree char *text = gasket_report_json(&head, &report);
    json_t *root = parse(text);
    json_error_t error;
    const char *algorithm, *version, *path, *format, *engine, *order, *partition, *reason, *source,
        *colour;
    int vertices, edges, bytes, workers, threads, cut, ghosts, iterations, seed, rounds, flag,
        converged, ran, weighted;
    double damping, tolerance, balance, load;
    int status =
        json_unpack_ex(root, &error, 0,
                       "{s:s, s:s, s:{s:f, s:i, s:b, s:s, s:s, s:n, s:i, s:f, s:i},"
                       " s:{s:s, s:s, s:i, s:i, s:i, s:b},"
                       " s:{s:i, s:i, s:s, s:s, s:s, s:i, s:i, s:f},"
                       " s:{s:f, s:F, s:F, s:F, s:F, s:F}, s:{s:b, s:s}, s:{s:b, s:n, s:n}}",
                       "algorithm", &algorithm, "version", &version, "parameters", "damping",
                       &damping, "rounds", &rounds, "flag", &flag, "colour", &colour, "source",
                       &source, "column", "iterations", &iterations, "tolerance", &tolerance,
                       "seed", &seed, "input", "path", &path, "format", &format, "vertices",
                       &vertices, "edges", &edges, "bytes", &bytes, "weighted", &weighted, "plan",
                       "workers", &workers, "threads", &threads, "engine", &engine, "order", &order,
                       "partition", &partition, "cut_edges", &cut, "ghosts", &ghosts, "balance",
                       &balance, "seconds", "load", &load, "plan", &(double){0}, "distribute",
                       &(double){0}, "run", &(double){0}, "write", &(double){0}, "total",
                       &(double){0}, "stopped", "converged", &converged, "reason", &reason,
                       "verification", "ran", &ran, "correct", "message");
    ck_assert_msg(status == 0, "%s", error.text);
    ck_assert_str_eq(algorithm, "pagerank");
    ck_assert_str_eq(source, "caf\xc3\xa9 \"17\"");
    ck_assert_str_eq(colour, "green");
    ck_assert_int_eq(rounds, -3);
    ck_assert_int_eq(edges, 103689);
    ck_assert_int_eq(cut, 1037);
    ck_assert_str_eq(engine, "sync");
    ck_assert_double_eq(damping, 0.85);
    ck_assert_double_eq(tolerance, 1e-6);
    ck_assert_double_eq(load, 0.123457);
    ck_assert(converged && flag && !ran && !weighted);
    ck_assert_str_eq(reason, "converged");
    json_decref(root);
    gasket_report_clear(&report);
}
END_TEST

START_TEST(json_numbers_are_short_and_lists_have_a_line_each)
{
    GasketReport report;
    fill(&report);
    g_autofree char *text = gasket_report_json(&head, &report);
    ck_assert_ptr_nonnull(strstr(text, "    \"damping\": 0.85,\n"));
    ck_assert_ptr_nonnull(strstr(text, "    \"tolerance\": 1e-06,\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "    {\"step\": 1, \"active\": 7115, \"residual\": null, \"seconds\": 0.25, "
                     "\"bytes_sent\": 0, \"pushed\": 0},\n"
                     "    {\"step\": 2, \"active\": 100, \"residual\": 0.1, \"seconds\": 0.25, "
                     "\"bytes_sent\": 4096, \"pushed\": 1}\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "    {\"rank\": 1, \"compute_seconds\": 0.3, \"wait_seconds\": 0.1, "
                     "\"bytes_sent\": 2000, \"frames_sent\": 4, \"peak_bytes\": 34000000}\n"));
    ck_assert_ptr_nonnull(strstr(text, "  \"metrics\": {\n    \"components\": 24,\n    \"test\": "
                                       "{\n      \"rmse\": 0.1,\n      \"mae\": null\n    },\n"
                                       "    \"components.x\": 1\n  },\n"));
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    gasket_report_clear(&report);
}
END_TEST

START_TEST(json_of_hostile_names_is_still_json)
{
    GasketReport report;
    gasket_report_init(&report);
    report.input.path = g_strdup("a\xff\"\n\x01");
    gasket_report_set_metric(&report, "..", 1);
    gasket_report_set_metric(&report, "\"", 2);
    g_autofree char *text = gasket_report_json(&(GasketReportHead){.algorithm = "x"}, &report);
    json_t *root = parse(text);
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(root, "input"), "path")),
                     "a\xef\xbf\xbd\"\n\x01");
    json_decref(root);
    gasket_report_clear(&report);
}
END_TEST

START_TEST(text_tells_a_run_in_a_few_lines)
{
    GasketReport report;
    fill(&report);
    report.verified = true;
    report.correct = true;
    report.verify_message = g_strdup("one more step changes 1e-7");
    g_autoptr(GString) text = g_string_new(NULL);
    gasket_report_append_text(&head, &report, text);
    ck_assert_str_eq(text->str,
                     "pagerank of web.txt (edges): 7,115 vertices, 103,689 edges\n"
                     "plan       2 workers of 1 thread, order given, row-major\n"
                     "partition  metis: small\n"
                     "cut        1.0 % of the edges, 1,234 ghosts, balance 1.02\n"
                     "time       0.75 s: load 0.12, run 0.50\n"
                     "memory     35 MB in the largest worker; 3.0 kB sent, 25 % of the time "
                     "waiting\n"
                     "converged  after 2 iterations, residual 0.1, 4 iterations/s\n"
                     "metrics    components = 24, test.rmse = 0.1, test.mae = inf, "
                     "components.x = 1\n"
                     "verified   one more step changes 1e-7\n");
    gasket_report_clear(&report);
}
END_TEST

START_TEST(text_of_a_stop_and_of_a_wrong_answer_says_so)
{
    GasketReport report;
    gasket_report_init(&report);
    report.plan.workers = report.plan.threads = 1;
    report.stopped = GASKET_STOPPED_ASKED;
    report.verified = true;
    report.verify_message = g_strdup("edge 1 -> 2 joins two components");
    report.input.vertices = report.input.edges = 1;
    report.input.weighted = true;
    report.input.path = g_strdup("-");
    g_autoptr(GString) text = g_string_new(NULL);
    gasket_report_append_text(&(GasketReportHead){.algorithm = "x"}, &report, text);
    ck_assert_str_eq(text->str, "x of stdin: 1 vertex, 1 weighted edge\n"
                                "plan       1 worker of 1 thread\n"
                                "time       0.00 s\n"
                                "stopped    after 0 iterations\n"
                                "WRONG      edge 1 -> 2 joins two components\n");
    gasket_report_clear(&report);
}
END_TEST

START_TEST(errors_of_ratings_have_a_row_an_iteration_and_baselines_beside)
{
    GasketReport report;
    GasketCliErrorTable table = {0};
    GasketProgress step = {.iteration = 1, .seconds = 0.5, .report = &report};
    gasket_report_init(&report);
    gasket_report_set_metric(&report, "ratings", 10);
    gasket_report_set_metric(&report, "baseline.mean.rmse", 1.25);
    gasket_report_set_metric(&report, "baseline.bias.rmse", 1.125);
    gasket_report_set_metric(&report, "train.rmse", 0.875);
    gasket_report_set_metric(&report, "train.mae", 0.75);
    gasket_report_set_metric(&report, "test.rmse", 1);
    g_autoptr(GString) text = g_string_new(NULL);
    gasket_cli_error_table_append(&table, &step, text);
    gasket_report_set_metric(&report, "test.rmse", 123456);
    step.iteration = 20;
    gasket_cli_error_table_append(&table, &step, text);
    ck_assert_str_eq(text->str, "iteration  train.rmse   test.rmse     seconds\n"
                                "     mean                  1.2500\n"
                                "   biases                  1.1250\n"
                                "        1      0.8750      1.0000        0.50\n"
                                "       20      0.8750  1.2346e+05        0.50\n");
    gasket_report_set_metric(&report, "ranking.ndcg", 0.5);
    gasket_report_set_metric(&report, "baseline.popularity.ndcg", 0.25);
    g_string_truncate(text, 0);
    ck_assert(gasket_cli_append_errors(&report, text));
    ck_assert_str_eq(text->str, "errors     train RMSE 0.8750 MAE 0.7500, test RMSE 123456.0000\n"
                                "baselines  mean RMSE 1.2500, biases RMSE 1.1250\n"
                                "ranking    ndcg 0.5000 (popularity 0.2500)\n");
    gasket_report_clear(&report);
}
END_TEST

START_TEST(what_measures_no_errors_has_no_table)
{
    GasketReport report;
    GasketCliErrorTable table = {0};
    const GasketProgress step = {.iteration = 1, .report = &report};
    gasket_report_init(&report);
    gasket_report_set_metric(&report, "singular_0", 3);
    g_autoptr(GString) text = g_string_new(NULL);
    gasket_cli_error_table_append(&table, &step, text);
    ck_assert(!gasket_cli_append_errors(&report, text));
    ck_assert_str_eq(text->str, "");
    gasket_report_clear(&report);
}
END_TEST

START_TEST(counts_and_bytes_are_readable)
{
    static const struct {
        uint64_t n;
        const char *text;
    } cases[] = {
        {0, "0 0 bytes"},
        {999, "999 999 bytes"},
        {1000, "1,000 1.0 kB"},
        {123456, "123,456 123 kB"},
        {1234567890, "1,234,567,890 1.2 GB"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        gasket_report_append_count(text, cases[i].n);
        g_string_append_c(text, ' ');
        gasket_report_append_bytes(text, cases[i].n);
        ck_assert_str_eq(text->str, cases[i].text);
    }
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("report");
    tcase_add_test(all, json_has_every_field_by_its_documented_name);
    tcase_add_test(all, json_numbers_are_short_and_lists_have_a_line_each);
    tcase_add_test(all, json_of_hostile_names_is_still_json);
    tcase_add_test(all, text_tells_a_run_in_a_few_lines);
    tcase_add_test(all, text_of_a_stop_and_of_a_wrong_answer_says_so);
    tcase_add_test(all, errors_of_ratings_have_a_row_an_iteration_and_baselines_beside);
    tcase_add_test(all, what_measures_no_errors_has_no_table);
    tcase_add_test(all, counts_and_bytes_are_readable);
    TCase *cases[] = {all};
    return check_run("report", cases, G_N_ELEMENTS(cases));
}
