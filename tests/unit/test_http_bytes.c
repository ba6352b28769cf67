/* The table of bytes against the lists of RFC 9110 and RFC 3986, written out. */
#include "api/http_bytes.h"

#include "tests/support/test.h"

#include <string.h>

static const char digits[] = "0123456789";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool is_one_of(int byte, const char *list)
{
    return byte != '\0' && byte <= SCHAR_MAX && strchr(list, byte) != NULL;
}

static void each_byte_is_what_the_lists_say(void **state)
{
    (void)state;
    for (int byte = 0; byte <= UCHAR_MAX; byte++) {
        bool is_digit = is_one_of(byte, digits);
        bool is_name = is_digit || is_one_of(byte, letters);
        bool is_visible = byte > ' ' && byte < 0x7f;
        const struct {
            enum http_bytes what;
            bool is_it;
        } cases[] = {
            {HTTP_TEXT, byte == '\t' || (byte >= ' ' && byte != 0x7f)},
            {HTTP_TOKEN, is_name || is_one_of(byte, "!#$%&'*+-.^_`|~")},
            {HTTP_HOST, is_visible && !is_one_of(byte, "/?#@\\\"<>^`{|}")},
            {HTTP_TARGET, is_visible && byte != '#'},
            {HTTP_BLANK, byte == ' ' || byte == '\t'},
            {HTTP_DECIMAL, is_digit},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            if (http_byte_is((char)byte, cases[i].what) != cases[i].is_it) {
                fail_msg("byte 0x%02x, kind %d", byte, (int)cases[i].what);
            }
        }
    }
}

static void a_span_ends_at_the_first_other_byte_or_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(http_bytes_span("GET /", 5, HTTP_TOKEN), 3);
    assert_int_equal(http_bytes_span("GET /", 2, HTTP_TOKEN), 2);
    assert_int_equal(http_bytes_span(" GET", 4, HTTP_TOKEN), 0);
    assert_int_equal(http_bytes_span("", 0, HTTP_TOKEN), 0);
    assert_int_equal(http_bytes_span("a\0b", 3, HTTP_TEXT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_what_the_lists_say),
        cmocka_unit_test(a_span_ends_at_the_first_other_byte_or_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
