/* The table of bytes against the lists of RFC 9110 and RFC 3986, written out. */
#include "api/http_bytes.h"

#include "tests/support/fail.h"
#include "tests/support/test.h"

#include <string.h>

static const char digits[] = "0123456789";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool is_one_of(int byte, const char *list)
{
    return byte != '\0' && byte <= SCHAR_MAX && strchr(list, byte) != NULL;
}

/* All that the byte may be, by the lists. */
static int look_up(int byte)
{
    bool is_digit = is_one_of(byte, digits);
    bool is_name = is_digit || is_one_of(byte, letters);
    bool is_visible = byte > ' ' && byte < 0x7f;
    bool is_blank = byte == ' ' || byte == '\t';
    const struct {
        bool is_it;
        enum http_bytes what;
    } kinds[] = {
        {is_blank || (byte > ' ' && byte != 0x7f), HTTP_TEXT},
        {is_name || is_one_of(byte, "!#$%&'*+-.^_`|~"), HTTP_TOKEN},
        {is_visible && !is_one_of(byte, "/?#@\\\"<>^`{|}"), HTTP_HOST},
        {is_visible && byte != '#', HTTP_TARGET},
        {is_blank, HTTP_BLANK},
        {is_digit, HTTP_DECIMAL},
    };
    int all = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        all |= kinds[i].is_it ? (int)kinds[i].what : 0;
    }
    return all;
}

static void each_byte_is_what_the_lists_say(void **state)
{
    (void)state;
    for (int byte = 0; byte <= UCHAR_MAX; byte++) {
        if (http_bytes[byte] != look_up(byte)) {
            fail_because("byte 0x%02x", (unsigned)byte);
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
