/* One webhook: parse, check, compare, print. */
#include "common/webhook.h"

#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static const char path[] = "accounts.acme.OMNITRON_WEBHOOKS[2]";

struct fixture {
    struct faults faults;
    struct webhook webhook;
    struct webhook other;
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
    webhook_clear(&fixture->other);
    mem_free(fixture);
    return 0;
}

static json_t *decode(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return value;
}

static bool parse(struct webhook *webhook, struct faults *faults, const char *text)
{
    json_t *entry = decode(text);
    bool is_good = webhook_parse(webhook, entry, path, faults);
    json_decref(entry);
    return is_good;
}

#define KEYS "\"event_type\":\"package.created\",\"target_url\":\"https://erp.example.com/h\""

static void assert_json(json_t *value, const char *expected)
{
    json_t *wanted = decode(expected);
    if (!json_equal(value, wanted)) {
        fail_because("%s", json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS));
    }
    json_decref(wanted);
}

static void what_is_not_named_has_its_default(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(&fixture->webhook, &fixture->faults, "{" KEYS "}"));
    assert_string_equal(fixture->webhook.event_type, "package.created");
    assert_string_equal(fixture->webhook.target_url, "https://erp.example.com/h");
    assert_true(fixture->webhook.is_active);
    assert_false(secret_is_set(&fixture->webhook.secret_key));
    assert_null(fixture->webhook.callback);
    assert_json(fixture->webhook.retry_countdown_config,
                "{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":60}}");
    assert_json(fixture->webhook.additional_headers, "{}");
    assert_json(fixture->webhook.config, "{}");
    assert_int_equal(fixture->webhook.named, 0);
    assert_int_equal(fixture->faults.count + fixture->faults.warning_count, 0);
}

static void null_is_the_default_and_does_not_count_as_named(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(&fixture->webhook, &fixture->faults,
                      "{" KEYS ",\"is_active\":null,\"secret_key\":null,\"callback\":null,"
                      "\"retry_countdown_config\":null,\"additional_headers\":null,"
                      "\"config\":null}"));
    assert_int_equal(fixture->webhook.named, 0);
    assert_true(fixture->webhook.is_active);
    assert_json(fixture->webhook.additional_headers, "{}");
}

static void what_is_given_is_taken_and_named(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(&fixture->webhook, &fixture->faults,
                      "{" KEYS ",\"is_active\":false,\"secret_key\":\"s\",\"callback\":\"a.b\","
                      "\"retry_countdown_config\":{\"choice\":\"linear\",\"kwargs\":{\"base\":5}},"
                      "\"additional_headers\":{\"X-A\":\"1\"},\"config\":{\"auth\":{}}}"));
    assert_false(fixture->webhook.is_active);
    assert_string_equal(fixture->webhook.secret_key.value, "s");
    assert_string_equal(fixture->webhook.callback, "a.b");
    assert_int_equal(fixture->webhook.named, (1 << WEBHOOK_FIELD_COUNT) - 1);
}

struct bad_entry {
    const char *entry;
    const char *fault; /* behind the path */
};

#define URL_OF(url) "{\"event_type\":\"e\",\"target_url\":\"" url "\"}"
#define RETRY(config) "{" KEYS ",\"retry_countdown_config\":" config "}"
#define SECONDS(value) RETRY("{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":" value "}}")

#define NOT_A_URL ".target_url: must be an absolute http or https URL"
#define NOT_SECONDS ".retry_countdown_config.kwargs.seconds: must be a whole number of at least 0"

