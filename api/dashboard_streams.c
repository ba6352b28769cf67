/* All streams tell the same, so each text is made once. What a stream's caller does not take stays
   in its connection's buffer. Changes are not put there when much waits already: such a stream is
   behind, and is told to read everything anew (resync) as soon as its caller has caught up. One
   whose caller takes nothing for STALLED_MS is closed, and so is one whose buffer is full all the
   same.

   While somebody watches, a client of its own listens to the job machine's channel. Each time that
   its subscription stands anew, news may have been missed: a resync too. */
#include "api/dashboard_streams.h"

#include "api/connections.h"
#include "api/dashboard_changes.h"
#include "api/dashboard_internal.h"
#include "common/job_queue_view.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/now.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum {
    TICK_MS = 1000,
    HELLO_TICKS = 5,
    BEHIND_BYTES = 128 * 1024,   /* no change makes more wait than this */
    CAUGHT_UP_BYTES = 16 * 1024, /* a resync is worth something */
    STALLED_MS = 15000,
    SEND_BUFFER_BYTES = 32 * 1024, /* the kernel's: what is in it is out of our sight */
    TEXT_MAX_BYTES = 64 * 1024,
};

struct stream {
    TAILQ_ENTRY(stream) place;
    struct evhttp_request *http;
    bool has_begun; /* has been sent an overview, which comes first, or that Redis is away */
    bool is_behind;
    size_t waiting;    /* bytes that its caller had not taken when we last looked */
    int64_t moving_ms; /* mono: since then it has taken nothing of what waits */
};

struct dashboard_streams {
    struct dashboard *dashboard;
    TAILQ_HEAD(stream_list, stream) list;
    size_t count;
    struct event *tick;
    unsigned ticks;
    struct event *flush; /* runs while changes are kept, or a stream is behind */
    struct dashboard_changes *changes;
    struct redis_client *listener; /* NULL when nobody watches */
    bool asks;                     /* for the overview */
    bool is_told_up;               /* what was last told of Redis */
    bool is_stopped;
};

/* ---- One stream ---- */

/* Bytes that wait for its caller; false when that has gone. */
static bool look(struct stream *stream, size_t *waiting)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(stream->http);
    if (connection == NULL) {
        return false;
    }
    struct bufferevent *bytes = evhttp_connection_get_bufferevent(connection);
    *waiting = evbuffer_get_length(bufferevent_get_output(bytes));
    return true;
}

static void forget(struct dashboard_streams *streams, struct stream *stream)
{
    TAILQ_REMOVE(&streams->list, stream, place);
    mem_free(stream);
    streams->count--;
    metrics_set(METRIC_DASHBOARD_STREAMS, NULL, (int64_t)streams->count);
}

/* To its end; what waits is still sent. */
static void end(struct dashboard_streams *streams, struct stream *stream)
{
    struct evhttp_request *http = stream->http;
    forget(streams, stream);
    connections_end_stream(streams->dashboard->connections, http);
}

static void cut(struct dashboard_streams *streams, struct stream *stream)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(stream->http);
    log_info("dashboard_stream_cut", log_int("waiting_bytes", (int64_t)stream->waiting));
    forget(streams, stream);
    evhttp_connection_free(connection); /* and its request */
}

/* Sees whether its caller takes anything. False: the stream is gone. */
static bool check(struct dashboard_streams *streams, struct stream *stream)
{
    size_t waiting = 0;
    int64_t now_ms = now_mono_ms();
    if (!look(stream, &waiting)) {
        end(streams, stream);
        return false;
    }
    if (waiting == 0 || waiting < stream->waiting) {
        stream->moving_ms = now_ms;
    }
    stream->waiting = waiting;
    if (waiting > STREAM_BUFFER_MAX_BYTES || now_ms - stream->moving_ms > STALLED_MS) {
        cut(streams, stream);
        return false;
    }
    return true;
}

/* After check. */
static void put(struct stream *stream, const struct strbuf *text)
{
    struct evbuffer *part = evbuffer_new();
    if (part == NULL || evbuffer_add(part, text->bytes, text->size) != 0) {
        log_error("no_memory", log_nothing());
        abort();
    }
    evhttp_send_reply_chunk(stream->http, part);
    evbuffer_free(part);
    (void)look(stream, &stream->waiting);
}

/* ---- All streams ---- */

/* An event; data is one line. */
static void print_event(struct strbuf *text, const char *event, const char *data, size_t size)
{
    strbuf_init(text, TEXT_MAX_BYTES);
    (void)strbuf_addf(text, "event: %s\ndata: ", event);
    (void)strbuf_add(text, data, size);
    (void)strbuf_add_text(text, "\n\n");
}

/* Also to those that have been told nothing so far. */
static void tell_all(struct dashboard_streams *streams, const struct strbuf *text)
{
    struct stream *next = NULL;
    for (struct stream *stream = TAILQ_FIRST(&streams->list); stream != NULL; stream = next) {
        next = TAILQ_NEXT(stream, place);
        if (check(streams, stream)) {
            put(stream, text);
        }
    }
}

