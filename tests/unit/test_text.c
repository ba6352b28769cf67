/* What texts from outside are made of. */
#include "common/text.h"

#include "common/mem.h"
#include "tests/support/test.h"

#include <string.h>

static void utf8_is_told_from_what_only_looks_like_it(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "\xc3\xa7",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xee\x80\x80"};
    static const char *const bad[] = {"\x80",             /* a continuation alone */
                                      "\xc3",             /* cut */
                                      "\xc0\xaf",         /* overlong */
                                      "\xe0\x80\xaf",     /* overlong */
                                      "\xed\xa0\x80",     /* a surrogate */
                                      "\xf0\x80\x80\x80", /* overlong */
                                      "\xf4\x90\x80\x80", /* above U+10FFFF */
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
    }
    assert_false(text_is_utf8("a\0b", 3));
}

static void length_counts_code_points(void **state)
{
    (void)state;
    assert_int_equal(text_length(""), 0);
    assert_int_equal(text_length("a\xc3\xa7\xe2\x82\xac\xf0\x9f\x98\x80"), 4);
}

static void controls_are_found_in_both_halves_of_latin_1(void **state)
{
    (void)state;
    assert_true(text_has_control("a\tb"));
    assert_true(text_has_control("\x7f"));
    assert_true(text_has_control("a\xc2\x85"));
    assert_false(text_has_control("a b\xc2\xa0\xc3\xa7"));
}

static void assert_made_plain(const char *text, const char *expected)
{
    char *copy = mem_copy_text(text);
    text_make_plain(copy);
    assert_string_equal(copy, expected);
    mem_free(copy);
}

static void a_plain_text_cannot_break_a_line_or_steer_a_terminal(void **state)
{
    (void)state;
    assert_made_plain("", "");
    assert_made_plain("a b\xc2\xa0\xc3\xa7\xe2\x82\xac\xf0\x9f\x98\x80",
                      "a b\xc2\xa0\xc3\xa7\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_made_plain("\n\x1b[31m\x7f", "??[31m?");
    assert_made_plain("\xc2\x9b"
                      "31m",
                      "??31m");                              /* CSI in one character */
    assert_made_plain("a\xe2\x80\xa8z", "a???z");            /* a separator of lines */
    assert_made_plain("\xe2\x80\xae\xe2\x81\xa6", "??????"); /* from right to left */
    assert_made_plain("\xff\xc3", "??");                     /* no UTF-8, and cut off */
}

static void visible_ascii_has_neither_spaces_nor_controls_nor_other_letters(void **state)
{
    (void)state;
    assert_true(text_is_visible_ascii("aZ09~!"));
    assert_false(text_is_visible_ascii(""));
    assert_false(text_is_visible_ascii("a b"));
    assert_false(text_is_visible_ascii("a\n"));
    assert_false(text_is_visible_ascii("\xc3\xa7"));
}

static void assert_trimmed_to(const char *text, const char *expected)
{
    char *trimmed = text_trim(text);
    assert_string_equal(trimmed, expected);
    assert_int_equal(text_is_trimmed(text), strcmp(text, expected) == 0);
    mem_free(trimmed);
}

static void trimming_removes_what_python_calls_white_space(void **state)
{
    (void)state;
    assert_trimmed_to("", "");
    assert_trimmed_to("  ", "");
    assert_trimmed_to("a b", "a b");
    assert_trimmed_to(" \t\r\n\v\f\x1c\x1f"
                      "a \xc2\xa0\xc2\x85",
                      "a");
    assert_trimmed_to("\xe3\x80\x80"
                      "a\xe2\x80\x83",
                      "a");
    assert_trimmed_to("\xe2\x80\x8b"
                      "a",
                      "\xe2\x80\x8b"
                      "a"); /* zero width is no white space */
    assert_trimmed_to("a\x80", "a\x80");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_told_from_what_only_looks_like_it),
        cmocka_unit_test(length_counts_code_points),
        cmocka_unit_test(controls_are_found_in_both_halves_of_latin_1),
        cmocka_unit_test(a_plain_text_cannot_break_a_line_or_steer_a_terminal),
        cmocka_unit_test(visible_ascii_has_neither_spaces_nor_controls_nor_other_letters),
        cmocka_unit_test(trimming_removes_what_python_calls_white_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
