/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a call that decides which worker gets what, and what it says about it. */
#ifndef GASKET_CLI_PLAN_H
#define GASKET_CLI_PLAN_H

#include "cli/common_options.h"
#include "engine/report.h"
#include "partition/partition.h"

/* The partition that --partition, --seed and --threads ask for; text: as typed.
 * Errors: ARGUMENT, and those of gasket_partition_new. */
GasketPartition *gasket_cli_partition(const GasketCliCommon *common, const char *text,
                                      const GasketGraph *graph, unsigned parts, GError **error);

/* Whether text names a method or a file that is there. Error: ARGUMENT. */
bool gasket_cli_partition_check(const char *text, GError **error);

/* Puts order and partition (may be NULL) into the report's plan. */
void gasket_cli_report_plan(const GasketCliCommon *common, const GasketGraph *graph,
                            const GasketPartition *partition, GasketReport *report);

/* Appends order, memory and, for several parts, the partition's plan. */
void gasket_cli_append_plan(const GasketGraph *graph, const GasketPartition *partition,
                            GString *out);

#endif
