/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labelling: every variable has a prior over labels, and neighbours rather have the same label than
 * different ones (Potts). Belief propagation (bp.c) does the work; this is it by the names of the
 * problem, with labels that are likeliest one by one, or all together.
 *
 *   p(x) = 1/Z  product over v of prior_v(x_v)  product over u - v of exp(smoothing w [x_u = x_v])
 *
 * Reference: J. Gonzalez, Y. Low, H. Gu, D. Bickson, C. Guestrin, PowerGraph: distributed
 * graph-parallel computation on natural graphs, 2012 (loopy belief propagation).
 */
#include "algorithms.h"
#include "bp.h"

typedef enum { EACH, TOGETHER } Best;

typedef struct {
    int best, schedule;
    const char *damping;
} Parameters;

static const char *const bests[] = {"each", "together", NULL};
static const char *const label_schedules[] = {"auto", "parallel", "sequential", "residual", NULL};

static const GasketOption options[] = {
    {"best", GASKET_OPTION_CHOICE, offsetof(Parameters, best), "each",
     "each: the likeliest label of each variable by itself; together: likely labels of all "
     "(max-product), and each label's best score instead of its probability",
     .choices = bests},
    {"schedule", GASKET_OPTION_CHOICE, offsetof(Parameters, schedule), "auto", "as in bp",
     .choices = label_schedules},
    {"damping", GASKET_OPTION_STRING, offsetof(Parameters, damping), "auto", "as in bp",
     .value_name = "D"},
    {.name = NULL},
};

/* The columns of bp, in its order. */
/* The parameters of bp that say the same; g_free. */
static void *
translate(const Parameters *given, GError **error)
{
    g_autofree void *parameters = g_malloc0(gasket_bp.parameters_size);
    gasket_options_set_defaults(gasket_bp.options, parameters);
    bool set = gasket_options_set(gasket_bp.options, parameters, "product",
                                  given->best == EACH ? "sum" : "max", error) &&
               gasket_options_set(gasket_bp.options, parameters, "schedule",
                                  label_schedules[given->schedule], error) &&
               gasket_options_set(gasket_bp.options, parameters, "damping", given->damping, error);
    return set ? g_steal_pointer(&parameters) : NULL;
}

static bool
prepare(const void *parameters, double tolerance, GasketNeeds *own_needs,
        GasketResultColumn *own_results, GError **error)
{
    g_autofree void *translated = translate(parameters, error);
    return translated != NULL &&
           (gasket_bp.prepare == NULL ||
            gasket_bp.prepare(translated, tolerance, own_needs, own_results, error));
}

static bool
labelling_run(GasketRun *run, const void *parameters, GError **error)
{
    g_autofree void *translated = translate(parameters, error);
    return translated != NULL && gasket_bp.run(run, translated, error);
}

const GasketAlgorithm gasket_labelling = {
    .abi = GASKET_ABI,
    .name = "labelling",
    .summary = "labels from priors and from what neighbours have, by loopy belief propagation",
    .description =
        "The input is a file of priors, `id p1 ... pk` on each line, and --edges a file of "
        "neighbours, `source target [weight]`. Labels are numbered from 0. Neighbours with the "
        "same label weigh exp(--smoothing x weight) times as much as others. Every other model "
        "will do too.\n"
        "\n"
        "  gasket labelling priors.txt --edges edges.txt --smoothing 2 -o labels.tsv\n",
    .input = GASKET_INPUT_FACTORS,
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS({.in_rows = true, .out_rows = true}),
    GASKET_RESULTS(
        {.name = "label", .kind = 0, .type = GASKET_INT32, .offset = offsetof(BpVariable, state)},
        {.name = "probability", .kind = 0, .type = GASKET_DOUBLE, .varying = true}),
    .default_iterations = 2000,
    .default_tolerance = 1e-6,
    .prepare = prepare,
    .run = labelling_run,
    .engines = 1 << GASKET_ENGINE_ASYNC,
    .consistency = GASKET_CONSISTENCY_EDGE,
    .scheduler = GASKET_SCHEDULER_PRIORITY,
};
