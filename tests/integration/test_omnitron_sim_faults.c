/* The simulator fails on demand: which requests meet a fault, and what then happens. */
#include "common/mem.h"
#include "tests/support/omnitron_call.h"
#include "tests/support/raw_call.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 10000, SHORT_MS = 200 };

#define GET_HOOKS                                                                                  \
    "GET /whisperer/hooks/ HTTP/1.1\r\nHost: omnitron\r\nAuthorization: Token ann-token\r\n\r\n"

static const char get_hooks[] = "GET /whisperer/hooks/";

static int begin(void **state)
{
    sim_reset(*state);
    sim_add_user(*state, "ann", "ann-pw", "ann-token", false);
    sim_add_user(*state, "bob", "bob-pw", "bob-token", false);
    return 0;
}

static int get_status(struct sim *sim, const char *token)
{
    struct http_answer *answer = omnitron_call(sim, token, get_hooks, NULL);
    int status = answer->status;
    http_answer_free(answer);
    return status;
}

/* What is answered instead */

static void a_fault_stands_in_for_the_answer(void **state)
{
    sim_fault(*state, "{\"name\":\"f\",\"action\":{\"status\":503,\"body\":\"<h1>Sorry</h1>\","
                      "\"headers\":{\"Retry-After\":\"3\"}}}");
    struct http_answer *answer = omnitron_call(*state, "ann-token", get_hooks, NULL);
    char *retry_after = http_answer_header(answer, "Retry-After");
    char *type = http_answer_header(answer, "Content-Type");
    assert_int_equal(answer->status, 503);
    assert_string_equal(answer->body, "<h1>Sorry</h1>");
    assert_string_equal(retry_after, "3");
    assert_string_equal(type, "text/html; charset=utf-8");
    mem_free(retry_after);
    mem_free(type);
    http_answer_free(answer);
    assert_int_equal(get_status(*state, "ann-token"), 200);
}

static void a_fault_can_answer_json_and_name_its_type(void **state)
{
    sim_fault(*state, "{\"action\":{\"status\":429,\"json\":{\"detail\":\"wait\"}}}");
    omnitron_expect(*state, "ann-token", get_hooks, NULL, 429, "{\"detail\":\"wait\"}");
    sim_fault(*state, "{\"action\":{\"json\":[],\"headers\":{\"Content-Type\":\"text/plain\"}}}");
    struct http_answer *answer = omnitron_call(*state, "ann-token", get_hooks, NULL);
    char *type = http_answer_header(answer, "Content-Type");
    assert_int_equal(answer->status, 200);
    assert_string_equal(type, "text/plain");
    mem_free(type);
    http_answer_free(answer);
}

static void a_fault_does_the_real_thing_only_when_told_to(void **state)
{
    sim_fault(*state, "{\"method\":\"POST\",\"action\":{\"status\":500}}");
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "a.b", "https://x/"), 500);
    assert_int_equal(sim_hook_count(*state, "ann"), 0);
    sim_fault(*state, "{\"method\":\"POST\",\"action\":{\"status\":500,\"apply\":true}}");
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "a.b", "https://x/"), 500);
    assert_int_equal(sim_hook_count(*state, "ann"), 1);
}

static void only_a_delay_is_followed_by_the_real_answer(void **state)
{
    sim_fault(*state, "{\"action\":{\"delay_ms\":150}}");
    struct http_answer *answer = omnitron_call(*state, "ann-token", get_hooks, NULL);
    assert_int_equal(answer->status, 200);
    assert_true(answer->took_ms >= 150 - CLOCK_SLACK_MS);
    http_answer_free(answer);
}

/* What happens to the connection */

static bool one_is_in_flight(void *sim)
{
    return sim_counter(sim, "in_flight") == 1;
}

static void a_connection_can_be_closed_before_or_after_the_operation(void **state)
{
    sim_fault(*state, "{\"method\":\"POST\",\"action\":{\"close\":\"before\"}}");
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "a.b", "https://x/"), 0);
    assert_int_equal(sim_hook_count(*state, "ann"), 0);
    sim_fault(*state, "{\"method\":\"POST\",\"action\":{\"close\":\"after\"}}");
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "a.b", "https://x/"), 0);
    assert_int_equal(sim_hook_count(*state, "ann"), 1);
}

