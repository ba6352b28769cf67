/* Workers that Redis sees leave: whose lease the watch ends early, and whose it must not. */
#include "common/mem.h"
#include "tests/support/ear.h"
#include "tests/support/queue_desk.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char embedded_watch_lua[];

enum { OLD_MS = 60000, LOOK_APART_MS = 300, ABSENT_MS = 1000, PATIENCE_MS = 5000 };

static int64_t total(struct queue_desk *desk, const char *name)
{
    const char *value = redis_text(queue_desk_redis(desk), "HGET {t}:totals %s", name);
    return value == NULL ? 0 : strtoll(value, NULL, 10);
}

static int64_t redis_ms(struct queue_desk *desk)
{
    const struct redis_list *time = redis_list(queue_desk_redis(desk), "TIME");
    return strtoll(time->items[0], NULL, 10) * 1000 + strtoll(time->items[1], NULL, 10) / 1000;
}

/* As if the last look had been so long ago. */
static void last_look_was(struct queue_desk *desk, int64_t ms_ago)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, redis_ms(desk) - ms_ago);
    redis_do(queue_desk_redis(desk), "SET {t}:looked %s", text);
}

/* One look by a worker whose connection has lasted connected_ms. */
static int64_t look_when(struct queue_desk *desk, int64_t connected_ms)
{
    char *script = desk_script((const char *)embedded_watch_lua);
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, connected_ms);
    int64_t ended = redis_int(queue_desk_redis(desk), "EVAL %s 1 {t}: %s", script, text);
    mem_free(script);
    return ended;
}

static int64_t look(struct queue_desk *desk)
{
    last_look_was(desk, LOOK_APART_MS);
    return look_when(desk, OLD_MS);
}

/* What the watch knows of the worker; -1 = nothing. */
static int64_t note(struct queue_desk *desk, const char *worker)
{
    const char *value = redis_text(queue_desk_redis(desk), "HGET {t}:watch %s", worker);
    return value == NULL ? -1 : strtoll(value, NULL, 10);
}

/* As if the worker had been missed for so long. */
static void is_missed_for(struct queue_desk *desk, const char *worker, int64_t ms)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, redis_ms(desk) - ms);
    redis_do(queue_desk_redis(desk), "HSET {t}:watch %s %s", worker, text);
}

/* w1 listens and runs the job of acme. */
static struct ear *running(struct queue_desk *desk, struct job_claim *claim)
{
    struct ear *ear = ear_new(queue_desk_redis(desk), "{t}:hints:w1");
    assert_int_equal(desk_enqueue(desk, "acme").code, ERROR_NONE);
    assert_int_equal(desk_register(desk, "w1"), ERROR_NONE);
    struct claim_answer run = desk_start(desk, "w1");
    assert_true(run.is_run);
    *claim = run.claim;
    return ear;
}

static void assert_still_runs(struct queue_desk *desk, const struct job_claim *claim)
{
    assert_int_equal(desk_take_back(desk), 0);
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_NONE);
    assert_int_equal(desk_finish(desk, claim, RUN_OK).end, JOB_FINISHED);
    assert_int_equal(total(desk, "watch_ended"), 0);
}

static void a_worker_that_is_missed_for_a_second_is_dead(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim claim;
    struct ear *ear = running(desk, &claim);
    assert_int_equal(note(desk, "w1"), 0);
    assert_int_equal(look(desk), 0);
    assert_int_equal(note(desk, "w1"), 0);
    ear_free(ear);

    int64_t before_ms = redis_ms(desk);
    assert_int_equal(look(desk), 0);
    int64_t since_ms = note(desk, "w1");
    assert_in_range(since_ms, before_ms, redis_ms(desk));
    assert_int_equal(look(desk), 0);
    assert_int_equal(note(desk, "w1"), since_ms);
    is_missed_for(desk, "w1", ABSENT_MS - 500);
    assert_int_equal(look(desk), 0);
    is_missed_for(desk, "w1", ABSENT_MS);
    assert_int_equal(look(desk), 1);

    assert_int_equal(desk_take_back(desk), 1);
    assert_string_equal(desk_status(desk, "acme", "phase"), "queued");
    assert_int_equal(total(desk, "watch_ended"), 1);
    assert_int_equal(total(desk, "lease_ended"), 0);
    assert_int_equal(total(desk, "recovered"), 1);
    assert_int_equal(redis_int(queue_desk_redis(desk), "HGET {t}:ctl:acme deaths"), 1);
    assert_int_equal(desk_finish(desk, &claim, RUN_OK).code, ERROR_LOST);
}

