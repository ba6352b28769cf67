/* A Redis that is there, but refuses, forgets, or says nothing: callers hear 503 soon, the log says
   why, runs go on while the lease holds, and nobody restarts anything. */
#include "common/mem.h"
#include "tests/support/child.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 20000, REDIS_TIMEOUT_MS = 500, ANSWER_LIMIT_MS = REDIS_TIMEOUT_MS + 2000 };

#define ONE "[{\"event_type\": \"package.created\", \"target_url\": \"https://e.example/hooks\"}]"

static const struct stack_account accounts[] = {
    {.name = "acme", .webhooks = ONE},
    {.name = "other", .webhooks = ONE},
};
static const char *const impatient[] = {"OMNIHOOK_REDIS_TIMEOUT_MS=500", NULL};
static const char *const snapshots[] = {"--save", "3600 1", NULL};
/* A quarter of a millisecond a key, and others are answered meanwhile. */
static const char *const slow_to_load[] = {"--key-load-delay", "250",
                                           "--loading-process-events-interval-bytes", "1024", NULL};

#define ONE_OF_EACH                                                                                \
    .accounts = accounts, .account_count = 2, .api_count = 1, .worker_count = 1, .env = impatient
static struct stack_options one_of_each = {ONE_OF_EACH};
static struct stack_options behind_a_proxy = {ONE_OF_EACH, .has_redis_proxy = true};
static struct stack_options on_snapshots = {ONE_OF_EACH, .redis_args = snapshots};
static struct stack_options on_a_slow_loader = {ONE_OF_EACH, .redis_args = slow_to_load};

/* ---- What is looked at ---- */

static void assert_unavailable(struct stack *stack, const char *account, const char *path)
{
    struct http_answer *answer = stack_call(stack, account, "POST", path);
    assert_int_equal(answer->status, 503);
    assert_in_range(answer->took_ms, 0, ANSWER_LIMIT_MS);
    char *retry_after = http_answer_header(answer, "Retry-After");
    assert_non_null(retry_after);
    mem_free(retry_after);
    http_answer_free(answer);
}

static void wait_for_words(struct stack *stack, const char *words)
{
    (void)process_wait_line(stack_api(stack, 0), PROCESS_STDERR, words, LIMIT_MS);
    (void)process_wait_line(stack_worker(stack, 0), PROCESS_STDERR, words, LIMIT_MS);
}

static void skip_output(struct stack *stack)
{
    process_skip_output(stack_api(stack, 0));
    process_skip_output(stack_worker(stack, 0));
}

static bool both_are_ready(void *stack)
{
    struct http_answer *api = stack_ops_call(stack_api_ops_address(stack, 0), "/readyz");
    struct http_answer *worker = stack_ops_call(stack_worker_ops_address(stack, 0), "/readyz");
    bool are_ready = api->status == 200 && worker->status == 200;
    http_answer_free(api);
    http_answer_free(worker);
    return are_ready;
}

static bool acme_is_writing(void *stack)
{
    return sim_counter(stack_sim(stack), "in_flight") == 1;
}

/* The run of acme is in the middle of its POST, which takes a while. */
static void start_run(struct stack *stack, const char *action)
{
    char fault[256];
    (void)snprintf(fault, sizeof fault,
                   "{\"method\": \"POST\", \"path\": \"/whisperer/hooks/\", \"times\": 1,"
                   " \"action\": %s}",
                   action);
    sim_fault(stack_sim(stack), fault);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_becomes_true(acme_is_writing, stack, LIMIT_MS);
}

static bool api_answers(void *stack)
{
    struct http_answer *answer = stack_call(stack, "acme", "GET", "get_async_status/");
    int status = answer->status;
    http_answer_free(answer);
    return status == 200;
}

/* One run, and nobody took it for lost. */
static void assert_run_went_on(struct stack *stack)
{
    assert_becomes_true(api_answers, stack, LIMIT_MS);
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_counter(stack_sim(stack), "list_reads"), 1);
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 1);
}

