/* SPDX-License-Identifier: Apache-2.0 */
/* Results of several workers, merged by ascending id: text ids, columns that name vertices, several
 * kinds, long rows; and frames of results that are none. */
#include <string.h>

#include "engine/array.h"
#include "engine/job.h"
#include "engine/result_pack.h"
#include "tests/check_main.h"
#include "tests/run_everywhere.h"

/* Kind 0: users with text ids; kind 1: items with integer ids, each friend[i] an ordinal. */
typedef struct {
    double x;
    uint32_t friend;
    float wide[700];
} User;

typedef struct {
    int32_t y;
} Item;

static const GasketResultColumn results[] = {
    {"x", 0, GASKET_DOUBLE, offsetof(User, x), 0, false, false},
    {"y", 1, GASKET_INT32, offsetof(Item, y), 0, false, false},
    {"friend", 0, GASKET_VERTEX, offsetof(User, friend), 1, false, false},
    {"wide", 0, GASKET_FLOAT, offsetof(User, wide), 700, false, false},
    {"tail", 0, GASKET_DOUBLE, 0, 0, false, true}};

typedef struct {
    unsigned n_users, n_items;
    bool outside; /* a result column beyond the state */
} Shape;

static void
user_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    User *user = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++) {
        uint32_t v = context->ordinal[run->vertex[i]];
        User *u = &user[run->vertex[i]];
        u->x = 1.0 / (v + 1);
        u->friend = v % 7 == 0 ? GASKET_NO_VERTEX : context->n_vertices - 1 - v;
        for (unsigned k = 0; k < 700; k++)
            u->wide[k] = (float)(v * 700 + k);
    }
}

static void
item_apply(const GasketContext *context, const GasketVertices *run, const void *sums)
{
    Item *item = run->state;
    (void)sums;
    for (size_t i = 0; i < run->count; i++)
        item[run->vertex[i]].y = -(int32_t)context->ordinal[run->vertex[i]];
}

/* A user has as many elements as its ordinal's last digit, and one has very many. */
static size_t
tail_length(const GasketContext *context, GasketVertex v, const void *state)
{
    uint32_t ordinal = context->ordinal[v];
    (void)state;
    return ordinal == 4 ? 20000 : ordinal % 10;
}

static bool
fill_tails(GasketRun *run, GError **error)
{
    void *data;
    const uint64_t *begin;
    if (!gasket_run_set_result(run, 4, tail_length, NULL, &data, &begin, error))
        return false;
    const uint32_t *ordinal = gasket_run_context(run, 0)->ordinal;
    for (uint32_t v = 0; v < gasket_run_n_owned(run, 0); v++)
        for (uint64_t e = begin[v]; e < begin[v + 1]; e++)
            ((double *)data)[e] = ordinal[v] + 0.5 * (double)(e - begin[v]);
    return true;
}

static bool
collect_run(GasketRun *run, const void *parameters, GError **error)
{
    const Shape *shape = parameters;
    const GasketProgram users = {.name = "users", .apply = user_apply};
    const GasketProgram items = {.name = "items", .kind = 1, .apply = item_apply};
    uint32_t found;
    if (!gasket_run_set_state(run, 0, sizeof(User), error) ||
        !gasket_run_set_state(run, 1, shape->outside ? 2 : sizeof(Item), error) ||
        !gasket_run_step(run, &users, error) || !fill_tails(run, error))
        return false;
    if (!shape->outside && !gasket_run_step(run, &items, error))
        return false;
    if (shape->n_users > 3 && (!gasket_run_find(run, 0, "user 00003", &found, error) || found != 3))
        return false;
    if (shape->n_items > 3 && (!gasket_run_find(run, 1, "5", &found, error) || found != 3))
        return false;
    if (gasket_run_find(run, 1, "05", &found, error))
        return false;
    if (!g_error_matches(*error, GASKET_ERROR, GASKET_ERROR_ARGUMENT))
        return false;
    g_clear_error(error);
    return true;
}

static const GasketNeeds needs[] = {{.in_rows = true, .out_rows = true}};
static const GasketAlgorithm algorithm = {.abi = GASKET_ABI,
                                          .name = "collect",
                                          .needs = needs,
                                          .n_needs = 1,
                                          .results = results,
                                          .n_results = 5,
                                          .run = collect_run};

/* Text ids of different lengths, among them long ones; items -1, 1, 3, 5, ... */
static char *
user_id(unsigned v)
{
    GString *id = g_string_new(NULL);
    g_string_append_printf(id, "user %05u", v);
    for (unsigned i = 0; v % 1000 == 17 && i < 60000; i++)
        g_string_append_c(id, 'x');
    return g_string_free(id, FALSE);
}

