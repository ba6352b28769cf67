/* One Redis client with all that was told to it, for tests of the client and of what stands on it.
   That every command is answered exactly once, and never inside the send, is checked throughout. */
#ifndef OMNIHOOK_TESTS_SUPPORT_REDIS_SCENE_H
#define OMNIHOOK_TESTS_SUPPORT_REDIS_SCENE_H

#include "common/redis_client.h"
#include "tests/support/fake_redis.h"
#include "tests/support/loop_until.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/temp_dir.h"

enum { SCENE_LIMIT_MS = 20000, SCENE_LONG_MS = 20000, SCENE_SHORT_MS = 300 };

/* The fixtures that are not NULL end with it, after the client. */
struct scene {
    struct loop *loop;
    struct temp_dir *dir;
    struct redis_fixture *redis;
    struct fake_redis *fake;
    struct redis_address address;
    struct redis_client *client;
    size_t pending_max;
    unsigned ups, downs;
    bool is_up;
    struct error why_down;                 /* of the last time */
    void (*on_state)(struct scene *scene); /* after each change; NULL = nothing */
};

/* cmocka's setup and teardown: *state is the scene. */
int scene_new(void **state);
int scene_free(void **state);

/* Makes the client; nothing is turned yet. */
void scene_connect(struct scene *scene, const char *url, int64_t timeout_ms);
/* The same for a redis_fixture started with all defaults, or a fake; then waits until it is up. */
void scene_start_redis(struct scene *scene, int64_t timeout_ms);
void scene_start_fake(struct scene *scene, int64_t timeout_ms);

void scene_wait_up(struct scene *scene);
void scene_wait_down(struct scene *scene);

/* One command and what came of it. Zeroed to begin with. */
struct ask {
    struct scene *scene;
    unsigned answers;
    enum error_code code;          /* ERROR_NONE when there was a reply */
    char text[ERROR_TEXT_SIZE];    /* of the reply or of the error */
    int64_t number;                /* of the reply, -1 when it is none */
    void (*then)(struct ask *ask); /* runs in the callback; NULL = nothing */
    struct ask *next;              /* for then */
};

/* The callback, for commands sent by hand. */
void on_asked(void *arg, const struct redis_reply *reply, const struct error *why_not);

/* line: words with one space between. */
void ask_send(struct ask *ask, struct scene *scene, const char *line);
void ask_blocking(struct ask *ask, struct scene *scene, const char *line, int64_t extra_ms);
void ask_wait(struct scene *scene, struct ask *ask);
/* Sends and waits. */
struct ask ask_once(struct scene *scene, const char *line);

#endif