static void an_answer_can_be_cut(void **state)
{
    static const struct {
        const char *fault;
        size_t body_size;
    } rows[] = {
        {"{\"action\":{\"body\":\"0123456789\",\"close\":\"mid\"}}", 5},
        {"{\"action\":{\"body\":\"0123456789\",\"truncate\":3}}", 3},
        {"{\"action\":{\"body\":\"0123456789\",\"truncate\":0}}", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sim_fault(*state, rows[i].fault);
        struct raw_call *raw = raw_call_open(sim_address(*state));
        assert_true(raw_call_send_text(raw, GET_HOOKS));
        const char *wire = raw_call_receive(raw, NULL, LIMIT_MS);
        assert_true(raw_call_is_closed(raw));
        assert_non_null(strstr(wire, "HTTP/1.1 200 "));
        assert_non_null(strstr(wire, "Content-Length: 10\r\n"));
        assert_int_equal(strlen(strstr(wire, "\r\n\r\n") + 4), rows[i].body_size);
        raw_call_close(raw);
    }
}

static void an_answer_can_come_in_drops(void **state)
{
    sim_fault(*state, "{\"action\":{\"drip_ms\":1}}");
    struct http_answer *answer = omnitron_call(*state, "ann-token", get_hooks, NULL);
    assert_int_equal(answer->status, 200);
    assert_true(json_is_object(answer->json));
    assert_true(answer->took_ms >= (int64_t)answer->size - CLOCK_SLACK_MS);
    http_answer_free(answer);
}

static void a_request_can_hang_until_the_faults_are_cleared(void **state)
{
    sim_fault(*state, "{\"action\":{\"hang\":true}}");
    struct raw_call *raw = raw_call_open(sim_address(*state));
    assert_true(raw_call_send_text(raw, GET_HOOKS));
    assert_becomes_true(one_is_in_flight, *state, LIMIT_MS);
    assert_string_equal(raw_call_receive(raw, NULL, SHORT_MS), "");
    assert_false(raw_call_is_closed(raw));
    sim_clear_faults(*state);
    assert_string_equal(raw_call_receive(raw, NULL, LIMIT_MS), "");
    assert_true(raw_call_is_closed(raw));
    assert_int_equal(sim_counter(*state, "in_flight"), 0);
    raw_call_close(raw);
}

static bool nothing_is_in_flight(void *sim)
{
    return sim_counter(sim, "in_flight") == 0;
}

static void a_client_that_gives_up_ends_its_hanging_request(void **state)
{
    sim_fault(*state, "{\"action\":{\"hang\":true}}");
    struct raw_call *raw = raw_call_open(sim_address(*state));
    assert_true(raw_call_send_text(raw, GET_HOOKS));
    assert_becomes_true(one_is_in_flight, *state, LIMIT_MS);
    raw_call_close(raw);
    assert_becomes_true(nothing_is_in_flight, *state, LIMIT_MS);
}

static void a_client_that_gives_up_waiting_has_still_changed_the_rows(void **state)
{
    sim_set(*state, "{\"latency_ms\":60000}");
    struct raw_call *raw = raw_call_open(sim_address(*state));
    static const char body[] = "{\"event_type\":\"a\",\"target_url\":\"u\",\"retry_countdown_"
                               "config\":{\"choice\":\"fixed\",\"kwargs\":{\"seconds\":1}}}";
    char request[512];
    (void)snprintf(request, sizeof request,
                   "POST /whisperer/hooks/ HTTP/1.1\r\nHost: h\r\nAuthorization: Token ann-token"
                   "\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                   sizeof body - 1, body);
    assert_true(raw_call_send_text(raw, request));
    assert_becomes_true(one_is_in_flight, *state, LIMIT_MS);
    raw_call_close(raw);
    assert_int_equal(sim_hook_count(*state, "ann"), 1);
}

/* Which requests meet a fault */

static void a_fault_meets_only_what_it_names(void **state)
{
    static const char *const faults[] = {
        "{\"name\":\"f\",\"method\":\"POST\",\"action\":{\"status\":599}}",
        "{\"name\":\"f\",\"path\":\"/api/\",\"action\":{\"status\":599}}",
        "{\"name\":\"f\",\"username\":\"bob\",\"action\":{\"status\":599}}",
        "{\"name\":\"f\",\"match\":\"page=2\",\"action\":{\"status\":599}}",
    };
    static const char *const met[][3] = {
        {"ann-token", "POST /whisperer/hooks/", "{}"},
        {NULL, "POST /api/v1/auth/login/", "{}"},
        {"bob-token", "GET /whisperer/hooks/", NULL},
        {"ann-token", "GET /whisperer/hooks/?page=2", NULL},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sim_fault(*state, faults[i]);
        assert_int_equal(get_status(*state, "ann-token"), 200);
        assert_int_equal(sim_fault_hits(*state, "f"), 0);
        omnitron_expect(*state, met[i][0], met[i][1], met[i][2], 599, NULL);
        assert_int_equal(sim_fault_hits(*state, "f"), 1);
    }
}

static void a_fault_matches_the_body_and_the_name_in_a_login(void **state)
{
    static const char log_in[] = "POST /api/v1/auth/login/";
    static const char body[] = "{\"username\":\"ann\",\"password\":\"ann-pw\"}";
    sim_fault(*state, "{\"match\":\"ann-pw\",\"action\":{\"status\":502}}");
    omnitron_expect(*state, NULL, log_in, body, 502, NULL);
    sim_fault(*state, "{\"username\":\"bob\",\"action\":{\"status\":502}}");
    omnitron_expect(*state, NULL, log_in, body, 200, NULL);
    omnitron_expect(*state, NULL, log_in, "{\"username\":\"bob\",\"password\":\"bob-pw\"}", 502,
                    NULL);
}

static void a_fault_skips_first_and_ends_after_its_times(void **state)
{
    static const int expected[] = {200, 200, 503, 503, 503, 200};
    sim_fault(*state, "{\"name\":\"f\",\"skip\":2,\"times\":3,\"action\":{\"status\":503}}");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(get_status(*state, "ann-token"), expected[i]);
    }
    assert_int_equal(sim_fault_hits(*state, "f"), 3);
}

static void a_fault_without_end_lasts_until_it_is_cleared(void **state)
{
    sim_fault(*state, "{\"times\":-1,\"action\":{\"status\":503}}");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(get_status(*state, "ann-token"), 503);
    }
    sim_clear_faults(*state);
    assert_int_equal(get_status(*state, "ann-token"), 200);
}

