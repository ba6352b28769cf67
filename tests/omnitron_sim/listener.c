#include "tests/omnitron_sim/listener.h"

#include "common/mem.h"
#include "tests/omnitron_sim/control.h"
#include "tests/omnitron_sim/exchange.h"
#include "tests/omnitron_sim/sim.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    BODY_MAX_BYTES = 64 * 1024 * 1024, /* a test seeds some 10,000 rows in one call */
    HEADERS_MAX_BYTES = 64 * 1024,
    IDLE_SECONDS = 3600, /* an idle connection is the client's to close */
};

struct listener {
    struct sim *sim;
    SSL_CTX *tls; /* NULL for plain HTTP */
    struct evhttp *http;
    const char *unix_path; /* NULL for TCP */
    char address[160];
};

static void on_request(struct evhttp_request *http, void *context)
{
    struct sim *sim = context;
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(http));
    if (path == NULL) {
        evhttp_send_error(http, HTTP_BADREQUEST, NULL);
    } else if (control_is_path(path)) {
        control_serve(sim, http);
    } else {
        exchange_start(sim, http);
    }
}

static struct bufferevent *on_connection(struct event_base *base, void *context)
{
    struct listener *listener = context;
    counters_add(listener->sim->counters, COUNTER_CONNECTIONS);
    if (listener->tls == NULL) {
        return bufferevent_socket_new(base, -1, 0);
    }
    struct bufferevent *connection = bufferevent_openssl_socket_new(
        base, -1, SSL_new(listener->tls), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    /* A client that closes without TLS's own farewell has still ended its requests. */
    bufferevent_openssl_set_allow_dirty_shutdown(connection, 1);
    return connection;
}

static bool load_certificate(struct listener *listener, struct error *err)
{
    const struct options *options = listener->sim->options;
    if (options->tls_cert == NULL) {
        return true;
    }
    listener->tls = SSL_CTX_new(TLS_server_method());
    assert(listener->tls != NULL);
    return (SSL_CTX_use_certificate_chain_file(listener->tls, options->tls_cert) == 1 &&
            SSL_CTX_use_PrivateKey_file(listener->tls, options->tls_key, SSL_FILETYPE_PEM) == 1) ||
           error_set(err, ERROR_BAD_INPUT, "%s and %s are not a certificate and its key",
                     options->tls_cert, options->tls_key);
}

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_storage storage;
    } socket;
    int size;
};

/* host:port; not evutil_parse_sockaddr_port, which refuses port 0. */
static bool parse_inet(const char *text, struct address *address)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return false;
    }
    bool is_bracketed = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    char *host = is_bracketed ? mem_copy_bytes(text + 1, (size_t)(colon - text) - 2)
                              : mem_copy_bytes(text, (size_t)(colon - text));
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    bool is_parsed = getaddrinfo(host, colon + 1, &hints, &found) == 0;
    if (is_parsed) {
        memcpy(&address->socket, found->ai_addr, found->ai_addrlen);
        address->size = (int)found->ai_addrlen;
        freeaddrinfo(found);
    }
    mem_free(host);
    return is_parsed;
}

static bool parse_address(struct listener *listener, struct address *address, struct error *err)
{
    const char *text = listener->sim->options->listen;
    *address = (struct address){0};
    if (strncmp(text, "unix:", 5) != 0) {
        return parse_inet(text, address) ||
               error_set(err, ERROR_BAD_INPUT, "--listen %s: not an address and port", text);
    }
    listener->unix_path = text + 5;
    struct sockaddr_un *local = &address->socket.local;
    if (strlen(listener->unix_path) >= sizeof local->sun_path) {
        return error_set(err, ERROR_BAD_INPUT, "--listen %s: path too long", text);
    }
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, listener->unix_path, strlen(listener->unix_path));
    address->size = sizeof *local;
    (void)unlink(listener->unix_path);
    return true;
}

static void name_address(struct listener *listener, evutil_socket_t fd)
{
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof bound;
    char host[INET6_ADDRSTRLEN] = "";
    (void)getsockname(fd, (struct sockaddr *)&bound, &size);
    const char *scheme = listener->sim->options->tls_cert == NULL ? "http" : "https";
    if (bound.ss_family == AF_UNIX) {
        (void)snprintf(listener->address, sizeof listener->address, "unix:%s", listener->unix_path);
    } else if (bound.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&bound;
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        (void)snprintf(listener->address, sizeof listener->address, "%s://[%s]:%u", scheme, host,
                       ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&bound;
        (void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        (void)snprintf(listener->address, sizeof listener->address, "%s://%s:%u", scheme, host,
                       ntohs(in->sin_port));
    }
}

static bool listen_on(struct listener *listener, struct error *err)
{
    struct address address;
    if (!parse_address(listener, &address, err)) {
        return false;
    }
    struct evconnlistener *socket = evconnlistener_new_bind(
        listener->sim->base, NULL, NULL, LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE, BACKLOG,
        &address.socket.any, address.size);
    if (socket == NULL) {
        return error_set(err, ERROR_SYSTEM, "cannot listen on %s: %s",
                         listener->sim->options->listen, strerror(errno));
    }
    name_address(listener, evconnlistener_get_fd(socket));
    if (evhttp_bind_listener(listener->http, socket) == NULL) {
        evconnlistener_free(socket);
        return error_set(err, ERROR_SYSTEM, "cannot serve HTTP on %s",
                         listener->sim->options->listen);
    }
    return true;
}

struct listener *listener_start(struct sim *sim, struct error *err)
{
    struct listener *listener = mem_new(1, sizeof *listener);
    listener->sim = sim;
    listener->http = evhttp_new(sim->base);
    assert(listener->http != NULL);
    evhttp_set_allowed_methods(listener->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                                   EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |
                                                   EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS);
    evhttp_set_max_body_size(listener->http, BODY_MAX_BYTES);
    evhttp_set_max_headers_size(listener->http, HEADERS_MAX_BYTES);
    evhttp_set_timeout(listener->http, IDLE_SECONDS);
    evhttp_set_bevcb(listener->http, on_connection, listener);
    evhttp_set_gencb(listener->http, on_request, sim);
    if (!load_certificate(listener, err) || !listen_on(listener, err)) {
        listener_free(listener);
        return NULL;
    }
    return listener;
}

void listener_free(struct listener *listener)
{
    if (listener == NULL) {
        return;
    }
    evhttp_free(listener->http);
    SSL_CTX_free(listener->tls);
    if (listener->unix_path != NULL) {
        (void)unlink(listener->unix_path);
    }
    mem_free(listener);
}

const char *listener_address(const struct listener *listener)
{
    return listener->address;
}
