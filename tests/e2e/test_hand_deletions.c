/* What an operator may delete by hand, and what happens then: each test is a row of the table in
   docs/queue.md. Workers are real; only the audit is called from here, since the workers' own comes
   once a minute, and must see the same trouble twice. */
#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"
#include "tests/support/worker_fixture.h"

#include <stdlib.h>
#include <string.h>

#define WEBHOOKS "[{\"event_type\":\"package.created\",\"target_url\":\"https://e.example/a\"}]"
#define ONE_POST_HANGS                                                                             \
    "{\"name\":\"hang\",\"method\":\"POST\",\"path\":\"/whisperer/hooks/\",\"times\":1,"           \
    "\"action\":{\"hang\":true}}"

enum { LIMIT_MS = 20000 };

static const char *const env[] = {"OMNIHOOK_LEASE_MS=1000", NULL};
/* For tests in which no lease may be lost, however busy the machine is. */
static const char *const calm_env[] = {"OMNIHOOK_LEASE_MS=6000", NULL};

static const struct stack_account accounts[] = {
    {.name = "acme", .webhooks = WEBHOOKS},
    {.name = "beta", .webhooks = WEBHOOKS},
    {.name = "gamma", .webhooks = WEBHOOKS},
};
static struct stack_options one_worker = {
    .accounts = accounts, .account_count = 3, .worker_count = 1, .env = env};
static struct stack_options calm_worker = {
    .accounts = accounts, .account_count = 3, .worker_count = 1, .env = calm_env};
static struct stack_options no_worker = {.accounts = accounts, .account_count = 3, .env = env};

/* ---- What the tests share ---- */

static bool is_mended(void *auditor)
{
    return desk_audit(auditor) > 0;
}

/* As a worker's audit would, after some minutes. */
static void audit_until_mended(struct worker_fixture *fixture)
{
    struct job_queue_options options = desk_options();
    options.namespace_name = "omnihook";
    options.lease_ms = 1; /* between the two looks */
    struct queue_desk *auditor = queue_desk_new(fixture->redis, &options);
    assert_becomes_true(is_mended, auditor, LIMIT_MS);
    queue_desk_free(auditor);
}

static void start_worker(struct worker_fixture *fixture)
{
    (void)stack_start_worker(fixture->stack, NULL);
}

static bool one_is_in_flight(void *fixture)
{
    return sim_counter(((struct worker_fixture *)fixture)->sim, "in_flight") == 1;
}

/* A run of acme whose POST hangs; the worker's name is borrowed for a while. */
static const char *start_hanging_run(struct worker_fixture *fixture)
{
    sim_fault(fixture->sim, ONE_POST_HANGS);
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(one_is_in_flight, fixture, LIMIT_MS);
    return worker_status_field(fixture, "acme", "worker");
}

static void assert_finished_once(struct worker_fixture *fixture, const char *account)
{
    worker_wait_state(fixture, account, "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(fixture->sim, account), 1);
    assert_int_equal(redis_int(fixture->redis, "EXISTS {omnihook}:queue {omnihook}:delayed "
                                               "{omnihook}:active {omnihook}:dead"),
                     0);
}

/* ---- What only tells ---- */

static bool one_is_dead(void *fixture)
{
    return redis_int(((struct worker_fixture *)fixture)->redis, "LLEN {omnihook}:dead") == 1;
}

static void without_dead_history_and_totals_only_what_they_tell_is_gone(void **state)
{
    struct worker_fixture *fixture = *state;
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    redis_do(fixture->redis, "LPUSH {omnihook}:queue junk");
    assert_becomes_true(one_is_dead, fixture, LIMIT_MS);
    redis_do(fixture->redis, "DEL {omnihook}:dead {omnihook}:history:acme {omnihook}:totals");
    assert_string_equal(desk_state(fixture->desk, "acme"), "FINISHED");
    assert_int_equal(worker_report_number(fixture, "acme", "total"), 1);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(redis_int(fixture->redis, "HGET {omnihook}:totals finished"), 1);
}

static void without_its_report_a_run_writes_it_again(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)start_hanging_run(fixture);
    redis_do(fixture->redis, "DEL {omnihook}:report:acme");
    redis_do(fixture->redis, "DEL {omnihook}:workers"); /* ends the hanging run */
    assert_finished_once(fixture, "acme");
    assert_report_outcome(fixture, "acme", 0, "created");
}

