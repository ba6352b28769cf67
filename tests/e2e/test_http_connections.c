/* The connections of the HTTP API: their order, their limits, and callers that behave badly. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/api_text.h"
#include "tests/support/raw_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 10000 };

static const struct stack_account accounts[] = {
    {.name = "acme",
     .webhooks = "[{\"event_type\":\"package.created\",\"target_url\":\"https://erp.example/a\"}]",
     .is_superuser = true},
    {.name = "other",
     .webhooks = "[{\"event_type\":\"package.created\",\"target_url\":\"https://erp.example/b\"}]",
     .is_superuser = true},
};

/* No worker: a job that is enqueued stays where it is. */
static struct stack_options api_alone = {.accounts = accounts, .account_count = 2, .api_count = 1};

static void requests_of_one_connection_are_answered_in_their_order(void **state)
{
    struct stack *stack = *state;
    char *requests =
        with_key(CALL("GET", "is_required/") KEY END /* slow: asks Omnitron */
                     CALL("POST", "abort/") KEY
                 "Content-Length: 4\r\n" END "GET " CALL("GET", "get_async_status/") KEY CLOSE END,
                 stack_key(stack, "acme"));
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, requests));
    const char *answers = raw_call_receive(raw, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(raw));
    const char *first = strstr(answers, RESULT("true"));
    const char *second = first == NULL ? NULL : strstr(first, "HTTP/1.1 204 ");
    const char *third = second == NULL ? NULL : strstr(second, RESULT("READY"));
    assert_non_null(third);
    raw_call_close(raw);
    mem_free(requests);
}

/* More than the API reads ahead: the rest waits on the way. Few enough for the answers to wait
   there too, since none is read before all has been sent. */
static void what_comes_while_a_request_is_served_waits_for_its_turn(void **state)
{
    enum { LATER = 250 };
    struct stack *stack = *state;
    sim_set(stack_sim(stack), "{\"latency_ms\": 300}");
    char *slow = with_key(CALL("GET", "is_required/") KEY END, stack_key(stack, "acme"));
    char *later = with_key(CALL("POST", "abort/") KEY "X-Padding: ................................"
                                                      "................................\r\n" END,
                           stack_key(stack, "acme"));
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, slow));
    for (int i = 0; i < LATER; i++) {
        assert_true(raw_call_send_text(raw, later));
    }
    assert_true(raw_call_send_text(raw, "GET /last HTTP/1.1\r\nHost: x\r\n" CLOSE END));
    const char *answers = raw_call_receive(raw, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(raw));
    answers = strstr(answers, RESULT("true"));
    for (int i = 0; i < LATER; i++) {
        assert_non_null(answers);
        answers = strstr(answers + 1, "HTTP/1.1 204 ");
    }
    assert_non_null(answers);
    assert_non_null(strstr(answers, "HTTP/1.1 404 "));
    raw_call_close(raw);
    mem_free(slow);
    mem_free(later);
}

static void a_body_is_not_read_as_a_request_whatever_the_method(void **state)
{
    struct stack *stack = *state;
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "BREW"};
    char *inner = with_key(CALL("POST", "execute/") KEY END, stack_key(stack, "acme"));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char outer[512];
        (void)snprintf(outer, sizeof outer,
                       "%s /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", methods[i],
                       strlen(inner));
        struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
        assert_true(raw_call_send_text(raw, outer) && raw_call_send_text(raw, inner));
        assert_true(raw_call_send_text(raw, "GET /last HTTP/1.0\r\n\r\n"));
        const char *answers = raw_call_receive(raw, NULL, LIMIT_MS);
        assert_true(raw_call_is_closed(raw));
        assert_non_null(strstr(answers, "HTTP/1.0 404 "));
        raw_call_close(raw);
    }
    mem_free(inner);
    assert_string_equal(stack_status(stack, "acme"), "READY");
}

static void assert_ends(struct raw_call *raw, const char *answer)
{
    assert_non_null(strstr(raw_call_receive(raw, NULL, LIMIT_MS), answer));
    assert_true(raw_call_is_closed(raw));
    raw_call_close(raw);
}

static void a_request_that_does_not_come_to_an_end_is_told_so_and_cut_off(void **state)
{
    struct stack *stack = *state;
    const char *address = stack_api_address(stack, 0);
    struct raw_call *silent = raw_call_open(address);
    struct raw_call *slow_head = raw_call_open(address);
    struct raw_call *slow_body = raw_call_open(address);
    assert_true(raw_call_send_text(slow_head, "GET /api/v1/oms/"));
    assert_true(
        raw_call_send_text(slow_body, CALL("POST", "abort/") "Content-Length: 9\r\n" END "12345"));
    int64_t started_ms = now_mono_ms();
    assert_ends(slow_head, "HTTP/1.1 408 Request Timeout\r\n");
    assert_ends(slow_body, "{\"detail\": \"The request did not arrive in time.\"}");
    assert_true(now_mono_ms() - started_ms < LIMIT_MS / 2);
    assert_string_equal(raw_call_receive(silent, NULL, LIMIT_MS), "");
    assert_true(raw_call_is_closed(silent));
    raw_call_close(silent);
}

