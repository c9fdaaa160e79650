/* SPDX-License-Identifier: Apache-2.0 */
/* The run report for people; see report_text.h. */
#include "cli/report_text.h"

#include <math.h>
#include <string.h>

#include "cli/error_table.h"

#define N_METRICS_SHOWN 12

void
gasket_report_append_count(GString *out, uint64_t number)
{
    char digits[24];
    int n = g_snprintf(digits, sizeof digits, "%" G_GUINT64_FORMAT, number);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            g_string_append_c(out, ',');
        g_string_append_c(out, digits[i]);
    }
}

void
gasket_report_append_bytes(GString *out, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double amount = (double)bytes;
    unsigned unit = 0;
    while (amount >= 1000 && unit + 1 < G_N_ELEMENTS(units)) {
        amount /= 1000;
        unit++;
    }
    g_string_append_printf(out, unit > 0 && amount < 10 ? "%.1f %s" : "%.0f %s", amount,
                           units[unit]);
}

static void
append_counted(GString *out, uint64_t number, const char *one, const char *many)
{
    gasket_report_append_count(out, number);
    g_string_append_printf(out, " %s", number == 1 ? one : many);
}

static void
append_head(const GasketReportHead *head, const GasketReport *report, GString *out)
{
    g_string_append(out, head->algorithm);
    if (report->input.path != NULL)
        g_string_append_printf(out, " of %s",
                               strcmp(report->input.path, "-") == 0 ? "stdin" : report->input.path);
    if (report->input.format != NULL)
        g_string_append_printf(out, " (%s)", report->input.format);
    g_string_append(out, ": ");
    append_counted(out, report->input.vertices, "vertex", "vertices");
    g_string_append(out, ", ");
    append_counted(out, report->input.edges, report->input.weighted ? "weighted edge" : "edge",
                   report->input.weighted ? "weighted edges" : "edges");
    g_string_append_c(out, '\n');
}

static void
append_plan(const GasketReport *report, bool planned, GString *out)
{
    g_string_append(out, "plan       ");
    append_counted(out, report->plan.workers, "worker", "workers");
    g_string_append(out, " of ");
    append_counted(out, report->plan.threads, "thread", "threads");
    if (report->plan.order != NULL && !planned)
        g_string_append_printf(out, ", order %s", report->plan.order);
    if (report->plan.layout != NULL)
        g_string_append_printf(out, ", %s", report->plan.layout);
    g_string_append_c(out, '\n');
    if (planned || report->plan.workers < 2 || report->plan.partition == NULL)
        return;

    g_string_append_printf(out, "partition  %s", report->plan.partition);
    if (report->plan.partition_reason != NULL)
        g_string_append_printf(out, ": %s", report->plan.partition_reason);
    double share = report->input.edges > 0
                       ? 100 * (double)report->plan.cut_edges / (double)report->input.edges
                       : 0;
    g_string_append_printf(out, "\ncut        %.1f %% of the edges, ", share);
    append_counted(out, report->plan.ghosts, "ghost", "ghosts");
    g_string_append_printf(out, ", balance %.2f\n", report->plan.balance);
}

static void
append_time(const GasketReport *report, GString *out)
{
    const struct {
        const char *name;
        double seconds;
    } phases[] = {
        {"load", report->seconds.load},     {"number", report->seconds.number},
        {"plan", report->seconds.plan},     {"distribute", report->seconds.distribute},
        {"layout", report->seconds.layout}, {"run", report->seconds.run},
        {"verify", report->seconds.verify}, {"write", report->seconds.write},
    };
    g_string_append_printf(out, "time       %.2f s", report->seconds.total);
    unsigned n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(phases); i++)
        if (phases[i].seconds >= 0.005)
            g_string_append_printf(out, "%s%s %.2f", n++ > 0 ? ", " : ": ", phases[i].name,
                                   phases[i].seconds);
    g_string_append_c(out, '\n');
}

