/* Every row of http_shapes.json, good, bad and hostile, gets exactly its answer from the real
   process; and then the connection has ended, or is in step. */
#include "common/now.h"
#include "tests/support/fail.h"
#include "tests/support/http_shapes.h"
#include "tests/support/raw_answer.h"
#include "tests/support/raw_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    LIMIT_MS = 20000,
    REQUEST_BYTES_MAX = 1024 * 1024,
    TEXT_SIZE = 256,
    ROWS_AT_LEAST = 80,
    SMALL_BYTES = 2000, /* what is larger is not sent byte by byte */
};

/* Of cutting a request into writes. */
enum way { AT_ONCE, IN_HALVES, IN_BYTES };

static const struct stack_account accounts[] = {
    {.name = "acme",
     .webhooks = "[{\"event_type\":\"package.created\",\"target_url\":\"https://erp.example/a\"}]",
     .is_superuser = true},
};

/* No worker, so nothing changes between two rows. */
static struct stack_options api_alone = {.accounts = accounts, .account_count = 1, .api_count = 1};

/* The row at work, for messages. */
struct row {
    const json_t *json;
    const char *name;
    int status;
    bool ends;
    bool is_head;
    bool is_http_1_0;
    bool expects; /* a 100 may come first */
};

static struct row make_row(const json_t *json, const char *request)
{
    const char *line_end = strchr(request, '\n');
    size_t line_size = line_end == NULL ? strlen(request) : (size_t)(line_end - request);
    return (struct row){
        .json = json,
        .name = json_string_value(json_object_get(json, "name")),
        .status = (int)json_integer_value(json_object_get(json, "status")),
        .ends = json_is_true(json_object_get(json, "ends")),
        .is_head = strncmp(request, "HEAD ", 5) == 0,
        .expects = strstr(request, "Expect: 100-continue") != NULL,
        .is_http_1_0 = line_size > 9 && strncmp(request + line_size - 9, "HTTP/1.0", 8) == 0,
    };
}

/* The answer that begins at from; its size counts from the beginning of the connection. */
static void read_answer(struct raw_call *raw, const struct row *row, size_t from,
                        struct raw_answer *answer)
{
    int64_t end_ms = now_mono_ms() + LIMIT_MS;
    for (;;) {
        size_t size = 0;
        const char *bytes = raw_call_receive_some(raw, &size, end_ms - now_mono_ms());
        enum raw_answer_state state =
            raw_answer_read(answer, bytes + from, size - from, row->is_head);
        bool is_interim = state == RAW_ANSWER_WHOLE && answer->status == 100;
        if (is_interim && row->expects) {
            from += answer->size; /* its body came later than its head */
            continue;
        }
        if (state == RAW_ANSWER_WHOLE) {
            answer->size += from;
            return;
        }
        if (state == RAW_ANSWER_BROKEN || raw_call_is_closed(raw) || now_mono_ms() > end_ms) {
            fail_because("%s: no answer but \"%s\"", row->name, bytes + from);
        }
    }
}

/* ---- The answer is what the row says, and nothing else ---- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {413, "Content Too Large"},
        {417, "Expectation Failed"},
        {431, "Request Header Fields Too Large"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "?";
}

static void assert_header(const struct row *row, const struct raw_answer *answer, const char *name,
                          const char *expected)
{
    char value[TEXT_SIZE];
    const char *found = raw_answer_header(answer, name, value, sizeof value);
    if (found == NULL || (expected != NULL && strcmp(found, expected) != 0)) {
        fail_because("%s: %s is not %s but %s", row->name, name, expected, found);
    }
}

static size_t count_lines(const struct raw_answer *answer)
{
    size_t count = 0;
    for (size_t i = 0; i < answer->fields_size; i++) {
        count += answer->fields[i] == '\n' ? 1 : 0;
    }
    return count;
}

static void expect_header(json_t *expected, const char *name, const char *value)
{
    if (json_object_get(expected, name) == NULL) {
        json_object_set_new(expected, name, value == NULL ? json_null() : json_string(value));
    }
}

/* The row's own, those of every answer, and those of one with a body. Of NULL any value is good. */
static json_t *expected_headers(const struct row *row, const struct raw_answer *answer)
{
    json_t *expected = json_deep_copy(json_object_get(row->json, "headers"));
    expected = expected == NULL ? json_object() : expected;
    expect_header(expected, "Cache-Control", "no-store");
    expect_header(expected, "X-Request-Id", NULL);
    if (!row->is_http_1_0) {
        expect_header(expected, "Date", NULL);
    }
    if (row->ends) {
        expect_header(expected, "Connection", "close");
    }
    if (answer->body_size > 0) {
        char length[TEXT_SIZE];
        (void)snprintf(length, sizeof length, "%zu", answer->body_size);
        expect_header(expected, "Content-Type", "application/json");
        expect_header(expected, "Content-Length", length);
    }
    return expected;
}

