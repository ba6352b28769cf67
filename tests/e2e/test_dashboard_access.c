/* Who may read and act on the ops listener of the API, and what a call that may not leaves behind.
 */
#include "api/wrong_keys.h"
#include "common/mem.h"
#include "tests/support/ops_call.h"
#include "tests/support/raw_call.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { LIMIT_MS = 30000 };

#define EXECUTE "{\"account\": \"acme\"}"

static const struct stack_account accounts[] = {{.name = "acme", .webhooks = "[]"}};
static const char *const on_unix[] = {ops_keys_entry, NULL};
static const char *const on_tcp[] = {ops_keys_entry, "OMNIHOOK_OPS_LISTEN=127.0.0.1:0", NULL};
static const char *const everywhere[] = {ops_keys_entry, "OMNIHOOK_OPS_LISTEN=0.0.0.0:0", NULL};
static const char *const several[] = {ops_keys_entry, "OMNIHOOK_OPS_LISTEN=127.0.0.1:0",
                                      "OMNIHOOK_PROCESSES=2", NULL};
static const char *const without_keys[] = {"OMNIHOOK_OPS_LISTEN=127.0.0.1:0", NULL};
#define ONE_API(environment)                                                                       \
    {.accounts = accounts, .account_count = 1, .api_count = 1, .env = (environment)}
static struct stack_options unix_socket = ONE_API(on_unix);
static struct stack_options tcp = ONE_API(on_tcp);
static struct stack_options all_addresses = ONE_API(everywhere);
static struct stack_options two_processes = ONE_API(several);
static struct stack_options no_keys = ONE_API(without_keys);

/* What stands in Redis, in one text. */
static const char *fingerprint(struct stack *stack)
{
    return redis_text(stack_redis(stack), "EVAL %s 0",
                      "local keys = redis.call('KEYS', '*') table.sort(keys) local all = '' "
                      "for _, key in ipairs(keys) do all = all .. key .. redis.call('DUMP', key) "
                      "end return redis.sha1hex(all)");
}

static void assert_answer(struct stack *stack, const struct ops_call *call, int status,
                          const char *detail)
{
    struct http_answer *answer = ops_call(stack, call);
    assert_int_equal(answer->status, status);
    if (detail != NULL) {
        assert_string_equal(http_answer_text(answer, "detail"), detail);
    }
    if (status == 401) {
        char *challenge = http_answer_header(answer, "WWW-Authenticate");
        assert_string_equal(challenge, "Token");
        mem_free(challenge);
    }
    http_answer_free(answer);
}

static const char *const reads[] = {
    "/ops/session",
    "/ops/overview",
    "/ops/accounts",
    "/ops/accounts?view=active",
    "/ops/workers",
    "/ops/dead",
    "/ops/history?account=acme",
    "/ops/plan?account=acme",
};
enum { READS = sizeof reads / sizeof *reads };

static void who_is_on_this_host_reads_without_a_key(void **state)
{
    for (size_t i = 0; i < READS; i++) {
        assert_answer(*state, &(struct ops_call){.path = reads[i]}, 200, NULL);
        assert_answer(*state, &(struct ops_call){.path = reads[i], .method = "HEAD"}, 200, NULL);
    }
}

static void a_key_reads_and_may_act(void **state)
{
    struct stack *stack = *state;
    for (size_t i = 0; i < READS; i++) {
        assert_answer(stack, &(struct ops_call){.path = reads[i], .key = OPS_KEY}, 200, NULL);
    }
    json_t *session = ops_read(stack, "/ops/session");
    assert_true(json_is_true(json_object_get(session, "can_act")));
    assert_true(json_is_true(json_object_get(session, "keys_configured")));
    json_decref(session);
    assert_int_equal(ops_act(stack, "/ops/execute", EXECUTE), 204);
}

static void a_key_counts_from_anywhere(void **state)
{
    const struct ops_call forwarded = {
        .path = "/ops/overview",
        .key = OPS_KEY,
        .headers = {"X-Forwarded-For: 192.0.2.1", "Host: omnihook.example.net"}};
    assert_answer(*state, &forwarded, 200, NULL);
    const struct ops_call act = {.path = "/ops/execute",
                                 .key = OPS_KEY,
                                 .body = EXECUTE,
                                 .headers = {"X-Forwarded-For: 192.0.2.1",
                                             "Host: omnihook.example.net",
                                             "Origin: https://omnihook.example.net"}};
    assert_answer(*state, &act, 204, NULL);
}

