/* The listener for operators and their machines, of both daemons: GET /healthz, GET /readyz, and
   the pages that are added. Read only, without keys: bind it where only operators reach it. */
#ifndef OMNIHOOK_COMMON_OPS_SERVER_H
#define OMNIHOOK_COMMON_OPS_SERVER_H

#include "common/loop.h"
#include "common/service_config.h"
#include "common/strbuf.h"

struct ops_server;

/* Borrowed texts. */
struct ops_health {
    const char *not_turning;    /* why some loop does not turn; NULL = all do */
    const char *not_ready;      /* why no work can be done now; NULL = ready */
    const char *settings_fault; /* settings_store_fault(): told, but no reason to be not ready */
};

struct ops_server_options {
    const struct listen_address *address; /* borrowed for the server's life */
    void (*get_health)(void *arg, struct ops_health *health);
    void *arg;
};

/* Listens. Returns true with *server NULL when the address is off, or is a default that nobody
   asked for and that is taken (logged as a warning). Logs ops_listening with the address in use. */
MUST_CHECK bool ops_server_start(struct loop *loop, const struct ops_server_options *options,
                                 struct ops_server **server, struct error *err);
/* NULL is legal. */
void ops_server_free(struct ops_server *server);

/* ops_server_free in a child process whose parent goes on listening. */
void ops_server_forget(struct ops_server *server);

/* Fills body (at most 4 MiB) and returns the HTTP status. */
typedef int ops_page_fn(void *arg, struct strbuf *body);

/* Answers GET and HEAD of path. path and content_type are literals. server may be NULL. */
void ops_server_add_page(struct ops_server *server, const char *path, const char *content_type,
                         ops_page_fn *fn, void *arg);

#endif
