/* Abort in a queue that is too long to be searched through: what becomes of the element that stays
   behind. (Abort in a short queue and of a running job: test_job_queue.c.) */
#include "common/mem.h"
#include "tests/support/queue_desk.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than twice what abort searches at either end. */
enum { JOBS = 2500, MIDDLE = JOBS / 2, LIMIT_MS = 10000, LONG_AGO_MS = 60000 };

static const char *name_of(int number)
{
    static char name[16];
    (void)snprintf(name, sizeof name, "a%d", number);
    return name;
}

static struct queue_desk *desk_with(struct queue_desk *desk, int64_t result_ttl_s)
{
    struct job_queue_options options = desk_options();
    options.queue_max = JOBS + 1;
    options.result_ttl_s = result_ttl_s;
    return queue_desk_new(queue_desk_redis(desk), &options);
}

/* JOBS accounts, a0 next to run; w1 is registered. */
static struct queue_desk *long_queue(struct queue_desk *desk, int64_t result_ttl_s)
{
    struct queue_desk *filled = desk_with(desk, result_ttl_s);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(desk_enqueue(filled, name_of(i)).result, ENQUEUE_NEW);
    }
    assert_int_equal(desk_register(filled, "w1"), ERROR_NONE);
    return filled;
}

static int64_t queue_length(struct queue_desk *desk)
{
    return redis_int(queue_desk_redis(desk), "LLEN {t}:queue");
}

/* Runs every job; runs[i] counts those of account i. */
static void drain(struct queue_desk *desk, unsigned runs[JOBS])
{
    while (queue_length(desk) > 0) {
        struct claim_answer answer = desk_start(desk, "w1");
        assert_int_equal(answer.code, ERROR_NONE);
        if (answer.is_run) {
            runs[strtol(answer.claim.account + 1, NULL, 10)]++;
            assert_int_equal(desk_finish(desk, &answer.claim, RUN_OK).end, JOB_FINISHED);
        }
    }
}

/* No key of the machine remembers a job: nothing is active, held, dead or waits. */
static void assert_at_rest(struct queue_desk *desk)
{
    assert_int_equal(redis_int(queue_desk_redis(desk), "EXISTS {t}:active {t}:dead {t}:delayed "
                                                       "{t}:processing:w1 {t}:queue"),
                     0);
}

static void an_abort_near_either_end_takes_the_element_away(void **state)
{
    struct queue_desk *desk = long_queue(*state, 86400);
    assert_true(desk_abort(desk, name_of(900)));
    assert_true(desk_abort(desk, name_of(JOBS - 900)));
    assert_int_equal(queue_length(desk), JOBS - 2);
    queue_desk_free(desk);
}

static void an_abort_in_the_middle_leaves_an_element_that_does_not_run(void **state)
{
    struct queue_desk *desk = long_queue(*state, 86400);
    assert_true(desk_abort(desk, name_of(MIDDLE)));
    assert_string_equal(desk_state(desk, name_of(MIDDLE)), "ABORTED");
    assert_false(desk_abort(desk, name_of(MIDDLE)));
    assert_int_equal(queue_length(desk), JOBS);
    assert_int_equal(redis_int(queue_desk_redis(desk), "SCARD {t}:active"), JOBS - 1);

    unsigned runs[JOBS] = {0};
    drain(desk, runs);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(runs[i], i != MIDDLE);
    }
    assert_string_equal(desk_state(desk, name_of(MIDDLE)), "ABORTED");
    assert_at_rest(desk);
    queue_desk_free(desk);
}

static void an_execute_after_such_an_abort_runs_once(void **state)
{
    struct queue_desk *desk = long_queue(*state, 86400);
    assert_true(desk_abort(desk, name_of(MIDDLE)));
    assert_int_equal(desk_enqueue(desk, name_of(MIDDLE)).result, ENQUEUE_NEW);
    /* What stays behind takes its place in the queue: the next new job is refused. */
    assert_int_equal(queue_length(desk), JOBS + 1);
    assert_int_equal(desk_enqueue(desk, "other").code, ERROR_FULL);

    unsigned runs[JOBS] = {0};
    drain(desk, runs);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(runs[i], 1);
    }
    assert_string_equal(desk_state(desk, name_of(MIDDLE)), "FINISHED");
    assert_at_rest(desk);
    queue_desk_free(desk);
}

static bool is_forgotten(void *desk)
{
    return strcmp(desk_state(desk, name_of(MIDDLE)), "READY") == 0;
}

static void what_stays_behind_is_not_foreign_when_the_status_is_forgotten(void **state)
{
    struct queue_desk *desk = long_queue(*state, 1);
    assert_true(desk_abort(desk, name_of(MIDDLE)));
    assert_becomes_true(is_forgotten, desk, LIMIT_MS);
    unsigned runs[JOBS] = {0};
    drain(desk, runs);
    assert_int_equal(runs[MIDDLE], 0);
    assert_at_rest(desk);
    queue_desk_free(desk);
}

static void what_stays_behind_is_forgotten_with_the_worker_that_popped_it(void **state)
{
    struct queue_desk *desk = long_queue(*state, 86400);
    assert_true(desk_abort(desk, name_of(MIDDLE)));
    redis_do(queue_desk_redis(desk), "LTRIM {t}:queue %d %d", JOBS - 1 - MIDDLE, JOBS - 1 - MIDDLE);
    assert_true(strlen(desk_pop(desk, "w1").element) > 0);
    desk_end_lease(desk, "w1", LONG_AGO_MS);
    assert_int_equal(desk_take_back(desk), 1);
    assert_int_equal(queue_length(desk), 0);
    assert_int_equal(redis_int(queue_desk_redis(desk), "EXISTS {t}:dead {t}:processing:w1"), 0);
    assert_string_equal(desk_state(desk, name_of(MIDDLE)), "ABORTED");
    queue_desk_free(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(an_abort_near_either_end_takes_the_element_away),
        DESK_TEST(an_abort_in_the_middle_leaves_an_element_that_does_not_run),
        DESK_TEST(an_execute_after_such_an_abort_runs_once),
        DESK_TEST(what_stays_behind_is_not_foreign_when_the_status_is_forgotten),
        DESK_TEST(what_stays_behind_is_forgotten_with_the_worker_that_popped_it),
    };
    return cmocka_run_group_tests(tests, queue_desk_group_setup, queue_desk_group_teardown);
}
