/* What the calls of the HTTP API answer, on the real process. */
#include "common/mem.h"
#include "tests/support/api_text.h"
#include "tests/support/raw_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 10000, BURST = 100 };

static const struct stack_account accounts[] = {
    {.name = "acme",
     .webhooks = "[{\"event_type\":\"package.created\",\"target_url\":\"https://erp.example/a\"}]",
     .is_superuser = true},
    {.name = "other",
     .webhooks = "[{\"event_type\":\"package.created\",\"target_url\":\"https://erp.example/b\"}]",
     .is_superuser = true},
};

/* No worker: a job that is enqueued stays where it is. */
static struct stack_options api_alone = {.accounts = accounts, .account_count = 2, .api_count = 1};

static void a_bad_request_id_is_replaced_by_ours(void **state)
{
    struct stack *stack = *state;
    char too_long[160];
    memset(too_long, 'a', sizeof too_long);
    (void)snprintf(too_long, 16, "X-Request-Id: ");
    too_long[14] = 'a';
    too_long[14 + 129] = '\0';
    const char *const bad[] = {"X-Request-Id: a b", "X-Request-Id: \xc3\xa7", "X-Request-Id: a,b",
                               too_long};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const headers[] = {bad[i], NULL};
        const struct http_call call = {
            .address = stack_api_address(stack, 0), .path = "/nothing", .headers = headers};
        struct http_answer *answer = http_call(&call);
        char *id = http_answer_header(answer, "X-Request-Id");
        assert_non_null(id);
        assert_int_equal(strlen(id), 32);
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        mem_free(id);
        http_answer_free(answer);
    }
}

static void execute_answers_204_with_the_job_in_redis(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(stack_execute(stack, "acme"), 204);
    struct redis_fixture *redis = stack_redis(stack);
    assert_int_equal(redis_int(redis, "LLEN {omnihook}:queue"), 1);
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
    assert_string_equal(stack_status(stack, "other"), "READY");
    json_t *report = stack_report(stack, "acme");
    assert_string_equal(json_string_value(json_object_get(report, "account")), "acme");
    assert_string_equal(json_string_value(json_object_get(report, "state")), "WORKING");
    json_decref(report);

    struct http_answer *aborted = stack_call(stack, "acme", "POST", "abort/");
    assert_int_equal(aborted->status, 204);
    http_answer_free(aborted);
    assert_string_equal(stack_status(stack, "acme"), "ABORTED");
}

static void plan_tells_what_execute_would_do(void **state)
{
    struct stack *stack = *state;
    struct http_answer *answer = stack_call(stack, "acme", "GET", "plan/");
    assert_int_equal(answer->status, 200);
    assert_string_equal(http_answer_text(answer, "account"), "acme");
    assert_true(json_is_true(json_object_get(answer->json, "required")));
    json_t *first = json_array_get(json_object_get(answer->json, "webhooks"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "action")), "create");
    http_answer_free(answer);
}

static void the_description_names_every_call(void **state)
{
    struct stack *stack = *state;
    struct http_answer *answer = stack_call(stack, NULL, "GET", "openapi.json");
    assert_int_equal(answer->status, 200);
    json_t *paths = json_object_get(answer->json, "paths");
    static const char *const calls[] = {"/execute/",    "/get_async_status/", "/is_required/",
                                        "/plan/",       "/report/",           "/abort/",
                                        "/openapi.json"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        assert_non_null(json_object_get(paths, calls[i]));
    }
    assert_int_equal(json_object_size(paths), sizeof calls / sizeof *calls);
    http_answer_free(answer);
}

static void a_full_queue_refuses_new_jobs_and_says_when_to_come_again(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(stack_execute(stack, "acme"), 204);
    struct http_answer *answer = stack_call(stack, "other", "POST", "execute/");
    assert_int_equal(answer->status, 503);
    assert_string_equal(http_answer_text(answer, "detail"), "The job queue is full.");
    char *retry_after = http_answer_header(answer, "Retry-After");
    assert_non_null(retry_after);
    mem_free(retry_after);
    http_answer_free(answer);
    assert_int_equal(stack_execute(stack, "acme"), 204);
}

