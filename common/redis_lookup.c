#include "common/redis_lookup.h"

#include "common/mem.h"

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <stdio.h>
#include <sys/socket.h>

struct redis_lookup {
    redis_lookup_fn *fn; /* NULL once cancelled */
    void *arg;
    struct event *timer;                     /* brings the result on a later turn */
    struct evdns_getaddrinfo_request *asked; /* NULL when the resolver has answered */
    struct redis_lookup_result result;
    struct error why_not;
};

static void lookup_free(struct redis_lookup *lookup)
{
    event_free(lookup->timer);
    mem_free(lookup);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct redis_lookup *lookup = arg;
    bool has_result = lookup->result.count > 0;
    lookup->fn(lookup->arg, has_result ? &lookup->result : NULL,
               has_result ? NULL : &lookup->why_not);
    lookup_free(lookup);
}

static void keep_address(struct redis_lookup_result *result, const struct sockaddr *address)
{
    if (result->count == REDIS_LOOKUP_MAX) {
        return;
    }
    const void *bytes = NULL;
    if (address->sa_family == AF_INET) {
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    } else if (address->sa_family == AF_INET6) {
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    }
    if (bytes != NULL && inet_ntop(address->sa_family, bytes, result->addresses[result->count],
                                   REDIS_LOOKUP_TEXT_SIZE) != NULL) {
        result->count++;
    }
}

/* May come before evdns_getaddrinfo returns (names of /etc/hosts), and comes after a cancel. */
static void on_resolved(int status, struct evutil_addrinfo *list, void *arg)
{
    struct redis_lookup *lookup = arg;
    lookup->asked = NULL;
    for (const struct evutil_addrinfo *entry = list; entry != NULL; entry = entry->ai_next) {
        keep_address(&lookup->result, entry->ai_addr);
    }
    if (list != NULL) {
        evutil_freeaddrinfo(list);
    }
    if (lookup->fn == NULL) {
        lookup_free(lookup);
        return;
    }
    (void)error_set(&lookup->why_not, ERROR_UNAVAILABLE, "the host name cannot be resolved: %s",
                    status == 0 ? "no address" : evutil_gai_strerror(status));
    loop_timer_start(lookup->timer, 0);
}

static bool is_numeric(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

struct redis_lookup *redis_lookup_start(struct loop *loop, const char *host, redis_lookup_fn *fn,
                                        void *arg)
{
    struct redis_lookup *lookup = mem_new(1, sizeof *lookup);
    lookup->fn = fn;
    lookup->arg = arg;
    lookup->timer = loop_timer_new(loop, on_timer, lookup);
    if (is_numeric(host)) {
        (void)snprintf(lookup->result.addresses[0], REDIS_LOOKUP_TEXT_SIZE, "%s", host);
        lookup->result.count = 1;
        loop_timer_start(lookup->timer, 0);
        return lookup;
    }
    struct evdns_base *dns = loop_dns(loop);
    if (dns == NULL) {
        (void)error_set(&lookup->why_not, ERROR_UNAVAILABLE,
                        "the system has no resolver: only numeric addresses work");
        loop_timer_start(lookup->timer, 0);
        return lookup;
    }
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct evdns_getaddrinfo_request *asked =
        evdns_getaddrinfo(dns, host, NULL, &hints, on_resolved, lookup);
    /* When it is NULL the answer was there at once, and on_resolved has run. */
    lookup->asked = asked;
    return lookup;
}

void redis_lookup_cancel(struct redis_lookup *lookup)
{
    lookup->fn = NULL;
    if (lookup->asked == NULL) {
        lookup_free(lookup);
    } else {
        evdns_getaddrinfo_cancel(lookup->asked);
    }
}
