/* In the place of redis_tls.c where hiredis has no TLS. */
#include "common/redis_tls.h"

#include <stddef.h>

bool redis_tls_is_built_in(struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT,
                     "this build has no TLS for Redis (its hiredis is older than 1.0, or came "
                     "without hiredis_ssl)");
}

struct redis_tls *redis_tls_new(const struct redis_tls_files *files, struct error *err)
{
    (void)files;
    (void)redis_tls_is_built_in(err);
    return NULL;
}

void redis_tls_free(struct redis_tls *tls)
{
    (void)tls;
}

struct redis_tls_session *redis_tls_start(const struct redis_tls *tls,
                                          struct redisAsyncContext *context, const char *host,
                                          struct error *err)
{
    (void)tls;
    (void)context;
    (void)host;
    (void)redis_tls_is_built_in(err);
    return NULL;
}

void redis_tls_prepare(void)
{
}

bool redis_tls_stands(const struct redis_tls_session *session)
{
    (void)session;
    return false;
}

bool redis_tls_explain(const struct redis_tls_session *session, const char *host, struct error *err)
{
    (void)session;
    (void)host;
    (void)err;
    return false;
}
