/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contracting a factor's table with its messages: see factor_contract.h.
 *
 *   scratch   | right_n = 1 | right_{n-1} | ... | right_1 | left |
 *
 * left_{i+1} overwrites left_i: block x = 0 of left_i is where the sum of the blocks belongs.
 *
 * Invariants:
 *   1. Variables of one state are left out (their messages are factors of everything), so sizes
 *      halve at least: right_1 .. right_n take at most size, and there are at most 31 of them.
 *   2. Every sum has one order, so the bits depend on the model alone.
 */
#include "factor_contract.h"

#include <math.h>

#include "factor_message.h"

#define MAX_VARIABLES 31 /* of two states at least, in a table of up to 2^31 - 1 entries */

/* A factor without its variables of one state. */
typedef struct {
    uint32_t n;
    uint32_t which[MAX_VARIABLES];
    double single; /* the product of the messages of those left out */
} Reduced;

static void
leave_out_single(FactorDomain domain, const FactorContraction *factor, Reduced *reduced)
{
    *reduced = (Reduced){.single = factor_neutral(domain)};
    for (uint32_t i = 0; i < factor->n; i++) {
        if (factor->states[i] > 1)
            reduced->which[reduced->n++] = i;
        else
            factor_multiply(domain, &reduced->single, factor->in[i], 1);
    }
}

/* ---- rows: sum or maximum of a[k] * b[k] ----------------------------------------------------- */