/* "Name;" is libcurl's way to send an empty one. */
static void who_calls_for_others_needs_a_key(void **state)
{
    static const char *const headers[] = {
        "X-Forwarded-For: 127.0.0.1", "X-Forwarded-For;", "Forwarded: for=127.0.0.1",
        "X-Real-IP: 127.0.0.1",       "Via: 1.1 proxy",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const struct ops_call call = {.path = "/ops/overview", .headers = {headers[i]}};
        assert_answer(*state, &call, 401, "Authentication credentials were not provided.");
    }
}

static void a_name_of_the_internet_needs_a_key(void **state)
{
    static const struct {
        const char *host;
        int status;
    } cases[] = {
        {"Host: rebound.example.net", 401}, {"Host: rebound.example.net:9180", 401},
        {"Host: localhost", 200},           {"Host: localhost:9180", 200},
        {"Host: 127.0.0.1:1", 200},         {"Host: [::1]:9180", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ops_call call = {.path = "/ops/overview", .headers = {cases[i].host}};
        assert_answer(*state, &call, cases[i].status, NULL);
    }
}

/* An IPv4 address of this host that is not a loopback one; false when there is none. */
static bool find_address(char text[INET_ADDRSTRLEN])
{
    struct ifaddrs *all = NULL;
    bool is_found = false;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *one = all; one != NULL && !is_found; one = one->ifa_next) {
        if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in name;
            memcpy(&name, one->ifa_addr, sizeof name);
            is_found = (ntohl(name.sin_addr.s_addr) >> 24) != 127 &&
                       inet_ntop(AF_INET, &name.sin_addr, text, INET_ADDRSTRLEN) != NULL;
        }
    }
    freeifaddrs(all);
    return is_found;
}

static int status_at(const char *address, const char *key, const char *path)
{
    const char *const headers[] = {key, NULL};
    const struct http_call call = {.address = address, .path = path, .headers = headers};
    struct http_answer *answer = http_call(&call);
    int status = answer->status;
    http_answer_free(answer);
    return status;
}

static void who_is_elsewhere_needs_a_key(void **state)
{
    char host[INET_ADDRSTRLEN];
    char address[64];
    if (!find_address(host)) {
        skip();
    }
    (void)snprintf(address, sizeof address, "%s%s", host, strrchr(ops_address(*state), ':'));
    assert_int_equal(status_at(address, NULL, "/ops/overview"), 401);
    assert_int_equal(status_at(address, "Authorization: Token " OPS_KEY, "/ops/overview"), 200);
    assert_int_equal(status_at(address, NULL, "/"), 200);
    assert_int_equal(status_at(address, NULL, "/healthz"), 200);
    assert_int_equal(status_at(address, NULL, "/readyz"), 200);
    assert_int_equal(status_at(address, NULL, "/metrics"), 200);
}

static void a_wrong_key_is_worse_than_none(void **state)
{
    static const char *const headers[] = {
        "Authorization: Token wrong", "Authorization: Token",     "Authorization: Basic eDp5",
        "Authorization: wrong",       "Authorization: Token a b",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const struct ops_call call = {.path = "/ops/overview", .headers = {headers[i]}};
        assert_answer(*state, &call, 401, NULL);
    }
    const struct ops_call call = {.path = "/ops/overview", .key = "wrong"};
    assert_answer(*state, &call, 401, "Invalid token.");
}

static void an_account_s_key_is_no_operator_s(void **state)
{
    struct stack *stack = *state;
    const struct ops_call call = {
        .path = "/ops/execute", .key = stack_key(stack, "acme"), .body = EXECUTE};
    assert_answer(stack, &call, 401, "Invalid token.");
}

static void who_tries_many_keys_is_slowed_down(void **state)
{
    struct stack *stack = *state;
    int status = 401;
    int tries = 0;
    for (; status == 401 && tries < WRONG_KEYS_AT_ONCE + 40; tries++) {
        status = ops_status(stack, &(struct ops_call){.path = "/ops/overview", .key = "wrong"});
    }
    assert_int_equal(status, 429);
    assert_true(tries > WRONG_KEYS_AT_ONCE);
    struct http_answer *answer =
        ops_call(stack, &(struct ops_call){.path = "/ops/execute", .key = "x", .body = EXECUTE});
    assert_int_equal(answer->status, 429);
    char *wait = http_answer_header(answer, "Retry-After");
    assert_non_null(wait);
    mem_free(wait);
    http_answer_free(answer);
    assert_true(process_has_line(stack_api(stack, 0), PROCESS_STDERR,
                                 "event=operator_key_refused caller=127.0.0.1"));
    /* Neither a good key nor who shows none suffers for it. */
    assert_int_equal(ops_act(stack, "/ops/execute", EXECUTE), 204);
    assert_answer(stack, &(struct ops_call){.path = "/ops/overview"}, 200, NULL);
}

