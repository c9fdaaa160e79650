/* SPDX-License-Identifier: Apache-2.0 */
/* Search for options; see search.h. */
#include "cli/search.h"

#include <math.h>
#include <string.h>

#include "cli/folds.h"
#include "cli/ratings_input.h"

#define STREAM        0x5ea /* of the random numbers of a search */
#define DEFAULT_FOLDS 5
#define MOST_SETTINGS 100000

/* What one --grid says. */
typedef struct {
    char *name;
    char **values;    /* a list; NULL: a range */
    double low, high; /* of a range */
    bool integer;
} Axis;

/* One way to set them all, and how it did. */
typedef struct {
    char **value; /* [axes] */
    double mean, deviation, seconds;
    bool tried;
    unsigned number; /* in the order of the grid */
} Setting;

typedef struct {
    GasketCliCall *call;
    GArray *axes;        /* of Axis */
    GPtrArray *settings; /* of Setting */
    const char *measure; /* NULL before the first was tried */
    bool rises;          /* more of it is better */
} Search;

static void
axis_clear(void *data)
{
    Axis *axis = data;
    g_free(axis->name);
    g_strfreev(axis->values);
}

static void
setting_free(void *data)
{
    Setting *setting = data;
    g_strfreev(setting->value);
    g_free(setting);
}

static void
search_clear(Search *search)
{
    g_array_free(search->axes, TRUE);
    g_ptr_array_free(search->settings, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, search_clear)

static const Axis *
axis_at(const Search *search, unsigned a)
{
    return &((const Axis *)(const void *)search->axes->data)[a];
}

static Setting *
setting_at(const Search *search, unsigned s)
{
    return search->settings->pdata[s];
}

/* ---- the command line ------------------------------------------------------------------------ */

bool
gasket_cli_search_wanted(const GasketCliCall *call)
{
    return call->common.grid != NULL && call->common.grid->len > 0;
}

/* Sets an option of a call: one of the algorithm, or the iterations. */
static bool
set_option(GasketCliCall *call, const char *name, const char *value, GError **error)
{
    if (strcmp(name, "iterations") == 0) {
        char *end;
        int64_t n = g_ascii_strtoll(value, &end, 10);
        if (end == value || *end != '\0' || n < 1 || n > UINT32_MAX)
            return gasket_cli_refuse(error, "iterations: found \"%s\", expected a number above 0",
                                     value);
        call->common.iterations = n;
        return true;
    }
    return gasket_options_set(call->algorithm->options, call->parameters, name, value, error);
}

static bool
is_integer(const GasketAlgorithm *algorithm, const char *name)
{
    for (const GasketOption *o = algorithm->options; o != NULL && o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return o->type == GASKET_OPTION_INT;
    return true; /* iterations */
}

static bool
parse_range(const char *text, Axis *axis)
{
    char *end;
    if (strchr(text, ':') == NULL)
        return false;
    axis->low = g_ascii_strtod(text, &end);
    if (end == text || *end != ':')
        return false;
    const char *high = end + 1;
    axis->high = g_ascii_strtod(high, &end);
    return end != high && *end == '\0' && isfinite(axis->low) && isfinite(axis->high) &&
           axis->low < axis->high;
}

/* Reads NAME=LIST or NAME=LOW:HIGH; what a list names must be allowed, so must a range's ends. */
static bool
parse_axis(GasketCliCall *scratch, const char *text, Axis *axis, GError **error)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals[1] == '\0')
        return gasket_cli_refuse(error,
                                 "--grid: found \"%s\", expected NAME=VALUE,... or NAME=LOW:HIGH",
                                 text);
    axis->name = g_strndup(text, (gsize)(equals - text));
    axis->integer = is_integer(scratch->algorithm, axis->name);
    g_auto(GStrv) ends = NULL;
    if (parse_range(equals + 1, axis)) {
        if (scratch->common.random == 0)
            return gasket_cli_refuse(error, "--grid %s: a range wants --random N", text);
        ends = g_strsplit(equals + 1, ":", 2);
    } else {
        axis->values = g_strsplit(equals + 1, ",", -1);
    }
    for (char **v = ends != NULL ? ends : axis->values; *v != NULL; v++) {
        if (!set_option(scratch, axis->name, *v, error)) {
            g_prefix_error(error, "--grid: ");
            return false;
        }
    }
    return true;
}

