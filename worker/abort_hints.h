/* News that an account's job is to end, from Redis's pub/sub, on a connection of its own. Only
   hints: messages get lost and come late; the answer to a beat is what counts. */
#ifndef OMNIHOOK_WORKER_ABORT_HINTS_H
#define OMNIHOOK_WORKER_ABORT_HINTS_H

#include "common/loop.h"
#include "common/redis_client.h"

struct abort_hints;

struct abort_hints_options {
    const struct redis_address *redis; /* borrowed */
    int64_t timeout_ms;
    const char *channel; /* copied */
    /* account is NULL after each connect: any hint may have been missed. */
    void (*on_hint)(void *arg, const char *account);
    void *arg;
};

struct abort_hints *abort_hints_new(struct loop *loop, const struct abort_hints_options *options);
void abort_hints_free(struct abort_hints *hints); /* NULL is legal */

#endif
