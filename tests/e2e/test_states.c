/* The five states of get_async_status, each reached by what brings it about in real life. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <string.h>

enum { LIMIT_MS = 15000 };

#define TWO_WEBHOOKS                                                                               \
    "[{\"event_type\": \"retail_store.created\", \"target_url\": \"https://oms.example.com/a\"},"  \
    " {\"event_type\": \"retail_store.updated\", \"target_url\": \"https://oms.example.com/a\"}]"

static const struct stack_account account = {
    .name = "acme",
    .webhooks = TWO_WEBHOOKS,
    /* A call that hangs is tried again soon. */
    .extra = "{\"omnitron\": {\"timeout_ms\": 500}}",
};
static struct stack_options one_of_each = {
    .accounts = &account,
    .account_count = 1,
    .api_count = 1,
    .worker_count = 1,
};

static const char hang_on_create[] = "{\"name\": \"hang\", \"method\": \"POST\", \"times\": -1,"
                                     " \"path\": \"/whisperer/hooks/\","
                                     " \"action\": {\"hang\": true}}";

static bool run_is_creating(void *sim)
{
    return sim_fault_hits(sim, "hang") > 0;
}

static void an_account_that_never_ran_is_ready(void **state)
{
    struct stack *stack = *state;
    assert_string_equal(stack_status(stack, "acme"), "READY");
    assert_string_equal(stack_is_required(stack, "acme"), "true");
}

static void a_job_is_working_while_it_runs_and_finished_when_all_is_registered(void **state)
{
    struct stack *stack = *state;
    struct sim *sim = stack_sim(stack);
    sim_fault(sim, hang_on_create);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
    assert_becomes_true(run_is_creating, sim, LIMIT_MS);
    assert_string_equal(stack_status(stack, "acme"), "WORKING");

    sim_clear_faults(sim);
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(sim_hook_count(sim, "acme"), 2);
    assert_true(sim_has_hook(sim, "acme", "retail_store.created", "https://oms.example.com/a"));
    assert_true(sim_has_hook(sim, "acme", "retail_store.updated", "https://oms.example.com/a"));
    assert_string_equal(stack_is_required(stack, "acme"), "false");
}

static void a_job_fails_when_omnitron_refuses_a_webhook(void **state)
{
    struct stack *stack = *state;
    sim_fault(stack_sim(stack), "{\"method\": \"POST\", \"path\": \"/whisperer/hooks/\","
                                " \"times\": -1, \"action\": {\"status\": 400,"
                                " \"json\": {\"event_type\": [\"not a valid choice\"]}}}");
    stack_run(stack, "acme", "FAILED", LIMIT_MS);
    assert_string_equal(stack_is_required(stack, "acme"), "true");
}

static bool asks_more_than(int64_t requests, struct sim *sim)
{
    return sim_counter(sim, "requests") > requests;
}

struct silence {
    struct sim *sim;
    int64_t requests;
};

static bool is_broken(void *silence_)
{
    const struct silence *silence = silence_;
    return asks_more_than(silence->requests, silence->sim);
}

static int abort_job(struct stack *stack)
{
    struct http_answer *answer = stack_call(stack, "acme", "POST", "abort/");
    int status = answer->status;
    http_answer_free(answer);
    return status;
}

static void a_running_job_that_is_aborted_asks_omnitron_no_more(void **state)
{
    struct stack *stack = *state;
    struct sim *sim = stack_sim(stack);
    sim_fault(sim, hang_on_create);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_becomes_true(run_is_creating, sim, LIMIT_MS);

    assert_int_equal(abort_job(stack), 204);
    stack_wait_status(stack, "acme", "ABORTED", 1000);
    struct silence silence = {.sim = sim, .requests = sim_counter(sim, "requests")};
    sim_clear_faults(sim);
    assert_false(wait_until(is_broken, &silence, 1500));
    assert_int_equal(sim_hook_count(sim, "acme"), 0);
}

static void an_aborted_account_can_be_executed_again(void **state)
{
    struct stack *stack = *state;
    sim_fault(stack_sim(stack), hang_on_create);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_becomes_true(run_is_creating, stack_sim(stack), LIMIT_MS);
    assert_int_equal(abort_job(stack), 204);
    stack_wait_status(stack, "acme", "ABORTED", LIMIT_MS);

    sim_clear_faults(stack_sim(stack));
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
}

static void a_job_without_a_worker_waits_and_can_be_aborted(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
    assert_int_equal(abort_job(stack), 204);
    assert_string_equal(stack_status(stack, "acme"), "ABORTED");
    assert_int_equal(redis_int(stack_redis(stack), "LLEN {omnihook}:queue"), 0);
}

static void an_abort_of_nothing_changes_nothing(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(abort_job(stack), 204);
    assert_string_equal(stack_status(stack, "acme"), "READY");
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(abort_job(stack), 204);
    assert_string_equal(stack_status(stack, "acme"), "FINISHED");
}

static bool is_ready(void *stack)
{
    return strcmp(stack_status(stack, "acme"), "READY") == 0;
}

static void an_ended_status_is_forgotten_after_its_time(void **state)
{
    struct stack *stack = *state;
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_becomes_true(is_ready, stack, 5000);
}

int main(void)
{
    static const char *const short_memory[] = {"OMNIHOOK_RESULT_TTL=2", NULL};
    struct stack_options forgetful = one_of_each;
    forgetful.env = short_memory;
    const struct CMUnitTest tests[] = {
        STACK_TEST(an_account_that_never_ran_is_ready, &one_of_each),
        STACK_TEST(a_job_is_working_while_it_runs_and_finished_when_all_is_registered,
                   &one_of_each),
        STACK_TEST(a_job_fails_when_omnitron_refuses_a_webhook, &one_of_each),
        STACK_TEST(a_running_job_that_is_aborted_asks_omnitron_no_more, &one_of_each),
        STACK_TEST(an_aborted_account_can_be_executed_again, &one_of_each),
        STACK_TEST(a_job_without_a_worker_waits_and_can_be_aborted, &one_of_each),
        STACK_TEST(an_abort_of_nothing_changes_nothing, &one_of_each),
        STACK_TEST(an_ended_status_is_forgotten_after_its_time, &forgetful),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
