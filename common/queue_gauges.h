/* Looks at the queue every few seconds, for the metrics: how many wait, since when, and the totals.
   One small script a look, whatever the queue's length. */
#ifndef OMNIHOOK_COMMON_QUEUE_GAUGES_H
#define OMNIHOOK_COMMON_QUEUE_GAUGES_H

#include "common/job_queue.h"
#include "common/loop.h"

struct queue_gauges;

/* queue is borrowed; its client is freed first (job_queue.h). While Redis is away the last figures
   stay. */
struct queue_gauges *queue_gauges_new(struct loop *loop, struct job_queue *queue);
/* NULL is legal. */
void queue_gauges_free(struct queue_gauges *gauges);

#endif
