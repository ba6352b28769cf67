/* The HTTP API as a caller sees it: every kind of request, good and bad, on the real process. */
#include "common/mem.h"
#include "common/now.h"
#include "common/strbuf.h"
#include "tests/support/fail.h"
#include "tests/support/raw_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIMIT_MS = 10000,
    BURST = 100,
    REQUEST_BYTES_MAX = 64 * 1024,
    BODY_ALLOWED = 64 * 1024,
    HEADER_ALLOWED = 15 * 1024, /* together with the other headers it stays below 16 KiB */
    HEADER_TOO_LARGE = 17 * 1024,
};

#define PREFIX "/api/v1/oms/setup/webhooks/"
#define CALL(method, path) method " " PREFIX path " HTTP/1.1\r\nHost: oms.example\r\n"
#define KEY "Authorization: Token {key}\r\n"
#define CLOSE "Connection: close\r\n"
#define END "\r\n"

#define DETAIL(text) "{\"detail\": \"" text "\"}"
#define RESULT(text) "{\"result\": \"" text "\"}"
#define NOT_PROVIDED DETAIL("Authentication credentials were not provided.")
#define INVALID_TOKEN DETAIL("Invalid token.")
#define NOT_ALLOWED(method) DETAIL("Method \\\"" method "\\\" not allowed.")

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

/* ---- One request, one answer ---- */

/* What a row expects; {key} in the request stands for acme's API key. */
struct shape {
    const char *name;
    const char *request; /* without the empty line; Connection: close is added */
    int status;
    const char *header; /* one header line that must be there; NULL = none in particular */
    const char *body;   /* NULL = none */
};

