/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two updates of belief propagation, for any cardinality, scope and domain.
 *
 *   variable v:   to_f(x) = prior(x) product over f' != f of from_f'(x)
 *   factor f:     to_v(x) = sum over the other variables of table product over v' != v of from_v'
 *
 * The product without one message is that of those before it and those after it: a pass forwards
 * leaves the first in the outgoing message, a pass backwards multiplies the second on. Nothing is
 * divided by a message, which may be 0.
 *
 * Invariants:
 *   1. A message is normalised, or has no possible state; then it is counted as impossible.
 *   2. In the linear domain a part other than 0 that is lost to underflow, or could be in the next
 *      product, is counted as tiny.
 *
 * Cost: 3 multiplications for each state of a message from a variable; factor_contract.h.
 */
#include "bp.h"

#include <stdatomic.h>

#include "factor_contract.h"

static const GasketRowSet variable_rows[] = {{.relation = 0, .direction = GASKET_OUT}};
static const GasketRowSet factor_rows[] = {{.relation = 0, .direction = GASKET_IN}};

static const double observed_tiny = 1 / FACTOR_RANGE;

/* ---- scratch --------------------------------------------------------------------------------- */

/* Of one factor's update; the pieces stand one behind the other in the scratch. */
typedef struct {
    const double **in; /* [max_scope] by position */
    double **out, **old;
    uint32_t *states;
    double *change; /* [max_scope] */
    double *fresh;  /* [max_scope * max_cardinality] new messages */
    double *rest;   /* [factor_contract_scratch(max_table)] */
} FactorScratch;

static size_t
pad(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t
bp_scratch(const FactorModel *model)
{
    const size_t n = MAX(model->max_scope, 1), states = model->max_cardinality;
    const size_t factor = 3 * pad(n * sizeof(void *)) + pad(n * sizeof(uint32_t)) +
                          pad(n * sizeof(double)) + pad(n * states * sizeof(double)) +
                          pad(factor_contract_scratch(model->max_table) * sizeof(double));
    return MAX(factor, 2 * pad(states * sizeof(double)));
}

static FactorScratch
factor_scratch(const FactorModel *model, void *scratch)
{
    const size_t n = MAX(model->max_scope, 1);
    FactorScratch s;
    char *at = scratch;

    s.in = (const double **)(void *)at;
    at += pad(n * sizeof(void *));
    s.out = (double **)(void *)at;
    at += pad(n * sizeof(void *));
    s.old = (double **)(void *)at;
    at += pad(n * sizeof(void *));
    s.states = (uint32_t *)(void *)at;
    at += pad(n * sizeof(uint32_t));
    s.change = (double *)(void *)at;
    at += pad(n * sizeof(double));
    s.fresh = (double *)(void *)at;
    at += pad(n * model->max_cardinality * sizeof(double));
    s.rest = (double *)(void *)at;
    return s;
}

/* ---- variables ------------------------------------------------------------------------------- */

/* x = x y, normalised; counts what the linear domain loses. false: no state is left. */
static bool
multiply_on(FactorDomain domain, double *x, const double *y, size_t n, BpSeen *seen)
{
    if (domain != FACTOR_LINEAR) {
        factor_multiply(domain, x, y, n);
        return factor_rescale(domain, x, n);
    }
    bool tiny = false;
    for (size_t i = 0; i < n; i++) {
        double product = x[i] * y[i];
        tiny |= (product < FACTOR_TINY) & (x[i] > 0) & (y[i] > 0);
        x[i] = product;
    }
    seen->tiny += tiny;
    return factor_rescale(domain, x, n);
}

/* Sends a decided state, or that nothing is possible. */
static void
send_state(const FactorModel *model, const GasketRows *rows, size_t r, const double *belief,
           size_t n, bool possible)
{
    size_t best = factor_argmax(belief, n);

    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
        double *out = factor_out(rows, e, model->uniform);
        factor_fill(out, n, factor_impossible(model->domain));
        if (possible)
            out[best] = factor_neutral(model->domain);
    }
}

/* Wakes all factors as urgently as the belief has changed; the result's marginals keep it. In a
 * tree the parent has had its turn. */
static void
wake_factors(const GasketContext *context, const GasketRows *rows, size_t r, const double *belief,
             size_t n)
{
    const BpSettings *settings = context->parameters;
    const BpTrees *trees = settings->residual->trees;
    const double tolerance = settings->residual->tolerance;
    const GasketVertex v = rows->vertex[r];
    double *last = settings->marginal + settings->marginal_begin[v];
    uint64_t parent = UINT64_MAX;

    if (trees != NULL && trees->inwards)
        return;
    const double change = factor_distance(settings->model->domain, belief, last, n);
    memcpy(last, belief, n * sizeof *last);
    if (trees != NULL) {
        trees->change[v] = 0;
        parent = rows->begin[r] + (uint64_t)trees->parent[GASKET_KIND_VARIABLE][v];
    }
    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
        if (e != parent)
            gasket_wake(context, rows, e, (float)MAX(change, tolerance));
}

