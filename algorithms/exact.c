/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact inference on a graphical model: marginals and log Z, or a most probable assignment.
 *
 * How: the model is gathered from all workers; impossible states are taken out, those that the
 * evidence excludes among them (exact_model.h); an order of elimination with small tables is found
 * (exact_order.h); messages pass up and down the tree of cliques (exact_tree.h) on rank 0, and
 * every worker keeps the answer for its own variables.
 *
 * Cost: exponential in the treewidth; said before it is paid, and refused when the tables do not
 * fit. One thread.
 *
 * Reference: S. L. Lauritzen, D. J. Spiegelhalter, Local computations with probabilities on
 * graphical structures, 1988.
 */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <gasket/gasket.h>

#include "algorithms.h"
#include "exact_tree.h"

/* ---- options and result ---------------------------------------------------------------------- */

typedef struct {
    bool map;
    double max_memory; /* GiB; 0: half of the machine's */
} Parameters;

static const GasketOption options[] = {
    {"map", GASKET_OPTION_BOOL, offsetof(Parameters, map),
     .help = "a most probable assignment instead of marginals"},
    {"max-memory", GASKET_OPTION_DOUBLE, offsetof(Parameters, max_memory), "0",
     "GiB that tables may take; 0: half of the machine's memory", .minimum = 0, .maximum = 1e9,
     .value_name = "GIB"},
    {.name = NULL},
};

typedef struct {
    int32_t state;       /* with map: of the assignment */
    double log10_weight; /* of the whole model: log10 Z, or of the assignment */
} State;

static const GasketResultColumn results[] = {
    {.name = "probability", .kind = 0, .type = GASKET_DOUBLE, .varying = true},
};

static bool
exact_prepare(const void *parameters, double tolerance, GasketNeeds *needs,
              GasketResultColumn *columns, GError **error)
{
    const Parameters *p = parameters;
    (void)tolerance, (void)needs, (void)error;

    if (p->map)
        columns[0] = (GasketResultColumn){.name = "state",
                                          .type = GASKET_INT32,
                                          .offset = offsetof(State, state)};
    return true;
}

/* ---- solving, on rank 0 ---------------------------------------------------------------------- */

typedef struct {
    double log_weight;   /* natural; -INFINITY if nothing is possible */
    double *marginals;   /* [states of the model] or, with map, NULL */
    double *states;      /* [n_variables] with map */
    double width, bytes; /* of the order */
} Answer;

static void
answer_clear(Answer *answer)
{
    g_free(answer->marginals);
    g_free(answer->states);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExactModel, exact_model_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExactProblem, exact_problem_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExactOrder, exact_order_clear)

/* Tells the cost, and refuses it if there is no memory for it. */
static bool
check_cost(GasketRun *run, const Parameters *p, const ExactProblem *problem,
           const ExactOrder *order, bool tell, GError **error)
{
    const double gib = 1024.0 * 1024 * 1024;
    double bytes = exact_tree_bytes(problem, order);
    double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double most = p->max_memory > 0 ? p->max_memory * gib : machine / 2;
    bool fits = order->complete && bytes <= most && order->messages < UINT32_MAX;

    g_autofree char *cost = g_strdup_printf(
        "%u of %zu variables open, treewidth %s%u, largest table 2^%.1f entries, %.3g GiB of "
        "tables",
        problem->n, (size_t)gasket_run_n_vertices(run, GASKET_KIND_VARIABLE),
        order->complete ? "" : "of the order found at least ", order->width, order->log2_largest,
        bytes / gib);
    if (tell)
        gasket_run_note(run, cost);
    if (fits)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                "exact inference does not fit: %s, expected at most %.3g GiB (--max-memory); "
                "bp, gibbs and meanfield approximate",
                cost, MIN(most, UINT32_MAX * 8.0) / gib);
    return false;
}

/* Marginals of the model's states from those of the problem's. */
static bool
spread_marginals(const ExactModel *model, const ExactProblem *problem, const double *open,
                 Answer *answer, GError **error)
{
    uint32_t n = model->n_variables;
    answer->marginals = exact_new(model->state_begin[n], sizeof(double), error);
    if (answer->marginals == NULL)
        return false;
    for (uint32_t v = 0; open != NULL && v < n; v++)
        for (uint64_t s = model->state_begin[v]; s < model->state_begin[v + 1]; s++)
            if (problem->possible[s])
                answer->marginals[s] = problem->open[v] >= 0 ? *open++ : 1;
    return true;
}

/* States of the model's variables from those of the problem's; open: NULL if nothing is possible,
 * then what is observed stands and all else is 0. */
static bool
spread_states(const ExactModel *model, const ExactProblem *problem, const uint32_t *open,
              Answer *answer, GError **error)
{
    answer->states = exact_new(model->n_variables, sizeof(double), error);
    if (answer->states == NULL)
        return false;
    for (uint32_t v = 0; v < model->n_variables; v++) {
        if (open == NULL) {
            answer->states[v] = fmax(model->evidence[v], 0);
            continue;
        }
        uint32_t left = problem->open[v] >= 0 ? open[problem->open[v]] : 0;
        uint64_t s = model->state_begin[v];
        while (!problem->possible[s] || left-- > 0)
            s++;
        answer->states[v] = (double)(s - model->state_begin[v]);
    }
    return true;
}

