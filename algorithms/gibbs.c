/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gibbs sampling: marginals as averages over a random walk, or with --anneal a likely state.
 *
 * Group by group, variables without a common factor draw a state from their distribution given the
 * others. A group drawn at once is as good as one after the other, so the chain has the model's
 * distribution exactly. What is averaged is that conditional distribution, not the state drawn from
 * it (Rao and Blackwell): the same expectation, less variance.
 *
 * Chains run one after the other from different starts. For each variable and state, with the
 * series p_1 .. p_n of a chain:
 *
 *   W = mean over chains of the variance of p;  B / n = variance of the chains' means
 *   R-hat = sqrt(((n - 1) / n W + B / n) / W)        (Gelman and Rubin 1992)
 *   effective sample size = total n W / (b times the variance of means of batches of b draws)
 *
 * The report has the largest R-hat and the smallest effective size of all that vary.
 *
 * Random numbers are a function of seed, chain, variable and step: the same in every placement.
 *
 * References: S. Geman, D. Geman, Stochastic relaxation, Gibbs distributions, and the Bayesian
 * restoration of images, 1984; J. Gonzalez et al., Parallel Gibbs sampling: from colored fields to
 * thin junction trees, AISTATS 2011.
 */
#include <math.h>

#include "algorithms.h"
#include "factor_conditional.h"
#include "factor_score.h"
#include "factor_verify.h"

/* ---- options and result ---------------------------------------------------------------------- */

typedef struct {
    int64_t draws, burn_in, thin, chains;
    bool anneal;
    double hottest, coldest;
} Parameters;

static const GasketOption options[] = {
    {"draws", GASKET_OPTION_INT, offsetof(Parameters, draws), "1000",
     "draws of each chain that count; annealing: sweeps", .minimum = 1, .maximum = 1e9},
    {"burn-in", GASKET_OPTION_INT, offsetof(Parameters, burn_in), "200",
     "sweeps of each chain before the first that counts", .minimum = 0, .maximum = 1e9},
    {"thin", GASKET_OPTION_INT, offsetof(Parameters, thin), "1", "sweeps for each draw that counts",
     .minimum = 1, .maximum = 1e9},
    {"chains", GASKET_OPTION_INT, offsetof(Parameters, chains), "4", "independent chains",
     .minimum = 1, .maximum = 1e4},
    {"anneal", GASKET_OPTION_BOOL, offsetof(Parameters, anneal),
     .help = "look for the likeliest state: one chain that cools down, then takes the best"},
    {"hottest", GASKET_OPTION_DOUBLE, offsetof(Parameters, hottest), "2",
     "annealing: temperature of the first sweep", .minimum = 1e-6, .maximum = 1e6},
    {"coldest", GASKET_OPTION_DOUBLE, offsetof(Parameters, coldest), "0.05",
     "annealing: temperature of the last sweep", .minimum = 1e-6, .maximum = 1e6},
    {.name = NULL},
};

enum { STATE, MARGINAL };

enum { SCORE, FORBIDDEN, CHANGED, N_AGGREGATES };

static const GasketAggregate aggregates[N_AGGREGATES] = {FACTOR_SCORE_AGGREGATES,
                                                         {"changed", GASKET_COUNT, 1}};

#define STREAM 4001 /* of random numbers; each chain takes the next */

/* ---- what is averaged ------------------------------------------------------------------------ */

/* Of one state of one variable. */
typedef struct {
    double sum, squares;         /* of this chain's draws */
    double batch, batch_squares; /* of the open batch; of the means of those closed */
    double means, mean_squares;  /* of the chains before */
    double variances, batch_variances;
} Series;

typedef struct {
    Series *series; /* [states of all owned variables], as the marginals lie */
    const uint64_t *begin;
    double *marginal;
    bool count; /* this sweep counts */
} Average;

static void
watch(const FactorConditional *settings, GasketVertex v, const double *p, size_t n)
{
    const Average *average = settings->data;
    Series *series = average->series + average->begin[v];

    if (!average->count)
        return;
    for (size_t x = 0; x < n; x++) {
        series[x].sum += p[x];
        series[x].squares += p[x] * p[x];
        series[x].batch += p[x];
    }
}

static void
close_batches(Average *average, uint64_t n_series, uint32_t length)
{
    for (uint64_t i = 0; i < n_series; i++) {
        Series *s = &average->series[i];
        s->batch_squares += s->batch / length * (s->batch / length);
        s->batch = 0;
    }
}

