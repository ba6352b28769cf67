/* A connection that listens on a channel of Redis's pub/sub, as each worker has one. */
#ifndef OMNIHOOK_TESTS_SUPPORT_EAR_H
#define OMNIHOOK_TESTS_SUPPORT_EAR_H

#include "tests/support/redis_fixture.h"

struct ear;

/* Redis counts it when this returns. Borrows redis for its life. */
struct ear *ear_new(struct redis_fixture *redis, const char *channel);
/* Redis has seen its end when this returns. NULL is legal. */
void ear_free(struct ear *ear);

#endif
