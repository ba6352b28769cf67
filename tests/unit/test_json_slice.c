/* JSON read in place: accepts what jansson accepts, and finds what it finds. */
#include "common/json_slice.h"
#include "common/mem.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool is_json(const char *text)
{
    struct json_slice slice;
    return json_slice_init(&slice, text, strlen(text));
}

static void expect_json(const char *text, bool expected)
{
    if (is_json(text) != expected) {
        fail_msg("%s", text);
    }
}

static struct json_slice slice_of(const char *text)
{
    struct json_slice slice;
    assert_true(json_slice_init(&slice, text, strlen(text)));
    return slice;
}

/* ---- Checking ---- */

static void every_kind_of_value_is_json(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}",
                                        "[]",
                                        "\"\"",
                                        "0",
                                        "-0",
                                        "1.5",
                                        "-12e+3",
                                        "1E-2",
                                        "true",
                                        "false",
                                        "null",
                                        " [ 1 , 2 ] ",
                                        "{\"a\":{\"b\":[{}]}}",
                                        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e7\"",
                                        "\"ç\"",
                                        "\"\xf0\x9f\x98\x80\"",
                                        "\t\r\n1\n",
                                        "1e999",
                                        "99999999999999999999999999",
                                        "{\"a\":1,\"a\":2}",
                                        "[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_json(texts[i], true);
    }
}

static void what_only_looks_like_json_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "}",
                                        "[",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "[,1]",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "{1:1}",
                                        "{\"a\":1 \"b\":2}",
                                        "[1 2]",
                                        "[1}",
                                        "{\"a\":1]",
                                        "\"",
                                        "\"a",
                                        "\"\\\"",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\u12g4\"",
                                        "\"\n\"",
                                        "\"\x01\"",
                                        "\"\x80\"",
                                        "\"\xc0\xaf\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\xf5\x80\x80\x80\"",
                                        "01",
                                        "-",
                                        "+1",
                                        ".5",
                                        "1.",
                                        "1e",
                                        "1e+",
                                        "0x1",
                                        "NaN",
                                        "tru",
                                        "truee",
                                        "nul",
                                        "1 2",
                                        "{} {}",
                                        "//",
                                        "[1]/*",
                                        "'a'",
                                        "\xef\xbb\xbf[]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_json(texts[i], false);
    }
    struct json_slice slice;
    assert_false(json_slice_init(&slice, "[1]\0", 4));
    assert_false(json_slice_init(&slice, "[\"a\0b\"]", 7));
    assert_false(json_slice_init(&slice, "\"\\", 2));
}

static char *nested(size_t depth)
{
    char *text = mem_new(2 * depth + 1, 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return text;
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    char *text = nested(JSON_SLICE_DEPTH_MAX);
    assert_true(is_json(text));
    mem_free(text);
    text = nested(JSON_SLICE_DEPTH_MAX + 1);
    assert_false(is_json(text));
    mem_free(text);
    text = nested(1000000);
    assert_false(is_json(text));
    mem_free(text);
}

static void expect_agreement(const char *text, size_t size)
{
    struct json_slice slice;
    bool is_ours = json_slice_init(&slice, text, size);
    json_error_t why;
    json_t *theirs = json_loadb(text, size, JSON_DECODE_ANY, &why);
    bool is_too_big = theirs == NULL && json_error_code(&why) == json_error_numeric_overflow;
    if (!is_too_big && is_ours != (theirs != NULL)) {
        fail_msg("we say %d: %s", is_ours, text);
    }
    json_decref(theirs);
}

/* The same list of rows with a byte changed here and there. */
static void jansson_and_we_agree_on_what_is_json(void **state)
{
    (void)state;
    static const char original[] =
        " {\"count\": 2, \"next\": null,\"results\":[{\"id\":1,\"a\":[true,false,null,-1.5e3],"
        "\"b\":\"x\\\"y\\\\z\\n\"},{\"id\":2,\"c\":{},\"d\":[],\"e\":\"\xc3\xa7\"}]}\n";
    static const char bytes[] = "{}[]\",:\\ntfe0123.-+ \xc3\xa7\x01\x7f/";
    unsigned random = 1;
    for (int round = 0; round < 200000; round++) {
        char text[sizeof original];
        memcpy(text, original, sizeof original);
        for (int changes = round % 3; changes >= 0; changes--) {
            random = random * 1664525U + 1013904223U;
            text[(random >> 8) % (sizeof original - 1)] =
                bytes[(random >> 20) % (sizeof bytes - 1)];
        }
        expect_agreement(text, sizeof original - 1);
    }
}

/* ---- Walking ---- */

/* A tree made by walking, which must be the one that jansson makes. */
static json_t *rebuild(const struct json_slice *slice)
{
    bool is_object = json_slice_is_object(slice);
    if (!is_object && !json_slice_is_array(slice)) {
        return json_loadb(slice->bytes, slice->size, JSON_DECODE_ANY, NULL);
    }
    json_t *tree = is_object ? json_object() : json_array();
    struct json_slice key;
    struct json_slice value;
    struct json_walk walk = json_walk_start(slice);
    while (json_walk_next(&walk, &key, &value)) {
        if (is_object) {
            char *name = json_slice_get_text(&key);
            json_object_set_new(tree, name, rebuild(&value));
            mem_free(name);
        } else {
            json_array_append_new(tree, rebuild(&value));
        }
    }
    return tree;
}

static void walking_meets_every_member_and_element(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ ] ",
        "[1,2,3]",
        "[ \"a,]\" , {\"b\" : [ ] } , null ]",
        "{\"a\":1,\"b\":[{\"c\":\"}\"}],\"d\\\"\":{\"e\":-1.5},\"f\" : true }",
        "{\"a\":1,\"a\":{\"b\":2}}",
        "[[],[[]],{},{\"a\":{}}]",
        "[\"\\\\\",\"\\\"\",\"\\u005d\"]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct json_slice slice = slice_of(texts[i]);
        json_t *ours = rebuild(&slice);
        json_t *theirs = json_loads(texts[i], 0, NULL);
        assert_true(json_equal(ours, theirs));
        json_decref(ours);
        json_decref(theirs);
    }
}

