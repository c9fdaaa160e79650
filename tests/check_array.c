/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays whose size comes from data: aligned, zeroed, resized with what they held, refused. */
#include "engine/array.h"

#include <string.h>

#include "tests/check_main.h"

#define HUGE_BYTES ((uint64_t)2 << 20)

/* Lengths around the border between malloc and pages of their own. */
static const uint64_t length[] = {0,
                                  1,
                                  63,
                                  64,
                                  1000,
                                  HUGE_BYTES - 1,
                                  HUGE_BYTES,
                                  HUGE_BYTES + 1,
                                  HUGE_BYTES + 4096,
                                  3 * HUGE_BYTES + 17};

static bool
is_all(const uint8_t *bytes, uint64_t begin, uint64_t end, uint8_t value)
{
    for (uint64_t i = begin; i < end; i++) {
        if (bytes[i] != value)
            return false;
    }
    return true;
}

START_TEST(arrays_are_aligned_zeroed_and_writable_to_their_end)
{
    uint64_t n = length[_i];
    g_autoptr(GError) error = NULL;
    uint8_t *array = gasket_array_new(n, 1, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq((uintptr_t)array % 64, 0);
    if (n >= HUGE_BYTES)
        ck_assert_uint_eq((uintptr_t)array % HUGE_BYTES, 0);
    ck_assert(is_all(array, 0, MAX(n, 1), 0));
    memset(array, 1, MAX(n, 1));
    gasket_array_free(array);
}
END_TEST

START_TEST(resizing_keeps_the_old_elements_and_zeroes_the_new)
{
    for (unsigned to = 0; to < G_N_ELEMENTS(length); to++) {
        uint64_t n = length[_i], m = length[to];
        uint8_t *array = gasket_array_new(n, 1, NULL);
        memset(array, 7, n);
        array = gasket_array_resize(array, m, 1, NULL);
        ck_assert_ptr_nonnull(array);
        ck_assert_uint_eq((uintptr_t)array % 64, 0);
        ck_assert(is_all(array, 0, MIN(n, m), 7));
        ck_assert(is_all(array, n, m, 0));
        memset(array, 9, m);

        /* Down and up again: what was cut off does not come back. */
        uint64_t half = m / 2;
        array = gasket_array_resize(array, half, 1, NULL);
        ck_assert_ptr_nonnull(array);
        array = gasket_array_resize(array, m, 1, NULL);
        ck_assert_ptr_nonnull(array);
        ck_assert(is_all(array, 0, half, 9));
        ck_assert(is_all(array, half, m, 0));
        gasket_array_free(array);
    }
}
END_TEST

START_TEST(a_size_that_overflows_is_refused)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(gasket_array_new(UINT64_MAX / 2, 4, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
    g_clear_error(&error);
    ck_assert_ptr_null(gasket_array_new(UINT64_MAX, 1, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
}
END_TEST

START_TEST(more_than_the_address_space_is_refused_and_the_old_array_stays)
{
    g_autoptr(GError) error = NULL;
    uint64_t n = (uint64_t)1 << 61;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t before = i == 0 ? 10 : HUGE_BYTES;
        uint8_t *array = gasket_array_new(before, 1, NULL);
        memset(array, 5, before);
        ck_assert_ptr_null(gasket_array_resize(array, n, 1, &error));
        ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
        g_clear_error(&error);
        ck_assert(is_all(array, 0, before, 5));
        gasket_array_free(array);
    }
}
END_TEST

START_TEST(the_nth_allocation_fails_once)
{
    g_autoptr(GError) error = NULL;
    gasket_array_fail_at(3);
    int *a = gasket_array_new(1, sizeof *a, NULL);
    int *b = gasket_array_new(1, sizeof *b, NULL);
    ck_assert(a != NULL && b != NULL);
    ck_assert_ptr_null(gasket_array_resize(b, 2, sizeof *b, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_MEMORY));
    b = gasket_array_resize(b, 2, sizeof *b, NULL);
    ck_assert_ptr_nonnull(b);
    gasket_array_fail_at(1);
    gasket_array_fail_at(0);
    int *c = gasket_array_new(1, sizeof *c, NULL);
    ck_assert_ptr_nonnull(c);
    gasket_array_free(a);
    gasket_array_free(b);
    gasket_array_free(c);
    gasket_array_free(NULL);
}
END_TEST

int
main(void)
{
    TCase *arrays = tcase_create("arrays");
    tcase_set_timeout(arrays, 60);
    tcase_add_loop_test(arrays, arrays_are_aligned_zeroed_and_writable_to_their_end, 0,
                        G_N_ELEMENTS(length));
    tcase_add_loop_test(arrays, resizing_keeps_the_old_elements_and_zeroes_the_new, 0,
                        G_N_ELEMENTS(length));
    tcase_add_test(arrays, a_size_that_overflows_is_refused);
    tcase_add_test(arrays, more_than_the_address_space_is_refused_and_the_old_array_stays);
    tcase_add_test(arrays, the_nth_allocation_fails_once);
    TCase *cases[] = {arrays};
    return check_run("array", cases, G_N_ELEMENTS(cases));
}
