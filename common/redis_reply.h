/* A borrowed view of one reply of Redis, valid until the callback that got it returns. */
#ifndef OMNIHOOK_COMMON_REDIS_REPLY_H
#define OMNIHOOK_COMMON_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redis_reply;

bool redis_reply_is_nil(const struct redis_reply *reply);

/* The bytes of a bulk or status reply, 0-terminated; size (may be NULL) gets their count. NULL when
   the reply is of another type. */
const char *redis_reply_text(const struct redis_reply *reply, size_t *size);

/* An integer reply, or a text that is a decimal number; otherwise fallback. */
int64_t redis_reply_int(const struct redis_reply *reply, int64_t fallback);

/* Elements of an array reply: 0 when it is none; at: NULL when out of range. */
size_t redis_reply_count(const struct redis_reply *reply);
const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index);

#endif
