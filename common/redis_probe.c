#include "common/redis_probe.h"

#include "common/mem.h"
#include "common/redis_link.h"

#include <stdio.h>
#include <string.h>

enum { EVERY_MS = 2000 };

struct redis_probe {
    void (*on_elsewhere)(void *arg);
    void *arg;
    struct event *timer; /* the next one */
    struct redis_link *link;
    char server[REDIS_SERVER_SIZE];
};

static void on_timer(evutil_socket_t none, short events, void *arg)
{
    (void)none;
    (void)events;
    struct redis_probe *probe = arg;
    redis_link_open(probe->link);
}

static void on_up(void *arg)
{
    struct redis_probe *probe = arg;
    bool is_elsewhere = strcmp(redis_link_server(probe->link), probe->server) != 0;
    redis_link_close(probe->link);
    loop_timer_start(probe->timer, EVERY_MS);
    if (is_elsewhere) {
        probe->on_elsewhere(probe->arg);
    }
}

/* Where it would come to is not known: what stands is as good as anything. */
static void on_down(void *arg, const struct error *why)
{
    (void)why;
    struct redis_probe *probe = arg;
    loop_timer_start(probe->timer, EVERY_MS);
}

static void on_reply(void *arg, void *tag, const struct redis_reply *reply)
{
    (void)arg;
    (void)tag;
    (void)reply;
}

static void on_push(void *arg, const struct redis_reply *reply)
{
    (void)arg;
    (void)reply;
}

struct redis_probe *redis_probe_new(struct loop *loop, const struct redis_options *options,
                                    void (*on_elsewhere)(void *arg), void *arg)
{
    struct redis_probe *probe = mem_new(1, sizeof *probe);
    const struct redis_link_handlers handlers = {
        .on_up = on_up, .on_down = on_down, .on_reply = on_reply, .on_push = on_push, .arg = probe};
    probe->on_elsewhere = on_elsewhere;
    probe->arg = arg;
    probe->timer = loop_timer_new(loop, on_timer, probe);
    probe->link = redis_link_new(loop,
                                 &(struct redis_options){.address = options->address,
                                                         .name = "omnihook-probe",
                                                         .timeout_ms = options->timeout_ms},
                                 &handlers);
    return probe;
}

void redis_probe_free(struct redis_probe *probe)
{
    if (probe == NULL) {
        return;
    }
    redis_link_free(probe->link);
    event_free(probe->timer);
    mem_free(probe);
}

void redis_probe_start(struct redis_probe *probe, const char *server)
{
    redis_probe_stop(probe);
    (void)snprintf(probe->server, sizeof probe->server, "%s", server);
    loop_timer_start(probe->timer, EVERY_MS);
}

void redis_probe_stop(struct redis_probe *probe)
{
    loop_timer_stop(probe->timer);
    redis_link_close(probe->link);
}
