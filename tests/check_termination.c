/* SPDX-License-Identifier: Apache-2.0 */
/* The end of asynchronous runs: two machines whose messages are carried by hand. */
#include "engine/termination.h"
#include "tests/check_main.h"

static GasketTermination zero, one;

static void
two_set_up(void)
{
    gasket_termination_init(&zero, 0, 2);
    gasket_termination_init(&one, 1, 2);
}

static void
two_clear(void)
{
    gasket_termination_clear(&zero);
    gasket_termination_clear(&one);
}

/* Carries one message from a machine to the other; its type, 0: it has none. */
static unsigned
carry(GasketTermination *from, GasketTermination *to)
{
    g_autoptr(GError) error = NULL;
    GasketTerminationMessage message;
    unsigned rank;
    if (!gasket_termination_next(from, &rank, &message))
        return 0;
    ck_assert_uint_eq(rank, to->rank);
    ck_assert(gasket_termination_take(to, from->rank, &message, &error));
    return message.type;
}

START_TEST(a_message_that_crosses_two_waves_is_waited_for)
{
    gasket_termination_sent(&zero, 1); /* and it flies for long */
    for (unsigned wave = 0; wave < 5; wave++) {
        ck_assert_uint_eq(carry(&zero, &one), GASKET_TERMINATION_PROBE);
        ck_assert_uint_eq(carry(&one, &zero), GASKET_TERMINATION_ANSWER);
        ck_assert_int_eq(gasket_termination_verdict(&zero), GASKET_END_NONE);
    }
    gasket_termination_received(&one, 1);
    for (unsigned wave = 0; wave < 2; wave++) {
        ck_assert_uint_eq(carry(&zero, &one), GASKET_TERMINATION_PROBE);
        ck_assert_uint_eq(carry(&one, &zero), GASKET_TERMINATION_ANSWER);
    }
    ck_assert_int_eq(gasket_termination_verdict(&zero), GASKET_END_QUIET);
    ck_assert(!gasket_termination_is_over(&zero));
    ck_assert_uint_eq(carry(&zero, &one), GASKET_TERMINATION_VERDICT);
    ck_assert(!gasket_termination_is_over(&one));
    ck_assert_uint_eq(carry(&one, &zero), GASKET_TERMINATION_ACK);
    ck_assert(gasket_termination_is_over(&zero) && gasket_termination_is_over(&one));
    ck_assert_uint_eq(carry(&zero, &one), 0);
}
END_TEST

/* Rank 1 answers, then is woken by a message that rank 0 counts in its own answer of the same wave,
 * and answers it: sums of one wave agree although a message is on its way. */
START_TEST(equal_sums_of_one_wave_are_not_enough)
{
    gasket_termination_set_work(&zero, GASKET_WORK_VERTICES, 1);
    carry(&zero, &one);
    carry(&one, &zero); /* sent 0, received 0 */
    gasket_termination_sent(&zero, 1);
    gasket_termination_received(&one, 1);
    gasket_termination_sent(&one, 1);
    gasket_termination_received(&zero, 1);
    gasket_termination_set_work(&one, GASKET_WORK_VERTICES, 1);
    gasket_termination_set_work(&zero, GASKET_WORK_VERTICES, 0);
    carry(&zero, &one); /* it answers itself: sent 1, received 1, and begins the second wave */
    ck_assert_uint_eq(zero.wave, 2);
    ck_assert_uint_eq(zero.before, 1);
    ck_assert_int_eq(gasket_termination_verdict(&zero), GASKET_END_NONE);
    ck_assert_uint_eq(carry(&one, &zero), 0);
    gasket_termination_set_work(&one, GASKET_WORK_VERTICES, 0);
    while (carry(&one, &zero) + carry(&zero, &one) > 0)
        continue;
    ck_assert_int_eq(gasket_termination_verdict(&one), GASKET_END_QUIET);
    ck_assert_uint_ge(zero.wave, 3); /* received 1 before, sent 2 now: once more */
}
END_TEST

