/* The Authorization header, as Django REST framework's TokenAuthentication reads it. */
#include "api/auth_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static const char not_provided[] = "Authentication credentials were not provided.";
static const char no_credentials[] = "Invalid token header. No credentials provided.";
static const char has_spaces[] = "Invalid token header. Token string should not contain spaces.";

static void assert_refused(const char *header, const char *problem)
{
    struct auth_token token;
    assert_string_equal(auth_header_parse(header, &token), problem);
}

static void assert_token(const char *header, const char *expected)
{
    struct auth_token token;
    assert_null(auth_header_parse(header, &token));
    assert_int_equal(token.size, strlen(expected));
    assert_memory_equal(token.bytes, expected, token.size);
}

static void a_token_is_found_behind_the_word_in_any_case(void **state)
{
    (void)state;
    assert_token("Token abc", "abc");
    assert_token("token abc", "abc");
    assert_token("TOKEN abc", "abc");
    assert_token("tOkEn \xc3\xa7!?,=", "\xc3\xa7!?,=");
}

static void any_white_space_separates_and_surrounds(void **state)
{
    (void)state;
    assert_token("Token  abc", "abc");
    assert_token("Token\tabc", "abc");
    assert_token(" \tToken \v\f abc \r\n", "abc");
}

static void without_the_word_nothing_was_provided(void **state)
{
    (void)state;
    assert_refused(NULL, not_provided);
    assert_refused("", not_provided);
    assert_refused("   ", not_provided);
    assert_refused("abc", not_provided);
    assert_refused("Bearer abc", not_provided);
    assert_refused("Basic YTpi", not_provided);
    assert_refused("Tokenabc", not_provided);
    assert_refused("Tokens abc", not_provided);
    assert_refused("Toke abc", not_provided);
    assert_refused("Token: abc", not_provided);
    assert_refused("Bearer Token abc", not_provided);
}

static void the_word_alone_provides_no_credentials(void **state)
{
    (void)state;
    assert_refused("Token", no_credentials);
    assert_refused("token ", no_credentials);
    assert_refused("Token \t ", no_credentials);
}

static void more_than_one_word_behind_it_is_a_token_with_spaces(void **state)
{
    (void)state;
    assert_refused("Token abc def", has_spaces);
    assert_refused("Token abc\tdef", has_spaces);
    assert_refused("Token Token abc", has_spaces);
    assert_refused("Token a b c d", has_spaces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_found_behind_the_word_in_any_case),
        cmocka_unit_test(any_white_space_separates_and_surrounds),
        cmocka_unit_test(without_the_word_nothing_was_provided),
        cmocka_unit_test(the_word_alone_provides_no_credentials),
        cmocka_unit_test(more_than_one_word_behind_it_is_a_token_with_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
