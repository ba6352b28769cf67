/* Carries out a plan: creates, patches, and look-ups of what exists already, in parallel up to the
   account's max_connections. Each webhook has its own outcome in the report; a failure that is
   about the account as a whole ends it all. */
#ifndef OMNIHOOK_WORKER_WRITES_H
#define OMNIHOOK_WORKER_WRITES_H

#include "common/loop.h"
#include "common/omnitron.h"
#include "common/planner.h"
#include "common/run_report.h"
#include "worker/verdict.h"

struct writes;

/* All borrowed for the life of the writes. */
struct writes_options {
    struct omnitron *omnitron;
    const struct account *account;
    const struct plan *plan;
    struct run_report *report;
    void (*on_moved)(void *arg); /* the report has changed */
    /* Once, never inside writes_start. The writes and what they borrow may be freed in it. */
    void (*on_done)(void *arg, const struct verdict *verdict);
    void *arg;
    bool is_paused; /* as after writes_pause */
};

/* Starts what the plan wants written for the webhooks that are pending in the report: at least one.
 */
struct writes *writes_start(struct loop *loop, const struct writes_options *options);

/* Cancels nothing: free the omnitron first. NULL is legal. */
void writes_free(struct writes *writes);

/* No new write is started until writes_resume. */
void writes_pause(struct writes *writes);
void writes_resume(struct writes *writes);

#endif
