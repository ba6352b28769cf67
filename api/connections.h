/* The open connections of an evhttp server: how many there may be, how long each may take, and
   which of them can be closed when we stop. evhttp itself knows none of this. */
#ifndef OMNIHOOK_API_CONNECTIONS_H
#define OMNIHOOK_API_CONNECTIONS_H

#include "common/loop.h"

#include <stddef.h>

struct evconnlistener;
struct evhttp;
struct evhttp_request;

struct connections;

struct connections_options {
    int64_t read_timeout_ms; /* for a request to arrive in full, and for an answer to be taken */
    int64_t idle_timeout_ms; /* between two requests */
    size_t max;              /* above it no more are accepted until one closes */
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

/* A request has arrived in full and is with us, until evhttp has sent its answer. */
void connections_on_request(struct connections *connections, struct evhttp_request *request);

/* The listener is going: accepts no more, and closes all that wait between requests. */
void connections_drain(struct connections *connections);
/* Closes all but those whose request is with us, even in the middle of a request. */
void connections_drop_unfinished(struct connections *connections);

#endif
