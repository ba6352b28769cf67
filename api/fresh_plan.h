/* Plans by lists that were read after they were asked for. Calls that come while an account's list
   is read wait for the next read, which they share: a burst costs at most two reads. Nothing is
   remembered, neither answers nor errors. */
#ifndef OMNIHOOK_API_FRESH_PLAN_H
#define OMNIHOOK_API_FRESH_PLAN_H

#include "common/loop.h"
#include "common/omnitron.h"
#include "common/planner.h"

struct fresh_plans;

/* pool is borrowed. timeout_ms: the longest wait of one asker. */
struct fresh_plans *fresh_plans_new(struct loop *loop, struct omnitron_pool *pool,
                                    int64_t timeout_ms);
/* Fails all who wait with ERROR_CANCELLED (inside this call), then frees. NULL is legal. */
void fresh_plans_free(struct fresh_plans *plans);

/* ERROR_TIMEOUT: Omnitron did not answer in time. ERROR_CANCELLED: we are stopping. Any other code:
   Omnitron refused, could not be reached, or made no sense. */
struct plan_failure {
    struct error error;     /* a sentence without a secret */
    int64_t retry_after_ms; /* > 0: Omnitron asked not to be asked before */
};

/* All borrowed until return. account is the one that the plan was made for: of the settings of the
   last who joined the read. Exactly one of plan and why_not is given. */
typedef void fresh_plan_fn(void *arg, const struct plan *plan, const struct account *account,
                           const struct plan_failure *why_not);

/* fn fires exactly once, after this has returned. Keeps a reference to settings meanwhile. */
void fresh_plans_ask(struct fresh_plans *plans, struct settings *settings,
                     const struct account *account, fresh_plan_fn *fn, void *arg);

#endif
