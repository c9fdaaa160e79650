/* SPDX-License-Identifier: Apache-2.0 */
/* An exact answer: found on rank 0, handed out to all. See exact_answer.h. */
#include "exact_answer.h"

#include <math.h>
#include <unistd.h>

void
exact_answer_clear(ExactAnswer *answer)
{
    g_free(answer->marginals);
    g_free(answer->states);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExactProblem, exact_problem_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExactOrder, exact_order_clear)

/* Tells the cost, and refuses it if there is no memory for it. */
static bool
check_cost(GasketRun *run, const ExactWish *wish, const ExactProblem *problem,
           const ExactOrder *order, GError **error)
{
    const double gib = 1024.0 * 1024 * 1024;
    double bytes = exact_tree_bytes(problem, order);
    double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double most = wish->max_bytes > 0 ? wish->max_bytes : machine / 2;
    bool fits = order->complete && bytes <= most && order->messages < UINT32_MAX &&
                (wish->max_entries == 0 || order->entries <= wish->max_entries);

    g_autofree char *cost = g_strdup_printf(
        "%u of %zu variables open, treewidth %s%u, largest table 2^%.1f entries, %.3g GiB of "
        "tables",
        problem->n, (size_t)gasket_run_n_vertices(run, GASKET_KIND_VARIABLE),
        order->complete ? "" : "of the order found at least ", order->width, order->log2_largest,
        bytes / gib);
    if (wish->tell)
        gasket_run_note(run, cost);
    if (fits)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_MEMORY,
                "exact inference does not fit: %s, expected at most %.3g GiB (--max-memory); "
                "bp, gibbs and mean-field approximate",
                cost, MIN(most, UINT32_MAX * 8.0) / gib);
    return false;
}

/* Marginals of the model's states from those of the problem's. */
static bool
spread_marginals(const ExactModel *model, const ExactProblem *problem, const double *open,
                 ExactAnswer *answer, GError **error)
{
    uint32_t n = model->n_variables;
    answer->marginals = exact_new(model->state_begin[n], sizeof(double), error);
    if (answer->marginals == NULL)
        return false;
    for (uint32_t v = 0; open != NULL && v < n; v++)
        for (uint64_t s = model->state_begin[v]; s < model->state_begin[v + 1]; s++)
            if (problem->possible[s])
                answer->marginals[s] = problem->open[v] >= 0 ? *open++ : 1;
    return true;
}

/* States of the model's variables from those of the problem's; open: NULL if nothing is possible,
 * then what is observed stands and all else is 0. */
static bool
spread_states(const ExactModel *model, const ExactProblem *problem, const uint32_t *open,
              ExactAnswer *answer, GError **error)
{
    answer->states = exact_new(model->n_variables, sizeof(double), error);
    if (answer->states == NULL)
        return false;
    for (uint32_t v = 0; v < model->n_variables; v++) {
        if (open == NULL) {
            answer->states[v] = fmax(model->evidence[v], 0);
            continue;
        }
        uint32_t left = problem->open[v] >= 0 ? open[problem->open[v]] : 0;
        uint64_t s = model->state_begin[v];
        while (!problem->possible[s] || left-- > 0)
            s++;
        answer->states[v] = (double)(s - model->state_begin[v]);
    }
    return true;
}

static bool
infer(const ExactModel *model, const ExactProblem *problem, const ExactOrder *order, bool map,
      ExactDomain domain, ExactAnswer *answer, GError **error)
{
    double log_weight = -INFINITY;

    if (map) {
        g_autofree uint32_t *states = NULL;
        if (!problem->impossible && !exact_tree_map(problem, order, &log_weight, &states, error))
            return false;
        answer->log_weight = log_weight + problem->log_constant;
        return spread_states(model, problem, log_weight > -INFINITY ? states : NULL, answer, error);
    }
    g_autofree double *marginals = NULL;
    bool underflow = false;
    if (!problem->impossible &&
        !exact_tree_marginals(problem, order, domain, &log_weight, &marginals, &underflow, error))
        return false;
    if (underflow) {
        g_clear_pointer(&marginals, g_free);
        if (!exact_tree_marginals(problem, order, EXACT_LOG, &log_weight, &marginals, &underflow,
                                  error))
            return false;
    }
    answer->log_weight = log_weight + problem->log_constant;
    return spread_marginals(model, problem, log_weight > -INFINITY ? marginals : NULL, answer,
                            error);
}

bool
exact_solve(ExactAnswer *answer, GasketRun *run, const ExactModel *model, const ExactWish *wish,
            GError **error)
{
    g_auto(ExactProblem) problem = {0};
    g_auto(ExactOrder) order = {0};

    if (!exact_problem_init(&problem, model, error))
        return false;
    if (problem.impossible)
        exact_problem_empty(&problem);
    if (!exact_order_init(&order, &problem, wish->rule, error) ||
        !check_cost(run, wish, &problem, &order, error))
        return false;
    answer->width = order.width;
    answer->bytes = exact_tree_bytes(&problem, &order);
    return infer(model, &problem, &order, wish->map, wish->domain, answer, error);
}

/* What others hold in place of rank 0's answer is smaller. */
bool
exact_share(ExactAnswer *answer, GasketRun *run, const ExactModel *model, bool map, GError **error)
{
    uint32_t n = model->n_variables;
    double figures[] = {answer->log_weight, answer->width, answer->bytes};

    if (gasket_run_rank(run) != 0) {
        figures[0] = figures[1] = figures[2] = -INFINITY;
        answer->states = map ? exact_new(n, sizeof(double), error) : NULL;
        answer->marginals = map ? NULL : exact_new(model->state_begin[n], sizeof(double), error);
        if (answer->states == NULL && answer->marginals == NULL)
            return false;
    }
    if (!gasket_run_reduce_max(run, figures, G_N_ELEMENTS(figures), error) ||
        !(map ? gasket_run_reduce_max(run, answer->states, n, error)
              : gasket_run_reduce_max(run, answer->marginals, model->state_begin[n], error)))
        return false;
    answer->log_weight = figures[0], answer->width = figures[1], answer->bytes = figures[2];
    return true;
}

double
exact_weight_of(const ExactModel *model, const double *states)
{
    double weight = 0;

    for (uint32_t v = 0; v < model->n_variables; v++)
        weight +=
            log(model->prior[model->state_begin[v] + (uint64_t)states[v]]) + model->log_scale[v];
    for (uint32_t f = 0; f < model->n_factors; f++) {
        uint64_t at = 0;
        for (uint64_t i = model->scope_begin[f]; i < model->scope_begin[f + 1]; i++) {
            uint32_t v = (uint32_t)model->scope[i];
            at = at * (uint64_t)model->cardinality[v] + (uint64_t)states[v];
        }
        weight += log(model->table[model->table_begin[f] + at]);
    }
    return weight;
}
