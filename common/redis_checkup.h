/* Whether a Redis is set up to keep what it is given. What would lose jobs is a warning in the log,
   once for each server and process; it never keeps anybody from working. */
#ifndef OMNIHOOK_COMMON_REDIS_CHECKUP_H
#define OMNIHOOK_COMMON_REDIS_CHECKUP_H

#include "common/redis_client.h"

/* Embedded, and must outlive the client. */
struct redis_checkup {
    struct redis_client *client; /* borrowed */
    char run_id[64];             /* of the server that was looked at; "" = none yet */
};

void redis_checkup_init(struct redis_checkup *checkup, struct redis_client *client);

/* To be called when the client has come up: it may be another server, or set up in another way. */
void redis_checkup_start(struct redis_checkup *checkup);

#endif
