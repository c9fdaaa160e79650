/* SPDX-License-Identifier: Apache-2.0 */
/* What bits and checks do, for all lanes at once. See ldpc.c. */
#include "ldpc.h"

#include <math.h>
#include <string.h>

#define LIMIT 0x1.fffffffffffffp-1 /* the largest double below 1 */

const GasketRowSet ldpc_bit_rows[1] = {{.relation = 0, .direction = GASKET_OUT}};
const GasketRowSet ldpc_check_rows[1] = {{.relation = 0, .direction = GASKET_IN}};

static inline LdpcBit *
bit_of(void *state, const LdpcSettings *settings, GasketVertex v)
{
    return (LdpcBit *)(void *)((char *)state + v * settings->bit_size);
}

/* ---- is it a code? --------------------------------------------------------------------------- */

static void
inspect_checks(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketColumn *table = &context->column[GASKET_FACTOR_TABLE];
    const GasketRows *rows = run->rows;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex f = run->vertex[i];
        const double *entry = (const double *)table->data + table->begin[f];
        const uint64_t n = table->begin[f + 1] - table->begin[f];
        bool parity = n == UINT64_C(1) << (rows->end[i] - rows->begin[i]) && entry[0] > 0;
        for (uint64_t e = 0; parity && e < n; e++)
            parity = entry[e] == (__builtin_parityll(e) == 0 ? entry[0] : 0);
        gasket_count(context, LDPC_FAULTS, 0, !parity);
        gasket_extreme(context, LDPC_DEGREE, 0, (double)(rows->end[i] - rows->begin[i]));
    }
}

static void
inspect_bits(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const int32_t *cardinality = context->column[GASKET_VARIABLE_CARDINALITY].data;
    const int32_t *evidence = context->column[GASKET_VARIABLE_EVIDENCE].data;
    const GasketColumn *prior = &context->column[GASKET_VARIABLE_PRIOR];
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const double *p = (const double *)prior->data + prior->begin[v];
        gasket_count(context, LDPC_FAULTS, 0,
                     cardinality[v] != 2 || evidence[v] >= 0 || p[0] != 1 || p[1] != 1);
    }
}

/* ---- the vertex programs --------------------------------------------------------------------- */

/* What a lane's channel says of bit v. */
static double
receive(const GasketContext *context, GasketVertex v, unsigned lane)
{
    const LdpcSettings *settings = context->parameters;
    if (settings->received >= 0) {
        double value = ((const double *)context->column[settings->received].data)[v];
        return settings->strength * (settings->channel == LDPC_GAUSSIAN ? value : 1 - 2 * value);
    }
    GasketRandom random =
        gasket_random_at(context->seed, 1, context->number[v], settings->first + lane);
    if (settings->channel == LDPC_GAUSSIAN)
        return settings->strength * (1 + settings->sigma * gasket_random_normal(&random));
    return gasket_random_double(&random) < settings->crossover ? -settings->strength
                                                               : settings->strength;
}

/* The bits that lanes decide on: 1 where the odds are against 0, or even. */
static uint64_t
decide(const double *odds, unsigned lanes)
{
    uint64_t bits = 0;
    for (unsigned l = 0; l < lanes; l++)
        bits |= (uint64_t)(odds[l] <= 0) << l;
    return bits;
}

static void
receive_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const LdpcSettings *settings = context->parameters;
    uint64_t *decided = run->value;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        double *channel = bit_of(run->state, settings, v)->lane;
        for (unsigned l = 0; l < settings->lanes; l++)
            channel[l] = channel[settings->lanes + l] = receive(context, v, l);
        decided[v] = decide(channel, settings->lanes);
    }
}

/* The channel's odds and those of all checks; words that are done stay as they are. */
static void
bit_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const LdpcSettings *settings = context->parameters;
    const unsigned lanes = settings->lanes;
    const GasketRows *rows = run->rows;
    const double *incoming = rows->incoming;
    const uint64_t *before = run->published;
    uint64_t *decided = run->value;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        double *channel = bit_of(run->state, settings, v)->lane, *all = channel + lanes;
        memcpy(all, channel, lanes * sizeof *all);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            for (unsigned l = 0; l < lanes; l++)
                all[l] += incoming[e * lanes + l];
        decided[v] = (before[v] & settings->done) | (decide(all, lanes) & ~settings->done);
    }
}

/* To each check the odds without its own word. */
static void
bit_scatter(const GasketContext *context, const GasketRows *rows)
{
    const LdpcSettings *settings = context->parameters;
    const unsigned lanes = settings->lanes;
    const double *incoming = rows->incoming;
    double *outgoing = rows->outgoing;

    for (size_t r = 0; r < rows->count; r++) {
        const double *all = bit_of(rows->state, settings, rows->vertex[r])->lane + lanes;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            double *out = outgoing + (size_t)rows->slot[e] * lanes;
            for (unsigned l = 0; l < lanes; l++)
                out[l] = all[l] - incoming[e * lanes + l];
        }
    }
}

