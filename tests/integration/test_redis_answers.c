/* The Redis client against a server that says what a real one seldom or never does. */
#include "common/mem.h"
#include "common/redis_client.h"
#include "common/strbuf.h"
#include "tests/support/redis_scene.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

/* Connects to a fake that greets with greeting, and waits until it is told why not. */
static void assert_not_greeted(struct scene *scene, const char *greeting, enum error_code code,
                               const char *words)
{
    scene->fake = fake_redis_new(scene->loop, scene->dir);
    fake_redis_greet(scene->fake, greeting);
    scene_connect(scene, fake_redis_url(scene->fake), SCENE_LONG_MS);
    scene_wait_down(scene);
    print_message("%s\n", scene->why_down.text);
    assert_int_equal(scene->why_down.code, code);
    assert_non_null(strstr(scene->why_down.text, words));
    assert_false(redis_client_is_up(scene->client));
}

/* And that it comes up as soon as the server is a good one. */
static void assert_recovers(struct scene *scene)
{
    fake_redis_greet(scene->fake, FAKE_REDIS_WELCOME);
    fake_redis_shout(scene->fake, NULL);
    scene_wait_up(scene);
}

/* ---- The greeting ---- */

static void a_redis_that_is_too_old_is_refused_with_its_version(void **state)
{
    struct scene *scene = *state;
    assert_not_greeted(scene, "+OK\r\n$22\r\nredis_version:6.0.16\r\n\r\n", ERROR_REFUSED,
                       "6.0.16");
    assert_recovers(scene);
}

static void a_redis_that_loads_its_data_is_waited_for(void **state)
{
    struct scene *scene = *state;
    assert_not_greeted(scene, "+OK\r\n$33\r\nredis_version:7.0.15\r\nloading:1\r\n\r\n",
                       ERROR_UNAVAILABLE, "loading");
    assert_recovers(scene);
}

static void too_many_clients_are_told(void **state)
{
    struct scene *scene = *state;
    assert_not_greeted(scene, "-ERR max number of clients reached\r\n", ERROR_UNAVAILABLE,
                       "max number of clients");
    assert_recovers(scene);
}

static void a_name_that_an_acl_forbids_is_no_obstacle(void **state)
{
    struct scene *scene = *state;
    scene->fake = fake_redis_new(scene->loop, scene->dir);
    fake_redis_greet(scene->fake,
                     "-NOPERM this user has no permissions to run the "
                     "'client|setname' command\r\n"
                     "$46\r\nredis_version:7.0.15\r\nloading:0\r\nrole:master\r\n\r\n");
    scene_connect(scene, fake_redis_url(scene->fake), SCENE_LONG_MS);
    scene_wait_up(scene);
    assert_int_equal(scene->downs, 0);
}

static void an_acl_that_forbids_info_is_told(void **state)
{
    struct scene *scene = *state;
    assert_not_greeted(scene, "+OK\r\n-NOPERM this user has no permissions to run 'info'\r\n",
                       ERROR_UNAUTHORIZED, "NOPERM");
}

static void another_kind_of_server_is_no_redis(void **state)
{
    struct scene *scene = *state;
    assert_not_greeted(scene, "HTTP/1.1 400 Bad Request\r\n\r\n", ERROR_UNAVAILABLE, "Protocol");
    assert_recovers(scene);
}

static void a_server_that_closes_at_once_is_told(void **state)
{
    struct scene *scene = *state;
    assert_not_greeted(scene, NULL, ERROR_UNAVAILABLE, "closed");
    assert_recovers(scene);
}

static void a_server_that_talks_before_it_is_asked_is_heard_in_turn(void **state)
{
    struct scene *scene = *state;
    scene->fake = fake_redis_new(scene->loop, scene->dir);
    fake_redis_shout(scene->fake, "-ERR max number of clients reached\r\n");
    fake_redis_greet(scene->fake, "");
    scene_connect(scene, fake_redis_url(scene->fake), SCENE_LONG_MS);
    scene_wait_down(scene);
    assert_non_null(strstr(scene->why_down.text, "max number of clients"));
    assert_recovers(scene);
}

static void a_password_is_never_quoted(void **state)
{
    struct scene *scene = *state;
    scene->fake = fake_redis_new(scene->loop, scene->dir);
    fake_redis_greet(scene->fake,
                     "-ERR unknown command 'AUTH', with args beginning with: 'hunter2' \r\n");
    char url[ERROR_TEXT_SIZE];
    (void)snprintf(url, sizeof url, "unix://:hunter2@%s",
                   fake_redis_url(scene->fake) + strlen("unix://"));
    scene_connect(scene, url, SCENE_LONG_MS);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_UNAUTHORIZED);
    assert_null(strstr(scene->why_down.text, "hunter2"));
    assert_null(strstr(redis_client_why_down(scene->client), "hunter2"));
}

