/* rediss://: who is believed, and that nothing is lost on the way. */
#include "common/mem.h"
#include "tests/support/certificate.h"
#include "tests/support/redis_scene.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { URL_SIZE = 128, BIG_BYTES = 5 << 20 };

static const struct certificate_options for_address = {
    .subject = "IP:127.0.0.1", .valid_from_s = -3600, .valid_to_s = 3600};
static const struct certificate_options for_name = {
    .subject = "DNS:localhost", .valid_from_s = -3600, .valid_to_s = 3600};
static const struct certificate_options expired = {
    .subject = "IP:127.0.0.1", .valid_from_s = -7200, .valid_to_s = -3600};

static char *file_of(struct scene *scene, const char *name)
{
    return temp_dir_join(scene->dir, name);
}

/* Starts a Redis with TLS by the certificate name, of which args may demand more. */
static void start_redis(struct scene *scene, const char *name, const char *const *args)
{
    char *path = file_of(scene, name);
    scene->redis =
        redis_fixture_new(&(struct redis_fixture_options){.certificate = path, .args = args});
    mem_free(path);
}

/* Connects by host, with the certificates of ca as the only authorities. */
static void connect_by(struct scene *scene, const char *host, const char *ca)
{
    char url[URL_SIZE];
    const char *port = strrchr(redis_fixture_url(scene->redis), ':');
    (void)snprintf(url, sizeof url, "rediss://%s%s", host, port);
    scene_connect(scene, url, SCENE_LONG_MS);
    /* The client reads it when it connects, which takes a turn of the loop. */
    scene->address.ca_file = ca == NULL ? NULL : file_of(scene, ca);
}

static void the_server_is_known_by_its_address(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    start_redis(scene, "redis", NULL);
    connect_by(scene, "127.0.0.1", "redis.crt");
    scene_wait_up(scene);
    assert_string_equal(ask_once(scene, "PING").text, "PONG");
}

static void the_server_is_known_by_its_name(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_name);
    start_redis(scene, "redis", NULL);
    connect_by(scene, "localhost", "redis.crt");
    scene_wait_up(scene);
    assert_string_equal(ask_once(scene, "PING").text, "PONG");
}

static void assert_refused(struct scene *scene, const char *words)
{
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_REFUSED);
    if (strstr(scene->why_down.text, words) == NULL) {
        fail_msg("%s", scene->why_down.text);
    }
    assert_int_equal(scene->ups, 0);
}

static void a_certificate_for_another_name_is_refused(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_name);
    start_redis(scene, "redis", NULL);
    connect_by(scene, "127.0.0.1", "redis.crt");
    assert_refused(scene, "not for 127.0.0.1");
}

static void a_certificate_for_an_address_is_not_one_for_a_name(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    start_redis(scene, "redis", NULL);
    connect_by(scene, "localhost", "redis.crt");
    assert_refused(scene, "not for localhost");
}

static void an_unknown_authority_is_refused(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    certificate_write(scene->dir, "other", &for_address);
    start_redis(scene, "redis", NULL);
    connect_by(scene, "127.0.0.1", "other.crt");
    assert_refused(scene, "unknown authority");
}

static void the_systems_authorities_do_not_know_a_private_one(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    start_redis(scene, "redis", NULL);
    connect_by(scene, "127.0.0.1", NULL);
    assert_refused(scene, "OMNIHOOK_REDIS_CA_FILE");
}

static void an_expired_certificate_is_refused(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &expired);
    start_redis(scene, "redis", NULL);
    connect_by(scene, "127.0.0.1", "redis.crt");
    assert_refused(scene, "has expired");
}

static void a_server_without_tls_is_told(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    scene->redis = redis_fixture_new(&(struct redis_fixture_options){.is_tcp = true});
    char url[URL_SIZE];
    const char *port = strrchr(redis_fixture_url(scene->redis), ':');
    (void)snprintf(url, sizeof url, "rediss://127.0.0.1%s", port);
    /* It takes the handshake for the beginning of a command, and waits for the rest. */
    scene_connect(scene, url, SCENE_SHORT_MS);
    scene_wait_down(scene);
    assert_non_null(strstr(scene->why_down.text, "is its port one for TLS?"));
}

static bool is_a_certificate_missed(void *arg)
{
    const struct scene *scene = arg;
    return strstr(redis_client_why_down(scene->client), "certificate") != NULL;
}

