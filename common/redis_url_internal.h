/* What the files of redis_url share. */
#ifndef OMNIHOOK_COMMON_REDIS_URL_INTERNAL_H
#define OMNIHOOK_COMMON_REDIS_URL_INTERNAL_H

#include "common/redis_url.h"
#include "common/url.h"

enum { REDIS_PORT = 6379, SENTINEL_PORT = 26379 };

MUST_CHECK bool redis_url_database(struct redis_address *address, const char *text,
                                   struct error *err);
MUST_CHECK bool redis_url_credentials(struct redis_address *address, const struct url *url,
                                      struct error *err);
/* default_port when the URL names none. */
MUST_CHECK bool redis_url_port(const struct url *url, int default_port, int *port,
                               struct error *err);

/* text is all of the URL, authority what follows its "://". */
MUST_CHECK bool redis_url_parse_sentinels(struct redis_address *address, const char *authority,
                                          struct error *err);

#endif
