/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Belief propagation on factor graphs: marginals and the partition function (sum-product), or the
 * likeliest states (max-product).
 *
 * Variables and factors send one another messages over the states of the variable between them (the
 * updates: bp_update.c) until none changes by more than the tolerance. Without cycles the result is
 * exact; with cycles it is a fixed point of the Bethe approximation.
 *
 * Schedules:
 *   tree         no cycles: twice over the levels, exact
 *   sequential   groups of variables without a common factor take turns: one group's messages are
 *                what the next one reads
 *   parallel     all factors, then all variables
 *   residual     who is woken by a change, with --engine async the largest first
 *
 * Damping: a message moves only a share of the way. `auto` starts without and damps more whenever
 * the residual has not gone down for a while: oscillation shows as that.
 *
 * Arithmetic: products and sums of normalised messages, as long as nothing comes near underflow;
 * else the run starts again with logarithms. Max-product always adds logarithms.
 *
 * Cost: a sweep reads every table a few times (factor_contract.h) and every message twice; 16 bytes
 * for each entry of a scope and state.
 *
 * References: J. Pearl, Probabilistic Reasoning in Intelligent Systems, 1988; F. Kschischang, B.
 * Frey, H. Loeliger, Factor graphs and the sum-product algorithm, 2001.
 */
#include "bp.h"

#include <stdatomic.h>

#include "algorithms.h"
#include "factor_conditional.h"
#include "factor_score.h"

/* ---- options and result ---------------------------------------------------------------------- */

typedef enum { SUM, MAXIMUM } Product;
typedef enum { SCHEDULE_AUTO, SCHEDULE_PARALLEL, SCHEDULE_SEQUENTIAL, SCHEDULE_RESIDUAL } Schedule;
typedef enum { ARITHMETIC_AUTO, ARITHMETIC_LINEAR, ARITHMETIC_LOG } Arithmetic;

typedef struct {
    int product, schedule, arithmetic;
    const char *damping;
} Parameters;

static const char *const products[] = {"sum", "max", NULL};
static const char *const schedules[] = {"auto", "parallel", "sequential", "residual", NULL};
static const char *const arithmetics[] = {"auto", "linear", "log", NULL};

static const GasketOption options[] = {
    {"product", GASKET_OPTION_CHOICE, offsetof(Parameters, product), "sum",
     "sum: marginals and log Z; max: the likeliest states", .choices = products},
    {"schedule", GASKET_OPTION_CHOICE, offsetof(Parameters, schedule), "auto",
     "who sends when; auto: twice over a tree, else sequential; residual: what has changed most, "
     "with --engine async; with sync, what has changed at all",
     .choices = schedules},
    {"damping", GASKET_OPTION_STRING, offsetof(Parameters, damping), "auto",
     "share of the old message that stays, in [0, 1); auto: more as messages oscillate",
     .value_name = "D"},
    {"arithmetic", GASKET_OPTION_CHOICE, offsetof(Parameters, arithmetic), "auto",
     "of sum-product; auto: linear until something would underflow", .choices = arithmetics},
    {.name = NULL},
};

enum { STATE, MARGINAL };

static const GasketResultColumn results[] = {
    {.name = "state", .kind = 0, .type = GASKET_INT32, .offset = offsetof(BpVariable, state)},
    {.name = "marginal", .kind = 0, .type = GASKET_DOUBLE, .varying = true},
};

static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true}};

static const GasketAggregate aggregates[BP_N_AGGREGATES] = {
    {"residual", GASKET_MAX, 1}, {"tiny", GASKET_COUNT, 1}, {"impossible", GASKET_COUNT, 1},
    {"broken", GASKET_COUNT, 1}, {"log_z", GASKET_SUM, 1},  {"updates", GASKET_COUNT, 1},
    FACTOR_SCORE_AGGREGATES,
};

/* damping: -1 for auto. */
static bool
read_damping(const char *text, double *ret_damping, GError **error)
{
    char *end = NULL;

    if (strcmp(text, "auto") == 0) {
        *ret_damping = -1;
        return true;
    }
    *ret_damping = g_ascii_strtod(text, &end);
    if (end != text && *end == '\0' && *ret_damping >= 0 && *ret_damping < 1)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "--damping: \"%s\" is neither auto nor a number from 0 to below 1", text);
    return false;
}

static bool
prepare(const void *parameters, double tolerance, GasketNeeds *unused_needs,
        GasketResultColumn *unused_results, GError **error)
{
    const Parameters *p = parameters;
    double damping;
    (void)tolerance;
    (void)unused_needs;
    (void)unused_results;
    return read_damping(p->damping, &damping, error);
}

/* ---- damping --------------------------------------------------------------------------------- */

#define PATIENCE 20 /* sweeps of the first window */

