#include "tests/omnitron_sim/misdelivery.h"

#include "common/mem.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

struct misdelivery {
    struct bufferevent *connection; /* borrowed from evhttp's connection */
    struct event *drip;             /* NULL unless dripping */
    struct strbuf wire;
    size_t sent;
    misdelivery_done_fn on_done;
    void *context;
};

static void build_wire(struct strbuf *wire, const struct answer *answer, size_t body_size)
{
    strbuf_init(wire, SIZE_MAX / 2);
    strbuf_addf(wire, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\nConnection: close\r\n",
                answer->status, answer->status < 400 ? "OK" : "Error", answer->body.size);
    if (answer->content_type != NULL && json_object_get(answer->headers, "Content-Type") == NULL) {
        strbuf_addf(wire, "Content-Type: %s\r\n", answer->content_type);
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(answer->headers, name, value)
    {
        strbuf_addf(wire, "%s: %s\r\n", name, json_string_value(value));
    }
    strbuf_add_text(wire, "\r\n");
    strbuf_add(wire, answer->body.bytes,
               body_size < answer->body.size ? body_size : answer->body.size);
}

static void on_drained(struct bufferevent *connection, void *context)
{
    (void)connection;
    struct misdelivery *misdelivery = context;
    if (misdelivery->sent == misdelivery->wire.size) {
        misdelivery->on_done(misdelivery->context);
    }
}

static void on_gone(struct bufferevent *connection, short what, void *context)
{
    (void)connection;
    (void)what;
    struct misdelivery *misdelivery = context;
    misdelivery->on_done(misdelivery->context);
}

static void send_bytes(struct misdelivery *misdelivery, size_t size)
{
    const char *bytes = misdelivery->wire.bytes + misdelivery->sent;
    misdelivery->sent += size;
    bufferevent_write(misdelivery->connection, bytes, size);
}

static void on_drip(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct misdelivery *misdelivery = context;
    send_bytes(misdelivery, 1);
    if (misdelivery->sent == misdelivery->wire.size) {
        event_del(misdelivery->drip);
    }
}

static void start_dripping(struct misdelivery *misdelivery, struct event_base *base,
                           int64_t drip_ms)
{
    struct timeval interval = {.tv_sec = (time_t)(drip_ms / 1000),
                               .tv_usec = (suseconds_t)(drip_ms % 1000 * 1000)};
    /* Without it the kernel gathers the drops into mouthfuls. Fails harmlessly on a unix socket. */
    int on = 1;
    (void)setsockopt(bufferevent_getfd(misdelivery->connection), IPPROTO_TCP, TCP_NODELAY, &on,
                     sizeof on);
    misdelivery->drip = event_new(base, -1, EV_PERSIST, on_drip, misdelivery);
    assert(misdelivery->drip != NULL);
    event_add(misdelivery->drip, &interval);
}

struct misdelivery *misdelivery_start(struct event_base *base, struct evhttp_connection *connection,
                                      const struct answer *answer,
                                      const struct misdelivery_plan *plan,
                                      misdelivery_done_fn on_done, void *context)
{
    struct misdelivery *misdelivery = mem_new(1, sizeof *misdelivery);
    misdelivery->connection = evhttp_connection_get_bufferevent(connection);
    misdelivery->on_done = on_done;
    misdelivery->context = context;
    build_wire(&misdelivery->wire, answer, plan->body_size);
    bufferevent_set_timeouts(misdelivery->connection, NULL, NULL);
    bufferevent_setcb(misdelivery->connection, NULL, plan->is_silent ? NULL : on_drained, on_gone,
                      misdelivery);
    /* Reading only to hear of the client's going. */
    bufferevent_enable(misdelivery->connection, EV_READ | EV_WRITE);
    if (plan->is_silent) {
        return misdelivery;
    }
    if (plan->drip_ms > 0) {
        start_dripping(misdelivery, base, plan->drip_ms);
    } else {
        send_bytes(misdelivery, misdelivery->wire.size);
    }
    return misdelivery;
}

void misdelivery_free(struct misdelivery *misdelivery)
{
    if (misdelivery == NULL) {
        return;
    }
    bufferevent_setcb(misdelivery->connection, NULL, NULL, NULL, NULL);
    if (misdelivery->drip != NULL) {
        event_free(misdelivery->drip);
    }
    strbuf_clear(&misdelivery->wire);
    mem_free(misdelivery);
}
