/* What a run tells about each webhook, as counts, JSON and a sentence. */
#include "common/mem.h"
#include "common/run_report.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { WEBHOOKS = 3 };

static char created[] = "package.created";
static char shipped[] = "package.shipped";
static char strange[] = "a\"b\\c\n\x01 \xc3\xa7 \xff\xed\xa0\x80";
static char erp_url[] = "https://erp.example.com/hooks?token=hidden";
static char oms_url[] = "https://oms.example.com/hooks/";

struct fixture {
    struct webhook webhooks[WEBHOOKS];
    struct account account;
    struct run_report *report;
};

static int set_up(void **state)
{
    struct fixture *fixture = mem_new(1, sizeof *fixture);
    fixture->webhooks[0] = (struct webhook){.event_type = created, .target_url = erp_url};
    fixture->webhooks[1] = (struct webhook){.event_type = shipped, .target_url = oms_url};
    fixture->webhooks[2] = (struct webhook){.event_type = strange, .target_url = oms_url};
    fixture->account.webhooks = fixture->webhooks;
    fixture->account.webhook_count = WEBHOOKS;
    strcpy(fixture->account.digest, "0123456789abcdef");
    fixture->report = run_report_new(&fixture->account);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    run_report_free(fixture->report);
    mem_free(fixture);
    return 0;
}

/* The details as the document that they become a part of. To be json_decref'd. */
static json_t *printed(const struct fixture *fixture)
{
    char *details = run_report_print(fixture->report);
    size_t size = strlen(details) + 3;
    char *document = mem_new(size, 1);
    (void)snprintf(document, size, "{%s}", details);
    json_t *json = json_loads(document, JSON_REJECT_DUPLICATES, NULL);
    mem_free(document);
    mem_free(details);
    assert_non_null(json);
    return json;
}

static void every_webhook_is_pending_at_first(void **state)
{
    struct fixture *fixture = *state;
    struct run_counts counts = run_report_counts(fixture->report);
    assert_int_equal(counts.done, 0);
    assert_int_equal(counts.total, WEBHOOKS);
    assert_int_equal(run_report_outcome(fixture->report, 2), OUTCOME_PENDING);
}

static void a_later_run_knows_what_the_one_before_has_told(void **state)
{
    struct fixture *fixture = *state;
    int status = 0;
    run_report_set(fixture->report, 0, OUTCOME_CREATED, 201, NULL);
    run_report_set(fixture->report, 2, OUTCOME_FAILED, 400, "400: no");
    char *details = run_report_print(fixture->report);
    struct run_report *later = run_report_new(&fixture->account);
    assert_int_equal(run_report_earlier(later, 0, &status), OUTCOME_PENDING);
    run_report_recall(later, details, strlen(details));
    assert_int_equal(run_report_earlier(later, 0, &status), OUTCOME_CREATED);
    assert_int_equal(status, 201);
    assert_int_equal(run_report_earlier(later, 1, &status), OUTCOME_PENDING);
    assert_int_equal(run_report_earlier(later, 2, &status), OUTCOME_FAILED);
    assert_int_equal(status, 400);
    assert_int_equal(run_report_outcome(later, 2), OUTCOME_PENDING);
    run_report_keep_earlier(later, 2);
    assert_int_equal(run_report_outcome(later, 2), OUTCOME_FAILED);
    assert_true(run_report_is_earlier(later, 2));
    assert_int_equal(run_report_counts(later).failed, 1);
    struct error err;
    run_report_failure(later, &err);
    assert_non_null(strstr(err.text, "400: no"));
    run_report_set(later, 2, OUTCOME_CREATED, 201, NULL);
    assert_false(run_report_is_earlier(later, 2));
    run_report_keep_all_earlier(later);
    assert_int_equal(run_report_outcome(later, 0), OUTCOME_CREATED);
    assert_int_equal(run_report_outcome(later, 1), OUTCOME_PENDING);
    assert_false(run_report_is_earlier(later, 1));
    assert_false(run_report_is_earlier(later, 2));
    run_report_free(later);
    mem_free(details);
}

static void what_an_earlier_run_told_of_other_settings_or_without_sense_is_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const char *const details[] = {
        "",
        "junk",
        "\"settings\":\"0123456789abcdef\"",
        "\"settings\":\"0123456789abcdef\",\"webhooks\":7",
        "\"settings\":\"0123456789abcdef\",\"webhooks\":[7,{\"outcome\":\"made\"},{\"outcome\":1},{"
        "}]",
        "\"settings\":\"fedcba9876543210\",\"webhooks\":[{\"outcome\":\"created\"}]"};
    for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
        int status = 0;
        struct run_report *later = run_report_new(&fixture->account);
        run_report_recall(later, details[i], strlen(details[i]));
        for (size_t row = 0; row < WEBHOOKS; row++) {
            assert_int_equal(run_report_earlier(later, row, &status), OUTCOME_PENDING);
        }
        run_report_free(later);
    }
}

