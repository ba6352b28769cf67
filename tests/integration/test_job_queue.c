/* The job machine's steps against a real Redis, one after the other. */
#include "tests/support/fail.h"
#include "tests/support/queue_desk.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static struct redis_fixture *redis;

static int start_redis(void **state)
{
    (void)state;
    redis = redis_fixture_new(NULL);
    return 0;
}

static int stop_redis(void **state)
{
    (void)state;
    redis_fixture_free(redis);
    return 0;
}

static int open_desk(void **state)
{
    redis_do(redis, "FLUSHALL");
    *state = queue_desk_new(redis, NULL);
    return 0;
}

static int close_desk(void **state)
{
    queue_desk_free(*state);
    return 0;
}

static const char *status(const char *field)
{
    const char *value = redis_text(redis, "HGET {t}:status:acme %s", field);
    return value == NULL ? "(none)" : value;
}

static void a_job_goes_from_ready_to_finished(void **state)
{
    struct queue_desk *desk = *state;
    assert_string_equal(desk_state(desk, "acme"), "READY");
    struct enqueue_answer asked = desk_enqueue(desk, "acme");
    assert_int_equal(asked.code, ERROR_NONE);
    assert_int_equal(asked.result, ENQUEUE_NEW);
    assert_string_equal(desk_state(desk, "acme"), "WORKING");
    assert_string_equal(status("phase"), "queued");

    assert_int_equal(desk_register(desk, "w1"), ERROR_NONE);
    struct claim_answer run = desk_start(desk, "w1");
    assert_int_equal(run.code, ERROR_NONE);
    assert_true(run.is_run);
    assert_string_equal(run.claim.account, "acme");
    assert_string_equal(run.claim.job, asked.job);
    assert_int_equal(run.claim.attempt, 1);
    assert_false(run.claim.is_recovered);
    assert_string_equal(status("phase"), "running");

    assert_int_equal(desk_beat(desk, "w1").code, ERROR_NONE);
    struct run_counts counts = {.done = 1, .total = 2, .created = 1};
    assert_int_equal(desk_progress(desk, &run.claim, &counts, NULL), ERROR_NONE);
    assert_string_equal(status("done"), "1");

    struct finish_answer end = desk_finish(desk, &run.claim, RUN_OK);
    assert_int_equal(end.code, ERROR_NONE);
    assert_int_equal(end.end, JOB_FINISHED);
    assert_string_equal(desk_state(desk, "acme"), "FINISHED");
    json_t *report = desk_report(desk, "acme");
    assert_string_equal(json_string_value(json_object_get(report, "state")), "FINISHED");
    json_decref(report);
}

#define DESK_TEST(test) cmocka_unit_test_setup_teardown(test, open_desk, close_desk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_job_goes_from_ready_to_finished),
    };
    return cmocka_run_group_tests(tests, start_redis, stop_redis);
}
