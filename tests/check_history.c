/* SPDX-License-Identifier: Apache-2.0 */
/* Histories: correct ones are given an order in which they can be run again; each kind of broken
 * one is caught. */
#include <gasket/random.h>

#include "engine/history.h"
#include "tests/check_main.h"

#define N_VERTICES 12
#define N_LOGS     4

static GasketHistory *history;
static GasketHistoryCells *cells;
static GasketHistoryLog *logs[N_LOGS];

static void
set_up(void)
{
    g_autoptr(GError) error = NULL;
    history = gasket_history_new();
    cells = gasket_history_cells_new(history, N_VERTICES, &error);
    ck_assert_ptr_nonnull(cells);
    for (unsigned c = 0; c < N_VERTICES; c++)
        cells->id[c] = gasket_history_id(0, 0, c);
    for (unsigned i = 0; i < N_LOGS; i++)
        logs[i] = gasket_history_log_new(cells);
}

static void
tear_down(void)
{
    gasket_history_free(history);
}

/* A block of one row: vertex v with its n neighbours. */
typedef struct {
    GasketVertex vertex;
    uint64_t begin, end;
    uint32_t first;
    GasketRows rows;
    GasketHistoryBlock block;
} Row;

static void
point_at(Row *row, GasketVertex v, const GasketVertex *neighbour, size_t n)
{
    *row = (Row){.vertex = v, .end = n};
    row->rows = (GasketRows){.count = 1,
                             .vertex = &row->vertex,
                             .begin = &row->begin,
                             .end = &row->end,
                             .neighbour = neighbour};
    row->block = (GasketHistoryBlock){0, 1, &row->first, &row->rows};
}

static void
begin(unsigned log, GasketVertex v, const GasketVertex *neighbour, size_t n)
{
    Row row;
    point_at(&row, v, neighbour, n);
    gasket_history_read(logs[log], &row.block);
}

static void
begin_one(unsigned log, GasketVertex v, GasketVertex neighbour)
{
    begin(log, v, &neighbour, 1);
}

static void
end(unsigned log, bool changed)
{
    gasket_history_write(logs[log], 0, changed);
}

static void
run(unsigned log, GasketVertex v, GasketVertex neighbour, bool changed)
{
    begin_one(log, v, neighbour);
    end(log, changed);
}

static void
assert_serial(size_t n_updates)
{
    g_autoptr(GError) error = NULL;
    size_t n = 0;
    g_autofree GasketHistoryUpdate *order = gasket_history_check(history, &n, &error);
    ck_assert_no_error(error);
    ck_assert_ptr_nonnull(order);
    ck_assert_uint_eq(n, n_updates);
}

static void
assert_caught(const char *what)
{
    g_autoptr(GError) error = NULL;
    size_t n = 7;
    GasketHistoryUpdate *order = gasket_history_check(history, &n, &error);
    ck_assert_ptr_null(order);
    ck_assert_uint_eq(n, 0);
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_FAILED));
    ck_assert_msg(strstr(error->message, what) != NULL, "\"%s\" is not in \"%s\"", what,
                  error->message);
}

START_TEST(nothing_that_ran_is_serial)
{
    assert_serial(0);
}
END_TEST

START_TEST(updates_one_after_the_other_are_serial)
{
    for (unsigned i = 0; i < 30; i++)
        run(i % N_LOGS, i % 5, (i + 1) % 5, i % 3 != 0);
    assert_serial(30);
}
END_TEST

/*  1 ── 2   3 ── 4   overlap in time, but have nothing to do with one another */
START_TEST(strangers_may_overlap)
{
    begin_one(0, 1, 2);
    begin_one(1, 3, 4);
    end(0, true);
    end(1, true);
    assert_serial(2);
}
END_TEST

/*  1 ── 2 ── 3   both ends read the middle, which does not run */
START_TEST(two_that_read_the_same_may_overlap)
{
    begin_one(0, 1, 2);
    begin_one(1, 3, 2);
    end(0, true);
    end(1, true);
    run(2, 2, 1, true);
    assert_serial(3);
}
END_TEST

/* A validated read of an old value is serial: the reader comes before the writer. */
START_TEST(an_old_value_is_fine_for_who_comes_before)
{
    begin_one(0, 1, 2);
    run(1, 2, 3, true); /* reads 3 only */
    end(0, true);
    assert_serial(2);
}
END_TEST

START_TEST(two_neighbours_that_read_each_others_old_value_are_caught)
{
    begin_one(0, 1, 2);
    begin_one(1, 2, 1);
    end(0, true);
    end(1, true);
    assert_caught("must follow");
}
END_TEST

