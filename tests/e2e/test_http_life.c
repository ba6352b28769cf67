/* The HTTP API through its life: starting, Redis away, settings that break, stopping. */
#include "common/mem.h"
#include "tests/support/api_text.h"
#include "tests/support/raw_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
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

static int status_of(struct stack *stack, const char *method, const char *path)
{
    struct http_answer *answer = stack_call(stack, "acme", method, path);
    int status = answer->status;
    if (status == 503) {
        char *retry_after = http_answer_header(answer, "Retry-After");
        assert_non_null(retry_after);
        mem_free(retry_after);
        assert_non_null(http_answer_text(answer, "detail"));
    }
    http_answer_free(answer);
    return status;
}

static int readiness(struct stack *stack)
{
    struct http_answer *answer = stack_ops_call(stack_api_ops_address(stack, 0), "/readyz");
    int status = answer->status;
    assert_non_null(http_answer_text(answer, status == 200 ? "status" : "reason"));
    http_answer_free(answer);
    return status;
}

static bool is_ready(void *arg)
{
    return readiness(arg) == 200;
}

static bool is_not_ready(void *arg)
{
    return readiness(arg) == 503;
}

/* ---- Redis away ---- */

static void without_redis_jobs_are_refused_and_omnitron_is_still_asked(void **state)
{
    struct stack *stack = *state;
    assert_becomes_true(is_ready, stack, LIMIT_MS);
    redis_fixture_kill(stack_redis(stack));
    assert_becomes_true(is_not_ready, stack, LIMIT_MS);
    assert_int_equal(status_of(stack, "POST", "execute/"), 503);
    assert_int_equal(status_of(stack, "POST", "abort/"), 503);
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 503);
    assert_int_equal(status_of(stack, "GET", "report/"), 503);
    assert_int_equal(status_of(stack, "GET", "is_required/"), 200);
    assert_int_equal(status_of(stack, "GET", "plan/"), 200);
    struct http_answer *health = stack_ops_call(stack_api_ops_address(stack, 0), "/healthz");
    assert_int_equal(health->status, 200);
    http_answer_free(health);

    redis_fixture_start(stack_redis(stack));
    assert_becomes_true(is_ready, stack, LIMIT_MS);
    assert_int_equal(status_of(stack, "POST", "execute/"), 204);
}

static void a_redis_that_does_not_answer_is_503_and_not_a_204(void **state)
{
    struct stack *stack = *state;
    redis_fixture_pause(stack_redis(stack));
    assert_int_equal(status_of(stack, "POST", "execute/"), 503);
    redis_fixture_resume(stack_redis(stack));
    assert_becomes_true(is_ready, stack, LIMIT_MS);
}

static bool shows_settings_fault(void *arg)
{
    struct http_answer *answer = stack_ops_call(stack_api_ops_address(arg, 0), "/readyz");
    assert_int_equal(answer->status, 200);
    bool is_shown = http_answer_text(answer, "settings_fault") != NULL;
    http_answer_free(answer);
    return is_shown;
}

static void a_settings_file_that_broke_is_shown_and_changes_nothing(void **state)
{
    struct stack *stack = *state;
    temp_dir_replace_file(stack_dir(stack), STACK_SETTINGS, "{\"accounts\": 5}");
    process_signal(stack_api(stack, 0), SIGHUP);
    assert_becomes_true(shows_settings_fault, stack, LIMIT_MS);
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);
}

/* ---- Stopping ---- */

static void a_stop_answers_what_is_in_flight_and_closes_what_is_idle(void **state)
{
    struct stack *stack = *state;
    sim_set(stack_sim(stack), "{\"latency_ms\": 1000}");
    char *request = with_key(CALL("GET", "is_required/") KEY END, stack_key(stack, "acme"));
    const char *address = stack_api_address(stack, 0);
    struct raw_call *idle = raw_call_open(address);
    assert_true(raw_call_send_text(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    (void)raw_call_receive(idle, "Not found.", LIMIT_MS);
    struct raw_call *begun = raw_call_open(address);
    assert_true(raw_call_send_text(begun, "GET / HTTP/1.1\r\n"));
    struct raw_call *in_flight = raw_call_open(address);
    assert_true(raw_call_send_text(in_flight, request));
    /* All have been read: this call came after them. */
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);

    process_signal(stack_api(stack, 0), SIGTERM);
    (void)raw_call_receive(idle, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(idle));
    assert_true(raw_call_send_text(begun, "Host: x\r\n\r\n"));
    const char *late = raw_call_receive(begun, NULL, LIMIT_MS);
    assert_non_null(strstr(late, "HTTP/1.1 404 "));
    assert_non_null(strstr(late, "\r\nConnection: close\r\n"));
    assert_true(raw_call_is_closed(begun));
    const char *answer = raw_call_receive(in_flight, NULL, LIMIT_MS);
    assert_non_null(strstr(answer, RESULT("true")));
    assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
    assert_int_equal(process_wait_exit(stack_api(stack, 0), LIMIT_MS), 0);
    raw_call_close(idle);
    raw_call_close(begun);
    raw_call_close(in_flight);
    mem_free(request);
}

static void what_is_still_open_after_the_grace_time_is_answered_503(void **state)
{
    struct stack *stack = *state;
    sim_pause(stack_sim(stack));
    char *request = with_key(CALL("GET", "is_required/") KEY END, stack_key(stack, "acme"));
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, request));
    struct raw_call *begun = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(begun, "GET / HTTP/1.1\r\n"));
    /* Both have been read: this call came after them. */
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);
    process_signal(stack_api(stack, 0), SIGTERM);
    const char *answer = raw_call_receive(raw, NULL, LIMIT_MS);
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    assert_non_null(strstr(answer, "\r\nRetry-After: "));
    assert_int_equal(process_wait_exit(stack_api(stack, 0), LIMIT_MS), 0);
    raw_call_close(raw);
    raw_call_close(begun);
    mem_free(request);
    sim_resume(stack_sim(stack));
}

