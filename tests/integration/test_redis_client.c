/* The Redis client against a Redis that starts, stops, hangs and comes back. Every command must be
   answered exactly once, whatever happens. */
#include "common/redis_client.h"

#include "common/mem.h"
#include "common/now.h"
#include "tests/support/loop_until.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/tcp_proxy.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 20000, TIMEOUT_MS = 400, LONG_TIMEOUT_MS = 20000, TEXT_SIZE = ERROR_TEXT_SIZE };

/* ---- What the tests see ---- */

struct scene {
    struct loop *loop;
    struct redis_fixture *redis;
    struct temp_dir *dir;
    struct redis_address address;
    struct redis_client *client;
    unsigned ups, downs;
    bool is_up;
    char why_down[ERROR_TEXT_SIZE];
    enum error_code why_down_code;
};

/* One command and what came of it. */
struct ask {
    struct scene *scene;
    unsigned answers;
    enum error_code code;
    char text[TEXT_SIZE]; /* of the reply or of the error */
    int64_t number;
    struct ask *then; /* sent from the callback */
    bool frees_client;
    bool drops_client;
};

static void on_state(void *arg, bool is_up, const struct error *why_down)
{
    struct scene *scene = arg;
    assert_int_equal(is_up, why_down == NULL);
    assert_true(scene->ups + scene->downs == 0 || is_up != scene->is_up);
    scene->is_up = is_up;
    scene->ups += is_up;
    scene->downs += !is_up;
    if (!is_up) {
        (void)snprintf(scene->why_down, sizeof scene->why_down, "%s", why_down->text);
        scene->why_down_code = why_down->code;
    }
}

static void scene_connect(struct scene *scene, const char *url, int64_t timeout_ms)
{
    struct error err;
    if (!redis_address_parse(&scene->address, url, &err)) {
        fail_because("%s", err.text);
    }
    const struct redis_options options = {
        .address = &scene->address,
        .name = "test-client",
        .timeout_ms = timeout_ms,
        .on_state = on_state,
        .arg = scene,
    };
    scene->client = redis_client_new(scene->loop, &options);
}

static bool client_is_up(void *arg)
{
    const struct scene *scene = arg;
    return scene->is_up;
}

static bool client_is_down(void *arg)
{
    const struct scene *scene = arg;
    return scene->downs > 0 && !scene->is_up;
}

static void wait_up(struct scene *scene)
{
    assert_loop_reaches(scene->loop, client_is_up, scene, LIMIT_MS);
}

static void wait_down(struct scene *scene)
{
    assert_loop_reaches(scene->loop, client_is_down, scene, LIMIT_MS);
}

static void ask_send(struct ask *ask, struct scene *scene, const char *line);

static void on_answer(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    struct ask *ask = arg;
    ask->answers++;
    assert_int_equal(reply == NULL, why_not != NULL);
    if (why_not != NULL) {
        ask->code = why_not->code;
        (void)snprintf(ask->text, sizeof ask->text, "%s", why_not->text);
    } else {
        const char *text = redis_reply_text(reply, NULL);
        (void)snprintf(ask->text, sizeof ask->text, "%s", text == NULL ? "" : text);
        ask->number = redis_reply_int(reply, -1);
    }
    if (ask->then != NULL) {
        ask_send(ask->then, ask->scene, "PING");
    }
    if (ask->drops_client) {
        redis_client_drop(ask->scene->client, "a test said so");
    }
    if (ask->frees_client) {
        redis_client_free(ask->scene->client);
        ask->scene->client = NULL;
    }
}

/* line: words with one space between. */
static void ask_blocking(struct ask *ask, struct scene *scene, const char *line, int64_t extra_ms)
{
    char words[TEXT_SIZE];
    (void)snprintf(words, sizeof words, "%s", line);
    char *rest = NULL;
    struct redis_command command;
    redis_command_init(&command, strtok_r(words, " ", &rest));
    for (const char *word; (word = strtok_r(NULL, " ", &rest)) != NULL;) {
        redis_command_add(&command, word);
    }
    ask->scene = scene;
    unsigned before = ask->answers;
    redis_client_send(scene->client, &command, extra_ms, on_answer, ask);
    assert_int_equal(ask->answers, before);
}

static void ask_send(struct ask *ask, struct scene *scene, const char *line)
{
    ask_blocking(ask, scene, line, 0);
}

static bool is_answered(void *arg)
{
    const struct ask *ask = arg;
    return ask->answers > 0;
}

static void wait_answer(struct ask *ask)
{
    assert_loop_reaches(ask->scene->loop, is_answered, ask, LIMIT_MS);
}

