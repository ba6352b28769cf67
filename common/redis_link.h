/* One connection to Redis, from the resolving of its name to its loss; may be opened again and
   again. With redis_events.c the only holder of a hiredis context. Never calls its owner from
   within one of the functions below.

     CLOSED --open--> (FINDING) ---> LOOKING_UP ---> GREETING ---> UP
        ^                 |            |    ^          |  ^         |
        |                 |            |    +--moved---+  | next    |
        +---- on_down ----+------------+---------------+--+ address-+

   FINDING is where Sentinels are asked for the master. In a cluster the first node tells which one
   serves the key of the address, and the greeting is said there. */
#ifndef OMNIHOOK_COMMON_REDIS_LINK_H
#define OMNIHOOK_COMMON_REDIS_LINK_H

#include "common/redis_client.h"
#include "common/strbuf.h"

/* The longest name of a host, and of a server's run id, with the 0 byte. */
enum { REDIS_HOST_SIZE = 256, REDIS_SERVER_SIZE = 64 };

struct redis_link;

struct redis_link_handlers {
    void (*on_up)(void *arg);
    /* It is closed: the last of the addresses could not be used, or the connection was lost. */
    void (*on_down)(void *arg, const struct error *why);
    /* The reply to the oldest command whose reply is still to come; tag is that command's. */
    void (*on_reply)(void *arg, void *tag, const struct redis_reply *reply);
    /* A message, or the answer to a subscription. */
    void (*on_push)(void *arg, const struct redis_reply *reply);
    void *arg;
};

/* Borrows options->address; of options only that, name and timeout_ms are used. */
struct redis_link *redis_link_new(struct loop *loop, const struct redis_options *options,
                                  const struct redis_link_handlers *handlers);
/* Closes first. No handler fires. NULL is legal. */
void redis_link_free(struct redis_link *link);

/* The lookup and then each address have timeout_ms; Sentinels as redis_finder.h has it. Only when
   closed. */
void redis_link_open(struct redis_link *link);
/* Replies under way are lost, no handler fires. */
void redis_link_close(struct redis_link *link);
bool redis_link_is_up(const struct redis_link *link);

/* Of the connection that is up. server: its run id, which no other server and no later start has;
   "" when it tells none. place: "host:port" where Sentinels or a cluster have led to, else NULL. */
const char *redis_link_server(const struct redis_link *link);
const char *redis_link_place(const struct redis_link *link);
bool redis_link_is_cluster(const struct redis_link *link);

/* Queue for the next turn's write. The bytes are a command as redis_command_print writes it. False
   when the link is not up. */
MUST_CHECK bool redis_link_send(struct redis_link *link, const struct strbuf *wire, void *tag);
/* The same for SUBSCRIBE, whose answers come by on_push. */
MUST_CHECK bool redis_link_subscribe(struct redis_link *link, const struct strbuf *wire);

/* The server has sent something that was not looked at yet. */
bool redis_link_has_input(const struct redis_link *link);

#endif
