/* One call of the dashboard or of an operator's script while it is answered. A handler borrows it
   until it has answered, once, with one of the functions below, which also frees it. */
#ifndef OMNIHOOK_API_DASHBOARD_REQUEST_H
#define OMNIHOOK_API_DASHBOARD_REQUEST_H

#include "api/dashboard_query.h"
#include "api/http_gate.h"
#include "common/api_key.h"
#include "common/ip_range.h"

#include <stddef.h>

struct dashboard;
struct dashboard_request;
struct evhttp_request;

enum {
    DASHBOARD_BODY_MAX_BYTES = 1024,
    DASHBOARD_NAME_SIZE = 64, /* an account's name, a job's id */
    DASHBOARD_CALLER_SIZE = 64,
};

/* What the open requests of a dashboard have in common. */
struct dashboard_requests {
    struct dashboard *dashboard;
    size_t open;     /* not answered yet */
    bool is_closing; /* answers close their connection */
    void (*send)(void *arg, struct evhttp_request *http, int status, const char *reason);
    void *arg;
};

/* Who calls, as far as it is known. */
struct dashboard_caller {
    struct ip_address address; /* IPv6 cut to its /64 */
    struct api_key_hash key;   /* of the key that was given */
    bool has_key;              /* a valid one */
};

/* What a call is about; filled by its handler. */
struct dashboard_subject {
    const char *act; /* of an act: a literal, for the log */
    char account[DASHBOARD_NAME_SIZE];
    char job[DASHBOARD_NAME_SIZE];
    int64_t number; /* the handler's own */
};

/* gate is borrowed while the call is dispatched. http is answered by nobody else. */
struct dashboard_request *dashboard_request_new(struct evhttp_request *http,
                                                const struct http_gate *gate,
                                                struct dashboard_requests *all);

struct dashboard *dashboard_request_dashboard(const struct dashboard_request *request);
struct dashboard_caller *dashboard_request_caller(struct dashboard_request *request);
struct dashboard_subject *dashboard_request_subject(struct dashboard_request *request);
/* The parameters of the query; filled by the dispatcher. */
struct dashboard_query *dashboard_request_query(struct dashboard_request *request);

/* The answer is to have no body. */
bool dashboard_request_is_head(const struct dashboard_request *request);

/* Only while the call is dispatched. NULL = there is no such header. */
const char *dashboard_request_header(const struct dashboard_request *request, const char *name);
size_t dashboard_request_last_headers(const struct dashboard_request *request, const char *name,
                                      const char **values, size_t max);
/* None when it is no IP address, or gone. */
void dashboard_request_peer(const struct dashboard_request *request, struct ip_address *address);

/* The body; 0-terminated. */
const struct strbuf *dashboard_request_body(const struct dashboard_request *request);

/* Before one of those that answer. */
void dashboard_add_header(struct dashboard_request *request, const char *name, const char *value);

void dashboard_reply(struct dashboard_request *request, int status, const char *content_type,
                     const void *bytes, size_t size);
void dashboard_reply_json(struct dashboard_request *request, const char *text, size_t size);
void dashboard_reply_no_content(struct dashboard_request *request);
/* {"detail": detail}; detail may be any bytes. */
void dashboard_reply_error(struct dashboard_request *request, int status, const char *detail);
/* The same with Retry-After. */
void dashboard_reply_try_later(struct dashboard_request *request, int status, int64_t seconds,
                               const char *detail);
/* 503 with the reason: what Redis was asked for has not been done, or nobody knows. */
void dashboard_reply_queue_error(struct dashboard_request *request, const struct error *why_not);

/* Sends the head of an answer that goes on, and frees request: the rest is the caller's to send. */
struct evhttp_request *dashboard_reply_start(struct dashboard_request *request,
                                             const char *content_type);

#endif