/* What is answered to acts, and to calls that would be one, that may not be. */
static const struct {
    int status;
    struct ops_call call;
} refused[] = {
    {401, {.path = "/ops/execute", .body = EXECUTE}},
    {401, {.path = "/ops/execute", .body = EXECUTE, .key = "wrong"}},
    {401, {.path = "/ops/drop", .body = "{\"job\": \"abc123\"}", .key = "wrong"}},
    {401, {.path = "/ops/drop", .body = "{\"job\": \"abc123\"}"}},
    {403,
     {.path = "/ops/execute",
      .body = EXECUTE,
      .key = OPS_KEY,
      .headers = {"Origin: http://evil.example"}}},
    {403, {.path = "/ops/execute", .body = EXECUTE, .key = OPS_KEY, .headers = {"Origin: null"}}},
    {415,
     {.path = "/ops/execute",
      .body = EXECUTE,
      .key = OPS_KEY,
      .headers = {"Content-Type: text/plain"}}},
    {415,
     {.path = "/ops/execute",
      .body = "account=acme",
      .key = OPS_KEY,
      .headers = {"Content-Type: application/x-www-form-urlencoded"}}},
    {400, {.path = "/ops/execute", .body = "", .key = OPS_KEY}},
    {400, {.path = "/ops/execute", .body = "[]", .key = OPS_KEY}},
    {400, {.path = "/ops/execute", .body = "{\"account\": 7}", .key = OPS_KEY}},
    {400, {.path = "/ops/execute", .body = "{\"account\": \"../x\"}", .key = OPS_KEY}},
    {400, {.path = "/ops/execute", .body = "{\"account\": \"acme\\u0000\"}", .key = OPS_KEY}},
    {400,
     {.path = "/ops/execute",
      .body = "{\"account\": \"bolt\", \"account\": \"acme\"}",
      .key = OPS_KEY}},
    {400, {.path = "/ops/execute", .body = "{\"account\": \"acme\", \"x\": 1}", .key = OPS_KEY}},
    {400, {.path = "/ops/execute?account=acme", .body = EXECUTE, .key = OPS_KEY}},
    {400, {.path = "/ops/drop", .body = "{\"job\": \"*\"}", .key = OPS_KEY}},
    {404, {.path = "/ops/execute", .body = "{\"account\": \"nobody\"}", .key = OPS_KEY}},
    {404, {.path = "/ops/abort", .body = "{\"account\": \"nobody\"}", .key = OPS_KEY}},
    {404, {.path = "/ops/drop", .body = "{\"job\": \"abc124\"}", .key = OPS_KEY}},
    {404,
     {.path = "/ops/retry",
      .body = "{\"job\": \"abc123\", \"account\": \"other\"}",
      .key = OPS_KEY}},
    {404,
     {.path = "/ops/retry", .body = "{\"job\": \"fff\", \"account\": \"acme\"}", .key = OPS_KEY}},
    {405, {.path = "/ops/execute", .key = OPS_KEY}},
    {405, {.path = "/ops/execute", .method = "PUT", .key = OPS_KEY}},
    {405, {.path = "/ops/overview", .method = "POST", .body = "{}", .key = OPS_KEY}},
    {405, {.path = "/", .method = "POST", .body = "{}", .key = OPS_KEY}},
    {404, {.path = "/ops/execute/", .body = EXECUTE, .key = OPS_KEY}},
};

static void an_act_that_may_not_be_changes_nothing(void **state)
{
    struct stack *stack = *state;
    redis_do(stack_redis(stack), "LPUSH {omnihook}:dead %s",
             "{\"id\":\"abc123\",\"account\":\"acme\",\"error\":\"x\",\"attempts\":1}");
    char before[64];
    (void)snprintf(before, sizeof before, "%s", fingerprint(stack));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct http_answer *answer = ops_call(stack, &refused[i].call);
        if (answer->status != refused[i].status) {
            print_message("case %zu: %s\n", i, answer->body);
        }
        assert_int_equal(answer->status, refused[i].status);
        assert_non_null(http_answer_text(answer, "detail"));
        http_answer_free(answer);
    }
    assert_string_equal(fingerprint(stack), before);
    assert_int_equal(ops_act(stack, "/ops/drop", "{\"job\": \"abc123\"}"), 204);
    assert_string_not_equal(fingerprint(stack), before);
}