/* Slow convergence is not oscillation: residuals may fall like 1 / sweeps. So windows double, and
 * each must have gone below the one before. */
typedef struct {
    bool automatic;
    double best, before; /* least residuals of this window and the last */
    unsigned at, window; /* sweeps of this window; its length, 0 before the first */
    unsigned stage;
} Damping;

static void
damping_watch(Damping *damping, BpSettings *settings, double residual)
{
    static const double stages[] = {0, 0.3, 0.5, 0.7, 0.85, 0.95};

    if (!damping->automatic || damping->stage + 1 == G_N_ELEMENTS(stages))
        return;
    if (damping->window == 0)
        *damping = (Damping){true, INFINITY, INFINITY, 0, PATIENCE, damping->stage};
    damping->best = MIN(damping->best, residual);
    if (++damping->at < damping->window)
        return;
    if (damping->best < 0.8 * damping->before) {
        damping->before = damping->best;
        damping->best = INFINITY;
        damping->at = 0;
        damping->window *= 2;
        return;
    }
    settings->damping = stages[++damping->stage];
    damping->window = 0;
}

/* ---- schedules ------------------------------------------------------------------------------- */

#define MOST_MESSAGES 100 /* of the residual schedule, for each end of a scope */

typedef struct {
    GasketRun *run;
    const Parameters *parameters;
    FactorModel model;
    BpSettings settings;
    BpForest *forest;  /* NULL: there are cycles */
    FactorOrder order; /* n_groups 0: not needed yet */
    Damping damping;
    int64_t updates;
} Bp;

BpOutcome
bp_outcome(const GasketRun *run, const BpSettings *settings)
{
    if (settings->model->domain == FACTOR_LINEAR && gasket_run_total_count(run, BP_TINY, 0) > 0)
        return BP_UNDERFLOW;
    return gasket_run_total_count(run, BP_IMPOSSIBLE, 0) > 0 ? BP_CONTRADICTION : BP_DONE;
}

bool
bp_start(GasketRun *run, const BpSettings *settings, GError **error)
{
    const GasketProgram factors = bp_start_program(settings, GASKET_KIND_FACTOR);
    const GasketProgram variables = bp_start_program(settings, GASKET_KIND_VARIABLE);
    return gasket_run_step(run, &factors, error) && gasket_run_step(run, &variables, error);
}

/* Everybody at once. */
static bool
sweep_parallel(Bp *bp, double *ret_residual, BpOutcome *ret_outcome, GError **error)
{
    const GasketProgram variables = bp_variable_program(&bp->settings);
    const GasketProgram factors = bp_factor_program(&bp->settings);

    if (!gasket_run_step(bp->run, &variables, error))
        return false;
    *ret_outcome = bp_outcome(bp->run, &bp->settings);
    if (*ret_outcome != BP_DONE)
        return true;
    if (!gasket_run_step(bp->run, &factors, error))
        return false;
    *ret_outcome = bp_outcome(bp->run, &bp->settings);
    *ret_residual = gasket_run_total(bp->run, BP_RESIDUAL, 0);
    bp->updates += gasket_run_total_count(bp->run, BP_UPDATES, 0);
    return true;
}

/* Group by group. */
static bool
sweep_sequential(Bp *bp, double *ret_residual, BpOutcome *ret_outcome, GError **error)
{
    BpOutcome outcome = BP_DONE;
    double residual = 0;

    for (uint32_t g = 0; outcome == BP_DONE && g < bp->order.n_groups; g++) {
        bp->settings.group = g;
        const GasketProgram variables = bp_variable_program(&bp->settings);
        const GasketProgram factors = bp_factor_program(&bp->settings);
        if (!factor_order_turn(&bp->order, g, &factors, NULL, error))
            return false;
        residual = MAX(residual, gasket_run_total(bp->run, BP_RESIDUAL, 0));
        bp->updates += gasket_run_total_count(bp->run, BP_UPDATES, 0);
        outcome = bp_outcome(bp->run, &bp->settings);
        if (outcome != BP_DONE)
            break;
        if (!factor_order_turn(&bp->order, g, NULL, &variables, error))
            return false;
        outcome = bp_outcome(bp->run, &bp->settings);
    }
    bp->settings.group = FACTOR_ALL_GROUPS;
    *ret_residual = residual;
    *ret_outcome = outcome;
    return true;
}

/* Variables speak first: factors have had nothing to send yet. */
static bool
speak_first(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    const GasketProgram variables = bp_variable_program(&bp->settings);

    if (!gasket_run_step(bp->run, &variables, error))
        return false;
    *ret_outcome = bp_outcome(bp->run, &bp->settings);
    return true;
}

