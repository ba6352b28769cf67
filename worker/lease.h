/* This process's right to run jobs: a name registered in Redis, prolonged by beats, and a local
   deadline past which nothing may be done under that name any more.

   The deadline is on the boot clock, from *before* each beat was sent, less a margin: it always
   passes here before Redis lets another worker take the jobs. A lease that is lost is never
   prolonged; the worker comes back under a new name. */
#ifndef OMNIHOOK_WORKER_LEASE_H
#define OMNIHOOK_WORKER_LEASE_H

#include "common/job_queue.h"
#include "common/loop.h"

struct lease;

/* What the worker tells about itself with each beat. */
struct worker_figures {
    int64_t running;
    int64_t done;
    int64_t failed;
};

/* on_held, on_lost and on_aborted never fire inside a call to the lease. */
struct lease_options {
    struct job_queue *queue; /* borrowed */
    int64_t lease_ms;
    int64_t concurrency;
    const struct worker_figures *figures; /* borrowed */
    void (*on_held)(void *arg);           /* registered: jobs may be taken */
    /* Drop every run now, write nothing. */
    void (*on_lost)(void *arg, const struct error *why);
    void (*on_aborted)(void *arg, const char *account); /* a run of ours is to end */
    void *arg;
};

/* Starts to register, and repeats it for as long as it takes. */
struct lease *lease_new(struct loop *loop, const struct lease_options *options);
/* Only when no call can come back: after the queue's client has been freed. */
void lease_free(struct lease *lease);

/* host:pid:random; another one after each loss. Borrowed. */
const char *lease_worker(const struct lease *lease);

/* Whether work may be done under the name at this moment. arg is the lease: fit for
   omnitron_set_guard. */
bool lease_may_send(void *arg);

/* Tries now what is next, instead of when its time comes: Redis is back, or news are expected. */
void lease_hurry(struct lease *lease);

/* Ends the registration of a worker whose runs are over, then calls fn once, later; at the latest
   when some tries have failed. */
void lease_end(struct lease *lease, void (*fn)(void *arg), void *arg);

#endif