static void a_burst_of_is_required_costs_two_list_reads_at_most(void **state)
{
    struct stack *stack = *state;
    sim_set(stack_sim(stack), "{\"latency_ms\": 100}");
    char *request = with_key(CALL("GET", "is_required/") KEY CLOSE END, stack_key(stack, "acme"));
    struct raw_call *calls[BURST];
    for (int i = 0; i < BURST; i++) {
        calls[i] = raw_call_open(stack_api_address(stack, 0));
        assert_true(raw_call_send_text(calls[i], request));
    }
    for (int i = 0; i < BURST; i++) {
        assert_non_null(strstr(raw_call_receive(calls[i], NULL, LIMIT_MS), RESULT("true")));
        raw_call_close(calls[i]);
    }
    mem_free(request);
    int64_t reads = sim_route_count(stack_sim(stack), "GET /whisperer/hooks/", 0);
    assert_in_range(reads, 1, 2);
}

static void is_required_answers_from_a_list_that_was_read_after_the_call(void **state)
{
    struct stack *stack = *state;
    assert_string_equal(stack_is_required(stack, "acme"), "true");
    sim_seed(stack_sim(stack), "[{\"username\":\"acme\",\"event_type\":\"package.created\","
                               "\"target_url\":\"https://erp.example/a\",\"is_active\":true}]");
    assert_string_equal(stack_is_required(stack, "acme"), "false");
}

static void assert_is_required_fails(struct stack *stack, int status, int64_t below_ms)
{
    struct http_answer *answer = stack_call(stack, "acme", "GET", "is_required/");
    assert_int_equal(answer->status, status);
    assert_non_null(http_answer_text(answer, "detail"));
    assert_null(strstr(answer->body, stack_token(stack, "acme")));
    assert_true(answer->took_ms < below_ms);
    http_answer_free(answer);
}

static void omnitron_that_refuses_is_502_and_one_that_is_silent_504(void **state)
{
    struct stack *stack = *state;
    sim_expire_token(stack_sim(stack), "acme");
    assert_is_required_fails(stack, 502, 5000);
    sim_pause(stack_sim(stack));
    assert_is_required_fails(stack, 504, 5000);
    sim_resume(stack_sim(stack));
    sim_kill(stack_sim(stack));
    assert_is_required_fails(stack, 502, 5000);
}

int main(void)
{
    static const char *const small_queue_env[] = {"OMNIHOOK_QUEUE_MAX=1", NULL};
    static const char *const short_requests_env[] = {"OMNIHOOK_REQUEST_TIMEOUT_MS=700",
                                                     "OMNIHOOK_RETRY_MAX_MS=20",
                                                     "OMNIHOOK_RETRY_BASE_MS=10", NULL};
    struct stack_options small_queue = api_alone;
    small_queue.env = small_queue_env;
    struct stack_options short_requests = api_alone;
    short_requests.env = short_requests_env;

    const struct CMUnitTest tests[] = {
        STACK_TEST(a_bad_request_id_is_replaced_by_ours, &api_alone),
        STACK_TEST(execute_answers_204_with_the_job_in_redis, &api_alone),
        STACK_TEST(plan_tells_what_execute_would_do, &api_alone),
        STACK_TEST(the_description_names_every_call, &api_alone),
        STACK_TEST(a_full_queue_refuses_new_jobs_and_says_when_to_come_again, &small_queue),
        STACK_TEST(a_burst_of_is_required_costs_two_list_reads_at_most, &api_alone),
        STACK_TEST(is_required_answers_from_a_list_that_was_read_after_the_call, &api_alone),
        STACK_TEST(omnitron_that_refuses_is_502_and_one_that_is_silent_504, &short_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
