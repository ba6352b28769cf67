#include "common/service_config.h"

#include "common/account_variables.h"
#include "common/config.h"
#include "common/mem.h"
#include "common/service_redis.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

enum { NAMESPACE_MAX = 64 };

static const char ops_listen[] = "OMNIHOOK_OPS_LISTEN";
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"logfmt", "json", NULL};

_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "config_choice writes an unsigned");

static bool parse_redis_url(const struct config_row *row, const struct secret *value, void *target,
                            struct faults *faults)
{
    struct redis_address address;
    struct error err;
    bool is_good = redis_address_parse(&address, value->value, &err);
    redis_address_clear(&address);
    if (!is_good) {
        faults_add(faults, "%s: %s", row->name, err.text);
        return false;
    }
    return config_secret(row, value, target, faults);
}

static bool parse_namespace(const struct config_row *row, const struct secret *value, void *target,
                            struct faults *faults)
{
    for (const char *c = value->value; *c != '\0'; c++) {
        if (value->size > NAMESPACE_MAX ||
            (!isalnum((unsigned char)*c) && strchr("._:-", *c) == NULL)) {
            faults_add(faults, "%s: must be 1 to %d characters of A-Z a-z 0-9 . _ : -", row->name,
                       NAMESPACE_MAX);
            return false;
        }
    }
    return config_text(row, value, target, faults);
}

static bool parse_listen(const struct config_row *row, const struct secret *value, void *target,
                         struct faults *faults)
{
    struct listen_address *address = config_field(row, target);
    if (!listen_address_parse(address, value->value)) {
        faults_add(faults, "%s: must be host:port, [v6]:port or unix:/path", row->name);
        return false;
    }
    address->variable = row->name;
    return true;
}

static bool parse_ops_listen(const struct config_row *row, const struct secret *value, void *target,
                             struct faults *faults)
{
    struct listen_address *address = config_field(row, target);
    if (strcmp(value->value, "off") != 0 && !listen_address_parse(address, value->value)) {
        faults_add(faults, "%s: must be host:port, [v6]:port, unix:/path or off", row->name);
        return false;
    }
    address->variable = row->name;
    return true;
}

static bool parse_operator_keys(const struct config_row *row, const struct secret *value,
                                void *target, struct faults *faults)
{
    struct service_config *config = target;
    return api_key_parse_list(&config->operator_keys, &config->operator_key_count, value->value,
                              row->name, faults);
}

static bool parse_trusted_proxies(const struct config_row *row, const struct secret *value,
                                  void *target, struct faults *faults)
{
    struct service_config *config = target;
    return ip_ranges_parse(&config->trusted_proxies, value->value, row->name, faults);
}

#define FIELD(member) .offset = offsetof(struct service_config, member)
#define NUMBER(variable, member, default_text, least, most)                                        \
    {.name = (variable),                                                                           \
     .parse = config_int,                                                                          \
     FIELD(member),                                                                                \
     .fallback = (default_text),                                                                   \
     .min = (least),                                                                               \
     .max = (most)}

