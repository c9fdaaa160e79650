/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding of low-density parity-check codes by belief propagation, and how often it fails over a
 * noisy channel.
 *
 * Variables are a word's bits, factors its parity checks. Messages are logarithms of the odds of 0
 * against 1; with the channel's c:
 *
 *   bit    m(v -> f) = c(v) + sum over the other checks of m(g -> v)
 *   check  tanh(m(f -> v) / 2) = product over the other bits of tanh(m(u -> f) / 2)
 *
 *   channel       received                     c(v)
 *   bsc           a bit, wrong with chance p   log((1 - p) / p), minus that where it is 1
 *   gaussian      1 - 2 bit + sigma noise      2 received / sigma^2
 *
 * A word is done once its decided bits pass every check, or after --rounds. Words are decoded 64
 * (LDPC_LANES) at a time, an edge value holding a message of each; the decided bits of all of them
 * are one published integer. Codes are linear and both channels treat 0 and 1 alike, so errors are
 * those of the word of zeros, which is what is sent.
 *
 * Invariants:
 *   1. Noise is a function of (seed, number of the bit, number of the word): rates do not depend on
 *      placement, nor words on how many there are.
 *   2. Messages are finite: products of tanh stay below 1, which bounds a check's by 37. So a
 *      message may be taken out of a sum again.
 *
 * Cost: a round reads and writes 16 LDPC_LANES bytes an entry; a tanh and an atanh for each.
 *
 * References: R. Gallager, Low-Density Parity-Check Codes, 1963; T. Richardson, R. Urbanke, Modern
 * Coding Theory, 2008.
 */
#include "algorithms.h"
#include "ldpc.h"

#include <math.h>

typedef struct {
    int channel;
    double crossover, ebn0, rate;
    int64_t frames, errors, rounds;
    const char *received;
} Parameters;

static const char *const channels[] = {"bsc", "gaussian", NULL};

static const GasketOption options[] = {
    {"channel", GASKET_OPTION_CHOICE, offsetof(Parameters, channel), "gaussian",
     "bsc: bits turn over; gaussian: +1 for 0 and -1 for 1, with noise", .choices = channels},
    {"crossover", GASKET_OPTION_DOUBLE, offsetof(Parameters, crossover), "0.05",
     "bsc: how often a bit turns over", .minimum = 1e-9, .maximum = 0.5},
    {"ebn0", GASKET_OPTION_DOUBLE, offsetof(Parameters, ebn0), "2",
     "gaussian: energy of a bit of information over the noise's density, in decibels",
     .minimum = -50, .maximum = 50, .value_name = "DB"},
    {"rate", GASKET_OPTION_DOUBLE, offsetof(Parameters, rate), "0",
     "gaussian: share of the bits that carry information; 0: bits less checks, over bits",
     .minimum = 0, .maximum = 1},
    {"frames", GASKET_OPTION_INT, offsetof(Parameters, frames), "10000",
     "words to send at most; they are sent 64 at a time", .minimum = 1, .maximum = 1e9},
    {"errors", GASKET_OPTION_INT, offsetof(Parameters, errors), "100",
     "stop after so many words were decoded wrongly", .minimum = 1, .maximum = 1e9},
    {"rounds", GASKET_OPTION_INT, offsetof(Parameters, rounds), "50", "of messages for a word",
     .minimum = 1, .maximum = 1e6},
    {"received", GASKET_OPTION_COLUMN, offsetof(Parameters, received),
     .help = "decode this word instead: lines `bit value`, of bsc 0 or 1, of gaussian what was "
             "measured; 0 where a bit is not named, 1 where it has no value"},
    {.name = NULL},
};

/* ORDER ldpc_aggregates */
static const GasketAggregate aggregates[] = {
    {"faults", GASKET_COUNT, 1}, /* factors that are no parity checks, bits that are known */
    {"degree", GASKET_MAX, 1},   /* bits of a check */
    {"failed_checks", GASKET_COUNT, LDPC_LANES},
    {"bit_errors", GASKET_COUNT, LDPC_LANES},
};

/* ---- the driver ------------------------------------------------------------------------------ */

