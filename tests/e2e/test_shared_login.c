/* An account that logs in: what all processes together ask of Omnitron. */
#include "tests/support/cli_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 20000 };

static const struct stack_account acme = {
    .name = "acme",
    .webhooks = "[{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/a\"}]"};
static struct stack_options two_of_each = {
    .accounts = &acme, .account_count = 1, .api_count = 2, .worker_count = 2};

static void log_in(struct stack *stack)
{
    json_t *omnitron = json_object_get(stack_settings(stack, "acme"), "omnitron");
    json_object_del(omnitron, "token");
    json_object_set_new(omnitron, "username", json_string("acme"));
    json_object_set_new(omnitron, "password", json_string(STACK_PASSWORD));
    stack_write_settings(stack);
    /* The APIs look at the file once a second. */
    for (size_t i = 0; i < 2; i++) {
        (void)process_wait_line(stack_api(stack, i), PROCESS_STDERR, "settings_reloaded", LIMIT_MS);
    }
}

/* The result of is_required on one of the APIs. */
static void assert_is_required(struct stack *stack, size_t api, const char *result)
{
    char authorization[128];
    (void)snprintf(authorization, sizeof authorization, "Authorization: Token %s",
                   stack_key(stack, "acme"));
    const char *const headers[] = {authorization, NULL};
    struct http_answer *answer =
        http_call(&(struct http_call){.address = stack_api_address(stack, api),
                                      .path = "/api/v1/oms/setup/webhooks/is_required/",
                                      .headers = headers});
    assert_int_equal(answer->status, 200);
    assert_string_equal(http_answer_text(answer, "result"), result);
    http_answer_free(answer);
}

static void all_processes_share_one_login(void **state)
{
    struct stack *stack = *state;
    log_in(stack);
    assert_is_required(stack, 0, "true");
    assert_is_required(stack, 1, "true");
    for (int i = 0; i < 4; i++) {
        stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    }
    assert_is_required(stack, 0, "false");
    assert_int_equal(sim_counter(stack_sim(stack), "logins"), 1);

    sim_expire_token(stack_sim(stack), "acme");
    for (int i = 0; i < 4; i++) {
        stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    }
    assert_is_required(stack, 0, "false");
    assert_is_required(stack, 1, "false");
    assert_int_equal(sim_counter(stack_sim(stack), "logins"), 2);
}

static void the_command_line_takes_the_token_of_the_others(void **state)
{
    struct stack *stack = *state;
    log_in(stack);
    cli_expect(stack, CLI_PIPE, "plan acme", 3, "+ create");
    cli_expect(stack, CLI_PIPE, "plan acme", 3, "+ create");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    cli_expect(stack, CLI_PIPE, "plan acme", 0, "nothing to do");
    assert_int_equal(sim_counter(stack_sim(stack), "logins"), 1);
    redis_fixture_kill(stack_redis(stack));
    cli_expect(stack, CLI_PIPE, "plan acme", 0, "nothing to do");
    assert_int_equal(sim_counter(stack_sim(stack), "logins"), 2);
    redis_fixture_start(stack_redis(stack));
}

static void check_takes_the_token_of_the_others(void **state)
{
    struct stack *stack = *state;
    log_in(stack);
    cli_expect(stack, CLI_PIPE, "check", 0, "ok       acme login: logged in\n");
    cli_expect(stack, CLI_PIPE, "check", 0,
               "acme login: the token that another process logged in ");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_counter(stack_sim(stack), "logins"), 1);

    for (int i = 0; i < 2; i++) {
        sim_expire_token(stack_sim(stack), "acme");
        cli_expect(stack, CLI_PIPE, "check", 0, "acme login: logged in\n");
    }
    sim_expire_token(stack_sim(stack), "acme");
    cli_expect(stack, CLI_PIPE, "check", 1, "failed   acme login: no more than 3 logins");
    assert_int_equal(sim_counter(stack_sim(stack), "logins"), 3);
}

static void without_redis_is_required_logs_in_all_the_same(void **state)
{
    struct stack *stack = *state;
    log_in(stack);
    redis_fixture_kill(stack_redis(stack));
    assert_is_required(stack, 0, "true");
    assert_is_required(stack, 1, "true");
    assert_int_equal(sim_counter(stack_sim(stack), "logins"), 2);
    redis_fixture_start(stack_redis(stack));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(all_processes_share_one_login, &two_of_each),
        STACK_TEST(the_command_line_takes_the_token_of_the_others, &two_of_each),
        STACK_TEST(check_takes_the_token_of_the_others, &two_of_each),
        STACK_TEST(without_redis_is_required_logs_in_all_the_same, &two_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
