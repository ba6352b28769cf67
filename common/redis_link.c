#include "common/redis_link.h"

#include "common/mem.h"
#include "common/redis_command.h"
#include "common/redis_error.h"
#include "common/redis_events.h"
#include "common/redis_finder.h"
#include "common/redis_greeting.h"
#include "common/redis_info.h"
#include "common/redis_lookup.h"
#include "common/redis_tls.h"

#include <assert.h>
#include <fcntl.h>
#include <hiredis/async.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A peer that is gone without a word: noticed 10 s after the last sign of life plus three probes,
   or when what was sent stays unacknowledged for 20 s. Deadlines of commands are seen sooner. */
enum { PROBE_AFTER_S = 10, PROBE_EVERY_S = 4, PROBES = 3, UNACKNOWLEDGED_MS = 20000 };

enum { GREETING_MAX_BYTES = 4 << 20, HOPS_MAX = 5 };

enum link_state { LINK_CLOSED, LINK_FINDING, LINK_LOOKING_UP, LINK_GREETING, LINK_UP, LINK_FAILED };

struct redis_link {
    struct loop *loop;
    const struct redis_address *address;
    const char *name;
    int64_t timeout_ms;
    struct redis_link_handlers handlers;
    enum link_state state;
    struct event *timer;         /* the limit of looking up and greeting; the end of FAILED */
    struct redis_finder *finder; /* NULL = no Sentinels */
    char host[REDIS_HOST_SIZE];  /* of this try, and its port; unused for a unix socket */
    int port;
    unsigned hops;              /* from node to node of a cluster, in this try */
    char home[REDIS_HOST_SIZE]; /* the node where a cluster has led to last; "" = none */
    int home_port;
    bool begins_at_home; /* the next try: the address has just failed */
    char place[REDIS_HOST_SIZE + 16];
    char server[REDIS_SERVER_SIZE];
    bool is_cluster;
    bool is_led;                 /* to host and port, by Sentinels or a cluster */
    struct redis_lookup *lookup; /* while LOOKING_UP a host */
    struct redis_lookup_result found;
    size_t turn;                       /* of the addresses found, over all tries */
    size_t left;                       /* addresses to be tried yet in this try */
    const char *target;                /* the one that is tried */
    bool is_connected;                 /* to it */
    redisAsyncContext *context;        /* while GREETING and UP; its data points back here */
    struct redis_tls *tls;             /* NULL = its files are to be read (again) */
    struct redis_tls_session *session; /* of context; NULL without TLS */
    bool was_up;                       /* before it FAILED */
    struct error why;                  /* while FAILED; of several addresses the most telling */
};

static void connect_next(struct redis_link *link);

/* hiredis ends a context by itself after on_connected(-1) and on_disconnected: there it is only
   forgotten. Elsewhere it is freed, which inside a reply callback takes effect after it. */
static redisAsyncContext *forget_context(struct redis_link *link)
{
    redisAsyncContext *context = link->context;
    link->context = NULL;
    link->session = NULL;
    if (context != NULL) {
        context->data = NULL;
    }
    return context;
}

void redis_link_close(struct redis_link *link)
{
    loop_timer_stop(link->timer);
    if (link->state == LINK_FINDING) {
        redis_finder_cancel(link->finder);
    }
    if (link->lookup != NULL) {
        redis_lookup_cancel(link->lookup);
        link->lookup = NULL;
    }
    redisAsyncContext *context = forget_context(link);
    if (context != NULL) {
        redisAsyncFree(context);
    }
    link->state = LINK_CLOSED;
}

static bool is_refusal(const struct error *why)
{
    return why->code == ERROR_REFUSED || why->code == ERROR_UNAUTHORIZED;
}

/* The owner hears of it on the next turn, when hiredis is not on the stack. */
static void link_fail(struct redis_link *link, const struct error *why)
{
    bool was_up = link->state == LINK_UP;
    link->was_up = was_up;
    redis_link_close(link);
    link->turn++;
    if (was_up || link->left == 0) {
        link->left = 1;
    }
    link->left--;
    /* One that answers, and refuses, tells more than one that cannot be reached. */
    if (was_up || !is_refusal(&link->why) || is_refusal(why)) {
        link->why = *why;
    }
    link->state = LINK_FAILED;
    loop_timer_start(link->timer, 0);
}

