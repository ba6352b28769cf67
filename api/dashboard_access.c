/* Who may do what. A key reads and acts, from anywhere. Without one a caller on this host may read,
   as long as nothing speaks for it: no proxy, and no page of the internet whose name was made to
   lead here (DNS rebinding). */
#include "api/auth_header.h"
#include "api/caller.h"
#include "api/dashboard_internal.h"
#include "common/log.h"
#include "common/now.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
    UNAUTHORIZED = 401,
    FORBIDDEN = 403,
    TOO_MANY_REQUESTS = 429,
    FORWARDED_MAX = 16, /* headers; more than any proxy sends */
    LOOPBACK_NETWORK = 127,
};

static bool is_none(const struct ip_address *address)
{
    static const struct ip_address none = {{0}};
    return memcmp(address, &none, sizeof none) == 0;
}

static bool is_loopback(const struct ip_address *address)
{
    static const struct ip_address loopback_v6 = {.bytes = {[15] = 1}};
    return memcmp(address, &loopback_v6, sizeof loopback_v6) == 0 ||
           (ip_address_is_ipv4(address) && address->bytes[12] == LOOPBACK_NETWORK);
}

bool dashboard_access_is_plain_host(const char *host)
{
    static const char name[] = "localhost";
    struct ip_address address;
    size_t size = strcspn(host, ":");
    const char *rest = host + size;
    if (host[0] == '[') {
        size_t inside = strcspn(host + 1, "]");
        if (host[1 + inside] != ']' || !ip_address_parse(&address, host + 1, inside)) {
            return false;
        }
        rest = host + inside + 2;
    } else if (!(size == sizeof name - 1 && strncasecmp(host, name, size) == 0) &&
               !ip_address_parse(&address, host, size)) {
        return false;
    }
    return rest[0] == '\0' ||
           (rest[0] == ':' && rest[1] != '\0' && rest[1 + strspn(rest + 1, "0123456789")] == '\0');
}

/* A proxy has said for whom it calls. Few do more than one of these. */
static bool is_forwarded(const struct dashboard_request *request)
{
    static const char *const names[] = {"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (dashboard_request_header(request, names[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* On this host, and speaking for itself. */
static bool is_local(const struct dashboard *dashboard, const struct dashboard_request *request)
{
    struct ip_address peer;
    dashboard_request_peer(request, &peer);
    if (is_forwarded(request)) {
        return false;
    }
    if (dashboard->options.config->ops_listen.path != NULL) {
        return is_none(&peer);
    }
    const char *host = dashboard_request_header(request, "Host");
    return is_loopback(&peer) && host != NULL && dashboard_access_is_plain_host(host);
}

/* Looks at every key, whichever it is. */
static bool is_operator_key(const struct service_config *config, const struct api_key_hash *hash)
{
    int found = 0;
    for (size_t i = 0; i < config->operator_key_count; i++) {
        found |= CRYPTO_memcmp(&config->operator_keys[i], hash, sizeof *hash) == 0;
    }
    return found != 0;
}

static void find_address(const struct dashboard *dashboard, struct dashboard_request *request)
{
    struct ip_address peer;
    const char *forwarded[FORWARDED_MAX];
    dashboard_request_peer(request, &peer);
    size_t count =
        dashboard_request_last_headers(request, "X-Forwarded-For", forwarded, FORWARDED_MAX);
    caller_address_behind(&peer, forwarded, count, &dashboard->options.config->trusted_proxies,
                          &dashboard_request_caller(request)->address);
}

static bool refuse(struct dashboard_request *request, const char *detail)
{
    dashboard_add_header(request, "WWW-Authenticate", "Token");
    dashboard_reply_error(request, UNAUTHORIZED, detail);
    return false;
}

void dashboard_print_address(const struct ip_address *address, char text[DASHBOARD_CALLER_SIZE])
{
    static const struct ip_address none = {{0}};
    bool is_ipv4 = ip_address_is_ipv4(address);
    const unsigned char *bytes = address->bytes + (is_ipv4 ? 12 : 0);
    if (memcmp(address, &none, sizeof none) == 0 ||
        inet_ntop(is_ipv4 ? AF_INET : AF_INET6, bytes, text, DASHBOARD_CALLER_SIZE) == NULL) {
        (void)snprintf(text, DASHBOARD_CALLER_SIZE, "unix");
    }
}

/* As the API does: see auth.c. */
static bool refuse_key(const struct dashboard *dashboard, struct dashboard_request *request)
{
    const struct ip_address *address = &dashboard_request_caller(request)->address;
    int64_t now_ms = now_mono_ms();
    int64_t wait_ms = wrong_keys_wait_ms(dashboard->wrong_keys, address, now_ms);
    if (wait_ms > 0) {
        dashboard_reply_try_later(request, TOO_MANY_REQUESTS, (wait_ms + 999) / 1000,
                                  "Too many wrong keys from this address.");
        return false;
    }
    wrong_keys_add(dashboard->wrong_keys, address, now_ms);
    char caller[DASHBOARD_CALLER_SIZE];
    dashboard_print_address(address, caller);
    log_warn("operator_key_refused", log_text("caller", caller));
    return refuse(request, "Invalid token.");
}

/* "https://host:port" against "host:port": the scheme is the proxy's business. */
bool dashboard_access_is_foreign(const struct dashboard_request *request)
{
    const char *origin = dashboard_request_header(request, "Origin");
    const char *host = dashboard_request_header(request, "Host");
    if (origin == NULL) {
        return false;
    }
    const char *authority = strstr(origin, "://");
    return authority == NULL || host == NULL || strcasecmp(authority + 3, host) != 0;
}

bool dashboard_access_check(const struct dashboard *dashboard, struct dashboard_request *request,
                            bool is_act)
{
    const struct service_config *config = dashboard->options.config;
    struct dashboard_caller *caller = dashboard_request_caller(request);
    const char *header = dashboard_request_header(request, "Authorization");
    find_address(dashboard, request);
    if (is_act && config->operator_key_count == 0) {
        dashboard_reply_error(request, FORBIDDEN, "No operator keys are configured.");
        return false;
    }
    if (header == NULL && !is_act && is_local(dashboard, request)) {
        return true;
    }
    struct auth_token token;
    const char *problem = auth_header_parse(header, &token);
    if (problem != NULL) {
        return refuse(request, problem);
    }
    api_key_hash_of(&caller->key, token.bytes, token.size);
    caller->has_key = is_operator_key(config, &caller->key);
    return caller->has_key || refuse_key(dashboard, request);
}
