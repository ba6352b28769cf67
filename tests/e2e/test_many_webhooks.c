/* A long setting against a long list: everything is registered, nothing twice. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/webhooks.h"

#include <string.h>

enum { WANTED = 3000, THERE_ALREADY = 1000, PAGE_SIZE = 100, LIMIT_MS = 60000 };

static const char prefix[] = "https://erp.example.com/hooks/";

static void three_thousand_webhooks_over_thirty_pages_are_registered_once(void **state)
{
    (void)state;
    char *webhooks = webhooks_print(prefix, WANTED, "");
    char *registered = webhooks_print(prefix, THERE_ALREADY, ",\"username\":\"acme\"");
    const struct stack_account account = {.name = "acme", .webhooks = webhooks};
    const struct stack_options options = {
        .accounts = &account, .account_count = 1, .api_count = 1, .worker_count = 1};
    struct stack *stack = stack_new(&options);
    struct sim *sim = stack_sim(stack);
    sim_set(sim, "{\"page_size\": 100, \"max_page_size\": 100, \"pagination\": \"page\"}");
    sim_seed(sim, registered);
    assert_string_equal(stack_is_required(stack, "acme"), "true");

    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(sim, "acme"), WANTED);
    json_t *counters = sim_counters(sim);
    assert_int_equal(json_array_size(json_object_get(counters, "duplicates")), 0);
    json_decref(counters);
    assert_int_equal(sim_counter(sim, "duplicate_posts"), 0);
    assert_int_equal(sim_route_count(sim, "POST /whisperer/hooks/", 201), WANTED - THERE_ALREADY);
    json_t *report = stack_report(stack, "acme");
    json_t *counts = json_object_get(report, "counts");
    assert_int_equal(json_integer_value(json_object_get(counts, "created")),
                     WANTED - THERE_ALREADY);
    assert_int_equal(json_integer_value(json_object_get(counts, "already")), THERE_ALREADY);
    assert_int_equal(json_integer_value(json_object_get(report, "done")), WANTED);
    json_decref(report);

    sim_reset_counters(sim);
    assert_string_equal(stack_is_required(stack, "acme"), "false");
    assert_true(sim_route_count(sim, "GET /whisperer/hooks/", 200) >= WANTED / PAGE_SIZE);

    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_route_count(sim, "POST /whisperer/hooks/", 0), 0);
    stack_free(stack);
    mem_free(registered);
    mem_free(webhooks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_thousand_webhooks_over_thirty_pages_are_registered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
