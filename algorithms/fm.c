/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Factorisation machines: matrix factorisation in which what is known of users and items (age,
 * occupation; genre, tags) has factors and a bias of its own.
 *
 *   r_ui ~ mean + B_u + B_i + P_u . Q_i
 *
 *   P_u = v_u + t_u    t_u = sum over the features a of u of x_a v_a     (B_u and Q_i, B_i alike)
 *
 * This is the machine of second degree over the variables "user is u", "item is i" and the features
 * of both, with its pairs of one variable of the user and one of the item. Pairs within a side
 * would add a number to a user or an item, which B_u and B_i hold anyway: so they are left out,
 * and the model is one of factors and biases, as of any other method here.
 *
 * With d = k + 1 numbers X_u = (P_u, B_u), v_u ~ N(m, L^-1) says that X_u ~ N(m + t_u, L^-1): the
 * ratings are read to draw X_u alone, and features are a regression of X upon them:
 *
 *   (m, L)   Gauss-Wishart given all X - t
 *   X_u      normal given u's ratings and t_u                              users ── X ──> items
 *   v_a      N(0, (s L)^-1) given X of those who have a, and their other features; s is drawn too:
 *            mean sum x_a (X_u - m - t_u + x_a v_a) / (s + sum x_a^2), precision
 *            (s + sum x_a^2) L
 *
 *   users ── X - t ──> features of colour c ── v ──> users: t anew          for each colour c
 *
 * Features that somebody has both of must not be drawn at once, so they take turns by the colours
 * of a colouring at distance 2: the draws are those of a serial sampler.
 *
 * --learner als puts what is most likely in the place of each draw, with a fixed L = l I and s = 1,
 * and m the mean of X - t: block coordinate descent that never raises the metric
 *
 *   objective = sum (r - prediction)^2 + l (sum |v_u - m|^2 + sum |v_i - m'|^2 + sum |v_a|^2)
 *
 * Cost: that of bpmf.c, and for each colour 2 d flops a pair of a vertex and its feature.
 *
 * References: S. Rendle, Factorization machines with libFM, ACM TIST 3(3), 2012; features as a mean
 * of the prior, which mixes faster: J. Simm, A. Arany et al., Macau: scalable Bayesian
 * factorization with high-dimensional side information using MCMC, MLSP 2017.
 */
#include <math.h>
#include <string.h>

#include "algorithms.h"
#include "sampler.h"

/* ---- options --------------------------------------------------------------------------------- */

enum { MCMC, ALS };
static const char *const learners[] = {"mcmc", "als", NULL};

typedef struct {
    int64_t factors;
    const char *user_features, *item_features;
    int learner;
    int64_t burn_in;
    double precision, regularization, spread;
} Parameters;

static const GasketOption options[] = {
    {"factors", GASKET_OPTION_INT, offsetof(Parameters, factors), "16",
     "factors of a user, an item and a feature", .minimum = 1, .maximum = 1024},
    {"user-features", GASKET_OPTION_FEATURES, offsetof(Parameters, user_features),
     .help = "what is known of users: lines `id feature[:weight] ...`, or a table"},
    {"item-features", GASKET_OPTION_FEATURES, offsetof(Parameters, item_features),
     .help = "the same of items"},
    {"learner", GASKET_OPTION_CHOICE, offsetof(Parameters, learner), "mcmc",
     "the mean of draws, or the minimum of the regularized squared error", .choices = learners},
    {"burn-in", GASKET_OPTION_INT, offsetof(Parameters, burn_in), "20",
     "mcmc: iterations whose draws are not averaged", .minimum = 0, .maximum = 1e9},
    {"precision", GASKET_OPTION_DOUBLE, offsetof(Parameters, precision), "1.5",
     "mcmc: 1 / variance of a rating about its prediction", .minimum = 1e-9, .maximum = 1e9},
    {"regularization", GASKET_OPTION_DOUBLE, offsetof(Parameters, regularization), "20",
     "als: weight of the squared factors and biases", .minimum = 1e-9, .maximum = 1e9},
    {"spread", GASKET_OPTION_DOUBLE, offsetof(Parameters, spread), "0.1",
     "deviation of the factors at the start", .minimum = 0, .maximum = 100},
    {.name = NULL},
};

/* ---- features -------------------------------------------------------------------------------- */

enum {
    FEATURES = GASKET_RECOMMENDER_AGGREGATES + SAMPLER_N_AGGREGATES, /* products of v */
    OBJECTIVE,
};
enum { STREAM_FEATURES = 7201, STREAM_STRENGTH };

/* What is known of the users or of the items. */
typedef struct {
    Sampler *sampler;
    unsigned kind;   /* whose features they are; kind + 2 is theirs, kind + 3 the relation */
    double n;        /* features; 0: none */
    double strength; /* s */
    double *mean;    /* [d] als: m */
    double *others;  /* [d (d + 1) / 2] s sum v v' */
    GasketColouring *colouring;
} Features;

static float *
own_of(const Sampler *sampler, void *states, GasketVertex v)
{
    return sampler_shift(sampler, states, v) + sampler->d;
}

/* X aside, and X - t in its place. */
static void
tell(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Features *features = context->parameters;
    const size_t d = features->sampler->d;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const float *x = (const float *)run->published + v * d;
        const float *shift = sampler_shift(features->sampler, run->state, v);
        memcpy(own_of(features->sampler, run->state, v), x, d * sizeof *x);
        for (size_t f = 0; f < d; f++)
            ((float *)run->value)[v * d + f] = x[f] - shift[f];
    }
}

