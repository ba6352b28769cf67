/* That this worker is there: it listens on a channel of its own, by a connection of its own. Redis
   closes the connections of a process that dies, so everybody sees at once that it is gone
   (common/lua/watch.lua). On the channel comes whose job is to end: only hints, which may get lost
   or come late; the answer to a beat is what counts. */
#ifndef OMNIHOOK_WORKER_PRESENCE_H
#define OMNIHOOK_WORKER_PRESENCE_H

#include "common/loop.h"
#include "common/redis_client.h"

struct presence;

struct presence_options {
    const struct redis_address *redis; /* borrowed */
    int64_t timeout_ms;
    const char *channel; /* copied */
    /* The account's run may have to end. */
    void (*on_hint)(void *arg, const char *account);
    /* It listens, or does not any more: what a beat tells Redis, and hints may have been missed. */
    void (*on_changed)(void *arg);
    void *arg;
};

struct presence *presence_new(struct loop *loop, const struct presence_options *options);
void presence_free(struct presence *presence); /* NULL is legal */

#endif