bool
bp_belief(const FactorModel *model, const GasketRows *rows, size_t r, double *belief, size_t n)
{
    BpSeen unused = {0};
    size_t length;

    factor_prior(model, rows->vertex[r], belief);
    bool possible = factor_rescale(model->domain, belief, n);
    for (uint64_t e = rows->begin[r]; possible && e < rows->end[r]; e++)
        possible = multiply_on(model->domain, belief, factor_in(rows, e, model->uniform, &length),
                               n, &unused);
    return possible;
}

void
bp_update_variable(const GasketContext *context, const GasketRows *rows, size_t r, BpSeen *seen)
{
    const BpSettings *settings = context->parameters;
    const FactorModel *model = settings->model;
    const size_t n = (size_t)model->cardinality[rows->vertex[r]];
    const FactorDomain domain = model->domain;
    double *product = context->scratch, *rest = product + pad(n * sizeof(double)) / sizeof(double);
    size_t length;

    factor_prior(model, rows->vertex[r], product);
    bool possible = factor_rescale(domain, product, n);
    for (uint64_t e = rows->begin[r]; possible && e < rows->end[r]; e++) {
        memcpy(factor_out(rows, e, model->uniform), product, n * sizeof *product);
        possible =
            multiply_on(domain, product, factor_in(rows, e, model->uniform, &length), n, seen);
    }
    if (settings->residual != NULL && possible)
        wake_factors(context, rows, r, product, n);
    if (settings->decide || !possible) {
        seen->impossible += !possible;
        send_state(model, rows, r, product, n, possible);
        return;
    }
    factor_fill(rest, n, factor_neutral(domain));
    for (uint64_t e = rows->end[r]; e-- > rows->begin[r];) {
        (void)multiply_on(domain, factor_out(rows, e, model->uniform), rest, n, seen);
        if (e > rows->begin[r])
            (void)multiply_on(domain, rest, factor_in(rows, e, model->uniform, &length), n, seen);
    }
}

static void
variable_scatter(const GasketContext *context, const GasketRows *rows)
{
    BpSeen seen = {0};
    for (size_t r = 0; r < rows->count; r++)
        bp_update_variable(context, rows, r, &seen);
    bp_tell(context, &seen);
}

/* The best state given everything received, into the state: the same as is sent. */
static void
decide_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const BpSettings *settings = context->parameters;
    const FactorModel *model = settings->model;
    const GasketRows *rows = run->rows;
    double *product = context->scratch;
    BpVariable *variable = run->state;
    FactorValue *value = run->value;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        const size_t n = (size_t)model->cardinality[v];
        (void)bp_belief(model, rows, i, product, n);
        variable[v].state = (int32_t)factor_argmax(product, n);
        value[v].group = ((const FactorValue *)run->published)[v].group;
        value[v].state = variable[v].state;
    }
}

/* ---- factors --------------------------------------------------------------------------------- */

/* What this factor adds to the logarithm of the partition function, with n variables, each message
 * divided by norm[i]: (1 - n) log Z_f + sum of log norm[i]. */
static void
add_log_z(const GasketContext *context, const FactorModel *model, GasketVertex f,
          const FactorScratch *s, uint32_t n, double norms, double first_norm, BpSeen *seen)
{
    double log_z;
    if (n == 0) {
        double all = model->table[model->table_begin[f]];
        log_z = model->domain == FACTOR_LINEAR ? log(all) : all;
    } else {
        /* All of the factor is the message to one variable times that from it. */
        double *message = s->old[0];
        factor_multiply(model->domain, message, s->in[0], s->states[0]);
        log_z = model->domain == FACTOR_LINEAR ? log(factor_total(message, s->states[0]))
                : model->domain == FACTOR_LOG  ? factor_log_sum(message, s->states[0])
                                               : factor_maximum(message, s->states[0]);
        log_z += first_norm;
    }
    const BpCounting *counting = ((const BpSettings *)context->parameters)->counting;
    double part = (1 - (double)n) * log_z + norms;
    if (counting != NULL && counting->weight != NULL)
        part *= counting->weight[f];
    part += factor_model_scale(model, f);
    if (isfinite(part))
        gasket_add(context, BP_LOG_Z, 0, part);
    else
        seen->impossible++;
}