/* The features of a colour, given what the others leave of X. */
static void
learn(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Features *features = context->parameters;
    const Sampler *sampler = features->sampler;
    const GasketRows *rows = run->rows;
    const float *weight = rows->column[0].data;
    const double *mean = sampler->prior.mean;
    const size_t d = sampler->d;
    double *sum = context->scratch, *noise = sum + d;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const float *old = (const float *)run->published + v * d;
        double squares = 0;
        memset(sum, 0, 2 * d * sizeof *sum);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++) {
            const float *left = (const float *)rows->values + rows->neighbour[e] * d;
            squares += (double)weight[e] * weight[e];
            for (size_t f = 0; f < d; f++)
                sum[f] += weight[e] * (left[f] - mean[f]);
        }
        if (!sampler->settled) {
            GasketRandom random =
                gasket_random_at(context->seed, STREAM_FEATURES + 16 * features->kind,
                                 context->ordinal[v], sampler->iteration);
            for (size_t f = 0; f < d; f++)
                noise[f] = gasket_random_normal(&random) / sqrt(features->strength + squares);
            dense_solve_lower_transposed(d, sampler->prior.root, noise);
        }
        for (size_t f = 0; f < d; f++)
            ((float *)run->value)[v * d + f] =
                (float)((sum[f] + squares * old[f]) / (features->strength + squares) + noise[f]);
    }
}

/* t from the features, and X - t published. */
static void
listen(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Features *features = context->parameters;
    const GasketRows *rows = run->rows;
    const float *weight = rows->column[0].data;
    const size_t d = features->sampler->d;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const GasketVertex v = run->vertex[i];
        const float *x = own_of(features->sampler, run->state, v);
        float *shift = sampler_shift(features->sampler, run->state, v);
        memset(shift, 0, d * sizeof *shift);
        for (uint64_t e = rows->begin[i]; e < rows->end[i]; e++)
            dense_axpy(d, weight[e], (const float *)rows->values + rows->neighbour[e] * d, shift);
        for (size_t f = 0; f < d; f++)
            ((float *)run->value)[v * d + f] = x[f] - shift[f];
    }
}

static void
show(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Features *features = context->parameters;
    const size_t d = features->sampler->d;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        memcpy((float *)run->value + run->vertex[i] * d,
               own_of(features->sampler, run->state, run->vertex[i]), d * sizeof(float));
}

