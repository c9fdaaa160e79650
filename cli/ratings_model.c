/* SPDX-License-Identifier: Apache-2.0 */
/* A model on its way to the disk; see ratings_model.h. */
#include "cli/ratings_model.h"

#include <errno.h>
#include <stdio.h>

struct GasketCliModel {
    GasketFactorModel *model;
    FILE *seen;
};

GasketCliModel *
gasket_cli_model_new(const GasketAlgorithm *algorithm, const GasketResultColumn *results,
                     const void *parameters, GError **error)
{
    FILE *seen = tmpfile();
    if (seen == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "cannot make a temporary file: %s",
                    g_strerror(errno));
        return NULL;
    }
    GasketCliModel *model = g_new0(GasketCliModel, 1);
    model->seen = seen;
    model->model = gasket_factor_model_of(algorithm, results, parameters);
    return model;
}

void
gasket_cli_model_free(GasketCliModel *model)
{
    if (model == NULL)
        return;
    (void)fclose(model->seen); /* it has no name, and what it held was read */
    gasket_factor_model_free(model->model);
    g_free(model);
}

bool
gasket_cli_model_keep_seen(GasketCliModel *model, const GasketGraph *graph, GError **error)
{
    g_auto(GasketModelRows) seen = {0};
    return gasket_seen_from_graph(graph, model->model->rank == 0, &seen, error) &&
           gasket_seen_store(&seen, fileno(model->seen), error);
}

bool
gasket_cli_model_add(GasketCliModel *model, const GasketResultBlock *block, GError **error)
{
    return gasket_factor_model_add(model->model, block, error);
}

bool
gasket_cli_model_write(GasketCliModel *model, const GasketReport *report, const char *path,
                       GError **error)
{
    gasket_factor_model_set_metrics(model->model, report);
    return gasket_seen_fetch(fileno(model->seen), &model->model->seen, error) &&
           gasket_factor_model_write(model->model, path, error);
}
