/* The Redis client against a Redis that starts, stops, hangs and comes back. */
#include "common/redis_client.h"

#include "common/mem.h"
#include "common/now.h"
#include "tests/support/redis_scene.h"
#include "tests/support/tcp_proxy.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <string.h>

/* ---- Connecting ---- */

/* What makes the fixture's scheme of "redis". */
static const char *s_of(const struct scene *scene)
{
    return redis_fixture_ca_file(scene->redis) == NULL ? "" : "s";
}

static void it_connects_when_the_server_comes_up_later(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    redis_fixture_stop(scene->redis);
    scene_connect(scene, redis_fixture_url(scene->redis), SCENE_LONG_MS);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(scene->why_down.text, "cannot connect"));
    assert_string_equal(redis_client_why_down(scene->client), scene->why_down.text);
    assert_int_equal(ask_once(scene, "PING").code, ERROR_UNAVAILABLE);
    redis_fixture_start(scene->redis);
    scene_wait_up(scene);
    assert_string_equal(redis_client_why_down(scene->client), "");
    assert_true(redis_client_is_up(scene->client));
    assert_string_equal(ask_once(scene, "PING").text, "PONG");
    assert_int_equal(redis_client_reconnects(scene->client), 0);
    assert_int_equal(scene->downs, 1);
}

static void tcp_with_a_password_a_database_and_a_name(void **state)
{
    struct scene *scene = *state;
    const struct redis_fixture_options options = {.is_tcp = true, .password = "hunter2"};
    scene->redis = redis_fixture_new(&options);
    char url[ERROR_TEXT_SIZE];
    (void)snprintf(url, sizeof url, "redis%s://default:hunter2@%s/3", s_of(scene),
                   redis_fixture_address(scene->redis));
    scene_connect(scene, url, SCENE_LONG_MS);
    scene_wait_up(scene);
    assert_string_equal(ask_once(scene, "SET place here").text, "OK");
    assert_string_equal(ask_once(scene, "CLIENT GETNAME").text, "test-client");
    redis_do(scene->redis, "SELECT 3");
    assert_string_equal(redis_text(scene->redis, "GET place"), "here");
}

static void a_refused_password_is_the_reason_until_it_is_right(void **state)
{
    struct scene *scene = *state;
    const struct redis_fixture_options options = {.is_tcp = true, .password = "right"};
    scene->redis = redis_fixture_new(&options);
    char url[ERROR_TEXT_SIZE];
    (void)snprintf(url, sizeof url, "redis%s://:hunter2@%s", s_of(scene),
                   redis_fixture_address(scene->redis));
    scene_connect(scene, url, SCENE_LONG_MS);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_UNAUTHORIZED);
    assert_non_null(strstr(scene->why_down.text, "WRONGPASS"));
    assert_null(strstr(scene->why_down.text, "hunter2"));
    redis_do(scene->redis, "CONFIG SET requirepass hunter2");
    scene_wait_up(scene);
    assert_int_equal(scene->downs, 1);
}

static void a_missing_password_is_told(void **state)
{
    struct scene *scene = *state;
    const struct redis_fixture_options options = {.is_tcp = true, .password = "hunter2"};
    scene->redis = redis_fixture_new(&options);
    char url[ERROR_TEXT_SIZE];
    (void)snprintf(url, sizeof url, "redis%s://%s", s_of(scene),
                   redis_fixture_address(scene->redis));
    scene_connect(scene, url, SCENE_LONG_MS);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_UNAUTHORIZED);
    assert_non_null(strstr(scene->why_down.text, "NOAUTH"));
}

static void a_password_where_none_is_wanted_is_told(void **state)
{
    struct scene *scene = *state;
    const struct redis_fixture_options options = {.is_tcp = true};
    scene->redis = redis_fixture_new(&options);
    char url[ERROR_TEXT_SIZE];
    (void)snprintf(url, sizeof url, "redis%s://:hunter2@%s", s_of(scene),
                   redis_fixture_address(scene->redis));
    scene_connect(scene, url, SCENE_LONG_MS);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_UNAUTHORIZED);
    assert_non_null(strstr(scene->why_down.text, "has none"));
}

