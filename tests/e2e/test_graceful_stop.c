/* SIGTERM: what is in flight may finish, the rest goes back to the queue, and the exit status is 0.
 */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/child.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GRACE_MS = 500, LEASE_MS = 15000, LIMIT_MS = 15000 };

#define ONE "[{\"event_type\": \"a.b\", \"target_url\": \"https://e.example/\"}]"
static const struct stack_account accounts[] = {
    {.name = "acme", .webhooks = ONE},
    {.name = "beta", .webhooks = ONE},
    {.name = "corp", .webhooks = ONE},
};
static const char *const short_grace[] = {"OMNIHOOK_GRACE_MS=500", NULL};
static struct stack_options with_short_grace = {
    .accounts = accounts,
    .account_count = 1,
    .api_count = 1,
    .worker_count = 1,
    .env = short_grace,
};
static struct stack_options one_of_each = {
    .accounts = accounts,
    .account_count = 1,
    .api_count = 1,
    .worker_count = 1,
};

static const char *const two_at_once[] = {"OMNIHOOK_CONCURRENCY=2", NULL};
static const char *const two_at_once_hasty[] = {"OMNIHOOK_CONCURRENCY=2", "OMNIHOOK_GRACE_MS=500",
                                                NULL};
static struct stack_options three_accounts = {.accounts = accounts,
                                              .account_count = 3,
                                              .api_count = 1,
                                              .worker_count = 1,
                                              .env = two_at_once};
static struct stack_options three_accounts_hasty = {.accounts = accounts,
                                                    .account_count = 3,
                                                    .api_count = 1,
                                                    .worker_count = 1,
                                                    .env = two_at_once_hasty};

static bool run_is_creating(void *sim)
{
    return sim_fault_hits(sim, "slow") > 0;
}

/* Executes, and returns when the run's POST has reached Omnitron, where action awaits it. */
static void start_run(struct stack *stack, const char *action)
{
    char fault[256];
    (void)snprintf(fault, sizeof fault,
                   "{\"name\": \"slow\", \"method\": \"POST\", \"path\": \"/whisperer/hooks/\","
                   " \"times\": -1, \"action\": %s}",
                   action);
    sim_fault(stack_sim(stack), fault);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_becomes_true(run_is_creating, stack_sim(stack), LIMIT_MS);
}

static void an_idle_program_ends_at_once(void **state)
{
    struct stack *stack = *state;
    int64_t start_ms = now_mono_ms();
    assert_int_equal(process_stop(stack_api(stack, 0), LIMIT_MS), 0);
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    /* Well below the grace of 8 s: nothing was in flight. */
    assert_in_range(now_mono_ms() - start_ms, 0, 5000);
    const struct redis_list *workers =
        redis_list(stack_redis(stack), "ZRANGE {omnihook}:workers 0 -1");
    assert_int_equal(workers->size, 0);
}

static void a_job_that_can_end_within_the_grace_ends(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"delay_ms\": 1000}");
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    assert_string_equal(stack_status(stack, "acme"), "FINISHED");
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 1);
}

static void a_job_that_cannot_goes_back_to_the_queue_uncounted(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"hang\": true}");
    int64_t start_ms = now_mono_ms();
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    assert_in_range(now_mono_ms() - start_ms, 0, GRACE_MS + 5000);

    struct redis_fixture *redis = stack_redis(stack);
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
    assert_int_equal(redis_int(redis, "LLEN {omnihook}:queue"), 1);
    assert_string_equal(redis_text(redis, "HGET {omnihook}:status:acme phase"), "queued");
    assert_int_equal(redis_list(redis, "KEYS {omnihook}:processing:*")->size, 0);

    sim_clear_faults(stack_sim(stack));
    (void)stack_start_worker(stack, NULL);
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    json_t *report = stack_report(stack, "acme");
    assert_int_equal(json_integer_value(json_object_get(report, "attempt")), 1);
    json_decref(report);
}

static void a_second_signal_ends_the_worker_now_and_its_lease_saves_the_job(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"hang\": true}");
    process_skip_output(stack_worker(stack, 0));
    process_signal(stack_worker(stack, 0), SIGTERM);
    (void)process_wait_line(stack_worker(stack, 0), PROCESS_STDERR, "event=", LIMIT_MS);
    process_signal(stack_worker(stack, 0), SIGTERM);
    /* Well below the grace of 8 s. */
    (void)process_wait_exit(stack_worker(stack, 0), 4000);
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
}

