/* What becomes of jobs whose worker died, lost its lease or lost sight of them, and of accounts
   whose element is nowhere. */
#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/queue_desk.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char embedded_take_back_lua[];
extern const unsigned char embedded_audit_lua[];

enum { LIMIT_MS = 10000, LONG_AGO_MS = 60000 };

static int64_t total(struct queue_desk *desk, const char *name)
{
    const char *value = redis_text(queue_desk_redis(desk), "HGET {t}:totals %s", name);
    return value == NULL ? 0 : strtoll(value, NULL, 10);
}

static bool is_promoted(void *desk)
{
    return desk_promote(desk) > 0;
}

static struct job_claim run_by(struct queue_desk *desk, const char *worker)
{
    assert_int_equal(desk_register(desk, worker), ERROR_NONE);
    struct claim_answer run = desk_start(desk, worker);
    assert_true(run.is_run);
    return run.claim;
}

static struct job_claim running(struct queue_desk *desk, const char *worker)
{
    assert_int_equal(desk_enqueue(desk, "acme").code, ERROR_NONE);
    return run_by(desk, worker);
}

static void die(struct queue_desk *desk, const char *worker)
{
    desk_end_lease(desk, worker, LONG_AGO_MS);
}

/* ---- Dead workers ---- */

static void a_dead_workers_job_is_the_next_to_run(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim first = running(desk, "w1");
    (void)desk_enqueue(desk, "other");
    assert_int_equal(desk_take_back(desk), 0);
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 1);
    assert_string_equal(desk_state(desk, "acme"), "WORKING");
    assert_string_equal(desk_status(desk, "acme", "phase"), "queued");
    assert_string_equal(desk_status(desk, "acme", "worker"), "");
    struct redis_fixture *redis = queue_desk_redis(desk);
    assert_int_equal(redis_int(redis, "EXISTS {t}:workers {t}:worker:w1 {t}:processing:w1"), 0);

    struct job_claim second = run_by(desk, "w2");
    assert_string_equal(second.job, first.job);
    assert_int_equal(second.attempt, 1);
    assert_true(second.is_recovered);
    assert_int_equal(desk_finish(desk, &second, RUN_OK).end, JOB_FINISHED);
    assert_int_equal(total(desk, "recovered"), 1);

    assert_int_equal(desk_finish(desk, &first, RUN_OK).code, ERROR_LOST);
    assert_string_equal(desk_state(desk, "acme"), "FINISHED");
    assert_int_equal(total(desk, "fenced"), 1);
}

static void a_worker_is_dead_only_some_time_after_its_lease(void **state)
{
    struct queue_desk *desk = *state;
    (void)running(desk, "w1");
    desk_end_lease(desk, "w1", 1000);
    assert_int_equal(desk_take_back(desk), 0);
    desk_end_lease(desk, "w1", 3100);
    assert_int_equal(desk_take_back(desk), 1);
}

static void after_a_second_death_the_job_waits_and_after_a_third_it_fails(void **state)
{
    struct queue_desk *desk = *state;
    (void)running(desk, "w1");
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 1);
    (void)run_by(desk, "w2");
    die(desk, "w2");
    assert_int_equal(desk_take_back(desk), 1);
    assert_string_equal(desk_status(desk, "acme", "phase"), "retrying");
    assert_becomes_true(is_promoted, desk, LIMIT_MS);
    (void)run_by(desk, "w3");
    die(desk, "w3");
    assert_int_equal(desk_take_back(desk), 1);
    assert_string_equal(desk_state(desk, "acme"), "FAILED");
    assert_non_null(strstr(desk_status(desk, "acme", "error"), "3 times in a row"));
    assert_int_equal(redis_int(queue_desk_redis(desk), "LLEN {t}:dead"), 1);
    assert_int_equal(redis_int(queue_desk_redis(desk), "SCARD {t}:active"), 0);
}

