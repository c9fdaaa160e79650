/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benchmarks share: the clock, the machine, and a table of measured figures with the
 * bounds that they are held to.
 *
 *   BenchReport report = {0};
 *   bench_report_add(&report, "grid", "one thread / plain loop", 1.02, BENCH_AT_MOST, 1.05);
 *   bench_report_end(&report, &options);
 *
 * A benchmark exits with 1 when something fails; a figure beyond its bound is reported, not fatal:
 * the machine may be busy.
 */
#ifndef GASKET_BENCH_COMMON_H
#define GASKET_BENCH_COMMON_H

#include <gasket/error.h>
#include <gasket/types.h>

typedef enum {
    BENCH_FIGURE, /* no bound */
    BENCH_AT_MOST,
    BENCH_AT_LEAST,
} BenchBound;

typedef struct {
    char *subject, *measure;
    double value, limit;
    BenchBound bound;
} BenchRow;

typedef struct {
    BenchRow *rows; /* [n] */
    size_t n;
} BenchReport;

/* Options of every benchmark: --quick, --rounds N, --json FILE, then names of subjects. */
typedef struct {
    bool quick;            /* toy sizes, for the test suite */
    unsigned rounds;       /* interleaved runs of which the fastest counts; 7 */
    const char *json;      /* also written there; NULL: not */
    char *const *subjects; /* [n_subjects] */
    unsigned n_subjects;   /* 0: all */
} BenchOptions;

/* Parses them; prints usage and exits on what it does not know. */
BenchOptions bench_options(int argc, char **argv, const char *subjects);

/* Whether a subject was asked for. */
bool bench_wants(const BenchOptions *options, const char *subject);

/* Seconds of a monotonic clock. */
double bench_now(void);

/* Seconds of processor time of this process: what other processes do is not in it. */
double bench_processor_seconds(void);

/* Prints processor, cores, caches. */
void bench_print_machine(void);

/* Ends the program with the error's message unless ok. */
void bench_check(bool ok, const GError *error);

void bench_report_add(BenchReport *report, const char *subject, const char *measure, double value,
                      BenchBound bound, double limit);

/* Prints the table, writes it as JSON if asked for, empties it. Toy sizes are held to nothing. */
void bench_report_end(BenchReport *report, const BenchOptions *options);

#endif
