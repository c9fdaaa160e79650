/* SPDX-License-Identifier: Apache-2.0 */
/* A program for `gasket run`: every vertex gets factor times its in-degree, again in each round.
 * After the first, rank 0 makes the file that $GASKET_TEST_STARTED names. */
#include <math.h>
#include <stdio.h>

#include <gasket/gasket.h>

typedef struct {
    double factor;
    int sign;
    int64_t rounds;
} Parameters;

static const char *const signs[] = {"plus", "minus", NULL};

static const GasketOption options[] = {
    {"factor", GASKET_OPTION_DOUBLE, offsetof(Parameters, factor), "1", "times the in-degree",
     .minimum = -100, .maximum = 100},
    {"sign", GASKET_OPTION_CHOICE, offsetof(Parameters, sign), "plus", "of the result",
     .choices = signs},
    {"rounds", GASKET_OPTION_INT, offsetof(Parameters, rounds), "1", "0: until it is stopped",
     .minimum = 0, .maximum = 1e9},
    {.name = NULL},
};

static void
apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Parameters *parameters = context->parameters;
    double *state = run->state;

    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        double degree = context->in_degree[run->vertex[i]];
        state[run->vertex[i]] = parameters->factor * (parameters->sign == 0 ? degree : -degree);
    }
}

static void
say_that_it_started(const GasketRun *run)
{
    /* One rank alone: nothing of it may come late. */
    const char *name = gasket_run_rank(run) == 0 ? g_getenv("GASKET_TEST_STARTED") : NULL;
    FILE *file = name ? fopen(name, "w") : NULL;
    if (file != NULL)
        fclose(file);
}

static bool
run_degrees(GasketRun *run, const void *parameters, GError **error)
{
    const GasketProgram program = {
        .name = "degrees",
        .apply = apply,
        .changes = GASKET_CHANGES_NONE,
        .parameters = parameters,
    };
    int64_t round = 0, rounds = ((const Parameters *)parameters)->rounds;

    if (!gasket_run_set_state(run, 0, sizeof(double), error))
        return false;
    gasket_run_keep(run, &round, sizeof round);
    while (gasket_run_continues(run)) {
        if (!gasket_run_step(run, &program, error))
            return false;
        if (round == 0)
            say_that_it_started(run);
        gasket_run_end_iteration(run, NAN, ++round == rounds);
    }
    return true;
}

static const GasketNeeds needs[] = {{.in_rows = true, .degrees = true}};
static const GasketResultColumn results[] = {{.name = "scaled", .type = GASKET_DOUBLE}};

static const GasketAlgorithm degrees = {
    .abi = GASKET_ABI + WRONG_ABI,
    .name = "degrees",
    .summary = "in-degrees, scaled",
    .description = "Gives every vertex its in-degree times a factor.",
    .options = options,
    .parameters_size = sizeof(Parameters),
    .needs = needs,
    .n_needs = 1,
    .results = results,
    .n_results = 1,
    .run = run_degrees,
    .resumable = true,
};

GASKET_API const GasketAlgorithm *gasket_algorithm(void);

const GasketAlgorithm *
gasket_algorithm(void)
{
    return &degrees;
}
