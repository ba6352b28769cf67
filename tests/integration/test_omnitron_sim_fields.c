/* The simulator checks and normalises a webhook's fields as the serializers of dj-whisperer do. */
#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/support/fail.h"
#include "tests/support/omnitron_call.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static int begin(void **state)
{
    sim_reset(*state);
    sim_add_user(*state, "ann", "ann-pw", "ann-token", false);
    return 0;
}

/* A webhook's JSON with the field set to the value (a JSON text), to be mem_freed. */
static char *hook_with(const char *field, const char *value)
{
    json_t *hook = json_loads("{\"event_type\":\"a.b\",\"target_url\":\"https://x/\","
                              "\"retry_countdown_config\":{\"choice\":\"fixed\","
                              "\"kwargs\":{\"seconds\":60}}}",
                              0, NULL);
    json_t *decoded = json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(decoded);
    json_object_set_new(hook, field, decoded);
    char *text = json_dumps(hook, JSON_COMPACT);
    json_decref(hook);
    return text;
}

/* POSTs that webhook: expected is the stored field when 201, else the field's messages. */
static void expect_field(struct sim *sim, const char *field, const char *value, int status,
                         const char *expected)
{
    char *body = hook_with(field, value);
    struct http_answer *answer = omnitron_call(sim, "ann-token", "POST /whisperer/hooks/", body);
    json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);
    assert_non_null(wanted);
    if (answer->status != status || !json_equal(json_object_get(answer->json, field), wanted)) {
        fail_because("%s: %s\ngave %d %s\nnot %d %s", field, value, answer->status, answer->body,
                     status, expected);
    }
    json_decref(wanted);
    http_answer_free(answer);
    mem_free(body);
    sim_reset(sim);
    begin((void **)&sim);
}