static bool
infer(const ExactModel *model, const ExactProblem *problem, const ExactOrder *order, bool map,
      ExactDomain domain, Answer *answer, GError **error)
{
    double log_weight = -INFINITY;

    if (map) {
        g_autofree uint32_t *states = NULL;
        if (!problem->impossible && !exact_tree_map(problem, order, &log_weight, &states, error))
            return false;
        answer->log_weight = log_weight + problem->log_constant;
        return spread_states(model, problem, log_weight > -INFINITY ? states : NULL, answer, error);
    }
    g_autofree double *marginals = NULL;
    bool underflow = false;
    if (!problem->impossible &&
        !exact_tree_marginals(problem, order, domain, &log_weight, &marginals, &underflow, error))
        return false;
    if (underflow) {
        g_clear_pointer(&marginals, g_free);
        if (!exact_tree_marginals(problem, order, EXACT_LOG, &log_weight, &marginals, &underflow,
                                  error))
            return false;
    }
    answer->log_weight = log_weight + problem->log_constant;
    return spread_marginals(model, problem, log_weight > -INFINITY ? marginals : NULL, answer,
                            error);
}

static bool
solve(GasketRun *run, const Parameters *p, const ExactModel *model, ExactRule rule,
      ExactDomain domain, Answer *answer, GError **error)
{
    g_auto(ExactProblem) problem = {0};
    g_auto(ExactOrder) order = {0};

    if (!exact_problem_init(&problem, model, error))
        return false;
    if (problem.impossible)
        exact_problem_empty(&problem);
    if (!exact_order_init(&order, &problem, rule, error) ||
        !check_cost(run, p, &problem, &order, domain == EXACT_LINEAR, error))
        return false;
    answer->width = order.width;
    answer->bytes = exact_tree_bytes(&problem, &order);
    return infer(model, &problem, &order, p->map, domain, answer, error);
}

/* ---- driver ---------------------------------------------------------------------------------- */

static size_t
n_states(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)state;
    return (size_t)((const int32_t *)context->column[GASKET_VARIABLE_CARDINALITY].data)[v];
}

/* [all] Hands rank 0's answer out: what others hold in its place is smaller. */
static bool
share(GasketRun *run, const ExactModel *model, bool map, Answer *answer, GError **error)
{
    uint32_t n = model->n_variables;
    double figures[] = {answer->log_weight, answer->width, answer->bytes};

    if (gasket_run_rank(run) != 0) {
        figures[0] = figures[1] = figures[2] = -INFINITY;
        answer->states = map ? exact_new(n, sizeof(double), error) : NULL;
        answer->marginals = map ? NULL : exact_new(model->state_begin[n], sizeof(double), error);
        if (answer->states == NULL && answer->marginals == NULL)
            return false;
    }
    if (!gasket_run_reduce_max(run, figures, G_N_ELEMENTS(figures), error) ||
        !(map ? gasket_run_reduce_max(run, answer->states, n, error)
              : gasket_run_reduce_max(run, answer->marginals, model->state_begin[n], error)))
        return false;
    answer->log_weight = figures[0], answer->width = figures[1], answer->bytes = figures[2];
    return true;
}

/* This worker's part of the answer into the result. */
static bool
keep(GasketRun *run, const ExactModel *model, bool map, const Answer *answer, GError **error)
{
    const GasketContext *context = gasket_run_context(run, GASKET_KIND_VARIABLE);
    State *state = gasket_run_state(run, GASKET_KIND_VARIABLE);
    const uint64_t *begin = NULL;
    void *data = NULL;

    if (!map && !gasket_run_set_result(run, 0, n_states, NULL, &data, &begin, error))
        return false;
    for (uint32_t v = 0; v < context->n_owned; v++) {
        uint32_t i = context->number[v];
        state[v].log10_weight = answer->log_weight / G_LN10;
        if (map)
            state[v].state = (int32_t)answer->states[i];
        else
            memcpy((double *)data + begin[v], answer->marginals + model->state_begin[i],
                   (begin[v + 1] - begin[v]) * sizeof(double));
    }
    return true;
}

static bool
exact_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *p = parameters;
    g_auto(ExactModel) model = {0};
    g_auto(Answer) answer = {0};

    if (!gasket_run_set_state(run, GASKET_KIND_VARIABLE, sizeof(State), error) ||
        !gasket_run_continues(run) || !exact_model_gather(&model, run, error))
        return false;
    if (gasket_run_rank(run) == 0 &&
        !solve(run, p, &model, EXACT_BEST, EXACT_LINEAR, &answer, error))
        return false;
    if (!share(run, &model, p->map, &answer, error) || !keep(run, &model, p->map, &answer, error))
        return false;
    gasket_run_set_metric(run, p->map ? "log10_map" : "log10_z", answer.log_weight / G_LN10);
    gasket_run_set_metric(run, "treewidth", answer.width);
    gasket_run_set_metric(run, "table_bytes", answer.bytes);
    gasket_run_end_iteration(run, NAN, true);
    return true;
}

