/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of methods on ratings, for people; see error_table.h. */
#include "cli/error_table.h"

#include <math.h>
#include <string.h>

#define WIDTH 12

static double
metric(const GasketReport *report, const char *name)
{
    for (size_t i = 0; report != NULL && i < report->n_metrics; i++)
        if (strcmp(report->metrics[i].name, name) == 0)
            return report->metrics[i].value;
    return NAN;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void
append_cell(GString *out, double value)
{
    char text[32];
    if (isnan(value))
        text[0] = '\0';
    else
        g_snprintf(text, sizeof text, fabs(value) < 1e4 ? "%.4f" : "%.5g", value);
    g_string_append_printf(out, "%*s", WIDTH, text);
}

/* The row of a baseline, whose error is on the ratings that `column` is about. */
static void
append_baseline(const GasketCliErrorTable *table, const GasketReport *report, const char *name,
                const char *figure, GString *out)
{
    const double value = metric(report, figure);
    const bool test = !isnan(metric(report, "test.rmse"));
    if (isnan(value))
        return;
    g_string_append_printf(out, "%9s", name);
    for (unsigned c = 0; c < table->n_columns; c++) {
        bool own = strcmp(table->column[c], test ? "test.rmse" : "train.rmse") == 0;
        append_cell(out, own ? value : NAN);
    }
    g_string_append_c(out, '\n');
}

static void
begin(GasketCliErrorTable *table, const GasketReport *report, GString *out)
{
    static const char *const columns[GASKET_CLI_ERROR_COLUMNS] = {"objective", "train.rmse",
                                                                  "validation.rmse", "test.rmse"};
    table->begun = true;
    for (unsigned c = 0; c < GASKET_CLI_ERROR_COLUMNS; c++)
        if (!isnan(metric(report, columns[c])))
            table->column[table->n_columns++] = columns[c];
    if (table->n_columns == 0)
        return;
    g_string_append(out, "iteration");
    for (unsigned c = 0; c < table->n_columns; c++)
        g_string_append_printf(out, "%*s", WIDTH,
                               table->column[c][0] == 'v' ? "valid.rmse" : table->column[c]);
    g_string_append_printf(out, "%*s\n", WIDTH, "seconds");
    append_baseline(table, report, "mean", "baseline.mean.rmse", out);
    append_baseline(table, report, "biases", "baseline.bias.rmse", out);
}

void
gasket_cli_error_table_append(GasketCliErrorTable *table, const GasketProgress *step, GString *out)
{
    if (!table->begun)
        begin(table, step->report, out);
    if (table->n_columns == 0)
        return;
    g_string_append_printf(out, "%9" G_GUINT64_FORMAT, step->iteration);
    for (unsigned c = 0; c < table->n_columns; c++)
        append_cell(out, metric(step->report, table->column[c]));
    g_string_append_printf(out, "%*.2f\n", WIDTH, step->seconds);
}

/* ---- the summary ----------------------------------------------------------------------------- */

static void
append_figure(GString *out, const char *lead, const char *what, double value)
{
    if (!isnan(value))
        g_string_append_printf(out, "%s%s %.4f", lead, what, value);
}

static void
append_line(GString *out, const char *label, const GString *figures)
{
    if (figures->len > 0)
        g_string_append_printf(out, "%-10s %s\n", label, figures->str);
}

static void
append_model_errors(const GasketReport *report, GString *out)
{
    static const char *const relations[] = {"train", "validation", "test"};
    g_autoptr(GString) line = g_string_new(NULL);
    for (unsigned r = 0; r < G_N_ELEMENTS(relations); r++) {
        g_autofree char *rmse = g_strconcat(relations[r], ".rmse", NULL);
        g_autofree char *mae = g_strconcat(relations[r], ".mae", NULL);
        g_autofree char *what = g_strconcat(relations[r], " RMSE", NULL);
        append_figure(line, line->len > 0 ? ", " : "", what, metric(report, rmse));
        append_figure(line, " ", "MAE", metric(report, mae));
    }
    append_line(out, "errors", line);
}

static void
append_baseline_errors(const GasketReport *report, GString *out)
{
    g_autoptr(GString) line = g_string_new(NULL);
    append_figure(line, "", "mean RMSE", metric(report, "baseline.mean.rmse"));
    append_figure(line, line->len > 0 ? ", " : "", "biases RMSE",
                  metric(report, "baseline.bias.rmse"));
    append_line(out, "baselines", line);
}

static void
append_ranking(const GasketReport *report, GString *out)
{
    static const char *const figures[] = {"precision", "recall", "hit", "mrr",
                                          "map",       "ndcg",   "auc"};
    g_autoptr(GString) line = g_string_new(NULL);
    for (unsigned f = 0; f < G_N_ELEMENTS(figures); f++) {
        g_autofree char *own = g_strconcat("ranking.", figures[f], NULL);
        g_autofree char *popular = g_strconcat("baseline.popularity.", figures[f], NULL);
        if (isnan(metric(report, own)))
            continue;
        append_figure(line, line->len > 0 ? ", " : "", figures[f], metric(report, own));
        append_figure(line, " (", "popularity", metric(report, popular));
        g_string_append_c(line, ')');
    }
    append_line(out, "ranking", line);
}

bool
gasket_cli_append_errors(const GasketReport *report, GString *out)
{
    if (isnan(metric(report, "ratings")))
        return false;
    append_model_errors(report, out);
    append_baseline_errors(report, out);
    append_ranking(report, out);
    return true;
}
