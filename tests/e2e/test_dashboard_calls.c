/* What the dashboard's calls answer and do, of a system that works. */
#include "common/api_key.h"
#include "common/mem.h"
#include "tests/support/ops_call.h"
#include "tests/support/raw_call.h"
#include "tests/support/sockets.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT_MS = 30000, MANY = 10000 };

#define ONE_WEBHOOK                                                                                \
    "[{\"event_type\": \"package.created\", \"target_url\": \"https://erp.example.com/hooks/1\"}]"
#define NOWHERE "{\"omnitron\": {\"url\": \"http://127.0.0.1:9/api/v1/\"}}"
#define OF_ACME "{\"account\": \"acme\"}"

static const struct stack_account accounts[] = {
    {.name = "acme", .webhooks = ONE_WEBHOOK},
    {.name = "bolt", .webhooks = "[]"},
    {.name = "away", .webhooks = "[]", .extra = NOWHERE},
};
static const char *const with_keys[] = {ops_keys_entry, "OMNIHOOK_JOB_ATTEMPTS=1",
                                        "OMNIHOOK_RETRY_BASE_MS=10", "OMNIHOOK_RETRY_MAX_MS=10",
                                        NULL};
static const char *const several[] = {ops_keys_entry,
                                      "OMNIHOOK_JOB_ATTEMPTS=1",
                                      "OMNIHOOK_RETRY_BASE_MS=10",
                                      "OMNIHOOK_RETRY_MAX_MS=10",
                                      "OMNIHOOK_PROCESSES=2",
                                      NULL};
static struct stack_options api_and_worker = {
    .accounts = accounts, .account_count = 3, .api_count = 1, .worker_count = 1, .env = with_keys};
static struct stack_options processes = {
    .accounts = accounts, .account_count = 3, .api_count = 1, .worker_count = 1, .env = several};
static struct stack_options no_worker = {
    .accounts = accounts, .account_count = 3, .api_count = 1, .env = with_keys};

static int64_t number_at(const json_t *document, const char *name)
{
    const json_t *value = json_object_get(document, name);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static const char *text_at(const json_t *document, const char *name)
{
    const char *text = json_string_value(json_object_get(document, name));
    return text == NULL ? "" : text;
}

static int status_of(struct stack *stack, const char *path)
{
    return ops_status(stack, &(struct ops_call){.path = path, .key = OPS_KEY});
}

static bool is_ready_again(void *arg)
{
    return status_of(arg, "/ops/overview") == 200;
}

/* ---- The page's files ---- */

static void the_page_comes_with_its_guards(void **state)
{
    static const struct {
        const char *path;
        const char *type;
    } files[] = {
        {"/", "text/html; charset=utf-8"},
        {"/dashboard.css", "text/css; charset=utf-8"},
        {"/dashboard.js", "text/javascript; charset=utf-8"},
        {"/favicon.svg", "image/svg+xml"},
    };
    static const struct {
        const char *name;
        const char *value;
    } guards[] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
         "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct http_answer *answer = ops_call(*state, &(struct ops_call){.path = files[i].path});
        assert_int_equal(answer->status, 200);
        assert_true(answer->size > 0);
        char *type = http_answer_header(answer, "Content-Type");
        assert_string_equal(type, files[i].type);
        mem_free(type);
        for (size_t j = 0; j < sizeof guards / sizeof *guards; j++) {
            char *value = http_answer_header(answer, guards[j].name);
            assert_string_equal(value, guards[j].value);
            mem_free(value);
        }
        http_answer_free(answer);
    }
}

static void the_page_holds_nothing_inline(void **state)
{
    struct http_answer *answer = ops_call(*state, &(struct ops_call){.path = "/"});
    assert_null(strstr(answer->body, "style="));
    assert_null(strstr(answer->body, "onclick="));
    assert_null(strstr(answer->body, "<style"));
    assert_null(strstr(answer->body, "<script>"));
    assert_null(strstr(answer->body, "http://"));
    assert_null(strstr(answer->body, "src=\"//"));
    http_answer_free(answer);
}

