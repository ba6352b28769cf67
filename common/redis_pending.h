/* Commands that wait for their reply, in the order in which they were sent. Pure. */
#ifndef OMNIHOOK_COMMON_REDIS_PENDING_H
#define OMNIHOOK_COMMON_REDIS_PENDING_H

#include "common/redis_client.h"

struct redis_pending {
    struct redis_pending *next;
    redis_reply_fn *fn; /* NULL for a command of the client's own */
    void *arg;
    int64_t deadline_ms; /* monotonic */
    int64_t extra_ms;    /* may block that long on purpose */
    enum error_code failure;
};

/* Embedded, zeroed to begin with; must be empty in the end. */
struct redis_pending_list {
    struct redis_pending *head, *tail;
    size_t count;
};

void redis_pending_add(struct redis_pending_list *list, struct redis_pending *pending);
/* The oldest, or NULL. */
struct redis_pending *redis_pending_remove(struct redis_pending_list *list);

/* Used ones, kept so that a command costs no allocation. Embedded, zeroed to begin with. */
struct redis_pending_pool {
    struct redis_pending_list spare;
};

/* Zeroed but for what is given. */
struct redis_pending *redis_pending_new(struct redis_pending_pool *pool, redis_reply_fn *fn,
                                        void *arg);
void redis_pending_free(struct redis_pending_pool *pool, struct redis_pending *pending);
void redis_pending_pool_clear(struct redis_pending_pool *pool);

#endif
