/* The inside of struct omnitron_pool: the sessions by account name. For the omnitron_*.c files. */
#ifndef OMNIHOOK_COMMON_OMNITRON_POOL_H
#define OMNIHOOK_COMMON_OMNITRON_POOL_H

#include "common/omnitron_session.h"

enum { POOL_BUCKETS = 1024 };

struct omnitron_pool {
    struct loop *loop;
    struct http_client *http;
    struct omnitron_pool_options options;
    struct session *buckets[POOL_BUCKETS]; /* by account name */
    struct session *oldest_idle;           /* sessions without user that are worth keeping */
    struct session *newest_idle;
    size_t idle_count;
};

/* The session of account's name and credentials, shared where there is one; settings holds account.
   Each acquire is paired with a release. */
struct session *omnitron_pool_acquire_session(struct omnitron_pool *pool, struct settings *settings,
                                              const struct account *account);
void omnitron_pool_release_session(struct omnitron_pool *pool, struct session *session);

#endif