/* Before the first round no check has said anything. */
static void
first_scatter(const GasketContext *context, const GasketRows *rows)
{
    const LdpcSettings *settings = context->parameters;
    const unsigned lanes = settings->lanes;
    double *outgoing = rows->outgoing;

    for (size_t r = 0; r < rows->count; r++) {
        const double *channel = bit_of(rows->state, settings, rows->vertex[r])->lane;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            memcpy(outgoing + (size_t)rows->slot[e] * lanes, channel, lanes * sizeof *channel);
    }
}

/* Which words fail a check. */
static void
check_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const LdpcSettings *settings = context->parameters;
    const GasketRows *rows = run->rows;
    const uint64_t *decided = rows->values;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        uint64_t odd = 0;
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            odd ^= decided[rows->neighbour[e]];
        for (odd &= settings->counted; odd != 0; odd &= odd - 1)
            gasket_count(context, LDPC_FAILED_CHECKS, (unsigned)__builtin_ctzll(odd), 1);
    }
}

/* To each bit what the others make of it: products of those before and of those behind it. */
static void
check_scatter(const GasketContext *context, const GasketRows *rows)
{
    const LdpcSettings *settings = context->parameters;
    const unsigned lanes = settings->lanes;
    const double *incoming = rows->incoming;
    double *outgoing = rows->outgoing, *tanhs = context->scratch; /* of the row's entries */

    for (size_t r = 0; r < rows->count; r++) {
        const uint64_t begin = rows->begin[r], n = rows->end[r] - begin;
        double *product = tanhs + n * lanes; /* of those before */
        for (unsigned l = 0; l < lanes; l++)
            product[l] = 1;
        for (uint64_t k = 0; k < n; k++) {
            double *out = outgoing + (size_t)rows->slot[begin + k] * lanes;
            for (unsigned l = 0; l < lanes; l++) {
                double t = tanh(incoming[(begin + k) * lanes + l] / 2);
                tanhs[k * lanes + l] = t;
                out[l] = product[l];
                product[l] *= t;
            }
        }
        for (unsigned l = 0; l < lanes; l++)
            product[l] = 1;
        for (uint64_t k = n; k-- > 0;) {
            double *out = outgoing + (size_t)rows->slot[begin + k] * lanes;
            for (unsigned l = 0; l < lanes; l++) {
                out[l] = 2 * atanh(fmax(-LIMIT, fmin(out[l] * product[l], LIMIT)));
                product[l] *= tanhs[k * lanes + l];
            }
        }
    }
}

/* What has become of the words that count. */
static void
count_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const LdpcSettings *settings = context->parameters;
    const uint64_t *decided = run->published;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        LdpcBit *bit = bit_of(run->state, settings, v);
        uint64_t wrong = decided[v] & settings->counted;
        if (settings->received >= 0) {
            bit->count = (int32_t)wrong;
            bit->odds = bit->lane[1];
            continue;
        }
        bit->count += __builtin_popcountll(wrong);
        bit->odds = bit->count / settings->sent;
        for (; wrong != 0; wrong &= wrong - 1)
            gasket_count(context, LDPC_BIT_ERRORS, (unsigned)__builtin_ctzll(wrong), 1);
    }
}

static GasketProgram
program_of(const char *name, unsigned kind, GasketApply apply, GasketScatter scatter,
           const LdpcSettings *settings)
{
    return (GasketProgram){
        .name = name,
        .kind = kind,
        .rows = kind == GASKET_KIND_VARIABLE ? ldpc_bit_rows : ldpc_check_rows,
        .n_rows = 1,
        .whole_rows = true,
        .apply = apply,
        .scatter = scatter,
        .changes = GASKET_CHANGES_NONE,
        .parameters = settings,
    };
}

void
ldpc_programs(const LdpcSettings *settings, LdpcPrograms *ret_programs)
{
    enum { BITS = GASKET_KIND_VARIABLE, CHECKS = GASKET_KIND_FACTOR };
    LdpcPrograms programs = {
        .inspect_checks = program_of("inspect", CHECKS, inspect_checks, NULL, settings),
        .inspect_bits = program_of("inspect", BITS, inspect_bits, NULL, settings),
        .receive = {.name = "receive", .apply = receive_apply, .parameters = settings},
        .first = program_of("first", BITS, NULL, first_scatter, settings),
        .check = program_of("checks", CHECKS, check_apply, check_scatter, settings),
        .bit = program_of("bits", BITS, bit_apply, bit_scatter, settings),
        .count = {.name = "count",
                  .apply = count_apply,
                  .changes = GASKET_CHANGES_NONE,
                  .parameters = settings},
    };
    programs.inspect_checks.aggregates = 1 << LDPC_FAULTS | 1 << LDPC_DEGREE;
    programs.inspect_bits.aggregates = 1 << LDPC_FAULTS;
    programs.check.aggregates = 1 << LDPC_FAILED_CHECKS;
    programs.bit.changes = GASKET_CHANGES_ALL;
    programs.count.aggregates = 1 << LDPC_BIT_ERRORS;
    *ret_programs = programs;
}
