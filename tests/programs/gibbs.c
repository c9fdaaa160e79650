/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gibbs sampling of a Potts model, colour by colour (Gonzalez et al. 2011): vertices of one colour
 * have no edge between them, so sampling them at once equals sampling them one after the other.
 *
 * One kind, one symmetric relation.
 */
#include "programs.h"

#include <math.h>

enum { S = GIBBS_STATES };

typedef struct {
    int32_t seen[S]; /* sweeps that ended in each state */
    uint32_t colour;
} State;

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    uint32_t *spin = run->value;
    (void)sums;
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
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            n[rows->sum[r]][spin[rows->neighbour[e]]]++;
}

/* p(x) is proportional to exp(coupling * neighbours in state x). */
static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint32_t(*n)[S] = sums;
    uint32_t *spin = run->value;
    State *state = run->state;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        GasketRandom random =
            gasket_random_at(context->seed, STREAM_SAMPLE, context->number[v], context->step);
        double p[S];
        for (int x = 0; x < S; x++)
            p[x] = exp(GIBBS_COUPLING * n[run->sum[i]][x]);
        spin[v] = gasket_random_choice(&random, p, S);
        state[v].seen[spin[v]]++;
    }
}

static const GasketRowSet in_rows[] = {{0, GASKET_IN}};
static const GasketProgram start = {.name = "start", .apply = start_apply};
static const GasketProgram sample = {.name = "sample",
                                     .rows = in_rows,
                                     .n_rows = 1,
                                     .sum_size = S * sizeof(uint32_t),
                                     .gather = gather,
                                     .apply = apply};

static bool
run_gibbs(GasketRun *run, const void *parameters, GError **error)
{
    (void)parameters;
    if (!gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_step(run, &start, error))
        return false;
    g_autoptr(GasketColouring) colouring = gasket_run_colour(run, in_rows[0], 1, error);
    while (colouring != NULL && gasket_run_continues(run)) {
        if (!gasket_run_sweep(run, &sample, colouring, error))
            return false;
        gasket_run_end_iteration(run, NAN, false);
    }
    State *state = gasket_run_state(run, 0);
    for (GasketVertex v = 0; colouring != NULL && v < gasket_run_n_owned(run, 0); v++)
        state[v].colour = gasket_colouring_of(colouring, v);
    return colouring != NULL;
}

static const GasketResultColumn results[] = {
    {.name = "seen", .type = GASKET_INT32, .offset = offsetof(State, seen), .length = S},
    {.name = "colour", .type = GASKET_UINT32, .offset = offsetof(State, colour)}};
const GasketAlgorithm program_gibbs = {
    .abi = GASKET_ABI,
    .name = "gibbs",
    .results = results,
    .n_results = 2,
    .default_iterations = 30,
    .resumable = true,
    .run = run_gibbs,
};
