/* Whether a new connection would come to the same server as the one that stands: every 2 s one is
   made the whole way, by Sentinels or through a cluster, and closed again. For those who would not
   hear of a change: an old master may stay silent, and a subscription is never moved. */
#ifndef OMNIHOOK_COMMON_REDIS_PROBE_H
#define OMNIHOOK_COMMON_REDIS_PROBE_H

#include "common/redis_client.h"

struct redis_probe;

/* on_elsewhere fires when the way has led to another server (which is of use: the greeting has
   passed). Of options the address (borrowed) and timeout_ms are used. */
struct redis_probe *redis_probe_new(struct loop *loop, const struct redis_options *options,
                                    void (*on_elsewhere)(void *arg), void *arg);
/* NULL is legal. */
void redis_probe_free(struct redis_probe *probe);

/* server: as redis_link_server gives it; copied. Starts anew when it runs. */
void redis_probe_start(struct redis_probe *probe, const char *server);
void redis_probe_stop(struct redis_probe *probe);

#endif
