/* What the HTTP client sends and takes, and when it may not. What fails is in
   test_http_client_failures.c. */
#include "common/mem.h"
#include "tests/support/http_desk.h"

#include <stdlib.h>
#include <string.h>

/* ---- Requests ---- */

static void a_get_sends_its_headers_and_brings_the_answer(void **state)
{
    struct http_desk *f = *state;
    f->answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                "Retry-After:  12 \r\nDATE: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                "Content-Length: 5\r\n\r\n[1,2]";
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
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
    struct http_desk *f = *state;
    f->answer = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    struct http_request request = http_desk_request(f);
    request.method = "POST";
    request.body = "{\"a\":1}";
    request.body_size = 7;
    http_desk_call(f, &request);
    assert_int_equal(f->status, 201);
    assert_non_null(strstr(f->last_request, "POST /hooks/"));
    assert_non_null(strstr(f->last_request, "\r\n\r\n{\"a\":1}"));
    request.method = "PATCH";
    request.body = "{\"b\":22}";
    request.body_size = 8;
    http_desk_call(f, &request);
    assert_non_null(strstr(f->last_request, "PATCH /hooks/"));
    assert_non_null(strstr(f->last_request, "\r\n\r\n{\"b\":22}"));
    request = http_desk_request(f);
    http_desk_call(f, &request);
    assert_non_null(strstr(f->last_request, "GET /hooks/"));
    assert_null(strstr(f->last_request, "Content-Length"));
    assert_null(strstr(f->last_request, "Expect"));
    assert_int_equal(f->connection_count, 1); /* kept alive */
}

static void a_long_body_is_sent_without_waiting_for_continue(void **state)
{
    struct http_desk *f = *state;
    enum { SIZE = 12000 };
    char *body = mem_new(SIZE, 1);
    memset(body, 'x', SIZE);
    struct http_request request = http_desk_request(f);
    request.method = "POST";
    request.body = body;
    request.body_size = SIZE;
    http_desk_call(f, &request);
    mem_free(body);
    assert_false(f->has_failed);
    assert_null(strstr(f->last_request, "Expect"));
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
    struct http_desk *f = *state;
    f->answer = "HTTP/1.1 301 Moved\r\nLocation: /elsewhere/\r\nContent-Length: 0\r\n\r\n";
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
    assert_int_equal(f->status, 301);
    assert_int_equal(f->request_count, 1);
}

static void proxies_of_the_environment_are_not_obeyed(void **state)
{
    struct http_desk *f = *state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1/", 1), 0);
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_false(f->has_failed);
}

static void a_proxy_of_the_request_is_used_and_forgotten_with_it(void **state)
{
    struct http_desk *f = *state;
    struct http_request request = http_desk_request(f);
    request.url = "http://omnitron.invalid/hooks/";
    request.proxy = f->url;
    assert_int_equal(setenv("no_proxy", "omnitron.invalid", 1), 0);
    http_desk_call(f, &request);
    assert_int_equal(unsetenv("no_proxy"), 0);
    assert_false(f->has_failed);
    assert_non_null(strstr(f->last_request, "GET http://omnitron.invalid/hooks/ HTTP/1.1"));
    request = http_desk_request(f);
    http_desk_call(f, &request);
    assert_non_null(strstr(f->last_request, "GET /hooks/"));
}

static void a_proxy_that_is_away_is_named_as_one(void **state)
{
    struct http_desk *f = *state;
    struct http_request request = http_desk_request(f);
    request.url = "http://omnitron.invalid/hooks/";
    request.proxy = "http://127.0.0.1:1";
    http_desk_call(f, &request);
    assert_true(f->has_failed);
    assert_non_null(
        strstr(f->failure.error.text, "http://omnitron.invalid (by way of the proxy): "));
}

static void interim_answers_are_not_the_answer(void **state)
{
    struct http_desk *f = *state;
    f->answer = "HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n"
                "HTTP/1.1 204 No Content\r\n\r\n";
    struct http_request request = http_desk_request(f);
    http_desk_call(f, &request);
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
    struct http_desk *f = *state;
    struct http_request request = http_desk_request(f);
    for (int i = 0; i < ROUNDS; i++) {
        f->answer = answers[i % 2];
        http_desk_call(f, &request);
        assert_true(f->has_failed || f->status == 200);
    }
}