static void an_ended_attempt_forgets_the_deaths_before_it(void **state)
{
    struct queue_desk *desk = *state;
    (void)running(desk, "w1");
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 1);
    struct job_claim second = run_by(desk, "w2");
    assert_int_equal(desk_finish(desk, &second, RUN_RETRY).end, JOB_RETRYING);
    assert_becomes_true(is_promoted, desk, LIMIT_MS);
    struct job_claim third = run_by(desk, "w3");
    assert_int_equal(third.attempt, 2);
    assert_false(third.is_recovered);
    die(desk, "w3");
    assert_int_equal(desk_take_back(desk), 1);
    assert_string_equal(desk_status(desk, "acme", "phase"), "queued");
}

static void a_later_job_knows_that_a_dead_workers_requests_may_be_on_their_way(void **state)
{
    struct queue_desk *desk = *state;
    (void)running(desk, "w1");
    (void)desk_abort(desk, "acme");
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 1);
    assert_string_equal(desk_state(desk, "acme"), "ABORTED");
    struct job_claim later = running(desk, "w2");
    assert_true(later.is_recovered);
    assert_int_equal(desk_finish(desk, &later, RUN_OK).end, JOB_FINISHED);
    assert_false(running(desk, "w3").is_recovered);
}

static void an_execute_after_an_abort_outlives_the_worker(void **state)
{
    struct queue_desk *desk = *state;
    (void)running(desk, "w1");
    (void)desk_abort(desk, "acme");
    struct enqueue_answer later = desk_enqueue(desk, "acme");
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 1);
    assert_string_equal(desk_state(desk, "acme"), "WORKING");
    assert_string_equal(run_by(desk, "w2").job, later.job);
    assert_int_equal(total(desk, "aborted"), 1);
}

static void a_booked_run_is_covered_by_the_run_after_a_death(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim first = running(desk, "w1");
    (void)desk_enqueue(desk, "acme");
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 1);
    struct job_claim second = run_by(desk, "w2");
    assert_string_equal(second.job, first.job);
    assert_int_equal(desk_finish(desk, &second, RUN_OK).end, JOB_FINISHED);
}

static void abort_after_a_death_ends_what_was_booked_before(void **state)
{
    struct queue_desk *desk = *state;
    (void)running(desk, "w1");
    (void)desk_enqueue(desk, "acme");
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 1);
    assert_true(desk_abort(desk, "acme"));
    assert_string_equal(desk_state(desk, "acme"), "ABORTED");
}

static void an_element_that_was_popped_but_not_claimed_goes_back_to_the_head(void **state)
{
    struct queue_desk *desk = *state;
    (void)desk_enqueue(desk, "acme");
    (void)desk_enqueue(desk, "other");
    (void)desk_register(desk, "w1");
    (void)desk_pop(desk, "w1");
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 1);
    struct job_claim run = run_by(desk, "w2");
    assert_string_equal(run.account, "acme");
    assert_false(run.is_recovered);
}

static void many_jobs_are_taken_back_in_parts_and_in_order(void **state)
{
    enum { JOBS = 150 };
    struct job_queue_options options = desk_options();
    options.queue_max = JOBS;
    struct queue_desk *desk = queue_desk_new(queue_desk_redis(*state), &options);
    char account[16];
    (void)desk_register(desk, "w1");
    for (int i = 0; i < JOBS; i++) {
        (void)snprintf(account, sizeof account, "a%03d", i);
        (void)desk_enqueue(desk, account);
        assert_true(desk_start(desk, "w1").is_run);
    }
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 100);
    /* With a part of its jobs gone it must not keep the rest. */
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_LOST);
    assert_int_equal(desk_take_back(desk), JOBS - 100);
    assert_int_equal(desk_take_back(desk), 0);
    assert_int_equal(redis_int(queue_desk_redis(desk), "EXISTS {t}:workers"), 0);
    (void)desk_register(desk, "w2");
    for (int i = 0; i < JOBS; i++) {
        (void)snprintf(account, sizeof account, "a%03d", i);
        assert_string_equal(desk_start(desk, "w2").claim.account, account);
    }
    queue_desk_free(desk);
}

static void a_lease_that_nobody_acted_on_is_prolonged(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk, "w1");
    die(desk, "w1");
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_NONE);
    assert_int_equal(desk_take_back(desk), 0);
    assert_int_equal(desk_finish(desk, &run, RUN_OK).end, JOB_FINISHED);
}