static void a_request_that_drips_has_no_more_time_than_others(void **state)
{
    struct stack *stack = *state;
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, CALL("GET", "plan/") "X-A: "));
    int64_t started_ms = now_mono_ms();
    size_t size = 0;
    while (raw_call_send_text(raw, "a") && !raw_call_is_closed(raw)) {
        assert_true(now_mono_ms() - started_ms < LIMIT_MS);
        (void)raw_call_receive_some(raw, &size, 20);
    }
    assert_ends(raw, "HTTP/1.1 408 ");
}

/* ---- Handshakes ---- */

static void a_caller_that_waits_with_its_body_is_told_to_go_on(void **state)
{
    struct stack *stack = *state;
    char *head = with_key(CALL("POST", "abort/") KEY "Expect: 100-continue\r\n"
                                                     "Content-Length: 5\r\n" END,
                          stack_key(stack, "acme"));
    /* Behind an answer of the same connection, too. */
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, CALL("GET", "nothing") END));
    (void)raw_call_receive(raw, "Not found.\"}", LIMIT_MS);
    assert_true(raw_call_send_text(raw, head));
    const char *answers = raw_call_receive(raw, "}HTTP/1.1 100 Continue\r\n\r\n", LIMIT_MS);
    assert_null(strstr(answers, " 204 "));
    assert_true(raw_call_send_text(raw, "hello" CALL("GET", "nothing") CLOSE END));
    answers = raw_call_receive(raw, NULL, LIMIT_MS);
    assert_non_null(strstr(answers, "}HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n"));
    assert_true(raw_call_is_closed(raw));
    raw_call_close(raw);
    mem_free(head);
}

static void a_caller_that_has_ended_its_side_is_answered(void **state)
{
    struct stack *stack = *state;
    char *request = with_key(CALL("GET", "is_required/") KEY END, stack_key(stack, "acme"));
    for (int i = 0; i < 20; i++) {
        struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
        assert_true(raw_call_send_text(raw, request));
        raw_call_end_sending(raw);
        assert_ends(raw, RESULT("true"));
    }
    mem_free(request);
}

/* The API finds Redis's reply and the end of the caller's side in one turn of its loop. */
static void a_caller_that_ends_its_side_as_the_answer_is_made_gets_it(void **state)
{
    struct stack *stack = *state;
    char *request = with_key(CALL("GET", "get_async_status/") KEY END, stack_key(stack, "acme"));
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    redis_fixture_pause(stack_redis(stack));
    assert_true(raw_call_send_text(raw, request));
    struct http_answer *later = stack_call(stack, "acme", "GET", "openapi.json");
    assert_int_equal(later->status, 200); /* so the question is on its way to Redis */
    http_answer_free(later);

    process_signal(stack_api(stack, 0), SIGSTOP);
    redis_fixture_resume(stack_redis(stack));
    assert_int_equal(redis_int(stack_redis(stack), "EXISTS nothing"), 0); /* it has replied */
    raw_call_end_sending(raw);
    process_signal(stack_api(stack, 0), SIGCONT);
    assert_ends(raw, RESULT("READY"));
    mem_free(request);
}

/* Over TCP a close with bytes unread is a reset, which would destroy the answer. */
static void a_caller_that_goes_on_sending_still_gets_the_refusal(void **state)
{
    enum { PART = 64 * 1024, PARTS = 32 };
    struct stack *stack = *state;
    char *part = mem_new(PART, 1);
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, CALL("POST", "abort/") "Content-Length: 2097152\r\n" END));
    for (int i = 0; i < PARTS; i++) {
        assert_true(raw_call_send(raw, part, PART));
    }
    raw_call_end_sending(raw);
    assert_ends(raw, "The body is larger than 64 KiB.");
    mem_free(part);
}

/* ---- Limits ---- */

static struct raw_call *open_and_ask(const char *address)
{
    struct raw_call *raw = raw_call_open(address);
    assert_true(raw_call_send_text(raw, CALL("GET", "nothing") END));
    (void)raw_call_receive(raw, "Not found.\"}", LIMIT_MS);
    return raw;
}

