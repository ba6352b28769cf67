/* TLS for connections to Redis, by OpenSSL under hiredis: where this hiredis has it (1.0 and newer,
   libhiredis_ssl). Built without, all of it refuses with the reason (redis_no_tls.c). The server's
   certificate must go back to an authority, and be for the host that was asked for. TLS 1.2 or
   newer. */
#ifndef OMNIHOOK_COMMON_REDIS_TLS_H
#define OMNIHOOK_COMMON_REDIS_TLS_H

#include "common/error.h"

struct redisAsyncContext;
struct redis_tls;
struct redis_tls_session;

/* PEM files; each may be NULL. Certificate and key (of this client) go together. */
struct redis_tls_files {
    const char *authorities; /* NULL = those of the system */
    const char *certificate;
    const char *key;
};

/* False, with the reason, when this build has no TLS. */
bool redis_tls_is_built_in(struct error *err);

/* Reads the files. NULL on failure: ERROR_BAD_INPUT, the text names which of them. */
MUST_CHECK struct redis_tls *redis_tls_new(const struct redis_tls_files *files, struct error *err);
/* Sessions that are under way live on. NULL is legal. */
void redis_tls_free(struct redis_tls *tls);

/* Puts TLS on a connection that has been begun and on which nothing is sent yet; host is the name
   or the address that the certificate must be for. The session belongs to the context. */
MUST_CHECK struct redis_tls_session *redis_tls_start(const struct redis_tls *tls,
                                                     struct redisAsyncContext *context,
                                                     const char *host, struct error *err);

/* To be called before hiredis reads or writes: an error that somebody else has left with OpenSSL
   would be taken for the session's. */
void redis_tls_prepare(void);

/* The handshake is over, and the server is who it should be. */
bool redis_tls_stands(const struct redis_tls_session *session);

/* Why a connection ended before Redis had answered, when TLS was the reason: fills err and returns
   true. To be called where hiredis tells of the end. ERROR_REFUSED when only people can mend it. */
bool redis_tls_explain(const struct redis_tls_session *session, const char *host,
                       struct error *err);

#endif