static bool
parse_grid(Search *search, GError **error)
{
    GasketCliCall scratch = *search->call;
    g_autofree void *parameters =
        g_memdup2(scratch.parameters, scratch.algorithm->parameters_size + 1);
    scratch.parameters = parameters;
    for (unsigned i = 0; i < scratch.common.grid->len; i++) {
        Axis axis = {0};
        bool parsed = parse_axis(&scratch, scratch.common.grid->pdata[i], &axis, error);
        for (unsigned a = 0; parsed && a < search->axes->len; a++)
            if (strcmp(axis_at(search, a)->name, axis.name) == 0)
                parsed = gasket_cli_refuse(error, "--grid: %s is there twice", axis.name);
        g_array_append_val(search->axes, axis);
        if (!parsed)
            return false;
    }
    return true;
}

static bool
check(const GasketCliCall *call, GError **error)
{
    const GasketCliCommon *common = &call->common;
    if (common->json || common->dry_run)
        return gasket_cli_refuse(error, "--grid excludes --json and --dry-run");
    if (common->split != 0)
        return gasket_cli_refuse(error, "--grid excludes --split");
    /* What is to be a test must not have been searched on. */
    char *end;
    if (common->test != NULL && (g_ascii_strtod(common->test, &end), *end == '\0'))
        return gasket_cli_refuse(error, "--grid: expected a file with --test, found %s",
                                 common->test);
    if (common->resume != NULL || common->snapshot != NULL)
        return gasket_cli_refuse(error, "--grid excludes --snapshot and --resume");
    return true;
}

/* ---- settings -------------------------------------------------------------------------------- */

static Setting *
new_setting(Search *search)
{
    Setting *setting = g_new0(Setting, 1);
    setting->value = g_new0(char *, search->axes->len + 1);
    setting->mean = setting->deviation = NAN;
    setting->number = search->settings->len;
    g_ptr_array_add(search->settings, setting);
    return setting;
}

/* All of them, the last axis running fastest. */
static bool
make_grid(Search *search, GError **error)
{
    uint64_t n = 1;
    for (unsigned a = 0; a < search->axes->len; a++) {
        n *= g_strv_length(axis_at(search, a)->values);
        if (n > MOST_SETTINGS)
            return gasket_cli_refuse(error, "--grid: more than %d settings; try --random",
                                     MOST_SETTINGS);
    }
    for (uint64_t s = 0; s < n; s++) {
        Setting *setting = new_setting(search);
        uint64_t rest = s;
        for (unsigned a = search->axes->len; a-- > 0;) {
            const Axis *axis = axis_at(search, a);
            const unsigned length = g_strv_length(axis->values);
            setting->value[a] = g_strdup(axis->values[rest % length]);
            rest /= length;
        }
    }
    return true;
}

static char *
draw_value(const Axis *axis, GasketRandom *random)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (axis->values != NULL)
        return g_strdup(axis->values[gasket_random_below(random, g_strv_length(axis->values))]);
    const double share = gasket_random_double(random);
    double x = axis->low + share * (axis->high - axis->low);
    if (axis->low > 0)
        x = exp(log(axis->low) + share * (log(axis->high) - log(axis->low)));
    x = CLAMP(x, axis->low, axis->high);
    return axis->integer ? g_strdup_printf("%" G_GINT64_FORMAT, (int64_t)llround(x))
                         : g_strdup(g_ascii_formatd(text, sizeof text, "%.4g", x));
}

