/* POST execute/: a job for the account. 204 only when Redis has confirmed it. */
#include "api/handlers.h"
#include "api/reply.h"

static void on_enqueued(void *arg, enum enqueue_result result, const char *job,
                        const struct error *why_not)
{
    struct request *request = arg;
    (void)result;
    if (why_not != NULL) {
        reply_queue_error(request, why_not);
        return;
    }
    request_note_job(request, job);
    reply_no_content(request);
}

void handle_execute(const struct services *services, struct request *request)
{
    job_queue_enqueue(services->queue, request_account(request)->name, on_enqueued, request);
}
