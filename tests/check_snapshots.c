/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots and resuming: a run that goes on from a snapshot, on any number of workers, ends with
 * the bits of the run that was never stopped. Programs with states, values, edge values of varying
 * size, edge states, totals, random numbers, sweeps, and variables of the driver.
 */
#include <unistd.h>

#include "algorithms/algorithms.h"
#include "engine/snapshot_manifest.h"
#include "tests/programs/model_graphs.h"
#include "tests/programs/programs.h"
#include "tests/small_graphs.h"
#include "tests/resumes.h"

START_TEST(values_states_and_totals_come_back)
{
    double links[PAGES][PAGES] = {{0}};
    draw_links(links);
    assert_resumes_anywhere(
        &(Experiment){&program_pagerank, .build = build_pages, .data = links, .iterations = 20});
}
END_TEST

START_TEST(edge_values_of_varying_size_come_back)
{
    Tables tables;
    draw_tables(&tables);
    assert_resumes_anywhere(&(Experiment){&program_bp, .build = build_factors, .data = &tables});
}
END_TEST

START_TEST(edge_states_and_random_numbers_come_back)
{
    Corpus corpus;
    draw_corpus(&corpus);
    assert_resumes_anywhere(
        &(Experiment){&program_lda, .build = build_corpus, .data = &corpus, .seed = 5});
}
END_TEST

START_TEST(sweeps_go_on_between_the_same_colours)
{
    Friends friends;
    draw_friends(&friends);
    assert_resumes_anywhere(&(Experiment){&program_gibbs, .build = build_friends, .data = &friends,
                                          .seed = 9, .iterations = 12});
}
END_TEST

START_TEST(woken_vertices_and_what_the_driver_keeps_come_back)
{
    /* A path, so that a search takes many steps. */
    SmallGraph path = {.n = 14, .m = 13};
    for (unsigned i = 0; i < path.m; i++) {
        path.source[i] = i;
        path.target[i] = i + 1;
        path.weight[i] = 1 + i % 3;
    }
    struct {
        const char *source;
    } from = {"0"};
    const GasketAlgorithm *const searches[] = {&gasket_bfs, &gasket_sssp};
    for (unsigned a = 0; a < G_N_ELEMENTS(searches); a++) {
        g_autofree void *parameters = make_parameters(searches[a], NULL);
        g_autoptr(GError) error = NULL;
        ck_assert(
            gasket_options_set(searches[a]->options, parameters, "source", from.source, &error));
        assert_resumes_anywhere(&(Experiment){searches[a], .parameters = parameters,
                                              .build = small_build, .data = &path});
    }
}
END_TEST

/* ---- what is refused ------------------------------------------------------------------------- */

static void
assert_refused(const Experiment *experiment, const GasketRunOptions *options, const char *because)
{
    g_autoptr(GError) error = NULL;
    GasketResult *result = run_once(experiment, options, &error);
    ck_assert_ptr_null(result);
    ck_assert_msg(strstr(error->message, because) != NULL, "found \"%s\", expected \"%s\"",
                  error->message, because);
}

START_TEST(another_graph_program_or_seed_is_refused)
{
    double links[PAGES][PAGES] = {{0}};
    draw_links(links);
    SnapshotFolder folder = snapshot_folder_new();
    Experiment pages = {&program_pagerank, .build = build_pages, .data = links};
    GasketRunOptions options = {.workers = 2,
                                .iterations = 3,
                                .snapshot_folder = folder.path,
                                .snapshot_every = 3};
    gasket_result_free(run_with(&pages, &options));

    options = (GasketRunOptions){.resume = folder.path};
    double others[PAGES][PAGES] = {{0}};
    draw_links(others);
    others[3][4] += 1;
    assert_refused(&(Experiment){&program_pagerank, .build = build_pages, .data = others}, &options,
                   "a snapshot of another graph");
    Friends friends;
    draw_friends(&friends);
    assert_refused(&(Experiment){&program_gibbs, .build = build_friends, .data = &friends},
                   &options, "a snapshot of another program");
    options.seed = 1;
    assert_refused(&pages, &options, "a snapshot of another seed");
    snapshot_folder_clear(&folder);
}
END_TEST

START_TEST(an_algorithm_that_cannot_go_on_takes_none)
{
    Friends friends;
    draw_friends(&friends);
    assert_refused(&(Experiment){&program_triangles, .build = build_friends, .data = &friends},
                   &(GasketRunOptions){.snapshot_folder = "nowhere", .snapshot_every = 1},
                   "takes no snapshots");
}
END_TEST

START_TEST(the_last_two_are_kept)
{
    double links[PAGES][PAGES] = {{0}};
    draw_links(links);
    SnapshotFolder folder = snapshot_folder_new();
    GasketRunOptions options = {.workers = 2,
                                .iterations = 10,
                                .snapshot_folder = folder.path,
                                .snapshot_every = 2};
    gasket_result_free(
        run_with(&(Experiment){&program_pagerank, .build = build_pages, .data = links}, &options));
    g_auto(GStrv) names = gasket_snapshot_list(folder.path, false);
    ck_assert_uint_eq(g_strv_length(names), 2);
    ck_assert_str_eq(names[0], "step-000000000008");
    ck_assert_str_eq(names[1], "step-000000000010");
    snapshot_folder_clear(&folder);
}
END_TEST

int
main(void)
{
    TCase *resuming = tcase_create("resuming"), *refusing = tcase_create("refusing");
    tcase_set_timeout(resuming, 300);
    tcase_add_test(resuming, values_states_and_totals_come_back);
    tcase_add_test(resuming, edge_values_of_varying_size_come_back);
    tcase_add_test(resuming, edge_states_and_random_numbers_come_back);
    tcase_add_test(resuming, sweeps_go_on_between_the_same_colours);
    tcase_add_test(resuming, woken_vertices_and_what_the_driver_keeps_come_back);
    tcase_add_test(refusing, another_graph_program_or_seed_is_refused);
    tcase_add_test(refusing, an_algorithm_that_cannot_go_on_takes_none);
    tcase_add_test(refusing, the_last_two_are_kept);
    return check_run("snapshots", (TCase *[]){resuming, refusing}, 2);
}