static void texts_are_trimmed_and_numbers_become_texts(void **state)
{
    static const char *const rows[][3] = {
        {"target_url", "\"  https://x/ \\t\\n\"", "\"https://x/\""},
        {"target_url", "\"\\u00a0\\u2003https://x/\\u3000\"", "\"https://x/\""},
        {"target_url", "\"not a url\"", "\"not a url\""},
        {"event_type", "12", "\"12\""},
        {"secret_key", "null", "null"},
        {"secret_key", "\"\"", "\"\""},
        {"callback", "null", "null"},
        {"callback", "\" \"", "\"\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_field(*state, rows[i][0], rows[i][1], 201, rows[i][2]);
    }
}

static void what_is_not_a_text_is_refused(void **state)
{
    static const char *const rows[][3] = {
        {"target_url", "null", "[\"This field may not be null.\"]"},
        {"target_url", "\"\"", "[\"This field may not be blank.\"]"},
        {"target_url", "\"  \"", "[\"This field may not be blank.\"]"},
        {"target_url", "[]", "[\"Not a valid string.\"]"},
        {"target_url", "true", "[\"Not a valid string.\"]"},
        {"target_url", "\"a\\u0000b\"", "[\"Null characters are not allowed.\"]"},
        {"event_type", "null", "[\"This field may not be null.\"]"},
        {"event_type", "\"\"", "[\"This field may not be blank.\"]"},
        {"secret_key", "{}", "[\"Not a valid string.\"]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_field(*state, rows[i][0], rows[i][1], 400, rows[i][2]);
    }
}

/* A JSON text of count letters of two bytes each, to be mem_freed. */
static char *long_text(size_t count)
{
    struct strbuf text;
    strbuf_init(&text, 4096);
    strbuf_add_text(&text, "\"");
    for (size_t i = 0; i < count; i++) {
        strbuf_add_text(&text, "\xc3\xa7");
    }
    strbuf_add_text(&text, "\"");
    return strbuf_take(&text);
}

static void lengths_are_limited_in_code_points(void **state)
{
    static const struct {
        const char *field;
        size_t max;
    } rows[] = {{"target_url", 255}, {"event_type", 124}, {"secret_key", 124}, {"callback", 64}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *fits = long_text(rows[i].max);
        char *too_long = long_text(rows[i].max + 1);
        char message[128];
        (void)snprintf(message, sizeof message,
                       "[\"Ensure this field has no more than %zu characters.\"]", rows[i].max);
        expect_field(*state, rows[i].field, fits, 201, fits);
        expect_field(*state, rows[i].field, too_long, 400, message);
        mem_free(fits);
        mem_free(too_long);
    }
}

static void is_active_takes_what_a_boolean_field_takes(void **state)
{
    static const char refused[] = "[\"Must be a valid boolean.\"]";
    expect_field(*state, "is_active", "false", 201, "false");
    expect_field(*state, "is_active", "\"no\"", 201, "false");
    expect_field(*state, "is_active", "0", 201, "false");
    expect_field(*state, "is_active", "\"True\"", 201, "true");
    expect_field(*state, "is_active", "2", 400, refused);
    expect_field(*state, "is_active", "\"maybe\"", 400, refused);
    expect_field(*state, "is_active", "null", 400, "[\"This field may not be null.\"]");
}

static void json_fields_take_anything_but_null(void **state)
{
    static const char *const fields[] = {"additional_headers", "config"};
    for (size_t i = 0; i < 2; i++) {
        expect_field(*state, fields[i], "{\"a\":[1,\"\xc3\xa7\"]}", 201, "{\"a\":[1,\"\\u00e7\"]}");
        expect_field(*state, fields[i], "[]", 201, "[]");
        expect_field(*state, fields[i], "null", 400, "[\"This field may not be null.\"]");
    }
}

static void a_retry_countdown_is_normalised(void **state)
{
    static const char *const rows[][2] = {
        {"{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":\"60\",\"zzz\":1},\"more\":2}",
         "{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":60}}"},
        {"{\"choice\":\" fixed \",\"kwargs\":{\"seconds\":\" 60.0 \"}}",
         "{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":60}}"},
        {"{\"choice\":\"linear\",\"kwargs\":{\"base\":1}}",
         "{\"choice\":\"linear\",\"kwargs\":{\"base\":1}}"},
        {"{\"choice\":\"linear\",\"kwargs\":{\"base\":1,\"limit\":null}}",
         "{\"choice\":\"linear\",\"kwargs\":{\"base\":1,\"limit\":null}}"},
        {"{\"choice\":\"exponential\",\"kwargs\":{\"base\":2,\"limit\":\"9\",\"factor\":3}}",
         "{\"choice\":\"exponential\",\"kwargs\":{\"base\":2,\"limit\":9}}"},
        {"{\"choice\":\"random\",\"kwargs\":{\"min_value\":0,\"max_value\":\"5\"}}",
         "{\"choice\":\"random\",\"kwargs\":{\"min_value\":0,\"max_value\":5}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_field(*state, "retry_countdown_config", rows[i][0], 201, rows[i][1]);
    }
}

static void a_newer_version_adds_a_factor_of_its_own(void **state)
{
    static const char patch[] =
        "{\"retry_countdown_config\":{\"choice\":\"exponential\",\"kwargs\":{\"base\":2}}}";
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "a.b", "https://x/"), 201);
    sim_set(*state, "{\"exponential_factor\":true}");
    struct http_answer *answer =
        omnitron_call(*state, "ann-token", "PATCH /whisperer/hooks/1/", patch);
    assert_int_equal(answer->status, 200);
    const json_t *kwargs =
        json_object_get(json_object_get(answer->json, "retry_countdown_config"), "kwargs");
    assert_int_equal(json_integer_value(json_object_get(kwargs, "factor")), 1);
    http_answer_free(answer);
}

