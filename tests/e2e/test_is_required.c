/* A thousand calls of is_required at once: few reads of Omnitron's list, and no answer from one
   that was read before its call began. */
#include "common/mem.h"
#include "tests/support/api_text.h"
#include "tests/support/fail.h"
#include "tests/support/raw_call.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { CALLS = 1000, LIMIT_MS = 120000 };

static const struct stack_account accounts[] = {
    {.name = "acme",
     .webhooks = "[{\"event_type\":\"package.created\",\"target_url\":\"https://erp.example/a\"}]",
     .extra = "{\"omnitron\":{\"timeout_ms\":60000}}",
     .is_superuser = true},
};
static const char *const patient[] = {"OMNIHOOK_REQUEST_TIMEOUT_MS=120000", NULL};
static struct stack_options options = {
    .accounts = accounts, .account_count = 1, .worker_count = 0, .env = patient};

/* An API whose way to the simulator can be held. */
struct scene {
    struct stack *stack;
    struct tcp_proxy *proxy;
    struct raw_call *calls[CALLS];
    size_t call_count;
};

static int set_up(void **state)
{
    struct rlimit files;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    struct scene *scene = mem_new(1, sizeof *scene);
    scene->stack = stack_new(&options);
    scene->proxy = tcp_proxy_new("127.0.0.1:0", sim_address(stack_sim(scene->stack)));
    char url[160];
    (void)snprintf(url, sizeof url, "http://%s/api/v1/", tcp_proxy_address(scene->proxy));
    json_t *omnitron = json_object_get(stack_settings(scene->stack, "acme"), "omnitron");
    json_object_set_new(omnitron, "url", json_string(url));
    stack_write_settings(scene->stack);
    (void)stack_start_api(scene->stack, NULL);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < scene->call_count; i++) {
        raw_call_close(scene->calls[i]);
    }
    stack_free(scene->stack);
    tcp_proxy_free(scene->proxy);
    mem_free(scene);
    return 0;
}

static void start_calls(struct scene *scene, size_t count)
{
    char *request =
        with_key(CALL("GET", "is_required/") KEY CLOSE END, stack_key(scene->stack, "acme"));
    for (size_t i = 0; i < count; i++) {
        struct raw_call *call = raw_call_open(stack_api_address(scene->stack, 0));
        assert_true(raw_call_send_text(call, request));
        scene->calls[scene->call_count++] = call;
    }
    mem_free(request);
    /* The API has read them when it answers calls that came later. */
    for (int i = 0; i < 3; i++) {
        struct http_answer *answer = stack_call(scene->stack, NULL, "GET", "openapi.json");
        assert_int_equal(answer->status, 200);
        http_answer_free(answer);
    }
}

static void expect_answers(struct scene *scene, size_t from, size_t to, const char *result)
{
    for (size_t i = from; i < to; i++) {
        const char *answer = raw_call_receive(scene->calls[i], NULL, LIMIT_MS);
        if (strstr(answer, result) == NULL) {
            fail_because("call %zu: %s", i, answer);
        }
    }
}

static bool is_list_read(void *arg)
{
    return sim_counter(arg, "list_reads") == 1;
}

/* The first call's list is read, and its answer held on its way; then the others come, and between
   them the webhook is registered. */
static void a_thousand_calls_cost_two_list_reads_and_none_is_stale(void **state)
{
    struct scene *scene = *state;
    struct sim *sim = stack_sim(scene->stack);
    sim_fault(sim, "{\"method\":\"GET\",\"times\":1,\"action\":{\"delay_ms\":3000}}");
    start_calls(scene, 1);
    assert_becomes_true(is_list_read, sim, LIMIT_MS);
    tcp_proxy_set(scene->proxy, TCP_PROXY_HOLD);
    start_calls(scene, CALLS / 2);
    sim_seed(sim, "[{\"username\":\"acme\",\"event_type\":\"package.created\","
                  "\"target_url\":\"https://erp.example/a\",\"is_active\":true}]");
    start_calls(scene, CALLS - CALLS / 2 - 1);
    tcp_proxy_set(scene->proxy, TCP_PROXY_FORWARD);

    expect_answers(scene, 0, 1, RESULT("true"));
    expect_answers(scene, 1, CALLS, RESULT("false"));
    assert_int_equal(scene->call_count, CALLS);
    assert_int_equal(sim_counter(sim, "list_reads"), 2);
    assert_int_equal(sim_route_count(sim, "GET /whisperer/hooks/", 0), 2);
}

/* Neither is a failure: it is told to those who waited, and forgotten. */
static void a_failure_is_shared_by_those_who_waited_and_not_remembered(void **state)
{
    enum { FEW = 20 };
    struct scene *scene = *state;
    struct sim *sim = stack_sim(scene->stack);
    sim_fault(sim,
              "{\"method\":\"GET\",\"times\":-1,\"action\":{\"status\":403,\"delay_ms\":100}}");
    start_calls(scene, FEW);
    expect_answers(scene, 0, FEW, "502 ");
    assert_in_range(sim_counter(sim, "requests"), 1, FEW - 1);
    sim_clear_faults(sim);
    assert_string_equal(stack_is_required(scene->stack, "acme"), "true");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_calls_cost_two_list_reads_and_none_is_stale),
        TEST(a_failure_is_shared_by_those_who_waited_and_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
