/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-validation's table; see folds.h. */
#include "cli/folds.h"

#include <math.h>
#include <string.h>

#define N_FIGURES 11

static const char *const figures[N_FIGURES] = {"train.rmse",    "test.rmse",
                                               "test.mae",      "baseline.bias.rmse",
                                               "objective",     "ranking.ndcg",
                                               "ranking.map",   "ranking.precision",
                                               "ranking.auc",   "ranking.hit",
                                               "ranking.recall"};

typedef struct {
    double figure[N_FIGURES]; /* NAN: not measured */
} Fold;

struct GasketCliFolds {
    GArray *folds; /* of Fold */
};

GasketCliFolds *
gasket_cli_folds_new(void)
{
    GasketCliFolds *folds = g_new0(GasketCliFolds, 1);
    folds->folds = g_array_new(FALSE, FALSE, sizeof(Fold));
    return folds;
}

void
gasket_cli_folds_free(GasketCliFolds *folds)
{
    if (folds == NULL)
        return;
    g_array_free(folds->folds, TRUE);
    g_free(folds);
}

void
gasket_cli_folds_add(GasketCliFolds *folds, const GasketReport *report)
{
    Fold fold;
    for (unsigned f = 0; f < N_FIGURES; f++) {
        fold.figure[f] = NAN;
        for (size_t m = 0; m < report->n_metrics; m++)
            if (strcmp(report->metrics[m].name, figures[f]) == 0)
                fold.figure[f] = report->metrics[m].value;
    }
    g_array_append_val(folds->folds, fold);
}

static double
figure_at(const GasketCliFolds *folds, unsigned i, unsigned f)
{
    return ((const Fold *)(const void *)folds->folds->data)[i].figure[f];
}

/* Whether the first fold had it. */
static bool
is_measured(const GasketCliFolds *folds, unsigned f)
{
    return folds->folds->len > 0 && !isnan(figure_at(folds, 0, f));
}

static void
average(const GasketCliFolds *folds, unsigned f, double *ret_mean, double *ret_deviation)
{
    const unsigned n = folds->folds->len;
    double mean = 0, squares = 0;
    for (unsigned i = 0; i < n; i++)
        mean += figure_at(folds, i, f) / n;
    for (unsigned i = 0; i < n; i++)
        squares += (figure_at(folds, i, f) - mean) * (figure_at(folds, i, f) - mean);
    *ret_mean = mean;
    *ret_deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

bool
gasket_cli_folds_mean(const GasketCliFolds *folds, const char *metric, double *ret_mean,
                      double *ret_deviation)
{
    for (unsigned f = 0; f < N_FIGURES; f++) {
        if (strcmp(figures[f], metric) == 0 && is_measured(folds, f)) {
            average(folds, f, ret_mean, ret_deviation);
            return true;
        }
    }
    return false;
}

static void
append_cell(double value, GString *out)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(out, "\t%s", g_ascii_formatd(text, sizeof text, "%.6f", value));
}

void
gasket_cli_folds_append(const GasketCliFolds *folds, GString *out)
{
    g_autoptr(GString) means = g_string_new("mean"), deviations = g_string_new("deviation");
    g_string_append(out, "fold");
    for (unsigned f = 0; f < N_FIGURES; f++) {
        double mean, deviation;
        if (!is_measured(folds, f))
            continue;
        g_string_append_printf(out, "\t%s", figures[f]);
        average(folds, f, &mean, &deviation);
        append_cell(mean, means);
        append_cell(deviation, deviations);
    }
    g_string_append_c(out, '\n');
    for (unsigned i = 0; i < folds->folds->len; i++) {
        g_string_append_printf(out, "%u", i + 1);
        for (unsigned f = 0; f < N_FIGURES; f++)
            if (is_measured(folds, f))
                append_cell(figure_at(folds, i, f), out);
        g_string_append_c(out, '\n');
    }
    g_string_append_printf(out, "%s\n%s\n", means->str, deviations->str);
}