static void the_job_of_a_worker_that_was_stopped_now_runs_elsewhere(void **state)
{
    struct stack *stack = *state;
    start_run(stack, "{\"hang\": true}");
    (void)stack_start_worker(stack, NULL);
    process_signal(stack_worker(stack, 0), SIGTERM);
    (void)process_wait_line(stack_worker(stack, 0), PROCESS_STDERR, "event=stopping ", LIMIT_MS);
    sim_clear_faults(stack_sim(stack));
    process_signal(stack_worker(stack, 0), SIGTERM);
    (void)process_wait_exit(stack_worker(stack, 0), 4000);

    stack_wait_status(stack, "acme", "FINISHED", LEASE_MS + LIMIT_MS);
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 1);
    json_t *report = stack_report(stack, "acme");
    assert_int_equal(json_integer_value(json_object_get(report, "attempt")), 1);
    json_decref(report);
}

/* ---- Several jobs ---- */

static bool two_are_creating(void *sim)
{
    return sim_counter(sim, "in_flight") == 2;
}

/* Two of three jobs run, as many as the worker takes at once. */
static void start_two_of_three(struct stack *stack, const char *action)
{
    char fault[256];
    (void)snprintf(fault, sizeof fault,
                   "{\"method\": \"POST\", \"path\": \"/whisperer/hooks/\", \"times\": -1,"
                   " \"action\": %s}",
                   action);
    sim_fault(stack_sim(stack), fault);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_int_equal(stack_execute(stack, "beta"), 204);
    assert_becomes_true(two_are_creating, stack_sim(stack), LIMIT_MS);
    assert_int_equal(stack_execute(stack, "corp"), 204);
}

static void what_goes_back_goes_before_what_waits(void **state)
{
    struct stack *stack = *state;
    struct redis_fixture *redis = stack_redis(stack);
    start_two_of_three(stack, "{\"hang\": true}");
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    assert_int_equal(redis_int(redis, "LLEN {omnihook}:queue"), 3);
    assert_non_null(strstr(redis_text(redis, "LINDEX {omnihook}:queue 0"), "\"corp\""));
    assert_int_equal(redis_int(redis, "HGET {omnihook}:ctl:acme tries"), 0);
    assert_int_equal(redis_int(redis, "HGET {omnihook}:ctl:acme deaths"), 0);
    assert_int_equal(redis_int(redis, "HEXISTS {omnihook}:totals recovered"), 0);
    assert_int_equal(redis_int(redis, "EXISTS {omnihook}:workers {omnihook}:watch"), 0);
}

static void a_worker_that_stops_takes_no_more_jobs(void **state)
{
    struct stack *stack = *state;
    start_two_of_three(stack, "{\"delay_ms\": 1500}");
    /* Both runs end within the grace time, so there is room for the third; nobody takes it. */
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    assert_string_equal(stack_status(stack, "acme"), "FINISHED");
    assert_string_equal(stack_status(stack, "beta"), "FINISHED");
    assert_string_equal(stack_status(stack, "corp"), "WORKING");
    assert_int_equal(redis_int(stack_redis(stack), "LLEN {omnihook}:queue"), 1);
    assert_string_equal(redis_text(stack_redis(stack), "HGET {omnihook}:status:corp started_at"),
                        "");
}

/* A call that is under way in a process of its own, so that this one can send signals meanwhile. */
static pid_t call_in_background(struct stack *stack, int expected_status)
{
    pid_t test_pid = getpid();
    pid_t child = fork();
    if (child == 0) {
        child_begin(test_pid, -1, -1);
        struct http_answer *answer = stack_call(stack, "acme", "GET", "is_required/");
        _exit(answer->status == expected_status ? 0 : 1);
    }
    return child;
}

static bool list_is_read(void *sim)
{
    return sim_fault_hits(sim, "slow list") > 0;
}

static void a_call_that_the_api_has_taken_is_answered(void **state)
{
    struct stack *stack = *state;
    sim_fault(stack_sim(stack), "{\"name\": \"slow list\", \"method\": \"GET\","
                                " \"path\": \"/whisperer/hooks/\","
                                " \"action\": {\"delay_ms\": 1000}}");
    pid_t caller = call_in_background(stack, 200);
    assert_becomes_true(list_is_read, stack_sim(stack), LIMIT_MS);
    assert_int_equal(process_stop(stack_api(stack, 0), LIMIT_MS), 0);
    int status = -1;
    assert_int_equal(waitpid(caller, &status, 0), caller);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(an_idle_program_ends_at_once, &one_of_each),
        STACK_TEST(a_job_that_can_end_within_the_grace_ends, &one_of_each),
        STACK_TEST(a_job_that_cannot_goes_back_to_the_queue_uncounted, &with_short_grace),
        STACK_TEST(a_second_signal_ends_the_worker_now_and_its_lease_saves_the_job, &one_of_each),
        STACK_TEST(the_job_of_a_worker_that_was_stopped_now_runs_elsewhere, &one_of_each),
        STACK_TEST(what_goes_back_goes_before_what_waits, &three_accounts_hasty),
        STACK_TEST(a_worker_that_stops_takes_no_more_jobs, &three_accounts),
        STACK_TEST(a_call_that_the_api_has_taken_is_answered, &one_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
