/* What people read of Omnitron's refusals: the server's words on one line, without our secrets. */
#include "common/mem.h"
#include "common/omnitron_error.h"
#include "common/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct http_response a_response(int status, const char *type, const char *body)
{
    return (struct http_response){.status = status,
                                  .body = body,
                                  .body_size = strlen(body),
                                  .content_type = type,
                                  .retry_after = "",
                                  .date = ""};
}

static char quoted[OMNITRON_QUOTE_SIZE];

static const char *quote(const char *body)
{
    struct http_response response = a_response(400, "application/json", body);
    const struct redaction nothing = {0};
    return omnitron_quote(quoted, &response, &nothing);
}

static void every_shape_of_an_error_body_becomes_a_line(void **state)
{
    (void)state;
    assert_string_equal(quote("{\"detail\":\"Not found.\"}"), "Not found.");
    assert_string_equal(quote("{\"event_type\":[\"\\\"x\\\" is not a valid choice.\"]}"),
                        "event_type: \"x\" is not a valid choice.");
    assert_string_equal(quote("{\"non_field_errors\":[\"Wrong.\",\"Very.\"]}"), "Wrong.; Very.");
    assert_string_equal(quote("{\"retry_countdown_config\":{\"kwargs\":{\"seconds\":[\"Bad.\"]}}}"),
                        "retry_countdown_config.kwargs.seconds: Bad.");
    assert_string_equal(quote("{\"a\":[\"One.\"],\"b\":{\"detail\":[\"Two.\"]}}"),
                        "a: One.; b.detail: Two.");
    assert_string_equal(quote("[\"Ensure this.\"]"), "Ensure this.");
    assert_string_equal(quote("\"plain\""), "plain");
    assert_string_equal(quote("{\"code\":\"webhook_100_2\",\"en\":\"Already\"}"),
                        "code: webhook_100_2; en: Already");
}

static void what_says_nothing_is_not_quoted(void **state)
{
    (void)state;
    assert_string_equal(quote(""), "");
    assert_string_equal(quote("{}"), "");
    assert_string_equal(quote("[]"), "");
    assert_string_equal(quote("{\"a\":1,\"b\":null,\"c\":true}"), "");
    assert_string_equal(quote("<h1>Bad Gateway</h1>"), "");
    assert_string_equal(quote("{\"a\":\"cut off"), "");
    struct http_response page = a_response(502, "text/html", "{\"detail\":\"not JSON by type\"}");
    const struct redaction nothing = {0};
    assert_string_equal(omnitron_quote(quoted, &page, &nothing), "");
}

static void a_body_too_deep_is_read_as_far_as_is_useful(void **state)
{
    (void)state;
    assert_string_equal(quote("{\"a\":[[[[[[[[[[[[[\"deep\"]]]]]]]]]]]]],\"b\":[\"shallow\"]}"),
                        "b: shallow");
}

static void control_characters_become_spaces(void **state)
{
    (void)state;
    assert_string_equal(quote("{\"detail\":\"a\\nlevel=error\\u0007\\u007f.\"}"),
                        "a level=error  .");
}

/* "<start><middle so many times><end>" as a body; to be mem_freed. */
static char *repeat(const char *start, const char *middle, size_t times, const char *end)
{
    struct strbuf body;
    strbuf_init(&body, SIZE_MAX / 2);
    strbuf_add_text(&body, start);
    for (size_t i = 0; i < times; i++) {
        strbuf_add_text(&body, middle);
    }
    strbuf_add_text(&body, end);
    return strbuf_take(&body);
}

static void a_long_text_is_cut_between_two_characters(void **state)
{
    (void)state;
    char *even = repeat("\"", "ç", 300, "\"");
    (void)quote(even);
    assert_int_equal(strlen(quoted), OMNITRON_QUOTE_MAX + 3);
    assert_string_equal(quoted + OMNITRON_QUOTE_MAX - 2, "ç...");
    mem_free(even);
    char *odd = repeat("\"x", "ç", 300, "\"");
    (void)quote(odd);
    assert_int_equal(strlen(quoted), OMNITRON_QUOTE_MAX + 3 - 1);
    assert_string_equal(quoted + OMNITRON_QUOTE_MAX - 3, "ç...");
    mem_free(odd);
}