/* ---- Later ---- */

static void what_one_turn_sends_goes_out_in_one_write(void **state)
{
    struct scene *scene = *state;
    scene_start_fake(scene, SCENE_LONG_MS);
    assert_int_equal(fake_redis_reads(scene->fake), 1);
    char answers[100 * 7 + 1] = "";
    struct ask asks[100] = {0};
    for (size_t i = 0; i < 100; i++) {
        memcpy(answers + i * 7, "+PONG\r\n", 8);
        ask_send(&asks[i], scene, "PING");
    }
    fake_redis_answer(scene->fake, answers);
    ask_wait(scene, &asks[99]);
    assert_int_equal(fake_redis_reads(scene->fake), 2);
}

static void assert_answered(struct scene *scene, const char *answer, enum error_code code)
{
    fake_redis_answer(scene->fake, answer);
    struct ask ask = ask_once(scene, "SET key value");
    assert_int_equal(ask.code, code);
}

static void a_proxys_readonly_is_one_too(void **state)
{
    struct scene *scene = *state;
    scene_start_fake(scene, SCENE_LONG_MS);
    assert_answered(scene, "-ERR READONLY You can't write against a read only replica.\r\n",
                    ERROR_UNAVAILABLE);
    scene_wait_down(scene);
    scene_wait_up(scene);
    assert_answered(scene, "-ERR UNBLOCKED force unblock from blocking operation\r\n",
                    ERROR_UNAVAILABLE);
    scene_wait_down(scene);
    scene_wait_up(scene);
    assert_int_equal(redis_client_reconnects(scene->client), 2);
}

static void a_passing_trouble_of_redis_keeps_the_connection(void **state)
{
    struct scene *scene = *state;
    scene_start_fake(scene, SCENE_LONG_MS);
    assert_answered(scene, "-CLUSTERDOWN Hash slot not served\r\n", ERROR_UNAVAILABLE);
    assert_answered(scene, "-NOREPLICAS Not enough good replicas to write.\r\n", ERROR_UNAVAILABLE);
    assert_answered(scene, "-MISCONF Redis is configured to save\r\n", ERROR_UNAVAILABLE);
    assert_answered(scene, "-NOPERM this user has no permissions\r\n", ERROR_UNAUTHORIZED);
    assert_answered(scene, "+OK\r\n", ERROR_NONE);
    assert_int_equal(scene->downs, 0);
}

static void a_login_that_was_taken_away_is_made_again(void **state)
{
    struct scene *scene = *state;
    scene_start_fake(scene, SCENE_LONG_MS);
    assert_answered(scene, "-NOAUTH Authentication required.\r\n", ERROR_UNAUTHORIZED);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_UNAUTHORIZED);
}

static void a_reply_that_nobody_asked_for_ends_the_connection(void **state)
{
    struct scene *scene = *state;
    scene_start_fake(scene, SCENE_LONG_MS);
    fake_redis_send(scene->fake, "+OK\r\n", 5);
    scene_wait_down(scene);
    assert_non_null(strstr(scene->why_down.text, "nobody asked for"));
    scene_wait_up(scene);
    /* Right behind one that was asked for. */
    assert_answered(scene, "+OK\r\n+OK\r\n", ERROR_NONE);
    scene_wait_down(scene);
    assert_non_null(strstr(scene->why_down.text, "nobody asked for"));
    scene_wait_up(scene);
    fake_redis_send(scene->fake, "-ERR shutting down\r\n", 20);
    scene_wait_down(scene);
    assert_non_null(strstr(scene->why_down.text, "shutting down"));
}

static void garbage_in_place_of_a_reply_ends_the_connection(void **state)
{
    struct scene *scene = *state;
    scene_start_fake(scene, SCENE_LONG_MS);
    assert_answered(scene, "garbage\r\n", ERROR_UNAVAILABLE);
    scene_wait_down(scene);
    scene_wait_up(scene);
}

static bool is_lost(void *arg)
{
    struct scene *scene = arg;
    static char chunk[1 << 20];
    if (scene->downs == 0 && fake_redis_is_flushed(scene->fake)) {
        fake_redis_send(scene->fake, chunk, sizeof chunk);
    }
    return scene->downs > 0;
}

