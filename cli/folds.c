/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-validation's table; see folds.h. */
#include "cli/folds.h"

#include <math.h>
#include <string.h>

#define N_FIGURES 4

static const char *const figures[N_FIGURES] = {"train.rmse", "test.rmse", "test.mae",
                                               "baseline.bias.rmse"};

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

static void
append_row(const char *name, const double *row, GString *out)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(out, name);
    for (unsigned f = 0; f < N_FIGURES; f++)
        g_string_append_printf(out, "\t%s", g_ascii_formatd(text, sizeof text, "%.6f", row[f]));
    g_string_append_c(out, '\n');
}

void
gasket_cli_folds_append(const GasketCliFolds *folds, GString *out)
{
    const Fold *fold = (const Fold *)(const void *)folds->folds->data;
    const unsigned n = folds->folds->len;
    double mean[N_FIGURES] = {0}, deviation[N_FIGURES] = {0};

    g_string_append(out, "fold");
    for (unsigned f = 0; f < N_FIGURES; f++)
        g_string_append_printf(out, "\t%s", figures[f]);
    g_string_append_c(out, '\n');
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("%u", i + 1);
        append_row(name, fold[i].figure, out);
        for (unsigned f = 0; f < N_FIGURES; f++)
            mean[f] += fold[i].figure[f] / n;
    }
    for (unsigned f = 0; f < N_FIGURES; f++) {
        for (unsigned i = 0; i < n; i++)
            deviation[f] += (fold[i].figure[f] - mean[f]) * (fold[i].figure[f] - mean[f]);
        deviation[f] = n > 1 ? sqrt(deviation[f] / (n - 1)) : 0;
    }
    append_row("mean", mean, out);
    append_row("deviation", deviation, out);
}
