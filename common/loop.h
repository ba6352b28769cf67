/* The event loop of one process: its base, its resolver, signals, and the two-step stop.
   Everything runs on this one thread. */
#ifndef OMNIHOOK_COMMON_LOOP_H
#define OMNIHOOK_COMMON_LOOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct evdns_base;

struct loop_handlers {
    void (*on_drain)(void *arg);  /* first SIGTERM or SIGINT: take nothing new, finish, loop_quit */
    void (*on_reload)(void *arg); /* SIGHUP */
    void *arg;
};

/* Ready events run in this order. A lease that has run out is seen before any reply that waits. */
enum loop_priority { LOOP_URGENT, LOOP_NORMAL, LOOP_PRIORITIES };

/* Never NULL: a system without epoll or file descriptors ends the process. SIGPIPE is ignored. */
struct loop *loop_new(void);
/* The same, but changes to what is watched are kept until the next wait: for many transfers at
   once, since curl takes back most of them within one turn. No descriptor that is watched may have
   been dup()ed: the system would go on watching its file after it was closed. */
struct loop *loop_new_for_transfers(void);
void loop_free(struct loop *loop);

/* Starts to act on SIGTERM, SIGINT and SIGHUP, which may have been blocked till now: those that
   came meanwhile are acted on when the loop runs. The second SIGTERM or SIGINT quits at once. */
void loop_handle_signals(struct loop *loop, const struct loop_handlers *handlers);

/* Log lines are written at the end of each turn. Returns after loop_quit. True when the stop was
 * graceful, false when a second signal forced it.
 */
bool loop_run(struct loop *loop);
void loop_quit(struct loop *loop);

struct event_base *loop_base(struct loop *loop);

/* Resolves host names without blocking. NULL when the system has no resolver configuration: then
   only numeric addresses work. */
struct evdns_base *loop_dns(struct loop *loop);

/* A timer (event_free ends it) that is not running yet, and its start. Starting a running timer
   moves it. 0 ms = the next turn of the loop. */
struct event *loop_timer_new(struct loop *loop, event_callback_fn on_timer, void *arg);
void loop_timer_start(struct event *timer, int64_t delay_ms);
void loop_timer_stop(struct event *timer);

#endif
