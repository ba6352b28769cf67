#include "common/accepting.h"

#include "common/log.h"
#include "common/mem.h"

#include <errno.h>
#include <event2/listener.h>
#include <string.h>
#include <sys/queue.h>

struct accepting {
    struct evconnlistener *listener;
    struct event *rest; /* pending while it rests */
    bool is_paused;
    LIST_ENTRY(accepting) place;
};

/* A listener's error callback gets the argument of its other one, which is evhttp's. */
static LIST_HEAD(, accepting) all = LIST_HEAD_INITIALIZER(all);

static void update(struct accepting *accepting)
{
    if (accepting->is_paused || event_pending(accepting->rest, EV_TIMEOUT, NULL)) {
        (void)evconnlistener_disable(accepting->listener);
    } else {
        (void)evconnlistener_enable(accepting->listener);
    }
}

static void on_rested(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    update(arg);
}

static void on_error(struct evconnlistener *listener, void *arg)
{
    (void)arg;
    const char *reason = strerror(errno);
    struct accepting *accepting = NULL;
    LIST_FOREACH(accepting, &all, place)
    {
        if (accepting->listener == listener) {
            log_warn("accept_failed", log_text("reason", reason));
            loop_timer_start(accepting->rest, ACCEPTING_REST_MS);
            update(accepting);
            return;
        }
    }
}

struct accepting *accepting_new(struct loop *loop, struct evconnlistener *listener)
{
    struct accepting *accepting = mem_new(1, sizeof *accepting);
    accepting->listener = listener;
    accepting->rest = loop_timer_new(loop, on_rested, accepting);
    LIST_INSERT_HEAD(&all, accepting, place);
    evconnlistener_set_error_cb(listener, on_error);
    return accepting;
}

void accepting_free(struct accepting *accepting)
{
    if (accepting == NULL) {
        return;
    }
    evconnlistener_set_error_cb(accepting->listener, NULL);
    LIST_REMOVE(accepting, place);
    event_free(accepting->rest);
    mem_free(accepting);
}

bool accepting_pause(struct accepting *accepting)
{
    bool was_paused = accepting->is_paused;
    accepting->is_paused = true;
    update(accepting);
    return !was_paused;
}

void accepting_resume(struct accepting *accepting)
{
    if (accepting->is_paused) {
        accepting->is_paused = false;
        update(accepting);
    }
}

void accepting_try_now(struct accepting *accepting)
{
    loop_timer_stop(accepting->rest);
    update(accepting);
}