static const struct shape shapes[] = {
    /* What is published */
    {"status", CALL("GET", "get_async_status/") KEY, 200, NULL, RESULT("READY")},
    {"status by POST", CALL("POST", "get_async_status/") KEY, 200, NULL, RESULT("READY")},
    {"is_required", CALL("GET", "is_required/") KEY, 200, NULL, RESULT("true")},
    {"is_required by POST", CALL("POST", "is_required/") KEY, 200, NULL, RESULT("true")},
    {"status without slash", CALL("GET", "get_async_status") KEY, 200, NULL, RESULT("READY")},
    {"is_required without slash", CALL("GET", "is_required") KEY, 200, NULL, RESULT("true")},
    {"a query changes nothing", CALL("GET", "get_async_status/?token=x&a=b") KEY, 200, NULL,
     RESULT("READY")},
    {"abort of nothing", CALL("POST", "abort/") KEY, 204, NULL, NULL},
    {"report of nothing", CALL("GET", "report/") KEY, 404, NULL, DETAIL("Not found.")},

    {"HEAD of the description", CALL("HEAD", "openapi.json"), 200, NULL, NULL},

    /* HEAD and OPTIONS */
    {"HEAD status", CALL("HEAD", "get_async_status/") KEY, 200, "Content-Length: 19", NULL},
    {"HEAD is_required", CALL("HEAD", "is_required/") KEY, 200, "Content-Length: 18", NULL},
    {"HEAD without key", CALL("HEAD", "plan/"), 401, "WWW-Authenticate: Token", NULL},
    {"HEAD of execute", CALL("HEAD", "execute/") KEY, 405, "Allow: POST, OPTIONS", NULL},
    {"OPTIONS execute", CALL("OPTIONS", "execute/"), 204, "Allow: POST, OPTIONS", NULL},
    {"OPTIONS abort", CALL("OPTIONS", "abort"), 204, "Allow: POST, OPTIONS", NULL},
    {"OPTIONS status", CALL("OPTIONS", "get_async_status/"), 204, "Allow: GET, POST, HEAD, OPTIONS",
     NULL},
    {"OPTIONS plan", CALL("OPTIONS", "plan/"), 204, "Allow: GET, HEAD, OPTIONS", NULL},
    {"OPTIONS with a bad key", CALL("OPTIONS", "plan/") "Authorization: Token x\r\n", 204,
     "Allow: GET, HEAD, OPTIONS", NULL},

    /* The token header */
    {"no key", CALL("POST", "execute/"), 401, "WWW-Authenticate: Token", NOT_PROVIDED},
    {"empty header", CALL("POST", "execute/") "Authorization:\r\n", 401, "WWW-Authenticate: Token",
     NOT_PROVIDED},
    {"bearer", CALL("POST", "execute/") "Authorization: Bearer {key}\r\n", 401,
     "WWW-Authenticate: Token", NOT_PROVIDED},
    {"the key alone", CALL("POST", "execute/") "Authorization: {key}\r\n", 401,
     "WWW-Authenticate: Token", NOT_PROVIDED},
    {"the word alone", CALL("POST", "execute/") "Authorization: Token\r\n", 401,
     "WWW-Authenticate: Token", DETAIL("Invalid token header. No credentials provided.")},
    {"the word and a space", CALL("POST", "execute/") "Authorization: Token \r\n", 401,
     "WWW-Authenticate: Token", DETAIL("Invalid token header. No credentials provided.")},
    {"two words", CALL("POST", "execute/") "Authorization: Token {key} x\r\n", 401,
     "WWW-Authenticate: Token",
     DETAIL("Invalid token header. Token string should not contain spaces.")},
    {"unknown key", CALL("POST", "execute/") "Authorization: Token {key}0\r\n", 401,
     "WWW-Authenticate: Token", INVALID_TOKEN},
    {"the hash of a key is no key", CALL("POST", "execute/") "Authorization: Token sha256:0123\r\n",
     401, "WWW-Authenticate: Token", INVALID_TOKEN},
    {"lower case", CALL("GET", "get_async_status/") "authorization: token {key}\r\n", 200, NULL,
     RESULT("READY")},
    {"upper case", CALL("GET", "get_async_status/") "AUTHORIZATION: TOKEN {key}\r\n", 200, NULL,
     RESULT("READY")},
    {"white space", CALL("GET", "get_async_status/") "Authorization:Token \t {key} \r\n", 200, NULL,
     RESULT("READY")},
    {"8 bit", CALL("GET", "get_async_status/") "Authorization: Token \xff\xfe\r\n", 401,
     "WWW-Authenticate: Token", INVALID_TOKEN},

    /* Methods */
    {"GET execute", CALL("GET", "execute/") KEY, 405, "Allow: POST, OPTIONS", NOT_ALLOWED("GET")},
    {"PUT execute", CALL("PUT", "execute/") KEY, 405, "Allow: POST, OPTIONS", NOT_ALLOWED("PUT")},
    {"DELETE status", CALL("DELETE", "get_async_status/") KEY, 405,
     "Allow: GET, POST, HEAD, OPTIONS", NOT_ALLOWED("DELETE")},
    {"PATCH is_required", CALL("PATCH", "is_required/") KEY, 405, "Allow: GET, POST, HEAD, OPTIONS",
     NOT_ALLOWED("PATCH")},
    {"TRACE plan", CALL("TRACE", "plan/") KEY, 405, "Allow: GET, HEAD, OPTIONS",
     NOT_ALLOWED("TRACE")},
    {"POST report", CALL("POST", "report/") KEY, 405, "Allow: GET, HEAD, OPTIONS",
     NOT_ALLOWED("POST")},
    {"GET abort", CALL("GET", "abort/") KEY, 405, "Allow: POST, OPTIONS", NOT_ALLOWED("GET")},
    {"the key comes before the method", CALL("PUT", "execute/"), 401, "WWW-Authenticate: Token",
     NOT_PROVIDED},

    /* Paths */
    {"nothing there", CALL("GET", "nothing/") KEY, 404, NULL, DETAIL("Not found.")},
    {"nothing there without key", CALL("GET", "nothing/"), 404, NULL, DETAIL("Not found.")},
    {"OPTIONS of nothing", CALL("OPTIONS", "nothing/"), 404, NULL, DETAIL("Not found.")},
    {"two last slashes", CALL("GET", "plan//") KEY, 404, NULL, DETAIL("Not found.")},
    {"two first slashes", "GET //x" PREFIX "get_async_status/ HTTP/1.1\r\nHost: x\r\n" KEY, 404,
     NULL, DETAIL("Not found.")},
    {"other case", CALL("GET", "PLAN/") KEY, 404, NULL, DETAIL("Not found.")},
    {"the root", "GET / HTTP/1.1\r\nHost: x\r\n", 404, NULL, DETAIL("Not found.")},
    {"the prefix", CALL("GET", "") KEY, 404, NULL, DETAIL("Not found.")},
    {"the absolute form",
     "GET http://oms.example" PREFIX "get_async_status/ HTTP/1.1\r\nHost: oms.example\r\n" KEY, 200,
     NULL, RESULT("READY")},

    /* Bodies are ignored */
    {"a JSON body", CALL("POST", "abort/") KEY "Content-Length: 11\r\n\r\n{\"a\":\"b\"}\r\n", 204,
     NULL, NULL},
    {"a body that is no JSON", CALL("POST", "abort/") KEY "Content-Length: 3\r\n\r\n{\"a", 204,
     NULL, NULL},
    {"a chunked body",
     CALL("POST", "abort/") KEY "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 204,
     NULL, NULL},
    {"a GET with a body", CALL("GET", "get_async_status/") KEY "Content-Length: 2\r\n\r\n{}", 200,
     NULL, RESULT("READY")},

    /* Malformed */
    {"no host", "GET " PREFIX "get_async_status/ HTTP/1.1\r\n" KEY, 400, "Connection: close",
     DETAIL("Malformed request: no Host header.")},
    {"two keys", CALL("GET", "get_async_status/") KEY KEY, 400, "Connection: close",
     DETAIL("Malformed request: more than one Authorization header.")},
    {"two hosts", CALL("GET", "get_async_status/") KEY "Host: oms.example\r\n", 400,
     "Connection: close",
     DETAIL("Malformed request: a header that may be there once is repeated.")},
    {"two lengths", CALL("POST", "abort/") KEY "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
     400, "Connection: close",
     DETAIL("Malformed request: a header that may be there once is repeated.")},
    {"malformed comes before not found", "GET /nothing HTTP/1.1\r\n", 400, "Connection: close",
     DETAIL("Malformed request: no Host header.")},

    /* The caller's request id */
    {"a good id", CALL("GET", "get_async_status/") KEY "X-Request-Id: a.B_9-\r\n", 200,
     "X-Request-Id: a.B_9-", RESULT("READY")},
    {"a good id of an error", CALL("GET", "nothing") "X-Request-Id: abc\r\n", 404,
     "X-Request-Id: abc", DETAIL("Not found.")},
};
enum { SHAPE_COUNT = sizeof shapes / sizeof *shapes };

