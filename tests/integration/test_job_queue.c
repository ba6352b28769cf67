/* The job machine's steps against a real Redis: what execute, a worker and abort do to a job. */
#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/loop_until.h"
#include "tests/support/queue_desk.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 10000 };

static int64_t total(struct queue_desk *desk, const char *name)
{
    const char *value = redis_text(queue_desk_redis(desk), "HGET {t}:totals %s", name);
    return value == NULL ? 0 : strtoll(value, NULL, 10);
}

static bool is_promoted(void *desk)
{
    return desk_promote(desk) > 0;
}

/* A worker w1 that runs acme's job. */
static struct job_claim running(struct queue_desk *desk)
{
    assert_int_equal(desk_enqueue(desk, "acme").code, ERROR_NONE);
    assert_int_equal(desk_register(desk, "w1"), ERROR_NONE);
    struct claim_answer run = desk_start(desk, "w1");
    assert_true(run.is_run);
    return run.claim;
}

static struct job_claim run_next(struct queue_desk *desk)
{
    struct claim_answer run = desk_start(desk, "w1");
    assert_true(run.is_run);
    return run.claim;
}

/* ---- A job's life ---- */

static void a_job_goes_from_ready_to_finished(void **state)
{
    struct queue_desk *desk = *state;
    assert_string_equal(desk_state(desk, "acme"), "READY");
    struct enqueue_answer asked = desk_enqueue(desk, "acme");
    assert_int_equal(asked.code, ERROR_NONE);
    assert_int_equal(asked.result, ENQUEUE_NEW);
    assert_string_equal(desk_state(desk, "acme"), "WORKING");
    assert_string_equal(desk_status(desk, "acme", "phase"), "queued");

    assert_int_equal(desk_register(desk, "w1"), ERROR_NONE);
    struct claim_answer run = desk_start(desk, "w1");
    assert_int_equal(run.code, ERROR_NONE);
    assert_true(run.is_run);
    assert_string_equal(run.claim.account, "acme");
    assert_string_equal(run.claim.job, asked.job);
    assert_int_equal(run.claim.attempt, 1);
    assert_false(run.claim.is_recovered);
    assert_in_range(run.claim.age_ms, 0, LIMIT_MS);
    assert_string_equal(desk_status(desk, "acme", "phase"), "running");
    assert_string_equal(desk_status(desk, "acme", "worker"), "w1");

    const struct run_counts counts = {.done = 1, .total = 2, .created = 1};
    assert_int_equal(desk_progress(desk, &run.claim, &counts, NULL), ERROR_NONE);
    assert_string_equal(desk_status(desk, "acme", "done"), "1");

    struct finish_answer end = desk_finish(desk, &run.claim, RUN_OK);
    assert_int_equal(end.code, ERROR_NONE);
    assert_int_equal(end.end, JOB_FINISHED);
    assert_string_equal(desk_state(desk, "acme"), "FINISHED");
    assert_string_equal(desk_status(desk, "acme", "phase"), "");
    struct redis_fixture *redis = queue_desk_redis(desk);
    assert_int_equal(redis_int(redis, "EXISTS {t}:queue {t}:processing:w1 {t}:active"), 0);
    assert_int_equal(total(desk, "enqueued"), 1);
    assert_int_equal(total(desk, "finished"), 1);
}

static void a_new_jobs_status_has_every_field(void **state)
{
    struct queue_desk *desk = *state;
    static const char *const expected[][2] = {
        {"state", "WORKING"}, {"phase", "queued"}, {"attempt", "0"},    {"worker", ""},
        {"done", "0"},        {"total", "0"},      {"created", "0"},    {"reactivated", "0"},
        {"updated", "0"},     {"already", "0"},    {"drifted", "0"},    {"failed", "0"},
        {"error", ""},        {"started_at", ""},  {"finished_at", ""}, {"next_attempt_at", ""},
        {"rev", "1"},
    };
    struct enqueue_answer asked = desk_enqueue(desk, "acme");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_string_equal(desk_status(desk, "acme", expected[i][0]), expected[i][1]);
    }
    assert_string_equal(desk_status(desk, "acme", "job"), asked.job);
    struct redis_fixture *redis = queue_desk_redis(desk);
    assert_int_equal(redis_int(redis, "HLEN {t}:status:acme"), 19);
    assert_int_equal(redis_int(redis, "SISMEMBER {t}:active acme"), 1);

    json_t *element = json_loads(redis_text(redis, "LINDEX {t}:queue 0"), 0, NULL);
    assert_int_equal(json_object_size(element), 4);
    assert_string_equal(json_string_value(json_object_get(element, "id")), asked.job);
    assert_string_equal(json_string_value(json_object_get(element, "account")), "acme");
    assert_string_equal(json_string_value(json_object_get(element, "action")), "execute");
    assert_string_equal(json_string_value(json_object_get(element, "enqueued_at")),
                        desk_status(desk, "acme", "enqueued_at"));
    json_decref(element);
}