static void a_database_that_does_not_exist_is_told(void **state)
{
    struct scene *scene = *state;
    const struct redis_fixture_options options = {.is_tcp = true};
    scene->redis = redis_fixture_new(&options);
    char url[ERROR_TEXT_SIZE];
    (void)snprintf(url, sizeof url, "redis%s://%s/99", s_of(scene),
                   redis_fixture_address(scene->redis));
    scene_connect(scene, url, SCENE_LONG_MS);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_REFUSED);
    assert_non_null(strstr(scene->why_down.text, "DB index is out of range"));
}

/* ---- Losing the connection ---- */

static void commands_in_flight_fail_once_when_the_server_is_killed(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct ask asks[3] = {0};
    ask_blocking(&asks[0], scene, "BLPOP nothing 100", SCENE_LONG_MS);
    ask_send(&asks[1], scene, "PING");
    ask_send(&asks[2], scene, "PING");
    loop_turn(scene->loop);
    redis_fixture_kill(scene->redis);
    ask_wait(scene, &asks[2]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(asks[i].answers, 1);
        assert_int_equal(asks[i].code, ERROR_UNAVAILABLE);
    }
    scene_wait_down(scene);
    redis_fixture_start(scene->redis);
    scene_wait_up(scene);
    assert_int_equal(redis_client_reconnects(scene->client), 1);
    assert_string_equal(ask_once(scene, "PING").text, "PONG");
}

static void a_silent_server_is_noticed_by_the_oldest_command(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_SHORT_MS);
    redis_fixture_pause(scene->redis);
    int64_t start_ms = now_mono_ms();
    struct ask asks[2] = {0};
    ask_send(&asks[0], scene, "PING");
    ask_send(&asks[1], scene, "PING");
    ask_wait(scene, &asks[1]);
    assert_in_range(now_mono_ms() - start_ms, SCENE_SHORT_MS, SCENE_LIMIT_MS);
    assert_int_equal(asks[0].code, ERROR_TIMEOUT);
    assert_int_equal(asks[1].code, ERROR_UNAVAILABLE);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_TIMEOUT);
    redis_fixture_resume(scene->redis);
    scene_wait_up(scene);
}

static void a_server_that_hangs_from_the_start_is_told(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    redis_fixture_pause(scene->redis);
    scene_connect(scene, redis_fixture_url(scene->redis), SCENE_SHORT_MS);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_TIMEOUT);
    redis_fixture_resume(scene->redis);
    scene_wait_up(scene);
}

static bool is_late(void *arg)
{
    const int64_t *end_ms = arg;
    return now_mono_ms() >= *end_ms;
}

static void a_reply_that_is_there_is_taken_although_we_look_late(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_SHORT_MS);
    struct ask asks[2] = {0};
    /* More than hiredis reads in one turn, so that the second is overdue when the first is read. */
    redis_do(scene->redis, "SETRANGE big 200000 x");
    ask_send(&asks[0], scene, "GET big");
    ask_send(&asks[1], scene, "PING");
    loop_turn(scene->loop);
    int64_t end_ms = now_mono_ms() + 2LL * SCENE_SHORT_MS;
    (void)wait_until(is_late, &end_ms, SCENE_LIMIT_MS); /* as if this process had been stopped */
    ask_wait(scene, &asks[1]);
    assert_int_equal(asks[0].code, ERROR_NONE);
    assert_string_equal(asks[1].text, "PONG");
    assert_int_equal(scene->downs, 0);
}

