#include "api/stream_watch.h"

#include "common/log.h"

#include <event2/buffer.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>
#include <stdlib.h>

/* ---- Reading ---- */

static void on_readable(evutil_socket_t socket, short events, void *arg)
{
    (void)socket;
    (void)events;
    (void)arg; /* what there is to read, the bufferevent reads */
}

void stream_watch_init(struct stream_watch *watch, struct stream_watches *all,
                       struct bufferevent *stream)
{
    *watch = (struct stream_watch){.all = all, .stream = stream};
    /* Ends by itself when there is something to read: nobody would wait otherwise. */
    watch->reading = event_new(bufferevent_get_base(stream), bufferevent_getfd(stream), EV_READ,
                               on_readable, NULL);
    if (watch->reading == NULL) {
        log_error("no_socket_event", log_nothing());
        abort();
    }
}

void stream_watch_clear(struct stream_watch *watch)
{
    if (watch->reading == NULL) {
        return;
    }
    if (watch->is_written) {
        TAILQ_REMOVE(&watch->all->written, watch, place);
    }
    event_free(watch->reading);
    *watch = (struct stream_watch){.reading = NULL};
}

void stream_watch_hold(struct stream_watch *watch)
{
    (void)event_add(watch->reading, NULL);
}

void stream_watch_release(struct stream_watch *watch)
{
    (void)event_del(watch->reading);
}

/* ---- Writing ---- */

/* The system has been asked to watch for it: what waits goes on by itself. */
static bool is_watched(const struct stream_watch *watch)
{
    return (watch->stream->ev_write.ev_evcallback.evcb_flags & EVLIST_INSERTED) != 0;
}

/* Its turn to write, of this turn of the loop, is still to come. */
static bool is_still_to_write(const struct stream_watch *watch)
{
    return (watch->stream->ev_write.ev_evcallback.evcb_flags & EVLIST_ACTIVE) != 0;
}

static void look_after(struct stream_watch *watch)
{
    TAILQ_REMOVE(&watch->all->written, watch, place);
    watch->is_written = false;
    if (!is_watched(watch) && evbuffer_get_length(bufferevent_get_output(watch->stream)) > 0) {
        /* Also asks the system to watch: the bufferevent believes that it does already. */
        (void)bufferevent_enable(watch->stream, EV_WRITE);
    }
}

static void on_look_after(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct stream_watches *watches = arg;
    struct stream_watch *next = NULL;
    for (struct stream_watch *at = TAILQ_FIRST(&watches->written); at != NULL; at = next) {
        next = TAILQ_NEXT(at, place);
        if (is_watched(at) || !is_still_to_write(at)) {
            look_after(at);
        }
    }
    if (!TAILQ_EMPTY(&watches->written)) { /* their turn to write comes behind this */
        event_active(watches->look_after, EV_TIMEOUT, 0);
    }
}

void stream_watch_write(struct stream_watch *watch)
{
    struct stream_watches *all = watch->all;
    if (is_watched(watch)) {
        return;
    }
    event_active(&watch->stream->ev_write, EV_WRITE, 0);
    if (!watch->is_written) {
        watch->is_written = true;
        TAILQ_INSERT_TAIL(&all->written, watch, place);
    }
    event_active(all->look_after, EV_TIMEOUT, 0);
}

void stream_watches_init(struct stream_watches *watches, struct loop *loop)
{
    TAILQ_INIT(&watches->written);
    watches->look_after = loop_timer_new(loop, on_look_after, watches);
}

void stream_watches_clear(struct stream_watches *watches)
{
    event_free(watches->look_after);
}
