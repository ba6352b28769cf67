/* Where Redis is, from REDIS_URL. */
#ifndef OMNIHOOK_COMMON_REDIS_URL_H
#define OMNIHOOK_COMMON_REDIS_URL_H

#include "common/error.h"
#include "common/secret.h"

struct redis_node {
    char *host; /* owned */
    int port;
};

enum { REDIS_SENTINELS_MAX = 16 };

struct redis_address {
    char *host; /* owned; NULL for a unix socket, and where Sentinels know it */
    int port;
    char *path; /* owned; of a unix socket, else NULL */
    char *user; /* owned; NULL = the default user */
    struct secret password;
    int database;
    char *label; /* owned; host:port or the path, for logs: no secret */
    bool is_tls;
    /* Owned PEM files for TLS, or NULL (redis_tls.h); the parser leaves them unset. */
    char *ca_file, *certificate_file, *key_file;

    /* Owned: a key of those that are used, all of one slot of a cluster; NULL = none is known. The
       parser leaves it unset. */
    char *home_key;

    char *service; /* owned; the master's name with the Sentinels; NULL without any */
    struct redis_node sentinels[REDIS_SENTINELS_MAX];
    size_t sentinel_count;
    /* The default user's with the Sentinels, in place of user and password; left unset by the
       parser. */
    struct secret sentinel_password;
    bool is_sentinel; /* this is the address of a Sentinel itself */
};

/* redis://[user:password@]host[:port][/db], rediss://... the same by TLS,
   unix://[user:password@]/path[?db=n],
   redis-sentinel://[user:password@]host[:port],host[:port].../service[/db], rediss-sentinel://...
   the same with TLS to Sentinels and Redis. What needs TLS is refused with the reason where this
   build has none. The error never quotes the URL. Pair with redis_address_clear,
   also on failure. */
MUST_CHECK bool redis_address_parse(struct redis_address *address, const char *url,
                                    struct error *err);
void redis_address_clear(struct redis_address *address);

#endif