/* ---- verifier -------------------------------------------------------------------------------- */

/* The weight of the assignment that the workers hold, multiplied out: a second road to it. */
static double
weight_of(const ExactModel *model, const double *states)
{
    double weight = 0;

    for (uint32_t v = 0; v < model->n_variables; v++)
        weight +=
            log(model->prior[model->state_begin[v] + (uint64_t)states[v]]) + model->log_scale[v];
    for (uint32_t f = 0; f < model->n_factors; f++) {
        uint64_t at = 0;
        for (uint64_t i = model->scope_begin[f]; i < model->scope_begin[f + 1]; i++) {
            uint32_t v = (uint32_t)model->scope[i];
            at = at * (uint64_t)model->cardinality[v] + (uint64_t)states[v];
        }
        weight += log(model->table[model->table_begin[f] + at]);
    }
    return weight;
}

/* The largest difference between this worker's result and another answer. */
static double
largest_difference(GasketRun *run, const ExactModel *model, bool map, const Answer *other)
{
    const GasketContext *context = gasket_run_context(run, GASKET_KIND_VARIABLE);
    const State *state = gasket_run_state(run, GASKET_KIND_VARIABLE);
    const uint64_t *begin = NULL;
    const double *data = map ? NULL : gasket_run_result(run, 0, &begin);
    double largest = 0, weight = other->log_weight / G_LN10;

    for (uint32_t v = 0; v < context->n_owned; v++) {
        uint64_t first = model->state_begin[context->number[v]];
        if (state[v].log10_weight != weight)
            largest = fmax(largest, fabs(state[v].log10_weight - weight) / fmax(fabs(weight), 1));
        for (uint64_t e = 0; !map && e < begin[v + 1] - begin[v]; e++)
            largest = fmax(largest, fabs(data[begin[v] + e] - other->marginals[first + e]));
    }
    return largest;
}

/* Another order of elimination, in logarithms; of an assignment also the product itself. */
static bool
exact_verify(GasketRun *run, const void *parameters, char **ret_message, GError **error)
{
    const Parameters *p = parameters;
    const GasketContext *context = gasket_run_context(run, GASKET_KIND_VARIABLE);
    const State *state = gasket_run_state(run, GASKET_KIND_VARIABLE);
    g_auto(ExactModel) model = {0};
    g_auto(Answer) answer = {0};

    if (!exact_model_gather(&model, run, error) ||
        (gasket_run_rank(run) == 0 &&
         !solve(run, p, &model, EXACT_MIN_SIZE, EXACT_LOG, &answer, error)) ||
        !share(run, &model, p->map, &answer, error))
        return false;
    double figures[2] = {largest_difference(run, &model, p->map, &answer), 0};
    if (p->map) {
        g_autofree double *states = exact_new(model.n_variables, sizeof *states, error);
        if (states == NULL)
            return false;
        for (uint32_t v = 0; v < context->n_owned; v++)
            states[context->number[v]] = state[v].state;
        if (!gasket_run_reduce_max(run, states, model.n_variables, error))
            return false;
        double weight = weight_of(&model, states);
        if (weight != answer.log_weight)
            figures[1] = fabs(weight - answer.log_weight) / fmax(fabs(weight), 1);
    }
    if (!gasket_run_reduce_max(run, figures, G_N_ELEMENTS(figures), error))
        return false;
    double largest = fmax(figures[0], figures[1]);
    *ret_message = g_strdup_printf("another order of elimination, in logarithms, differs by at "
                                   "most %.2g",
                                   largest);
    return largest < 1e-8;
}

static const GasketNeeds needs[] = {{.in_rows = true}};

const GasketAlgorithm gasket_exact = {
    .abi = GASKET_ABI,
    .name = "exact",
    .summary = "exact marginals, log Z or the most probable assignment of a graphical model",
    .description =
        "Sums a model out on a tree of cliques. The cost, which grows exponentially with the "
        "treewidth, is told before it starts, and refused where the tables do not fit.\n"
        "\n"
        "Evidence and entries of zero make tables smaller before anything is computed. A model in "
        "which nothing is possible (contradictory evidence) has log10_z = -inf and marginals of "
        "zero. The metric log10_map is the weight of the assignment, log10_z that of all.\n"
        "\n"
        "Examples\n"
        "  gasket exact model.uai --evidence model.uai.evid -o model.MAR\n"
        "  gasket exact model.uai -o model.PR\n"
        "  gasket exact model.fg --map -o model.MPE\n",
    .input = GASKET_INPUT_FACTORS,
    .options = options,
    .parameters_size = sizeof(Parameters),
    .needs = needs,
    .n_needs = G_N_ELEMENTS(needs),
    .results = results,
    .n_results = G_N_ELEMENTS(results),
    .prepare = exact_prepare,
    .run = exact_run,
    .verify = exact_verify,
};