static bool
sweep_to_end(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    const bool sequential = bp->order.n_groups > 0 && bp->parameters->schedule != SCHEDULE_PARALLEL;

    while (*ret_outcome == BP_DONE && gasket_run_continues(bp->run)) {
        double residual = 0;
        if (!(sequential ? sweep_sequential : sweep_parallel)(bp, &residual, ret_outcome, error))
            return false;
        gasket_run_end_iteration(bp->run, residual,
                                 *ret_outcome == BP_DONE &&
                                     residual < gasket_run_tolerance(bp->run));
        damping_watch(&bp->damping, &bp->settings, residual);
    }
    return true;
}

/* As they are woken; then everybody once, to know what is left to change. What has not converged by
 * then goes on in sweeps, with damping. */
static bool
by_residual(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    const bool async = gasket_run_engine(bp->run) == GASKET_ENGINE_ASYNC;
    const uint64_t step = gasket_run_context(bp->run, GASKET_KIND_FACTOR)->step;
    const int64_t most = MOST_MESSAGES * (int64_t)gasket_run_n_edges(bp->run, 0);
    BpResidual residual = {.tolerance = gasket_run_tolerance(bp->run),
                           .last_step = async ? UINT64_MAX : step + 2 * MOST_MESSAGES,
                           .most = async ? most : INT64_MAX};
    double left = 0, figure[2];

    bp->settings.residual = &residual;
    bool ok = bp_residual_run(bp->run, &bp->settings, error);
    bp->settings.residual = NULL;
    figure[0] = (double)atomic_load(&residual.updates);
    figure[1] = atomic_load(&residual.tiny) ? 1 : 0;
    if (!ok || !gasket_run_reduce_sum(bp->run, figure, 2, error))
        return false;
    bp->updates += (int64_t)figure[0];
    if (figure[1] > 0 && bp->model.domain == FACTOR_LINEAR) {
        *ret_outcome = BP_UNDERFLOW;
        gasket_run_end_iteration(bp->run, NAN, false);
        return true;
    }
    if (!sweep_parallel(bp, &left, ret_outcome, error))
        return false;
    /* Many small changes that woke nobody may add up to a little more. */
    if (*ret_outcome != BP_DONE || left < 10 * residual.tolerance)
        return true;
    gasket_run_end_iteration(bp->run, left, false);
    return sweep_to_end(bp, ret_outcome, error);
}

static bool
iterate(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    if (bp->parameters->schedule == SCHEDULE_RESIDUAL)
        return by_residual(bp, ret_outcome, error);
    if (bp->parameters->schedule != SCHEDULE_PARALLEL && !speak_first(bp, ret_outcome, error))
        return false;
    return sweep_to_end(bp, ret_outcome, error);
}

static bool
over_tree(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    const double damping = bp->settings.damping;

    if (!gasket_run_continues(bp->run))
        return true;
    bp->settings.damping = 0;
    if (!bp_forest_pass(bp->forest, &bp->settings, ret_outcome, error))
        return false;
    bp->settings.damping = damping;
    if (*ret_outcome != BP_UNDERFLOW)
        gasket_run_end_iteration(bp->run, 0, true);
    return true;
}

/* ---- driver ---------------------------------------------------------------------------------- */