static void assert_all_goes_on(struct stack *stack)
{
    assert_becomes_true(both_are_ready, stack, LIMIT_MS);
    stack_run(stack, "other", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(stack_sim(stack), "other"), 1);
}

/* ---- Redis forgets ---- */

static void a_redis_that_forgot_everything_is_worked_with_anew(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"hang\": true}");
    redis_do(stack_redis(stack), "FLUSHALL");
    (void)process_wait_line(stack_worker(stack, 0), PROCESS_STDERR, "event=lease_lost ", LIMIT_MS);
    assert_string_equal(stack_status(stack, "acme"), "READY");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 1);
    assert_all_goes_on(stack);
}

static void a_redis_that_went_back_in_time_runs_what_it_remembers_again(void **state)
{
    struct stack *stack = *state;
    struct redis_fixture *redis = stack_redis(stack);
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    redis_do(redis, "SAVE");
    (void)stack_start_worker(stack, NULL);
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    redis_fixture_kill(redis);
    redis_fixture_start(redis);
    assert_becomes_true(api_answers, stack, LIMIT_MS);
    /* It knows nothing of the worker, and of a job that waits. */
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_counter(stack_sim(stack), "list_reads"), 2);
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 1);
}

/* ---- Redis refuses ---- */

/* The reason that /readyz gives has these words. */
static bool api_sees(struct stack *stack, const char *words)
{
    struct http_answer *answer = stack_ops_call(stack_api_ops_address(stack, 0), "/readyz");
    bool is_seen = answer->status == 503 && strstr(answer->body, words) != NULL;
    http_answer_free(answer);
    return is_seen;
}

static bool api_sees_a_replica(void *stack)
{
    return api_sees(stack, "read-only replica");
}

static void a_master_that_becomes_a_replica_is_left_until_it_is_one_again(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"delay_ms\": 3000}");
    skip_output(stack);
    /* Nobody answers there. */
    redis_do(stack_redis(stack), "REPLICAOF 127.0.0.1 1");
    assert_unavailable(stack, "other", "execute/");
    wait_for_words(stack, "event=redis_down ");
    assert_becomes_true(api_sees_a_replica, stack, LIMIT_MS);
    assert_unavailable(stack, "other", "execute/");
    redis_do(stack_redis(stack), "REPLICAOF NO ONE");
    assert_run_went_on(stack);
    assert_all_goes_on(stack);
}

static void at_full_memory_new_jobs_are_refused_and_the_others_end(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"delay_ms\": 1500}");
    redis_do(stack_redis(stack), "CONFIG SET maxmemory 1");
    assert_unavailable(stack, "other", "execute/");
    assert_run_went_on(stack);
    (void)process_wait_line(stack_api(stack, 0), PROCESS_STDERR,
                            "event=redis_refused reason=\"OOM ", LIMIT_MS);
    redis_do(stack_redis(stack), "CONFIG SET maxmemory 0");
    assert_all_goes_on(stack);
}

static bool acme_is_finished(void *stack)
{
    return strcmp(stack_status(stack, "acme"), "FINISHED") == 0;
}

static bool api_names_the_status(void *stack)
{
    assert_unavailable(stack, "acme", "get_async_status/");
    return process_has_line(stack_api(stack, 0), PROCESS_STDERR, "key={omnihook}:status:acme ");
}

static void a_key_of_a_wrong_type_is_named_and_holds_up_nothing_else(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"delay_ms\": 1500}");
    redis_do(stack_redis(stack), "SET {omnihook}:queue x");
    assert_unavailable(stack, "other", "execute/");
    wait_for_words(stack, "event=redis_wrong_type key={omnihook}:queue type=string expected=list");
    assert_run_went_on(stack);
    redis_do(stack_redis(stack), "DEL {omnihook}:queue");
    assert_all_goes_on(stack);

    redis_do(stack_redis(stack), "DEL {omnihook}:status:acme");
    redis_do(stack_redis(stack), "LPUSH {omnihook}:status:acme x");
    assert_unavailable(stack, "acme", "execute/");
    assert_becomes_true(api_names_the_status, stack, LIMIT_MS);
    stack_run(stack, "other", "FINISHED", LIMIT_MS);
    redis_do(stack_redis(stack), "DEL {omnihook}:status:acme");
    assert_becomes_true(acme_is_finished, stack, LIMIT_MS);
}

