/* One call while it is answered: what the gate read, and what we found out about it. Borrowed by a
   handler until it has answered with reply.h, which also frees it. */
#ifndef OMNIHOOK_API_REQUEST_H
#define OMNIHOOK_API_REQUEST_H

#include "api/http_gate.h"
#include "api/routes.h"
#include "common/ip_range.h"
#include "common/settings.h"

#include <stddef.h>

struct evhttp_request;
struct request;

/* What the open requests of a server have in common. */
struct request_group {
    size_t open;     /* not answered yet */
    bool is_closing; /* answers close their connection */
    void (*send)(void *arg, struct evhttp_request *http, int status, const char *reason);
    void (*on_none_open)(void *arg);
    void *arg;
    /* The request whose fields can be read, and the gate that it came through: while it is handed
       over. request_arrived ends that. */
    const struct request *arriving;
    const struct http_gate *gate;
};

enum { REQUEST_ID_MAX = 128 };

/* http stays evhttp's, but may not be answered by others. What gate says of it is copied, but for
   the fields: these can be read until request_arrived. */
struct request *request_new(struct evhttp_request *http, const struct http_gate *gate,
                            struct request_group *group);
void request_arrived(struct request_group *group);

/* The caller's X-Request-Id when it is a good one, else ours. */
const char *request_id(const struct request *request);

enum method request_method(const struct request *request);
/* As the caller wrote it: "PUT". "" when it is not known. */
const char *request_method_name(const struct request *request);

/* NULL when there is none; the first when there are many. Only the fields that http_head.c keeps
   get here, by the names that it has for them. Before request_arrived only. */
const char *request_header(const struct request *request, const char *name);

/* The values of the last fields of that name, at most max, in their order; returns how many. Before
   request_arrived only. */
size_t request_last_headers(const struct request *request, const char *name, const char **values,
                            size_t max);

/* The address at the other end of the connection; none when it is no IP address, or gone. */
void request_peer(const struct request *request, struct ip_address *address);

/* NULL when there is nothing at its path. */
const struct route *request_route(const struct request *request);

/* The account that calls, with the version of the settings that knows it: kept until the answer. */
void request_set_account(struct request *request, struct settings *settings,
                         const struct account *account);
const struct account *request_account(const struct request *request);
struct settings *request_settings(const struct request *request);

/* The job that the call was about, for the log. */
void request_note_job(struct request *request, const char *job);

#endif
