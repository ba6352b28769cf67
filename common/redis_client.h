/* One connection to Redis on the event loop, that reconnects by itself. The only user of hiredis.

   Every command is answered exactly once, by reply or by error, never before redis_client_send
   returns. While the connection is down, commands fail on the next turn of the loop: nothing is
   kept in memory for later. A command that gets no reply in time takes the connection down, since
   replies come in order: all commands behind it fail too, and whether they were done is unknown.
   Any callback may call anything here, redis_client_free too; but one that is told ERROR_CANCELLED
   may not send on this client again. */
#ifndef OMNIHOOK_COMMON_REDIS_CLIENT_H
#define OMNIHOOK_COMMON_REDIS_CLIENT_H

#include "common/error.h"
#include "common/loop.h"
#include "common/redis_reply.h"
#include "common/redis_url.h"

struct redis_client;

/* why_not is NULL when there is a reply, else reply is NULL:
   ERROR_UNAVAILABLE  not connected; or the connection was lost under way: it may have been done;
                      or Redis said LOADING, READONLY, UNBLOCKED, MASTERDOWN, CLUSTERDOWN, MISCONF,
                      NOREPLICAS, BUSY
   ERROR_TIMEOUT      no reply in time; it may have been done
   ERROR_FULL         Redis is out of memory (OOM), or too many commands wait
   ERROR_UNAUTHORIZED NOAUTH, WRONGPASS, NOPERM
   ERROR_REFUSED      any other error reply, e.g. WRONGTYPE; the text is Redis's
   ERROR_CANCELLED    the client was freed */
typedef void redis_reply_fn(void *arg, const struct redis_reply *reply,
                            const struct error *why_not);

struct redis_options {
    const struct redis_address *address; /* borrowed for the client's life */
    const char *name;                    /* shown by CLIENT LIST; literal */
    int64_t timeout_ms; /* for connecting with its handshake, and for each command */
    size_t pending_max; /* commands in flight; 0 = 100,000 */
    /* Tells when the connection is ready (why_down NULL), or lost or could not be made (once for
       each change, not for each try). May be NULL. Never fires inside another call to the client.
     */
    void (*on_state)(void *arg, bool is_up, const struct error *why_down);
    void *arg;
};

/* Starts to connect; the first result comes by on_state. Retries for ever, after a loss at
   once, then with full jitter, at most 5 s apart; the host name is resolved each time, and each of
   its addresses tried. AUTH, SELECT, CLIENT SETNAME and INFO come before "up": a Redis older than
   6.2, one that loads its data and a read-only replica are down, with the reason. A reply that says
   that this server serves us no more (READONLY, UNBLOCKED, LOADING, MASTERDOWN, NOAUTH) takes the
   connection down. */
struct redis_client *redis_client_new(struct loop *loop, const struct redis_options *options);

/* Fails all waiting commands with ERROR_CANCELLED (inside this call), then frees. NULL is legal. */
void redis_client_free(struct redis_client *client);

bool redis_client_is_up(const struct redis_client *client);
/* Why it is down; empty text when up. Borrowed. */
const char *redis_client_why_down(const struct redis_client *client);
/* For how long it has been up, in ms; 0 when down. */
int64_t redis_client_connected_ms(const struct redis_client *client);
/* Times that the connection was made again after a loss. */
uint64_t redis_client_reconnects(const struct redis_client *client);
/* Takes the connection down and reconnects: for a caller that sees that it is of no use. */
void redis_client_drop(struct redis_client *client, const char *reason);

enum { REDIS_ARGS_MAX = 64 };

/* A command under construction: borrowed texts, sent as they are (no formatting, no quoting). */
struct redis_command {
    const char *args[REDIS_ARGS_MAX];
    size_t sizes[REDIS_ARGS_MAX];
    size_t count;
    char numbers[24][24]; /* storage of redis_command_add_int */
    size_t number_count;
};

/* Each aborts when a fixed-size part is full: commands are written by us, never sized by outsiders.
   A NULL text is sent as an empty one. */
void redis_command_init(struct redis_command *command, const char *name);
void redis_command_add(struct redis_command *command, const char *text);
void redis_command_add_bytes(struct redis_command *command, const void *bytes, size_t size);
void redis_command_add_int(struct redis_command *command, int64_t number);

/* Sends; the command may be reused when this returns. extra_ms prolongs the time limit, for
   commands that block on purpose. */
void redis_client_send(struct redis_client *client, const struct redis_command *command,
                       int64_t extra_ms, redis_reply_fn *fn, void *arg);

/* Pub/sub on a client of its own (after this call it takes no other commands): fn gets each message
   of the channel, again after each reconnect. When called right after redis_client_new, "up" means
   that the subscription stands. A server that falls silent is noticed within 5 s and timeout_ms.
   channel is copied. */
typedef void redis_message_fn(void *arg, const char *message, size_t size);
void redis_client_subscribe(struct redis_client *client, const char *channel, redis_message_fn *fn,
                            void *arg);

#endif