static struct ask ask_once(struct scene *scene, const char *line)
{
    struct ask ask = {0};
    ask_send(&ask, scene, line);
    wait_answer(&ask);
    assert_int_equal(ask.answers, 1);
    return ask;
}

static int scene_new(void **state)
{
    struct scene *scene = mem_new(1, sizeof *scene);
    scene->loop = loop_new();
    scene->dir = temp_dir_new();
    *state = scene;
    return 0;
}

static int scene_free(void **state)
{
    struct scene *scene = *state;
    redis_client_free(scene->client);
    redis_address_clear(&scene->address);
    redis_fixture_free(scene->redis);
    temp_dir_free(scene->dir);
    loop_free(scene->loop);
    mem_free(scene);
    return 0;
}

/* ---- Connecting ---- */

static void commands_are_answered_in_the_order_in_which_they_were_sent(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    scene_connect(scene, redis_fixture_url(scene->redis), LONG_TIMEOUT_MS);
    wait_up(scene);
    assert_string_equal(redis_client_why_down(scene->client), "");
    struct ask asks[3] = {0};
    ask_send(&asks[0], scene, "SET key value");
    ask_send(&asks[1], scene, "INCR number");
    ask_send(&asks[2], scene, "GET key");
    wait_answer(&asks[2]);
    assert_string_equal(asks[0].text, "OK");
    assert_int_equal(asks[1].number, 1);
    assert_string_equal(asks[2].text, "value");
}

static void it_connects_when_the_server_comes_up_later(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    redis_fixture_stop(scene->redis);
    scene_connect(scene, redis_fixture_url(scene->redis), LONG_TIMEOUT_MS);
    wait_down(scene);
    assert_int_equal(scene->why_down_code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(scene->why_down, "cannot connect"));
    assert_int_equal(ask_once(scene, "PING").code, ERROR_UNAVAILABLE);
    redis_fixture_start(scene->redis);
    wait_up(scene);
    assert_string_equal(ask_once(scene, "PING").text, "PONG");
    assert_int_equal(redis_client_reconnects(scene->client), 0);
}

static void commands_in_flight_fail_once_when_the_server_is_killed(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    scene_connect(scene, redis_fixture_url(scene->redis), LONG_TIMEOUT_MS);
    wait_up(scene);
    struct ask asks[3] = {0};
    ask_blocking(&asks[0], scene, "BLPOP nothing 100", LONG_TIMEOUT_MS);
    ask_send(&asks[1], scene, "PING");
    ask_send(&asks[2], scene, "PING");
    loop_turn(scene->loop);
    redis_fixture_kill(scene->redis);
    wait_answer(&asks[2]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(asks[i].answers, 1);
        assert_int_equal(asks[i].code, ERROR_UNAVAILABLE);
    }
    wait_down(scene);
    redis_fixture_start(scene->redis);
    wait_up(scene);
    assert_int_equal(redis_client_reconnects(scene->client), 1);
    assert_string_equal(ask_once(scene, "PING").text, "PONG");
}

static void a_silent_server_is_noticed_by_the_oldest_command(void **state)
{
    struct scene *scene = *state;
    scene->redis = redis_fixture_new(NULL);
    scene_connect(scene, redis_fixture_url(scene->redis), TIMEOUT_MS);
    wait_up(scene);
    redis_fixture_pause(scene->redis);
    int64_t start_ms = now_mono_ms();
    struct ask asks[2] = {0};
    ask_send(&asks[0], scene, "PING");
    ask_send(&asks[1], scene, "PING");
    wait_answer(&asks[1]);
    assert_in_range(now_mono_ms() - start_ms, TIMEOUT_MS, LIMIT_MS);
    assert_int_equal(asks[0].code, ERROR_TIMEOUT);
    assert_int_equal(asks[1].code, ERROR_UNAVAILABLE);
    wait_down(scene);
    assert_int_equal(scene->why_down_code, ERROR_TIMEOUT);
    redis_fixture_resume(scene->redis);
    wait_up(scene);
    assert_int_equal(asks[0].answers + asks[1].answers, 2);
}

int main(void)
{
#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_new, scene_free)
    const struct CMUnitTest tests[] = {
        SCENE_TEST(commands_are_answered_in_the_order_in_which_they_were_sent),
        SCENE_TEST(it_connects_when_the_server_comes_up_later),
        SCENE_TEST(commands_in_flight_fail_once_when_the_server_is_killed),
        SCENE_TEST(a_silent_server_is_noticed_by_the_oldest_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
