/* The open connections of an evhttp server: how many there may be, how long each may take, which of
   them can be closed when we stop, and the gate (http_gate.h) that each one's bytes go through.
   evhttp itself knows none of this. */
#ifndef OMNIHOOK_API_CONNECTIONS_H
#define OMNIHOOK_API_CONNECTIONS_H

#include "api/http_gate.h"
#include "common/ip_range.h"
#include "common/loop.h"

#include <stddef.h>

struct evconnlistener;
struct evhttp;
struct evhttp_request;

struct connections;

enum { CONNECTIONS_QUIET_MS = 200 };

struct connections_options {
    int64_t read_timeout_ms; /* for a request to arrive in full, and for an answer to be taken */
    int64_t idle_timeout_ms; /* between two requests */
    /* When there are as many, a new one takes the place of the one that has been idle for the
       longest time, else of the one that has been sending its request for the longest; when all
       have their request with us, no more are accepted until one closes. */
    size_t max;
    /* From one address, the trusted ones excepted; 0 = no such limit. */
    size_t address_max;
    const struct ip_ranges *trusted; /* borrowed */
    size_t content_max;              /* bytes of a body that are kept; 0 = bodies are thrown away */
    bool is_counted;                 /* the metric of open connections is theirs */
    void (*on_none_left)(void *arg); /* each time that the last one has closed */
    void *arg;
};

/* Watches each connection that http accepts from listener on (both borrowed). */
struct connections *connections_new(struct loop *loop, struct evhttp *http,
                                    struct evconnlistener *listener,
                                    const struct connections_options *options);
/* After evhttp_free, which closes what is left. */
void connections_free(struct connections *connections);

size_t connections_count(const struct connections *connections);

/* evhttp has a request: the one that the gate made. What it stands for is borrowed until the
   caller returns to the loop. It is with us until evhttp has sent its answer. */
const struct http_gate *connections_on_request(struct connections *connections,
                                               struct evhttp_request *request);

/* evhttp_send_reply (reason NULL = evhttp's own), after which the caller's reading is awaited. Who
   has said that nothing more will come gets its answer in full. */
void connections_send_reply(struct connections *connections, struct evhttp_request *request,
                            int status, const char *reason);
/* evhttp_send_reply_end, likewise; but a caller that has hung up is let go. */
void connections_end_stream(struct connections *connections, struct evhttp_request *request);

/* From here on connections between requests, and new ones, are closed when they have been quiet for
   CONNECTIONS_QUIET_MS, so that a request that is on its way is answered. */
void connections_drain(struct connections *connections);
/* Who has called already is accepted in the next turn of the loop, if that is possible at all. */
void connections_accept_now(struct connections *connections);
/* To be called before the listener goes. */
void connections_forget_listener(struct connections *connections);
/* Closes all but those whose request is with us, even in the middle of a request. */
void connections_drop_unfinished(struct connections *connections);

#endif