static void the_pages_for_machines_are_as_before(void **state)
{
    struct stack *stack = *state;
    struct http_answer *answer = ops_call(stack, &(struct ops_call){.path = "/healthz"});
    assert_string_equal(answer->body, "{\"status\": \"ok\"}");
    http_answer_free(answer);
    const struct ops_call ready = {.path = "/readyz?x=1",
                                   .headers = {"Host: some.name", "X-Forwarded-For: 192.0.2.1"}};
    answer = ops_call(stack, &ready);
    assert_string_equal(answer->body, "{\"status\": \"ready\"}");
    http_answer_free(answer);
    answer = ops_call(stack, &(struct ops_call){.path = "/metrics", .key = "wrong"});
    assert_int_equal(answer->status, 200);
    assert_non_null(strstr(answer->body, "\nomnihook_dashboard_streams 0\n"));
    http_answer_free(answer);
}

/* ---- Reads ---- */

static void the_overview_counts(void **state)
{
    struct stack *stack = *state;
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    json_t *overview = ops_read(stack, "/ops/overview");
    assert_int_equal(number_at(overview, "workers"), 1);
    assert_int_equal(number_at(overview, "accounts"), 3);
    assert_true(json_is_true(json_object_get(json_object_get(overview, "redis"), "up")));
    assert_int_equal(number_at(json_object_get(overview, "queue"), "active"), 0);
    assert_int_equal(number_at(json_object_get(overview, "totals"), "finished"), 1);
    json_decref(overview);

    json_t *workers = ops_read(stack, "/ops/workers");
    assert_int_equal(number_at(workers, "total"), 1);
    assert_int_equal(
        number_at(json_array_get(json_object_get(workers, "workers"), 0), "concurrency"), 64);
    json_decref(workers);
}

static void an_account_s_report_and_history_are_shown(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(status_of(stack, "/ops/report?account=acme"), 404);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    json_t *report = ops_read(stack, "/ops/report?account=acme");
    assert_string_equal(text_at(report, "state"), "FINISHED");
    assert_int_equal(number_at(report, "total"), 1);

    json_t *history = ops_read(stack, "/ops/history?account=acme");
    json_t *reports = json_object_get(history, "reports");
    assert_int_equal(json_array_size(reports), 2);
    assert_string_equal(text_at(json_array_get(reports, 0), "job"), text_at(report, "job"));
    assert_string_equal(
        text_at(json_array_get(json_object_get(json_array_get(reports, 1), "webhooks"), 0),
                "outcome"),
        "created");
    json_decref(history);
    json_decref(report);
}

/* Calls are held by a Redis that stands still; so many may be, and the next is refused at once. */
static void so_many_calls_may_be_open(void **state)
{
    static const struct {
        const char *path;
        int max;
        const char *detail;
    } cases[] = {
        {"/ops/history?account=acme", 2, "Too many histories are being read."},
        {"/ops/overview", 64, "Too many calls are open."},
    };
    enum { MOST = 64 };
    struct stack *stack = *state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct raw_call *open[MOST];
        char request[128];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                       cases[c].path);
        redis_fixture_pause(stack_redis(stack));
        for (int i = 0; i < cases[c].max; i++) {
            open[i] = raw_call_open(ops_address(stack));
            assert_true(raw_call_send_text(open[i], request));
        }
        assert_int_equal(status_of(stack, "/healthz"), 200); /* it came after them */
        struct http_answer *answer =
            ops_call(stack, &(struct ops_call){.path = cases[c].path, .key = OPS_KEY});
        assert_int_equal(answer->status, 503);
        assert_string_equal(http_answer_text(answer, "detail"), cases[c].detail);
        http_answer_free(answer);
        redis_fixture_resume(stack_redis(stack));
        for (int i = 0; i < cases[c].max; i++) {
            assert_memory_equal(raw_call_receive(open[i], "\r\n\r\n", LIMIT_MS), "HTTP/1.1 ", 9);
            raw_call_close(open[i]);
        }
        assert_becomes_true(is_ready_again, stack, LIMIT_MS);
    }
}