static void
append_traffic(const GasketReport *report, GString *out)
{
    uint64_t sent = 0, peak = 0;
    double compute = 0, wait = 0;
    for (size_t i = 0; i < report->n_workers; i++) {
        sent += report->workers[i].bytes_sent;
        peak = MAX(peak, report->workers[i].peak_bytes);
        compute += report->workers[i].compute_seconds;
        wait += report->workers[i].wait_seconds;
    }
    if (peak == 0 && sent == 0)
        return;
    g_string_append(out, "memory     ");
    gasket_report_append_bytes(out, peak);
    if (report->n_workers > 1) {
        g_string_append(out, " in the largest worker; ");
        gasket_report_append_bytes(out, sent);
        g_string_append(out, " sent");
        if (compute + wait > 0)
            g_string_append_printf(out, ", %.0f %% of the time waiting",
                                   100 * wait / (compute + wait));
    }
    g_string_append_c(out, '\n');
}

static void
append_snapshots(const GasketReport *report, GString *out)
{
    const GasketReportSnapshots *snapshots = &report->snapshots;

    if (snapshots->resumed != NULL)
        g_string_append_printf(out, "resumed    from %s\n", snapshots->resumed);
    if (snapshots->taken > 0) {
        g_string_append(out, "snapshots  ");
        gasket_report_append_count(out, snapshots->taken);
        g_string_append_printf(out, ", the last in %s (", snapshots->last);
        gasket_report_append_bytes(out, snapshots->bytes);
        g_string_append_printf(out, "); paused %.3f s, written in %.2f s at most\n",
                               snapshots->pause_seconds, snapshots->write_seconds);
    }
    if (snapshots->failed > 0)
        g_string_append_printf(out, "WARNING    a snapshot failed: %s\n", snapshots->failure);
}

static void
append_outcome(const GasketReport *report, GString *out)
{
    /* ORDER gasket_stopped */
    static const char *const words[] = {"converged ", "unfinished", "stopped   ", "unfinished"};
    size_t n = report->n_iterations;

    g_string_append_printf(out, "%s after ", words[report->stopped]);
    append_counted(out, n + report->snapshots.resumed_iteration, "iteration", "iterations");
    if (n > 0 && !isnan(report->iterations[n - 1].residual))
        g_string_append_printf(out, ", residual %.3g", report->iterations[n - 1].residual);
    double rate = report->seconds.run > 0 ? (double)n / report->seconds.run : 0;
    if (rate > 0)
        g_string_append_printf(out, rate < 1000 ? ", %.3g iterations/s" : ", %.0f iterations/s",
                               rate);
    g_string_append_c(out, '\n');
}

/* Whether a metric of a method on ratings stands in the lines of its errors. */
static bool
is_error(const char *name)
{
    return g_str_has_suffix(name, ".rmse") || g_str_has_suffix(name, ".mae") ||
           (g_str_has_prefix(name, "ranking.") && !g_str_has_suffix(name, ".users")) ||
           g_str_has_prefix(name, "baseline.popularity.");
}

static void
append_metrics(const GasketReport *report, GString *out)
{
    const bool errors = gasket_cli_append_errors(report, out);
    size_t n = 0, more = 0;
    for (size_t i = 0; i < report->n_metrics; i++) {
        if (errors && is_error(report->metrics[i].name))
            continue;
        if (n == N_METRICS_SHOWN) {
            more++;
            continue;
        }
        g_string_append_printf(out, "%s%s = %.10g", n++ == 0 ? "metrics    " : ", ",
                               report->metrics[i].name, report->metrics[i].value);
    }
    if (more > 0)
        g_string_append_printf(out, ", and %zu more", more);
    if (n > 0)
        g_string_append_c(out, '\n');
}

void
gasket_report_append_text(const GasketReportHead *head, const GasketReport *report, GString *out)
{
    append_head(head, report, out);
    append_plan(report, head->planned, out);
    if (head->planned)
        return;
    append_time(report, out);
    append_traffic(report, out);
    append_snapshots(report, out);
    append_outcome(report, out);
    append_metrics(report, out);
    if (report->verified)
        g_string_append_printf(out, "%s %s\n", report->correct ? "verified  " : "WRONG     ",
                               report->verify_message != NULL ? report->verify_message : "");
}
