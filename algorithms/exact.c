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

#include <gasket/gasket.h>

#include "algorithms.h"
#include "exact_answer.h"

#define GIB (1024.0 * 1024 * 1024)

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

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExactModel, exact_model_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExactAnswer, exact_answer_clear)

/* ---- driver ---------------------------------------------------------------------------------- */

static size_t
n_states(const GasketContext *context, GasketVertex v, const void *state)
{
    (void)state;
    return (size_t)((const int32_t *)context->column[GASKET_VARIABLE_CARDINALITY].data)[v];
}

/* This worker's part of the answer into the result. */
static bool
keep(GasketRun *run, const ExactModel *model, bool map, const ExactAnswer *answer, GError **error)
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
    g_auto(ExactAnswer) answer = {0};

    if (!gasket_run_set_state(run, GASKET_KIND_VARIABLE, sizeof(State), error) ||
        !gasket_run_continues(run) || !exact_model_gather(&model, run, error))
        return false;
    const ExactWish wish = {.map = p->map,
                            .max_bytes = p->max_memory * GIB,
                            .tell = true,
                            .rule = EXACT_BEST,
                            .domain = EXACT_LINEAR};
    if (gasket_run_rank(run) == 0 && !exact_solve(&answer, run, &model, &wish, error))
        return false;
    if (!exact_share(&answer, run, &model, p->map, error) ||
        !keep(run, &model, p->map, &answer, error))
        return false;
    gasket_run_set_metric(run, p->map ? "log10_map" : "log10_z", answer.log_weight / G_LN10);
    gasket_run_set_metric(run, "treewidth", answer.width);
    gasket_run_set_metric(run, "table_bytes", answer.bytes);
    gasket_run_end_iteration(run, NAN, true);
    return true;
}

/* ---- verifier -------------------------------------------------------------------------------- */

/* The largest difference between this worker's result and another answer. */
static double
largest_difference(GasketRun *run, const ExactModel *model, bool map, const ExactAnswer *other)
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
    g_auto(ExactAnswer) answer = {0};

    const ExactWish wish = {.map = p->map,
                            .max_bytes = p->max_memory * GIB,
                            .rule = EXACT_MIN_SIZE,
                            .domain = EXACT_LOG};
    if (!exact_model_gather(&model, run, error) ||
        (gasket_run_rank(run) == 0 && !exact_solve(&answer, run, &model, &wish, error)) ||
        !exact_share(&answer, run, &model, p->map, error))
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
        double weight = exact_weight_of(&model, states);
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
    GASKET_NEEDS({.in_rows = true}),
    GASKET_RESULTS({.name = "probability", .kind = 0, .type = GASKET_DOUBLE, .varying = true}),
    .prepare = exact_prepare,
    .run = exact_run,
    .verify = exact_verify,
};