static void the_connection_that_is_idle_for_the_longest_gives_way(void **state)
{
    enum { MAX = 4 };
    struct stack *stack = *state;
    const char *address = stack_api_address(stack, 0);
    struct raw_call *idle[MAX];
    for (int i = 0; i < MAX; i++) {
        idle[i] = open_and_ask(address);
    }
    assert_true(raw_call_send_text(idle[0], CALL("GET", "nothing") END CALL("GET", "more") END));
    (void)raw_call_receive(idle[0], "\r\nX-Request-Id", LIMIT_MS);
    struct raw_call *last = open_and_ask(address);
    (void)raw_call_receive(idle[1], NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(idle[1]));
    struct raw_call *begun = raw_call_open(address);
    assert_true(raw_call_send_text(begun, "GET /"));
    (void)raw_call_receive(idle[2], NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(idle[2]));
    raw_call_close(last);
    raw_call_close(begun);
    for (int i = 0; i < MAX; i++) {
        raw_call_close(idle[i]);
    }
}

static void requests_that_do_not_end_give_way_when_nobody_is_idle(void **state)
{
    enum { MAX = 4 };
    struct stack *stack = *state;
    const char *address = stack_api_address(stack, 0);
    struct raw_call *begun[MAX];
    for (int i = 0; i < MAX; i++) {
        begun[i] = raw_call_open(address);
        assert_true(raw_call_send_text(begun[i], "GET /"));
    }
    for (int i = 0; i < MAX; i++) {
        raw_call_close(open_and_ask(address));
    }
    (void)raw_call_receive(begun[0], NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(begun[0]));
    for (int i = 0; i < MAX; i++) {
        raw_call_close(begun[i]);
    }
}

static void too_many_connections_of_one_address_are_refused(void **state)
{
    enum { MAX = 3 };
    static const char stranger[] = "127.0.0.2";
    static const char ask[] = CALL("GET", "nothing") END;
    struct stack *stack = *state;
    const char *address = stack_api_address(stack, 0);
    struct raw_call *open[MAX];
    for (int i = 0; i < MAX; i++) {
        open[i] = raw_call_open_from(stranger, address);
        assert_true(raw_call_send_text(open[i], ask));
        (void)raw_call_receive(open[i], "Not found.\"}", LIMIT_MS);
    }
    struct raw_call *refused = raw_call_open_from(stranger, address);
    const char *answer = raw_call_receive(refused, NULL, LIMIT_MS);
    assert_non_null(strstr(answer, "HTTP/1.1 429 Too Many Requests\r\n"));
    assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
    raw_call_close(refused);
    raw_call_close(open_and_ask(address)); /* another address */
    for (int i = 0; i < MAX; i++) {
        assert_true(raw_call_send_text(open[i], ask)); /* those that are there stay */
        raw_call_end_sending(open[i]);
        assert_ends(open[i], "Not found.\"}");
    }
    struct raw_call *again = raw_call_open_from(stranger, address);
    assert_true(raw_call_send_text(again, ask));
    assert_non_null(strstr(raw_call_receive(again, "Not found.\"}", LIMIT_MS), " 404 "));
    raw_call_close(again);
}

static void too_many_requests_at_once_are_503_early(void **state)
{
    enum { MAX = 3 };
    struct stack *stack = *state;
    char *slow = with_key(CALL("GET", "is_required/") KEY CLOSE END, stack_key(stack, "acme"));
    sim_pause(stack_sim(stack));
    struct raw_call *waiting[MAX];
    for (int i = 0; i < MAX; i++) {
        waiting[i] = raw_call_open(stack_api_address(stack, 0));
        assert_true(raw_call_send_text(waiting[i], slow));
    }
    struct raw_call *refused = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(refused, CALL("GET", "nothing") END));
    const char *answer = raw_call_receive(refused, "}", LIMIT_MS);
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
    assert_non_null(strstr(answer, "{\"detail\": \"Too many requests are open.\"}"));
    sim_resume(stack_sim(stack));
    for (int i = 0; i < MAX; i++) {
        assert_ends(waiting[i], RESULT("true"));
    }
    /* The same connection, when there is room again. */
    assert_true(raw_call_send_text(refused, CALL("GET", "nothing") END));
    (void)raw_call_receive(refused, "Not found.", LIMIT_MS);
    raw_call_close(refused);
    mem_free(slow);
}

static void a_caller_that_never_reads_is_cut_off(void **state)
{
    struct stack *stack = *state;
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    int64_t started_ms = now_mono_ms();
    while (raw_call_send_text(raw, CALL("GET", "openapi.json") END)) {
        assert_true(now_mono_ms() - started_ms < LIMIT_MS);
    }
    raw_call_close(raw);
    raw_call_close(open_and_ask(stack_api_address(stack, 0)));
}

