#include "common/redis_events.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/redis_tls.h"

#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>

struct redis_events {
    redisAsyncContext *context;
    struct event *read;
    struct event *write;
    size_t unparsed;    /* bytes in hiredis's buffer before the read that is going on */
    size_t reply_bytes; /* read since the last whole reply */
    bool is_reading;
    bool is_writing;
    bool is_tls;
};

static size_t unparsed_bytes(const redisAsyncContext *context)
{
    return context->c.reader->len - context->c.reader->pos;
}

/* hiredis looks at the reader's error before it parses on, and then closes the connection. */
static void refuse_input(redisAsyncContext *context, const char *reason)
{
    redisReader *reader = context->c.reader;
    reader->err = REDIS_ERR_PROTOCOL;
    (void)snprintf(reader->errstr, sizeof reader->errstr, "%s", reason);
}

/* An error nobody asked for is hiredis's to report; anything else would fail an assertion there. */
static void refuse_uncalled(redisAsyncContext *context)
{
    const redisReader *reader = context->c.reader;
    if (context->replies.head == NULL && (context->c.flags & REDIS_SUBSCRIBED) == 0 &&
        unparsed_bytes(context) > 0 && reader->buf[reader->pos] != '-') {
        refuse_input(context, "a reply that nobody asked for");
    }
}

static void prepare_tls(const struct redis_events *events)
{
    if (events->is_tls) {
        redis_tls_prepare();
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct redis_events *events = arg;
    events->unparsed = unparsed_bytes(events->context);
    events->is_reading = true;
    prepare_tls(events);
    redisAsyncHandleRead(events->context); /* may free events */
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct redis_events *events = arg;
    events->is_writing = true;
    prepare_tls(events);
    redisAsyncHandleWrite(events->context); /* may free events */
}

/* Called by hiredis after each read, before it parses what came; and after each write. */
static void add_read(void *arg)
{
    struct redis_events *events = arg;
    if (!event_pending(events->read, EV_READ, NULL)) {
        (void)event_add(events->read, NULL);
    }
    if (!events->is_reading) {
        return;
    }
    events->is_reading = false;
    events->reply_bytes += unparsed_bytes(events->context) - events->unparsed;
    if (events->reply_bytes > REDIS_REPLY_MAX_BYTES) {
        refuse_input(events->context, "a reply larger than 64 MiB");
    }
    refuse_uncalled(events->context);
}

static void remove_read(void *arg)
{
    struct redis_events *events = arg;
    (void)event_del(events->read);
}

/* Called by hiredis with each command, and after a write that could not take all. Commands need not
   ask first whether the socket takes them: the write is put behind all else that this turn of the
   loop has to do, and so goes out with what that sends. */
static void add_write(void *arg)
{
    struct redis_events *events = arg;
    bool is_connected = (events->context->c.flags & REDIS_CONNECTED) != 0;
    if (!is_connected || events->is_writing) {
        (void)event_add(events->write, NULL);
    } else if (!event_pending(events->write, EV_WRITE, NULL)) {
        event_active(events->write, EV_WRITE, 0);
    }
    events->is_writing = false;
}

static void remove_write(void *arg)
{
    struct redis_events *events = arg;
    (void)event_del(events->write);
    events->is_writing = false;
}

/* hiredis 1.x may call it twice. */
static void cleanup(void *arg)
{
    struct redis_events *events = arg;
    events->context->ev.data = NULL;
    events->context->ev.cleanup = NULL;
    event_free(events->read);
    event_free(events->write);
    mem_free(events);
}

void redis_events_attach(struct redisAsyncContext *context, struct loop *loop, bool is_tls)
{
    struct redis_events *events = mem_new(1, sizeof *events);
    struct event_base *base = loop_base(loop);
    events->context = context;
    events->is_tls = is_tls;
    events->read = event_new(base, context->c.fd, EV_READ | EV_PERSIST, on_readable, events);
    events->write = event_new(base, context->c.fd, EV_WRITE, on_writable, events);
    if (events->read == NULL || events->write == NULL) {
        log_error("no_socket_event", log_nothing());
        abort();
    }
    context->ev.data = events;
    context->ev.addRead = add_read;
    context->ev.delRead = remove_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = remove_write;
    context->ev.cleanup = cleanup;
    add_read(events);
    add_write(events);
}

void redis_events_reply_done(struct redisAsyncContext *context)
{
    struct redis_events *events = context->ev.data;
    events->reply_bytes = 0;
    refuse_uncalled(context);
}
