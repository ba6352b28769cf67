/* Processes come and go under load, and no call fails. */
#include "common/mem.h"
#include "tests/support/http_load.h"
#include "tests/support/sockets.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT_MS = 30000, CONNECTIONS = 16, RESTARTS = 6, CALLS_BETWEEN = 300 };

#define EXECUTE_PATH "/api/v1/oms/setup/webhooks/execute/"

static const struct stack_account accounts[] = {{.name = "acme", .webhooks = "[]"}};
static const char *const two_processes[] = {"OMNIHOOK_PROCESSES=2", NULL};
static struct stack_options two = {
    .accounts = accounts, .account_count = 1, .api_count = 1, .is_tcp = true, .env = two_processes};
static struct stack_options one = {.accounts = accounts, .account_count = 1, .is_tcp = true};

struct wait {
    struct http_load *load;
    int64_t answered;
};

static bool has_answered(void *arg)
{
    const struct wait *wait = arg;
    struct http_load_counts counts = http_load_counts(wait->load);
    if (counts.failed > 0) {
        print_message("%s\n", http_load_first_failure(wait->load));
    }
    return counts.answered >= wait->answered || counts.failed > 0;
}

static void wait_for_calls(struct http_load *load)
{
    struct wait wait = {.load = load, .answered = http_load_counts(load).answered + CALLS_BETWEEN};
    assert_becomes_true(has_answered, &wait, LIMIT_MS);
}

static void assert_none_failed(struct http_load *load)
{
    char why[256];
    (void)snprintf(why, sizeof why, "%s", http_load_first_failure(load));
    struct http_load_counts counts = http_load_stop(load);
    print_message("%ld calls answered, %ld failed, %ld idle connections closed\n",
                  (long)counts.answered, (long)counts.failed, (long)counts.closed_idle);
    if (counts.failed > 0) {
        print_message("%s\n", why);
    }
    assert_int_equal(counts.failed, 0);
    assert_true(counts.answered > CALLS_BETWEEN);
}

/* The pid of the number-th process that the supervisor has started, from 0; 0 = not yet. */
static pid_t started_process(struct stack *stack, int number)
{
    char *log = process_read(stack_api(stack, 0), PROCESS_STDERR);
    pid_t pid = 0;
    const char *at = log;
    for (int i = 0; i <= number && at != NULL; i++) {
        at = strstr(at, "event=process_started child=");
        at = at == NULL ? NULL : at + strlen("event=process_started child=");
    }
    pid = at == NULL ? 0 : (pid_t)strtol(at, NULL, 10);
    mem_free(log);
    return pid;
}

struct listening {
    struct stack *stack;
    int count;
};

static bool so_many_have_listened(void *arg)
{
    const struct listening *listening = arg;
    char *log = process_read(stack_api(listening->stack, 0), PROCESS_STDERR);
    int count = 0;
    for (const char *at = log; (at = strstr(at, "event=listening ")) != NULL; at++) {
        count++;
    }
    mem_free(log);
    return count >= listening->count;
}

static void children_that_are_stopped_one_by_one_lose_no_call(void **state)
{
    struct stack *stack = *state;
    struct listening listening = {.stack = stack, .count = 2};
    assert_becomes_true(so_many_have_listened, &listening, LIMIT_MS);
    struct http_load *load = http_load_start(stack_api_address(stack, 0), EXECUTE_PATH,
                                             stack_key(stack, "acme"), CONNECTIONS);
    for (int i = 0; i < RESTARTS; i++) {
        wait_for_calls(load);
        assert_int_equal(kill(started_process(stack, i), SIGTERM), 0);
        listening.count++;
        assert_becomes_true(so_many_have_listened, &listening, LIMIT_MS);
    }
    wait_for_calls(load);
    assert_none_failed(load);
}

