#include "api/dispatch.h"

#include "api/auth.h"
#include "api/reply.h"

#include <stdio.h>

enum { NOT_FOUND = 404, METHOD_NOT_ALLOWED = 405 };

static void refuse_method(struct request *request)
{
    char detail[HTTP_METHOD_MAX + 32];
    (void)snprintf(detail, sizeof detail, "Method \"%s\" not allowed.",
                   request_method_name(request));
    reply_add_header(request, "Allow", request_route(request)->allow);
    reply_error(request, METHOD_NOT_ALLOWED, detail);
}

/* The caller is known, or need not be. */
static void serve(const struct dispatch *dispatch, struct request *request)
{
    const struct route *route = request_route(request);
    if (!route_allows(route, request_method(request))) {
        refuse_method(request);
        return;
    }
    route->handle(dispatch->services, request);
}

void dispatch_request(const struct dispatch *dispatch, struct request *request)
{
    const struct route *route = request_route(request);
    if (route == NULL) {
        reply_error(request, NOT_FOUND, "Not found.");
        return;
    }
    if (request_method(request) == METHOD_OPTIONS) {
        reply_add_header(request, "Allow", route->allow);
        reply_no_content(request);
        return;
    }
    if (route->needs_key) {
        auth_start(dispatch, request, serve);
    } else {
        serve(dispatch, request);
    }
}
