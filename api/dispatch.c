#include "api/dispatch.h"

#include "api/auth.h"
#include "api/reply.h"

#include <stdio.h>
#include <strings.h>

enum {
    BAD_REQUEST = 400,
    NOT_FOUND = 404,
    METHOD_NOT_ALLOWED = 405,
    CONTENT_TOO_LARGE = 413,
    HEADERS_TOO_LARGE = 431,
};

/* The sentence for a 400, or NULL. Where two parsers may read a request in two ways, a proxy in
   front of us may have let another one through than we see. */
static const char *find_malformation(const struct request *request)
{
    static const char *const single[] = {"Host", "Content-Length", "Transfer-Encoding"};

    if (request_header_count(request, "Authorization") > 1) {
        return "Malformed request: more than one Authorization header.";
    }
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (request_header_count(request, single[i]) > 1) {
            return "Malformed request: a header that may be there once is repeated.";
        }
    }
    if (request_is_http_1_1(request) && request_header(request, "Host") == NULL) {
        return "Malformed request: no Host header.";
    }
    const char *encoding = request_header(request, "Transfer-Encoding");
    if (encoding != NULL && (strcasecmp(encoding, "chunked") != 0 ||
                             request_header(request, "Content-Length") != NULL)) {
        return "Malformed request: the length of the body is not clear.";
    }
    return NULL;
}

/* False when it was answered: it is no good request, wherever it goes. */
static bool check_form(struct request *request)
{
    const char *malformation = find_malformation(request);
    if (malformation != NULL) {
        reply_error_and_close(request, BAD_REQUEST, malformation);
        return false;
    }
    if (request_body_size(request) > BODY_BYTES_MAX) {
        reply_error_and_close(request, CONTENT_TOO_LARGE, "The body is larger than 64 KiB.");
        return false;
    }
    if (request_headers_size(request) > HEADER_BYTES_MAX) {
        reply_error_and_close(request, HEADERS_TOO_LARGE, "The headers are larger than 16 KiB.");
        return false;
    }
    return true;
}

static void refuse_method(struct request *request)
{
    char detail[64];
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
    if (!check_form(request)) {
        return;
    }
    const struct route *route = routes_find(request_path(request));
    if (route == NULL) {
        reply_error(request, NOT_FOUND, "Not found.");
        return;
    }
    request_set_route(request, route);
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
