/* States of a connection:

     NEW      accepted in this turn of the loop: evhttp is about to take it over
     READING  a request is awaited on a new connection, or has begun to arrive
     SERVING  a request is with us, or its answer is being sent
     IDLE     answered, and nothing more has come

   evhttp gives no list of its connections and no hook for a new one, but it lets us make each one's
   bufferevent: that is where we learn of it. The bufferevent's callback argument is then evhttp's
   connection. */
#include "api/connections.h"

#include "common/log.h"
#include "common/mem.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>

/* More than the largest request: a caller that goes on sending while it takes no answer must wait.
 */
enum { INPUT_BYTES_MAX = 256 * 1024 };

enum connection_state {
    CONNECTION_NEW,
    CONNECTION_READING,
    CONNECTION_SERVING,
    CONNECTION_IDLE,
};

struct connection {
    struct connection *next;
    struct connection **link; /* what points to this connection */
    struct connections *all;
    struct bufferevent *stream;     /* a reference */
    struct evhttp_connection *http; /* NULL while NEW */
    struct event *timer;            /* NEW: fires at once. READING, IDLE: the time limit */
    enum connection_state state;
    bool has_begun; /* READING: a byte of the request is there */
};

struct connections {
    struct loop *loop;
    struct evconnlistener *listener; /* NULL when draining */
    struct connections_options options;
    struct connection *first;
    struct connection **by_descriptor; /* owned; NULL where there is none */
    size_t descriptor_count;
    size_t count;
};

static void enter(struct connection *connection, enum connection_state state)
{
    connection->state = state;
    switch (state) {
    case CONNECTION_NEW:
        event_active(connection->timer, EV_TIMEOUT, 1);
        break;
    case CONNECTION_READING:
        loop_timer_start(connection->timer, connection->all->options.read_timeout_ms);
        break;
    case CONNECTION_SERVING:
        loop_timer_stop(connection->timer);
        break;
    case CONNECTION_IDLE:
        loop_timer_start(connection->timer, connection->all->options.idle_timeout_ms);
        break;
    }
}

/* Forgets connection; evhttp's part of it is gone or going. */
static void remove_connection(struct connection *connection)
{
    struct connections *all = connection->all;
    evutil_socket_t descriptor = bufferevent_getfd(connection->stream);
    if (descriptor >= 0 && (size_t)descriptor < all->descriptor_count &&
        all->by_descriptor[descriptor] == connection) {
        all->by_descriptor[descriptor] = NULL;
    }
    *connection->link = connection->next;
    if (connection->next != NULL) {
        connection->next->link = connection->link;
    }
    event_free(connection->timer);
    (void)bufferevent_decref(connection->stream);
    mem_free(connection);

    all->count--;
    if (all->listener != NULL && all->count == all->options.max - 1) {
        (void)evconnlistener_enable(all->listener);
    }
    if (all->count == 0) {
        all->options.on_none_left(all->options.arg);
    }
}

static void on_closed(struct evhttp_connection *http, void *arg)
{
    (void)http;
    remove_connection(arg);
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    (void)input;
    struct connection *connection = arg;
    if (info->n_added > 0) {
        connection->has_begun = true;
        if (connection->state == CONNECTION_IDLE) {
            enter(connection, CONNECTION_READING);
        }
    }
}

static void remember_descriptor(struct connection *connection)
{
    struct connections *all = connection->all;
    evutil_socket_t descriptor = bufferevent_getfd(connection->stream);
    assert(descriptor >= 0);
    size_t needed = (size_t)descriptor + 1;
    if (needed > all->descriptor_count) {
        all->by_descriptor = mem_resize(all->by_descriptor, needed, sizeof(struct connection *));
        for (size_t i = all->descriptor_count; i < needed; i++) {
            all->by_descriptor[i] = NULL;
        }
        all->descriptor_count = needed;
    }
    all->by_descriptor[descriptor] = connection;
}

