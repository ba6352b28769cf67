/* OMNIHOOK_REDIS_WAIT_REPLICAS: execute is answered with 204 when a replica has the job, and else
   with 503 in time. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/sockets.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <string.h>

/* The wait for replicas is a quarter of the time for a command: long, since on a busy machine a
   replica may be slow to say what it has. */
#define COMMAND_MS "12000"
enum { LIMIT_MS = 60000, WAIT_MS = 3000, DEADLINE_MS = 12000 };

static const struct stack_account accounts[] = {
    {.name = "acme",
     .webhooks = "[{\"event_type\": \"order.created\", "
                 "\"target_url\": \"https://erp.example.com/orders\"}]"},
};

static struct stack_options options = {
    .accounts = accounts,
    .account_count = 1,
    .api_count = 1,
    .worker_count = 1,
    .env = (const char *const[]){"OMNIHOOK_REDIS_WAIT_REPLICAS=1",
                                 "OMNIHOOK_REDIS_TIMEOUT_MS=" COMMAND_MS, NULL},
};

static bool has_online_replica(void *arg)
{
    return strstr(redis_text(arg, "INFO replication"), "state=online") != NULL;
}

static struct redis_fixture *start_replica(struct stack *stack)
{
    struct redis_fixture *master = stack_redis(stack);
    char port[8];
    (void)snprintf(port, sizeof port, "%u", socket_free_port());
    redis_do(master, "CONFIG SET port %s", port);
    redis_do(master, "CONFIG SET repl-diskless-sync-delay 0");
    struct redis_fixture *replica = redis_fixture_new(&(struct redis_fixture_options){
        .args = (const char *const[]){"--replicaof", "127.0.0.1", port, NULL}});
    assert_true(wait_until(has_online_replica, master, LIMIT_MS));
    return replica;
}

static void execute_is_refused_in_time_while_no_replica_has_the_job(void **state)
{
    struct stack *stack = *state;
    struct redis_fixture *replica = start_replica(stack);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    redis_fixture_pause(replica);
    int64_t began_ms = now_mono_ms();
    struct http_answer *answer = stack_call(stack, "acme", "POST", "execute/");
    int64_t took_ms = now_mono_ms() - began_ms;
    assert_int_equal(answer->status, 503);
    char *retry_after = http_answer_header(answer, "Retry-After");
    assert_non_null(retry_after);
    mem_free(retry_after);
    http_answer_free(answer);
    assert_in_range(took_ms, WAIT_MS - 50, DEADLINE_MS);
    /* The job is there all the same, and is run. */
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    redis_fixture_free(replica);
    assert_int_equal(stack_execute(stack, "acme"), 503);
    replica = start_replica(stack);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    redis_fixture_free(replica);
}

static void the_command_line_waits_for_replicas_too(void **state)
{
    struct stack *stack = *state;
    char url[256];
    char settings[256];
    char *path = temp_dir_join(stack_dir(stack), STACK_SETTINGS);
    (void)snprintf(url, sizeof url, "REDIS_URL=%s", redis_fixture_url(stack_redis(stack)));
    (void)snprintf(settings, sizeof settings, "OMNIHOOK_SETTINGS=%s", path);
    mem_free(path);
    const char *const argv[] = {TEST_BIN_DIR "/omnihook", "execute", "acme", NULL};
    const char *const env[] = {url, settings, "OMNIHOOK_REDIS_WAIT_REPLICAS=1", NULL};
    struct process *process = process_start(&(struct process_options){
        .name = "omnihook", .argv = argv, .env = env, .dir = stack_dir(stack)});
    assert_int_equal(process_wait_exit(process, LIMIT_MS), 1);
    assert_true(process_has_line(process, PROCESS_STDERR, "only 0 of 1 replicas"));
    process_free(process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(execute_is_refused_in_time_while_no_replica_has_the_job, &options),
        STACK_TEST(the_command_line_waits_for_replicas_too, &options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