static GasketGraph *
build(const Shape *shape, unsigned seed)
{
    const GasketGraphRules rules = {.order = seed % 2 ? GASKET_ORDER_DEGREE : GASKET_ORDER_GIVEN};
    GasketRandom random = gasket_random_at(seed, 0, 0, 0);
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    gasket_graph_builder_add_kind(builder, "user");
    gasket_graph_builder_add_kind(builder, "item");
    gasket_graph_builder_add_relation(builder, "likes", 0, 1, false);
    for (unsigned v = shape->n_users; v-- > 0;) {
        g_autofree char *id = user_id(v);
        const char *const ids[] = {id};
        ck_assert(gasket_graph_builder_add_vertices_text(builder, 0, 1, ids, NULL, NULL));
    }
    for (unsigned v = shape->n_items; v-- > 0;) {
        const int64_t id = 2 * (int64_t)v - 1;
        ck_assert(gasket_graph_builder_add_vertices(builder, 1, 1, &id, NULL, NULL));
    }
    for (unsigned i = 0; i < shape->n_users && shape->n_items > 0; i++) {
        g_autofree char *from = user_id(gasket_random_below(&random, shape->n_users));
        g_autofree char *to =
            g_strdup_printf("%d", 2 * (int)gasket_random_below(&random, shape->n_items) - 1);
        const char *const source[] = {from}, *const target[] = {to};
        ck_assert(gasket_graph_builder_add_edges_text(builder, 0, 1, source, target, NULL, NULL));
    }
    g_autoptr(GError) error = NULL;
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    ck_assert_no_error(error);
    return graph;
}

typedef struct {
    const Shape *shape;
    unsigned seed, workers;
    uint32_t n[2]; /* rows of each kind that have come */
} Collected;

static GasketGraph *
load(void *data, GasketReport *report, GError **error)
{
    const Collected *collected = data;
    (void)report, (void)error;
    return build(collected->shape, collected->seed);
}

static uint32_t **
partition(void *data, const GasketGraph *graph, unsigned parts, GasketReport *report,
          GError **error)
{
    const Collected *collected = data;
    uint32_t **owner = gasket_array_new(graph->n_kinds, sizeof *owner, error);
    (void)report;
    for (unsigned k = 0; k < graph->n_kinds; k++) {
        GasketRandom random = gasket_random_at(collected->seed, 1, k, parts);
        owner[k] = gasket_array_new(graph->kinds[k].n_vertices, 4, error);
        for (uint32_t v = 0; v < graph->kinds[k].n_vertices; v++)
            owner[k][v] = gasket_random_below(&random, collected->seed % 3 ? parts : 1);
    }
    return owner;
}

static bool
is_id(const GasketIds *ids, uint32_t i, char *expected_take)
{
    g_autofree char *expected = expected_take;
    g_autoptr(GString) text = g_string_new(NULL);
    gasket_ids_append(ids, i, text);
    return strcmp(text->str, expected) == 0;
}

static bool
is_item(const GasketResultBlock *block, uint32_t i, uint32_t ordinal)
{
    return block->directory == NULL &&
           is_id(block->ids, i, g_strdup_printf("%d", 2 * (int)ordinal - 1)) &&
           ((const int32_t *)block->columns[0])[i] == -(int)ordinal;
}

static bool
is_tail(const GasketResultBlock *block, uint32_t i, uint32_t ordinal)
{
    const uint64_t *begin = block->begin[3] + i;
    const double *tail = (const double *)block->columns[3] + begin[0];
    if (begin[1] - begin[0] != (ordinal == 4 ? 20000 : ordinal % 10))
        return false;
    for (uint64_t e = 0; e < begin[1] - begin[0]; e++)
        if (tail[e] != ordinal + 0.5 * (double)e)
            return false;
    return true;
}

static bool
is_user(const Shape *shape, const GasketResultBlock *block, uint32_t i, uint32_t ordinal)
{
    uint32_t expected = ordinal % 7 ? shape->n_users - 1 - ordinal : GASKET_NO_VERTEX;
    const float *wide = (const float *)block->columns[2] + (size_t)i * 700;
    return is_id(block->ids, i, user_id(ordinal)) &&
           ((const double *)block->columns[0])[i] == 1.0 / (ordinal + 1) &&
           ((const uint32_t *)block->columns[1])[i] == expected && block->directory != NULL &&
           block->directory->n == shape->n_users &&
           (expected == GASKET_NO_VERTEX || is_id(block->directory, expected, user_id(expected))) &&
           wide[0] == (float)(ordinal * 700) && wide[699] == (float)(ordinal * 700 + 699) &&
           is_tail(block, i, ordinal);
}