static void each_outcome_is_counted_once_even_when_it_changes(void **state)
{
    struct fixture *fixture = *state;
    run_report_set(fixture->report, 0, OUTCOME_FAILED, 500, "500 from Omnitron");
    run_report_set(fixture->report, 0, OUTCOME_CREATED, 201, NULL);
    run_report_set(fixture->report, 1, OUTCOME_ALREADY, 0, NULL);
    run_report_set(fixture->report, 1, OUTCOME_UPDATED, 200, NULL);
    struct run_counts counts = run_report_counts(fixture->report);
    assert_int_equal(counts.done, 2);
    assert_int_equal(counts.created, 1);
    assert_int_equal(counts.updated, 1);
    assert_int_equal(counts.already, 0);
    assert_int_equal(counts.failed, 0);
}

static void the_details_name_the_setting_and_each_webhook(void **state)
{
    struct fixture *fixture = *state;
    run_report_set(fixture->report, 0, OUTCOME_CREATED, 201, NULL);
    run_report_set(fixture->report, 1, OUTCOME_FAILED, 400, "400 event_type: no \"such\" type");
    json_t *json = printed(fixture);
    const char *digest = NULL, *type = NULL, *url = NULL, *outcome = NULL, *error = NULL;
    int status = 0;
    json_t *first_error = NULL, *last_status = NULL;
    assert_int_equal(
        json_unpack(json, "{s:s, s:[{s:s, s:s, s:s, s:i, s:o}, {s:s, s:s}, {s:o}], s:[!]}",
                    "settings", &digest, "webhooks", "event_type", &type, "target_url", &url,
                    "outcome", &outcome, "status", &status, "error", &first_error, "outcome",
                    &(const char *){NULL}, "error", &error, "status", &last_status, "warnings"),
        0);
    assert_string_equal(digest, "0123456789abcdef");
    assert_string_equal(type, created);
    assert_string_equal(url, erp_url);
    assert_string_equal(outcome, "created");
    assert_int_equal(status, 201);
    assert_true(json_is_null(first_error));
    assert_string_equal(error, "400 event_type: no \"such\" type");
    assert_true(json_is_null(last_status));
    json_decref(json);
}

static void texts_that_are_no_utf8_still_print_as_json(void **state)
{
    struct fixture *fixture = *state;
    json_t *json = printed(fixture);
    const char *type = NULL;
    assert_int_equal(json_unpack(json, "{s:[{}, {}, {s:s}]}", "webhooks", "event_type", &type), 0);
    assert_string_equal(type, "a\"b\\c\n\x01 \xc3\xa7 "
                              "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    json_decref(json);
}

static void warnings_are_about_a_webhook_or_about_the_whole(void **state)
{
    struct fixture *fixture = *state;
    run_report_warn(fixture->report, &fixture->webhooks[1], "near_miss", "differs in its slash");
    run_report_warn(fixture->report, NULL, "list_unstable", NULL);
    json_t *json = printed(fixture);
    const char *type = NULL, *name = NULL, *detail = NULL;
    json_t *whole = NULL;
    assert_int_equal(json_unpack(json, "{s:[{s:s, s:s, s:s}, {s:o}!]}", "warnings", "event_type",
                                 &type, "warning", &name, "detail", &detail, "event_type", &whole),
                     0);
    assert_string_equal(type, shipped);
    assert_string_equal(name, "near_miss");
    assert_string_equal(detail, "differs in its slash");
    assert_true(json_is_null(whole));
    json_decref(json);
}

static void warnings_have_a_ceiling(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 1500; i++) {
        run_report_warn(fixture->report, NULL, "near_miss", "again");
    }
    json_t *json = printed(fixture);
    assert_int_equal(json_array_size(json_object_get(json, "warnings")), 1000);
    json_decref(json);
}

static void the_sentence_names_the_first_failure_without_its_query(void **state)
{
    struct fixture *fixture = *state;
    run_report_set(fixture->report, 0, OUTCOME_FAILED, 400, "400 event_type: unknown");
    run_report_set(fixture->report, 2, OUTCOME_FAILED, 500, "500 from Omnitron");
    struct error err;
    run_report_failure(fixture->report, &err);
    assert_string_equal(err.text, "2 of 3 webhooks could not be registered; first: package.created "
                                  "-> https://erp.example.com/hooks: 400 event_type: unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_webhook_is_pending_at_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_later_run_knows_what_the_one_before_has_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            what_an_earlier_run_told_of_other_settings_or_without_sense_is_nothing, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(each_outcome_is_counted_once_even_when_it_changes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_details_name_the_setting_and_each_webhook, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(texts_that_are_no_utf8_still_print_as_json, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(warnings_are_about_a_webhook_or_about_the_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(warnings_have_a_ceiling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_sentence_names_the_first_failure_without_its_query,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