static void a_worker_that_was_taken_back_is_refused(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk, "w1");
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 1);
    char *before = desk_dump(desk, "totals");
    const struct run_counts counts = {.done = 1};
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_LOST);
    assert_int_equal(desk_progress(desk, &run, &counts, "\"webhooks\":[]"), ERROR_LOST);
    assert_int_equal(desk_finish(desk, &run, RUN_RETRY).code, ERROR_LOST);
    char *after = desk_dump(desk, "totals");
    assert_string_equal(after, before);
    assert_int_equal(total(desk, "fenced"), 2);
    mem_free(before);
    mem_free(after);
}

static void a_worker_without_a_lease_cannot_claim(void **state)
{
    struct queue_desk *desk = *state;
    (void)desk_enqueue(desk, "acme");
    assert_int_equal(desk_start(desk, "unknown").code, ERROR_LOST);
    (void)desk_register(desk, "w1");
    (void)desk_enqueue(desk, "other");
    die(desk, "w1");
    assert_int_equal(desk_start(desk, "w1").code, ERROR_LOST);
}

static void a_worker_that_stops_leaves_nothing_behind(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk, "w1");
    (void)desk_finish(desk, &run, RUN_RELEASED);
    assert_int_equal(desk_unregister(desk, "w1"), ERROR_NONE);
    struct redis_fixture *redis = queue_desk_redis(desk);
    assert_int_equal(redis_int(redis, "EXISTS {t}:workers {t}:worker:w1 {t}:processing:w1"), 0);
}

static void the_jobs_of_a_worker_that_is_known_to_be_dead_are_taken_back_at_once(void **state)
{
    struct queue_desk *desk = *state;
    (void)running(desk, "w1");
    assert_int_equal(desk_unregister(desk, "w1"), ERROR_NONE);
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_LOST);
    assert_int_equal(desk_take_back(desk), 1);
    assert_true(run_by(desk, "w2").is_recovered);
}

/* ---- Lost replies ---- */

static void an_element_whose_pop_got_no_reply_is_found_by_its_worker(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk, "w1");
    const char *known[] = {run.token};
    assert_int_equal(desk_take_back_own(desk, "w1", known, 1), 0);
    (void)desk_enqueue(desk, "lost");
    (void)desk_pop(desk, "w1");
    assert_int_equal(desk_take_back_own(desk, "w1", known, 1), 1);
    assert_string_equal(desk_start(desk, "w1").claim.account, "lost");
    assert_int_equal(desk_finish(desk, &run, RUN_OK).end, JOB_FINISHED);
}

static void a_record_that_was_spoilt_keeps_nothing_else_from_its_worker(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk, "w1");
    const char *known[] = {run.token};
    (void)desk_enqueue(desk, "lost");
    (void)desk_pop(desk, "w1");
    redis_do(queue_desk_redis(desk), "DEL {t}:ctl:acme");
    redis_do(queue_desk_redis(desk), "SET {t}:ctl:acme spoilt");
    assert_int_equal(desk_take_back_own(desk, "w1", known, 1), 1);
    assert_string_equal(desk_start(desk, "w1").claim.account, "lost");
}

static void a_list_that_was_spoilt_keeps_no_other_worker_s_jobs(void **state)
{
    struct queue_desk *desk = *state;
    (void)running(desk, "w1");
    (void)desk_enqueue(desk, "beta");
    (void)run_by(desk, "w2");
    redis_do(queue_desk_redis(desk), "DEL {t}:processing:w1");
    redis_do(queue_desk_redis(desk), "SET {t}:processing:w1 spoilt");
    die(desk, "w1");
    die(desk, "w2");
    assert_int_equal(desk_take_back(desk), 1);
    assert_string_equal(desk_status(desk, "beta", "phase"), "queued");
}

static void a_run_that_its_worker_does_not_know_of_is_no_death(void **state)
{
    struct queue_desk *desk = *state;
    for (int i = 0; i < 4; i++) {
        (void)running(desk, "w1");
        assert_int_equal(desk_take_back_own(desk, "w1", NULL, 0), 1);
        assert_string_equal(desk_status(desk, "acme", "phase"), "queued");
    }
    assert_true(desk_start(desk, "w1").claim.is_recovered);
}

/* ---- The audit ---- */

static bool is_mended(void *desk)
{
    return desk_audit(desk) > 0;
}

