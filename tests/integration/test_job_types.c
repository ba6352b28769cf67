/* Keys of the namespace that another hand has made, of another type: they are named, and what does
   not need them goes on. */
#include "common/mem.h"
#include "tests/support/queue_desk.h"
#include "tests/support/test.h"

#include <string.h>

extern const unsigned char embedded_types_lua[];
extern const unsigned char embedded_audit_lua[];

enum { LOOKED_MAX = 1000 };

static const struct redis_list *look(struct queue_desk *desk)
{
    char *script = desk_script((const char *)embedded_types_lua);
    const struct redis_list *found =
        redis_list(queue_desk_redis(desk), "EVAL %s 1 {t}: 0 20000", script);
    mem_free(script);
    assert_string_equal(found->items[0], "0");
    return found;
}

static void run_one(struct queue_desk *desk, const char *account)
{
    assert_int_equal(desk_enqueue(desk, account).code, ERROR_NONE);
    struct claim_answer run = desk_start(desk, "w1");
    assert_true(run.is_run);
    assert_string_equal(run.claim.account, account);
    const struct run_result result = {.outcome = RUN_OK, .details = "\"webhooks\":[]"};
    assert_int_equal(desk_finish_with(desk, &run.claim, &result).end, JOB_FINISHED);
}

static void every_key_of_ours_has_the_type_that_is_expected(void **state)
{
    struct queue_desk *desk = *state;
    (void)desk_register(desk, "w1");
    run_one(desk, "ended");
    (void)desk_enqueue(desk, "runs");
    struct claim_answer run = desk_start(desk, "w1");
    (void)desk_abort(desk, "runs");
    (void)desk_enqueue(desk, "waits");
    (void)desk_take_back(desk);
    (void)desk_audit(desk);
    (void)desk_beat(desk, "w1");
    assert_int_equal(look(desk)->size, 1);
    (void)desk_finish(desk, &run.claim, RUN_RETRY);
    (void)desk_enqueue(desk, "runs");
    run = desk_start(desk, "w1");
    (void)desk_finish(desk, &run.claim, RUN_RETRY);
    assert_int_equal(look(desk)->size, 1);
}

static void a_key_of_a_wrong_type_is_named(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    redis_do(redis, "SET {t}:queue x");
    redis_do(redis, "SET {t}:unknown x");
    redis_do(redis, "SET elsewhere x");
    const struct redis_list *found = look(desk);
    assert_int_equal(found->size, 4);
    assert_string_equal(found->items[1], "{t}:queue");
    assert_string_equal(found->items[2], "string");
    assert_string_equal(found->items[3], "list");
    redis_do(redis, "LPUSH {t}:status:acme x");
    assert_int_equal(look(desk)->size, 7);
}

static void a_search_is_bounded_and_goes_on_where_it_stopped(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    redis_do(redis, "EVAL %s 0",
             "for i = 1, 5000 do redis.call('SET', '{t}:status:a' .. i, 'x') end");
    char *script = desk_script((const char *)embedded_types_lua);
    const struct redis_list *found = redis_list(redis, "EVAL %s 1 {t}: 0 %d", script, LOOKED_MAX);
    assert_string_not_equal(found->items[0], "0");
    assert_int_equal(found->size, 1 + 3 * 20);
    found = redis_list(redis, "EVAL %s 1 {t}: %s %d", script, found->items[0], 20 * LOOKED_MAX);
    assert_string_equal(found->items[0], "0");
    mem_free(script);
}

static void without_a_queue_jobs_are_refused_and_those_that_run_end(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    (void)desk_register(desk, "w1");
    (void)desk_enqueue(desk, "acme");
    struct claim_answer run = desk_start(desk, "w1");
    redis_do(redis, "SET {t}:queue x");
    char *before = desk_dump(desk, NULL);
    assert_int_equal(desk_enqueue(desk, "other").code, ERROR_REFUSED);
    assert_int_equal(desk_pop(desk, "w1").code, ERROR_REFUSED);
    char *after = desk_dump(desk, NULL);
    assert_string_equal(after, before);
    mem_free(before);
    mem_free(after);
    assert_int_equal(desk_beat(desk, "w1").code, ERROR_NONE);
    assert_int_equal(desk_finish(desk, &run.claim, RUN_OK).end, JOB_FINISHED);
    redis_do(redis, "DEL {t}:queue");
    run_one(desk, "other");
}

static void an_account_whose_key_is_spoilt_holds_up_no_other(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    (void)desk_register(desk, "w1");
    static const char *const keys[] = {"status", "ctl", "history", "report"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        (void)desk_enqueue(desk, "spoilt");
        struct claim_answer run = desk_start(desk, "w1");
        assert_true(run.is_run);
        redis_do(redis, "DEL {t}:%s:spoilt", keys[i]);
        redis_do(redis, "ZADD {t}:%s:spoilt 1 x", keys[i]);
        (void)desk_finish(desk, &run.claim, RUN_OK);
        run_one(desk, "acme");
        redis_do(redis, "FLUSHALL");
        (void)desk_register(desk, "w1");
    }
}

static void the_audit_goes_past_a_spoilt_account(void **state)
{
    struct queue_desk *desk = *state;
    struct redis_fixture *redis = queue_desk_redis(desk);
    (void)desk_enqueue(desk, "spoilt");
    (void)desk_enqueue(desk, "acme");
    redis_do(redis, "DEL {t}:queue {t}:ctl:spoilt");
    redis_do(redis, "SET {t}:ctl:spoilt x");
    char *script = desk_script((const char *)embedded_audit_lua);
    /* Seen twice, and no time apart is asked for. */
    for (int i = 0; i < 2; i++) {
        const char *why_not =
            redis_error(redis, "EVAL %s 1 {t}: 500 200000 1000 0 86400 3600000 10", script);
        assert_non_null(strstr(why_not, "WRONGTYPE"));
    }
    mem_free(script);
    assert_int_equal(redis_int(redis, "LLEN {t}:queue"), 1);
    (void)desk_register(desk, "w1");
    assert_string_equal(desk_start(desk, "w1").claim.account, "acme");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(every_key_of_ours_has_the_type_that_is_expected),
        DESK_TEST(a_key_of_a_wrong_type_is_named),
        DESK_TEST(a_search_is_bounded_and_goes_on_where_it_stopped),
        DESK_TEST(without_a_queue_jobs_are_refused_and_those_that_run_end),
        DESK_TEST(an_account_whose_key_is_spoilt_holds_up_no_other),
        DESK_TEST(the_audit_goes_past_a_spoilt_account),
    };
    return cmocka_run_group_tests(tests, queue_desk_group_setup, queue_desk_group_teardown);
}
