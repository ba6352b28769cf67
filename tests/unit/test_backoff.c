/* The delay before a next try. */
#include "common/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct backoff policy = {.base_ms = 1000, .max_ms = 60000};

static void the_longest_delay_doubles_with_each_attempt(void **state)
{
    (void)state;
    assert_int_equal(backoff_delay_ms(&policy, 1, UINT32_MAX), 1000);
    assert_int_equal(backoff_delay_ms(&policy, 2, UINT32_MAX), 2000);
    assert_int_equal(backoff_delay_ms(&policy, 5, UINT32_MAX), 16000);
}

static void no_delay_passes_the_ceiling(void **state)
{
    (void)state;
    assert_int_equal(backoff_delay_ms(&policy, 7, UINT32_MAX), 60000);
    assert_int_equal(backoff_delay_ms(&policy, 4000000000U, UINT32_MAX), 60000);
}

static void the_jitter_covers_the_whole_range_from_zero(void **state)
{
    (void)state;
    assert_int_equal(backoff_delay_ms(&policy, 3, 0), 0);
    assert_int_equal(backoff_delay_ms(&policy, 3, UINT32_MAX / 2), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_delay_doubles_with_each_attempt),
        cmocka_unit_test(no_delay_passes_the_ceiling),
        cmocka_unit_test(the_jitter_covers_the_whole_range_from_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
