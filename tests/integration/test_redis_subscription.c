/* A subscription that outlives its connections. */
#include "common/redis_client.h"

#include "tests/support/redis_scene.h"
#include "tests/support/test.h"

#include <string.h>

enum { MESSAGE_MAX = 64 };

struct ear {
    struct scene *scene;
    unsigned heard;
    size_t size;
    char last[MESSAGE_MAX];
    bool frees_client;
};

static void on_message(void *arg, const char *message, size_t size)
{
    struct ear *ear = arg;
    ear->heard++;
    ear->size = size;
    assert_true(size < MESSAGE_MAX);
    memcpy(ear->last, message, size + 1);
    if (ear->frees_client) {
        redis_client_free(ear->scene->client);
        ear->scene->client = NULL;
    }
}

static void ear_start(struct ear *ear, struct scene *scene, const char *url, int64_t timeout_ms)
{
    *ear = (struct ear){.scene = scene};
    scene_connect(scene, url, timeout_ms);
    redis_client_subscribe(scene->client, "news", on_message, ear);
    scene_wait_up(scene);
}

static bool has_heard(void *arg)
{
    const struct ear *ear = arg;
    return ear->heard > 0;
}

static bool has_heard_two(void *arg)
{
    const struct ear *ear = arg;
    return ear->heard == 2;
}

static void every_message_since_up_is_heard(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    struct ear ear;
    ear_start(&ear, scene, redis_fixture_url(scene->redis), SCENE_LONG_MS);
    /* Up means subscribed. */
    assert_int_equal(redis_int(scene->redis, "PUBLISH news first"), 1);
    assert_int_equal(redis_int(scene->redis, "PUBLISH other second"), 0);
    const char *publish = "return redis.call('PUBLISH', 'news', 'a\\0b')";
    assert_int_equal(redis_int(scene->redis, "EVAL %s 0", publish), 1);
    assert_loop_reaches(scene->loop, has_heard_two, &ear, SCENE_LIMIT_MS);
    assert_int_equal(ear.size, 3);
    assert_memory_equal(ear.last, "a\0b", 3);
}

static void it_survives_a_restart_of_the_server(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    struct ear ear;
    ear_start(&ear, scene, redis_fixture_url(scene->redis), SCENE_LONG_MS);
    for (int round = 0; round < 2; round++) {
        redis_fixture_kill(scene->redis);
        scene_wait_down(scene);
        redis_fixture_start(scene->redis);
        scene_wait_up(scene);
        ear.heard = 0;
        assert_int_equal(redis_int(scene->redis, "PUBLISH news again"), 1);
        assert_loop_reaches(scene->loop, has_heard, &ear, SCENE_LIMIT_MS);
        assert_string_equal(ear.last, "again");
    }
    assert_int_equal(redis_client_reconnects(scene->client), 2);
}

static void a_server_that_falls_silent_is_noticed(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    struct ear ear;
    ear_start(&ear, scene, redis_fixture_url(scene->redis), SCENE_SHORT_MS);
    redis_fixture_pause(scene->redis);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_TIMEOUT);
    redis_fixture_resume(scene->redis);
    scene_wait_up(scene);
    assert_int_equal(redis_int(scene->redis, "PUBLISH news again"), 1);
    assert_loop_reaches(scene->loop, has_heard, &ear, SCENE_LIMIT_MS);
}

static bool is_asked_again(void *arg)
{
    const struct scene *scene = arg;
    return fake_redis_reads(scene->fake) >= 3;
}

static void a_server_that_answers_is_kept(void **state)
{
    struct scene *scene = *state;
    scene->fake = fake_redis_new(scene->loop, scene->dir);
    fake_redis_answer(scene->fake, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    struct ear ear;
    ear_start(&ear, scene, fake_redis_url(scene->fake), SCENE_SHORT_MS);
    assert_loop_reaches(scene->loop, is_asked_again, scene, SCENE_LIMIT_MS);
    loop_turn(scene->loop);
    assert_int_equal(scene->downs, 0);
    assert_int_equal(ear.heard, 0);
}

static void a_channel_that_an_acl_forbids_is_told(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    redis_do(scene->redis, "ACL SETUSER default resetchannels");
    struct ear ear = {.scene = scene};
    scene_connect(scene, redis_fixture_url(scene->redis), SCENE_LONG_MS);
    redis_client_subscribe(scene->client, "news", on_message, &ear);
    scene_wait_down(scene);
    assert_non_null(strstr(scene->why_down.text, "NOPERM"));
    redis_do(scene->redis, "ACL SETUSER default allchannels");
    scene_wait_up(scene);
}

static void a_subscription_may_be_begun_when_up_already(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct ear ear = {.scene = scene};
    redis_client_subscribe(scene->client, "news", on_message, &ear);
    while (redis_int(scene->redis, "PUBLISH news hello") == 0) {
        loop_turn(scene->loop);
    }
    assert_loop_reaches(scene->loop, has_heard, &ear, SCENE_LIMIT_MS);
    assert_string_equal(ear.last, "hello");
}

static void a_free_from_a_message_is_safe(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    struct ear ear;
    ear_start(&ear, scene, redis_fixture_url(scene->redis), SCENE_LONG_MS);
    ear.frees_client = true;
    for (int i = 0; i < 3; i++) {
        redis_do(scene->redis, "PUBLISH news hello");
    }
    assert_loop_reaches(scene->loop, has_heard, &ear, SCENE_LIMIT_MS);
    loop_turn(scene->loop);
    assert_int_equal(ear.heard, 1);
}

int main(void)
{
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_new, scene_free)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(every_message_since_up_is_heard),
        SCENE_TEST(it_survives_a_restart_of_the_server),
        SCENE_TEST(a_server_that_falls_silent_is_noticed),
        SCENE_TEST(a_server_that_answers_is_kept),
        SCENE_TEST(a_channel_that_an_acl_forbids_is_told),
        SCENE_TEST(a_subscription_may_be_begun_when_up_already),
        SCENE_TEST(a_free_from_a_message_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
