/* The way to the master by Sentinels, and after it when it changes. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/redis_scene.h"
#include "tests/support/sentinels.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL_SIZE = 256, LIMIT_MS = 60000, TIMEOUT_MS = 1000 };

struct ha {
    struct scene *scene; /* its redis is the first master */
    struct redis_fixture *replica;
    struct sentinels *sentinels;
};

static int setup(void **state)
{
    struct ha *ha = mem_new(1, sizeof *ha);
    void *scene = NULL;
    assert_int_equal(scene_new(&scene), 0);
    ha->scene = scene;
    *state = ha;
    return 0;
}

static int teardown(void **state)
{
    struct ha *ha = *state;
    void *scene = ha->scene;
    (void)scene_free(&scene);
    sentinels_free(ha->sentinels);
    redis_fixture_free(ha->replica);
    mem_free(ha);
    return 0;
}

static const char *port_of(const struct redis_fixture *redis)
{
    return strrchr(redis_fixture_address(redis), ':') + 1;
}

static bool is_synced(void *arg)
{
    struct ha *ha = arg;
    return strstr(redis_text(ha->scene->redis, "INFO replication"), "state=online") != NULL;
}

/* A master, a replica, and count Sentinels. */
static void start(struct ha *ha, size_t count, const char *password, const char *sentinel_password)
{
    ha->scene->redis =
        redis_fixture_new(&(struct redis_fixture_options){.is_tcp = true, .password = password});
    redis_do(ha->scene->redis, "CONFIG SET repl-diskless-sync-delay 0");
    const char *args[] = {"--replicaof", "127.0.0.1", port_of(ha->scene->redis), NULL, NULL, NULL};
    if (password != NULL) {
        redis_do(ha->scene->redis, "CONFIG SET masterauth %s", password);
        args[3] = "--masterauth";
        args[4] = password;
    }
    ha->replica = redis_fixture_new(
        &(struct redis_fixture_options){.is_tcp = true, .password = password, .args = args});
    assert_true(wait_until(is_synced, ha, LIMIT_MS));
    ha->sentinels = sentinels_new(&(struct sentinels_options){.master = ha->scene->redis,
                                                              .count = count,
                                                              .replicas = 1,
                                                              .password = sentinel_password,
                                                              .master_password = password});
}

/* before: "user:password@" or ""; first: further Sentinels, with a comma at the end, or "". */
static void connect_by(struct ha *ha, const char *before, const char *first, const char *service)
{
    char url[URL_SIZE];
    (void)snprintf(url, sizeof url, "redis-sentinel://%s%s%s/%s", before, first,
                   sentinels_hosts(ha->sentinels), service);
    scene_connect(ha->scene, url, TIMEOUT_MS);
}

/* The client is up, and on that server. */
struct place {
    struct ha *ha;
    const struct redis_fixture *redis;
};

static bool is_on(struct ha *ha, const struct redis_fixture *redis)
{
    char expected[64];
    (void)snprintf(expected, sizeof expected, "laddr=%s ", redis_fixture_address(redis));
    return strstr(ask_once(ha->scene, "CLIENT INFO").text, expected) != NULL;
}

static bool is_there(void *arg)
{
    const struct place *place = arg;
    return place->ha->scene->is_up && is_on(place->ha, place->redis);
}

static void wait_until_on(struct ha *ha, const struct redis_fixture *redis)
{
    struct place place = {.ha = ha, .redis = redis};
    assert_loop_reaches(ha->scene->loop, is_there, &place, LIMIT_MS);
}

static void the_master_is_found(void **state)
{
    struct ha *ha = *state;
    start(ha, 1, NULL, NULL);
    connect_by(ha, "", "", SENTINELS_SERVICE "/3");
    scene_wait_up(ha->scene);
    assert_true(is_on(ha, ha->scene->redis));
    assert_string_equal(ask_once(ha->scene, "SET place here").text, "OK");
    redis_do(ha->scene->redis, "SELECT 3");
    assert_string_equal(redis_text(ha->scene->redis, "GET place"), "here");
}

static void a_master_that_is_killed_is_followed_by_its_replica(void **state)
{
    struct ha *ha = *state;
    start(ha, 3, NULL, NULL);
    connect_by(ha, "", "", SENTINELS_SERVICE);
    scene_wait_up(ha->scene);
    redis_fixture_kill(ha->scene->redis);
    wait_until_on(ha, ha->replica);
    assert_string_equal(ask_once(ha->scene, "SET place new").text, "OK");
    /* The old one is back, for a while as a master of its own: nobody goes there. */
    redis_fixture_start(ha->scene->redis);
    for (int i = 0; i < 20; i++) {
        assert_true(is_on(ha, ha->replica));
        assert_string_equal(ask_once(ha->scene, "INCR calls").text, "");
        loop_turn(ha->scene->loop);
    }
}

