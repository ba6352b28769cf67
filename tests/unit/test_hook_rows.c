/* Rows by id, over several readings of a list. */
#include "common/hook_rows.h"
#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool take(struct hook_rows *rows, int64_t id, const char *target_url)
{
    struct registered_hook hook = {.id = id, .target_url = mem_copy_text(target_url)};
    secret_set(&hook.row, target_url, strlen(target_url));
    return hook_rows_take(rows, &hook);
}

static void a_row_is_new_once_in_each_reading(void **state)
{
    (void)state;
    struct hook_rows rows;
    hook_rows_init(&rows);
    hook_rows_start_reading(&rows);
    assert_true(take(&rows, 1, "a"));
    assert_false(take(&rows, 1, "a"));
    assert_int_equal(rows.seen, 1);
    hook_rows_start_reading(&rows);
    assert_int_equal(rows.seen, 0);
    assert_true(take(&rows, 1, "a"));
    assert_true(take(&rows, 2, "a"));
    assert_int_equal(rows.seen, 2);
    assert_int_equal(rows.count, 2);
    hook_rows_clear(&rows);
}

static void the_later_answer_stays(void **state)
{
    (void)state;
    struct hook_rows rows;
    hook_rows_init(&rows);
    hook_rows_start_reading(&rows);
    (void)take(&rows, 1, "before");
    (void)take(&rows, 1, "after!!");
    assert_int_equal(rows.count, 1);
    assert_string_equal(rows.hooks[0].target_url, "after!!");
    assert_int_equal(rows.bytes, strlen("after!!"));
    hook_rows_clear(&rows);
}

static void what_the_last_reading_has_not_seen_can_be_dropped(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct hook_rows rows;
    hook_rows_init(&rows);
    hook_rows_start_reading(&rows);
    for (int64_t id = 0; id < COUNT; id++) {
        (void)take(&rows, id, "xx");
    }
    hook_rows_start_reading(&rows);
    for (int64_t id = 0; id < COUNT; id += 3) {
        (void)take(&rows, id, "yyy");
    }
    assert_int_equal(rows.count, COUNT);
    hook_rows_keep_seen(&rows);
    assert_int_equal(rows.count, 34);
    assert_int_equal(rows.seen, 34);
    assert_int_equal(rows.bytes, 34 * 3);
    for (size_t i = 0; i < rows.count; i++) {
        assert_int_equal(rows.hooks[i].id % 3, 0);
    }
    /* And they are still found by their ids. */
    assert_false(take(&rows, 99, "yyy"));
    assert_true(take(&rows, 98, "yyy"));
    hook_rows_clear(&rows);
}

static void ids_of_any_size_are_told_apart(void **state)
{
    (void)state;
    static const int64_t ids[] = {0, -1, 1, INT64_MAX, INT64_MIN, INT64_C(1) << 32};
    struct hook_rows rows;
    hook_rows_init(&rows);
    hook_rows_start_reading(&rows);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_true(take(&rows, ids[i], "a"));
    }
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_false(take(&rows, ids[i], "a"));
    }
    hook_rows_clear(&rows);
    assert_int_equal(rows.count, 0);
    assert_int_equal(rows.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_new_once_in_each_reading),
        cmocka_unit_test(the_later_answer_stays),
        cmocka_unit_test(what_the_last_reading_has_not_seen_can_be_dropped),
        cmocka_unit_test(ids_of_any_size_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
