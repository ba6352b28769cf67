/* Jobs that replicas are to confirm: no answer but an error before they have. */
#include "common/job_queue.h"
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/loop_until.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 30000, CALLS_MAX = 200, WAIT_MS = 1500 };

struct answer {
    bool is_given;
    enum error_code code;
    char text[ERROR_TEXT_SIZE];
};

/* A queue on two connections, as the API has it. */
struct desk {
    struct redis_client *client;
    struct redis_client *confirming;
    struct job_queue *queue;
};

struct rig {
    struct redis_fixture *master;
    struct redis_fixture *replica;
    struct loop *loop;
    struct redis_address address;
    struct desk desks[2];
    struct answer answers[CALLS_MAX];
    size_t called;
    bool has_state;
};

static void on_enqueued(void *arg, enum enqueue_result result, const char *job,
                        const struct error *why_not)
{
    struct answer *answer = arg;
    (void)result;
    assert_false(answer->is_given);
    assert_int_equal(job == NULL, why_not != NULL);
    answer->is_given = true;
    answer->code = why_not == NULL ? ERROR_NONE : why_not->code;
    (void)snprintf(answer->text, sizeof answer->text, "%s", why_not == NULL ? "" : why_not->text);
}

static void enqueue(struct rig *rig, size_t desk, const char *account)
{
    assert_true(rig->called < CALLS_MAX);
    job_queue_enqueue(rig->desks[desk].queue, account, on_enqueued, &rig->answers[rig->called++]);
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

/* One call, whose answer must be code. */
static void expect(struct rig *rig, size_t desk, const char *account, enum error_code code)
{
    enqueue(rig, desk, account);
    wait_for_answers(rig);
    const struct answer *answer = &rig->answers[rig->called - 1];
    if (answer->code != code) {
        fail_msg("%s: %d (%s)", account, answer->code, answer->text);
    }
}

static bool desks_are_up(void *arg)
{
    const struct rig *rig = arg;
    for (size_t i = 0; i < 2; i++) {
        if (!redis_client_is_up(rig->desks[i].client) ||
            !redis_client_is_up(rig->desks[i].confirming)) {
            return false;
        }
    }
    return true;
}

static void open_desk(struct rig *rig, struct desk *desk)
{
    const struct redis_options redis = {
        .address = &rig->address, .name = "rig", .timeout_ms = LIMIT_MS};
    desk->client = redis_client_new(rig->loop, &redis);
    desk->confirming = redis_client_new(rig->loop, &redis);
    desk->queue = job_queue_new(desk->client, &(struct job_queue_options){
                                                  .namespace_name = "t",
                                                  .lease_ms = 15000,
                                                  .queue_max = 150,
                                                  .result_ttl_s = 86400,
                                                  .job_attempts = 3,
                                                  .loop = rig->loop,
                                                  .wait_replicas = 1,
                                                  .wait_ms = WAIT_MS,
                                                  .confirming = desk->confirming,
                                              });
}

static int setup(void **state)
{
    struct rig *rig = mem_new(1, sizeof *rig);
    rig->master = redis_fixture_new(&(struct redis_fixture_options){.is_tcp = true});
    rig->loop = loop_new();
    struct error err;
    assert_true(redis_address_parse(&rig->address, redis_fixture_url(rig->master), &err));
    open_desk(rig, &rig->desks[0]);
    open_desk(rig, &rig->desks[1]);
    assert_loop_reaches(rig->loop, desks_are_up, rig, LIMIT_MS);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < 2; i++) {
        redis_client_free(rig->desks[i].client);
        redis_client_free(rig->desks[i].confirming);
        job_queue_free(rig->desks[i].queue);
    }
    redis_address_clear(&rig->address);
    loop_free(rig->loop);
    redis_fixture_free(rig->replica);
    redis_fixture_free(rig->master);
    mem_free(rig);
    return 0;
}

static bool has_online_replica(void *arg)
{
    struct rig *rig = arg;
    return strstr(redis_text(rig->master, "INFO replication"), "state=online") != NULL;
}

static void start_replica(struct rig *rig)
{
    const char *port = strrchr(redis_fixture_address(rig->master), ':') + 1;
    rig->replica = redis_fixture_new(&(struct redis_fixture_options){
        .args = (const char *const[]){"--replicaof", "127.0.0.1", port, NULL}});
    redis_do(rig->master, "CONFIG SET repl-diskless-sync-delay 0");
    assert_true(wait_until(has_online_replica, rig, LIMIT_MS));
}

static void a_job_that_a_replica_has_is_confirmed(void **state)
{
    struct rig *rig = *state;
    start_replica(rig);
    for (int i = 0; i < 20; i++) {
        char account[16];
        (void)snprintf(account, sizeof account, "a%d", i);
        expect(rig, 0, account, ERROR_NONE);
        assert_int_equal(redis_int(rig->replica, "LLEN {t}:queue"), i + 1);
    }
}

static void without_a_replica_nothing_is_confirmed(void **state)
{
    struct rig *rig = *state;
    int64_t began_ms = now_mono_ms();
    expect(rig, 0, "acme", ERROR_UNAVAILABLE);
    assert_true(now_mono_ms() - began_ms >= WAIT_MS - 50);
    assert_non_null(strstr(rig->answers[0].text, "only 0 of 1 replicas"));
    assert_int_equal(redis_int(rig->master, "LLEN {t}:queue"), 1);
}

