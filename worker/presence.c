#include "worker/presence.h"

#include "common/job_queue.h"
#include "common/mem.h"

#include <string.h>

struct presence {
    struct presence_options options;
    struct redis_client *client;
};

static void on_state(void *arg, bool is_up, const struct error *why_down)
{
    (void)is_up;
    (void)why_down;
    const struct presence *presence = arg;
    presence->options.on_changed(presence->options.arg);
}

static void on_message(void *arg, const char *message, size_t size)
{
    const struct presence *presence = arg;
    char account[JOB_ACCOUNT_SIZE];
    if (size < sizeof account) {
        memcpy(account, message, size);
        account[size] = '\0';
        presence->options.on_hint(presence->options.arg, account);
    }
}

struct presence *presence_new(struct loop *loop, const struct presence_options *options)
{
    struct presence *presence = mem_new(1, sizeof *presence);
    presence->options = *options;
    presence->client = redis_client_new(loop, &(struct redis_options){
                                                  .address = options->redis,
                                                  .name = "omnihook-worker-presence",
                                                  .timeout_ms = options->timeout_ms,
                                                  .on_state = on_state,
                                                  .arg = presence,
                                              });
    redis_client_subscribe(presence->client, options->channel, on_message, presence);
    return presence;
}

void presence_free(struct presence *presence)
{
    if (presence == NULL) {
        return;
    }
    redis_client_free(presence->client);
    mem_free(presence);
}
