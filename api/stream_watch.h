/* The system is asked once to watch a connection's socket, and not anew for each request: evhttp by
   itself has it do so four times (it stops reading before it hands a request over, and waits until
   the socket can be written to before it writes). */
#ifndef OMNIHOOK_API_STREAM_WATCH_H
#define OMNIHOOK_API_STREAM_WATCH_H

#include "common/loop.h"

#include <event2/bufferevent.h>
#include <stdbool.h>
#include <sys/queue.h>

TAILQ_HEAD(stream_watch_list, stream_watch);

/* Those of one loop. Embedded: pair stream_watches_init with stream_watches_clear. */
struct stream_watches {
    struct stream_watch_list written; /* to without asking, and not looked after since */
    struct event *look_after;         /* fires when there are some */
};

void stream_watches_init(struct stream_watches *watches, struct loop *loop);
/* Every stream_watch has been cleared before. */
void stream_watches_clear(struct stream_watches *watches);

/* One connection's. Embedded, all 0 until stream_watch_init; pair that with stream_watch_clear. */
struct stream_watch {
    TAILQ_ENTRY(stream_watch) place;
    struct stream_watches *all;
    struct bufferevent *stream; /* borrowed */
    struct event *reading;
    bool is_written; /* in the list */
};

void stream_watch_init(struct stream_watch *watch, struct stream_watches *all,
                       struct bufferevent *stream);
/* Legal before stream_watch_init. */
void stream_watch_clear(struct stream_watch *watch);

/* While the bufferevent does not read, for less than a turn of the loop: the socket stays watched,
   so that nothing changes for the system. */
void stream_watch_hold(struct stream_watch *watch);
void stream_watch_release(struct stream_watch *watch);

/* What is put into the output in this turn of the loop is written behind all else that the turn has
   to do, as if the socket had been found ready. What it does not take (a caller reads slowly, or it
   is more than one write) goes on as always: when the socket is found ready. */
void stream_watch_write(struct stream_watch *watch);

#endif
