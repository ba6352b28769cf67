/* omnihook-worker when something dies, stops or is cut off: no job is lost, none runs twice. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/http_call.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"
#include "tests/support/worker_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define HOOKS "/whisperer/hooks/"
#define WEBHOOK(last)                                                                              \
    "{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/" last "\"}"
/* The next POST gets no answer and does nothing. */
#define ONE_POST_HANGS                                                                             \
    "{\"name\":\"hang\",\"method\":\"POST\",\"path\":\"" HOOKS "\",\"times\":1,"                   \
    "\"action\":{\"hang\":true}}"

enum {
    LIMIT_MS = 10000,
    LONG_LIMIT_MS = 20000,
    LEASE_MS = 1000,
    RECOVERY_MS = LEASE_MS + 5000 + 5000, /* promised; then it has to run, on a busy machine */
};

static const char *const short_lease[] = {"OMNIHOOK_LEASE_MS=1000", "OMNIHOOK_RETRY_BASE_MS=10",
                                          "OMNIHOOK_RETRY_MAX_MS=20", NULL};
static const char *const short_grace[] = {"OMNIHOOK_GRACE_MS=300", NULL};
static const char *const long_grace[] = {"OMNIHOOK_GRACE_MS=5000", NULL};

static const char *const three_processes[] = {"OMNIHOOK_PROCESSES=3", NULL};

static const struct stack_account acme = {.name = "acme", .webhooks = "[" WEBHOOK("a") "]"};

static struct stack_options one_worker = {
    .accounts = &acme, .account_count = 1, .worker_count = 1, .env = short_lease};
static struct stack_options two_workers = {
    .accounts = &acme, .account_count = 1, .worker_count = 2, .env = short_lease};
static struct stack_options behind_a_proxy = {.accounts = &acme,
                                              .account_count = 1,
                                              .worker_count = 1,
                                              .has_redis_proxy = true,
                                              .env = short_lease};
static const char *const busy_env[] = {"OMNIHOOK_CONCURRENCY=1", "OMNIHOOK_LEASE_MS=20000", NULL};
static struct stack_options busy = {
    .accounts = &acme, .account_count = 1, .worker_count = 1, .env = busy_env};
static struct stack_options hasty = {
    .accounts = &acme, .account_count = 1, .worker_count = 1, .env = short_grace};
static struct stack_options patient = {
    .accounts = &acme, .account_count = 1, .worker_count = 1, .env = long_grace};
static struct stack_options supervised = {
    .accounts = &acme, .account_count = 1, .worker_count = 1, .env = three_processes};
static struct stack_options no_worker = {
    .accounts = &acme, .account_count = 1, .worker_count = 0, .env = short_lease};

static bool one_is_in_flight(void *fixture)
{
    return sim_counter(((struct worker_fixture *)fixture)->sim, "in_flight") == 1;
}

static bool none_is_in_flight(void *fixture)
{
    return sim_counter(((struct worker_fixture *)fixture)->sim, "in_flight") == 0;
}

/* Enqueues a job whose POST hangs, and gives the worker that runs it. */
static struct process *start_hanging_run(struct worker_fixture *fixture, size_t workers)
{
    sim_fault(fixture->sim, ONE_POST_HANGS);
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(one_is_in_flight, fixture, LIMIT_MS);
    for (size_t i = 0; i < workers; i++) {
        struct process *process = stack_worker(fixture->stack, i);
        if (process_has_line(process, PROCESS_STDERR, "event=run_started ")) {
            return process;
        }
    }
    fail_msg("no worker runs the job");
    return NULL;
}

static int64_t total(struct worker_fixture *fixture, const char *name)
{
    const char *text = redis_text(fixture->redis, "HGET {omnihook}:totals %s", name);
    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

/* ---- Death and loss of the lease ---- */

static void the_job_of_a_killed_worker_is_run_by_another_within_the_promise(void **state)
{
    struct worker_fixture *fixture = *state;
    struct process *worker = start_hanging_run(fixture, 2);
    process_kill(worker);
    worker_wait_state(fixture, "acme", "FINISHED", RECOVERY_MS);
    assert_int_equal(total(fixture, "recovered"), 1);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 1);
}

