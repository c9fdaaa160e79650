/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine/array.h"
#include "engine/dictionary.h"
#include "engine/graph.h"
#include "engine/id_set.h"
#include "tests/check_main.h"

static bool
parses(const char *text, int64_t expected)
{
    int64_t value = 12345;
    return gasket_parse_canonical(text, strlen(text), &value) && value == expected;
}

static bool
is_text(const char *text)
{
    int64_t value = 12345;
    return !gasket_parse_canonical(text, strlen(text), &value) && value == 12345;
}

START_TEST(canonical_decimals_are_what_printf_writes)
{
    ck_assert(parses("0", 0));
    ck_assert(parses("7", 7));
    ck_assert(parses("-1", -1));
    ck_assert(parses("2147483648", INT64_C(2147483648)));
    ck_assert(parses("9223372036854775807", INT64_MAX));
    ck_assert(parses("-9223372036854775808", INT64_MIN));
}
END_TEST

START_TEST(everything_else_is_text)
{
    const char *const texts[] = {"",
                                 "-",
                                 "-0",
                                 "00",
                                 "07",
                                 "-07",
                                 "+1",
                                 " 1",
                                 "1 ",
                                 "1.0",
                                 "1e3",
                                 "0x1",
                                 "a",
                                 "--1",
                                 "9223372036854775808",
                                 "-9223372036854775809",
                                 "18446744073709551616",
                                 "99999999999999999999999"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        ck_assert_msg(is_text(texts[i]), "%s", texts[i]);
}
END_TEST

START_TEST(integer_ids_compare_by_value_and_are_written_in_full)
{
    int64_t integer[] = {INT64_MIN, 10, 9};
    const GasketIds ids = {.n = 3, .integer = integer};
    ck_assert_int_lt(gasket_ids_compare(&ids, 0, 1), 0);
    ck_assert_int_gt(gasket_ids_compare(&ids, 1, 2), 0);
    ck_assert_int_eq(gasket_ids_compare(&ids, 1, 1), 0);
    g_autoptr(GString) text = g_string_new("id ");
    gasket_ids_append(&ids, 0, text);
    ck_assert_str_eq(text->str, "id -9223372036854775808");
}
END_TEST

START_TEST(text_ids_compare_by_bytes_a_beginning_first)
{
    char text[] = "10"
                  "9"
                  "9a"
                  "\xc3\xa9";
    uint64_t begin[] = {0, 2, 3, 5, 7, 7};
    const GasketIds ids = {.n = 5, .text_begin = begin, .text = text};
    ck_assert_int_lt(gasket_ids_compare(&ids, 0, 1), 0); /* 10 < 9 */
    ck_assert_int_lt(gasket_ids_compare(&ids, 1, 2), 0); /* 9 < 9a */
    ck_assert_int_lt(gasket_ids_compare(&ids, 2, 3), 0); /* bytes are unsigned */
    ck_assert_int_lt(gasket_ids_compare(&ids, 4, 0), 0); /* the empty one */
    g_autoptr(GString) out = g_string_new(NULL);
    gasket_ids_append(&ids, 2, out);
    ck_assert_str_eq(out->str, "9a");
}
END_TEST

START_TEST(a_dictionary_gives_each_id_one_index)
{
    GasketDictionary dictionary = {0};
    g_autoptr(GError) error = NULL;
    enum { N = 5000 };
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < N; i++) {
            char text[16];
            int length = g_snprintf(text, sizeof text, "v%u", i);
            uint32_t index;
            ck_assert(gasket_dictionary_integer(&dictionary, -(int64_t)i, &index, &error));
            ck_assert_uint_eq(index, 2 * i);
            ck_assert(gasket_dictionary_text(&dictionary, text, (size_t)length, &index, &error));
            ck_assert_uint_eq(index, 2 * i + 1);
        }
    }
    ck_assert_uint_eq(dictionary.n, 2 * N);
    ck_assert(gasket_dictionary_check(&dictionary, &error));
    ck_assert_no_error(error);
    dictionary.entries[N].value ^= 1;
    ck_assert(!gasket_dictionary_check(&dictionary, NULL));
    gasket_dictionary_clear(&dictionary);
}
END_TEST

/* Adds the same random ids to a set and to an array of flags, and compares ranks and list. */
static void
compare_set(uint32_t end, uint64_t n_adds, bool dense)
{
    g_autoptr(GRand) rng = g_rand_new_with_seed(end);
    g_autoptr(GError) error = NULL;
    GasketIdSet set;
    ck_assert(gasket_id_set_init(&set, end, n_adds, &error));
    ck_assert((set.bits != NULL) == dense);
    g_autofree uint32_t *ids = g_new0(uint32_t, n_adds);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    for (uint64_t i = 0; i < n_adds; i++) {
        ids[i] = i == 0 ? end - 1 : g_rand_int(rng) % end;
        if (i % 3 == 2)
            ids[i] = ids[i - 1]; /* again */
        g_hash_table_add(seen, GUINT_TO_POINTER(ids[i] + 1));
        if (dense)
            gasket_id_set_add_dense(&set, ids[i]);
        else
            ck_assert(gasket_id_set_add_sparse(&set, ids[i], &error));
    }
    ck_assert(gasket_id_set_seal(&set, &error));
    ck_assert_uint_eq(set.n, g_hash_table_size(seen));
    ck_assert(gasket_id_set_check(&set, &error));
    ck_assert_no_error(error);
    set.n++;
    ck_assert(!gasket_id_set_check(&set, NULL));
    set.n--;
    g_autofree uint32_t *list = g_new0(uint32_t, set.n);
    gasket_id_set_list(&set, list);
    for (uint32_t i = 0; i < set.n; i++) {
        ck_assert(g_hash_table_contains(seen, GUINT_TO_POINTER(list[i] + 1)));
        ck_assert(i == 0 || list[i - 1] < list[i]);
        ck_assert_uint_eq(gasket_id_set_rank(&set, list[i]), i);
    }
    gasket_id_set_clear(&set);
}

START_TEST(a_set_of_ids_knows_their_ranks_dense_or_sparse)
{
    compare_set(1, 1, true);
    compare_set(512, 300, true);
    compare_set(513, 300, true);
    compare_set(100000, 50000, true);
    compare_set(GASKET_NO_VERTEX / 2, 5000, false);
    compare_set(GASKET_NO_VERTEX / 4, 1, false);
}
END_TEST

int
main(void)
{
    TCase *ids = tcase_create("ids");
    tcase_add_test(ids, canonical_decimals_are_what_printf_writes);
    tcase_add_test(ids, everything_else_is_text);
    tcase_add_test(ids, integer_ids_compare_by_value_and_are_written_in_full);
    tcase_add_test(ids, text_ids_compare_by_bytes_a_beginning_first);
    tcase_add_test(ids, a_dictionary_gives_each_id_one_index);
    tcase_add_test(ids, a_set_of_ids_knows_their_ranks_dense_or_sparse);
    return check_run("ids", &ids, 1);
}