static void a_failover_by_hand_is_followed(void **state)
{
    struct ha *ha = *state;
    start(ha, 1, NULL, NULL);
    connect_by(ha, "", "", SENTINELS_SERVICE);
    scene_wait_up(ha->scene);
    sentinels_fail_over(ha->sentinels, 0);
    wait_until_on(ha, ha->replica);
    assert_string_equal(ask_once(ha->scene, "SET place new").text, "OK");
}

static bool has_left(void *arg)
{
    const struct scene *scene = arg;
    return scene->downs > 0 && scene->is_up;
}

/* It neither answers nor closes, and we have nothing to say to it. */
static void an_idle_connection_leaves_a_master_that_hangs(void **state)
{
    struct ha *ha = *state;
    start(ha, 3, NULL, NULL);
    connect_by(ha, "", "", SENTINELS_SERVICE);
    scene_wait_up(ha->scene);
    redis_fixture_pause(ha->scene->redis);
    assert_loop_reaches(ha->scene->loop, has_left, ha->scene, LIMIT_MS);
    assert_non_null(strstr(ha->scene->why_down.text, "another server has taken over"));
    assert_true(is_on(ha, ha->replica));
    redis_fixture_resume(ha->scene->redis);
    assert_string_equal(ask_once(ha->scene, "SET place new").text, "OK");
    assert_true(is_on(ha, ha->replica));
}

static void sentinels_that_are_dead_or_silent_are_passed_over(void **state)
{
    struct ha *ha = *state;
    start(ha, 3, NULL, NULL);
    sentinels_kill(ha->sentinels, 0);
    sentinels_pause(ha->sentinels, 1);
    connect_by(ha, "", "", SENTINELS_SERVICE);
    scene_wait_up(ha->scene);
    assert_int_equal(ha->scene->downs, 0);
    sentinels_resume(ha->sentinels, 1);
}

/* Gives how long the client takes to be up again. */
static int64_t reconnect(struct ha *ha)
{
    ha->scene->downs = 0;
    int64_t began_ms = now_mono_ms();
    redis_client_drop(ha->scene->client, "test");
    assert_loop_reaches(ha->scene->loop, has_left, ha->scene, LIMIT_MS);
    return now_mono_ms() - began_ms;
}

static void the_sentinel_that_has_answered_is_asked_first_the_next_time(void **state)
{
    enum { ONE_SENTINELS_TIME_MS = 500, TRIES = 10 };
    struct ha *ha = *state;
    start(ha, 3, NULL, NULL);
    sentinels_pause(ha->sentinels, 0);
    connect_by(ha, "", "", SENTINELS_SERVICE);
    scene_wait_up(ha->scene);
    int64_t best_ms = INT64_MAX;
    for (int i = 0; i < TRIES && best_ms >= ONE_SENTINELS_TIME_MS; i++) {
        int64_t took_ms = reconnect(ha);
        best_ms = took_ms < best_ms ? took_ms : best_ms;
    }
    assert_true(best_ms < ONE_SENTINELS_TIME_MS);
    sentinels_resume(ha->sentinels, 0);
}

static bool tells_all(void *arg)
{
    const struct scene *scene = arg;
    const char *why = redis_client_why_down(scene->client);
    return strstr(why, "127.0.0.1:1: cannot connect") != NULL && strstr(why, "no answer") != NULL;
}

static void without_any_sentinel_the_reason_names_each(void **state)
{
    struct ha *ha = *state;
    start(ha, 1, NULL, NULL);
    sentinels_pause(ha->sentinels, 0);
    connect_by(ha, "", "127.0.0.1:1,", SENTINELS_SERVICE);
    scene_wait_down(ha->scene);
    assert_int_equal(ha->scene->why_down.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(ha->scene->why_down.text, "no answer within 500 ms"));
    assert_loop_reaches(ha->scene->loop, tells_all, ha->scene, LIMIT_MS);
    sentinels_resume(ha->sentinels, 0);
    scene_wait_up(ha->scene);
}