/* What the time limit of GREETING has run out for. */
static const char *what_is_missing(const struct redis_link *link)
{
    if (!link->is_connected) {
        return "no connection";
    }
    bool has_no_tls = link->session != NULL && !redis_tls_stands(link->session);
    return has_no_tls ? "no TLS (is its port one for TLS?)" : "no answer to the greeting";
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    struct redis_link *link = arg;
    struct error why;
    switch (link->state) {
    case LINK_LOOKING_UP:
        (void)error_set(&why, ERROR_TIMEOUT, "the host name was not resolved within %" PRId64 " ms",
                        link->timeout_ms);
        link->left = 0;
        link_fail(link, &why);
        break;
    case LINK_GREETING:
        (void)error_set(&why, ERROR_TIMEOUT, "%s within %" PRId64 " ms: %s", what_is_missing(link),
                        link->timeout_ms, link->target);
        link_fail(link, &why);
        break;
    case LINK_FAILED:
        if (link->left > 0) {
            connect_next(link);
            break;
        }
        why = link->why;
        link->state = LINK_CLOSED;
        if (link->finder != NULL && !link->was_up) {
            redis_finder_distrust(link->finder);
        }
        link->begins_at_home = !link->was_up && !link->begins_at_home && link->home[0] != '\0';
        link->handlers.on_down(link->handlers.arg, &why);
        break;
    case LINK_CLOSED:
    case LINK_FINDING:
    case LINK_UP:
        break;
    }
}

/* The files may be others by the next try: certificates are renewed. */
static void forget_tls(struct redis_link *link)
{
    redis_tls_free(link->tls);
    link->tls = NULL;
}

static void on_connected(const redisAsyncContext *context, int status)
{
    struct redis_link *link = context->data;
    if (link == NULL) {
        return;
    }
    link->is_connected = status == REDIS_OK;
    if (link->is_connected) {
        return;
    }
    struct error why;
    (void)error_set(&why, ERROR_UNAVAILABLE, "cannot connect to %s: %s", link->target,
                    context->c.errstr);
    (void)forget_context(link);
    link_fail(link, &why);
}

static void on_disconnected(const redisAsyncContext *context, int status)
{
    (void)status;
    struct redis_link *link = context->data;
    if (link == NULL) {
        return;
    }
    struct error why;
    bool is_explained = link->session != NULL && link->state == LINK_GREETING &&
                        redis_tls_explain(link->session, link->host, &why);
    if (is_explained) {
        forget_tls(link);
    } else {
        (void)error_set(&why, ERROR_UNAVAILABLE, "connection lost: %s", context->c.errstr);
    }
    (void)forget_context(link);
    link_fail(link, &why);
}

/* hiredis calls the callbacks of a context that ends with a NULL reply: the owner knows by on_down
   which commands are lost, and could send nothing from in there. */
static void on_reply(redisAsyncContext *context, void *reply, void *tag)
{
    struct redis_link *link = context->data;
    if (reply == NULL || link == NULL) {
        return;
    }
    link->handlers.on_reply(link->handlers.arg, tag, reply); /* may free link */
    redis_events_reply_done(context);
}

static void on_push(redisAsyncContext *context, void *reply, void *tag)
{
    (void)tag;
    struct redis_link *link = context->data;
    if (reply == NULL || link == NULL) {
        return;
    }
    link->handlers.on_push(link->handlers.arg, reply); /* may free link */
    redis_events_reply_done(context);
}

static const enum redis_greeting_part parts[] = {
    REDIS_GREETING_AUTH,
    REDIS_GREETING_SELECT,
    REDIS_GREETING_NAME,
    REDIS_GREETING_INFO,
};

static void start_lookup(struct redis_link *link);

static void set_place(struct redis_link *link, const char *host, int port)
{
    (void)snprintf(link->host, sizeof link->host, "%s", host);
    link->port = port;
}

static void come_up(struct redis_link *link)
{
    loop_timer_stop(link->timer);
    link->state = LINK_UP;
    bool is_led = link->finder != NULL || link->hops > 0;
    (void)snprintf(link->place, sizeof link->place,
                   strchr(link->host, ':') == NULL ? "%s:%d" : "[%s]:%d", is_led ? link->host : "",
                   link->port);
    link->is_led = is_led;
    link->begins_at_home = false;
    if (link->hops > 0) {
        (void)snprintf(link->home, sizeof link->home, "%s", link->host);
        link->home_port = link->port;
    }
    link->handlers.on_up(link->handlers.arg);
}