static void a_replica_that_hangs_confirms_when_it_is_back(void **state)
{
    struct rig *rig = *state;
    start_replica(rig);
    expect(rig, 0, "acme", ERROR_NONE);
    redis_fixture_pause(rig->replica);
    expect(rig, 0, "beta", ERROR_UNAVAILABLE);
    redis_fixture_resume(rig->replica);
    expect(rig, 0, "beta", ERROR_NONE);
}

/* The job was written by another connection, whose WAIT has failed: this one writes nothing. */
static void a_job_that_is_there_already_must_be_on_the_replica_too(void **state)
{
    struct rig *rig = *state;
    start_replica(rig);
    expect(rig, 1, "warm", ERROR_NONE);
    redis_fixture_pause(rig->replica);
    expect(rig, 0, "acme", ERROR_UNAVAILABLE);
    expect(rig, 1, "acme", ERROR_UNAVAILABLE);
    redis_fixture_resume(rig->replica);
    expect(rig, 1, "acme", ERROR_NONE);
}

static void on_state(void *arg, const char *text, const struct error *why_not)
{
    struct rig *rig = arg;
    assert_null(why_not);
    assert_string_equal(text, "WORKING");
    rig->has_state = true;
}

static bool has_state(void *arg)
{
    const struct rig *rig = arg;
    return rig->has_state;
}

static void other_calls_do_not_wait_for_replicas(void **state)
{
    struct rig *rig = *state;
    expect(rig, 0, "acme", ERROR_UNAVAILABLE);
    enqueue(rig, 0, "beta");
    job_queue_get_state(rig->desks[0].queue, "acme", on_state, rig);
    assert_loop_reaches(rig->loop, has_state, rig, LIMIT_MS);
    assert_false(rig->answers[1].is_given);
    wait_for_answers(rig);
}

static int64_t waits_done(struct rig *rig)
{
    const char *stats = redis_text(rig->master, "INFO commandstats");
    const char *at = strstr(stats, "cmdstat_wait:calls=");
    return at == NULL ? 0 : strtoll(at + strlen("cmdstat_wait:calls="), NULL, 10);
}

static bool is_first_answered(void *arg)
{
    const struct rig *rig = arg;
    return rig->answers[0].is_given;
}

static void calls_share_a_wait(void **state)
{
    struct rig *rig = *state;
    char account[16];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(account, sizeof account, "a%d", i);
        enqueue(rig, 0, account);
    }
    assert_loop_reaches(rig->loop, is_first_answered, rig, LIMIT_MS);
    for (int i = 0; i < 20; i++) {
        enqueue(rig, 0, account);
        loop_turn(rig->loop);
    }
    wait_for_answers(rig);
    assert_true(waits_done(rig) <= 5);
    for (size_t i = 0; i < rig->called; i++) {
        assert_int_equal(rig->answers[i].code, ERROR_UNAVAILABLE);
    }
}

static void a_redis_that_has_lost_the_script_is_waited_for_all_the_same(void **state)
{
    struct rig *rig = *state;
    start_replica(rig);
    expect(rig, 0, "acme", ERROR_NONE);
    redis_fixture_pause(rig->replica);
    redis_do(rig->master, "SCRIPT FLUSH");
    expect(rig, 0, "beta", ERROR_UNAVAILABLE);
    redis_fixture_resume(rig->replica);
}

static bool is_a_wait_under_way(void *arg)
{
    struct rig *rig = arg;
    return strstr(redis_text(rig->master, "CLIENT LIST"), "cmd=wait") != NULL;
}

/* The calls are two scripts: when the first is answered its WAIT is sent behind the second, which
   is answered before that WAIT. */
static void a_connection_lost_in_the_wait_confirms_nothing(void **state)
{
    enum { CALLS = 40 };
    struct rig *rig = *state;
    for (int i = 0; i < CALLS; i++) {
        char account[16];
        (void)snprintf(account, sizeof account, "a%d", i);
        enqueue(rig, 0, account);
    }
    assert_loop_reaches(rig->loop, is_a_wait_under_way, rig, LIMIT_MS);
    assert_int_equal(redis_int(rig->master, "LLEN {t}:queue"), CALLS);
    enqueue(rig, 0, "beta");
    loop_turn(rig->loop);
    redis_do(rig->master, "CLIENT KILL TYPE normal SKIPME yes");
    wait_for_answers(rig);
    for (size_t i = 0; i < rig->called; i++) {
        assert_int_equal(rig->answers[i].code, ERROR_UNAVAILABLE);
    }
}

static void a_queue_that_is_taken_down_answers_what_waits(void **state)
{
    struct rig *rig = *state;
    enqueue(rig, 0, "acme");
    assert_loop_reaches(rig->loop, is_a_wait_under_way, rig, LIMIT_MS);
    redis_client_free(rig->desks[0].confirming);
    rig->desks[0].confirming = NULL;
    assert_true(rig->answers[0].is_given);
    assert_int_equal(rig->answers[0].code, ERROR_CANCELLED);
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_job_that_a_replica_has_is_confirmed),
        RIG_TEST(without_a_replica_nothing_is_confirmed),
        RIG_TEST(a_replica_that_hangs_confirms_when_it_is_back),
        RIG_TEST(a_job_that_is_there_already_must_be_on_the_replica_too),
        RIG_TEST(other_calls_do_not_wait_for_replicas),
        RIG_TEST(calls_share_a_wait),
        RIG_TEST(a_redis_that_has_lost_the_script_is_waited_for_all_the_same),
        RIG_TEST(a_connection_lost_in_the_wait_confirms_nothing),
        RIG_TEST(a_queue_that_is_taken_down_answers_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
