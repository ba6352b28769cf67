/* What the gate lets through, what it keeps of it, and what it does not let through. */
#include "api/http_gate.h"

#include "tests/support/fail.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRETCHED_MAX = 128 * 1024 };

static struct http_gate gate;

/* The gate's last word on text, all at once or in parts of at most step bytes; taken may be NULL.
 */
static enum http_gate_step feed(const char *text, size_t size, size_t part, size_t *taken)
{
    http_gate_clear(&gate);
    http_gate_init(&gate);
    enum http_gate_step step = HTTP_GATE_MORE;
    size_t at = 0;
    while (at < size && step != HTTP_GATE_WHOLE) {
        size_t given = size - at < part ? size - at : part;
        size_t used = 0;
        step = http_gate_feed(&gate, text + at, given, &used);
        assert_true(used == given || step != HTTP_GATE_MORE);
        at += used;
    }
    if (taken != NULL) {
        *taken = at;
    }
    return step;
}

static void assert_passes(const char *text, const char *request)
{
    size_t taken = 0;
    assert_int_equal(feed(text, strlen(text), SIZE_MAX, &taken), HTTP_GATE_WHOLE);
    if (gate.refusal != NULL) {
        fail_because("refused as %d %s: %s", gate.refusal->status, gate.refusal->detail, text);
    }
    assert_int_equal(taken, strlen(text));
    assert_string_equal(http_gate_request(&gate), request);
    assert_int_equal(feed(text, strlen(text), 1, NULL), HTTP_GATE_WHOLE);
    assert_null(gate.refusal);
    assert_string_equal(http_gate_request(&gate), request);
}

static void assert_refused_bytes(const char *text, size_t size, int status)
{
    for (size_t part = 1; part <= 65536; part *= 16) {
        if (feed(text, size, part, NULL) != HTTP_GATE_WHOLE || gate.refusal == NULL) {
            fail_because("not refused in parts of %zu: %s", part, text);
        }
        assert_int_equal(gate.refusal->status, status);
        assert_non_null(strstr(http_gate_request(&gate), "\r\nConnection: close\r\n\r\n"));
    }
}

static void assert_refused(const char *text, int status)
{
    assert_refused_bytes(text, strlen(text), status);
}

#define LINE "GET /a HTTP/1.1\r\n"
#define HOST "Host: h\r\n"
#define BARE "GET / HTTP/1.1\r\n\r\n"

/* The kept fields, as lines. */
static void assert_kept(const char *lines)
{
    struct strbuf text;
    strbuf_init(&text, STRETCHED_MAX);
    size_t at = 0;
    const char *value = NULL;
    for (const char *name = NULL;
         (name = http_head_next_kept(&gate.fields, &at, &value)) != NULL;) {
        assert_true(strbuf_addf(&text, "%s: %s\n", name, value));
    }
    assert_string_equal(text.bytes, lines);
    strbuf_clear(&text);
}

static void the_fields_that_we_read_are_kept_and_no_others(void **state)
{
    (void)state;
    assert_passes(LINE HOST "\r\n", BARE);
    assert_kept("Host: h\n");
    assert_passes(LINE "Accept: *\r\nhOST:h\r\nAUTHORIZATION: \tToken  a \t\r\nX-Request-Id:\r\n"
                       "X-Forwarded-For: a\r\nx-forwarded-for: b\r\nUpgrade: h2c\r\n\r\n",
                  BARE);
    assert_kept("Host: h\nAuthorization: Token  a\nX-Request-Id: \n"
                "X-Forwarded-For: a\nX-Forwarded-For: b\n");
    assert_passes("\r\n" LINE HOST "\r\n", BARE);
    assert_kept("Host: h\n");
}