/* A chain of n draws in n_batches batches has ended. */
static void
close_chain(Average *average, uint64_t n_series, uint32_t n, uint32_t n_batches)
{
    for (uint64_t i = 0; i < n_series; i++) {
        Series *s = &average->series[i];
        double mean = s->sum / n;
        s->means += mean;
        s->mean_squares += mean * mean;
        s->variances += MAX(s->squares / n - mean * mean, 0);
        s->batch_variances += MAX(s->batch_squares / n_batches - mean * mean, 0);
        s->sum = s->squares = s->batch = s->batch_squares = 0;
    }
}

/* Marginals, and over this worker's series the largest R-hat and the least share of draws that are
 * effective, negated. */
static void
conclude(Average *average, uint64_t n_series, uint32_t n, uint32_t chains, uint32_t batch,
         double worst[2])
{
    const double m = chains;

    worst[0] = 1;
    worst[1] = -1;
    for (uint64_t i = 0; i < n_series; i++) {
        const Series *s = &average->series[i];
        double mean = s->means / m, within = s->variances / m;
        average->marginal[i] = mean;
        if (within < 1e-14)
            continue;
        double between = chains > 1 ? MAX(s->mean_squares - m * mean * mean, 0) / (m - 1) : 0;
        worst[0] = MAX(worst[0], sqrt(((n - 1.0) / n * within + between) / within));
        double batches = s->batch_variances / m;
        if (batches > 0)
            worst[1] = MAX(worst[1], -within / (batch * batches));
    }
}

/* ---- driver ---------------------------------------------------------------------------------- */

/* How far the chains have come. */
typedef struct {
    uint32_t chain, draws;      /* the one under way, and what has been drawn of it */
    uint32_t in_batch, batches; /* draws of the open batch; closed ones */
} Progress;

typedef struct {
    GasketRun *run;
    const Parameters *parameters;
    FactorModel model;
    FactorOrder order;
    FactorConditional settings;
    Average average;
    uint64_t n_series;
    Progress at;
} Gibbs;

static void
gibbs_clear(Gibbs *gibbs)
{
    factor_model_clear(&gibbs->model);
    factor_order_clear(&gibbs->order);
    g_free(gibbs->average.series);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Gibbs, gibbs_clear)

static bool
open_gibbs(Gibbs *gibbs, GError **error)
{
    GasketRun *run = gibbs->run;
    Average *average = &gibbs->average;

    if (!gasket_run_set_aggregates(run, aggregates, N_AGGREGATES, error) ||
        !factor_model_open(&gibbs->model, run, FACTOR_MAX, error) ||
        !gasket_run_set_state(run, GASKET_KIND_VARIABLE, sizeof(int32_t), error) ||
        !gasket_run_set_value(run, GASKET_KIND_VARIABLE, sizeof(FactorValue), error) ||
        !factor_model_set_messages(&gibbs->model, /* both= */ false, error) ||
        !factor_model_set_result(&gibbs->model, MARGINAL, &average->marginal, &average->begin,
                                 error) ||
        !factor_order_open(&gibbs->order, &gibbs->model, GASKET_KIND_VARIABLE, error))
        return false;
    gibbs->n_series = average->begin[gibbs->model.n_variables];
    average->series = g_try_malloc0_n(MAX(gibbs->n_series, 1), sizeof *average->series);
    if (average->series == NULL) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory for averages");
        return false;
    }
    gasket_run_keep_array(run, GASKET_KIND_VARIABLE, average->series, average->begin,
                          sizeof *average->series);
    gibbs->settings = (FactorConditional){.model = &gibbs->model,
                                          .inverse_temperature = 1,
                                          .stream = STREAM,
                                          .changed = CHANGED,
                                          .watch = watch,
                                          .data = average};
    return true;
}

static bool
sweep(Gibbs *gibbs, bool count, GError **error)
{
    int64_t changed;
    gibbs->average.count = count;
    return factor_conditional_sweep(&gibbs->order, &gibbs->settings, &changed, error);
}

/* Draws to a batch: about as many batches as draws in each. */
static uint32_t
batch_length(uint32_t draws)
{
    return MAX((uint32_t)sqrt((double)draws), 1);
}

/* Takes a new start, and forgets it. */
static bool
begin_chain(Gibbs *gibbs, GError **error)
{
    gibbs->average.count = false;
    gibbs->settings.stream = STREAM + gibbs->at.chain;
    if (!factor_conditional_start(&gibbs->order, &gibbs->settings, error))
        return false;
    for (int64_t i = 0; i < gibbs->parameters->burn_in; i++)
        if (!sweep(gibbs, false, error))
            return false;
    return true;
}

static void
end_chain(Gibbs *gibbs)
{
    Progress *at = &gibbs->at;
    close_chain(&gibbs->average, gibbs->n_series, at->draws, MAX(at->batches, 1));
    *at = (Progress){.chain = at->chain + 1};
}

