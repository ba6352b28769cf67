/* The HTTP client against a server that answers with whatever bytes a test wants. */
#include "common/http_client.h"
#include "common/mem.h"
#include "common/strbuf.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CONNECTIONS_MAX = 64, REQUEST_SIZE = 16384 };

/* ---- The server ---- */

enum behaviour {
    SERVER_ANSWERS,
    SERVER_ANSWERS_THEN_CLOSES,
    SERVER_CLOSES, /* reads the request and closes */
    SERVER_IS_SILENT,
    SERVER_ANSWERS_AT_ONCE, /* to whatever comes */
    SERVER_HANGS_UP,        /* at the first bytes */
};

struct fixture {
    struct loop *loop;
    struct http_client *client;
    struct evconnlistener *listener;
    struct bufferevent *connections[CONNECTIONS_MAX];
    unsigned connection_count;
    unsigned request_count;
    unsigned closes_left; /* the first so many requests are met by SERVER_CLOSES */
    enum behaviour behaviour;
    const char *answer; /* bytes as they are sent */
    size_t answer_size; /* 0 = all of it */
    char last_request[REQUEST_SIZE];
    char url[128];

    struct event *limit;
    unsigned done_count;
    unsigned wanted_count;
    int status;
    char *body;
    size_t body_size;
    char content_type[64];
    char retry_after[64];
    char date[64];
    bool has_failed;
    struct http_failure failure;
    struct http_transfer *other; /* cancelled by on_done_cancel_other */
};

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
    struct fixture *f = arg;
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
    char head[REQUEST_SIZE] = "";
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
    struct fixture *f = arg;
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
    struct fixture *f = arg;
    assert_true(f->connection_count < CONNECTIONS_MAX);
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
    loop_quit(((struct fixture *)arg)->loop);
}