static void a_plan_asks_omnitron(void **state)
{
    struct stack *stack = *state;
    json_t *plan = ops_read(stack, "/ops/plan?account=acme");
    assert_true(json_is_true(json_object_get(plan, "required")));
    assert_int_equal(number_at(json_object_get(plan, "counts"), "create"), 1);
    json_decref(plan);
    assert_int_equal(status_of(stack, "/ops/plan?account=nobody"), 404);
    assert_int_equal(status_of(stack, "/ops/plan?account=away"), 502);
    assert_int_equal(status_of(stack, "/ops/plan"), 400);
    assert_int_equal(status_of(stack, "/ops/plan?account=Acme"), 400);
}

static void queries_are_read_strictly(void **state)
{
    static const char *const bad[] = {
        "/ops/overview?x=1",
        "/ops/accounts?limit=0",
        "/ops/accounts?limit=51",
        "/ops/accounts?view=some",
        "/ops/accounts?limit=1&limit=2",
        "/ops/accounts?search=%zz",
        "/ops/accounts?view=active&after=x",
        "/ops/accounts?view=active&search=a",
        "/ops/dead?after=-1",
        "/ops/dead?after=1001",
        "/ops/dead?limit=1e3",
        "/ops/history",
        "/ops/report?account=",
        "/ops/report?account=a&x",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct http_answer *answer =
            ops_call(*state, &(struct ops_call){.path = bad[i], .key = OPS_KEY});
        assert_int_equal(answer->status, 400);
        assert_non_null(http_answer_text(answer, "detail"));
        http_answer_free(answer);
    }
}

/* ---- Acts ---- */

static bool shows(struct stack *stack, const char *line)
{
    struct http_answer *answer = ops_call(stack, &(struct ops_call){.path = "/metrics"});
    bool is_shown = strstr(answer->body, line) != NULL;
    http_answer_free(answer);
    return is_shown;
}

static void execute_runs_the_account(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(ops_act(stack, "/ops/execute", OF_ACME), 204);
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    assert_true(sim_has_hook(stack_sim(stack), "acme", "package.created",
                             "https://erp.example.com/hooks/1"));
    assert_true(shows(stack, "omnihook_operator_acts_total{act=\"execute\",result=\"done\"} 1"));
}

static void abort_ends_a_job(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(ops_act(stack, "/ops/execute", OF_ACME), 204);
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
    assert_int_equal(ops_act(stack, "/ops/abort", OF_ACME), 204);
    assert_string_equal(stack_status(stack, "acme"), "ABORTED");
    assert_int_equal(ops_act(stack, "/ops/abort", OF_ACME), 204);
}

/* An account that was taken out of the settings while its job waited. */
static void abort_also_ends_what_is_not_configured(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(ops_act(stack, "/ops/execute", OF_ACME), 204);
    redis_do(stack_redis(stack), "SADD {omnihook}:active gone");
    redis_do(stack_redis(stack), "HSET {omnihook}:status:gone state WORKING phase queued");
    json_t *active = ops_read(stack, "/ops/accounts?view=active");
    assert_int_equal(number_at(active, "total"), 2);
    assert_int_equal(json_array_size(json_object_get(active, "accounts")), 2);
    assert_true(json_is_null(json_object_get(active, "next")));
    json_decref(active);
    assert_int_equal(ops_act(stack, "/ops/abort", "{\"account\": \"gone\"}"), 404);
}

/* The id of the only entry of the dead list. */
static void find_dead(struct stack *stack, char id[64])
{
    json_t *page = ops_read(stack, "/ops/dead");
    assert_int_equal(number_at(page, "total"), 1);
    const json_t *entry = json_array_get(json_object_get(page, "dead"), 0);
    assert_string_equal(text_at(entry, "account"), "away");
    (void)snprintf(id, 64, "%s", text_at(entry, "id"));
    json_decref(page);
}