/* text with each {key} replaced; to be mem_freed. */
static char *with_key(const char *text, const char *key)
{
    static const char mark[] = "{key}";
    struct strbuf result;
    strbuf_init(&result, REQUEST_BYTES_MAX);
    const char *found = NULL;
    while ((found = strstr(text, mark)) != NULL) {
        strbuf_add(&result, text, (size_t)(found - text));
        strbuf_add_text(&result, key);
        text = found + sizeof mark - 1;
    }
    strbuf_add_text(&result, text);
    return strbuf_take(&result);
}

/* The header lines of a row's request end where its body begins, or at its end. */
static char *complete_request(const struct shape *shape, const char *key)
{
    const char *body = strstr(shape->request, "\r\n\r\n");
    struct strbuf request;
    strbuf_init(&request, REQUEST_BYTES_MAX);
    if (body == NULL) {
        strbuf_addf(&request, "%s" CLOSE END, shape->request);
    } else {
        strbuf_add(&request, shape->request, (size_t)(body + 2 - shape->request));
        strbuf_addf(&request, CLOSE "%s", body + 2);
    }
    char *result = with_key(request.bytes, key);
    strbuf_clear(&request);
    return result;
}

static void assert_has(const struct shape *shape, const char *answer, const char *line)
{
    if (strstr(answer, line) == NULL) {
        fail_because("%s: no \"%s\" in\n%s", shape->name, line, answer);
    }
}

