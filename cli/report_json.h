/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run report as one JSON object:
 *
 *   {algorithm, version, parameters, input: {path, format, vertices, edges, bytes},
 *    plan: {workers, threads, engine, order, order_reason, layout, partition, partition_reason,
 *           cut_edges, ghosts, balance},
 *    seconds: {load, number, plan, distribute, layout, run, write, verify, total},
 *    loader_peak_bytes,
 *    steps: [{step, active, residual, seconds, bytes_sent, pushed}],       one an iteration
 *    workers: [{rank, compute_seconds, wait_seconds, bytes_sent, frames_sent, peak_bytes}],
 *    metrics: {...},           a metric "test.rmse" is metrics.test.rmse
 *    stopped: {converged, reason},       reason: "converged", "iterations", "asked"
 *    verification: {ran, correct, message}}
 *
 * Fields are only ever added. What there is none of, and NaN and infinities, are null. Numbers have
 * their shortest round-trip form.
 */
#ifndef GASKET_CLI_REPORT_JSON_H
#define GASKET_CLI_REPORT_JSON_H

#include <gasket/algorithm.h>

#include "engine/report.h"

/* What the report tells beside the engine's figures. */
typedef struct {
    const char *algorithm;
    const GasketOption *options; /* of the algorithm; may be NULL */
    const void *parameters;      /* that they fill */
    uint32_t iterations;         /* bound; 0: none */
    double tolerance;            /* 0: none */
    uint64_t seed;
    GasketEngine engine;
    bool planned; /* --dry-run: nothing ran */
} GasketReportHead;

/* The object as indented text with a final newline; g_free. */
char *gasket_report_json(const GasketReportHead *head, const GasketReport *report);

#endif