static void secrets_are_never_repeated(void **state)
{
    (void)state;
    struct redaction redaction = {0};
    redaction_add(&redaction, "t0ken");
    redaction_add(&redaction, "t0ken-longer");
    redaction_add(&redaction, "Token 0123456789abcdef");
    redaction_add(&redaction, "");
    redaction_add(&redaction, NULL);
    struct http_response response =
        a_response(400, "application/json",
                   "{\"detail\":\"got t0ken-longer and t0ken, "
                   "0123456789abcdef in Token 0123456789abcdef.\",\"t0ken\":[\"t0ken\"]}");
    assert_string_equal(omnitron_quote(quoted, &response, &redaction),
                        "got *** and ***, *** in ***.; ***: ***");
    redaction_clear(&redaction);
}

static void a_secret_at_the_place_of_the_cut_is_not_shown_in_part(void **state)
{
    (void)state;
    for (size_t before = 180; before <= 200; before++) {
        char *body = repeat("\"", ".", before, "verysecretvalue\"");
        struct redaction redaction = {0};
        redaction_add(&redaction, "verysecretvalue");
        struct http_response response = a_response(400, "application/json", body);
        (void)omnitron_quote(quoted, &response, &redaction);
        assert_null(strchr(quoted, 'v'));
        assert_true(strlen(quoted) < OMNITRON_QUOTE_SIZE);
        redaction_clear(&redaction);
        mem_free(body);
    }
}

static void a_message_too_long_to_check_is_left_out(void **state)
{
    (void)state;
    char *body = repeat("{\"a\":[\"short\"],\"b\":[\"", "x", 5000, "\"],\"c\":[\"last\"]}");
    assert_string_equal(quote(body), "a: short; c: last");
    mem_free(body);
}

/* A proxy may answer with a status of its own and Omnitron's body. */
static void data_of_an_answer_is_not_quoted(void **state)
{
    (void)state;
    assert_string_equal(quote("{\"key\":\"0123456789abcdef\"}"), "");
    assert_string_equal(
        quote("{\"next\":null,\"results\":[{\"id\":1,\"secret_key\":\"k3y\",\"config\":"
              "{\"auth\":{\"user\":\"bob\",\"password\":\"pw\"}}}]}"),
        "");
    assert_string_equal(
        quote("{\"token\":\"t0ken\",\"detail\":\"Wrong.\",\"secret_key\":[\"Too long.\"]}"),
        "Wrong.; secret_key: Too long.");
}

static void the_secrets_of_a_webhook_are_its_key_headers_and_login(void **state)
{
    (void)state;
    struct webhook webhook = {0};
    webhook.secret_key = (struct secret){.value = (char[]){"k3y"}, .size = 3};
    webhook.additional_headers = json_pack("{s:s}", "Authorization", "Token abcdefgh");
    webhook.config =
        json_pack("{s:s, s:{s:s, s:s}}", "channel", "web", "auth", "user", "bob", "password", "pw");
    struct redaction redaction = {0};
    redaction_add_webhook(&redaction, &webhook);
    struct http_response response = a_response(
        400, "application/json", "{\"detail\":\"k3y Token abcdefgh abcdefgh bob pw web\"}");
    assert_string_equal(omnitron_quote(quoted, &response, &redaction), "*** *** *** *** *** web");
    redaction_clear(&redaction);
    json_decref(webhook.additional_headers);
    json_decref(webhook.config);
}

/* ---- Bodies ---- */

static bool parses(const char *type, const char *body)
{
    struct http_response response = a_response(200, type, body);
    struct error why = {0};
    json_t *json = omnitron_parse_body(&response, &why);
    bool is_parsed = json != NULL;
    json_decref(json);
    assert_true(is_parsed == (why.code == ERROR_NONE));
    return is_parsed;
}

static void json_is_what_says_so_and_is_so(void **state)
{
    (void)state;
    assert_true(parses("application/json", "[]"));
    assert_true(parses("application/json; charset=utf-8", "{}"));
    assert_true(parses("Application/JSON", "{}"));
    assert_true(parses("application/problem+json", "{}"));
    assert_true(parses("", "{}"));
    assert_true(parses("application/json", "{\"a\":1,\"a\":2}"));
    assert_false(parses("text/html", "[]"));
    assert_false(parses("application/jsonp", "[]"));
    assert_false(parses("application/json", ""));
    assert_false(parses("application/json", "<html>"));
    assert_false(parses("application/json", "[1,2"));
    assert_false(parses("application/json", "[] []"));
    assert_false(parses("application/json", "\"\xff\""));
}

static void a_type_that_is_no_text_is_told_as_text(void **state)
{
    (void)state;
    struct http_response response = a_response(200, "a\nlevel=error \x01\xff\x7f", "[]");
    struct error why = {0};
    assert_null(omnitron_parse_body(&response, &why));
    assert_string_equal(why.text, "not JSON but a?level=error ???");
}