static void a_command_whose_answer_is_lost_may_have_been_done(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    struct tcp_proxy *proxy = tcp_proxy_new("127.0.0.1:0", redis_fixture_address(scene->redis));
    char url[ERROR_TEXT_SIZE];
    (void)snprintf(url, sizeof url, "redis%s://%s", s_of(scene), tcp_proxy_address(proxy));
    scene_connect(scene, url, SCENE_SHORT_MS);
    scene_wait_up(scene);
    tcp_proxy_set(proxy, TCP_PROXY_BLACKHOLE_DOWN);
    assert_int_equal(ask_once(scene, "SET key value").code, ERROR_TIMEOUT);
    assert_string_equal(redis_text(scene->redis, "GET key"), "value");
    scene_wait_down(scene);
    tcp_proxy_set(proxy, TCP_PROXY_FORWARD);
    scene_wait_up(scene);
    assert_string_equal(ask_once(scene, "GET key").text, "value");
    tcp_proxy_cut(proxy);
    scene_wait_down(scene);
    scene_wait_up(scene);
    redis_client_free(scene->client);
    scene->client = NULL;
    tcp_proxy_free(proxy);
}

static void a_blocking_command_has_its_extra_time_and_those_behind_it_too(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_SHORT_MS);
    struct ask asks[3] = {0};
    ask_blocking(&asks[0], scene, "BLPOP nothing 0.6", 2LL * SCENE_SHORT_MS);
    ask_send(&asks[1], scene, "PING");
    ask_blocking(&asks[2], scene, "BLPOP nothing 0.6", 2LL * SCENE_SHORT_MS);
    ask_wait(scene, &asks[2]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(asks[i].code, ERROR_NONE);
    }
    assert_int_equal(scene->downs, 0);
}

static void the_time_that_a_blocking_command_did_not_need_is_nobodys(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_SHORT_MS);
    struct ask ask = {0};
    ask_blocking(&ask, scene, "BLPOP nothing 0.01", SCENE_LONG_MS);
    ask_wait(scene, &ask);
    redis_fixture_pause(scene->redis);
    int64_t start_ms = now_mono_ms();
    assert_int_equal(ask_once(scene, "PING").code, ERROR_TIMEOUT);
    assert_in_range(now_mono_ms() - start_ms, SCENE_SHORT_MS, SCENE_LONG_MS / 2);
}

static void a_server_that_reads_nothing_is_noticed_too(void **state)
{
    struct scene *scene = *state;
    enum { COUNT = 50, SIZE = 100000 }; /* more than a socket takes */
    static char bytes[SIZE];
    scene_start_redis(scene, SCENE_SHORT_MS);
    redis_fixture_pause(scene->redis);
    struct ask asks[COUNT] = {0};
    struct redis_command command;
    redis_command_init(&command, "ECHO");
    redis_command_add_bytes(&command, bytes, SIZE);
    for (size_t i = 0; i < COUNT; i++) {
        redis_client_send(scene->client, &command, 0, on_asked, &asks[i]);
    }
    ask_wait(scene, &asks[COUNT - 1]);
    assert_int_equal(asks[0].code, ERROR_TIMEOUT);
    assert_int_equal(asks[COUNT - 1].code, ERROR_UNAVAILABLE);
    redis_fixture_resume(scene->redis);
    scene_wait_down(scene);
    scene_wait_up(scene);
}

/* Sends again from its own failure, as a caller that retries does. */
static void send_next(struct ask *ask)
{
    ask_send(ask->next, ask->scene, "PING");
}

static void commands_sent_from_a_failure_are_answered_too(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct ask asks[3] = {0};
    asks[0].then = send_next;
    asks[0].next = &asks[1];
    asks[1].then = send_next;
    asks[1].next = &asks[2];
    ask_blocking(&asks[0], scene, "BLPOP nothing 100", SCENE_LONG_MS);
    loop_turn(scene->loop);
    redis_fixture_kill(scene->redis);
    ask_wait(scene, &asks[2]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(asks[i].code, ERROR_UNAVAILABLE);
    }
}