static void a_wrong_guess_is_counted_when_its_worker_beats(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim claim;
    ear_free(running(desk, &claim));
    is_missed_for(desk, "w1", ABSENT_MS);
    assert_int_equal(look(desk), 1);
    assert_int_equal(desk_take_back(desk), 1);
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_LOST);
    assert_int_equal(total(desk, "watch_wrong"), 1);
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_LOST);
    assert_int_equal(total(desk, "watch_wrong"), 1);
    assert_int_equal(note(desk, "w1"), -1);
}

static void a_beat_that_comes_after_the_lease_would_have_ended_is_no_wrong_guess(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim claim;
    ear_free(running(desk, &claim));
    desk_end_lease(desk, "w1", 1);
    is_missed_for(desk, "w1", ABSENT_MS);
    assert_int_equal(look(desk), 1);
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_LOST);
    assert_int_equal(total(desk, "watch_wrong"), 0);
    /* And the watch forgets it. */
    assert_int_equal(look(desk), 0);
    assert_int_equal(redis_int(queue_desk_redis(desk), "EXISTS {t}:watch"), 0);
}

static void a_worker_that_listens_again_is_missed_no_more(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim claim;
    struct ear *ear = running(desk, &claim);
    is_missed_for(desk, "w1", OLD_MS);
    assert_int_equal(look(desk), 0);
    assert_int_equal(note(desk, "w1"), 0);
    assert_still_runs(desk, &claim);
    ear_free(ear);
}

static void a_worker_that_beats_but_does_not_listen_is_under_its_lease_alone(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim claim;
    ear_free(running(desk, &claim));
    is_missed_for(desk, "w1", OLD_MS);
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_NONE);
    assert_int_equal(note(desk, "w1"), -1);
    assert_int_equal(look(desk), 0);
    assert_int_equal(note(desk, "w1"), -1);
    assert_still_runs(desk, &claim);
}

static void a_worker_that_never_listened_is_under_its_lease_alone(void **state)
{
    struct queue_desk *desk = *state;
    (void)desk_register(desk, "w2");
    assert_int_equal(desk_beat(desk, "w2").code, ERROR_NONE);
    assert_int_equal(look(desk), 0);
    assert_int_equal(redis_int(queue_desk_redis(desk), "EXISTS {t}:watch"), 0);
}

static void a_beat_begins_the_watch_of_a_worker_that_listens(void **state)
{
    struct queue_desk *desk = *state;
    (void)desk_register(desk, "w2");
    assert_int_equal(note(desk, "w2"), -1);
    struct ear *ear = ear_new(queue_desk_redis(desk), "{t}:hints:w2");
    assert_int_equal(desk_beat(desk, "w2").code, ERROR_NONE);
    assert_int_equal(note(desk, "w2"), 0);
    ear_free(ear);
}

static void however_many_ask_the_watch_looks_once_in_a_while(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim claim;
    ear_free(running(desk, &claim));
    is_missed_for(desk, "w1", OLD_MS);
    last_look_was(desk, 100);
    char *before = desk_dump(desk, NULL);
    assert_int_equal(look_when(desk, OLD_MS), 0);
    char *after = desk_dump(desk, NULL);
    assert_string_equal(after, before);
    mem_free(before);
    mem_free(after);
    assert_int_equal(look(desk), 1);
}

static void a_young_connection_does_not_look(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim claim;
    ear_free(running(desk, &claim));
    is_missed_for(desk, "w1", OLD_MS);
    last_look_was(desk, LOOK_APART_MS);
    assert_int_equal(look_when(desk, 2999), 0);
    assert_int_equal(look_when(desk, 3000), 1);
}

static void assert_has_time(struct queue_desk *desk, const struct job_claim *claim)
{
    int64_t before_ms = redis_ms(desk);
    assert_int_equal(look_when(desk, OLD_MS), 0);
    assert_in_range(note(desk, "w1"), before_ms + PATIENCE_MS, redis_ms(desk) + PATIENCE_MS);
    assert_int_equal(look(desk), 0);
    assert_still_runs(desk, claim);
}

