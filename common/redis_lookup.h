/* The addresses behind a host name, without blocking. */
#ifndef OMNIHOOK_COMMON_REDIS_LOOKUP_H
#define OMNIHOOK_COMMON_REDIS_LOOKUP_H

#include "common/error.h"
#include "common/loop.h"

#include <stddef.h>

enum { REDIS_LOOKUP_MAX = 8, REDIS_LOOKUP_TEXT_SIZE = 64 };

struct redis_lookup_result {
    char addresses[REDIS_LOOKUP_MAX][REDIS_LOOKUP_TEXT_SIZE]; /* numeric IPv4 and IPv6 */
    size_t count;                                             /* at least 1 */
};

/* result is NULL on failure, else why_not is; both are borrowed. */
typedef void redis_lookup_fn(void *arg, const struct redis_lookup_result *result,
                             const struct error *why_not);

struct redis_lookup;

/* fn fires once, on a later turn of the loop, unless the lookup is cancelled. The lookup frees
   itself. It has no limit of its own beyond the resolver's, some 15 s. */
struct redis_lookup *redis_lookup_start(struct loop *loop, const char *host, redis_lookup_fn *fn,
                                        void *arg);
void redis_lookup_cancel(struct redis_lookup *lookup);

#endif
