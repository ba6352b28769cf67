/* The bytes of a command on the wire. For common/redis_*.c only; commands are built by the
   functions of redis_client.h. */
#ifndef OMNIHOOK_COMMON_REDIS_COMMAND_H
#define OMNIHOOK_COMMON_REDIS_COMMAND_H

#include "common/redis_client.h"
#include "common/strbuf.h"

/* Replaces what wire holds by the command in RESP2; false when it does not fit under the ceiling.
 */
MUST_CHECK bool redis_command_print(const struct redis_command *command, struct strbuf *wire);

#endif