static bool worker_is_described(void *fixture)
{
    return redis_text(((struct worker_fixture *)fixture)->redis, "EVAL %s 0",
                      "return redis.call('KEYS', '{omnihook}:worker:*')[1]") != NULL;
}

static void a_workers_description_comes_back_with_its_next_beat(void **state)
{
    struct worker_fixture *fixture = *state;
    redis_do(fixture->redis, "EVAL %s 0",
             "return redis.call('DEL', redis.call('KEYS', '{omnihook}:worker:*')[1])");
    assert_becomes_true(worker_is_described, fixture, LIMIT_MS);
    worker_run(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_false(process_has_line(stack_worker(fixture->stack, 0), PROCESS_STDERR, "lease_lost"));
}

static bool housekeeping_is_back(void *fixture)
{
    return redis_int(((struct worker_fixture *)fixture)->redis,
                     "EXISTS {omnihook}:watch {omnihook}:looked {omnihook}:clock") == 3;
}

static void without_the_housekeepings_notes_a_run_goes_on(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_set(fixture->sim, "{\"latency_ms\":1500}");
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(one_is_in_flight, fixture, LIMIT_MS);
    redis_do(fixture->redis, "DEL {omnihook}:watch {omnihook}:looked {omnihook}:clock "
                             "{omnihook}:audit");
    worker_wait_state(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(redis_int(fixture->redis, "HEXISTS {omnihook}:totals recovered"), 0);
    assert_becomes_true(housekeeping_is_back, fixture, LIMIT_MS);
}

/* ---- Jobs that wait ---- */

static void an_element_taken_out_of_the_queue_is_put_back_by_the_audit(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)worker_enqueue(fixture, "acme");
    redis_do(fixture->redis, "RPOP {omnihook}:queue");
    assert_string_equal(desk_state(fixture->desk, "acme"), "WORKING");
    audit_until_mended(fixture);
    start_worker(fixture);
    assert_finished_once(fixture, "acme");
}

static void a_deleted_queue_is_filled_again_by_the_audit(void **state)
{
    struct worker_fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++) {
        (void)worker_enqueue(fixture, accounts[i].name);
    }
    redis_do(fixture->redis, "DEL {omnihook}:queue");
    audit_until_mended(fixture);
    start_worker(fixture);
    for (size_t i = 0; i < 3; i++) {
        worker_wait_state(fixture, accounts[i].name, "FINISHED", LIMIT_MS);
    }
}

static void what_a_trim_of_the_queue_cut_off_is_put_back_by_the_audit(void **state)
{
    struct worker_fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++) {
        (void)worker_enqueue(fixture, accounts[i].name);
    }
    redis_do(fixture->redis, "LTRIM {omnihook}:queue 0 0");
    audit_until_mended(fixture);
    start_worker(fixture);
    for (size_t i = 0; i < 3; i++) {
        worker_wait_state(fixture, accounts[i].name, "FINISHED", LIMIT_MS);
    }
}

static void a_job_taken_out_of_delayed_is_started_by_the_audit(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)desk_register(fixture->desk, "w1");
    (void)worker_enqueue(fixture, "acme");
    struct claim_answer run = desk_start(fixture->desk, "w1");
    const struct run_result parked = {
        .outcome = RUN_PARKED, .delay_ms = 3000000, .error = "asked to wait"};
    assert_int_equal(desk_finish_with(fixture->desk, &run.claim, &parked).end, JOB_RETRYING);
    redis_do(fixture->redis, "DEL {omnihook}:delayed");
    audit_until_mended(fixture);
    start_worker(fixture);
    assert_finished_once(fixture, "acme");
}

/* ---- Jobs that run ---- */

static void a_run_whose_element_was_deleted_ends_as_always(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_set(fixture->sim, "{\"latency_ms\":500}");
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(one_is_in_flight, fixture, LIMIT_MS);
    redis_do(fixture->redis, "DEL {omnihook}:processing:%s",
             worker_status_field(fixture, "acme", "worker"));
    assert_finished_once(fixture, "acme");
    assert_int_equal(redis_int(fixture->redis, "HEXISTS {omnihook}:totals recovered"), 0);
}

