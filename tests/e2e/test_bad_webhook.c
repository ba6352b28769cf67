/* One webhook that Omnitron does not take, in the middle of good ones. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <string.h>

enum { LIMIT_MS = 15000 };

#define URL "https://erp.example.com/hooks/"

static const struct stack_account account = {
    .name = "acme",
    .webhooks = "[{\"event_type\": \"package.created\", \"target_url\": \"" URL "1\"},"
                " {\"event_type\": \"no.such.event\", \"target_url\": \"" URL "2\"},"
                " {\"event_type\": \"package.shipped\", \"target_url\": \"" URL "3\"}]",
};
static struct stack_options one_of_each = {
    .accounts = &account,
    .account_count = 1,
    .api_count = 1,
    .worker_count = 1,
};

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* The entry of the report's webhooks with that event type; borrowed from the report. */
static const json_t *find_webhook(const json_t *report, const char *event_type)
{
    const json_t *webhooks = json_object_get(report, "webhooks");
    for (size_t i = 0; i < json_array_size(webhooks); i++) {
        const json_t *webhook = json_array_get(webhooks, i);
        if (strcmp(member(webhook, "event_type"), event_type) == 0) {
            return webhook;
        }
    }
    return NULL;
}

static void the_others_are_registered_and_the_report_names_the_bad_one(void **state)
{
    struct stack *stack = *state;
    struct sim *sim = stack_sim(stack);
    sim_set(sim, "{\"restrict_event_types\": true,"
                 " \"registry\": [\"package.created\", \"package.shipped\"]}");

    stack_run(stack, "acme", "FAILED", LIMIT_MS);
    assert_int_equal(sim_hook_count(sim, "acme"), 2);
    assert_true(sim_has_hook(sim, "acme", "package.created", URL "1"));
    assert_true(sim_has_hook(sim, "acme", "package.shipped", URL "3"));
    /* A refusal of the webhook itself is not tried again. */
    assert_int_equal(sim_route_count(sim, "POST /whisperer/hooks/", 400), 1);

    json_t *report = stack_report(stack, "acme");
    assert_string_equal(member(report, "state"), "FAILED");
    assert_string_not_equal(member(report, "error"), "");
    const json_t *bad = find_webhook(report, "no.such.event");
    assert_string_equal(member(bad, "outcome"), "failed");
    assert_string_equal(member(bad, "target_url"), URL "2");
    assert_int_equal(json_integer_value(json_object_get(bad, "status")), 400);
    assert_non_null(strstr(member(bad, "error"), "event_type"));
    assert_string_equal(member(find_webhook(report, "package.created"), "outcome"), "created");
    assert_string_equal(member(find_webhook(report, "package.shipped"), "outcome"), "created");
    json_decref(report);
}

static void the_corrected_setting_needs_only_what_is_missing(void **state)
{
    struct stack *stack = *state;
    struct sim *sim = stack_sim(stack);
    sim_set(sim, "{\"restrict_event_types\": true,"
                 " \"registry\": [\"package.created\", \"package.shipped\", \"package.lost\"]}");
    stack_run(stack, "acme", "FAILED", LIMIT_MS);

    stack_set_webhooks(stack, "acme",
                       "[{\"event_type\": \"package.created\", \"target_url\": \"" URL "1\"},"
                       " {\"event_type\": \"package.lost\", \"target_url\": \"" URL "2\"},"
                       " {\"event_type\": \"package.shipped\", \"target_url\": \"" URL "3\"}]");
    sim_reset_counters(sim);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_route_count(sim, "POST /whisperer/hooks/", 0), 1);
    assert_true(sim_has_hook(sim, "acme", "package.lost", URL "2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(the_others_are_registered_and_the_report_names_the_bad_one, &one_of_each),
        STACK_TEST(the_corrected_setting_needs_only_what_is_missing, &one_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
