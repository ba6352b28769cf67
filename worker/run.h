/* One run of one job: reads the settings and Omnitron's list, plans, writes, and tells Redis the
   end. Every write to Redis carries the claim; every request to Omnitron asks the lease first. */
#ifndef OMNIHOOK_WORKER_RUN_H
#define OMNIHOOK_WORKER_RUN_H

#include "common/job_queue.h"
#include "common/loop.h"
#include "common/omnitron.h"
#include "common/settings.h"

struct run;

/* What all runs of a worker share; borrowed for their life. */
struct run_context {
    struct loop *loop;
    struct job_queue *queue;
    struct omnitron_pool *omnitrons;
    struct settings_store *settings;
    int64_t time_limit_ms;
    const char *worker;          /* the name under which the jobs are held, now */
    bool (*may_send)(void *arg); /* the lease holds */
    void *may_send_arg;
    /* The run is over, and its memory gone when this returns: forget it. end is NULL when another
       worker has the job. Never fires inside a call to the run. */
    void (*on_over)(void *arg, struct run *run, const enum job_end *end);
    void *arg;
};

struct run *run_start(const struct run_context *context, const struct job_claim *claim);

/* Ends at once, without a word to Redis or on_over: the lease was lost, or the process ends. */
void run_drop(struct run *run);

/* Its abort was asked for: calls to Omnitron are cancelled now, then it is settled. */
void run_abort(struct run *run);

/* Hands the job back to the queue, unless it is being settled already. */
void run_release(struct run *run);

/* Redis was away: starts no more writes at Omnitron until Redis has confirmed the claim. */
void run_verify(struct run *run);

/* Borrowed. */
const struct job_claim *run_claim(const struct run *run);

#endif