/* In rank 0's thread, where Check's assertions do not work: what is wrong is an error. */
static bool
result(void *data, const GasketResultBlock *block, GError **error)
{
    Collected *collected = data;
    uint32_t *next = &collected->n[block->kind];
    for (uint32_t i = 0; i < block->n; i++, ++*next) {
        if (block->ids->n == block->n &&
            (block->kind == 1 ? is_item(block, i, *next)
                              : is_user(collected->shape, block, i, *next)))
            continue;
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "row %u of kind %u is wrong", *next,
                    block->kind);
        return false;
    }
    return true;
}

static bool
collect(Collected *collected, GError **error)
{
    GasketStopped stopped;
    GasketJob job = {.algorithm = &algorithm,
                     .parameters = collected->shape,
                     .needs = needs,
                     .n_needs = 1,
                     .results = results,
                     .n_results = 5,
                     .workers = collected->workers,
                     .threads = 1,
                     .data = collected,
                     .load = load,
                     .partition = partition,
                     .result = result};
    return gasket_job_run(&job, &stopped, error);
}

START_TEST(rows_of_all_workers_come_by_ascending_id)
{
    static const Shape shapes[] = {
        {9000, 50, false}, {1, 1, false}, {300, 5000, false}, {0, 0, false}, {5, 0, false}};
    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        for (unsigned workers = 1; workers <= (i == 0 ? 3u : 5u); workers++) {
            Collected collected = {.shape = &shapes[i], .seed = i + workers, .workers = workers};
            g_autoptr(GError) error = NULL;
            ck_assert_msg(collect(&collected, &error), "%s", error ? error->message : "");
            ck_assert_uint_eq(collected.n[0], shapes[i].n_users);
            ck_assert_uint_eq(collected.n[1], shapes[i].n_items);
        }
    }
}
END_TEST

START_TEST(a_result_outside_the_state_is_refused)
{
    static const Shape shape = {20, 20, true};
    for (unsigned workers = 1; workers <= 3; workers++) {
        Collected collected = {.shape = &shape, .seed = 1, .workers = workers};
        g_autoptr(GError) error = NULL;
        ck_assert(!collect(&collected, &error));
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_ARGUMENT));
    }
}
END_TEST

/* ---- frames ---------------------------------------------------------------------------------- */

START_TEST(broken_frames_of_rows_are_refused_or_stay_in_bounds)
{
    static const GasketResultField fields[] = {{0, 8, false, 0}, {8, 3, false, 1}, {0, 2, true, 2}};
    GasketRandom random = gasket_random_at(9, 0, 0, 0);
    unsigned n_opened = 0;
    for (unsigned i = 0; i < 200000; i++) {
        const uint8_t *columns[3];
        const uint32_t *lengths[3];
        GasketResultRows rows = {.columns = columns, .lengths = lengths};
        uint32_t length = gasket_random_below(&random, 30) * 8;
        uint32_t words[] = {gasket_random_below(&random, 4),
                            gasket_random_below(&random, 2),
                            3,
                            0,
                            gasket_random_below(&random, 20),
                            0};
        g_autoptr(GasketFrame) frame = gasket_frame_new(1, length, NULL);
        for (uint32_t b = 0; b < length; b++)
            frame->payload[b] = gasket_random_below(&random, 2) ? 0 : 1;
        if (i % 50 == 0)
            words[gasket_random_below(&random, 6)] = gasket_random_uint32(&random);
        memcpy(frame->payload, words, MIN(length, sizeof words));
        if (!gasket_result_unpack(frame, fields, 3, &rows))
            continue;
        n_opened++;
        uint64_t text = 0, sum = 0;
        const uint8_t *tail = columns[2];
        for (uint32_t r = 0; r < rows.count; r++) {
            text += rows.text_length ? rows.text_length[r] : 0;
            sum += rows.ordinal[r] + (uint64_t)(rows.integer ? rows.integer[r] : 0);
            sum += columns[0][r * 8 + 7] + columns[1][r * 3 + 2];
            for (uint32_t e = 0; e < lengths[2][r]; e++, tail += 2)
                sum += tail[0] + tail[1];
        }
        for (uint64_t k = 0; k < text; k++)
            sum += (uint8_t)rows.text[k];
        ck_assert(rows.count > 0 || sum == 0);
    }
    ck_assert_uint_gt(n_opened, 100);
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("collect")};
    tcase_set_timeout(cases[0], 120);
    tcase_add_test(cases[0], rows_of_all_workers_come_by_ascending_id);
    tcase_add_test(cases[0], a_result_outside_the_state_is_refused);
    tcase_add_test(cases[0], broken_frames_of_rows_are_refused_or_stay_in_bounds);
    return check_run("collect", cases, 1);
}