/* Sums of the lower triangle of v v'. */
static void
add_up(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Features *features = context->parameters;
    const size_t d = features->sampler->d;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const float *v = (const float *)run->published + run->vertex[i] * d;
        unsigned at = 0;
        for (size_t f = 0; f < d; f++)
            for (size_t g = 0; g <= f; g++)
                gasket_add(context, FEATURES, at++, (double)v[f] * v[g]);
    }
}

/* ---- a side's features ----------------------------------------------------------------------- */

static bool
features_begin(Features *features, Sampler *sampler, unsigned kind, GError **error)
{
    GasketRun *run = sampler->model->run;
    const size_t d = sampler->d;
    const GasketRowSet rows = {3 + kind, GASKET_IN};
    features->sampler = sampler;
    features->kind = kind;
    features->strength = 1;
    features->mean = g_new0(double, d);
    gasket_run_keep(run, features->mean, d * sizeof *features->mean);
    gasket_run_keep(run, &features->strength, sizeof features->strength);
    if (gasket_run_n_relations(run) <= 3 + kind || gasket_run_n_edges(run, 3 + kind) == 0)
        return true;
    features->n = gasket_run_n_vertices(run, 2 + kind);
    features->others = g_new0(double, d *(d + 1) / 2);
    gasket_run_keep(run, features->others, d * (d + 1) / 2 * sizeof *features->others);
    if (!gasket_run_set_value(run, 2 + kind, d * sizeof(float), error))
        return false;
    features->colouring = gasket_run_colour(run, rows, 2, error);
    return features->colouring != NULL;
}

static void
features_clear(Features *features)
{
    g_free(features->mean);
    g_free(features->others);
    if (features->colouring != NULL)
        gasket_colouring_free(features->colouring);
}

/* s ~ Gamma(1 + n d / 2, rate 1 + sum v' L v / 2); others = s sum v v'. */
static void
draw_strength(Features *features)
{
    Sampler *sampler = features->sampler;
    GasketRun *run = sampler->model->run;
    const size_t d = sampler->d;
    GasketRandom random =
        gasket_random_at(gasket_run_seed(run), STREAM_STRENGTH, features->kind, sampler->iteration);
    double size = 0;
    unsigned at = 0;
    for (size_t f = 0; f < d; f++)
        for (size_t g = 0; g <= f; g++)
            size += (f == g ? 1 : 2) * sampler->prior.precision[f * d + g] *
                    gasket_run_total(run, FEATURES, at++);
    features->strength =
        sampler_gamma(&random, 1 + features->n * (double)d / 2) / (1 + fmax(0, size) / 2);
    for (at = 0; at < d * (d + 1) / 2; at++)
        features->others[at] = features->strength * gasket_run_total(run, FEATURES, at);
}

static bool
learn_features(Features *features, GError **error)
{
    Sampler *sampler = features->sampler;
    GasketRun *run = sampler->model->run;
    const unsigned kind = features->kind;
    const GasketRowSet in = {3 + kind, GASKET_IN}, out = {3 + kind, GASKET_OUT};
    const GasketProgram tells = {.name = "tell",
                                 .kind = kind,
                                 .apply = tell,
                                 .parameters = features};
    const GasketProgram learns = {.name = "features",
                                  .kind = 2 + kind,
                                  .rows = &in,
                                  .n_rows = 1,
                                  .whole_rows = true,
                                  .apply = learn,
                                  .scratch_size = 2 * sampler->d * sizeof(double),
                                  .parameters = features};
    const GasketProgram listens = {.name = "listen",
                                   .kind = kind,
                                   .rows = &out,
                                   .n_rows = 1,
                                   .whole_rows = true,
                                   .apply = listen,
                                   .parameters = features};
    const GasketProgram shows = {.name = "show",
                                 .kind = kind,
                                 .apply = show,
                                 .parameters = features};
    const GasketProgram adds = {.name = "add-up",
                                .kind = 2 + kind,
                                .apply = add_up,
                                .changes = GASKET_CHANGES_NONE,
                                .aggregates = 1 << FEATURES,
                                .parameters = features};
    if (!gasket_run_step(run, &tells, error))
        return false;
    for (uint32_t c = 0; c < gasket_colouring_n(features->colouring); c++)
        if (!gasket_run_step_on(run, &learns, gasket_colouring_set(features->colouring, c),
                                error) ||
            !gasket_run_step(run, &listens, error))
            return false;
    return gasket_run_step(run, &shows, error) && gasket_run_step(run, &adds, error);
}