static void
make_random(Search *search)
{
    const uint64_t seed = (uint64_t)search->call->common.seed;
    for (int64_t s = 0; s < search->call->common.random; s++) {
        GasketRandom random = gasket_random_at(seed, STREAM, (uint32_t)s, 0);
        Setting *setting = new_setting(search);
        for (unsigned a = 0; a < search->axes->len; a++)
            setting->value[a] = draw_value(axis_at(search, a), &random);
    }
}

/* Puts the settings into an order that is drawn. */
static void
shuffle(Search *search)
{
    GasketRandom random = gasket_random_at((uint64_t)search->call->common.seed, STREAM, 0, 1);
    void **settings = search->settings->pdata;
    for (unsigned n = search->settings->len; n > 1; n--) {
        const unsigned other = gasket_random_below(&random, n);
        void *old = settings[n - 1];
        settings[n - 1] = settings[other];
        settings[other] = old;
    }
}

/* ---- trying ---------------------------------------------------------------------------------- */

/* Applies a setting to a call with parameters of its own. */
static bool
apply(const Search *search, const Setting *setting, GasketCliCall *trial, GError **error)
{
    for (unsigned a = 0; a < search->axes->len; a++)
        if (!set_option(trial, axis_at(search, a)->name, setting->value[a], error))
            return false;
    return true;
}

/* Finds what there is to judge by. */
static bool
take_measure(Search *search, const GasketCliFolds *folds, Setting *setting, GError **error)
{
    static const char *const measures[] = {"test.rmse", "ranking.ndcg"};
    for (unsigned m = 0; search->measure == NULL && m < G_N_ELEMENTS(measures); m++) {
        if (gasket_cli_folds_mean(folds, measures[m], &setting->mean, &setting->deviation)) {
            search->measure = measures[m];
            search->rises = m == 1;
        }
    }
    if (search->measure == NULL)
        return gasket_cli_refuse(error,
                                 "--grid: %s measures nothing on ratings that are held out%s",
                                 search->call->algorithm->name, "; try --top");
    (void)gasket_cli_folds_mean(folds, search->measure, &setting->mean, &setting->deviation);
    return true;
}