static void a_password_that_is_missing_is_told_and_tried_again(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"delay_ms\": 3000}");
    skip_output(stack);
    redis_do(stack_redis(stack), "CONFIG SET requirepass %s", STACK_PASSWORD);
    redis_do(stack_redis(stack), "CLIENT KILL TYPE normal");
    redis_do(stack_redis(stack), "CLIENT KILL TYPE pubsub");
    wait_for_words(stack, "reason=\"NOAUTH ");
    assert_unavailable(stack, "other", "execute/");
    redis_do(stack_redis(stack), "CONFIG SET requirepass %s", "");
    assert_run_went_on(stack);
    assert_all_goes_on(stack);
}

static void a_right_that_is_missing_is_told_and_tried_again(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"delay_ms\": 1500}");
    redis_do(stack_redis(stack), "ACL SETUSER default -evalsha");
    assert_unavailable(stack, "other", "execute/");
    wait_for_words(stack, "event=redis_refused reason=\"NOPERM ");
    redis_do(stack_redis(stack), "ACL SETUSER default +evalsha");
    assert_run_went_on(stack);
    assert_all_goes_on(stack);
}

static bool saving_has_failed(void *redis)
{
    return strstr(redis_text(redis, "INFO persistence"), "rdb_last_bgsave_status:err") != NULL;
}

static void a_redis_that_cannot_save_takes_nothing_and_says_so(void **state)
{
    struct stack *stack = *state;
    struct redis_fixture *redis = stack_redis(stack);
    /* A folder in the place of its file. */
    const char *dir = redis_list(redis, "CONFIG GET dir")->items[1];
    char file[512];
    char inner[600];
    (void)snprintf(file, sizeof file, "%s/dump.rdb", dir);
    (void)snprintf(inner, sizeof inner, "%s/inner", file);
    start_run(stack, "{\"delay_ms\": 1500}");
    assert_int_equal(mkdir(file, 0700), 0);
    assert_int_equal(mkdir(inner, 0700), 0);
    redis_do(redis, "BGSAVE");
    assert_becomes_true(saving_has_failed, redis, LIMIT_MS);
    assert_unavailable(stack, "other", "execute/");
    wait_for_words(stack, "event=redis_refused reason=\"MISCONF ");
    assert_int_equal(rmdir(inner), 0);
    assert_int_equal(rmdir(file), 0);
    redis_do(redis, "SAVE");
    assert_run_went_on(stack);
    assert_all_goes_on(stack);
}

/* ---- Redis does not answer, or not yet ---- */

static bool redis_is_busy(void *stack)
{
    return !api_answers(stack);
}

static void a_redis_that_is_busy_with_a_script_of_others_is_waited_for(void **state)
{
    struct stack *stack = *state;
    struct redis_fixture *redis = stack_redis(stack);
    const char *path = redis_fixture_address(redis) + strlen("unix:");
    const char *const argv[] = {"redis-cli", "-s", path, "EVAL", "while true do end", "0", NULL};
    const struct process_options options = {
        .name = "redis-cli", .argv = argv, .dir = stack_dir(stack)};
    redis_do(redis, "CONFIG SET lua-time-limit 50");
    start_run(stack, "{\"delay_ms\": 1500}");
    struct process *endless = process_start(&options);
    assert_becomes_true(redis_is_busy, stack, LIMIT_MS);
    assert_unavailable(stack, "other", "execute/");
    (void)process_wait_line(stack_api(stack, 0), PROCESS_STDERR,
                            "event=redis_refused reason=\"BUSY ", LIMIT_MS);
    redis_do(redis, "SCRIPT KILL");
    process_free(endless);
    assert_run_went_on(stack);
    assert_all_goes_on(stack);
}

