#include "tests/support/redis_scene.h"

#include "common/mem.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

int scene_new(void **state)
{
    struct scene *scene = mem_new(1, sizeof *scene);
    scene->loop = loop_new();
    scene->dir = temp_dir_new();
    *state = scene;
    return 0;
}

int scene_free(void **state)
{
    struct scene *scene = *state;
    redis_client_free(scene->client);
    /* A cancelled lookup ends on a turn of the loop. */
    loop_turn(scene->loop);
    redis_address_clear(&scene->address);
    fake_redis_free(scene->fake);
    redis_fixture_free(scene->redis);
    temp_dir_free(scene->dir);
    loop_free(scene->loop);
    mem_free(scene);
    return 0;
}

static void on_state(void *arg, bool is_up, const struct error *why_down)
{
    struct scene *scene = arg;
    assert_int_equal(is_up, why_down == NULL);
    assert_true(scene->ups + scene->downs == 0 || is_up != scene->is_up);
    scene->is_up = is_up;
    scene->ups += is_up;
    scene->downs += !is_up;
    if (why_down != NULL) {
        scene->why_down = *why_down;
    }
    if (scene->on_state != NULL) {
        scene->on_state(scene);
    }
}

void scene_connect(struct scene *scene, const char *url, int64_t timeout_ms)
{
    struct error err;
    if (!redis_address_parse(&scene->address, url, &err)) {
        fail_because("%s", err.text);
    }
    const struct redis_options options = {
        .address = &scene->address,
        .name = "test-client",
        .timeout_ms = timeout_ms,
        .pending_max = scene->pending_max,
        .on_state = on_state,
        .arg = scene,
    };
    scene->client = redis_client_new(scene->loop, &options);
}

void scene_start_redis(struct scene *scene, int64_t timeout_ms)
{
    scene->redis = redis_fixture_new(NULL);
    scene_connect(scene, redis_fixture_url(scene->redis), timeout_ms);
    scene_wait_up(scene);
}

void scene_start_fake(struct scene *scene, int64_t timeout_ms)
{
    scene->fake = fake_redis_new(scene->loop, scene->dir);
    scene_connect(scene, fake_redis_url(scene->fake), timeout_ms);
    scene_wait_up(scene);
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

void scene_wait_up(struct scene *scene)
{
    assert_loop_reaches(scene->loop, client_is_up, scene, SCENE_LIMIT_MS);
}

void scene_wait_down(struct scene *scene)
{
    assert_loop_reaches(scene->loop, client_is_down, scene, SCENE_LIMIT_MS);
}

void on_asked(void *arg, const struct redis_reply *reply, const struct error *why_not)
{
    struct ask *ask = arg;
    ask->answers++;
    assert_int_equal(reply == NULL, why_not != NULL);
    assert_int_equal(ask->answers, 1);
    if (why_not != NULL) {
        ask->code = why_not->code;
        (void)snprintf(ask->text, sizeof ask->text, "%s", why_not->text);
    } else {
        const char *text = redis_reply_text(reply, NULL);
        (void)snprintf(ask->text, sizeof ask->text, "%s", text == NULL ? "" : text);
        ask->number = redis_reply_int(reply, -1);
    }
    if (ask->then != NULL) {
        ask->then(ask);
    }
}

void ask_blocking(struct ask *ask, struct scene *scene, const char *line, int64_t extra_ms)
{
    char words[ERROR_TEXT_SIZE];
    (void)snprintf(words, sizeof words, "%s", line);
    char *rest = NULL;
    struct redis_command command;
    redis_command_init(&command, strtok_r(words, " ", &rest));
    for (const char *word; (word = strtok_r(NULL, " ", &rest)) != NULL;) {
        redis_command_add(&command, word);
    }
    ask->scene = scene;
    redis_client_send(scene->client, &command, extra_ms, on_asked, ask);
    assert_int_equal(ask->answers, 0);
}

void ask_send(struct ask *ask, struct scene *scene, const char *line)
{
    ask_blocking(ask, scene, line, 0);
}

static bool is_answered(void *arg)
{
    const struct ask *ask = arg;
    return ask->answers > 0;
}

void ask_wait(struct scene *scene, struct ask *ask)
{
    assert_loop_reaches(scene->loop, is_answered, ask, SCENE_LIMIT_MS);
}

struct ask ask_once(struct scene *scene, const char *line)
{
    struct ask ask = {0};
    ask_send(&ask, scene, line);
    ask_wait(scene, &ask);
    return ask;
}