static void assert_answer(const struct shape *shape, const char *answer)
{
    char line[128];
    (void)snprintf(line, sizeof line, "HTTP/1.1 %d ", shape->status);
    if (strncmp(answer, line, strlen(line)) != 0) {
        fail_because("%s: not %d but\n%s", shape->name, shape->status, answer);
    }
    assert_has(shape, answer, "\r\nCache-Control: no-store\r\n");
    assert_has(shape, answer, "\r\nX-Request-Id: ");
    if (shape->header != NULL) {
        (void)snprintf(line, sizeof line, "\r\n%s\r\n", shape->header);
        assert_has(shape, answer, line);
    }
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    if (shape->body == NULL) {
        assert_string_equal(body + 4, "");
        return;
    }
    assert_string_equal(body + 4, shape->body);
    assert_has(shape, answer, "\r\nContent-Type: application/json\r\n");
    (void)snprintf(line, sizeof line, "\r\nContent-Length: %zu\r\n", strlen(shape->body));
    assert_has(shape, answer, line);
}

static void every_shape_of_request_is_answered_as_promised(void **state)
{
    struct stack *stack = *state;
    for (int i = 0; i < SHAPE_COUNT; i++) {
        char *request = complete_request(&shapes[i], stack_key(stack, "acme"));
        struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
        assert_true(raw_call_send_text(raw, request));
        assert_answer(&shapes[i], raw_call_receive(raw, NULL, LIMIT_MS));
        assert_true(raw_call_is_closed(raw));
        raw_call_close(raw);
        mem_free(request);
    }
}

/* ---- Requests that are too large ---- */

static int call_with(struct stack *stack, const char *header_name, size_t header_size,
                     size_t body_size, const char *detail)
{
    char *header = mem_new(header_size + 64, 1);
    int at = snprintf(header, 64, "%s: ", header_name);
    memset(header + at, 'a', header_size);
    char *body = body_size == 0 ? NULL : mem_new(body_size + 1, 1);
    if (body != NULL) {
        memset(body, 'b', body_size);
    }
    char key[128];
    (void)snprintf(key, sizeof key, "Authorization: Token %s", stack_key(stack, "acme"));
    const char *const headers[] = {key, header, NULL};
    const struct http_call call = {.method = "POST",
                                   .address = stack_api_address(stack, 0),
                                   .path = PREFIX "abort/",
                                   .headers = headers,
                                   .body = body};
    struct http_answer *answer = http_call(&call);
    int status = answer->status;
    if (detail != NULL) {
        assert_string_equal(http_answer_text(answer, "detail"), detail);
    }
    http_answer_free(answer);
    mem_free(body);
    mem_free(header);
    return status;
}

static void bodies_of_64_kib_are_taken_and_larger_ones_are_not(void **state)
{
    static const char detail[] = "The body is larger than 64 KiB.";
    struct stack *stack = *state;
    assert_int_equal(call_with(stack, "X-A", 1, BODY_ALLOWED, NULL), 204);
    assert_int_equal(call_with(stack, "X-A", 1, BODY_ALLOWED + 1, detail), 413);
}

static void headers_of_15_kib_are_taken_and_of_17_are_not(void **state)
{
    static const char detail[] = "The headers are larger than 16 KiB.";
    struct stack *stack = *state;
    assert_int_equal(call_with(stack, "X-A", HEADER_ALLOWED, 0, NULL), 204);
    assert_int_equal(call_with(stack, "X-A", HEADER_TOO_LARGE, 0, detail), 431);
}

static void a_bad_request_id_is_replaced_by_ours(void **state)
{
    struct stack *stack = *state;
    char too_long[160];
    memset(too_long, 'a', sizeof too_long);
    (void)snprintf(too_long, 16, "X-Request-Id: ");
    too_long[14] = 'a';
    too_long[14 + 129] = '\0';
    const char *const bad[] = {"X-Request-Id: a b", "X-Request-Id: \xc3\xa7", "X-Request-Id: a,b",
                               too_long};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const headers[] = {bad[i], NULL};
        const struct http_call call = {
            .address = stack_api_address(stack, 0), .path = "/nothing", .headers = headers};
        struct http_answer *answer = http_call(&call);
        char *id = http_answer_header(answer, "X-Request-Id");
        assert_non_null(id);
        assert_int_equal(strlen(id), 32);
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        mem_free(id);
        http_answer_free(answer);
    }
}

/* ---- Connections ---- */

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