static bool
try_setting(Search *search, Setting *setting, const char *const *inputs, unsigned n_inputs,
            GError **error)
{
    GasketCliCall trial = *search->call;
    g_autofree void *parameters = g_memdup2(trial.parameters, trial.algorithm->parameters_size + 1);
    g_autoptr(GasketCliFolds) folds = gasket_cli_folds_new();
    g_autoptr(GError) failure = NULL;
    const int64_t began = g_get_monotonic_time();
    int status;

    trial.parameters = parameters;
    trial.folds = folds;
    trial.common.grid = NULL;
    trial.common.test = trial.common.output = NULL;
    if (trial.common.folds == 0)
        trial.common.folds = DEFAULT_FOLDS;
    if (!apply(search, setting, &trial, error))
        return false;
    bool ran = gasket_cli_run_algorithm(&trial, inputs, n_inputs, &status, &failure);
    setting->seconds = (double)(g_get_monotonic_time() - began) / 1e6;
    setting->tried = true;
    if (ran)
        return take_measure(search, folds, setting, error);
    if (g_error_matches(failure, GASKET_ERROR, GASKET_ERROR_FAILED))
        return true; /* it diverged */
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static void
tell(const Search *search, const Setting *setting, unsigned n_tried)
{
    g_autoptr(GString) line = g_string_new(NULL);
    if (search->call->common.quiet)
        return;
    g_string_append_printf(line, "%-10s %u of %u:", "search", n_tried, search->settings->len);
    for (unsigned a = 0; a < search->axes->len; a++)
        g_string_append_printf(line, " --%s %s", axis_at(search, a)->name, setting->value[a]);
    if (isnan(setting->mean))
        g_string_append(line, " diverges\n");
    else
        g_string_append_printf(line, " %s %.4f +- %.4f, %.2f s\n", search->measure, setting->mean,
                               setting->deviation, setting->seconds);
    gasket_cli_note(line->str);
}

static bool
try_all(Search *search, const char *const *inputs, unsigned n_inputs, GError **error)
{
    const double budget = search->call->common.budget;
    const int64_t began = g_get_monotonic_time();
    for (unsigned s = 0; s < search->settings->len; s++) {
        Setting *setting = setting_at(search, s);
        if (s > 0 && budget > 0 && (double)(g_get_monotonic_time() - began) / 1e6 >= budget)
            return true;
        if (!try_setting(search, setting, inputs, n_inputs, error))
            return false;
        tell(search, setting, s + 1);
    }
    return true;
}

/* ---- the outcome ----------------------------------------------------------------------------- */

/* The best first; then those that diverged, then those that were not tried. */
static int
compare_settings(const void *a, const void *b, void *data)
{
    const Search *search = data;
    const Setting *x = *(Setting *const *)a, *y = *(Setting *const *)b;
    if (x->tried != y->tried)
        return x->tried ? -1 : 1;
    if (isnan(x->mean) != isnan(y->mean))
        return isnan(x->mean) ? 1 : -1;
    if (x->mean != y->mean && !isnan(x->mean))
        return (x->mean < y->mean) != search->rises ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void
append_table(const Search *search, bool header, GString *out)
{
    for (unsigned a = 0; header && a < search->axes->len; a++)
        g_string_append_printf(out, "%s\t", axis_at(search, a)->name);
    if (header)
        g_string_append_printf(out, "%s\tdeviation\tseconds\n",
                               search->measure != NULL ? search->measure : "test.rmse");
    for (unsigned s = 0; s < search->settings->len && setting_at(search, s)->tried; s++) {
        const Setting *setting = setting_at(search, s);
        char mean[G_ASCII_DTOSTR_BUF_SIZE], deviation[G_ASCII_DTOSTR_BUF_SIZE];
        for (unsigned a = 0; a < search->axes->len; a++)
            g_string_append_printf(out, "%s\t", setting->value[a]);
        g_string_append_printf(out, "%s\t%s\t%.2f\n",
                               g_ascii_formatd(mean, sizeof mean, "%.6f", setting->mean),
                               g_ascii_formatd(deviation, sizeof deviation, "%.6f",
                                               setting->deviation),
                               setting->seconds);
    }
}

/* Trains the best setting once on everything that may be trained on. */
static bool
train_best(const Search *search, const char *const *inputs, unsigned n_inputs, int *ret_status,
           GError **error)
{
    GasketCliCall final = *search->call;
    g_autofree void *parameters = g_memdup2(final.parameters, final.algorithm->parameters_size + 1);
    final.parameters = parameters;
    final.common.grid = NULL;
    final.common.folds = 0;
    return apply(search, setting_at(search, 0), &final, error) &&
           gasket_cli_run_algorithm(&final, inputs, n_inputs, ret_status, error);
}

bool
gasket_cli_search(GasketCliCall *call, const char *const *inputs, unsigned n_inputs,
                  int *ret_status, GError **error)
{
    g_auto(Search) search = {
        .call = call,
        .axes = g_array_new(FALSE, FALSE, sizeof(Axis)),
        .settings = g_ptr_array_new_with_free_func(setting_free),
    };
    g_array_set_clear_func(search.axes, axis_clear);
    if (!check(call, error) || !parse_grid(&search, error))
        return false;
    if (call->common.random > 0)
        make_random(&search);
    else if (!make_grid(&search, error))
        return false;
    if (call->common.budget > 0)
        shuffle(&search);
    if (!try_all(&search, inputs, n_inputs, error))
        return false;
    g_qsort_with_data(search.settings->pdata, (int)search.settings->len, sizeof(void *),
                      compare_settings, &search);
    g_autoptr(GString) table = g_string_new(NULL);
    append_table(&search, !call->common.no_header, table);
    *ret_status = GASKET_EXIT_DONE;
    if (!gasket_cli_print(table->str, error))
        return false;
    if (isnan(setting_at(&search, 0)->mean)) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "every setting of --grid diverges");
        return false;
    }
    return (call->common.test == NULL && call->common.output == NULL) ||
           train_best(&search, inputs, n_inputs, ret_status, error);
}
