/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Iterated conditional modes: each variable in turn takes its likeliest state given the others,
 * until none changes. A local optimum of the product of all tables; the baseline that other
 * algorithms for likely states must beat.
 *
 * Invariant: variables of a group share no factor, so each choice raises the score or leaves it.
 *
 * Reference: J. Besag, On the statistical analysis of dirty pictures, 1986.
 */
#include <math.h>

#include "algorithms.h"
#include "factor_conditional.h"
#include "factor_score.h"
#include "factor_verify.h"

enum { SCORE, FORBIDDEN, CHANGED };

static const GasketAggregate aggregates[] = {FACTOR_SCORE_AGGREGATES, {"changed", GASKET_COUNT, 1}};

typedef struct {
    FactorModel model;
    FactorOrder order;
} Icm;

static void
icm_clear(Icm *icm)
{
    factor_model_clear(&icm->model);
    factor_order_clear(&icm->order);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Icm, icm_clear)

static bool
run_icm(GasketRun *run, const void *parameters, GError **error)
{
    g_auto(Icm) icm = {.model.run = run};
    FactorConditional settings = {.model = &icm.model,
                                  .inverse_temperature = INFINITY,
                                  .changed = CHANGED};
    double score;
    (void)parameters;

    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
        !factor_model_open(&icm.model, run, FACTOR_MAX, error) ||
        !gasket_run_set_state(run, GASKET_KIND_VARIABLE, sizeof(int32_t), error) ||
        !gasket_run_set_value(run, GASKET_KIND_VARIABLE, sizeof(FactorValue), error) ||
        !factor_model_set_messages(&icm.model, /* both= */ false, error) ||
        !factor_order_open(&icm.order, &icm.model, GASKET_KIND_VARIABLE, error) ||
        !factor_conditional_start(&icm.order, &settings, error))
        return false;
    while (gasket_run_continues(run)) {
        int64_t changed;
        if (!factor_conditional_sweep(&icm.order, &settings, &changed, error))
            return false;
        gasket_run_end_iteration(run, (double)changed, changed == 0);
    }
    if (!factor_score(&icm.model, SCORE, &score, error))
        return false;
    gasket_run_set_metric(run, "log10_score", score / G_LN10);
    return true;
}

static bool
verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    (void)parameters;
    return factor_verify_states(run, sizeof(int32_t), false, ret_message, error);
}

const GasketAlgorithm gasket_icm = {
    .abi = GASKET_ABI,
    .name = "icm",
    .summary = "iterated conditional modes: a locally likeliest state of every variable",
    .description =
        "Each variable takes its likeliest state given its neighbours, from its prior's\n"
        "mode on, until none changes. The score is log10_score in the report.\n"
        "\n"
        "  gasket icm grid.uai --evidence grid.evid -o grid.MPE",
    .input = GASKET_INPUT_FACTORS,
    GASKET_NEEDS({.in_rows = true, .out_rows = true}),
    GASKET_RESULTS({.name = "state", .type = GASKET_INT32}),
    .run = run_icm,
    .resumable = true,
    .verify = verify,
};
