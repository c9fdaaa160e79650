/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of belief propagation on small models, with options by name.
 */
#ifndef GASKET_TESTS_BP_RUNS_H
#define GASKET_TESTS_BP_RUNS_H

#include "algorithms/algorithms.h"
#include "tests/factor_models.h"

/* settings: name, value, ..., NULL, or NULL. */
static inline void *
parameters_with(const char *const *settings)
{
    g_autoptr(GError) error = NULL;
    void *parameters = g_malloc0(gasket_bp.parameters_size);
    gasket_options_set_defaults(gasket_bp.options, parameters);
    for (; settings != NULL && *settings != NULL; settings += 2)
        ck_assert_msg(gasket_options_set(gasket_bp.options, parameters, settings[0], settings[1],
                                         &error),
                      "%s", error ? error->message : "");
    return parameters;
}

static inline GasketResult *
run_bp(const SmallModel *model, const char *const *settings, double tolerance)
{
    g_autofree void *parameters = parameters_with(settings);
    g_autoptr(GError) error = NULL;
    const Experiment experiment = {.algorithm = &gasket_bp,
                                   .parameters = parameters,
                                   .build = small_model_build,
                                   .data = model};
    const GasketRunOptions options = {.tolerance = tolerance};
    GasketResult *result = run_once(&experiment, &options, &error);
    ck_assert_msg(result != NULL, "%s", error ? error->message : "");
    return result;
}

/* A grid of 4 x 4 with fields and couplings drawn alike. */
static inline void
glass(SmallModel *model, double strength, uint64_t seed)
{
    GasketRandom random = gasket_random_at(seed, 5, 0, 0);
    small_model_variables(model, 16, 2, &random);
    for (int64_t v = 0; v < 16; v++) {
        for (unsigned d = 0; d < 2; d++) {
            if (d == 0 ? v % 4 == 3 : v / 4 == 3)
                continue;
            SmallFactor *pair =
                small_model_add(model, 2, (const int64_t[]){v, d == 0 ? v + 1 : v + 4});
            double j = strength * gasket_random_normal(&random);
            pair->table[0] = pair->table[3] = exp(j);
            pair->table[1] = pair->table[2] = exp(-j);
        }
        SmallFactor *field = small_model_add(model, 1, &v);
        field->table[0] = exp(0.2 * gasket_random_normal(&random));
        field->table[1] = 1;
    }
}

#endif
