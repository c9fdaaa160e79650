/* SPDX-License-Identifier: Apache-2.0 */
/* The common part of methods on ratings; see recommender.h. */
#include "recommender.h"

#include <math.h>
#include <string.h>

#include "biases.h"
#include "ranking.h"

/* A model has diverged if it predicts so much worse than the baseline. */
#define DIVERGED 4.0

#define STREAM 0x7ec0 /* of the random numbers of factors */

enum { ERRORS, SUM, LOW, HIGH, RANKING, BIASES };

static const GasketAggregate own_aggregates[GASKET_RECOMMENDER_AGGREGATES] = {
    [ERRORS] = {"recommender errors", GASKET_SUM, 2},
    [SUM] = {"recommender sum", GASKET_SUM, 2},
    [LOW] = {"recommender low", GASKET_MIN, 1},
    [HIGH] = {"recommender high", GASKET_MAX, 1},
    [RANKING] = {"recommender ranking", GASKET_SUM, GASKET_RANKING_FIGURES},
    [BIASES] = {"recommender biases", GASKET_SUM, GASKET_BIASES_FIGURES},
};

const GasketRowSet gasket_train_rows[2] = {{.relation = 0, .direction = GASKET_OUT},
                                           {.relation = 0, .direction = GASKET_IN}};
const GasketNeeds gasket_recommender_needs[3] = {GASKET_RECOMMENDER_NEEDS};
const GasketResultColumn gasket_recommender_results[GASKET_RECOMMENDER_N_RESULTS] = {
    GASKET_RECOMMENDER_RESULTS};

/* ---- figures of the ratings ------------------------------------------------------------------ */

static void
figures_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRows *rows = &run->rows[0];
    const float *rating = rows->column[0].data;
    (void)sums;

    for (size_t r = 0; r < rows->count; r++) {
        double sum = 0, squares = 0;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            sum += rating[e];
            squares += (double)rating[e] * rating[e];
            gasket_extreme(context, LOW, 0, rating[e]);
            gasket_extreme(context, HIGH, 0, rating[e]);
        }
        gasket_add(context, SUM, 0, sum);
        gasket_add(context, SUM, 1, squares);
    }
}

static bool
measure_ratings(GasketRecommender *model, GasketRun *run, GError **error)
{
    const GasketProgram figures = {
        .name = "ratings",
        .apply = figures_apply,
        .changes = GASKET_CHANGES_NONE,
        .aggregates = 1 << SUM | 1 << LOW | 1 << HIGH,
    };
    if (!gasket_recommender_turn(run, &figures, error))
        return false;
    const double n = fmax(1, (double)model->n_ratings);
    model->low = gasket_run_total(run, LOW, 0);
    model->high = gasket_run_total(run, HIGH, 0);
    if (model->options.ratings && model->n_ratings > 0)
        model->mean = gasket_run_total(run, SUM, 0) / n;
    model->variance =
        fmax(0, gasket_run_total(run, SUM, 1) / n - pow(gasket_run_total(run, SUM, 0) / n, 2));
    return true;
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void
errors_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRecommender *model = context->parameters;
    const GasketRows *rows = &run->rows[0];
    const float *rating = rows->column[0].data, *items = rows->values, *users = run->published;
    const unsigned width = model->width, rank = model->options.rank;
    (void)sums;

    for (size_t r = 0; r < rows->count; r++) {
        const float *p = users + (size_t)rows->vertex[r] * width;
        double squares = 0, magnitudes = 0;
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++) {
            const float *q = items + (size_t)rows->neighbour[e] * width;
            double x = model->options.predict != NULL
                           ? model->options.predict(model->options.predict_data, run, r, e)
                           : model->mean + p[rank] + q[rank] + gasket_recommender_dot(p, q, rank);
            x = x < model->low ? model->low : x > model->high ? model->high : x; /* keeps NaN */
            squares += (x - rating[e]) * (x - rating[e]);
            magnitudes += fabs(x - rating[e]);
        }
        if (rows->begin[r] < rows->end[r]) {
            gasket_add(context, ERRORS, 0, squares);
            gasket_add(context, ERRORS, 1, magnitudes);
        }
    }
}

