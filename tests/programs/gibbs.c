/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gibbs sampling of a Potts model, colour by colour (Gonzalez et al. 2011): vertices of one colour
 * have no edge between them, so sampling them at once equals sampling them one after the other.
 *
 * One kind with column colour (int32, a proper colouring), one symmetric relation.
 */
#include "programs.h"

#include <math.h>

#define S GIBBS_STATES

enum { LAST_COLOUR };

static const GasketAggregate aggregates[] = {{"last_colour", GASKET_MAX, 1}};
static const GasketNeeds needs[] = {{.in_rows = true}};

typedef struct {
    int32_t seen[S]; /* sweeps that ended in each state */
} State;

static const GasketResultColumn results[] = {
    {.name = "seen", .type = GASKET_INT32, .offset = offsetof(State, seen), .length = S}};

static void
start_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    uint32_t *spin = run->value;
    const int32_t *colour = context->column[0].data;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        GasketRandom random = gasket_random_at(context->seed, STREAM_START, context->number[v], 0);
        spin[v] = gasket_random_below(&random, S);
        gasket_extreme(context, LAST_COLOUR, 0, colour[v]);
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
    const uint64_t *sweep = context->parameters;
    uint32_t *spin = run->value;
    State *state = run->state;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        double below[S], total = 0;
        for (unsigned x = 0; x < S; x++)
            below[x] = total += exp(GIBBS_COUPLING * n[run->sum[i]][x]);
        GasketRandom random =
            gasket_random_at(context->seed, STREAM_SAMPLE, context->number[v], *sweep);
        double u = gasket_random_double(&random) * total;
        uint32_t x = 0;
        while (x + 1 < S && u >= below[x])
            x++;
        spin[v] = x;
        state[v].seen[x]++;
    }
}

static const GasketRowSet rows_all[] = {{0, GASKET_IN}};

static bool
run_gibbs(GasketRun *run, const void *parameters, GError **error)
{
    uint64_t sweep = 0;
    const GasketProgram start = {.name = "start", .apply = start_apply, .aggregates = 1};
    const GasketProgram sample = {.name = "sample",
                                  .rows = rows_all,
                                  .n_rows = 1,
                                  .sum_size = S * sizeof(uint32_t),
                                  .gather = gather,
                                  .apply = apply,
                                  .parameters = &sweep};
    (void)parameters;
    if (!gasket_run_set_aggregates(run, aggregates, 1, error) ||
        !gasket_run_set_state(run, 0, sizeof(State), error) ||
        !gasket_run_set_value(run, 0, sizeof(uint32_t), error) ||
        !gasket_run_step(run, &start, error))
        return false;

    const int32_t *colour = gasket_run_context(run, 0)->column[0].data;
    const int last = (int)gasket_run_total(run, LAST_COLOUR, 0);
    g_autoptr(GasketVertexSet) set = gasket_vertex_set_new(run, 0);
    for (; gasket_run_continues(run); sweep++) {
        for (int c = 0; c <= last; c++) {
            gasket_vertex_set_clear(set);
            for (GasketVertex v = 0; v < gasket_run_n_owned(run, 0); v++)
                if (colour[v] == c)
                    gasket_vertex_set_add(set, v);
            if (!gasket_run_step_on(run, &sample, set, error))
                return false;
        }
        gasket_run_end_iteration(run, NAN, false);
    }
    return true;
}

static const GasketAlgorithm algorithm = {
    .abi = GASKET_ABI,
    .name = "gibbs",
    .needs = needs,
    .n_needs = 1,
    .results = results,
    .n_results = 1,
    .default_iterations = 30,
    .run = run_gibbs,
};

const GasketAlgorithm *
program_gibbs(void)
{
    return &algorithm;
}