static void many_calls_at_once_all_end(void **state)
{
    struct http_desk *f = *state;
    struct http_request request = http_desk_request(f);
    for (int i = 0; i < 40; i++) {
        (void)http_client_send(f->client, &request, http_desk_on_done, f);
    }
    assert_int_equal(f->done_count, 0);
    http_desk_wait(f, 40, HTTP_DESK_LIMIT_MS);
    assert_int_equal(f->request_count, 40);
}

/* ---- Permission and the end ---- */

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void a_request_that_may_not_be_sent_does_not_leave(void **state)
{
    struct http_desk *f = *state;
    struct http_request request = http_desk_request(f);
    request.may_send = never;
    http_desk_call(f, &request);
    assert_int_equal(f->failure.kind, HTTP_FAILURE_CANCELLED);
    assert_false(f->failure.was_sent);
    assert_int_equal(f->request_count, 0);
}

static void a_cancelled_call_is_never_told(void **state)
{
    struct http_desk *f = *state;
    f->behaviour = SERVER_IS_SILENT;
    struct http_request request = http_desk_request(f);
    struct http_transfer *unsent = http_client_send(f->client, &request, http_desk_on_done, f);
    http_transfer_cancel(unsent);
    struct http_transfer *waiting = http_client_send(f->client, &request, http_desk_on_done, f);
    http_desk_run(f, 50);
    assert_int_equal(f->request_count, 1);
    http_transfer_cancel(waiting);
    http_desk_run(f, 20);
    assert_int_equal(f->done_count, 0);
}

static void on_done_cancel_other(void *arg, const struct http_response *response,
                                 const struct http_failure *failure)
{
    struct http_desk *f = arg;
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
    struct http_desk *f = *state;
    struct http_request request = http_desk_request(f);
    request.may_send = never; /* both end in the same turn of the loop */
    (void)http_client_send(f->client, &request, on_done_cancel_other, f);
    struct http_transfer *second = http_client_send(f->client, &request, on_done_cancel_other, f);
    f->other = second;
    http_desk_run(f, 50);
    assert_int_equal(f->done_count, 1);
}

static void on_done_send_again(void *arg, const struct http_response *response,
                               const struct http_failure *failure)
{
    struct http_desk *f = arg;
    (void)response;
    (void)failure;
    struct http_request request = http_desk_request(f);
    (void)http_client_send(f->client, &request, http_desk_on_done, f);
}

static void a_completion_may_send_the_next_request(void **state)
{
    struct http_desk *f = *state;
    struct http_request request = http_desk_request(f);
    (void)http_client_send(f->client, &request, on_done_send_again, f);
    http_desk_wait(f, 1, HTTP_DESK_LIMIT_MS);
    assert_int_equal(f->request_count, 2);
    assert_int_equal(f->connection_count, 1);
}

static void the_end_of_the_client_cancels_what_is_under_way(void **state)
{
    struct http_desk *f = *state;
    f->behaviour = SERVER_IS_SILENT;
    struct http_request request = http_desk_request(f);
    for (int i = 0; i < 10; i++) {
        (void)http_client_send(f->client, &request, http_desk_on_done, f);
    }
    http_desk_run(f, 50);
    http_client_free(f->client);
    f->client = NULL;
    http_desk_run(f, 20);
    assert_int_equal(f->done_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_DESK_TEST(a_get_sends_its_headers_and_brings_the_answer),
        HTTP_DESK_TEST(post_and_patch_carry_their_bodies_without_expect),
        HTTP_DESK_TEST(a_long_body_is_sent_without_waiting_for_continue),
        HTTP_DESK_TEST(a_redirect_is_an_answer_and_not_followed),
        HTTP_DESK_TEST(proxies_of_the_environment_are_not_obeyed),
        HTTP_DESK_TEST(a_proxy_that_is_away_is_named_as_one),
        HTTP_DESK_TEST(a_proxy_of_the_request_is_used_and_forgotten_with_it),
        HTTP_DESK_TEST(interim_answers_are_not_the_answer),
        HTTP_DESK_TEST(a_first_header_that_begins_with_a_space_does_no_harm),
        HTTP_DESK_TEST(many_calls_at_once_all_end),
        HTTP_DESK_TEST(a_request_that_may_not_be_sent_does_not_leave),
        HTTP_DESK_TEST(a_cancelled_call_is_never_told),
        HTTP_DESK_TEST(of_two_calls_that_end_together_one_may_cancel_the_other),
        HTTP_DESK_TEST(a_completion_may_send_the_next_request),
        HTTP_DESK_TEST(the_end_of_the_client_cancels_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
