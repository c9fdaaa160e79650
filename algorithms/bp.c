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
 *   splash       trees grown where most has changed, inwards and outwards
 *
 * Damping: a message moves only a share of the way. `auto` starts without and damps more whenever
 * the residual has not gone down for a while: oscillation shows as that. Where the most damping
 * does not help either, a double loop takes over, which settles (bp_counting.c).
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

#include "algorithms.h"
#include "factor_conditional.h"
#include "factor_score.h"
#include "factor_verify.h"

/* ---- options and result ---------------------------------------------------------------------- */

typedef enum { SUM, MAXIMUM } Product;
typedef enum { ARITHMETIC_AUTO, ARITHMETIC_LINEAR, ARITHMETIC_LOG } Arithmetic;

typedef struct {
    int product, schedule, arithmetic;
    const char *damping;
    bool reweighted;
    int marginals;
    int64_t depth;
    const char *restarts;
} Parameters;

static const char *const products[] = {"sum", "max", NULL};
static const char *const bp_schedules[] = {"auto",     "parallel", "sequential",
                                           "residual", "splash",   NULL};
enum { OF_VARIABLES, OF_FACTORS };
static const char *const marginals[] = {"variables", "factors", NULL};
static const char *const arithmetics[] = {"auto", "linear", "log", NULL};

static const GasketOption options[] = {
    {"product", GASKET_OPTION_CHOICE, offsetof(Parameters, product), "sum",
     "sum: marginals and log Z; max: the likeliest states", .choices = products},
    {"schedule", GASKET_OPTION_CHOICE, offsetof(Parameters, schedule), "auto",
     "who sends when; auto: twice over a tree, else sequential; residual: what has changed most, "
     "with --engine async; with sync, what has changed at all; splash: trees where most has "
     "changed",
     .choices = bp_schedules},
    {"depth", GASKET_OPTION_INT, offsetof(Parameters, depth), "3",
     "splash: variables from a tree's root to its leaves", .minimum = 1, .maximum = 10000},
    {"damping", GASKET_OPTION_STRING, offsetof(Parameters, damping), "auto",
     "share of the old message that stays, in [0, 1); auto: more as messages "
     "oscillate, then a double loop that settles",
     .value_name = "D"},
    {"arithmetic", GASKET_OPTION_CHOICE, offsetof(Parameters, arithmetic), "auto",
     "of sum-product; auto: linear until something would underflow", .choices = arithmetics},
    {"reweighted", GASKET_OPTION_BOOL, offsetof(Parameters, reweighted),
     .help = "tree-reweighted: once it has converged, log Z is an upper bound"},
    {"restarts", GASKET_OPTION_STRING, offsetof(Parameters, restarts), "auto",
     "of sum-product with cycles: runs from other messages, of which the largest log Z counts; "
     "auto: 4 in a model of at most 10,000 variables and 2^20 table entries, with --schedule auto",
     .value_name = "N"},
    {"marginals", GASKET_OPTION_CHOICE, offsetof(Parameters, marginals), "variables",
     "whose the result has; factors: of each entry of the table, and the likeliest one",
     .choices = marginals},
    {.name = NULL},
};

enum { STATE, MARGINAL };

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

/* *ret_restarts: -1 for auto. */
static bool
read_restarts(const char *text, int64_t *ret_restarts, GError **error)
{
    gint64 number;

    *ret_restarts = -1;
    if (strcmp(text, "auto") == 0)
        return true;
    if (g_ascii_string_to_signed(text, 10, 0, 1000000, &number, NULL)) {
        *ret_restarts = number;
        return true;
    }
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "--restarts: \"%s\" is neither auto nor a number from 0 to 1000000", text);
    return false;
}

static bool
prepare(const void *parameters, double tolerance, GasketNeeds *unused_needs,
        GasketResultColumn *columns, GError **error)
{
    const Parameters *p = parameters;
    double damping;
    int64_t restarts;
    (void)tolerance;
    (void)unused_needs;
    if (!read_restarts(p->restarts, &restarts, error))
        return false;
    if (p->reweighted && (p->product == MAXIMUM || p->arithmetic == ARITHMETIC_LINEAR ||
                          p->schedule >= BP_SCHEDULE_RESIDUAL)) {
        g_set_error(
            error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
            "--reweighted: of --product sum in logarithms, not with --schedule residual or splash");
        return false;
    }
    if (restarts > 0 && (p->product == MAXIMUM || p->reweighted || p->marginals == OF_FACTORS)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "--restarts: of --product sum and marginals of variables, not --reweighted");
        return false;
    }
    if (p->marginals == OF_FACTORS && p->product == MAXIMUM) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "--marginals factors: of --product sum");
        return false;
    }
    if (p->marginals == OF_FACTORS) {
        columns[STATE] = (GasketResultColumn){.name = "likeliest",
                                              .kind = GASKET_KIND_FACTOR,
                                              .type = GASKET_INT32};
        columns[MARGINAL].kind = GASKET_KIND_FACTOR;
    }
    return read_damping(p->damping, &damping, error);
}

