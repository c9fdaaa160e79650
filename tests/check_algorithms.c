/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in algorithms against brute force on small graphs, with the same bits in every
 * placement. */
#include <math.h>

#include "algorithms/algorithms.h"
#include "tests/small_graphs.h"

static const unsigned workers[] = {1, 2, 4, 7, 0};

/* Graphs of every kind, one for each i. */
static bool
next_graph(SmallGraph *graph, unsigned i, SmallWeights weights)
{
    static const unsigned shapes[][2] = {{1, 0}, {1, 3}, {7, 6}, {40, 50}, {90, 110}, {60, 400}};
    if (i >= G_N_ELEMENTS(shapes) - check_is_short())
        return false;
    *graph = (SmallGraph){.weights = weights,
                          .text = i % 2 == 1,
                          .symmetric = i % 3 == 2,
                          .order = (GasketOrder)(i % 3)};
    small_draw(graph, 100 + i, shapes[i][0], shapes[i][1]);
    return true;
}

static GasketResult *
run_algorithm(const GasketAlgorithm *algorithm, const SmallGraph *graph, const char *const *pairs,
              double tolerance)
{
    g_autofree void *parameters = make_parameters(algorithm, pairs);
    Experiment experiment = {algorithm, parameters, small_build, .data = graph,
                             .tolerance = tolerance};
    return run_everywhere(&experiment, workers);
}

