/* /metrics of both daemons: what it shows of a running system, and that Prometheus's own checker
   finds nothing wrong with it. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIMIT_MS = 20000, PATH_SIZE = 512 };

static const struct stack_account account = {
    .name = "acme",
    .webhooks = "[{\"event_type\": \"a.b\", \"target_url\": \"https://erp.example.com/1\"},"
                " {\"event_type\": \"a.b\", \"target_url\": \"https://erp.example.com/2\"}]",
};
static struct stack_options one_of_each = {
    .accounts = &account, .account_count = 1, .api_count = 1, .worker_count = 1};

static const char *const two_processes[] = {"OMNIHOOK_PROCESSES=2", NULL};
static struct stack_options two_of_each = {.accounts = &account,
                                           .account_count = 1,
                                           .api_count = 1,
                                           .worker_count = 1,
                                           .env = two_processes};

struct expectation {
    const char *address;
    const char *line;
};

static const char *address_of(struct stack *stack, bool is_worker)
{
    return is_worker ? stack_worker_ops_address(stack, 0) : stack_api_ops_address(stack, 0);
}

static struct http_answer *fetch(struct stack *stack, bool is_worker)
{
    return stack_ops_call(address_of(stack, is_worker), "/metrics");
}

static bool is_shown(void *arg)
{
    const struct expectation *expected = arg;
    struct http_answer *answer = stack_ops_call(expected->address, "/metrics");
    char line[256];
    (void)snprintf(line, sizeof line, "\n%s\n", expected->line);
    bool is_there = answer->status == 200 && strstr(answer->body, line) != NULL;
    http_answer_free(answer);
    return is_there;
}

static void assert_shown(struct stack *stack, bool is_worker, const char *line)
{
    struct expectation expected = {.address = address_of(stack, is_worker), .line = line};
    if (!wait_until(is_shown, &expected, LIMIT_MS)) {
        struct http_answer *answer = fetch(stack, is_worker);
        print_error("no line %s in:\n%s\n", line, answer->body);
        http_answer_free(answer);
        fail();
    }
}

static void the_figures_tell_what_has_happened(void **state)
{
    stack_run(*state, "acme", "FINISHED", LIMIT_MS);
    assert_string_equal(stack_is_required(*state, "acme"), "false");
    const char *const of_api[] = {
        "omnihook_http_requests_total{route=\"execute\",status=\"204\"} 1",
        "omnihook_http_request_duration_seconds_count{route=\"is_required\"} 1",
        "omnihook_http_requests_in_flight 0",
        "omnihook_omnitron_requests_total{method=\"GET\",status=\"2xx\"} 1",
        "omnihook_redis_connections 1",
        "omnihook_accounts 1",
        "omnihook_settings_broken 0",
        "omnihook_processes 1",
        "omnihook_jobs_total{event=\"finished\"} 1",
    };
    const char *const of_worker[] = {
        "omnihook_runs_total{end=\"finished\"} 1",
        "omnihook_run_duration_seconds_count 1",
        "omnihook_runs_in_progress 0",
        "omnihook_concurrency 64",
        "omnihook_webhooks_total{outcome=\"created\"} 2",
        "omnihook_omnitron_requests_total{method=\"POST\",status=\"2xx\"} 2",
        "omnihook_redis_connections 3",
        "omnihook_workers 1",
        "omnihook_queue_jobs 0",
        "omnihook_active_accounts 0",
    };
    for (size_t i = 0; i < sizeof of_api / sizeof of_api[0]; i++) {
        assert_shown(*state, false, of_api[i]);
    }
    for (size_t i = 0; i < sizeof of_worker / sizeof of_worker[0]; i++) {
        assert_shown(*state, true, of_worker[i]);
    }
}

/* Of the API; the test fails when it is not there. */
static double value_of(struct stack *stack, const char *name)
{
    struct http_answer *answer = fetch(stack, false);
    char start[128];
    (void)snprintf(start, sizeof start, "\n%s ", name);
    const char *line = strstr(answer->body, start);
    assert_non_null(line);
    double value = strtod(line + strlen(start), NULL);
    http_answer_free(answer);
    return value;
}

static void the_start_is_when_it_was_started(void **state)
{
    enum { SINCE_S = 60 };
    double started_at_s = value_of(*state, "process_start_time_seconds");
    double now_s = (double)time(NULL) + 1;
    assert_true(started_at_s <= now_s);
    assert_true(started_at_s > now_s - SINCE_S);
    assert_true(value_of(*state, "process_start_time_seconds") == started_at_s);
}

static void several_processes_are_added_up(void **state)
{
    stack_run(*state, "acme", "FINISHED", LIMIT_MS);
    assert_shown(*state, false, "omnihook_http_requests_total{route=\"execute\",status=\"204\"} 1");
    assert_shown(*state, false,
                 "omnihook_processes 4"); /* with their supervisor, and the operators' */
    assert_shown(*state, true, "omnihook_runs_total{end=\"finished\"} 1");
    assert_shown(*state, true, "omnihook_concurrency 128");
    assert_shown(*state, true, "omnihook_redis_connections 6");
    assert_shown(*state, true, "omnihook_workers 2");
}

static void a_webhook_that_is_left_inactive_shows(void **state)
{
    sim_seed(stack_sim(*state), "{\"username\": \"acme\", \"event_type\": \"a.b\","
                                " \"target_url\": \"https://erp.example.com/1\","
                                " \"is_active\": false}");
    json_object_set_new(stack_settings(*state, "acme"), "inactive", json_string("keep"));
    stack_write_settings(*state);
    stack_run(*state, "acme", "FINISHED", LIMIT_MS);
    assert_shown(*state, true, "omnihook_webhooks_left_inactive_total 1");
    assert_shown(*state, true, "omnihook_webhooks_total{outcome=\"created\"} 1");
}

