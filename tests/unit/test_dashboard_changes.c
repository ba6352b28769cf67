#include "api/dashboard_changes.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

struct told {
    size_t count;
    char last[CHANGE_MAX_BYTES + 1];
};

static void on_change(void *arg, const char *line, size_t size)
{
    struct told *told = arg;
    told->count++;
    memcpy(told->last, line, size);
    told->last[size] = '\0';
}

static struct told told;

static int setup(void **state)
{
    told = (struct told){.count = 0};
    *state = dashboard_changes_new(on_change, &told);
    return 0;
}

static int teardown(void **state)
{
    dashboard_changes_free(*state);
    return 0;
}

static bool take(struct dashboard_changes *changes, const char *account, int number, int64_t now_ms)
{
    char message[200];
    int size = snprintf(message, sizeof message,
                        "{\"event\":\"state\",\"account\":\"%s\",\"state\":\"WORKING\",\"rev\":%d}",
                        account, number);
    return dashboard_changes_take(changes, message, (size_t)size, now_ms);
}

static void the_first_goes_at_once_and_the_last_is_not_lost(void **state)
{
    for (int i = 0; i < 1000; i++) {
        assert_true(take(*state, "acme", i, 1000));
    }
    assert_int_equal(told.count, 1);
    assert_true(dashboard_changes_flush(*state, 1000 + CHANGES_GAP_MS - 1));
    assert_int_equal(told.count, 1);
    (void)dashboard_changes_flush(*state, 1000 + CHANGES_GAP_MS);
    assert_int_equal(told.count, 2);
    assert_non_null(strstr(told.last, "\"rev\":999}"));
    assert_false(dashboard_changes_flush(*state, 1000 + 3 * CHANGES_GAP_MS));
    assert_int_equal(told.count, 2);
}

static void accounts_do_not_wait_for_each_other(void **state)
{
    assert_true(take(*state, "acme", 1, 1000));
    assert_true(take(*state, "bolt", 1, 1000));
    assert_true(take(*state, "acme", 2, 1000 + CHANGES_GAP_MS));
    assert_int_equal(told.count, 3);
}

static void an_abort_that_is_asked_for_takes_no_state_s_place(void **state)
{
    static const char abort_asked[] = "{\"event\":\"abort\",\"account\":\"acme\"}";
    assert_true(take(*state, "acme", 1, 1000));
    assert_true(take(*state, "acme", 2, 1001));
    assert_true(dashboard_changes_take(*state, abort_asked, sizeof abort_asked - 1, 1002));
    assert_int_equal(told.count, 2);
    (void)dashboard_changes_flush(*state, 1000 + CHANGES_GAP_MS);
    assert_int_equal(told.count, 3);
    assert_non_null(strstr(told.last, "\"rev\":2}"));
}

static void strangers_messages_are_ignored(void **state)
{
    static const char *const strange[] = {
        "",
        "hello",
        "[]",
        "{\"event\":\"state\"}",
        "{\"event\":\"state\",\"account\":7}",
        "{\"event\":\"state\",\"account\":\"\"}",
        "{\"account\":\"acme\",\"state\":\"WORKING\"}",
        "{\"event\":\"state\",\n\"account\":\"acme\"}",
        "{\"event\":\"state\",\r\"account\":\"acme\"}",
    };
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        assert_true(dashboard_changes_take(*state, strange[i], strlen(strange[i]), 1000));
    }
    char large[CHANGE_MAX_BYTES + 100];
    int size =
        snprintf(large, sizeof large, "{\"event\":\"state\",\"account\":\"acme\",\"x\":\"%*s\"}",
                 CHANGE_MAX_BYTES, "");
    assert_true(dashboard_changes_take(*state, large, (size_t)size, 1000));
    assert_int_equal(told.count, 0);
}

static void too_many_accounts_at_once_are_said_to_be(void **state)
{
    char name[32];
    for (int i = 0; i < CHANGES_ACCOUNTS_MAX; i++) {
        (void)snprintf(name, sizeof name, "account-%d", i);
        assert_true(take(*state, name, 1, 1000));
    }
    assert_false(take(*state, "one-more", 1, 1000));
    assert_true(take(*state, "one-more", 2, 1000));
    assert_int_equal(told.count, CHANGES_ACCOUNTS_MAX + 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_goes_at_once_and_the_last_is_not_lost),
        TEST(accounts_do_not_wait_for_each_other),
        TEST(an_abort_that_is_asked_for_takes_no_state_s_place),
        TEST(strangers_messages_are_ignored),
        TEST(too_many_accounts_at_once_are_said_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