/* Errors on a relation; RMSE, and MAE if asked. */
static bool
measure_errors(const GasketRecommender *model, unsigned relation, double *ret_rmse, double *ret_mae,
               GError **error)
{
    const GasketRowSet rows = {.relation = relation, .direction = GASKET_OUT};
    const GasketProgram errors = {
        .name = "errors",
        .kind = 0,
        .rows = &rows,
        .n_rows = 1,
        .whole_rows = true,
        .apply = errors_apply,
        .changes = GASKET_CHANGES_NONE,
        .aggregates = 1 << ERRORS,
        .parameters = model,
    };
    double n = (double)gasket_run_n_edges(model->run, relation);
    if (!gasket_run_step(model->run, &errors, error))
        return false;
    *ret_rmse = sqrt(gasket_run_total(model->run, ERRORS, 0) / n);
    *ret_mae = gasket_run_total(model->run, ERRORS, 1) / n;
    return true;
}

/* Errors on a relation, as metrics too. */
static bool
report_errors(const GasketRecommender *model, unsigned relation, double *ret_rmse, GError **error)
{
    static const char *const rmse_names[] = {"train.rmse", "test.rmse", "validation.rmse"};
    static const char *const mae_names[] = {"train.mae", "test.mae", "validation.mae"};
    double mae;
    if (!measure_errors(model, relation, ret_rmse, &mae, error))
        return false;
    gasket_run_set_metric(model->run, rmse_names[relation], *ret_rmse);
    gasket_run_set_metric(model->run, mae_names[relation], mae);
    return true;
}

/* ---- baselines ------------------------------------------------------------------------------- */

bool
gasket_recommender_fit_biases(const GasketRecommender *model, const GasketBiasPlace place[2],
                              GError **error)
{
    return gasket_biases_fit(model, place, BIASES, error);
}

static bool
measure_baselines(GasketRecommender *model, GError **error)
{
    const unsigned relation = model->has_test ? 1 : 0;
    const GasketBiasPlace last = {model->width * sizeof(float),
                                  model->options.rank * sizeof(float)};
    const GasketBiasPlace place[2] = {last, last};
    double mae, rmse;
    if (!measure_errors(model, relation, &rmse, &mae, error))
        return false;
    gasket_run_set_metric(model->run, "baseline.mean.rmse", rmse);
    if (!gasket_recommender_fit_biases(model, place, error) ||
        !measure_errors(model, relation, &rmse, &mae, error) ||
        !measure_errors(model, 0, &model->baseline, &mae, error))
        return false;
    gasket_run_set_metric(model->run, "baseline.bias.rmse", rmse);
    return true;
}

static void
zero_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRecommender *model = context->parameters;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        memset((float *)run->value + (size_t)run->vertex[i] * model->width, 0,
               model->width * sizeof(float));
}

/* Takes mean and biases back, which the method does not want. */
static bool
drop_biases(GasketRecommender *model, GError **error)
{
    model->mean = 0;
    for (unsigned kind = 0; kind < 2; kind++) {
        const GasketProgram zero = {
            .name = "no biases",
            .kind = kind,
            .apply = zero_apply,
            .changes = GASKET_CHANGES_ALL,
            .parameters = model,
        };
        if (!gasket_run_step(model->run, &zero, error))
            return false;
    }
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

bool
gasket_recommender_prepare(const void *parameters, double tolerance, GasketNeeds *needs,
                           GasketResultColumn *results, GError **error)
{
    const unsigned rank = (unsigned)*(const int64_t *)parameters;
    (void)tolerance, (void)needs, (void)error;
    for (unsigned c = 0; c < GASKET_RECOMMENDER_N_RESULTS; c++) {
        bool bias = c % 2 == 1;
        results[c].length = bias ? 1 : rank;
        results[c].offset = bias ? rank * sizeof(float) : 0;
    }
    return true;
}

bool
gasket_recommender_turn(GasketRun *run, const GasketProgram *program, GError **error)
{
    GasketProgram whole = *program;
    whole.rows = &gasket_train_rows[program->kind];
    whole.n_rows = 1;
    whole.whole_rows = true;
    return gasket_run_step(run, &whole, error);
}

/* Bytes of the result in a state, before what the method keeps for itself. */
static size_t
result_size(const GasketRecommender *model)
{
    return (model->width * sizeof(float) + 7) / 8 * 8;
}

void *
gasket_recommender_state(const GasketRecommender *model, void *state, GasketVertex v)
{
    size_t own = result_size(model);
    return (char *)state + (own + model->options.state_size) * v + own;
}

static bool
check_graph(const GasketRun *run, GError **error)
{
    if (gasket_run_n_kinds(run) >= 2 && gasket_run_n_relations(run) >= 2 &&
        gasket_run_edge_column(run, 0, "rating") == 0 &&
        gasket_run_edge_column(run, 1, "rating") == 0)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "the graph has no users, items and ratings");
    return false;
}

