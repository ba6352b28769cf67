/* Lua scripts by EVALSHA, and once more by EVAL when the server has lost the script. */
#ifndef OMNIHOOK_COMMON_REDIS_SCRIPT_H
#define OMNIHOOK_COMMON_REDIS_SCRIPT_H

#include "common/redis_client.h"

enum { REDIS_SCRIPT_PARTS_MAX = 3 };

/* A script that is compiled in; its text is that of its parts, one after the other. It is put
   together only when a server needs it. */
struct redis_script {
    const unsigned char
        *parts[REDIS_SCRIPT_PARTS_MAX]; /* borrowed for ever; NULL behind the last */
    char sha1[41];
};

/* The parts are embedded files, 0-terminated; those that are NULL are left out. Each call of a
   script makes anew what its parts define: so give it no more than it needs. */
void redis_script_init(struct redis_script *script,
                       const unsigned char *const parts[REDIS_SCRIPT_PARTS_MAX]);

/* The whole text, 0-terminated; owned by the caller. */
char *redis_script_text(const struct redis_script *script);

/* Like redis_client_send; the script must stay until fn. call holds KEYS and ARGV, begun by
   redis_script_call_init and then filled with redis_command_add...; key_count of the arguments are
   KEYS. On NOSCRIPT it is sent once more with the text, so fn sees one reply; two calls in flight
   may then change places. fn's ERROR_REFUSED covers an error raised by the script. */
void redis_script_call_init(struct redis_command *call, const struct redis_script *script,
                            size_t key_count);
void redis_script_send(struct redis_client *client, const struct redis_script *script,
                       const struct redis_command *call, redis_reply_fn *fn, void *arg);

#endif