static void a_request_that_does_not_come_to_an_end_is_cut_off(void **state)
{
    struct stack *stack = *state;
    struct raw_call *silent = raw_call_open(stack_api_address(stack, 0));
    struct raw_call *slow = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(slow, "GET /api/v1/oms/"));
    int64_t started_ms = now_mono_ms();
    (void)raw_call_receive(slow, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(slow));
    assert_true(now_mono_ms() - started_ms < 5000);
    (void)raw_call_receive(silent, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(silent));
    raw_call_close(slow);
    raw_call_close(silent);
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

/* ---- The calls ---- */

static void execute_answers_204_with_the_job_in_redis(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(stack_execute(stack, "acme"), 204);
    struct redis_fixture *redis = stack_redis(stack);
    assert_int_equal(redis_int(redis, "LLEN {omnihook}:queue"), 1);
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
    assert_string_equal(stack_status(stack, "other"), "READY");
    json_t *report = stack_report(stack, "acme");
    assert_string_equal(json_string_value(json_object_get(report, "account")), "acme");
    assert_string_equal(json_string_value(json_object_get(report, "state")), "WORKING");
    json_decref(report);

    struct http_answer *aborted = stack_call(stack, "acme", "POST", "abort/");
    assert_int_equal(aborted->status, 204);
    http_answer_free(aborted);
    assert_string_equal(stack_status(stack, "acme"), "ABORTED");
}

static void plan_tells_what_execute_would_do(void **state)
{
    struct stack *stack = *state;
    struct http_answer *answer = stack_call(stack, "acme", "GET", "plan/");
    assert_int_equal(answer->status, 200);
    assert_string_equal(http_answer_text(answer, "account"), "acme");
    assert_true(json_is_true(json_object_get(answer->json, "required")));
    json_t *first = json_array_get(json_object_get(answer->json, "webhooks"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "action")), "create");
    http_answer_free(answer);
}

static void the_description_names_every_call(void **state)
{
    struct stack *stack = *state;
    struct http_answer *answer = stack_call(stack, NULL, "GET", "openapi.json");
    assert_int_equal(answer->status, 200);
    json_t *paths = json_object_get(answer->json, "paths");
    static const char *const calls[] = {"/execute/",    "/get_async_status/", "/is_required/",
                                        "/plan/",       "/report/",           "/abort/",
                                        "/openapi.json"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        assert_non_null(json_object_get(paths, calls[i]));
    }
    assert_int_equal(json_object_size(paths), sizeof calls / sizeof *calls);
    http_answer_free(answer);
}

static void a_full_queue_refuses_new_jobs_and_says_when_to_come_again(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(stack_execute(stack, "acme"), 204);
    struct http_answer *answer = stack_call(stack, "other", "POST", "execute/");
    assert_int_equal(answer->status, 503);
    assert_string_equal(http_answer_text(answer, "detail"), "The job queue is full.");
    char *retry_after = http_answer_header(answer, "Retry-After");
    assert_non_null(retry_after);
    mem_free(retry_after);
    http_answer_free(answer);
    assert_int_equal(stack_execute(stack, "acme"), 204);
}

static void a_burst_of_is_required_costs_two_list_reads_at_most(void **state)
{
    struct stack *stack = *state;
    sim_set(stack_sim(stack), "{\"latency_ms\": 100}");
    char *request = with_key(CALL("GET", "is_required/") KEY CLOSE END, stack_key(stack, "acme"));
    struct raw_call *calls[BURST];
    for (int i = 0; i < BURST; i++) {
        calls[i] = raw_call_open(stack_api_address(stack, 0));
        assert_true(raw_call_send_text(calls[i], request));
    }
    for (int i = 0; i < BURST; i++) {
        assert_non_null(strstr(raw_call_receive(calls[i], NULL, LIMIT_MS), RESULT("true")));
        raw_call_close(calls[i]);
    }
    mem_free(request);
    int64_t reads = sim_route_count(stack_sim(stack), "GET /whisperer/hooks/", 0);
    assert_in_range(reads, 1, 2);
}

static void is_required_answers_from_a_list_that_was_read_after_the_call(void **state)
{
    struct stack *stack = *state;
    assert_string_equal(stack_is_required(stack, "acme"), "true");
    sim_seed(stack_sim(stack), "[{\"username\":\"acme\",\"event_type\":\"package.created\","
                               "\"target_url\":\"https://erp.example/a\",\"is_active\":true}]");
    assert_string_equal(stack_is_required(stack, "acme"), "false");
}