/* Runs once and expects an error. */
static void
assert_refused(const GasketAlgorithm *algorithm, const SmallGraph *graph, const char *const *pairs,
               double tolerance, GasketErrorCode code, const char *part_of_message)
{
    g_autoptr(GError) error = NULL;
    g_autofree void *parameters = make_parameters(algorithm, pairs);
    Experiment experiment = {algorithm, parameters, small_build, .data = graph};
    GasketRunOptions options = {.workers = 2, .threads = 1, .tolerance = tolerance};
    ck_assert_ptr_null(run_once(&experiment, &options, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(g_error_matches(error, GASKET_ERROR, code) &&
                      strstr(error->message, part_of_message),
                  "found \"%s\"", error->message);
}

/* ---- pagerank -------------------------------------------------------------------------------- */

/* Dense power iteration in double until nothing moves. */
static void
dense_pagerank(const SmallGraph *graph, double damping, double *rank)
{
    const unsigned n = graph->n;
    double strength[SMALL_MAX_VERTICES] = {0}, jump[SMALL_MAX_VERTICES], jumps = 0;
    for (unsigned i = 0; i < graph->m; i++) {
        strength[graph->source[i]] += graph->weight[i];
        if (graph->symmetric && graph->source[i] != graph->target[i])
            strength[graph->target[i]] += graph->weight[i];
    }
    for (unsigned v = 0; v < n; v++)
        jumps += graph->personalize ? graph->personalize[v] : 1;
    for (unsigned v = 0; v < n; v++) {
        jump[v] = (graph->personalize ? graph->personalize[v] : 1) / jumps;
        rank[v] = 1.0 / n;
    }
    for (int round = 0; round < 2000; round++) {
        double next[SMALL_MAX_VERTICES], dangling = 0;
        for (unsigned v = 0; v < n; v++)
            dangling += strength[v] > 0 ? 0 : rank[v];
        for (unsigned v = 0; v < n; v++)
            next[v] = (1 - damping) * jump[v] + damping * dangling * jump[v];
        for (unsigned i = 0; i < graph->m; i++) {
            uint32_t u = graph->source[i], v = graph->target[i];
            if (strength[u] > 0)
                next[v] += damping * rank[u] * graph->weight[i] / strength[u];
            if (graph->symmetric && u != v && strength[v] > 0)
                next[u] += damping * rank[v] * graph->weight[i] / strength[v];
        }
        memcpy(rank, next, n * sizeof *next);
    }
}

static void
assert_pagerank(const SmallGraph *graph, const char *const *pairs, double damping, double tolerance,
                double bound)
{
    g_autoptr(GasketResult) result = run_algorithm(&gasket_pagerank, graph, pairs, tolerance);
    const double *rank = gasket_result_column(result, 0);
    double expected[SMALL_MAX_VERTICES], distance = 0, sum = 0;
    dense_pagerank(graph, damping, expected);
    for (unsigned v = 0; v < graph->n; v++) {
        distance += fabs(rank[v] - expected[v]);
        sum += rank[v];
    }
    ck_assert_msg(distance <= bound, "%u vertices: ranks are %g away", graph->n, distance);
    ck_assert_double_eq_tol(sum, 1, 1e-12);
}

START_TEST(ranks_are_those_of_dense_power_iteration)
{
    SmallGraph graph;
    for (unsigned i = 0; next_graph(&graph, i, SMALL_UNWEIGHTED); i++) {
        assert_pagerank(&graph, NULL, 0.85, 1e-10, 1e-9);
        assert_pagerank(&graph, NULL, 0.85, 0, 1e-5);
    }
}
END_TEST

START_TEST(weights_share_ranks_in_proportion)
{
    SmallGraph graph;
    for (unsigned i = 0; next_graph(&graph, i, SMALL_INTEGERS); i++)
        assert_pagerank(&graph, NULL, 0.85, 1e-10, 1e-9);
}
END_TEST

START_TEST(options_change_the_ranks_as_they_say)
{
    SmallGraph graph;
    const char *const damping[] = {"damping", "0.5", "precision", "double", NULL};
    const char *const single[] = {"precision", "single", NULL};
    next_graph(&graph, 4, SMALL_UNWEIGHTED);
    assert_pagerank(&graph, damping, 0.5, 0, 2e-6);
    assert_pagerank(&graph, single, 0.85, 3e-7, 4e-6);
    assert_refused(&gasket_pagerank, &graph, single, 1e-9, GASKET_ERROR_ARGUMENT,
                   "--precision single cannot reach a tolerance of 1e-09");
}
END_TEST

START_TEST(jumps_and_dangling_ranks_follow_the_personalisation)
{
    SmallGraph graph;
    double weight[SMALL_MAX_VERTICES] = {0};
    const char *const pairs[] = {"personalize", "file", NULL};
    weight[0] = 3, weight[5] = 1, weight[30] = 0.25;
    for (unsigned i = 3; next_graph(&graph, i, i % 2 ? SMALL_UNWEIGHTED : SMALL_FRACTIONS); i++) {
        graph.personalize = weight;
        assert_pagerank(&graph, pairs, 0.85, 1e-10, 1e-9);
    }
    next_graph(&graph, 3, SMALL_UNWEIGHTED);
    graph.personalize = weight;
    weight[5] = -1;
    assert_refused(&gasket_pagerank, &graph, pairs, 0, GASKET_ERROR_ARGUMENT,
                   "--personalize: found weights down to -1 ");
    memset(weight, 0, sizeof weight);
    assert_refused(&gasket_pagerank, &graph, pairs, 0, GASKET_ERROR_ARGUMENT, "with a total of 0,");
    weight[2] = NAN;
    assert_refused(&gasket_pagerank, &graph, pairs, 0, GASKET_ERROR_ARGUMENT, "--personalize");
}
END_TEST

/* ---- components ------------------------------------------------------------------------------ */

START_TEST(components_are_named_by_their_smallest_id)
{
    SmallGraph graph;
    for (unsigned i = 0; next_graph(&graph, i, i % 2 ? SMALL_UNWEIGHTED : SMALL_FRACTIONS); i++) {
        graph.symmetric = true; /* as loaders do for it */
        g_autoptr(GasketResult) result = run_algorithm(&gasket_components, &graph, NULL, 0);
        const uint32_t *component = gasket_result_column(result, 0);

        uint32_t label[SMALL_MAX_VERTICES], size[SMALL_MAX_VERTICES] = {0}, n = 0, largest = 0;
        for (uint32_t v = 0; v < graph.n; v++)
            label[v] = v;
        for (bool changed = true; changed;) {
            changed = false;
            for (unsigned e = 0; e < graph.m; e++) {
                uint32_t *a = &label[graph.source[e]], *b = &label[graph.target[e]];
                changed |= *a != *b;
                *a = *b = MIN(*a, *b);
            }
        }
        for (uint32_t v = 0; v < graph.n; v++) {
            ck_assert_uint_eq(component[v], label[v]);
            size[label[v]]++;
            largest = MAX(largest, size[label[v]]);
            n += label[v] == v;
        }
        ck_assert_double_eq(gasket_result_metric(result, "components"), n);
        ck_assert_double_eq(gasket_result_metric(result, "largest_component"), largest);
    }
}
END_TEST

/* ---- sssp ------------------------------------------------------------------------------------ */

static void
assert_distances(const SmallGraph *graph, uint32_t source)
{
    g_autofree char *id = small_id(graph, source);
    const char *const pairs[] = {"source", id, NULL};
    g_autoptr(GasketResult) result = run_algorithm(&gasket_sssp, graph, pairs, 0);
    const double *distance = gasket_result_column(result, 0);

    double d[SMALL_MAX_VERTICES], furthest = 0;
    unsigned reached = 0;
    for (uint32_t v = 0; v < graph->n; v++)
        d[v] = v == source ? 0 : INFINITY;
    for (unsigned round = 0; round <= graph->n; round++) {
        for (unsigned i = 0; i < graph->m; i++) {
            double *from = &d[graph->source[i]], *to = &d[graph->target[i]];
            *to = fmin(*to, *from + graph->weight[i]);
            if (graph->symmetric)
                *from = fmin(*from, *to + graph->weight[i]);
        }
    }
    ck_assert_mem_eq(distance, d, graph->n * sizeof *d);
    for (uint32_t v = 0; v < graph->n; v++) {
        reached += d[v] < INFINITY;
        furthest = d[v] < INFINITY ? fmax(furthest, d[v]) : furthest;
    }
    ck_assert_double_eq(gasket_result_metric(result, "reached"), reached);
    ck_assert_double_eq(gasket_result_metric(result, "furthest"), furthest);
}

START_TEST(distances_have_the_bits_of_bellman_and_ford)
{
    SmallGraph graph;
    for (SmallWeights weights = SMALL_UNWEIGHTED; weights <= SMALL_FRACTIONS; weights++)
        for (unsigned i = 0; next_graph(&graph, i, weights); i++)
            assert_distances(&graph, graph.n / 3);
}
END_TEST

START_TEST(sources_that_do_not_exist_are_refused)
{
    SmallGraph graph;
    const char *const pairs[] = {"source", "nobody", NULL};
    next_graph(&graph, 3, SMALL_UNWEIGHTED);
    assert_refused(&gasket_sssp, &graph, pairs, 0, GASKET_ERROR_ARGUMENT, "nobody");
    assert_refused(&gasket_bfs, &graph, pairs, 0, GASKET_ERROR_ARGUMENT, "nobody");
}
END_TEST

START_TEST(integer_weights_whose_sums_would_not_be_exact_are_refused)
{
    SmallGraph graph;
    const char *const pairs[] = {"source", "-50", NULL};
    next_graph(&graph, 2, SMALL_INTEGERS);
    graph.weight[3] = 0x1p53 / 6; /* n = 7: paths of 6 edges; 2^53 / 6 is no integer */
    assert_distances(&graph, 0);
    graph.weight[3] = floor(0x1p53 / 6);
    assert_distances(&graph, 0);
    graph.weight[3] = ceil(0x1p53 / 6);
    assert_refused(&gasket_sssp, &graph, pairs, 0, GASKET_ERROR_ARGUMENT,
                   "could sum to more than 2^53");
}
END_TEST

/* ---- bfs ------------------------------------------------------------------------------------- */

START_TEST(depths_and_parents_are_those_of_a_queue)
{
    SmallGraph graph;
    for (unsigned i = 0; next_graph(&graph, i, i % 2 ? SMALL_UNWEIGHTED : SMALL_INTEGERS); i++) {
        uint32_t source = graph.n / 4;
        g_autofree char *id = small_id(&graph, source);
        const char *const pairs[] = {"source", id, NULL};
        g_autoptr(GasketResult) result = run_algorithm(&gasket_bfs, &graph, pairs, 0);
        const int32_t *depth = gasket_result_column(result, 0);
        const uint32_t *parent = gasket_result_column(result, 1);

        int32_t expected[SMALL_MAX_VERTICES], deepest = 0;
        uint32_t queue[SMALL_MAX_VERTICES], head = 0, tail = 0;
        for (uint32_t v = 0; v < graph.n; v++)
            expected[v] = -1;
        expected[source] = 0;
        for (queue[tail++] = source; head < tail; head++) {
            for (unsigned e = 0; e < 2 * graph.m; e++) {
                bool back = e >= graph.m;
                uint32_t u = graph.source[e % graph.m], v = graph.target[e % graph.m];
                uint32_t from = back ? v : u, to = back ? u : v;
                if (from != queue[head] || (back && !graph.symmetric) || expected[to] >= 0)
                    continue;
                deepest = expected[to] = expected[from] + 1;
                queue[tail++] = to;
            }
        }
        for (uint32_t v = 0; v < graph.n; v++) {
            uint32_t least = GASKET_NO_VERTEX;
            for (unsigned e = 0; e < graph.m; e++) {
                uint32_t a = graph.source[e], b = graph.target[e];
                if (b == v && expected[a] >= 0 && expected[a] == expected[v] - 1)
                    least = MIN(least, a);
                if (graph.symmetric && a == v && expected[b] >= 0 && expected[b] == expected[v] - 1)
                    least = MIN(least, b);
            }
            ck_assert_int_eq(depth[v], expected[v]);
            ck_assert_uint_eq(parent[v], least);
        }
        ck_assert_double_eq(gasket_result_metric(result, "reached"), tail);
        ck_assert_double_eq(gasket_result_metric(result, "depth"), deepest);
    }
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("algorithms");
    tcase_set_timeout(all, 240);
    tcase_add_test(all, ranks_are_those_of_dense_power_iteration);
    tcase_add_test(all, weights_share_ranks_in_proportion);
    tcase_add_test(all, options_change_the_ranks_as_they_say);
    tcase_add_test(all, jumps_and_dangling_ranks_follow_the_personalisation);
    tcase_add_test(all, components_are_named_by_their_smallest_id);
    tcase_add_test(all, distances_have_the_bits_of_bellman_and_ford);
    tcase_add_test(all, sources_that_do_not_exist_are_refused);
    tcase_add_test(all, integer_weights_whose_sums_would_not_be_exact_are_refused);
    tcase_add_test(all, depths_and_parents_are_those_of_a_queue);
    TCase *cases[] = {all};
    return check_run("algorithms", cases, G_N_ELEMENTS(cases));
}