/* Before any of its bytes are read: the timer's priority is higher than theirs. */
static void meet(struct connection *connection)
{
    void *http = NULL;
    bufferevent_getcb(connection->stream, NULL, NULL, NULL, &http);
    if (http == NULL) { /* evhttp could not take it over */
        remove_connection(connection);
        return;
    }
    connection->http = http;
    evhttp_connection_set_closecb(connection->http, on_closed, connection);
    (void)evbuffer_add_cb(bufferevent_get_input(connection->stream), on_input, connection);
    struct timeval limit = {
        .tv_sec = (time_t)(connection->all->options.read_timeout_ms / 1000),
        .tv_usec = (suseconds_t)(connection->all->options.read_timeout_ms % 1000) * 1000};
    bufferevent_set_timeouts(connection->stream, NULL, &limit);
    bufferevent_setwatermark(connection->stream, EV_READ, 0, INPUT_BYTES_MAX);
    remember_descriptor(connection);
    enter(connection, CONNECTION_READING);
    if (connection->all->listener == NULL) {
        evhttp_connection_free(connection->http);
    }
}

static void on_timer(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct connection *connection = arg;
    if (connection->state == CONNECTION_NEW) {
        meet(connection);
        return;
    }
    log_debug("connection_timeout", log_bool("idle", connection->state == CONNECTION_IDLE));
    evhttp_connection_free(connection->http);
}

static struct bufferevent *on_accepted(struct event_base *base, void *arg)
{
    struct connections *all = arg;
    struct connection *connection = mem_new(1, sizeof *connection);
    connection->all = all;
    connection->stream = bufferevent_socket_new(base, -1, 0);
    if (connection->stream == NULL) {
        log_error("no_bufferevent", log_nothing());
        abort();
    }
    bufferevent_incref(connection->stream);
    connection->timer = loop_timer_new(all->loop, on_timer, connection);
    (void)event_priority_set(connection->timer, LOOP_URGENT);
    connection->next = all->first;
    connection->link = &all->first;
    if (all->first != NULL) {
        all->first->link = &connection->next;
    }
    all->first = connection;
    all->count++;
    if (all->count >= all->options.max && all->listener != NULL) {
        log_warn("too_many_connections", log_int("open", (int64_t)all->count));
        (void)evconnlistener_disable(all->listener);
    }
    enter(connection, CONNECTION_NEW);
    return connection->stream;
}

struct connections *connections_new(struct loop *loop, struct evhttp *http,
                                    struct evconnlistener *listener,
                                    const struct connections_options *options)
{
    struct connections *all = mem_new(1, sizeof *all);
    all->loop = loop;
    all->listener = listener;
    all->options = *options;
    evhttp_set_bevcb(http, on_accepted, all);
    return all;
}

void connections_free(struct connections *connections)
{
    while (connections->first != NULL) { /* those that evhttp never met */
        remove_connection(connections->first);
    }
    mem_free(connections->by_descriptor);
    mem_free(connections);
}

static void on_answer_sent(struct evhttp_request *request, void *arg)
{
    (void)request;
    struct connection *connection = arg;
    /* The next request may have come with this one: its bytes are announced only once. */
    connection->has_begun = evbuffer_get_length(bufferevent_get_input(connection->stream)) > 0;
    enter(connection, connection->has_begun ? CONNECTION_READING : CONNECTION_IDLE);
}

void connections_on_request(struct connections *connections, struct evhttp_request *request)
{
    struct evhttp_connection *http = evhttp_request_get_connection(request);
    evutil_socket_t descriptor = bufferevent_getfd(evhttp_connection_get_bufferevent(http));
    struct connection *connection = connections->by_descriptor[descriptor];
    assert(connection != NULL && connection->http == http);
    enter(connection, CONNECTION_SERVING);
    evhttp_request_set_on_complete_cb(request, on_answer_sent, connection);
}

/* Closes those that have no request with us; which of them, has_begun decides. */
static void close_some(struct connections *connections, bool even_begun)
{
    struct connection *next = NULL;
    for (struct connection *connection = connections->first; connection != NULL;
         connection = next) {
        next = connection->next;
        bool is_ours =
            connection->state == CONNECTION_NEW || connection->state == CONNECTION_SERVING;
        if (!is_ours && (even_begun || !connection->has_begun)) {
            evhttp_connection_free(connection->http);
        }
    }
}

void connections_drain(struct connections *connections)
{
    connections->listener = NULL;
    close_some(connections, false);
}

size_t connections_count(const struct connections *connections)
{
    return connections->count;
}

void connections_drop_unfinished(struct connections *connections)
{
    close_some(connections, true);
}
