/* The calls as copied from the published page make them, and what callers get when Omnitron is not
   well. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 15000 };

static const struct stack_account account = {
    .name = "acme",
    .webhooks = "[{\"event_type\": \"package.created\","
                "  \"target_url\": \"https://erp.example.com/hooks\"}]",
    .extra = "{\"omnitron\": {\"timeout_ms\": 500}}",
};
static const char *const impatient[] = {"OMNIHOOK_REQUEST_TIMEOUT_MS=1500",
                                        "OMNIHOOK_RETRY_BASE_MS=10", NULL};
static struct stack_options one_of_each = {
    .accounts = &account,
    .account_count = 1,
    .api_count = 1,
    .worker_count = 1,
    .env = impatient,
};

static void assert_result(struct stack *stack, const char *method, const char *path,
                          const char *result)
{
    struct http_answer *answer = stack_call(stack, "acme", method, path);
    assert_int_equal(answer->status, 200);
    json_t *expected = json_pack("{s:s}", "result", result);
    assert_true(json_equal(answer->json, expected));
    json_decref(expected);
    http_answer_free(answer);
}

static void is_required_is_a_string_before_and_after(void **state)
{
    struct stack *stack = *state;
    assert_result(stack, "GET", "is_required/", "true");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_result(stack, "GET", "is_required/", "false");
}

static void a_webhook_that_somebody_removed_or_paused_is_required_again(void **state)
{
    struct stack *stack = *state;
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    json_t *hooks = sim_hooks(stack_sim(stack), "acme");
    char path[64];
    (void)snprintf(path, sizeof path, "/whisperer/hooks/%lld/",
                   (long long)json_integer_value(json_object_get(json_array_get(hooks, 0), "id")));
    json_decref(hooks);
    char authorization[96];
    (void)snprintf(authorization, sizeof authorization, "Authorization: Token %s",
                   stack_token(stack, "acme"));
    const char *const headers[] = {authorization, NULL};
    struct http_call call = {.method = "DELETE",
                             .address = sim_address(stack_sim(stack)),
                             .path = path,
                             .headers = headers};
    struct http_answer *answer = http_call(&call);
    assert_int_equal(answer->status, 204);
    http_answer_free(answer);

    assert_result(stack, "GET", "is_required/", "true");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_result(stack, "GET", "is_required/", "false");
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 1);
}

static void reads_are_answered_to_post_too(void **state)
{
    struct stack *stack = *state;
    assert_result(stack, "POST", "get_async_status/", "READY");
    assert_result(stack, "POST", "is_required/", "true");
}

static void a_path_without_its_last_slash_is_the_same_path(void **state)
{
    struct stack *stack = *state;
    assert_result(stack, "GET", "get_async_status", "READY");
    assert_result(stack, "POST", "is_required", "true");
    struct http_answer *answer = stack_call(stack, "acme", "POST", "execute");
    assert_int_equal(answer->status, 204);
    assert_int_equal(answer->size, 0);
    http_answer_free(answer);
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
}

static void execute_is_only_a_post(void **state)
{
    struct stack *stack = *state;
    struct http_answer *answer = stack_call(stack, "acme", "GET", "execute/");
    assert_int_equal(answer->status, 405);
    char *allow = http_answer_header(answer, "Allow");
    assert_non_null(allow);
    assert_non_null(strstr(allow, "POST"));
    mem_free(allow);
    http_answer_free(answer);
    assert_string_equal(stack_status(stack, "acme"), "READY");
}

static void assert_is_required_fails(struct stack *stack, int status)
{
    struct http_answer *answer = stack_call(stack, "acme", "GET", "is_required/");
    assert_int_equal(answer->status, status);
    assert_non_null(http_answer_text(answer, "detail"));
    assert_null(strstr(answer->body, stack_token(stack, "acme")));
    assert_in_range(answer->took_ms, 0, 5000);
    http_answer_free(answer);
}

static void an_omnitron_that_is_broken_gives_502(void **state)
{
    struct stack *stack = *state;
    static const char *const actions[] = {
        "{\"status\": 500, \"body\": \"<html>\"}", "{\"status\": 403, \"json\": {}}",
        "{\"status\": 200, \"body\": \"<html>login</html>\"}", "{\"close\": \"mid\"}",
        "{\"status\": 200, \"json\": {\"results\": 7}}"};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        char fault[256];
        (void)snprintf(fault, sizeof fault,
                       "{\"name\": \"broken\", \"path\": \"/whisperer/hooks/\", \"times\": -1,"
                       " \"action\": %s}",
                       actions[i]);
        sim_fault(stack_sim(stack), fault);
        assert_is_required_fails(stack, 502);
    }
    sim_clear_faults(stack_sim(stack));
    assert_result(stack, "GET", "is_required/", "true");
}

static void an_omnitron_that_is_not_there_gives_502(void **state)
{
    struct stack *stack = *state;
    sim_kill(stack_sim(stack));
    assert_is_required_fails(stack, 502);
}

static void an_omnitron_that_does_not_answer_gives_504(void **state)
{
    struct stack *stack = *state;
    sim_pause(stack_sim(stack));
    assert_is_required_fails(stack, 504);
    /* The other calls do not wait for Omnitron. */
    assert_result(stack, "GET", "get_async_status/", "READY");
    sim_resume(stack_sim(stack));
    assert_result(stack, "GET", "is_required/", "true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(is_required_is_a_string_before_and_after, &one_of_each),
        STACK_TEST(a_webhook_that_somebody_removed_or_paused_is_required_again, &one_of_each),
        STACK_TEST(reads_are_answered_to_post_too, &one_of_each),
        STACK_TEST(a_path_without_its_last_slash_is_the_same_path, &one_of_each),
        STACK_TEST(execute_is_only_a_post, &one_of_each),
        STACK_TEST(an_omnitron_that_is_broken_gives_502, &one_of_each),
        STACK_TEST(an_omnitron_that_is_not_there_gives_502, &one_of_each),
        STACK_TEST(an_omnitron_that_does_not_answer_gives_504, &one_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
