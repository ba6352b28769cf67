#include "tests/support/ear.h"

#include "common/mem.h"
#include "common/redis_client.h"
#include "tests/support/loop_until.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

enum { LIMIT_MS = 10000 };

struct ear {
    struct redis_fixture *redis;
    char *channel;
    struct loop *loop;
    struct redis_address address;
    struct redis_client *client;
};

static bool is_up(void *arg)
{
    const struct ear *ear = arg;
    return redis_client_is_up(ear->client);
}

static bool nobody_listens(void *arg)
{
    const struct ear *ear = arg;
    return redis_int(ear->redis, "PUBLISH %s -", ear->channel) == 0;
}

static void on_message(void *arg, const char *message, size_t size)
{
    (void)arg;
    (void)message;
    (void)size;
}

struct ear *ear_new(struct redis_fixture *redis, const char *channel)
{
    struct ear *ear = mem_new(1, sizeof *ear);
    struct error err;
    ear->redis = redis;
    ear->channel = mem_copy_text(channel);
    ear->loop = loop_new();
    if (!redis_address_parse(&ear->address, redis_fixture_url(redis), &err)) {
        fail_because("%s", err.text);
    }
    ear->client = redis_client_new(
        ear->loop,
        &(struct redis_options){.address = &ear->address, .name = "ear", .timeout_ms = LIMIT_MS});
    redis_client_subscribe(ear->client, channel, on_message, NULL);
    assert_loop_reaches(ear->loop, is_up, ear, LIMIT_MS);
    return ear;
}

void ear_free(struct ear *ear)
{
    if (ear == NULL) {
        return;
    }
    redis_client_free(ear->client);
    assert_becomes_true(nobody_listens, ear, LIMIT_MS);
    redis_address_clear(&ear->address);
    loop_free(ear->loop);
    mem_free(ear->channel);
    mem_free(ear);
}
