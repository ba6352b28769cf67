/* What is a page of the list, and what is not. */
#include "common/omnitron_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool parse(struct omnitron_page *page, const char *text)
{
    struct json_slice body;
    assert_true(json_slice_init(&body, text, strlen(text)));
    return omnitron_page_parse(page, &body);
}

static void expect_no_page(const char *text)
{
    struct omnitron_page page;
    if (parse(&page, text)) {
        fail_msg("taken for a page: %s", text);
    }
    assert_null(page.next); /* nothing to clear */
}

static void an_array_is_the_whole_list(void **state)
{
    (void)state;
    struct omnitron_page page;
    assert_true(parse(&page, " [1, 2] "));
    assert_true(page.is_whole);
    assert_false(page.has_count);
    assert_null(page.next);
    assert_int_equal(page.rows.size, strlen("[1, 2]"));
    omnitron_page_clear(&page);
}

static void a_page_has_rows_a_link_and_perhaps_a_count(void **state)
{
    (void)state;
    struct omnitron_page page;
    assert_true(parse(&page, "{\"count\": 3, \"next\": \"?page=2\", \"previous\": null, "
                             "\"results\": [1], \"more\": {\"next\": null}}"));
    assert_false(page.is_whole);
    assert_true(page.has_count);
    assert_int_equal(page.count, 3);
    assert_string_equal(page.next, "?page=2");
    assert_int_equal(strncmp(page.rows.bytes, "[1]", page.rows.size), 0);
    omnitron_page_clear(&page);
    assert_true(parse(&page, "{\"next\":null,\"results\":[]}"));
    assert_false(page.has_count);
    assert_null(page.next);
    omnitron_page_clear(&page);
}

static void a_count_that_is_no_number_of_rows_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"count\":-1,\"next\":null,\"results\":[]}",
        "{\"count\":\"3\",\"next\":null,\"results\":[]}",
        "{\"count\":1.5,\"next\":null,\"results\":[]}",
        "{\"count\":99999999999999999999,\"next\":null,\"results\":[]}",
        "{\"count\":null,\"next\":null,\"results\":[]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct omnitron_page page;
        assert_true(parse(&page, texts[i]));
        assert_false(page.has_count);
        omnitron_page_clear(&page);
    }
}

static void of_a_key_that_is_there_twice_the_last_counts(void **state)
{
    (void)state;
    struct omnitron_page page;
    assert_true(parse(&page, "{\"next\":7,\"next\":null,\"results\":1,\"results\":[],\"count\":1,"
                             "\"count\":2,\"co\\u0075nt\":4}"));
    assert_int_equal(page.count, 4);
    omnitron_page_clear(&page);
    expect_no_page("{\"next\":null,\"next\":7,\"results\":[]}");
}

static void anything_else_is_no_page(void **state)
{
    (void)state;
    expect_no_page("{}");
    expect_no_page("null");
    expect_no_page("\"\"");
    expect_no_page("0");
    expect_no_page("{\"results\":[]}");
    expect_no_page("{\"count\":0,\"results\":[]}");
    expect_no_page("{\"next\":null}");
    expect_no_page("{\"next\":null,\"results\":{}}");
    expect_no_page("{\"next\":null,\"results\":null}");
    expect_no_page("{\"next\":7,\"results\":[]}");
    expect_no_page("{\"next\":false,\"results\":[]}");
    expect_no_page("{\"next\":\"a\\u0000b\",\"results\":[]}");
    expect_no_page("{\"detail\":\"Not found.\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_is_the_whole_list),
        cmocka_unit_test(a_page_has_rows_a_link_and_perhaps_a_count),
        cmocka_unit_test(a_count_that_is_no_number_of_rows_is_none),
        cmocka_unit_test(of_a_key_that_is_there_twice_the_last_counts),
        cmocka_unit_test(anything_else_is_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
