/* Whether a listener takes new connections. One that cannot (no descriptor is left, of the process
   or the system) would try again in each turn of the loop: it rests for ACCEPTING_REST_MS instead.
 */
#ifndef OMNIHOOK_COMMON_ACCEPTING_H
#define OMNIHOOK_COMMON_ACCEPTING_H

#include "common/loop.h"

struct evconnlistener;
struct accepting;

enum { ACCEPTING_REST_MS = 1000 };

/* The listener is borrowed until accepting_free; its error callback is ours. */
struct accepting *accepting_new(struct loop *loop, struct evconnlistener *listener);
/* Before the listener goes. NULL is legal. */
void accepting_free(struct accepting *accepting);

/* Takes no new connections until accepting_resume. False when it did not before either. */
bool accepting_pause(struct accepting *accepting);
void accepting_resume(struct accepting *accepting);

/* Ends a rest before its time. */
void accepting_try_now(struct accepting *accepting);

#endif