static const struct bad_entry bad_entries[] = {
    {"[]", ": must be a JSON object"},
    {"null", ": must be a JSON object"},
    {"{\"target_url\":\"https://a/\"}", ".event_type: is required"},
    {"{\"event_type\":null,\"target_url\":\"https://a/\"}", ".event_type: is required"},
    {"{\"event_type\":\"e\"}", ".target_url: is required"},
    {"{\"event_type\":5,\"target_url\":\"https://a/\"}", ".event_type: must be a text"},
    {"{\"event_type\":\"\",\"target_url\":\"https://a/\"}",
     ".event_type: must have 1 to 124 characters"},
    {"{\"event_type\":\" e\",\"target_url\":\"https://a/\"}",
     ".event_type: must not begin or end with white space"},
    {"{\"event_type\":\"e\\u00a0\",\"target_url\":\"https://a/\"}",
     ".event_type: must not begin or end with white space"},
    {"{\"event_type\":\"a\\tb\",\"target_url\":\"https://a/\"}",
     ".event_type: must not hold control characters"},
    {"{\"event_type\":\"a\\u0085b\",\"target_url\":\"https://a/\"}",
     ".event_type: must not hold control characters"},
    {URL_OF("https://a/ "), ".target_url: must not begin or end with white space"},
    {URL_OF("https://a/\\n"), ".target_url: must not hold control characters"},
    {URL_OF("example.com/x"), NOT_A_URL},
    {URL_OF("/x"), NOT_A_URL},
    {URL_OF("ftp://a/x"), NOT_A_URL},
    {URL_OF("javascript:alert(1)"), NOT_A_URL},
    {URL_OF("https://"), NOT_A_URL},
    {URL_OF("https:///x"), NOT_A_URL},
    {URL_OF("https:/a/x"), NOT_A_URL},
    {URL_OF("https://a b/x"), NOT_A_URL},
    {URL_OF("https://a:0/x"), NOT_A_URL},
    {URL_OF("https://a:70000/x"), NOT_A_URL},
    {URL_OF("https://u:s3cret@a/"), ".target_url: must not hold a user or a password"},
    {URL_OF("https://@a/"), ".target_url: must not hold a user or a password"},
    {"{" KEYS ",\"is_active\":1}", ".is_active: must be true or false"},
    {"{" KEYS ",\"is_active\":\"true\"}", ".is_active: must be true or false"},
    {"{" KEYS ",\"secret_key\":\"\"}", ".secret_key: must have 1 to 124 characters"},
    {"{" KEYS ",\"secret_key\":\"s3cret \"}",
     ".secret_key: must not begin or end with white space"},
    {"{" KEYS ",\"secret_key\":7}", ".secret_key: must be a text"},
    {"{" KEYS ",\"callback\":\"\"}", ".callback: must have 1 to 64 characters"},
    {"{" KEYS ",\"additional_headers\":[]}", ".additional_headers: must be a JSON object"},
    {"{" KEYS ",\"additional_headers\":{\"A\":5}}", ".additional_headers.A: must be a text"},
    {"{" KEYS ",\"additional_headers\":{\"A\":null}}", ".additional_headers.A: must be a text"},
    {"{" KEYS ",\"additional_headers\":{\"A B\":\"s3cret\"}}",
     ".additional_headers.A: must be the name of an HTTP header"},
    {"{" KEYS ",\"additional_headers\":{\"A\":\"s3cret\\r\\nB: c\"}}",
     ".additional_headers.A: must not hold control characters or white space at its ends"},
    {"{" KEYS ",\"config\":\"x\"}", ".config: must be a JSON object"},
    {"{" KEYS ",\"retry_coutdown_config\":{}}", ".retry_coutdown_config: unknown key"},
    {"{" KEYS ",\"secret_key_file\":\"/x\"}", ".secret_key_file: unknown key"},
    {RETRY("5"), ".retry_countdown_config: must be a JSON object"},
    {RETRY("{}"), ".retry_countdown_config.choice: is required"},
    {RETRY("{\"choice\":5}"), ".retry_countdown_config.choice: must be a text"},
    {RETRY("{\"choice\":\"fixed\"}"), ".retry_countdown_config.kwargs: is required"},
    {RETRY("{\"choice\":\"fixed\",\"kwargs\":[]}"),
     ".retry_countdown_config.kwargs: must be a JSON object"},
    {RETRY("{\"choice\":\"fixed\",\"kwargs\":{}}"),
     ".retry_countdown_config.kwargs.seconds: is required"},
    {RETRY("{\"choice\":\"custom\",\"kwargs\":{},\"more\":1}"),
     ".retry_countdown_config.more: unknown key"},
    {RETRY("{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":1,\"limit\":2}}"),
     ".retry_countdown_config.kwargs.limit: unknown key"},
    {SECONDS("-1"), NOT_SECONDS},
    {SECONDS("1.5"), NOT_SECONDS},
    {SECONDS("true"), NOT_SECONDS},
    {SECONDS("\"\""), NOT_SECONDS},
    {SECONDS("\"1e3\""), NOT_SECONDS},
    {SECONDS("\"9223372036854775808\""), NOT_SECONDS},
    {SECONDS("1e300"), NOT_SECONDS},
    {RETRY("{\"choice\":\"linear\",\"kwargs\":{\"base\":1,\"limit\":-1}}"),
     ".retry_countdown_config.kwargs.limit: must be a whole number of at least 0"},
    {RETRY("{\"choice\":\"random\",\"kwargs\":{\"min_value\":5,\"max_value\":5}}"),
     ".retry_countdown_config.kwargs.max_value: must be more than min_value"},
    {RETRY("{\"choice\":\"random\",\"kwargs\":{\"min_value\":5}}"),
     ".retry_countdown_config.kwargs.max_value: is required"},
};