static void times_are_iso_8601_in_utc_on_every_kind_of_day(void **state)
{
    struct queue_desk *desk = *state;
    static const struct {
        const char *ms;
        const char *text;
    } days[] = {
        {"0", "1970-01-01T00:00:00.000Z"},
        {"951782400001", "2000-02-29T00:00:00.001Z"},
        {"1709251199999", "2024-02-29T23:59:59.999Z"},
        {"1735689599050", "2024-12-31T23:59:59.050Z"},
        {"1740787200000", "2025-03-01T00:00:00.000Z"},
        {"4107542400000", "2100-03-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        char *script = desk_script("return iso(tonumber(ARGV[1]))");
        assert_string_equal(
            redis_text(queue_desk_redis(desk), "EVAL %s 1 {t}: %s", script, days[i].ms),
            days[i].text);
        mem_free(script);
    }
}

static void jobs_are_run_in_the_order_in_which_they_came(void **state)
{
    struct queue_desk *desk = *state;
    (void)desk_enqueue(desk, "first");
    (void)desk_enqueue(desk, "second");
    (void)desk_register(desk, "w1");
    assert_string_equal(run_next(desk).account, "first");
    assert_string_equal(run_next(desk).account, "second");
    assert_false(desk_start(desk, "w1").is_run);
}

static void execute_while_the_job_waits_changes_nothing(void **state)
{
    struct queue_desk *desk = *state;
    struct enqueue_answer first = desk_enqueue(desk, "acme");
    char *before = desk_dump(desk, "totals");
    struct enqueue_answer second = desk_enqueue(desk, "acme");
    char *after = desk_dump(desk, "totals");
    assert_string_equal(after, before);
    assert_int_equal(second.result, ENQUEUE_COALESCED);
    assert_string_equal(second.job, first.job);
    assert_int_equal(total(desk, "coalesced"), 1);
    mem_free(before);
    mem_free(after);
}

static void execute_while_the_job_runs_books_exactly_one_more_run(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim first = running(desk);
    struct enqueue_answer booked = desk_enqueue(desk, "acme");
    assert_int_equal(booked.result, ENQUEUE_RERUN);
    assert_string_not_equal(booked.job, first.job);
    struct enqueue_answer again = desk_enqueue(desk, "acme");
    assert_int_equal(again.result, ENQUEUE_RERUN);
    assert_string_equal(again.job, booked.job);

    assert_int_equal(desk_finish(desk, &first, RUN_OK).end, JOB_REQUEUED);
    assert_string_equal(desk_state(desk, "acme"), "WORKING");
    struct job_claim second = run_next(desk);
    assert_string_equal(second.job, booked.job);
    assert_int_equal(desk_finish(desk, &second, RUN_OK).end, JOB_FINISHED);
    assert_false(desk_start(desk, "w1").is_run);
    assert_int_equal(total(desk, "reruns"), 1);
    assert_int_equal(total(desk, "finished"), 2);
    assert_int_equal(redis_int(queue_desk_redis(desk), "LLEN {t}:history:acme"), 2);
}

static void a_booked_run_begins_with_all_attempts_after_a_failed_job(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim first = running(desk);
    (void)desk_enqueue(desk, "acme");
    assert_int_equal(desk_finish(desk, &first, RUN_FAILED).end, JOB_REQUEUED);
    assert_string_equal(desk_status(desk, "acme", "error"), "");
    struct job_claim second = run_next(desk);
    assert_int_equal(second.attempt, 1);
    assert_int_equal(desk_finish(desk, &second, RUN_OK).end, JOB_FINISHED);
    assert_int_equal(total(desk, "failed"), 1);
    assert_int_equal(redis_int(queue_desk_redis(desk), "LLEN {t}:dead"), 1);
}

static void an_ended_account_gets_a_new_job(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim first = running(desk);
    const struct run_result result = {
        .outcome = RUN_FAILED, .error = "no", .counts = {.done = 3, .failed = 3}};
    assert_int_equal(desk_finish_with(desk, &first, &result).end, JOB_FAILED);
    int64_t rev = strtoll(desk_status(desk, "acme", "rev"), NULL, 10);
    struct enqueue_answer asked = desk_enqueue(desk, "acme");
    assert_int_equal(asked.result, ENQUEUE_NEW);
    assert_string_not_equal(asked.job, first.job);
    assert_string_equal(desk_status(desk, "acme", "failed"), "0");
    assert_string_equal(desk_status(desk, "acme", "error"), "");
    assert_string_equal(desk_status(desk, "acme", "finished_at"), "");
    assert_true(strtoll(desk_status(desk, "acme", "rev"), NULL, 10) > rev);
}

static void a_claim_comes_with_what_the_job_s_run_before_has_told(void **state)
{
    struct queue_desk *desk = *state;
    const struct run_counts counts = {.done = 1, .total = 2};
    const struct run_result released = {.outcome = RUN_RELEASED, .details = "second"};
    (void)desk_register(desk, "w1");
    (void)desk_enqueue(desk, "acme");
    struct claim_answer run = desk_start(desk, "w1");
    assert_string_equal(run.earlier, "");
    assert_int_equal(desk_progress(desk, &run.claim, &counts, "first"), ERROR_NONE);
    desk_end_lease(desk, "w1", LIMIT_MS);
    assert_int_equal(desk_take_back(desk), 1);
    (void)desk_register(desk, "w2");
    run = desk_start(desk, "w2");
    assert_string_equal(run.earlier, "first");
    assert_int_equal(desk_finish_with(desk, &run.claim, &released).end, JOB_REQUEUED);
    run = desk_start(desk, "w2");
    assert_string_equal(run.earlier, "second");
    (void)desk_enqueue(desk, "acme");
    assert_int_equal(desk_finish(desk, &run.claim, RUN_OK).end, JOB_REQUEUED);
    run = desk_start(desk, "w2");
    assert_string_equal(run.earlier, ""); /* it is another job */
}

#define TOLD(settings) "\"settings\":" settings ",\"webhooks\":[]"

/* Waits for its next attempt, and has told of settings. */
static void park(struct queue_desk *desk, const struct job_claim *claim, int64_t delay_ms)
{
    const struct run_result result = {
        .outcome = RUN_PARKED, .delay_ms = delay_ms, .details = TOLD("\"0123abcd\"")};
    assert_int_equal(desk_finish_with(desk, claim, &result).end, JOB_RETRYING);
}

/* acme's job is run again; what the claim comes with. */
static struct claim_answer go_on(struct queue_desk *desk, const char *expected)
{
    redis_do(queue_desk_redis(desk), "EVAL %s 0",
             "local all = redis.call('ZRANGE', '{t}:delayed', 0, -1) "
             "for _, element in ipairs(all) do redis.call('ZADD', '{t}:delayed', 1, element) end");
    (void)desk_promote(desk);
    struct claim_answer run = desk_start(desk, "w1");
    assert_string_equal(run.earlier, expected);
    return run;
}

static void a_run_that_was_asked_for_does_not_rely_on_the_one_before(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct claim_answer run = {.claim = running(desk)};
    park(desk, &run.claim, 60000);
    run = go_on(desk, TOLD("\"0123abcd\""));
    park(desk, &run.claim, 60000);
    assert_int_equal(desk_enqueue(desk, "acme").result, ENQUEUE_COALESCED); /* in the pause */
    run = go_on(desk, TOLD("null"));
    park(desk, &run.claim, 60000);
    redis_do(redis, "HSET {t}:ctl:acme not_before %s", "");
    assert_int_equal(desk_enqueue(desk, "acme").result, ENQUEUE_NOW);
    run = go_on(desk, TOLD("null"));
    assert_int_equal(desk_enqueue(desk, "acme").result, ENQUEUE_RERUN);
    park(desk, &run.claim, 60000);
    run = go_on(desk, TOLD("null"));
    assert_int_equal(desk_finish(desk, &run.claim, RUN_OK).end, JOB_FINISHED);
}

static void a_new_job_is_not_reported_with_what_another_left_behind(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    (void)desk_enqueue(desk, "acme");
    redis_do(redis, "SET {t}:report:acme %s",
             "\"settings\":\"old\",\"webhooks\":[{\"event_type\":\"old\"}],\"warnings\":[]");
    redis_do(redis, "DEL {t}:ctl:acme {t}:status:acme");
    (void)desk_enqueue(desk, "acme");
    json_t *report = desk_report(desk, "acme");
    assert_true(json_is_null(json_object_get(report, "settings")));
    assert_int_equal(json_array_size(json_object_get(report, "webhooks")), 0);
    json_decref(report);
}

static void a_full_queue_refuses_new_jobs_only(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    char account[16];
    for (int i = 0; i < 10; i++) {
        (void)snprintf(account, sizeof account, "a%d", i);
        assert_int_equal(desk_enqueue(desk, account).code, ERROR_NONE);
    }
    char *before = desk_dump(desk, NULL);
    assert_int_equal(desk_enqueue(desk, "one-too-many").code, ERROR_FULL);
    char *after = desk_dump(desk, NULL);
    assert_string_equal(after, before);
    mem_free(before);
    mem_free(after);
    assert_int_equal(desk_enqueue(desk, "a0").result, ENQUEUE_COALESCED);
    assert_int_equal(desk_enqueue(desk, "acme").result, ENQUEUE_RERUN);
    assert_int_equal(desk_finish(desk, &run, RUN_OK).end, JOB_REQUEUED);
    assert_int_equal(redis_int(queue_desk_redis(desk), "LLEN {t}:queue"), 11);
}

/* ---- Attempts and waiting ---- */

static void a_failed_attempt_waits_and_is_run_again(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    assert_int_equal(desk_finish(desk, &run, RUN_RETRY).end, JOB_RETRYING);
    assert_string_equal(desk_state(desk, "acme"), "WORKING");
    assert_string_equal(desk_status(desk, "acme", "phase"), "retrying");
    assert_string_equal(desk_status(desk, "acme", "attempt"), "1");
    assert_string_equal(desk_status(desk, "acme", "error"), "it did not work");
    assert_string_equal(desk_status(desk, "acme", "worker"), "");
    assert_int_equal(strlen(desk_status(desk, "acme", "next_attempt_at")), 24);
    assert_becomes_true(is_promoted, desk, LIMIT_MS);
    assert_string_equal(desk_status(desk, "acme", "phase"), "queued");
    assert_string_equal(desk_status(desk, "acme", "next_attempt_at"), "");
    struct job_claim second = run_next(desk);
    assert_string_equal(second.job, run.job);
    assert_int_equal(second.attempt, 2);
    assert_string_equal(desk_status(desk, "acme", "attempt"), "2");
    assert_int_equal(desk_finish(desk, &second, RUN_OK).end, JOB_FINISHED);
    assert_string_equal(desk_status(desk, "acme", "error"), "");
    assert_int_equal(total(desk, "retried"), 1);
}

static void the_last_attempt_fails_the_job(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    for (int attempt = 1; attempt < 3; attempt++) {
        assert_int_equal(desk_finish(desk, &run, RUN_RETRY).end, JOB_RETRYING);
        assert_becomes_true(is_promoted, desk, LIMIT_MS);
        run = run_next(desk);
    }
    assert_int_equal(run.attempt, 3);
    assert_int_equal(desk_finish(desk, &run, RUN_RETRY).end, JOB_FAILED);
    assert_string_equal(desk_state(desk, "acme"), "FAILED");
    assert_string_equal(desk_status(desk, "acme", "error"), "it did not work");

    json_t *dead = json_loads(redis_text(queue_desk_redis(desk), "LINDEX {t}:dead 0"), 0, NULL);
    assert_int_equal(json_object_size(dead), 5);
    assert_string_equal(json_string_value(json_object_get(dead, "id")), run.job);
    assert_string_equal(json_string_value(json_object_get(dead, "account")), "acme");
    assert_string_equal(json_string_value(json_object_get(dead, "error")), "it did not work");
    assert_int_equal(json_integer_value(json_object_get(dead, "attempts")), 3);
    assert_string_equal(json_string_value(json_object_get(dead, "failed_at")),
                        desk_status(desk, "acme", "finished_at"));
    json_decref(dead);
}

static void a_failure_that_no_attempt_can_help_ends_the_job_at_once(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    assert_int_equal(desk_finish(desk, &run, RUN_FAILED).end, JOB_FAILED);
    assert_string_equal(desk_state(desk, "acme"), "FAILED");
}

static void execute_starts_the_next_attempt_now(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    struct redis_fixture *redis = queue_desk_redis(desk);
    assert_int_equal(desk_finish(desk, &run, RUN_RETRY).end, JOB_RETRYING);
    const struct redis_list *delayed = redis_list(redis, "ZRANGE {t}:delayed 0 -1");
    redis_do(redis, "ZADD {t}:delayed 9999999999999 %s", delayed->items[0]);
    assert_int_equal(desk_promote(desk), 0);
    struct enqueue_answer asked = desk_enqueue(desk, "acme");
    assert_int_equal(asked.result, ENQUEUE_NOW);
    assert_string_equal(asked.job, run.job);
    assert_int_equal(redis_int(redis, "EXISTS {t}:delayed"), 0);
    assert_int_equal(run_next(desk).attempt, 2);
}

static struct finish_answer finish_after(struct queue_desk *desk, const struct job_claim *claim,
                                         enum run_outcome outcome, int64_t delay_ms)
{
    const struct run_result result = {
        .outcome = outcome, .delay_ms = delay_ms, .error = "asked to wait"};
    return desk_finish_with(desk, claim, &result);
}

static void a_parked_job_counts_no_attempt_and_cannot_be_hurried(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    struct redis_fixture *redis = queue_desk_redis(desk);
    assert_int_equal(finish_after(desk, &run, RUN_PARKED, 60000).end, JOB_RETRYING);
    assert_string_equal(desk_status(desk, "acme", "phase"), "retrying");
    assert_int_equal(total(desk, "retried"), 0);
    char *before = desk_dump(desk, "totals");
    assert_int_equal(desk_enqueue(desk, "acme").result, ENQUEUE_COALESCED);
    char *after = desk_dump(desk, "totals");
    assert_string_equal(after, before);
    mem_free(before);
    mem_free(after);

    redis_do(redis, "HSET {t}:ctl:acme not_before 1");
    assert_int_equal(desk_enqueue(desk, "acme").result, ENQUEUE_NOW);
    assert_int_equal(run_next(desk).attempt, 1);
}

static void a_parked_job_goes_on_when_its_time_has_come(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    assert_int_equal(finish_after(desk, &run, RUN_PARKED, 20).end, JOB_RETRYING);
    assert_becomes_true(is_promoted, desk, LIMIT_MS);
    struct job_claim second = run_next(desk);
    assert_string_equal(second.job, run.job);
    assert_int_equal(second.attempt, 1);
}

static void a_retry_waits_at_least_as_long_as_it_was_asked_to(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    struct redis_fixture *redis = queue_desk_redis(desk);
    assert_int_equal(finish_after(desk, &run, RUN_RETRY, 60000).end, JOB_RETRYING);
    int64_t due = redis_int(redis, "HGET {t}:ctl:acme not_before");
    const struct redis_list *delayed = redis_list(redis, "ZRANGE {t}:delayed 0 -1 WITHSCORES");
    assert_int_equal(strtoll(delayed->items[1], NULL, 10), due);
    assert_int_equal(desk_enqueue(desk, "acme").result, ENQUEUE_COALESCED);
}

static void execute_cuts_a_backoff_short_to_the_end_of_the_pause(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    struct redis_fixture *redis = queue_desk_redis(desk);
    assert_int_equal(finish_after(desk, &run, RUN_RETRY, 60000).end, JOB_RETRYING);
    int64_t due = redis_int(redis, "HGET {t}:ctl:acme not_before");
    const struct redis_list *delayed = redis_list(redis, "ZRANGE {t}:delayed 0 -1");
    const char *element = delayed->items[0];
    redis_do(redis, "ZADD {t}:delayed 9999999999999 %s", element);
    assert_int_equal(desk_enqueue(desk, "acme").result, ENQUEUE_COALESCED);
    assert_int_equal(redis_int(redis, "ZSCORE {t}:delayed %s", element), due);
}

static void what_was_booked_makes_a_retry_start_at_once_with_all_attempts(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    (void)desk_enqueue(desk, "acme");
    assert_int_equal(desk_finish(desk, &run, RUN_RETRY).end, JOB_REQUEUED);
    struct job_claim second = run_next(desk);
    assert_string_equal(second.job, run.job);
    assert_int_equal(second.attempt, 1);
    assert_int_equal(desk_finish(desk, &second, RUN_OK).end, JOB_FINISHED);
    assert_false(desk_start(desk, "w1").is_run);
}

static void what_was_booked_does_not_end_a_pause(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    (void)desk_enqueue(desk, "acme");
    assert_int_equal(finish_after(desk, &run, RUN_PARKED, 60000).end, JOB_RETRYING);
    assert_int_equal(desk_promote(desk), 0);
    assert_false(desk_start(desk, "w1").is_run);
}

static void a_released_job_is_the_next_in_line_with_no_attempt_counted(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    (void)desk_enqueue(desk, "other");
    assert_int_equal(desk_finish(desk, &run, RUN_RELEASED).end, JOB_REQUEUED);
    assert_string_equal(desk_status(desk, "acme", "phase"), "queued");
    struct job_claim second = run_next(desk);
    assert_string_equal(second.job, run.job);
    assert_int_equal(second.attempt, 1);
    assert_false(second.is_recovered);
}

static void a_job_that_would_wait_past_its_greatest_age_fails(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    assert_int_equal(finish_after(desk, &run, RUN_PARKED, 3600000 + 1000).end, JOB_FAILED);
    assert_non_null(strstr(desk_status(desk, "acme", "error"), "too old to wait"));
    assert_non_null(strstr(desk_status(desk, "acme", "error"), "asked to wait"));
    run = running(desk);
    assert_int_equal(finish_after(desk, &run, RUN_RETRY, 3600000 + 1000).end, JOB_FAILED);
}

/* ---- Abort ---- */

static void abort_ends_a_waiting_job(void **state)
{
    struct queue_desk *desk = *state;
    assert_false(desk_abort(desk, "acme"));
    (void)desk_enqueue(desk, "acme");
    assert_true(desk_abort(desk, "acme"));
    assert_string_equal(desk_state(desk, "acme"), "ABORTED");
    struct redis_fixture *redis = queue_desk_redis(desk);
    assert_int_equal(redis_int(redis, "EXISTS {t}:queue {t}:active"), 0);
    assert_int_equal(total(desk, "aborted"), 1);
    assert_false(desk_abort(desk, "acme"));
}

static void abort_ends_a_job_that_waits_for_its_next_attempt(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    (void)desk_finish(desk, &run, RUN_RETRY);
    assert_true(desk_abort(desk, "acme"));
    assert_string_equal(desk_state(desk, "acme"), "ABORTED");
    assert_int_equal(redis_int(queue_desk_redis(desk), "EXISTS {t}:delayed"), 0);
}

static void abort_ends_a_job_that_is_popped_but_not_claimed(void **state)
{
    struct queue_desk *desk = *state;
    (void)desk_enqueue(desk, "acme");
    (void)desk_register(desk, "w1");
    struct pop_answer popped = desk_pop(desk, "w1");
    assert_true(desk_abort(desk, "acme"));
    assert_string_equal(desk_state(desk, "acme"), "ABORTED");
    char token[RANDOM_ID_SIZE];
    struct claim_answer claimed = desk_claim(desk, "w1", popped.element, random_id_make(token));
    assert_int_equal(claimed.code, ERROR_NONE);
    assert_false(claimed.is_run);
    assert_int_equal(redis_int(queue_desk_redis(desk), "EXISTS {t}:processing:w1"), 0);
    assert_string_equal(desk_state(desk, "acme"), "ABORTED");
}

static void abort_of_a_running_job_reaches_its_worker_by_the_beat(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    (void)desk_register(desk, "w2");
    assert_int_equal(desk_beat(desk, "w1").aborted_count, 0);
    assert_true(desk_abort(desk, "acme"));
    assert_string_equal(desk_state(desk, "acme"), "WORKING");
    struct beat_answer beat = desk_beat(desk, "w1");
    assert_int_equal(beat.aborted_count, 1);
    assert_string_equal(beat.aborted[0], "acme");
    assert_int_equal(desk_beat(desk, "w2").aborted_count, 0);
    assert_int_equal(desk_finish(desk, &run, RUN_RELEASED).end, JOB_ABORTED);
    assert_string_equal(desk_state(desk, "acme"), "ABORTED");
    assert_int_equal(desk_beat(desk, "w1").aborted_count, 0);
    assert_int_equal(redis_int(queue_desk_redis(desk), "EXISTS {t}:aborting"), 0);
}

static void a_run_that_was_done_before_its_abort_arrived_is_finished(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    assert_true(desk_abort(desk, "acme"));
    assert_int_equal(desk_finish(desk, &run, RUN_OK).end, JOB_FINISHED);
}

static void abort_ends_what_is_booked_but_never_a_later_execute(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    (void)desk_enqueue(desk, "acme");
    assert_true(desk_abort(desk, "acme"));
    assert_int_equal(desk_finish(desk, &run, RUN_RETRY).end, JOB_ABORTED);
    assert_false(desk_start(desk, "w1").is_run);

    run = running(desk);
    assert_true(desk_abort(desk, "acme"));
    struct enqueue_answer later = desk_enqueue(desk, "acme");
    assert_int_equal(later.result, ENQUEUE_RERUN);
    assert_int_equal(desk_finish(desk, &run, RUN_RELEASED).end, JOB_REQUEUED);
    assert_string_equal(desk_state(desk, "acme"), "WORKING");
    struct job_claim second = run_next(desk);
    assert_string_equal(second.job, later.job);
    assert_int_equal(desk_beat(desk, "w1").aborted_count, 0);
    assert_int_equal(desk_finish(desk, &second, RUN_OK).end, JOB_FINISHED);
    assert_int_equal(total(desk, "aborted"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_job_goes_from_ready_to_finished),
        DESK_TEST(a_new_jobs_status_has_every_field),
        DESK_TEST(times_are_iso_8601_in_utc_on_every_kind_of_day),
        DESK_TEST(jobs_are_run_in_the_order_in_which_they_came),
        DESK_TEST(execute_while_the_job_waits_changes_nothing),
        DESK_TEST(execute_while_the_job_runs_books_exactly_one_more_run),
        DESK_TEST(a_booked_run_begins_with_all_attempts_after_a_failed_job),
        DESK_TEST(an_ended_account_gets_a_new_job),
        DESK_TEST(a_claim_comes_with_what_the_job_s_run_before_has_told),
        DESK_TEST(a_run_that_was_asked_for_does_not_rely_on_the_one_before),
        DESK_TEST(a_new_job_is_not_reported_with_what_another_left_behind),
        DESK_TEST(a_full_queue_refuses_new_jobs_only),
        DESK_TEST(a_failed_attempt_waits_and_is_run_again),
        DESK_TEST(the_last_attempt_fails_the_job),
        DESK_TEST(a_failure_that_no_attempt_can_help_ends_the_job_at_once),
        DESK_TEST(execute_starts_the_next_attempt_now),
        DESK_TEST(a_parked_job_counts_no_attempt_and_cannot_be_hurried),
        DESK_TEST(a_parked_job_goes_on_when_its_time_has_come),
        DESK_TEST(a_retry_waits_at_least_as_long_as_it_was_asked_to),
        DESK_TEST(execute_cuts_a_backoff_short_to_the_end_of_the_pause),
        DESK_TEST(what_was_booked_makes_a_retry_start_at_once_with_all_attempts),
        DESK_TEST(what_was_booked_does_not_end_a_pause),
        DESK_TEST(a_released_job_is_the_next_in_line_with_no_attempt_counted),
        DESK_TEST(a_job_that_would_wait_past_its_greatest_age_fails),
        DESK_TEST(abort_ends_a_waiting_job),
        DESK_TEST(abort_ends_a_job_that_waits_for_its_next_attempt),
        DESK_TEST(abort_ends_a_job_that_is_popped_but_not_claimed),
        DESK_TEST(abort_of_a_running_job_reaches_its_worker_by_the_beat),
        DESK_TEST(a_run_that_was_done_before_its_abort_arrived_is_finished),
        DESK_TEST(abort_ends_what_is_booked_but_never_a_later_execute),
    };
    int failed = cmocka_run_group_tests_name("job queue", tests, queue_desk_group_setup,
                                             queue_desk_group_teardown);
    /* All keys of a namespace share one slot: the same on a cluster. */
    failed += cmocka_run_group_tests_name(
        "job queue on a cluster", tests, queue_desk_group_setup_cluster, queue_desk_group_teardown);
    return failed;
}
