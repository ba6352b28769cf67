#include "api/lingering.h"

#include "common/mem.h"
#include "common/now.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINGERING_MS = 5000,
    LINGERING_BYTES_MAX = 4 * 1024 * 1024,
    PART_BYTES = 16 * 1024,
};

struct lingering_one {
    TAILQ_ENTRY(lingering_one) place;
    struct lingering *all;
    struct event *readable;
    int descriptor; /* owned */
    size_t bytes;
    int64_t end_ms; /* mono */
};

struct lingering {
    struct loop *loop;
    struct event *timer;                            /* runs while there is one */
    TAILQ_HEAD(lingering_list, lingering_one) list; /* the oldest is the first to end */
    size_t count;
};

static void end(struct lingering_one *one)
{
    TAILQ_REMOVE(&one->all->list, one, place);
    one->all->count--;
    event_free(one->readable);
    (void)close(one->descriptor);
    mem_free(one);
}

static void on_readable(evutil_socket_t descriptor, short events, void *arg)
{
    (void)events;
    struct lingering_one *one = arg;
    char part[PART_BYTES];
    ssize_t got = recv(descriptor, part, sizeof part, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    one->bytes += got > 0 ? (size_t)got : 0;
    if (got <= 0 || one->bytes > LINGERING_BYTES_MAX) {
        end(one);
    }
}

static void on_timer(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct lingering *lingering = arg;
    int64_t now_ms = now_mono_ms();
    while (!TAILQ_EMPTY(&lingering->list) && TAILQ_FIRST(&lingering->list)->end_ms <= now_ms) {
        end(TAILQ_FIRST(&lingering->list));
    }
    if (!TAILQ_EMPTY(&lingering->list)) {
        loop_timer_start(lingering->timer, TAILQ_FIRST(&lingering->list)->end_ms - now_ms);
    }
}

struct lingering *lingering_new(struct loop *loop)
{
    struct lingering *lingering = mem_new(1, sizeof *lingering);
    lingering->loop = loop;
    lingering->timer = loop_timer_new(loop, on_timer, lingering);
    TAILQ_INIT(&lingering->list);
    return lingering;
}

void lingering_free(struct lingering *lingering)
{
    while (!TAILQ_EMPTY(&lingering->list)) {
        end(TAILQ_FIRST(&lingering->list));
    }
    event_free(lingering->timer);
    mem_free(lingering);
}

void lingering_add(struct lingering *lingering, int descriptor)
{
    int share = dup(descriptor);
    if (share < 0) {
        return; /* out of descriptors: it is closed as it is */
    }
    if (lingering->count == LINGERING_MAX) {
        end(TAILQ_FIRST(&lingering->list));
    }
    struct lingering_one *one = mem_new(1, sizeof *one);
    one->all = lingering;
    one->descriptor = share;
    one->end_ms = now_mono_ms() + LINGERING_MS;
    one->readable =
        event_new(loop_base(lingering->loop), share, EV_READ | EV_PERSIST, on_readable, one);
    if (one->readable == NULL || event_add(one->readable, NULL) != 0) {
        abort();
    }
    if (TAILQ_EMPTY(&lingering->list)) {
        loop_timer_start(lingering->timer, LINGERING_MS);
    }
    TAILQ_INSERT_TAIL(&lingering->list, one, place);
    lingering->count++;
}
