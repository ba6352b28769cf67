/* Redis goes away and comes back; nobody restarts the programs. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <string.h>

enum { LIMIT_MS = 20000, REDIS_TIMEOUT_MS = 500, ANSWER_LIMIT_MS = REDIS_TIMEOUT_MS + 2000 };

static const struct stack_account account = {
    .name = "acme",
    .webhooks = "[{\"event_type\": \"package.created\","
                "  \"target_url\": \"https://erp.example.com/hooks\"}]",
};
static const char *const durable[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
static const char *const impatient[] = {"OMNIHOOK_REDIS_TIMEOUT_MS=500", "OMNIHOOK_LEASE_MS=2000",
                                        NULL};
static struct stack_options one_of_each = {
    .accounts = &account,
    .account_count = 1,
    .api_count = 1,
    .worker_count = 1,
    .redis_args = durable,
    .env = impatient,
};
static struct stack_options behind_a_proxy = {
    .accounts = &account,
    .account_count = 1,
    .api_count = 1,
    .worker_count = 1,
    .has_redis_proxy = true,
    .env = impatient,
};

/* What a caller meets while Redis is away: 503 soon, with words and a time to come back. */
static void assert_unavailable(struct stack *stack, const char *method, const char *path)
{
    struct http_answer *answer = stack_call(stack, "acme", method, path);
    assert_int_equal(answer->status, 503);
    assert_non_null(http_answer_text(answer, "detail"));
    assert_in_range(answer->took_ms, 0, ANSWER_LIMIT_MS);
    char *retry_after = http_answer_header(answer, "Retry-After");
    assert_non_null(retry_after);
    mem_free(retry_after);
    http_answer_free(answer);
}

static int readiness(const char *ops_address)
{
    struct http_answer *answer = stack_ops_call(ops_address, "/readyz");
    int status = answer->status;
    http_answer_free(answer);
    return status;
}

static bool api_is_ready(void *stack)
{
    return readiness(stack_api_ops_address(stack, 0)) == 200;
}

static bool second_api_is_ready(void *stack)
{
    return readiness(stack_api_ops_address(stack, 1)) == 200;
}

static bool both_are_ready(void *stack)
{
    return api_is_ready(stack) && readiness(stack_worker_ops_address(stack, 0)) == 200;
}

static bool none_is_ready(void *stack)
{
    return readiness(stack_api_ops_address(stack, 0)) == 503 &&
           readiness(stack_worker_ops_address(stack, 0)) == 503;
}

static void while_redis_is_down_calls_get_503_and_then_all_goes_on(void **state)
{
    struct stack *stack = *state;
    assert_becomes_true(both_are_ready, stack, LIMIT_MS);
    redis_fixture_kill(stack_redis(stack));
    assert_unavailable(stack, "POST", "execute/");
    assert_unavailable(stack, "GET", "get_async_status/");
    assert_unavailable(stack, "POST", "abort/");
    /* is_required asks Omnitron and needs no Redis. */
    assert_string_equal(stack_is_required(stack, "acme"), "true");
    assert_becomes_true(none_is_ready, stack, LIMIT_MS);
    assert_int_equal(sim_route_count(stack_sim(stack), "POST /whisperer/hooks/", 0), 0);

    redis_fixture_start(stack_redis(stack));
    assert_becomes_true(both_are_ready, stack, LIMIT_MS);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 1);
}

static void a_job_that_was_confirmed_survives_the_death_of_redis(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    redis_fixture_kill(stack_redis(stack));
    redis_fixture_start(stack_redis(stack));
    assert_becomes_true(api_is_ready, stack, LIMIT_MS);
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
    (void)stack_start_worker(stack, NULL);
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 1);
}

static void a_redis_that_hangs_is_a_redis_that_is_away(void **state)
{
    struct stack *stack = *state;
    redis_fixture_pause(stack_redis(stack));
    assert_unavailable(stack, "POST", "execute/");
    assert_unavailable(stack, "GET", "get_async_status/");
    assert_becomes_true(none_is_ready, stack, LIMIT_MS);

    redis_fixture_resume(stack_redis(stack));
    assert_becomes_true(both_are_ready, stack, LIMIT_MS);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
}

static bool execute_is_taken(void *stack)
{
    return stack_execute(stack, "acme") == 204;
}

static void an_answer_that_is_lost_on_the_way_gives_503_and_asking_again_is_safe(void **state)
{
    struct stack *stack = *state;
    /* Afterwards Redis knows the script: its answer is not needed to send the script itself. */
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    tcp_proxy_set(stack_redis_proxy(stack), TCP_PROXY_BLACKHOLE_DOWN);
    assert_unavailable(stack, "POST", "execute/");
    /* It did arrive: only its answer did not. */
    assert_int_equal(redis_int(stack_redis(stack), "LLEN {omnihook}:queue"), 1);
    tcp_proxy_set(stack_redis_proxy(stack), TCP_PROXY_FORWARD);
    assert_becomes_true(execute_is_taken, stack, LIMIT_MS);
    assert_int_equal(redis_int(stack_redis(stack), "LLEN {omnihook}:queue"), 1);

    (void)stack_start_worker(stack, NULL);
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 1);
}

static void an_api_that_starts_before_redis_waits_for_it(void **state)
{
    struct stack *stack = *state;
    redis_fixture_kill(stack_redis(stack));
    (void)stack_start_api(stack, NULL);
    assert_false(second_api_is_ready(stack));
    redis_fixture_start(stack_redis(stack));
    assert_becomes_true(second_api_is_ready, stack, LIMIT_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(while_redis_is_down_calls_get_503_and_then_all_goes_on, &one_of_each),
        STACK_TEST(a_job_that_was_confirmed_survives_the_death_of_redis, &one_of_each),
        STACK_TEST(a_redis_that_hangs_is_a_redis_that_is_away, &one_of_each),
        STACK_TEST(an_answer_that_is_lost_on_the_way_gives_503_and_asking_again_is_safe,
                   &behind_a_proxy),
        STACK_TEST(an_api_that_starts_before_redis_waits_for_it, &one_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