static void assert_is_required_fails(struct stack *stack, int status, int64_t below_ms)
{
    struct http_answer *answer = stack_call(stack, "acme", "GET", "is_required/");
    assert_int_equal(answer->status, status);
    assert_non_null(http_answer_text(answer, "detail"));
    assert_null(strstr(answer->body, stack_token(stack, "acme")));
    assert_true(answer->took_ms < below_ms);
    http_answer_free(answer);
}

static void omnitron_that_refuses_is_502_and_one_that_is_silent_504(void **state)
{
    struct stack *stack = *state;
    sim_expire_token(stack_sim(stack), "acme");
    assert_is_required_fails(stack, 502, 5000);
    sim_pause(stack_sim(stack));
    assert_is_required_fails(stack, 504, 5000);
    sim_resume(stack_sim(stack));
    sim_kill(stack_sim(stack));
    assert_is_required_fails(stack, 502, 5000);
}

/* ---- Redis away ---- */

static int status_of(struct stack *stack, const char *method, const char *path)
{
    struct http_answer *answer = stack_call(stack, "acme", method, path);
    int status = answer->status;
    if (status == 503) {
        char *retry_after = http_answer_header(answer, "Retry-After");
        assert_non_null(retry_after);
        mem_free(retry_after);
        assert_non_null(http_answer_text(answer, "detail"));
    }
    http_answer_free(answer);
    return status;
}

static int readiness(struct stack *stack)
{
    struct http_answer *answer = stack_ops_call(stack_api_ops_address(stack, 0), "/readyz");
    int status = answer->status;
    assert_non_null(http_answer_text(answer, status == 200 ? "status" : "reason"));
    http_answer_free(answer);
    return status;
}

static bool is_ready(void *arg)
{
    return readiness(arg) == 200;
}

static bool is_not_ready(void *arg)
{
    return readiness(arg) == 503;
}

static void without_redis_jobs_are_refused_and_omnitron_is_still_asked(void **state)
{
    struct stack *stack = *state;
    assert_becomes_true(is_ready, stack, LIMIT_MS);
    redis_fixture_kill(stack_redis(stack));
    assert_becomes_true(is_not_ready, stack, LIMIT_MS);
    assert_int_equal(status_of(stack, "POST", "execute/"), 503);
    assert_int_equal(status_of(stack, "POST", "abort/"), 503);
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 503);
    assert_int_equal(status_of(stack, "GET", "report/"), 503);
    assert_int_equal(status_of(stack, "GET", "is_required/"), 200);
    assert_int_equal(status_of(stack, "GET", "plan/"), 200);
    struct http_answer *health = stack_ops_call(stack_api_ops_address(stack, 0), "/healthz");
    assert_int_equal(health->status, 200);
    http_answer_free(health);

    redis_fixture_start(stack_redis(stack));
    assert_becomes_true(is_ready, stack, LIMIT_MS);
    assert_int_equal(status_of(stack, "POST", "execute/"), 204);
}

static void a_redis_that_does_not_answer_is_503_and_not_a_204(void **state)
{
    struct stack *stack = *state;
    redis_fixture_pause(stack_redis(stack));
    assert_int_equal(status_of(stack, "POST", "execute/"), 503);
    redis_fixture_resume(stack_redis(stack));
    assert_becomes_true(is_ready, stack, LIMIT_MS);
}

static bool shows_settings_fault(void *arg)
{
    struct http_answer *answer = stack_ops_call(stack_api_ops_address(arg, 0), "/readyz");
    assert_int_equal(answer->status, 200);
    bool is_shown = http_answer_text(answer, "settings_fault") != NULL;
    http_answer_free(answer);
    return is_shown;
}

static void a_settings_file_that_broke_is_shown_and_changes_nothing(void **state)
{
    struct stack *stack = *state;
    temp_dir_replace_file(stack_dir(stack), STACK_SETTINGS, "{\"accounts\": 5}");
    process_signal(stack_api(stack, 0), SIGHUP);
    assert_becomes_true(shows_settings_fault, stack, LIMIT_MS);
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);
}

/* ---- Stopping ---- */