static bool
prepare(const void *parameters, double tolerance, GasketNeeds *own_needs,
        GasketResultColumn *own_results, GError **error)
{
    const Parameters *given = parameters;
    (void)tolerance;
    (void)own_needs;
    (void)error;
    if (given->received != NULL) {
        own_results[0].name = "bit";
        own_results[1].name = "log_odds";
    }
    return true;
}

typedef struct {
    GasketRun *run;
    LdpcSettings settings;
    LdpcPrograms programs;
    uint64_t frames, frame_errors, undetected, rounds; /* so far */
    double bit_errors;
} Ldpc;

static bool
inspect(GasketRun *run, const LdpcPrograms *programs, uint32_t *ret_degree, GError **error)
{
    if (!gasket_run_step(run, &programs->inspect_checks, error))
        return false;
    int64_t faults = gasket_run_total_count(run, LDPC_FAULTS, 0);
    *ret_degree = (uint32_t)fmax(0, gasket_run_total(run, LDPC_DEGREE, 0));
    if (!gasket_run_step(run, &programs->inspect_bits, error))
        return false;
    if (faults == 0 && gasket_run_total_count(run, LDPC_FAULTS, 0) == 0)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "the model is no code: found %" G_GINT64_FORMAT
                " factors that are no parity checks "
                "and %" G_GINT64_FORMAT " variables that are no bits or have priors or evidence, "
                "expected none (a file .alist)",
                faults, gasket_run_total_count(run, LDPC_FAULTS, 0));
    return false;
}

/* LdpcChannel, and the sizes of all data. */
static bool
open(Ldpc *ldpc, const Parameters *given, GError **error)
{
    GasketRun *run = ldpc->run;
    LdpcSettings *settings = &ldpc->settings;
    const double bits = gasket_run_n_vertices(run, GASKET_KIND_VARIABLE);
    const double checks = gasket_run_n_vertices(run, GASKET_KIND_FACTOR);
    const double rate = given->rate > 0 ? given->rate : (bits - checks) / bits;
    uint32_t degree;

    settings->received = gasket_run_vertex_column(run, GASKET_KIND_VARIABLE, "received");
    settings->lanes = settings->received >= 0 ? 1 : LDPC_LANES;
    settings->bit_size = sizeof(LdpcBit) + 2 * settings->lanes * sizeof(double);
    settings->channel = (LdpcChannel)given->channel;
    settings->crossover = given->crossover;
    if (settings->channel == LDPC_GAUSSIAN && !(rate > 0)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "--rate: found %.0f bits and %.0f checks, expected more bits, or the rate",
                    bits, checks);
        return false;
    }
    settings->sigma = sqrt(1 / (2 * rate * pow(10, given->ebn0 / 10)));
    settings->strength = settings->channel == LDPC_GAUSSIAN
                             ? 2 / (settings->sigma * settings->sigma)
                             : log((1 - settings->crossover) / settings->crossover);

    ldpc_programs(settings, &ldpc->programs);
    const size_t message = settings->lanes * sizeof(double);
    if (!gasket_run_set_aggregates(run, aggregates, G_N_ELEMENTS(aggregates), error) ||
        !gasket_run_set_state(run, GASKET_KIND_VARIABLE, settings->bit_size, error) ||
        !gasket_run_set_value(run, GASKET_KIND_VARIABLE, sizeof(uint64_t), error) ||
        !gasket_run_set_edge_value(run, ldpc_bit_rows[0], message, error) ||
        !gasket_run_set_edge_value(run, ldpc_check_rows[0], message, error) ||
        !inspect(run, &ldpc->programs, &degree, error))
        return false;

    ldpc->programs.check.scratch_size = ((size_t)degree + 1) * message;
    return true;
}

/* Decodes the words of all lanes. */
static bool
decode(Ldpc *ldpc, uint64_t rounds, GError **error)
{
    GasketRun *run = ldpc->run;
    LdpcSettings *settings = &ldpc->settings;

    settings->done = 0;
    if (!gasket_run_step(run, &ldpc->programs.receive, error) ||
        !gasket_run_step(run, &ldpc->programs.first, error))
        return false;
    for (uint64_t round = 0;; round++) {
        if (!gasket_run_step(run, &ldpc->programs.check, error))
            return false;
        for (unsigned l = 0; l < settings->lanes; l++)
            if (gasket_run_total_count(run, LDPC_FAILED_CHECKS, l) == 0)
                settings->done |= UINT64_C(1) << l;
        const uint64_t left = settings->counted & ~settings->done;
        /* Of a word that was received the odds are wanted too. */
        if ((left == 0 && settings->received < 0) || round == rounds)
            return true;
        ldpc->rounds += (uint64_t)__builtin_popcountll(left);
        if (!gasket_run_step(run, &ldpc->programs.bit, error))
            return false;
    }
}