static void a_run_that_stands_still_gets_its_element_back_from_the_audit(void **state)
{
    struct worker_fixture *fixture = *state;
    const char *worker = start_hanging_run(fixture);
    redis_do(fixture->redis, "DEL {omnihook}:processing:%s", worker);
    audit_until_mended(fixture);
    assert_int_equal(redis_int(fixture->redis, "LLEN {omnihook}:processing:%s", worker), 1);
    /* So the job is not lost with its worker. */
    process_kill(stack_worker(fixture->stack, 0));
    start_worker(fixture);
    assert_finished_once(fixture, "acme");
}

static void the_job_in_a_deleted_list_of_a_dead_worker_is_put_back_by_the_audit(void **state)
{
    struct worker_fixture *fixture = *state;
    const char *worker = start_hanging_run(fixture);
    process_kill(stack_worker(fixture->stack, 0));
    redis_do(fixture->redis, "DEL {omnihook}:processing:%s {omnihook}:workers", worker);
    audit_until_mended(fixture);
    start_worker(fixture);
    assert_finished_once(fixture, "acme");
}

static void the_list_of_a_dead_worker_that_is_not_registered_is_emptied_by_the_audit(void **state)
{
    struct worker_fixture *fixture = *state;
    const char *worker = start_hanging_run(fixture);
    process_kill(stack_worker(fixture->stack, 0));
    redis_do(fixture->redis, "ZREM {omnihook}:workers %s", worker);
    audit_until_mended(fixture);
    assert_int_equal(redis_int(fixture->redis, "EXISTS {omnihook}:processing:%s", worker), 0);
    start_worker(fixture);
    assert_finished_once(fixture, "acme");
}

static void
a_worker_that_is_not_registered_any_more_comes_back_and_hands_its_jobs_back(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)start_hanging_run(fixture);
    struct process *worker = stack_worker(fixture->stack, 0);
    process_skip_output(worker);
    redis_do(fixture->redis, "DEL {omnihook}:workers");
    (void)process_wait_line(worker, PROCESS_STDERR, "event=lease_lost ", LIMIT_MS);
    assert_finished_once(fixture, "acme");
    assert_int_equal(worker_report_number(fixture, "acme", "attempt"), 1);
}

/* ---- Accounts ---- */

static bool has_a_status(void *fixture)
{
    return strcmp(desk_state(((struct worker_fixture *)fixture)->desk, "acme"), "READY") != 0;
}

static void without_its_status_an_account_reads_ready_until_its_job_writes_it(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)worker_enqueue(fixture, "acme");
    redis_do(fixture->redis, "DEL {omnihook}:status:acme");
    assert_string_equal(desk_state(fixture->desk, "acme"), "READY");
    assert_int_equal(worker_enqueue(fixture, "acme"), ENQUEUE_COALESCED);
    start_worker(fixture);
    assert_becomes_true(has_a_status, fixture, LIMIT_MS);
    assert_finished_once(fixture, "acme");
}

static void without_its_record_a_waiting_job_is_begun_anew_by_the_audit(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)worker_enqueue(fixture, "acme");
    redis_do(fixture->redis, "DEL {omnihook}:ctl:acme");
    start_worker(fixture);
    audit_until_mended(fixture);
    assert_finished_once(fixture, "acme");
}

static void without_its_record_a_run_is_refused_and_begun_anew_by_the_audit(void **state)
{
    struct worker_fixture *fixture = *state;
    sim_set(fixture->sim, "{\"latency_ms\":500}");
    (void)worker_enqueue(fixture, "acme");
    assert_becomes_true(one_is_in_flight, fixture, LIMIT_MS);
    redis_do(fixture->redis, "DEL {omnihook}:ctl:acme");
    (void)process_wait_line(stack_worker(fixture->stack, 0), PROCESS_STDERR, "event=run_fenced ",
                            LIMIT_MS);
    audit_until_mended(fixture);
    assert_finished_once(fixture, "acme");
}

static void without_its_record_an_account_can_be_executed_at_once(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)worker_enqueue(fixture, "acme");
    redis_do(fixture->redis, "DEL {omnihook}:ctl:acme");
    assert_int_equal(worker_enqueue(fixture, "acme"), ENQUEUE_NEW);
    start_worker(fixture);
    worker_wait_state(fixture, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(fixture->sim, "acme"), 1);
    assert_int_equal(redis_int(fixture->redis, "EXISTS {omnihook}:queue {omnihook}:active"), 0);
    assert_non_null(strstr(redis_text(fixture->redis, "LINDEX {omnihook}:dead 0"), "no such job"));
}

