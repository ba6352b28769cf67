/* A worker dies or freezes in the middle of a job: another one finishes it. */
#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/stack.h"
#include "tests/support/test.h"
#include "tests/support/wait_until.h"
#include "tests/support/webhooks.h"

#include <signal.h>
#include <string.h>

enum {
    WANTED = 20,
    /* Long enough for a busy machine: a worker that is only slow must not lose it. */
    LEASE_MS = 3000,
    LIMIT_MS = 30000,
    /* Promised: a dead worker's job runs again within the lease and 5 s. Then it has to run. */
    RECOVERY_MS = LEASE_MS + 5000 + 5000,
};

static const char *const short_lease[] = {"OMNIHOOK_LEASE_MS=3000", NULL};

/* Five webhooks are created; the sixth call reaches Omnitron and is never answered. */
static const char hang_after_five[] = "{\"name\": \"hang\", \"method\": \"POST\", \"skip\": 5,"
                                      " \"times\": -1, \"path\": \"/whisperer/hooks/\","
                                      " \"action\": {\"hang\": true}}";

static bool run_hangs(void *sim)
{
    return sim_fault_hits(sim, "hang") > 0;
}

/* A stack of one API and worker_count workers, with WANTED webhooks for the account acme. */
static struct stack *start_stack(size_t worker_count)
{
    char *webhooks = webhooks_print("https://erp.example.com/hooks/", WANTED, "");
    const struct stack_account account = {.name = "acme", .webhooks = webhooks};
    const struct stack_options options = {.accounts = &account,
                                          .account_count = 1,
                                          .api_count = 1,
                                          .worker_count = worker_count,
                                          .env = short_lease};
    struct stack *stack = stack_new(&options);
    mem_free(webhooks);
    return stack;
}

static int setup(void **state)
{
    *state = start_stack(1);
    return 0;
}

static void wait_for_hang(struct stack *stack)
{
    if (!wait_until(run_hangs, stack_sim(stack), LIMIT_MS)) {
        stack_print_logs(stack);
        fail_because("no call hangs; the account is %s", stack_status(stack, "acme"));
    }
}

static void hang_in_mid_job(struct stack *stack)
{
    sim_fault(stack_sim(stack), hang_after_five);
    assert_int_equal(stack_execute(stack, "acme"), 204);
    wait_for_hang(stack);
}

static void assert_all_registered_once(struct stack *stack)
{
    struct sim *sim = stack_sim(stack);
    assert_int_equal(sim_hook_count(sim, "acme"), WANTED);
    json_t *counters = sim_counters(sim);
    assert_int_equal(json_array_size(json_object_get(counters, "duplicates")), 0);
    json_decref(counters);
    assert_string_equal(stack_is_required(stack, "acme"), "false");
}

static void the_job_of_a_killed_worker_is_finished_by_another(void **state)
{
    struct stack *stack = *state;
    hang_in_mid_job(stack);
    (void)stack_start_worker(stack, NULL);

    process_kill(stack_worker(stack, 0));
    sim_clear_faults(stack_sim(stack));
    assert_string_equal(stack_status(stack, "acme"), "WORKING");
    stack_wait_status(stack, "acme", "FINISHED", RECOVERY_MS);
    assert_all_registered_once(stack);
    assert_int_equal(redis_int(stack_redis(stack), "HGET {omnihook}:totals recovered"), 1);
}

static void a_job_waits_for_a_worker_when_the_only_one_has_died(void **state)
{
    struct stack *stack = *state;
    hang_in_mid_job(stack);
    process_kill(stack_worker(stack, 0));
    sim_clear_faults(stack_sim(stack));

    (void)stack_start_worker(stack, NULL);
    stack_wait_status(stack, "acme", "FINISHED", RECOVERY_MS);
    assert_all_registered_once(stack);
}

static void a_frozen_worker_that_comes_back_changes_nothing(void **state)
{
    struct stack *stack = *state;
    hang_in_mid_job(stack);
    (void)stack_start_worker(stack, NULL);

    process_signal(stack_worker(stack, 0), SIGSTOP);
    sim_clear_faults(stack_sim(stack));
    stack_wait_status(stack, "acme", "FINISHED", RECOVERY_MS);
    assert_int_equal(process_stop(stack_worker(stack, 1), LIMIT_MS), 0);

    process_signal(stack_worker(stack, 0), SIGCONT);
    /* The fact that shows it has come to itself: it does a run of its own. */
    stack_run(stack, "acme", "FINISHED", LIMIT_MS);
    assert_int_equal(redis_int(stack_redis(stack), "LLEN {omnihook}:history:acme"), 2);
    assert_int_equal(redis_int(stack_redis(stack), "HGET {omnihook}:totals finished"), 2);
    assert_all_registered_once(stack);
}

static void a_job_whose_worker_dies_three_times_fails(void **state)
{
    struct stack *stack = *state;
    hang_in_mid_job(stack);
    for (size_t death = 0; death < 3; death++) {
        wait_for_hang(stack);
        process_kill(stack_worker(stack, death));
        /* Put anew, it counts from 0: the next run gets five webhooks further. */
        sim_fault(stack_sim(stack), hang_after_five);
        (void)stack_start_worker(stack, NULL);
    }
    stack_wait_status(stack, "acme", "FAILED", RECOVERY_MS);
    assert_int_equal(redis_int(stack_redis(stack), "LLEN {omnihook}:dead"), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, stack_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_job_of_a_killed_worker_is_finished_by_another),
        TEST(a_job_waits_for_a_worker_when_the_only_one_has_died),
        TEST(a_frozen_worker_that_comes_back_changes_nothing),
        TEST(a_job_whose_worker_dies_three_times_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