static void kept_fields_are_found_by_their_name(void **state)
{
    (void)state;
    const char *values[2];
    assert_passes(LINE HOST "X-Forwarded-For: a\r\nX-Request-Id:\r\nX-Forwarded-For: b\r\n"
                            "X-Forwarded-For: c\r\n\r\n",
                  BARE);
    assert_string_equal(http_gate_field(&gate, "Host"), "h");
    assert_string_equal(http_gate_field(&gate, "X-Request-Id"), "");
    assert_string_equal(http_gate_field(&gate, "X-Forwarded-For"), "a");
    assert_null(http_gate_field(&gate, "Authorization"));
    assert_int_equal(http_gate_last_fields(&gate, "Authorization", values, 2), 0);
    assert_int_equal(http_gate_last_fields(&gate, "Host", values, 2), 1);
    assert_string_equal(values[0], "h");
    assert_int_equal(http_gate_last_fields(&gate, "X-Forwarded-For", values, 2), 2);
    assert_string_equal(values[0], "b");
    assert_string_equal(values[1], "c");
    http_gate_next(&gate);
    assert_null(http_gate_field(&gate, "Host"));
}

static void the_path_and_the_method_are_known(void **state)
{
    (void)state;
    assert_passes("BREW /a/b?c=d/e HTTP/1.1\r\n" HOST "\r\n", BARE);
    assert_string_equal(gate.head.method, "BREW");
    assert_string_equal(gate.head.path, "/a/b");
    assert_passes("get //a HTTP/1.1\r\n" HOST "\r\n", BARE);
    assert_string_equal(gate.head.method, "get");
    assert_string_equal(gate.head.path, "//a");
    assert_passes("GET HTTP://h/a HTTP/1.1\r\n" HOST "\r\n", BARE);
    assert_string_equal(gate.head.path, "/a");
    assert_passes("GET http://H?x HTTP/1.1\r\n" HOST "\r\n", BARE);
    assert_string_equal(gate.head.path, "/");
    assert_passes("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", BARE);
    assert_string_equal(gate.head.path, "*");
    assert_passes("HEAD / HTTP/1.1\r\n" HOST "\r\n", "HEAD / HTTP/1.1\r\n\r\n");
}

static void one_list_of_options_says_whether_the_connection_goes_on(void **state)
{
    (void)state;
    assert_passes(LINE HOST "Connection: TE, Close\r\n\r\n",
                  "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_passes(LINE HOST "Connection: upgrade\r\nConnection: close\r\n\r\n",
                  "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_passes(LINE HOST "Connection: enclosed, keep-alive\r\n\r\n", BARE);
    assert_passes("GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nConnection: close\r\n\r\n");
    assert_passes("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
                  "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
}

static void bodies_of_any_method_are_taken_away(void **state)
{
    (void)state;
    assert_passes(LINE HOST "Content-Length: 5\r\n\r\nhello", BARE);
    assert_passes(LINE HOST "Content-Length: 0\r\n\r\n", BARE);
    assert_passes(LINE HOST "Content-Length: 005\r\n\r\nhello", BARE);
    assert_passes(LINE HOST "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", BARE);
    assert_passes(LINE HOST "Transfer-Encoding: chunked\r\n\r\n"
                            "00A;a=\"b\"\r\n0123456789\r\n1\r\nx\r\n000\r\nA: b\r\nC:\r\n\r\n",
                  BARE);
}

static void what_follows_is_left_for_the_next_request(void **state)
{
    (void)state;
    static const char two[] = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /b";
    size_t taken = 0;
    assert_int_equal(feed(two, sizeof two - 1, SIZE_MAX, &taken), HTTP_GATE_WHOLE);
    assert_string_equal(two + taken, "GET /b");
    http_gate_next(&gate);
    assert_false(gate.has_begun);
    assert_int_equal(http_gate_feed(&gate, "GET /b", 6, &taken), HTTP_GATE_MORE);
    assert_true(gate.has_begun);
    assert_int_equal(taken, 6);
}

static void a_caller_that_waits_for_the_word_to_go_on_is_noticed(void **state)
{
    (void)state;
    static const char head[] = "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n"
                               "Content-Length: 3\r\n\r\n";
    size_t taken = 0;
    assert_int_equal(feed(head, sizeof head - 1, SIZE_MAX, &taken), HTTP_GATE_CONTINUE);
    assert_int_equal(taken, sizeof head - 1);
    assert_int_equal(http_gate_feed(&gate, "ab", 2, &taken), HTTP_GATE_MORE);
    assert_int_equal(http_gate_feed(&gate, "c", 1, &taken), HTTP_GATE_WHOLE);
    assert_null(gate.refusal);
    assert_passes(LINE HOST "Expect: 100-continue\r\n\r\n", BARE);
    assert_refused(LINE HOST "Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n", 413);
    assert_refused(LINE HOST "Expect: more\r\n\r\n", 417);
}

static void bad_request_lines_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "GET /",
        "GET",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "G(T / HTTP/1.1",
        "GET / HTTP/1.2",
        "GET / HTTP/2.0",
        "GET / http/1.1",
        "GET / HTTP/1.10",
        "GET / HTTP/01.1",
        "PRI * HTTP/2.0",
        "GET * HTTP/1.1",
        "GET a HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET /\xc3\xa7 HTTP/1.1",
        "GET ?a HTTP/1.1",
        "GET ftp://h/a HTTP/1.1",
        "GET http:///a HTTP/1.1",
        "GET http://u@h/a HTTP/1.1",
        "GET http://other/a HTTP/1.1",
        "CONNECT h:443 HTTP/1.1",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1",
        "\r\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s\r\n" HOST "\r\n", lines[i]);
        assert_refused(text, 400);
    }
    /* Without waiting for the rest. */
    assert_refused("PRI * HTTP/2.0\r\n", 400);
    assert_refused("\x16\x03\x01", 400);
}

