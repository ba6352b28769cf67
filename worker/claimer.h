/* Takes jobs from the queue and claims them, as long as there is room. The only user of the
   blocking connection.

   An element that has been taken is never forgotten: it is claimed, or handed back. When the answer
   to a pop is lost, or comes too late for its worker's name, the worker's own list in Redis is
   looked through before the next pop; and now and then in any case. */
#ifndef OMNIHOOK_WORKER_CLAIMER_H
#define OMNIHOOK_WORKER_CLAIMER_H

#include "common/job_queue.h"
#include "common/loop.h"
#include "worker/lease.h"

struct claimer;

struct claimer_options {
    struct job_queue *queue;          /* borrowed */
    struct redis_client *blocking;    /* borrowed; for pops alone */
    struct lease *lease;              /* borrowed: jobs are taken under its name, while it holds */
    size_t runs_max;                  /* runs and claims at once */
    int64_t wait_ms;                  /* of one pop; less than half of the lease */
    int64_t look_ms;                  /* between two looks into the own list without a reason */
    size_t (*get_running)(void *arg); /* how many runs are not over */
    /* Fills tokens (borrowed) with those of the runs that are not over, and returns how many. */
    size_t (*get_tokens)(void *arg, const char **tokens, size_t max);
    /* A claimed job: run it. Also after claimer_stop, for a claim that was under way. */
    void (*on_claimed)(void *arg, const struct job_claim *claim);
    void *arg;
};

struct claimer *claimer_new(struct loop *loop, const struct claimer_options *options);
/* Only when no call can come back: after both clients have been freed. */
void claimer_free(struct claimer *claimer);

/* Something changed for the better (room, lease, a connection): goes on if it can. */
void claimer_wake(struct claimer *claimer);

/* The lease was lost: claims under way are dropped, and what the lost name still holds is handed
   back. */
void claimer_forget_claims(struct claimer *claimer);

/* Takes nothing more. fn fires once, later, when nothing that was taken is left in between. */
void claimer_stop(struct claimer *claimer, void (*fn)(void *arg), void *arg);

#endif
