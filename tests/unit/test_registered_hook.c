/* Rows of Omnitron's list, and in what a webhook of the setting drifts from its row. */
#include "common/mem.h"
#include "common/webhook.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct faults faults;
    struct webhook webhook;
    struct registered_hook hook;
};

static int set_up(void **state)
{
    *state = mem_new(1, sizeof(struct fixture));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    faults_clear(&fixture->faults);
    webhook_clear(&fixture->webhook);
    registered_hook_clear(&fixture->hook);
    mem_free(fixture);
    return 0;
}

static json_t *decode(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return value;
}

#define KEYS "\"event_type\":\"package.created\",\"target_url\":\"https://erp.example.com/h\""
#define RETRY(config) "{" KEYS ",\"retry_countdown_config\":" config "}"
#define SECONDS(value) RETRY("{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":" value "}}")

#define ROW(more)                                                                                  \
    "{\"id\":7,\"event_type\":\"package.created\","                                                \
    "\"target_url\":\"https://erp.example.com/h\"" more "}"

/* The fields in which entry drifts from the row. */
static unsigned drift_of(struct fixture *fixture, const char *entry_text, const char *row_text)
{
    json_t *entry = decode(entry_text);
    struct json_slice row;
    assert_true(json_slice_init(&row, row_text, strlen(row_text)));
    assert_true(webhook_parse(&fixture->webhook, entry, "", &fixture->faults));
    assert_true(registered_hook_parse(&fixture->hook, &row, NULL));
    json_decref(entry);
    unsigned drift = webhook_drift(&fixture->webhook, &fixture->hook);
    webhook_clear(&fixture->webhook);
    registered_hook_clear(&fixture->hook);
    return drift;
}

static void only_named_and_shown_fields_drift(void **state)
{
    struct fixture *fixture = *state;
    static const char all[] = ",\"secret_key\":\"a\",\"callback\":\"a\",\"config\":{\"a\":1},"
                              "\"additional_headers\":{\"A\":\"a\"},\"is_active\":false,"
                              "\"retry_countdown_config\":{\"choice\":\"fixed\","
                              "\"kwargs\":{\"seconds\":1}}";
    char row[512];
    (void)snprintf(row, sizeof row, ROW("%s"), all);
    assert_int_equal(drift_of(fixture, "{" KEYS "}", row), 0);
    char entry[512];
    (void)snprintf(entry, sizeof entry, "{" KEYS "%s}", all);
    assert_int_equal(drift_of(fixture, entry, row), 0);
    assert_int_equal(drift_of(fixture, entry, ROW("")), 0);
    assert_int_equal(drift_of(fixture, "{" KEYS ",\"secret_key\":\"b\"}", row), WEBHOOK_SECRET_KEY);
    assert_int_equal(drift_of(fixture, "{" KEYS ",\"callback\":\"b\"}", row), WEBHOOK_CALLBACK);
    assert_int_equal(drift_of(fixture, "{" KEYS ",\"config\":{},\"additional_headers\":{}}", row),
                     WEBHOOK_CONFIG | WEBHOOK_ADDITIONAL_HEADERS);
    assert_int_equal(drift_of(fixture, SECONDS("2"), row), WEBHOOK_RETRY_COUNTDOWN_CONFIG);
    assert_int_equal(drift_of(fixture, "{" KEYS ",\"is_active\":true}", row), 0);
    assert_int_equal(
        drift_of(fixture, "{" KEYS ",\"secret_key\":\"a\"}", ROW(",\"secret_key\":null")),
        WEBHOOK_SECRET_KEY);
}

static void drift_is_looked_for_after_the_servers_normalising(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(drift_of(fixture, SECONDS("\"60\""),
                              ROW(",\"retry_countdown_config\":{\"choice\":\"fixed\","
                                  "\"kwargs\":{\"seconds\":60,\"old\":1}}")),
                     0);
    assert_int_equal(drift_of(fixture, RETRY("{\"choice\":\"linear\",\"kwargs\":{\"base\":1}}"),
                              ROW(",\"retry_countdown_config\":{\"choice\":\"linear\","
                                  "\"kwargs\":{\"base\":\"1\",\"limit\":null}}")),
                     0);
    assert_int_equal(drift_of(fixture, "{" KEYS ",\"config\":{},\"additional_headers\":{}}",
                              ROW(",\"config\":null,\"additional_headers\":null")),
                     0);
    assert_int_equal(drift_of(fixture, SECONDS("60"), ROW(",\"retry_countdown_config\":{}")),
                     WEBHOOK_RETRY_COUNTDOWN_CONFIG);
}

static enum error_code parse_row(struct fixture *fixture, const char *text)
{
    struct error err = {0};
    struct json_slice row;
    assert_true(json_slice_init(&row, text, strlen(text)));
    bool is_good = registered_hook_parse(&fixture->hook, &row, &err);
    assert_int_equal(is_good, err.code == ERROR_NONE);
    return err.code;
}

static void texts_of_a_row_are_trimmed(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse_row(fixture, "{\"id\":7,\"event_type\":\" e\\u3000\","
                                        "\"target_url\":\"https://a/ \"}"),
                     ERROR_NONE);
    assert_string_equal(fixture->hook.event_type, "e");
    assert_string_equal(fixture->hook.target_url, "https://a/");
    assert_int_equal(fixture->hook.id, 7);
    assert_true(fixture->hook.is_active);
}

static void a_row_says_whether_it_is_active(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(parse_row(fixture, ROW(",\"is_active\":false")), ERROR_NONE);
    assert_false(fixture->hook.is_active);
    registered_hook_clear(&fixture->hook);
    assert_int_equal(parse_row(fixture, ROW(",\"is_active\":\"no\"")), ERROR_BAD_INPUT);
}

static void a_row_without_a_key_field_makes_no_sense(void **state)
{
    struct fixture *fixture = *state;
    static const char *const rows[] = {
        "5", "{}", "{\"id\":\"7\",\"event_type\":\"e\",\"target_url\":\"u\"}",
        "{\"id\":7,\"event_type\":null,\"target_url\":\"u\"}", "{\"id\":7,\"event_type\":\"e\"}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(parse_row(fixture, rows[i]), ERROR_PROTOCOL);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(only_named_and_shown_fields_drift),
        CASE(drift_is_looked_for_after_the_servers_normalising),
        CASE(texts_of_a_row_are_trimmed),
        CASE(a_row_says_whether_it_is_active),
        CASE(a_row_without_a_key_field_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
