/* URLs: parts, resolving, and what is no URL. */
#include "common/url.h"

#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/test.h"

#include <string.h>

static void an_absolute_url_has_its_parts(void **state)
{
    (void)state;
    struct url url;
    assert_true(url_parse(&url, "HTTPS://us%40er:p%3Aw@Example.com:8443/a/../b?x=1#f", NULL));
    assert_string_equal(url.scheme, "https");
    assert_string_equal(url.user, "us@er");
    assert_string_equal(url.password, "p:w");
    assert_string_equal(url.host, "Example.com");
    assert_string_equal(url.port, "8443");
    assert_string_equal(url.path, "/a/../b");
    assert_string_equal(url.query, "x=1");
    assert_string_equal(url.fragment, "f");
    url_clear(&url);
}

static void parts_that_are_not_there_are_null(void **state)
{
    (void)state;
    struct url url;
    assert_true(url_parse(&url, "http://[::1]", NULL));
    assert_string_equal(url.host, "::1");
    assert_null(url.user);
    assert_null(url.password);
    assert_null(url.port);
    assert_null(url.query);
    assert_null(url.fragment);
    url_clear(&url);
}

static void a_url_without_an_authority_has_no_host(void **state)
{
    (void)state;
    struct url url;
    assert_true(url_parse(&url, "unix:///run/redis.sock?db=2", NULL));
    assert_null(url.host);
    assert_string_equal(url.path, "/run/redis.sock");
    assert_string_equal(url.query, "db=2");
    url_clear(&url);
    assert_true(url_parse(&url, "http:///path", NULL));
    assert_null(url.host);
    url_clear(&url);
}

static void an_empty_user_is_a_user(void **state)
{
    (void)state;
    struct url url;
    assert_true(url_parse(&url, "http://@example.com/", NULL));
    assert_non_null(url.user);
    url_clear(&url);
}

static void what_is_no_absolute_url_is_refused_without_being_quoted(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "example.com/s3cret",
        "/s3cret",
        "http:/s3cret",
        "http:s3cret",
        "://s3cret",
        "1http://s3cret",
        "http://exa mple/s3cret",
        "http://example/s3 cret",
        "http://example\n/s3cret",
        "http://example:99999/s3cret",
        "http://example:s3cret",
        "http://[::1/s3cret",
        "http://us%00er:s3cret@example/",
        "http://back\\slash/s3cret",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct url url;
        struct error err = {0};
        if (url_parse(&url, texts[i], &err)) {
            fail_because("taken: %s", texts[i]);
        }
        assert_int_equal(err.code, ERROR_BAD_INPUT);
        assert_null(strstr(err.text, "s3cret"));
    }
}

/* RFC 3986, 5.4, as far as the results stay in the origin. */
static void references_are_resolved_as_rfc_3986_says(void **state)
{
    (void)state;
    static const struct {
        const char *reference;
        const char *expected;
    } cases[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"g..", "http://a/b/c/g.."},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"http://a/x", "http://a/x"},
        {"//a:80/x", "http://a:80/x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *resolved = url_resolve("http://a/b/c/d;p?q", cases[i].reference, NULL);
        assert_non_null(resolved);
        assert_string_equal(resolved, cases[i].expected);
        mem_free(resolved);
    }
}

static void no_reference_leaves_the_origin_of_its_base(void **state)
{
    (void)state;
    static const char *const references[] = {
        "//b/x",     "http://b/x", "https://a/x", "//a:81/x", "//u@a/x",      "///b/x",
        "http:/b/x", "ftp://a/",   "//a.b/",      "//a@b/",   "http://a@b/x", "javascript:x"};
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
        struct error err = {0};
        char *resolved = url_resolve("http://a/b/", references[i], &err);
        if (resolved != NULL) {
            fail_because("%s became %s", references[i], resolved);
        }
        assert_int_equal(err.code, ERROR_BAD_INPUT);
    }
}

static void assert_query(const char *base, const char *other, const char *expected)
{
    char *url = url_with_query_of(base, other);
    if (expected == NULL) {
        assert_null(url);
        return;
    }
    assert_non_null(url);
    assert_string_equal(url, expected);
    mem_free(url);
}

static void only_the_query_of_another_url_is_taken(void **state)
{
    (void)state;
    assert_query("https://a/h/", "http://evil/x?limit=2&page=2", "https://a/h/?limit=2&page=2");
    assert_query("https://a/h/?old=1#f", "{domain_url}/x?page=2#g", "https://a/h/?page=2");
    assert_query("https://a/h/", "?page=3", "https://a/h/?page=3");
    assert_query("https://a/h/", "https://a/h/", NULL);
    assert_query("https://a/h/", "https://a/h/#x?page=2", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absolute_url_has_its_parts),
        cmocka_unit_test(parts_that_are_not_there_are_null),
        cmocka_unit_test(a_url_without_an_authority_has_no_host),
        cmocka_unit_test(an_empty_user_is_a_user),
        cmocka_unit_test(what_is_no_absolute_url_is_refused_without_being_quoted),
        cmocka_unit_test(references_are_resolved_as_rfc_3986_says),
        cmocka_unit_test(no_reference_leaves_the_origin_of_its_base),
        cmocka_unit_test(only_the_query_of_another_url_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
