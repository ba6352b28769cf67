/* An answer sent as no server should: cut short, in drops, or never. Takes the connection out of
   evhttp's hands, so it ends with the connection. */
#ifndef OMNIHOOK_TESTS_OMNITRON_SIM_MISDELIVERY_H
#define OMNIHOOK_TESTS_OMNITRON_SIM_MISDELIVERY_H

#include "tests/omnitron_sim/answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct evhttp_connection;
struct misdelivery;

struct misdelivery_plan {
    bool is_silent;   /* nothing is sent; ends when the client has gone */
    int64_t drip_ms;  /* a byte each so many ms; 0: all at once */
    size_t body_size; /* at most so many bytes of the body, under its full Content-Length */
};

/* Fires once, from the loop, when all is sent or the client has gone: close the connection. */
typedef void (*misdelivery_done_fn)(void *context);

/* The answer is copied; the connection is borrowed until misdelivery_free. */
struct misdelivery *misdelivery_start(struct event_base *base, struct evhttp_connection *connection,
                                      const struct answer *answer,
                                      const struct misdelivery_plan *plan,
                                      misdelivery_done_fn on_done, void *context);

/* Call before the connection is freed, at any time; on_done does not fire any more. NULL is
   legal. */
void misdelivery_free(struct misdelivery *misdelivery);

#endif