/* Starts the API with the socket as its descriptor 3, as systemd would. */
static struct process *start_activated(struct stack *stack, const char *name, int socket)
{
    char redis[512];
    char settings[512];
    char *path = temp_dir_join(stack_dir(stack), STACK_SETTINGS);
    (void)snprintf(redis, sizeof redis, "REDIS_URL=%s", redis_fixture_url(stack_redis(stack)));
    (void)snprintf(settings, sizeof settings, "OMNIHOOK_SETTINGS=%s", path);
    mem_free(path);
    const char *const env[] = {redis, settings, "OMNIHOOK_OPS_LISTEN=off", "LISTEN_FDS=1", NULL};
    const char *const argv[] = {"sh", "-c", "LISTEN_PID=$$ exec " TEST_BIN_DIR "/omnihook-api",
                                NULL};
    const struct process_options options = {
        .name = name, .argv = argv, .env = env, .dir = stack_dir(stack), .descriptor_3 = socket};
    struct process *process = process_start(&options);
    (void)process_wait_line(process, PROCESS_STDERR, "event=listening ", LIMIT_MS);
    return process;
}

static void an_instance_that_is_handed_the_socket_takes_over_without_a_failed_call(void **state)
{
    struct stack *stack = *state;
    char address[SOCKET_ADDRESS_SIZE];
    int socket = socket_listen("127.0.0.1:0", address);
    assert_true(socket >= 0);
    struct process *process = start_activated(stack, "first", socket);
    struct http_load *load =
        http_load_start(address, EXECUTE_PATH, stack_key(stack, "acme"), CONNECTIONS);
    for (int i = 0; i < RESTARTS; i++) {
        wait_for_calls(load);
        struct process *next = start_activated(stack, "next", socket);
        assert_int_equal(process_stop(process, LIMIT_MS), 0);
        process_free(process);
        process = next;
    }
    wait_for_calls(load);
    /* And with a gap between the two: callers wait in the socket's queue. */
    assert_int_equal(process_stop(process, LIMIT_MS), 0);
    process_free(process);
    process = start_activated(stack, "last", socket);
    wait_for_calls(load);
    assert_none_failed(load);
    assert_int_equal(process_stop(process, LIMIT_MS), 0);
    process_free(process);
    (void)close(socket);
}

static void what_is_passed_must_be_a_socket_that_listens(void **state)
{
    struct stack *stack = *state;
    char address[SOCKET_ADDRESS_SIZE];
    int listening = socket_listen("127.0.0.1:0", address);
    int connected = socket_connect(address);
    assert_true(connected >= 0);
    char redis[512];
    (void)snprintf(redis, sizeof redis, "REDIS_URL=%s", redis_fixture_url(stack_redis(stack)));
    char settings[512];
    char *path = temp_dir_join(stack_dir(stack), STACK_SETTINGS);
    (void)snprintf(settings, sizeof settings, "OMNIHOOK_SETTINGS=%s", path);
    mem_free(path);
    const char *const env[] = {redis, settings, "OMNIHOOK_OPS_LISTEN=off", "LISTEN_FDS=1", NULL};
    const char *const argv[] = {"sh", "-c", "LISTEN_PID=$$ exec " TEST_BIN_DIR "/omnihook-api",
                                NULL};
    const struct process_options options = {.name = "bad",
                                            .argv = argv,
                                            .env = env,
                                            .dir = stack_dir(stack),
                                            .descriptor_3 = connected};
    struct process *process = process_start(&options);
    assert_int_equal(process_wait_exit(process, LIMIT_MS), 1);
    assert_true(process_has_line(process, PROCESS_STDERR, "descriptor 3 is not a socket"));
    process_free(process);
    (void)close(connected);
    (void)close(listening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(children_that_are_stopped_one_by_one_lose_no_call, &two),
        STACK_TEST(an_instance_that_is_handed_the_socket_takes_over_without_a_failed_call, &one),
        STACK_TEST(what_is_passed_must_be_a_socket_that_listens, &one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
