/* What an error reply of Redis is, and means for us. Pure. */
#ifndef OMNIHOOK_COMMON_REDIS_ERROR_H
#define OMNIHOOK_COMMON_REDIS_ERROR_H

#include "common/error.h"
#include "common/redis_reply.h"

/* The words of an error reply; NULL when it is none. */
const char *redis_error_text(const struct redis_reply *reply);

/* Fills err with the code that redis_client.h promises and with Redis's words. True when the
   connection is of no more use: this server will not serve us until something changes, so the
   address is resolved and the greeting done again, in a cluster at the node that it names. ASK is
   not followed: while a slot moves, half of its keys are missing at either node. */
bool redis_error_read(const char *reply_text, struct error *err);

struct redis_moved {
    char host[256]; /* "" = the node that was asked */
    int port;
};

/* Whether it is a cluster's "MOVED <slot> <host>:<port>": then another node serves the slot. */
bool redis_error_read_moved(const char *reply_text, struct redis_moved *moved);

/* redis_error_read for a reply to AUTH. Some servers quote the arguments of a command that they do
   not know: of a text that is not known to be harmless only its first word is kept. */
void redis_error_read_auth(const char *reply_text, struct error *err);

#endif