static void the_dead_are_retried_and_dropped(void **state)
{
    struct stack *stack = *state;
    char id[64];
    char body[200];
    stack_run(stack, "away", "FAILED", LIMIT_MS);
    find_dead(stack, id);
    (void)snprintf(body, sizeof body, "{\"job\": \"%s\", \"account\": \"acme\"}", id);
    assert_int_equal(ops_act(stack, "/ops/retry", body), 404);
    (void)snprintf(body, sizeof body, "{\"job\": \"%s\", \"account\": \"away\"}", id);
    assert_int_equal(ops_act(stack, "/ops/retry", body), 204);
    assert_int_equal(ops_act(stack, "/ops/retry", body), 404);
    stack_wait_status(stack, "away", "FAILED", LIMIT_MS);
    find_dead(stack, id);
    (void)snprintf(body, sizeof body, "{\"job\": \"%s\"}", id);
    assert_int_equal(ops_act(stack, "/ops/drop", body), 204);
    assert_int_equal(ops_act(stack, "/ops/drop", body), 404);
    json_t *page = ops_read(stack, "/ops/dead");
    assert_int_equal(number_at(page, "total"), 0);
    json_decref(page);
}

static void the_dead_list_comes_in_pages(void **state)
{
    struct stack *stack = *state;
    for (int i = 0; i < 119; i++) {
        redis_do(stack_redis(stack), "RPUSH {omnihook}:dead {\"id\":\"%d\",\"account\":\"a\"}", i);
    }
    redis_do(stack_redis(stack), "RPUSH {omnihook}:dead %s", "no JSON <b>");
    int64_t index = 0;
    size_t seen = 0;
    for (int page_number = 0; page_number < 3; page_number++) {
        char path[64];
        (void)snprintf(path, sizeof path, "/ops/dead?after=%d&limit=50", (int)index);
        json_t *page = ops_read(stack, path);
        const json_t *rows = json_object_get(page, "dead");
        assert_int_equal(number_at(page, "total"), 120);
        seen += json_array_size(rows);
        if (page_number < 2) {
            index = number_at(page, "next");
            assert_int_equal(index, seen);
        } else {
            assert_true(json_is_null(json_object_get(page, "next")));
            assert_string_equal(text_at(json_array_get(rows, 19), "element"), "no JSON <b>");
        }
        json_decref(page);
    }
    assert_int_equal(seen, 120);
}

/* ---- Many accounts ---- */

/* The settings get MANY accounts more, each a copy of bolt with a key of its own. */
static void write_many(struct stack *stack)
{
    json_t *all = json_object();
    for (int i = 0; i < MANY; i++) {
        char name[32];
        char text[API_KEY_TEXT_SIZE];
        struct api_key_hash hash;
        (void)snprintf(name, sizeof name, "shop-%05d", (i * 7919) % MANY);
        api_key_hash_of(&hash, name, strlen(name));
        json_t *account = json_deep_copy(stack_settings(stack, "bolt"));
        json_object_set_new(account, "api_keys", json_pack("[s]", api_key_print(text, &hash)));
        json_object_set_new(all, name, account);
    }
    json_t *settings = json_pack("{s:o}", "accounts", all);
    char *text = json_dumps(settings, 0);
    temp_dir_replace_file(stack_dir(stack), STACK_SETTINGS, text);
    free(text);
    json_decref(settings);
}

static bool has_many(void *arg)
{
    json_t *page = ops_read(arg, "/ops/accounts?limit=1");
    bool is_there = number_at(page, "total") == MANY;
    json_decref(page);
    return is_there;
}

/* Goes through all pages: each name once, in order. Gives how many. */
static int walk(struct stack *stack, const char *query, int64_t total)
{
    char after[64] = "";
    int seen = 0;
    do {
        char path[256];
        (void)snprintf(path, sizeof path, "/ops/accounts?%s&after=%s", query, after);
        json_t *page = ops_read(stack, path);
        assert_int_equal(number_at(page, "total"), total);
        const json_t *rows = json_object_get(page, "accounts");
        for (size_t i = 0; i < json_array_size(rows); i++) {
            const char *name = text_at(json_array_get(rows, i), "account");
            assert_true(strcmp(name, after) > 0);
            assert_string_equal(text_at(json_array_get(rows, i), "state"), "READY");
            (void)snprintf(after, sizeof after, "%s", name);
            seen++;
        }
        bool is_last = json_is_null(json_object_get(page, "next"));
        if (!is_last) {
            assert_string_equal(text_at(page, "next"), after);
        }
        json_decref(page);
        if (is_last) {
            return seen;
        }
    } while (seen <= MANY);
    return seen;
}

