/* The Retry-After header in all the forms that servers send. */
#include "common/retry_after.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MAX_MS = 120000 };
/* 2024-02-29T12:00:00Z */
static const int64_t now_ms = 1709208000000;

static int64_t wait_ms(const char *value)
{
    return retry_after_ms(value, "", now_ms, MAX_MS);
}

static void whole_seconds_are_milliseconds(void **state)
{
    (void)state;
    assert_int_equal(wait_ms("12"), 12000);
    assert_int_equal(wait_ms("0"), 0);
    assert_int_equal(wait_ms(" 7"), 7000);
    assert_int_equal(wait_ms("120"), MAX_MS);
}

static void a_fraction_is_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(wait_ms("1.5"), 2000);
    assert_int_equal(wait_ms("2.0"), 2000);
}

static void what_is_absurdly_long_is_clamped(void **state)
{
    (void)state;
    assert_int_equal(wait_ms("121"), MAX_MS);
    assert_int_equal(wait_ms("1709208030"), MAX_MS); /* seconds since 1970 */
    assert_int_equal(wait_ms("1709208030000"), MAX_MS);
    assert_int_equal(wait_ms("99999999999999999999999999999999"), MAX_MS);
    assert_int_equal(wait_ms("Fri, 31 Dec 9999 23:59:59 GMT"), MAX_MS);
    assert_int_equal(retry_after_ms("5", "", now_ms, 0), 0);
}

static void what_makes_no_sense_is_as_if_absent(void **state)
{
    (void)state;
    static const char *const values[] = {"",
                                         " ",
                                         "-1",
                                         "-99999999999999999999",
                                         "soon",
                                         "1e3",
                                         "0x10",
                                         "5 seconds",
                                         "+5",
                                         ".5",
                                         "12,13",
                                         "Thu, 29 Feb 2024 12:00:30",
                                         "Thu, 99 Feb 2024 12:00:30 GMT",
                                         "Thu, 29 Foo 2024 12:00:30 GMT",
                                         "Thu, 29 Feb 2024 25:00:30 GMT",
                                         "Thu,",
                                         ",",
                                         "Thu, 29 Feb 2024 12:00:30 GMT and more",
                                         "Thu Feb 29 12:00:30",
                                         "Thu Feb"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_int_equal(wait_ms(values[i]), RETRY_AFTER_NONE);
    }
}

static void all_three_forms_of_a_date_are_read(void **state)
{
    (void)state;
    assert_int_equal(wait_ms("Thu, 29 Feb 2024 12:00:30 GMT"), 30000);
    assert_int_equal(wait_ms("Thursday, 29-Feb-24 12:00:30 GMT"), 30000);
    assert_int_equal(wait_ms("Thu Feb 29 12:00:30 2024"), 30000);
    assert_int_equal(wait_ms("Fri Mar  1 12:00:30 2024"), MAX_MS);
    assert_int_equal(http_date_s("Sun, 06 Nov 1994 08:49:37 GMT", now_ms), 784111777);
    assert_int_equal(http_date_s("Sunday, 06-Nov-94 08:49:37 GMT", now_ms), 784111777);
    assert_int_equal(http_date_s("Sun Nov  6 08:49:37 1994", now_ms), 784111777);
}

static void a_date_that_is_past_means_at_once(void **state)
{
    (void)state;
    assert_int_equal(wait_ms("Thu, 29 Feb 2024 11:59:59 GMT"), 0);
    assert_int_equal(wait_ms("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
}

static void a_date_counts_from_the_servers_own_clock(void **state)
{
    (void)state;
    const char *server_now = "Wed, 28 Feb 2024 12:00:00 GMT"; /* a day behind ours */
    assert_int_equal(retry_after_ms("Wed, 28 Feb 2024 12:00:09 GMT", server_now, now_ms, MAX_MS),
                     9000);
    assert_int_equal(retry_after_ms("Thu, 29 Feb 2024 12:00:09 GMT", "rubbish", now_ms, MAX_MS),
                     9000);
}

static void a_year_of_two_digits_is_near_the_present(void **state)
{
    (void)state;
    assert_int_equal(http_date_s("Thursday, 01-Jan-70 00:00:00 GMT", now_ms), 3155760000);
    assert_int_equal(http_date_s("Friday, 01-Jan-99 00:00:00 GMT", now_ms), 915148800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_seconds_are_milliseconds),
        cmocka_unit_test(a_fraction_is_rounded_up),
        cmocka_unit_test(what_is_absurdly_long_is_clamped),
        cmocka_unit_test(what_makes_no_sense_is_as_if_absent),
        cmocka_unit_test(all_three_forms_of_a_date_are_read),
        cmocka_unit_test(a_date_that_is_past_means_at_once),
        cmocka_unit_test(a_date_counts_from_the_servers_own_clock),
        cmocka_unit_test(a_year_of_two_digits_is_near_the_present),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