static void json_too_deep_is_refused_and_not_a_crash(void **state)
{
    (void)state;
    enum { DEPTH = 200000 };
    char *body = mem_new(2 * DEPTH + 1, 1);
    memset(body, '[', DEPTH);
    memset(body + DEPTH, ']', DEPTH);
    assert_false(parses("application/json", body));
    mem_free(body);
}

static void only_the_code_makes_a_406_a_duplicate(void **state)
{
    (void)state;
    struct http_response response =
        a_response(406, "application/json", "{\"code\":\"webhook_100_2\",\"en\":\"...\"}");
    assert_true(omnitron_has_code(&response, "webhook_100_2"));
    response = a_response(406, "application/json", "{\"code\":\"webhook_100_20\"}");
    assert_false(omnitron_has_code(&response, "webhook_100_2"));
    response = a_response(406, "application/json", "{\"detail\":\"webhook_100_2\"}");
    assert_false(omnitron_has_code(&response, "webhook_100_2"));
    response = a_response(406, "text/html", "{\"code\":\"webhook_100_2\"}");
    assert_false(omnitron_has_code(&response, "webhook_100_2"));
}

/* ---- Kinds ---- */

static void each_status_has_its_kind(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum omnitron_failure_kind kind;
    } rows[] = {
        {301, OMNITRON_REDIRECTED},  {308, OMNITRON_REDIRECTED},  {400, OMNITRON_REJECTED},
        {401, OMNITRON_CREDENTIALS}, {403, OMNITRON_FORBIDDEN},   {404, OMNITRON_WRONG_PATH},
        {405, OMNITRON_WRONG_PATH},  {406, OMNITRON_REJECTED},    {408, OMNITRON_UNREACHABLE},
        {415, OMNITRON_REJECTED},    {425, OMNITRON_UNREACHABLE}, {429, OMNITRON_THROTTLED},
        {500, OMNITRON_UNREACHABLE}, {503, OMNITRON_UNREACHABLE}, {600, OMNITRON_BROKEN},
        {101, OMNITRON_BROKEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(omnitron_kind_of_status(rows[i].status), rows[i].kind);
    }
}

static void a_failure_names_status_method_and_path_but_no_query(void **state)
{
    (void)state;
    struct http_response response =
        a_response(404, "application/json", "{\"detail\":\"Not found.\"}");
    struct omnitron_failure failure;
    const struct redaction nothing = {0};
    omnitron_failure_of_response(&failure, OMNITRON_WRONG_PATH, "GET",
                                 "https://x.example/hooks/?key=hidden", &response, &nothing);
    assert_int_equal(failure.status, 404);
    assert_int_equal(failure.error.code, ERROR_NOT_FOUND);
    assert_string_equal(failure.error.text,
                        "Omnitron answered 404 to GET https://x.example/hooks/; check the base URL "
                        "and the path: Not found.");
}

static void what_may_pass_is_not_permanent(void **state)
{
    (void)state;
    for (int kind = OMNITRON_UNREACHABLE; kind <= OMNITRON_CANCELLED; kind++) {
        struct omnitron_failure failure = {.kind = (enum omnitron_failure_kind)kind};
        bool may_pass = kind <= OMNITRON_BROKEN;
        assert_int_equal(omnitron_failure_may_pass(&failure), may_pass);
        assert_string_not_equal(omnitron_failure_name(failure.kind), "unknown");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_of_an_error_body_becomes_a_line),
        cmocka_unit_test(what_says_nothing_is_not_quoted),
        cmocka_unit_test(a_body_too_deep_is_read_as_far_as_is_useful),
        cmocka_unit_test(control_characters_become_spaces),
        cmocka_unit_test(a_long_text_is_cut_between_two_characters),
        cmocka_unit_test(secrets_are_never_repeated),
        cmocka_unit_test(a_secret_at_the_place_of_the_cut_is_not_shown_in_part),
        cmocka_unit_test(a_message_too_long_to_check_is_left_out),
        cmocka_unit_test(data_of_an_answer_is_not_quoted),
        cmocka_unit_test(the_secrets_of_a_webhook_are_its_key_headers_and_login),
        cmocka_unit_test(json_is_what_says_so_and_is_so),
        cmocka_unit_test(a_type_that_is_no_text_is_told_as_text),
        cmocka_unit_test(json_too_deep_is_refused_and_not_a_crash),
        cmocka_unit_test(only_the_code_makes_a_406_a_duplicate),
        cmocka_unit_test(each_status_has_its_kind),
        cmocka_unit_test(a_failure_names_status_method_and_path_but_no_query),
        cmocka_unit_test(what_may_pass_is_not_permanent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