/* What is wrong must be seen twice, a lease apart: here 1 ms. */
static struct queue_desk *impatient(struct queue_desk *desk)
{
    struct job_queue_options options = desk_options();
    options.lease_ms = 1;
    return queue_desk_new(queue_desk_redis(desk), &options);
}

static void the_audit_leaves_alone_what_is_in_its_place(void **state)
{
    struct queue_desk *desk = *state;
    struct queue_desk *auditor = impatient(desk);
    (void)running(desk, "w1");
    (void)desk_enqueue(desk, "popped");
    (void)desk_pop(desk, "w1");
    (void)desk_enqueue(desk, "waits");
    char *before = desk_dump(desk, "audit");
    for (int i = 0; i < 10; i++) {
        assert_int_equal(desk_audit(auditor), 0);
        wait_a_little();
    }
    char *after = desk_dump(desk, "audit");
    assert_string_equal(after, before);
    assert_int_equal(redis_int(queue_desk_redis(desk), "HLEN {t}:audit"), 2);
    mem_free(before);
    mem_free(after);
    queue_desk_free(auditor);
}

static void the_audit_puts_an_element_back_that_is_nowhere(void **state)
{
    struct queue_desk *desk = *state;
    struct queue_desk *auditor = impatient(desk);
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct enqueue_answer asked = desk_enqueue(desk, "acme");
    redis_do(redis, "DEL {t}:queue");
    assert_becomes_true(is_mended, auditor, LIMIT_MS);
    struct job_claim run = run_by(desk, "w1");
    assert_string_equal(run.job, asked.job);

    redis_do(redis, "DEL {t}:processing:w1");
    assert_becomes_true(is_mended, auditor, LIMIT_MS);
    /* Its worker lives: the run goes on, and will be seen in its list should the worker die. */
    assert_int_equal(redis_int(redis, "LLEN {t}:processing:w1"), 1);
    assert_int_equal(desk_finish(desk, &run, RUN_RETRY).end, JOB_RETRYING);
    assert_int_equal(redis_int(redis, "EXISTS {t}:processing:w1"), 0);
    redis_do(redis, "DEL {t}:delayed");
    assert_becomes_true(is_mended, auditor, LIMIT_MS);
    run = run_by(desk, "w1");
    assert_int_equal(run.attempt, 2);
    assert_int_equal(desk_finish(desk, &run, RUN_OK).end, JOB_FINISHED);
    assert_int_equal(total(desk, "recovered"), 3);
    queue_desk_free(auditor);
}

static void the_audit_needs_to_see_the_same_trouble_twice(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct job_claim run = running(desk, "w1");
    redis_do(redis, "DEL {t}:processing:w1");
    assert_int_equal(desk_audit(desk), 0);
    assert_int_equal(desk_audit(desk), 0);
    const struct run_counts counts = {.done = 1};
    assert_int_equal(desk_progress(desk, &run, &counts, NULL), ERROR_NONE);
    redis_do(redis, "HSET {t}:audit account:acme %s", "2 0");
    assert_int_equal(desk_audit(desk), 0);
    redis_do(redis, "HSET {t}:audit account:acme %s", "3 0");
    assert_int_equal(desk_audit(desk), 1);
}

static void the_audit_begins_a_job_anew_whose_record_was_deleted(void **state)
{
    struct queue_desk *desk = *state;
    struct queue_desk *auditor = impatient(desk);
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct enqueue_answer asked = desk_enqueue(desk, "acme");
    redis_do(redis, "DEL {t}:ctl:acme");
    (void)desk_register(desk, "w1");
    assert_false(desk_start(desk, "w1").is_run);
    assert_int_equal(redis_int(redis, "EXISTS {t}:dead"), 0);
    assert_becomes_true(is_mended, auditor, LIMIT_MS);
    struct claim_answer again = desk_start(desk, "w1");
    assert_true(again.is_run);
    assert_true(again.claim.is_recovered);
    assert_string_equal(again.claim.job, asked.job);
    assert_int_equal(desk_finish(desk, &again.claim, RUN_OK).end, JOB_FINISHED);
    queue_desk_free(auditor);
}