START_TEST(every_sort_of_work_holds_up_the_wave)
{
    carry(&zero, &one);
    for (unsigned work = 0; work < GASKET_N_WORKS; work++) {
        gasket_termination_set_work(&one, work, 1);
        ck_assert(!gasket_termination_is_idle(&one));
        ck_assert_uint_eq(carry(&one, &zero), 0);
        gasket_termination_set_work(&one, work, 0);
    }
    ck_assert_uint_eq(carry(&one, &zero), GASKET_TERMINATION_ANSWER);
}
END_TEST

START_TEST(counters_do_not_wrap_at_32_bits)
{
    gasket_termination_sent(&zero, (UINT64_C(1) << 33) + 1);
    gasket_termination_received(&one, (UINT64_C(1) << 33) - UINT32_MAX);
    for (unsigned wave = 0; wave < 4; wave++) { /* 2^32 are missing */
        carry(&zero, &one);
        carry(&one, &zero);
    }
    ck_assert_int_eq(gasket_termination_verdict(&zero), GASKET_END_NONE);
    gasket_termination_received(&one, UINT64_C(1) << 32);
    while (carry(&zero, &one) + carry(&one, &zero) > 0)
        continue;
    ck_assert(gasket_termination_is_over(&zero));
}
END_TEST

START_TEST(to_cease_ends_the_run_with_the_first_reason_everywhere)
{
    gasket_termination_set_work(&zero, GASKET_WORK_VERTICES, 7);
    gasket_termination_set_work(&one, GASKET_WORK_VERTICES, 7);
    gasket_termination_cease(&one, GASKET_END_LIMIT);
    gasket_termination_cease(&zero, GASKET_END_STOPPED);
    ck_assert_uint_eq(carry(&one, &zero), GASKET_TERMINATION_CEASE); /* the second to arrive */
    ck_assert_uint_eq(carry(&zero, &one), GASKET_TERMINATION_CEASE);
    ck_assert_int_eq(gasket_termination_ceasing(&one), GASKET_END_STOPPED);
    gasket_termination_set_work(&one, GASKET_WORK_VERTICES, 0);
    gasket_termination_set_work(&zero, GASKET_WORK_VERTICES, 0);
    while (carry(&zero, &one) + carry(&one, &zero) > 0)
        continue;
    ck_assert_int_eq(gasket_termination_verdict(&zero), GASKET_END_STOPPED);
    ck_assert_int_eq(gasket_termination_verdict(&one), GASKET_END_STOPPED);
    ck_assert(gasket_termination_is_over(&zero) && gasket_termination_is_over(&one));
    gasket_termination_cease(&zero, GASKET_END_LIMIT); /* too late */
    ck_assert_int_eq(gasket_termination_verdict(&zero), GASKET_END_STOPPED);
}
END_TEST

START_TEST(one_worker_ends_by_itself)
{
    GasketTermination alone;
    GasketTerminationMessage message;
    unsigned to;
    gasket_termination_init(&alone, 0, 1);
    gasket_termination_set_work(&alone, GASKET_WORK_VERTICES, 1);
    ck_assert(!gasket_termination_next(&alone, &to, &message));
    ck_assert(!gasket_termination_is_over(&alone));
    gasket_termination_set_work(&alone, GASKET_WORK_VERTICES, 0);
    ck_assert(!gasket_termination_next(&alone, &to, &message));
    ck_assert(gasket_termination_is_over(&alone));
    gasket_termination_clear(&alone);
}
END_TEST

static void
refused(GasketTermination *t, unsigned from, GasketTerminationMessage message)
{
    g_autoptr(GError) error = NULL;
    ck_assert(!gasket_termination_take(t, from, &message, &error));
    ck_assert(g_error_matches(error, GASKET_ERROR, GASKET_ERROR_PROTOCOL));
    ck_assert_ptr_nonnull(strstr(error->message, "rank "));
}