static int set_up(void **state)
{
    struct fixture *f = mem_new(1, sizeof *f);
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

static int tear_down(void **state)
{
    struct fixture *f = *state;
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

static void on_done(void *arg, const struct http_response *response,
                    const struct http_failure *failure)
{
    struct fixture *f = arg;
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

static struct http_request a_request(const struct fixture *f)
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

/* Runs the loop until count calls in all have ended; the test fails after 10 s. */
static void wait_for(struct fixture *f, unsigned count)
{
    f->wanted_count = count;
    loop_timer_start(f->limit, 10000);
    if (f->done_count < count) {
        (void)loop_run(f->loop);
    }
    loop_timer_stop(f->limit);
    assert_int_equal(f->done_count, count);
}

static void run_for_ms(struct fixture *f, int64_t ms)
{
    loop_timer_start(f->limit, ms);
    (void)loop_run(f->loop);
}

static void call(struct fixture *f, const struct http_request *request)
{
    (void)http_client_send(f->client, request, on_done, f);
    wait_for(f, f->done_count + 1);
}

/* ---- Requests ---- */

static void a_get_sends_its_headers_and_brings_the_answer(void **state)
{
    struct fixture *f = *state;
    f->answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                "Retry-After:  12 \r\nDATE: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                "Content-Length: 5\r\n\r\n[1,2]";
    struct http_request request = a_request(f);
    call(f, &request);
    assert_false(f->has_failed);
    assert_int_equal(f->status, 200);
    assert_string_equal(f->body, "[1,2]");
    assert_int_equal(f->body_size, 5);
    assert_string_equal(f->content_type, "application/json; charset=utf-8");
    assert_string_equal(f->retry_after, "12");
    assert_string_equal(f->date, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_non_null(strstr(f->last_request, "GET /hooks/?key=hidden HTTP/1.1\r\n"));
    assert_non_null(strstr(f->last_request, "\r\nAuthorization: Token abc\r\n"));
    assert_non_null(strstr(f->last_request, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(f->last_request, "\r\nUser-Agent: omnihook/" OMNIHOOK_VERSION "\r\n"));
    assert_null(strstr(f->last_request, "Accept-Encoding"));
}

static void post_and_patch_carry_their_bodies_without_expect(void **state)
{
    struct fixture *f = *state;
    f->answer = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    struct http_request request = a_request(f);
    request.method = "POST";
    request.body = "{\"a\":1}";
    request.body_size = 7;
    call(f, &request);
    assert_int_equal(f->status, 201);
    assert_non_null(strstr(f->last_request, "POST /hooks/"));
    assert_non_null(strstr(f->last_request, "\r\n\r\n{\"a\":1}"));
    request.method = "PATCH";
    request.body = "{\"b\":22}";
    request.body_size = 8;
    call(f, &request);
    assert_non_null(strstr(f->last_request, "PATCH /hooks/"));
    assert_non_null(strstr(f->last_request, "\r\n\r\n{\"b\":22}"));
    request = a_request(f);
    call(f, &request);
    assert_non_null(strstr(f->last_request, "GET /hooks/"));
    assert_null(strstr(f->last_request, "Content-Length"));
    assert_null(strstr(f->last_request, "Expect"));
    assert_int_equal(f->connection_count, 1); /* kept alive */
}

static void a_long_body_is_sent_without_waiting_for_continue(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 12000 };
    char *body = mem_new(SIZE, 1);
    memset(body, 'x', SIZE);
    struct http_request request = a_request(f);
    request.method = "POST";
    request.body = body;
    request.body_size = SIZE;
    call(f, &request);
    mem_free(body);
    assert_false(f->has_failed);
    assert_null(strstr(f->last_request, "Expect"));
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
    struct fixture *f = *state;
    f->answer = "HTTP/1.1 301 Moved\r\nLocation: /elsewhere/\r\nContent-Length: 0\r\n\r\n";
    struct http_request request = a_request(f);
    call(f, &request);
    assert_int_equal(f->status, 301);
    assert_int_equal(f->request_count, 1);
}

static void proxies_of_the_environment_are_not_obeyed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1/", 1), 0);
    struct http_request request = a_request(f);
    call(f, &request);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_false(f->has_failed);
}

static void a_proxy_of_the_request_is_used_and_forgotten_with_it(void **state)
{
    struct fixture *f = *state;
    struct http_request request = a_request(f);
    request.url = "http://omnitron.invalid/hooks/";
    request.proxy = f->url;
    assert_int_equal(setenv("no_proxy", "omnitron.invalid", 1), 0);
    call(f, &request);
    assert_int_equal(unsetenv("no_proxy"), 0);
    assert_false(f->has_failed);
    assert_non_null(strstr(f->last_request, "GET http://omnitron.invalid/hooks/ HTTP/1.1"));
    request = a_request(f);
    call(f, &request);
    assert_non_null(strstr(f->last_request, "GET /hooks/"));
}

static void interim_answers_are_not_the_answer(void **state)
{
    struct fixture *f = *state;
    f->answer = "HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n"
                "HTTP/1.1 204 No Content\r\n\r\n";
    struct http_request request = a_request(f);
    call(f, &request);
    assert_int_equal(f->status, 204);
    assert_string_equal(f->retry_after, "");
    assert_string_equal(f->body, "");
}

/* Made libcurl 7.88 read freed memory: curl/curl#11101. */
static void a_first_header_that_begins_with_a_space_does_no_harm(void **state)
{
    enum { ROUNDS = 20 };
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nX-Long: 0123456789012345678901234567890123456789\r\n"
        "Content-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded: a\r\nContent-Length: 0\r\n\r\n",
    };
    struct fixture *f = *state;
    struct http_request request = a_request(f);
    for (int i = 0; i < ROUNDS; i++) {
        f->answer = answers[i % 2];
        call(f, &request);
        assert_true(f->has_failed || f->status == 200);
    }
}

static void many_calls_at_once_all_end(void **state)
{
    struct fixture *f = *state;
    struct http_request request = a_request(f);
    for (int i = 0; i < 40; i++) {
        (void)http_client_send(f->client, &request, on_done, f);
    }
    assert_int_equal(f->done_count, 0);
    wait_for(f, 40);
    assert_int_equal(f->request_count, 40);
}

/* ---- Failures ---- */

static void nobody_listening_is_a_failure_to_connect(void **state)
{
    struct fixture *f = *state;
    evconnlistener_free(f->listener);
    f->listener = NULL;
    struct http_request request = a_request(f);
    call(f, &request);
    assert_true(f->has_failed);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_CONNECT);
    assert_false(f->failure.was_sent);
    assert_int_equal(f->failure.error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(f->failure.error.text, "http://127.0.0.1:"));
    assert_null(strstr(f->failure.error.text, "hidden"));
}

static void a_host_without_address_is_a_failure_to_connect(void **state)
{
    struct fixture *f = *state;
    struct http_request request = a_request(f);
    request.url = "http://omnitron.invalid/hooks/";
    call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_CONNECT);
    assert_non_null(strstr(f->failure.error.text, "omnitron.invalid"));
}

static void silence_ends_with_the_time_limit(void **state)
{
    struct fixture *f = *state;
    f->behaviour = SERVER_IS_SILENT;
    struct http_request request = a_request(f);
    request.timeout_ms = 100;
    call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TIMEOUT);
    assert_true(f->failure.was_sent);
    assert_int_equal(f->failure.error.code, ERROR_TIMEOUT);
}