START_TEST(a_ring_of_old_values_is_caught)
{
    for (unsigned i = 0; i < 4; i++)
        begin_one(i, i, (i + 1) % 4);
    for (unsigned i = 0; i < 4; i++)
        end(i, true);
    assert_caught("vertex 3 update 0 (version 0 -> 1)");
}
END_TEST

START_TEST(two_updates_of_one_vertex_at_a_time_are_caught)
{
    begin_one(0, 5, 6);
    begin_one(1, 5, 6);
    end(0, true);
    end(1, true);
    assert_caught("one of them is lost");
}
END_TEST

START_TEST(a_value_that_changed_while_it_was_read_is_caught)
{
    GasketVertex two = 2;
    Row row;
    point_at(&row, 1, &two, 1);
    gasket_history_read(logs[0], &row.block);
    run(1, 2, 3, true);
    gasket_history_reread(logs[0], &row.block);
    end(0, true);
    assert_caught("read a value while it changed: that of vertex 2");
}
END_TEST

START_TEST(a_version_that_nobody_wrote_is_caught)
{
    run(0, 2, 3, true);
    gasket_history_arrived(cells, 4, 9);
    run(0, 1, 4, true);
    assert_caught("a version that nobody wrote, of vertex 4");
}
END_TEST

/* Worker 1 keeps a ghost of vertex 0, whose owner does not tell it about version 1 before vertex 7
 * says what it knows of it: 9 reads the new 7 and then the old 0. */
START_TEST(a_stale_ghost_is_caught)
{
    g_autoptr(GError) error = NULL;
    GasketHistoryCells *ghosts = gasket_history_cells_new(history, 3, &error);
    GasketHistoryLog *log = gasket_history_log_new(ghosts);
    const GasketVertex seen[] = {0, 1};
    Row row;
    ghosts->id[0] = gasket_history_id(0, 0, 0);
    ghosts->id[1] = gasket_history_id(0, 0, 7);
    ghosts->id[2] = gasket_history_id(0, 0, 9);
    run(0, 0, 7, true);
    run(0, 7, 0, true);
    gasket_history_arrived(ghosts, 1, gasket_history_version(cells, 7));
    point_at(&row, 2, seen, 2);
    gasket_history_read(log, &row.block);
    gasket_history_write(log, 0, true);
    assert_caught("vertex 9 update 0");
}
END_TEST

START_TEST(the_same_with_a_fresh_ghost_is_serial)
{
    g_autoptr(GError) error = NULL;
    GasketHistoryCells *ghosts = gasket_history_cells_new(history, 3, &error);
    GasketHistoryLog *log = gasket_history_log_new(ghosts);
    const GasketVertex seen[] = {0, 1};
    Row row;
    ghosts->id[0] = gasket_history_id(0, 0, 0);
    ghosts->id[1] = gasket_history_id(0, 0, 7);
    ghosts->id[2] = gasket_history_id(0, 0, 9);
    run(0, 0, 7, true);
    run(0, 7, 0, true);
    gasket_history_arrived(ghosts, 0, gasket_history_version(cells, 0));
    gasket_history_arrived(ghosts, 1, gasket_history_version(cells, 7));
    point_at(&row, 2, seen, 2);
    gasket_history_read(log, &row.block);
    gasket_history_write(log, 0, true);
    assert_serial(3);
}
END_TEST

START_TEST(rows_that_were_disturbed_do_not_count)
{
    begin_one(0, 1, 2);
    begin_one(1, 2, 1);
    end(1, true);
    run(0, 1, 2, true); /* again */
    assert_serial(2);
}
END_TEST

/* ---- random histories ------------------------------------------------------------------------ */

/* A ring with chords, on which each log's thread runs a vertex: it begins, and ends some time
 * later. Where locks hold, a vertex begins only while no neighbour runs. What the values would be
 * is computed as it goes; the order found must give the same values. */
typedef struct {
    uint64_t value[N_VERTICES], seen[N_LOGS];
    int running[N_LOGS]; /* vertex, or -1 */
} Ring;

static const int steps[] = {1, N_VERTICES - 1, 5, N_VERTICES - 5};

static uint64_t
compute(const uint64_t *value, unsigned v)
{
    uint64_t sum = value[v] + 1;
    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++)
        sum = sum * 31 + value[(v + (unsigned)steps[i]) % N_VERTICES];
    return sum;
}

