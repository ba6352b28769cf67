/* GET is_required/ and plan/: what execute would do now, by a list read that began after the call.
   Neither needs Redis. */
#include "api/handlers.h"
#include "api/reply.h"

enum { BAD_GATEWAY = 502, UNAVAILABLE = 503, GATEWAY_TIMEOUT = 504 };

static void reply_plan_failure(struct request *request, const struct plan_failure *failure)
{
    if (failure->error.code == ERROR_CANCELLED) {
        reply_try_later(request, UNAVAILABLE, 1, failure->error.text);
        return;
    }
    int status = failure->error.code == ERROR_TIMEOUT ? GATEWAY_TIMEOUT : BAD_GATEWAY;
    if (failure->retry_after_ms > 0) {
        reply_try_later(request, status, (failure->retry_after_ms + 999) / 1000,
                        failure->error.text);
    } else {
        reply_error(request, status, failure->error.text);
    }
}

static void on_plan_for_is_required(void *arg, const struct plan *plan,
                                    const struct account *account,
                                    const struct plan_failure *why_not)
{
    struct request *request = arg;
    (void)account;
    if (why_not != NULL) {
        reply_plan_failure(request, why_not);
        return;
    }
    /* Texts, not booleans: so the published page has it. */
    reply_result(request, plan_is_required(plan) ? "true" : "false");
}

void handle_is_required(const struct services *services, struct request *request)
{
    fresh_plans_ask(services->plans, request_settings(request), request_account(request),
                    on_plan_for_is_required, request);
}

static void on_plan(void *arg, const struct plan *plan, const struct account *account,
                    const struct plan_failure *why_not)
{
    struct request *request = arg;
    if (why_not != NULL) {
        reply_plan_failure(request, why_not);
        return;
    }
    reply_json(request, plan_to_json(plan, account));
}

void handle_plan(const struct services *services, struct request *request)
{
    fresh_plans_ask(services->plans, request_settings(request), request_account(request), on_plan,
                    request);
}
