#include "worker/verdict.h"

struct verdict verdict_of_failure(const struct omnitron_failure *failure)
{
    struct verdict verdict = {
        .outcome = RUN_FAILED, .delay_ms = failure->retry_after_ms, .reason = failure->error};
    if (failure->kind == OMNITRON_THROTTLED) {
        verdict.outcome = RUN_PARKED;
    } else if (failure->kind == OMNITRON_CANCELLED || omnitron_failure_may_pass(failure)) {
        verdict.outcome = RUN_RETRY;
    }
    return verdict;
}