static void a_stop_answers_what_is_in_flight_and_closes_what_is_idle(void **state)
{
    struct stack *stack = *state;
    sim_set(stack_sim(stack), "{\"latency_ms\": 1000}");
    char *request = with_key(CALL("GET", "is_required/") KEY END, stack_key(stack, "acme"));
    const char *address = stack_api_address(stack, 0);
    struct raw_call *idle = raw_call_open(address);
    assert_true(raw_call_send_text(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    (void)raw_call_receive(idle, "Not found.", LIMIT_MS);
    struct raw_call *begun = raw_call_open(address);
    assert_true(raw_call_send_text(begun, "GET / HTTP/1.1\r\n"));
    struct raw_call *in_flight = raw_call_open(address);
    assert_true(raw_call_send_text(in_flight, request));
    /* All have been read: this call came after them. */
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);

    process_signal(stack_api(stack, 0), SIGTERM);
    (void)raw_call_receive(idle, NULL, LIMIT_MS);
    assert_true(raw_call_is_closed(idle));
    assert_true(raw_call_send_text(begun, "Host: x\r\n\r\n"));
    const char *late = raw_call_receive(begun, NULL, LIMIT_MS);
    assert_non_null(strstr(late, "HTTP/1.1 404 "));
    assert_non_null(strstr(late, "\r\nConnection: close\r\n"));
    assert_true(raw_call_is_closed(begun));
    const char *answer = raw_call_receive(in_flight, NULL, LIMIT_MS);
    assert_non_null(strstr(answer, RESULT("true")));
    assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
    assert_int_equal(process_wait_exit(stack_api(stack, 0), LIMIT_MS), 0);
    raw_call_close(idle);
    raw_call_close(begun);
    raw_call_close(in_flight);
    mem_free(request);
}

static void what_is_still_open_after_the_grace_time_is_answered_503(void **state)
{
    struct stack *stack = *state;
    sim_pause(stack_sim(stack));
    char *request = with_key(CALL("GET", "is_required/") KEY END, stack_key(stack, "acme"));
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(raw, request));
    struct raw_call *begun = raw_call_open(stack_api_address(stack, 0));
    assert_true(raw_call_send_text(begun, "GET / HTTP/1.1\r\n"));
    /* Both have been read: this call came after them. */
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);
    process_signal(stack_api(stack, 0), SIGTERM);
    const char *answer = raw_call_receive(raw, NULL, LIMIT_MS);
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    assert_non_null(strstr(answer, "\r\nRetry-After: "));
    assert_int_equal(process_wait_exit(stack_api(stack, 0), LIMIT_MS), 0);
    raw_call_close(raw);
    raw_call_close(begun);
    mem_free(request);
    sim_resume(stack_sim(stack));
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

/* ---- Starting ---- */

/* Another API with the stack's Redis and settings, that cannot start; its exit code. */
static int start_second(struct stack *stack, const char *listen, const char *ops_listen)
{
    char variables[4][512];
    char *path = temp_dir_join(stack_dir(stack), STACK_SETTINGS);
    (void)snprintf(variables[0], sizeof variables[0], "OMNIHOOK_LISTEN=%s", listen);
    (void)snprintf(variables[1], sizeof variables[1], "OMNIHOOK_OPS_LISTEN=%s", ops_listen);
    (void)snprintf(variables[2], sizeof variables[2], "OMNIHOOK_SETTINGS=%s", path);
    (void)snprintf(variables[3], sizeof variables[3], "REDIS_URL=%s",
                   redis_fixture_url(stack_redis(stack)));
    mem_free(path);
    const char *const env[] = {variables[0], variables[1], variables[2], variables[3], NULL};
    const char *const argv[] = {TEST_BIN_DIR "/omnihook-api", NULL};
    const struct process_options options = {
        .name = "second", .argv = argv, .env = env, .dir = stack_dir(stack)};
    struct process *second = process_start(&options);
    int exit_code = process_wait_exit(second, LIMIT_MS);
    assert_true(process_has_line(second, PROCESS_STDERR, "event=cannot_start"));
    process_free(second);
    return exit_code;
}

static void an_address_in_use_ends_the_start_with_1(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(start_second(stack, stack_api_address(stack, 0), "off"), 1);
    assert_int_equal(start_second(stack, "127.0.0.1:0", stack_api_ops_address(stack, 0)), 1);
    /* The first is untouched: its socket files have not been taken from it. */
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);
    assert_becomes_true(is_ready, stack, LIMIT_MS);
}

