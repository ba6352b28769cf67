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

/* ---- For those who want to know, instead of a log ---- */

enum redis_aspect { REDIS_VERSION, REDIS_EVICTION, REDIS_PERSISTENCE };
enum redis_verdict { REDIS_IS_FINE, REDIS_IS_UNTOLD, REDIS_MAY_LOSE_JOBS };

/* All borrowed until the callback returns. */
struct redis_finding {
    enum redis_aspect aspect;
    enum redis_verdict verdict;
    const char *setting; /* of Redis's: "maxmemory-policy" */
    const char *value;   /* that it has; unless REDIS_IS_UNTOLD */
    const char *risk;    /* REDIS_MAY_LOSE_JOBS: what happens, and what to set; else NULL */
    const char *advice;
    const struct error *why_not; /* REDIS_IS_UNTOLD; may be NULL */
};

/* NULL: that was all. */
typedef void redis_finding_fn(void *arg, const struct redis_finding *finding);

/* Looks at the server once; fn gets each finding, and the end. Never before this returns. */
void redis_checkup_look(struct redis_client *client, redis_finding_fn *fn, void *arg);

#endif
