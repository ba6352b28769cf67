/* The simulator's control interface, what it counts, and the program itself. */
#include "common/mem.h"
#include "common/now.h"
#include "tests/support/omnitron_call.h"
#include "tests/support/process.h"
#include "tests/support/raw_call.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 10000 };

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

/* Settings, users, rows */

static void a_setting_that_makes_no_sense_changes_nothing(void **state)
{
    json_t *before = omnitron_read(*state, NULL, "/_sim/settings");
    omnitron_expect(*state, NULL, "PATCH /_sim/settings", "{\"page_size\":7,\"filters\":1}", 400,
                    "{\"detail\":\"filters: not a legal value\"}");
    omnitron_expect(*state, NULL, "PATCH /_sim/settings", "{\"page_size\":7,\"pages\":1}", 400,
                    "{\"detail\":\"pages: no such setting\"}");
    json_t *after = omnitron_read(*state, NULL, "/_sim/settings");
    assert_true(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

static void an_expired_token_is_wrong_until_the_next_login_or_a_given_one(void **state)
{
    sim_expire_token(*state, "ann");
    assert_int_equal(get_status(*state, "ann-token"), 401);
    assert_int_equal(sim_counter(*state, "tokens_seen_wrong"), 1);
    omnitron_expect(*state, NULL, "POST /_sim/tokens/expire",
                    "{\"username\":\"ann\",\"token\":\"second\"}", 204, NULL);
    assert_int_equal(get_status(*state, "second"), 200);
}

static void an_inactive_user_is_not_let_in(void **state)
{
    omnitron_expect(*state, NULL, "POST /_sim/users",
                    "[{\"username\":\"ann\",\"password\":\"ann-pw\",\"token\":\"ann-token\","
                    "\"is_active\":false}]",
                    204, NULL);
    omnitron_expect(*state, "ann-token", get_hooks, NULL, 401,
                    "{\"detail\":\"User inactive or deleted.\"}");
}

static void a_reset_forgets_everything(void **state)
{
    sim_fault(*state, "{\"times\":-1,\"action\":{\"status\":503}}");
    sim_set(*state, "{\"page_size\":1}");
    sim_seed(*state, "{\"username\":\"ann\",\"event_type\":\"a\",\"target_url\":\"u\"}");
    sim_reset(*state);
    omnitron_expect(*state, NULL, "GET /_sim/hooks", NULL, 200, "[]");
    omnitron_expect(*state, NULL, "GET /_sim/faults", NULL, 200, "[]");
    assert_int_equal(get_status(*state, "ann-token"), 401);
    json_t *settings = omnitron_read(*state, NULL, "/_sim/settings");
    assert_int_equal(json_integer_value(json_object_get(settings, "page_size")), 100);
    json_decref(settings);
}

static void rows_can_be_removed_as_no_delete_does(void **state)
{
    sim_seed(*state, "[{\"username\":\"ann\",\"event_type\":\"a\",\"target_url\":\"u\"},"
                     "{\"username\":\"bob\",\"event_type\":\"a\",\"target_url\":\"u\"}]");
    omnitron_expect(*state, NULL, "DELETE /_sim/hooks?username=ann", NULL, 204, NULL);
    assert_int_equal(sim_hook_count(*state, "ann"), 0);
    assert_int_equal(sim_hook_count(*state, "bob"), 1);
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "a", "u"), 201);
    omnitron_expect(*state, NULL, "DELETE /_sim/hooks", NULL, 204, NULL);
    assert_int_equal(sim_hook_count(*state, "bob"), 0);
}

/* Counters */

static void duplicates_within_one_user_are_found(void **state)
{
    static const char row[] = "{\"username\":\"ann\",\"event_type\":\"a\",\"target_url\":\"u\"}";
    sim_seed(*state, row);
    sim_seed(*state, "{\"username\":\"bob\",\"event_type\":\"a\",\"target_url\":\"u\"}");
    json_t *counters = sim_counters(*state);
    assert_int_equal(json_array_size(json_object_get(counters, "duplicates")), 0);
    json_decref(counters);
    sim_seed(*state, row);
    sim_seed(*state, row);
    counters = sim_counters(*state);
    json_t *expected = json_loads("[{\"username\":\"ann\",\"event_type\":\"a\","
                                  "\"target_url\":\"u\",\"count\":3}]",
                                  0, NULL);
    assert_true(json_equal(json_object_get(counters, "duplicates"), expected));
    json_decref(expected);
    json_decref(counters);
}