/* Greets the node that the one at hand has named. */
static void follow(struct redis_link *link, const struct redis_moved *moved)
{
    struct error why;
    char host[REDIS_HOST_SIZE];
    (void)snprintf(host, sizeof host, "%s", moved->host[0] == '\0' ? link->host : moved->host);
    if (++link->hops > HOPS_MAX) {
        (void)error_set(&why, ERROR_UNAVAILABLE,
                        "the nodes of the cluster send us from one to the other");
        link->left = 0;
        link_fail(link, &why);
        return;
    }
    redis_link_close(link);
    set_place(link, host, moved->port);
    start_lookup(link);
}

static void on_node_told(redisAsyncContext *context, void *reply, void *tag)
{
    (void)tag;
    struct redis_link *link = context->data;
    if (reply == NULL || link == NULL) {
        return;
    }
    const char *error_text = redis_error_text(reply);
    struct redis_moved moved;
    struct error why;
    if (error_text != NULL && redis_error_read_moved(error_text, &moved)) {
        follow(link, &moved);
    } else if (error_text != NULL && redis_error_read(error_text, &why)) {
        link_fail(link, &why);
    } else {
        /* Also with CLUSTERDOWN or while the slot moves: then calls are told so. */
        come_up(link);
    }
    redis_events_reply_done(context);
}

static bool append(redisAsyncContext *context, const struct strbuf *wire, redisCallbackFn *fn,
                   void *tag);

/* Which node serves the key: each other answers MOVED. */
static void ask_for_node(struct redis_link *link)
{
    struct strbuf wire;
    struct redis_command command;
    redis_command_init(&command, "EXISTS");
    redis_command_add(&command, link->address->home_key);
    strbuf_init(&wire, GREETING_MAX_BYTES);
    bool is_queued =
        redis_command_print(&command, &wire) && append(link->context, &wire, on_node_told, NULL);
    assert(is_queued);
    (void)is_queued;
    strbuf_clear(&wire);
}

static void on_info(struct redis_link *link, const struct redis_reply *reply)
{
    size_t size = 0;
    const char *text = redis_reply_text(reply, NULL);
    const char *info = text == NULL ? "" : text;
    const char *run_id = redis_info_value(info, "run_id", &size);
    (void)snprintf(link->server, sizeof link->server, "%.*s", (int)size,
                   run_id == NULL ? "" : run_id);
    link->is_cluster = redis_info_is(info, "cluster_enabled", "1");
    if (link->is_cluster && link->address->home_key != NULL) {
        ask_for_node(link);
    } else {
        come_up(link);
    }
}

static void on_greeted(redisAsyncContext *context, void *reply, void *tag)
{
    struct redis_link *link = context->data;
    if (reply == NULL || link == NULL) {
        return;
    }
    const enum redis_greeting_part *part = tag;
    struct error why;
    if (!redis_greeting_check(*part, link->address, reply, &why)) {
        link_fail(link, &why);
    } else if (*part == REDIS_GREETING_INFO) {
        on_info(link, reply);
    }
    redis_events_reply_done(context);
}

static bool append(redisAsyncContext *context, const struct strbuf *wire, redisCallbackFn *fn,
                   void *tag)
{
    return redisAsyncFormattedCommand(context, fn, tag, wire->bytes, wire->size) == REDIS_OK;
}

/* Queued before the connection is made: sent with its first write. */
static void send_greeting(struct redis_link *link)
{
    struct strbuf wire;
    strbuf_init(&wire, GREETING_MAX_BYTES);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct redis_command command;
        if (!redis_greeting_build(parts[i], link->address, link->name, &command)) {
            continue;
        }
        bool is_queued = redis_command_print(&command, &wire) &&
                         append(link->context, &wire, on_greeted, (void *)(uintptr_t)&parts[i]);
        assert(is_queued);
    }
    /* It holds the password. */
    secret_wipe(wire.bytes, wire.capacity);
    strbuf_clear(&wire);
}

static void set_option(int fd, int level, int name, int value)
{
    /* Refused on a kernel without it: then only our own deadlines watch. */
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

/* Besides TCP_NODELAY, which hiredis sets. */
static void prepare_socket(int fd, bool is_tcp)
{
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (is_tcp) {
        set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER_S);
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EVERY_S);
        set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
        set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
    }
}

static bool start_tls(struct redis_link *link, redisAsyncContext *context, struct error *err)
{
    const struct redis_address *address = link->address;
    if (link->tls == NULL) {
        link->tls =
            redis_tls_new(&(struct redis_tls_files){.authorities = address->ca_file,
                                                    .certificate = address->certificate_file,
                                                    .key = address->key_file},
                          err);
    }
    link->session = link->tls == NULL ? NULL : redis_tls_start(link->tls, context, link->host, err);
    return link->session != NULL;
}