static void a_value_without_parts_has_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"1", "\"[1]\"", "null", "true"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct json_slice slice = slice_of(texts[i]);
        struct json_slice value;
        struct json_walk walk = json_walk_start(&slice);
        assert_false(json_walk_next(&walk, NULL, &value));
    }
}

static void a_value_is_given_without_the_space_around_it(void **state)
{
    (void)state;
    struct json_slice slice = slice_of(" [ 12 , {\"a\" : 1} ] ");
    struct json_slice value;
    struct json_walk walk = json_walk_start(&slice);
    assert_true(json_walk_next(&walk, NULL, &value));
    assert_int_equal(value.size, 2);
    assert_true(json_walk_next(&walk, NULL, &value));
    assert_int_equal(value.size, strlen("{\"a\" : 1}"));
    assert_false(json_walk_next(&walk, NULL, &value));
    assert_false(json_walk_next(&walk, NULL, &value));
    assert_int_equal(slice.size, strlen("[ 12 , {\"a\" : 1} ]"));
}

/* ---- Values ---- */

static void integers_are_read_as_far_as_they_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_int;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"42", true, 42},
        {"-7", true, -7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"\"1\"", false, 0},
        {"true", false, 0},
        {"null", false, 0},
        {"[1]", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_slice slice = slice_of(rows[i].text);
        int64_t value = 0;
        assert_int_equal(json_slice_get_int(&slice, &value), rows[i].is_int);
        assert_true(value == rows[i].value);
    }
}

static void texts_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *value;
    } rows[] = {
        {"\"\"", ""},
        {"\"a b\"", "a b"},
        {"\"ç\"", "ç"},
        {"\"\\u00e7\"", "ç"},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"a\\\"b\\\\c\\/d\\n\"", "a\"b\\c/d\n"},
        {"\"\\u0000\"", NULL},
        {"\"\\ud83d\"", NULL},
        {"1", NULL},
        {"null", NULL},
        {"{}", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_slice slice = slice_of(rows[i].text);
        char *text = json_slice_get_text(&slice);
        assert_true((text == NULL) == (rows[i].value == NULL));
        if (text != NULL) {
            assert_string_equal(text, rows[i].value);
            assert_true(json_slice_is_text(&slice, rows[i].value));
        }
        assert_false(json_slice_is_text(&slice, "something else"));
        mem_free(text);
    }
}

static void booleans_and_null_are_told_apart(void **state)
{
    (void)state;
    bool value = false;
    struct json_slice slice = slice_of("true");
    assert_true(json_slice_get_bool(&slice, &value));
    assert_true(value);
    slice = slice_of("false");
    assert_true(json_slice_get_bool(&slice, &value));
    assert_false(value);
    assert_false(json_slice_is_null(&slice));
    slice = slice_of("null");
    assert_false(json_slice_get_bool(&slice, &value));
    assert_true(json_slice_is_null(&slice));
    slice = slice_of("\"true\"");
    assert_false(json_slice_get_bool(&slice, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_json),
        cmocka_unit_test(what_only_looks_like_json_is_refused),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(jansson_and_we_agree_on_what_is_json),
        cmocka_unit_test(walking_meets_every_member_and_element),
        cmocka_unit_test(a_value_without_parts_has_none),
        cmocka_unit_test(a_value_is_given_without_the_space_around_it),
        cmocka_unit_test(integers_are_read_as_far_as_they_fit),
        cmocka_unit_test(texts_are_decoded),
        cmocka_unit_test(booleans_and_null_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
