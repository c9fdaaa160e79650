/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gibbs sampling of a Potts model, colour by colour (Gonzalez et al. 2011): vertices of one colour
 * have no edge between them, so sampling them at once equals sampling them one after the other.
 *
 * One kind with column colour (int32, a proper colouring), one symmetric relation.
 */
#include "programs.h"

enum { S = GIBBS_STATES };

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    uint32_t *spin = run->value;
    for (size_t i = 0; i < run->count; i++) {
        uint32_t number = context->number[run->vertex[i]];
        GasketRandom random = gasket_random_at(context->seed, STREAM_START, number, 0);
        spin[run->vertex[i]] = gasket_random_below(&random, S);
    }
}

/* How many neighbours are in each state. */
static void
gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint32_t *spin = rows->values;
    uint32_t(*n)[S] = sums;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            n[rows->sum[r]][spin[rows->neighbour[e]]]++;
}

/* p(x) is proportional to exp(coupling * neighbours in state x). The state: sweeps that ended in
 * each x. */
static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint32_t(*n)[S] = sums;
    uint32_t *spin = run->value;
    int32_t(*seen)[S] = run->state;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        GasketRandom random =
            gasket_random_at(context->seed, STREAM_SAMPLE, context->number[v], context->step);
        double p[S];
        for (int x = 0; x < S; x++)
            p[x] = exp(GIBBS_COUPLING * n[run->sum[i]][x]);
        spin[v] = gasket_random_choice(&random, p, S);
        seen[v][spin[v]]++;
    }
}

static const GasketProgram start = {.name = "start", .apply = start_apply};
static const GasketProgram sample = {.name = "sample",
                                     GASKET_ROWS({0, GASKET_IN}),
                                     .sum_size = S * sizeof(uint32_t),
                                     .gather = gather,
                                     .apply = apply};

static bool
run_gibbs(GasketRun *run, const void *parameters, GError **error)
{
    g_autoptr(GasketColouring) colouring = gasket_run_colour_by(run, 0, 0, error);
    if (colouring == NULL || !gasket_run_set_state(run, 0, S * sizeof(int32_t), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_step(run, &start, error))
        return false;
    while (gasket_run_continues(run)) {
        if (!gasket_run_sweep(run, &sample, colouring, error))
            return false;
        gasket_run_end_iteration(run, NAN, false);
    }
    return true;
}

const GasketAlgorithm program_gibbs = {
    .abi = GASKET_ABI,
    .name = "gibbs",
    GASKET_RESULTS({"seen", .type = GASKET_INT32, .length = S}),
    .default_iterations = 30,
    .resumable = true,
    .run = run_gibbs,
};
