/* Where Redis is, from REDIS_URL. */
#ifndef OMNIHOOK_COMMON_REDIS_URL_H
#define OMNIHOOK_COMMON_REDIS_URL_H

#include "common/error.h"
#include "common/secret.h"

struct redis_address {
    char *host; /* owned; NULL for a unix socket */
    int port;
    char *path; /* owned; of a unix socket, else NULL */
    char *user; /* owned; NULL = the default user */
    struct secret password;
    int database;
    char *label; /* owned; host:port or the path, for logs: no secret */
    bool is_tls;
    /* Owned PEM files for TLS, or NULL (redis_tls.h); the parser leaves them unset. */
    char *ca_file, *certificate_file, *key_file;
};

/* redis://[user:password@]host[:port][/db], rediss://... the same by TLS,
   unix://[user:password@]/path[?db=n]. rediss:// and redis-sentinel:// are refused with the reason
   where this build cannot do them. The error never quotes the URL. Pair with redis_address_clear,
   also on failure. */
MUST_CHECK bool redis_address_parse(struct redis_address *address, const char *url,
                                    struct error *err);
void redis_address_clear(struct redis_address *address);

#endif
