/* SPDX-License-Identifier: Apache-2.0 */
/* Progress on stderr; see progress.h. */
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TERMINAL_US 100000  /* between two lines on a terminal */
#define PLAIN_US    5000000 /* between two lines elsewhere */

void
gasket_cli_progress_init(GasketCliProgress *progress, bool quiet)
{
    *progress = (GasketCliProgress){
        .quiet = quiet,
        .terminal = isatty(STDERR_FILENO) != 0,
        .last_us = g_get_monotonic_time(),
        .name = "run",
        .residual = NAN,
    };
}

/* Whether the time has come for another line. */
static bool
is_due(GasketCliProgress *progress)
{
    if (progress->quiet)
        return false;
    int64_t now = g_get_monotonic_time();
    if (now - progress->last_us < (progress->terminal ? TERMINAL_US : PLAIN_US))
        return false;
    progress->last_us = now;
    return true;
}

static void
show(GasketCliProgress *progress, const char *line)
{
    if (progress->terminal)
        fprintf(stderr, "\r%s\033[K", line);
    else
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
    progress->shown = progress->terminal;
}

void
gasket_cli_progress_end(GasketCliProgress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    progress->shown = false;
}

void
gasket_cli_progress_load(void *data, uint64_t bytes_done, uint64_t bytes_total, uint64_t edges)
{
    GasketCliProgress *progress = data;
    if (!is_due(progress))
        return;

    g_autoptr(GString) line = g_string_new("loading: ");
    if (bytes_total > 0)
        g_string_append_printf(line, "%.0f %% of %.1f MB, ",
                               100 * (double)bytes_done / (double)bytes_total,
                               (double)bytes_total / 1e6);
    else
        g_string_append_printf(line, "%.1f MB, ", (double)bytes_done / 1e6);
    g_string_append_printf(line, "%.1f M edges", (double)edges / 1e6);
    show(progress, line->str);
}

/* Follows how fast the residual shrinks. */
static void
learn(GasketCliProgress *progress, double residual)
{
    if (residual > 0 && progress->residual > 0) {
        double log_ratio = log(residual / progress->residual);
        progress->shrinking =
            progress->shrinking == 0 ? log_ratio : 0.8 * progress->shrinking + 0.2 * log_ratio;
    }
    progress->residual = residual;
}

double
gasket_cli_progress_left(const GasketCliProgress *progress, const GasketProgress *step)
{
    bool converged = progress->tolerance > 0 && step->residual <= progress->tolerance;
    if (step->iteration == 0 || step->seconds <= 0 || converged)
        return NAN;
    double each = step->seconds / (double)step->iteration;
    double left = NAN;

    if (step->iterations > step->iteration)
        left = (double)(step->iterations - step->iteration) * each;
    if (progress->tolerance > 0 && step->residual > progress->tolerance &&
        progress->shrinking < 0) {
        double steps = log(progress->tolerance / step->residual) / progress->shrinking;
        left = fmin(left, ceil(steps) * each); /* fmin passes over NAN */
    }
    return left;
}

static void
append_duration(GString *line, double seconds)
{
    if (seconds < 120)
        g_string_append_printf(line, ", about %.0f s left", ceil(seconds));
    else if (seconds < 7200)
        g_string_append_printf(line, ", about %.0f min left", ceil(seconds / 60));
    else
        g_string_append_printf(line, ", about %.1f h left", seconds / 3600);
}

void
gasket_cli_progress_run(void *data, const GasketProgress *step)
{
    GasketCliProgress *progress = data;
    learn(progress, step->residual);
    if (!is_due(progress))
        return;

    g_autoptr(GString) line = g_string_new(progress->name);
    if (step->phase != NULL && strcmp(step->phase, "run") != 0) {
        g_string_append_printf(line, ": %s, %.0f s", step->phase, step->seconds);
        show(progress, line->str);
        return;
    }
    g_string_append_printf(line, ": iteration %" G_GUINT64_FORMAT, step->iteration);
    if (step->iterations > 0)
        g_string_append_printf(line, " of %" G_GUINT64_FORMAT, step->iterations);
    if (!isnan(step->residual))
        g_string_append_printf(line, ", residual %.2g", step->residual);
    else
        g_string_append_printf(line, ", %" G_GUINT64_FORMAT " active", step->active);
    if (step->seconds > 0)
        g_string_append_printf(line, ", %.3g/s", (double)step->iteration / step->seconds);
    double left = gasket_cli_progress_left(progress, step);
    if (!isnan(left))
        append_duration(line, left);
    show(progress, line->str);
}
