#include "api/server.h"

#include "api/connections.h"
#include "api/dashboard.h"
#include "api/lingering.h"
#include "api/reply.h"
#include "common/listen_socket.h"
#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <event2/http.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    /* Redis, Omnitron, files of the settings; and the dashboard has lingering ones, too */
    OTHER_DESCRIPTORS = 2 * LINGERING_MAX + DASHBOARD_CONNECTIONS_MAX + 128,
};

struct server {
    struct server_options options;
    struct evhttp *http;
    struct evhttp_bound_socket *bound; /* NULL when it does not listen any more */
    struct event *unlisten;
    struct connections *connections;
    struct request_group requests;
    bool is_past_grace; /* nobody is served any more */
    bool is_stopped;
};

/* The gate has told evhttp to close. */
static void refuse(struct request *request, const struct http_refusal *refusal)
{
    if (refusal->retry_after_s > 0) {
        reply_try_later(request, refusal->status, refusal->retry_after_s, refusal->detail);
    } else {
        reply_error(request, refusal->status, refusal->detail);
    }
}

static void take(struct server *server, struct request *request, const struct http_gate *gate)
{
    if (gate->refusal != NULL) {
        refuse(request, gate->refusal);
    } else if (server->is_past_grace) {
        reply_try_later(request, HTTP_SERVUNAVAIL, 1, "The service is stopping.");
    } else if (server->requests.open > (size_t)server->options.config->requests_max) {
        /* Early, and not late. Also of callers that have hung up: their connections stay until the
           answer. */
        reply_try_later(request, HTTP_SERVUNAVAIL, 1, "Too many requests are open.");
    } else {
        server->options.on_request(server->options.arg, request);
    }
}

static void on_http_request(struct evhttp_request *http, void *arg)
{
    struct server *server = arg;
    const struct http_gate *gate = connections_on_request(server->connections, http);
    take(server, request_new(http, gate, &server->requests), gate);
    request_arrived(&server->requests);
}

static void send_reply(void *arg, struct evhttp_request *http, int status, const char *reason)
{
    struct server *server = arg;
    connections_send_reply(server->connections, http, status, reason);
}

/* Once, when neither a connection nor a request is left. */
static void check_stopped(void *arg)
{
    struct server *server = arg;
    if (server->bound == NULL && !server->is_stopped && server->requests.open == 0 &&
        connections_count(server->connections) == 0) {
        server->is_stopped = true;
        server->options.on_stopped(server->options.arg);
    }
}

/* As far as the system gives us descriptors for them. */
static size_t find_connections_max(const struct service_config *config)
{
    const rlim_t others = OTHER_DESCRIPTORS;
    rlim_t wanted = (rlim_t)config->connections_max;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted + others) {
        return wanted;
    }
    return limit.rlim_cur > 2 * others ? limit.rlim_cur - others : limit.rlim_cur / 2;
}

/* The file of a unix socket: of a shared one, others may still use it. */
static void remove_file(const struct server *server)
{
    if (server->options.listener < 0) {
        listen_socket_remove(&server->options.config->listen);
    }
}

/* The file goes while we still listen: a successor that found it after that would take it for one
   that is left over, and lose its own to us. */
static void unlisten(struct server *server)
{
    remove_file(server);
    connections_drain(server->connections);
    connections_forget_listener(server->connections);
    evhttp_del_accept_socket(server->http, server->bound);
    server->bound = NULL;
    check_stopped(server);
}

static void on_unlisten(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    unlisten(arg);
}

static void serve(struct server *server, struct loop *loop, int descriptor)
{
    const struct service_config *config = server->options.config;
    server->http = evhttp_new(loop_base(loop));
    server->bound =
        server->http == NULL ? NULL : evhttp_accept_socket_with_handle(server->http, descriptor);
    if (server->bound == NULL) {
        log_error("no_http_server", log_nothing());
        abort();
    }
    const struct connections_options options = {
        .read_timeout_ms = config->read_timeout_ms,
        .idle_timeout_ms = config->idle_timeout_ms,
        .max = find_connections_max(config),
        .address_max = (size_t)config->address_connections_max,
        .trusted = &config->trusted_proxies,
        .is_counted = true,
        .on_none_left = check_stopped,
        .arg = server,
    };
    server->connections = connections_new(
        loop, server->http, evhttp_bound_socket_get_listener(server->bound), &options);
    evhttp_set_gencb(server->http, on_http_request, server);
    server->unlisten = loop_timer_new(loop, on_unlisten, server);
}

bool server_start(struct loop *loop, const struct server_options *options, struct server **server,
                  struct error *err)
{
    const struct listen_address *address = &options->config->listen;
    int descriptor = options->listener >= 0 ? options->listener : listen_socket_open(address, err);
    if (descriptor < 0) {
        return false;
    }
    *server = mem_new(1, sizeof **server);
    (*server)->options = *options;
    (*server)->requests =
        (struct request_group){.send = send_reply, .on_none_open = check_stopped, .arg = *server};
    serve(*server, loop, descriptor);
    char name[LISTEN_SOCKET_NAME_SIZE];
    log_info("listening", log_text("address", listen_socket_name(name, descriptor)));
    return true;
}

/* The socket is closed in the next turn of the loop, after the connections that the system has
   already made for us have been accepted: it would reset them. */
void server_stop(struct server *server)
{
    server->requests.is_closing = true;
    connections_accept_now(server->connections);
    loop_timer_start(server->unlisten, 0);
}

void server_drop_unfinished(struct server *server)
{
    server->is_past_grace = true;
    if (server->bound != NULL) {
        loop_timer_stop(server->unlisten);
        unlisten(server);
    }
    connections_drop_unfinished(server->connections);
}

void server_free(struct server *server)
{
    if (server == NULL) {
        return;
    }
    assert(server->requests.open == 0);
    server->is_stopped = true; /* nobody is to be told any more */
    if (server->bound != NULL) {
        remove_file(server);
        connections_forget_listener(server->connections);
    }
    event_free(server->unlisten);
    evhttp_free(server->http);
    connections_free(server->connections);
    mem_free(server);
}
