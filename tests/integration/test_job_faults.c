/* The job machine when things go wrong around it: repeats, foreign hands, full memory, lost
   scripts; and what it leaves behind. */
#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/queue_desk.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char embedded_enqueue_lua[];

enum { LIMIT_MS = 10000 };

static int64_t total(struct queue_desk *desk, const char *name)
{
    const char *value = redis_text(queue_desk_redis(desk), "HGET {t}:totals %s", name);
    return value == NULL ? 0 : strtoll(value, NULL, 10);
}

static struct job_claim running(struct queue_desk *desk)
{
    assert_int_equal(desk_enqueue(desk, "acme").code, ERROR_NONE);
    assert_int_equal(desk_register(desk, "w1"), ERROR_NONE);
    struct claim_answer run = desk_start(desk, "w1");
    assert_true(run.is_run);
    return run.claim;
}

static bool is_promoted(void *desk)
{
    return desk_promote(desk) > 0;
}

/* before is freed. */
static void assert_unchanged(struct queue_desk *desk, char *before, const char *except)
{
    char *after = desk_dump(desk, except);
    assert_string_equal(after, before);
    mem_free(before);
    mem_free(after);
}

/* ---- Sent twice is once ---- */

static const char *enqueue_as(struct queue_desk *desk, const char *id)
{
    char *script = desk_script((const char *)embedded_enqueue_lua);
    const char *answer =
        redis_text(queue_desk_redis(desk), "EVAL %s 1 {t}: acme %s 10 3", script, id);
    mem_free(script);
    return answer;
}

static void a_repeated_enqueue_is_one(void **state)
{
    struct queue_desk *desk = *state;
    assert_string_equal(enqueue_as(desk, "aaa1"), "new aaa1");
    char *before = desk_dump(desk, NULL);
    assert_string_equal(enqueue_as(desk, "aaa1"), "new aaa1");
    assert_unchanged(desk, before, NULL);

    (void)desk_register(desk, "w1");
    struct claim_answer run = desk_start(desk, "w1");
    before = desk_dump(desk, NULL);
    assert_string_equal(enqueue_as(desk, "aaa1"), "new aaa1");
    assert_unchanged(desk, before, NULL);

    assert_string_equal(enqueue_as(desk, "bbb2"), "rerun bbb2");
    before = desk_dump(desk, NULL);
    assert_string_equal(enqueue_as(desk, "bbb2"), "rerun bbb2");
    assert_unchanged(desk, before, NULL);

    (void)desk_finish(desk, &run.claim, RUN_OK);
    run = desk_start(desk, "w1");
    (void)desk_finish(desk, &run.claim, RUN_OK);
    before = desk_dump(desk, NULL);
    assert_string_equal(enqueue_as(desk, "bbb2"), "new bbb2");
    assert_unchanged(desk, before, NULL);
}

static void a_repeated_claim_is_one_and_answers_the_same(void **state)
{
    struct queue_desk *desk = *state;
    char token[RANDOM_ID_SIZE];
    (void)desk_enqueue(desk, "acme");
    (void)desk_register(desk, "w1");
    struct pop_answer popped = desk_pop(desk, "w1");
    struct claim_answer first = desk_claim(desk, "w1", popped.element, random_id_make(token));
    char *before = desk_dump(desk, NULL);
    struct claim_answer second = desk_claim(desk, "w1", popped.element, token);
    assert_unchanged(desk, before, NULL);
    assert_true(second.is_run);
    assert_string_equal(second.claim.job, first.claim.job);
    assert_string_equal(second.claim.token, token);
    assert_int_equal(second.claim.attempt, first.claim.attempt);
}

static void a_claim_that_comes_late_touches_nothing(void **state)
{
    struct queue_desk *desk = *state;
    char first[RANDOM_ID_SIZE];
    char other[RANDOM_ID_SIZE];
    (void)desk_enqueue(desk, "acme");
    (void)desk_register(desk, "w1");
    struct pop_answer popped = desk_pop(desk, "w1");
    struct claim_answer run = desk_claim(desk, "w1", popped.element, random_id_make(first));
    (void)desk_finish(desk, &run.claim, RUN_RELEASED);
    (void)desk_pop(desk, "w1");
    char *before = desk_dump(desk, NULL);
    assert_false(desk_claim(desk, "w1", popped.element, first).is_run);
    assert_unchanged(desk, before, NULL);

    run = desk_claim(desk, "w1", popped.element, random_id_make(other));
    assert_true(run.is_run);
    before = desk_dump(desk, NULL);
    assert_false(desk_claim(desk, "w1", popped.element, first).is_run);
    assert_false(desk_claim(desk, "w1", popped.element, random_id_make(first)).is_run);
    assert_unchanged(desk, before, NULL);
}