static void a_socket_file_that_was_left_over_is_replaced(void **state)
{
    struct stack *stack = *state;
    process_kill(stack_api(stack, 0));
    char listen[256];
    (void)snprintf(listen, sizeof listen, "OMNIHOOK_LISTEN=%s", stack_api_address(stack, 0));
    const char *const env[] = {listen, NULL};
    size_t again = stack_start_api(stack, env);
    assert_string_equal(stack_api_address(stack, again), stack_api_address(stack, 0));
    assert_int_equal(status_of(stack, "GET", "get_async_status/"), 200);
}

int main(void)
{
    static const char *const quick[] = {"OMNIHOOK_READ_TIMEOUT_MS=500",
                                        "OMNIHOOK_IDLE_TIMEOUT_MS=700", NULL};
    static const char *const short_requests[] = {"OMNIHOOK_REQUEST_TIMEOUT_MS=700",
                                                 "OMNIHOOK_RETRY_MAX_MS=20",
                                                 "OMNIHOOK_RETRY_BASE_MS=10", NULL};
    static const char *const short_redis[] = {"OMNIHOOK_REDIS_TIMEOUT_MS=500", NULL};
    static const char *const short_grace[] = {"OMNIHOOK_GRACE_MS=500", NULL};
    static const char *const small_queue[] = {"OMNIHOOK_QUEUE_MAX=1", NULL};
    struct stack_options with_quick = api_alone;
    with_quick.env = quick;
    struct stack_options with_short_requests = api_alone;
    with_short_requests.env = short_requests;
    struct stack_options with_short_redis = api_alone;
    with_short_redis.env = short_redis;
    struct stack_options with_short_grace = api_alone;
    with_short_grace.env = short_grace;
    struct stack_options with_small_queue = api_alone;
    with_small_queue.env = small_queue;

    const struct CMUnitTest tests[] = {
        STACK_TEST(every_shape_of_request_is_answered_as_promised, &api_alone),
        STACK_TEST(bodies_of_64_kib_are_taken_and_larger_ones_are_not, &api_alone),
        STACK_TEST(headers_of_15_kib_are_taken_and_of_17_are_not, &api_alone),
        STACK_TEST(a_bad_request_id_is_replaced_by_ours, &api_alone),
        STACK_TEST(requests_of_one_connection_are_answered_in_their_order, &api_alone),
        STACK_TEST(a_body_is_not_read_as_a_request_whatever_the_method, &api_alone),
        STACK_TEST(a_request_that_does_not_come_to_an_end_is_cut_off, &with_quick),
        STACK_TEST(an_idle_connection_is_closed_after_its_time, &with_quick),
        STACK_TEST(execute_answers_204_with_the_job_in_redis, &api_alone),
        STACK_TEST(plan_tells_what_execute_would_do, &api_alone),
        STACK_TEST(the_description_names_every_call, &api_alone),
        STACK_TEST(a_full_queue_refuses_new_jobs_and_says_when_to_come_again, &with_small_queue),
        STACK_TEST(a_burst_of_is_required_costs_two_list_reads_at_most, &api_alone),
        STACK_TEST(is_required_answers_from_a_list_that_was_read_after_the_call, &api_alone),
        STACK_TEST(omnitron_that_refuses_is_502_and_one_that_is_silent_504, &with_short_requests),
        STACK_TEST(without_redis_jobs_are_refused_and_omnitron_is_still_asked, &api_alone),
        STACK_TEST(a_redis_that_does_not_answer_is_503_and_not_a_204, &with_short_redis),
        STACK_TEST(a_settings_file_that_broke_is_shown_and_changes_nothing, &api_alone),
        STACK_TEST(a_stop_answers_what_is_in_flight_and_closes_what_is_idle, &api_alone),
        STACK_TEST(what_is_still_open_after_the_grace_time_is_answered_503, &with_short_grace),
        STACK_TEST(callers_that_hang_up_do_no_harm, &api_alone),
        STACK_TEST(an_address_in_use_ends_the_start_with_1, &api_alone),
        STACK_TEST(a_socket_file_that_was_left_over_is_replaced, &api_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