static bool api_sees_the_loading(void *stack)
{
    return api_sees(stack, "Redis is loading its data");
}

/* In a process of its own: the fixture gives Redis back only when it has loaded its data. */
static pid_t watch_the_loading(struct stack *stack)
{
    pid_t test_pid = getpid();
    pid_t child = fork();
    if (child == 0) {
        child_begin(test_pid, -1, -1);
        _exit(wait_until(api_sees_the_loading, stack, LIMIT_MS) ? 0 : 1);
    }
    return child;
}

static void a_redis_that_loads_its_data_is_waited_for(void **state)
{
    struct stack *stack = *state;
    struct redis_fixture *redis = stack_redis(stack);
    redis_do(redis, "EVAL %s 0", "for i = 1, 8000 do redis.call('SET', 'key:' .. i, i) end");
    redis_do(redis, "SAVE");
    redis_fixture_kill(redis);
    skip_output(stack);
    pid_t watcher = watch_the_loading(stack);
    redis_fixture_start(redis);
    int status = 0;
    assert_int_equal(waitpid(watcher, &status, 0), watcher);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    wait_for_words(stack, "event=redis_up ");
    assert_all_goes_on(stack);
}

static void a_silent_redis_is_no_redis_and_costs_no_run_while_the_lease_holds(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"delay_ms\": 3000}");
    skip_output(stack);
    tcp_proxy_set(stack_redis_proxy(stack), TCP_PROXY_BLACKHOLE);
    assert_unavailable(stack, "other", "execute/");
    wait_for_words(stack, "event=redis_down ");
    assert_unavailable(stack, "other", "execute/");
    tcp_proxy_set(stack_redis_proxy(stack), TCP_PROXY_FORWARD);
    assert_run_went_on(stack);
    assert_all_goes_on(stack);
}

static void a_worker_that_starts_before_redis_says_so_and_waits(void **state)
{
    struct stack *stack = *state;
    redis_fixture_kill(stack_redis(stack));
    struct process *worker =
        stack_worker(stack, stack_start_worker_until(stack, "redis_down", NULL));
    assert_true(process_is_running(worker));
    redis_fixture_start(stack_redis(stack));
    (void)process_wait_line(worker, PROCESS_STDERR, "event=worker_started ", LIMIT_MS);
    assert_all_goes_on(stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(a_redis_that_forgot_everything_is_worked_with_anew, &one_of_each),
        STACK_TEST(a_redis_that_went_back_in_time_runs_what_it_remembers_again, &one_of_each),
        STACK_TEST(a_master_that_becomes_a_replica_is_left_until_it_is_one_again, &one_of_each),
        STACK_TEST(at_full_memory_new_jobs_are_refused_and_the_others_end, &one_of_each),
        STACK_TEST(a_key_of_a_wrong_type_is_named_and_holds_up_nothing_else, &one_of_each),
        STACK_TEST(a_password_that_is_missing_is_told_and_tried_again, &one_of_each),
        STACK_TEST(a_right_that_is_missing_is_told_and_tried_again, &one_of_each),
        STACK_TEST(a_redis_that_cannot_save_takes_nothing_and_says_so, &on_snapshots),
        STACK_TEST(a_redis_that_is_busy_with_a_script_of_others_is_waited_for, &one_of_each),
        STACK_TEST(a_redis_that_loads_its_data_is_waited_for, &on_a_slow_loader),
        STACK_TEST(a_silent_redis_is_no_redis_and_costs_no_run_while_the_lease_holds,
                   &behind_a_proxy),
        STACK_TEST(a_worker_that_starts_before_redis_says_so_and_waits, &one_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
