/* Who tries many wrong keys is slowed down, and nobody else is. */
#include "api/wrong_keys.h"
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = WRONG_KEYS_AT_ONCE + 40 };

#define STATUS_PATH "/api/v1/oms/setup/webhooks/get_async_status/"
#define USER_ROUTE "GET /api/v1/active_user/"

static const struct stack_account by_key[] = {{.name = "acme", .webhooks = "[]"}};
static const struct stack_account by_token[] = {
    {.name = "acme", .webhooks = "[]", .extra = "{\"auth\": \"omnitron\"}"},
};
static const char *const behind_proxy[] = {"OMNIHOOK_TRUSTED_PROXIES=127.0.0.0/8, unix", NULL};

static struct stack_options keys = {
    .accounts = by_key, .account_count = 1, .api_count = 1, .is_tcp = true};
static struct stack_options keys_behind_proxy = {
    .accounts = by_key, .account_count = 1, .api_count = 1, .is_tcp = true, .env = behind_proxy};
static struct stack_options keys_on_a_unix_socket = {
    .accounts = by_key, .account_count = 1, .api_count = 1, .env = behind_proxy};
static struct stack_options tokens = {
    .accounts = by_token, .account_count = 1, .api_count = 1, .is_tcp = true};

/* forwarded: the X-Forwarded-For that the proxy writes; "" = none. */
static struct http_answer *call_from(struct stack *stack, const char *token, const char *forwarded)
{
    char authorization[200];
    char header[200];
    (void)snprintf(authorization, sizeof authorization, "Authorization: Token %s", token);
    (void)snprintf(header, sizeof header, "X-Forwarded-For: %s", forwarded);
    const char *const headers[] = {authorization, forwarded[0] == '\0' ? NULL : header, NULL};
    const struct http_call call = {
        .address = stack_api_address(stack, 0), .path = STATUS_PATH, .headers = headers};
    return http_call(&call);
}

static int status_from(struct stack *stack, const char *token, const char *forwarded)
{
    struct http_answer *answer = call_from(stack, token, forwarded);
    int status = answer->status;
    http_answer_free(answer);
    return status;
}

/* Tries wrong keys, each another one, until one is 429; the test fails when none is, or when one is
   neither 401 nor 429. */
static void try_until_held_off(struct stack *stack, const char *forwarded)
{
    int refused = 0;
    for (int i = 0; i < TRIES; i++) {
        char token[32];
        (void)snprintf(token, sizeof token, "wrong-%d", i);
        int status = status_from(stack, token, forwarded);
        if (status == 429) {
            assert_true(refused >= WRONG_KEYS_AT_ONCE);
            return;
        }
        assert_int_equal(status, 401);
        refused++;
    }
    fail_msg("no wrong key was answered with 429");
}

static void too_many_wrong_keys_are_429_with_the_time_to_wait(void **state)
{
    struct stack *stack = *state;
    try_until_held_off(stack, "");
    struct http_answer *answer = call_from(stack, "wrong", "");
    if (answer->status == 401) { /* a try came free in between */
        http_answer_free(answer);
        answer = call_from(stack, "wrong", "");
    }
    assert_int_equal(answer->status, 429);
    assert_string_equal(http_answer_text(answer, "detail"),
                        "Too many wrong keys from this address.");
    char *retry_after = http_answer_header(answer, "Retry-After");
    assert_non_null(retry_after);
    assert_in_range(strtol(retry_after, NULL, 10), 1, WRONG_KEY_EVERY_MS / 1000);
    mem_free(retry_after);
    http_answer_free(answer);
}

static void a_good_key_from_the_same_address_always_passes(void **state)
{
    struct stack *stack = *state;
    try_until_held_off(stack, "");
    for (int i = 0; i < TRIES; i++) {
        assert_int_equal(status_from(stack, stack_key(stack, "acme"), ""), 200);
    }
}

static void a_call_without_a_key_is_no_wrong_key(void **state)
{
    struct stack *stack = *state;
    for (int i = 0; i < TRIES; i++) {
        assert_int_equal(status_from(stack, "", ""), 401);
    }
    assert_int_equal(status_from(stack, "wrong", ""), 401);
}

static void callers_behind_a_trusted_proxy_are_told_apart(void **state)
{
    struct stack *stack = *state;
    try_until_held_off(stack, "203.0.113.5, 198.51.100.7");
    assert_int_equal(status_from(stack, "wrong", "203.0.113.5, 198.51.100.8"), 401);
}

static void who_is_no_trusted_proxy_cannot_choose_its_address(void **state)
{
    struct stack *stack = *state;
    try_until_held_off(stack, "198.51.100.7");
    int held_off = 0;
    for (int i = 0; i < 10; i++) {
        char forwarded[32];
        (void)snprintf(forwarded, sizeof forwarded, "198.51.100.%d", 10 + i);
        held_off += status_from(stack, "wrong", forwarded) == 429 ? 1 : 0;
    }
    assert_true(held_off > 0);
}

static void omnitron_is_not_asked_for_who_has_tried_too_many(void **state)
{
    struct stack *stack = *state;
    try_until_held_off(stack, "");
    int64_t asked = sim_route_count(stack_sim(stack), USER_ROUTE, 0);
    int held_off = 0;
    int refused = 0;
    for (int i = 0; i < TRIES; i++) {
        char token[32];
        (void)snprintf(token, sizeof token, "more-%d", i);
        int status = status_from(stack, token, "");
        held_off += status == 429 ? 1 : 0;
        refused += status == 401 ? 1 : 0;
    }
    assert_true(held_off > 0);
    assert_int_equal(sim_route_count(stack_sim(stack), USER_ROUTE, 0) - asked, refused);
    assert_int_equal(status_from(stack, stack_key(stack, "acme"), ""), 200);
}

static void a_token_that_omnitron_has_accepted_goes_on_to_pass(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(status_from(stack, stack_token(stack, "acme"), ""), 200);
    try_until_held_off(stack, "");
    assert_int_equal(status_from(stack, stack_token(stack, "acme"), ""), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(too_many_wrong_keys_are_429_with_the_time_to_wait, &keys),
        STACK_TEST(a_good_key_from_the_same_address_always_passes, &keys),
        STACK_TEST(a_call_without_a_key_is_no_wrong_key, &keys),
        STACK_TEST(callers_behind_a_trusted_proxy_are_told_apart, &keys_behind_proxy),
        STACK_TEST(callers_behind_a_trusted_proxy_are_told_apart, &keys_on_a_unix_socket),
        STACK_TEST(who_is_no_trusted_proxy_cannot_choose_its_address, &keys),
        STACK_TEST(omnitron_is_not_asked_for_who_has_tried_too_many, &tokens),
        STACK_TEST(a_token_that_omnitron_has_accepted_goes_on_to_pass, &tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
