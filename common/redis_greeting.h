/* What is said to Redis before a connection counts as up: AUTH, SELECT, CLIENT SETNAME and INFO, in
   one write. Only a Redis that we can work with passes: 6.2 or newer, its data loaded, and not a
   replica that takes no writes. */
#ifndef OMNIHOOK_COMMON_REDIS_GREETING_H
#define OMNIHOOK_COMMON_REDIS_GREETING_H

#include "common/redis_client.h"

enum redis_greeting_part {
    REDIS_GREETING_AUTH,   /* left out without a password */
    REDIS_GREETING_SELECT, /* left out for database 0 */
    REDIS_GREETING_NAME,
    REDIS_GREETING_INFO,
    REDIS_GREETING_END,
};

/* Builds a part of the greeting, borrowing from address and name; false when it is left out. */
bool redis_greeting_build(enum redis_greeting_part part, const struct redis_address *address,
                          const char *name, struct redis_command *command);

/* Whether the reply to a part lets us go on. */
MUST_CHECK bool redis_greeting_check(enum redis_greeting_part part,
                                     const struct redis_address *address,
                                     const struct redis_reply *reply, struct error *err);

/* The verdict on INFO's text. */
MUST_CHECK bool redis_greeting_check_info(const char *info, struct error *err);

#endif