static void a_wrong_retry_countdown_is_refused_where_it_is_wrong(void **state)
{
    static const char *const rows[][2] = {
        {"null", "[\"This field may not be null.\"]"},
        {"\"fixed\"",
         "{\"non_field_errors\":[\"Invalid data. Expected a dictionary, but got str.\"]}"},
        {"{}", "{\"choice\":[\"This field is required.\"],"
               "\"kwargs\":[\"This field is required.\"]}"},
        {"{\"choice\":\"often\",\"kwargs\":{}}",
         "{\"choice\":[\"\\\"often\\\" is not a valid choice.\"]}"},
        {"{\"choice\":\"fixed\",\"kwargs\":null}",
         "{\"kwargs\":[\"This field may not be null.\"]}"},
        {"{\"choice\":\"fixed\",\"kwargs\":[]}",
         "{\"kwargs\":{\"non_field_errors\":"
         "[\"Invalid data. Expected a dictionary, but got list.\"]}}"},
        {"{\"choice\":\"fixed\",\"kwargs\":{}}",
         "{\"kwargs\":{\"seconds\":[\"This field is required.\"]}}"},
        {"{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":\"x\"}}",
         "{\"kwargs\":{\"seconds\":[\"A valid integer is required.\"]}}"},
        {"{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":true}}",
         "{\"kwargs\":{\"seconds\":[\"A valid integer is required.\"]}}"},
        {"{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":1.5}}",
         "{\"kwargs\":{\"seconds\":[\"A valid integer is required.\"]}}"},
        {"{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":-1}}",
         "{\"kwargs\":{\"seconds\":[\"Ensure this value is greater than or equal to 0.\"]}}"},
        {"{\"choice\":\"linear\",\"kwargs\":{\"base\":null,\"limit\":-1}}",
         "{\"kwargs\":{\"base\":[\"This field may not be null.\"],"
         "\"limit\":[\"Ensure this value is greater than or equal to 0.\"]}}"},
        {"{\"choice\":\"random\",\"kwargs\":{\"min_value\":5,\"max_value\":5}}",
         "{\"kwargs\":{\"non_field_errors\":[\"'max_value' must be greater than 'min_value'.\"]}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_field(*state, "retry_countdown_config", rows[i][0], 400, rows[i][1]);
    }
}

static void half_a_retry_countdown_in_a_patch_is_an_uncaught_error(void **state)
{
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "a.b", "https://x/"), 201);
    omnitron_expect(*state, "ann-token", "PATCH /whisperer/hooks/1/",
                    "{\"retry_countdown_config\":{\"choice\":\"fixed\"}}", 500, NULL);
}

static void every_missing_field_is_named(void **state)
{
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", "{}", 400,
                    "{\"retry_countdown_config\":[\"This field is required.\"],"
                    "\"target_url\":[\"This field is required.\"],"
                    "\"event_type\":[\"This field is required.\"]}");
    omnitron_expect(*state, "ann-token", "POST /whisperer/hooks/", "[]", 400,
                    "{\"non_field_errors\":"
                    "[\"Invalid data. Expected a dictionary, but got list.\"]}");
}

static void fields_that_no_client_may_set_are_ignored(void **state)
{
    expect_field(*state, "id", "77", 201, "1");
    char *body = hook_with("user", "5");
    struct http_answer *answer = omnitron_call(*state, "ann-token", "POST /whisperer/hooks/", body);
    assert_int_equal(answer->status, 201);
    assert_null(json_object_get(answer->json, "user"));
    http_answer_free(answer);
    mem_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(texts_are_trimmed_and_numbers_become_texts, begin),
        cmocka_unit_test_setup(what_is_not_a_text_is_refused, begin),
        cmocka_unit_test_setup(lengths_are_limited_in_code_points, begin),
        cmocka_unit_test_setup(is_active_takes_what_a_boolean_field_takes, begin),
        cmocka_unit_test_setup(json_fields_take_anything_but_null, begin),
        cmocka_unit_test_setup(a_retry_countdown_is_normalised, begin),
        cmocka_unit_test_setup(a_newer_version_adds_a_factor_of_its_own, begin),
        cmocka_unit_test_setup(a_wrong_retry_countdown_is_refused_where_it_is_wrong, begin),
        cmocka_unit_test_setup(half_a_retry_countdown_in_a_patch_is_an_uncaught_error, begin),
        cmocka_unit_test_setup(every_missing_field_is_named, begin),
        cmocka_unit_test_setup(fields_that_no_client_may_set_are_ignored, begin),
    };
    return cmocka_run_group_tests(tests, sim_group_start, sim_group_stop);
}
