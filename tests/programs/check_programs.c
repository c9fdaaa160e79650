/* SPDX-License-Identifier: Apache-2.0 */
/* PageRank, ALS and triangles: every placement gives the same bits, and brute force, written for
 * dense arrays and one thread, the same numbers. */
#include <math.h>

#include "loaders/load.h"
#include "tests/programs/model_graphs.h"
#include "tests/programs/programs.h"

static const unsigned workers[] = {1, 2, 4, 0};

/* ---- pagerank: dense power iteration --------------------------------------------------------- */

START_TEST(pagerank_is_that_of_a_dense_matrix)
{
    double links[PAGES][PAGES] = {{0}};
    draw_links(links);
    Experiment experiment = {&program_pagerank, .build = build_pages, .data = links};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
    const double *rank = gasket_result_column(result, 0);

    double x[PAGES], degree[PAGES] = {0};
    for (int u = 0; u < PAGES; u++) {
        x[u] = 1.0 / PAGES;
        for (int v = 0; v < PAGES; v++)
            degree[u] += links[u][v];
    }
    for (int i = 0; i < 400; i++) {
        double next[PAGES];
        for (int v = 0; v < PAGES; v++) {
            next[v] = 0.15 / PAGES;
            for (int u = 0; u < PAGES; u++)
                next[v] += 0.85 * x[u] * (degree[u] > 0 ? links[u][v] / degree[u] : 1.0 / PAGES);
        }
        memcpy(x, next, sizeof x);
    }
    for (int v = 0; v < PAGES; v++)
        ck_assert_double_eq_tol(rank[v], x[v], 1e-12);
}
END_TEST

/* ---- als: normal equations by elimination ---------------------------------------------------- */

#define USERS 35
#define ITEMS 25

typedef struct {
    double train[USERS][ITEMS], test[USERS][ITEMS]; /* 0: not rated */
} Ratings;

static void
draw_ratings(Ratings *ret_ratings)
{
    GasketRandom random = gasket_random_at(12, 0, 0, 0);
    memset(ret_ratings, 0, sizeof *ret_ratings);
    for (int i = 0; i < 500; i++) {
        uint32_t u = gasket_random_below(&random, USERS - 1); /* the last user rates nothing */
        uint32_t v = gasket_random_below(&random, ITEMS);
        double stars = 0.5 * (1 + gasket_random_below(&random, 10));
        ret_ratings->train[u][v] = i % 5 ? stars : 0;
        ret_ratings->test[u][v] = i % 5 ? 0 : stars;
    }
}

static GasketGraph *
build_ratings(const void *data)
{
    const Ratings *ratings = data;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "user");
    gasket_graph_builder_add_kind(builder, "item");
    for (unsigned relation = 0; relation < 2; relation++) {
        gasket_graph_builder_add_relation(builder, relation ? "test" : "train", 0, 1, false);
        gasket_graph_builder_add_edge_column(builder, relation, "rating", GASKET_DOUBLE, 1);
    }
    add_vertices(builder, 0, USERS, NULL);
    add_vertices(builder, 1, ITEMS, NULL);
    for (int u = USERS; u-- > 0;)
        for (int v = 0; v < ITEMS; v++)
            for (unsigned relation = 0; relation < 2; relation++) {
                const double *rating = relation ? &ratings->test[u][v] : &ratings->train[u][v];
                const void *columns[] = {rating};
                if (*rating > 0)
                    add_edge(builder, relation, u, v, columns);
            }
    return finish_given(builder);
}

/* Solves n equations a x = b by Gauss and Jordan with pivoting. */
static void
eliminate(double a[ALS_RANK][ALS_RANK], double *b)
{
    for (int c = 0; c < ALS_RANK; c++) {
        int pivot = c;
        for (int r = c; r < ALS_RANK; r++)
            if (fabs(a[r][c]) > fabs(a[pivot][c]))
                pivot = r;
        for (int k = 0; k < ALS_RANK; k++) {
            double swap = a[c][k];
            a[c][k] = a[pivot][k], a[pivot][k] = swap;
        }
        double swap = b[c];
        b[c] = b[pivot], b[pivot] = swap;
        for (int r = 0; r < ALS_RANK; r++) {
            double factor = r == c ? 0 : a[r][c] / a[c][c];
            for (int k = 0; k < ALS_RANK; k++)
                a[r][k] -= factor * a[c][k];
            b[r] -= factor * b[c];
        }
    }
    for (int r = 0; r < ALS_RANK; r++)
        b[r] /= a[r][r];
}

