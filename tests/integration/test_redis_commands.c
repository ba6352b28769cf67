/* What the Redis client sends and how it takes the answers: order, bytes, errors, limits. */
#include "common/redis_client.h"

#include "tests/support/redis_scene.h"
#include "tests/support/test.h"

#include <string.h>

static void commands_are_answered_in_the_order_in_which_they_were_sent(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct ask asks[4] = {0};
    ask_send(&asks[0], scene, "SET key value");
    ask_send(&asks[1], scene, "INCR number");
    ask_send(&asks[2], scene, "GET key");
    ask_send(&asks[3], scene, "GET nothing");
    ask_wait(scene, &asks[3]);
    assert_string_equal(asks[0].text, "OK");
    assert_int_equal(asks[1].number, 1);
    assert_string_equal(asks[2].text, "value");
    assert_int_equal(asks[3].code, ERROR_NONE);
}

struct binary {
    unsigned answers;
    size_t size;
    char bytes[8];
};

static void on_binary(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    struct binary *binary = arg;
    binary->answers++;
    assert_null(why_not);
    assert_int_equal(redis_reply_count(reply), 3);
    assert_null(redis_reply_at(reply, 3));
    assert_true(redis_reply_is_nil(redis_reply_at(reply, 2)));
    assert_int_equal(redis_reply_int(redis_reply_at(reply, 1), -1), -12);
    const char *bytes = redis_reply_text(redis_reply_at(reply, 0), &binary->size);
    memcpy(binary->bytes, bytes, binary->size);
}

static bool is_binary_answered(void *arg)
{
    const struct binary *binary = arg;
    return binary->answers > 0;
}

static void any_bytes_and_numbers_are_sent_and_read_as_they_are(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct redis_command command;
    struct ask ask = {.scene = scene};
    redis_command_init(&command, "MSET");
    redis_command_add(&command, "binary");
    redis_command_add_bytes(&command, "\0\r\n$\xff", 5);
    redis_command_add(&command, "number");
    redis_command_add_int(&command, -12);
    redis_command_add(&command, "empty");
    redis_command_add(&command, NULL);
    redis_client_send(scene->client, &command, 0, on_asked, &ask);
    ask_wait(scene, &ask);
    redis_command_init(&command, "MGET");
    redis_command_add(&command, "binary");
    redis_command_add(&command, "number");
    redis_command_add(&command, "nothing");
    struct binary binary = {0};
    redis_client_send(scene->client, &command, 0, on_binary, &binary);
    assert_loop_reaches(scene->loop, is_binary_answered, &binary, SCENE_LIMIT_MS);
    assert_int_equal(binary.size, 5);
    assert_memory_equal(binary.bytes, "\0\r\n$\xff", 5);
    assert_int_equal(redis_int(scene->redis, "STRLEN empty"), 0);
}

static void an_error_reply_is_told_in_rediss_words(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    (void)ask_once(scene, "SET key value");
    struct ask ask = ask_once(scene, "LPUSH key value");
    assert_int_equal(ask.code, ERROR_REFUSED);
    assert_non_null(strstr(ask.text, "WRONGTYPE"));
    assert_string_equal(ask_once(scene, "GET key").text, "value");
    assert_int_equal(scene->downs, 0);
}

static void a_redis_that_is_out_of_memory_is_full(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    redis_do(scene->redis, "CONFIG SET maxmemory 1");
    assert_int_equal(ask_once(scene, "SET key value").code, ERROR_FULL);
    redis_do(scene->redis, "CONFIG SET maxmemory 0");
    assert_string_equal(ask_once(scene, "SET key value").text, "OK");
    assert_int_equal(scene->downs, 0);
}

static void a_demoted_master_is_left_until_it_is_one_again(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    redis_do(scene->redis, "REPLICAOF 127.0.0.1 1");
    struct ask ask = ask_once(scene, "SET key value");
    assert_int_equal(ask.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(ask.text, "READONLY"));
    scene_wait_down(scene);
    redis_do(scene->redis, "REPLICAOF NO ONE");
    scene_wait_up(scene);
    assert_string_equal(ask_once(scene, "SET key value").text, "OK");
}

static void a_blocking_command_ends_when_its_master_is_demoted(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct ask ask = {0};
    ask_blocking(&ask, scene, "BLPOP nothing 100", SCENE_LONG_MS);
    loop_turn(scene->loop);
    redis_do(scene->redis, "REPLICAOF 127.0.0.1 1");
    ask_wait(scene, &ask);
    assert_int_equal(ask.code, ERROR_UNAVAILABLE);
    scene_wait_down(scene);
    redis_do(scene->redis, "REPLICAOF NO ONE");
    scene_wait_up(scene);
}

static void more_than_may_wait_are_refused(void **state)
{
    struct scene *scene = *state;
    scene->pending_max = 2;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct ask asks[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        ask_send(&asks[i], scene, "PING");
    }
    for (size_t i = 0; i < 3; i++) {
        ask_wait(scene, &asks[i]);
    }
    assert_string_equal(asks[1].text, "PONG");
    assert_int_equal(asks[2].code, ERROR_FULL);
    assert_string_equal(ask_once(scene, "PING").text, "PONG");
}

int main(void)
{
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_new, scene_free)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(commands_are_answered_in_the_order_in_which_they_were_sent),
        SCENE_TEST(any_bytes_and_numbers_are_sent_and_read_as_they_are),
        SCENE_TEST(an_error_reply_is_told_in_rediss_words),
        SCENE_TEST(a_redis_that_is_out_of_memory_is_full),
        SCENE_TEST(a_demoted_master_is_left_until_it_is_one_again),
        SCENE_TEST(a_blocking_command_ends_when_its_master_is_demoted),
        SCENE_TEST(more_than_may_wait_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
