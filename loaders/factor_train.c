/* SPDX-License-Identifier: Apache-2.0 */
/* Training from C: ratings -> a job in this process -> a model. See gasket/recommend.h. */
#include <math.h>
#include <string.h>

#include "loaders/factor_model.h"
#include "loaders/ratings.h"

/* ---- ratings --------------------------------------------------------------------------------- */

static bool
set_test(GasketRatingsOptions *options, double test, uint64_t seed, GError **error)
{
    options->holdout = test > 0 ? GASKET_HOLDOUT_RANDOM : GASKET_HOLDOUT_NONE;
    options->fraction = test;
    options->seed = seed;
    if (test >= 0 && test < 1)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                "test: found %g, expected a fraction from 0 to below 1", test);
    return false;
}

GasketGraph *
gasket_ratings_read(const char *path, double test, uint64_t seed, GError **error)
{
    GasketRatingsOptions options = {.load = {.inputs = &path, .n_inputs = 1, .threads = 1}};
    return set_test(&options, test, seed, error) ? gasket_ratings_load(&options, NULL, error)
                                                 : NULL;
}

/* The shape that the loader gives a graph of ratings. */
static void
declare(GasketGraphBuilder *builder)
{
    static const char *const names[] = {"train", "test", "validation"};
    const unsigned users = gasket_graph_builder_add_kind(builder, "user");
    const unsigned items = gasket_graph_builder_add_kind(builder, "item");
    for (unsigned r = 0; r < G_N_ELEMENTS(names); r++) {
        gasket_graph_builder_add_relation(builder, names[r], users, items, false);
        gasket_graph_builder_add_edge_column(builder, r, "rating", GASKET_FLOAT, 1);
    }
}

GasketGraph *
gasket_ratings_new(size_t n, const int64_t *user, const int64_t *item, const float *rating,
                   double test, uint64_t seed, GError **error)
{
    GasketRatingsOptions options = {.load = {.threads = 1}};
    GasketRatingsStats stats = {0};
    const void *columns[] = {rating};
    g_autoptr(GasketGraphBuilder) builder = gasket_graph_builder_new();

    if (!set_test(&options, test, seed, error))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(rating[i]))
            continue;
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "rating %zu: found %g, expected a finite number", i, (double)rating[i]);
        return NULL;
    }
    declare(builder);
    if (!gasket_graph_builder_add_edges(builder, 0, n, user, item, columns, error))
        return NULL;
    return gasket_ratings_finish_take(&builder, "ratings in memory", &options, &stats, error);
}

/* ---- the job --------------------------------------------------------------------------------- */

typedef struct {
    GasketGraph *graph; /* until the job takes it */
    GasketFactorModel *model;
} Training;

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    Training *training = data;
    (void)report, (void)error;
    return g_steal_pointer(&training->graph);
}

static bool
take_result(void *data, const GasketResultBlock *block, GError **error)
{
    Training *training = data;
    return gasket_factor_model_add(training->model, block, error);
}

static bool
finish(void *data, const GasketReport *report, GError **error)
{
    Training *training = data;
    (void)error;
    gasket_factor_model_set_metrics(training->model, report);
    return true;
}

/* parameters: with defaults, changed by options. */
static bool
set_options(const GasketAlgorithm *method, const char *const *options, void *parameters,
            GError **error)
{
    gasket_options_set_defaults(method->options, parameters);
    for (; options != NULL && *options != NULL; options++) {
        const char *equals = strchr(*options, '=');
        g_autofree char *name =
            equals != NULL ? g_strndup(*options, (gsize)(equals - *options)) : g_strdup(*options);
        if (!gasket_options_set(method->options, parameters, name,
                                equals != NULL ? equals + 1 : NULL, error))
            return false;
    }
    return true;
}

static bool
check_method(const GasketAlgorithm *method, const GasketGraph *graph, GError **error)
{
    if (method == NULL || method->input != GASKET_INPUT_RATINGS ||
        method->recommends == GASKET_RECOMMENDS_NOTHING) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT,
                    "%s is no method that leaves a model", method != NULL ? method->name : "NULL");
        return false;
    }
    if (graph->n_kinds >= 2 && graph->n_relations >= 2 &&
        graph->relations[0].rows[GASKET_OUT].offset != NULL)
        return true;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT, "the graph is not one of ratings");
    return false;
}

static GasketFactorModel *
train(const GasketAlgorithm *method, const void *parameters, const GasketRunOptions *given,
      Training *training, GError **error)
{
    g_autofree GasketNeeds *needs = g_memdup2(method->needs, method->n_needs * sizeof *needs);
    g_autofree GasketResultColumn *results =
        g_memdup2(method->results, method->n_results * sizeof *results);
    const double tolerance = given->tolerance > 0 ? given->tolerance : method->default_tolerance;
    if (method->prepare != NULL && !method->prepare(parameters, tolerance, needs, results, error))
        return NULL;
    const GasketJob job = {
        .algorithm = method,
        .parameters = parameters,
        .needs = needs,
        .n_needs = method->n_needs,
        .results = results,
        .n_results = method->n_results,
        .mode = GASKET_JOB_LOCAL,
        .workers = MAX(given->workers, 1),
        .threads = MAX(given->threads, 1),
        .seed = given->seed,
        .iterations = given->iterations != 0 ? given->iterations : method->default_iterations,
        .tolerance = tolerance,
        .data = training,
        .load = load,
        .result = take_result,
        .finish = finish,
    };
    g_autoptr(GasketFactorModel) model = gasket_factor_model_of(method, results, parameters);
    training->model = model;
    GasketStopped stopped;
    return gasket_seen_from_graph(training->graph, model->rank == 0, &model->seen, error) &&
                   gasket_job_run(&job, &stopped, error)
               ? g_steal_pointer(&model)
               : NULL;
}

GasketFactorModel *
gasket_factor_model_train(const GasketAlgorithm *method, const char *const *options,
                          GasketGraph **ratings_take, const GasketRunOptions *run, GError **error)
{
    static const GasketRunOptions plain = {0};
    Training training = {.graph = g_steal_pointer(ratings_take)};
    GasketFactorModel *model = NULL;
    g_autofree void *parameters = g_malloc0((method != NULL ? method->parameters_size : 0) + 1);
    if (check_method(method, training.graph, error) &&
        set_options(method, options, parameters, error))
        model = train(method, parameters, run != NULL ? run : &plain, &training, error);
    gasket_graph_free(training.graph);
    return model;
}