static void a_large_body_is_refused(void **state)
{
    char body[2048];
    (void)snprintf(body, sizeof body, "{\"account\": \"acme\"%*s}", 1500, "");
    assert_int_equal(ops_act(*state, "/ops/execute", body), 413);
    (void)snprintf(body, sizeof body, "{\"account\": \"acme\"%*s}", 900, "");
    assert_int_equal(ops_act(*state, "/ops/execute", body), 204);
}

static void without_configured_keys_nobody_acts(void **state)
{
    struct stack *stack = *state;
    static const char detail[] = "No operator keys are configured.";
    assert_answer(stack, &(struct ops_call){.path = "/ops/execute", .body = EXECUTE}, 403, detail);
    assert_answer(stack,
                  &(struct ops_call){.path = "/ops/execute", .body = EXECUTE, .key = OPS_KEY}, 403,
                  detail);
    assert_answer(stack, &(struct ops_call){.path = "/ops/overview", .key = OPS_KEY}, 401,
                  "Invalid token.");
    struct http_answer *session = ops_call(stack, &(struct ops_call){.path = "/ops/session"});
    assert_int_equal(session->status, 200);
    assert_true(json_is_false(json_object_get(session->json, "keys_configured")));
    assert_true(json_is_false(json_object_get(session->json, "can_act")));
    http_answer_free(session);
}

/* ---- What strangers send ---- */

static size_t count_answers(const char *text)
{
    size_t count = 0;
    for (; (text = strstr(text, "HTTP/1.1 ")) != NULL; text++) {
        count++;
    }
    return count;
}

