/* Calls of execute that come in one turn of the loop: one script, and an answer for each. */
#include "common/job_queue.h"
#include "common/mem.h"
#include "tests/support/loop_until.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 20000, CALLS_MAX = 200 };

struct answer {
    bool is_given;
    enum error_code code;
    enum enqueue_result result;
    char job[RANDOM_ID_SIZE];
};

struct rig {
    struct redis_fixture *redis;
    struct loop *loop;
    struct redis_address address;
    struct redis_client *client;
    struct job_queue *queue;
    struct answer answers[CALLS_MAX];
    size_t called;
};

static void on_enqueued(void *arg, enum enqueue_result result, const char *job,
                        const struct error *why_not)
{
    struct answer *answer = arg;
    assert_false(answer->is_given);
    *answer = (struct answer){.is_given = true, .result = result};
    answer->code = why_not == NULL ? ERROR_NONE : why_not->code;
    (void)snprintf(answer->job, sizeof answer->job, "%s", job == NULL ? "" : job);
}

static void enqueue(struct rig *rig, const char *account)
{
    job_queue_enqueue(rig->queue, account, on_enqueued, &rig->answers[rig->called++]);
}

static bool all_are_answered(void *arg)
{
    const struct rig *rig = arg;
    for (size_t i = 0; i < rig->called; i++) {
        if (!rig->answers[i].is_given) {
            return false;
        }
    }
    return true;
}

static void wait_for_answers(struct rig *rig)
{
    assert_loop_reaches(rig->loop, all_are_answered, rig, LIMIT_MS);
}

static void assert_answer(const struct rig *rig, size_t index, enum enqueue_result result)
{
    assert_int_equal(rig->answers[index].code, ERROR_NONE);
    assert_int_equal(rig->answers[index].result, result);
    assert_int_not_equal(rig->answers[index].job[0], '\0');
}

static bool is_up(void *arg)
{
    const struct rig *rig = arg;
    return redis_client_is_up(rig->client);
}

static int setup(void **state)
{
    struct rig *rig = mem_new(1, sizeof *rig);
    rig->redis = redis_fixture_new(NULL);
    rig->loop = loop_new();
    struct error err;
    assert_true(redis_address_parse(&rig->address, redis_fixture_url(rig->redis), &err));
    const struct redis_options redis = {
        .address = &rig->address, .name = "rig", .timeout_ms = LIMIT_MS};
    rig->client = redis_client_new(rig->loop, &redis);
    rig->queue = job_queue_new(rig->client, &(struct job_queue_options){
                                                .namespace_name = "t",
                                                .lease_ms = 15000,
                                                .queue_max = 150,
                                                .result_ttl_s = 86400,
                                                .job_attempts = 3,
                                                .loop = rig->loop,
                                            });
    assert_loop_reaches(rig->loop, is_up, rig, LIMIT_MS);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    redis_client_free(rig->client);
    job_queue_free(rig->queue);
    redis_address_clear(&rig->address);
    loop_free(rig->loop);
    redis_fixture_free(rig->redis);
    mem_free(rig);
    return 0;
}

static int64_t scripts_run(struct rig *rig)
{
    const char *stats = redis_text(rig->redis, "INFO commandstats");
    const char *at = strstr(stats, "cmdstat_evalsha:calls=");
    return at == NULL ? 0 : strtoll(at + strlen("cmdstat_evalsha:calls="), NULL, 10);
}

static void a_burst_costs_few_scripts_and_gives_each_account_its_job(void **state)
{
    struct rig *rig = *state;
    char name[16];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "a%d", i);
        enqueue(rig, name);
    }
    wait_for_answers(rig);
    assert_true(scripts_run(rig) <= 5);
    assert_int_equal(redis_int(rig->redis, "LLEN {t}:queue"), 100);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "a%d", i);
        assert_answer(rig, (size_t)i, ENQUEUE_NEW);
        assert_string_equal(redis_text(rig->redis, "HGET {t}:status:%s job", name),
                            rig->answers[i].job);
    }
}