static void after_a_gap_in_the_looks_everybody_has_time_to_come_back(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim claim;
    ear_free(running(desk, &claim));
    is_missed_for(desk, "w1", OLD_MS);
    last_look_was(desk, 2100);
    assert_has_time(desk, &claim);
}

static void before_the_first_look_nobody_is_missed(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim claim;
    ear_free(running(desk, &claim));
    assert_has_time(desk, &claim);
}

static void a_clock_that_was_set_back_gives_everybody_time(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim claim;
    ear_free(running(desk, &claim));
    is_missed_for(desk, "w1", OLD_MS);
    last_look_was(desk, -10000);
    assert_has_time(desk, &claim);
}

static void without_the_right_to_ask_who_listens_nothing_is_concluded(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct job_claim claim;
    struct ear *ear = running(desk, &claim);
    redis_do(redis, "ACL SETUSER default -pubsub");
    is_missed_for(desk, "w1", OLD_MS);
    assert_int_equal(look(desk), 0);
    assert_int_equal(look(desk), 0);
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_NONE);
    assert_int_equal(note(desk, "w1"), -1);
    assert_still_runs(desk, &claim);
    redis_do(redis, "ACL SETUSER default +@all");
    ear_free(ear);
}

static void at_full_memory_the_watch_goes_on(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct job_claim claim;
    ear_free(running(desk, &claim));
    is_missed_for(desk, "w1", ABSENT_MS);
    last_look_was(desk, LOOK_APART_MS);
    redis_do(redis, "CONFIG SET maxmemory 1");
    assert_int_equal(look_when(desk, OLD_MS), 1);
    assert_int_equal(desk_take_back(desk), 1);
    redis_do(redis, "CONFIG SET maxmemory 0");
}

static void whoever_has_left_in_another_way_is_forgotten(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct job_claim claim;
    struct ear *ear = running(desk, &claim);
    assert_int_equal(desk_finish(desk, &claim, RUN_OK).end, JOB_FINISHED);
    assert_int_equal(desk_unregister(desk, "w1"), ERROR_NONE);
    assert_int_equal(redis_int(redis, "EXISTS {t}:watch"), 0);
    ear_free(ear);

    ear_free(running(desk, &claim));
    desk_end_lease(desk, "w1", OLD_MS);
    assert_int_equal(desk_take_back(desk), 1);
    is_missed_for(desk, "w1", ABSENT_MS);
    assert_int_equal(look(desk), 0);
    assert_int_equal(redis_int(redis, "EXISTS {t}:watch"), 0);
    assert_int_equal(total(desk, "lease_ended"), 1);
    assert_int_equal(total(desk, "watch_ended"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_worker_that_is_missed_for_a_second_is_dead),
        DESK_TEST(a_wrong_guess_is_counted_when_its_worker_beats),
        DESK_TEST(a_beat_that_comes_after_the_lease_would_have_ended_is_no_wrong_guess),
        DESK_TEST(a_worker_that_listens_again_is_missed_no_more),
        DESK_TEST(a_worker_that_beats_but_does_not_listen_is_under_its_lease_alone),
        DESK_TEST(a_worker_that_never_listened_is_under_its_lease_alone),
        DESK_TEST(a_beat_begins_the_watch_of_a_worker_that_listens),
        DESK_TEST(however_many_ask_the_watch_looks_once_in_a_while),
        DESK_TEST(a_young_connection_does_not_look),
        DESK_TEST(after_a_gap_in_the_looks_everybody_has_time_to_come_back),
        DESK_TEST(before_the_first_look_nobody_is_missed),
        DESK_TEST(a_clock_that_was_set_back_gives_everybody_time),
        DESK_TEST(without_the_right_to_ask_who_listens_nothing_is_concluded),
        DESK_TEST(at_full_memory_the_watch_goes_on),
        DESK_TEST(whoever_has_left_in_another_way_is_forgotten),
    };
    return cmocka_run_group_tests(tests, queue_desk_group_setup, queue_desk_group_teardown);
}
