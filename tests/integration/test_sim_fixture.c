/* The simulator as tests see it: its control interface through tests/support/sim.h. */
#include "common/mem.h"
#include "tests/support/http_call.h"
#include "tests/support/sim.h"
#include "tests/support/test.h"
#include "tests/support/webhooks.h"

#include <stdio.h>
#include <string.h>

#define URL "https://erp.example.com/hooks/"

enum { SHORT_MS = 300 };

static struct http_answer *list_hooks(struct sim *sim, const char *token, int64_t limit_ms)
{
    char authorization[96];
    (void)snprintf(authorization, sizeof authorization, "Authorization: Token %s", token);
    const char *const headers[] = {authorization, NULL};
    struct http_call call = {.address = sim_address(sim),
                             .path = "/whisperer/hooks/",
                             .headers = headers,
                             .limit_ms = limit_ms};
    return http_call(&call);
}

static int list_status(struct sim *sim, const char *token)
{
    struct http_answer *answer = list_hooks(sim, token, 0);
    int status = answer->status;
    http_answer_free(answer);
    return status;
}

static void users_have_tokens_that_can_expire(void **state)
{
    struct sim *sim = *state;
    assert_int_equal(list_status(sim, "token-1"), 401);
    sim_add_user(sim, "acme", "password", "token-1", false);
    assert_int_equal(list_status(sim, "token-1"), 200);
    sim_expire_token(sim, "acme");
    assert_int_equal(list_status(sim, "token-1"), 401);
    assert_int_equal(sim_route_count(sim, "GET /whisperer/hooks/", 401), 2);
    assert_int_equal(sim_route_count(sim, "GET /whisperer/hooks/", 0), 3);
    sim_reset_counters(sim);
    assert_int_equal(sim_route_count(sim, "GET /whisperer/hooks/", 0), 0);
    assert_int_equal(sim_counter(sim, "requests"), 0);
}

static void seeded_webhooks_belong_to_their_user(void **state)
{
    struct sim *sim = *state;
    sim_add_user(sim, "acme", "password", "token-1", false);
    sim_add_user(sim, "bolt", "password", "token-2", false);
    char *hooks = webhooks_print(URL, 3, ",\"username\":\"acme\"");
    sim_seed(sim, hooks);
    mem_free(hooks);
    assert_int_equal(sim_hook_count(sim, "acme"), 3);
    assert_int_equal(sim_hook_count(sim, "bolt"), 0);
    assert_true(sim_has_hook(sim, "acme", "package.created", URL "2"));
    assert_false(sim_has_hook(sim, "acme", "package.created", URL "3"));
    assert_false(sim_has_hook(sim, "acme", "package.shipped", URL "2"));
    sim_reset(sim);
    assert_int_equal(list_status(sim, "token-1"), 401);
}

static void a_fault_counts_what_it_meets_until_it_is_cleared(void **state)
{
    struct sim *sim = *state;
    sim_add_user(sim, "acme", "password", "token-1", false);
    sim_fault(sim, "{\"name\": \"broken\", \"method\": \"GET\", \"path\": \"/whisperer/hooks/\","
                   " \"skip\": 1, \"times\": -1, \"action\": {\"status\": 503}}");
    assert_int_equal(list_status(sim, "token-1"), 200);
    assert_int_equal(list_status(sim, "token-1"), 503);
    assert_int_equal(list_status(sim, "token-1"), 503);
    assert_int_equal(sim_fault_hits(sim, "broken"), 2);
    sim_clear_faults(sim);
    assert_int_equal(list_status(sim, "token-1"), 200);
}

static void a_paused_simulator_answers_when_it_goes_on(void **state)
{
    struct sim *sim = *state;
    sim_add_user(sim, "acme", "password", "token-1", false);
    sim_pause(sim);
    struct http_answer *answer = list_hooks(sim, "token-1", SHORT_MS);
    assert_int_equal(answer->status, 0);
    assert_true(answer->took_ms >= SHORT_MS - CLOCK_SLACK_MS);
    http_answer_free(answer);
    sim_resume(sim);
    assert_int_equal(list_status(sim, "token-1"), 200);
    sim_kill(sim);
    assert_int_equal(list_status(sim, "token-1"), 0);
}

static void settings_change_how_it_answers(void **state)
{
    struct sim *sim = *state;
    sim_add_user(sim, "acme", "password", "token-1", false);
    char *hooks = webhooks_print(URL, 5, ",\"username\":\"acme\"");
    sim_seed(sim, hooks);
    mem_free(hooks);
    sim_set(sim, "{\"pagination\": \"page\", \"page_size\": 2}");
    struct http_answer *answer = list_hooks(sim, "token-1", 0);
    assert_int_equal(json_array_size(json_object_get(answer->json, "results")), 2);
    assert_int_equal(json_integer_value(json_object_get(answer->json, "count")), 5);
    http_answer_free(answer);
    sim_set(sim, "{\"pagination\": \"array\"}");
    answer = list_hooks(sim, "token-1", 0);
    assert_int_equal(json_array_size(answer->json), 5);
    http_answer_free(answer);
}

static int start(void **state)
{
    *state = sim_start();
    return 0;
}

static int stop(void **state)
{
    sim_stop(*state);
    return 0;
}

#define WITH_SIM(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SIM(users_have_tokens_that_can_expire),
        WITH_SIM(seeded_webhooks_belong_to_their_user),
        WITH_SIM(a_fault_counts_what_it_meets_until_it_is_cleared),
        WITH_SIM(a_paused_simulator_answers_when_it_goes_on),
        WITH_SIM(settings_change_how_it_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