/* One chain after the other, an iteration for each draw; fewer if the user stops. */
static bool
draw(Gibbs *gibbs, uint32_t chains, uint32_t wanted, GError **error)
{
    const int64_t thin = gibbs->parameters->thin;
    const uint32_t batch = batch_length(wanted);
    Progress *at = &gibbs->at;

    gasket_run_keep(gibbs->run, at, sizeof *at);
    if (!begin_chain(gibbs, error))
        return false;
    while (at->chain < chains && gasket_run_continues(gibbs->run)) {
        gibbs->settings.stream = STREAM + at->chain;
        for (int64_t i = 1; i <= thin; i++)
            if (!sweep(gibbs, i == thin, error))
                return false;
        at->draws++;
        if (++at->in_batch == batch) {
            close_batches(&gibbs->average, gibbs->n_series, batch);
            at->in_batch = 0;
            at->batches++;
        }
        if (at->draws == wanted)
            end_chain(gibbs);
        gasket_run_end_iteration(gibbs->run, NAN, at->chain == chains);
        if (at->draws == 0 && at->chain < chains && !begin_chain(gibbs, error))
            return false;
    }
    if (at->draws > 0)
        end_chain(gibbs);
    return true;
}

static bool
sample(Gibbs *gibbs, GError **error)
{
    const uint32_t wanted = (uint32_t)gibbs->parameters->draws;
    double worst[2];

    if (!draw(gibbs, (uint32_t)gibbs->parameters->chains, wanted, error))
        return false;
    const uint32_t done = gibbs->at.chain;
    conclude(&gibbs->average, gibbs->n_series, wanted, MAX(done, 1), batch_length(wanted), worst);
    if (!gasket_run_reduce_max(gibbs->run, worst, 2, error))
        return false;
    gasket_run_set_metric(gibbs->run, "chains", done);
    gasket_run_set_metric(gibbs->run, "r_hat", worst[0]);
    gasket_run_set_metric(gibbs->run, "effective_draws", MIN(-worst[1], 1) * done * wanted);
    return true;
}

/* Cools down geometrically, then only rises. */
static bool
anneal(Gibbs *gibbs, GError **error)
{
    const Parameters *p = gibbs->parameters;
    const double steps = MAX((double)p->draws - 1, 1);
    FactorConditional *settings = &gibbs->settings;
    int64_t changed = 1;
    double score;

    settings->watch = NULL;
    if (!factor_conditional_start(&gibbs->order, settings, error))
        return false;
    int64_t i = 0;
    gasket_run_keep(gibbs->run, &i, sizeof i);
    for (; i < p->draws && gasket_run_continues(gibbs->run); i++) {
        double t = p->hottest * pow(p->coldest / p->hottest, (double)i / steps);
        settings->inverse_temperature = 1 / t;
        if (!factor_conditional_sweep(&gibbs->order, settings, &changed, error))
            return false;
        gasket_run_end_iteration(gibbs->run, NAN, i + 1 == p->draws);
    }
    settings->inverse_temperature = INFINITY;
    for (changed = 1; changed > 0;)
        if (!factor_conditional_sweep(&gibbs->order, settings, &changed, error))
            return false;
    if (!factor_score(&gibbs->model, SCORE, &score, error))
        return false;
    gasket_run_set_metric(gibbs->run, "log10_score", score / G_LN10);
    return true;
}

static bool
run_gibbs(GasketRun *run, const void *parameters, GError **error)
{
    g_auto(Gibbs) gibbs = {.run = run, .parameters = parameters};

    return open_gibbs(&gibbs, error) &&
           (gibbs.parameters->anneal ? anneal(&gibbs, error) : sample(&gibbs, error));
}

static bool
verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    const Parameters *p = parameters;
    return p->anneal ? factor_verify_states(run, sizeof(int32_t), false, ret_message, error)
                     : factor_verify_marginals(run, MARGINAL, false, ret_message, error);
}

const GasketAlgorithm gasket_gibbs = {
    .abi = GASKET_ABI,
    .name = "gibbs",
    .summary = "Gibbs sampling: marginals by random walks, or a likely state by annealing",
    .description =
        "Marginals are averages over several chains; r_hat in the report is near 1 once they\n"
        "agree, effective_draws is what the worst variable's draws are worth. Zeros in the tables\n"
        "may cut a chain off from part of the states: r_hat shows it where chains differ.\n"
        "\n"
        "  gasket gibbs grid.uai --draws 10000 -o grid.MAR\n"
        "  gasket gibbs grid.uai --anneal -o grid.MPE",
    .input = GASKET_INPUT_FACTORS,
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS({.in_rows = true, .out_rows = true}),
    GASKET_RESULTS({.name = "state", .type = GASKET_INT32},
                   {.name = "marginal", .type = GASKET_DOUBLE, .varying = true}),
    .run = run_gibbs,
    .resumable = true,
    .verify = verify,
};