static void each_bad_entry_gives_one_fault_at_its_place(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof bad_entries / sizeof bad_entries[0]; i++) {
        char expected[256];
        (void)snprintf(expected, sizeof expected, "%s%s", path, bad_entries[i].fault);
        if (parse(&fixture->webhook, &fixture->faults, bad_entries[i].entry)) {
            fail_because("taken: %s", bad_entries[i].entry);
        }
        assert_string_equal(fixture->faults.lines[0], expected);
        assert_int_equal(fixture->faults.count, 1);
        assert_null(fixture->webhook.event_type);
        faults_clear(&fixture->faults);
    }
}

static void all_faults_of_an_entry_are_told_at_once(void **state)
{
    struct fixture *fixture = *state;
    assert_false(parse(&fixture->webhook, &fixture->faults,
                       "{\"event_type\":\"\",\"target_url\":\"x\",\"is_active\":0,\"colour\":1,"
                       "\"retry_countdown_config\":{\"choice\":\"random\",\"kwargs\":{}}}"));
    assert_int_equal(fixture->faults.count, 6);
}

/* A URL of so many characters, each of them size bytes of UTF-8. */
static void parse_url_of_length(struct fixture *fixture, size_t length, const char *letter)
{
    char text[2048] = "https://a/";
    for (size_t i = strlen("https://a/"); i < length; i++) {
        (void)strncat(text, letter, sizeof text - strlen(text) - 1);
    }
    json_t *entry = json_pack("{s:s, s:s}", "event_type", "e", "target_url", text);
    (void)!webhook_parse(&fixture->webhook, entry, path, &fixture->faults);
    json_decref(entry);
}

static void lengths_are_counted_in_characters_not_in_bytes(void **state)
{
    struct fixture *fixture = *state;
    parse_url_of_length(fixture, 255, "\xc3\xa7");
    assert_int_equal(fixture->faults.count, 0);
    webhook_clear(&fixture->webhook);
    parse_url_of_length(fixture, 256, "\xc3\xa7");
    assert_int_equal(fixture->faults.count, 1);
    assert_string_equal(fixture->faults.lines[0],
                        "accounts.acme.OMNITRON_WEBHOOKS[2].target_url: must have 1 to 255 "
                        "characters");
}

static void an_unknown_choice_is_passed_on_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(&fixture->webhook, &fixture->faults,
                      RETRY("{\"choice\":\"fibonacci\",\"kwargs\":{\"a\":\"1\"}}")));
    assert_json(fixture->webhook.retry_countdown_config,
                "{\"choice\":\"fibonacci\",\"kwargs\":{\"a\":\"1\"}}");
}

