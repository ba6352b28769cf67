#include "worker/abort_hints.h"

#include "common/job_queue.h"
#include "common/mem.h"

#include <string.h>

struct abort_hints {
    struct abort_hints_options options;
    struct redis_client *client;
};

static void on_state(void *arg, bool is_up, const struct error *why_down)
{
    (void)why_down;
    const struct abort_hints *hints = arg;
    if (is_up) {
        hints->options.on_hint(hints->options.arg, NULL);
    }
}

static void on_message(void *arg, const char *message, size_t size)
{
    const struct abort_hints *hints = arg;
    char account[JOB_ACCOUNT_SIZE];
    if (size < sizeof account) {
        memcpy(account, message, size);
        account[size] = '\0';
        hints->options.on_hint(hints->options.arg, account);
    }
}

struct abort_hints *abort_hints_new(struct loop *loop, const struct abort_hints_options *options)
{
    struct abort_hints *hints = mem_new(1, sizeof *hints);
    hints->options = *options;
    hints->client = redis_client_new(loop, &(struct redis_options){
                                               .address = options->redis,
                                               .name = "omnihook-worker-hints",
                                               .timeout_ms = options->timeout_ms,
                                               .on_state = on_state,
                                               .arg = hints,
                                           });
    redis_client_subscribe(hints->client, options->channel, on_message, hints);
    return hints;
}

void abort_hints_free(struct abort_hints *hints)
{
    if (hints == NULL) {
        return;
    }
    redis_client_free(hints->client);
    mem_free(hints);
}
