/* Callers with a token of their Omnitron's instead of an API key. */
#include "common/mem.h"
#include "tests/support/raw_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 10000, BURST = 20 };

#define STATUS_PATH "/api/v1/oms/setup/webhooks/get_async_status/"
#define USER_ROUTE "GET /api/v1/active_user/"

static const struct stack_account one_account[] = {
    {.name = "acme", .webhooks = "[]", .extra = "{\"auth\": \"omnitron\"}"},
};
static struct stack_options one = {.accounts = one_account, .account_count = 1, .api_count = 1};

static const struct stack_account two_accounts[] = {
    {.name = "acme",
     .webhooks = "[]",
     .extra = "{\"auth\": \"omnitron\", \"hosts\": [\"acme-oms.example\"]}"},
    {.name = "other",
     .webhooks = "[]",
     .extra = "{\"auth\": \"omnitron\", \"hosts\": [\"other-oms.example\"]}"},
    {.name = "keys", .webhooks = "[]"},
};
static struct stack_options two = {.accounts = two_accounts, .account_count = 3, .api_count = 1};

static struct http_answer *call_with(struct stack *stack, const char *token, const char *host)
{
    char authorization[600];
    char host_header[128];
    (void)snprintf(authorization, sizeof authorization, "Authorization: Token %s", token);
    (void)snprintf(host_header, sizeof host_header, "Host: %s", host);
    const char *const headers[] = {authorization, host_header, NULL};
    const struct http_call call = {
        .address = stack_api_address(stack, 0), .path = STATUS_PATH, .headers = headers};
    return http_call(&call);
}

static int status_with(struct stack *stack, const char *token, const char *host)
{
    struct http_answer *answer = call_with(stack, token, host);
    int status = answer->status;
    if (status == 401) {
        assert_string_equal(http_answer_text(answer, "detail"), "Invalid token.");
    }
    http_answer_free(answer);
    return status;
}

static int64_t questions(struct stack *stack)
{
    return sim_route_count(stack_sim(stack), USER_ROUTE, 0);
}

static void a_token_that_omnitron_accepts_may_call_and_is_asked_about_once(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(status_with(stack, stack_token(stack, "acme"), "any.example"), 200);
    assert_int_equal(status_with(stack, stack_token(stack, "acme"), "any.example"), 200);
    assert_int_equal(questions(stack), 1);
}

static void an_api_key_needs_no_question(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(status_with(stack, stack_key(stack, "acme"), "any.example"), 200);
    assert_int_equal(questions(stack), 0);
}

static void a_token_that_omnitron_refuses_is_401_and_remembered(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(status_with(stack, "0123456789", "any.example"), 401);
    assert_int_equal(status_with(stack, "0123456789", "any.example"), 401);
    assert_int_equal(questions(stack), 1);
    assert_int_equal(status_with(stack, "1123456789", "any.example"), 401);
    assert_int_equal(questions(stack), 2);
}

static void a_token_longer_than_any_of_omnitrons_is_refused_unasked(void **state)
{
    struct stack *stack = *state;
    char token[400];
    memset(token, 'a', sizeof token - 1);
    token[sizeof token - 1] = '\0';
    assert_int_equal(status_with(stack, token, "any.example"), 401);
    assert_int_equal(questions(stack), 0);
}

static void while_omnitron_is_away_an_unknown_token_is_503_and_not_401(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(status_with(stack, stack_token(stack, "acme"), "any.example"), 200);
    sim_kill(stack_sim(stack));
    struct http_answer *answer = call_with(stack, "0123456789", "any.example");
    assert_int_equal(answer->status, 503);
    char *retry_after = http_answer_header(answer, "Retry-After");
    assert_non_null(retry_after);
    mem_free(retry_after);
    http_answer_free(answer);
    /* What is known stays known. */
    assert_int_equal(status_with(stack, stack_token(stack, "acme"), "any.example"), 200);
    assert_int_equal(status_with(stack, stack_key(stack, "acme"), "any.example"), 200);
}

