/* What the variables about Redis mean together. */
#ifndef OMNIHOOK_COMMON_SERVICE_REDIS_H
#define OMNIHOOK_COMMON_SERVICE_REDIS_H

#include "common/redis_url.h"
#include "common/service_config.h"

/* The one address that all clients of a process share. It passes for whatever service_config_load
   has passed. Pair with redis_address_clear, also on failure. */
MUST_CHECK bool service_redis_address(const struct service_config *config,
                                      struct redis_address *address, struct error *err);

/* How long replicas may take to confirm a job (OMNIHOOK_REDIS_WAIT_REPLICAS). A quarter of a
   command's time: a call may have to wait behind the WAIT of another, and behind the next. */
int64_t service_redis_wait_ms(const struct service_config *config);

/* For service_config_load: faults and warnings of the variables that REDIS_URL decides about. False
   when a fault was added. */
bool service_redis_check(const struct service_config *config, struct faults *faults);

#endif
