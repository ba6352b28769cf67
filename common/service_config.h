/* Every environment variable of the three programs, in one struct filled from one table. */
#ifndef OMNIHOOK_COMMON_SERVICE_CONFIG_H
#define OMNIHOOK_COMMON_SERVICE_CONFIG_H

#include "common/api_key.h"
#include "common/backoff.h"
#include "common/faults.h"
#include "common/ip_range.h"
#include "common/listen_address.h"
#include "common/log.h"
#include "common/secret.h"

#include <stdbool.h>
#include <stdint.h>

enum program { PROGRAM_API, PROGRAM_WORKER, PROGRAM_CLI };

struct service_config {
    struct secret redis_url; /* secret: it may hold a password */
    char *redis_ca_file;     /* owned; NULL = the system's authorities */
    char *redis_cert_file;   /* owned; NULL = none */
    char *redis_key_file;    /* owned; NULL = none */
    struct secret redis_sentinel_password;
    char *namespace_name;
    struct listen_address listen;
    struct listen_address ops_listen;
    int64_t processes;
    int64_t concurrency;
    int64_t lease_ms;
    int64_t job_attempts;
    int64_t job_timeout_ms;
    int64_t job_max_age_ms;
    struct backoff retry;
    int64_t retry_after_max_ms;
    int64_t result_ttl_s;
    int64_t queue_max;
    int64_t grace_ms;
    int64_t redis_timeout_ms;
    int64_t redis_wait_replicas;
    int64_t request_timeout_ms;
    int64_t read_timeout_ms;
    int64_t idle_timeout_ms;
    int64_t connections_max;
    int64_t address_connections_max; /* 0 = as many as connections_max */
    int64_t requests_max;
    int64_t auth_ttl_s;
    enum log_level log_level;
    enum log_format log_format;
    struct api_key_hash *operator_keys; /* owned */
    size_t operator_key_count;
    struct ip_ranges trusted_proxies;
    char *settings_path; /* owned; NULL = the single account of the environment */
};

/* Reads environment (NAME=value entries, NULL at the end; as environ). Each wrong variable is one
   fault; an unknown OMNIHOOK_ variable is a warning. Variables of the single account are read by
   settings_load, which also says when they meet OMNIHOOK_SETTINGS. False when a fault was added.
   Pair with service_config_clear, also on failure. */
MUST_CHECK bool service_config_load(struct service_config *config, enum program program,
                                    char *const *environment, struct faults *faults);
void service_config_clear(struct service_config *config);

#endif
