/* States of a connection:

     NEW      accepted in this turn of the loop: evhttp is about to take it over
     READING  a request is awaited on a new connection, or has begun to arrive
     PASSED   the gate has made a request for evhttp, which has not read it yet
     SERVING  the request is with us
     SENDING  its answer is on its way
     IDLE     answered, and nothing more has come

   Each state has a list in the order in which its connections entered it. Where time is limited
   the limit is the same for all of them, so the first of the list is the first to run out, and one
   timer a state is enough.

   evhttp gives no list of its connections and no hook for a new one, but it lets us make each one's
   bufferevent: that is where we learn of it. The bufferevent's callback argument is then evhttp's
   connection.

   While a request is awaited, all bytes are taken out of the bufferevent's input as they come in,
   by a callback that runs before evhttp looks there, and go through the gate. When a request is
   whole, what evhttp shall read instead is put there, in front of what follows it. What comes from
   then on stays where it is until the answer is sent: requests are read one at a time.

   The bufferevent goes on reading while its request is with us, and the answer is written in the
   turn of the loop that made it: stream_watch.h. */
#include "api/connections.h"

#include "api/address_counts.h"
#include "api/lingering.h"
#include "api/peer.h"
#include "api/stream_watch.h"
#include "common/accepting.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/now.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

/* What is read ahead while a request is served. A caller that goes on sending must wait. */
enum { INPUT_BYTES_MAX = 32 * 1024 };

/* Of a turn of the loop. Thousands may run out in one moment, and good callers shall not wait for
   the answers to them all. */
enum { RUN_OUT_AT_ONCE = 32 };

static const struct http_refusal too_late = {.status = 408,
                                             .detail = "The request did not arrive in time."};
static const struct http_refusal too_many = {
    .status = 429, .detail = "Too many connections from your address.", .retry_after_s = 1};

enum connection_state {
    CONNECTION_NEW,
    CONNECTION_READING,
    CONNECTION_PASSED,
    CONNECTION_SERVING,
    CONNECTION_SENDING,
    CONNECTION_IDLE,
    CONNECTION_STATES,
};

struct connection {
    TAILQ_ENTRY(connection) place; /* in its state's list */
    struct connections *all;
    struct bufferevent *stream;     /* a reference */
    struct evhttp_connection *http; /* NULL while NEW */
    struct stream_watch watch;      /* all 0 while NEW */
    struct http_gate gate;
    struct ip_address address; /* while is_counted */
    bool is_counted;
    enum connection_state state;
    int64_t entered_ms; /* its state; mono */
};

struct state_list {
    TAILQ_HEAD(connection_list, connection) list;
    struct connections *all;
    struct event *timer; /* NULL: no limit. It runs while the list is not empty */
    int64_t limit_ms;
};

struct connections {
    struct accepting *accepting; /* NULL when the listener is gone */
    bool is_draining;
    struct connections_options options;
    struct state_list states[CONNECTION_STATES];
    struct event *new_ones; /* fires when there are some */
    struct stream_watches watches;
    struct event *quiet;               /* when draining: closes what has been quiet */
    struct connection **by_descriptor; /* owned; NULL where there is none */
    size_t descriptor_count;
    size_t count;
    struct address_counts *addresses;
    struct lingering *lingering;
};

/* ---- States ---- */

static void leave(struct connection *connection)
{
    TAILQ_REMOVE(&connection->all->states[connection->state].list, connection, place);
}

static void enter(struct connection *connection, enum connection_state state)
{
    struct state_list *in = &connection->all->states[state];
    connection->state = state;
    connection->entered_ms = now_mono_ms();
    /* A timer that runs since before is at most early: it looks again. */
    if (in->timer != NULL && !event_pending(in->timer, EV_TIMEOUT, NULL)) {
        loop_timer_start(in->timer, in->limit_ms);
    }
    TAILQ_INSERT_TAIL(&in->list, connection, place);
}

static void resume_accepting(struct connections *all)
{
    if (all->accepting != NULL) {
        accepting_resume(all->accepting);
    }
}

static void move(struct connection *connection, enum connection_state state)
{
    leave(connection);
    enter(connection, state);
    if (state == CONNECTION_IDLE || state == CONNECTION_READING) {
        resume_accepting(connection->all); /* it can give way */
    }
}

static struct connection *first_of(const struct connections *all, enum connection_state state)
{
    return TAILQ_FIRST(&all->states[state].list);
}