/* Four sums that are added at the end: additions need not wait for one another. */
static double
dot(const double *a, const double *b, uint64_t n)
{
    double sum[4] = {0, 0, 0, 0};
    uint64_t k = 0;
    for (; k + 4 <= n; k += 4)
        for (unsigned j = 0; j < 4; j++)
            sum[j] += a[k + j] * b[k + j];
    for (; k < n; k++)
        sum[0] += a[k] * b[k];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double
max_plus(const double *a, const double *b, uint64_t n)
{
    double largest[4] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
    uint64_t k = 0;
    for (; k + 4 <= n; k += 4)
        for (unsigned j = 0; j < 4; j++)
            largest[j] = MAX(largest[j], a[k + j] + b[k + j]);
    for (; k < n; k++)
        largest[0] = MAX(largest[0], a[k] + b[k]);
    return MAX(MAX(largest[0], largest[1]), MAX(largest[2], largest[3]));
}

static double
log_dot(const double *a, const double *b, uint64_t n)
{
    double largest = max_plus(a, b, n), sum = 0;
    if (largest == -INFINITY)
        return -INFINITY;
    for (uint64_t k = 0; k < n; k++)
        sum += exp(a[k] + b[k] - largest);
    return largest + log(sum);
}

static double
combine(FactorDomain domain, const double *a, const double *b, uint64_t n)
{
    switch (domain) {
    case FACTOR_LINEAR:
        return dot(a, b, n);
    case FACTOR_LOG:
        return log_dot(a, b, n);
    default:
        return max_plus(a, b, n);
    }
}

/* ---- contracting the first variable ---------------------------------------------------------- */

/* to[k] = log of the sum over x of exp(in[x] + from[x n + k]). */
static void
log_contract(double *to, const double *from, const double *in, uint32_t states, uint64_t n)
{
    for (uint64_t k = 0; k < n; k++) {
        double largest = -INFINITY, sum = 0;
        for (uint32_t x = 0; x < states; x++)
            largest = MAX(largest, in[x] + from[x * n + k]);
        if (largest > -INFINITY) {
            for (uint32_t x = 0; x < states; x++)
                sum += exp(in[x] + from[x * n + k] - largest);
            largest += log(sum);
        }
        to[k] = largest;
    }
}

/* to may be from: entry k of block 0 is read before it is written. */
static void
contract_first(FactorDomain domain, double *to, const double *from, const double *in,
               uint32_t states, uint64_t n)
{
    if (domain == FACTOR_LOG) {
        log_contract(to, from, in, states, n);
        return;
    }
    if (domain == FACTOR_LINEAR) {
        for (uint64_t k = 0; k < n; k++)
            to[k] = in[0] * from[k];
        for (uint32_t x = 1; x < states; x++)
            for (uint64_t k = 0; k < n; k++)
                to[k] += in[x] * from[x * n + k];
        return;
    }
    for (uint64_t k = 0; k < n; k++)
        to[k] = in[0] + from[k];
    for (uint32_t x = 1; x < states; x++)
        for (uint64_t k = 0; k < n; k++)
            to[k] = MAX(to[k], in[x] + from[x * n + k]);
}

/* ---- the whole factor ------------------------------------------------------------------------ */

/* right_1 .. right_n into scratch, from the last on, down to that after variable `first`; where
 * each stands. Returns the first free double. */
static double *
multiply_out(FactorDomain domain, const FactorContraction *factor, const Reduced *reduced,
             uint32_t first, const double **right)
{
    double *at = factor->scratch;
    uint64_t size = 1;

    at[0] = factor_neutral(domain);
    right[reduced->n] = at++;
    for (uint32_t i = reduced->n; i-- > first + 1;) {
        const double *in = factor->in[reduced->which[i]], *rest = right[i + 1];
        uint32_t states = factor->states[reduced->which[i]];
        for (uint32_t x = 0; x < states; x++)
            for (uint64_t k = 0; k < size; k++)
                at[x * size + k] = domain == FACTOR_LINEAR ? in[x] * rest[k] : in[x] + rest[k];
        right[i] = at;
        size *= states;
        at += size;
    }
    return at;
}

static void
emit(FactorDomain domain, const FactorContraction *factor, const Reduced *reduced, uint32_t i,
     const double *left, const double *rest, uint64_t n)
{
    double *out = factor->out[reduced->which[i]];
    uint32_t states = factor->states[reduced->which[i]];

    for (uint32_t x = 0; x < states; x++)
        out[x] = n == 1 && domain == FACTOR_LINEAR ? left[x] * rest[0]
                                                   : combine(domain, left + x * n, rest, n);
    if (reduced->single != factor_neutral(domain))
        for (uint32_t x = 0; x < states; x++)
            factor_multiply(domain, &out[x], &reduced->single, 1);
}

/* Contracts variables 0 .. end - 1 into left, emitting what is wanted on the way. */
static const double *
sweep(FactorDomain domain, const FactorContraction *factor, const Reduced *reduced, uint32_t end,
      const double *const *right, double *left)
{
    const double *from = factor->table;
    uint64_t n = factor->size;

    for (uint32_t i = 0; i < end; i++) {
        uint32_t v = reduced->which[i];
        n /= factor->states[v];
        if (factor->out != NULL && factor->out[v] != NULL)
            emit(domain, factor, reduced, i, from, right[i + 1], n);
        if (i + 1 < end || factor->out == NULL) {
            contract_first(domain, left, from, factor->in[v], factor->states[v], n);
            from = left;
        }
    }
    return from;
}

/* The table with all messages but those of variables of one state. */
static double
contract_reduced(FactorDomain domain, const FactorContraction *factor, const Reduced *reduced)
{
    FactorContraction all = *factor;
    all.out = NULL;
    return sweep(domain, &all, reduced, reduced->n, NULL, factor->scratch)[0];
}

static bool
wants_single(const FactorContraction *factor)
{
    for (uint32_t i = 0; i < factor->n; i++)
        if (factor->states[i] == 1 && factor->out[i] != NULL)
            return true;
    return false;
}

void
factor_contract(FactorDomain domain, const FactorContraction *factor)
{
    const double *right[MAX_VARIABLES + 1];
    uint32_t first = UINT32_MAX, end = 0;
    Reduced reduced;

    leave_out_single(domain, factor, &reduced);
    for (uint32_t i = 0; i < reduced.n; i++) {
        if (factor->out[reduced.which[i]] == NULL)
            continue;
        first = MIN(first, i);
        end = i + 1;
    }
    if (end > 0) {
        double *left = multiply_out(domain, factor, &reduced, first, right);
        (void)sweep(domain, factor, &reduced, end, right, left);
    }
    if (!wants_single(factor))
        return;
    double rest = contract_reduced(domain, factor, &reduced);
    for (uint32_t i = 0; i < factor->n; i++) {
        if (factor->states[i] > 1 || factor->out[i] == NULL)
            continue;
        factor->out[i][0] = rest;
        for (uint32_t j = 0; j < factor->n; j++)
            if (j != i && factor->states[j] == 1)
                factor_multiply(domain, factor->out[i], factor->in[j], 1);
    }
}

double
factor_contract_all(FactorDomain domain, const FactorContraction *factor)
{
    Reduced reduced;

    leave_out_single(domain, factor, &reduced);
    double total = contract_reduced(domain, factor, &reduced);
    factor_multiply(domain, &total, &reduced.single, 1);
    return total;
}
