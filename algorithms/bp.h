/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Belief propagation, between its files:
 *
 *   bp.c         options, results, the driver: domains
 *   bp_schedule.c  who sends when, and damping
 *   bp_update.c  what a variable and a factor do: any cardinality, scope and domain
 *   bp_fast.c    the same for binary variables and pairwise factors in the linear domain
 *   bp_residual.c  what has changed most goes first
 *   bp_splash.c, bp_splash_grow.c  trees grown where most has changed
 *   bp_counting.c  entropies that count otherwise: tree-reweighted, and a double loop that settles
 *   bp_weights.c   the weights of tree-reweighted belief propagation
 *   bp_restart.c  several starts, of which the best counts
 *   bp_tree.c    forests: exact in two passes
 *   bp_finish.c  marginals, the partition function, decoding
 *
 * Edge values are the messages, both ways. A variable's step reads its factors' messages and writes
 * one to each factor; a factor's step does the opposite. Neither reads what it writes, so there is
 * one buffer, and outgoing holds what was written last: a factor finds its old message there.
 */
#ifndef GASKET_ALGORITHMS_BP_H
#define GASKET_ALGORITHMS_BP_H

#include "factor_message.h"
#include "factor_model.h"
#include "factor_order.h"

/* The state of a variable. */
typedef struct {
    int32_t state; /* decoded; -1: nothing is possible */
} BpVariable;

/* ORDER bp_aggregate */
enum {
    BP_RESIDUAL,   /* largest change of a factor's message */
    BP_TINY,       /* messages with parts that linear arithmetic may lose */
    BP_IMPOSSIBLE, /* messages and beliefs without any possible state */
    BP_BROKEN,     /* factors whose table does not fit their scope */
    BP_LOG_Z,      /* parts of the Bethe approximation, natural logarithms */
    BP_UPDATES,    /* messages that factors sent */
    BP_SCORE,      /* two: factor_score.h */
    BP_FORBIDDEN,
    BP_N_AGGREGATES,
};

/* Counting numbers: bp_counting.c. */
typedef struct {
    double *weight;        /* [n_factors] c_f; NULL: all 1 */
    double *share, *hold;  /* [n_variables] 1 / c; c'_v - c_v */
    double *now, *old;     /* logarithms of beliefs: variable v's begin at begin[v] */
    const uint64_t *begin; /* [n_variables + 1] */
} BpCounting;

/* Where marginals of factors go: factor f's begin at begin[f]. */
typedef struct {
    double *marginal;
    const uint64_t *begin; /* [n_factors + 1] */
    bool possible;         /* else all are 0 */
} BpFactorMarginals;

/* What a step does, the same on all workers. */
typedef struct {
    const FactorModel *model;
    double damping;
    uint32_t group; /* factors send to variables of this group alone, or FACTOR_ALL_GROUPS */
    bool fast;      /* binary, linear: bp_fast.c */
    bool decide;    /* variables take their best state and send nothing else */
    bool finish;    /* factors add up what the partition function needs */
    const BpCounting *counting;  /* NULL: Bethe's */
    struct BpResidual *residual; /* who changes enough wakes others: bp_residual.c; else NULL */
    size_t scratch;              /* of either program */
    BpFactorMarginals *factors;  /* NULL: not wanted */

    double *marginal;               /* variable v's begin at marginal_begin[v] */
    const uint64_t *marginal_begin; /* [n_variables + 1] */
} BpSettings;

/* What a call has seen, told to the aggregates once. */
typedef struct {
    double residual;
    int64_t tiny, impossible, broken, updates;
} BpSeen;

/* Scratch for the model's largest factor and variable, in bytes. */
size_t bp_scratch(const FactorModel *model);

/* Programs with these settings, which must outlive the step. */
GasketProgram bp_start_program(const BpSettings *settings, unsigned kind);
GasketProgram bp_variable_program(const BpSettings *settings);
GasketProgram bp_factor_program(const BpSettings *settings);