static void show_count(const struct connections *all)
{
    if (all->options.is_counted) {
        metrics_set(METRIC_HTTP_OPEN_CONNECTIONS, NULL, (int64_t)all->count);
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
    if (connection->is_counted) {
        address_counts_remove(all->addresses, &connection->address);
    }
    leave(connection);
    stream_watch_clear(&connection->watch);
    http_gate_clear(&connection->gate);
    (void)bufferevent_decref(connection->stream);
    mem_free(connection);

    all->count--;
    show_count(all);
    resume_accepting(all);
    if (all->count == 0) {
        all->options.on_none_left(all->options.arg);
    }
}

static void on_closed(struct evhttp_connection *http, void *arg)
{
    (void)http;
    remove_connection(arg);
}

/* ---- What comes in ---- */

/* A caller that waits with its body is told to go on. Not through evhttp's output, whose end would
   count as the end of an answer. The socket's own buffer is empty: all answers are sent. */
static void send_continue(struct connection *connection)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    (void)send(bufferevent_getfd(connection->stream), text, sizeof text - 1,
               MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* evhttp reads it as soon as this returns to it, or on bufferevent_trigger. */
static void pass(struct connection *connection)
{
    const char *request = http_gate_request(&connection->gate);
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    move(connection, CONNECTION_PASSED);
    stream_watch_hold(&connection->watch); /* evhttp stops reading before it hands over */
    if (evbuffer_prepend(input, request, strlen(request)) != 0) {
        log_error("no_memory", log_nothing());
        abort();
    }
}

/* Gives all that is there to the gate, until a request is whole. */
static void feed(struct connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    enum http_gate_step step = HTTP_GATE_MORE;
    struct evbuffer_iovec part;
    while (step != HTTP_GATE_WHOLE && evbuffer_peek(input, -1, NULL, &part, 1) > 0) {
        size_t taken = 0;
        step = http_gate_feed(&connection->gate, part.iov_base, part.iov_len, &taken);
        (void)evbuffer_drain(input, taken);
        if (step == HTTP_GATE_CONTINUE && evbuffer_get_length(input) == 0) {
            send_continue(connection);
        }
    }
    if (step == HTTP_GATE_WHOLE) {
        pass(connection);
    }
}

/* Before evhttp's own callback. Also for what we ourselves do with the input: that adds bytes only
   in pass. */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    (void)input;
    struct connection *connection = arg;
    if (info->n_added == 0) {
        return;
    }
    if (connection->state == CONNECTION_IDLE) {
        move(connection, CONNECTION_READING);
    }
    if (connection->state == CONNECTION_READING) {
        feed(connection);
    }
}

/* Without waiting for more of the request. */
static void refuse(struct connection *connection, const struct http_refusal *refusal)
{
    struct bufferevent *stream = connection->stream;
    http_gate_refuse(&connection->gate, refusal);
    pass(connection);
    bufferevent_trigger(stream, EV_READ, 0);
}

/* ---- Limits of time ---- */

static void close_connection(struct connection *connection)
{
    evhttp_connection_free(connection->http);
}

static void run_out(struct connection *connection)
{
    log_debug("connection_timeout", log_int("state", (int64_t)connection->state));
    if (connection->state == CONNECTION_READING && connection->gate.has_begun) {
        refuse(connection, &too_late);
    } else {
        close_connection(connection);
    }
}

static void on_limit(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct state_list *in = arg;
    struct connection *first = TAILQ_FIRST(&in->list);
    int64_t now_ms = now_mono_ms();
    for (int left = RUN_OUT_AT_ONCE;
         left > 0 && first != NULL && first->entered_ms + in->limit_ms <= now_ms; left--) {
        run_out(first);
        first = TAILQ_FIRST(&in->list);
    }
    if (first != NULL) {
        int64_t left_ms = first->entered_ms + in->limit_ms - now_ms;
        loop_timer_start(in->timer, left_ms > 0 ? left_ms : 0);
    }
}

/* ---- New connections ---- */

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

/* Where many callers may have one address. */
static bool is_shared(const struct connections *all, const struct ip_address *address)
{
    static const struct ip_address none = {{0}};
    static const struct ip_address loopback_v6 = {.bytes = {[15] = 1}};
    static const struct ip_address loopback_v4 = {
        .bytes = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    return memcmp(address, &none, sizeof none) == 0 ||
           memcmp(address, &loopback_v6, sizeof none) == 0 ||
           memcmp(address, &loopback_v4, sizeof none) == 0 ||
           ip_ranges_have(all->options.trusted, address);
}

/* False when there are too many of its address. */
static bool count_address(struct connection *connection)
{
    struct connections *all = connection->all;
    peer_address(&connection->address, bufferevent_getfd(connection->stream));
    if (all->options.address_max == 0 || is_shared(all, &connection->address)) {
        return true;
    }
    peer_address_cut(&connection->address);
    connection->is_counted = true;
    return address_counts_add(all->addresses, &connection->address) <= all->options.address_max;
}

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
    bufferevent_setwatermark(connection->stream, EV_READ, 0, INPUT_BYTES_MAX);
    remember_descriptor(connection);
    stream_watch_init(&connection->watch, &connection->all->watches, connection->stream);
    move(connection, CONNECTION_READING);
    if (!count_address(connection)) {
        refuse(connection, &too_many);
    }
}

/* Before any of their bytes are read: this event's priority is higher than theirs. */
static void on_new(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct connections *all = arg;
    struct connection *connection = NULL;
    while ((connection = first_of(all, CONNECTION_NEW)) != NULL) {
        meet(connection);
    }
}

/* A stranger that keeps connections open without a request may not keep others out. */
static bool make_room(struct connections *all)
{
    struct connection *least = first_of(all, CONNECTION_IDLE);
    if (least == NULL) {
        least = first_of(all, CONNECTION_READING);
    }
    if (least != NULL) {
        log_debug("connection_displaced", log_int("open", (int64_t)all->count));
        close_connection(least);
    }
    return least != NULL;
}

static void pause_accepting(struct connections *all)
{
    if (all->accepting != NULL && accepting_pause(all->accepting)) {
        log_warn("too_many_connections", log_int("open", (int64_t)all->count));
    }
}

static struct bufferevent *on_accepted(struct event_base *base, void *arg)
{
    struct connections *all = arg;
    if (all->count >= all->options.max && !make_room(all)) {
        pause_accepting(all);
    }
    struct connection *connection = mem_new(1, sizeof *connection);
    connection->all = all;
    connection->stream = bufferevent_socket_new(base, -1, 0);
    if (connection->stream == NULL) {
        log_error("no_bufferevent", log_nothing());
        abort();
    }
    bufferevent_incref(connection->stream);
    http_gate_init(&connection->gate);
    if (all->options.content_max > 0) {
        http_gate_keep_content(&connection->gate, all->options.content_max);
    }
    all->count++;
    show_count(all);
    enter(connection, CONNECTION_NEW);
    event_active(all->new_ones, EV_TIMEOUT, 1);
    if (all->is_draining && !event_pending(all->quiet, EV_TIMEOUT, NULL)) {
        loop_timer_start(all->quiet, CONNECTIONS_QUIET_MS);
    }
    return connection->stream;
}

/* ---- Stopping ---- */

/* Closes those in state that entered it before entered_ms; of them only those of which no byte of a
   request has come, unless even_begun. */
static void close_all(struct connections *connections, enum connection_state state,
                      int64_t before_ms, bool even_begun)
{
    struct connection *next = NULL;
    for (struct connection *connection = first_of(connections, state); connection != NULL;
         connection = next) {
        next = TAILQ_NEXT(connection, place);
        if (connection->entered_ms < before_ms && (even_begun || !connection->gate.has_begun)) {
            close_connection(connection);
        }
    }
}

static void close_quiet(struct connections *connections)
{
    int64_t before_ms = now_mono_ms() - CONNECTIONS_QUIET_MS + 1;
    close_all(connections, CONNECTION_IDLE, before_ms, false);
    close_all(connections, CONNECTION_READING, before_ms, false);
    if (connections->count > 0) {
        loop_timer_start(connections->quiet, CONNECTIONS_QUIET_MS);
    }
}

static void on_quiet(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    close_quiet(arg);
}

struct connections *connections_new(struct loop *loop, struct evhttp *http,
                                    struct evconnlistener *listener,
                                    const struct connections_options *options)
{
    const int64_t limits_ms[CONNECTION_STATES] = {
        [CONNECTION_READING] = options->read_timeout_ms,
        [CONNECTION_PASSED] = options->read_timeout_ms, /* of no use, while evhttp does its part */
        [CONNECTION_SENDING] = options->read_timeout_ms,
        [CONNECTION_IDLE] = options->idle_timeout_ms,
    };
    struct connections *all = mem_new(1, sizeof *all);
    all->accepting = accepting_new(loop, listener);
    all->options = *options;
    all->addresses = address_counts_new();
    all->lingering = lingering_new(loop);
    all->new_ones = loop_timer_new(loop, on_new, all);
    (void)event_priority_set(all->new_ones, LOOP_URGENT);
    stream_watches_init(&all->watches, loop);
    all->quiet = loop_timer_new(loop, on_quiet, all);
    for (int i = 0; i < CONNECTION_STATES; i++) {
        struct state_list *in = &all->states[i];
        TAILQ_INIT(&in->list);
        in->limit_ms = limits_ms[i];
        in->timer = in->limit_ms == 0 ? NULL : loop_timer_new(loop, on_limit, in);
    }
    evhttp_set_bevcb(http, on_accepted, all);
    return all;
}

void connections_free(struct connections *connections)
{
    struct connection *left = NULL; /* those that evhttp never met */
    while ((left = first_of(connections, CONNECTION_NEW)) != NULL) {
        remove_connection(left);
    }
    for (int i = 0; i < CONNECTION_STATES; i++) {
        assert(TAILQ_EMPTY(&connections->states[i].list));
        if (connections->states[i].timer != NULL) {
            event_free(connections->states[i].timer);
        }
    }
    event_free(connections->new_ones);
    stream_watches_clear(&connections->watches);
    event_free(connections->quiet);
    address_counts_free(connections->addresses);
    lingering_free(connections->lingering);
    mem_free(connections->by_descriptor);
    mem_free(connections);
}

/* ---- Requests ---- */

static struct connection *find_connection(struct connections *connections,
                                          struct evhttp_connection *http)
{
    evutil_socket_t descriptor = bufferevent_getfd(evhttp_connection_get_bufferevent(http));
    struct connection *connection = connections->by_descriptor[descriptor];
    assert(connection != NULL && connection->http == http);
    return connection;
}

/* evhttp closes the connection now, or awaits the next request. */
static void on_answer_sent(struct evhttp_request *request, void *arg)
{
    (void)request;
    struct connection *connection = arg;
    if (connection->gate.refusal != NULL) {
        lingering_add(connection->all->lingering, bufferevent_getfd(connection->stream));
        return;
    }
    http_gate_next(&connection->gate);
    bool has_more = evbuffer_get_length(bufferevent_get_input(connection->stream)) > 0;
    move(connection, has_more ? CONNECTION_READING : CONNECTION_IDLE);
    if (has_more) {
        feed(connection);
    }
}

/* While its request is with us the caller may hang up, or say that it has nothing more to say: its
   answer is written all the same. */
static void on_serving_event(struct bufferevent *stream, short what, void *arg)
{
    (void)stream;
    (void)what;
    (void)arg;
}

/* While the answer is on its way, too; evhttp would close when the caller has nothing more to say,
   and what the socket does not take at once were lost. Behind the answer it reads on, and finds out
   by itself. What else comes here is the end of the connection, as evhttp has it. */
static void on_sending_event(struct bufferevent *stream, short what, void *arg)
{
    (void)stream;
    if ((what & BEV_EVENT_READING) == 0 || (what & BEV_EVENT_EOF) == 0) {
        evhttp_connection_free(arg);
    }
}

static void set_event_callback(const struct connection *connection, bufferevent_event_cb on_event)
{
    bufferevent_data_cb on_written = NULL;
    bufferevent_getcb(connection->stream, NULL, &on_written, NULL, NULL);
    bufferevent_setcb(connection->stream, NULL, on_written, on_event, connection->http);
}

/* What evhttp would only do again to send. */
static void go_on_reading(struct connection *connection)
{
    set_event_callback(connection, on_serving_event);
    (void)bufferevent_enable(connection->stream, EV_READ);
    stream_watch_release(&connection->watch);
}

const struct http_gate *connections_on_request(struct connections *connections,
                                               struct evhttp_request *request)
{
    struct connection *connection =
        find_connection(connections, evhttp_request_get_connection(request));
    assert(connection->state == CONNECTION_PASSED);
    move(connection, CONNECTION_SERVING);
    go_on_reading(connection);
    evhttp_request_set_on_complete_cb(request, on_answer_sent, connection);
    return &connection->gate;
}

/* What evhttp puts into the output in this turn is sent behind all else. NULL: there is no caller
   any more, and evhttp only frees the request. */
static struct connection *begin_to_send(struct connections *connections,
                                        struct evhttp_request *request)
{
    struct evhttp_connection *http = evhttp_request_get_connection(request);
    if (http == NULL) {
        return NULL;
    }
    struct connection *connection = find_connection(connections, http);
    move(connection, CONNECTION_SENDING);
    stream_watch_write(&connection->watch);
    return connection;
}

void connections_send_reply(struct connections *connections, struct evhttp_request *request,
                            int status, const char *reason)
{
    struct connection *connection = begin_to_send(connections, request);
    evhttp_send_reply(request, status, reason, NULL);
    if (connection != NULL) {
        set_event_callback(connection, on_sending_event);
    }
}

void connections_end_stream(struct connections *connections, struct evhttp_request *request)
{
    (void)begin_to_send(connections, request);
    evhttp_send_reply_end(request);
}

/* ---- Stopping, as asked ---- */

void connections_drain(struct connections *connections)
{
    connections->is_draining = true;
    close_quiet(connections);
}

void connections_accept_now(struct connections *connections)
{
    accepting_try_now(connections->accepting);
}

void connections_forget_listener(struct connections *connections)
{
    accepting_free(connections->accepting);
    connections->accepting = NULL;
}

size_t connections_count(const struct connections *connections)
{
    return connections->count;
}

void connections_drop_unfinished(struct connections *connections)
{
    close_all(connections, CONNECTION_IDLE, INT64_MAX, true);
    close_all(connections, CONNECTION_READING, INT64_MAX, true);
}
