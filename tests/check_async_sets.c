/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of a block's vertices none of which reads another: each vertex once, none beside another, as
 * few as greed gives. Against the rows themselves. */
#include <string.h>

#include <gasket/random.h>

#include "engine/async_sets.h"
#include "tests/check_main.h"

#define ENTRIES 2000

/* A block and its rows of two row sets, the second of which names another kind. */
typedef struct {
    uint32_t vertex[GASKET_ASYNC_BLOCK];
    uint64_t begin[2][GASKET_ASYNC_BLOCK], end[2][GASKET_ASYNC_BLOCK];
    uint32_t neighbour[ENTRIES];
    GasketRows rows[2];
    size_t count;
} Drawn;

/* Vertices at most `gap` apart; so many neighbours each, within `reach` of the first vertex. */
static void
draw(Drawn *drawn, GasketRandom *random, uint32_t gap, uint32_t n_neighbours, uint32_t reach)
{
    uint32_t v = gasket_random_below(random, 1000);
    uint64_t e = 0;

    drawn->count = 1 + gasket_random_below(random, GASKET_ASYNC_BLOCK);
    for (size_t i = 0; i < drawn->count; i++) {
        drawn->vertex[i] = v;
        v += 1 + gasket_random_below(random, gap);
    }
    for (unsigned s = 0; s < 2; s++) {
        for (size_t i = 0; i < drawn->count; i++) {
            uint32_t n = gasket_random_below(random, n_neighbours + 1);
            drawn->begin[s][i] = e;
            for (; n > 0 && e < ENTRIES; n--)
                drawn->neighbour[e++] =
                    gasket_random_below(random, 2) != 0
                        ? drawn->vertex[0] + gasket_random_below(random, reach)
                        : drawn->vertex[gasket_random_below(random, (uint32_t)drawn->count)];
            drawn->end[s][i] = e;
        }
        drawn->rows[s] = (GasketRows){.count = drawn->count,
                                      .vertex = drawn->vertex,
                                      .begin = drawn->begin[s],
                                      .end = drawn->end[s],
                                      .neighbour = drawn->neighbour};
    }
}

/* Whether vertex i of the block names vertex j. */
static bool
names(const Drawn *drawn, size_t i, size_t j)
{
    for (uint64_t e = drawn->begin[0][i]; e < drawn->end[0][i]; e++)
        if (drawn->neighbour[e] == drawn->vertex[j])
            return true;
    return false;
}

static bool
are_neighbours(const Drawn *drawn, size_t i, size_t j)
{
    return names(drawn, i, j) || names(drawn, j, i);
}

static void
assert_right(const Drawn *drawn)
{
    static const GasketRowSet row_sets[] = {{0, GASKET_IN}, {1, GASKET_IN}};
    const GasketProgram program = {.name = "sets", .kind = 1, .rows = row_sets, .n_rows = 2};
    const GasketAsyncKind kind = {.program = &program, .neighbour_kind = {1, 0}};
    unsigned set_of[GASKET_ASYNC_BLOCK];
    GasketAsyncSets sets;

    gasket_async_sets_split(&sets, &kind, drawn->rows, drawn->vertex, drawn->count);
    ck_assert_uint_eq(sets.begin[0], 0);
    ck_assert_uint_eq(sets.begin[sets.n], drawn->count);
    memset(set_of, 0xff, sizeof set_of);
    for (unsigned s = 0; s < sets.n; s++)
        for (uint32_t k = sets.begin[s], i = 0; k < sets.begin[s + 1]; k++, i++) {
            while (i < drawn->count && drawn->vertex[i] != sets.vertex[k])
                i++; /* ascending within a set */
            ck_assert(i < drawn->count && set_of[i] == UINT32_MAX);
            set_of[i] = s;
        }
    bool same = true, first = true;
    for (size_t i = 0; i < drawn->count; i++) {
        uint64_t before = 0; /* sets with neighbours that come before */
        for (size_t j = 0; j < i; j++) {
            bool beside = are_neighbours(drawn, i, j);
            same = same && !(beside && set_of[i] == set_of[j]);
            before |= (uint64_t)beside << set_of[j];
        }
        first = first && set_of[i] == (unsigned)__builtin_ctzll(~before);
    }
    ck_assert_msg(same, "two neighbours are in one set");
    ck_assert_msg(first, "a vertex is not in the first set that has room for it");
}

START_TEST(no_two_neighbours_are_in_one_set)
{
    static const uint32_t gap[] = {1, 3, 300, 40000};
    GasketRandom random = gasket_random_at(5, 1, 0, 0);
    Drawn drawn;

    for (unsigned i = 0; i < check_times(2000, 200); i++) {
        draw(&drawn, &random, gap[i % 4], i / 4 % 8 * 4, 1 + gap[i % 4] * 100);
        assert_right(&drawn);
    }
}
END_TEST

START_TEST(a_block_without_neighbours_stays_whole)
{
    static const GasketProgram program = {.name = "alone"};
    const GasketAsyncKind kind = {.program = &program};
    const uint32_t vertex[] = {3, 4, 5};
    GasketAsyncSets sets;

    gasket_async_sets_split(&sets, &kind, NULL, vertex, 3);
    ck_assert_uint_eq(sets.n, 1);
    ck_assert_mem_eq(sets.vertex, vertex, sizeof vertex);
    gasket_async_sets_split(&sets, &kind, NULL, vertex, 0);
    ck_assert_uint_eq(sets.n, 0);
}
END_TEST

int
main(void)
{
    TCase *sets = tcase_create("sets");
    tcase_add_test(sets, no_two_neighbours_are_in_one_set);
    tcase_add_test(sets, a_block_without_neighbours_stays_whole);
    TCase *cases[] = {sets};
    return check_run("async_sets", cases, G_N_ELEMENTS(cases));
}