static void connect_next(struct redis_link *link)
{
    bool is_tcp = link->address->path == NULL;
    link->target =
        is_tcp ? link->found.addresses[link->turn % link->found.count] : link->address->path;
    link->is_connected = false;
    redisAsyncContext *context =
        is_tcp ? redisAsyncConnect(link->target, link->port) : redisAsyncConnectUnix(link->target);
    struct error why;
    if (context == NULL || context->err != 0) {
        (void)error_set(&why, ERROR_UNAVAILABLE, "cannot connect to %s: %s", link->target,
                        context == NULL ? "out of memory" : context->c.errstr);
        if (context != NULL) {
            redisAsyncFree(context);
        }
        link_fail(link, &why);
        return;
    }
    prepare_socket(context->c.fd, is_tcp);
    if (link->address->is_tls && !start_tls(link, context, &why)) {
        redisAsyncFree(context);
        link_fail(link, &why);
        return;
    }
    context->data = link;
    link->context = context;
    link->state = LINK_GREETING;
    redis_events_attach(context, link->loop, link->session != NULL);
    (void)redisAsyncSetConnectCallback(context, on_connected);
    (void)redisAsyncSetDisconnectCallback(context, on_disconnected);
    send_greeting(link);
    loop_timer_start(link->timer, link->timeout_ms);
}

static void on_looked_up(void *arg, const struct redis_lookup_result *result,
                         const struct error *why_not)
{
    struct redis_link *link = arg;
    link->lookup = NULL;
    if (result == NULL) {
        link->left = 0;
        link_fail(link, why_not);
        return;
    }
    link->found = *result;
    link->left = result->count;
    connect_next(link);
}

static void start_lookup(struct redis_link *link)
{
    link->state = LINK_LOOKING_UP;
    link->lookup = redis_lookup_start(link->loop, link->host, on_looked_up, link);
    loop_timer_start(link->timer, link->timeout_ms);
}

static void on_found(void *arg, const char *host, int port, const struct error *why_not)
{
    struct redis_link *link = arg;
    if (why_not != NULL) {
        link->left = 0;
        link_fail(link, why_not);
        return;
    }
    set_place(link, host, port);
    start_lookup(link);
}

void redis_link_open(struct redis_link *link)
{
    assert(link->state == LINK_CLOSED);
    const struct redis_address *address = link->address;
    link->why.code = ERROR_NONE;
    link->hops = 0;
    if (address->path != NULL) {
        link->left = 1;
        connect_next(link);
    } else if (address->sentinel_count > 0) {
        link->state = LINK_FINDING;
        redis_finder_start(link->finder);
    } else if (link->begins_at_home) {
        link->hops = 1;
        set_place(link, link->home, link->home_port);
        start_lookup(link);
    } else {
        set_place(link, address->host, address->port);
        start_lookup(link);
    }
}

struct redis_link *redis_link_new(struct loop *loop, const struct redis_options *options,
                                  const struct redis_link_handlers *handlers)
{
    struct redis_link *link = mem_new(1, sizeof *link);
    link->loop = loop;
    link->address = options->address;
    link->name = options->name;
    link->timeout_ms = options->timeout_ms;
    link->handlers = *handlers;
    link->timer = loop_timer_new(loop, on_timer, link);
    if (link->address->sentinel_count > 0) {
        link->finder = redis_finder_new(loop, options, on_found, link);
    }
    return link;
}

void redis_link_free(struct redis_link *link)
{
    if (link == NULL) {
        return;
    }
    redis_link_close(link);
    redis_tls_free(link->tls);
    redis_finder_free(link->finder);
    event_free(link->timer);
    mem_free(link);
}

bool redis_link_is_up(const struct redis_link *link)
{
    return link->state == LINK_UP;
}

const char *redis_link_server(const struct redis_link *link)
{
    return link->server;
}

const char *redis_link_place(const struct redis_link *link)
{
    return link->is_led ? link->place : NULL;
}

bool redis_link_is_cluster(const struct redis_link *link)
{
    return link->is_cluster;
}

bool redis_link_send(struct redis_link *link, const struct strbuf *wire, void *tag)
{
    return link->state == LINK_UP && append(link->context, wire, on_reply, tag);
}

bool redis_link_subscribe(struct redis_link *link, const struct strbuf *wire)
{
    return link->state == LINK_UP && append(link->context, wire, on_push, NULL);
}

bool redis_link_has_input(const struct redis_link *link)
{
    struct pollfd socket = {.fd = link->context == NULL ? -1 : link->context->c.fd,
                            .events = POLLIN};
    return poll(&socket, 1, 0) == 1;
}
