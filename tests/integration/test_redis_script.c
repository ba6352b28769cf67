/* Scripts: EVALSHA, and EVAL when Redis has lost them. */
#include "common/mem.h"
#include "common/redis_script.h"

#include "tests/support/redis_scene.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char prelude[] = "local function twice(n) return 2 * n end\n";
static const unsigned char body[] = "redis.call('SET', KEYS[1], ARGV[1])\n"
                                    "redis.call('INCRBY', KEYS[2], ARGV[2])\n"
                                    "return twice(tonumber(ARGV[2]))\n";

/* A scene with the script above. */
struct stage {
    struct scene *scene;
    struct redis_script script;
};

static struct stage stage_start(void **state)
{
    struct stage stage = {.scene = *state};
    scene_start_redis(stage.scene, SCENE_LONG_MS);
    const unsigned char *const parts[] = {prelude, NULL, body};
    redis_script_init(&stage.script, parts);
    return stage;
}

static void send_call(struct stage *stage, struct ask *ask, const char *text, int64_t number)
{
    struct redis_command call;
    ask->scene = stage->scene;
    redis_script_call_init(&call, &stage->script, 2);
    redis_command_add(&call, "text");
    redis_command_add(&call, "number");
    redis_command_add(&call, text);
    redis_command_add_int(&call, number);
    redis_script_send(stage->scene->client, &stage->script, &call, on_asked, ask);
    /* The arguments were only borrowed. */
    memset(&call, 0, sizeof call);
}

static int64_t count_of(struct redis_fixture *redis, const char *command)
{
    const char *info = redis_text(redis, "INFO commandstats");
    char field[64];
    (void)snprintf(field, sizeof field, "cmdstat_%s:calls=", command);
    const char *found = strstr(info, field);
    return found == NULL ? 0 : strtoll(found + strlen(field), NULL, 10);
}

static void the_first_call_brings_the_script_and_the_others_only_its_name(void **state)
{
    struct stage stage = stage_start(state);
    struct ask asks[2] = {0};
    send_call(&stage, &asks[0], "one", 21);
    ask_wait(stage.scene, &asks[0]);
    assert_int_equal(asks[0].number, 42);
    send_call(&stage, &asks[1], "two", 21);
    ask_wait(stage.scene, &asks[1]);
    assert_int_equal(asks[1].number, 42);
    assert_string_equal(redis_text(stage.scene->redis, "GET text"), "two");
    assert_int_equal(redis_int(stage.scene->redis, "GET number"), 42);
    assert_int_equal(count_of(stage.scene->redis, "eval"), 1);
    assert_int_equal(count_of(stage.scene->redis, "evalsha"), 2);
}

static void a_flush_between_two_calls_is_not_noticed(void **state)
{
    struct stage stage = stage_start(state);
    for (int round = 0; round < 3; round++) {
        struct ask asks[3] = {0};
        for (size_t i = 0; i < 3; i++) {
            send_call(&stage, &asks[i], "text", 1);
        }
        ask_wait(stage.scene, &asks[2]);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(asks[i].number, 2);
        }
        redis_do(stage.scene->redis, "SCRIPT FLUSH");
    }
    assert_int_equal(redis_int(stage.scene->redis, "GET number"), 9);
}

static void any_bytes_and_sizes_reach_the_script_the_second_time_too(void **state)
{
    struct stage stage = stage_start(state);
    enum { SIZE = 300000 };
    static char bytes[SIZE];
    bytes[1] = '\r';
    bytes[2] = '\n';
    struct redis_command call;
    redis_script_call_init(&call, &stage.script, 2);
    redis_command_add(&call, "text");
    redis_command_add(&call, "number");
    redis_command_add_bytes(&call, bytes, SIZE);
    redis_command_add_int(&call, 1);
    struct ask ask = {.scene = stage.scene};
    redis_script_send(stage.scene->client, &stage.script, &call, on_asked, &ask);
    memset(bytes, 'x', SIZE);
    ask_wait(stage.scene, &ask);
    assert_int_equal(ask.number, 2);
    assert_int_equal(redis_int(stage.scene->redis, "STRLEN text"), SIZE);
    assert_int_equal(redis_int(stage.scene->redis, "BITCOUNT text 0 0"), 0);
}

static void an_error_of_the_script_is_told_once(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct redis_script script;
    const unsigned char *const parts[REDIS_SCRIPT_PARTS_MAX] = {
        (const unsigned char *)"return redis.error_reply('NOTNOW come back later')"};
    redis_script_init(&script, parts);
    struct redis_command call;
    redis_script_call_init(&call, &script, 0);
    struct ask ask = {.scene = scene};
    redis_script_send(scene->client, &script, &call, on_asked, &ask);
    ask_wait(scene, &ask);
    assert_int_equal(ask.code, ERROR_REFUSED);
    assert_non_null(strstr(ask.text, "NOTNOW come back later"));
}

static void a_full_redis_is_told_from_inside_a_script(void **state)
{
    struct stage stage = stage_start(state);
    redis_do(stage.scene->redis, "CONFIG SET maxmemory 1");
    struct ask ask = {0};
    send_call(&stage, &ask, "text", 1);
    ask_wait(stage.scene, &ask);
    assert_int_equal(ask.code, ERROR_FULL);
}

static void calls_in_flight_fail_once_when_the_client_ends(void **state)
{
    struct stage stage = stage_start(state);
    struct ask asks[2] = {0};
    redis_fixture_pause(stage.scene->redis);
    send_call(&stage, &asks[0], "text", 1);
    loop_turn(stage.scene->loop);
    send_call(&stage, &asks[1], "text", 1);
    redis_client_free(stage.scene->client);
    stage.scene->client = NULL;
    assert_int_equal(asks[0].code, ERROR_CANCELLED);
    assert_int_equal(asks[1].code, ERROR_CANCELLED);
}

static void a_restarted_redis_gets_the_script_again(void **state)
{
    struct stage stage = stage_start(state);
    struct ask asks[2] = {0};
    send_call(&stage, &asks[0], "text", 1);
    ask_wait(stage.scene, &asks[0]);
    redis_fixture_kill(stage.scene->redis);
    redis_fixture_start(stage.scene->redis);
    scene_wait_down(stage.scene);
    scene_wait_up(stage.scene);
    send_call(&stage, &asks[1], "text", 1);
    ask_wait(stage.scene, &asks[1]);
    assert_int_equal(asks[1].number, 2);
}

static void its_name_is_the_one_that_redis_gives_it(void **state)
{
    struct stage stage = stage_start(state);
    char *text = redis_script_text(&stage.script);
    assert_string_equal(redis_text(stage.scene->redis, "SCRIPT LOAD %s", text), stage.script.sha1);
    mem_free(text);
}

int main(void)
{
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_new, scene_free)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_first_call_brings_the_script_and_the_others_only_its_name),
        SCENE_TEST(a_flush_between_two_calls_is_not_noticed),
        SCENE_TEST(any_bytes_and_sizes_reach_the_script_the_second_time_too),
        SCENE_TEST(an_error_of_the_script_is_told_once),
        SCENE_TEST(a_full_redis_is_told_from_inside_a_script),
        SCENE_TEST(calls_in_flight_fail_once_when_the_client_ends),
        SCENE_TEST(a_restarted_redis_gets_the_script_again),
        SCENE_TEST(its_name_is_the_one_that_redis_gives_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
