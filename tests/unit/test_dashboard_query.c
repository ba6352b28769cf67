#include "api/dashboard_query.h"
#include "tests/support/test.h"

#include <string.h>

static const char *const allowed[] = {"account", "limit", NULL};

static void names_and_values_are_decoded(void **state)
{
    (void)state;
    struct dashboard_query query;
    struct error err;
    assert_true(dashboard_query_parse(&query, "account=a%2Db+c%c3%A4&limit=", allowed, &err));
    assert_string_equal(dashboard_query_text(&query, "account"), "a-b c\xc3\xa4");
    assert_string_equal(dashboard_query_text(&query, "limit"), "");
    dashboard_query_clear(&query);
}

static void nothing_is_a_query_too(void **state)
{
    (void)state;
    struct dashboard_query query;
    struct error err;
    assert_true(dashboard_query_parse(&query, NULL, allowed, &err));
    assert_true(dashboard_query_parse(&query, "", allowed, &err));
    assert_null(dashboard_query_text(&query, "account"));
}

static void what_is_not_clear_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "account=a&account=b", "nobody=1",    "&",
        "account=a&",          "account=%",   "account=%4",
        "account=%4&limit=1",  "account=%zz", "account=%00",
        "account=%0d%0aX: y",  "account=%ff", "account=%c3",
        "account=%7f",         "=",           "Account=a",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dashboard_query query;
        struct error err;
        assert_false(dashboard_query_parse(&query, bad[i], allowed, &err));
        assert_int_equal(err.code, ERROR_BAD_INPUT);
        assert_int_equal(query.count, 0);
    }
}

static void the_parameter_is_named(void **state)
{
    (void)state;
    struct dashboard_query query;
    struct error err;
    assert_false(dashboard_query_parse(&query, "account=a&serach=b", allowed, &err));
    assert_string_equal(err.text, "serach: is not known here.");
    assert_false(dashboard_query_parse(&query, "%0aX=b", allowed, &err));
    assert_string_equal(err.text, "The query has a parameter that is not known here.");
    assert_false(dashboard_query_parse(&query, "account=a&account=b", allowed, &err));
    assert_string_equal(err.text, "account: is there more than once.");
}

static void long_ones_are_refused(void **state)
{
    (void)state;
    char text[QUERY_BYTES_MAX + 2] = "account=";
    struct dashboard_query query;
    struct error err;
    memset(text + 8, 'a', QUERY_VALUE_MAX_BYTES);
    assert_true(dashboard_query_parse(&query, text, allowed, &err));
    dashboard_query_clear(&query);
    text[8 + QUERY_VALUE_MAX_BYTES] = 'a';
    assert_false(dashboard_query_parse(&query, text, allowed, &err));
    memset(text + 8, 'a', QUERY_BYTES_MAX + 1 - 8);
    assert_false(dashboard_query_parse(&query, text, allowed, &err));
}

static void numbers_have_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        int64_t number;
    } cases[] = {
        {"", true, 7},          {"limit=1", true, 1},   {"limit=50", true, 50},
        {"limit=0", false, 7},  {"limit=51", false, 7}, {"limit=", false, 7},
        {"limit=-1", false, 7}, {"limit=1x", false, 7}, {"limit=99999999999999999999", false, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dashboard_query query;
        struct error err;
        int64_t number = 7;
        assert_true(dashboard_query_parse(&query, cases[i].text, allowed, &err));
        assert_int_equal(dashboard_query_number(&query, "limit", 1, 50, &number, &err),
                         cases[i].is_good);
        assert_int_equal(number, cases[i].number);
        dashboard_query_clear(&query);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_values_are_decoded), cmocka_unit_test(nothing_is_a_query_too),
        cmocka_unit_test(what_is_not_clear_is_refused), cmocka_unit_test(long_ones_are_refused),
        cmocka_unit_test(the_parameter_is_named),       cmocka_unit_test(numbers_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
