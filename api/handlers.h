/* The handlers, one endpoint family a file: what each call means, in words of the queue and the
   planner. A handler is called with a request that may do what its route says: the account is
   known, where the route needs a key. */
#ifndef OMNIHOOK_API_HANDLERS_H
#define OMNIHOOK_API_HANDLERS_H

#include "api/fresh_plan.h"
#include "api/request.h"
#include "common/job_queue.h"

/* What handlers work with; all borrowed. */
struct services {
    struct job_queue *queue;
    struct fresh_plans *plans;
};

handler_fn handle_execute;
handler_fn handle_status;
handler_fn handle_is_required;
handler_fn handle_plan;
handler_fn handle_report;
handler_fn handle_abort;
handler_fn handle_openapi;

#endif