/* ---- driver ---------------------------------------------------------------------------------- */

static void
bp_clear_run(Bp *bp)
{
    factor_model_clear(&bp->model);
    factor_order_clear(&bp->order);
    bp_forest_free(bp->forest);
    bp_counting_clear(&bp->counting);
    g_free(bp->marginal);
    g_free(bp->best.marginal);
    g_free(bp->best.state);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bp, bp_clear_run)

static FactorDomain
first_domain(const Parameters *p)
{
    if (p->product == MAXIMUM)
        return FACTOR_MAX;
    return p->arithmetic == ARITHMETIC_LOG || p->reweighted ? FACTOR_LOG : FACTOR_LINEAR;
}

static size_t
table_size(const GasketContext *context, GasketVertex f, const void *state)
{
    const GasketColumn *table = &context->column[GASKET_FACTOR_TABLE];
    (void)state;
    return (size_t)(table->begin[f + 1] - table->begin[f]);
}

/* The result is of factors; variables' marginals, which schedules need, lie beside it. */
static bool
want_factors(Bp *bp, GError **error)
{
    void *data;

    bp->settings.marginal_begin = bp->model.prior_begin;
    bp->settings.factors = &bp->factors;
    bp->marginal =
        g_try_malloc0_n(bp->model.prior_begin[bp->model.n_variables] + 1, sizeof *bp->marginal);
    bp->settings.marginal = bp->marginal;
    if (bp->marginal == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for marginals");
        return false;
    }
    if (!gasket_run_set_state(bp->run, GASKET_KIND_FACTOR, sizeof(int32_t), error) ||
        !gasket_run_set_result(bp->run, MARGINAL, table_size, NULL, &data, &bp->factors.begin,
                               error))
        return false;
    bp->factors.marginal = data;
    return true;
}

static bool
open(Bp *bp, const Parameters *p, GError **error)
{
    GasketRun *run = bp->run;
    double damping;

    if (!read_damping(p->damping, &damping, error) ||
        !gasket_run_set_aggregates(run, aggregates, BP_N_AGGREGATES, error) ||
        !factor_model_open(&bp->model, run, first_domain(p), error))
        return false;
    if (bp->model.domain == FACTOR_LINEAR && bp->model.extreme &&
        p->arithmetic == ARITHMETIC_AUTO && !factor_model_set_domain(&bp->model, FACTOR_LOG, error))
        return false;
    bp->settings = (BpSettings){.model = &bp->model,
                                .damping = MAX(damping, 0),
                                .group = FACTOR_ALL_GROUPS,
                                .scratch = bp_scratch(&bp->model)};
    bp->damping.automatic = damping < 0;
    bp->settings.fast = bp_is_fast(bp);
    return gasket_run_set_state(run, GASKET_KIND_VARIABLE, sizeof(BpVariable), error) &&
           (p->marginals == OF_FACTORS
                ? want_factors(bp, error)
                : factor_model_set_result(&bp->model, MARGINAL, &bp->settings.marginal,
                                          &bp->settings.marginal_begin, error)) &&
           gasket_run_set_value(run, GASKET_KIND_VARIABLE, sizeof(FactorValue), error) &&
           factor_model_set_messages(&bp->model, /* both= */ true, error) &&
           (bp->schedule != BP_SCHEDULE_AUTO || bp_forest_find(&bp->model, &bp->forest, error));
}

/* A forest needs no other weights than 1. */
static bool
reweight(Bp *bp, GError **error)
{
    return bp->forest != NULL || (bp_find_weights(&bp->model, &bp->counting.weight, error) &&
                                  bp_counting_open(bp, &bp->counting, error));
}

static bool
needs_order(const Bp *bp, const Parameters *p)
{
    if (bp->forest != NULL || bp->schedule == BP_SCHEDULE_SPLASH)
        return false;
    return bp->schedule != BP_SCHEDULE_PARALLEL || p->product == MAXIMUM;
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
    if (!bp_need_order(bp, error) || !bp_decode(&bp->order, &bp->settings, error))
        return false;
    while (changed > 0)
        if (!factor_conditional_sweep(&bp->order, &best, &changed, error))
            return false;
    return true;
}

#define RESTARTS       4
#define MOST_VARIABLES 10000
#define MOST_ENTRIES   (1 << 20)