static void what_was_asked_is_counted(void **state)
{
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "a", "u"), 201);
    assert_int_equal(omnitron_post_webhook(*state, "ann-token", "a", "u"), 406);
    omnitron_expect(*state, "ann-token", "PATCH /whisperer/hooks/1/", "{}", 200, NULL);
    omnitron_expect(*state, "ann-token", "GET /whisperer/hooks/?page=1", NULL, 200, NULL);
    omnitron_expect(*state, "ann-token", "GET /whisperer/hooks/?page=2", NULL, 404, NULL);
    omnitron_expect(*state, "ann-token", "GET /whisperer/hooks/?event_type=a", NULL, 200, NULL);
    omnitron_expect(*state, NULL, "POST /api/v1/auth/login/", "{}", 400, NULL);
    assert_int_equal(sim_counter(*state, "requests"), 7);
    assert_int_equal(sim_counter(*state, "logins"), 1);
    assert_int_equal(sim_counter(*state, "list_reads"), 1);
    assert_int_equal(sim_counter(*state, "lookups"), 1);
    assert_int_equal(sim_counter(*state, "duplicate_posts"), 1);
    assert_int_equal(sim_route_count(*state, "POST /whisperer/hooks/", 201), 1);
    assert_int_equal(sim_route_count(*state, "POST /whisperer/hooks/", 406), 1);
    assert_int_equal(sim_route_count(*state, "PATCH /whisperer/hooks/{id}/", 200), 1);
    assert_int_equal(sim_route_count(*state, "GET /whisperer/hooks/", 404), 1);
    json_t *counters = sim_counters(*state);
    const json_t *created = json_object_get(counters, "created_by_user");
    assert_int_equal(json_integer_value(json_object_get(created, "ann")), 1);
    json_decref(counters);
    sim_reset_counters(*state);
    assert_int_equal(sim_counter(*state, "requests"), 0);
    assert_int_equal(sim_hook_count(*state, "ann"), 1);
}

static void requests_are_remembered_without_their_tokens(void **state)
{
    assert_int_equal(get_status(*state, "ann-token"), 200);
    omnitron_expect(*state, NULL, "GET /whisperer/hooks/?page=2", NULL, 401, NULL);
    struct http_answer *answer = omnitron_call(*state, NULL, "GET /_sim/requests?limit=2", NULL);
    assert_null(strstr(answer->body, "ann-token"));
    assert_int_equal(json_array_size(answer->json), 2);
    json_t *second = json_array_get(answer->json, 1);
    assert_true(json_is_integer(json_object_get(second, "ms")));
    json_object_del(second, "ms");
    json_t *expected = json_loads("{\"method\":\"GET\",\"path\":\"/whisperer/hooks/?page=2\","
                                  "\"username\":null,\"status\":401,\"has_authorization\":false}",
                                  0, NULL);
    assert_true(json_equal(second, expected));
    json_decref(expected);
    http_answer_free(answer);
}

static void latency_is_borne_by_all_requests_at_once(void **state)
{
    enum { CONNECTIONS = 200, LATENCY_MS = 300 };
    sim_set(*state, "{\"latency_ms\":300}");
    struct raw_call *raws[CONNECTIONS];
    int64_t start_ms = now_mono_ms();
    for (size_t i = 0; i < CONNECTIONS; i++) {
        raws[i] = raw_call_open(sim_address(*state));
        assert_true(raw_call_send_text(raws[i], GET_HOOKS));
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        assert_non_null(strstr(raw_call_receive(raws[i], "results", LIMIT_MS), "200 OK"));
        raw_call_close(raws[i]);
    }
    int64_t took_ms = now_mono_ms() - start_ms;
    assert_true(took_ms >= LATENCY_MS - CLOCK_SLACK_MS);
    assert_true(took_ms < LATENCY_MS * CONNECTIONS / 10);
    json_t *counters = sim_counters(*state);
    const json_t *by_user = json_object_get(counters, "max_in_flight_by_user");
    int64_t max = json_integer_value(json_object_get(counters, "max_in_flight"));
    assert_true(max > 1);
    assert_int_equal(json_integer_value(json_object_get(by_user, "ann")), max);
    json_decref(counters);
}

/* The program */

struct program {
    struct temp_dir *dir;
    struct process *process;
    char address[256]; /* as http_call wants it: "127.0.0.1:port" or "unix:/path" */
};

static const char told[] = "listening on ";
static const char sim_path[] = TEST_BIN_DIR "/omnitron-sim";

static struct program run_program(const char *const argv[])
{
    struct program program = {.dir = temp_dir_new()};
    program.process =
        process_start(&(struct process_options){.name = "sim", .argv = argv, .dir = program.dir});
    return program;
}

static void wait_for_address(struct program *program)
{
    const char *line = process_wait_line(program->process, PROCESS_STDOUT, told, LIMIT_MS);
    const char *address = line + strlen(told);
    (void)snprintf(program->address, sizeof program->address, "%s",
                   strncmp(address, "http://", 7) == 0 ? address + 7 : address);
}