static void a_service_that_no_sentinel_knows_is_told(void **state)
{
    struct ha *ha = *state;
    start(ha, 1, NULL, NULL);
    connect_by(ha, "", "", "other");
    scene_wait_down(ha->scene);
    assert_int_equal(ha->scene->why_down.code, ERROR_REFUSED);
    assert_non_null(strstr(ha->scene->why_down.text, "it knows no service 'other'"));
}

static void a_sentinel_that_names_a_replica_is_not_believed(void **state)
{
    struct ha *ha = *state;
    start(ha, 1, NULL, NULL);
    struct sentinels *liar = sentinels_new(
        &(struct sentinels_options){.master = ha->replica, .count = 1, .replicas = 0});
    char first[64];
    (void)snprintf(first, sizeof first, "%s,", sentinels_hosts(liar));
    connect_by(ha, "", first, SENTINELS_SERVICE);
    scene_wait_up(ha->scene);
    assert_int_equal(ha->scene->downs, 1);
    assert_non_null(strstr(ha->scene->why_down.text, "replica"));
    assert_true(is_on(ha, ha->scene->redis));
    sentinels_free(liar);
}

/* As one that is cut off from the others with the master that was, and that we still reach. */
static void most_of_the_sentinels_say_who_is_the_master(void **state)
{
    enum { RECONNECTS = 5 };
    struct ha *ha = *state;
    start(ha, 2, NULL, NULL);
    struct redis_fixture *former =
        redis_fixture_new(&(struct redis_fixture_options){.is_tcp = true});
    struct sentinels *cut_off =
        sentinels_new(&(struct sentinels_options){.master = former, .count = 1, .replicas = 0});
    char first[64];
    (void)snprintf(first, sizeof first, "%s,", sentinels_hosts(cut_off));
    connect_by(ha, "", first, SENTINELS_SERVICE);
    scene_wait_up(ha->scene);
    for (int i = 0; i < RECONNECTS; i++) {
        assert_true(is_on(ha, ha->scene->redis));
        (void)reconnect(ha);
    }
    sentinels_free(cut_off);
    redis_fixture_free(former);
}

static void one_password_may_be_that_of_both(void **state)
{
    struct ha *ha = *state;
    start(ha, 1, "sesame", "sesame");
    connect_by(ha, ":sesame@", "", SENTINELS_SERVICE);
    scene_wait_up(ha->scene);
    assert_true(is_on(ha, ha->scene->redis));
}

static void a_sentinel_without_a_password_needs_none(void **state)
{
    struct ha *ha = *state;
    start(ha, 1, "sesame", NULL);
    connect_by(ha, ":sesame@", "", SENTINELS_SERVICE);
    scene_wait_up(ha->scene);
    assert_int_equal(ha->scene->downs, 0);
}

static void sentinels_may_have_a_password_of_their_own(void **state)
{
    struct ha *ha = *state;
    start(ha, 1, "sesame", "poppy");
    connect_by(ha, ":sesame@", "", SENTINELS_SERVICE);
    secret_set(&ha->scene->address.sentinel_password, "poppy", 5);
    scene_wait_up(ha->scene);
    assert_int_equal(ha->scene->downs, 0);
}

static void a_wrong_password_is_told_and_not_shown(void **state)
{
    struct ha *ha = *state;
    start(ha, 1, "sesame", "poppy");
    connect_by(ha, ":sesame@", "", SENTINELS_SERVICE);
    scene_wait_down(ha->scene);
    assert_int_equal(ha->scene->why_down.code, ERROR_UNAUTHORIZED);
    assert_non_null(strstr(ha->scene->why_down.text, "127.0.0.1:"));
    assert_null(strstr(ha->scene->why_down.text, "sesame"));
}

#define HA_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HA_TEST(the_master_is_found),
        HA_TEST(a_master_that_is_killed_is_followed_by_its_replica),
        HA_TEST(a_failover_by_hand_is_followed),
        HA_TEST(an_idle_connection_leaves_a_master_that_hangs),
        HA_TEST(sentinels_that_are_dead_or_silent_are_passed_over),
        HA_TEST(the_sentinel_that_has_answered_is_asked_first_the_next_time),
        HA_TEST(without_any_sentinel_the_reason_names_each),
        HA_TEST(a_service_that_no_sentinel_knows_is_told),
        HA_TEST(a_sentinel_that_names_a_replica_is_not_believed),
        HA_TEST(most_of_the_sentinels_say_who_is_the_master),
        HA_TEST(one_password_may_be_that_of_both),
        HA_TEST(a_sentinel_without_a_password_needs_none),
        HA_TEST(sentinels_may_have_a_password_of_their_own),
        HA_TEST(a_wrong_password_is_told_and_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