/* [all] How many restarts `auto` means: where they take little, and plain messages converge. */
static bool
count_restarts(const Bp *bp, const Parameters *p, int64_t *restarts, GError **error)
{
    double entries = (double)bp->model.table_begin[bp->model.n_factors];

    if (*restarts >= 0)
        return true;
    *restarts = 0;
    if (p->product == MAXIMUM || p->reweighted || p->marginals == OF_FACTORS ||
        p->schedule != BP_SCHEDULE_AUTO || bp->settings.counting != NULL || !bp->converged ||
        gasket_run_n_vertices(bp->run, GASKET_KIND_VARIABLE) > MOST_VARIABLES)
        return true;
    if (!gasket_run_reduce_sum(bp->run, &entries, 1, error))
        return false;
    *restarts = entries <= MOST_ENTRIES ? RESTARTS : 0;
    return true;
}

/* [all] Restarts, if there are to be any. */
static bool
try_again(Bp *bp, const Parameters *p, double *log_z, GError **error)
{
    int64_t restarts;
    double damping;

    if (bp->forest != NULL)
        return true;
    if (!read_damping(p->damping, &damping, error) ||
        !read_restarts(p->restarts, &restarts, error) || !count_restarts(bp, p, &restarts, error))
        return false;
    if (restarts > 0 && !bp_restart(bp, (uint32_t)restarts, MAX(damping, 0), log_z, error))
        return false;
    gasket_run_set_metric(bp->run, "restarts", bp->best.tried > 0 ? bp->best.tried - 1 : 0);
    gasket_run_set_metric(bp->run, "best_start", bp->best.which);
    return true;
}

static bool
report(Bp *bp, const Parameters *p, BpOutcome outcome, GError **error)
{
    GasketRun *run = bp->run;
    double log_z = -INFINITY, score = -INFINITY;

    if (outcome == BP_CONTRADICTION ? !bp_clear(run, &bp->settings, error)
                                    : !bp_finish(run, &bp->settings, &log_z, error))
        return false;
    if (log_z > -INFINITY && !try_again(bp, p, &log_z, error))
        return false;
    bp->factors.possible = log_z > -INFINITY;
    if (p->marginals == OF_FACTORS && !bp_finish_factors(run, &bp->settings, error))
        return false;
    gasket_run_set_metric(run, "updates", (double)bp->updates);
    gasket_run_set_metric(run, "damping", bp->settings.damping);
    gasket_run_set_metric(run, "double_loop", bp->settings.counting != NULL && !bp->reweighted);
    if (p->product == SUM) {
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
    const Parameters *p = parameters;
    g_auto(Bp) bp = {.run = run,
                     .schedule = (BpSchedule)p->schedule,
                     .depth = (uint32_t)p->depth,
                     .reweighted = p->reweighted};
    BpOutcome outcome;

    if (!open(&bp, p, error) || (needs_order(&bp, p) && !bp_need_order(&bp, error)) ||
        (bp.reweighted && !reweight(&bp, error)) || !bp_pass_messages(&bp, &outcome, error))
        return false;
    if (gasket_run_total_count(run, BP_BROKEN, 0) > 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "a factor's table does not fit the variables of its scope");
        return false;
    }
    if (outcome == BP_UNDERFLOW && p->arithmetic == ARITHMETIC_AUTO) {
        if (!factor_model_set_domain(&bp.model, FACTOR_LOG, error))
            return false;
        bp.settings.fast = bp_is_fast(&bp);
        bp.damping = (BpDamping){.automatic = bp.damping.automatic};
        bp.settings.damping = bp.damping.automatic ? 0 : bp.settings.damping;
        if (!bp_pass_messages(&bp, &outcome, error))
            return false;
    }
    return report(&bp, p, outcome, error);
}

static bool
verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    const Parameters *p = parameters;
    if (p->marginals == OF_FACTORS) {
        *ret_message = g_strdup("not compared: marginals of factors");
        return true;
    }
    return p->product == MAXIMUM
               ? factor_verify_states(run, sizeof(BpVariable), true, ret_message, error)
               : factor_verify_marginals(run, MARGINAL, p->schedule == BP_SCHEDULE_AUTO,
                                         ret_message, error);
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
        "With --reweighted log10_z is an upper bound, once messages have converged: the fixed "
        "point\n"
        "of a convex problem.\n"
        "\n"
        "Evidence that the model excludes gives probability zero: log10_z is minus infinity and\n"
        "marginals are 0.",
    .input = GASKET_INPUT_FACTORS,
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS({.in_rows = true, .out_rows = true}),
    GASKET_RESULTS(
        {.name = "state", .kind = 0, .type = GASKET_INT32, .offset = offsetof(BpVariable, state)},
        {.name = "marginal", .kind = 0, .type = GASKET_DOUBLE, .varying = true}),
    .default_iterations = 3000,
    .default_tolerance = 1e-6,
    .prepare = prepare,
    .run = run_bp,
    .verify = verify,
    .engines = 1 << GASKET_ENGINE_ASYNC,
    .consistency = GASKET_CONSISTENCY_EDGE,
    .scheduler = GASKET_SCHEDULER_PRIORITY,
};