static void a_repeated_finish_is_one_and_answers_the_same(void **state)
{
    struct queue_desk *desk = *state;
    static const struct {
        enum run_outcome outcome;
        enum job_end end;
        bool is_booked;
    } cases[] = {
        {RUN_OK, JOB_FINISHED, false},       {RUN_OK, JOB_REQUEUED, true},
        {RUN_FAILED, JOB_FAILED, false},     {RUN_FAILED, JOB_REQUEUED, true},
        {RUN_RETRY, JOB_RETRYING, false},    {RUN_RETRY, JOB_REQUEUED, true},
        {RUN_PARKED, JOB_RETRYING, false},   {RUN_PARKED, JOB_RETRYING, true},
        {RUN_RELEASED, JOB_REQUEUED, false}, {RUN_RELEASED, JOB_REQUEUED, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        redis_do(queue_desk_redis(desk), "FLUSHALL");
        struct job_claim run = running(desk);
        if (cases[i].is_booked) {
            (void)desk_enqueue(desk, "acme");
        }
        const struct run_result result = {
            .outcome = cases[i].outcome, .delay_ms = 0, .error = "why"};
        assert_int_equal(desk_finish_with(desk, &run, &result).end, cases[i].end);
        char *before = desk_dump(desk, NULL);
        struct finish_answer again = desk_finish_with(desk, &run, &result);
        assert_int_equal(again.code, ERROR_NONE);
        assert_int_equal(again.end, cases[i].end);
        assert_unchanged(desk, before, NULL);
    }
}

static void a_repeated_finish_does_not_touch_the_next_job(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    (void)desk_finish(desk, &run, RUN_OK);
    (void)desk_enqueue(desk, "acme");
    char *before = desk_dump(desk, NULL);
    assert_int_equal(desk_finish(desk, &run, RUN_OK).end, JOB_FINISHED);
    assert_unchanged(desk, before, NULL);
}

static void repeated_aborts_and_sweeps_are_one(void **state)
{
    struct queue_desk *desk = *state;
    struct job_claim run = running(desk);
    assert_true(desk_abort(desk, "acme"));
    char *before = desk_dump(desk, NULL);
    assert_true(desk_abort(desk, "acme"));
    assert_unchanged(desk, before, NULL);
    (void)desk_finish(desk, &run, RUN_FAILED);
    before = desk_dump(desk, NULL);
    assert_false(desk_abort(desk, "acme"));
    assert_unchanged(desk, before, NULL);

    run = running(desk);
    (void)desk_finish(desk, &run, RUN_RETRY);
    assert_becomes_true(is_promoted, desk, LIMIT_MS);
    before = desk_dump(desk, "clock");
    assert_int_equal(desk_promote(desk), 0);
    assert_int_equal(desk_take_back(desk), 0);
    assert_int_equal(desk_take_back_own(desk, "w1", NULL, 0), 0);
    assert_unchanged(desk, before, "clock");

    desk_end_lease(desk, "w1", LIMIT_MS);
    assert_int_equal(desk_take_back(desk), 0);
    assert_int_equal(desk_unregister(desk, "w1"), ERROR_NONE);
    assert_int_equal(desk_unregister(desk, "w1"), ERROR_NONE);
}

/* ---- Who may write ---- */

static void a_run_without_the_claim_changes_nothing_but_the_counter(void **state)
{
    struct queue_desk *desk = *state;
    static const enum run_outcome outcomes[] = {RUN_OK, RUN_FAILED, RUN_RETRY, RUN_PARKED,
                                                RUN_RELEASED};
    struct job_claim stranger = running(desk);
    (void)random_id_make(stranger.token);
    const struct run_counts counts = {.done = 9, .total = 9};
    char *before = desk_dump(desk, "totals");
    assert_int_equal(desk_progress(desk, &stranger, &counts, "\"webhooks\":[]"), ERROR_LOST);
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        assert_int_equal(desk_finish(desk, &stranger, outcomes[i]).code, ERROR_LOST);
    }
    assert_unchanged(desk, before, "totals");
    assert_int_equal(total(desk, "fenced"), 6);
    assert_int_equal(redis_int(queue_desk_redis(desk), "HLEN {t}:totals"), 2);
}