static void stop_program(struct program *program)
{
    process_free(program->process);
    temp_dir_free(program->dir);
}

static void options_set_users_paths_and_pages(void **state)
{
    (void)state;
    const char *const argv[] = {sim_path,
                                "--superuser",
                                "root:pw:tok",
                                "--user",
                                "ann:pw:ann-token",
                                "--pagination",
                                "array",
                                "--page-size",
                                "7",
                                "--latency-ms",
                                "1",
                                "--hooks-path",
                                "/api/v1/webhooks/",
                                "--api-prefix",
                                "/x/",
                                NULL};
    struct program program = run_program(argv);
    wait_for_address(&program);
    const char *const headers[] = {"Authorization: Token ann-token", NULL};
    static const char *const paths[] = {"/api/v1/webhooks/", "/x/active_user/"};
    for (size_t i = 0; i < 2; i++) {
        struct http_answer *answer = http_call(
            &(struct http_call){.address = program.address, .path = paths[i], .headers = headers});
        assert_int_equal(answer->status, 200);
        http_answer_free(answer);
    }
    struct http_answer *answer =
        http_call(&(struct http_call){.address = program.address, .path = "/_sim/settings"});
    assert_string_equal(http_answer_text(answer, "pagination"), "array");
    assert_int_equal(json_integer_value(json_object_get(answer->json, "page_size")), 7);
    assert_int_equal(json_integer_value(json_object_get(answer->json, "latency_ms")), 1);
    http_answer_free(answer);
    stop_program(&program);
}

static void a_wrong_option_is_refused(void **state)
{
    (void)state;
    const char *const argv[] = {sim_path, "--pagination", "pages", NULL};
    struct program program = run_program(argv);
    assert_int_equal(process_wait_exit(program.process, LIMIT_MS), 2);
    stop_program(&program);
}

static void it_can_listen_on_a_unix_socket(void **state)
{
    (void)state;
    struct temp_dir *dir = temp_dir_new();
    char *path = temp_dir_join(dir, "omnitron.sock");
    char listen[256];
    (void)snprintf(listen, sizeof listen, "unix:%s", path);
    const char *const argv[] = {sim_path, "--listen", listen, NULL};
    struct program program = run_program(argv);
    wait_for_address(&program);
    assert_string_equal(program.address, listen);
    struct http_answer *answer =
        http_call(&(struct http_call){.address = program.address, .path = "/whisperer/hooks/"});
    assert_int_equal(answer->status, 401);
    http_answer_free(answer);
    assert_int_equal(process_stop(program.process, LIMIT_MS), 0);
    assert_false(file_exists(path));
    stop_program(&program);
    mem_free(path);
    temp_dir_free(dir);
}

static bool has_a_request(void *address)
{
    struct http_answer *answer =
        http_call(&(struct http_call){.address = address, .path = "/_sim/requests"});
    bool is_there = json_array_size(answer->json) == 1;
    http_answer_free(answer);
    return is_there;
}

static void a_signal_ends_it_with_requests_still_unanswered(void **state)
{
    (void)state;
    const char *const argv[] = {sim_path,       "--user", "ann:pw:ann-token",
                                "--latency-ms", "60000",  NULL};
    struct program program = run_program(argv);
    wait_for_address(&program);
    struct raw_call *raw = raw_call_open(program.address);
    assert_true(raw_call_send_text(raw, GET_HOOKS));
    assert_becomes_true(has_a_request, program.address, LIMIT_MS);
    process_signal(program.process, SIGTERM);
    assert_int_equal(process_wait_exit(program.process, LIMIT_MS), 0);
    raw_call_close(raw);
    stop_program(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_setting_that_makes_no_sense_changes_nothing, begin),
        cmocka_unit_test_setup(an_expired_token_is_wrong_until_the_next_login_or_a_given_one,
                               begin),
        cmocka_unit_test_setup(an_inactive_user_is_not_let_in, begin),
        cmocka_unit_test_setup(a_reset_forgets_everything, begin),
        cmocka_unit_test_setup(rows_can_be_removed_as_no_delete_does, begin),
        cmocka_unit_test_setup(duplicates_within_one_user_are_found, begin),
        cmocka_unit_test_setup(what_was_asked_is_counted, begin),
        cmocka_unit_test_setup(requests_are_remembered_without_their_tokens, begin),
        cmocka_unit_test_setup(latency_is_borne_by_all_requests_at_once, begin),
        cmocka_unit_test(options_set_users_paths_and_pages),
        cmocka_unit_test(a_wrong_option_is_refused),
        cmocka_unit_test(a_signal_ends_it_with_requests_still_unanswered),
        cmocka_unit_test(it_can_listen_on_a_unix_socket),
    };
    return cmocka_run_group_tests(tests, sim_group_start, sim_group_stop);
}