/* The ops listener is there to the end; who comes to it late and says nothing holds up no stop. */
static void a_stop_waits_for_no_silent_caller_of_the_ops_listener(void **state)
{
    enum { SOON_MS = 5000 }; /* less than what a silent caller has anyway */
    struct stack *stack = *state;
    const char *ops = stack_api_ops_address(stack, 0);
    sim_set(stack_sim(stack), "{\"latency_ms\": 2000}");
    char *request = with_key(CALL("GET", "is_required/") KEY END, stack_key(stack, "acme"));
    struct raw_call *in_flight = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(in_flight, request));
    struct raw_call *early = raw_call_open(ops);
    assert_becomes_true(is_ready, stack, LIMIT_MS); /* this call came after them */
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);

    process_signal(stack_api(stack, 0), SIGTERM);
    (void)raw_call_receive(early, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(early));
    struct raw_call *late = raw_call_open(ops);
    assert_non_null(strstr(raw_call_receive(in_flight, NULL, LIMIT_MS), RESULT("true")));
    assert_int_equal(process_wait_exit(stack_api(stack, 0), SOON_MS), 0);
    raw_call_close(early);
    raw_call_close(late);
    raw_call_close(in_flight);
    mem_free(request);
}

/* ---- Starting ---- */

/* Another API with the stack's Redis and settings, that cannot start; its exit code. */
static int start_second(struct stack *stack, const char *listen, const char *ops_listen)
{
    char variables[4][512];
    char *path = temp_dir_join(stack_dir(stack), STACK_SETTINGS);
    (void)snprintf(variables[0], sizeof variables[0], "OMNIHOOK_LISTEN=%s", listen);
    (void)snprintf(variables[1], sizeof variables[1], "OMNIHOOK_OPS_LISTEN=%s", ops_listen);
    (void)snprintf(variables[2], sizeof variables[2], "OMNIHOOK_SETTINGS=%s", path);
    (void)snprintf(variables[3], sizeof variables[3], "REDIS_URL=%s",
                   redis_fixture_url(stack_redis(stack)));
    mem_free(path);
    const char *const env[] = {variables[0], variables[1], variables[2], variables[3], NULL};
    const char *const argv[] = {TEST_BIN_DIR "/omnihook-api", NULL};
    const struct process_options options = {
        .name = "second", .argv = argv, .env = env, .dir = stack_dir(stack)};
    struct process *second = process_start(&options);
    int exit_code = process_wait_exit(second, LIMIT_MS);
    assert_true(process_has_line(second, PROCESS_STDERR, "event=cannot_start"));
    process_free(second);
    return exit_code;
}

static void an_address_in_use_ends_the_start_with_1(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(start_second(stack, stack_api_address(stack, 0), "off"), 1);
    assert_int_equal(start_second(stack, "127.0.0.1:0", stack_api_ops_address(stack, 0)), 1);
    /* The first is untouched: its socket files have not been taken from it. */
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);
    assert_becomes_true(is_ready, stack, LIMIT_MS);
}

static void a_socket_file_that_was_left_over_is_replaced(void **state)
{
    struct stack *stack = *state;
    process_kill(stack_api(stack, 0));
    char listen[256];
    (void)snprintf(listen, sizeof listen, "OMNIHOOK_LISTEN=%s", stack_api_address(stack, 0));
    const char *const env[] = {listen, NULL};
    size_t again = stack_start_api(stack, env);
    assert_string_equal(stack_api_address(stack, again), stack_api_address(stack, 0));
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);
}

int main(void)
{
    static const char *const short_redis_env[] = {"OMNIHOOK_REDIS_TIMEOUT_MS=500", NULL};
    static const char *const short_grace_env[] = {"OMNIHOOK_GRACE_MS=500", NULL};
    struct stack_options short_redis = api_alone;
    short_redis.env = short_redis_env;
    struct stack_options short_grace = api_alone;
    short_grace.env = short_grace_env;
    static const char *const long_grace_env[] = {"OMNIHOOK_GRACE_MS=60000", NULL};
    struct stack_options long_grace = api_alone;
    long_grace.env = long_grace_env;

    const struct CMUnitTest tests[] = {
        STACK_TEST(without_redis_jobs_are_refused_and_omnitron_is_still_asked, &api_alone),
        STACK_TEST(a_redis_that_does_not_answer_is_503_and_not_a_204, &short_redis),
        STACK_TEST(a_settings_file_that_broke_is_shown_and_changes_nothing, &api_alone),
        STACK_TEST(a_stop_answers_what_is_in_flight_and_closes_what_is_idle, &api_alone),
        STACK_TEST(what_is_still_open_after_the_grace_time_is_answered_503, &short_grace),
        STACK_TEST(a_stop_waits_for_no_silent_caller_of_the_ops_listener, &long_grace),
        STACK_TEST(an_address_in_use_ends_the_start_with_1, &api_alone),
        STACK_TEST(a_socket_file_that_was_left_over_is_replaced, &api_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