static void an_account_that_calls_twice_at_once_has_one_job(void **state)
{
    struct rig *rig = *state;
    enqueue(rig, "acme");
    enqueue(rig, "other");
    enqueue(rig, "acme");
    wait_for_answers(rig);
    assert_answer(rig, 0, ENQUEUE_NEW);
    assert_answer(rig, 2, ENQUEUE_COALESCED);
    assert_string_equal(rig->answers[0].job, rig->answers[2].job);
    assert_int_equal(redis_int(rig->redis, "LLEN {t}:queue"), 2);
}

static void one_that_redis_refuses_does_not_refuse_the_others(void **state)
{
    struct rig *rig = *state;
    redis_do(rig->redis, "SET {t}:ctl:bad text");
    enqueue(rig, "first");
    enqueue(rig, "bad");
    enqueue(rig, "last");
    wait_for_answers(rig);
    assert_answer(rig, 0, ENQUEUE_NEW);
    assert_int_equal(rig->answers[1].code, ERROR_REFUSED);
    assert_answer(rig, 2, ENQUEUE_NEW);
    /* The first was done before the error, and once more behind it. */
    assert_int_equal(redis_int(rig->redis, "LLEN {t}:queue"), 2);
    assert_string_equal(redis_text(rig->redis, "HGET {t}:status:first job"), rig->answers[0].job);
}

static void the_queue_is_full_for_those_that_do_not_fit(void **state)
{
    struct rig *rig = *state;
    char name[16];
    for (int i = 0; i < 152; i++) {
        (void)snprintf(name, sizeof name, "a%d", i);
        enqueue(rig, name);
    }
    wait_for_answers(rig);
    assert_answer(rig, 149, ENQUEUE_NEW);
    assert_int_equal(rig->answers[150].code, ERROR_FULL);
    assert_int_equal(rig->answers[151].code, ERROR_FULL);
    assert_int_equal(redis_int(rig->redis, "LLEN {t}:queue"), 150);
}

static void at_full_memory_new_jobs_are_refused_and_others_pass(void **state)
{
    struct rig *rig = *state;
    enqueue(rig, "waiting");
    wait_for_answers(rig);
    redis_do(rig->redis, "CONFIG SET maxmemory 1");
    enqueue(rig, "waiting");
    enqueue(rig, "new");
    enqueue(rig, "waiting");
    wait_for_answers(rig);
    assert_answer(rig, 1, ENQUEUE_COALESCED);
    assert_int_equal(rig->answers[2].code, ERROR_FULL);
    assert_answer(rig, 3, ENQUEUE_COALESCED);
    assert_int_equal(redis_int(rig->redis, "EXISTS {t}:ctl:new {t}:status:new {t}:none"), 0);
}

static void a_script_that_redis_has_lost_is_sent_again(void **state)
{
    struct rig *rig = *state;
    enqueue(rig, "first");
    wait_for_answers(rig);
    redis_do(rig->redis, "SCRIPT FLUSH");
    enqueue(rig, "second");
    enqueue(rig, "third");
    wait_for_answers(rig);
    assert_answer(rig, 1, ENQUEUE_NEW);
    assert_answer(rig, 2, ENQUEUE_NEW);
}

static void without_redis_all_are_told(void **state)
{
    struct rig *rig = *state;
    redis_fixture_kill(rig->redis);
    enqueue(rig, "first");
    enqueue(rig, "second");
    wait_for_answers(rig);
    assert_int_equal(rig->answers[0].code, ERROR_UNAVAILABLE);
    assert_int_equal(rig->answers[1].code, ERROR_UNAVAILABLE);
}

static void what_was_not_sent_is_cancelled_with_the_queue(void **state)
{
    struct rig *rig = *state;
    enqueue(rig, "first");
    enqueue(rig, "second");
    redis_client_free(rig->client);
    rig->client = NULL;
    job_queue_free(rig->queue);
    rig->queue = NULL;
    assert_true(all_are_answered(rig));
    assert_int_equal(rig->answers[0].code, ERROR_CANCELLED);
    assert_int_equal(rig->answers[1].code, ERROR_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_burst_costs_few_scripts_and_gives_each_account_its_job,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_account_that_calls_twice_at_once_has_one_job, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(one_that_redis_refuses_does_not_refuse_the_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_queue_is_full_for_those_that_do_not_fit, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(at_full_memory_new_jobs_are_refused_and_others_pass, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_script_that_redis_has_lost_is_sent_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_redis_all_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_not_sent_is_cancelled_with_the_queue, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
