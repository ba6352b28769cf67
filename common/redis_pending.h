/* The commands of a client that are not answered yet: those on their way, in the order of their
   replies, and those that have failed and are still to be told. Pure. */
#ifndef OMNIHOOK_COMMON_REDIS_PENDING_H
#define OMNIHOOK_COMMON_REDIS_PENDING_H

#include "common/redis_client.h"

struct redis_pending {
    struct redis_pending *next;
    redis_reply_fn *fn; /* NULL for a command of the client's own */
    void *arg;
    int64_t deadline_ms; /* on the caller's clock */
    int64_t extra_ms;
    enum error_code failure;
};

struct redis_pending_list {
    struct redis_pending *head, *tail;
    size_t count;
};

/* Embedded, zeroed to begin with; pair with redis_pendings_clear. */
struct redis_pendings {
    struct redis_pending_list sent;
    struct redis_pending_list failed;
    struct redis_pending_list spare; /* kept so that a command costs no allocation */
    int64_t extra_ms;                /* sum over sent */
};

/* For a command that is about to be sent, or to fail. Goes back by redis_pendings_release. */
struct redis_pending *redis_pendings_new(struct redis_pendings *all, redis_reply_fn *fn, void *arg);
void redis_pendings_release(struct redis_pendings *all, struct redis_pending *pending);

/* It was sent at now_ms and may take timeout_ms, and extra_ms for blocking on purpose. Those behind
   a command that blocks wait with it: its extra time is theirs too. */
void redis_pendings_sent(struct redis_pendings *all, struct redis_pending *pending, int64_t now_ms,
                         int64_t timeout_ms, int64_t extra_ms);
/* The one that a reply is for, which is the oldest; no longer in all. NULL when there is none. */
struct redis_pending *redis_pendings_replied(struct redis_pendings *all);

void redis_pendings_fail(struct redis_pendings *all, struct redis_pending *pending,
                         enum error_code code);
/* All that were sent: the oldest with first, the others with UNAVAILABLE. */
void redis_pendings_fail_sent(struct redis_pendings *all, enum error_code first);
/* The next to be told; no longer in all. NULL when there is none. */
struct redis_pending *redis_pendings_next_failed(struct redis_pendings *all);

/* Nothing may be sent or failed. */
void redis_pendings_clear(struct redis_pendings *all);

#endif