static void without_the_client_certificate_that_redis_wants_there_is_no_connection(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    start_redis(scene, "redis", (const char *const[]){"--tls-auth-clients", "yes", NULL});
    connect_by(scene, "127.0.0.1", "redis.crt");
    assert_loop_reaches(scene->loop, is_a_certificate_missed, scene, SCENE_LIMIT_MS);
    assert_int_equal(scene->ups, 0);
}

static void a_client_certificate_is_shown(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    start_redis(scene, "redis", (const char *const[]){"--tls-auth-clients", "yes", NULL});
    connect_by(scene, "127.0.0.1", "redis.crt");
    scene->address.certificate_file = file_of(scene, "redis.crt");
    scene->address.key_file = file_of(scene, "redis.key");
    scene_wait_up(scene);
    assert_string_equal(ask_once(scene, "PING").text, "PONG");
}

/* An authority that is put right while the service runs. */
static void the_files_are_read_again_after_a_refusal(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    certificate_write(scene->dir, "trusted", &for_address);
    start_redis(scene, "redis", NULL);
    connect_by(scene, "127.0.0.1", "trusted.crt");
    assert_refused(scene, "unknown authority");
    char *file = file_of(scene, "redis.crt");
    char *right = file_read_text(file);
    temp_dir_replace_file(scene->dir, "trusted.crt", right);
    mem_free(right);
    mem_free(file);
    scene_wait_up(scene);
}

/* Many TLS records each way, and commands behind them. */
static void large_commands_and_replies_arrive_whole(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    start_redis(scene, "redis", NULL);
    connect_by(scene, "127.0.0.1", "redis.crt");
    scene_wait_up(scene);
    char *big = mem_new(BIG_BYTES, 1);
    memset(big, 'x', BIG_BYTES);
    struct ask set = {0};
    struct ask sizes[20] = {0};
    struct redis_command command;
    redis_command_init(&command, "SET");
    redis_command_add(&command, "big");
    redis_command_add_bytes(&command, big, BIG_BYTES);
    redis_client_send(scene->client, &command, 0, on_asked, &set);
    for (size_t i = 0; i < 20; i++) {
        ask_send(&sizes[i], scene, i % 5 == 0 ? "GET big" : "STRLEN big");
    }
    for (size_t i = 0; i < 20; i++) {
        ask_wait(scene, &sizes[i]);
        assert_int_equal(sizes[i].code, ERROR_NONE);
        if (i % 5 != 0) {
            assert_int_equal(sizes[i].number, BIG_BYTES);
        }
    }
    assert_string_equal(set.text, "OK");
    mem_free(big);
}

static void a_redis_that_is_killed_is_found_again(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    start_redis(scene, "redis", NULL);
    connect_by(scene, "127.0.0.1", "redis.crt");
    scene_wait_up(scene);
    redis_fixture_kill(scene->redis);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_UNAVAILABLE);
    redis_fixture_start(scene->redis);
    scene_wait_up(scene);
    assert_string_equal(ask_once(scene, "PING").text, "PONG");
}

/* Silent in mid-handshake: the limit of connecting holds. */
static void a_server_that_does_not_answer_the_handshake_is_left(void **state)
{
    struct scene *scene = *state;
    certificate_write(scene->dir, "redis", &for_address);
    start_redis(scene, "redis", NULL);
    redis_fixture_pause(scene->redis);
    char url[URL_SIZE];
    (void)snprintf(url, sizeof url, "%s", redis_fixture_url(scene->redis));
    scene_connect(scene, url, SCENE_SHORT_MS);
    scene_wait_down(scene);
    assert_int_equal(scene->why_down.code, ERROR_TIMEOUT);
    redis_fixture_resume(scene->redis);
}

#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, scene_new, scene_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(the_server_is_known_by_its_address),
        SCENE_TEST(the_server_is_known_by_its_name),
        SCENE_TEST(a_certificate_for_another_name_is_refused),
        SCENE_TEST(a_certificate_for_an_address_is_not_one_for_a_name),
        SCENE_TEST(an_unknown_authority_is_refused),
        SCENE_TEST(the_systems_authorities_do_not_know_a_private_one),
        SCENE_TEST(an_expired_certificate_is_refused),
        SCENE_TEST(a_server_without_tls_is_told),
        SCENE_TEST(without_the_client_certificate_that_redis_wants_there_is_no_connection),
        SCENE_TEST(a_client_certificate_is_shown),
        SCENE_TEST(the_files_are_read_again_after_a_refusal),
        SCENE_TEST(large_commands_and_replies_arrive_whole),
        SCENE_TEST(a_redis_that_is_killed_is_found_again),
        SCENE_TEST(a_server_that_does_not_answer_the_handshake_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
