/* GET report/: what the account's current or last job did. */
#include "api/handlers.h"
#include "api/reply.h"

static void on_report(void *arg, const char *report, size_t size, const struct error *why_not)
{
    struct request *request = arg;
    if (why_not != NULL) {
        reply_queue_error(request, why_not);
    } else if (report == NULL) {
        reply_error(request, 404, "Not found.");
    } else {
        reply_json_text(request, report, size);
    }
}

void handle_report(const struct services *services, struct request *request)
{
    job_queue_get_report(services->queue, request_account(request)->name, on_report, request);
}
