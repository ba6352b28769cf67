#include "common/loop.h"

#include "common/log.h"
#include "common/mem.h"

#include <event2/dns.h>
#include <signal.h>
#include <stdlib.h>

enum { SIGNALS = 3 };

struct loop {
    struct event_base *base;
    struct evdns_base *dns; /* made when first asked for */
    struct loop_handlers handlers;
    struct event *signals[SIGNALS];
    bool is_draining;
    bool is_forced;
};

static struct event_base *new_base(int flags)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config != NULL && event_config_set_flag(config, flags) == 0) {
        base = event_base_new_with_config(config);
    }
    if (config != NULL) {
        event_config_free(config);
    }
    return base;
}

/* libevent with functions of one's own uses malloc and memset where it would use calloc, which in
   glibc before 2.41 does not look into a thread's cache of freed blocks; and evhttp makes nine such
   blocks a request. */
static void set_allocator(void)
{
    static bool is_set;
    if (!is_set) {
        event_set_mem_functions(malloc, realloc, free);
        is_set = true;
    }
}

static void on_libevent_log(int severity, const char *message)
{
    if (severity == EVENT_LOG_ERR) {
        log_error("libevent", log_text("reason", message));
    } else if (severity == EVENT_LOG_WARN) {
        log_warn("libevent", log_text("reason", message));
    }
}

static struct loop *new_with(int flags)
{
    set_allocator();
    event_set_log_callback(on_libevent_log);
    struct loop *loop = mem_new(1, sizeof *loop);
    loop->base = new_base(flags);
    if (loop->base == NULL || event_base_priority_init(loop->base, LOOP_PRIORITIES) != 0) {
        log_error("no_event_loop", log_nothing());
        abort();
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return loop;
}

struct loop *loop_new(void)
{
    return new_with(0);
}

struct loop *loop_new_for_transfers(void)
{
    return new_with(EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    for (int i = 0; i < SIGNALS; i++) {
        if (loop->signals[i] != NULL) {
            event_free(loop->signals[i]);
        }
    }
    if (loop->dns != NULL) {
        evdns_base_free(loop->dns, 0);
    }
    event_base_free(loop->base);
    mem_free(loop);
}

static void on_stop_signal(evutil_socket_t number, short events, void *arg)
{
    (void)events;
    struct loop *loop = arg;
    if (loop->is_draining) {
        log_warn("stopping_now", log_int("signal", number));
        loop->is_forced = true;
        loop_quit(loop);
        return;
    }
    loop->is_draining = true;
    log_info("stopping", log_int("signal", number));
    loop->handlers.on_drain(loop->handlers.arg);
}

static void on_reload_signal(evutil_socket_t number, short events, void *arg)
{
    (void)number;
    (void)events;
    struct loop *loop = arg;
    loop->handlers.on_reload(loop->handlers.arg);
}

void loop_handle_signals(struct loop *loop, const struct loop_handlers *handlers)
{
    loop->handlers = *handlers;
    loop->signals[0] = evsignal_new(loop->base, SIGTERM, on_stop_signal, loop);
    loop->signals[1] = evsignal_new(loop->base, SIGINT, on_stop_signal, loop);
    loop->signals[2] = evsignal_new(loop->base, SIGHUP, on_reload_signal, loop);
    for (int i = 0; i < SIGNALS; i++) {
        if (loop->signals[i] == NULL || event_add(loop->signals[i], NULL) != 0) {
            log_error("no_signal_handler", log_nothing());
            abort();
        }
    }
    sigset_t handled;
    (void)sigemptyset(&handled);
    (void)sigaddset(&handled, SIGTERM);
    (void)sigaddset(&handled, SIGINT);
    (void)sigaddset(&handled, SIGHUP);
    (void)sigprocmask(SIG_UNBLOCK, &handled, NULL);
}

bool loop_run(struct loop *loop)
{
    log_hold();
    do {
        (void)event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
        log_flush();
    } while (event_base_got_break(loop->base) == 0);
    log_release();
    return !loop->is_forced;
}

void loop_quit(struct loop *loop)
{
    (void)event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

struct evdns_base *loop_dns(struct loop *loop)
{
    if (loop->dns != NULL) {
        return loop->dns;
    }
    loop->dns = evdns_base_new(loop->base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                               EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (loop->dns != NULL) {
        /* A lost packet costs 1 s (by default 5), a name server that never answers questions for
           IPv6 a fifth of one (3): callers wait 2 s for all of a connection. */
        (void)evdns_base_set_option(loop->dns, "timeout:", "1");
        (void)evdns_base_set_option(loop->dns, "getaddrinfo-allow-skew:", "0.2");
    }
    return loop->dns;
}

struct event *loop_timer_new(struct loop *loop, event_callback_fn on_timer, void *arg)
{
    struct event *timer = evtimer_new(loop->base, on_timer, arg);
    if (timer == NULL) {
        log_error("no_timer", log_nothing());
        abort();
    }
    return timer;
}

void loop_timer_start(struct event *timer, int64_t delay_ms)
{
    struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
                            .tv_usec = (suseconds_t)(delay_ms % 1000) * 1000};
    (void)evtimer_add(timer, &delay);
}

void loop_timer_stop(struct event *timer)
{
    (void)evtimer_del(timer);
}
