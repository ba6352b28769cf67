/* The event stream of the dashboard: what it tells, in which order, and when it ends. */
#include "api/dashboard_streams.h"
#include "common/now.h"
#include "tests/support/ops_call.h"
#include "tests/support/raw_call.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 60000, STOP_LIMIT_MS = 10000 };

#define ASK                                                                                        \
    "GET /ops/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token " OPS_KEY "\r\n\r\n"
#define OF_ACME "{\"account\": \"acme\"}"
#define CHANGE_OF_ACME "event: change\ndata: {\"event\":\"state\",\"account\":\"acme\""

static const struct stack_account accounts[] = {{.name = "acme", .webhooks = "[]"}};
static const char *const one[] = {ops_keys_entry, NULL};
static const char *const several[] = {ops_keys_entry, "OMNIHOOK_PROCESSES=2", NULL};
#define OPTIONS(environment, workers)                                                              \
    {.accounts = accounts,                                                                         \
     .account_count = 1,                                                                           \
     .api_count = 1,                                                                               \
     .worker_count = (workers),                                                                    \
     .env = (environment)}
static struct stack_options api_and_worker = OPTIONS(one, 1);
static struct stack_options processes = OPTIONS(several, 1);
static struct stack_options api_alone = OPTIONS(one, 0);
static struct stack_options processes_alone = OPTIONS(several, 0);
#define LONG_GRACE "OMNIHOOK_GRACE_MS=60000"
static struct stack_options patient =
    OPTIONS(((const char *const[]){ops_keys_entry, LONG_GRACE, NULL}), 0);
static struct stack_options patient_processes =
    OPTIONS(((const char *const[]){ops_keys_entry, "OMNIHOOK_PROCESSES=2", LONG_GRACE, NULL}), 0);

static struct raw_call *open_stream(struct stack *stack)
{
    struct raw_call *stream = raw_call_open(ops_address(stack));
    assert_true(raw_call_send_text(stream, ASK));
    return stream;
}

/* Waits until text has come, and gives all that came. */
static const char *await(struct raw_call *stream, const char *text)
{
    const char *all = raw_call_receive(stream, text, LIMIT_MS);
    if (strstr(all, text) == NULL) {
        print_message("no \"%s\" in: %.2000s\n", text, all);
    }
    assert_non_null(strstr(all, text));
    return all;
}

/* The stream stands: what happens from now on is told. */
static struct raw_call *watch(struct stack *stack)
{
    struct raw_call *stream = open_stream(stack);
    (void)await(stream, "event: overview\n");
    (void)await(stream, "event: resync\ndata: {}\n\n");
    return stream;
}

static size_t count(const char *text, const char *part)
{
    size_t found = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part)) {
        found++;
    }
    return found;
}