static void watch(struct dashboard_streams *streams)
{
    if (!event_pending(streams->flush, EV_TIMEOUT, NULL)) {
        loop_timer_start(streams->flush, CHANGES_GAP_MS);
    }
}

static void on_change(void *arg, const char *line, size_t size)
{
    struct dashboard_streams *streams = arg;
    struct strbuf text;
    struct stream *next = NULL;
    print_event(&text, "change", line, size);
    for (struct stream *stream = TAILQ_FIRST(&streams->list); stream != NULL; stream = next) {
        next = TAILQ_NEXT(stream, place);
        if (stream->is_behind || !check(streams, stream)) {
            continue;
        }
        stream->is_behind = !stream->has_begun || stream->waiting + text.size > BEHIND_BYTES;
        if (!stream->is_behind) {
            put(stream, &text);
        }
    }
    strbuf_clear(&text);
}

/* News may be missing: all are to read everything anew. */
static void resync_all(struct dashboard_streams *streams)
{
    struct stream *stream = NULL;
    TAILQ_FOREACH(stream, &streams->list, place)
    {
        stream->is_behind = true;
    }
    watch(streams);
}

/* Gives whether some are still behind. */
static bool catch_up(struct dashboard_streams *streams)
{
    struct strbuf text;
    struct stream *next = NULL;
    bool is_any_behind = false;
    print_event(&text, "resync", "{}", 2);
    for (struct stream *stream = TAILQ_FIRST(&streams->list); stream != NULL; stream = next) {
        next = TAILQ_NEXT(stream, place);
        if (!stream->is_behind || !check(streams, stream)) {
            continue;
        }
        stream->is_behind = !stream->has_begun || stream->waiting > CAUGHT_UP_BYTES;
        is_any_behind = is_any_behind || stream->is_behind;
        if (!stream->is_behind) {
            put(stream, &text);
        }
    }
    strbuf_clear(&text);
    return is_any_behind;
}

static void on_flush(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct dashboard_streams *streams = arg;
    bool has_more = dashboard_changes_flush(streams->changes, now_mono_ms());
    if (catch_up(streams) || has_more) {
        loop_timer_start(streams->flush, CHANGES_GAP_MS);
    }
}

/* ---- The job machine's channel ---- */

static void on_message(void *arg, const char *message, size_t size)
{
    struct dashboard_streams *streams = arg;
    if (!dashboard_changes_take(streams->changes, message, size, now_mono_ms())) {
        resync_all(streams);
    }
    watch(streams);
}

static void on_listening(void *arg, bool is_up, const struct error *why_down)
{
    (void)why_down;
    if (is_up) {
        resync_all(arg);
    }
}

static void start_listening(struct dashboard_streams *streams)
{
    const struct dashboard_options *options = &streams->dashboard->options;
    const struct redis_options redis = {
        .address = options->redis_address,
        .name = "omnihook-dashboard",
        .timeout_ms = options->config->redis_timeout_ms,
        .on_state = on_listening,
        .arg = streams,
    };
    streams->listener = redis_client_new(streams->dashboard->loop, &redis);
    redis_client_subscribe(streams->listener, job_queue_events_channel(options->services->queue),
                           on_message, streams);
}

static void stop_listening(struct dashboard_streams *streams)
{
    loop_timer_stop(streams->tick);
    loop_timer_stop(streams->flush);
    redis_client_free(streams->listener);
    streams->listener = NULL;
    dashboard_changes_clear(streams->changes);
}

/* ---- Once a second ---- */

static void print_redis(const struct dashboard *dashboard, struct strbuf *text)
{
    json_t *document = dashboard->is_redis_up
                           ? json_pack("{s:b}", "up", 1)
                           : json_pack("{s:b, s:s}", "up", 0, "reason", dashboard->why_down.text);
    document = document == NULL ? json_pack("{s:b}", "up", 0) : document;
    char *data = json_dumps(document, JSON_ENSURE_ASCII | JSON_COMPACT);
    print_event(text, "redis", data, strlen(data));
    free(data);
    json_decref(document);
}

static void tell_redis_state(struct dashboard_streams *streams)
{
    struct strbuf text;
    if (streams->is_told_up != streams->dashboard->is_redis_up) {
        streams->is_told_up = streams->dashboard->is_redis_up;
        print_redis(streams->dashboard, &text);
        tell_all(streams, &text);
        strbuf_clear(&text);
    }
}

