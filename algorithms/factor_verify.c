/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing with exact inference. See factor_verify.h. */
#include "factor_verify.h"

#include <math.h>
#include <string.h>

#include "disjoint.h"
#include "exact_answer.h"

#define MOST_ENTRIES ((double)(1 << 28))
#define CLOSE        1e-8 /* of what is exact by another road */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExactModel, exact_model_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ExactAnswer, exact_answer_clear)

/* [all] *ret_known: the model is small enough for an answer; else *ret_message says so. */
static bool
answer_exactly(GasketRun *run, const ExactModel *model, bool map, ExactAnswer *answer,
               bool *ret_known, char **ret_message, GError **error)
{
    const ExactWish wish = {.map = map,
                            .max_bytes = MOST_ENTRIES * sizeof(double),
                            .max_entries = MOST_ENTRIES,
                            .rule = EXACT_BEST,
                            .domain = EXACT_LINEAR};
    g_autoptr(GError) refused = NULL;
    double large = 0;

    if (gasket_run_rank(run) == 0)
        large = !exact_solve(answer, run, model, &wish, &refused);
    if (!gasket_run_reduce_max(run, &large, 1, error))
        return false;
    *ret_known = large == 0;
    if (!*ret_known) {
        *ret_message = g_strdup("not compared: the model is too large for exact inference");
        return true;
    }
    return exact_share(answer, run, model, map, error);
}

/* Whether variables and factors form no cycle. */
static bool
is_forest(const ExactModel *model, bool *ret_forest, GError **error)
{
    g_autofree uint32_t *parent = exact_new(model->n_variables, sizeof *parent, error);

    if (parent == NULL)
        return false;
    for (uint32_t v = 0; v < model->n_variables; v++)
        parent[v] = v;
    *ret_forest = true;
    for (uint32_t f = 0; f < model->n_factors; f++) {
        const uint64_t first = model->scope_begin[f];
        for (uint64_t i = first + 1; i < model->scope_begin[f + 1]; i++) {
            uint32_t a = disjoint_root(parent, (uint32_t)model->scope[first]);
            uint32_t b = disjoint_root(parent, (uint32_t)model->scope[i]);
            *ret_forest = *ret_forest && a != b;
            parent[b] = a;
        }
    }
    return true;
}

/* ---- marginals ------------------------------------------------------------------------------- */

typedef struct {
    double largest, sum; /* differences: of a variable its largest */
    double wrong;        /* variables whose marginal is no distribution */
    double zeros;        /* variables without one */
} Differences;

static Differences
compare(GasketRun *run, const ExactModel *model, unsigned column, const ExactAnswer *answer)
{
    const GasketContext *context = gasket_run_context(run, GASKET_KIND_VARIABLE);
    const uint64_t *begin = NULL;
    const double *data = gasket_run_result(run, column, &begin);
    Differences found = {0};

    for (uint32_t v = 0; v < context->n_owned; v++) {
        const double *exact = answer->marginals + model->state_begin[context->number[v]];
        double total = 0, largest = 0;
        for (uint64_t e = begin[v]; e < begin[v + 1]; e++) {
            total += data[e];
            largest = fmax(largest, fabs(data[e] - exact[e - begin[v]]));
        }
        found.zeros += total == 0;
        found.wrong += total != 0 && !(fabs(total - 1) < CLOSE);
        found.largest = fmax(found.largest, largest);
        found.sum += largest;
    }
    return found;
}

bool
factor_verify_marginals(GasketRun *run, unsigned column, bool exact_on_trees, char **ret_message,
                        GError **error)
{
    g_auto(ExactModel) model = {0};
    g_auto(ExactAnswer) answer = {0};
    bool known, forest;

    if (!exact_model_gather(&model, run, error) ||
        !answer_exactly(run, &model, false, &answer, &known, ret_message, error))
        return false;
    if (!known)
        return true;
    Differences found = compare(run, &model, column, &answer);
    double sums[] = {found.sum, found.wrong, found.zeros};
    if (!is_forest(&model, &forest, error) ||
        !gasket_run_reduce_max(run, &found.largest, 1, error) ||
        !gasket_run_reduce_sum(run, sums, G_N_ELEMENTS(sums), error))
        return false;
    const bool possible = answer.log_weight > -INFINITY;
    if (sums[1] > 0 || (possible ? sums[2] > 0 : sums[2] < model.n_variables)) {
        *ret_message = g_strdup_printf("%g variables have no distribution, %g have none at all; "
                                       "the model is %s",
                                       sums[1], sums[2], possible ? "possible" : "impossible");
        return false;
    }
    *ret_message = g_strdup_printf("marginals differ from the exact ones by %.3g in the mean of "
                                   "variables and at most %.3g; log10 Z is %.10g",
                                   sums[0] / fmax(model.n_variables, 1), found.largest,
                                   answer.log_weight / G_LN10);
    return !exact_on_trees || !forest || found.largest <= CLOSE;
}

/* ---- states ---------------------------------------------------------------------------------- */

bool
factor_verify_states(GasketRun *run, size_t size, bool exact_on_trees, char **ret_message,
                     GError **error)
{
    const GasketContext *context = gasket_run_context(run, GASKET_KIND_VARIABLE);
    const char *state = gasket_run_state(run, GASKET_KIND_VARIABLE);
    g_auto(ExactModel) model = {0};
    g_auto(ExactAnswer) answer = {0};
    double otherwise = 0;
    bool known, forest;

    if (!exact_model_gather(&model, run, error) ||
        !answer_exactly(run, &model, true, &answer, &known, ret_message, error))
        return false;
    g_autofree double *states = exact_new(model.n_variables, sizeof *states, error);
    if (states == NULL || !is_forest(&model, &forest, error))
        return false;
    for (uint32_t v = 0; v < context->n_owned; v++) {
        const uint32_t i = context->number[v];
        int32_t chosen;
        memcpy(&chosen, state + v * size, sizeof chosen);
        otherwise += model.evidence[i] >= 0 && chosen >= 0 && model.evidence[i] != chosen;
        states[i] = fmax(chosen, 0);
    }
    if (!gasket_run_reduce_max(run, states, model.n_variables, error) ||
        !gasket_run_reduce_max(run, &otherwise, 1, error))
        return false;
    const double weight = exact_weight_of(&model, states), scale = fmax(fabs(weight), 1);
    if (otherwise > 0) {
        *ret_message = g_strdup("an observed variable has another state");
        return false;
    }
    if (!known)
        return true;
    *ret_message = g_strdup_printf("log10 of the weight is %.10g, of the best %.10g",
                                   weight / G_LN10, answer.log_weight / G_LN10);
    if (weight == answer.log_weight) /* both may be minus infinity */
        return true;
    return weight - answer.log_weight <= CLOSE * scale &&
           (!exact_on_trees || !forest || answer.log_weight - weight <= CLOSE * scale);
}