/* Whether there is state while the method runs, beside the result that it ends with. */
static bool
has_state(const GasketRecommender *model)
{
    return model->options.state_size > 0 || model->has_validation;
}

static bool
declare(GasketRecommender *model, GasketRun *run, GError **error)
{
    const GasketRecommenderOptions *options = &model->options;
    const unsigned n = GASKET_RECOMMENDER_AGGREGATES + options->n_aggregates;
    g_autofree GasketAggregate *aggregates = g_new(GasketAggregate, n);

    memcpy(aggregates, own_aggregates, sizeof own_aggregates);
    if (options->n_aggregates > 0)
        memcpy(aggregates + GASKET_RECOMMENDER_AGGREGATES, options->aggregates,
               options->n_aggregates * sizeof *aggregates);
    if (!gasket_run_set_aggregates(run, aggregates, n, error))
        return false;
    for (unsigned kind = 0; kind < 2 && !options->own_values; kind++) {
        if (!gasket_run_set_value(run, kind, model->width * sizeof(float), error))
            return false;
        if (has_state(model) &&
            !gasket_run_set_state(run, kind, result_size(model) + options->state_size, error))
            return false;
    }
    return true;
}

bool
gasket_recommender_begin(GasketRecommender *model, GasketRun *run,
                         const GasketRecommenderOptions *options, GError **error)
{
    *model = (GasketRecommender){.run = run,
                                 .options = *options,
                                 .width = options->rank + 1,
                                 .best = INFINITY};
    model->train = model->test = model->validation = NAN;
    if (!check_graph(run, error))
        return false;
    model->n_ratings = gasket_run_n_edges(run, 0);
    model->has_test = gasket_run_n_edges(run, 1) > 0;
    model->has_validation =
        gasket_run_n_relations(run) > 2 && gasket_run_n_edges(run, 2) > 0 && options->ratings;
    gasket_run_keep(run, &model->best, sizeof model->best);
    gasket_run_keep(run, &model->since_best, sizeof model->since_best);
    if (!declare(model, run, error) || !measure_ratings(model, run, error) ||
        (options->ratings && !options->own_values && !measure_baselines(model, error)) ||
        (options->ratings && options->no_biases && !drop_biases(model, error)))
        return false;
    gasket_run_set_metric(run, "ratings", (double)model->n_ratings);
    gasket_run_set_metric(run, "mean", model->mean);
    gasket_run_set_metric(run, "low", model->low);
    gasket_run_set_metric(run, "high", model->high);
    return true;
}

/* ---- first factors --------------------------------------------------------------------------- */

typedef struct {
    const GasketRecommender *model;
    unsigned kind;
    double deviation;
    bool positive;
} Draw;

static void
draw_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Draw *draw = context->parameters;
    const unsigned width = draw->model->width, rank = draw->model->options.rank;
    const float *published = run->published;
    float *value = run->value;
    (void)sums;

    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        GasketRandom random =
            gasket_random_at(context->seed, STREAM + draw->kind, context->ordinal[v], 0);
        float *own = value + (size_t)v * width;
        for (unsigned f = 0; f < rank; f++) {
            double x = draw->deviation * gasket_random_normal(&random);
            own[f] = (float)(draw->positive ? fabs(x) : x);
        }
        own[rank] = published[(size_t)v * width + rank];
    }
}