static void the_audit_empties_the_list_of_a_worker_that_is_not_registered(void **state)
{
    struct queue_desk *desk = *state;
    struct queue_desk *auditor = impatient(desk);
    struct redis_fixture *redis = queue_desk_redis(desk);
    (void)running(desk, "w1");
    (void)desk_enqueue(desk, "popped");
    (void)desk_pop(desk, "stranger");
    redis_do(redis, "DEL {t}:workers");
    while (redis_int(redis, "EXISTS {t}:processing:w1 {t}:processing:stranger") > 0) {
        (void)desk_audit(auditor);
    }
    (void)desk_audit(auditor);
    assert_int_equal(redis_int(redis, "HLEN {t}:audit"), 2);
    assert_int_equal(redis_int(redis, "LLEN {t}:queue"), 2);
    (void)desk_register(desk, "w2");
    assert_true(desk_start(desk, "w2").is_run);
    assert_true(desk_start(desk, "w2").is_run);
    queue_desk_free(auditor);
}

/* An audit that searches through so many elements. */
struct short_audit {
    struct redis_fixture *redis;
    char *script;
    int search_max;
};

static bool short_audit_mends(void *arg)
{
    const struct short_audit *audit = arg;
    return redis_int(audit->redis, "EVAL %s 1 {t}: 100 %d 100 1 86400 3600000 10 3", audit->script,
                     audit->search_max) == 1;
}

/* As if each had been pushed a minute earlier, number ms after the first. */
static void backdate(struct queue_desk *desk, const char *account, int number)
{
    struct redis_fixture *redis = queue_desk_redis(desk);
    int64_t queued_ms = redis_int(redis, "HGET {t}:ctl:%s enqueued_ms", account);
    redis_do(redis, "HSET {t}:ctl:%s queued_ms %" PRId64, account, queued_ms - 60000 + number);
}

/* What the first account takes leaves nothing to search for the others. */
static void beyond_what_is_searched_the_audit_goes_by_the_order(void **state)
{
    static const char *const accounts[] = {"first", "a1", "a2", "a3"};
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    for (int i = 0; i < 4; i++) {
        (void)desk_enqueue(desk, accounts[i]);
        backdate(desk, accounts[i], i);
    }
    backdate(desk, "first", 4);
    redis_do(redis, "LMOVE {t}:queue {t}:queue RIGHT LEFT");
    char *element = mem_copy_text(redis_text(redis, "LINDEX {t}:queue -1"));
    redis_do(redis, "LREM {t}:queue 1 %s", element); /* that of a1 */
    struct short_audit audit = {redis, desk_script((const char *)embedded_audit_lua), 3};
    assert_becomes_true(short_audit_mends, &audit, LIMIT_MS);
    assert_string_equal(redis_text(redis, "LINDEX {t}:queue -1"), element);
    mem_free(audit.script);
    mem_free(element);
}

static void in_a_queue_too_long_to_search_the_audit_goes_by_the_order(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    for (int i = 0; i < 4; i++) {
        char account[16];
        (void)snprintf(account, sizeof account, "a%d", i);
        (void)desk_enqueue(desk, account);
        backdate(desk, account, i);
    }
    char *element = mem_copy_text(redis_text(redis, "LINDEX {t}:queue -2"));
    redis_do(redis, "LREM {t}:queue 1 %s", element); /* that of a1 */
    struct short_audit audit = {redis, desk_script((const char *)embedded_audit_lua), 2};
    for (int i = 0; i < 10; i++) {
        assert_false(short_audit_mends(&audit));
        wait_a_little();
    }
    /* Now a1 would have been next. */
    (void)desk_register(desk, "w1");
    assert_string_equal(desk_start(desk, "w1").claim.account, "a0");
    for (int i = 0; i < 2; i++) {
        (void)desk_enqueue(desk, i == 0 ? "b0" : "b1");
    }
    assert_becomes_true(short_audit_mends, &audit, LIMIT_MS);
    assert_string_equal(redis_text(redis, "LINDEX {t}:queue -1"), element);
    assert_string_equal(desk_start(desk, "w1").claim.account, "a1");
    mem_free(audit.script);
    mem_free(element);
}

/* ---- Redis's clock ---- */