static void bad_header_lines_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "A : b",
        ": b",
        "A",
        "A\tb: c",
        "A[]: b",
        "\xc3\xa7: b",
        " A: b",
        "A: b\r\n c",
        "A: b\r\n\tc",
        "A: b\x01",
        "A: b\x7f",
        "A: b\rc",
        "A: b\nC: d",
        "Host: other",
        "Authorization: a\r\nAuthorization: a",
        "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1, 1",
        "Content-Length: +1",
        "Content-Length: -1",
        "Content-Length: 0x1",
        "Content-Length:",
        "Content-Length: 1 1",
        "Transfer-Encoding: chunked\r\nContent-Length: 1",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:",
        "Transfer-Encoding: \"chunked\"",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, LINE HOST "%s\r\n\r\n", lines[i]);
        assert_refused(text, 400);
    }
    assert_refused_bytes(LINE HOST "A: b\0c\r\n\r\n", sizeof LINE HOST "A: b\0c\r\n\r\n" - 1, 400);
    assert_refused(LINE "\r\n", 400);
    assert_refused(LINE "Host: a b\r\n\r\n", 400);
    assert_refused(LINE "Host: a/b\r\n\r\n", 400);
    assert_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    assert_passes("GET / HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}",
                  "GET / HTTP/1.0\r\nConnection: close\r\n\r\n");
}

static void bad_chunks_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "\r\n",        "g\r\n",      "-1\r\n",         "+1\r\na\r\n",  " 1\r\na\r\n",
        "1 \r\na\r\n", "0x1\r\n",    "000000001\r\n",  ";a\r\n",       "1\na\r\n",
        "1\ra",        "1;a\nb\r\n", "1;a\x01\r\n",    "1\r\nab\r\n",  "1\r\na\n0\r\n\r\n",
        "1\r\na\rb",   "0\r\nA\r\n", "0\r\n b: c\r\n", "0\r\n: c\r\n", "0\r\nA: b\n",
        "0\r\n\n",     "0\r\n\ra",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, LINE HOST "Transfer-Encoding: chunked\r\n\r\n%s",
                       bodies[i]);
        assert_refused(text, 400);
    }
}

/* before, then byte count times, then after. */
static void stretch(struct strbuf *text, const char *before, char byte, size_t count,
                    const char *after)
{
    strbuf_init(text, STRETCHED_MAX);
    (void)strbuf_add_text(text, before);
    for (size_t i = 0; i < count; i++) {
        (void)strbuf_add(text, &byte, 1);
    }
    (void)strbuf_add_text(text, after);
}

static void assert_stretched(const char *before, size_t count, const char *after, int status)
{
    struct strbuf text;
    stretch(&text, before, 'a', count, after);
    if (status == 0) {
        assert_passes(text.bytes, BARE);
    } else {
        assert_refused(text.bytes, status);
    }
    strbuf_clear(&text);
}

