/* An execute that comes while the account's job runs books exactly one more run. */
#include "common/mem.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"

#include <string.h>

enum { LIMIT_MS = 15000, EAGER_CALLS = 50 };

#define URL "https://erp.example.com/hooks/"
#define ONE_WEBHOOK "[{\"event_type\": \"package.created\", \"target_url\": \"" URL "1\"}]"
#define TWO_WEBHOOKS                                                                               \
    "[{\"event_type\": \"package.created\", \"target_url\": \"" URL "1\"},"                        \
    " {\"event_type\": \"package.shipped\", \"target_url\": \"" URL "2\"}]"

static const struct stack_account account = {
    .name = "acme",
    .webhooks = ONE_WEBHOOK,
    .extra = "{\"omnitron\": {\"timeout_ms\": 1000}}",
};
static struct stack_options one_of_each = {
    .accounts = &account,
    .account_count = 1,
    .api_count = 1,
    .worker_count = 2,
};

static bool run_is_creating(void *sim)
{
    return sim_fault_hits(sim, "hang") > 0;
}

/* Returns when the run has read its settings: its first POST has reached Omnitron. */
static void start_run(struct stack *stack)
{
    sim_fault(stack_sim(stack), "{\"name\": \"hang\", \"method\": \"POST\", \"times\": -1,"
                                " \"path\": \"/whisperer/hooks/\", \"action\": {\"hang\": true}}");
    assert_int_equal(stack_execute(stack, "acme"), 204);
    assert_becomes_true(run_is_creating, stack_sim(stack), LIMIT_MS);
}

static int64_t run_count(struct stack *stack)
{
    return redis_int(stack_redis(stack), "LLEN {omnihook}:history:acme");
}

static void many_executes_during_a_run_are_one_more_run(void **state)
{
    struct stack *stack = *state;
    start_run(stack);
    for (int i = 0; i < EAGER_CALLS; i++) {
        assert_int_equal(stack_execute(stack, "acme"), 204);
    }
    json_t *report = stack_report(stack, "acme");
    assert_true(json_is_true(json_object_get(report, "rerun")));
    json_decref(report);

    sim_clear_faults(stack_sim(stack));
    /* WORKING without a gap: FINISHED is seen only when the second run is over. */
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(run_count(stack), 2);
    assert_int_equal(redis_int(stack_redis(stack), "HGET {omnihook}:totals reruns"), 1);
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 1);
}

static void a_setting_that_changes_during_a_run_is_met_by_the_next_one(void **state)
{
    struct stack *stack = *state;
    start_run(stack);
    stack_set_webhooks(stack, "acme", TWO_WEBHOOKS);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    sim_clear_faults(stack_sim(stack));
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    assert_true(sim_has_hook(stack_sim(stack), "acme", "package.shipped", URL "2"));
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 2);
}

static void executes_before_the_run_starts_are_one_run(void **state)
{
    struct stack *stack = *state;
    assert_int_equal(process_stop(stack_worker(stack, 0), LIMIT_MS), 0);
    assert_int_equal(process_stop(stack_worker(stack, 1), LIMIT_MS), 0);
    for (int i = 0; i < EAGER_CALLS; i++) {
        assert_int_equal(stack_execute(stack, "acme"), 204);
    }
    assert_int_equal(redis_int(stack_redis(stack), "LLEN {omnihook}:queue"), 1);
    (void)stack_start_worker(stack, NULL);
    stack_wait_status(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(run_count(stack), 1);
}

static void an_abort_ends_the_booked_run_too(void **state)
{
    struct stack *stack = *state;
    start_run(stack);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    struct http_answer *answer = stack_call(stack, "acme", "POST", "abort/");
    assert_int_equal(answer->status, 204);
    http_answer_free(answer);
    stack_wait_status(stack, "acme", "ABORTED", LIMIT_MS);
    assert_int_equal(redis_int(stack_redis(stack), "LLEN {omnihook}:queue"), 0);
    assert_int_equal(sim_hook_count(stack_sim(stack), "acme"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(many_executes_during_a_run_are_one_more_run, &one_of_each),
        STACK_TEST(a_setting_that_changes_during_a_run_is_met_by_the_next_one, &one_of_each),
        STACK_TEST(executes_before_the_run_starts_are_one_run, &one_of_each),
        STACK_TEST(an_abort_ends_the_booked_run_too, &one_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
