/* One account and two workers: every schedule there is, up to some steps of an alphabet. */
#include "tests/model/explore.h"
#include "tests/support/fail.h"
#include "tests/support/redis_fixture.h"
#include "tests/support/test.h"

#include <stdio.h>

enum { WAY_OK = 0, WAY_RETRY = 6, WAY_RELEASED = 15, PASS_A_LEASE = 5 };
/* As deep as half a minute allows. */
enum { CALLS_DEPTH = 11, LEASES_DEPTH = 8 };

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* Workers that live; calls that are lost, late, and repeated. */
static const struct step calls[] = {
    {STEP_EXECUTE, 0, 0, FATE_NOW},
    {STEP_ABORT, 0, 0, FATE_NOW},
    {STEP_PROMOTE, 0, 0, FATE_NOW},
    {STEP_LATE, 0, 0, FATE_NOW},
    {STEP_LATE, 0, 1, FATE_NOW},
    {STEP_POP, 0, 0, FATE_NOW},
    {STEP_POP, 1, 0, FATE_NOW},
    {STEP_POP, 0, 0, FATE_UNHEARD},
    {STEP_POP, 0, 0, FATE_LATE},
    {STEP_WORK, 0, WAY_OK, FATE_NOW},
    {STEP_WORK, 1, WAY_OK, FATE_NOW},
    {STEP_WORK, 0, WAY_OK, FATE_UNHEARD},
    {STEP_WORK, 0, WAY_OK, FATE_LATE},
    {STEP_WORK, 0, WAY_RETRY, FATE_NOW},
    {STEP_WORK, 0, WAY_RELEASED, FATE_NOW},
    {STEP_LOOK, 0, 0, FATE_NOW},
};

/* Workers that die, stall and stop, and leases that end. */
static const struct step leases[] = {
    {STEP_EXECUTE, 0, 0, FATE_NOW},
    {STEP_ABORT, 0, 0, FATE_NOW},
    {STEP_PASS, 0, PASS_A_LEASE, FATE_NOW},
    {STEP_TAKE_BACK, 0, 0, FATE_NOW},
    {STEP_PROMOTE, 0, 0, FATE_NOW},
    {STEP_BEAT, 0, 0, FATE_NOW},
    {STEP_BEAT, 1, 0, FATE_NOW},
    {STEP_POP, 0, 0, FATE_NOW},
    {STEP_POP, 1, 0, FATE_NOW},
    {STEP_WORK, 0, WAY_OK, FATE_NOW},
    {STEP_WORK, 1, WAY_OK, FATE_NOW},
    {STEP_DIE, 0, 0, FATE_NOW},
    {STEP_STALL, 0, 0, FATE_NOW},
    {STEP_WAKE, 0, 0, FATE_NOW},
    {STEP_STOP, 1, 0, FATE_NOW},
};

static void explore_all(struct machine *machine, const struct alphabet *alphabet)
{
    struct explored explored;
    explore(alphabet, machine, &explored);
    if (explored.verdict.rule != NULL) {
        schedule_fail(&explored.schedule, machine, &explored.verdict, alphabet->name);
    }
    print_message("%s: %zu steps of %zu letters: %zu states, %zu transitions\n", alphabet->name,
                  alphabet->depth, alphabet->letter_count, explored.states, explored.transitions);
}

static void no_order_of_calls_breaks_a_promise(void **state)
{
    const struct alphabet alphabet = {"calls", calls, COUNT_OF(calls), CALLS_DEPTH};
    explore_all(*state, &alphabet);
}

static void no_order_of_deaths_breaks_a_promise(void **state)
{
    const struct alphabet alphabet = {"leases", leases, COUNT_OF(leases), LEASES_DEPTH};
    explore_all(*state, &alphabet);
}

/* It is able to fail, and what it fails with is as short as can be. */
static void a_fault_is_met_by_the_shortest_schedule(void **state)
{
    enum { EXECUTE_POP_CLAIM_FINISH_UNHEARD = 4 };
    static const struct script_edit fault = {
        "finish.lua", "if token ~= '' and ctl.last_claim == token then", "if false then"};
    const struct alphabet alphabet = {"calls", calls, COUNT_OF(calls), CALLS_DEPTH};
    struct machine *machine = *state;
    struct explored explored;
    assert_true(machine_load(machine, &fault));
    explore(&alphabet, machine, &explored);
    assert_true(machine_load(machine, NULL));
    assert_non_null(explored.verdict.rule);
    size_t starts = EXPLORE_WORKERS;
    assert_int_equal(explored.schedule.count - starts, EXECUTE_POP_CLAIM_FINISH_UNHEARD);
}

static struct redis_fixture *redis;

static int setup(void **state)
{
    redis = redis_fixture_new(NULL);
    *state = machine_new(redis_fixture_address(redis));
    return 0;
}

static int teardown(void **state)
{
    machine_free(*state);
    redis_fixture_free(redis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_order_of_calls_breaks_a_promise),
        cmocka_unit_test(no_order_of_deaths_breaks_a_promise),
        cmocka_unit_test(a_fault_is_met_by_the_shortest_schedule),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
