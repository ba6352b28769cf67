/* Housekeeping in Redis that every worker does for all: retries that are due go back to the queue,
   jobs of dead workers are taken back, accounts that fell between the lists are mended. Each at its
   own pace with jitter, so that many workers do not do it all at the same moment. */
#ifndef OMNIHOOK_WORKER_JANITOR_H
#define OMNIHOOK_WORKER_JANITOR_H

#include "common/job_queue.h"
#include "common/loop.h"

struct janitor;

/* queue is borrowed. */
struct janitor *janitor_new(struct loop *loop, struct job_queue *queue);
/* Only when no call can come back: after the queue's client has been freed. */
void janitor_free(struct janitor *janitor);

#endif
