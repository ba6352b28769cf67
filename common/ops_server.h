/* The listener for operators and their machines: serves ops_pages.h. Read only, without keys: bind
   it where only operators reach it. The one of omnihook-api, which has the dashboard too, is
   api/dashboard.h. */
#ifndef OMNIHOOK_COMMON_OPS_SERVER_H
#define OMNIHOOK_COMMON_OPS_SERVER_H

#include "common/loop.h"
#include "common/ops_pages.h"
#include "common/service_config.h"

struct ops_server;

struct ops_server_options {
    const struct listen_address *address; /* borrowed for the server's life */
    ops_health_fn *get_health;
    void *arg;
};

/* Opens the socket of an ops listener. Returns true with *descriptor -1 when the address is off, or
   is a default that nobody asked for and that is taken (logged as a warning). Otherwise logs
   ops_listening with the address in use; the descriptor is the caller's. */
MUST_CHECK bool ops_server_listen(const struct listen_address *address, int *descriptor,
                                  struct error *err);

/* Listens, as ops_server_listen does; *server is NULL where that gives no socket. */
MUST_CHECK bool ops_server_start(struct loop *loop, const struct ops_server_options *options,
                                 struct ops_server **server, struct error *err);
/* NULL is legal. */
void ops_server_free(struct ops_server *server);

/* In a new child process whose parent goes on, and before its event_reinit: closes this process's
   copies of all sockets, without a word to those who are connected. ops_server_free, still to be
   called, then frees memory alone. NULL is legal. */
void ops_server_disown(struct ops_server *server);

/* Where pages are added; NULL for NULL. */
struct ops_pages *ops_server_pages(struct ops_server *server);

#endif