/* One side's factors from the other's; rating: of (own, other) at own * own_step + other * step. */
static void
solve_side(int n_own, int n_other, const double *rating, int own_step, int step,
           double (*own)[ALS_RANK], double (*other)[ALS_RANK])
{
    for (int u = 0; u < n_own; u++) {
        double a[ALS_RANK][ALS_RANK] = {{0}}, b[ALS_RANK] = {0}, n = 0;
        for (int v = 0; v < n_other; v++) {
            double r = rating[u * own_step + v * step];
            if (r == 0)
                continue;
            n++;
            for (int i = 0; i < ALS_RANK; i++) {
                b[i] += r * other[v][i];
                for (int j = 0; j < ALS_RANK; j++)
                    a[i][j] += other[v][i] * other[v][j];
            }
        }
        if (n == 0)
            continue;
        for (int i = 0; i < ALS_RANK; i++)
            a[i][i] += ALS_LAMBDA * n;
        eliminate(a, b);
        memcpy(own[u], b, sizeof b);
    }
}

static void
draw_factors(double (*factor)[ALS_RANK], uint32_t n, uint64_t seed)
{
    for (uint32_t v = 0; v < n; v++) {
        GasketRandom random = gasket_random_at(seed, STREAM_START, v, 0);
        for (int k = 0; k < ALS_RANK; k++)
            factor[v][k] = gasket_random_double(&random);
    }
}

START_TEST(als_solves_the_normal_equations_of_each_side)
{
    Ratings ratings;
    draw_ratings(&ratings);
    Experiment experiment = {&program_als, .build = build_ratings, .data = &ratings, .seed = 5};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
    const double(*user)[ALS_RANK] = gasket_result_column(result, 0);
    const double(*item)[ALS_RANK] = gasket_result_column(result, 1);

    double users[USERS][ALS_RANK], items[ITEMS][ALS_RANK];
    draw_factors(users, USERS, 5);
    draw_factors(items, ITEMS, 5);
    for (int i = 0; i < 6; i++) {
        solve_side(USERS, ITEMS, &ratings.train[0][0], ITEMS, 1, users, items);
        solve_side(ITEMS, USERS, &ratings.train[0][0], 1, ITEMS, items, users);
    }
    double squares = 0, n = 0;
    for (int u = 0; u < USERS; u++) {
        for (int v = 0; v < ITEMS; v++) {
            double error = ratings.test[u][v];
            if (error == 0)
                continue;
            for (int k = 0; k < ALS_RANK; k++)
                error -= users[u][k] * items[v][k];
            squares += error * error;
            n++;
        }
    }
    for (int k = 0; k < ALS_RANK; k++) {
        for (int u = 0; u < USERS; u++)
            ck_assert_double_eq_tol(user[u][k], users[u][k], 1e-8);
        for (int v = 0; v < ITEMS; v++)
            ck_assert_double_eq_tol(item[v][k], items[v][k], 1e-8);
    }
    ck_assert_double_eq_tol(gasket_result_metric(result, "test.rmse"), sqrt(squares / n), 1e-9);
}
END_TEST

/* ---- triangles: three loops ------------------------------------------------------------------ */

START_TEST(triangles_are_those_of_three_loops)
{
    Friends friends;
    draw_friends(&friends);
    Experiment experiment = {&program_triangles, .build = build_friends, .data = &friends};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
    const uint32_t *lowest = gasket_result_column(result, 0);

    uint32_t total = 0;
    for (int u = 0; u < FRIENDS; u++) {
        uint32_t n = 0;
        for (int v = u + 1; v < FRIENDS; v++)
            for (int w = v + 1; w < FRIENDS; w++)
                n += friends.joined[u][v] && friends.joined[v][w] && friends.joined[u][w];
        ck_assert_uint_eq(lowest[u], n);
        total += n;
    }
    ck_assert_uint_gt(total, 0);
    ck_assert_double_eq(gasket_result_metric(result, "triangles"), total);
}
END_TEST

static GasketGraph *
build_facebook(const void *data)
{
    const char *const inputs[] = {data};
    const GasketLoadOptions options = {.inputs = inputs, .n_inputs = 1, .undirected = true};
    const GasketGraphRules rules = {.multi_edges = GASKET_MULTI_DROP, .drop_self_loops = true};
    g_autoptr(GError) error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_load(builder, &options, NULL, &error);
    ck_assert_no_error(error);
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    return graph;
}