static void assert_headers(const struct row *row, const struct raw_answer *answer)
{
    json_t *expected = expected_headers(row, answer);
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(expected, name, value)
    {
        assert_header(row, answer, name, json_string_value(value));
    }
    if (count_lines(answer) != json_object_size(expected)) {
        fail_because("%s: other headers than expected:\n%.*s", row->name, (int)answer->fields_size,
                     answer->fields);
    }
    json_decref(expected);
}

static void assert_body(const struct row *row, const struct raw_answer *answer)
{
    char text[TEXT_SIZE] = "";
    const char *expected = json_string_value(json_object_get(row->json, "answer"));
    json_t *detail = json_object_get(row->json, "detail");
    if (detail != NULL) {
        json_t *error = json_pack("{s:O}", "detail", detail);
        char *printed = json_dumps(error, 0);
        (void)snprintf(text, sizeof text, "%s", printed);
        free(printed);
        json_decref(error);
        expected = text;
    }
    expected = expected == NULL ? "" : expected;
    if (answer->body_size != strlen(expected) ||
        memcmp(answer->body, expected, answer->body_size) != 0) {
        fail_because("%s: not\n%s\nbut\n%.*s", row->name, expected, (int)answer->body_size,
                     answer->body);
    }
}

static void assert_answer(const struct row *row, const struct raw_answer *answer)
{
    const char *reason = reason_of(row->status);
    if (answer->status != row->status || strncmp(answer->reason, reason, strlen(reason)) != 0 ||
        answer->reason[strlen(reason)] != '\r') {
        fail_because("%s: not %d %s but\n%d %s", row->name, row->status, reason, answer->status,
                     answer->reason);
    }
    assert_headers(row, answer);
    assert_body(row, answer);
}

/* ---- Rows ---- */

static size_t part_of(size_t size, enum way way)
{
    switch (way) {
    case AT_ONCE:
        return size;
    case IN_HALVES:
        return size / 2 + 1;
    case IN_BYTES:
        break;
    }
    return size < SMALL_BYTES ? 1 : 4096;
}

static void send_request(struct raw_call *raw, const struct strbuf *request, enum way way)
{
    size_t part = part_of(request->size, way);
    for (size_t at = 0; at < request->size; at += part) {
        size_t left = request->size - at;
        /* False when it was refused before its end: then the answer must be there all the same. */
        (void)raw_call_send(raw, request->bytes + at, left < part ? left : part);
    }
}

/* The next request on the connection is answered as the next. */
static void assert_in_step(struct raw_call *raw, const struct row *row, size_t from)
{
    static const char next[] = "GET /next HTTP/1.1\r\nHost: x\r\nX-Request-Id: next-one\r\n\r\n";
    const struct row next_row = {.name = row->name};
    struct raw_answer answer;
    assert_true(raw_call_send_text(raw, next));
    read_answer(raw, &next_row, from, &answer);
    assert_int_equal(answer.status, 404);
    assert_header(row, &answer, "X-Request-Id", "next-one");
}

static void check_row(struct stack *stack, const json_t *json, enum way way)
{
    struct strbuf request;
    strbuf_init(&request, REQUEST_BYTES_MAX);
    http_shape_request(json, stack_key(stack, "acme"), &request);
    struct row row = make_row(json, request.bytes);
    struct raw_call *raw = raw_call_open(stack_api_address(stack, 0));
    send_request(raw, &request, way);
    struct raw_answer answer;
    read_answer(raw, &row, 0, &answer);
    assert_answer(&row, &answer);
    size_t size = answer.size;
    if (row.ends) {
        const char *all = raw_call_receive(raw, NULL, LIMIT_MS);
        assert_true(raw_call_is_closed(raw));
        assert_int_equal(strlen(all), size);
    } else {
        assert_in_step(raw, &row, size);
    }
    raw_call_close(raw);
    strbuf_clear(&request);
}

static void check_rows(struct stack *stack, enum way way)
{
    json_t *groups = http_shapes_load();
    size_t rows = 0;
    size_t g = 0;
    size_t i = 0;
    const json_t *group = NULL;
    const json_t *json = NULL;
    json_array_foreach(groups, g, group)
    {
        json_array_foreach(json_object_get(group, "shapes"), i, json)
        {
            check_row(stack, json, way);
            rows++;
        }
    }
    assert_true(rows >= ROWS_AT_LEAST);
    print_message("%zu rows\n", rows);
    json_decref(groups);
}

static void every_shape_of_request_is_answered_as_the_table_says(void **state)
{
    check_rows(*state, AT_ONCE);
}

static void a_request_in_two_parts_is_answered_in_the_same_way(void **state)
{
    check_rows(*state, IN_HALVES);
}

static void a_request_byte_by_byte_is_answered_in_the_same_way(void **state)
{
    check_rows(*state, IN_BYTES);
}

int main(void)
{
    /* A process each: it would count the wrong keys of all three. */
    const struct CMUnitTest tests[] = {
        STACK_TEST(every_shape_of_request_is_answered_as_the_table_says, &api_alone),
        STACK_TEST(a_request_in_two_parts_is_answered_in_the_same_way, &api_alone),
        STACK_TEST(a_request_byte_by_byte_is_answered_in_the_same_way, &api_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
