/* A server that says what a test wants in place of Redis, on the test's own loop. */
#ifndef OMNIHOOK_TESTS_SUPPORT_FAKE_REDIS_H
#define OMNIHOOK_TESTS_SUPPORT_FAKE_REDIS_H

#include "common/loop.h"
#include "tests/support/temp_dir.h"

#include <stdbool.h>
#include <stddef.h>

struct fake_redis;

/* Answers to CLIENT SETNAME and INFO with which a client comes up. */
#define FAKE_REDIS_WELCOME "+OK\r\n$46\r\nredis_version:7.0.15\r\nloading:0\r\nrole:master\r\n\r\n"

/* Listens on a unix socket in dir. */
struct fake_redis *fake_redis_new(struct loop *loop, const struct temp_dir *dir);
void fake_redis_free(struct fake_redis *fake);

const char *fake_redis_url(const struct fake_redis *fake);

/* Bytes sent in answer to the first read of each connection, and to each later one; borrowed.
   Empty = silent; NULL = the connection is closed. FAKE_REDIS_WELCOME and silent until set. */
void fake_redis_greet(struct fake_redis *fake, const char *answer);
void fake_redis_answer(struct fake_redis *fake, const char *answer);

/* Bytes sent as soon as somebody connects, before a read; NULL = none. */
void fake_redis_shout(struct fake_redis *fake, const char *bytes);

/* Sends bytes on the newest connection now. */
void fake_redis_send(struct fake_redis *fake, const void *bytes, size_t size);

/* All that was sent on the newest connection has left this process. */
bool fake_redis_is_flushed(const struct fake_redis *fake);

/* Of the newest connection: how often there was something to read, and all that was read,
   0-terminated. */
size_t fake_redis_reads(const struct fake_redis *fake);
const char *fake_redis_received(const struct fake_redis *fake);
/* Connections since the start. */
size_t fake_redis_connections(const struct fake_redis *fake);

#endif
