/* The connections of the HTTP API: their order, their limits, and callers that behave badly. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/api_text.h"
#include "tests/support/raw_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 10000 };

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

static void requests_of_one_connection_are_answered_in_their_order(void **state)
{
    struct stack *stack = *state;
    char *requests =
        with_key(CALL("GET", "is_required/") KEY END /* slow: asks Omnitron */
                     CALL("POST", "abort/") KEY
                 "Content-Length: 4\r\n" END "GET " CALL("GET", "get_async_status/") KEY CLOSE END,
                 stack_key(stack, "acme"));
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, requests));
    const char *answers = raw_call_receive(raw, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(raw));
    const char *first = strstr(answers, RESULT("true"));
    const char *second = first == NULL ? NULL : strstr(first, "HTTP/1.1 204 ");
    const char *third = second == NULL ? NULL : strstr(second, RESULT("READY"));
    assert_non_null(third);
    raw_call_close(raw);
    mem_free(requests);
}

static void a_body_is_not_read_as_a_request_whatever_the_method(void **state)
{
    struct stack *stack = *state;
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "BREW"};
    char *inner = with_key(CALL("POST", "execute/") KEY END, stack_key(stack, "acme"));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char outer[512];
        (void)snprintf(outer, sizeof outer,
                       "%s /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", methods[i],
                       strlen(inner));
        struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
        assert_true(raw_call_send_text(raw, outer) && raw_call_send_text(raw, inner));
        assert_true(raw_call_send_text(raw, "GET /last HTTP/1.0\r\n\r\n"));
        const char *answers = raw_call_receive(raw, NULL, LIMIT_MS);
        assert_true(raw_call_is_closed(raw));
        assert_non_null(strstr(answers, "HTTP/1.0 404 "));
        raw_call_close(raw);
    }
    mem_free(inner);
    assert_string_equal(stack_status(stack, "acme"), "READY");
}

static void a_request_that_does_not_come_to_an_end_is_cut_off(void **state)
{
    struct stack *stack = *state;
    struct raw_call *silent = raw_call_open(stack_api_address(stack, 0));
    struct raw_call *slow = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(slow, "GET /api/v1/oms/"));
    int64_t started_ms = now_mono_ms();
    (void)raw_call_receive(slow, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(slow));
    assert_true(now_mono_ms() - started_ms < 5000);
    (void)raw_call_receive(silent, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(silent));
    raw_call_close(slow);
    raw_call_close(silent);
}

static void an_idle_connection_is_closed_after_its_time(void **state)
{
    struct stack *stack = *state;
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    (void)raw_call_receive(raw, "Not found.", LIMIT_MS);
    assert_false(raw_call_is_closed(raw));
    (void)raw_call_receive(raw, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(raw));
    raw_call_close(raw);
}

static void callers_that_hang_up_do_no_harm(void **state)
{
    struct stack *stack = *state;
    sim_set(stack_sim(stack), "{\"latency_ms\": 100}");
    char *slow = with_key(CALL("GET", "is_required/") KEY END, stack_key(stack, "acme"));
    char *quick = with_key(CALL("POST", "execute/") KEY END, stack_key(stack, "acme"));
    for (int i = 0; i < 50; i++) {
        struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
        assert_true(raw_call_send_text(raw, i % 2 == 0 ? slow : quick));
        raw_call_close(raw);
    }
    mem_free(slow);
    mem_free(quick);
    assert_string_equal(stack_is_required(stack, "acme"), "true");
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
}

int main(void)
{
    static const char *const quick_env[] = {"OMNIHOOK_READ_TIMEOUT_MS=500",
                                            "OMNIHOOK_IDLE_TIMEOUT_MS=700", NULL};
    struct stack_options quick = api_alone;
    quick.env = quick_env;

    const struct CMUnitTest tests[] = {
        STACK_TEST(requests_of_one_connection_are_answered_in_their_order, &api_alone),
        STACK_TEST(a_body_is_not_read_as_a_request_whatever_the_method, &api_alone),
        STACK_TEST(a_request_that_does_not_come_to_an_end_is_cut_off, &quick),
        STACK_TEST(an_idle_connection_is_closed_after_its_time, &quick),
        STACK_TEST(callers_that_hang_up_do_no_harm, &api_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
