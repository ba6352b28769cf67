/* Two accounts on the same API, workers and Redis: neither sees nor changes what is the other's. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 15000 };

#define ACME_URL "https://acme.example.com/hooks"
#define BOLT_URL "https://bolt.example.com/hooks"

static const struct stack_account accounts[] = {
    {.name = "acme",
     .webhooks = "[{\"event_type\": \"package.created\", \"target_url\": \"" ACME_URL "\"}]"},
    {.name = "bolt",
     .webhooks = "[{\"event_type\": \"package.created\", \"target_url\": \"" BOLT_URL "\"}]"},
};
static struct stack_options two_accounts = {
    .accounts = accounts,
    .account_count = 2,
    .api_count = 1,
    .worker_count = 1,
};

static void each_key_reaches_only_its_own_account(void **state)
{
    struct stack *stack = *state;
    struct sim *sim = stack_sim(stack);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_string_equal(stack_status(stack, "bolt"), "READY");
    assert_string_equal(stack_is_required(stack, "acme"), "false");
    assert_string_equal(stack_is_required(stack, "bolt"), "true");
    assert_int_equal(sim_hook_count(sim, "acme"), 1);
    assert_int_equal(sim_hook_count(sim, "bolt"), 0);

    stack_run(stack, "bolt", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(sim, "acme"), 1);
    assert_true(sim_has_hook(sim, "acme", "package.created", ACME_URL));
    assert_int_equal(sim_hook_count(sim, "bolt"), 1);
    assert_true(sim_has_hook(sim, "bolt", "package.created", BOLT_URL));
}

static void a_failure_of_one_is_not_the_others(void **state)
{
    struct stack *stack = *state;
    sim_fault(stack_sim(stack), "{\"username\": \"acme\", \"method\": \"POST\", \"times\": -1,"
                                " \"action\": {\"status\": 400, \"json\": {}}}");
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_int_equal(stack_execute(stack, "bolt"), 204);
    stack_wait_status(stack, "acme", "FAILED", LIMIT_MS);
    stack_wait_status(stack, "bolt", "FINISHED", LIMIT_MS);
}

static void an_abort_ends_only_the_callers_own_job(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_int_equal(stack_execute(stack, "bolt"), 204);
    http_answer_free(stack_call(stack, "acme", "POST", "abort/"));
    assert_string_equal(stack_status(stack, "acme"), "ABORTED");
    assert_string_equal(stack_status(stack, "bolt"), "WORKING");
}

static void a_report_tells_of_its_own_account_only(void **state)
{
    struct stack *stack = *state;
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    stack_run(stack, "bolt", "FINISHED", LIMIT_MS);
    struct http_answer *answer = stack_call(stack, "acme", "GET", "report/");
    assert_int_equal(answer->status, 200);
    assert_string_equal(http_answer_text(answer, "account"), "acme");
    assert_non_null(strstr(answer->body, ACME_URL));
    assert_null(strstr(answer->body, "bolt"));
    http_answer_free(answer);
}

static void a_key_that_is_nobodys_is_refused_everywhere(void **state)
{
    struct stack *stack = *state;
    static const char *const paths[] = {"execute/", "get_async_status/", "is_required/", "abort/"};
    const char *const headers[] = {"Authorization: Token 0123456789abcdef0123456789abcdef01234567",
                                   NULL};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "/api/v1/oms/setup/webhooks/%s", paths[i]);
        struct http_call call = {.method = "POST",
                                 .address = stack_api_address(stack, 0),
                                 .path = path,
                                 .headers = headers};
        struct http_answer *answer = http_call(&call);
        assert_int_equal(answer->status, 401);
        assert_string_equal(http_answer_text(answer, "detail"), "Invalid token.");
        http_answer_free(answer);
        answer = stack_call(stack, NULL, "POST", paths[i]);
        assert_int_equal(answer->status, 401);
        http_answer_free(answer);
    }
    assert_int_equal(redis_int(stack_redis(stack), "EXISTS {omnihook}:queue"), 0);
    assert_int_equal(sim_counter(stack_sim(stack), "requests"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(each_key_reaches_only_its_own_account, &two_accounts),
        STACK_TEST(a_failure_of_one_is_not_the_others, &two_accounts),
        STACK_TEST(an_abort_ends_only_the_callers_own_job, &two_accounts),
        STACK_TEST(a_report_tells_of_its_own_account_only, &two_accounts),
        STACK_TEST(a_key_that_is_nobodys_is_refused_everywhere, &two_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
