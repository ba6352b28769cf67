/* Several API processes under one supervisor, on one address. */
#include "common/mem.h"
#include "tests/support/raw_call.h"
#include "tests/support/sockets.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT_MS = 15000, CALLS = 40 };

#define OPENAPI_PATH "/api/v1/oms/setup/webhooks/openapi.json"

static const struct stack_account accounts[] = {{.name = "acme", .webhooks = "[]"}};
static const char *const three[] = {"OMNIHOOK_PROCESSES=3", NULL};
static struct stack_options on_tcp = {
    .accounts = accounts, .account_count = 1, .api_count = 1, .is_tcp = true, .env = three};
static struct stack_options on_a_unix_socket = {
    .accounts = accounts, .account_count = 1, .api_count = 1, .env = three};

/* So long that whatever waits for its end does not come in time. */
static const char *const three_patient[] = {"OMNIHOOK_PROCESSES=3", "OMNIHOOK_GRACE_MS=40000",
                                            "OMNIHOOK_READ_TIMEOUT_MS=40000", NULL};
static struct stack_options patient_on_tcp = {
    .accounts = accounts, .account_count = 1, .api_count = 1, .is_tcp = true, .env = three_patient};
static struct stack_options patient_on_a_unix_socket = {
    .accounts = accounts, .account_count = 1, .api_count = 1, .env = three_patient};

static bool is_ready(void *arg)
{
    struct http_answer *answer = stack_ops_call(stack_api_ops_address(arg, 0), "/readyz");
    int status = answer->status;
    http_answer_free(answer);
    return status == 200;
}

static bool is_not_ready(void *arg)
{
    return !is_ready(arg);
}

/* How many different processes have written a line of event, by their pid= fields. */
static size_t count_processes(struct stack *stack, const char *event)
{
    char *log = process_read(stack_api(stack, 0), PROCESS_STDERR);
    long pids[16];
    size_t count = 0;
    for (char *line = strtok(log, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        const char *found = strstr(line, event) == NULL ? NULL : strstr(line, " pid=");
        long pid = found == NULL ? 0 : strtol(found + 5, NULL, 10);
        bool is_new = pid != 0;
        for (size_t i = 0; i < count; i++) {
            is_new = is_new && pids[i] != pid;
        }
        if (is_new && count < sizeof pids / sizeof *pids) {
            pids[count++] = pid;
        }
    }
    mem_free(log);
    return count;
}

static bool all_listen(void *arg)
{
    return count_processes(arg, "event=listening ") == 3;
}

static void make_calls(struct stack *stack)
{
    for (int i = 0; i < CALLS; i++) {
        assert_string_equal(stack_status(stack, "acme"), "READY");
    }
}

static void processes_share_a_port_and_the_work(void **state)
{
    struct stack *stack = *state;
    assert_becomes_true(all_listen, stack, LIMIT_MS);
    assert_becomes_true(is_ready, stack, LIMIT_MS);
    make_calls(stack);
    assert_true(count_processes(stack, "event=request ") > 1);
    assert_int_equal(process_stop(stack_api(stack, 0), LIMIT_MS), 0);
}

static void processes_share_a_unix_socket(void **state)
{
    struct stack *stack = *state;
    assert_becomes_true(all_listen, stack, LIMIT_MS);
    assert_becomes_true(is_ready, stack, LIMIT_MS);
    make_calls(stack);
    const char *path = stack_api_address(stack, 0) + strlen("unix:");
    assert_true(file_exists(path));
    assert_int_equal(process_stop(stack_api(stack, 0), LIMIT_MS), 0);
    assert_false(file_exists(path));
}

static void without_redis_all_are_not_ready(void **state)
{
    struct stack *stack = *state;
    assert_becomes_true(is_ready, stack, LIMIT_MS);
    redis_fixture_kill(stack_redis(stack));
    assert_becomes_true(is_not_ready, stack, LIMIT_MS);
    struct http_answer *health = stack_ops_call(stack_api_ops_address(stack, 0), "/healthz");
    assert_int_equal(health->status, 200);
    http_answer_free(health);
    redis_fixture_start(stack_redis(stack));
    assert_becomes_true(is_ready, stack, LIMIT_MS);
}

static bool nobody_answers(void *arg)
{
    const struct http_call call = {.address = arg, .path = "/", .limit_ms = 1000};
    struct http_answer *answer = http_call(&call);
    int status = answer->status;
    http_answer_free(answer);
    return status == 0;
}

static void a_killed_supervisor_takes_its_processes_with_it(void **state)
{
    struct stack *stack = *state;
    assert_becomes_true(all_listen, stack, LIMIT_MS);
    char address[200];
    (void)snprintf(address, sizeof address, "%s", stack_api_address(stack, 0));
    process_kill(stack_api(stack, 0));
    assert_becomes_true(nobody_answers, address, LIMIT_MS);
}

static bool is_refused(void *arg)
{
    int descriptor = socket_connect(stack_api_address(arg, 0));
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    return descriptor < 0;
}

static void new_callers_are_refused_while_a_process_finishes_its_work(void **state)
{
    struct stack *stack = *state;
    assert_becomes_true(all_listen, stack, LIMIT_MS);
    struct raw_call *unfinished = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(unfinished, "GET " OPENAPI_PATH " HTTP/1.1\r\n"));
    process_signal(stack_api(stack, 0), SIGTERM);
    assert_becomes_true(is_refused, stack, LIMIT_MS);
    assert_true(raw_call_send_text(unfinished, "Host: x\r\n\r\n"));
    const char *answer = raw_call_receive(unfinished, "\r\n\r\n", LIMIT_MS);
    assert_non_null(strstr(answer, "HTTP/1.1 200 "));
    raw_call_close(unfinished);
    assert_int_equal(process_wait_exit(stack_api(stack, 0), LIMIT_MS), 0);
}

static void an_address_in_use_ends_the_start_with_1(void **state)
{
    struct stack *stack = *state;
    char listen[256];
    char redis[512];
    char settings[512];
    char *path = temp_dir_join(stack_dir(stack), STACK_SETTINGS);
    (void)snprintf(listen, sizeof listen, "OMNIHOOK_LISTEN=%s", stack_api_address(stack, 0));
    (void)snprintf(redis, sizeof redis, "REDIS_URL=%s", redis_fixture_url(stack_redis(stack)));
    (void)snprintf(settings, sizeof settings, "OMNIHOOK_SETTINGS=%s", path);
    const char *const env[] = {listen, redis, settings, "OMNIHOOK_OPS_LISTEN=off", three[0], NULL};
    const char *const argv[] = {TEST_BIN_DIR "/omnihook-api", NULL};
    const struct process_options options = {
        .name = "second", .argv = argv, .env = env, .dir = stack_dir(stack)};
    struct process *second = process_start(&options);
    assert_int_equal(process_wait_exit(second, LIMIT_MS), 1);
    process_free(second);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(processes_share_a_port_and_the_work, &on_tcp),
        STACK_TEST(processes_share_a_unix_socket, &on_a_unix_socket),
        STACK_TEST(without_redis_all_are_not_ready, &on_tcp),
        STACK_TEST(a_killed_supervisor_takes_its_processes_with_it, &on_tcp),
        STACK_TEST(new_callers_are_refused_while_a_process_finishes_its_work, &patient_on_tcp),
        STACK_TEST(new_callers_are_refused_while_a_process_finishes_its_work,
                   &patient_on_a_unix_socket),
        STACK_TEST(an_address_in_use_ends_the_start_with_1, &on_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