START_TEST(messages_that_do_not_fit_are_refused)
{
    refused(&one, 0, (GasketTerminationMessage){.type = 0});
    refused(&one, 0, (GasketTerminationMessage){.type = 77});
    refused(&one, 1, (GasketTerminationMessage){.type = GASKET_TERMINATION_PROBE, .wave = 1});
    refused(&one, 9, (GasketTerminationMessage){.type = GASKET_TERMINATION_PROBE, .wave = 1});
    refused(&one, 0, (GasketTerminationMessage){.type = GASKET_TERMINATION_PROBE, .wave = 2});
    refused(&one, 0, (GasketTerminationMessage){.type = GASKET_TERMINATION_ANSWER, .wave = 0});
    refused(&one, 0, (GasketTerminationMessage){.type = GASKET_TERMINATION_CEASE, .reason = 99});
    refused(&one, 0,
            (GasketTerminationMessage){.type = GASKET_TERMINATION_CEASE,
                                       .reason = GASKET_END_QUIET});
    refused(&one, 0,
            (GasketTerminationMessage){.type = GASKET_TERMINATION_VERDICT,
                                       .reason = GASKET_END_QUIET,
                                       .wave = 1});
    refused(&zero, 1, (GasketTerminationMessage){.type = GASKET_TERMINATION_PROBE, .wave = 2});
    refused(&zero, 1, (GasketTerminationMessage){.type = GASKET_TERMINATION_ANSWER, .wave = 2});
    refused(&zero, 1, (GasketTerminationMessage){.type = GASKET_TERMINATION_ACK});
    gasket_termination_set_work(&zero, GASKET_WORK_VERTICES, 1);
    carry(&zero, &one);
    gasket_termination_sent(&one, 5);
    carry(&one, &zero);
    refused(&zero, 1, (GasketTerminationMessage){.type = GASKET_TERMINATION_ANSWER, .wave = 1});
    gasket_termination_set_work(&zero, GASKET_WORK_VERTICES, 0);
    carry(&zero, &one);
    refused(&zero, 1,
            (GasketTerminationMessage){.type = GASKET_TERMINATION_ANSWER, .wave = 2, .sent = 4});
}
END_TEST

START_TEST(the_dump_names_the_rank_that_a_wave_waits_for)
{
    gasket_termination_set_work(&one, GASKET_WORK_LOCKS, 3);
    carry(&zero, &one);
    ck_assert_uint_eq(carry(&one, &zero), 0);
    g_autofree char *ours = gasket_termination_dump(&zero);
    g_autofree char *theirs = gasket_termination_dump(&one);
    ck_assert_ptr_nonnull(strstr(ours, "rank 1 last answered wave 0"));
    ck_assert_ptr_nonnull(strstr(ours, "this wave waits for it"));
    ck_assert_ptr_nonnull(strstr(theirs, "3 wait for locks"));
}
END_TEST

int
main(void)
{
    TCase *two = tcase_create("two workers");
    tcase_add_checked_fixture(two, two_set_up, two_clear);
    tcase_add_test(two, a_message_that_crosses_two_waves_is_waited_for);
    tcase_add_test(two, equal_sums_of_one_wave_are_not_enough);
    tcase_add_test(two, every_sort_of_work_holds_up_the_wave);
    tcase_add_test(two, counters_do_not_wrap_at_32_bits);
    tcase_add_test(two, to_cease_ends_the_run_with_the_first_reason_everywhere);
    tcase_add_test(two, one_worker_ends_by_itself);
    tcase_add_test(two, messages_that_do_not_fit_are_refused);
    tcase_add_test(two, the_dump_names_the_rank_that_a_wave_waits_for);
    TCase *cases[] = {two};
    return check_run("termination", cases, G_N_ELEMENTS(cases));
}
