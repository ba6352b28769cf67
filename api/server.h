/* The HTTP server: listens, hands each request on, and stops without cutting one off. */
#ifndef OMNIHOOK_API_SERVER_H
#define OMNIHOOK_API_SERVER_H

#include "api/request.h"
#include "common/loop.h"
#include "common/service_config.h"

struct server;

struct server_options {
    const struct service_config *config; /* borrowed for the server's life */
    int listener; /* a listening socket, taken over; -1 = config's address is ours alone */
    void (*on_request)(void *arg, struct request *request);
    void (*on_stopped)(void *arg); /* after server_stop: the last connection has closed */
    void *arg;
};

/* Listens, and logs `listening` with the address in use. False and err when it cannot. */
MUST_CHECK bool server_start(struct loop *loop, const struct server_options *options,
                             struct server **server, struct error *err);

/* Accepts no more connections but those that wait already; answers from now on close theirs;
   on_stopped fires when all have closed, not inside this call. */
void server_stop(struct server *server);

/* Closes all connections but those whose request waits for our answer. After server_stop. */
void server_drop_unfinished(struct server *server);

/* Every request must have been answered. Closes what is left. NULL is legal. */
void server_free(struct server *server);

#endif
