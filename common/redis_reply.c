#include "common/redis_reply.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* struct redis_reply is never defined: it is hiredis's reply under a name of ours. */
static const redisReply *inner(const struct redis_reply *reply)
{
    return (const redisReply *)(const void *)reply;
}

bool redis_reply_is_nil(const struct redis_reply *reply)
{
    return inner(reply)->type == REDIS_REPLY_NIL;
}

const char *redis_reply_text(const struct redis_reply *reply, size_t *size)
{
    const redisReply *raw = inner(reply);
    if (raw->type != REDIS_REPLY_STRING && raw->type != REDIS_REPLY_STATUS) {
        return NULL;
    }
    if (size != NULL) {
        *size = (size_t)raw->len;
    }
    return raw->str;
}

int64_t redis_reply_int(const struct redis_reply *reply, int64_t fallback)
{
    if (inner(reply)->type == REDIS_REPLY_INTEGER) {
        return inner(reply)->integer;
    }
    size_t size;
    const char *text = redis_reply_text(reply, &size);
    /* strtoll would skip white space and take a '+'. */
    if (text == NULL || size == 0 || strchr("-0123456789", text[0]) == NULL) {
        return fallback;
    }
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    return errno == 0 && end == text + size ? number : fallback;
}

size_t redis_reply_count(const struct redis_reply *reply)
{
    return inner(reply)->type == REDIS_REPLY_ARRAY ? inner(reply)->elements : 0;
}

const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index)
{
    if (index >= redis_reply_count(reply)) {
        return NULL;
    }
    return (const struct redis_reply *)(const void *)inner(reply)->element[index];
}