static void a_fault_that_makes_no_sense_is_refused(void **state)
{
    static const char *const faults[] = {
        "{}",
        "{\"action\":{\"stauts\":503}}",
        "{\"action\":{\"close\":\"now\"}}",
        "{\"action\":{\"delay_ms\":\"1\"}}",
        "{\"patch\":\"/\",\"action\":{\"status\":503}}",
        "nonsense",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        omnitron_expect(*state, NULL, "POST /_sim/faults", faults[i], 400, NULL);
    }
    omnitron_expect(*state, NULL, "GET /_sim/faults", NULL, 200, "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_fault_stands_in_for_the_answer, begin),
        cmocka_unit_test_setup(a_fault_can_answer_json_and_name_its_type, begin),
        cmocka_unit_test_setup(a_fault_does_the_real_thing_only_when_told_to, begin),
        cmocka_unit_test_setup(only_a_delay_is_followed_by_the_real_answer, begin),
        cmocka_unit_test_setup(a_connection_can_be_closed_before_or_after_the_operation, begin),
        cmocka_unit_test_setup(an_answer_can_be_cut, begin),
        cmocka_unit_test_setup(an_answer_can_come_in_drops, begin),
        cmocka_unit_test_setup(a_request_can_hang_until_the_faults_are_cleared, begin),
        cmocka_unit_test_setup(a_client_that_gives_up_ends_its_hanging_request, begin),
        cmocka_unit_test_setup(a_client_that_gives_up_waiting_has_still_changed_the_rows, begin),
        cmocka_unit_test_setup(a_fault_meets_only_what_it_names, begin),
        cmocka_unit_test_setup(a_fault_matches_the_body_and_the_name_in_a_login, begin),
        cmocka_unit_test_setup(a_fault_skips_first_and_ends_after_its_times, begin),
        cmocka_unit_test_setup(a_fault_without_end_lasts_until_it_is_cleared, begin),
        cmocka_unit_test_setup(a_fault_that_makes_no_sense_is_refused, begin),
    };
    return cmocka_run_group_tests(tests, sim_group_start, sim_group_stop);
}
