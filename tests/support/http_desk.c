#include "tests/support/http_desk.h"

#include "common/mem.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* ---- The server ---- */

static size_t content_length(const char *headers)
{
    for (const char *line = headers; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, "content-length:", 15) == 0) {
            return (size_t)strtoul(line + 15, NULL, 10);
        }
    }
    return 0;
}

static void on_server_read(struct bufferevent *connection, void *arg)
{
    struct http_desk *f = arg;
    struct evbuffer *input = bufferevent_get_input(connection);
    if (f->behaviour == SERVER_ANSWERS_AT_ONCE) {
        (void)bufferevent_write(connection, f->answer, strlen(f->answer));
        return;
    }
    if (f->behaviour == SERVER_HANGS_UP) {
        (void)shutdown(bufferevent_getfd(connection), SHUT_RDWR);
        return;
    }
    struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
    if (end.pos < 0) {
        return;
    }
    size_t head_size = (size_t)end.pos + 4;
    char head[HTTP_DESK_REQUEST_SIZE] = "";
    (void)evbuffer_copyout(input, head, head_size);
    size_t size = head_size + content_length(head);
    if (evbuffer_get_length(input) < size) {
        return;
    }
    memset(f->last_request, 0, sizeof f->last_request);
    (void)evbuffer_remove(input, f->last_request, size);
    f->request_count++;
    bool closes = f->behaviour == SERVER_CLOSES || f->closes_left > 0;
    f->closes_left -= f->closes_left > 0;
    if (closes) {
        (void)shutdown(bufferevent_getfd(connection), SHUT_RDWR);
    } else if (f->behaviour != SERVER_IS_SILENT) {
        (void)bufferevent_write(connection, f->answer,
                                f->answer_size > 0 ? f->answer_size : strlen(f->answer));
    }
}

static void on_server_written(struct bufferevent *connection, void *arg)
{
    struct http_desk *f = arg;
    if (f->behaviour == SERVER_ANSWERS_THEN_CLOSES) {
        (void)shutdown(bufferevent_getfd(connection), SHUT_RDWR);
    }
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int size, void *arg)
{
    (void)listener;
    (void)address;
    (void)size;
    struct http_desk *f = arg;
    assert_true(f->connection_count < HTTP_DESK_CONNECTIONS_MAX);
    struct bufferevent *connection =
        bufferevent_socket_new(loop_base(f->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(connection, on_server_read, on_server_written, NULL, f);
    (void)bufferevent_enable(connection, EV_READ | EV_WRITE);
    f->connections[f->connection_count++] = connection;
}

/* ---- The client's side ---- */

static void on_limit(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    loop_quit(((struct http_desk *)arg)->loop);
}

int http_desk_set_up(void **state)
{
    struct http_desk *f = mem_new(1, sizeof *f);
    f->loop = loop_new();
    f->client = http_client_new(f->loop, 4);
    f->limit = loop_timer_new(f->loop, on_limit, f);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->listener = evconnlistener_new_bind(loop_base(f->loop), on_accept, f,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1,
                                          (struct sockaddr *)&address, sizeof address);
    assert_non_null(f->listener);
    socklen_t size = sizeof address;
    assert_int_equal(
        getsockname(evconnlistener_get_fd(f->listener), (struct sockaddr *)&address, &size), 0);
    (void)snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u/hooks/?key=hidden",
                   ntohs(address.sin_port));
    f->answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]";
    *state = f;
    return 0;
}

int http_desk_tear_down(void **state)
{
    struct http_desk *f = *state;
    http_client_free(f->client);
    for (unsigned i = 0; i < f->connection_count; i++) {
        bufferevent_free(f->connections[i]);
    }
    if (f->listener != NULL) {
        evconnlistener_free(f->listener);
    }
    event_free(f->limit);
    loop_free(f->loop);
    mem_free(f->body);
    mem_free(f);
    return 0;
}

void http_desk_on_done(void *arg, const struct http_response *response,
                       const struct http_failure *failure)
{
    struct http_desk *f = arg;
    assert_true((response == NULL) != (failure == NULL));
    f->has_failed = failure != NULL;
    if (failure != NULL) {
        f->failure = *failure;
    }
    if (response != NULL) {
        f->status = response->status;
        mem_free(f->body);
        f->body = mem_copy_bytes(response->body, response->body_size);
        f->body_size = response->body_size;
        (void)snprintf(f->content_type, sizeof f->content_type, "%s", response->content_type);
        (void)snprintf(f->retry_after, sizeof f->retry_after, "%s", response->retry_after);
        (void)snprintf(f->date, sizeof f->date, "%s", response->date);
    }
    f->done_count++;
    if (f->done_count == f->wanted_count) {
        loop_quit(f->loop);
    }
}

struct http_request http_desk_request(const struct http_desk *f)
{
    return (struct http_request){
        .method = "GET",
        .url = f->url,
        .headers = {"Authorization: Token abc", "Accept: application/json"},
        .connect_timeout_ms = 5000,
        .timeout_ms = 5000,
        .max_response_bytes = 65536,
    };
}

void http_desk_wait(struct http_desk *f, unsigned count, int64_t limit_ms)
{
    f->wanted_count = count;
    loop_timer_start(f->limit, limit_ms);
    if (f->done_count < count) {
        (void)loop_run(f->loop);
    }
    loop_timer_stop(f->limit);
    assert_int_equal(f->done_count, count);
}

void http_desk_run(struct http_desk *f, int64_t ms)
{
    loop_timer_start(f->limit, ms);
    (void)loop_run(f->loop);
}

void http_desk_call(struct http_desk *f, const struct http_request *request)
{
    (void)http_client_send(f->client, request, http_desk_on_done, f);
    http_desk_wait(f, f->done_count + 1, HTTP_DESK_LIMIT_MS);
}