/* Every variable of the service. What is added here belongs in docs/configuration.md too. */
static const struct config_row rows[] = {
    {.name = "REDIS_URL",
     .parse = parse_redis_url,
     FIELD(redis_url),
     .fallback = "redis://127.0.0.1:6379/0",
     .file_max_bytes = SECRET_MAX_BYTES},
    {.name = "OMNIHOOK_REDIS_CA_FILE", .parse = config_path, FIELD(redis_ca_file)},
    {.name = "OMNIHOOK_REDIS_CERT_FILE", .parse = config_path, FIELD(redis_cert_file)},
    {.name = "OMNIHOOK_REDIS_KEY_FILE", .parse = config_path, FIELD(redis_key_file)},
    {.name = "OMNIHOOK_REDIS_SENTINEL_PASSWORD",
     .parse = config_secret,
     FIELD(redis_sentinel_password),
     .file_max_bytes = SECRET_MAX_BYTES},
    {.name = "OMNIHOOK_NAMESPACE",
     .parse = parse_namespace,
     FIELD(namespace_name),
     .fallback = "omnihook"},
    {.name = "OMNIHOOK_LISTEN", .parse = parse_listen, FIELD(listen), .fallback = "127.0.0.1:8080"},
    {.name = ops_listen, .parse = parse_ops_listen, FIELD(ops_listen)},
    NUMBER("OMNIHOOK_PROCESSES", processes, "1", 1, 256),
    NUMBER("OMNIHOOK_CONCURRENCY", concurrency, "64", 1, 10000),
    NUMBER("OMNIHOOK_LEASE_MS", lease_ms, "15000", 1000, 600000),
    NUMBER("OMNIHOOK_JOB_ATTEMPTS", job_attempts, "5", 1, 100),
    NUMBER("OMNIHOOK_JOB_TIMEOUT_MS", job_timeout_ms, "600000", 100, 86400000),
    NUMBER("OMNIHOOK_JOB_MAX_AGE_MS", job_max_age_ms, "3600000", 1000, 604800000),
    NUMBER("OMNIHOOK_RETRY_BASE_MS", retry.base_ms, "1000", 10, 3600000),
    NUMBER("OMNIHOOK_RETRY_MAX_MS", retry.max_ms, "60000", 10, 3600000),
    NUMBER("OMNIHOOK_RETRY_AFTER_MAX_MS", retry_after_max_ms, "120000", 0, 3600000),
    NUMBER("OMNIHOOK_RESULT_TTL", result_ttl_s, "86400", 1, 31536000),
    NUMBER("OMNIHOOK_QUEUE_MAX", queue_max, "1000000", 1, 100000000),
    NUMBER("OMNIHOOK_GRACE_MS", grace_ms, "8000", 0, 600000),
    NUMBER("OMNIHOOK_REDIS_TIMEOUT_MS", redis_timeout_ms, "2000", 100, 60000),
    NUMBER("OMNIHOOK_REDIS_WAIT_REPLICAS", redis_wait_replicas, "0", 0, 10),
    NUMBER("OMNIHOOK_REQUEST_TIMEOUT_MS", request_timeout_ms, "30000", 100, 600000),
    NUMBER("OMNIHOOK_READ_TIMEOUT_MS", read_timeout_ms, "10000", 100, 3600000),
    NUMBER("OMNIHOOK_IDLE_TIMEOUT_MS", idle_timeout_ms, "75000", 100, 3600000),
    NUMBER("OMNIHOOK_CONNECTIONS_MAX", connections_max, "8192", 1, 1000000),
    NUMBER("OMNIHOOK_ADDRESS_CONNECTIONS_MAX", address_connections_max, "1024", 0, 1000000),
    NUMBER("OMNIHOOK_REQUESTS_MAX", requests_max, "4096", 1, 1000000),
    NUMBER("OMNIHOOK_AUTH_TTL", auth_ttl_s, "60", 0, 3600),
    {.name = "OMNIHOOK_LOG_LEVEL",
     .parse = config_choice,
     FIELD(log_level),
     .fallback = "info",
     .choices = log_levels},
    {.name = "OMNIHOOK_LOG_FORMAT",
     .parse = config_choice,
     FIELD(log_format),
     .fallback = "logfmt",
     .choices = log_formats},
    {.name = "OMNIHOOK_OPERATOR_KEYS",
     .parse = parse_operator_keys,
     .file_max_bytes = KEY_LIST_MAX_BYTES},
    {.name = "OMNIHOOK_TRUSTED_PROXIES", .parse = parse_trusted_proxies},
    {.name = "OMNIHOOK_SETTINGS", .parse = config_path, FIELD(settings_path)},
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

/* The only default that differs between the programs, and that gives way when it is in use. */
static void set_default_ops_listen(struct service_config *config, enum program program)
{
    static const char *const texts[] = {[PROGRAM_API] = "127.0.0.1:9180",
                                        [PROGRAM_WORKER] = "127.0.0.1:9181",
                                        [PROGRAM_CLI] = NULL};
    if (texts[program] != NULL && listen_address_parse(&config->ops_listen, texts[program])) {
        config->ops_listen.variable = ops_listen;
        config->ops_listen.is_default = true;
    }
}

/* Else the second to listen would say that somebody has the address. */
static bool check_addresses(const struct service_config *config, struct faults *faults)
{
    const char *one = config->listen.text;
    const char *other = config->ops_listen.text;
    if (one == NULL || other == NULL || config->ops_listen.is_default ||
        (config->listen.path == NULL && config->listen.port == 0) || strcmp(one, other) != 0) {
        return true;
    }
    faults_add(faults, "%s: must not be the address of %s", ops_listen, config->listen.variable);
    return false;
}

static void warn_of_unknown(char *const *entries, struct faults *faults)
{
    static const char prefix[] = "OMNIHOOK_";
    for (size_t i = 0; entries[i] != NULL; i++) {
        size_t size = strcspn(entries[i], "=");
        bool is_set = entries[i][size] == '=' && entries[i][size + 1] != '\0';
        if (is_set && strncmp(entries[i], prefix, sizeof prefix - 1) == 0 &&
            !config_knows(rows, ROW_COUNT, entries[i], size) &&
            !account_variables_know(entries[i], size)) {
            faults_warn(faults, "%.*s: unknown variable", (int)size, entries[i]);
        }
    }
}

bool service_config_load(struct service_config *config, enum program program,
                         char *const *environment, struct faults *faults)
{
    *config = (struct service_config){0};
    struct environment lookup;
    struct file_watch files = {0};
    environment_init(&lookup, environment);
    const struct config_source source = {.environment = &lookup, .files = &files, .faults = faults};
    bool is_good = config_read(rows, ROW_COUNT, config, &source);
    if (environment_get(&lookup, ops_listen) == NULL) {
        set_default_ops_listen(config, program);
    }
    if (config->retry.max_ms > 0 && config->retry.base_ms > config->retry.max_ms) {
        faults_add(faults,
                   "OMNIHOOK_RETRY_BASE_MS: must not be more than OMNIHOOK_RETRY_MAX_MS (they are "
                   "%" PRId64 " and %" PRId64 ")",
                   config->retry.base_ms, config->retry.max_ms);
        is_good = false;
    }
    is_good = (program != PROGRAM_API || check_addresses(config, faults)) && is_good;
    is_good = service_redis_check(config, faults) && is_good;
    warn_of_unknown(environment, faults);
    file_watch_clear(&files);
    environment_clear(&lookup);
    return is_good;
}

void service_config_clear(struct service_config *config)
{
    secret_clear(&config->redis_url);
    mem_free(config->redis_ca_file);
    mem_free(config->redis_cert_file);
    mem_free(config->redis_key_file);
    secret_clear(&config->redis_sentinel_password);
    mem_free(config->namespace_name);
    listen_address_clear(&config->listen);
    listen_address_clear(&config->ops_listen);
    mem_free(config->operator_keys);
    ip_ranges_clear(&config->trusted_proxies);
    mem_free(config->settings_path);
    *config = (struct service_config){0};
}