static void the_overview_comes_first_and_again(void **state)
{
    struct raw_call *stream = open_stream(*state);
    const char *all = await(stream, "event: ");
    assert_memory_equal(all, "HTTP/1.1 200 ", 13);
    assert_non_null(strstr(all, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(all, "Cache-Control: no-store\r\n"));
    assert_memory_equal(strstr(all, "event: "), "event: overview\ndata: {\"at\":", 28);
    assert_non_null(strstr(await(stream, "\"redis\":{\"up\":true}}"), "\"accounts\":1"));
    for (int64_t start = now_mono_ms(); count(all, "event: overview\n") < 4;) {
        size_t size = 0;
        all = raw_call_receive_some(stream, &size, LIMIT_MS);
        assert_true(now_mono_ms() - start < LIMIT_MS);
    }
    (void)await(stream, "\n: hello\n");
    raw_call_close(stream);
}

static void the_changes_of_a_job_are_told(void **state)
{
    struct stack *stack = *state;
    struct raw_call *stream = watch(stack);
    assert_int_equal(ops_act(stack, "/ops/execute", OF_ACME), 204);
    (void)await(stream, CHANGE_OF_ACME);
    const char *all = await(stream, "\"state\":\"FINISHED\"");
    const char *first = strstr(all, CHANGE_OF_ACME);
    assert_non_null(strstr(first, "\"state\":\"FINISHED\""));
    raw_call_close(stream);
}

static void all_who_watch_are_told(void **state)
{
    struct stack *stack = *state;
    struct raw_call *first = watch(stack);
    struct raw_call *second = open_stream(stack);
    (void)await(second, "event: overview\n");
    assert_int_equal(ops_act(stack, "/ops/execute", OF_ACME), 204);
    (void)await(first, CHANGE_OF_ACME);
    (void)await(second, CHANGE_OF_ACME);
    raw_call_close(first);
    assert_int_equal(ops_act(stack, "/ops/abort", OF_ACME), 204);
    (void)await(second, "\"state\":\"ABORTED\"");
    raw_call_close(second);
}

/* 3000 messages of one account in one moment. */
static void publish_burst(struct stack *stack)
{
    redis_do(stack_redis(stack), "EVAL %s 0",
             "for i = 1, 3000 do redis.call('PUBLISH', '{omnihook}:events', "
             "'{\"event\":\"progress\",\"account\":\"acme\",\"state\":\"WORKING\",\"done\":' .. i "
             ".. '}') end redis.call('PUBLISH', '{omnihook}:events', "
             "'{\"event\":\"state\",\"account\":\"acme\",\"state\":\"FINISHED\"}')");
}

static void a_burst_of_progress_is_thinned_out(void **state)
{
    struct stack *stack = *state;
    struct raw_call *stream = watch(stack);
    publish_burst(stack);
    const char *all = await(stream, "\"state\":\"FINISHED\"");
    assert_true(count(all, "event: change\n") < 300);
    raw_call_close(stream);
}

/* Thousands of accounts change; told: which. */
static void publish_many(struct stack *stack, int number)
{
    redis_do(stack_redis(stack), "EVAL %s 0 %d",
             "for i = 1, 1500 do redis.call('PUBLISH', '{omnihook}:events', "
             "'{\"event\":\"state\",\"account\":\"shop-' .. i .. '\",\"state\":\"WORKING\","
             "\"rev\":' .. ARGV[1] .. ',\"x\":\"' .. string.rep('x', 200) .. '\"}') end",
             number);
}

struct flood {
    struct stack *stack;
    int number;
    const char *event;
};

/* Goes on until the API says that it has cut the stream. */
static bool is_cut(void *arg)
{
    struct flood *flood = arg;
    publish_many(flood->stack, flood->number++);
    return process_has_line(stack_api(flood->stack, 0), PROCESS_STDERR, flood->event);
}

static void who_reads_no_more_is_cut_off_and_holds_up_nobody(void **state)
{
    struct stack *stack = *state;
    struct raw_call *lazy = open_stream(stack);
    struct flood flood = {.stack = stack, .event = "event=dashboard_stream_cut "};
    assert_becomes_true(is_cut, &flood, LIMIT_MS);
    assert_int_equal(ops_status(stack, &(struct ops_call){.path = "/ops/overview", .key = OPS_KEY}),
                     200);
    /* What it had not taken was bounded, in our memory and in the kernel's. */
    const char *line =
        process_wait_line(stack_api(stack, 0), PROCESS_STDERR, flood.event, LIMIT_MS);
    char bytes[32];
    assert_true(strtol(process_line_value(line, "waiting_bytes", bytes, sizeof bytes), NULL, 10) <=
                STREAM_BUFFER_MAX_BYTES);
    size_t size = strlen(raw_call_receive(lazy, NULL, LIMIT_MS));
    assert_true(raw_call_is_closed(lazy));
    assert_true(size < (size_t)1024 * 1024);
    raw_call_close(lazy);
}

static void who_falls_behind_is_told_to_read_anew(void **state)
{
    struct stack *stack = *state;
    struct raw_call *stream = watch(stack);
    /* More than what waits may be, and nobody reads meanwhile. */
    for (int i = 0; i < 10; i++) {
        publish_many(stack, i);
    }
    const char *all = await(stream, "\"rev\":0,");
    for (int64_t start = now_mono_ms(); count(all, "event: resync\n") < 2;) {
        size_t size = 0;
        all = raw_call_receive_some(stream, &size, LIMIT_MS);
        assert_true(now_mono_ms() - start < LIMIT_MS);
    }
    assert_false(raw_call_is_closed(stream));
    raw_call_close(stream);
}

static int status_of_one_more(struct stack *stack)
{
    struct raw_call *stream = open_stream(stack);
    const char *answer = raw_call_receive(stream, "\r\n\r\n", LIMIT_MS);
    int status = (int)strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
    raw_call_close(stream);
    return status;
}

static bool is_one_more_taken(void *arg)
{
    return status_of_one_more(arg) == 200;
}

static void so_many_may_watch_and_no_more(void **state)
{
    struct stack *stack = *state;
    struct raw_call *streams[STREAMS_MAX];
    for (int i = 0; i < STREAMS_MAX; i++) {
        streams[i] = open_stream(stack);
        (void)await(streams[i], "event: overview\n");
    }
    assert_int_equal(status_of_one_more(stack), 503);
    for (int i = 0; i < STREAMS_MAX; i++) {
        raw_call_close(streams[i]);
    }
    assert_becomes_true(is_one_more_taken, stack, LIMIT_MS);
}

static bool shows_no_stream(void *arg)
{
    struct http_answer *answer = ops_call(arg, &(struct ops_call){.path = "/metrics"});
    bool is_shown = strstr(answer->body, "\nomnihook_dashboard_streams 0\n") != NULL &&
                    strstr(answer->body, "\nomnihook_redis_connections 1\n") != NULL;
    http_answer_free(answer);
    return is_shown;
}

static void when_nobody_watches_nothing_is_kept_open(void **state)
{
    struct raw_call *stream = watch(*state);
    raw_call_close(stream);
    assert_becomes_true(shows_no_stream, *state, LIMIT_MS);
    stream = watch(*state);
    raw_call_close(stream);
}

static void that_redis_is_away_is_told_and_that_it_is_back(void **state)
{
    struct stack *stack = *state;
    struct raw_call *stream = watch(stack);
    redis_fixture_kill(stack_redis(stack));
    (void)await(stream, "event: redis\ndata: {\"up\":false,\"reason\":\"");
    struct raw_call *late = open_stream(stack);
    const char *all = await(late, "event: ");
    assert_memory_equal(strstr(all, "event: "), "event: redis\ndata: {\"up\":false", 30);
    redis_fixture_start(stack_redis(stack));
    (void)await(stream, "event: redis\ndata: {\"up\":true}\n\n");
    (void)await(late, "event: redis\ndata: {\"up\":true}\n\n");
    (void)await(late, "event: overview\n");
    (void)await(late, "event: resync\n");
    assert_int_equal(ops_act(stack, "/ops/execute", OF_ACME), 204);
    (void)await(stream, CHANGE_OF_ACME);
    (void)await(late, CHANGE_OF_ACME);
    raw_call_close(stream);
    raw_call_close(late);
}

static void a_stop_waits_for_no_stream(void **state)
{
    struct stack *stack = *state;
    struct raw_call *stream = watch(stack);
    int64_t start = now_mono_ms();
    assert_int_equal(process_stop(stack_api(stack, 0), STOP_LIMIT_MS), 0);
    assert_true(now_mono_ms() - start < STOP_LIMIT_MS);
    const char *all = raw_call_receive(stream, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(stream));
    /* Its last chunk: to its end, not cut off. */
    assert_string_equal(all + strlen(all) - 5, "0\r\n\r\n");
    raw_call_close(stream);
}

/* The other one is at hand to see when more has been sent than the system takes for who does not
   read, and less than the API keeps for it. */
static void a_stop_waits_for_no_stream_that_is_not_read(void **state)
{
    enum { SENT = 320 * 1024 };
    struct stack *stack = *state;
    struct raw_call *stream = watch(stack);
    struct raw_call *lazy = open_stream(stack);
    size_t size = 0;
    for (int i = 0; size < SENT; i++) {
        char last[32];
        (void)snprintf(last, sizeof last, "\"rev\":%d,", i);
        redis_do(stack_redis(stack), "EVAL %s 0 %d",
                 "for i = 1, 50 do redis.call('PUBLISH', '{omnihook}:events', "
                 "'{\"event\":\"state\",\"account\":\"shop-' .. i .. '\",\"state\":\"WORKING\","
                 "\"rev\":' .. ARGV[1] .. ',\"x\":\"' .. string.rep('x', 200) .. '\"}') end",
                 i);
        size = strlen(await(stream, last));
    }
    assert_int_equal(process_stop(stack_api(stack, 0), STOP_LIMIT_MS), 0);
    (void)raw_call_receive(lazy, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(lazy));
    raw_call_close(lazy);
    raw_call_close(stream);
}

static void a_stream_needs_the_right_to_read(void **state)
{
    const struct ops_call forwarded = {.path = "/ops/events",
                                       .headers = {"X-Forwarded-For: 192.0.2.1"}};
    assert_int_equal(ops_status(*state, &forwarded), 401);
    assert_int_equal(ops_status(*state, &(struct ops_call){.path = "/ops/events", .key = "x"}),
                     401);
    assert_int_equal(
        ops_status(*state, &(struct ops_call){.path = "/ops/events", .method = "HEAD"}), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(the_overview_comes_first_and_again, &api_alone),
        STACK_TEST(the_changes_of_a_job_are_told, &api_and_worker),
        STACK_TEST(the_changes_of_a_job_are_told, &processes),
        STACK_TEST(all_who_watch_are_told, &api_alone),
        STACK_TEST(a_burst_of_progress_is_thinned_out, &api_alone),
        STACK_TEST(who_reads_no_more_is_cut_off_and_holds_up_nobody, &api_alone),
        STACK_TEST(who_falls_behind_is_told_to_read_anew, &api_alone),
        STACK_TEST(so_many_may_watch_and_no_more, &api_alone),
        STACK_TEST(when_nobody_watches_nothing_is_kept_open, &api_alone),
        STACK_TEST(that_redis_is_away_is_told_and_that_it_is_back, &api_alone),
        STACK_TEST(that_redis_is_away_is_told_and_that_it_is_back, &processes_alone),
        STACK_TEST(a_stop_waits_for_no_stream, &api_alone),
        STACK_TEST(a_stop_waits_for_no_stream, &processes_alone),
        STACK_TEST(a_stop_waits_for_no_stream_that_is_not_read, &patient),
        STACK_TEST(a_stop_waits_for_no_stream_that_is_not_read, &patient_processes),
        STACK_TEST(a_stream_needs_the_right_to_read, &api_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
