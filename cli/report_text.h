/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run report in a few lines for people, as stands on stderr at the end of a run:
 *
 *   pagerank of web.txt.gz (edges): 7,115 vertices, 103,689 edges
 *   plan       4 workers of 2 threads, order given, row-major
 *   partition  metis: ...
 *   cut        12.3 % of the edges, 1,234 ghosts, balance 1.02
 *   time       0.52 s: load 0.10, number 0.02, run 0.35, write 0.01
 *   memory     35 MB in the largest worker; 1.2 MB sent, 12 % of the time waiting
 *   converged  after 23 iterations, residual 9.1e-07, 65.7 iterations/s
 *   metrics    components = 24, largest_component = 7066
 *   verified   ...
 */
#ifndef GASKET_CLI_REPORT_TEXT_H
#define GASKET_CLI_REPORT_TEXT_H

#include "cli/report_json.h"

/* Appends the lines; of a plan (head->planned) the first two, which gasket_cli_append_plan goes on
 * from. */
void gasket_report_append_text(const GasketReportHead *head, const GasketReport *report,
                               GString *out);

/* Appends a number with commas between thousands. */
void gasket_report_append_count(GString *out, uint64_t number);

/* Appends bytes as "35 MB". */
void gasket_report_append_bytes(GString *out, uint64_t bytes);

#endif