static void
count_errors(Ldpc *ldpc)
{
    for (uint64_t left = ldpc->settings.counted; left != 0; left &= left - 1) {
        const unsigned lane = (unsigned)__builtin_ctzll(left);
        int64_t errors = gasket_run_total_count(ldpc->run, LDPC_BIT_ERRORS, lane);
        ldpc->bit_errors += (double)errors;
        ldpc->frame_errors += errors > 0;
        ldpc->undetected += errors > 0 && (ldpc->settings.done >> lane & 1) != 0;
    }
}

static void
report(const Ldpc *ldpc)
{
    GasketRun *run = ldpc->run;
    const double frames = (double)ldpc->frames;
    gasket_run_set_metric(run, "frames", frames);
    gasket_run_set_metric(run, "mean_rounds", (double)ldpc->rounds / frames);
    if (ldpc->settings.received >= 0) {
        gasket_run_set_metric(run, "failed_checks",
                              (double)gasket_run_total_count(run, LDPC_FAILED_CHECKS, 0));
        return;
    }
    gasket_run_set_metric(run, "frame_errors", (double)ldpc->frame_errors);
    gasket_run_set_metric(run, "undetected_errors", (double)ldpc->undetected);
    gasket_run_set_metric(run, "frame_error_rate", (double)ldpc->frame_errors / frames);
    gasket_run_set_metric(run, "bit_error_rate",
                          ldpc->bit_errors / frames /
                              gasket_run_n_vertices(run, GASKET_KIND_VARIABLE));
}

static bool
ldpc_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    Ldpc ldpc = {.run = run};
    LdpcSettings *settings = &ldpc.settings;
    if (!open(&ldpc, given, error))
        return false;

    const uint64_t wanted = settings->received >= 0 ? 1 : (uint64_t)given->frames;
    while (gasket_run_continues(run)) {
        const uint64_t n = MIN(wanted - ldpc.frames, settings->lanes);
        settings->first = ldpc.frames;
        settings->counted = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
        settings->sent = (double)(ldpc.frames + n);
        if (!decode(&ldpc, (uint64_t)given->rounds, error) ||
            !gasket_run_step(run, &ldpc.programs.count, error))
            return false;
        ldpc.frames += n;
        count_errors(&ldpc);
        gasket_run_end_iteration(run, (double)ldpc.frame_errors / (double)ldpc.frames,
                                 ldpc.frames == wanted ||
                                     ldpc.frame_errors >= (uint64_t)given->errors);
    }
    if (ldpc.frames > 0)
        report(&ldpc);
    return true;
}

const GasketAlgorithm gasket_ldpc = {
    .abi = GASKET_ABI,
    .name = "ldpc",
    .summary = "decodes parity-check codes by belief propagation; error rates over a channel",
    .description =
        "Sends words of a code (a file .alist) over a channel and counts how many are decoded "
        "wrongly; the residual of an iteration, 64 words, is the share of all so far. Stops after "
        "--errors wrong words or --frames words. Or decodes the word in --received: the result is "
        "then its bits, and `failed_checks` in the report is 0 if they are a word of the code.\n"
        "\n"
        "  gasket ldpc code.alist --ebn0 2.5 --frames 100000 --json\n"
        "  gasket ldpc code.alist --channel bsc --crossover 0.05 --received word.txt -o bits.tsv\n",
    .input = GASKET_INPUT_FACTORS,
    .options = options,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS({.in_rows = true, .out_rows = true}),
    /* By the names of a simulation; prepare gives those of a received word. */
    GASKET_RESULTS(
        {.name = "errors", .type = GASKET_INT32, .offset = offsetof(LdpcBit, count)},
        {.name = "error_rate", .type = GASKET_DOUBLE, .offset = offsetof(LdpcBit, odds)}),
    .prepare = prepare,
    .run = ldpc_run,
};
