/* Which Redis is the master of a service, by asking its Sentinels: one after the other, first the
   one that has answered last. Each has half a second; after a round in which none has answered
   twice as long, up to the time of a command. */
#ifndef OMNIHOOK_COMMON_REDIS_FINDER_H
#define OMNIHOOK_COMMON_REDIS_FINDER_H

#include "common/redis_client.h"

/* host (a name or an address, borrowed) is NULL on failure, else why_not is, which tells what each
   Sentinel has said. */
typedef void redis_found_fn(void *arg, const char *host, int port, const struct error *why_not);

struct redis_finder;

/* Of options the address (borrowed), name and timeout_ms are used. */
struct redis_finder *redis_finder_new(struct loop *loop, const struct redis_options *options,
                                      redis_found_fn *fn, void *arg);
/* NULL is legal. */
void redis_finder_free(struct redis_finder *finder);

/* fn fires once, on a later turn of the loop, unless it is cancelled. One at a time. */
void redis_finder_start(struct redis_finder *finder);
void redis_finder_cancel(struct redis_finder *finder);

/* What was found is no master, or cannot be reached: another Sentinel may know better, and is asked
   first the next time. */
void redis_finder_distrust(struct redis_finder *finder);

#endif