static void ten_thousand_accounts_come_in_pages(void **state)
{
    struct stack *stack = *state;
    write_many(stack);
    process_signal(stack_api(stack, 0), SIGHUP);
    assert_becomes_true(has_many, stack, LIMIT_MS);
    assert_int_equal(walk(stack, "limit=50", MANY), MANY);
    assert_int_equal(walk(stack, "search=SHOP-0012&limit=3", 10), 10);
    assert_int_equal(walk(stack, "search=nothing", 0), 0);
}

static void many_active_accounts_come_in_parts(void **state)
{
    struct stack *stack = *state;
    redis_do(stack_redis(stack), "EVAL %s 0",
             "for i = 1, 2000 do redis.call('SADD', '{omnihook}:active', 'shop-' .. i) end");
    char cursor[32] = "0";
    size_t seen = 0;
    int parts = 0;
    do {
        char path[128];
        (void)snprintf(path, sizeof path, "/ops/accounts?view=active&limit=50&after=%s", cursor);
        json_t *page = ops_read(stack, path);
        size_t size = json_array_size(json_object_get(page, "accounts"));
        assert_int_equal(number_at(page, "total"), 2000);
        assert_true(size < 200);
        seen += size;
        parts++;
        (void)snprintf(cursor, sizeof cursor, "%s", text_at(page, "next"));
        json_decref(page);
    } while (cursor[0] != '\0');
    assert_true(seen >= 2000);
    assert_true(parts > 10);
}

/* ---- Trouble ---- */

static void without_redis_the_reason_is_told(void **state)
{
    struct stack *stack = *state;
    redis_fixture_kill(stack_redis(stack));
    static const char *const reads[] = {"/ops/overview", "/ops/workers", "/ops/dead",
                                        "/ops/accounts", "/ops/history?account=acme"};
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        struct http_answer *answer =
            ops_call(stack, &(struct ops_call){.path = reads[i], .key = OPS_KEY});
        assert_int_equal(answer->status, 503);
        assert_non_null(strstr(http_answer_text(answer, "detail"), "Redis"));
        http_answer_free(answer);
    }
    assert_int_equal(ops_act(stack, "/ops/execute", OF_ACME), 503);
    assert_int_equal(status_of(stack, "/ops/session"), 200);
    assert_int_equal(status_of(stack, "/ops/plan?account=acme"), 200);
    assert_int_equal(status_of(stack, "/"), 200);
    redis_fixture_start(stack_redis(stack));
}

static void what_others_wrote_is_data_only(void **state)
{
    static const char script[] = "<script>alert(\"1\")</script>\r\nX-Evil: 1";
    struct stack *stack = *state;
    redis_do(stack_redis(stack), "HSET {omnihook}:status:acme state FAILED error %s", script);
    struct http_answer *answer =
        ops_call(stack, &(struct ops_call){.path = "/ops/accounts?search=acme", .key = OPS_KEY});
    assert_int_equal(answer->status, 200);
    const json_t *row = json_array_get(json_object_get(answer->json, "accounts"), 0);
    assert_string_equal(text_at(row, "error"), script);
    assert_null(strstr(answer->headers, "X-Evil"));
    char *type = http_answer_header(answer, "Content-Type");
    assert_string_equal(type, "application/json");
    mem_free(type);
    http_answer_free(answer);
}

/* bolt's Omnitron takes connections from now on and says nothing: gives where it listens. */
static int silence_omnitron(struct stack *stack)
{
    char address[SOCKET_ADDRESS_SIZE];
    char url[SOCKET_ADDRESS_SIZE + 32];
    int listener = socket_listen("127.0.0.1:0", address);
    assert_true(listener >= 0);
    (void)snprintf(url, sizeof url, "http://%s/api/v1/", address);
    json_t *omnitron = json_object_get(stack_settings(stack, "bolt"), "omnitron");
    json_object_set_new(omnitron, "url", json_string(url));
    stack_write_settings(stack);
    return listener;
}

static const char *const with_patience[] = {ops_keys_entry, "OMNIHOOK_GRACE_MS=1000", NULL};
static struct stack_options patient = {
    .accounts = accounts, .account_count = 3, .env = with_patience};
static const char *const several_patient[] = {ops_keys_entry, "OMNIHOOK_GRACE_MS=1000",
                                              "OMNIHOOK_PROCESSES=2", NULL};