static void on_overview(void *arg, const char *document, size_t size, const struct error *why_not)
{
    struct dashboard_streams *streams = arg;
    streams->asks = false;
    if (why_not != NULL || streams->is_stopped) {
        return; /* whether Redis is away is told by who asks it first */
    }
    struct strbuf data;
    struct strbuf text;
    strbuf_init(&data, TEXT_MAX_BYTES);
    dashboard_print_overview(streams->dashboard, document, size, &data);
    print_event(&text, "overview", data.bytes, data.size);
    if (!data.is_full && !text.is_full) {
        struct stream *stream = NULL;
        TAILQ_FOREACH(stream, &streams->list, place)
        {
            stream->has_begun = true;
        }
        tell_all(streams, &text);
    }
    strbuf_clear(&text);
    strbuf_clear(&data);
}

/* At most one question at a time. */
static void ask(struct dashboard_streams *streams)
{
    if (!streams->asks) {
        streams->asks = true;
        job_queue_get_overview(streams->dashboard->options.services->queue, on_overview, streams);
    }
}

static void say_hello(struct dashboard_streams *streams)
{
    struct strbuf text;
    strbuf_init(&text, TEXT_MAX_BYTES);
    (void)strbuf_add_text(&text, ": hello\n\n");
    tell_all(streams, &text);
    strbuf_clear(&text);
}

static void on_tick(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct dashboard_streams *streams = arg;
    streams->ticks++;
    if (streams->ticks % HELLO_TICKS == 0) {
        say_hello(streams); /* also finds out who has gone */
    }
    if (streams->count == 0) {
        stop_listening(streams);
        return;
    }
    loop_timer_start(streams->tick, TICK_MS);
    ask(streams);
}

/* ---- From outside ---- */

struct dashboard_streams *dashboard_streams_new(struct dashboard *dashboard)
{
    struct dashboard_streams *streams = mem_new(1, sizeof *streams);
    streams->dashboard = dashboard;
    TAILQ_INIT(&streams->list);
    streams->tick = loop_timer_new(dashboard->loop, on_tick, streams);
    streams->flush = loop_timer_new(dashboard->loop, on_flush, streams);
    streams->changes = dashboard_changes_new(on_change, streams);
    return streams;
}

/* So that what its caller does not take is seen by us, and bounded. */
static void limit_kernel_buffer(const struct evhttp_request *http)
{
    struct evhttp_connection *connection =
        evhttp_request_get_connection((struct evhttp_request *)(uintptr_t)http);
    int bytes = SEND_BUFFER_BYTES;
    if (connection != NULL) {
        evutil_socket_t descriptor =
            bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
        (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    }
}

void dashboard_streams_add(struct dashboard_streams *streams, struct dashboard_request *request)
{
    if (streams->count == STREAMS_MAX) {
        dashboard_reply_try_later(request, HTTP_SERVUNAVAIL, 1, "Too many event streams are open.");
        return;
    }
    /* A proxy may not hold back what comes little by little (nginx). */
    dashboard_add_header(request, "X-Accel-Buffering", "no");
    struct stream *stream = mem_new(1, sizeof *stream);
    stream->http = dashboard_reply_start(request, "text/event-stream");
    stream->moving_ms = now_mono_ms();
    limit_kernel_buffer(stream->http);
    TAILQ_INSERT_TAIL(&streams->list, stream, place);
    streams->count++;
    metrics_set(METRIC_DASHBOARD_STREAMS, NULL, (int64_t)streams->count);
    if (streams->listener == NULL) {
        streams->is_told_up = streams->dashboard->is_redis_up;
        start_listening(streams);
        loop_timer_start(streams->tick, TICK_MS);
    }
    struct strbuf text;
    if (streams->dashboard->is_redis_up) {
        ask(streams);
        strbuf_init(&text, TEXT_MAX_BYTES);
        (void)strbuf_add_text(&text, ": hello\n\n");
    } else {
        print_redis(streams->dashboard, &text);
        stream->has_begun = true;
    }
    put(stream, &text);
    strbuf_clear(&text);
}

void dashboard_events(struct dashboard *dashboard, struct dashboard_request *request)
{
    if (dashboard_request_is_head(request)) {
        dashboard_reply(request, HTTP_OK, "text/event-stream", "", 0);
    } else {
        dashboard_streams_add(dashboard->streams, request);
    }
}

void dashboard_streams_on_redis_state(struct dashboard_streams *streams)
{
    tell_redis_state(streams);
    if (streams->count > 0 && streams->dashboard->is_redis_up) {
        ask(streams);
    }
}

void dashboard_streams_stop(struct dashboard_streams *streams)
{
    streams->is_stopped = true;
    while (streams->count > 0) {
        struct stream *stream = TAILQ_FIRST(&streams->list);
        if (look(stream, &stream->waiting) && stream->waiting > 0) {
            cut(streams, stream); /* it does not read, and nobody waits for it */
        } else {
            end(streams, stream);
        }
    }
    stop_listening(streams);
}

void dashboard_streams_free(struct dashboard_streams *streams)
{
    dashboard_streams_stop(streams);
    dashboard_changes_free(streams->changes);
    event_free(streams->tick);
    event_free(streams->flush);
    mem_free(streams);
}