static void a_reply_without_end_is_not_collected(void **state)
{
    struct scene *scene = *state;
    enum { SLOW_MS = 120000 }; /* 64 MiB take long under valgrind */
    scene_start_fake(scene, SLOW_MS);
    struct ask ask = {0};
    ask_send(&ask, scene, "GET big");
    fake_redis_send(scene->fake, "$500000000\r\n", 12);
    assert_loop_reaches(scene->loop, is_lost, scene, SLOW_MS);
    assert_non_null(strstr(scene->why_down.text, "larger than 64 MiB"));
    ask_wait(scene, &ask);
    assert_int_equal(ask.code, ERROR_UNAVAILABLE);
    scene_wait_up(scene);
}

static void large_replies_are_read_whole_however_many(void **state)
{
    struct scene *scene = *state;
    enum { SIZE = 10 << 20, ROUNDS = 7 }; /* together more than one reply may have */
    scene_start_fake(scene, SCENE_LONG_MS);
    struct strbuf reply;
    strbuf_init(&reply, (size_t)2 * SIZE);
    strbuf_addf(&reply, "$%d\r\n", SIZE);
    char *bytes = mem_new(SIZE, 1);
    strbuf_add(&reply, bytes, SIZE);
    mem_free(bytes);
    strbuf_add_text(&reply, "\r\n+PONG\r\n");
    for (int round = 0; round < ROUNDS; round++) {
        struct ask asks[2] = {0};
        ask_send(&asks[0], scene, "GET big");
        ask_send(&asks[1], scene, "PING");
        fake_redis_send(scene->fake, reply.bytes, reply.size);
        ask_wait(scene, &asks[1]);
        assert_int_equal(asks[0].code, ERROR_NONE);
        assert_string_equal(asks[1].text, "PONG");
    }
    strbuf_clear(&reply);
}

/* ---- Patience ---- */

enum { WATCHED_MS = 1500, TRIES_MAX = 30 };

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void a_server_that_refuses_us_is_not_hammered(void **state)
{
    struct scene *scene = *state;
    assert_not_greeted(scene, NULL, ERROR_UNAVAILABLE, "closed");
    (void)loop_until(scene->loop, never, NULL, WATCHED_MS);
    assert_in_range(fake_redis_connections(scene->fake), 2, TRIES_MAX);
}

static bool keeps_asking(void *arg)
{
    struct scene *scene = arg;
    static struct ask asks[TRIES_MAX * 2];
    static unsigned count;
    if (scene->ups > count) {
        ask_send(&asks[count++], scene, "SET key value");
    }
    return false;
}

static void a_server_that_welcomes_us_and_then_refuses_is_not_hammered_either(void **state)
{
    struct scene *scene = *state;
    scene_start_fake(scene, SCENE_LONG_MS);
    fake_redis_answer(scene->fake, "-READONLY You can't write against a read only replica.\r\n");
    (void)loop_until(scene->loop, keeps_asking, scene, WATCHED_MS);
    assert_in_range(fake_redis_connections(scene->fake), 2, TRIES_MAX);
}

int main(void)
{
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_new, scene_free)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_redis_that_is_too_old_is_refused_with_its_version),
        SCENE_TEST(a_redis_that_loads_its_data_is_waited_for),
        SCENE_TEST(too_many_clients_are_told),
        SCENE_TEST(a_name_that_an_acl_forbids_is_no_obstacle),
        SCENE_TEST(an_acl_that_forbids_info_is_told),
        SCENE_TEST(another_kind_of_server_is_no_redis),
        SCENE_TEST(a_server_that_closes_at_once_is_told),
        SCENE_TEST(a_server_that_talks_before_it_is_asked_is_heard_in_turn),
        SCENE_TEST(a_password_is_never_quoted),
        SCENE_TEST(what_one_turn_sends_goes_out_in_one_write),
        SCENE_TEST(a_proxys_readonly_is_one_too),
        SCENE_TEST(a_passing_trouble_of_redis_keeps_the_connection),
        SCENE_TEST(a_login_that_was_taken_away_is_made_again),
        SCENE_TEST(a_reply_that_nobody_asked_for_ends_the_connection),
        SCENE_TEST(garbage_in_place_of_a_reply_ends_the_connection),
        SCENE_TEST(a_reply_without_end_is_not_collected),
        SCENE_TEST(large_replies_are_read_whole_however_many),
        SCENE_TEST(a_server_that_refuses_us_is_not_hammered),
        SCENE_TEST(a_server_that_welcomes_us_and_then_refuses_is_not_hammered_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