static bool run_has_begun(void *sim)
{
    return sim_fault_hits(sim, "slow") > 0;
}

static bool second_has_recovered(void *stack)
{
    struct http_answer *answer = stack_ops_call(stack_worker_ops_address(stack, 1), "/metrics");
    bool is_there = strstr(answer->body, "\nomnihook_jobs_recovered_total 1\n") != NULL;
    http_answer_free(answer);
    return is_there;
}

static void the_job_of_a_killed_worker_shows_as_recovered(void **state)
{
    sim_fault(stack_sim(*state), "{\"name\": \"slow\", \"method\": \"POST\", \"times\": 1,"
                                 " \"action\": {\"hang\": true}}");
    assert_int_equal(stack_execute(*state, "acme"), 204);
    assert_becomes_true(run_has_begun, stack_sim(*state), LIMIT_MS);
    (void)stack_start_worker(*state, NULL);
    process_kill(stack_worker(*state, 0));
    assert_becomes_true(second_has_recovered, *state, (int64_t)2 * LIMIT_MS);
}

static void broken_settings_show(void **state)
{
    temp_dir_overwrite_file(stack_dir(*state), STACK_SETTINGS, "{ }");
    assert_shown(*state, false, "omnihook_settings_broken 1");
    assert_shown(*state, true, "omnihook_settings_broken 1");
    stack_write_settings(*state);
    assert_shown(*state, false, "omnihook_settings_broken 0");
    assert_shown(*state, true, "omnihook_settings_broken 0");
}

static void a_redis_that_is_away_shows(void **state)
{
    redis_fixture_stop(stack_redis(*state));
    assert_shown(*state, false, "omnihook_redis_connections 0");
    assert_shown(*state, true, "omnihook_redis_connections 0");
    redis_fixture_start(stack_redis(*state));
    assert_shown(*state, true, "omnihook_redis_connections 3");
    assert_shown(*state, false, "omnihook_redis_connections 1");
    assert_shown(*state, false, "omnihook_redis_reconnects_total 1");
}

/* Of a program that has not spoken with Redis yet: a 0 would be a lie, and a reset to Prometheus.
 */
static void the_queue_is_not_shown_before_redis_is_there(void **state)
{
    redis_fixture_stop(stack_redis(*state));
    size_t number = stack_start_worker_until(*state, "redis_down", NULL);
    const char *address = stack_worker_ops_address(*state, number);
    struct http_answer *answer = stack_ops_call(address, "/metrics");
    assert_int_equal(answer->status, 200);
    assert_non_null(strstr(answer->body, "\nomnihook_redis_connections 0\n"));
    assert_non_null(strstr(answer->body, "\nomnihook_queue_reads_total 0\n"));
    assert_null(strstr(answer->body, "omnihook_queue_jobs"));
    assert_null(strstr(answer->body, "omnihook_workers"));
    assert_null(strstr(answer->body, "omnihook_jobs_total"));
    http_answer_free(answer);
    redis_fixture_start(stack_redis(*state));
    struct expectation expected = {.address = address, .line = "omnihook_workers 2"};
    assert_becomes_true(is_shown, &expected, LIMIT_MS);
    expected.line = "omnihook_jobs_total{event=\"enqueued\"} 0";
    assert_becomes_true(is_shown, &expected, LIMIT_MS);
}

/* Asks promtool, which ./dev puts in its place. */
static void check_with_promtool(struct stack *stack, bool is_worker)
{
    struct http_answer *answer = fetch(stack, is_worker);
    assert_int_equal(answer->status, 200);
    char *type = http_answer_header(answer, "Content-Type");
    assert_string_equal(type, "text/plain; version=0.0.4; charset=utf-8");
    mem_free(type);
    temp_dir_overwrite_file(stack_dir(stack), "metrics.txt", answer->body);
    http_answer_free(answer);
    char *path = temp_dir_join(stack_dir(stack), "metrics.txt");
    char command[PATH_SIZE];
    (void)snprintf(command, sizeof command, "exec promtool check metrics < %s 2>&1", path);
    const char *const argv[] = {"sh", "-c", command, NULL};
    const struct process_options options = {
        .name = "promtool", .argv = argv, .dir = stack_dir(stack)};
    struct process *promtool = process_start(&options);
    int status = process_wait_exit(promtool, LIMIT_MS);
    char *output = process_read(promtool, PROCESS_STDOUT);
    if (status != 0) {
        print_error("promtool: exit %d\n%s\n", status, output);
    }
    assert_string_equal(output, "");
    assert_int_equal(status, 0);
    mem_free(output);
    mem_free(path);
    process_free(promtool);
}

static void prometheus_finds_nothing_wrong_with_them(void **state)
{
    stack_run(*state, "acme", "FINISHED", LIMIT_MS);
    check_with_promtool(*state, false);
    check_with_promtool(*state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(the_figures_tell_what_has_happened, &one_of_each),
        STACK_TEST(the_start_is_when_it_was_started, &one_of_each),
        STACK_TEST(several_processes_are_added_up, &two_of_each),
        STACK_TEST(a_webhook_that_is_left_inactive_shows, &one_of_each),
        STACK_TEST(the_job_of_a_killed_worker_shows_as_recovered, &one_of_each),
        STACK_TEST(broken_settings_show, &one_of_each),
        STACK_TEST(a_redis_that_is_away_shows, &one_of_each),
        STACK_TEST(the_queue_is_not_shown_before_redis_is_there, &one_of_each),
        STACK_TEST(prometheus_finds_nothing_wrong_with_them, &one_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