/* als: m as it was left. */
static void
settle_mean(Sampler *sampler, const double *mean)
{
    memcpy(sampler->prior.mean, mean, sampler->d * sizeof *mean);
    dense_symmetric_times(sampler->d, sampler->prior.precision, mean, sampler->prior.weighted);
}

static bool
side(Features *features, GError **error)
{
    Sampler *sampler = features->sampler;
    sampler->n_others = features->n;
    sampler->others = features->others;
    if (sampler->settled)
        settle_mean(sampler, features->mean);
    if (!sampler_side(sampler, features->kind, error) ||
        (features->n > 0 && !learn_features(features, error)))
        return false;
    if (sampler->settled)
        return sampler_mean(sampler, features->kind, features->mean, error);
    if (features->n > 0)
        draw_strength(features);
    return true;
}

/* ---- the objective --------------------------------------------------------------------------- */

static void
measure(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const Features *features = context->parameters;
    const Sampler *sampler = features->sampler;
    const GasketRows *rows = run->rows;
    const float *rating = rows->column[sampler->rating].data;
    const size_t d = sampler->d;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        const float *p = (const float *)run->published + run->vertex[i] * d;
        const float *shift = sampler_shift(sampler, run->state, run->vertex[i]);
        double total = 0, size = 0;
        for (size_t f = 0; f < d; f++)
            size += pow((double)p[f] - shift[f] - features->mean[f], 2);
        for (uint64_t e = rows->begin[i]; e < rows->end[i] && features->kind == 0; e++) {
            const float *q = (const float *)rows->values + rows->neighbour[e] * d;
            const double off = rating[e] - sampler->mean - p[d - 1] - q[d - 1] -
                               gasket_recommender_dot(p, q, (unsigned)d - 1);
            total += off * off;
        }
        gasket_add(context, OBJECTIVE, 0, total + sampler->prior.precision[0] * size);
    }
}

/* Squared errors from the users' rows, and what each side's numbers weigh. */
static bool
measure_objective(Features features[2], GError **error)
{
    GasketRun *run = features[0].sampler->model->run;
    const size_t d = features[0].sampler->d;
    const double regularization = features[0].sampler->prior.precision[0];
    double objective = 0;
    for (unsigned kind = 0; kind < 2; kind++) {
        const GasketProgram program = {.name = "objective",
                                       .kind = kind,
                                       .apply = measure,
                                       .changes = GASKET_CHANGES_NONE,
                                       .aggregates = 1 << OBJECTIVE,
                                       .parameters = &features[kind]};
        if (!gasket_recommender_turn(run, &program, error))
            return false;
        objective += gasket_run_total(run, OBJECTIVE, 0);
        const GasketProgram adds = {.name = "add-up",
                                    .kind = 2 + kind,
                                    .apply = add_up,
                                    .changes = GASKET_CHANGES_NONE,
                                    .aggregates = 1 << FEATURES,
                                    .parameters = &features[kind]};
        if (features[kind].n == 0)
            continue;
        if (!gasket_run_step(run, &adds, error))
            return false;
        for (unsigned f = 0; f < d; f++)
            objective += regularization * gasket_run_total(run, FEATURES, f * (f + 3) / 2);
    }
    gasket_run_set_metric(run, "objective", objective);
    return true;
}

/* ---- the driver ------------------------------------------------------------------------------ */

typedef struct {
    GasketRecommender model;
    Sampler sampler;
    Features features[2];
} Machine;