static void drop(struct ask *ask)
{
    redis_client_drop(ask->scene->client, "a test wants it");
}

static void a_drop_from_a_reply_fails_what_is_behind_and_connects_again(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct ask asks[2] = {{.then = drop}};
    ask_send(&asks[0], scene, "PING");
    ask_send(&asks[1], scene, "PING");
    ask_wait(scene, &asks[1]);
    assert_string_equal(asks[0].text, "PONG");
    assert_int_equal(asks[1].code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(asks[1].text, "a test wants it"));
    scene_wait_down(scene);
    scene_wait_up(scene);
}

/* A stream of commands over one restart after another: as many answers as commands. */
struct stream {
    struct scene *scene;
    unsigned sent, answered, good;
};

static void on_streamed(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    (void)why_not;
    struct stream *stream = arg;
    stream->answered++;
    stream->good += reply != NULL;
}

static bool has_good_answers(void *arg)
{
    struct stream *stream = arg;
    struct redis_command command;
    redis_command_init(&command, "INCR");
    redis_command_add(&command, "counter");
    for (int i = 0; i < 10; i++) {
        stream->sent++;
        redis_client_send(stream->scene->client, &command, 0, on_streamed, stream);
    }
    return stream->good >= 200;
}

static bool all_are_answered(void *arg)
{
    const struct stream *stream = arg;
    return stream->answered == stream->sent;
}

static void no_command_is_lost_or_answered_twice_over_restarts(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_SHORT_MS);
    struct stream stream = {.scene = scene};
    for (int round = 0; round < 4; round++) {
        stream.good = 0;
        assert_loop_reaches(scene->loop, has_good_answers, &stream, SCENE_LIMIT_MS);
        redis_fixture_kill(scene->redis);
        redis_fixture_start(scene->redis);
    }
    assert_loop_reaches(scene->loop, all_are_answered, &stream, SCENE_LIMIT_MS);
}

enum { MANY = 100000 };

static bool many_are_answered(void *arg)
{
    const struct stream *stream = arg;
    return stream->answered == MANY;
}

static void a_hundred_thousand_commands_may_wait_at_once(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct stream stream = {.scene = scene};
    struct redis_command command;
    redis_command_init(&command, "INCR");
    redis_command_add(&command, "counter");
    for (int i = 0; i < MANY; i++) {
        redis_client_send(scene->client, &command, 0, on_streamed, &stream);
    }
    assert_loop_reaches(scene->loop, many_are_answered, &stream, SCENE_LIMIT_MS);
    assert_int_equal(stream.good, MANY);
    assert_int_equal(redis_int(scene->redis, "GET counter"), MANY);
}

/* ---- Freeing ---- */

static void free_client(struct ask *ask)
{
    redis_client_free(ask->scene->client);
    ask->scene->client = NULL;
}

static void a_free_cancels_all_that_waits(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct ask asks[2] = {0};
    ask_blocking(&asks[0], scene, "BLPOP nothing 100", SCENE_LONG_MS);
    loop_turn(scene->loop);
    ask_send(&asks[1], scene, "PING");
    free_client(&asks[0]);
    assert_int_equal(asks[0].code, ERROR_CANCELLED);
    assert_int_equal(asks[1].code, ERROR_CANCELLED);
    loop_turn(scene->loop);
}

static void a_free_from_a_reply_cancels_what_is_behind(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct ask asks[3] = {{.then = free_client}};
    for (size_t i = 0; i < 3; i++) {
        ask_send(&asks[i], scene, "PING");
    }
    ask_wait(scene, &asks[0]);
    assert_string_equal(asks[0].text, "PONG");
    assert_int_equal(asks[1].code, ERROR_CANCELLED);
    assert_int_equal(asks[2].code, ERROR_CANCELLED);
}