/* ---- Foreign hands ---- */

static void assert_dead(struct queue_desk *desk, const char *words)
{
    json_error_t error;
    const char *text = redis_text(queue_desk_redis(desk), "LINDEX {t}:dead 0");
    json_t *dead = json_loads(text, 0, &error);
    if (dead == NULL) {
        fail_because("%s in %s", error.text, text);
    }
    const char *reason = json_string_value(json_object_get(dead, "error"));
    if (strstr(reason, words) == NULL) {
        fail_because("\"%s\" does not say \"%s\"", reason, words);
    }
    json_decref(dead);
}

static void foreign_elements_end_among_the_dead_and_block_nothing(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    static const char *const elements[][2] = {
        {"", "not a JSON object"},
        {"junk \x01\xff\xfe \"quoted\"", "not a JSON object"},
        {"42", "not a JSON object"},
        {"null", "not a JSON object"},
        {"[]", "\"account\""},
        {"{}", "\"account\""},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "not a JSON object"},
        {"{\"account\":{}}", "\"account\""},
        {"{\"account\":\"Not A Name\",\"id\":\"1\",\"action\":\"execute\"}", "\"account\""},
        {"{\"account\":\"acme\",\"id\":7,\"action\":\"execute\"}", "\"id\""},
        {"{\"account\":\"acme\",\"id\":\"x y\",\"action\":\"execute\"}", "\"id\""},
        {"{\"account\":\"acme\",\"id\":\"ab\",\"action\":\"delete\"}", "\"action\""},
        {"{\"account\":\"acme\",\"id\":\"ab\",\"action\":\"execute\"}", "no such job"},
    };
    (void)desk_register(desk, "w1");
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        redis_do(redis, "LPUSH {t}:queue %s", elements[i][0]);
        if (elements[i][0][0] == '\0') {
            /* No element for the desk, but one for the worker's own list. */
            (void)desk_pop(desk, "w1");
            assert_int_equal(desk_take_back_own(desk, "w1", NULL, 0), 1);
        } else {
            struct claim_answer run = desk_start(desk, "w1");
            assert_int_equal(run.code, ERROR_NONE);
            assert_false(run.is_run);
        }
        assert_dead(desk, elements[i][1]);
        assert_int_equal(redis_int(redis, "LLEN {t}:dead"), (int)i + 1);
        assert_int_equal(redis_int(redis, "EXISTS {t}:processing:w1"), 0);
    }
    assert_string_equal(desk_state(desk, "acme"), "READY");
}

static void foreign_elements_are_found_in_every_list(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    (void)desk_register(desk, "w1");
    redis_do(redis, "LPUSH {t}:processing:w1 junk");
    desk_end_lease(desk, "w1", LIMIT_MS);
    assert_int_equal(desk_take_back(desk), 1);
    redis_do(redis, "ZADD {t}:delayed 5 junk");
    assert_int_equal(desk_promote(desk), 1);
    assert_int_equal(redis_int(redis, "LLEN {t}:dead"), 2);
    assert_int_equal(redis_int(redis, "EXISTS {t}:delayed {t}:processing:w1 {t}:workers"), 0);
}

/* An element of acme, with that job, to be taken next; no run comes of it. */
static void claim_in_vain(struct queue_desk *desk, const char *job)
{
    redis_do(queue_desk_redis(desk), "RPUSH {t}:queue %s%s%s", "{\"id\":\"", job,
             "\",\"account\":\"acme\",\"action\":\"execute\"}");
    struct claim_answer run = desk_start(desk, "w1");
    assert_int_equal(run.code, ERROR_NONE);
    assert_false(run.is_run);
}

static void a_job_that_the_account_never_had_is_foreign_and_one_that_it_had_is_a_copy(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    (void)desk_register(desk, "w1");
    char *first = mem_copy_text(desk_enqueue(desk, "acme").job);
    claim_in_vain(desk, "ffff"); /* while one waits */
    assert_dead(desk, "no such job");
    claim_in_vain(desk, first);
    struct claim_answer run = desk_start(desk, "w1");
    assert_true(run.is_run);
    claim_in_vain(desk, "fff0"); /* while it runs */
    assert_int_equal(desk_finish(desk, &run.claim, RUN_OK).end, JOB_FINISHED);
    (void)desk_enqueue(desk, "acme");
    run = desk_start(desk, "w1");
    assert_int_equal(desk_finish(desk, &run.claim, RUN_OK).end, JOB_FINISHED);
    claim_in_vain(desk, first); /* the history knows it */
    claim_in_vain(desk, "fff1");
    assert_int_equal(redis_int(redis, "LLEN {t}:dead"), 3);
    mem_free(first);
}