/* The belief of a row's variable, n states, normalised; false if none is possible. */
bool bp_belief(const FactorModel *model, const GasketRows *rows, size_t r, double *belief,
               size_t n);

/* One row in any domain; r is its place in rows. */
void bp_update_variable(const GasketContext *context, const GasketRows *rows, size_t r,
                        BpSeen *seen);
void bp_update_factor(const GasketContext *context, const GasketRows *rows, size_t r, BpSeen *seen);
void bp_tell(const GasketContext *context, const BpSeen *seen);

/* All rows of a block, fast. */
void bp_fast_variables(const GasketContext *context, const GasketRows *rows);
void bp_fast_factors(const GasketContext *context, const GasketRows *rows);

/* [all] Declares factors' values once: 8 bytes that trees, weights and splashes use in turn. */
bool bp_publish_factors(GasketRun *run, GError **error);

/* [all] Sets every message to factors and variables to one that says nothing. */
bool bp_start(GasketRun *run, const BpSettings *settings, GError **error);

/* What became of a run of messages. */
typedef enum {
    BP_DONE,
    BP_CONTRADICTION, /* the evidence has probability 0 */
    BP_UNDERFLOW,     /* linear arithmetic does not do */
} BpOutcome;

/* The trees of a splash, by kind: which end of a vertex leads to its root. A factor sends to that
 * one alone inwards and to all others outwards. */
typedef struct {
    int32_t
        *parent[2]; /* variables: place in the row, -1: a root; factors: position in the scope */
    float *change;  /* [n_variables] of the belief since the variable last sent outwards */
    bool inwards;
} BpTrees;

/* Waking: what changes by less than the tolerance wakes nobody, and in the end nobody is woken any
 * more. */
typedef struct BpResidual {
    double tolerance;
    const BpTrees *trees;    /* NULL: a vertex alone */
    uint64_t last_step;      /* of steps; with the asynchronous engine, which has none, */
    int64_t most;            /* so many messages of this worker's factors */
    _Atomic int64_t updates; /* sent by them so far */
    _Atomic bool tiny;       /* something may have been lost to underflow */
} BpResidual;

/* [all] Messages as variables and factors are woken, the largest changes first where the engine
 * orders by priority; until nothing changes by more than the tolerance. */
bool bp_residual_run(GasketRun *run, BpSettings *settings, GError **error);

/* The outcome of the last step. */
BpOutcome bp_outcome(const GasketRun *run, const BpSettings *settings);

/* ORDER bp_schedules */
typedef enum {
    BP_SCHEDULE_AUTO,
    BP_SCHEDULE_PARALLEL,
    BP_SCHEDULE_SEQUENTIAL,
    BP_SCHEDULE_RESIDUAL,
    BP_SCHEDULE_SPLASH,
} BpSchedule;

/* Slow convergence is not oscillation: residuals may fall like 1 / sweeps. So windows double, and
 * each must have gone below the one before. */
typedef struct {
    bool automatic;
    double best, before; /* least residuals of this window and the last */
    unsigned at, window; /* sweeps of this window; its length, 0 before the first */
    unsigned stage;
    unsigned sweeps; /* in all */
    bool exhausted;  /* the most damping there is has not helped */
} BpDamping;

/* The best of several runs of messages. */
typedef struct {
    uint32_t tried, which; /* which of them it is */
    bool converged;
    double log_z, residual;
    double *marginal; /* as in BpSettings */
    int32_t *state;   /* [n_variables] */
} BpAnswer;

/* A run of the algorithm. */
typedef struct {
    GasketRun *run;
    BpSchedule schedule;
    uint32_t depth; /* of a splash's trees */
    FactorModel model;
    BpSettings settings;
    struct BpForest *forest; /* NULL: there are cycles */
    FactorOrder order;       /* n_groups 0: not needed yet */
    BpDamping damping;
    BpCounting counting;
    bool reweighted;
    BpFactorMarginals factors;
    double *marginal; /* of variables where those of factors are the result; else NULL */
    int64_t updates;
    bool converged;  /* the last run of messages, ... */
    double residual; /* ... and what it ended with */
    BpAnswer best;
} Bp;

