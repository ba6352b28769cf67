/* The inside of struct omnitron_pool. For the omnitron_*.c files. */
#ifndef OMNIHOOK_COMMON_OMNITRON_POOL_H
#define OMNIHOOK_COMMON_OMNITRON_POOL_H

#include "common/omnitron.h"
#include "common/omnitron_session.h"

enum { POOL_BUCKETS = 1024 };

struct omnitron_pool {
    struct loop *loop;
    struct http_client *http;
    struct omnitron_pool_options options;
    struct omnitron_counters counters;
    struct session *buckets[POOL_BUCKETS]; /* by account name */
    struct session *oldest_idle;           /* sessions without reference that remember something */
    struct session *newest_idle;
    size_t idle_count;
};

#endif