static void an_element_longer_than_any_of_ours_is_cut(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    char huge[1500];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    (void)desk_register(desk, "w1");
    redis_do(redis, "LPUSH {t}:queue %s", huge);
    assert_false(desk_start(desk, "w1").is_run);
    assert_dead(desk, "longer than 1024 bytes");
    assert_in_range(strlen(redis_text(redis, "LINDEX {t}:dead 0")), 200, 400);
}

static void a_second_copy_of_a_job_is_dropped(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    (void)desk_enqueue(desk, "acme");
    const char *element = redis_text(redis, "LINDEX {t}:queue 0");
    redis_do(redis, "LPUSH {t}:queue %s", element);
    (void)desk_register(desk, "w1");
    (void)desk_register(desk, "w2");
    struct claim_answer run = desk_start(desk, "w1");
    assert_true(run.is_run);
    assert_false(desk_start(desk, "w2").is_run);
    assert_int_equal(redis_int(redis, "EXISTS {t}:dead {t}:processing:w2"), 0);
    assert_int_equal(redis_int(redis, "LLEN {t}:processing:w1"), 1);

    redis_do(redis, "LPUSH {t}:queue %s", element);
    assert_false(desk_start(desk, "w1").is_run);
    assert_int_equal(redis_int(redis, "LLEN {t}:processing:w1"), 1);
    assert_int_equal(desk_finish(desk, &run.claim, RUN_OK).end, JOB_FINISHED);

    redis_do(redis, "LPUSH {t}:queue %s", element);
    assert_false(desk_start(desk, "w1").is_run);
    assert_string_equal(desk_state(desk, "acme"), "FINISHED");
    assert_int_equal(redis_int(redis, "EXISTS {t}:dead {t}:processing:w1"), 0);
}

static void a_copy_in_a_dead_workers_list_does_not_touch_the_run(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct job_claim run = running(desk);
    (void)desk_register(desk, "dead");
    redis_do(redis, "LPUSH {t}:processing:dead %s",
             redis_text(redis, "LINDEX {t}:processing:w1 0"));
    desk_end_lease(desk, "dead", LIMIT_MS);
    assert_int_equal(desk_take_back(desk), 1);
    assert_string_equal(desk_status(desk, "acme", "phase"), "running");
    assert_int_equal(desk_finish(desk, &run, RUN_OK).end, JOB_FINISHED);
}

/* ---- Redis in trouble ---- */

static void at_full_memory_only_new_jobs_are_refused(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct job_claim run = running(desk);
    (void)desk_enqueue(desk, "second");
    (void)desk_enqueue(desk, "third");
    redis_do(redis, "CONFIG SET maxmemory 1");
    const char *refused = redis_error(redis, "SET {t}:x y");
    assert_int_equal(strncmp(refused, "OOM", 3), 0);

    assert_int_equal(desk_enqueue(desk, "new").code, ERROR_FULL);
    assert_string_equal(desk_state(desk, "new"), "READY");
    assert_int_equal(desk_enqueue(desk, "second").result, ENQUEUE_COALESCED);
    assert_int_equal(desk_enqueue(desk, "acme").result, ENQUEUE_RERUN);
    assert_int_equal(desk_register(desk, "w2"), ERROR_NONE);
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_NONE);
    const struct run_counts counts = {.done = 1};
    assert_int_equal(desk_progress(desk, &run, &counts, "\"webhooks\":[]"), ERROR_NONE);
    assert_int_equal(desk_finish(desk, &run, RUN_OK).end, JOB_REQUEUED);
    assert_int_equal(desk_finish(desk, &(struct job_claim){.account = "acme"}, RUN_OK).code,
                     ERROR_LOST);

    struct claim_answer second = desk_start(desk, "w1");
    assert_string_equal(second.claim.account, "second");
    assert_int_equal(desk_finish(desk, &second.claim, RUN_RETRY).end, JOB_RETRYING);
    assert_becomes_true(is_promoted, desk, LIMIT_MS);
    assert_true(desk_start(desk, "w1").is_run);
    assert_int_equal(desk_unregister(desk, "w1"), ERROR_NONE);
    assert_int_equal(desk_take_back(desk), 1);
    assert_true(desk_abort(desk, "third"));
    assert_int_equal(desk_audit(desk), 0);
    assert_string_equal(desk_state(desk, "third"), "ABORTED");
    struct claim_answer last;
    while ((last = desk_start(desk, "w2")).is_run) {
        assert_int_equal(desk_finish(desk, &last.claim, RUN_OK).end, JOB_FINISHED);
        if (redis_int(redis, "LLEN {t}:queue") == 0) {
            break;
        }
    }
    assert_int_equal(desk_pop(desk, "w2").code, ERROR_FULL);
    assert_int_equal(desk_unregister(desk, "w2"), ERROR_NONE);
}