/* The limit for connecting has the handshake in it. */
static void a_handshake_without_an_answer_ends_with_the_limit_for_connecting(void **state)
{
    struct fixture *f = *state;
    f->behaviour = SERVER_IS_SILENT;
    char url[sizeof f->url + 1];
    (void)snprintf(url, sizeof url, "https%s", f->url + strlen("http"));
    struct http_request request = a_request(f);
    request.url = url;
    request.connect_timeout_ms = 200;
    request.timeout_ms = 60000;
    call(f, &request);
    assert_true(f->has_failed);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TIMEOUT);
    assert_false(f->failure.was_sent);
}

/* Ten seconds with less than a byte a second: before the first byte, and in mid-answer. */
static void an_answer_that_stops_coming_ends_long_before_the_limit_for_all_of_it(void **state)
{
    enum { LIMIT_MS = 40000 };
    struct fixture *f = *state;
    f->behaviour = SERVER_IS_SILENT;
    struct http_request request = a_request(f);
    request.timeout_ms = 600000;
    (void)http_client_send(f->client, &request, on_done, f);
    for (int i = 0; i < 500 && f->request_count == 0; i++) {
        run_for_ms(f, 10);
    }
    assert_int_equal(f->request_count, 1);
    f->behaviour = SERVER_ANSWERS;
    f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[";
    (void)http_client_send(f->client, &request, on_done, f);
    f->wanted_count = 2;
    loop_timer_start(f->limit, LIMIT_MS);
    (void)loop_run(f->loop);
    loop_timer_stop(f->limit);
    assert_int_equal(f->done_count, 2);
    assert_true(f->has_failed);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TIMEOUT);
    assert_true(f->failure.was_sent);
}

static void a_cut_answer_is_broken(void **state)
{
    struct fixture *f = *state;
    f->behaviour = SERVER_ANSWERS_THEN_CLOSES;
    f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,";
    struct http_request request = a_request(f);
    call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_BROKEN);
    assert_true(f->failure.was_sent);
}

static void what_is_not_http_is_broken(void **state)
{
    struct fixture *f = *state;
    f->behaviour = SERVER_ANSWERS_THEN_CLOSES;
    f->answer = "220 mail.example.com ESMTP\r\n";
    struct http_request request = a_request(f);
    call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_BROKEN);
}

static void a_close_after_the_request_leaves_its_outcome_unknown(void **state)
{
    struct fixture *f = *state;
    f->behaviour = SERVER_CLOSES;
    struct http_request request = a_request(f);
    request.method = "POST";
    request.body = "{}";
    request.body_size = 2;
    call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_BROKEN);
    assert_true(f->failure.was_sent);
}

static void a_request_on_a_kept_connection_that_died_is_sent_again(void **state)
{
    struct fixture *f = *state;
    struct http_request request = a_request(f);
    call(f, &request);
    f->closes_left = 1;
    call(f, &request);
    assert_false(f->has_failed);
    assert_int_equal(f->request_count, 3);
    assert_int_equal(f->connection_count, 2);
}

static void an_answer_announced_too_large_is_refused(void **state)
{
    struct fixture *f = *state;
    f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n";
    struct http_request request = a_request(f);
    call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TOO_LARGE);
    assert_int_equal(f->failure.error.code, ERROR_FULL);
}

static void an_answer_that_grows_too_large_is_cut_off(void **state)
{
    struct fixture *f = *state;
    struct strbuf answer;
    strbuf_init(&answer, SIZE_MAX / 2);
    strbuf_add_text(&answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5000; i++) {
        strbuf_add_text(&answer, "10\r\n0123456789abcdef\r\n");
    }
    f->answer = answer.bytes;
    struct http_request request = a_request(f);
    call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TOO_LARGE);
    strbuf_clear(&answer);
}

static void endless_headers_are_cut_off(void **state)
{
    struct fixture *f = *state;
    struct strbuf answer;
    strbuf_init(&answer, SIZE_MAX / 2);
    strbuf_add_text(&answer, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 5000; i++) {
        strbuf_addf(&answer, "X-Header-%d: 0123456789abcdef\r\n", i);
    }
    f->answer = answer.bytes;
    struct http_request request = a_request(f);
    call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TOO_LARGE);
    strbuf_clear(&answer);
}

/* The same place by https. */
static void call_by_tls(struct fixture *f)
{
    char url[160];
    (void)snprintf(url, sizeof url, "https%s", f->url + strlen("http"));
    struct http_request request = a_request(f);
    request.url = url;
    call(f, &request);
    assert_true(f->has_failed);
    assert_false(f->failure.was_sent);
}

static void plain_http_where_tls_was_expected_is_a_tls_failure(void **state)
{
    struct fixture *f = *state;
    f->behaviour = SERVER_ANSWERS_AT_ONCE;
    call_by_tls(f);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TLS);
}

