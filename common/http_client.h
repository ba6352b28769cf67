/* HTTP calls on the event loop: one curl multi handle, keep-alive, one struct per transfer. With
   url.c the only user of libcurl. Redirects are never followed, TLS is always verified, environment
   proxies and .netrc are not obeyed, answers have a ceiling. */
#ifndef OMNIHOOK_COMMON_HTTP_CLIENT_H
#define OMNIHOOK_COMMON_HTTP_CLIENT_H

#include "common/error.h"
#include "common/loop.h"

#include <stddef.h>

struct http_client;
struct http_transfer;

/* One process has one. connections_max: idle connections kept open for reuse. */
struct http_client *http_client_new(struct loop *loop, unsigned connections_max);
/* Cancels what is under way: no callback fires. Not to be called from inside one. */
void http_client_free(struct http_client *client);

enum { HTTP_HEADERS_MAX = 8 };

/* Borrowed until http_client_send returns, which copies what it needs. */
struct http_request {
    const char *method; /* "GET", "POST", "PATCH" */
    const char *url;
    const char *headers[HTTP_HEADERS_MAX]; /* "Name: value", NULL at the end; may hold secrets */
    const char *body;                      /* NULL = none */
    size_t body_size;
    const char *ca_file; /* NULL = the system's */
    const char *proxy;   /* NULL = none */
    int64_t connect_timeout_ms;
    int64_t timeout_ms; /* all of it, from now; slower than 1 byte/s for 10 s also ends it */
    size_t max_response_bytes;
    /* Asked with http_client_send's arg just before the request's bytes leave, once a connection is
       there: false = do not send (the call fails with ERROR_CANCELLED). NULL = always. It only
       looks: calling this client from it is not legal. */
    bool (*may_send)(void *arg);
};

struct http_response {
    int status;
    const char *body; /* 0-terminated; borrowed until the callback returns */
    size_t body_size;
    const char *content_type; /* "" when there was none */
    const char *retry_after;  /* "" when there was none */
    const char *date;         /* "" when there was none */
};

enum http_failure_kind {
    HTTP_FAILURE_CONNECT, /* DNS, TCP, proxy: the request was not sent */
    HTTP_FAILURE_TLS,     /* certificate or handshake: the request was not sent */
    HTTP_FAILURE_TIMEOUT, /* in time nothing or not everything came */
    HTTP_FAILURE_BROKEN,  /* reset, closed early, not HTTP, bad encoding */
    HTTP_FAILURE_TOO_LARGE,
    HTTP_FAILURE_CANCELLED, /* may_send said no */
};

struct http_failure {
    enum http_failure_kind kind;
    bool was_sent;      /* the request may have reached the server: its outcome is unknown */
    struct error error; /* for people; names the host, never a header or query */
};

/* Exactly one of response and failure is given. Fires once, after http_client_send has returned.
   May send and cancel. A request that met a kept connection which the server had just closed has
   been repeated by libcurl on a new one, also a POST. */
typedef void http_done_fn(void *arg, const struct http_response *response,
                          const struct http_failure *failure);

struct http_transfer *http_client_send(struct http_client *client,
                                       const struct http_request *request, http_done_fn *fn,
                                       void *arg);

/* Ends it at once; fn will not fire. Only before fn has fired. */
void http_transfer_cancel(struct http_transfer *transfer);

#endif
