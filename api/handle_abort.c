/* POST abort/: ends the account's job. That there was none is no error. */
#include "api/handlers.h"
#include "api/reply.h"

static void on_aborted(void *arg, bool found, const struct error *why_not)
{
    struct request *request = arg;
    (void)found;
    if (why_not != NULL) {
        reply_queue_error(request, why_not);
        return;
    }
    reply_no_content(request);
}

void handle_abort(const struct services *services, struct request *request)
{
    job_queue_abort(services->queue, request_account(request)->name, on_aborted, request);
}