static void
bp_clear_run(Bp *bp)
{
    factor_model_clear(&bp->model);
    factor_order_clear(&bp->order);
    bp_forest_free(bp->forest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bp, bp_clear_run)

static FactorDomain
first_domain(const Bp *bp)
{
    if (bp->parameters->product == MAXIMUM)
        return FACTOR_MAX;
    return bp->parameters->arithmetic == ARITHMETIC_LOG ? FACTOR_LOG : FACTOR_LINEAR;
}

static void
set_domain_settings(Bp *bp)
{
    bp->settings.fast = bp->model.domain == FACTOR_LINEAR && bp->model.uniform == 2 &&
                        bp->parameters->schedule != SCHEDULE_RESIDUAL;
}

static bool
open(Bp *bp, GError **error)
{
    GasketRun *run = bp->run;
    double damping;

    if (!read_damping(bp->parameters->damping, &damping, error) ||
        !gasket_run_set_aggregates(run, aggregates, BP_N_AGGREGATES, error) ||
        !factor_model_open(&bp->model, run, first_domain(bp), error))
        return false;
    if (bp->model.domain == FACTOR_LINEAR && bp->model.extreme &&
        bp->parameters->arithmetic == ARITHMETIC_AUTO &&
        !factor_model_set_domain(&bp->model, FACTOR_LOG, error))
        return false;
    bp->settings = (BpSettings){.model = &bp->model,
                                .damping = MAX(damping, 0),
                                .group = FACTOR_ALL_GROUPS,
                                .scratch = bp_scratch(&bp->model)};
    bp->damping.automatic = damping < 0;
    set_domain_settings(bp);
    return gasket_run_set_state(run, GASKET_KIND_VARIABLE, sizeof(BpVariable), error) &&
           factor_model_set_result(&bp->model, MARGINAL, &bp->settings.marginal,
                                   &bp->settings.marginal_begin, error) &&
           gasket_run_set_value(run, GASKET_KIND_VARIABLE, sizeof(FactorValue), error) &&
           factor_model_set_messages(&bp->model, /* both= */ true, error) &&
           (bp->parameters->schedule != SCHEDULE_AUTO ||
            bp_forest_find(&bp->model, &bp->forest, error));
}

static bool
needs_order(const Bp *bp)
{
    return bp->forest == NULL &&
           (bp->parameters->schedule != SCHEDULE_PARALLEL || bp->parameters->product == MAXIMUM);
}

static bool
pass_messages(Bp *bp, BpOutcome *ret_outcome, GError **error)
{
    *ret_outcome = BP_DONE;
    return bp_start(bp->run, &bp->settings, error) &&
           (bp->forest != NULL ? over_tree : iterate)(bp, ret_outcome, error);
}

/* States that messages agree on, then each the best given the others while any changes. */
static bool
decode(Bp *bp, GError **error)
{
    FactorConditional best = {.model = &bp->model,
                              .inverse_temperature = INFINITY,
                              .changed = BP_UPDATES};
    int64_t changed = 1;

    if (bp->forest != NULL)
        return bp_forest_decode(bp->forest, &bp->settings, error);
    if (!bp_decode(&bp->order, &bp->settings, error))
        return false;
    while (changed > 0)
        if (!factor_conditional_sweep(&bp->order, &best, &changed, error))
            return false;
    return true;
}

static bool
report(Bp *bp, BpOutcome outcome, GError **error)
{
    GasketRun *run = bp->run;
    double log_z = -INFINITY, score = -INFINITY;

    if (outcome == BP_CONTRADICTION ? !bp_clear(run, &bp->settings, error)
                                    : !bp_finish(run, &bp->settings, &log_z, error))
        return false;
    gasket_run_set_metric(run, "updates", (double)bp->updates);
    gasket_run_set_metric(run, "damping", bp->settings.damping);
    if (bp->parameters->product == SUM) {
        gasket_run_set_metric(run, "log10_z", log_z / G_LN10);
        return true;
    }
    if (log_z > -INFINITY &&
        (!decode(bp, error) || !factor_score(&bp->model, BP_SCORE, &score, error)))
        return false;
    gasket_run_set_metric(run, "log10_score", score / G_LN10);
    return true;
}

static bool
run_bp(GasketRun *run, const void *parameters, GError **error)
{
    g_auto(Bp) bp = {.run = run, .parameters = parameters};
    BpOutcome outcome;

    if (!open(&bp, error) ||
        (needs_order(&bp) &&
         !factor_order_open(&bp.order, &bp.model, GASKET_KIND_VARIABLE, error)) ||
        !pass_messages(&bp, &outcome, error))
        return false;
    if (gasket_run_total_count(run, BP_BROKEN, 0) > 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a factor's table does not fit the variables of its scope");
        return false;
    }
    if (outcome == BP_UNDERFLOW && bp.parameters->arithmetic == ARITHMETIC_AUTO) {
        if (!factor_model_set_domain(&bp.model, FACTOR_LOG, error))
            return false;
        set_domain_settings(&bp);
        bp.damping = (Damping){.automatic = bp.damping.automatic};
        bp.settings.damping = bp.damping.automatic ? 0 : bp.settings.damping;
        if (!pass_messages(&bp, &outcome, error))
            return false;
    }
    return report(&bp, outcome, error);
}

const GasketAlgorithm gasket_bp = {
    .abi = GASKET_ABI,
    .name = "bp",
    .summary = "belief propagation: marginals, partition function, likeliest states",
    .description =
        "Sum-product belief propagation gives each variable's marginal and the Bethe\n"
        "approximation of the partition function (log10_z in the report); exact on trees, which\n"
        "are detected. Max-product gives likely states and their score (log10_score).\n"
        "\n"
        "  gasket bp grid.uai --evidence grid.evid -o grid.MAR\n"
        "  gasket bp grid.uai --product max -o grid.MPE\n"
        "\n"
        "Evidence that the model excludes gives probability zero: log10_z is minus infinity and\n"
        "marginals are 0.",
    .input = GASKET_INPUT_FACTORS,
    .options = options,
    .parameters_size = sizeof(Parameters),
    .needs = needs,
    .n_needs = 1,
    .results = results,
    .n_results = G_N_ELEMENTS(results),
    .default_iterations = 2000,
    .default_tolerance = 1e-6,
    .prepare = prepare,
    .run = run_bp,
    .engines = 1 << GASKET_ENGINE_ASYNC,
    .consistency = GASKET_CONSISTENCY_EDGE,
    .scheduler = GASKET_SCHEDULER_PRIORITY,
};