/* Whether linear products of this factor may have vanished without being 0. */
static bool
may_have_lost(const FactorScratch *s, uint32_t n)
{
    double bound = 1;
    for (uint32_t i = 0; i < n; i++) {
        double least = 1;
        for (uint32_t x = 0; x < s->states[i]; x++)
            if (s->in[i][x] > 0 && s->in[i][x] < least)
                least = s->in[i][x];
        bound *= least;
    }
    return bound < FACTOR_TINY;
}

/* Whether the message at entry e is sent in this step. */
static bool
is_wanted(const BpSettings *settings, const GasketRows *rows, GasketVertex f, uint64_t e,
          uint32_t position)
{
    const BpTrees *trees = settings->residual != NULL ? settings->residual->trees : NULL;
    const FactorValue *value = rows->values;

    if (trees != NULL)
        return ((uint32_t)trees->parent[GASKET_KIND_FACTOR][f] == position) == trees->inwards;
    return settings->group == FACTOR_ALL_GROUPS ||
           value[rows->neighbour[e]].group == settings->group;
}

/* Points at the messages by position; the number of variables, or UINT32_MAX if the table does not
 * fit them. */
static uint32_t
collect(const BpSettings *settings, const GasketRows *rows, size_t r, const FactorScratch *s)
{
    const FactorModel *model = settings->model;
    const int32_t *position = rows->column[GASKET_SCOPE_POSITION].data;
    const uint32_t n = (uint32_t)(rows->end[r] - rows->begin[r]);
    uint64_t size = 1;
    size_t length;

    for (uint32_t i = 0; i < n; i++)
        s->in[i] = NULL;
    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
        uint32_t i = (uint32_t)position[e];
        if (i >= n || s->in[i] != NULL)
            return UINT32_MAX;
        s->in[i] = factor_in(rows, e, model->uniform, &length);
        s->old[i] = factor_out(rows, e, model->uniform);
        s->states[i] = (uint32_t)length;
        s->out[i] = is_wanted(settings, rows, rows->vertex[r], e, i)
                        ? s->fresh + (size_t)i * model->max_cardinality
                        : NULL;
        size *= length;
    }
    return size == factor_model_size(model, rows->vertex[r]) ? n : UINT32_MAX;
}

/* Normalises, damps, compares and writes one new message; the logarithm of its norm. */
static double
send(const BpSettings *settings, const FactorScratch *s, uint32_t i, BpSeen *seen,
     double *ret_change)
{
    const FactorDomain domain = settings->model->domain;
    double *fresh = s->out[i], *old = s->old[i], norm = 0;
    size_t n = s->states[i];

    if (settings->finish)
        norm = factor_normalise(domain, fresh, n);
    else if (!factor_rescale(domain, fresh, n))
        norm = -INFINITY;
    if (norm == -INFINITY)
        seen->impossible++;
    if (domain == FACTOR_LINEAR)
        seen->tiny += factor_has_tiny(fresh, n, observed_tiny);
    double d = factor_distance(domain, fresh, old, n);
    seen->residual = d > seen->residual ? d : seen->residual;
    seen->updates++;
    *ret_change = d;
    if (settings->damping > 0)
        factor_damp(domain, fresh, old, settings->damping, n);
    memcpy(old, fresh, n * sizeof *old);
    return norm;
}

/* Wakes the variables whose message has changed enough, of those sent. */
static void
wake_variables(const GasketContext *context, const GasketRows *rows, size_t r, const double *change,
               int64_t sent)
{
    const BpSettings *settings = context->parameters;
    BpResidual *residual = settings->residual;
    const int32_t *position = rows->column[GASKET_SCOPE_POSITION].data;

    int64_t before = atomic_fetch_add_explicit(&residual->updates, sent, memory_order_relaxed);
    if (before >= residual->most || context->step > residual->last_step)
        return;
    for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
        if (change[position[e]] >= residual->tolerance)
            gasket_wake(context, rows, e, (float)change[position[e]]);
}

