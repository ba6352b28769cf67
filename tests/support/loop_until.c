#include "tests/support/loop_until.h"

#include "common/now.h"

#include <event2/event.h>

enum { TICK_US = 3000 };

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
}

bool loop_until(struct loop *loop, bool (*is_true)(void *), void *arg, int64_t limit_ms)
{
    struct event *tick = event_new(loop_base(loop), -1, EV_PERSIST, on_tick, NULL);
    const struct timeval pause = {.tv_usec = TICK_US};
    (void)event_add(tick, &pause);
    int64_t end_ms = now_mono_ms() + limit_ms;
    bool is_reached = is_true(arg);
    while (!is_reached && now_mono_ms() < end_ms) {
        (void)event_base_loop(loop_base(loop), EVLOOP_ONCE);
        is_reached = is_true(arg);
    }
    event_free(tick);
    return is_reached;
}

void loop_turn(struct loop *loop)
{
    (void)event_base_loop(loop_base(loop), EVLOOP_ONCE | EVLOOP_NONBLOCK);
}
