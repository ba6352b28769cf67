/* GET get_async_status/: the state of the account's job. */
#include "api/handlers.h"
#include "api/reply.h"

static void on_state(void *arg, const char *state, const struct error *why_not)
{
    struct request *request = arg;
    if (why_not != NULL) {
        reply_queue_error(request, why_not);
        return;
    }
    reply_result(request, state);
}

void handle_status(const struct services *services, struct request *request)
{
    job_queue_get_state(services->queue, request_account(request)->name, on_state, request);
}
