/* How calls of the HTTP client fail: limits, answers that are cut or make no sense, servers that
   are not there. */
#include "common/strbuf.h"
#include "tests/support/http_desk.h"

#include <stdio.h>
#include <string.h>

static void nobody_listening_is_a_failure_to_connect(void **state)
{
    struct http_desk *f = *state;
    evconnlistener_free(f->listener);
    f->listener = NULL;
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
    assert_true(f->has_failed);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_CONNECT);
    assert_false(f->failure.was_sent);
    assert_int_equal(f->failure.error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(f->failure.error.text, "http://127.0.0.1:"));
    assert_null(strstr(f->failure.error.text, "hidden"));
}

static void a_host_without_address_is_a_failure_to_connect(void **state)
{
    struct http_desk *f = *state;
    struct http_request request = http_desk_request(f);
    request.url = "http://omnitron.invalid/hooks/";
    http_desk_call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_CONNECT);
    assert_non_null(strstr(f->failure.error.text, "omnitron.invalid"));
}

static void silence_ends_with_the_time_limit(void **state)
{
    struct http_desk *f = *state;
    f->behaviour = SERVER_IS_SILENT;
    struct http_request request = http_desk_request(f);
    request.timeout_ms = 100;
    http_desk_call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TIMEOUT);
    assert_true(f->failure.was_sent);
    assert_int_equal(f->failure.error.code, ERROR_TIMEOUT);
}

/* The limit for connecting has the handshake in it. */
static void a_handshake_without_an_answer_ends_with_the_limit_for_connecting(void **state)
{
    struct http_desk *f = *state;
    f->behaviour = SERVER_IS_SILENT;
    char url[sizeof f->url + 1];
    (void)snprintf(url, sizeof url, "https%s", f->url + strlen("http"));
    struct http_request request = http_desk_request(f);
    request.url = url;
    request.connect_timeout_ms = 200;
    request.timeout_ms = 60000;
    http_desk_call(f, &request);
    assert_true(f->has_failed);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TIMEOUT);
    assert_false(f->failure.was_sent);
}

/* Ten seconds with less than a byte a second: before the first byte, and in mid-answer. */
static void an_answer_that_stops_coming_ends_long_before_the_limit_for_all_of_it(void **state)
{
    enum { LIMIT_MS = 40000 };
    struct http_desk *f = *state;
    f->behaviour = SERVER_IS_SILENT;
    struct http_request request = http_desk_request(f);
    request.timeout_ms = 600000;
    (void)http_client_send(f->client, &request, http_desk_on_done, f);
    for (int i = 0; i < 500 && f->request_count == 0; i++) {
        http_desk_run(f, 10);
    }
    assert_int_equal(f->request_count, 1);
    f->behaviour = SERVER_ANSWERS;
    f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[";
    (void)http_client_send(f->client, &request, http_desk_on_done, f);
    http_desk_wait(f, 2, LIMIT_MS);
    assert_true(f->has_failed);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TIMEOUT);
    assert_true(f->failure.was_sent);
}

static void a_cut_answer_is_broken(void **state)
{
    struct http_desk *f = *state;
    f->behaviour = SERVER_ANSWERS_THEN_CLOSES;
    f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1,";
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_BROKEN);
    assert_true(f->failure.was_sent);
}

static void what_is_not_http_is_broken(void **state)
{
    struct http_desk *f = *state;
    f->behaviour = SERVER_ANSWERS_THEN_CLOSES;
    f->answer = "220 mail.example.com ESMTP\r\n";
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_BROKEN);
}

static void a_close_after_the_request_leaves_its_outcome_unknown(void **state)
{
    struct http_desk *f = *state;
    f->behaviour = SERVER_CLOSES;
    struct http_request request = http_desk_request(f);
    request.method = "POST";
    request.body = "{}";
    request.body_size = 2;
    http_desk_call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_BROKEN);
    assert_true(f->failure.was_sent);
}

static void a_request_on_a_kept_connection_that_died_is_sent_again(void **state)
{
    struct http_desk *f = *state;
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
    f->closes_left = 1;
    http_desk_call(f, &request);
    assert_false(f->has_failed);
    assert_int_equal(f->request_count, 3);
    assert_int_equal(f->connection_count, 2);
}

static void an_answer_announced_too_large_is_refused(void **state)
{
    struct http_desk *f = *state;
    f->answer = "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n";
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TOO_LARGE);
    assert_int_equal(f->failure.error.code, ERROR_FULL);
}

static void an_answer_that_grows_too_large_is_cut_off(void **state)
{
    struct http_desk *f = *state;
    struct strbuf answer;
    strbuf_init(&answer, SIZE_MAX / 2);
    strbuf_add_text(&answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5000; i++) {
        strbuf_add_text(&answer, "10\r\n0123456789abcdef\r\n");
    }
    f->answer = answer.bytes;
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TOO_LARGE);
    strbuf_clear(&answer);
}

static void endless_headers_are_cut_off(void **state)
{
    struct http_desk *f = *state;
    struct strbuf answer;
    strbuf_init(&answer, SIZE_MAX / 2);
    strbuf_add_text(&answer, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 5000; i++) {
        strbuf_addf(&answer, "X-Header-%d: 0123456789abcdef\r\n", i);
    }
    f->answer = answer.bytes;
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TOO_LARGE);
    strbuf_clear(&answer);
}

/* The same place by https. */
static void call_by_tls(struct http_desk *f)
{
    char url[160];
    (void)snprintf(url, sizeof url, "https%s", f->url + strlen("http"));
    struct http_request request = http_desk_request(f);
    request.url = url;
    http_desk_call(f, &request);
    assert_true(f->has_failed);
    assert_false(f->failure.was_sent);
}

static void plain_http_where_tls_was_expected_is_a_tls_failure(void **state)
{
    struct http_desk *f = *state;
    f->behaviour = SERVER_ANSWERS_AT_ONCE;
    call_by_tls(f);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_TLS);
}

static void a_handshake_that_is_cut_off_is_a_failure_to_connect(void **state)
{
    struct http_desk *f = *state;
    f->behaviour = SERVER_HANGS_UP;
    call_by_tls(f);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_CONNECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_DESK_TEST(nobody_listening_is_a_failure_to_connect),
        HTTP_DESK_TEST(a_host_without_address_is_a_failure_to_connect),
        HTTP_DESK_TEST(silence_ends_with_the_time_limit),
        HTTP_DESK_TEST(a_handshake_without_an_answer_ends_with_the_limit_for_connecting),
        HTTP_DESK_TEST(an_answer_that_stops_coming_ends_long_before_the_limit_for_all_of_it),
        HTTP_DESK_TEST(a_cut_answer_is_broken),
        HTTP_DESK_TEST(what_is_not_http_is_broken),
        HTTP_DESK_TEST(a_close_after_the_request_leaves_its_outcome_unknown),
        HTTP_DESK_TEST(a_request_on_a_kept_connection_that_died_is_sent_again),
        HTTP_DESK_TEST(an_answer_announced_too_large_is_refused),
        HTTP_DESK_TEST(an_answer_that_grows_too_large_is_cut_off),
        HTTP_DESK_TEST(endless_headers_are_cut_off),
        HTTP_DESK_TEST(plain_http_where_tls_was_expected_is_a_tls_failure),
        HTTP_DESK_TEST(a_handshake_that_is_cut_off_is_a_failure_to_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