static struct stack_options patient_processes = {
    .accounts = accounts, .account_count = 3, .env = several_patient};

#define ASK_PLAN                                                                                   \
    "GET /ops/plan?account=bolt HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token " OPS_KEY      \
    "\r\n\r\n"

static void who_waits_at_a_stop_is_answered(void **state)
{
    struct stack *stack = *state;
    int listener = silence_omnitron(stack);
    (void)stack_start_api(stack, NULL);
    struct raw_call *waits = raw_call_open(ops_address(stack));
    struct raw_call *gone = raw_call_open(ops_address(stack));
    assert_true(raw_call_send_text(waits, ASK_PLAN));
    assert_true(raw_call_send_text(gone, ASK_PLAN));
    int omnitron = accept(listener, NULL, NULL); /* it is asked: so the call is held */
    assert_true(omnitron >= 0);
    raw_call_close(gone);
    assert_int_equal(process_stop(stack_api(stack, 0), LIMIT_MS), 0);
    const char *answer = raw_call_receive(waits, NULL, LIMIT_MS);
    assert_memory_equal(answer, "HTTP/1.1 503 ", 13);
    assert_non_null(strstr(answer, "The service is stopping."));
    raw_call_close(waits);
    (void)close(omnitron);
    (void)close(listener);
}

/* The pid of the process that answers operators. */
static pid_t ops_process(struct stack *stack)
{
    char pid[32];
    const char *line = process_wait_line(stack_api(stack, 0), PROCESS_STDERR,
                                         "event=ops_process_started ", LIMIT_MS);
    return (pid_t)strtol(process_line_value(line, "child", pid, sizeof pid), NULL, 10);
}

/* It may not have its connection to Redis yet. */
static bool reads_again(void *arg)
{
    return status_of(arg, "/ops/overview") == 200;
}

static void who_answers_operators_may_die(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(ops_act(stack, "/ops/execute", OF_ACME), 204);
    assert_int_equal(kill(ops_process(stack), SIGKILL), 0);
    (void)process_wait_line(stack_api(stack, 0), PROCESS_STDERR, "event=ops_process_ended ",
                            LIMIT_MS);
    /* Callers wait, and figures go on. */
    assert_int_equal(status_of(stack, "/healthz"), 200);
    assert_becomes_true(reads_again, stack, LIMIT_MS);
    assert_true(shows(stack, "omnihook_operator_acts_total{act=\"execute\",result=\"done\"} 1"));
    assert_int_equal(stack_execute(stack, "acme"), 204);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(the_page_comes_with_its_guards, &no_worker),
        STACK_TEST(the_page_holds_nothing_inline, &no_worker),
        STACK_TEST(the_pages_for_machines_are_as_before, &no_worker),
        STACK_TEST(the_overview_counts, &api_and_worker),
        STACK_TEST(an_account_s_report_and_history_are_shown, &api_and_worker),
        STACK_TEST(so_many_calls_may_be_open, &no_worker),
        STACK_TEST(a_plan_asks_omnitron, &no_worker),
        STACK_TEST(queries_are_read_strictly, &no_worker),
        STACK_TEST(execute_runs_the_account, &api_and_worker),
        STACK_TEST(execute_runs_the_account, &processes),
        STACK_TEST(abort_ends_a_job, &no_worker),
        STACK_TEST(abort_also_ends_what_is_not_configured, &no_worker),
        STACK_TEST(the_dead_are_retried_and_dropped, &api_and_worker),
        STACK_TEST(the_dead_are_retried_and_dropped, &processes),
        STACK_TEST(the_dead_list_comes_in_pages, &no_worker),
        STACK_TEST(ten_thousand_accounts_come_in_pages, &no_worker),
        STACK_TEST(many_active_accounts_come_in_parts, &no_worker),
        STACK_TEST(without_redis_the_reason_is_told, &no_worker),
        STACK_TEST(what_others_wrote_is_data_only, &no_worker),
        STACK_TEST(who_waits_at_a_stop_is_answered, &patient),
        STACK_TEST(who_waits_at_a_stop_is_answered, &patient_processes),
        STACK_TEST(who_answers_operators_may_die, &processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