/* [all] Ends an iteration of messages. */
void bp_end_iteration(Bp *bp, double residual, bool converged);

/* [all] Variables send before factors have had anything to. */
bool bp_speak_first(Bp *bp, BpOutcome *ret_outcome, GError **error);

/* [all] After bp_finish, whose result and log Z it replaces by those of the best of so many
 * restarts if that is better. damping: to begin with. */
bool bp_restart(Bp *bp, uint32_t restarts, double damping, double *log_z, GError **error);

/* More damping if residuals have not fallen for long. */
void bp_damping_watch(BpDamping *damping, BpSettings *settings, double residual, double tolerance);

/* [all] Splashes until no belief is further than the tolerance from the one that was sent on, or
 * factors have sent so many messages. */
bool bp_splash_run(Bp *bp, int64_t most, BpOutcome *ret_outcome, GError **error);

/* [all] From messages that say nothing to the end, as the schedule says. */
bool bp_pass_messages(Bp *bp, BpOutcome *ret_outcome, GError **error);

/* [all] One sweep: the largest change of a factor's message. */
bool bp_sweep(Bp *bp, double *ret_residual, BpOutcome *ret_outcome, GError **error);

/* The logarithm of a variable's belief, not normalised. */
void bp_counting_belief(const BpSettings *settings, const GasketRows *rows, size_t r,
                        double *belief, size_t n);
void bp_counting_variables(const GasketContext *context, const GasketRows *rows);

/* [all] Each owned factor's share of random forests; free with g_free. Error: MEMORY. */
bool bp_find_weights(const FactorModel *model, double **ret_weight, GError **error);

/* [all] Makes counting the settings': the domain is LOG. Clear it, in failure too. */
bool bp_counting_open(Bp *bp, BpCounting *counting, GError **error);
void bp_counting_clear(BpCounting *counting);

/* [all] Sweeps that settle, from messages that say nothing. */
bool bp_double_loop(Bp *bp, BpCounting *counting, BpOutcome *ret_outcome, GError **error);

/* [all] Opens the order unless it is open. */
bool bp_need_order(Bp *bp, GError **error);

/* Whether the general update is not needed. */
bool bp_is_fast(const Bp *bp);

/* The levels of a forest. */
typedef struct BpForest BpForest;

/* [all] *ret_forest is NULL if the graph has a cycle. Error: MEMORY, and as of a step. */
bool bp_forest_find(const FactorModel *model, BpForest **ret_forest, GError **error);
void bp_forest_free(BpForest *forest);

/* [all] Sends every message once from the leaves inwards and back: then all are exact. */
bool bp_forest_pass(BpForest *forest, BpSettings *settings, BpOutcome *ret_outcome, GError **error);

/* [all] Decides states from the roots outwards, each given those before. */
bool bp_forest_decode(BpForest *forest, BpSettings *settings, GError **error);

/* [all] Marginals into the states, and the Bethe approximation of the natural logarithm of the
 * partition function (its maximum, in the domain MAX). */
bool bp_finish(GasketRun *run, BpSettings *settings, double *ret_log_z, GError **error);

/* [all] In logarithms: whether messages to a variable contradict one another so much that none of
 * its states is likely by all. Such messages run away from one another, and log Z with them,
 * though no probability seems to change. */
bool bp_find_conflict(GasketRun *run, const BpSettings *settings, bool *ret_conflict,
                      GError **error);

/* [all] Marginals of factors, each with its likeliest entry in the state. */
bool bp_finish_factors(GasketRun *run, const BpSettings *settings, GError **error);

/* [all] Marginals of 0, for evidence of probability 0. */
bool bp_clear(GasketRun *run, const BpSettings *settings, GError **error);

/* [all] Group by group: each variable's best state given those decided before. */
bool bp_decode(FactorOrder *order, BpSettings *settings, GError **error);

#endif