/* More answers than a socket holds: the rest waits with the API, and comes as the caller reads. */
static void a_caller_that_reads_late_gets_every_answer(void **state)
{
    enum { CALLS = 200 };
    struct stack *stack = *state;
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    for (int i = 0; i < CALLS; i++) {
        assert_true(raw_call_send_text(raw, CALL("GET", "openapi.json") END));
    }
    assert_true(raw_call_send_text(raw, "GET /last HTTP/1.1\r\nHost: x\r\n" CLOSE END));
    const char *answers = raw_call_receive(raw, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(raw));
    for (int i = 0; i < CALLS; i++) {
        answers = strstr(answers, "HTTP/1.1 200 ");
        assert_non_null(answers);
        answers++;
    }
    assert_non_null(strstr(answers, "HTTP/1.1 404 "));
    raw_call_close(raw);
}

static void an_idle_connection_is_closed_after_its_time(void **state)
{
    struct stack *stack = *state;
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    (void)raw_call_receive(raw, "Not found.", LIMIT_MS);
    assert_false(raw_call_is_closed(raw));
    (void)raw_call_receive(raw, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(raw));
    raw_call_close(raw);
}

static void callers_that_hang_up_do_no_harm(void **state)
{
    struct stack *stack = *state;
    sim_set(stack_sim(stack), "{\"latency_ms\": 100}");
    char *slow = with_key(CALL("GET", "is_required/") KEY END, stack_key(stack, "acme"));
    char *quick = with_key(CALL("POST", "execute/") KEY END, stack_key(stack, "acme"));
    for (int i = 0; i < 50; i++) {
        struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
        assert_true(raw_call_send_text(raw, i % 2 == 0 ? slow : quick));
        raw_call_close(raw);
    }
    mem_free(slow);
    mem_free(quick);
    assert_string_equal(stack_is_required(stack, "acme"), "true");
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
}

int main(void)
{
    static const char *const quick_env[] = {"OMNIHOOK_READ_TIMEOUT_MS=500",
                                            "OMNIHOOK_IDLE_TIMEOUT_MS=700", NULL};
    static const char *const few_env[] = {"OMNIHOOK_CONNECTIONS_MAX=4", NULL};
    static const char *const few_here_env[] = {"OMNIHOOK_ADDRESS_CONNECTIONS_MAX=3", NULL};
    static const char *const few_requests_env[] = {"OMNIHOOK_REQUESTS_MAX=3", NULL};
    struct stack_options quick = api_alone;
    quick.env = quick_env;
    struct stack_options few = api_alone;
    few.env = few_env;
    struct stack_options few_here = api_alone;
    few_here.env = few_here_env;
    few_here.is_tcp = true;
    struct stack_options few_requests = api_alone;
    few_requests.env = few_requests_env;
    struct stack_options by_tcp = api_alone;
    by_tcp.is_tcp = true;

    const struct CMUnitTest tests[] = {
        STACK_TEST(requests_of_one_connection_are_answered_in_their_order, &api_alone),
        STACK_TEST(what_comes_while_a_request_is_served_waits_for_its_turn, &api_alone),
        STACK_TEST(a_body_is_not_read_as_a_request_whatever_the_method, &api_alone),
        STACK_TEST(a_request_that_does_not_come_to_an_end_is_told_so_and_cut_off, &quick),
        STACK_TEST(a_request_that_drips_has_no_more_time_than_others, &quick),
        STACK_TEST(an_idle_connection_is_closed_after_its_time, &quick),
        STACK_TEST(a_caller_that_reads_late_gets_every_answer, &api_alone),
        STACK_TEST(a_caller_that_waits_with_its_body_is_told_to_go_on, &api_alone),
        STACK_TEST(a_caller_that_has_ended_its_side_is_answered, &api_alone),
        STACK_TEST(a_caller_that_ends_its_side_as_the_answer_is_made_gets_it, &api_alone),
        STACK_TEST(a_caller_that_goes_on_sending_still_gets_the_refusal, &by_tcp),
        STACK_TEST(the_connection_that_is_idle_for_the_longest_gives_way, &few),
        STACK_TEST(requests_that_do_not_end_give_way_when_nobody_is_idle, &few),
        STACK_TEST(too_many_connections_of_one_address_are_refused, &few_here),
        STACK_TEST(too_many_requests_at_once_are_503_early, &few_requests),
        STACK_TEST(a_caller_that_never_reads_is_cut_off, &quick),
        STACK_TEST(callers_that_hang_up_do_no_harm, &api_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