static void a_free_from_a_failure_cancels_what_is_behind(void **state)
{
    struct scene *scene = *state;
    scene_start_redis(scene, SCENE_LONG_MS);
    struct ask asks[3] = {{.then = free_client}};
    ask_blocking(&asks[0], scene, "BLPOP nothing 100", SCENE_LONG_MS);
    ask_send(&asks[1], scene, "PING");
    loop_turn(scene->loop);
    redis_fixture_kill(scene->redis);
    ask_send(&asks[2], scene, "PING");
    ask_wait(scene, &asks[0]);
    assert_int_equal(asks[0].code, ERROR_UNAVAILABLE);
    assert_int_equal(asks[1].code, ERROR_CANCELLED);
    assert_int_equal(asks[2].code, ERROR_CANCELLED);
}

static void free_on_state(struct scene *scene)
{
    redis_client_free(scene->client);
    scene->client = NULL;
}

static bool client_is_freed(void *arg)
{
    const struct scene *scene = arg;
    return scene->client == NULL;
}

static void a_free_from_on_state_is_safe(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    scene->on_state = free_on_state;
    scene_connect(scene, redis_fixture_url(scene->redis), SCENE_LONG_MS);
    struct ask ask = {0};
    ask_send(&ask, scene, "PING");
    assert_loop_reaches(scene->loop, client_is_freed, scene, SCENE_LIMIT_MS);
    assert_int_equal(ask.answers, 1);
}

static void a_free_in_every_phase_of_connecting_is_safe(void **state)
{
    struct scene *scene = *state;
    const struct redis_fixture_options options = {.is_tcp = true};
    scene->redis = redis_fixture_new(&options);
    for (int turns = 0; turns < 12; turns++) {
        scene_connect(scene, redis_fixture_url(scene->redis), SCENE_LONG_MS);
        for (int i = 0; i < turns; i++) {
            loop_turn(scene->loop);
        }
        redis_client_free(scene->client);
        scene->client = NULL;
        redis_address_clear(&scene->address);
        scene->ups = 0;
        scene->downs = 0;
    }
}

int main(void)
{
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_new, scene_free)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(it_connects_when_the_server_comes_up_later),
        SCENE_TEST(tcp_with_a_password_a_database_and_a_name),
        SCENE_TEST(a_refused_password_is_the_reason_until_it_is_right),
        SCENE_TEST(a_missing_password_is_told),
        SCENE_TEST(a_password_where_none_is_wanted_is_told),
        SCENE_TEST(a_database_that_does_not_exist_is_told),
        SCENE_TEST(commands_in_flight_fail_once_when_the_server_is_killed),
        SCENE_TEST(a_silent_server_is_noticed_by_the_oldest_command),
        SCENE_TEST(a_server_that_hangs_from_the_start_is_told),
        SCENE_TEST(a_reply_that_is_there_is_taken_although_we_look_late),
        SCENE_TEST(a_command_whose_answer_is_lost_may_have_been_done),
        SCENE_TEST(a_blocking_command_has_its_extra_time_and_those_behind_it_too),
        SCENE_TEST(the_time_that_a_blocking_command_did_not_need_is_nobodys),
        SCENE_TEST(a_server_that_reads_nothing_is_noticed_too),
        SCENE_TEST(commands_sent_from_a_failure_are_answered_too),
        SCENE_TEST(a_drop_from_a_reply_fails_what_is_behind_and_connects_again),
        SCENE_TEST(no_command_is_lost_or_answered_twice_over_restarts),
        SCENE_TEST(a_hundred_thousand_commands_may_wait_at_once),
        SCENE_TEST(a_free_cancels_all_that_waits),
        SCENE_TEST(a_free_from_a_reply_cancels_what_is_behind),
        SCENE_TEST(a_free_from_a_failure_cancels_what_is_behind),
        SCENE_TEST(a_free_from_on_state_is_safe),
        SCENE_TEST(a_free_in_every_phase_of_connecting_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