static void heads_have_16_kib_and_100_fields_at_most(void **state)
{
    (void)state;
    enum { REST = sizeof LINE HOST "A: \r\n\r\n" - 1 };
    assert_stretched(LINE HOST "A: ", HTTP_HEAD_BYTES_MAX - REST, "\r\n\r\n", 0);
    assert_stretched(LINE HOST "A: ", HTTP_HEAD_BYTES_MAX - REST + 1, "\r\n\r\n", 431);
    assert_stretched("GET /", HTTP_HEAD_BYTES_MAX, " HTTP/1.1\r\n", 431);

    struct strbuf text;
    strbuf_init(&text, STRETCHED_MAX);
    (void)strbuf_add_text(&text, LINE HOST);
    for (int i = 0; i < HTTP_FIELDS_MAX - 1; i++) {
        (void)strbuf_add_text(&text, "A: b\r\n");
    }
    size_t size = text.size;
    (void)strbuf_add_text(&text, "\r\n");
    assert_passes(text.bytes, BARE);
    text.size = size;
    (void)strbuf_add_text(&text, "A: b\r\n\r\n");
    assert_refused(text.bytes, 431);
    strbuf_clear(&text);
}

static void bodies_have_64_kib_at_most(void **state)
{
    (void)state;
    assert_stretched(LINE HOST "Content-Length: 65536\r\n\r\n", 65536, "", 0);
    assert_refused(LINE HOST "Content-Length: 65537\r\n\r\n", 413);
    assert_refused(LINE HOST "Content-Length: 99999999999999999999999999999\r\n\r\n", 413);
    assert_stretched(LINE HOST "Transfer-Encoding: chunked\r\n\r\n10000\r\n", 65536,
                     "\r\n0\r\n\r\n", 0);
    assert_refused(LINE HOST "Transfer-Encoding: chunked\r\n\r\n10001\r\n", 413);
    assert_refused(LINE HOST "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413);
    assert_stretched(LINE HOST "Transfer-Encoding: chunked\r\n\r\n10000\r\n", 65536, "\r\n1\r\n",
                     413);
    assert_stretched(LINE HOST "Transfer-Encoding: chunked\r\n\r\n1;", HTTP_HEAD_BYTES_MAX + 1, "",
                     431);
    assert_stretched(LINE HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nA:", HTTP_HEAD_BYTES_MAX, "",
                     431);
}

static void a_refusal_from_outside_keeps_what_is_known(void **state)
{
    (void)state;
    static const struct http_refusal late = {.status = 408, .detail = "late"};
    static const char head[] = LINE HOST "X-Request-Id: i\r\nContent-Length: 1\r\n\r\n";
    assert_int_equal(feed("GET", 3, 1, NULL), HTTP_GATE_MORE);
    http_gate_refuse(&gate, &late);
    assert_string_equal(http_gate_request(&gate), "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_int_equal(feed(head, sizeof head - 1, 1, NULL), HTTP_GATE_MORE);
    http_gate_refuse(&gate, &late);
    assert_string_equal(http_gate_request(&gate), "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_string_equal(http_gate_field(&gate, "X-Request-Id"), "i");
    assert_string_equal(gate.head.method, "GET");
}

int main(void)
{
    http_gate_init(&gate);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_that_we_read_are_kept_and_no_others),
        cmocka_unit_test(kept_fields_are_found_by_their_name),
        cmocka_unit_test(the_path_and_the_method_are_known),
        cmocka_unit_test(one_list_of_options_says_whether_the_connection_goes_on),
        cmocka_unit_test(bodies_of_any_method_are_taken_away),
        cmocka_unit_test(what_follows_is_left_for_the_next_request),
        cmocka_unit_test(a_caller_that_waits_for_the_word_to_go_on_is_noticed),
        cmocka_unit_test(bad_request_lines_are_refused),
        cmocka_unit_test(bad_header_lines_are_refused),
        cmocka_unit_test(bad_chunks_are_refused),
        cmocka_unit_test(heads_have_16_kib_and_100_fields_at_most),
        cmocka_unit_test(bodies_have_64_kib_at_most),
        cmocka_unit_test(a_refusal_from_outside_keeps_what_is_known),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    http_gate_clear(&gate);
    return failed;
}