static void
machine_clear(Machine *machine)
{
    features_clear(&machine->features[0]);
    features_clear(&machine->features[1]);
    sampler_clear(&machine->sampler);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Machine, machine_clear)

static void
settle_prior(Sampler *sampler, double regularization)
{
    sampler->settled = true;
    for (size_t f = 0; f < sampler->d; f++)
        sampler->prior.precision[f * sampler->d + f] = regularization;
}

static bool
begin(Machine *machine, GasketRun *run, const Parameters *given, GError **error)
{
    const size_t d = (size_t)given->factors + 1;
    const bool als = given->learner == ALS;
    const GasketAggregate aggregates[] = {SAMPLER_AGGREGATES(d),
                                          {"features", GASKET_SUM, (unsigned)(d * (d + 1) / 2)},
                                          {"objective", GASKET_SUM, 1}};
    const GasketRecommenderOptions options_of = {.rank = (unsigned)given->factors,
                                                 .ratings = true,
                                                 .state_size = sampler_state_size(d, true) +
                                                               d * sizeof(float),
                                                 .aggregates = aggregates,
                                                 .n_aggregates = G_N_ELEMENTS(aggregates),
                                                 .hint = als ? "more --regularization"
                                                             : "a smaller --precision"};
    GasketRecommender *model = &machine->model;
    Sampler *sampler = &machine->sampler;

    if (!gasket_recommender_begin(model, run, &options_of, error) ||
        !gasket_recommender_draw(model, given->spread, false, error))
        return false;
    sampler_init(sampler, model, als ? 1 : given->precision);
    sampler->shifted = true;
    if (als)
        settle_prior(sampler, given->regularization);
    return sampler_begin_test(sampler, error) &&
           features_begin(&machine->features[0], sampler, 0, error) &&
           features_begin(&machine->features[1], sampler, 1, error);
}

static bool
fm_run(GasketRun *run, const void *parameters, GError **error)
{
    const Parameters *given = parameters;
    g_auto(Machine) machine = {0};
    Sampler *sampler = &machine.sampler;

    if (!begin(&machine, run, given, error))
        return false;
    while (gasket_run_continues(run)) {
        const bool kept = !sampler->settled && sampler->iteration >= (uint64_t)given->burn_in;
        sampler->n_kept = kept ? sampler->n_kept + 1 : 0;
        if (!side(&machine.features[0], error) || !side(&machine.features[1], error) ||
            (sampler->settled && !measure_objective(machine.features, error)) ||
            !sampler_average_test(sampler, error) ||
            !gasket_recommender_end_iteration(&machine.model, false, error))
            return false;
        sampler->iteration++;
    }
    return sampler_settle(sampler, error) && gasket_recommender_finish(&machine.model, error);
}

const GasketAlgorithm gasket_fm = {
    .abi = GASKET_ABI,
    .input = GASKET_INPUT_RATINGS,
    .parameters_size = sizeof(Parameters),
    GASKET_NEEDS(GASKET_RECOMMENDER_NEEDS, {.in_rows = true, .out_rows = true},
                 {.in_rows = true, .out_rows = true}),
    .results = gasket_recommender_results,
    .n_results = GASKET_RECOMMENDER_N_RESULTS,
    .prepare = gasket_recommender_prepare,
    .name = "fm",
    .summary = "factorisation machine: ratings, and features of users and items",
    .description =
        "Describes users, items and their features by factors and biases; a user's are his own and "
        "the sum of his features', so that who has few ratings, or none, is predicted from what is "
        "known of him. Features are lines `id feature[:weight] ...`, or tables such as MovieLens's "
        "u.user, u.item, users.dat, movies.dat and movies.csv.\n"
        "\n"
        "  gasket fm ratings.tsv --item-features movies.csv --test 0.1 -o model/\n"
        "  gasket fm u1.base --test u1.test --item-features u.item --learner als\n",
    .recommends = GASKET_RECOMMENDS_FACTORS,
    .options = options,
    .default_iterations = 120,
    .resumable = true,
    .run = fm_run,
};
