/* Many HTTP calls at once, on a connection of its own each, for programs that must not wait for any
   of them. */
#ifndef OMNIHOOK_TESTS_SUPPORT_HTTP_CALLS_H
#define OMNIHOOK_TESTS_SUPPORT_HTTP_CALLS_H

#include "tests/support/http_call.h"

struct http_calls;

struct http_calls *http_calls_new(void);
/* Calls under way end without an answer: their fn is not called. NULL is legal. */
void http_calls_free(struct http_calls *calls);

/* Starts a call; call is borrowed until this returns. fn is called once, from http_calls_pump; the
   answer is freed after it. */
typedef void http_answered_fn(void *arg, const struct http_answer *answer);
void http_calls_start(struct http_calls *calls, const struct http_call *call, http_answered_fn *fn,
                      void *arg);

/* Moves all calls on, and waits up to wait_ms when none can be moved. */
void http_calls_pump(struct http_calls *calls, int wait_ms);

#endif