static void random_waits_may_begin_below_zero(void **state)
{
    struct fixture *fixture = *state;
    static const char choice[] =
        "{\"choice\":\"random\",\"kwargs\":{\"min_value\":-5,\"max_value\":-1}}";
    assert_true(
        parse(&fixture->webhook, &fixture->faults,
              RETRY("{\"choice\":\"random\",\"kwargs\":{\"min_value\":-5,\"max_value\":-1}}")));
    assert_json(fixture->webhook.retry_countdown_config, choice);
    webhook_clear(&fixture->webhook);
    assert_false(
        parse(&fixture->webhook, &fixture->faults,
              RETRY("{\"choice\":\"random\",\"kwargs\":{\"min_value\":0,\"max_value\":-1}}")));
}

static void known_kwargs_are_normalised_as_the_server_does(void **state)
{
    struct fixture *fixture = *state;
    static const char *const same_as_60[] = {"60",       "60.0",     "\"60\"",
                                             "\" 60 \"", "\"60.0\"", "\"+60\""};
    for (size_t i = 0; i < sizeof same_as_60 / sizeof same_as_60[0]; i++) {
        char entry[512];
        (void)snprintf(entry, sizeof entry, SECONDS("%s"), same_as_60[i]);
        assert_true(parse(&fixture->webhook, &fixture->faults, entry));
        assert_json(fixture->webhook.retry_countdown_config,
                    "{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":60}}");
        webhook_clear(&fixture->webhook);
    }
    assert_true(parse(&fixture->webhook, &fixture->faults,
                      RETRY("{\"choice\":\"linear\",\"kwargs\":{\"base\":1,\"limit\":null}}")));
    assert_json(fixture->webhook.retry_countdown_config,
                "{\"choice\":\"linear\",\"kwargs\":{\"base\":1}}");
}

static void private_targets_and_endless_countdowns_are_warnings(void **state)
{
    struct fixture *fixture = *state;
    static const char *const private_urls[] = {
        "http://localhost/",   "http://127.0.0.1:8080/", "http://10.1.2.3/",
        "http://192.168.0.1/", "http://172.31.0.1/",     "http://169.254.169.254/",
        "http://[::1]/",       "http://[fd00::1]/",      "http://[fe80::1]/",
        "http://0x7f.1/",      "http://db.internal/",    "http://[::ffff:10.0.0.1]/"};
    size_t count = sizeof private_urls / sizeof private_urls[0];
    for (size_t i = 0; i < count; i++) {
        char entry[128];
        (void)snprintf(entry, sizeof entry, URL_OF("%s"), private_urls[i]);
        assert_true(parse(&fixture->webhook, &fixture->faults, entry));
        assert_int_equal(fixture->faults.warning_count, i + 1);
        webhook_clear(&fixture->webhook);
    }
    assert_true(parse(&fixture->webhook, &fixture->faults,
                      RETRY("{\"choice\":\"exponential\",\"kwargs\":{\"base\":60}}")));
    assert_int_equal(fixture->faults.warning_count, count + 1);
    assert_int_equal(fixture->faults.count, 0);
}

static void sensible_settings_give_no_warning(void **state)
{
    struct fixture *fixture = *state;
    static const char *const entries[] = {
        URL_OF("http://8.8.8.8/"),
        URL_OF("http://172.32.0.1/"),
        URL_OF("https://[2001:db8::1]/"),
        URL_OF("https://localhost.example.com/"),
        RETRY("{\"choice\":\"exponential\",\"kwargs\":{\"base\":2}}"),
        RETRY("{\"choice\":\"exponential\",\"kwargs\":{\"base\":60,\"limit\":3600}}")};
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        assert_true(parse(&fixture->webhook, &fixture->faults, entries[i]));
        webhook_clear(&fixture->webhook);
    }
    assert_int_equal(fixture->faults.warning_count, 0);
}

static void equal_webhooks_may_be_written_differently(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(&fixture->webhook, &fixture->faults, "{" KEYS "}"));
    assert_true(parse(&fixture->other, &fixture->faults,
                      "{\"target_url\":\"https:\\/\\/erp.example.com/h\","
                      "\"event_type\":\"\\u0070ackage.created\",\"is_active\":true,"
                      "\"retry_countdown_config\":{\"kwargs\":{\"seconds\":\"60\"},"
                      "\"choice\":\"fixed\"}}"));
    assert_true(webhook_equals(&fixture->webhook, &fixture->other));
}