static void a_body_is_never_taken_for_a_request(void **state)
{
    static const char inside[] = "POST /ops/execute HTTP/1.1\r\nHost: localhost\r\n"
                                 "Content-Length: 0\r\n\r\n";
    struct raw_call *raw = raw_call_open(ops_address(*state));
    char text[512];
    (void)snprintf(text, sizeof text,
                   "GET /ops/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s"
                   "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                   sizeof inside - 1, inside);
    assert_true(raw_call_send_text(raw, text));
    const char *answers = raw_call_receive(raw, NULL, LIMIT_MS);
    assert_int_equal(count_answers(answers), 2);
    assert_null(strstr(answers, "HTTP/1.1 4"));
    raw_call_close(raw);
}

static void nothing_that_is_sent_comes_back_as_a_header(void **state)
{
    static const char *const paths[] = {
        "/ops/report?account=acme%0d%0aX-Evil:%201",
        "/ops/accounts?search=%0d%0aX-Evil:%201",
        "/ops/accounts?view=%0aX-Evil:1",
        "/%0d%0aX-Evil:%201",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct http_answer *answer = ops_call(*state, &(struct ops_call){.path = paths[i]});
        assert_true(answer->status == 400 || answer->status == 404);
        assert_null(strstr(answer->headers, "X-Evil"));
        assert_null(strstr(answer->body, "Evil"));
        http_answer_free(answer);
    }
}

static void malformed_requests_are_refused(void **state)
{
    static const char *const bad[] = {
        "GET /ops/overview HTTP/1.1\r\n\r\n",
        "GET /ops/overview HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
        ("POST /ops/execute HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
         "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        "GET http://evil.example/ops/overview HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\x16\x03\x01\x02\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct raw_call *raw = raw_call_open(ops_address(*state));
        assert_true(raw_call_send_text(raw, bad[i]));
        const char *answer = raw_call_receive(raw, NULL, LIMIT_MS);
        assert_memory_equal(answer, "HTTP/1.1 400 ", 13);
        raw_call_close(raw);
    }
}

/* More than the listener has connections; each has begun a request and goes no further. */
static void who_only_keeps_connections_open_keeps_nobody_out(void **state)
{
    enum { MANY = 300 };
    struct stack *stack = *state;
    struct raw_call *open[MANY];
    for (int i = 0; i < MANY; i++) {
        open[i] = raw_call_open(ops_address(stack));
        (void)raw_call_send_text(open[i], "GET /ops/overview HTTP/1.1\r\nHost: lo");
    }
    assert_answer(stack, &(struct ops_call){.path = "/healthz"}, 200, NULL);
    assert_answer(stack, &(struct ops_call){.path = "/ops/overview", .key = OPS_KEY}, 200, NULL);
    /* The last of them is still there, until its time is up. */
    const char *answer = raw_call_receive(open[MANY - 1], NULL, LIMIT_MS);
    assert_memory_equal(answer, "HTTP/1.1 408 ", 13);
    for (int i = 0; i < MANY; i++) {
        raw_call_close(open[i]);
    }
}

/* As above, but all come before one of them is read from. */
static void a_burst_of_silent_callers_keeps_nobody_out(void **state)
{
    enum { MANY = 300, SOON_MS = 5000 }; /* less than their own time, of 10 s */
    struct stack *stack = *state;
    struct raw_call *open[MANY];
    const char *address = ops_address(stack);
    process_signal(stack_api(stack, 0), SIGSTOP);
    for (int i = 0; i < MANY; i++) {
        open[i] = raw_call_open(address);
    }
    process_signal(stack_api(stack, 0), SIGCONT);
    const struct http_call call = {.address = address, .path = "/healthz", .limit_ms = SOON_MS};
    struct http_answer *answer = http_call(&call);
    assert_int_equal(answer->status, 200);
    http_answer_free(answer);
    for (int i = 0; i < MANY; i++) {
        raw_call_close(open[i]);
    }
}

/* More than the system takes at once. */
static void who_has_nothing_more_to_say_gets_the_whole_answer(void **state)
{
    enum { TIMES = 10, REPORT_BYTES = 400 * 1024 };
    struct stack *stack = *state;
    redis_do(stack_redis(stack), "EVAL %s 0 %d",
             "redis.call('LPUSH', '{omnihook}:history:acme', "
             "'{\"job\":\"' .. string.rep('a', ARGV[1]) .. '\"}')",
             REPORT_BYTES);
    for (int i = 0; i < TIMES; i++) {
        struct raw_call *raw = raw_call_open(ops_address(stack));
        assert_true(raw_call_send_text(
            raw, "GET /ops/history?account=acme HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        raw_call_end_sending(raw);
        const char *answer = raw_call_receive(raw, NULL, LIMIT_MS);
        assert_true(raw_call_is_closed(raw));
        assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
        assert_true(strlen(answer) > REPORT_BYTES);
        raw_call_close(raw);
    }
}

/* The operators' key is in no line of the log. */
static void a_key_is_told_to_nobody(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(ops_act(stack, "/ops/execute", EXECUTE), 204);
    const char *line =
        process_wait_line(stack_api(stack, 0), PROCESS_STDERR, "event=operator_act ", LIMIT_MS);
    assert_non_null(strstr(line, " act=execute "));
    assert_non_null(strstr(line, " result=done "));
    assert_non_null(strstr(line, " account=acme "));
    assert_non_null(strstr(line, " job="));
    assert_non_null(strstr(line, " caller=127.0.0.1 "));
    assert_non_null(strstr(line, " key="));
    char *log = process_read(stack_api(stack, 0), PROCESS_STDERR);
    assert_null(strstr(log, OPS_KEY));
    mem_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(who_is_on_this_host_reads_without_a_key, &unix_socket),
        STACK_TEST(who_is_on_this_host_reads_without_a_key, &tcp),
        STACK_TEST(a_key_reads_and_may_act, &unix_socket),
        STACK_TEST(a_key_reads_and_may_act, &tcp),
        STACK_TEST(a_key_reads_and_may_act, &two_processes),
        STACK_TEST(a_key_counts_from_anywhere, &tcp),
        STACK_TEST(who_calls_for_others_needs_a_key, &tcp),
        STACK_TEST(who_calls_for_others_needs_a_key, &unix_socket),
        STACK_TEST(a_name_of_the_internet_needs_a_key, &tcp),
        STACK_TEST(who_is_elsewhere_needs_a_key, &all_addresses),
        STACK_TEST(a_wrong_key_is_worse_than_none, &tcp),
        STACK_TEST(an_account_s_key_is_no_operator_s, &tcp),
        STACK_TEST(who_tries_many_keys_is_slowed_down, &tcp),
        STACK_TEST(an_act_that_may_not_be_changes_nothing, &tcp),
        STACK_TEST(an_act_that_may_not_be_changes_nothing, &two_processes),
        STACK_TEST(a_large_body_is_refused, &tcp),
        STACK_TEST(without_configured_keys_nobody_acts, &no_keys),
        STACK_TEST(a_body_is_never_taken_for_a_request, &tcp),
        STACK_TEST(nothing_that_is_sent_comes_back_as_a_header, &tcp),
        STACK_TEST(malformed_requests_are_refused, &tcp),
        STACK_TEST(who_only_keeps_connections_open_keeps_nobody_out, &tcp),
        STACK_TEST(a_burst_of_silent_callers_keeps_nobody_out, &tcp),
        STACK_TEST(who_has_nothing_more_to_say_gets_the_whole_answer, &tcp),
        STACK_TEST(who_has_nothing_more_to_say_gets_the_whole_answer, &unix_socket),
        STACK_TEST(a_key_is_told_to_nobody, &tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