static void a_run_after_a_take_over_ends_with_a_fresh_list(void **state)
{
    struct worker_fixture *fixture = *state;
    struct process *worker = start_hanging_run(fixture, 2);
    process_kill(worker);
    sim_reset_counters(fixture->sim);
    worker_wait_state(fixture, "acme", "FINISHED", RECOVERY_MS);
    assert_int_equal(sim_counter(fixture->sim, "list_reads"), 2);
}

/* It has no slot free, so no pop gives it a reason to look; the beat is at a third of the lease,
   and the lease is no measure of when it looks. */
static void what_a_lost_lease_leaves_behind_is_found_at_once(void **state)
{
    enum { SOON_MS = 5000 };
    struct worker_fixture *fixture = *state;
    struct process *worker = start_hanging_run(fixture, 1);
    redis_do(fixture->redis, "DEL {omnihook}:workers");
    (void)process_wait_line(worker, PROCESS_STDERR, "event=lease_lost ", LIMIT_MS);
    worker_wait_state(fixture, "acme", "FINISHED", SOON_MS);
}

static bool one_is_fenced(void *fixture)
{
    return total(fixture, "fenced") == 1;
}

static void a_worker_that_was_stopped_past_its_lease_writes_nothing_and_comes_back(void **state)
{
    struct worker_fixture *fixture = *state;
    struct process *stopped = start_hanging_run(fixture, 2);
    process_signal(stopped, SIGSTOP);
    worker_wait_state(fixture, "acme", "FINISHED", RECOVERY_MS);
    char *before = mem_copy_text(worker_status_field(fixture, "acme", "rev"));
    char *owner = mem_copy_text(worker_status_field(fixture, "acme", "worker"));

    process_skip_output(stopped);
    process_signal(stopped, SIGCONT);
    (void)process_wait_line(stopped, PROCESS_STDERR, "event=lease_lost ", LIMIT_MS);
    (void)process_wait_line(stopped, PROCESS_STDERR, "event=worker_started ", LIMIT_MS);
    assert_string_equal(worker_status_field(fixture, "acme", "rev"), before);
    assert_string_equal(worker_status_field(fixture, "acme", "worker"), owner);
    assert_string_equal(desk_state(fixture->desk, "acme"), "FINISHED");
    assert_becomes_true(none_is_in_flight, fixture, 1000);
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 1);
    assert_becomes_true(one_is_fenced, fixture, LIMIT_MS);
    mem_free(before);
    mem_free(owner);
}

static void a_worker_cut_off_from_redis_drops_its_run_before_its_lease_ends(void **state)
{
    struct worker_fixture *fixture = *state;
    struct process *worker = start_hanging_run(fixture, 1);
    process_skip_output(worker);
    tcp_proxy_set(stack_redis_proxy(fixture->stack), TCP_PROXY_BLACKHOLE);
    (void)process_wait_line(worker, PROCESS_STDERR, "event=lease_lost ", LIMIT_MS);
    assert_becomes_true(none_is_in_flight, fixture, 1000);
    tcp_proxy_set(stack_redis_proxy(fixture->stack), TCP_PROXY_FORWARD);
    worker_wait_state(fixture, "acme", "FINISHED", LONG_LIMIT_MS);
}

static void a_job_served_to_a_stopped_worker_that_waits_for_one_is_taken_back(void **state)
{
    struct worker_fixture *fixture = *state;
    struct process *stopped = stack_worker(fixture->stack, 0);
    process_signal(stopped, SIGSTOP);
    (void)worker_enqueue(fixture, "acme");
    (void)stack_start_worker(fixture->stack, NULL);
    worker_wait_state(fixture, "acme", "FINISHED", RECOVERY_MS);
    process_skip_output(stopped);
    process_signal(stopped, SIGCONT);
    (void)process_wait_line(stopped, PROCESS_STDERR, "event=worker_started ", LIMIT_MS);
    assert_false(process_has_line(stopped, PROCESS_STDERR, "event=run_started "));
    assert_int_equal(sim_counter(fixture->sim, "list_reads"), 1);
}

