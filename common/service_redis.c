#include "common/service_redis.h"

#include "common/mem.h"
#include "common/redis_tls.h"

#include <stdio.h>

/* "{", the longest namespace, "}:queue". */
enum { HOME_KEY_SIZE = 80 };

bool service_redis_address(const struct service_config *config, struct redis_address *address,
                           struct error *err)
{
    bool is_good = redis_address_parse(address, config->redis_url.value, err);
    char key[HOME_KEY_SIZE];
    (void)snprintf(key, sizeof key, "{%s}:queue", config->namespace_name);
    address->home_key = mem_copy_text(key);
    if (secret_is_set(&config->redis_sentinel_password)) {
        secret_set(&address->sentinel_password, config->redis_sentinel_password.value,
                   config->redis_sentinel_password.size);
    }
    address->ca_file = mem_copy_text(config->redis_ca_file);
    address->certificate_file = mem_copy_text(config->redis_cert_file);
    address->key_file = mem_copy_text(config->redis_key_file);
    return is_good;
}

int64_t service_redis_wait_ms(const struct service_config *config)
{
    return config->redis_timeout_ms / 4;
}

/* Reads one of the files alone, so that the fault can name its variable. */
static bool check_file(const char *variable, const struct redis_tls_files *files,
                       struct faults *faults)
{
    struct error err;
    struct redis_tls *tls = redis_tls_new(files, &err);
    bool is_good = tls != NULL;
    redis_tls_free(tls);
    if (!is_good) {
        faults_add(faults, "%s: %s", variable, err.text);
    }
    return is_good;
}

static bool check_tls(const struct service_config *config, struct faults *faults)
{
    const char *certificate = config->redis_cert_file;
    const char *key = config->redis_key_file;
    if ((certificate == NULL) != (key == NULL)) {
        faults_add(faults, "%s: is required, since %s is given",
                   key == NULL ? "OMNIHOOK_REDIS_KEY_FILE" : "OMNIHOOK_REDIS_CERT_FILE",
                   key == NULL ? "OMNIHOOK_REDIS_CERT_FILE" : "OMNIHOOK_REDIS_KEY_FILE");
        return false;
    }
    const struct redis_tls_files authorities = {.authorities = config->redis_ca_file};
    const struct redis_tls_files own = {.certificate = certificate};
    const struct redis_tls_files both = {.certificate = certificate, .key = key};
    bool is_good = check_file("OMNIHOOK_REDIS_CA_FILE", &authorities, faults);
    if (certificate != NULL) {
        is_good = check_file("OMNIHOOK_REDIS_CERT_FILE", &own, faults) &&
                  check_file("OMNIHOOK_REDIS_KEY_FILE", &both, faults) && is_good;
    }
    return is_good;
}

static void warn_of_unused(const struct service_config *config, struct faults *faults)
{
    const struct {
        const char *name;
        const char *value;
    } files[] = {{"OMNIHOOK_REDIS_CA_FILE", config->redis_ca_file},
                 {"OMNIHOOK_REDIS_CERT_FILE", config->redis_cert_file},
                 {"OMNIHOOK_REDIS_KEY_FILE", config->redis_key_file}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i].value != NULL) {
            faults_warn(faults, "%s: is not used, since REDIS_URL has no TLS (rediss://)",
                        files[i].name);
        }
    }
}

bool service_redis_check(const struct service_config *config, struct faults *faults)
{
    struct redis_address address = {0};
    struct error err;
    /* A URL that is wrong has its fault already. */
    bool is_known = secret_is_set(&config->redis_url) &&
                    redis_address_parse(&address, config->redis_url.value, &err);
    bool is_tls = address.is_tls;
    bool has_sentinels = address.sentinel_count > 0;
    redis_address_clear(&address);
    if (!is_known) {
        return true;
    }
    if (!has_sentinels && secret_is_set(&config->redis_sentinel_password)) {
        faults_warn(faults, "OMNIHOOK_REDIS_SENTINEL_PASSWORD: is not used, since REDIS_URL names "
                            "no Sentinels");
    }
    if (is_tls) {
        return check_tls(config, faults);
    }
    warn_of_unused(config, faults);
    return true;
}