static void without_the_right_to_publish_every_step_is_taken(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    redis_do(redis, "ACL SETUSER default resetchannels");
    struct job_claim run = running(desk);
    const struct run_counts counts = {.done = 1};
    assert_int_equal(desk_progress(desk, &run, &counts, NULL), ERROR_NONE);
    assert_true(desk_abort(desk, "acme"));
    struct beat_answer beat = desk_beat(desk, "w1");
    assert_string_equal(beat.aborted[0], "acme");
    assert_int_equal(desk_finish(desk, &run, RUN_RETRY).end, JOB_ABORTED);
    redis_do(redis, "ACL SETUSER default allchannels");
}

static void scripts_that_redis_has_lost_are_sent_again(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    redis_do(redis, "SCRIPT FLUSH");
    struct job_claim run = running(desk);
    redis_do(redis, "SCRIPT FLUSH");
    assert_int_equal(desk_finish(desk, &run, RUN_OK).end, JOB_FINISHED);
    assert_int_equal(total(desk, "enqueued"), 1);
    assert_int_equal(total(desk, "finished"), 1);
}

/* ---- What is left behind ---- */

static void an_ended_status_expires_but_not_that_of_a_new_job(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct job_claim run = running(desk);
    const struct run_result result = {.outcome = RUN_OK, .details = "\"webhooks\":[]"};
    (void)desk_finish_with(desk, &run, &result);
    assert_int_equal(redis_int(redis, "EXISTS {t}:report:acme"), 0);
    static const char *const keys[] = {"{t}:status:acme", "{t}:ctl:acme"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_in_range(redis_int(redis, "TTL %s", keys[i]), 86000, 86400);
    }
    assert_in_range(redis_int(redis, "TTL {t}:history:acme"), 2591000, 2592000);
    run = running(desk);
    assert_int_equal(redis_int(redis, "TTL {t}:status:acme"), -1);
    assert_int_equal(redis_int(redis, "TTL {t}:ctl:acme"), -1);
    assert_int_equal(redis_int(redis, "EXISTS {t}:report:acme"), 0);
    const struct run_counts counts = {.done = 1};
    (void)desk_progress(desk, &run, &counts, "\"webhooks\":[]");
    assert_int_equal(redis_int(redis, "TTL {t}:report:acme"), -1);
    assert_in_range(redis_int(redis, "PTTL {t}:worker:w1"), 50000, 60000);
}

static bool only_the_past_is_left(void *arg)
{
    struct redis_fixture *redis = arg;
    return redis_int(redis, "DBSIZE") == redis_int(redis, "EXISTS {t}:totals {t}:dead {t}:clock "
                                                          "{t}:audit {t}:history:a0 {t}:history:a1 "
                                                          "{t}:history:a2 {t}:history:a3");
}

/* All keys together, but the dead, which are a thousand at most. */
static int64_t bytes_of_keys(struct redis_fixture *redis)
{
    static const char script[] = "local sum = 0 "
                                 "for _, key in ipairs(redis.call('KEYS', KEYS[1] .. '*')) do "
                                 "  if key ~= KEYS[1] .. 'dead' then "
                                 "    sum = sum + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0) "
                                 "  end "
                                 "end "
                                 "return sum";
    return redis_int(redis, "EVAL %s 1 {t}:", script);
}

static void end_many_jobs(struct queue_desk *desk)
{
    (void)desk_register(desk, "w1");
    for (int i = 0; i < 200; i++) {
        char account[16];
        (void)snprintf(account, sizeof account, "a%d", i % 4);
        (void)desk_enqueue(desk, account);
        if (i % 5 == 0) {
            (void)desk_abort(desk, account);
            continue;
        }
        struct claim_answer run = desk_start(desk, "w1");
        assert_true(run.is_run);
        const struct run_result result = {.outcome = i % 3 == 0 ? RUN_FAILED : RUN_OK,
                                          .error = i % 3 == 0 ? "no" : NULL,
                                          .details = "\"webhooks\":[]"};
        (void)desk_finish_with(desk, &run.claim, &result);
    }
    (void)desk_audit(desk);
    (void)desk_take_back(desk);
    (void)desk_unregister(desk, "w1");
    assert_becomes_true(only_the_past_is_left, queue_desk_redis(desk), LIMIT_MS);
}