START_TEST(facebook_has_the_triangles_that_snap_counted)
{
    g_autofree char *path = check_data("graphs/facebook_combined.txt");
    if (path == NULL)
        return;
    Experiment experiment = {&program_triangles, .build = build_facebook, .data = path};
    for (unsigned w = 1; w <= 3; w += 2) {
        g_autoptr(GError) error = NULL;
        GasketRunOptions options = {.workers = w, .threads = 2};
        g_autoptr(GasketResult) result = run_once(&experiment, &options, &error);
        ck_assert_no_error(error);
        ck_assert_double_eq(gasket_result_metric(result, "triangles"), 1612010);
    }
}
END_TEST

/* ---- iterations without a residual: the smallest number spreads ------------------------------ */

static void
smallest_gather(const GasketContext *context, const GasketRows *rows, void *sums)
{
    const uint32_t *smallest = rows->values;
    uint32_t *sum = sums;
    (void)context;
    for (size_t r = 0; r < rows->count; r++)
        for (uint64_t e = rows->begin[r]; e < rows->end[r]; e++)
            sum[rows->sum[r]] = MIN(sum[rows->sum[r]], smallest[rows->neighbour[e]]);
}

static void
smallest_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    const uint32_t *sum = sums;
    uint32_t *state = run->state, *value = run->value;
    for (size_t i = 0; i < run->count; i++) {
        GasketVertex v = run->vertex[i];
        uint32_t smallest = context->step == 0 ? context->number[v] : sum[run->sum[i]];
        run->changed[i] = context->step == 0 || smallest < state[v];
        if (run->changed[i])
            state[v] = value[v] = smallest;
    }
}

static bool
run_smallest(GasketRun *run, const void *parameters, GError **error)
{
    static const GasketRowSet rows[] = {{0, GASKET_IN}};
    static const uint32_t none = UINT32_MAX;
    static const GasketProgram smallest = {.name = "smallest",
                                           .rows = rows,
                                           .n_rows = 1,
                                           .sum_size = sizeof(uint32_t),
                                           .identity = &none,
                                           .gather = smallest_gather,
                                           .apply = smallest_apply,
                                           .changes = GASKET_CHANGES_MARKED,
                                           .wakes = GASKET_WAKES_READERS};
    static const GasketProgram *const programs[] = {&smallest};
    (void)parameters;
    return gasket_run_set_state(run, 0, sizeof(uint32_t), error) &&
           gasket_run_set_value(run, 0, sizeof(uint32_t), error) &&
           gasket_run_iterate(run, programs, 1, error);
}

START_TEST(iterations_end_when_nothing_changes_or_when_they_are_done)
{
    static const GasketResultColumn columns[] = {{.name = "smallest", .type = GASKET_UINT32}};
    static const GasketAlgorithm algorithm = {.abi = GASKET_ABI,
                                              .name = "smallest",
                                              .results = columns,
                                              .n_results = 1,
                                              .run = run_smallest};
    Friends friends;
    draw_friends(&friends);
    uint32_t last[FRIENDS], next[FRIENDS], n = 1;
    for (uint32_t v = 0; v < FRIENDS; v++)
        last[v] = v;
    for (bool changed = true; changed; n++) {
        memcpy(next, last, sizeof next);
        for (int v = 0; v < FRIENDS; v++)
            for (int u = 0; u < FRIENDS; u++)
                next[v] = friends.joined[u][v] ? MIN(next[v], last[u]) : next[v];
        changed = memcmp(next, last, sizeof next) != 0;
        memcpy(last, next, sizeof last);
    }
    Experiment experiment = {&algorithm, .build = build_friends, .data = &friends};
    g_autoptr(GasketResult) result = run_everywhere(&experiment, workers);
    ck_assert_mem_eq(gasket_result_column(result, 0), last, sizeof last);
    ck_assert_uint_eq(gasket_result_iterations(result), n);

    experiment.iterations = 2;
    g_autoptr(GasketResult) first = run_everywhere(&experiment, workers);
    ck_assert_uint_gt(n, 2);
    ck_assert_uint_eq(gasket_result_iterations(first), 2);
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("programs");
    tcase_set_timeout(all, 240);
    tcase_add_test(all, pagerank_is_that_of_a_dense_matrix);
    tcase_add_test(all, als_solves_the_normal_equations_of_each_side);
    tcase_add_test(all, triangles_are_those_of_three_loops);
    tcase_add_test(all, facebook_has_the_triangles_that_snap_counted);
    tcase_add_test(all, iterations_end_when_nothing_changes_or_when_they_are_done);
    TCase *cases[] = {all};
    return check_run("programs", cases, G_N_ELEMENTS(cases));
}
