/* SPDX-License-Identifier: Apache-2.0 */
/* Clock, machine and table of the benchmarks. See common.h. */
#include "bench/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

static void
usage(const char *program, const char *subjects)
{
    fprintf(stderr, "usage: %s [--quick] [--rounds N] [--json FILE] [SUBJECT...]\nsubjects: %s\n",
            program, subjects);
    exit(EXIT_FAILURE);
}

BenchOptions
bench_options(int argc, char **argv, const char *subjects)
{
    BenchOptions options = {.rounds = 7};
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            options.quick = true;
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0)
            options.rounds = (unsigned)atoi(argv[++i]);
        else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            options.json = argv[++i];
        else
            usage(argv[0], subjects);
    }
    options.subjects = argv + i;
    options.n_subjects = (unsigned)(argc - i);
    for (unsigned s = 0; s < options.n_subjects; s++)
        if (strstr(subjects, options.subjects[s]) == NULL)
            usage(argv[0], subjects);
    return options;
}

bool
bench_wants(const BenchOptions *options, const char *subject)
{
    for (unsigned s = 0; s < options->n_subjects; s++)
        if (strcmp(options->subjects[s], subject) == 0)
            return true;
    return options->n_subjects == 0;
}

double
bench_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double
bench_processor_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void
bench_print_machine(void)
{
    char line[256], model[256] = "unknown processor\n";
    FILE *file = fopen("/proc/cpuinfo", "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL)
            strcpy(model, strchr(line, ':') + 2);
    if (file != NULL)
        fclose(file);
    printf("%ld cores, L2 %ld KiB, L3 %ld KiB, %s", sysconf(_SC_NPROCESSORS_ONLN),
           sysconf(_SC_LEVEL2_CACHE_SIZE) / 1024, sysconf(_SC_LEVEL3_CACHE_SIZE) / 1024, model);
    fflush(stdout);
}

void
bench_check(bool ok, const GError *error)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", error != NULL ? error->message : "no memory");
    exit(EXIT_FAILURE);
}

void
bench_report_add(BenchReport *report, const char *subject, const char *measure, double value,
                 BenchBound bound, double limit)
{
    report->rows = g_renew(BenchRow, report->rows, report->n + 1);
    report->rows[report->n++] = (BenchRow){.subject = g_strdup(subject),
                                           .measure = g_strdup(measure),
                                           .value = value,
                                           .limit = limit,
                                           .bound = bound};
}

static bool
row_holds(const BenchRow *row)
{
    return row->bound == BENCH_FIGURE ||
           (row->bound == BENCH_AT_MOST ? row->value <= row->limit : row->value >= row->limit);
}

static void
write_json(const BenchReport *report, const char *path)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->n; i++) {
        const BenchRow *row = &report->rows[i];
        json_t *object = json_pack("{s:s, s:s, s:f}", "subject", row->subject, "measure",
                                   row->measure, "value", row->value);
        if (row->bound != BENCH_FIGURE) {
            json_object_set_new(object, row->bound == BENCH_AT_MOST ? "at_most" : "at_least",
                                json_real(row->limit));
            json_object_set_new(object, "holds", json_boolean(row_holds(row)));
        }
        json_array_append_new(list, object);
    }
    if (json_dump_file(list, path, JSON_INDENT(2)) != 0) {
        fprintf(stderr, "%s cannot be written\n", path);
        exit(EXIT_FAILURE);
    }
    json_decref(list);
}

void
bench_report_end(BenchReport *report, const BenchOptions *options)
{
    for (size_t i = 0; i < report->n; i++) {
        BenchRow *row = &report->rows[i];
        if (options->quick)
            row->bound = BENCH_FIGURE;
        printf("%-14s %-46s %10.4g", row->subject, row->measure, row->value);
        if (row->bound != BENCH_FIGURE)
            printf("   %s %.4g %s", row->bound == BENCH_AT_MOST ? "at most " : "at least",
                   row->limit, row_holds(row) ? "" : "MISSED");
        putchar('\n');
    }
    if (options->json != NULL)
        write_json(report, options->json);
    for (size_t i = 0; i < report->n; i++) {
        g_free(report->rows[i].subject);
        g_free(report->rows[i].measure);
    }
    g_free(report->rows);
    *report = (BenchReport){0};
}