static void a_handshake_that_is_cut_off_is_a_failure_to_connect(void **state)
{
    struct fixture *f = *state;
    f->behaviour = SERVER_HANGS_UP;
    call_by_tls(f);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_CONNECT);
}

/* ---- Permission and the end ---- */

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void a_request_that_may_not_be_sent_does_not_leave(void **state)
{
    struct fixture *f = *state;
    struct http_request request = a_request(f);
    request.may_send = never;
    call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_CANCELLED);
    assert_false(f->failure.was_sent);
    assert_int_equal(f->request_count, 0);
}

static void a_cancelled_call_is_never_told(void **state)
{
    struct fixture *f = *state;
    f->behaviour = SERVER_IS_SILENT;
    struct http_request request = a_request(f);
    struct http_transfer *unsent = http_client_send(f->client, &request, on_done, f);
    http_transfer_cancel(unsent);
    struct http_transfer *waiting = http_client_send(f->client, &request, on_done, f);
    run_for_ms(f, 50);
    assert_int_equal(f->request_count, 1);
    http_transfer_cancel(waiting);
    run_for_ms(f, 20);
    assert_int_equal(f->done_count, 0);
}

static void on_done_cancel_other(void *arg, const struct http_response *response,
                                 const struct http_failure *failure)
{
    struct fixture *f = arg;
    (void)response;
    (void)failure;
    f->done_count++;
    if (f->other != NULL) {
        http_transfer_cancel(f->other);
        f->other = NULL;
    }
}

static void of_two_calls_that_end_together_one_may_cancel_the_other(void **state)
{
    struct fixture *f = *state;
    struct http_request request = a_request(f);
    request.may_send = never; /* both end in the same turn of the loop */
    (void)http_client_send(f->client, &request, on_done_cancel_other, f);
    struct http_transfer *second = http_client_send(f->client, &request, on_done_cancel_other, f);
    f->other = second;
    run_for_ms(f, 50);
    assert_int_equal(f->done_count, 1);
}

static void on_done_send_again(void *arg, const struct http_response *response,
                               const struct http_failure *failure)
{
    struct fixture *f = arg;
    (void)response;
    (void)failure;
    struct http_request request = a_request(f);
    (void)http_client_send(f->client, &request, on_done, f);
}

static void a_completion_may_send_the_next_request(void **state)
{
    struct fixture *f = *state;
    struct http_request request = a_request(f);
    (void)http_client_send(f->client, &request, on_done_send_again, f);
    wait_for(f, 1);
    assert_int_equal(f->request_count, 2);
    assert_int_equal(f->connection_count, 1);
}

static void the_end_of_the_client_cancels_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    f->behaviour = SERVER_IS_SILENT;
    struct http_request request = a_request(f);
    for (int i = 0; i < 10; i++) {
        (void)http_client_send(f->client, &request, on_done, f);
    }
    run_for_ms(f, 50);
    http_client_free(f->client);
    f->client = NULL;
    run_for_ms(f, 20);
    assert_int_equal(f->done_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_get_sends_its_headers_and_brings_the_answer),
        TEST(post_and_patch_carry_their_bodies_without_expect),
        TEST(a_long_body_is_sent_without_waiting_for_continue),
        TEST(a_redirect_is_an_answer_and_not_followed),
        TEST(proxies_of_the_environment_are_not_obeyed),
        TEST(a_proxy_of_the_request_is_used_and_forgotten_with_it),
        TEST(interim_answers_are_not_the_answer),
        TEST(a_first_header_that_begins_with_a_space_does_no_harm),
        TEST(many_calls_at_once_all_end),
        TEST(nobody_listening_is_a_failure_to_connect),
        TEST(a_host_without_address_is_a_failure_to_connect),
        TEST(silence_ends_with_the_time_limit),
        TEST(a_handshake_without_an_answer_ends_with_the_limit_for_connecting),
        TEST(an_answer_that_stops_coming_ends_long_before_the_limit_for_all_of_it),
        TEST(a_cut_answer_is_broken),
        TEST(what_is_not_http_is_broken),
        TEST(a_close_after_the_request_leaves_its_outcome_unknown),
        TEST(a_request_on_a_kept_connection_that_died_is_sent_again),
        TEST(an_answer_announced_too_large_is_refused),
        TEST(an_answer_that_grows_too_large_is_cut_off),
        TEST(endless_headers_are_cut_off),
        TEST(plain_http_where_tls_was_expected_is_a_tls_failure),
        TEST(a_handshake_that_is_cut_off_is_a_failure_to_connect),
        TEST(a_request_that_may_not_be_sent_does_not_leave),
        TEST(a_cancelled_call_is_never_told),
        TEST(of_two_calls_that_end_together_one_may_cancel_the_other),
        TEST(a_completion_may_send_the_next_request),
        TEST(the_end_of_the_client_cancels_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