static void a_clock_that_was_set_back_begins_all_leases_anew(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    (void)running(desk, "w1");
    die(desk, "w1");
    redis_do(redis, "SET {t}:clock 99999999999999");
    assert_int_equal(desk_take_back(desk), 0);
    assert_int_equal(total(desk, "clock_jumps"), 1);
    assert_int_equal(desk_take_back(desk), 0);
    die(desk, "w1");
    assert_int_equal(desk_take_back(desk), 1);
    assert_int_equal(total(desk, "clock_jumps"), 1);
}

static void a_clock_that_was_set_forward_begins_all_leases_anew(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    (void)running(desk, "w1");
    die(desk, "w1");
    char *script = desk_script((const char *)embedded_take_back_lua);
    const char *now = redis_list(redis, "TIME")->items[0];
    char an_hour_ago[24];
    (void)snprintf(an_hour_ago, sizeof an_hour_ago, "%lld000", strtoll(now, NULL, 10) - 3600);
    const struct redis_list *answer =
        redis_list(redis, "EVAL %s 1 {t}: 15000 3000 %s 100 86400 3600000 10", script, an_hour_ago);
    assert_int_equal(strtoll(answer->items[0], NULL, 10), 0);
    assert_in_range(strtoll(answer->items[2], NULL, 10), 3590000, 3610000);
    assert_int_equal(desk_take_back(desk), 0);
    mem_free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_dead_workers_job_is_the_next_to_run),
        DESK_TEST(a_worker_is_dead_only_some_time_after_its_lease),
        DESK_TEST(after_a_second_death_the_job_waits_and_after_a_third_it_fails),
        DESK_TEST(an_ended_attempt_forgets_the_deaths_before_it),
        DESK_TEST(a_later_job_knows_that_a_dead_workers_requests_may_be_on_their_way),
        DESK_TEST(an_execute_after_an_abort_outlives_the_worker),
        DESK_TEST(a_booked_run_is_covered_by_the_run_after_a_death),
        DESK_TEST(abort_after_a_death_ends_what_was_booked_before),
        DESK_TEST(an_element_that_was_popped_but_not_claimed_goes_back_to_the_head),
        DESK_TEST(many_jobs_are_taken_back_in_parts_and_in_order),
        DESK_TEST(a_lease_that_nobody_acted_on_is_prolonged),
        DESK_TEST(a_worker_that_was_taken_back_is_refused),
        DESK_TEST(a_worker_without_a_lease_cannot_claim),
        DESK_TEST(a_worker_that_stops_leaves_nothing_behind),
        DESK_TEST(the_jobs_of_a_worker_that_is_known_to_be_dead_are_taken_back_at_once),
        DESK_TEST(an_element_whose_pop_got_no_reply_is_found_by_its_worker),
        DESK_TEST(a_record_that_was_spoilt_keeps_nothing_else_from_its_worker),
        DESK_TEST(a_list_that_was_spoilt_keeps_no_other_worker_s_jobs),
        DESK_TEST(a_run_that_its_worker_does_not_know_of_is_no_death),
        DESK_TEST(the_audit_leaves_alone_what_is_in_its_place),
        DESK_TEST(the_audit_puts_an_element_back_that_is_nowhere),
        DESK_TEST(the_audit_needs_to_see_the_same_trouble_twice),
        DESK_TEST(the_audit_begins_a_job_anew_whose_record_was_deleted),
        DESK_TEST(the_audit_empties_the_list_of_a_worker_that_is_not_registered),
        DESK_TEST(beyond_what_is_searched_the_audit_goes_by_the_order),
        DESK_TEST(in_a_queue_too_long_to_search_the_audit_goes_by_the_order),
        DESK_TEST(a_clock_that_was_set_back_begins_all_leases_anew),
        DESK_TEST(a_clock_that_was_set_forward_begins_all_leases_anew),
    };
    int failed = cmocka_run_group_tests_name("recovery", tests, queue_desk_group_setup,
                                             queue_desk_group_teardown);
    /* All keys of a namespace share one slot: the same on a cluster. */
    failed += cmocka_run_group_tests_name(
        "recovery on a cluster", tests, queue_desk_group_setup_cluster, queue_desk_group_teardown);
    return failed;
}