static void callers_with_one_token_share_one_question(void **state)
{
    struct stack *stack = *state;
    sim_set(stack_sim(stack), "{\"latency_ms\": 300}");
    char request[400];
    (void)snprintf(request, sizeof request,
                   "GET " STATUS_PATH " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                   "Authorization: Token %s\r\n\r\n",
                   stack_token(stack, "acme"));
    struct raw_call *calls[BURST];
    for (int i = 0; i < BURST; i++) {
        calls[i] = raw_call_open(stack_api_address(stack, 0));
        assert_true(raw_call_send_text(calls[i], request));
    }
    for (int i = 0; i < BURST; i++) {
        assert_non_null(strstr(raw_call_receive(calls[i], NULL, LIMIT_MS), "HTTP/1.1 200 "));
        raw_call_close(calls[i]);
    }
    assert_int_equal(questions(stack), 1);
}

static void without_a_time_to_live_every_call_asks(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(status_with(stack, stack_token(stack, "acme"), "any.example"), 200);
    assert_int_equal(status_with(stack, stack_token(stack, "acme"), "any.example"), 200);
    assert_int_equal(questions(stack), 2);
}

static void a_question_without_answer_ends_with_503(void **state)
{
    struct stack *stack = *state;
    sim_pause(stack_sim(stack));
    assert_int_equal(status_with(stack, "0123456789", "any.example"), 503);
    sim_resume(stack_sim(stack));
}

static void a_stop_answers_who_waits_for_omnitrons_word(void **state)
{
    struct stack *stack = *state;
    sim_pause(stack_sim(stack));
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, "GET " STATUS_PATH " HTTP/1.1\r\nHost: x\r\n"
                                        "Authorization: Token 0123456789\r\n\r\n"));
    assert_int_equal(status_with(stack, stack_key(stack, "acme"), "any.example"), 200);
    process_signal(stack_api(stack, 0), SIGTERM);
    const char *answer = raw_call_receive(raw, NULL, LIMIT_MS);
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    assert_int_equal(process_wait_exit(stack_api(stack, 0), LIMIT_MS), 0);
    raw_call_close(raw);
    sim_resume(stack_sim(stack));
}

static void the_host_tells_the_account_and_strangers_hosts_are_not_asked(void **state)
{
    struct stack *stack = *state;
    const char *token = stack_token(stack, "acme");
    assert_int_equal(status_with(stack, token, "nobody.example"), 401);
    assert_int_equal(questions(stack), 0);
    assert_int_equal(status_with(stack, token, "ACME-oms.example:8443"), 200);
    assert_int_equal(questions(stack), 1);
    /* Another account is another question: nothing is concluded from the first. */
    assert_int_equal(status_with(stack, token, "other-oms.example"), 200);
    assert_int_equal(questions(stack), 2);
}

int main(void)
{
    static const char *const no_memory[] = {"OMNIHOOK_AUTH_TTL=0", NULL};
    static const char *const quick[] = {"OMNIHOOK_REQUEST_TIMEOUT_MS=500", NULL};
    static const char *const short_grace[] = {"OMNIHOOK_GRACE_MS=300", NULL};
    struct stack_options forgetful = one;
    forgetful.env = no_memory;
    struct stack_options impatient = one;
    impatient.env = quick;
    struct stack_options hasty = one;
    hasty.env = short_grace;

    const struct CMUnitTest tests[] = {
        STACK_TEST(a_token_that_omnitron_accepts_may_call_and_is_asked_about_once, &one),
        STACK_TEST(an_api_key_needs_no_question, &one),
        STACK_TEST(a_token_that_omnitron_refuses_is_401_and_remembered, &one),
        STACK_TEST(a_token_longer_than_any_of_omnitrons_is_refused_unasked, &one),
        STACK_TEST(while_omnitron_is_away_an_unknown_token_is_503_and_not_401, &one),
        STACK_TEST(callers_with_one_token_share_one_question, &one),
        STACK_TEST(without_a_time_to_live_every_call_asks, &forgetful),
        STACK_TEST(a_question_without_answer_ends_with_503, &impatient),
        STACK_TEST(a_stop_answers_who_waits_for_omnitrons_word, &hasty),
        STACK_TEST(the_host_tells_the_account_and_strangers_hosts_are_not_asked, &two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