bool
gasket_recommender_draw(GasketRecommender *model, double deviation, bool positive, GError **error)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        const Draw draw = {model, kind, deviation, positive};
        const GasketProgram program = {
            .name = "draw",
            .kind = kind,
            .apply = draw_apply,
            .changes = GASKET_CHANGES_ALL,
            .parameters = &draw,
        };
        if (!gasket_run_step(model->run, &program, error))
            return false;
    }
    return true;
}

/* ---- iterations ------------------------------------------------------------------------------ */

/* The published values, aside in the state: the result. */
static void
keep_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRecommender *model = context->parameters;
    const size_t stride = result_size(model) + model->options.state_size;
    const float *values = run->published;
    (void)sums;

    for (size_t i = 0; i < run->count; i++)
        memcpy((char *)run->state + stride * run->vertex[i],
               values + (size_t)run->vertex[i] * model->width, model->width * sizeof *values);
}

/* And back. */
static void
restore_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const GasketRecommender *model = context->parameters;
    const size_t stride = result_size(model) + model->options.state_size;
    (void)sums;

    for (size_t i = 0; i < run->count; i++)
        memcpy((float *)run->value + (size_t)run->vertex[i] * model->width,
               (const char *)run->state + stride * run->vertex[i], model->width * sizeof(float));
}

static bool
on_both(const GasketRecommender *model, const char *name, GasketApply apply, GasketChanges changes,
        GError **error)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        const GasketProgram program = {
            .name = name,
            .kind = kind,
            .apply = apply,
            .changes = changes,
            .parameters = model,
        };
        if (!gasket_run_step(model->run, &program, error))
            return false;
    }
    return true;
}

/* Whether validation says that it is time to stop. */
static bool
judge(GasketRecommender *model, bool *ret_stop, GError **error)
{
    const unsigned patience = model->options.patience > 0 ? model->options.patience : 3;
    if (!report_errors(model, 2, &model->validation, error))
        return false;
    if (model->validation < model->best) {
        model->best = model->validation;
        model->since_best = 0;
        return on_both(model, "keep", keep_apply, GASKET_CHANGES_NONE, error);
    }
    *ret_stop = ++model->since_best >= patience;
    return true;
}

static bool
check_convergence(const GasketRecommender *model, GError **error)
{
    if (isfinite(model->train) &&
        (model->options.no_biases || model->train <= DIVERGED * model->baseline + 1e-6))
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED,
                "the model diverges: the error on the training ratings is %.4g; try %s",
                model->train,
                model->options.hint != NULL ? model->options.hint : "more regularization");
    return false;
}

bool
gasket_recommender_end_iteration(GasketRecommender *model, bool converged, GError **error)
{
    bool stop = converged;
    if (model->options.ratings) {
        if (!report_errors(model, 0, &model->train, error) || !check_convergence(model, error) ||
            (model->has_test && !model->test_known &&
             !report_errors(model, 1, &model->test, error)) ||
            (model->has_validation && !judge(model, &stop, error)))
            return false;
    }
    model->test_known = false;
    gasket_run_end_iteration(model->run, model->train, stop || converged);
    return true;
}

/* ---- the result ------------------------------------------------------------------------------ */

bool
gasket_recommender_finish(GasketRecommender *model, GError **error)
{
    for (unsigned kind = 0; kind < 2 && !has_state(model); kind++)
        if (!gasket_run_set_state(model->run, kind, result_size(model), error))
            return false;
    if (gasket_recommender_has_best(model)) {
        if (!on_both(model, "restore", restore_apply, GASKET_CHANGES_ALL, error) ||
            !report_errors(model, 0, &model->train, error) ||
            !report_errors(model, 2, &model->validation, error) ||
            (model->has_test && !report_errors(model, 1, &model->test, error)))
            return false;
    } else if (!on_both(model, "keep", keep_apply, GASKET_CHANGES_NONE, error)) {
        return false;
    }
    return model->options.top == 0 || !model->has_test ||
           gasket_ranking_measure_factors(model, RANKING, model->options.top, error);
}

bool
gasket_recommender_rank(const GasketRecommender *model, const GasketScorer *scorer, GError **error)
{
    return gasket_ranking_measure(model, scorer, RANKING, model->options.top, error);
}