static void accounts_taken_out_of_active_are_run_and_put_back_by_execute(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)worker_enqueue(fixture, "acme");
    (void)worker_enqueue(fixture, "beta");
    redis_do(fixture->redis, "DEL {omnihook}:active");
    assert_int_equal(worker_enqueue(fixture, "acme"), ENQUEUE_COALESCED);
    assert_int_equal(redis_int(fixture->redis, "SISMEMBER {omnihook}:active acme"), 1);
    start_worker(fixture);
    worker_wait_state(fixture, "beta", "FINISHED", LIMIT_MS);
    assert_finished_once(fixture, "acme");
}

static void an_abort_that_was_taken_out_of_aborting_still_ends_the_job(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)desk_register(fixture->desk, "w1");
    (void)worker_enqueue(fixture, "acme");
    struct claim_answer run = desk_start(fixture->desk, "w1");
    assert_true(run.is_run);
    assert_true(desk_abort(fixture->desk, "acme"));
    redis_do(fixture->redis, "DEL {omnihook}:aborting");
    assert_int_equal(desk_finish(fixture->desk, &run.claim, RUN_RETRY).end, JOB_ABORTED);
    assert_int_equal(desk_unregister(fixture->desk, "w1"), ERROR_NONE);
}

static bool worker_is_registered(void *fixture)
{
    return redis_int(((struct worker_fixture *)fixture)->redis, "ZCARD {omnihook}:workers") == 1;
}

static void after_flushdb_all_is_ready_and_execute_works(void **state)
{
    struct worker_fixture *fixture = *state;
    (void)start_hanging_run(fixture);
    redis_do(fixture->redis, "FLUSHDB");
    assert_string_equal(desk_state(fixture->desk, "acme"), "READY");
    assert_becomes_true(worker_is_registered, fixture, LIMIT_MS);
    (void)worker_enqueue(fixture, "acme");
    assert_finished_once(fixture, "acme");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(without_dead_history_and_totals_only_what_they_tell_is_gone, &one_worker),
        WORKER_TEST(without_its_report_a_run_writes_it_again, &one_worker),
        WORKER_TEST(a_workers_description_comes_back_with_its_next_beat, &calm_worker),
        WORKER_TEST(without_the_housekeepings_notes_a_run_goes_on, &calm_worker),
        WORKER_TEST(an_element_taken_out_of_the_queue_is_put_back_by_the_audit, &no_worker),
        WORKER_TEST(a_deleted_queue_is_filled_again_by_the_audit, &no_worker),
        WORKER_TEST(what_a_trim_of_the_queue_cut_off_is_put_back_by_the_audit, &no_worker),
        WORKER_TEST(a_job_taken_out_of_delayed_is_started_by_the_audit, &no_worker),
        WORKER_TEST(a_run_whose_element_was_deleted_ends_as_always, &calm_worker),
        WORKER_TEST(a_run_that_stands_still_gets_its_element_back_from_the_audit, &one_worker),
        WORKER_TEST(the_job_in_a_deleted_list_of_a_dead_worker_is_put_back_by_the_audit,
                    &one_worker),
        WORKER_TEST(the_list_of_a_dead_worker_that_is_not_registered_is_emptied_by_the_audit,
                    &one_worker),
        WORKER_TEST(a_worker_that_is_not_registered_any_more_comes_back_and_hands_its_jobs_back,
                    &one_worker),
        WORKER_TEST(without_its_status_an_account_reads_ready_until_its_job_writes_it, &no_worker),
        WORKER_TEST(without_its_record_a_waiting_job_is_begun_anew_by_the_audit, &no_worker),
        WORKER_TEST(without_its_record_a_run_is_refused_and_begun_anew_by_the_audit, &one_worker),
        WORKER_TEST(without_its_record_an_account_can_be_executed_at_once, &no_worker),
        WORKER_TEST(accounts_taken_out_of_active_are_run_and_put_back_by_execute, &no_worker),
        WORKER_TEST(an_abort_that_was_taken_out_of_aborting_still_ends_the_job, &no_worker),
        WORKER_TEST(after_flushdb_all_is_ready_and_execute_works, &one_worker),
    };
    return cmocka_run_group_tests_name("hand_deletions", tests, NULL, NULL);
}
