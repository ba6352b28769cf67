/* How a run, or a part of it, came out: what job_queue_finish will be told. */
#ifndef OMNIHOOK_WORKER_VERDICT_H
#define OMNIHOOK_WORKER_VERDICT_H

#include "common/job_queue.h"
#include "common/omnitron.h"

struct verdict {
    enum run_outcome outcome;
    int64_t delay_ms;    /* RUN_PARKED: the wait. RUN_RETRY: at least this */
    struct error reason; /* unless RUN_OK */
};

/* Of a failure that ends the attempt: throttled = parked, what may pass = again, else failed. */
struct verdict verdict_of_failure(const struct omnitron_failure *failure);

#endif