void
bp_update_factor(const GasketContext *context, const GasketRows *rows, size_t r, BpSeen *seen)
{
    const BpSettings *settings = context->parameters;
    const FactorModel *model = settings->model;
    const GasketVertex f = rows->vertex[r];
    FactorScratch s = factor_scratch(model, context->scratch);
    double norms = 0, first = 0, *change = s.change;
    const int64_t before = seen->updates;

    uint32_t n = collect(settings, rows, r, &s);
    if (n == UINT32_MAX) {
        seen->broken++;
        return;
    }
    const FactorContraction contraction = {.table = factor_model_table(model, f),
                                           .size = factor_model_size(model, f),
                                           .n = n,
                                           .states = s.states,
                                           .in = s.in,
                                           .out = s.out,
                                           .scratch = s.rest};
    if (n > 0)
        factor_contract(model->domain, &contraction);
    bool zeros = false;
    for (uint32_t i = 0; i < n; i++) {
        change[i] = 0;
        if (s.out[i] == NULL)
            continue;
        double norm = send(settings, &s, i, seen, &change[i]);
        first = i == 0 ? norm : first;
        norms += norm;
        for (uint32_t x = 0; x < s.states[i]; x++)
            zeros |= s.out[i][x] == 0;
    }
    if (zeros && model->domain == FACTOR_LINEAR && may_have_lost(&s, n))
        seen->tiny++;
    if (settings->residual != NULL)
        wake_variables(context, rows, r, change, seen->updates - before);
    if (settings->finish) {
        if (n > 0) { /* the written message stays; add_log_z multiplies a copy */
            memcpy(s.fresh, s.old[0], s.states[0] * sizeof *s.fresh);
            s.old[0] = s.fresh;
        }
        add_log_z(context, model, f, &s, n, norms, first, seen);
    }
}

static void
factor_scatter(const GasketContext *context, const GasketRows *rows)
{
    BpSeen seen = {0};
    for (size_t r = 0; r < rows->count; r++)
        bp_update_factor(context, rows, r, &seen);
    bp_tell(context, &seen);
}

void
bp_tell(const GasketContext *context, const BpSeen *seen)
{
    if (seen->residual > 0)
        gasket_extreme(context, BP_RESIDUAL, 0, seen->residual);
    if (seen->tiny > 0) {
        const BpSettings *settings = context->parameters;
        gasket_count(context, BP_TINY, 0, seen->tiny);
        if (settings->residual != NULL) /* a run until quiet has no totals */
            atomic_store_explicit(&settings->residual->tiny, true, memory_order_relaxed);
    }
    if (seen->impossible > 0)
        gasket_count(context, BP_IMPOSSIBLE, 0, seen->impossible);
    if (seen->broken > 0)
        gasket_count(context, BP_BROKEN, 0, seen->broken);
    if (seen->updates > 0)
        gasket_count(context, BP_UPDATES, 0, seen->updates);
}

/* ---- starting -------------------------------------------------------------------------------- */

static void
start_scatter(const GasketContext *context, const GasketRows *rows)
{
    const BpSettings *settings = context->parameters;
    const FactorModel *model = settings->model;
    size_t n;

    for (size_t r = 0; r < rows->count; r++) {
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            (void)factor_in(rows, e, model->uniform, &n);
            factor_fill(factor_out(rows, e, model->uniform), n,
                        model->domain == FACTOR_LINEAR ? 1 / (double)n : 0);
        }
    }
}

/* ---- programs -------------------------------------------------------------------------------- */

GasketProgram
bp_start_program(const BpSettings *settings, unsigned kind)
{
    return (GasketProgram){.name = "start",
                           .kind = kind,
                           .rows = kind == GASKET_KIND_FACTOR ? factor_rows : variable_rows,
                           .n_rows = 1,
                           .whole_rows = true,
                           .scatter = start_scatter,
                           .changes = GASKET_CHANGES_NONE,
                           .parameters = settings};
}

GasketProgram
bp_variable_program(const BpSettings *settings)
{
    return (GasketProgram){.name = "variables",
                           .kind = GASKET_KIND_VARIABLE,
                           .rows = variable_rows,
                           .n_rows = 1,
                           .whole_rows = true,
                           .apply = settings->decide ? decide_apply : NULL,
                           .scatter = settings->counting != NULL            ? bp_counting_variables
                                      : settings->fast && !settings->decide ? bp_fast_variables
                                                                            : variable_scatter,
                           .changes = settings->decide ? GASKET_CHANGES_ALL : GASKET_CHANGES_NONE,
                           .aggregates = 1 << BP_TINY | 1 << BP_IMPOSSIBLE,
                           .scratch_size = settings->scratch,
                           .parameters = settings};
}

GasketProgram
bp_factor_program(const BpSettings *settings)
{
    return (GasketProgram){.name = "factors",
                           .kind = GASKET_KIND_FACTOR,
                           .rows = factor_rows,
                           .n_rows = 1,
                           .whole_rows = true,
                           .scatter = settings->fast && !settings->finish ? bp_fast_factors
                                                                          : factor_scatter,
                           .changes = GASKET_CHANGES_NONE,
                           .aggregates = 1 << BP_RESIDUAL | 1 << BP_TINY | 1 << BP_IMPOSSIBLE |
                                         1 << BP_BROKEN | 1 << BP_UPDATES |
                                         (settings->finish ? 1 << BP_LOG_Z : 0),
                           .scratch_size = settings->scratch,
                           .parameters = settings};
}