static void after_many_jobs_and_their_time_only_history_is_left(void **state)
{
    /* Lists that are trimmed keep some room. A leak of 41 bytes a job is more. */
    enum { ROOM_BYTES = 8192 };
    struct redis_fixture *redis = queue_desk_redis(*state);
    struct job_queue_options options = desk_options();
    options.result_ttl_s = 1;
    struct queue_desk *desk = queue_desk_new(redis, &options);
    end_many_jobs(desk);
    int64_t bytes = bytes_of_keys(redis);
    end_many_jobs(desk);
    assert_in_range(bytes_of_keys(redis), 1, bytes + ROOM_BYTES);
    for (int i = 0; i < 4; i++) {
        char account[16];
        (void)snprintf(account, sizeof account, "a%d", i);
        assert_string_equal(desk_state(desk, account), "READY");
        assert_int_equal(redis_int(redis, "LLEN {t}:history:%s", account), 20);
    }
    queue_desk_free(desk);
}

static void the_dead_are_a_thousand_at_most(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    redis_do(redis, "EVAL %s 1 {t}:dead", "for i = 1, 1000 do redis.call('LPUSH', KEYS[1], i) end");
    struct job_claim run = running(desk);
    (void)desk_finish(desk, &run, RUN_FAILED);
    assert_int_equal(redis_int(redis, "LLEN {t}:dead"), 1000);
    assert_dead(desk, "it did not work");
    assert_string_equal(redis_text(redis, "LINDEX {t}:dead -1"), "2");
}

static void every_key_has_the_namespaces_tag(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    struct job_claim run = running(desk);
    const struct run_counts counts = {.done = 1};
    (void)desk_progress(desk, &run, &counts, "\"webhooks\":[]");
    (void)desk_abort(desk, "acme");
    (void)desk_enqueue(desk, "other");
    struct claim_answer other = desk_start(desk, "w1");
    (void)desk_finish(desk, &other.claim, RUN_RETRY);
    (void)desk_enqueue(desk, "third");
    other = desk_start(desk, "w1");
    (void)desk_finish(desk, &other.claim, RUN_FAILED);
    (void)desk_enqueue(desk, "fourth");
    (void)desk_take_back(desk);
    (void)desk_audit(desk);
    const struct redis_list *keys = redis_list(redis, "KEYS *");
    assert_in_range(keys->size, 20, 30);
    for (size_t i = 0; i < keys->size; i++) {
        assert_int_equal(strncmp(keys->items[i], "{t}:", 4), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_repeated_enqueue_is_one),
        DESK_TEST(a_repeated_claim_is_one_and_answers_the_same),
        DESK_TEST(a_claim_that_comes_late_touches_nothing),
        DESK_TEST(a_repeated_finish_is_one_and_answers_the_same),
        DESK_TEST(a_repeated_finish_does_not_touch_the_next_job),
        DESK_TEST(repeated_aborts_and_sweeps_are_one),
        DESK_TEST(a_run_without_the_claim_changes_nothing_but_the_counter),
        DESK_TEST(foreign_elements_end_among_the_dead_and_block_nothing),
        DESK_TEST(foreign_elements_are_found_in_every_list),
        DESK_TEST(a_job_that_the_account_never_had_is_foreign_and_one_that_it_had_is_a_copy),
        DESK_TEST(an_element_longer_than_any_of_ours_is_cut),
        DESK_TEST(a_second_copy_of_a_job_is_dropped),
        DESK_TEST(a_copy_in_a_dead_workers_list_does_not_touch_the_run),
        DESK_TEST(at_full_memory_only_new_jobs_are_refused),
        DESK_TEST(without_the_right_to_publish_every_step_is_taken),
        DESK_TEST(scripts_that_redis_has_lost_are_sent_again),
        DESK_TEST(an_ended_status_expires_but_not_that_of_a_new_job),
        DESK_TEST(after_many_jobs_and_their_time_only_history_is_left),
        DESK_TEST(the_dead_are_a_thousand_at_most),
        DESK_TEST(every_key_has_the_namespaces_tag),
    };
    return cmocka_run_group_tests(tests, queue_desk_group_setup, queue_desk_group_teardown);
}