static void a_job_that_comes_to_a_worker_that_redis_has_forgotten_is_handed_back(void **state)
{
    struct worker_fixture *fixture = *state;
    struct process *worker = stack_worker(fixture->stack, 0);
    process_skip_output(worker);
    /* Its next beat is seconds away: the pop that waits is served before. */
    redis_do(fixture->redis, "DEL {omnihook}:workers");
    (void)worker_enqueue(fixture, "acme");
    (void)process_wait_line(worker, PROCESS_STDERR, "event=lease_lost ", LIMIT_MS);
    worker_wait_state(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(redis_list(fixture->redis, "KEYS {omnihook}:processing:*")->size, 0);
}

/* ---- Redis goes away ---- */

static void a_short_cut_of_the_connections_costs_no_run(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"method\":\"POST\",\"path\":\"" HOOKS "\",\"times\":1,"
                            "\"action\":{\"delay_ms\":600}}");
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(one_is_in_flight, fixture, LIMIT_MS);
    tcp_proxy_cut(stack_redis_proxy(fixture->stack));
    worker_wait_state(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(total(fixture, "recovered"), 0);
    assert_int_equal(sim_counter(fixture->sim, "list_reads"), 1);
}

static bool job_is_with_a_worker(void *fixture_)
{
    struct worker_fixture *fixture = fixture_;
    return redis_int(fixture->redis, "LLEN {omnihook}:queue") == 0;
}

static void a_job_whose_pop_got_no_answer_is_found_in_the_own_list(void **state)
{
    struct worker_fixture *fixture = *state;
    tcp_proxy_set(stack_redis_proxy(fixture->stack), TCP_PROXY_BLACKHOLE_DOWN);
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(job_is_with_a_worker, fixture, LIMIT_MS);
    tcp_proxy_set(stack_redis_proxy(fixture->stack), TCP_PROXY_FORWARD);
    worker_wait_state(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
}

static int readiness(struct worker_fixture *fixture)
{
    struct http_call call = {.address = stack_worker_ops_address(fixture->stack, 0),
                             .path = "/readyz"};
    struct http_answer *answer = http_call(&call);
    int status = answer->status;
    http_answer_free(answer);
    return status;
}

static bool is_unready(void *fixture)
{
    return readiness(fixture) == 503;
}

static bool is_ready(void *fixture)
{
    return readiness(fixture) == 200;
}

static void a_worker_without_redis_waits_and_says_so(void **state)
{
    struct worker_fixture *fixture = *state;
    struct process *worker = stack_worker(fixture->stack, 0);
    redis_fixture_stop(fixture->redis);
    (void)process_wait_line(worker, PROCESS_STDERR, "event=redis_down ", LIMIT_MS);
    assert_becomes_true(is_unready, fixture, LIMIT_MS);
    process_skip_output(worker);
    redis_fixture_start(fixture->redis);
    (void)process_wait_line(worker, PROCESS_STDERR, "event=worker_started ", LONG_LIMIT_MS);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_becomes_true(is_ready, fixture, LIMIT_MS);
}

/* ---- Stopping ---- */

static void an_idle_worker_stops_at_once_and_leaves_no_trace(void **state)
{
    struct worker_fixture *fixture = *state;
    assert_int_equal(process_stop(stack_worker(fixture->stack, 0), 7000), 0);
    assert_int_equal(redis_int(fixture->redis, "ZCARD {omnihook}:workers"), 0);
}

static void a_run_that_ends_within_the_grace_time_is_finished(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_fault(fixture->sim, "{\"method\":\"POST\",\"path\":\"" HOOKS "\",\"times\":1,"
                            "\"action\":{\"delay_ms\":1500}}");
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(one_is_in_flight, fixture, LIMIT_MS);
    assert_int_equal(process_stop(stack_worker(fixture->stack, 0), 5000), 0);
    assert_string_equal(desk_state(fixture->desk, "acme"), "FINISHED");
}

static void what_is_not_done_within_the_grace_time_is_handed_back(void **state)
{
    struct worker_fixture *fixture = *state;
    struct process *worker = start_hanging_run(fixture, 1);
    assert_int_equal(process_stop(worker, 3000), 0);
    assert_string_equal(desk_state(fixture->desk, "acme"), "WORKING");
    assert_string_equal(worker_status_field(fixture, "acme", "phase"), "queued");
    assert_int_equal(redis_int(fixture->redis, "LLEN {omnihook}:queue"), 1);
    (void)stack_start_worker(fixture->stack, NULL);
    worker_wait_state(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
}

static void a_second_signal_stops_now_and_leaves_the_job_to_its_lease(void **state)
{
    struct worker_fixture *fixture = *state;
    struct process *worker = start_hanging_run(fixture, 1);
    process_signal(worker, SIGTERM);
    (void)process_wait_line(worker, PROCESS_STDERR, "event=stopping ", LIMIT_MS);
    process_signal(worker, SIGTERM);
    (void)process_wait_exit(worker, 1000);
    assert_string_equal(worker_status_field(fixture, "acme", "phase"), "running");
}

static bool three_are_registered(void *fixture)
{
    struct redis_fixture *redis = ((struct worker_fixture *)fixture)->redis;
    return redis_int(redis, "ZCARD {omnihook}:workers") == 3;
}

static void each_process_under_a_supervisor_has_a_name_and_all_stop_together(void **state)
{
    struct worker_fixture *fixture = *state;
    assert_becomes_true(three_are_registered, fixture, LIMIT_MS);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(process_stop(stack_worker(fixture->stack, 0), LIMIT_MS), 0);
    assert_int_equal(redis_int(fixture->redis, "ZCARD {omnihook}:workers"), 0);
}

static void a_job_pushed_while_no_worker_runs_is_taken_by_the_next(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)worker_enqueue(fixture, "acme");
    (void)stack_start_worker(fixture->stack, NULL);
    worker_wait_state(fixture, "acme", "FINISHED", LIMIT_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(the_job_of_a_killed_worker_is_run_by_another_within_the_promise, &two_workers),
        WORKER_TEST(a_run_after_a_take_over_ends_with_a_fresh_list, &two_workers),
        WORKER_TEST(what_a_lost_lease_leaves_behind_is_found_at_once, &busy),
        WORKER_TEST(a_worker_that_was_stopped_past_its_lease_writes_nothing_and_comes_back,
                    &two_workers),
        WORKER_TEST(a_job_served_to_a_stopped_worker_that_waits_for_one_is_taken_back, &one_worker),
        WORKER_TEST(a_worker_cut_off_from_redis_drops_its_run_before_its_lease_ends,
                    &behind_a_proxy),
        WORKER_TEST(a_job_that_comes_to_a_worker_that_redis_has_forgotten_is_handed_back, &patient),
        WORKER_TEST(a_short_cut_of_the_connections_costs_no_run, &behind_a_proxy),
        WORKER_TEST(a_job_whose_pop_got_no_answer_is_found_in_the_own_list, &behind_a_proxy),
        WORKER_TEST(a_worker_without_redis_waits_and_says_so, &one_worker),
        WORKER_TEST(an_idle_worker_stops_at_once_and_leaves_no_trace, &one_worker),
        WORKER_TEST(a_run_that_ends_within_the_grace_time_is_finished, &patient),
        WORKER_TEST(what_is_not_done_within_the_grace_time_is_handed_back, &hasty),
        WORKER_TEST(a_second_signal_stops_now_and_leaves_the_job_to_its_lease, &patient),
        WORKER_TEST(each_process_under_a_supervisor_has_a_name_and_all_stop_together, &supervised),
        WORKER_TEST(a_job_pushed_while_no_worker_runs_is_taken_by_the_next, &no_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
