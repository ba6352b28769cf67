/* The link to the next page: only its query is used, on our own base. */
#include "common/mem.h"
#include "common/omnitron_next.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char hooks[] = "https://omnitron.example:8443/whisperer/hooks/";

static void expect_followed(const char *next, const char *expected)
{
    struct error why = {0};
    char *url = omnitron_next_url(hooks, next, &why);
    if (url == NULL) {
        fail_msg("%s: %s", next, why.text);
    }
    assert_string_equal(url, expected);
    mem_free(url);
}

static void expect_refused(const char *next)
{
    struct error why = {0};
    char *url = omnitron_next_url(hooks, next, &why);
    if (url != NULL) {
        fail_msg("%s was followed to %s", next, url);
    }
    assert_int_equal(why.code, ERROR_PROTOCOL);
}

#define PAGE_2 "https://omnitron.example:8443/whisperer/hooks/?page=2"

static void a_link_to_our_own_path_is_followed(void **state)
{
    (void)state;
    expect_followed(PAGE_2, PAGE_2);
    expect_followed("https://omnitron.example:8443/whisperer/hooks/?limit=2&page=2#top",
                    "https://omnitron.example:8443/whisperer/hooks/?limit=2&page=2");
    expect_followed("https://omnitron.example:8443/x/../whisperer/./hooks/?page=2", PAGE_2);
}

static void the_origin_of_a_link_never_counts(void **state)
{
    (void)state;
    expect_followed("http://omnitron.example:8443/whisperer/hooks/?page=2", PAGE_2);
    expect_followed("http://10.0.0.7/whisperer/hooks/?page=2", PAGE_2);
    expect_followed("https://evil.example/whisperer/hooks/?page=2", PAGE_2);
    expect_followed("//evil.example/whisperer/hooks/?page=2", PAGE_2);
    expect_followed("https://user:pass@evil.example/whisperer/hooks/?page=2", PAGE_2);
}

static void relative_links_and_placeholders_are_followed(void **state)
{
    (void)state;
    expect_followed("/whisperer/hooks/?page=2", PAGE_2);
    expect_followed("?page=2", PAGE_2);
    expect_followed("./?page=2", PAGE_2);
    expect_followed("../hooks/?page=2", PAGE_2);
    expect_followed("{domain_url}/whisperer/hooks/?page=2", PAGE_2);
    expect_followed("?cursor=cD0y//x",
                    "https://omnitron.example:8443/whisperer/hooks/?cursor=cD0y//x");
}

static void a_link_to_another_path_is_refused(void **state)
{
    (void)state;
    expect_refused("https://omnitron.example:8443/whisperer/other/?page=2");
    expect_refused("https://omnitron.example:8443/whisperer/hooks?page=2");
    expect_refused("https://omnitron.example:8443/?page=2");
    expect_refused("https://omnitron.example:8443?page=2");
    expect_refused("/admin/?page=2");
    expect_refused("/whisperer/hooks/../../admin/?page=2");
    expect_refused("hooks/?page=2");
    expect_refused("{domain_url}/admin/?page=2");
    expect_refused("{domain_url/whisperer/hooks/?page=2");
    expect_refused("javascript:alert(1)");
}

static void a_link_without_query_is_refused(void **state)
{
    (void)state;
    expect_refused("https://omnitron.example:8443/whisperer/hooks/");
    expect_refused("");
    expect_refused("#?page=2");
}

static void a_query_that_is_no_query_is_refused(void **state)
{
    (void)state;
    expect_refused("?page=2 HTTP/1.1\r\nHost: evil");
    expect_refused("?page=\x01");
    expect_refused("?page=a b");
}

/* ---- Numbered pages ---- */

static void expect_page_7(const char *second_url, const char *expected)
{
    char *url = omnitron_page_url(second_url, 7);
    if (expected == NULL ? url != NULL : url == NULL) {
        fail_msg("%s gave %s", second_url, url == NULL ? "nothing" : url);
    }
    if (expected != NULL) {
        assert_string_equal(url, expected);
    }
    mem_free(url);
}

static void the_link_to_page_2_gives_the_other_pages(void **state)
{
    (void)state;
    expect_page_7("https://x/h/?page=2", "https://x/h/?page=7");
    expect_page_7("https://x/h/?limit=2&page=2&sort=id", "https://x/h/?limit=2&page=7&sort=id");
    expect_page_7("https://x/page=2/?my_page=2&page=2&page_size=2",
                  "https://x/page=2/?my_page=2&page=7&page_size=2");
    char *url = omnitron_page_url("https://x/?page=2", 12345);
    assert_string_equal(url, "https://x/?page=12345");
    mem_free(url);
}

static void other_links_give_none(void **state)
{
    (void)state;
    expect_page_7("https://x/h/?cursor=cD0y", NULL);
    expect_page_7("https://x/h/?limit=100&offset=100", NULL);
    expect_page_7("https://x/h/?page=3", NULL);
    expect_page_7("https://x/h/?page=20", NULL);
    expect_page_7("https://x/h/?page=", NULL);
    expect_page_7("https://x/h/?page=2&page=2", NULL);
    expect_page_7("https://x/h/?page=1&page=2", NULL);
    expect_page_7("https://x/h/?Page=2", NULL);
    expect_page_7("https://x/page=2", NULL);
    expect_page_7("", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_to_our_own_path_is_followed),
        cmocka_unit_test(the_origin_of_a_link_never_counts),
        cmocka_unit_test(relative_links_and_placeholders_are_followed),
        cmocka_unit_test(a_link_to_another_path_is_refused),
        cmocka_unit_test(a_link_without_query_is_refused),
        cmocka_unit_test(a_query_that_is_no_query_is_refused),
        cmocka_unit_test(the_link_to_page_2_gives_the_other_pages),
        cmocka_unit_test(other_links_give_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