static void a_difference_in_any_field_makes_webhooks_unequal(void **state)
{
    struct fixture *fixture = *state;
    static const char *const others[] = {
        "{\"event_type\":\"package.create\",\"target_url\":\"https://erp.example.com/h\"}",
        "{\"event_type\":\"package.created\",\"target_url\":\"https://erp.example.com/h/\"}",
        "{" KEYS ",\"is_active\":false}",
        "{" KEYS ",\"secret_key\":\"s\"}",
        "{" KEYS ",\"callback\":\"c\"}",
        SECONDS("61"),
        "{" KEYS ",\"additional_headers\":{\"A\":\"b\"}}",
        "{" KEYS ",\"config\":{\"a\":1}}"};
    assert_true(parse(&fixture->webhook, &fixture->faults, "{" KEYS "}"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_true(parse(&fixture->other, &fixture->faults, others[i]));
        assert_false(webhook_equals(&fixture->webhook, &fixture->other));
        webhook_clear(&fixture->other);
    }
}

static void the_body_has_what_omnitron_needs_and_no_unset_secret(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(&fixture->webhook, &fixture->faults, "{" KEYS "}"));
    json_t *body = webhook_create_body(&fixture->webhook);
    assert_json(body, "{" KEYS ",\"is_active\":true,\"additional_headers\":{},\"config\":{},"
                      "\"retry_countdown_config\":{\"choice\":\"fixed\","
                      "\"kwargs\":{\"seconds\":60}}}");
    json_decref(body);
    assert_true(parse(&fixture->other, &fixture->faults,
                      "{" KEYS ",\"secret_key\":\"s\",\"callback\":\"c\"}"));
    body = webhook_create_body(&fixture->other);
    assert_string_equal(json_string_value(json_object_get(body, "secret_key")), "s");
    assert_string_equal(json_string_value(json_object_get(body, "callback")), "c");
    json_decref(body);
}

static void a_patch_has_the_asked_fields_alone(void **state)
{
    struct fixture *fixture = *state;
    assert_true(parse(&fixture->webhook, &fixture->faults,
                      "{" KEYS ",\"secret_key\":\"s\",\"config\":{\"a\":1}}"));
    json_t *body = webhook_patch_body(&fixture->webhook, WEBHOOK_IS_ACTIVE | WEBHOOK_SECRET_KEY);
    assert_json(body, "{\"is_active\":true,\"secret_key\":\"s\"}");
    json_decref(body);
}

static void field_names_are_those_of_the_json(void **state)
{
    (void)state;
    assert_string_equal(webhook_field_name(WEBHOOK_IS_ACTIVE), "is_active");
    assert_string_equal(webhook_field_name(WEBHOOK_RETRY_COUNTDOWN_CONFIG),
                        "retry_countdown_config");
    assert_string_equal(webhook_field_name(WEBHOOK_CONFIG), "config");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_not_named_has_its_default),
        CASE(null_is_the_default_and_does_not_count_as_named),
        CASE(what_is_given_is_taken_and_named),
        CASE(each_bad_entry_gives_one_fault_at_its_place),
        CASE(all_faults_of_an_entry_are_told_at_once),
        CASE(lengths_are_counted_in_characters_not_in_bytes),
        CASE(an_unknown_choice_is_passed_on_as_it_is),
        CASE(random_waits_may_begin_below_zero),
        CASE(known_kwargs_are_normalised_as_the_server_does),
        CASE(private_targets_and_endless_countdowns_are_warnings),
        CASE(sensible_settings_give_no_warning),
        CASE(equal_webhooks_may_be_written_differently),
        CASE(a_difference_in_any_field_makes_webhooks_unequal),
        CASE(the_body_has_what_omnitron_needs_and_no_unset_secret),
        CASE(a_patch_has_the_asked_fields_alone),
        CASE(field_names_are_those_of_the_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
