/* The worker process: its connections, its lease, its runs, and its end. */
#ifndef OMNIHOOK_WORKER_WORKER_H
#define OMNIHOOK_WORKER_WORKER_H

#include "common/loop.h"
#include "common/ops_server.h"
#include "common/redis_url.h"
#include "common/service_config.h"
#include "common/settings.h"

struct worker;

/* Starts to connect, then to work; waits for Redis as long as it takes. All arguments are borrowed
   for the worker's life. */
struct worker *worker_start(struct loop *loop, const struct service_config *config,
                            const struct redis_address *redis, struct settings_store *settings);

/* Fills health as ops_server.h asks for it; arg is the worker. */
void worker_get_health(void *arg, struct ops_health *health);

/* Takes no more jobs; what runs may end within the grace time, the rest is handed back. Then quits
   the loop. */
void worker_drain(struct worker *worker);

/* Ends at once; jobs that still run are left to their lease. NULL is legal. */
void worker_free(struct worker *worker);

#endif
