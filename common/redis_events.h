/* hiredis on our event loop. In place of hiredis/adapters/libevent.h, which costs five more system
   calls for a command and its reply (it adds its events anew each time, and waits to be told that
   the socket takes a write), and has no place to bound a reply or to refuse one that nobody asked
   for (on which hiredis 0.14 aborts the process). */
#ifndef OMNIHOOK_COMMON_REDIS_EVENTS_H
#define OMNIHOOK_COMMON_REDIS_EVENTS_H

#include "common/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct redisAsyncContext;

enum { REDIS_REPLY_MAX_BYTES = 64 << 20 };

/* Once, before anything is sent. hiredis ends it with the context. is_tls: redis_tls_start was
   called for it. */
void redis_events_attach(struct redisAsyncContext *context, struct loop *loop, bool is_tls);

/* To be called at the end of each reply callback. */
void redis_events_reply_done(struct redisAsyncContext *context);

#endif