static bool
is_disturbed(const Ring *ring, unsigned v)
{
    for (unsigned t = 0; t < N_LOGS; t++) {
        unsigned distance =
            ring->running[t] < 0 ? 2 : ((unsigned)ring->running[t] + N_VERTICES - v) % N_VERTICES;
        for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++)
            if (distance == (unsigned)steps[i] || distance == 0)
                return true;
    }
    return false;
}

/* Runs a random schedule; without locks if broken. */
static void
run_random(Ring *ring, uint64_t seed, bool broken)
{
    GasketRandom lots = gasket_random_at(seed, 2, 0, 0);
    *ring = (Ring){.running = {-1, -1, -1, -1}};
    for (unsigned i = 0; i < 120; i++) {
        unsigned t = gasket_random_below(&lots, N_LOGS);
        if (ring->running[t] >= 0) {
            bool changed = gasket_random_below(&lots, 4) > 0;
            end(t, changed);
            if (changed)
                ring->value[ring->running[t]] = ring->seen[t];
            ring->running[t] = -1;
            continue;
        }
        unsigned v = gasket_random_below(&lots, N_VERTICES);
        if (!broken && is_disturbed(ring, v))
            continue;
        GasketVertex neighbour[G_N_ELEMENTS(steps)];
        for (unsigned n = 0; n < G_N_ELEMENTS(steps); n++)
            neighbour[n] = (v + (unsigned)steps[n]) % N_VERTICES;
        begin(t, v, neighbour, G_N_ELEMENTS(steps));
        ring->running[t] = (int)v;
        ring->seen[t] = compute(ring->value, v);
    }
    for (unsigned t = 0; t < N_LOGS; t++)
        if (ring->running[t] >= 0)
            end(t, false);
}

START_TEST(the_order_found_gives_the_same_values)
{
    Ring ring;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        tear_down();
        set_up();
        run_random(&ring, seed, false);
        g_autoptr(GError) error = NULL;
        size_t n;
        g_autofree GasketHistoryUpdate *order = gasket_history_check(history, &n, &error);
        if (order == NULL)
            ck_abort_msg("seed %" G_GUINT64_FORMAT ": %s", seed, error->message);
        uint64_t value[N_VERTICES] = {0};
        for (size_t i = 0; i < n; i++) {
            unsigned v = (uint32_t)order[i].id;
            if (order[i].changed)
                value[v] = compute(value, v);
        }
        if (memcmp(value, ring.value, sizeof value) != 0)
            ck_abort_msg("seed %" G_GUINT64_FORMAT ": other values", seed);
    }
}
END_TEST

START_TEST(without_locks_histories_are_caught)
{
    Ring ring;
    unsigned n_caught = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        tear_down();
        set_up();
        run_random(&ring, seed, true);
        size_t n;
        g_autofree GasketHistoryUpdate *order = gasket_history_check(history, &n, NULL);
        n_caught += order == NULL;
    }
    ck_assert_uint_gt(n_caught, 190);
}
END_TEST

int
main(void)
{
    TCase *by_hand = tcase_create("by hand");
    tcase_add_checked_fixture(by_hand, set_up, tear_down);
    tcase_add_test(by_hand, nothing_that_ran_is_serial);
    tcase_add_test(by_hand, updates_one_after_the_other_are_serial);
    tcase_add_test(by_hand, strangers_may_overlap);
    tcase_add_test(by_hand, two_that_read_the_same_may_overlap);
    tcase_add_test(by_hand, an_old_value_is_fine_for_who_comes_before);
    tcase_add_test(by_hand, two_neighbours_that_read_each_others_old_value_are_caught);
    tcase_add_test(by_hand, a_ring_of_old_values_is_caught);
    tcase_add_test(by_hand, two_updates_of_one_vertex_at_a_time_are_caught);
    tcase_add_test(by_hand, a_value_that_changed_while_it_was_read_is_caught);
    tcase_add_test(by_hand, a_version_that_nobody_wrote_is_caught);
    tcase_add_test(by_hand, a_stale_ghost_is_caught);
    tcase_add_test(by_hand, the_same_with_a_fresh_ghost_is_serial);
    tcase_add_test(by_hand, rows_that_were_disturbed_do_not_count);
    TCase *random = tcase_create("random");
    tcase_set_timeout(random, 240);
    tcase_add_checked_fixture(random, set_up, tear_down);
    tcase_add_test(random, the_order_found_gives_the_same_values);
    tcase_add_test(random, without_locks_histories_are_caught);
    TCase *cases[] = {by_hand, random};
    return check_run("history", cases, G_N_ELEMENTS(cases));
}
