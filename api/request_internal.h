/* For reply.c, which ends a request. */
#ifndef OMNIHOOK_API_REQUEST_INTERNAL_H
#define OMNIHOOK_API_REQUEST_INTERNAL_H

#include "api/request.h"

struct evhttp_request *request_http(const struct request *request);

/* Its answer has no Date. */
bool request_is_http_1_0(const struct request *request);

/* The answer has to close the connection. */
bool request_must_close(const struct request *request);

/* Sends the answer that evhttp's part of request has by now, writes the access log line, and frees
   request. */
void request_end(struct request *request, int status, const char *reason);

#endif
