/* SPDX-License-Identifier: Apache-2.0 */
/* The run report's life. See report.h. */
#include "engine/report.h"

#include <string.h>

void
gasket_report_init(GasketReport *report)
{
    *report = (GasketReport){.stopped = GASKET_STOPPED_CONVERGED};
}

void
gasket_report_clear(GasketReport *report)
{
    g_free(report->input.path);
    g_free(report->input.format);
    g_free(report->plan.order);
    g_free(report->plan.order_reason);
    g_free(report->plan.layout);
    g_free(report->plan.partition);
    g_free(report->plan.partition_reason);
    g_free(report->iterations);
    g_free(report->workers);
    for (size_t m = 0; m < report->n_metrics; m++)
        g_free(report->metrics[m].name);
    g_free(report->metrics);
    g_free(report->verify_message);
    g_free(report->snapshots.last);
    g_free(report->snapshots.failure);
    g_free(report->snapshots.resumed);
    *report = (GasketReport){0};
}

void
gasket_report_add_iteration(GasketReport *report, const GasketReportIteration *iteration)
{
    /* Doubles the room whenever the count reaches a power of two. */
    size_t n = report->n_iterations;
    if ((n & (n - 1)) == 0)
        report->iterations = g_renew(GasketReportIteration, report->iterations, n == 0 ? 1 : 2 * n);
    report->iterations[report->n_iterations++] = *iteration;
}

void
gasket_report_set_metric(GasketReport *report, const char *name, double value)
{
    for (size_t m = 0; m < report->n_metrics; m++) {
        if (strcmp(report->metrics[m].name, name) == 0) {
            report->metrics[m].value = value;
            return;
        }
    }
    report->metrics = g_renew(GasketReportMetric, report->metrics, report->n_metrics + 1);
    report->metrics[report->n_metrics++] = (GasketReportMetric){g_strdup(name), value};
}
